/*
 * boards.c: what stations report, exactly once.
 *
 * A station numbers its boards without a gap.  What is known already is
 * ignored, what comes after a gap is left for the next call; so a station that
 * lost an answer sends again, and nothing is counted twice.
 *
 * A board moves its device and counts for its order.  A device counts as good
 * once, however often it passes; if it is scrapped later it moves from good to
 * scrapped.  Blocked and revoked devices stay what they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/sqlite/sqlite.h"

/* What a board adds to its order. */
struct counts {
    int good, scrapped, rejected;
    int good_to_scrap;
};

static int
has_text(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static rs_code
last_seq(struct sqlite_store *s, const char *tenant, const char *station, int64_t *ret_seq,
         struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    sqlite_call_init(&c, s, SQLITE_SQL_LAST_SEQ);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, station);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK)
        *ret_seq = sqlite_next_int(&r);
    return rc;
}

static rs_code
add_row(struct sqlite_store *s, const struct store_board *b, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_ADD_BOARD);
    sqlite_put_text(&c, b->tenant);
    sqlite_put_text(&c, b->station);
    sqlite_put_int(&c, b->seq);
    sqlite_put_text(&c, b->fixture);
    sqlite_put_text(&c, b->board);
    sqlite_put_text(&c, b->device);
    sqlite_put_text(&c, b->order);
    sqlite_put_text(&c, b->state);
    sqlite_put_text(&c, b->code);
    sqlite_put_text(&c, b->step);
    sqlite_put_text(&c, b->chip_model);
    sqlite_put_blob(&c, b->chip_uid);
    sqlite_put_int(&c, b->took_ms);
    sqlite_put_int(&c, b->time_ms);
    sqlite_put_int(&c, b->identity_used != 0);
    return sqlite_change(&c, NULL, err);
}

/* The device's state, 0 when there is no such device. */
static rs_code
device_state(struct sqlite_store *s, const struct store_board *b, int64_t *ret_state,
             struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    struct sqlite_row r = {.call = &c};
    rs_code rc;

    *ret_state = 0;
    if (!has_text(b->device))
        return RS_OK;
    sqlite_call_init(&c, s, SQLITE_SQL_FIND_DEVICE_BINDING);
    sqlite_put_text(&c, b->tenant);
    sqlite_put_text(&c, b->device);
    rc = sqlite_step(&c, err);
    if (rc == RS_OK && c.row)
        *ret_state = sqlite_next_int(&r);
    return rc;
}

static rs_code
move_device(struct sqlite_store *s, const struct store_board *b, enum store_device_state state,
            struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    sqlite_call_init(&c, s, SQLITE_SQL_SET_DEVICE_STATE);
    sqlite_put_int(&c, state);
    sqlite_put_text(&c, b->fixture);
    sqlite_put_int(&c, b->took_ms);
    sqlite_put_text(&c, b->tenant);
    sqlite_put_text(&c, b->device);
    return sqlite_change(&c, NULL, err);
}

/* What the board's outcome means for a device in this state (0: no device record). */
static rs_code
apply_outcome(struct sqlite_store *s, const struct store_board *b, int64_t state,
              struct counts *ret_counts, struct rs_err *err)
{
    int open = state == STORE_DEVICE_EXPECTED || state == STORE_DEVICE_MADE;

    if (strcmp(b->state, "reject") == 0) {
        ret_counts->rejected = 1;
    } else if (strcmp(b->state, "pass") == 0) {
        ret_counts->good = open || state == 0;
        if (open)
            return move_device(s, b, STORE_DEVICE_ACTIVE, err);
    } else if (strcmp(b->state, "scrap") == 0) {
        ret_counts->good_to_scrap = state == STORE_DEVICE_ACTIVE;
        ret_counts->scrapped = open || state == 0;
        if (open || state == STORE_DEVICE_ACTIVE)
            return move_device(s, b, STORE_DEVICE_SCRAPPED, err);
    }
    return RS_OK;
}

static rs_code
count_board(struct sqlite_store *s, const struct store_board *b, const struct counts *counts,
            struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};

    if (!has_text(b->order))
        return RS_OK;
    if (counts->good_to_scrap) {
        sqlite_call_init(&c, s, SQLITE_SQL_GOOD_TO_SCRAP);
        sqlite_put_text(&c, b->tenant);
        sqlite_put_text(&c, b->order);
        return sqlite_change(&c, NULL, err);
    }
    sqlite_call_init(&c, s, SQLITE_SQL_ADD_ORDER_COUNT);
    sqlite_put_text(&c, b->tenant);
    sqlite_put_text(&c, b->order);
    sqlite_put_text(&c, "");
    sqlite_put_int(&c, 0);
    sqlite_put_int(&c, counts->good);
    sqlite_put_int(&c, counts->scrapped);
    sqlite_put_int(&c, counts->rejected);
    return sqlite_change(&c, NULL, err);
}

static rs_code
add_board(struct sqlite_store *s, const struct store_board *b, struct rs_err *err)
{
    struct counts counts = {0};
    int64_t state = 0;
    rs_code rc;

    rc = add_row(s, b, err);
    if (rc == RS_OK)
        rc = device_state(s, b, &state, err);
    if (rc == RS_OK)
        rc = apply_outcome(s, b, state, &counts, err);
    if (rc == RS_OK)
        rc = count_board(s, b, &counts, err);
    if (rc == RS_OK)
        rc = sqlite_add_figure(s, b->tenant, SQLITE_FIGURE_BOARDS, 1, err);
    return rc;
}

rs_code
sqlite_add_boards(struct store *store, const struct store_board *boards, size_t count,
                  int64_t *ret_next_seq, struct rs_err *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    int64_t seq = 0;
    rs_code rc = sqlite_begin(s, err);

    if (rc == RS_OK)
        rc = last_seq(s, boards[0].tenant, boards[0].station, &seq, err);
    for (size_t i = 0; rc == RS_OK && i < count; i++) {
        if (boards[i].seq != seq + 1)
            continue;
        rc = add_board(s, &boards[i], err);
        seq++;
    }
    rc = sqlite_finish(s, rc, err);
    if (rc == RS_OK)
        *ret_next_seq = seq + 1;
    return rc;
}

/* ---- Lists --------------------------------------------------------------------------------- */

static void
read_board(struct sqlite_row *r, struct store_board *b)
{
    b->tenant = sqlite_next_text(r);
    b->station = sqlite_next_text(r);
    b->seq = sqlite_next_int(r);
    b->fixture = sqlite_next_text(r);
    b->board = sqlite_next_text(r);
    b->device = sqlite_next_text(r);
    b->order = sqlite_next_text(r);
    b->state = sqlite_next_text(r);
    b->code = sqlite_next_text(r);
    b->step = sqlite_next_text(r);
    b->chip_model = sqlite_next_text(r);
    b->chip_uid = sqlite_next_blob(r);
    b->took_ms = sqlite_next_int(r);
    b->time_ms = sqlite_next_int(r);
    b->identity_used = sqlite_next_int(r) != 0;
}

rs_code
sqlite_list_boards(struct store *store, const char *tenant, const char *station, int64_t after_seq,
                   size_t limit, store_board_fn each, void *arg, struct rs_err *err)
{
    RS_AUTO(sqlite_call_done) struct sqlite_call c = {0};
    rs_code rc;

    sqlite_call_init(&c, (struct sqlite_store *)store, SQLITE_SQL_LIST_BOARDS);
    sqlite_put_text(&c, tenant);
    sqlite_put_text(&c, station);
    sqlite_put_int(&c, after_seq);
    sqlite_put_int(&c, (int64_t)limit);
    for (;;) {
        struct sqlite_row r = {.call = &c};
        struct store_board b = {0};
        rc = sqlite_step(&c, err);
        if (rc != RS_OK || !c.row)
            return rc;
        read_board(&r, &b);
        rc = sqlite_row_check(&r, err);
        if (rc != RS_OK || each(arg, &b) != 0)
            return rc;
    }
}
