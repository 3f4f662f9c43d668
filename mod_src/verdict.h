/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.h - what Lua answered becomes what httpd makes of it. */
#ifndef CORAL_VERDICT_H
#define CORAL_VERDICT_H

#include "run.h"

/* [r] What a run that is over means to httpd: DECLINED for "go on", OK, DONE (the response is complete) or a status. */
int coral_verdict(coral_run_t *run);

#endif
