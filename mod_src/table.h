/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - httpd's tables of a request as Lua sees them: r.headers_in and its like. [vm] */
#ifndef CORAL_TABLE_H
#define CORAL_TABLE_H

#include "request.h"

typedef enum {
    CORAL_HEADERS_IN,
    CORAL_HEADERS_OUT,
    CORAL_ERR_HEADERS_OUT,
    CORAL_NOTES,
    CORAL_SUBPROCESS_ENV,
    CORAL_TABLE_COUNT
} coral_table_e;

extern const char *const coral_table_names[CORAL_TABLE_COUNT + 1];

#define CORAL_TABLE "coral.table" /* the metatable */

/* Pushes what stands for the table of the request that runs. Like `r` it holds a number, not a pointer. */
void coral_table_push(lua_State *L, coral_table_e which);

/* The table that the value at index stands for; an error when it is another request's. */
apr_table_t *coral_table_check(lua_State *L, int index, coral_table_e *which);

#endif
