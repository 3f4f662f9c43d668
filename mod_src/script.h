/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - makes the pieces of Lua that directives name. [start], or [r] for .htaccess. */
#ifndef CORAL_SCRIPT_H
#define CORAL_SCRIPT_H

#include "conf.h"

/* The path as the directive means it: relative to the directory in <Directory> and .htaccess, to ServerRoot elsewhere. NULL: no path. */
const char *coral_script_path(cmd_parms *cmd, const char *path);

/* A script of a file. Returns NULL, or what is wrong: the file is missing or does not compile (told at start and by configtest; while the server is up
 * it is logged instead, for a restart must not take a running server down, and .htaccess files are not checked at all). */
const char *coral_script_file(cmd_parms *cmd, coral_run_e run, const char *path, const char *function,
                              coral_script_t **script);

/* A script of an inline block, from the line after the directive up to </name>, taken raw. Returns NULL, or what is wrong. */
const char *coral_script_block(cmd_parms *cmd, const char *name, coral_script_t **script);

/* [r] The same script with $0 … $9 of a matched pattern put into its file and function; from r->pool. */
const coral_script_t *coral_script_matched(request_rec *r, const coral_script_t *script, apr_size_t count,
                                           const ap_regmatch_t *match);

/* [r] A file that a request is mapped to: SetHandler, AddHandler. */
const coral_script_t *coral_script_requested(request_rec *r);

#endif
