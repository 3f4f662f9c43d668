/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include "apr_general.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY (64 * 1024)

static const coral_spool_t none = CORAL_SPOOL_NONE;

/* "<directory>/coral_body_" and what makes it unique. NULL: no memory. */
static char *path_in(const char *directory, const char *unique)
{
    char *path = malloc(strlen(directory) + strlen(unique) + sizeof("/coral_body_"));

    if (path)
        sprintf(path, "%s/coral_body_%s", directory, unique);
    return path;
}

/* With a name. */
static apr_status_t make_named(coral_spool_t *spool, const char *directory)
{
    char *path = path_in(directory, "XXXXXX");
    int error;

    if (!path)
        return APR_ENOMEM;
    if ((spool->fd = mkostemp(path, O_CLOEXEC)) < 0) {
        error = errno;
        free(path);
        return APR_FROM_OS_ERROR(error);
    }
    spool->name = path;
    return APR_SUCCESS;
}

apr_status_t coral_spool_make(coral_spool_t *spool, const char *directory)
{
    apr_status_t rv;

    *spool = none;
    spool->directory = directory;
#ifdef O_TMPFILE
    if ((spool->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) >= 0)
        return APR_SUCCESS;
#endif
    if ((rv = make_named(spool, directory)) != APR_SUCCESS)
        return rv;
    unlink(spool->name);
    free(spool->name);
    spool->name = NULL;
    return APR_SUCCESS;
}

apr_status_t coral_spool_open(coral_spool_t *spool, const char *path, int stays, apr_off_t *length)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error; /* not to wait for a pipe's other end */

    if (fd < 0)
        return APR_FROM_OS_ERROR(errno);
    error = fstat(fd, &info) < 0 ? errno : !S_ISREG(info.st_mode) ? EISDIR : 0;
    *spool = none;
    if (!error && !(spool->name = strdup(path)))
        error = ENOMEM;
    if (error) {
        close(fd);
        return APR_FROM_OS_ERROR(error);
    }
    spool->fd = fd;
    spool->stays = stays;
    *length = info.st_size;
    return APR_SUCCESS;
}

apr_status_t coral_spool_write(coral_spool_t *spool, apr_off_t offset, const char *data, apr_size_t length)
{
    while (length) {
        ssize_t n = pwrite(spool->fd, data, length, offset);

        if (n < 0 && errno != EINTR)
            return APR_FROM_OS_ERROR(errno);
        if (n > 0) {
            offset += n;
            data += n;
            length -= (apr_size_t)n;
        }
    }
    return APR_SUCCESS;
}

apr_status_t coral_spool_read(const coral_spool_t *spool, apr_off_t offset, char *data, apr_size_t length)
{
    while (length) {
        ssize_t n = pread(spool->fd, data, length, offset);

        if (n < 0 && errno != EINTR)
            return APR_FROM_OS_ERROR(errno);
        if (!n)
            return APR_EOF; /* somebody has cut it */
        if (n > 0) {
            offset += n;
            data += n;
            length -= (apr_size_t)n;
        }
    }
    return APR_SUCCESS;
}

/* The file itself gets a name. */
static apr_status_t link_it(coral_spool_t *spool)
{
    unsigned char random[8];
    char unique[2 * sizeof(random) + 1], self[40], *path;
    apr_size_t i;
    int error;

    sprintf(self, "/proc/self/fd/%d", spool->fd);
    apr_generate_random_bytes(random, sizeof(random));
    for (i = 0; i < sizeof(random); i++)
        sprintf(unique + 2 * i, "%02x", random[i]);
    if (!(path = path_in(spool->directory, unique)))
        return APR_ENOMEM;
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0) {
        error = errno;
        free(path);
        return APR_FROM_OS_ERROR(error);
    }
    spool->name = path;
    return APR_SUCCESS;
}

/* Where that cannot be: a file with a name takes its place. */
static apr_status_t copy_it(coral_spool_t *spool)
{
    coral_spool_t copy = none;
    apr_status_t rv = make_named(&copy, spool->directory);
    char *data = malloc(COPY);
    apr_off_t offset = 0;
    ssize_t n = 0;

    while (rv == APR_SUCCESS && data && (n = pread(spool->fd, data, COPY, offset)) > 0) {
        rv = coral_spool_write(&copy, offset, data, (apr_size_t)n);
        offset += n;
    }
    if (rv == APR_SUCCESS && (!data || n < 0))
        rv = data ? APR_FROM_OS_ERROR(errno) : APR_ENOMEM;
    free(data);
    if (rv != APR_SUCCESS) {
        coral_spool_drop(&copy);
        return rv;
    }
    close(spool->fd);
    spool->fd = copy.fd;
    spool->name = copy.name;
    return APR_SUCCESS;
}

apr_status_t coral_spool_name(coral_spool_t *spool)
{
    return spool->name || link_it(spool) == APR_SUCCESS ? APR_SUCCESS : copy_it(spool);
}

void coral_spool_drop(coral_spool_t *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    if (spool->name && !spool->stays)
        unlink(spool->name);
    free(spool->name);
    *spool = none;
}
