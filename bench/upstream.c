/* SPDX-License-Identifier: Apache-2.0 */
/* upstream - what handlers talk to: a server that takes its time. usage: upstream PORT
 *
 *     "COUNT MILLISECONDS\n"   so many lines, each so long after the one before
 *     "PING\r\n"               "+PONG\r\n", at once */
#include "loop.h"

#define LINE 64

typedef struct {
    waiter_t waiter; /* first */
    int count, milliseconds;
    size_t length;
    char line[LINE];
} guest_t;

static void leave(guest_t *guest)
{
    loop_no_timer(&guest->waiter);
    close(guest->waiter.fd);
    free(guest);
}

/* Lines are short and their reader waits for them: they go out whole or not at all. */
static int say(guest_t *guest, const char *text)
{
    return send(guest->waiter.fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

static void on_time(waiter_t *w)
{
    guest_t *guest = (guest_t *)w;

    if (!say(guest, "a line\n"))
        shutdown(w->fd, SHUT_RDWR); /* on_ready() sees the end */
    else if (--guest->count > 0)
        loop_timer(w, guest->milliseconds);
}

static int obey(guest_t *guest, const char *line)
{
    if (!strncmp(line, "PING", 4))
        return say(guest, "+PONG\r\n");
    if (sscanf(line, "%d %d", &guest->count, &guest->milliseconds) != 2 || guest->milliseconds >= SLOTS)
        return 0;
    if (guest->count > 0)
        loop_timer(&guest->waiter, guest->milliseconds);
    return 1;
}

static void on_ready(waiter_t *w, uint32_t events)
{
    guest_t *guest = (guest_t *)w;
    ssize_t n = recv(w->fd, guest->line + guest->length, LINE - 1 - guest->length, 0);
    char *end;

    (void)events;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        leave(guest);
        return;
    }
    guest->length += (size_t)n;
    guest->line[guest->length] = 0;
    while ((end = strchr(guest->line, '\n'))) {
        if (!obey(guest, guest->line)) {
            leave(guest);
            return;
        }
        guest->length -= (size_t)(end + 1 - guest->line);
        memmove(guest->line, end + 1, guest->length + 1);
    }
    if (guest->length == LINE - 1)
        leave(guest);
}

static void on_guest(waiter_t *door, uint32_t events)
{
    guest_t *guest;
    int fd, one = 1;

    (void)events;
    while ((fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (!(guest = calloc(1, sizeof(*guest))))
            die("calloc");
        guest->waiter.on_ready = on_ready;
        guest->waiter.on_time = on_time;
        guest->waiter.fd = fd;
        loop_set(&guest->waiter, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    waiter_t door = { .on_ready = on_guest };
    int one = 1;

    here.sin_port = htons((uint16_t)(argc == 2 ? atoi(argv[1]) : 0));
    loop_open();
    if ((door.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0)
        die("socket");
    setsockopt(door.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(door.fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(door.fd, 8192) < 0)
        die("listen");
    loop_set(&door, EPOLL_CTL_ADD, EPOLLIN);
    for (;;)
        loop_once(-1);
}
