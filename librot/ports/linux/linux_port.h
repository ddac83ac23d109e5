/*
 * linux_port.h: what the files of the Linux port share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_PORTS_LINUX_LINUX_PORT_H
#define ROT_PORTS_LINUX_LINUX_PORT_H

#include <rot/linux.h>

/* Write the one sentence of lin->error and give rc. */
rot_err linux_fail(struct rot_linux *lin, rot_err rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same into any error text of ROT_LINUX_ERROR_MAX; NULL: nobody asks. */
rot_err linux_say(char *error, rot_err rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Connect to a simulator and attach to "bus/chip" (sim.c). */
rot_err linux_open_sim(struct rot_linux *lin, const char *name);

/* Open /dev/i2c-BUS for the address (i2c.c); quiet about a bus that is not there. */
rot_err linux_open_i2c(struct rot_linux *lin, unsigned bus, unsigned address);

/* Open /dev/spidevBUS.SELECT (spi.c). */
rot_err linux_open_spi(struct rot_linux *lin, unsigned bus, unsigned select);

/*
 * Connect to a TPM by a string of the TCTI loader, NULL for this machine's own
 * (tcti.c); give the connection back; whether this machine has a TPM.
 */
rot_err linux_open_tcti(struct rot_linux *lin, const char *name);
void linux_close_tcti(struct rot_linux *lin);
int linux_has_tpm(void);

/* Sleep, also through signals (i2c.c). */
void linux_delay_us(void *self, uint32_t us);

/* The key of a soft store from a file of mode 0600, which is made if it is not there (secret.c). */
rot_err linux_load_secret(struct rot_linux *lin, const char *path);

/* A whole file of at most cap bytes and of mode 0600 or stricter. */
rot_err linux_read_private(const char *path, uint8_t *buf, size_t cap, size_t *ret_len,
                           char *error);
/* Make a file of mode 0600, whole and durable or not at all; ROT_E_STATE: there is one. */
rot_err linux_make_private(const char *path, const uint8_t *bytes, size_t len, char *error);
rot_err linux_make_random(const struct rot_port *port, const char *path, uint8_t secret[32],
                          char *error);

/* Give the port what a channel secret's file says (channel.c). */
rot_err linux_load_channel(struct rot_linux *lin, const char *path);

#endif /* ROT_PORTS_LINUX_LINUX_PORT_H */
