/* SPDX-License-Identifier: Apache-2.0 */
#include "lounge.h"

#include "connection.h"
#include "poller.h"

#include "http_connection.h"

#include <sys/resource.h>

#define LOOK apr_time_from_msec(50) /* so often it is looked who has waited too long, and whether all are to go */
#define LIGHT 200     /* µs: whether a request that took less has held its thread up is not asked */
#define WEIGHTY 2000  /* µs: for one that takes more the way by httpd's listener does not matter */

typedef struct coral_guest_t {
    APR_RING_ENTRY(coral_guest_t) link; /* while it waits: with others that do, the longest first */
    coral_errand_t errand;
    struct event event;
    conn_rec *c;
    coral_round_t *round;
    coral_away_t *away;
    void *data;
    apr_thread_cond_t *gone;
    int took; /* µs, its last request */
    /* [lock] */
    enum {
        WAITING, /* for a request */
        SERVED,  /* or about to be */
        LEAVING, /* its request waits, or is about to … */
        CALLED,  /* … and has called before it did … */
        AWAY,    /* … or waits */
        GONE
    } state;
    coral_lounge_e why; /* it is gone */
    int watched;        /* by the loop */
    apr_time_t until;
} guest_t;

static struct {
    apr_thread_mutex_t *lock;
    apr_interval_time_t longest;
    int (*wanted)(void);
    /* [lock] */
    APR_RING_HEAD(guests_t, coral_guest_t) waiting; /* for whatever */
    int ticking;
    _Atomic int guests;
    struct event tick;
} lounge;

apr_status_t coral_lounge_child_init(apr_pool_t *pchild, int milliseconds, int (*wanted)(void))
{
    lounge.longest = apr_time_from_msec(milliseconds);
    lounge.wanted = wanted;
    lounge.ticking = lounge.guests = 0;
    APR_RING_INIT(&lounge.waiting, coral_guest_t, link);
    return apr_thread_mutex_create(&lounge.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

int coral_lounge_count(void)
{
    return lounge.guests;
}

/* [lock] The guest's own thread goes on; the guest may be no more once the lock is free. */
static void let_go(guest_t *guest, coral_lounge_e why)
{
    guest->state = GONE;
    guest->why = why;
    apr_thread_cond_signal(guest->gone);
}

/* [lock] */
static void sit_down(guest_t *guest, int state, apr_time_t until)
{
    guest->state = state;
    guest->until = until;
    APR_RING_INSERT_TAIL(&lounge.waiting, guest, coral_guest_t, link);
}

/* [lock] */
static void wait_for_request(guest_t *guest, apr_time_t now)
{
    sit_down(guest, WAITING, now + lounge.longest);
    if (!guest->watched)
        event_add(&guest->event, NULL);
    guest->watched = 1;
}

/* [lock] */
static void set_tick(void)
{
    apr_interval_time_t time = lounge.longest / 2 < LOOK ? lounge.longest / 2 : LOOK;
    struct timeval tv = { (time_t)apr_time_sec(time), (suseconds_t)apr_time_usec(time) };

    event_add(&lounge.tick, &tv);
    lounge.ticking = 1;
}

/* In the loop: those go who have waited too long, or all. */
static void on_tick(evutil_socket_t fd, short what, void *unused)
{
    apr_time_t until = coral_is_stopping() || lounge.wanted() ? CORAL_NEVER : apr_time_now();
    guest_t *guest, *next;

    (void)fd;
    (void)what;
    (void)unused;
    apr_thread_mutex_lock(lounge.lock);
    APR_RING_FOREACH_SAFE(guest, next, &lounge.waiting, coral_guest_t, link)
        if (guest->until <= until) {
            APR_RING_REMOVE(guest, link);
            let_go(guest, guest->state == AWAY ? CORAL_LOUNGE_LEFT : CORAL_LOUNGE_IDLE);
        }
    if (lounge.guests)
        set_tick();
    else
        lounge.ticking = 0;
    apr_thread_mutex_unlock(lounge.lock);
}

/* It is to be served, after others. [lock] */
static void is_next(guest_t *guest)
{
    APR_RING_REMOVE(guest, link);
    guest->state = SERVED;
}

/* In the loop: there is something to be read. While the guest is served that is its request's affair, and the loop looks away. */
static void on_request(evutil_socket_t fd, short what, void *guest_)
{
    guest_t *guest = guest_;
    int comes;

    (void)fd;
    (void)what;
    apr_thread_mutex_lock(lounge.lock);
    comes = guest->state == WAITING;
    if (comes)
        is_next(guest);
    else {
        event_del_noblock(&guest->event);
        guest->watched = 0;
    }
    apr_thread_mutex_unlock(lounge.lock);
    if (comes)
        coral_poller_post_work(&guest->errand, guest->took);
}

typedef struct {
    long waits;            /* how often the thread had to wait for something */
    apr_time_t now, spent; /* µs: on the clock, of the processor */
} moment_t;

static moment_t this_moment(int exactly)
{
    moment_t moment = { .now = apr_time_now() };
    struct rusage usage;

    if (exactly && getrusage(RUSAGE_THREAD, &usage) == 0) {
        moment.waits = usage.ru_nvcsw;
        moment.spent = apr_time_from_sec(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    }
    return moment;
}

/* Whether a round has held its thread up, by computing or by waiting; not if others had the processor. */
static int is_weighty(moment_t began, moment_t ended)
{
    apr_time_t spent = ended.spent - began.spent;

    return spent > WEIGHTY || (ended.waits != began.waits && ended.now - began.now - spent > LIGHT);
}

int coral_lounge_call(conn_rec *c)
{
    guest_t *guest = coral_connection_of(c)->guest;
    int called;

    if (!guest)
        return 0;
    apr_thread_mutex_lock(lounge.lock);
    called = guest->state;
    if (called == AWAY)
        is_next(guest);
    else if (called == LEAVING)
        guest->state = CALLED;
    apr_thread_mutex_unlock(lounge.lock);
    if (called == AWAY)
        coral_poller_post_work(&guest->errand, guest->took);
    return called == AWAY || called == LEAVING;
}

/* Its request waits. Whether it has called already. */
static int leave(guest_t *guest)
{
    int called;

    guest->away(guest->c);
    apr_thread_mutex_lock(lounge.lock);
    called = guest->state == CALLED;
    if (called)
        guest->state = SERVED;
    else
        sit_down(guest, AWAY, apr_time_now() + CORAL_LOUNGE_LONG);
    apr_thread_mutex_unlock(lounge.lock);
    return called;
}

/* How it goes on after a round. Whether with another one. */
static int go_on(guest_t *guest, coral_round_e end, int weighty, apr_time_t now)
{
    int again = end == CORAL_ROUND_STAYS && !weighty && guest->c->data_in_input_filters;

    apr_thread_mutex_lock(lounge.lock);
    if (end == CORAL_ROUND_LEAVES || (end == CORAL_ROUND_WAITING && weighty))
        let_go(guest, CORAL_LOUNGE_LEFT);
    else if (end == CORAL_ROUND_WAITING)
        guest->state = LEAVING;
    else if (weighty)
        let_go(guest, CORAL_LOUNGE_WEIGHTY);
    else if (!again)
        wait_for_request(guest, now);
    apr_thread_mutex_unlock(lounge.lock);
    return end == CORAL_ROUND_WAITING && !weighty ? leave(guest) : again;
}

/* In a thread of the loop. */
static void serve(coral_errand_t *errand)
{
    guest_t *guest = (guest_t *)((char *)errand - offsetof(guest_t, errand));
    int suspected = guest->took > LIGHT, took;
    moment_t began = this_moment(suspected), ended;
    coral_round_e end;

    guest->c->current_thread = coral_poller_thread();
    end = guest->round(guest->c, guest->data);
    ended = this_moment(suspected);
    guest->took = took = (int)(ended.now - began.now);
    if (go_on(guest, end, suspected && is_weighty(began, ended), ended.now)) /* others first */
        coral_poller_post_work(errand, took);
}

static guest_t *make_guest(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_make(c);
    guest_t *guest = connection->guest;

    if (!guest) {
        guest = apr_pcalloc(c->pool, sizeof(*guest));
        guest->c = c;
        guest->errand.run = serve;
        if (apr_thread_cond_create(&guest->gone, c->pool) != APR_SUCCESS)
            return NULL;
        connection->guest = guest;
    }
    return guest;
}

static void open_lounge(void)
{
    if (!lounge.ticking) {
        evtimer_assign(&lounge.tick, coral_poller_base(), on_tick, NULL);
        set_tick();
    }
}

coral_lounge_e coral_lounge_wait(conn_rec *c, coral_round_t *round, coral_away_t *away, void *data)
{
    apr_thread_t *thread = c->current_thread;
    apr_os_sock_t fd = -1;
    guest_t *guest;

    apr_os_sock_get(&fd, ap_get_conn_socket(c));
    if (!coral_poller_start() || coral_poller_is_too_high(fd) || !(guest = make_guest(c)))
        return CORAL_LOUNGE_CLOSED;
    guest->round = round;
    guest->away = away;
    guest->data = data;
    event_assign(&guest->event, coral_poller_base(), fd, EV_READ | EV_PERSIST, on_request, guest);
    apr_thread_mutex_lock(lounge.lock);
    lounge.guests++;
    open_lounge();
    wait_for_request(guest, apr_time_now());
    while (guest->state != GONE)
        apr_thread_cond_wait(guest->gone, lounge.lock);
    lounge.guests--;
    apr_thread_mutex_unlock(lounge.lock);
    event_del(&guest->event); /* waits for on_request(), which takes the lock */
    guest->watched = 0;
    c->current_thread = thread;
    return guest->why;
}
