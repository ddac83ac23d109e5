/*
 * vectors_test.c: every exchange of the reference (section 9), byte for byte,
 * between the driver and a script: what the driver sends must be the left column,
 * what it makes of the right one is compared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "stsafe_frame.h"

/* Its static functions are what the vectors are about. */
#include "../../../librot/drivers/stsafe/keys.c"

extern const struct rot_driver rot_driver_stsafe;

#define X32(b)      b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b
#define P256_OID    "2a8648ce3d030107"
#define EXCHANGES   8
#define FRAME_BYTES 256

/* ---- The script ------------------------------------------------------------------------ */

struct exchange {
    uint8_t want[FRAME_BYTES], answer[FRAME_BYTES];
    size_t want_len, answer_len;
};

struct desk {
    struct exchange script[EXCHANGES];
    unsigned count, at;
    struct rot_transport transport;
    struct rot_port_openssl openssl;
    struct rot_port_ops ops; /* the host has no secret for this part */
    struct rot_port port;
    struct rot_chip chip;
    uint64_t state[1024];
};

static size_t
from_hex(const char *hex, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;

    while (*hex != '\0') {
        const char *a = strchr(digits, hex[0]), *b = strchr(digits, hex[1]);
        if (*hex == ' ') {
            hex++;
            continue;
        }
        assert_true(a != NULL && b != NULL && n < FRAME_BYTES);
        out[n++] = (uint8_t)((a - digits) << 4 | (b - digits));
        hex += 2;
    }
    return n;
}

static struct exchange *
expect(struct desk *d, const char *want, const char *answer)
{
    struct exchange *e = &d->script[d->count++];

    assert_true(d->count <= EXCHANGES);
    e->want_len = from_hex(want, e->want);
    e->answer_len = from_hex(answer, e->answer);
    return e;
}

static void
start_over(struct desk *d)
{
    assert_int_equal(d->at, d->count); /* all of it was said */
    d->at = d->count = 0;
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct desk *d = self;
    const struct exchange *e = &d->script[d->at];

    assert_int_equal(address, 0x20);
    assert_true(d->at++ < d->count);
    assert_int_equal(len, e->want_len);
    assert_memory_equal(tx, e->want, len);
    return ROT_OK;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct desk *d = self;
    const struct exchange *e = &d->script[d->at - 1];

    assert_int_equal(address, 0x20);
    for (size_t i = 0; i < len; i++)
        rx[i] = i < e->answer_len ? e->answer[i] : 0xff;
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static const struct rot_line_ops line = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c = {.write = on_write, .read = on_read};

#define RULES_ASKED    "14 24 9a90"
#define RULES_ANSWERED "00 000a 00 02 0e 03 02 0f 03 01 ea62"

static void
expect_product(struct desk *d, int is_a120)
{
    expect(d, "14 11 fcbe",
           is_a120 ? "00 0012 01 03 aa6001 02 09 000102030405060708 fc8b"
                   : "00 0012 01 03 aa4602 02 09 a021e021c4e1d00139 6e3d");
}

static int
open_desk(struct desk *d, int is_a120)
{
    struct rot_setup setup = {.driver = &rot_driver_stsafe};

    if (rot_port_openssl_init(&d->openssl) != ROT_OK)
        return -1;
    d->ops = *d->openssl.port.ops;
    d->ops.channel_secret = NULL;
    d->port = (struct rot_port){d->openssl.port.self, &d->ops};
    d->transport = (struct rot_transport){.self = d, .line = &line, .i2c = &i2c};
    setup.transport = &d->transport;
    setup.port = &d->port;
    setup.state = d->state;
    setup.state_size = sizeof(d->state);
    expect_product(d, is_a120);
    expect(d, RULES_ASKED, RULES_ANSWERED);
    if (is_a120)
        expect(d, "14 47 cb0d", "00 0008 01 00 00000005 dff6");
    else
        expect(d, "14 17 9988", "00 0006 01 000005 8461");
    assert_int_equal(rot_open(&d->chip, &setup), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    start_over(d);
    return 0;
}

static int
set_up_a120(void **state)
{
    *state = calloc(1, sizeof(struct desk));
    return *state == NULL ? -1 : open_desk(*state, 1);
}

static int
set_up_a110(void **state)
{
    *state = calloc(1, sizeof(struct desk));
    return *state == NULL ? -1 : open_desk(*state, 0);
}

static int
tear_down(void **state)
{
    struct desk *d = *state;
    int left = d->at != d->count;

    rot_close(&d->chip);
    rot_port_openssl_done(&d->openssl);
    free(d);
    return left ? -1 : 0;
}

/* ---- In the clear ---------------------------------------------------------------------------- */

static void
product_data(void **state)
{
    struct desk *d = *state;
    const struct stsafe_state *s = stsafe_of(&d->chip);

    assert_int_equal(s->model, STSAFE_A120);
    assert_memory_equal(s->mask, ((const uint8_t[]){0xaa, 0x60, 0x01}), 3);
    assert_memory_equal(s->uid, ((const uint8_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8}), 9);
}

static void
product_data_of_a_real_a110(void **state)
{
    struct desk *d = *state;

    assert_int_equal(stsafe_of(&d->chip)->model, STSAFE_A110);
    assert_int_equal(stsafe_of(&d->chip)->uid[8], 0x39);
}

static void
command_authorisation(void **state)
{
    struct desk *d = *state;
    const struct stsafe_rules *rules = &stsafe_of(&d->chip)->rules;

    assert_int_equal(rules->who[0][STSAFE_WRAP], STSAFE_RULE_HOST);
    assert_int_equal(rules->hidden[0][STSAFE_WRAP], STSAFE_ENCRYPTED_COMMAND);
    assert_int_equal(rules->who[0][STSAFE_UNWRAP], STSAFE_RULE_HOST);
    assert_int_equal(rules->hidden[0][STSAFE_UNWRAP], STSAFE_ENCRYPTED_ANSWER);
    assert_int_equal(rules->who[0][STSAFE_SIGN], STSAFE_RULE_FREE);
}

static void
echo(void **state)
{
    struct desk *d = *state;
    struct stsafe_reader r;

    expect(d, "00 010203 a729", "00 0005 010203 a729");
    stsafe_begin(&d->chip, (enum stsafe_code)0x00);
    stsafe_put(&d->chip, "\1\2\3", 3);
    assert_int_equal(stsafe_run(&d->chip, &r), ROT_OK);
    assert_int_equal(r.len, 3);
    assert_memory_equal(r.p, "\1\2\3", 3);
}

static void
random_bytes(void **state)
{
    struct desk *d = *state;
    uint8_t out[8];

    expect(d, "02 00 08 ff3c", "00 000a 0001020304050607 5096");
    assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
    assert_memory_equal(out, "\0\1\2\3\4\5\6\7", 8);
}

static void
life_cycle(void **state)
{
    struct desk *d = *state;
    enum rot_seal_state sealed = ROT_SEAL_OPEN;

    expect(d, "14 08 71fe", "00 0003 03 3ddc");
    assert_int_equal(rot_seal_state(&d->chip, ROT_STAGE_LIFECYCLE, 0, &sealed), ROT_OK);
    assert_int_equal(sealed, ROT_SEAL_DONE);
}

#define PARTITION "00 0011 02 00 00 07 03e8 05 01 08 0040 000001f4 31dd"

static void
partition(void **state)
{
    struct desk *d = *state;
    struct stsafe_zone z;
    uint64_t value = 0;

    expect(d, "14 12 ce25", PARTITION);
    assert_int_equal(stsafe_zone_find(&d->chip, 0, &z), ROT_OK);
    assert_true(!z.is_counter && z.access == STSAFE_AC_NEVER && !z.may_change);
    expect(d, "14 12 ce25", PARTITION);
    assert_int_equal(stsafe_zone_find(&d->chip, 5, &z), ROT_OK);
    assert_true(z.is_counter && z.access == 0 && z.may_change && z.counter == 500);
    expect(d, "14 12 ce25", PARTITION);
    assert_int_equal(stsafe_zone_find(&d->chip, 1, &z), ROT_E_UNSUPPORTED);
    expect(d, "14 12 ce25", PARTITION);
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &value), ROT_OK);
    assert_int_equal(value, UINT32_MAX - 500);
}

/* The driver has no need for the table; its bytes go through all the same. */
static void
private_key_table(void **state)
{
    struct desk *d = *state;
    struct stsafe_reader r;

    expect(d, "14 14 ab13", "00 0018 02 00 ffff 00 01 0004 0008 " P256_OID " 01 00 8000 1985");
    assert_int_equal(stsafe_query(&d->chip, (enum stsafe_tag)0x14, &r), ROT_OK);
    assert_int_equal(r.len, 22);
    assert_int_equal(stsafe_get_int(&r, 1), 2);
}

static void
read_a_zone(void **state)
{
    struct desk *d = *state;
    struct rot_bytes b;

    expect(d, "05 00 00 0000 0004 3af7", "00 0006 a0a1a2a3 339f");
    assert_int_equal(stsafe_zone_read(&d->chip, 0, 0, 4, &b), ROT_OK);
    assert_memory_equal(b.p, "\xa0\xa1\xa2\xa3", 4);
}

static void
update_a_zone_atomically(void **state)
{
    struct desk *d = *state;

    expect(d, "06 80 01 0000 deadbeef 58da", "00 0002 f078");
    assert_int_equal(
        stsafe_zone_update(&d->chip, 0x80, 1, 0, (const uint8_t *)"\xde\xad\xbe\xef", 4), ROT_OK);
}

static void
generate(void **state)
{
    struct desk *d = *state;
    struct rot_place place = {.where = 1, .alg = ROT_ALG_P256};
    uint8_t point[STSAFE_POINT], want[64];

    memset(want, 0x11, 32);
    memset(want + 32, 0x22, 32);
    expect(d, "11 13 01 ffff 0000 0008 " P256_OID " 88e5",
           "00 0047 04 0020 " X32("11") " 0020 " X32("22") " 76a9");
    assert_int_equal(generate_pair(&d->chip, &place, ROT_ALG_P256, point), ROT_OK);
    assert_memory_equal(point, want, 64);
}

static void
sign(void **state)
{
    struct desk *d = *state;
    uint8_t digest[32], sig[80], raw[64], want[64];
    size_t n = 0;

    for (unsigned i = 0; i < 32; i++)
        digest[i] = (uint8_t)i;
    memset(want, 0x33, 32);
    memset(want + 32, 0x44, 32);
    expect(d, "16 00 0020 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f e4c9",
           "00 0046 0020 " X32("33") " 0020 " X32("44") " ccf3");
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_OK);
    assert_int_equal(rot_ecdsa_from_der(sig, n, 32, raw), ROT_OK);
    assert_memory_equal(raw, want, 64);
}

/* The reference has the answer; the request is made of its section 3.1. */
#define VERIFY_ASKED                                                                               \
    "17 00 0008 " P256_OID " 04 0020 " X32("11") " 0020 " X32("22") " 0020 " X32(                  \
        "33") " 0020 " X32("44") " 0020 " X32("66") " 1c1e"

static void
verify_result(void **state)
{
    struct desk *d = *state;
    uint8_t point[64], raw[64], digest[32];

    memset(point, 0x11, 32);
    memset(point + 32, 0x22, 32);
    memset(raw, 0x33, 32);
    memset(raw + 32, 0x44, 32);
    memset(digest, 0x66, 32);
    expect(d, VERIFY_ASKED, "00 0003 01 1ece");
    assert_int_equal(verify(&d->chip, ROT_ALG_P256, point, digest, raw), ROT_OK);
    expect(d, VERIFY_ASKED, "00 0003 00 0f47");
    assert_int_equal(verify(&d->chip, ROT_ALG_P256, point, digest, raw), ROT_E_MISMATCH);
    expect(d, VERIFY_ASKED, "00 0003 02 2c55");
    assert_int_equal(verify(&d->chip, ROT_ALG_P256, point, digest, raw), ROT_E_FORMAT);
}

static void
ecdh(void **state)
{
    struct desk *d = *state;
    struct rot_place ephemeral = {.where = 0xff, .alg = ROT_ALG_P256};
    uint8_t point[64], secret[48], want[32];

    memset(point, 0x33, 32);
    memset(point + 32, 0x44, 32);
    memset(want, 0x55, 32);
    expect(d, "18 ff 04 0020 " X32("33") " 0020 " X32("44") " b845",
           "00 0024 0020 " X32("55") " 933e");
    assert_int_equal(establish(&d->chip, &ephemeral, point, secret), ROT_OK);
    assert_memory_equal(secret, want, 32);
}

static void
host_key(void **state)
{
    struct desk *d = *state;
    uint32_t counter = 0;
    int present = 0;

    if (stsafe_of(&d->chip)->model == STSAFE_A120)
        expect(d, "14 47 cb0d", "00 0008 01 00 00000005 dff6");
    else
        expect(d, "14 17 9988", "00 0006 01 000005 8461");
    assert_int_equal(stsafe_host_key(&d->chip, &present, &counter), ROT_OK);
    assert_true(present && counter == 5);
}

/* ---- Through the channel -------------------------------------------------------------------------- */

static const uint8_t keys[STSAFE_SECRET] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

static void
open_at_five(struct desk *d)
{
    struct stsafe_channel *ch = &stsafe_of(&d->chip)->channel;

    memcpy(ch->keys, keys, sizeof(keys));
    ch->counter = ch->floor = 5;
    ch->is_open = 1;
    ch->is_unsure = 0;
}

static const char a120_asked[] = "e5 00 01 0000 0010 0ce1bc67 0007";
static const char a120_said[] = "00 0016 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf f0da45db 30e2";
static const char a110_asked[] = "e5 00 01 0000 0010 1069880f a030";
static const char a110_said[] = "00 0016 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf d7ac15ca 6c6e";

static void
check_read(struct desk *d, const char *asked, const char *said)
{
    struct stsafe_channel *ch = &stsafe_of(&d->chip)->channel;
    struct rot_bytes b;

    open_at_five(d);
    expect(d, asked, said);
    assert_int_equal(stsafe_zone_read(&d->chip, 1, 0, 16, &b), ROT_OK);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(b.p[i], 0xa0 + i);
    assert_true(ch->counter == 6 && ch->floor == 6 && !ch->is_unsure);
    start_over(d);
}

static void
a_read_of_an_a120(void **state)
{
    check_read(*state, a120_asked, a120_said);
}

static void
a_read_of_an_a110(void **state)
{
    check_read(*state, a110_asked, a110_said);
}

/* Put the CRC right again, so that the MAC is all that is wrong. */
static void
mend(struct exchange *e)
{
    uint16_t crc = stsafe_frame_crc(0, e->answer, 1);

    crc = stsafe_frame_crc(crc, e->answer + 3, e->answer_len - 5);
    e->answer[e->answer_len - 2] = (uint8_t)(crc >> 8);
    e->answer[e->answer_len - 1] = (uint8_t)crc;
}

static void
every_bit_of_an_answer_counts(void **state)
{
    struct desk *d = *state;
    struct rot_bytes b;

    for (unsigned bit = 0; bit < 20 * 8; bit++) {
        struct exchange *e;

        open_at_five(d);
        e = expect(d, a120_asked, a120_said);
        e->answer[3 + bit / 8] ^= (uint8_t)(1u << (bit % 8));
        mend(e);
        assert_int_equal(stsafe_zone_read(&d->chip, 1, 0, 16, &b), ROT_E_BUS);
        assert_int_equal(stsafe_of(&d->chip)->channel.is_unsure, 1);
        start_over(d);
    }
}

static void
an_answer_without_a_mac_is_none(void **state)
{
    struct desk *d = *state;
    struct rot_bytes b;

    open_at_five(d);
    expect(d, a120_asked, "00 0002 f078");
    assert_int_equal(stsafe_zone_read(&d->chip, 1, 0, 16, &b), ROT_E_BUS);
    open_at_five(d);
    expect(d, a120_asked, "00 0005 000000 fcde");
    assert_int_equal(stsafe_zone_read(&d->chip, 1, 0, 16, &b), ROT_E_BUS);
}

/* The answer of the command before, once more. */
static void
a_replayed_answer_is_none(void **state)
{
    struct desk *d = *state;
    struct rot_bytes b;

    check_read(d, a120_asked, a120_said);
    expect(d, "e5 00 01 0000 0010 5bacc876 ed95", a120_said);
    assert_int_equal(stsafe_zone_read(&d->chip, 1, 0, 16, &b), ROT_E_BUS);
}

static void
an_encrypted_command(void **state)
{
    struct desk *d = *state;
    struct stsafe_reader r;

    open_at_five(d);
    expect(d, "ee e64c81e7e7a447c2b026cfaecf142c76 c641459c7fb0d63d1c0475afd80f414c 468b14ff e22c",
           "0a 0002 5f22"); /* no key in that slot */
    stsafe_begin(&d->chip, STSAFE_WRAP);
    stsafe_put_u8(&d->chip, 0);
    for (unsigned i = 0; i < 16; i++)
        stsafe_put_u8(&d->chip, i);
    assert_int_equal(stsafe_run(&d->chip, &r), ROT_E_EMPTY);
    assert_int_equal(rot_raw_status(&d->chip), 0x0a);
}

#define A120(f) cmocka_unit_test_setup_teardown(f, set_up_a120, tear_down)
#define A110(f) cmocka_unit_test_setup_teardown(f, set_up_a110, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        A120(every_bit_of_an_answer_counts),
        A120(an_answer_without_a_mac_is_none),
        A120(a_replayed_answer_is_none),
        A120(product_data),
        A110(product_data_of_a_real_a110),
        A120(command_authorisation),
        A120(echo),
        A120(random_bytes),
        A120(life_cycle),
        A120(partition),
        A120(private_key_table),
        A120(read_a_zone),
        A120(update_a_zone_atomically),
        A120(generate),
        A120(sign),
        A120(verify_result),
        A120(ecdh),
        A120(host_key),
        A110(host_key),
        A120(a_read_of_an_a120),
        A110(a_read_of_an_a110),
        A120(an_encrypted_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
