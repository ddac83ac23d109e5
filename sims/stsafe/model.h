/*
 * model.h: the three parts of this family, as constant tables (see common/sim.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_STSAFE_MODEL_H
#define SIMS_STSAFE_MODEL_H

#include "sims/common/sim.h"

extern const struct sim_model stsafe_a100_model; /* blank-a100 */
extern const struct sim_model stsafe_a110_model; /* blank-a110 */
extern const struct sim_model stsafe_a120_model; /* blank-a120 */

#endif /* SIMS_STSAFE_MODEL_H */
