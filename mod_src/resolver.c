/* SPDX-License-Identifier: Apache-2.0 */
#include "resolver.h"

#include <event2/dns.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CONFIGURATION "/etc/resolv.conf"
#define LOOK_AGAIN apr_time_from_sec(5)

struct coral_query_t {
    void (*done)(void *data); /* [lock] NULL: dropped */
    void *data;
    int answered, count, error;
    char name[256];
    coral_address_t addresses[CORAL_RESOLVER_MOST];
};

static struct {
    apr_thread_mutex_t *lock;
    struct evdns_base *dns; /* [lock] */
    apr_time_t looked;
    time_t changed;
} resolver;

apr_status_t coral_resolver_child_init(apr_pool_t *pchild)
{
    resolver.dns = NULL;
    resolver.looked = 0;
    return apr_thread_mutex_create(&resolver.lock, APR_THREAD_MUTEX_NESTED, pchild); /* libevent may answer while it is asked */
}

/* The name servers of a machine change while it runs. [lock] */
static void look_at_configuration(void)
{
    apr_time_t now = apr_time_now();
    struct stat info;

    if (now - resolver.looked < LOOK_AGAIN)
        return;
    resolver.looked = now;
    if (stat(CONFIGURATION, &info) || info.st_mtime == resolver.changed)
        return;
    if (resolver.changed) {
        evdns_base_clear_nameservers_and_suspend(resolver.dns);
        evdns_base_resolv_conf_parse(resolver.dns, DNS_OPTIONS_ALL, CONFIGURATION);
        evdns_base_resume(resolver.dns);
    }
    resolver.changed = info.st_mtime;
}

/* [lock] */
static struct evdns_base *dns(void)
{
    if (!resolver.dns && coral_poller_start()) {
        resolver.dns = evdns_base_new(coral_poller_base(), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        if (resolver.dns && evdns_base_resolv_conf_parse(resolver.dns, DNS_OPTIONS_ALL, CONFIGURATION))
            evdns_base_nameserver_ip_add(resolver.dns, "127.0.0.1"); /* as resolv.conf(5) says */
    }
    if (resolver.dns)
        look_at_configuration();
    return resolver.dns;
}

static void note(coral_query_t *query, const struct evutil_addrinfo *info)
{
    for (; info && query->count < CORAL_RESOLVER_MOST; info = info->ai_next)
        if (info->ai_addrlen <= sizeof(struct sockaddr_storage)) {
            coral_address_t *address = &query->addresses[query->count++];

            memcpy(&address->to, info->ai_addr, info->ai_addrlen);
            address->length = info->ai_addrlen;
        }
}

/* In the loop, or in the middle of asking. */
static void on_answer(int error, struct evutil_addrinfo *info, void *query_)
{
    coral_query_t *query = query_;

    apr_thread_mutex_lock(resolver.lock);
    query->error = error;
    query->answered = 1;
    note(query, info);
    if (query->done)
        query->done(query->data); /* under the lock: one that is dropped is told nothing */
    else
        free(query);
    apr_thread_mutex_unlock(resolver.lock);
    if (info)
        evutil_freeaddrinfo(info);
}

coral_query_t *coral_resolver_ask(const char *name, int port, int type, void (*done)(void *data), void *data)
{
    struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = type, .ai_flags = EVUTIL_AI_ADDRCONFIG };
    coral_query_t *query = calloc(1, sizeof(*query));
    struct evdns_base *base;
    char service[8];

    if (!query)
        return NULL;
    query->done = done;
    query->data = data;
    hints.ai_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    apr_snprintf(service, sizeof(service), "%d", port);
    apr_thread_mutex_lock(resolver.lock);
    base = dns();
    apr_thread_mutex_unlock(resolver.lock);
    if (!base) {
        free(query);
        return NULL;
    }
    evdns_getaddrinfo(base, name, service, &hints, on_answer, query); /* not under the lock: libevent has one of its own */
    return query;
}

/* As on_answer(). */
static void on_name(int result, char type, int count, int ttl, void *names, void *query_)
{
    coral_query_t *query = query_;

    (void)ttl;
    apr_thread_mutex_lock(resolver.lock);
    if (result == DNS_ERR_NONE && type == DNS_PTR && count > 0)
        apr_cpystrn(query->name, *(char **)names, sizeof(query->name));
    query->error = result;
    query->answered = 1;
    if (query->done)
        query->done(query->data);
    else
        free(query);
    apr_thread_mutex_unlock(resolver.lock);
}

coral_query_t *coral_resolver_ask_back(const coral_address_t *address, void (*done)(void *data), void *data)
{
    coral_query_t *query = calloc(1, sizeof(*query));
    struct evdns_base *base;
    struct evdns_request *asked = NULL;

    if (!query)
        return NULL;
    query->done = done;
    query->data = data;
    apr_thread_mutex_lock(resolver.lock);
    base = dns();
    apr_thread_mutex_unlock(resolver.lock);
    if (base && address->to.any.sa_family == AF_INET6)
        asked = evdns_base_resolve_reverse_ipv6(base, &((const struct sockaddr_in6 *)&address->to)->sin6_addr, 0, on_name, query);
    else if (base)
        asked = evdns_base_resolve_reverse(base, &((const struct sockaddr_in *)&address->to)->sin_addr, 0, on_name, query);
    if (!asked) {
        free(query);
        return NULL;
    }
    return query;
}

const char *coral_query_name(coral_query_t *query)
{
    return *query->name ? query->name : NULL;
}

/* In the words of nginx's resolver, which libraries know. */
int coral_query_answer(coral_query_t *query, const coral_address_t **addresses, const char **why)
{
    *addresses = query->addresses;
    switch (query->error) {
    case 0:
        *why = "3: Host not found";
        break;
    case EVUTIL_EAI_NONAME:
    case EVUTIL_EAI_NODATA:
        *why = "3: Host not found";
        break;
    case EVUTIL_EAI_AGAIN:
        *why = "110: Operation timed out";
        break;
    default:
        *why = "2: Server failure";
    }
    return query->count;
}

void coral_query_drop(coral_query_t *query)
{
    int answered;

    apr_thread_mutex_lock(resolver.lock);
    query->done = NULL;
    answered = query->answered;
    apr_thread_mutex_unlock(resolver.lock);
    if (answered)
        free(query);
}
