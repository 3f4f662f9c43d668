/* SPDX-License-Identifier: Apache-2.0 */
#include "phase.h"

#include "filter.h"
#include "route.h"
#include "variable.h"
#include "verdict.h"

/* Whether the script ran in the first rewrite phase already; if not, it is noted. */
static int seen(coral_request_t *rq, const void *what)
{
    int i;

    if (!rq->done)
        rq->done = apr_array_make(rq->r->pool, 4, sizeof(void *));
    for (i = 0; i < rq->done->nelts; i++)
        if (APR_ARRAY_IDX(rq->done, i, const void *) == what)
            return 1;
    APR_ARRAY_PUSH(rq->done, const void *) = what;
    return 0;
}

typedef enum { ALL, FIRST, ONCE } asked_e;

/* Runs the scripts of a phase that have the given place in it. */
static int run_hooks(request_rec *r, coral_phase_e phase, coral_order_e order, asked_e asked)
{
    apr_array_header_t *hooks = coral_conf_of(r)->hooks[phase];
    int i, answer = DECLINED;

    for (i = 0; hooks && i < hooks->nelts; i++) {
        const coral_script_t *script = APR_ARRAY_IDX(hooks, i, const coral_script_t *);
        coral_run_t run = { 0 };
        int status;

        if (script->order != order || (asked == ONCE && seen(coral_request_of(r), script)))
            continue;
        coral_route_expect(r);
        coral_run_whole(&run, r, phase, script);
        status = coral_verdict(&run);
        if (status == OK)
            answer = OK;
        if ((status != OK && status != DECLINED) || (status == OK && asked == FIRST))
            return status;
    }
    return answer;
}

/* The response stands, whatever the script does. */
static int run_log(request_rec *r, coral_order_e order)
{
    apr_array_header_t *hooks = coral_conf_of(r)->hooks[CORAL_PHASE_log];
    int i;

    for (i = 0; hooks && i < hooks->nelts; i++) {
        const coral_script_t *script = APR_ARRAY_IDX(hooks, i, const coral_script_t *);
        coral_run_t run = { 0 };

        if (script->order != order)
            continue;
        coral_run_whole(&run, r, CORAL_PHASE_log, script);
        if (run.answer == CORAL_RETURNED && run.status == DONE)
            return DONE; /* no other logger */
    }
    return DECLINED;
}

/* CoralSet, and the set hooks: text in, variables out. */

static int push_arguments(lua_State *L, coral_run_t *run)
{
    apr_array_header_t *texts = run->data;
    int i;

    lua_createtable(L, texts->nelts, 0);
    for (i = 0; i < texts->nelts; i++) {
        lua_pushstring(L, APR_ARRAY_IDX(texts, i, const char *));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static void collect_variables(lua_State *L, coral_run_t *run, int first)
{
    const char *name = APR_ARRAY_IDX(run->script->set, 0, const char *), *err;

    if (lua_isnoneornil(L, first))
        return;
    err = coral_request_set_variable(run->rq, name, luaL_tolstring(L, first, NULL));
    if (err)
        luaL_error(L, "%s", err);
    run->answer = CORAL_NOTHING;
}

static int run_set(request_rec *r, const coral_script_t *script)
{
    apr_array_header_t *texts = apr_array_make(r->pool, 4, sizeof(char *));
    coral_run_t run = { .prepare = push_arguments, .collect = collect_variables, .data = texts };
    int i;

    for (i = 1; i < script->set->nelts; i++)
        APR_ARRAY_PUSH(texts, const char *) = coral_text_of(r, APR_ARRAY_IDX(script->set, i, const coral_text_t *));
    coral_route_expect(r);
    coral_run_whole(&run, r, CORAL_PHASE_set, script);
    return coral_verdict(&run);
}

static int set_variables(request_rec *r)
{
    const coral_conf_t *conf = coral_conf_of(r);
    apr_array_header_t *sets = conf->sets, *hooks = conf->hooks[CORAL_PHASE_set];
    int i, status = DECLINED;

    for (i = 0; sets && i < sets->nelts; i++) {
        const coral_set_t *set = &APR_ARRAY_IDX(sets, i, coral_set_t);

        if (!seen(coral_request_of(r), set->text ? (const void *)set->text : set->name))
            coral_request_set_variable(coral_request_of(r), set->name, coral_text_of(r, set->text));
    }
    for (i = 0; hooks && i < hooks->nelts && status == DECLINED; i++) {
        const coral_script_t *script = APR_ARRAY_IDX(hooks, i, const coral_script_t *);

        if (!seen(coral_request_of(r), script))
            status = run_set(r, script);
    }
    return status;
}

/* rewrite is two of httpd's hooks: translate_name, which knows the server and its <Location>s, and header_parser, which knows the
 * directory too. What ran in the first does not run again in the second. */
static int on_rewrite(request_rec *r, coral_order_e order)
{
    int status = order == CORAL_EARLY ? set_variables(r) : DECLINED;

    if (status == DECLINED && coral_conf_of(r)->hooks[CORAL_PHASE_rewrite])
        status = run_hooks(r, CORAL_PHASE_rewrite, order, ONCE);
    return status == OK ? DECLINED : status;
}

static int on_rewrite_early(request_rec *r) { return on_rewrite(r, CORAL_EARLY); }
static int on_rewrite_middle(request_rec *r) { return on_rewrite(r, CORAL_MIDDLE); }
static int on_rewrite_late(request_rec *r) { return on_rewrite(r, CORAL_LATE); }

static int on_quick(request_rec *r, int lookup)
{
    int order, status = DECLINED;

    if (lookup || !coral_conf_of(r)->hooks[CORAL_PHASE_quick])
        return DECLINED;
    for (order = CORAL_EARLY; order <= CORAL_LATE && status == DECLINED; order++)
        status = run_hooks(r, CORAL_PHASE_quick, (coral_order_e)order, FIRST);
    return status;
}

/* Not by run_hooks(): the response may be on its way, and is none of the hook's. */
static void on_insert_filter(request_rec *r)
{
    apr_array_header_t *hooks = coral_conf_of(r)->hooks[CORAL_PHASE_insert_filter];
    coral_request_t *rq = coral_request_existing(r);
    int i, order;

    if (rq)
        rq->response.filters = 1;
    for (order = CORAL_EARLY; hooks && order <= CORAL_LATE; order++)
        for (i = 0; i < hooks->nelts; i++) {
            const coral_script_t *script = APR_ARRAY_IDX(hooks, i, const coral_script_t *);
            coral_run_t run = { 0 };

            if ((int)script->order != order)
                continue;
            coral_run_whole(&run, r, CORAL_PHASE_insert_filter, script);
            if (run.answer == CORAL_FAILED)
                coral_filter_refuse(r); /* the hook itself cannot say no */
        }
    coral_filter_insert(r);
}

/* Early, in the row's place, late: three hooks for each row. */
#define HOOK(name, override, not_in, hook, place, asked)                                           \
    static int on_##name##_early(request_rec *r) { return run_row(r, CORAL_PHASE_##name, CORAL_EARLY, asked); }   \
    static int on_##name##_middle(request_rec *r) { return run_row(r, CORAL_PHASE_##name, CORAL_MIDDLE, asked); } \
    static int on_##name##_late(request_rec *r) { return run_row(r, CORAL_PHASE_##name, CORAL_LATE, asked); }
#define OTHER(...)

/* What is the server's to rewrite is done before a request goes to a named location. */
static int is_named(request_rec *r)
{
    const coral_request_t *rq = coral_request_existing(r);

    return rq && rq->named;
}

static int run_row(request_rec *r, coral_phase_e phase, coral_order_e order, asked_e asked)
{
    if (!coral_conf_of(r)->hooks[phase] || (phase == CORAL_PHASE_server_rewrite && is_named(r)))
        return DECLINED;
    return phase == CORAL_PHASE_log ? run_log(r, order) : run_hooks(r, phase, order, asked);
}

CORAL_PHASES(HOOK, OTHER)
#undef HOOK

/* httpd checks these again when an internal redirect or a subrequest goes to another uri. */
#define ap_hook_access(fn, before, after, place) ap_hook_check_access(fn, before, after, place, AP_AUTH_INTERNAL_PER_URI)
#define ap_hook_authn(fn, before, after, place) ap_hook_check_authn(fn, before, after, place, AP_AUTH_INTERNAL_PER_URI)
#define ap_hook_authz(fn, before, after, place) ap_hook_check_authz(fn, before, after, place, AP_AUTH_INTERNAL_PER_URI)

void coral_phase_register(void)
{
#define HOOK(name, override, not_in, hook, place, asked)                                           \
    ap_hook_##hook(on_##name##_early, NULL, NULL, APR_HOOK_REALLY_FIRST);                          \
    ap_hook_##hook(on_##name##_middle, NULL, NULL, place);                                         \
    ap_hook_##hook(on_##name##_late, NULL, NULL, (place) > APR_HOOK_LAST ? (place) : APR_HOOK_LAST);
    ap_hook_quick_handler(on_quick, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_translate_name(on_rewrite_early, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(on_rewrite_middle, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_translate_name(on_rewrite_late, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_header_parser(on_rewrite_early, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_header_parser(on_rewrite_middle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_header_parser(on_rewrite_late, NULL, NULL, APR_HOOK_LAST);
    CORAL_PHASES(HOOK, OTHER)
    ap_hook_insert_filter(on_insert_filter, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(coral_filter_insert_error, NULL, NULL, APR_HOOK_MIDDLE);
}
