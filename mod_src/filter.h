/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - Lua between handler and client: the phases header_filter and body_filter, CoralInputFilter and CoralOutputFilter. */
#ifndef CORAL_FILTER_H
#define CORAL_FILTER_H

#include "coral.h"

/* [start] The module's own filters. */
void coral_filter_register(void);

/* [start] Whether no filter but one of the administrator's has the name. */
int coral_filter_is_free(const char *name, int input);

/* [start] A filter of the administrator's, by its name (lower case); its script is looked up in the server's filters. */
void coral_filter_name(const char *name, int input);

/* [r] Puts in the filters the configuration asks for; the second one for error pages, which only have their headers filtered. */
void coral_filter_insert(request_rec *r);
void coral_filter_insert_error(request_rec *r);

/* [r] Answers 500 in place of whatever the handler will write. */
void coral_filter_refuse(request_rec *r);

#endif
