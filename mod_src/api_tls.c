/* SPDX-License-Identifier: Apache-2.0 */
/* api_tls.c - TLS on a connected socket: sslhandshake and what goes with it. For api_tcp.c's sockets. */
#include "certificate.h"
#include "socket.h"

#define SESSION "coral.tls_session"

enum { CLIENT_CERTIFICATE = 2, PROTOCOLS, TRUSTED_STORE }; /* user values of a socket */
static int l_free_session(lua_State *L)
{
    coral_tls_session_t **session = luaL_checkudata(L, 1, SESSION);

    if (*session)
        coral_tls_session_give(*session);
    *session = NULL;
    return 0;
}

static int push_session(lua_State *L, coral_socket_t *s, int wanted)
{
    coral_tls_session_t **session;

    if (!wanted) {
        lua_pushboolean(L, 1);
        return 1;
    }
    session = lua_newuserdatauv(L, sizeof(*session), 0);
    *session = NULL;
    luaL_setmetatable(L, SESSION);
    if (!(*session = coral_tls_session(s->net->tls)))
        return luaL_error(L, "not enough memory");
    return 1;
}

static int shake(lua_State *L, coral_socket_t *s);

static int shake_on(lua_State *L, coral_wait_t *w)
{
    coral_socket_t *s = w->data;

    s->connecting = 0;
    if (!s->net)
        return coral_fail(L, "closed");
    if (w->reason == CORAL_WOKEN_TIMEOUT) {
        coral_socket_close(s);
        return coral_fail(L, "timeout");
    }
    return shake(L, s);
}

/* 2 is what the caller gave as the session to go on with. */
static int shake(lua_State *L, coral_socket_t *s)
{
    char error[256];
    int n = coral_tls_shake(s->net->tls, error, sizeof(error));

    if (n == CORAL_NET_FAILED) {
        coral_socket_close(s);
        coral_fail(L, error);
        coral_socket_log(L, s, "shaking hands");
        return 2;
    }
    if (n < 0)
        return coral_socket_wait(L, s, &s->connecting, n, s->read_until, shake_on);
    return push_session(L, s, !(lua_isboolean(L, 2) && !lua_toboolean(L, 2)));
}

/* What the arguments and the socket's user value say. */
static void read_wish(lua_State *L, coral_tls_wish_t *wish)
{
    coral_tls_session_t **session = luaL_testudata(L, 2, SESSION);
    coral_certificate_t *c;

    wish->session = session ? *session : NULL;
    wish->name = coral_opt_text(L, 3);
    wish->verify = lua_isnoneornil(L, 4) ? 1 : lua_toboolean(L, 4);
    wish->status_request = lua_toboolean(L, 5);
    if (lua_getiuservalue(L, 1, CLIENT_CERTIFICATE) == LUA_TUSERDATA && (c = coral_certificate_at(L, -1))) {
        wish->certificate = c->certificate;
        wish->key = c->key;
        wish->chain = c->chain;
    }
    lua_pop(L, 1);
    if (lua_getiuservalue(L, 1, TRUSTED_STORE) == LUA_TUSERDATA)
        wish->store = coral_store_at(L, -1);
    lua_pop(L, 1);
    if (lua_getiuservalue(L, 1, PROTOCOLS) == LUA_TSTRING) {
        size_t length;

        wish->alpn = (const unsigned char *)lua_tolstring(L, -1, &length); /* the user value keeps it */
        wish->alpn_length = (unsigned int)length;
    }
    lua_pop(L, 1);
}

/* sslhandshake(session, name, verify, status_req): the session, true where the first argument is false, or nil and why. Unlike OpenResty the
 * other side's certificate is verified unless verify is false. */
static int l_sslhandshake(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);
    coral_tls_wish_t wish = { 0 };
    char error[256];

    if (lua_gettop(L) > 5)
        return luaL_error(L, "ngx.socket sslhandshake: expecting 1 ~ 5 arguments (including the object), but seen %d", lua_gettop(L));
    lua_settop(L, 5);
    if (!s->net && !s->was_connected)
        return luaL_error(L, "socket is never created nor connected");
    if (!s->net)
        return coral_fail(L, "closed");
    if (s->connecting || s->reading || s->writing)
        return coral_fail(L, s->connecting ? "socket busy connecting" : s->reading ? "socket busy reading" : "socket busy writing");
    if (s->net->tls) /* out of a pool, or once more */
        return push_session(L, s, !(lua_isboolean(L, 2) && !lua_toboolean(L, 2)));
    read_wish(L, &wish);
    s->net->tls = coral_tls_open(s->net->watch.fd, &s->run->conf->tls, &wish, error, sizeof(error));
    if (!s->net->tls) {
        coral_socket_close(s);
        return coral_fail(L, error);
    }
    lua_pushnil(L);
    lua_setiuservalue(L, 1, TRUSTED_STORE); /* for one handshake, as in OpenResty */
    s->read_until = apr_time_now() + s->connect_timeout;
    return shake(L, s);
}

/* setclientcert(cert, key): of this side, for the handshake; nil, nil: none. true, or nil and why */
static int l_setclientcert(lua_State *L)
{
    coral_certificate_t *cert, *key, *both;

    coral_check_socket(L, 1, coral_tcp_kind);
    if (lua_isnoneornil(L, 2) && lua_isnoneornil(L, 3)) {
        lua_pushnil(L);
        lua_setiuservalue(L, 1, CLIENT_CERTIFICATE);
        lua_pushboolean(L, 1);
        return 1;
    }
    cert = coral_certificate_at(L, 2);
    key = coral_certificate_at(L, 3);
    if (!cert || !key)
        return coral_fail(L, cert ? "bad client pkey type" : "bad client cert type");
    if (!cert->certificate || !key->key)
        return coral_fail(L, cert->certificate ? "bad client pkey type" : "bad client cert type");
    both = coral_push_certificate(L);
    X509_up_ref(both->certificate = cert->certificate);
    EVP_PKEY_up_ref(both->key = key->key);
    if (cert->chain)
        both->chain = X509_chain_up_ref(cert->chain);
    lua_setiuservalue(L, 1, CLIENT_CERTIFICATE);
    lua_pushboolean(L, 1);
    return 1;
}

/* settrustedstore(store): whom the next handshake trusts, instead of those of the configuration; nil: those again. 1, or nil and why */
static int l_settrustedstore(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);

    lua_settop(L, 2);
    if (!lua_isnil(L, 2) && !coral_store_at(L, 2)) {
        lua_pushnil(L);
        lua_pushfstring(L, "bad store arg: the ctx of a resty.openssl.x509.store expected, got %s", luaL_typename(L, 2));
        return 2;
    }
    if (!s->net)
        return coral_fail(L, "closed");
    if (s->net->tls)
        return coral_fail(L, "ssl handshake already done; trusted store cannot be changed on an established TLS connection");
    lua_setiuservalue(L, 1, TRUSTED_STORE);
    lua_pushinteger(L, 1);
    return 1;
}

/* getsslsession(): the session as it is now, or nil and why */
static int l_getsslsession(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);

    if (!s->net)
        return coral_fail(L, "closed");
    if (!s->net->tls || s->connecting)
        return coral_fail(L, "not an SSL connection");
    return push_session(L, s, 1);
}

/* getsslpointer(), getsslctx(): there is no FFI that could do something with a pointer */
static int l_no_pointer(lua_State *L)
{
    return luaL_error(L, "tcpsock has no getsslpointer and getsslctx here: Lua 5.4 has no FFI to use a pointer to OpenSSL's structures");
}

/* setalpn({ "h2", "http/1.1" }): what is offered in the handshake. getalpn(): what was agreed on, or nil */
static int l_setalpn(lua_State *L)
{
    luaL_Buffer b;
    lua_Integer i, count;

    coral_check_socket(L, 1, coral_tcp_kind);
    luaL_checktype(L, 2, LUA_TTABLE);
    count = luaL_len(L, 2);
    luaL_buffinit(L, &b);
    for (i = 1; i <= count; i++) {
        size_t length = 0;

        lua_geti(L, 2, i);
        if (lua_type(L, -1) != LUA_TSTRING || !(length = lua_rawlen(L, -1)) || length > 255)
            return luaL_argerror(L, 1, "a list of names of 1 to 255 bytes is expected");
        lua_pop(L, 1);
        luaL_addchar(&b, (char)length);
        lua_geti(L, 2, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    lua_setiuservalue(L, 1, PROTOCOLS);
    lua_pushinteger(L, 1);
    return 1;
}

static int l_getalpn(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);
    const unsigned char *name;
    unsigned int length = s->net && s->net->tls ? coral_tls_protocol(s->net->tls, &name) : 0;

    if (!length)
        return coral_push(L, NULL);
    lua_pushlstring(L, (const char *)name, length);
    return 1;
}

/* getsslreused(): whether the handshake went on with the session it was given */
static int l_getsslreused(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);

    lua_pushboolean(L, s->net && s->net->tls && coral_tls_is_reused(s->net->tls));
    return 1;
}

/* getpeercertificate(): the other side's, as DER, or nil where there is none. The box is closed by the collector should Lua run
 * out of memory. */
static int l_getpeercertificate(lua_State *L)
{
    coral_socket_t *s = coral_check_socket(L, 1, coral_tcp_kind);
    coral_certificate_t *box;
    unsigned char *out;
    luaL_Buffer b;
    int length;

    if (!s->net || !s->net->tls)
        return coral_push(L, NULL);
    box = coral_push_certificate(L);
    box->certificate = coral_tls_peer(s->net->tls);
    if (!box->certificate || (length = i2d_X509(box->certificate, NULL)) <= 0)
        return coral_push(L, NULL);
    out = (unsigned char *)luaL_buffinitsize(L, &b, length);
    i2d_X509(box->certificate, &out);
    luaL_pushresultsize(&b, length);
    return 1;
}

void coral_tls_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "sslhandshake", l_sslhandshake },
        { "setclientcert", l_setclientcert },
        { "settrustedstore", l_settrustedstore },
        { "getsslsession", l_getsslsession },
        { "getsslpointer", l_no_pointer },
        { "getsslctx", l_no_pointer },
        { "setalpn", l_setalpn },
        { "getalpn", l_getalpn },
        { "getsslreused", l_getsslreused },
        { "getpeercertificate", l_getpeercertificate },
        { NULL, NULL }
    };

    luaL_setfuncs(L, methods, 0);
}

CORAL_API(tls)
{
    coral_certificate_open(L);
    luaL_newmetatable(L, SESSION);
    lua_pushcfunction(L, l_free_session);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    return 1;
}
