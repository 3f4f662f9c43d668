/* SPDX-License-Identifier: Apache-2.0 */
/* api_timer.c - coral.timer: functions that run later, without a request. Behind ngx.timer. */
#include "glue.h"

#include "timer.h"

static int over(lua_State *L, int status, lua_KContext unused)
{
    (void)L;
    (void)status;
    (void)unused;
    return 0;
}

/* The first function of a timer: the list { function, arguments … } is what the timer keeps. 1: the run */
static int begin(lua_State *L)
{
    coral_run_t *run = lua_touserdata(L, 1);
    int i, count;

    coral_request_push(L, NULL, run->bond); /* ngx.ctx */
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, coral_timer_ref(run));
    lua_getfield(L, 2, "n");
    count = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    luaL_checkstack(L, count + 2, "too many arguments");
    lua_rawgeti(L, 2, 1);
    lua_pushboolean(L, coral_timer_is_premature(run));
    for (i = 2; i <= count; i++)
        lua_rawgeti(L, 2, i);
    lua_callk(L, count, 0, 0, over);
    return 0;
}

/* (delay, function, ...): the list of what is called */
static int make(lua_State *L, int repeats)
{
    lua_Number delay;
    int i, ref, count = lua_gettop(L) - 1;
    const char *wrong;

    if (count < 1)
        return luaL_error(L, "expecting at least 2 arguments but got %d", count + 1);
    delay = luaL_checknumber(L, 1);
    luaL_argcheck(L, delay >= 0 && delay < 1e9, 1, "invalid delay");
    if (repeats && delay == 0)
        return luaL_error(L, "delay cannot be zero");
    luaL_argcheck(L, lua_isfunction(L, 2), 2, "Lua function expected");
    lua_createtable(L, count, 1);
    for (i = 1; i <= count; i++) {
        lua_pushvalue(L, i + 1);
        lua_rawseti(L, -2, i);
    }
    lua_pushinteger(L, count);
    lua_setfield(L, -2, "n");
    ref = luaL_ref(L, LUA_REGISTRYINDEX);
    wrong = coral_timer_make(L, begin, ref, (apr_interval_time_t)(delay * APR_USEC_PER_SEC), repeats);
    if (wrong) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        return coral_fail(L, wrong);
    }
    lua_pushinteger(L, 1);
    return 1;
}

/* at(seconds, f, ...): f(premature, ...) is called once, then; 1, or nil and why */
static int l_at(lua_State *L)
{
    return make(L, 0);
}

/* every(seconds, f, ...): again and again */
static int l_every(lua_State *L)
{
    return make(L, 1);
}

static int l_pending_count(lua_State *L)
{
    lua_pushinteger(L, coral_timer_pending());
    return 1;
}

static int l_running_count(lua_State *L)
{
    lua_pushinteger(L, coral_timer_running());
    return 1;
}

static const luaL_Reg functions[] = {
    { "at", l_at },
    { "every", l_every },
    { "pending_count", l_pending_count },
    { "running_count", l_running_count },
    { NULL, NULL }
};

CORAL_API(timer)
{
    luaL_newlib(L, functions);
    return 1;
}
