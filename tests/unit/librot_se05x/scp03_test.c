/*
 * scp03_test.c: the secure channel, with the numbers of the reference (7.1, 9.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <rot/port_openssl.h>

#include "hex.h"
#include "se05x.h"

static struct rot_port_openssl crypto;
static struct se05x_channel ch;
static struct se05x_cryptograms shown;
static uint8_t buf[SE05X_BUFFER];

#define KEYS                                                                                       \
    "D2DB63E7A0A5AED72A6460C4DFDCAF64 738D5B798ED241B0B24768514BFBA95B "                           \
    "6702DAC30942B2C85E7F47B42CED4E7F"

static void
is_hex(const uint8_t *got, const char *text)
{
    uint8_t want[128];
    size_t len = hex(text, want);

    assert_memory_equal(got, want, len);
}

/* After EXTERNAL AUTHENTICATE, in buf. */
static int
begin(void **state)
{
    uint8_t keys[64], challenges[16];
    size_t start, end;

    (void)state;
    assert_int_equal(rot_port_openssl_init(&crypto), ROT_OK);
    assert_int_equal(hex(KEYS, keys), SE05X_KEYS);
    (void)hex("0001020304050607 1011121314151617", challenges);
    assert_int_equal(se05x_derive_session(&crypto.port, keys, challenges, &ch, &shown), ROT_OK);
    assert_int_equal(se05x_put_authenticate(&crypto.port, &ch, shown.host, buf, &start, &end),
                     ROT_OK);
    assert_int_equal(start, 2);
    assert_int_equal(end - start, 21);
    return 0;
}

static int
end_it(void **state)
{
    (void)state;
    rot_port_openssl_done(&crypto);
    return 0;
}

static void
session_is_the_reference_s(void **state)
{
    (void)state;
    is_hex(ch.enc, "195F4209775BDAEEB1A830D07D40D813");
    is_hex(ch.mac, "C84B8242BEDE57A3290FEB073063DEB5");
    is_hex(ch.rmac, "8E0EF7F9E9E1A25D061456B876E6C0E3");
    is_hex(shown.card, "798F3C3F25C8FA1A");
    is_hex(shown.host, "35B03A6E11B87CC8");
    is_hex(buf + 2, "8482330010 35B03A6E11B87CC8 77C0135D259ADBF7");
    is_hex(ch.chain, "77C0135D259ADBF7BEC8FDAAA4F669BF");
    assert_int_equal(ch.counter, 1);
}

/* One command and its answer: what leaves, and what is left of what came. */
static void
exchange(uint32_t op, const char *data, const char *wire, const char *answer, const char *plain)
{
    struct se05x_command c = {
        .header = {0x80, (uint8_t)(op >> 16), (uint8_t)(op >> 8), (uint8_t)op},
        .is_long = (op & SE05X_LONG) != 0};
    uint8_t want[128];
    size_t start, end, len;

    c.len = hex(data, buf + SE05X_HEAD);
    assert_int_equal(se05x_wrap(&crypto.port, &ch, &c, buf, &start, &end), ROT_OK);
    assert_int_equal(end - start, hex(wire, want));
    assert_memory_equal(buf + start, want, end - start);
    assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, hex(answer, buf), &len), ROT_OK);
    assert_int_equal(len, hex(plain, want));
    assert_memory_equal(buf, want, len);
}

static void
computed_exchanges(void **state)
{
    (void)state;
    exchange(SE05X_OP_RANDOM, "41020010",
             "84040049 000018 1F30D5FFF0A40F156C16CAAB425AA093 E76ED2EAB36651E2 0000",
             "CC6388D8C89C959C1CB77E03D73F494F 535236000E4DF98C338C8C24104889C8 7D164484991EE5FA "
             "9000",
             "4110 000102030405060708090A0B0C0D0E0F");
    exchange(0x040020, "", "84040020 08 636D28BE6B3211F1",
             "BEBD8E274FEE271FE65F7864AFCFAE21 C6CDDA47D1857B09 9000", "41 07 0702006FFF010B");
}

/* The MACs do not depend on the counter, the vectors do: without data it stands still. */
static void
older_applets_do_not_count_what_has_no_data(void **state)
{
    struct se05x_command none = {.header = {0x80, 0x04, 0x00, 0x20}};
    struct se05x_command some = {.header = {0x80, 0x04, 0x00, 0x49}, .len = 4};
    const struct se05x_channel before = ch;
    size_t start, end, len;

    (void)state;
    ch.skips_dataless = 1;
    ch.counter = 1;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(se05x_wrap(&crypto.port, &ch, &none, buf, &start, &end), ROT_OK);
        assert_int_equal(ch.counter, i);
        assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, hex("6985", buf), &len), ROT_OK);
        assert_int_equal(ch.counter, i + 1);
        assert_int_equal(hex("41020010", buf + SE05X_HEAD), 4);
        assert_int_equal(se05x_wrap(&crypto.port, &ch, &some, buf, &start, &end), ROT_OK);
        assert_int_equal(ch.counter, i + 1);
        assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, hex("6985", buf), &len), ROT_OK);
    }
    assert_int_equal(ch.counter, 4);
    ch = before;
}

/* With the vendor's own library on the other end, up to a refusal that counts as well. */
static void
replayed_exchanges(void **state)
{
    (void)state;
    exchange(SE05X_LONG | 0x020025, "41020000 4201FF",
             "84020025 000018 3AE31E4F3343C2C94D55D0B9AC4627D6 B77C97CD3C8B57EE 0000",
             "2B4573732EC1094BF67CABFA55BEFAD1 B613132EE7D0CE2F 9000", "410101 42047FFF0206");
    exchange(0x021025, "", "84021025 08 4B38892D84EA8141",
             "8E018C62678F30D8E6EC1FC09E32F426 D9FE78E16287BE52 9000", "41020001");
    exchange(0x041028, "41020001", "84041028 18 371BDAF4EB3899AE87CAF962F07AFCFB 451197931511BA64",
             "6985", "");
    assert_int_equal(ch.counter, 4);
    exchange(SE05X_OP_EXISTS, "4104EF000070",
             "84040027 18 B0CED343DC64B01EE77815A99D9F6A24 60521EB593AF0F7F", "6985", "");
}

/* ---- Refusals ----------------------------------------------------------------------------------- */

static const char good[] =
    "CC6388D8C89C959C1CB77E03D73F494F 535236000E4DF98C338C8C24104889C8 7D164484991EE5FA 9000";

static void
ask_random(void)
{
    struct se05x_command c = {.header = {0x80, 0x04, 0x00, 0x49}, .is_long = 1, .len = 4};
    size_t start, end;

    assert_int_equal(hex("41020010", buf + SE05X_HEAD), 4);
    assert_int_equal(se05x_wrap(&crypto.port, &ch, &c, buf, &start, &end), ROT_OK);
}

/* Any other bit, in text, MAC or status word, and the answer is not the part's. */
static void
changed_answers_are_refused(void **state)
{
    uint8_t answer[64];
    size_t len = hex(good, answer), n;

    (void)state;
    ask_random();
    for (size_t bit = 0; bit < len * 8; bit++) {
        memcpy(buf, answer, len);
        buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, len, &n), ROT_E_BUS);
        assert_int_equal(n, 0);
    }
    /* Any length but the right one; a success without a MAC is none. */
    for (size_t cut = 2; cut < len; cut++) {
        memcpy(buf, answer, cut - 2);
        memcpy(buf + cut - 2, "\x90\x00", 2);
        assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, cut, &n), ROT_E_BUS);
    }
    memcpy(buf, answer, len);
    ch.counter = 1;
    assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, len, &n), ROT_OK);
    assert_int_equal(n, 18);
    /* And it is good for one command only. */
    ask_random();
    memcpy(buf, answer, len);
    assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, len, &n), ROT_E_BUS);
}

static void
refusals_come_bare(void **state)
{
    size_t n = 0;

    (void)state;
    ask_random();
    assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, hex("6986", buf), &n), ROT_OK);
    assert_int_equal(n, 0);
    ask_random();
    assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, hex("41 01 01 6985", buf), &n),
                     ROT_E_BUS);
    /* A warning is an answer, and has a MAC. */
    ask_random();
    assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, hex("6283", buf), &n), ROT_E_BUS);
}

/* MACs that hold around text that is not padded, and around none at all. */
static void
padding_is_looked_at(void **state)
{
    static const char *const texts[] = {"00000000000000000000000000000000",
                                        "41020010000000000000000000000000",
                                        "410200100000000000000000000000FF"};
    uint8_t iv[16], mac[16];
    struct rot_bytes enc = {ch.enc, 16}, rmac = {ch.rmac, 16};
    size_t n;

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct rot_bytes parts[3] = {{ch.chain, 16}, {buf, 16}, {(const uint8_t *)"\x90\x00", 2}};
        uint8_t zero[16] = {0}, counter[16] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

        ask_random();
        parts[1].len = i == 3 ? 0 : 16;
        counter[15] = (uint8_t)ch.counter;
        assert_int_equal(crypto.port.ops->aes_cbc(crypto.port.self, enc, zero, 1, counter, 16, iv),
                         ROT_OK);
        if (i < 3) {
            (void)hex(texts[i], buf);
            assert_int_equal(crypto.port.ops->aes_cbc(crypto.port.self, enc, iv, 1, buf, 16, buf),
                             ROT_OK);
        }
        assert_int_equal(crypto.port.ops->aes_cmac(crypto.port.self, rmac, parts, 3, mac), ROT_OK);
        memcpy(buf + parts[1].len, mac, 8);
        memcpy(buf + parts[1].len + 8, "\x90\x00", 2);
        assert_int_equal(se05x_unwrap(&crypto.port, &ch, buf, parts[1].len + 10, &n),
                         i == 3 ? ROT_OK : ROT_E_BUS);
        assert_int_equal(n, 0);
    }
}

/* The longest command is longer by its padding and MAC, and fits. */
static void
longest_command_fits(void **state)
{
    struct se05x_command c = {
        .header = {0x80, 0x01, 0x06, 0x00}, .is_long = 1, .len = SE05X_DATA_MAX};
    size_t start = 9, end = 0;

    (void)state;
    memset(buf, 0, sizeof(buf));
    assert_int_equal(se05x_wrap(&crypto.port, &ch, &c, buf, &start, &end), ROT_OK);
    assert_int_equal(start, 0);
    assert_true(end <= SE05X_BUFFER);
    assert_int_equal(end, SE05X_HEAD + SE05X_DATA_MAX / 16 * 16 + 16 + 8 + 2);
}

/* ---- New keys --------------------------------------------------------------------------------------- */

/* GlobalPlatform 11.8: what can be taken apart with the DEK, each key with its check value. */
static void
keys_travel_encrypted(void **state)
{
    uint8_t keys[64], out[SE05X_PUT_KEY_SIZE], fresh[SE05X_KEYS], back[16], check[16];
    uint8_t iv[16];

    (void)state;
    assert_int_equal(hex(KEYS, keys), SE05X_KEYS);
    for (int i = 0; i < 48; i++)
        fresh[i] = (uint8_t)(i * 5 + 1);
    assert_int_equal(se05x_put_keys(&crypto.port, keys + 32, 0x0b, fresh, out), ROT_OK);
    assert_int_equal(out[0], 0x0b);
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *k = out + 1 + 23 * i;

        assert_int_equal(k[0], 0x88);
        assert_int_equal(k[1], 17);
        assert_int_equal(k[2], 16);
        assert_int_equal(k[19], 3);
        memset(iv, 0, 16);
        assert_int_equal(crypto.port.ops->aes_cbc(crypto.port.self,
                                                  (struct rot_bytes){keys + 32, 16}, iv, 0, k + 3,
                                                  16, back),
                         ROT_OK);
        assert_memory_equal(back, fresh + 16 * i, 16);
        memset(iv, 0, 16);
        memset(check, 1, 16);
        assert_int_equal(crypto.port.ops->aes_cbc(crypto.port.self, (struct rot_bytes){back, 16},
                                                  iv, 1, check, 16, check),
                         ROT_OK);
        assert_memory_equal(k + 20, check, 3);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(session_is_the_reference_s, begin, end_it),
        cmocka_unit_test_setup_teardown(computed_exchanges, begin, end_it),
        cmocka_unit_test_setup_teardown(older_applets_do_not_count_what_has_no_data, begin, end_it),
        cmocka_unit_test_setup_teardown(replayed_exchanges, begin, end_it),
        cmocka_unit_test_setup_teardown(changed_answers_are_refused, begin, end_it),
        cmocka_unit_test_setup_teardown(refusals_come_bare, begin, end_it),
        cmocka_unit_test_setup_teardown(padding_is_looked_at, begin, end_it),
        cmocka_unit_test_setup_teardown(longest_command_fits, begin, end_it),
        cmocka_unit_test_setup_teardown(keys_travel_encrypted, begin, end_it),
    };

    return cmocka_run_group_tests_name("librot_se05x scp03", tests, NULL, NULL);
}
