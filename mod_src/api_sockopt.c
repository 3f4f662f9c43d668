/* SPDX-License-Identifier: Apache-2.0 */
/* api_sockopt.c - coral.sockopt: the options of sockets, by LuaSocket's names and values. */
#include "plug.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

typedef struct {
    const char *name;
    int level, option;
    enum { SWITCH, NUMBER, LINGER, GROUP4, GROUP6, ERROR } kind;
    int where; /* what it is for: a sum of these */
} option_t;

enum { TCP = 1, UDP = 2, LOCAL = 4 };

static const option_t options[] = {
    { "keepalive", SOL_SOCKET, SO_KEEPALIVE, SWITCH, TCP | LOCAL },
    { "reuseaddr", SOL_SOCKET, SO_REUSEADDR, SWITCH, TCP | UDP | LOCAL },
    { "reuseport", SOL_SOCKET, SO_REUSEPORT, SWITCH, TCP | UDP },
    { "broadcast", SOL_SOCKET, SO_BROADCAST, SWITCH, UDP },
    { "dontroute", SOL_SOCKET, SO_DONTROUTE, SWITCH, UDP },
    { "linger", SOL_SOCKET, SO_LINGER, LINGER, TCP | LOCAL },
    { "error", SOL_SOCKET, SO_ERROR, ERROR, TCP | UDP },
    { "recv-buffer-size", SOL_SOCKET, SO_RCVBUF, NUMBER, TCP | UDP },
    { "send-buffer-size", SOL_SOCKET, SO_SNDBUF, NUMBER, TCP | UDP },
    { "tcp-nodelay", IPPROTO_TCP, TCP_NODELAY, SWITCH, TCP },
    { "tcp-keepidle", IPPROTO_TCP, TCP_KEEPIDLE, NUMBER, TCP },
    { "tcp-keepcnt", IPPROTO_TCP, TCP_KEEPCNT, NUMBER, TCP },
    { "tcp-keepintvl", IPPROTO_TCP, TCP_KEEPINTVL, NUMBER, TCP },
    { "tcp-defer-accept", IPPROTO_TCP, TCP_DEFER_ACCEPT, NUMBER, TCP },
    { "tcp-fastopen", IPPROTO_TCP, TCP_FASTOPEN, NUMBER, TCP },
    { "ipv6-v6only", IPPROTO_IPV6, IPV6_V6ONLY, SWITCH, TCP | UDP },
    { "ipv6-unicast-hops", IPPROTO_IPV6, IPV6_UNICAST_HOPS, NUMBER, UDP },
    { "ipv6-multicast-hops", IPPROTO_IPV6, IPV6_MULTICAST_HOPS, NUMBER, UDP },
    { "ipv6-multicast-loop", IPPROTO_IPV6, IPV6_MULTICAST_LOOP, SWITCH, UDP },
    { "ipv6-add-membership", IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, GROUP6, UDP },
    { "ipv6-drop-membership", IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, GROUP6, UDP },
    { "ip-multicast-ttl", IPPROTO_IP, IP_MULTICAST_TTL, NUMBER, UDP },
    { "ip-multicast-loop", IPPROTO_IP, IP_MULTICAST_LOOP, SWITCH, UDP },
    { "ip-add-membership", IPPROTO_IP, IP_ADD_MEMBERSHIP, GROUP4, UDP },
    { "ip-drop-membership", IPPROTO_IP, IP_DROP_MEMBERSHIP, GROUP4, UDP },
};

typedef union {
    int number;
    struct linger linger;
    struct ip_mreq group4;
    struct ipv6_mreq group6;
} value_t;

/* What the value of a kind takes. */
static socklen_t size_of(const option_t *o)
{
    return o->kind == LINGER   ? sizeof(struct linger)
           : o->kind == GROUP4 ? sizeof(struct ip_mreq)
           : o->kind == GROUP6 ? sizeof(struct ipv6_mreq)
                               : sizeof(int);
}

/* An argument of the method whose user is two levels up is wrong: 1 is the option's name, 2 its value. */
static void wrong(lua_State *L, int argument, const char *why)
{
    luaL_where(L, 2);
    lua_pushfstring(L, "bad argument #%d to 'setoption' (%s)", argument, why);
    lua_concat(L, 2);
    lua_error(L);
}

static void check_type(lua_State *L, int type)
{
    if (lua_type(L, 4) != type)
        wrong(L, 2, lua_pushfstring(L, "%s expected, got %s", lua_typename(L, type), luaL_typename(L, 4)));
}

/* The option of the name at 3; where, at 2: "tcp", "udp" or "unix". One that there is not is an error, as it is to LuaSocket. */
static const option_t *check_option(lua_State *L)
{
    static const char *const places[] = { "tcp", "udp", "unix", NULL };
    int where = 1 << luaL_checkoption(L, 2, NULL, places);
    const char *name = lua_tostring(L, 3);
    apr_size_t i;

    if (!name)
        wrong(L, 1, lua_pushfstring(L, "string expected, got %s", luaL_typename(L, 3)));

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].where & where && !strcmp(name, options[i].name))
            return &options[i];
    wrong(L, 1, lua_pushfstring(L, "unsupported option `%s'", name));
    return NULL;
}

/* A field of the table at 4. */
static const char *field(lua_State *L, const char *name)
{
    lua_getfield(L, 4, name);
    if (!lua_isstring(L, -1))
        wrong(L, 2, lua_pushfstring(L, "string or number '%s' field expected", name));
    return lua_tostring(L, -1);
}

/* { on = true, timeout = seconds } */
static void check_linger(lua_State *L, struct linger *linger)
{
    check_type(L, LUA_TTABLE);
    lua_getfield(L, 4, "on");
    if (!lua_isboolean(L, -1))
        wrong(L, 2, "boolean 'on' field expected");
    linger->l_onoff = lua_toboolean(L, -1);
    lua_getfield(L, 4, "timeout");
    if (!lua_isnumber(L, -1))
        wrong(L, 2, "number 'timeout' field expected");
    linger->l_linger = (int)lua_tonumber(L, -1);
}

/* { multiaddr = address, interface = address, or of IPv6 the interface's number } */
static void check_group(lua_State *L, const option_t *o, value_t *value)
{
    int ok;

    check_type(L, LUA_TTABLE);
    if (o->kind == GROUP4)
        ok = inet_pton(AF_INET, field(L, "multiaddr"), &value->group4.imr_multiaddr) == 1
             && (!strcmp(field(L, "interface"), "*") || inet_pton(AF_INET, lua_tostring(L, -1), &value->group4.imr_interface) == 1);
    else {
        ok = inet_pton(AF_INET6, field(L, "multiaddr"), &value->group6.ipv6mr_multiaddr) == 1;
        if (lua_getfield(L, 4, "interface") != LUA_TNIL)
            value->group6.ipv6mr_interface = (unsigned int)luaL_checkinteger(L, -1);
    }
    if (!ok)
        wrong(L, 2, "invalid 'multiaddr' or 'interface' address");
}

static void check_value(lua_State *L, const option_t *o, value_t *value)
{
    memset(value, 0, sizeof(*value));
    switch (o->kind) {
    case SWITCH:
        check_type(L, LUA_TBOOLEAN);
        value->number = lua_toboolean(L, 4);
        break;
    case NUMBER:
        if (!lua_isnumber(L, 4))
            check_type(L, LUA_TNUMBER);
        value->number = (int)lua_tonumber(L, 4);
        break;
    case LINGER:
        check_linger(L, &value->linger);
        break;
    case GROUP4:
    case GROUP6:
        check_group(L, o, value);
        break;
    default:
        wrong(L, 1, "unsupported option `error'");
    }
}

/* set(plug, where, name, value): 1, or nil and why. plug nil: there is no socket yet, the arguments are checked, true */
static int l_set(lua_State *L)
{
    const option_t *o = check_option(L);
    coral_net_t *net;
    value_t value;

    check_value(L, o, &value);
    if (lua_isnil(L, 1)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    if (!(net = coral_plug_net(L, coral_check_plug(L, 1))) || setsockopt(net->watch.fd, o->level, o->option, &value, size_of(o)) < 0)
        return coral_fail(L, "setsockopt failed");
    lua_pushinteger(L, 1);
    return 1;
}

/* get(plug, where, name): its value, or nil and why */
static int l_get(lua_State *L)
{
    const option_t *o = check_option(L);
    coral_net_t *net = coral_plug_net(L, coral_check_plug(L, 1));
    value_t value = { 0 };
    socklen_t size = size_of(o);

    if (o->kind == GROUP4 || o->kind == GROUP6)
        wrong(L, 1, lua_pushfstring(L, "unsupported option `%s'", o->name));
    if (!net || getsockopt(net->watch.fd, o->level, o->option, &value, &size) < 0)
        return coral_fail(L, "getsockopt failed");
    switch (o->kind) {
    case ERROR: /* as text, nil: none */
        if (!value.number)
            return coral_push(L, NULL);
        coral_plug_fail(L, value.number);
        return 1;
    case LINGER:
        lua_createtable(L, 0, 2);
        lua_pushboolean(L, value.linger.l_onoff);
        lua_setfield(L, -2, "on");
        lua_pushinteger(L, value.linger.l_linger);
        lua_setfield(L, -2, "timeout");
        return 1;
    case SWITCH:
        lua_pushboolean(L, value.number);
        return 1;
    default:
        lua_pushinteger(L, value.number);
        return 1;
    }
}

static const luaL_Reg functions[] = {
    { "set", l_set },
    { "get", l_get },
    { NULL, NULL }
};

CORAL_API(sockopt)
{
    luaL_newlib(L, functions);
    return 1;
}
