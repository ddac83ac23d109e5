/*
 * bench.h: what the benchmarks share.
 *
 * Figures are CPU time, because the machine may have other work; ratios are
 * taken in turns (raw, ours, raw, ours...) so that both sides see the same
 * machine, and their median counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* End the program with a message unless ok. */
void bench_must(int ok, const char *what);

/* CPU of a process so far, all threads; 0 is this one. */
uint64_t bench_cpu_us(pid_t pid);

double bench_median(double *values, size_t count);

/* Run the raw loop beside this program (argv[0]) for so long: us of CPU for one issuance. */
double bench_raw_us(const char *self, int seconds);

/* A figure for the record; into the file that RS_FIGURES names, if it does. */
void bench_figure(const char *name, double value);
void bench_write_figures(void);

#endif /* BENCH_BENCH_H */
