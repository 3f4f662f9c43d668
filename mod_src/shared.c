/* SPDX-License-Identifier: Apache-2.0 */
#include "shared.h"

#include "apr_shm.h"

/* --- which there are -------------------------------------------------------------------- */

static apr_array_header_t *declared; /* of coral_shared_t, in the pool of the configuration */

static apr_status_t forget(void *unused)
{
    (void)unused;
    declared = NULL;
    return APR_SUCCESS;
}

coral_shared_t *coral_shared_all(int *count)
{
    *count = declared ? declared->nelts : 0;
    return declared ? (coral_shared_t *)declared->elts : NULL;
}

const char *coral_shared_declare(cmd_parms *cmd, const char *name, apr_int64_t size)
{
    coral_shared_t *s;
    int i, count;

    if (size < CORAL_SHARED_SMALLEST || size > CORAL_ARENA_LARGEST)
        return apr_psprintf(cmd->pool, "CoralSharedDict: a size of %" APR_INT64_T_FMT " bytes is too %s; write something between "
                            "8k and 16g", size, size < CORAL_SHARED_SMALLEST ? "small" : "large");
    s = coral_shared_all(&count);
    for (i = 0; i < count; i++)
        if (!strcmp(s[i].name, name))
            return apr_psprintf(cmd->pool, "CoralSharedDict: %s has a dictionary \"%s\" already; take another name, or this line "
                                "away", s[i].place, name);
    if (!declared) {
        declared = apr_array_make(cmd->pool, 4, sizeof(coral_shared_t));
        apr_pool_cleanup_register(cmd->pool, NULL, forget, apr_pool_cleanup_null);
    }
    s = apr_array_push(declared);
    s->name = name;
    s->size = (apr_size_t)size;
    s->place = apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num);
    s->dict = NULL;
    return NULL;
}

/* --- their memory ----------------------------------------------------------------------- */

/* What outlasts a restart, and with it the code of this module: no pointer to anything of ours. */
typedef struct {
    apr_pool_t *pool; /* nobody's: the end of a child destroys the others while threads may still be reading */
    apr_size_t size;
    apr_uint64_t layout; /* another version of this module may come and find it */
    void *memory;
    int wanted;
} segment_t;

#define SEGMENTS "mod_coral: CoralSharedDict"
#define VERSION ((apr_uint64_t)1) /* one more whenever something in a segment means another thing than before */
#define LAYOUT (VERSION << 48 | (apr_uint64_t)sizeof(coral_dict_t) << 32 | sizeof(coral_entry_t) << 16 | sizeof(coral_item_t))

/* name -> segment_t */
static apr_hash_t *segments_of(apr_pool_t *process)
{
    void *segments = NULL;

    apr_pool_userdata_get(&segments, SEGMENTS, process);
    if (!segments) {
        segments = apr_hash_make(process);
        apr_pool_userdata_set(segments, SEGMENTS, NULL, process);
    }
    return segments;
}

static apr_status_t make_segment(apr_hash_t *segments, const coral_shared_t *s)
{
    apr_status_t rv;
    apr_pool_t *p;
    apr_shm_t *shm;
    segment_t *segment;

    if ((rv = apr_pool_create_unmanaged(&p)) != APR_SUCCESS)
        return rv;
    segment = apr_pcalloc(p, sizeof(*segment));
    if ((rv = apr_shm_create(&shm, s->size, NULL, p)) != APR_SUCCESS || !coral_dict_create(apr_shm_baseaddr_get(shm), s->size)) {
        apr_pool_destroy(p);
        return rv ? rv : APR_EGENERAL;
    }
    segment->pool = p;
    segment->size = s->size;
    segment->layout = LAYOUT;
    segment->memory = apr_shm_baseaddr_get(shm);
    apr_hash_set(segments, apr_pstrdup(p, s->name), APR_HASH_KEY_STRING, segment);
    return APR_SUCCESS;
}

static void remove_segment(apr_hash_t *segments, const char *name, segment_t *segment)
{
    apr_hash_set(segments, name, APR_HASH_KEY_STRING, NULL);
    apr_pool_destroy(segment->pool); /* children of the generation before have it mapped still */
}

static void remove_unwanted(apr_hash_t *segments, apr_pool_t *p)
{
    apr_hash_index_t *i;

    for (i = apr_hash_first(p, segments); i; i = apr_hash_next(i)) {
        segment_t *segment = apr_hash_this_val(i);

        if (!segment->wanted)
            remove_segment(segments, apr_hash_this_key(i), segment);
        else
            segment->wanted = 0;
    }
}

static apr_status_t open_one(apr_hash_t *segments, coral_shared_t *s, server_rec *server)
{
    segment_t *segment = apr_hash_get(segments, s->name, APR_HASH_KEY_STRING);
    apr_status_t rv = APR_SUCCESS;

    if (segment && (segment->size != s->size || segment->layout != LAYOUT)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server, "CoralSharedDict %s: its size was %" APR_SIZE_T_FMT " bytes, now it is %"
                     APR_SIZE_T_FMT "; it starts empty", s->name, segment->size, s->size);
        remove_segment(segments, s->name, segment);
        segment = NULL;
    }
    if (!segment && (rv = make_segment(segments, s)) == APR_SUCCESS)
        segment = apr_hash_get(segments, s->name, APR_HASH_KEY_STRING);
    if (!segment) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, rv, server,
                     "CoralSharedDict %s: there are no %" APR_SIZE_T_FMT " bytes of shared memory; make it smaller", s->name,
                     s->size);
        return rv;
    }
    segment->wanted = 1;
    s->dict = segment->memory;
    return APR_SUCCESS;
}

apr_status_t coral_shared_open(apr_pool_t *pconf, server_rec *server)
{
    apr_hash_t *segments = segments_of(server->process->pool);
    coral_shared_t *all;
    int i, count;

    all = coral_shared_all(&count);
    for (i = 0; i < count; i++) {
        apr_status_t rv = open_one(segments, &all[i], server);

        if (rv != APR_SUCCESS)
            return rv;
    }
    remove_unwanted(segments, pconf);
    return APR_SUCCESS;
}

/* --- the lock --------------------------------------------------------------------------- */

/* What a dead process had begun is undone. Should that not be enough, for it wrote where it had no business, the dictionary is
 * emptied. Returns what was wrong. */
static const char *mend(coral_dict_t *d)
{
    const char *wrong = coral_dict_check(d);

    if (!wrong)
        coral_dict_commit(d);
    else
        coral_dict_empty(d);
    return wrong;
}

coral_dict_t *coral_shared_enter(coral_shared_t *s)
{
    coral_dict_t *d = s->dict;
    const char *wrong;

    while (coral_arena_lock(&d->arena) != CORAL_ARENA_SOUND) {
        wrong = mend(d);
        coral_arena_unlock(&d->arena);
        if (wrong)
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                         "CoralSharedDict %s: a process died over it and left it damaged (%s): it has been emptied",
                         s->name, wrong);
        else
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                         "CoralSharedDict %s: a process died over it; what it had not finished is undone", s->name);
    }
    return d;
}

coral_shared_e coral_shared_leave(coral_dict_t *d, coral_shared_e result)
{
    coral_arena_unlock(&d->arena);
    return result;
}

/* --- how long entries last -------------------------------------------------------------- */

coral_shared_e coral_shared_ttl(coral_shared_t *s, coral_key_t *key, apr_int64_t *left)
{
    apr_int64_t now = 0;
    coral_entry_t *e;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    if (!(e = coral_dict_find(d, key)) || !coral_entry_is_valid(d, e, &now))
        return coral_shared_leave(d, CORAL_SHARED_NOT_FOUND);
    *left = coral_entry_expires(e);
    if (*left)
        *left -= coral_dict_clock(&now);
    return coral_shared_leave(d, CORAL_SHARED_OK);
}

/* An entry that has expired, and is still there, lives again: OpenResty has it so. */
coral_shared_e coral_shared_expire(coral_shared_t *s, coral_key_t *key, apr_int64_t lasts)
{
    apr_int64_t now = 0;
    coral_entry_t *e;
    coral_dict_t *d;

    coral_dict_hash(s->dict, key);
    d = coral_shared_enter(s);
    if (!(e = coral_dict_find(d, key)))
        return coral_shared_leave(d, CORAL_SHARED_NOT_FOUND);
    coral_dict_set_expiry(d, e, lasts, &now);
    coral_dict_commit(d);
    return coral_shared_leave(d, CORAL_SHARED_OK);
}

void coral_shared_flush(coral_shared_t *s)
{
    coral_dict_t *d = coral_shared_enter(s);

    coral_arena_put(&d->arena, &d->epoch, d->epoch + 1);
    coral_dict_commit(d);
    coral_shared_leave(d, CORAL_SHARED_OK);
}

apr_uint32_t coral_shared_flush_expired(coral_shared_t *s, apr_uint32_t most)
{
    coral_dict_t *d = coral_shared_enter(s);
    apr_uint32_t count = 0;
    coral_entry_t *e, *newer;
    apr_int64_t now = 0;

    for (e = coral_dict_oldest(d); e && (!most || count < most); e = newer) {
        newer = coral_dict_newer(d, e);
        if (!coral_entry_is_valid(d, e, &now)) {
            coral_dict_rid(d, e);
            coral_dict_commit(d);
            count++;
        }
    }
    coral_shared_leave(d, CORAL_SHARED_OK);
    return count;
}

/* --- all of them ------------------------------------------------------------------------- */

apr_size_t coral_shared_keys(coral_shared_t *s, apr_uint32_t most, char *buffer, apr_size_t room, apr_uint32_t *count)
{
    coral_dict_t *d = coral_shared_enter(s);
    apr_uint32_t found = 0;
    apr_size_t bytes = 0;
    coral_entry_t *e;
    apr_int64_t now = 0;

    *count = 0;
    for (e = coral_dict_oldest(d); e && (!most || found < most); e = coral_dict_newer(d, e)) {
        apr_uint16_t length = (apr_uint16_t)CORAL_ENTRY_KEY_LENGTH(e);

        if (!coral_entry_is_valid(d, e, &now))
            continue;
        found++;
        if (bytes + sizeof(length) + length <= room) {
            memcpy(buffer + bytes, &length, sizeof(length));
            memcpy(buffer + bytes + sizeof(length), CORAL_ENTRY_KEY(e), length);
            *count = found;
        }
        bytes += sizeof(length) + length;
    }
    coral_shared_leave(d, CORAL_SHARED_OK);
    return bytes;
}

apr_size_t coral_shared_free_bytes(coral_shared_t *s)
{
    coral_dict_t *d = coral_shared_enter(s);
    apr_size_t bytes = coral_arena_free_bytes(&d->arena);

    coral_shared_leave(d, CORAL_SHARED_OK);
    return bytes;
}

const char *coral_shared_check(coral_shared_t *s)
{
    coral_dict_t *d = coral_shared_enter(s);
    const char *wrong = coral_dict_check(d);

    coral_shared_leave(d, CORAL_SHARED_OK);
    return wrong;
}
