/* SPDX-License-Identifier: Apache-2.0 */
/* api_cert.c - coral.cert: X.509 certificates. Behind resty.evp */
#include "crypto.h"
#include "glue.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#define CERTIFICATE "coral.cert"

static X509 *certificate_at(lua_State *L)
{
    X509 **box = luaL_checkudata(L, 1, CERTIFICATE);

    luaL_argcheck(L, *box, 1, "certificate is closed");
    return *box;
}

static int l_gc(lua_State *L)
{
    X509 **box = luaL_checkudata(L, 1, CERTIFICATE);

    X509_free(*box);
    *box = NULL;
    return 0;
}

static int no_password(char *room, int size, int unused, void *nothing)
{
    (void)room;
    (void)size;
    (void)unused;
    (void)nothing;
    return 0;
}

static X509 *read_certificate(const void *text, int length)
{
    BIO *bio = BIO_new_mem_buf(text, length);
    X509 *certificate = NULL;

    if (bio && !(certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        (void)BIO_reset(bio);
        certificate = d2i_X509_bio(bio, NULL);
    }
    BIO_free(bio);
    return certificate;
}

/* read(text): a certificate, of PEM or DER; nil and why if it is none */
static int l_read(lua_State *L)
{
    int length;
    const unsigned char *text = coral_crypto_bytes(L, 1, &length);
    X509 **box = lua_newuserdatauv(L, sizeof(*box), 0);

    *box = NULL;
    luaL_setmetatable(L, CERTIFICATE);
    *box = read_certificate(text, length);
    return *box ? 1 : coral_crypto_fail(L, "not a certificate");
}

static int push_der(lua_State *L, int length, int (*write)(const void *thing, unsigned char **out), const void *thing)
{
    luaL_Buffer b;
    unsigned char *out;

    if (length <= 0)
        return coral_crypto_fail(L, "no DER");
    out = (unsigned char *)luaL_buffinitsize(L, &b, length);
    write(thing, &out);
    luaL_pushresultsize(&b, length);
    return 1;
}

static int write_certificate(const void *certificate, unsigned char **out)
{
    return i2d_X509((X509 *)certificate, out);
}

static int write_key(const void *certificate, unsigned char **out)
{
    return i2d_X509_PUBKEY(X509_get_X509_PUBKEY((X509 *)certificate), out);
}

/* der(), key(): the certificate and its public key, both as DER */
static int l_der(lua_State *L)
{
    X509 *certificate = certificate_at(L);

    return push_der(L, write_certificate(certificate, NULL), write_certificate, certificate);
}

static int l_key(lua_State *L)
{
    X509 *certificate = certificate_at(L);

    return push_der(L, write_key(certificate, NULL), write_key, certificate);
}

/* digest(name) */
static int l_digest(lua_State *L)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (X509_digest(certificate_at(L), coral_crypto_md(L, 2), digest, &size) != 1)
        return coral_crypto_fail(L, "no digest");
    lua_pushlstring(L, (char *)digest, size);
    return 1;
}

/* signature(): the name of the algorithm it is signed with, as OpenSSL has it: "RSA-SHA256" */
static int l_signature(lua_State *L)
{
    lua_pushstring(L, OBJ_nid2sn(X509_get_signature_nid(certificate_at(L))));
    return 1;
}

/* Why it is not trusted by the certificates of a file (PEM); NULL if it is. */
static const char *distrust(X509 *certificate, const char *file)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    const char *why = "no memory";

    if (store && ctx && X509_STORE_load_locations(store, file, NULL) != 1)
        why = "the file of trusted certificates cannot be read";
    else if (store && ctx && X509_STORE_CTX_init(ctx, store, certificate, NULL) == 1)
        why = X509_verify_cert(ctx) == 1 ? NULL : X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return why;
}

/* verify(file): whether the certificates of the file vouch for it; false and why */
static int l_verify(lua_State *L)
{
    const char *why = distrust(certificate_at(L), coral_check_text(L, 2));

    lua_pushboolean(L, !why);
    lua_pushstring(L, why);
    return 2;
}

static const luaL_Reg functions[] = {
    { "read", l_read },
    { NULL, NULL }
};

static const luaL_Reg methods[] = {
    { "der", l_der },
    { "key", l_key },
    { "digest", l_digest },
    { "signature", l_signature },
    { "verify", l_verify },
    { "__gc", l_gc },
    { NULL, NULL }
};

CORAL_API(cert)
{
    coral_crypto_class(L, CERTIFICATE, methods);
    luaL_newlib(L, functions);
    return 1;
}
