/* SPDX-License-Identifier: Apache-2.0 */
/* api_udp.c - coral.udp: datagrams, to one address. Behind ngx.socket.udp. */
#include "socket.h"

#include "resolver.h"

#define LARGEST 65536

/* A name that is looked up, a userdata at 3 of the call's stack. */
typedef struct {
    coral_socket_t *s;
    coral_wait_t *wait;
    coral_query_t *query;
    const char *host;
} lookup_t;

static int open_any(lua_State *L, coral_socket_t *s, const coral_address_t *addresses, int count)
{
    int i;

    for (i = 0; i < count && !s->net; i++)
        s->net = coral_net_open(SOCK_DGRAM, &addresses[i], coral_socket_from(L, &addresses[i]));
    if (!s->net)
        return coral_fail_with(L, errno);
    s->in = s->net->in;
    lua_pushinteger(L, 1);
    return 1;
}

static void on_resolved(void *lookup)
{
    coral_wait_wake(((lookup_t *)lookup)->wait, CORAL_WOKEN_READY);
}

static void drop_query(coral_wait_t *w)
{
    lookup_t *lookup = w->data;

    if (lookup->query)
        coral_query_drop(lookup->query);
    lookup->query = NULL;
}

static int resolved(lua_State *L, coral_wait_t *w)
{
    lookup_t *lookup = w->data;
    coral_address_t addresses[CORAL_RESOLVER_MOST];
    const coral_address_t *answer;
    const char *why = "110: Operation timed out";
    int count = 0;

    lookup->s->connecting = 0;
    if (w->reason != CORAL_WOKEN_TIMEOUT && (count = coral_query_answer(lookup->query, &answer, &why)))
        memcpy(addresses, answer, (apr_size_t)count * sizeof(*answer));
    drop_query(w);
    if (count)
        return open_any(L, lookup->s, addresses, count);
    lua_pushnil(L);
    lua_pushfstring(L, "%s could not be resolved (%s)", lookup->host, why);
    return 2;
}

static int resolve(lua_State *L, coral_socket_t *s, const char *host, int port)
{
    lookup_t *lookup = lua_newuserdatauv(L, sizeof(*lookup), 0);
    coral_wait_t *w = coral_task_new_wait(L);

    lookup->s = s;
    lookup->wait = w;
    lookup->host = host;
    w->until = apr_time_now() + s->connect_timeout;
    w->data = lookup;
    w->results = resolved;
    w->cancel = drop_query;
    if (!(lookup->query = coral_resolver_ask(host, port, SOCK_DGRAM, on_resolved, lookup)))
        return coral_fail(L, "no resolver");
    s->connecting = 1;
    return coral_task_wait(L, w);
}

/* setpeername(host, port), setpeername("unix:/path"): 1, or nil and why */
static int l_setpeername(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_udp_kind);
    int top = lua_gettop(L);
    const char *host;
    coral_address_t address;
    const char *wrong;
    int port = 0;

    if (top != 2 && top != 3)
        return luaL_error(L, "ngx.socket.udp setpeername: expecting 2 or 3 arguments (including the object), but seen %d", top);
    host = coral_check_text(L, 2);
    if (s->reading || s->connecting)
        return coral_fail(L, "socket busy");
    if (!coral_poller_start())
        return coral_fail(L, "no event loop");
    coral_socket_close(s);
    if (!ap_cstr_casecmpn(host, "unix:", 5)) {
        if (!coral_address_local(&address, host + 5))
            return coral_fail(L, "failed to parse host name: invalid path in unix domain socket");
        return open_any(L, s, &address, 1);
    }
    luaL_checknumber(L, 3);
    if ((wrong = coral_check_port(L, 3, &port)))
        return coral_fail(L, wrong);
    lua_settop(L, 2);
    if (coral_address_parse(&address, host, port))
        return open_any(L, s, &address, 1);
    return resolve(L, s, host, port);
}

/* bind(address): where datagrams come from; 1, or nil and why */
static int l_bind(lua_State *L)
{
    return coral_socket_bind(L, coral_udp_kind);
}

/* send(data): one datagram; 1, or nil and why */
static int l_send(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_udp_kind);
    const char *data;
    size_t length;

    if (lua_gettop(L) != 2)
        return luaL_error(L, "expecting 2 arguments (including the object), but got %d", lua_gettop(L));
    if (!s->net)
        return coral_fail(L, "closed");
    coral_check_data(L, 2);
    data = lua_tolstring(L, 2, &length);
    if (coral_net_send(s->net, data, length) < 0)
        return coral_fail_with(L, errno);
    lua_pushinteger(L, 1);
    return 1;
}

static int receive(lua_State *L, coral_socket_t *s);

static int received(lua_State *L, coral_wait_t *w)
{
    coral_socket_t *s = w->data;

    s->reading = 0;
    if (!s->net)
        return coral_fail(L, "closed");
    return w->reason == CORAL_WOKEN_TIMEOUT ? coral_fail(L, "timeout") : receive(L, s);
}

static int receive(lua_State *L, coral_socket_t *s)
{
    luaL_Buffer b;
    char *room = luaL_buffinitsize(L, &b, s->size);
    int n = coral_net_receive(s->net, room, s->size), error = errno;

    luaL_pushresultsize(&b, n > 0 ? (size_t)n : 0);
    if (n >= 0)
        return 1;
    lua_pop(L, 1);
    if (n == CORAL_NET_FAILED)
        return coral_fail_with(L, error);
    return coral_socket_wait(L, s, &s->reading, n, s->read_until, received);
}

/* receive(size): one datagram, cut at size (8192); or nil and why */
static int l_receive(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_udp_kind);
    lua_Integer size = luaL_optinteger(L, 2, 8192);

    if (lua_gettop(L) > 2)
        return luaL_error(L, "expecting 1 or 2 arguments (including the object), but got %d", lua_gettop(L));
    luaL_argcheck(L, size >= 1, 2, "bad size");
    if (!s->net)
        return coral_fail(L, "closed");
    if (s->reading)
        return coral_fail(L, "socket busy");
    s->size = size > LARGEST ? LARGEST : (apr_size_t)size;
    s->read_until = apr_time_now() + s->read_timeout;
    return receive(L, s);
}

/* close(): 1, or nil and why */
static int l_close(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_udp_kind);

    if (lua_gettop(L) != 1)
        return luaL_error(L, "expecting 1 argument (including the object) but seen %d", lua_gettop(L));
    if (s->reading || s->connecting)
        return coral_fail(L, "socket busy");
    if (!s->net)
        return coral_fail(L, "closed");
    coral_socket_close(s);
    lua_pushinteger(L, 1);
    return 1;
}

/* udp(): a socket without a peer */
static int l_udp(lua_State *L)
{
    if (lua_gettop(L))
        return luaL_error(L, "expecting zero arguments, but got %d", lua_gettop(L));
    coral_push_socket(L, coral_udp_kind);
    return 1;
}

static const luaL_Reg methods[] = {
    { "setpeername", l_setpeername },
    { "bind", l_bind },
    { "send", l_send },
    { "receive", l_receive },
    { "close", l_close },
    { NULL, NULL }
};

CORAL_API(udp)
{
    coral_socket_kind(L, coral_udp_kind, methods, NULL);
    lua_newtable(L);
    lua_pushcfunction(L, l_udp);
    lua_setfield(L, -2, "udp");
    return 1;
}
