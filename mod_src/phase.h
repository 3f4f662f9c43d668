/* SPDX-License-Identifier: Apache-2.0 */
/* phase.h - httpd's hooks call in: the rows of CORAL_PHASES become hooks, Lua's answers what httpd makes of them. */
#ifndef CORAL_PHASE_H
#define CORAL_PHASE_H

#include "coral.h"

/* [start] */
void coral_phase_register(void);

#endif
