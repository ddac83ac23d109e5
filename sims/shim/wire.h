/*
 * wire.h: the client's side of the simulator socket (docs/protocols/simulator.md).
 *
 * Bytes go through two functions of the caller's, so that tests and the fuzzer
 * can be the simulator.  Every call gives 0 or a negative errno, as the kernel
 * would give it to a driver: -ENXIO when nobody acknowledged.  When an answer is
 * none, or none came, the line is broken: whoever owns it connects anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SHIM_WIRE_H
#define SIMS_SHIM_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_MESSAGES_MAX 42   /* of one transaction */
#define WIRE_MESSAGE_MAX  1024 /* bytes of an I2C message */
#define WIRE_SPI_MAX      4096 /* bytes of an SPI transfer */

struct wire {
    void *self;
    /* All of it; 0 or a negative errno. */
    int (*send)(void *self, const uint8_t *p, size_t len);
    int (*receive)(void *self, uint8_t *p, size_t len);
    int broken;
};

struct wire_message {
    uint8_t address;
    int is_read;
    uint8_t *p;
    size_t len;
};

/* Greet, attach to "bus/chip" or with "*" for a chip to the bus alone, and say that we wait by ourselves. */
int wire_begin(struct wire *w, const char *name);

/* One transaction; -EOPNOTSUPP when it is larger than the simulator takes. */
int wire_transfer(struct wire *w, const struct wire_message *messages, size_t count);
/* One SPI transfer; the chip stays selected if keep. */
int wire_spi(struct wire *w, uint32_t speed_hz, const uint8_t *tx, uint8_t *rx, size_t len,
             int keep);
int wire_delay(struct wire *w, uint32_t us);
/* Supply of the chip that the connection is attached to. */
int wire_power(struct wire *w, int on);

#endif /* SIMS_SHIM_WIRE_H */
