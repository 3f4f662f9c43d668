/* SPDX-License-Identifier: Apache-2.0 */
/* park.h - a request that waits gives its thread back: the only file that knows how httpd's event MPM is brought to that.
 *
 * The connection stays the MPM's, which waits for it to become readable; but the descriptor in its socket is, while it is parked, one of
 * ours (a wake descriptor). Writing to that brings the connection to a thread again. docs/parking.md has the whole story. */
#ifndef CORAL_PARK_H
#define CORAL_PARK_H

#include "sleeper.h"

/* What a parked request wants to be told. */
typedef struct {
    int watch_client; /* whether it wants to know when its client goes away */
    void (*away)(void *data);          /* [r] its connection is away; the request is data's now */
    int (*back)(void *data, int gone); /* [r] its connection is on this thread. gone: the client is. 0: park it again, else httpd's status */
    int (*lost)(void *data, apr_time_t until); /* [r] its connection is closed: the script is to be ended now. 0: it was run until then */
} coral_parking_t;

/* What a content handler returns whose request is parked, and back() for one that goes on waiting. */
#define CORAL_PARKED SUSPENDED

/* The status, in the access log, of a request whose connection was closed before it was answered; as nginx has it. */
#define CORAL_PARK_CLOSED 499

/* Where a request is parked: with the MPM (coral_park_mpm), or with the request that captures it (capture.h). */
typedef struct {
    int (*park)(request_rec *r, const coral_parking_t *parking, void *data); /* [r] as coral_park() */
    void (*wake)(request_rec *r, int *why);                                   /* [any] as coral_park_wake() */
    int (*take)(int *why);                                                    /* [r] as coral_park_take() */
    int holds; /* its run goes on only where the request is, not in the threads of the loop */
} coral_parker_t;
extern const coral_parker_t coral_park_mpm;

/* [start] most: parked requests of a child, 0: no limit but the descriptors. */
void coral_park_set_most(int most);
apr_status_t coral_park_child_init(apr_pool_t *pchild);

/* [start] The child ends, and httpd's threads have: what is still parked is ended and logged, as far as it can be in that time. */
void coral_park_end(apr_interval_time_t time);

void coral_park_register(void);

/* [r] Whether the content handler of a request can be parked here and now. */
int coral_park_can(request_rec *r);

/* [r] Parks: the handler returns what this returns. DECLINED: it cannot be done (no descriptors, too many), it is logged. */
int coral_park(request_rec *r, const coral_parking_t *parking, void *data);

/* [any] Brings the parked request back; why is set to 1 first, so that whoever has the connection then sees it. The request may be gone
 * when this returns. */
void coral_park_wake(request_rec *r, int *why);

/* [r] What was set so, and sets it to 0. */
int coral_park_take(int *why);

/* [r] The client of a request that can be parked, for waits; NULL where it cannot. */
coral_watch_t *coral_park_client(request_rec *r);

/* [any] How many there are in this child. */
int coral_park_count(void);

/* [r] For serve.c: before the hooks; instead of them, when a request was parked (for how long, in µs; 0: none was); after them (whether one
 * is now); and then, in the lounge, what the MPM's hook does else: the request is not the caller's any more. */
void coral_park_enter(conn_rec *c);
apr_interval_time_t coral_park_back(conn_rec *c);
int coral_park_leave(conn_rec *c);
void coral_park_away(conn_rec *c);

#endif
