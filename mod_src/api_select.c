/* SPDX-License-Identifier: Apache-2.0 */
/* api_select.c - coral.select: waits for one socket of LuaSocket's face, or for the first of many. Where Lua runs outside of a task (init
 * hooks) the thread waits. */
#include "plug.h"

/* wait(plug, direction, until): true; or nil and "timeout", or "closed" */

static int outcome(lua_State *L, coral_plug_t *plug, int ready)
{
    if (!coral_plug_released(plug))
        return coral_fail(L, "closed");
    if (!ready)
        return coral_fail(L, "timeout");
    lua_pushboolean(L, 1);
    return 1;
}

static int waited(lua_State *L, coral_wait_t *w)
{
    coral_plug_t *plug = w->data;

    if (w->direction == CORAL_WRITE)
        plug->writing = 0;
    else
        plug->reading = 0;
    return outcome(L, plug, w->reason == CORAL_WOKEN_READY);
}

static int wait_in_task(lua_State *L, coral_plug_t *plug, coral_direction_e direction, apr_time_t until)
{
    coral_wait_t *w = coral_task_new_wait(L);

    w->watch = &plug->net->watch;
    w->direction = direction;
    w->until = until;
    w->results = waited;
    w->data = plug;
    if (direction == CORAL_WRITE)
        plug->writing = 1;
    else
        plug->reading = 1;
    return coral_task_wait(L, w);
}

static int l_wait(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);
    coral_net_t *net = coral_plug_net(L, plug);
    coral_direction_e direction = luaL_checkinteger(L, 2) == CORAL_WRITE ? CORAL_WRITE : CORAL_READ;
    apr_time_t until = coral_check_moment(L, 3);

    if (!net)
        return coral_fail(L, "closed");
    if (direction == CORAL_WRITE ? plug->writing : plug->reading)
        return coral_fail(L, direction == CORAL_WRITE ? "socket busy writing" : "socket busy reading");
    if (until <= apr_time_now())
        return coral_fail(L, "timeout");
    if (!coral_task_current(L)) {
        struct pollfd fd = { .fd = net->watch.fd, .events = direction == CORAL_WRITE ? POLLOUT : POLLIN };

        return outcome(L, plug, coral_poll_here(&fd, 1, until));
    }
    lua_settop(L, 1); /* the plug stays */
    return wait_in_task(L, plug, direction, until);
}

/* select(sockets, directions, until): the list of those that are ready, by their place in `sockets`, plugs or numbers of descriptors; an
 * empty one when the moment has come. */

typedef struct {
    coral_sleeper_t sleeper; /* first */
    coral_watch_t watch;
    coral_wait_t *wait;
    coral_plug_t *plug; /* NULL: a descriptor of somebody else's */
    coral_direction_e direction;
    int watched;
} entry_t;

typedef struct {
    unsigned int count;
    struct pollfd *fds;
    entry_t *entries;
} choice_t;

static int push_ready(lua_State *L, choice_t *c)
{
    unsigned int i;
    int n = 0;

    lua_newtable(L);
    for (i = 0; i < c->count; i++)
        if (c->fds[i].revents) {
            lua_pushinteger(L, i + 1);
            lua_rawseti(L, -2, ++n);
        }
    return 1;
}

/* Watches of their own, for another light thread may wait for the same socket. */
static void let_go(choice_t *c)
{
    unsigned int i;

    for (i = 0; i < c->count; i++) {
        entry_t *e = &c->entries[i];

        if (e->watched)
            coral_watch_close(&e->watch);
        if (e->watched && e->plug) {
            e->plug->selecting--;
            coral_plug_released(e->plug);
        }
        e->watched = 0;
    }
}

static void cancel(coral_wait_t *w)
{
    let_go(w->data);
}

static void on_ready(coral_sleeper_t *sleeper, coral_reason_e reason)
{
    coral_wait_wake(((entry_t *)sleeper)->wait, reason);
}

static int wait_for_first(lua_State *L, choice_t *c, apr_time_t until);

/* What was there may have been read by another light thread meanwhile; then it waits on. */
static int chosen(lua_State *L, coral_wait_t *w)
{
    choice_t *c = w->data;
    unsigned int i;
    int closed = 0;

    let_go(c);
    for (i = 0; i < c->count; i++)
        if (c->entries[i].plug && !coral_plug_net(L, c->entries[i].plug)) {
            c->fds[i].fd = -1;
            closed = 1;
        }
    if (coral_poll_here(c->fds, c->count, 0) || closed || w->reason == CORAL_WOKEN_TIMEOUT)
        return push_ready(L, c);
    return wait_for_first(L, c, w->until);
}

static int wait_for_first(lua_State *L, choice_t *c, apr_time_t until)
{
    coral_wait_t *w = coral_task_new_wait(L);
    unsigned int i;

    w->until = until;
    w->results = chosen;
    w->cancel = cancel;
    w->data = c;
    for (i = 0; i < c->count; i++) {
        entry_t *e = &c->entries[i];

        e->sleeper.wake = on_ready;
        e->wait = w;
        e->watched = 1;
        if (e->plug)
            e->plug->selecting++;
        coral_watch_open(&e->watch, c->fds[i].fd);
    }
    for (i = 0; i < c->count; i++)
        coral_watch_wait(&c->entries[i].watch, &c->entries[i].sleeper, c->entries[i].direction, CORAL_NEVER);
    return coral_task_wait(L, w);
}

/* The lists at 1 and 2 as a userdata, which is pushed. */
static choice_t *check_choice(lua_State *L)
{
    lua_Integer count = luaL_len(L, 1), i;
    apr_size_t size = sizeof(choice_t) + (apr_size_t)count * (sizeof(struct pollfd) + sizeof(entry_t)) + sizeof(entry_t);
    choice_t *c;

    luaL_argcheck(L, count >= 0 && count < 100000, 1, "too many sockets");
    c = lua_newuserdatauv(L, size, 0);
    memset(c, 0, size);
    c->entries = (entry_t *)APR_ALIGN_DEFAULT((apr_uintptr_t)(c + 1));
    c->fds = (struct pollfd *)(c->entries + count);
    for (i = 0; i < count; i++) {
        entry_t *e = &c->entries[i];
        int fd;

        if (lua_geti(L, 1, i + 1) == LUA_TNUMBER)
            fd = (int)lua_tointeger(L, -1);
        else {
            coral_net_t *net = coral_plug_net(L, e->plug = coral_check_plug(L, -1));

            fd = net ? net->watch.fd : -1;
        }
        e->direction = lua_geti(L, 2, i + 1) == LUA_TNUMBER && lua_tointeger(L, -1) == CORAL_WRITE ? CORAL_WRITE : CORAL_READ;
        lua_pop(L, 2);
        luaL_argcheck(L, fd >= 0, 1, "a closed socket");
        c->fds[i].fd = fd;
        c->fds[i].events = e->direction == CORAL_WRITE ? POLLOUT : POLLIN;
        c->count++;
    }
    return c;
}

static int l_select(lua_State *L)
{
    apr_time_t until = coral_check_moment(L, 3);
    choice_t *c = check_choice(L);

    if (coral_poll_here(c->fds, c->count, 0) || until <= apr_time_now())
        return push_ready(L, c);
    if (!coral_task_current(L)) {
        coral_poll_here(c->fds, c->count, until);
        return push_ready(L, c);
    }
    if (!coral_poller_start())
        return coral_fail(L, "no event loop");
    return wait_for_first(L, c, until);
}

/* now(): seconds since 1970, to the microsecond */
static int l_now(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)apr_time_now() / APR_USEC_PER_SEC);
    return 1;
}

static const luaL_Reg functions[] = {
    { "wait", l_wait },
    { "select", l_select },
    { "now", l_now },
    { NULL, NULL }
};

CORAL_API(select)
{
    luaL_newlib(L, functions);
    return 1;
}
