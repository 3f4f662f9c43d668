/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

/* One word a topic: api_<word>.c, `require "coral.<word>"`. */
#define TOPICS(X)                                                                                                   \
    X(basics) X(body) X(capture) X(cert) X(cipher) X(client) X(code) X(codec) X(crypto) X(env) X(jit) X(job) X(log) X(names) X(pipe)     \
    X(pkey) X(plug) X(plug_tls) X(r) X(regex) X(replace) X(request) X(response) X(select) X(shared) X(sockopt)      \
    X(ssl) X(table) X(tcp) X(thread) X(time) X(timer) X(tls) X(udp) X(worker)

#define X(name) int coral_api_##name(lua_State *L);
TOPICS(X)
#undef X

void coral_api_preload(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
#define X(name)                                                                                    \
    lua_pushcfunction(L, coral_api_##name);                                                        \
    lua_setfield(L, -2, "coral." #name);
    TOPICS(X)
#undef X
    lua_pop(L, 1);
}
