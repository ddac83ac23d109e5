/*
 * i2c.c: parts on /dev/i2c-N.
 *
 * One transaction is one I2C_RDWR message, so that start and stop are where
 * the transport's contract puts them.  The bus speed belongs to the device
 * tree and cannot be changed from here; SDA cannot be held low either, so a
 * part is woken by a write to address 0, whose eight zero bits take 80 us at
 * 100 kHz.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DATA_MAX 1024

void
linux_delay_us(void *self, uint32_t us)
{
    struct timespec left = {.tv_sec = us / 1000000u, .tv_nsec = (long)(us % 1000000u) * 1000};

    (void)self;
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}

/* Adapters differ in how they say that nobody acknowledged. */
static rot_err
i2c_error(int number)
{
    if (number == ENXIO || number == EREMOTEIO || number == EIO)
        return ROT_BUSY;
    return ROT_E_BUS;
}

static rot_err
run(const struct rot_linux *lin, uint8_t address, uint16_t flags, uint8_t *buf, size_t len)
{
    struct i2c_msg message = {.addr = address, .flags = flags, .len = (__u16)len, .buf = buf};
    struct i2c_rdwr_ioctl_data one = {.msgs = &message, .nmsgs = 1};

    if (lin->fd < 0)
        return ROT_E_BUS;
    while (ioctl(lin->fd, I2C_RDWR, &one) < 0) {
        if (errno != EINTR)
            return i2c_error(errno);
    }
    return ROT_OK;
}

static rot_err
i2c_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    uint8_t copy[DATA_MAX]; /* the kernel's struct wants memory that is not const */

    if (tx_len > sizeof(copy))
        return ROT_E_ARG;
    if (tx_len != 0)
        memcpy(copy, tx, tx_len);
    return run(self, address, 0, copy, tx_len);
}

static rot_err
i2c_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    if (rx_len == 0 || rx_len > DATA_MAX)
        return ROT_E_ARG;
    return run(self, address, I2C_M_RD, rx, rx_len);
}

static rot_err
i2c_wake(void *self, uint32_t low_us)
{
    uint8_t zero = 0;
    rot_err rc = run(self, 0, 0, &zero, 1);

    (void)low_us;
    return rc == ROT_BUSY ? ROT_OK : rc; /* nobody acknowledges address 0 */
}

static const struct rot_line_ops i2c_line = {
    .delay_us = linux_delay_us,
};

static const struct rot_i2c_ops i2c_ops = {
    .write = i2c_write,
    .read = i2c_read,
    .wake = i2c_wake,
};

rot_err
linux_open_i2c(struct rot_linux *lin, unsigned bus, unsigned address)
{
    unsigned long functions = 0;
    char path[32];

    (void)snprintf(path, sizeof(path), "/dev/i2c-%u", bus);
    lin->fd = open(path, O_RDWR | O_CLOEXEC);
    if (lin->fd < 0)
        return linux_fail(lin, ROT_E_BUS, "i2c: cannot open %s: %s", path, strerror(errno));
    if (ioctl(lin->fd, I2C_FUNCS, &functions) < 0 || (functions & I2C_FUNC_I2C) == 0)
        return linux_fail(lin, ROT_E_BUS, "i2c: %s cannot do plain I2C transactions", path);
    lin->transport.self = lin;
    lin->transport.line = &i2c_line;
    lin->transport.i2c = &i2c_ops;
    lin->transport.address = (uint8_t)address;
    return ROT_OK;
}
