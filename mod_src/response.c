/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

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

/* The buffer goes down the filters as it is, without a copy; last says how the brigade ends. */
static apr_status_t pass(coral_response_t *response, apr_bucket *last)
{
    request_rec *r = response->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv;

    if (!response->filters) {
        response->filters = 1;
        put_filters_in(r);
    }
    if (!r->content_type && response->default_type)
        ap_set_content_type(r, response->default_type);
    if (response->length) {
        apr_bucket *data = apr_bucket_heap_create(response->data, response->length, free, bb->bucket_alloc);

        APR_BRIGADE_INSERT_TAIL(bb, data);
        response->data = NULL;
        response->length = response->size = 0;
    }
    if (last)
        APR_BRIGADE_INSERT_TAIL(bb, last);
    response->started = 1;
    rv = ap_pass_brigade(r->output_filters, bb);
    apr_brigade_destroy(bb);
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

void coral_response_flush_end(coral_response_t *response)
{
    conn_rec *c = response->r->connection;
    apr_bucket_brigade *bb = apr_brigade_create(response->r->pool, c->bucket_alloc);

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
