/* SPDX-License-Identifier: Apache-2.0 */
/* api_body.c - coral.body: the body of the request. Behind ngx.req.read_body and its kind, and r:requestbody(). */
#include "glue.h"

static int check_count(lua_State *L, int least, int most, const char *expected)
{
    int count = lua_gettop(L);

    return count < least || count > most ? luaL_error(L, "expecting %s but seen %d", expected, count) : count;
}

/* What may still come from the client does so before the response goes out. */
static coral_body_t *body_here(lua_State *L)
{
    coral_run_t *run = coral_here(L);

    if (!run->rq->body->read && (run->phase > CORAL_PHASE_content || run->phase == CORAL_PHASE_insert_filter))
        luaL_error(L, "API disabled in the context of %s", coral_phase_names[run->phase]);
    return run->rq->body;
}

/* The body, to be replaced. */
static coral_body_t *writable(lua_State *L)
{
    coral_body_t *body = coral_here(L)->rq->body;

    if (body->discarded)
        luaL_error(L, "request body already discarded asynchronously");
    if (!body->read)
        luaL_error(L, "request body not read yet");
    return body;
}

static int read_body(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;
    apr_time_t when;

    if (!block && coral_body_pull(run->rq->r, run->rq->body, &when) && coral_run_wait_for_client(run, w, CORAL_READ, when))
        return 1;
    coral_body_read(run->rq->r, run->rq->body);
    return 0;
}

static int body_read(lua_State *L, coral_wait_t *w)
{
    int status = coral_here(L)->rq->body->status;

    (void)w;
    return status == OK ? 0 : coral_exit(L, status);
}

/* read(): waits for the whole body. A body over LimitRequestBody, or one that breaks off, ends the run with its HTTP status. */
static int l_read(lua_State *L)
{
    check_count(L, 0, 0, "0 arguments");
    return body_here(L)->read ? 0 : coral_wait_for(L, read_body, body_read);
}

/* discard(): what has not been read is not wanted */
static int l_discard(lua_State *L)
{
    coral_body_t *body;

    check_count(L, 0, 0, "0 arguments");
    body = body_here(L);
    if (!body->read)
        coral_body_discard(coral_request_here(L), body);
    return 0;
}

/* is_read(): whether read() or discard() has been called, or a socket has it */
static int l_is_read(lua_State *L)
{
    lua_pushboolean(L, coral_here(L)->rq->body->read);
    return 1;
}

static int push_part(lua_State *L, const coral_body_t *body, apr_size_t length)
{
    luaL_Buffer b;
    apr_status_t rv = coral_body_copy(body, 0, luaL_buffinitsize(L, &b, length), length);
    char why[128];

    if (rv != APR_SUCCESS)
        return luaL_error(L, "cannot read the request body's file: %s", apr_strerror(rv, why, sizeof(why)));
    luaL_pushresultsize(&b, length);
    return 1;
}

/* data(max): what is in memory, at most the first max bytes of it (0: all); nil if nothing is */
static int l_data(lua_State *L)
{
    lua_Integer max = check_count(L, 0, 1, "0 or 1 arguments") ? (lua_Integer)luaL_checknumber(L, 1) : 0;
    const coral_body_t *body = coral_here(L)->rq->body;

    if (!body->data || !body->length)
        return coral_push(L, NULL);
    lua_pushlstring(L, body->data, max > 0 && max < body->length ? (apr_size_t)max : (apr_size_t)body->length);
    return 1;
}

/* text(max): the whole body, wherever it is; nil if there is none, nil and "too large" if it has more than max bytes */
static int l_text(lua_State *L)
{
    const coral_body_t *body = coral_here(L)->rq->body;
    lua_Number max = luaL_optnumber(L, 1, -1);

    if (!body->length)
        return coral_push(L, NULL);
    if (max >= 0 && (lua_Number)body->length > max)
        return coral_fail(L, "too large");
    return push_part(L, body, (apr_size_t)body->length);
}

/* file(): the name of its file, nil if it is in memory */
static int l_file(lua_State *L)
{
    coral_run_t *run = coral_here(L);

    check_count(L, 0, 0, "0 arguments");
    return coral_push(L, run->rq->body->spool.fd < 0 ? NULL : coral_body_name(run->rq->r, run->rq->body));
}

/* put(data) */
static int l_put(lua_State *L)
{
    size_t length;
    const char *data;

    check_count(L, 1, 1, "1 arguments");
    data = luaL_checklstring(L, 1, &length);
    if (coral_body_put(coral_request_here(L), writable(L), data, length) != APR_SUCCESS)
        return luaL_error(L, "no memory");
    return 0;
}

/* put_file(path, clean) */
static int l_put_file(lua_State *L)
{
    const char *path;
    char why[128];
    apr_status_t rv;

    if (check_count(L, 1, 2, "1 or 2 arguments") == 2)
        luaL_checktype(L, 2, LUA_TBOOLEAN);
    path = coral_check_text(L, 1);
    rv = coral_body_put_file(coral_request_here(L), writable(L), path, lua_toboolean(L, 2));
    if (rv != APR_SUCCESS)
        return luaL_error(L, "open() \"%s\" failed (%s)", path, apr_strerror(rv, why, sizeof(why)));
    return 0;
}

/* init(size): an empty body, to be appended to; size: so much of it may be in memory */
static int l_init(lua_State *L)
{
    lua_Integer size = coral_conf_size(coral_here(L)->conf, body_buffer);
    coral_body_t *body;

    if (check_count(L, 0, 1, "0 or 1 argument")) {
        size = luaL_checkinteger(L, 1);
        if (size < 0)
            return luaL_error(L, "bad size argument: %I", (LUAI_UACINT)size);
    }
    body = writable(L);
    coral_body_begin(body, (apr_size_t)size);
    return 0;
}

/* append(data) */
static int l_append(lua_State *L)
{
    coral_run_t *run = coral_here(L);
    size_t length;
    const char *data;
    apr_status_t rv;

    check_count(L, 1, 1, "1 arguments");
    data = luaL_checklstring(L, 1, &length);
    if (!run->rq->body->building)
        return luaL_error(L, "request_body not initialized");
    rv = coral_body_add(run->rq->r, run->rq->body, data, length);
    if (rv != APR_SUCCESS)
        return luaL_error(L, rv == APR_ENOMEM ? "no memory" : "fail to write file");
    return 0;
}

/* finish(): the body is whole */
static int l_finish(lua_State *L)
{
    coral_run_t *run = coral_here(L);

    check_count(L, 0, 0, "0 argument");
    if (!run->rq->body->building)
        return luaL_error(L, "request_body not initialized");
    coral_body_end(run->rq->r, run->rq->body);
    return 0;
}

static const luaL_Reg functions[] = {
    { "read", l_read },
    { "discard", l_discard },
    { "is_read", l_is_read },
    { "data", l_data },
    { "text", l_text },
    { "file", l_file },
    { "put", l_put },
    { "put_file", l_put_file },
    { "init", l_init },
    { "append", l_append },
    { "finish", l_finish },
    { NULL, NULL }
};

CORAL_API(body)
{
    luaL_newlib(L, functions);
    return 1;
}
