/* SPDX-License-Identifier: Apache-2.0 */
/* api_r.c - coral.r: the fields of `r`, mod_lua's request object. Its methods are put beside them by lua_lib/coral/r.lua. */
#include "glue.h"

#include "table.h"

#include "http_connection.h"
#include "http_ssl.h"

typedef struct {
    const char *name;
    int (*get)(lua_State *L, request_rec *r);
    void (*set)(lua_State *L, request_rec *r, int value);
} field_t;

#define STRING(name, expression)                                                                   \
    static int get_##name(lua_State *L, request_rec *r)                                            \
    {                                                                                              \
        return coral_push(L, expression);                                                          \
    }
#define INTEGER(name, expression)                                                                  \
    static int get_##name(lua_State *L, request_rec *r)                                            \
    {                                                                                              \
        lua_pushinteger(L, (lua_Integer)(expression));                                             \
        return 1;                                                                                  \
    }
#define BOOLEAN(name, expression)                                                                  \
    static int get_##name(lua_State *L, request_rec *r)                                            \
    {                                                                                              \
        lua_pushboolean(L, expression);                                                            \
        return 1;                                                                                  \
    }
#define SET(name, field)                                                                           \
    static void set_##name(lua_State *L, request_rec *r, int value)                                \
    {                                                                                              \
        (field) = lua_isnil(L, value) ? NULL : apr_pstrdup(r->pool, coral_check_text(L, value));   \
    }

STRING(ap_auth_type, r->ap_auth_type)
STRING(args, r->args)
BOOLEAN(assbackwards, r->assbackwards)
STRING(auth_name, ap_auth_name(r))
STRING(banner, ap_get_server_banner())
STRING(canonical_filename, r->canonical_filename)
STRING(content_encoding, r->content_encoding)
STRING(content_type, r->content_type)
STRING(context_document_root, ap_context_document_root(r))
STRING(context_prefix, ap_context_prefix(r))
STRING(document_root, ap_document_root(r))
STRING(filename, r->filename)
STRING(handler, r->handler)
STRING(hostname, r->hostname)
BOOLEAN(is_https, ap_ssl_conn_is_ssl(r->connection))
BOOLEAN(is_initial_req, ap_is_initial_req(r))
INTEGER(limit_req_body, ap_get_limit_req_body(r))
STRING(log_id, r->log_id)
STRING(method, r->method)
STRING(path_info, r->path_info)
INTEGER(port, ap_get_server_port(r))
STRING(protocol, r->protocol)
STRING(range, apr_table_get(r->headers_in, "Range"))
INTEGER(remaining, r->remaining)
STRING(server_built, ap_get_server_built())
STRING(server_name, ap_get_server_name(r))
BOOLEAN(some_auth_required, ap_some_authn_required(r))
INTEGER(started, r->request_time)
INTEGER(status, r->status)
STRING(the_request, r->the_request)
STRING(unparsed_uri, r->unparsed_uri)
STRING(uri, r->uri)
STRING(user, r->user)
STRING(useragent_ip, r->useragent_ip)

#define TABLE(name, which)                                                                         \
    static int get_##name(lua_State *L, request_rec *r)                                            \
    {                                                                                              \
        (void)r;                                                                                   \
        coral_table_push(L, which);                                                                \
        return 1;                                                                                  \
    }
TABLE(err_headers_out, CORAL_ERR_HEADERS_OUT)
TABLE(headers_in, CORAL_HEADERS_IN)
TABLE(headers_out, CORAL_HEADERS_OUT)
TABLE(notes, CORAL_NOTES)
TABLE(subprocess_env, CORAL_SUBPROCESS_ENV)

SET(ap_auth_type, r->ap_auth_type)
SET(args, r->args)
SET(filename, r->filename)
SET(handler, r->handler)
SET(uri, r->uri)
SET(user, r->user)

static void set_content_type(lua_State *L, request_rec *r, int value)
{
    if (!lua_isnil(L, value))
        luaL_checkstring(L, value); /* true is no type */
    ap_set_content_type(r, lua_isnil(L, value) ? NULL : coral_check_header(L, value, r));
}

static void set_status(lua_State *L, request_rec *r, int value)
{
    coral_response_t *response = &coral_here(L)->rq->response;
    lua_Integer status = luaL_checkinteger(L, value);

    luaL_argcheck(L, status >= 100 && status <= 599, value, "an HTTP status is a number from 100 to 599");
    (void)r;
    if (!coral_headers_open(L, "r.status"))
        return;
    coral_response_status(response, (int)status);
    response->status_set = 1;
}

#define READ(name) { #name, get_##name, NULL }
#define BOTH(name) { #name, get_##name, set_##name }

static const field_t fields[] = {
    BOTH(ap_auth_type), BOTH(args), READ(assbackwards), READ(auth_name), READ(banner), READ(canonical_filename),
    READ(content_encoding), BOTH(content_type), READ(context_document_root), READ(context_prefix), READ(document_root),
    BOTH(filename), BOTH(handler), READ(hostname), READ(is_https), READ(is_initial_req), READ(limit_req_body), READ(log_id),
    READ(method), READ(path_info), READ(port), READ(protocol), READ(range), READ(remaining), READ(server_built),
    READ(server_name), READ(some_auth_required), READ(started), BOTH(status), READ(the_request), READ(unparsed_uri),
    BOTH(uri), BOTH(user), READ(useragent_ip), READ(err_headers_out), READ(headers_in), READ(headers_out), READ(notes),
    READ(subprocess_env)
};

/* r.name: a method (upvalue 1) or a field (upvalue 2). */
static int l_index(lua_State *L)
{
    coral_request_t *rq = coral_check_r(L, 1);
    const field_t *field;

    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    field = lua_touserdata(L, -1);
    return field ? field->get(L, rq->r) : coral_push(L, NULL);
}

static int l_newindex(lua_State *L)
{
    coral_request_t *rq = coral_check_r(L, 1);
    const field_t *field;

    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    field = lua_touserdata(L, -1);
    if (!field)
        return luaL_error(L, "r has no field '%s'", luaL_tolstring(L, 2, NULL));
    if (!field->set)
        return luaL_error(L, "r.%s can only be read", field->name);
    field->set(L, rq->r, 3);
    return 0;
}

/* define(methods): makes the metatable of `r`. Once per state. */
static int l_define(lua_State *L)
{
    apr_size_t i;

    lua_settop(L, 1);
    lua_createtable(L, 0, sizeof(fields) / sizeof(fields[0]));
    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        lua_pushlightuserdata(L, (void *)&fields[i]);
        lua_setfield(L, 2, fields[i].name);
    }
    luaL_newmetatable(L, CORAL_R);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, l_index, 2);
    lua_setfield(L, 3, "__index");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, l_newindex, 2);
    lua_setfield(L, 3, "__newindex");
    return 0;
}

/* The `r` that stands for what runs, a timer as well. */
static void push_here(lua_State *L)
{
    coral_run_t *run = coral_run_of(L);

    if (!run)
        luaL_error(L, "there is no request here");
    coral_request_push(L, run->rq, run->bond);
}

/* ctx(): ngx.ctx, a table made when first asked for. set_ctx(table) */
static int l_ctx(lua_State *L)
{
    push_here(L);
    if (lua_getiuservalue(L, -1, 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, -3, 1);
    }
    return 1;
}

static int l_set_ctx(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    push_here(L);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return 0;
}

/* arg(): ngx.arg of the run, or nil */
static int l_arg(lua_State *L)
{
    coral_run_t *run = coral_here(L);

    if (run->arg == LUA_NOREF)
        lua_pushnil(L);
    else
        lua_rawgeti(L, LUA_REGISTRYINDEX, run->arg);
    return 1;
}

/* phase(): the name of the phase that runs; nil where there is no request */
static int l_phase(lua_State *L)
{
    coral_run_t *run = coral_run_of(L);

    return coral_push(L, run ? coral_run_phase(run) : NULL);
}

/* construct_url(uri): http://this.server/uri. r:construct_url */
static int l_construct_url(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    return coral_push(L, ap_construct_url(r->pool, coral_check_text(L, 1), r));
}

/* custom_response(status, text): the body of the error page, or where it is. r:custom_response */
static int l_custom_response(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    lua_Integer status = luaL_checkinteger(L, 1);

    luaL_argcheck(L, status >= 100 && status <= 599, 1, "an HTTP status is a number from 100 to 599");
    ap_custom_response(r, (int)status, coral_check_text(L, 2));
    return 0;
}

/* add_output_filter(name), add_input_filter(name). r:add_output_filter */
static int l_add_output_filter(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    ap_add_output_filter(coral_check_text(L, 1), NULL, r, r->connection);
    return 0;
}

static int l_add_input_filter(lua_State *L)
{
    request_rec *r = coral_request_here(L);

    ap_add_input_filter(coral_check_text(L, 1), NULL, r, r->connection);
    return 0;
}

static const luaL_Reg functions[] = {
    { "define", l_define },
    { "ctx", l_ctx },
    { "set_ctx", l_set_ctx },
    { "arg", l_arg },
    { "phase", l_phase },
    { "construct_url", l_construct_url },
    { "custom_response", l_custom_response },
    { "add_output_filter", l_add_output_filter },
    { "add_input_filter", l_add_input_filter },
    { NULL, NULL }
};

CORAL_API(r)
{
    luaL_newlib(L, functions);
    return 1;
}
