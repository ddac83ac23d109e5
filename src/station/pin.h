/*
 * pin.h: one line out of this machine, that switches a supply or pulls a reset.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_PIN_H
#define STATION_PIN_H

#include "station/nests.h"

/*
 * Make a line active (1) or not (0).  A line of a gpiochip is asked for at the first
 * call and held in *fd, which starts as -1, until pin_let_go(): the kernel may let it float
 * when nobody holds it.  RS_E_FIXTURE_ABSENT: it cannot be switched; the text says why.
 */
RS_MUST_USE rs_code pin_set(const char *sysfs, const struct nest_line *line, int on, int *fd,
                            struct rs_err *err);
void pin_let_go(int *fd);

#endif /* STATION_PIN_H */
