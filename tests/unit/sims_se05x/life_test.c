/*
 * life_test.c: attestation of both generations, power cuts at every write, and
 * the state of a part in and out of JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/json.h"
#include "harness.h"

#define FRESH "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"

/* ---- Attestation ---------------------------------------------------------------------------- */

/* The attestation key's point out of its certificate, which chains to the maker's. */
static void
certified_point(struct part *p, uint8_t point[65])
{
    struct rs_bytes file = se05x_value(p->chip, se05x_find(p->chip, 0xF0000013));
    const unsigned char *at = file.p;
    X509 *x = d2i_X509(NULL, &at, (long)file.len);
    const ASN1_BIT_STRING *bits;
    char name[128];

    assert_non_null(x);
    /* Zeros behind the DER. */
    assert_true(at < file.p + file.len);
    for (; at < file.p + file.len; at++)
        assert_int_equal(*at, 0);
    (void)X509_NAME_oneline(X509_get_subject_name(x), name, sizeof(name));
    assert_string_equal(name, "/CN=SIMULATOR 040050010000000000008b26365dc4180001 attest");
    bits = X509_get0_pubkey_bitstr(x);
    assert_int_equal(bits->length, 65);
    memcpy(point, bits->data, 65);
    X509_free(x);
}

static int
is_signed(struct part *p, struct rs_bytes message, struct rs_bytes sig)
{
    uint8_t point[65], digest[32];

    certified_point(p, point);
    assert_true(se05x_hash(se05x_digest(4), message, rs_bytes_of(NULL, 0), digest));
    return se05x_verify(se05x_curve_find(3), RS_BYTES(point), RS_BYTES(digest), sig);
}

static void
attestation_refused(void **state)
{
    static const struct {
        const char *data;
        unsigned sw;
    } rows[] = {
        {"4104 7FFF0206", 0x6A80},
        {"4104 7FFF0206 4504 F0000012 4601 21", 0x6A80},
        {"4104 7FFF0206 4504 F0000012 4601 21 470F F0F1F2F3F4F5F6F7F8F9FAFBFCFDFE", 0x6A80},
        {"4104 7FFF0206 4504 F0000012 4601 0A 4710" FRESH, 0x6A80},
        {"4104 7FFF0206 4504 F0000012 4602 0021 4710" FRESH, 0x6A80},
        {"4104 7FFF0206 4504 F0000020 4601 21 4710" FRESH, 0x6985},
        {"4104 7FFF0206 4504 F0000013 4601 21 4710" FRESH, 0x6986},
        {"4104 7FFF0206 4504 F0000100 4601 21 4710" FRESH, 0x6986}, /* it does not attest */
        {"4104 20000009 4504 F0000012 4601 21 4710" FRESH, 0x6985},
        {"4104 F0000013 4504 20000003 4601 21 4710" FRESH, 0x6985}, /* X25519 */
    };
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80016100", "4104 20000003 4201 41", 0x9000, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(&p, "80220000", rows[i].data, rows[i].sw, "");
    expect(&p, "8022003B", "4104 7FFF0206", 0x6A80, "");
    expect(&p, "8002003B", "4104 7FFF0206 4504 F0000012 4601 21 4710" FRESH, 0x6A80, "");
    part_done(&p);
}

/* Values of 41 to 45, one behind the other. */
static void
attestation_of_the_first_form(void **state)
{
    uint8_t message[512];
    size_t len = 0;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    part_advance(&p, 1234567);
    make_curve(&p, 3);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    for (int round = 0; round < 2; round++) {
        len = 0;
        expect(&p, round == 0 ? "80220000" : "8022003B",
               "4104 20000001 4504 F0000012 4601 21 4710" FRESH, 0x9000, NULL);
        for (unsigned tag = round == 0 ? 0x41 : 0x42; tag <= 0x45; tag++) {
            struct rs_bytes v = answer_tlv(&p, tag);

            memcpy(message + len, v.p, v.len);
            len += v.len;
        }
        assert_true(is_signed(&p, rs_bytes_of(message, len), answer_tlv(&p, 0x46)));
        message[len - 20] ^= 1;
        assert_false(is_signed(&p, rs_bytes_of(message, len), answer_tlv(&p, 0x46)));
    }
    /* Generated inside. */
    assert_int_equal(answer_tlv(&p, 0x42).p[answer_tlv(&p, 0x42).len - 1], 2);
    assert_int_equal(answer_tlv(&p, 0x43).len, 12);
    assert_memory_equal(answer_tlv(&p, 0x44).p, "\xF0\xF1\xF2\xF3", 4);
    assert_memory_equal(answer_tlv(&p, 0x45).p, p.chip->uid, 18);
    part_done(&p);
}

/* SHA-256 of the command, then the TLVs with lengths of three bytes. */
static void
attestation_of_the_second_form(void **state)
{
    static const char data[] = "4104 20000001 4504 F0000012 4601 21 4710" FRESH;
    uint8_t command[64] = {0x80, 0x22, 0x00, 0x00, 0x00, 0x00}, message[512];
    struct rs_bytes sig;
    size_t len, body;
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    make_curve(&p, 3);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    for (int channel = 0; channel < 2; channel++) {
        if (channel)
            assert_int_equal(part_open_channel(&p, SE051_ENC, SE051_MAC), 0x9000);
        expect(&p, "80220000", data, 0x9000, NULL);
        len = unhex(data, command + 7, sizeof(command) - 7);
        command[6] = (uint8_t)len;
        sig = answer_tlv(&p, 0x52);
        body = p.len - sig.len - 4;
        assert_true(se05x_hash(se05x_digest(4), rs_bytes_of(command, len + 7), rs_bytes_of(NULL, 0),
                               message));
        memcpy(message + 32, p.answer, body);
        assert_true(is_signed(&p, rs_bytes_of(message, 32 + body), sig));
        message[0] ^= 1; /* another freshness would be another command */
        assert_false(is_signed(&p, rs_bytes_of(message, 32 + body), sig));
        assert_memory_equal(p.answer, "\x41\x82\x00\x41\x04", 5);
        assert_memory_equal(answer_tlv(&p, 0x42).p, p.chip->uid, 18);
        assert_memory_equal(answer_tlv(&p, 0x44).p, "\x00\x20", 2);
        assert_int_equal(answer_tlv(&p, 0x4F).len, 12);
    }
    part_done(&p);
}

static void
time_goes_on(void **state)
{
    uint8_t first[12];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    part_advance(&p, 5000000);
    expect(&p, "8004003D", "", 0x9000, NULL);
    assert_int_equal(p.stored, 1);
    memcpy(first, p.answer + 2, 12);
    part_advance(&p, 1000000);
    expect(&p, "8004003D", "", 0x9000, NULL);
    assert_int_equal(p.stored, 1);
    assert_true(memcmp(first, p.answer + 2, 12) < 0);
    memcpy(first, p.answer + 2, 12);
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    expect(&p, "8004003D", "", 0x9000, NULL);
    assert_true(memcmp(first, p.answer + 2, 12) < 0);
    part_done(&p);
}

/* ---- Power cuts --------------------------------------------------------------------------------- */

/* One command that writes, and how to see whether it did. */
struct write_case {
    const char *name, *header, *data;
    const char *see, *before, *after; /* command with data, its answer without and with the write */
};

static const struct write_case writes[] = {
    {"generate", "80016100", "4104 20000011 4201 03", "80040027 06 4104 20000011", "410102",
     "410101"},
    {"create file", "80010600", "4104 20000012 4302 0004", "80040027 06 4104 20000012", "410102",
     "410101"},
    {"user id", "80410700", "4104 20000013 4204 01020304", "80040027 06 4104 20000013", "410102",
     "410101"},
    {"counter", "80010800", "4104 20000004", "80020000 06 4104 20000004", "4102 0000", "4102 0001"},
    {"pcr", "80010900", "4104 20000005 4301 00", "80040027 06 4104 20000005", "410101", "410101"},
    {"key again", "80010300", "4104 20000006 4310 000102030405060708090A0B0C0D0E0F",
     "80020007 06 4104 20000006", "4102 0010", "4102 0010"},
    {"delete", "80040028", "4104 20000002", "80040027 06 4104 20000002", "410101", "410102"},
    {"curve", "80010B04", "4101 04", "80040B28 03 4101 04", NULL, ""},
    {"crypto object", "80011000", "4102 0001 4201 01 4301 04", "80021025", "4100", "4102 0001"},
};

static void
make_things(struct part *p)
{
    make_curve(p, 3);
    expect(p, "80010600", "4104 20000002 4302 0008 4408 0102030405060708", 0x9000, "");
    expect(p, "80010800", "4104 20000004 4202 0002", 0x9000, "");
    expect(p, "80010900", "4104 20000005", 0x9000, "");
    expect(p, "80010300", "4104 20000006 4310 0F0E0D0C0B0A09080706050403020100", 0x9000, "");
}

static int
happened(struct part *p, const struct write_case *w)
{
    uint8_t want[64];
    size_t len = w->after == NULL ? 0 : unhex(w->after, want, sizeof(want));
    unsigned sw = part_apdu(p, w->see);

    return sw == 0x9000 && p->len == len && memcmp(p->answer, want, len) == 0;
}

/* Before, in the middle, after, and once the answer was read: whole or not at all. */
static void
cuts(void **state)
{
    static const struct {
        enum sim_fate_kind kind;
        int arg, happens, answers;
    } rows[] = {
        {SIM_FATE_CUT_BEFORE, 0, 0, 0}, {SIM_FATE_CUT_WRITE, 0, 0, 0},
        {SIM_FATE_CUT_WRITE, -1, 0, 0}, {SIM_FATE_CUT_WRITE, 4096, 1, 0},
        {SIM_FATE_CUT_AFTER, 0, 1, 0},  {SIM_FATE_CUT_ANSWERED, 0, 1, 1},
        {SIM_FATE_BROWNOUT, 0, 0, 0},
    };

    (void)state;
    for (size_t w = 0; w < sizeof(writes) / sizeof(writes[0]); w++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct part p;
            unsigned sw;

            part_ready(&p, &se050_model);
            make_things(&p);
            p.fate = (struct sim_fate){rows[i].kind, rows[i].arg};
            sw = part_run(&p, writes[w].header, writes[w].data);
            if (sw != (rows[i].answers ? 0x9000 : PART_SILENT))
                fail_msg("%s, cut %zu: %04X", writes[w].name, i, sw);
            assert_int_equal(p.model->get_power(p.chip), rows[i].kind == SIM_FATE_BROWNOUT);
            part_power_cycle(&p);
            assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
            if (strcmp(writes[w].before == NULL ? "" : writes[w].before, writes[w].after) != 0 &&
                happened(&p, &writes[w]) != rows[i].happens)
                fail_msg("%s, cut %zu: not as it should be", writes[w].name, i);
            part_done(&p);
        }
    }
}

/* Bytes of a file are torn; its length is not. */
static void
files_are_torn(void **state)
{
    static const struct {
        int arg;
        const char *now;
    } rows[] = {{0, "0102030405060708"},
                {1, "01F2030405060708"},
                {-1, "01F2F30405060708"},
                {4, "01F2F3F4F5060708"},
                {100, "01F2F3F4F5060708"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[64];
        struct part p;

        part_ready(&p, &se050_model);
        make_things(&p);
        p.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, rows[i].arg};
        assert_int_equal(part_run(&p, "80010600", "4104 20000002 4202 0001 4404 F2F3F4F5"),
                         PART_SILENT);
        part_power_cycle(&p);
        assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
        (void)snprintf(want, sizeof(want), "4108 %s", rows[i].now);
        expect(&p, "80020000", "4104 20000002", 0x9000, want);
        /* A new file with contents is there, with some of them. */
        p.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, 1};
        assert_int_equal(part_run(&p, "80010600", "4104 20000003 4302 0003 4403 010203"),
                         PART_SILENT);
        part_power_cycle(&p);
        assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
        expect(&p, "80020000", "4104 20000003", 0x9000, "4103 010000");
        part_done(&p);
    }
}

/* An attempt is counted before it is looked at. */
static void
attempts_survive_a_cut(void **state)
{
    struct part p;
    uint8_t session[8];

    (void)state;
    part_ready(&p, &se050_model);
    make_user_id(&p, 0x7DA00001, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(part_create_session(&p, 0x7DA00001, session), 0x9000);
        p.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, 4096};
        assert_int_equal(part_in_session(&p, session, "8004002C 07 4105C001020304"), PART_SILENT);
        part_power_cycle(&p);
        assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    }
    assert_int_equal(part_create_session(&p, 0x7DA00001, session), 0x6983);
    part_done(&p);
}

static void
delete_all_is_torn(void **state)
{
    struct part p;
    uint8_t session[8];

    (void)state;
    part_ready(&p, &se050_model);
    make_user_id(&p, 0x7FFF0205, 0);
    make_things(&p);
    open_user_session(&p, 0x7FFF0205, session);
    p.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, -1};
    assert_int_equal(part_in_session(&p, session, "8004002A"), PART_SILENT);
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    expect(&p, "80020025", "4102 0009 4201 FF", 0x9000, "410101 4208 20000002 20000004");
    part_done(&p);
}

static void
keys_survive_a_cut(void **state)
{
    uint8_t data[70] = {0x0B};
    size_t n = 1;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    for (int i = 0; i < 3; i++) {
        uint8_t dek[16], key[16] = {(uint8_t)i}, ones[16];

        (void)unhex(SE050_DEK, dek, sizeof(dek));
        memset(ones, 1, sizeof(ones));
        memcpy(data + n, "\x88\x11\x10", 3);
        assert_true(se05x_aes_block(dek, 16, key, data + n + 3));
        data[n + 19] = 3;
        assert_true(se05x_aes_block(key, 16, ones, ones));
        memcpy(data + n + 20, ones, 3);
        n += 23;
    }
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    p.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, -1};
    assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data)), PART_SILENT);
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_open_channel(&p, SE050_ENC, SE050_MAC), 0x9000);
    p.fate = (struct sim_fate){SIM_FATE_CUT_AFTER, 0};
    assert_int_equal(part_run_bytes(&p, "80D80B81", data, sizeof(data)), PART_SILENT);
    part_power_cycle(&p);
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    assert_int_equal(part_open_channel(&p, "00000000000000000000000000000000",
                                       "01000000000000000000000000000000"),
                     0x9000);
    part_done(&p);
}

/* ---- State -------------------------------------------------------------------------------------------- */

static void
make_everything(struct part *p)
{
    make_things(p);
    make_user_id(p, 0x7DA00001, 7);
    expect(p, "80010B04", "4101 05", 0x9000, "");
    expect(p, "80016100", "1109 08 00000000 183C0000 4104 20000001 4201 03", 0x9000, "");
    expect(p, "80014100",
           "4104 20000007 4201 03 4320"
           "0000000000000000000000000000000000000000000000000000000000000001",
           0x9000, "");
    expect(p, "80012100",
           "4104 20000008 4201 03 4441"
           "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
           "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
           0x9000, "");
    expect(p, "80016100", "4104 20000009 4201 40", 0x9000, "");
    expect(p, "80810500", "4104 2000000A 4304 01020304", 0x9000, "");
    expect(p, "80010500", "4104 2000000B 4304 01020304", 0x9000, "");
    expect(p, "80011000", "4102 0005 4201 01 4301 04", 0x9000, "");
    expect(p, "8004003D", "", 0x9000, NULL);
}

static json_t *
saved(const struct part *p)
{
    json_t *object = json_object();

    assert_non_null(object);
    assert_true(p->model->save(p->chip, object));
    return object;
}

static void
state_comes_back(void **state)
{
    static const struct sim_model *const models[2] = {&se050_model, &se051_model};
    static struct part p;

    (void)state;
    for (int i = 0; i < 2; i++) {
        json_t *before, *after, *read = NULL;
        char *text;

        part_ready(&p, models[i]);
        make_everything(&p);
        if (i == 1)
            expect(&p, "80010500", "4104 2000000C 4304 01020304 4502 0010", 0x9000, "");
        before = saved(&p);
        text = json_dumps(before, JSON_INDENT(2));
        assert_non_null(text);
        assert_int_equal(rs_json_read(rs_bytes_str(text), &read, NULL), RS_OK);
        p.model->done(p.chip);
        p.stored = 0;
        assert_int_equal(p.model->load(p.chip, &p.host, read, NULL), RS_OK);
        assert_int_equal(p.stored, 0);
        after = saved(&p);
        assert_true(json_equal(before, after));
        json_decref(before);
        json_decref(after);
        json_decref(read);
        free(text);
        /* It works, as after a power-up. */
        p.ns = 0;
        assert_int_equal(part_apdu(&p, "8004002000"), 0x6D00);
        assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
        expect(&p, "80030C09",
               "4104 20000001 4201 21 4320"
               "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
               0x9000, NULL);
        expect(&p, "80030D45", "4104 2000000A 4201 19 4300", 0x6985, ""); /* it was in RAM */
        expect(&p, "80021025", "", 0x9000, "4102 0005");
        if (i == 1) /* shorter than its key allows */
            expect(&p, "8003002D", "4104 2000000C 4201 04 4502 000F", 0x6985, "");
        part_done(&p);
    }
}

static void
secrets_are_not_dumped(void **state)
{
    json_t *dump;
    char *text, hex[2 * SE05X_SCALAR_MAX + 1];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_everything(&p);
    dump = p.model->dump(p.chip);
    assert_non_null(dump);
    text = json_dumps(dump, JSON_INDENT(2));
    assert_non_null(text);
    for (size_t i = 0; i < p.chip->object_count; i++) {
        const struct se05x_object *o = &p.chip->objects[i];
        struct rs_bytes secret = se05x_private(p.chip, o);

        if (o->kind == SE05X_AES || o->kind == SE05X_HMAC || o->kind == SE05X_USER_ID)
            secret = se05x_value(p.chip, o);
        if (secret.p == NULL)
            continue;
        rs_hex(secret, hex, sizeof(hex));
        if (secret.len > 4) /* four bytes may stand in an id */
            assert_null(strstr(text, hex));
    }
    rs_hex(rs_bytes_of(p.chip->keys.enc, 16), hex, sizeof(hex));
    assert_null(strstr(text, hex));
    assert_non_null(strstr(text, "\"secret\""));
    free(text);
    json_decref(dump);
    part_done(&p);
}

static void
broken_states_are_refused(void **state)
{
    static const struct {
        const char *name, *value; /* of the first object, or with '/' of the part */
    } rows[] = {
        {"id", "\"00\""},
        {"kind", "\"key\""},
        {"kind", "\"ec-pair\""},
        {"kind", "\"ec-private\""},
        {"kind", "\"ec-public\""},
        {"origin", "\"\""},
        {"value", "\"\""},
        {"value", "\"0g\""},
        {"policy", "\"08\""},
        {"max_attempts", "65536"},
        {"min_derived", "65536"},
        {"version", "\"1\""},
        {"/uid", "\"00\""},
        {"/starts", "-1"},
        {"/scp_keys", "{}"},
        {"/curves", "{\"nist-p256\": \"x\"}"},
        {"/crypto_objects", "[{\"id\": 1, \"context\": 1, \"subtype\": 9}]"},
        {"/objects", "{}"},
        {"/restricted", "3"},
        {"/crypto_objects", "[0,0,0,0,0,0,0,0,0]"},
    };
    struct part p;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *object, *where;

        part_init(&p, &se050_model);
        object = saved(&p);
        where =
            rows[i].name[0] == '/' ? object : json_array_get(json_object_get(object, "objects"), 0);
        assert_int_equal(json_object_set_new(where, rows[i].name + (where == object),
                                             json_loads(rows[i].value, JSON_DECODE_ANY, NULL)),
                         0);
        p.model->done(p.chip);
        if (p.model->load(p.chip, &p.host, object, NULL) == RS_OK)
            fail_msg("taken: %s %s", rows[i].name, rows[i].value);
        json_decref(object);
        free(p.chip);
    }
    /* The same object twice. */
    {
        json_t *object, *list;

        part_init(&p, &se050_model);
        object = saved(&p);
        list = json_object_get(object, "objects");
        assert_int_equal(json_array_append(list, json_array_get(list, 0)), 0);
        p.model->done(p.chip);
        assert_int_not_equal(p.model->load(p.chip, &p.host, object, NULL), RS_OK);
        json_decref(object);
        free(p.chip);
    }
}

static void
parts_are_made(void **state)
{
    struct sim_create how = {.personality = "tngtls"};
    struct part p;

    (void)state;
    part_init(&p, &se050_model);
    assert_string_equal(p.model->name, "se050");
    assert_string_equal(se051_model.name, "se051");
    assert_string_equal(p.model->vendor, "nxp");
    assert_int_equal(p.model->get_address(p.chip), 0x48);
    {
        uint8_t serial[SIM_SERIAL_MAX];

        assert_int_equal(p.model->get_serial(p.chip, serial), 18);
        assert_memory_equal(serial + 10, "\x8B\x26\x36\x5D\xC4\x18\x00\x01", 8);
    }
    p.model->done(p.chip);
    assert_int_equal(p.model->create(p.chip, &p.host, &how, NULL), RS_E_USAGE);
    how.personality = "blank-se050"; /* no CA */
    assert_int_equal(p.model->create(p.chip, &p.host, &how, NULL), RS_E_USAGE);
    free(p.chip);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(attestation_refused),
        cmocka_unit_test(attestation_of_the_first_form),
        cmocka_unit_test(attestation_of_the_second_form),
        cmocka_unit_test(time_goes_on),
        cmocka_unit_test(cuts),
        cmocka_unit_test(files_are_torn),
        cmocka_unit_test(attempts_survive_a_cut),
        cmocka_unit_test(delete_all_is_torn),
        cmocka_unit_test(keys_survive_a_cut),
        cmocka_unit_test(state_comes_back),
        cmocka_unit_test(secrets_are_not_dumped),
        cmocka_unit_test(broken_states_are_refused),
        cmocka_unit_test(parts_are_made),
    };

    return cmocka_run_group_tests_name("sims_se05x/life", tests, NULL, NULL);
}
