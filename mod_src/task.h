/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - coroutines. A task is one run of Lua code; it is stepped until it is done, fails, or has to wait.
 *
 * Waiting: a C function that Lua calls fills in a coral_wait_t and returns coral_task_wait(). The coroutine yields, the state is let
 * go, somebody sees to the wait, and the next step goes on in Lua with what results() pushes. The yield passes through coroutines
 * of the user's own (lua_lib/coral/coroutine.lua). */
#ifndef CORAL_TASK_H
#define CORAL_TASK_H

#include "vm.h"

typedef struct coral_task_t coral_task_t;
typedef struct coral_wait_t coral_wait_t;

struct coral_wait_t {
    void (*perform)(void *owner, coral_wait_t *w);  /* [r] what is waited for; the state is not held meanwhile */
    int (*results)(lua_State *L, coral_wait_t *w);  /* [vm] push what the Lua call returns; NULL: nothing */
};

typedef enum {
    CORAL_STEP_DONE,    /* the results are on the task's stack */
    CORAL_STEP_YIELDED, /* a yield of the user's own, its values are on the task's stack */
    CORAL_STEP_WAITING, /* coral_task_waiting() is to be performed */
    CORAL_STEP_EXITED,  /* by coral_task_exit() */
    CORAL_STEP_FAILED   /* the error is on the task's stack */
} coral_step_e;

/* [vm] A task that will call main with one argument, data. owner: for those whom Lua calls. NULL: no memory. */
coral_task_t *coral_task_spawn(coral_vm_t *vm, lua_CFunction main, void *data, void *owner);

/* [vm] Runs on until something happens. count: the values on top of the stack. */
coral_step_e coral_task_step(coral_task_t *task, int *count);

/* [vm] Its stack, with the results of a step on top. */
lua_State *coral_task_state(coral_task_t *task);

/* [vm] Closes what is to be closed and puts the coroutine back. The task is gone. Returns NULL, or what a __close raised. */
const char *coral_task_end(coral_task_t *task, char *error, apr_size_t size);

/* [vm] The error of a failed task as a text, with a one-line traceback. */
const char *coral_task_error(coral_task_t *task, apr_pool_t *p, const char **traceback);

/* [start] Where mod_coral's own Lua files are: left out of tracebacks. */
void coral_task_set_library(const char *path);

coral_wait_t *coral_task_waiting(coral_task_t *task);

/* [vm] Yields. Where Lua cannot yield (a sort's comparison, a gsub's replacement) it is an error: ask coral_task_can_wait() first if
 * there is another way. */
int coral_task_wait(lua_State *L, coral_wait_t *w);
int coral_task_can_wait(lua_State *L);

/* [vm] Never returns to Lua: the task ends here. Where Lua cannot yield it is an error that pcall and its kind do not keep
 * (lua_lib/coral/coroutine.lua). */
int coral_task_exit(lua_State *L);
int coral_task_is_exiting(lua_State *L);

/* [vm] Pushes what a waiting coroutine yields, and what it yields to a stranger, for coroutine.lua to know them by. */
void coral_task_push_marks(lua_State *L);

/* [vm] The owner of the task that runs, NULL if none does. */
void *coral_task_owner(lua_State *L);

#endif
