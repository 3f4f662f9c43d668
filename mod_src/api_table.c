/* SPDX-License-Identifier: Apache-2.0 */
/* api_table.c - coral.table: r.headers_in and its like, httpd's tables by key (mod_lua's apr_table).
 * t[key] is a string or nil (the first of several), t[key] = value sets, t[key] = nil takes away, pairs(t) goes through all. */
#include "glue.h"

#define TABLE "coral.table"

typedef enum { HEADERS_IN, HEADERS_OUT, ERR_HEADERS_OUT, NOTES, SUBPROCESS_ENV } table_e;

/* Like `r` (request.c) it holds a number, not a pointer. */
typedef struct {
    apr_uint64_t serial;
    table_e which;
} reference_t;

static apr_table_t *table_of(request_rec *r, table_e which)
{
    switch (which) {
    case HEADERS_IN:
        return r->headers_in;
    case HEADERS_OUT:
        return r->headers_out;
    case ERR_HEADERS_OUT:
        return r->err_headers_out;
    case NOTES:
        return r->notes;
    default:
        return r->subprocess_env;
    }
}

static apr_table_t *check_table(lua_State *L, reference_t **reference)
{
    coral_run_t *run = coral_run_of(L);

    *reference = luaL_checkudata(L, 1, TABLE);
    if (!run || run->bond->serial != (*reference)->serial)
        luaL_error(L, "request is over: this table was kept from another request");
    return table_of(run->rq->r, (*reference)->which);
}

static int l_index(lua_State *L)
{
    reference_t *reference;
    apr_table_t *table = check_table(L, &reference);

    return coral_push(L, apr_table_get(table, luaL_checkstring(L, 2)));
}

static int l_newindex(lua_State *L)
{
    reference_t *reference;
    apr_table_t *table = check_table(L, &reference);
    request_rec *r = coral_request_here(L);
    const char *key = luaL_checkstring(L, 2);

    if (lua_isnil(L, 3))
        apr_table_unset(table, key);
    else if (reference->which == NOTES || reference->which == SUBPROCESS_ENV)
        apr_table_set(table, key, luaL_checkstring(L, 3));
    else
        apr_table_setn(table, apr_pstrdup(r->pool, key), coral_check_header(L, 3, r));
    return 0;
}

/* all(reference): a Lua table with everything; of several values of a key the last. */
static int l_all(lua_State *L)
{
    reference_t *reference;
    const apr_array_header_t *rows = apr_table_elts(check_table(L, &reference));
    int i;

    lua_createtable(L, 0, rows->nelts);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *row = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        lua_pushstring(L, row->key);
        lua_pushstring(L, row->val);
        lua_rawset(L, -3);
    }
    return 1;
}

/* next(reference, i): i + 1, key, value. What pairs() and get_headers() go through. */
static int l_next(lua_State *L)
{
    reference_t *reference;
    const apr_array_header_t *rows = apr_table_elts(check_table(L, &reference));
    lua_Integer i = luaL_optinteger(L, 2, 0);

    if (i < 0 || i >= rows->nelts)
        return 0;
    lua_pushinteger(L, i + 1);
    lua_pushstring(L, APR_ARRAY_IDX(rows, i, apr_table_entry_t).key);
    lua_pushstring(L, APR_ARRAY_IDX(rows, i, apr_table_entry_t).val);
    return 3;
}

static int l_pairs(lua_State *L)
{
    l_all(L);
    lua_getglobal(L, "next");
    lua_insert(L, -2);
    return 2;
}

/* of(name): the table of the request that runs; name: headers_in, headers_out, err_headers_out, notes, subprocess_env */
static int l_of(lua_State *L)
{
    static const char *const names[] = { "headers_in", "headers_out", "err_headers_out", "notes", "subprocess_env", NULL };
    coral_run_t *run = coral_here(L);
    reference_t *reference = lua_newuserdatauv(L, sizeof(*reference), 0);

    reference->which = (table_e)luaL_checkoption(L, 1, NULL, names);
    reference->serial = run->bond->serial;
    luaL_setmetatable(L, TABLE);
    return 1;
}

static const luaL_Reg functions[] = {
    { "of", l_of },
    { "all", l_all },
    { "next", l_next },
    { NULL, NULL }
};

static const luaL_Reg meta[] = {
    { "__index", l_index },
    { "__newindex", l_newindex },
    { "__pairs", l_pairs },
    { NULL, NULL }
};

CORAL_API(table)
{
    luaL_newmetatable(L, TABLE);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
