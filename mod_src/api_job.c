/* SPDX-License-Identifier: Apache-2.0 */
/* api_job.c - coral.job: functions that run in another Lua state. Behind ngx.run_worker_thread. */
#include "glue.h"
#include "job.h"

/* run(module, function, bytes): waits for it; whether it went well, and bytes, or why not */
static int l_run(lua_State *L)
{
    const char *module = coral_check_text(L, 1), *function = coral_check_text(L, 2), *input;
    coral_wait_t *w;
    size_t length;

    input = luaL_checklstring(L, 3, &length);
    if (!coral_run_of(L))
        return luaL_error(L, "no request found");
    w = coral_task_new_wait(L);
    if (coral_job_begin(w, coral_vm_of(L), module, function, input, length))
        return coral_task_wait(L, w);
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "no available Lua vm");
    return 2;
}

CORAL_API(job)
{
    lua_newtable(L);
    lua_pushcfunction(L, l_run);
    lua_setfield(L, -2, "run");
    return 1;
}
