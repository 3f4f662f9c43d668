/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - regular expressions of a Lua state: options, compiled, kept. [vm], all of it
 *
 * Whatever allocates in Lua may run a finalizer, which may match on its own. So nothing of a match stays in what a state shares:
 * where it matched is the caller's. */
#ifndef CORAL_PATTERN_H
#define CORAL_PATTERN_H

#include "conf.h"
#include "matcher.h"

typedef struct coral_patterns_t coral_patterns_t;

typedef struct {
    coral_patterns_t *all;
    pcre2_code *code;
    int flags;                  /* the options, a bit for each */
    int cached, uses;           /* code goes when there is neither */
    int utf;                    /* characters may be longer than a byte */
    int groups;                 /* without the whole; a match has 2 * (groups + 1) places */
    unsigned int names, stride; /* of named groups */
    PCRE2_SPTR name_table;      /* names rows of stride bytes: the group in two, the name, a NUL */
} coral_pattern_t;

/* Pushes the state's patterns, a userdata. It is upvalue 1 of the functions that take one. */
void coral_pattern_open(lua_State *L);

/* Pushes and returns the pattern of the text at regex with the options (a string or nil) at options, for coral_pattern_give().
 * NULL: it is none, the reason is pushed. */
coral_pattern_t *coral_pattern_take(lua_State *L, int regex, int options);
void coral_pattern_give(coral_pattern_t *p);

/* As coral_matcher_run(). again: a match from an earlier offset of this subject has succeeded. */
int coral_pattern_match(coral_pattern_t *p, const char *subject, size_t length, size_t from, int again, size_t *places);

/* Where to look for the next match: behind this one, but not where an empty one would come again. It may be behind the end. */
size_t coral_pattern_next(const coral_pattern_t *p, const char *subject, size_t length, const size_t *places);

/* Whether names may come more than once (option D): a name stands for a list. */
int coral_pattern_has_lists(const coral_pattern_t *p);

/* Upvalue 1 is as of coral_pattern_open(). The stack of matches with option j, from now on. 0: it could not be made. */
int coral_pattern_set_jit_stack(lua_State *L, size_t size);

#endif
