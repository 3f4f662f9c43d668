/* SPDX-License-Identifier: Apache-2.0 */
/* directive_hook.h - the directive CoralHook, in its two forms. [start], or [r] for .htaccess */
#ifndef CORAL_DIRECTIVE_HOOK_H
#define CORAL_DIRECTIVE_HOOK_H

#include "coral.h"

/* The directive a <CoralHook> block is replaced by, when the configuration has been read; a name nobody can write. */
#define CORAL_DIRECTIVE_INLINE "CoralHook inline"

/* CoralHook PHASE FILE [FUNCTION] [early|late], CoralHook PHASE none */
const char *coral_directive_hook(cmd_parms *cmd, void *conf, int argc, char *const argv[]);

/* <CoralHook …>: reads the lines of the block, and leaves a CORAL_DIRECTIVE_INLINE in its place. */
const char *coral_directive_hook_block(cmd_parms *cmd, void *current, const char *args);

/* What that one means, when the place it stands in is known. */
const char *coral_directive_hook_inline(cmd_parms *cmd, void *conf, const char *args);

#endif
