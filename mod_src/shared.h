/* SPDX-License-Identifier: Apache-2.0 */
/* shared.h - the dictionaries of CoralSharedDict: which there are, their lock, and what concerns a whole one or the life of an
 * entry. What is in the entries: shared_value.h, shared_list.h. */
#ifndef CORAL_SHARED_H
#define CORAL_SHARED_H

#include "dict.h"

#define CORAL_SHARED_SMALLEST 8192

/* One as a process sees it. */
typedef struct {
    const char *name, *place; /* in the configuration */
    apr_size_t size;
    coral_dict_t *dict;
} coral_shared_t;

typedef enum {
    CORAL_SHARED_OK,
    CORAL_SHARED_NOT_FOUND,
    CORAL_SHARED_EXISTS,
    CORAL_SHARED_NO_MEMORY,
    CORAL_SHARED_NOT_A_NUMBER,
    CORAL_SHARED_NOT_A_LIST,
    CORAL_SHARED_IS_A_LIST,
    CORAL_SHARED_CUT /* the value found is longer than the room for it, value->length says how long; nothing has changed */
} coral_shared_e;

/* [start] CoralSharedDict. NULL, or what is wrong. */
const char *coral_shared_declare(cmd_parms *cmd, const char *name, apr_int64_t size);

/* [start] After the configuration is read: makes the memory, or finds that of the generation before. */
apr_status_t coral_shared_open(apr_pool_t *pconf, server_rec *s);

/* [any] All there are; count of them. */
coral_shared_t *coral_shared_all(int *count);

/* [any] Takes the lock, of a dictionary that is in order. leave lets it go, and returns its second argument. */
coral_dict_t *coral_shared_enter(coral_shared_t *s);
coral_shared_e coral_shared_leave(coral_dict_t *d, coral_shared_e result);

/* [any] From here on: each takes the lock itself. lasts, left: milliseconds, 0: for ever. */
coral_shared_e coral_shared_ttl(coral_shared_t *s, coral_key_t *key, apr_int64_t *left);
coral_shared_e coral_shared_expire(coral_shared_t *s, coral_key_t *key, apr_int64_t lasts);

/* All entries expire. Those that have are dropped, at most so many (0: all), and counted. */
void coral_shared_flush(coral_shared_t *s);
apr_uint32_t coral_shared_flush_expired(coral_shared_t *s, apr_uint32_t most);

/* The keys, those first that were not used for the longest time: for each its length in two bytes, and itself. At most so many
 * (0: all), and what fits into the room: count of them. Returns the bytes they would all take. */
apr_size_t coral_shared_keys(coral_shared_t *s, apr_uint32_t most, char *buffer, apr_size_t room, apr_uint32_t *count);

apr_size_t coral_shared_free_bytes(coral_shared_t *s);

/* NULL when all is in order, else what is wrong. For tests: it reads the whole dictionary. */
const char *coral_shared_check(coral_shared_t *s);

#endif
