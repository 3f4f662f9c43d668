/* SPDX-License-Identifier: Apache-2.0 */
/* api_worker.c - coral.worker: this child process. Behind ngx.worker and `require "coral"`. */
#include "glue.h"
#include "net.h"
#include "park.h"
#include "process.h"

#include <unistd.h>

static int l_pid(lua_State *L)
{
    lua_pushinteger(L, getpid());
    return 1;
}

/* parent(): the number of httpd's parent process, of this one where there is no other */
static int l_parent(lua_State *L)
{
    lua_pushinteger(L, ap_exists_config_define("ONE_PROCESS") ? getpid() : getppid());
    return 1;
}

/* count(): how many child processes httpd may have */
static int l_count(lua_State *L)
{
    int count = 1;

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &count);
    lua_pushinteger(L, count);
    return 1;
}

/* exiting(): whether httpd is about to stop this process */
static int l_exiting(lua_State *L)
{
    int state = 0;

    lua_pushboolean(L, ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING);
    return 1;
}

/* threads(): how many requests this process serves at the same time */
static int l_threads(lua_State *L)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    lua_pushinteger(L, threads);
    return 1;
}

/* states(): how many Lua states this process has; bytes(): what this one has allocated */
static int l_states(lua_State *L)
{
    lua_pushinteger(L, coral_vm_count());
    return 1;
}

static int l_bytes(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)coral_vm_bytes(coral_vm_of(L)));
    return 1;
}

/* parked(): requests that wait without a thread; sockets(): connections to elsewhere, kept ones too */
static int l_parked(lua_State *L)
{
    lua_pushinteger(L, coral_park_count());
    return 1;
}

static int l_sockets(lua_State *L)
{
    lua_pushinteger(L, coral_net_count());
    return 1;
}

/* processes(): of ngx.pipe */
static int l_processes(lua_State *L)
{
    lua_pushinteger(L, coral_process_count());
    return 1;
}

/* backend(): what the loop waits with */
static int l_backend(lua_State *L)
{
    return coral_push(L, coral_poller_method());
}

/* version(): mod_coral's; server(): httpd's name and version */
static int l_version(lua_State *L)
{
    lua_pushliteral(L, CORAL_VERSION);
    return 1;
}

static int l_server(lua_State *L)
{
    return coral_push(L, ap_get_server_banner());
}

static const luaL_Reg functions[] = {
    { "pid", l_pid },
    { "parent", l_parent },
    { "count", l_count },
    { "exiting", l_exiting },
    { "threads", l_threads },
    { "states", l_states },
    { "parked", l_parked },
    { "sockets", l_sockets },
    { "processes", l_processes },
    { "backend", l_backend },
    { "bytes", l_bytes },
    { "version", l_version },
    { "server", l_server },
    { NULL, NULL }
};

CORAL_API(worker)
{
    luaL_newlib(L, functions);
    return 1;
}
