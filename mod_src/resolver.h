/* SPDX-License-Identifier: Apache-2.0 */
/* resolver.h - names become addresses, by /etc/hosts and the name servers of /etc/resolv.conf, without waiting. */
#ifndef CORAL_RESOLVER_H
#define CORAL_RESOLVER_H

#include "net.h"

#define CORAL_RESOLVER_MOST 8 /* addresses of a name that are tried */

typedef struct coral_query_t coral_query_t;

/* [start] */
apr_status_t coral_resolver_child_init(apr_pool_t *pchild);

/* [any] Asks. done wakes when there is an answer, maybe before this returns. NULL: it cannot be asked. */
coral_query_t *coral_resolver_ask(const char *name, int port, int type, void (*done)(void *data), void *data);

/* [any] Asks what an address is called. The answer is coral_query_name(); NULL: nothing. */
coral_query_t *coral_resolver_ask_back(const coral_address_t *address, void (*done)(void *data), void *data);
const char *coral_query_name(coral_query_t *query);

/* [any] The answer: how many addresses; 0: *why says what OpenResty does. Only after done was called. */
int coral_query_answer(coral_query_t *query, const coral_address_t **addresses, const char **why);

/* [any] Nobody is interested any more: after this done is not called. */
void coral_query_drop(coral_query_t *query);

#endif
