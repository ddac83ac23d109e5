/*
 * store_test.c: bytes, public keys and counters, and what happens to them when power goes
 * between any two commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#define STORED 2040u

static uint8_t content[2][STORED], back[STORED + 8];

static int
new_contents(void **state)
{
    for (size_t i = 0; i < STORED; i++) {
        content[0][i] = (uint8_t)(i * 7 + 1);
        content[1][i] = (uint8_t)(i * 11 + 5);
    }
    return new_part(state);
}

static rot_err
write_all(rot_object obj, const uint8_t *p, size_t len)
{
    size_t need = 0;

    return rot_object_write(&chip, obj, ROT_PART_DATA, 0, p, len, len, &need);
}

/* 0 or 1: it holds that content, of that length; -1: neither. */
static int
which(rot_object obj, size_t len)
{
    size_t n = 0;

    if (rot_object_read(&chip, obj, ROT_PART_DATA, 0, back, sizeof(back), &n) != ROT_OK || n != len)
        return -1;
    for (int i = 0; i < 2; i++) {
        if (memcmp(back, content[i], len) == 0)
            return i;
    }
    return -1;
}

static void
reopen(void)
{
    rot_close(&chip);
    fake_power_on(&part);
    assert_int_equal(bench_open(), ROT_OK);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static void
comes_back_as_it_was(void **state)
{
    static const size_t sizes[] = {1, 500, SE05X_CHUNK, SE05X_CHUNK + 1, STORED};
    size_t n = 0, need = 0;

    (void)state;
    assert_int_equal(rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_read(&chip, ROT_DATA(0), ROT_PART_DATA, 0, back, 8, &n),
                     ROT_E_EMPTY);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(write_all(ROT_DATA(0), content[i & 1], sizes[i]), ROT_OK);
        assert_int_equal(rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n), ROT_OK);
        assert_int_equal(n, sizes[i]);
        assert_int_equal(which(ROT_DATA(0), sizes[i]), i & 1);
    }
    assert_int_equal(rot_object_read(&chip, ROT_DATA(0), ROT_PART_DATA, 2030, back, 20, &n),
                     ROT_OK);
    assert_int_equal(n, 10);
    assert_memory_equal(back, content[0] + 2030, 10);
    assert_int_equal(rot_object_read(&chip, ROT_DATA(0), ROT_PART_DATA, 9999, back, 20, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, back, STORED + 1, STORED + 1, &need),
        ROT_E_SPACE);
    assert_int_equal(need, STORED + 1);
    /* One of the two ids is free again, and everybody may read and change the other. */
    assert_true((fake_find(&part, 0x52530401) == NULL) != (fake_find(&part, 0x52531401) == NULL));
    assert_int_equal(fake_find(&part, 0x52530401)->rights, 0x00340000);
}

static void
comes_in_pieces(void **state)
{
    size_t need = 0;

    (void)state;
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, content[0], 100, 900, &need),
        ROT_OK);
    assert_int_equal(which(ROT_DATA(0), 900), -1);
    /* A gap, another length, another object: each is an end of it. */
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 101, content[0], 100, 900, &need),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 100, content[0], 100, 900, &need),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, content[0], 100, 900, &need),
        ROT_OK);
    assert_int_equal(write_all(ROT_DATA(1), content[1], 50), ROT_OK);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 100, content[0] + 100, 800, 900, &need),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, content[0], 100, 900, &need),
        ROT_OK);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 100, content[0] + 100, 799, 900, &need),
        ROT_OK);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 899, content[0] + 899, 1, 900, &need),
        ROT_OK);
    assert_int_equal(which(ROT_DATA(0), 900), 0);
    assert_int_equal(which(ROT_DATA(1), 50), 1);
}

/* Power goes before or after each command: old or new, whole, and never neither. */
static void
survives_every_cut(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        int now = 0;

        assert_int_equal(write_all(ROT_DATA(0), content[0], 1000), ROT_OK);
        for (unsigned cut = 1;; cut++) {
            rot_err rc;

            part.commands = 0;
            part.cut_at = cut;
            part.cut_before = before;
            rc = write_all(ROT_DATA(0), content[!now], 1000);
            assert_true(rc == ROT_OK || rc == ROT_E_BUS);
            reopen();
            if (rc == ROT_OK) {
                assert_true(cut > 8);
                assert_int_equal(which(ROT_DATA(0), 1000), !now);
                break;
            }
            assert_true(which(ROT_DATA(0), 1000) >= 0);
            now = which(ROT_DATA(0), 1000);
        }
    }
}

/* The first content of all: there or not. */
static void
first_write_survives_too(void **state)
{
    (void)state;
    for (unsigned cut = 1; cut < 100; cut++) {
        size_t n = 0;
        rot_err rc;

        fake_init(&part);
        reopen();
        part.commands = 0;
        part.cut_at = cut;
        rc = write_all(ROT_DATA(0), content[0], 300);
        reopen();
        if (rc == ROT_OK)
            return;
        if (rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n) == ROT_E_EMPTY)
            assert_int_equal(write_all(ROT_DATA(0), content[1], 300), ROT_OK);
        assert_true(which(ROT_DATA(0), 300) >= 0);
    }
    fail();
}

static void
lose_writes(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    (void)a;
    if (c[1] == 0x01 && c[2] == 0x06 && fake_find(&part, 0x52530401) != NULL)
        fake_find(&part, 0x52530401)->data[10] ^= 1;
}

static void
no_memory(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (c[1] == 0x01 && c[2] == 0x06)
        a->sw = 0x6a84;
}

static void
what_was_not_written_is_noticed(void **state)
{
    size_t need = 0;

    (void)state;
    part.lie = lose_writes;
    assert_int_equal(write_all(ROT_DATA(0), content[0], 300), ROT_E_MISMATCH);
    part.lie = no_memory;
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(1), ROT_PART_DATA, 0, content[0], 300, 300, &need),
        ROT_E_SPACE);
    assert_int_equal(need, 300);
    part.lie = NULL;
}

/* With a trailer, another trailer, none, or shorter than one. */
static void
foreign_files_are_not_ours(void **state)
{
    static const uint8_t file[] = {'x', 'R', 'S', 1, 0, 0, 0, 0, 9};
    size_t n = 0;

    (void)state;
    (void)fake_add(&part, 0x52530401, 0x0b, file, sizeof(file));
    assert_int_equal(rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n), ROT_OK);
    assert_int_equal(n, 1);
    for (int i = 1; i < 5; i++) {
        fake_find(&part, 0x52530401)->data[i] ^= 1;
        assert_int_equal(rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
        fake_find(&part, 0x52530401)->data[i] ^= 1;
    }
    fake_find(&part, 0x52530401)->len = 7;
    assert_int_equal(rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(write_all(ROT_DATA(0), content[0], 300), ROT_OK);
    assert_int_equal(which(ROT_DATA(0), 300), 0);
}

static void
vendor_certificates_end_with_their_der(void **state)
{
    struct fake_object *o = fake_find(&part, 0xf0000013);
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_OK);
    assert_int_equal(n, 0x20);
    assert_int_equal(rot_object_read(&chip, ROT_VENDOR(0), ROT_PART_CERT, 30, back, 40, &n),
                     ROT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(1), ROT_PART_CERT, &n), ROT_E_EMPTY);
    o->data[1] = 0x27; /* longer than its file */
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
    o->data[0] = 0x31;
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
    o->len = 3;
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
}

/* ---- Public keys ----------------------------------------------------------------------------------- */

static void
make_key(uint8_t fill, uint8_t spki[91])
{
    uint8_t point[64];
    size_t n = 0;

    memset(point, fill, sizeof(point));
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, spki, 91, &n), ROT_OK);
}

static void
keys_are_objects(void **state)
{
    uint8_t spki[91], again[91];
    size_t n = 0, need = 0;

    (void)state;
    assert_int_equal(rot_object_size(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(write_all(ROT_FIRMWARE(0), content[0], 91), ROT_E_FORMAT);
    for (uint8_t i = 1; i < 3; i++) {
        make_key(i, spki);
        assert_int_equal(write_all(ROT_FIRMWARE(0), spki, 91), ROT_OK);
        assert_int_equal(
            rot_object_read(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, again, sizeof(again), &n),
            ROT_OK);
        assert_int_equal(n, 91);
        assert_memory_equal(again, spki, 91);
    }
    assert_int_equal(rot_object_read(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, 89, again, 9, &n),
                     ROT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(fake_find(&part, 0x52530201)->rights, 0x08340000);
    assert_int_equal(
        rot_object_write(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 90, 91, &need), ROT_E_ARG);
    make_key(0xff, spki); /* not on the curve, says the fake */
    assert_int_equal(write_all(ROT_FIRMWARE(0), spki, 91), ROT_E_FORMAT);
}

/* ---- Counters ---------------------------------------------------------------------------------------- */

static void
counters_only_go_up(void **state)
{
    uint64_t v = 9, before;

    (void)state;
    assert_int_equal(rot_counter_read(&chip, ROT_COUNTER(0), &v), ROT_OK);
    assert_int_equal(v, 0);
    assert_int_equal(rot_raw_status(&chip), 0);
    assert_null(fake_find(&part, 0x52530501));
    for (unsigned i = 1; i < 300; i++) {
        assert_int_equal(rot_counter_increment(&chip, ROT_COUNTER(0), &v), ROT_OK);
        assert_int_equal(v, i);
    }
    assert_int_equal(fake_find(&part, 0x52530501)->rights, 0x00300000);
    for (unsigned cut = 1; cut < 6; cut++) {
        before = v;
        part.commands = 0;
        part.cut_at = cut;
        (void)!rot_counter_increment(&chip, ROT_COUNTER(0), &v);
        reopen();
        assert_int_equal(rot_counter_read(&chip, ROT_COUNTER(0), &v), ROT_OK);
        assert_true(v == before || v == before + 1);
    }
    fake_find(&part, 0x52530501)->len = 9;
    assert_int_equal(rot_counter_read(&chip, ROT_COUNTER(0), &v), ROT_E_FORMAT);
}

/* ---- Seals ----------------------------------------------------------------------------------------------- */

static enum rot_seal_state
state_of(rot_object obj)
{
    enum rot_seal_state s = ROT_SEAL_FOREIGN;

    assert_int_equal(rot_seal_state(&chip, ROT_STAGE_OBJECT, obj, &s), ROT_OK);
    return s;
}

static void
stages_that_there_are_not(void **state)
{
    static const enum rot_stage none[] = {ROT_STAGE_CONFIG, ROT_STAGE_DATA, ROT_STAGE_LIFECYCLE};
    enum rot_seal_state s;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rot_seal(&chip, none[i], 0), ROT_E_UNSUPPORTED);
        assert_int_equal(rot_seal_state(&chip, none[i], 0, &s), ROT_E_UNSUPPORTED);
    }
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_DATA(0)), ROT_E_UNSUPPORTED);
}

static void
identity_is_born_sealed(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    assert_int_equal(state_of(ROT_IDEVID), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_E_EMPTY);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_seal_prepare(&chip, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_OK);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_OK);
    assert_int_equal(state_of(ROT_IDEVID), ROT_SEAL_DONE);
    fake_find(&part, 0x52530001)->rights |= SE05X_ALLOW_WRITE;
    assert_int_equal(state_of(ROT_IDEVID), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_E_MISMATCH);
    fake_find(&part, 0x52530001)->rights &= ~SE05X_ALLOW_WRITE;
    fake_find(&part, 0x52530001)->origin = 1;
    assert_int_equal(state_of(ROT_IDEVID), ROT_SEAL_FOREIGN);
}

static void
sealed_bytes_stay(void **state)
{
    size_t len = SE05X_CHUNK - SE05X_TRAILER;

    (void)state;
    assert_int_equal(state_of(ROT_TRUST(0)), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_EMPTY);
    assert_int_equal(write_all(ROT_TRUST(0), content[0], len), ROT_OK);
    assert_int_equal(state_of(ROT_TRUST(0)), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(state_of(ROT_TRUST(0)), ROT_SEAL_DONE);
    assert_int_equal(which(ROT_TRUST(0), len), 0);
    assert_int_equal(write_all(ROT_TRUST(0), content[1], len), ROT_E_STATE);
    assert_int_equal(rot_wipe(&chip), ROT_OK);
    assert_int_equal(which(ROT_TRUST(0), len), 0);
    assert_int_equal(fake_find(&part, 0x52530120)->rights, 0x00200000);
    assert_int_equal(fake_find(&part, 0x52531120)->rights, 0x00200000);
    /* An object of somebody else's in one of the places. */
    fake_find(&part, 0x52531120)->rights = 0x00300000;
    assert_int_equal(state_of(ROT_TRUST(0)), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
}

static void
spoil_the_copy(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    struct fake_object *copy = fake_find(&part, 0x52531120);

    (void)arg;
    (void)len;
    (void)a;
    if (c[1] == 0x01 && c[2] == 0x06 && copy != NULL)
        copy->data[10] ^= 1;
}

/* What the content would be replaced by is not the content. */
static void
a_spoilt_copy_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(write_all(ROT_TRUST(0), content[0], 300), ROT_OK);
    part.lie = spoil_the_copy;
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
    part.lie = NULL;
    assert_memory_equal(fake_find(&part, 0x52530120)->data, content[0], 300);
}

/* Cut anywhere: the content is there, a later call finishes, and nothing is lost between. */
static void
seals_survive_every_cut(void **state)
{
    (void)state;
    for (int before = 0; before < 2; before++) {
        fake_init(&part);
        reopen();
        assert_int_equal(write_all(ROT_TRUST(0), content[1], 100), ROT_OK);
        assert_int_equal(write_all(ROT_TRUST(0), content[0], 200), ROT_OK);
        for (unsigned cut = 1;; cut++) {
            struct fake_se05x saved = part;
            rot_err rc;

            part.commands = 0;
            part.cut_at = cut;
            part.cut_before = before;
            rc = rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0));
            reopen();
            assert_int_equal(which(ROT_TRUST(0), 200), 0);
            if (state_of(ROT_TRUST(0)) == ROT_SEAL_OPEN) {
                /* Half a seal is none that a write could undo, or it was not begun. */
                struct fake_object *first = fake_find(&part, 0x52530120),
                                   *second = fake_find(&part, 0x52531120);
                int begun = (first != NULL && first->rights == 0x00200000) ||
                            (second != NULL && second->rights == 0x00200000);

                if (begun)
                    assert_int_equal(write_all(ROT_TRUST(0), content[1], 200), ROT_E_STATE);
                assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
            }
            assert_int_equal(state_of(ROT_TRUST(0)), ROT_SEAL_DONE);
            assert_int_equal(which(ROT_TRUST(0), 200), 0);
            if (rc == ROT_OK)
                break;
            part = saved;
            reopen();
        }
    }
}

static void
sealed_keys_stay(void **state)
{
    static const uint8_t der[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x02};
    uint8_t spki[91], other[91], again[91], digest[32] = {1};
    size_t n = 0;

    (void)state;
    make_key(1, spki);
    make_key(2, other);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), ROT_E_EMPTY);
    for (unsigned cut = 1;; cut++) {
        rot_err rc;

        fake_init(&part);
        reopen();
        assert_int_equal(write_all(ROT_FIRMWARE(0), spki, 91), ROT_OK);
        part.commands = 0;
        part.cut_at = cut;
        rc = rot_seal(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0));
        reopen();
        assert_int_equal(
            rot_object_read(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, again, sizeof(again), &n),
            ROT_OK);
        assert_memory_equal(again, spki, 91);
        assert_int_equal(
            rot_verify_digest(&chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, der, sizeof(der)),
            ROT_OK);
        if (fake_find(&part, 0x52531201) != NULL)
            assert_int_equal(write_all(ROT_FIRMWARE(0), other, 91), ROT_E_STATE);
        assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), ROT_OK);
        assert_int_equal(state_of(ROT_FIRMWARE(0)), ROT_SEAL_DONE);
        assert_int_equal(write_all(ROT_FIRMWARE(0), other, 91), ROT_E_STATE);
        assert_int_equal(fake_find(&part, 0x52530201)->rights, 0x08200000);
        assert_memory_equal(fake_find(&part, 0x52530201)->data + 1, spki + 27, 64);
        if (rc == ROT_OK)
            break;
    }
}

/* ---- Wipe ---------------------------------------------------------------------------------------------- */

static void
wipes_what_is_ours(void **state)
{
    uint8_t pub[91], spki[91], key[32] = {1};
    uint64_t v = 0;
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32), ROT_OK);
    make_key(1, spki);
    assert_int_equal(write_all(ROT_FIRMWARE(0), spki, 91), ROT_OK);
    assert_int_equal(write_all(ROT_TRUST(0), content[0], 10), ROT_OK);
    assert_int_equal(write_all(ROT_DATA(2), content[0], 10), ROT_OK);
    assert_int_equal(fake_find(&part, 0x52530403)->rights, 0x00360000);
    assert_int_equal(rot_counter_increment(&chip, ROT_COUNTER(1), &v), ROT_OK);
    assert_int_equal(rot_wipe(&chip), ROT_OK);
    assert_int_equal(rot_raw_status(&chip), 0);
    assert_int_equal(rot_key_public(&chip, ROT_IDEVID, pub, sizeof(pub), &n), ROT_OK);
    assert_int_equal(rot_key_public(&chip, ROT_LDEVID(0), pub, sizeof(pub), &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_size(&chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_size(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_size(&chip, ROT_DATA(2), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(rot_mac(&chip, ROT_SESSION(0), key, 1, pub, sizeof(pub), &n), ROT_E_EMPTY);
    assert_int_equal(rot_counter_read(&chip, ROT_COUNTER(1), &v), ROT_OK);
    assert_int_equal(v, 1);
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_OK);
}

/* ---- The layout ------------------------------------------------------------------------------------------ */

/* No id twice, all in the customer's range but the maker's, and certificates beside their keys. */
static void
layout_is_sound(void **state)
{
    const struct rot_layout *l = se05x_layouts[0];

    (void)state;
    assert_string_equal(l->name, "se050");
    assert_int_equal(l->channel, 1);
    for (size_t i = 0; i < l->place_count; i++) {
        const struct rot_place *p = &l->places[i];

        if ((p->flags & ROT_PLACE_READ_ONLY) == 0)
            assert_true(p->where >= 1 && p->where <= 0x7bffffff);
        for (size_t k = 0; k < l->place_count; k++) {
            const struct rot_place *q = &l->places[k];

            assert_true(i == k || p->where != q->where);
            assert_true(p->where != q->also);
            assert_true(i == k || p->also == 0 || p->also != q->also);
        }
        if ((p->flags & ROT_PLACE_LOCKABLE) != 0 && p->part != ROT_PART_KEY)
            assert_true(p->also != 0 && p->size + SE05X_TRAILER <= SE05X_CHUNK);
        assert_true(p->where != SE05X_ID_VERIFIER && p->also != SE05X_ID_VERIFIER);
    }
    assert_true(sizeof(struct se05x_state) <= 2048);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(comes_back_as_it_was, new_contents, end_part),
        cmocka_unit_test_setup_teardown(comes_in_pieces, new_contents, end_part),
        cmocka_unit_test_setup_teardown(survives_every_cut, new_contents, end_part),
        cmocka_unit_test_setup_teardown(first_write_survives_too, new_contents, end_part),
        cmocka_unit_test_setup_teardown(what_was_not_written_is_noticed, new_contents, end_part),
        cmocka_unit_test_setup_teardown(foreign_files_are_not_ours, new_contents, end_part),
        cmocka_unit_test_setup_teardown(vendor_certificates_end_with_their_der, new_contents,
                                        end_part),
        cmocka_unit_test_setup_teardown(keys_are_objects, new_contents, end_part),
        cmocka_unit_test_setup_teardown(counters_only_go_up, new_contents, end_part),
        cmocka_unit_test_setup_teardown(stages_that_there_are_not, new_contents, end_part),
        cmocka_unit_test_setup_teardown(identity_is_born_sealed, new_contents, end_part),
        cmocka_unit_test_setup_teardown(sealed_bytes_stay, new_contents, end_part),
        cmocka_unit_test_setup_teardown(a_spoilt_copy_is_noticed, new_contents, end_part),
        cmocka_unit_test_setup_teardown(seals_survive_every_cut, new_contents, end_part),
        cmocka_unit_test_setup_teardown(sealed_keys_stay, new_contents, end_part),
        cmocka_unit_test_setup_teardown(wipes_what_is_ours, new_contents, end_part),
        cmocka_unit_test(layout_is_sound),
    };

    return cmocka_run_group_tests_name("librot_se05x store", tests, NULL, NULL);
}
