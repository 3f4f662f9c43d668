/* SPDX-License-Identifier: Apache-2.0 */
/* lend.h - a body for a subrequest: what another request has, or a text. It must last as long as the subrequest. */
#ifndef CORAL_LEND_H
#define CORAL_LEND_H

#include "body.h"

/* [r] What is read from the subrequest is the body, and never what the client sends. NULL: nothing. */
void coral_lend_body(request_rec *sub, const coral_body_t *body);

/* [r] The same for those who ask for a body that was kept: mod_proxy hands on no other one of a subrequest, mod_request has it from there. */
void coral_lend_kept(request_rec *sub, const coral_body_t *body);

#endif
