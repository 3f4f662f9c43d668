/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

const char *const coral_phase_names[CORAL_PHASE_COUNT] = {
#define ROW(name, ...) #name,
    CORAL_PHASES(ROW, ROW)
#undef ROW
};

coral_phase_e coral_phase_by_name(const char *name)
{
    int i;

    for (i = 0; i < CORAL_PHASE_COUNT; i++)
        if (!strcmp(name, coral_phase_names[i]))
            break;
    return (coral_phase_e)i;
}

void *coral_conf_create_dir(apr_pool_t *p, char *path)
{
    coral_conf_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)path;
    conf->key = conf->group = conf->package_path = conf->package_cpath = "";
    conf->reload = conf->reload_every = conf->body_in_file = -1;
#define X(field, ...) conf->field = -1;
    CORAL_FLAGS(X)
    CORAL_TIMES(X)
    CORAL_SIZES(X)
#undef X
    return conf;
}

void coral_conf_rekey(apr_pool_t *p, coral_conf_t *conf)
{
    apr_array_header_t *init = conf->hooks[CORAL_PHASE_init];
    int i;

    conf->key = apr_pstrcat(p, conf->group, "\n", conf->package_path, "\n", conf->package_cpath, "\n",
                            conf->environment ? conf->environment : "", coral_conf_flag(conf, compat) ? "" : "\nplain",
                            coral_conf_flag(conf, luasocket) ? "" : "\nblocking", NULL);
    for (i = 0; init && i < init->nelts; i++)
        conf->key = apr_pstrcat(p, conf->key, "\n", APR_ARRAY_IDX(init, i, coral_script_t *)->key, NULL);
}

void coral_conf_add_route(apr_pool_t *p, coral_conf_t *conf, coral_route_t route)
{
    if (!conf->routes)
        conf->routes = apr_array_make(p, 1, sizeof(route));
    APR_ARRAY_PUSH(conf->routes, coral_route_t) = route;
}

const coral_conf_t *coral_conf_at_home(apr_pool_t *p, const coral_conf_t *conf, const char *home)
{
    coral_conf_t *own = apr_pmemdup(p, conf, sizeof(*own));

    own->package_path = apr_pstrcat(p, home, strstr(conf->package_path, ";;") ? ";" : ";;", conf->package_path, NULL);
    coral_conf_rekey(p, own);
    return own;
}

static apr_array_header_t *append(apr_pool_t *p, apr_array_header_t *first, apr_array_header_t *second)
{
    return !first ? second : !second ? first : apr_array_append(p, first, second);
}

static apr_array_header_t *merge_hooks(apr_pool_t *p, apr_array_header_t *above, apr_array_header_t *below,
                                       coral_inherit_e inherit)
{
    if (!below)
        return above;
    if (inherit == CORAL_INHERIT_BEFORE)
        return append(p, above, below);
    if (inherit == CORAL_INHERIT_AFTER)
        return append(p, below, above);
    return below;
}

static const char *merge_path(apr_pool_t *p, const char *above, const char *below)
{
    return !*above ? below : !*below ? above : apr_pstrcat(p, above, ";", below, NULL);
}

static void merge_tls(coral_tls_settings_t *tls, const coral_tls_settings_t *below)
{
#define MERGE(field)                                                                               \
    if (below->field)                                                                              \
        tls->field = below->field;
    MERGE(trusted)
    MERGE(crl)
    MERGE(certificate)
    MERGE(key)
    MERGE(protocols)
    MERGE(ciphers)
    MERGE(key_log)
    MERGE(commands)
    MERGE(depth)
#undef MERGE
}

/* Runs once per request and section, so: copies pointers, allocates only where both sides have something to say. */
void *coral_conf_merge_dir(apr_pool_t *p, void *above_, void *below_)
{
    const coral_conf_t *above = above_, *below = below_;
    coral_conf_t *conf = apr_pmemdup(p, above, sizeof(*conf));
    int i;

    if (below->inherit != CORAL_INHERIT_UNSET)
        conf->inherit = below->inherit;
    for (i = 0; i < CORAL_PHASE_COUNT; i++)
        conf->hooks[i] = below->none & 1u << i ? below->hooks[i]
                                               : merge_hooks(p, above->hooks[i], below->hooks[i], conf->inherit);
    conf->none |= below->none;
    conf->routes = append(p, below->routes, above->routes); /* the nearer one is asked first */
    if (below->hooks[CORAL_PHASE_content] || below->none & 1u << CORAL_PHASE_content)
        conf->routes = below->routes; /* what answers here was said nearer than the routes above … */
    else if (below->routes)
        conf->hooks[CORAL_PHASE_content] = NULL; /* … or than the hook above */
    conf->sets = append(p, above->sets, below->sets);
    if (below->default_type)
        conf->default_type = below->default_type;
    if (below->reload >= 0)
        conf->reload = below->reload;
    if (below->reload_every >= 0)
        conf->reload_every = below->reload_every;
#define X(field, ...)                                                                              \
    if (below->field >= 0)                                                                         \
        conf->field = below->field;
    CORAL_FLAGS(X)
    CORAL_TIMES(X)
    CORAL_SIZES(X)
#undef X
    if (below->body_directory)
        conf->body_directory = below->body_directory;
    if (below->body_in_file >= 0)
        conf->body_in_file = below->body_in_file;
    if (below->pool_size)
        conf->pool_size = below->pool_size;
    if (below->buffer_size)
        conf->buffer_size = below->buffer_size;
    merge_tls(&conf->tls, &below->tls);
    if (*below->key) {
        if (*below->group)
            conf->group = below->group;
        if (below->environment)
            conf->environment = below->environment;
        conf->package_path = merge_path(p, above->package_path, below->package_path);
        conf->package_cpath = merge_path(p, above->package_cpath, below->package_cpath);
        coral_conf_rekey(p, conf);
    }
    return conf;
}

void *coral_conf_create_server(apr_pool_t *p, server_rec *s)
{
    coral_server_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
    conf->regex_cache = 1024;
    conf->regex_match_limit = 10000000;
    conf->limits = apr_hash_make(p);
    conf->filters = apr_hash_make(p);
    conf->named = apr_hash_make(p);
    return conf;
}

void *coral_conf_merge_server(apr_pool_t *p, void *above_, void *below_)
{
    const coral_server_t *above = above_, *below = below_;
    coral_server_t *conf = apr_pmemdup(p, above, sizeof(*conf));

    conf->filters = apr_hash_overlay(p, below->filters, above->filters);
    conf->named = apr_hash_overlay(p, below->named, above->named);
    return conf;
}

const coral_limits_t *coral_conf_limits(const char *group)
{
    static const coral_limits_t none;
    const coral_server_t *server = coral_conf_of_server(ap_server_conf);
    const coral_limits_t *limits = apr_hash_get(server->limits, group, APR_HASH_KEY_STRING);

    if (!limits)
        limits = apr_hash_get(server->limits, "", 0);
    return limits ? limits : &none;
}
