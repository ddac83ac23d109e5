/*
 * cpu.h: CPU time of this process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BENCH_CPU_H
#define BENCH_CPU_H

#include <stdint.h>
#include <sys/resource.h>

static inline uint64_t
bench_cpu_us(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

#endif /* BENCH_CPU_H */
