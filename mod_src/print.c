/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#define NESTING 100
#define LONGEST 1000000 /* a list with a key of 2^60 is none */

typedef struct {
    coral_response_t *to;
    apr_size_t before; /* what had been written: a call that is refused writes nothing */
    int argument;
} writing_t;

static void refuse(lua_State *L, const writing_t *w, const char *format, const char *what)
{
    w->to->length = w->before;
    luaL_argerror(L, w->argument, lua_pushfstring(L, format, what));
}

static void write_value(lua_State *L, const writing_t *w, int index, int depth);

/* The items of a list, one after the other. */
static void write_list(lua_State *L, const writing_t *w, int index, int depth)
{
    lua_Integer i, count = 0;

    if (depth == NESTING)
        refuse(L, w, "the table is nested too deeply%s", "");
    luaL_checkstack(L, 4, NULL);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > LONGEST)
            refuse(L, w, "non-array table found%s", "");
        else if (lua_tointeger(L, -2) > count)
            count = lua_tointeger(L, -2);
    for (i = 1; i <= count; i++) {
        lua_geti(L, index, i);
        write_value(L, w, lua_gettop(L), depth + 1);
        lua_pop(L, 1);
    }
}

/* A value as OpenResty prints it: nil and booleans by name, a whole float without its fraction, lists item by item. */
static void write_value(lua_State *L, const writing_t *w, int index, int depth)
{
    char number[64];
    const char *text = NULL;
    size_t length = 0;

    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text = lua_tolstring(L, index, &length);
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            apr_snprintf(number, sizeof(number), "%" APR_INT64_T_FMT, (apr_int64_t)lua_tointeger(L, index));
        else
            snprintf(number, sizeof(number), "%.14g", lua_tonumber(L, index));
        text = number;
        break;
    case LUA_TNIL:
        text = "nil";
        break;
    case LUA_TBOOLEAN:
        text = lua_toboolean(L, index) ? "true" : "false";
        break;
    case LUA_TTABLE:
        write_list(L, w, index, depth);
        return;
    case LUA_TLIGHTUSERDATA:
        text = lua_touserdata(L, index) ? NULL : "null"; /* ngx.null */
        break;
    }
    if (!text)
        refuse(L, w, depth ? "bad data type %s found"
                           : "string, number, boolean, nil, ngx.null, or array table expected, but got %s",
               luaL_typename(L, index));
    if (!coral_response_write(w->to, text, length ? length : strlen(text)))
        luaL_error(L, "not enough memory");
}

void coral_print(lua_State *L, coral_response_t *to, int first)
{
    writing_t w = { to, to->length, first };
    int count = lua_gettop(L);

    for (; w.argument <= count; w.argument++)
        write_value(L, &w, w.argument, 0);
}
