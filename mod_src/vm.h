/* SPDX-License-Identifier: Apache-2.0 */
/* vm.h - Lua states: a pool of them in each child process.
 *
 * A state is an actor: anyone brings a job, one thread at a time has the turn and runs it, and no lock is held while Lua runs. A
 * request takes a state at its first hook and keeps it to its last one (what Lua remembers of it lives there). Up to the end of its
 * content it has the state on lease: others rather take one that nobody has on lease, the one used last first, then a new one, up
 * to one per thread; then they share. */
#ifndef CORAL_VM_H
#define CORAL_VM_H

#include "conf.h"
#include "turn.h"

typedef struct coral_vm_t coral_vm_t;
typedef void coral_vm_job_fn(coral_vm_t *vm, void *data);

/* [start] open fills a new state, under lua_pcall; it finds the configuration the state is made for as a light userdata at 1. */
apr_status_t coral_vm_child_init(apr_pool_t *pchild, lua_CFunction open);

/* [any] A state for a request that runs under conf, on lease. NULL: none can be made, the reason is logged. */
coral_vm_t *coral_vm_take(const coral_conf_t *conf);

/* [any] One more request, of the same thread, takes the state: a subrequest, an internal redirect. */
void coral_vm_share(coral_vm_t *vm);

/* [any] What is left to do for the request is little (filters, log), or it waits: others may have the state. */
void coral_vm_end_lease(coral_vm_t *vm, int waits);

/* [any] The request is over. ref is the registry slot that held what Lua knows of it, or LUA_NOREF. Does not wait. */
void coral_vm_give(coral_vm_t *vm, int ref, int on_lease);

/* [any] Runs a job on this thread when the state's turn comes. A job may bring another one to the same state. */
void coral_vm_run(coral_vm_t *vm, coral_vm_job_fn *job, void *data);

/* [any] The turn is taken when it comes, by a thread of the loop (turn.h). run() is told the state. */
void coral_vm_post(coral_vm_t *vm, coral_turn_t *turn);

/* [any] Takes the turn if the state is free, else returns 0; coral_vm_leave() gives it back. */
int coral_vm_try(coral_vm_t *vm);
void coral_vm_leave(coral_vm_t *vm);

/* Whether requests that run under conf use this state. */
int coral_vm_fits(const coral_vm_t *vm, const coral_conf_t *conf);

/* [any] What the state was made for, as long as the child lasts: of the configuration's texts and lists only those that its key says. */
const coral_conf_t *coral_vm_conf(const coral_vm_t *vm);

/* [vm] */
lua_State *coral_vm_state(coral_vm_t *vm);
coral_vm_t *coral_vm_of(lua_State *L);

/* [vm] What runs now, for whoever is called by Lua (task.c sets it). */
void *coral_vm_current(const coral_vm_t *vm);
void coral_vm_set_current(coral_vm_t *vm, void *current);

/* [vm] What task.c keeps for the state: idle coroutines. */
void **coral_vm_idle(coral_vm_t *vm);

/* [vm] A number no other call on this state returns. */
apr_uint64_t coral_vm_serial(coral_vm_t *vm);

/* [vm] Bytes that Lua has allocated. */
apr_size_t coral_vm_bytes(const coral_vm_t *vm);

/* [start] Whether a request has a state still. For the end of a child, when there are no other threads. */
int coral_vm_in_use(void);

/* [any] How many states this child has. */
int coral_vm_count(void);

#endif
