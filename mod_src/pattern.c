/* SPDX-License-Identifier: Apache-2.0 */
#include "pattern.h"

#include "apr_atomic.h"

#define TEXT_MAX (1024 * 1024) /* bytes of a pattern's text; what they compile to is limited by PCRE2 */
#define SHOWN 500              /* bytes of a text in an error */

#ifndef PCRE2_MATCH_INVALID_UTF /* before 10.34 */
#define PCRE2_MATCH_INVALID_UTF 0
#endif

/* The options: name, letter, PCRE2's word for it. */
#define OPTIONS(X)                                                                                 \
    X(ONCE, 'o', 0)                                                                                \
    X(JIT, 'j', 0)                                                                                 \
    X(CASELESS, 'i', PCRE2_CASELESS)                                                               \
    X(DOTALL, 's', PCRE2_DOTALL)                                                                   \
    X(MULTILINE, 'm', PCRE2_MULTILINE)                                                             \
    X(UTF, 'u', PCRE2_UTF)                                                                         \
    X(ANY_UTF, 'U', PCRE2_UTF | PCRE2_MATCH_INVALID_UTF)                                           \
    X(EXTENDED, 'x', PCRE2_EXTENDED)                                                               \
    X(DFA, 'd', 0)                                                                                 \
    X(ANCHORED, 'a', PCRE2_ANCHORED)                                                               \
    X(LISTS, 'D', PCRE2_DUPNAMES)                                                                  \
    X(JAVASCRIPT, 'J', PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF)

enum {
#define X(name, ...) BIT_##name,
    OPTIONS(X)
#undef X
    BITS
};
#define HAS(p, name) ((p)->flags & 1 << BIT_##name)

static const struct {
    char letter;
    uint32_t pcre;
} options[BITS] = {
#define X(name, letter, pcre) { letter, pcre },
    OPTIONS(X)
#undef X
};

/* All of a state. Its first user value is the cache: flags -> text -> pattern. The second is a list of the patterns in it. */
struct coral_patterns_t {
    pcre2_compile_context *compiling;
    coral_matcher_t matcher;
    int kept, max; /* patterns in the cache */
    unsigned int dice;
};

static char all_key; /* registry */

#define UPVALUE lua_upvalueindex(1)
#define ALL "coral.patterns" /* the metatables */
#define ONE "coral.pattern"

static int flags_at(lua_State *L, int index)
{
    size_t length, i;
    const char *text;
    int flags = 0, bit;

    if (!lua_toboolean(L, index))
        return 0;
    text = luaL_checklstring(L, index, &length);
    for (i = 0; i < length; i++) {
        for (bit = 0; bit < BITS && options[bit].letter != text[i]; bit++)
            ;
        if (bit == BITS)
            luaL_error(L, "unknown flag \"%c\" (flags \"%s\")", text[i], text);
        flags |= 1 << bit;
    }
    return flags;
}

/* --- compiling ----------------------------------------------------------------------- */

static void release(coral_pattern_t *p)
{
    pcre2_code_free(p->code);
    p->code = NULL;
}

static int l_release(lua_State *L)
{
    release(lua_touserdata(L, 1));
    return 0;
}

/* OpenResty's words, which name the function of PCRE 1. */
static void push_mistake(lua_State *L, const char *text, size_t length, int error, size_t offset)
{
    PCRE2_UCHAR why[256];
    luaL_Buffer b;

    pcre2_get_error_message(error, why, sizeof(why));
    luaL_buffinit(L, &b);
    luaL_addstring(&b, "pcre_compile() failed: ");
    luaL_addstring(&b, (char *)why);
    luaL_addstring(&b, " in \"");
    luaL_addlstring(&b, text, length < SHOWN ? length : SHOWN);
    if (offset < length) {
        luaL_addstring(&b, "\" at \"");
        luaL_addlstring(&b, text + offset, length - offset < SHOWN ? length - offset : SHOWN);
    }
    luaL_addchar(&b, '"');
    luaL_pushresult(&b);
}

static void describe(coral_pattern_t *p)
{
    uint32_t in_force = 0, groups = 0, names = 0, stride = 0;

    pcre2_pattern_info(p->code, PCRE2_INFO_ALLOPTIONS, &in_force); /* (*UTF) in the text counts, too */
    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &names);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &stride);
    pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &p->name_table);
    p->utf = (in_force & PCRE2_UTF) != 0;
    if (!HAS(p, DFA)) { /* which does not tell where groups are */
        p->groups = (int)groups;
        p->names = names;
        p->stride = stride;
    }
}

/* Pushes a new pattern, or why there is none. */
static coral_pattern_t *compile(lua_State *L, coral_patterns_t *all, const char *text, size_t length, int flags)
{
    coral_pattern_t *p = lua_newuserdatauv(L, sizeof(*p), 1);
    uint32_t wanted = 0;
    size_t offset;
    int error, bit;

    memset(p, 0, sizeof(*p));
    p->all = all;
    p->flags = flags;
    luaL_setmetatable(L, ONE);
    for (bit = 0; bit < BITS; bit++)
        if (flags & 1 << bit)
            wanted |= options[bit].pcre;
    if (HAS(p, DFA))
        wanted &= ~(uint32_t)PCRE2_MATCH_INVALID_UTF; /* it can not */
    p->code = pcre2_compile((PCRE2_SPTR)text, length, wanted, &error, &offset, all->compiling);
    if (!p->code) {
        push_mistake(L, text, length, error, offset);
        return NULL;
    }
    /* U is for speed, but without machine code PCRE2 looks through the whole subject with each match. If none can be made it goes
     * without. */
    if ((HAS(p, JIT) || HAS(p, ANY_UTF)) && !HAS(p, DFA) && pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0)
        coral_matcher_use_jit(&all->matcher);
    describe(p);
    return p;
}

/* --- the cache ----------------------------------------------------------------------- */

/* Pushes the pattern that is kept, or nothing. */
static coral_pattern_t *find(lua_State *L, int regex, int flags)
{
    int top = lua_gettop(L);
    coral_pattern_t *p = NULL;

    lua_getiuservalue(L, UPVALUE, 1);
    if (lua_rawgeti(L, -1, flags) == LUA_TTABLE) {
        lua_pushvalue(L, regex);
        lua_rawget(L, -2);
        p = lua_touserdata(L, -1);
        lua_replace(L, top + 1);
    }
    lua_settop(L, p ? top + 1 : top);
    return p;
}

static void warn_once(const coral_patterns_t *all)
{
    static apr_uint32_t warned;

    if (!apr_atomic_xchg32(&warned, 1))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "a Lua state has more regular expressions with option o than it may keep: CoralRegexCacheMaxEntries is %d; "
                     "from now on some are compiled again and again", all->max);
}

/* Any one goes. Which one is drawn by lot: patterns that are made up and used once drive out one good pattern each at the most, and
 * there is no order of use that always finds its pattern gone, as there is for the one used longest ago. */
static int make_room(lua_State *L, coral_patterns_t *all, int cache, int list)
{
    coral_pattern_t *p;
    int place;

    warn_once(all);
    all->dice = all->dice * 1103515245u + 12345u;
    place = (int)((all->dice >> 8) % (unsigned int)all->kept) + 1;
    lua_rawgeti(L, list, place);
    p = lua_touserdata(L, -1);
    if (p && lua_rawgeti(L, cache, p->flags) == LUA_TTABLE) {
        lua_getiuservalue(L, -2, 1);
        lua_pushnil(L);
        lua_rawset(L, -3);
        p->cached = 0;
        if (!p->uses)
            release(p);
    }
    return place;
}

/* Keeps the pattern on top. */
static void keep(lua_State *L, coral_patterns_t *all, int regex, coral_pattern_t *p)
{
    int top = lua_gettop(L), cache = top + 1, list = top + 2, same = top + 3, place;

    lua_pushvalue(L, regex);
    lua_setiuservalue(L, top, 1);
    lua_getiuservalue(L, UPVALUE, 1);
    lua_getiuservalue(L, UPVALUE, 2);
    if (lua_rawgeti(L, cache, p->flags) != LUA_TTABLE) {
        lua_newtable(L);
        lua_replace(L, same);
        lua_pushvalue(L, same);
        lua_rawseti(L, cache, p->flags);
    }
    place = all->kept < all->max ? ++all->kept : make_room(L, all, cache, list);
    lua_pushvalue(L, top);
    lua_rawseti(L, list, place);
    lua_pushvalue(L, regex);
    lua_pushvalue(L, top);
    lua_rawset(L, same);
    p->cached = 1;
    lua_settop(L, top);
}

coral_pattern_t *coral_pattern_take(lua_State *L, int regex, int options_at)
{
    coral_patterns_t *all = lua_touserdata(L, UPVALUE);
    size_t length;
    const char *text = luaL_checklstring(L, regex, &length);
    int flags = flags_at(L, options_at), lasting = flags & 1 << BIT_ONCE && all->max;
    coral_pattern_t *p = lasting ? find(L, regex, flags) : NULL;

    if (!p) {
        if (!(p = compile(L, all, text, length, flags)))
            return NULL;
        if (lasting)
            keep(L, all, regex, p);
    }
    p->uses++;
    return p;
}

void coral_pattern_give(coral_pattern_t *p)
{
    if (!--p->uses && !p->cached)
        release(p);
}

int coral_pattern_has_lists(const coral_pattern_t *p)
{
    return HAS(p, LISTS) != 0;
}

/* --- matching ------------------------------------------------------------------------ */

int coral_pattern_match(coral_pattern_t *p, const char *subject, size_t length, size_t from, int again, size_t *places)
{
    coral_subject_t s = { subject, length, from, HAS(p, DFA) != 0, again };

    return coral_matcher_run(&p->all->matcher, p->code, &s, p->groups, places);
}

size_t coral_pattern_next(const coral_pattern_t *p, const char *subject, size_t length, const size_t *places)
{
    size_t next = places[1] + (places[0] == places[1]);

    while (p->utf && next < length && ((unsigned char)subject[next] & 0xc0) == 0x80)
        next++;
    return next;
}

int coral_pattern_set_jit_stack(lua_State *L, size_t size)
{
    return coral_matcher_set_jit_stack(&((coral_patterns_t *)lua_touserdata(L, UPVALUE))->matcher, size);
}

/* --- a state's ----------------------------------------------------------------------- */

static int l_close(lua_State *L)
{
    coral_patterns_t *all = lua_touserdata(L, 1);

    coral_matcher_close(&all->matcher);
    pcre2_compile_context_free(all->compiling);
    all->compiling = NULL;
    return 0;
}

static void set_gc(lua_State *L, const char *kind, lua_CFunction gc)
{
    luaL_newmetatable(L, kind);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

void coral_pattern_open(lua_State *L)
{
    const coral_server_t *server = coral_conf_of_server(ap_server_conf);
    coral_patterns_t *all;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &all_key) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    all = lua_newuserdatauv(L, sizeof(*all), 2);
    memset(all, 0, sizeof(*all));
    set_gc(L, ALL, l_close);
    set_gc(L, ONE, l_release);
    luaL_setmetatable(L, ALL);
    all->compiling = pcre2_compile_context_create(NULL);
    if (!coral_matcher_open(&all->matcher, server->regex_match_limit) || !all->compiling)
        luaL_error(L, "no memory for regular expressions");
    pcre2_set_max_pattern_length(all->compiling, TEXT_MAX);
    all->max = server->regex_cache;
    lua_newtable(L);
    lua_setiuservalue(L, -2, 1);
    lua_newtable(L);
    lua_setiuservalue(L, -2, 2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &all_key);
}
