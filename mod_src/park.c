/* SPDX-License-Identifier: Apache-2.0 */
#include "park.h"

#include "connection.h"
#include "lounge.h"
#include "stock.h"
#include "vigil.h"

#include "apr_atomic.h"
#include "apr_portable.h"
#include "http_connection.h"
#include "mpm_common.h"
#include "scoreboard.h"

#include <unistd.h>

/* A connection that has, or had, a parked request. */
typedef struct coral_parked_t {
    coral_bell_t bell;
    APR_RING_ENTRY(coral_parked_t) link; /* with the others that have one */
    conn_rec *c;
    apr_socket_t *socket;
    request_rec *r; /* the parked request, NULL: none */
    const coral_parking_t *parking;
    void *data;

    int descriptor; /* the socket's, while the bell's is in its place */
    int swapped;
    int aborted; /* what c->aborted was */
    void *scoreboard;
    apr_time_t since;
    coral_watch_t client;
    coral_vigil_t vigil;
} parked_t;

static struct {
    APR_RING_HEAD(all_t, coral_parked_t) all; /* [lock] */
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
    park.able = mpm_can();
    park.complained = 0;
    apr_atomic_set32(&park.count, 0);
    APR_RING_INIT(&park.all, coral_parked_t, link);
    return coral_bell_child_init(pchild);
}

/* Once a minute. */
static void complain(request_rec *r, const char *why)
{
    apr_time_t now = apr_time_now();
    int first;

    coral_bell_lock();
    first = now - park.complained > apr_time_from_sec(60) || !park.complained;
    if (first)
        park.complained = now;
    coral_bell_unlock();
    if (first)
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "a request that waits keeps its thread: %s", why);
}

static parked_t *parked_of(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_of(c);

    return connection ? connection->parked : NULL;
}

void coral_park_wake(request_rec *r, int *why)
{
    parked_t *p = parked_of(r->connection);

    coral_bell_lock();
    *why = 1;
    if (!coral_lounge_call(p->c))
        coral_bell_call(&p->bell, 0);
    coral_bell_unlock();
}

int coral_park_take(int *why)
{
    int was;

    coral_bell_lock();
    was = *why;
    *why = 0;
    coral_bell_unlock();
    return was;
}

static apr_status_t on_connection_end(void *p);

static parked_t *make_parked(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_of(c);
    parked_t *p = connection->parked;

    if (!p) {
        connection->parked = p = apr_pcalloc(c->pool, sizeof(*p));
        p->c = c;
        p->socket = ap_get_conn_socket(c);
        coral_bell_init(&p->bell);
        coral_vigil_init(&p->vigil, &p->bell);
        apr_pool_pre_cleanup_register(c->pool, p, on_connection_end); /* while its requests are still there */
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

    if (p->r == r) /* the next script of a request that is parked already */
        return SUSPENDED;
    if (!coral_poller_start() || too_many(r))
        return DECLINED;
    if (coral_poller_is_too_high(descriptor_of(p)) || !coral_bell_hang(&p->bell)) {
        apr_atomic_dec32(&park.count);
        complain(r, "the child has hardly any descriptors left (ulimit -n; with CoralNetworkBackend select, 1024)");
        return DECLINED;
    }
    p->r = r;
    p->parking = parking;
    p->data = data;
    p->since = apr_time_now();
    coral_stock_note(p->c, 1); /* the request's own */
    coral_bell_lock();
    p->vigil.gone = 0;
    APR_RING_INSERT_TAIL(&park.all, p, coral_parked_t, link);
    coral_bell_unlock();
    return SUSPENDED;
}

const coral_parker_t coral_park_mpm = { coral_park, coral_park_wake, coral_park_take, 0 };

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
    p->r = NULL;
    coral_watch_close(&p->client);
    coral_bell_lock();
    APR_RING_REMOVE(p, link);
    coral_bell_unlock();
    coral_bell_take_down(&p->bell, 0);
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
    coral_stock_note(c, CORAL_STOCK_ANSWER);
}

void coral_park_enter(conn_rec *c)
{
    coral_connection_t *connection;

    if (!park.able)
        return;
    connection = coral_connection_of(c);
    if (!connection) {
        connection = coral_connection_make(c);
        connection->lasting = !coral_is_stopping();
        coral_stock_lend(c, CORAL_STOCK_REQUEST);
    }
    if (apr_atomic_inc32(&connection->here))
        ap_log_cerror(APLOG_MARK, APLOG_CRIT, 0, c, "a connection is on two threads at once: this must not be");
}

apr_interval_time_t coral_park_back(conn_rec *c)
{
    parked_t *p = parked_of(c);
    apr_interval_time_t time;
    int status;

    if (!p || !p->r)
        return 0;
    time = apr_time_now() - p->since;
    c->cs->state = CONN_STATE_HANDLER;
    c->cs->sense = CONN_SENSE_DEFAULT;
    c->aborted |= p->aborted;
    p->aborted = 0;
    coral_stock_lend(c, CORAL_STOCK_ANSWER);
    ap_update_child_status(c->sbh, SERVER_BUSY_WRITE, p->r);
    status = p->parking->back(p->data, coral_vigil_is_gone(&p->vigil));
    if (status != CORAL_PARKED)
        finish(p, status);
    return time > 0 ? time : 1;
}

/* It came when the child had been told to stop: the listener may have left, and nobody comes back to write the rest. */
static void write_rest(conn_rec *c)
{
    if (c->cs->state == CONN_STATE_WRITE_COMPLETION && !c->aborted)
        ap_flush_conn(c);
}

int coral_park_leave(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_of(c);
    parked_t *p = parked_of(c);

    if (!park.able)
        return 0;
    if (!connection->lasting)
        write_rest(c);
    apr_atomic_dec32(&connection->here);
    if (!p)
        return 0;
    if (!p->r)
        coral_watch_close(&p->client);
    else { /* the handler has returned SUSPENDED, or it goes on waiting */
        c->cs->state = p->bell.fd < 0 ? CONN_STATE_LINGER : CONN_STATE_ASYNC_WAITIO;
        c->cs->sense = CONN_SENSE_WANT_READ;
        p->aborted = c->aborted;
        c->aborted = 0; /* else the MPM closes it, though its request goes on */
    }
    coral_bell_next();
    return p->r != NULL;
}

void coral_park_away(conn_rec *c)
{
    parked_t *p = parked_of(c);

    p->parking->away(p->data);
}

/* The MPM gives up on a connection that waits longer. */
static apr_interval_time_t timeout_of(const parked_t *p)
{
    apr_interval_time_t timeout = p->r->server->timeout, base = p->c->base_server->timeout;

    return timeout < base ? timeout : base;
}

/* The last thing before the MPM waits for the connection. */
static void on_suspend(conn_rec *c, request_rec *r)
{
    parked_t *p = parked_of(c);
    apr_os_sock_t bell;

    (void)r;
    if (!p || !p->r || c->cs->state != CONN_STATE_ASYNC_WAITIO)
        return;
    bell = p->bell.fd;
    p->descriptor = descriptor_of(p);
    apr_os_sock_put(&p->socket, &bell, c->pool);
    p->scoreboard = c->sbh;
    p->swapped = 1;
    coral_vigil_begin(&p->vigil, p->parking->watch_client ? p->descriptor : -1, timeout_of(p));
    p->parking->away(p->data); /* from here on the request is not ours: another thread may be at it */
}

/* The client's descriptor takes its place again. Whether the bell's is still open. */
static int come_back(parked_t *p)
{
    int open = descriptor_of(p) == p->bell.fd;

    coral_vigil_end(&p->vigil);
    if (open)
        coral_bell_answer(&p->bell);
    else /* by the MPM, for want of room in its pollset, or because the child is to stop at once */
        coral_bell_take_down(&p->bell, 1);
    apr_os_sock_put(&p->socket, &p->descriptor, p->c->pool);
    p->swapped = 0;
    return open;
}

/* A connection waits in one queue of the MPM's, or is on one thread. It changes its state when it leaves a queue; without a scoreboard
 * handle it is only told that it ends. */
static void check_alone(parked_t *p)
{
    if (p->r && (!p->swapped || (p->c->cs->state == CONN_STATE_ASYNC_WAITIO && p->c->sbh)))
        ap_log_cerror(APLOG_MARK, APLOG_CRIT, 0, p->c, "a connection with a parked request is given to two threads: this must not be");
}

/* The first thing when the connection is on a thread again, for whatever reason. */
static void on_resume(conn_rec *c, request_rec *r)
{
    parked_t *p = parked_of(c);

    (void)r;
    if (!p)
        return;
    check_alone(p);
    if (p->swapped)
        come_back(p);
}

/* Ends a request that has lost its connection. 0: it cannot be, its script is being run. */
static int end_lost(parked_t *p, int status, apr_time_t until)
{
    if (!p->parking->lost(p->data, until))
        return 0;
    p->c->aborted = 1;
    p->r->status = status;
    finish(p, DONE);
    return 1;
}

/* The MPM's timeout. */
static int on_pre_close(conn_rec *c)
{
    parked_t *p = parked_of(c);
    conn_state_e state;

    if (!p || !p->r)
        return OK;
    state = c->cs->state;
    end_lost(p, CORAL_PARK_CLOSED, CORAL_NEVER);
    c->cs->state = state;
    coral_bell_next();
    return OK;
}

/* The MPM could not keep the connection, has closed what it took for its socket, and destroys it without another word. So it does, too,
 * when the child is told to stop at once and its thread was about to let it go. */
static apr_status_t on_connection_end(void *p_)
{
    parked_t *p = p_;
    int open, stopping = coral_is_stopping();

    if (!p->r)
        return APR_SUCCESS;
    ap_log_error(APLOG_MARK, stopping ? APLOG_INFO : APLOG_ERR, 0, ap_server_conf, "httpd has dropped the connection of a parked request");
    open = !p->swapped || come_back(p);
    end_lost(p, stopping ? HTTP_SERVICE_UNAVAILABLE : CORAL_PARK_CLOSED, CORAL_NEVER);
    if (!open)
        apr_socket_close(p->socket);
    return APR_SUCCESS;
}

/* One turn of all that are parked. Returns how many could be ended. */
static int end_all(apr_time_t until)
{
    int i, count = coral_park_count(), ended = 0;

    for (i = 0; i < count; i++) {
        parked_t *p = APR_RING_FIRST(&park.all);

        if (p->swapped)
            come_back(p);
        p->c->sbh = p->scoreboard; /* for the log to know that it is a client's */
        if (end_lost(p, HTTP_SERVICE_UNAVAILABLE, until))
            ended++;
        else {
            APR_RING_REMOVE(p, link);
            APR_RING_INSERT_TAIL(&park.all, p, coral_parked_t, link);
        }
    }
    return ended;
}

void coral_park_end(apr_interval_time_t time)
{
    int ended, left;

    if (!coral_park_count())
        return;
    ended = end_all(0) + end_all(apr_time_now() + time);
    left = coral_park_count();
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                 "the child is to stop at once: %d parked requests end without an answer, %d of them, whose scripts run, without being logged",
                 ended + left, left);
}

void coral_park_register(void)
{
    ap_hook_suspend_connection(on_suspend, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_resume_connection(on_resume, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_pre_close_connection(on_pre_close, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
