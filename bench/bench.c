/*
 * bench.c: see bench.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIGURES_MAX 64

static struct {
    const char *name;
    double value;
} figures[FIGURES_MAX];
static size_t figure_count;

void
bench_must(int ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s failed\n", what);
    exit(1);
}

uint64_t
bench_cpu_us(pid_t pid)
{
    struct timespec t = {0, 0};
    clockid_t clock;

    bench_must(clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0, "CPU clock");
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

double
bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

double
bench_raw_us(const char *self, int seconds)
{
    const char *slash = strrchr(self, '/');
    char command[512];
    double us = 0;
    FILE *f;

    (void)snprintf(command, sizeof(command), "%.*sissue_raw %d",
                   slash != NULL ? (int)(slash - self + 1) : 0, self, seconds);
    f = popen(command, "r");
    bench_must(f != NULL && fscanf(f, "raw %lf", &us) == 1 && us > 0, command);
    (void)pclose(f);
    return us;
}

void
bench_figure(const char *name, double value)
{
    bench_must(figure_count < FIGURES_MAX, "room for figures");
    figures[figure_count].name = name;
    figures[figure_count++].value = value;
}

void
bench_write_figures(void)
{
    const char *path = getenv("RS_FIGURES");
    FILE *f = path != NULL ? fopen(path, "w") : NULL;

    if (f == NULL)
        return;
    (void)fputc('{', f);
    for (size_t i = 0; i < figure_count; i++)
        (void)fprintf(f, "%s\"%s\": %.3f", i > 0 ? ", " : "", figures[i].name, figures[i].value);
    (void)fputs("}\n", f);
    (void)fclose(f);
}
