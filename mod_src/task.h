/* SPDX-License-Identifier: Apache-2.0 */
/* task.h - coroutines. A task is one coroutine of ours: the entry of a run, or a light thread. It is stepped until it is done, fails, or
 * has to wait.
 *
 * Waiting: a C function that Lua calls fills in the task's wait and returns coral_task_wait(). The coroutine yields, the state is let
 * go, somebody sees to the wait, and the next step goes on in Lua with what results() pushes. The yield passes through coroutines
 * of the user's own (lua_lib/coral/coroutine.lua). */
#ifndef CORAL_TASK_H
#define CORAL_TASK_H

#include "sleeper.h"
#include "vm.h"

typedef struct coral_task_t coral_task_t;
typedef struct coral_wait_t coral_wait_t;

/* What a task waits for: work on the connection of its request (perform), a descriptor (watch), a moment (until), or somebody who calls
 * wake(); the last three may go with a moment at which it is over anyway. */
struct coral_wait_t {
    coral_sleeper_t sleeper; /* first */
    coral_task_t *task;

    /* [r] 0: done. 1: to be called again, when what watch, direction and until say has come, or somebody has woken it. With block the
     * client is not waited for in this way, but by the call itself. */
    int (*perform)(void *owner, coral_wait_t *w, int block);
    coral_watch_t *watch;
    coral_direction_e direction;
    apr_time_t until;                              /* CORAL_NEVER: as long as it takes */
    void (*cancel)(coral_wait_t *w);               /* [vm] for those who are woken by wake(): they are not any more */
    int (*results)(lua_State *L, coral_wait_t *w); /* [vm] push what the Lua call returns; NULL: nothing */
    void *data;
    int *busy;           /* told that nobody waits any more, by 0, where the waiter is killed; NULL: nobody is */
    int reason;          /* coral_reason_e */
    coral_wait_t *link;  /* of whoever wakes it */

    /* strand.c's own */
    coral_wait_t *next, *next_woken;
    coral_alarm_t alarm;
    int alarmed, armed, pending;
    _Atomic int over;
};

typedef enum {
    CORAL_STEP_DONE,    /* the results are on the task's stack */
    CORAL_STEP_YIELDED, /* a yield of the user's own, its values are on the task's stack */
    CORAL_STEP_WAITING, /* for coral_task_waiting() */
    CORAL_STEP_EXITED,  /* by coral_task_exit() */
    CORAL_STEP_FAILED   /* the error is on the task's stack */
} coral_step_e;

/* [vm] A task that will call main with one argument, data. owner: for those whom Lua calls. NULL: no memory. */
coral_task_t *coral_task_spawn(coral_vm_t *vm, lua_CFunction main, void *data, void *owner);

/* [vm] A task of a coroutine that lasts as long as somebody has it: a light thread. The function and its count arguments are on top and
 * are popped; pushes the coroutine and the task, which lives as long as that value. */
coral_task_t *coral_task_spawn_thread(lua_State *L, int count);

/* [vm] Runs on until something happens. count: the values on top of the stack. */
coral_step_e coral_task_step(coral_task_t *task, int *count);

/* [vm] Its stack, with the results of a step on top. */
lua_State *coral_task_state(coral_task_t *task);

/* [vm] A task that waits is to be ended: the coroutines of the user's own in it are closed, from the inside out. */
void coral_task_unwind(coral_task_t *task);

/* [vm] Closes what is to be closed and puts the coroutine back. The task is gone. Returns NULL, or what a __close raised. */
const char *coral_task_end(coral_task_t *task, char *error, apr_size_t size);

/* [vm] The error of a failed task as a text, with a one-line traceback. */
const char *coral_task_error(coral_task_t *task, apr_pool_t *p, const char **traceback);

/* [start] Where mod_coral's own Lua files are: left out of tracebacks. */
void coral_task_set_library(const char *path);

coral_wait_t *coral_task_waiting(coral_task_t *task);

/* [vm] What strand.c and a topic know of a task. */
typedef struct {
    struct coral_strand_t *strand;
    coral_task_t *next, *next_ready;
    int ready;
    void (*on_end)(coral_task_t *task, coral_step_e step); /* of a light thread; its results or error are on its stack */
    coral_task_t *parent;
    coral_wait_t *joiner; /* waits for its end */
    int joined;
    int ref; /* registry slot that keeps it while it runs; 0: none */
    coral_step_e step; /* the last */
    int count;         /* of values after it */
} coral_task_note_t;
coral_task_note_t *coral_task_note(coral_task_t *task);

/* [vm] The task that runs, NULL if none does. */
coral_task_t *coral_task_current(lua_State *L);

/* [vm] The wait of the running task, empty, to be filled in; an error where Lua cannot yield. */
coral_wait_t *coral_task_new_wait(lua_State *L);

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
