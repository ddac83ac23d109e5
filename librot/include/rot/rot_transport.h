/*
 * rot_transport.h: how bytes travel between a driver and its part.
 *
 * A transport is a constant table of functions and the caller's state behind
 * `self`.  It knows nothing of chips: it moves one transaction, says whether
 * somebody acknowledged, and sleeps.  Simulators stand on the far side of it.
 *
 * A part that does not acknowledge its address is an answer, not a fault: the
 * call gives ROT_BUSY.  ROT_E_BUS is kept for a wire that is broken (stuck
 * line, closed socket, adapter gone).
 *
 * One of the four bus tables is set; the others are NULL.  A driver whose bus
 * is not there is refused by rot_open() with ROT_E_ARG.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_TRANSPORT_H
#define ROT_ROT_TRANSPORT_H

#include <rot/rot.h>

/* What every wire has. */
struct rot_line_ops {
    /* Sleep at least us microseconds; a bare-metal user may serve a watchdog meanwhile. */
    void (*delay_us)(void *self, uint32_t us);
    /* Switch the part's supply.  Optional: NULL when there is no such line. */
    rot_err (*set_power)(void *self, int on);
    /* Pull the part's reset line and let it go.  Optional. */
    rot_err (*pulse_reset)(void *self);
};

/* I2C.  Addresses are the 7-bit form.  A transaction is start, address, bytes, stop. */
struct rot_i2c_ops {
    /* ROT_BUSY: nobody acknowledged the address.  A NACK inside the data is ROT_E_BUS. */
    rot_err (*write)(void *self, uint8_t address, const uint8_t *tx, size_t tx_len);
    rot_err (*read)(void *self, uint8_t address, uint8_t *rx, size_t rx_len);
    /* Hold SDA low for at least low_us.  Optional; address 0 at 100 kHz does as well. */
    rot_err (*wake)(void *self, uint32_t low_us);
    /* Optional.  The bus stays at or below speed_hz from the next transaction on. */
    rot_err (*set_speed)(void *self, uint32_t speed_hz);
};

/* SPI.  Full duplex; keep != 0 leaves chip select held for the next call. */
struct rot_spi_ops {
    rot_err (*transfer)(void *self, const uint8_t *tx, uint8_t *rx, size_t len, int keep);
    rot_err (*set_speed)(void *self, uint32_t speed_hz); /* optional */
};

/* A byte stream: UART, USB-CDC, socket. */
struct rot_stream_ops {
    rot_err (*write)(void *self, const uint8_t *tx, size_t tx_len);
    /* As many bytes as came within timeout_ms, up to cap; ROT_BUSY when none did. */
    rot_err (*read)(void *self, uint8_t *rx, size_t cap, uint32_t timeout_ms, size_t *ret_len);
};

/* Whole messages: a TPM behind a TCTI, tests. */
struct rot_message_ops {
    rot_err (*exchange)(void *self, const uint8_t *tx, size_t tx_len, uint8_t *rx, size_t cap,
                        size_t *ret_len);
};

struct rot_transport {
    void *self; /* handed to every call; the transport's own state */
    const struct rot_line_ops *line;
    const struct rot_i2c_ops *i2c;
    const struct rot_spi_ops *spi;
    const struct rot_stream_ops *stream;
    const struct rot_message_ops *message;
    uint8_t address;   /* I2C: the 7-bit address to look at first; 0: the driver's default */
    uint8_t simulated; /* 1 when the far side is known to be a simulator */
};

#endif /* ROT_ROT_TRANSPORT_H */
