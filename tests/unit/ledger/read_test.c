/*
 * read_test.c: leaves, audit paths, checkpoints that others kept, and the export.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger_help.h"

#include <pthread.h>

#include "ledger/record.h"

struct seen {
    uint64_t first, next, stop_at;
    uint8_t hashes[2100][32]; /* leaf hashes, by index */
    struct ledger_hasher h;
};

/* The leaf hash from what the public reader gives: docs/protocols/ledger.md sections 3 and 4. */
static int
see(void *arg, const struct ledger_leaf *leaf)
{
    struct seen *seen = arg;
    uint8_t head[25];
    struct rs_bytes pieces[2] = {RS_BYTES(head), leaf->content};

    assert_int_equal(leaf->index, seen->next);
    assert_int_equal(leaf->time_ms, HELP_TIME + (int64_t)leaf->index);
    assert_int_equal(leaf->content.len, 16 + leaf->index * 7 % 80);
    assert_memory_equal(leaf->content.p, &leaf->index, 8);
    head[0] = 0;
    rs_set_u32(head + 1, (uint32_t)leaf->content.len);
    rs_set_u16(head + 5, leaf->type);
    rs_set_u16(head + 7, 1);
    rs_set_u64(head + 9, (uint64_t)leaf->time_ms);
    rs_set_u64(head + 17, leaf->index);
    ledger_sha256(&seen->h, pieces, 2, seen->hashes[leaf->index]);
    seen->next++;
    return seen->next == seen->stop_at;
}

static void
node(struct seen *seen, const uint8_t *left, const uint8_t *right, uint8_t out[32])
{
    uint8_t joined[65] = {1};
    struct rs_bytes piece = RS_BYTES(joined);

    memcpy(joined + 1, left, 32);
    memcpy(joined + 33, right, 32);
    ledger_sha256(&seen->h, &piece, 1, out);
}

/* RFC 6962 2.1, word for word. */
static void
mth(struct seen *seen, uint64_t from, uint64_t to, uint8_t out[32])
{
    uint8_t left[32], right[32];
    uint64_t k = 1;

    if (to - from == 1) {
        memcpy(out, seen->hashes[from], 32);
        return;
    }
    while (k * 2 < to - from)
        k *= 2;
    mth(seen, from, from + k, left);
    mth(seen, from + k, to, right);
    node(seen, left, right, out);
}

/* RFC 9162 2.1.3.2: the root that a path leads to. */
static void
follow(struct seen *seen, uint64_t index, uint64_t size, uint8_t (*path)[32], size_t count,
       uint8_t out[32])
{
    uint64_t fn = index, sn = size - 1;

    memcpy(out, seen->hashes[index], 32);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(sn, 0);
        if ((fn & 1) != 0 || fn == sn) {
            node(seen, path[i], out, out);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            node(seen, out, path[i], out);
        }
        fn >>= 1;
        sn >>= 1;
    }
    assert_int_equal(sn, 0);
}

static struct seen seen;

static void
reads_from_anywhere(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(ledger_hasher_init(&seen.h, NULL), RS_OK);
    assert_int_equal(ledger_read(ledger, 0, see, &seen, NULL), RS_OK);
    assert_int_equal(seen.next, 0);
    help_append(ledger, 700, 23);
    for (uint64_t from = 0; from <= 701; from += 37) {
        seen.next = from;
        assert_int_equal(ledger_read(ledger, from, see, &seen, NULL), RS_OK);
        assert_int_equal(seen.next, from > 700 ? from : 700);
    }
    seen.next = 100;
    seen.stop_at = 400;
    assert_int_equal(ledger_read(ledger, 100, see, &seen, NULL), RS_OK);
    assert_int_equal(seen.next, 400);
    ledger_hasher_done(&seen.h);
    ledger_close(ledger);
}

static void
refuses_to_read_over_damage(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct rs_err err = {0};
    uint8_t path[64][32];
    size_t count;
    char file[HELP_PATH];

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(ledger_hasher_init(&seen.h, NULL), RS_OK);
    help_append(ledger, 700, 23);
    help_path(t, "00000001.seg", file);
    help_flip(file, 5000, 4);
    assert_int_equal(ledger_read(ledger, 0, see, &seen, &err), RS_E_LEDGER_DAMAGED);
    assert_true(seen.next > 10 && seen.next < 100);
    assert_int_equal(ledger_proof(ledger, 0, 700, path, 64, &count, NULL), RS_E_LEDGER_DAMAGED);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_E_LEDGER_DAMAGED);
    help_flip(file, 5000, 4);
    help_flip(file, 3, 4);
    seen.next = 0;
    assert_int_equal(ledger_read(ledger, 0, see, &seen, NULL), RS_E_LEDGER_DAMAGED);
    assert_int_equal(rs_file_remove(file, NULL), RS_OK);
    assert_int_not_equal(ledger_read(ledger, 0, see, &seen, NULL), RS_OK);
    ledger_hasher_done(&seen.h);
    ledger_close(ledger);
}

static void
proves_inclusion(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct ledger_head head;
    uint8_t path[64][32], root[32], want[32];
    size_t count = 99;

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(ledger_hasher_init(&seen.h, NULL), RS_OK);
    help_append(ledger, 300, 11);
    ledger_get_head(ledger, &head);
    assert_int_equal(ledger_read(ledger, 0, see, &seen, NULL), RS_OK);
    mth(&seen, 0, 300, want);
    assert_memory_equal(want, head.root, 32);
    assert_int_equal(ledger_proof(ledger, 0, 301, path, 64, &count, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(ledger_proof(ledger, 300, 300, path, 64, &count, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(ledger_proof(ledger, 0, 0, path, 64, &count, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(ledger_proof(ledger, 0, 300, path, 3, &count, NULL), RS_E_INTERNAL);
    assert_int_equal(count, 99);
    for (uint64_t size = 1; size <= 300; size += size < 20 ? 1 : 31) {
        mth(&seen, 0, size, want);
        for (uint64_t index = 0; index < size; index += size < 20 ? 1 : 17) {
            assert_int_equal(ledger_proof(ledger, index, size, path, 64, &count, NULL), RS_OK);
            follow(&seen, index, size, path, count, root);
            assert_memory_equal(root, want, 32);
        }
    }
    ledger_hasher_done(&seen.h);
    ledger_close(ledger);
}

/* ---- Checkpoints ---------------------------------------------------------------------- */

static void
compares_with_what_others_saw(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct rs_buf notes[4];
    struct rs_err err = {0};

    for (size_t i = 0; i < 4; i++) {
        rs_buf_init(&notes[i], 4096);
        assert_int_equal(ledger_checkpoint(ledger, &notes[i], NULL), RS_OK);
        help_append(ledger, 150, 13);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ledger_check_seen(ledger, rs_buf_bytes(&notes[i]), NULL), RS_OK);
    ledger_close(ledger);
    assert_int_equal(ledger_check_seen(ledger = help_open(t, NULL), rs_bytes_str("no note"), NULL),
                     RS_E_LEDGER_DAMAGED);
    ledger_close(ledger);
    /* Another log of the same name: shorter first, then of its own history. */
    (void)snprintf(t->dir, sizeof(t->dir), "%s/other", t->root);
    t->config.witness_dir = NULL;
    t->config.epoch = 2;
    ledger = help_open(t, NULL);
    assert_int_equal(ledger_check_seen(ledger, rs_buf_bytes(&notes[1]), &err), RS_E_SIGNER_FENCED);
    assert_non_null(strstr(err.text, "cut"));
    help_append(ledger, 400, 13);
    memset(&err, 0, sizeof(err));
    assert_int_equal(ledger_check_seen(ledger, rs_buf_bytes(&notes[1]), &err), RS_E_SIGNER_FENCED);
    assert_non_null(strstr(err.text, "forked"));
    assert_int_equal(ledger_check_seen(ledger, rs_buf_bytes(&notes[0]), NULL), RS_OK);
    ledger_close(ledger);
    for (size_t i = 0; i < 4; i++)
        rs_buf_done(&notes[i]);
}

/* At the next start, either directory is enough to refuse a log that was cut back. */
static void
refuses_a_log_that_was_cut_back(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct ledger_opened opened;
    struct rs_buf old_file, old_note, new_note;
    struct rs_err err = {0};
    char file[HELP_PATH], note[HELP_PATH], witness[HELP_PATH];

    rs_buf_init(&old_note, 4096);
    rs_buf_init(&new_note, 4096);
    help_path(t, "00000001.seg", file);
    help_path(t, "checkpoint", note);
    assert_int_equal(rs_path_join(t->witness, "checkpoint", witness, sizeof(witness), NULL), RS_OK);
    help_append(ledger, 20, 4);
    assert_int_equal(ledger_checkpoint(ledger, &old_note, NULL), RS_OK);
    old_file = help_load(file);
    help_append(ledger, 5, 5);
    assert_int_equal(ledger_checkpoint(ledger, &new_note, NULL), RS_OK);
    ledger_close(ledger);
    help_store(file, old_file.p, old_file.len);
    help_store(note, old_note.p, old_note.len);
    assert_int_equal(ledger_open(&t->config, &ledger, &opened, &err), RS_E_SIGNER_FENCED);
    assert_non_null(strstr(err.text, "witness"));
    help_store(note, new_note.p, new_note.len);
    help_store(witness, old_note.p, old_note.len);
    assert_int_equal(ledger_open(&t->config, &ledger, &opened, NULL), RS_E_SIGNER_FENCED);
    help_flip(note, 3, 1);
    assert_int_equal(ledger_open(&t->config, &ledger, &opened, NULL), RS_E_LEDGER_DAMAGED);
    help_store(note, old_note.p, old_note.len);
    ledger = help_open(t, &opened);
    assert_int_equal(opened.checkpoint_size, 20);
    assert_int_equal(ledger_check_seen(ledger, rs_buf_bytes(&new_note), NULL), RS_E_SIGNER_FENCED);
    ledger_close(ledger);
    rs_buf_done(&old_file);
    rs_buf_done(&old_note);
    rs_buf_done(&new_note);
}

/* ---- Export ------------------------------------------------------------------------------ */

static struct rs_buf
load_out(const struct help *t, const char *name)
{
    char path[HELP_PATH * 2];

    (void)snprintf(path, sizeof(path), "%s/%s", t->out, name);
    return help_load(path);
}

/* Hashes of the exported entries are those of the tile, and of what the reader gave. */
static void
check_tile(const struct help *t, const char *n, uint64_t first, size_t width)
{
    char name[64];
    struct rs_buf hashes, entries;
    struct rs_reader in;

    (void)snprintf(name, sizeof(name), "tile/0/%s", n);
    hashes = load_out(t, name);
    (void)snprintf(name, sizeof(name), "tile/entries/%s", n);
    entries = load_out(t, name);
    assert_int_equal(hashes.len, width * 32);
    rs_reader_init(&in, rs_buf_bytes(&entries));
    for (size_t i = 0; i < width; i++) {
        uint8_t zero = 0, hash[32];
        struct rs_bytes entry = rs_read_u16_bytes(&in, 65535);
        struct rs_bytes pieces[2] = {{&zero, 1}, entry};
        ledger_sha256(&seen.h, pieces, 2, hash);
        assert_memory_equal(hash, hashes.p + i * 32, 32);
        assert_memory_equal(hash, seen.hashes[first + i], 32);
    }
    assert_true(rs_reader_done(&in));
    rs_buf_done(&hashes);
    rs_buf_done(&entries);
}

static void
exports_tiles(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    struct rs_buf level1, note, again;
    uint8_t want[32];
    char path[HELP_PATH * 2];

    memset(&seen, 0, sizeof(seen));
    assert_int_equal(ledger_hasher_init(&seen.h, NULL), RS_OK);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_OK);
    help_append(ledger, 100, 50);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_OK);
    help_append(ledger, 500, 50);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_OK);
    help_append(ledger, 1436, 250);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_OK);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_OK);
    assert_int_equal(ledger_read(ledger, 0, see, &seen, NULL), RS_OK);
    assert_int_equal(seen.next, 2036);
    check_tile(t, "000.p/100", 0, 100);
    check_tile(t, "000", 0, 256);
    check_tile(t, "001", 256, 256);
    check_tile(t, "002.p/88", 512, 88);
    check_tile(t, "006", 1536, 256);
    check_tile(t, "007.p/244", 1792, 244);
    (void)snprintf(path, sizeof(path), "%s/tile/0/007", t->out);
    assert_false(rs_path_exists(path));
    /* Level 1: roots of the seven full tiles. */
    level1 = load_out(t, "tile/1/000.p/7");
    assert_int_equal(level1.len, 7 * 32);
    for (size_t i = 0; i < 7; i++) {
        mth(&seen, i * 256, (i + 1) * 256, want);
        assert_memory_equal(level1.p + i * 32, want, 32);
    }
    note = load_out(t, "checkpoint");
    help_path(t, "checkpoint", path);
    again = help_load(path);
    assert_true(rs_bytes_equal(rs_buf_bytes(&note), rs_buf_bytes(&again)));
    assert_non_null(strstr((const char *)note.p, HELP_ORIGIN "\n2036\n"));
    rs_buf_done(&level1);
    rs_buf_done(&note);
    rs_buf_done(&again);
    ledger_hasher_done(&seen.h);
    ledger_close(ledger);
}

static void
refuses_to_export_over_another_log(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    char path[HELP_PATH * 2];

    help_append(ledger, 600, 50);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_OK);
    /* A tile that is needed again has lost its end. */
    (void)snprintf(path, sizeof(path), "%s/tile/0/000", t->out);
    help_store(path, "short", 5);
    help_append(ledger, 300, 50);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_E_LEDGER_DAMAGED);
    ledger_close(ledger);
    (void)snprintf(t->dir, sizeof(t->dir), "%s/other", t->root);
    t->config.witness_dir = NULL;
    ledger = help_open(t, NULL);
    help_append(ledger, 10, 5);
    assert_int_equal(ledger_export(ledger, t->out, NULL), RS_E_SIGNER_FENCED);
    ledger_close(ledger);
}

/* ---- Beside an appender -------------------------------------------------------------- */

static int
count_next(void *arg, const struct ledger_leaf *leaf)
{
    uint64_t *next = arg;

    if (leaf->index != *next)
        return 1;
    (*next)++;
    return 0;
}

static void *
read_all_the_time(void *arg)
{
    struct ledger *ledger = arg;
    struct ledger_head head = {0};

    while (head.size < 1500) {
        RS_AUTO(rs_buf_done) struct rs_buf note = {0};
        uint8_t path[64][32];
        uint64_t next = 0;
        size_t count;
        ledger_get_head(ledger, &head);
        rs_buf_init(&note, 4096);
        if (ledger_read(ledger, 0, count_next, &next, NULL) != RS_OK || next < head.size ||
            ledger_checkpoint(ledger, &note, NULL) != RS_OK ||
            ledger_check_seen(ledger, rs_buf_bytes(&note), NULL) != RS_OK ||
            (head.size > 0 &&
             ledger_proof(ledger, head.size / 2, head.size, path, 64, &count, NULL) != RS_OK))
            return arg;
    }
    return NULL;
}

static void
serves_readers_beside_the_appender(void **state)
{
    struct help *t = *state;
    struct ledger *ledger = help_open(t, NULL);
    pthread_t readers[3];
    void *failed;

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, ledger), 0);
    help_append(ledger, 1500, 17);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(readers[i], &failed), 0);
        assert_null(failed);
    }
    ledger_close(ledger);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_to_read_over_damage),
        TEST(refuses_a_log_that_was_cut_back),
        TEST(refuses_to_export_over_another_log),
        TEST(reads_from_anywhere),
        TEST(proves_inclusion),
        TEST(compares_with_what_others_saw),
        TEST(exports_tiles),
        TEST(serves_readers_beside_the_appender),
    };

    return cmocka_run_group_tests_name("read", tests, NULL, NULL);
}
