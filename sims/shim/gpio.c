/*
 * gpio.c: lines of /sys/class/gpio that feed chips.
 *
 * Programs write "0" and "1" by whatever means: write(), stdio, a shell's echo
 * that never calls into this library.  So value and direction of a line are, for
 * writing, one real file that is only appended to, and nothing is lost.  Before
 * each transaction, and before /sys is looked at, whoever is there reads on in
 * the file from where the last one stopped, and switches the chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sims/shim/real.h"
#include "sims/shim/shim.h"

#define PIECE 256

/* Up to where this process knows that all is done; only to save looking. */
static off_t done[SHIM_ENTRIES_MAX];

int
shim_gpio_log_path(const struct shim_entry *entry, char *path, size_t cap)
{
    int n = snprintf(path, cap, "%s/gpio-%u.log", shim_settings()->dir, entry->number);

    return n > 0 && (size_t)n < cap ? 0 : -ENAMETOOLONG;
}

/* What the program sees when it reads the line. */
static void
show(const struct shim_entry *entry, const char *name, const char *text)
{
    char path[SHIM_PATH_MAX + 64];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/sys/class/gpio/gpio%u/%s", shim_settings()->dir,
                   entry->number, name);
    fd = REAL(open)(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!REAL(write)(fd, text, strlen(text));
    (void)close(fd);
}

static void
switch_chip(const struct shim_entry *entry, int on)
{
    struct wire *wire;

    /* A simulator that is gone shows in the transaction. */
    if (shim_line_begin(entry, &wire) != 0)
        return;
    (void)wire_power(wire, on);
    shim_line_end(entry);
}

/* A line that is an input is pulled up. */
static void
act(const struct shim_entry *entry, enum shim_gpio event)
{
    int on = event == SHIM_GPIO_HIGH || event == SHIM_GPIO_OUT_HIGH || event == SHIM_GPIO_IN;

    if (event == SHIM_GPIO_NOTHING)
        return;
    switch_chip(entry, on);
    show(entry, "value", on ? "1\n" : "0\n");
    if (event == SHIM_GPIO_IN)
        show(entry, "direction", "in\n");
    else if (event == SHIM_GPIO_OUT_LOW || event == SHIM_GPIO_OUT_HIGH)
        show(entry, "direction", "out\n");
}

/* The log holds everything; in front of it a second file says how much is done. */
static off_t
read_mark(int fd)
{
    char text[24] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    long long mark = 0;

    return n > 0 && sscanf(text, "%lld", &mark) == 1 && mark > 0 ? (off_t)mark : 0;
}

static void
write_mark(int fd, off_t mark)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%20lld\n", (long long)mark);

    (void)!pwrite(fd, text, (size_t)n, 0);
}

static off_t
catch_up(const struct shim_entry *entry, int log_fd, off_t from)
{
    char text[PIECE];
    ssize_t n;

    while ((n = pread(log_fd, text, sizeof(text), from)) > 0) {
        size_t used = 0;

        act(entry, shim_gpio_next(text, (size_t)n, &used));
        from += (off_t)used;
    }
    return from;
}

static void
sync_line(const struct shim_entry *entry, off_t *known)
{
    char path[SHIM_PATH_MAX + 64];
    struct stat st;
    int log_fd, mark_fd;

    if (shim_gpio_log_path(entry, path, sizeof(path)) != 0 || REAL(stat)(path, &st) != 0 ||
        st.st_size == *known)
        return;
    log_fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    memcpy(path + strlen(path) - strlen("log"), "at", 3);
    mark_fd = REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (log_fd >= 0 && mark_fd >= 0 && flock(mark_fd, LOCK_EX) == 0) {
        *known = catch_up(entry, log_fd, read_mark(mark_fd));
        write_mark(mark_fd, *known);
    }
    if (mark_fd >= 0)
        (void)close(mark_fd); /* and unlocks it */
    if (log_fd >= 0)
        (void)close(log_fd);
}

void
shim_gpio_sync(void)
{
    const struct shim_settings *s = shim_settings();
    struct shim_quiet quiet;
    int saved = errno;

    if (!s->has_gpio)
        return;
    shim_quiet_begin(&quiet);
    for (size_t i = 0; i < s->map.count; i++)
        if (s->map.entries[i].kind == SHIM_GPIO)
            sync_line(&s->map.entries[i], &done[i]);
    shim_quiet_end(&quiet);
    errno = saved;
}

/* ---- For gpiochip.c ------------------------------------------------------------------------ */

void
shim_gpio_put(const struct shim_entry *entry, const char *word)
{
    char path[SHIM_PATH_MAX + 64];
    int fd = -1;

    if (shim_gpio_log_path(entry, path, sizeof(path)) == 0)
        fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!REAL(write)(fd, word, strlen(word));
    (void)close(fd);
}

/* The first letter of a file of the line. */
static char
look(const struct shim_entry *entry, const char *name)
{
    char path[SHIM_PATH_MAX + 64], letter = '\0';
    int fd;

    shim_gpio_sync();
    (void)snprintf(path, sizeof(path), "%s/sys/class/gpio/gpio%u/%s", shim_settings()->dir,
                   entry->number, name);
    fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return letter;
    if (REAL(read)(fd, &letter, 1) != 1)
        letter = '\0';
    (void)close(fd);
    return letter;
}

int
shim_gpio_get(const struct shim_entry *entry)
{
    return look(entry, "value") == '1';
}

int
shim_gpio_is_output(const struct shim_entry *entry)
{
    return look(entry, "direction") == 'o';
}
