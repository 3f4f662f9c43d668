/* SPDX-License-Identifier: Apache-2.0 */
/* stock.h - pieces of memory that connections pass on to each other.
 *
 * httpd's pools get their memory in pieces of 8 KB. A connection gives all of its own back to the kernel when it ends, unless it is one of
 * the few whose pools the MPM keeps (three quarters of the threads'). Each piece is a system call all other threads of the process wait
 * for, on all processors; for thousands of parked requests these were half of what they cost. So what a connection with a parked
 * request does not need any more is kept for the next one, and is the kernel's again when nobody has needed it for some seconds. */
#ifndef CORAL_STOCK_H
#define CORAL_STOCK_H

#include "connection.h"

#define CORAL_STOCK_REQUEST 2 /* pieces: for a request and the head that is read … */
#define CORAL_STOCK_ANSWER 4  /* … and when it has been answered */

/* [start] */
apr_status_t coral_stock_child_init(apr_pool_t *pchild);

/* [r] Gives the connection what it has less than so many, as far as there are any. */
void coral_stock_lend(conn_rec *c, int pieces);

/* [r] It has so many, whoever they are from: they come here at its end. */
void coral_stock_note(conn_rec *c, int pieces);

/* [r] It has let go of one that it does not need soon: that comes here now. */
void coral_stock_take(conn_rec *c);

/* [any] What is kept. */
apr_size_t coral_stock_bytes(void);

#endif
