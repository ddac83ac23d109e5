/*
 * screen.h: the full view: what its two files share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROOTSMITH_STATION_SCREEN_H
#define ROOTSMITH_STATION_SCREEN_H

#include "base/bytes.h"
#include "program.h"

struct screen {
    struct rs_buf out;
    int cols, rows, utf8;
    char scan[STATION_TEXT_MAX];
    size_t scan_len;
    char said[160]; /* the answer to the last scan */
};

/* Text cut to width columns, filled up with blanks. */
void screen_put_padded(struct screen *s, const char *text, int width);
/* Clear to the end of the line, and on to the next. */
void screen_end_line(struct screen *s);

/* All tiles in at most so many lines: as large as there is room for.  Gives the lines taken. */
int tiles_put(struct screen *s, const struct station_view *v, int lines);

#endif /* ROOTSMITH_STATION_SCREEN_H */
