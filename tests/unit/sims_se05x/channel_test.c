/*
 * channel_test.c: platform channel, new keys, sessions, and the states of the part as a whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* ---- Platform channel ----------------------------------------------------------------------- */

static void
channel_refused(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(part_apdu(&p, "80500C00080001020304050607"), 0x6A88); /* no such keys */
    assert_int_equal(part_apdu(&p, "80500B01080001020304050607"), 0x6A86);
    assert_int_equal(part_apdu(&p, "80500B000700010203040506"), 0x6700);
    /* Not without a challenge, not with a wrong cryptogram, and then not with the right one. */
    assert_int_equal(part_apdu(&p, "848233001000000000000000000000000000000000"), 0x6982);
    assert_int_equal(part_apdu(&p, "80500B00080001020304050607"), 0x9000);
    assert_int_equal(part_apdu(&p, "848203001000000000000000000000000000000000"), 0x6A86);
    assert_int_equal(part_apdu(&p, "848233001000000000000000000000000000000000"), 0x6982);
    assert_int_equal(p.chip->scp.state, SE05X_SCP_CLOSED);
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), PART_SILENT);
    p.bend_cryptogram = 1;
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x6982);
    assert_int_equal(p.chip->scp.state, SE05X_SCP_CLOSED);
    /* Version 00 is the only key set there is. */
    assert_int_equal(part_apdu(&p, "80500000080001020304050607"), 0x9000);
    assert_int_equal(p.answer[10], 0x0B);
    part_done(&p);
}

static void
both_generations_open(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    expect(&p, "80040020", "", 0x9000, "4107 0301006FFF010B");
    part_done(&p);
    part_ready(&p, &se051_model);
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
    expect(&p, "80040020", "", 0x9000, "4107 0702006FFF010B");
    part_done(&p);
}

/* Commands with data and without, refused and not, with no answer and with a long one. */
static void
every_command_counts(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
    for (int i = 0; i < 3; i++) {
        expect(&p, "80040020", "", 0x9000, "4107 0702006FFF010B");
        expect(&p, "80040049", "4102 0010", 0x9000, NULL);
        expect(&p, "80040027", "4104 EF000070", 0x9000, "410102");
        expect(&p, "80020000", "4104 EF000070", 0x6985, "");
        expect(&p, "800400EE", "", 0x6A86, "");
        expect(&p, "80010600", "4104 20000001 4302 0001 4401 01", 0x9000, "");
        expect(&p, "80040049", "4102 0400", 0x9000, NULL);
        assert_int_equal(p.len, 1028);
    }
    part_done(&p);
}

static void
data_less_commands_may_not_count(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    assert_true(p.model->set_quirk(p.chip, "count-otherwise"));
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
    p.scp.skip_dataless = 1;
    for (int i = 0; i < 3; i++) {
        expect(&p, "80040049", "4102 0010", 0x9000, NULL);
        expect(&p, "80040020", "", 0x9000, "4107 0702006FFF010B");
    }
    part_done(&p);
}

/* Platform SCP03 of applets before 4.3, as the vendor's library has it. */
static void
older_parts_do_not_count_commands_without_data(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    for (int otherwise = 0; otherwise < 2; otherwise++) {
        assert_true(p.model->set_quirk(p.chip, otherwise ? "count-otherwise" : "none"));
        assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
        p.scp.skip_dataless = !otherwise;
        for (int i = 0; i < 3; i++) {
            expect(&p, "80040020", "", 0x9000, NULL);
            expect(&p, "80040049", "4102 0010", 0x9000, NULL);
        }
    }
    part_done(&p);
}

static void
wrapped_payload_and_its_limit(void **state)
{
    uint8_t data[1024] = {0x41, 0x01, 0x04, 0x42, 0x82};
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    rs_set_u16(data + 5, 892 - 7);
    assert_int_equal(part_run_bytes(&p, "8003000E", data, 892), 0x9000);
    rs_set_u16(data + 5, 893 - 7);
    assert_int_equal(part_run_bytes(&p, "8003000E", data, 893), 0x6700);
    part_done(&p);
}

static void
broken_commands_close_the_channel(void **state)
{
    static const uint8_t header[4] = {0x80, 0x04, 0x00, 0x49};
    static const uint8_t data[4] = {0x41, 0x02, 0x00, 0x10};
    uint8_t out[64];
    char hex[129];

    (void)state;
    /* Each byte of a wrapped command that is not header or Lc. */
    for (size_t i = 5; i < 29; i += 4) {
        struct part p;
        size_t len;

        part_ready(&p, &se050_model);
        assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
        len = host_wrap(&p.scp, header, data, sizeof(data), out);
        out[i] ^= 0x10;
        rs_hex(rs_bytes_of(out, len), hex, sizeof(hex));
        assert_int_equal(part_apdu(&p, hex), 0x6982);
        out[i] ^= 0x10;
        rs_hex(rs_bytes_of(out, len), hex, sizeof(hex));
        assert_int_equal(part_apdu(&p, hex), 0x6982);
        part_done(&p);
    }
}

static void
plain_and_odd_commands_in_a_channel(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(part_apdu(&p, "8404002008 0000000000000000"), 0x6982); /* none is open */
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    assert_int_equal(part_apdu(&p, "8004002000"), 0x6982);
    expect(&p, "80040020", "", 0x9000, NULL); /* it is still open */
    assert_int_equal(part_apdu(&p, "8404002007 00000000000000"), 0x6982);
    assert_int_equal(part_apdu(&p, "8004002000"), 0x9000); /* now it is not */
    /* A selection ends it. */
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_apdu(&p, "8004002000"), 0x9000);
    part_done(&p);
}

/* ---- New keys ------------------------------------------------------------------------------------ */

#define NEW_ENC "404142434445464748494A4B4C4D4E4F"
#define NEW_MAC "505152535455565758595A5B5C5D5E5F"
#define NEW_DEK "606162636465666768696A6B6C6D6E6F"

/* 88 11 10 key 03 check value, under the old DEK. */
static size_t
put_key_block(uint8_t *out, const char *dek_hex, const char *key_hex)
{
    uint8_t dek[16], key[16], ones[16], wrapped[16];

    (void)unhex(dek_hex, dek, sizeof(dek));
    (void)unhex(key_hex, key, sizeof(key));
    memset(ones, 1, sizeof(ones));
    memcpy(out, "\x88\x11\x10", 3);
    assert_true(se05x_aes_block(dek, 16, key, wrapped));
    memcpy(out + 3, wrapped, sizeof(wrapped));
    out[19] = 0x03;
    assert_true(se05x_aes_block(key, 16, ones, ones));
    memcpy(out + 20, ones, 3);
    return 23;
}

static size_t
put_keys(uint8_t out[70], const char *dek)
{
    size_t n = 1;

    out[0] = 0x0B;
    n += put_key_block(out + n, dek, NEW_ENC);
    n += put_key_block(out + n, dek, NEW_MAC);
    n += put_key_block(out + n, dek, NEW_DEK);
    return n;
}

static void
keys_are_rotated(void **state)
{
    uint8_t data[70];
    char locks[64];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    assert_int_equal(put_keys(data, SE050_DEK), sizeof(data));
    assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data)), 0x6982); /* no channel */
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    assert_int_equal(part_run_bytes(&p, "80D80C81", data, sizeof(data)), 0x6A86);
    assert_int_equal(part_run_bytes(&p, "80D80B01", data, sizeof(data)), 0x6A86);
    assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data) - 1), 0x6A80);
    for (size_t i = 0; i < sizeof(data); i += 7) {
        data[i] ^= 0x80; /* version, type, length, key, check value */
        assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data)), 0x6A80);
        data[i] ^= 0x80;
    }
    assert_int_equal(p.stored, 0);
    p.model->get_locks(p.chip, locks, sizeof(locks));
    assert_string_equal(locks, "");
    assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data)), 0x9000);
    assert_int_equal(p.stored, 1);
    assert_int_equal(p.len, 10);
    assert_memory_equal(p.answer + 1, data + 21, 3);
    p.model->get_locks(p.chip, locks, sizeof(locks));
    assert_string_equal(locks, "keys-rotated");
    /* The channel that is open goes on; the next one has the new keys. */
    expect(&p, "80040020", "", 0x9000, NULL);
    p.scp.open = 0;
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), PART_SILENT);
    assert_int_equal(part_open_channel(&p, NEW_ENC, NEW_MAC), 0x9000);
    part_done(&p);
}

/* The supplementary security domain takes them too, and knows no command of the applet. */
static void
keys_through_the_domain(void **state)
{
    uint8_t data[70];
    struct part p;

    (void)state;
    part_init(&p, &se051_model);
    assert_int_equal(part_apdu(&p, "00A404000B D276000085304A434F9003 00"), 0x9000);
    assert_int_equal(part_apdu(&p, "8004002000"), 0x6D00);
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
    (void)put_keys(data, SE051_DEK);
    assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data)), 0x9000);
    part_done(&p);
}

/* ---- UserID sessions -------------------------------------------------------------------------------- */

static void
user_ids_refused(void **state)
{
    struct part p;
    uint8_t session[8];

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010700", "4104 7DA00001 4204 01020304", 0x6A80, ""); /* no credential */
    expect(&p, "80410700", "4104 7DA00001 4203 010203", 0x6A80, "");
    expect(&p, "80410700", "4104 7DA00001 4211 0102030405060708090A0B0C0D0E0F1011", 0x6A80, "");
    expect(&p, "80410700", "4104 7DA00001", 0x6A80, "");
    make_user_id(&p, 0x7DA00001, 3);
    expect(&p, "80410700", "4104 7DA00001 4204 01020304", 0x6985, ""); /* written once */
    expect(&p, "80020000", "4104 7DA00001", 0x6985, "");
    assert_int_equal(part_create_session(&p, 0x7DA00002, session), 0x6985);
    assert_int_equal(part_create_session(&p, 0xF0000012, session), 0x6985); /* no credential */
    assert_int_equal(part_create_session(&p, 0x7DA00001, session), 0x9000);
    assert_int_equal(part_in_session(&p, session, "8004002000"), 0x6982);
    assert_int_equal(part_in_session(&p, session, "80500000080001020304050607"), 0x6982);
    expect(&p, "80050000", "1008 0000000000000000 4105 8004002000", 0x6985, "");
    expect(&p, "80050000", "1007 00000000000000 4105 8004002000", 0x6A80, "");
    expect(&p, "80050000", "4105 8004002000", 0x6A80, "");
    assert_int_equal(part_in_session(&p, session, "800400"), 0x6700);
    /* Outside a session there is nothing to verify or to close. */
    expect(&p, "8004002C", "4105 C001020304", 0x6985, "");
    expect(&p, "8004001C", "", 0x6985, "");
    part_done(&p);
}

static void
attempts_run_out(void **state)
{
    struct part p;
    uint8_t session[8];

    (void)state;
    part_ready(&p, &se050_model);
    make_user_id(&p, 0x7DA00001, 3);
    assert_int_equal(part_create_session(&p, 0x7DA00001, session), 0x9000);
    assert_int_equal(part_in_session(&p, session, "8004002C 04 4102C001"), 0x6985);
    assert_int_equal(part_in_session(&p, session, "8004002C 07 4105C001020305"), 0x6985);
    /* A success gives them all back. */
    assert_int_equal(part_in_session(&p, session, "8004002C 07 4105C001020304"), 0x9000);
    assert_int_equal(part_in_session(&p, session, "8004002C 07 4105C001020304"), 0x6985);
    expect(&p, "8002003B", "4104 7DA00001", 0x9000,
           "42 18 7DA00001 0C 02 0000 00000000 0003 08 00000000 003C0000 01");
    assert_int_equal(part_in_session(&p, session, "8004001C"), 0x9000);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(part_create_session(&p, 0x7DA00001, session), 0x9000);
        assert_int_equal(part_in_session(&p, session, "8004002C 07 4105C001020305"),
                         i < 3 ? 0x6985 : 0x6983);
        assert_int_equal(part_in_session(&p, session, "8004001C"), 0x9000);
    }
    /* Neither power nor another selection helps. */
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_create_session(&p, 0x7DA00001, session), 0x6983);
    part_done(&p);
}

static void
sessions_come_and_go(void **state)
{
    struct part p;
    uint8_t a[8], b[8], c[8];

    (void)state;
    part_ready(&p, &se050_model);
    make_user_id(&p, 0x7DA00001, 0);
    open_user_session(&p, 0x7DA00001, a);
    open_user_session(&p, 0x7DA00001, b);
    assert_int_equal(part_create_session(&p, 0x7DA00001, c), 0x6985); /* two at a time */
    assert_int_equal(part_in_session(&p, a, "8004002000"), 0x9000);
    assert_int_equal(part_in_session(&p, a, "8004001B 06 41047DA00001"), 0x6985); /* not inside */
    {
        char nested[64];

        (void)snprintf(nested, sizeof(nested), "80050000 11 1008 %s 4105 8004002000",
                       "0000000000000000");
        assert_int_equal(part_in_session(&p, a, nested), 0x6985);
    }
    assert_int_equal(part_in_session(&p, a, "8004001C"), 0x9000);
    assert_int_equal(part_in_session(&p, a, "8004002000"), 0x6985);
    assert_int_equal(part_in_session(&p, b, "8004002000"), 0x9000);
    assert_int_equal(part_create_session(&p, 0x7DA00001, c), 0x9000);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_in_session(&p, b, "8004002000"), 0x6985);
    /* In the platform's channel as well. */
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    open_user_session(&p, 0x7DA00001, a);
    assert_int_equal(part_in_session(&p, a, "80040049 04 41020010"), 0x9000);
    assert_int_equal(p.len, 18);
    part_done(&p);
}

/* ---- Sessions of keys -------------------------------------------------------------------------------- */

static const uint8_t demo_key[16] = {0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
                                     0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F};

/* A wrapped command inside a session; the answer is unwrapped. */
static unsigned
secure_in_session(struct part *p, struct host_scp *scp, const uint8_t session[8],
                  const char *header, const char *data)
{
    uint8_t head[4], bytes[256], out[300];
    char hex[601];
    size_t len = unhex(data, bytes, sizeof(bytes));
    unsigned sw;

    assert_int_equal(unhex(header, head, sizeof(head)), 4);
    len = host_wrap(scp, head, bytes, len, out);
    rs_hex(rs_bytes_of(out, len), hex, sizeof(hex));
    sw = part_in_session(p, session, hex);
    if (sw == 0x9000)
        assert_true(host_unwrap(scp, p->answer, &p->len, sw));
    return sw;
}

/* The status word of EXTERNAL AUTHENTICATE inside a session of an AES key. */
static unsigned
open_aes(struct part *p, struct host_scp *scp, const uint8_t session[8], const uint8_t key[16])
{
    static const uint8_t header[4] = {0x84, 0x82, 0x33, 0x00};
    uint8_t both[16] = {0, 1, 2, 3, 4, 5, 6, 7}, card[8], host[8], out[64], mac[16];
    char hex[65];
    size_t len = 13;

    assert_int_equal(part_in_session(p, session, "8050000008 0001020304050607"), 0x9000);
    assert_int_equal(p->len, 29);
    assert_memory_equal(p->answer + 10, "\x00\x03\x60", 3);
    memcpy(both + 8, p->answer + 13, 8);
    host_keys(scp, key, key, both, card, host);
    memcpy(out, header, 4);
    out[4] = 0x10;
    memcpy(out + 5, host, 8);
    assert_true(se05x_cmac(scp->mac, 16, RS_BYTES(scp->chain), rs_bytes_of(out, len), mac));
    memcpy(scp->chain, mac, 16);
    memcpy(out + len, mac, 8);
    rs_hex(rs_bytes_of(out, len + 8), hex, sizeof(hex));
    return part_in_session(p, session, hex);
}

static void
aes_session(void **state)
{
    uint8_t session[8], wrong[16] = {1};
    struct host_scp scp;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80410300", "1202 0002 4104 7DA00002 4310 404142434445464748494A4B4C4D4E4F", 0x9000,
           "");
    /* It is a credential, and nothing else. */
    expect(&p, "80030D45", "4104 7DA00002 4201 31 4300", 0x6985, "");
    assert_int_equal(part_create_session(&p, 0x7DA00002, session), 0x9000);
    assert_int_equal(part_in_session(&p, session, "8004002C 07 4105C001020304"), 0x6982);
    assert_int_equal(part_in_session(&p, session, "8050010008 0001020304050607"), 0x6A86);
    assert_int_equal(part_in_session(&p, session, "8050000007 00010203040506"), 0x6700);
    assert_int_equal(part_in_session(&p, session, "8482330010 00000000000000000000000000000000"),
                     0x6985);
    assert_int_equal(open_aes(&p, &scp, session, wrong), 0x6982);
    assert_int_equal(part_in_session(&p, session, "8004002000"), 0x6982);
    assert_int_equal(open_aes(&p, &scp, session, demo_key), 0x9000);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040020", ""), 0x9000);
    expect_answer(&p, "4107 0301006FFF010B");
    assert_int_equal(secure_in_session(&p, &scp, session, "80010600",
                                       "1109 08 7DA00002 00220000 4104 20000001 4302 0001 4401 07"),
                     0x9000);
    assert_int_equal(secure_in_session(&p, &scp, session, "80020000", "4104 20000001"), 0x9000);
    expect_answer(&p, "4101 07");
    expect(&p, "80020000", "4104 20000001", 0x6986, "");
    assert_int_equal(secure_in_session(&p, &scp, session, "80040027", "4103 000000"), 0x6A80);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040049", "4102 0010"), 0x9000);
    assert_int_equal(p.len, 18);
    /* A plain command ends it. */
    assert_int_equal(part_in_session(&p, session, "8004002000"), 0x6982);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040020", ""), 0x6985);
    /* Two wrong tries, and it is blocked. */
    assert_int_equal(part_create_session(&p, 0x7DA00002, session), 0x9000);
    assert_int_equal(open_aes(&p, &scp, session, wrong), 0x6982);
    assert_int_equal(open_aes(&p, &scp, session, wrong), 0x6983);
    assert_int_equal(part_in_session(&p, session, "8050000008 0001020304050607"), 0x6983);
    part_done(&p);
}

/* Inside the platform's channel there are two layers; closing is the last command. */
static void
aes_session_in_the_channel(void **state)
{
    uint8_t session[8];
    struct host_scp scp;
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
    expect(&p, "80410300", "4104 7DA00002 4310 404142434445464748494A4B4C4D4E4F", 0x9000, "");
    assert_int_equal(part_create_session(&p, 0x7DA00002, session), 0x9000);
    assert_int_equal(open_aes(&p, &scp, session, demo_key), 0x9000);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040049", "4102 0020"), 0x9000);
    assert_int_equal(p.len, 34);
    assert_int_equal(secure_in_session(&p, &scp, session, "8004001C", ""), 0x9000);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040020", ""), 0x6985);
    part_done(&p);
}

/* The host's message of an ECKey session, signed with its key. */
static size_t
ec_hello(struct part *p, const uint8_t *key, const uint8_t point[65], uint8_t *out)
{
    static const char head[] = "\xA6\x1D\x4F\x10\xA0\x00\x00\x03\x96\x54\x53\x00\x00\x00\x01\x03"
                               "\x00\x00\x00\x00\x90\x03\xAB\x01\x33\x80\x01\x88\x81\x01\x10"
                               "\x7F\x49\x46\xB0\x41";
    uint8_t digest[32], room[SE05X_SIG_MAX];
    const struct se05x_curve *p256 = se05x_curve_find(3);
    struct rs_buf sig;
    size_t len = sizeof(head) - 1;

    out[0] = 0x84;
    out[1] = 0x88;
    out[2] = out[3] = 0;
    memcpy(out + 5, head, len);
    memcpy(out + 5 + len, point, 65);
    memcpy(out + 5 + len + 65, "\xF0\x01\x03", 3);
    len += 68;
    out[5 + 1] = 18 + 5 + 3 + 3; /* of A6 */
    rs_buf_init_fixed(&sig, room, sizeof(room));
    assert_true(
        se05x_hash(se05x_digest(4), rs_bytes_of(out + 5, len), rs_bytes_of(NULL, 0), digest));
    assert_true(se05x_sign(p256, &p->host, key, RS_BYTES(digest), &sig));
    out[5 + len] = 0x5F;
    out[5 + len + 1] = 0x37;
    out[5 + len + 2] = (uint8_t)sig.len;
    memcpy(out + 5 + len + 3, sig.p, sig.len);
    len += 3 + sig.len;
    out[4] = (uint8_t)len;
    return 5 + len;
}

/* Applet 3.1 hashes the secret as it is, 7.2 with a counter before it. */
static void
ec_session_with(const struct sim_model *model, struct rs_bytes prefix, const char *version)
{
    const struct se05x_curve *p256 = se05x_curve_find(3);
    uint8_t auth[32], auth_point[65], eph[32], eph_point[65], secret[32], master[32], out[300];
    uint8_t all[36], tail[20], session[8], chain[16],
        data[80] = {0x41, 4, 0x7D, 0xA0, 0, 3, 0x42, 1, 3};
    static const uint8_t constants[4] = {0x04, 0x06, 0x07, 0x08};
    uint8_t *keys[4];
    struct host_scp scp = {0};
    struct rs_bytes chip_key;
    char hex[601];
    struct part p;
    size_t len;

    part_ready(&p, model);
    make_curve(&p, 3);
    assert_true(se05x_key_generate(p256, &p.host, auth, auth_point));
    assert_true(se05x_key_generate(p256, &p.host, eph, eph_point));
    data[9] = 0x44;
    data[10] = 65;
    memcpy(data + 11, auth_point, 65);
    assert_int_equal(part_run_bytes(&p, "80412100", data, 76), 0x9000);
    assert_int_equal(part_create_session(&p, 0x7DA00003, session), 0x9000);
    /* Signed by another key; a piece missing; then right. */
    len = ec_hello(&p, eph, eph_point, out);
    rs_hex(rs_bytes_of(out, len), hex, sizeof(hex));
    assert_int_equal(part_in_session(&p, session, hex), 0x6982);
    assert_int_equal(part_in_session(&p, session, "8488000003 A60100"), 0x6A80);
    len = ec_hello(&p, auth, eph_point, out);
    for (size_t i = 5; i < 5 + 36; i++) {
        uint8_t kept = out[i];

        out[i] ^= 0x40; /* everything but the point and the signature must be just this */
        rs_hex(rs_bytes_of(out, len), hex, sizeof(hex));
        assert_int_equal(part_in_session(&p, session, hex), 0x6A80);
        out[i] = kept;
    }
    rs_hex(rs_bytes_of(out, len), hex, sizeof(hex));
    assert_int_equal(part_in_session(&p, session, hex), 0x9000);
    assert_int_equal(p.len, 36);
    assert_memory_equal(p.answer, "\x85\x10", 2);
    assert_memory_equal(p.answer + 18, "\x86\x10", 2);
    /* The host's side of it. */
    chip_key = se05x_public(p.chip, se05x_find(p.chip, 0x7FFF0201));
    assert_true(se05x_agree(p256, eph, chip_key, secret));
    memcpy(tail, p.answer + 2, 16);
    memcpy(tail + 16, "\x01\x33\x88\x10", 4);
    memcpy(all, prefix.p, prefix.len);
    memcpy(all + prefix.len, secret, sizeof(secret));
    assert_true(se05x_hash(se05x_digest(4), rs_bytes_of(all, prefix.len + sizeof(secret)),
                           RS_BYTES(tail), master));
    keys[0] = scp.enc;
    keys[1] = scp.mac;
    keys[2] = scp.rmac;
    keys[3] = chain;
    for (size_t i = 0; i < 4; i++) {
        uint8_t block[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, constants[i], 0, 0, 0x80, 1};

        assert_true(se05x_cmac(master, 16, RS_BYTES(block), rs_bytes_of(NULL, 0), keys[i]));
    }
    memcpy(scp.chain, chain, 16);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040020", ""), 0x9000);
    expect_answer(&p, version);
    assert_int_equal(secure_in_session(&p, &scp, session, "80040049", "4102 0010"), 0x9000);
    part_done(&p);
}

static void
ec_session(void **state)
{
    static const uint8_t counter[4] = {0, 0, 0, 1};

    (void)state;
    ec_session_with(&se050_model, rs_bytes_of(counter, 0), "4107 0301006FFF010B");
    ec_session_with(&se051_model, RS_BYTES(counter), "4107 0702006FFF010B");
}

/* ---- The part as a whole ------------------------------------------------------------------------------ */

static void
transport_lock(void **state)
{
    char locks[64];
    uint8_t session[8];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "8004003E", "4101 02 4201 01", 0x6982, "");
    expect(&p, "8004003E", "4101 03 4201 01", 0x6A80, "");
    make_user_id(&p, 0x7FFF0200, 0);
    expect(&p, "80010600", "4104 20000001 4302 0001", 0x9000, "");
    open_user_session(&p, 0x7FFF0200, session);
    expect(&p, "8002005B", "", 0x9000, "4103 000002");
    assert_int_equal(part_in_session(&p, session, "8004003E 06 410102 420101"), 0x9000);
    expect(&p, "8002005B", "", 0x9000, "4103 010002");
    for (int i = 0; i < 2; i++) {
        p.model->get_locks(p.chip, locks, sizeof(locks));
        assert_string_equal(locks, "transport");
        expect(&p, "80020000", "4104 20000001", 0x6982, "");
        expect(&p, "80010600", "4104 20000002 4302 0001", 0x6982, "");
        expect(&p, "80020000", "4104 7FFF0206", 0x9000, NULL);
        expect(&p, "80040020", "", 0x9000, NULL);
        expect(&p, "80040049", "4102 0010", 0x9000, NULL);
        part_power_cycle(&p); /* it outlives the power */
        assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    }
    open_user_session(&p, 0x7FFF0200, session);
    assert_int_equal(part_in_session(&p, session, "8004003E 06 410102 420100"), 0x9000);
    expect(&p, "80020000", "4104 20000001", 0x9000, "4101 00");
    /* The other kind does not outlive it. */
    assert_int_equal(part_in_session(&p, session, "8004003E 06 410101 420101"), 0x9000);
    expect(&p, "80020000", "4104 20000001", 0x6982, "");
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    expect(&p, "80020000", "4104 20000001", 0x9000, "4101 00");
    part_done(&p);
}

static void
the_channel_is_required(void **state)
{
    uint8_t session[8];
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    expect(&p, "80040052", "4101 01", 0x6982, "");
    expect(&p, "80040052", "4101 03", 0x6A80, "");
    make_user_id(&p, 0x7FFF0207, 0);
    open_user_session(&p, 0x7FFF0207, session);
    assert_int_equal(part_in_session(&p, session, "80040052 03 410101"), 0x9000);
    expect(&p, "80040020", "", 0x6982, "");
    assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
    expect(&p, "80040020", "", 0x9000, NULL);
    open_user_session(&p, 0x7FFF0207, session);
    assert_int_equal(part_in_session(&p, session, "80040052 03 410102"), 0x9000);
    p.scp.open = 0;
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    expect(&p, "80040020", "", 0x9000, NULL);
    part_done(&p);
}

static void
creation_ends(void **state)
{
    uint8_t session[8];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80040057", "4101 02 4201 01", 0x6982, "");
    expect(&p, "80040057", "4101 02 4201 03", 0x6A80, "");
    make_user_id(&p, 0x7FFF020A, 0);
    expect(&p, "80010600", "4104 20000001 4302 0001", 0x9000, "");
    open_user_session(&p, 0x7FFF020A, session);
    assert_int_equal(part_in_session(&p, session, "80040057 06 410102 420101"), 0x9000);
    expect(&p, "80010600", "4104 20000002 4302 0001", 0x6985, "");
    expect(&p, "80010600", "4104 20000001 4401 05", 0x9000, "");
    assert_int_equal(part_in_session(&p, session, "80040057 06 410102 420102"), 0x9000);
    expect(&p, "80010600", "4104 20000001 4401 05", 0x6985, "");
    expect(&p, "80040028", "4104 20000001", 0x6985, "");
    expect(&p, "80020000", "4104 20000001", 0x9000, "4101 05");
    part_done(&p);
}

static void
delete_all(void **state)
{
    uint8_t session[8];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 3);
    make_user_id(&p, 0x7FFF0205, 0);
    make_user_id(&p, 0x7DA00001, 0);
    expect(&p, "80010600", "4104 20000001 4302 0001", 0x9000, "");
    expect(&p, "80010600", "1109 08 00000000 00300000 4104 20000002 4302 0001", 0x9000, "");
    expect(&p, "80011000", "4102 0001 4201 01 4301 04", 0x9000, "");
    expect(&p, "8004002A", "", 0x6982, "");
    open_user_session(&p, 0x7DA00001, session);
    assert_int_equal(part_in_session(&p, session, "8004002A"), 0x6982);
    open_user_session(&p, 0x7FFF0205, session);
    assert_int_equal(part_in_session(&p, session, "8004002A"), 0x9000);
    /* What the factory made, the credential, and what nobody may delete. */
    expect(&p, "80020025", "4102 0000 4201 FF", 0x9000,
           "410101 4228 7FFF0206 7FFF0201 F0000012 F0000013 F0000100 F0000101 F0000102 F0000103 "
           "7FFF0205 20000002");
    expect(&p, "80021025", "", 0x9000, "4100");
    expect(&p, "80016100", "4104 20000001 4201 03", 0x6985, ""); /* the curve went */
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_refused),
        cmocka_unit_test(both_generations_open),
        cmocka_unit_test(every_command_counts),
        cmocka_unit_test(data_less_commands_may_not_count),
        cmocka_unit_test(older_parts_do_not_count_commands_without_data),
        cmocka_unit_test(wrapped_payload_and_its_limit),
        cmocka_unit_test(broken_commands_close_the_channel),
        cmocka_unit_test(plain_and_odd_commands_in_a_channel),
        cmocka_unit_test(keys_are_rotated),
        cmocka_unit_test(keys_through_the_domain),
        cmocka_unit_test(user_ids_refused),
        cmocka_unit_test(attempts_run_out),
        cmocka_unit_test(sessions_come_and_go),
        cmocka_unit_test(aes_session),
        cmocka_unit_test(aes_session_in_the_channel),
        cmocka_unit_test(ec_session),
        cmocka_unit_test(transport_lock),
        cmocka_unit_test(the_channel_is_required),
        cmocka_unit_test(creation_ends),
        cmocka_unit_test(delete_all),
    };

    return cmocka_run_group_tests_name("sims_se05x/channel", tests, NULL, NULL);
}
