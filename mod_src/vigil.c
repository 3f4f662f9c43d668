/* SPDX-License-Identifier: Apache-2.0 */
#include "vigil.h"

#define MOMENT apr_time_from_msec(100) /* most waits are over by then: watching the client would cost more than they do */

static void on_hangup(coral_sleeper_t *s, coral_reason_e reason)
{
    coral_vigil_t *vigil = (coral_vigil_t *)((char *)s - offsetof(coral_vigil_t, on_hangup));

    (void)reason;
    coral_bell_lock();
    vigil->gone = 1;
    coral_bell_call(vigil->bell, 0);
    coral_bell_unlock();
}

/* [lock] The request has been away for a moment, so it is worth to look after its client; or for long, or for too long: then it is
 * called whoever is busy, for the MPM does not wait. */
static void next_stage(coral_vigil_t *vigil)
{
    if (vigil->stage == FRESH) {
        vigil->stage = LOOKED_AFTER;
        if (vigil->client >= 0)
            coral_hangup_watch(&vigil->hangup, &vigil->on_hangup, vigil->client);
        coral_alarm_set(&vigil->tick, &vigil->on_tick, vigil->until);
    }
    else if (vigil->stage == LOOKED_AFTER) {
        vigil->stage = CALLED;
        coral_bell_call(vigil->bell, 0);
        coral_alarm_set(&vigil->tick, &vigil->on_tick, vigil->due);
    }
    else
        coral_bell_call(vigil->bell, 1);
}

/* In the loop. */
static void on_tick(coral_sleeper_t *s, coral_reason_e reason)
{
    coral_vigil_t *vigil = (coral_vigil_t *)((char *)s - offsetof(coral_vigil_t, on_tick));

    (void)reason;
    coral_bell_lock();
    if (vigil->away)
        next_stage(vigil);
    coral_bell_unlock();
}

void coral_vigil_init(coral_vigil_t *vigil, coral_bell_t *bell)
{
    vigil->bell = bell;
    vigil->on_hangup.wake = on_hangup;
    vigil->on_tick.wake = on_tick;
}

void coral_vigil_begin(coral_vigil_t *vigil, int client, apr_interval_time_t timeout)
{
    apr_time_t now = apr_time_now();

    vigil->client = client;
    vigil->until = now + timeout / 2;
    vigil->due = now + timeout / 4 * 3;
    vigil->stage = vigil->until <= now + MOMENT ? LOOKED_AFTER : FRESH;
    vigil->away = 1;
    coral_alarm_set(&vigil->tick, &vigil->on_tick, vigil->stage == FRESH ? now + MOMENT : vigil->until);
}

void coral_vigil_end(coral_vigil_t *vigil)
{
    coral_bell_lock();
    vigil->away = 0; /* on_tick() sets nothing from here on */
    coral_bell_unlock();
    coral_alarm_cancel(&vigil->tick);
    coral_hangup_cancel(&vigil->hangup);
}

int coral_vigil_is_gone(coral_vigil_t *vigil)
{
    int gone;

    coral_bell_lock();
    gone = vigil->gone;
    coral_bell_unlock();
    return gone;
}
