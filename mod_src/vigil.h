/* SPDX-License-Identifier: Apache-2.0 */
/* vigil.h - what is kept an eye on while a request is parked: its client, who may go away, and the clock, for the MPM gives up on
 * what waits longer than Timeout. Whatever happens, the request is called (bell.h). */
#ifndef CORAL_VIGIL_H
#define CORAL_VIGIL_H

#include "bell.h"
#include "sleeper.h"

typedef struct {
    coral_bell_t *bell;
    int client; /* its descriptor, -1: it may go */
    coral_hangup_t hangup;
    coral_alarm_t tick;
    coral_sleeper_t on_hangup, on_tick;
    apr_time_t until, due; /* the request is to be called; it has to be */
    enum { FRESH, LOOKED_AFTER, CALLED } stage;

    /* the bells' lock */
    int gone, away;
} coral_vigil_t;

/* [r] Of a connection; zeroed. */
void coral_vigil_init(coral_vigil_t *vigil, coral_bell_t *bell);

/* [r] The request is about to be away. client: the descriptor to watch, -1: none. timeout: the MPM's. */
void coral_vigil_begin(coral_vigil_t *vigil, int client, apr_interval_time_t timeout);

/* [r] It is back: it is not called any more. */
void coral_vigil_end(coral_vigil_t *vigil);

/* [r] Whether the client was seen to go. */
int coral_vigil_is_gone(coral_vigil_t *vigil);

#endif
