/* SPDX-License-Identifier: Apache-2.0 */
/* coral.h - the ground floor: what every file of the module may take for granted.
 *
 * Tags in the other headers say which thread may call a function:
 *   [start]  configuration and child start, one thread
 *   [any]    any thread
 *   [r]      the thread that holds the request
 *   [vm]     whoever has the turn of that Lua state (vm.h); the request is held by the same thread
 * A first parameter `lua_State *L` means: may raise a Lua error or yield. Anything else never does.
 */
#ifndef CORAL_H
#define CORAL_H

#include "httpd.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "http_main.h"
#include "http_protocol.h"
#include "http_request.h"
#include "ap_expr.h"
#include "ap_mpm.h"
#include "apr_hash.h"
#include "apr_lib.h"
#include "apr_ring.h"
#include "apr_strings.h"
#include "apr_tables.h"
#include "apr_thread_cond.h"
#include "apr_thread_mutex.h"
#include "util_filter.h"

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#ifndef CORAL_VERSION
#define CORAL_VERSION "0.1.0"
#endif

/* Where `make install` puts lua_lib/; CoralLibraryPath overrides it. */
#ifndef CORAL_LUA_LIB
#define CORAL_LUA_LIB "/usr/local/share/coral-" CORAL_VERSION
#endif

extern module AP_MODULE_DECLARE_DATA coral_module;
APLOG_USE_MODULE(coral);

/* The handler name of SetHandler and AddHandler. */
#define CORAL_HANDLER "coral"

/* [any] Whether the child has been told to, in whichever way. */
static inline int coral_is_stopping(void)
{
    int state = 0;

    return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) != APR_SUCCESS || state == AP_MPMQ_STOPPING;
}

#endif
