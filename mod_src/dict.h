/* SPDX-License-Identifier: Apache-2.0 */
/* dict.h - a dictionary in an arena: entries by key, and in the order they were used. What users do with it: shared.h. [locked],
 * if nothing else is said. */
#ifndef CORAL_DICT_H
#define CORAL_DICT_H

#include "arena.h"

#include "apr_siphash.h"

#define CORAL_DICT_LONGEST_KEY 65535

typedef enum {
    CORAL_DICT_NIL,
    CORAL_DICT_BOOLEAN,
    CORAL_DICT_INTEGER,
    CORAL_DICT_NUMBER,
    CORAL_DICT_STRING,
    CORAL_DICT_LIST
} coral_dict_kind_e;

typedef struct {
    coral_arena_t arena;
    unsigned char secret[APR_SIPHASH_KSIZE]; /* so that nobody can send keys that all fall into one bucket */
    apr_uint32_t mask;                       /* buckets, less one */
    apr_uint32_t count;
    apr_uint32_t epoch;         /* entries of another one have been flushed */
    coral_ref_t newest, oldest; /* as last used */
    coral_ref_t trash;          /* items of a list that is gone, still to be freed */
    coral_ref_t buckets[];
} coral_dict_t;

/* The key and, from the next multiple of 8 on, the value come behind it. */
typedef struct {
    coral_ref_t chain; /* the next one in the bucket */
    coral_ref_t newer, older;
    apr_uint32_t hash;
    apr_uint32_t expires[2]; /* milliseconds of coral_dict_clock(), 64 bits; 0: never */
    apr_uint32_t epoch;
    apr_uint32_t flags;  /* the user's */
    apr_uint32_t length; /* of the value; of a list the number of items */
    apr_uint32_t shape;  /* the kind, and from bit 8 on the length of the key */
} coral_entry_t;

/* The value of a list. Its items are linked by prev and next, 0 at both ends. */
typedef struct {
    coral_ref_t first, last;
} coral_list_t;

typedef struct {
    coral_ref_t next, prev;
    apr_uint32_t length, kind;
} coral_item_t;

typedef struct {
    const char *text;
    apr_size_t length;
    apr_uint32_t hash;
} coral_key_t;

/* A value on its way in; on its way out a string is copied to text, where there is room for so many bytes. */
typedef struct {
    coral_dict_kind_e kind;
    union {
        apr_int64_t integer; /* a boolean, too */
        double number;
    } as;
    char *text;
    apr_size_t length, room;
    apr_uint32_t flags;
    int expired;
} coral_value_t;

#define CORAL_ENTRY_KIND(e) ((e)->shape & 0xff)
#define CORAL_ENTRY_KEY(e) ((char *)((e) + 1))
#define CORAL_ENTRY_KEY_LENGTH(e) ((e)->shape >> 8)
#define CORAL_ENTRY_SIZE(key_length, length) (sizeof(coral_entry_t) + APR_ALIGN((key_length), 8) + (length))

static inline void *coral_entry_value(const coral_entry_t *e)
{
    return CORAL_ENTRY_KEY(e) + APR_ALIGN(CORAL_ENTRY_KEY_LENGTH(e), 8);
}

/* [start] Makes an empty one in a segment. 0: it is too small. */
int coral_dict_create(void *memory, apr_size_t size);

/* [any] key->hash, for this dictionary. Needs no lock. */
void coral_dict_hash(const coral_dict_t *d, coral_key_t *key);

/* Milliseconds that no change of the date disturbs. *now is 0 before it is asked for. */
apr_int64_t coral_dict_clock(apr_int64_t *now);

/* NULL when there is none. valid: it has not expired; find_valid counts as a use of it, and commits. */
coral_entry_t *coral_dict_find(const coral_dict_t *d, const coral_key_t *key);
coral_entry_t *coral_dict_find_valid(coral_dict_t *d, const coral_key_t *key, apr_int64_t *now);
int coral_entry_is_valid(const coral_dict_t *d, const coral_entry_t *e, apr_int64_t *now);
apr_int64_t coral_entry_expires(const coral_entry_t *e);

/* The one that was not used for the longest time, and the one used after e; NULL: that was the last. */
coral_entry_t *coral_dict_oldest(const coral_dict_t *d);
coral_entry_t *coral_dict_newer(const coral_dict_t *d, const coral_entry_t *e);

/* The bytes of a value as they are kept. take is the way back; 0: there is no room for it, value->length says how long it is. */
const void *coral_value_bytes(const coral_value_t *value, apr_size_t *length);
int coral_value_take(coral_value_t *value, coral_dict_kind_e kind, const void *bytes, apr_size_t length);

/* A new entry that is in no place yet, for a value of so many bytes; NULL: there is no room. */
coral_entry_t *coral_dict_make(coral_dict_t *d, const coral_key_t *key, coral_dict_kind_e kind, apr_size_t length);

/* Parts of a change; commit behind them. link: a new one gets its place. use: it is the newest one now. rid: out of the
 * dictionary, the items of a list into the trash. write: any bytes. lasts: milliseconds, 0: for ever. */
void coral_dict_link(coral_dict_t *d, coral_entry_t *e);
void coral_dict_use(coral_dict_t *d, coral_entry_t *e);
void coral_dict_rid(coral_dict_t *d, coral_entry_t *e);
void coral_dict_write(coral_dict_t *d, void *to, const void *from, apr_size_t length);
void coral_dict_set_expiry(coral_dict_t *d, coral_entry_t *e, apr_int64_t lasts, apr_int64_t *now);

/* Commits, and frees what is in the trash. */
void coral_dict_commit(coral_dict_t *d);

/* What had to go to make room. */
typedef struct {
    int may_evict; /* entries that have not expired, too */
    int evicted, searched;
} coral_room_t;

/* There was no block to be had: undoes what has been done since the last commit, and drops an entry. 0: nothing more may go. */
int coral_dict_make_room(coral_dict_t *d, coral_room_t *room, apr_int64_t *now);

/* Drops at most so many entries that have expired, of those that were not used for the longest time. */
void coral_dict_tidy(coral_dict_t *d, int most, apr_int64_t *now);

/* Makes it empty, keeps nothing. */
void coral_dict_empty(coral_dict_t *d);

/* NULL when all is in order, else what is wrong. */
const char *coral_dict_check(const coral_dict_t *d);

#endif
