/* SPDX-License-Identifier: Apache-2.0 */
#include "directive_body.h"

#include "conf.h"

#include "apr_file_info.h"

const char *coral_directive_in_file(cmd_parms *cmd, void *conf_, const char *word)
{
    static const char *const words[] = { "off", "clean", "on" };
    coral_conf_t *conf = conf_;
    int i;

    for (i = 0; i < 3; i++)
        if (!strcasecmp(word, words[i])) {
            conf->body_in_file = CORAL_IN_FILE_OFF + i;
            return NULL;
        }
    return apr_psprintf(cmd->pool, "%s is on, clean or off", cmd->cmd->name);
}

const char *coral_directive_temp_path(cmd_parms *cmd, void *conf, const char *path)
{
    const char *full = ap_server_root_relative(cmd->pool, path);
    apr_finfo_t info;

    if (!full || apr_stat(&info, full, APR_FINFO_TYPE, cmd->temp_pool) != APR_SUCCESS || info.filetype != APR_DIR)
        return apr_psprintf(cmd->pool, "%s: %s is not a folder", cmd->cmd->name, path);
    ((coral_conf_t *)conf)->body_directory = full;
    return NULL;
}
