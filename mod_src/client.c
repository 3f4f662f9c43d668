/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#define PIECE (16 * 1024)

/* One read into the socket's buffer, on the thread that has the connection. */
static apr_status_t read_piece(request_rec *r, coral_socket_t *s, apr_read_type_e block)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv = s->raw ? ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, block, PIECE)
                             : coral_body_take(r, coral_request_of(r)->body, bb, block, PIECE);
    apr_bucket *b;

    if (rv == APR_SUCCESS && block == APR_NONBLOCK_READ && APR_BRIGADE_EMPTY(bb))
        rv = APR_EAGAIN;
    for (b = APR_BRIGADE_FIRST(bb); rv == APR_SUCCESS && b != APR_BRIGADE_SENTINEL(bb); b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t length;

        if (APR_BUCKET_IS_EOS(b))
            s->client_eof = 1;
        else if (!APR_BUCKET_IS_METADATA(b) && (rv = apr_bucket_read(b, &data, &length, APR_BLOCK_READ)) == APR_SUCCESS)
            evbuffer_add(s->in, data, length);
    }
    apr_brigade_destroy(bb);
    return rv;
}

static void note_outcome(coral_socket_t *s, apr_status_t rv)
{
    if (rv == AP_FILTER_ERROR || ap_is_HTTP_ERROR(rv) || rv == APR_ENOSPC)
        s->client_status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    else if (APR_STATUS_IS_TIMEUP(rv))
        s->client_error = "timeout";
    else if (APR_STATUS_IS_EOF(rv))
        s->client_eof = 1;
    else if (rv != APR_SUCCESS)
        s->client_error = "client aborted";
}

static void read_blocking(request_rec *r, coral_socket_t *s)
{
    apr_socket_t *socket = ap_get_conn_socket(r->connection);
    apr_interval_time_t before;

    apr_socket_timeout_get(socket, &before);
    apr_socket_timeout_set(socket, s->read_timeout);
    note_outcome(s, read_piece(r, s, APR_BLOCK_READ));
    apr_socket_timeout_set(socket, before);
}

int coral_socket_perform_read(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;
    coral_socket_t *s = w->data;
    request_rec *r = run->rq->r;
    apr_status_t rv;

    s->client_error = NULL;
    if (block) {
        read_blocking(r, s);
        return 0;
    }
    rv = read_piece(r, s, APR_NONBLOCK_READ);
    if (!APR_STATUS_IS_EAGAIN(rv)) {
        note_outcome(s, rv);
        return 0;
    }
    if (w->reason == CORAL_WOKEN_TIMEOUT) {
        s->client_error = "timeout";
        return 0;
    }
    if (!s->raw)
        coral_body_invite(r);
    if (coral_run_wait_for_client(run, w, CORAL_READ, s->read_until))
        return 1;
    read_blocking(r, s);
    return 0;
}

int coral_socket_perform_write(void *run_, coral_wait_t *w, int block)
{
    coral_run_t *run = run_;
    coral_socket_t *s = w->data;
    coral_response_t *response = &run->rq->response;

    if (s->out && !coral_response_write(response, s->out, s->out_length))
        s->client_error = "no memory";
    s->out = NULL;
    if (block)
        coral_response_pass(response, 1);
    else if (coral_run_push(run, w, CORAL_FLUSH))
        return 1;
    s->client_error = run->rq->r->connection->aborted || response->aborted ? "client aborted" : NULL;
    return 0;
}
