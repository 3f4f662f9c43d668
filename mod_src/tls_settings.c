/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_settings.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define KEY_SIZE 4096

static struct {
    apr_pool_t *pool; /* [lock] */
    apr_thread_mutex_t *lock;
    apr_hash_t *made; /* [lock] settings as a text -> SSL_CTX * */
    apr_hash_t *kept; /* [lock] settings as a text -> coral_tls_settings_t * */
    int file_slot;    /* of a context's data: apr_file_t * of the key log */
} contexts;

apr_status_t coral_tls_settings_child_init(apr_pool_t *pchild)
{
    apr_pool_create(&contexts.pool, pchild);
    contexts.made = apr_hash_make(contexts.pool);
    contexts.kept = apr_hash_make(contexts.pool);
    contexts.file_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    return apr_thread_mutex_create(&contexts.lock, APR_THREAD_MUTEX_DEFAULT, contexts.pool);
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text ? text : "unknown error";
}

static const char *or_none(const char *text)
{
    return text ? text : "";
}

/* "TLSv1.2 TLSv1.3": the versions it does not name are left out. */
static void set_protocols(SSL_CTX *context, const char *protocols)
{
    static const struct {
        const char *name;
        unsigned long option;
    } versions[] = { { "TLSv1", SSL_OP_NO_TLSv1 }, { "TLSv1.1", SSL_OP_NO_TLSv1_1 }, { "TLSv1.2", SSL_OP_NO_TLSv1_2 },
                     { "TLSv1.3", SSL_OP_NO_TLSv1_3 } };
    apr_size_t i;

    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        const char *at = protocols;
        apr_size_t length = strlen(versions[i].name);

        while ((at = strstr(at, versions[i].name)) && at[length] && at[length] != ' ')
            at += length;
        if (!at)
            SSL_CTX_set_options(context, versions[i].option);
    }
}

/* Whether OpenSSL knows it, and its value. */
static int command(SSL_CTX *context, const char *name, const char *value)
{
    SSL_CONF_CTX *commands = SSL_CONF_CTX_new();
    int ok;

    if (!commands)
        return 0;
    SSL_CONF_CTX_set_flags(commands, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CLIENT | SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_SHOW_ERRORS);
    SSL_CONF_CTX_set_ssl_ctx(commands, context);
    ok = SSL_CONF_cmd(commands, name, value) > 0 && SSL_CONF_CTX_finish(commands);
    SSL_CONF_CTX_free(commands);
    return ok;
}

static int command_all(SSL_CTX *context, const char *commands)
{
    char *text = strdup(commands), *last, *name, *value;
    int ok = text != NULL;

    for (name = text; ok && (name = strtok_r(name, "\n", &last)); name = NULL)
        ok = (value = strtok_r(NULL, "\n", &last)) && command(context, name, value);
    free(text);
    return ok;
}

const char *coral_tls_settings_try(const char *name, const char *value)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    const char *wrong = context && command(context, name, value) ? NULL : reason();

    SSL_CTX_free(context);
    ERR_clear_error();
    return wrong;
}

/* In the form that Wireshark reads; a line is written as a whole. */
static void on_keys(const SSL *ssl, const char *line)
{
    apr_file_t *file = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), contexts.file_slot);
    char text[512];
    apr_size_t length = (apr_size_t)apr_snprintf(text, sizeof(text), "%s\n", line);

    apr_file_write(file, text, &length);
}

static int log_keys(SSL_CTX *context, const char *path)
{
    apr_file_t *file;

    if (apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_APPEND, APR_FPROT_UREAD | APR_FPROT_UWRITE, contexts.pool))
        return 0;
    SSL_CTX_set_ex_data(context, contexts.file_slot, file);
    SSL_CTX_set_keylog_callback(context, on_keys);
    return 1;
}

/* What went wrong, NULL: nothing. */
static const char *fill(SSL_CTX *context, const coral_tls_settings_t *settings)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);

    if (settings->trusted ? !SSL_CTX_load_verify_locations(context, settings->trusted, NULL) : !SSL_CTX_set_default_verify_paths(context))
        return "the trusted certificates cannot be read";
    if (settings->crl) {
        if (!X509_STORE_load_locations(store, settings->crl, NULL))
            return "the revocation list cannot be read";
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    }
    if (settings->certificate && !SSL_CTX_use_certificate_chain_file(context, settings->certificate))
        return "the client certificate cannot be read";
    if (settings->key && !SSL_CTX_use_PrivateKey_file(context, settings->key, SSL_FILETYPE_PEM))
        return "the client certificate's key cannot be read";
    if (settings->ciphers && !SSL_CTX_set_cipher_list(context, settings->ciphers))
        return "there are none of these ciphers";
    if (settings->protocols)
        set_protocols(context, settings->protocols);
    if (settings->depth)
        SSL_CTX_set_verify_depth(context, settings->depth - 1);
    if (settings->key_log && !log_keys(context, settings->key_log))
        return "the key log cannot be opened";
    return settings->commands && !command_all(context, settings->commands) ? "there is no such command" : NULL;
}

static SSL_CTX *make_context(const coral_tls_settings_t *settings, char *error, apr_size_t size)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    const char *wrong;

    if (!context) {
        apr_snprintf(error, size, "%s", reason());
        return NULL;
    }
    if ((wrong = fill(context, settings))) {
        apr_snprintf(error, size, "%s: %s", wrong, reason());
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

int coral_tls_settings_is_pem(const char *path, int certificate, int key)
{
    BIO *bio = BIO_new_file(path, "r");
    X509 *x = NULL;
    EVP_PKEY *k = NULL;
    X509_CRL *crl = NULL;
    int ok;

    if (bio && certificate)
        x = PEM_read_bio_X509(bio, NULL, NULL, (void *)"");
    else if (bio && key)
        k = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
    else if (bio)
        crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, (void *)"");
    ok = x || k || crl;
    X509_free(x);
    EVP_PKEY_free(k);
    X509_CRL_free(crl);
    BIO_free(bio);
    ERR_clear_error();
    return ok;
}

static void write_key(char *key, apr_size_t size, const coral_tls_settings_t *s)
{
    apr_snprintf(key, size, "%s|%s|%s|%s|%s|%s|%s|%s|%d", or_none(s->trusted), or_none(s->crl), or_none(s->certificate), or_none(s->key),
                 or_none(s->protocols), or_none(s->ciphers), or_none(s->key_log), or_none(s->commands), s->depth);
}

static const char *keep(const char *text)
{
    return text ? apr_pstrdup(contexts.pool, text) : NULL;
}

const coral_tls_settings_t *coral_tls_settings_keep(const coral_tls_settings_t *settings)
{
    char key[KEY_SIZE];
    coral_tls_settings_t *kept;

    write_key(key, sizeof(key), settings);
    apr_thread_mutex_lock(contexts.lock);
    if (!(kept = apr_hash_get(contexts.kept, key, APR_HASH_KEY_STRING))) {
        kept = apr_palloc(contexts.pool, sizeof(*kept));
        kept->trusted = keep(settings->trusted);
        kept->crl = keep(settings->crl);
        kept->certificate = keep(settings->certificate);
        kept->key = keep(settings->key);
        kept->protocols = keep(settings->protocols);
        kept->ciphers = keep(settings->ciphers);
        kept->key_log = keep(settings->key_log);
        kept->commands = keep(settings->commands);
        kept->depth = settings->depth;
        apr_hash_set(contexts.kept, keep(key), APR_HASH_KEY_STRING, kept);
    }
    apr_thread_mutex_unlock(contexts.lock);
    return kept;
}

/* Reading the system's certificates takes milliseconds: a context is made once. */
SSL_CTX *coral_tls_settings_context(const coral_tls_settings_t *settings, void (*prepare)(SSL_CTX *context), char *error, apr_size_t size)
{
    char key[KEY_SIZE];
    SSL_CTX *context;

    write_key(key, sizeof(key), settings);
    apr_thread_mutex_lock(contexts.lock);
    context = apr_hash_get(contexts.made, key, APR_HASH_KEY_STRING);
    if (!context && (context = make_context(settings, error, size))) {
        prepare(context);
        apr_hash_set(contexts.made, apr_pstrdup(contexts.pool, key), APR_HASH_KEY_STRING, context);
    }
    apr_thread_mutex_unlock(contexts.lock);
    return context;
}
