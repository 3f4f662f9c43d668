/* SPDX-License-Identifier: Apache-2.0 */
#include "stay.h"

#include "connection.h"

#include "apr_atomic.h"
#include "apr_poll.h"
#include "http_connection.h"
#include "scoreboard.h"

#define DEFAULT_MILLISECONDS 5
#define MISSES 2       /* so many stays in vain, and the connection is left alone … */
#define PATIENCE 16    /* … for so many requests */
#define SPARE 4        /* such a part of the threads guests leave to others … */
#define LAST 6         /* … and when only such a part is left, all make room */
#define IN_VAIN 16     /* a stay in vain weighs as many that were not … */
#define TOO_VAIN 256   /* … and so much of it keeps connections from staying that have not proven to be worth it */
#define PAUSE apr_time_from_msec(100) /* so long nobody stays then */

static int longest = DEFAULT_MILLISECONDS;
static int threads;
static apr_uint32_t busy; /* threads of this child that are in process_connection, those who stay too */
static _Atomic apr_time_t paused_until;
static _Atomic int vain; /* how much of late was in vain */

void coral_stay_set(int milliseconds)
{
    longest = milliseconds;
}

int coral_stay_busy(void)
{
    return (int)apr_atomic_read32(&busy);
}

/* Hardly a thread is left: all who stay make room for a while. Else the MPM closes connections that wait for their next request. */
static int is_wanted(void)
{
    apr_time_t now = apr_time_now();

    if ((threads - coral_stay_busy()) * LAST < threads)
        paused_until = now + PAUSE;
    return now < paused_until;
}

/* Only the event MPM takes connections away from threads. */
void coral_stay_child_init(apr_pool_t *pchild)
{
    int async = 0;

    busy = threads = 0;
    paused_until = vain = 0;
    if (ap_mpm_query(AP_MPMQ_IS_ASYNC, &async) == APR_SUCCESS && async)
        ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (coral_lounge_child_init(pchild, longest, is_wanted) != APR_SUCCESS)
        threads = 0;
}

void coral_stay_allow(request_rec *r)
{
    if (threads && longest && !r->connection->master)
        coral_connection_make(r->connection)->stayed_for = 1;
}

/* A third of the threads stay free for others. */
int coral_stay_is_crowded(void)
{
    return apr_atomic_read32(&busy) * 3 > (apr_uint32_t)threads * 2;
}

/* Too many threads wait themselves, so some connections have to go by way of the listener. Then all shall, for a while: those threads are
 * always ready to run, and the listener, one among so many, would get too little of the processors. New connections would wait in vain. */
static int is_crowded(void)
{
    int crowded = coral_stay_is_crowded();

    if (crowded)
        paused_until = apr_time_now() + PAUSE;
    return crowded;
}

/* Guests of the lounge need few threads to be served, so more of them may stay. */
static int is_full(void)
{
    return (threads - coral_stay_busy()) * SPARE < threads;
}

/* The next request has come in time. */
static void note_hit(coral_connection_t *stay)
{
    stay->misses = 0;
    stay->worth = 1;
    if (vain > 0)
        vain--;
}

/* 0: no request has come in time. */
static int note_miss(coral_connection_t *stay)
{
    if (vain < TOO_VAIN)
        vain += IN_VAIN;
    if (++stay->misses >= MISSES) {
        stay->misses = stay->worth = 0;
        stay->skip = PATIENCE;
    }
    return 0;
}

/* Clients who are many, or slow, need longer for their next request than a stay is; then only few try. */
static int is_worth_it(coral_connection_t *stay)
{
    if (stay->worth || vain < TOO_VAIN)
        return 1;
    vain--; /* so that one after many tries */
    return 0;
}

/* Whether the connection waits for its next request, and may be waited for. */
static int may_stay(conn_rec *c, coral_connection_t *stay)
{
    if (!stay || !stay->stayed_for || c->cs->state != CONN_STATE_WRITE_COMPLETION || c->cs->sense != CONN_SENSE_DEFAULT
        || c->keepalive != AP_CONN_KEEPALIVE || c->aborted || is_wanted())
        return 0;
    if (stay->skip > 0)
        return stay->skip--, 0;
    return is_worth_it(stay) && !coral_is_stopping();
}

/* Writes what is left of the response, as the MPM would. Whether nothing is left. */
static int written(conn_rec *c)
{
    ap_filter_t *last = c->output_filters;

    while (last->next)
        last = last->next;
    return last->frec->filter_func.out_func(last, NULL) == APR_SUCCESS && !c->data_in_output_filters && !c->aborted;
}

/* Whether the next request comes in time, this thread waiting for it. */
static int next_request(conn_rec *c, coral_connection_t *stay)
{
    apr_pollfd_t socket = { .p = c->pool, .desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN };
    apr_int32_t count = 0;

    if (c->data_in_input_filters)
        return 1;
    socket.desc.s = ap_get_conn_socket(c);
    if (apr_poll(&socket, 1, &count, apr_time_from_msec(longest)) != APR_SUCCESS || !count)
        return note_miss(stay);
    note_hit(stay);
    return 1;
}

void coral_stay_enter(void)
{
    apr_atomic_inc32(&busy);
}

void coral_stay_leave(conn_rec *c)
{
    coral_connection_t *stay = coral_connection_of(c);

    if (stay)
        stay->stayed_for = 0;
    apr_atomic_dec32(&busy);
}

void coral_stay_alone(conn_rec *c)
{
    coral_connection_make(c)->alone = PATIENCE;
}

typedef struct {
    coral_round_t *round;
    coral_away_t *away;
    void *data;
} serving_t;

/* Whether the connection, a request of which has just been served, is to be stayed on. */
static int is_to_stay(conn_rec *c)
{
    return may_stay(c, coral_connection_of(c)) && written(c);
}

static void expect_request(conn_rec *c)
{
    coral_connection_of(c)->stayed_for = 0;
    c->cs->state = CONN_STATE_PROCESSING;
}

/* A request of a guest's waits. It may keep its thread so, which is cheaper than to be parked, as long as many others are free: the MPM
 * accepts the fewer connections the fewer are. */
static int may_wait(void)
{
    return !is_wanted() && coral_stay_busy() * 5 <= threads * 3;
}

/* In the lounge a request has come, or one that waited goes on. */
static coral_round_e round_of_guest(conn_rec *c, void *serving_)
{
    serving_t *serving = serving_;
    coral_round_e end;

    if (c->cs->state == CONN_STATE_WRITE_COMPLETION) {
        note_hit(coral_connection_of(c));
        expect_request(c);
    }
    end = serving->round(c, serving->data);
    if (end == CORAL_ROUND_WAITING)
        return may_wait() ? end : CORAL_ROUND_LEAVES;
    if (end == CORAL_ROUND_LEAVES || !is_to_stay(c))
        return CORAL_ROUND_LEAVES;
    ap_update_child_status(c->sbh, SERVER_BUSY_KEEPALIVE, NULL);
    return end;
}

/* Whether the next request has come, and is to be served by this thread. */
static int comes(conn_rec *c, serving_t *serving)
{
    coral_connection_t *stay = coral_connection_of(c);

    ap_update_child_status(c->sbh, SERVER_BUSY_KEEPALIVE, NULL);
    if (stay->alone > 0)
        stay->alone--;
    else if (is_full())
        return 0;
    else
        switch (coral_lounge_wait(c, round_of_guest, serving->away, serving)) {
        case CORAL_LOUNGE_IDLE:
            return note_miss(stay);
        case CORAL_LOUNGE_LEFT:
            return 0;
        case CORAL_LOUNGE_WEIGHTY:
            stay->alone = PATIENCE;
            break;
        case CORAL_LOUNGE_CLOSED:
            break;
        }
    return !is_crowded() && next_request(c, stay);
}

int coral_stay(conn_rec *c, coral_round_t *round, coral_away_t *away, void *data)
{
    serving_t serving = { round, away, data };

    if (!threads || !longest || !is_to_stay(c) || !(c->data_in_input_filters || comes(c, &serving)))
        return 0;
    expect_request(c);
    return 1;
}
