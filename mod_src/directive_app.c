/* SPDX-License-Identifier: Apache-2.0 */
#include "directive_app.h"

#include "script.h"

#include "apr_fnmatch.h"

#define APPS "coral:apps" /* on the configuration's pool: array of named_t */
#define FOLDER "coral/adapter/"

/* An adapter that a CoralApp names, and where. */
typedef struct {
    const char *adapter;
    const ap_directive_t *directive;
    const coral_conf_t *section;
    server_rec *server;
} named_t;

static void note(cmd_parms *cmd, const coral_conf_t *section, const char *adapter)
{
    apr_array_header_t *apps;
    void *kept = NULL;
    named_t *named;

    apr_pool_userdata_get(&kept, APPS, cmd->pool);
    if (!(apps = kept)) {
        apps = apr_array_make(cmd->pool, 4, sizeof(named_t));
        apr_pool_userdata_setn(apps, APPS, NULL, cmd->pool);
    }
    named = apr_array_push(apps);
    *named = (named_t){ adapter, cmd->directive, section, cmd->server };
}

/* The url that a <Location> around the directive is for; "" where there is none, or where it is a pattern. */
static const char *location(cmd_parms *cmd)
{
    const ap_directive_t *section;

    for (section = cmd->directive->parent; section; section = section->parent)
        if (!strcasecmp(section->directive, "<Location")) {
            const char *args = section->args;
            char *url = ap_getword_conf(cmd->pool, &args);
            apr_size_t length = strlen(url);

            if (length && url[length - 1] == '>')
                url[length - 1] = 0;
            return *url == '/' && !apr_fnmatch_test(url) ? url : "";
        }
    return "";
}

/* As the name of a file it must not lead elsewhere. */
static int is_word(const char *name)
{
    while (apr_isalnum(*name) || *name == '_' || *name == '-')
        name++;
    return !*name;
}

static void make_home(cmd_parms *cmd, coral_script_t *script)
{
    apr_finfo_t info;

    if (apr_stat(&info, script->file, APR_FINFO_TYPE, cmd->temp_pool) == APR_SUCCESS && info.filetype == APR_DIR)
        script->home = apr_pstrcat(cmd->pool, script->file, "/?.lua;", script->file, "/?/init.lua", NULL);
}

static void mount(cmd_parms *cmd, coral_conf_t *conf, const char *prefix, coral_script_t *script)
{
    coral_conf_add_route(cmd->pool, conf, (coral_route_t){ .prefix = prefix, .script = script });
    script->prefix = *prefix ? prefix : location(cmd);
    make_home(cmd, script);
}

/* Two words are prefix and path if the first begins with a slash and the second is a path, not an adapter's name. */
const char *coral_directive_app(cmd_parms *cmd, void *conf, int argc, char *const argv[])
{
    const char *prefix = "", *adapter = NULL, *err;
    coral_script_t *script;
    int path = 0;

    if (argc < 1 || argc > 3)
        return "CoralApp takes a url prefix, a path and an adapter; prefix and adapter may be left out";
    if (argc == 3 || (argc == 2 && *argv[0] == '/' && (ap_strchr_c(argv[1], '/') || ap_strchr_c(argv[1], '.'))))
        path = 1;
    if (path)
        prefix = argv[0];
    if (path + 1 < argc)
        adapter = argv[path + 1];
    if (*prefix && *prefix != '/')
        return apr_psprintf(cmd->pool, "CoralApp: the url prefix \"%s\" does not begin with a slash", prefix);
    if (adapter && !is_word(adapter))
        return apr_psprintf(cmd->pool, "CoralApp: \"%s\" is no name of an adapter: letters, digits, _ and -", adapter);
    if ((err = coral_script_file(cmd, CORAL_RUN_APP, argv[path], adapter, &script)))
        return err;
    mount(cmd, conf, prefix, script);
    if (adapter)
        note(cmd, conf, adapter);
    return NULL;
}

/* Whether the adapter's file is on a package path. */
static int is_on(apr_pool_t *p, const char *paths, const char *adapter)
{
    char *rest = apr_pstrdup(p, paths ? paths : ""), *pattern, *last;
    apr_finfo_t info;

    for (; (pattern = apr_strtok(rest, ";", &last)); rest = NULL) {
        char *mark = strchr(pattern, '?');

        if (!mark)
            continue;
        *mark = 0;
        if (apr_stat(&info, apr_pstrcat(p, pattern, FOLDER, adapter, mark + 1, NULL), APR_FINFO_TYPE, p) == APR_SUCCESS)
            return 1;
    }
    return 0;
}

/* Where a state that runs the app will look, or more: a mistake is found for sure when the app is asked for. */
static int is_there(apr_pool_t *p, const named_t *named, const char *library)
{
    const coral_conf_t *server = ap_get_module_config(named->server->lookup_defaults, &coral_module);
    const char *const paths[] = { apr_pstrcat(p, library, "/?.lua", NULL), named->section->package_path, server->package_path,
                                  getenv("LUA_PATH_5_4"), getenv("LUA_PATH"), LUA_PATH_DEFAULT };
    apr_size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        if (is_on(p, paths[i], named->adapter))
            return 1;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of mod_coral's own, for a message. */
static const char *own(apr_pool_t *p, const char *library)
{
    apr_array_header_t *files;
    int i;

    if (apr_match_glob(apr_pstrcat(p, library, "/" FOLDER "*.lua", NULL), &files, p) != APR_SUCCESS)
        return "";
    for (i = 0; i < files->nelts; i++)
        *strrchr(APR_ARRAY_IDX(files, i, char *), '.') = 0;
    qsort(files->elts, files->nelts, files->elt_size, compare);
    return apr_array_pstrcat(p, files, ' ');
}

int coral_directive_check_apps(apr_pool_t *pconf, apr_pool_t *ptemp, const char *library)
{
    const apr_array_header_t *apps;
    void *kept = NULL;
    int i, missing = 0;

    apr_pool_userdata_get(&kept, APPS, pconf);
    apps = kept;
    for (i = 0; apps && i < apps->nelts; i++) {
        const named_t *named = &APR_ARRAY_IDX(apps, i, named_t);

        if (is_there(ptemp, named, library))
            continue;
        missing++;
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, NULL,
                     "Syntax error on line %d of %s: CoralApp: there is no adapter \"%s\": mod_coral has %s; no package path has " FOLDER
                     "%s.lua: correct the name, or add the folder of your own with CoralPackagePath",
                     named->directive->line_num, named->directive->filename, named->adapter, own(ptemp, library), named->adapter);
    }
    return missing && ap_state_query(AP_SQ_CONFIG_GEN) <= 1 ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
