/* SPDX-License-Identifier: Apache-2.0 */
#include "answer.h"

#include <stdlib.h>

#define FIRST_SIZE 8192

static ap_filter_rec_t *keep_rec;

static apr_status_t append(coral_answer_t *a, const char *data, apr_size_t length)
{
    apr_size_t left = a->limit - a->length, taken = length < left ? length : left;

    if (a->length + taken > a->size) {
        apr_size_t size = a->size ? a->size : FIRST_SIZE;
        char *new;

        while (size < a->length + taken)
            size *= 2;
        if (!(new = realloc(a->data, size)))
            return APR_ENOMEM;
        a->data = new;
        a->size = size;
    }
    if (taken)
        memcpy(a->data + a->length, data, taken);
    a->length += taken;
    return taken == length ? APR_SUCCESS : APR_ENOSPC;
}

/* The handler shall stop, as if its client had gone. */
static apr_status_t cut(coral_answer_t *a, apr_status_t why)
{
    a->truncated = 1;
    if (why == APR_ENOSPC)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, a->r,
                      "the response of captured %s is larger than CoralCaptureMaxSize, %" APR_SIZE_T_FMT " bytes: it is cut", a->uri,
                      a->limit);
    else
        ap_log_rerror(APLOG_MARK, APLOG_ERR, why, a->r, "the response of captured %s cannot be read", a->uri);
    return APR_ECONNABORTED;
}

static apr_status_t keep_bucket(coral_answer_t *a, apr_bucket *b)
{
    const char *data;
    apr_size_t length;
    apr_status_t rv;

    if (AP_BUCKET_IS_ERROR(b)) { /* it has broken off, or this comes in place of a response */
        a->error = ((ap_bucket_error *)b->data)->status;
        a->truncated = a->length > 0;
    }
    if (APR_BUCKET_IS_METADATA(b) || a->header_only)
        return APR_SUCCESS;
    if ((rv = apr_bucket_read(b, &data, &length, APR_BLOCK_READ)) == APR_SUCCESS)
        rv = append(a, data, length);
    return rv == APR_SUCCESS ? rv : cut(a, rv);
}

static apr_status_t keep(ap_filter_t *f, apr_bucket_brigade *bb)
{
    coral_answer_t *a = f->ctx;
    apr_status_t rv = a->truncated ? APR_ECONNABORTED : APR_SUCCESS;

    while (!APR_BRIGADE_EMPTY(bb) && rv == APR_SUCCESS) {
        rv = keep_bucket(a, APR_BRIGADE_FIRST(bb));
        apr_bucket_delete(APR_BRIGADE_FIRST(bb));
    }
    apr_brigade_cleanup(bb);
    return rv;
}

static int add_header(void *headers, const char *name, const char *value)
{
    apr_table_add(headers, name, value);
    return 1;
}

/* For an error httpd takes err_headers_out alone; what a script had set is in there then, too. */
void coral_answer_keep_headers(coral_answer_t *a, apr_pool_t *p, request_rec *r, int failed)
{
    const char *type = failed ? NULL : ap_make_content_type(r, r->content_type);

    a->headers = apr_table_make(p, 8);
    apr_table_do(add_header, a->headers, r->err_headers_out, NULL);
    if (failed)
        apr_table_do(add_header, a->headers, r->headers_out, "Location", NULL);
    else
        apr_table_do(add_header, a->headers, r->headers_out, NULL);
    if (type)
        apr_table_set(a->headers, "Content-Type", type);
}

static apr_status_t free_data(void *a)
{
    free(((coral_answer_t *)a)->data);
    return APR_SUCCESS;
}

ap_filter_t *coral_answer_open(coral_answer_t *a, apr_pool_t *p, request_rec *r, const char *uri, int header_only, apr_size_t limit)
{
    a->r = r;
    a->uri = uri;
    a->header_only = header_only;
    a->limit = limit;
    a->filter.frec = keep_rec;
    a->filter.ctx = a;
    a->filter.c = r->connection;
    a->filter.next = r->connection->output_filters; /* without a request of its own: the end of the subrequest is not that of r */
    apr_pool_cleanup_register(p, a, free_data, apr_pool_cleanup_null);
    return &a->filter;
}

void coral_answer_register(void)
{
    keep_rec = ap_register_output_filter("coral_capture", keep, NULL, AP_FTYPE_PROTOCOL);
}
