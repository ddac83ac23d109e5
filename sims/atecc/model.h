/*
 * model.h: the two parts of this family, as constant tables (see common/sim.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_MODEL_H
#define SIMS_ATECC_MODEL_H

#include "sims/common/sim.h"

extern const struct sim_model atecc608a_model; /* blank608a */
extern const struct sim_model atecc608b_model; /* blank608b, tngtls, tflxtls */

#endif /* SIMS_ATECC_MODEL_H */
