/*
 * zones_test.c: bytes, counters and seals in zones: refusals, then a wire that is
 * cut at every transfer, then what works.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static uint8_t old_bytes[900], new_bytes[900], back[1700];

static void
fill(void)
{
    for (size_t i = 0; i < sizeof(old_bytes); i++) {
        old_bytes[i] = (uint8_t)(i * 7 + 1);
        new_bytes[i] = (uint8_t)(i * 5 + 2);
    }
}

static rot_err
put(struct desk *d, rot_object obj, enum rot_part part, const uint8_t *p, size_t len)
{
    size_t need = 0;

    return rot_object_write(&d->chip, obj, part, 0, p, len, len, &need);
}

/* ---- Refusals ----------------------------------------------------------------------------- */

static void
what_is_not_there_is_empty(void **state)
{
    struct desk *d = *state;
    size_t n = 7;

    assert_int_equal(rot_object_size(&d->chip, ROT_IDEVID, ROT_PART_CERT, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_read(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, back, 10, &n),
                     ROT_E_EMPTY);
    memset(d->part.zones[0].data, 0xff, 4);
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_EMPTY);
    assert_int_equal(n, 7);
}

static void
the_vendors_certificate_is_only_read(void **state)
{
    struct desk *d = *state;

    fill();
    assert_int_equal(put(d, ROT_VENDOR(0), ROT_PART_CERT, new_bytes, 300), ROT_E_UNSUPPORTED);
}

static void
a_vendors_certificate_may_not_be_longer_than_sense(void **state)
{
    struct desk *d = *state;
    size_t n = 0;

    d->part.zones[0].data[2] = 0xff;
    assert_int_equal(rot_object_size(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
}

static void
pieces_come_in_order(void **state)
{
    struct desk *d = *state;
    size_t need = 0;

    fill();
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 100, new_bytes, 50, 300, &need),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, new_bytes, 100, 300, &need),
        ROT_OK);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 120, new_bytes, 50, 300, &need),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(1), ROT_PART_DATA, 100, new_bytes, 200, 300, &need),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 100, new_bytes, 201, 301, &need),
        ROT_E_ARG);
    assert_int_equal(rot_object_size(&d->chip, ROT_TRUST(0), ROT_PART_DATA, &need), ROT_E_EMPTY);
}

static void
a_place_for_a_key_takes_nothing_else(void **state)
{
    struct desk *d = *state;
    uint8_t point[64] = {1}, spki[91];
    size_t n = 0;

    fill();
    assert_int_equal(put(d, ROT_FIRMWARE(0), ROT_PART_DATA, new_bytes, 91), ROT_E_FORMAT);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, spki, sizeof(spki), &n), ROT_OK);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 90, 91, &n),
        ROT_E_FORMAT);
    assert_int_equal(d->part.seen[0][STSAFE_UPDATE], 0);
    assert_int_equal(put(d, ROT_FIRMWARE(0), ROT_PART_DATA, spki, 91), ROT_OK);
}

/* The part's partition is not the layout's: smaller, or without the zone. */
static void
a_zone_may_be_too_small(void **state)
{
    struct desk *d = *state;
    uint64_t v = 0;
    size_t n = 0;

    fill();
    d->part.zones[7].size = 500;
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, new_bytes, 300), ROT_E_UNSUPPORTED);
    d->part.zones[7].size = 0;
    assert_int_equal(rot_object_size(&d->chip, ROT_IDEVID, ROT_PART_CERT, &n), ROT_E_UNSUPPORTED);
    d->part.zones[5].is_counter = 0;
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &v), ROT_E_UNSUPPORTED);
    d->part.zones[6].size = 0;
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(1), &v), ROT_E_UNSUPPORTED);
}

static void
a_part_that_does_not_keep_is_found_out(void **state)
{
    struct desk *d = *state;
    size_t n;

    fill();
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, old_bytes, 300), ROT_OK);
    d->part.zones[3].data[588 + 9] ^= 1; /* the trailer's length */
    assert_int_equal(rot_object_size(&d->chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
}

static void
forget_a_byte(void *arg, unsigned code, struct fake_said *said)
{
    unsigned *left = arg;

    if (code == STSAFE_READ && said->len > 100 && --*left == 0)
        said->payload[50] ^= 1;
}

static void
what_is_read_back_is_compared(void **state)
{
    struct desk *d = *state;
    unsigned at = 2;
    size_t n = 0;

    fill();
    d->part.lie = forget_a_byte;
    d->part.arg = &at;
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, new_bytes, 500), ROT_E_MISMATCH);
    d->part.lie = NULL;
    assert_int_equal(rot_object_size(&d->chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
}

/* ---- A cut at every transfer -------------------------------------------------------------------- */

/* As after a power cut: the part is there again, and the host opens it anew. */
static void
power_up(struct desk *d)
{
    rot_close(&d->chip);
    d->part.is_cut = 0;
    d->part.cut_at = 0;
    assert_int_equal(desk_open(d), ROT_OK);
}

enum after { IS_OLD, IS_NEW, IS_NOTHING };

static enum after
what_is_there(struct desk *d, rot_object obj, enum rot_part part, size_t len)
{
    size_t n = 0;
    rot_err rc = rot_object_read(&d->chip, obj, part, 0, back, sizeof(back), &n);

    if (rc == ROT_E_EMPTY)
        return IS_NOTHING;
    assert_int_equal(rc, ROT_OK);
    assert_int_equal(n, len);
    if (memcmp(back, new_bytes, len) == 0)
        return IS_NEW;
    assert_memory_equal(back, old_bytes, len);
    return IS_OLD;
}

/* Cut before and after each transfer of a write until it gets through; 1: nothing was ever lost. */
static int
cut_everywhere(struct desk *d, rot_object obj, enum rot_part part, size_t len)
{
    int kept = 1;

    for (unsigned at = 1, through = 0; !through; at++) {
        for (int after = 0; after < 2; after++) {
            enum after there;
            rot_err rc;

            assert_int_equal(put(d, obj, part, old_bytes, len), ROT_OK);
            d->part.transfers = 0;
            d->part.cut_at = at;
            d->part.cut_after = after;
            rc = put(d, obj, part, new_bytes, len);
            power_up(d);
            there = what_is_there(d, obj, part, len);
            if (rc == ROT_OK)
                assert_int_equal(there, IS_NEW);
            through = rc == ROT_OK;
            kept &= there != IS_NOTHING;
        }
        assert_true(at < 200);
    }
    return kept;
}

static void
a_place_with_two_copies_keeps_the_old(void **state)
{
    fill();
    assert_true(cut_everywhere(*state, ROT_LDEVID(0), ROT_PART_CERT, 700));
    assert_true(cut_everywhere(*state, ROT_DATA(0), ROT_PART_DATA, 52));
}

static void
a_place_with_one_copy_is_whole_or_empty(void **state)
{
    fill();
    assert_false(cut_everywhere(*state, ROT_IDEVID, ROT_PART_CERT, 700));
}

/* A counter never goes up twice for one call, however it is cut. */
static void
a_cut_counter_moves_by_one_at_most(void **state)
{
    struct desk *d = *state;

    for (unsigned at = 1; at <= 5; at++) {
        for (int after = 0; after < 2; after++) {
            uint64_t before = 0, value = 0;
            rot_err rc;

            assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &before), ROT_OK);
            d->part.transfers = 0;
            d->part.cut_at = at;
            d->part.cut_after = after;
            rc = rot_counter_increment(&d->chip, ROT_COUNTER(0), &value);
            power_up(d);
            assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &value), ROT_OK);
            assert_true(value == before + 1 || (value == before && rc != ROT_OK));
        }
    }
}

/* ---- What works ----------------------------------------------------------------------------------- */

static void
objects_come_back(void **state)
{
    static const struct {
        rot_object object;
        enum rot_part part;
        size_t size;
    } places[] = {{ROT_IDEVID, ROT_PART_CERT, 850},    {ROT_IDEVID, ROT_PART_CHAIN, 704},
                  {ROT_LDEVID(0), ROT_PART_CERT, 798}, {ROT_TRUST(0), ROT_PART_DATA, 588},
                  {ROT_TRUST(1), ROT_PART_DATA, 560},  {ROT_DATA(0), ROT_PART_DATA, 52}};
    struct desk *d = *state;
    size_t n = 0, need = 0;

    fill();
    /* All of them full, so that one which reaches into another is seen. */
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(
                put(d, places[i].object, places[i].part, new_bytes + i, places[i].size), ROT_OK);
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(rot_object_size(&d->chip, places[i].object, places[i].part, &n),
                             ROT_OK);
            assert_int_equal(n, places[i].size);
            assert_int_equal(rot_object_read(&d->chip, places[i].object, places[i].part, 0, back,
                                             sizeof(back), &n),
                             ROT_OK);
            assert_int_equal(n, places[i].size);
            assert_memory_equal(back, new_bytes + i, n);
        }
    }
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, new_bytes, 589), ROT_E_SPACE);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, new_bytes, 100, 301, &need),
        ROT_OK);
    assert_int_equal(rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 100, new_bytes + 100,
                                      201, 301, &need),
                     ROT_OK);
    assert_int_equal(rot_object_read(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 299, back, 10, &n),
                     ROT_OK);
    assert_int_equal(n, 2);
    assert_memory_equal(back, new_bytes + 299, 2);
    assert_int_equal(rot_object_read(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 301, back, 10, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
}

/* Whoever reads the zone by other means finds a certificate at its start. */
static void
a_certificate_stands_at_the_start_of_its_zone(void **state)
{
    struct desk *d = *state;

    fill();
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, new_bytes, 600), ROT_OK);
    assert_memory_equal(d->part.zones[7].data, new_bytes, 600);
}

static void
the_vendors_certificate_ends_before_its_padding(void **state)
{
    struct desk *d = *state;
    size_t n = 0, len = ((size_t)d->part.zones[0].data[2] << 8 | d->part.zones[0].data[3]) + 4;

    assert_int_equal(
        rot_object_read(&d->chip, ROT_VENDOR(0), ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, len);
    assert_memory_equal(back, d->part.zones[0].data, len);
}

static void
counters_go_up_and_end(void **state)
{
    struct desk *d = *state;
    uint64_t a = 0, b = 0;

    d->part.zones[6].counter = 2;
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(1), &a), ROT_OK);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &b), ROT_OK);
    assert_int_equal(b, a + 1);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &b), ROT_OK);
    assert_int_equal(b, UINT32_MAX);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(1), &b), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d->chip), 0x13);
}

/* ---- Seals ------------------------------------------------------------------------------------------- */

static enum rot_seal_state
seal_of(struct desk *d, enum rot_stage stage, rot_object obj)
{
    enum rot_seal_state s = ROT_SEAL_FOREIGN;

    assert_int_equal(rot_seal_state(&d->chip, stage, obj, &s), ROT_OK);
    return s;
}

static void
nothing_empty_is_sealed(void **state)
{
    struct desk *d = *state;

    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_EMPTY);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_EMPTY);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(d->part.seen[0][STSAFE_UPDATE], 0);
}

static void
a_zone_whose_condition_is_fixed_is_foreign(void **state)
{
    struct desk *d = *state;

    fill();
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, new_bytes, 300), ROT_OK);
    d->part.zones[3].access = 0x00;
    assert_int_equal(seal_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_STATE);
}

static void
an_object_is_sealed_and_takes_nothing_more(void **state)
{
    struct desk *d = *state;
    size_t n = 0;

    fill();
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, new_bytes, 300), ROT_OK);
    assert_int_equal(seal_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(seal_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_DONE);
    assert_int_equal(d->part.zones[3].access, 0x07);
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, old_bytes, 300), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d->chip), STSAFE_NO_ACCESS);
    assert_int_equal(
        rot_object_read(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, 300);
    assert_memory_equal(back, new_bytes, 300);
}

static void
stay_open(void *arg, unsigned code, struct fake_said *said)
{
    struct fake_part *p = arg;

    (void)said;
    if (code == STSAFE_UPDATE)
        p->zones[3].access = 0x08;
}

/* A part that says yes to a condition and keeps the old one. */
static void
a_zone_that_stays_open_is_found_out(void **state)
{
    struct desk *d = *state;

    fill();
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, new_bytes, 300), ROT_OK);
    d->part.lie = stay_open;
    d->part.arg = &d->part;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
    d->part.lie = NULL;
    assert_int_equal(seal_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_OPEN);
}

static void
the_data_seal_fixes_the_identity(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;

    fill();
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, new_bytes, 700), ROT_OK);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_PROVISIONED);
    assert_int_equal(seal_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    assert_int_equal(seal_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_DONE);
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, old_bytes, 700), ROT_E_STATE);
    /* In the clear nothing else is closed: nobody could open it. */
    assert_int_equal(put(d, ROT_TRUST(1), ROT_PART_DATA, old_bytes, 300), ROT_OK);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_SEALED);
    assert_int_equal(id.sealed, 1u << ROT_STAGE_DATA | 1u << ROT_STAGE_LIFECYCLE);
}

/* With host keys, what stays renewable is the host's alone; in the clear it is closed then. */
static void
the_data_seal_gives_the_rest_to_the_host(void **state)
{
    struct desk *d = *state;

    fill();
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, new_bytes, 700), ROT_OK);
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, new_bytes, 300), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    assert_int_equal(seal_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_DONE);
    assert_int_equal(d->part.zones[7].access, 0x07);
    assert_int_equal(d->part.zones[3].access, 0x07); /* stricter already */
    assert_int_equal(d->part.zones[4].access, 0x09);
    assert_int_equal(put(d, ROT_TRUST(1), ROT_PART_DATA, old_bytes, 300), ROT_OK);
    rot_close(&d->chip);
    d->has_secret = 0;
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(put(d, ROT_TRUST(1), ROT_PART_DATA, new_bytes, 300), ROT_E_AUTH);
    assert_int_equal(what_is_there(d, ROT_TRUST(1), ROT_PART_DATA, 300), IS_OLD);
}

/* Cut anywhere, the seal is open or done, goes on, and no byte was changed. */
static void
a_cut_seal_goes_on(void **state)
{
    struct desk *d = *state;

    fill();
    assert_int_equal(put(d, ROT_IDEVID, ROT_PART_CERT, new_bytes, 700), ROT_OK);
    for (unsigned at = 1; at < 120; at++) {
        rot_err rc;

        for (unsigned z = 1; z < FAKE_ZONES; z++)
            d->part.zones[z].access = 0x08;
        d->part.transfers = 0;
        d->part.cut_at = at;
        d->part.cut_after = at % 2 != 0;
        rc = rot_seal(&d->chip, ROT_STAGE_DATA, 0);
        power_up(d);
        assert_int_equal(what_is_there(d, ROT_IDEVID, ROT_PART_CERT, 700), IS_NEW);
        if (rc == ROT_OK)
            assert_int_equal(seal_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_DONE);
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
        assert_int_equal(seal_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_DONE);
    }
}

static void
the_life_cycle_moves_once(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;

    d->part.life = 0x01;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    assert_int_equal(seal_of(d, ROT_STAGE_LIFECYCLE, 0), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_LIFECYCLE, 0), ROT_OK);
    assert_int_equal(d->part.life, 3);
    assert_int_equal(seal_of(d, ROT_STAGE_LIFECYCLE, 0), ROT_SEAL_DONE);
    d->part.life = 0x02;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_LIFECYCLE, 0), ROT_E_STATE);
    d->part.life = 0x04;
    assert_int_equal(seal_of(d, ROT_STAGE_LIFECYCLE, 0), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_END);
    d->part.life = 0x09;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_E_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAR(what_is_not_there_is_empty),
        CLEAR(the_vendors_certificate_is_only_read),
        CLEAR(a_vendors_certificate_may_not_be_longer_than_sense),
        CLEAR(pieces_come_in_order),
        CLEAR(a_place_for_a_key_takes_nothing_else),
        CLEAR(a_zone_may_be_too_small),
        CLEAR(a_part_that_does_not_keep_is_found_out),
        CLEAR(what_is_read_back_is_compared),
        PAIRED(what_is_read_back_is_compared),
        CLEAR(nothing_empty_is_sealed),
        CLEAR(a_zone_whose_condition_is_fixed_is_foreign),
        CLEAR(a_zone_that_stays_open_is_found_out),
        PAIRED(a_zone_that_stays_open_is_found_out),
        CLEAR(a_place_with_two_copies_keeps_the_old),
        PAIRED(a_place_with_two_copies_keeps_the_old),
        CLEAR(a_place_with_one_copy_is_whole_or_empty),
        PAIRED(a_cut_counter_moves_by_one_at_most),
        CLEAR(objects_come_back),
        PAIRED(objects_come_back),
        A120(objects_come_back),
        CLEAR(a_certificate_stands_at_the_start_of_its_zone),
        CLEAR(the_vendors_certificate_ends_before_its_padding),
        PAIRED(counters_go_up_and_end),
        CLEAR(an_object_is_sealed_and_takes_nothing_more),
        PAIRED(an_object_is_sealed_and_takes_nothing_more),
        CLEAR(the_data_seal_fixes_the_identity),
        PAIRED(the_data_seal_gives_the_rest_to_the_host),
        PAIRED(a_cut_seal_goes_on),
        CLEAR(the_life_cycle_moves_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
