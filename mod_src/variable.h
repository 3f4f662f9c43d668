/* SPDX-License-Identifier: Apache-2.0 */
/* variable.h - the variables of a request, by OpenResty's names (nginx's) and httpd's (ap_expr's), and texts that hold them.
 *
 * A name is looked up in this order: a request field (uri, args, remote_addr …), a prefix (http_, arg_, cookie_, sent_http_), what
 * CoralSet or ngx.var has set and the environment (subprocess_env), and, for names in capitals, httpd's own %{NAME}. */
#ifndef CORAL_VARIABLE_H
#define CORAL_VARIABLE_H

#include "coral.h"

/* [r] The value, from r->pool or longer-lived; NULL when there is none. */
const char *coral_variable_get(request_rec *r, const char *name);

/* [r] Sets one; value NULL takes it away. Returns NULL, or why it can not be set. */
const char *coral_variable_set(request_rec *r, const char *name, const char *value);

/* [any] Whether one of that name can be set: NULL, or why not, from p. */
const char *coral_variable_refused(apr_pool_t *p, const char *name);

/* A text in which $name and ${name} are variables and %{…} is what ap_expr makes of it; "$$" is a dollar sign. */
typedef struct coral_text_t coral_text_t;

/* [start] Returns NULL, or what is wrong with the text. */
const char *coral_text_parse(cmd_parms *cmd, const char *source, const coral_text_t **text);

/* [r] */
const char *coral_text_of(request_rec *r, const coral_text_t *text);

#endif
