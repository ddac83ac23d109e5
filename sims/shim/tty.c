/*
 * tty.c: what a serial line has and a pseudo terminal has not: modem lines.
 *
 * The terminal itself is the kernel's (rot-sim exec holds its far side).  The
 * program may raise and drop DTR and RTS, and sees a peer that is always ready.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "sims/shim/real.h"
#include "sims/shim/shim.h"

#define OURS  (TIOCM_DTR | TIOCM_RTS)
#define PEERS (TIOCM_CTS | TIOCM_DSR | TIOCM_CAR)

static atomic_int dropped[SHIM_ENTRIES_MAX]; /* none, when a line is opened */

/* The line that the descriptor is, by the number of its terminal. */
static const struct shim_entry *
find_line(int fd)
{
    const struct shim_settings *s = shim_settings();
    struct stat mine, st;

    if (!s->active || REAL(fstat)(fd, &mine) != 0 || !S_ISCHR(mine.st_mode))
        return NULL;
    for (size_t i = 0; i < s->map.count; i++) {
        const struct shim_entry *e = &s->map.entries[i];

        if (e->kind == SHIM_TTY && REAL(stat)(e->target, &st) == 0 && st.st_rdev == mine.st_rdev)
            return e;
    }
    return NULL;
}

int
shim_tty_ioctl(int fd, unsigned long request, int *bits)
{
    const struct shim_entry *entry;
    atomic_int *down;

    if (request != TIOCMGET && request != TIOCMSET && request != TIOCMBIS && request != TIOCMBIC)
        return 0;
    entry = find_line(fd);
    if (entry == NULL)
        return 0;
    if (bits == NULL)
        return -EFAULT;
    down = &dropped[entry - shim_settings()->map.entries];
    if (request == TIOCMGET)
        *bits = (OURS & ~*down) | PEERS;
    else if (request == TIOCMSET)
        *down = ~*bits & OURS;
    else if (request == TIOCMBIS)
        (void)atomic_fetch_and(down, ~*bits);
    else
        (void)atomic_fetch_or(down, *bits & OURS);
    return 1;
}
