/*
 * ledger_test.c: opening, appending, refusing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include "ledger/leaf.h"

#define SEGMENT_ONE "00000001.seg"
#define SEGMENT_TWO "00000002.seg"

static rs_code
open_code(struct help *t, struct rs_err *err)
{
    struct ledger *ledger = NULL;
    struct ledger_opened opened;
    rs_code rc = ledger_open(&t->config, &ledger, &opened, err);

    if (rc == RS_OK)
        ledger_close(ledger);
    return rc;
}

/* ---- Refusals ---------------------------------------------------------------------- */

static void
refuses_bad_configuration(void **state)
{
    struct help *t = *state;
    struct rs_err err = {0};

    t->config.origin = "with space";
    assert_int_equal(open_code(t, &err), RS_E_CONFIG_INVALID);
    t->config.origin = "";
    assert_int_equal(open_code(t, &err), RS_E_CONFIG_INVALID);
    t->config.origin = "plus+sign";
    assert_int_equal(open_code(t, &err), RS_E_CONFIG_INVALID);
    t->config.origin = HELP_ORIGIN;
    t->config.segment_size = UINT64_MAX;
    assert_int_equal(open_code(t, &err), RS_E_CONFIG_INVALID);
    t->config.segment_size = 0;
    t->config.sign = NULL;
    assert_int_equal(open_code(t, NULL), RS_E_INTERNAL);
    assert_false(rs_path_exists(t->dir));
}

static void
refuses_bad_leaves(void **state)
{
    static uint8_t content[LEDGER_CONTENT_MAX + 1] = {1};
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct ledger_head head;
    struct ledger_leaf leaf = {.type = LEDGER_LOGIN, .time_ms = HELP_TIME};

    leaf.content = rs_bytes_of(content, 1);
    assert_int_equal(ledger_append(ledger, &leaf, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(ledger_append(ledger, &leaf, LEDGER_BATCH_MAX + 1, NULL), RS_E_INTERNAL);
    leaf.content.len = 0;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_REQUEST_TOO_LARGE);
    leaf.content.len = LEDGER_CONTENT_MAX + 1;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_REQUEST_TOO_LARGE);
    leaf.content.len = 1;
    leaf.type = (enum ledger_type)0;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_INTERNAL);
    leaf.type = (enum ledger_type)17;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_INTERNAL);
    leaf.type = LEDGER_LOGIN;
    leaf.time_ms = -1;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_CLOCK_BEHIND);
    ledger_get_head(ledger, &head);
    assert_int_equal(head.size, 0);
    leaf.time_ms = HELP_TIME;
    leaf.content.len = LEDGER_CONTENT_MAX;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    ledger_close(ledger);
}

static void
refuses_a_second_writer(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);

    assert_int_equal(open_code(t, NULL), RS_E_STORE_BUSY);
    ledger_close(ledger);
    assert_int_equal(open_code(t, NULL), RS_OK);
}

static void
refuses_a_clock_that_is_behind(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    uint8_t content = 1;
    struct ledger_leaf leaf = {.type = LEDGER_LOGIN, .content = {&content, 1}};
    struct ledger_opened opened;

    leaf.time_ms = HELP_TIME;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    leaf.time_ms = HELP_TIME - 2001;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_E_CLOCK_BEHIND);
    /* Up to 2 s behind is taken, with the time of the leaf before. */
    leaf.time_ms = HELP_TIME - 2000;
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    ledger_close(ledger);
    ledger = help_open(t, &opened);
    assert_int_equal(opened.last_time_ms, HELP_TIME);
    assert_int_equal(opened.head.size, 2);
    ledger_close(ledger);
}

/* Every bit of the last segment, one at a time: never opened as if nothing were. */
static void
refuses_any_changed_bit(void **state)
{
    struct help *t = *state;
    char path[HELP_PATH];
    struct rs_buf whole;
    struct rs_err err;

    t->config.segment_size = 4096;
    help_make(t, 12, 5);
    help_path(t, SEGMENT_ONE, path);
    whole = help_load(path);
    for (size_t at = 0; at < whole.len; at++) {
        unsigned bit = 1u << (at % 8);
        memset(&err, 0, sizeof(err));
        whole.p[at] = (uint8_t)(whole.p[at] ^ bit);
        help_store(path, whole.p, whole.len);
        if (open_code(t, &err) != RS_E_LEDGER_DAMAGED)
            fail_msg("byte %zu: %s", at, err.text);
        assert_non_null(strstr(err.text, "ledger: "));
        whole.p[at] = (uint8_t)(whole.p[at] ^ bit);
    }
    help_store(path, whole.p, whole.len);
    assert_int_equal(open_code(t, NULL), RS_OK);
    rs_buf_done(&whole);
}

/* Records removed, doubled, moved, or changed with a CRC that fits: the opener sees it too. */
static void
refuses_records_that_do_not_follow(void **state)
{
    static const size_t fields[] = {4, 5, 7, 14, 15, 22, 23, 28, 31, 33, 64};
    struct help *t = *state;
    struct parts parts;
    size_t order[PIECES_MAX], n;

    help_make(t, 30, 7);
    take_apart(t, SEGMENT_ONE, &parts);
    for (size_t i = 0; i < parts.count; i++) {
        n = 0;
        for (size_t k = 0; k < parts.count; k++)
            if (k != i)
                order[n++] = k;
        put_together(t, SEGMENT_ONE, &parts, order, n);
        /* Without its last batch end the log looks unfinished, and its checkpoint says cut. */
        assert_int_equal(open_code(t, NULL),
                         i + 1 == parts.count ? RS_E_SIGNER_FENCED : RS_E_LEDGER_DAMAGED);
        n = 0;
        for (size_t k = 0; k < parts.count; k++) {
            order[n++] = k;
            if (k == i)
                order[n++] = k;
        }
        put_together(t, SEGMENT_ONE, &parts, order, n);
        assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
        for (size_t k = 0; k < parts.count; k++)
            order[k] = k;
        if (i + 1 < parts.count) {
            order[i] = i + 1;
            order[i + 1] = i;
            put_together(t, SEGMENT_ONE, &parts, order, parts.count);
            assert_int_not_equal(open_code(t, NULL), RS_OK);
            order[i] = i;
            order[i + 1] = i + 1;
        }
        for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
            struct piece *piece = &parts.pieces[i];
            if (fields[f] >= piece->len)
                continue;
            piece->p[fields[f]] ^= 1;
            fix_crc(piece->p);
            put_together(t, SEGMENT_ONE, &parts, order, parts.count);
            assert_int_not_equal(open_code(t, NULL), RS_OK);
            piece->p[fields[f]] ^= 1;
            fix_crc(piece->p);
        }
    }
    put_together(t, SEGMENT_ONE, &parts, order, parts.count);
    assert_int_equal(open_code(t, NULL), RS_OK);
    rs_buf_done(&parts.file);
}

static void
refuses_a_shorter_file(void **state)
{
    struct help *t = *state;
    char path[HELP_PATH];
    struct rs_buf whole;

    help_make(t, 12, 5);
    help_path(t, SEGMENT_ONE, path);
    whole = help_load(path);
    help_store(path, whole.p, whole.len - 1);
    assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
    help_store(path, whole.p, 40);
    assert_int_not_equal(open_code(t, NULL), RS_OK);
    rs_buf_done(&whole);
}

static void
refuses_a_missing_or_foreign_segment(void **state)
{
    struct help *t = *state;
    char one[HELP_PATH], two[HELP_PATH], three[HELP_PATH];
    struct rs_err err = {0};
    struct rs_buf saved;

    help_make(t, 400, 16);
    help_path(t, SEGMENT_ONE, one);
    help_path(t, SEGMENT_TWO, two);
    help_path(t, "00000003.seg", three);
    assert_true(rs_path_exists(three));
    saved = help_load(one);
    assert_int_equal(rs_file_remove(one, NULL), RS_OK);
    assert_int_equal(open_code(t, &err), RS_E_LEDGER_DAMAGED);
    assert_non_null(strstr(err.text, "missing"));
    help_store(one, saved.p, saved.len);
    /* A changed header of a segment that is not read whole. */
    help_flip(one, 20, 1);
    assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
    help_flip(one, 20, 1);
    /* The first segment twice. */
    rs_buf_done(&saved);
    saved = help_load(two);
    {
        struct rs_buf first = help_load(one);
        help_store(two, first.p, first.len);
        rs_buf_done(&first);
    }
    assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
    help_store(two, saved.p, saved.len);
    rs_buf_done(&saved);
    t->config.signer_id = 8;
    assert_int_equal(open_code(t, NULL), RS_E_CONFIG_INVALID);
    t->config.origin = "test/ledger/other";
    assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
    t->config.signer_id = 7;
    t->config.origin = HELP_ORIGIN;
    assert_int_equal(open_code(t, NULL), RS_OK);
}

/* An empty file behind a tail that did not finish cannot have come from us. */
static void
refuses_an_unfinished_segment_before_the_last(void **state)
{
    struct help *t = *state;
    char one[HELP_PATH], two[HELP_PATH];
    static const uint8_t zeros[64];
    size_t used;

    help_make(t, 12, 5);
    help_path(t, SEGMENT_ONE, one);
    help_path(t, SEGMENT_TWO, two);
    used = help_used(one);
    help_zero(one, used - 40, used);
    help_store(two, zeros, sizeof(zeros));
    assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
    help_zero(one, 0, used);
    assert_int_equal(open_code(t, NULL), RS_E_LEDGER_DAMAGED);
}

static void
refuses_an_older_epoch(void **state)
{
    struct help *t = *state;

    t->config.epoch = 5;
    help_make(t, 3, 3);
    t->config.epoch = 4;
    assert_int_equal(open_code(t, NULL), RS_E_SIGNER_FENCED);
}

/* ---- Working ------------------------------------------------------------------------ */

static void
starts_empty(void **state)
{
    /* SHA-256 of nothing: RFC 6962 2.1. */
    static const uint8_t empty[4] = {0xe3, 0xb0, 0xc4, 0x42};
    struct help *t = *state;
    struct ledger_opened opened;
    struct ledger *ledger = help_open(t, &opened);

    assert_int_equal(opened.head.size, 0);
    assert_int_equal(opened.last_time_ms, 0);
    assert_memory_equal(opened.head.root, empty, sizeof(empty));
    ledger_close(ledger);
    ledger = help_open(t, &opened);
    assert_int_equal(opened.head.size, 0);
    ledger_close(ledger);
    ledger_close(NULL);
}

static void
goes_on_where_it_ended(void **state)
{
    struct help *t = *state;
    struct ledger_opened opened;
    struct ledger_head before, after;
    struct ledger *ledger = help_open(t, NULL);

    /* One tree, made in one go and with stops between. */
    help_append(ledger, 700, 64);
    ledger_get_head(ledger, &before);
    ledger_close(ledger);
    (void)snprintf(t->dir, sizeof(t->dir), "%s/again", t->root);
    (void)snprintf(t->witness, sizeof(t->witness), "%s/again-witness", t->root);
    for (int i = 0; i < 7; i++) {
        ledger = help_open(t, &opened);
        assert_int_equal(opened.head.size, 100 * i);
        assert_int_equal(opened.checkpoint_size, 100 * i);
        assert_int_equal(opened.torn_bytes, 0);
        help_append(ledger, 100, (size_t)(1 + i * 9));
        ledger_get_head(ledger, &after);
        ledger_close(ledger);
    }
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.root, before.root, LEDGER_HASH_SIZE);
}

static void
takes_a_batch_larger_than_a_segment(void **state)
{
    struct help *t = *state;
    static uint8_t content[LEDGER_CONTENT_MAX];
    struct ledger_leaf leaves[8];
    struct ledger_opened opened;
    struct ledger *ledger = help_open(t, NULL);

    memset(content, 0x5a, sizeof(content));
    for (size_t i = 0; i < 8; i++)
        leaves[i] = (struct ledger_leaf){
            .type = LEDGER_CONFIG, .time_ms = HELP_TIME, .content = {content, sizeof(content)}};
    help_append(ledger, 3, 3);
    assert_int_equal(ledger_append(ledger, leaves, 8, NULL), RS_OK);
    assert_int_equal(leaves[7].index, 10);
    help_append(ledger, 3, 3);
    ledger_close(ledger);
    ledger = help_open(t, &opened);
    assert_int_equal(opened.head.size, 14);
    ledger_close(ledger);
}

static void
starts_a_segment_for_a_new_epoch(void **state)
{
    struct help *t = *state;
    struct ledger_opened opened;
    struct ledger *ledger;
    char path[HELP_PATH];

    help_make(t, 3, 3);
    t->config.epoch = 2;
    ledger = help_open(t, &opened);
    help_append(ledger, 2, 2);
    ledger_close(ledger);
    help_path(t, SEGMENT_TWO, path);
    assert_true(rs_path_exists(path));
    ledger = help_open(t, &opened);
    assert_int_equal(opened.head.size, 5);
    ledger_close(ledger);
}

/* ---- Unfinished writes ---------------------------------------------------------------- */

struct last_leaf {
    struct ledger_leaf leaf;
    struct leaf_note note;
    uint8_t content[128];
};

static int
keep_last(void *arg, const struct ledger_leaf *leaf)
{
    struct last_leaf *last = arg;

    last->leaf = *leaf;
    if (leaf->content.len <= sizeof(last->content))
        memcpy(last->content, leaf->content.p, leaf->content.len);
    last->leaf.content.p = last->content;
    return 0;
}

/* Cut the last batch at every byte: it goes, what was before stays, a leaf says so. */
static void
cuts_an_unfinished_write(void **state)
{
    struct help *t = *state;
    char path[HELP_PATH], note[HELP_PATH];
    struct ledger_opened opened;
    struct ledger_head kept;
    struct rs_buf whole;
    struct ledger *ledger;
    size_t good, used;

    t->config.witness_dir = NULL;
    ledger = help_open(t, NULL);
    help_append(ledger, 6, 3);
    ledger_get_head(ledger, &kept);
    help_path(t, SEGMENT_ONE, path);
    help_path(t, "checkpoint", note);
    good = help_used(path);
    help_append(ledger, 4, 4);
    used = help_used(path);
    ledger_close(ledger);
    whole = help_load(path);
    for (size_t cut = good + 16; cut < used - 16; cut += 7) {
        struct last_leaf last = {0};
        struct rs_buf part = help_load(path);
        memcpy(part.p, whole.p, cut);
        memset(part.p + cut, 0, part.len - cut);
        help_store(path, part.p, part.len);
        rs_buf_done(&part);
        assert_int_equal(rs_file_remove(note, NULL), RS_OK);
        ledger = help_open(t, &opened);
        assert_in_range(opened.torn_bytes, 1, cut - good);
        assert_int_equal(opened.head.size, 7);
        assert_int_equal(ledger_read(ledger, 6, keep_last, &last, NULL), RS_OK);
        assert_int_equal(last.leaf.type, LEDGER_TORN);
        assert_int_equal(leaf_note_read(last.leaf.content, &last.note, NULL), RS_OK);
        assert_int_equal(last.note.number, opened.torn_bytes);
        ledger_close(ledger);
    }
    rs_buf_done(&whole);
}

/* Sectors that did not reach the disk, in any place of the batch. */
static void
cuts_a_write_with_lost_sectors(void **state)
{
    static uint8_t content[2048];
    struct help *t = *state;
    char path[HELP_PATH], note[HELP_PATH];
    struct ledger_leaf leaf = {.type = LEDGER_LOGIN, .time_ms = HELP_TIME + 100};
    struct ledger_opened opened;
    struct ledger *ledger;
    struct rs_buf whole;
    size_t good, used;

    memset(content, 0x77, sizeof(content));
    leaf.content = rs_bytes_of(content, sizeof(content));
    help_make(t, 5, 5);
    help_path(t, SEGMENT_ONE, path);
    help_path(t, "checkpoint", note);
    good = help_used(path);
    t->config.witness_dir = NULL;
    ledger = help_open(t, NULL);
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    ledger_close(ledger);
    used = help_used(path);
    whole = help_load(path);
    for (size_t sector = good / 512; sector <= used / 512; sector++) {
        size_t from = sector * 512 < good ? good : sector * 512;
        assert_int_equal(rs_file_remove(note, NULL), RS_OK);
        help_store(path, whole.p, whole.len);
        help_zero(path, from, (sector + 1) * 512);
        ledger = help_open(t, &opened);
        assert_int_equal(opened.head.size, 6);
        assert_int_not_equal(opened.torn_bytes, 0);
        ledger_close(ledger);
    }
    rs_buf_done(&whole);
}

/* The first write of a segment, unfinished: the file goes, and comes again. */
static void
cuts_an_unfinished_first_write(void **state)
{
    struct help *t = *state;
    char path[HELP_PATH], note[HELP_PATH];
    struct ledger_opened opened;
    struct ledger *ledger;
    size_t used;

    t->config.witness_dir = NULL;
    for (size_t keep = 0; keep < 300; keep += 60) {
        ledger = help_open(t, NULL);
        help_append(ledger, 4, 4);
        ledger_close(ledger);
        help_path(t, SEGMENT_ONE, path);
        help_path(t, "checkpoint", note);
        used = help_used(path);
        help_zero(path, keep, used);
        assert_int_equal(rs_file_remove(note, NULL), RS_OK);
        ledger = help_open(t, &opened);
        /* A whole opening record stays; otherwise the file is made anew for the leaf. */
        assert_int_equal(opened.head.size, keep == 0 ? 0 : opened.torn_bytes > 0);
        ledger_close(ledger);
        assert_int_equal(rs_file_remove(path, NULL), RS_OK);
        if (rs_path_exists(note))
            assert_int_equal(rs_file_remove(note, NULL), RS_OK);
    }
}

/* And leaves the file as it was found: it is evidence. */
static void
refuses_to_cut_below_a_checkpoint(void **state)
{
    struct help *t = *state;
    char path[HELP_PATH];
    struct rs_err err = {0};
    struct rs_buf before, after;
    size_t used;

    help_make(t, 9, 3);
    help_path(t, SEGMENT_ONE, path);
    used = help_used(path);
    help_zero(path, used - 100, used);
    before = help_load(path);
    assert_int_equal(open_code(t, &err), RS_E_SIGNER_FENCED);
    assert_non_null(strstr(err.text, "cut"));
    after = help_load(path);
    assert_true(rs_bytes_equal(rs_buf_bytes(&before), rs_buf_bytes(&after)));
    rs_buf_done(&before);
    rs_buf_done(&after);
    help_zero(path, 0, used);
    assert_int_equal(open_code(t, NULL), RS_E_SIGNER_FENCED);
    assert_true(rs_path_exists(path));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_bad_configuration),
        TEST(refuses_bad_leaves),
        TEST(refuses_a_second_writer),
        TEST(refuses_a_clock_that_is_behind),
        TEST(refuses_any_changed_bit),
        TEST(refuses_records_that_do_not_follow),
        TEST(refuses_a_shorter_file),
        TEST(refuses_a_missing_or_foreign_segment),
        TEST(refuses_an_unfinished_segment_before_the_last),
        TEST(refuses_an_older_epoch),
        TEST(starts_empty),
        TEST(goes_on_where_it_ended),
        TEST(takes_a_batch_larger_than_a_segment),
        TEST(starts_a_segment_for_a_new_epoch),
        TEST(cuts_an_unfinished_write),
        TEST(cuts_a_write_with_lost_sectors),
        TEST(cuts_an_unfinished_first_write),
        TEST(refuses_to_cut_below_a_checkpoint),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
