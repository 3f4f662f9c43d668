/* SPDX-License-Identifier: Apache-2.0 */
/* plug.h - a socket as LuaSocket's face (lua_lib/coral/luasocket) holds it: calls that never wait, and one that waits. Shared by its
 * topics: api_plug.c (the calls), api_plug_tls.c, api_sockopt.c, api_select.c. [vm], all of it. Errors are in LuaSocket's words.
 *
 * A plug belongs to the run it was made in, as a cosocket does; in an init hook, where there is no run, to that. Afterwards it is closed. */
#ifndef CORAL_PLUG_H
#define CORAL_PLUG_H

#include "glue.h"
#include "net.h"

#include <poll.h>

typedef struct {
    coral_belonging_t belonging;
    coral_run_t *run; /* NULL: an init hook's, or its run is over */
    coral_net_t *net; /* NULL: closed */
    int family, type;
    int reading, writing, selecting; /* light threads that wait for it */
    int doomed;                      /* it was closed while they did; the last of them does it */
    apr_uint64_t received, sent;
    apr_time_t since;
} coral_plug_t;

/* A closed one, on top. */
coral_plug_t *coral_plug_push(lua_State *L);

coral_plug_t *coral_check_plug(lua_State *L, int index);

/* Its connection; NULL: it is closed, or another run's. */
coral_net_t *coral_plug_net(lua_State *L, coral_plug_t *plug);

/* Closes it as soon as nobody waits for it. */
void coral_plug_close(coral_plug_t *plug);

/* One who waited for it does not any more; closes it if it is to be. Whether it is still open. */
int coral_plug_released(coral_plug_t *plug);

/* nil and what LuaSocket calls the error. */
int coral_plug_fail(lua_State *L, int error);

/* What a call returns that has to wait: false and the direction, for wait(). need: CORAL_NET_READ or CORAL_NET_WRITE. */
int coral_plug_would_block(lua_State *L, int need);

/* An address at index, the bytes of a sockaddr. And what is in one: host, port and family, or the path of a local one. */
coral_address_t *coral_check_address(lua_State *L, int index, coral_address_t *address);
int coral_push_address(lua_State *L, const coral_address_t *address);

/* Seconds since 1970 at index as a moment; nil: CORAL_NEVER. */
apr_time_t coral_check_moment(lua_State *L, int index);

/* Where Lua cannot wait (init hooks) the thread does: until one of the descriptors is ready, or the moment has come, or the child is to
 * stop. Whether one is ready. */
int coral_poll_here(struct pollfd *fds, unsigned int count, apr_time_t until);

#endif
