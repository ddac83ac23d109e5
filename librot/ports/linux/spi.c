/*
 * spi.c: parts on /dev/spidevB.C.
 *
 * Mode and word size belong to the device tree, as the speed of an I2C bus does;
 * the speed of a transfer is ours to lower.  What one call sends is one message;
 * chip select is held beyond it where the controller can do that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux_port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/spi/spidev.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define DATA_MAX 4096 /* spidev's own, unless the machine says otherwise */

static rot_err
spi_transfer(void *self, const uint8_t *tx, uint8_t *rx, size_t len, int keep)
{
    const struct rot_linux *lin = self;
    struct spi_ioc_transfer one = {.tx_buf = (uintptr_t)tx,
                                   .rx_buf = (uintptr_t)rx,
                                   .len = (uint32_t)len,
                                   .speed_hz = lin->spi_hz,
                                   .cs_change = keep != 0};

    if (len > DATA_MAX)
        return ROT_E_ARG;
    if (lin->fd < 0)
        return ROT_E_BUS;
    while (ioctl(lin->fd, SPI_IOC_MESSAGE(1), &one) < 0) {
        if (errno != EINTR)
            return ROT_E_BUS;
    }
    return ROT_OK;
}

static rot_err
spi_set_speed(void *self, uint32_t speed_hz)
{
    struct rot_linux *lin = self;

    lin->spi_hz = speed_hz;
    return ROT_OK;
}

static const struct rot_line_ops spi_line = {
    .delay_us = linux_delay_us,
};

static const struct rot_spi_ops spi_ops = {
    .transfer = spi_transfer,
    .set_speed = spi_set_speed,
};

rot_err
linux_open_spi(struct rot_linux *lin, unsigned bus, unsigned select)
{
    uint8_t bits = 0;
    char path[32];

    (void)snprintf(path, sizeof(path), "/dev/spidev%u.%u", bus, select);
    lin->fd = open(path, O_RDWR | O_CLOEXEC);
    if (lin->fd < 0)
        return linux_fail(lin, ROT_E_BUS, "spi: cannot open %s: %s", path, strerror(errno));
    if (ioctl(lin->fd, SPI_IOC_RD_BITS_PER_WORD, &bits) < 0 || (bits != 0 && bits != 8))
        return linux_fail(lin, ROT_E_BUS, "spi: %s is no spidev with words of 8 bits", path);
    lin->transport.self = lin;
    lin->transport.line = &spi_line;
    lin->transport.spi = &spi_ops;
    return ROT_OK;
}
