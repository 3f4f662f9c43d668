/* SPDX-License-Identifier: Apache-2.0 */
/* api_cipher.c - coral.cipher: OpenSSL's ciphers. Behind resty.aes, resty.openssl.cipher */
#include "crypto.h"
#include "glue.h"

#include <limits.h>

#define CIPHER "coral.cipher"

typedef struct {
    EVP_CIPHER_CTX *ctx;
    const EVP_CIPHER *cipher;
} cipher_t;

static cipher_t *cipher_at(lua_State *L)
{
    cipher_t *c = luaL_checkudata(L, 1, CIPHER);

    luaL_argcheck(L, c->ctx, 1, "cipher is closed");
    return c;
}

static int is_aead(const EVP_CIPHER *cipher)
{
    return (EVP_CIPHER_flags(cipher) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0;
}

/* new(name): with init() … ; nil and why if there is none of that name */
static int l_cipher(lua_State *L)
{
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(luaL_checkstring(L, 1));
    cipher_t *c;

    if (!cipher)
        return coral_crypto_fail(L, "no such cipher");
    c = lua_newuserdatauv(L, sizeof(*c), 0);
    c->ctx = NULL;
    c->cipher = cipher;
    luaL_setmetatable(L, CIPHER);
    c->ctx = EVP_CIPHER_CTX_new();
    if (!c->ctx)
        return coral_crypto_fail(L, "no memory");
    EVP_CIPHER_CTX_set_flags(c->ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    return 1;
}

/* sizes(): of key, initialization vector and block */
static int l_cipher_sizes(lua_State *L)
{
    const cipher_t *c = cipher_at(L);

    lua_pushinteger(L, EVP_CIPHER_key_length(c->cipher));
    lua_pushinteger(L, EVP_CIPHER_iv_length(c->cipher));
    lua_pushinteger(L, EVP_CIPHER_block_size(c->cipher));
    return 3;
}

/* init(encrypt, key, iv, padding): begins anew. The vector may have any length where the mode allows it (GCM). */
static int l_cipher_init(lua_State *L)
{
    cipher_t *c = cipher_at(L);
    int encrypt = lua_toboolean(L, 2), key_length, iv_length;
    const unsigned char *key = coral_crypto_bytes(L, 3, &key_length), *iv;

    lua_settop(L, 5);
    if (lua_isnil(L, 4)) {
        lua_pushliteral(L, "");
        lua_replace(L, 4);
    }
    iv = coral_crypto_bytes(L, 4, &iv_length);
    if (key_length != EVP_CIPHER_key_length(c->cipher))
        return coral_crypto_fail(L, "bad key length");
    if (!is_aead(c->cipher) && iv_length != EVP_CIPHER_iv_length(c->cipher))
        return coral_crypto_fail(L, "bad iv length");
    if (EVP_CipherInit_ex(c->ctx, c->cipher, NULL, NULL, NULL, encrypt) != 1
        || (is_aead(c->cipher) && EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_IVLEN, iv_length, NULL) != 1)
        || EVP_CipherInit_ex(c->ctx, NULL, NULL, key, iv_length ? iv : NULL, encrypt) != 1)
        return coral_crypto_fail(L, "the cipher cannot be initialized");
    return coral_crypto_done(L, EVP_CIPHER_CTX_set_padding(c->ctx, lua_isnil(L, 5) || lua_toboolean(L, 5)), "no padding");
}

/* aad(bytes): what is authenticated and not encrypted */
static int l_cipher_aad(lua_State *L)
{
    cipher_t *c = cipher_at(L);
    int length, out;
    const unsigned char *bytes = coral_crypto_bytes(L, 2, &length);

    return coral_crypto_done(L, EVP_CipherUpdate(c->ctx, NULL, &out, bytes, length), "not initialized");
}

/* update(bytes): what comes out */
static int l_cipher_update(lua_State *L)
{
    cipher_t *c = cipher_at(L);
    int length, out = 0;
    const unsigned char *bytes = coral_crypto_bytes(L, 2, &length);
    luaL_Buffer b;
    char *room = luaL_buffinitsize(L, &b, (size_t)length + 2 * EVP_MAX_BLOCK_LENGTH);

    if (EVP_CipherUpdate(c->ctx, (unsigned char *)room, &out, bytes, length) != 1)
        return coral_crypto_fail(L, "not initialized");
    luaL_pushresultsize(&b, out);
    return 1;
}

/* final(): the rest; nil and why if the padding or the tag is wrong */
static int l_cipher_final(lua_State *L)
{
    cipher_t *c = cipher_at(L);
    unsigned char rest[2 * EVP_MAX_BLOCK_LENGTH];
    int out = 0;

    if (EVP_CipherFinal_ex(c->ctx, rest, &out) != 1)
        return coral_crypto_fail(L, "authentication failed");
    lua_pushlstring(L, (char *)rest, out);
    return 1;
}

/* tag(n): the tag of what was encrypted; set_tag(bytes): the tag that what is decrypted must have */
static int l_cipher_tag(lua_State *L)
{
    cipher_t *c = cipher_at(L);
    unsigned char tag[EVP_MAX_MD_SIZE];
    int size = coral_crypto_size(L, 2, sizeof(tag));

    if (EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, size, tag) != 1)
        return coral_crypto_fail(L, "no tag");
    lua_pushlstring(L, (char *)tag, size);
    return 1;
}

static int l_cipher_set_tag(lua_State *L)
{
    cipher_t *c = cipher_at(L);
    int length;
    const unsigned char *tag = coral_crypto_bytes(L, 2, &length);

    return coral_crypto_done(L, EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, length, (void *)tag), "bad tag");
}

static int l_cipher_gc(lua_State *L)
{
    cipher_t *c = luaL_checkudata(L, 1, CIPHER);

    EVP_CIPHER_CTX_free(c->ctx);
    c->ctx = NULL;
    return 0;
}

/* bytes_to_key(cipher, digest, salt, bytes, count): key and vector as `openssl enc` derives them; salt: 8 bytes or nil */
static int l_bytes_to_key(lua_State *L)
{
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(luaL_checkstring(L, 1));
    const EVP_MD *md = coral_crypto_md(L, 2);
    unsigned char key[EVP_MAX_KEY_LENGTH], iv[EVP_MAX_IV_LENGTH];
    const unsigned char *salt, *bytes;
    int salt_length = 8, length, size;

    luaL_argcheck(L, cipher, 1, "no such cipher");
    salt = lua_isnoneornil(L, 3) ? NULL : coral_crypto_bytes(L, 3, &salt_length);
    luaL_argcheck(L, salt_length == 8, 3, "8 bytes expected");
    bytes = coral_crypto_bytes(L, 4, &length);
    size = EVP_BytesToKey(cipher, md, salt, bytes, length, coral_crypto_size(L, 5, INT_MAX), key, iv);
    if (size <= 0)
        return coral_crypto_fail(L, "no key");
    lua_pushlstring(L, (char *)key, size);
    lua_pushlstring(L, (char *)iv, EVP_CIPHER_iv_length(cipher));
    return 2;
}

static const luaL_Reg functions[] = {
    { "new", l_cipher },
    { "bytes_to_key", l_bytes_to_key },
    { NULL, NULL }
};

static const luaL_Reg cipher_methods[] = {
    { "sizes", l_cipher_sizes },
    { "init", l_cipher_init },
    { "aad", l_cipher_aad },
    { "update", l_cipher_update },
    { "final", l_cipher_final },
    { "tag", l_cipher_tag },
    { "set_tag", l_cipher_set_tag },
    { "__gc", l_cipher_gc },
    { NULL, NULL }
};

CORAL_API(cipher)
{
    coral_crypto_class(L, CIPHER, cipher_methods);
    luaL_newlib(L, functions);
    return 1;
}
