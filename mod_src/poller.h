/* SPDX-License-Identifier: Apache-2.0 */
/* poller.h - the loop, and the threads that run it.
 *
 * A handful of threads share one libevent loop. One of them at a time leads: it waits in the loop, whose callbacks only note who is to
 * go on; then it leaves the loop and does what was noted, Lua included, itself: nothing is handed over. If that takes long
 * another one takes the lead. Threads are made when they are needed, the first two with the first wait of the child.
 *
 * A sleeper waits for a moment (an alarm) or for a descriptor (a watch), up to a moment. It is woken once. */
#ifndef CORAL_POLLER_H
#define CORAL_POLLER_H

#include "coral.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#define CORAL_NEVER APR_INT64_MAX

typedef enum { CORAL_READ = 1, CORAL_WRITE = 2 } coral_direction_e;
typedef enum { CORAL_WOKEN_READY = 1, CORAL_WOKEN_TIMEOUT } coral_reason_e;

typedef struct coral_sleeper_t coral_sleeper_t;
struct coral_sleeper_t {
    void (*wake)(coral_sleeper_t *s, coral_reason_e reason); /* [any] short, takes no lock that is held across a call of this file */
};

/* A moment. Zeroed before its first use; its memory must last until cancelled or gone off. */
typedef struct {
    struct event event;
    coral_sleeper_t *sleeper;
    int assigned;
} coral_alarm_t;

/* A descriptor: one may wait to read, one to write. It stays with the loop between two waits. Zeroed before open. */
typedef struct {
    struct event in, out, alarm;
    int fd, open;
    /* [lock] */
    coral_sleeper_t *reader, *writer;
    apr_time_t reader_until, writer_until, alarm_at;
    int in_added;
} coral_watch_t;

/* A client that may go away. Zeroed before its first use. */
typedef struct {
    struct event event, again;
    coral_sleeper_t *sleeper;
    int fd, watching; /* [watch_lock] */
} coral_hangup_t;

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

/* [any] */
void coral_alarm_set(coral_alarm_t *alarm, coral_sleeper_t *sleeper, apr_time_t when);
void coral_alarm_cancel(coral_alarm_t *alarm); /* it does not wake any more; waits for one that is just about to */

/* [any] */
void coral_watch_open(coral_watch_t *watch, int fd);
void coral_watch_close(coral_watch_t *watch); /* the descriptor is still the caller's */
void coral_watch_wait(coral_watch_t *watch, coral_sleeper_t *sleeper, coral_direction_e direction, apr_time_t until);
void coral_watch_cancel(coral_watch_t *watch, coral_sleeper_t *sleeper);

/* For a reader's wake(): it was woken for something that somebody else has read meanwhile, and goes on waiting. */
void coral_watch_again(coral_watch_t *watch, coral_sleeper_t *sleeper);

/* [any] Wakes when the other side of a connection hangs up. */
void coral_hangup_watch(coral_hangup_t *hangup, coral_sleeper_t *sleeper, int fd);
void coral_hangup_cancel(coral_hangup_t *hangup);

#endif
