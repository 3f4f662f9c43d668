/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "apr_atomic.h"
#include "apr_file_io.h"

#include <stdlib.h>

typedef struct {
    apr_time_t mtime, ctime;
    apr_off_t size;
    apr_ino_t inode;
} stamp_t;

typedef struct {
    const char *path;
    coral_source_text_t *good; /* NULL: none yet */
    stamp_t stamp;             /* of the file as last read, good or not */
    apr_time_t looked;
    int missing; /* could not be read when last looked at */
} file_t;

static struct {
    apr_pool_t *pool; /* used under lock only */
    apr_thread_mutex_t *lock;
    apr_hash_t *files; /* path -> file_t; a file_t is never removed */
} store;

static apr_status_t give_all(void *data)
{
    apr_hash_index_t *i;

    (void)data;
    for (i = apr_hash_first(NULL, store.files); i; i = apr_hash_next(i)) {
        file_t *file = apr_hash_this_val(i);

        if (file->good)
            coral_source_give(file->good);
        file->good = NULL;
    }
    return APR_SUCCESS;
}

apr_status_t coral_source_child_init(apr_pool_t *pchild)
{
    apr_pool_create(&store.pool, pchild);
    apr_pool_tag(store.pool, "coral_source");
    store.files = apr_hash_make(store.pool);
    apr_pool_pre_cleanup_register(store.pool, NULL, give_all);
    return apr_thread_mutex_create(&store.lock, APR_THREAD_MUTEX_DEFAULT, store.pool);
}

/* Line feeds up to the line the text begins at, then the text: messages name the true line. */
typedef struct {
    int line;
    const char *text;
    apr_size_t length;
} reader_t;

static const char *read_on(lua_State *L, void *data, size_t *size)
{
    static const char feeds[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
    reader_t *reader = data;
    const char *text = reader->text;

    (void)L;
    if (reader->line > 1) {
        *size = reader->line - 1 < 16 ? reader->line - 1 : 16;
        reader->line -= (int)*size;
        return feeds;
    }
    *size = reader->length;
    reader->length = 0;
    return *size ? text : NULL;
}

/* A fresh state, for compiling only: the mistake is put into error. Returns whether the text is good. */
static int compiles(const char *text, apr_size_t length, const char *file, int line, char *error)
{
    lua_State *L = luaL_newstate();
    reader_t reader = { line, text, length };
    char name[APR_PATH_MAX];
    int good;

    *error = 0;
    if (!L)
        return 1; /* no memory: whoever loads it will say so */
    apr_snprintf(name, sizeof(name), "@%s", file);
    good = lua_load(L, read_on, &reader, name, "t") == LUA_OK;
    if (!good)
        apr_cpystrn(error, lua_tostring(L, -1), CORAL_SOURCE_ERROR);
    lua_close(L);
    return good;
}

/* A first line that begins with # is the system's (#!/usr/bin/lua), a byte order mark is nobody's: both become blank, so that
 * lines keep their numbers. */
static void blank_prologue(char *text, apr_size_t length)
{
    apr_size_t i = 0;

    if (length >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3))
        for (; i < 3; i++)
            text[i] = ' ';
    if (i < length && text[i] == '#')
        for (; i < length && text[i] != '\n'; i++)
            text[i] = ' ';
}

static apr_status_t look(const char *path, stamp_t *stamp, apr_pool_t *p)
{
    apr_finfo_t info;
    apr_status_t rv =
        apr_stat(&info, path, APR_FINFO_MTIME | APR_FINFO_CTIME | APR_FINFO_SIZE | APR_FINFO_INODE | APR_FINFO_TYPE, p);

    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE)
        return rv;
    if (info.filetype != APR_REG)
        return APR_EINVAL;
    memset(stamp, 0, sizeof(*stamp));
    stamp->mtime = info.mtime;
    stamp->ctime = info.ctime;
    stamp->size = info.size;
    stamp->inode = info.inode;
    return APR_SUCCESS;
}

static apr_status_t read_text(const char *path, apr_pool_t *p, coral_source_text_t **text)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_OS_DEFAULT, p);

    if (rv != APR_SUCCESS)
        return rv;
    if ((rv = apr_file_info_get(&info, APR_FINFO_SIZE, file)) == APR_SUCCESS) {
        coral_source_text_t *t = malloc(sizeof(*t) + (apr_size_t)info.size);

        if (!t)
            return APR_ENOMEM;
        t->holders = 1;
        t->version = 0;
        rv = apr_file_read_full(file, t->text, (apr_size_t)info.size, &t->length);
        if (rv == APR_SUCCESS || rv == APR_EOF) {
            rv = APR_SUCCESS;
            t->text[t->length] = 0;
            blank_prologue(t->text, t->length);
            *text = t;
        }
        else
            free(t);
    }
    apr_file_close(file);
    return rv;
}

const char *coral_source_check_text(apr_pool_t *p, const char *text, const char *file, int line)
{
    char error[CORAL_SOURCE_ERROR];

    return compiles(text, strlen(text), file, line, error) ? NULL : apr_pstrdup(p, error);
}

const char *coral_source_check_file(apr_pool_t *p, const char *path)
{
    coral_source_text_t *text;
    char error[CORAL_SOURCE_ERROR];
    apr_status_t rv = read_text(path, p, &text);

    if (rv != APR_SUCCESS)
        return apr_psprintf(p, "cannot read %s: %pm", path, &rv);
    rv = compiles(text->text, text->length, path, 1, error);
    coral_source_give(text);
    return rv ? NULL : apr_pstrdup(p, error);
}

/* The record of a file, made if need be. [store.lock] */
static file_t *file_of(const char *path)
{
    file_t *file = apr_hash_get(store.files, path, APR_HASH_KEY_STRING);

    if (!file) {
        file = apr_pcalloc(store.pool, sizeof(*file));
        file->path = apr_pstrdup(store.pool, path);
        apr_hash_set(store.files, file->path, APR_HASH_KEY_STRING, file);
    }
    return file;
}

/* Puts what was read into the record; what the record does not keep is given back. Returns whether a mistake is news for the log. */
static int keep(file_t *file, const stamp_t *stamp, coral_source_text_t *text, int good)
{
    coral_source_text_t *unused = text;
    int news;

    apr_thread_mutex_lock(store.lock);
    news = !good && file->good && !file->missing;
    file->missing = !text;
    if (text)
        file->stamp = *stamp;
    if (good) {
        unused = file->good;
        text->version = unused ? unused->version + 1 : 1;
        file->good = text;
    }
    apr_thread_mutex_unlock(store.lock);
    if (unused)
        coral_source_give(unused);
    return news;
}

/* Reads the file again if it changed. The lock is not held: reading and compiling take their time. */
static void refresh(file_t *file, stamp_t known, char *error)
{
    coral_source_text_t *text = NULL;
    stamp_t stamp;
    apr_pool_t *p;
    apr_status_t rv;
    int good;

    apr_pool_create(&p, NULL);
    rv = look(file->path, &stamp, p);
    if (rv == APR_SUCCESS && !memcmp(&stamp, &known, sizeof(stamp))) {
        apr_pool_destroy(p);
        return;
    }
    if (rv == APR_SUCCESS)
        rv = read_text(file->path, p, &text);
    if (rv != APR_SUCCESS)
        apr_snprintf(error, CORAL_SOURCE_ERROR, "cannot read %s: %pm", file->path, &rv);
    good = rv == APR_SUCCESS && compiles(text->text, text->length, file->path, 1, error);
    apr_pool_destroy(p);
    if (keep(file, &stamp, text, good))
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf, "%s; the version before it goes on serving", error);
}

apr_uint32_t coral_source_version(const char *path, apr_interval_time_t age, char error[CORAL_SOURCE_ERROR])
{
    apr_time_t now = apr_time_now();
    apr_uint32_t version;
    stamp_t known;
    file_t *file;
    int stale;

    *error = 0;
    apr_thread_mutex_lock(store.lock);
    file = file_of(path);
    stale = !file->good || now - file->looked >= age;
    if (stale)
        file->looked = now;
    known = file->stamp;
    if (!file->good)
        memset(&known, 0, sizeof(known)); /* nothing good yet: the reason is wanted again each time */
    apr_thread_mutex_unlock(store.lock);
    if (stale)
        refresh(file, known, error);
    apr_thread_mutex_lock(store.lock);
    version = file->good ? file->good->version : 0;
    apr_thread_mutex_unlock(store.lock);
    return version;
}

coral_source_text_t *coral_source_take(const char *path)
{
    coral_source_text_t *text;

    apr_thread_mutex_lock(store.lock);
    text = file_of(path)->good;
    if (text)
        apr_atomic_inc32(&text->holders);
    apr_thread_mutex_unlock(store.lock);
    return text;
}

void coral_source_give(coral_source_text_t *text)
{
    if (!apr_atomic_dec32(&text->holders))
        free(text);
}
