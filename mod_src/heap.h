/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - the memory of one Lua state. [vm], all of it.
 *
 * Lua asks for small blocks all the time and says how large a block was when it gives it back. So a block needs no header, a block given back
 * is the next one of its size, and no lock is taken: one thread at a time is in a state. What is larger comes from malloc. */
#ifndef CORAL_HEAP_H
#define CORAL_HEAP_H

#include "coral.h"

#define CORAL_HEAP_STEP 16
#define CORAL_HEAP_SIZES 32 /* blocks of up to 512 bytes are small */

/* Zeroed before its first use. */
typedef struct {
    apr_size_t bytes; /* that Lua has */
    void *free[CORAL_HEAP_SIZES];
    char *rest; /* of the newest chunk */
    apr_size_t left;
    void *chunks;
} coral_heap_t;

/* A lua_Alloc; the heap is its first argument. */
void *coral_heap_allocate(void *heap, void *block, size_t old, size_t size);

/* After lua_close(). */
void coral_heap_end(coral_heap_t *heap);

#endif
