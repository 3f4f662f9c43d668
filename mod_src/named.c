/* SPDX-License-Identifier: Apache-2.0 */
#include "named.h"

#include "request.h"

static const char *read_name(cmd_parms *cmd, const char *args, const char **name)
{
    const char *end = ap_strrchr_c(args, '>');

    if (!end || end[1])
        return "<CoralLocation is not closed by a > on its line";
    args = apr_pstrmemdup(cmd->pool, args, end - args);
    *name = ap_getword_conf(cmd->pool, &args);
    if (!**name || *args)
        return "<CoralLocation> takes one name";
    if (**name != '@' || !(*name)[1])
        return apr_psprintf(cmd->pool, "<CoralLocation>: the name \"%s\" does not begin with @; for a path there is <Location>", *name);
    return NULL;
}

/* Its lines are read as those of <Location "/">, which ProxyPass takes for what it is to replace. */
const char *coral_named_section(cmd_parms *cmd, void *conf, const char *args)
{
    apr_hash_t *all = coral_conf_of_server(cmd->server)->named;
    const char *name, *err = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT);
    cmd_parms inner = *cmd;
    ap_conf_vector_t *section;

    (void)conf;
    if (err || (err = read_name(cmd, args, &name)))
        return err;
    if (apr_hash_get(all, name, APR_HASH_KEY_STRING))
        return apr_psprintf(cmd->pool, "<CoralLocation \"%s\"> is there twice", name);
    section = ap_create_per_dir_config(cmd->pool);
    inner.path = "/";
    inner.override = OR_ALL | ACCESS_CONF;
    if ((err = ap_walk_config(cmd->directive->first_child, &inner, section))) {
        cmd->err_directive = inner.err_directive;
        return err;
    }
    apr_hash_set(all, name, APR_HASH_KEY_STRING, section);
    return NULL;
}

/* The configuration of a request to a named location: not that of its uri's <Location>s, which it comes from. */

static const coral_request_t *named(request_rec *r)
{
    const coral_request_t *rq = coral_request_existing(r);

    return rq && rq->named ? rq : NULL;
}

static void configure(request_rec *r, ap_conf_vector_t *base)
{
    r->per_dir_config = ap_merge_per_dir_configs(r->pool, base, named(r)->named);
    ap_if_walk(r);
}

/* After a redirect: what the request before it knew is taken over, before anybody asks for it. */
static int on_post_read_request(request_rec *r)
{
    if (coral_request_existing(r->prev))
        coral_request_of(r);
    return DECLINED;
}

static int check_internal(request_rec *r)
{
    if (r->main || r->prev || !coral_conf_flag(coral_conf_of(r), internal))
        return DECLINED;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "%s is not for clients: CoralInternal is on", r->uri);
    return HTTP_NOT_FOUND;
}

static int on_translate(request_rec *r)
{
    if (named(r))
        configure(r, r->server->lookup_defaults);
    return check_internal(r);
}

/* Lets the others map it, and notes what they have come to: the walk through <Location>s will change it. */
static int on_map_to_storage(request_rec *r)
{
    coral_request_t *rq = coral_request_existing(r);
    int status;

    if (!named(r) || rq->mapped)
        return DECLINED;
    rq->mapped = r->per_dir_config;
    status = ap_run_map_to_storage(r);
    rq->mapped = r->per_dir_config;
    return status;
}

static int on_post_perdir_config(request_rec *r)
{
    if (named(r))
        configure(r, named(r)->mapped);
    return check_internal(r);
}

void coral_named_register(void)
{
    ap_hook_post_read_request(on_post_read_request, NULL, NULL, APR_HOOK_REALLY_FIRST - 1);
    ap_hook_translate_name(on_translate, NULL, NULL, APR_HOOK_REALLY_FIRST - 1);
    ap_hook_map_to_storage(on_map_to_storage, NULL, NULL, APR_HOOK_REALLY_FIRST - 1);
    ap_hook_post_perdir_config(on_post_perdir_config, NULL, NULL, APR_HOOK_REALLY_FIRST - 1);
}
