/*
 * life_test.c: a part from its maker to the end: identity, memory on disk, power
 * cuts, faults, time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/json.h"
#include "harness.h"
#include "sims/stsafe/uncertain.h"

#define P256       "0008 2A8648CE3D030107"
#define DIGEST_256 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

/* ---- Identity --------------------------------------------------------------------------------- */

static X509 *
read_der(const uint8_t *p, size_t len)
{
    X509 *x = d2i_X509(NULL, &p, (long)len);

    assert_non_null(x);
    return x;
}

/* As ST's host does it: the size from bytes 2 and 3, then pieces. */
static size_t
read_certificate(struct part *p, uint8_t *der)
{
    char text[64];
    size_t len;

    assert_int_equal(part_send_hex(p, "05 00 00 0000 0004"), 0);
    assert_int_equal(p->payload[0], 0x30);
    assert_int_equal(p->payload[1], 0x82);
    len = (size_t)rs_get_u16(p->payload + 2) + 4;
    assert_true(len <= 1000);
    for (size_t at = 0; at < len; at += 253) {
        size_t piece = len - at < 253 ? len - at : 253;

        (void)snprintf(text, sizeof(text), "05 00 00 %04X %04X", (unsigned)at, (unsigned)piece);
        assert_int_equal(part_send_hex(p, text), 0);
        memcpy(der + at, p->payload, piece);
    }
    return len;
}

static void
check_leaf(struct part *p, X509 *leaf)
{
    struct rs_bytes signer_der = sim_ca_signer(p->ca), root_der = sim_ca_root(p->ca);
    X509 *signer = read_der(signer_der.p, signer_der.len);
    X509 *root = read_der(root_der.p, root_der.len);
    char name[128];

    assert_int_equal(X509_verify(leaf, X509_get0_pubkey(signer)), 1);
    assert_int_equal(X509_verify(signer, X509_get0_pubkey(root)), 1);
    (void)X509_NAME_oneline(X509_get_subject_name(leaf), name, sizeof(name));
    assert_non_null(strstr(name, "SIMULATOR STSAFE-A1"));
    assert_non_null(strstr(name, "a021e021c4e1d00139"));
    X509_free(root);
    X509_free(signer);
}

/* The part proves that it is the one of the certificate. */
static void
check_key(struct part *p, X509 *leaf)
{
    uint8_t digest[32], *spki = NULL;
    const uint8_t *xy;
    uint8_t rs[64];
    int len = i2d_PUBKEY(X509_get0_pubkey(leaf), &spki);

    assert_int_equal(len, 91);
    xy = spki + len - 64;
    assert_int_equal(part_send_hex(p, "16 00 0020" DIGEST_256), 0);
    memcpy(rs, p->payload + 2, 32);
    memcpy(rs + 32, p->payload + 36, 32);
    (void)hex_read(DIGEST_256, digest, sizeof(digest));
    assert_true(sim_curve_verify(SIM_CURVE_P256, xy, digest, 32, rs));
    OPENSSL_free(spki);
}

static void
parts_are_delivered_with_an_identity(void **state)
{
    static const char *const kinds[] = {"blank-a100", "blank-a110", "blank-a120"};
    static const uint8_t serial[] = {0x02, 0x0B, 0x02, 0x09, 0xA0, 0x21, 0xE0,
                                     0x21, 0xC4, 0xE1, 0xD0, 0x01, 0x39};
    uint8_t der[1000];
    struct part p;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        X509 *leaf;
        size_t len;

        part_init(&p, kinds[i]);
        len = read_certificate(&p, der);
        assert_memory_equal(der + 13, serial, sizeof(serial));
        leaf = read_der(der, len);
        check_leaf(&p, leaf);
        check_key(&p, leaf);
        X509_free(leaf);
        assert_int_equal(part_send_hex(&p, "06 00 00 0000 30"), 0x11);
        part_done(&p);
    }
}

static void
parts_without_a_maker_are_refused(void **state)
{
    struct sim_create how = {.personality = "blank-a110"};
    struct stsafe_chip chip;
    struct rs_err err = {0};
    struct sim_host host = {0};

    (void)state;
    assert_int_equal(stsafe_a110_model.create(&chip, &host, &how, &err), RS_E_USAGE);
    how.personality = "blank-a130";
    err.code = RS_OK;
    assert_int_equal(stsafe_a110_model.create(&chip, &host, &how, &err), RS_E_USAGE);
}

/* ---- Saved parts ------------------------------------------------------------------------------- */

/* A part with something in every place. */
static void
fill(struct part *p)
{
    struct channel ch;

    assert_int_equal(part_send_hex(p, "06 1F 01 0000 010203"), 0);
    assert_int_equal(part_send_hex(p, "05 19 02 0000 0001"), 0);
    assert_int_equal(part_send_hex(p, "04 00 05 0000 00000007 AA"), 0);
    assert_int_equal(part_send_hex(p, "11 13 01 0005 0004" P256), 0);
    assert_int_equal(part_send_hex(p, "11 07 01 01"), 0);
    assert_int_equal(part_send_hex(p, "10 0A 4401"), 0);
    channel_init(&ch, p);
    if (p->chip.spec->kind != STSAFE_A120)
        return;
    assert_int_equal(part_send_hex(p, "11 13 04 FFFF 0000 0003 2B6570"), 0);
    assert_int_equal(part_send_hex(p, "1F 17 02 0F 01 03 000C 10" DIGEST_256), 0);
    assert_int_equal(part_send_hex(p, "10 4A 0702"), 0);
    assert_int_equal(part_send_hex(p, "10 4B 03 38 00 01"), 0);
    assert_int_equal(
        part_send_hex(p, "1F 0A 02" P256 "04"
                         "0020 6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
                         "0020 4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"),
        0);
    p->chip.nvm.records[1] = (struct stsafe_record){0x1F, 0x07, STSAFE_COMMAND_HOST, 3};
    assert_int_equal(part_send_hex(p, "10 08 83"), 0);
}

static void
a_part_comes_back_from_its_file(void **state)
{
    static const char *const kinds[] = {"blank-a100", "blank-a110", "blank-a120"};
    struct part p;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct stsafe_chip again;
        json_t *object = json_object(), *second = json_object(), *read = NULL;
        char *text;

        part_init(&p, kinds[i]);
        fill(&p);
        assert_true(p.model->save(&p.chip, object));
        text = json_dumps(object, JSON_INDENT(2));
        assert_true(strlen(text) < 60000);
        /* Through the reader that state files go through. */
        assert_int_equal(rs_json_read(rs_bytes_str(text), &read, NULL), RS_OK);
        assert_int_equal(p.model->load(&again, &p.holder.host, read, NULL), RS_OK);
        assert_memory_equal(again.nvm.memory, p.chip.nvm.memory, sizeof(again.nvm.memory));
        assert_true(p.model->save(&again, second));
        assert_true(json_equal(object, second));
        p.model->done(&again);
        free(text);
        json_decref(object);
        json_decref(second);
        json_decref(read);
        part_done(&p);
    }
}

static void
damaged_files_are_refused(void **state)
{
    static const struct {
        const char *member, *value;
    } cases[] = {
        {"personality", "\"blank-a130\""},
        {"number", "\"a021\""},
        {"number", "\"zz\""},
        {"life_cycle", "\"young\""},
        {"i2c", "{\"address\": 300}"},
        {"zones", "[]"},
        {"zones", "[{\"type\": \"rom\", \"read\": \"always\", \"update\": \"never\"}]"},
        {"zones", "[{\"type\": \"data\", \"read\": \"maybe\", \"update\": \"never\"}]"},
        {"zones", "[{\"type\": \"data\", \"read\": \"always\", \"update\": \"never\", "
                  "\"size\": 3, \"data\": \"0102\"}]"},
        {"zones", "[{\"type\": \"data\", \"read\": \"always\", \"update\": \"never\", "
                  "\"size\": 9000, \"data\": \"\"}]"},
        {"private_keys", "[{\"slot\": 2, \"mode\": 0}]"},
        {"private_keys", "[{\"slot\": 1, \"mode\": 0, \"curve\": \"P-521\", \"key\": \"00\"}]"},
        {"private_keys", "[{\"slot\": 1, \"mode\": 0, \"curve\": \"P-256\", \"key\": \"00\"}]"},
        {"public_keys", "[{\"slot\": 0, \"curve\": \"P-256\", \"point\": \"00\"}]"},
        {"symmetric_keys", "[{\"slot\": 0}]"},
        {"symmetric_keys", "[{\"slot\": 0, \"lock\": \"unlocked\", \"type\": \"AES-128\", "
                           "\"mode\": \"CMAC\", \"usage\": 3, \"limit\": 16, \"key\": \"00\"}]"},
        {"envelope_keys", "[{\"slot\": 0, \"key\": \"00\"}]"},
        {"host_key", "{\"counter\": 0, \"mac\": \"00\", \"cipher\": \"00\"}"},
        {"host_key", "{\"counter\": 16777216, \"mac\": \"00\", \"cipher\": \"00\"}"},
        {"host_control", "{\"slot\": 256}"},
        {"commands", "[{\"command\": \"zz\", \"access\": \"free\"}]"},
        {"commands", "[{\"command\": \"20\", \"access\": \"free\"}]"},
        {"commands", "[{\"command\": \"0e\", \"access\": \"sometimes\"}]"},
    };
    struct stsafe_chip again;
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *object = json_object();

        assert_true(p.model->save(&p.chip, object));
        assert_int_equal(json_object_set_new(object, cases[i].member,
                                             json_loads(cases[i].value, JSON_DECODE_ANY, NULL)),
                         0);
        if (p.model->load(&again, &p.holder.host, object, NULL) == RS_OK)
            fail_msg("%s: %s was taken", cases[i].member, cases[i].value);
        json_decref(object);
    }
    part_done(&p);
}

static void
people_see_no_keys(void **state)
{
    char hex[2 * 32 + 1], *text;
    struct part p;
    json_t *object;

    (void)state;
    part_init(&p, "blank-a120");
    fill(&p);
    object = p.model->dump(&p.chip);
    text = json_dumps(object, 0);
    rs_hex(rs_bytes_of(p.chip.nvm.private_keys[0].key, 32), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    rs_hex(rs_bytes_of(p.chip.nvm.host.mac, 16), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    rs_hex(rs_bytes_of(p.chip.nvm.symmetric[15].key, 32), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    rs_hex(rs_bytes_of(p.chip.nvm.envelope[1].key, 32), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    assert_non_null(strstr(text, "\"private\""));
    free(text);
    json_decref(object);
    part_done(&p);
}

/* ---- Power cuts ---------------------------------------------------------------------------------- */

static void
power_back(struct part *p)
{
    assert_false(p->model->get_power(&p->chip));
    p->model->set_power(&p->chip, 1);
    part_advance(p, 10000);
}

/* After a cut the part's memory is what it was before the command, or what it is after it. */
static void
old_or_new(const char *personality, const char *command)
{
    static const struct {
        struct sim_fate fate;
        int is_new;
    } rows[] = {
        {{SIM_FATE_CUT_BEFORE, 0}, 0}, {{SIM_FATE_CUT_WRITE, -1}, 0}, {{SIM_FATE_CUT_WRITE, 0}, 0},
        {{SIM_FATE_CUT_WRITE, 9}, 0},  {{SIM_FATE_CUT_AFTER, 0}, 1},
    };
    struct stsafe_nvm before;
    struct part p;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        part_init(&p, personality);
        before = p.chip.nvm;
        p.holder.fate = rows[i].fate;
        assert_int_equal(part_send_hex(&p, command), -1);
        power_back(&p);
        if ((memcmp(&before, &p.chip.nvm, sizeof(before)) != 0) != rows[i].is_new)
            fail_msg("%s: cut %zu", command, i);
        assert_int_equal(part_send_hex(&p, "14 08"), 0);
        part_done(&p);
    }
}

static void
keys_and_rights_are_old_or_new(void **state)
{
    (void)state;
    old_or_new("blank-a110", "11 13 01 FFFF 0000" P256);
    old_or_new("blank-a110", "11 07 00 00");
    old_or_new("blank-a110", "10 17" DIGEST_256);
    old_or_new("blank-a110", "10 0A 4200");
    old_or_new("blank-a110", "10 08 83");
    old_or_new("blank-a110", "06 1F 01 0000");
    old_or_new("blank-a110", "05 1F 01 0000 0001");
    old_or_new("blank-a110", "04 00 05 0000 00000001");
    old_or_new("blank-a110", "06 80 01 0000 0102030405060708");
    old_or_new("blank-a120", "1F 07 00000000" DIGEST_256);
    old_or_new("blank-a120", "1F 17 02 0F 01 03 000C 10" DIGEST_256);
    old_or_new("blank-a120", "10 4A 0702");
}

static void
an_update_tears(void **state)
{
    struct part p;

    (void)state;
    for (int through = -1; through <= 9; through++) {
        uint8_t wanted[8] = {0};
        size_t len = through < 0 ? 4 : (size_t)(through > 8 ? 8 : through);

        part_init(&p, "blank-a110");
        p.holder.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, through};
        memset(wanted, 0xEE, len);
        assert_int_equal(part_send_hex(&p, "06 1F 03 0010 EEEEEEEEEEEEEEEE"), -1);
        power_back(&p);
        assert_int_equal(part_send_hex(&p, "05 00 03 0010 0008"), 0);
        assert_memory_equal(p.payload, wanted, 8);
        /* The access condition comes after the data. */
        assert_int_equal(part_send_hex(&p, "06 00 03 0000 00"), 0);
        part_done(&p);
    }
}

/* A counter of the channel that was raised stays raised: the same command is never taken again. */
static void
a_cut_does_not_open_the_channel(void **state)
{
    static const enum sim_fate_kind kinds[] = {SIM_FATE_CUT_WRITE, SIM_FATE_CUT_AFTER};
    uint8_t frame[FRAME_MAX];
    struct channel ch;
    struct part p;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t len;

        part_init(&p, "blank-a120");
        channel_init(&ch, &p);
        len = channel_build(&ch, 0x06, (const uint8_t *)"\x00\x01\x00\x00\x77", 5, frame);
        p.holder.fate = (struct sim_fate){kinds[i], 0};
        assert_int_equal(part_send(&p, frame, len), -1);
        power_back(&p);
        assert_int_equal(part_send(&p, frame, len), 0x16);
        assert_int_equal(part_send_hex(&p, "14 47"), 0);
        part_expect(&p, "01 00 00000006");
        part_done(&p);
    }
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    p.holder.fate.kind = SIM_FATE_CUT_BEFORE;
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "01"), -1);
    power_back(&p);
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "01"), 0);
    part_done(&p);
}

/* ---- Other faults --------------------------------------------------------------------------------- */

static void
answers_that_are_bent(void **state)
{
    static const uint8_t query[] = {0x14, 0x08, 0x71, 0xFE};
    uint8_t got[6];
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    p.holder.fate = (struct sim_fate){SIM_FATE_NAK, 0};
    assert_false(part_write(&p, query, sizeof(query)));
    p.holder.fate = (struct sim_fate){SIM_FATE_CRC, 0};
    assert_true(part_write(&p, query, sizeof(query)));
    assert_true(part_read(&p, got, sizeof(got)));
    assert_memory_equal(got, "\x00\x00\x03\x03\x3D\xDD", 6);
    p.holder.fate = (struct sim_fate){SIM_FATE_FLIP, 24};
    assert_true(part_write(&p, query, sizeof(query)));
    assert_true(part_read(&p, got, sizeof(got)));
    assert_memory_equal(got, "\x00\x00\x03\x02\x3D\xDC", 6);
    p.holder.fate = (struct sim_fate){SIM_FATE_FLIP, 8191};
    assert_int_equal(part_send_hex(&p, "14 08"), 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_STATUS, 0x0B};
    assert_int_equal(part_send_hex(&p, "06 00 01 0000 55"), 0x0B);
    assert_int_equal(p.holder.stored, 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_LIE, 0x11};
    assert_int_equal(part_send_hex(&p, "06 00 01 0000 55"), 0x11);
    assert_int_equal(p.holder.stored, 1);
    part_done(&p);
}

static void
parts_that_go_away(void **state)
{
    static const uint8_t query[] = {0x14, 0x08, 0x71, 0xFE};
    uint8_t got[6];
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    p.holder.fate = (struct sim_fate){SIM_FATE_BUSY, 0};
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    part_advance(&p, 60000000);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    p.model->set_power(&p.chip, 0);
    power_back(&p);
    assert_int_equal(part_send_hex(&p, "14 08"), 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_SLOW, 20};
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    part_advance(&p, 20000);
    assert_true(part_read(&p, got, sizeof(got)));
    p.holder.fate = (struct sim_fate){SIM_FATE_CUT_ANSWERED, 0};
    assert_true(part_write(&p, query, sizeof(query)));
    assert_true(part_read(&p, got, 5)); /* not all of it */
    assert_true(part_read(&p, got, 6));
    assert_false(part_read(&p, got, 6));
    power_back(&p);
    p.holder.fate = (struct sim_fate){SIM_FATE_BROWNOUT, 0};
    assert_int_equal(part_send_hex(&p, "06 00 01 0000 55"), -1);
    assert_int_equal(p.holder.stored, 0);
    part_advance(&p, 10000);
    assert_int_equal(part_send_hex(&p, "14 08"), 0);
    part_done(&p);
}

static void
oddities(void **state)
{
    uint8_t frame[FRAME_MAX], got[64];
    struct channel ch;
    struct part p;
    size_t len;

    (void)state;
    part_init(&p, "blank-a120");
    channel_init(&ch, &p);
    assert_false(p.model->set_quirk(&p.chip, "wake-self-test"));
    assert_true(p.model->set_quirk(&p.chip, "header-flags"));
    assert_int_equal(channel_send_hex(&ch, &p, 0x00, "01"), 0);
    assert_int_equal(p.header, 0xE0);
    assert_true(p.model->set_quirk(&p.chip, "wrong-rmac"));
    len = channel_build(&ch, 0x00, NULL, 0, frame);
    assert_int_equal(part_send(&p, frame, len), 0);
    assert_int_equal(p.header, 0);
    memcpy(got, p.payload, 4);
    assert_true(p.model->set_quirk(&p.chip, "none"));
    p.chip.nvm.host.counter = 6;
    assert_int_equal(part_send(&p, frame, len), 0);
    assert_int_equal(p.payload[0], got[0] ^ 1);
    assert_true(p.model->set_quirk(&p.chip, "long-length"));
    assert_true(part_write(&p, (const uint8_t *)"\x14\x08\x71\xFE", 4));
    assert_true(part_read(&p, got, 6));
    assert_int_equal(rs_get_u16(got + 1), 0xFFFF);
    part_done(&p);
}

/* ---- Time ------------------------------------------------------------------------------------------ */

static void
boot_and_busy_are_not_acknowledged(void **state)
{
    struct sim_timing timing = {.busy_us = 2000};
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    p.model->set_power(&p.chip, 0);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    p.model->set_power(&p.chip, 1);
    part_advance(&p, 9999);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    part_advance(&p, 1);
    assert_int_equal(part_send_hex(&p, "14 08"), 0);
    p.model->set_timing(&p.chip, &timing);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    part_advance(&p, 1999);
    assert_false(part_write(&p, NULL, 0));
    part_advance(&p, 1);
    assert_true(part_write(&p, NULL, 0));
    /* Real timing: the reference's 160 ms for a new key, times 0.30. */
    timing = (struct sim_timing){.typical_permille = SIM_TYPICAL_PERMILLE};
    p.model->set_timing(&p.chip, &timing);
    assert_int_equal(part_send_hex(&p, "11 13 01 FFFF 0000" P256), -1);
    part_advance(&p, 47999);
    assert_false(part_write(&p, NULL, 0));
    part_advance(&p, 1);
    assert_true(part_write(&p, NULL, 0));
    assert_true(p.model->get_chip_time_us(&p.chip) >= 48000);
    part_done(&p);
}

static void
sleep_ends_with_a_start(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, "blank-a110");
    assert_int_equal(part_send_hex(&p, "11 13 FF FFFF 0000" P256), 0);
    assert_int_equal(part_send_hex(&p, "19"), 0);
    assert_int_equal(part_send_hex(&p, "14 08"), -1); /* this one woke it */
    part_advance(&p, 10000);
    assert_int_equal(part_send_hex(&p, "18 FF 00"), 0x02); /* the key is still there */
    assert_int_equal(part_send_hex(&p, "0D 01"), 0);
    p.model->wake(&p.chip, 10);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    part_advance(&p, 10000);
    assert_int_equal(part_send_hex(&p, "18 FF 00"), 0x0A);
    assert_int_equal(part_send_hex(&p, "0D 02"), 0);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    part_advance(&p, 1000000);
    assert_int_equal(part_send_hex(&p, "14 08"), -1);
    p.model->set_power(&p.chip, 0);
    power_back(&p);
    assert_int_equal(part_send_hex(&p, "14 08"), 0);
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_delivered_with_an_identity),
        cmocka_unit_test(parts_without_a_maker_are_refused),
        cmocka_unit_test(a_part_comes_back_from_its_file),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(people_see_no_keys),
        cmocka_unit_test(keys_and_rights_are_old_or_new),
        cmocka_unit_test(an_update_tears),
        cmocka_unit_test(a_cut_does_not_open_the_channel),
        cmocka_unit_test(answers_that_are_bent),
        cmocka_unit_test(parts_that_go_away),
        cmocka_unit_test(oddities),
        cmocka_unit_test(boot_and_busy_are_not_acknowledged),
        cmocka_unit_test(sleep_ends_with_a_start),
    };

    return cmocka_run_group_tests_name("sims_stsafe/life", tests, NULL, NULL);
}
