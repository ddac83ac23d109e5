/*
 * exec_tree.c: the simulated /sys that a program of rot-sim exec finds.
 *
 * Only what tells of buses and lines: i2cdetect -l, and programs that look for a
 * bus by its name; GPIO lines in the old form, ready as if they had been exported.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "rot_sim.h"

#define PATH_MAX_BYTES 600

struct tree {
    const char *dir;
    struct rs_err *err;
    rs_code rc; /* of the first failure; what follows does nothing */
};

/* All folders of a path below dir, and dir itself before. */
static void
make_folder(struct tree *t, const char *path)
{
    char whole[PATH_MAX_BYTES];
    size_t base = strlen(t->dir);

    if (t->rc == RS_OK &&
        (size_t)snprintf(whole, sizeof(whole), "%s/%s", t->dir, path) >= sizeof(whole))
        t->rc = rs_fail(t->err, RS_E_FILE_FAILED, "exec: the path %s is too long", t->dir);
    for (size_t i = base + 1; t->rc == RS_OK; i++) {
        char was = whole[i];

        if (was != '/' && was != '\0')
            continue;
        whole[i] = '\0';
        t->rc = rs_dir_make(whole, 0700, t->err);
        whole[i] = was;
        if (was == '\0')
            return;
    }
}

static void
make_file(struct tree *t, const char *folder, const char *name, const char *text)
{
    char whole[PATH_MAX_BYTES];

    if (t->rc != RS_OK)
        return;
    if ((size_t)snprintf(whole, sizeof(whole), "%s/%s/%s", t->dir, folder, name) >= sizeof(whole))
        t->rc = rs_fail(t->err, RS_E_FILE_FAILED, "exec: the path %s is too long", t->dir);
    else
        t->rc = rs_file_make(whole, rs_bytes_str(text), 0600, t->err);
}

static void
make_i2c(struct tree *t, unsigned bus)
{
    static const char *const parents[] = {"sys/class/i2c-dev", "sys/class/i2c-adapter",
                                          "sys/bus/i2c/devices"};
    char folder[64], text[64];

    for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
        (void)snprintf(folder, sizeof(folder), "%s/i2c-%u", parents[i], bus);
        make_folder(t, folder);
        (void)snprintf(text, sizeof(text), "rot-sim bus %u\n", bus);
        make_file(t, folder, "name", text);
    }
    (void)snprintf(folder, sizeof(folder), "%s/i2c-%u", parents[0], bus);
    (void)snprintf(text, sizeof(text), "89:%u\n", bus);
    make_file(t, folder, "dev", text);
}

static void
make_spi(struct tree *t, unsigned bus, unsigned select)
{
    char folder[64], text[32];

    (void)snprintf(folder, sizeof(folder), "sys/class/spidev/spidev%u.%u", bus, select);
    make_folder(t, folder);
    (void)snprintf(text, sizeof(text), "153:%u\n", bus * 8 + select);
    make_file(t, folder, "dev", text);
}

static void
make_gpio(struct tree *t, unsigned line)
{
    char folder[64], log[32];

    (void)snprintf(folder, sizeof(folder), "sys/class/gpio/gpio%u", line);
    make_folder(t, folder);
    make_file(t, folder, "value", "1\n");
    make_file(t, folder, "direction", "in\n");
    make_file(t, folder, "edge", "none\n");
    make_file(t, folder, "active_low", "0\n");
    (void)snprintf(log, sizeof(log), "gpio-%u.log", line);
    make_file(t, ".", log, "");
}

rs_code
exec_tree_make(const struct exec_plan *plan, const char *dir, struct rs_err *err)
{
    struct tree t = {.dir = dir, .err = err, .rc = RS_OK};

    make_folder(&t, "sys/class/i2c-dev");
    make_folder(&t, "sys/class/i2c-adapter");
    make_folder(&t, "sys/bus/i2c/devices");
    make_folder(&t, "sys/bus/spi/devices");
    make_folder(&t, "sys/class/spidev");
    make_folder(&t, "sys/class/gpio");
    make_file(&t, "sys/class/gpio", "export", "");
    make_file(&t, "sys/class/gpio", "unexport", "");
    make_folder(&t, "sys/bus/gpio/devices/gpiochip0");
    make_file(&t, "sys/bus/gpio/devices/gpiochip0", "dev", "254:0\n");
    for (size_t i = 0; i < plan->chip_count; i++) {
        const struct exec_chip *chip = &plan->chips[i];
        int is_first = 1;

        for (size_t k = 0; k < i; k++)
            is_first &= plan->chips[k].is_spi || plan->chips[k].bus != chip->bus;
        if (chip->is_spi)
            make_spi(&t, chip->bus, chip->select);
        else if (is_first)
            make_i2c(&t, chip->bus);
    }
    for (size_t i = 0; i < plan->gpio_count; i++)
        make_gpio(&t, plan->gpios[i].line);
    return t.rc;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    if (kind == FTW_DP)
        (void)rmdir(path);
    else
        (void)unlink(path);
    return 0;
}

void
exec_tree_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
