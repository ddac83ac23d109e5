/*
 * exec_tty.c: serial lines of a program of rot-sim exec.
 *
 * The program gets a pseudo terminal: termios, VMIN and VTIME, flushing and
 * waiting are the kernel's own.  A thread moves bytes between its far side and a
 * Unix socket, whatever stands behind that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/sock.h"
#include "rot_sim.h"

#define CONNECT_MS 2000
#define LOOK_MS    100 /* how soon the end is noticed */
#define PIECE      1024

struct exec_line {
    int master, slave; /* the slave is held open: a line does not hang up when nobody uses it */
    int socket;
    atomic_int stop;
    pthread_t thread;
};

static int
write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        p += n;
        len -= (size_t)n;
    }
    return 1;
}

/* One piece in each direction that has one; 0 when a side is gone. */
static int
move_pieces(const struct exec_line *line, const struct pollfd fds[2])
{
    uint8_t piece[PIECE];
    ssize_t n;

    if (fds[0].revents != 0) {
        n = read(line->master, piece, sizeof(piece));
        if (n <= 0 || rs_sock_write(line->socket, rs_bytes_of(piece, (size_t)n), NULL) != RS_OK)
            return 0;
    }
    if (fds[1].revents != 0) {
        n = read(line->socket, piece, sizeof(piece));
        if (n <= 0 || !write_all(line->master, piece, (size_t)n))
            return 0;
    }
    return 1;
}

static void *
run_line(void *arg)
{
    struct exec_line *line = arg;
    struct pollfd fds[2] = {{.fd = line->master, .events = POLLIN},
                            {.fd = line->socket, .events = POLLIN}};
    int going = 1;

    /* At the end, what the program wrote last is still on its way. */
    while (going) {
        int n = poll(fds, 2, line->stop ? 0 : LOOK_MS);

        if (n > 0)
            going = move_pieces(line, fds);
        else if (line->stop)
            going = 0;
    }
    return NULL;
}

/* A serial line is raw until a program says otherwise; O_NOCTTY: it is nobody's terminal. */
static int
open_pair(struct exec_line *line, char *path, size_t cap)
{
    struct termios t;

    line->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line->master < 0 || grantpt(line->master) != 0 || unlockpt(line->master) != 0 ||
        ptsname_r(line->master, path, cap) != 0)
        return 0;
    line->slave = ioctl(line->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (line->slave < 0 || tcgetattr(line->slave, &t) != 0)
        return 0;
    cfmakeraw(&t);
    (void)cfsetspeed(&t, B9600);
    return tcsetattr(line->slave, TCSANOW, &t) == 0;
}

static void
close_line(struct exec_line *line)
{
    rs_sock_close(line->socket);
    if (line->slave >= 0)
        (void)close(line->slave);
    if (line->master >= 0)
        (void)close(line->master);
    free(line);
}

rs_code
exec_line_start(const struct exec_tty *tty, struct exec_line **ret_line, char *path, size_t cap,
                struct rs_err *err)
{
    struct exec_line *line = calloc(1, sizeof(*line));
    char address[128];
    rs_code rc = RS_OK;

    if (line == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "exec: no memory for a serial line");
    line->master = line->slave = line->socket = -1;
    (void)snprintf(address, sizeof(address), "unix:%s", tty->socket);
    if (rs_sock_connect(address, CONNECT_MS, &line->socket, NULL) != RS_OK)
        rc = rs_fail(err, RS_E_NET_UNREACHABLE, "exec: --tty %s: nobody listens on %s", tty->name,
                     tty->socket);
    else if (!open_pair(line, path, cap))
        rc = rs_fail_errno(err, RS_E_FILE_FAILED, "exec: --tty %s: no pseudo terminal to be had",
                           tty->name);
    else if (pthread_create(&line->thread, NULL, run_line, line) != 0)
        rc = rs_fail(err, RS_E_NO_MEMORY, "exec: no thread for a serial line");
    if (rc != RS_OK) {
        close_line(line);
        return rc;
    }
    *ret_line = line;
    return RS_OK;
}

void
exec_line_end(struct exec_line *line)
{
    if (line == NULL)
        return;
    line->stop = 1;
    (void)pthread_join(line->thread, NULL);
    close_line(line);
}
