/* SPDX-License-Identifier: Apache-2.0 */
/* api_client.c - coral.client: the client of the request as a socket. Behind ngx.req.socket. */
#include "socket.h"

/* From here on the connection speaks another protocol, or HTTP in the script's own words. */
static int become_raw(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;

    if (!block && run->rq->response.started && coral_run_push(run, w, CORAL_FLUSH))
        return 1;
    if (run->rq->response.started)
        coral_response_pass(&run->rq->response, 1);
    coral_response_become_raw(&run->rq->response);
    return 0;
}

static int push_client(lua_State *L, coral_run_t *run, int raw)
{
    coral_socket_t *s = coral_push_socket(L, raw ? coral_raw_kind : coral_client_kind);

    (void)run;
    if (!(s->in = evbuffer_new()))
        return luaL_error(L, "not enough memory");
    s->is_client = 1;
    s->raw = raw;
    return 1;
}

static int is_raw(lua_State *L, coral_wait_t *w)
{
    (void)w;
    return push_client(L, coral_run_of(L), 1);
}

static int has_body(request_rec *r)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");

    return (length && strcmp(length, "0")) || apr_table_get(r->headers_in, "Transfer-Encoding");
}

/* socket(raw): reads the body piece by piece; with raw everything the client sends, and writes to it. nil and why: "no body" … */
static int l_socket(lua_State *L)
{
    coral_run_t *run = coral_here(L);
    coral_request_t *rq = run->rq;
    int raw = lua_toboolean(L, 1);
    coral_wait_t *w;

    if (lua_gettop(L) > 1)
        return luaL_error(L, "expecting zero arguments, but got %d", lua_gettop(L));
    if (run->phase > CORAL_PHASE_content)
        return luaL_error(L, "API disabled in the context of %s", coral_phase_names[run->phase]);
    if (rq->r->main)
        return luaL_error(L, "attempt to read the request body in a subrequest");
    if (rq->has_client_socket)
        return coral_fail(L, "duplicate call");
    if (raw && rq->r->connection->master)
        return coral_fail(L, "http v2 not supported yet");
    if (!raw && rq->body->read)
        return coral_fail(L, rq->body->discarded ? "request body discarded" : "request body already exists");
    if (!raw && !has_body(rq->r) && !rq->r->connection->master)
        return coral_fail(L, "no body");
    if (raw && rq->body->until && !rq->body->read)
        return coral_fail(L, "pending request body reading in some other thread");
    rq->has_client_socket = rq->body->read = 1; /* nobody else can have it now */
    if (!raw)
        return push_client(L, run, 0);
    if (rq->response.length)
        return coral_fail(L, "pending data to write");
    w = coral_task_new_wait(L);
    w->perform = become_raw;
    w->results = is_raw;
    return coral_task_wait(L, w);
}

static const luaL_Reg functions[] = {
    { "socket", l_socket },
    { NULL, NULL }
};

static void add_read(lua_State *L)
{
    coral_stream_read_methods(L);
}

static void add_both(lua_State *L)
{
    coral_stream_read_methods(L);
    coral_stream_write_methods(L);
}

CORAL_API(client)
{
    static const luaL_Reg none[] = { { NULL, NULL } };

    coral_socket_kind(L, coral_client_kind, none, add_read);
    coral_socket_kind(L, coral_raw_kind, none, add_both);
    luaL_newlib(L, functions);
    return 1;
}
