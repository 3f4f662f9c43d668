/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the body of a request, read whole. LimitRequestBody is the limit. */
#ifndef CORAL_BODY_H
#define CORAL_BODY_H

#include "coral.h"

typedef struct {
    char *data;
    apr_size_t length, size;
    int read;   /* there is nothing more to read */
    int status; /* OK, or the HTTP status of what went wrong */
} coral_body_t;

/* [r] Reads what the client sends, waiting for it, and leaves it to whoever reads after us (a proxy, a CGI script). Returns the
 * status. */
int coral_body_read(request_rec *r, coral_body_t *body);

/* [r] Puts the filter that hands the body out into a request that has taken it over. */
void coral_body_offer(request_rec *r, coral_body_t *body);

/* [start] */
void coral_body_register(void);

#endif
