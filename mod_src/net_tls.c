/* SPDX-License-Identifier: Apache-2.0 */
#include "net_tls.h"

#include "apr_atomic.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct coral_tls_session_t {
    apr_uint32_t references;
    SSL_SESSION *session; /* [lock] */
};

struct coral_tls_t {
    SSL *ssl;
    char *address;                /* what is expected where it is no name */
    coral_tls_session_t *session; /* NULL: nobody asked for it */
};

static struct {
    apr_pool_t *pool; /* [lock] */
    apr_thread_mutex_t *lock;
    int slot;             /* of SSL's data: coral_tls_t * */
} tls_;

apr_status_t coral_tls_child_init(apr_pool_t *pchild)
{
    apr_pool_create(&tls_.pool, pchild);
    tls_.slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return apr_thread_mutex_create(&tls_.lock, APR_THREAD_MUTEX_DEFAULT, tls_.pool);
}

/* Sessions. */

void coral_tls_session_give(coral_tls_session_t *session)
{
    if (apr_atomic_dec32(&session->references))
        return;
    SSL_SESSION_free(session->session);
    free(session);
}

static void put_session(coral_tls_session_t *box, SSL_SESSION *session)
{
    SSL_SESSION *before;

    apr_thread_mutex_lock(tls_.lock);
    before = box->session;
    box->session = session;
    apr_thread_mutex_unlock(tls_.lock);
    SSL_SESSION_free(before);
}

static void use_session(SSL *ssl, coral_tls_session_t *box)
{
    SSL_SESSION *session;

    apr_thread_mutex_lock(tls_.lock);
    if ((session = box->session))
        SSL_SESSION_up_ref(session);
    apr_thread_mutex_unlock(tls_.lock);
    if (session)
        SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
}

/* The other side has sent a session, during the handshake or later. Returns whether it is kept. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    coral_tls_t *tls = SSL_get_ex_data(ssl, tls_.slot);

    if (!tls || !tls->session)
        return 0;
    put_session(tls->session, session);
    return 1;
}

coral_tls_session_t *coral_tls_session(coral_tls_t *tls)
{
    coral_tls_session_t *box = tls->session;

    if (!box) {
        if (!(box = calloc(1, sizeof(*box))))
            return NULL;
        box->references = 1;
        box->session = SSL_get1_session(tls->ssl);
        tls->session = box;
    }
    apr_atomic_inc32(&box->references);
    return box;
}

SSL *coral_tls_ssl(coral_tls_t *tls)
{
    return tls->ssl;
}

int coral_tls_is_reused(coral_tls_t *tls)
{
    return SSL_session_reused(tls->ssl);
}

/* Connections. */

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : "unknown error";
}

/* What a new context needs of us. */
static void prepare(SSL_CTX *context)
{
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
}

static int is_address(const char *name)
{
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);

    ASN1_OCTET_STRING_free(address);
    return address != NULL;
}

static int expect(SSL *ssl, const coral_tls_wish_t *wish)
{
    if (!wish->name)
        return 1;
    if (is_address(wish->name))
        return !wish->verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), wish->name);
    return SSL_set_tlsext_host_name(ssl, wish->name) && (!wish->verify || SSL_set1_host(ssl, wish->name));
}

static int present(SSL *ssl, const coral_tls_wish_t *wish)
{
    if (!wish->certificate)
        return 1;
    return SSL_use_certificate(ssl, wish->certificate) && SSL_use_PrivateKey(ssl, wish->key)
           && (!wish->chain || SSL_set1_chain(ssl, wish->chain));
}

coral_tls_t *coral_tls_open(int fd, const coral_tls_settings_t *settings, const coral_tls_wish_t *wish, char *error, apr_size_t size)
{
    SSL_CTX *context;
    coral_tls_t *tls;

    ERR_clear_error();
    if (!(context = wish->context ? wish->context : coral_tls_settings_context(settings, prepare, error, size)))
        return NULL;
    apr_snprintf(error, size, "not enough memory");
    if (!(tls = calloc(1, sizeof(*tls))))
        return NULL;
    tls->ssl = SSL_new(context);
    if (!tls->ssl || !SSL_set_fd(tls->ssl, fd) || !expect(tls->ssl, wish) || !present(tls->ssl, wish)) {
        apr_snprintf(error, size, "%s", reason());
        coral_tls_close(tls);
        return NULL;
    }
    if (wish->name && wish->verify && is_address(wish->name))
        tls->address = strdup(wish->name);
    SSL_set_ex_data(tls->ssl, tls_.slot, tls);
    SSL_set_mode(tls->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    if (!wish->context)
        SSL_set_verify(tls->ssl, wish->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (wish->store)
        SSL_set1_verify_cert_store(tls->ssl, wish->store);
    if (wish->session)
        use_session(tls->ssl, wish->session);
    if (wish->status_request)
        SSL_set_tlsext_status_type(tls->ssl, TLSEXT_STATUSTYPE_ocsp);
    if (wish->alpn)
        SSL_set_alpn_protos(tls->ssl, wish->alpn, wish->alpn_length);
    SSL_set_connect_state(tls->ssl);
    return tls;
}

void coral_tls_close(coral_tls_t *tls)
{
    if (tls->ssl && SSL_is_init_finished(tls->ssl)) {
        ERR_clear_error();
        SSL_shutdown(tls->ssl); /* says good-bye, and does not wait for the answer */
    }
    SSL_free(tls->ssl);
    if (tls->session)
        coral_tls_session_give(tls->session);
    ERR_clear_error();
    free(tls->address);
    free(tls);
}

/* What OpenSSL's answer means. */
static int outcome(coral_tls_t *tls, int n)
{
    switch (SSL_get_error(tls->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        return CORAL_NET_READ;
    case SSL_ERROR_WANT_WRITE:
        return CORAL_NET_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        if (errno)
            return CORAL_NET_FAILED;
        return 0;
    default: /* a stream that ends without a good-bye ends, too: HTTP says itself how long it is */
        if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
            return 0;
        errno = EPROTO;
        return CORAL_NET_FAILED;
    }
}

/* OpenSSL verifies nothing again where it goes on with a session; that may be another name's, or one that was not verified. */
static int is_trusted(coral_tls_t *tls)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(tls->ssl);
    X509 *certificate;
    const char *name;
    int ok = 1;

    if (SSL_get_verify_mode(tls->ssl) == SSL_VERIFY_NONE || !SSL_session_reused(tls->ssl))
        return 1;
    if (SSL_get_verify_result(tls->ssl) != X509_V_OK || !(certificate = SSL_get1_peer_certificate(tls->ssl)))
        return 0;
    if ((name = X509_VERIFY_PARAM_get0_host(expected, 0)))
        ok = X509_check_host(certificate, name, 0, 0, NULL) == 1;
    else if (tls->address)
        ok = X509_check_ip_asc(certificate, tls->address, 0) == 1;
    X509_free(certificate);
    if (!ok)
        SSL_set_verify_result(tls->ssl, X509_V_ERR_HOSTNAME_MISMATCH);
    return ok;
}

int coral_tls_shake(coral_tls_t *tls, char *error, apr_size_t size)
{
    long verified;
    int n;

    ERR_clear_error();
    errno = 0;
    if ((n = SSL_do_handshake(tls->ssl)) == 1 && is_trusted(tls))
        return 1;
    if (n != 1) {
        n = outcome(tls, n);
        if (n == CORAL_NET_READ || n == CORAL_NET_WRITE)
            return n;
    }
    verified = SSL_get_verify_result(tls->ssl);
    if (SSL_get_verify_mode(tls->ssl) == SSL_VERIFY_NONE || verified == X509_V_OK)
        apr_snprintf(error, size, "handshake failed");
    else if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH)
        apr_snprintf(error, size, "certificate host mismatch");
    else
        apr_snprintf(error, size, "%ld: %s", verified, X509_verify_cert_error_string(verified));
    return CORAL_NET_FAILED;
}

int coral_tls_read(coral_tls_t *tls, char *data, int length)
{
    int n;

    ERR_clear_error();
    errno = 0;
    n = SSL_read(tls->ssl, data, length);
    return n > 0 ? n : outcome(tls, n);
}

int coral_tls_write(coral_tls_t *tls, const char *data, apr_size_t length)
{
    int n;

    if (!length)
        return 0;
    ERR_clear_error();
    errno = 0;
    n = SSL_write(tls->ssl, data, length > 16384 ? 16384 : (int)length);
    if (n > 0)
        return n;
    if (!(n = outcome(tls, n))) {
        errno = EPIPE;
        n = CORAL_NET_FAILED;
    }
    return n;
}

X509 *coral_tls_peer(const coral_tls_t *tls)
{
    return SSL_get1_peer_certificate(tls->ssl);
}

unsigned int coral_tls_protocol(coral_tls_t *tls, const unsigned char **name)
{
    unsigned int length = 0;

    SSL_get0_alpn_selected(tls->ssl, name, &length);
    return length;
}
