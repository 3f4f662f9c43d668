/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - requests that are not files.
 *
 * Apps, mapped handlers and content hooks of server or <Location> context claim their requests when the uri is translated, so
 * that httpd does not walk through the file system for them (as with ProxyPass: <Directory> and .htaccess do not apply, everything
 * said for the server and its <Location>s does). Those of a <Directory> or .htaccess are found when the content is wanted. */
#ifndef CORAL_ROUTE_H
#define CORAL_ROUTE_H

#include "request.h"

/* [r] The nth script to be asked for an answer to the request; NULL: there are no more. */
const coral_script_t *coral_route_of(request_rec *r, int nth);

/* [r] Before a script of the early phases: if an app will probably answer, the script runs in that one's state, with its ngx.ctx. */
void coral_route_expect(request_rec *r);

/* [start] After the hooks of phase.c, so that scripts of the same phases come first. */
void coral_route_register(void);

#endif
