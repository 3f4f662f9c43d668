/* SPDX-License-Identifier: Apache-2.0 */
#include "bell.h"

#include "poller.h"
#include "stay.h"

#include "apr_atomic.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 256

static struct {
    apr_thread_mutex_t *lock;
    APR_RING_HEAD(bells_t, coral_bell_t) queue;
    coral_bell_t *called; /* to be written to when the lock is left */
    int rung; /* connections on their way to a thread */
    int threads;
    int spare[SPARE_DESCRIPTORS], spares; /* used again and again */
} bells;

apr_status_t coral_bell_child_init(apr_pool_t *pchild)
{
    bells.rung = bells.spares = bells.threads = 0;
    bells.called = NULL;
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &bells.threads);
    APR_RING_INIT(&bells.queue, coral_bell_t, link);
    return apr_thread_mutex_create(&bells.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

void coral_bell_init(coral_bell_t *bell)
{
    APR_RING_ELEM_INIT(bell, link);
    bell->fd = -1;
    bell->state = CORAL_BELL_QUIET;
    bell->strokes = 0;
    apr_atomic_set32(&bell->striking, 0);
}

void coral_bell_lock(void)
{
    apr_thread_mutex_lock(bells.lock);
}

/* Its connection may be on its way by then; it cannot be done with before striking is 0. */
static void strike(coral_bell_t *bell, int fd)
{
    apr_uint64_t one = 1;

    if (write(fd, &one, sizeof(one)) < 0)
        ap_log_error(APLOG_MARK, APLOG_CRIT, apr_get_os_error(), ap_server_conf, "a parked request cannot be woken");
    apr_atomic_set32(&bell->striking, 0);
}

void coral_bell_unlock(void)
{
    coral_bell_t *called = bells.called;
    int fd = called ? called->fd : -1;

    bells.called = NULL;
    apr_thread_mutex_unlock(bells.lock);
    if (called)
        strike(called, fd);
}

int coral_bell_hang(coral_bell_t *bell)
{
    int fd = -1;

    coral_bell_lock();
    if (bells.spares)
        fd = bells.spare[--bells.spares];
    coral_bell_unlock();
    if (fd < 0 && (fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0 && coral_poller_is_too_high(fd)) {
        close(fd);
        fd = -1;
    }
    bell->fd = fd;
    return fd >= 0;
}

/* Empties it. How often it was written to; -1: the kernel does not say. */
static int take_strokes(int fd)
{
    apr_uint64_t count;

    if (read(fd, &count, sizeof(count)) >= 0)
        return (int)count;
    return errno == EAGAIN ? 0 : -1;
}

/* Keeps the descriptor for another one. */
static void give(int fd, int strokes)
{
    if (strokes && take_strokes(fd) < 0) {
        close(fd);
        return;
    }
    coral_bell_lock();
    if (bells.spares < SPARE_DESCRIPTORS) {
        bells.spare[bells.spares++] = fd;
        fd = -1;
    }
    coral_bell_unlock();
    if (fd >= 0)
        close(fd);
}

/* [lock] */
static void hush(coral_bell_t *bell)
{
    if (bell->state == CORAL_BELL_QUEUED)
        APR_RING_REMOVE(bell, link);
    if (bell->state == CORAL_BELL_RUNG)
        bells.rung--;
    bell->state = CORAL_BELL_QUIET;
}

void coral_bell_take_down(coral_bell_t *bell, int is_closed)
{
    int fd, strokes;

    coral_bell_lock();
    hush(bell);
    fd = bell->fd;
    strokes = bell->strokes;
    bell->fd = -1;
    bell->strokes = 0;
    coral_bell_unlock();
    while (apr_atomic_read32(&bell->striking))
        apr_thread_yield();
    if (fd >= 0 && !is_closed)
        give(fd, strokes);
}

/* [lock] */
static void ring(coral_bell_t *bell)
{
    bell->state = CORAL_BELL_RUNG;
    bell->strokes++;
    bells.rung++;
    apr_atomic_set32(&bell->striking, 1);
    bells.called = bell;
}

/* Half of the threads that are free may be called for, or one. [lock] */
static int may_ring(void)
{
    int most = (bells.threads - coral_stay_busy()) / 2;

    return bells.rung < (most > 1 ? most : 1);
}

void coral_bell_call(coral_bell_t *bell, int urgent)
{
    if (bell->fd < 0 || bell->state == CORAL_BELL_RUNG)
        return;
    if (urgent || may_ring()) {
        if (bell->state == CORAL_BELL_QUEUED)
            APR_RING_REMOVE(bell, link);
        ring(bell);
    }
    else if (bell->state == CORAL_BELL_QUIET) {
        bell->state = CORAL_BELL_QUEUED;
        APR_RING_INSERT_TAIL(&bells.queue, bell, coral_bell_t, link);
    }
}

void coral_bell_answer(coral_bell_t *bell)
{
    /* First this: who calls from here on, but before hush(), only brings the connection back once more than need be. */
    int strokes = take_strokes(bell->fd);

    if (strokes < 0)
        ap_log_error(APLOG_MARK, APLOG_CRIT, apr_get_os_error(), ap_server_conf, "a wake descriptor is lost");
    coral_bell_lock();
    bell->strokes -= strokes > 0 ? strokes : 0;
    hush(bell);
    coral_bell_unlock();
}

/* Whether one was called. */
static int call_next(void)
{
    coral_bell_t *next = NULL;

    coral_bell_lock();
    if (!APR_RING_EMPTY(&bells.queue, coral_bell_t, link) && may_ring()) {
        next = APR_RING_FIRST(&bells.queue);
        APR_RING_REMOVE(next, link);
        ring(next);
    }
    coral_bell_unlock();
    return next != NULL;
}

void coral_bell_next(void)
{
    while (call_next())
        ;
}
