/*
 * chip_probes.h: questions to a part beside those that its driver has: how does it say no?
 *
 * None of them writes to the part's memory, uses a key, or counts.  They ask
 * what references leave open: which status for what is too long, beyond the
 * end, or not there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CHIP_PROBES_H
#define CLI_CHIP_PROBES_H

#include "cli/chip_record.h"

/* Called before each question: what it is about; whether an owner can have changed the answer. */
typedef void (*probe_step)(void *arg, const char *name, int is_content);

/*
 * Ask all of the family of this driver, through a recorded transport, at the part's address.  The
 * driver is not open meanwhile.  Answers are not judged here: they are in the record.  Gives how
 * many were asked; 0: there are none for this driver.
 */
size_t probes_ask(const char *driver, const struct rot_transport *t, uint8_t address,
                  probe_step step, void *arg);

#endif /* CLI_CHIP_PROBES_H */
