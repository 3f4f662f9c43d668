/* SPDX-License-Identifier: Apache-2.0 */
/* job.h - a function of a module that runs in another Lua state, in a thread of the loop, while its caller waits. Those states serve no
 * requests; values go there and back as bytes (lua_lib/coral/worker_thread.lua). */
#ifndef CORAL_JOB_H
#define CORAL_JOB_H

#include "run.h"

#define CORAL_JOBS 10 /* at a time, where nobody says so */

/* [start] How many run at a time in a child of httpd; never more than half of the loop's threads. */
void coral_job_set_most(int most);

/* [vm] Begins; the wait, to be returned, ends with it: it pushes whether it went well, and bytes, or why not. vm: the caller's state;
 * those for this are made as it was. 0: too many run. */
int coral_job_begin(coral_wait_t *w, const coral_vm_t *vm, const char *module, const char *function, const char *input,
                    apr_size_t length);

#endif
