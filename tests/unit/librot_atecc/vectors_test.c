/*
 * vectors_test.c: the packets and digests of the public reference (sections 1 and 10),
 * byte for byte.
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

#include "atecc.h"

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

/* ---- Packets ----------------------------------------------------------------------------- */

/* What stands in data: a letter for each run of bytes that the reference names. */
struct packet {
    const char *what;
    uint8_t op, p1;
    uint16_t p2;
    const char *data; /* m..: n bytes counting up; p: pk, s: sig, z: zeroes, x: two bytes each */
    uint8_t count, crc[2];
};

static const struct packet packets[] = {
    {"info", 0x30, 0, 0, "", 0x07, {0x03, 0x5d}},
    {"read config", 0x02, 0x80, 0, "", 0x07, {0x09, 0xad}},
    {"random", 0x1b, 0, 0, "", 0x07, {0x24, 0xcd}},
    {"nonce", 0x16, 0, 0, "m20", 0x1b, {0x53, 0xb5}},
    {"nonce to message digest buffer", 0x16, 0x43, 0, "m32", 0x27, {0xd7, 0x6c}},
    {"sign", 0x41, 0xa0, 0, "", 0x07, {0x7b, 0x85}},
    {"verify external", 0x45, 0x22, 4, "sp", 0x87, {0x70, 0x01}},
    {"verify stored", 0x45, 0x20, 10, "s", 0x47, {0x55, 0xa5}},
    {"genkey create", 0x40, 0x04, 0, "", 0x07, {0x83, 0x87}},
    {"genkey public", 0x40, 0, 0, "", 0x07, {0x00, 0x05}},
    {"lock config", 0x17, 0x80, 0, "", 0x07, {0x39, 0x8d}},
    {"lock data", 0x17, 0x81, 0, "", 0x07, {0x3a, 0x07}},
    {"lock slot 8", 0x17, 0x22, 0, "", 0x07, {0x7e, 0x08}},
    {"counter", 0x24, 1, 1, "", 0x07, {0x06, 0xf7}},
    {"sha start", 0x47, 0, 0, "", 0x07, {0x2e, 0x85}},
    {"sha end", 0x47, 2, 3, "x616263", 0x0a, {0x70, 0x53}},
    {"aes", 0x51, 0, 0xffff, "m16", 0x17, {0x1a, 0x77}},
    {"aes gfm", 0x51, 3, 0, "m32", 0x27, {0x81, 0xbc}},
    {"ecdh slot", 0x43, 0, 0, "p", 0x47, {0x68, 0x82}},
    {"ecdh tempkey", 0x43, 0x0d, 0, "p", 0x47, {0x5d, 0xe5}},
    {"write data", 0x12, 0x82, 0x40, "m32", 0x27, {0x82, 0x83}},
    {"write config", 0x12, 0, 4, "m4", 0x0b, {0x03, 0x47}},
    {"update extra", 0x20, 1, 0x6c, "", 0x07, {0x03, 0x43}},
    {"self test", 0x77, 0x3b, 0, "", 0x07, {0x9d, 0xfb}},
    {"secure boot full copy", 0x80, 7, 0, "m32s", 0x67, {0xaf, 0xdf}},
    {"secure boot full store", 0x80, 6, 0, "m32", 0x27, {0x0a, 0x5e}},
    {"kdf prf", 0x56, 0x10, 0x1234, "x01010010m16", 0x1b, {0xb0, 0x1d}},
    {"privwrite", 0x46, 0, 0, "m36z32", 0x4b, {0x43, 0x09}},
    {"gendig", 0x15, 2, 6, "", 0x07, {0x35, 0xc8}},
    {"derive key", 0x1c, 0, 3, "", 0x07, {0x05, 0x4d}},
    {"mac", 0x08, 0, 4, "m32", 0x27, {0x56, 0x41}},
    {"checkmac", 0x28, 0, 4, "m32m32m13", 0x54, {0xad, 0xe5}},
    {"set latch", 0x30, 4, 3, "", 0x07, {0x8f, 0xdf}},
    {"read latch", 0x30, 4, 0, "", 0x07, {0x80, 0xdf}},
};

static size_t
number(const char **t)
{
    size_t n = 0;

    while (**t >= '0' && **t <= '9')
        n = n * 10 + (size_t)(*(*t)++ - '0');
    return n;
}

static uint8_t
hex_digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t
fill(const char *t, uint8_t *out)
{
    size_t len = 0;

    while (*t != '\0') {
        char kind = *t++;
        size_t n;

        if (kind == 'x') {
            while ((*t >= '0' && *t <= '9') || (*t >= 'a' && *t <= 'f')) {
                out[len++] = (uint8_t)(hex_digit(t[0]) << 4 | hex_digit(t[1]));
                t += 2;
            }
            continue;
        }
        n = kind == 's' || kind == 'p' ? 64 : number(&t);
        for (size_t i = 0; i < n; i++)
            out[len++] = (uint8_t)(kind == 'z'   ? 0
                                   : kind == 's' ? 0x40 + i
                                   : kind == 'p' ? 0x80 + i
                                                 : i);
    }
    return len;
}

static void
every_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        const struct packet *k = &packets[i];
        uint8_t data[160], out[ATECC_PACKET_MAX];
        size_t len = fill(k->data, data);
        struct atecc_command c = {k->op, k->p1, k->p2, data, len};

        print_message("%s\n", k->what);
        assert_int_equal(atecc_build_command(&c, out), k->count);
        assert_int_equal(out[0], k->count);
        assert_int_equal(out[1], k->op);
        assert_int_equal(out[2], k->p1);
        assert_int_equal(out[3] | out[4] << 8, k->p2);
        assert_memory_equal(out + 5, data, len);
        assert_memory_equal(out + k->count - 2, k->crc, 2);
    }
}

static void
every_answer(void **state)
{
    static const uint8_t frames[][4] = {{0x04, 0x00, 0x03, 0x40}, {0x04, 0x01, 0x00, 0xc3},
                                        {0x04, 0x03, 0x83, 0x42}, {0x04, 0x05, 0xc3, 0x43},
                                        {0x04, 0x07, 0x40, 0xc2}, {0x04, 0x08, 0x60, 0xc0},
                                        {0x04, 0x0f, 0x23, 0x42}, {0x04, 0x11, 0x33, 0x43},
                                        {0x04, 0xee, 0x31, 0x41}, {0x04, 0xff, 0x01, 0x42}};
    static const uint8_t info[] = {0x07, 0x00, 0x00, 0x60, 0x03, 0x83, 0xbb};
    static const uint8_t count[] = {0x07, 0x05, 0x00, 0x00, 0x00, 0x30, 0xad};
    uint8_t blank[35] = {0x23};

    (void)state;
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
        assert_int_equal(atecc_check_response(frames[i], 4), ROT_OK);
    assert_int_equal(atecc_check_response(info, sizeof(info)), ROT_OK);
    assert_int_equal(atecc_check_response(count, sizeof(count)), ROT_OK);
    for (unsigned i = 0; i < 32; i++)
        blank[1 + i] = i % 4 < 2 ? 0xff : 0x00;
    blank[33] = 0x41;
    blank[34] = 0x1a;
    assert_int_equal(atecc_check_response(blank, sizeof(blank)), ROT_OK);
    assert_int_equal(atecc_crc((const uint8_t *)"123456789", 9, 0), 0xbcdd);
}

/* ---- Digests (section 10.2) ------------------------------------------------------------------ */

static const uint8_t serial[9] = {0x01, 0x23, 0x8b, 0x26, 0x36, 0x5d, 0xc4, 0x18, 0x01};
static uint8_t key[32], challenge[32], num_in[20], rand_out[32], message[32], sig[64], data[32];

static void
count_up(uint8_t *p, size_t len, unsigned from)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(from + i);
}

static void
prepare(void)
{
    count_up(key, 32, 0x00);
    count_up(challenge, 32, 0x20);
    count_up(num_in, 20, 0x00);
    count_up(rand_out, 32, 0xa0);
    count_up(message, 32, 0x60);
    count_up(sig, 64, 0x40);
    count_up(data, 32, 0xc0);
}

static void
is_hex(const uint8_t *p, const char *want)
{
    uint8_t b[64];
    size_t len = fill(want, b);

    assert_memory_equal(p, b, len);
}

static struct atecc_mac_input
input(uint8_t op, uint8_t p1, uint16_t p2)
{
    return (struct atecc_mac_input){op, p1, p2, serial};
}

static void
nonce_and_gendig(void **state)
{
    const struct atecc_mac_input gendig = input(0x15, 0x02, 6);
    uint8_t tempkey[32];

    (void)state;
    prepare();
    assert_int_equal(atecc_nonce_digest(&openssl.port, rand_out, num_in, tempkey), ROT_OK);
    is_hex(tempkey, "xbee176f91b7f8d191759f8a596f2065d6805a5cf831563b7d512574ec54a3169");
    assert_int_equal(atecc_chain_digest(&openssl.port, &gendig, key, tempkey, tempkey), ROT_OK);
    is_hex(tempkey, "x9cd1c27b066d7723cc40432250a2a6021ec1db8d2fd6b148ce0af67f047e6ff4");
}

/* The write's own key is TempKey after the two above. */
static void
encrypted_write(void **state)
{
    const struct atecc_mac_input gendig = input(0x15, 0x02, 6), write = input(0x12, 0xc2, 0x28);
    uint8_t tempkey[32], cipher[32], mac[32];

    (void)state;
    prepare();
    assert_int_equal(atecc_nonce_digest(&openssl.port, rand_out, num_in, tempkey), ROT_OK);
    assert_int_equal(atecc_chain_digest(&openssl.port, &gendig, key, tempkey, tempkey), ROT_OK);
    for (unsigned i = 0; i < 32; i++)
        cipher[i] = data[i] ^ tempkey[i];
    is_hex(cipher, "x5c1000b8c2a8b1e4048989e99c6f68cdce10095efb03679f16d32ca4d8a3b12b");
    assert_int_equal(atecc_chain_digest(&openssl.port, &write, tempkey, data, mac), ROT_OK);
    is_hex(mac, "x83b9aaf39a150fed14e2167619a42770844c27a87b13c4e85deda520ede2949b");
}

static void
mac_of_a_challenge(void **state)
{
    const struct atecc_mac_input plain = input(0x08, 0x00, 4), full = input(0x08, 0x40, 4);
    uint8_t mac[32];

    (void)state;
    prepare();
    assert_int_equal(atecc_mac_digest(&openssl.port, &plain, key, challenge, mac), ROT_OK);
    is_hex(mac, "xf80cf03b8b6034065456eb9ac7b48a61e4b9243874ba06039ad2214bf25027e6");
    assert_int_equal(atecc_mac_digest(&openssl.port, &full, key, challenge, mac), ROT_OK);
    is_hex(mac, "x5e701b259f19881c4d25bfa66faf6c9b2da06d7b0dbe7f224ccb88d9541c0b19");
}

/* The mask of the first block, over zeroes. */
static void
io_mask(void **state)
{
    uint8_t p[64] = {0};

    (void)state;
    prepare();
    assert_int_equal(atecc_unmask(&openssl.port, key, rand_out, p, 64), ROT_OK);
    is_hex(p, "x8c38eba5f798f9c94910d96a045f1abddd58dff24f48e6b0c607f6babb55481d");
    assert_memory_not_equal(p, p + 32, 32);
}

static void
secure_boot(void **state)
{
    const struct atecc_mac_input copy = input(0x80, 0x87, 0);
    uint8_t tempkey[32], hashed[32], hidden[32], mac[32];

    (void)state;
    prepare();
    assert_int_equal(atecc_nonce_digest(&openssl.port, rand_out, num_in, tempkey), ROT_OK);
    assert_int_equal(atecc_boot_key(&openssl.port, key, tempkey, hashed), ROT_OK);
    is_hex(hashed, "xd4ac3fd9f4741bfed833e794413110573625879e241416ff3de62a27fdd05472");
    for (unsigned i = 0; i < 32; i++)
        hidden[i] = message[i] ^ hashed[i];
    is_hex(hidden, "xb4cd5dba90117d99b05a8dff2d5c7e384654f5ed50616088459f505c81ad2a0d");
    assert_int_equal(atecc_boot_mac(&openssl.port, &copy, hashed, message, sig, mac), ROT_OK);
    is_hex(mac, "x9263040607d0657ac08b0688a2f0f99744264c52c84826d4a12b214a7d59534d");
}

static void
verify_external_mac(void **state)
{
    const struct atecc_mac_input verify = input(0x45, 0xa2, 4);
    uint8_t mac[32];

    (void)state;
    prepare();
    assert_int_equal(atecc_verify_mac(&openssl.port, &verify, key, message, challenge, sig, mac),
                     ROT_OK);
    is_hex(mac, "x26870a5a4af368189cfa55a4d59d166bba05930edf519927f66d25c2b24186db");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet),       cmocka_unit_test(every_answer),
        cmocka_unit_test(nonce_and_gendig),   cmocka_unit_test(encrypted_write),
        cmocka_unit_test(mac_of_a_challenge), cmocka_unit_test(io_mask),
        cmocka_unit_test(secure_boot),        cmocka_unit_test(verify_external_mac),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
