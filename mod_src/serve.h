/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - the hook process_connection. We are first in it and call the others ourselves, so that park.c and stay.c have a word with
 * what they come to. */
#ifndef CORAL_SERVE_H
#define CORAL_SERVE_H

#include "coral.h"

/* [start] */
void coral_serve_register(void);

#endif
