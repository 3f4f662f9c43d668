/* SPDX-License-Identifier: Apache-2.0 */
/* api_regex.c - coral.regex: matches of regular expressions. Behind ngx.re and require "ngx.re". */
#include "glue.h"

#include "captures.h"

/* Where a match and its groups are: on the C stack, for many groups in a userdata. */
#define SMALL 32

static size_t *room(lua_State *L, const coral_pattern_t *p, size_t *small)
{
    int count = 2 * (p->groups + 1);

    return count <= SMALL ? small : lua_newuserdatauv(L, (size_t)count * sizeof(size_t), 0);
}

/* The offset that ctx.pos stands for. */
static size_t offset_at(lua_State *L, int index)
{
    lua_Number n = 1;

    if (!lua_toboolean(L, index))
        return 0;
    luaL_checktype(L, index, LUA_TTABLE);
    lua_getfield(L, index, "pos");
    if (lua_toboolean(L, -1)) {
        luaL_argcheck(L, lua_type(L, -1) == LUA_TNUMBER, index, "ctx.pos is not a number");
        n = lua_tonumber(L, -1);
    }
    lua_pop(L, 1);
    return n >= 1e18 ? (size_t)-1 : n > 1 ? (size_t)n - 1 : 0;
}

static void set_offset(lua_State *L, int index, size_t offset)
{
    if (!lua_toboolean(L, index))
        return;
    lua_pushinteger(L, (lua_Integer)offset + 1);
    lua_setfield(L, index, "pos");
}

/* match(subject, regex, options, ctx, table): the captures of the first match. ngx.re.match */
static int l_match(lua_State *L)
{
    size_t length, from, small[SMALL], *places;
    const char *subject;
    coral_pattern_t *p;
    int status, into;

    lua_settop(L, 5);
    subject = coral_captures_subject(L, 1, &length);
    from = offset_at(L, 4);
    into = lua_toboolean(L, 5) ? 5 : 0;
    if (into)
        luaL_checktype(L, 5, LUA_TTABLE);
    if (!(p = coral_pattern_take(L, 2, 3)))
        return coral_captures_failed(L, 1);
    places = room(L, p, small);
    status = coral_pattern_match(p, subject, length, from, 0, places);
    if (status > 0) {
        coral_captures_push(L, p, subject, places, into);
        set_offset(L, 4, places[1]);
    }
    coral_pattern_give(p);
    return status > 0 ? 1 : coral_captures_none(L, status, 1);
}

/* What find() returns for its nth group. */
static int push_place(lua_State *L, const coral_pattern_t *p, const size_t *places, lua_Integer nth)
{
    if (nth > p->groups) {
        lua_pushliteral(L, "nth out of bound");
        return coral_captures_failed(L, 2);
    }
    if (coral_captures_took_part(places, (int)nth)) {
        lua_pushinteger(L, (lua_Integer)places[2 * nth] + 1);
        lua_pushinteger(L, (lua_Integer)places[2 * nth + 1]);
    }
    else {
        lua_pushnil(L);
        lua_pushnil(L);
    }
    return 2;
}

/* find(subject, regex, options, ctx, nth): where the first match, or its nth group, begins and ends. ngx.re.find */
static int l_find(lua_State *L)
{
    size_t length, from, small[SMALL], *places;
    const char *subject;
    coral_pattern_t *p;
    lua_Integer nth;
    int status, results = 0;

    lua_settop(L, 5);
    subject = coral_captures_subject(L, 1, &length);
    from = offset_at(L, 4);
    nth = luaL_optinteger(L, 5, 0);
    if (!(p = coral_pattern_take(L, 2, 3)))
        return coral_captures_failed(L, 2);
    places = room(L, p, small);
    status = coral_pattern_match(p, subject, length, from, 0, places);
    if (status > 0) {
        set_offset(L, 4, places[1]);
        results = push_place(L, p, places, nth > 0 ? nth : 0);
    }
    coral_pattern_give(p);
    return status > 0 ? results : coral_captures_none(L, status, 2);
}

/* --- iterators ----------------------------------------------------------------------- */

/* Upvalues of an iterator. NEXT is the offset to go on at, -1 when all is done; AGAIN whether there has been a match. */
#define PATTERN lua_upvalueindex(1)
#define SUBJECT lua_upvalueindex(2)
#define NEXT lua_upvalueindex(3)
#define AGAIN lua_upvalueindex(4)

static void set_next(lua_State *L, lua_Integer next)
{
    lua_pushinteger(L, next);
    lua_replace(L, NEXT);
    lua_pushboolean(L, 1);
    lua_replace(L, AGAIN);
}

/* What is pushed of a match; returns how many values. */
typedef int push_fn(lua_State *L, const coral_pattern_t *p, const char *subject, const size_t *places);

/* The next match. NEXT is set before anything is allocated: a finalizer that calls this very iterator finds it in order. */
static int advance(lua_State *L, push_fn *push)
{
    size_t length, small[SMALL], *places, next;
    const char *subject;
    coral_pattern_t *p;
    lua_Integer from;
    int status, results;

    lua_settop(L, 0);
    lua_pushvalue(L, PATTERN);
    lua_pushvalue(L, SUBJECT);
    if (!(p = lua_touserdata(L, 1)))
        return coral_captures_none(L, 0, 1);
    subject = lua_tolstring(L, 2, &length);
    places = room(L, p, small);
    if ((from = lua_tointeger(L, NEXT)) < 0)
        return coral_captures_none(L, 0, 1);
    status = coral_pattern_match(p, subject, length, (size_t)from, lua_toboolean(L, AGAIN), places);
    next = status > 0 ? coral_pattern_next(p, subject, length, places) : length + 1;
    set_next(L, next > length ? -1 : (lua_Integer)next);
    results = status > 0 ? push(L, p, subject, places) : coral_captures_none(L, status, 1);
    if (next > length) {
        lua_pushnil(L);
        lua_replace(L, PATTERN);
        lua_pushnil(L);
        lua_replace(L, SUBJECT);
        coral_pattern_give(p);
    }
    return results;
}

/* Pushes an iterator with the pattern on top; the subject is at 1. */
static int push_iterator(lua_State *L, lua_CFunction next, size_t from)
{
    lua_pushvalue(L, 1);
    lua_pushinteger(L, (lua_Integer)from);
    lua_pushboolean(L, 0);
    lua_pushcclosure(L, next, 4);
    return 1;
}

static int push_table(lua_State *L, const coral_pattern_t *p, const char *subject, const size_t *places)
{
    coral_captures_push(L, p, subject, places, 0);
    return 1;
}

static int l_next_table(lua_State *L)
{
    return advance(L, push_table);
}

/* gmatch(subject, regex, options): an iterator; each call gives the captures of one match. ngx.re.gmatch */
static int l_gmatch(lua_State *L)
{
    lua_settop(L, 3);
    coral_captures_subject(L, 1, NULL);
    return coral_pattern_take(L, 2, 3) ? push_iterator(L, l_next_table, 0) : coral_captures_failed(L, 1);
}

static int push_places(lua_State *L, const coral_pattern_t *p, const char *subject, const size_t *places)
{
    lua_pushinteger(L, (lua_Integer)places[0] + 1);
    lua_pushinteger(L, (lua_Integer)places[1]);
    if (!p->groups || !coral_captures_took_part(places, 1))
        return 2;
    coral_captures_push_group(L, subject, places, 1);
    return 3;
}

static int l_next_places(lua_State *L)
{
    return advance(L, push_places);
}

/* places(subject, regex, options, from): an iterator; each call gives where one match begins and ends, and its first group. Behind
 * split of require "ngx.re" */
static int l_places(lua_State *L)
{
    lua_Integer from = luaL_optinteger(L, 4, 1);

    lua_settop(L, 3);
    coral_captures_subject(L, 1, NULL);
    if (!coral_pattern_take(L, 2, 3))
        return coral_captures_failed(L, 1);
    return push_iterator(L, l_next_places, from > 1 ? (size_t)from - 1 : 0);
}

/* jit_stack_size(bytes): for matches with option j, at the most. opt of require "ngx.re" */
static int l_jit_stack_size(lua_State *L)
{
    lua_Integer size = luaL_checkinteger(L, 1);

    if (size > APR_INT32_MAX || !coral_pattern_set_jit_stack(L, size > 0 ? (size_t)size : 0))
        return luaL_error(L, "pcre jit stack allocation failed");
    return 0;
}

static const luaL_Reg functions[] = {
    { "match", l_match },
    { "find", l_find },
    { "gmatch", l_gmatch },
    { "places", l_places },
    { "jit_stack_size", l_jit_stack_size },
    { NULL, NULL }
};

CORAL_API(regex)
{
    luaL_newlibtable(L, functions);
    coral_pattern_open(L);
    luaL_setfuncs(L, functions, 1);
    return 1;
}
