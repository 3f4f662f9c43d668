/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - Lua functions that run later, without a request, in the threads of the loop. */
#ifndef CORAL_TIMER_H
#define CORAL_TIMER_H

#include "run.h"

#define CORAL_TIMERS_PENDING 1024
#define CORAL_TIMERS_RUNNING 256

/* [start] How many may be pending, and running, in a child. */
void coral_timer_set_most(int pending, int running);
apr_status_t coral_timer_child_init(apr_pool_t *pchild);

/* [vm] A timer of this state that calls main with the run, in `delay`, and if it repeats again that long after. ref: a registry slot, freed
 * at its end. NULL, or what is wrong: the child stops, or there are too many. */
const char *coral_timer_make(lua_State *L, lua_CFunction main, int ref, apr_interval_time_t delay, int repeats);

/* [any] */
int coral_timer_pending(void);
int coral_timer_running(void);

/* [vm] Whether the child is about to stop: what a timer is told as `premature`. */
int coral_timer_is_premature(coral_run_t *run);

/* [vm] The registry slot it was given. */
int coral_timer_ref(coral_run_t *run);

/* [any] The child is about to stop: those that are pending run now, and no new ones are made. Only notes it. */
void coral_timer_stop(void);

/* [start] Waits, at most so long, until none runs. */
void coral_timer_finish(apr_interval_time_t most);

#endif
