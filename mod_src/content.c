/* SPDX-License-Identifier: Apache-2.0 */
#include "content.h"

#include "capture.h"
#include "route.h"
#include "stay.h"
#include "trip.h"
#include "verdict.h"

#include "apr_hooks.h"

#include <stdlib.h>

/* The scripts of a request, one after the other until one answers. */
typedef struct {
    request_rec *r;
    int next; /* of route.h's list */
    const coral_script_t *script;
    coral_trip_t trip;
    coral_parking_t parking;
    int ours; /* the run is with the connection, not with the loop */
} content_t;

static int on_content(request_rec *r);

/* The content hook did not want the request. A claimed one has no file yet: it starts again, this time as a file, with everything
 * that guards the file. */
static int decline(coral_request_t *rq)
{
    if (!rq->claimed)
        return DECLINED;
    rq->declined = 1;
    rq->exec_named = rq->named;
    ap_internal_redirect(rq->r->args ? apr_pstrcat(rq->r->pool, ap_escape_uri(rq->r->pool, rq->r->uri), "?", rq->r->args, NULL)
                                     : ap_escape_uri(rq->r->pool, rq->r->uri),
                         rq->r);
    return OK;
}

/* OK, DECLINED: somebody else shall answer, or a status. */
static int judge(content_t *content)
{
    coral_run_t *run = &content->trip.run;
    int status;

    coral_stay_allow(content->r);
    coral_request_end_leases(run->rq, 0);
    status = coral_verdict(run);
    if (status == DECLINED && run->status == DECLINED) /* nobody else may have a script's file: it would be sent as it is */
        return content->script->run == CORAL_RUN_SCRIPT ? HTTP_NOT_FOUND : DECLINED;
    if (status == DECLINED || status == OK)
        coral_response_finish(&run->rq->response); /* an empty response is one too */
    if (run->rq->response.finished)
        coral_body_spend(run->rq->body);
    return status == DECLINED || status == DONE ? OK : status;
}

static int prepare(content_t *content, const coral_script_t *script)
{
    request_rec *r = content->r;

    content->script = script;
    if (script->run == CORAL_RUN_SCRIPT && r->used_path_info == AP_REQ_REJECT_PATH_INFO && r->path_info && *r->path_info)
        return HTTP_NOT_FOUND;
    coral_request_of(r)->response.filters = 1;
    r->content_type = NULL; /* the script's own file name says nothing about what it answers */
    return OK;
}

static int on_back(void *content, int gone);
static void on_away(void *content);
static int on_lost(void *content, apr_time_t until);

/* A write has shown that the client is gone, and nobody has been told. Whether the request is to be ended. */
static int is_abandoned(content_t *content, int gone)
{
    coral_run_t *run = &content->trip.run;

    if (!content->parking.watch_client || !(gone || run->rq->response.aborted))
        return 0;
    if (run->rq->client_ended && !run->rq->response.aborted) /* the one who reads is told */
        return 0;
    content->parking.watch_client = content->trip.stops_on_abort = 0; /* it is known now */
    return !run->rq->response.finished && !coral_run_aborts(run);
}

static int abandon(content_t *content)
{
    coral_run_kill(&content->trip.run);
    coral_capture_end(content->r);
    if (!content->r->main)
        content->r->connection->aborted = 1;
    content->r->status = CORAL_PARK_CLOSED;
    return DONE;
}

/* The script waits. CORAL_PARKED: the request is parked; OK: it has been waited for on this thread; DONE: there is no client. */
static int park(content_t *content)
{
    content->ours = 1;
    if (is_abandoned(content, 0))
        return abandon(content);
    if (content->trip.parker->park(content->r, &content->parking, content) == CORAL_PARKED)
        return CORAL_PARKED;
    coral_run_finish(&content->trip.run);
    return OK;
}

static const coral_parker_t *parker_of(request_rec *r)
{
    if (coral_park_can(r))
        return &coral_park_mpm;
    return coral_capture_can(r) ? &coral_capture_parker : NULL;
}

/* With the first script, or from the one that has declined on. */
static int run_scripts(content_t *content)
{
    const coral_parker_t *parker;
    const coral_script_t *script;
    int status = DECLINED;

    while (status == DECLINED && (script = coral_route_of(content->r, content->next))) {
        content->next++;
        memset(&content->trip, 0, sizeof(content->trip));
        if ((status = prepare(content, script)) != OK)
            return status;
        content->parking.watch_client = content->trip.stops_on_abort =
            content->r->main || coral_conf_flag(coral_conf_of(content->r), check_client_abort);
        if (!(parker = parker_of(content->r)))
            coral_run_whole(&content->trip.run, content->r, CORAL_PHASE_content, script);
        else if (!coral_trip_start(&content->trip, content->r, CORAL_PHASE_content, script, parker) && (status = park(content)) != OK)
            return status;
        status = judge(content);
    }
    return status == DECLINED && content->next ? decline(coral_request_of(content->r)) : status;
}

static apr_status_t free_content(void *content)
{
    free(content);
    return APR_SUCCESS;
}

/* r->pool is mostly full by now, and would need 8 KB more for each request that is parked. */
static content_t *make_content(request_rec *r)
{
    content_t *content = malloc(sizeof(*content));

    if (content) {
        apr_pool_cleanup_register(r->pool, content, free_content, apr_pool_cleanup_null);
        content->r = r;
        content->next = 0;
        content->parking = (coral_parking_t){ 0, on_away, on_back, on_lost };
    }
    return content;
}

static int on_content(request_rec *r)
{
    content_t *content;

    if (!coral_route_of(r, 0))
        return DECLINED;
    content = make_content(r);
    return content ? run_scripts(content) : HTTP_INTERNAL_SERVER_ERROR;
}

/* Parked. */

static void on_away(void *content_)
{
    content_t *content = content_;

    if (!content->ours) /* the connection was only back for a moment */
        return;
    content->ours = 0;
    coral_request_end_leases(content->trip.run.rq, 1);
    coral_trip_release(&content->trip);
}

/* The other handlers get their turn, as they would have if this one had declined at once. */
static int ask_others(request_rec *r)
{
    apr_array_header_t *hooks = ap_hook_get_handler();
    const ap_LINK_handler_t *link = (const ap_LINK_handler_t *)hooks->elts;
    int i, status = DECLINED;

    for (i = 0; i < hooks->nelts && link[i].pFunc != on_content; i++)
        ;
    for (i++; i < hooks->nelts && status == DECLINED; i++)
        status = link[i].pFunc(r);
    return status == DECLINED ? HTTP_INTERNAL_SERVER_ERROR : status;
}

static int on_back(void *content_, int gone)
{
    content_t *content = content_;
    int status;

    if (gone ? !coral_trip_demand(&content->trip) : !coral_trip_claim(&content->trip))
        return CORAL_PARKED;
    content->ours = 1;
    if (is_abandoned(content, gone))
        return abandon(content);
    if (!coral_trip_resume(&content->trip))
        return is_abandoned(content, 0) ? abandon(content) : CORAL_PARKED;
    status = judge(content);
    if (status == DECLINED)
        status = run_scripts(content);
    return status == DECLINED ? ask_others(content->r) : status;
}

static int on_lost(void *content_, apr_time_t until)
{
    content_t *content = content_;

    while (!content->ours && !coral_trip_demand(&content->trip)) { /* as long as Lua's present step takes */
        if (apr_time_now() >= until)
            return 0;
        apr_sleep(apr_time_from_msec(1));
    }
    content->ours = 1;
    coral_run_kill(&content->trip.run);
    coral_capture_end(content->r);
    return 1;
}

void coral_content_register(void)
{
    ap_hook_handler(on_content, NULL, NULL, APR_HOOK_FIRST);
}
