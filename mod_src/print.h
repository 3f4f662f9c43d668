/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - values as OpenResty prints them: nil and booleans by name, a whole float without its fraction, lists item by item. [vm] */
#ifndef CORAL_PRINT_H
#define CORAL_PRINT_H

#include "response.h"

/* Appends the values from first to the top of the stack; what cannot be printed is an error, and then nothing is appended. */
void coral_print(lua_State *L, coral_response_t *to, int first);

#endif
