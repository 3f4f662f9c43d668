/* SPDX-License-Identifier: Apache-2.0 */
/* api_pipe.c - coral.pipe: other programs and their streams. Behind ngx.pipe. A process belongs to the run that started it, as a socket
 * does, and ends with it. */
#include "process.h"
#include "socket.h"

#include <signal.h>

#define PROCESS "coral.process"

/* A process as Lua sees it. */
typedef struct {
    coral_belonging_t belonging;
    coral_run_t *run;         /* NULL: that is over */
    coral_process_t *process; /* NULL: it was waited for */
    pid_t pid;
    int merged, waiting;
    apr_interval_time_t wait_timeout;
    coral_socket_t streams[3]; /* CORAL_STDIN … */
} child_t;

/* shut: what he is told who waits for it. He may not be in order with the loop yet. */
static void close_stream(coral_socket_t *s, const char *shut)
{
    s->shut = shut;
    if (s->reading || s->writing)
        coral_wait_wake(s->waiter, CORAL_WOKEN_READY);
    coral_socket_close(s);
}

/* It is over: what its streams still hold is not to be had any more, as in OpenResty. */
static void finish(child_t *child)
{
    int i;

    for (i = 0; i < 3; i++)
        close_stream(&child->streams[i], "closed");
    if (child->process)
        coral_process_leave(child->process);
    child->process = NULL;
}

static void let_go(coral_belonging_t *b)
{
    child_t *child = (child_t *)((char *)b - offsetof(child_t, belonging));

    finish(child);
    child->run = NULL;
}

static int l_gc(lua_State *L)
{
    child_t *child = lua_touserdata(L, 1);

    if (child->run) {
        coral_belonging_remove(&child->belonging);
        let_go(&child->belonging);
    }
    return 0;
}

/* The process at 1, of this run. */
static child_t *check_child(lua_State *L)
{
    child_t *child = luaL_testudata(L, 1, PROCESS);

    if (!child)
        luaL_error(L, "not a process instance");
    if (!coral_run_of(L))
        luaL_error(L, "no request found");
    if (child->run != coral_run_of(L))
        luaL_error(L, "bad request");
    return child;
}

static child_t *push_child(lua_State *L, coral_run_t *run)
{
    child_t *child = lua_newuserdatauv(L, sizeof(*child), 0);
    int i;

    memset(child, 0, sizeof(*child));
    for (i = 0; i < 3; i++) {
        child->streams[i].kind = coral_pipe_kind;
        child->streams[i].run = run;
    }
    luaL_setmetatable(L, PROCESS);
    return child;
}

/* The texts of the list at index, NULL behind the last, in a userdata that is pushed; the list keeps them. */
static char **check_texts(lua_State *L, int index)
{
    lua_Integer i, count = (lua_Integer)lua_rawlen(L, index);
    char **texts = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof(*texts), 0);
    size_t length;

    for (i = 1; i <= count; i++) {
        lua_rawgeti(L, index, i);
        texts[i - 1] = (char *)lua_tolstring(L, -1, &length);
        if (!texts[i - 1] || strlen(texts[i - 1]) != length)
            luaL_error(L, "arguments and the environment are texts without a NUL");
        lua_pop(L, 1);
    }
    texts[count] = NULL;
    return texts;
}

/* The milliseconds at index; 0: no end. */
static void set_timeout(lua_State *L, int index, apr_interval_time_t *timeout, const char *name)
{
    lua_Number ms;

    if (lua_isnoneornil(L, index))
        return;
    ms = luaL_checknumber(L, index);
    if (!(ms >= 0 && ms <= 4294967295.0))
        luaL_error(L, "bad %s option", name);
    *timeout = ms > 0 ? (apr_interval_time_t)(ms * 1000) : CORAL_NEVER;
}

static void set_timeouts(lua_State *L, int first, child_t *child)
{
    set_timeout(L, first, &child->streams[CORAL_STDIN].send_timeout, "write_timeout");
    set_timeout(L, first + 1, &child->streams[CORAL_STDOUT].read_timeout, "stdout_read_timeout");
    set_timeout(L, first + 2, &child->streams[CORAL_STDERR].read_timeout, "stderr_read_timeout");
    set_timeout(L, first + 3, &child->wait_timeout, "wait_timeout");
}

static int could_not_spawn(lua_State *L, int error)
{
    char text[128];

    if (error == ENOBUFS)
        return coral_fail(L, "too many processes");
    lua_pushnil(L);
    lua_pushfstring(L, "spawn failed: %s", apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text)));
    return 2;
}

/* Whether all streams are in order; if not they are closed. */
static int take_streams(child_t *child, const int ends[3])
{
    int i, ok = 1;

    for (i = 0; i < 3; i++) {
        coral_socket_t *s = &child->streams[i];

        if (ends[i] < 0)
            continue;
        if ((s->net = coral_net_adopt(ends[i])))
            s->in = s->net->in;
        else
            ok = 0;
    }
    return ok;
}

/* spawn(argv, env, merge, write, stdout, stderr, wait): lists of texts (env: nil: httpd's), whether errors go where the output goes, and
 * times in milliseconds; the process, or nil and why */
static int l_spawn(lua_State *L)
{
    coral_run_t *run = coral_run_of(L);
    coral_command_t command = { 0 };
    int ends[3], unfit;
    child_t *child;

    if (!run)
        return luaL_error(L, "no request found");
    lua_settop(L, 7);
    command.argv = check_texts(L, 1);
    command.env = lua_isnil(L, 2) ? NULL : check_texts(L, 2);
    command.merge = lua_toboolean(L, 3);
    child = push_child(L, run);
    set_timeouts(L, 4, child);
    if (!coral_poller_start())
        return coral_fail(L, "no event loop");
    if (!(child->process = coral_process_spawn(&command, ends, &unfit)))
        return could_not_spawn(L, errno);
    child->pid = child->process->pid;
    child->merged = command.merge;
    coral_belonging_add(&run->belongings, &child->belonging, let_go);
    child->run = run;
    if (!take_streams(child, ends)) {
        finish(child);
        return could_not_spawn(L, ENOMEM);
    }
    if (unfit)
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(unfit), ap_server_conf, "ngx.pipe: %s cannot be run", command.argv[0]);
    return 1;
}

/* pid() */
static int l_pid(lua_State *L)
{
    child_t *child = luaL_checkudata(L, 1, PROCESS);

    lua_pushinteger(L, child->pid);
    return 1;
}

/* set_timeouts(write, stdout, stderr, wait): milliseconds; 0: no end, nil: as it is */
static int l_set_timeouts(lua_State *L)
{
    set_timeouts(L, 2, check_child(L));
    return 0;
}

/* Upvalues: the stream, and what to read of it (coral_socket_t's take). read(), read_bytes(size), read_any(most): the data; or nil, why,
 * and what has come so far */
static int l_read(lua_State *L)
{
    child_t *child = check_child(L);
    coral_socket_t *s = &child->streams[lua_tointeger(L, lua_upvalueindex(1))];
    int take = (int)lua_tointeger(L, lua_upvalueindex(2));
    lua_Number size = 0;

    if (take == CORAL_TAKE_SIZE || take == CORAL_TAKE_ANY) {
        size = lua_isnumber(L, 2) ? lua_tonumber(L, 2) : -1;
        if (!(size >= 0 && size < 9e15) || (take == CORAL_TAKE_ANY && size < 1))
            return luaL_error(L, take == CORAL_TAKE_ANY ? "bad max argument" : "bad len argument");
    }
    if (take == CORAL_TAKE_SIZE && size < 1) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (child->merged && s == &child->streams[CORAL_STDERR] && child->process)
        return coral_fail(L, "merged to stdout");
    if (!s->net)
        return coral_fail(L, "closed");
    if (s->reading)
        return coral_fail(L, "pipe busy reading");
    s->take = take;
    s->size = (apr_size_t)size;
    s->read_until = 0;
    return coral_stream_read(L, s);
}

/* write(data): a string, number, or list of them: how many bytes; or nil and why */
static int l_write(lua_State *L)
{
    child_t *child = check_child(L);
    coral_socket_t *s = &child->streams[CORAL_STDIN];
    int type = lua_type(L, 2);

    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TTABLE)
        return luaL_error(L, "bad data arg: string, number, or table expected, got %s", luaL_typename(L, 2));
    lua_settop(L, 2);
    coral_check_data(L, 2);
    if (!s->net)
        return coral_fail(L, "closed");
    if (s->writing)
        return coral_fail(L, "pipe busy writing");
    s->sent = 0;
    s->send_until = 0;
    return coral_stream_write(L, s);
}

/* shutdown("stdin" | "stdout" | "stderr"): closes it; true, or nil and why */
static int l_shutdown(lua_State *L)
{
    static const char *const names[] = { "stdin", "stdout", "stderr" };
    child_t *child = check_child(L);
    const char *name = luaL_tolstring(L, 2, NULL);
    int i;

    for (i = 0; i < 3 && strcmp(name, names[i]); i++)
        ;
    if (i == 3)
        return luaL_error(L, "bad shutdown arg: %s", name);
    if (!child->process)
        return coral_fail(L, "closed");
    if (i == CORAL_STDERR && child->merged)
        return coral_fail(L, "merged to stdout");
    close_stream(&child->streams[i], coral_process_ended(child->process) ? "closed" : "aborted");
    lua_pushboolean(L, 1);
    return 1;
}

static int wait_on(lua_State *L, child_t *child, apr_time_t until);

/* When it has ended, how; else nil and "timeout". */
static int ended(lua_State *L, coral_wait_t *w)
{
    child_t *child = w->data;
    int signal, status;

    child->waiting = 0;
    if (!child->process)
        return coral_fail(L, "exited");
    if (!coral_process_ended(child->process))
        return w->reason == CORAL_WOKEN_TIMEOUT ? coral_fail(L, "timeout") : wait_on(L, child, w->until);
    signal = child->process->signal;
    status = child->process->status;
    finish(child);
    lua_pushboolean(L, !signal && !status);
    lua_pushstring(L, signal ? "signal" : status < 0 ? "unknown" : "exit");
    lua_pushinteger(L, signal ? signal : status);
    return 3;
}

static int wait_on(lua_State *L, child_t *child, apr_time_t until)
{
    coral_wait_t *w = coral_task_new_wait(L);

    w->data = child;
    if (coral_process_ended(child->process))
        return ended(L, w);
    w->watch = &child->process->watch;
    w->direction = CORAL_READ;
    w->until = until;
    w->results = ended;
    w->busy = &child->waiting;
    child->waiting = 1;
    return coral_task_wait(L, w);
}

/* wait(): whether it has ended well, "exit" or "signal", and its status or the signal's number; or nil and why */
static int l_wait(lua_State *L)
{
    child_t *child = check_child(L);

    if (!child->process)
        return coral_fail(L, "exited");
    if (child->waiting)
        return coral_fail(L, "pipe busy waiting");
    return wait_on(L, child, coral_socket_until(child->wait_timeout));
}

/* kill(signal): sends it one, by number; true, or nil and why */
static int l_kill(lua_State *L)
{
    child_t *child = check_child(L);
    lua_Number signal = lua_tonumber(L, 2);

    if (lua_type(L, 2) != LUA_TNUMBER)
        return luaL_error(L, "bad signal arg: number expected, got %s", luaL_tolstring(L, 2, NULL));
    if (!child->process || coral_process_ended(child->process))
        return coral_fail(L, "exited");
    if (!(signal >= 0 && signal < 1024))
        return coral_fail(L, "invalid signal");
    if (kill(child->pid, (int)signal) < 0)
        return errno == EINVAL ? coral_fail(L, "invalid signal") : coral_fail_with(L, errno);
    lua_pushboolean(L, 1);
    return 1;
}

/* signal(pid, number): sends it to any process; true, or nil and the system's words */
static int l_signal(lua_State *L)
{
    char text[128];

    if (kill((pid_t)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2)) < 0)
        return coral_fail(L, apr_strerror(APR_FROM_OS_ERROR(errno), text, sizeof(text)));
    lua_pushboolean(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {
    { "pid", l_pid },
    { "set_timeouts", l_set_timeouts },
    { "wait", l_wait },
    { "kill", l_kill },
    { "shutdown", l_shutdown },
    { "write", l_write },
    { NULL, NULL }
};

static const struct {
    const char *name;
    int stream, take;
} reads[] = {
    { "stdout_read_all", CORAL_STDOUT, CORAL_TAKE_ALL },
    { "stdout_read_line", CORAL_STDOUT, CORAL_TAKE_LINE },
    { "stdout_read_bytes", CORAL_STDOUT, CORAL_TAKE_SIZE },
    { "stdout_read_any", CORAL_STDOUT, CORAL_TAKE_ANY },
    { "stderr_read_all", CORAL_STDERR, CORAL_TAKE_ALL },
    { "stderr_read_line", CORAL_STDERR, CORAL_TAKE_LINE },
    { "stderr_read_bytes", CORAL_STDERR, CORAL_TAKE_SIZE },
    { "stderr_read_any", CORAL_STDERR, CORAL_TAKE_ANY },
};

#define SIGNAL(name) { #name, SIG##name }
static const struct {
    const char *name;
    int number;
} signals[] = {
    SIGNAL(HUP), SIGNAL(INT), SIGNAL(QUIT), SIGNAL(ILL), SIGNAL(TRAP), SIGNAL(ABRT), SIGNAL(BUS), SIGNAL(FPE), SIGNAL(KILL),
    SIGNAL(USR1), SIGNAL(SEGV), SIGNAL(USR2), SIGNAL(PIPE), SIGNAL(ALRM), SIGNAL(TERM), SIGNAL(CHLD), SIGNAL(CONT), SIGNAL(STOP),
    SIGNAL(TSTP), SIGNAL(TTIN), SIGNAL(TTOU), SIGNAL(URG), SIGNAL(XCPU), SIGNAL(XFSZ), SIGNAL(VTALRM), SIGNAL(PROF), SIGNAL(WINCH),
    SIGNAL(IO), SIGNAL(SYS), { "NONE", 0 }
};

/* A table of the system's numbers, by name. */
static void push_signals(lua_State *L)
{
    apr_size_t i;

    lua_newtable(L);
    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        lua_pushinteger(L, signals[i].number);
        lua_setfield(L, -2, signals[i].name);
    }
}

static const luaL_Reg functions[] = {
    { "spawn", l_spawn },
    { "signal", l_signal },
    { NULL, NULL }
};

CORAL_API(pipe)
{
    apr_size_t i;

    luaL_newmetatable(L, PROCESS);
    luaL_newlib(L, methods);
    for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        lua_pushinteger(L, reads[i].stream);
        lua_pushinteger(L, reads[i].take);
        lua_pushcclosure(L, l_read, 2);
        lua_setfield(L, -2, reads[i].name);
    }
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    push_signals(L);
    lua_setfield(L, -2, "signals");
    return 1;
}
