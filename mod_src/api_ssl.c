/* SPDX-License-Identifier: Apache-2.0 */
/* api_ssl.c - coral.ssl: certificates, keys and stores from text. Behind ngx.ssl and resty.openssl.x509.store. */
#include "certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* What is made of text: 1, or 0 if it is not that. */
typedef int read_fn(coral_certificate_t *c, BIO *bio);

/* The certificates behind the first, up to the end of the text. */
static int read_chain(coral_certificate_t *c, BIO *bio, X509 *(*read)(BIO *bio))
{
    X509 *next;

    if (!(c->certificate = read(bio)) || !(c->chain = sk_X509_new_null()))
        return 0;
    while ((next = read(bio)))
        if (!sk_X509_push(c->chain, next)) {
            X509_free(next);
            return 0;
        }
    return 1;
}

static X509 *read_pem(BIO *bio)
{
    return PEM_read_bio_X509(bio, NULL, NULL, (void *)"");
}

static X509 *read_der(BIO *bio)
{
    return BIO_eof(bio) ? NULL : d2i_X509_bio(bio, NULL);
}

static int pem_cert(coral_certificate_t *c, BIO *bio)
{
    return read_chain(c, bio, read_pem);
}

static int der_cert(coral_certificate_t *c, BIO *bio)
{
    ERR_clear_error();
    return read_chain(c, bio, read_der) && !ERR_peek_error(); /* nothing else may stand behind them */
}

static int pem_key(coral_certificate_t *c, BIO *bio)
{
    return (c->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"")) != NULL;
}

static int der_key(coral_certificate_t *c, BIO *bio)
{
    return (c->key = d2i_PrivateKey_bio(bio, NULL)) != NULL;
}

static const struct {
    const char *name;
    read_fn *read;
    const char *wrong;
} kinds[] = {
    { "parse_pem_cert", pem_cert, "PEM_read_bio_X509_AUX() failed" },
    { "parse_der_cert", der_cert, "d2i_X509_bio() failed" },
    { "parse_pem_priv_key", pem_key, "PEM_read_bio_PrivateKey() failed" },
    { "parse_der_priv_key", der_key, "d2i_PrivateKey_bio() failed" },
};

static BIO *check_bytes(lua_State *L, int index)
{
    size_t length;
    const char *text = luaL_checklstring(L, index, &length);
    BIO *bio;

    luaL_argcheck(L, length < APR_INT32_MAX, index, "too long");
    if (!(bio = BIO_new_mem_buf(text, (int)length)))
        luaL_error(L, "not enough memory");
    return bio;
}

/* parse_…(text): a certificate with its chain, or a key; nil and why. The upvalue says which. */
static int l_parse(lua_State *L)
{
    lua_Integer kind = lua_tointeger(L, lua_upvalueindex(1));
    coral_certificate_t *c;
    BIO *bio;
    int ok;

    luaL_checkstring(L, 1);
    c = coral_push_certificate(L);
    bio = check_bytes(L, 1);
    ok = kinds[kind].read(c, bio);
    BIO_free(bio);
    ERR_clear_error();
    return ok ? 1 : coral_fail(L, kinds[kind].wrong);
}

/* A part of the certificate, which is the collector's, made of the text at 1 with a password. */
static int read_text(lua_State *L, coral_certificate_t *c, int (*read)(coral_certificate_t *c, BIO *bio, const char *password),
                     const char *password)
{
    BIO *bio = check_bytes(L, 1);
    int ok = read(c, bio, password);

    BIO_free(bio);
    ERR_clear_error();
    return ok;
}

static int read_certificates(coral_certificate_t *c, BIO *bio, const char *unused)
{
    (void)unused;
    return pem_cert(c, bio);
}

static int read_key(coral_certificate_t *c, BIO *bio, const char *password)
{
    return (c->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)password)) != NULL;
}

/* cert_pem_to_der(text): all its certificates, one after the other; nil and why */
static int l_cert_to_der(lua_State *L)
{
    coral_certificate_t *c = coral_push_certificate(L);
    unsigned char *out;
    luaL_Buffer b;
    int i, length;

    if (!read_text(L, c, read_certificates, NULL) || (length = i2d_X509(c->certificate, NULL)) <= 0)
        return coral_fail(L, "PEM_read_bio_X509_AUX() failed");
    for (i = 0; i < sk_X509_num(c->chain); i++)
        length += i2d_X509(sk_X509_value(c->chain, i), NULL);
    out = (unsigned char *)luaL_buffinitsize(L, &b, (size_t)length);
    i2d_X509(c->certificate, &out);
    for (i = 0; i < sk_X509_num(c->chain); i++)
        i2d_X509(sk_X509_value(c->chain, i), &out);
    luaL_pushresultsize(&b, (size_t)length);
    return 1;
}

/* priv_key_pem_to_der(text, password): nil and why */
static int l_key_to_der(lua_State *L)
{
    const char *password = luaL_optstring(L, 2, "");
    coral_certificate_t *c = coral_push_certificate(L);
    unsigned char *out;
    luaL_Buffer b;
    int length;

    if (!read_text(L, c, read_key, password) || (length = i2d_PrivateKey(c->key, NULL)) <= 0)
        return coral_fail(L, "PEM_read_bio_PrivateKey() failed");
    out = (unsigned char *)luaL_buffinitsize(L, &b, (size_t)length);
    i2d_PrivateKey(c->key, &out);
    luaL_pushresultsize(&b, (size_t)length);
    return 1;
}

/* store(): nobody is trusted yet. trust(store, certificate), trust(store, path), trust(store): one more, those of a PEM file, the
 * system's; true, or nil and why */
static int l_store(lua_State *L)
{
    coral_push_store(L);
    return 1;
}

static int l_trust(lua_State *L)
{
    X509_STORE *store = coral_store_at(L, 1);
    coral_certificate_t *c = coral_certificate_at(L, 2);
    int ok;

    luaL_argcheck(L, store, 1, "a store is expected");
    if (c && !c->certificate)
        return coral_fail(L, "not a certificate");
    if (c)
        ok = X509_STORE_add_cert(store, c->certificate);
    else
        ok = lua_isnoneornil(L, 2) ? X509_STORE_set_default_paths(store) : X509_STORE_load_locations(store, coral_check_text(L, 2), NULL);
    if (ok)
        lua_pushboolean(L, 1);
    else
        coral_fail(L, ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return ok ? 1 : 2;
}

static const luaL_Reg functions[] = {
    { "cert_pem_to_der", l_cert_to_der },
    { "priv_key_pem_to_der", l_key_to_der },
    { "store", l_store },
    { "trust", l_trust },
    { NULL, NULL }
};

CORAL_API(ssl)
{
    apr_size_t i;

    coral_certificate_open(L);
    luaL_newlib(L, functions);
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_pushcclosure(L, l_parse, 1);
        lua_setfield(L, -2, kinds[i].name);
    }
    return 1;
}
