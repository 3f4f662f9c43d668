/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h - how a socket comes to its connection: out of a pool, in the line of one, or by a name and its addresses. Behind connect(). */
#ifndef CORAL_DIAL_H
#define CORAL_DIAL_H

#include "socket.h"

/* [vm] connect(host, port, options), connect("unix:/path", options) of the socket at 1, which is s, as a Lua function: 1, or nil and why.
 * options: pool, pool_size, backlog. */
int coral_dial(lua_State *L, coral_socket_t *s);

#endif
