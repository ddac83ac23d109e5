/*
 * line.c: settings from the environment, and connections to the simulator.
 *
 * A process has one connection for each entry of the map, made when it is first
 * used and shared by everything that the process has open on it: programs open
 * and close a bus for every transaction.  A connection belongs to the process
 * that made it; a child of fork() finds that it is another process and makes
 * its own.  A descriptor of ours that the program closed behind our back (daemons
 * close everything) is noticed by its inode, and never written to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/shim/real.h"
#include "sims/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 75  /* above the longest DELAY */
#define FD_LEAST         200 /* out of the way of programs that count on small numbers */

struct line {
    pthread_mutex_t lock;
    struct wire wire;
    int fd; /* -1: none */
    dev_t dev;
    ino_t ino;
    pid_t owner;
    struct shim_quiet quiet; /* of the thread that has the lock */
};

static struct shim_settings settings;
static pthread_once_t settings_once = PTHREAD_ONCE_INIT;
static struct line lines[SHIM_ENTRIES_MAX];

/* ---- Settings --------------------------------------------------------------------- */

static int
take_variable(const char *name, char *out, size_t cap)
{
    const char *value = getenv(name);

    if (value == NULL || value[0] == '\0')
        return 0;
    return (size_t)snprintf(out, cap, "%s", value) < cap;
}

static void
lock_all(void)
{
    for (size_t i = 0; i < settings.map.count; i++)
        (void)pthread_mutex_lock(&lines[i].lock);
}

static void
unlock_all(void)
{
    for (size_t i = 0; i < settings.map.count; i++)
        (void)pthread_mutex_unlock(&lines[i].lock);
}

static void
read_settings(void)
{
    const char *map = getenv("ROT_SIM_SHIM");

    if (map == NULL || map[0] == '\0')
        return;
    if (!shim_map_read(&settings.map, map) ||
        !take_variable("ROT_SIM_SOCKET", settings.socket, sizeof(settings.socket))) {
        static const char text[] = "rot-sim-shim: ROT_SIM_SHIM or ROT_SIM_SOCKET is not what "
                                   "rot-sim exec writes: nothing is simulated\n";

        (void)fputs(text, stderr);
        return;
    }
    (void)take_variable("ROT_SIM_SHIM_DIR", settings.dir, sizeof(settings.dir));
    for (size_t i = 0; i < settings.map.count; i++) {
        (void)pthread_mutex_init(&lines[i].lock, NULL);
        lines[i].fd = -1;
        settings.has_gpio |= settings.map.entries[i].kind == SHIM_GPIO && settings.dir[0] != '\0';
    }
    (void)pthread_atfork(lock_all, unlock_all, unlock_all);
    settings.active = 1;
}

const struct shim_settings *
shim_settings(void)
{
    (void)pthread_once(&settings_once, read_settings);
    return &settings;
}

/* ---- Sockets ------------------------------------------------------------------------- */

static int
send_all(void *self, const uint8_t *p, size_t len)
{
    const struct line *line = self;

    while (len > 0) {
        ssize_t n = send(line->fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -ENODEV;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static int
receive_all(void *self, uint8_t *p, size_t len)
{
    const struct line *line = self;

    while (len > 0) {
        ssize_t n = recv(line->fd, p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) /* hung up: as an adapter that was pulled out */
            return n < 0 && errno == EAGAIN ? -ETIMEDOUT : -ENODEV;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Is the descriptor still the socket that we opened? */
static int
is_ours(const struct line *line)
{
    struct stat st;

    return line->fd >= 0 && REAL(fstat)(line->fd, &st) == 0 && st.st_dev == line->dev &&
           st.st_ino == line->ino;
}

static void
hang_up(struct line *line)
{
    if (is_ours(line))
        (void)close(line->fd);
    line->fd = -1;
}

/* A connected socket with a high number, or a negative errno. */
static int
connect_socket(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S};
    int fd, high;

    if (strlen(settings.socket) >= sizeof(to.sun_path))
        return -ENAMETOOLONG;
    memcpy(to.sun_path, settings.socket, strlen(settings.socket) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    high = fcntl(fd, F_DUPFD_CLOEXEC, FD_LEAST);
    if (high >= 0) {
        (void)close(fd);
        fd = high;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(fd);
        return -ENODEV;
    }
    return fd;
}

static int
greet(struct line *line, const struct shim_entry *entry)
{
    char name[SHIM_TARGET_MAX + 3];

    (void)snprintf(name, sizeof(name), entry->kind == SHIM_I2C ? "%s/*" : "%s", entry->target);
    line->wire = (struct wire){.self = line, .send = send_all, .receive = receive_all};
    return wire_begin(&line->wire, name);
}

static int
connect_line(struct line *line, const struct shim_entry *entry)
{
    struct stat st;
    int rc;

    hang_up(line);
    rc = connect_socket();
    if (rc < 0)
        return rc;
    line->fd = rc;
    line->owner = getpid();
    if (REAL(fstat)(line->fd, &st) != 0)
        return -EIO;
    line->dev = st.st_dev;
    line->ino = st.st_ino;
    rc = greet(line, entry);
    if (rc != 0)
        hang_up(line);
    return rc;
}

void
shim_quiet_begin(struct shim_quiet *ret_quiet)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ret_quiet->cancel_state);
    (void)pthread_sigmask(SIG_BLOCK, &all, &ret_quiet->mask);
}

void
shim_quiet_end(const struct shim_quiet *quiet)
{
    (void)pthread_sigmask(SIG_SETMASK, &quiet->mask, NULL);
    (void)pthread_setcancelstate(quiet->cancel_state, NULL);
}

int
shim_line_begin(const struct shim_entry *entry, struct wire **ret_wire)
{
    struct line *line = &lines[entry - settings.map.entries];
    struct shim_quiet quiet;
    int rc = 0;

    shim_quiet_begin(&quiet);
    (void)pthread_mutex_lock(&line->lock);
    line->quiet = quiet;
    if (line->owner != getpid() || line->wire.broken || !is_ours(line))
        rc = connect_line(line, entry);
    if (rc != 0) {
        shim_line_end(entry);
        return rc;
    }
    *ret_wire = &line->wire;
    return 0;
}

void
shim_line_end(const struct shim_entry *entry)
{
    struct line *line = &lines[entry - settings.map.entries];
    struct shim_quiet quiet = line->quiet;

    (void)pthread_mutex_unlock(&line->lock);
    shim_quiet_end(&quiet);
}
