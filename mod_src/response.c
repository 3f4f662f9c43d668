/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

#include "connection.h"

#include "http_connection.h"

#include <stdlib.h>

int coral_response_write(coral_response_t *response, const char *data, apr_size_t length)
{
    if (!length)
        return 1;
    if (response->length + length > response->size) {
        apr_size_t size = response->size ? response->size : 1024;
        char *new;

        while (size < response->length + length)
            size *= 2;
        if (!(new = realloc(response->data, size)))
            return 0;
        response->data = new;
        response->size = size;
    }
    memcpy(response->data + response->length, data, length);
    response->length += length;
    return 1;
}

int coral_response_status(coral_response_t *response, int status)
{
    int known = status == HTTP_INTERNAL_SERVER_ERROR
                || ap_index_of_response(status) != ap_index_of_response(HTTP_INTERNAL_SERVER_ERROR);

    response->r->status = status;
    response->r->status_line = known ? NULL : apr_psprintf(response->r->pool, "%d Status %d", status, status);
    return known;
}

void coral_response_clear(coral_response_t *response)
{
    free(response->data);
    response->data = NULL;
    response->length = response->size = 0;
}

/* A hook before the handler answers: the filters that httpd puts in for the handler are put in for it. */
static void put_filters_in(request_rec *r)
{
    ap_filter_t *f;

    ap_run_insert_filter(r);
    for (f = r->output_filters; f; f = f->next)
        if (f->frec->filter_init_func && f->r == r)
            f->frec->filter_init_func(f);
}

void coral_response_become_raw(coral_response_t *response)
{
    request_rec *r = response->r;
    conn_rec *c = r->connection;

    ap_remove_input_filter_byhandle(c->input_filters, "reqtimeout");
    r->input_filters = r->proto_input_filters = c->input_filters;
    r->output_filters = r->proto_output_filters = c->output_filters;
    r->expecting_100 = 0;
    c->keepalive = AP_CONN_CLOSE;
    response->started = response->filters = 1;
}

/* 101: the headers the script has set are the response; what follows is not HTTP any more. */
static void upgrade(coral_response_t *response)
{
    if (apr_table_get(response->r->headers_out, "Upgrade") && !apr_table_get(response->r->headers_out, "Connection"))
        apr_table_setn(response->r->headers_out, "Connection", "Upgrade"); /* as nginx, on which libraries rely */
    ap_send_interim_response(response->r, 1);
    coral_response_become_raw(response);
}

/* What is to be done before the first of the response. */
static void begin(coral_response_t *response)
{
    request_rec *r = response->r;

    if (r->status == HTTP_SWITCHING_PROTOCOLS && !response->started && !r->connection->master && !r->main) {
        upgrade(response);
        return;
    }

    if (!response->filters) {
        response->filters = 1;
        put_filters_in(r);
    }
    if (!r->content_type && response->default_type)
        ap_set_content_type(r, response->default_type);
    if (!response->started)
        response->status = r->status;
    response->started = 1;
}

/* The buffer goes where the rest of the response is, without a copy. */
static void take_buffer(coral_response_t *response, apr_bucket_brigade *bb)
{
    if (response->pending)
        APR_BRIGADE_CONCAT(bb, response->pending);
    if (response->length)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_heap_create(response->data, response->length, free, bb->bucket_alloc));
    else
        free(response->data);
    response->data = NULL;
    response->length = response->size = 0;
}

/* last says how the brigade ends. */
static apr_status_t pass(coral_response_t *response, apr_bucket *last)
{
    request_rec *r = response->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv;

    begin(response);
    take_buffer(response, bb);
    if (last)
        APR_BRIGADE_INSERT_TAIL(bb, last);
    rv = ap_pass_brigade(r->output_filters, bb);
    apr_brigade_destroy(bb);
    if (APR_STATUS_IS_ECONNABORTED(rv))
        response->aborted = 1;
    return rv;
}

apr_status_t coral_response_pass(coral_response_t *response, int flush)
{
    if (response->finished)
        return APR_EOF;
    return pass(response, flush ? apr_bucket_flush_create(response->r->connection->bucket_alloc) : NULL);
}

apr_status_t coral_response_finish(coral_response_t *response)
{
    if (response->finished)
        return APR_SUCCESS;
    response->finished = 1;
    return pass(response, apr_bucket_eos_create(response->r->connection->bucket_alloc));
}

/* Without waiting for the client. A flush goes down the filters, so that none keeps anything back, but ends before the last one, which
 * would wait until all is written: that one is told to write what it can. */

static ap_filter_rec_t *soft_rec;

static apr_status_t soften(ap_filter_t *f, apr_bucket_brigade *bb)
{
    coral_connection_t *connection = f->ctx;
    apr_bucket *b, *next;
    apr_status_t rv = APR_SUCCESS;

    if (!connection->soft)
        return ap_pass_brigade(f->next, bb);
    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb); b = next) {
        next = APR_BUCKET_NEXT(b);
        if (APR_BUCKET_IS_FLUSH(b))
            apr_bucket_delete(b);
    }
    if (!APR_BRIGADE_EMPTY(bb))
        rv = ap_pass_brigade(f->next, bb);
    return rv == APR_SUCCESS ? f->next->frec->filter_func.out_func(f->next, NULL) : rv;
}

void coral_response_register(void)
{
    soft_rec = ap_register_output_filter("coral_soft_flush", soften, NULL, AP_FTYPE_NETWORK - 1);
}

/* Whether the client has not taken all that was passed. */
static int client_is_slow(conn_rec *c)
{
    ap_filter_t *last = c->output_filters;

    if (!c->data_in_output_filters || c->aborted)
        return 0;
    while (last->next)
        last = last->next;
    last->frec->filter_func.out_func(last, NULL);
    return c->data_in_output_filters && !c->aborted;
}

static void pass_piece(coral_response_t *response, int flush)
{
    conn_rec *c = response->r->connection;
    coral_connection_t *connection = coral_connection_make(c);
    apr_bucket_brigade *rest = apr_brigade_create(response->r->pool, c->bucket_alloc);
    apr_bucket *after;

    if (!connection->soft_filter)
        ap_add_output_filter_handle(soft_rec, connection, NULL, c);
    connection->soft_filter = 1;
    begin(response);
    if (apr_brigade_partition(response->pending, CORAL_RESPONSE_PIECE, &after) == APR_SUCCESS)
        apr_brigade_split_ex(response->pending, after, rest);
    if (flush && APR_BRIGADE_EMPTY(rest))
        APR_BRIGADE_INSERT_TAIL(response->pending, apr_bucket_flush_create(c->bucket_alloc));
    connection->soft = 1;
    ap_pass_brigade(response->r->output_filters, response->pending);
    connection->soft = 0;
    apr_brigade_cleanup(response->pending);
    APR_BRIGADE_CONCAT(response->pending, rest);
    apr_brigade_destroy(rest);
}

static apr_off_t length_of(apr_bucket_brigade *bb)
{
    apr_off_t length = 0;

    apr_brigade_length(bb, 0, &length);
    return length;
}

static void drop_pending(coral_response_t *response)
{
    coral_response_clear(response);
    apr_brigade_cleanup(response->pending);
}

/* Of a response that is whole but goes in pieces httpd would not see the length. */
static void set_length(coral_response_t *response)
{
    request_rec *r = response->r;

    if (!response->started && !apr_table_get(r->headers_out, "Content-Length"))
        ap_set_content_length(r, length_of(response->pending));
}

int coral_response_push(coral_response_t *response, coral_push_e how)
{
    conn_rec *c = response->r->connection;

    if (response->finished)
        return 0;
    if (!response->pending)
        response->pending = apr_brigade_create(response->r->pool, c->bucket_alloc);
    if (response->length) {
        APR_BRIGADE_INSERT_TAIL(response->pending, apr_bucket_heap_create(response->data, response->length, free, c->bucket_alloc));
        response->data = NULL;
        response->length = response->size = 0;
        response->unflushed = 1;
    }
    if (how == CORAL_LAST)
        set_length(response);
    for (;;) {
        if (client_is_slow(c))
            return 1;
        if (c->aborted || response->aborted) {
            response->aborted = 1;
            drop_pending(response);
            return 0;
        }
        if (how == CORAL_LAST ? length_of(response->pending) <= CORAL_RESPONSE_PIECE
                              : APR_BRIGADE_EMPTY(response->pending) && !(how == CORAL_FLUSH && (response->unflushed || !response->started)))
            return 0;
        if (how == CORAL_FLUSH && length_of(response->pending) <= CORAL_RESPONSE_PIECE)
            response->unflushed = 0;
        pass_piece(response, how == CORAL_FLUSH);
    }
}

void coral_response_flush_end(coral_response_t *response)
{
    conn_rec *c = response->r->connection;
    apr_bucket_brigade *bb;

    if (response->r->main) /* the end of a subrequest is nothing to the client */
        return;
    bb = apr_brigade_create(response->r->pool, c->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(c->bucket_alloc));
    ap_pass_brigade(c->output_filters, bb);
    apr_brigade_destroy(bb);
}

/* As mod_proxy does for an upstream that broke off: the error bucket keeps the last chunk back (on HTTP/2 it resets the stream), and
 * the connection is not used again. */
void coral_response_cut(coral_response_t *response)
{
    request_rec *r = response->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);

    coral_response_clear(response);
    response->finished = 1;
    r->no_cache = 1;
    r->connection->keepalive = AP_CONN_CLOSE;
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, r->pool, bb->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    ap_pass_brigade(r->output_filters, bb);
}
