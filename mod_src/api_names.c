/* SPDX-License-Identifier: Apache-2.0 */
/* api_names.c - coral.names: names of hosts and services, and addresses, which to Lua are the bytes of a sockaddr. In LuaSocket's words. */
#include "plug.h"

#include "resolver.h"

#include <netdb.h>

static int push_list(lua_State *L, const coral_address_t *addresses, int count)
{
    int i;

    lua_createtable(L, count, 0);
    for (i = 0; i < count; i++) {
        lua_pushlstring(L, (const char *)&addresses[i].to, addresses[i].length);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int fail(lua_State *L, int error)
{
    switch (error) {
    case EAI_AGAIN:
        return coral_fail(L, "temporary failure in name resolution");
    case EAI_FAIL:
        return coral_fail(L, "non-recoverable failure in name resolution");
    case EAI_FAMILY:
        return coral_fail(L, "ai_family not supported");
    case EAI_MEMORY:
        return coral_fail(L, "memory allocation failure");
    case EAI_NONAME:
        return coral_fail(L, "host or service not provided, or not known");
    case EAI_SERVICE:
        return coral_fail(L, "service not supported for socket type");
    case EAI_SYSTEM:
        return coral_plug_fail(L, errno);
    default:
        return coral_fail(L, gai_strerror(error));
    }
}

/* What getaddrinfo says, as a list. */
static int push_answer(lua_State *L, int error, struct addrinfo *all)
{
    coral_address_t addresses[CORAL_RESOLVER_MOST];
    struct addrinfo *one;
    int count = 0;

    if (error)
        return fail(L, error);
    for (one = all; one && count < CORAL_RESOLVER_MOST; one = one->ai_next)
        if (one->ai_addrlen <= sizeof(addresses[0].to)) {
            memcpy(&addresses[count].to, one->ai_addr, one->ai_addrlen);
            addresses[count++].length = one->ai_addrlen;
        }
    freeaddrinfo(all);
    return push_list(L, addresses, count);
}

static int type_at(lua_State *L, int index)
{
    static const char *const types[] = { "stream", "dgram", NULL };

    return luaL_checkoption(L, index, NULL, types) ? SOCK_DGRAM : SOCK_STREAM;
}

static int family_at(lua_State *L, int index)
{
    static const char *const families[] = { "unspec", "inet", "inet6", NULL };
    static const int numbers[] = { AF_UNSPEC, AF_INET, AF_INET6 };

    return numbers[luaL_checkoption(L, index, "unspec", families)];
}

/* numeric(host, service, type, family): the addresses of a host that is an address itself, nil: of any of this machine's (to bind to), with
 * the port of a service by its name or number; or nil and why. Does not wait. */
static int l_numeric(lua_State *L)
{
    const char *host = coral_opt_text(L, 1);
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = type_at(L, 3), .ai_family = family_at(L, 4) };
    struct addrinfo *all = NULL;

    int error = getaddrinfo(host, coral_check_text(L, 2), &hints, &all);

    return push_answer(L, error, all);
}

/* path(path): the address of a UNIX-domain socket; nil if the path is not usable */
static int l_path(lua_State *L)
{
    coral_address_t address;

    if (!coral_address_local(&address, coral_check_text(L, 1)))
        return coral_fail(L, "path too long");
    lua_pushlstring(L, (const char *)&address.to, address.length);
    return 1;
}

/* ask(host, port, type): the addresses of a name, as numeric(); waits for the resolver */

typedef struct {
    coral_wait_t *wait;
    coral_query_t *query;
} question_t;

static void on_resolved(void *question)
{
    coral_wait_wake(((question_t *)question)->wait, CORAL_WOKEN_READY);
}

static void drop_query(coral_wait_t *w)
{
    question_t *question = w->data;

    if (question->query)
        coral_query_drop(question->query);
    question->query = NULL;
}

/* It stays on the stack. */
static question_t *new_question(lua_State *L, int (*results)(lua_State *L, coral_wait_t *w))
{
    question_t *question = lua_newuserdatauv(L, sizeof(*question), 0);
    coral_wait_t *w = coral_task_new_wait(L);

    question->wait = w;
    w->data = question;
    w->results = results;
    w->cancel = drop_query;
    return question;
}

static int resolved(lua_State *L, coral_wait_t *w)
{
    question_t *question = w->data;
    coral_address_t addresses[CORAL_RESOLVER_MOST];
    const coral_address_t *answer;
    const char *why;
    int count = coral_query_answer(question->query, &answer, &why);

    memcpy(addresses, answer, (apr_size_t)count * sizeof(*answer));
    drop_query(w);
    return count ? push_list(L, addresses, count) : fail(L, *why == '1' ? EAI_AGAIN : *why == '3' ? EAI_NONAME : EAI_FAIL);
}

/* In an init hook the thread waits for the system's resolver. */
static int ask_here(lua_State *L, const char *host, int port, int type)
{
    struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_ADDRCONFIG }, *all = NULL;
    char service[8];
    int error;

    apr_snprintf(service, sizeof(service), "%d", port);
    error = getaddrinfo(host, service, &hints, &all);
    return push_answer(L, error, all);
}

static int l_ask(lua_State *L)
{
    const char *host = coral_check_text(L, 1);
    int port = (int)luaL_checkinteger(L, 2), type = type_at(L, 3);
    question_t *question;

    if (!coral_task_current(L))
        return ask_here(L, host, port, type);
    question = new_question(L, resolved);
    if (!(question->query = coral_resolver_ask(host, port, type, on_resolved, question)))
        return coral_fail(L, "no resolver");
    return coral_task_wait(L, question->wait);
}

/* reverse(address): what an IPv4 or IPv6 address is called; or nil and why. Waits for the resolver. */
static int named(lua_State *L, coral_wait_t *w)
{
    question_t *question = w->data;
    const char *name = coral_query_name(question->query);

    lua_pushstring(L, name);
    drop_query(w);
    return name ? 1 : fail(L, EAI_NONAME);
}

static int name_here(lua_State *L, const coral_address_t *address)
{
    char host[NI_MAXHOST];
    int error = getnameinfo(&address->to.any, address->length, host, sizeof(host), NULL, 0, NI_NAMEREQD);

    return error ? fail(L, error) : coral_push(L, host);
}

static int l_reverse(lua_State *L)
{
    coral_address_t address;
    question_t *question;

    if (!coral_address_parse(&address, coral_check_text(L, 1), 0))
        return fail(L, EAI_NONAME);
    if (!coral_task_current(L))
        return name_here(L, &address);
    question = new_question(L, named);
    if (!(question->query = coral_resolver_ask_back(&address, on_resolved, question)))
        return coral_fail(L, "no resolver");
    return coral_task_wait(L, question->wait);
}

/* text(address): its host, its port and its family */
static int l_text(lua_State *L)
{
    coral_address_t address;

    return coral_push_address(L, coral_check_address(L, 1, &address));
}

/* hostname(): this machine's */
static int l_hostname(lua_State *L)
{
    char name[257] = "";

    if (gethostname(name, sizeof(name) - 1) < 0)
        return coral_plug_fail(L, errno);
    return coral_push(L, name);
}

static const luaL_Reg functions[] = {
    { "numeric", l_numeric },
    { "path", l_path },
    { "ask", l_ask },
    { "reverse", l_reverse },
    { "text", l_text },
    { "hostname", l_hostname },
    { NULL, NULL }
};

CORAL_API(names)
{
    luaL_newlib(L, functions);
    return 1;
}
