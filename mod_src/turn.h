/* SPDX-License-Identifier: Apache-2.0 */
/* turn.h - who has something that one at a time may have: those who come are served in order.
 *
 * A thread waits for its turn, or leaves behind what a thread of the loop is to do when it comes. */
#ifndef CORAL_TURN_H
#define CORAL_TURN_H

#include "poller.h"

typedef struct coral_turn_t coral_turn_t;
typedef struct coral_chair_t coral_chair_t;

/* What there are turns of. All of it but of, begin, end and since: [lock]. */
typedef struct {
    void *of;
    void (*begin)(void *of); /* whoever has the turn begins [lock] … */
    void (*end)(void *of);   /* … and ends it; each may be NULL */
    apr_thread_mutex_t *lock;
    APR_RING_HEAD(coral_waiting_t, coral_turn_t) waiting;
    int taken;
    apr_os_thread_t holder;
    _Atomic long since; /* milliseconds, 0: it is not taken */
    coral_chair_t *chairs;
    apr_pool_t *pool;
} coral_turns_t;

/* A turn that is waited for without a thread. Zeroed before its first use. */
struct coral_turn_t {
    APR_RING_ENTRY(coral_turn_t) link;
    int (*run)(void *of, void *data); /* in a thread of the loop; whether to call after() */
    void (*after)(void *data);        /* [any] the turn is over, and may be gone when this is called */
    void *data;

    /* turn.c's own */
    coral_turns_t *turns;
    coral_errand_t errand;
    coral_chair_t *chair;
};

/* [any] Turns of something that nobody knows yet. */
apr_status_t coral_turns_init(coral_turns_t *turns, apr_pool_t *p, void *of);

/* [any] Waits for the turn. Whether this thread has it already: then it must not be left. */
int coral_turns_enter(coral_turns_t *turns);

/* [any] Takes the turn if nobody has it, else returns 0. */
int coral_turns_try(coral_turns_t *turns);

/* [any] The turn is taken when it comes, by a thread of the loop, which leaves it, too. */
void coral_turns_post(coral_turns_t *turns, coral_turn_t *turn);

/* By the one who has it. */
void coral_turns_leave(coral_turns_t *turns);

/* [any] Whether one turn takes long just now, more or less: more than some milliseconds. */
int coral_turns_are_slow(const coral_turns_t *turns);

#endif
