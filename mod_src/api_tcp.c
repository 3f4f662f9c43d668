/* SPDX-License-Identifier: Apache-2.0 */
/* api_tcp.c - coral.tcp: connections to elsewhere, by TCP or to a UNIX-domain socket, and TLS on them. Behind ngx.socket.tcp. How they
 * are made: dial.c. */
#include "dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

/* connect(host, port, options), connect("unix:/path", options): 1, or nil and why. options: pool, pool_size, backlog */
static int l_connect(lua_State *L)
{
    return coral_dial(L, coral_check_socket(L, 1, coral_tcp_kind));
}

/* close(): 1, or nil and why */
static int l_close(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);

    if (lua_gettop(L) != 1)
        return luaL_error(L, "expecting 1 argument (including the object) but seen %d", lua_gettop(L));
    if (s->connecting || s->reading || s->writing)
        return coral_fail(L, s->connecting ? "socket busy connecting" : s->reading ? "socket busy reading" : "socket busy writing");
    if (!s->net)
        return coral_fail(L, "closed");
    coral_socket_close(s);
    lua_pushinteger(L, 1);
    return 1;
}

/* setkeepalive(timeout, size): the connection is kept for the next connect; 1, or nil and why */
static int l_setkeepalive(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);
    const coral_conf_t *conf = s->run->conf;
    apr_interval_time_t timeout;
    lua_Integer size;

    if (lua_gettop(L) > 3)
        return luaL_error(L, "expecting 1 to 3 arguments (including the object), but got %d", lua_gettop(L));
    if (!s->net)
        return coral_fail(L, "closed");
    timeout = lua_isnoneornil(L, 2) ? coral_conf_time(conf, keepalive_timeout) : (apr_interval_time_t)(luaL_checknumber(L, 2) * 1000);
    luaL_argcheck(L, timeout >= 0, 2, "bad \"timeout\" value");
    size = luaL_optinteger(L, 3, conf->pool_size ? conf->pool_size : CORAL_POOL_SIZE);
    luaL_argcheck(L, size >= 1, 3, "bad \"pool_size\" value");
    if (s->connecting || s->reading || s->writing)
        return coral_fail(L, s->connecting ? "socket busy connecting" : s->reading ? "socket busy reading" : "socket busy writing");
    if (evbuffer_get_length(s->in))
        return coral_fail(L, "unread data in buffer");
    if (!coral_net_is_good(s->net)) {
        int eof = s->net->eof;

        coral_socket_close(s);
        return coral_fail(L, eof ? "closed" : "connection in dubious state");
    }
    coral_net_pool_keep(s->net, s->pool, size > 1000000 ? 1000000 : (int)size, timeout);
    s->net = NULL;
    s->pool = NULL;
    s->in = NULL;
    lua_pushinteger(L, 1);
    return 1;
}

/* getreusedtimes(): how often the connection was taken from a pool */
static int l_getreusedtimes(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);

    if (lua_gettop(L) != 1)
        return luaL_error(L, "expecting 1 argument (including the object), but got %d", lua_gettop(L));
    if (!s->net)
        return coral_fail(L, "closed");
    lua_pushinteger(L, s->net->used);
    return 1;
}

/* bind(address, port): where connections come from; 1, or nil and why */
static int l_bind(lua_State *L)
{
    return coral_socket_bind(L, coral_tcp_kind);
}

/* getfd(): the descriptor's number, or nil and why */
static int l_getfd(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);

    if (!s->net)
        return coral_fail(L, "closed");
    lua_pushinteger(L, s->net->watch.fd);
    return 1;
}

static const struct {
    const char *name;
    int level, option;
} options[] = {
    { "keepalive", SOL_SOCKET, SO_KEEPALIVE },
    { "reuseaddr", SOL_SOCKET, SO_REUSEADDR },
    { "tcp-nodelay", IPPROTO_TCP, TCP_NODELAY },
    { "sndbuf", SOL_SOCKET, SO_SNDBUF },
    { "rcvbuf", SOL_SOCKET, SO_RCVBUF },
};

/* Of the name at 2; -1: there is none, nil and why are pushed. */
static int check_option(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    apr_size_t i;

    if (!name)
        return coral_fail(L, "missing the \"option\" argument"), -1;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (!strcmp(name, options[i].name))
            return (int)i;
    lua_pushnil(L);
    lua_pushfstring(L, "unsupported option %s", name);
    return -1;
}

/* setoption(name, value): keepalive, reuseaddr, tcp-nodelay (booleans), sndbuf, rcvbuf (bytes) */
static int l_setoption(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);
    int i = check_option(L), value;

    if (i < 0)
        return 2;
    if (lua_isnoneornil(L, 3))
        return coral_fail(L, "missing the \"value\" argument");
    value = lua_isboolean(L, 3) ? lua_toboolean(L, 3) : (int)luaL_checkinteger(L, 3);
    if (!s->net)
        return coral_fail(L, "closed");
    if (setsockopt(s->net->watch.fd, options[i].level, options[i].option, &value, sizeof(value)) < 0)
        return coral_fail_with(L, errno);
    lua_pushboolean(L, 1);
    return 1;
}

static int l_getoption(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);
    int i = check_option(L), value = 0;
    socklen_t length = sizeof(value);

    if (i < 0)
        return 2;
    if (!s->net)
        return coral_fail(L, "closed");
    if (getsockopt(s->net->watch.fd, options[i].level, options[i].option, &value, &length) < 0)
        return coral_fail_with(L, errno);
    lua_pushinteger(L, value);
    return 1;
}

/* tcp(): a socket, not connected */
static int l_tcp(lua_State *L)
{
    if (lua_gettop(L))
        return luaL_error(L, "expecting zero arguments, but got %d", lua_gettop(L));
    coral_push_socket(L, coral_tcp_kind);
    return 1;
}

static const luaL_Reg methods[] = {
    { "connect", l_connect },
    { "close", l_close },
    { "setkeepalive", l_setkeepalive },
    { "getreusedtimes", l_getreusedtimes },
    { "bind", l_bind },
    { "getfd", l_getfd },
    { "setoption", l_setoption },
    { "getoption", l_getoption },
    { NULL, NULL }
};

static void add_more(lua_State *L)
{
    coral_stream_read_methods(L);
    coral_stream_write_methods(L);
    coral_tls_methods(L);
}

CORAL_API(tcp)
{
    coral_socket_kind(L, coral_tcp_kind, methods, add_more);
    lua_newtable(L);
    lua_pushcfunction(L, l_tcp);
    lua_setfield(L, -2, "tcp");
    return 1;
}
