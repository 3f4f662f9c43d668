/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_lua.h"

#include "request.h"

const char *const coral_shared_lua_reasons[] = {
    [CORAL_SHARED_NOT_FOUND] = "not found",
    [CORAL_SHARED_EXISTS] = "exists",
    [CORAL_SHARED_NO_MEMORY] = "no memory",
    [CORAL_SHARED_NOT_A_NUMBER] = "not a number",
    [CORAL_SHARED_NOT_A_LIST] = "value not a list",
    [CORAL_SHARED_IS_A_LIST] = "value is a list",
};

static const char shared_kind[] = "coral.shared";

/* What a dictionary of ngx.shared has at index 1. */
typedef struct {
    coral_mark_t mark;
    coral_shared_t *shared;
} handle_t;

coral_shared_t *coral_shared_lua_check(lua_State *L, const char *otherwise)
{
    handle_t *handle = NULL;

    if (lua_type(L, 1) == LUA_TTABLE) {
        lua_rawgeti(L, 1, 1);
        handle = coral_marked(L, -1, shared_kind, sizeof(*handle));
        lua_pop(L, 1);
    }
    if (!handle)
        luaL_error(L, "%s", otherwise);
    return handle->shared;
}

void coral_shared_lua_push_handle(lua_State *L, coral_shared_t *s)
{
    handle_t *handle = lua_newuserdatauv(L, sizeof(*handle), 0);

    handle->mark.kind = shared_kind;
    handle->mark.serial = 0;
    handle->shared = s;
}

int coral_shared_lua_refuse(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

const char *coral_shared_lua_key(lua_State *L, coral_key_t *key)
{
    char number[32];

    if (lua_isnoneornil(L, 2))
        return "nil key";
    if (lua_type(L, 2) == LUA_TNUMBER && !lua_isinteger(L, 2)) {
        snprintf(number, sizeof(number), "%.14g", lua_tonumber(L, 2));
        lua_pushstring(L, number);
        lua_replace(L, 2);
    }
    if (lua_isstring(L, 2))
        key->text = lua_tolstring(L, 2, &key->length);
    else {
        key->text = luaL_tolstring(L, 2, &key->length);
        lua_replace(L, 2);
    }
    return !key->length ? "empty key" : key->length > CORAL_DICT_LONGEST_KEY ? "key too long" : NULL;
}

int coral_shared_lua_value(lua_State *L, int index, coral_value_t *value)
{
    memset(value, 0, sizeof(*value));
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        value->kind = CORAL_DICT_NIL;
        return 1;
    case LUA_TBOOLEAN:
        value->kind = CORAL_DICT_BOOLEAN;
        value->as.integer = lua_toboolean(L, index);
        return 1;
    case LUA_TNUMBER:
        value->kind = lua_isinteger(L, index) ? CORAL_DICT_INTEGER : CORAL_DICT_NUMBER;
        if (value->kind == CORAL_DICT_INTEGER)
            value->as.integer = lua_tointeger(L, index);
        else
            value->as.number = lua_tonumber(L, index);
        return 1;
    case LUA_TSTRING:
        value->kind = CORAL_DICT_STRING;
        value->text = (char *)lua_tolstring(L, index, &value->length);
        return 1;
    default:
        return 0;
    }
}

int coral_shared_lua_number(lua_State *L, int index, coral_value_t *value)
{
    if (lua_type(L, index) == LUA_TSTRING && lua_stringtonumber(L, lua_tostring(L, index)))
        lua_replace(L, index);
    return lua_type(L, index) == LUA_TNUMBER && coral_shared_lua_value(L, index, value);
}

void coral_shared_lua_push(lua_State *L, const coral_value_t *value)
{
    switch (value->kind) {
    case CORAL_DICT_BOOLEAN:
        lua_pushboolean(L, value->as.integer != 0);
        break;
    case CORAL_DICT_INTEGER:
        lua_pushinteger(L, value->as.integer);
        break;
    case CORAL_DICT_NUMBER:
        lua_pushnumber(L, value->as.number);
        break;
    case CORAL_DICT_STRING:
        lua_pushlstring(L, value->text, value->length);
        break;
    default:
        lua_pushnil(L);
    }
}

/* Lua may run out of memory and raise, which nobody may who has the lock: the value is copied first, to the stack if it is short,
 * else to a buffer as large as it was a moment ago. */
coral_shared_e coral_shared_lua_fetch(lua_State *L, coral_shared_lua_fetch_fn *from, coral_shared_t *s, coral_key_t *key,
                                      int option, coral_value_t *value)
{
    char small[1024];
    coral_shared_e result;
    luaL_Buffer b;

    value->text = small;
    value->room = sizeof(small);
    if ((result = from(s, key, option, value)) == CORAL_SHARED_OK)
        coral_shared_lua_push(L, value);
    while (result == CORAL_SHARED_CUT) {
        lua_settop(L, 2);
        value->room = value->length;
        value->text = luaL_buffinitsize(L, &b, value->room);
        if ((result = from(s, key, option, value)) == CORAL_SHARED_OK && value->kind == CORAL_DICT_STRING)
            luaL_pushresultsize(&b, value->length);
        else if (result == CORAL_SHARED_OK)
            coral_shared_lua_push(L, value);
    }
    return result;
}
