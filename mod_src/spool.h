/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - what is too much for memory: a file that has no name as long as nobody asks for one, so that the system takes it away with
 * its descriptor, whatever becomes of the process. Or a file of somebody else's, to read. [r] or [vm], whoever has it. */
#ifndef CORAL_SPOOL_H
#define CORAL_SPOOL_H

#include "coral.h"

typedef struct {
    int fd;     /* -1: there is none */
    char *name; /* malloc; NULL: it has none yet */
    int stays;  /* the file is not removed with it */
    const char *directory;
} coral_spool_t;

#define CORAL_SPOOL_NONE { -1, NULL, 0, NULL }

/* An empty one in a directory, whose name must last as long. */
apr_status_t coral_spool_make(coral_spool_t *spool, const char *directory);

/* One of a file that is there; its length. stays: see above. */
apr_status_t coral_spool_open(coral_spool_t *spool, const char *path, int stays, apr_off_t *length);

/* length bytes at an offset, or an error. */
apr_status_t coral_spool_write(coral_spool_t *spool, apr_off_t offset, const char *data, apr_size_t length);
apr_status_t coral_spool_read(const coral_spool_t *spool, apr_off_t offset, char *data, apr_size_t length);

/* Gives it a name if it has none. */
apr_status_t coral_spool_name(coral_spool_t *spool);

/* Closes it; there is none then. */
void coral_spool_drop(coral_spool_t *spool);

#endif
