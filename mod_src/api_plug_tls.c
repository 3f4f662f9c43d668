/* SPDX-License-Identifier: Apache-2.0 */
/* api_plug_tls.c - coral.plug_tls: TLS on the sockets of LuaSocket's face, as a client. Behind lua_lib/luasocket/ssl.lua, whose errors
 * are LuaSec's. */
#include "crypto.h"
#include "plug.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define CONTEXT "coral.tls_context"

static SSL_CTX *check_context(lua_State *L, int index)
{
    return *(SSL_CTX **)luaL_checkudata(L, index, CONTEXT);
}

static int l_free_context(lua_State *L)
{
    SSL_CTX **context = luaL_checkudata(L, 1, CONTEXT);

    SSL_CTX_free(*context);
    *context = NULL;
    return 0;
}

/* context(): what all connections made with it have in common. The setters below take it first; each gives true, or nil and why. */
static int l_context(lua_State *L)
{
    SSL_CTX **context = lua_newuserdatauv(L, sizeof(*context), 0);

    *context = NULL;
    luaL_setmetatable(L, CONTEXT);
    if (!(*context = SSL_CTX_new(TLS_client_method())))
        return coral_crypto_fail(L, "no memory");
    SSL_CTX_set_session_cache_mode(*context, SSL_SESS_CACHE_OFF);
    return 1;
}

/* versions(context, least, most): of the protocol, as 0x0303 is TLS 1.2; 0: any */
static int l_versions(lua_State *L)
{
    SSL_CTX *context = check_context(L, 1);
    int least = (int)luaL_checkinteger(L, 2), most = (int)luaL_checkinteger(L, 3);

    if (!SSL_CTX_set_min_proto_version(context, least) || !SSL_CTX_set_max_proto_version(context, most))
        return coral_crypto_fail(L, "not there");
    return coral_crypto_done(L, 1, NULL);
}

static int give_password(char *room, int size, int unused, void *password)
{
    (void)unused;
    return (int)(apr_cpystrn(room, password ? password : "", (apr_size_t)size) - room);
}

/* key(context, file, password), certificate(context, file): of this side, PEM */
static int l_key(lua_State *L)
{
    SSL_CTX *context = check_context(L, 1);
    const char *file = coral_check_text(L, 2);
    int ok;

    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, give_password); /* without, OpenSSL asks at the terminal */
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)luaL_optstring(L, 3, ""));
    ok = SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    return coral_crypto_done(L, ok, "no key");
}

static int l_certificate(lua_State *L)
{
    ERR_clear_error();
    return coral_crypto_done(L, SSL_CTX_use_certificate_chain_file(check_context(L, 1), coral_check_text(L, 2)), "no certificate");
}

static int l_check_key(lua_State *L)
{
    ERR_clear_error();
    return coral_crypto_done(L, SSL_CTX_check_private_key(check_context(L, 1)), "no key");
}

/* trusted(context, file, folder): certificates to trust; either may be nil */
static int l_trusted(lua_State *L)
{
    ERR_clear_error();
    return coral_crypto_done(L, SSL_CTX_load_verify_locations(check_context(L, 1), coral_opt_text(L, 2), coral_opt_text(L, 3)), "no file");
}

/* ciphers(context, list), suites(context, list): up to TLS 1.2, of TLS 1.3; curves(context, list) */
static int l_ciphers(lua_State *L)
{
    ERR_clear_error();
    return coral_crypto_done(L, SSL_CTX_set_cipher_list(check_context(L, 1), coral_check_text(L, 2)), "none of them");
}

static int l_suites(lua_State *L)
{
    ERR_clear_error();
    return coral_crypto_done(L, SSL_CTX_set_ciphersuites(check_context(L, 1), coral_check_text(L, 2)), "none of them");
}

static int l_curves(lua_State *L)
{
    ERR_clear_error();
    return coral_crypto_done(L, SSL_CTX_set1_curves_list(check_context(L, 1), coral_check_text(L, 2)) == 1, "none of them");
}

/* verify(context, whether, depth): depth nil: as long as a chain is */
static int l_verify(lua_State *L)
{
    SSL_CTX *context = check_context(L, 1);

    SSL_CTX_set_verify(context, lua_toboolean(L, 2) ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (!lua_isnoneornil(L, 3))
        SSL_CTX_set_verify_depth(context, (int)luaL_checkinteger(L, 3));
    return coral_crypto_done(L, 1, NULL);
}

/* option(context, name): true, or false: there is none of this name */
static int l_option(lua_State *L)
{
    static const struct {
        const char *name;
        unsigned long bits;
    } all[] = {
        { "all", SSL_OP_ALL },
        { "cipher_server_preference", SSL_OP_CIPHER_SERVER_PREFERENCE },
        { "no_compression", SSL_OP_NO_COMPRESSION },
        { "no_renegotiation", SSL_OP_NO_RENEGOTIATION },
        { "no_session_resumption_on_renegotiation", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION },
        { "no_sslv2", SSL_OP_NO_SSLv2 },
        { "no_sslv3", SSL_OP_NO_SSLv3 },
        { "no_ticket", SSL_OP_NO_TICKET },
        { "no_tlsv1", SSL_OP_NO_TLSv1 },
        { "no_tlsv1_1", SSL_OP_NO_TLSv1_1 },
        { "no_tlsv1_2", SSL_OP_NO_TLSv1_2 },
        { "no_tlsv1_3", SSL_OP_NO_TLSv1_3 },
        { "single_dh_use", SSL_OP_SINGLE_DH_USE },
        { "single_ecdh_use", SSL_OP_SINGLE_ECDH_USE },
    };
    SSL_CTX *context = check_context(L, 1);
    const char *name = luaL_checkstring(L, 2);
    apr_size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (!strcmp(name, all[i].name)) {
            SSL_CTX_set_options(context, all[i].bits);
            lua_pushboolean(L, 1);
            return 1;
        }
    lua_pushboolean(L, 0);
    return 1;
}

/* The TLS of the plug at 1; NULL: nil and "closed" are pushed. */
static SSL *ssl_at_1(lua_State *L)
{
    coral_net_t *net = coral_plug_net(L, coral_check_plug(L, 1));

    if (net && net->tls)
        return coral_tls_ssl(net->tls);
    coral_fail(L, "closed");
    return NULL;
}

/* begin(plug, context, name, protocols): TLS from here on. name: sent (SNI), protocols: offered (ALPN), in OpenSSL's form; true, or nil
 * and why */
static int l_begin(lua_State *L)
{
    coral_net_t *net = coral_plug_net(L, coral_check_plug(L, 1));
    coral_tls_wish_t wish = { .context = check_context(L, 2), .name = coral_opt_text(L, 3) };
    char error[256];
    size_t length = 0;

    if (!net || net->tls)
        return coral_fail(L, net ? "TLS already" : "closed");
    wish.alpn = (const unsigned char *)luaL_optlstring(L, 4, NULL, &length);
    wish.alpn_length = (unsigned int)length;
    if (!(net->tls = coral_tls_open(net->watch.fd, NULL, &wish, error, sizeof(error))))
        return coral_fail(L, error);
    return coral_crypto_done(L, 1, NULL);
}

/* shake(plug): one step of the handshake: true, or false and a direction to wait for, or nil and why it failed */
static int l_shake(lua_State *L)
{
    coral_plug_t *plug = coral_check_plug(L, 1);
    char error[256];
    int n;

    if (!ssl_at_1(L))
        return 2;
    n = coral_tls_shake(plug->net->tls, error, sizeof(error));
    if (n == CORAL_NET_FAILED)
        return coral_crypto_fail(L, "closed");
    return n == 1 ? coral_crypto_done(L, 1, NULL) : coral_plug_would_block(L, n);
}

/* cipher(plug): a description, the bits of the key and of the algorithm, the protocol */
static int l_cipher(lua_State *L)
{
    SSL *ssl = ssl_at_1(L);
    const SSL_CIPHER *cipher = ssl ? SSL_get_current_cipher(ssl) : NULL;
    char text[256] = "";
    int bits, of = 0;

    if (!cipher)
        return ssl ? coral_fail(L, "closed") : 2;
    SSL_CIPHER_description(cipher, text, sizeof(text));
    bits = SSL_CIPHER_get_bits(cipher, &of);
    lua_pushstring(L, text);
    lua_pushinteger(L, bits);
    lua_pushinteger(L, of);
    lua_pushstring(L, SSL_get_version(ssl));
    return 4;
}

/* Of a certificate as PEM; pushes it. */
static int push_pem(lua_State *L, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    long length = bio && PEM_write_bio_X509(bio, certificate) ? BIO_get_mem_data(bio, &data) : 0;

    if (length)
        lua_pushlstring(L, data, (size_t)length);
    else
        lua_pushnil(L);
    BIO_free(bio);
    return 1;
}

/* peer(plug, n): the other side's certificate, PEM, its n-th from 1 on; nil: there are not so many */
static int l_peer(lua_State *L)
{
    SSL *ssl = ssl_at_1(L);
    lua_Integer n = luaL_optinteger(L, 2, 1);
    STACK_OF(X509) *chain = ssl ? SSL_get_peer_cert_chain(ssl) : NULL;

    if (!ssl)
        return 2;
    if (n < 1)
        return coral_fail(L, "invalid certificate index");
    return n <= sk_X509_num(chain) ? push_pem(L, sk_X509_value(chain, (int)n - 1)) : coral_push(L, NULL);
}

/* verified(plug): true, or false and why not */
static int l_verified(lua_State *L)
{
    SSL *ssl = ssl_at_1(L);
    long result = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

    if (!ssl)
        return 2;
    lua_pushboolean(L, result == X509_V_OK);
    if (result == X509_V_OK)
        return 1;
    lua_pushstring(L, X509_verify_cert_error_string(result));
    return 2;
}

/* finished(plug, peer): what this side, or the other, sent at the end of the handshake; nil: nothing yet */
static int l_finished(lua_State *L)
{
    SSL *ssl = ssl_at_1(L);
    char data[EVP_MAX_MD_SIZE];
    size_t length;

    if (!ssl)
        return 2;
    length = (lua_toboolean(L, 2) ? SSL_get_peer_finished : SSL_get_finished)(ssl, data, sizeof(data));
    if (!length)
        return coral_push(L, NULL);
    lua_pushlstring(L, data, length < sizeof(data) ? length : sizeof(data));
    return 1;
}

/* protocol(plug): what both sides agreed on (ALPN), nil: nothing */
static int l_protocol(lua_State *L)
{
    SSL *ssl = ssl_at_1(L);
    const unsigned char *name;
    unsigned int length = 0;

    if (!ssl)
        return 2;
    SSL_get0_alpn_selected(ssl, &name, &length);
    if (!length)
        return coral_push(L, NULL);
    lua_pushlstring(L, (const char *)name, length);
    return 1;
}

static const luaL_Reg functions[] = {
    { "context", l_context },
    { "versions", l_versions },
    { "key", l_key },
    { "certificate", l_certificate },
    { "check_key", l_check_key },
    { "trusted", l_trusted },
    { "ciphers", l_ciphers },
    { "suites", l_suites },
    { "curves", l_curves },
    { "verify", l_verify },
    { "option", l_option },
    { "begin", l_begin },
    { "shake", l_shake },
    { "cipher", l_cipher },
    { "peer", l_peer },
    { "verified", l_verified },
    { "finished", l_finished },
    { "protocol", l_protocol },
    { NULL, NULL }
};

CORAL_API(plug_tls)
{
    luaL_newmetatable(L, CONTEXT);
    lua_pushcfunction(L, l_free_context);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
