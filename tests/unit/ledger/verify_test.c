/*
 * verify_test.c: what the verifier finds, names, and honestly cannot say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

static struct ledger_verdict
verify_with(struct help *t, const struct rs_bytes *notes, size_t count)
{
    struct ledger_verify_config config = {.dir = t->dir,
                                          .witness_dir = t->witness,
                                          .public_key = t->config.public_key,
                                          .origin = HELP_ORIGIN,
                                          .notes = notes,
                                          .note_count = count};
    struct ledger_verdict verdict;
    struct rs_err err = {0};

    assert_int_equal(ledger_verify(&config, &verdict, &err), RS_OK);
    return verdict;
}

static void
expect(struct help *t, enum ledger_damage damage, uint64_t index)
{
    struct ledger_verdict verdict = verify_with(t, NULL, 0);

    if (verdict.damage != damage || verdict.first_bad != index)
        fail_msg("%s at %llu, not %s at %llu: %s", ledger_damage_name(verdict.damage),
                 (unsigned long long)verdict.first_bad, ledger_damage_name(damage),
                 (unsigned long long)index, verdict.text);
}

static size_t
piece_of_leaf(const struct parts *parts, uint64_t index)
{
    for (size_t i = 0; i < parts->count; i++)
        if (!parts->pieces[i].is_end && parts->pieces[i].index == index)
            return i;
    fail();
    return 0;
}

static void
plain_order(size_t *order, const struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        order[i] = i;
}

#define ONE   "00000001.seg"
#define TWO   "00000002.seg"
#define THREE "00000003.seg"

static void
refuses_a_directory_that_is_not_there(void **state)
{
    struct help *t = *state;
    struct ledger_verify_config config = {.dir = t->dir};
    struct ledger_verdict verdict = {.entries = 77};

    assert_int_equal(ledger_verify(&config, &verdict, NULL), RS_E_FILE_FAILED);
    assert_int_equal(verdict.entries, 77);
}

static void
finds_a_changed_record(void **state)
{
    struct help *t = *state;
    struct parts parts;
    char path[HELP_PATH];
    struct ledger_verdict verdict;

    help_make(t, 50, 7);
    take_apart(t, ONE, &parts);
    help_path(t, ONE, path);
    for (uint64_t leaf = 0; leaf < 50; leaf += 7) {
        const struct piece *piece = &parts.pieces[piece_of_leaf(&parts, leaf)];
        for (size_t byte = 0; byte < piece->len; byte += 5) {
            help_flip(path, piece->at + byte, 0x10);
            verdict = verify_with(t, NULL, 0);
            assert_int_equal(verdict.damage, LEDGER_CHANGED);
            assert_int_equal(verdict.first_bad, leaf);
            assert_int_equal(verdict.offset, piece->at);
            assert_string_equal(verdict.segment, ONE);
            assert_int_equal(verdict.entries, leaf);
            help_flip(path, piece->at + byte, 0x10);
        }
    }
    expect(t, LEDGER_WHOLE, 0);
    rs_buf_done(&parts.file);
}

/* A forger who repairs the CRC is found by the root of the batch. */
static void
finds_a_changed_record_with_a_fitting_crc(void **state)
{
    struct help *t = *state;
    struct parts parts;
    struct piece *piece;
    size_t order[PIECES_MAX];
    static const size_t fields[] = {4, 6, 8, 15, 23, 28, 40};

    help_make(t, 50, 10);
    take_apart(t, ONE, &parts);
    plain_order(order, &parts);
    piece = &parts.pieces[piece_of_leaf(&parts, 24)];
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct ledger_verdict verdict;
        piece->p[fields[i]] ^= 0x04;
        fix_crc(piece->p);
        put_together(t, ONE, &parts, order, parts.count);
        verdict = verify_with(t, NULL, 0);
        assert_int_not_equal(verdict.damage, LEDGER_WHOLE);
        assert_int_not_equal(verdict.damage, LEDGER_TORN_TAIL);
        assert_in_range(verdict.first_bad, 20, 28);
        piece->p[fields[i]] ^= 0x04;
        fix_crc(piece->p);
    }
    put_together(t, ONE, &parts, order, parts.count);
    expect(t, LEDGER_WHOLE, 0);
    rs_buf_done(&parts.file);
}

static void
finds_changed_batch_ends_headers_and_padding(void **state)
{
    struct help *t = *state;
    struct parts parts;
    char path[HELP_PATH];

    t->config.segment_size = 4096;
    help_make(t, 90, 9);
    take_apart(t, ONE, &parts);
    help_path(t, ONE, path);
    for (size_t byte = 0; byte < 72; byte++) {
        help_flip(path, byte, 0x80);
        expect(t, LEDGER_CHANGED, 0);
        help_flip(path, byte, 0x80);
    }
    for (size_t i = 0; i < parts.count; i++) {
        const struct piece *piece = &parts.pieces[i];
        for (size_t byte = 0; piece->is_end && byte < piece->len; byte += 3) {
            help_flip(path, piece->at + byte, 0x01);
            expect(t, LEDGER_CHANGED, piece->index);
            help_flip(path, piece->at + byte, 0x01);
        }
    }
    help_flip(path, parts.file.len - 1, 0x01);
    expect(t, LEDGER_CHANGED, parts.pieces[parts.count - 1].index);
    help_flip(path, parts.file.len - 1, 0x01);
    /* And with a CRC that fits. */
    for (size_t byte = 6; byte < 100; byte++) {
        size_t order[PIECES_MAX];
        struct ledger_verdict verdict;
        struct piece *piece = &parts.pieces[parts.count - 1];
        if (byte >= 24 && byte < 28)
            continue;
        plain_order(order, &parts);
        piece->p[byte] ^= 0x01;
        fix_crc(piece->p);
        put_together(t, ONE, &parts, order, parts.count);
        verdict = verify_with(t, NULL, 0);
        assert_int_not_equal(verdict.damage, LEDGER_WHOLE);
        piece->p[byte] ^= 0x01;
        fix_crc(piece->p);
    }
    rs_buf_done(&parts.file);
}

static void
finds_a_header_with_a_fitting_crc(void **state)
{
    struct help *t = *state;
    static const struct {
        size_t at;
        enum ledger_damage damage;
    } cases[] = {{11, LEDGER_CHANGED}, {15, LEDGER_CHANGED}, {23, LEDGER_INSERTED},
                 {31, LEDGER_CHANGED}, {40, LEDGER_CHANGED}, {9, LEDGER_CHANGED},
                 {67, LEDGER_CHANGED}};
    char path[HELP_PATH];
    struct rs_buf file;

    t->config.segment_size = 4096;
    help_make(t, 90, 9);
    help_path(t, TWO, path);
    file = help_load(path);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ledger_verdict verdict;
        unsigned char old = file.p[cases[i].at];
        file.p[cases[i].at] = cases[i].at == 23 ? 1 : (unsigned char)(old ^ 1);
        rs_set_u32(file.p + 68, rs_crc32c(0, rs_bytes_of(file.p, 68)));
        help_store(path, file.p, file.len);
        verdict = verify_with(t, NULL, 0);
        if (verdict.damage != cases[i].damage && verdict.damage != LEDGER_CUT)
            fail_msg("byte %zu: %s", cases[i].at, verdict.text);
        file.p[cases[i].at] = old;
    }
    rs_buf_done(&file);
}

static void
finds_a_missing_record(void **state)
{
    struct help *t = *state;
    struct parts parts;

    help_make(t, 50, 7);
    take_apart(t, ONE, &parts);
    for (size_t gone = 0; gone + 1 < parts.count; gone++) {
        size_t order[PIECES_MAX], n = 0;
        for (size_t i = 0; i < parts.count; i++)
            if (i != gone)
                order[n++] = i;
        put_together(t, ONE, &parts, order, n);
        expect(t, LEDGER_MISSING, parts.pieces[gone].index);
    }
    rs_buf_done(&parts.file);
}

static void
finds_a_record_that_stands_twice(void **state)
{
    struct help *t = *state;
    struct parts parts;

    help_make(t, 50, 7);
    take_apart(t, ONE, &parts);
    for (size_t twice = 0; twice < parts.count; twice++) {
        size_t order[PIECES_MAX], n = 0;
        for (size_t i = 0; i < parts.count; i++) {
            order[n++] = i;
            if (i == twice)
                order[n++] = i;
        }
        put_together(t, ONE, &parts, order, n);
        expect(t, LEDGER_INSERTED, parts.pieces[twice].index);
    }
    /* A copy that stands earlier than the original. */
    {
        size_t order[PIECES_MAX], n = 0, late = piece_of_leaf(&parts, 30);
        for (size_t i = 0; i < parts.count; i++) {
            if (i == piece_of_leaf(&parts, 10))
                order[n++] = late;
            order[n++] = i;
        }
        put_together(t, ONE, &parts, order, n);
        expect(t, LEDGER_INSERTED, 10);
    }
    rs_buf_done(&parts.file);
}

static void
finds_records_that_changed_places(void **state)
{
    struct help *t = *state;
    struct parts parts;

    help_make(t, 50, 7);
    take_apart(t, ONE, &parts);
    for (size_t first = 0; first + 1 < parts.count; first++) {
        for (size_t second = first + 1; second < parts.count; second += 5) {
            size_t order[PIECES_MAX];
            struct ledger_verdict verdict;
            plain_order(order, &parts);
            order[first] = second;
            order[second] = first;
            put_together(t, ONE, &parts, order, parts.count);
            verdict = verify_with(t, NULL, 0);
            assert_int_not_equal(verdict.damage, LEDGER_WHOLE);
            assert_int_not_equal(verdict.damage, LEDGER_TORN_TAIL);
            if (!parts.pieces[first].is_end && !parts.pieces[second].is_end)
                expect(t, LEDGER_REORDERED, parts.pieces[first].index);
        }
    }
    rs_buf_done(&parts.file);
}

/* The last batch end gone: an unfinished write by its looks, but a checkpoint knows better. */
static void
finds_what_was_cut(void **state)
{
    struct help *t = *state;
    struct parts parts;
    char path[HELP_PATH], note[HELP_PATH], witness[HELP_PATH];
    size_t used;
    struct ledger_verdict verdict;

    help_make(t, 50, 7);
    take_apart(t, ONE, &parts);
    help_path(t, ONE, path);
    help_path(t, "checkpoint", note);
    assert_int_equal(rs_path_join(t->witness, "checkpoint", witness, sizeof(witness), NULL), RS_OK);
    used = help_used(path);
    for (size_t from = used - 1; from > used - 400; from -= 7) {
        help_store(path, parts.file.p, parts.file.len);
        help_zero(path, from, used);
        verdict = verify_with(t, NULL, 0);
        assert_true(verdict.damage == LEDGER_CUT || verdict.damage == LEDGER_CHANGED);
    }
    help_store(path, parts.file.p, parts.file.len);
    help_zero(path, used - 100, used);
    expect(t, LEDGER_CUT, 49);
    /* Either checkpoint alone is enough. */
    assert_int_equal(rs_file_remove(note, NULL), RS_OK);
    expect(t, LEDGER_CUT, 49);
    assert_int_equal(rs_file_remove(witness, NULL), RS_OK);
    expect(t, LEDGER_TORN_TAIL, 49);
    /* A shorter file is found without any. */
    help_store(path, parts.file.p, parts.file.len - 1);
    expect(t, LEDGER_CUT, 0);
    rs_buf_done(&parts.file);
}

/* Cut back with both of its own checkpoints: only one kept elsewhere shows it. */
static void
finds_a_log_cut_back_with_its_checkpoints(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    char path[HELP_PATH], note[HELP_PATH], witness[HELP_PATH];
    struct rs_buf old_file, old_note, outside;
    struct rs_bytes kept;
    struct ledger_verdict verdict;

    rs_buf_init(&outside, 4096);
    rs_buf_init(&old_note, 4096);
    help_path(t, ONE, path);
    help_path(t, "checkpoint", note);
    assert_int_equal(rs_path_join(t->witness, "checkpoint", witness, sizeof(witness), NULL), RS_OK);
    help_append(ledger, 20, 4);
    assert_int_equal(ledger_checkpoint(ledger, &old_note, NULL), RS_OK);
    old_file = help_load(path);
    help_append(ledger, 5, 5);
    assert_int_equal(ledger_checkpoint(ledger, &outside, NULL), RS_OK);
    ledger_close(ledger);
    help_store(path, old_file.p, old_file.len);
    help_store(note, old_note.p, old_note.len);
    help_store(witness, old_note.p, old_note.len);
    verdict = verify_with(t, NULL, 0);
    assert_int_equal(verdict.damage, LEDGER_WHOLE);
    assert_non_null(strstr(verdict.text, "not excluded"));
    kept = rs_buf_bytes(&outside);
    verdict = verify_with(t, &kept, 1);
    assert_int_equal(verdict.damage, LEDGER_CUT);
    assert_int_equal(verdict.first_bad, 20);
    rs_buf_done(&old_file);
    rs_buf_done(&old_note);
    rs_buf_done(&outside);
}

/* Another history, whole in itself: found by a checkpoint of the first one. */
static void
finds_a_fork(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct rs_buf early, late;
    struct rs_bytes notes[2];
    struct ledger_verdict verdict;
    uint8_t content = 0x99;
    struct ledger_leaf leaf = {
        .type = LEDGER_LOGIN, .time_ms = HELP_TIME + 1000, .content = {&content, 1}};

    rs_buf_init(&early, 4096);
    rs_buf_init(&late, 4096);
    help_append(ledger, 10, 5);
    assert_int_equal(ledger_checkpoint(ledger, &early, NULL), RS_OK);
    help_append(ledger, 10, 5);
    assert_int_equal(ledger_checkpoint(ledger, &late, NULL), RS_OK);
    ledger_close(ledger);
    (void)snprintf(t->dir, sizeof(t->dir), "%s/fork", t->root);
    (void)snprintf(t->witness, sizeof(t->witness), "%s/fork-witness", t->root);
    ledger = help_open(t, NULL);
    help_append(ledger, 10, 5);
    assert_int_equal(ledger_append(ledger, &leaf, 1, NULL), RS_OK);
    help_append(ledger, 19, 5);
    ledger_close(ledger);
    notes[0] = rs_buf_bytes(&late);
    notes[1] = rs_buf_bytes(&early);
    verdict = verify_with(t, notes, 2);
    assert_int_equal(verdict.damage, LEDGER_FORKED);
    assert_int_equal(verdict.first_bad, 10);
    verdict = verify_with(t, notes, 1);
    assert_int_equal(verdict.damage, LEDGER_FORKED);
    assert_int_equal(verdict.first_bad, 0);
    verdict = verify_with(t, notes + 1, 1);
    assert_int_equal(verdict.damage, LEDGER_WHOLE);
    assert_int_equal(verdict.checkpoints, 3);
    rs_buf_done(&early);
    rs_buf_done(&late);
}

static void
finds_every_changed_bit_of_a_checkpoint(void **state)
{
    struct help *t = *state;
    char note[HELP_PATH];
    struct rs_buf text;
    struct ledger_verify_config config = {.dir = t->dir};
    struct ledger_verdict verdict;

    help_make(t, 5, 5);
    help_path(t, "checkpoint", note);
    text = help_load(note);
    for (size_t bit = 0; bit < text.len * 8; bit++) {
        text.p[bit / 8] = (uint8_t)(text.p[bit / 8] ^ (1u << bit % 8));
        help_store(note, text.p, text.len);
        verdict = verify_with(t, NULL, 0);
        if (verdict.damage != LEDGER_UNSIGNED)
            fail_msg("bit %zu: %s", bit, verdict.text);
        text.p[bit / 8] = (uint8_t)(text.p[bit / 8] ^ (1u << bit % 8));
    }
    help_store(note, text.p, text.len - 1);
    expect(t, LEDGER_UNSIGNED, 5);
    help_store(note, text.p, 0);
    expect(t, LEDGER_UNSIGNED, 5);
    {
        static const uint8_t large[20000];
        help_store(note, large, sizeof(large));
        expect(t, LEDGER_UNSIGNED, 5);
    }
    help_store(note, text.p, text.len);
    /* Without a key the verdict says that nobody checked. */
    assert_int_equal(ledger_verify(&config, &verdict, NULL), RS_OK);
    assert_int_equal(verdict.damage, LEDGER_WHOLE);
    assert_non_null(strstr(verdict.text, "not checked"));
    rs_buf_done(&text);
}

static void
finds_missing_swapped_and_repeated_segments(void **state)
{
    struct help *t = *state;
    char one[HELP_PATH], two[HELP_PATH], three[HELP_PATH];
    struct rs_buf a, b, c;
    uint64_t first_two, first_three;

    t->config.segment_size = 4096;
    help_make(t, 200, 9);
    help_path(t, ONE, one);
    help_path(t, TWO, two);
    help_path(t, THREE, three);
    a = help_load(one);
    b = help_load(two);
    c = help_load(three);
    first_two = rs_get_u64(b.p + 16);
    first_three = rs_get_u64(c.p + 16);
    assert_int_equal(rs_file_remove(two, NULL), RS_OK);
    expect(t, LEDGER_MISSING, first_two);
    help_store(two, c.p, c.len); /* renamed to fill the gap, the rest with it */
    help_store(three, c.p, c.len);
    expect(t, LEDGER_MISSING, first_two);
    help_store(two, c.p, c.len);
    help_store(three, b.p, b.len);
    expect(t, LEDGER_REORDERED, first_two);
    help_store(two, a.p, a.len);
    expect(t, LEDGER_INSERTED, 0);
    help_store(two, b.p, b.len);
    help_store(three, b.p, b.len);
    expect(t, LEDGER_INSERTED, first_two);
    /* A segment in the middle that lost its end is damage, not an unfinished write. */
    help_store(three, c.p, c.len);
    memset(b.p + 3000, 0, b.len - 3000);
    help_store(two, b.p, b.len);
    {
        struct ledger_verdict verdict = verify_with(t, NULL, 0);
        assert_true(verdict.damage == LEDGER_CHANGED || verdict.damage == LEDGER_MISSING);
        assert_in_range(verdict.first_bad, first_two, first_three);
    }
    rs_buf_done(&a);
    rs_buf_done(&b);
    rs_buf_done(&c);
}

static void
takes_files_that_were_made_ahead(void **state)
{
    struct help *t = *state;
    static const uint8_t zeros[1000];
    char path[HELP_PATH];

    help_make(t, 20, 9);
    help_path(t, TWO, path);
    help_store(path, zeros, sizeof(zeros));
    expect(t, LEDGER_WHOLE, 0);
    help_path(t, THREE, path);
    help_store(path, zeros, sizeof(zeros));
    expect(t, LEDGER_MISSING, 20);
    help_store(path, "x", 1);
    expect(t, LEDGER_MISSING, 20);
    help_path(t, "notes.txt", path);
    help_store(path, "x", 1);
    help_path(t, "0000000x.seg", path);
    help_store(path, "x", 1);
    expect(t, LEDGER_MISSING, 20);
}

static uint64_t progressed;

static void
on_progress(void *arg, uint64_t done)
{
    (void)arg;
    progressed = done;
}

static void
says_what_it_read(void **state)
{
    struct help *t = *state;
    struct ledger *ledger;
    struct ledger_head head;
    struct ledger_verdict verdict;
    struct ledger_verify_config config = {.dir = t->dir, .progress = on_progress};

    ledger = help_open(t, NULL);
    ledger_close(ledger);
    verdict = verify_with(t, NULL, 0);
    assert_int_equal(verdict.damage, LEDGER_WHOLE);
    assert_int_equal(verdict.entries, 0);
    t->config.segment_size = 1u << 20;
    ledger = help_open(t, NULL);
    help_append(ledger, 66000, 256);
    ledger_get_head(ledger, &head);
    ledger_close(ledger);
    assert_int_equal(ledger_verify(&config, &verdict, NULL), RS_OK);
    assert_int_equal(verdict.damage, LEDGER_WHOLE);
    assert_int_equal(verdict.entries, 66000);
    assert_int_equal(verdict.first_time_ms, HELP_TIME);
    assert_int_equal(verdict.last_time_ms, HELP_TIME + 65999);
    assert_memory_equal(verdict.root, head.root, 32);
    assert_int_equal(progressed, 65536);
    assert_string_equal(ledger_damage_name(LEDGER_TORN_TAIL), "torn-tail");
    assert_string_equal(ledger_damage_name((enum ledger_damage)99), "unknown");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_a_directory_that_is_not_there),
        TEST(finds_a_changed_record),
        TEST(finds_a_changed_record_with_a_fitting_crc),
        TEST(finds_changed_batch_ends_headers_and_padding),
        TEST(finds_a_header_with_a_fitting_crc),
        TEST(finds_a_missing_record),
        TEST(finds_a_record_that_stands_twice),
        TEST(finds_records_that_changed_places),
        TEST(finds_what_was_cut),
        TEST(finds_a_log_cut_back_with_its_checkpoints),
        TEST(finds_a_fork),
        TEST(finds_every_changed_bit_of_a_checkpoint),
        TEST(finds_missing_swapped_and_repeated_segments),
        TEST(takes_files_that_were_made_ahead),
        TEST(says_what_it_read),
    };

    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
