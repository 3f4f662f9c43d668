/* SPDX-License-Identifier: Apache-2.0 */
/* net_pool.h - connections that are kept for the next one who wants to go there, shared by all Lua states of the child.
 *
 * A pool has a name, as many idle connections as its size, and, where a backlog was asked for, no more connections in all than its
 * size: who comes then waits in line. */
#ifndef CORAL_NET_POOL_H
#define CORAL_NET_POOL_H

#include "net.h"

typedef struct coral_net_pool_t coral_net_pool_t;

/* Where nobody says how many idle connections a pool keeps. */
#define CORAL_POOL_SIZE 30

/* Somebody in the line. Zeroed before its first use. */
typedef struct coral_net_waiter_t coral_net_waiter_t;
struct coral_net_waiter_t {
    APR_RING_ENTRY(coral_net_waiter_t) link;
    coral_net_pool_t *pool; /* NULL: in no line */
    coral_net_pool_t *from; /* the pool whose line it was */
    void (*call)(coral_net_waiter_t *waiter); /* [any] its turn has come: net, or NULL: it may open one */
    coral_net_t *net;
    int granted;
};

typedef enum {
    CORAL_POOL_REUSED,  /* here is one */
    CORAL_POOL_OPEN,    /* open one; it counts already */
    CORAL_POOL_WAIT,    /* in line */
    CORAL_POOL_FULL     /* the line is too long */
} coral_pool_answer_e;

/* [start] */
apr_status_t coral_net_pool_child_init(apr_pool_t *pchild);

/* [any] A connection out of the pool of that name. size, backlog: -1: not said. pool: where the connection counts. */
coral_pool_answer_e coral_net_pool_take(const char *name, int size, int backlog, coral_net_pool_t **pool, coral_net_t **net,
                                        coral_net_waiter_t *waiter);

/* [any] Out of the line, if it is still in it. 0: it has been called. */
int coral_net_pool_leave(coral_net_waiter_t *waiter);

/* [any] A connection that counts there is no more; others may come. */
void coral_net_pool_forget(coral_net_pool_t *pool);

/* [any] Keeps an open connection that counts there for the next one. size: of the pool, where nobody has said one before. */
void coral_net_pool_keep(coral_net_t *net, coral_net_pool_t *pool, int size, apr_interval_time_t timeout);

#endif
