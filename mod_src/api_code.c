/* SPDX-License-Identifier: Apache-2.0 */
/* api_code.c - coral.code: what lua_lib/coral/loader.lua needs to load and reload code. */
#include "glue.h"

#include "source.h"

#include <sys/stat.h>

#include "apr_fnmatch.h"

#define TEXT "coral.code.text"

/* version(path, age): the number of the file's newest good version, looking at the disk if the last look is older than age (µs); or
 * nil and why there is none. */
static int l_version(lua_State *L)
{
    char error[CORAL_SOURCE_ERROR];
    apr_uint32_t version = coral_source_version(luaL_checkstring(L, 1), luaL_checkinteger(L, 2), error);

    if (version) {
        lua_pushinteger(L, version);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, error);
    return 2;
}

static int l_give(lua_State *L)
{
    coral_source_text_t **box = luaL_checkudata(L, 1, TEXT);

    if (*box)
        coral_source_give(*box);
    *box = NULL;
    return 0;
}

/* text(path): the newest good version's text and number; nil before version() has found one */
static int l_text(lua_State *L)
{
    coral_source_text_t **box;
    const char *path = luaL_checkstring(L, 1);

    box = lua_newuserdatauv(L, sizeof(*box), 0); /* gives the text back, whatever is raised */
    *box = NULL;
    luaL_setmetatable(L, TEXT);
    *box = coral_source_take(path);
    if (!*box)
        return coral_push(L, NULL);
    lua_pushlstring(L, (*box)->text, (*box)->length);
    lua_pushinteger(L, (*box)->version);
    coral_source_give(*box);
    *box = NULL;
    return 2;
}

/* stamp(path): a string that is another one when the file has changed; nil if there is no such file */
static int l_stamp(lua_State *L)
{
    struct stat info;

    if (stat(luaL_checkstring(L, 1), &info))
        return coral_push(L, NULL);
    lua_pushfstring(L, "%I.%I.%I", (LUAI_UACINT)info.st_mtim.tv_sec, (LUAI_UACINT)info.st_mtim.tv_nsec, (LUAI_UACINT)info.st_size);
    return 1;
}

/* script(): what the run is to execute: file, text or nil, line, function or adapter or nil, how ("chunk" …), an app's url prefix */
static int l_script(lua_State *L)
{
    static const char *const how[] = { "chunk", "function", "script", "app" };
    coral_run_t *run = coral_here(L);

    lua_pushstring(L, run->script->file);
    lua_pushstring(L, run->script->text);
    lua_pushinteger(L, run->script->line);
    lua_pushstring(L, run->script->function);
    lua_pushstring(L, how[run->script->run]);
    lua_pushstring(L, run->script->prefix);
    return 6;
}

/* files(pattern): the names, without the folder, of what is there: "/folder/x*.lua"; only what follows the last slash is a pattern */
static int l_files(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    apr_array_header_t *names;
    int i;

    lua_newtable(L);
    if (apr_match_glob(coral_check_text(L, 1), &names, r->pool) != APR_SUCCESS)
        return 1;
    for (i = 0; i < names->nelts; i++) {
        lua_pushstring(L, APR_ARRAY_IDX(names, i, const char *));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* key(): what the run's script is known by, as main got it; nil where there is no request */
static int l_key(lua_State *L)
{
    coral_run_t *run = coral_run_of(L);

    if (!run || !run->script)
        lua_pushnil(L);
    else if (run->script->lasting)
        lua_pushlightuserdata(L, (void *)run->script);
    else
        lua_pushstring(L, run->script->key);
    return 1;
}

/* marks(): what a coroutine that waits yields, and what it yields to one who may not resume it */
static int l_marks(lua_State *L)
{
    coral_task_push_marks(L);
    return 2;
}

/* exiting(): whether the run is being ended, by ngx.exit or one of its kind; exit(): goes on ending it */
static int l_exiting(lua_State *L)
{
    lua_pushboolean(L, coral_task_is_exiting(L));
    return 1;
}

static int l_exit(lua_State *L)
{
    return coral_task_exit(L);
}

static const luaL_Reg functions[] = {
    { "version", l_version },
    { "text", l_text },
    { "stamp", l_stamp },
    { "script", l_script },
    { "files", l_files },
    { "key", l_key },
    { "marks", l_marks },
    { "exiting", l_exiting },
    { "exit", l_exit },
    { NULL, NULL }
};

static const luaL_Reg meta[] = {
    { "__gc", l_give },
    { NULL, NULL }
};

CORAL_API(code)
{
    luaL_newmetatable(L, TEXT);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
