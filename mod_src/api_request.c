/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.c - coral.request: what the client sent. Behind ngx.req (lua_lib/coral/ngx/req.lua). */
#include "glue.h"

/* method(): string */
static int l_method(lua_State *L)
{
    return coral_push(L, coral_request_here(L)->method);
}

/* set_method(name) */
static int l_set_method(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    r->method = apr_pstrdup(r->pool, coral_check_text(L, 1));
    r->method_number = ap_method_number_of(r->method);
    r->header_only = !strcmp(r->method, "HEAD");
    if (r->header_only)
        r->method_number = M_GET;
    return 0;
}

/* http_version(): 1.0, 1.1, 2.0 … */
static int l_http_version(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    lua_pushnumber(L, HTTP_VERSION_MAJOR(r->proto_num) + HTTP_VERSION_MINOR(r->proto_num) / 10.0);
    return 1;
}

/* start_time(): seconds since 1970, with fractions */
static int l_start_time(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)coral_request_here(L)->request_time / APR_USEC_PER_SEC);
    return 1;
}

/* is_internal(): whether httpd made this request (a redirect, a subrequest) */
static int l_is_internal(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    lua_pushboolean(L, r->main != NULL || r->prev != NULL);
    return 1;
}

static int l_is_subrequest(lua_State *L)
{
    lua_pushboolean(L, coral_request_here(L)->main != NULL);
    return 1;
}

/* raw_header(without_request_line): the header as text. HTTP/2 has none: it is put together from the fields there too. */
static int l_raw_header(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    const apr_array_header_t *headers = apr_table_elts(r->headers_in);
    int bare = lua_toboolean(L, 1), i;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    if (!bare) {
        luaL_addstring(&b, r->the_request ? r->the_request : "");
        luaL_addstring(&b, CRLF);
    }
    for (i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);

        luaL_addstring(&b, header->key);
        luaL_addstring(&b, ": ");
        luaL_addstring(&b, header->val);
        luaL_addstring(&b, CRLF);
    }
    luaL_addstring(&b, CRLF);
    luaL_pushresult(&b);
    return 1;
}

/* set_header(name, value): value a string, a list of strings, nil to clear; x_name is the header x-name */
static int l_set_header(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    char *name = coral_check_header_name(L, 1, r), *c;
    lua_Integer i, count;

    for (c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    if (lua_isnoneornil(L, 2)) {
        apr_table_unset(r->headers_in, name);
        return 0;
    }
    if (!lua_istable(L, 2)) {
        apr_table_setn(r->headers_in, name, coral_check_header(L, 2, r));
        return 0;
    }
    apr_table_unset(r->headers_in, name);
    for (i = 1, count = luaL_len(L, 2); i <= count; i++) {
        lua_geti(L, 2, i);
        apr_table_addn(r->headers_in, name, coral_check_header(L, -1, r));
        lua_pop(L, 1);
    }
    return 0;
}

/* args(): the query string, or nil */
static int l_args(lua_State *L)
{
    return coral_push(L, coral_request_here(L)->args);
}

static int l_set_args(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    r->args = apr_pstrdup(r->pool, coral_check_text(L, 1));
    return 0;
}

/* set_uri(path): what later phases see */
static int l_set_uri(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    const char *uri = coral_check_text(L, 1);

    luaL_argcheck(L, *uri == '/', 1, "the uri must begin with a slash");
    r->uri = apr_pstrdup(r->pool, uri); /* not parsed_uri.path: that they differ shows that it changed */
    return 0;
}

static int read_body(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;
    apr_time_t when;

    if (!block && coral_body_pull(run->rq->r, &run->rq->body, &when) && coral_run_wait_for_client(run, w, CORAL_READ, when))
        return 1;
    coral_body_read(run->rq->r, &run->rq->body);
    return 0;
}

static int body_read(lua_State *L, coral_wait_t *w)
{
    int status = coral_here(L)->rq->body.status;

    (void)w;
    return status == OK ? 0 : coral_exit(L, status);
}

/* read_body(): waits for the whole body. A body over LimitRequestBody, or one that breaks off, ends the run with its HTTP status. */
static int l_read_body(lua_State *L)
{
    return coral_here(L)->rq->body.read ? 0 : coral_wait_for(L, read_body, body_read);
}

static int body_discarded(lua_State *L, coral_wait_t *w)
{
    coral_body_t *body = &coral_here(L)->rq->body;

    body->length = 0;
    return body_read(L, w);
}

/* discard_body(): reads the body and forgets it */
static int l_discard_body(lua_State *L)
{
    return coral_here(L)->rq->body.read ? body_discarded(L, NULL) : coral_wait_for(L, read_body, body_discarded);
}

/* has_body_read(): whether read_body() has been called */
static int l_has_body_read(lua_State *L)
{
    lua_pushboolean(L, coral_here(L)->rq->body.read);
    return 1;
}

/* body(): what has been read, nil before read_body() or when there is none */
static int l_body(lua_State *L)
{
    const coral_body_t *body = &coral_here(L)->rq->body;

    if (!body->read || !body->length)
        return coral_push(L, NULL);
    lua_pushlstring(L, body->data, body->length);
    return 1;
}

static const luaL_Reg functions[] = {
    { "method", l_method },
    { "set_method", l_set_method },
    { "http_version", l_http_version },
    { "start_time", l_start_time },
    { "is_internal", l_is_internal },
    { "is_subrequest", l_is_subrequest },
    { "raw_header", l_raw_header },
    { "set_header", l_set_header },
    { "args", l_args },
    { "set_args", l_set_args },
    { "set_uri", l_set_uri },
    { "read_body", l_read_body },
    { "discard_body", l_discard_body },
    { "has_body_read", l_has_body_read },
    { "body", l_body },
    { NULL, NULL }
};

CORAL_API(request)
{
    luaL_newlib(L, functions);
    return 1;
}
