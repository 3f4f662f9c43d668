/* SPDX-License-Identifier: Apache-2.0 */
/* directive_app.h - the directive CoralApp. [start] */
#ifndef CORAL_DIRECTIVE_APP_H
#define CORAL_DIRECTIVE_APP_H

#include "coral.h"

/* CoralApp [URL-PREFIX] PATH [ADAPTER] */
const char *coral_directive_app(cmd_parms *cmd, void *conf, int argc, char *const argv[]);

/* Once all is read, package paths too: whether the adapters that were named are there. What is missing is logged, with line and
 * remedy. library: mod_coral's own Lua files. OK, or what a hook answers that stops the start. */
int coral_directive_check_apps(apr_pool_t *pconf, apr_pool_t *ptemp, const char *library);

#endif
