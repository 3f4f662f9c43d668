/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - epoll and a wheel of timers, for the programs of this folder. One thread, thousands of descriptors. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 16384 /* milliseconds: the longest timer */

/* Something that waits: the first member of what waits. */
typedef struct bench_waiter_t {
    void (*on_ready)(struct bench_waiter_t *w, uint32_t events);
    void (*on_time)(struct bench_waiter_t *w);
    int fd;
    struct bench_waiter_t *next, **here; /* in its slot; here NULL: no timer */
} waiter_t;

static struct {
    int epoll;
    int64_t turned; /* the wheel's time, milliseconds */
    int timers;
    waiter_t *slots[SLOTS];
} loop;

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Ends with whoever started it. */
static void loop_open(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    if ((loop.epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        die("epoll_create1");
    loop.turned = now_us() / 1000;
}

static void loop_set(waiter_t *w, int how, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    if (epoll_ctl(loop.epoll, how, w->fd, &e) < 0)
        die("epoll_ctl");
}

static void loop_no_timer(waiter_t *w)
{
    if (!w->here)
        return;
    if ((*w->here = w->next))
        w->next->here = w->here;
    w->here = NULL;
    loop.timers--;
}

/* Once, in so many milliseconds; instead of the one there is. */
static void loop_timer(waiter_t *w, int milliseconds)
{
    waiter_t **slot = &loop.slots[(now_us() / 1000 + (milliseconds < 1 ? 1 : milliseconds)) % SLOTS];

    loop_no_timer(w);
    if ((w->next = *slot))
        w->next->here = &w->next;
    w->here = slot;
    *slot = w;
    loop.timers++;
}

/* Milliseconds to the next timer, -1: none. */
static int loop_patience(void)
{
    int64_t now = now_us() / 1000, at = loop.turned + 1;

    if (!loop.timers)
        return -1;
    while (!loop.slots[at % SLOTS] && at - loop.turned < SLOTS)
        at++;
    return at > now ? (int)(at - now) : 0;
}

static void loop_turn(void)
{
    int64_t now = now_us() / 1000;

    while (loop.turned < now) {
        waiter_t **slot = &loop.slots[++loop.turned % SLOTS], *w;

        while ((w = *slot)) {
            loop_no_timer(w);
            w->on_time(w);
        }
    }
}

/* What is ready now, or the next timer; at most so many milliseconds, -1: no limit. */
static void loop_once(int most)
{
    struct epoll_event events[512];
    int i, patience = loop_patience(), n;

    n = epoll_wait(loop.epoll, events, 512, patience < 0 || (most >= 0 && most < patience) ? most : patience);

    if (n < 0 && errno != EINTR)
        die("epoll_wait");
    for (i = 0; i < n; i++) {
        waiter_t *w = events[i].data.ptr;

        w->on_ready(w, events[i].events);
    }
    loop_turn();
}

#endif
