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

    while (r->main)
        r = r->main; /* a subrequest has none */
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
    char *name, *c;
    lua_Integer i, count;

    if (lua_isnoneornil(L, 1))
        return luaL_error(L, "bad 'name' argument: string expected, got nil");
    name = coral_check_header_name(L, 1, r);
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

/* check_uri(path, binary): an error if it holds control characters, unless it is binary */
static int l_check_uri(lua_State *L)
{
    if (!lua_toboolean(L, 2))
        coral_check_uri(L, 1, "uri", " (maybe you want to set the 'binary' argument?)");
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

/* has_body(): whether the client sends one */
static int l_has_body(lua_State *L)
{
    lua_pushboolean(L, ap_request_has_body(coral_request_here(L)));
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
    { "check_uri", l_check_uri },
    { "set_uri", l_set_uri },
    { "has_body", l_has_body },
    { NULL, NULL }
};

CORAL_API(request)
{
    luaL_newlib(L, functions);
    return 1;
}
