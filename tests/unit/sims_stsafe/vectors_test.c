/*
 * vectors_test.c: every byte string of the reference's section 9.
 *
 * Where a part can give the recorded answer it must give exactly that.  Where
 * the recorded answer holds numbers that no part can make (a signature of
 * 33 33 ..), the request must be understood, and the frame layer must give the
 * recorded bytes for the recorded payload.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "harness.h"

#define P256_OID    "2A8648CE3D030107"
#define X32(b)      b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b b
#define COUNT_A0_16 "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
#define COUNT_UP_32 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

/* request and answer: whole frames, CRC included, as they stand in the reference. */
static void
expect_exchange(struct part *p, const char *request, const char *answer)
{
    uint8_t sent[FRAME_MAX], wanted[FRAME_MAX], got[FRAME_MAX];
    size_t sent_len = hex_read(request, sent, sizeof(sent));
    size_t wanted_len = hex_read(answer, wanted, sizeof(wanted));

    assert_true(part_write(p, sent, sent_len));
    assert_true(part_read(p, got, wanted_len));
    assert_memory_equal(got, wanted, wanted_len);
    assert_true(part_read(p, got, wanted_len + 1));
    assert_int_equal(got[wanted_len], 0xFF);
}

/* The request's CRC is right, and the part's verdict is this status. */
static void
expect_status(struct part *p, const char *request, unsigned status)
{
    uint8_t sent[FRAME_MAX], got[5];
    size_t len = hex_read(request, sent, sizeof(sent));

    assert_true(part_write(p, sent, len));
    assert_true(part_read(p, got, sizeof(got)));
    assert_int_equal(got[0], status);
}

/* What the frame layer makes of a payload. */
static void
expect_frame(struct part *p, const char *answer)
{
    uint8_t wanted[FRAME_MAX];
    size_t len = hex_read(answer, wanted, sizeof(wanted));

    stsafe_frame_answer(&p->chip, wanted[0], rs_bytes_of(wanted + 3, len - 5), NULL);
    assert_int_equal(p->chip.answer_len, len);
    assert_memory_equal(p->chip.answer, wanted, len);
}

static void
the_crc_has_its_check_value(void **state)
{
    const uint8_t *digits = (const uint8_t *)"123456789";

    (void)state;
    assert_int_equal(stsafe_crc(0, digits, 9), 0x906E);
    assert_int_equal(stsafe_crc(stsafe_crc(0, digits, 4), digits + 4, 5), 0x906E);
    assert_int_equal(crc_x25(digits, 9), 0x906E);
}

static void
product_data(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    (void)hex_read("000102030405060708", p.chip.nvm.number, 9);
    assert_int_equal(part_send_hex(&p, "14 11"), 0);
    p.len = 16; /* the recorded answer ends here */
    part_expect(&p, "01 03 AA 60 01 02 09 00 01 02 03 04 05 06 07 08");
    expect_status(&p, "14 11 FC BE", 0);
    expect_frame(&p, "00 00 12 01 03 AA 60 01 02 09 00 01 02 03 04 05 06 07 08 FC 8B");
    part_done(&p);
}

static void
queries(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    expect_exchange(&p, "14 24 9A 90", "00 00 0A 00 02 0E 03 02 0F 03 01 EA 62");
    expect_exchange(&p, "00 01 02 03 A7 29", "00 00 05 01 02 03 A7 29");
    (void)hex_read("0001020304050607", p.holder.random, 8);
    p.holder.random_len = 8;
    expect_exchange(&p, "02 00 08 FF 3C", "00 00 0A 00 01 02 03 04 05 06 07 50 96");
    expect_exchange(&p, "14 08 71 FE", "00 00 03 03 3D DC");
    part_done(&p);
    /* The vector's two slots are those of an A110. */
    part_init(&p, "blank-a110");
    expect_exchange(&p, "14 14 AB 13",
                    "00 00 18 02 00 FF FF 00 01 00 04 00 08" P256_OID "01 00 80 00 19 85");
    part_done(&p);
}

/* The recorded partition leaves out zones 1 to 4; a part has no such gap. */
static void
partition(void **state)
{
    static const uint8_t zone_0[] = {0x00, 0x00, 0x07, 0x03, 0xE8};
    static const uint8_t zone_5[] = {0x05, 0x01, 0x08, 0x00, 0x40, 0x00, 0x00, 0x01, 0xF4};
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    p.chip.nvm.zones[5].counter = 500;
    p.chip.nvm.zones[5].access = 0x08;
    expect_status(&p, "14 12 CE 25", 0);
    assert_int_equal(part_send_hex(&p, "14 12"), 0);
    assert_int_equal(p.payload[0], 8);
    assert_memory_equal(p.payload + 1, zone_0, sizeof(zone_0));
    assert_memory_equal(p.payload + 1 + 5 * 5, zone_5, sizeof(zone_5));
    expect_frame(&p, "00 00 11 02 00 00 07 03 E8 05 01 08 00 40 00 00 01 F4 31 DD");
    part_done(&p);
}

static void
zones(void **state)
{
    static const uint8_t written[] = {0xDE, 0xAD, 0xBE, 0xEF};
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    (void)hex_read("A0A1A2A3", p.chip.nvm.memory, 4);
    expect_exchange(&p, "05 00 00 00 00 00 04 3A F7", "00 00 06 A0 A1 A2 A3 33 9F");
    expect_exchange(&p, "06 80 01 00 00 DE AD BE EF 58 DA", "00 00 02 F0 78");
    assert_memory_equal(p.chip.nvm.memory + p.chip.nvm.zones[1].at, written, 4);
    part_done(&p);
}

static void
keys(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    expect_status(&p, "11 13 01 FF FF 00 00 00 08" P256_OID "88 E5", 0);
    assert_int_equal(p.chip.answer_len, 3 + 0x47);
    expect_frame(&p, "00 00 47 04 0020" X32("11") "0020" X32("22") "76 A9");
    expect_status(&p, "16 00 00 20" COUNT_UP_32 "E4 C9", 0);
    assert_int_equal(p.chip.answer_len, 3 + 0x46);
    expect_frame(&p, "00 00 46 0020" X32("33") "0020" X32("44") "CC F3");
    expect_frame(&p, "00 00 03 01 1E CE");
    /* 33 33 .., 44 44 .. is on no curve; first there is no ephemeral key either. */
    expect_status(&p, "18 FF 04 0020" X32("33") "0020" X32("44") "B8 45", 0x0A);
    assert_int_equal(part_send_hex(&p, "11 13 FF FFFF 0000 0008" P256_OID), 0);
    expect_status(&p, "18 FF 04 0020" X32("33") "0020" X32("44") "B8 45", 0x19);
    expect_frame(&p, "00 00 24 0020" X32("55") "93 3E");
    part_done(&p);
}

static void
host_keys(void **state)
{
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    expect_exchange(&p, "14 47 CB 0D", "00 00 08 01 00 00 00 00 05 DF F6");
    part_done(&p);
    part_init(&p, "blank-a110");
    channel_init(&ch, &p);
    expect_exchange(&p, "14 17 99 88", "00 00 06 01 00 00 05 84 61");
    part_done(&p);
}

/* answer: payload and R-MAC, as recorded. */
static void
protected_read(const char *personality, const char *command, const char *answer)
{
    uint8_t sent[FRAME_MAX], wanted[FRAME_MAX];
    size_t len = hex_read(answer, wanted, sizeof(wanted));
    struct channel ch;
    struct part p;

    part_init(&p, personality);
    channel_init(&ch, &p);
    for (unsigned i = 0; i < 16; i++)
        p.chip.nvm.memory[p.chip.nvm.zones[1].at + i] = (uint8_t)(0xA0 + i);
    assert_true(part_write(&p, sent, hex_read(command, sent, sizeof(sent))));
    assert_int_equal(p.chip.answer_len, 3 + len + 2);
    assert_memory_equal(p.chip.answer + 3, wanted, len);
    assert_int_equal(p.chip.nvm.host.counter, 6);
    part_done(&p);
}

static void
protected_reads(void **state)
{
    struct part p;

    (void)state;
    protected_read("blank-a120", "E5 00 01 00 00 00 10 0C E1 BC 67 00 07",
                   COUNT_A0_16 "F0 DA 45 DB");
    protected_read("blank-a110", "E5 00 01 00 00 00 10 10 69 88 0F A0 30",
                   COUNT_A0_16 "D7 AC 15 CA");
    part_init(&p, "blank-a120");
    expect_frame(&p, "00 00 16" COUNT_A0_16 "F0 DA 45 DB 30 E2");
    part_done(&p);
}

static void
encrypted_wrap(void **state)
{
    static const uint8_t kek[16] = {0x0F, 0x1E, 0x2D};
    uint8_t plain[16], wrapped[24], sent[FRAME_MAX];
    struct channel ch;
    struct part p;

    (void)state;
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    p.chip.nvm.envelope[0].len = 16;
    memcpy(p.chip.nvm.envelope[0].key, kek, sizeof(kek));
    assert_true(
        part_write(&p, sent,
                   hex_read("EE E64C81E7E7A447C2B026CFAECF142C76 C641459C7FB0D63D1C0475AFD80F414C"
                            "468B14FF E22C",
                            sent, sizeof(sent))));
    assert_int_equal(p.chip.answer[0], 0);
    for (unsigned i = 0; i < 16; i++)
        plain[i] = (uint8_t)i;
    assert_true(sim_aes_wrap((struct sim_aes){kek, 16}, RS_BYTES(plain), wrapped));
    assert_memory_equal(p.chip.answer + 3, wrapped, sizeof(wrapped));
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_crc_has_its_check_value),
        cmocka_unit_test(product_data),
        cmocka_unit_test(queries),
        cmocka_unit_test(partition),
        cmocka_unit_test(zones),
        cmocka_unit_test(keys),
        cmocka_unit_test(host_keys),
        cmocka_unit_test(protected_reads),
        cmocka_unit_test(encrypted_wrap),
    };

    return cmocka_run_group_tests_name("sims_stsafe/vectors", tests, NULL, NULL);
}
