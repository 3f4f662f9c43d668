/* SPDX-License-Identifier: Apache-2.0 */
/* directive_body.h - handlers for what is said about the bodies of requests. [start] or [r], as conf.h */
#ifndef CORAL_DIRECTIVE_BODY_H
#define CORAL_DIRECTIVE_BODY_H

#include "coral.h"

const char *coral_directive_in_file(cmd_parms *cmd, void *conf, const char *word);
const char *coral_directive_temp_path(cmd_parms *cmd, void *conf, const char *path);

#endif
