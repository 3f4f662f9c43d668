/* SPDX-License-Identifier: Apache-2.0 */
#include "certificate.h"

#define CERTIFICATE "coral.tls_certificate"
#define STORE "coral.tls_store"

static int l_free_certificate(lua_State *L)
{
    coral_certificate_t *c = luaL_checkudata(L, 1, CERTIFICATE);

    X509_free(c->certificate);
    EVP_PKEY_free(c->key);
    sk_X509_pop_free(c->chain, X509_free);
    memset(c, 0, sizeof(*c));
    return 0;
}

static int l_free_store(lua_State *L)
{
    X509_STORE **store = luaL_checkudata(L, 1, STORE);

    X509_STORE_free(*store);
    *store = NULL;
    return 0;
}

static void make_metatable(lua_State *L, const char *name, lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
}

void coral_certificate_open(lua_State *L)
{
    make_metatable(L, CERTIFICATE, l_free_certificate);
    make_metatable(L, STORE, l_free_store);
}

coral_certificate_t *coral_push_certificate(lua_State *L)
{
    coral_certificate_t *c = lua_newuserdatauv(L, sizeof(*c), 0);

    memset(c, 0, sizeof(*c));
    luaL_setmetatable(L, CERTIFICATE);
    return c;
}

X509_STORE *coral_push_store(lua_State *L)
{
    X509_STORE **store = lua_newuserdatauv(L, sizeof(*store), 0);

    *store = NULL;
    luaL_setmetatable(L, STORE);
    if (!(*store = X509_STORE_new()))
        luaL_error(L, "not enough memory");
    return *store;
}

coral_certificate_t *coral_certificate_at(lua_State *L, int index)
{
    return luaL_testudata(L, index, CERTIFICATE);
}

X509_STORE *coral_store_at(lua_State *L, int index)
{
    X509_STORE **store = luaL_testudata(L, index, STORE);

    return store ? *store : NULL;
}
