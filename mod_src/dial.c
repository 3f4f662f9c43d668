/* SPDX-License-Identifier: Apache-2.0 */
#include "dial.h"

#include "resolver.h"

/* What a connect is about, a userdata at 4 of the call's stack. */
typedef struct {
    coral_socket_t *s;
    coral_wait_t *wait;
    const char *host;
    int port;
    apr_time_t until;
    coral_query_t *query;
    coral_net_waiter_t waiter;
    int count, next, error;
    coral_address_t addresses[CORAL_RESOLVER_MOST];
} connect_t;

enum { CONNECT = 4 };

static int done(lua_State *L, connect_t *c, coral_net_t *net)
{
    c->s->connecting = 0;
    c->s->net = net;
    c->s->was_connected = 1;
    c->s->in = net->in;
    net->piece = c->s->run->conf->buffer_size;
    lua_pushinteger(L, 1);
    return 1;
}

/* What is to be said is on top. */
static int give_up(lua_State *L, connect_t *c)
{
    char doing[128];

    apr_snprintf(doing, sizeof(doing), "connecting to %s, port %d", c->host, c->port);
    coral_socket_log(L, c->s, doing);
    c->s->connecting = 0;
    coral_socket_close(c->s);
    return 2;
}

static int try_addresses(lua_State *L, connect_t *c);

static int connected(lua_State *L, coral_wait_t *w)
{
    connect_t *c = lua_touserdata(L, CONNECT);

    if (w->reason == CORAL_WOKEN_TIMEOUT) {
        coral_fail(L, "timeout");
        return give_up(L, c);
    }
    if (!(c->error = coral_net_connected(c->s->net)))
        return done(L, c, c->s->net);
    coral_net_close(c->s->net);
    c->s->net = NULL;
    return try_addresses(L, c);
}

/* One after the other, until one answers. */
static int try_addresses(lua_State *L, connect_t *c)
{
    while (c->next < c->count) {
        coral_address_t *to = &c->addresses[c->next++];
        coral_net_t *net = coral_net_open(SOCK_STREAM, to, coral_socket_from(L, to));
        if (!net) {
            c->error = errno;
            continue;
        }
        c->s->net = net;
        if (!net->connecting)
            return done(L, c, net);
        return coral_socket_wait(L, c->s, &c->s->connecting, CORAL_NET_WRITE, c->until, connected);
    }
    coral_fail_with(L, c->error);
    return give_up(L, c);
}

/* Names. */

static void on_resolved(void *c_)
{
    connect_t *c = c_;

    coral_wait_wake(c->wait, CORAL_WOKEN_READY);
}

static void drop_query(coral_wait_t *w)
{
    connect_t *c = w->data;

    if (c->query)
        coral_query_drop(c->query);
    c->query = NULL;
}

static int resolved(lua_State *L, coral_wait_t *w)
{
    connect_t *c = w->data;
    const coral_address_t *addresses;
    const char *why;
    int i;

    if (w->reason == CORAL_WOKEN_TIMEOUT) {
        drop_query(w);
        lua_pushnil(L);
        lua_pushfstring(L, "%s could not be resolved (110: Operation timed out)", c->host);
        return give_up(L, c);
    }
    c->count = coral_query_answer(c->query, &addresses, &why);
    for (i = 0; i < c->count; i++)
        c->addresses[i] = addresses[i];
    drop_query(w);
    if (!c->count) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s could not be resolved (%s)", c->host, why);
        return give_up(L, c);
    }
    return try_addresses(L, c);
}

static int resolve(lua_State *L, connect_t *c)
{
    coral_wait_t *w = coral_task_new_wait(L);

    c->wait = w;
    w->until = c->until;
    w->data = c;
    w->results = resolved;
    w->cancel = drop_query;
    c->query = coral_resolver_ask(c->host, c->port, SOCK_STREAM, on_resolved, c);
    if (!c->query) {
        coral_fail(L, "no resolver");
        return give_up(L, c);
    }
    return coral_task_wait(L, w);
}

/* A connection may be made: to where? */
static int open_connection(lua_State *L, connect_t *c)
{
    if (!strncmp(c->host, "unix:", 5)) {
        c->count = coral_address_local(&c->addresses[0], c->host + 5);
        if (!c->count) {
            coral_fail(L, "failed to parse host name: invalid path in unix domain socket");
            return give_up(L, c);
        }
    }
    else if (!(c->count = coral_address_parse(&c->addresses[0], c->host, c->port)))
        return resolve(L, c);
    return try_addresses(L, c);
}

/* The line of a pool. */

static void on_called(coral_net_waiter_t *waiter)
{
    coral_wait_wake(((connect_t *)((char *)waiter - offsetof(connect_t, waiter)))->wait, CORAL_WOKEN_READY);
}

/* Killed while it stands in the line, or just called. */
static void leave_line(coral_wait_t *w)
{
    connect_t *c = w->data;

    if (coral_net_pool_leave(&c->waiter) || !c->waiter.granted)
        return;
    c->waiter.granted = 0;
    if (c->waiter.net)
        coral_net_close(c->waiter.net);
    coral_net_pool_forget(c->waiter.from);
}

static int called(lua_State *L, coral_wait_t *w)
{
    connect_t *c = w->data;

    if (coral_net_pool_leave(&c->waiter)) {
        coral_fail(L, "timeout");
        return give_up(L, c);
    }
    c->waiter.granted = 0;
    c->s->pool = c->waiter.from;
    if (!c->waiter.net)
        return open_connection(L, c);
    c->waiter.net->used++;
    return done(L, c, c->waiter.net);
}

static int stand_in_line(lua_State *L, connect_t *c)
{
    coral_wait_t *w = c->wait;

    w->until = c->until;
    w->data = c;
    w->results = called;
    w->cancel = leave_line;
    return coral_task_wait(L, w);
}

/* An integer option at least 1 (0 for zero), -1: it is not there. */
static int option(lua_State *L, const char *name, int least)
{
    lua_Integer value;

    if (lua_getfield(L, 3, name) == LUA_TNIL) {
        lua_pop(L, 1);
        return -1;
    }
    if (!lua_isnumber(L, -1))
        luaL_argerror(L, 4, lua_pushfstring(L, "bad \"%s\" option type: %s", name, luaL_typename(L, -1)));
    value = (lua_Integer)lua_tonumber(L, -1);
    if (value < least)
        luaL_argerror(L, 4, lua_pushfstring(L, "bad \"%s\" option value: %d", name, (int)value));
    lua_pop(L, 1);
    return value > 1000000 ? 1000000 : (int)value;
}

/* The pool's name is pushed. */
static const char *push_pool_name(lua_State *L, connect_t *c)
{
    if (lua_istable(L, 3)) {
        int type = lua_getfield(L, 3, "pool");

        if (type == LUA_TSTRING || type == LUA_TNUMBER)
            return lua_tostring(L, -1);
        if (type != LUA_TNIL)
            luaL_argerror(L, 4, lua_pushfstring(L, "bad \"pool\" option type: %s", lua_typename(L, type)));
    }
    return strncmp(c->host, "unix:", 5) ? lua_pushfstring(L, "%s:%d", c->host, c->port) : lua_pushstring(L, c->host);
}

/* The arguments become (socket, host, options, connect_t). */
static connect_t *check_target(lua_State *L, coral_socket_t *s, const char **wrong)
{
    int top = lua_gettop(L), port = 0;
    const char *host;
    connect_t *c;

    if (top < 2 || top > 4)
        luaL_error(L, "ngx.socket connect: expecting 2, 3, or 4 arguments (including the object), but seen %d", top);
    host = coral_check_text(L, 2);
    if (ap_cstr_casecmpn(host, "unix:", 5)) {
        if ((*wrong = coral_check_port(L, 3, &port)))
            return NULL;
        lua_remove(L, 3);
    }
    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        luaL_checktype(L, 3, LUA_TTABLE);
    c = lua_newuserdatauv(L, sizeof(*c), 0);
    memset(c, 0, sizeof(*c));
    c->s = s;
    c->host = host;
    c->port = port;
    c->until = apr_time_now() + s->connect_timeout;
    return c;
}

int coral_dial(lua_State *L, coral_socket_t *s)
{
    const char *name, *wrong = NULL;
    connect_t *c = check_target(L, s, &wrong);
    int size = -1, backlog = -1;
    coral_net_t *net;

    if (wrong)
        return coral_fail(L, wrong);
    if (!*c->host)
        return coral_fail(L, "failed to parse host name \"\": no host");

    if (s->connecting)
        return coral_fail(L, "socket busy connecting");
    if (s->reading || s->writing)
        return coral_fail(L, s->reading ? "socket busy reading" : "socket busy writing");
    if (lua_istable(L, 3)) {
        size = option(L, "pool_size", 1);
        backlog = option(L, "backlog", 0);
    }
    coral_socket_close(s);
    name = push_pool_name(L, c);
    c->wait = coral_task_new_wait(L);
    c->waiter.call = on_called;
    if (!coral_poller_start())
        return coral_fail(L, "no event loop");
    if (backlog >= 0 && size < 0)
        size = s->run->conf->pool_size ? s->run->conf->pool_size : CORAL_POOL_SIZE;
    s->connecting = 1;
    switch (coral_net_pool_take(name, size, backlog, &s->pool, &net, &c->waiter)) {
    case CORAL_POOL_REUSED:
        return done(L, c, net);
    case CORAL_POOL_WAIT:
        s->pool = NULL; /* it does not count yet */
        lua_settop(L, CONNECT);
        return stand_in_line(L, c);
    case CORAL_POOL_FULL:
        s->pool = NULL;
        coral_fail(L, "too many waiting connect operations");
        return give_up(L, c);
    default:
        lua_settop(L, CONNECT);
        return open_connection(L, c);
    }
}
