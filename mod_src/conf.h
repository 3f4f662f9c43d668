/* SPDX-License-Identifier: Apache-2.0 */
/* conf.h - what the configuration says: records, defaults, merging. [start], or [r] for .htaccess; read-only afterwards. */
#ifndef CORAL_CONF_H
#define CORAL_CONF_H

#include "coral.h"
#include "tls_settings.h"

#define CORAL_NOT_IN_DIRECTORY (NOT_IN_DIRECTORY | NOT_IN_FILES | NOT_IN_HTACCESS)
#define CORAL_SERVER_ONLY (NOT_IN_DIR_CONTEXT | NOT_IN_HTACCESS)

/* The phases, one row each: name, the override it needs in .htaccess, where it may not stand, httpd's hook, our place in it, and
 * whether the first script that answers OK is the last (FIRST) or all are asked (ALL). HOOK rows are registered by phase.c as they
 * stand. The others happen elsewhere: states (mod_coral.c), filters (filter.c), or have a hook of a shape of its own (phase.c). */
#define CORAL_PHASES(HOOK, OTHER)                                                                  \
    OTHER(init, RSRC_CONF, CORAL_SERVER_ONLY)                                                      \
    OTHER(init_worker, RSRC_CONF, CORAL_SERVER_ONLY)                                               \
    OTHER(exit_worker, RSRC_CONF, CORAL_SERVER_ONLY)                                               \
    OTHER(quick, RSRC_CONF, CORAL_SERVER_ONLY)                                                     \
    HOOK(server_rewrite, RSRC_CONF, CORAL_SERVER_ONLY, post_read_request, APR_HOOK_MIDDLE, ALL)         \
    HOOK(translate_name, OR_FILEINFO, CORAL_NOT_IN_DIRECTORY, translate_name, APR_HOOK_MIDDLE, FIRST)     \
    HOOK(map_to_storage, RSRC_CONF, CORAL_SERVER_ONLY, map_to_storage, APR_HOOK_MIDDLE, FIRST)            \
    OTHER(set, OR_FILEINFO, 0)                                                                     \
    OTHER(rewrite, OR_FILEINFO, 0)                                                                 \
    HOOK(access, OR_AUTHCFG, 0, access, APR_HOOK_MIDDLE, ALL)                                           \
    HOOK(authn, OR_AUTHCFG, 0, authn, APR_HOOK_MIDDLE, FIRST)                                             \
    HOOK(authz, OR_AUTHCFG, 0, authz, APR_HOOK_MIDDLE, FIRST)                                             \
    HOOK(type, OR_FILEINFO, 0, type_checker, APR_HOOK_FIRST, FIRST)                                      \
    HOOK(fixup, OR_FILEINFO, 0, fixups, APR_HOOK_MIDDLE, ALL)                                           \
    HOOK(precontent, OR_FILEINFO, 0, fixups, APR_HOOK_REALLY_LAST, ALL)                                 \
    OTHER(insert_filter, OR_FILEINFO, 0)                                                           \
    OTHER(content, OR_FILEINFO, 0)                                                                 \
    OTHER(header_filter, OR_FILEINFO, 0)                                                           \
    OTHER(body_filter, OR_FILEINFO, 0)                                                             \
    HOOK(log, OR_FILEINFO, 0, log_transaction, APR_HOOK_MIDDLE, ALL)

typedef enum {
#define ROW(name, ...) CORAL_PHASE_##name,
    CORAL_PHASES(ROW, ROW)
#undef ROW
    CORAL_PHASE_COUNT
} coral_phase_e;

/* On-off settings, one row each: field, directive, default, where, what it is. */
#define CORAL_FLAGS(X)                                                                             \
    X(compat, "CoralCompat", 1, RSRC_CONF | ACCESS_CONF,                                           \
      "off: what Lua 5.1 and LuaJIT have and Lua 5.4 has not (unpack, setfenv, bit …) is left out")  \
    X(luasocket, "CoralLuaSocket", 1, RSRC_CONF | ACCESS_CONF,                                     \
      "off: require \"socket\", \"mime\" and \"ssl\" find the installed LuaSocket and LuaSec, whose threads wait") \
    X(error_page, "CoralErrorPage", 0, RSRC_CONF | ACCESS_CONF,                                    \
      "on: a failed script's message and traceback are shown to the client (for development)")     \
    X(check_client_abort, "CoralCheckClientAbort", 1, RSRC_CONF | ACCESS_CONF,                     \
      "off: a script that waits goes on when its client has hung up")                              \
    X(use_default_type, "CoralUseDefaultType", 1, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,          \
      "off: a response that names no content type has none")                                       \
    X(socket_log_errors, "CoralSocketLogErrors", 0, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,        \
      "on: what a socket's call fails with is logged, too")                                        \
    X(need_body, "CoralNeedRequestBody", 0, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,                 \
      "on: the body is read before a script runs")                                                 \
    X(http10_buffering, "CoralHttp10Buffering", 1, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,          \
      "off: to a client of HTTP/1.0 a response may go out before its length is known")             \
    X(transform_underscores, "CoralTransformUnderscoresInResponseHeaders", 1,                      \
      RSRC_CONF | ACCESS_CONF | OR_FILEINFO,                                                       \
      "off: in ngx.header an underscore is an underscore")                                         \
    X(internal, "CoralInternal", 0, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,                         \
      "on: 404 for who comes from outside; it is there for ngx.exec, captures and redirects of httpd's")  \
    X(map_to_storage, "CoralMapToStorage", 0, RSRC_CONF | ACCESS_CONF,                             \
      "on: requests of an app or of a Location's content hook walk through the file system too")

/* Times, one row each: field, directive, default in milliseconds, what it is. Written as 100, 100ms, 5s, 1min. */
#define CORAL_TIMES(X)                                                                             \
    X(connect_timeout, "CoralSocketConnectTimeout", 60000, "how long a socket's connect may take")  \
    X(send_timeout, "CoralSocketSendTimeout", 60000, "how long a socket may be unable to send")     \
    X(read_timeout, "CoralSocketReadTimeout", 60000, "how long a socket may wait for data")         \
    X(keepalive_timeout, "CoralSocketKeepaliveTimeout", 60000, "how long a pool keeps an idle connection; 0: for ever")

/* Sizes, one row each: field, directive, default in bytes, what it is. Written as 500k, 64m, 1g or bytes. */
#define CORAL_SIZES(X)                                                                             \
    X(body_buffer, "CoralBodyBufferSize", 64 * 1024, "so much of a request's body is kept in memory, the rest in a file")  \
    X(capture_max_size, "CoralCaptureMaxSize", 16 * 1024 * 1024,                                   \
      "how large the body of a response may be that ngx.location.capture keeps")

typedef enum { CORAL_EARLY, CORAL_MIDDLE, CORAL_LATE } coral_order_e;
typedef enum { CORAL_INHERIT_UNSET, CORAL_INHERIT_NONE, CORAL_INHERIT_BEFORE, CORAL_INHERIT_AFTER } coral_inherit_e;
typedef enum { CORAL_IN_FILE_OFF, CORAL_IN_FILE_CLEAN, CORAL_IN_FILE_ON } coral_in_file_e;
typedef enum { CORAL_RELOAD_STAT, CORAL_RELOAD_OFF, CORAL_RELOAD_ALWAYS } coral_reload_e;

/* How the code of a script is run; the names are known to lua_lib/coral/loader.lua too. */
typedef enum {
    CORAL_RUN_CHUNK,    /* the whole chunk, once per request, with globals of its own */
    CORAL_RUN_FUNCTION, /* a function the file defines, loaded once per state */
    CORAL_RUN_SCRIPT,   /* as a chunk; then the function `handle`, if it defined one */
    CORAL_RUN_APP       /* an adapter turns the file or directory into a function */
} coral_run_e;

/* A piece of Lua the configuration names. */
typedef struct coral_script_t {
    const char *key;      /* what it is, the same for the same code: states remember it by this */
    const char *file;     /* absolute path; for an inline block the configuration file it stands in */
    const char *text;     /* the inline block, else NULL */
    int line;             /* of the inline block's first line */
    const char *function; /* CORAL_RUN_FUNCTION: its name. CORAL_RUN_APP: the adapter's, NULL: find out */
    const char *prefix;   /* CORAL_RUN_APP: the url it is mounted at, "": everything, or it is not known */
    const char *home;     /* … of a folder: what comes first on package.path; else NULL */
    coral_run_e run;
    coral_order_e order;
    int of_directory;        /* stands in a <Directory> or .htaccess */
    int lasting;             /* lives as long as the child: its address may stand for the key */
    apr_array_header_t *set; /* phase set: result variable, then the texts (coral_text_t *) of the arguments */
} coral_script_t;

/* CoralApp: url prefix ("" = everything) and CoralMapHandler: pattern, each to a script. */
typedef struct {
    const char *prefix;
    const ap_regex_t *pattern;
    const coral_script_t *script;
    int interpolate; /* file or function hold $1 … */
} coral_route_t;

/* CoralSet: a variable and its text (variable.h). */
typedef struct {
    const char *name;
    const struct coral_text_t *text;
} coral_set_t;

typedef struct {
    const char *key; /* which states run this: group, package paths, CoralCompat … and init hooks in one string */
    const char *group, *package_path, *package_cpath;
    const char *environment; /* NULL: nothing said */
    apr_array_header_t *hooks[CORAL_PHASE_COUNT]; /* of const coral_script_t *; NULL: nothing said */
    unsigned int none; /* a bit for each phase: CoralHook PHASE none, what is above is not inherited */
    coral_inherit_e inherit;
    apr_array_header_t *routes; /* of coral_route_t */
    apr_array_header_t *sets;   /* of coral_set_t */
    const char *default_type;
    int reload;       /* coral_reload_e, -1: nothing said */
    int reload_every; /* seconds between two looks at the files */
#define X(field, ...) int field;
    CORAL_FLAGS(X) /* -1: nothing said */
#undef X
#define X(field, ...) apr_interval_time_t field;
    CORAL_TIMES(X) /* -1: nothing said, until merged */
#undef X
#define X(field, ...) apr_int64_t field;
    CORAL_SIZES(X) /* -1: nothing said, until merged */
#undef X
    const char *body_directory; /* CoralBodyTempPath; NULL: the system's for temporary files */
    int body_in_file;           /* coral_in_file_e, -1: nothing said */
    int pool_size;   /* of a socket's pool; 0: nothing said */
    int buffer_size; /* how much a socket reads at a time; 0: nothing said */
    coral_tls_settings_t tls;
} coral_conf_t;

/* CoralStates: per group and child process. */
typedef struct {
    int min, max;         /* states; max 0: as many as there are threads */
    int requests;         /* a state is closed after so many, 0: never */
    apr_int64_t memory;   /* … or over so many bytes, 0: never */
} coral_limits_t;

typedef struct {
    const char *library_path;
    int regex_cache, regex_match_limit; /* CoralRegexCacheMaxEntries, CoralRegexMatchLimit */
    apr_hash_t *limits;  /* group name -> coral_limits_t *; "" for everybody else */
    apr_hash_t *named;   /* <CoralLocation>: name with its @ -> ap_conf_vector_t * */
    apr_hash_t *filters; /* CoralInputFilter, CoralOutputFilter: lower-case name -> const coral_script_t * */
} coral_server_t;

void *coral_conf_create_dir(apr_pool_t *p, char *path);
void *coral_conf_merge_dir(apr_pool_t *p, void *above, void *below);
void *coral_conf_create_server(apr_pool_t *p, server_rec *s);
void *coral_conf_merge_server(apr_pool_t *p, void *above, void *below);

/* After group, a package path, CoralCompat, CoralEnvironment or an init hook changed: says anew which states run this. */
void coral_conf_rekey(apr_pool_t *p, coral_conf_t *conf);

void coral_conf_add_route(apr_pool_t *p, coral_conf_t *conf, coral_route_t route);

/* conf for an app that is a folder: its modules are found first, so it has states of its own. */
const coral_conf_t *coral_conf_at_home(apr_pool_t *p, const coral_conf_t *conf, const char *home);

/* The value of a flag, its default where nothing is said. */
enum {
#define X(field, directive, unset, ...) CORAL_DEFAULT_##field = unset,
    CORAL_FLAGS(X)
#undef X
};
#define coral_conf_flag(conf, field) ((conf)->field < 0 ? CORAL_DEFAULT_##field : (conf)->field)

#define coral_conf_of(r) ((const coral_conf_t *)ap_get_module_config((r)->per_dir_config, &coral_module))
#define coral_conf_of_server(s) ((coral_server_t *)ap_get_module_config((s)->module_config, &coral_module))

/* The value of a time, its default where nothing is said. */
enum {
#define X(field, directive, unset, ...) CORAL_DEFAULT_##field = unset,
    CORAL_TIMES(X)
#undef X
};
#define coral_conf_time(conf, field)                                                               \
    ((conf)->field < 0 ? apr_time_from_msec(CORAL_DEFAULT_##field) : (conf)->field)

/* The same for a size. */
enum {
#define X(field, directive, unset, ...) CORAL_DEFAULT_##field = unset,
    CORAL_SIZES(X)
#undef X
};
#define coral_conf_size(conf, field) ((conf)->field < 0 ? (apr_int64_t)CORAL_DEFAULT_##field : (conf)->field)

/* The limits of a group, as the main server says them. */
const coral_limits_t *coral_conf_limits(const char *group);

extern const char *const coral_phase_names[CORAL_PHASE_COUNT];

/* CORAL_PHASE_COUNT when there is none of that name. */
coral_phase_e coral_phase_by_name(const char *name);

#endif
