/* SPDX-License-Identifier: Apache-2.0 */
/* socket.h - the userdata of a cosocket, and what its topics share: dial.c (how they are made), api_tcp.c (connections),
 * api_stream.c (what goes through them), api_udp.c, api_client.c. [vm], all of it. Its names, results and errors are OpenResty's. */
#ifndef CORAL_SOCKET_H
#define CORAL_SOCKET_H

#include "glue.h"
#include "net_pool.h"

typedef struct coral_socket_t {
    const char *kind;            /* coral_tcp_kind, coral_udp_kind */
    coral_belonging_t belonging; /* to the run that made it */
    coral_run_t *run;            /* NULL: that is over */
    coral_net_t *net;            /* NULL: not connected */
    coral_net_pool_t *pool;      /* where the connection counts */
    int was_connected;           /* once */
    int is_client;               /* the other side is the client of the request, not net */
    struct evbuffer *in;         /* read and not asked for: net's, or the client's */
    apr_interval_time_t connect_timeout, send_timeout, read_timeout;
    int connecting, reading, writing; /* a light thread is at it */

    /* What a light thread reads, and writes. */
    enum { CORAL_TAKE_SIZE, CORAL_TAKE_LINE, CORAL_TAKE_ALL, CORAL_TAKE_ANY, CORAL_TAKE_UNTIL } take;
    apr_size_t size, searched, sent;
    const char *pattern;
    apr_size_t pattern_length;
    int inclusive;
    apr_time_t read_until, send_until; /* 0: it has not had to wait yet, and nobody has looked at the clock */
    apr_time_t silent_until;           /* no answer to the last send is there before; 0: somebody has looked for one */
    int too_soon;                      /* to look */
    /* Of the client. */
    int client_eof;
    int client_status; /* httpd has something against what it sends: the run is to end with this */
    const char *client_error;
    const char *out;
    apr_size_t out_length;
    int raw;                      /* past HTTP: after an upgrade */
    coral_wait_t *waiter;         /* who waited for it last: of a pipe, that is closed under him … */
    const char *shut;             /* … what he is told */
    apr_bucket_brigade *pending;  /* [r] written and not taken yet */
} coral_socket_t;

extern const char coral_tcp_kind[], coral_udp_kind[], coral_client_kind[], coral_raw_kind[], coral_pipe_kind[];

/* The socket at index, of this run. */
coral_socket_t *coral_check_socket(lua_State *L, int index, const char *kind);

/* The same of any kind of stream. */
coral_socket_t *coral_check_stream(lua_State *L, int index);

/* A new one, on top, with a metatable's name. */
coral_socket_t *coral_push_socket(lua_State *L, const char *kind);

/* nil and what the error is called, in lower case. */
int coral_fail_with(lua_State *L, int error);

/* CoralSocketLogErrors: what the call fails with, which is on top. doing: connecting, reading … */
void coral_socket_log(lua_State *L, const coral_socket_t *s, const char *doing);

/* Closes the connection; another one may be made. */
void coral_socket_close(coral_socket_t *s);

/* A wait for the connection, to be returned. busy: the socket's connecting, reading or writing, which is set, until results() or the
 * waiter's end. */
int coral_socket_wait(lua_State *L, coral_socket_t *s, int *busy, int need, apr_time_t until,
                      int (*results)(lua_State *L, coral_wait_t *w));

/* bind(address, port): where a socket's connections, or datagrams, come from. 1, or nil and why. On its own: coral_socket_from(). */
int coral_socket_bind(lua_State *L, const char *kind);

/* The address the socket at 1 is bound to, NULL if it is none or not of the kind of `to`. It lasts as long as the socket is not bound anew. */
const coral_address_t *coral_socket_from(lua_State *L, const coral_address_t *to);

/* The port at index; returns NULL or what is wrong. */
const char *coral_check_port(lua_State *L, int index, int *port);

/* Milliseconds at index as an interval; 0 and nil: otherwise. */
apr_interval_time_t coral_check_timeout(lua_State *L, int index, apr_interval_time_t otherwise);

/* What a call returns that reads what the socket's take, size and read_until say, or writes the string at 2. Both may wait. */
int coral_stream_read(lua_State *L, coral_socket_t *s);
int coral_stream_write(lua_State *L, coral_socket_t *s);

/* A moment so far away; an interval of CORAL_NEVER never ends. */
apr_time_t coral_socket_until(apr_interval_time_t timeout);

/* [r] Reads from, and writes to, the client (client.c); data is the socket. */
int coral_socket_perform_read(void *run, coral_wait_t *w, int block);
int coral_socket_perform_write(void *run, coral_wait_t *w, int block);

/* The methods that are the same for all, to be put into the table on top. */
void coral_socket_set_timeouts(lua_State *L);
void coral_stream_read_methods(lua_State *L);
void coral_stream_write_methods(lua_State *L);
void coral_tls_methods(lua_State *L);

/* Makes the metatable of a kind: its methods are those of the list and what `more` puts in. */
void coral_socket_kind(lua_State *L, const char *kind, const luaL_Reg *methods, void (*more)(lua_State *L));

/* send's data, at index, as one string in its place. */
void coral_check_data(lua_State *L, int index);

#endif
