/* SPDX-License-Identifier: Apache-2.0 */
/* api_worker.c - coral.worker: this child process. Behind ngx.worker and `require "coral"`. */
#include "glue.h"
#include "lounge.h"
#include "net.h"
#include "park.h"
#include "process.h"
#include "stock.h"

#include "scoreboard.h"

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

/* Whom httpd has in a place of its scoreboard; 0: nobody. */
static pid_t child_at(int place)
{
    const process_score *child = ap_get_scoreboard_process(place);

    return child ? child->pid : 0;
}

static int places(void)
{
    int count = 1;

    return ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &count) == APR_SUCCESS ? count : 1;
}

/* id(): this process's place in httpd's scoreboard, from 0 on; nil: it has none. The parent notes it after the fork, so a child that has
 * just begun may have to wait for a moment. */
static int l_id(lua_State *L)
{
    int i, tries, count = places();

    for (tries = 0; tries < 50; tries++) {
        for (i = 0; i < count; i++)
            if (child_at(i) == getpid()) {
                lua_pushinteger(L, i);
                return 1;
            }
        if (ap_exists_config_define("ONE_PROCESS"))
            break;
        apr_sleep(apr_time_from_msec(2));
    }
    lua_pushnil(L);
    return 1;
}

/* pids(): a list of the child processes, those that are about to end, too */
static int l_pids(lua_State *L)
{
    int i, n = 0, count = places();

    lua_newtable(L);
    for (i = 0; i < count; i++)
        if (child_at(i)) {
            lua_pushinteger(L, child_at(i));
            lua_rawseti(L, -2, ++n);
        }
    return 1;
}

/* prefix(): ServerRoot, with a slash behind it */
static int l_prefix(lua_State *L)
{
    apr_size_t length = strlen(ap_server_root);

    lua_pushfstring(L, "%s%s", ap_server_root, length && ap_server_root[length - 1] == '/' ? "" : "/");
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

/* stock(): bytes that are kept for the next connections */
static int l_stock(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)coral_stock_bytes());
    return 1;
}

/* parked(): requests that wait without a thread; staying(): connections that are stayed on in the loop; sockets(): connections to elsewhere,
 * kept ones too */
static int l_parked(lua_State *L)
{
    lua_pushinteger(L, coral_park_count());
    return 1;
}

static int l_staying(lua_State *L)
{
    lua_pushinteger(L, coral_lounge_count());
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
    { "id", l_id },
    { "pids", l_pids },
    { "prefix", l_prefix },
    { "exiting", l_exiting },
    { "threads", l_threads },
    { "states", l_states },
    { "parked", l_parked },
    { "staying", l_staying },
    { "sockets", l_sockets },
    { "processes", l_processes },
    { "backend", l_backend },
    { "bytes", l_bytes },
    { "stock", l_stock },
    { "version", l_version },
    { "server", l_server },
    { NULL, NULL }
};

CORAL_API(worker)
{
    luaL_newlib(L, functions);
    return 1;
}
