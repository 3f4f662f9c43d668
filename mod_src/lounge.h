/* SPDX-License-Identifier: Apache-2.0 */
/* lounge.h - where connections that are stayed on wait together for their next requests.
 *
 * A connection between two requests is a guest of the loop, and the loop's threads serve what comes: a few threads that are always
 * busy instead of many that each sleep and wake for one request. The thread httpd has given to the connection sleeps meanwhile, so that
 * there is always one to take it back. */
#ifndef CORAL_LOUNGE_H
#define CORAL_LOUNGE_H

#include "coral.h"

/* A request is served. Whether the connection may go on waiting for others. */
typedef int coral_round_t(conn_rec *c, void *data);

typedef enum {
    CORAL_LOUNGE_CLOSED,  /* there is none: nothing has happened */
    CORAL_LOUNGE_IDLE,    /* no request came in time */
    CORAL_LOUNGE_LEFT,    /* a round has said no */
    CORAL_LOUNGE_WEIGHTY  /* a request took long or held its thread up; the connection may be stayed on, but not here */
} coral_lounge_e;

/* [start] milliseconds: how long a guest waits for a request. */
apr_status_t coral_lounge_child_init(apr_pool_t *pchild, int milliseconds);

/* [r] The caller sleeps while the connection is a guest. round() is called in threads of the loop, as often as a request comes, never in
 * two at a time. */
coral_lounge_e coral_lounge_wait(conn_rec *c, coral_round_t *round, void *data);

/* [any] How many guests there are. */
int coral_lounge_count(void);

#endif
