/* SPDX-License-Identifier: Apache-2.0 */
/* client - thousands of visitors, each with a connection and a request of its own. A line of JSON tells how they fared.
 *
 *     -p PORT -u PATH      where they go
 *     -n VISITORS          how many
 *     -i MS -c COUNT       so many of them (default 1) every so many milliseconds; without -i all come at once
 *     -b BYTES -e BYTES    so much body in the request; so much at least in the answer
 *     -s BYTES -w MS       the body goes out (without a body: the answer is read) in pieces, with so long between
 *     -r BYTES             room in the kernel for what is not read yet
 *     -t SECONDS           who has no answer by then has failed (default 60) */
#include "loop.h"

#define HEAD 2048

typedef struct {
    waiter_t waiter; /* first */
    int64_t began, took;
    size_t sent, may_send; /* of the request */
    size_t got, body;      /* of the answer */
    size_t announced;      /* of its body, SIZE_MAX: nothing was said */
    int writing, in_body, chunked, status, done;
    char head[HEAD], tail[5];
} visitor_t;

static struct {
    int port, visitors, every, handful, pause, room, seconds;
    size_t body, expected, piece;
    const char *path;
} wanted = { .visitors = 1, .handful = 1, .seconds = 60, .path = "/" };

static struct {
    char *request;
    size_t head, length;
    int started, open, answered, other, failed;
    char why[128];
    visitor_t *all;
} state;

static void fail(const char *why, int error)
{
    state.failed++;
    if (!*state.why)
        snprintf(state.why, sizeof(state.why), "%s%s%s", why, error ? ": " : "", error ? strerror(error) : "");
}

/* Reset, not closed: no port is left behind in TIME_WAIT. */
static void leave(visitor_t *v)
{
    struct linger at_once = { .l_onoff = 1 };

    loop_no_timer(&v->waiter);
    setsockopt(v->waiter.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(v->waiter.fd);
    v->done = 1;
    state.open--;
}

static void give_up(visitor_t *v, const char *why, int error)
{
    fail(why, error);
    leave(v);
}

/* The answer is there. */
static void judge(visitor_t *v)
{
    if (v->status == 200 && v->body >= wanted.expected) {
        v->took = now_us() - v->began;
        state.answered++;
    }
    else {
        state.other++;
        if (!*state.why)
            snprintf(state.why, sizeof(state.why), "status %d with %zu bytes", v->status, v->body);
    }
    leave(v);
}

/* The head is whole: what is told there. Returns its length, 0: it is not whole. */
static size_t read_head(visitor_t *v)
{
    char *end, *field;

    v->head[v->got < HEAD ? v->got : HEAD - 1] = 0;
    if (!(end = strstr(v->head, "\r\n\r\n")))
        return 0;
    *end = 0;
    v->status = strlen(v->head) > 9 ? atoi(v->head + 9) : 0;
    v->announced = (field = strcasestr(v->head, "\ncontent-length:")) ? strtoul(field + 16, NULL, 10) : SIZE_MAX;
    v->chunked = strcasestr(v->head, "\ntransfer-encoding: chunked") != NULL;
    v->in_body = 1;
    return (size_t)(end + 4 - v->head);
}

static void add_to_body(visitor_t *v, const char *data, size_t length)
{
    size_t keep = length < sizeof(v->tail) ? length : sizeof(v->tail);

    v->body += length;
    memmove(v->tail, v->tail + keep, sizeof(v->tail) - keep);
    memcpy(v->tail + sizeof(v->tail) - keep, data + length - keep, keep);
}

static int is_whole(const visitor_t *v)
{
    return v->in_body && (v->chunked ? !memcmp(v->tail, "0\r\n\r\n", 5) : v->body >= v->announced);
}

static void see(visitor_t *v, const char *data, size_t length)
{
    size_t head = 0, before = v->got;

    v->got += length;
    if (!v->in_body && before < HEAD) {
        memcpy(v->head + before, data, length < HEAD - before ? length : HEAD - before);
        if (!(head = read_head(v)))
            return;
        head -= before; /* what of it is in this piece */
    }
    add_to_body(v, data + head, length - head);
}

static void read_some(visitor_t *v)
{
    static char data[65536];
    size_t most = wanted.piece && wanted.piece < sizeof(data) ? wanted.piece : sizeof(data);
    ssize_t n = recv(v->waiter.fd, data, most, 0);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0)
        give_up(v, "receiving", errno);
    else if (n == 0 && (!v->in_body || v->chunked || v->announced != SIZE_MAX))
        give_up(v, v->got ? "an answer that was cut" : "closed without an answer", 0);
    else if (n == 0)
        judge(v);
    else {
        see(v, data, (size_t)n);
        if (is_whole(v))
            judge(v);
        else if (wanted.piece && v->in_body && !wanted.body) {
            loop_set(&v->waiter, EPOLL_CTL_MOD, 0);
            loop_timer(&v->waiter, wanted.pause);
        }
    }
}

static void write_some(visitor_t *v)
{
    ssize_t n = send(v->waiter.fd, state.request + v->sent, v->may_send - v->sent, MSG_NOSIGNAL);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0) {
        give_up(v, "sending", errno);
        return;
    }
    v->sent += (size_t)n;
    if (v->sent == state.length) {
        v->writing = 0;
        loop_set(&v->waiter, EPOLL_CTL_MOD, EPOLLIN);
    }
    else if (v->sent == v->may_send) {
        loop_set(&v->waiter, EPOLL_CTL_MOD, EPOLLIN); /* an early answer, or the end */
        loop_timer(&v->waiter, wanted.pause);
    }
}

static void on_ready(waiter_t *w, uint32_t events)
{
    visitor_t *v = (visitor_t *)w;

    if (v->done)
        return;
    if (v->writing && (events & EPOLLOUT))
        write_some(v);
    else
        read_some(v);
}

/* A pause is over. */
static void on_time(waiter_t *w)
{
    visitor_t *v = (visitor_t *)w;

    if (v->writing) {
        v->may_send = state.length - v->sent < wanted.piece ? state.length : v->sent + wanted.piece;
        loop_set(w, EPOLL_CTL_MOD, EPOLLOUT | EPOLLIN);
    }
    else
        loop_set(w, EPOLL_CTL_MOD, EPOLLIN);
}

static void come(void)
{
    struct sockaddr_in there = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    visitor_t *v = &state.all[state.started++];
    int one = 1;

    there.sin_port = htons((uint16_t)wanted.port);
    v->waiter.on_ready = on_ready;
    v->waiter.on_time = on_time;
    v->writing = 1;
    v->may_send = wanted.piece && wanted.body ? state.head : state.length;
    v->began = now_us();
    if ((v->waiter.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) < 0) {
        fail("socket", errno);
        return;
    }
    state.open++;
    setsockopt(v->waiter.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (wanted.room)
        setsockopt(v->waiter.fd, SOL_SOCKET, SO_RCVBUF, &wanted.room, sizeof(wanted.room));
    if (connect(v->waiter.fd, (struct sockaddr *)&there, sizeof(there)) < 0 && errno != EINPROGRESS)
        give_up(v, "connect", errno);
    else
        loop_set(&v->waiter, EPOLL_CTL_ADD, EPOLLOUT);
}

/* The next visitor; all of them, a handful at a time, where they need not wait for each other. */
static void on_bell(waiter_t *bell)
{
    int handful = wanted.every ? wanted.handful : 32;

    while (handful-- && state.started < wanted.visitors)
        come();
    if (state.started < wanted.visitors && wanted.every)
        loop_timer(bell, wanted.every);
}

static void add(const char *format, size_t number)
{
    state.head += (size_t)sprintf(state.request + state.head, format, number);
}

static void make_request(void)
{
    if (!(state.request = malloc(512 + strlen(wanted.path) + wanted.body)))
        die("malloc");
    state.head = (size_t)sprintf(state.request, "%s %s HTTP/1.1\r\n", wanted.body ? "POST" : "GET", wanted.path);
    add("Host: 127.0.0.1:%zu\r\nUser-Agent: bench/1\r\n", (size_t)wanted.port);
    if (wanted.body)
        add("Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n", wanted.body);
    memcpy(state.request + state.head, "\r\n", 2);
    state.head += 2;
    memset(state.request + state.head, 'x', wanted.body);
    state.length = state.head + wanted.body;
}

/* Until all have been, or for so long. */
static void serve_them(int64_t until)
{
    waiter_t bell = { .on_time = on_bell };
    int all_at_once = !wanted.every;

    on_bell(&bell);
    while ((state.open || state.started < wanted.visitors) && now_us() < until) {
        int more = all_at_once && state.started < wanted.visitors;

        loop_once(more ? 0 : (int)((until - now_us()) / 1000 + 1));
        if (more)
            on_bell(&bell);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static double percentile(const int64_t *times, int n, int percent)
{
    return n ? (double)times[(n * percent + 99) / 100 - 1] / 1e6 : 0;
}

/* How long those took who were answered, in seconds. */
static void tell(int64_t began)
{
    int64_t *times = calloc((size_t)state.answered + 1, sizeof(*times));
    int i, n = 0;

    for (i = 0; i < state.started; i++)
        if (state.all[i].took)
            times[n++] = state.all[i].took;
    qsort(times, (size_t)n, sizeof(*times), by_size);
    printf("{\"visitors\": %d, \"answered\": %d, \"other\": %d, \"failed\": %d, \"why\": \"%s\", \"seconds\": %.6f, ",
           wanted.visitors, state.answered, state.other, state.failed, state.why, (double)(now_us() - began) / 1e6);
    printf("\"p50\": %.6f, \"p99\": %.6f, \"max\": %.6f}\n", percentile(times, n, 50), percentile(times, n, 99),
           percentile(times, n, 100));
    free(times);
}

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "p:u:n:i:c:b:e:s:w:r:t:")) != -1) {
        size_t number = option == 'u' ? 0 : strtoul(optarg ? optarg : "", NULL, 10);

        switch (option) {
        case 'p': wanted.port = (int)number; break;
        case 'u': wanted.path = optarg; break;
        case 'n': wanted.visitors = (int)number; break;
        case 'i': wanted.every = (int)number; break;
        case 'c': wanted.handful = (int)number; break;
        case 'b': wanted.body = number; break;
        case 'e': wanted.expected = number; break;
        case 's': wanted.piece = number; break;
        case 'w': wanted.pause = (int)number; break;
        case 'r': wanted.room = (int)number; break;
        case 't': wanted.seconds = (int)number; break;
        default: exit(2);
        }
    }
    if (!wanted.port || wanted.visitors < 1 || wanted.every >= SLOTS || wanted.pause >= SLOTS) {
        fputs("client: see the beginning of client.c\n", stderr);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    int64_t began;
    int i;

    read_options(argc, argv);
    make_request();
    loop_open();
    if (!(state.all = calloc((size_t)wanted.visitors, sizeof(*state.all))))
        die("calloc");
    began = now_us();
    serve_them(began + (int64_t)wanted.seconds * 1000000);
    for (i = 0; i < state.started; i++)
        if (!state.all[i].done && state.all[i].waiter.fd >= 0)
            give_up(&state.all[i], "no answer in time", 0);
    tell(began);
    return 0;
}
