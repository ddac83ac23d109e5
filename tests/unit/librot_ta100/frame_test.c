/*
 * frame_test.c: packets against the placeholder page's examples, attributes against the
 * literals of the vendor's public tests, and answers that are wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static void
refused(const uint8_t *p, size_t len, rot_err want)
{
    struct rot_bytes data;
    uint8_t status = 0;

    assert_int_equal(ta100_answer_read(p, len, &status, &data), want);
}

/* Section 2: the answer "done", without data, and with three bytes. */
static void
answers(void **state)
{
    uint8_t done[] = {0x00, 0x05, 0x00, 0, 0}, more[] = {0x00, 0x08, 0x00, 'a', 'b', 'c', 0, 0};
    struct rot_bytes data = {NULL, 9};
    uint8_t status = 9;

    (void)state;
    refused(done, 0, ROT_E_BUS);
    refused(done, 4, ROT_E_BUS);
    refused(done, 5, ROT_E_BUS); /* no CRC yet */
    ta100_command_end(done, sizeof(done));
    assert_int_equal(ta100_answer_read(done, 5, &status, &data), ROT_OK);
    assert_int_equal(status, 0);
    assert_int_equal(data.len, 0);
    for (size_t bit = 0; bit < 40; bit++) {
        done[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused(done, 5, ROT_E_BUS);
        done[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }

    ta100_command_end(more, sizeof(more));
    assert_int_equal(ta100_answer_read(more, 8, &status, &data), ROT_OK);
    assert_int_equal(data.len, 3);
    assert_memory_equal(data.p, "abc", 3);
    refused(more, 7, ROT_E_BUS);
    more[2] = 0x0f; /* a refusal has no data */
    ta100_command_end(more, sizeof(more));
    refused(more, 8, ROT_E_FORMAT);
    done[2] = 0x0b;
    ta100_command_end(done, sizeof(done));
    assert_int_equal(ta100_answer_read(done, 5, &status, &data), ROT_OK);
    assert_int_equal(status, 0x0b);
}

/* Section 2: the check value, and Info. */
static void
examples_of_the_page(void **state)
{
    static const uint8_t want[] = {0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7a, 0x89};
    uint8_t info[8] = {0, 0, 0x01, 0x00, 0x00, 0x00, 0, 0};

    (void)state;
    assert_int_equal(ta100_crc((const uint8_t *)"123456789", 9), 0x29b1);
    ta100_command_end(info, sizeof(info));
    assert_memory_equal(info, want, sizeof(want));
}

static void
statuses(void **state)
{
    static const rot_err want[] = {
        ROT_OK,      ROT_E_BUS,   ROT_E_CHIP,   ROT_E_UNSUPPORTED, ROT_E_UNSUPPORTED,
        ROT_E_EMPTY, ROT_E_STATE, ROT_E_STATE,  ROT_E_STATE,       ROT_E_CHIP,
        ROT_E_SPACE, ROT_E_EMPTY, ROT_E_FORMAT, ROT_E_MISMATCH,    ROT_E_STATE,
        ROT_E_CHIP,  ROT_E_CHIP};

    (void)state;
    for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
        assert_int_equal(ta100_map_status(i), want[i]);
    assert_int_equal(ta100_map_status(0xff), ROT_E_CHIP);
}

static void
attributes_are(const struct rot_place *place, const char *want)
{
    uint8_t a[8];

    ta100_attributes(place, a);
    assert_memory_equal(a, want, 8);
}

/* The literals that the reference has from the vendor's tests; a pair only has what it may. */
static void
attributes(void **state)
{
    struct rot_place p = {ROT_DATA(0), ROT_PART_DATA, 0, 0, 0, 592, 0x8000, 0};

    (void)state;
    attributes_are(&p, "\x03\x02\x58\x00\x00\x00\x55\x04");
    p.flags = ROT_PLACE_PUBLIC_KEY;
    attributes_are(&p, "\x00\x00\x00\x00\x00\x00\x55\x04");
    p = (struct rot_place){ROT_SESSION(4), ROT_PART_KEY, ROT_ALG_HMAC_SHA256, 0, 0, 0, 0x8000, 0};
    attributes_are(&p, "\x42\x06\x00\x00\x00\x00\x55\x08");
    p.alg = ROT_ALG_AES128;
    attributes_are(&p, "\x62\x06\x00\x00\x00\x00\x55\x08");
    p = (struct rot_place){ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0x8000, 0};
    attributes_are(&p, "\x01\x11\x00\x00\x00\x00\x01\x00");
    p.flags |= ROT_PLACE_AGREE;
    attributes_are(&p, "\x01\x15\x00\x00\x00\x00\x01\x00");
    p.flags |= ROT_PLACE_EXPORT;
    attributes_are(&p, "\x01\x35\x00\x00\x00\x00\x01\x00");
    /* Whoever speaks for the part signs nothing else, whatever the flags. */
    p.object = ROT_ATTEST(0);
    attributes_are(&p, "\x01\x12\x00\x00\x00\x00\x01\x00");
}

/* The layout fits into the part, and no element is two places'. */
static void
the_layout_fits(void **state)
{
    const struct rot_layout *l = ta100_layouts[0];
    unsigned handles[64], count = 0, bytes = 0;

    (void)state;
    for (size_t i = 0; i < l->place_count; i++) {
        const struct rot_place *p = &l->places[i];
        uint8_t a[8];

        assert_int_equal(p->offset, 0);
        if (!ta100_is_element(p))
            continue;
        ta100_attributes(p, a);
        for (unsigned k = 0; k < 2; k++) {
            unsigned handle = k == 0 ? p->where : p->also;
            unsigned size = a[0] == 3 ? (unsigned)a[1] << 8 | a[2] : 0;

            size = a[0] == 0 ? 64 : a[0] == 0x62 ? 16 : a[0] == 3 ? size : 32;
            if (handle == 0)
                continue;
            for (unsigned n = 0; n < count; n++)
                assert_int_not_equal(handles[n], handle);
            handles[count++] = handle;
            bytes += size;
        }
        /* What is sealed one by one has one element. */
        assert_false((p->flags & ROT_PLACE_LOCKABLE) != 0 && p->also != 0);
    }
    assert_int_equal(count, 18);
    assert_int_equal(bytes, 7672);
    assert_true(rot_driver_ta100.state_size <= 2048);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),         cmocka_unit_test(examples_of_the_page),
        cmocka_unit_test(statuses),        cmocka_unit_test(attributes),
        cmocka_unit_test(the_layout_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
