/* SPDX-License-Identifier: Apache-2.0 */
/* api_env.c - coral.env: variables and expressions. Behind ngx.var and r:expr(). */
#include "glue.h"

#include "variable.h"

/* get(name): a string or nil (variable.h says where it is looked up) */
static int l_get(lua_State *L)
{
    return coral_push(L, coral_variable_get(coral_request_here(L), coral_check_text(L, 1)));
}

/* set(name, value): a string or a number; nil takes it away. An error for what can not be set. */
static int l_set(lua_State *L)
{
    const char *err = coral_request_set_variable(coral_here(L)->rq, coral_check_text(L, 1), coral_opt_text(L, 2));

    return err ? luaL_error(L, "%s", err) : 0;
}

/* expr(expression): whether it holds, as <If> would say; nil and a message when it is none. r:expr */
static int l_expr(lua_State *L)
{
    request_rec *r = coral_request_here(L);
    ap_expr_info_t info = { 0 };
    const char *err;
    int holds;

    info.filename = "r:expr";
    info.module_index = APLOG_MODULE_INDEX;
    err = ap_expr_parse(r->pool, r->pool, &info, coral_check_text(L, 1), NULL);
    if (!err) {
        holds = ap_expr_exec(r, &info, &err);
        if (holds >= 0) {
            lua_pushboolean(L, holds);
            return 1;
        }
    }
    lua_pushboolean(L, 0);
    lua_pushstring(L, err);
    return 2;
}

static const luaL_Reg functions[] = {
    { "get", l_get },
    { "set", l_set },
    { "expr", l_expr },
    { NULL, NULL }
};

CORAL_API(env)
{
    luaL_newlib(L, functions);
    return 1;
}
