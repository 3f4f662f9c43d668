/* SPDX-License-Identifier: Apache-2.0 */
#include "dict.h"

#include "apr_general.h"

#include <time.h>

#define PER_BUCKET 128 /* bytes of the segment: about the size of a small entry */
#define EVICT 30       /* entries that go for one that comes, as in OpenResty */
#define SEARCH 30      /* so many are looked at for one that has expired, before any other goes */

static coral_entry_t *entry_at(const coral_dict_t *d, coral_ref_t ref) { return coral_arena_at(&d->arena, ref); }
static coral_item_t *item_at(const coral_dict_t *d, coral_ref_t ref) { return coral_arena_at(&d->arena, ref); }
static coral_ref_t ref_of(const coral_dict_t *d, const void *place) { return coral_arena_ref(&d->arena, place); }
static void put(coral_dict_t *d, apr_uint32_t *word, apr_uint32_t value) { coral_arena_put(&d->arena, word, value); }

int coral_dict_create(void *memory, apr_size_t size)
{
    coral_dict_t *d = memory;
    apr_size_t buckets = 16;

    while (buckets <= size / PER_BUCKET / 2 && buckets < 1u << 31)
        buckets *= 2;
    if (!coral_arena_create(memory, size, sizeof(*d) + buckets * sizeof(coral_ref_t)))
        return 0;
    d->mask = (apr_uint32_t)(buckets - 1);
    return apr_generate_random_bytes(d->secret, sizeof(d->secret)) == APR_SUCCESS;
}

void coral_dict_empty(coral_dict_t *d)
{
    memset(d->buckets, 0, ((apr_size_t)d->mask + 1) * sizeof(coral_ref_t));
    d->count = d->newest = d->oldest = d->trash = 0;
    coral_arena_empty(&d->arena);
}

void coral_dict_hash(const coral_dict_t *d, coral_key_t *key)
{
    key->hash = (apr_uint32_t)apr_siphash24(key->text, key->length, d->secret);
}

apr_int64_t coral_dict_clock(apr_int64_t *now)
{
    struct timespec t;

    if (!*now) {
        clock_gettime(CLOCK_MONOTONIC, &t);
        *now = (apr_int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    }
    return *now;
}

const void *coral_value_bytes(const coral_value_t *value, apr_size_t *length)
{
    *length = value->kind == CORAL_DICT_STRING ? value->length : sizeof(value->as);
    return value->kind == CORAL_DICT_STRING ? value->text : (const void *)&value->as;
}

int coral_value_take(coral_value_t *value, coral_dict_kind_e kind, const void *bytes, apr_size_t length)
{
    value->kind = kind;
    if (kind != CORAL_DICT_STRING) {
        memcpy(&value->as, bytes, sizeof(value->as));
        return 1;
    }
    value->length = length;
    if (length > value->room)
        return 0;
    memcpy(value->text, bytes, length);
    return 1;
}

/* --- entries --------------------------------------------------------------------------- */

coral_entry_t *coral_dict_find(const coral_dict_t *d, const coral_key_t *key)
{
    coral_ref_t ref;

    for (ref = d->buckets[key->hash & d->mask]; ref; ref = entry_at(d, ref)->chain) {
        coral_entry_t *e = entry_at(d, ref);

        if (e->hash == key->hash && CORAL_ENTRY_KEY_LENGTH(e) == key->length
            && !memcmp(CORAL_ENTRY_KEY(e), key->text, key->length))
            return e;
    }
    return NULL;
}

apr_int64_t coral_entry_expires(const coral_entry_t *e)
{
    return (apr_int64_t)((apr_uint64_t)e->expires[1] << 32 | e->expires[0]);
}

int coral_entry_is_valid(const coral_dict_t *d, const coral_entry_t *e, apr_int64_t *now)
{
    apr_int64_t expires = coral_entry_expires(e);

    return e->epoch == d->epoch && (!expires || expires > coral_dict_clock(now));
}

coral_entry_t *coral_dict_find_valid(coral_dict_t *d, const coral_key_t *key, apr_int64_t *now)
{
    coral_entry_t *e = coral_dict_find(d, key);

    if (!e || !coral_entry_is_valid(d, e, now))
        return NULL;
    coral_dict_use(d, e);
    coral_arena_commit(&d->arena);
    return e;
}

coral_entry_t *coral_dict_oldest(const coral_dict_t *d)
{
    return d->oldest ? entry_at(d, d->oldest) : NULL;
}

coral_entry_t *coral_dict_newer(const coral_dict_t *d, const coral_entry_t *e)
{
    return e->newer ? entry_at(d, e->newer) : NULL;
}

coral_entry_t *coral_dict_make(coral_dict_t *d, const coral_key_t *key, coral_dict_kind_e kind, apr_size_t length)
{
    coral_ref_t ref = coral_arena_alloc(&d->arena, CORAL_ENTRY_SIZE(key->length, length));
    coral_entry_t *e;

    if (!ref)
        return NULL;
    e = entry_at(d, ref);
    memset(e, 0, sizeof(*e));
    e->hash = key->hash;
    e->length = (apr_uint32_t)length;
    e->epoch = d->epoch;
    e->shape = (apr_uint32_t)key->length << 8 | kind;
    memcpy(CORAL_ENTRY_KEY(e), key->text, key->length);
    return e;
}

void coral_dict_set_expiry(coral_dict_t *d, coral_entry_t *e, apr_int64_t lasts, apr_int64_t *now)
{
    apr_uint64_t expires = lasts ? (apr_uint64_t)(coral_dict_clock(now) + lasts) : 0;

    put(d, &e->expires[0], (apr_uint32_t)expires);
    put(d, &e->expires[1], (apr_uint32_t)(expires >> 32));
    put(d, &e->epoch, d->epoch);
}

void coral_dict_write(coral_dict_t *d, void *to, const void *from, apr_size_t length)
{
    apr_uint32_t *word = to, next;
    apr_size_t n;

    for (; length; length -= n, word++, from = (const char *)from + n) {
        n = length < sizeof(next) ? length : sizeof(next);
        next = *word;
        memcpy(&next, from, n);
        put(d, word, next);
    }
}

static void link_newest(coral_dict_t *d, coral_entry_t *e)
{
    coral_ref_t ref = ref_of(d, e);

    put(d, &e->newer, 0);
    put(d, &e->older, d->newest);
    put(d, d->newest ? &entry_at(d, d->newest)->newer : &d->oldest, ref);
    put(d, &d->newest, ref);
}

static void unlink_order(coral_dict_t *d, coral_entry_t *e)
{
    put(d, e->newer ? &entry_at(d, e->newer)->older : &d->newest, e->older);
    put(d, e->older ? &entry_at(d, e->older)->newer : &d->oldest, e->newer);
}

void coral_dict_use(coral_dict_t *d, coral_entry_t *e)
{
    if (e->newer) {
        unlink_order(d, e);
        link_newest(d, e);
    }
}

void coral_dict_link(coral_dict_t *d, coral_entry_t *e)
{
    coral_ref_t *bucket = &d->buckets[e->hash & d->mask];

    put(d, &e->chain, *bucket);
    put(d, bucket, ref_of(d, e));
    put(d, &d->count, d->count + 1);
    link_newest(d, e);
}

void coral_dict_rid(coral_dict_t *d, coral_entry_t *e)
{
    coral_ref_t ref = ref_of(d, e), *link = &d->buckets[e->hash & d->mask];

    while (*link != ref)
        link = &entry_at(d, *link)->chain;
    put(d, link, e->chain);
    put(d, &d->count, d->count - 1);
    unlink_order(d, e);
    if (CORAL_ENTRY_KIND(e) == CORAL_DICT_LIST)
        put(d, &d->trash, ((coral_list_t *)coral_entry_value(e))->first);
    coral_arena_free(&d->arena, ref);
}

/* A list may be longer than what can be noted of one change: its items go one by one. If the process dies over it, whoever comes
 * next goes on. */
void coral_dict_commit(coral_dict_t *d)
{
    coral_arena_commit(&d->arena);
    while (d->trash) {
        coral_item_t *item = item_at(d, d->trash);

        put(d, &d->trash, item->next);
        coral_arena_free(&d->arena, ref_of(d, item));
        coral_arena_commit(&d->arena);
    }
}

/* --- room ------------------------------------------------------------------------------ */

static void drop(coral_dict_t *d, coral_entry_t *e)
{
    coral_dict_rid(d, e);
    coral_dict_commit(d);
}

void coral_dict_tidy(coral_dict_t *d, int most, apr_int64_t *now)
{
    while (most-- && d->oldest && !coral_entry_is_valid(d, entry_at(d, d->oldest), now))
        drop(d, entry_at(d, d->oldest));
}

static coral_entry_t *expired_one(const coral_dict_t *d, apr_int64_t *now)
{
    coral_ref_t ref;
    int i;

    for (i = 0, ref = d->oldest; ref && i < SEARCH; i++, ref = entry_at(d, ref)->newer)
        if (!coral_entry_is_valid(d, entry_at(d, ref), now))
            return entry_at(d, ref);
    return NULL;
}

int coral_dict_make_room(coral_dict_t *d, coral_room_t *room, apr_int64_t *now)
{
    coral_entry_t *e = NULL;

    coral_arena_undo(&d->arena);
    if (!room->searched && !(e = expired_one(d, now)))
        room->searched = 1;
    if (!e && d->oldest && room->may_evict && room->evicted < EVICT) {
        e = entry_at(d, d->oldest);
        room->evicted++;
    }
    if (e)
        drop(d, e);
    return e != NULL;
}

/* --- looking after it ------------------------------------------------------------------ */

/* Items are taken off the blocks that are in use, which ends every loop. Returns the last one. */
static coral_ref_t check_items(const coral_dict_t *d, coral_ref_t first, apr_uint32_t *count, apr_uint32_t *blocks)
{
    coral_ref_t ref, prev = 0;

    for (ref = first; ref && *blocks; prev = ref, ref = item_at(d, ref)->next) {
        const coral_item_t *item = item_at(d, ref);

        if (!coral_arena_is_block(&d->arena, ref) || (ref != first && item->prev != prev)
            || sizeof(*item) + item->length > coral_arena_holds(&d->arena, ref))
            break;
        *blocks -= 1;
        *count += 1;
    }
    return ref ? 0 : prev;
}

static const char *check_list(const coral_dict_t *d, const coral_entry_t *e, apr_uint32_t *blocks)
{
    const coral_list_t *list = coral_entry_value(e);
    apr_uint32_t count = 0;
    coral_ref_t last = check_items(d, list->first, &count, blocks);

    return last && last == list->last && count == e->length ? NULL : "a list is broken";
}

static const char *check_entry(const coral_dict_t *d, coral_ref_t ref, coral_ref_t newer, apr_uint32_t *blocks)
{
    const coral_entry_t *e = entry_at(d, ref);
    coral_key_t key = { NULL, 0, 0 };
    apr_size_t length;

    if (!coral_arena_is_block(&d->arena, ref))
        return "an entry is no block";
    length = CORAL_ENTRY_KIND(e) == CORAL_DICT_LIST ? sizeof(coral_list_t) : e->length;
    if (CORAL_ENTRY_SIZE(CORAL_ENTRY_KEY_LENGTH(e), length) > coral_arena_holds(&d->arena, ref))
        return "an entry is larger than its block";
    if (e->newer != newer)
        return "the order of use is broken";
    key.text = CORAL_ENTRY_KEY(e);
    key.length = CORAL_ENTRY_KEY_LENGTH(e);
    coral_dict_hash(d, &key);
    if (e->hash != key.hash || CORAL_ENTRY_KIND(e) < CORAL_DICT_BOOLEAN || CORAL_ENTRY_KIND(e) > CORAL_DICT_LIST)
        return "an entry is overwritten";
    *blocks -= 1;
    return CORAL_ENTRY_KIND(e) == CORAL_DICT_LIST ? check_list(d, e, blocks) : NULL;
}

/* As many as in the order of use, and each in the bucket of its hash. */
static const char *check_buckets(const coral_dict_t *d)
{
    apr_uint32_t count = 0;
    apr_size_t i;

    for (i = 0; i <= d->mask; i++) {
        coral_ref_t ref;

        for (ref = d->buckets[i]; ref; ref = entry_at(d, ref)->chain)
            if (!coral_arena_is_block(&d->arena, ref) || (entry_at(d, ref)->hash & d->mask) != i || ++count > d->count)
                return "a bucket is broken";
    }
    return count == d->count ? NULL : "an entry is in no bucket";
}

const char *coral_dict_check(const coral_dict_t *d)
{
    apr_uint32_t blocks, count = 0, thrown = 0;
    coral_ref_t ref, newer = 0;
    const char *wrong = coral_arena_check(&d->arena, &blocks);

    for (ref = d->newest; !wrong && ref; newer = ref, ref = entry_at(d, ref)->older)
        wrong = count++ < d->count ? check_entry(d, ref, newer, &blocks) : "the order of use has a loop";
    if (!wrong && (count != d->count || d->oldest != newer))
        wrong = "the entries do not add up";
    if (!wrong && d->trash && !check_items(d, d->trash, &thrown, &blocks))
        wrong = "the trash is broken";
    if (!wrong && !(wrong = check_buckets(d)) && blocks)
        wrong = "memory is lost";
    return wrong;
}
