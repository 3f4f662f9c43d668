/* SPDX-License-Identifier: Apache-2.0 */
/* answer.h - the response of a subrequest, kept in memory: the last of its output filters keeps the body. */
#ifndef CORAL_ANSWER_H
#define CORAL_ANSWER_H

#include "coral.h"

typedef struct {
    int status; /* whoever makes the subrequest says */
    apr_table_t *headers;
    char *data; /* NULL: nothing has come */
    apr_size_t length, size;
    int truncated;
    int error; /* status that came in place of a response; 0: none did */

    /* answer.c's own */
    ap_filter_t filter;
    request_rec *r;
    const char *uri;
    apr_size_t limit;
    int header_only;
} coral_answer_t;

/* [r] Empty so far, zeroed before. r: asks for it; uri: what it asks for; limit: so many bytes of the body are kept. Returns the last output
 * filter of the subrequest. The data go with the pool. */
ap_filter_t *coral_answer_open(coral_answer_t *a, apr_pool_t *p, request_rec *r, const char *uri, int header_only, apr_size_t limit);

/* [r] The headers, of the subrequest or the last it was redirected to. failed: httpd would have worded the response. */
void coral_answer_keep_headers(coral_answer_t *a, apr_pool_t *p, request_rec *last, int failed);

/* [start] */
void coral_answer_register(void);

#endif
