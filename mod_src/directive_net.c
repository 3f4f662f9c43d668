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

const char *coral_directive_size(cmd_parms *cmd, const char *word, apr_int64_t *bytes)
{
    int shift = 0;
    char *end;

    *bytes = apr_strtoi64(word, &end, 10);
    switch (end > word ? apr_tolower(*end) : 0) {
    case 'g':
        shift += 10; /* fall through */
    case 'm':
        shift += 10; /* fall through */
    case 'k':
        shift += 10;
        end++;
    }
    if (end == word || *end || *bytes < 0 || *bytes > APR_INT64_MAX >> 30)
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not a size; write 500k, 64m, 1g or bytes", cmd->cmd->name, word);
    *bytes <<= shift;
    return NULL;
}

const char *coral_directive_size_field(cmd_parms *cmd, void *conf, const char *word)
{
    return coral_directive_size(cmd, word, (apr_int64_t *)((char *)conf + (apr_size_t)cmd->info));
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
    if (!coral_tls_settings_is_pem(full, !strstr(cmd->directive->directive, "Crl") && !strstr(cmd->directive->directive, "Key"),
                          strstr(cmd->directive->directive, "Key") != NULL))
        return apr_psprintf(cmd->pool, "%s: %s does not hold what it should, in PEM form", cmd->directive->directive, path);
    *field = full;
    return NULL;
}

const char *coral_directive_buffer_size(cmd_parms *cmd, void *conf, const char *text)
{
    apr_int64_t bytes;
    const char *err = coral_directive_size(cmd, text, &bytes);

    if (!err && (bytes < 1 || bytes > 1 << 20))
        err = apr_psprintf(cmd->pool, "CoralSocketBufferSize: %s is not between 1 and 1m", text);
    if (!err)
        ((coral_conf_t *)conf)->buffer_size = (int)bytes;
    return err;
}

/* It is made, and belongs to httpd's children; here only its folder is looked for. */
const char *coral_directive_key_log(cmd_parms *cmd, void *conf, const char *path)
{
    const char *full = ap_server_root_relative(cmd->pool, path);
    apr_finfo_t info;

    if (!full || apr_stat(&info, ap_make_dirstr_parent(cmd->temp_pool, full), APR_FINFO_TYPE, cmd->temp_pool) != APR_SUCCESS)
        return apr_psprintf(cmd->pool, "CoralSslKeyLog: there is no folder for %s", path);
    ((coral_conf_t *)conf)->tls.key_log = full;
    return NULL;
}

const char *coral_directive_ssl_command(cmd_parms *cmd, void *conf, const char *name, const char *value)
{
    coral_tls_settings_t *tls = &((coral_conf_t *)conf)->tls;
    const char *wrong = strpbrk(name, "\n") || strpbrk(value, "\n") ? "a line feed" : coral_tls_settings_try(name, value);

    if (wrong)
        return apr_psprintf(cmd->pool, "CoralSslConfCommand: OpenSSL refuses \"%s\" with \"%s\": %s", name, value, wrong);
    tls->commands = apr_pstrcat(cmd->pool, tls->commands ? tls->commands : "", name, "\n", value, "\n", NULL);
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
