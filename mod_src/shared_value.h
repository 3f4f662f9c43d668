/* SPDX-License-Identifier: Apache-2.0 */
/* shared_value.h - values in the dictionaries of CoralSharedDict. [any], all of it; each call takes the lock itself. */
#ifndef CORAL_SHARED_VALUE_H
#define CORAL_SHARED_VALUE_H

#include "shared.h"

enum {
    CORAL_SHARED_ADD = 1,     /* only if there is none */
    CORAL_SHARED_REPLACE = 2, /* only if there is one */
    CORAL_SHARED_SAFE = 4     /* never at the expense of another entry */
};

coral_shared_e coral_shared_value_get(coral_shared_t *s, coral_key_t *key, int expired_too, coral_value_t *value);

/* A value of kind NIL: away with what is there. lasts: milliseconds, 0: for ever. forced: others that had not expired had to go. */
coral_shared_e coral_shared_value_store(coral_shared_t *s, coral_key_t *key, const coral_value_t *value, int how, apr_int64_t lasts,
                                        int *forced);

/* value: what to add, and then the sum. init: what to begin with where there is nothing, and for how long; NULL: not found. */
coral_shared_e coral_shared_value_incr(coral_shared_t *s, coral_key_t *key, coral_value_t *value, const coral_value_t *init,
                                       apr_int64_t lasts, int *forced);

#endif
