/* SPDX-License-Identifier: Apache-2.0 */
/* lounge.h - where connections that are stayed on wait together for their next requests.
 *
 * A connection between two requests is a guest of the loop, and the loop's threads serve what comes: a few threads that are always
 * busy instead of many that each sleep and wake for one request. A guest whose request waits, but not for long, goes on in the same
 * way. The thread httpd has given to the connection sleeps meanwhile, so that there is always one to take it back. */
#ifndef CORAL_LOUNGE_H
#define CORAL_LOUNGE_H

#include "coral.h"

/* A request that waits longer than this is parked, and its connection httpd's again. */
#define CORAL_LOUNGE_LONG apr_time_from_msec(50)

typedef enum {
    CORAL_ROUND_LEAVES,  /* the connection is httpd's again */
    CORAL_ROUND_STAYS,   /* the request is served, the connection may wait for the next */
    CORAL_ROUND_WAITING  /* the request waits: there will be a call for its connection */
} coral_round_e;

/* A request has come, or one that waited has called. */
typedef coral_round_e coral_round_t(conn_rec *c, void *data);

/* After CORAL_ROUND_WAITING: from here on there may be the call. */
typedef void coral_away_t(conn_rec *c);

typedef enum {
    CORAL_LOUNGE_CLOSED,  /* there is none: nothing has happened */
    CORAL_LOUNGE_IDLE,    /* no request came in time */
    CORAL_LOUNGE_LEFT,    /* a round has said so, or its request waits for long: what httpd has to do next is in the connection */
    CORAL_LOUNGE_WEIGHTY  /* a request took long or held its thread up; the connection may be stayed on, but not here */
} coral_lounge_e;

/* [start] milliseconds: how long a guest waits for a request. wanted(): whether the threads are needed, and all guests have to leave. */
apr_status_t coral_lounge_child_init(apr_pool_t *pchild, int milliseconds, int (*wanted)(void));

/* [r] The caller sleeps while the connection is a guest. round() is called in threads of the loop, as often as a request comes or
 * calls, never in two at a time. */
coral_lounge_e coral_lounge_wait(conn_rec *c, coral_round_t *round, coral_away_t *away, void *data);

/* [any] The request of a connection calls for it. 0: the connection is no guest, or not any more. */
int coral_lounge_call(conn_rec *c);

/* [any] How many guests there are. */
int coral_lounge_count(void);

#endif
