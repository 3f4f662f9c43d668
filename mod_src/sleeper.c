/* SPDX-License-Identifier: Apache-2.0 */
#include "sleeper.h"

#include <poll.h>

static apr_thread_mutex_t *lock;

apr_status_t coral_sleeper_child_init(apr_pool_t *pchild)
{
    return apr_thread_mutex_create(&lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

/* Alarms. */

static struct timeval *until(apr_time_t when, struct timeval *tv)
{
    apr_time_t left = when - apr_time_now();

    if (left < 0)
        left = 0;
    tv->tv_sec = (time_t)apr_time_sec(left);
    tv->tv_usec = (suseconds_t)apr_time_usec(left);
    return tv;
}

static void on_alarm(evutil_socket_t fd, short what, void *alarm_)
{
    coral_alarm_t *alarm = alarm_;

    (void)fd;
    (void)what;
    alarm->sleeper->wake(alarm->sleeper, CORAL_WOKEN_TIMEOUT);
}

void coral_alarm_set(coral_alarm_t *alarm, coral_sleeper_t *sleeper, apr_time_t when)
{
    struct timeval tv;

    alarm->sleeper = sleeper;
    if (!alarm->assigned) {
        evtimer_assign(&alarm->event, coral_poller_base(), on_alarm, alarm);
        alarm->assigned = 1;
    }
    evtimer_add(&alarm->event, until(when, &tv));
}

void coral_alarm_cancel(coral_alarm_t *alarm)
{
    if (alarm->assigned)
        event_del(&alarm->event);
}

/* Watches. */

static void on_in(evutil_socket_t fd, short what, void *watch_)
{
    coral_watch_t *watch = watch_;
    coral_sleeper_t *reader;

    (void)fd;
    (void)what;
    apr_thread_mutex_lock(lock);
    reader = watch->reader;
    watch->reader = NULL;
    if (!reader && watch->in_added) { /* something came that nobody waits for; it will keep */
        event_del_noblock(&watch->in);
        watch->in_added = 0;
    }
    if (reader)
        reader->wake(reader, CORAL_WOKEN_READY); /* under the lock: once cancelled, none is woken */
    apr_thread_mutex_unlock(lock);
}

static void on_out(evutil_socket_t fd, short what, void *watch_)
{
    coral_watch_t *watch = watch_;
    coral_sleeper_t *writer;

    (void)fd;
    (void)what;
    apr_thread_mutex_lock(lock);
    writer = watch->writer;
    watch->writer = NULL;
    if (writer)
        writer->wake(writer, CORAL_WOKEN_READY);
    apr_thread_mutex_unlock(lock);
}

/* [lock] */
static void set_watch_alarm(coral_watch_t *watch, apr_time_t when)
{
    struct timeval tv;

    if (when == CORAL_NEVER || (watch->alarm_at && watch->alarm_at <= when))
        return; /* one that goes off too early finds out how much is left */
    watch->alarm_at = when;
    evtimer_add(&watch->alarm, until(when, &tv));
}

static void on_watch_alarm(evutil_socket_t fd, short what, void *watch_)
{
    coral_watch_t *watch = watch_;
    coral_sleeper_t *reader = NULL, *writer = NULL;
    apr_time_t now = apr_time_now();

    (void)fd;
    (void)what;
    apr_thread_mutex_lock(lock);
    watch->alarm_at = 0;
    if (!watch->open) { /* about to be closed */
        apr_thread_mutex_unlock(lock);
        return;
    }
    if (watch->reader && watch->reader_until <= now) {
        reader = watch->reader;
        watch->reader = NULL;
    }
    else if (watch->reader)
        set_watch_alarm(watch, watch->reader_until);
    if (watch->writer && watch->writer_until <= now) {
        writer = watch->writer;
        watch->writer = NULL;
        event_del_noblock(&watch->out);
    }
    else if (watch->writer)
        set_watch_alarm(watch, watch->writer_until);
    if (reader)
        reader->wake(reader, CORAL_WOKEN_TIMEOUT);
    if (writer)
        writer->wake(writer, CORAL_WOKEN_TIMEOUT);
    apr_thread_mutex_unlock(lock);
}

void coral_watch_open(coral_watch_t *watch, int fd)
{
    watch->fd = fd;
    watch->open = 1;
    watch->reader = watch->writer = NULL;
    watch->alarm_at = 0;
    watch->in_added = 0;
    event_assign(&watch->in, coral_poller_base(), fd, EV_READ | EV_PERSIST, on_in, watch);
    event_assign(&watch->out, coral_poller_base(), fd, EV_WRITE, on_out, watch);
    evtimer_assign(&watch->alarm, coral_poller_base(), on_watch_alarm, watch);
}

void coral_watch_close(coral_watch_t *watch)
{
    coral_sleeper_t *reader, *writer;

    if (!watch->open)
        return;
    apr_thread_mutex_lock(lock);
    watch->open = 0;
    apr_thread_mutex_unlock(lock);
    event_del(&watch->in); /* not under the lock: each waits for its callback, which takes it */
    event_del(&watch->out);
    event_del(&watch->alarm);
    apr_thread_mutex_lock(lock);
    reader = watch->reader;
    writer = watch->writer;
    watch->reader = watch->writer = NULL;
    if (reader)
        reader->wake(reader, CORAL_WOKEN_READY); /* to see for themselves */
    if (writer)
        writer->wake(writer, CORAL_WOKEN_READY);
    apr_thread_mutex_unlock(lock);
}

void coral_watch_wait(coral_watch_t *watch, coral_sleeper_t *sleeper, coral_direction_e direction, apr_time_t when)
{
    apr_thread_mutex_lock(lock);
    if (direction == CORAL_READ) {
        watch->reader = sleeper;
        watch->reader_until = when;
        if (!watch->in_added)
            event_add(&watch->in, NULL);
        watch->in_added = 1;
    }
    else {
        watch->writer = sleeper;
        watch->writer_until = when;
        event_add(&watch->out, NULL);
    }
    set_watch_alarm(watch, when);
    apr_thread_mutex_unlock(lock);
}

void coral_watch_again(coral_watch_t *watch, coral_sleeper_t *sleeper)
{
    watch->reader = sleeper; /* whoever calls wake() has the lock */
}

void coral_watch_cancel(coral_watch_t *watch, coral_sleeper_t *sleeper)
{
    apr_thread_mutex_lock(lock);
    if (watch->reader == sleeper)
        watch->reader = NULL;
    if (watch->writer == sleeper) {
        watch->writer = NULL;
        event_del_noblock(&watch->out);
    }
    apr_thread_mutex_unlock(lock);
}

/* Hang-ups. The kernel says at any time whether there is one; libevent says when to ask: where something is to be read, for behind it
 * may be the end. With data there that nobody reads it is asked now and then. */

static int is_gone(int fd)
{
    struct pollfd state = { .fd = fd, .events = POLLRDHUP };

    return poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

static void on_hangup(evutil_socket_t fd, short what, void *hangup_)
{
    coral_hangup_t *hangup = hangup_;
    struct timeval second = { 1, 0 };

    (void)fd;
    (void)what;
    apr_thread_mutex_lock(lock);
    if (!hangup->watching)
        ;
    else if (is_gone(hangup->fd))
        hangup->sleeper->wake(hangup->sleeper, CORAL_WOKEN_READY);
    else
        evtimer_add(&hangup->again, &second);
    apr_thread_mutex_unlock(lock);
}

void coral_hangup_watch(coral_hangup_t *hangup, coral_sleeper_t *sleeper, int fd)
{
    int early = event_base_get_features(coral_poller_base()) & EV_FEATURE_EARLY_CLOSE ? EV_CLOSED : 0;

    hangup->sleeper = sleeper;
    hangup->fd = fd;
    hangup->watching = 1;
    event_assign(&hangup->event, coral_poller_base(), fd, (short)(EV_READ | early), on_hangup, hangup);
    evtimer_assign(&hangup->again, coral_poller_base(), on_hangup, hangup);
    event_add(&hangup->event, NULL);
}

void coral_hangup_cancel(coral_hangup_t *hangup)
{
    int watching;

    apr_thread_mutex_lock(lock);
    watching = hangup->watching;
    hangup->watching = 0;
    apr_thread_mutex_unlock(lock);
    if (watching) {
        event_del(&hangup->event);
        event_del(&hangup->again);
    }
}
