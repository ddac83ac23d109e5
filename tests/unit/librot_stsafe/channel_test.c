/*
 * channel_test.c: the arithmetic of the host channel against the reference's
 * vectors (section 9), refusals first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "stsafe.h"

static const uint8_t keys[STSAFE_SECRET] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static struct rot_port_openssl openssl;

static int
set_up(void **state)
{
    (void)state;
    return rot_port_openssl_init(&openssl) == ROT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    rot_port_openssl_done(&openssl);
    return 0;
}

static struct stsafe_crypto
crypto(unsigned width)
{
    return (struct stsafe_crypto){&openssl.port, keys, (uint8_t)width};
}

static const uint8_t read_head[] = {0xe5};
static const uint8_t read_payload[] = {0x00, 0x01, 0x00, 0x00, 0x00, 0x10};
static const struct stsafe_sent read_sent = {{read_head, 1}, {read_payload, 6}};

/* What an encrypted answer may not end in. */
static void
refuses_bad_padding(void **state)
{
    const struct stsafe_crypto c = crypto(4);
    uint8_t p[48];
    size_t len;

    (void)state;
    for (size_t n = 0; n < 33; n++) {
        memset(p, 0x5a, sizeof(p));
        len = n;
        if (n % 16 != 0 || n == 0)
            assert_int_equal(stsafe_decrypt_answer(&c, 5, p, &len), ROT_E_FORMAT);
    }
    /* Encrypted as a command and read as an answer, it is noise. */
    memset(p, 0, sizeof(p));
    len = 3;
    assert_int_equal(stsafe_encrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(stsafe_decrypt_answer(&c, 5, p, &len), ROT_E_FORMAT);
}

static void
refuses_padding_longer_than_a_block(void **state)
{
    const struct stsafe_crypto c = crypto(4);
    uint8_t p[48] = {0x80};
    size_t len = 16;

    (void)state;
    /* 80, fifteen zeroes, and then a whole block of padding: too much of it by one block. */
    assert_int_equal(stsafe_encrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(len, 32);
    assert_int_equal(stsafe_decrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(len, 16);
    memset(p, 0, sizeof(p));
    len = 47;
    assert_int_equal(stsafe_encrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(stsafe_decrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(len, 47);
}

static void
commands_of_both_counters(void **state)
{
    static const uint8_t a120[] = {0x0c, 0xe1, 0xbc, 0x67}, a110[] = {0x10, 0x69, 0x88, 0x0f};
    struct stsafe_crypto c = crypto(4);
    uint8_t mac[STSAFE_MAC];

    (void)state;
    assert_int_equal(stsafe_command_mac(&c, 5, &read_sent, mac), ROT_OK);
    assert_memory_equal(mac, a120, STSAFE_MAC);
    c.width = 3;
    assert_int_equal(stsafe_command_mac(&c, 5, &read_sent, mac), ROT_OK);
    assert_memory_equal(mac, a110, STSAFE_MAC);
}

static void
answers_of_both_counters(void **state)
{
    static const uint8_t a120[] = {0xf0, 0xda, 0x45, 0xdb}, a110[] = {0xd7, 0xac, 0x15, 0xca};
    struct stsafe_crypto c = crypto(4);
    uint8_t data[16], mac[STSAFE_MAC];

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        data[i] = (uint8_t)(0xa0 + i);
    assert_int_equal(stsafe_answer_mac(&c, 5, &read_sent, 0x00, (struct rot_bytes){data, 16}, mac),
                     ROT_OK);
    assert_memory_equal(mac, a120, STSAFE_MAC);
    c.width = 3;
    assert_int_equal(stsafe_answer_mac(&c, 5, &read_sent, 0x00, (struct rot_bytes){data, 16}, mac),
                     ROT_OK);
    assert_memory_equal(mac, a110, STSAFE_MAC);
}

static void
an_encrypted_wrap(void **state)
{
    static const uint8_t cipher[] = {0xe6, 0x4c, 0x81, 0xe7, 0xe7, 0xa4, 0x47, 0xc2,
                                     0xb0, 0x26, 0xcf, 0xae, 0xcf, 0x14, 0x2c, 0x76,
                                     0xc6, 0x41, 0x45, 0x9c, 0x7f, 0xb0, 0xd6, 0x3d,
                                     0x1c, 0x04, 0x75, 0xaf, 0xd8, 0x0f, 0x41, 0x4c};
    static const uint8_t want[] = {0x46, 0x8b, 0x14, 0xff}, head[] = {0xee};
    const struct stsafe_crypto c = crypto(4);
    uint8_t p[32] = {0x00}, mac[STSAFE_MAC];
    struct stsafe_sent sent = {{head, 1}, {p, 32}};
    size_t len = 17;

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        p[1 + i] = (uint8_t)i;
    assert_int_equal(stsafe_encrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(len, sizeof(cipher));
    assert_memory_equal(p, cipher, len);
    assert_int_equal(stsafe_command_mac(&c, 5, &sent, mac), ROT_OK);
    assert_memory_equal(mac, want, STSAFE_MAC);
    assert_int_equal(stsafe_decrypt_command(&c, 5, p, &len), ROT_OK);
    assert_int_equal(len, 17);
    assert_int_equal(p[16], 0x0f);
}

/* Any bit of what is signed, and the counter, change a MAC. */
static void
macs_cover_everything(void **state)
{
    const struct stsafe_crypto c = crypto(3);
    uint8_t payload[6], mac[STSAFE_MAC], other[STSAFE_MAC];
    struct stsafe_sent sent = {{read_head, 1}, {payload, 6}};
    struct rot_bytes none = {NULL, 0};

    (void)state;
    assert_int_equal(stsafe_answer_mac(&c, 5, &read_sent, 0, none, mac), ROT_OK);
    for (unsigned bit = 0; bit < 48; bit++) {
        memcpy(payload, read_payload, 6);
        payload[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(stsafe_answer_mac(&c, 5, &sent, 0, none, other), ROT_OK);
        assert_memory_not_equal(mac, other, STSAFE_MAC);
    }
    assert_int_equal(stsafe_answer_mac(&c, 6, &read_sent, 0, none, other), ROT_OK);
    assert_memory_not_equal(mac, other, STSAFE_MAC);
    assert_int_equal(stsafe_answer_mac(&c, 5, &read_sent, 0x20, none, other), ROT_OK);
    assert_memory_not_equal(mac, other, STSAFE_MAC);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bad_padding),
        cmocka_unit_test(refuses_padding_longer_than_a_block),
        cmocka_unit_test(commands_of_both_counters),
        cmocka_unit_test(answers_of_both_counters),
        cmocka_unit_test(an_encrypted_wrap),
        cmocka_unit_test(macs_cover_everything),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
