/*
 * map.h: which paths of a program are simulated, and what stands behind them.
 *
 * The map is one line of text in the environment, written by `rot-sim exec` or
 * by hand: words apart by blanks, each DEVICE=TARGET.
 *
 *     i2c-1=main            /dev/i2c-1 is the bus "main" of the simulator
 *     spi-0.0=spi-0/ta100   /dev/spidev0.0 selects that chip
 *     gpio-17=main/u1       line 17 of /sys/class/gpio feeds that chip
 *     /dev/ttyUSB0=/dev/pts/4
 *
 * Nothing here touches the system: text in, structs out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SHIM_MAP_H
#define SIMS_SHIM_MAP_H

#include <stddef.h>

#define SHIM_ENTRIES_MAX 64
#define SHIM_TARGET_MAX  63 /* a name of the simulator's protocol, or a path */
#define SHIM_PATH_MAX    512

enum shim_kind {
    SHIM_I2C = 1,
    SHIM_SPI,
    SHIM_GPIO,
    SHIM_TTY,
};

struct shim_entry {
    enum shim_kind kind;
    unsigned number, select;        /* /dev/i2c-NUMBER, /dev/spidevNUMBER.SELECT, gpioNUMBER */
    char path[SHIM_TARGET_MAX + 1]; /* SHIM_TTY only */
    char target[SHIM_TARGET_MAX + 1];
};

struct shim_map {
    size_t count;
    struct shim_entry entries[SHIM_ENTRIES_MAX];
};

/* 0 when the text is not a map: an unknown word, a name too long, a device named twice. */
int shim_map_read(struct shim_map *map, const char *text);

enum shim_place {
    SHIM_ELSEWHERE,  /* none of our business */
    SHIM_ABSENT,     /* a device of a kind that is simulated, but not there */
    SHIM_DEVICE,     /* *ret_entry says which; a line of GPIO: the chip that it is of */
    SHIM_IN_TREE,    /* a file or folder of the simulated /sys */
    SHIM_GPIO_VALUE, /* *ret_entry: its value or direction */
};

/* Where an absolute path leads.  has_tree: somebody made a simulated /sys. */
enum shim_place shim_map_find(const struct shim_map *map, int has_tree, const char *path,
                              const struct shim_entry **ret_entry);

/* ---- What is written to a GPIO line ------------------------------------------- */

enum shim_gpio {
    SHIM_GPIO_NOTHING = 0,
    SHIM_GPIO_LOW,     /* "0" */
    SHIM_GPIO_HIGH,    /* "1" */
    SHIM_GPIO_IN,      /* "in" */
    SHIM_GPIO_OUT_LOW, /* "out" and "low" */
    SHIM_GPIO_OUT_HIGH /* "high" */
};

/* The next event of a text that grows by one write after another; *ret_used bytes of it are done. */
enum shim_gpio shim_gpio_next(const char *text, size_t len, size_t *ret_used);

#endif /* SIMS_SHIM_MAP_H */
