/* SPDX-License-Identifier: Apache-2.0 */
/* stay.h - a short stay on a keep-alive connection.
 *
 * Under the event MPM half of what a small request costs is the way back: the connection goes to the listener, the next request to
 * another thread. After a response of Lua's the thread rather waits a moment for the client's next request, as long as enough
 * others are idle, and only on connections that made use of it before. Other connections are not touched. */
#ifndef CORAL_STAY_H
#define CORAL_STAY_H

#include "coral.h"

/* [start] milliseconds: the longest stay; 0: none. */
void coral_stay_set(int milliseconds);
void coral_stay_child_init(void);
void coral_stay_register(void);

/* [r] Lua has answered this request: its connection may be stayed on. */
void coral_stay_allow(request_rec *r);

#endif
