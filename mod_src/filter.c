/* SPDX-License-Identifier: Apache-2.0 */
#include "filter.h"

#include "stretch.h"

static ap_filter_rec_t *header_rec, *body_rec, *refuse_rec;

/* The client gets a 500, or, when it has the headers already, a response that is seen to be cut. */
static apr_status_t break_off(ap_filter_t *f, request_rec *r)
{
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    int begun = r->sent_bodyct || r->bytes_sent;

    coral_request_of(r)->failed = 1;
    if (begun)
        r->connection->keepalive = AP_CONN_CLOSE;
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(begun ? HTTP_BAD_GATEWAY : HTTP_INTERNAL_SERVER_ERROR, NULL, r->pool,
                                                       bb->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
    ap_remove_output_filter(f);
    ap_pass_brigade(f->next, bb);
    return AP_FILTER_ERROR;
}

static apr_status_t refuse(ap_filter_t *f, apr_bucket_brigade *bb)
{
    apr_brigade_cleanup(bb);
    return break_off(f, f->r);
}

void coral_filter_refuse(request_rec *r)
{
    ap_add_output_filter_handle(refuse_rec, NULL, r, r->connection);
}

/* The scripts of header_filter, once, when the first of the response comes by: before the body's filter or after it, whichever meets it
 * first, so that what they find out is known to body_filter. 0: one failed. */
static int run_header_filter(request_rec *r)
{
    apr_array_header_t *hooks = coral_conf_of(r)->hooks[CORAL_PHASE_header_filter];
    coral_request_t *rq = coral_request_of(r);
    int i;

    if (rq->header_filtered || r->main)
        return 1;
    rq->header_filtered = 1;
    for (i = 0; hooks && i < hooks->nelts; i++) {
        coral_run_t run = { 0 };

        coral_run_whole(&run, r, CORAL_PHASE_header_filter, APR_ARRAY_IDX(hooks, i, const coral_script_t *));
        if (run.answer == CORAL_FAILED)
            return 0;
    }
    return 1;
}

static apr_status_t filter_header(ap_filter_t *f, apr_bucket_brigade *bb)
{
    if (!run_header_filter(f->r)) {
        apr_brigade_cleanup(bb);
        return break_off(f, f->r);
    }
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/* What a filter that sees the content keeps between two calls. */
typedef struct {
    coral_stretch_t *first; /* the scripts, one after the other */
    int over;               /* the end has been passed on, what still comes is dropped */
} content_t;

/* Sends a piece of content, and the end if it is the last, through the scripts; what comes out is put at the end of `out`. */
static int transform(content_t *content, request_rec *r, apr_bucket_brigade *in, int last, apr_bucket_brigade *out)
{
    coral_stretch_t *s;
    coral_piece_t piece;

    if (!coral_piece_take(&piece, in, last))
        return 0;
    for (s = content->first; s; s = s->next)
        if (!coral_stretch_run(s, r, &piece)) {
            coral_piece_drop(&piece);
            return 0;
        }
    content->over = piece.last;
    coral_piece_put(&piece, out);
    if (content->over)
        APR_BRIGADE_INSERT_TAIL(out, apr_bucket_eos_create(out->bucket_alloc));
    return 1;
}

/* Goes through a brigade. Data is gathered up to CORAL_PIECE, buckets that mean something else stay where they are in the stream. */
static apr_status_t filter_brigade(content_t *content, request_rec *r, apr_bucket_brigade *bb, apr_bucket_brigade *out,
                                   apr_status_t (*flow)(void *to, apr_bucket_brigade *out), void *to)
{
    apr_bucket_brigade *data = apr_brigade_create(r->pool, bb->bucket_alloc);
    apr_off_t gathered = 0;
    apr_status_t rv = APR_SUCCESS;

    while (!APR_BRIGADE_EMPTY(bb) && !content->over && rv == APR_SUCCESS) {
        apr_bucket *b = APR_BRIGADE_FIRST(bb);
        int eos = APR_BUCKET_IS_EOS(b), meta = APR_BUCKET_IS_METADATA(b);
        const char *bytes;
        apr_size_t length = 0;

        if (!meta && (rv = apr_bucket_read(b, &bytes, &length, APR_BLOCK_READ)) != APR_SUCCESS)
            break;
        if (gathered + (apr_off_t)length > CORAL_PIECE) { /* a mapped file comes in megabytes */
            length = (apr_size_t)(CORAL_PIECE - gathered);
            apr_bucket_split(b, length);
        }
        APR_BUCKET_REMOVE(b);
        if (!meta) {
            APR_BRIGADE_INSERT_TAIL(data, b);
            gathered += length;
        }
        if ((eos || (meta && gathered) || gathered >= CORAL_PIECE) && !transform(content, r, data, eos, out))
            rv = APR_EGENERAL;
        if (eos || (meta && rv != APR_SUCCESS))
            apr_bucket_destroy(b);
        else if (meta)
            APR_BRIGADE_INSERT_TAIL(out, b);
        if (meta || gathered >= CORAL_PIECE) {
            gathered = 0;
            if (rv == APR_SUCCESS && flow)
                rv = flow(to, out);
        }
    }
    if (rv == APR_SUCCESS && gathered && !transform(content, r, data, 0, out))
        rv = APR_EGENERAL;
    apr_brigade_destroy(data);
    apr_brigade_cleanup(bb);
    return rv;
}

static apr_status_t pass_on(void *f_, apr_bucket_brigade *out)
{
    ap_filter_t *f = f_;
    apr_status_t rv = APR_BRIGADE_EMPTY(out) ? APR_SUCCESS : ap_pass_brigade(f->next, out);

    apr_brigade_cleanup(out);
    return rv;
}

static apr_status_t filter_output(ap_filter_t *f, apr_bucket_brigade *bb, content_t *content)
{
    request_rec *r = f->r;
    apr_bucket_brigade *out;
    apr_status_t rv;

    if (content->over) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (APR_BRIGADE_EMPTY(bb))
        return ap_pass_brigade(f->next, bb);
    out = apr_brigade_create(r->pool, bb->bucket_alloc);
    rv = filter_brigade(content, r, bb, out, pass_on, f);
    if (rv == APR_SUCCESS)
        rv = pass_on(f, out);
    else if (rv == APR_EGENERAL) {
        apr_brigade_cleanup(out);
        content->over = 1;
        rv = break_off(f, r);
    }
    apr_brigade_destroy(out);
    return rv;
}

/* What a changed content makes untrue. */
static void forget_length(request_rec *r)
{
    apr_table_unset(r->headers_out, "Content-Length");
    apr_table_unset(r->headers_out, "Content-MD5");
}

static apr_status_t filter_body(ap_filter_t *f, apr_bucket_brigade *bb)
{
    content_t *content = f->ctx;

    if (!content) {
        apr_array_header_t *hooks = coral_conf_of(f->r)->hooks[CORAL_PHASE_body_filter];
        int i = hooks ? hooks->nelts : 0;

        if (!run_header_filter(f->r)) {
            apr_brigade_cleanup(bb);
            return break_off(f, f->r);
        }
        f->ctx = content = apr_pcalloc(f->r->pool, sizeof(*content));
        while (i--)
            content->first = coral_stretch_make(f->r, NULL, APR_ARRAY_IDX(hooks, i, const coral_script_t *), content->first);
        forget_length(f->r);
    }
    return filter_output(f, bb, content);
}

/* A filter of the administrator's. NULL: this server has none of that name, the other one that has gave it to httpd. */
static content_t *named(ap_filter_t *f)
{
    const coral_script_t *script =
        apr_hash_get(coral_conf_of_server(f->r->server)->filters, f->frec->name, APR_HASH_KEY_STRING);
    content_t *content;

    if (f->ctx || !script)
        return f->ctx;
    f->ctx = content = apr_pcalloc(f->r->pool, sizeof(*content));
    content->first = coral_stretch_make(f->r, f->frec->name, script, NULL);
    return content;
}

static apr_status_t filter_named_output(ap_filter_t *f, apr_bucket_brigade *bb)
{
    int fresh = !f->ctx;
    content_t *content = named(f);

    if (!content) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    if (fresh)
        forget_length(f->r);
    return filter_output(f, bb, content);
}

static apr_status_t filter_named_input(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode, apr_read_type_e block,
                                       apr_off_t readbytes)
{
    content_t *content = named(f);
    apr_bucket_brigade *in;
    apr_status_t rv;

    if (!content || mode != AP_MODE_READBYTES)
        return ap_get_brigade(f->next, bb, mode, block, readbytes);
    if (content->over) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
        return APR_SUCCESS;
    }
    in = apr_brigade_create(f->r->pool, f->c->bucket_alloc);
    do { /* a script that keeps everything for later must not look like the end */
        rv = ap_get_brigade(f->next, in, mode, block, readbytes);
        if (rv == APR_SUCCESS)
            rv = filter_brigade(content, f->r, in, bb, NULL, NULL);
    } while (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(bb) && block == APR_BLOCK_READ);
    apr_brigade_destroy(in);
    if (rv == APR_EGENERAL) {
        content->over = 1;
        coral_request_of(f->r)->body->status = HTTP_INTERNAL_SERVER_ERROR;
    }
    return rv;
}

int coral_filter_is_free(const char *name, int input)
{
    const ap_filter_rec_t *rec = input ? ap_get_input_filter_handle(name) : ap_get_output_filter_handle(name);

    return !rec || (input ? rec->filter_func.in_func == filter_named_input : rec->filter_func.out_func == filter_named_output);
}

void coral_filter_name(const char *name, int input)
{
    if (input)
        ap_register_input_filter(name, filter_named_input, NULL, AP_FTYPE_RESOURCE);
    else
        ap_register_output_filter_protocol(name, filter_named_output, NULL, AP_FTYPE_RESOURCE,
                                           AP_FILTER_PROTO_CHANGE | AP_FILTER_PROTO_CHANGE_LENGTH);
}

/* The order of the two does not matter: their types keep the body before mod_deflate and the headers behind it. */
void coral_filter_insert(request_rec *r)
{
    const coral_conf_t *conf = coral_conf_of(r);

    if (conf->hooks[CORAL_PHASE_body_filter])
        ap_add_output_filter_handle(body_rec, NULL, r, r->connection);
    coral_filter_insert_error(r);
}

void coral_filter_insert_error(request_rec *r)
{
    coral_request_t *rq = coral_request_existing(r);

    if (!coral_conf_of(r)->hooks[CORAL_PHASE_header_filter] || r->main || (rq && rq->failed))
        return;
    coral_request_of(r)->header_filtered = 0; /* an error page has headers of its own */
    ap_add_output_filter_handle(header_rec, NULL, r, r->connection);
}

void coral_filter_register(void)
{
    header_rec = ap_register_output_filter("coral_header_filter", filter_header, NULL, AP_FTYPE_CONTENT_SET + 5);
    body_rec = ap_register_output_filter_protocol("coral_body_filter", filter_body, NULL, AP_FTYPE_RESOURCE,
                                                  AP_FILTER_PROTO_CHANGE | AP_FILTER_PROTO_CHANGE_LENGTH);
    refuse_rec = ap_register_output_filter("coral_refuse", refuse, NULL, AP_FTYPE_RESOURCE - 1);
}
