/* SPDX-License-Identifier: Apache-2.0 */
#include "variable.h"

#include "http_ssl.h"
#include "util_cookies.h"

#include <unistd.h>

typedef const char *(field_fn)(request_rec *r);

static const char *decimal(request_rec *r, apr_int64_t n)
{
    return apr_psprintf(r->pool, "%" APR_INT64_T_FMT, n);
}

/* Seconds with milliseconds, as nginx writes them. */
static const char *seconds(request_rec *r, apr_time_t t)
{
    return apr_psprintf(r->pool, "%" APR_INT64_T_FMT ".%03d", (apr_int64_t)apr_time_sec(t), (int)apr_time_msec(t));
}

static const char *get_args(request_rec *r) { return r->args; }
static const char *get_body_bytes_sent(request_rec *r) { return decimal(r, r->bytes_sent); }
static const char *get_connection(request_rec *r) { return decimal(r, r->connection->id); }
static const char *get_content_length(request_rec *r) { return apr_table_get(r->headers_in, "Content-Length"); }
static const char *get_content_type(request_rec *r) { return apr_table_get(r->headers_in, "Content-Type"); }
static const char *get_document_root(request_rec *r) { return ap_document_root(r); }
static const char *get_document_uri(request_rec *r) { return r->uri; }
static const char *get_host(request_rec *r) { return r->hostname ? r->hostname : ap_get_server_name(r); }
static const char *get_hostname(request_rec *r) { return r->server->server_hostname; }
static const char *get_https(request_rec *r) { return ap_ssl_conn_is_ssl(r->connection) ? "on" : ""; }
static const char *get_is_args(request_rec *r) { return r->args && *r->args ? "?" : ""; }
static const char *get_msec(request_rec *r) { return seconds(r, apr_time_now()); }
static const char *get_pid(request_rec *r) { return decimal(r, getpid()); }
static const char *get_remote_addr(request_rec *r) { return r->useragent_ip; }
static const char *get_remote_port(request_rec *r) { return decimal(r, r->useragent_addr->port); }
static const char *get_remote_user(request_rec *r) { return r->user; }
static const char *get_request(request_rec *r) { return r->the_request; }
static const char *get_request_filename(request_rec *r) { return r->filename; }
static const char *get_request_id(request_rec *r) { return apr_table_get(r->subprocess_env, "UNIQUE_ID"); }
static const char *get_request_method(request_rec *r) { return r->method; }
static const char *get_request_time(request_rec *r) { return seconds(r, apr_time_now() - r->request_time); }
static const char *get_scheme(request_rec *r) { return ap_http_scheme(r); }
static const char *get_server_addr(request_rec *r) { return r->connection->local_ip; }
static const char *get_server_name(request_rec *r) { return ap_get_server_name(r); }
static const char *get_server_port(request_rec *r) { return decimal(r, ap_get_server_port(r)); }
static const char *get_status(request_rec *r) { return decimal(r, r->status); }

/* What the client sent, whatever httpd has made of it: redirects, subrequests. */
static request_rec *client_request(request_rec *r)
{
    while (r->main || r->prev)
        r = r->main ? r->main : r->prev;
    return r;
}

static const char *get_request_uri(request_rec *r) { return client_request(r)->unparsed_uri; }
static const char *get_server_protocol(request_rec *r) { return client_request(r)->protocol; }

static const char *local_time(request_rec *r, const char *format)
{
    apr_time_exp_t now;
    apr_size_t length;
    char text[64];

    apr_time_exp_lt(&now, apr_time_now());
    apr_strftime(text, &length, sizeof(text), format, &now);
    return apr_pstrmemdup(r->pool, text, length);
}

static const char *get_time_iso8601(request_rec *r)
{
    char *text = apr_pstrdup(r->pool, local_time(r, "%Y-%m-%dT%H:%M:%S%z:"));
    apr_size_t length = strlen(text);

    memmove(text + length - 2, text + length - 3, 2); /* +0100: becomes +01:00 */
    text[length - 3] = ':';
    return text;
}

static const char *get_time_local(request_rec *r) { return local_time(r, "%d/%b/%Y:%H:%M:%S %z"); }

static const char *set_args(request_rec *r, const char *value)
{
    r->args = value ? apr_pstrdup(r->pool, value) : NULL;
    return NULL;
}

/* Sorted by name. set: NULL for what can not be changed. */
static const struct field {
    const char *name;
    field_fn *get;
    const char *(*set)(request_rec *r, const char *value);
} fields[] = {
    { "args", get_args, set_args },
    { "body_bytes_sent", get_body_bytes_sent, NULL },
    { "bytes_sent", get_body_bytes_sent, NULL },
    { "connection", get_connection, NULL },
    { "content_length", get_content_length, NULL },
    { "content_type", get_content_type, NULL },
    { "document_root", get_document_root, NULL },
    { "document_uri", get_document_uri, NULL },
    { "host", get_host, NULL },
    { "hostname", get_hostname, NULL },
    { "https", get_https, NULL },
    { "is_args", get_is_args, NULL },
    { "msec", get_msec, NULL },
    { "pid", get_pid, NULL },
    { "query_string", get_args, NULL },
    { "remote_addr", get_remote_addr, NULL },
    { "remote_port", get_remote_port, NULL },
    { "remote_user", get_remote_user, NULL },
    { "request", get_request, NULL },
    { "request_filename", get_request_filename, NULL },
    { "request_id", get_request_id, NULL },
    { "request_method", get_request_method, NULL },
    { "request_time", get_request_time, NULL },
    { "request_uri", get_request_uri, NULL },
    { "scheme", get_scheme, NULL },
    { "server_addr", get_server_addr, NULL },
    { "server_name", get_server_name, NULL },
    { "server_port", get_server_port, NULL },
    { "server_protocol", get_server_protocol, NULL },
    { "status", get_status, NULL },
    { "time_iso8601", get_time_iso8601, NULL },
    { "time_local", get_time_local, NULL },
    { "uri", get_document_uri, NULL },
};

static int by_name(const void *name, const void *row)
{
    return strcmp(name, ((const struct field *)row)->name);
}

static const struct field *field_of(const char *name)
{
    return bsearch(name, fields, sizeof(fields) / sizeof(fields[0]), sizeof(fields[0]), by_name);
}

/* http_user_agent names the header User-Agent. */
static const char *header_named(apr_pool_t *p, const char *name)
{
    char *header = apr_pstrdup(p, name), *c;

    for (c = header; *c; c++)
        if (*c == '_')
            *c = '-';
    return header;
}

static const char *get_arg(request_rec *r, const char *name)
{
    const char *args = r->args;
    apr_size_t length = strlen(name);

    while (args && *args) {
        if (!strncasecmp(args, name, length) && args[length] == '=') {
            args += length + 1;
            return apr_pstrmemdup(r->pool, args, strcspn(args, "&"));
        }
        if ((args = strchr(args, '&')))
            args++;
    }
    return NULL;
}

static const char *get_cookie(request_rec *r, const char *name)
{
    const char *value = NULL;

    ap_cookie_read(r, name, &value, 0);
    return value;
}

static const char *get_sent_header(request_rec *r, const char *name)
{
    const char *header = header_named(r->pool, name);
    const char *value = apr_table_get(r->headers_out, header);

    if (!value && !ap_cstr_casecmp(header, "Content-Type"))
        value = r->content_type;
    return value ? value : apr_table_get(r->err_headers_out, header);
}

/* httpd's %{NAME}; its own names are capitals, so a misspelt nginx name costs no parse. */
static const char *get_expression(request_rec *r, const char *name)
{
    ap_expr_info_t info = { 0 };
    const char *c, *err = NULL, *value;

    for (c = name; *c; c++)
        if (!apr_isupper(*c) && !apr_isdigit(*c) && *c != '_')
            return NULL;
    info.filename = __FILE__;
    info.flags = AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY;
    info.module_index = APLOG_MODULE_INDEX;
    if (ap_expr_parse(r->pool, r->pool, &info, apr_pstrcat(r->pool, "%{", name, "}", NULL), NULL))
        return NULL;
    value = ap_expr_str_exec(r, &info, &err);
    return err || !value || !*value ? NULL : value;
}

const char *coral_variable_get(request_rec *r, const char *name)
{
    const struct field *field = field_of(name);
    const char *value;

    if (field)
        return field->get(r);
    if (!strncmp(name, "http_", 5))
        return apr_table_get(r->headers_in, header_named(r->pool, name + 5));
    if (!strncmp(name, "arg_", 4))
        return get_arg(r, name + 4);
    if (!strncmp(name, "cookie_", 7))
        return get_cookie(r, name + 7);
    if (!strncmp(name, "sent_http_", 10))
        return get_sent_header(r, name + 10);
    value = apr_table_get(r->subprocess_env, name);
    return value ? value : get_expression(r, name);
}

static apr_size_t name_length(const char *s)
{
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

const char *coral_variable_refused(apr_pool_t *p, const char *name)
{
    const struct field *field = field_of(name);

    if (!*name || name[name_length(name)])
        return apr_psprintf(p, "\"$%s\" is not a variable: a name has letters, digits and _", name);
    if ((field && !field->set) || !strncmp(name, "http_", 5) || !strncmp(name, "arg_", 4) || !strncmp(name, "cookie_", 7)
        || !strncmp(name, "sent_http_", 10))
        return apr_psprintf(p, "variable \"%s\" not changeable", name);
    return NULL;
}

const char *coral_variable_set(request_rec *r, const char *name, const char *value)
{
    const struct field *field = field_of(name);
    const char *err = coral_variable_refused(r->pool, name);

    if (err)
        return err;
    if (field)
        return field->set(r, value);
    if (value)
        apr_table_set(r->subprocess_env, name, value);
    else
        apr_table_unset(r->subprocess_env, name);
    return NULL;
}

/* A parsed text is a list of parts: each a literal, a variable's name or an expression. */
struct coral_text_t {
    const char *literal, *variable;
    ap_expr_info_t *expression;
    struct coral_text_t *next;
};

static coral_text_t *part(cmd_parms *cmd, coral_text_t ***end)
{
    coral_text_t *t = apr_pcalloc(cmd->pool, sizeof(*t));

    **end = t;
    *end = &t->next;
    return t;
}

/* What stands between two variables: an expression if it holds one. */
static const char *parse_plain(cmd_parms *cmd, const char *text, apr_size_t length, coral_text_t ***end)
{
    const char *plain = apr_pstrmemdup(cmd->pool, text, length), *err = NULL;

    if (!length)
        return NULL;
    if (!ap_strstr_c(plain, "%{"))
        part(cmd, end)->literal = plain;
    else
        part(cmd, end)->expression =
            ap_expr_parse_cmd(cmd, plain, AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY, &err, NULL);
    return err;
}

const char *coral_text_parse(cmd_parms *cmd, const char *source, const coral_text_t **text)
{
    coral_text_t *first = NULL, **end = &first;
    const char *s = source, *dollar, *err;

    while ((dollar = strchr(s, '$'))) {
        int braces = dollar[1] == '{';
        apr_size_t length = name_length(dollar + 1 + braces);

        if (dollar[1] == '$') {
            if ((err = parse_plain(cmd, s, dollar + 1 - s, &end)))
                return err;
            s = dollar + 2;
            continue;
        }
        if (!length || (braces && dollar[2 + length] != '}'))
            return apr_psprintf(cmd->pool, "no variable's name after \"$\" in \"%s\" (write \"$$\" for a dollar sign)", source);
        if ((err = parse_plain(cmd, s, dollar - s, &end)))
            return err;
        part(cmd, &end)->variable = apr_pstrmemdup(cmd->pool, dollar + 1 + braces, length);
        s = dollar + 1 + length + 2 * braces;
    }
    err = parse_plain(cmd, s, strlen(s), &end);
    *text = first;
    return err;
}

const char *coral_text_of(request_rec *r, const coral_text_t *text)
{
    const char *whole = "";

    for (; text; text = text->next) {
        const char *err = NULL, *value = text->literal;

        if (text->variable)
            value = coral_variable_get(r, text->variable);
        else if (text->expression)
            value = ap_expr_str_exec(r, text->expression, &err);
        if (value && !err)
            whole = *whole ? apr_pstrcat(r->pool, whole, value, NULL) : value;
    }
    return whole;
}
