/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include "park.h"
#include "stay.h"

#include "apr_hooks.h"
#include "http_connection.h"

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

/* One round: a request, or what is to be done with a parked one. */
static coral_round_e go_round(conn_rec *c, void *rv_)
{
    int *rv = rv_;
    apr_interval_time_t parked;

    coral_park_enter(c);
    parked = coral_park_back(c);
    if (parked > CORAL_LOUNGE_LONG)
        coral_stay_alone(c);
    *rv = parked ? OK : serve(c);
    if (coral_park_leave(c))
        return CORAL_ROUND_WAITING;
    return *rv == OK ? CORAL_ROUND_STAYS : CORAL_ROUND_LEAVES;
}

static int on_process_connection(conn_rec *c)
{
    int rv;

    if (!c->cs || c->master)
        return DECLINED;
    coral_stay_enter();
    while (go_round(c, &rv) == CORAL_ROUND_STAYS && coral_stay(c, go_round, coral_park_away, &rv))
        ;
    coral_stay_leave(c);
    return rv;
}

void coral_serve_register(void)
{
    ap_hook_process_connection(on_process_connection, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
