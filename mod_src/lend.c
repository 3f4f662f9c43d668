/* SPDX-License-Identifier: Apache-2.0 */
#include "lend.h"

#include "apr_portable.h"

void coral_lend_body(request_rec *sub, const coral_body_t *body)
{
    static const coral_spool_t none = CORAL_SPOOL_NONE;
    coral_body_t *loan = apr_pcalloc(sub->pool, sizeof(*loan)); /* without a cleanup: it is not ours */

    loan->spool = none;
    apr_table_unset(sub->headers_in, "Content-Length");
    apr_table_unset(sub->headers_in, "Transfer-Encoding");
    if (body) {
        loan->data = body->data;
        loan->spool = body->spool;
        loan->length = body->length;
        apr_table_setn(sub->headers_in, "Content-Length", apr_psprintf(sub->pool, "%" APR_OFF_T_FMT, body->length));
    }
    loan->read = loan->drained = 1;
    coral_body_offer(sub, loan);
    sub->expecting_100 = 0;
}

void coral_lend_kept(request_rec *sub, const coral_body_t *body)
{
    apr_bucket_alloc_t *alloc = sub->connection->bucket_alloc;
    apr_os_file_t fd;
    apr_file_t *file;

    sub->kept_body = body ? apr_brigade_create(sub->pool, alloc) : NULL;
    if (!body || !body->length)
        return;
    fd = body->spool.fd;
    if (fd < 0)
        APR_BRIGADE_INSERT_TAIL(sub->kept_body, apr_bucket_immortal_create(body->data, (apr_size_t)body->length, alloc));
    else if (apr_os_file_put(&file, &fd, APR_FOPEN_READ, sub->pool) == APR_SUCCESS)
        apr_brigade_insert_file(sub->kept_body, file, 0, body->length, sub->pool);
}
