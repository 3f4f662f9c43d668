/* SPDX-License-Identifier: Apache-2.0 */
/* belonging.h - what a run of a script owns beside its memory, and lets go when it ends: sockets, processes. [vm], all of it. */
#ifndef CORAL_BELONGING_H
#define CORAL_BELONGING_H

/* Part of what is owned. Zeroed, or not in a list any more, before it is added. */
typedef struct coral_belonging_t coral_belonging_t;
struct coral_belonging_t {
    coral_belonging_t *next, **here;
    void (*let_go)(coral_belonging_t *b);
};

void coral_belonging_add(coral_belonging_t **list, coral_belonging_t *b, void (*let_go)(coral_belonging_t *b));
void coral_belonging_remove(coral_belonging_t *b);

/* Takes each out of the list, and lets it go. */
void coral_belonging_let_go(coral_belonging_t **list);

#endif
