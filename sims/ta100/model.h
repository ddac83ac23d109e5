/*
 * model.h: the capability-level TA100, as a constant table (see common/sim.h).
 *
 * Its wire protocol is a placeholder of this project, not the part's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_TA100_MODEL_H
#define SIMS_TA100_MODEL_H

#include "sims/common/sim.h"

extern const struct sim_model ta100_model; /* blank-ta100 */

#endif /* SIMS_TA100_MODEL_H */
