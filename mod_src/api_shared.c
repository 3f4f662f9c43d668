/* SPDX-License-Identifier: Apache-2.0 */
/* api_shared.c - coral.shared: the dictionaries of CoralSharedDict. Behind ngx.shared, whose methods these are. */
#include "glue.h"
#include "shared_list.h"
#include "shared_lua.h"
#include "shared_value.h"

static coral_shared_t *dict_at_1(lua_State *L)
{
    return coral_shared_lua_check(L, "bad \"zone\" argument");
}

static int refuse(lua_State *L, const char *why)
{
    return coral_shared_lua_refuse(L, why);
}

/* Seconds as milliseconds, 0: for ever. Less than one of them is not for ever, as it is in OpenResty; what no clock can show is. */
static apr_int64_t milliseconds(lua_Number seconds)
{
    if (!(seconds > 0 && seconds < 1e15))
        return 0;
    return seconds < 0.001 ? 1 : (apr_int64_t)(seconds * 1000);
}

static apr_int64_t opt_expiry(lua_State *L, int index)
{
    if (!lua_toboolean(L, index))
        return 0;
    if (lua_type(L, index) != LUA_TNUMBER || lua_tonumber(L, index) < 0)
        luaL_error(L, "bad \"exptime\" argument");
    return milliseconds(lua_tonumber(L, index));
}

static apr_uint32_t opt_flags(lua_State *L, int index)
{
    lua_Number flags = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER) {
        if (lua_isnoneornil(L, index) || lua_isboolean(L, index))
            return lua_toboolean(L, index);
        luaL_error(L, "bad \"flags\" argument");
    }
    if (!(flags > -2147483649.0 && flags < 4294967296.0))
        luaL_error(L, "bad \"flags\" argument");
    return (apr_uint32_t)(apr_int64_t)flags;
}

static int get(lua_State *L, int expired_too)
{
    coral_shared_t *s = dict_at_1(L);
    coral_value_t value;
    coral_shared_e result;
    coral_key_t key;
    const char *wrong = coral_shared_lua_key(L, &key);

    if (wrong)
        return refuse(L, wrong);
    if ((result = coral_shared_lua_fetch(L, coral_shared_value_get, s, &key, expired_too, &value)) == CORAL_SHARED_IS_A_LIST)
        return refuse(L, coral_shared_lua_reasons[result]);
    if (result != CORAL_SHARED_OK) {
        lua_pushnil(L);
        return 1;
    }
    if (value.flags)
        lua_pushinteger(L, value.flags);
    if (!expired_too)
        return value.flags ? 2 : 1;
    if (!value.flags)
        lua_pushnil(L);
    lua_pushboolean(L, value.expired);
    return 3;
}

/* dict:get(key): value, flags. dict:get_stale(key): value, flags, expired */
static int l_get(lua_State *L) { return get(L, 0); }
static int l_get_stale(lua_State *L) { return get(L, 1); }

static int store(lua_State *L, int how)
{
    coral_shared_t *s = dict_at_1(L);
    apr_int64_t lasts = opt_expiry(L, 4);
    apr_uint32_t flags = opt_flags(L, 5);
    coral_shared_e result = CORAL_SHARED_OK;
    coral_value_t value;
    coral_key_t key;
    const char *wrong = coral_shared_lua_key(L, &key);
    int forced = 0;

    if (wrong)
        return refuse(L, wrong);
    if (!coral_shared_lua_value(L, 3, &value))
        return refuse(L, "bad value type");
    if (value.kind == CORAL_DICT_NIL && (how & (CORAL_SHARED_ADD | CORAL_SHARED_REPLACE)))
        wrong = "attempt to add or replace nil values";
    else {
        value.flags = flags;
        result = coral_shared_value_store(s, &key, &value, how, lasts, &forced);
        wrong = coral_shared_lua_reasons[result];
    }
    lua_pushboolean(L, !wrong);
    lua_pushstring(L, wrong);
    lua_pushboolean(L, forced);
    return 3;
}

/* dict:set(key, value, exptime, flags), and so on: ok, err, forcible */
static int l_set(lua_State *L) { return store(L, 0); }
static int l_safe_set(lua_State *L) { return store(L, CORAL_SHARED_SAFE); }
static int l_add(lua_State *L) { return store(L, CORAL_SHARED_ADD); }
static int l_safe_add(lua_State *L) { return store(L, CORAL_SHARED_ADD | CORAL_SHARED_SAFE); }
static int l_replace(lua_State *L) { return store(L, CORAL_SHARED_REPLACE); }

/* dict:delete(key) */
static int l_delete(lua_State *L)
{
    lua_settop(L, 2);
    return store(L, 0);
}

/* init_ttl of incr(): only with an init */
static apr_int64_t opt_init_ttl(lua_State *L, int index, int has_init)
{
    coral_value_t ttl;
    const char *type = luaL_typename(L, index);

    if (lua_isnoneornil(L, index))
        return 0;
    if (!coral_shared_lua_number(L, index, &ttl))
        luaL_error(L, "bad init_ttl arg: number expected, got %s", type);
    if (lua_tonumber(L, index) < 0)
        luaL_error(L, "bad \"init_ttl\" argument");
    if (!has_init)
        luaL_error(L, "must provide \"init\" when providing \"init_ttl\"");
    return milliseconds(lua_tonumber(L, index));
}

/* dict:incr(key, value, init, init_ttl): the sum, err, forcible */
static int l_incr(lua_State *L)
{
    coral_shared_t *s = dict_at_1(L);
    const char *type = luaL_typename(L, 4), *wrong;
    int has_init = lua_toboolean(L, 4), forced;
    coral_value_t value, init;
    coral_shared_e result;
    apr_int64_t lasts;
    coral_key_t key;

    if ((wrong = coral_shared_lua_key(L, &key)))
        return refuse(L, wrong);
    luaL_argexpected(L, coral_shared_lua_number(L, 3, &value), 3, "number");
    if (has_init && !coral_shared_lua_number(L, 4, &init))
        return luaL_error(L, "bad init arg: number expected, got %s", type);
    lasts = opt_init_ttl(L, 5, has_init);
    if ((result = coral_shared_value_incr(s, &key, &value, has_init ? &init : NULL, lasts, &forced)) != CORAL_SHARED_OK)
        return refuse(L, coral_shared_lua_reasons[result]);
    coral_shared_lua_push(L, &value);
    if (!has_init)
        return 1;
    lua_pushnil(L);
    lua_pushboolean(L, forced);
    return 3;
}

/* Of calls for lists: exactly so many arguments, and a key that is a text. NULL, or what is wrong with the key. */
static const char *read_list_call(lua_State *L, int arguments, coral_shared_t **s, coral_key_t *key)
{
    if (lua_gettop(L) != arguments)
        luaL_error(L, "expecting %d arguments, but only seen %d", arguments, lua_gettop(L));
    *s = dict_at_1(L);
    if (!lua_isnil(L, 2) && !lua_isstring(L, 2))
        luaL_typeerror(L, 2, "string");
    return coral_shared_lua_key(L, key);
}

static int push(lua_State *L, int first)
{
    apr_uint32_t length;
    coral_shared_e result;
    coral_value_t value;
    coral_shared_t *s;
    coral_key_t key;
    const char *wrong = read_list_call(L, 3, &s, &key);

    if (wrong)
        return refuse(L, wrong);
    if ((lua_type(L, 3) != LUA_TSTRING && lua_type(L, 3) != LUA_TNUMBER) || !coral_shared_lua_value(L, 3, &value))
        return refuse(L, "bad value type");
    if ((result = coral_shared_list_push(s, &key, &value, first, &length)) != CORAL_SHARED_OK)
        return refuse(L, coral_shared_lua_reasons[result]);
    lua_pushinteger(L, length);
    return 1;
}

static int pop(lua_State *L, int first)
{
    coral_shared_e result;
    coral_value_t value;
    coral_shared_t *s;
    coral_key_t key;
    const char *wrong = read_list_call(L, 2, &s, &key);

    if (wrong)
        return refuse(L, wrong);
    if ((result = coral_shared_lua_fetch(L, coral_shared_list_pop, s, &key, first, &value)) == CORAL_SHARED_NOT_A_LIST)
        return refuse(L, coral_shared_lua_reasons[result]);
    if (result == CORAL_SHARED_NOT_FOUND)
        lua_pushnil(L);
    return 1;
}

/* dict:lpush(key, value), dict:rpush(key, value): the length. dict:lpop(key), dict:rpop(key): the value */
static int l_lpush(lua_State *L) { return push(L, 1); }
static int l_rpush(lua_State *L) { return push(L, 0); }
static int l_lpop(lua_State *L) { return pop(L, 1); }
static int l_rpop(lua_State *L) { return pop(L, 0); }

/* dict:llen(key): 0 where there is none */
static int l_llen(lua_State *L)
{
    coral_shared_e result;
    apr_uint32_t length;
    coral_shared_t *s;
    coral_key_t key;
    const char *wrong = read_list_call(L, 2, &s, &key);

    if (wrong)
        return refuse(L, wrong);
    if ((result = coral_shared_list_length(s, &key, &length)) == CORAL_SHARED_NOT_A_LIST)
        return refuse(L, coral_shared_lua_reasons[result]);
    lua_pushinteger(L, length);
    return 1;
}

/* dict:ttl(key): seconds, 0: for ever */
static int l_ttl(lua_State *L)
{
    coral_shared_t *s = dict_at_1(L);
    coral_shared_e result;
    apr_int64_t left;
    coral_key_t key;
    const char *wrong = coral_shared_lua_key(L, &key);

    if (wrong)
        return refuse(L, wrong);
    if ((result = coral_shared_ttl(s, &key, &left)) != CORAL_SHARED_OK)
        return refuse(L, coral_shared_lua_reasons[result]);
    if (left % 1000)
        lua_pushnumber(L, (lua_Number)left / 1000);
    else
        lua_pushinteger(L, left / 1000);
    return 1;
}

/* dict:expire(key, exptime) */
static int l_expire(lua_State *L)
{
    coral_shared_t *s = dict_at_1(L);
    coral_shared_e result;
    coral_key_t key;
    const char *wrong;
    int whether;
    lua_Number seconds = lua_tonumberx(L, 3, &whether);

    if (!whether)
        return luaL_error(L, "bad \"exptime\" argument");
    if ((wrong = coral_shared_lua_key(L, &key)))
        return refuse(L, wrong);
    if ((result = coral_shared_expire(s, &key, milliseconds(seconds))) != CORAL_SHARED_OK)
        return refuse(L, coral_shared_lua_reasons[result]);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_flush_all(lua_State *L)
{
    coral_shared_flush(dict_at_1(L));
    return 0;
}

/* The arguments of flush_expired() and get_keys(): how many at the most, 0 for all. */
static apr_uint32_t read_count(lua_State *L, coral_shared_t **s, apr_uint32_t otherwise)
{
    int n = lua_gettop(L);
    lua_Number most;

    if (n != 1 && n != 2)
        luaL_error(L, "expecting 1 or 2 argument(s), but saw %d", n);
    luaL_checktype(L, 1, LUA_TTABLE);
    *s = coral_shared_lua_check(L, "bad user data for the ngx_shm_zone_t pointer");
    most = n == 2 ? luaL_checknumber(L, 2) : otherwise;
    return most >= 1 && most < 4294967296.0 ? (apr_uint32_t)most : 0;
}

/* dict:flush_expired(most): how many have been dropped */
static int l_flush_expired(lua_State *L)
{
    coral_shared_t *s;
    apr_uint32_t most = read_count(L, &s, 0);

    lua_pushinteger(L, coral_shared_flush_expired(s, most));
    return 1;
}

/* dict:get_keys(most): a list, 1024 if nothing is said */
static int l_get_keys(lua_State *L)
{
    coral_shared_t *s;
    apr_uint32_t most = read_count(L, &s, 1024), count, i;
    apr_size_t bytes = coral_shared_keys(s, most, NULL, 0, &count), room;
    char *buffer;

    do { /* there may be more of them by now */
        room = bytes + bytes / 8 + 1024;
        lua_settop(L, 1);
        buffer = lua_newuserdatauv(L, room, 0);
    } while ((bytes = coral_shared_keys(s, most, buffer, room, &count)) > room);
    lua_createtable(L, (int)count, 0);
    for (i = 1; i <= count; i++) {
        apr_uint16_t length;

        memcpy(&length, buffer, sizeof(length));
        lua_pushlstring(L, buffer + sizeof(length), length);
        lua_rawseti(L, -2, i);
        buffer += sizeof(length) + length;
    }
    return 1;
}

/* dict:capacity(): the SIZE of the directive. dict:free_space(): what of it is in nobody's use */
static int l_capacity(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)dict_at_1(L)->size);
    return 1;
}

static int l_free_space(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)coral_shared_free_bytes(dict_at_1(L)));
    return 1;
}

static const luaL_Reg methods[] = {
    { "get", l_get },
    { "get_stale", l_get_stale },
    { "set", l_set },
    { "safe_set", l_safe_set },
    { "add", l_add },
    { "safe_add", l_safe_add },
    { "replace", l_replace },
    { "delete", l_delete },
    { "incr", l_incr },
    { "lpush", l_lpush },
    { "rpush", l_rpush },
    { "lpop", l_lpop },
    { "rpop", l_rpop },
    { "llen", l_llen },
    { "ttl", l_ttl },
    { "expire", l_expire },
    { "flush_all", l_flush_all },
    { "flush_expired", l_flush_expired },
    { "get_keys", l_get_keys },
    { "capacity", l_capacity },
    { "free_space", l_free_space },
    { NULL, NULL }
};

/* handles(): name -> what a method finds at index 1 of its dictionary */
static int l_handles(lua_State *L)
{
    int i, count;
    coral_shared_t *all = coral_shared_all(&count);

    lua_createtable(L, 0, count);
    for (i = 0; i < count; i++) {
        coral_shared_lua_push_handle(L, &all[i]);
        lua_setfield(L, -2, all[i].name);
    }
    return 1;
}

/* check(dict): true, or nil and what is broken in its memory. For tests */
static int l_check(lua_State *L)
{
    const char *wrong = coral_shared_check(dict_at_1(L));

    if (wrong)
        return refuse(L, wrong);
    lua_pushboolean(L, 1);
    return 1;
}

CORAL_API(shared)
{
    lua_createtable(L, 0, 3);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "methods");
    lua_pushcfunction(L, l_handles);
    lua_setfield(L, -2, "handles");
    lua_pushcfunction(L, l_check);
    lua_setfield(L, -2, "check");
    return 1;
}
