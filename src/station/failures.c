/*
 * failures.c: see failures.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/failures.h"

#include <string.h>

static const struct failure table[] = {
    {"C1", "no contact", TILE_AGAIN, "No contact. Press the board down.",
     "No contact. Blue box (repair).", "Nothing acknowledged on the bus.", RETRY_ONCE, 5, 1,
     "reject"},
    {"C2", "interrupted", TILE_AGAIN, "Put the same board back.", "Put the same board back.",
     "The journal knows how far this chip came; it resumes by its unique id.", RETRY_ALWAYS, 0, 0,
     "again"},
    {"P1", "wrong part", TILE_REJECT, "Wrong chip. Red box.", "Wrong chip. Red box.",
     "Wrong reel? Nothing was written.", RETRY_NEVER, 3, 0, "reject"},
    {"P2", "used part", TILE_REJECT, "This chip was used before. Red box.",
     "This chip was used before. Red box.", "Nothing was written; the chip is evidence.",
     RETRY_NEVER, 2, 0, "reject"},
    {"T1", "not genuine", TILE_REJECT, "This chip is not from our supplier. Red box.",
     "This chip is not from our supplier. Red box.", "Quarantine; ask the supplier.", RETRY_NEVER,
     2, 0, "reject"},
    {"T2", "twin", TILE_REJECT, "This chip exists twice. Red box. Call the supervisor.",
     "This chip exists twice. Red box. Call the supervisor.",
     "Keep both boards; find out which one is the copy.", RETRY_NEVER, 1, 0, "reject"},
    {"F1", "chip fault", TILE_AGAIN, "Chip failed. Put the same board back.",
     "Chip failed. Blue box (repair).", "Scrap it; an identity that was signed is to be revoked.",
     RETRY_ONCE_BLANK, 0, 0, "scrap"},
    {"D1", "done before", TILE_PASS, "Already done.", "Already done.",
     "A fresh challenge was answered; nothing was written or counted.", RETRY_NEVER, 0, 0, "pass"},
    {"L1", "label", TILE_READY, "Scan again.", "Scan again.",
     "The label does not fit the order or the chip.", RETRY_ALWAYS, 0, 0, ""},
    {"N1", "server away", TILE_BUSY, "No connection. Wait.", "No connection. Wait.",
     "The server does not answer; nothing is lost.", RETRY_WAIT, 0, 0, "again"},
    {"A1", "adapter away", TILE_AGAIN, "Adapter lost. Call the supervisor.",
     "Adapter lost. Call the supervisor.",
     "Plug it in again: its nests go on by themselves, and the same board is continued.",
     RETRY_ALWAYS, 0, 0, "again"},
    {"G1", "check due", TILE_AGAIN, "Check due. Golden board first.",
     "Check due. Golden board first.",
     "Show the nest its golden and its known-bad board: rootsmith-station shift start",
     RETRY_ALWAYS, 0, 0, "again"},
    {"O1", "order over", TILE_STOP, "This order is finished. Call the supervisor.",
     "This order is finished. Call the supervisor.", "Close the order, or have it raised.",
     RETRY_NEVER, 1, 0, ""},
    {"S1", "station", TILE_STOP, "Station problem. Call the supervisor.",
     "Station problem. Call the supervisor.", "See the code: rootsmith explain CODE", RETRY_NEVER,
     1, 0, ""},
};

const struct failure *
failure_at(size_t index)
{
    return index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}

const struct failure *
failure_find(rs_code code)
{
    const char *class = rs_code_info(code)->station;
    const struct failure *row, *station = NULL;

    for (size_t i = 0; (row = failure_at(i)) != NULL; i++) {
        if (strcmp(row->class, class) == 0)
            return row;
        if (strcmp(row->class, "S1") == 0)
            station = row;
    }
    return station;
}

enum tile
failure_tile(const struct failure_case *c)
{
    const struct failure *row = failure_find(c->code);

    switch (row->retry) {
    case RETRY_ONCE:
        return c->again_count == 0 ? TILE_AGAIN : TILE_REJECT;
    case RETRY_ONCE_BLANK:
        return c->again_count == 0 && !c->was_irreversible ? TILE_AGAIN : TILE_REJECT;
    case RETRY_NEVER:
    case RETRY_ALWAYS:
    case RETRY_WAIT:
    default:
        return row->tile;
    }
}

const char *
tile_word(enum tile tile)
{
    static const char *const words[] = {"",      "READY",  "BUSY", "PASS",
                                        "AGAIN", "REJECT", "STOP", "OFF"};

    return words[tile];
}
