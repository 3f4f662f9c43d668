/* SPDX-License-Identifier: Apache-2.0 */
/* content.h - the phase content: scripts that answer the request. They may be parked (park.h). */
#ifndef CORAL_CONTENT_H
#define CORAL_CONTENT_H

#include "coral.h"

/* [start] */
void coral_content_register(void);

#endif
