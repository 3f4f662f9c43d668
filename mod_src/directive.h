/* SPDX-License-Identifier: Apache-2.0 */
/* directive.h - the table of directives. */
#ifndef CORAL_DIRECTIVE_H
#define CORAL_DIRECTIVE_H

#include "coral.h"

extern const command_rec coral_directives[];

#endif
