/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_value.h"

#define TIDY 2      /* entries that have expired are dropped in passing, so many at a time */
#define IN_PLACE 256 /* bytes of a value that may be overwritten where it is: what is overwritten has to be noted */

coral_shared_e coral_shared_value_get(coral_shared_t *s, coral_key_t *key, int expired_too, coral_value_t *value)
{
    coral_shared_e result = CORAL_SHARED_NOT_FOUND;
    apr_int64_t now = 0;
    coral_entry_t *e;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    if ((e = coral_dict_find_valid(d, key, &now)) || (expired_too && (e = coral_dict_find(d, key)))) {
        value->expired = expired_too && !coral_entry_is_valid(d, e, &now);
        value->flags = e->flags;
        if (CORAL_ENTRY_KIND(e) == CORAL_DICT_LIST)
            result = CORAL_SHARED_IS_A_LIST;
        else
            result = coral_value_take(value, CORAL_ENTRY_KIND(e), coral_entry_value(e), e->length) ? CORAL_SHARED_OK
                                                                                                   : CORAL_SHARED_CUT;
    }
    return coral_shared_leave(d, result);
}

/* Over the value that is there, if it is short and the block neither too small nor too large. Commits. */
static int overwrite(coral_dict_t *d, coral_entry_t *e, const coral_value_t *value, apr_int64_t lasts, apr_int64_t *now)
{
    apr_size_t length, size;
    const void *bytes = coral_value_bytes(value, &length);
    coral_ref_t ref = coral_arena_ref(&d->arena, e);

    size = CORAL_ENTRY_SIZE(CORAL_ENTRY_KEY_LENGTH(e), length);
    if (length > IN_PLACE || CORAL_ENTRY_KIND(e) == CORAL_DICT_LIST || size > coral_arena_holds(&d->arena, ref)
        || coral_arena_is_roomy(&d->arena, ref, size))
        return 0;
    coral_dict_write(d, coral_entry_value(e), bytes, length);
    coral_arena_put(&d->arena, &e->length, (apr_uint32_t)length);
    coral_arena_put(&d->arena, &e->shape, (e->shape & ~0xffu) | value->kind);
    coral_arena_put(&d->arena, &e->flags, value->flags);
    coral_dict_set_expiry(d, e, lasts, now);
    coral_dict_use(d, e);
    coral_dict_commit(d);
    return 1;
}

/* Into a new block, in place of what is there (old, perhaps NULL), which goes in the same moment; only when there is no room for
 * both it goes before. */
static coral_shared_e insert(coral_dict_t *d, const coral_key_t *key, coral_entry_t *old, const coral_value_t *value,
                             apr_int64_t lasts, apr_int64_t *now, coral_room_t *room)
{
    apr_size_t length;
    const void *bytes = coral_value_bytes(value, &length);
    coral_entry_t *e;

    if (!coral_arena_can_hold(&d->arena, CORAL_ENTRY_SIZE(key->length, length)))
        room->may_evict = 0; /* it would be for nothing */
    while (!(e = coral_dict_make(d, key, value->kind, length))) {
        if (old) {
            coral_dict_rid(d, old);
            coral_dict_commit(d);
            old = NULL;
        }
        else if (!coral_dict_make_room(d, room, now))
            return CORAL_SHARED_NO_MEMORY;
    }
    memcpy(coral_entry_value(e), bytes, length);
    e->flags = value->flags;
    coral_dict_set_expiry(d, e, lasts, now);
    if (old)
        coral_dict_rid(d, old);
    coral_dict_link(d, e);
    coral_dict_commit(d);
    return CORAL_SHARED_OK;
}

static coral_shared_e put_value(coral_dict_t *d, const coral_key_t *key, coral_entry_t *old, const coral_value_t *value,
                                apr_int64_t lasts, apr_int64_t *now, coral_room_t *room)
{
    if (old && overwrite(d, old, value, lasts, now))
        return CORAL_SHARED_OK;
    return insert(d, key, old, value, lasts, now, room);
}

coral_shared_e coral_shared_value_store(coral_shared_t *s, coral_key_t *key, const coral_value_t *value, int how, apr_int64_t lasts,
                                        int *forced)
{
    coral_room_t room = { !(how & CORAL_SHARED_SAFE), 0, 0 };
    coral_shared_e result = CORAL_SHARED_OK;
    apr_int64_t now = 0;
    coral_entry_t *e;
    coral_dict_t *d;
    int valid;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    coral_dict_tidy(d, TIDY, &now);
    e = coral_dict_find(d, key);
    valid = e && coral_entry_is_valid(d, e, &now);
    if ((how & CORAL_SHARED_REPLACE) && !valid)
        result = CORAL_SHARED_NOT_FOUND;
    else if ((how & CORAL_SHARED_ADD) && valid)
        result = CORAL_SHARED_EXISTS;
    else if (value->kind != CORAL_DICT_NIL)
        result = put_value(d, key, e, value, lasts, &now, &room);
    else if (e) {
        coral_dict_rid(d, e);
        coral_dict_commit(d);
    }
    *forced = room.evicted > 0;
    return coral_shared_leave(d, result);
}

/* a += b, as Lua adds, but that a sum too large for an integer is a float. */
static void add(coral_value_t *a, const coral_value_t *b)
{
    apr_int64_t sum;

    if (a->kind == CORAL_DICT_INTEGER && b->kind == CORAL_DICT_INTEGER
        && !__builtin_add_overflow(a->as.integer, b->as.integer, &sum)) {
        a->as.integer = sum;
        return;
    }
    a->as.number = (a->kind == CORAL_DICT_INTEGER ? (double)a->as.integer : a->as.number)
                   + (b->kind == CORAL_DICT_INTEGER ? (double)b->as.integer : b->as.number);
    a->kind = CORAL_DICT_NUMBER;
}

/* What is there, and has not expired, grows. Commits. */
static coral_shared_e grow(coral_dict_t *d, coral_entry_t *e, coral_value_t *value)
{
    coral_value_t there;

    if (CORAL_ENTRY_KIND(e) != CORAL_DICT_INTEGER && CORAL_ENTRY_KIND(e) != CORAL_DICT_NUMBER)
        return CORAL_SHARED_NOT_A_NUMBER;
    coral_value_take(&there, CORAL_ENTRY_KIND(e), coral_entry_value(e), e->length);
    add(value, &there);
    coral_dict_write(d, coral_entry_value(e), &value->as, sizeof(value->as));
    coral_arena_put(&d->arena, &e->shape, (e->shape & ~0xffu) | value->kind);
    coral_dict_commit(d);
    return CORAL_SHARED_OK;
}

coral_shared_e coral_shared_value_incr(coral_shared_t *s, coral_key_t *key, coral_value_t *value, const coral_value_t *init,
                                       apr_int64_t lasts, int *forced)
{
    coral_room_t room = { 1, 0, 0 };
    coral_shared_e result;
    apr_int64_t now = 0;
    coral_entry_t *e;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    coral_dict_tidy(d, TIDY, &now);
    if ((e = coral_dict_find_valid(d, key, &now)))
        result = grow(d, e, value);
    else if (!init)
        result = CORAL_SHARED_NOT_FOUND;
    else {
        add(value, init);
        result = put_value(d, key, coral_dict_find(d, key), value, lasts, &now, &room);
    }
    *forced = room.evicted > 0;
    return coral_shared_leave(d, result);
}
