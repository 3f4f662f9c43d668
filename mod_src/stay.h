/* SPDX-License-Identifier: Apache-2.0 */
/* stay.h - a short stay on a keep-alive connection.
 *
 * Under the event MPM half of what a small request costs is the way back: the connection goes to the listener, the next request to
 * another thread. After a response of Lua's the connection rather keeps its thread for a moment, for the client's next request, as
 * long as enough others are idle, and not where that was in vain. It waits in the lounge, or, if its requests are no guests for that, on
 * its thread. Other connections are not touched. */
#ifndef CORAL_STAY_H
#define CORAL_STAY_H

#include "lounge.h"

/* [start] milliseconds: the longest stay; 0: none. */
void coral_stay_set(int milliseconds);
void coral_stay_child_init(apr_pool_t *pchild);

/* [r] Lua has answered this request: its connection may be stayed on. */
void coral_stay_allow(request_rec *r);

/* [r] The request was parked for long: others of its connection will be, and need this thread of httpd's for that. */
void coral_stay_alone(conn_rec *c);

/* [r] For serve.c: a thread takes a connection, lets it go; in between, whether the next request has come and is to be served.
 * Those before it were served meanwhile, by calls of round(c, data) and away(c) in threads of the loop (lounge.h). */
void coral_stay_enter(void);
void coral_stay_leave(conn_rec *c);
int coral_stay(conn_rec *c, coral_round_t *round, coral_away_t *away, void *data);

/* [any] How many threads of the child have a connection. */
int coral_stay_busy(void);

/* [any] Two thirds of the threads are at work. */
int coral_stay_is_crowded(void);

#endif
