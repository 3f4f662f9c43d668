/* SPDX-License-Identifier: Apache-2.0 */
#include "heap.h"

#include <stdlib.h>

#define CHUNK (32 * 1024 - 32) /* with malloc's header still less than eight pages */

/* A sanitizer is to see every block. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SMALL 0
#else
#define SMALL (CORAL_HEAP_STEP * CORAL_HEAP_SIZES)
#endif

typedef struct block_t {
    struct block_t *next;
} block_t;

static int is_small(size_t size)
{
    return size <= SMALL;
}

/* Sizes are told apart in steps: 1 to 16 bytes are size 0. */
static int number_of(size_t size)
{
    return (int)((size - 1) / CORAL_HEAP_STEP);
}

static void put(coral_heap_t *heap, void *block, int number)
{
    ((block_t *)block)->next = heap->free[number];
    heap->free[number] = block;
}

/* What is left of the chunk before is not lost: it is a free block itself. */
static int add_chunk(coral_heap_t *heap)
{
    block_t *chunk = malloc(CHUNK);

    if (!chunk)
        return 0;
    if (heap->left)
        put(heap, heap->rest, number_of(heap->left));
    chunk->next = heap->chunks;
    heap->chunks = chunk;
    heap->rest = (char *)chunk + CORAL_HEAP_STEP;
    heap->left = CHUNK - CORAL_HEAP_STEP;
    return 1;
}

static void *take_small(coral_heap_t *heap, int number)
{
    size_t size = (size_t)(number + 1) * CORAL_HEAP_STEP;
    block_t *block = heap->free[number];

    if (block) {
        heap->free[number] = block->next;
        __builtin_prefetch(block->next, 1);
        return block;
    }
    if (heap->left < size && !add_chunk(heap))
        return NULL;
    block = (block_t *)heap->rest;
    heap->rest += size;
    heap->left -= size;
    return block;
}

static void *take(coral_heap_t *heap, size_t size)
{
    return is_small(size) ? take_small(heap, number_of(size)) : malloc(size);
}

static void give(coral_heap_t *heap, void *block, size_t size)
{
    if (is_small(size))
        put(heap, block, number_of(size));
    else
        free(block);
}

static void *resize(coral_heap_t *heap, void *block, size_t old, size_t size)
{
    void *new;

    if (!is_small(old) && !is_small(size))
        return realloc(block, size);
    if (is_small(old) && is_small(size) && number_of(old) == number_of(size))
        return block;
    if (!(new = take(heap, size)))
        return NULL;
    memcpy(new, block, old < size ? old : size);
    give(heap, block, old);
    return new;
}

void *coral_heap_allocate(void *heap_, void *block, size_t old, size_t size)
{
    coral_heap_t *heap = heap_;
    void *new = NULL;

    if (!block || !old) /* a new one: old says of what kind */
        new = size ? take(heap, size) : NULL;
    else if (size)
        new = resize(heap, block, old, size);
    else
        give(heap, block, old);
    if (new || !size)
        heap->bytes += size - (block ? old : 0);
    return new;
}

void coral_heap_end(coral_heap_t *heap)
{
    block_t *chunk, *next;

    for (chunk = heap->chunks; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    memset(heap, 0, sizeof(*heap));
}
