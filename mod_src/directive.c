/* SPDX-License-Identifier: Apache-2.0 */
#include "directive.h"

#include "directive_app.h"
#include "directive_body.h"
#include "directive_hook.h"
#include "directive_net.h"
#include "errlog.h"
#include "filter.h"
#include "job.h"
#include "named.h"
#include "net.h"
#include "park.h"
#include "process.h"
#include "script.h"
#include "shared.h"
#include "stay.h"
#include "variable.h"

#define FIELD(name) (void *)APR_OFFSETOF(coral_conf_t, name)

static const char *set_inherit(cmd_parms *cmd, void *conf_, const char *word)
{
    coral_conf_t *conf = conf_;

    (void)cmd;
    if (!strcasecmp(word, "none"))
        conf->inherit = CORAL_INHERIT_NONE;
    else if (!strcasecmp(word, "before"))
        conf->inherit = CORAL_INHERIT_BEFORE;
    else if (!strcasecmp(word, "after"))
        conf->inherit = CORAL_INHERIT_AFTER;
    else
        return "CoralInherit is none, before or after";
    return NULL;
}

static const char *set_map_handler(cmd_parms *cmd, void *conf, const char *pattern, const char *file, const char *function)
{
    ap_regex_t *regex = ap_pregcomp(cmd->pool, pattern, AP_REG_EXTENDED);
    coral_script_t *script;
    const char *err;

    if (!regex)
        return apr_psprintf(cmd->pool, "CoralMapHandler: \"%s\" is not a regular expression", pattern);
    if ((err = coral_script_file(cmd, function ? CORAL_RUN_FUNCTION : CORAL_RUN_SCRIPT, file, function, &script)))
        return err;
    coral_conf_add_route(cmd->pool, conf, (coral_route_t){
        .pattern = regex,
        .script = script,
        .interpolate = ap_strchr_c(file, '$') || (function && ap_strchr_c(function, '$')),
    });
    return NULL;
}

static const char *add_filter(cmd_parms *cmd, const char *name, const char *file, const char *function, int input)
{
    coral_server_t *server = coral_conf_of_server(cmd->server);
    char *known = apr_pstrdup(cmd->pool, name);
    coral_script_t *script;
    const char *err = coral_script_file(cmd, function ? CORAL_RUN_FUNCTION : CORAL_RUN_CHUNK, file, function, &script);

    if (err)
        return err;
    ap_str_tolower(known);
    if (!coral_filter_is_free(known, input))
        return apr_psprintf(cmd->pool, "%s: httpd has a filter \"%s\" already, take another name", cmd->cmd->name, name);
    apr_hash_set(server->filters, known, APR_HASH_KEY_STRING, script);
    coral_filter_name(known, input);
    return NULL;
}

static const char *set_input_filter(cmd_parms *cmd, void *conf, const char *name, const char *file, const char *function)
{
    (void)conf;
    return add_filter(cmd, name, file, function, 1);
}

static const char *set_output_filter(cmd_parms *cmd, void *conf, const char *name, const char *file, const char *function)
{
    (void)conf;
    return add_filter(cmd, name, file, function, 0);
}

/* CoralSet $name TEXT. Not TAKE2, which takes an empty text for a missing one. */
static const char *set_variable(cmd_parms *cmd, void *conf_, const char *args)
{
    coral_conf_t *conf = conf_;
    const char *name = ap_getword_conf(cmd->pool, &args), *text, *err;
    const coral_text_t *parsed;
    coral_set_t *set;

    if (!*args)
        return "CoralSet takes two arguments, a variable and its text";
    text = ap_getword_conf(cmd->pool, &args);
    if (*args)
        return "CoralSet takes two arguments, a variable and its text; put quotes around a text with blanks";
    if (*name != '$')
        return apr_psprintf(cmd->pool, "CoralSet: \"%s\" is not a variable; write $%s", name, name);
    if ((err = coral_variable_refused(cmd->pool, name + 1)) || (err = coral_text_parse(cmd, text, &parsed)))
        return apr_pstrcat(cmd->pool, "CoralSet: ", err, NULL);
    if (!conf->sets)
        conf->sets = apr_array_make(cmd->pool, 2, sizeof(coral_set_t));
    set = apr_array_push(conf->sets);
    set->name = name + 1;
    set->text = parsed;
    return NULL;
}

static const char *whole_number(cmd_parms *cmd, const char *word, int *number)
{
    char *end;
    apr_int64_t n = apr_strtoi64(word, &end, 10);

    if (!*word || *end || n < 0 || n > 1000000000)
        return apr_psprintf(cmd->pool, "%s: \"%s\" is not a whole number of 0 or more", cmd->cmd->name, word);
    *number = (int)n;
    return NULL;
}

static const char *set_reload(cmd_parms *cmd, void *conf_, const char *word, const char *every)
{
    coral_conf_t *conf = conf_;

    if (!strcasecmp(word, "stat"))
        conf->reload = CORAL_RELOAD_STAT;
    else if (!strcasecmp(word, "off"))
        conf->reload = CORAL_RELOAD_OFF;
    else if (!strcasecmp(word, "always"))
        conf->reload = CORAL_RELOAD_ALWAYS;
    else
        return "CoralReload is stat, off or always";
    return every ? whole_number(cmd, every, &conf->reload_every) : NULL;
}

/* OpenResty's words for it. */
static const char *set_code_cache(cmd_parms *cmd, void *conf, int on)
{
    (void)cmd;
    ((coral_conf_t *)conf)->reload = on ? CORAL_RELOAD_OFF : CORAL_RELOAD_ALWAYS;
    return NULL;
}

static const char *set_group(cmd_parms *cmd, void *conf_, const char *name)
{
    coral_conf_t *conf = conf_;

    conf->group = name;
    coral_conf_rekey(cmd->pool, conf);
    return NULL;
}

/* CoralPackagePath, CoralPackageCPath; cmd->info is the field. */
static const char *set_package_path(cmd_parms *cmd, void *conf, const char *pattern)
{
    const char **path = (const char **)((char *)conf + (apr_size_t)cmd->info);

    if (!strncmp(pattern, "./", 2) && !(pattern = coral_script_path(cmd, pattern + 2)))
        return apr_psprintf(cmd->pool, "%s: not a usable path", cmd->cmd->name);
    *path = **path ? apr_pstrcat(cmd->pool, *path, ";", pattern, NULL) : pattern;
    coral_conf_rekey(cmd->pool, conf);
    return NULL;
}

static const char *set_environment(cmd_parms *cmd, void *conf_, const char *name)
{
    coral_conf_t *conf = conf_;

    if (!*name)
        return "CoralEnvironment takes a name, such as production";
    conf->environment = name;
    coral_conf_rekey(cmd->pool, conf);
    return NULL;
}

/* A row of CORAL_FLAGS. */
static const char *set_flag(cmd_parms *cmd, void *conf_, int on)
{
    coral_conf_t *conf = conf_;

    ap_set_flag_slot(cmd, conf, on);
    if (cmd->info == FIELD(compat) || cmd->info == FIELD(luasocket))
        coral_conf_rekey(cmd->pool, conf);
    return NULL;
}

static const char *add_shared_dict(cmd_parms *cmd, void *conf, const char *name, const char *word)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_int64_t bytes;

    (void)conf;
    if (err || (err = coral_directive_size(cmd, word, &bytes)))
        return err;
    return coral_shared_declare(cmd, name, bytes);
}

static const char *set_capture(cmd_parms *cmd, void *conf, const char *word)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_int64_t bytes;

    (void)conf;
    if (err || (err = coral_directive_size(cmd, word, &bytes)))
        return err;
    if (bytes && (bytes < 4096 || bytes > 1 << 30))
        return apr_psprintf(cmd->pool, "CoralCaptureErrorLog: %s is not between 4k and 1g, nor 0", word);
    coral_errlog_keep((apr_size_t)bytes);
    return NULL;
}

/* The group's limits; "" outside of a <CoralGroup>. */
static coral_limits_t *limits_of(cmd_parms *cmd)
{
    const char *group = cmd->info ? cmd->info : "";
    coral_server_t *server = coral_conf_of_server(cmd->server);
    coral_limits_t *limits = apr_hash_get(server->limits, group, APR_HASH_KEY_STRING);

    if (!limits) {
        limits = apr_pcalloc(cmd->pool, sizeof(*limits));
        apr_hash_set(server->limits, apr_pstrdup(cmd->pool, group), APR_HASH_KEY_STRING, limits);
    }
    return limits;
}

static const char *read_states(cmd_parms *cmd, coral_limits_t *limits, int argc, char *const argv[])
{
    const char *err = NULL;
    int i;

    if (argc < 2)
        return "CoralStates takes the least and the largest number of states (0: one per thread), requests=N, memory=SIZE";
    if ((err = whole_number(cmd, argv[0], &limits->min)) || (err = whole_number(cmd, argv[1], &limits->max)))
        return err;
    if (limits->max && limits->min > limits->max)
        return "CoralStates: the least number of states is larger than the largest";
    for (i = 2; i < argc && !err; i++) {
        if (!strncasecmp(argv[i], "requests=", 9))
            err = whole_number(cmd, argv[i] + 9, &limits->requests);
        else if (!strncasecmp(argv[i], "memory=", 7))
            err = coral_directive_size(cmd, argv[i] + 7, &limits->memory);
        else
            err = apr_psprintf(cmd->pool, "CoralStates: \"%s\" is neither requests=N nor memory=SIZE", argv[i]);
    }
    return err;
}

static const char *set_states(cmd_parms *cmd, void *conf, int argc, char *const argv[])
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    return err ? err : read_states(cmd, limits_of(cmd), argc, argv);
}

/* <CoralGroup NAME>: its lines are directives of the server, with the group's name in cmd->info. */
static const char *group_section(cmd_parms *cmd, void *conf, const char *args)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY), *end = ap_strrchr_c(args, '>'), *name;
    ap_directive_t *line;

    (void)conf;
    if (err)
        return err;
    if (!end || end[1])
        return "<CoralGroup is not closed by a > on its line";
    args = apr_pstrmemdup(cmd->pool, args, end - args);
    name = ap_getword_conf(cmd->pool, &args);
    if (!*name || *args)
        return "<CoralGroup> takes one name";
    for (line = cmd->directive->first_child; line && !err; line = line->next) {
        const char *words = line->args;
        apr_array_header_t *argv = apr_array_make(cmd->temp_pool, 4, sizeof(char *));
        cmd_parms inner = *cmd;

        inner.info = (void *)name;
        inner.directive = line;
        cmd->err_directive = line;
        while (*words)
            APR_ARRAY_PUSH(argv, char *) = ap_getword_conf(cmd->pool, &words);
        if (strcasecmp(line->directive, "CoralStates"))
            err = apr_psprintf(cmd->pool, "%s may not stand in a <CoralGroup>", line->directive);
        else
            err = read_states(&inner, limits_of(&inner), argv->nelts, (char *const *)argv->elts);
    }
    return err;
}

static const char *set_library_path(cmd_parms *cmd, void *conf, const char *path)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY), *full = ap_server_root_relative(cmd->pool, path);
    apr_finfo_t info;

    (void)conf;
    if (err)
        return err;
    if (!full || apr_stat(&info, apr_pstrcat(cmd->temp_pool, full, "/coral/boot.lua", NULL), APR_FINFO_TYPE, cmd->temp_pool))
        return apr_psprintf(cmd->pool, "CoralLibraryPath: %s does not hold mod_coral's Lua files (coral/boot.lua)", path);
    coral_conf_of_server(cmd->server)->library_path = full;
    return NULL;
}

/* CoralRegexCacheMaxEntries, CoralRegexMatchLimit; cmd->info is the field. */
static const char *set_server_number(cmd_parms *cmd, void *conf, const char *word)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)conf;
    return err ? err : whole_number(cmd, word, (int *)((char *)coral_conf_of_server(cmd->server) + (apr_size_t)cmd->info));
}

static const char *set_stay(cmd_parms *cmd, void *conf, const char *word)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int milliseconds = 5;

    (void)conf;
    if (!err && !strcasecmp(word, "off"))
        milliseconds = 0;
    else if (!err && strcasecmp(word, "on") && !(err = whole_number(cmd, word, &milliseconds)) && milliseconds > 1000)
        err = "CoralKeepAliveStay is on, off or a number of milliseconds up to 1000";
    if (!err)
        coral_stay_set(milliseconds);
    return err;
}

#define ANYWHERE (RSRC_CONF | ACCESS_CONF | OR_FILEINFO)
#define SERVER_FIELD(name) (void *)APR_OFFSETOF(coral_server_t, name)

const command_rec coral_directives[] = {
    AP_INIT_TAKE_ARGV("CoralHook", coral_directive_hook, NULL, ANYWHERE | OR_AUTHCFG,
                      "a phase, a Lua file, and perhaps a function of it and early or late"),
    AP_INIT_RAW_ARGS("<CoralHook", coral_directive_hook_block, NULL, ANYWHERE | OR_AUTHCFG | EXEC_ON_READ, "a phase; the lines up to </CoralHook> are Lua"),
    AP_INIT_RAW_ARGS(CORAL_DIRECTIVE_INLINE, coral_directive_hook_inline, NULL, ANYWHERE | OR_AUTHCFG, "a block as read"),
    AP_INIT_TAKE1("CoralInherit", set_inherit, NULL, ANYWHERE | OR_AUTHCFG,
                  "none, before or after: whether the hooks above run too"),
    AP_INIT_TAKE_ARGV("CoralApp", coral_directive_app, NULL, RSRC_CONF | ACCESS_CONF, "a url prefix, a file or directory, an adapter"),
    AP_INIT_TAKE23("CoralMapHandler", set_map_handler, NULL, ANYWHERE, "a regular expression, a Lua file, a function of it"),
    AP_INIT_TAKE23("CoralInputFilter", set_input_filter, NULL, RSRC_CONF, "a filter's name, a Lua file, a function of it"),
    AP_INIT_TAKE23("CoralOutputFilter", set_output_filter, NULL, RSRC_CONF, "a filter's name, a Lua file, a function of it"),
    AP_INIT_RAW_ARGS("CoralSet", set_variable, NULL, ANYWHERE, "a variable and its text, which may hold $variables and %{expressions}"),
    AP_INIT_TAKE12("CoralReload", set_reload, NULL, ANYWHERE, "stat, off or always; seconds between two looks at the files"),
    AP_INIT_FLAG("CoralCodeCache", set_code_cache, NULL, ANYWHERE, "on: CoralReload off; off: CoralReload always"),
    AP_INIT_TAKE1("CoralDefaultType", ap_set_string_slot, FIELD(default_type), ANYWHERE,
                  "the content type of responses that name none"),
    AP_INIT_TAKE1("CoralGroup", set_group, NULL, RSRC_CONF | ACCESS_CONF, "the group whose Lua states run this code"),
    AP_INIT_RAW_ARGS("<CoralGroup", group_section, NULL, RSRC_CONF, "limits of a group of Lua states"),
    AP_INIT_TAKE_ARGV("CoralStates", set_states, NULL, RSRC_CONF, "least and largest number of Lua states of a child process"),
    AP_INIT_TAKE1("CoralPackagePath", set_package_path, FIELD(package_path), ANYWHERE, "appended to package.path"),
    AP_INIT_TAKE1("CoralPackageCPath", set_package_path, FIELD(package_cpath), ANYWHERE, "appended to package.cpath"),
    AP_INIT_TAKE1("CoralEnvironment", set_environment, NULL, ANYWHERE, "what kind of server this is, as apps name it: production, development"),
    AP_INIT_TAKE1("CoralKeepAliveStay", set_stay, NULL, RSRC_CONF,
                  "on, off or milliseconds: how long a thread waits for a connection's next request"),
    AP_INIT_TAKE2("CoralSharedDict", add_shared_dict, NULL, RSRC_CONF,
                  "a name and a size: a dictionary all child processes see, ngx.shared"),
    AP_INIT_TAKE1("CoralCaptureErrorLog", set_capture, NULL, RSRC_CONF,
                  "how many bytes of error messages a child process keeps for ngx.errlog; 0: none"),
    AP_INIT_TAKE1("CoralRegexCacheMaxEntries", set_server_number, SERVER_FIELD(regex_cache), RSRC_CONF,
                  "how many compiled regular expressions a Lua state keeps"),
    AP_INIT_TAKE1("CoralRegexMatchLimit", set_server_number, SERVER_FIELD(regex_match_limit), RSRC_CONF,
                  "how often a match may try another way; 0: PCRE2's default"),
    AP_INIT_RAW_ARGS("<CoralLocation", coral_named_section, NULL, RSRC_CONF, "a name that begins with @, for ngx.exec"),
    AP_INIT_TAKE1("CoralLibraryPath", set_library_path, NULL, RSRC_CONF, "where mod_coral's own Lua files are"),
#define X(field, directive, unset, where, help) AP_INIT_FLAG(directive, set_flag, FIELD(field), where, help),
    CORAL_FLAGS(X)
#undef X
#define X(field, directive, unset, help) AP_INIT_TAKE1(directive, coral_directive_time, FIELD(field), ANYWHERE, help),
    CORAL_TIMES(X)
#undef X
#define X(field, directive, unset, help) AP_INIT_TAKE1(directive, coral_directive_size_field, FIELD(field), ANYWHERE, help),
    CORAL_SIZES(X)
#undef X
    AP_INIT_TAKE1("CoralBodyInFileOnly", coral_directive_in_file, NULL, ANYWHERE,
                  "on, clean or off: whether a request's body is always put into a file; on: which stays"),
    AP_INIT_TAKE1("CoralBodyTempPath", coral_directive_temp_path, NULL, RSRC_CONF | ACCESS_CONF,
                  "the folder of the files for what is too large for memory"),
    AP_INIT_TAKE1("CoralSocketPoolSize", coral_directive_pool_size, NULL, ANYWHERE, "how many idle connections a socket's pool keeps"),
    AP_INIT_TAKE1("CoralSocketBufferSize", coral_directive_buffer_size, NULL, ANYWHERE, "how many bytes a socket reads at a time"),
    AP_INIT_TAKE1("CoralNetworkBackend", coral_directive_backend, NULL, RSRC_CONF, "auto, epoll, poll or select"),
    AP_INIT_TAKE1("CoralMaxParked", coral_directive_number, (void *)coral_park_set_most, RSRC_CONF,
                  "how many requests of a child process may be parked; 0: as many as there are descriptors"),
    AP_INIT_TAKE1("CoralMaxSockets", coral_directive_number, (void *)coral_net_set_most, RSRC_CONF,
                  "how many sockets a child process may have; 0: as many as there are descriptors"),
    AP_INIT_TAKE1("CoralMaxProcesses", coral_directive_number, (void *)coral_process_set_most, RSRC_CONF,
                  "how many processes of ngx.pipe a child process may have; 0: no limit"),
    AP_INIT_TAKE1("CoralWorkerThreadVmPoolSize", coral_directive_number, (void *)coral_job_set_most, RSRC_CONF,
                  "how many functions of ngx.run_worker_thread a child process may run at a time"),
    AP_INIT_TAKE1("CoralMaxPendingTimers", coral_directive_timers, NULL, RSRC_CONF, "how many timers of a child process may wait"),
    AP_INIT_TAKE1("CoralMaxRunningTimers", coral_directive_timers, (void *)1, RSRC_CONF, "how many timers of a child process may run"),
    AP_INIT_TAKE1("CoralSslTrustedCertificate", coral_directive_pem, FIELD(tls.trusted), RSRC_CONF | ACCESS_CONF,
                  "a file of certificates that sockets trust instead of the system's"),
    AP_INIT_TAKE1("CoralTrustedCertificate", coral_directive_pem, FIELD(tls.trusted), RSRC_CONF | ACCESS_CONF,
                  "the same as CoralSslTrustedCertificate"),
    AP_INIT_TAKE1("CoralSslCrl", coral_directive_pem, FIELD(tls.crl), RSRC_CONF | ACCESS_CONF, "a file of revocation lists for sockets"),
    AP_INIT_TAKE1("CoralSslCertificate", coral_directive_pem, FIELD(tls.certificate), RSRC_CONF | ACCESS_CONF,
                  "a file with the certificate sockets show to the other side"),
    AP_INIT_TAKE1("CoralSslCertificateKey", coral_directive_pem, FIELD(tls.key), RSRC_CONF | ACCESS_CONF, "a file with its key"),
    AP_INIT_TAKE1("CoralSslVerifyDepth", coral_directive_depth, NULL, RSRC_CONF | ACCESS_CONF, "how long a chain of certificates may be"),
    AP_INIT_TAKE1("CoralVerifyDepth", coral_directive_depth, NULL, RSRC_CONF | ACCESS_CONF, "the same as CoralSslVerifyDepth"),
    AP_INIT_ITERATE("CoralSslProtocols", coral_directive_protocols, NULL, RSRC_CONF | ACCESS_CONF, "TLSv1.2 TLSv1.3 …"),
    AP_INIT_TAKE1("CoralSslCiphers", ap_set_string_slot, FIELD(tls.ciphers), RSRC_CONF | ACCESS_CONF, "OpenSSL's list of ciphers for sockets"),
    AP_INIT_TAKE1("CoralSslKeyLog", coral_directive_key_log, NULL, RSRC_CONF | ACCESS_CONF, "a file that sockets write their keys to"),
    AP_INIT_TAKE2("CoralSslConfCommand", coral_directive_ssl_command, NULL, RSRC_CONF | ACCESS_CONF,
                  "a command of OpenSSL's SSL_CONF_cmd and its value, for sockets"),
    { NULL }
};
