/*
 * assumed.h: which of the reference's open questions an answer rests on.
 *
 * Each simulated family lists what its reference leaves open in one uncertain.h.
 * tools/uncertain.py makes a table of that list, and lets every use note
 * itself, so that whoever compares a real part with the simulator can say: here
 * they differ, and here we assumed this.  A status can be assumed otherwise for
 * one chip, to see what becomes of a driver when the assumption was wrong.
 *
 * Notes go to whichever chip is being asked by this thread; outside of that they
 * are nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_ASSUMED_H
#define SIMS_COMMON_ASSUMED_H

#include <stdint.h>

#define SIM_ASSUMPTIONS_MAX 128
#define SIM_OTHERWISE_MAX   8

/* A row of a family's list; the last has no name. */
struct sim_assumption {
    const char *name; /* "ATECC_U_LOCK_CRC_STATUS" */
    const char *text; /* the value as it stands in uncertain.h */
    const char *note; /* what it is about */
    long value;
    unsigned char is_number;
    unsigned char is_answer; /* can be assumed otherwise */
};

/* What one chip rested on since it was last asked, and what is assumed otherwise of it. */
struct sim_assumed {
    uint64_t noted[SIM_ASSUMPTIONS_MAX / 64];
    uint64_t kept[SIM_ASSUMPTIONS_MAX / 64]; /* what a status rests on that is read later */
    unsigned count;
    struct {
        unsigned row;
        int value;
    } otherwise[SIM_OTHERWISE_MAX];
};

/* From now on, in this thread, for this chip; NULL: for none. */
void sim_assume_for(struct sim_assumed *chip);

void sim_note(unsigned row);
/* Notes it too; gives value, or what is assumed instead. */
int sim_answer(unsigned row, int value);
/* The same of a status that refuses: 0 would say that all is well where nothing was done. */
static inline int
sim_refusal(unsigned row, int value)
{
    int status = sim_answer(row, value);

    return status != 0 ? status : value;
}

/* A status is not told now but kept to be read: so are the notes; and it is read. */
void sim_keep_notes(void);
void sim_note_kept(void);

int sim_is_noted(const struct sim_assumed *a, unsigned row);
void sim_forget_notes(struct sim_assumed *a);
/* 0: no more can be. */
int sim_assume_otherwise(struct sim_assumed *a, unsigned row, int value);

#endif /* SIMS_COMMON_ASSUMED_H */
