/* SPDX-License-Identifier: Apache-2.0 */
#include "stretch.h"

#include "print.h"

#include <stdlib.h>

int coral_piece_take(coral_piece_t *piece, apr_bucket_brigade *bb, int last)
{
    apr_off_t length = 0;

    apr_brigade_length(bb, 1, &length);
    piece->length = (apr_size_t)length;
    piece->last = last;
    piece->data = length ? malloc(piece->length) : NULL;
    if (length && !piece->data)
        return 0;
    if (length)
        apr_brigade_flatten(bb, piece->data, &piece->length);
    apr_brigade_cleanup(bb);
    return 1;
}

void coral_piece_put(coral_piece_t *piece, apr_bucket_brigade *bb)
{
    if (piece->length)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_heap_create(piece->data, piece->length, free, bb->bucket_alloc));
    else
        free(piece->data);
    piece->data = NULL;
    piece->length = 0;
}

void coral_piece_drop(coral_piece_t *piece)
{
    free(piece->data);
    piece->data = NULL;
    piece->length = 0;
}

/* Puts the value at index in the piece's place, or behind what it holds; nil is nothing. Whether that was possible. */
static int set_data(lua_State *L, int index, coral_piece_t *piece, int append)
{
    size_t length = 0, before = append ? piece->length : 0;
    const char *text = lua_isstring(L, index) ? lua_tolstring(L, index, &length) : NULL;
    char *data;

    if (!text && !lua_isnoneornil(L, index))
        return 0;
    data = before + length ? malloc(before + length) : NULL;
    if (before + length && !data)
        return 0;
    if (before)
        memcpy(data, piece->data, before);
    if (length)
        memcpy(data + before, text, length);
    free(piece->data);
    piece->data = data;
    piece->length = before + length;
    return 1;
}

/* The hook way: ngx.arg in, ngx.arg out. */

static int push_piece(lua_State *L, coral_run_t *run)
{
    coral_piece_t *piece = ((coral_stretch_t *)run->data)->out;

    lua_createtable(L, 2, 0);
    lua_pushlstring(L, piece->data ? piece->data : "", piece->length);
    lua_rawseti(L, -2, 1);
    lua_pushboolean(L, piece->last);
    lua_rawseti(L, -2, 2);
    return 1;
}

/* 1: where to, 2: the list */
static int l_print(lua_State *L)
{
    coral_print(L, lua_touserdata(L, 1), 2);
    return 0;
}

static void collect_piece(lua_State *L, coral_run_t *run, int first)
{
    coral_piece_t *piece = ((coral_stretch_t *)run->data)->out;

    (void)first;
    lua_rawgeti(L, LUA_REGISTRYINDEX, run->arg);
    lua_rawgeti(L, -1, 1);
    if (lua_istable(L, -1)) { /* as ngx.print writes lists */
        coral_response_t printed = { 0 };
        int top = lua_gettop(L);

        lua_pushcfunction(L, l_print);
        lua_insert(L, -2);
        lua_pushlightuserdata(L, &printed);
        lua_insert(L, -2);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
            coral_response_clear(&printed);
            lua_error(L);
        }
        coral_piece_drop(piece);
        piece->data = printed.data;
        piece->length = printed.length;
        lua_settop(L, top - 1);
    }
    else if (!set_data(L, -1, piece, 0))
        luaL_error(L, "ngx.arg[1] is a %s: it may be a string, a list of strings or nil", luaL_typename(L, -1));
    lua_rawgeti(L, LUA_REGISTRYINDEX, run->arg);
    lua_rawgeti(L, -1, 2);
    piece->last = piece->last || lua_toboolean(L, -1);
    run->answer = CORAL_NOTHING;
}

static int run_hook(coral_stretch_t *s, request_rec *r)
{
    coral_run_t run = { .prepare = push_piece, .collect = collect_piece, .data = s, .name = s->name };

    coral_run_whole(&run, r, CORAL_PHASE_body_filter, s->script);
    return run.answer != CORAL_FAILED;
}

/* The coroutine way. */

static void fail(coral_stretch_t *s, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, s->run.rq->r, "filter %s %s function %s failed: %s", s->name, s->script->file,
                  s->script->function, why);
    s->failed = 1;
}

/* bucket = the piece that goes in, nil at the end; 1 is the stretch. Past a metatable of the globals, if they have one. */
static int l_set_bucket(lua_State *L)
{
    coral_piece_t *in = ((coral_stretch_t *)lua_touserdata(L, 1))->in;

    lua_pushglobaltable(L);
    lua_pushliteral(L, "bucket");
    if (in->length)
        lua_pushlstring(L, in->data, in->length);
    else
        lua_pushnil(L);
    lua_rawset(L, -3);
    return 0;
}

static void set_bucket(coral_vm_t *vm, void *run_)
{
    coral_stretch_t *s = ((coral_run_t *)run_)->data;
    lua_State *L = coral_vm_state(vm);

    lua_pushcfunction(L, l_set_bucket);
    lua_pushlightuserdata(L, s);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        fail(s, "not enough memory for a piece of content");
    }
}

/* What a yield brought goes on. */
static void take_yield(coral_vm_t *vm, void *run_)
{
    coral_run_t *run = run_;
    coral_stretch_t *s = run->data;

    (void)vm;
    if (run->strand.step != CORAL_STEP_YIELDED) {
        s->state = CORAL_STRETCH_OVER;
        s->failed |= run->strand.step == CORAL_STEP_FAILED;
        return;
    }
    if (run->strand.count && !set_data(coral_task_state(run->strand.entry), -run->strand.count, s->out, 1))
        fail(s, apr_psprintf(run->rq->r->pool, "it yielded a %s: it may yield a string or nothing",
                             luaL_typename(coral_task_state(run->strand.entry), -run->strand.count)));
    coral_piece_drop(s->in); /* a function that returns instead leaves its piece to those behind it */
    lua_pop(coral_task_state(run->strand.entry), run->strand.count);
}

static void ignore_results(lua_State *L, coral_run_t *run, int first)
{
    (void)L;
    (void)first;
    run->answer = CORAL_NOTHING;
}

/* Up to the first yield; a function that returns instead does not want to filter. */
static void start(coral_stretch_t *s, request_rec *r)
{
    s->run.data = s;
    s->run.name = s->name;
    s->run.collect = ignore_results;
    s->state = CORAL_STRETCH_RUNNING;
    if (coral_run_begin(&s->run, r, CORAL_PHASE_body_filter, s->script))
        coral_run_go_on(&s->run, NULL, take_yield);
    else
        s->failed = 1;
}

static int append(coral_piece_t *piece, coral_piece_t *more)
{
    char *data = realloc(piece->data, piece->length + more->length);

    if (!data)
        return 0;
    memcpy(data + piece->length, more->data, more->length);
    piece->data = data;
    piece->length += more->length;
    coral_piece_drop(more);
    return 1;
}

static int run_coroutine(coral_stretch_t *s, request_rec *r, coral_piece_t *piece)
{
    coral_piece_t in = *piece;

    piece->data = NULL;
    piece->length = 0;
    s->out = piece;
    s->in = &in;
    if (s->state == CORAL_STRETCH_NEW) {
        coral_piece_t none = { 0 };

        s->in = &none;
        start(s, r);
        s->in = &in;
    }
    if (s->state == CORAL_STRETCH_RUNNING && !s->failed && in.length)
        coral_run_go_on(&s->run, set_bucket, take_yield);
    if (in.length && !s->failed) /* a function that has returned lets the rest pass as it is */
        s->failed = !append(piece, &in);
    if (s->state == CORAL_STRETCH_RUNNING && !s->failed && piece->last)
        coral_run_go_on(&s->run, set_bucket, take_yield);
    if (piece->last || s->state == CORAL_STRETCH_OVER || s->failed) {
        s->state = CORAL_STRETCH_OVER;
        coral_run_end(&s->run);
    }
    coral_piece_drop(&in);
    return !s->failed;
}

/* A request that ends before its content does still has the coroutine. */
static apr_status_t on_end(void *s_)
{
    coral_stretch_t *s = s_;

    if (s->state == CORAL_STRETCH_RUNNING)
        coral_run_end(&s->run);
    return APR_SUCCESS;
}

coral_stretch_t *coral_stretch_make(request_rec *r, const char *name, const coral_script_t *script, coral_stretch_t *next)
{
    coral_stretch_t *s = apr_pcalloc(r->pool, sizeof(*s));

    coral_request_of(r); /* its end comes after ours */
    s->script = script;
    s->name = name;
    s->next = next;
    apr_pool_cleanup_register(r->pool, s, on_end, apr_pool_cleanup_null);
    return s;
}

int coral_stretch_run(coral_stretch_t *s, request_rec *r, coral_piece_t *piece)
{
    if (s->name && s->script->run == CORAL_RUN_FUNCTION)
        return run_coroutine(s, r, piece);
    s->in = s->out = piece;
    return run_hook(s, r);
}
