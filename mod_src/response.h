/* SPDX-License-Identifier: Apache-2.0 */
/* response.h - what a request has written and not passed on yet. Lua only fills the buffer; the connection is touched by the other
 * functions, while no Lua state is held. */
#ifndef CORAL_RESPONSE_H
#define CORAL_RESPONSE_H

#include "coral.h"

/* httpd waits for the client when it is to write more than this (FlushMaxThreshold, 64 KB) at once. */
#define CORAL_RESPONSE_PIECE (48 * 1024)

/* With so much in the buffer whoever can wait passes it on. */
#define CORAL_RESPONSE_BUFFER (64 * 1024)

typedef struct {
    request_rec *r;
    const char *default_type;
    char *data;
    apr_size_t length, size;
    apr_bucket_brigade *pending; /* on its way, piece by piece */
    int unflushed;
    int filters;  /* the filters the configuration asks for are in */
    int started;  /* something went down the filters, the headers with it … */
    int status;   /* … and this status */
    int aborted;  /* the client is gone */
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

/* [r] The same without waiting for the client, as far as it takes it. 0: all of it; 1: call again when the client can be written to;
 * at the end, with last, what is left is so little that coral_response_finish() will not wait. */
typedef enum { CORAL_PASS, CORAL_FLUSH, CORAL_LAST } coral_push_e;
int coral_response_push(coral_response_t *response, coral_push_e how);

/* [start] */
void coral_response_register(void);

/* [r] What is written from here on goes to the client as it is, and what it sends is read as it is; the connection ends with the request. */
void coral_response_become_raw(coral_response_t *response);

/* [r] Passes on what is there and ends the response. */
apr_status_t coral_response_finish(coral_response_t *response);

/* [r] The end of the response goes to the client now, not when the request is over. */
void coral_response_flush_end(coral_response_t *response);

/* [r] The response has begun and cannot be finished: the client is made to see that it is cut. */
void coral_response_cut(coral_response_t *response);

#endif
