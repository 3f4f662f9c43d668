/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - the texts of Lua files, one store for all states of a child process.
 *
 * The store holds the newest version of a file that compiles. A changed file is read anew; if it does not compile that is logged
 * and the version before it stays, so a state made later still runs what the others run. Text only: a precompiled chunk could
 * crash the process and is refused. */
#ifndef CORAL_SOURCE_H
#define CORAL_SOURCE_H

#include "coral.h"

#define CORAL_SOURCE_ERROR 1024

/* [start] */
apr_status_t coral_source_child_init(apr_pool_t *pchild);

/* [any] Compiles and forgets. Returns NULL or file:line and the mistake, from p. */
const char *coral_source_check_file(apr_pool_t *p, const char *path);
const char *coral_source_check_text(apr_pool_t *p, const char *text, const char *file, int line);

/* [any] The number of the file's version; it grows when the file changes. The disk is looked at when the last look is older than
 * age (µs). 0: there is no version yet that can be read and compiled; error says why. */
apr_uint32_t coral_source_version(const char *path, apr_interval_time_t age, char error[CORAL_SOURCE_ERROR]);

/* A version's text, kept until it is given back. */
typedef struct {
    apr_uint32_t holders, version;
    apr_size_t length;
    char text[1];
} coral_source_text_t;

/* [any] NULL when the store has no version of that file. */
coral_source_text_t *coral_source_take(const char *path);
void coral_source_give(coral_source_text_t *text);

#endif
