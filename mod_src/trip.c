/* SPDX-License-Identifier: Apache-2.0 */
#include "trip.h"

#include "stay.h"

#define HOLD apr_time_from_msec(1) /* so long a thread waits for a client to take more before the request is parked */

static void go_elsewhere(void *trip_)
{
    coral_trip_t *trip = trip_;

    trip->parker->wake(trip->run.rq->r, &trip->called);
}

/* In a thread of the loop. Whether the connection is needed. [vm] */
static int on_turn(void *vm, void *trip_)
{
    coral_trip_t *trip = trip_;

    do {
        coral_run_go(vm, trip);
        if (trip->run.strand.over || trip->wanted || coral_strand_wants_connection(&trip->run.strand))
            return 1;
    } while (!coral_strand_sleep(&trip->run.strand));
    return 0;
}

/* The strand was asleep and is not any more. */
static void on_wake(coral_strand_t *s)
{
    coral_trip_t *trip = (coral_trip_t *)s;

    if (trip->parker->holds || coral_strand_woken_for_connection(s))
        go_elsewhere(trip);
    else
        coral_vm_post(trip->run.bond->vm, &trip->turn);
}

/* A client that takes much, and quickly, is worth a moment on this thread, as long as others are free. For answers from elsewhere it
 * does not pay: a thread that sleeps and wakes costs as much as what parking it saves. */
static int hold(coral_trip_t *trip)
{
    const coral_wait_t *w = coral_strand_single(&trip->run.strand);

    if (!w || !w->perform || w->direction != CORAL_WRITE || trip->impatient || coral_stay_is_crowded())
        return 0;
    if (coral_strand_hold(&trip->run.strand, apr_time_now() + HOLD))
        return coral_strand_perform(&trip->run.strand, 0) || hold(trip);
    trip->impatient = 1;
    return 0;
}

/* Until it is over or waits. Whether it is over. [r] */
static int advance(coral_trip_t *trip)
{
    int holds = trip->parker->holds;

    while (!trip->run.strand.over) {
        if (holds)
            coral_vm_run(trip->run.bond->vm, coral_run_go, trip);
        else if (coral_vm_try(trip->run.bond->vm)) {
            coral_run_go(trip->run.bond->vm, trip);
            coral_vm_leave(trip->run.bond->vm);
        }
        else
            return 0; /* its turn is waited for without a thread */
        if (trip->run.strand.over)
            break;
        if (!coral_strand_perform(&trip->run.strand, holds) && (holds || !hold(trip)))
            return 0;
        if (trip->stops_on_abort && trip->run.rq->response.aborted)
            return 0;
    }
    return 1;
}

int coral_trip_start(coral_trip_t *trip, request_rec *r, coral_phase_e phase, const coral_script_t *script, const coral_parker_t *parker)
{
    trip->parker = parker;
    trip->run.strand.notify = on_wake;
    trip->turn.run = on_turn;
    trip->turn.after = go_elsewhere;
    trip->turn.data = trip;
    return !coral_run_set_up(&trip->run, r, phase, script) || advance(trip);
}

void coral_trip_release(coral_trip_t *trip)
{
    if (trip->run.opened && !coral_strand_is_ready(&trip->run.strand) && coral_strand_sleep(&trip->run.strand))
        return;
    if (trip->parker->holds)
        go_elsewhere(trip);
    else
        coral_vm_post(trip->run.bond->vm, &trip->turn);
}

int coral_trip_claim(coral_trip_t *trip)
{
    if (!trip->parker->take(&trip->called))
        return 0;
    trip->wanted = 0;
    return 1;
}

int coral_trip_demand(coral_trip_t *trip)
{
    if (coral_trip_claim(trip) || coral_strand_claim(&trip->run.strand)) {
        trip->wanted = 0;
        return 1;
    }
    trip->wanted = 1; /* it may have gone to sleep at this moment */
    return coral_strand_claim(&trip->run.strand);
}

int coral_trip_resume(coral_trip_t *trip)
{
    coral_strand_take(&trip->run.strand);
    coral_strand_perform(&trip->run.strand, trip->parker->holds);
    if (trip->stops_on_abort && trip->run.rq->response.aborted)
        return 0;
    return trip->run.strand.over || advance(trip);
}
