/*
 * assumed.c: see assumed.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/common/assumed.h"

#include <stddef.h>
#include <string.h>

static _Thread_local struct sim_assumed *current;

void
sim_assume_for(struct sim_assumed *chip)
{
    current = chip;
}

void
sim_note(unsigned row)
{
    if (current != NULL && row < SIM_ASSUMPTIONS_MAX)
        current->noted[row / 64] |= (uint64_t)1 << row % 64;
}

int
sim_answer(unsigned row, int value)
{
    sim_note(row);
    for (unsigned i = 0; current != NULL && i < current->count; i++) {
        if (current->otherwise[i].row == row)
            return current->otherwise[i].value;
    }
    return value;
}

void
sim_keep_notes(void)
{
    if (current != NULL)
        memcpy(current->kept, current->noted, sizeof(current->kept));
}

void
sim_note_kept(void)
{
    for (size_t i = 0; current != NULL && i < sizeof(current->kept) / sizeof(current->kept[0]); i++)
        current->noted[i] |= current->kept[i];
}

int
sim_is_noted(const struct sim_assumed *a, unsigned row)
{
    return row < SIM_ASSUMPTIONS_MAX && (a->noted[row / 64] >> row % 64 & 1) != 0;
}

void
sim_forget_notes(struct sim_assumed *a)
{
    memset(a->noted, 0, sizeof(a->noted));
}

int
sim_assume_otherwise(struct sim_assumed *a, unsigned row, int value)
{
    unsigned i = 0;

    while (i < a->count && a->otherwise[i].row != row)
        i++;
    if (i == SIM_OTHERWISE_MAX)
        return 0;
    a->otherwise[i].row = row;
    a->otherwise[i].value = value;
    a->count += i == a->count;
    return 1;
}
