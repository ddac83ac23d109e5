/*
 * map.c: see map.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/shim/map.h"

#include <string.h>

#define NUMBER_MAX 65535u

/* ---- Text ------------------------------------------------------------------------ */

/* The prefix, or NULL; *p is left behind it. */
static int
skip(const char **p, const char *prefix)
{
    size_t len = strlen(prefix);

    if (strncmp(*p, prefix, len) != 0)
        return 0;
    *p += len;
    return 1;
}

/* A decimal number without leading zeros. */
static int
take_number(const char **p, unsigned *ret_number)
{
    const char *start = *p;
    unsigned n = 0;

    while (**p >= '0' && **p <= '9') {
        n = n * 10 + (unsigned)(**p - '0');
        if (n > NUMBER_MAX)
            return 0;
        (*p)++;
    }
    *ret_number = n;
    return *p != start && (*start != '0' || *p == start + 1);
}

/* What is before the end of the word; 0 when there is nothing, or too much. */
static int
take_rest(const char **p, char stop, char out[SHIM_TARGET_MAX + 1])
{
    size_t len = 0;

    while ((*p)[len] != '\0' && (*p)[len] != ' ' && (*p)[len] != stop)
        len++;
    if (len == 0 || len > SHIM_TARGET_MAX)
        return 0;
    memcpy(out, *p, len);
    out[len] = '\0';
    *p += len;
    return 1;
}

static int
take_device(const char **p, struct shim_entry *e)
{
    if (**p == '/') {
        e->kind = SHIM_TTY;
        return take_rest(p, '=', e->path);
    }
    if (skip(p, "i2c-")) {
        e->kind = SHIM_I2C;
        return take_number(p, &e->number);
    }
    if (skip(p, "gpio-")) {
        e->kind = SHIM_GPIO;
        return take_number(p, &e->number);
    }
    e->kind = SHIM_SPI;
    return skip(p, "spi-") && take_number(p, &e->number) && skip(p, ".") &&
           take_number(p, &e->select);
}

static int
is_same(const struct shim_entry *a, const struct shim_entry *b)
{
    return a->kind == b->kind && a->number == b->number && a->select == b->select &&
           strcmp(a->path, b->path) == 0;
}

static int
take_entry(struct shim_map *map, const char **p)
{
    struct shim_entry *e = &map->entries[map->count];

    if (map->count == SHIM_ENTRIES_MAX)
        return 0;
    memset(e, 0, sizeof(*e));
    if (!take_device(p, e) || !skip(p, "=") || !take_rest(p, '\0', e->target))
        return 0;
    for (size_t i = 0; i < map->count; i++)
        if (is_same(&map->entries[i], e))
            return 0;
    map->count++;
    return 1;
}

int
shim_map_read(struct shim_map *map, const char *text)
{
    const char *p = text;

    memset(map, 0, sizeof(*map));
    while (*p != '\0') {
        if (*p == ' ')
            p++;
        else if (!take_entry(map, &p))
            return 0;
    }
    return 1;
}

/* ---- Paths ------------------------------------------------------------------------ */

static const struct shim_entry *
find_device(const struct shim_map *map, enum shim_kind kind, unsigned number, unsigned select)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct shim_entry *e = &map->entries[i];

        if (e->kind == kind && e->number == number && e->select == select)
            return e;
    }
    return NULL;
}

/* All lines are of one chip, which any of them stands for. */
static enum shim_place
find_gpiochip(const struct shim_map *map, const char *number, const struct shim_entry **ret_entry)
{
    for (size_t i = 0; strcmp(number, "0") == 0 && i < map->count; i++) {
        if (map->entries[i].kind == SHIM_GPIO) {
            *ret_entry = &map->entries[i];
            return SHIM_DEVICE;
        }
    }
    return SHIM_ABSENT;
}

/* Device files, and the terminals that the map names. */
static enum shim_place
find_in_dev(const struct shim_map *map, int has_tree, const char *path,
            const struct shim_entry **ret_entry)
{
    const char *p = path;
    unsigned number, select = 0;
    enum shim_kind kind = SHIM_I2C;

    for (size_t i = 0; i < map->count; i++) {
        if (map->entries[i].kind == SHIM_TTY && strcmp(map->entries[i].path, path) == 0) {
            *ret_entry = &map->entries[i];
            return SHIM_DEVICE;
        }
    }
    if (has_tree && skip(&p, "/dev/gpiochip"))
        return find_gpiochip(map, p, ret_entry);
    if (!skip(&p, "/dev/i2c-")) {
        kind = SHIM_SPI;
        if (!skip(&p, "/dev/spidev"))
            return SHIM_ELSEWHERE;
    }
    if (!take_number(&p, &number) ||
        (kind == SHIM_SPI && (!skip(&p, ".") || !take_number(&p, &select))) || *p != '\0')
        return SHIM_ABSENT;
    *ret_entry = find_device(map, kind, number, select);
    return *ret_entry == NULL ? SHIM_ABSENT : SHIM_DEVICE;
}

/* The folder itself or something in it. */
static int
is_below(const char *path, const char *folder)
{
    const char *p = path;

    return skip(&p, folder) && (*p == '\0' || *p == '/');
}

static enum shim_place
find_in_sys(const struct shim_map *map, const char *path, const struct shim_entry **ret_entry)
{
    static const char *const folders[] = {
        "/sys/class/i2c-dev", "/sys/class/i2c-adapter", "/sys/bus/i2c", "/sys/class/spidev",
        "/sys/bus/spi",       "/sys/class/gpio",        "/sys/bus/gpio"};
    const char *p = path;
    unsigned number;

    if (skip(&p, "/sys/class/gpio/gpio") && take_number(&p, &number) &&
        (strcmp(p, "/value") == 0 || strcmp(p, "/direction") == 0)) {
        *ret_entry = find_device(map, SHIM_GPIO, number, 0);
        return *ret_entry == NULL ? SHIM_ABSENT : SHIM_GPIO_VALUE;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (is_below(path, folders[i]))
            return SHIM_IN_TREE;
    return SHIM_ELSEWHERE;
}

enum shim_place
shim_map_find(const struct shim_map *map, int has_tree, const char *path,
              const struct shim_entry **ret_entry)
{
    if (strncmp(path, "/dev/", 5) == 0)
        return find_in_dev(map, has_tree, path, ret_entry);
    if (has_tree && strncmp(path, "/sys/", 5) == 0)
        return find_in_sys(map, path, ret_entry);
    return SHIM_ELSEWHERE;
}

/* ---- GPIO lines ---------------------------------------------------------------------- */

enum shim_gpio
shim_gpio_next(const char *text, size_t len, size_t *ret_used)
{
    static const struct {
        const char *word;
        enum shim_gpio event;
    } words[] = {{"0", SHIM_GPIO_LOW},       {"1", SHIM_GPIO_HIGH},
                 {"in", SHIM_GPIO_IN},       {"out", SHIM_GPIO_OUT_LOW},
                 {"low", SHIM_GPIO_OUT_LOW}, {"high", SHIM_GPIO_OUT_HIGH}};

    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            size_t word_len = strlen(words[i].word);

            if (word_len <= len - at && memcmp(text + at, words[i].word, word_len) == 0) {
                *ret_used = at + word_len;
                return words[i].event;
            }
        }
    }
    *ret_used = len;
    return SHIM_GPIO_NOTHING;
}
