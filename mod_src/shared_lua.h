/* SPDX-License-Identifier: Apache-2.0 */
/* shared_lua.h - shared dictionaries, their keys and values to and from Lua. [vm] */
#ifndef CORAL_SHARED_LUA_H
#define CORAL_SHARED_LUA_H

#include "shared.h"

/* Pushes what a dictionary of ngx.shared, a table, has at index 1. */
void coral_shared_lua_push_handle(lua_State *L, coral_shared_t *s);

/* The dictionary at 1, where all methods have it; an error, in these words, when it is none. */
coral_shared_t *coral_shared_lua_check(lua_State *L, const char *otherwise);

/* The key at 2. It is what its text is, and 1.0 the same as 1. NULL, or what is wrong with it. */
const char *coral_shared_lua_key(lua_State *L, coral_key_t *key);

/* A value; 0: nothing of that type is kept. number: a number, or a string that is one, for OpenResty takes both. */
int coral_shared_lua_value(lua_State *L, int index, coral_value_t *value);
int coral_shared_lua_number(lua_State *L, int index, coral_value_t *value);

void coral_shared_lua_push(lua_State *L, const coral_value_t *value);

/* Gets a value from the dictionary and pushes it, if the result is OK. */
typedef coral_shared_e coral_shared_lua_fetch_fn(coral_shared_t *s, coral_key_t *key, int option, coral_value_t *value);
coral_shared_e coral_shared_lua_fetch(lua_State *L, coral_shared_lua_fetch_fn *from, coral_shared_t *s, coral_key_t *key,
                                      int option, coral_value_t *value);

/* Why a call gave nothing, in OpenResty's words; NULL for OK. */
extern const char *const coral_shared_lua_reasons[];

/* Pushes nil and why; returns 2. */
int coral_shared_lua_refuse(lua_State *L, const char *why);

#endif
