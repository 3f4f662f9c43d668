/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - one run of a script.
 *
 * A run is a strand (strand.h) of the state its request keeps. It is driven on the thread that holds the request: when Lua waits, the
 * state is let go and the thread waits. One that need not keep its thread is a trip (trip.h). */
#ifndef CORAL_RUN_H
#define CORAL_RUN_H

#include "park.h"
#include "belonging.h"
#include "request.h"
#include "strand.h"

typedef enum {
    CORAL_NOTHING,  /* the hook returned nothing */
    CORAL_RETURNED, /* … a number: status */
    CORAL_EXITED,   /* ngx.exit(status) or one of its relatives */
    CORAL_FAILED    /* it is logged */
} coral_answer_e;

typedef struct coral_run_t coral_run_t;
struct coral_run_t {
    coral_strand_t strand; /* first */
    coral_request_t *rq;   /* NULL: a timer's */
    coral_phase_e phase;
    const coral_script_t *script;
    const coral_conf_t *conf;
    void *data; /* of who made the run */

    /* Both in the coroutine, so they may raise. prepare: before the script, what it pushes is ngx.arg (nothing: there is none).
     * collect: the results are at first … top; NULL: a hook's answer is expected. */
    int (*prepare)(lua_State *L, coral_run_t *run);
    void (*collect)(lua_State *L, coral_run_t *run, int first);

    coral_answer_e answer;
    int status, exit_status;
    const char *name; /* of the filter, for messages */

    coral_bond_t *bond;
    int opened; /* the strand is there */
    int arg;    /* registry slot of ngx.arg */
    coral_task_t *on_abort; /* ngx.on_abort's thread, not started yet; NULL: none */
    int on_abort_ref;
    int aborted;
    coral_belonging_t *belongings;
};

/* [vm] The run that calls, NULL where none does (init hooks). */
coral_run_t *coral_run_of(lua_State *L);

/* [r] Runs a script of a phase to its end, on this thread. */
void coral_run_whole(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script);

/* [r] Its parts, for who has another way of waiting. set_up: 0: it has failed. */
int coral_run_set_up(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script);

/* [vm] As far as it can; the run is data. */
void coral_run_go(coral_vm_t *vm, void *run);

/* [r] Waits for it on this thread, to its end. */
void coral_run_finish(coral_run_t *run);

/* [r] The client is gone. Whether the script wants to go on all the same (ngx.on_abort): its function is called when it does. */
int coral_run_aborts(coral_run_t *run);

/* [r] Ends it. It has failed, without a word. */
void coral_run_kill(coral_run_t *run);

/* [r] For runs that stop in between (a filter's coroutine yields and waits for the next bucket): begin, then any number of go_on, then
 * end. after is called in the state when the entry has yielded, with the values on its stack, or is over. */
int coral_run_begin(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script);
void coral_run_go_on(coral_run_t *run, coral_vm_job_fn *before, coral_vm_job_fn *after);
void coral_run_end(coral_run_t *run);

/* [vm] A light thread has failed: for the log. */
void coral_run_report_thread(void *run, coral_task_t *task);

/* [vm] The name of its phase; "timer" for a timer's. */
const char *coral_run_phase(const coral_run_t *run);

/* [vm] One go of a run without a request, as far as it can; whether it is over. Then reset it before the next. */
int coral_run_step(coral_vm_t *vm, coral_run_t *run, lua_CFunction main);
void coral_run_reset(coral_run_t *run);

/* [vm] Where much is written that was not passed on, and the caller can wait: fills in its wait and returns 1. */
int coral_run_drain(lua_State *L, coral_run_t *run, int (*results)(lua_State *L, coral_wait_t *w));

/* [r] For perform(), without blocking: passes on what is written; 1: the client has to be waited for. */
int coral_run_push(coral_run_t *run, coral_wait_t *w, coral_push_e how);

/* [r] For perform(): the client is what is waited for. Returns 1, or 0 where there is nothing to wait with. */
int coral_run_wait_for_client(coral_run_t *run, coral_wait_t *w, coral_direction_e direction, apr_time_t until);

/* [start] Keeps a state's `main` (lua_lib/coral/loader.lua), which is at the top of the stack, and pops it. */
void coral_run_set_main(lua_State *L);

#endif
