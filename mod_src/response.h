/* SPDX-License-Identifier: Apache-2.0 */
/* response.h - what a request has written and not passed on yet. Lua only fills the buffer; the connection is touched by the other
 * functions, while no Lua state is held. */
#ifndef CORAL_RESPONSE_H
#define CORAL_RESPONSE_H

#include "coral.h"

/* With so much in the buffer whoever can wait passes it on. */
#define CORAL_RESPONSE_BUFFER (64 * 1024)

typedef struct {
    request_rec *r;
    const char *default_type;
    char *data;
    apr_size_t length, size;
    int filters;  /* the filters the configuration asks for are in */
    int started;  /* something went down the filters, the headers with it */
    int finished; /* nothing may follow */
    int status_set; /* the status was said by name: an exit does not change it */
} coral_response_t;

/* [vm] 0: no memory. */
int coral_response_write(coral_response_t *response, const char *data, apr_size_t length);

/* [vm] Sets the status. One that httpd has no words for gets a status line of its own, or httpd would send 500. Returns whether httpd
 * knows it. */
int coral_response_status(coral_response_t *response, int status);

/* [vm] Forgets what is in the buffer. */
void coral_response_clear(coral_response_t *response);

/* [r] Passes on what is there; flush: right to the client. Returns the filters' status. */
apr_status_t coral_response_pass(coral_response_t *response, int flush);

/* [r] Passes on what is there and ends the response. */
apr_status_t coral_response_finish(coral_response_t *response);

/* [r] The end of the response goes to the client now, not when the request is over. */
void coral_response_flush_end(coral_response_t *response);

/* [r] The response has begun and cannot be finished: the client is made to see that it is cut. */
void coral_response_cut(coral_response_t *response);

#endif
