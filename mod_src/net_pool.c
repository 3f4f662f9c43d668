/* SPDX-License-Identifier: Apache-2.0 */
#include "net_pool.h"

#include <stdlib.h>

struct coral_net_pool_t {
    char *name;
    int size, backlog; /* backlog -1: none was asked for, so the connections in use are not counted */
    int idle, active, waiting;
    APR_RING_HEAD(idle_nets_t, coral_net_t) nets; /* last used first */
    APR_RING_HEAD(waiters_t, coral_net_waiter_t) line;
};

static struct {
    apr_thread_mutex_t *lock;
    apr_pool_t *pool;
    apr_hash_t *pools; /* name -> coral_net_pool_t *; a pool nobody uses is taken out */
} all;

/* Connections that are kept are closed with the process. */
apr_status_t coral_net_pool_child_init(apr_pool_t *pchild)
{
    apr_pool_create(&all.pool, pchild);
    all.pools = apr_hash_make(all.pool);
    return apr_thread_mutex_create(&all.lock, APR_THREAD_MUTEX_DEFAULT, all.pool);
}

/* [lock] */
static coral_net_pool_t *pool_of(const char *name, int size, int backlog)
{
    coral_net_pool_t *pool = apr_hash_get(all.pools, name, APR_HASH_KEY_STRING);

    if (pool || !(pool = calloc(1, sizeof(*pool))))
        return pool;
    pool->name = strdup(name);
    pool->size = size > 0 ? size : 0; /* 0: the first connection that is kept says */
    pool->backlog = backlog;
    APR_RING_INIT(&pool->nets, coral_net_t, link);
    APR_RING_INIT(&pool->line, coral_net_waiter_t, link);
    apr_hash_set(all.pools, pool->name, APR_HASH_KEY_STRING, pool);
    return pool;
}

/* [lock] */
static void drop_if_unused(coral_net_pool_t *pool)
{
    if (pool->idle || pool->active || pool->waiting)
        return;
    apr_hash_set(all.pools, pool->name, APR_HASH_KEY_STRING, NULL);
    free(pool->name);
    free(pool);
}

/* [lock] */
static coral_net_t *take_idle(coral_net_pool_t *pool, coral_net_t *net)
{
    APR_RING_REMOVE(net, link);
    net->idle = 0;
    pool->idle--;
    return net;
}

/* It is watched no more. Not under the lock: who wakes it takes that. */
static int stop_watching(coral_net_t *net)
{
    coral_watch_cancel(&net->watch, &net->sleeper);
    return coral_net_is_good(net);
}

coral_pool_answer_e coral_net_pool_take(const char *name, int size, int backlog, coral_net_pool_t **pool_, coral_net_t **net,
                                        coral_net_waiter_t *waiter)
{
    coral_pool_answer_e answer = CORAL_POOL_OPEN;
    coral_net_pool_t *pool;

    *net = NULL;
    apr_thread_mutex_lock(all.lock);
    pool = *pool_ = pool_of(name, size, backlog);
    while (pool && !APR_RING_EMPTY(&pool->nets, coral_net_t, link)) {
        coral_net_t *candidate = take_idle(pool, APR_RING_FIRST(&pool->nets));

        pool->active++;
        apr_thread_mutex_unlock(all.lock);
        if (stop_watching(candidate)) {
            candidate->used++;
            *net = candidate;
            return CORAL_POOL_REUSED;
        }
        coral_net_close(candidate);
        apr_thread_mutex_lock(all.lock);
        pool->active--;
    }
    if (pool && pool->backlog >= 0 && pool->active >= pool->size) {
        answer = pool->waiting < pool->backlog ? CORAL_POOL_WAIT : CORAL_POOL_FULL;
        if (answer == CORAL_POOL_WAIT) {
            pool->waiting++;
            waiter->pool = waiter->from = pool;
            waiter->net = NULL;
            waiter->granted = 0;
            APR_RING_INSERT_TAIL(&pool->line, waiter, coral_net_waiter_t, link);
        }
    }
    else if (pool)
        pool->active++;
    apr_thread_mutex_unlock(all.lock);
    return answer;
}

int coral_net_pool_leave(coral_net_waiter_t *waiter)
{
    int in_line;

    apr_thread_mutex_lock(all.lock);
    in_line = waiter->pool != NULL;
    if (in_line) {
        APR_RING_REMOVE(waiter, link);
        waiter->pool->waiting--;
        drop_if_unused(waiter->pool);
        waiter->pool = NULL;
    }
    apr_thread_mutex_unlock(all.lock);
    return in_line;
}

/* The first in the line has his turn: with a connection, or NULL for the right to open one. Whether there was one. [lock] */
static int serve_line(coral_net_pool_t *pool, coral_net_t *net)
{
    coral_net_waiter_t *first;

    if (APR_RING_EMPTY(&pool->line, coral_net_waiter_t, link))
        return 0;
    first = APR_RING_FIRST(&pool->line);
    APR_RING_REMOVE(first, link);
    pool->waiting--;
    first->pool = NULL;
    first->net = net;
    first->granted = 1;
    first->call(first); /* it counts in the place of the one before */
    return 1;
}

void coral_net_pool_forget(coral_net_pool_t *pool)
{
    apr_thread_mutex_lock(all.lock);
    if (!serve_line(pool, NULL)) {
        pool->active--;
        drop_if_unused(pool);
    }
    apr_thread_mutex_unlock(all.lock);
}

/* In a thread of the loop: an idle connection is too old, closed by the other side, or it talks out of turn. */
static void close_idle(coral_errand_t *errand)
{
    coral_net_close((coral_net_t *)((char *)errand - offsetof(coral_net_t, errand)));
}

/* Called under a lock of the poller's, so the closing is left to somebody else. If it is being taken at this moment it is not idle any
 * more, and whoever takes it looks for himself. */
static void on_idle_end(coral_sleeper_t *s, coral_reason_e reason)
{
    coral_net_t *net = (coral_net_t *)((char *)s - offsetof(coral_net_t, sleeper));
    int idle;

    if (reason == CORAL_WOKEN_READY && coral_net_is_good(net)) { /* the loop tells of an answer that its receiver has read long ago */
        coral_watch_again(&net->watch, s);
        return;
    }
    apr_thread_mutex_lock(all.lock);
    if ((idle = net->idle)) {
        coral_net_pool_t *pool = net->pool;

        take_idle(pool, net);
        drop_if_unused(pool);
    }
    else
        net->stale = 1; /* it is about to become idle, or was taken: then nobody looks at this */
    apr_thread_mutex_unlock(all.lock);
    if (idle) {
        net->errand.run = close_idle;
        coral_poller_post(&net->errand);
    }
}

/* Puts it among the idle ones; returns the one that has to go for it, if any. [lock] */
static coral_net_t *insert(coral_net_pool_t *pool, coral_net_t *net, int size)
{
    coral_net_t *last = NULL;

    pool->active--;
    if (!pool->size)
        pool->size = size;
    if (net->stale) {
        drop_if_unused(pool);
        return net;
    }
    if (pool->idle >= pool->size)
        last = take_idle(pool, APR_RING_LAST(&pool->nets));
    net->pool = pool;
    net->idle = 1;
    pool->idle++;
    APR_RING_INSERT_HEAD(&pool->nets, net, coral_net_t, link);
    return last;
}

void coral_net_pool_keep(coral_net_t *net, coral_net_pool_t *pool, int size, apr_interval_time_t timeout)
{
    coral_net_t *last;
    int served;

    net->sleeper.wake = on_idle_end;
    net->stale = 0;
    apr_thread_mutex_lock(all.lock);
    served = serve_line(pool, net);
    apr_thread_mutex_unlock(all.lock);
    if (served)
        return;
    coral_watch_wait(&net->watch, &net->sleeper, CORAL_READ, timeout > 0 ? apr_time_now() + timeout : CORAL_NEVER);
    apr_thread_mutex_lock(all.lock);
    last = insert(pool, net, size);
    apr_thread_mutex_unlock(all.lock);
    if (last) {
        coral_watch_cancel(&last->watch, &last->sleeper);
        coral_net_close(last);
    }
}
