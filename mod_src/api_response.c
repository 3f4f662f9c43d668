/* SPDX-License-Identifier: Apache-2.0 */
/* api_response.c - coral.response: what the client gets. Behind ngx.say, ngx.header, ngx.exit … and r:puts(). */
#include "glue.h"

#include "print.h"

/* The response, if this phase may write it. */
static coral_response_t *writable(lua_State *L)
{
    return &coral_check_phase(L, "the response cannot be written in phase")->rq->response;
}

static int seen_eof(lua_State *L)
{
    lua_pushnil(L);
    lua_pushliteral(L, "seen eof");
    return 2;
}

static int write_all(lua_State *L, int first, const char *end)
{
    coral_response_t *response = writable(L);

    if (response->finished)
        return seen_eof(L);
    coral_print(L, response, first);
    if (!coral_response_write(response, end, strlen(end)))
        luaL_error(L, "not enough memory");
    return coral_written(L);
}

/* print(...): 1, or nil and a message. ngx.print */
static int l_print(lua_State *L)
{
    return write_all(L, 1, "");
}

/* say(...): the same with a line feed. ngx.say */
static int l_say(lua_State *L)
{
    return write_all(L, 1, "\n");
}

/* puts(r, ...): true, or nil and a message. r:puts, r:write */
static int l_puts(lua_State *L)
{
    int results;

    coral_check_r(L, 1);
    results = write_all(L, 2, "");
    if (results == 1)
        lua_pushboolean(L, 1);
    return results;
}

static int flush(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;

    if (!block)
        return coral_run_push(run, w, CORAL_FLUSH);
    coral_response_pass(&run->rq->response, 1);
    return 0;
}

static int finish(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;

    if (!block && !run->rq->response.finished && coral_run_push(run, w, CORAL_LAST))
        return 1;
    coral_response_finish(&run->rq->response);
    coral_response_flush_end(&run->rq->response);
    return 0;
}

/* send(): sends what has been written; 1, or nil and a message. r:flush */
static int l_send(lua_State *L)
{
    return writable(L)->finished ? seen_eof(L) : coral_wait_for(L, flush, coral_delivered);
}

/* flush(): the same, but nil and "buffering" while the response to HTTP/1.0 is gathered. ngx.flush */
static int l_flush(lua_State *L)
{
    return !writable(L)->finished && coral_gathers(L) ? coral_fail(L, "buffering") : l_send(L);
}

/* send_headers(): the same, but 1 then, and once they are sent. ngx.send_headers */
static int l_send_headers(lua_State *L)
{
    return writable(L)->started || coral_gathers(L) ? coral_delivered(L, NULL) : l_send(L);
}

/* eof(): ends the response, the script goes on. ngx.eof */
static int l_eof(lua_State *L)
{
    return writable(L)->finished ? seen_eof(L) : coral_wait_for(L, finish, coral_delivered);
}

static int l_status(lua_State *L)
{
    lua_pushinteger(L, coral_request_here(L)->status);
    return 1;
}

/* set_status(number, reason): reason goes beside it, on HTTP/1; nil: httpd's own */
static int l_set_status(lua_State *L)
{
    coral_request_t *rq = coral_here(L)->rq;
    lua_Integer status = luaL_checkinteger(L, 1);
    const char *reason = lua_isnoneornil(L, 2) ? NULL : coral_check_header(L, 2, rq->r);

    luaL_argcheck(L, status >= 100 && status <= 599, 1, "an HTTP status is a number from 100 to 599");
    if (coral_headers_open(L, "ngx.status")) {
        coral_response_status(&rq->response, (int)status);
        if (reason)
            rq->r->status_line = apr_psprintf(rq->r->pool, "%d %s", (int)status, reason);
        rq->response.status_set = 1;
    }
    return 0;
}

static int l_headers_sent(lua_State *L)
{
    lua_pushboolean(L, coral_here(L)->rq->response.started);
    return 1;
}

/* In the name of a header an underscore is a hyphen, if CoralTransformUnderscoresInResponseHeaders says so. */
static const char *name_at(lua_State *L, int index)
{
    const char *name = luaL_checkstring(L, index);

    if (ap_strchr_c(name, '_') && coral_conf_flag(coral_here(L)->conf, transform_underscores) && lua_rawlen(L, index) == strlen(name)) {
        name = luaL_gsub(L, name, "_", "-");
        lua_replace(L, index);
    }
    return name;
}

/* header(name): a string, a list if there are several, nil */
static int l_header(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    const char *name = name_at(L, 1);
    apr_table_t *tables[2] = { r->headers_out, r->err_headers_out };
    int t, i, count = 0;

    if (!ap_cstr_casecmp(name, "Content-Type"))
        return coral_push(L, r->content_type);
    lua_settop(L, 1);
    for (t = 0; t < 2; t++) {
        const apr_array_header_t *headers = apr_table_elts(tables[t]);

        for (i = 0; i < headers->nelts; i++) {
            const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);

            if (ap_cstr_casecmp(header->key, name))
                continue;
            if (++count == 2) {
                lua_createtable(L, 2, 0);
                lua_insert(L, -2);
                lua_rawseti(L, -2, 1);
            }
            lua_pushstring(L, header->val);
            if (count > 1)
                lua_rawseti(L, -2, count);
        }
    }
    if (!count)
        lua_pushnil(L);
    return 1;
}

static void set_one(lua_State *L, request_rec *r, const char *name, int index, int first)
{
    const char *value = coral_check_header(L, index, r);

    if (!ap_cstr_casecmp(name, "Content-Type"))
        ap_set_content_type(r, value);
    else if (first)
        apr_table_setn(r->headers_out, name, value);
    else
        apr_table_addn(r->headers_out, name, value);
}

/* set_header(name, value): value a string, a list of strings, nil to clear. ngx.header */
static int l_set_header(lua_State *L)
{
    coral_request_t *rq = coral_here(L)->rq;
    const char *name;
    lua_Integer i, count;

    name_at(L, 1);
    name = coral_check_header_name(L, 1, rq->r);
    if (!coral_headers_open(L, apr_pstrcat(rq->r->pool, "ngx.header.", name, NULL)))
        return 0;
    apr_table_unset(rq->r->err_headers_out, name);
    if (lua_isnoneornil(L, 2) || (lua_istable(L, 2) && !luaL_len(L, 2))) {
        apr_table_unset(rq->r->headers_out, name);
        if (!ap_cstr_casecmp(name, "Content-Type"))
            ap_set_content_type(rq->r, NULL);
    }
    else if (!lua_istable(L, 2))
        set_one(L, rq->r, name, 2, 1);
    else
        for (i = 1, count = luaL_len(L, 2); i <= count; i++) {
            lua_geti(L, 2, i);
            set_one(L, rq->r, name, -1, i == 1);
            lua_pop(L, 1);
        }
    return 0;
}

/* exit(status): ends the run, and by status the phase or the request. ngx.exit */
static int l_exit(lua_State *L)
{
    lua_Integer status = luaL_checkinteger(L, 1);

    luaL_argcheck(L, (status >= -5 && status <= 0) || (status >= 100 && status <= 599), 1, "not a status");
    if (status == -5) /* ngx.DECLINED */
        status = DECLINED;
    else if (status == -4) /* ngx.DONE */
        status = DONE;
    else if (status < 0) /* ngx.ERROR, ngx.AGAIN */
        status = HTTP_INTERNAL_SERVER_ERROR;
    return coral_exit(L, (int)status);
}

/* redirect(uri, status): 301, 302 (default), 303, 307 or 308. ngx.redirect */
static int l_redirect(lua_State *L)
{
    coral_request_t *rq = coral_here(L)->rq;
    lua_Integer status = luaL_optinteger(L, 2, HTTP_MOVED_TEMPORARILY);

    if (lua_gettop(L) != 1 && lua_gettop(L) != 2)
        return luaL_error(L, "expecting one or two arguments");
    luaL_checkstring(L, 1);
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        return luaL_error(L, "only ngx.HTTP_MOVED_TEMPORARILY, ngx.HTTP_MOVED_PERMANENTLY, ngx.HTTP_PERMANENT_REDIRECT, "
                             "ngx.HTTP_SEE_OTHER, and ngx.HTTP_TEMPORARY_REDIRECT are allowed");
    if (rq->response.started)
        return luaL_error(L, "attempt to call ngx.redirect after sending out the headers");
    coral_check_uri(L, 1, "redirect uri", "");
    apr_table_setn(rq->r->headers_out, "Location", coral_check_header(L, 1, rq->r));
    coral_response_clear(&rq->response);
    return coral_exit(L, (int)status);
}

static int exec(lua_State *L, const char *uri, ap_conf_vector_t *named)
{
    coral_request_t *rq = coral_here(L)->rq;

    coral_check_phase(L, CORAL_DISABLED);
    if (rq->response.started)
        return luaL_error(L, "attempt to call ngx.exec after sending out response headers");
    rq->exec_uri = uri;
    rq->exec_named = named;
    coral_response_clear(&rq->response);
    return coral_exit(L, DONE);
}

/* exec(uri): httpd serves another uri in place of this one. ngx.exec */
static int l_exec(lua_State *L)
{
    const char *uri = coral_check_text(L, 1);

    luaL_argcheck(L, *uri == '/', 1, "the uri must begin with a slash");
    return exec(L, apr_pstrdup(coral_request_here(L)->pool, uri), NULL);
}

/* exec_named(name): the named location serves this uri, with its arguments. ngx.exec */
static int l_exec_named(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    const char *name = coral_check_text(L, 1), *uri = ap_escape_uri(r->pool, r->uri);
    ap_conf_vector_t *named = apr_hash_get(coral_conf_of_server(r->server)->named, name, APR_HASH_KEY_STRING);

    if (!named)
        return luaL_error(L, "could not find named location \"%s\"", name);
    return exec(L, r->args ? apr_pstrcat(r->pool, uri, "?", r->args, NULL) : uri, named);
}

static const luaL_Reg functions[] = {
    { "print", l_print },
    { "say", l_say },
    { "puts", l_puts },
    { "send", l_send },
    { "flush", l_flush },
    { "send_headers", l_send_headers },
    { "eof", l_eof },
    { "status", l_status },
    { "set_status", l_set_status },
    { "headers_sent", l_headers_sent },
    { "header", l_header },
    { "set_header", l_set_header },
    { "exit", l_exit },
    { "redirect", l_redirect },
    { "exec", l_exec },
    { "exec_named", l_exec_named },
    { NULL, NULL }
};

CORAL_API(response)
{
    luaL_newlib(L, functions);
    return 1;
}
