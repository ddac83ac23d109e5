/*
 * store_test.c: bytes and counters, and what a cut leaves of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "desk.h"
#include "optiga.h"

static uint8_t content[1800], back[1800];

/* DER of that many bytes in all, or bytes that are none. */
static void
make(size_t len, int is_der, uint8_t seed)
{
    for (size_t i = 0; i < len; i++)
        content[i] = (uint8_t)(i * 11 + seed);
    if (!is_der)
        return;
    content[0] = 0x30;
    if (len < 130) {
        content[1] = (uint8_t)(len - 2);
    } else if (len < 259) {
        content[1] = 0x81;
        content[2] = (uint8_t)(len - 3);
    } else {
        content[1] = 0x82;
        content[2] = (uint8_t)((len - 4) >> 8);
        content[3] = (uint8_t)(len - 4);
    }
}

static rot_err
put(struct desk *d, rot_object obj, enum rot_part part, size_t len)
{
    size_t need = 0;

    return rot_object_write(&d->chip, obj, part, 0, content, len, len, &need);
}

static void
is_back(struct desk *d, rot_object obj, enum rot_part part, size_t len)
{
    size_t n = 0;

    assert_int_equal(rot_object_size(&d->chip, obj, part, &n), ROT_OK);
    assert_int_equal(n, len);
    assert_int_equal(rot_object_read(&d->chip, obj, part, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, len);
    assert_memory_equal(back, content, len);
}

static void
is_empty(struct desk *d, rot_object obj, enum rot_part part)
{
    size_t n = 77;

    assert_int_equal(rot_object_size(&d->chip, obj, part, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_read(&d->chip, obj, part, 0, back, 8, &n), ROT_E_EMPTY);
    assert_int_equal(n, 77);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void
a_new_part_is_empty(void **state)
{
    struct desk *d = *state;

    is_empty(d, ROT_IDEVID, ROT_PART_CERT);
    is_empty(d, ROT_IDEVID, ROT_PART_CHAIN);
    is_empty(d, ROT_LDEVID(1), ROT_PART_CERT);
    is_empty(d, ROT_TRUST(0), ROT_PART_DATA);
    is_empty(d, ROT_FIRMWARE(0), ROT_PART_DATA);
    is_empty(d, ROT_DATA(0), ROT_PART_DATA);
    is_empty(d, ROT_DATA(4), ROT_PART_DATA);
}

static void
what_does_not_fit(void **state)
{
    struct desk *d = *state;
    size_t need = 0;

    make(1725, 0, 1);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_IDEVID, ROT_PART_CERT, 0, content, 1725, 1725, &need),
        ROT_E_SPACE);
    assert_int_equal(need, 1725);
    assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 137), ROT_E_SPACE);
    assert_int_equal(put(d, ROT_VENDOR(0), ROT_PART_CERT, 4), ROT_E_UNSUPPORTED);
    assert_int_equal(put(d, ROT_COUNTER(0), ROT_PART_DATA, 4), ROT_E_UNSUPPORTED);
    is_empty(d, ROT_DATA(0), ROT_PART_DATA);
}

/* DER whose end would be the trailer: told from that by its first byte. */
static void
content_that_would_be_ambiguous(void **state)
{
    struct desk *d = *state;

    make(64, 1, 1);
    content[1] = (uint8_t)(content[1] + 4);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 64), ROT_OK);
        assert_memory_equal(desk_data(d, 0xf1d0), "R", 1);
        is_back(d, ROT_DATA(0), ROT_PART_DATA, 64);
        content[1]--;
    }
    content[0] = 'R';
    assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 64), ROT_OK);
    is_back(d, ROT_DATA(0), ROT_PART_DATA, 64);
    /* What is left of it when an erasure was torn. */
    fake_find(&d->part, 0xf1d0)->data[0] = 0;
    is_empty(d, ROT_DATA(0), ROT_PART_DATA);
}

/* It begins as something whole, and its end says something else. */
static void
an_end_that_is_none(void **state)
{
    struct desk *d = *state;
    uint8_t *data = fake_find(&d->part, 0xf1d0)->data;

    make(64, 0, 1);
    assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 64), ROT_OK);
    for (size_t at = 64; at < 68; at++) {
        if (at == 65) /* the first byte of the content */
            continue;
        data[at] ^= 1;
        is_empty(d, ROT_DATA(0), ROT_PART_DATA);
        data[at] ^= 1;
    }
    is_back(d, ROT_DATA(0), ROT_PART_DATA, 64);
}

static void
only_public_keys_for_firmware(void **state)
{
    struct desk *d = *state;
    const uint8_t *point = fake_find(&d->part, 0xe0f0)->pub;
    size_t n = 0;

    make(91, 0, 3);
    assert_int_equal(put(d, ROT_FIRMWARE(0), ROT_PART_DATA, 8), ROT_E_FORMAT);
    assert_int_equal(put(d, ROT_FIRMWARE(0), ROT_PART_DATA, 91), ROT_E_FORMAT);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P384, point, content, sizeof(content), &n),
                     ROT_OK);
    assert_int_equal(put(d, ROT_FIRMWARE(0), ROT_PART_DATA, n), ROT_E_SPACE);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, content, sizeof(content), &n),
                     ROT_OK);
    assert_int_equal(put(d, ROT_FIRMWARE(0), ROT_PART_DATA, n), ROT_OK);
    is_back(d, ROT_FIRMWARE(0), ROT_PART_DATA, 91);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, content, 90, 91, &n),
        ROT_E_FORMAT);
}

static void
places_that_may_not_change(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe0e1);

    make(500, 1, 1);
    o->life = 7;
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, 500), ROT_E_STATE);
    memcpy(o->change.b, "\x20\xe1\x40", 3);
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, 500), ROT_E_AUTH);
    o->life = 1;
    memcpy(o->change.b, "\xff", 1);
    o->change.len = 1;
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, 500), ROT_E_STATE);
    assert_int_equal(o->used, 1728); /* not even emptied */
}

/* ---- Round trips ------------------------------------------------------------------------------- */

static void
every_form_and_size(void **state)
{
    static const size_t sizes[] = {1,   2,   3,   4,   5,   6,   127, 128,  129,  130,  136,  258,
                                   259, 260, 519, 520, 521, 522, 523, 1040, 1041, 1042, 1492, 1496};
    struct desk *d = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int is_der = 0; is_der < 2; is_der++) {
            if (is_der && sizes[i] < 4)
                continue;
            make(sizes[i], is_der, (uint8_t)i);
            assert_int_equal(put(d, ROT_DATA(4), ROT_PART_DATA, sizes[i]), ROT_OK);
            is_back(d, ROT_DATA(4), ROT_PART_DATA, sizes[i]);
            /* A certificate stands there as it is, for whoever else reads it. */
            assert_int_equal(fake_find(&d->part, 0xf1e1)->used, sizes[i] + (is_der ? 0 : 4));
            if (is_der)
                assert_memory_equal(desk_data(d, 0xf1e1), content, sizes[i]);
        }
    }
    make(1724, 0, 0);
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, 1724), ROT_OK);
    is_back(d, ROT_IDEVID, ROT_PART_CERT, 1724);
}

static void
pieces(void **state)
{
    struct desk *d = *state;
    static const size_t steps[] = {4, 7, 300, 521};
    size_t need = 0, n = 0;

    for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
        for (int is_der = 0; is_der < 2; is_der++) {
            make(1000, is_der, (uint8_t)s);
            for (size_t at = 0; at < 1000; at += steps[s]) {
                size_t len = 1000 - at < steps[s] ? 1000 - at : steps[s];

                assert_int_equal(rot_object_write(&d->chip, ROT_TRUST(1), ROT_PART_DATA, at,
                                                  content + at, len, 1000, &need),
                                 ROT_OK);
                if (at + len < 1000)
                    is_empty(d, ROT_TRUST(1), ROT_PART_DATA);
            }
            is_back(d, ROT_TRUST(1), ROT_PART_DATA, 1000);
        }
    }
    assert_int_equal(rot_object_read(&d->chip, ROT_TRUST(1), ROT_PART_DATA, 998, back, 8, &n),
                     ROT_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(back, content + 998, 2);
    assert_int_equal(rot_object_read(&d->chip, ROT_TRUST(1), ROT_PART_DATA, 1000, back, 8, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rot_object_read(&d->chip, ROT_TRUST(1), ROT_PART_DATA, 9999, back, 8, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
}

static void
pieces_out_of_order(void **state)
{
    struct desk *d = *state;
    size_t need = 0;
#define PIECE(obj, at, len, total)                                                                 \
    rot_object_write(&d->chip, obj, ROT_PART_DATA, at, content + (at), len, total, &need)

    make(100, 0, 9);
    assert_int_equal(PIECE(ROT_DATA(0), 10, 10, 100), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(0), 0, 3, 100), ROT_E_UNSUPPORTED);
    assert_int_equal(PIECE(ROT_DATA(0), 0, 10, 100), ROT_OK);
    assert_int_equal(PIECE(ROT_DATA(0), 11, 10, 100), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(0), 10, 10, 99), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(1), 10, 10, 100), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(0), 10, 90, 100), ROT_OK);
    is_back(d, ROT_DATA(0), ROT_PART_DATA, 100);
    assert_int_equal(PIECE(ROT_DATA(0), 90, 10, 100), ROT_E_ARG);
    /* The part was reset in between: what was written before is not completed. */
    assert_int_equal(PIECE(ROT_DATA(0), 0, 10, 100), ROT_OK);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(PIECE(ROT_DATA(0), 10, 90, 100), ROT_E_ARG);
    is_empty(d, ROT_DATA(0), ROT_PART_DATA);
#undef PIECE
}

/* ---- Cuts and lies -------------------------------------------------------------------------------- */

/* Old or new content, whole, or nothing: whichever write power fails in. */
static void
cut_all_writes(struct desk *d, int has_length)
{
    static uint8_t old[1200], fresh[1200];

    for (int old_der = 0; old_der < 2; old_der++) {
        for (int new_der = 0; new_der < 2; new_der++) {
            make(1200, old_der, 1);
            memcpy(old, content, sizeof(old));
            make(1200, new_der, 2);
            memcpy(fresh, content, sizeof(fresh));
            for (unsigned cut = 0;; cut++) {
                int was_cut;
                size_t n = 0;
                rot_err rc;

                fake_optiga_init(&d->part, &d->crypto.port);
                assert_int_equal(desk_try(d, 0), ROT_OK);
                memcpy(content, old, sizeof(old));
                assert_int_equal(put(d, ROT_DATA(4), ROT_PART_DATA, 1200), ROT_OK);
                d->part.has_cut = 1;
                d->part.has_cut_length = has_length;
                d->part.cut_at = cut;
                memcpy(content, fresh, sizeof(fresh));
                rc = put(d, ROT_DATA(4), ROT_PART_DATA, 1200);
                was_cut = d->part.is_deaf;
                assert_int_equal(rc, was_cut ? ROT_E_BUS : ROT_OK);
                d->part.has_cut = d->part.is_deaf = 0;
                fake_optiga_reset(&d->part);
                assert_int_equal(desk_try(d, 0), ROT_OK);
                rc = rot_object_read(&d->chip, ROT_DATA(4), ROT_PART_DATA, 0, back, sizeof(back),
                                     &n);
                assert_true(rc == ROT_OK || rc == ROT_E_EMPTY);
                if (rc == ROT_OK) {
                    assert_int_equal(n, 1200);
                    assert_true(memcmp(back, fresh, 1200) == 0 || memcmp(back, old, 1200) == 0);
                }
                assert_int_equal(put(d, ROT_DATA(4), ROT_PART_DATA, 1200), ROT_OK);
                is_back(d, ROT_DATA(4), ROT_PART_DATA, 1200);
                if (!was_cut) {
                    assert_true(cut >= 5);
                    break;
                }
            }
        }
    }
}

static void
a_cut_leaves_no_mixture(void **state)
{
    cut_all_writes(*state, 0);
    cut_all_writes(*state, 1);
}

/* What the part stores, or gives back, is not what it was given. */
static struct {
    unsigned cmd, skip;
    int how;
} trick;

static void
trick_it(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (apdu[0] != trick.cmd || apdu[1] != 0 || trick.skip-- != 0)
        return;
    if (trick.how == 0)
        a->out[a->len / 2] ^= 1;
    else if (trick.how == 1)
        a->len--;
    else if (trick.how == 2)
        a->len++;
    else if (trick.how == 3)
        a->status = 0x06;
    else
        a->out[0] ^= 1;
}

static void
what_is_read_back_is_compared(void **state)
{
    struct desk *d = *state;
    static const rot_err want[] = {ROT_E_MISMATCH, ROT_E_FORMAT, ROT_E_FORMAT, ROT_E_CHIP};

    make(600, 0, 4);
    for (trick.how = 0; trick.how < 4; trick.how++) {
        for (unsigned skip = 0; skip < 3; skip++) {
            trick.cmd = 0x81;
            trick.skip = skip;
            d->part.lie = trick_it;
            assert_int_equal(put(d, ROT_DATA(4), ROT_PART_DATA, 600), want[trick.how]);
            d->part.lie = NULL;
            is_empty(d, ROT_DATA(4), ROT_PART_DATA);
        }
    }
    for (trick.how = 1; trick.how < 5; trick.how++) { /* the first bytes, when all is there */
        trick.skip = 3;
        d->part.lie = trick_it;
        assert_int_equal(put(d, ROT_DATA(4), ROT_PART_DATA, 600), want[trick.how % 4]);
        d->part.lie = NULL;
    }
    trick.cmd = 0x82;
    trick.how = 2;
    trick.skip = 0;
    d->part.lie = trick_it;
    assert_int_equal(put(d, ROT_DATA(4), ROT_PART_DATA, 600), ROT_E_FORMAT);
}

/* ---- The vendor's certificate ------------------------------------------------------------------------ */

static void
the_vendors_certificate(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe0e0);
    size_t n = 0;

    assert_int_equal(
        rot_object_read(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, 507);
    assert_memory_equal(back, o->data + 9, n);
    /* The same, bare. */
    memmove(o->data, o->data + 9, 507);
    assert_int_equal(
        rot_object_read(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, 507);
    assert_memory_equal(back, o->data, n);
    /* Longer than the object, none, another kind. */
    o->data[2] = 2;
    o->data[3] = 1;
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
    o->data[0] = 0xc2;
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
    o->data[0] = 0xc0;
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
    o->data[0] = 0;
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_EMPTY);
    o->used = 0;
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_EMPTY);
}

/* ---- Counters -------------------------------------------------------------------------------------------- */

static void
say_yes(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (apdu[0] == 0x82)
        a->status = 0;
}

static void
counters_count(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe121);
    uint64_t v = 99;

    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(1), &v), ROT_OK);
    assert_int_equal(v, 0);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &v), ROT_OK);
        assert_int_equal(v, i);
    }
    assert_memory_equal(o->data, "\0\0\0\3\xff\xff\xff\xff", 8);
    assert_memory_equal(d->part.apdu, "\x81\0\0\6\xe1\x21\0\0\0\x08", 10);
    /* At its threshold, whoever set that. */
    memcpy(o->data, "\0\0\0\7\0\0\0\7", 8);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &v), ROT_E_STATE);
    d->part.lie = say_yes; /* a part that freezes without a word */
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &v), ROT_E_STATE);
    d->part.lie = NULL;
    memcpy(o->data, "\0\0\0\6\0\0\0\7", 8);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &v), ROT_OK);
    assert_int_equal(v, 7);
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(4), &v), ROT_E_UNSUPPORTED);
}

static void
do_not_count(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)len;
    (void)a;
    if (apdu[0] == 0x82)
        memcpy(arg, "\0\0\0\5\0\0\1\0", 8);
}

static void
a_counter_that_does_not_count(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe120);
    uint64_t v = 99;

    memcpy(o->data, "\0\0\0\5\0\0\1\0", 8);
    d->part.arg = o->data;
    d->part.lie = do_not_count;
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &v), ROT_E_MISMATCH);
    assert_int_equal(v, 99);
}

#define OPEN(f) cmocka_unit_test_setup_teardown(f, desk_open, desk_done)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(a_new_part_is_empty),
        OPEN(what_does_not_fit),
        OPEN(content_that_would_be_ambiguous),
        OPEN(an_end_that_is_none),
        OPEN(only_public_keys_for_firmware),
        OPEN(places_that_may_not_change),
        OPEN(every_form_and_size),
        OPEN(pieces),
        OPEN(pieces_out_of_order),
        OPEN(a_cut_leaves_no_mixture),
        OPEN(what_is_read_back_is_compared),
        OPEN(the_vendors_certificate),
        OPEN(counters_count),
        OPEN(a_counter_that_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
