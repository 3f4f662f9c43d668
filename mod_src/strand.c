/* SPDX-License-Identifier: Apache-2.0 */
#include "strand.h"

#include <poll.h>
#include <stdatomic.h>

#define SLICE 500 /* milliseconds a thread waits in one go: then it looks whether the child is to stop */

/* In woken: nobody has the strand. */
static coral_wait_t asleep;

static _Atomic int hurry;

void coral_strand_hurry(void)
{
    hurry = 1;
}

int coral_strand_hurried(void)
{
    return hurry;
}

static void wake(coral_sleeper_t *sleeper, coral_reason_e reason)
{
    coral_wait_wake((coral_wait_t *)sleeper, reason);
}

int coral_wait_wake(coral_wait_t *w, int reason)
{
    coral_strand_t *s = coral_task_note(w->task)->strand;
    coral_wait_t *before;

    if (atomic_exchange(&w->over, 1))
        return 0;
    w->reason = reason;
    before = atomic_load(&s->woken);
    do
        w->next_woken = before == &asleep ? NULL : before;
    while (!atomic_compare_exchange_weak(&s->woken, &before, w));
    if (before == &asleep)
        s->notify(s);
    return 1;
}

int coral_strand_open(coral_strand_t *s, coral_vm_t *vm, lua_CFunction main, void *data, void *owner)
{
    s->vm = vm;
    s->owner = owner;
    s->tasks = s->ready = NULL;
    s->last_ready = &s->ready;
    s->fresh = s->performs = NULL;
    s->over = 0;
    atomic_init(&s->woken, NULL);
    if (!(s->entry = coral_task_spawn(vm, main, data, owner)))
        return 0;
    coral_strand_keep(s, s->entry, 0);
    coral_strand_ready(s->entry);
    return 1;
}

void coral_strand_keep(coral_strand_t *s, coral_task_t *task, int ref)
{
    coral_task_note_t *note = coral_task_note(task);

    note->ref = ref;
    note->strand = s;
    note->next = s->tasks;
    s->tasks = task;
}

void coral_strand_ready(coral_task_t *task)
{
    coral_task_note_t *note = coral_task_note(task);

    if (note->ready)
        return;
    note->ready = 1;
    note->next_ready = NULL;
    *note->strand->last_ready = task;
    note->strand->last_ready = &note->next_ready;
}

static coral_task_t *next_ready(coral_strand_t *s)
{
    coral_task_t *task = s->ready;
    coral_task_note_t *note;

    if (!task)
        return NULL;
    note = coral_task_note(task);
    note->ready = 0;
    if (!(s->ready = note->next_ready))
        s->last_ready = &s->ready;
    return task;
}

/* Takes a wait out of a list, if it is in it. */
static void take_out(coral_wait_t **list, coral_wait_t *w)
{
    while (*list && *list != w)
        list = &(*list)->next;
    if (*list)
        *list = w->next;
}

/* A wait has ended: its task is ready, unless the connection is to be worked on. */
static void end_wait(coral_strand_t *s, coral_wait_t *w)
{
    if (!w->armed)
        take_out(&s->fresh, w);
    if (w->alarmed)
        coral_alarm_cancel(&w->alarm);
    w->alarmed = w->armed = 0;
    if (w->perform) {
        w->next = s->performs;
        s->performs = w;
    }
    else
        coral_strand_ready(w->task);
}

/* Those that came first go first. */
void coral_strand_take(coral_strand_t *s)
{
    coral_wait_t *w = atomic_exchange(&s->woken, NULL), *next, *in_order = NULL;

    for (; w; w = next) {
        next = w->next_woken;
        w->next_woken = in_order;
        in_order = w;
    }
    for (w = in_order; w; w = next) {
        next = w->next_woken;
        end_wait(s, w);
    }
}

/* Nobody waits any more for what the task waits for; when this returns its wait is in no list and nobody will wake it. */
static void cancel(coral_strand_t *s, coral_task_t *task)
{
    coral_wait_t *w = coral_task_waiting(task);

    if (!w->pending)
        return;
    coral_strand_take(s); /* one that has ended is not watched any more */
    take_out(&s->fresh, w);
    take_out(&s->performs, w);
    if (w->armed && w->watch)
        coral_watch_cancel(w->watch, &w->sleeper);
    if (w->cancel)
        w->cancel(w);
    if (w->alarmed)
        coral_alarm_cancel(&w->alarm);
    if (w->busy)
        *w->busy = 0;
    w->alarmed = w->armed = 0;
    coral_strand_take(s); /* it may have been woken: then it is ready or among the performs now */
    take_out(&s->performs, w);
    w->perform = NULL;
    coral_task_unwind(w->task);
}

static void take_from_ready(coral_strand_t *s, coral_task_t *task)
{
    coral_task_t **at = &s->ready;

    if (!coral_task_note(task)->ready)
        return;
    while (*at != task)
        at = &coral_task_note(*at)->next_ready;
    *at = coral_task_note(task)->next_ready;
    coral_task_note(task)->ready = 0;
    for (s->last_ready = &s->ready; *s->last_ready;)
        s->last_ready = &coral_task_note(*s->last_ready)->next_ready;
}

static void take_from_tasks(coral_strand_t *s, coral_task_t *task)
{
    coral_task_t **at = &s->tasks;

    while (*at && *at != task)
        at = &coral_task_note(*at)->next;
    if (*at)
        *at = coral_task_note(task)->next;
}

/* Nobody of ours needs the thread any more. */
static void let_go(coral_strand_t *s, coral_task_t *task)
{
    take_from_tasks(s, task);
    if (coral_task_note(task)->ref)
        luaL_unref(coral_vm_state(s->vm), LUA_REGISTRYINDEX, coral_task_note(task)->ref);
    coral_task_note(task)->ref = 0;
}

/* The task waits: it is in order with whoever wakes it, or is asked for the connection. */
static void note_wait(coral_strand_t *s, coral_wait_t *w)
{
    coral_wait_t **list = w->perform ? &s->performs : &s->fresh;

    w->next = *list;
    *list = w;
}

static void end_thread(coral_strand_t *s, coral_task_t *task, coral_step_e step)
{
    if (coral_task_note(task)->on_end)
        coral_task_note(task)->on_end(task, step);
    let_go(s, task);
}

/* What a step has come to. */
static void see_to(coral_strand_t *s, coral_task_t *task, coral_step_e step)
{
    coral_wait_t *w = coral_task_waiting(task);

    if (step == CORAL_STEP_WAITING)
        note_wait(s, w); /* if it has been woken already it will be taken out again */
    else if (step == CORAL_STEP_EXITED || (step == CORAL_STEP_FAILED && task == s->entry)) {
        s->step = step;
        s->over = 1;
    }
    else if (step == CORAL_STEP_YIELDED) {
        if (task != s->entry || !s->yields)
            coral_strand_ready(task);
    }
    else if (task != s->entry)
        end_thread(s, task, step);
    else
        take_from_tasks(s, task);
    if (!s->tasks)
        s->over = 1;
}

void coral_strand_step(coral_strand_t *s, coral_task_t *task)
{
    int count;
    coral_step_e step = coral_task_step(task, &count);

    coral_task_note(task)->step = step;
    coral_task_note(task)->count = count;
    if (task == s->entry) {
        s->step = step;
        s->count = count;
    }
    if (step == CORAL_STEP_YIELDED && (task != s->entry || !s->yields))
        lua_pop(coral_task_state(task), count);
    see_to(s, task, step);
}

void coral_strand_run(coral_strand_t *s)
{
    coral_task_t *task;

    coral_strand_take(s);
    while (!s->over && (task = next_ready(s))) {
        coral_strand_step(s, task);
        if (task == s->entry && s->yields && s->step == CORAL_STEP_YIELDED) {
            coral_strand_ready(task); /* for the next run */
            return;
        }
        coral_strand_take(s);
    }
}

void coral_strand_kill(coral_strand_t *s, coral_task_t *task)
{
    char error[256];

    cancel(s, task);
    take_from_ready(s, task);
    coral_task_end(task, error, sizeof(error));
    let_go(s, task);
}

void coral_strand_forget_joiner(coral_strand_t *s, const coral_wait_t *w)
{
    coral_task_t *task;

    for (task = s->tasks; task; task = coral_task_note(task)->next)
        if (coral_task_note(task)->joiner == w)
            coral_task_note(task)->joiner = NULL;
}

void coral_strand_close(coral_strand_t *s)
{
    coral_task_t *task;

    while ((task = s->tasks)) {
        if (task == s->entry) {
            cancel(s, task);
            take_from_tasks(s, task);
            continue;
        }
        coral_task_note(task)->step = CORAL_STEP_EXITED;
        coral_strand_kill(s, task);
    }
    s->over = 1;
}

int coral_strand_is_ready(const coral_strand_t *s)
{
    return s->ready != NULL;
}

int coral_strand_woken_for_connection(coral_strand_t *s)
{
    coral_wait_t *w = atomic_load(&s->woken);

    return w && w->perform && !w->next_woken;
}

int coral_strand_wants_connection(const coral_strand_t *s)
{
    return s->performs != NULL;
}

int coral_strand_perform(coral_strand_t *s, int block)
{
    coral_wait_t *w, *next, *all = s->performs;
    int done = 0;

    s->performs = NULL;
    for (w = all; w; w = next) {
        next = w->next;
        w->armed = 0;
        w->over = 0;
        if (w->perform(s->owner, w, block)) {
            w->next = s->fresh;
            s->fresh = w;
            continue;
        }
        w->perform = NULL;
        coral_strand_ready(w->task);
        done = 1;
    }
    return done || s->ready;
}

const coral_wait_t *coral_strand_single(const coral_strand_t *s)
{
    const coral_wait_t *w = s->fresh;

    if (!w || w->next || s->performs || s->ready || !s->tasks || coral_task_note(s->tasks)->next || w->cancel)
        return NULL;
    return w;
}

int coral_strand_hold(coral_strand_t *s, apr_time_t until)
{
    coral_wait_t *w = s->fresh;
    struct pollfd fd = { .fd = w->watch ? w->watch->fd : -1, .events = w->direction == CORAL_WRITE ? POLLOUT : POLLIN };
    int left, n;

    if (until > w->until)
        until = w->until;
    do {
        apr_time_t now = apr_time_now();

        left = until <= now ? 0 : until - now > SLICE * 1000 ? SLICE : (int)((until - now + 999) / 1000);
        n = poll(&fd, 1, left);
    } while (n <= 0 && apr_time_now() < until && !hurry);
    if (hurry || (n <= 0 && apr_time_now() < w->until))
        return 0;
    s->fresh = NULL;
    w->reason = n > 0 ? CORAL_WOKEN_READY : CORAL_WOKEN_TIMEOUT;
    end_wait(s, w);
    return 1;
}

/* From here on it can be woken. */
static void arm(coral_wait_t *w)
{
    w->sleeper.wake = wake;
    w->armed = 1;
    if (w->watch)
        coral_watch_wait(w->watch, &w->sleeper, w->direction, w->until);
    else if (w->until != CORAL_NEVER) {
        w->alarmed = 1;
        coral_alarm_set(&w->alarm, &w->sleeper, w->until);
    }
}

static void arm_all(coral_strand_t *s)
{
    coral_wait_t *w, *next, *all = s->fresh;

    s->fresh = NULL;
    for (w = all; w; w = next) {
        next = w->next;
        arm(w);
    }
}

int coral_strand_sleep(coral_strand_t *s)
{
    coral_wait_t *nothing = NULL;

    arm_all(s);
    return atomic_compare_exchange_strong(&s->woken, &nothing, &asleep);
}

int coral_strand_claim(coral_strand_t *s)
{
    coral_wait_t *expected = &asleep;

    return atomic_compare_exchange_strong(&s->woken, &expected, NULL);
}

/* Where a thread waits that cannot do anything else meanwhile. */
typedef struct seat_t {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *called;
    int is_called;
    struct seat_t *next;
} seat_t;

static struct {
    apr_pool_t *pool;
    apr_thread_mutex_t *lock;
    seat_t *free;
} seats;

apr_status_t coral_strand_child_init(apr_pool_t *pchild)
{
    hurry = 0;
    seats.free = NULL;
    apr_pool_create(&seats.pool, pchild);
    return apr_thread_mutex_create(&seats.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

static seat_t *take_seat(void)
{
    seat_t *seat;

    apr_thread_mutex_lock(seats.lock);
    if ((seat = seats.free))
        seats.free = seat->next;
    else {
        seat = apr_palloc(seats.pool, sizeof(*seat));
        apr_thread_mutex_create(&seat->lock, APR_THREAD_MUTEX_DEFAULT, seats.pool);
        apr_thread_cond_create(&seat->called, seats.pool);
    }
    seat->is_called = 0;
    apr_thread_mutex_unlock(seats.lock);
    return seat;
}

static void leave_seat(seat_t *seat)
{
    apr_thread_mutex_lock(seats.lock);
    seat->next = seats.free;
    seats.free = seat;
    apr_thread_mutex_unlock(seats.lock);
}

static void call_seat(coral_strand_t *s)
{
    seat_t *seat = (seat_t *)s->seat;

    apr_thread_mutex_lock(seat->lock);
    seat->is_called = 1;
    apr_thread_cond_signal(seat->called);
    apr_thread_mutex_unlock(seat->lock);
}

void coral_strand_sleep_here(coral_strand_t *s)
{
    seat_t *seat = take_seat();
    void (*notify)(coral_strand_t *s) = s->notify;

    s->seat = seat;
    s->notify = call_seat;
    if (coral_strand_sleep(s)) {
        apr_thread_mutex_lock(seat->lock);
        while (!seat->is_called && !(hurry && coral_strand_claim(s)))
            apr_thread_cond_timedwait(seat->called, seat->lock, apr_time_from_msec(SLICE));
        apr_thread_mutex_unlock(seat->lock);
    }
    s->notify = notify;
    leave_seat(seat);
}
