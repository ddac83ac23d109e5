/*
 * model.h: the two parts of this family, as constant tables (see common/sim.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_OPTIGA_MODEL_H
#define SIMS_OPTIGA_MODEL_H

#include "sims/common/sim.h"

extern const struct sim_model optiga_m1_model; /* Trust M V1: blank-m1 */
extern const struct sim_model optiga_m3_model; /* Trust M V3: blank-m3 */

#endif /* SIMS_OPTIGA_MODEL_H */
