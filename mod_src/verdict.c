/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include "capture.h"

/* What the script set for the client goes along with an error page or a redirect: httpd keeps only err_headers_out then. */
static void keep_headers(request_rec *r)
{
    static const char *const of_content[] = { "Content-Length", "Content-MD5", "Content-Range", "ETag", "Last-Modified", "Location" };
    const apr_array_header_t *headers = apr_table_elts(r->headers_out);
    apr_size_t k;
    int i;

    for (i = 0; i < headers->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(headers, i, apr_table_entry_t);

        for (k = 0; k < sizeof(of_content) / sizeof(of_content[0]); k++)
            if (!ap_cstr_casecmp(header->key, of_content[k]))
                break;
        if (k == sizeof(of_content) / sizeof(of_content[0]))
            apr_table_addn(r->err_headers_out, header->key, header->val);
    }
}

/* The script has named the status of the response. What it has written goes with it; without that, errors and redirects are httpd's to
 * word, if it knows them. */
static int end_with(coral_request_t *rq, int status)
{
    coral_response_t *response = &rq->response;
    int written = response->started || response->length;

    if (!response->started && !(written && response->status_set)) {
        int known = coral_response_status(response, status);

        if (!written && status >= 300 && known) {
            rq->r->status = rq->first_status; /* or httpd takes it for an error while it answers one */
            keep_headers(rq->r);
            return status;
        }
    }
    else if (response->started && status != rq->r->status && status != HTTP_OK && status != HTTP_REQUEST_TIME_OUT && status != 444
             && status != 499) /* those only say that it ends */
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, rq->r,
                      "attempt to set status %d via ngx.exit after sending out the response status %d", status, rq->r->status);
    coral_response_finish(response);
    return DONE;
}

static int give_up(coral_request_t *rq)
{
    if (rq->response.started) {
        coral_response_cut(&rq->response);
        return DONE;
    }
    coral_response_clear(&rq->response);
    rq->r->status = rq->first_status; /* what a script has set would look like an error of an error page */
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int go_elsewhere(coral_request_t *rq)
{
    const char *uri = rq->exec_uri;

    rq->exec_uri = NULL;
    ap_internal_redirect(uri, rq->r); /* request.c sees to exec_named */
    return DONE;
}

int coral_verdict(coral_run_t *run)
{
    coral_request_t *rq = run->rq;

    coral_capture_end(rq->r);
    if (run->answer == CORAL_FAILED)
        return give_up(rq);
    if (run->answer == CORAL_EXITED && rq->exec_uri)
        return go_elsewhere(rq);
    if (run->answer != CORAL_NOTHING && run->status >= 100)
        return end_with(rq, run->status);
    if (run->answer != CORAL_NOTHING && run->status < DONE) /* a filter has answered the client already */
        return run->status;
    if (rq->response.started || rq->response.length || rq->response.finished) {
        coral_response_finish(&rq->response); /* who writes the response has answered the request */
        return DONE;
    }
    if (run->answer == CORAL_EXITED && run->status == OK)
        return DECLINED;
    return run->answer == CORAL_NOTHING ? DECLINED : run->status;
}
