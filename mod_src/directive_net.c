/* SPDX-License-Identifier: Apache-2.0 */
#include "directive_net.h"

#include "conf.h"
#include "net.h"
#include "park.h"
#include "timer.h"

#include "apr_file_info.h"

const char *coral_directive_time(cmd_parms *cmd, void *conf, const char *text)
{
    apr_interval_time_t *field = (apr_interval_time_t *)((char *)conf + (apr_size_t)cmd->info);
    apr_size_t length = strlen(text);

    if (length > 1 && text[length - 1] == 'm' && apr_isdigit(text[length - 2])) /* nginx's minutes */
        text = apr_pstrcat(cmd->temp_pool, text, "in", NULL);
    if (ap_timeout_parameter_parse(text, field, "ms") != APR_SUCCESS || *field < 0)
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not a time such as 100, 100ms, 5s or 1m", cmd->directive->directive, text);
    return NULL;
}

static const char *number(cmd_parms *cmd, const char *text, int least, int *value)
{
    char *end;
    apr_int64_t parsed = apr_strtoi64(text, &end, 10);

    if (!*text || *end || parsed < least || parsed > 10000000)
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not a whole number from %d on", cmd->directive->directive, text, least);
    *value = (int)parsed;
    return NULL;
}

const char *coral_directive_number(cmd_parms *cmd, void *conf, const char *text)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int value;

    (void)conf;
    if (!err && !(err = number(cmd, text, 0, &value)))
        ((void (*)(int))cmd->info)(value);
    return err;
}

/* CoralMaxPendingTimers, CoralMaxRunningTimers */
const char *coral_directive_timers(cmd_parms *cmd, void *conf, const char *text)
{
    static int pending = CORAL_TIMERS_PENDING, running = CORAL_TIMERS_RUNNING;
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    if (!err)
        err = number(cmd, text, 0, cmd->info ? &running : &pending);
    if (!err)
        coral_timer_set_most(pending, running);
    return err;
}

const char *coral_directive_backend(cmd_parms *cmd, void *conf, const char *word)
{
    static const char *const words[] = { "auto", "epoll", "poll", "select" };
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int i;

    (void)conf;
    if (err)
        return err;
    for (i = 0; i < 4; i++)
        if (!strcasecmp(word, words[i])) {
            if (!coral_poller_has_backend((coral_backend_e)i))
                return apr_psprintf(cmd->pool, "CoralNetworkBackend: libevent has no %s on this system; auto takes the best it has", word);
            coral_poller_set_backend((coral_backend_e)i);
            return NULL;
        }
    return apr_psprintf(cmd->pool, "CoralNetworkBackend: there is no \"%s\"; it is auto, epoll, poll or select", word);
}

const char *coral_directive_pool_size(cmd_parms *cmd, void *conf, const char *text)
{
    return number(cmd, text, 1, &((coral_conf_t *)conf)->pool_size);
}

const char *coral_directive_pem(cmd_parms *cmd, void *conf, const char *path)
{
    const char **field = (const char **)((char *)conf + (apr_size_t)cmd->info), *full = ap_server_root_relative(cmd->pool, path);
    apr_finfo_t info;
    apr_status_t rv = full ? apr_stat(&info, full, APR_FINFO_TYPE, cmd->temp_pool) : APR_EBADPATH;
    char reason[128];

    if (rv != APR_SUCCESS || info.filetype != APR_REG)
        return apr_psprintf(cmd->pool, "%s: cannot read %s: %s", cmd->directive->directive, path,
                            rv == APR_SUCCESS ? "it is not a file" : apr_strerror(rv, reason, sizeof(reason)));
    if (!coral_tls_is_pem(full, !strstr(cmd->directive->directive, "Crl") && !strstr(cmd->directive->directive, "Key"),
                          strstr(cmd->directive->directive, "Key") != NULL))
        return apr_psprintf(cmd->pool, "%s: %s does not hold what it should, in PEM form", cmd->directive->directive, path);
    *field = full;
    return NULL;
}

const char *coral_directive_depth(cmd_parms *cmd, void *conf, const char *text)
{
    const char *err = number(cmd, text, 0, &((coral_conf_t *)conf)->tls.depth);

    ((coral_conf_t *)conf)->tls.depth++;
    return err;
}

const char *coral_directive_protocols(cmd_parms *cmd, void *conf_, const char *word)
{
    coral_conf_t *conf = conf_;

    if (strcmp(word, "TLSv1") && strcmp(word, "TLSv1.1") && strcmp(word, "TLSv1.2") && strcmp(word, "TLSv1.3"))
        return apr_psprintf(cmd->pool, "CoralSslProtocols: there is no \"%s\"; it takes TLSv1, TLSv1.1, TLSv1.2, TLSv1.3", word);
    conf->tls.protocols = conf->tls.protocols ? apr_pstrcat(cmd->pool, conf->tls.protocols, " ", word, NULL) : word;
    return NULL;
}
