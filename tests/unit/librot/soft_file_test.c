/*
 * soft_file_test.c: the soft driver's file: damage, wrong secrets, power cuts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "soft_help.h"

static struct bench bench;

static int
start(void **state)
{
    *state = &bench;
    bench_start(&bench);
    return 0;
}

static int
stop(void **state)
{
    bench_stop(*state);
    return 0;
}

static void
arguments_are_checked(void **state)
{
    struct bench *b = *state;
    struct rot_soft s;
    static char long_path[ROT_SOFT_PATH_MAX + 1];

    memset(long_path, 'a', ROT_SOFT_PATH_MAX);
    assert_int_equal(rot_soft_init(NULL, "x", bench_secret, 32), ROT_E_ARG);
    assert_int_equal(rot_soft_init(&s, NULL, bench_secret, 32), ROT_E_ARG);
    assert_int_equal(rot_soft_init(&s, "", bench_secret, 32), ROT_E_ARG);
    assert_int_equal(rot_soft_init(&s, long_path, bench_secret, 32), ROT_E_ARG);
    assert_int_equal(rot_soft_init(&s, "x", NULL, 32), ROT_E_ARG);
    assert_int_equal(rot_soft_init(&s, "x", bench_secret, 0), ROT_E_ARG);
    assert_int_equal(rot_soft_init(&s, "x", bench_secret, 31), ROT_OK);
    assert_int_equal(s.iterations, ROT_SOFT_ITERATIONS);
    s.iterations = 0;
    assert_int_equal(rot_soft_create(&s, &b->crypto.port), ROT_E_ARG);
    assert_int_equal(rot_soft_create(NULL, &b->crypto.port), ROT_E_ARG);
    assert_int_equal(rot_soft_create(&s, NULL), ROT_E_ARG);
    b->setup.transport = NULL;
    assert_int_equal(bench_reopen(b, NULL), ROT_E_ARG);
}

static void
a_store_is_never_overwritten(void **state)
{
    struct bench *b = *state;

    assert_int_equal(rot_soft_create(&b->soft, &b->crypto.port), ROT_BUSY);
    rot_close(&b->chip);
    assert_int_equal(rot_soft_create(&b->soft, &b->crypto.port), ROT_E_STATE);
}

static void
one_chip_has_one_user(void **state)
{
    struct bench *b = *state;
    static uint64_t memory[ROT_SOFT_STATE_SIZE / sizeof(uint64_t)];
    struct rot_setup second = b->setup;
    struct rot_chip chip;

    second.state = memory;
    assert_int_equal(rot_open(&chip, &second), ROT_BUSY);
    rot_close(&b->chip);
    assert_int_equal(rot_open(&chip, &second), ROT_OK);
    rot_close(&chip);
}

static void
other_secrets_do_not_open(void **state)
{
    struct bench *b = *state;
    uint8_t other[32];

    memcpy(other, bench_secret, sizeof(other));
    for (size_t i = 0; i < sizeof(other); i++) {
        other[i] ^= 1;
        b->soft.secret = (struct rot_bytes){other, sizeof(other)};
        assert_int_equal(bench_reopen(b, NULL), ROT_E_AUTH);
        other[i] ^= 1;
    }
    b->soft.secret = (struct rot_bytes){bench_secret, 31};
    assert_int_equal(bench_reopen(b, NULL), ROT_E_AUTH);
    b->soft.secret = (struct rot_bytes){bench_secret, 32};
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
}

static void
passphrases_are_stretched(void **state)
{
    struct bench *b = *state;
    static const uint8_t words[] = "correct horse", wrong[] = "correct hors";

    rot_close(&b->chip);
    assert_int_equal(unlink(b->path), 0);
    assert_int_equal(bench_reopen(b, NULL), ROT_E_BUS); /* no file */
    b->soft.secret = (struct rot_bytes){words, sizeof(words)};
    b->soft.iterations = 10000001;
    assert_int_equal(rot_soft_create(&b->soft, &b->crypto.port), ROT_E_PORT);
    b->soft.iterations = 1000;
    assert_int_equal(rot_soft_create(&b->soft, &b->crypto.port), ROT_OK);
    b->soft.iterations = 1; /* the file says how many, not the caller */
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    b->soft.secret = (struct rot_bytes){wrong, sizeof(wrong)};
    assert_int_equal(bench_reopen(b, NULL), ROT_E_AUTH);
}

/* Every bit, every length: ROT_E_FORMAT, never a crash and never an open chip. */
static void
damage_is_found(void **state)
{
    struct bench *b = *state;
    static uint8_t image[4096];
    uint8_t pub[128];
    size_t n = 0, len;

    assert_int_equal(rot_key_generate(&b->chip, ROT_IDEVID, ROT_ALG_P256, pub, 128, &n), ROT_OK);
    rot_close(&b->chip);
    len = file_read(b->path, image, sizeof(image));
    for (size_t i = 0; i < len; i++) {
        uint8_t bit = (uint8_t)(1u << (i % 8));

        image[i] ^= bit;
        file_write(b->path, image, len);
        image[i] ^= bit;
        assert_int_equal(bench_reopen(b, NULL), ROT_E_FORMAT);
    }
    for (size_t cut = 0; cut < len; cut++) {
        file_write(b->path, image, cut);
        assert_int_equal(bench_reopen(b, NULL), ROT_E_FORMAT);
    }
    image[len] = 0;
    file_write(b->path, image, len + 1);
    assert_int_equal(bench_reopen(b, NULL), ROT_E_FORMAT);
    file_write(b->path, image, len);
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_key_public(&b->chip, ROT_IDEVID, pub, 128, &n), ROT_OK);
}

static void
no_secret_is_in_the_file(void **state)
{
    struct bench *b = *state;
    static uint8_t image[4096];
    uint8_t key[32];
    size_t len;

    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(0x41 + i);
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, key, 32), ROT_OK);
    len = file_read(b->path, image, sizeof(image));
    for (size_t i = 0; i + 8 <= len; i++) {
        assert_memory_not_equal(image + i, key, 8);
        assert_memory_not_equal(image + i, bench_secret, 8);
    }
}

/* ---- Power cuts ------------------------------------------------------------------- */

/* What one change is, and how to see whether it happened. */
struct change {
    rot_err (*make)(struct rot_chip *chip);
    int (*is_made)(struct rot_chip *chip);
};

static rot_err
write_cert(struct rot_chip *chip)
{
    static const uint8_t cert[300] = {0x30, 1, 2, 3};
    size_t need = 0;

    return rot_object_write(chip, ROT_IDEVID, ROT_PART_CERT, 0, cert, sizeof(cert), sizeof(cert),
                            &need);
}

static int
has_cert(struct rot_chip *chip)
{
    size_t n = 0;

    return rot_object_size(chip, ROT_IDEVID, ROT_PART_CERT, &n) == ROT_OK;
}

static rot_err
count_up(struct rot_chip *chip)
{
    uint64_t v = 0;

    return rot_counter_increment(chip, ROT_COUNTER(0), &v);
}

static int
has_counted(struct rot_chip *chip)
{
    uint64_t v = 0;

    assert_int_equal(rot_counter_read(chip, ROT_COUNTER(0), &v), ROT_OK);
    return v == 1;
}

static rot_err
seal_data(struct rot_chip *chip)
{
    return rot_seal(chip, ROT_STAGE_DATA, 0);
}

static int
is_sealed(struct rot_chip *chip)
{
    enum rot_seal_state s = ROT_SEAL_OPEN;

    assert_int_equal(rot_seal_state(chip, ROT_STAGE_DATA, 0, &s), ROT_OK);
    return s == ROT_SEAL_DONE;
}

static rot_err
make_ldevid(struct rot_chip *chip)
{
    uint8_t pub[91];
    size_t n = 0;

    return rot_key_generate(chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n);
}

static int
has_ldevid(struct rot_chip *chip)
{
    uint8_t pub[91];
    size_t n = 0;

    return rot_key_public(chip, ROT_LDEVID(0), pub, sizeof(pub), &n) == ROT_OK;
}

static rot_err
wipe_all(struct rot_chip *chip)
{
    return rot_wipe(chip);
}

static int
is_wiped(struct rot_chip *chip)
{
    uint8_t pub[91];
    size_t n = 0;

    return rot_key_public(chip, ROT_IDEVID, pub, sizeof(pub), &n) == ROT_E_EMPTY;
}

static const struct change changes[] = {
    {write_cert, has_cert},    {count_up, has_counted}, {seal_data, is_sealed},
    {make_ldevid, has_ldevid}, {wipe_all, is_wiped},
};

/*
 * Cut the power at the n-th call of the change, for every n until the change
 * gets through.  Afterwards the store opens; the change is there or it is not;
 * what was there before still is (unless it was wiped); and a change that was
 * acknowledged is there.
 */
static void
cut_everywhere(const struct change *c, int once)
{
    unsigned n, made = 0, not_made = 0;

    for (n = 1;; n++) {
        struct bench b;
        struct fault_files faults = {.once = once};
        uint8_t before[91], after[91];
        size_t len = 0;
        rot_err rc;

        bench_start(&b);
        assert_int_equal(rot_key_generate(&b.chip, ROT_IDEVID, ROT_ALG_P256, before, 91, &len),
                         ROT_OK);
        rot_close(&b.chip);
        b.soft.files = &fault_table;
        b.soft.files_self = &faults;
        assert_int_equal(rot_open(&b.chip, &b.setup), ROT_OK);
        faults.calls = 0;
        faults.fail_at = n;
        rc = c->make(&b.chip);
        if (once) {
            /* The chip says truly what is, or that it does not know until it is reset. */
            faults.fail_at = 0;
            assert_int_equal(rot_reset(&b.chip), ROT_OK);
            if (rc == ROT_OK)
                assert_true(c->is_made(&b.chip));
        }
        faults.fail_at = 0;
        rot_close(&b.chip);

        assert_int_equal(rot_open(&b.chip, &b.setup), ROT_OK);
        if (c->is_made(&b.chip))
            made++;
        else
            not_made++;
        if (rc == ROT_OK)
            assert_true(c->is_made(&b.chip));
        if (c->make != wipe_all || !c->is_made(&b.chip)) {
            assert_int_equal(rot_key_public(&b.chip, ROT_IDEVID, after, 91, &len), ROT_OK);
            assert_memory_equal(after, before, 91);
        }
        assert_int_equal(c->make(&b.chip), ROT_OK); /* and it goes on */
        bench_stop(&b);
        if (rc == ROT_OK && faults.calls < n)
            break;
        if (rc == ROT_OK)
            continue; /* a close of a read-only descriptor failed: no matter */
        assert_true(rc == ROT_E_BUS || rc == ROT_E_MISMATCH);
        assert_true(n < 100);
    }
    assert_true(not_made > 3);
    assert_true(made > 1); /* the cut after the rename, and the last round */
}

static void
power_may_go_at_any_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        cut_everywhere(&changes[i], 0);
}

static void
any_call_may_fail_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        cut_everywhere(&changes[i], 1);
}

/*
 * A call that came back is on disk for certain: all writes, then the flush of
 * the file, then the rename, then the flush of the directory, and no other order.
 */
static void
changes_reach_the_disk_in_order(void **state)
{
    struct bench *b = *state;
    struct fault_files faults = {.once = 0};

    b->soft.files = &fault_table;
    b->soft.files_self = &faults;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const char *t = faults.trace;

        memset(faults.trace, 0, sizeof(faults.trace));
        assert_int_equal(changes[i].make(&b->chip), ROT_OK);
        assert_int_equal(*t, 'w');
        while (*t == 'w')
            t++;
        assert_string_equal(t, "srd");
    }
    rot_close(&b->chip); /* while faults is still there */
}

/* A disk that is gone: every call says so, until it is back and the chip was reset. */
static void
a_lost_disk_is_told(void **state)
{
    struct bench *b = *state;
    struct fault_files faults = {.once = 0};
    struct rot_identity id;
    uint8_t buf[128];
    size_t n = 0;
    uint64_t v = 0;
    enum rot_seal_state s;

    b->soft.files = &fault_table;
    b->soft.files_self = &faults;
    faults.fail_at = 1;
    assert_int_equal(count_up(&b->chip), ROT_E_BUS);
    assert_int_equal(rot_identify(&b->chip, &id), ROT_E_BUS);
    assert_int_equal(rot_counter_read(&b->chip, ROT_COUNTER(0), &v), ROT_E_BUS);
    assert_int_equal(count_up(&b->chip), ROT_E_BUS);
    assert_int_equal(rot_key_public(&b->chip, ROT_IDEVID, buf, 128, &n), ROT_E_BUS);
    assert_int_equal(make_ldevid(&b->chip), ROT_E_BUS);
    assert_int_equal(rot_key_delete(&b->chip, ROT_LDEVID(0)), ROT_E_BUS);
    assert_int_equal(rot_object_size(&b->chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_E_BUS);
    assert_int_equal(rot_object_read(&b->chip, ROT_TRUST(0), ROT_PART_DATA, 0, buf, 1, &n),
                     ROT_E_BUS);
    assert_int_equal(write_cert(&b->chip), ROT_E_BUS);
    assert_int_equal(seal_data(&b->chip), ROT_E_BUS);
    assert_int_equal(rot_seal_state(&b->chip, ROT_STAGE_DATA, 0, &s), ROT_E_BUS);
    assert_int_equal(rot_wipe(&b->chip), ROT_E_BUS);
    assert_int_equal(rot_self_test(&b->chip), ROT_E_BUS);
    assert_int_equal(rot_channel_rotate(&b->chip, bench_secret, 32), ROT_E_BUS);
    assert_int_equal(rot_key_generate(&b->chip, ROT_SESSION(1), ROT_ALG_AES128, buf, 128, &n),
                     ROT_E_BUS);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(1), buf, 1, buf, 128, &n), ROT_E_BUS);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_IDEVID, NULL, 0, buf, 32, buf, 70), ROT_E_BUS);
    assert_int_equal(rot_reset(&b->chip), ROT_E_BUS);
    faults.fail_at = 0;
    assert_int_equal(rot_reset(&b->chip), ROT_OK);
    assert_int_equal(count_up(&b->chip), ROT_OK);
    assert_true(has_counted(&b->chip));
    rot_close(&b->chip);
}

static void
rotation_at_any_call(void **state)
{
    static const uint8_t fresh[32] = {9, 8, 7};

    (void)state;
    for (int once = 0; once < 2; once++) {
        for (unsigned n = 1;; n++) {
            struct bench b;
            struct fault_files faults = {.once = once};
            rot_err rc, opened;

            bench_start(&b);
            b.soft.files = &fault_table;
            b.soft.files_self = &faults;
            assert_int_equal(rot_channel_rotate(&b.chip, fresh, 31), ROT_E_ARG);
            faults.fail_at = n;
            rc = rot_channel_rotate(&b.chip, fresh, sizeof(fresh));
            faults.fail_at = 0;
            if (once || rc == ROT_OK)
                assert_int_equal(count_up(&b.chip), ROT_OK);
            opened = bench_reopen(&b, NULL);
            if (opened == ROT_E_AUTH) {
                b.soft.secret = (struct rot_bytes){fresh, sizeof(fresh)};
                opened = bench_reopen(&b, NULL);
            } else {
                assert_int_not_equal(rc, ROT_OK);
            }
            assert_int_equal(opened, ROT_OK);
            bench_stop(&b);
            if (rc == ROT_OK && faults.calls < n)
                break;
            assert_true(n < 100);
        }
    }
}

static void
creation_at_any_call(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct bench b;
        struct fault_files faults = {.once = 0};
        rot_err rc;

        bench_start(&b);
        rot_close(&b.chip);
        assert_int_equal(unlink(b.path), 0);
        b.soft.files = &fault_table;
        b.soft.files_self = &faults;
        faults.fail_at = n;
        rc = rot_soft_create(&b.soft, &b.crypto.port);
        faults.fail_at = 0;
        if (rc == ROT_OK) {
            assert_int_equal(rot_open(&b.chip, &b.setup), ROT_OK);
        } else {
            rot_err again = rot_soft_create(&b.soft, &b.crypto.port);

            assert_true(again == ROT_OK || again == ROT_E_STATE);
            assert_int_equal(rot_open(&b.chip, &b.setup), ROT_OK);
        }
        bench_stop(&b);
        if (rc == ROT_OK && faults.calls < n)
            break;
        assert_true(n < 100);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_checked),
        TEST(a_store_is_never_overwritten),
        TEST(one_chip_has_one_user),
        TEST(other_secrets_do_not_open),
        TEST(passphrases_are_stretched),
        TEST(damage_is_found),
        TEST(no_secret_is_in_the_file),
        cmocka_unit_test(power_may_go_at_any_call),
        cmocka_unit_test(any_call_may_fail_once),
        TEST(changes_reach_the_disk_in_order),
        TEST(a_lost_disk_is_told),
        cmocka_unit_test(rotation_at_any_call),
        cmocka_unit_test(creation_at_any_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
