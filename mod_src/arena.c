/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#define UNIT 16       /* bytes; all blocks are multiples of it */
#define UNIT_WORDS 4
#define HEADER 8      /* bytes of a block that are ours while it is in use */
#define SPLIT 4       /* what would be left of a block is left in it when it is smaller than this */
#define LOOK 16       /* so many blocks of about the right size are looked at */

/* Blocks lie side by side. The size of the one before tells where it begins, so that neighbours which are free become one. */
typedef struct {
    apr_uint32_t size;   /* in units, twice, and 1 when it is in use */
    apr_uint32_t before; /* units of the block before, 0: there is none */
    coral_ref_t next, prev; /* in its list, while it is free */
} block_t;

#define USED(b) ((b)->size & 1)
#define UNITS(b) ((b)->size >> 1)

static block_t *block_at(const coral_arena_t *a, coral_ref_t ref) { return coral_arena_at(a, ref); }
static block_t *after(const coral_arena_t *a, const block_t *b)
{
    return block_at(a, coral_arena_ref(a, b) + UNITS(b) * UNIT_WORDS);
}

/* The list a free block is in: below 8 units one for each size, then 8 for each power of two. */
static int class_of(apr_uint32_t units)
{
    int log;

    if (units < 8)
        return (int)units;
    log = 31 - __builtin_clz(units);
    return (log - 2) * 8 + (int)((units >> (log - 3)) & 7);
}

static apr_uint32_t units_for(apr_size_t bytes)
{
    return (apr_uint32_t)((bytes + HEADER + UNIT - 1) / UNIT);
}

/* --- lists of free blocks ------------------------------------------------------------- */

static void link_block(coral_arena_t *a, block_t *b)
{
    coral_ref_t ref = coral_arena_ref(a, b);
    int class = class_of(UNITS(b));
    coral_ref_t *list = &a->lists[class];

    coral_arena_put(a, &b->next, *list);
    coral_arena_put(a, &b->prev, 0);
    if (*list)
        coral_arena_put(a, &block_at(a, *list)->prev, ref);
    else
        coral_arena_put(a, &a->filled[class / 32], a->filled[class / 32] | 1u << class % 32);
    coral_arena_put(a, list, ref);
    coral_arena_put(a, &a->free, a->free + UNITS(b));
}

static void unlink_block(coral_arena_t *a, block_t *b)
{
    int class = class_of(UNITS(b));

    if (b->next)
        coral_arena_put(a, &block_at(a, b->next)->prev, b->prev);
    if (b->prev)
        coral_arena_put(a, &block_at(a, b->prev)->next, b->next);
    else {
        coral_arena_put(a, &a->lists[class], b->next);
        if (!b->next)
            coral_arena_put(a, &a->filled[class / 32], a->filled[class / 32] & ~(1u << class % 32));
    }
    coral_arena_put(a, &a->free, a->free - UNITS(b));
}

/* The first list behind this one that has something; all it has is large enough. */
static int next_filled(const coral_arena_t *a, int class)
{
    int i = ++class / 32;
    apr_uint32_t bits;

    if (class >= CORAL_ARENA_CLASSES)
        return -1;
    for (bits = a->filled[i] & ~0u << class % 32; !bits; bits = a->filled[i])
        if (++i == CORAL_ARENA_CLASSES / 32)
            return -1;
    return i * 32 + __builtin_ctz(bits);
}

static block_t *find(const coral_arena_t *a, apr_uint32_t units)
{
    int class = class_of(units), look = LOOK;
    coral_ref_t ref;

    for (ref = a->lists[class]; ref && look--; ref = block_at(a, ref)->next)
        if (UNITS(block_at(a, ref)) >= units)
            return block_at(a, ref);
    class = next_filled(a, class);
    return class < 0 ? NULL : block_at(a, a->lists[class]);
}

/* --- blocks ---------------------------------------------------------------------------- */

coral_ref_t coral_arena_alloc(coral_arena_t *a, apr_size_t bytes)
{
    apr_uint32_t units = units_for(bytes), rest;
    block_t *b;

    if (!coral_arena_can_hold(a, bytes) || !(b = find(a, units)))
        return 0;
    unlink_block(a, b);
    coral_arena_keep(a, &b->next); /* the user's from now on, and needed again if it is never committed */
    coral_arena_keep(a, &b->prev);
    rest = UNITS(b) - units;
    if (rest >= SPLIT) {
        block_t *behind = after(a, b), *left = block_at(a, coral_arena_ref(a, b) + units * UNIT_WORDS);

        left->size = rest << 1; /* in the midst of what was free: nobody knows of it yet */
        left->before = units;
        coral_arena_put(a, &b->size, units << 1 | 1);
        coral_arena_put(a, &behind->before, rest);
        link_block(a, left);
    }
    else
        coral_arena_put(a, &b->size, b->size | 1);
    return coral_arena_ref(a, b) + HEADER / 4;
}

void coral_arena_free(coral_arena_t *a, coral_ref_t ref)
{
    block_t *b = block_at(a, ref - HEADER / 4), *behind = after(a, b);
    apr_uint32_t units = UNITS(b);

    if (!USED(behind)) {
        unlink_block(a, behind);
        units += UNITS(behind);
    }
    if (b->before) {
        block_t *front = block_at(a, coral_arena_ref(a, b) - b->before * UNIT_WORDS);

        if (!USED(front)) {
            unlink_block(a, front);
            units += UNITS(front);
            b = front;
        }
    }
    coral_arena_put(a, &b->size, units << 1);
    coral_arena_put(a, &after(a, b)->before, units);
    link_block(a, b);
}

apr_size_t coral_arena_holds(const coral_arena_t *a, coral_ref_t ref)
{
    return (apr_size_t)UNITS(block_at(a, ref - HEADER / 4)) * UNIT - HEADER;
}

int coral_arena_is_roomy(const coral_arena_t *a, coral_ref_t ref, apr_size_t bytes)
{
    return UNITS(block_at(a, ref - HEADER / 4)) >= units_for(bytes) + SPLIT;
}

int coral_arena_can_hold(const coral_arena_t *a, apr_size_t bytes)
{
    return bytes <= APR_UINT32_MAX && bytes <= ((apr_size_t)(a->end - a->heap)) * 4 - HEADER;
}

apr_size_t coral_arena_free_bytes(const coral_arena_t *a)
{
    return (apr_size_t)a->free * UNIT;
}

/* --- the segment ----------------------------------------------------------------------- */

void coral_arena_empty(coral_arena_t *a)
{
    block_t *first = block_at(a, a->heap), *end = block_at(a, a->end);
    apr_uint32_t units = (a->end - a->heap) / UNIT_WORDS;

    memset(a->lists, 0, sizeof(a->lists));
    memset(a->filled, 0, sizeof(a->filled));
    a->free = a->undo_count = 0;
    first->size = units << 1;
    first->before = 0;
    end->size = 1; /* of nothing, and never free */
    end->before = units;
    link_block(a, first);
    a->undo_count = 0;
}

static int make_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    int failed = pthread_mutexattr_init(&attr);

    if (failed)
        return failed;
    if (!(failed = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED))
        && !(failed = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST))
        && !(failed = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK)))
        failed = pthread_mutex_init(lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return failed;
}

int coral_arena_create(void *memory, apr_size_t size, apr_size_t head)
{
    coral_arena_t *a = memory;
    apr_size_t heap = APR_ALIGN(head, UNIT), end = (size - HEADER) / UNIT * UNIT;

    if (head > size || heap + SPLIT * UNIT > end)
        return 0;
    a->heap = (coral_ref_t)(heap / 4);
    a->end = (coral_ref_t)(end / 4);
    coral_arena_empty(a);
    return !make_lock(&a->lock);
}

/* From the last one to the first: a word that was put twice has its oldest value in the end. */
void coral_arena_undo(coral_arena_t *a)
{
    apr_uint32_t i;

    for (i = a->undo_count <= CORAL_ARENA_UNDO ? a->undo_count : 0; i--;)
        *(apr_uint32_t *)coral_arena_at(a, a->undo[i].where) = a->undo[i].old;
    coral_arena_commit(a);
}

coral_arena_e coral_arena_lock(coral_arena_t *a)
{
    int rv = pthread_mutex_lock(&a->lock);

    if (!rv)
        return CORAL_ARENA_SOUND;
    ap_assert(rv == EOWNERDEAD); /* nothing else can come: every owner who died is mended here */
    coral_arena_undo(a);
    pthread_mutex_consistent(&a->lock);
    return CORAL_ARENA_MENDED;
}

void coral_arena_unlock(coral_arena_t *a)
{
    pthread_mutex_unlock(&a->lock);
}

/* --- looking after it ------------------------------------------------------------------ */

int coral_arena_is_block(const coral_arena_t *a, coral_ref_t ref)
{
    const block_t *b;

    if (ref < a->heap + HEADER / 4 || ref >= a->end || (ref - HEADER / 4) % UNIT_WORDS)
        return 0;
    b = block_at(a, ref - HEADER / 4);
    return USED(b) && UNITS(b) && UNITS(b) <= (a->end - (ref - HEADER / 4)) / UNIT_WORDS && after(a, b)->before == UNITS(b);
}

static const char *check_blocks(const coral_arena_t *a, apr_uint32_t *used, apr_uint32_t *idle, apr_uint32_t *units)
{
    apr_uint32_t before = 0;
    coral_ref_t ref;
    int was_free = 0;

    for (ref = a->heap; ref < a->end; ref += before * UNIT_WORDS) {
        const block_t *b = block_at(a, ref);

        if (b->before != before)
            return "a block does not know the one before";
        before = UNITS(b);
        if (!before || before > (a->end - ref) / UNIT_WORDS)
            return "a block has an impossible size";
        if (!USED(b) && was_free)
            return "two free blocks side by side";
        was_free = !USED(b);
        *(was_free ? idle : used) += 1;
        if (was_free)
            *units += before;
    }
    return block_at(a, a->end)->before == before && block_at(a, a->end)->size == 1 ? NULL : "the end of the heap is overwritten";
}

const char *coral_arena_check(const coral_arena_t *a, apr_uint32_t *blocks)
{
    apr_uint32_t idle = 0, units = 0;
    const char *wrong;
    int class;

    *blocks = 0;
    if ((wrong = check_blocks(a, blocks, &idle, &units)))
        return wrong;
    if (units != a->free)
        return "the free bytes do not add up";
    for (class = 0; class < CORAL_ARENA_CLASSES; class++) {
        coral_ref_t ref, prev = 0;

        if (!a->lists[class] != !(a->filled[class / 32] & 1u << class % 32))
            return "a list of free blocks is not where it is looked for";
        for (ref = a->lists[class]; ref; prev = ref, ref = block_at(a, ref)->next) {
            if (ref < a->heap || ref >= a->end || ref % UNIT_WORDS || USED(block_at(a, ref))
                || class_of(UNITS(block_at(a, ref))) != class || block_at(a, ref)->prev != prev || !idle--)
                return "a list of free blocks is broken";
        }
    }
    return idle ? "a free block is in no list" : NULL;
}
