/*
 * registry.h: the drivers that this build has, and their layouts.
 *
 * The list is librot/drivers/registry.c, a line per driver.  A microcontroller
 * names its one driver itself and leaves this file out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_REGISTRY_H
#define ROT_REGISTRY_H

#include <rot/rot_driver.h>

/* The drivers, first to last; NULL from the end on. */
const struct rot_driver *rot_registry_at(size_t index);

/* The driver of that name ("atecc"), or NULL. */
const struct rot_driver *rot_registry_find(const char *name);

/*
 * The driver for a part of that model ("atecc608b", "se050c"): its name begins the model's, where an
 * x in it stands for any character ("se05x").  Or NULL.
 */
const struct rot_driver *rot_registry_match(const char *model);

/* A driver's layout by name, or its default for NULL; NULL when it has none of that name. */
const struct rot_layout *rot_registry_layout(const struct rot_driver *driver, const char *name);

#endif /* ROT_REGISTRY_H */
