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
    void *data;
    apr_thread_cond_t *gone;
    int took; /* µs, its last request */
    /* [lock] */
    enum { WAITING, SERVED, GONE } state;
    coral_lounge_e why; /* it is gone */
    int watched;        /* by the loop */
    apr_time_t since;
} guest_t;

static struct {
    apr_thread_mutex_t *lock;
    apr_interval_time_t longest;
    /* [lock] */
    APR_RING_HEAD(guests_t, coral_guest_t) waiting;
    int ticking;
    _Atomic int guests;
    struct event tick;
} lounge;

apr_status_t coral_lounge_child_init(apr_pool_t *pchild, int milliseconds)
{
    lounge.longest = apr_time_from_msec(milliseconds);
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
static void sit_down(guest_t *guest, apr_time_t now)
{
    guest->state = WAITING;
    guest->since = now;
    APR_RING_INSERT_TAIL(&lounge.waiting, guest, coral_guest_t, link);
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

/* In the loop: those go who have waited too long, and all when the child is told to. */
static void on_tick(evutil_socket_t fd, short what, void *unused)
{
    int state = 0, stopping = ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS || state == AP_MPMQ_STOPPING;
    apr_time_t came = stopping ? CORAL_NEVER : apr_time_now() - lounge.longest; /* or before */
    guest_t *guest;

    (void)fd;
    (void)what;
    (void)unused;
    apr_thread_mutex_lock(lounge.lock);
    while (!APR_RING_EMPTY(&lounge.waiting, coral_guest_t, link)
           && (guest = APR_RING_FIRST(&lounge.waiting))->since <= came) {
        APR_RING_REMOVE(guest, link);
        let_go(guest, CORAL_LOUNGE_IDLE);
    }
    if (lounge.guests)
        set_tick();
    else
        lounge.ticking = 0;
    apr_thread_mutex_unlock(lounge.lock);
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
    if (comes) {
        guest->state = SERVED;
        APR_RING_REMOVE(guest, link);
    }
    else {
        event_del_noblock(&guest->event);
        guest->watched = 0;
    }
    apr_thread_mutex_unlock(lounge.lock);
    if (comes)
        coral_poller_post_work(&guest->errand, guest->took);
}

/* How often the thread had to wait for something. */
static long times_held_up(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

/* In a thread of the loop. */
static void serve(coral_errand_t *errand)
{
    guest_t *guest = (guest_t *)((char *)errand - offsetof(guest_t, errand));
    int asked = guest->took > LIGHT, stays, weighty, again = 0;
    long before = asked ? times_held_up() : 0;
    apr_time_t began = apr_time_now(), now;

    guest->c->current_thread = coral_poller_thread();
    stays = guest->round(guest->c, guest->data);
    now = apr_time_now();
    guest->took = (int)(now - began);
    weighty = guest->took > WEIGHTY || (asked && guest->took > LIGHT && times_held_up() != before);
    apr_thread_mutex_lock(lounge.lock);
    if (!stays)
        let_go(guest, CORAL_LOUNGE_LEFT);
    else if (weighty)
        let_go(guest, CORAL_LOUNGE_WEIGHTY);
    else if (!(again = guest->c->data_in_input_filters))
        sit_down(guest, now);
    apr_thread_mutex_unlock(lounge.lock);
    if (again) /* it has come already; others first */
        coral_poller_post_work(errand, guest->took);
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

coral_lounge_e coral_lounge_wait(conn_rec *c, coral_round_t *round, void *data)
{
    apr_thread_t *thread = c->current_thread;
    apr_os_sock_t fd = -1;
    guest_t *guest;

    apr_os_sock_get(&fd, ap_get_conn_socket(c));
    if (!coral_poller_start() || coral_poller_is_too_high(fd) || !(guest = make_guest(c)))
        return CORAL_LOUNGE_CLOSED;
    guest->round = round;
    guest->data = data;
    event_assign(&guest->event, coral_poller_base(), fd, EV_READ | EV_PERSIST, on_request, guest);
    apr_thread_mutex_lock(lounge.lock);
    lounge.guests++;
    open_lounge();
    sit_down(guest, apr_time_now());
    while (guest->state != GONE)
        apr_thread_cond_wait(guest->gone, lounge.lock);
    lounge.guests--;
    apr_thread_mutex_unlock(lounge.lock);
    event_del(&guest->event); /* waits for on_request(), which takes the lock */
    guest->watched = 0;
    c->current_thread = thread;
    return guest->why;
}
