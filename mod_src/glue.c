/* SPDX-License-Identifier: Apache-2.0 */
#include "glue.h"

#define MOST_GATHERED (1024 * 1024) /* for HTTP/1.0 */

coral_run_t *coral_here(lua_State *L)
{
    coral_run_t *run = coral_run_of(L);

    if (!run)
        luaL_error(L, "there is no request here");
    if (!run->rq)
        luaL_error(L, "API disabled in the context of ngx.timer");
    return run;
}

request_rec *coral_request_here(lua_State *L)
{
    return coral_here(L)->rq->r;
}

coral_request_t *coral_check_r(lua_State *L, int index)
{
    coral_mark_t *mark = coral_marked(L, index, coral_r_kind, sizeof(*mark));
    coral_run_t *run = coral_run_of(L);

    if (!mark)
        luaL_typeerror(L, index, "a request");
    if (!run || !run->rq || run->bond->serial != mark->serial)
        luaL_error(L, "request is over: this `r` was kept from another request");
    return run->rq;
}

int coral_push(lua_State *L, const char *value)
{
    lua_pushstring(L, value);
    return 1;
}

void coral_add(lua_State *L, int t)
{
    lua_pushvalue(L, -2);
    switch (lua_rawget(L, t)) { /* name, value, what is there */
    case LUA_TNIL:
        lua_pop(L, 1);
        lua_rawset(L, t);
        return;
    case LUA_TTABLE:
        lua_insert(L, -2);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pop(L, 2);
        return;
    default:
        lua_createtable(L, 2, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 2);
        lua_rawset(L, t);
    }
}

const char *coral_check_text(lua_State *L, int index)
{
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);

    luaL_argcheck(L, strlen(text) == length, index, "the string may hold no NUL");
    return text;
}

const char *coral_opt_text(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ? NULL : coral_check_text(L, index);
}

static int is_unsafe(unsigned char c)
{
    return (c < ' ' && c != '\t') || c == 0x7f;
}

void coral_check_uri(lua_State *L, int index, const char *what, const char *hint)
{
    size_t length, i, bad = 0;
    const unsigned char *uri = (const unsigned char *)luaL_checklstring(L, index, &length);
    char hex[8];
    luaL_Buffer b;

    while (bad < length && !is_unsafe(uri[bad]))
        bad++;
    if (bad == length)
        return;
    luaL_buffinit(L, &b);
    for (i = 0; i < length; i++) {
        if (!is_unsafe(uri[i]) && uri[i] < 0x7f && uri[i] != '"' && uri[i] != '\\' && uri[i] != '\t')
            luaL_addchar(&b, uri[i]);
        else {
            apr_snprintf(hex, sizeof(hex), "\\x%02X", uri[i]);
            luaL_addstring(&b, hex);
        }
    }
    luaL_pushresult(&b);
    apr_snprintf(hex, sizeof(hex), "0x%02x", uri[bad]);
    luaL_error(L, "unsafe byte \"%s\" in %s \"%s\"%s", hex, what, lua_tostring(L, -1), hint);
}

const char *coral_check_header(lua_State *L, int index, request_rec *r)
{
    apr_size_t length, i;
    const char *value;

    if (lua_isboolean(L, index))
        return lua_toboolean(L, index) ? "true" : "false";
    value = luaL_checklstring(L, index, &length);
    for (i = 0; i < length; i++)
        if ((unsigned char)value[i] < ' ' && value[i] != '\t')
            luaL_argerror(L, index, "a header's value may hold no line feed or other control character");
    return apr_pstrmemdup(r->pool, value, length);
}

char *coral_check_header_name(lua_State *L, int index, request_rec *r)
{
    size_t length;
    const char *name = luaL_checklstring(L, index, &length);

    luaL_argcheck(L, length && ap_scan_http_token(name) == name + length, index, "not a header's name");
    return apr_pstrmemdup(r->pool, name, length);
}

int coral_headers_open(lua_State *L, const char *what)
{
    coral_run_t *run = coral_here(L);

    if (!run->rq->response.started || run->phase == CORAL_PHASE_header_filter)
        return 1;
    coral_request_log(run->rq, APLOG_ERR, "attempt to set %s after sending out response headers", what);
    return 0;
}

coral_run_t *coral_check_phase(lua_State *L, const char *message)
{
    coral_run_t *run = coral_here(L);

    switch (run->phase) {
    case CORAL_PHASE_set:
    case CORAL_PHASE_insert_filter:
    case CORAL_PHASE_header_filter:
    case CORAL_PHASE_body_filter:
    case CORAL_PHASE_log:
        luaL_error(L, "%s %s", message, coral_phase_names[run->phase]);
        break;
    default:
        break;
    }
    return run;
}

int coral_fail(lua_State *L, const char *message)
{
    lua_pushnil(L);
    lua_pushstring(L, message);
    return 2;
}

static int drained(lua_State *L, coral_wait_t *w)
{
    (void)w;
    return coral_task_exit(L);
}

int coral_exit(lua_State *L, int status)
{
    coral_run_t *run = coral_run_of(L);

    run->exit_status = status;
    if (coral_run_drain(L, run, drained))
        return coral_task_wait(L, coral_task_waiting(coral_task_current(L)));
    return coral_task_exit(L);
}

int coral_wait_for(lua_State *L, int (*perform)(void *run, coral_wait_t *w, int block), int (*results)(lua_State *L, coral_wait_t *w))
{
    coral_wait_t *w = coral_task_new_wait(L);

    w->perform = perform;
    w->results = results;
    return coral_task_wait(L, w);
}

static int pass(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;

    if (!block)
        return coral_run_push(run, w, CORAL_PASS);
    coral_response_pass(&run->rq->response, 0);
    return 0;
}

int coral_delivered(lua_State *L, coral_wait_t *w)
{
    (void)w;
    if (coral_here(L)->rq->response.aborted) { /* as the last write has found; its connection's word is for who has that */
        lua_pushnil(L);
        lua_pushliteral(L, "client aborted");
        return 2;
    }
    lua_pushinteger(L, 1);
    return 1;
}

int coral_gathers(lua_State *L)
{
    coral_run_t *run = coral_here(L);
    request_rec *r = run->rq->r;

    return !r->main && r->proto_num < HTTP_VERSION(1, 1) && coral_conf_flag(run->conf, http10_buffering) && !run->rq->response.started
           && run->rq->response.length < MOST_GATHERED && !apr_table_get(r->headers_out, "Content-Length");
}

int coral_written(lua_State *L)
{
    if (coral_here(L)->rq->response.length >= CORAL_RESPONSE_BUFFER && coral_task_can_wait(L) && !coral_gathers(L))
        return coral_wait_for(L, pass, coral_delivered);
    return coral_delivered(L, NULL);
}
