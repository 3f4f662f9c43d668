/* SPDX-License-Identifier: Apache-2.0 */
/* api_replace.c - coral.replace: texts with matches replaced. Behind ngx.re.sub and gsub. */
#include "glue.h"

#include "captures.h"

/* A replacement on its way. It is a userdata, for the function that replaces may wait. Stack: 1 subject, 2 regex, 3 replacement, 4
 * options, 5 pattern, 6 this, 7 the text. */
typedef struct {
    coral_pattern_t *p;
    const char *subject, *template; /* NULL: a function */
    size_t length, template_length;
    size_t from, rest; /* where to look on; what lies before is in the text already */
    char *text;
    size_t used, size;
    lua_Integer count;
    int once, status; /* the last match: as of coral_pattern_match() */
    size_t places[];
} replacing_t;

static void add(lua_State *L, replacing_t *to, const char *bytes, size_t length)
{
    if (length > to->size - to->used) {
        size_t size = 2 * (to->used + length) + 64;
        char *text = lua_newuserdatauv(L, size, 0);

        if (to->used)
            memcpy(text, to->text, to->used);
        lua_replace(L, 7);
        to->text = text;
        to->size = size;
    }
    if (length)
        memcpy(to->text + to->used, bytes, length);
    to->used += length;
}

/* The group that a $ stands for, *at is behind the $ and then behind the group: $1, ${1}, $&; "$$" is -2, a mistake -1. */
static int group_at(const char **at, const char *end)
{
    const char *c = *at;
    int braces, group = 0;

    if (c < end && (*c == '$' || *c == '&')) {
        *at = c + 1;
        return *c == '$' ? -2 : 0;
    }
    braces = c < end && *c == '{';
    c += braces;
    if (c == end || !apr_isdigit(*c))
        return -1;
    for (; c < end && apr_isdigit(*c); c++)
        if (group < 100000) /* more than there can be */
            group = 10 * group + *c - '0';
    if (braces && (c == end || *c++ != '}'))
        return -1;
    *at = c;
    return group;
}

static int is_template(const char *c, const char *end)
{
    while ((c = memchr(c, '$', end - c))) {
        c++;
        if (group_at(&c, end) == -1)
            return 0;
    }
    return 1;
}

static void add_template(lua_State *L, replacing_t *to)
{
    const char *c = to->template, *end = c + to->template_length, *dollar;

    while ((dollar = memchr(c, '$', end - c))) {
        int group;

        add(L, to, c, dollar - c);
        c = dollar + 1;
        group = group_at(&c, end);
        if (group == -2)
            add(L, to, "$", 1);
        else if (group <= to->p->groups && coral_captures_took_part(to->places, group))
            add(L, to, to->subject + to->places[2 * group], to->places[2 * group + 1] - to->places[2 * group]);
    }
    add(L, to, c, end - c);
}

/* What the function has returned is on top. */
static void add_result(lua_State *L, replacing_t *to)
{
    size_t length;
    const char *text = luaL_tolstring(L, -1, &length);

    add(L, to, text, length);
    lua_settop(L, 7);
}

/* The next match, and what lies before it. */
static int replaces(lua_State *L, replacing_t *to)
{
    if (to->from > to->length || (to->once && to->count))
        return 0;
    to->status = coral_pattern_match(to->p, to->subject, to->length, to->from, to->count > 0, to->places);
    if (to->status <= 0)
        return 0;
    to->count++;
    add(L, to, to->subject + to->rest, to->places[0] - to->rest);
    to->rest = to->places[1];
    to->from = coral_pattern_next(to->p, to->subject, to->length, to->places);
    return 1;
}

static int finish(lua_State *L, replacing_t *to)
{
    coral_pattern_give(to->p);
    if (to->status < 0)
        return coral_captures_none(L, to->status, 2);
    if (to->count) {
        add(L, to, to->subject + to->rest, to->length - to->rest);
        lua_pushlstring(L, to->text, to->used);
    }
    else
        lua_pushvalue(L, 1);
    lua_pushinteger(L, to->count);
    return 2;
}

/* Goes on after the function has waited. */
static int go_on(lua_State *L, int status, lua_KContext to_)
{
    replacing_t *to = (replacing_t *)to_;

    if (status == LUA_YIELD)
        add_result(L, to);
    while (replaces(L, to)) {
        if (to->template) {
            add_template(L, to);
            continue;
        }
        lua_pushvalue(L, 3);
        coral_captures_push(L, to->p, to->subject, to->places, 0);
        lua_callk(L, 1, 1, to_, go_on);
        add_result(L, to);
    }
    return finish(L, to);
}

static int replace(lua_State *L, int once)
{
    size_t length, template_length = 0;
    const char *subject, *template = NULL;
    coral_pattern_t *p;
    replacing_t *to;

    lua_settop(L, 4);
    subject = coral_captures_subject(L, 1, &length);
    if (!lua_isfunction(L, 3))
        template = coral_captures_subject(L, 3, &template_length);
    if (!(p = coral_pattern_take(L, 2, 4)))
        return coral_captures_failed(L, 2);
    if (template && !is_template(template, template + template_length)) {
        coral_pattern_give(p);
        lua_pushliteral(L, "failed to compile the replacement template");
        return coral_captures_failed(L, 2);
    }
    to = lua_newuserdatauv(L, sizeof(*to) + 2 * (size_t)(p->groups + 1) * sizeof(size_t), 0);
    memset(to, 0, sizeof(*to));
    to->p = p;
    to->subject = subject;
    to->length = length;
    to->template = template;
    to->template_length = template_length;
    to->once = once;
    lua_pushnil(L);
    return go_on(L, LUA_OK, (lua_KContext)to);
}

/* sub(subject, regex, replacement, options): the subject with the first match replaced, and 1 or 0. ngx.re.sub */
static int l_sub(lua_State *L)
{
    return replace(L, 1);
}

/* gsub(subject, regex, replacement, options): the subject with all matches replaced, and how many they were. ngx.re.gsub */
static int l_gsub(lua_State *L)
{
    return replace(L, 0);
}

static const luaL_Reg functions[] = {
    { "sub", l_sub },
    { "gsub", l_gsub },
    { NULL, NULL }
};

CORAL_API(replace)
{
    luaL_newlibtable(L, functions);
    coral_pattern_open(L);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
