/* SPDX-License-Identifier: Apache-2.0 */
/* stretch.h - one script that content flows through, piece by piece.
 *
 * Without FUNCTION (and in the phase body_filter) the script is a hook: called for each piece, with ngx.arg[1] the data and ngx.arg[2]
 * whether it is the last; what it leaves there goes on (OpenResty's body_filter_by_lua). With FUNCTION the function is a coroutine:
 * the first yield says that it is ready (and may bring something to begin with), then the global `bucket` is the piece and each yield
 * what goes on, until `bucket` is nil (mod_lua's filters). */
#ifndef CORAL_STRETCH_H
#define CORAL_STRETCH_H

#include "run.h"

/* So much content is gathered at the most before a script sees it. */
#define CORAL_PIECE (64 * 1024)

typedef struct {
    char *data; /* malloc */
    apr_size_t length;
    int last;
} coral_piece_t;

typedef struct coral_stretch_t coral_stretch_t;
struct coral_stretch_t {
    coral_stretch_t *next;
    const coral_script_t *script;
    const char *name; /* of the filter; NULL: the phase body_filter */
    enum { CORAL_STRETCH_NEW, CORAL_STRETCH_RUNNING, CORAL_STRETCH_OVER } state;
    coral_run_t run;
    coral_piece_t *in, *out; /* while a piece is in it; the same for a hook */
    int failed;
};

/* [r] */
coral_stretch_t *coral_stretch_make(request_rec *r, const char *name, const coral_script_t *script, coral_stretch_t *next);

/* [r] The piece goes in and what the script makes of it comes out. 0: the script failed, it is logged. */
int coral_stretch_run(coral_stretch_t *s, request_rec *r, coral_piece_t *piece);

/* [r] From a brigade, which is empty then. 0: no memory. */
int coral_piece_take(coral_piece_t *piece, apr_bucket_brigade *bb, int last);

/* [r] Into a brigade, without a copy. */
void coral_piece_put(coral_piece_t *piece, apr_bucket_brigade *bb);
void coral_piece_drop(coral_piece_t *piece);

#endif
