/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int most = CORAL_PROCESSES;

/* [lock] */
static struct {
    apr_thread_mutex_t *lock;
    coral_process_t *first;
    int count; /* but for those that were killed and are only to be reaped */
} all;

void coral_process_set_most(int processes)
{
    most = processes;
}

apr_status_t coral_process_child_init(apr_pool_t *pchild)
{
    all.first = NULL;
    all.count = 0;
    return apr_thread_mutex_create(&all.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
}

int coral_process_count(void)
{
    int count;

    apr_thread_mutex_lock(all.lock);
    count = all.count;
    apr_thread_mutex_unlock(all.lock);
    return count;
}

/* One more, if there may be. */
static coral_process_t *make(void)
{
    coral_process_t *process = NULL;

    apr_thread_mutex_lock(all.lock);
    if (most && all.count >= most)
        errno = ENOBUFS;
    else if (!(process = calloc(1, sizeof(*process))))
        errno = ENOMEM;
    else {
        process->watch.fd = -1;
        process->here = &all.first;
        if ((process->next = all.first))
            process->next->here = &process->next;
        all.first = process;
        all.count++;
    }
    apr_thread_mutex_unlock(all.lock);
    return process;
}

static void release(coral_process_t *process)
{
    coral_watch_close(&process->watch);
    apr_thread_mutex_lock(all.lock);
    if (process->watch.fd >= 0)
        close(process->watch.fd);
    if ((*process->here = process->next))
        process->next->here = process->here;
    all.count -= !process->left;
    apr_thread_mutex_unlock(all.lock);
    free(process);
}

void coral_process_kill_all(void)
{
#ifdef SYS_pidfd_send_signal
    coral_process_t *process;

    apr_thread_mutex_lock(all.lock);
    for (process = all.first; process; process = process->next)
        syscall(SYS_pidfd_send_signal, process->watch.fd, SIGKILL, NULL, 0); /* not by number: it may have been reaped */
    apr_thread_mutex_unlock(all.lock);
#endif
}

/* The descriptor a process is waited for with. */
static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

static void close_all(int pipes[3][2])
{
    int i;

    for (i = 0; i < 3; i++) {
        if (pipes[i][0] >= 0)
            close(pipes[i][0]);
        if (pipes[i][1] >= 0)
            close(pipes[i][1]);
    }
}

/* A script may have closed descriptors 0 to 2: what got such a number would be in the way of the other program's. */
static int out_of_the_way(int fd)
{
    int other;

    if (fd > STDERR_FILENO)
        return fd;
    other = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    return other;
}

static int open_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) < 0) {
        ends[0] = ends[1] = -1;
        return 0;
    }
    ends[0] = out_of_the_way(ends[0]);
    ends[1] = out_of_the_way(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0 && !coral_poller_is_too_high(ends[0]) && !coral_poller_is_too_high(ends[1]))
        return 1;
    errno = EMFILE;
    return 0;
}

/* theirs: what stands for its descriptors 0 to 2. Nothing else of httpd's goes along. */
static int start(pid_t *pid, const coral_command_t *command, int theirs[3])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int i, error;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1); /* those without close-on-exec, too */
#endif
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigfillset(&signals);
    sigdelset(&signals, SIGKILL);
    sigdelset(&signals, SIGSTOP);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = posix_spawnp(pid, command->argv[0], &actions, &attributes, command->argv, command->env ? command->env : environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Starts it and gets hold of it; 0 or errno. */
static int begin(coral_process_t *process, const coral_command_t *command, int theirs[3], int *unfit)
{
    int error = start(&process->pid, command, theirs), fd;

    if (error == EAGAIN || error == ENOMEM)
        return error;
    if ((*unfit = error)) {
        process->ended = process->status = 1;
        process->pid = 0;
        return 0;
    }
    if ((fd = open_pidfd(process->pid)) >= 0 && !coral_poller_is_too_high(fd)) {
        coral_watch_open(&process->watch, fd);
        return 0;
    }
    error = fd >= 0 ? EMFILE : errno;
    if (fd >= 0)
        close(fd);
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    return error;
}

static int open_pipes(int pipes[3][2], int merge)
{
    return open_pipe(pipes[CORAL_STDIN]) && open_pipe(pipes[CORAL_STDOUT]) && (merge || open_pipe(pipes[CORAL_STDERR]));
}

static void keep_ours(int pipes[3][2], int ends[3])
{
    int i;

    ends[CORAL_STDIN] = pipes[CORAL_STDIN][1];
    ends[CORAL_STDOUT] = pipes[CORAL_STDOUT][0];
    ends[CORAL_STDERR] = pipes[CORAL_STDERR][0];
    pipes[CORAL_STDIN][1] = pipes[CORAL_STDOUT][0] = pipes[CORAL_STDERR][0] = -1;
    for (i = 0; i < 3; i++)
        if (ends[i] >= 0)
            fcntl(ends[i], F_SETFL, O_NONBLOCK);
}

coral_process_t *coral_process_spawn(const coral_command_t *command, int ends[3], int *unfit)
{
    int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, error;
    coral_process_t *process = make();

    *unfit = 0;
    if (!process)
        return NULL;
    if (!open_pipes(pipes, command->merge))
        error = errno;
    else {
        int theirs[3] = { pipes[CORAL_STDIN][0], pipes[CORAL_STDOUT][1], pipes[command->merge ? CORAL_STDOUT : CORAL_STDERR][1] };

        error = begin(process, command, theirs, unfit);
    }
    if (!error)
        keep_ours(pipes, ends);
    close_all(pipes);
    if (!error)
        return process;
    release(process);
    errno = error;
    return NULL;
}

int coral_process_ended(coral_process_t *process)
{
    int status;
    pid_t pid;

    if (process->ended)
        return 1;
    do
        pid = waitpid(process->pid, &status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (!pid)
        return 0;
    process->ended = 1;
    if (pid < 0) /* somebody lets the system reap (SIGCHLD is ignored): how it ended is not to be known */
        process->status = -1;
    else if (WIFSIGNALED(status))
        process->signal = WTERMSIG(status);
    else
        process->status = WEXITSTATUS(status);
    return 1;
}

static void bury(coral_errand_t *errand)
{
    coral_process_t *process = (coral_process_t *)((char *)errand - offsetof(coral_process_t, errand));

    if (coral_process_ended(process))
        release(process);
    else
        coral_watch_wait(&process->watch, &process->sleeper, CORAL_READ, CORAL_NEVER);
}

static void on_death(coral_sleeper_t *sleeper, coral_reason_e reason)
{
    coral_process_t *process = (coral_process_t *)((char *)sleeper - offsetof(coral_process_t, sleeper));

    (void)reason;
    process->errand.run = bury;
    coral_poller_post(&process->errand);
}

/* It counts no more: the next one may come. */
static void leave(coral_process_t *process)
{
    apr_thread_mutex_lock(all.lock);
    all.count--;
    process->left = 1;
    apr_thread_mutex_unlock(all.lock);
}

void coral_process_leave(coral_process_t *process)
{
    leave(process);
    if (!coral_process_ended(process)) {
        kill(process->pid, SIGKILL);
        if (coral_poller_start()) {
            process->sleeper.wake = on_death;
            coral_watch_wait(&process->watch, &process->sleeper, CORAL_READ, CORAL_NEVER);
            return;
        }
    } /* without a loop this process is about to end: another one reaps */
    release(process);
}
