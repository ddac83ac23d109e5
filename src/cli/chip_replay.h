/*
 * chip_replay.h: what a real part answered, put to simulated parts of the same model.
 *
 * Several of them get every byte that the real one got.  Where they differ from one
 * another, a part says who it is, or draws lots: a real one differs there, too,
 * and nothing follows from it.  Where they agree and the real one does not,
 * either the simulator had only assumed its answer, and says which assumption
 * that was, or it is wrong.
 *
 * A part that is busy does not acknowledge, and how often it is asked depends on
 * how fast it is: asking again until it answers is one question here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CHIP_REPLAY_H
#define CLI_CHIP_REPLAY_H

#include <jansson.h>

#include "cli/chip_record.h"

#define REPLAY_PARTS 5

/* One simulated part: its line, and what it rests on. */
struct replay_part {
    const struct rot_transport *line;
    uint8_t address;
};

struct replay {
    struct replay_part parts[REPLAY_PARTS];
    size_t part_count; /* at least 2 */
    /* Names of the assumptions that the first part's answers rested on since the last call: an array. */
    json_t *(*said)(void *arg);
    void *arg;
    /* What any difference in this step is: REPLAY_IDENTITY, REPLAY_CONTENT, or 0: it is judged. */
    int (*natural)(void *arg, unsigned step);
};

enum replay_class {
    REPLAY_SAME = 0,
    REPLAY_IDENTITY,      /* differs from simulated part to simulated part, or is its maker's */
    REPLAY_CONTENT,       /* an owner may have written it */
    REPLAY_UNCERTAIN,     /* the simulator only assumed it */
    REPLAY_CONTRADICTION, /* the simulator is wrong, or the part is another */
};

const char *replay_class_name(enum replay_class c);

/*
 * Put the record to the parts.  Every difference is added to differences: an object with
 * step, event, class, what, at, part, simulator, and for what was assumed the names.  What answers
 * rested on and were right about goes into agreed (an object, name: true).  ROT_E_BUS: a simulated
 * part's line broke.
 */
ROT_MUST_USE rot_err replay_run(const struct record *record, uint8_t address,
                                const struct replay *replay, json_t *differences, json_t *agreed);

/*
 * Afterwards: an assumption that held in other answers is not what a difference is about, unless it
 * is a status (is_status), which a part may give for one thing and not for another.  A difference of
 * which none is left is a contradiction.
 */
void replay_weigh(json_t *differences, const json_t *agreed,
                  int (*is_status)(void *arg, const char *name), void *arg);

/* ---- For tests: one answer --------------------------------------------------------------------- */

/* Classes of each byte of an answer; others are the simulated parts' answers of the same length. */
void replay_judge(struct rs_bytes part, const uint8_t *const *others, size_t other_count,
                  int is_assumed, int natural, uint8_t *ret_classes);

#endif /* CLI_CHIP_REPLAY_H */
