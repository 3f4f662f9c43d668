/* SPDX-License-Identifier: Apache-2.0 */
/* api_stream.c - coral.stream: what goes through a connected socket: send, receive, receiveany, receiveuntil. For api_tcp.c's sockets,
 * for the client (api_client.c) and for the streams of a process (api_pipe.c). */
#include "socket.h"

/* So soon after a send no answer has come: to ask for it would be a system call in vain. */
#define TOO_SOON 25 /* microseconds */

/* A process's stream (api_pipe.c), whose errors leave it open, for what it still holds. */
static int is_pipe(const coral_socket_t *s)
{
    return s->kind == coral_pipe_kind;
}

/* Reading. What is asked for stands in the socket; what has come is in its buffer. */

static int push_bytes(lua_State *L, coral_socket_t *s, apr_size_t length, apr_size_t drop)
{
    luaL_Buffer b;
    char *room = luaL_buffinitsize(L, &b, length);

    evbuffer_remove(s->in, room, length);
    luaL_pushresultsize(&b, length);
    evbuffer_drain(s->in, drop);
    return 1;
}

/* A line without its line feed; a carriage return at its end goes, too. */
static int take_line(lua_State *L, coral_socket_t *s)
{
    size_t length = 0;
    struct evbuffer_ptr end = evbuffer_search_eol(s->in, NULL, &length, EVBUFFER_EOL_LF);
    char *line;

    if (end.pos < 0)
        return 0;
    line = (char *)evbuffer_pullup(s->in, end.pos + 1);
    if (!line)
        return luaL_error(L, "not enough memory");
    length = (size_t)end.pos;
    lua_pushlstring(L, line, length);
    if (memchr(line, '\r', length)) { /* as OpenResty, which leaves out every one */
        luaL_Buffer b;
        size_t i;

        lua_pop(L, 1);
        luaL_buffinit(L, &b);
        for (i = 0; i < length; i++)
            if (line[i] != '\r')
                luaL_addchar(&b, line[i]);
        luaL_pushresult(&b);
    }
    evbuffer_drain(s->in, (size_t)end.pos + 1);
    return 1;
}

/* How many bytes at the end of what has come may be the first of the pattern. */
static apr_size_t begun(coral_socket_t *s, apr_size_t have)
{
    const char *data = (const char *)evbuffer_pullup(s->in, -1);
    apr_size_t n = have < s->pattern_length - 1 ? have : s->pattern_length - 1;

    while (n && memcmp(data + have - n, s->pattern, n))
        n--;
    return n;
}

/* Up to the pattern, or s->size bytes if there are so many before it. */
static int take_until(lua_State *L, coral_socket_t *s)
{
    apr_size_t have = evbuffer_get_length(s->in), safe;
    struct evbuffer_ptr from, at;

    if (s->searched && s->searched < have)
        evbuffer_ptr_set(s->in, &from, s->searched, EVBUFFER_PTR_SET);
    else
        evbuffer_ptr_set(s->in, &from, 0, EVBUFFER_PTR_SET);
    at = evbuffer_search(s->in, s->pattern, s->pattern_length, &from);
    if (at.pos >= 0) {
        apr_size_t whole = (apr_size_t)at.pos + (s->inclusive ? s->pattern_length : 0);

        s->searched = 0;
        if (s->size && (apr_size_t)at.pos >= s->size)
            return push_bytes(L, s, s->size, 0);
        lua_pushboolean(L, s->size > 0); /* next_piece's own: the last piece, which is told once more */
        lua_replace(L, lua_upvalueindex(4));
        return push_bytes(L, s, whole, s->inclusive ? 0 : s->pattern_length);
    }
    safe = have - (have ? begun(s, have) : 0);
    if (s->size && safe >= s->size) {
        s->searched = 0;
        return push_bytes(L, s, s->size, 0);
    }
    s->searched = safe;
    return 0;
}

/* Pushes what was asked for if it is there. */
static int take(lua_State *L, coral_socket_t *s)
{
    apr_size_t have = evbuffer_get_length(s->in);

    switch (s->take) {
    case CORAL_TAKE_SIZE:
        return have >= s->size ? push_bytes(L, s, s->size, 0) : 0;
    case CORAL_TAKE_LINE:
        return take_line(L, s);
    case CORAL_TAKE_ANY:
        return have ? push_bytes(L, s, have < s->size ? have : s->size, 0) : 0;
    case CORAL_TAKE_UNTIL:
        return take_until(L, s);
    default:
        return 0;
    }
}

/* Pushes so much of a line that is not at its end. */
static int push_line_so_far(lua_State *L, coral_socket_t *s, apr_size_t length)
{
    luaL_Buffer b;
    const char *data = (const char *)evbuffer_pullup(s->in, -1);
    apr_size_t i;

    luaL_buffinit(L, &b);
    for (i = 0; i < length; i++)
        if (data[i] != '\r')
            luaL_addchar(&b, data[i]);
    luaL_pushresult(&b);
    evbuffer_drain(s->in, length);
    return 1;
}

/* It was a reading that ends here: an error, with what has come so far. */
static int give_partial(lua_State *L, coral_socket_t *s, int goes_on)
{
    apr_size_t have = s->in ? evbuffer_get_length(s->in) : 0;

    if (have && goes_on && s->take == CORAL_TAKE_UNTIL)
        have -= begun(s, have);

    s->searched = 0;
    if (have && s->take == CORAL_TAKE_LINE)
        push_line_so_far(L, s, have);
    else if (have)
        push_bytes(L, s, have, 0);
    else
        lua_pushliteral(L, "");
    return 3;
}

static int end_reading(lua_State *L, coral_socket_t *s, const char *error, int goes_on)
{
    int results;

    if (s->take == CORAL_TAKE_ALL && !strcmp(error, "closed")) {
        results = push_bytes(L, s, evbuffer_get_length(s->in), 0);
    }
    else {
        int some = evbuffer_get_length(s->in) > 0;

        coral_fail(L, error);
        if (strcmp(error, "closed"))
            coral_socket_log(L, s, "reading");
        results = give_partial(L, s, goes_on);
        if (some && !goes_on && !is_pipe(s)) /* the end of a stream ends the connection once something was cut off, as in OpenResty */
            coral_socket_close(s);
    }
    return results;
}

static int fail_reading(lua_State *L, coral_socket_t *s, int error)
{
    coral_fail_with(L, error);
    coral_socket_log(L, s, "reading");
    give_partial(L, s, 0);
    coral_socket_close(s);
    return 3;
}

static int more_has_come(lua_State *L, coral_wait_t *w)
{
    coral_socket_t *s = w->data;

    s->reading = 0;
    if (s->is_client)
        s->run->rq->client_ended = s->raw && s->client_eof; /* of a body that is the client's going all the same */
    if (s->is_client && s->client_status)
        return coral_exit(L, s->client_status);
    if (!s->net && !s->is_client)
        return coral_fail(L, is_pipe(s) ? s->shut : "closed");
    if (w->reason == CORAL_WOKEN_TIMEOUT && !s->is_client)
        return end_reading(L, s, "timeout", 1);
    return coral_stream_read(L, s);
}

/* The client is read by the thread that has the connection (api_client.c gives the function). */
static int read_client(lua_State *L, coral_socket_t *s)
{
    coral_wait_t *w;

    if (s->client_error) {
        const char *error = s->client_error;

        s->client_error = NULL;
        return end_reading(L, s, error, 1);
    }
    if (s->client_eof)
        return end_reading(L, s, "closed", 0);
    w = coral_task_new_wait(L);
    w->perform = coral_socket_perform_read;
    w->results = more_has_come;
    w->data = s;
    w->busy = &s->reading;
    s->reading = 1;
    s->run->rq->client_ended = 1;
    return coral_task_wait(L, w);
}

int coral_stream_read(lua_State *L, coral_socket_t *s)
{
    int n, results;

    for (;;) {
        if ((results = take(L, s)))
            return results;
        if (s->is_client)
            return read_client(L, s);
        n = s->too_soon ? CORAL_NET_READ : coral_net_fill(s->net);
        s->too_soon = 0;
        if (n == 0)
            return end_reading(L, s, "closed", 0);
        if (n == CORAL_NET_FAILED)
            return fail_reading(L, s, errno);
        if (n < 0) {
            s->read_until = s->read_until ? s->read_until : coral_socket_until(s->read_timeout);
            return coral_socket_wait(L, s, &s->reading, n, s->read_until, more_has_come);
        }
        s->read_until = 0; /* the time is for each pause */
    }
}

/* Whether the socket can be read from; if not the results are pushed. */
static int may_read(lua_State *L, coral_socket_t *s)
{
    if (!s->in || s->connecting) {
        if (!s->connecting)
            ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, ap_server_conf, "attempt to receive data on a closed socket");
        return coral_fail(L, s->connecting ? "socket busy connecting" : "closed"), 0;
    }
    if (s->reading)
        return coral_fail(L, "socket busy reading"), 0;
    s->read_until = s->is_client ? coral_socket_until(s->read_timeout) : 0;
    s->too_soon = s->silent_until && !s->net->tls && apr_time_now() < s->silent_until; /* TLS has a buffer of its own */
    s->silent_until = 0;
    return 1;
}

/* receive(), receive(size), receive("*l"), receive("*a") */
static int l_receive(lua_State *L)
{
    coral_socket_t *s = coral_check_stream(L, 1);
    const char *what;

    if (lua_gettop(L) > 2)
        return luaL_error(L, "expecting 1 or 2 arguments (including the object), but got %d", lua_gettop(L));
    if (s->reading)
        return coral_fail(L, "socket busy reading");
    if (lua_type(L, 2) == LUA_TNUMBER || (lua_type(L, 2) == LUA_TSTRING && lua_isnumber(L, 2))) {
        lua_Number size = lua_tonumber(L, 2);

        luaL_argcheck(L, size >= 0 && size < 9e15, 2, "bad pattern argument");
        s->take = CORAL_TAKE_SIZE;
        s->size = (apr_size_t)size;
    }
    else {
        what = lua_gettop(L) == 1 ? "*l" : lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
        what += *what == '*';
        if (!strcmp(what, "l"))
            s->take = CORAL_TAKE_LINE;
        else if (!strcmp(what, "a"))
            s->take = CORAL_TAKE_ALL;
        else
            return luaL_argerror(L, 2, lua_type(L, 2) == LUA_TSTRING
                                            ? lua_pushfstring(L, "bad pattern argument: %s", lua_tostring(L, 2))
                                            : "bad pattern argument");
    }
    return may_read(L, s) ? coral_stream_read(L, s) : 2;
}

/* receiveany(most): what has come, at most so many bytes */
static int l_receiveany(lua_State *L)
{
    coral_socket_t *s = coral_check_stream(L, 1);
    lua_Number most;

    if (lua_gettop(L) != 2)
        return luaL_error(L, "expecting 2 arguments (including the object), but got %d", lua_gettop(L));
    most = lua_tonumber(L, 2);
    luaL_argcheck(L, most >= 1 && most < 9e15, 2, "bad max argument");
    if (!may_read(L, s))
        return 2;
    s->take = CORAL_TAKE_ANY;
    s->size = (apr_size_t)most;
    return coral_stream_read(L, s);
}

/* The iterator of receiveuntil: upvalues the socket, the pattern, whether that is wanted, too, whether it was met. */
static int next_piece(lua_State *L)
{
    coral_socket_t *s = lua_touserdata(L, lua_upvalueindex(1));
    lua_Number size = luaL_optnumber(L, 1, 0);

    if (lua_gettop(L) > 1)
        return luaL_error(L, "expecting 0 or 1 arguments, but seen %d", lua_gettop(L));
    luaL_argcheck(L, size >= 0 && size < 9e15, 1, "bad size argument");
    if (!s->run || s->run != coral_run_of(L))
        return luaL_error(L, "bad request");
    if (lua_toboolean(L, lua_upvalueindex(4))) {
        lua_pushboolean(L, 0);
        lua_replace(L, lua_upvalueindex(4));
        lua_settop(L, 0);
        lua_settop(L, 3);
        return 3;
    }
    if (!may_read(L, s))
        return 2;
    s->take = CORAL_TAKE_UNTIL;
    s->size = (apr_size_t)size;
    s->pattern = lua_tolstring(L, lua_upvalueindex(2), &s->pattern_length);
    s->inclusive = lua_toboolean(L, lua_upvalueindex(3));
    s->searched = 0;
    lua_settop(L, 0);
    return coral_stream_read(L, s);
}

/* receiveuntil(pattern, { inclusive = false }): a function that reads up to the pattern */
static int l_receiveuntil(lua_State *L)
{
    size_t length;

    coral_check_stream(L, 1);
    if (lua_gettop(L) > 3 || lua_gettop(L) < 2)
        return luaL_error(L, "expecting 2 or 3 arguments (including the object), but got %d", lua_gettop(L));
    luaL_checklstring(L, 2, &length);
    if (!length)
        return coral_fail(L, "pattern is empty");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        luaL_checktype(L, 3, LUA_TTABLE);
        lua_getfield(L, 3, "inclusive");
        if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
            return luaL_error(L, "bad \"inclusive\" option value type: %s", luaL_typename(L, -1));
        lua_replace(L, 3);
    }
    lua_pushboolean(L, 0);
    lua_pushcclosure(L, next_piece, 4);
    return 1;
}

/* Writing. */

static int can_write(lua_State *L, coral_wait_t *w)
{
    coral_socket_t *s = w->data;

    s->writing = 0;
    if (!s->net)
        return coral_fail(L, is_pipe(s) ? s->shut : "closed");
    if (w->reason == CORAL_WOKEN_TIMEOUT) {
        if (!is_pipe(s))
            coral_socket_close(s);
        coral_fail(L, "timeout");
        coral_socket_log(L, s, "sending");
        return 2;
    }
    return coral_stream_write(L, s);
}

int coral_stream_write(lua_State *L, coral_socket_t *s)
{
    size_t length;
    const char *data = lua_tolstring(L, 2, &length);

    while (s->sent < length) {
        int n = coral_net_write(s->net, data + s->sent, length - s->sent), error = errno;

        if (n == CORAL_NET_FAILED) {
            coral_socket_close(s);
            if (is_pipe(s) && error == EPIPE)
                return coral_fail(L, "closed");
            coral_fail_with(L, error);
            coral_socket_log(L, s, "sending");
            return 2;
        }
        if (n < 0) {
            s->send_until = s->send_until ? s->send_until : coral_socket_until(s->send_timeout);
            return coral_socket_wait(L, s, &s->writing, n, s->send_until, can_write);
        }
        s->sent += (apr_size_t)n;
        s->send_until = n ? 0 : s->send_until;
    }
    lua_pushinteger(L, (lua_Integer)length);
    return 1;
}

static int written_to_client(lua_State *L, coral_wait_t *w)
{
    coral_socket_t *s = w->data;

    s->writing = 0;
    if (s->client_error)
        return coral_fail(L, s->client_error);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 2));
    return 1;
}

static int write_to_client(lua_State *L, coral_socket_t *s)
{
    coral_wait_t *w = coral_task_new_wait(L);

    w->perform = coral_socket_perform_write;
    w->results = written_to_client;
    w->data = s;
    w->busy = &s->writing;
    s->writing = 1;
    s->out = lua_tolstring(L, 2, &s->out_length);
    return coral_task_wait(L, w);
}

/* send(data): a string, number, or list of them and of lists: the number of bytes */
static int l_send(lua_State *L)
{
    coral_socket_t *s = coral_check_stream(L, 1);

    if (lua_gettop(L) != 2)
        return luaL_error(L, "expecting 2 arguments (including the object), but got %d", lua_gettop(L));
    if ((!s->net && !s->is_client) || s->connecting)
        return coral_fail(L, s->connecting ? "socket busy connecting" : "closed");
    if (s->writing)
        return coral_fail(L, "socket busy writing");
    coral_check_data(L, 2);
    if (s->is_client)
        return write_to_client(L, s);
    s->sent = 0;
    s->send_until = 0;
    s->silent_until = apr_time_now() + TOO_SOON;
    return coral_stream_write(L, s);
}

void coral_stream_read_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "receive", l_receive },
        { "receiveany", l_receiveany },
        { "receiveuntil", l_receiveuntil },
        { NULL, NULL }
    };

    luaL_setfuncs(L, methods, 0);
}

void coral_stream_write_methods(lua_State *L)
{
    lua_pushcfunction(L, l_send);
    lua_setfield(L, -2, "send");
}
