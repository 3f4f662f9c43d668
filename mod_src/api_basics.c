/* SPDX-License-Identifier: Apache-2.0 */
/* api_basics.c - coral.basics: functions of Lua's own that pages are made of, with the same results and errors, but quicker. In their place in
 * every state (lua_lib/coral/boot.lua, compat.lua). */
#include "glue.h"

#include "apr_lib.h"

#include <limits.h>

#define BATCH 200 /* so many pieces at a time are on the stack */

/* type(value). Lua's own looks for the string of the name with each call; here they are all upvalues. */
static int l_type(lua_State *L)
{
    int type = lua_type(L, 1);

    luaL_argcheck(L, type != LUA_TNONE, 1, "value expected");
    lua_pushvalue(L, lua_upvalueindex(type + 1));
    return 1;
}

static void push_type(lua_State *L)
{
    int type;

    for (type = 0; type < LUA_NUMTYPES; type++)
        lua_pushstring(L, lua_typename(L, type));
    lua_pushcclosure(L, l_type, LUA_NUMTYPES);
}

/* The list of concat: a table, or what reads like one. Returns whether its fields can be had without metamethods. */
static int check_list(lua_State *L)
{
    if (!lua_getmetatable(L, 1)) {
        luaL_checktype(L, 1, LUA_TTABLE);
        return 1;
    }
    lua_pop(L, 1);
    if (lua_type(L, 1) != LUA_TTABLE) {
        if (luaL_getmetafield(L, 1, "__index") == LUA_TNIL || luaL_getmetafield(L, 1, "__len") == LUA_TNIL)
            luaL_checktype(L, 1, LUA_TTABLE);
        lua_pop(L, 2);
    }
    return 0;
}

static void push_piece(lua_State *L, int raw, lua_Integer i)
{
    int type = raw ? lua_rawgeti(L, 1, i) : lua_geti(L, 1, i);

    if (type != LUA_TSTRING && type != LUA_TNUMBER)
        luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)i);
}

/* concat(list, separator, first, last). Lua's own moves piece after piece through a buffer; here many become one at once. */
static int l_concat(lua_State *L)
{
    int raw = check_list(L), count = 0;
    lua_Integer end = raw ? (lua_Integer)lua_rawlen(L, 1) : luaL_len(L, 1);
    size_t between;
    const char *separator = luaL_optlstring(L, 2, "", &between);
    lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, end);
    luaL_Buffer all;

    (void)separator;
    if (i > last)
        return lua_pushliteral(L, ""), 1;
    lua_settop(L, 2);
    luaL_checkstack(L, BATCH + 4, "too many pieces");
    luaL_buffinit(L, &all);
    for (;; i++) {
        push_piece(L, raw, i);
        count++;
        if (i == last)
            break;
        if (between) {
            lua_pushvalue(L, 2);
            count++;
        }
        if (count >= BATCH) {
            lua_concat(L, count);
            luaL_addvalue(&all);
            count = 0;
        }
    }
    lua_concat(L, count);
    luaL_addvalue(&all);
    luaL_pushresult(&all);
    return 1;
}

/* A set of characters: a bit for each. */
typedef struct {
    apr_uint64_t bits[4];
} set_t;

static int has(const set_t *set, char c)
{
    return set->bits[(unsigned char)c / 64] >> (unsigned char)c % 64 & 1;
}

/* Whether the pattern is nothing but [...] with characters, %-escaped where they are punctuation; not with ranges and classes. */
static int read_set(set_t *set, const char *p, size_t length)
{
    const char *last = p + length - 1;

    memset(set, 0, sizeof(*set));
    if (length < 3 || *p != '[' || *last != ']' || p[1] == '^')
        return 0;
    while (++p < last) {
        int escaped = *p == '%';

        if (escaped ? ++p == last || !apr_ispunct(*p) : *p == '-' || *p == ']')
            return 0;
        set->bits[(unsigned char)*p / 64] |= (apr_uint64_t)1 << (unsigned char)*p % 64;
    }
    return 1;
}

/* What the table at 3 has for a character, or else that itself. The buffer is on top. */
static void add_replacement(lua_State *L, luaL_Buffer *result, const char *c)
{
    lua_pushlstring(L, c, 1);
    if (lua_gettable(L, 3), lua_toboolean(L, -1)) {
        if (!lua_isstring(L, -1))
            luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
        luaL_addvalue(result);
    }
    else {
        lua_pop(L, 1);
        luaL_addlstring(result, c, 1);
    }
}

static int replace_in_set(lua_State *L, const set_t *set)
{
    size_t length;
    const char *text = lua_tolstring(L, 1, &length), *end = text + length, *p = text, *from = text;
    lua_Integer count = 0;
    luaL_Buffer result;

    while (p < end && !has(set, *p))
        p++;
    if (p == end) {
        lua_settop(L, 1);
        lua_pushinteger(L, 0);
        return 2;
    }
    luaL_buffinit(L, &result);
    for (; p < end; p++)
        if (has(set, *p)) {
            luaL_addlstring(&result, from, p - from);
            add_replacement(L, &result, p);
            from = p + 1;
            count++;
        }
    luaL_addlstring(&result, from, end - from);
    luaL_pushresult(&result);
    lua_pushinteger(L, count);
    return 2;
}

/* Lua's own gsub, an upvalue. It would tell of mistakes in patterns and replacements where it was called, which is here. */
static int call_gsub(lua_State *L, int type)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (type == LUA_TFUNCTION || (type == LUA_TTABLE && lua_getmetatable(L, 4))) { /* errors of others, in their places */
        lua_settop(L, 5);
        lua_call(L, 4, 2);
        return 2;
    }
    if (lua_pcall(L, lua_gettop(L) - 1, 2, 0) == LUA_OK)
        return 2;
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
}

/* gsub(text, pattern, replacement, count). What escapes HTML, a set of characters and a table, needs no patterns. */
static int l_gsub(lua_State *L)
{
    size_t length;
    const char *pattern;
    int type;
    set_t set;

    luaL_checkstring(L, 1);
    pattern = luaL_checklstring(L, 2, &length);
    type = lua_type(L, 3);
    if (type == LUA_TTABLE && lua_isnoneornil(L, 4) && read_set(&set, pattern, length))
        return replace_in_set(L, &set);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TFUNCTION, 3,
                     "string/function/table");
    luaL_optinteger(L, 4, 0);
    lua_settop(L, 4);
    return call_gsub(L, type);
}

/* Leaves the function in question at 1: the one at 1, or that of a level. Whether there is one. */
static int find_function(lua_State *L)
{
    lua_Number level;
    lua_Debug place;

    if (lua_type(L, 1) == LUA_TFUNCTION)
        return 1;
    level = luaL_optnumber(L, 1, 1);
    luaL_argcheck(L, level >= 0, 1, "level must be non-negative");
    if (level < 1)
        return 0;
    luaL_argcheck(L, level < INT_MAX && lua_getstack(L, (int)level, &place), 1, "invalid level");
    lua_getinfo(L, "f", &place);
    lua_insert(L, 1);
    return 1;
}

/* getfenv(f or level): the table of a function's globals. Level 0, C functions and those without globals: _G. */
static int l_getfenv(lua_State *L)
{
    const char *name;
    int i;

    if (find_function(L))
        for (i = 1; (name = lua_getupvalue(L, 1, i)); i++) {
            if (!strcmp(name, "_ENV"))
                return 1;
            lua_pop(L, 1);
        }
    lua_pushglobaltable(L);
    return 1;
}

/* With release: of Lua, 50404 for 5.4.4. */
CORAL_API(basics)
{
    lua_newtable(L);
    push_type(L);
    lua_setfield(L, -2, "type");
    lua_pushcfunction(L, l_concat);
    lua_setfield(L, -2, "concat");
    lua_getglobal(L, LUA_STRLIBNAME);
    lua_getfield(L, -1, "gsub");
    lua_remove(L, -2);
    lua_pushcclosure(L, l_gsub, 1);
    lua_setfield(L, -2, "gsub");
    lua_pushcfunction(L, l_getfenv);
    lua_setfield(L, -2, "getfenv");
    lua_pushinteger(L, LUA_VERSION_RELEASE_NUM);
    lua_setfield(L, -2, "release");
    return 1;
}
