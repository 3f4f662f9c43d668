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

/* [r] Reads what the client sends, waiting for it. Returns the status. */
int coral_body_read(request_rec *r, coral_body_t *body);

#endif
