/* SPDX-License-Identifier: Apache-2.0 */
#include "stay.h"

#include "apr_atomic.h"
#include "apr_hooks.h"
#include "apr_poll.h"
#include "http_connection.h"
#include "scoreboard.h"

#define DEFAULT_MILLISECONDS 5
#define MISSES 2       /* so many stays in vain, and the connection is left alone … */
#define PATIENCE 16    /* … for so many requests */

typedef struct {
    int allowed; /* Lua answered the request that was just served */
    int misses, skip;
} stay_t;

static int longest = DEFAULT_MILLISECONDS;
static int threads;
static apr_uint32_t busy; /* threads of this child that are in process_connection, those who stay too */

void coral_stay_set(int milliseconds)
{
    longest = milliseconds;
}

/* Only the event MPM takes connections away from threads. */
void coral_stay_child_init(void)
{
    int async = 0;

    busy = threads = 0;
    if (ap_mpm_query(AP_MPMQ_IS_ASYNC, &async) == APR_SUCCESS && async)
        ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
}

static stay_t *stay_of(conn_rec *c)
{
    return ap_get_module_config(c->conn_config, &coral_module);
}

void coral_stay_allow(request_rec *r)
{
    conn_rec *c = r->connection;
    stay_t *stay;

    if (c->master || !threads || !longest)
        return;
    if (!(stay = stay_of(c))) {
        stay = apr_pcalloc(c->pool, sizeof(*stay));
        ap_set_module_config(c->conn_config, &coral_module, stay);
    }
    stay->allowed = 1;
}

static int on_process_connection(conn_rec *c);

/* What comes after us in the hook. */
static int serve(conn_rec *c)
{
    apr_array_header_t *hooks = ap_hook_get_process_connection();
    const ap_LINK_process_connection_t *link = (const ap_LINK_process_connection_t *)hooks->elts;
    int i, rv = DECLINED;

    for (i = 0; i < hooks->nelts && link[i].pFunc != on_process_connection; i++)
        ;
    for (i++; i < hooks->nelts && rv == DECLINED; i++)
        rv = link[i].pFunc(c);
    return rv;
}

/* A third of the threads stay free for others. */
static int crowded(void)
{
    return apr_atomic_read32(&busy) * 3 > (apr_uint32_t)threads * 2;
}

/* Whether the connection waits for its next request, and may be waited for. */
static int may_stay(conn_rec *c, stay_t *stay)
{
    int state = 0;

    if (!stay || !stay->allowed || c->cs->state != CONN_STATE_WRITE_COMPLETION || c->cs->sense != CONN_SENSE_DEFAULT
        || c->keepalive != AP_CONN_KEEPALIVE || c->aborted || crowded())
        return 0;
    if (stay->skip > 0)
        return stay->skip--, 0;
    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state != AP_MPMQ_STOPPING;
}

/* Writes what is left of the response, as the MPM would. Whether nothing is left. */
static int written(conn_rec *c)
{
    ap_filter_t *last = c->output_filters;

    while (last->next)
        last = last->next;
    return last->frec->filter_func.out_func(last, NULL) == APR_SUCCESS && !c->data_in_output_filters && !c->aborted;
}

/* Whether the next request came in time. */
static int next_request(conn_rec *c, stay_t *stay)
{
    apr_pollfd_t socket = { .p = c->pool, .desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN };
    apr_int32_t count = 0;

    if (c->data_in_input_filters)
        return 1;
    socket.desc.s = ap_get_conn_socket(c);
    ap_update_child_status(c->sbh, SERVER_BUSY_KEEPALIVE, NULL);
    if (apr_poll(&socket, 1, &count, apr_time_from_msec(longest)) == APR_SUCCESS && count) {
        stay->misses = 0;
        return 1;
    }
    if (++stay->misses >= MISSES) {
        stay->misses = 0;
        stay->skip = PATIENCE;
    }
    return 0;
}

static int on_process_connection(conn_rec *c)
{
    stay_t *stay;
    int rv;

    if (!threads || !longest || !c->cs || c->master)
        return DECLINED;
    apr_atomic_inc32(&busy);
    for (;;) {
        rv = serve(c);
        stay = stay_of(c);
        if (rv != OK || !may_stay(c, stay) || !written(c) || !next_request(c, stay))
            break;
        stay->allowed = 0;
        c->cs->state = CONN_STATE_PROCESSING;
    }
    if (stay)
        stay->allowed = 0;
    apr_atomic_dec32(&busy);
    return rv;
}

void coral_stay_register(void)
{
    ap_hook_process_connection(on_process_connection, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
