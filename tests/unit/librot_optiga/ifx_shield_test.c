/*
 * ifx_shield_test.c: the shielded connection, by the vectors of the public
 * reference: secret 01..40, RND A0..BF, SSEQ 1234, MSEQ 4321.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "ifx_shield.h"
#include "script.h"

static struct rot_port_openssl crypto;
static struct ifx_shield shield;
static struct ifx_i2c line;
static struct script script;
static uint8_t secret[64];

#define KEYS "= 463A396FFBA56BD0FA11398AC3FB4338 43778EA3147F90DB64BF4AAD07E7E796 AE68CFCF 8CC5010B"
#define RND  "A0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"
#define FINISHED                                                                                   \
    "> 08 00001234 "                                                                               \
    "E8A189373D9F4157D6D7B1084D80E145D30F69DCFBDFD72F5922990E4FC192D26FB2F29F2EEEF1F9889DF10D"
#define CONFIRMED                                                                                  \
    "< 08 00004321 "                                                                               \
    "C69EC64635BE004FCC54FB7BCA7670F63E2CD9FB0B7E199A78F8724E33968D8650C7496C4A31F1946CA34223"

static const char *const handshake[] = {"> 00 01", "< 00 01 " RND " 00001234", FINISHED, CONFIRMED,
                                        NULL};

static int
set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(secret); i++)
        secret[i] = (uint8_t)(i + 1);
    return rot_port_openssl_init(&crypto) == ROT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rot_port_openssl_done(&crypto);
    return 0;
}

/* After the handshake of the vectors. */
static void
set_keys(void)
{
    uint8_t keys[64];

    assert_int_equal(script_bytes(KEYS, keys), IFX_SHIELD_KEYS);
    memcpy(shield.keys, keys, IFX_SHIELD_KEYS);
    shield.sent = 0x4321;
    shield.received = 0x1234;
}

/* ---- The vectors -------------------------------------------------------------------------- */

static void
keys_are_derived(void **state)
{
    uint8_t want[64], have[IFX_SHIELD_KEYS], rnd[32];

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        rnd[i] = (uint8_t)(0xa0 + i);
    assert_int_equal(ifx_shield_derive(&crypto.port, (struct rot_bytes){secret, 64}, rnd, have),
                     ROT_OK);
    assert_int_equal(script_bytes(KEYS, want), sizeof(have));
    assert_memory_equal(have, want, sizeof(have));
}

static rot_err
shake(const char *const *lines)
{
    script_packets(&script, lines);
    assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_OK);
    return ifx_shield_start(&shield, &line, &crypto.port, (struct rot_bytes){secret, 64});
}

static void
hands_are_shaken(void **state)
{
    uint8_t want[64];

    (void)state;
    assert_int_equal(shake(handshake), ROT_OK);
    assert_true(script_is_done(&script));
    (void)script_bytes(KEYS, want);
    assert_memory_equal(shield.keys, want, IFX_SHIELD_KEYS);
    assert_int_equal(shield.sent, 0x4321);
    assert_int_equal(shield.received, 0x1234);
}

static void
a_command_is_sealed(void **state)
{
    uint8_t p[64], want[64];
    size_t n = 0, len = script_bytes("= 81 00 0006 F1D0 0000 0258", p + IFX_SHIELD_HEAD);

    (void)state;
    set_keys();
    assert_int_equal(ifx_shield_seal(&shield, &crypto.port, p, len, &n), ROT_OK);
    assert_int_equal(script_bytes("= 23 00004322 CDE6A629A9336787BEBD9365CF4CCFF9276E", want), n);
    assert_memory_equal(p, want, n);
    assert_int_equal(shield.sent, 0x4322);
}

#define ANSWER "= 23 00001235 B457E61B9D5FC95B3EDFC70F7D15C937A4"

static void
an_answer_is_opened(void **state)
{
    uint8_t p[64];
    struct rot_bytes plain;
    size_t len = script_bytes(ANSWER, p);

    (void)state;
    set_keys();
    assert_int_equal(ifx_shield_open(&shield, &crypto.port, p, len, &plain), ROT_OK);
    assert_int_equal(plain.len, 9);
    assert_memory_equal(plain.p, "\0\0\0\x05hello", 9);
    assert_int_equal(shield.received, 0x1235);
}

/* Protection of the answer only: the same bytes are right, and we do not ask for so little. */
static void
an_answer_of_a_weaker_channel_is_refused(void **state)
{
    static const char text[] = "= 22 00001236 213863A8CF19E2F78DD8283ED99AF49843";
    const struct rot_port *port = &crypto.port;
    uint8_t p[64], plain[16] = {0};
    static const uint8_t nonce[] = {0x8c, 0xc5, 0x01, 0x0b, 0, 0, 0x12, 0x36};
    static const uint8_t aad[] = {0x22, 0, 0, 0x12, 0x36, 1, 0, 9};
    struct rot_bytes out;
    size_t len = script_bytes(text, p);

    (void)state;
    set_keys();
    assert_int_equal(port->ops->aead(port->self, ROT_AEAD_AES_CCM_8,
                                     (struct rot_bytes){shield.keys + 16, 16},
                                     (struct rot_bytes){nonce, 8}, (struct rot_bytes){aad, 8}, 0,
                                     (struct rot_bytes){p + 5, len - 5}, plain),
                     ROT_OK);
    assert_memory_equal(plain, "\0\0\0\x05hello", 9);
    assert_int_equal(ifx_shield_open(&shield, port, p, len, &out), ROT_E_BUS);
    assert_int_equal(shield.received, 0x1234);
}

/* ---- Refusals ------------------------------------------------------------------------------------ */

static void
every_bit_counts(void **state)
{
    uint8_t good[64], p[64];
    struct rot_bytes plain;
    size_t len = script_bytes(ANSWER, good);

    (void)state;
    for (size_t i = 0; i < len * 8; i++) {
        set_keys();
        memcpy(p, good, len);
        p[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(ifx_shield_open(&shield, &crypto.port, p, len, &plain), ROT_E_BUS);
        assert_int_equal(shield.received, 0x1234);
    }
    for (size_t n = 0; n < len; n++) {
        set_keys();
        memcpy(p, good, len);
        assert_int_equal(ifx_shield_open(&shield, &crypto.port, p, n, &plain), ROT_E_BUS);
    }
}

static void
an_answer_is_taken_once(void **state)
{
    uint8_t p[64];
    struct rot_bytes plain;
    size_t len = script_bytes(ANSWER, p);

    (void)state;
    set_keys();
    assert_int_equal(ifx_shield_open(&shield, &crypto.port, p, len, &plain), ROT_OK);
    len = script_bytes(ANSWER, p);
    assert_int_equal(ifx_shield_open(&shield, &crypto.port, p, len, &plain), ROT_E_BUS);
}

static void
numbers_have_a_window(void **state)
{
    uint8_t p[64];
    struct rot_bytes plain;

    (void)state;
    for (uint32_t last = 0x1230; last < 0x123a; last++) {
        size_t len = script_bytes(ANSWER, p);

        set_keys();
        shield.received = last;
        assert_int_equal(ifx_shield_open(&shield, &crypto.port, p, len, &plain),
                         last < 0x1235 && 0x1235 - last <= 3 ? ROT_OK : ROT_E_BUS);
    }
}

static void
numbers_end(void **state)
{
    uint8_t p[64] = {0};
    size_t n = 0;

    (void)state;
    set_keys();
    shield.sent = 0xffffffef;
    assert_int_equal(ifx_shield_seal(&shield, &crypto.port, p, 4, &n), ROT_OK);
    assert_int_equal(ifx_shield_seal(&shield, &crypto.port, p, 4, &n), ROT_E_STATE);
    set_keys();
    shield.received = 0xfffffff0;
    assert_int_equal(ifx_shield_seal(&shield, &crypto.port, p, 4, &n), ROT_E_STATE);
}

/* What the part says instead, and what comes of it. */
static void
handshakes_that_fail(void **state)
{
    static const struct {
        const char *hello, *confirmed;
        rot_err want;
    } cases[] = {
        {"< 40", NULL, ROT_E_AUTH},
        {"< 44", NULL, ROT_E_FORMAT},
        {"< 20 00 00 00 00", NULL, ROT_E_FORMAT},
        {"< 00 02 " RND " 00001234", NULL, ROT_E_FORMAT},
        {"< 08 01 " RND " 00001234", NULL, ROT_E_FORMAT},
        {"< 00 01 " RND " 00010000", NULL, ROT_E_FORMAT},
        {"< 00 01 " RND " 000012", NULL, ROT_E_FORMAT},
        {"< 00 01 " RND " 0000123400", NULL, ROT_E_FORMAT},
        {"< 00 01 " RND " 00001234", "< 40", ROT_E_AUTH},
        {"< 00 01 " RND " 00001234", "< 08", ROT_E_FORMAT},
        /* The part's own number is another, or too high; a wrong MAC; our own proof sent back. */
        {"< 00 01 " RND " 00001234",
         "< 08 00004322 "
         "C69EC64635BE004FCC54FB7BCA7670F63E2CD9FB0B7E199A78F8724E33968D8650C7496C4A31F1946CA34223",
         ROT_E_AUTH},
        {"< 00 01 " RND " 00001234",
         "< 08 00014321 "
         "C69EC64635BE004FCC54FB7BCA7670F63E2CD9FB0B7E199A78F8724E33968D8650C7496C4A31F1946CA34223",
         ROT_E_FORMAT},
        {"< 00 01 " RND " 00001234",
         "< 08 00004321 "
         "C69EC64635BE004FCC54FB7BCA7670F63E2CD9FB0B7E199A78F8724E33968D8650C7496C4A31F1946CA34224",
         ROT_E_AUTH},
        {"< 00 01 " RND " 00001234",
         "< 08 00001234 "
         "E8A189373D9F4157D6D7B1084D80E145D30F69DCFBDFD72F5922990E4FC192D26FB2F29F2EEEF1F9889DF10D",
         ROT_E_AUTH},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const one[] = {"> 00 01", cases[i].hello, NULL};
        const char *const two[] = {"> 00 01", cases[i].hello, FINISHED, cases[i].confirmed, NULL};
        struct ifx_shield none = {.sent = 0};

        assert_int_equal(shake(cases[i].confirmed == NULL ? one : two), cases[i].want);
        assert_true(script_is_done(&script));
        assert_memory_equal(&shield, &none, sizeof(none));
    }
}

/* The part has the secret, and proves something else with it. */
static void
proofs_of_something_else(void **state)
{
    const struct rot_port *port = &crypto.port;
    uint8_t keys[64], text[36], record[49] = {0x08, 0, 0, 0x43, 0x21};
    const uint8_t nonce[] = {0x8c, 0xc5, 0x01, 0x0b, 0, 0, 0x43, 0x21};
    const uint8_t aad[] = {0x08, 0, 0, 0x43, 0x21, 1, 0, 36};
    char line_of[120] = "< ";
    const char *const lines[] = {"> 00 01", "< 00 01 " RND " 00001234", FINISHED, line_of, NULL};

    (void)state;
    (void)script_bytes(KEYS, keys);
    for (int wrong = -1; wrong < 36; wrong += 5) {
        for (unsigned i = 0; i < 32; i++)
            text[i] = (uint8_t)(0xa0 + i);
        memcpy(text + 32, record + 1, 4);
        if (wrong >= 0)
            text[wrong] ^= 1;
        assert_int_equal(port->ops->aead(port->self, ROT_AEAD_AES_CCM_8,
                                         (struct rot_bytes){keys + 16, 16},
                                         (struct rot_bytes){nonce, 8}, (struct rot_bytes){aad, 8},
                                         1, (struct rot_bytes){text, 36}, record + 5),
                         ROT_OK);
        for (size_t i = 0; i < sizeof(record); i++)
            (void)snprintf(line_of + 2 + i * 2, 3, "%02X", record[i]);
        assert_int_equal(shake(lines), wrong >= 0 ? ROT_E_AUTH : ROT_OK);
    }
}

static void
a_wrong_secret_is_not_ours(void **state)
{
    static const char *const lines[] = {"> 00 01", "< 00 01 " RND " 00001234", NULL};
    rot_err rc;

    (void)state;
    secret[63] ^= 1;
    rc = shake(lines); /* what it sends then is not what the script knows */
    secret[63] ^= 1;
    assert_int_equal(rc, ROT_E_BUS);
    assert_int_equal(script.is_wrong, 1);
}

static void
a_port_may_lack_it(void **state)
{
    struct rot_port_ops ops = *crypto.port.ops;
    const struct rot_port poor = {crypto.port.self, &ops};
    static const char *const lines[] = {"> 00 01", "< 00 01 " RND " 00001234", NULL};
    struct rot_bytes plain;
    uint8_t p[64];
    size_t n = 0;

    (void)state;
    ops.hmac = NULL;
    script_packets(&script, lines);
    assert_int_equal(ifx_i2c_open(&line, &script.transport, 0x30), ROT_OK);
    assert_int_equal(ifx_shield_start(&shield, &line, &poor, (struct rot_bytes){secret, 64}),
                     ROT_E_PORT);
    ops.aead = NULL;
    set_keys();
    assert_int_equal(ifx_shield_seal(&shield, &poor, p, 4, &n), ROT_E_PORT);
    n = script_bytes(ANSWER, p);
    assert_int_equal(ifx_shield_open(&shield, &poor, p, n, &plain), ROT_E_PORT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_derived),
        cmocka_unit_test(hands_are_shaken),
        cmocka_unit_test(a_command_is_sealed),
        cmocka_unit_test(an_answer_is_opened),
        cmocka_unit_test(an_answer_of_a_weaker_channel_is_refused),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(an_answer_is_taken_once),
        cmocka_unit_test(numbers_have_a_window),
        cmocka_unit_test(numbers_end),
        cmocka_unit_test(handshakes_that_fail),
        cmocka_unit_test(proofs_of_something_else),
        cmocka_unit_test(a_wrong_secret_is_not_ours),
        cmocka_unit_test(a_port_may_lack_it),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
