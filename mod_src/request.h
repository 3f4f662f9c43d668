/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - what we hang on a request_rec, and one run of a script for it.
 *
 * A request keeps one Lua state from its first hook to its last (one for each group its configuration takes it through; the requests
 * it makes or is redirected to share it). Each run is a task of that state, driven on the thread that holds the request: when Lua
 * waits, the state is let go and the wait is performed here. */
#ifndef CORAL_REQUEST_H
#define CORAL_REQUEST_H

#include "body.h"
#include "conf.h"
#include "response.h"
#include "task.h"

/* A Lua state the request uses. */
typedef struct coral_bond_t {
    coral_vm_t *vm;
    int on_lease;
    int ref;             /* registry slot of `r`, LUA_NOREF before the first run */
    apr_uint64_t serial; /* what the `r` of this request carries */
    struct coral_bond_t *next;
} coral_bond_t;

typedef struct {
    request_rec *r;
    int first_status; /* what httpd had set: not 200 when this answers an error */
    coral_bond_t *bonds;
    coral_response_t response;
    coral_body_t body;
    const char *exec_uri;            /* ngx.exec: where to go when the hook is over */
    int reached;                     /* no other module has mapped the uri to something of its own */
    int claimed;                     /* not a file: no walk through the file system (route.h) */
    int declined;                    /* claimed, but the content hook did not want it: it starts again as a file */
    int header_filtered;             /* the scripts of header_filter have seen the response */
    int failed;                      /* a filter failed: they are left out of the error page */
    apr_array_header_t *done;        /* scripts and variables of the first rewrite phase, not to be done again */
} coral_request_t;

typedef enum {
    CORAL_NOTHING,  /* the hook returned nothing */
    CORAL_RETURNED, /* … a number: status */
    CORAL_EXITED,   /* ngx.exit(status) or one of its relatives */
    CORAL_FAILED    /* it is logged */
} coral_answer_e;

typedef struct coral_run_t coral_run_t;
struct coral_run_t {
    coral_request_t *rq;
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
    coral_task_t *task;
    coral_step_e step;
    int count;        /* values on the task's stack after a step */
    int arg;          /* registry slot of ngx.arg */
    coral_wait_t wait; /* flush, body: a run waits for one thing at a time */
    apr_time_t until; /* sleep */
};

/* [r] The record of a request, made if need be. */
coral_request_t *coral_request_of(request_rec *r);

/* [any] The same, NULL if there is none. r may be NULL. */
coral_request_t *coral_request_existing(request_rec *r);

/* [r] Runs a script of a phase to its end. */
void coral_request_run(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script);

/* [r] The content is done: the states the request keeps may serve others. */
void coral_request_end_leases(coral_request_t *rq);

/* [r] For runs that stop in between (a filter's coroutine yields and waits for the next bucket): begin, then any number of go_on, then
 * end. look is called in the state after each step, with the values of the yield on the task's stack. */
int coral_request_begin(coral_run_t *run, request_rec *r, coral_phase_e phase, const coral_script_t *script);
void coral_request_go_on(coral_run_t *run, coral_vm_job_fn *before, coral_vm_job_fn *after);
void coral_request_end(coral_run_t *run);

/* [vm] The run that called, NULL outside of requests. */
coral_run_t *coral_run_of(lua_State *L);

/* [vm] Pushes the `r` of the run. */
void coral_request_push(lua_State *L, coral_run_t *run);

/* What begins the userdata that stand for something of a request: what it is, told by an address, and whose. Checked by hand, for
 * luaL_checkudata() looks a name up each time, and a script touches `r` often. */
typedef struct {
    const char *kind;
    apr_uint64_t serial;
} coral_mark_t;

/* [vm] The userdata at index if it is of that kind, else NULL. */
void *coral_marked(lua_State *L, int index, const char *kind, apr_size_t size);

extern const char coral_r_kind[];

/* [start] Keeps a state's `main` (lua_lib/coral/main.lua), which is at the top of the stack, and pops it. */
void coral_request_set_main(lua_State *L);

#define CORAL_R "coral.r" /* the metatable of `r` */

#endif
