/* SPDX-License-Identifier: Apache-2.0 */
/* matcher.h - runs PCRE2, within limits of time, memory and stack. [vm], all of it: each Lua state has one */
#ifndef CORAL_MATCHER_H
#define CORAL_MATCHER_H

#include "coral.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

typedef struct {
    pcre2_general_context *memory; /* of data */
    pcre2_match_context *matching, *dfa_matching;
    pcre2_match_data *data; /* in use only while PCRE2 runs */
    int pairs, grown;       /* of data: what it has room for; whether it has become large */
    pcre2_jit_stack *jit_stack;
} coral_matcher_t;

/* limit: how often a match may try another way, 0: PCRE2's default. 0: no memory. To be closed in either case. */
int coral_matcher_open(coral_matcher_t *m, int limit);
void coral_matcher_close(coral_matcher_t *m);

/* Before the first match with compiled machine code; a failure is one of those matches. */
void coral_matcher_use_jit(coral_matcher_t *m);

/* The stack of matches with machine code, from now on. 0: it could not be made. */
int coral_matcher_set_jit_stack(coral_matcher_t *m, size_t size);

typedef struct {
    const char *text;
    size_t length, from;
    int dfa;     /* the longest of all matches */
    int checked; /* that the text is UTF-8, if it has to be: a match from an earlier offset has succeeded */
} coral_subject_t;

/* Looks for the next match. 1: places (two for each group and the whole) are where they begin and end, PCRE2_UNSET for groups that did
 * not take part; 0: there is none; below: an error, by the number PCRE 1 has for it. */
int coral_matcher_run(coral_matcher_t *m, const pcre2_code *code, const coral_subject_t *s, int groups, size_t *places);

#endif
