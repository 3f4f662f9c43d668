/* SPDX-License-Identifier: Apache-2.0 */
/* sleeper.h - who waits in the loop.
 *
 * A sleeper waits for a moment (an alarm) or for a descriptor (a watch), up to a moment, or for a client to leave (a hang-up). It is woken
 * once, by the thread that leads (poller.h). What is set, watched or opened has to be cancelled or closed before its memory goes:
 * that waits for a callback which runs. */
#ifndef CORAL_SLEEPER_H
#define CORAL_SLEEPER_H

#include "poller.h"

typedef enum { CORAL_READ = 1, CORAL_WRITE = 2 } coral_direction_e;
typedef enum { CORAL_WOKEN_READY = 1, CORAL_WOKEN_TIMEOUT } coral_reason_e;

typedef struct coral_sleeper_t coral_sleeper_t;
struct coral_sleeper_t {
    void (*wake)(coral_sleeper_t *s, coral_reason_e reason); /* [any] short, takes no lock that is held across a call of this file */
};

/* A moment. Zeroed before its first use; its memory must last until cancelled or gone off. */
typedef struct {
    struct event event;
    coral_sleeper_t *sleeper;
    int assigned;
} coral_alarm_t;

/* A descriptor: one may wait to read, one to write. It stays with the loop between two waits. Zeroed before open. */
typedef struct {
    struct event in, out, alarm;
    int fd, open;
    /* [lock] */
    coral_sleeper_t *reader, *writer;
    apr_time_t reader_until, writer_until, alarm_at;
    int in_added;
} coral_watch_t;

/* A client that may go away. Zeroed before its first use. */
typedef struct {
    struct event event, again;
    coral_sleeper_t *sleeper;
    int fd, watching; /* [lock] */
} coral_hangup_t;

/* [start] */
apr_status_t coral_sleeper_child_init(apr_pool_t *pchild);

/* [any] */
void coral_alarm_set(coral_alarm_t *alarm, coral_sleeper_t *sleeper, apr_time_t when);
void coral_alarm_cancel(coral_alarm_t *alarm); /* it does not wake any more; waits for one that is just about to */

/* [any] */
void coral_watch_open(coral_watch_t *watch, int fd);
void coral_watch_close(coral_watch_t *watch); /* the descriptor is still the caller's */
void coral_watch_wait(coral_watch_t *watch, coral_sleeper_t *sleeper, coral_direction_e direction, apr_time_t until);
void coral_watch_cancel(coral_watch_t *watch, coral_sleeper_t *sleeper);

/* For a reader's wake(): it was woken for something that somebody else has read meanwhile, and goes on waiting. */
void coral_watch_again(coral_watch_t *watch, coral_sleeper_t *sleeper);

/* [any] Wakes when the other side of a connection hangs up. */
void coral_hangup_watch(coral_hangup_t *hangup, coral_sleeper_t *sleeper, int fd);
void coral_hangup_cancel(coral_hangup_t *hangup);

#endif
