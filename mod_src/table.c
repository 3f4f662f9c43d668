/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include "glue.h"

const char *const coral_table_names[CORAL_TABLE_COUNT + 1] = { "headers_in", "headers_out", "err_headers_out", "notes",
                                                               "subprocess_env", NULL };

typedef struct {
    coral_mark_t mark;
    coral_table_e which;
} reference_t;

static const char kind[] = CORAL_TABLE;

static apr_table_t *table_of(request_rec *r, coral_table_e which)
{
    switch (which) {
    case CORAL_HEADERS_IN:
        return r->headers_in;
    case CORAL_HEADERS_OUT:
        return r->headers_out;
    case CORAL_ERR_HEADERS_OUT:
        return r->err_headers_out;
    case CORAL_NOTES:
        return r->notes;
    default:
        return r->subprocess_env;
    }
}

void coral_table_push(lua_State *L, coral_table_e which)
{
    coral_run_t *run = coral_here(L);
    reference_t *reference = lua_newuserdatauv(L, sizeof(*reference), 0);

    reference->mark.kind = kind;
    reference->mark.serial = run->bond->serial;
    reference->which = which;
    luaL_setmetatable(L, CORAL_TABLE);
}

apr_table_t *coral_table_check(lua_State *L, int index, coral_table_e *which)
{
    reference_t *reference = coral_marked(L, index, kind, sizeof(*reference));
    coral_run_t *run = coral_run_of(L);

    if (!reference)
        luaL_typeerror(L, index, "a table of the request");
    if (!run || !run->rq || run->bond->serial != reference->mark.serial)
        luaL_error(L, "request is over: this table was kept from another request");
    *which = reference->which;
    return table_of(run->rq->r, reference->which);
}
