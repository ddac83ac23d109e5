/*
 * real.h: the calls as they are behind this library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SHIM_REAL_H
#define SIMS_SHIM_REAL_H

#include <dlfcn.h>
#include <stddef.h>

/*
 * The next definition of a function of ours, of the same type: REAL(read)(fd, p, n).
 * Each place that asks keeps the pointer; it does not matter when two threads look it up.
 */
#define REAL(name) REAL_NAMED(name, #name)

/* The same for a function whose name in the C library is another than here. */
#define REAL_NAMED(function, name)                                                                 \
    ((__typeof__(&(function)))shim_real(({                                                         \
                                            static void *slot;                                     \
                                            &slot;                                                 \
                                        }),                                                        \
                                        name))

static inline void *
shim_real(void **slot, const char *name)
{
    void *real = __atomic_load_n(slot, __ATOMIC_RELAXED);

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, name);
        __atomic_store_n(slot, real, __ATOMIC_RELAXED);
    }
    return real;
}

#endif /* SIMS_SHIM_REAL_H */
