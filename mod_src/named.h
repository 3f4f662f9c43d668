/* SPDX-License-Identifier: Apache-2.0 */
/* named.h - places no client can ask for: named locations (<CoralLocation "@name">), and what CoralInternal closes. */
#ifndef CORAL_NAMED_H
#define CORAL_NAMED_H

#include "coral.h"

/* [start] The section. */
const char *coral_named_section(cmd_parms *cmd, void *conf, const char *args);

/* [start] */
void coral_named_register(void);

#endif
