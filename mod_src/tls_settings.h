/* SPDX-License-Identifier: Apache-2.0 */
/* tls_settings.h - what the configuration says of TLS to elsewhere, and OpenSSL's contexts made of it. */
#ifndef CORAL_TLS_SETTINGS_H
#define CORAL_TLS_SETTINGS_H

#include "coral.h"

#include <openssl/ssl.h>

/* What the administrator says about the other side's certificates and ours. Records with the same texts share a context. */
typedef struct {
    const char *trusted;     /* a file of certificates; NULL: the system's */
    const char *crl;         /* a file; NULL: none */
    const char *certificate; /* of this side, PEM files; NULL: none */
    const char *key;
    const char *protocols; /* "TLSv1.2 TLSv1.3"; NULL: OpenSSL's default */
    const char *ciphers;
    const char *key_log;  /* a file that keys are written to; NULL: they are not */
    const char *commands; /* SSL_CONF_cmd's: "name\nvalue\n…"; NULL: none */
    int depth; /* of the chain, and one more; 0: OpenSSL's default */
} coral_tls_settings_t;

/* [start] */
apr_status_t coral_tls_settings_child_init(apr_pool_t *pchild);

/* [start] Whether a file holds, in PEM form, a certificate, or a key, or else a revocation list. */
int coral_tls_settings_is_pem(const char *path, int certificate, int key);

/* [start] Tries a command; NULL, or what is wrong with it. */
const char *coral_tls_settings_try(const char *name, const char *value);

/* [any] The same settings, in memory that lasts as long as the child. */
const coral_tls_settings_t *coral_tls_settings_keep(const coral_tls_settings_t *settings);

/* [any] The context of such settings; a new one is given to prepare() first. NULL: the error is put in `error`. */
SSL_CTX *coral_tls_settings_context(const coral_tls_settings_t *settings, void (*prepare)(SSL_CTX *context), char *error, apr_size_t size);

#endif
