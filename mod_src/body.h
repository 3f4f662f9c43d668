/* SPDX-License-Identifier: Apache-2.0 */
/* body.h - the body of a request: what the client has sent, or what a script has put in its place. In memory as long as it is small, in
 * a file when it grows (spool.h). Whoever reads from the request afterwards (a proxy, a CGI script) gets the same. */
#ifndef CORAL_BODY_H
#define CORAL_BODY_H

#include "conf.h"
#include "spool.h"

typedef struct {
    char *data; /* in memory, malloc; nothing if it is in a file */
    apr_size_t size;
    coral_spool_t spool; /* in a file */
    apr_off_t length;
    apr_size_t buffer; /* so much may be in memory */
    int read;          /* there is nothing more to read, or not for us: a socket has it */
    int discarded;
    int building;      /* between begin and end */
    int status;        /* OK, or the HTTP status of what went wrong */
    int drained;       /* the client has sent all of it */
    int taking;        /* … and that is being read */
    apr_time_t until;  /* so long the client may take for the next piece */
    apr_off_t handed;  /* so much was handed out to who comes after us */
    ap_filter_t *filter; /* does that */
} coral_body_t;

/* [r] An empty one, not read. It ends with the request's pool. */
coral_body_t *coral_body_make(request_rec *r);

/* [r] Reads what the client sends, waiting for it. LimitRequestBody is the limit. Returns the status. */
int coral_body_read(request_rec *r, coral_body_t *body);

/* [r] The same without waiting: 1: call again when there is more to read, or at `when`; 0: done, see status. */
int coral_body_pull(request_rec *r, coral_body_t *body, apr_time_t *when);

/* [r] Tells a client that waits for it that it may send the body (100-continue): httpd does that only where it waits itself. */
void coral_body_invite(request_rec *r);

/* [r] One read from the client itself, past what is handed out. */
apr_status_t coral_body_take(request_rec *r, coral_body_t *body, apr_bucket_brigade *bb, apr_read_type_e block, apr_off_t most);

/* [vm] What the client sends is of no interest: httpd throws it away in its own time. */
void coral_body_discard(request_rec *r, coral_body_t *body);

/* [vm] Another body, which is there for who comes after us when it is whole; Content-Length is set then. put: all at once. put_file:
 * what a file holds; clean: the file is removed with the body. begin, add …, end: piece by piece; buffer: so much may be in memory. */
apr_status_t coral_body_put(request_rec *r, coral_body_t *body, const char *data, apr_size_t length);
apr_status_t coral_body_put_file(request_rec *r, coral_body_t *body, const char *path, int clean);
void coral_body_begin(coral_body_t *body, apr_size_t buffer);
apr_status_t coral_body_add(request_rec *r, coral_body_t *body, const char *data, apr_size_t length);
void coral_body_end(request_rec *r, coral_body_t *body);

/* [vm] length bytes at an offset. */
apr_status_t coral_body_copy(const coral_body_t *body, apr_off_t offset, char *data, apr_size_t length);

/* [vm] The name of its file, which gets one if it has none; NULL if it is in memory, or there is no room for a name (it is logged). */
const char *coral_body_name(request_rec *r, coral_body_t *body);

/* [r] Nobody comes after us. */
void coral_body_spend(coral_body_t *body);

/* [r] Hands the body out to who reads from the request. */
void coral_body_offer(request_rec *r, coral_body_t *body);

/* [start] */
void coral_body_register(apr_pool_t *p);

#endif
