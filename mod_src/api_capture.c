/* SPDX-License-Identifier: Apache-2.0 */
/* api_capture.c - coral.capture: subrequests. Behind ngx.location (lua_lib/coral/ngx/location.lua, which checks what is asked for). */
#include "glue.h"

#include "capture.h"
#include "variable.h"

/* The table in a field of what is asked for (at index), of names and values; NULL: there is none. */
static apr_table_t *names_and_values(lua_State *L, int index, const char *field, apr_pool_t *p,
                                     void (*check)(lua_State *L, const char *name))
{
    apr_table_t *table = NULL;

    if (lua_getfield(L, index, field) == LUA_TTABLE) {
        table = apr_table_make(p, 4);
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            const char *name = coral_check_text(L, -2);

            check(L, name);
            apr_table_set(table, name, coral_check_text(L, -1));
        }
    }
    lua_pop(L, 1);
    return table;
}

/* Name and value are on top. */
static void check_header(lua_State *L, const char *name)
{
    request_rec *r = coral_request_here(L);

    (void)name;
    coral_check_header_name(L, -2, r);
    coral_check_header(L, -1, r);
}

static void check_variable(lua_State *L, const char *name)
{
    const char *err = coral_variable_refused(coral_request_here(L)->pool, name);

    if (err)
        luaL_error(L, "%s", err);
}

static char *text_field(lua_State *L, int index, const char *field, apr_pool_t *p, apr_size_t *length)
{
    const char *text;
    char *copy = NULL;

    if (lua_getfield(L, index, field) != LUA_TNIL) {
        text = lua_tolstring(L, -1, length);
        copy = apr_pstrmemdup(p, text, *length);
    }
    lua_pop(L, 1);
    return copy;
}

static int true_field(lua_State *L, int index, const char *field)
{
    int value;

    lua_getfield(L, index, field);
    value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

/* What is asked for is on top. */
static void read_request(lua_State *L, coral_capture_t *c)
{
    int index = lua_gettop(L);
    apr_pool_t *p = c->batch->pool;
    apr_size_t length = 0;

    c->method = text_field(L, index, "method", p, &length);
    c->uri = text_field(L, index, "uri", p, &length);
    c->body = (coral_body_t){ .data = text_field(L, index, "body", p, &length), .spool = CORAL_SPOOL_NONE };
    c->has_body = c->body.data != NULL;
    c->body.length = c->has_body ? (apr_off_t)length : 0;
    c->forwards = true_field(L, index, "forward");
    c->headers = names_and_values(L, index, "headers", p, check_header);
    c->variables = names_and_values(L, index, "vars", p, check_variable);
    if (true_field(L, index, "copy"))
        c->inherits = CORAL_VARIABLES_COPIED;
    if (true_field(L, index, "share"))
        c->inherits = CORAL_VARIABLES_SHARED;
    if (lua_getfield(L, index, "ctx") == LUA_TTABLE)
        c->ctx_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    else
        lua_pop(L, 1);
}

static void push_answer(lua_State *L, const coral_capture_t *c)
{
    int i, header;

    lua_createtable(L, 0, 4);
    lua_pushinteger(L, c->answer.status);
    lua_setfield(L, -2, "status");
    lua_pushboolean(L, c->answer.truncated);
    lua_setfield(L, -2, "truncated");
    lua_pushlstring(L, c->answer.data ? c->answer.data : "", c->answer.length);
    lua_setfield(L, -2, "body");
    lua_createtable(L, 0, 8);
    header = lua_gettop(L);
    for (i = 0; i < apr_table_elts(c->answer.headers)->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(apr_table_elts(c->answer.headers), i, apr_table_entry_t);

        lua_pushstring(L, entry->key);
        lua_pushstring(L, entry->val);
        coral_add(L, header);
    }
    lua_setfield(L, -2, "header");
}

static int results(lua_State *L, coral_wait_t *w)
{
    coral_capture_batch_t *batch = w->data;
    const coral_capture_t *c;
    int count = 0;

    for (c = batch->first; c; c = c->next, count++) {
        luaL_checkstack(L, 8, "too many subrequests");
        push_answer(L, c);
    }
    coral_capture_close(L, batch);
    return count;
}

static int perform(void *run, coral_wait_t *w, int block)
{
    (void)run;
    (void)block;
    return coral_capture_perform(w->data, w);
}

static void cancel(coral_wait_t *w)
{
    coral_capture_batch_t *batch = w->data;

    coral_capture_leave(coral_vm_state(batch->vm), batch);
}

/* run(list): a response { status, header, body, truncated } for each { method, uri, body, forward, headers, vars, copy, share, ctx }
 * of the list; waits for them */
static int l_run(lua_State *L)
{
    coral_run_t *run = coral_here(L);
    coral_capture_batch_t *batch;
    coral_wait_t *w;
    lua_Integer i, count = luaL_len(L, 1);

    coral_check_phase(L, CORAL_DISABLED);
    if (ap_is_recursion_limit_exceeded(run->rq->r))
        return luaL_error(L, "failed to issue subrequest: captures are nested more deeply than LimitInternalRecursion allows");
    w = coral_task_new_wait(L);
    batch = coral_capture_open(run->rq, run->bond->vm);
    for (i = 1; i <= count; i++) {
        lua_geti(L, 1, i);
        read_request(L, coral_capture_add(batch));
        lua_pop(L, 1);
    }
    batch->wait = w;
    w->data = batch;
    w->perform = perform;
    w->cancel = cancel;
    w->results = results;
    return coral_task_wait(L, w);
}

static const luaL_Reg functions[] = {
    { "run", l_run },
    { NULL, NULL }
};

CORAL_API(capture)
{
    luaL_newlib(L, functions);
    return 1;
}
