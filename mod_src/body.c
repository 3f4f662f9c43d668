/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include "apr_file_io.h"

#include <stdlib.h>

#define AT_ONCE (64 * 1024)
#define LOOK_AGAIN apr_time_from_sec(2) /* mod_reqtimeout only looks at the clock when it is asked */

static const char *temporary; /* the system's folder for such files */

static void empty(coral_body_t *body)
{
    free(body->data);
    body->data = NULL;
    body->size = 0;
    body->length = body->handed = 0;
    coral_spool_drop(&body->spool);
}

static apr_status_t on_end(void *body)
{
    empty(body);
    return APR_SUCCESS;
}

coral_body_t *coral_body_make(request_rec *r)
{
    static const coral_spool_t none = CORAL_SPOOL_NONE;
    coral_body_t *body = apr_pcalloc(r->pool, sizeof(*body));

    body->spool = none;
    apr_pool_cleanup_register(r->pool, body, on_end, apr_pool_cleanup_null);
    return body;
}

/* What it is made of. */

static apr_status_t grow(coral_body_t *body, apr_size_t size)
{
    apr_size_t larger = body->size ? body->size : 4096;
    char *data;

    while (larger < size)
        larger *= 2;
    if (size <= body->size)
        return APR_SUCCESS;
    if (!(data = realloc(body->data, larger)))
        return APR_ENOMEM;
    body->data = data;
    body->size = larger;
    return APR_SUCCESS;
}

/* From memory into a file. */
static apr_status_t spill(request_rec *r, coral_body_t *body)
{
    const char *directory = coral_conf_of(r)->body_directory;
    apr_status_t rv;

    if (!directory)
        directory = temporary;
    rv = directory ? coral_spool_make(&body->spool, directory) : APR_EGENERAL;
    if (rv == APR_SUCCESS)
        rv = coral_spool_write(&body->spool, 0, body->data, (apr_size_t)body->length);
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, "cannot write a request's body to a file in %s (CoralBodyTempPath)",
                      directory ? directory : "the system's folder for them");
        return rv;
    }
    free(body->data);
    body->data = NULL;
    body->size = 0;
    return APR_SUCCESS;
}

/* Adds data, in memory if they fit there. */
apr_status_t coral_body_add(request_rec *r, coral_body_t *body, const char *data, apr_size_t length)
{
    apr_status_t rv = APR_SUCCESS;
    int in_file = body->spool.fd >= 0;

    if (!length)
        return APR_SUCCESS;
    if (!in_file && body->length + (apr_off_t)length > (apr_off_t)body->buffer) {
        if ((rv = spill(r, body)) != APR_SUCCESS)
            return rv;
        in_file = 1;
    }
    if (!in_file && (rv = grow(body, (apr_size_t)body->length + length)) == APR_SUCCESS)
        memcpy(body->data + body->length, data, length);
    if (in_file && (rv = coral_spool_write(&body->spool, body->length, data, length)) != APR_SUCCESS)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, "cannot write a request's body to its file");
    if (rv == APR_SUCCESS)
        body->length += (apr_off_t)length;
    return rv;
}

apr_status_t coral_body_copy(const coral_body_t *body, apr_off_t offset, char *data, apr_size_t length)
{
    if (body->spool.fd >= 0)
        return coral_spool_read(&body->spool, offset, data, length);
    if (length)
        memcpy(data, body->data + offset, length);
    return APR_SUCCESS;
}

const char *coral_body_name(request_rec *r, coral_body_t *body)
{
    apr_status_t rv = body->spool.fd >= 0 ? coral_spool_name(&body->spool) : APR_SUCCESS;

    if (rv != APR_SUCCESS)
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, "cannot give a name to the file of a request's body in %s", body->spool.directory);
    return body->spool.name;
}

/* Handed out to others. */

apr_status_t coral_body_take(request_rec *r, coral_body_t *body, apr_bucket_brigade *bb, apr_read_type_e block, apr_off_t most)
{
    apr_status_t rv;

    body->taking = 1; /* httpd reads the end of a chunked body from the front of the protocol's filters */
    rv = ap_get_brigade(body->filter ? body->filter->next : r->input_filters, bb, AP_MODE_READBYTES, block, most);
    body->taking = 0;
    if (rv == APR_SUCCESS && !APR_BRIGADE_EMPTY(bb) && APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb)))
        body->drained = 1;
    return rv;
}

/* What the client sends beyond that, which nobody wants, or the next request would begin with it. */
static apr_status_t drain(ap_filter_t *f, coral_body_t *body, apr_read_type_e block)
{
    apr_bucket_brigade *bb = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    apr_status_t rv = APR_SUCCESS;

    while (rv == APR_SUCCESS && f->next && !body->drained) {
        rv = coral_body_take(f->r, body, bb, block, AT_ONCE);
        if (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(bb))
            rv = block == APR_NONBLOCK_READ ? APR_EAGAIN : APR_EOF;
        apr_brigade_cleanup(bb);
    }
    apr_brigade_destroy(bb);
    return rv;
}

static apr_status_t hand_out(coral_body_t *body, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_off_t readbytes)
{
    apr_off_t left = body->length - body->handed;
    apr_size_t length = (apr_size_t)(left < AT_ONCE ? left : AT_ONCE);
    const char *feed;
    apr_status_t rv;
    char *data;

    if ((mode == AP_MODE_READBYTES || mode == AP_MODE_SPECULATIVE) && readbytes < (apr_off_t)length)
        length = readbytes > 0 ? (apr_size_t)readbytes : 0;
    if (!(data = malloc(length ? length : 1)))
        return APR_ENOMEM;
    if ((rv = coral_body_copy(body, body->handed, data, length)) != APR_SUCCESS) {
        free(data);
        return rv;
    }
    if (mode == AP_MODE_GETLINE && (feed = memchr(data, '\n', length)))
        length = (apr_size_t)(feed + 1 - data);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_heap_create(data, length, free, bb->bucket_alloc)); /* a copy: the body may be changed */
    if (mode != AP_MODE_SPECULATIVE)
        body->handed += (apr_off_t)length;
    return APR_SUCCESS;
}

static apr_status_t offer(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block, apr_off_t readbytes)
{
    coral_body_t *body = f->ctx;
    apr_status_t rv = APR_SUCCESS;

    if (body->taking || (mode != AP_MODE_READBYTES && mode != AP_MODE_GETLINE && mode != AP_MODE_SPECULATIVE && mode != AP_MODE_EXHAUSTIVE))
        return f->next ? ap_get_brigade(f->next, bb, mode, block, readbytes) : APR_SUCCESS;
    if (body->handed < body->length)
        do
            rv = hand_out(body, bb, mode, readbytes);
        while (rv == APR_SUCCESS && mode == AP_MODE_EXHAUSTIVE && body->handed < body->length);
    if (rv != APR_SUCCESS || body->handed < body->length)
        return rv;
    if (APR_BRIGADE_EMPTY(bb) && (rv = drain(f, body, block)) != APR_SUCCESS)
        return rv;
    if (APR_BRIGADE_EMPTY(bb) || body->drained)
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    return APR_SUCCESS;
}

static ap_filter_rec_t *offer_rec;

/* In front of the filters it was read through, and, for those whom httpd redirects to, in front of the protocol's: filters that are put
 * in later see it, too. So not by ap_add_input_filter(), which knows but one place for a kind. */
void coral_body_offer(request_rec *r, coral_body_t *body)
{
    ap_filter_t *f;

    body->handed = 0;
    if (body->filter)
        return;
    f = apr_pcalloc(r->pool, sizeof(*f));
    f->frec = offer_rec;
    f->ctx = body;
    f->r = r;
    f->c = r->connection;
    f->next = r->input_filters;
    body->filter = r->input_filters = r->proto_input_filters = f;
}

void coral_body_spend(coral_body_t *body)
{
    body->handed = body->length;
}

void coral_body_register(apr_pool_t *p)
{
    offer_rec = ap_register_input_filter("coral_body", offer, NULL, AP_FTYPE_PROTOCOL);
    if (apr_temp_dir_get(&temporary, p) != APR_SUCCESS)
        temporary = NULL;
}

/* Read from the client. */

static void prepare(request_rec *r, coral_body_t *body)
{
    const coral_conf_t *conf = coral_conf_of(r);

    body->buffer = conf->body_in_file > CORAL_IN_FILE_OFF ? 0 : (apr_size_t)coral_conf_size(conf, body_buffer);
}

static void finish(request_rec *r, coral_body_t *body)
{
    body->drained = 1;
    if (coral_conf_of(r)->body_in_file == CORAL_IN_FILE_ON && body->spool.fd >= 0)
        body->spool.stays = coral_body_name(r, body) != NULL;
    coral_body_offer(r, body);
}

/* Takes the data out of a brigade. */
static int take(request_rec *r, coral_body_t *body, apr_bucket_brigade *bb)
{
    apr_bucket *b;
    apr_status_t rv;

    for (b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb); b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t length;

        if (APR_BUCKET_IS_EOS(b))
            body->read = 1;
        if (APR_BUCKET_IS_METADATA(b))
            continue;
        if (apr_bucket_read(b, &data, &length, APR_BLOCK_READ) != APR_SUCCESS)
            return HTTP_BAD_REQUEST;
        if ((rv = coral_body_add(r, body, data, length)) != APR_SUCCESS)
            return rv == APR_ENOMEM || APR_STATUS_IS_ENOSPC(rv) ? HTTP_INSUFFICIENT_STORAGE : HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* One read. Returns its status. */
static apr_status_t read_piece(request_rec *r, coral_body_t *body, apr_read_type_e block)
{
    apr_bucket_brigade *bb;
    apr_status_t rv;

    if (!r->input_filters) { /* a subrequest has no body of its own */
        body->read = 1;
        return APR_SUCCESS;
    }
    bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, block, AT_ONCE);
    if (rv == APR_SUCCESS && block == APR_NONBLOCK_READ && APR_BRIGADE_EMPTY(bb))
        rv = APR_EAGAIN;
    if (rv == APR_SUCCESS)
        body->status = take(r, body, bb);
    else if (!APR_STATUS_IS_EAGAIN(rv) && body->status == OK) /* else a filter of ours has said what went wrong */
        body->status = ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
    apr_brigade_destroy(bb);
    return rv;
}

int coral_body_read(request_rec *r, coral_body_t *body)
{
    if (body->read || body->status)
        return body->status;
    prepare(r, body);
    while (!body->read && body->status == OK)
        read_piece(r, body, APR_BLOCK_READ);
    if (body->read)
        finish(r, body);
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
    apr_off_t before = body->length;

    if (body->read)
        return 0;
    prepare(r, body);
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
        finish(r, body);
    return 0;
}

void coral_body_discard(request_rec *r, coral_body_t *body)
{
    empty(body);
    body->read = body->discarded = 1;
    if (r->expecting_100) { /* who has not sent it need not: the next request comes on another connection */
        body->drained = 1;
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    coral_body_offer(r, body);
}

/* Written by a script. */

void coral_body_begin(coral_body_t *body, apr_size_t buffer)
{
    empty(body);
    body->buffer = buffer;
    body->building = 1;
}

void coral_body_end(request_rec *r, coral_body_t *body)
{
    body->building = 0;
    apr_table_setn(r->headers_in, "Content-Length", apr_off_t_toa(r->pool, body->length));
    apr_table_unset(r->headers_in, "Transfer-Encoding");
    coral_body_offer(r, body);
}

apr_status_t coral_body_put(request_rec *r, coral_body_t *body, const char *data, apr_size_t length)
{
    apr_status_t rv;

    coral_body_begin(body, length);
    rv = coral_body_add(r, body, data, length);
    coral_body_end(r, body);
    return rv;
}

apr_status_t coral_body_put_file(request_rec *r, coral_body_t *body, const char *path, int clean)
{
    coral_spool_t spool;
    apr_off_t length;
    apr_status_t rv = coral_spool_open(&spool, path, !clean, &length);

    if (rv != APR_SUCCESS)
        return rv;
    empty(body);
    body->spool = spool;
    body->length = length;
    coral_body_end(r, body);
    return APR_SUCCESS;
}
