/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - other programs: started, watched, killed, and reaped by their own descriptor, so that nobody's SIGCHLD is touched and no
 * other child of this process is waited for. Needs Linux 5.3 (pidfd). */
#ifndef CORAL_PROCESS_H
#define CORAL_PROCESS_H

#include "sleeper.h"

#include <sys/types.h>

#define CORAL_PROCESSES 256 /* how many there may be where nobody says so */

typedef struct coral_process_t coral_process_t;
struct coral_process_t {
    coral_watch_t watch; /* readable when it has ended; .fd < 0: it never ran */
    pid_t pid;
    int ended;  /* reaped: */
    int signal; /* … it was ended by this one, 0: it has exited … */
    int status; /* … with this */

    /* process.c's own */
    coral_sleeper_t sleeper;
    coral_errand_t errand;
    coral_process_t *next, **here;
    int left;
};

/* What is to be run. */
typedef struct {
    char *const *argv; /* NULL at its end; the program is looked for in PATH */
    char *const *env;  /* "NAME=value", NULL at its end; NULL: the environment of httpd */
    int merge;         /* its errors go where its output goes */
} coral_command_t;

enum { CORAL_STDIN, CORAL_STDOUT, CORAL_STDERR };

/* [start] most: how many a child of httpd may have at a time; 0: no end. */
void coral_process_set_most(int most);
apr_status_t coral_process_child_init(apr_pool_t *pchild);
int coral_process_count(void);

/* [start] This process ends: all that run are killed. */
void coral_process_kill_all(void);

/* [any] Starts it. ends: this side of its three streams, which do not block; -1: merged. A program that is not to be found or run has
 * ended with status 1, as from a shell, and *unfit says why. NULL: see errno; ENOBUFS: there are too many. */
coral_process_t *coral_process_spawn(const coral_command_t *command, int ends[3], int *unfit);

/* [any, one at a time] Whether it has ended; it is reaped then. Does not wait. */
int coral_process_ended(coral_process_t *process);

/* [any] Nobody needs it any more: it is killed if it still runs, and reaped when it is dead. */
void coral_process_leave(coral_process_t *process);

#endif
