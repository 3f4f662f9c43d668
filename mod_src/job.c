/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include <pthread.h>

typedef struct {
    coral_errand_t errand;
    apr_pool_t *p; /* all of it */
    coral_conf_t conf;
    const char *module, *function, *input, *output;
    apr_size_t input_length, output_length;
    int ok;
    int done;           /* [lock] */
    coral_wait_t *wait; /* [lock] NULL: nobody waits any more */
} job_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int running, most = CORAL_JOBS; /* [lock] */

void coral_job_set_most(int jobs)
{
    most = jobs;
}

/* No more than half of the loop's threads are kept from the loop. */
static int may_begin(void)
{
    int threads = 1, ok;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    pthread_mutex_lock(&lock);
    ok = running < most && (running < 2 || running < threads / 2);
    running += ok;
    pthread_mutex_unlock(&lock);
    return ok;
}

/* Calls `work` of coral.worker_thread: whether it went well, and bytes. */
static int call_work(lua_State *L)
{
    job_t *job = lua_touserdata(L, 1);
    const char *bytes;
    size_t length;

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "coral.worker_thread");
    lua_getfield(L, -1, "work");
    lua_pushstring(L, job->module);
    lua_pushstring(L, job->function);
    lua_pushlstring(L, job->input, job->input_length);
    lua_call(L, 3, 2);
    job->ok = lua_toboolean(L, -2);
    bytes = luaL_tolstring(L, -1, &length);
    job->output = apr_pmemdup(job->p, bytes, length);
    job->output_length = length;
    return 0;
}

static void run(coral_vm_t *vm, void *job_)
{
    job_t *job = job_;
    lua_State *L = coral_vm_state(vm);

    lua_pushcfunction(L, call_work);
    lua_pushlightuserdata(L, job);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK && lua_isstring(L, -1)) {
        job->output = apr_pstrdup(job->p, lua_tostring(L, -1));
        job->output_length = strlen(job->output);
    }
    lua_settop(L, 0);
}

/* In a thread of the loop. */
static void on_job(coral_errand_t *errand)
{
    job_t *job = (job_t *)((char *)errand - offsetof(job_t, errand));
    coral_vm_t *vm = coral_vm_take(&job->conf);
    int wanted;

    if (vm) {
        coral_vm_run(vm, run, job);
        coral_vm_give(vm, LUA_NOREF, 1);
    }
    pthread_mutex_lock(&lock);
    running--;
    job->done = 1;
    if ((wanted = job->wait != NULL))
        coral_wait_wake(job->wait, CORAL_WOKEN_READY);
    pthread_mutex_unlock(&lock);
    if (!wanted)
        apr_pool_destroy(job->p);
}

/* The waiter is killed; the job goes on to its end. */
static void forget(coral_wait_t *w)
{
    job_t *job = w->data;
    int done;

    pthread_mutex_lock(&lock);
    done = job->done;
    job->wait = NULL;
    pthread_mutex_unlock(&lock);
    if (done)
        apr_pool_destroy(job->p);
}

static int push_results(lua_State *L)
{
    job_t *job = lua_touserdata(L, 1);

    lua_pushboolean(L, job->ok);
    if (job->output)
        lua_pushlstring(L, job->output, job->output_length);
    else
        lua_pushliteral(L, "no available Lua vm");
    return 2;
}

static int finished(lua_State *L, coral_wait_t *w)
{
    job_t *job = w->data;
    int failed;

    lua_settop(L, 0);
    lua_pushcfunction(L, push_results);
    lua_pushlightuserdata(L, job);
    failed = lua_pcall(L, 1, 2, 0); /* there may be no memory */
    apr_pool_destroy(job->p);
    return failed ? lua_error(L) : 2;
}

int coral_job_begin(coral_wait_t *w, const coral_vm_t *vm, const char *module, const char *function, const char *input,
                    apr_size_t length)
{
    const coral_conf_t *conf = coral_vm_conf(vm);
    apr_pool_t *p;
    job_t *job;

    if (!coral_poller_start() || !may_begin())
        return 0;
    apr_pool_create(&p, NULL); /* no parent: any thread destroys it */
    apr_pool_tag(p, "coral_job");
    job = apr_pcalloc(p, sizeof(*job));
    job->p = p;
    job->conf = *conf; /* the same, with a name of their own */
    job->conf.key = apr_pstrcat(p, conf->key, "\nworker thread", NULL);
    job->module = apr_pstrdup(p, module);
    job->function = apr_pstrdup(p, function);
    job->input = apr_pmemdup(p, input, length);
    job->input_length = length;
    job->wait = w;
    job->errand.run = on_job;
    w->data = job;
    w->results = finished;
    w->cancel = forget;
    coral_poller_post(&job->errand);
    return 1;
}
