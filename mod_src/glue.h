/* SPDX-License-Identifier: Apache-2.0 */
/* glue.h - what the api_*.c files share: who calls, and values to and fro. [vm], all of it */
#ifndef CORAL_GLUE_H
#define CORAL_GLUE_H

#include "run.h"

/* The opener of a topic: `require "coral.<name>"`. */
#define CORAL_API(name)                                                                            \
    int coral_api_##name(lua_State *L);                                                            \
    int coral_api_##name(lua_State *L)

/* The run that calls; an error where there is no request (init hooks). */
coral_run_t *coral_here(lua_State *L);

/* The request that calls. */
request_rec *coral_request_here(lua_State *L);

/* The request of the `r` at index; an error when it is not the one being served now. */
coral_request_t *coral_check_r(lua_State *L, int index);

/* A string or nil; true pushes. */
int coral_push(lua_State *L, const char *value);

/* t[name] = value, a list where the name comes again; name and value are on top and are popped. */
void coral_add(lua_State *L, int t);

/* A string without a NUL: httpd would silently cut it there. opt: NULL for nil. */
const char *coral_check_text(lua_State *L, int index);
const char *coral_opt_text(lua_State *L, int index);

/* An error if the uri at index holds a control character; what it is, and what can be done, for the message. */
void coral_check_uri(lua_State *L, int index, const char *what, const char *hint);

/* A header's value: one line without control characters; copied to r->pool. Numbers and booleans are written out. */
const char *coral_check_header(lua_State *L, int index, request_rec *r);

/* A header's name, a token of RFC 9110; copied to r->pool. */
char *coral_check_header_name(lua_State *L, int index, request_rec *r);

/* Whether status and headers can still be set; if not, the attempt to set `what` is logged. */
int coral_headers_open(lua_State *L, const char *what);

/* The run, where its phase comes before the response and may see to it; else an error: the message and the phase's name. */
coral_run_t *coral_check_phase(lua_State *L, const char *message);
#define CORAL_DISABLED "API disabled in the context of"

/* nil and a message. */
int coral_fail(lua_State *L, const char *message);

/* Ends the run with a status, as ngx.exit does. */
int coral_exit(lua_State *L, int status);

/* Waits for work on the connection: perform (task.h) is done by the thread that has it. */
int coral_wait_for(lua_State *L, int (*perform)(void *run, coral_wait_t *w, int block), int (*results)(lua_State *L, coral_wait_t *w));

/* What a call returns that sent something: 1, or nil and that the client is gone. */
int coral_delivered(lua_State *L, coral_wait_t *w);

/* Whether what is written to a client of HTTP/1.0 is gathered, so that it is told the length (CoralHttp10Buffering). */
int coral_gathers(lua_State *L);

/* After something was written: passes it on when there is much and the caller can wait. Returns as coral_delivered(). */
int coral_written(lua_State *L);

#endif
