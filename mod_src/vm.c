/* SPDX-License-Identifier: Apache-2.0 */
#include "vm.h"

#include "heap.h"

#include "apr_atomic.h"

#include <stdlib.h>

typedef struct states_t states_t;

struct coral_vm_t {
    APR_RING_ENTRY(coral_vm_t) link; /* in states_t.idle while nobody has it on lease */
    coral_vm_t *next;                /* in states_t.all */
    states_t *states;
    apr_pool_t *pool;
    lua_State *L;

    apr_uint32_t kilobytes; /* [any] of its heap, as of the last turn */

    /* [pool.lock] */
    int leases, users, served, retired;

    coral_turns_t turns;
    int *dropped, drops, drops_max; /* [turns.lock] */

    /* [vm] */
    void *current, *idle;
    apr_uint64_t serial;
    coral_heap_t heap;
};

/* The states of one key: same group, package paths, CoralCompat, CoralEnvironment, CoralLuaSocket and init hooks. */
struct states_t {
    coral_conf_t conf; /* what a new state is made for */
    coral_limits_t limits;
    int count;
    coral_vm_t *all;
    APR_RING_HEAD(idle_t, coral_vm_t) idle; /* last used first */
};

static struct {
    apr_pool_t *pool; /* used under lock only */
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *opened;
    apr_hash_t *states; /* key -> states_t */
    lua_CFunction open;
    int threads, count;
    apr_uint32_t closed; /* the child ends */
} pool;

static int on_panic(lua_State *L)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf, "lua: unprotected error: %s",
                 lua_isstring(L, -1) ? lua_tostring(L, -1) : "not a string");
    return 0;
}

static void close_vm(coral_vm_t *vm)
{
    if (vm->L)
        lua_close(vm->L);
    coral_heap_end(&vm->heap);
    free(vm->dropped);
    apr_pool_destroy(vm->pool);
}

/* Closes what nobody uses. Requests may still be there: connections that are being written to, a script that is stuck, and under
 * prefork whatever the signal that ends the child has interrupted. Their states are left to the end of the process, and no lock is
 * taken any more. */
static apr_status_t close_all(void *data)
{
    apr_hash_index_t *i;

    (void)data;
    apr_atomic_set32(&pool.closed, 1);
    for (i = apr_hash_first(NULL, pool.states); i; i = apr_hash_next(i)) {
        states_t *states = apr_hash_this_val(i);
        coral_vm_t *vm, *next;

        for (vm = states->all; vm; vm = next) {
            next = vm->next;
            if (!vm->turns.taken && !vm->users)
                close_vm(vm);
        }
        states->all = NULL;
    }
    return APR_SUCCESS;
}

apr_status_t coral_vm_child_init(apr_pool_t *pchild, lua_CFunction open)
{
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &pool.threads) != APR_SUCCESS || pool.threads < 1)
        pool.threads = 1;
    pool.open = open;
    pool.count = pool.closed = 0;
    apr_pool_create(&pool.pool, pchild);
    apr_pool_tag(pool.pool, "coral_vm");
    pool.states = apr_hash_make(pool.pool);
    apr_pool_pre_cleanup_register(pchild, NULL, close_all);
    apr_thread_cond_create(&pool.opened, pool.pool);
    return apr_thread_mutex_create(&pool.lock, APR_THREAD_MUTEX_DEFAULT, pool.pool);
}

/* The record of a key, copied from a configuration that may be a request's. [pool.lock] */
static states_t *states_of(const coral_conf_t *conf)
{
    states_t *states = apr_hash_get(pool.states, conf->key, APR_HASH_KEY_STRING);

    if (!states) {
        states = apr_pcalloc(pool.pool, sizeof(*states));
        states->conf.key = apr_pstrdup(pool.pool, conf->key);
        states->conf.group = apr_pstrdup(pool.pool, conf->group);
        states->conf.package_path = apr_pstrdup(pool.pool, conf->package_path);
        states->conf.package_cpath = apr_pstrdup(pool.pool, conf->package_cpath);
        states->conf.environment = conf->environment ? apr_pstrdup(pool.pool, conf->environment) : NULL;
        states->conf.compat = conf->compat;
        states->conf.luasocket = conf->luasocket;
        states->conf.hooks[CORAL_PHASE_init] = conf->hooks[CORAL_PHASE_init];
        states->limits = *coral_conf_limits(conf->group);
        if (states->limits.max < 1 || states->limits.max > pool.threads)
            states->limits.max = pool.threads;
        APR_RING_INIT(&states->idle, coral_vm_t, link);
        apr_hash_set(pool.states, states->conf.key, APR_HASH_KEY_STRING, states);
    }
    return states;
}

/* Registry slots that nobody needs any more. [turns.lock] */
static void drop_refs(void *vm_)
{
    coral_vm_t *vm = vm_;

    while (vm->drops)
        luaL_unref(vm->L, LUA_REGISTRYINDEX, vm->dropped[--vm->drops]);
}

static void note_memory(void *vm_)
{
    coral_vm_t *vm = vm_;

    apr_atomic_set32(&vm->kilobytes, (apr_uint32_t)(vm->heap.bytes / 1024));
}

static coral_vm_t *create(states_t *states)
{
    apr_pool_t *p;
    coral_vm_t *vm;

    apr_pool_create(&p, NULL); /* no parent: states are made by any thread */
    apr_pool_tag(p, "coral_vm_state");
    vm = apr_pcalloc(p, sizeof(*vm));
    vm->pool = p;
    vm->states = states;
    APR_RING_ELEM_INIT(vm, link);
    vm->leases = vm->users = vm->served = 1;
    coral_turns_init(&vm->turns, p, vm);
    vm->turns.begin = drop_refs;
    vm->turns.end = note_memory;
    vm->L = lua_newstate(coral_heap_allocate, &vm->heap);
    if (vm->L) {
        lua_atpanic(vm->L, on_panic);
        *(coral_vm_t **)lua_getextraspace(vm->L) = vm;
    }
    return vm;
}

typedef struct {
    int failed;
} opening_t;

static void open_state(coral_vm_t *vm, void *opening_)
{
    opening_t *opening = opening_;

    lua_pushcfunction(vm->L, pool.open);
    lua_pushlightuserdata(vm->L, &vm->states->conf);
    opening->failed = lua_pcall(vm->L, 1, 0, 0) != LUA_OK;
    if (opening->failed)
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf, "a Lua state cannot be made: %s",
                     lua_isstring(vm->L, -1) ? lua_tostring(vm->L, -1) : "the error is not a string");
    lua_settop(vm->L, 0);
}

/* Makes the state that take() has counted already. */
static coral_vm_t *open_new(states_t *states)
{
    coral_vm_t *vm = create(states);
    opening_t opening = { 1 };

    if (vm->L)
        coral_vm_run(vm, open_state, &opening);
    apr_thread_mutex_lock(pool.lock);
    if (opening.failed) {
        states->count--;
        pool.count--;
    }
    else {
        vm->next = states->all;
        states->all = vm;
    }
    apr_thread_cond_broadcast(pool.opened);
    apr_thread_mutex_unlock(pool.lock);
    if (opening.failed) {
        close_vm(vm);
        return NULL;
    }
    return vm;
}

/* All are on lease and no more may be made: the one with the fewest users. [pool.lock] */
static coral_vm_t *least_used(states_t *states)
{
    coral_vm_t *vm, *best = NULL;

    for (vm = states->all; vm; vm = vm->next)
        if (!vm->retired && (!best || vm->leases < best->leases))
            best = vm;
    return best;
}

/* The one used last of those nobody has on lease. A script that has waited may go on in one of them at this moment, and compute for long: then
 * rather another, or NULL when another may be made. [pool.lock] */
static coral_vm_t *idle(states_t *states)
{
    coral_vm_t *first = APR_RING_FIRST(&states->idle), *none = APR_RING_SENTINEL(&states->idle, coral_vm_t, link), *vm = first;

    while (vm != none && coral_turns_are_slow(&vm->turns))
        vm = APR_RING_NEXT(vm, link);
    if (vm != none)
        return vm;
    return first != none && states->count >= states->limits.max ? first : NULL;
}

/* A state that is there, or NULL when another may be made. [pool.lock] */
static coral_vm_t *existing(states_t *states)
{
    coral_vm_t *vm;

    for (;;) {
        if ((vm = idle(states))) {
            APR_RING_REMOVE(vm, link);
            return vm;
        }
        if (states->count < states->limits.max)
            return NULL;
        if ((vm = least_used(states)))
            return vm;
        apr_thread_cond_wait(pool.opened, pool.lock); /* the first ones are being made */
    }
}

coral_vm_t *coral_vm_take(const coral_conf_t *conf)
{
    states_t *states;
    coral_vm_t *vm;

    apr_thread_mutex_lock(pool.lock);
    states = states_of(conf);
    vm = existing(states);
    if (vm) {
        vm->leases++;
        vm->users++;
        vm->served++;
    }
    else {
        states->count++;
        pool.count++;
    }
    apr_thread_mutex_unlock(pool.lock);
    return vm ? vm : open_new(states);
}

void coral_vm_share(coral_vm_t *vm)
{
    apr_thread_mutex_lock(pool.lock);
    if (!vm->leases++ && !vm->retired)
        APR_RING_REMOVE(vm, link);
    vm->users++;
    apr_thread_mutex_unlock(pool.lock);
}

/* Whether the state has done its time. [pool.lock] */
static int spent(coral_vm_t *vm)
{
    const coral_limits_t *limits = &vm->states->limits;

    return (limits->requests && vm->served >= limits->requests)
           || (limits->memory && apr_atomic_read32(&vm->kilobytes) > limits->memory / 1024);
}

/* A state that has done its time gets no new requests. One whose request waits is the last to be taken, so that those who wait spread
 * over the states. [pool.lock] */
static void end_lease(coral_vm_t *vm, int waits)
{
    states_t *states = vm->states;

    vm->leases--;
    if (!vm->retired && spent(vm)) {
        vm->retired = 1;
        states->count--;
        pool.count--;
    }
    if (vm->leases || vm->retired)
        return;
    if (waits)
        APR_RING_INSERT_TAIL(&states->idle, vm, coral_vm_t, link);
    else
        APR_RING_INSERT_HEAD(&states->idle, vm, coral_vm_t, link);
}

/* Returns whether the state has to be closed, by the caller, after the lock. [pool.lock] */
static int end_use(coral_vm_t *vm)
{
    coral_vm_t **link;

    vm->users--;
    if (vm->users || !vm->retired)
        return 0;
    for (link = &vm->states->all; *link != vm; link = &(*link)->next)
        ;
    *link = vm->next;
    return 1;
}

static void retire(coral_vm_t *vm)
{
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, ap_server_conf, "a Lua state is closed after %d requests with %u kB",
                 vm->served, apr_atomic_read32(&vm->kilobytes));
    close_vm(vm);
}

/* Leaves a slot to whoever has the turn next. A slot that cannot be noted for want of memory is lost with the state. */
static void drop_ref(coral_vm_t *vm, int ref)
{
    apr_thread_mutex_lock(vm->turns.lock);
    if (!vm->turns.taken)
        luaL_unref(vm->L, LUA_REGISTRYINDEX, ref);
    else {
        if (vm->drops == vm->drops_max) {
            int more = vm->drops_max ? 2 * vm->drops_max : 8, *new = realloc(vm->dropped, more * sizeof(*new));

            if (new) {
                vm->dropped = new;
                vm->drops_max = more;
            }
        }
        if (vm->drops < vm->drops_max)
            vm->dropped[vm->drops++] = ref;
    }
    apr_thread_mutex_unlock(vm->turns.lock);
}

void coral_vm_end_lease(coral_vm_t *vm, int waits)
{
    apr_thread_mutex_lock(pool.lock);
    end_lease(vm, waits);
    apr_thread_mutex_unlock(pool.lock);
}

void coral_vm_give(coral_vm_t *vm, int ref, int on_lease)
{
    int over;

    if (apr_atomic_read32(&pool.closed))
        return;
    if (ref != LUA_NOREF)
        drop_ref(vm, ref);
    apr_thread_mutex_lock(pool.lock);
    if (on_lease)
        end_lease(vm, 0);
    over = end_use(vm);
    apr_thread_mutex_unlock(pool.lock);
    if (over)
        retire(vm);
}

int coral_vm_try(coral_vm_t *vm) { return coral_turns_try(&vm->turns); }
void coral_vm_post(coral_vm_t *vm, coral_turn_t *turn) { coral_turns_post(&vm->turns, turn); }
void coral_vm_leave(coral_vm_t *vm) { coral_turns_leave(&vm->turns); }

void coral_vm_run(coral_vm_t *vm, coral_vm_job_fn *job, void *data)
{
    int mine = coral_turns_enter(&vm->turns);

    job(vm, data);
    if (!mine)
        coral_turns_leave(&vm->turns);
}

int coral_vm_fits(const coral_vm_t *vm, const coral_conf_t *conf)
{
    return vm->states->conf.key == conf->key || !strcmp(vm->states->conf.key, conf->key);
}

const coral_conf_t *coral_vm_conf(const coral_vm_t *vm) { return &vm->states->conf; }
lua_State *coral_vm_state(coral_vm_t *vm) { return vm->L; }
coral_vm_t *coral_vm_of(lua_State *L) { return *(coral_vm_t **)lua_getextraspace(L); }
void *coral_vm_current(const coral_vm_t *vm) { return vm->current; }
void coral_vm_set_current(coral_vm_t *vm, void *current) { vm->current = current; }
void **coral_vm_idle(coral_vm_t *vm) { return &vm->idle; }
apr_uint64_t coral_vm_serial(coral_vm_t *vm) { return ++vm->serial; }
apr_size_t coral_vm_bytes(const coral_vm_t *vm) { return vm->heap.bytes; }

int coral_vm_count(void)
{
    int count;

    apr_thread_mutex_lock(pool.lock);
    count = pool.count;
    apr_thread_mutex_unlock(pool.lock);
    return count;
}

int coral_vm_in_use(void)
{
    apr_hash_index_t *i;
    coral_vm_t *vm;

    for (i = apr_hash_first(NULL, pool.states); i; i = apr_hash_next(i))
        for (vm = ((states_t *)apr_hash_this_val(i))->all; vm; vm = vm->next)
            if (vm->users)
                return 1;
    return 0;
}
