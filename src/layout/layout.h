/*
 * layout.h: a layout of one's own, from a text file, and the rules it must keep.
 *
 *     kind: layout
 *     name: acme-tflx
 *     rot: atecc608b
 *     from: atecc608b-tflxtls        take all, change the following
 *     objects:
 *       ldevid/0: {slot: 3}
 *       ldevid/1: {remove: true}
 *       data/0:
 *         data: {slot: 8, offset: 352, size: 60, may: [renew]}
 *
 * Slots stand in such a file and nowhere else.  A file starts from a layout that
 * the driver has, because a driver's layout is more than places: the ATECC608's
 * configuration, the OPTIGA's access rules.  So what a file may change is bound
 * by that, and layout_check() says where.
 *
 * All mistakes of a file are found in one run, each at its line.  The rules are
 * about places: they are there, they are large enough, nothing else is in
 * them, and the part has the algorithm.  Whether the part that is on the bus is
 * of the named model is seen when it is opened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAYOUT_LAYOUT_H
#define LAYOUT_LAYOUT_H

#include <rot/rot_driver.h>

#include "base/config.h"

#define LAYOUT_PLACES_MAX 96

/*
 * Read a layout; everything lives in the arena.  NULL when there were mistakes: they
 * are in errors.
 */
const struct rot_layout *layout_load(struct rs_arena *arena, const char *path,
                                     struct rs_config_errors *errors);
/* The same from memory; name is for messages. */
const struct rot_layout *layout_read(struct rs_arena *arena, const char *name, struct rs_bytes text,
                                     struct rs_config_errors *errors);

/*
 * One broken rule: which place of the layout, the other one of two that are in each other's way
 * (else the same), and a sentence that names the rule.
 */
typedef void (*layout_report)(void *arg, size_t place, size_t other, const char *text);

/* Every rule that a layout for this model breaks is reported.  Gives how many. */
size_t layout_check(const struct rot_layout *layout, const char *model, layout_report report,
                    void *arg);

/* ---- Words ------------------------------------------------------------------------------------ */

/* "p256"; "" when there is no such algorithm. */
const char *layout_algorithm_name(unsigned alg);
/* ROT_ALG_NONE: there is none of that name. */
enum rot_alg layout_algorithm(const char *name);
/* "key", "cert", "chain", "data"; "" and 0 for others. */
const char *layout_part_name(unsigned part);
enum rot_part layout_part(const char *name);
/* The i-th right (ROT_PLACE_...) and its name ("sign"); 0 and NULL from the end on. */
unsigned layout_right(size_t i, const char **ret_name);

#endif /* LAYOUT_LAYOUT_H */
