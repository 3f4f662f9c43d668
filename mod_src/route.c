/* SPDX-License-Identifier: Apache-2.0 */
#include "route.h"

#include "script.h"

static int has_prefix(const char *uri, const char *prefix)
{
    apr_size_t length = strlen(prefix);

    while (length && prefix[length - 1] == '/')
        length--;
    return !strncmp(uri, prefix, length) && (!uri[length] || uri[length] == '/');
}

/* A file whose name comes from the uri may not be there: then the uri is nobody's. */
static const coral_script_t *existing(request_rec *r, const coral_script_t *script)
{
    apr_finfo_t info;

    return script && apr_stat(&info, script->file, APR_FINFO_TYPE, r->pool) == APR_SUCCESS && info.filetype == APR_REG ? script : NULL;
}

static const coral_script_t *matched(request_rec *r, const coral_route_t *route)
{
    ap_regmatch_t match[AP_MAX_REG_MATCH];

    if (route->prefix)
        return has_prefix(r->uri, route->prefix) ? route->script : NULL;
    if (ap_regexec(route->pattern, r->uri, AP_MAX_REG_MATCH, match, 0))
        return NULL;
    return route->interpolate ? existing(r, coral_script_matched(r, route->script, AP_MAX_REG_MATCH, match)) : route->script;
}

static const coral_script_t *find(request_rec *r, const coral_conf_t *conf, int nth)
{
    apr_array_header_t *hooks = conf->hooks[CORAL_PHASE_content], *routes = conf->routes;
    int i;

    if (hooks && hooks->nelts)
        return nth < hooks->nelts ? APR_ARRAY_IDX(hooks, nth, const coral_script_t *) : NULL;
    for (i = 0; !nth && routes && i < routes->nelts; i++) {
        const coral_script_t *script = matched(r, &APR_ARRAY_IDX(routes, i, coral_route_t));

        if (script)
            return script;
    }
    return NULL;
}

/* SetHandler and AddHandler coral: the file itself. One that is not there is httpd's to answer. */
static const coral_script_t *requested(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, CORAL_HANDLER) || r->finfo.filetype != APR_REG)
        return NULL;
    return coral_script_requested(r);
}

/* Whether the request before this one was declined by its content hook, and has started again as this one. */
static int has_declined(request_rec *before)
{
    const coral_request_t *rq = coral_request_existing(before);

    return rq && rq->declined;
}

static int count(const apr_array_header_t *hooks)
{
    return hooks ? hooks->nelts : 0;
}

const coral_script_t *coral_route_of(request_rec *r, int nth)
{
    const coral_request_t *rq = coral_request_existing(r);
    const coral_script_t *script;

    /* SetHandler of a <Location> takes a claimed request away again: server-status stays what it is beside an app at "/". */
    if (rq && rq->claimed && (!r->handler || strcmp(r->handler, CORAL_HANDLER)))
        return NULL;
    if (!has_declined(r->prev)) {
        script = find(r, coral_conf_of(r), nth);
        if (script && (script->of_directory || (rq && rq->reached)))
            return script; /* one of the server's is not for what Alias or ProxyPass has taken */
        nth -= count(coral_conf_of(r)->hooks[CORAL_PHASE_content]);
    }
    return nth > 0 ? NULL : requested(r);
}

/* What others look up for a request that has started again as a file (mod_dir its index) are files, too. */
static int is_of_file(request_rec *r)
{
    if (has_declined(r->prev))
        return 1;
    for (r = r->main; r; r = r->main)
        if (has_declined(r->prev))
            return 1;
    return 0;
}

void coral_route_expect(request_rec *r)
{
    const coral_conf_t *conf = coral_conf_of(r);
    coral_request_t *rq = coral_request_of(r);
    const coral_script_t *script;

    if (!conf->routes || rq->reached || rq->bonds || rq->app || is_of_file(r))
        return;
    script = find(r, conf, 0);
    if (script && script->home && !script->of_directory)
        rq->app = script;
}

static int on_translate(request_rec *r)
{
    const coral_conf_t *conf;
    const coral_script_t *script;
    coral_request_t *rq;

    if (r->proxyreq)
        return DECLINED;
    if (r->uri != r->parsed_uri.path && !(coral_request_existing(r) && coral_request_existing(r)->named)) /* a rewrite has changed it since httpd looked its <Location>s up */
        ap_location_walk(r);
    conf = coral_conf_of(r);
    if (!conf->routes && !conf->hooks[CORAL_PHASE_content])
        return DECLINED;
    rq = coral_request_of(r);
    rq->reached = 1;
    if (coral_conf_flag(conf, map_to_storage) || *r->uri != '/' || r->method_number == M_TRACE || is_of_file(r)
        || !(script = find(r, conf, 0)))
        return DECLINED;
    rq->claimed = 1;
    rq->app = script->home ? script : NULL;
    r->filename = apr_pstrcat(r->pool, CORAL_HANDLER ":", r->uri, NULL);
    r->handler = CORAL_HANDLER;
    return OK;
}

static int is_claimed(request_rec *r)
{
    coral_request_t *rq = coral_request_existing(r);

    return rq && rq->claimed ? OK : DECLINED;
}

void coral_route_register(void)
{
    static const char *const before[] = { "mod_alias.c", "mod_userdir.c", NULL }, *const after[] = { "mod_vhost_alias.c", NULL };

    ap_hook_translate_name(on_translate, before, after, APR_HOOK_MIDDLE);
    ap_hook_map_to_storage(is_claimed, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_type_checker(is_claimed, NULL, NULL, APR_HOOK_FIRST); /* a uri's ending says nothing about an app's answer */
}
