/* SPDX-License-Identifier: Apache-2.0 */
/* trip.h - a run of a content handler that can be parked. With the MPM it goes on in the threads of the loop, and the connection is
 * brought back when it is needed; that of a captured subrequest waits with the request that captures it, and goes on where that one's
 * connection is. */
#ifndef CORAL_TRIP_H
#define CORAL_TRIP_H

#include "run.h"

typedef struct {
    coral_run_t run; /* first */
    const coral_parker_t *parker;
    coral_turn_t turn;
    int stops_on_abort; /* it stops when a write finds the client gone */
    int impatient;      /* what it waits for does not come soon */
    int called;         /* park.h's why: it needs its connection, or is over: whoever has that has the run */
    _Atomic int wanted; /* its connection needs it */
} coral_trip_t;

/* [r] Runs a script as far as it goes without waiting long; whether it is over. If not the caller parks the request and then calls
 * release. */
int coral_trip_start(coral_trip_t *trip, request_rec *r, coral_phase_e phase, const coral_script_t *script, const coral_parker_t *parker);

/* [r] The connection is away: the run goes on in the threads of the loop, until it calls for it (park.h). */
void coral_trip_release(coral_trip_t *trip);

/* [r] The connection is back: whether the run has called for it; if so it is the caller's. */
int coral_trip_claim(coral_trip_t *trip);

/* [r] The caller needs it. 0: it is being run; it will call. */
int coral_trip_demand(coral_trip_t *trip);

/* [r] Goes on with a run that is the caller's; as start. */
int coral_trip_resume(coral_trip_t *trip);

#endif
