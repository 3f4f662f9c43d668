/* SPDX-License-Identifier: Apache-2.0 */
/* errlog.h - what a child of httpd writes to the error log, kept for Lua to read: the newest messages, up to a size. */
#ifndef CORAL_ERRLOG_H
#define CORAL_ERRLOG_H

#include "coral.h"

typedef struct coral_errlog_t coral_errlog_t;
struct coral_errlog_t {
    coral_errlog_t *next;
    apr_time_t time;
    int level; /* httpd's */
    apr_size_t length;
    char text[]; /* without time, level and place, which httpd puts before it */
};

/* [start] So many bytes are kept; 0: nothing is. */
void coral_errlog_keep(apr_size_t bytes);
void coral_errlog_register(void);
void coral_errlog_child_init(void);

/* [any] Whether something is. */
int coral_errlog_keeps(void);

/* [any] From now on only what is at least as urgent. */
void coral_errlog_set_level(int level);

/* [any] The oldest one, which is kept no more and is to be freed; NULL: there is none. */
coral_errlog_t *coral_errlog_take(void);

#endif
