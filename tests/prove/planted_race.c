/*
 * planted_race.c: two threads and one plain counter, in a process that is fenced
 * like the server's own: shows that the detector sees a race, and that what it
 * says gets out of seccomp and Landlock.
 *
 *   planted_race HIDDEN-FOLDER
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdio.h>

#include "base/jail.h"

static long counter;

static void *
count(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        counter++;
    return NULL;
}

int
main(int argc, char **argv)
{
    struct rs_err err = {0};
    pthread_t threads[2];

    if (argc != 2)
        return 2;
    if (rs_hide((const char *const *)(argv + 1), 1, &err) != RS_OK ||
        rs_jail(RS_JAIL_CLOSED, &err) != RS_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, count, NULL) != 0)
            return 1;
    }
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    (void)printf("%ld\n", counter);
    return 0;
}
