/* SPDX-License-Identifier: Apache-2.0 */
/* net_tls.h - TLS on a connected socket, as a client. */
#ifndef CORAL_NET_TLS_H
#define CORAL_NET_TLS_H

#include "tls_settings.h"

typedef struct coral_tls_t coral_tls_t;

/* What an attempt to read, write or shake hands has come to: at least 0: bytes (0 at the end of a stream); or one of these: wait to
 * read, wait to write, see errno. */
typedef enum { CORAL_NET_READ = -1, CORAL_NET_WRITE = -2, CORAL_NET_FAILED = -3 } coral_net_e;

/* A session to go on with another time. With TLS 1.3 it comes after the handshake, so this is where it will be. */
typedef struct coral_tls_session_t coral_tls_session_t;

/* What a handshake is to do. */
typedef struct {
    SSL_CTX *context; /* the caller's, who says in it what is verified; NULL: that of the settings */
    const char *name; /* the server's: sent (SNI) and checked; NULL: neither */
    int verify;
    int status_request;
    coral_tls_session_t *session; /* to go on with, NULL: none */
    X509 *certificate;    /* instead of the settings'; NULL: none */
    EVP_PKEY *key;
    STACK_OF(X509) *chain;
    X509_STORE *store;         /* whom to trust, instead of the settings'; NULL: those */
    const unsigned char *alpn; /* in OpenSSL's form */
    unsigned int alpn_length;
} coral_tls_wish_t;

/* [start] */
apr_status_t coral_tls_child_init(apr_pool_t *pchild);

/* [any] Begins; NULL: the error is put in `error`. */
coral_tls_t *coral_tls_open(int fd, const coral_tls_settings_t *settings, const coral_tls_wish_t *wish, char *error, apr_size_t size);
void coral_tls_close(coral_tls_t *tls);

/* [any] Goes on with the handshake: 1: done, CORAL_NET_READ, CORAL_NET_WRITE (net.h), or CORAL_NET_FAILED: see error. */
int coral_tls_shake(coral_tls_t *tls, char *error, apr_size_t size);

/* [any] */
int coral_tls_read(coral_tls_t *tls, char *data, int length);
int coral_tls_write(coral_tls_t *tls, const char *data, apr_size_t length);

/* [any] The session, shared with the caller, who gives it back. NULL: no memory. */
coral_tls_session_t *coral_tls_session(coral_tls_t *tls);
void coral_tls_session_give(coral_tls_session_t *session);

/* [any] For those who want to know more. */
SSL *coral_tls_ssl(coral_tls_t *tls);

/* [any] Whether the handshake went on with an earlier session. */
int coral_tls_is_reused(coral_tls_t *tls);

/* [any] The protocol both sides agreed on (ALPN); its length, 0: none. */
unsigned int coral_tls_protocol(coral_tls_t *tls, const unsigned char **name);

/* [any] The certificate of the other side; the caller frees it. NULL: there is none. */
X509 *coral_tls_peer(const coral_tls_t *tls);

#endif
