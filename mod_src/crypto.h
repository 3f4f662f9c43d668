/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h - what api_crypto.c, api_cipher.c and api_pkey.c share: arguments for OpenSSL, and its errors. [vm], all of it */
#ifndef CORAL_CRYPTO_H
#define CORAL_CRYPTO_H

#include "coral.h"

#include <openssl/evp.h>

/* What a call returns that failed: nil and OpenSSL's reason, or `what` if it has none. */
int coral_crypto_fail(lua_State *L, const char *what);

/* What a call returns that has nothing to say but whether it worked, as OpenSSL does with 1. */
int coral_crypto_done(lua_State *L, int ok, const char *what);

/* A string of a length that OpenSSL's ints can hold, with room for what a cipher adds. */
const unsigned char *coral_crypto_bytes(lua_State *L, int index, int *length);

/* A number from 0 to most. */
int coral_crypto_size(lua_State *L, int index, int most);

/* A digest by its name ("sha256"); one that there is not is an error. */
const EVP_MD *coral_crypto_md(lua_State *L, int index);

/* The metatable `name` with these methods. */
void coral_crypto_class(lua_State *L, const char *name, const luaL_Reg *methods);

#endif
