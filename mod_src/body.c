/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <stdlib.h>

#define AT_ONCE (64 * 1024)
#define LOOK_AGAIN apr_time_from_sec(2) /* mod_reqtimeout only looks at the clock when it is asked */

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

/* One read. Returns its status. */
static apr_status_t read_piece(request_rec *r, coral_body_t *body, apr_read_type_e block)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, block, AT_ONCE);

    if (rv == APR_SUCCESS && block == APR_NONBLOCK_READ && APR_BRIGADE_EMPTY(bb))
        rv = APR_EAGAIN;
    if (rv == APR_SUCCESS)
        body->status = take(body, bb);
    else if (!APR_STATUS_IS_EAGAIN(rv) && body->status == OK) /* else a filter of ours has said what went wrong */
        body->status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    apr_brigade_destroy(bb);
    return rv;
}

int coral_body_read(request_rec *r, coral_body_t *body)
{
    if (body->read || body->status)
        return body->status;
    while (!body->read && body->status == OK)
        read_piece(r, body, APR_BLOCK_READ);
    if (body->read)
        coral_body_offer(r, body);
    return body->status;
}

void coral_body_invite(request_rec *r)
{
    int status = r->status;
    const char *line = r->status_line;

    if (!r->expecting_100 || r->proto_num < HTTP_VERSION(1, 1) || !ap_is_HTTP_SUCCESS(r->status))
        return;
    r->status = HTTP_CONTINUE;
    r->status_line = NULL;
    ap_send_interim_response(r, 0);
    r->status = status;
    r->status_line = line;
}

int coral_body_pull(request_rec *r, coral_body_t *body, apr_time_t *when)
{
    apr_time_t now = apr_time_now();
    apr_size_t before = body->length;

    while (!body->read && body->status == OK) {
        apr_status_t rv = read_piece(r, body, APR_NONBLOCK_READ);

        if (rv == APR_SUCCESS || APR_STATUS_IS_EAGAIN(rv)) /* httpd has no objection */
            coral_body_invite(r);
        if (APR_STATUS_IS_EAGAIN(rv)) {
            if (!body->until || body->length > before)
                body->until = now + r->server->timeout;
            if (now >= body->until) {
                body->status = HTTP_REQUEST_TIME_OUT;
                break;
            }
            *when = now + LOOK_AGAIN < body->until ? now + LOOK_AGAIN : body->until;
            return 1;
        }
    }
    if (body->read)
        coral_body_offer(r, body);
    return 0;
}
