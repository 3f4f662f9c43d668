/* SPDX-License-Identifier: Apache-2.0 */
#include "park.h"

#include "connection.h"
#include "stay.h"

#include "apr_atomic.h"
#include "apr_portable.h"
#include "http_connection.h"
#include "mpm_common.h"
#include "scoreboard.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define SPARE_DESCRIPTORS 256
#define MOMENT apr_time_from_msec(100) /* most waits are over by then: watching the client would cost more than they do */

/* A connection that has, or had, a parked request. */
typedef struct coral_parked_t {
    APR_RING_ENTRY(coral_parked_t) link; /* among those that are to be woken when there are threads for them */
    conn_rec *c;
    apr_socket_t *socket;
    request_rec *r; /* the parked request, NULL: none */
    const coral_parking_t *parking;
    void *data;

    int descriptor;   /* the socket's, while ours is in its place */
    int wake;         /* ours, -1: none */
    int swapped;
    int aborted; /* what c->aborted was */
    coral_watch_t client;
    coral_hangup_t hangup;
    coral_alarm_t tick;
    coral_sleeper_t on_hangup, on_tick;
    apr_time_t until; /* the MPM lets it wait */
    int looked_after;

    /* [lock] */
    enum { QUIET, QUEUED, RUNG } calling;
    int gone, away;
} parked_t;

static struct {
    apr_pool_t *pool;
    apr_thread_mutex_t *lock;
    APR_RING_HEAD(queue_t, coral_parked_t) queue;
    int called; /* connections on their way to a thread */
    int spare[SPARE_DESCRIPTORS], spares;
    int threads;
    int able; /* the MPM can */
    int most;
    apr_uint32_t count;
    apr_time_t complained;
} park;

void coral_park_set_most(int most)
{
    park.most = most;
}

int coral_park_count(void)
{
    return (int)apr_atomic_read32(&park.count);
}

/* Only the event MPM of 2.4.63 or later can wait for input in the middle of a request. */
static int mpm_can(void)
{
    int answer = 0;

    if (ap_mpm_query(AP_MPMQ_IS_ASYNC, &answer) != APR_SUCCESS || !answer)
        return 0;
    return ap_mpm_query(AP_MPMQ_CAN_WAITIO, &answer) == APR_SUCCESS && answer;
}

apr_status_t coral_park_child_init(apr_pool_t *pchild)
{
    int threads = 0;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    park.pool = pchild;
    park.able = mpm_can();
    park.threads = threads;
    park.called = park.spares = 0;
    park.complained = 0;
    apr_atomic_set32(&park.count, 0);
    APR_RING_INIT(&park.queue, coral_parked_t, link);
    return apr_thread_mutex_create(&park.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

/* Once a minute. */
static void complain(request_rec *r, const char *why)
{
    apr_time_t now = apr_time_now();
    int first;

    apr_thread_mutex_lock(park.lock);
    first = now - park.complained > apr_time_from_sec(60) || !park.complained;
    if (first)
        park.complained = now;
    apr_thread_mutex_unlock(park.lock);
    if (first)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "a request that waits keeps its thread: %s", why);
}

/* Wake descriptors, used again and again. */

static int take_descriptor(void)
{
    int fd = -1;

    apr_thread_mutex_lock(park.lock);
    if (park.spares)
        fd = park.spare[--park.spares];
    apr_thread_mutex_unlock(park.lock);
    if (fd < 0 && (fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0 && coral_poller_is_too_high(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void give_descriptor(int fd)
{
    apr_uint64_t count;

    if (fd < 0)
        return;
    if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN) {
        close(fd);
        return;
    }
    apr_thread_mutex_lock(park.lock);
    if (park.spares < SPARE_DESCRIPTORS) {
        park.spare[park.spares++] = fd;
        fd = -1;
    }
    apr_thread_mutex_unlock(park.lock);
    if (fd >= 0)
        close(fd);
}

/* Calling connections back. Not all at once: where all threads are busy the MPM closes the connections that only wait for a next
 * request. */

/* [lock] */
static void ring(parked_t *p)
{
    apr_uint64_t one = 1;

    p->calling = RUNG;
    park.called++;
    if (write(p->wake, &one, sizeof(one)) < 0)
        ap_log_error(APLOG_MARK, APLOG_CRIT, apr_get_os_error(), ap_server_conf, "a parked request cannot be woken");
}

/* Half of the threads that are free may be called for, or one. */
static int may_ring(void)
{
    int most = (park.threads - coral_stay_busy()) / 2;

    return park.called < (most > 1 ? most : 1);
}

/* [lock] */
static void call(parked_t *p, int urgent)
{
    if (p->wake < 0 || p->calling == RUNG)
        return;
    if (urgent || may_ring()) {
        if (p->calling == QUEUED)
            APR_RING_REMOVE(p, link);
        ring(p);
    }
    else if (p->calling == QUIET) {
        p->calling = QUEUED;
        APR_RING_INSERT_TAIL(&park.queue, p, coral_parked_t, link);
    }
}

/* The connection has come to a thread, called or by itself. What is called from here on brings it back once more. */
static void answer(parked_t *p)
{
    apr_uint64_t count;

    apr_thread_mutex_lock(park.lock);
    if (p->calling == QUEUED)
        APR_RING_REMOVE(p, link);
    if (p->calling == RUNG)
        park.called--;
    p->calling = QUIET;
    if (read(p->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
        ap_log_error(APLOG_MARK, APLOG_CRIT, apr_get_os_error(), ap_server_conf, "a wake descriptor is lost");
    apr_thread_mutex_unlock(park.lock);
}

/* A thread has done with one: the next may come. */
static void let_next(void)
{
    apr_thread_mutex_lock(park.lock);
    while (!APR_RING_EMPTY(&park.queue, coral_parked_t, link) && may_ring()) {
        parked_t *next = APR_RING_FIRST(&park.queue);

        APR_RING_REMOVE(next, link);
        ring(next);
    }
    apr_thread_mutex_unlock(park.lock);
}

static parked_t *parked_of(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_of(c);

    return connection ? connection->parked : NULL;
}

void coral_park_wake(request_rec *r, int *why)
{
    parked_t *p = parked_of(r->connection);

    apr_thread_mutex_lock(park.lock);
    *why = 1;
    call(p, 0);
    apr_thread_mutex_unlock(park.lock);
}

int coral_park_take(int *why)
{
    int was;

    apr_thread_mutex_lock(park.lock);
    was = *why;
    *why = 0;
    apr_thread_mutex_unlock(park.lock);
    return was;
}

static void on_hangup(coral_sleeper_t *s, coral_reason_e reason)
{
    parked_t *p = (parked_t *)((char *)s - offsetof(parked_t, on_hangup));

    (void)reason;
    apr_thread_mutex_lock(park.lock);
    p->gone = 1;
    call(p, 0);
    apr_thread_mutex_unlock(park.lock);
}

/* In the loop: the request has been parked for a moment, so it is worth to look after its client; or for long. */
static void on_tick(coral_sleeper_t *s, coral_reason_e reason)
{
    parked_t *p = (parked_t *)((char *)s - offsetof(parked_t, on_tick));

    (void)reason;
    apr_thread_mutex_lock(park.lock);
    if (p->away && p->looked_after)
        call(p, 1); /* whoever is busy: the MPM does not wait */
    else if (p->away) {
        p->looked_after = 1;
        if (p->parking->watch_client)
            coral_hangup_watch(&p->hangup, &p->on_hangup, p->descriptor);
        coral_alarm_set(&p->tick, &p->on_tick, p->until);
    }
    apr_thread_mutex_unlock(park.lock);
}

static apr_status_t on_connection_end(void *p_)
{
    parked_t *p = p_;

    if (p->swapped || p->r)
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf, "a connection ends with a parked request: this must not be");
    return APR_SUCCESS;
}

static parked_t *make_parked(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_of(c);
    parked_t *p = connection->parked;

    if (!p) {
        connection->parked = p = apr_pcalloc(c->pool, sizeof(*p));
        p->c = c;
        p->socket = ap_get_conn_socket(c);
        p->wake = -1;
        p->on_hangup.wake = on_hangup;
        p->on_tick.wake = on_tick;
        APR_RING_ELEM_INIT(p, link);
        apr_pool_cleanup_register(c->pool, p, on_connection_end, apr_pool_cleanup_null);
    }
    return p;
}

/* Not inside another request, not where a module keeps the connection's input to itself, and not on a connection that came when the
 * child was told to stop: its listener may leave before it has seen it. */
int coral_park_can(request_rec *r)
{
    conn_rec *c = r->connection;
    coral_connection_t *connection;

    return park.able && !r->main && !r->prev && !c->master && c->cs && c->cs->state == CONN_STATE_HANDLER
           && !c->clogging_input_filters && (connection = coral_connection_of(c)) && connection->lasting && !c->aborted;
}

static int descriptor_of(parked_t *p)
{
    apr_os_sock_t fd = -1;

    apr_os_sock_get(&fd, p->socket);
    return fd;
}

static int too_many(request_rec *r)
{
    if (apr_atomic_inc32(&park.count) < (apr_uint32_t)park.most || !park.most)
        return 0;
    apr_atomic_dec32(&park.count);
    complain(r, "there are as many parked requests as CoralMaxParked allows");
    return 1;
}

int coral_park(request_rec *r, const coral_parking_t *parking, void *data)
{
    parked_t *p = make_parked(r->connection);
    int wake;

    if (p->r == r) /* the next script of a request that is parked already */
        return SUSPENDED;
    if (!coral_poller_start() || too_many(r))
        return DECLINED;
    if (coral_poller_is_too_high(descriptor_of(p)) || (wake = take_descriptor()) < 0) {
        apr_atomic_dec32(&park.count);
        complain(r, "the child has hardly any descriptors left (ulimit -n; with CoralNetworkBackend select, 1024)");
        return DECLINED;
    }
    p->wake = wake;
    p->r = r;
    p->parking = parking;
    p->data = data;
    p->gone = 0;
    return SUSPENDED;
}

coral_watch_t *coral_park_client(request_rec *r)
{
    parked_t *p;

    if (!coral_poller_start())
        return NULL;
    p = make_parked(r->connection);
    if (!p->client.open)
        coral_watch_open(&p->client, descriptor_of(p));
    return &p->client;
}

/* The request is not parked any more. */
static void unpark(parked_t *p)
{
    int wake = p->wake;

    p->r = NULL;
    coral_watch_close(&p->client);
    apr_thread_mutex_lock(park.lock);
    if (p->calling == QUEUED)
        APR_RING_REMOVE(p, link);
    if (p->calling == RUNG)
        park.called--;
    p->calling = QUIET;
    p->wake = -1;
    apr_thread_mutex_unlock(park.lock);
    give_descriptor(wake);
    apr_atomic_dec32(&park.count);
}

static void finish(parked_t *p, int status)
{
    request_rec *r = p->r;
    conn_rec *c = p->c;

    unpark(p);
    if (!c->aborted) {
        if (status != OK && status != DONE)
            r->status = HTTP_OK; /* or ap_die() takes it for an error while another one is answered */
        ap_die(status, r);
    }
    ap_process_request_after_handler(r);
}

void coral_park_enter(conn_rec *c)
{
    coral_connection_t *connection;
    int state = 0;

    if (!park.able)
        return;
    connection = coral_connection_of(c);
    if (!connection) {
        connection = coral_connection_make(c);
        connection->lasting = ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state != AP_MPMQ_STOPPING;
    }
    if (apr_atomic_inc32(&connection->here))
        ap_log_cerror(APLOG_MARK, APLOG_CRIT, 0, c, "a connection is on two threads at once: this must not be");
}

int coral_park_back(conn_rec *c)
{
    parked_t *p = parked_of(c);
    int gone, status;

    if (!p || !p->r)
        return 0;
    c->cs->state = CONN_STATE_HANDLER;
    ap_update_child_status(c->sbh, SERVER_BUSY_WRITE, p->r);
    apr_thread_mutex_lock(park.lock);
    gone = p->gone;
    apr_thread_mutex_unlock(park.lock);
    status = p->parking->back(p->data, gone);
    if (status != CORAL_PARKED)
        finish(p, status);
    return 1;
}

int coral_park_leave(conn_rec *c)
{
    parked_t *p = parked_of(c);

    if (!park.able)
        return 0;
    apr_atomic_dec32(&coral_connection_of(c)->here);
    if (!p)
        return 0;
    if (!p->r)
        coral_watch_close(&p->client);
    else { /* the handler has returned SUSPENDED, or it goes on waiting */
        c->cs->state = CONN_STATE_ASYNC_WAITIO;
        c->cs->sense = CONN_SENSE_WANT_READ;
        p->aborted = c->aborted;
        c->aborted = 0; /* else the MPM closes it, though its request goes on */
    }
    let_next();
    return p->r != NULL;
}

/* The MPM gives up on a connection that waits longer than Timeout: it is to come back before. */
static apr_time_t next_tick(parked_t *p)
{
    apr_interval_time_t timeout = p->r->server->timeout, base = p->c->base_server->timeout;

    return apr_time_now() + (timeout < base ? timeout : base) / 2;
}

/* The last thing before the MPM waits for the connection. */
static void on_suspend(conn_rec *c, request_rec *r)
{
    parked_t *p = parked_of(c);
    apr_os_sock_t wake;

    (void)r;
    if (!p || !p->r || c->cs->state != CONN_STATE_ASYNC_WAITIO)
        return;
    wake = p->wake;
    p->descriptor = descriptor_of(p);
    apr_os_sock_put(&p->socket, &wake, c->pool);
    p->swapped = p->away = 1;
    p->until = next_tick(p);
    p->looked_after = p->until <= apr_time_now() + MOMENT;
    coral_alarm_set(&p->tick, &p->on_tick, p->looked_after ? p->until : apr_time_now() + MOMENT);
    p->parking->away(p->data); /* from here on the request is not ours: another thread may be at it */
}

/* The first thing when the connection is on a thread again, for whatever reason. */
static void on_resume(conn_rec *c, request_rec *r)
{
    parked_t *p = parked_of(c);

    (void)r;
    if (!p || !p->swapped)
        return;
    apr_thread_mutex_lock(park.lock);
    p->away = 0; /* on_tick() sets nothing from here on */
    apr_thread_mutex_unlock(park.lock);
    coral_alarm_cancel(&p->tick);
    coral_hangup_cancel(&p->hangup);
    answer(p);
    c->aborted |= p->aborted;
    if (descriptor_of(p) == p->wake)
        apr_os_sock_put(&p->socket, &p->descriptor, c->pool);
    else { /* the MPM has closed it, for want of room in its pollset */
        close(p->descriptor);
        p->wake = -1;
    }
    p->swapped = 0;
}

/* The connection is closed while its request is parked: the MPM's timeout, or the child is stopped. */
static int on_pre_close(conn_rec *c)
{
    parked_t *p = parked_of(c);
    conn_state_e state;

    if (!p || !p->r)
        return OK;
    state = c->cs->state;
    c->aborted = 1;
    p->parking->lost(p->data);
    finish(p, DONE);
    c->cs->state = state;
    let_next();
    return OK;
}

void coral_park_register(void)
{
    ap_hook_suspend_connection(on_suspend, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_resume_connection(on_resume, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_close_connection(on_pre_close, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
