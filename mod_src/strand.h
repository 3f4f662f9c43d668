/* SPDX-License-Identifier: Apache-2.0 */
/* strand.h - an entry task with its light threads, and what they wait for.
 *
 * One thread at a time has a strand and runs what is ready in it. When nothing is, it goes to sleep; whoever ends the first wait has it
 * then and calls notify(), which says where it goes on. A wait that ends while the strand is awake is only noted. */
#ifndef CORAL_STRAND_H
#define CORAL_STRAND_H

#include "task.h"

typedef struct coral_strand_t coral_strand_t;
struct coral_strand_t {
    coral_vm_t *vm;
    void *owner;
    void (*notify)(coral_strand_t *s); /* [any] the caller has the strand and passes it on; it may hold a lock of the poller's */
    coral_task_t *entry;
    int yields;        /* a yield of the entry's own ends a run of the strand */
    coral_step_e step; /* the entry's last */
    int count;         /* of values on the entry's stack after it */
    int over;          /* the entry and all threads are done, or one has exited or failed */

    /* strand.c's own */
    coral_task_t *tasks, *ready, **last_ready;
    coral_wait_t *fresh, *performs;
    _Atomic(coral_wait_t *) woken;
    void *seat;
};

/* [vm] With its entry, ready to run. 0: no memory. */
int coral_strand_open(coral_strand_t *s, coral_vm_t *vm, lua_CFunction main, void *data, void *owner);

/* [owner] A light thread of the strand; it is not ready yet. ref: the registry slot that keeps it, freed at its end. */
void coral_strand_keep(coral_strand_t *s, coral_task_t *task, int ref);

/* [vm] No thread has anything to tell to that wait any more. */
void coral_strand_forget_joiner(coral_strand_t *s, const coral_wait_t *w);

/* [vm] Runs what is ready until nothing is, or the strand is over; or the entry has yielded, where that counts. */
void coral_strand_run(coral_strand_t *s);

/* [vm] The task goes on with the next run. */
void coral_strand_ready(coral_task_t *task);

/* [vm] One step of a light thread, at once. */
void coral_strand_step(coral_strand_t *s, coral_task_t *task);

/* [vm] Ends a light thread; what it waits for is not waited for any more. */
void coral_strand_kill(coral_strand_t *s, coral_task_t *task);

/* [vm] Ends all light threads. The entry is left for coral_task_end(). */
void coral_strand_close(coral_strand_t *s);

/* [any] Notes which waits have ended. */
void coral_strand_take(coral_strand_t *s);

/* [any] For notify(): whether what has ended is a wait for the connection. */
int coral_strand_woken_for_connection(coral_strand_t *s);

/* Whether a task can go on. */
int coral_strand_is_ready(const coral_strand_t *s);

/* [r] Does what is to be done on the connection. Returns whether something is ready now. */
int coral_strand_perform(coral_strand_t *s, int block);

/* Whether something is to be done on the connection. */
int coral_strand_wants_connection(const coral_strand_t *s);

/* [any] Waits on this thread for the one thing the strand waits for, at most until the moment. Whether that has ended. */
int coral_strand_hold(coral_strand_t *s, apr_time_t until);

/* [any] Whether the strand waits for nothing but one descriptor, or a moment. */
const coral_wait_t *coral_strand_single(const coral_strand_t *s);

/* [any] Goes to sleep: the strand is not the caller's any more. 0: something has ended meanwhile, it is. */
int coral_strand_sleep(coral_strand_t *s);

/* [any] Takes a strand that sleeps. 0: it does not. */
int coral_strand_claim(coral_strand_t *s);

/* [any] Sleeps on this thread until something has ended, or everybody is to hurry. */
void coral_strand_sleep_here(coral_strand_t *s);

/* [any] The wait is over. Only the first call counts: returns whether this was it. */
int coral_wait_wake(coral_wait_t *w, int reason);

/* [start] */
apr_status_t coral_strand_child_init(apr_pool_t *pchild);

/* [any] The child is told to stop at once: who waits on a thread waits no more, and is to be ended. */
void coral_strand_hurry(void);
int coral_strand_hurried(void);

#endif
