/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h - certificates with their chains, keys, and stores of those who are trusted, as Lua holds them: api_ssl.c makes them, for
 * the handshakes of api_tls.c. [vm], all of it */
#ifndef CORAL_CERTIFICATE_H
#define CORAL_CERTIFICATE_H

#include "glue.h"

#include <openssl/x509.h>

/* A certificate or a key: what it is not is NULL. */
typedef struct {
    X509 *certificate;
    STACK_OF(X509) *chain; /* behind it */
    EVP_PKEY *key;
} coral_certificate_t;

/* [start of a state] Makes the metatables. */
void coral_certificate_open(lua_State *L);

/* A new one, empty, on top. */
coral_certificate_t *coral_push_certificate(lua_State *L);
X509_STORE *coral_push_store(lua_State *L);

/* What is at index, NULL if it is something else. */
coral_certificate_t *coral_certificate_at(lua_State *L, int index);
X509_STORE *coral_store_at(lua_State *L, int index);

#endif
