/*
 * shim.h: the parts of rot-sim-shim.so.
 *
 * The library stands between a program and its C library (LD_PRELOAD).  What
 * the program does to device files of the map (map.h) goes to a simulator; all
 * else goes on to the C library untouched.
 *
 *   hook.c    the calls that a program makes on descriptors and devices
 *   path.c    the calls that a program makes on names of files
 *   device.c  an open device: a descriptor that the kernel knows, with our state in it
 *   i2c.c     what the kernel's i2c-dev does with it; spi.c: spidev
 *   gpio.c    power lines, as files; gpiochip.c: as a device; tty.c: modem lines of serial lines
 *   line.c    the connections to the simulator, one a bus in each process
 *   wire.c, map.c  bytes and text
 *
 * Its own calls to open, read, write and ioctl would come back to it, so it uses
 * none of them.  Whatever runs here may run in any thread of somebody else's
 * program, and after a fork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SHIM_SHIM_H
#define SIMS_SHIM_SHIM_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sims/shim/map.h"
#include "sims/shim/wire.h"

#define SHIM_EXPORT __attribute__((visibility("default")))

/* ---- What the environment says (line.c) ------------------------------------------- */

struct shim_settings {
    int active; /* there is a map */
    int has_gpio;
    struct shim_map map;
    char socket[108];
    char dir[SHIM_PATH_MAX]; /* of rot-sim exec: the simulated /sys in it; "" when there is none */
};

/* Read once, at the first call. */
const struct shim_settings *shim_settings(void);

/* ---- Being left alone (line.c) --------------------------------------------------------- */

/*
 * A system call is not interrupted by a handler of a signal, nor left half-way
 * by a cancelled thread; some libraries of vendors talk to their part from a
 * timer's handler.  So everything between these two is one piece, too.
 */
struct shim_quiet {
    int cancel_state;
    sigset_t mask;
};

void shim_quiet_begin(struct shim_quiet *ret_quiet);
void shim_quiet_end(const struct shim_quiet *quiet);

/* ---- Connections (line.c) ----------------------------------------------------------- */

/*
 * The connection for an entry of the map, locked, connected if it was not.
 * 0 or a negative errno; every 0 is followed by shim_line_end().
 */
int shim_line_begin(const struct shim_entry *entry, struct wire **ret_wire);
void shim_line_end(const struct shim_entry *entry);

/* ---- Open devices (device.c) ---------------------------------------------------------- */

#define SHIM_LINES_MAX 16 /* in one request */

struct shim_device {
    const struct shim_entry *entry;
    int can_read, can_write; /* as opened */
    uint16_t address;        /* I2C_SLAVE */
    uint8_t spi_mode;
    uint32_t spi_hz;
    /* GPIO: a request for lines (their places in the map); no line: the chip itself. */
    uint8_t line_count, lines[SHIM_LINES_MAX];
    uint8_t is_input, is_output, is_active_low;
};

/* A new descriptor for the device, or a negative errno. */
int shim_device_open(const struct shim_entry *entry, int open_flags);
/* A descriptor of such a state that is not opened by a name. */
int shim_device_make(const struct shim_device *device, int close_on_exec);
/* 1 when fd is one, in whatever process and under whatever number. */
int shim_device_get(int fd, struct shim_device *ret_device);
/* Keep what has changed: all descriptors that came from one open() see it. */
int shim_device_set(int fd, const struct shim_device *device);

/* ---- What they do: a count or 0, or a negative errno ----------------------------------- */

ssize_t shim_i2c_read(const struct shim_device *d, uint8_t *p, size_t len);
ssize_t shim_i2c_write(const struct shim_device *d, const uint8_t *p, size_t len);
/* *ret_changed: d is to be kept. */
int shim_i2c_ioctl(struct shim_device *d, unsigned long request, void *arg, int *ret_changed);

ssize_t shim_spi_read(const struct shim_device *d, uint8_t *p, size_t len);
ssize_t shim_spi_write(const struct shim_device *d, const uint8_t *p, size_t len);
int shim_spi_ioctl(struct shim_device *d, unsigned long request, void *arg, int *ret_changed);

int shim_gpiochip_ioctl(struct shim_device *d, unsigned long request, void *arg, int *ret_changed);

/* ---- Serial lines (tty.c) ---------------------------------------------------------------- */

/* Modem lines of a terminal of the map: 1 done, 0 not one of these calls or terminals. */
int shim_tty_ioctl(int fd, unsigned long request, int *bits);

/* ---- GPIO lines (gpio.c) ----------------------------------------------------------------- */

/* Where writes to value and direction of the line gather. */
int shim_gpio_log_path(const struct shim_entry *entry, char *path, size_t cap);
/* Do to the chips what was written to their lines since; before a transaction and before a look at /sys. */
void shim_gpio_sync(void);
/* Write to a line as a program does that uses /sys; read its level and its direction. */
void shim_gpio_put(const struct shim_entry *entry, const char *word);
int shim_gpio_get(const struct shim_entry *entry);
int shim_gpio_is_output(const struct shim_entry *entry);

/* ---- Names of files (path.c) ---------------------------------------------------------------- */

struct shim_opening {
    const char *path; /* in: as the program said; out: what to open instead */
    int flags;
    char room[SHIM_PATH_MAX + 64];
};

/* 1: *ret_fd is the result of the program's open() (a negative errno); 0: go on with o->path and o->flags. */
int shim_divert_open(struct shim_opening *o, int *ret_fd);
/* The path to ask about instead of this one; NULL: there is no such file. *ret_entry: it is that device. */
const char *shim_divert(const char *path, char *room, size_t cap,
                        const struct shim_entry **ret_entry);

#endif /* SIMS_SHIM_SHIM_H */
