/*
 * shield_test.c: the shielded connection: what does not get in, what it opens, how it recovers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/bytes.h"
#include "desk.h"

/* Send a message in hex: the part answers with this one byte. */
static void
expect_alert(struct desk *d, const char *message, uint8_t alert)
{
    uint8_t bytes[128], answer[OPTIGA_MESSAGE_MAX];
    size_t len = hex(message, bytes, sizeof(bytes));

    assert_int_equal(desk_message(d, bytes, len, answer), 1);
    assert_int_equal(answer[0], alert);
}

static void
test_refusals(void **state)
{
    static const char *const fatal[] = {
        "",                       /* no SCTR */
        "00",                     /* Hello without a version */
        "00 02",                  /* key agreement by ECDHE is not there */
        "00 01 00",               /* too long */
        "04 03 42 00",            /* its message */
        "08 00001234",            /* Finished out of order */
        "20 81 01 0002 E0F0 0000" /* a record; an APDU whose length is wrong: no alert */
    };
    uint8_t answer[OPTIGA_MESSAGE_MAX], bytes[64];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    d.presence = 1;
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]) - 1; i++)
        expect_alert(&d, fatal[i], 0x40);
    assert_int_equal(desk_message(&d, bytes, hex(fatal[6], bytes, sizeof(bytes)), answer), 5);
    assert_memory_equal(answer, "\x20\xFF\0\0\0", 5);
    expect_alert(&d, "21 00000001 0000000000000000000000000000", 0x40);
    expect_alert(&d, "22 81010002E0F0", 0x40);
    expect_alert(&d, "24 81010002E0F0", 0x40);
    expect_alert(&d, "44", 0x40); /* nothing to repeat */
    expect_alert(&d, "60", 0x40);
    expect_alert(&d, "68 00000000", 0x40);
    expect_alert(&d, "80", 0x40);
    /* Once used, the layer stays. */
    d.presence = 0;
    assert_int_equal(desk_frame(&d, (uint8_t)(((d.tx + 1) & 3) << 2 | d.rx),
                                (const uint8_t *)"\0\x0C\0\0\2\0\x08", 7),
                     1);
    assert_int_equal(desk_fetch(&d, answer), 7);
    assert_memory_equal(answer + 3, "\x08\x40", 2);
    desk_done(&d);
}

static void
test_wrong_secret(void **state)
{
    static const uint8_t wrong[64] = {1};
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    assert_int_equal(desk_pair_with(&d, wrong, sizeof(wrong)), 0);
    assert_int_equal(d.chip.comms.shield.phase, OPTIGA_SHIELD_NONE);
    desk_pair(&d);
    desk_done(&d);
}

/* A new secret takes effect with the next handshake; too short a one is none. */
static void
test_new_secret(void **state)
{
    uint8_t secret[64];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    memset(secret, 0x99, sizeof(secret));
    d.presence = 1;
    desk_open(&d);
    assert_int_equal(desk_put(&d, 0xE140, secret, 31), 0);
    assert_int_equal(desk_pair_with(&d, secret, 31), 0);
    assert_int_equal(desk_put(&d, 0xE140, secret, 32), 0);
    assert_int_equal(desk_pair_with(&d, secret, 32), 1);
    /* Operational: unreadable, and to be changed only under protection. */
    assert_int_equal(desk_meta(&d, 0xE140, "2003 C00107"), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "E140", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_put(&d, 0xE140, secret, 64), OPTIGA_E_ACCESS);
    d.protection = 2;
    assert_int_equal(desk_put(&d, 0xE140, secret, 64), OPTIGA_E_ACCESS);
    d.protection = 1;
    assert_int_equal(desk_put(&d, 0xE140, secret, 64), 0);
    d.protection = 3;
    assert_int_equal(desk_x(&d, 0x01, 0, "E140", NULL, NULL), OPTIGA_E_ACCESS);
    desk_restart(&d);
    assert_int_equal(desk_pair_with(&d, secret, 32), 0);
    assert_int_equal(desk_pair_with(&d, secret, 64), 1);
    desk_done(&d);
}

/* ---- Records ---------------------------------------------------------------------------------- */

static size_t
seal_random(struct desk *d, uint32_t seq, uint8_t *message)
{
    static const uint8_t apdu[] = {0x8C, 0x00, 0x00, 0x02, 0x00, 0x08};
    struct optiga_ccm v = {.nonce_len = 8, .aad = {0x23}, .aad_len = 8};

    memcpy(v.key, d->block, 16);
    memcpy(v.nonce, d->block + 32, 4);
    rs_set_u32(v.nonce + 4, seq);
    rs_set_u32(v.aad + 1, seq);
    v.aad[5] = 1;
    v.aad[7] = sizeof(apdu);
    message[0] = 0x23;
    rs_set_u32(message + 1, seq);
    assert_true(optiga_ccm_seal(&v, RS_BYTES(apdu), message + 5));
    return sizeof(apdu) + 13;
}

/* What comes back for a protected GetRandom with this number; changed: with a bit turned over. */
static uint8_t
answer_to(struct desk *d, uint32_t seq, int changed)
{
    uint8_t message[64], answer[OPTIGA_MESSAGE_MAX];
    size_t len = seal_random(d, seq, message);

    message[7] ^= (uint8_t)changed;
    assert_true(desk_message(d, message, len, answer) > 0);
    return answer[0];
}

static void
test_window(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_open(&d);
    assert_int_equal(answer_to(&d, d.mseq + 3, 0), 0x23);
    assert_int_equal(answer_to(&d, d.mseq + 3, 0), 0x44); /* the same again */
    assert_int_equal(answer_to(&d, d.mseq + 2, 0), 0x44); /* an older one */
    assert_int_equal(answer_to(&d, d.mseq + 4, 0), 0x23);
    assert_int_equal(answer_to(&d, d.mseq + 8, 0), 0x44); /* too far */
    assert_int_equal(answer_to(&d, d.mseq + 7, 0), 0x23);
    assert_int_equal(d.commands, 4);
    desk_done(&d);
}

static void
test_broken_records(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_open(&d);
    assert_int_equal(answer_to(&d, d.mseq + 1, 1), 0x44);
    assert_int_equal(answer_to(&d, d.mseq + 2, 1), 0x44);
    assert_int_equal(answer_to(&d, d.mseq + 3, 0), 0x23); /* repeated with the next number */
    expect_alert(&d, "23 00", 0x44);
    expect_alert(&d, "21 00000000 0000000000000000", 0x44);
    expect_alert(&d, "23 00000000 000000000000000000", 0x40); /* enough */
    assert_int_equal(answer_to(&d, d.mseq + 4, 0), 0x40);
    assert_int_equal(d.commands, 2);
    desk_pair(&d);
    assert_int_equal(answer_to(&d, d.mseq + 1, 0), 0x23);
    desk_done(&d);
}

/* The host could not open the answer: the same once more under the next number. */
static void
test_repeat_for_host(void **state)
{
    uint8_t message[64], first[64], again[64];
    struct desk d;
    size_t len;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_open(&d);
    len = desk_message(&d, message, seal_random(&d, d.mseq + 1, message), first);
    assert_int_equal(len, 13 + 12);
    for (uint32_t i = 1; i <= 3; i++) {
        message[0] = 0x44;
        assert_int_equal(desk_message(&d, message, 1, again), len);
        assert_int_equal(rs_get_u32(again + 1), rs_get_u32(first + 1) + i);
    }
    expect_alert(&d, "44", 0x40);
    assert_int_equal(d.commands, 2);
    /* One that never opens. */
    desk_pair(&d);
    assert_int_equal(d.model->set_quirk(&d.chip, "wrong-mac"), 1);
    len = desk_message(&d, message, seal_random(&d, d.mseq + 1, message), first);
    {
        struct optiga_ccm v = {.nonce_len = 8, .aad = {0x23}, .aad_len = 8};

        memcpy(v.key, d.block + 16, 16);
        memcpy(v.nonce, d.block + 36, 4);
        memcpy(v.nonce + 4, first + 1, 4);
        memcpy(v.aad + 1, first + 1, 4);
        v.aad[5] = 1;
        v.aad[7] = (uint8_t)(len - 13);
        assert_false(optiga_ccm_open(&v, rs_bytes_of(first + 5, len - 5), again));
        first[len - 1] ^= 1;
        assert_true(optiga_ccm_open(&v, rs_bytes_of(first + 5, len - 5), again));
    }
    desk_done(&d);
}

static void
test_fatal_from_host(void **state)
{
    uint8_t frame[300];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    d.tx = (d.tx + 1) & 3;
    assert_int_equal(desk_frame(&d, (uint8_t)(d.tx << 2 | d.rx), (const uint8_t *)"\x08\x40", 2),
                     1);
    assert_int_equal(desk_fetch(&d, frame), 5); /* only an acknowledgement */
    assert_int_equal(d.chip.comms.shield.phase, OPTIGA_SHIELD_NONE);
    desk_done(&d);
}

/* The numbers end: no record may go out under a number that was used. */
static void
test_numbers_end(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_open(&d);
    d.chip.comms.shield.keys.slave_seq = 0xFFFFFFF0u;
    assert_int_equal(answer_to(&d, d.mseq + 1, 0), 0x40);
    desk_pair(&d);
    d.chip.comms.shield.keys.master_seq = 0xFFFFFFF0u;
    assert_int_equal(answer_to(&d, 0xFFFFFFF1u, 0), 0x44);
    desk_done(&d);
}

/* ---- What it opens ------------------------------------------------------------------------------ */

/* What is read: the response protected; what is changed or used: the command. */
static void
conditions_hold(int v3, const char *data_meta, const char *key_meta)
{
    static const char sign[] = "01000A 00010203040506070809 030002 E0F1";
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    desk_init(&d, v3);
    desk_pair(&d);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F1 02000110", NULL, NULL), 0);
    assert_int_equal(desk_meta(&d, 0xF1D0, data_meta), 0);
    assert_int_equal(desk_meta(&d, 0xE0F1, key_meta), 0);
    for (unsigned level = 0; level < 4; level++) {
        d.protection = level;
        assert_int_equal(desk_put(&d, 0xF1D0, (const uint8_t *)"abc", 3),
                         level & 1 ? 0 : OPTIGA_E_ACCESS);
        assert_int_equal(desk_x(&d, 0x01, 0, "F1D0", out, &len), level & 2 ? 0 : OPTIGA_E_ACCESS);
        assert_int_equal(desk_x(&d, 0x31, 0x11, sign, NULL, NULL), level & 1 ? 0 : OPTIGA_E_ACCESS);
    }
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D0", out, &len), 0);
    assert_memory_equal(out, "abc", 3);
    assert_int_equal(len, 3);
    desk_done(&d);
}

/* Conf() and Int() of the secret: a record is both. */
static void
test_conditions(void **state)
{
    (void)state;
    for (int v3 = 0; v3 < 2; v3++) {
        conditions_hold(v3, "200A D00320E140 D10320E140", "2005 D30320E140");
        conditions_hold(v3, "200A D00321E140 D10321E140", "2005 D30321E140");
        conditions_hold(v3, "200A D00321E140 D10320E140", "2009 D30721E140FD20E140");
    }
}

/* Int() of anything else is not met by a record. */
static void
test_integrity_of_others(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_open(&d);
    assert_int_equal(desk_meta(&d, 0xF1D0, "200A D00321E0E8 D10321E0E8"), 0);
    d.protection = 3;
    assert_int_equal(desk_put(&d, 0xF1D0, (const uint8_t *)"abc", 3), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D0", NULL, NULL), OPTIGA_E_ACCESS);
    desk_done(&d);
}

/* Chains of protected packets, in and out. */
static void
test_long_records(void **state)
{
    uint8_t data[1500], out[OPTIGA_DATA_MAX];
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_pair(&d);
    desk_open(&d);
    d.protection = 3;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i ^ i >> 8);
    assert_int_equal(desk_put(&d, 0xF1E1, data, sizeof(data)), 0);
    assert_int_equal(desk_get(&d, 0xF1E1, out), sizeof(data));
    assert_memory_equal(out, data, sizeof(data));
    desk_done(&d);
}

/* ---- Saved context ---------------------------------------------------------------------------------- */

static void
save_context(struct desk *d)
{
    uint8_t answer[OPTIGA_MESSAGE_MAX];

    assert_int_equal(desk_message(d, (const uint8_t *)"\x60", 1, answer), 1);
    assert_int_equal(answer[0], 0x64);
}

/* 1 when the part gives its number. */
static int
restore_context(struct desk *d, uint32_t sseq)
{
    uint8_t message[5] = {0x68}, answer[OPTIGA_MESSAGE_MAX];
    size_t len;

    rs_set_u32(message + 1, sseq);
    len = desk_message(d, message, 5, answer);
    assert_int_equal(answer[0], len == 5 ? 0x6C : 0x40);
    if (len != 5)
        return 0;
    assert_int_equal(rs_get_u32(answer + 1), d->mseq);
    return 1;
}

static void
test_saved_context(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_open(&d);
    d.protection = 3;
    assert_int_equal(desk_get(&d, 0xE0C2, out), 27);
    save_context(&d);
    assert_int_equal(answer_to(&d, d.mseq + 1, 0), 0x40); /* the session is over */
    desk_restart(&d);
    d.presence = 1;
    assert_int_equal(restore_context(&d, d.sseq + 1), 0);
    assert_int_equal(restore_context(&d, d.sseq), 1);
    d.protection = 3;
    desk_open(&d);
    assert_int_equal(desk_get(&d, 0xE0C2, out), 27);
    d.protection = 0;
    assert_int_equal(restore_context(&d, d.sseq), 0); /* it was used up */
    desk_pair(&d);
    save_context(&d);
    desk_restart(&d);
    desk_pair(&d); /* Hello drops it */
    assert_int_equal(restore_context(&d, d.sseq), 0);
    desk_done(&d);
}

static void
test_reset_ends_it(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_pair(&d);
    desk_w(&d, "88 0000");
    d.tx = d.rx = 3;
    d.presence = 0; /* and the layer is not mandatory any more */
    desk_open(&d);
    d.presence = 1;
    assert_int_equal(answer_to(&d, d.mseq + 1, 0), 0x40);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_wrong_secret),
        cmocka_unit_test(test_new_secret),      cmocka_unit_test(test_window),
        cmocka_unit_test(test_broken_records),  cmocka_unit_test(test_repeat_for_host),
        cmocka_unit_test(test_fatal_from_host), cmocka_unit_test(test_numbers_end),
        cmocka_unit_test(test_conditions),      cmocka_unit_test(test_integrity_of_others),
        cmocka_unit_test(test_long_records),    cmocka_unit_test(test_saved_context),
        cmocka_unit_test(test_reset_ends_it),
    };

    return cmocka_run_group_tests_name("optiga shield", tests, NULL, NULL);
}
