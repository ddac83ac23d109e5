/*
 * sim.c: the simulator socket, seen from the bus master.
 *
 * docs/protocols/simulator.md is the contract.  Each bus transaction is one
 * request and one answer; a NACK is an answer.  Time is the simulator's: a
 * delay is sent there, not slept here.
 *
 * A frame that breaks the protocol, or a connection that breaks, is ROT_E_BUS
 * now and for every later call: after half a frame nothing can be trusted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define OP_HELLO 0x01
#define OP_OPEN  0x02
#define OP_WRITE 0x10
#define OP_READ  0x11
#define OP_WAKE  0x12
#define OP_SPEED 0x13
#define OP_POWER 0x14
#define OP_DELAY 0x15

#define STATUS_OK   0
#define STATUS_NACK 1

#define VERSION          1
#define DATA_MAX         1024 /* bytes of one transaction */
#define FRAME_MAX        (DATA_MAX + 16)
#define NAME_MAX_BYTES   63
#define ANSWER_TIMEOUT_S 90 /* the longest delay is 60 s */
#define DELAY_MAX_US     60000000u

static rot_err
break_line(struct rot_linux *lin)
{
    close(lin->fd);
    lin->fd = -1;
    return ROT_E_BUS;
}

static rot_err
send_all(struct rot_linux *lin, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = send(lin->fd, p, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return break_line(lin);
        p += n;
        len -= (size_t)n;
    }
    return ROT_OK;
}

static rot_err
receive_all(struct rot_linux *lin, uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = recv(lin->fd, p, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return break_line(lin);
        p += n;
        len -= (size_t)n;
    }
    return ROT_OK;
}

/*
 * One request of two pieces, one answer.  Gives the status byte, and the body
 * in answer[cap]; a body that does not fit breaks the line.
 */
static rot_err
ask(struct rot_linux *lin, uint8_t op, struct rot_bytes head, struct rot_bytes data,
    uint8_t *ret_status, uint8_t *answer, size_t cap, size_t *ret_len)
{
    uint8_t frame[FRAME_MAX], header[4];
    size_t len = 1 + head.len + data.len, body;
    rot_err rc;

    if (lin->fd < 0)
        return ROT_E_BUS;
    if (len + 2 > sizeof(frame))
        return ROT_E_ARG;
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    frame[2] = op;
    if (head.len != 0)
        memcpy(frame + 3, head.p, head.len);
    if (data.len != 0)
        memcpy(frame + 3 + head.len, data.p, data.len);
    rc = send_all(lin, frame, len + 2);
    if (rc == ROT_OK)
        rc = receive_all(lin, header, sizeof(header));
    if (rc != ROT_OK)
        return rc;

    body = (size_t)header[0] << 8 | header[1];
    if (body < 2 || body - 2 > cap || header[2] != op)
        return break_line(lin);
    rc = receive_all(lin, answer, body - 2);
    if (rc != ROT_OK)
        return rc;
    *ret_status = header[3];
    *ret_len = body - 2;
    return ROT_OK;
}

/* A request whose answer has no body worth keeping: OK, NACK (busy), or a fault of the wire. */
static rot_err
tell(struct rot_linux *lin, uint8_t op, struct rot_bytes head, struct rot_bytes data)
{
    uint8_t body[DATA_MAX], status = 0;
    size_t len = 0;
    rot_err rc = ask(lin, op, head, data, &status, body, sizeof(body), &len);

    if (rc != ROT_OK)
        return rc;
    if (status == STATUS_NACK)
        return ROT_BUSY;
    return status == STATUS_OK ? ROT_OK : ROT_E_BUS;
}

static rot_err
tell_u32(struct rot_linux *lin, uint8_t op, uint32_t value)
{
    uint8_t b[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                    (uint8_t)value};

    return tell(lin, op, (struct rot_bytes){b, 4}, (struct rot_bytes){NULL, 0});
}

static rot_err
sim_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    if (tx_len > DATA_MAX)
        return ROT_E_ARG;
    return tell(self, OP_WRITE, (struct rot_bytes){&address, 1}, (struct rot_bytes){tx, tx_len});
}

static rot_err
sim_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct rot_linux *lin = self;
    uint8_t head[3] = {address, (uint8_t)(rx_len >> 8), (uint8_t)rx_len};
    uint8_t body[DATA_MAX], status = 0;
    size_t len = 0;
    rot_err rc;

    if (rx_len == 0 || rx_len > DATA_MAX)
        return ROT_E_ARG;
    rc = ask(lin, OP_READ, (struct rot_bytes){head, 3}, (struct rot_bytes){NULL, 0}, &status, body,
             sizeof(body), &len);
    if (rc != ROT_OK)
        return rc;
    if (status == STATUS_NACK)
        return ROT_BUSY;
    if (status != STATUS_OK)
        return ROT_E_BUS;
    if (len != rx_len)
        return break_line(lin);
    memcpy(rx, body, rx_len);
    return ROT_OK;
}

static rot_err
sim_wake(void *self, uint32_t low_us)
{
    return tell_u32(self, OP_WAKE, low_us);
}

static rot_err
sim_set_speed(void *self, uint32_t speed_hz)
{
    return tell_u32(self, OP_SPEED, speed_hz);
}

static void
sim_delay_us(void *self, uint32_t us)
{
    while (us > 0) {
        uint32_t piece = us < DELAY_MAX_US ? us : DELAY_MAX_US;

        /* A broken line shows in the next transaction; a delay has no answer to give. */
        if (tell_u32(self, OP_DELAY, piece) != ROT_OK)
            return;
        us -= piece;
    }
}

static rot_err
sim_set_power(void *self, int on)
{
    uint8_t b = on ? 1 : 0;

    return tell(self, OP_POWER, (struct rot_bytes){&b, 1}, (struct rot_bytes){NULL, 0});
}

static const struct rot_line_ops sim_line = {
    .delay_us = sim_delay_us,
    .set_power = sim_set_power,
};

static const struct rot_i2c_ops sim_i2c = {
    .write = sim_write,
    .read = sim_read,
    .wake = sim_wake,
    .set_speed = sim_set_speed,
};

/* Where rot-sim listens: section 1 of the document, with our own variable first. */
static int
default_socket(char *path, size_t cap)
{
    const char *named = getenv("ROOTSMITH_SIM_SOCKET");
    const char *dir = getenv("XDG_RUNTIME_DIR");
    int n;

    if (named == NULL || named[0] == '\0')
        named = getenv("ROT_SIM_SOCKET");
    if (named != NULL && named[0] != '\0')
        n = snprintf(path, cap, "%s", named);
    else if (dir != NULL && dir[0] != '\0')
        n = snprintf(path, cap, "%s/rot-sim.sock", dir);
    else
        n = snprintf(path, cap, "/tmp/rot-sim-%u.sock", (unsigned)getuid());
    return n > 0 && (size_t)n < cap;
}

static rot_err
connect_to(struct rot_linux *lin, const struct sockaddr_un *to)
{
    struct timeval limit = {.tv_sec = ANSWER_TIMEOUT_S, .tv_usec = 0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed;

    if (fd < 0)
        return linux_fail(lin, ROT_E_BUS, "simulator: no socket: %s", strerror(errno));
    failed = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
             setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
             connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0;
    if (failed) {
        rot_err rc = linux_fail(lin, ROT_E_BUS, "simulator: no rot-sim answers at %s: %s",
                                to->sun_path, strerror(errno));

        close(fd);
        return rc;
    }
    lin->fd = fd;
    return ROT_OK;
}

static rot_err
say_hello(struct rot_linux *lin, const char *path)
{
    static const uint8_t hello[] = {'R', 'O', 'T', 'S', 'I', 'M', VERSION};
    uint8_t body[256], status = 0;
    size_t len = 0;
    rot_err rc = ask(lin, OP_HELLO, (struct rot_bytes){hello, sizeof(hello)},
                     (struct rot_bytes){NULL, 0}, &status, body, sizeof(body), &len);

    if (rc == ROT_OK && (status != STATUS_OK || len < 2 || body[0] != VERSION))
        rc = ROT_E_BUS;
    if (rc != ROT_OK)
        return linux_fail(lin, rc, "simulator: %s does not speak version %d of the socket protocol",
                          path, VERSION);
    return ROT_OK;
}

static rot_err
attach(struct rot_linux *lin, const char *name, const char *path)
{
    uint8_t body[256], status = 0;
    size_t len = 0;
    rot_err rc = ask(lin, OP_OPEN, (struct rot_bytes){(const uint8_t *)name, strlen(name)},
                     (struct rot_bytes){NULL, 0}, &status, body, sizeof(body), &len);

    if (rc != ROT_OK)
        return linux_fail(lin, rc, "simulator: %s hung up", path);
    if (status != STATUS_OK || len < 2 || len - 1 >= sizeof(lin->model))
        return linux_fail(lin, ROT_E_BUS, "simulator: %s has no chip %s", path, name);
    lin->transport.address = body[0];
    memcpy(lin->model, body + 1, len - 1);
    lin->model[len - 1] = '\0';
    return ROT_OK;
}

rot_err
linux_open_sim(struct rot_linux *lin, const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *chip = strrchr(name, '#');
    rot_err rc;

    if (chip == NULL) {
        chip = name;
        if (!default_socket(to.sun_path, sizeof(to.sun_path)))
            return linux_fail(lin, ROT_E_FORMAT, "simulator: the path of its socket is too long");
    } else {
        size_t len = (size_t)(chip - name);

        chip++;
        if (len == 0 || len >= sizeof(to.sun_path))
            return linux_fail(lin, ROT_E_FORMAT, "simulator: bad path of a socket in sim:%s", name);
        memcpy(to.sun_path, name, len);
    }
    if (chip[0] == '\0' || strlen(chip) > NAME_MAX_BYTES)
        return linux_fail(lin, ROT_E_FORMAT, "simulator: bad name of a chip in sim:%s", name);

    rc = connect_to(lin, &to);
    if (rc == ROT_OK)
        rc = say_hello(lin, to.sun_path);
    if (rc == ROT_OK)
        rc = attach(lin, chip, to.sun_path);
    if (rc != ROT_OK)
        return rc;
    lin->transport.self = lin;
    lin->transport.line = &sim_line;
    lin->transport.i2c = &sim_i2c;
    lin->transport.simulated = 1;
    return ROT_OK;
}
