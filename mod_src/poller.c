/* SPDX-License-Identifier: Apache-2.0 */
#include "poller.h"

#include "apr_portable.h"
#include "apr_signal.h"

#include <event2/thread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#define THREADS_AT_FIRST 2
#define RESERVE 1024 /* descriptors that are left to httpd, or a quarter */
#define TICK apr_time_from_msec(5) /* the deputy looks so often whether the leader is held up … */
#define MANY 256                   /* so many errands are worth a second thread; fewer cost less than to wake one */
#define WORTH 500                  /* … or so many microseconds of work, while processors are idle */
#define BUSY 4                     /* … if others get things done, only after so many looks … */
#define PATIENCE 20                /* … until nothing has happened for so many looks */

static struct {
    apr_pool_t *pool;
    struct event_base *base;
    coral_backend_e backend;
    int descriptors; /* of higher numbers are none of ours */

    apr_thread_mutex_t *lock;
    apr_thread_cond_t *wanted;  /* those who have nothing to do wait here … */
    apr_thread_cond_t *overdue; /* … and one of them, the deputy, here */
    APR_RING_HEAD(errands_t, coral_errand_t) errands;
    int waiting, work; /* how many, and how many microseconds they may take */
    int processors;
    apr_thread_t **threads;
    _Atomic int count;
    int max, idle, failed;
    int leading; /* a thread is in the loop: */
    apr_os_thread_t leader;
    int called; /* a thread is on its way to help */
    enum { ABSENT, WATCHING, ASLEEP, CALLED } deputy;
    unsigned int laps, done; /* how often the loop was left, how many errands were taken */
    int stopping;
    struct event call; /* brings the leader out of the loop */
} poller;

void coral_poller_set_backend(coral_backend_e backend)
{
    poller.backend = backend;
}

static const char *const methods[] = { NULL, "epoll", "poll", "select" };

int coral_poller_has_backend(coral_backend_e backend)
{
    const char **m;

    if (backend == CORAL_BACKEND_AUTO) /* asked, libevent keeps a list until the end of the process */
        return 1;
    for (m = event_get_supported_methods(); *m; m++)
        if (!strcmp(*m, methods[backend]))
            return 1;
    return 0;
}

/* Descriptors are given lowest first, so their number tells how many there are. */
static int count_descriptors(void)
{
    struct rlimit limit;
    rlim_t most = APR_INT32_MAX;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        most = limit.rlim_cur - (limit.rlim_cur / 4 < RESERVE ? limit.rlim_cur / 4 : RESERVE);
    if (poller.backend == CORAL_BACKEND_SELECT && most > FD_SETSIZE)
        most = FD_SETSIZE;
    return (int)most;
}

static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;
    const char **m;

    for (m = event_get_supported_methods(); poller.backend != CORAL_BACKEND_AUTO && *m; m++)
        if (strcmp(*m, methods[poller.backend]))
            event_config_avoid_method(config, *m);
    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER); /* else times are as coarse as the kernel's tick */
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

apr_status_t coral_poller_child_init(apr_pool_t *pchild)
{
    poller.pool = pchild;
    poller.base = NULL;
    poller.waiting = poller.work = poller.count = poller.idle = poller.leading = poller.stopping = poller.failed = poller.called = 0;
    poller.deputy = ABSENT;
    poller.processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (ap_mpm_query(AP_MPMQ_MAX_THREADS, &poller.max) != APR_SUCCESS || poller.max < 2 * THREADS_AT_FIRST)
        poller.max = 2 * THREADS_AT_FIRST;
    poller.threads = apr_pcalloc(pchild, poller.max * sizeof(*poller.threads));
    APR_RING_INIT(&poller.errands, coral_errand_t, link);
    apr_thread_cond_create(&poller.wanted, pchild);
    apr_thread_cond_create(&poller.overdue, pchild);
    poller.descriptors = count_descriptors();
    if (poller.backend == CORAL_BACKEND_SELECT) { /* its own descriptors have to be low ones */
        evthread_use_pthreads();
        poller.base = make_base();
    }
    return apr_thread_mutex_create(&poller.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

static _Thread_local apr_thread_t *self;

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused);

/* One more thread. The signals stay httpd's. [lock] */
static int add_thread(void)
{
    sigset_t all, before;
    apr_pool_t *p;
    apr_status_t rv;

    if (poller.count == poller.max)
        return 0;
    sigfillset(&all);
    apr_pool_create(&p, NULL);
    apr_pool_tag(p, "coral_poller_thread");
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = apr_thread_create(&poller.threads[poller.count], NULL, run, NULL, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, ap_server_conf, "a thread for the event loop cannot be made");
        apr_pool_destroy(p);
        return 0;
    }
    poller.count++;
    return 1;
}

static void on_call(evutil_socket_t fd, short what, void *unused)
{
    (void)fd;
    (void)what;
    (void)unused;
}

/* [lock] */
static int start(void)
{
    evthread_use_pthreads();
    if (!poller.base && !(poller.base = make_base())) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf, "libevent cannot make an event loop%s%s",
                     poller.backend ? " with " : "", poller.backend ? methods[poller.backend] : "");
        return 0;
    }
    event_assign(&poller.call, poller.base, -1, 0, on_call, NULL);
    while (poller.count < THREADS_AT_FIRST && add_thread())
        ;
    return poller.count > 0;
}

int coral_poller_start(void)
{
    int ok;

    if (!poller.lock)
        return 0;
    apr_thread_mutex_lock(poller.lock);
    if (!poller.count && !poller.failed && !poller.stopping)
        poller.failed = !start();
    ok = poller.count && !poller.stopping;
    apr_thread_mutex_unlock(poller.lock);
    return ok;
}

struct event_base *coral_poller_base(void) { return poller.base; }

const char *coral_poller_method(void)
{
    struct event_base *base = NULL;

    if (poller.lock) { /* it may be made at this moment */
        apr_thread_mutex_lock(poller.lock);
        base = poller.base;
        apr_thread_mutex_unlock(poller.lock);
    }
    return base ? event_base_get_method(base) : "none";
}

apr_thread_t *coral_poller_thread(void) { return self; }

int coral_poller_is_too_high(int fd)
{
    return fd >= poller.descriptors;
}

/* [lock] */
static int are_many(void)
{
    return poller.waiting >= MANY || (poller.work >= WORTH && poller.count - poller.idle < poller.processors);
}

/* Nobody waits in the loop meanwhile: the deputy is to be awake. To call a second thread costs more than most errands, so it is called
 * only when there are many. [lock] */
static void call_help(void)
{
    int many = !poller.called && are_many();

    if (many && poller.idle > (poller.deputy != ABSENT)) {
        poller.called = 1;
        apr_thread_cond_signal(poller.wanted);
    }
    else if (poller.deputy == ASLEEP || (many && poller.deputy == WATCHING)) {
        poller.deputy = many ? CALLED : WATCHING;
        poller.called = many;
        apr_thread_cond_signal(poller.overdue);
    }
}

void coral_poller_post(coral_errand_t *errand)
{
    coral_poller_post_work(errand, 0);
}

void coral_poller_post_work(coral_errand_t *errand, int microseconds)
{
    int somebody_leads;

    apr_thread_mutex_lock(poller.lock);
    APR_RING_INSERT_TAIL(&poller.errands, errand, coral_errand_t, link);
    poller.waiting++;
    poller.work += errand->cost = microseconds;
    somebody_leads = poller.leading && !apr_os_thread_equal(poller.leader, apr_os_thread_current());
    if (!poller.leading)
        call_help();
    apr_thread_mutex_unlock(poller.lock);
    if (somebody_leads)
        event_active(&poller.call, EV_READ, 0);
}

/* What the deputy does: it looks now and then whether the loop is left alone, because the thread that came from it is held up.
 * Returns when there is something to do. [lock] */
static void stand_by(void)
{
    int quiet = 0, busy = 0;

    poller.deputy = WATCHING;
    while (!poller.stopping && poller.deputy != CALLED) {
        unsigned int laps = poller.laps, done = poller.done;

        if (quiet >= PATIENCE && poller.leading) {
            poller.deputy = ASLEEP;
            while (poller.deputy == ASLEEP && !poller.stopping)
                apr_thread_cond_wait(poller.overdue, poller.lock);
            quiet = 0;
            continue;
        }
        apr_thread_cond_timedwait(poller.overdue, poller.lock, TICK);
        quiet = laps == poller.laps ? quiet + 1 : 0;
        busy = quiet && done != poller.done && poller.count - poller.idle >= poller.processors ? busy + 1 : 0;
        if (!poller.leading && quiet && (!busy || busy > BUSY) && poller.deputy == WATCHING)
            break;
    }
    poller.deputy = ABSENT;
}

/* [lock] */
static void rest(void)
{
    poller.idle++;
    if (poller.deputy == ABSENT)
        stand_by();
    else
        apr_thread_cond_wait(poller.wanted, poller.lock);
    poller.idle--;
    poller.called = 0;
    if (poller.deputy != ABSENT || poller.stopping)
        return;
    if (poller.idle) /* the next one stands by */
        apr_thread_cond_signal(poller.wanted);
    else
        add_thread();
}

/* [lock] */
static void lead(void)
{
    poller.leading = 1;
    poller.leader = apr_os_thread_current();
    apr_thread_mutex_unlock(poller.lock);
    event_base_loop(poller.base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
    apr_thread_mutex_lock(poller.lock);
    poller.leading = 0;
    poller.laps++;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    (void)unused;
    self = thread;
    apr_thread_mutex_lock(poller.lock);
    while (!poller.stopping) {
        if (!APR_RING_EMPTY(&poller.errands, coral_errand_t, link)) {
            coral_errand_t *errand = APR_RING_FIRST(&poller.errands);

            APR_RING_REMOVE(errand, link);
            poller.waiting--;
            poller.done++;
            poller.work -= errand->cost;
            if (!poller.leading)
                call_help();
            apr_thread_mutex_unlock(poller.lock);
            errand->run(errand);
            apr_thread_mutex_lock(poller.lock);
        }
        else if (!poller.leading)
            lead();
        else
            rest();
    }
    apr_thread_mutex_unlock(poller.lock);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

void coral_poller_stop(void)
{
    int i;

    if (!poller.lock || !poller.count)
        return;
    apr_thread_mutex_lock(poller.lock);
    poller.stopping = 1;
    apr_thread_cond_broadcast(poller.wanted);
    apr_thread_cond_broadcast(poller.overdue);
    apr_thread_mutex_unlock(poller.lock);
    event_active(&poller.call, EV_READ, 0);
    for (i = 0; i < poller.count; i++) {
        apr_status_t rv;

        apr_thread_join(&rv, poller.threads[i]);
    }
    poller.count = 0;
}
