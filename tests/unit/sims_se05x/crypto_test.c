/*
 * crypto_test.c: signatures, agreement, ciphers, MACs, derivations: published
 * vectors, OpenSSL's own keys as a second opinion, and refusals.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "harness.h"

#define ABC "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"

/* What OpenSSL calls a curve. */
static const char *
group_of(unsigned curve)
{
    return curve == 3 ? "P-256" : curve == 4 ? "P-384" : "P-521";
}

static EVP_PKEY *
openssl_key(unsigned curve, struct rs_bytes point)
{
    char group[8];
    uint8_t copy[SE05X_POINT_MAX];
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    memcpy(copy, point.p, point.len);
    (void)snprintf(group, sizeof(group), "%s", group_of(curve));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, point.len);
    params[2] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_PKEY_fromdata_init(make), 1);
    assert_int_equal(EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(make);
    return key;
}

static int
openssl_verifies(unsigned curve, struct rs_bytes point, struct rs_bytes digest, struct rs_bytes sig)
{
    EVP_PKEY *key = openssl_key(curve, point);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    int ok;

    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    ok = EVP_PKEY_verify(ctx, sig.p, sig.len, digest.p, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

static struct rs_bytes
point_of(struct part *p, uint32_t id)
{
    return se05x_public(p->chip, se05x_find(p->chip, id));
}

/* ---- Signatures --------------------------------------------------------------------------------- */

static void
signatures_refused(void **state)
{
    static const struct {
        const char *data;
        unsigned sw;
    } rows[] = {
        {"4201 21 4320" ABC, 0x6A80},
        {"4104 20000009 4201 21 4320" ABC, 0x6985},
        {"4104 20000001 4320" ABC, 0x6A80},
        {"4104 20000001 4201 21", 0x6A80},
        {"4104 20000001 4201 21 431F 00" ABC, 0x6A80}, /* lengths do not fit */
        {"4104 20000001 4201 11 4320" ABC, 0x6A80},    /* SHA-1 has 20 bytes */
        {"4104 20000001 4201 21 4300", 0x6A80},
        {"4104 20000001 4201 FF 4320" ABC, 0x6A80},
        {"4104 20000001 4201 A3 4320" ABC, 0x6A80}, /* not on this curve */
        {"4104 20000002 4201 21 4320" ABC, 0x6A80}, /* Ed25519 takes A3 */
        {"4104 20000003 4201 A3 4320" ABC, 0x6A80}, /* X25519 takes none */
        {"4104 20000004 4201 21 4320" ABC, 0x6986}, /* a file */
        {"4104 20000005 4201 21 4320" ABC, 0x6985}, /* no private key */
        {"4104 20000006 4201 21 4320" ABC, 0x6986}, /* no right */
    };
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 3);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    expect(&p, "80016100", "4104 20000002 4201 40", 0x9000, "");
    expect(&p, "80016100", "4104 20000003 4201 41", 0x9000, "");
    expect(&p, "80010600", "4104 20000004 4302 0001", 0x9000, "");
    expect(&p, "80012100",
           "4104 20000005 4201 03 4441"
           "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
           "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5",
           0x9000, "");
    expect(&p, "80016100", "1109 08 00000000 08200000 4104 20000006 4201 03", 0x9000, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(&p, "80030C09", rows[i].data, rows[i].sw, "");
    expect(&p, "80030C0A", "4104 20000001 4201 21 4320" ABC, 0x6A80, "");
    part_done(&p);
}

static void
ecdsa(void **state)
{
    static const struct {
        unsigned curve, algorithm;
        size_t digest;
    } rows[] = {{3, 0x21, 32}, {4, 0x22, 48}, {5, 0x26, 64}, {3, 0x11, 20}, {3, 0x25, 28},
                {3, 0x22, 48}, {4, 0x21, 32}, {3, 0x09, 32}, {3, 0x09, 1}};
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    for (unsigned curve = 3; curve <= 5; curve++) {
        char data[64];

        make_curve(&p, curve);
        (void)snprintf(data, sizeof(data), "4104 2000000%u 4201 0%u", curve, curve);
        expect(&p, "80016100", data, 0x9000, "");
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t data[512] = {0x41,
                             0x04,
                             0x20,
                             0,
                             0,
                             (uint8_t)rows[i].curve,
                             0x42,
                             0x01,
                             (uint8_t)rows[i].algorithm,
                             0x43,
                             (uint8_t)rows[i].digest};
        struct rs_bytes digest = rs_bytes_of(data + 11, rows[i].digest), sig;
        size_t len = 11 + rows[i].digest;

        memset(data + 11, 0xA0 + (int)i, rows[i].digest);
        assert_int_equal(part_run_bytes(&p, "80030C09", data, len), 0x9000);
        sig = answer_tlv(&p, 0x41);
        assert_true(
            openssl_verifies(rows[i].curve, point_of(&p, 0x20000000 + rows[i].curve), digest, sig));
        /* The part's own opinion: right, another digest, a bent signature. */
        data[len] = 0x45;
        if (sig.len < 0x80) {
            data[len + 1] = (uint8_t)sig.len;
            memcpy(data + len + 2, sig.p, sig.len);
            len += 2 + sig.len;
        } else {
            data[len + 1] = 0x81;
            data[len + 2] = (uint8_t)sig.len;
            memcpy(data + len + 3, sig.p, sig.len);
            len += 3 + sig.len;
        }
        assert_int_equal(part_run_bytes(&p, "80030C0A", data, len), 0x9000);
        expect_answer(&p, "410101");
        data[11] ^= 1;
        assert_int_equal(part_run_bytes(&p, "80030C0A", data, len), 0x9000);
        expect_answer(&p, "410102");
        data[11] ^= 1;
        data[len - 1] ^= 1;
        assert_int_equal(part_run_bytes(&p, "80030C0A", data, len), 0x9000);
        expect_answer(&p, "410102");
    }
    /* Not one signature, but no two alike. */
    expect(&p, "80030C0A", "4104 20000003 4201 21 4320" ABC "4500", 0x9000, "410102");
    part_done(&p);
}

/* RFC 8032 7.1, TEST 2: the seed as it stands there, public key and signature's halves turned. */
#define SEED         "4CCD089B28FF96DA9DB6C346EC114E0F5B8A319F35ABA624DA8CF6ED4FB8A6FB"
#define SEED_TURNED  "FBA6B84FEDF68CDA24A6AB359F318A5B0F4E11EC46C3B69DDA96FF289B08CD4C"
#define POINT_25519  "3D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C"
#define POINT_TURNED "0C66F42AF155CDC08C96C42ECF2C989CBC7E1B4DA70AB7925A8943E8C317403D"
#define SIG_TURNED                                                                                 \
    "DA69DBEB232276B38F3F5016547BB2A24025645F0B820E72B8CAD4F0A909A092"                             \
    "000CBB1216290DB0EE2A30B4AE2E7B388C1DF1D013368F456E99153EE4C15A08"

static void
eddsa(void **state)
{
    static const char verify[] = "4104 20000001 4201 A3 4301 72 4540" SIG_TURNED;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80016100", "4104 20000001 4201 40 4320" SEED_TURNED "4420" POINT_TURNED, 0x6A80,
           "");
    expect(&p, "80016100", "4104 20000001 4201 40 4320" SEED "4420" POINT_25519, 0x6A80, "");
    expect(&p, "80016100", "4104 20000001 4201 40 4320" SEED_TURNED "4420" POINT_25519, 0x6A80, "");
    expect(&p, "80016100", "4104 20000001 4201 40 4320" SEED "4420" POINT_TURNED, 0x9000, "");
    expect(&p, "80020000", "4104 20000001", 0x9000, "4120" POINT_TURNED);
    expect(&p, "80030C09", "4104 20000001 4201 A3 4301 72", 0x9000, "4140" SIG_TURNED);
    expect(&p, "80030C0A", verify, 0x9000, "410101");
    expect(&p, "80030C0A", "4104 20000001 4201 A3 4301 73 4540" SIG_TURNED, 0x9000, "410102");
    expect(&p, "80030C0A", "4104 20000001 4201 A3 4301 72 4501 00", 0x9000, "410102");
    /* Each half alone. */
    expect(&p, "80014100", "4104 20000002 4201 40 4320" SEED, 0x9000, "");
    expect(&p, "80030C09", "4104 20000002 4201 A3 4301 72", 0x9000, "4140" SIG_TURNED);
    expect(&p, "80012100", "4104 20000003 4201 40 4420" POINT_TURNED, 0x9000, "");
    expect(&p, "80030C0A", "4104 20000003 4201 A3 4301 72 4540" SIG_TURNED, 0x9000, "410101");
    part_done(&p);
}

static void
turn_bytes(const uint8_t *in, uint8_t *out)
{
    for (size_t i = 0; i < 32; i++)
        out[i] = in[31 - i];
}

/* A key of the part's own: OpenSSL takes its public half and its signature, both turned. */
static void
eddsa_generated(void **state)
{
    uint8_t point[32], sig[64];
    struct rs_bytes got;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY *key;
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    part_random(&p, SEED);
    expect(&p, "80016100", "4104 20000001 4201 40", 0x9000, "");
    expect(&p, "80020000", "4104 20000001", 0x9000, NULL);
    got = answer_tlv(&p, 0x41);
    assert_int_equal(got.len, 32);
    turn_bytes(got.p, point);
    expect(&p, "80030C09", "4104 20000001 4201 A3 4303 616263", 0x9000, NULL);
    got = answer_tlv(&p, 0x41);
    assert_int_equal(got.len, 64);
    turn_bytes(got.p, sig);
    turn_bytes(got.p + 32, sig + 32);
    key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point, 32);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, sig, 64, (const uint8_t *)"abc", 3), 1);
    EVP_PKEY_free(key);
    EVP_MD_CTX_free(ctx);
    part_done(&p);
}

/* ---- Agreement ------------------------------------------------------------------------------------- */

/* Both ends are keys of the part. */
static void
agreement(void **state)
{
    static const unsigned curves[] = {3, 4, 5, 0x41};
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    for (size_t i = 0; i < 4; i++) {
        char data[64], hex[2 * SE05X_POINT_MAX + 1], ask[400];
        uint8_t first[SE05X_SCALAR_MAX];
        struct rs_bytes point;
        size_t len;

        if (curves[i] != 0x41)
            make_curve(&p, curves[i]);
        for (unsigned k = 0; k < 2; k++) {
            (void)snprintf(data, sizeof(data), "4104 2000%02X0%u 4201 %02X", curves[i], k,
                           curves[i]);
            expect(&p, "80016100", data, 0x9000, "");
        }
        for (unsigned k = 0; k < 2; k++) {
            point = point_of(&p, 0x20000000 + (curves[i] << 8) + !k);
            rs_hex(point, hex, sizeof(hex));
            (void)snprintf(ask, sizeof(ask), "4104 2000%02X0%u 42%s%02zX %s", curves[i], k,
                           point.len >= 0x80 ? "81" : "", point.len, hex);
            expect(&p, "8003010F", ask, 0x9000, NULL);
            len = answer_tlv(&p, 0x41).len;
            assert_int_equal(len, se05x_curve_find(curves[i])->size);
            if (k == 0)
                memcpy(first, p.answer + 2, len);
            else
                assert_memory_equal(first, p.answer + 2, len);
        }
        expect(&p, "80030159", ask, 0x9000, NULL); /* reversed */
        for (size_t b = 0; b < len; b++)
            assert_int_equal(p.answer[2 + b], first[len - 1 - b]);
    }
    part_done(&p);
}

/* RFC 7748 6.1: a pair, the other public key and what they agree on, every number turned. */
static void
agreement_x25519(void **state)
{
#define ALICE "2A2CB91DA5FB77B12A99C0EB872F4CDF4566B25172C1163C7DA518730A6D0777"
#define POINT "6A4E9BAA8EA9A4EBF41A38260D3ABF0D5AF73EB4DC7D8B7454A7308909F02085"
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(
        &p, "80016100",
        "4104 20000001 4201 41 4320 77076D0A7318A57D3C16C17251B26645DF4C2F87EBC0992AB177FBA51DB92C2A 4420" POINT,
        0x6A80, "");
    expect(&p, "80016100",
           "4104 20000001 4201 41 4320" ALICE
           "4420 8520F0098930A754748B7DDCB43EF75A0DBF3A0D26381AF4EBA4A98EAA9B4E6A",
           0x6A80, "");
    expect(&p, "80016100", "4104 20000001 4201 41 4320" ALICE "4420" POINT, 0x9000, "");
    expect(&p, "80020000", "4104 20000001", 0x9000, "4120" POINT);
    expect(&p, "8003010F",
           "4104 20000001 4220 4F2B886F147EFCAD4D67785BC843833F3735E4ECC2615BD3B4C17D7B7DDB9EDE",
           0x9000, "4120 4217161E3C9BF076339ED147C9217EE0250F3580F43B8E72E12DCEA45B9D5D4A");
    part_done(&p);
#undef POINT
#undef ALICE
}

#define PEER                                                                                       \
    "4241 046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"                      \
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"

static void
agreement_into_an_object(void **state)
{
    struct part p;
    struct se05x_object *o;

    (void)state;
    part_ready(&p, &se050_model);
    make_curve(&p, 3);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    expect(&p, "8003010F", "4104 20000001" PEER "4704 20000002", 0x6A80, ""); /* 7.2's */
    expect(&p, "80030159", "4104 20000001" PEER, 0x6A86, "");
    part_done(&p);
    part_ready(&p, &se051_model);
    make_curve(&p, 3);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    expect(&p, "8003010F", "4104 20000001" PEER "4704 20000002", 0x6985, ""); /* not there */
    expect(&p, "8003010F", "4104 20000001", 0x6A80, "");
    expect(&p, "8003010F", "4104 20000001 4203 040101", 0x6A80, "");
    expect(&p, "80010500", "4104 20000002 4301 00", 0x9000, "");
    expect(&p, "80010300", "4104 20000003 4310 000102030405060708090A0B0C0D0E0F", 0x9000, "");
    expect(&p, "80010500", "1109 08 00000000 00200000 4104 20000004 4301 00", 0x9000, "");
    expect(&p, "8003010F", "4104 20000001" PEER "4704 20000002", 0x9000, "");
    o = se05x_find(p.chip, 0x20000002);
    assert_int_equal(o->len, 32);
    assert_int_equal(o->origin, SE05X_INTERNAL);
    assert_memory_equal(se05x_value(p.chip, o).p, point_of(&p, 0x20000001).p + 1, 32);
    expect(&p, "8003010F", "4104 20000001" PEER "4704 20000003", 0x6985, ""); /* 16 is not 32 */
    expect(&p, "8003010F", "4104 20000001" PEER "4704 20000004", 0x6986, ""); /* no right */
    expect(&p, "8003010F", "4104 20000001" PEER "4704 20000001", 0x6985, ""); /* an EC key */
    /* A key whose secrets stay inside. */
    expect(&p, "80016100", "1109 08 00000000 04200800 4104 20000005 4201 03", 0x9000, "");
    expect(&p, "8003010F", "4104 20000005" PEER, 0x6986, "");
    expect(&p, "8003010F", "4104 20000005" PEER "4704 20000002", 0x9000, "");
    expect(&p, "8003010F", "4104 20000002" PEER, 0x6985, "");
    part_done(&p);
}

/* ---- Digests, MACs, ciphers ---------------------------------------------------------------------------- */

static void
digests(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "8003000E", "4101 03 4203 616263", 0x6A80, "");
    expect(&p, "8003000E", "4101 04", 0x6A80, "");
    expect(&p, "8003000E", "4101 01 4203 616263", 0x9000,
           "4114 A9993E364706816ABA3E25717850C26C9CD0D89D");
    expect(&p, "8003000E", "4101 04 4203 616263", 0x9000, "4120" ABC);
    expect(&p, "8003000E", "4101 07 4203 616263", 0x9000,
           "411C 23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7");
    /* In steps. */
    expect(&p, "8003000B", "4202 0001", 0x6985, "");
    expect(&p, "80011000", "4102 0001 4201 01 4301 03", 0x6A80, ""); /* no such digest */
    expect(&p, "80011000", "4102 0001 4201 05 4301 01", 0x6A80, ""); /* PAKE */
    expect(&p, "80011000", "4102 0001 4201 04 4301 B0", 0x6A80, ""); /* 7.2's */
    expect(&p, "80011000", "4102 0001 4201 01 4301 04", 0x9000, "");
    expect(&p, "80011000", "4102 0001 4201 01 4301 04", 0x6985, "");
    expect(&p, "80021025", "", 0x9000, "4102 0001");
    expect(&p, "8003000C", "4202 0001 4301 61", 0x6985, ""); /* not begun */
    expect(&p, "8003000D", "4202 0001 4301 61", 0x6985, "");
    expect(&p, "8003000B", "4202 0001", 0x9000, "");
    expect(&p, "8003000C", "4202 0001 4301 61", 0x9000, "");
    expect(&p, "8003000C", "4202 0001 4301 62", 0x9000, "");
    expect(&p, "8003000D", "4202 0001 4301 63", 0x9000, "4120" ABC);
    expect(&p, "8003000D", "4202 0001 4301 63", 0x6985, ""); /* over */
    expect(&p, "8003000B", "4202 0001", 0x9000, "");
    expect(&p, "8003000C", "4202 0001", 0x6A80, "");
    expect(&p, "8003000C", "4202 0001 4301 61", 0x6985, ""); /* a wrong step ended it */
    expect(&p, "80030D0C", "4101 61 4202 0001", 0x6985, ""); /* not a MAC */
    /* The object outlives a selection, the operation does not. */
    expect(&p, "8003000B", "4202 0001", 0x9000, "");
    assert_int_equal(part_apdu(&p, SELECT_IOT), 0x9000);
    expect(&p, "80021025", "", 0x9000, "4102 0001");
    expect(&p, "8003000C", "4202 0001 4301 61", 0x6985, "");
    for (unsigned i = 2; i <= SE05X_CRYPTO_MAX + 1; i++) {
        char data[64];

        (void)snprintf(data, sizeof(data), "4102 %04X 4201 01 4301 04", i);
        expect(&p, "80011000", data, i <= SE05X_CRYPTO_MAX ? 0x9000 : 0x6A84, "");
    }
    expect(&p, "80041028", "4102 0001", 0x9000, "");
    expect(&p, "80041028", "4102 0001", 0x6985, "");
    expect(&p, "80041028", "4101 01", 0x6A80, "");
    part_done(&p);
}

/* RFC 4231 2 and RFC 4493 4. */
static void
macs(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010500", "4104 20000001 4314 0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B", 0x9000,
           "");
    expect(&p, "80010300", "4104 20000002 4310 2B7E151628AED2A6ABF7158809CF4F3C", 0x9000, "");
    expect(&p, "80030D45", "4104 20000001 4201 19 4308 4869205468657265", 0x9000,
           "4120 B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7");
    expect(&p, "80030D45", "4104 20000001 4201 1B 4308 4869205468657265", 0x9000,
           "4140 87AA7CDEA5EF619D4FF0B4241A1D6CB02379F4E2CE4EC2787AD0B30545E17CDE"
           "DAA833B7D6B8A702038B274EAEA3F4E4BE9D914EEB61F1702E696C203A126854");
    expect(&p, "80030D45", "4104 20000002 4201 31 4310 6BC1BEE22E409F96E93D7E117393172A", 0x9000,
           "4110 070A16B46B4D4144F79BDD9DD04A287C");
    expect(&p, "80030D45", "4104 20000001 4201 31 4300", 0x6985, ""); /* keys of the wrong kind */
    expect(&p, "80030D45", "4104 20000002 4201 19 4300", 0x6985, "");
    expect(&p, "80030D45", "4104 20000001 4201 17 4300", 0x6A80, "");
    expect(&p, "80030D45", "4104 20000001 4201 19", 0x6A80, "");
    expect(&p, "80030D46", "4104 20000001 4201 19 4300", 0x6A80, "");
    expect(&p, "80030D46",
           "4104 20000002 4201 31 4310 6BC1BEE22E409F96E93D7E117393172A"
           "4510 070A16B46B4D4144F79BDD9DD04A287C",
           0x9000, "410101");
    expect(&p, "80030D46",
           "4104 20000002 4201 31 4310 6BC1BEE22E409F96E93D7E117393172A"
           "450F 070A16B46B4D4144F79BDD9DD04A28",
           0x9000, "410102");
    /* In steps: made, and checked. */
    expect(&p, "80011000", "4102 0001 4201 03 4301 31", 0x9000, "");
    expect(&p, "80011000", "4102 0002 4201 03 4301 19", 0x9000, "");
    expect(&p, "80030D03", "4104 20000001 4202 0001", 0x6985, "");
    expect(&p, "80030D0C", "4101 00 4202 0001", 0x6985, "");
    expect(&p, "80030D03", "4104 20000002 4202 0001", 0x9000, "");
    expect(&p, "80030D0C", "4108 6BC1BEE22E409F96 4202 0001", 0x9000, "");
    expect(&p, "80030D0D", "4108 E93D7E117393172A 4202 0001", 0x9000,
           "4110 070A16B46B4D4144F79BDD9DD04A287C");
    expect(&p, "80030D44", "4104 20000001 4202 0002", 0x9000, "");
    expect(&p, "80030D0C", "4104 48692054 4202 0002", 0x9000, "");
    expect(&p, "80030D0D",
           "4104 68657265 4202 0002 4320"
           "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7",
           0x9000, "410101");
    expect(&p, "80030D44", "4104 20000001 4202 0002", 0x9000, "");
    expect(&p, "80030D0D", "4104 68657265 4202 0002", 0x6A80, ""); /* nothing to check */
    part_done(&p);
}

/* NIST SP 800-38A F. */
static void
ciphers(void **state)
{
    static const char p1[] = "6BC1BEE22E409F96E93D7E117393172A";
    char data[256];
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010300", "4104 20000001 4310 2B7E151628AED2A6ABF7158809CF4F3C", 0x9000, "");
    expect(&p, "80010300",
           "4104 20000002 4320 603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4",
           0x9000, "");
    (void)snprintf(data, sizeof(data), "4104 20000001 4201 0E 4310 %s", p1);
    expect(&p, "80030E37", data, 0x9000, "4110 3AD77BB40D7A3660A89ECAF32466EF97");
    (void)snprintf(data, sizeof(data), "4104 20000002 4201 0E 4310 %s", p1);
    expect(&p, "80030E37", data, 0x9000, "4110 F3EED1BDB5D2A03C064B5A7E3DB181F8");
    (void)snprintf(data, sizeof(data),
                   "4104 20000001 4201 0D 4310 %s 4410 000102030405060708090A0B0C0D0E0F", p1);
    expect(&p, "80030E37", data, 0x9000, "4110 7649ABAC8119B246CEE98E9B12E9197D");
    expect(&p, "80030E38",
           "4104 20000001 4201 0D 4310 7649ABAC8119B246CEE98E9B12E9197D"
           "4410 000102030405060708090A0B0C0D0E0F",
           0x9000, "4110 6BC1BEE22E409F96E93D7E117393172A");
    expect(&p, "80030E37",
           "4104 20000001 4201 F0 4305 6BC1BEE22E 4410 F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF", 0x9000,
           "4105 874D6191B6");
    /* Padding: zeros; a bit and zeros, which come off again. */
    expect(&p, "80030E37", "4104 20000001 4201 16 4305 0102030405", 0x9000, NULL);
    assert_int_equal(p.len, 18);
    expect(&p, "80030E37", "4104 20000001 4201 17 4305 0102030405", 0x9000, NULL);
    assert_int_equal(p.len, 18);
    {
        char hex[33];

        rs_hex(rs_bytes_of(p.answer + 2, 16), hex, sizeof(hex));
        (void)snprintf(data, sizeof(data), "4104 20000001 4201 17 4310 %s", hex);
        expect(&p, "80030E38", data, 0x9000, "4105 0102030405");
    }
    expect(&p, "80030E37", "4104 20000001 4201 0D 4305 0102030405", 0x6A80, ""); /* no block */
    expect(&p, "80030E37", "4104 20000001 4201 0E 4300 4400", 0x6A80, "");
    expect(&p, "80030E37", "4104 20000001 4201 0D 4300 440F 000102030405060708090A0B0C0D0E", 0x6A80,
           "");
    expect(&p, "80030E37", "4104 20000001 4201 B0 4300", 0x6A80, "");
    expect(&p, "80030E37", "4104 20000001 4201 0E", 0x6A80, "");
    expect(&p, "80030E37", "4104 F0000013 4201 0E 4300", 0x6986, "");
    /* In steps. */
    expect(&p, "80011000", "4102 0001 4201 02 4301 0D", 0x9000, "");
    expect(&p, "80011000", "4102 0002 4201 02 4301 17", 0x6A80, "");
    expect(&p, "80030E0C", "4202 0001 4301 00", 0x6985, "");
    expect(&p, "80030E42", "4104 20000001 4202 0001 4410 000102030405060708090A0B0C0D0E0F", 0x9000,
           "");
    expect(&p, "80030E0C", "4202 0001 4308 6BC1BEE22E409F96", 0x9000, "4100");
    expect(&p, "80030E0C", "4202 0001 4308 E93D7E117393172A", 0x9000,
           "4110 7649ABAC8119B246CEE98E9B12E9197D");
    expect(&p, "80030E0D", "4202 0001", 0x9000, "4100");
    expect(&p, "80030E43", "4104 20000001 4202 0001 4410 000102030405060708090A0B0C0D0E0F", 0x9000,
           "");
    expect(&p, "80030E0D", "4202 0001 4310 7649ABAC8119B246CEE98E9B12E9197D", 0x9000,
           "4110 6BC1BEE22E409F96E93D7E117393172A");
    expect(&p, "80030E42", "4104 20000001 4202 0001", 0x9000, "");
    expect(&p, "80030E0D", "4202 0001 4301 00", 0x6A80, "");
    expect(&p, "80031137", "4104 20000001 4201 B0 4300 450C 000000000000000000000000", 0x6A86, "");
    part_done(&p);
}

/* McGrew and Viega, test cases 1, 2; SP 800-38C example 1. */
static void
aead(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    expect(&p, "80010300", "4104 20000001 4310 00000000000000000000000000000000", 0x9000, "");
    expect(&p, "80010300", "4104 20000002 4310 404142434445464748494A4B4C4D4E4F", 0x9000, "");
    expect(&p, "80031137", "4104 20000001 4201 B0 450C 000000000000000000000000", 0x9000,
           "4210 58E2FCCEFA7E3061367F1D57A4E7455A");
    expect(&p, "80031137",
           "4104 20000001 4201 B0 4310 00000000000000000000000000000000"
           "450C 000000000000000000000000 4602 0010",
           0x9000, "4110 0388DACE60B6A392F328C2B971B2FE78 4210 AB6E47D42CEC13BDF53A67B21257BDDF");
    expect(&p, "80031138",
           "4104 20000001 4201 B0 4310 0388DACE60B6A392F328C2B971B2FE78"
           "450C 000000000000000000000000 4610 AB6E47D42CEC13BDF53A67B21257BDDF",
           0x9000, "4110 00000000000000000000000000000000 420101");
    expect(&p, "80031138",
           "4104 20000001 4201 B0 4310 0388DACE60B6A392F328C2B971B2FE78"
           "450C 000000000000000000000000 4610 AB6E47D42CEC13BDF53A67B21257BDDE",
           0x9000, "420102"); /* nothing comes out */
    expect(&p, "80031137",
           "4104 20000002 4201 F4 4304 20212223 4408 0001020304050607 4507 10111213141516"
           "4601 04",
           0x9000, "4104 7162015B 4204 4DAC255D");
    expect(&p, "80031138",
           "4104 20000002 4201 F4 4304 7162015B 4408 0001020304050607 4507 10111213141516"
           "4604 4DAC255D",
           0x9000, "4104 20212223 420101");
    expect(&p, "80031138",
           "4104 20000002 4201 F4 4304 7162015B 4408 0001020304050608 4507 10111213141516"
           "4604 4DAC255D",
           0x9000, "420102");
    expect(&p, "80031137", "4104 20000002 4201 F4 4507 10111213141516 4601 05", 0x6A80, "");
    expect(&p, "80031137", "4104 20000002 4201 F4 4506 101112131415", 0x6A80, "");
    expect(&p, "80031137", "4104 20000002 4201 B0 4601 11", 0x6A80, "");
    expect(&p, "80031137", "4104 20000002 4201 0D 4507 10111213141516", 0x6A80, "");
    expect(&p, "80031138", "4104 20000002 4201 B0 450C 000000000000000000000000", 0x6A80, "");
    expect(&p, "80031138", "4104 20000002 4201 F3 450C 000000000000000000000000", 0x6A80, "");
    /* The part's own IV. */
    part_random(&p, "000000000000000000000000");
    expect(&p, "80031137", "4104 20000001 4201 F3", 0x9000,
           "4210 58E2FCCEFA7E3061367F1D57A4E7455A 430C 000000000000000000000000");
    expect(&p, "80031137", "4104 20000001 4201 F3 450C 000000000000000000000000", 0x6A80, "");
    expect(&p, "80010300",
           "1109 08 00000000 03000020 4104 20000003 4402 0010 4310"
           "00000000000000000000000000000000",
           0x9000, "");
    expect(&p, "80031137", "4104 20000003 4201 B0 450C 000000000000000000000000", 0x6986, "");
    expect(&p, "80031137", "4104 20000003 4201 F3 4601 0C", 0x6A80, ""); /* the key wants 16 */
    expect(&p, "80031137", "4104 20000003 4201 F3", 0x9000, NULL);
    /* In steps. */
    expect(&p, "80011000", "4102 0001 4201 04 4301 F4", 0x6A80, "");
    expect(&p, "80011000", "4102 0001 4201 04 4301 B0", 0x9000, "");
    expect(&p, "8003110C", "4202 0001 4301 00", 0x6985, "");
    expect(&p, "80031142", "4104 20000001 4202 0001", 0x6A80, "");
    expect(&p, "80031142", "4104 20000001 4202 0001 450C 000000000000000000000000", 0x9000, "");
    expect(&p, "8003110C", "4202 0001 4308 0000000000000000", 0x9000, "4108 0388DACE60B6A392");
    expect(&p, "8003110C", "4202 0001 4308 0000000000000000", 0x9000, "4108 F328C2B971B2FE78");
    expect(&p, "8003110D", "4202 0001", 0x9000, "4210 AB6E47D42CEC13BDF53A67B21257BDDF");
    expect(&p, "80031143", "4104 20000001 4202 0001 450C 000000000000000000000000", 0x9000, "");
    expect(&p, "8003110C", "4202 0001 4310 0388DACE60B6A392F328C2B971B2FE78", 0x9000,
           "4110 00000000000000000000000000000000");
    expect(&p, "8003110D", "4202 0001 4610 AB6E47D42CEC13BDF53A67B21257BDDF", 0x9000, "420101");
    expect(&p, "80031143", "4104 20000001 4202 0001 450C 000000000000000000000000", 0x9000, "");
    expect(&p, "8003110C", "4202 0001 4404 01020304", 0x9000, "");
    expect(&p, "8003110D", "4202 0001 4610 AB6E47D42CEC13BDF53A67B21257BDDF", 0x9000, "420102");
    expect(&p, "80031143", "4104 20000001 4202 0001 450C 000000000000000000000000", 0x9000, "");
    expect(&p, "8003110C", "4202 0001", 0x6A80, "");
    part_done(&p);
}

/* Applet 7.2, mode B0: two bytes in tag 45 are the length of an IV that the part makes. */
static void
own_iv_refused(void **state)
{
    static const char *const once[] = {
        "4104 20000001 4201 B0 4502 0000",   /* no IV at all */
        "4104 20000001 4201 B0 4502 000B",   /* one byte short */
        "4104 20000001 4201 B0 4502 003D",   /* one byte long */
        "4104 20000001 4201 B0 4502 FFFF",   /* as an IV it would do */
        "4104 20000001 4201 B0",             /* neither IV nor length */
        "4104 20000001 4201 B0 4500",        /* nor here */
        "4104 20000001 4201 B0 4501 0C",     /* an IV that is too short */
        "4104 20000001 4201 B0 4503 00000C", /* so is this */
        "4104 20000001 4201 B0 450B 0000000000000000000000",
        "4104 20000001 4201 F3 4502 000C",         /* has no say in the length */
        "4104 20000001 4201 F4 4502 000C",         /* CCM makes none */
        "4104 20000001 4201 B0 4502 000C 4601 11", /* no such tag */
    };
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    expect(&p, "80010300", "4104 20000001 4310 00000000000000000000000000000000", 0x9000, "");
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        expect(&p, "80031137", once[i], 0x6A80, "");
    /* Who decrypts says under which IV. */
    expect(&p, "80031138", "4104 20000001 4201 B0 4502 000C 4610 58E2FCCEFA7E3061367F1D57A4E7455A",
           0x6A80, "");
    expect(&p, "80011000", "4102 0001 4201 04 4301 B0", 0x9000, "");
    expect(&p, "80031142", "4104 20000001 4202 0001 4502 000B", 0x6A80, "");
    expect(&p, "80031142", "4104 20000001 4202 0001 4502 003D", 0x6A80, "");
    expect(&p, "80031142", "4104 20000001 4202 0001 450B 0000000000000000000000", 0x6A80, "");
    expect(&p, "80031143", "4104 20000001 4202 0001 4502 000C", 0x6A80, "");
    expect(&p, "8003110C", "4202 0001 4301 00", 0x6985, ""); /* none of these began */
    part_done(&p);
}

/* McGrew and Viega, test cases 1, 2, where the part draws the IV. */
static void
own_iv(void **state)
{
    uint8_t first[60];
    struct part p;
    struct rs_bytes iv;

    (void)state;
    part_ready(&p, &se051_model);
    expect(&p, "80010300", "4104 20000001 4310 00000000000000000000000000000000", 0x9000, "");
    part_random(&p, "000000000000000000000000");
    expect(&p, "80031137", "4104 20000001 4201 B0 4310 00000000000000000000000000000000 4502 000C",
           0x9000,
           "4110 0388DACE60B6A392F328C2B971B2FE78 4210 AB6E47D42CEC13BDF53A67B21257BDDF"
           "430C 000000000000000000000000");
    /* Another each time, and as long as it was asked for. */
    expect(&p, "80031137", "4104 20000001 4201 B0 4502 003C", 0x9000, NULL);
    iv = answer_tlv(&p, 0x43);
    assert_int_equal(iv.len, 60);
    memcpy(first, iv.p, iv.len);
    expect(&p, "80031137", "4104 20000001 4201 B0 4502 003C", 0x9000, NULL);
    assert_memory_not_equal(first, answer_tlv(&p, 0x43).p, 60);
    /* A key whose policy forbids IVs from outside has these, and no others. */
    expect(&p, "80010300",
           "1109 08 00000000 03000020 4104 20000002 4310 00000000000000000000000000000000", 0x9000,
           "");
    expect(&p, "80011000", "4102 0001 4201 04 4301 B0", 0x9000, "");
    expect(&p, "80031137", "4104 20000002 4201 B0 450C 000000000000000000000000", 0x6986, "");
    expect(&p, "80031142", "4104 20000002 4202 0001 450C 000000000000000000000000", 0x6986, "");
    expect(&p, "80031137", "4104 20000002 4201 B0 4502 000C", 0x9000, NULL);
    assert_int_equal(answer_tlv(&p, 0x43).len, 12);
    /* In steps; decrypted under what was answered. */
    part_random(&p, "000000000000000000000000");
    expect(&p, "80031142", "4104 20000002 4202 0001 4502 000C", 0x9000,
           "430C 000000000000000000000000");
    expect(&p, "8003110C", "4202 0001 4310 00000000000000000000000000000000", 0x9000,
           "4110 0388DACE60B6A392F328C2B971B2FE78");
    expect(&p, "8003110D", "4202 0001", 0x9000, "4210 AB6E47D42CEC13BDF53A67B21257BDDF");
    expect(&p, "80031138",
           "4104 20000002 4201 B0 4310 0388DACE60B6A392F328C2B971B2FE78"
           "450C 000000000000000000000000 4610 AB6E47D42CEC13BDF53A67B21257BDDF",
           0x9000, "4110 00000000000000000000000000000000 420101");
    part_done(&p);
}

/* ---- Derivations ---------------------------------------------------------------------------------------- */

/* RFC 5869 A.1, A.3. */
static void
hkdf(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010500", "4104 20000001 4316 0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B",
           0x9000, "");
    expect(
        &p, "8003002D",
        "4104 20000001 4201 04 430D 000102030405060708090A0B0C 440A F0F1F2F3F4F5F6F7F8F9"
        "4502 002A",
        0x9000,
        "412A 3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865");
    expect(
        &p, "8003002D", "4104 20000001 4201 04 4502 002A", 0x9000,
        "412A 8DA4E775A563C18F715F802A063C5A31B8A11F5C5EE1879EC3454E5F3C738D2D9D201395FAA4B61A96C8");
    expect(&p, "8003002D", "4104 20000001 4201 02 4502 002A", 0x6A80, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 0000", 0x6A80, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 1000", 0x6A80, "");
    expect(&p, "8003002D", "4104 20000001 4201 04", 0x6A80, "");
    expect(&p, "8003002D", "4104 F0000100 4201 04 4502 0020", 0x6986, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 0020 4704 20000002", 0x6A80, "");
    expect(&p, "8003002F", "4104 20000001 4201 04 4502 0020", 0x6A86, "");
    part_done(&p);
    part_ready(&p, &se051_model);
    expect(&p, "80010500", "4104 20000001 4316 0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B",
           0x9000, "");
    expect(&p, "80010500", "4104 20000003 430D 000102030405060708090A0B0C", 0x9000, "");
    expect(&p, "80010500",
           "4104 20000004 4320 077709362C2E32DF0DDC3F0DC47BBA6390B6C73BB50F9C3122EC844AD7C2B3E5",
           0x9000, "");
    expect(&p, "80010300", "4104 20000002 4310 00000000000000000000000000000000", 0x9000, "");
    expect(
        &p, "8003002D", "4104 20000001 4201 04 440A F0F1F2F3F4F5F6F7F8F9 4502 002A 4604 20000003",
        0x9000,
        "412A 3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865");
    expect(&p, "8003002D", "4104 20000001 4201 04 4301 00 4502 002A 4604 20000003", 0x6A80,
           ""); /* two salts */
    expect(
        &p, "8003002F", "4104 20000004 4201 04 440A F0F1F2F3F4F5F6F7F8F9 4502 002A", 0x9000,
        "412A 3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865");
    expect(&p, "8003002F",
           "4104 20000004 4201 04 440A F0F1F2F3F4F5F6F7F8F9 4502 0010 4704 20000002", 0x9000, "");
    assert_memory_equal(se05x_value(p.chip, se05x_find(p.chip, 0x20000002)).p,
                        "\x3C\xB2\x5F\x25\xFA\xAC\xD5\x7A\x90\x43\x4F\x64\xD0\x36\x2F\x2A", 16);
    expect(&p, "8003002F", "4104 20000004 4201 04 4502 0018 4704 20000002", 0x6985, "");
    part_done(&p);
}

/* RFC 5869 A.3: no salt, which object id 0 in tag 46 says too, with either applet. */
static void
hkdf_without_salt(void **state)
{
    static const struct sim_model *const models[] = {&se050_model, &se051_model};
    struct part p;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        part_ready(&p, models[i]);
        expect(&p, "80010500", "4104 20000001 4316 0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B",
               0x9000, "");
        expect(&p, "8003002D", "4104 20000001 4201 04 4502 002A 4603 000000", 0x6A80, "");
        expect(&p, "8003002D", "4104 20000001 4201 04 4502 002A 4600", 0x6A80, "");
        expect(&p, "8003002D", "4104 20000001 4201 04 4502 002A 4604 20000009", i ? 0x6985 : 0x6A80,
               ""); /* not there; or no salt in objects */
        expect(&p, "8003002D", "4104 20000001 4201 04 4301 00 4502 002A 4604 00000000", 0x6A80, "");
        expect(&p, "8003002D", "4104 20000001 4201 04 4502 002A 4604 00000000", 0x9000,
               "412A 8DA4E775A563C18F715F802A063C5A31B8A11F5C5EE1879EC3454E5F3C738D2D9D201395FAA4"
               "B61A96C8");
        /* PBKDF2 without salt is none. */
        expect(&p, "8003002E", "4104 20000001 4302 0001 4402 0010 4604 00000000", 0x6A80, "");
        part_done(&p);
    }
    part_ready(&p, &se050_model);
    expect(&p, "80010500", "4104 20000001 4316 0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B",
           0x9000, "");
    expect(&p, "80010500", "4104 20000003 430D 000102030405060708090A0B0C", 0x9000, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 002A 4604 20000003", 0x6A80, ""); /* 7.2's */
    part_done(&p);
}

/* Tag 45 of a key: what is derived from it has at least so many bytes (applet 7.2). */
static void
shortest_derivation(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se050_model);
    expect(&p, "80010500", "4104 20000001 4304 01020304 4502 0010", 0x6A80, "");
    part_done(&p);
    part_ready(&p, &se051_model);
    expect(&p, "80010500", "4104 20000001 4304 01020304 4501 10", 0x6A80, "");
    expect(&p, "80010500", "4104 20000001 4304 01020304 4502 0010 4B04 00000000", 0x9000, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 0010", 0x9000, NULL);
    assert_int_equal(p.len, 18);
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 000F", 0x6985, "");
    expect(&p, "8003002E", "4104 20000001 4204 73616C74 4302 0001 4402 0010", 0x9000, NULL);
    expect(&p, "8003002E", "4104 20000001 4204 73616C74 4302 0001 4402 000F", 0x6985, "");
    /* A new value keeps it, a new number counts. */
    expect(&p, "80010500", "4104 20000001 4304 05060708", 0x9000, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 000F", 0x6985, "");
    expect(&p, "80010500", "4104 20000001 4304 05060708 4502 0001", 0x9000, "");
    expect(&p, "8003002D", "4104 20000001 4201 04 4502 000F", 0x9000, NULL);
    part_done(&p);
}

/* RFC 7914 11 gives HMAC-SHA-256; RFC 6070 gives SHA-1. */
static void
pbkdf2(void **state)
{
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    expect(&p, "80010500", "4104 20000001 4306 706173737764", 0x9000, "");
    expect(&p, "80010500", "4104 20000002 4308 70617373776F7264", 0x9000, "");
    expect(&p, "8003002E", "4104 20000001 4204 73616C74 4302 0001 4402 0040 4501 19", 0x9000,
           "4140 55AC046E56E3089FEC1691C22544B605F94185216DDE0465E68B9D57C20DACBC"
           "49CA9CCCF179B645991664B39D77EF317C71B845B1E30BD509112041D3A19783");
    expect(&p, "8003002E", "4104 20000002 4204 73616C74 4302 0002 4402 0014 4501 18", 0x9000,
           "4114 EA6C014DC72D6F8CCD1ED92ACE1D41F0D8DE8957");
    /* Without a name it is SHA-1. */
    expect(&p, "8003002E", "4104 20000002 4204 73616C74 4302 0002 4402 0014", 0x9000,
           "4114 EA6C014DC72D6F8CCD1ED92ACE1D41F0D8DE8957");
    part_done(&p);
}

/* A published vector of the TLS 1.2 PRF with SHA-256 (secret, seed, label "test label"). */
static void
tls(void **state)
{
    uint8_t random[32];
    char data[512], hex[65];
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    expect(&p, "80010500", "4104 20000001 4310 9BBE436BA940F017B17652849A71DB35", 0x9000, "");
    expect(&p, "80030F4B",
           "4104 20000001 4201 04 4301 61 4420"
           "0000000000000000000000000000000000000000000000000000000000000000 4502 0030",
           0x6985, ""); /* no random yet */
    expect(&p, "80030F49", "", 0x9000, NULL);
    assert_int_equal(p.len, 34);
    memcpy(random, p.answer + 2, 32);
    rs_hex(RS_BYTES(random), hex, sizeof(hex));
    /* 4B and 4C differ in whose random comes first; with equal ones they do not. */
    (void)snprintf(data, sizeof(data), "4104 20000001 4201 04 4304 74657374 4420 %s 4502 0030",
                   hex);
    expect(&p, "80030F4B", data, 0x9000, NULL);
    assert_int_equal(p.len, 50);
    {
        uint8_t first[48], want[48], seed[64], secret[16];

        memcpy(first, p.answer + 2, 48);
        expect(&p, "80030F4E", data, 0x9000, NULL);
        assert_memory_equal(first, p.answer + 2, 48);
        memcpy(seed, random, 32);
        memset(seed + 32, 0x5A, 32);
        (void)unhex("9BBE436BA940F017B17652849A71DB35", secret, 16);
        assert_true(se05x_tls_prf(EVP_sha256(), RS_BYTES(secret), rs_bytes_str("test"),
                                  RS_BYTES(seed), want, 48));
        for (size_t i = 0; i < 32; i++)
            (void)snprintf(hex + 2 * i, 3, "5A");
        (void)snprintf(data, sizeof(data), "4104 20000001 4201 04 4304 74657374 4420 %s 4502 0030",
                       hex);
        expect(&p, "80030F4C", data, 0x9000, NULL); /* ours is the client's, and first */
        assert_memory_equal(want, p.answer + 2, 48);
        expect(&p, "80030F4D", data, 0x9000, NULL);
        assert_memory_equal(want, p.answer + 2, 48);
        expect(&p, "80030F4B", data, 0x9000, NULL);
        assert_memory_not_equal(want, p.answer + 2, 48);
    }
    expect(&p, "80030F4B", "4104 20000001 4201 04 4301 61 441F 00 4502 0030", 0x6A80, "");
    part_done(&p);
}

/* The function itself against a published vector: SHA-256, 100 bytes. */
static void
tls_prf_vector(void **state)
{
    uint8_t secret[16], seed[16], out[100], want[100];

    (void)state;
    (void)unhex("9BBE436BA940F017B17652849A71DB35", secret, 16);
    (void)unhex("A0BA9F936CDA311827A6F796FFD5198C", seed, 16);
    (void)unhex("E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A"
                "6B301791E90D35C9C9A46B4E14BAF9AF0FA022F7077DEF17ABFD3797C0564BAB"
                "4FBC91666E9DEF9B97FCE34F796789BAA48082D122EE42C5A72E5A5110FFF701"
                "87347B66",
                want, 100);
    assert_true(se05x_tls_prf(EVP_sha256(), RS_BYTES(secret), rs_bytes_str("test label"),
                              RS_BYTES(seed), out, sizeof(out)));
    assert_memory_equal(out, want, sizeof(want));
}

static void
tls_pre_master(void **state)
{
    struct rs_bytes value;
    struct part p;

    (void)state;
    part_ready(&p, &se051_model);
    make_curve(&p, 3);
    expect(&p, "80016100", "4104 20000001 4201 03", 0x9000, "");
    expect(&p, "80010500", "4104 20000002 4304 01020304", 0x9000, "");
    expect(&p, "80010500", "4104 20000003 4301 00", 0x9000, "");
#define POINT                                                                                      \
    "4441 046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C2964FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5"
    expect(&p, "80030F4A", "4304 20000003", 0x6A80, "");
    expect(&p, "80030F4A", "4204 20000001 4304 20000003", 0x6A80, "");
    expect(&p, "80030F4A", "4204 20000002 4304 20000003" POINT, 0x6985, "");
    expect(&p, "80030F4A", "4204 20000001 4304 20000003" POINT, 0x9000, "");
    value = se05x_value(p.chip, se05x_find(p.chip, 0x20000003));
    assert_int_equal(value.len, 32);
    assert_memory_equal(value.p, point_of(&p, 0x20000001).p + 1, 32);
    expect(&p, "80030F4A", "4104 20000002 4304 20000003", 0x9000, "");
    value = se05x_value(p.chip, se05x_find(p.chip, 0x20000003));
    assert_int_equal(value.len, 12);
    assert_memory_equal(value.p, "\x00\x04\x00\x00\x00\x00\x00\x04\x01\x02\x03\x04", 12);
    expect(&p, "80030F4A", "4104 20000002 4204 20000001 4304 20000003" POINT, 0x9000, "");
    value = se05x_value(p.chip, se05x_find(p.chip, 0x20000003));
    assert_int_equal(value.len, 40);
    part_done(&p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_refused),
        cmocka_unit_test(ecdsa),
        cmocka_unit_test(eddsa),
        cmocka_unit_test(eddsa_generated),
        cmocka_unit_test(agreement),
        cmocka_unit_test(agreement_x25519),
        cmocka_unit_test(agreement_into_an_object),
        cmocka_unit_test(digests),
        cmocka_unit_test(macs),
        cmocka_unit_test(ciphers),
        cmocka_unit_test(aead),
        cmocka_unit_test(own_iv_refused),
        cmocka_unit_test(own_iv),
        cmocka_unit_test(hkdf),
        cmocka_unit_test(hkdf_without_salt),
        cmocka_unit_test(shortest_derivation),
        cmocka_unit_test(pbkdf2),
        cmocka_unit_test(tls),
        cmocka_unit_test(tls_prf_vector),
        cmocka_unit_test(tls_pre_master),
    };

    return cmocka_run_group_tests_name("sims_se05x/crypto", tests, NULL, NULL);
}
