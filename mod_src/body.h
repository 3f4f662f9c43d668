/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the body of a request, read whole. LimitRequestBody is the limit. */
#ifndef CORAL_BODY_H
#define CORAL_BODY_H

#include "coral.h"

typedef struct {
    char *data;
    apr_size_t length, size;
    int read;   /* there is nothing more to read */
    apr_time_t until; /* so long the client may take for the next piece */
    int status; /* OK, or the HTTP status of what went wrong */
} coral_body_t;

/* [r] Reads what the client sends, waiting for it, and leaves it to whoever reads after us (a proxy, a CGI script). Returns the
 * status. */
int coral_body_read(request_rec *r, coral_body_t *body);

/* [r] The same without waiting: 1: call again when there is more to read, or at `when`; 0: done, see status. */
int coral_body_pull(request_rec *r, coral_body_t *body, apr_time_t *when);

/* [r] Tells a client that waits for it that it may send the body (100-continue): httpd does that only where it waits itself. */
void coral_body_invite(request_rec *r);

/* [r] Puts the filter that hands the body out into a request that has taken it over. */
void coral_body_offer(request_rec *r, coral_body_t *body);

/* [start] */
void coral_body_register(void);

#endif
