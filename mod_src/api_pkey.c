/* SPDX-License-Identifier: Apache-2.0 */
/* api_pkey.c - coral.pkey: OpenSSL's keys: signatures and encryption. Behind resty.evp, resty.openssl.pkey */
#include "crypto.h"
#include "glue.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define KEY "coral.pkey"

typedef struct {
    EVP_PKEY *key;
    int is_private;
} box_t;

static box_t *new_key(lua_State *L)
{
    box_t *box = lua_newuserdatauv(L, sizeof(*box), 0);

    memset(box, 0, sizeof(*box));
    luaL_setmetatable(L, KEY);
    return box;
}

static EVP_PKEY *key_at(lua_State *L, int index)
{
    box_t *box = luaL_checkudata(L, index, KEY);

    luaL_argcheck(L, box->key, index, "key is closed");
    return box->key;
}

static int l_key_gc(lua_State *L)
{
    box_t *box = luaL_checkudata(L, 1, KEY);

    EVP_PKEY_free(box->key);
    box->key = NULL;
    return 0;
}

/* Without one OpenSSL would ask at the terminal. */
static int give_password(char *room, int size, int unused, void *password)
{
    int length = password ? (int)strlen(password) : 0;

    (void)unused;
    if (length > size)
        length = size;
    memcpy(room, password ? password : "", length);
    return length;
}

/* The key of a text, PEM or DER; want: 'r' private, 'u' public, '*' whichever it is. */
static EVP_PKEY *read_key(const char *text, int length, char want, const char *password, int *is_private)
{
    BIO *bio = BIO_new_mem_buf(text, length);
    int is_pem = strstr(text, "-----BEGIN ") != NULL;
    EVP_PKEY *key = NULL;

    for (*is_private = 1; bio && !key; *is_private = 0) {
        (void)BIO_reset(bio);
        if (*is_private && want != 'u')
            key = is_pem ? PEM_read_bio_PrivateKey(bio, NULL, give_password, (void *)password) : d2i_PrivateKey_bio(bio, NULL);
        else if (!*is_private && want != 'r')
            key = is_pem ? PEM_read_bio_PUBKEY(bio, NULL, give_password, (void *)password) : d2i_PUBKEY_bio(bio, NULL);
        if (key || !*is_private)
            break;
    }
    BIO_free(bio);
    return key;
}

/* read(text, want, password): a key; nil and why if it is none. want: "private", "public", nil for either */
static int l_read(lua_State *L)
{
    static const char *const wants[] = { "any", "private", "public", NULL };
    int length, want = luaL_checkoption(L, 2, "any", wants);
    const unsigned char *text = coral_crypto_bytes(L, 1, &length);
    const char *password = coral_opt_text(L, 3);
    box_t *box = new_key(L);

    box->key = read_key((const char *)text, length, "*ru"[want], password, &box->is_private);
    return box->key ? 1 : coral_crypto_fail(L, "not a key");
}

static EVP_PKEY *generate(int type, int bits, int curve)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
    EVP_PKEY *key = NULL;

    if (ctx && EVP_PKEY_keygen_init(ctx) == 1 && (type != EVP_PKEY_RSA || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits) == 1)
        && (type != EVP_PKEY_EC || EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, curve) == 1)
        && EVP_PKEY_keygen(ctx, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

/* generate(type, parameter): "RSA" of so many bits, "EC" of a curve, "ED25519", "X25519" … */
static int l_generate(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    int type = !strcmp(name, "RSA") ? EVP_PKEY_RSA : !strcmp(name, "EC") ? EVP_PKEY_EC : OBJ_sn2nid(name), bits = 0, curve = 0;
    box_t *box;

    if (type == EVP_PKEY_RSA)
        bits = coral_crypto_size(L, 2, 16384);
    else if (type == EVP_PKEY_EC && !(curve = OBJ_txt2nid(luaL_checkstring(L, 2))))
        return coral_crypto_fail(L, "unknown curve");
    box = new_key(L);
    box->is_private = 1;
    box->key = generate(type, bits, curve);
    return box->key ? 1 : coral_crypto_fail(L, "unsupported type");
}

/* kind(): "RSA", "EC", "ED25519" …, bits, and whether it is a private key */
static int l_kind(lua_State *L)
{
    EVP_PKEY *key = key_at(L, 1);
    int type = EVP_PKEY_base_id(key);

    lua_pushstring(L, type == EVP_PKEY_RSA ? "RSA" : type == EVP_PKEY_EC ? "EC" : OBJ_nid2sn(type));
    lua_pushinteger(L, EVP_PKEY_bits(key));
    lua_pushboolean(L, ((box_t *)lua_touserdata(L, 1))->is_private);
    return 3;
}

/* What a key is asked to do. */
typedef struct {
    EVP_PKEY *key;
    const EVP_MD *md; /* NULL: the key's own, or none */
    int padding;      /* of RSA; 0: the usual one */
    const unsigned char *data, *signature;
    int length, signature_length;
    unsigned char *out;
    size_t size;
} job_t;

static int set_padding(const job_t *j, EVP_PKEY_CTX *ctx, int verifies)
{
    if (!j->padding || EVP_PKEY_base_id(j->key) != EVP_PKEY_RSA)
        return 1;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, j->padding) == 1
           && (j->padding != RSA_PKCS1_PSS_PADDING
               || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, verifies ? RSA_PSS_SALTLEN_AUTO : RSA_PSS_SALTLEN_DIGEST) == 1);
}

static int sign(job_t *j)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key; /* belongs to ctx */
    int ok = ctx && EVP_DigestSignInit(ctx, &of_key, j->md, NULL, j->key) == 1 && set_padding(j, of_key, 0)
             && EVP_DigestSign(ctx, j->out, &j->size, j->data, j->length) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static int verify(const job_t *j)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key;
    int ok = ctx && EVP_DigestVerifyInit(ctx, &of_key, j->md, NULL, j->key) == 1 && set_padding(j, of_key, 1)
             && EVP_DigestVerify(ctx, j->signature, j->signature_length, j->data, j->length) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

static int crypt_init(const job_t *j, EVP_PKEY_CTX *ctx, int encrypt)
{
    if ((encrypt ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx)) != 1)
        return 0;
    if (j->padding && EVP_PKEY_CTX_set_rsa_padding(ctx, j->padding) != 1)
        return 0;
    return j->padding != RSA_PKCS1_OAEP_PADDING || !j->md || EVP_PKEY_CTX_set_rsa_oaep_md(ctx, j->md) == 1;
}

static int crypt_rsa(job_t *j, int encrypt)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(j->key, NULL);
    int ok = ctx && crypt_init(j, ctx, encrypt)
             && (encrypt ? EVP_PKEY_encrypt(ctx, j->out, &j->size, j->data, j->length)
                         : EVP_PKEY_decrypt(ctx, j->out, &j->size, j->data, j->length))
                    == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* key, data, digest, padding at first, first + 1 … of the arguments. */
static job_t job_at(lua_State *L, int first)
{
    job_t j = { 0 };

    j.key = key_at(L, 1);
    j.data = coral_crypto_bytes(L, 2, &j.length);
    j.md = lua_isnoneornil(L, first) ? NULL : coral_crypto_md(L, first);
    j.padding = (int)luaL_optinteger(L, first + 1, 0);
    j.size = EVP_PKEY_size(j.key);
    return j;
}

/* sign(data, digest, padding): the signature; a key of ED25519 and its kind take no digest */
static int l_sign(lua_State *L)
{
    job_t j = job_at(L, 3);
    luaL_Buffer b;

    j.out = (unsigned char *)luaL_buffinitsize(L, &b, j.size);
    if (!sign(&j))
        return coral_crypto_fail(L, "cannot sign");
    luaL_pushresultsize(&b, j.size);
    return 1;
}

/* verify(data, signature, digest, padding): true; false and why if it is not the signature of data */
static int l_verify(lua_State *L)
{
    job_t j = job_at(L, 4);

    j.signature = coral_crypto_bytes(L, 3, &j.signature_length);
    if (verify(&j)) {
        lua_pushboolean(L, 1);
        return 1;
    }
    coral_crypto_fail(L, "Verification failed");
    lua_pushboolean(L, 0);
    lua_replace(L, -3);
    return 2;
}

static int crypt_data(lua_State *L, int encrypt)
{
    job_t j = job_at(L, 3);
    luaL_Buffer b;

    j.out = (unsigned char *)luaL_buffinitsize(L, &b, j.size);
    if (!crypt_rsa(&j, encrypt))
        return coral_crypto_fail(L, encrypt ? "cannot encrypt" : "cannot decrypt");
    luaL_pushresultsize(&b, j.size);
    return 1;
}

/* encrypt(data, digest, padding), decrypt(data, digest, padding): the digest is OAEP's */
static int l_encrypt(lua_State *L)
{
    return crypt_data(L, 1);
}

static int l_decrypt(lua_State *L)
{
    return crypt_data(L, 0);
}

/* Writes the key as PEM, or tells its size alone. */
static int write_pem(EVP_PKEY *key, int is_private, char *out, size_t *size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int ok = bio
             && (is_private ? PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)
                            : PEM_write_bio_PUBKEY(bio, key))
                    == 1;
    char *text;

    if (ok) {
        size_t length = BIO_get_mem_data(bio, &text);

        if (out)
            memcpy(out, text, length < *size ? length : *size);
        *size = length;
    }
    BIO_free(bio);
    return ok;
}

/* pem(private): the key as text */
static int l_pem(lua_State *L)
{
    EVP_PKEY *key = key_at(L, 1);
    int is_private = lua_toboolean(L, 2);
    size_t size = 0;
    luaL_Buffer b;

    if (!write_pem(key, is_private, NULL, &size) || !write_pem(key, is_private, luaL_buffinitsize(L, &b, size), &size))
        return coral_crypto_fail(L, "no such key");
    luaL_pushresultsize(&b, size);
    return 1;
}

/* A signature of ECDSA: r and s of a key's size as in a JWT, from DER. */
static int raw_signature(const unsigned char *der, int length, unsigned char *out, int size)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, length);
    int ok = signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, size) == size
             && BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + size, size) == size;

    ECDSA_SIG_free(signature);
    return ok;
}

/* … and back; the length, 0 if it is none. */
static int der_signature(const unsigned char *raw, int size, unsigned char *out)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, size, NULL), *s = BN_bin2bn(raw + size, size, NULL);
    int length = 0;

    if (signature && r && s && ECDSA_SIG_set0(signature, r, s))
        length = i2d_ECDSA_SIG(signature, &out);
    else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(signature);
    return length;
}

#define EC_BYTES 80 /* of a number as large as a curve's order, at the most */

/* raw(signature), der(signature): of a key of kind EC, from DER to r and s one after the other, and back */
static int l_raw(lua_State *L)
{
    int size = (EVP_PKEY_bits(key_at(L, 1)) + 7) / 8, length;
    const unsigned char *der = coral_crypto_bytes(L, 2, &length);
    unsigned char raw[2 * EC_BYTES];

    if (size > EC_BYTES || !raw_signature(der, length, raw, size))
        return coral_crypto_fail(L, "not a signature");
    lua_pushlstring(L, (char *)raw, 2 * size);
    return 1;
}

static int l_der(lua_State *L)
{
    int size = (EVP_PKEY_bits(key_at(L, 1)) + 7) / 8, length;
    const unsigned char *raw = coral_crypto_bytes(L, 2, &length);
    unsigned char der[2 * EC_BYTES + 16];

    if (size > EC_BYTES || length != 2 * size)
        return coral_crypto_fail(L, "signature length != 2 * order length");
    length = der_signature(raw, size, der);
    if (length <= 0)
        return coral_crypto_fail(L, "not a signature");
    lua_pushlstring(L, (char *)der, length);
    return 1;
}

static const luaL_Reg functions[] = {
    { "read", l_read },
    { "generate", l_generate },
    { NULL, NULL }
};

static const luaL_Reg methods[] = {
    { "kind", l_kind },
    { "sign", l_sign },
    { "verify", l_verify },
    { "encrypt", l_encrypt },
    { "decrypt", l_decrypt },
    { "pem", l_pem },
    { "raw", l_raw },
    { "der", l_der },
    { "__gc", l_key_gc },
    { NULL, NULL }
};

CORAL_API(pkey)
{
    coral_crypto_class(L, KEY, methods);
    luaL_newlib(L, functions);
    return 1;
}
