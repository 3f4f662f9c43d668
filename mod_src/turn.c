/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include "apr_portable.h"

#include <time.h>

/* Where a thread waits. They are used again, so there are as many as ever waited at a time. */
struct coral_chair_t {
    apr_thread_cond_t *called;
    int is_called;
    coral_chair_t *next;
};

apr_status_t coral_turns_init(coral_turns_t *turns, apr_pool_t *p, void *of)
{
    turns->pool = p;
    turns->of = of;
    APR_RING_INIT(&turns->waiting, coral_turn_t, link);
    return apr_thread_mutex_create(&turns->lock, APR_THREAD_MUTEX_DEFAULT, p);
}

/* As exact as the kernel's tick, and much cheaper than a clock. Never 0. */
static long milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return 1 + t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int coral_turns_are_slow(const coral_turns_t *turns)
{
    long since = turns->since;

    return since && milliseconds() - since > 1;
}

/* [lock] */
static void begin(coral_turns_t *turns)
{
    turns->taken = 1;
    turns->holder = apr_os_thread_current();
    turns->since = milliseconds();
    if (turns->begin)
        turns->begin(turns->of);
}

/* [lock] */
static coral_chair_t *take_chair(coral_turns_t *turns)
{
    coral_chair_t *chair = turns->chairs;

    if (chair)
        turns->chairs = chair->next;
    else {
        chair = apr_palloc(turns->pool, sizeof(*chair));
        apr_thread_cond_create(&chair->called, turns->pool);
    }
    chair->is_called = 0;
    return chair;
}

/* [lock] */
static void wait_here(coral_turns_t *turns)
{
    coral_turn_t turn = { .chair = take_chair(turns) };

    APR_RING_INSERT_TAIL(&turns->waiting, &turn, coral_turn_t, link);
    while (!turn.chair->is_called)
        apr_thread_cond_wait(turn.chair->called, turns->lock);
    turn.chair->next = turns->chairs;
    turns->chairs = turn.chair;
}

int coral_turns_enter(coral_turns_t *turns)
{
    int mine;

    apr_thread_mutex_lock(turns->lock);
    mine = turns->taken && apr_os_thread_equal(turns->holder, apr_os_thread_current());
    if (!mine) {
        if (turns->taken)
            wait_here(turns);
        begin(turns);
    }
    apr_thread_mutex_unlock(turns->lock);
    return mine;
}

int coral_turns_try(coral_turns_t *turns)
{
    int free;

    apr_thread_mutex_lock(turns->lock);
    free = !turns->taken;
    if (free)
        begin(turns);
    apr_thread_mutex_unlock(turns->lock);
    return free;
}

/* A thread of the loop has come to a turn that was posted; taken is set already. */
static void take(coral_errand_t *errand)
{
    coral_turn_t *turn = (coral_turn_t *)((char *)errand - offsetof(coral_turn_t, errand));
    coral_turns_t *turns = turn->turns;
    void (*after)(void *data) = turn->after, *data = turn->data;

    apr_thread_mutex_lock(turns->lock);
    begin(turns);
    apr_thread_mutex_unlock(turns->lock);
    if (!turn->run(turns->of, data))
        after = NULL;
    coral_turns_leave(turns);
    if (after)
        after(data);
}

/* The turn goes to this one. [lock] */
static void call(coral_turns_t *turns, coral_turn_t *turn)
{
    turns->taken = 1;
    if (turn->chair) {
        turn->chair->is_called = 1;
        apr_thread_cond_signal(turn->chair->called);
    }
    else {
        turn->errand.run = take;
        coral_poller_post(&turn->errand);
    }
}

void coral_turns_post(coral_turns_t *turns, coral_turn_t *turn)
{
    turn->turns = turns;
    apr_thread_mutex_lock(turns->lock);
    if (turns->taken)
        APR_RING_INSERT_TAIL(&turns->waiting, turn, coral_turn_t, link);
    else
        call(turns, turn);
    apr_thread_mutex_unlock(turns->lock);
}

void coral_turns_leave(coral_turns_t *turns)
{
    if (turns->end)
        turns->end(turns->of);
    apr_thread_mutex_lock(turns->lock);
    memset(&turns->holder, 0, sizeof(turns->holder));
    turns->since = 0;
    if (APR_RING_EMPTY(&turns->waiting, coral_turn_t, link))
        turns->taken = 0;
    else {
        coral_turn_t *next = APR_RING_FIRST(&turns->waiting);

        APR_RING_REMOVE(next, link);
        call(turns, next);
    }
    apr_thread_mutex_unlock(turns->lock);
}
