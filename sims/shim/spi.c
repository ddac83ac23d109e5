/*
 * spi.c: what the kernel's spidev does (Documentation/spi/spidev.rst), over a simulated chip.
 *
 * The controller that is played has words of 8 bits, most significant bit
 * first, the four modes, and transfers of up to 4096 bytes in one message.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <linux/spi/spidev.h>
#include <string.h>
#include <sys/ioctl.h>

#include "sims/shim/shim.h"

#define MODE_MASK (SPI_CPHA | SPI_CPOL)

static int
word_is_fine(const struct spi_ioc_transfer *t)
{
    return (t->bits_per_word == 0 || t->bits_per_word == 8) && t->tx_nbits <= 1 && t->rx_nbits <= 1;
}

/* The lengths of a message together, or a negative errno. */
static int
measure(const struct spi_ioc_transfer *transfers, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++) {
        if (!word_is_fine(&transfers[i]))
            return -EINVAL;
        if (transfers[i].len > WIRE_SPI_MAX - total)
            return -EMSGSIZE;
        total += transfers[i].len;
    }
    return (int)total;
}

static int
run_transfer(const struct shim_device *d, struct wire *wire, const struct spi_ioc_transfer *t,
             int keep)
{
    uint8_t tx[WIRE_SPI_MAX], rx[WIRE_SPI_MAX];
    int rc;

    if (t->tx_buf != 0)
        memcpy(tx, (const void *)(uintptr_t)t->tx_buf, t->len);
    else
        memset(tx, 0, t->len);
    rc = wire_spi(wire, t->speed_hz != 0 ? t->speed_hz : d->spi_hz, tx, rx, t->len, keep);
    if (rc == 0 && t->rx_buf != 0)
        memcpy((void *)(uintptr_t)t->rx_buf, rx, t->len);
    return rc == 0 && t->delay_usecs != 0 ? wire_delay(wire, t->delay_usecs) : rc;
}

/* Chip select falls once and rises after the last transfer; cs_change turns that around for each. */
static int
run_message(const struct shim_device *d, const struct spi_ioc_transfer *transfers, size_t count)
{
    struct wire *wire;
    int total = measure(transfers, count), rc;

    if (total < 0)
        return total;
    shim_gpio_sync();
    rc = shim_line_begin(d->entry, &wire);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int is_last = i + 1 == count, change = transfers[i].cs_change != 0;

        rc = run_transfer(d, wire, &transfers[i], is_last ? change : !change);
    }
    shim_line_end(d->entry);
    return rc == 0 ? total : rc;
}

ssize_t
shim_spi_read(const struct shim_device *d, uint8_t *p, size_t len)
{
    struct spi_ioc_transfer t = {.rx_buf = (uintptr_t)p, .len = (uint32_t)len};

    if (len > WIRE_SPI_MAX)
        return -EMSGSIZE;
    if (p == NULL && len != 0)
        return -EFAULT;
    return run_message(d, &t, 1);
}

ssize_t
shim_spi_write(const struct shim_device *d, const uint8_t *p, size_t len)
{
    struct spi_ioc_transfer t = {.tx_buf = (uintptr_t)p, .len = (uint32_t)len};

    if (len > WIRE_SPI_MAX)
        return -EMSGSIZE;
    if (p == NULL && len != 0)
        return -EFAULT;
    return run_message(d, &t, 1);
}

/* SPI_IOC_MESSAGE(n): the number is in the size that the request states. */
static int
message(const struct shim_device *d, unsigned long request, const void *arg)
{
    size_t size = _IOC_SIZE(request);

    if (_IOC_DIR(request) != _IOC_WRITE)
        return -ENOTTY;
    if (size % sizeof(struct spi_ioc_transfer) != 0)
        return -EINVAL;
    if (size == 0)
        return 0;
    return arg == NULL ? -EFAULT : run_message(d, arg, size / sizeof(struct spi_ioc_transfer));
}

static int
set_mode(struct shim_device *d, uint32_t mode, int *ret_changed)
{
    if ((mode & ~(uint32_t)MODE_MASK) != 0)
        return -EINVAL;
    d->spi_mode = (uint8_t)mode;
    *ret_changed = 1;
    return 0;
}

static int
set_speed(struct shim_device *d, uint32_t hz, int *ret_changed)
{
    if (hz == 0)
        return -EINVAL;
    d->spi_hz = hz;
    *ret_changed = 1;
    return 0;
}

int
shim_spi_ioctl(struct shim_device *d, unsigned long request, void *arg, int *ret_changed)
{
    uint8_t *byte = arg;
    uint32_t word = 0;

    if (_IOC_TYPE(request) != SPI_IOC_MAGIC)
        return -ENOTTY;
    if (_IOC_NR(request) == 0)
        return message(d, request, arg);
    if (arg == NULL)
        return -EFAULT;
    memcpy(&word, arg, _IOC_SIZE(request) < sizeof(word) ? 1 : sizeof(word));
    switch (request) {
    case SPI_IOC_RD_MODE:
        *byte = d->spi_mode;
        return 0;
    case SPI_IOC_RD_MODE32:
        word = d->spi_mode;
        memcpy(arg, &word, sizeof(word));
        return 0;
    case SPI_IOC_RD_LSB_FIRST:
        *byte = 0;
        return 0;
    case SPI_IOC_RD_BITS_PER_WORD:
        *byte = 8;
        return 0;
    case SPI_IOC_RD_MAX_SPEED_HZ:
        memcpy(arg, &d->spi_hz, sizeof(d->spi_hz));
        return 0;
    case SPI_IOC_WR_MODE:
        return set_mode(d, *byte, ret_changed);
    case SPI_IOC_WR_MODE32:
        return set_mode(d, word, ret_changed);
    case SPI_IOC_WR_LSB_FIRST:
        return *byte == 0 ? 0 : -EINVAL;
    case SPI_IOC_WR_BITS_PER_WORD:
        return *byte == 0 || *byte == 8 ? 0 : -EINVAL;
    case SPI_IOC_WR_MAX_SPEED_HZ:
        return set_speed(d, word, ret_changed);
    default:
        return -ENOTTY;
    }
}
