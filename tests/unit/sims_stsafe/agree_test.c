/*
 * agree_test.c: host keys of an A120, in clear and agreed; symmetric keys agreed; who may sign for
 * them.
 *
 * The last part has what ST's host library sent for fixed keys, and what it made of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "sims/stsafe/uncertain.h"

#define SALT "E45D4CFD2015DE9E0AA9A9F6A49F45100F99D9633FB1B2DDDBEEE675D54DE25B"

/* ---- Host keys of an A120 ------------------------------------------------------------------------ */

static void
host_keys_in_clear(void **state)
{
    static const struct refusal cases[] = {
        {"1F 07", 0x02},
        {"1F 07 00000000", 0x02},
        {"1F 07 00000100" DIGEST_256, 0x03},
        {"1F 07 00000002" DIGEST_256, 0x03},
        {"1F 07 00000001" DIGEST_256, 0x03},
        {"1F 07 00000000" DIGEST_256 DIGEST_256, 0x03},
        {"1F 07 00000000" DIGEST_256 "00", 0x02},
    };
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(p.holder.stored, 0);
    assert_int_equal(part_send_hex(&p, "1F 07 00000001" DIGEST_256 DIGEST_256), 0);
    memset(&ch, 0, sizeof(ch));
    ch.key_len = 32;
    ch.counter_size = 4;
    (void)hex_read(DIGEST_256, ch.mac, 32);
    (void)hex_read(DIGEST_256, ch.cipher, 32);
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "0102"), 0);
    assert_int_equal(part_send_hex(&p, "14 47"), 0);
    part_expect(&p, "01 01 00000001");
    assert_int_equal(part_send_hex(&p, "1F 07 00000000" DIGEST_256), 0x11);
    assert_int_equal(channel_send_hex(&ch, &p, 0x1F07, "00000000" DIGEST_256), 0);
    part_done(&p);
    /* A part that takes no key in clear. */
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "10 4A 01FF"), 0);
    assert_int_equal(part_send_hex(&p, "1F 07 00000000" DIGEST_256), 0x11);
    part_done(&p);
}

/* The host's key pair of these tests, and what it agrees on with a part. */
static const uint8_t host_private[32] = {[31] = 0x07};

static void
derive(const uint8_t *chip_point, int chip_first, uint8_t *out, size_t len)
{
    uint8_t salt[32], own[SIM_POINT_MAX], secret[SIM_KEY_MAX], prk[32], info[128];

    (void)hex_read(SALT, salt, sizeof(salt));
    assert_true(sim_curve_public(SIM_CURVE_P256, host_private, own));
    assert_true(sim_curve_agree(SIM_CURVE_P256, host_private, chip_point, secret));
    memcpy(info + (chip_first ? 0 : 64), chip_point, 64);
    memcpy(info + (chip_first ? 64 : 0), own, 64);
    assert_true(sim_hkdf_extract(RS_BYTES(salt), rs_bytes_of(secret, 32), prk));
    assert_true(sim_hkdf_expand(prk, RS_BYTES(info), out, len));
}

/* "0008 OID 04 0020 X 0020 Y" of the host. */
static void
put_host_public(char *text)
{
    uint8_t own[SIM_POINT_MAX];
    char hex[65];

    assert_true(sim_curve_public(SIM_CURVE_P256, host_private, own));
    strcat(text, P256 "04 0020");
    put_hex(hex, own, 32);
    strcat(text, hex);
    strcat(text, "0020");
    put_hex(hex, own + 32, 32);
    strcat(text, hex);
}

static void
start_kek(struct part *p, uint8_t kek[32])
{
    uint8_t chip_point[64];
    char text[400] = "1F 03";

    assert_int_equal(part_send_hex(p, "1F 0B" P256), 0);
    take_point(p->payload + 10, 32, chip_point);
    put_host_public(text);
    strcat(text, "01");
    assert_int_equal(part_send_hex(p, text), 0);
    derive(chip_point, 1, kek, 32);
}

static void
build_envelope(const uint8_t kek[32], unsigned number, const uint8_t *plain, size_t len, char *text)
{
    uint8_t key[32], prk[32], salt[32], wrapped[80];
    const uint8_t info[3] = {0x10, 0x11, (uint8_t)number};

    (void)hex_read(SALT, salt, sizeof(salt));
    assert_true(sim_hkdf_extract(RS_BYTES(salt), rs_bytes_of(kek, 32), prk));
    assert_true(sim_hkdf_expand(prk, RS_BYTES(info), key, sizeof(key)));
    assert_true(sim_aes_wrap((struct sim_aes){key, 32}, rs_bytes_of(plain, len), wrapped));
    strcat(text, "1F 08");
    put_hex(text + strlen(text), wrapped, len + 8);
}

static void
host_keys_in_envelopes(void **state)
{
    static const struct refusal cases[] = {
        {"1F 03", 0x02},
        {"1F 03" P256, 0x02},
        {"1F 03" ED25519, STSAFE_U_KEY_KIND_STATUS},
        {"1F 03" P256 "04 0020" DIGEST_256 "0020" DIGEST_256 "01", 0x19},
        {"1F 03" P256 "04 0020" DIGEST_256 "0020" DIGEST_256 "02", 0x03},
        {"1F 06", 0x07},
        {"1F 06 00", 0x02},
        {"1F 08 00", 0x02},
        {"1F 08" DIGEST_256 "000102030405060708090A0B0C0D0E0F", 0x07},
        {"1F 0B", 0x02},
        {"1F 0B 0001 00", 0x03},
    };
    uint8_t kek[32], plain[40] = {0};
    char text[400] = "1F 03";
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    EXPECT_REFUSALS(&p, cases);
    put_host_public(text);
    strcat(text, "01");
    assert_int_equal(part_send_hex(&p, text), 0x0A); /* the part has no key of its own yet */
    start_kek(&p, kek);
    (void)hex_read(DIGEST_256, plain + 4, 32);
    plain[36] = 0x80;
    text[0] = '\0';
    build_envelope(kek, 2, plain, sizeof(plain), text); /* the second's key, first */
    assert_int_equal(part_send_hex(&p, text), STSAFE_U_UNWRAP_STATUS);
    plain[37] = 1; /* no padding; and an envelope is tried once */
    text[0] = '\0';
    build_envelope(kek, 2, plain, sizeof(plain), text);
    assert_int_equal(part_send_hex(&p, text), STSAFE_U_UNWRAP_STATUS);
    plain[37] = 0;
    text[0] = '\0';
    build_envelope(kek, 3, plain, sizeof(plain), text);
    assert_int_equal(part_send_hex(&p, text), 0);
    assert_memory_equal(p.chip.nvm.host.mac, plain + 4, 16);
    assert_memory_equal(p.chip.nvm.host.cipher, plain + 20, 16);
    assert_int_equal(part_send_hex(&p, "1F 06"), 0);
    assert_int_equal(part_send_hex(&p, text), 0x07);
    part_done(&p);
}

/* The part's next key pair, of P-256. */
static void
draw_key(struct part *p, uint8_t chip_point[64])
{
    assert_int_equal(part_send_hex(p, "1F 0B" P256), 0);
    take_point(p->payload + 10, 32, chip_point);
}

static void
host_keys_agreed(void **state)
{
    uint8_t keys[64], chip_point[64];
    char text[400] = "1F 18";
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    put_host_public(text);
    strcat(text, "03");
    assert_int_equal(part_send_hex(&p, text), 0x02);
    strcat(text, "01");
    assert_int_equal(part_send_hex(&p, text), 0x0A); /* the part has no key of its own yet */
    draw_key(&p, chip_point);
    assert_int_equal(part_send_hex(&p, text), 0);
    assert_int_equal(p.len, 0);
    derive(chip_point, 0, keys, 64);
    assert_int_equal(p.chip.nvm.host.len, 32);
    assert_memory_equal(p.chip.nvm.host.mac, keys, 32);
    assert_memory_equal(p.chip.nvm.host.cipher, keys + 32, 32);
    assert_int_equal(part_send_hex(&p, text), 0x11);
    part_done(&p);
}

/* Asks for a challenge, and writes the command that answers it with the host's key. */
static void
answer_challenge(struct part *p, char text[400])
{
    uint8_t digest[32], rs[64];
    char hex[65];

    assert_int_equal(part_send_hex(p, "1F 0E"), 0);
    assert_int_equal(sim_hash(SIM_HASH_SHA256, rs_bytes_of(p->payload, 16), digest), 32);
    assert_true(sim_curve_sign(SIM_CURVE_P256, host_private, digest, 32, p->holder.host.random,
                               &p->holder, rs));
    put_hex(hex, rs, 32);
    (void)snprintf(text, 400, "1F 0F 00 01 0020 %s 0020", hex);
    put_hex(hex, rs + 32, 32);
    strcat(text, hex);
}

static void
entities_are_challenged(void **state)
{
    char text[400] = "1F 0A 01";
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    assert_int_equal(part_send_hex(&p, "1F 0A 03" P256 "00"), 0x03);
    assert_int_equal(part_send_hex(&p, "1F 0A 01" P256 "04"), 0x02);
    assert_int_equal(part_send_hex(&p, "1F 0A 01" P256 "04 0020" DIGEST_256 "0020" DIGEST_256),
                     0x19);
    assert_int_equal(part_send_hex(&p, "1F 0F 00 01 00"), 0x0A);
    assert_int_equal(part_send_hex(&p, "1F 0F 00 05 00"), 0x03);
    put_host_public(text);
    assert_int_equal(part_send_hex(&p, text), 0);
    assert_int_equal(part_send_hex(&p, "14 4C 01"), 0);
    assert_int_equal(p.len, 3 + 10 + 69);
    assert_memory_equal(p.payload, "\x01\x00\x1F", 3);
    assert_int_equal(part_send_hex(&p, "1F 0E 00"), 0x02);
    answer_challenge(&p, text);
    assert_int_equal(part_send_hex(&p, text), 0);
    part_expect(&p, "01");
    assert_int_equal(part_send_hex(&p, text), 0x17); /* answered */
    assert_int_equal(part_send_hex(&p, "1F 0E"), 0);
    assert_int_equal(part_send_hex(&p, text), 0);
    part_expect(&p, "00");
    /* A key that may sign for other things only, and rights that nobody changes any more. */
    assert_int_equal(part_send_hex(&p, "10 4D 01 0020"), 0x03);
    assert_int_equal(part_send_hex(&p, "10 4D 03 0000"), 0x03);
    assert_int_equal(part_send_hex(&p, "10 4D 01 00"), 0x02);
    assert_int_equal(part_send_hex(&p, "14 4D 01"), STSAFE_U_TAG_STATUS);
    assert_int_equal(part_send_hex(&p, "10 4D 01 0016"), 0);
    assert_int_equal(part_send_hex(&p, "1F 0E"), 0);
    assert_int_equal(part_send_hex(&p, text), STSAFE_U_KEY_MODE_STATUS);
    assert_int_equal(part_send_hex(&p, "10 4D 01 001F"), 0x11);
    part_done(&p);
}

/* What is for an authenticated host takes both: the host's C-MAC, and an entity that answered last. */
static void
entities_open_zones(void **state)
{
    char text[400] = "1F 0A 01";
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    put_host_public(text);
    assert_int_equal(part_send_hex(&p, text), 0);
    assert_int_equal(part_send_hex(&p, "06 16 02 0000"), 0);
    assert_int_equal(channel_send_hex(&ch, &p, 0x06, "00 02 0000 01"), 0x11);
    for (int again = 0; again < 2; again++) {
        answer_challenge(&p, text);
        assert_int_equal(part_send_hex(&p, text), 0);
        assert_int_equal(part_send_hex(&p, "06 00 02 0000 01"), 0x11);
        assert_int_equal(channel_send_hex(&ch, &p, 0x06, "00 02 0000 01"), 0);
        if (again == 0) { /* the same answer to another challenge is wrong */
            assert_int_equal(part_send_hex(&p, "1F 0E"), 0);
            assert_int_equal(part_send_hex(&p, text), 0);
            part_expect(&p, "00");
        } else {
            p.model->set_power(&p.chip, 0);
            p.model->set_power(&p.chip, 1);
            part_advance(&p, 10000);
        }
        assert_int_equal(channel_send_hex(&ch, &p, 0x06, "00 02 0000 01"), 0x11);
    }
    part_done(&p);
}

/* ---- What ST's host library sends ----------------------------------------------------------------- */

/*
 * STSELib b6c2faa with the private key 05..05 for the host, over a part whose ephemeral key is
 * 31..31; the keys that it put are 01, 02, 03...
 */
#define HOST_05                                                                                    \
    P256 "04 0020 07810EA974CEA5773E63B897F37E3BE9A09E7A5FE9B971A44D1065AC2A3A9311"                \
         "0020 637E47A4F99464A0FDCE44A88EC7D703A9183C1D06552D9E2D6B76069481C577"
#define MAC_KEY    "4DFAA5BA61C14A7E44BC7E8147658802"
#define CIPHER_KEY "3303F4D5CA7FE4349620629961371CA1"

static void
init_31(struct part *p)
{
    part_init(p, "blank-a120");
    memset(p->holder.random, 0x31, 32);
    p->holder.random_len = 32;
    assert_int_equal(part_send_hex(p, "1F 0B" P256), 0);
}

static void
expect_hex(const uint8_t *got, const char *hex)
{
    uint8_t want[64];

    assert_memory_equal(got, want, hex_read(hex, want, sizeof(want)));
}

static void
the_library_puts_wrapped_keys(void **state)
{
    struct part p;

    (void)state;
    init_31(&p);
    assert_int_equal(part_send_hex(&p, "1F 03" HOST_05 "01"), 0);
    assert_int_equal(
        part_send_hex(&p, "1F 08 F8764441DC2401293E45E97C837AACA67D354F0A783F52B3F98A74D5F7084CF9"
                          "06F89CBF077D67AC94F544BA28F8A8A51271EF2126899DF6ABB90B60254AFE01"
                          "75F065097DD7A53E18BA1D9316855E6B"),
        0);
    expect_hex(p.chip.nvm.host.mac,
               "0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20");
    expect_hex(p.chip.nvm.host.cipher,
               "2122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F40");
    assert_int_equal(part_send_hex(&p, "1F 06"), 0);
    part_done(&p);
    init_31(&p);
    assert_int_equal(part_send_hex(&p, "1F 03" HOST_05 "01"), 0);
    assert_int_equal(
        part_send_hex(&p, "1F 09 B4031DEC5103FFF7F896E1643DD19C2FF9275F3FFC2A2AF8CD2DAC82BB6108CD"),
        0);
    expect_hex(p.chip.nvm.symmetric[7].key, "0102030405060708090A0B0C0D0E0F10");
    assert_int_equal(p.chip.nvm.symmetric[7].mode, STSAFE_MODE_CMAC);
    part_done(&p);
}

static void
the_library_agrees(void **state)
{
    struct part p;

    (void)state;
    init_31(&p);
    assert_int_equal(part_send_hex(&p, "1F 18" HOST_05 "03 00"), 0);
    expect_hex(p.chip.nvm.host.mac, MAC_KEY);
    expect_hex(p.chip.nvm.host.cipher, CIPHER_KEY);
    part_done(&p);
    init_31(&p);
    assert_int_equal(part_send_hex(&p, "1F 04" HOST_05 "02"), 0);
    assert_int_equal(part_send_hex(&p, "1F 05 BBF849665B942C69 0007 00 07 00 01 0002 08"
                                       "0007 00 08 01 01 0002 08"),
                     0);
    expect_hex(p.chip.nvm.symmetric[7].key, "4F665C92675B4E60DC205E49D33ED39E");
    expect_hex(p.chip.nvm.symmetric[8].key,
               "9BF57377328F25A565300BD2340E7C1966B056E8D4D6335A6CC77EC6F6CB6933");
    part_done(&p);
}

static void
the_library_signs(void **state)
{
    static const char host_keys[] =
        "1F 18" HOST_05 "03 00 00 02" SHA256
        "0020 E8F701E9DA313C607D5DD02D0824C1ED0FB14D1AA91CEE39DF1CD38FACD3D192"
        "0020 B78EAB0138D4DB80625E2F505DEDB97A0B7C6F76D4C98D777E2F69227F0435BB";
    struct part p;

    (void)state;
    init_31(&p);
    assert_int_equal(part_send_hex(&p, host_keys), 0x0A); /* nobody's key is there */
    assert_int_equal(part_send_hex(&p, "1F 0A 02" HOST_05), 0);
    assert_int_equal(part_send_hex(&p, host_keys), 0x11); /* not the one that control names */
    assert_int_equal(part_send_hex(&p, "10 4A 08 02"), 0);
    assert_int_equal(part_send_hex(&p, "1F 18" HOST_05 "03 00"), 0x11); /* nobody signed */
    assert_int_equal(part_send_hex(&p, host_keys), 0);
    expect_hex(p.chip.nvm.host.mac, MAC_KEY);
    expect_hex(p.chip.nvm.host.cipher, CIPHER_KEY);
    part_done(&p);
    init_31(&p);
    assert_int_equal(part_send_hex(&p, "1F 0A 02" HOST_05), 0);
    assert_int_equal(part_send_hex(&p, "10 4B 07 08 FF 02"), 0);
    assert_int_equal(
        part_send_hex(&p, "1F 04" HOST_05 "02 00 02" SHA256
                          "0020 A18B6C1EF4EA15D8F625C6BD47D4896B81A3A789FAFD6977A2910EDCC07F6501"
                          "0020 EE43409DC3BE5C6C0F472A3C385B0AAD3769ECE502D395B08D6D299E466F1C7C"),
        0);
    assert_int_equal(part_send_hex(&p, "1F 05 21E836CE34EFD9F8 0007 00 07 00 01 0002 08"), 0);
    expect_hex(p.chip.nvm.symmetric[7].key, "4F665C92675B4E60DC205E49D33ED39E");
    part_done(&p);
}

/* ---- What is refused of it ------------------------------------------------------------------------ */

static void
signatures_are_checked(void **state)
{
    static const struct refusal cases[] = {
        {"1F 18" HOST_05 "03 00 00", 0x02},
        {"1F 18" HOST_05 "03 00 01 02", 0x03},
        {"1F 18" HOST_05 "03 00 00 03", 0x03},
        {"1F 18" HOST_05 "03 00 00 01", 0x0A},
        {"1F 18" HOST_05 "03 00 00 02", 0x02},
        {"1F 18" HOST_05 "03 00 00 02 0000", 0x03},
        {"1F 18" HOST_05 "03 00 00 02" SHA256, 0x02},
        {"1F 18" HOST_05 "03 00 00 02" SHA256 "0020" DIGEST_256 "0020" DIGEST_256 "00", 0x02},
        {"1F 18" HOST_05 "03 00 00 02" SHA256 "0020" DIGEST_256 "0020" DIGEST_256,
         STSAFE_U_WRONG_SIGNATURE_STATUS},
    };
    struct part p;

    (void)state;
    init_31(&p);
    assert_int_equal(part_send_hex(&p, "1F 0A 02" HOST_05), 0);
    assert_int_equal(part_send_hex(&p, "10 4A 08 02"), 0);
    EXPECT_REFUSALS(&p, cases);
    /* One that may not sign for host keys. */
    assert_int_equal(part_send_hex(&p, "10 4D 02 000F"), 0);
    assert_int_equal(part_send_hex(&p, cases[8].command), STSAFE_U_KEY_MODE_STATUS);
    assert_int_equal(p.chip.nvm.host.len, 0);
    part_done(&p);
}

static void
symmetric_agreements_refuse(void **state)
{
    static const struct refusal cases[] = {
        {"1F 04 00", 0x02},
        {"1F 04" HOST_05 "01", 0x03},
        {"1F 05", 0x02},
        {"1F 05 BBF849665B942C69", 0x02},
        {"1F 05 BBF849665B942C69 0007 00 07 00 01 0002 08", 0x07},
    };
    static const struct refusal lists[] = {
        {"1F 05 BBF849665B942C69 0007 00 07 00 01 0002", 0x02},
        {"1F 05 BBF849665B942C69 0008 00 07 00 01 0002 08 00", 0x02},
        {"1F 05 BBF849665B942C69 0007 00 10 00 01 0002 08", 0x03},
        {"1F 05 BBF849665B942C69 0007 00 07 00 01 0002 08 0007 00 07 00 01 0002 08", 0x03},
        {"1F 05 BBF849665B942C69 0007 00 06 00 01 0002 08", 0x11}, /* takes none of these */
        {"1F 05 BBF849665B942C69 0007 00 07 00 01 0002 08", STSAFE_U_CONFIRM_STATUS},
    };
    struct part p;
    unsigned stored;

    (void)state;
    init_31(&p);
    EXPECT_REFUSALS(&p, cases);
    assert_int_equal(part_send_hex(&p, "10 4B 06 3E FF FF"), 0);
    stored = p.holder.stored;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_int_equal(part_send_hex(&p, "1F 04" HOST_05 "02"), 0);
        expect_refusals(&p, lists + i, 1);
        assert_int_equal(part_send_hex(&p, lists[5].command), 0x07); /* one try */
    }
    assert_int_equal(p.holder.stored, stored);
    part_done(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_keys_in_clear),     cmocka_unit_test(host_keys_in_envelopes),
        cmocka_unit_test(host_keys_agreed),       cmocka_unit_test(entities_are_challenged),
        cmocka_unit_test(entities_open_zones),    cmocka_unit_test(the_library_puts_wrapped_keys),
        cmocka_unit_test(the_library_agrees),     cmocka_unit_test(the_library_signs),
        cmocka_unit_test(signatures_are_checked), cmocka_unit_test(symmetric_agreements_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
