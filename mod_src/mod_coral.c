/* SPDX-License-Identifier: Apache-2.0 */
/* mod_coral.c - the front door: the module record, and the life of a child process. */
#include "api.h"
#include "capture.h"
#include "content.h"
#include "directive.h"
#include "errlog.h"
#include "directive_app.h"
#include "filter.h"
#include "named.h"
#include "net_pool.h"
#include "park.h"
#include "phase.h"
#include "process.h"
#include "resolver.h"
#include "run.h"
#include "route.h"
#include "serve.h"
#include "shared.h"
#include "sleeper.h"
#include "source.h"
#include "stay.h"
#include "stock.h"
#include "timer.h"

#include "apr_file_info.h"
#include "mpm_common.h"

#include <dlfcn.h>

static const char *library_path(void)
{
    const char *path = coral_conf_of_server(ap_server_conf)->library_path;

    return path ? path : CORAL_LUA_LIB;
}

/* Runs a script outside of requests, with the state's `once` (lua_lib/coral/boot.lua), which is at index 2. */
static void run_once(lua_State *L, const coral_script_t *s, coral_phase_e phase)
{
    lua_pushvalue(L, 2);
    lua_pushstring(L, coral_phase_names[phase]);
    lua_pushstring(L, s->file);
    lua_pushstring(L, s->text);
    lua_pushinteger(L, s->line);
    lua_pushstring(L, s->function);
    lua_call(L, 5, 0);
}

static void run_all_once(lua_State *L, apr_array_header_t *hooks, coral_phase_e phase)
{
    int i;

    for (i = 0; hooks && i < hooks->nelts; i++)
        run_once(L, APR_ARRAY_IDX(hooks, i, const coral_script_t *), phase);
}

static char once_key; /* registry */

/* Lua seeds math.random with the time and an address, which forked children share. */
static void seed_random(lua_State *L)
{
    lua_Integer seed[2] = { 0, 0 };

    apr_generate_random_bytes((unsigned char *)seed, sizeof(seed));
    lua_getglobal(L, "math");
    lua_getfield(L, -1, "randomseed");
    lua_pushinteger(L, seed[0]);
    lua_pushinteger(L, seed[1]);
    lua_call(L, 2, 0);
}

/* Fills a new state; 1 is what it is made for. */
static int open_state(lua_State *L)
{
    const coral_conf_t *conf = lua_touserdata(L, 1);
    const char *boot;

    luaL_openlibs(L);
    seed_random(L);
    coral_api_preload(L);
    lua_settop(L, 1);
    boot = lua_pushfstring(L, "%s/coral/boot.lua", library_path());
    if (luaL_loadfilex(L, boot, "t") != LUA_OK)
        return lua_error(L);
    lua_pushstring(L, library_path());
    lua_pushstring(L, conf->package_path);
    lua_pushstring(L, conf->package_cpath);
    lua_pushboolean(L, coral_conf_flag(conf, compat));
    lua_pushstring(L, conf->environment);
    lua_pushboolean(L, coral_conf_flag(conf, luasocket));
    lua_call(L, 6, 2); /* main, once */
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &once_key);
    lua_replace(L, 2);
    coral_run_set_main(L);
    run_all_once(L, conf->hooks[CORAL_PHASE_init], CORAL_PHASE_init);
    return 0;
}

/* The scripts of init_worker and exit_worker, each once however many virtual hosts inherit it. 1: the phase, 2: once */
static int run_worker_scripts(lua_State *L)
{
    coral_phase_e phase = (coral_phase_e)lua_tointeger(L, 1);
    const server_rec *s;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &once_key);
    lua_newtable(L); /* the hooks that ran */
    for (s = ap_server_conf; s; s = s->next) {
        const coral_conf_t *conf = ap_get_module_config(s->lookup_defaults, &coral_module);

        if (lua_rawgetp(L, 3, conf->hooks[phase]) == LUA_TNIL)
            run_all_once(L, conf->hooks[phase], phase);
        lua_settop(L, 3);
        lua_pushboolean(L, 1);
        lua_rawsetp(L, 3, conf->hooks[phase]);
    }
    return 0;
}

static void run_worker(coral_vm_t *vm, void *phase_)
{
    coral_phase_e phase = *(coral_phase_e *)phase_;
    lua_State *L = coral_vm_state(vm);

    lua_pushcfunction(L, run_worker_scripts);
    lua_pushinteger(L, phase);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf, "hook %s failed: %s", coral_phase_names[phase],
                     lua_isstring(L, -1) ? lua_tostring(L, -1) : "the error is not a string");
    lua_settop(L, 0);
}

/* Whether any server has a script in the phase. */
static int wanted(coral_phase_e phase)
{
    const server_rec *s;

    for (s = ap_server_conf; s; s = s->next)
        if (((const coral_conf_t *)ap_get_module_config(s->lookup_defaults, &coral_module))->hooks[phase])
            return 1;
    return 0;
}

static void run_worker_phase(coral_phase_e phase)
{
    coral_vm_t *vm;

    if (!wanted(phase) || !(vm = coral_vm_take(ap_get_module_config(ap_server_conf->lookup_defaults, &coral_module))))
        return;
    coral_vm_run(vm, run_worker, &phase);
    coral_vm_give(vm, LUA_NOREF, 1);
}

/* CoralStates MIN: made before the first request, for what the servers themselves configure. */
static void make_states(apr_pool_t *p)
{
    const server_rec *s;

    for (s = ap_server_conf; s; s = s->next) {
        const coral_conf_t *conf = ap_get_module_config(s->lookup_defaults, &coral_module);
        int i, min = coral_conf_limits(conf->group)->min;
        coral_vm_t **vms = apr_pcalloc(p, (min + 1) * sizeof(*vms));

        for (i = 0; i < min; i++)
            vms[i] = coral_vm_take(conf);
        for (i = 0; i < min; i++)
            if (vms[i])
                coral_vm_give(vms[i], LUA_NOREF, 1);
    }
}

static void on_child_stopping(apr_pool_t *pchild, int graceful)
{
    (void)pchild;
    coral_timer_stop();
    if (!graceful)
        coral_strand_hurry();
}

static apr_status_t on_child_end(void *unused)
{
    int threaded = 0;

    (void)unused;
    coral_park_end(apr_time_from_sec(1));
    coral_timer_finish(coral_strand_hurried() ? apr_time_from_msec(500) : apr_time_from_sec(10));
    coral_poller_stop();
    coral_process_kill_all();
    ap_mpm_query(AP_MPMQ_IS_THREADED, &threaded);
    if (threaded || !coral_vm_in_use()) /* prefork ends a child in a signal handler, be it in the middle of a script */
        run_worker_phase(CORAL_PHASE_exit_worker);
    return APR_SUCCESS;
}

static void on_child_init(apr_pool_t *pchild, server_rec *s)
{
    apr_pool_t *p;

    if (coral_source_child_init(pchild) != APR_SUCCESS || coral_poller_child_init(pchild) != APR_SUCCESS
        || coral_sleeper_child_init(pchild) != APR_SUCCESS || coral_process_child_init(pchild) != APR_SUCCESS
        || coral_strand_child_init(pchild) != APR_SUCCESS || coral_vm_child_init(pchild, open_state) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, "cannot start: no memory");
        return;
    }
    coral_task_set_library(library_path());
    coral_errlog_child_init();
    coral_capture_child_init(pchild);
    coral_stay_child_init(pchild);
    coral_park_child_init(pchild);
    coral_stock_child_init(pchild);
    coral_net_child_init();
    coral_tls_settings_child_init(pchild);
    coral_tls_child_init(pchild);
    coral_net_pool_child_init(pchild);
    coral_resolver_child_init(pchild);
    coral_timer_child_init(pchild);
    apr_pool_create(&p, pchild);
    make_states(p);
    apr_pool_destroy(p);
    run_worker_phase(CORAL_PHASE_init_worker);
    apr_pool_pre_cleanup_register(pchild, NULL, on_child_end); /* before the states are closed: the last registered comes first */
}

/* C modules of Lua (cjson …) take the first Lua library they meet in the process. If that is another version, of a module loaded before
 * this one (Debian's mod_lua has 5.3), they crash. */
static void warn_of_other_lua(server_rec *s)
{
    void *first = dlsym(RTLD_DEFAULT, "lua_gettop");

    if (first && first != (void *)lua_gettop && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG)
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_WARNING, 0, s,
                     "another version of Lua was loaded before mod_coral's: modules written in C, such as cjson, will crash; "
                     "put LoadModule coral_module before lua_module");
}

static int on_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_finfo_t info;
    const char *boot = apr_pstrcat(ptemp, library_path(), "/coral/boot.lua", NULL);
    apr_status_t rv = apr_stat(&info, boot, APR_FINFO_TYPE, ptemp);

    (void)plog;
    warn_of_other_lua(s);
    if (rv == APR_SUCCESS)
        return coral_shared_open(pconf, s) == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, rv, s,
                 "cannot read %s: mod_coral's Lua files are not where `make install` puts them; say where with CoralLibraryPath", boot);
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* configtest comes as far as here. */
static int on_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const char *path = coral_conf_of_server(s)->library_path;

    (void)plog;
    return coral_directive_check_apps(pconf, ptemp, path ? path : CORAL_LUA_LIB);
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(on_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(on_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(on_child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_stopping(on_child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
    coral_request_register();
    coral_named_register();
    coral_phase_register();
    coral_route_register();
    coral_serve_register();
    coral_park_register();
    coral_capture_register();
    coral_content_register();
    coral_response_register();
    coral_filter_register();
    coral_body_register(p);
    coral_errlog_register();
}

/* Not AP_DECLARE_MODULE: coral.h has named the module for the log already. */
module AP_MODULE_DECLARE_DATA coral_module = {
    STANDARD20_MODULE_STUFF,
    coral_conf_create_dir,
    coral_conf_merge_dir,
    coral_conf_create_server,
    coral_conf_merge_server,
    coral_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE
};
