/* SPDX-License-Identifier: Apache-2.0 */
#include "plug.h"

#include <netdb.h>

#define PLUG "coral.plug"
#define SLICE 500 /* milliseconds: how soon a thread that waits sees that the child is to stop */

/* The run is over. */
static void let_go(coral_belonging_t *b)
{
    coral_plug_t *plug = (coral_plug_t *)((char *)b - offsetof(coral_plug_t, belonging));

    if (plug->net)
        coral_net_close(plug->net);
    plug->net = NULL;
    plug->run = NULL;
}

static int l_gc(lua_State *L)
{
    coral_plug_t *plug = luaL_checkudata(L, 1, PLUG);

    if (plug->run)
        coral_belonging_remove(&plug->belonging);
    let_go(&plug->belonging);
    return 0;
}

coral_plug_t *coral_plug_push(lua_State *L)
{
    coral_plug_t *plug = lua_newuserdatauv(L, sizeof(*plug), 0);

    memset(plug, 0, sizeof(*plug));
    plug->since = apr_time_now();
    if (luaL_newmetatable(L, PLUG)) {
        lua_pushcfunction(L, l_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    if ((plug->run = coral_run_of(L)))
        coral_belonging_add(&plug->run->belongings, &plug->belonging, let_go);
    return plug;
}

coral_plug_t *coral_check_plug(lua_State *L, int index)
{
    return luaL_checkudata(L, index, PLUG);
}

coral_net_t *coral_plug_net(lua_State *L, coral_plug_t *plug)
{
    return plug->doomed || plug->run != coral_run_of(L) ? NULL : plug->net;
}

static int is_waited_for(const coral_plug_t *plug)
{
    return plug->reading || plug->writing || plug->selecting;
}

void coral_plug_close(coral_plug_t *plug)
{
    if (!plug->net)
        return;
    if (is_waited_for(plug)) {
        plug->doomed = 1;
        shutdown(plug->net->watch.fd, SHUT_RDWR); /* wakes them */
        return;
    }
    coral_net_close(plug->net);
    plug->net = NULL;
}

int coral_plug_released(coral_plug_t *plug)
{
    if (plug->doomed && !is_waited_for(plug))
        coral_plug_close(plug);
    return plug->net && !plug->doomed;
}

int coral_plug_fail(lua_State *L, int error)
{
    char text[128];

    switch (error) {
    case EADDRINUSE:
        return coral_fail(L, "address already in use");
    case EISCONN:
        return coral_fail(L, "already connected");
    case EALREADY:
        return coral_fail(L, "Operation already in progress"); /* which Copas and others wait for */
    case EACCES:
        return coral_fail(L, "permission denied");
    case ECONNREFUSED:
        return coral_fail(L, "connection refused");
    case EPIPE:
    case ECONNABORTED:
    case ECONNRESET:
        return coral_fail(L, "closed");
    case ETIMEDOUT:
        return coral_fail(L, "timeout");
    case ENOBUFS:
        return coral_fail(L, "too many sockets");
    default:
        return coral_fail(L, apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text)));
    }
}

int coral_plug_would_block(lua_State *L, int need)
{
    lua_pushboolean(L, 0);
    lua_pushinteger(L, need == CORAL_NET_WRITE ? CORAL_WRITE : CORAL_READ);
    return 2;
}

apr_time_t coral_check_moment(lua_State *L, int index)
{
    lua_Number seconds;

    if (lua_isnoneornil(L, index))
        return CORAL_NEVER;
    seconds = luaL_checknumber(L, index);
    if (!(seconds < 1e11)) /* the year 5138, or not a number */
        return CORAL_NEVER;
    return seconds > 0 ? (apr_time_t)(seconds * APR_USEC_PER_SEC) : 0;
}

int coral_poll_here(struct pollfd *fds, unsigned int count, apr_time_t until)
{
    for (;;) {
        apr_time_t left = until - apr_time_now();
        int n = poll(fds, count, left <= 0 ? 0 : left > SLICE * 1000 ? SLICE : (int)((left + 999) / 1000));

        if (n > 0)
            return 1;
        if (left <= 0 || coral_strand_hurried())
            return 0;
    }
}

coral_address_t *coral_check_address(lua_State *L, int index, coral_address_t *address)
{
    size_t length;
    const char *bytes = luaL_checklstring(L, index, &length);

    luaL_argcheck(L, length >= sizeof(sa_family_t) && length <= sizeof(address->to), index, "not an address");
    memset(address, 0, sizeof(*address));
    memcpy(&address->to, bytes, length);
    address->length = (socklen_t)length;
    return address;
}

int coral_push_address(lua_State *L, const coral_address_t *address)
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    int error;

    if (address->to.any.sa_family == AF_UNIX) {
        size_t length = address->length > offsetof(struct sockaddr_un, sun_path) ? address->length - offsetof(struct sockaddr_un, sun_path) : 0;

        lua_pushlstring(L, address->to.local.sun_path, strnlen(address->to.local.sun_path, length));
        return 1;
    }
    if ((error = getnameinfo(&address->to.any, address->length, host, sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV)))
        return coral_fail(L, gai_strerror(error));
    lua_pushstring(L, host);
    lua_pushinteger(L, atoi(port));
    lua_pushstring(L, address->to.any.sa_family == AF_INET6 ? "inet6" : "inet");
    return 3;
}
