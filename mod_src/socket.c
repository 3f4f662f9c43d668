/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

const char coral_tcp_kind[] = "coral.tcp", coral_udp_kind[] = "coral.udp";
const char coral_client_kind[] = "coral.client", coral_raw_kind[] = "coral.raw", coral_pipe_kind[] = "coral.pipe";

#define SOCKET "coral.socket" /* the metatable of the userdata */

/* Something of the size of a socket may still be something else. */
static int is_socket(const coral_socket_t *s)
{
    return s->kind == coral_tcp_kind || s->kind == coral_udp_kind || s->kind == coral_client_kind || s->kind == coral_raw_kind;
}

/* As in OpenResty a socket is a table, so that libraries may keep something in it; what it stands for takes its place on the stack. */
static coral_socket_t *any_socket(lua_State *L, int index)
{
    coral_socket_t *s;

    if (lua_istable(L, index)) {
        lua_rawgeti(L, index, 1);
        lua_replace(L, index);
    }
    s = lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;
    if (!s || lua_rawlen(L, index) != sizeof(*s) || !is_socket(s))
        luaL_typeerror(L, index, "socket");
    if (!s->run || s->run != coral_run_of(L))
        luaL_error(L, "bad request");
    return s;
}

coral_socket_t *coral_check_stream(lua_State *L, int index)
{
    coral_socket_t *s = any_socket(L, index);

    if (s->kind == coral_udp_kind)
        luaL_typeerror(L, index, "stream");
    return s;
}

coral_socket_t *coral_check_socket(lua_State *L, int index, const char *kind)
{
    coral_socket_t *s = any_socket(L, index);

    if (s->kind != kind)
        luaL_typeerror(L, index, "socket");
    if (!s->run || s->run != coral_run_of(L))
        luaL_error(L, "bad request");
    return s;
}

void coral_socket_close(coral_socket_t *s)
{
    if (s->net)
        coral_net_close(s->net);
    if (s->pool)
        coral_net_pool_forget(s->pool);
    s->net = NULL;
    s->pool = NULL;
    if (!s->is_client)
        s->in = NULL;
}

/* The run is over. */
static void let_go(coral_belonging_t *b)
{
    coral_socket_t *s = (coral_socket_t *)((char *)b - offsetof(coral_socket_t, belonging));

    coral_socket_close(s);
    if (s->is_client && s->in)
        evbuffer_free(s->in);
    s->in = NULL;
    s->run = NULL;
}

static int l_gc(lua_State *L)
{
    coral_socket_t *s = lua_touserdata(L, 1);

    if (s->run) {
        coral_belonging_remove(&s->belonging);
        let_go(&s->belonging);
    }
    return 0;
}

coral_socket_t *coral_push_socket(lua_State *L, const char *kind)
{
    coral_run_t *run = coral_run_of(L);
    coral_socket_t *s;

    if (!run)
        luaL_error(L, "sockets need a request or a timer: there is none here");
    lua_createtable(L, 1, 0);
    s = lua_newuserdatauv(L, sizeof(*s), 4); /* where from; the certificate; the protocols; whom to trust */
    memset(s, 0, sizeof(*s));
    s->kind = kind;
    s->run = run;
    s->connect_timeout = coral_conf_time(run->conf, connect_timeout);
    s->send_timeout = coral_conf_time(run->conf, send_timeout);
    s->read_timeout = coral_conf_time(run->conf, read_timeout);
    luaL_setmetatable(L, SOCKET);
    lua_rawseti(L, -2, 1);
    luaL_setmetatable(L, kind);
    coral_belonging_add(&run->belongings, &s->belonging, let_go);
    return s;
}

int coral_fail_with(lua_State *L, int error)
{
    char text[128], *c;

    if (error == ENOBUFS)
        return coral_fail(L, "too many sockets");
    apr_strerror(APR_FROM_OS_ERROR(error), text, sizeof(text));
    for (c = text; *c; c++)
        *c = (char)apr_tolower(*c);
    return coral_fail(L, text);
}

void coral_socket_log(lua_State *L, const coral_socket_t *s, const char *doing)
{
    const char *error = lua_tostring(L, -1);

    if (coral_conf_flag(s->run->conf, socket_log_errors))
        coral_request_log(s->run->rq, APLOG_ERR, "a socket failed while %s: %s", doing, error);
}

apr_time_t coral_socket_until(apr_interval_time_t timeout)
{
    return timeout == CORAL_NEVER ? CORAL_NEVER : apr_time_now() + timeout;
}

int coral_socket_wait(lua_State *L, coral_socket_t *s, int *busy, int need, apr_time_t until,
                      int (*results)(lua_State *L, coral_wait_t *w))
{
    coral_wait_t *w = coral_task_new_wait(L);

    w->watch = &s->net->watch;
    w->direction = need == CORAL_NET_WRITE ? CORAL_WRITE : CORAL_READ;
    w->until = until;
    w->results = results;
    w->data = s;
    w->busy = busy;
    *busy = 1;
    s->waiter = w;
    return coral_task_wait(L, w);
}

const char *coral_check_port(lua_State *L, int index, int *port)
{
    lua_Number number = lua_tonumber(L, index);

    if (!lua_isnumber(L, index))
        return "missing the port number";
    if (number < 0 || number > 65535)
        return lua_pushfstring(L, "bad port number: %I", (LUAI_UACINT)number);
    *port = (int)number;
    return NULL;
}

int coral_socket_bind(lua_State *L, const char *kind)
{
    coral_address_t *from;
    lua_Number port;

    coral_check_socket(L, 1, kind);
    if (lua_gettop(L) < 2 || lua_gettop(L) > 3)
        return luaL_error(L, "expecting 2 or 3 arguments, but got %d", lua_gettop(L));
    port = luaL_optnumber(L, 3, 0);
    if (!(port >= 0 && port <= 65535))
        return coral_fail(L, "bad port number");
    from = lua_newuserdatauv(L, sizeof(*from), 0);
    if (!coral_address_parse(from, coral_check_text(L, 2), (int)port))
        return coral_fail(L, "bad address");
    lua_setiuservalue(L, 1, 1);
    lua_pushinteger(L, 1);
    return 1;
}

const coral_address_t *coral_socket_from(lua_State *L, const coral_address_t *to)
{
    const coral_address_t *from = lua_getiuservalue(L, 1, 1) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;

    lua_pop(L, 1);
    return from && from->to.any.sa_family == to->to.any.sa_family ? from : NULL;
}

apr_interval_time_t coral_check_timeout(lua_State *L, int index, apr_interval_time_t otherwise)
{
    lua_Number ms;

    if (lua_isnoneornil(L, index))
        return otherwise;
    ms = luaL_checknumber(L, index);
    if (ms < 0 || ms > 2147483647)
        luaL_error(L, "bad timeout value");
    return ms > 0 ? (apr_interval_time_t)(ms * 1000) : otherwise;
}

/* settimeout(ms): for connect, send and receive */
static int l_settimeout(lua_State *L)
{
    coral_socket_t *s = any_socket(L, 1);
    const coral_conf_t *conf = s->run->conf;

    if (lua_gettop(L) != 2)
        return luaL_error(L, "ngx.socket settimeout: expecting 2 arguments (including the object) but seen %d", lua_gettop(L));
    s->connect_timeout = coral_check_timeout(L, 2, coral_conf_time(conf, connect_timeout));
    s->send_timeout = coral_check_timeout(L, 2, coral_conf_time(conf, send_timeout));
    s->read_timeout = coral_check_timeout(L, 2, coral_conf_time(conf, read_timeout));
    return 0;
}

/* settimeouts(connect, send, read): milliseconds each, nil: as it is */
static int l_settimeouts(lua_State *L)
{
    coral_socket_t *s = any_socket(L, 1);

    if (lua_gettop(L) != 4)
        return luaL_error(L, "ngx.socket settimeout: expecting 4 arguments (including the object) but seen %d", lua_gettop(L));
    s->connect_timeout = coral_check_timeout(L, 2, s->connect_timeout);
    s->send_timeout = coral_check_timeout(L, 3, s->send_timeout);
    s->read_timeout = coral_check_timeout(L, 4, s->read_timeout);
    return 0;
}

void coral_socket_kind(lua_State *L, const char *kind, const luaL_Reg *methods, void (*more)(lua_State *L))
{
    luaL_newmetatable(L, kind);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    coral_socket_set_timeouts(L);
    if (more)
        more(L);
    lua_setfield(L, -2, "__index");
    if (luaL_newmetatable(L, SOCKET)) {
        lua_pushcfunction(L, l_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 2);
}

void coral_socket_set_timeouts(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "settimeout", l_settimeout },
        { "settimeouts", l_settimeouts },
        { NULL, NULL }
    };

    luaL_setfuncs(L, methods, 0);
}

/* The last key of a list; an error if the table has other keys than those from 1 on. */
static lua_Integer last_key(lua_State *L, int list, int argument)
{
    lua_Integer last = 0;

    for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1)) {
        lua_Integer key = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;

        if (key < 1)
            luaL_argerror(L, argument, "non-array table found");
        if (key > last)
            last = key;
    }
    return last;
}

/* The strings of a list, and of those in it, one after the other. depth: lists may hold themselves. */
static void add_list(lua_State *L, luaL_Buffer *b, int list, int argument, int depth)
{
    lua_Integer i, count;

    luaL_argcheck(L, depth < 100, argument, "table nested too deeply");
    luaL_checkstack(L, 8, NULL);
    count = last_key(L, list, argument);
    for (i = 1; i <= count; i++) {
        int type = lua_rawgeti(L, list, i);

        switch (type) {
        case LUA_TSTRING:
        case LUA_TNUMBER:
            luaL_addvalue(b);
            break;
        case LUA_TBOOLEAN:
            luaL_addstring(b, lua_toboolean(L, -1) ? "true" : "false");
            lua_pop(L, 1);
            break;
        case LUA_TTABLE: {
            luaL_Buffer inner;
            int at = lua_gettop(L);

            luaL_buffinit(L, &inner);
            add_list(L, &inner, at, argument, depth + 1);
            luaL_pushresult(&inner);
            lua_remove(L, at);
            luaL_addvalue(b);
            break;
        }
        default:
            luaL_argerror(L, argument, lua_pushfstring(L, "bad data type %s found", lua_typename(L, type)));
        }
    }
}

void coral_check_data(lua_State *L, int index)
{
    luaL_Buffer b;

    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return;
    case LUA_TNUMBER:
        lua_tostring(L, index);
        return;
    case LUA_TBOOLEAN:
        lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
        break;
    case LUA_TNIL:
        lua_pushliteral(L, "nil");
        break;
    case LUA_TTABLE:
        luaL_buffinit(L, &b);
        add_list(L, &b, index, index, 0);
        luaL_pushresult(&b);
        break;
    default:
        luaL_argerror(L, index, lua_pushfstring(L, "string, number, boolean, nil, or array table expected, got %s",
                                                    luaL_typename(L, index)));
    }
    lua_replace(L, index);
}
