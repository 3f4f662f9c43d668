/* SPDX-License-Identifier: Apache-2.0 */
/* api_time.c - coral.time: clocks and dates, and sleeping. Behind ngx.now, ngx.http_time, ngx.sleep … */
#include "glue.h"

#include "apr_date.h"
#include "apr_time.h"

#include <math.h>

/* now(): seconds since 1970 with fractions */
static int l_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)apr_time_as_msec(apr_time_now()) / 1000);
    return 1;
}

/* time(): whole seconds since 1970 */
static int l_time(lua_State *L)
{
    lua_pushinteger(L, apr_time_sec(apr_time_now()));
    return 1;
}

static int push_time(lua_State *L, apr_time_exp_t *t, const char *format)
{
    apr_size_t length;
    char text[64];

    apr_strftime(text, &length, sizeof(text), format, t);
    lua_pushlstring(L, text, length);
    return 1;
}

/* localtime(): "2026-11-21 09:30:00". utctime() the same in UTC, today() the date alone */
static int l_localtime(lua_State *L)
{
    apr_time_exp_t t;

    apr_time_exp_lt(&t, apr_time_now());
    return push_time(L, &t, "%Y-%m-%d %H:%M:%S");
}

static int l_utctime(lua_State *L)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, apr_time_now());
    return push_time(L, &t, "%Y-%m-%d %H:%M:%S");
}

static int l_today(lua_State *L)
{
    apr_time_exp_t t;

    apr_time_exp_lt(&t, apr_time_now());
    return push_time(L, &t, "%Y-%m-%d");
}

/* Seconds since 1970, fractions left out, of a year with four digits. */
static apr_time_t check_seconds(lua_State *L, int index)
{
    lua_Number seconds = luaL_checknumber(L, index);

    luaL_argcheck(L, seconds >= -62135596800.0 && seconds <= 253402300799.0, index, "not a time between the years 1 and 9999");
    return apr_time_from_sec((apr_int64_t)floor(seconds));
}

/* http_time(seconds): a Date header's form (RFC 9110). cookie_time(seconds): the same, as Netscape's cookies want it */
static int l_http_time(lua_State *L)
{
    char text[APR_RFC822_DATE_LEN];

    apr_rfc822_date(text, check_seconds(L, 1));
    return coral_push(L, text);
}

static int l_cookie_time(lua_State *L)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, check_seconds(L, 1));
    return push_time(L, &t, t.tm_year < 138 ? "%a, %d-%b-%y %H:%M:%S GMT" : "%a, %d-%b-%Y %H:%M:%S GMT");
}

/* parse_http_time(text): seconds since 1970, or nil */
static int l_parse_http_time(lua_State *L)
{
    apr_time_t t = apr_date_parse_http(luaL_checkstring(L, 1));

    if (t == APR_DATE_BAD)
        lua_pushnil(L);
    else
        lua_pushinteger(L, apr_time_sec(t));
    return 1;
}

/* sleep(seconds): others go on meanwhile. ngx.sleep */
static int l_sleep(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    coral_wait_t *w;

    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 1, "invalid sleep duration");
    w = coral_task_new_wait(L);
    w->until = apr_time_now() + (apr_interval_time_t)(seconds * APR_USEC_PER_SEC);
    return coral_task_wait(L, w);
}

static const luaL_Reg functions[] = {
    { "now", l_now },
    { "time", l_time },
    { "localtime", l_localtime },
    { "utctime", l_utctime },
    { "today", l_today },
    { "http_time", l_http_time },
    { "cookie_time", l_cookie_time },
    { "parse_http_time", l_parse_http_time },
    { "sleep", l_sleep },
    { NULL, NULL }
};

CORAL_API(time)
{
    luaL_newlib(L, functions);
    return 1;
}
