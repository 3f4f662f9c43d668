/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_list.h"

static coral_item_t *item_at(const coral_dict_t *d, coral_ref_t ref) { return coral_arena_at(&d->arena, ref); }
static void put(coral_dict_t *d, apr_uint32_t *word, apr_uint32_t value) { coral_arena_put(&d->arena, word, value); }

/* A list that has not expired. NULL, and why: there is none, or the entry is a value. */
static coral_entry_t *find_list(coral_dict_t *d, const coral_key_t *key, coral_shared_e *result, apr_int64_t *now)
{
    coral_entry_t *e = coral_dict_find_valid(d, key, now);

    *result = !e ? CORAL_SHARED_NOT_FOUND : CORAL_ENTRY_KIND(e) != CORAL_DICT_LIST ? CORAL_SHARED_NOT_A_LIST : CORAL_SHARED_OK;
    return *result == CORAL_SHARED_OK ? e : NULL;
}

/* A new item and, where there is no list yet, an empty one that is linked. NULL: there is no room. Does not commit. */
static coral_item_t *make_item(coral_dict_t *d, const coral_key_t *key, coral_entry_t **e, const coral_value_t *value)
{
    apr_size_t length;
    const void *bytes = coral_value_bytes(value, &length);
    coral_ref_t ref = coral_arena_alloc(&d->arena, sizeof(coral_item_t) + length);
    coral_item_t *item = item_at(d, ref);

    if (!ref)
        return NULL;
    if (!*e) {
        if (!(*e = coral_dict_make(d, key, CORAL_DICT_LIST, sizeof(coral_list_t))))
            return NULL;
        memset(coral_entry_value(*e), 0, sizeof(coral_list_t));
        (*e)->length = 0;
        coral_dict_link(d, *e);
    }
    item->next = item->prev = 0;
    item->length = (apr_uint32_t)length;
    item->kind = value->kind;
    memcpy(item + 1, bytes, length);
    return item;
}

static void link_item(coral_dict_t *d, coral_entry_t *e, coral_item_t *item, int first)
{
    coral_list_t *list = coral_entry_value(e);
    coral_ref_t ref = coral_arena_ref(&d->arena, item);

    if (first) {
        item->next = list->first;
        put(d, list->first ? &item_at(d, list->first)->prev : &list->last, ref);
        put(d, &list->first, ref);
    }
    else {
        item->prev = list->last;
        put(d, list->last ? &item_at(d, list->last)->next : &list->first, ref);
        put(d, &list->last, ref);
    }
    put(d, &e->length, e->length + 1);
}

coral_shared_e coral_shared_list_push(coral_shared_t *s, coral_key_t *key, const coral_value_t *value, int first,
                                      apr_uint32_t *length)
{
    coral_room_t room = { 0, 0, 0 };
    coral_shared_e result;
    apr_int64_t now = 0;
    coral_entry_t *e, *old;
    coral_item_t *item;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    e = find_list(d, key, &result, &now);
    if (result == CORAL_SHARED_NOT_A_LIST)
        return coral_shared_leave(d, result);
    if (!e && (old = coral_dict_find(d, key))) {
        coral_dict_rid(d, old);
        coral_dict_commit(d);
    }
    while (!(item = make_item(d, key, &e, value)))
        if (!coral_dict_make_room(d, &room, &now))
            return coral_shared_leave(d, CORAL_SHARED_NO_MEMORY);
    link_item(d, e, item, first);
    *length = e->length;
    coral_dict_commit(d);
    return coral_shared_leave(d, CORAL_SHARED_OK);
}

static void unlink_item(coral_dict_t *d, coral_entry_t *e, coral_item_t *item)
{
    coral_list_t *list = coral_entry_value(e);

    put(d, item->next ? &item_at(d, item->next)->prev : &list->last, item->prev);
    put(d, item->prev ? &item_at(d, item->prev)->next : &list->first, item->next);
    put(d, &e->length, e->length - 1);
}

coral_shared_e coral_shared_list_pop(coral_shared_t *s, coral_key_t *key, int first, coral_value_t *value)
{
    coral_shared_e result;
    apr_int64_t now = 0;
    coral_list_t *list;
    coral_item_t *item;
    coral_entry_t *e;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    if (!(e = find_list(d, key, &result, &now)))
        return coral_shared_leave(d, result);
    list = coral_entry_value(e);
    item = item_at(d, first ? list->first : list->last);
    if (!coral_value_take(value, item->kind, item + 1, item->length))
        return coral_shared_leave(d, CORAL_SHARED_CUT);
    unlink_item(d, e, item);
    coral_arena_free(&d->arena, coral_arena_ref(&d->arena, item));
    if (!e->length)
        coral_dict_rid(d, e);
    coral_dict_commit(d);
    return coral_shared_leave(d, CORAL_SHARED_OK);
}

coral_shared_e coral_shared_list_length(coral_shared_t *s, coral_key_t *key, apr_uint32_t *length)
{
    coral_shared_e result;
    apr_int64_t now = 0;
    coral_entry_t *e;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    e = find_list(d, key, &result, &now);
    *length = e ? e->length : 0;
    return coral_shared_leave(d, result);
}
