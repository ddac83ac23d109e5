/*
 * personality.c: parts that come from the factory with contents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"

rs_code
atecc_personality_apply(struct atecc_chip *c, const struct sim_create *how, struct rs_err *err)
{
    (void)c;
    if (strncmp(how->personality, "blank", 5) == 0)
        return RS_OK;
    return rs_fail(err, RS_E_USAGE, "simulator: no personality %s", how->personality);
}
