/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <stdlib.h>

#define AT_ONCE (64 * 1024)

static int append(coral_body_t *body, const char *data, apr_size_t length)
{
    if (body->length + length > body->size) {
        apr_size_t size = body->size ? 2 * body->size : 8192;
        char *new;

        while (size < body->length + length)
            size *= 2;
        if (!(new = realloc(body->data, size)))
            return HTTP_INSUFFICIENT_STORAGE;
        body->data = new;
        body->size = size;
    }
    memcpy(body->data + body->length, data, length);
    body->length += length;
    return OK;
}

/* Takes the data out of a brigade. */
static int take(coral_body_t *body, apr_bucket_brigade *bb)
{
    apr_bucket *b;
    int status = OK;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb) && status == OK; b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t length;

        if (APR_BUCKET_IS_EOS(b))
            body->read = 1;
        else if (!APR_BUCKET_IS_METADATA(b))
            status = apr_bucket_read(b, &data, &length, APR_BLOCK_READ) == APR_SUCCESS ? append(body, data, length)
                                                                                       : HTTP_BAD_REQUEST;
    }
    return status;
}

static ap_filter_rec_t *offer_rec;

/* What is left to hand out. */
typedef struct {
    const char *data;
    apr_size_t length;
} offer_t;

static apr_status_t offer(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block, apr_off_t readbytes)
{
    offer_t *left = f->ctx;
    apr_size_t length = left->length;

    if (mode != AP_MODE_READBYTES && mode != AP_MODE_GETLINE && mode != AP_MODE_SPECULATIVE && mode != AP_MODE_EXHAUSTIVE)
        return ap_get_brigade(f->next, bb, mode, block, readbytes);
    if (mode != AP_MODE_EXHAUSTIVE && mode != AP_MODE_GETLINE && (apr_off_t)length > readbytes)
        length = (apr_size_t)readbytes;
    if (mode == AP_MODE_GETLINE && memchr(left->data, '\n', length))
        length = (const char *)memchr(left->data, '\n', length) + 1 - left->data;
    if (length)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_immortal_create(left->data, length, bb->bucket_alloc)); /* lasts as the request */
    if (mode != AP_MODE_SPECULATIVE) {
        left->data += length;
        left->length -= length;
    }
    if (!left->length)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    return APR_SUCCESS;
}

void coral_body_offer(request_rec *r, coral_body_t *body)
{
    offer_t *left = apr_palloc(r->pool, sizeof(*left));

    left->data = body->data ? body->data : "";
    left->length = body->length;
    ap_add_input_filter_handle(offer_rec, left, r, r->connection);
}

void coral_body_register(void)
{
    offer_rec = ap_register_input_filter("coral_body", offer, NULL, AP_FTYPE_RESOURCE);
}

int coral_body_read(request_rec *r, coral_body_t *body)
{
    apr_bucket_brigade *bb;

    if (body->read || body->status)
        return body->status;
    bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    while (!body->read && body->status == OK) {
        apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, AT_ONCE);

        if (rv == APR_SUCCESS)
            body->status = take(body, bb);
        else if (body->status == OK) /* else a filter of ours has said what went wrong */
            body->status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        apr_brigade_cleanup(bb);
    }
    apr_brigade_destroy(bb);
    if (body->read)
        coral_body_offer(r, body);
    return body->status;
}
