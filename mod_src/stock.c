/* SPDX-License-Identifier: Apache-2.0 */
#include "stock.h"

#include "sleeper.h"

#include "apr_allocator.h"

#define PIECE 8192                  /* what APR asks the kernel for at least */
#define LOOK apr_time_from_sec(3)   /* so often it is looked how many nobody has needed … */
#define PORTION 32                  /* … which go back to the kernel few at a time … */
#define PAUSE apr_time_from_msec(5) /* … with so long between */

static struct {
    apr_thread_mutex_t *lock;
    _Atomic int count;
    /* [lock] */
    apr_memnode_t *pieces;
    int least, surplus; /* the fewest there were since the last look; how many are to go back */
    int ticking;
    apr_time_t looked;
    coral_alarm_t tick;
    coral_sleeper_t on_tick;
} stock;

static void on_tick(coral_sleeper_t *s, coral_reason_e reason);

apr_status_t coral_stock_child_init(apr_pool_t *pchild)
{
    memset(&stock, 0, sizeof(stock));
    stock.on_tick.wake = on_tick;
    return apr_thread_mutex_create(&stock.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

apr_size_t coral_stock_bytes(void)
{
    return (apr_size_t)stock.count * PIECE;
}

/* [lock] At most so many, as a list. */
static apr_memnode_t *pop(int pieces)
{
    apr_memnode_t *first = stock.pieces, **end = &first;
    int i;

    for (i = 0; i < pieces && *end; i++)
        end = &(*end)->next;
    stock.pieces = *end;
    *end = NULL;
    stock.count -= i;
    if (stock.least > stock.count)
        stock.least = stock.count;
    if (stock.surplus > stock.count)
        stock.surplus = stock.count;
    return first;
}

/* APR has no other way. */
static void give_back(apr_memnode_t *pieces)
{
    apr_allocator_t *allocator;

    if (pieces && apr_allocator_create(&allocator) == APR_SUCCESS) {
        apr_allocator_free(allocator, pieces);
        apr_allocator_destroy(allocator);
    }
}

/* In the loop. */
static void on_tick(coral_sleeper_t *s, coral_reason_e reason)
{
    apr_memnode_t *pieces;
    apr_time_t now = apr_time_now();
    int portion;

    (void)s;
    (void)reason;
    apr_thread_mutex_lock(stock.lock);
    if (now - stock.looked >= LOOK) {
        stock.looked = now;
        stock.surplus = stock.least;
        stock.least = stock.count;
    }
    portion = stock.surplus < PORTION ? stock.surplus : PORTION;
    stock.surplus -= portion;
    pieces = pop(portion);
    if ((stock.ticking = stock.count > 0))
        coral_alarm_set(&stock.tick, &stock.on_tick, now + (stock.surplus ? PAUSE : LOOK));
    apr_thread_mutex_unlock(stock.lock);
    give_back(pieces);
}

/* [lock] */
static void push(apr_memnode_t *pieces)
{
    apr_memnode_t *next;

    for (; pieces; pieces = next) {
        next = pieces->next;
        pieces->next = stock.pieces;
        stock.pieces = pieces;
        stock.count++;
    }
    if (!stock.ticking && stock.count && coral_poller_start()) {
        stock.ticking = 1;
        stock.looked = apr_time_now();
        stock.least = stock.surplus = 0;
        coral_alarm_set(&stock.tick, &stock.on_tick, stock.looked + LOOK);
    }
}

/* An allocator gives what it has, else it asks the kernel: so no more than it has for certain. */
static void keep(apr_allocator_t *allocator, int pieces)
{
    apr_memnode_t *kept = NULL, *piece;

    while (pieces-- > 0 && (piece = apr_allocator_alloc(allocator, PIECE - APR_MEMNODE_T_SIZE))) {
        if (piece->endp - (char *)piece > PIECE) { /* it has none left of that size */
            apr_allocator_free(allocator, piece);
            break;
        }
        piece->next = kept;
        kept = piece;
    }
    apr_thread_mutex_lock(stock.lock);
    push(kept);
    apr_thread_mutex_unlock(stock.lock);
}

/* The pools of its requests have gone before it: what they had is free. */
static apr_status_t on_connection_end(void *c_)
{
    conn_rec *c = c_;

    keep(apr_pool_allocator_get(c->pool), coral_connection_of(c)->pieces);
    return APR_SUCCESS;
}

void coral_stock_note(conn_rec *c, int pieces)
{
    coral_connection_t *connection = coral_connection_make(c);

    if (!apr_pool_allocator_get(c->pool)) /* an APR that looks for mistakes has none */
        return;
    if (!connection->pieces)
        apr_pool_cleanup_register(c->pool, c, on_connection_end, apr_pool_cleanup_null);
    if (connection->pieces < pieces)
        connection->pieces = pieces;
}

void coral_stock_lend(conn_rec *c, int pieces)
{
    int wanted = pieces - coral_connection_make(c)->pieces;
    apr_memnode_t *lent;

    if (!stock.count || wanted <= 0)
        return;
    apr_thread_mutex_lock(stock.lock);
    lent = pop(wanted);
    apr_thread_mutex_unlock(stock.lock);
    if (!lent)
        return;
    apr_allocator_free(apr_pool_allocator_get(c->pool), lent);
    coral_stock_note(c, pieces);
}

void coral_stock_take(conn_rec *c)
{
    coral_connection_t *connection = coral_connection_make(c);

    if (!apr_pool_allocator_get(c->pool))
        return;
    keep(apr_pool_allocator_get(c->pool), 1);
    if (connection->pieces > 1)
        connection->pieces--;
}
