/*
 * sysfs.h: from the place of an adapter to the number that the kernel gave its bus.
 *
 * Looked up anew each time: an adapter that was pulled and plugged in again has another number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_SYSFS_H
#define STATION_SYSFS_H

#include "station/nests.h"

/*
 * The bus of an adapter of kind USB or BUS, and with channel >= 0 that of its kernel-driven mux's
 * channel.
 *
 * RS_E_FIXTURE_ABSENT: it is not there, the text says what; RS_E_CONFIG_INVALID: what is
 * there does not fit the file (two buses at that place of the USB, two muxes)
 */
RS_MUST_USE rs_code sysfs_find_bus(const char *root, const struct adapter *adapter, int channel,
                                   unsigned *ret_bus, struct rs_err *err);

#endif /* STATION_SYSFS_H */
