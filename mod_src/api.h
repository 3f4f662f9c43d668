/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - the list of topics Lua can require. */
#ifndef CORAL_API_H
#define CORAL_API_H

#include "coral.h"

/* Puts every topic into package.preload as coral.<topic>. */
void coral_api_preload(lua_State *L);

#endif
