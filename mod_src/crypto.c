/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto.h"

#include <limits.h>
#include <openssl/err.h>

int coral_crypto_fail(lua_State *L, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    lua_pushnil(L);
    lua_pushstring(L, reason ? reason : what);
    return 2;
}

int coral_crypto_done(lua_State *L, int ok, const char *what)
{
    if (ok != 1)
        return coral_crypto_fail(L, what);
    lua_pushboolean(L, 1);
    return 1;
}

const unsigned char *coral_crypto_bytes(lua_State *L, int index, int *length)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, index, &size);

    luaL_argcheck(L, size < INT_MAX / 2, index, "too long");
    *length = (int)size;
    return (const unsigned char *)bytes;
}

int coral_crypto_size(lua_State *L, int index, int most)
{
    lua_Integer size = luaL_checkinteger(L, index);

    luaL_argcheck(L, size >= 0 && size <= most, index, "out of range");
    return (int)size;
}

const EVP_MD *coral_crypto_md(lua_State *L, int index)
{
    const EVP_MD *md = EVP_get_digestbyname(luaL_checkstring(L, index));

    if (!md)
        luaL_argerror(L, index, "no such digest");
    return md;
}

void coral_crypto_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
