/* SPDX-License-Identifier: Apache-2.0 */
/* captures.h - what a match becomes in Lua, and what calls return that have none. [vm], all of it */
#ifndef CORAL_CAPTURES_H
#define CORAL_CAPTURES_H

#include "pattern.h"

/* The text of the value at index, which becomes it. length may be NULL. */
const char *coral_captures_subject(lua_State *L, int index, size_t *length);

/* Whether a group is part of the match. */
int coral_captures_took_part(const size_t *places, int group);

/* Pushes a group, false if it is not part of the match. */
void coral_captures_push_group(lua_State *L, const char *subject, const size_t *places, int group);

/* Pushes the table of a match: 0 the whole, 1 … the groups, and their names. into: the index of a table that gets it all, or 0. */
void coral_captures_push(lua_State *L, const coral_pattern_t *p, const char *subject, const size_t *places, int into);

/* What a call returns that has an error, which is on top: so many nils before it. */
int coral_captures_failed(lua_State *L, int nils);

/* What a call returns that has no match, as of coral_pattern_match(): nil, or an error behind so many. */
int coral_captures_none(lua_State *L, int status, int nils);

#endif
