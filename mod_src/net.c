/* SPDX-License-Identifier: Apache-2.0 */
#include "net.h"

#include "apr_atomic.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include <arpa/inet.h>

#define PIECE (16 * 1024)

static int most = 0;
static apr_uint32_t count;

void coral_net_set_most(int sockets)
{
    most = sockets;
}

void coral_net_child_init(void)
{
    apr_atomic_set32(&count, 0);
}

int coral_net_count(void)
{
    return (int)apr_atomic_read32(&count);
}

/* One more, if there may be one more. */
static int count_one(void)
{
    if (apr_atomic_inc32(&count) < (apr_uint32_t)most || !most)
        return 1;
    apr_atomic_dec32(&count);
    errno = ENOBUFS;
    return 0;
}

/* Of a descriptor, which is closed where there is no memory. Where there is no loop yet (init hooks) nobody waits in one: it is just not
 * watched. */
static coral_net_t *wrap(int fd)
{
    coral_net_t *net = calloc(1, sizeof(*net));

    if (!net || !(net->in = evbuffer_new())) {
        free(net);
        close(fd);
        errno = ENOMEM;
        return NULL;
    }
    net->watch.fd = fd;
    if (coral_poller_base())
        coral_watch_open(&net->watch, fd);
    return net;
}

coral_net_t *coral_net_take_over(int fd)
{
    int error = coral_poller_is_too_high(fd) ? EMFILE : count_one() ? 0 : errno;
    coral_net_t *net;

    if (error) {
        close(fd);
        errno = error;
        return NULL;
    }
    if (!(net = wrap(fd)))
        apr_atomic_dec32(&count);
    return net;
}

coral_net_t *coral_net_make(int family, int type)
{
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return NULL;
    if (type == SOCK_STREAM && family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return coral_net_take_over(fd);
}

int coral_net_connect(coral_net_t *net, const coral_address_t *to)
{
    net->connecting = 0;
    if (connect(net->watch.fd, &to->to.any, to->length) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    net->connecting = 1;
    return 0;
}

/* A datagram socket of the local kind needs a name of its own to get answers; the kernel picks one. */
static int bind_socket(int fd, int type, const coral_address_t *to, const coral_address_t *from)
{
    struct sockaddr_un unnamed = { .sun_family = AF_UNIX };
    int one = 1;

    if (type == SOCK_DGRAM && to->to.any.sa_family == AF_UNIX)
        return bind(fd, (struct sockaddr *)&unnamed, sizeof(unnamed.sun_family));
    if (!from)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    return bind(fd, &from->to.any, from->length);
}

coral_net_t *coral_net_open(int type, const coral_address_t *to, const coral_address_t *from)
{
    coral_net_t *net = coral_net_make(to->to.any.sa_family, type);
    int error;

    if (!net)
        return NULL;
    error = bind_socket(net->watch.fd, type, to, from) < 0 ? errno : coral_net_connect(net, to);
    if (error) {
        coral_net_close(net);
        errno = error;
        return NULL;
    }
    return net;
}

coral_net_t *coral_net_adopt(int fd)
{
    coral_net_t *net = wrap(fd);

    if (net)
        net->is_pipe = 1;
    return net;
}

void coral_net_close(coral_net_t *net)
{
    coral_watch_close(&net->watch);
    if (net->tls)
        coral_tls_close(net->tls);
    close(net->watch.fd);
    evbuffer_free(net->in);
    if (!net->is_pipe)
        apr_atomic_dec32(&count);
    free(net);
}

int coral_net_connected(coral_net_t *net)
{
    int error = 0;
    socklen_t length = sizeof(error);

    net->connecting = 0;
    return getsockopt(net->watch.fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

/* A system call's answer. */
static int outcome(ssize_t n, coral_net_e wait)
{
    if (n >= 0)
        return (int)n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? (int)wait : (int)CORAL_NET_FAILED;
}

/* A piece of what has come, as recv(). */
static ssize_t get(coral_net_t *net, void *room, apr_size_t length)
{
    return net->is_pipe ? read(net->watch.fd, room, length) : recv(net->watch.fd, room, length, 0);
}

/* As send(); httpd ignores SIGPIPE. */
static ssize_t put(coral_net_t *net, const char *data, apr_size_t length)
{
    if (length > APR_INT32_MAX)
        length = APR_INT32_MAX;
    return net->is_pipe ? write(net->watch.fd, data, length) : send(net->watch.fd, data, length, MSG_NOSIGNAL);
}

/* Most answers are short, and need little memory: how much is known when they are there. */
static int fill_from_stack(coral_net_t *net, apr_size_t piece)
{
    char room[PIECE];
    int n;

    do
        n = outcome(get(net, room, piece), CORAL_NET_READ);
    while (n == CORAL_NET_FAILED && errno == EINTR);
    if (n > 0 && evbuffer_add(net->in, room, (size_t)n) < 0) {
        errno = ENOMEM;
        return CORAL_NET_FAILED;
    }
    net->eof = n == 0;
    return n;
}

int coral_net_fill(coral_net_t *net)
{
    apr_size_t piece = net->piece ? (apr_size_t)net->piece : PIECE;
    struct evbuffer_iovec room;
    int n;

    if (net->eof)
        return 0;
    if (!net->tls && piece <= PIECE && !evbuffer_get_length(net->in))
        return fill_from_stack(net, piece);
    if (evbuffer_reserve_space(net->in, (ev_ssize_t)piece, &room, 1) < 1) {
        errno = ENOMEM;
        return CORAL_NET_FAILED;
    }
    if (room.iov_len > piece)
        room.iov_len = piece;
    if (net->tls)
        n = coral_tls_read(net->tls, room.iov_base, (int)room.iov_len);
    else
        do
            n = outcome(get(net, room.iov_base, room.iov_len), CORAL_NET_READ);
        while (n == CORAL_NET_FAILED && errno == EINTR);
    room.iov_len = n > 0 ? (size_t)n : 0;
    evbuffer_commit_space(net->in, &room, 1);
    net->eof = n == 0;
    return n;
}

int coral_net_write(coral_net_t *net, const char *data, apr_size_t length)
{
    int n;

    if (net->tls)
        return coral_tls_write(net->tls, data, length);
    do
        n = outcome(put(net, data, length), CORAL_NET_WRITE);
    while (n == CORAL_NET_FAILED && errno == EINTR);
    return n;
}

int coral_net_receive(coral_net_t *net, char *data, apr_size_t length)
{
    int n;

    do
        n = outcome(recv(net->watch.fd, data, length, 0), CORAL_NET_READ);
    while (n == CORAL_NET_FAILED && errno == EINTR);
    return n;
}

int coral_net_send(coral_net_t *net, const char *data, apr_size_t length)
{
    return outcome(send(net->watch.fd, data, length, MSG_NOSIGNAL), CORAL_NET_WRITE);
}

int coral_net_is_good(coral_net_t *net)
{
    char byte;
    ssize_t n;

    if (net->eof || evbuffer_get_length(net->in))
        return 0;
    n = recv(net->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    net->eof = n == 0;
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

int coral_address_parse(coral_address_t *address, const char *host, int port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->to;
    char bare[INET6_ADDRSTRLEN];
    apr_size_t length = strlen(host);

    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((apr_uint16_t)port);
        address->length = sizeof(*v4);
        return 1;
    }
    if (*host == '[' && length > 2 && length < sizeof(bare) + 2 && host[length - 1] == ']')
        apr_cpystrn(bare, host + 1, length - 1);
    else
        apr_cpystrn(bare, host, sizeof(bare));
    if (inet_pton(AF_INET6, bare, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((apr_uint16_t)port);
    address->length = sizeof(*v6);
    return 1;
}

int coral_address_local(coral_address_t *address, const char *path)
{
    memset(address, 0, sizeof(*address));
    if (!*path || strlen(path) >= sizeof(address->to.local.sun_path))
        return 0;
    address->to.local.sun_family = AF_UNIX;
    apr_cpystrn(address->to.local.sun_path, path, sizeof(address->to.local.sun_path));
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return 1;
}
