/* SPDX-License-Identifier: Apache-2.0 */
/* api_thread.c - coral.thread: light threads, and semaphores between them. Behind ngx.thread, ngx.semaphore, ngx.on_abort. */
#include "glue.h"

static char threads_key; /* registry: coroutine -> task, as long as somebody has the coroutine */

static void push_threads(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &threads_key);
}

/* The task of the light thread at index; NULL: a coroutine of another kind. */
static coral_task_t *check_thread(lua_State *L, int index)
{
    coral_task_t *task;

    luaL_argcheck(L, lua_isthread(L, index), index, "lua thread expected");
    push_threads(L);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    task = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return task;
}

static int is_alive(coral_task_t *task)
{
    coral_step_e step = coral_task_note(task)->step;

    return coral_task_note(task)->strand && step != CORAL_STEP_DONE && step != CORAL_STEP_FAILED && step != CORAL_STEP_EXITED;
}

/* It has ended: who waits for it goes on. */
static void on_end(coral_task_t *task, coral_step_e step)
{
    coral_task_note_t *note = coral_task_note(task);

    note->step = step;
    if (note->joiner)
        coral_wait_wake(note->joiner, CORAL_WOKEN_READY);
    if (step == CORAL_STEP_FAILED)
        coral_run_report_thread(note->strand->owner, task);
}

/* Of the function at 1 with count arguments: a task that lasts as long as its coroutine, which is all that is left on the stack. */
static coral_task_t *make_thread(lua_State *L, int count)
{
    coral_task_t *task = coral_task_spawn_thread(L, count); /* coroutine, task */

    push_threads(L);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
    lua_settop(L, 1);
    return task;
}

/* spawn(f, ...): runs f in a light thread of the request, at once until it waits; the thread */
static int l_spawn(lua_State *L)
{
    coral_task_t *self = coral_task_current(L), *task;
    coral_task_note_t *note;

    luaL_argcheck(L, lua_isfunction(L, 1), 1, "Lua function expected");
    if (!self)
        return luaL_error(L, "light threads need a request or a timer: there is none here");
    task = make_thread(L, lua_gettop(L) - 1);
    lua_pushvalue(L, 1);
    coral_strand_keep(coral_task_note(self)->strand, task, luaL_ref(L, LUA_REGISTRYINDEX));
    note = coral_task_note(task);
    note->on_end = on_end;
    note->parent = self;
    coral_strand_step(note->strand, task);
    if (note->strand->over) /* it has ended the request */
        return coral_task_exit(L);
    return 1;
}

/* The results of a thread that has ended: true and what it returned, or false and its error. */
static int push_results(lua_State *L, coral_task_t *task)
{
    coral_task_note_t *note = coral_task_note(task);
    lua_State *co = coral_task_state(task);
    int i, count = note->step == CORAL_STEP_DONE ? note->count : 1;

    note->joined = 1;
    luaL_checkstack(L, count + 1, "too many results");
    lua_pushboolean(L, note->step == CORAL_STEP_DONE);
    if (note->step != CORAL_STEP_DONE && !lua_gettop(co)) {
        lua_pushliteral(L, "killed");
        return 2;
    }
    for (i = 0; i < count; i++)
        lua_pushvalue(co, -count);
    lua_xmove(co, L, count);
    return count + 1;
}

/* One of the threads at 1 … top that has ended and was not waited for yet; top of the stack is unchanged. */
static coral_task_t *ended(lua_State *L)
{
    int i, top = lua_gettop(L);

    for (i = 1; i <= top; i++) {
        coral_task_t *task = check_thread(L, i);

        if (!is_alive(task) && !coral_task_note(task)->joined)
            return task;
    }
    return NULL;
}

static void set_joiners(lua_State *L, coral_wait_t *w)
{
    int i, top = lua_gettop(L);

    for (i = 1; i <= top; i++)
        coral_task_note(check_thread(L, i))->joiner = w;
}

static int joined(lua_State *L, coral_wait_t *w)
{
    (void)w;
    set_joiners(L, NULL);
    return push_results(L, ended(L));
}

/* The thread that waits is killed. Its stack is gone, so the threads are told by their strand. */
static void stop_joining(coral_wait_t *w)
{
    coral_strand_forget_joiner(coral_task_note(w->task)->strand, w);
}

/* wait(thread, ...): until one has ended; ok and its results */
static int l_wait(lua_State *L)
{
    coral_task_t *self = coral_task_current(L), *task;
    int i, top = lua_gettop(L);
    coral_wait_t *w;

    if (!top)
        return luaL_error(L, "at least one coroutine should be specified");
    for (i = 1; i <= top; i++) {
        if (!(task = check_thread(L, i)))
            return luaL_error(L, "attempt to wait on a coroutine that is not a user thread");
        if (coral_task_note(task)->parent != self)
            return luaL_error(L, "only the parent coroutine can wait on the thread");
        if (i == top && coral_task_note(task)->joined) /* the others are passed over */
            return coral_fail(L, "already waited or killed");
    }
    if ((task = ended(L)))
        return push_results(L, task);
    w = coral_task_new_wait(L);
    w->results = joined;
    w->cancel = stop_joining;
    set_joiners(L, w);
    return coral_task_wait(L, w);
}

/* kill(thread): 1, or nil and why. The threads it has spawned go on. */
static int l_kill(lua_State *L)
{
    coral_task_t *task = check_thread(L, 1);
    coral_task_note_t *note;

    if (!task)
        return coral_fail(L, "not user thread");
    note = coral_task_note(task);
    if (note->joined)
        return coral_fail(L, "already waited or killed");
    if (note->parent != coral_task_current(L))
        return coral_fail(L, "killer not parent");
    if (!is_alive(task)) {
        note->joined = 1;
        return coral_fail(L, "already terminated");
    }
    note->joined = 1;
    coral_strand_kill(note->strand, task);
    note->step = CORAL_STEP_EXITED;
    lua_pushinteger(L, 1);
    return 1;
}

/* status(coroutine): what coroutine.status says of a light thread: "running" until it has ended, "zombie" until it is waited for, "dead";
 * nil of other coroutines */
static int l_status(lua_State *L)
{
    coral_task_t *task = check_thread(L, 1);

    if (!task)
        return coral_push(L, NULL);
    return coral_push(L, is_alive(task) || task == coral_task_current(L) ? "running" : coral_task_note(task)->joined ? "dead" : "zombie");
}

/* on_abort(f): f is called when the client has gone away, instead of the request's end; 1, or nil and why */
static int l_on_abort(lua_State *L)
{
    coral_run_t *run = coral_here(L);
    coral_task_t *task;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (run->on_abort)
        return coral_fail(L, "duplicate call");
    if (!coral_conf_flag(run->conf, check_client_abort))
        return coral_fail(L, "CoralCheckClientAbort is off");
    lua_settop(L, 1);
    task = make_thread(L, 0);
    coral_task_note(task)->parent = coral_task_current(L);
    coral_task_note(task)->on_end = on_end;
    run->on_abort = task;
    run->on_abort_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushinteger(L, 1);
    return 1;
}

/* Semaphores: for the light threads, requests and timers of one Lua state. */

#define SEMAPHORE "coral.semaphore"

typedef struct {
    lua_Integer count;
    coral_wait_t *first, **last; /* who waits; chained by their data */
    int waiting;
} semaphore_t;

static semaphore_t *check_semaphore(lua_State *L)
{
    return luaL_checkudata(L, 1, SEMAPHORE);
}

/* semaphore(n): with n resources */
static int l_semaphore(lua_State *L)
{
    lua_Integer count = luaL_optinteger(L, 1, 0);
    semaphore_t *s;

    luaL_argcheck(L, count >= 0, 1, "no negative number");
    s = lua_newuserdatauv(L, sizeof(*s), 0);
    memset(s, 0, sizeof(*s));
    s->count = count;
    s->last = &s->first;
    luaL_setmetatable(L, SEMAPHORE);
    return 1;
}

static void enqueue(semaphore_t *s, coral_wait_t *w)
{
    w->link = NULL;
    *s->last = w;
    s->last = &w->link;
    s->waiting++;
}

static void dequeue(semaphore_t *s, coral_wait_t *w)
{
    coral_wait_t **at = &s->first;

    while (*at && *at != w)
        at = &(*at)->link;
    if (!*at)
        return;
    *at = w->link;
    if (!*at)
        s->last = at;
    s->waiting--;
}

/* One whose time is over at this moment gets none. */
static void hand_out(semaphore_t *s)
{
    while (s->count > 0 && s->first) {
        coral_wait_t *w = s->first;

        dequeue(s, w);
        if (coral_wait_wake(w, CORAL_WOKEN_READY))
            s->count--;
    }
}

/* Killed: if it has been given a resource already that goes to the next. */
static void stop_waiting(coral_wait_t *w)
{
    semaphore_t *s = w->data;

    dequeue(s, w);
    if (w->reason == CORAL_WOKEN_READY) {
        s->count++;
        hand_out(s);
    }
}

static int given(lua_State *L, coral_wait_t *w)
{
    if (w->reason == CORAL_WOKEN_TIMEOUT) {
        dequeue(w->data, w);
        return coral_fail(L, "timeout");
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* wait(s, seconds): true, or nil and "timeout" */
static int l_semaphore_wait(lua_State *L)
{
    semaphore_t *s = check_semaphore(L);
    lua_Number seconds = luaL_checknumber(L, 2);
    coral_wait_t *w;

    luaL_argcheck(L, seconds >= 0 && seconds < 1e9, 2, "no negative number");
    if (s->count > 0 && !s->first) {
        s->count--;
        lua_pushboolean(L, 1);
        return 1;
    }
    if (seconds == 0)
        return coral_fail(L, "timeout");
    w = coral_task_new_wait(L);
    w->until = apr_time_now() + (apr_interval_time_t)(seconds * APR_USEC_PER_SEC);
    w->results = given;
    w->cancel = stop_waiting;
    w->data = s;
    enqueue(s, w);
    return coral_task_wait(L, w);
}

/* post(s, n): n more resources; true */
static int l_semaphore_post(lua_State *L)
{
    semaphore_t *s = check_semaphore(L);
    lua_Integer more = luaL_optinteger(L, 2, 1);

    luaL_argcheck(L, more >= 1, 2, "must be greater than 0");
    s->count += more;
    hand_out(s);
    lua_pushboolean(L, 1);
    return 1;
}

/* count(s): resources; negative: so many wait */
static int l_semaphore_count(lua_State *L)
{
    semaphore_t *s = check_semaphore(L);

    lua_pushinteger(L, s->waiting ? -(lua_Integer)s->waiting : s->count);
    return 1;
}

static const luaL_Reg semaphore_methods[] = {
    { "wait", l_semaphore_wait },
    { "post", l_semaphore_post },
    { "count", l_semaphore_count },
    { NULL, NULL }
};

static const luaL_Reg functions[] = {
    { "spawn", l_spawn },
    { "wait", l_wait },
    { "kill", l_kill },
    { "status", l_status },
    { "on_abort", l_on_abort },
    { "semaphore", l_semaphore },
    { NULL, NULL }
};

CORAL_API(thread)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &threads_key);
    luaL_newmetatable(L, SEMAPHORE);
    luaL_newlib(L, semaphore_methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
