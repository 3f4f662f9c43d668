/* SPDX-License-Identifier: Apache-2.0 */
#include "timer.h"

#include <stdlib.h>

#define AGAIN apr_time_from_msec(50) /* where too many run a timer is put off for so long */
#define LOOK apr_time_from_msec(20)

typedef struct coral_timer_t {
    coral_run_t run; /* first */
    coral_turn_t turn;
    APR_RING_ENTRY(coral_timer_t) link;
    coral_sleeper_t sleeper;
    coral_alarm_t alarm;
    coral_conf_t conf;
    coral_bond_t bond;
    lua_CFunction main;
    int ref;
    apr_interval_time_t delay;
    int repeats, premature;
    int pending; /* [lock] */
} coral_timer_t;

static struct {
    apr_thread_mutex_t *lock;
    APR_RING_HEAD(timers_t, coral_timer_t) all;
    _Atomic int pending, running; /* changed under the lock, read without it: prefork ends a child in a signal handler */
    int most_pending, most_running;
    apr_time_t complained;
    _Atomic int stopping;
    coral_errand_t hurry;
} timers = { .most_pending = CORAL_TIMERS_PENDING, .most_running = CORAL_TIMERS_RUNNING };

void coral_timer_set_most(int pending, int running)
{
    timers.most_pending = pending;
    timers.most_running = running;
}

apr_status_t coral_timer_child_init(apr_pool_t *pchild)
{
    APR_RING_INIT(&timers.all, coral_timer_t, link);
    timers.pending = timers.running = timers.stopping = 0;
    timers.complained = 0;
    return apr_thread_mutex_create(&timers.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

int coral_timer_pending(void) { return timers.pending; }
int coral_timer_running(void) { return timers.running; }
int coral_timer_ref(coral_run_t *run) { return ((coral_timer_t *)run)->ref; }
int coral_timer_is_premature(coral_run_t *run) { return ((coral_timer_t *)run)->premature; }

static void post(coral_strand_t *s)
{
    coral_timer_t *timer = (coral_timer_t *)s;

    coral_vm_post(timer->bond.vm, &timer->turn);
}

/* [vm] */
static int on_turn(void *vm, void *timer_)
{
    coral_timer_t *timer = timer_;

    do
        if (coral_run_step(vm, &timer->run, timer->main))
            return 1;
    while (!coral_strand_sleep(&timer->run.strand));
    return 0;
}

static void set_alarm(coral_timer_t *timer, apr_interval_time_t delay);

/* It has run. */
static void after(void *timer_)
{
    coral_timer_t *timer = timer_;
    int again;

    apr_thread_mutex_lock(timers.lock);
    timers.running--;
    again = timer->repeats && !timers.stopping;
    if (again) {
        timer->pending = 1;
        timers.pending++;
    }
    else
        APR_RING_REMOVE(timer, link);
    apr_thread_mutex_unlock(timers.lock);
    coral_run_reset(&timer->run);
    if (again) {
        set_alarm(timer, timer->delay);
        return;
    }
    coral_vm_give(timer->bond.vm, timer->ref, 0);
    free(timer);
}

static void complain(void)
{
    apr_time_t now = apr_time_now();

    if (timers.complained && now - timers.complained < apr_time_from_sec(60))
        return;
    timers.complained = now;
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                 "%d timers run, as many as CoralMaxRunningTimers allows: others have to wait", timers.most_running);
}

/* Its time has come. In the loop, or told to hurry. */
static void on_alarm(coral_sleeper_t *s, coral_reason_e reason)
{
    coral_timer_t *timer = (coral_timer_t *)((char *)s - offsetof(coral_timer_t, sleeper));
    int now;

    (void)reason;
    apr_thread_mutex_lock(timers.lock);
    if (!timer->pending) { /* it was told to hurry at the same time */
        apr_thread_mutex_unlock(timers.lock);
        return;
    }
    timer->premature = timers.stopping;
    now = timers.running < timers.most_running || timers.stopping;
    if (now) {
        timer->pending = 0;
        timers.pending--;
        timers.running++;
    }
    else
        complain();
    apr_thread_mutex_unlock(timers.lock);
    if (now)
        post(&timer->run.strand);
    else
        set_alarm(timer, AGAIN);
}

static void set_alarm(coral_timer_t *timer, apr_interval_time_t delay)
{
    if (timers.stopping)
        delay = 0;
    coral_alarm_set(&timer->alarm, &timer->sleeper, apr_time_now() + delay);
}

/* Its own copy of what it is to know: the one who made it may be gone when it runs, and with it the texts and lists of its configuration.
 * Those that count are the state's as well; the others are for requests. */
static void keep_conf(coral_conf_t *own, const coral_conf_t *conf, const coral_conf_t *lasting)
{
    *own = *conf;
    own->key = lasting->key;
    own->group = lasting->group;
    own->package_path = lasting->package_path;
    own->package_cpath = lasting->package_cpath;
    own->environment = lasting->environment;
    memcpy(own->hooks, lasting->hooks, sizeof(own->hooks));
    own->routes = own->sets = NULL;
    own->default_type = own->body_directory = NULL;
    own->tls = *coral_tls_settings_keep(&conf->tls);
}

static void set_up(coral_timer_t *timer, coral_vm_t *vm, const coral_conf_t *conf)
{
    keep_conf(&timer->conf, conf, coral_vm_conf(vm));
    timer->bond.vm = vm;
    timer->bond.ref = LUA_NOREF;
    timer->run.conf = &timer->conf;
    timer->run.bond = &timer->bond;
    timer->run.name = "timer";
    timer->run.arg = LUA_NOREF;
    timer->run.strand.notify = post;
    timer->turn.run = on_turn;
    timer->turn.after = after;
    timer->turn.data = timer;
    timer->sleeper.wake = on_alarm;
}

const char *coral_timer_make(lua_State *L, lua_CFunction main, int ref, apr_interval_time_t delay, int repeats)
{
    coral_run_t *run = coral_run_of(L);
    const coral_conf_t *conf = run ? run->conf : ap_get_module_config(ap_server_conf->lookup_defaults, &coral_module);
    coral_timer_t *timer;
    const char *wrong = NULL;

    if (!coral_poller_start() || !(timer = calloc(1, sizeof(*timer))))
        return timers.stopping ? "process exiting" : "no memory";
    set_up(timer, coral_vm_of(L), conf);
    timer->main = main;
    timer->ref = ref;
    timer->delay = delay;
    timer->repeats = repeats;
    timer->pending = 1;
    apr_thread_mutex_lock(timers.lock);
    if (timers.stopping && delay > 0)
        wrong = "process exiting";
    else if (timers.pending >= timers.most_pending)
        wrong = "too many pending timers";
    else {
        timers.pending++;
        APR_RING_INSERT_TAIL(&timers.all, timer, coral_timer_t, link);
    }
    apr_thread_mutex_unlock(timers.lock);
    if (wrong) {
        free(timer);
        return wrong;
    }
    coral_vm_share(timer->bond.vm);
    coral_vm_end_lease(timer->bond.vm, 1);
    set_alarm(timer, delay);
    return NULL;
}

/* In a thread of the loop. */
static void hurry(coral_errand_t *errand)
{
    coral_timer_t *timer;

    (void)errand;
    apr_thread_mutex_lock(timers.lock);
    APR_RING_FOREACH(timer, &timers.all, coral_timer_t, link)
        if (timer->pending)
            coral_alarm_set(&timer->alarm, &timer->sleeper, apr_time_now());
    apr_thread_mutex_unlock(timers.lock);
}

void coral_timer_stop(void)
{
    timers.stopping = 1;
}

void coral_timer_finish(apr_interval_time_t most)
{
    apr_time_t until = apr_time_now() + most;

    timers.stopping = 1;
    if (!timers.pending && !timers.running)
        return;
    timers.hurry.run = hurry;
    coral_poller_post(&timers.hurry);
    while ((timers.pending || timers.running) && apr_time_now() < until)
        apr_sleep(LOOK);
    if (timers.running)
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf, "%d timers still run: they are left", timers.running);
}
