/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - sockets to elsewhere: TCP and UNIX-domain streams, plain or TLS, and datagrams; and pipes. Nothing here waits: what cannot be done at
 * once says which direction to wait for. */
#ifndef CORAL_NET_H
#define CORAL_NET_H

#include "net_tls.h"
#include "sleeper.h"

#include <event2/buffer.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Where to. */
typedef struct {
    socklen_t length;
    union {
        struct sockaddr any;
        struct sockaddr_storage storage;
        struct sockaddr_un local;
    } to;
} coral_address_t;

typedef struct coral_net_t coral_net_t;
struct coral_net_t {
    coral_watch_t watch; /* .fd is the socket */
    coral_tls_t *tls;    /* NULL: plain */
    struct evbuffer *in; /* read and not asked for yet */
    int connecting;      /* to be waited for */
    int eof;             /* the other side has said all */
    int is_pipe;         /* no socket: one end of a pipe */
    int used;            /* times it was taken from a pool */
    int piece;           /* how much is read at a time; 0: 16 kB */

    /* net_pool.c's own */
    coral_sleeper_t sleeper;
    coral_errand_t errand;
    struct coral_net_pool_t *pool;
    APR_RING_ENTRY(coral_net_t) link;
    int idle, stale;
};

/* [start] sockets: how many a child may have. */
void coral_net_set_most(int sockets);
void coral_net_child_init(void);
int coral_net_count(void);

/* [any] A socket on its way to `to`. type: SOCK_STREAM or SOCK_DGRAM; from: NULL, or the address it is bound to. NULL: see errno;
 * ENOBUFS: there are as many sockets as there may be. */
coral_net_t *coral_net_open(int type, const coral_address_t *to, const coral_address_t *from);
void coral_net_close(coral_net_t *net);

/* [any] One end of a pipe, which does not block and is closed with it. It counts as no socket. NULL: no memory, and it is closed. */
coral_net_t *coral_net_adopt(int fd);

/* [any] The same in parts. A socket that is connected to nothing; NULL: see errno. One of the caller's that does not block, which is
 * closed where it cannot be taken. 0, or the error: net->connecting says whether to wait for it. */
coral_net_t *coral_net_make(int family, int type);
coral_net_t *coral_net_take_over(int fd);
int coral_net_connect(coral_net_t *net, const coral_address_t *to);

/* [any] After the wait to write: 0, or the error of the connect. */
int coral_net_connected(coral_net_t *net);

/* [any] Reads what is there, at most a piece, into net->in. */
int coral_net_fill(coral_net_t *net);

/* [any] */
int coral_net_write(coral_net_t *net, const char *data, apr_size_t length);

/* [any] Datagrams. */
int coral_net_receive(coral_net_t *net, char *data, apr_size_t length);
int coral_net_send(coral_net_t *net, const char *data, apr_size_t length);

/* [any] Whether an idle connection is still good: open, and nothing has come that was not asked for. */
int coral_net_is_good(coral_net_t *net);

/* [any] An address from text: an IPv4 or IPv6 address (with or without brackets) and a port, or a path. 0: it is none. */
int coral_address_parse(coral_address_t *address, const char *host, int port);
int coral_address_local(coral_address_t *address, const char *path);

#endif
