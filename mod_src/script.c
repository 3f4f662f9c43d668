/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include "source.h"

#include "apr_fnmatch.h"
#include "util_md5.h"
#include "util_varbuf.h"

#include <limits.h>

/* .htaccess files are read by a request, from its pool; everything else lasts. */
static int in_htaccess(cmd_parms *cmd)
{
    return cmd->pool == cmd->temp_pool;
}

/* The folder that relative paths of a .htaccess or <Directory> begin at, also inside a <Files> or <If> of it; NULL elsewhere. */
static const char *folder_of(cmd_parms *cmd)
{
    const ap_directive_t *section;

    if (in_htaccess(cmd))
        return ap_make_dirstr_parent(cmd->pool, cmd->directive ? cmd->directive->filename : cmd->config_file->name);
    for (section = cmd->directive ? cmd->directive->parent : NULL; section; section = section->parent)
        if (!strcasecmp(section->directive, "<Directory")) {
            const char *args = section->args;
            char *folder = ap_getword_conf(cmd->temp_pool, &args);
            apr_size_t length = strlen(folder);

            if (length && folder[length - 1] == '>')
                folder[length - 1] = 0;
            return ap_os_is_path_absolute(cmd->temp_pool, folder) ? folder : NULL;
        }
    return NULL;
}

const char *coral_script_path(cmd_parms *cmd, const char *path)
{
    const char *folder = folder_of(cmd);
    char *full = NULL;

    if (folder && apr_filepath_merge(&full, folder, path, APR_FILEPATH_TRUENAME, cmd->pool) == APR_SUCCESS)
        return full;
    return ap_server_root_relative(cmd->pool, path);
}

static const char *key_of(apr_pool_t *p, const coral_script_t *s)
{
    return apr_psprintf(p, "%d:%s:%s", (int)s->run, s->file, s->function ? s->function : "");
}

/* A mistake stops the start and fails configtest. When the server is already up it is only told: a restart (say, log rotation)
 * must not take everybody down for one file. */
static const char *mistake(cmd_parms *cmd, const char *what)
{
    if (ap_state_query(AP_SQ_CONFIG_GEN) <= 1)
        return what;
    /* Not to cmd->server: a virtual host has no log yet. */
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, NULL, "%s line %d: %s", cmd->directive->filename,
                 cmd->directive->line_num, what);
    return NULL;
}

/* The files that an app may begin with (lua_lib/coral/app.lua), whatever language an adapter makes of them. One that is named may look
 * for others. */
static const char *check_folder(cmd_parms *cmd, const coral_script_t *s)
{
    const char *const names[] = { "app", "init", "handler", "index", ap_strrchr_c(s->file, '/') + 1 };
    apr_array_header_t *found;
    int i;

    if (s->run != CORAL_RUN_APP)
        return apr_psprintf(cmd->pool, "%s: %s is a directory, not a Lua file", cmd->cmd->name, s->file);
    if (s->function && strcmp(s->function, "handler"))
        return NULL;
    for (i = 0; i < 5; i++)
        if (!apr_match_glob(apr_pstrcat(cmd->temp_pool, s->file, "/", names[i], ".*", NULL), &found, cmd->temp_pool) && found->nelts)
            return NULL;
    return apr_psprintf(cmd->pool, "%s: %s holds none of app.lua, init.lua, handler.lua, %s.lua", cmd->cmd->name, s->file, names[4]);
}

/* Not what an adapter may read otherwise. */
static int is_lua(const coral_script_t *s)
{
    const char *ending = ap_strrchr_c(s->file, '.');

    return s->run != CORAL_RUN_APP || (s->function && !strcmp(s->function, "handler")) || (ending && !strcmp(ending, ".lua"));
}

static const char *check_file(cmd_parms *cmd, const coral_script_t *s)
{
    apr_finfo_t info;
    apr_status_t rv = apr_stat(&info, s->file, APR_FINFO_TYPE, cmd->temp_pool);
    const char *err = NULL;

    if (rv != APR_SUCCESS)
        err = apr_psprintf(cmd->pool, "%s: cannot read %s: %pm", cmd->cmd->name, s->file, &rv);
    else if (info.filetype == APR_DIR)
        err = check_folder(cmd, s);
    else if (info.filetype != APR_REG)
        err = apr_psprintf(cmd->pool, "%s: %s is not a regular file", cmd->cmd->name, s->file);
    else if (is_lua(s) && (err = coral_source_check_file(cmd->temp_pool, s->file)))
        err = apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", err, NULL);
    return err ? mistake(cmd, err) : NULL;
}

static const char *without_slash(apr_pool_t *p, const char *path)
{
    apr_size_t length = path ? strlen(path) : 0;

    while (length > 1 && path[length - 1] == '/')
        length--;
    return path ? apr_pstrmemdup(p, path, length) : NULL;
}

const char *coral_script_file(cmd_parms *cmd, coral_run_e run, const char *path, const char *function,
                              coral_script_t **script)
{
    coral_script_t *s = apr_pcalloc(cmd->pool, sizeof(*s));

    s->run = run;
    s->order = CORAL_MIDDLE;
    s->function = function;
    s->file = run == CORAL_RUN_APP ? without_slash(cmd->pool, coral_script_path(cmd, path)) : coral_script_path(cmd, path);
    if (!s->file)
        return apr_psprintf(cmd->pool, "%s: not a usable path: %s", cmd->cmd->name, path);
    s->key = key_of(cmd->pool, s);
    s->lasting = !in_htaccess(cmd);
    s->of_directory = folder_of(cmd) != NULL || ap_check_cmd_context(cmd, CORAL_NOT_IN_DIRECTORY);
    *script = s;
    return in_htaccess(cmd) || ap_strchr_c(path, '$') ? NULL : check_file(cmd, s);
}

/* A line as it stands, with its line feed; NULL at the end of the file. */
static char *raw_line(cmd_parms *cmd, struct ap_varbuf *line)
{
    apr_size_t length = 0;
    char c;

    while (ap_cfg_getc(&c, cmd->config_file) == APR_SUCCESS) {
        ap_varbuf_grow(line, length + 1);
        line->buf[length++] = c;
        if (c == '\n')
            break;
    }
    if (!length)
        return NULL;
    ap_varbuf_grow(line, length + 1);
    line->buf[length] = 0;
    return line->buf;
}

/* </CoralHook>, alone on its line, in any case. */
static int is_end(const char *line, const char *name)
{
    apr_size_t length = strlen(name);

    while (apr_isspace(*line))
        line++;
    if (line[0] != '<' || line[1] != '/' || strncasecmp(line + 2, name, length) || line[2 + length] != '>')
        return 0;
    for (line += 3 + length; apr_isspace(*line); line++)
        ;
    return !*line;
}

const char *coral_script_block(cmd_parms *cmd, const char *name, coral_script_t **script)
{
    coral_script_t *s = apr_pcalloc(cmd->pool, sizeof(*s));
    struct ap_varbuf line, text;
    const char *err = NULL;
    char *raw;

    ap_varbuf_init(cmd->temp_pool, &line, 256);
    ap_varbuf_init(cmd->pool, &text, 1024);
    s->run = CORAL_RUN_CHUNK;
    s->order = CORAL_MIDDLE;
    s->file = apr_pstrdup(cmd->pool, cmd->config_file->name);
    s->line = cmd->config_file->line_number + 1;
    while ((raw = raw_line(cmd, &line)) && !is_end(raw, name))
        ap_varbuf_strcat(&text, raw);
    if (!raw)
        return apr_psprintf(cmd->pool, "<%s> of line %d has no </%s> alone on a line", name, s->line - 1, name);
    s->text = apr_pstrdup(cmd->pool, text.buf ? text.buf : "");
    s->key = apr_psprintf(cmd->pool, "%d:%s:%d:%s", (int)s->run, s->file, s->line,
                          ap_md5(cmd->temp_pool, (const unsigned char *)s->text));
    s->lasting = !in_htaccess(cmd);
    *script = s;
    if (!in_htaccess(cmd) && (err = coral_source_check_text(cmd->temp_pool, s->text, s->file, s->line)))
        return mistake(cmd, apr_pstrcat(cmd->pool, "<", name, ">: ", err, NULL));
    return NULL;
}

const coral_script_t *coral_script_matched(request_rec *r, const coral_script_t *script, apr_size_t count,
                                           const ap_regmatch_t *match)
{
    coral_script_t *s = apr_pmemdup(r->pool, script, sizeof(*s));

    s->file = ap_pregsub(r->pool, s->file, r->uri, count, (ap_regmatch_t *)match);
    if (s->function)
        s->function = ap_pregsub(r->pool, s->function, r->uri, count, (ap_regmatch_t *)match);
    if (!s->file)
        return NULL;
    s->key = key_of(r->pool, s);
    s->lasting = 0;
    return s;
}

const coral_script_t *coral_script_requested(request_rec *r)
{
    coral_script_t *s = apr_pcalloc(r->pool, sizeof(*s));

    s->run = CORAL_RUN_SCRIPT;
    s->file = r->filename;
    s->key = key_of(r->pool, s);
    return s;
}
