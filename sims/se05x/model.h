/*
 * model.h: the two generations of this family, as constant tables (see common/sim.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_SE05X_MODEL_H
#define SIMS_SE05X_MODEL_H

#include "sims/common/sim.h"

extern const struct sim_model se050_model; /* applet 3.1.0; blank-se050 */
extern const struct sim_model se051_model; /* applet 7.2.0; blank-se051 */

#endif /* SIMS_SE05X_MODEL_H */
