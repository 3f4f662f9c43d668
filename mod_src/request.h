/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - what we hang on a request_rec.
 *
 * A request keeps one Lua state from its first hook to its last (one for each group its configuration takes it through; the requests
 * it makes or is redirected to share it). */
#ifndef CORAL_REQUEST_H
#define CORAL_REQUEST_H

#include "body.h"
#include "conf.h"
#include "response.h"
#include "vm.h"

/* A Lua state the request uses. */
typedef struct coral_bond_t {
    coral_vm_t *vm;
    int on_lease;
    int ref;             /* registry slot of `r`, LUA_NOREF before the first run */
    apr_uint64_t serial; /* what the `r` of this request carries */
    struct coral_bond_t *next;
} coral_bond_t;

typedef struct {
    request_rec *r;
    void *scoreboard; /* its connection's handle, which httpd takes away while the request is parked */
    int first_status; /* what httpd had set: not 200 when this answers an error */
    coral_bond_t *bonds;
    coral_response_t response;
    coral_body_t *body;
    const char *exec_uri;            /* ngx.exec: where to go when the hook is over … */
    ap_conf_vector_t *exec_named;    /* … and the configuration of the named location, if it is one */
    ap_conf_vector_t *named;         /* the request came to a named location: its configuration; NULL: it did not */
    ap_conf_vector_t *mapped;        /* what it is merged onto */
    apr_table_t *variables;          /* names of the variables that scripts and CoralSet have set; NULL: none */
    struct coral_capture_t *capture; /* what this subrequest is for; NULL: it is nobody's capture */
    struct coral_capture_t *capturing;    /* the next subrequest is this one's */
    struct coral_capture_batch_t *batches; /* of captures that are not over */
    int ends_captures;               /* … at the latest with the request */
    coral_vm_t *ctx_vm;              /* ngx.ctx is given: it is in ctx_ref, a registry slot of that state */
    int ctx_ref;
    int reached;                     /* no other module has mapped the uri to something of its own */
    int claimed;                     /* not a file: no walk through the file system (route.h) */
    int declined;                    /* claimed, but the content hook did not want it: it starts again as a file */
    int header_filtered;             /* the scripts of header_filter have seen the response */
    int client_ended;                /* a script has read, or reads, the client's stream to its end: its going is no abort */
    int has_client_socket;           /* ngx.req.socket was called */
    int failed;                      /* a filter failed: they are left out of the error page */
    const coral_script_t *app;       /* with a home: it answers, or will probably; all scripts of the request run in its states */
    const coral_conf_t *app_conf, *app_below; /* the app's configuration, and what it is made of */
    apr_array_header_t *done;        /* scripts and variables of the first rewrite phase, not to be done again */
} coral_request_t;

/* [start] */
void coral_request_register(void);

/* [r] The record of a request, made if need be. */
coral_request_t *coral_request_of(request_rec *r);

/* [any] The same, NULL if there is none. r may be NULL. */
coral_request_t *coral_request_existing(request_rec *r);

/* [r] As coral_variable_set(), and remembers that it was set. */
const char *coral_request_set_variable(coral_request_t *rq, const char *name, const char *value);

/* [r] Sets what was set for the other request as it is there, or takes it away here; and remembers it. */
void coral_request_copy_variables(coral_request_t *rq, const coral_request_t *from);

/* [r] The content is done, or the request waits: the states it keeps may serve others. */
void coral_request_end_leases(coral_request_t *rq, int waits);

/* [any] To httpd's log; as the server's without a request (NULL). While a request is parked its connection is the MPM's: what httpd's log
 * wants to know of a connection is taken from a copy of what does not change, with the scoreboard handle it takes a client's by. */
void coral_request_log(coral_request_t *rq, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* [r] What its scripts run under: its configuration; from when an app in a folder is expected to answer it, as that app has it. */
const coral_conf_t *coral_request_conf(coral_request_t *rq);

/* [r] The state the request uses under conf: its own, its parent's, or one taken for it. NULL: there is none to be had. */
coral_bond_t *coral_request_bond(coral_request_t *rq, const coral_conf_t *conf);

/* [vm] Pushes the `r` of a bond. rq: whose it is, NULL for a timer. */
void coral_request_push(lua_State *L, coral_request_t *rq, coral_bond_t *bond);

/* What begins the userdata that stand for something of a request: what it is, told by an address, and whose. Checked by hand, for
 * luaL_checkudata() looks a name up each time, and a script touches `r` often. */
typedef struct {
    const char *kind;
    apr_uint64_t serial;
} coral_mark_t;

/* [vm] The userdata at index if it is of that kind, else NULL. */
void *coral_marked(lua_State *L, int index, const char *kind, apr_size_t size);

extern const char coral_r_kind[];

#define CORAL_R "coral.r" /* the metatable of `r` */

#endif
