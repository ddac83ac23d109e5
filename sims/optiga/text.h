/*
 * text.h: metadata in words, for people who look at a part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_OPTIGA_TEXT_H
#define SIMS_OPTIGA_TEXT_H

#include <jansson.h>

#include "sims/optiga/chip.h"

/* Should people not see the content? */
int optiga_is_secret(const struct optiga_object *o);
/* Members life, change, read, execute of out; 0 when out of memory. */
int optiga_conditions_out(const struct optiga_meta *m, json_t *out);
/* "LcsO<07 or Conf(E140)"; cap 128 is enough for every condition. */
void optiga_expr_text(const struct optiga_expr *e, char *text, size_t cap);

#endif /* SIMS_OPTIGA_TEXT_H */
