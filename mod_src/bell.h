/* SPDX-License-Identifier: Apache-2.0 */
/* bell.h - what brings a parked connection to a thread: a descriptor the MPM waits for. To ring is to write to it.
 *
 * Not all may be rung at once: where all threads are busy the MPM closes the connections that only wait for a next request. Those that
 * cannot be rung yet queue. */
#ifndef CORAL_BELL_H
#define CORAL_BELL_H

#include "coral.h"

typedef struct coral_bell_t coral_bell_t;
struct coral_bell_t {
    APR_RING_ENTRY(coral_bell_t) link;
    int fd; /* -1: it is not hung up */
    enum { CORAL_BELL_QUIET, CORAL_BELL_QUEUED, CORAL_BELL_RUNG } state; /* [lock] */
    apr_uint32_t striking; /* somebody is about to write to it */
    int strokes;           /* so often it was written to, or will be, since it was last read [lock] */
};

apr_status_t coral_bell_child_init(apr_pool_t *pchild);

/* [start] The bell of a connection. */
void coral_bell_init(coral_bell_t *bell);

/* [any] One lock for all bells, and for what goes with ringing one. Under it only the lounge's is taken. It is left before the bell that was
 * called is written to, for that wakes threads, who would find it taken. */
void coral_bell_lock(void);
void coral_bell_unlock(void);

/* [any] Gives it a descriptor. 0: there is none. */
int coral_bell_hang(coral_bell_t *bell);

/* [r] It is not needed any more, and nobody is at it when this returns; its descriptor is kept for another. is_closed: it has none any more. */
void coral_bell_take_down(coral_bell_t *bell, int is_closed);

/* [any, lock] Calls the connection; of one bell only while the lock is held. urgent: whoever is busy. */
void coral_bell_call(coral_bell_t *bell, int urgent);

/* [r] The connection has come to a thread, called or by itself. What is called from here on brings it back once more. */
void coral_bell_answer(coral_bell_t *bell);

/* [r] A thread has done with one: the next may come. */
void coral_bell_next(void);

#endif
