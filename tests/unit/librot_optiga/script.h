/*
 * script.h: a part that says what is written down, and wants to hear what is
 * written down.
 *
 * Lines of hex, two kinds of script:
 *
 *   raw      "W 82" a write with exactly these bytes; "R 08 80 00 00" what a read
 *            gives; "N" nobody acknowledges the next access; "w 03 08 20" and
 *            "r 00 08 20" a data frame with that FCTR and packet, its register
 *            (writing), length and check sum made to fit
 *   packets  "> 00 01" what a single packet carries to the part, "< 40" what the
 *            part answers; counters, check sums, I2C_STATE are made to fit
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_UNIT_LIBROT_OPTIGA_SCRIPT_H
#define TESTS_UNIT_LIBROT_OPTIGA_SCRIPT_H

#include <rot/rot_transport.h>

#define SCRIPT_MAX 700

struct script {
    struct rot_transport transport;
    const char *const *lines; /* NULL ends them */
    size_t at;
    int is_wrong; /* something else was said than written */
    /* Of packets. */
    uint8_t frame[300];
    size_t frame_len;
    uint8_t sent, reg;
};

/* Bytes of a line, at most SCRIPT_MAX, from its second character on; blanks and '|' are nothing. */
size_t script_bytes(const char *line, uint8_t *out);

void script_raw(struct script *s, const char *const *lines);
void script_packets(struct script *s, const char *const *lines);
/* 1 when all of it was said, and nothing else. */
int script_is_done(const struct script *s);

#endif /* TESTS_UNIT_LIBROT_OPTIGA_SCRIPT_H */
