/* SPDX-License-Identifier: Apache-2.0 */
/* api_plug.c - coral.plug: sockets by calls that never wait. Behind LuaSocket's face (lua_lib/coral/luasocket). A call that would have to
 * wait returns false and a direction, for coral.select.wait; one that failed nil and why. Addresses are what coral.names gives. */
#include "plug.h"

#include <netinet/in.h>

#define LARGEST 65536 /* of a datagram */

/* The names of address families, and their numbers. */
static const char *const families[] = { "inet", "inet6", "unix", NULL };
static const int family_numbers[] = { AF_INET, AF_INET6, AF_UNIX };

static int done(lua_State *L, int ok)
{
    if (!ok)
        return coral_plug_fail(L, errno);
    lua_pushboolean(L, 1);
    return 1;
}

/* The open connection of the plug at 1; NULL: nil and "closed" are pushed. */
static coral_net_t *open_at_1(lua_State *L, coral_plug_t **plug)
{
    coral_net_t *net = coral_plug_net(L, *plug = coral_check_plug(L, 1));

    if (!net)
        coral_fail(L, "closed");
    return net;
}

/* new(family, type): family "inet", "inet6" or "unix", type "stream" or "dgram" */
static int l_new(lua_State *L)
{
    static const char *const types[] = { "stream", "dgram", NULL };
    int family = family_numbers[luaL_checkoption(L, 1, NULL, families)], one = 1;
    int type = luaL_checkoption(L, 2, NULL, types) ? SOCK_DGRAM : SOCK_STREAM;
    coral_plug_t *plug;

    if (coral_run_of(L) && !coral_poller_start())
        return coral_fail(L, "no event loop");
    plug = coral_plug_push(L);
    if (!(plug->net = coral_net_make(family, type)))
        return coral_plug_fail(L, errno);
    plug->family = family;
    plug->type = type;
    if (family == AF_INET6)
        setsockopt(plug->net->watch.fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    return 1;
}

/* connect(plug, address): true, or to be waited for; then connected(plug) says what has come of it */
static int l_connect(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    coral_address_t address;
    int error;

    if (!net)
        return 2;
    if ((error = coral_net_connect(net, coral_check_address(L, 2, &address))))
        return coral_plug_fail(L, error);
    return net->connecting ? coral_plug_would_block(L, CORAL_NET_WRITE) : done(L, 1);
}

static int l_connected(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);

    return !net ? 2 : done(L, !(errno = coral_net_connected(net)));
}

/* disconnect(plug): a socket for datagrams takes them from, and sends them to, everybody again */
static int l_disconnect(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    struct sockaddr nobody = { .sa_family = AF_UNSPEC };

    return !net ? 2 : done(L, connect(net->watch.fd, &nobody, sizeof(nobody)) == 0);
}

/* bind(plug, address), listen(plug, backlog) */
static int l_bind(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    coral_address_t address;

    if (!net)
        return 2;
    coral_check_address(L, 2, &address);
    return done(L, bind(net->watch.fd, &address.to.any, address.length) == 0);
}

static int l_listen(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);

    return !net ? 2 : done(L, listen(net->watch.fd, (int)luaL_optinteger(L, 2, 32)) == 0);
}

/* accept(plug): the plug of a connection */
static int l_accept(lua_State *L)
{
    coral_plug_t *plug, *client;
    coral_net_t *net = open_at_1(L, &plug);
    int fd;

    if (!net)
        return 2;
    client = coral_plug_push(L);
    do
        fd = accept4(net->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno == EAGAIN || errno == ECONNABORTED ? coral_plug_would_block(L, CORAL_NET_READ) : coral_plug_fail(L, errno);
    if (!(client->net = coral_net_take_over(fd)))
        return coral_plug_fail(L, errno);
    client->family = plug->family;
    client->type = plug->type;
    return 1;
}

/* close(plug): what waits for it is told that it is closed */
static int l_close(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);

    if (coral_plug_net(L, plug))
        coral_plug_close(plug);
    return 0;
}

/* shutdown(plug, how): "receive", "send" or "both" */
static int l_shutdown(lua_State *L)
{
    static const char *const ways[] = { "receive", "send", "both", NULL };
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    int how = luaL_checkoption(L, 2, "both", ways);

    if (net)
        shutdown(net->watch.fd, how); /* SHUT_RD, SHUT_WR, SHUT_RDWR */
    return done(L, 1);
}

/* fd(plug): the number of its descriptor, -1: it has none */
static int l_fd(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);
    coral_net_t *net = coral_plug_net(L, plug);

    lua_pushinteger(L, net ? net->watch.fd : -1);
    return 1;
}

/* dirty(plug): whether something is read and not asked for yet */
static int l_dirty(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);
    coral_net_t *net = coral_plug_net(L, plug);

    lua_pushboolean(L, net && evbuffer_get_length(net->in));
    return 1;
}

/* name(plug, peer): host, port, family of this side, or the other; the path of a local one */
static int l_name(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    coral_address_t address = { .length = sizeof(address.to) };

    if (!net)
        return 2;
    if ((lua_toboolean(L, 2) ? getpeername : getsockname)(net->watch.fd, &address.to.any, &address.length) < 0)
        return coral_plug_fail(L, errno);
    return coral_push_address(L, &address);
}

/* What has come of a line, up to its end if that is there, without carriage returns; and whether it is. */
static int push_line(lua_State *L, coral_plug_t *plug)
{
    struct evbuffer *in = plug->net->in;
    struct evbuffer_ptr end = evbuffer_search_eol(in, NULL, NULL, EVBUFFER_EOL_LF);
    size_t length = end.pos >= 0 ? (size_t)end.pos : evbuffer_get_length(in), i;
    const char *line = (const char *)evbuffer_pullup(in, (ev_ssize_t)length);
    luaL_Buffer b;

    if (!line && length)
        return luaL_error(L, "not enough memory");
    luaL_buffinit(L, &b);
    for (i = 0; i < length; i++)
        if (line[i] != '\r')
            luaL_addchar(&b, line[i]);
    luaL_pushresult(&b);
    length += end.pos >= 0;
    evbuffer_drain(in, length);
    plug->received += length;
    lua_pushboolean(L, end.pos >= 0);
    return 2;
}

/* read(plug, most): what is there, at most so many bytes; read(plug): so much of a line, and whether that is all of it */
static int l_read(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    lua_Integer most = luaL_optinteger(L, 2, -1);
    size_t length;
    luaL_Buffer b;
    char *room;
    int n;

    if (!net)
        return 2;
    if (!evbuffer_get_length(net->in) && (n = coral_net_fill(net)) <= 0)
        return n == CORAL_NET_FAILED ? coral_plug_fail(L, errno) : n ? coral_plug_would_block(L, n) : coral_fail(L, "closed");
    if (most < 0)
        return push_line(L, plug);
    length = evbuffer_get_length(net->in);
    if ((lua_Unsigned)most < length)
        length = (size_t)most;
    room = luaL_buffinitsize(L, &b, length);
    evbuffer_remove(net->in, room, length);
    luaL_pushresultsize(&b, length);
    plug->received += length;
    return 1;
}

/* write(plug, data, first, last): the bytes of data from first to last; how many of them are on their way */
static int l_write(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    size_t length;
    const char *data = luaL_checklstring(L, 2, &length);
    lua_Integer first = luaL_checkinteger(L, 3), last = luaL_checkinteger(L, 4);
    int n;

    luaL_argcheck(L, first >= 1 && first <= last + 1 && last <= (lua_Integer)length, 3, "out of range");
    if (!net)
        return 2;
    n = coral_net_write(net, data + first - 1, (apr_size_t)(last - first + 1));
    if (n < 0)
        return n == CORAL_NET_FAILED ? coral_plug_fail(L, errno) : coral_plug_would_block(L, n);
    plug->sent += (apr_uint64_t)n;
    lua_pushinteger(L, n);
    return 1;
}

/* sendto(plug, data, address): one datagram, to where it is connected to without an address; how many bytes of it went */
static int l_sendto(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    size_t length;
    const char *data = luaL_checklstring(L, 2, &length);
    coral_address_t address = { 0 };
    ssize_t n;

    if (!net)
        return 2;
    if (!lua_isnoneornil(L, 3))
        coral_check_address(L, 3, &address);
    do
        n = sendto(net->watch.fd, data, length, MSG_NOSIGNAL, address.length ? &address.to.any : NULL, address.length);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? coral_plug_would_block(L, CORAL_NET_WRITE) : coral_plug_fail(L, errno);
    lua_pushinteger(L, (lua_Integer)n);
    return 1;
}

/* receivefrom(plug, most): one datagram, cut there, and where it comes from */
static int l_receivefrom(lua_State *L)
{
    coral_plug_t *plug;
    coral_net_t *net = open_at_1(L, &plug);
    lua_Integer most = luaL_checkinteger(L, 2);
    coral_address_t from = { .length = sizeof(from.to) };
    luaL_Buffer b;
    char *room;
    ssize_t n;
    int error;

    luaL_argcheck(L, most >= 0, 2, "bad size");
    if (!net)
        return 2;
    room = luaL_buffinitsize(L, &b, most > LARGEST ? LARGEST : (size_t)most);
    do
        n = recvfrom(net->watch.fd, room, most > LARGEST ? LARGEST : (size_t)most, 0, &from.to.any, &from.length);
    while (n < 0 && errno == EINTR);
    error = errno;
    luaL_pushresultsize(&b, n > 0 ? (size_t)n : 0);
    if (n < 0)
        return error == EAGAIN ? coral_plug_would_block(L, CORAL_NET_READ) : coral_plug_fail(L, error);
    return from.length ? 1 + coral_push_address(L, &from) : 1;
}

/* stats(plug): bytes received, bytes sent, seconds since it was made. setstats(plug, …): counts on from these */
static int l_stats(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);

    lua_pushinteger(L, (lua_Integer)plug->received);
    lua_pushinteger(L, (lua_Integer)plug->sent);
    lua_pushnumber(L, (lua_Number)(apr_time_now() - plug->since) / APR_USEC_PER_SEC);
    return 3;
}

static int l_setstats(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);

    plug->received = (apr_uint64_t)luaL_optinteger(L, 2, (lua_Integer)plug->received);
    plug->sent = (apr_uint64_t)luaL_optinteger(L, 3, (lua_Integer)plug->sent);
    if (!lua_isnoneornil(L, 4))
        plug->since = apr_time_now() - (apr_time_t)(luaL_checknumber(L, 4) * APR_USEC_PER_SEC);
    return 0;
}

static const luaL_Reg functions[] = {
    { "new", l_new },
    { "connect", l_connect },
    { "connected", l_connected },
    { "disconnect", l_disconnect },
    { "bind", l_bind },
    { "listen", l_listen },
    { "accept", l_accept },
    { "close", l_close },
    { "shutdown", l_shutdown },
    { "fd", l_fd },
    { "dirty", l_dirty },
    { "name", l_name },
    { "read", l_read },
    { "write", l_write },
    { "sendto", l_sendto },
    { "receivefrom", l_receivefrom },
    { "stats", l_stats },
    { "setstats", l_setstats },
    { NULL, NULL }
};

CORAL_API(plug)
{
    luaL_newlib(L, functions);
    return 1;
}
