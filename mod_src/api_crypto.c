/* SPDX-License-Identifier: Apache-2.0 */
/* api_crypto.c - coral.crypto: OpenSSL's digests, derived keys and random bytes. Behind resty.sha256, resty.hmac … */
#include "crypto.h"
#include "glue.h"

#include <limits.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#define DIGEST "coral.crypto.digest"

/* random(n): n bytes nobody can guess; nil and why if there are none */
static int l_random(lua_State *L)
{
    int size = coral_crypto_size(L, 1, INT_MAX / 2);
    luaL_Buffer b;
    char *bytes = luaL_buffinitsize(L, &b, size);

    if (size && RAND_bytes((unsigned char *)bytes, size) != 1)
        return coral_crypto_fail(L, "no random bytes");
    luaL_pushresultsize(&b, size);
    return 1;
}

/* version(): OpenSSL's number and name */
static int l_version(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)OpenSSL_version_num());
    lua_pushstring(L, OpenSSL_version(OPENSSL_VERSION));
    return 2;
}

/* Digests; with a key a HMAC. */

typedef struct {
    EVP_MD_CTX *ctx;
    EVP_PKEY *key;
    const EVP_MD *md;
    int finished;
} digest_t;

static digest_t *digest_at(lua_State *L)
{
    digest_t *d = luaL_checkudata(L, 1, DIGEST);

    luaL_argcheck(L, d->ctx, 1, "digest is closed");
    return d;
}

static digest_t *new_digest(lua_State *L)
{
    digest_t *d = lua_newuserdatauv(L, sizeof(*d), 0);

    memset(d, 0, sizeof(*d));
    luaL_setmetatable(L, DIGEST);
    d->ctx = EVP_MD_CTX_new();
    return d;
}

static int start(digest_t *d)
{
    if (!d->ctx)
        return 0;
    d->finished = 0;
    if (!d->key)
        return EVP_DigestInit_ex(d->ctx, d->md, NULL);
    EVP_MD_CTX_reset(d->ctx);
    return EVP_DigestSignInit(d->ctx, NULL, d->md, NULL, d->key);
}

/* digest(name): with update(bytes), final(), reset(); nil and why if there is none of that name */
static int l_digest(lua_State *L)
{
    const EVP_MD *md = EVP_get_digestbyname(luaL_checkstring(L, 1));
    digest_t *d;

    if (!md)
        return coral_crypto_fail(L, "no such digest");
    d = new_digest(L);
    d->md = md;
    return start(d) == 1 ? 1 : coral_crypto_fail(L, "no memory");
}

/* hmac(name, key): the same with a key */
static int l_hmac(lua_State *L)
{
    const EVP_MD *md = EVP_get_digestbyname(luaL_checkstring(L, 1));
    int length;
    const unsigned char *key = coral_crypto_bytes(L, 2, &length);
    digest_t *d;

    if (!md)
        return coral_crypto_fail(L, "no such digest");
    d = new_digest(L);
    d->md = md;
    d->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, key, (size_t)length);
    return d->key && start(d) == 1 ? 1 : coral_crypto_fail(L, "no memory");
}

static int l_digest_update(lua_State *L)
{
    digest_t *d = digest_at(L);
    size_t length;
    const char *bytes = luaL_checklstring(L, 2, &length);

    if (d->finished)
        return coral_crypto_fail(L, "the digest is finished");
    return coral_crypto_done(L, d->key ? EVP_DigestSignUpdate(d->ctx, bytes, length) : EVP_DigestUpdate(d->ctx, bytes, length),
                             "no memory");
}

/* final(): the bytes; after it only reset() works */
static int l_digest_final(lua_State *L)
{
    digest_t *d = digest_at(L);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    size_t length = sizeof(digest);

    if (d->finished)
        return coral_crypto_fail(L, "the digest is finished");
    if ((d->key ? EVP_DigestSignFinal(d->ctx, digest, &length) : EVP_DigestFinal_ex(d->ctx, digest, &size)) != 1)
        return coral_crypto_fail(L, "no memory");
    d->finished = 1;
    lua_pushlstring(L, (char *)digest, d->key ? length : size);
    return 1;
}

static int l_digest_reset(lua_State *L)
{
    return coral_crypto_done(L, start(digest_at(L)), "no memory");
}

static int l_digest_gc(lua_State *L)
{
    digest_t *d = luaL_checkudata(L, 1, DIGEST);

    EVP_MD_CTX_free(d->ctx);
    EVP_PKEY_free(d->key);
    memset(d, 0, sizeof(*d));
    return 0;
}

/* Derived keys. */

/* pbkdf2(digest, password, salt, count, length) */
static int l_pbkdf2(lua_State *L)
{
    const EVP_MD *md = coral_crypto_md(L, 1);
    int pass_length, salt_length, count = coral_crypto_size(L, 4, INT_MAX), size = coral_crypto_size(L, 5, 1 << 20);
    const unsigned char *pass = coral_crypto_bytes(L, 2, &pass_length), *salt = coral_crypto_bytes(L, 3, &salt_length);
    luaL_Buffer b;
    char *key = luaL_buffinitsize(L, &b, size + 1);

    if (PKCS5_PBKDF2_HMAC((const char *)pass, pass_length, salt, salt_length, count, md, size, (unsigned char *)key) != 1)
        return coral_crypto_fail(L, "no key");
    luaL_pushresultsize(&b, size);
    return 1;
}

/* scrypt(password, salt, n, r, p, most memory, length) */
static int l_scrypt(lua_State *L)
{
    int pass_length, salt_length, size = coral_crypto_size(L, 7, 1 << 20);
    const unsigned char *pass = coral_crypto_bytes(L, 1, &pass_length), *salt = coral_crypto_bytes(L, 2, &salt_length);
    lua_Integer n = luaL_checkinteger(L, 3), r = luaL_checkinteger(L, 4), p = luaL_checkinteger(L, 5);
    lua_Integer most = luaL_checkinteger(L, 6);
    luaL_Buffer b;
    char *key = luaL_buffinitsize(L, &b, size + 1);

    if (EVP_PBE_scrypt((const char *)pass, pass_length, salt, salt_length, n, r, p, most, (unsigned char *)key, size) != 1)
        return coral_crypto_fail(L, "no key");
    luaL_pushresultsize(&b, size);
    return 1;
}

typedef struct {
    const EVP_MD *md;
    const unsigned char *key, *salt, *info;
    int mode, key_length, salt_length, info_length;
} hkdf_t;

static int derive_hkdf(const hkdf_t *h, unsigned char *out, size_t *size)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    int ok = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_CTX_hkdf_mode(ctx, h->mode) == 1
             && EVP_PKEY_CTX_set_hkdf_md(ctx, h->md) == 1
             && EVP_PKEY_CTX_set1_hkdf_key(ctx, h->key, h->key_length) == 1
             && EVP_PKEY_CTX_set1_hkdf_salt(ctx, h->salt, h->salt_length) == 1
             && EVP_PKEY_CTX_add1_hkdf_info(ctx, h->info, h->info_length) == 1 && EVP_PKEY_derive(ctx, out, size) == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* hkdf(digest, mode, key, salt, info, length): RFC 5869; mode 0: extract and expand, 1: extract (the digest's length), 2: expand */
static int l_hkdf(lua_State *L)
{
    hkdf_t h;
    size_t size = coral_crypto_size(L, 6, 255 * EVP_MAX_MD_SIZE);
    luaL_Buffer b;
    unsigned char *key;

    h.md = coral_crypto_md(L, 1);
    h.mode = coral_crypto_size(L, 2, 2);
    h.key = coral_crypto_bytes(L, 3, &h.key_length);
    h.salt = coral_crypto_bytes(L, 4, &h.salt_length);
    h.info = coral_crypto_bytes(L, 5, &h.info_length);
    if (h.mode == 1)
        size = EVP_MD_size(h.md);
    key = (unsigned char *)luaL_buffinitsize(L, &b, size + 1);
    if (!derive_hkdf(&h, key, &size))
        return coral_crypto_fail(L, "no key");
    luaL_pushresultsize(&b, size);
    return 1;
}

static const luaL_Reg functions[] = {
    { "version", l_version },
    { "random", l_random },
    { "digest", l_digest },
    { "hmac", l_hmac },
    { "pbkdf2", l_pbkdf2 },
    { "scrypt", l_scrypt },
    { "hkdf", l_hkdf },
    { NULL, NULL }
};

static const luaL_Reg digest_methods[] = {
    { "update", l_digest_update },
    { "final", l_digest_final },
    { "reset", l_digest_reset },
    { "__gc", l_digest_gc },
    { NULL, NULL }
};

CORAL_API(crypto)
{
    coral_crypto_class(L, DIGEST, digest_methods);
    luaL_newlib(L, functions);
    return 1;
}
