/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

static char main_key; /* registry: loader.main of lua_lib/coral/loader.lua */

coral_run_t *coral_run_of(lua_State *L)
{
    return coral_task_owner(L);
}

void coral_run_set_main(lua_State *L)
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

/* What was written goes out, before the coroutine ends, as fast as the client takes it. */
static int drain(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;

    return !block && coral_run_push(run, w, CORAL_LAST);
}

int coral_run_drain(lua_State *L, coral_run_t *run, int (*results)(lua_State *L, coral_wait_t *w))
{
    coral_wait_t *w;

    if (!run->rq || run->phase != CORAL_PHASE_content || run->rq->response.length <= CORAL_RESPONSE_PIECE
        || run->rq->response.finished || !coral_task_can_wait(L))
        return 0;
    w = coral_task_new_wait(L);
    w->perform = drain;
    w->results = results;
    return 1;
}

int coral_run_push(coral_run_t *run, coral_wait_t *w, coral_push_e how)
{
    request_rec *r = run->rq->r;

    if (w->reason == CORAL_WOKEN_TIMEOUT)
        r->connection->aborted = 1; /* the client has not taken anything for so long */
    if (!coral_response_push(&run->rq->response, how))
        return 0;
    return coral_run_wait_for_client(run, w, CORAL_WRITE, apr_time_now() + r->server->timeout);
}

int coral_run_wait_for_client(coral_run_t *run, coral_wait_t *w, coral_direction_e direction, apr_time_t until)
{
    w->watch = coral_park_client(run->rq->r);
    w->direction = direction;
    w->until = until;
    return w->watch != NULL;
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
    return coral_run_drain(L, run, NULL) ? coral_task_wait(L, coral_task_waiting(coral_task_current(L))) : 0;
}

/* Where CoralNeedRequestBody counts. */
static int reads_body(coral_phase_e phase)
{
    return phase >= CORAL_PHASE_rewrite && phase <= CORAL_PHASE_content && phase != CORAL_PHASE_insert_filter;
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
    coral_request_push(L, run->rq, run->bond);
    lua_pushinteger(L, run->rq->r->request_time);
    if (conf->reload == CORAL_RELOAD_OFF)
        lua_pushnil(L);
    else
        lua_pushinteger(L, conf->reload == CORAL_RELOAD_ALWAYS ? -1 : apr_time_from_sec(every));
    lua_pushboolean(L, coral_conf_flag(conf, need_body) && !run->rq->body->read && reads_body(run->phase));
    lua_callk(L, 5, LUA_MULTRET, (lua_KContext)run, finish);
    return finish(L, LUA_OK, (lua_KContext)run);
}

/* For the client nothing of it, unless CoralErrorPage is on. */
static void show(coral_run_t *run, const char *text, const char *traceback)
{
    request_rec *r = run->rq->r;

    ap_custom_response(r, HTTP_INTERNAL_SERVER_ERROR,
                       apr_pstrcat(r->pool, "<!DOCTYPE html><title>Lua error</title><h1>Lua error</h1><p>Phase <b>",
                                   coral_phase_names[run->phase], "</b> of <code>", ap_escape_html(r->pool, run->script->file),
                                   "</code></p><pre>", ap_escape_html(r->pool, text), "\n\n", ap_escape_html(r->pool, traceback),
                                   "</pre>", NULL));
}

/* For the log: what failed, where, why. */
static void report(coral_run_t *run, const char *text, const char *traceback)
{
    const coral_script_t *s = run->script;
    request_rec *r;

    if (!run->rq) {
        coral_request_log(NULL, APLOG_ERR, "%s failed: %s; traceback: %s", run->name, text, traceback);
        return;
    }
    r = run->rq->r;
    coral_request_log(run->rq, APLOG_ERR, "%s %s %s%s%s failed: %s; request: %s; traceback: %s", run->name ? "filter" : "hook",
                      run->name ? run->name : coral_phase_names[run->phase], s->file, s->function ? " function " : "",
                      s->function ? s->function : "", text, r->the_request ? r->the_request : r->uri, traceback);
}

static void report_task(coral_run_t *run, coral_task_t *task, int to_client)
{
    const char *traceback, *text;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    text = coral_task_error(task, p, &traceback);
    report(run, text, traceback);
    if (to_client && run->rq && coral_conf_flag(run->conf, error_page))
        show(run, text, traceback);
    apr_pool_destroy(p);
}

void coral_run_report_thread(void *run, coral_task_t *task)
{
    report_task(run, task, 0);
}

const char *coral_run_phase(const coral_run_t *run)
{
    return run->rq ? coral_phase_names[run->phase] : "timer";
}

/* Ends the entry and what is left of the threads, in the state. */
static void end(coral_vm_t *vm, coral_run_t *run)
{
    char error[512];

    coral_strand_close(&run->strand);
    if (run->strand.entry && coral_task_end(run->strand.entry, error, sizeof(error)) && run->strand.step == CORAL_STEP_EXITED)
        report(run, error, "a __close after ngx.exit");
    run->strand.entry = NULL;
    coral_belonging_let_go(&run->belongings);
    if (run->on_abort_ref)
        luaL_unref(coral_vm_state(vm), LUA_REGISTRYINDEX, run->on_abort_ref);
    run->on_abort_ref = 0;
    run->on_abort = NULL;
    if (!run->rq && run->bond->ref != LUA_NOREF) { /* a timer's ngx.ctx */
        luaL_unref(coral_vm_state(vm), LUA_REGISTRYINDEX, run->bond->ref);
        run->bond->ref = LUA_NOREF;
    }
    if (run->arg != LUA_NOREF)
        luaL_unref(coral_vm_state(vm), LUA_REGISTRYINDEX, run->arg);
    run->arg = LUA_NOREF;
}

/* The strand is over: what it has come to. */
static void settle(coral_run_t *run)
{
    if (run->strand.step == CORAL_STEP_FAILED) {
        run->answer = CORAL_FAILED;
        report_task(run, run->strand.entry, 1);
    }
    else if (run->strand.step == CORAL_STEP_EXITED) {
        run->answer = CORAL_EXITED;
        run->status = run->exit_status;
    }
}

static int open_strand(coral_vm_t *vm, coral_run_t *run, lua_CFunction main)
{
    run->opened = 1;
    if (coral_strand_open(&run->strand, vm, main, run, run))
        return 1;
    report(run, "not enough memory", "");
    run->answer = CORAL_FAILED;
    run->strand.over = 1;
    return 0;
}

int coral_run_step(coral_vm_t *vm, coral_run_t *run, lua_CFunction main)
{
    if (!run->opened && !open_strand(vm, run, main))
        return 1;
    coral_strand_run(&run->strand);
    if (run->strand.over) {
        settle(run);
        end(vm, run);
    }
    return run->strand.over;
}

void coral_run_reset(coral_run_t *run)
{
    run->opened = 0;
    run->answer = CORAL_NOTHING;
}

void coral_run_go(coral_vm_t *vm, void *run)
{
    coral_run_step(vm, run, begin);
}

int coral_run_set_up(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script)
{
    run->rq = coral_request_of(r);
    run->phase = phase;
    run->script = script;
    if (script->home)
        run->rq->app = script;
    run->conf = coral_request_conf(run->rq);
    run->arg = LUA_NOREF;
    run->bond = coral_request_bond(run->rq, run->conf);
    if (!run->bond)
        run->answer = CORAL_FAILED;
    return run->bond != NULL;
}

static void kill_strand(coral_vm_t *vm, void *run_)
{
    coral_run_t *run = run_;

    run->answer = CORAL_FAILED;
    if (run->opened && run->strand.entry)
        end(vm, run);
    run->strand.over = 1;
}

void coral_run_kill(coral_run_t *run)
{
    coral_vm_run(run->bond->vm, kill_strand, run);
}

/* What it waits for is waited for on this thread. */
static void wait_here(coral_run_t *run)
{
    const coral_wait_t *w = coral_strand_single(&run->strand);

    if (w && !w->perform) {
        if (coral_strand_hold(&run->strand, CORAL_NEVER))
            return;
    }
    else if (coral_poller_start())
        coral_strand_sleep_here(&run->strand);
    if (coral_strand_hurried() || !coral_poller_start())
        coral_run_kill(run);
}

void coral_run_finish(coral_run_t *run)
{
    for (;;) {
        if (!coral_strand_perform(&run->strand, 1) && run->opened)
            wait_here(run);
        if (run->strand.over)
            break;
        coral_vm_run(run->bond->vm, coral_run_go, run);
        if (run->strand.over)
            break;
    }
}

void coral_run_whole(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script)
{
    if (!coral_run_set_up(run, r, phase, script))
        return;
    coral_vm_run(run->bond->vm, coral_run_go, run);
    if (!run->strand.over)
        coral_run_finish(run);
}

/* What ngx.on_abort asks for. */
int coral_run_aborts(coral_run_t *run)
{
    if (!run->on_abort)
        return 0;
    if (!run->aborted) {
        run->aborted = 1;
        coral_strand_keep(&run->strand, run->on_abort, run->on_abort_ref);
        coral_strand_ready(run->on_abort);
        run->on_abort_ref = 0;
    }
    return 1;
}

/* Runs that stop in between. */

int coral_run_begin(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script)
{
    run->strand.yields = 1;
    return coral_run_set_up(run, r, phase, script);
}

typedef struct {
    coral_run_t *run;
    coral_vm_job_fn *before, *after;
} stretch_t;

static void go_stretch(coral_vm_t *vm, void *stretch_)
{
    stretch_t *stretch = stretch_;
    coral_run_t *run = stretch->run;

    if (stretch->before)
        stretch->before(vm, run);
    stretch->before = NULL;
    if (!run->opened && !open_strand(vm, run, begin)) {
        stretch->after(vm, run);
        return;
    }
    coral_strand_run(&run->strand);
    if (run->strand.over)
        settle(run);
    if (run->strand.over || run->strand.step == CORAL_STEP_YIELDED)
        stretch->after(vm, run);
}

void coral_run_go_on(coral_run_t *run, coral_vm_job_fn *before, coral_vm_job_fn *after)
{
    stretch_t stretch = { run, before, after };

    for (;;) {
        coral_vm_run(run->bond->vm, go_stretch, &stretch);
        if (run->strand.over || run->strand.step == CORAL_STEP_YIELDED)
            break;
        if (!coral_strand_perform(&run->strand, 1))
            wait_here(run);
    }
}

static void end_stretch(coral_vm_t *vm, void *run)
{
    end(vm, run);
}

void coral_run_end(coral_run_t *run)
{
    if (run->bond && run->opened && run->strand.entry)
        coral_vm_run(run->bond->vm, end_stretch, run);
}
