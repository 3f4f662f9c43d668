/* SPDX-License-Identifier: Apache-2.0 */
/* api_table.c - coral.table: r.headers_in and its like, httpd's tables by key (mod_lua's apr_table).
 * t[key] is a string or nil (the first of several), t[key] = value sets, t[key] = nil takes away, pairs(t) goes through all. */
#include "glue.h"

#include "table.h"

static int l_index(lua_State *L)
{
    coral_table_e which;
    apr_table_t *table = coral_table_check(L, 1, &which);

    return coral_push(L, apr_table_get(table, coral_check_text(L, 2)));
}

static int l_newindex(lua_State *L)
{
    coral_table_e which;
    apr_table_t *table = coral_table_check(L, 1, &which);
    request_rec *r = coral_request_here(L);
    const char *key = coral_check_text(L, 2);

    if (lua_isnil(L, 3))
        apr_table_unset(table, key);
    else if (which == CORAL_NOTES || which == CORAL_SUBPROCESS_ENV)
        apr_table_set(table, key, coral_check_text(L, 3));
    else
        apr_table_setn(table, coral_check_header_name(L, 2, r), coral_check_header(L, 3, r));
    return 0;
}

/* all(reference): a Lua table with everything; of several values of a key the last. */
static int l_all(lua_State *L)
{
    coral_table_e which;
    const apr_array_header_t *rows = apr_table_elts(coral_table_check(L, 1, &which));
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

/* Pushes a header's name in lower case; long ones (there are none in practice) as they are. */
static void push_lower(lua_State *L, const char *name)
{
    char lower[128];
    apr_size_t i, length = strlen(name);

    if (length >= sizeof(lower)) {
        lua_pushstring(L, name);
        return;
    }
    for (i = 0; i < length; i++)
        lower[i] = (char)apr_tolower(name[i]);
    lua_pushlstring(L, lower, length);
}

/* headers(name, max, raw): name -> value or list, names in lower case unless raw; at most max (100; 0: all), then the second result
 * is "truncated". ngx.req.get_headers, ngx.resp.get_headers */
static int l_headers(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    coral_table_e which = (coral_table_e)luaL_checkoption(L, 1, NULL, coral_table_names);
    const apr_array_header_t *rows = apr_table_elts(which == CORAL_HEADERS_IN ? r->headers_in : r->headers_out);
    int raw = lua_toboolean(L, 3), table, i;
    lua_Integer max = luaL_optinteger(L, 2, 100);

    if (max < 0)
        max = 100;
    lua_createtable(L, 0, rows->nelts);
    table = lua_gettop(L);
    for (i = 0; i < rows->nelts; i++) {
        const apr_table_entry_t *row = &APR_ARRAY_IDX(rows, i, apr_table_entry_t);

        if (max > 0 && i == max) {
            lua_pushliteral(L, "truncated");
            return 2;
        }
        if (raw)
            lua_pushstring(L, row->key);
        else
            push_lower(L, row->key);
        lua_pushstring(L, row->val);
        coral_add(L, table);
    }
    return 1;
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
    coral_table_push(L, (coral_table_e)luaL_checkoption(L, 1, NULL, coral_table_names));
    return 1;
}

static const luaL_Reg functions[] = {
    { "of", l_of },
    { "all", l_all },
    { "headers", l_headers },
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
    luaL_newmetatable(L, CORAL_TABLE);
    luaL_setfuncs(L, meta, 0);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
