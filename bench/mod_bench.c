/* SPDX-License-Identifier: Apache-2.0
 *
 * mod_bench - what the same work costs in C.
 *
 * Two handlers, written the way a C module is usually written and installed with
 * <Location> + SetHandler; the Lua contestants are measured against them.
 */
#include "httpd.h"
#include "http_config.h"
#include "http_protocol.h"
#include "util_script.h"
#include "apr_strings.h"

/* Workload (a): a fixed body. */
static int on_hello(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "bench-hello")) {
        return DECLINED;
    }
    ap_set_content_type(r, "text/plain");
    ap_rputs("Hello, world", r);
    return OK;
}

static const char *header_in(request_rec *r, const char *name)
{
    const char *value = apr_table_get(r->headers_in, name);

    return value ? value : "";
}

/* Workload (b): three headers and an argument in, two headers and some JSON out. The values
 * come from our own client, so nothing is escaped: C gets the cheapest encoder there is. */
static int on_facts(request_rec *r)
{
    apr_table_t *args;
    const char *name;

    if (!r->handler || strcmp(r->handler, "bench-facts")) {
        return DECLINED;
    }
    ap_args_to_table(r, &args);
    name = apr_table_get(args, "name");
    if (!name) {
        name = "";
    }
    ap_set_content_type(r, "application/json");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Bench-Name", name);
    ap_rputs(apr_psprintf(r->pool,
                          "{\"agent\":\"%s\",\"accept\":\"%s\",\"language\":\"%s\","
                          "\"name\":\"%s\",\"length\":%" APR_SIZE_T_FMT ",\"ok\":true}",
                          header_in(r, "User-Agent"), header_in(r, "Accept"),
                          header_in(r, "Accept-Language"), name, strlen(name)), r);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(on_hello, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(on_facts, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bench) = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    register_hooks,
    AP_MODULE_FLAG_NONE
};
