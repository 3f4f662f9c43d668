/* SPDX-License-Identifier: Apache-2.0 */
/* poller.h - the loop, and the threads that run it.
 *
 * A handful of threads share one libevent loop. One of them at a time leads: it waits in the loop, whose callbacks only note who is to
 * go on; then it leaves the loop and does what was noted, Lua included, itself: nothing is handed over. If that takes long
 * another one takes the lead. Threads are made when they are needed, the first two with the first wait of the child. */
#ifndef CORAL_POLLER_H
#define CORAL_POLLER_H

#include "coral.h"

#include <event2/event.h>
#include <event2/event_struct.h>

/* A moment that does not come. */
#define CORAL_NEVER APR_INT64_MAX

/* Something to be done by a thread of the loop. Its memory is the caller's until run is called. */
typedef struct coral_errand_t coral_errand_t;
struct coral_errand_t {
    APR_RING_ENTRY(coral_errand_t) link;
    void (*run)(coral_errand_t *errand);
    int cost; /* poller.c's own */
};

typedef enum { CORAL_BACKEND_AUTO, CORAL_BACKEND_EPOLL, CORAL_BACKEND_POLL, CORAL_BACKEND_SELECT } coral_backend_e;

/* [start] */
void coral_poller_set_backend(coral_backend_e backend);
apr_status_t coral_poller_child_init(apr_pool_t *pchild);

/* [start] Whether libevent has the backend here. */
int coral_poller_has_backend(coral_backend_e backend);

/* [start] Ends the threads. */
void coral_poller_stop(void);

/* [any] The threads are there after this; 0: they cannot be made, the reason is logged. */
int coral_poller_start(void);

/* The loop; NULL before the first start. */
struct event_base *coral_poller_base(void);

/* What the loop waits with: "epoll", "poll" … */
const char *coral_poller_method(void);

/* [any] Whether a descriptor of this number is one too many: the loop cannot take it, or hardly any are left, and those belong to httpd,
 * which ends the child where it cannot accept. */
int coral_poller_is_too_high(int fd);

/* [any] The thread of the loop that calls; NULL: it is none. */
apr_thread_t *coral_poller_thread(void);

/* [any] */
void coral_poller_post(coral_errand_t *errand);

/* [any] The same for one that takes a thread that many microseconds: a queue of them is worth another thread. */
void coral_poller_post_work(coral_errand_t *errand, int microseconds);

#endif
