/* SPDX-License-Identifier: Apache-2.0 */
/* api_log.c - coral.log: the error log, at httpd's levels, under the module's LogLevel. Behind ngx.log and r:warn(). */
#include "glue.h"

#include "errlog.h"

#include "util_time.h"

#include <stdlib.h>

/* Where the Lua that calls stands. */
static void add_place(lua_State *L, luaL_Buffer *b)
{
    lua_Debug place;

    if (lua_getstack(L, 1, &place) && lua_getinfo(L, "Sl", &place) && place.currentline > 0) {
        luaL_addstring(b, *place.source == '@' ? place.source + 1 : place.short_src);
        lua_pushfstring(L, ":%d: ", place.currentline);
        luaL_addvalue(b);
    }
}

/* A value as text. A NUL would hide the rest of the line: it is written out. */
static void add_text(lua_State *L, luaL_Buffer *b, int index)
{
    const char *text;
    size_t length, i;

    if (lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index)) {
        luaL_addstring(b, "null"); /* ngx.null */
        return;
    }
    text = luaL_tolstring(L, index, &length);
    if (!memchr(text, 0, length)) {
        luaL_addvalue(b);
        return;
    }
    lua_replace(L, index); /* stays alive, out of the buffer's way */
    for (i = 0; i < length; i++) {
        if (text[i])
            luaL_addchar(b, text[i]);
        else
            luaL_addstring(b, "\\x00");
    }
}

/* Writes the arguments from first on, one after the other. */
static int write_log(lua_State *L, int level, int first, int raw)
{
    coral_run_t *run = coral_run_of(L);
    request_rec *r = run && run->rq ? run->rq->r : NULL;
    int i, count = lua_gettop(L);
    luaL_Buffer b;

    if (r ? !APLOG_R_IS_LEVEL(r, level) : !APLOG_IS_LEVEL(ap_server_conf, level))
        return 0;
    luaL_buffinit(L, &b);
    if (!raw)
        add_place(L, &b);
    for (i = first; i <= count; i++)
        add_text(L, &b, i);
    luaL_pushresult(&b);
    coral_request_log(run ? run->rq : NULL, level, "%s%s", raw ? "" : "[lua] ", lua_tostring(L, -1));
    return 0;
}

static int level_at(lua_State *L, int index)
{
    lua_Integer level = luaL_checkinteger(L, index);

    if (level < 0 || level > 8)
        luaL_argerror(L, index, lua_pushfstring(L, "bad log level: %I", (LUAI_UACINT)level));
    return level > 0 ? (int)level - 1 : APLOG_EMERG;
}

/* log(level, ...): ngx.log's levels, ngx.EMERG 1 … ngx.DEBUG 8; ngx.STDERR 0 is told as loudly */
static int l_log(lua_State *L)
{
    return write_log(L, level_at(L, 1), 2, 0);
}

/* raw(level, ...): without file and line */
static int l_raw(lua_State *L)
{
    return write_log(L, level_at(L, 1), 2, 1);
}

/* A level of httpd's as one of ngx.log's. */
static int ngx_level(int level)
{
    return level < APLOG_DEBUG ? level + 1 : APLOG_DEBUG + 1;
}

/* level(): the least urgent of ngx.log's levels that is written here */
static int l_level(lua_State *L)
{
    coral_run_t *run = coral_run_of(L);
    int level = run && run->rq ? ap_get_request_module_loglevel(run->rq->r, APLOG_MODULE_INDEX)
                               : ap_get_server_module_loglevel(ap_server_conf, APLOG_MODULE_INDEX);

    lua_pushinteger(L, ngx_level(level));
    return 1;
}

/* keeps(): whether messages are kept; keep(level): of them only what is at least as urgent */
static int l_keeps(lua_State *L)
{
    lua_pushboolean(L, coral_errlog_keeps());
    return 1;
}

static int l_keep(lua_State *L)
{
    int level = (int)luaL_checkinteger(L, 1);

    coral_errlog_set_level(level >= APLOG_DEBUG + 1 ? APLOG_TRACE8 : level > 0 ? level - 1 : APLOG_EMERG);
    return 0;
}

static int push_message(lua_State *L)
{
    coral_errlog_t *message = lua_touserdata(L, 1);

    lua_pushinteger(L, ngx_level(message->level));
    lua_pushnumber(L, (lua_Number)(message->time / 1000) / 1000);
    lua_pushlstring(L, message->text, message->length);
    return 3;
}

/* take(): level, time and text of the oldest message that is kept, which is kept no more; nothing: there is none */
static int l_take(lua_State *L)
{
    coral_errlog_t *message = coral_errlog_take();
    int failed;

    if (!message)
        return 0;
    lua_settop(L, 0);
    lua_pushcfunction(L, push_message);
    lua_pushlightuserdata(L, message);
    failed = lua_pcall(L, 1, 3, 0); /* there may be no memory */
    free(message);
    return failed ? lua_error(L) : 3;
}

/* print(...): OpenResty's print goes to the log, as a notice */
static int l_print(lua_State *L)
{
    return write_log(L, APLOG_NOTICE, 1, 0);
}

/* The length of a sequence that sets colours (ESC [ numbers m) and nothing else; 0: it is none. */
static apr_size_t colour(const char *text)
{
    apr_size_t i = 2;

    if (text[0] != 033 || text[1] != '[')
        return 0;
    while (apr_isdigit(text[i]) || text[i] == ';')
        i++;
    return text[i] == 'm' ? i + 1 : 0;
}

/* Other control characters are written out, as httpd does it: a terminal that shows the log would obey them. */
static void add_coloured(luaL_Buffer *b, const char *text, const char *end)
{
    char code[8];
    apr_size_t length;

    for (; text < end; text += length) {
        length = colour(text);
        if (length || !apr_iscntrl(*text))
            luaL_addlstring(b, text, length ? length : (length = 1));
        else {
            luaL_addlstring(b, code, apr_snprintf(code, sizeof(code), *text == '\n' ? "\\n" : "\\x%02x", (unsigned char)*text));
            length = 1;
        }
    }
}

/* coloured(text): a notice whose colours httpd does not take for control characters to be written out */
static int l_coloured(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    coral_run_t *run = coral_run_of(L);
    request_rec *r = run && run->rq ? run->rq->r : NULL;
    server_rec *s = r ? r->server : ap_server_conf;
    char when[64];
    int size = sizeof(when);
    luaL_Buffer b;

    if (!s->error_log) /* syslog has it as httpd writes it */
        return write_log(L, APLOG_NOTICE, 1, 1);
    if (r ? !APLOG_R_IS_LEVEL(r, APLOG_NOTICE) : !APLOG_IS_LEVEL(s, APLOG_NOTICE))
        return 0;
    ap_recent_ctime_ex(when, apr_time_now(), AP_CTIME_OPTION_USEC, &size);
    luaL_buffinit(L, &b);
    lua_pushfstring(L, "[%s] [coral:notice] [pid %d] [client %s] ", when, (int)getpid(), r ? r->useragent_ip : "-");
    luaL_addvalue(&b);
    add_coloured(&b, text, text + length);
    luaL_addchar(&b, '\n');
    luaL_pushresult(&b);
    apr_file_write_full(s->error_log, lua_tostring(L, -1), lua_rawlen(L, -1), NULL);
    return 0;
}

static int l_method(lua_State *L)
{
    return write_log(L, (int)lua_tointeger(L, lua_upvalueindex(1)), 2, 0);
}

/* method(level): a function (r, ...) that logs at that level of httpd's, 0 (emerg) to 15 (trace8) */
static int l_make_method(lua_State *L)
{
    lua_Integer level = luaL_checkinteger(L, 1);

    luaL_argcheck(L, level >= APLOG_EMERG && level <= APLOG_TRACE8, 1, "not a log level");
    lua_pushinteger(L, level);
    lua_pushcclosure(L, l_method, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    { "log", l_log },
    { "raw", l_raw },
    { "level", l_level },
    { "keeps", l_keeps },
    { "keep", l_keep },
    { "take", l_take },
    { "print", l_print },
    { "coloured", l_coloured },
    { "method", l_make_method },
    { NULL, NULL }
};

CORAL_API(log)
{
    luaL_newlib(L, functions);
    return 1;
}
