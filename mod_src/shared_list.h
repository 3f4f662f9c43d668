/* SPDX-License-Identifier: Apache-2.0 */
/* shared_list.h - lists in the dictionaries of CoralSharedDict. [any], all of it; each call takes the lock itself. */
#ifndef CORAL_SHARED_LIST_H
#define CORAL_SHARED_LIST_H

#include "shared.h"

/* first: at the left end. length: how many there are now. */
coral_shared_e coral_shared_list_push(coral_shared_t *s, coral_key_t *key, const coral_value_t *value, int first,
                                      apr_uint32_t *length);
coral_shared_e coral_shared_list_pop(coral_shared_t *s, coral_key_t *key, int first, coral_value_t *value);
coral_shared_e coral_shared_list_length(coral_shared_t *s, coral_key_t *key, apr_uint32_t *length);

#endif
