/* SPDX-License-Identifier: Apache-2.0 */
/* capture.h - subrequests whose response is kept for Lua: ngx.location.capture.
 *
 * They are run inside a wait (coral_capture_perform), by the thread that has the connection of the request they are made for. One that is
 * answered by a script of ours which waits is left waiting: the next one begins meanwhile, and the whole request can be parked. What it
 * waits for wakes the wait, so it goes on in the same place. So of a request and those it captures only one runs at a time. */
#ifndef CORAL_CAPTURE_H
#define CORAL_CAPTURE_H

#include "answer.h"
#include "park.h"
#include "request.h"
#include "strand.h"

typedef enum { CORAL_VARIABLES_OWN, CORAL_VARIABLES_COPIED, CORAL_VARIABLES_SHARED } coral_variables_e;

typedef struct coral_capture_batch_t coral_capture_batch_t;

/* One subrequest. */
typedef struct coral_capture_t coral_capture_t;
struct coral_capture_t {
    coral_capture_t *next;
    coral_capture_batch_t *batch;

    /* What is asked for; of the batch's pool. */
    const char *method, *uri;
    coral_body_t body; /* a text */
    int has_body;
    int forwards;      /* instead of it the body of the request that asks, which has been read */
    apr_table_t *headers, *variables; /* NULL: none */
    coral_variables_e inherits;
    int ctx_ref;      /* registry slot of its ngx.ctx, LUA_NOREF: its own */

    /* What has come of it. */
    coral_answer_t answer;

    /* capture.c's own */
    enum { CORAL_CAPTURE_FRESH, CORAL_CAPTURE_WAITING, CORAL_CAPTURE_OVER } state;
    request_rec *r; /* the subrequest, while it is there */
    ap_filter_t *last_filter; /* of its output filters: the answer's */
    int processed; /* it has passed all phases before the handler */
    const coral_parking_t *parking; /* of the script that waits */
    void *parked;
};

/* Those of one call. */
struct coral_capture_batch_t {
    coral_capture_batch_t *next; /* of the request */
    apr_pool_t *pool;
    request_rec *r; /* it is for */
    coral_vm_t *vm;  /* the state that waits */
    apr_size_t limit; /* of a response's body */
    coral_capture_t *first, **last;
    coral_wait_t *wait; /* NULL: nobody waits any more; it ends with the request */
};

/* [vm] For the captures of one call. */
coral_capture_batch_t *coral_capture_open(coral_request_t *rq, coral_vm_t *vm);
coral_capture_t *coral_capture_add(coral_capture_batch_t *batch);

/* [r] perform() of a wait for the batch. */
int coral_capture_perform(coral_capture_batch_t *batch, coral_wait_t *w);

/* [vm] The wait is over before the captures are: they will be ended. */
void coral_capture_leave(lua_State *L, coral_capture_batch_t *batch);

/* [vm] They are over, and what has come of them has been seen. */
void coral_capture_close(lua_State *L, coral_capture_batch_t *batch);

/* [r] Ends what nobody waits for any more. */
void coral_capture_end(request_rec *r);

/* [r] Whether a content handler may be parked with the request that captures this one, and how. */
int coral_capture_can(request_rec *r);
extern const coral_parker_t coral_capture_parker;

/* [start] */
void coral_capture_register(void);
void coral_capture_child_init(apr_pool_t *pchild);

#endif
