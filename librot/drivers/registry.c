/*
 * registry.c: the drivers that this build has, a line each.
 *
 * Order matters to nobody but a reader: a chip is named, or answers to one
 * driver's probe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <rot/registry.h>
#include <rot/rot_mem.h>

#ifdef ROT_WITH_ATECC
extern const struct rot_driver rot_driver_atecc;
#endif
#ifdef ROT_WITH_OPTIGA
extern const struct rot_driver rot_driver_optiga;
#endif
#ifdef ROT_WITH_SE05X
extern const struct rot_driver rot_driver_se05x;
#endif
#ifdef ROT_WITH_STSAFE
extern const struct rot_driver rot_driver_stsafe;
#endif
#ifdef ROT_WITH_TA100
extern const struct rot_driver rot_driver_ta100;
#endif
#ifdef ROT_WITH_TPM2
extern const struct rot_driver rot_driver_tpm2;
#endif
#ifdef ROT_WITH_SOFT
extern const struct rot_driver rot_driver_soft;
#endif

static const struct rot_driver *const drivers[] = {
#ifdef ROT_WITH_ATECC
    &rot_driver_atecc,
#endif
#ifdef ROT_WITH_OPTIGA
    &rot_driver_optiga,
#endif
#ifdef ROT_WITH_SE05X
    &rot_driver_se05x,
#endif
#ifdef ROT_WITH_STSAFE
    &rot_driver_stsafe,
#endif
#ifdef ROT_WITH_TA100
    &rot_driver_ta100,
#endif
#ifdef ROT_WITH_TPM2
    &rot_driver_tpm2,
#endif
#ifdef ROT_WITH_SOFT
    &rot_driver_soft,
#endif
    NULL,
};

const struct rot_driver *
rot_registry_at(size_t index)
{
    return index < sizeof(drivers) / sizeof(drivers[0]) ? drivers[index] : NULL;
}

static size_t
length(const char *text)
{
    size_t n = 0;

    while (text[n] != '\0')
        n++;
    return n;
}

static int
is_same(const char *a, const char *b)
{
    size_t n = length(a);

    return n == length(b) && memcmp(a, b, n) == 0;
}

const struct rot_driver *
rot_registry_find(const char *name)
{
    for (size_t i = 0; name != NULL && drivers[i] != NULL; i++) {
        if (is_same(drivers[i]->name, name))
            return drivers[i];
    }
    return NULL;
}

/* An x in a driver's name stands for whatever its family has there. */
static int
begins(const char *name, const char *model)
{
    size_t n = 0;

    while (name[n] != '\0' && model[n] != '\0' && (name[n] == model[n] || name[n] == 'x'))
        n++;
    return name[n] == '\0';
}

const struct rot_driver *
rot_registry_match(const char *model)
{
    for (size_t i = 0; model != NULL && drivers[i] != NULL; i++) {
        if (begins(drivers[i]->name, model))
            return drivers[i];
    }
    return NULL;
}

const struct rot_layout *
rot_registry_layout(const struct rot_driver *driver, const char *name)
{
    if (driver == NULL || driver->layouts == NULL)
        return NULL;
    if (name == NULL)
        return driver->layouts[0];
    for (size_t i = 0; driver->layouts[i] != NULL; i++) {
        if (is_same(driver->layouts[i]->name, name))
            return driver->layouts[i];
    }
    return NULL;
}
