/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdlib.h>

static char main_key; /* registry: loader.main of lua_lib/coral/loader.lua */

const char coral_r_kind[] = CORAL_R;

/* The request is over; r->pool goes away. */
static apr_status_t on_end(void *rq_)
{
    coral_request_t *rq = rq_;
    coral_bond_t *bond;

    for (bond = rq->bonds; bond; bond = bond->next)
        coral_vm_give(bond->vm, bond->ref, bond->on_lease);
    rq->bonds = NULL;
    coral_response_clear(&rq->response);
    free(rq->body.data);
    ap_set_module_config(rq->r->request_config, &coral_module, NULL);
    return APR_SUCCESS;
}

coral_request_t *coral_request_existing(request_rec *r)
{
    return r ? ap_get_module_config(r->request_config, &coral_module) : NULL;
}

/* A body is read once: the request that a redirect makes takes over what the one before has. */
static void inherit_body(coral_request_t *rq)
{
    coral_request_t *before = coral_request_existing(rq->r->prev);

    if (before && before->body.read) {
        rq->body = before->body;
        before->body.data = NULL;
        before->body.length = before->body.size = 0;
        coral_body_offer(rq->r, &rq->body);
    }
}

coral_request_t *coral_request_of(request_rec *r)
{
    coral_request_t *rq = coral_request_existing(r);

    if (!rq) {
        rq = apr_pcalloc(r->pool, sizeof(*rq));
        rq->r = rq->response.r = r;
        rq->first_status = r->status;
        ap_set_module_config(r->request_config, &coral_module, rq);
        inherit_body(rq);
        apr_pool_cleanup_register(r->pool, rq, on_end, apr_pool_cleanup_null);
    }
    rq->response.default_type = coral_conf_of(r)->default_type;
    if (!rq->response.default_type)
        rq->response.default_type = "text/plain";
    return rq;
}

static coral_bond_t *bond_in(coral_request_t *rq, const coral_conf_t *conf)
{
    coral_bond_t *bond;

    for (bond = rq ? rq->bonds : NULL; bond; bond = bond->next)
        if (coral_vm_fits(bond->vm, conf))
            return bond;
    return NULL;
}

/* The state this request uses under conf; its parent's, if it has one. NULL: there is none to be had. */
static coral_bond_t *bond_of(coral_request_t *rq, const coral_conf_t *conf)
{
    coral_bond_t *bond = bond_in(rq, conf), *other;
    request_rec *up;

    if (bond)
        return bond;
    bond = apr_pcalloc(rq->r->pool, sizeof(*bond));
    bond->ref = LUA_NOREF;
    for (up = rq->r; (up = up->main ? up->main : up->prev) && !bond->vm;)
        if ((other = bond_in(coral_request_existing(up), conf))) {
            bond->vm = other->vm;
            coral_vm_share(bond->vm);
        }
    if (!bond->vm && !(bond->vm = coral_vm_take(conf)))
        return NULL;
    bond->on_lease = 1;
    bond->next = rq->bonds;
    return rq->bonds = bond;
}

/* A redirected request goes on with the ngx.ctx of the one before. */
static void inherit_ctx(lua_State *L, coral_request_t *rq, coral_vm_t *vm)
{
    coral_request_t *before = coral_request_existing(rq->r->prev);
    coral_bond_t *bond;

    for (bond = before ? before->bonds : NULL; bond; bond = bond->next)
        if (bond->vm == vm && bond->ref != LUA_NOREF) {
            lua_rawgeti(L, LUA_REGISTRYINDEX, bond->ref);
            lua_getiuservalue(L, -1, 1);
            lua_setiuservalue(L, -3, 1);
            lua_pop(L, 1);
        }
}

/* `r` holds no pointer, only a number: what it stands for is the request that runs, if the numbers agree. So a kept one can do no
 * harm. Its user value is ngx.ctx. */
void coral_request_push(lua_State *L, coral_run_t *run)
{
    coral_bond_t *bond = run->bond;

    if (bond->ref == LUA_NOREF) {
        coral_mark_t *mark = lua_newuserdatauv(L, sizeof(*mark), 1);

        mark->kind = coral_r_kind;
        mark->serial = bond->serial = coral_vm_serial(bond->vm);
        luaL_setmetatable(L, CORAL_R);
        inherit_ctx(L, run->rq, bond->vm);
        lua_pushvalue(L, -1);
        bond->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, bond->ref);
}

void *coral_marked(lua_State *L, int index, const char *kind, apr_size_t size)
{
    coral_mark_t *mark = lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;

    return mark && lua_rawlen(L, index) == size && mark->kind == kind ? mark : NULL;
}

coral_run_t *coral_run_of(lua_State *L)
{
    return coral_task_owner(L);
}

void coral_request_set_main(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &main_key);
}

/* What a hook may return: nothing, or a number httpd understands. */
static void collect_answer(lua_State *L, coral_run_t *run, int first)
{
    int whole;
    lua_Integer status = lua_tointegerx(L, first, &whole);

    if (lua_isnoneornil(L, first) || (whole && status == 1)) { /* `return ngx.say(…)` returns 1 */
        run->answer = CORAL_NOTHING;
        return;
    }
    if (lua_type(L, first) != LUA_TNUMBER || !whole)
        luaL_error(L, "the hook returned a %s: it may return nothing, coral.OK, coral.DECLINED, coral.DONE or an HTTP status",
                   luaL_typename(L, first));
    if (status != OK && status != DECLINED && status != DONE && (status < 100 || status > 599))
        luaL_error(L, "the hook returned %I: it may return nothing, coral.OK, coral.DECLINED, coral.DONE or an HTTP status",
                   (LUAI_UACINT)status);
    run->answer = CORAL_RETURNED;
    run->status = (int)status;
}

/* The script has returned; its results are from 2 on. */
static int finish(lua_State *L, int status, lua_KContext run_)
{
    coral_run_t *run = (coral_run_t *)run_;

    (void)status;
    if (coral_run_of(L) != run) /* another request has resumed this one's coroutine */
        return luaL_error(L, "this coroutine is another request's");
    lua_settop(L, lua_gettop(L) < 2 ? 2 : lua_gettop(L));
    (run->collect ? run->collect : collect_answer)(L, run, 2);
    return 0;
}

/* The first function of a task; 1 is the run. */
static int begin(lua_State *L)
{
    coral_run_t *run = lua_touserdata(L, 1);
    const coral_conf_t *conf = run->conf;
    int every = conf->reload_every < 0 ? 1 : conf->reload_every;

    if (run->prepare && run->prepare(L, run))
        run->arg = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &main_key);
    if (run->script->lasting)
        lua_pushlightuserdata(L, (void *)run->script);
    else
        lua_pushstring(L, run->script->key);
    coral_request_push(L, run);
    lua_pushinteger(L, run->rq->r->request_time);
    if (conf->reload == CORAL_RELOAD_OFF)
        lua_pushnil(L);
    else
        lua_pushinteger(L, conf->reload == CORAL_RELOAD_ALWAYS ? -1 : apr_time_from_sec(every));
    lua_callk(L, 4, LUA_MULTRET, (lua_KContext)run, finish);
    return finish(L, LUA_OK, (lua_KContext)run);
}

/* For the log: what failed, where, why; and for the client nothing of it, unless CoralErrorPage is on. */
static void report(coral_run_t *run, const char *text, const char *traceback)
{
    request_rec *r = run->rq->r;
    const coral_script_t *s = run->script;

    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "%s %s %s%s%s failed: %s; request: %s; traceback: %s",
                  run->name ? "filter" : "hook", run->name ? run->name : coral_phase_names[run->phase], s->file,
                  s->function ? " function " : "", s->function ? s->function : "", text, r->the_request ? r->the_request : r->uri,
                  traceback);
    if (coral_conf_flag(run->conf, error_page))
        ap_custom_response(r, HTTP_INTERNAL_SERVER_ERROR,
                           apr_pstrcat(r->pool, "<!DOCTYPE html><title>Lua error</title><h1>Lua error</h1><p>Phase <b>",
                                       coral_phase_names[run->phase], "</b> of <code>", ap_escape_html(r->pool, s->file),
                                       "</code></p><pre>", ap_escape_html(r->pool, text), "\n\n",
                                       ap_escape_html(r->pool, traceback), "</pre>", NULL));
}

static void fail(coral_run_t *run)
{
    const char *traceback, *text = coral_task_error(run->task, run->rq->r->pool, &traceback);

    run->answer = CORAL_FAILED;
    report(run, text, traceback);
}

/* Ends the task, in its state. */
static void end(coral_vm_t *vm, void *run_)
{
    coral_run_t *run = run_;
    char error[512];

    if (run->task && coral_task_end(run->task, error, sizeof(error)) && run->step == CORAL_STEP_EXITED)
        report(run, error, "a __close after ngx.exit");
    run->task = NULL;
    if (run->arg != LUA_NOREF)
        luaL_unref(coral_vm_state(vm), LUA_REGISTRYINDEX, run->arg);
    run->arg = LUA_NOREF;
}

/* One step. A yield of the user's own that nobody waits for goes on at once. [vm] */
static void step(coral_vm_t *vm, void *run_)
{
    coral_run_t *run = run_;

    (void)vm;
    run->step = coral_task_step(run->task, &run->count);
    if (run->step == CORAL_STEP_FAILED)
        fail(run);
    else if (run->step == CORAL_STEP_EXITED) {
        run->answer = CORAL_EXITED;
        run->status = run->exit_status;
    }
}

static void spawn(coral_vm_t *vm, void *run_)
{
    coral_run_t *run = run_;

    run->task = coral_task_spawn(vm, begin, run, run);
}

/* From spawn to end in one turn, unless there is something to wait for. */
static void run_whole(coral_vm_t *vm, void *run_)
{
    coral_run_t *run = run_;

    if (!run->task) {
        spawn(vm, run);
        if (!run->task) {
            report(run, "not enough memory", "");
            run->answer = CORAL_FAILED;
            run->step = CORAL_STEP_FAILED;
            return;
        }
    }
    do {
        step(vm, run);
        if (run->step == CORAL_STEP_YIELDED)
            lua_pop(coral_task_state(run->task), run->count);
    } while (run->step == CORAL_STEP_YIELDED);
    if (run->step != CORAL_STEP_WAITING)
        end(vm, run);
}

static int set_up(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script)
{
    run->rq = coral_request_of(r);
    run->phase = phase;
    run->script = script;
    run->conf = coral_conf_of(r);
    run->arg = LUA_NOREF;
    run->bond = bond_of(run->rq, run->conf);
    if (!run->bond)
        run->answer = CORAL_FAILED;
    return run->bond != NULL;
}

void coral_request_run(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script)
{
    if (!set_up(run, r, phase, script))
        return;
    for (;;) {
        coral_vm_run(run->bond->vm, run_whole, run);
        if (run->step != CORAL_STEP_WAITING)
            break;
        coral_task_waiting(run->task)->perform(run, coral_task_waiting(run->task));
    }
}

void coral_request_end_leases(coral_request_t *rq)
{
    coral_bond_t *bond;

    for (bond = rq->bonds; bond; bond = bond->next) {
        if (bond->on_lease)
            coral_vm_end_lease(bond->vm);
        bond->on_lease = 0;
    }
}

int coral_request_begin(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script)
{
    if (!set_up(run, r, phase, script))
        return 0;
    coral_vm_run(run->bond->vm, spawn, run);
    return run->task != NULL;
}

/* What go_on() does in the state. */
typedef struct {
    coral_run_t *run;
    coral_vm_job_fn *before, *after;
} stretch_t;

static void run_stretch(coral_vm_t *vm, void *stretch_)
{
    stretch_t *stretch = stretch_;
    coral_run_t *run = stretch->run;

    if (stretch->before)
        stretch->before(vm, run);
    stretch->before = NULL;
    step(vm, run);
    if (run->step != CORAL_STEP_WAITING)
        stretch->after(vm, run);
}

void coral_request_go_on(coral_run_t *run, coral_vm_job_fn *before, coral_vm_job_fn *after)
{
    stretch_t stretch = { run, before, after };

    for (;;) {
        coral_vm_run(run->bond->vm, run_stretch, &stretch);
        if (run->step != CORAL_STEP_WAITING)
            break;
        coral_task_waiting(run->task)->perform(run, coral_task_waiting(run->task));
    }
}

void coral_request_end(coral_run_t *run)
{
    if (run->bond && run->task)
        coral_vm_run(run->bond->vm, end, run);
}
