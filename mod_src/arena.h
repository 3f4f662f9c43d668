/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that several processes share, any of which may be killed at any moment.
 *
 * A segment begins with this record; then comes what its owner keeps at a fixed place (dict.h), then a heap. A place is told by
 * a ref, for each process may see the segment at an address of its own.
 *
 * Who changes something has the lock, and writes every word with coral_arena_put(), which notes what was there;
 * coral_arena_commit() forgets the notes. If a process dies before that, the next one that takes the lock puts the old words
 * back. So what stands between two commits happens as a whole or not at all. Only memory that was free at the last commit may be
 * written without put(): nobody looks at it when it is free again.
 *
 * A tag more: [locked] whoever has the lock. Meanwhile nothing is called that may wait, log or raise. */
#ifndef CORAL_ARENA_H
#define CORAL_ARENA_H

#include "coral.h"

#include <pthread.h>
#include <stdatomic.h>

/* So many words of four bytes from the begin of the segment; 0: nowhere. */
typedef apr_uint32_t coral_ref_t;

#define CORAL_ARENA_LARGEST ((apr_int64_t)16 << 30) /* what a ref can reach */
#define CORAL_ARENA_CLASSES 224
#define CORAL_ARENA_UNDO 128 /* no change between two commits touches more words; the longest known is about 80 */

typedef struct {
    pthread_mutex_t lock;
    coral_ref_t heap, end;                                /* the first block, the mark behind the last one */
    apr_uint32_t free;                                    /* units in free blocks */
    apr_uint32_t filled[CORAL_ARENA_CLASSES / 32];        /* a bit for each list that is not empty */
    coral_ref_t lists[CORAL_ARENA_CLASSES];               /* free blocks by size */
    apr_uint32_t undo_count;
    struct {
        coral_ref_t where;
        apr_uint32_t old;
    } undo[CORAL_ARENA_UNDO];
} coral_arena_t;

typedef enum {
    CORAL_ARENA_SOUND,
    CORAL_ARENA_MENDED /* a process died with the lock; what it had begun is undone */
} coral_arena_e;

/* [start] Makes a segment of `size` bytes of zeros at `memory`; the heap begins behind the first `head` bytes. 0: it is too
 * small. */
int coral_arena_create(void *memory, apr_size_t size, apr_size_t head);

/* [locked] Gives the heap back as it was new; no commit. */
void coral_arena_empty(coral_arena_t *a);

/* [any] */
coral_arena_e coral_arena_lock(coral_arena_t *a);
void coral_arena_unlock(coral_arena_t *a);

static inline void *coral_arena_at(const coral_arena_t *a, coral_ref_t ref)
{
    return (apr_uint32_t *)a + ref;
}

static inline coral_ref_t coral_arena_ref(const coral_arena_t *a, const void *place)
{
    return (coral_ref_t)((const apr_uint32_t *)place - (const apr_uint32_t *)a);
}

/* [locked] Notes a word that is about to change. A process dies between two of its instructions, and who takes the lock after it
 * sees all that it wrote: only the compiler has to be kept from writing in another order. */
static inline void coral_arena_keep(coral_arena_t *a, const apr_uint32_t *word)
{
    apr_uint32_t n = a->undo_count;

    ap_assert(n < CORAL_ARENA_UNDO);
    a->undo[n].where = coral_arena_ref(a, word);
    a->undo[n].old = *word;
    atomic_signal_fence(memory_order_seq_cst);
    a->undo_count = n + 1;
    atomic_signal_fence(memory_order_seq_cst);
}

/* [locked] *word = value, until the commit with a way back. */
static inline void coral_arena_put(coral_arena_t *a, apr_uint32_t *word, apr_uint32_t value)
{
    if (*word != value) {
        coral_arena_keep(a, word);
        *word = value;
    }
}

/* [locked] What was put since the last commit stays, or is undone. */
static inline void coral_arena_commit(coral_arena_t *a)
{
    if (!a->undo_count)
        return; /* others read the same line */
    atomic_signal_fence(memory_order_seq_cst);
    a->undo_count = 0;
    atomic_signal_fence(memory_order_seq_cst);
}
void coral_arena_undo(coral_arena_t *a);

/* [locked] A block of at least so many bytes, at a multiple of 8; 0: there is none. Until the commit it may be written plainly. */
coral_ref_t coral_arena_alloc(coral_arena_t *a, apr_size_t bytes);
void coral_arena_free(coral_arena_t *a, coral_ref_t ref);

/* [locked] Bytes a block holds; whether one for so many bytes would be smaller by more than the heap lets go unused. */
apr_size_t coral_arena_holds(const coral_arena_t *a, coral_ref_t ref);
int coral_arena_is_roomy(const coral_arena_t *a, coral_ref_t ref, apr_size_t bytes);

/* [locked] Whether an empty heap would have a block for so many bytes. */
int coral_arena_can_hold(const coral_arena_t *a, apr_size_t bytes);

/* [locked] Bytes in free blocks. */
apr_size_t coral_arena_free_bytes(const coral_arena_t *a);

/* [locked] NULL when the heap is in order, else what is wrong; blocks: how many are in use. Trusts nothing it reads. */
const char *coral_arena_check(const coral_arena_t *a, apr_uint32_t *blocks);

/* [locked] Whether ref is the block of somebody, as far as one can tell. For checks. */
int coral_arena_is_block(const coral_arena_t *a, coral_ref_t ref);

#endif
