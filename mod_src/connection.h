/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - what we hang on a conn_rec. */
#ifndef CORAL_CONNECTION_H
#define CORAL_CONNECTION_H

#include "coral.h"

typedef struct {
    struct coral_parked_t *parked; /* park.c's own; NULL: never had a parked request */
    int lasting;                   /* the child was not told to stop when it came */
    apr_uint32_t here;             /* threads that are at it: two would be a mistake */

    int stayed_for;          /* Lua has answered the request that was just served: it may be stayed on */
    int misses, skip, alone, worth; /* stay.c's own */
    struct coral_guest_t *guest; /* lounge.c's own; NULL: never was one */

    int pieces; /* stock.c's own */
    int soft; /* a flush does not wait for the client (response.c) */
    int soft_filter;
} coral_connection_t;

/* [r] NULL: none was made. */
#define coral_connection_of(c) ((coral_connection_t *)ap_get_module_config((c)->conn_config, &coral_module))

/* [r] */
coral_connection_t *coral_connection_make(conn_rec *c);

#endif
