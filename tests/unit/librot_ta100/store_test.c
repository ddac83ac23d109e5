/*
 * store_test.c: bytes in elements, and power that fails while they are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static uint8_t content[1024], back[1100];

static void
fill(unsigned seed, size_t len)
{
    for (size_t i = 0; i < len; i++)
        content[i] = (uint8_t)(i * 7 + seed);
}

static rot_err
put(struct desk *d, rot_object obj, enum rot_part part, size_t len)
{
    size_t need = 0;

    return rot_object_write(&d->chip, obj, part, 0, content, len, len, &need);
}

/* What is there: its length, or -1 when it is empty. */
static int
get(struct desk *d, rot_object obj, enum rot_part part)
{
    size_t n = 0, size = 0;
    rot_err rc = rot_object_read(&d->chip, obj, part, 0, back, sizeof(back), &n);

    assert_int_equal(rot_object_size(&d->chip, obj, part, &size), rc);
    if (rc == ROT_E_EMPTY)
        return -1;
    assert_int_equal(rc, ROT_OK);
    assert_int_equal(size, n);
    return (int)n;
}

/* ---- Refusals ------------------------------------------------------------------------------- */

static void
nothing_there(void **state)
{
    struct desk *d = *state;

    assert_int_equal(get(d, ROT_IDEVID, ROT_PART_CERT), -1); /* no element */
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    assert_int_equal(get(d, ROT_IDEVID, ROT_PART_CERT), -1); /* one of zeroes */
    assert_int_equal(get(d, ROT_LDEVID(0), ROT_PART_CERT), -1);
}

static void
too_much_or_locked(void **state)
{
    struct desk *d = *state;
    size_t need = 0;

    fill(1, sizeof(content));
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, content, 801, 801, &need),
        ROT_E_SPACE);
    assert_int_equal(need, 801);
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, 800), ROT_OK);
    fake_find(&d->part, 0x8030)->is_locked = 1;
    fill(2, sizeof(content));
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, 10), ROT_E_STATE);
    assert_int_equal(get(d, ROT_TRUST(0), ROT_PART_DATA), 800);
    fill(1, sizeof(content));
    assert_memory_equal(back, content, 800);
}

/* Trailers that are none: each byte of one wrong, and lengths beyond the place. */
static void
broken_trailers(void **state)
{
    struct desk *d = *state;
    uint8_t *t;

    fill(3, 200);
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, 200), ROT_OK);
    t = fake_find(&d->part, 0x8030)->content + 800;
    for (size_t bit = 0; bit < 64; bit++) {
        t[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(get(d, ROT_TRUST(0), ROT_PART_DATA), -1);
        t[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned len = 0; len < 1200; len += 400) {
        uint16_t crc;

        t[4] = (uint8_t)(len >> 8);
        t[5] = (uint8_t)len;
        crc = ta100_crc(t, 6);
        t[6] = (uint8_t)(crc >> 8);
        t[7] = (uint8_t)crc;
        assert_int_equal(get(d, ROT_TRUST(0), ROT_PART_DATA), len == 0 ? -1 : (int)len);
        if (len == 800)
            break;
    }
    t[4] = 801 >> 8;
    t[5] = 801 & 0xff;
    t[6] = (uint8_t)(ta100_crc(t, 6) >> 8);
    t[7] = (uint8_t)ta100_crc(t, 6);
    assert_int_equal(get(d, ROT_TRUST(0), ROT_PART_DATA), -1);
}

/* An element of the right number that somebody else made. */
static void
somebody_elses_element(void **state)
{
    static const uint8_t small[8] = {0x03, 0x00, 0x20, 0, 0, 0, 0x55, 0x04};
    struct desk *d = *state;
    size_t n = 0;

    (void)fake_create(&d->part, 0x8030, small);
    fill(4, 100);
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, 20), ROT_E_CHIP);
    assert_int_equal(rot_object_size(&d->chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_E_CHIP);
    assert_int_equal(rot_raw_status(&d->chip), 0x09);
    assert_int_equal(d->part.seen[0x12], 0);
}

static void
pieces_come_in_order(void **state)
{
    struct desk *d = *state;
    size_t need = 0;

    fill(5, 600);
#define PIECE(obj, offset, len, total)                                                             \
    rot_object_write(&d->chip, obj, ROT_PART_DATA, offset, content + (offset), len, total, &need)
    assert_int_equal(PIECE(ROT_TRUST(1), 10, 10, 600), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_TRUST(1), 0, 300, 600), ROT_OK);
    assert_int_equal(get(d, ROT_TRUST(1), ROT_PART_DATA), -1);
    assert_int_equal(PIECE(ROT_TRUST(1), 301, 299, 600), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_TRUST(1), 300, 300, 600), ROT_E_ARG); /* begin again */
    assert_int_equal(PIECE(ROT_TRUST(1), 0, 300, 600), ROT_OK);
    assert_int_equal(PIECE(ROT_TRUST(0), 300, 300, 600), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_TRUST(1), 0, 300, 600), ROT_OK);
    assert_int_equal(PIECE(ROT_TRUST(1), 300, 200, 500), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_TRUST(1), 0, 300, 600), ROT_OK);
    assert_int_equal(PIECE(ROT_TRUST(1), 300, 299, 600), ROT_OK);
    assert_int_equal(PIECE(ROT_TRUST(1), 599, 1, 600), ROT_OK);
    assert_int_equal(get(d, ROT_TRUST(1), ROT_PART_DATA), 600);
    assert_memory_equal(back, content, 600);
#undef PIECE
}

/* A part that says it wrote, and has not. */
static void
other_bytes(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (command[2] == 0x13 && a->len > 8)
        a->data[3] ^= 1;
}

static void
what_is_written_is_compared(void **state)
{
    struct desk *d = *state;

    fill(6, 100);
    d->part.lie = other_bytes;
    assert_int_equal(put(d, ROT_TRUST(0), ROT_PART_DATA, 100), ROT_E_MISMATCH);
    d->part.lie = NULL;
    assert_int_equal(get(d, ROT_TRUST(0), ROT_PART_DATA), -1);
}

/* ---- Storing ------------------------------------------------------------------------------------ */

static void
all_places(void **state)
{
    struct desk *d = *state;
    const struct rot_layout *l = ta100_layouts[0];

    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < l->place_count; i++) {
            const struct rot_place *p = &l->places[i];
            size_t len = round == 1 ? 1 : p->size, n = 0;

            if (!ta100_is_element(p) || p->part == ROT_PART_KEY ||
                (p->flags & ROT_PLACE_PUBLIC_KEY) != 0)
                continue;
            fill(p->where + round, len);
            assert_int_equal(put(d, p->object, (enum rot_part)p->part, len), ROT_OK);
            assert_int_equal(get(d, p->object, (enum rot_part)p->part), (int)len);
            assert_memory_equal(back, content, len);
            assert_int_equal(
                rot_object_read(&d->chip, p->object, (enum rot_part)p->part, len / 2, back, 3, &n),
                ROT_OK);
            assert_int_equal(n, len == 1 ? 1 : 3);
            assert_memory_equal(back, content + len / 2, n);
            assert_int_equal(
                rot_object_read(&d->chip, p->object, (enum rot_part)p->part, len, back, 3, &n),
                ROT_OK);
            assert_int_equal(n, 0);
        }
    }
    /* It begins where other programs look for it. */
    fill(0x8020 + 2, 1024);
    assert_memory_equal(fake_find(&d->part, 0x8020)->content, content, 1024);
    assert_int_equal(fake_find(&d->part, 0x8020)->size, 1032);
}

static void
two_elements_take_turns(void **state)
{
    struct desk *d = *state;
    static uint8_t before[128];

    for (unsigned i = 0; i < 6; i++) {
        fill(i, 100);
        memcpy(before,
               fake_find(&d->part, 0x8040) != NULL ? fake_find(&d->part, 0x8040)->content : before,
               128);
        assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 100), ROT_OK);
        if (i % 2 == 1)
            assert_memory_equal(fake_find(&d->part, 0x8040)->content, before, 128);
        assert_int_equal(get(d, ROT_DATA(0), ROT_PART_DATA), 100);
        assert_memory_equal(back, content, 100);
    }
}

/* The number goes round. */
static void
sequences_go_round(void **state)
{
    struct desk *d = *state;
    uint8_t *t;

    fill(1, 10);
    assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 10), ROT_OK);
    t = fake_find(&d->part, 0x8040)->content + 120;
    t[2] = t[3] = 0xff;
    t[6] = (uint8_t)(ta100_crc(t, 6) >> 8);
    t[7] = (uint8_t)ta100_crc(t, 6);
    for (unsigned i = 2; i < 6; i++) {
        fill(i, 10);
        assert_int_equal(put(d, ROT_DATA(0), ROT_PART_DATA, 10), ROT_OK);
        assert_int_equal(get(d, ROT_DATA(0), ROT_PART_DATA), 10);
        assert_memory_equal(back, content, 10);
    }
}

/* ---- Power ---------------------------------------------------------------------------------------- */

/* Old content, new content, or none where a place has one element: never something else. */
static int
write_under_a_cut(struct desk *d, rot_object obj, enum rot_part part, int has_two)
{
    int n, done;

    d->part.transfers = d->part.writes = 0;
    fill(2, 700);
    done = put(d, obj, part, 700) == ROT_OK;
    fake_ta100_power(&d->part);
    assert_int_equal(desk_open(d), ROT_OK);
    n = get(d, obj, part);
    assert_true(n == 700 || (!done && (n == 600 || (n == -1 && !has_two))));
    fill(n == 700 ? 2 : 1, 700);
    if (n > 0)
        assert_memory_equal(back, content, (size_t)n);
    return done;
}

static void
cut_everywhere(struct desk *d, rot_object obj, enum rot_part part, int has_two)
{
    unsigned at = 1, torn = 1;
    int done = 0;

    for (; !done && at < 1000; at++) {
        for (int after = 0; after < 2; after++) {
            fill(1, 700);
            assert_int_equal(put(d, obj, part, 600), ROT_OK);
            d->part.cut_at = at;
            d->part.cut_after = after;
            done = write_under_a_cut(d, obj, part, has_two);
        }
    }
    assert_true(at > 30 && at < 1000);
    for (done = 0; !done && torn < 20; torn++) {
        fill(1, 700);
        assert_int_equal(put(d, obj, part, 600), ROT_OK);
        d->part.tear_at = torn;
        done = write_under_a_cut(d, obj, part, has_two);
    }
    assert_int_equal(torn, 6); /* zeroes, two pieces, the trailer; then none is torn */
}

static void
power_fails_in_a_place_of_one(void **state)
{
    cut_everywhere(*state, ROT_TRUST(0), ROT_PART_DATA, 0);
}

static void
power_fails_in_a_place_of_two(void **state)
{
    cut_everywhere(*state, ROT_LDEVID(0), ROT_PART_CERT, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        READY(nothing_there),
        READY(too_much_or_locked),
        READY(broken_trailers),
        READY(somebody_elses_element),
        READY(pieces_come_in_order),
        READY(what_is_written_is_compared),
        READY(all_places),
        READY(two_elements_take_turns),
        READY(sequences_go_round),
        READY(power_fails_in_a_place_of_one),
        READY(power_fails_in_a_place_of_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
