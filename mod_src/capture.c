/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include "lend.h"

#include "http_config.h"

#define PATIENCE apr_time_from_sec(1) /* nobody runs what is captured but who ends it: at most it is being woken */

static apr_thread_mutex_t *lock; /* of waking; whoever has it may take it again, for what is captured may capture */

/* What the subrequest is. */

/* What is given, or what the request that asks has sent; NULL: none. */
static const coral_body_t *body_of(coral_capture_t *c)
{
    if (c->forwards)
        return coral_request_of(c->batch->r)->body;
    return c->has_body ? &c->body : NULL;
}

static int is_head(const coral_capture_t *c)
{
    return !strcmp(c->method, "HEAD");
}

static int set_header(void *r, const char *name, const char *value)
{
    apr_table_set(((request_rec *)r)->headers_in, name, value);
    return 1;
}

/* What is between two hosts, not for a handler: an upgrade would take the client's connection. */
static void give_headers(coral_capture_t *c, request_rec *r)
{
    apr_table_unset(r->headers_in, "Upgrade");
    apr_table_unset(r->headers_in, "HTTP2-Settings");
    apr_table_unset(r->headers_in, "Expect");
    if (c->headers)
        apr_table_do(set_header, r, c->headers, NULL);
}

static int set_variable(void *rq, const char *name, const char *value)
{
    coral_request_set_variable(rq, name, value);
    return 1;
}

static int unset_variable(void *r, const char *name, const char *value)
{
    (void)value;
    apr_table_unset(((request_rec *)r)->subprocess_env, name);
    return 1;
}

/* httpd has copied them all; those that scripts and CoralSet have set are only for who is to have them. */
static void give_variables(coral_capture_t *c, coral_request_t *rq)
{
    coral_request_t *parent = coral_request_of(c->batch->r);

    if (c->inherits != CORAL_VARIABLES_OWN)
        coral_request_copy_variables(rq, parent);
    else if (parent->variables)
        apr_table_do(unset_variable, rq->r, parent->variables, NULL);
    if (c->variables)
        apr_table_do(set_variable, rq, c->variables, NULL);
}

/* Before the first phase of a subrequest: makes it the capture it is for. */
static int on_create_request(request_rec *r)
{
    coral_request_t *parent = coral_request_existing(r->main), *rq;
    coral_capture_t *c = parent ? parent->capturing : NULL;

    if (!c)
        return OK;
    parent->capturing = NULL;
    rq = coral_request_of(r);
    rq->capture = c;
    c->r = r;
    r->header_only = is_head(c);
    r->proto_output_filters = c->last_filter;
    give_headers(c, r);
    coral_lend_body(r, body_of(c));
    give_variables(c, rq);
    if (c->ctx_ref != LUA_NOREF) {
        rq->ctx_ref = c->ctx_ref;
        rq->ctx_vm = c->batch->vm;
    }
    return OK;
}

/* The last of the phases before the handler. */
static int on_fixups(request_rec *r)
{
    coral_request_t *rq = r->main ? coral_request_existing(r) : NULL;

    if (rq && rq->capture && rq->capture->r == r)
        rq->capture->processed = 1;
    return DECLINED;
}

/* What becomes of it. */

static int status_of(coral_capture_t *c, request_rec *last, int status)
{
    const coral_request_t *rq = coral_request_existing(last);

    if (c->answer.error && !c->answer.length)
        return c->answer.error;
    if (last == c->r && status >= 100)
        return status;
    if (rq && rq->response.started)
        return rq->response.status;
    return ap_is_HTTP_VALID_RESPONSE(last->status) ? last->status : HTTP_OK;
}

static void share_variables(coral_capture_t *c, request_rec *last)
{
    const coral_request_t *rq = coral_request_existing(last);

    if (c->inherits == CORAL_VARIABLES_SHARED && rq)
        coral_request_copy_variables(coral_request_of(c->batch->r), rq);
}

static void finish(coral_capture_t *c, int status)
{
    request_rec *last = c->r;

    while (last->next)
        last = last->next;
    if (status < 100 || last != c->r)
        ap_finalize_sub_req_protocol(c->r);
    c->answer.status = status_of(c, last, status);
    coral_answer_keep_headers(&c->answer, c->batch->pool, last, last == c->r && status >= 100);
    share_variables(c, last);
    ap_destroy_sub_req(c->r);
    c->r = NULL;
    c->state = CORAL_CAPTURE_OVER;
}

static int answer(request_rec *r)
{
    int status = DECLINED;

    if (!r->filename || r->finfo.filetype == APR_NOFILE)
        status = ap_run_quick_handler(r, 0);
    return status == DECLINED ? ap_invoke_handler(r) : status;
}

static void go_on(coral_capture_t *c, int status)
{
    if (status == CORAL_PARKED && c->parking) {
        c->state = CORAL_CAPTURE_WAITING;
        c->parking->away(c->parked);
    }
    else
        finish(c, status == CORAL_PARKED ? HTTP_INTERNAL_SERVER_ERROR : status);
}

static void start(coral_capture_t *c)
{
    request_rec *r = c->batch->r, *sub;

    c->last_filter = coral_answer_open(&c->answer, c->batch->pool, r, c->uri, is_head(c), c->batch->limit);
    coral_request_of(r)->capturing = c;
    sub = ap_sub_req_method_uri(c->method, c->uri, r, c->last_filter);
    if (!c->processed && sub->status != HTTP_OK)
        finish(c, sub->status);
    else {
        coral_lend_kept(sub, body_of(c));
        go_on(c, answer(sub));
    }
}

int coral_capture_perform(coral_capture_batch_t *batch, coral_wait_t *w)
{
    conn_rec *connection = batch->r->connection;
    ap_conn_keepalive_e keepalive = connection->keepalive;
    coral_capture_t *c;
    int waiting = 0;

    for (c = batch->first; c; c = c->next) {
        if (c->state == CORAL_CAPTURE_FRESH)
            start(c);
        else if (c->state == CORAL_CAPTURE_WAITING)
            go_on(c, c->parking->back(c->parked, 0));
        waiting |= c->state == CORAL_CAPTURE_WAITING;
    }
    connection->keepalive = keepalive; /* an error of a subrequest's is no reason to close it */
    w->watch = NULL;
    w->direction = CORAL_READ;
    w->until = CORAL_NEVER;
    return waiting;
}

/* Where a script waits that is captured. */

int coral_capture_can(request_rec *r)
{
    const coral_request_t *rq = coral_request_existing(r);

    return rq && rq->capture && rq->capture->r == r && rq->capture->batch->wait && !r->prev;
}

static int park(request_rec *r, const coral_parking_t *parking, void *data)
{
    coral_capture_t *c = coral_request_existing(r)->capture;

    if (!coral_poller_start())
        return DECLINED;
    c->parking = parking;
    c->parked = data;
    return CORAL_PARKED;
}

static void wake(request_rec *r, int *why)
{
    coral_capture_batch_t *batch = coral_request_existing(r)->capture->batch;

    apr_thread_mutex_lock(lock);
    *why = 1;
    if (batch->wait)
        coral_wait_wake(batch->wait, CORAL_WOKEN_READY);
    apr_thread_mutex_unlock(lock);
}

static int take(int *why)
{
    int was;

    apr_thread_mutex_lock(lock);
    was = *why;
    *why = 0;
    apr_thread_mutex_unlock(lock);
    return was;
}

const coral_parker_t coral_capture_parker = { park, wake, take, 1 };

/* Batches. */

static apr_status_t on_request_end(void *r)
{
    coral_capture_end(r);
    return APR_SUCCESS;
}

coral_capture_batch_t *coral_capture_open(coral_request_t *rq, coral_vm_t *vm)
{
    coral_capture_batch_t *batch;
    apr_pool_t *p;

    apr_pool_create(&p, rq->r->pool);
    apr_pool_tag(p, "coral_capture");
    batch = apr_pcalloc(p, sizeof(*batch));
    batch->pool = p;
    batch->r = rq->r;
    batch->vm = vm;
    batch->limit = (apr_size_t)coral_conf_size(coral_conf_of(rq->r), capture_max_size);
    batch->last = &batch->first;
    batch->next = rq->batches;
    rq->batches = batch;
    if (!rq->ends_captures)
        apr_pool_pre_cleanup_register(rq->r->pool, rq->r, on_request_end); /* before the pools of subrequests go */
    rq->ends_captures = 1;
    return batch;
}

coral_capture_t *coral_capture_add(coral_capture_batch_t *batch)
{
    coral_capture_t *c = apr_pcalloc(batch->pool, sizeof(*c));

    c->batch = batch;
    c->ctx_ref = LUA_NOREF;
    *batch->last = c;
    batch->last = &c->next;
    return c;
}

/* ngx.ctx tables are not needed any more. */
static void drop_refs(lua_State *L, coral_capture_batch_t *batch)
{
    coral_capture_t *c;
    request_rec *r;

    for (c = batch->first; c; c = c->next) {
        for (r = c->r; r; r = r->next)
            if (coral_request_existing(r))
                coral_request_existing(r)->ctx_vm = NULL;
        luaL_unref(L, LUA_REGISTRYINDEX, c->ctx_ref);
        c->ctx_ref = LUA_NOREF;
    }
}

static void drop(coral_capture_batch_t *batch)
{
    coral_capture_batch_t **at = &coral_request_of(batch->r)->batches;

    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    apr_pool_destroy(batch->pool);
}

void coral_capture_leave(lua_State *L, coral_capture_batch_t *batch)
{
    apr_thread_mutex_lock(lock);
    batch->wait = NULL;
    apr_thread_mutex_unlock(lock);
    drop_refs(L, batch);
}

void coral_capture_close(lua_State *L, coral_capture_batch_t *batch)
{
    drop_refs(L, batch);
    drop(batch);
}

void coral_capture_end(request_rec *r)
{
    coral_request_t *rq = coral_request_existing(r);
    coral_capture_batch_t *batch, *next;
    coral_capture_t *c;

    for (batch = rq ? rq->batches : NULL; batch; batch = next) {
        next = batch->next;
        if (batch->wait)
            continue;
        for (c = batch->first; c; c = c->next) {
            if (c->state != CORAL_CAPTURE_WAITING)
                continue;
            c->state = CORAL_CAPTURE_OVER;
            if (c->parking->lost(c->parked, apr_time_now() + PATIENCE))
                ap_destroy_sub_req(c->r);
        }
        drop(batch);
    }
}

void coral_capture_child_init(apr_pool_t *pchild)
{
    apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_NESTED, pchild);
}

void coral_capture_register(void)
{
    coral_answer_register();
    ap_hook_create_request(on_create_request, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_fixups(on_fixups, NULL, NULL, APR_HOOK_REALLY_LAST + 10);
}
