/* SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

struct coral_task_t {
    lua_State *co;
    coral_vm_t *vm;
    void *owner;
    coral_wait_t wait;
    coral_task_note_t note;
    apr_uint64_t wait_number; /* of the wait: what a coroutine that is resumed later must still find */
    int arguments, exiting, ended;
    int is_thread; /* its coroutine is not used again */
    coral_task_t *next_idle;
};

/* The value a waiting coroutine yields; its address is what coroutine.lua compares with. */
static char wait_mark;

/* What it yields to one who has no business to resume it; it goes on waiting. */
static char refusal_mark;

static const char *library = "/coral/"; /* where mod_coral's own Lua is: no place to show to a user */

/* Makes a task and its coroutine, both Lua's memory: they go with the state. 1 is where the task's address goes. */
static int l_new(lua_State *L)
{
    coral_task_t *task = lua_newuserdatauv(L, sizeof(*task), 1);

    memset(task, 0, sizeof(*task));
    task->vm = coral_vm_of(L);
    task->co = lua_newthread(L);
    lua_setiuservalue(L, -2, 1);
    luaL_ref(L, LUA_REGISTRYINDEX); /* tasks are used again and again, never given up */
    *(coral_task_t **)lua_touserdata(L, 1) = task;
    return 0;
}

static coral_task_t *create(coral_vm_t *vm)
{
    lua_State *L = coral_vm_state(vm);
    coral_task_t *task = NULL;

    lua_pushcfunction(L, l_new);
    lua_pushlightuserdata(L, &task);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return task;
}

coral_task_t *coral_task_spawn(coral_vm_t *vm, lua_CFunction main, void *data, void *owner)
{
    coral_task_t **idle = (coral_task_t **)coral_vm_idle(vm), *task = *idle;

    if (task)
        *idle = task->next_idle;
    else if (!(task = create(vm)))
        return NULL;
    task->owner = owner;
    memset(&task->note, 0, sizeof(task->note));
    task->wait.pending = 0;
    task->wait_number = 0;
    task->exiting = task->ended = 0;
    lua_pushcfunction(task->co, main);
    lua_pushlightuserdata(task->co, data);
    task->arguments = 1;
    return task;
}

coral_task_t *coral_task_spawn_thread(lua_State *L, int count)
{
    int bottom = lua_gettop(L) - count;
    coral_task_t *task = lua_newuserdatauv(L, sizeof(*task), 1);

    memset(task, 0, sizeof(*task));
    task->vm = coral_vm_of(L);
    task->owner = coral_task_owner(L);
    task->is_thread = 1;
    task->co = lua_newthread(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, 1);
    lua_rotate(L, bottom, 2); /* task, coroutine, function, arguments */
    if (!lua_checkstack(task->co, count + 1))
        luaL_error(L, "too many arguments");
    lua_xmove(L, task->co, count + 1);
    lua_insert(L, -2);
    task->arguments = count;
    return task;
}

coral_task_note_t *coral_task_note(coral_task_t *task) { return &task->note; }
coral_task_t *coral_task_current(lua_State *L) { return coral_vm_current(coral_vm_of(L)); }

coral_step_e coral_task_step(coral_task_t *task, int *count)
{
    coral_task_t *above = coral_vm_current(task->vm);
    int arguments = task->arguments, status;

    task->arguments = 0;
    coral_vm_set_current(task->vm, task);
    status = lua_resume(task->co, above ? above->co : coral_vm_state(task->vm), arguments, count);
    coral_vm_set_current(task->vm, above);
    if (task->exiting)
        return CORAL_STEP_EXITED;
    if (status == LUA_OK) {
        task->ended = 1;
        return CORAL_STEP_DONE;
    }
    if (status != LUA_YIELD)
        return CORAL_STEP_FAILED;
    if (*count == 1 && lua_touserdata(task->co, -1) == &wait_mark) {
        lua_pop(task->co, 1);
        return CORAL_STEP_WAITING;
    }
    return CORAL_STEP_YIELDED;
}

lua_State *coral_task_state(coral_task_t *task) { return task->co; }
coral_wait_t *coral_task_waiting(coral_task_t *task) { return &task->wait; }

void coral_task_unwind(coral_task_t *task)
{
    int count;

    if (!task->wait_number || task->ended || task->exiting)
        return;
    task->exiting = 1;
    coral_task_step(task, &count);
}

const char *coral_task_end(coral_task_t *task, char *error, apr_size_t size)
{
    coral_task_t **idle = (coral_task_t **)coral_vm_idle(task->vm), *above = coral_vm_current(task->vm);
    int failed = 0;

    if (!task->ended) {
        coral_vm_set_current(task->vm, task); /* a __close may ask for its request */
        failed = lua_resetthread(task->co) != LUA_OK && lua_touserdata(task->co, -1) != &wait_mark; /* else it is the exit itself */
        coral_vm_set_current(task->vm, above);
        if (failed)
            apr_cpystrn(error, lua_type(task->co, -1) == LUA_TSTRING ? lua_tostring(task->co, -1) : "not a string", size);
    }
    task->owner = NULL;
    task->ended = 1;
    if (!task->is_thread) {
        lua_settop(task->co, 0);
        task->next_idle = *idle;
        *idle = task;
    }
    return failed ? error : NULL;
}

static int is_ours(const char *source)
{
    return *source == '@' && !strncmp(source + 1, library, strlen(library));
}

/* An error that our own Lua raised for the user's: its place becomes the user's line. The text is on top. */
static void show_user_place(lua_State *L, lua_State *co)
{
    const char *text = lua_tostring(L, -1), *rest = strstr(text, ": ");
    lua_Debug place;
    int level, ours = !strncmp(text, library, strlen(library));

    for (level = 0; rest && lua_getstack(co, level, &place); level++) {
        if (!lua_getinfo(co, "Sl", &place) || place.currentline <= 0)
            continue;
        if (is_ours(place.source))
            ours |= !strncmp(text, place.short_src, strlen(place.short_src)); /* which may be cut at its beginning */
        else if (!ours)
            return;
        else {
            lua_pushfstring(L, "%s:%d: %s", place.short_src, place.currentline, rest + 2);
            lua_replace(L, -2);
            return;
        }
    }
}

/* Describes the error on top of the task's stack (1: the task). */
static int l_describe(lua_State *L)
{
    coral_task_t *task = lua_touserdata(L, 1);

    if (lua_isstring(task->co, -1)) {
        lua_pushvalue(task->co, -1);
        lua_xmove(task->co, L, 1);
        luaL_tolstring(L, -1, NULL);
        show_user_place(L, task->co);
    }
    else if (luaL_getmetafield(task->co, -1, "__tostring") != LUA_TNIL) {
        lua_pop(task->co, 1);
        lua_pushvalue(task->co, -1);
        lua_xmove(task->co, L, 1);
        luaL_tolstring(L, -1, NULL);
    }
    else
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(task->co, -1));
    return 1;
}

static int l_traceback(lua_State *L)
{
    luaL_traceback(L, ((coral_task_t *)lua_touserdata(L, 1))->co, NULL, 0);
    return 1;
}

/* At most max bytes, for a long text would push the rest of the line out of the log; NULs become blanks. */
static const char *shortened(apr_pool_t *p, lua_State *L, int index, apr_size_t max)
{
    size_t length, i;
    const char *text = lua_tolstring(L, index, &length);
    char *copy = apr_pstrmemdup(p, text, length < max ? length : max);

    for (i = 0; i < length && i < max; i++)
        if (!copy[i])
            copy[i] = ' ';
    return length > max ? apr_pstrcat(p, copy, " ...", NULL) : copy;
}

/* "stack traceback:\n\tA\n\tB" becomes "A < B", without what is mod_coral's own. */
static const char *one_line(apr_pool_t *p, const char *traceback)
{
    const char *line = strstr(traceback, "\n\t"), *whole = "";

    while (line) {
        const char *next = strstr(line + 2, "\n\t");
        const char *one = next ? apr_pstrmemdup(p, line + 2, next - line - 2) : line + 2;

        if (strncmp(one, library, strlen(library)) && strcmp(one, "[C]: in ?") && strcmp(one, "(...tail calls...)"))
            whole = *whole ? apr_pstrcat(p, whole, " < ", one, NULL) : one;
        line = next;
    }
    return whole;
}

/* What the function makes of the task, at most max bytes of it; the default if it fails. */
static const char *described(coral_task_t *task, apr_pool_t *p, lua_CFunction function, apr_size_t max, const char *otherwise)
{
    lua_State *L = coral_vm_state(task->vm);
    const char *text = otherwise;
    int top = lua_gettop(L);

    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, task);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        text = shortened(p, L, -1, max);
    lua_settop(L, top);
    return text;
}

const char *coral_task_error(coral_task_t *task, apr_pool_t *p, const char **traceback)
{
    *traceback = one_line(p, described(task, p, l_traceback, 6000, ""));
    return described(task, p, l_describe, 1500, "(no description: the error's own __tostring failed, or memory ran out)");
}

void coral_task_set_library(const char *path)
{
    library = path;
}

int coral_task_can_wait(lua_State *L)
{
    return coral_vm_current(coral_vm_of(L)) && lua_isyieldable(L);
}

/* What goes with the yield is a number: the wait itself is gone when somebody resumes the coroutine after its request. */
static int go_on(lua_State *L, int status, lua_KContext number)
{
    coral_task_t *task = coral_vm_current(coral_vm_of(L));

    (void)status;
    if (!task || task->wait_number != (apr_uint64_t)number) {
        lua_pushlightuserdata(L, &refusal_mark);
        return lua_yieldk(L, 1, number, go_on);
    }
    task->wait_number = 0;
    task->wait.pending = 0;
    if (task->exiting)
        return coral_task_exit(L);
    return task->wait.results ? task->wait.results(L, &task->wait) : 0;
}

coral_wait_t *coral_task_new_wait(lua_State *L)
{
    coral_task_t *task = coral_vm_current(coral_vm_of(L));
    coral_wait_t *w;

    if (!coral_task_can_wait(L))
        luaL_error(L, "cannot wait here: called by a C function that cannot be interrupted");
    w = &task->wait;
    w->task = task;
    w->perform = NULL;
    w->watch = NULL;
    w->until = CORAL_NEVER;
    w->cancel = NULL;
    w->results = NULL;
    w->data = NULL;
    w->busy = NULL;
    w->reason = 0;
    w->alarmed = w->armed = 0;
    w->over = 0;
    return w;
}

int coral_task_wait(lua_State *L, coral_wait_t *w)
{
    coral_task_t *task = w->task;

    w->pending = 1;
    task->wait_number = coral_vm_serial(task->vm);
    lua_pushlightuserdata(L, &wait_mark);
    return lua_yieldk(L, 1, (lua_KContext)task->wait_number, go_on);
}

int coral_task_exit(lua_State *L)
{
    coral_task_t *task = coral_vm_current(coral_vm_of(L));

    task->exiting = 1;
    lua_pushlightuserdata(L, &wait_mark);
    if (lua_isyieldable(L))
        return lua_yield(L, 1);
    return lua_error(L); /* as far up as errors go; a pcall on the way would catch it, and step() knows better */
}

int coral_task_is_exiting(lua_State *L)
{
    coral_task_t *task = coral_vm_current(coral_vm_of(L));

    return task && task->exiting;
}

void coral_task_push_marks(lua_State *L)
{
    lua_pushlightuserdata(L, &wait_mark);
    lua_pushlightuserdata(L, &refusal_mark);
}

void *coral_task_owner(lua_State *L)
{
    coral_task_t *task = coral_vm_current(coral_vm_of(L));

    return task ? task->owner : NULL;
}
