/* SPDX-License-Identifier: Apache-2.0 */
#include "errlog.h"

#include <pthread.h>
#include <stdlib.h>

/* Log lines are written by any thread at any time, be it when the pools of the child are gone: this needs none. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* [lock] */
static struct {
    apr_size_t most, size;
    int level, open; /* in a child alone */
    coral_errlog_t *first, **last;
} kept = { .level = APLOG_TRACE8 };

void coral_errlog_keep(apr_size_t bytes)
{
    kept.most = bytes;
}

void coral_errlog_child_init(void)
{
    kept.open = kept.most > 0;
    kept.size = 0;
    kept.first = NULL;
    kept.last = &kept.first;
}

int coral_errlog_keeps(void)
{
    return kept.most > 0;
}

void coral_errlog_set_level(int level)
{
    pthread_mutex_lock(&lock);
    kept.level = level;
    pthread_mutex_unlock(&lock);
}

static apr_size_t size_of(const coral_errlog_t *message)
{
    return sizeof(*message) + message->length;
}

/* [lock] */
static coral_errlog_t *take(void)
{
    coral_errlog_t *message = kept.first;

    if (!message)
        return NULL;
    kept.size -= size_of(message);
    if (!(kept.first = message->next))
        kept.last = &kept.first;
    return message;
}

coral_errlog_t *coral_errlog_take(void)
{
    coral_errlog_t *message;

    pthread_mutex_lock(&lock);
    message = take();
    pthread_mutex_unlock(&lock);
    return message;
}

/* [lock] The oldest ones make room. */
static void add(coral_errlog_t *message)
{
    if (size_of(message) > kept.most) {
        free(message);
        return;
    }
    while (kept.size + size_of(message) > kept.most)
        free(take());
    kept.size += size_of(message);
    *kept.last = message;
    kept.last = &message->next;
}

static void on_error_log(const ap_errorlog_info *info, const char *text)
{
    apr_size_t length = strlen(text);
    coral_errlog_t *message;

    if (!kept.open || info->level > kept.level || !(message = malloc(sizeof(*message) + length)))
        return;
    message->next = NULL;
    message->time = apr_time_now();
    message->level = info->level;
    message->length = length;
    memcpy(message->text, text, length);
    pthread_mutex_lock(&lock);
    add(message);
    pthread_mutex_unlock(&lock);
}

void coral_errlog_register(void)
{
    kept.most = 0; /* of the configuration before a restart */
    ap_hook_error_log(on_error_log, NULL, NULL, APR_HOOK_MIDDLE);
}
