/*
 * crypto_test.c: the cryptographic commands against published vectors and against OpenSSL's own path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "desk.h"
#include "sims/optiga/uncertain.h"

/* ---- GetRandom ----------------------------------------------------------------------------- */

static void
test_random(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x0C, 2, "0008", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x0C, 0, "00", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x0C, 0, "000800", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x0C, 4, "0030", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0007", NULL, NULL), OPTIGA_U_RANGE_ERROR);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0101", NULL, NULL), OPTIGA_U_RANGE_ERROR);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008 E104", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008 E100 42000101", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008 E100 410002", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0100", out, &len), 0);
    assert_int_equal(len, 256);
    assert_int_equal(desk_x(&d, 0x0C, 1, "0008", out, &len), 0);
    assert_int_equal(len, 8);
    assert_int_equal(desk_x(&d, 0x0C, 4, "002E E100 4100020303", out, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(d.chip.app.kept.sessions[0].len, 48);
    assert_memory_equal(d.chip.app.kept.sessions[0].bytes, "\x03\x03", 2);
    desk_done(&d);
}

/* Optional and random bytes together are as long as a secret of a session may be. */
static void
test_random_into_session(void **state)
{
    static const struct {
        unsigned random;
        size_t optional;
        int code_v3, code_v1;
    } rows[] = {
        {67, 0, OPTIGA_U_RANGE_ERROR, OPTIGA_U_RANGE_ERROR},
        {256, 0, OPTIGA_U_RANGE_ERROR, OPTIGA_U_RANGE_ERROR},
        {64, 3, OPTIGA_U_RANGE_ERROR, OPTIGA_U_RANGE_ERROR},
        {8, 59, OPTIGA_U_RANGE_ERROR, OPTIGA_U_RANGE_ERROR},
        {8, 400, OPTIGA_U_RANGE_ERROR, OPTIGA_U_RANGE_ERROR},
        {48, 1, 0, OPTIGA_U_RANGE_ERROR},
        {66, 0, 0, OPTIGA_U_RANGE_ERROR},
        {8, 58, 0, OPTIGA_U_RANGE_ERROR},
        {46, 2, 0, 0},
        {48, 0, 0, 0},
    };
    uint8_t data[500], optional[400], out[OPTIGA_DATA_MAX];

    (void)state;
    memset(optional, 0x77, sizeof(optional));
    for (int v3 = 0; v3 < 2; v3++) {
        struct desk d;

        desk_init(&d, v3);
        desk_open(&d);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            const struct optiga_session *s = &d.chip.app.kept.sessions[3];
            int code = v3 ? rows[i].code_v3 : rows[i].code_v1;
            size_t at, len = 0, before = s->len, all = rows[i].random + rows[i].optional;

            rs_set_u16(data, rows[i].random);
            rs_set_u16(data + 2, 0xE103);
            at = put_tlv(data, 4, 0x41, optional, rows[i].optional);
            assert_int_equal(desk_run(&d, 0x0C, 4, data, at, out, &len), code);
            assert_int_equal(s->len, code == 0 ? all : before);
            if (v3) /* the same for a nonce */
                assert_int_equal(desk_run(&d, 0x0C, 0, data, at, out, &len), code);
        }
        desk_done(&d);
    }
}

static void
test_random_v1(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x0C, 0, "0008 E100", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x0C, 4, "0030 E100", NULL, NULL), 0);
    desk_done(&d);
}

/* ---- CalcHash --------------------------------------------------------------------------------- */

static void
digest_is(const uint8_t *out, size_t len, const char *text)
{
    uint8_t want[32];
    unsigned n = 0;

    assert_int_equal(EVP_Digest(text, strlen(text), want, &n, EVP_sha256(), NULL), 1);
    assert_int_equal(len, 35);
    assert_memory_equal(out, "\x01\x00\x20", 3);
    assert_memory_equal(out + 3, want, 32);
}

static void
test_hash(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX], data[OPTIGA_DATA_MAX];
    char text[OPTIGA_DATA_MAX];
    size_t len = 0, at;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x30, 0xE3, "010003616263", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "0100036162", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "08000161", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "01000161 03000161", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "02000161", NULL, NULL), OPTIGA_E_SEQUENCE);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "03000161", NULL, NULL), OPTIGA_E_SEQUENCE);
    /* a | b -> digest so far | c */
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "00000161", out, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "05000162", out, &len), 0);
    digest_is(out, len, "ab");
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "02000163", out, &len), 0);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "030000", out, &len), 0);
    digest_is(out, len, "abc");
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "03000161", NULL, NULL), OPTIGA_E_SEQUENCE);
    /* Thrown away. */
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "00000161", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "040000", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "03000161", NULL, NULL), OPTIGA_E_SEQUENCE);
    /* Every length around the block's end, in two pieces. */
    for (size_t n = 50; n < 140; n += 7) {
        memset(text, 'x', n);
        text[n] = '\0';
        at = put_tlv(data, 0, 0x00, text, n / 2);
        assert_int_equal(desk_run(&d, 0x30, 0xE2, data, at, NULL, NULL), 0);
        at = put_tlv(data, 0, 0x03, text, n - n / 2);
        assert_int_equal(desk_run(&d, 0x30, 0xE2, data, at, out, &len), 0);
        digest_is(out, len, text);
    }
    desk_done(&d);
}

static void
test_hash_object(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_put(&d, 0xF1D5, (const uint8_t *)"xxhello", 7), 0);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "110006 F1D5 0002 0005", out, &len), 0);
    digest_is(out, len, "hello");
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "110006 F1D5 0002 0006", NULL, NULL), OPTIGA_E_BOUNDS);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "110004 F1D5 0002", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "110006 E0F0 0000 0001", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_meta(&d, 0xF1D5, "2003 D101FF"), 0);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "110006 F1D5 0002 0005", NULL, NULL), OPTIGA_E_ACCESS);
    desk_done(&d);
}

static void
test_hash_context(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX], context[OPTIGA_HASH_CONTEXT], data[OPTIGA_DATA_MAX];
    size_t len = 0, at;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "0000026865 070000", out, &len), 0);
    assert_int_equal(len, 3 + sizeof(context));
    assert_memory_equal(out, "\x06\x00\xD1", 3);
    memcpy(context, out + 3, sizeof(context));
    assert_int_equal(desk_x(&d, 0x30, 0xE2, "03000161", NULL, NULL),
                     OPTIGA_E_SEQUENCE); /* is out */
    at = put_tlv(data, 0, 0x06, context, sizeof(context));
    at = put_tlv(data, at, 0x03, "llo", 3);
    assert_int_equal(desk_run(&d, 0x30, 0xE2, data, at, out, &len), 0);
    digest_is(out, len, "hello");
    data[3] ^= 1;
    assert_int_equal(desk_run(&d, 0x30, 0xE2, data, at, NULL, NULL), OPTIGA_E_PARAMETER);
    data[3] ^= 1;
    data[3 + 200] ^= 1;
    assert_int_equal(desk_run(&d, 0x30, 0xE2, data, at, NULL, NULL), OPTIGA_E_PARAMETER);
    at = put_tlv(data, 0, 0x06, context, sizeof(context));
    at = put_tlv(data, at, 0x00, "llo", 3); /* a start has no past */
    assert_int_equal(desk_run(&d, 0x30, 0xE2, data, at, NULL, NULL), OPTIGA_E_PARAMETER);
    desk_done(&d);
}

/* ---- Key pairs and signatures --------------------------------------------------------------------- */

static const struct {
    uint8_t alg;
    const char *group;
    size_t size;
    const char *head; /* of the public key */
} curves[] = {
    {0x03, "P-256", 32, "03420004"},           {0x04, "P-384", 48, "03620004"},
    {0x05, "P-521", 66, "0381860004"},         {0x13, "brainpoolP256r1", 32, "03420004"},
    {0x15, "brainpoolP384r1", 48, "03620004"}, {0x16, "brainpoolP512r1", 64, "0381820004"},
};
#define CURVE_COUNT (sizeof(curves) / sizeof(curves[0]))

/* OpenSSL's key of the point. */
static EVP_PKEY *
openssl_key(const char *group, const uint8_t *octets, size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    char name[32];
    uint8_t copy[160];
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[3];

    (void)snprintf(name, sizeof(name), "%s", group);
    memcpy(copy, octets, len);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, len);
    params[2] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int
openssl_verifies(EVP_PKEY *key, const uint8_t *digest, size_t digest_len, const uint8_t *integers,
                 size_t len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    uint8_t der[256] = {0x30};
    size_t head = 2;
    int ok;

    if (len > 0x7F) {
        der[1] = 0x81;
        head = 3;
    }
    der[head - 1] = (uint8_t)len;
    memcpy(der + head, integers, len);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    ok = EVP_PKEY_verify(ctx, der, head + len, digest, digest_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* Make a key in an object or session; the public key's BIT STRING. */
static size_t
make_pair(struct desk *d, uint8_t alg, unsigned oid, unsigned usage, uint8_t *public)
{
    uint8_t data[16], out[OPTIGA_DATA_MAX], place[2], use = (uint8_t)usage;
    size_t at, len = 0;

    rs_set_u16(place, oid);
    at = put_tlv(data, 0, 0x01, place, 2);
    at = put_tlv(data, at, 0x02, &use, 1);
    assert_int_equal(desk_run(d, 0x38, alg, data, at, out, &len), 0);
    assert_int_equal(out[0], 0x02);
    assert_int_equal(rs_get_u16(out + 1), len - 3);
    memcpy(public, out + 3, len - 3);
    return len - 3;
}

static int
sign(struct desk *d, unsigned scheme, unsigned oid, const uint8_t *digest, size_t digest_len,
     uint8_t *sig, size_t *ret_len)
{
    uint8_t data[128], place[2];
    size_t at;

    rs_set_u16(place, oid);
    at = put_tlv(data, 0, 0x01, digest, digest_len);
    at = put_tlv(data, at, 0x03, place, 2);
    return desk_run(d, 0x31, scheme, data, at, sig, ret_len);
}

static int
verify(struct desk *d, unsigned scheme, uint8_t alg, const uint8_t *public, size_t public_len,
       const uint8_t *digest, size_t digest_len, const uint8_t *sig, size_t sig_len)
{
    uint8_t data[OPTIGA_DATA_MAX];
    size_t at;

    at = put_tlv(data, 0, 0x01, digest, digest_len);
    at = put_tlv(data, at, 0x02, sig, sig_len);
    at = put_tlv(data, at, 0x05, &alg, 1);
    at = put_tlv(data, at, 0x06, public, public_len);
    return desk_run(d, 0x32, scheme, data, at, NULL, NULL);
}

static void
test_curves(void **state)
{
    uint8_t public[256], digest[66], sig[OPTIGA_DATA_MAX], head[8];
    size_t public_len, sig_len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    memset(digest, 0xC3, sizeof(digest));
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        size_t head_len = hex(curves[i].head, head, sizeof(head)), size = curves[i].size;
        EVP_PKEY *key;

        public_len = make_pair(&d, curves[i].alg, 0xE0F2, 0x10, public);
        assert_int_equal(public_len, head_len + 2 * size);
        assert_memory_equal(public, head, head_len);
        key = openssl_key(curves[i].group, public + head_len - 1, 2 * size + 1);
        for (size_t n = 10; n <= size; n += size - 10) {
            assert_int_equal(sign(&d, 0x11, 0xE0F2, digest, n, sig, &sig_len), 0);
            assert_true(openssl_verifies(key, digest, n, sig, sig_len));
            assert_int_equal(
                verify(&d, 0x11, curves[i].alg, public, public_len, digest, n, sig, sig_len), 0);
        }
        assert_int_equal(sign(&d, 0x11, 0xE0F2, digest, 9, sig, &sig_len), OPTIGA_E_PARAMETER);
        if (size < sizeof(digest))
            assert_int_equal(sign(&d, 0x11, 0xE0F2, digest, size + 1, sig, &sig_len),
                             OPTIGA_E_PARAMETER);
        EVP_PKEY_free(key);
    }
    desk_done(&d);
}

static void
test_sign_refusals(void **state)
{
    uint8_t public[256], digest[32] = {7}, sig[OPTIGA_DATA_MAX], bad[256];
    size_t len, sig_len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(sign(&d, 0x11, 0xE0F1, digest, 32, sig, &sig_len), OPTIGA_U_NO_KEY_ERROR);
    assert_int_equal(sign(&d, 0x11, 0xE0F4, digest, 32, sig, &sig_len), OPTIGA_E_OID);
    assert_int_equal(sign(&d, 0x11, 0xF1D0, digest, 32, sig, &sig_len), OPTIGA_E_OID);
    assert_int_equal(sign(&d, 0x11, 0xE100, digest, 32, sig, &sig_len), OPTIGA_U_NO_KEY_ERROR);
    assert_int_equal(sign(&d, 0x01, 0xE0F0, digest, 32, sig, &sig_len), OPTIGA_E_PARAMETER);
    assert_int_equal(sign(&d, 0x04, 0xE0F0, digest, 32, sig, &sig_len), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x31, 0x11, "01000A00010203040506070809", NULL, NULL),
                     OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x31, 0x11, "030002E0F0", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x31, 0x11, "030001E0", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x31, 0x11, "030002E0F0 030002E0F0", NULL, NULL),
                     OPTIGA_E_PARAMETER);
    /* Usage: agreement only. */
    (void)make_pair(&d, 0x03, 0xE0F1, 0x20, public);
    assert_int_equal(sign(&d, 0x11, 0xE0F1, digest, 32, sig, &sig_len), OPTIGA_U_USAGE_ERROR);
    /* Verification. */
    len = make_pair(&d, 0x03, 0xE101, 0x01, public);
    assert_int_equal(sign(&d, 0x11, 0xE101, digest, 32, sig, &sig_len), 0);
    assert_int_equal(verify(&d, 0x11, 3, public, len, digest, 32, sig, sig_len), 0);
    digest[0] ^= 1;
    assert_int_equal(verify(&d, 0x11, 3, public, len, digest, 32, sig, sig_len),
                     OPTIGA_E_SIGNATURE);
    digest[0] ^= 1;
    assert_int_equal(verify(&d, 0x11, 3, public, len, digest, 32, sig, sig_len - 1),
                     OPTIGA_E_PARAMETER);
    assert_int_equal(verify(&d, 0x11, 3, public, len, digest, 9, sig, sig_len), OPTIGA_E_PARAMETER);
    assert_int_equal(verify(&d, 0x11, 4, public, len, digest, 32, sig, sig_len),
                     OPTIGA_E_PARAMETER);
    assert_int_equal(verify(&d, 0x11, 0xE2, public, len, digest, 32, sig, sig_len),
                     OPTIGA_U_ALGORITHM_ERROR);
    assert_int_equal(verify(&d, 0x11, 0x81, public, len, digest, 32, sig, sig_len),
                     OPTIGA_E_PARAMETER);
    memcpy(bad, public, len);
    bad[20] ^= 1;
    assert_int_equal(verify(&d, 0x11, 3, bad, len, digest, 32, sig, sig_len),
                     OPTIGA_U_OFF_CURVE_ERROR);
    bad[20] ^= 1;
    bad[3] = 2; /* compressed */
    assert_int_equal(verify(&d, 0x11, 3, bad, len, digest, 32, sig, sig_len), OPTIGA_E_PARAMETER);
    bad[3] = 4;
    bad[2] = 1; /* unused bits */
    assert_int_equal(verify(&d, 0x11, 3, bad, len, digest, 32, sig, sig_len), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x32, 0x11, "01000A00010203040506070809 020001FF", NULL, NULL),
                     OPTIGA_E_PARAMETER);
    desk_done(&d);
}

static void
test_key_pair_refusals(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x38, 0x06, "010002E0F1 02000110", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x38, 0x81, "010002E0F1 02000110", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F1", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F1 02000100", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F1 02000102", NULL, NULL),
                     OPTIGA_E_PARAMETER); /* encryption is for RSA */
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0FC 02000110", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x38, 0x41, "010002E0F1 02000110", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x38, 0x41, "010002E100 02000110", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F0 02000110", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F1 02000110 070000", NULL, NULL),
                     OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "07000100", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x39, 0x84, "010002E200 02000102", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x39, 0x81, "010002E200 02000102", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_x(&d, 0x39, 0x81, "010002E100 02000102", NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(d.stored, 0);
    desk_meta_is(&d, 0xE0F1, "200B C00101 D003E1FC07 D30100");
    assert_int_equal(desk_x(&d, 0x38, 0x03, "010002E0F1 02000131", NULL, NULL), 0);
    desk_meta_is(&d, 0xE0F1, "2011 C00101 D003E1FC07 D30100 E00103 E10131");
    desk_done(&d);
}

/* Exported: the private key fits the public one, and nothing stays. */
static void
test_export(void **state)
{
    uint8_t out[OPTIGA_DATA_MAX], point[64];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x38, 0x03, "070000", out, &len), 0);
    assert_int_equal(len, 3 + 68 + 3 + 34);
    assert_memory_equal(out, "\x02\x00\x44\x03\x42\x00\x04", 7);
    assert_memory_equal(out + 71, "\x01\x00\x22\x04\x20", 5);
    assert_true(sim_curve_public(SIM_CURVE_P256, out + 76, point));
    assert_memory_equal(point, out + 7, 64);
    assert_int_equal(d.stored, 0);
    assert_int_equal(desk_x(&d, 0x39, 0x83, "070000", out, &len), 0);
    assert_int_equal(len, 35);
    assert_memory_equal(out, "\x01\x00\x20", 3);
    desk_done(&d);
}

/* ---- RSA ---------------------------------------------------------------------------------------------- */

/* The modulus of a public key in an answer: behind BIT STRING, SEQUENCE, INTEGER and a zero. */
static const uint8_t *
modulus_of(const uint8_t *public, size_t size)
{
    return public + (size == 128 ? 11 : 14);
}

/* Key and modulus out; neither is kept.  Private is the private exponent, and nothing else. */
static void
test_rsa_export(void **state)
{
    static const struct {
        unsigned alg;
        size_t size, head_len;
        const char *head;
    } rows[] = {{0x41, 128, 6, "\x01\x00\x83\x04\x81\x80"},
                {0x42, 256, 7, "\x01\x01\x04\x04\x82\x01\x00"}};
    uint8_t out[OPTIGA_DATA_MAX], key[2 * OPTIGA_RSA_MAX + 4];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x38, 0x41, "07000100", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x38, 0x41, "010002E0FC 070000", NULL, NULL), OPTIGA_E_PARAMETER);
    for (unsigned i = 0; i < 2; i++) {
        size_t size = rows[i].size, public_len;

        assert_int_equal(desk_x(&d, 0x38, rows[i].alg, "070000", out, &len), 0);
        public_len = 3 + (size_t)rs_get_u16(out + 1);
        assert_int_equal(len, public_len + rows[i].head_len + size);
        assert_memory_equal(out + public_len, rows[i].head, rows[i].head_len);
        memcpy(key, modulus_of(out + 3, size), size);
        rs_set_u32(key + size, 0x10001);
        memcpy(key + size + 4, out + public_len + rows[i].head_len, size);
        assert_true(optiga_rsa_key_ok(rows[i].alg, key));
        key[2 * size + 3] ^= 2;
        assert_false(optiga_rsa_key_ok(rows[i].alg, key));
    }
    assert_int_equal(d.stored, 0);
    desk_done(&d);
}

static void
test_rsa(void **state)
{
    uint8_t public[300], digest[64] = {9}, sig[OPTIGA_DATA_MAX], data[OPTIGA_DATA_MAX];
    uint8_t out[OPTIGA_DATA_MAX];
    static const uint8_t alg = 0x41;
    static const unsigned sizes[] = {32, 48, 64};
    size_t len, sig_len = 0, at, out_len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    len = make_pair(&d, alg, 0xE0FC, 0x12, public);
    assert_memory_equal(public, "\x03\x81\x8D\x00\x30\x81\x89\x02\x81\x81\x00", 11);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(sign(&d, 1 + i, 0xE0FC, digest, sizes[i], sig, &sig_len), 0);
        assert_int_equal(sig_len, 128);
        assert_int_equal(verify(&d, 1 + i, alg, public, len, digest, sizes[i], sig, sig_len), 0);
        sig[100] ^= 4;
        assert_int_equal(verify(&d, 1 + i, alg, public, len, digest, sizes[i], sig, sig_len),
                         OPTIGA_E_SIGNATURE);
        assert_int_equal(sign(&d, 1 + i, 0xE0FC, digest, sizes[i] - 1, sig, &sig_len),
                         OPTIGA_E_PARAMETER);
    }
    assert_int_equal(sign(&d, 0x11, 0xE0FC, digest, 32, sig, &sig_len), OPTIGA_E_PARAMETER);
    /* Encrypt for it, decrypt with it: bytes, then into a session. */
    at = put_tlv(data, 0, 0x61, "secret", 6);
    at = put_tlv(data, at, 0x05, &alg, 1);
    at = put_tlv(data, at, 0x06, public, len);
    assert_int_equal(desk_run(&d, 0x1E, 0x12, data, at, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_run(&d, 0x1E, 0x11, data, at, out, &out_len), 0);
    assert_int_equal(out_len, 131);
    memcpy(data, out, 131);
    at = put_tlv(data, 131, 0x03, "\xE0\xFC", 2);
    assert_int_equal(desk_run(&d, 0x1F, 0x11, data, at, out, &out_len), 0);
    assert_int_equal(out_len, 9);
    assert_memory_equal(out, "\x61\x00\x06secret", 9);
    at = put_tlv(data, at, 0x02, "\xE1\x03", 2);
    assert_int_equal(desk_run(&d, 0x1F, 0x11, data, at, out, &out_len), 0);
    assert_int_equal(out_len, 0);
    assert_memory_equal(d.chip.app.kept.sessions[3].bytes, "secret", 6);
    data[50] ^= 1;
    assert_int_equal(desk_run(&d, 0x1F, 0x11, data, at, out, &out_len), OPTIGA_E_DECRYPTION);
    /* From a session. */
    at = put_tlv(data, 0, 0x02, "\xE1\x03", 2);
    at = put_tlv(data, at, 0x05, &alg, 1);
    at = put_tlv(data, at, 0x06, public, len);
    assert_int_equal(desk_run(&d, 0x1E, 0x11, data, at, out, &out_len), 0);
    data[4] = 0x02;
    assert_int_equal(desk_run(&d, 0x1E, 0x11, data, at, out, &out_len), OPTIGA_U_NO_KEY_ERROR);
    at = put_tlv(data, at, 0x61, "x", 1);
    assert_int_equal(desk_run(&d, 0x1E, 0x11, data, at, out, &out_len), OPTIGA_E_PARAMETER);
    desk_done(&d);
}

/* What is decrypted into a session is as short as a secret; what goes out need not be. */
static void
test_rsa_into_session(void **state)
{
    static const size_t lengths[] = {48, 49, 66, 67, 117};
    uint8_t public[300], message[117], data[OPTIGA_DATA_MAX], out[OPTIGA_DATA_MAX];
    size_t public_len, at, len = 0;

    (void)state;
    memset(message, 0x5A, sizeof(message));
    for (int v3 = 0; v3 < 2; v3++) {
        struct desk d;

        desk_init(&d, v3);
        desk_open(&d);
        public_len = make_pair(&d, 0x41, 0xE0FC, 0x02, public);
        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            const struct optiga_session *s = &d.chip.app.kept.sessions[1], before = *s;
            int fits = lengths[i] <= (v3 ? 66 : 48);

            at = put_tlv(data, 0, 0x61, message, lengths[i]);
            at = put_tlv(data, at, 0x05, "\x41", 1);
            at = put_tlv(data, at, 0x06, public, public_len);
            assert_int_equal(desk_run(&d, 0x1E, 0x11, data, at, out, &len), 0);
            at = put_tlv(out, len, 0x03, "\xE0\xFC", 2);
            at = put_tlv(out, at, 0x02, "\xE1\x01", 2);
            assert_int_equal(desk_run(&d, 0x1F, 0x11, out, at, NULL, NULL),
                             fits ? 0 : OPTIGA_U_RANGE_ERROR);
            assert_int_equal(s->len, fits ? lengths[i] : before.len);
            assert_int_equal(desk_run(&d, 0x1F, 0x11, out, at - 5, data, &len), 0);
            assert_int_equal(len, lengths[i] + 3);
            assert_memory_equal(data + 3, message, lengths[i]);
        }
        desk_done(&d);
    }
}

/* ---- Certificates ---------------------------------------------------------------------------------------- */

static void
test_certificate(void **state)
{
    uint8_t public[128], digest[32] = {5}, sig[OPTIGA_DATA_MAX], data[256], cert[1200];
    size_t sig_len = 0, at;
    struct rs_buf der;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    (void)make_pair(&d, 0x03, 0xE0F1, 0x11, public);
    rs_buf_init_fixed(&der, cert, sizeof(cert));
    assert_int_equal(sim_ca_issue(d.ca, "leaf", public + 4, &der, NULL), RS_OK);
    assert_int_equal(sign(&d, 0x11, 0xE0F1, digest, 32, sig, &sig_len), 0);
    at = put_tlv(data, 0, 0x01, digest, 32);
    at = put_tlv(data, at, 0x02, sig, sig_len);
    at = put_tlv(data, at, 0x04, "\xE0\xE8", 2);
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_CERT_FORMAT);
    assert_int_equal(desk_put(&d, 0xE0E8, cert, der.len), 0);
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), 0);
    data[5] ^= 1;
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_SIGNATURE);
    data[5] ^= 1;
    /* A TLS identity is not bare; a data object is no certificate. */
    data[at - 1] = 0xE0;
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_CERT_FORMAT);
    data[at - 2] = 0xF1;
    data[at - 1] = 0xD0;
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_U_TYPE_ERROR);
    data[at - 1] = 0xDF;
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_OID);
    data[at - 2] = 0xE0;
    data[at - 1] = 0xE8;
    at = put_tlv(data, at, 0x05, "\x03", 1);
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_PARAMETER);
    /* Cut off, and a version that the part does not take. */
    assert_int_equal(desk_put(&d, 0xE0E8, cert, der.len - 1), 0);
    at -= 4;
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_CERT_FORMAT);
    cert[12] = 1;
    assert_int_equal(cert[10], 0x02);
    assert_int_equal(desk_put(&d, 0xE0E8, cert, der.len), 0);
    assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), OPTIGA_E_CERT_UNSUPPORTED);
    desk_done(&d);
}

/* A certificate for this key with this usage (OpenSSL's words; NULL: none) into E0E1; 0, or a code. */
static int
install(struct desk *d, EVP_PKEY *key, const char *usage)
{
    X509 *x = X509_new();
    X509_EXTENSION *e = NULL;
    uint8_t *der = NULL;
    int len, code;

    (void)X509_set_version(x, X509_VERSION_3);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 78);
    (void)X509_gmtime_adj(X509_getm_notBefore(x), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 1000);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"usage", -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(x));
    (void)X509_set_pubkey(x, key);
    if (usage != NULL) {
        e = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
        assert_non_null(e);
        (void)X509_add_ext(x, e, -1);
    }
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    len = i2d_X509(x, &der);
    assert_true(len > 0);
    code = desk_put(d, 0xE0E1, der, (size_t)len);
    OPENSSL_free(der);
    X509_EXTENSION_free(e);
    X509_free(x);
    return code;
}

/* VerifySign takes a certificate whose key signs, messages or certificates. */
static void
test_certificate_that_signs(void **state)
{
    static const struct {
        const char *usage;
        int code;
    } rows[] = {
        {"critical,keyAgreement", OPTIGA_U_CERT_USAGE_ERROR},
        {"keyEncipherment,dataEncipherment", OPTIGA_U_CERT_USAGE_ERROR},
        {"nonRepudiation,cRLSign", OPTIGA_U_CERT_USAGE_ERROR},
        {"decipherOnly", OPTIGA_U_CERT_USAGE_ERROR},
        {"DER:030100", OPTIGA_U_CERT_USAGE_ERROR}, /* no bit at all */
        {"DER:0500", OPTIGA_U_CERT_USAGE_ERROR},
        {"critical,digitalSignature", 0},
        {"keyCertSign,cRLSign", 0},
        {"keyAgreement,digitalSignature", 0},
        {NULL, 0},
    };
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t digest[32] = {7}, sig[80], data[256];
    size_t len = sizeof(sig), at;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, digest, sizeof(digest)), 1);
    EVP_PKEY_CTX_free(ctx);
    at = put_tlv(data, 0, 0x01, digest, 32);
    at = put_tlv(data, at, 0x02, sig + 2, len - 2); /* without its SEQUENCE */
    at = put_tlv(data, at, 0x04, "\xE0\xE1", 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(install(&d, key, rows[i].usage), 0);
        assert_int_equal(desk_run(&d, 0x32, 0x11, data, at, NULL, NULL), rows[i].code);
    }
    EVP_PKEY_free(key);
    desk_done(&d);
}

/* EncryptAsym takes one for encipherment; a secret of a session only one for keys. */
static void
test_certificate_that_encrypts(void **state)
{
    static const struct {
        const char *usage;
        int code, of_session;
    } rows[] = {
        {"critical,digitalSignature", OPTIGA_U_CERT_USAGE_ERROR, OPTIGA_U_CERT_USAGE_ERROR},
        {"keyCertSign,keyAgreement", OPTIGA_U_CERT_USAGE_ERROR, OPTIGA_U_CERT_USAGE_ERROR},
        {"encipherOnly,keyAgreement", OPTIGA_U_CERT_USAGE_ERROR, OPTIGA_U_CERT_USAGE_ERROR},
        {"dataEncipherment", 0, OPTIGA_U_CERT_USAGE_ERROR},
        {"critical,keyEncipherment", 0, 0},
        {"digitalSignature,keyEncipherment,dataEncipherment", 0, 0},
        {NULL, 0, 0},
    };
    EVP_PKEY *key = EVP_RSA_gen(1024);
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x0C, 4, "002E E100 4100020303", NULL, NULL), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(install(&d, key, rows[i].usage), 0);
        assert_int_equal(desk_x(&d, 0x1E, 0x11, "610003616263 040002E0E1", NULL, NULL),
                         rows[i].code);
        assert_int_equal(desk_x(&d, 0x1E, 0x11, "020002E100 040002E0E1", NULL, NULL),
                         rows[i].of_session);
    }
    EVP_PKEY_free(key);
    desk_done(&d);
}

/* The vendor's certificate is of the key in E0F0, and chains to its imaginary maker. */
static void
test_vendor_key(void **state)
{
    uint8_t cert[2048], digest[32] = {6}, sig[OPTIGA_DATA_MAX], octets[65];
    const unsigned char *at = cert + 9, *signer_at;
    size_t sig_len = 0, len = 0;
    X509 *x, *signer;
    EVP_PKEY *key;
    char name[128];
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    len = desk_get(&d, 0xE0E0, cert);
    x = d2i_X509(NULL, &at, (long)len - 9);
    assert_non_null(x);
    signer_at = sim_ca_signer(d.ca).p;
    signer = d2i_X509(NULL, &signer_at, (long)sim_ca_signer(d.ca).len);
    assert_int_equal(X509_verify(x, X509_get0_pubkey(signer)), 1);
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name,
                                          sizeof(name)) > 0);
    assert_string_equal(name, "SIMULATOR OPTIGA Trust M 0a091b5c000700a60087");
    assert_int_equal(EVP_PKEY_get_octet_string_param(X509_get0_pubkey(x), OSSL_PKEY_PARAM_PUB_KEY,
                                                     octets, sizeof(octets), &len),
                     1);
    key = openssl_key("P-256", octets, sizeof(octets));
    assert_int_equal(sign(&d, 0x11, 0xE0F0, digest, 32, sig, &sig_len), 0);
    assert_true(openssl_verifies(key, digest, 32, sig, sig_len));
    EVP_PKEY_free(key);
    X509_free(x);
    X509_free(signer);
    desk_done(&d);
}

/* ---- Agreement and derivation ------------------------------------------------------------------------------ */

static void
test_shared_secret(void **state)
{
    uint8_t ours[128], theirs[128], data[256], a[OPTIGA_DATA_MAX], b[OPTIGA_DATA_MAX];
    size_t at, len, a_len = 0, b_len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    len = make_pair(&d, 0x04, 0xE0F1, 0x20, ours);
    (void)make_pair(&d, 0x04, 0xE100, 0x20, theirs);
    at = put_tlv(data, 0, 0x01, "\xE0\xF1", 2);
    at = put_tlv(data, at, 0x05, "\x04", 1);
    at = put_tlv(data, at, 0x06, theirs, len);
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, NULL, NULL), OPTIGA_E_PARAMETER); /* no sink */
    at = put_tlv(data, at, 0x07, NULL, 0);
    assert_int_equal(desk_run(&d, 0x33, 2, data, at, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, a, &a_len), 0);
    assert_int_equal(a_len, 48);
    at = put_tlv(data, 0, 0x01, "\xE1\x00", 2);
    at = put_tlv(data, at, 0x05, "\x04", 1);
    at = put_tlv(data, at, 0x06, ours, len);
    at = put_tlv(data, at, 0x07, NULL, 0);
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, b, &b_len), 0);
    assert_memory_equal(a, b, 48);
    /* Into a session; the key that was there is gone. */
    data[at - 3] = 0x08;
    at = put_tlv(data, at - 3, 0x08, "\xE1\x02", 2);
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, b, &b_len), 0);
    assert_int_equal(b_len, 0);
    assert_memory_equal(d.chip.app.kept.sessions[2].bytes, a, 48);
    data[at - 1] = 0x04;
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, NULL, NULL), OPTIGA_E_OID);
    data[at - 1] = 0x02;
    data[4] = 0x01; /* a session without a key */
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, NULL, NULL), OPTIGA_U_NO_KEY_ERROR);
    data[3] = 0xE0;
    data[4] = 0xF0; /* usage Auth, P-256 */
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, NULL, NULL), OPTIGA_U_USAGE_ERROR);
    (void)make_pair(&d, 0x03, 0xE0F3, 0x20, theirs);
    data[4] = 0xF3;
    assert_int_equal(desk_run(&d, 0x33, 1, data, at, NULL, NULL), OPTIGA_E_PARAMETER);
    desk_done(&d);
}

/* A secret into a data object of the right type. */
static void
put_secret(struct desk *d, unsigned oid, const char *type, const char *secret)
{
    uint8_t bytes[128];
    size_t len = hex(secret, bytes, sizeof(bytes));

    assert_int_equal(desk_put(d, oid, bytes, len), 0);
    assert_int_equal(desk_meta(d, oid, type), 0);
}

/* RFC 5869 test case 1 and a published vector of the TLS 1.2 PRF with SHA-256. */
static void
test_derive_key(void **state)
{
    static const char hkdf[] = "010002F1D0 030002002A 04000AF0F1F2F3F4F5F6F7F8F9 "
                               "02000D000102030405060708090A0B0C ";
    static const char prf[] = "010002F1D1 0300020064 020" /* label and seed */
                              "01A 74657374206C6162656C A0BA9F936CDA311827A6F796FFD5198C ";
    uint8_t out[OPTIGA_DATA_MAX], want[128];
    char text[256];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    put_secret(&d, 0xF1D0, "2006 E80121 D30100", "0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B0B");
    (void)snprintf(text, sizeof(text), "%s070000", hkdf);
    assert_int_equal(desk_x(&d, 0x34, 0x08, text, out, &len), 0);
    assert_int_equal(len, 42);
    (void)hex(
        "3CB25F25FAACD57A90434F64D0362F2A2D2D0A90CF1A5A4C5DB02D56ECC4C5BF34007208D5B887185865",
        want, sizeof(want));
    assert_memory_equal(out, want, 42);
    (void)snprintf(text, sizeof(text), "%s080002E100", hkdf);
    assert_int_equal(desk_x(&d, 0x34, 0x08, text, out, &len), 0);
    assert_int_equal(len, 0);
    assert_memory_equal(d.chip.app.kept.sessions[0].bytes, want, 42);

    put_secret(&d, 0xF1D1, "2006 E80121 D30100", "9BBE436BA940F017B17652849A71DB35");
    (void)snprintf(text, sizeof(text), "%s070000", prf);
    assert_int_equal(desk_x(&d, 0x34, 0x01, text, out, &len), 0);
    assert_int_equal(len, 100);
    (void)hex("E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A6B301791E90D35C9C9A4"
              "6B4E14BAF9AF0FA022F7077DEF17ABFD3797C0564BAB4FBC91666E9DEF9B97FCE34F796789BAA48082D1"
              "22EE42C5A72E5A5110FFF70187347B66",
              want, sizeof(want));
    assert_memory_equal(out, want, 100);
    desk_done(&d);
}

static void
test_derive_refusals(void **state)
{
    static const struct {
        unsigned param;
        const char *data;
        int code;
    } rows[] = {
        {0x04, "010002F1D0 0300020020 0200084142434445464748 070000", OPTIGA_E_PARAM},
        {0x0B, "010002F1D0 0300020020 0200084142434445464748 070000", OPTIGA_E_PARAM},
        {0x01, "010002F1D0 0300020020 0200084142434445464748", OPTIGA_E_PARAMETER},
        {0x01, "010002F1D0 0300020020 0200084142434445464748 080002E104", OPTIGA_E_OID},
        {0x01, "010002F1D0 0300020020 070000", OPTIGA_U_RANGE_ERROR}, /* no seed */
        {0x01, "010002F1D0 0300020020 02000741424344454647 070000", OPTIGA_U_RANGE_ERROR},
        {0x01, "010002F1D0 0300020020 04000141 0200084142434445464748 070000",
         OPTIGA_U_RANGE_ERROR},
        {0x01, "010002F1D0 030002000F 0200084142434445464748 070000", OPTIGA_U_RANGE_ERROR},
        {0x01, "010002F1D0 0300020101 0200084142434445464748 070000", OPTIGA_U_RANGE_ERROR},
        {0x01, "010002F1D0 0300020043 0200084142434445464748 080002E100", OPTIGA_U_RANGE_ERROR},
        {0x01, "010002F1D0 030002000F 0200084142434445464748 080002E100", OPTIGA_U_RANGE_ERROR},
        {0x01, "010002F1D2 0300020020 0200084142434445464748 070000", OPTIGA_U_TYPE_ERROR},
        {0x01, "010002E0F0 0300020020 0200084142434445464748 070000", OPTIGA_E_OID},
        {0x01, "010002E103 0300020020 0200084142434445464748 070000", OPTIGA_U_NO_KEY_ERROR},
        {0x01, "0300020020 0200084142434445464748 070000", OPTIGA_E_PARAMETER},
        {0x01, "010002F1D3 0300020020 0200084142434445464748 070000", OPTIGA_E_ACCESS},
        {0x01, "010002F1D4 0300020020 0200084142434445464748 070000",
         OPTIGA_U_TYPE_ERROR}, /* too long */
    };
    uint8_t long_secret[65] = {1}, info[257], data[400];
    struct desk d;
    size_t at;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    put_secret(&d, 0xF1D0, "2006 E80121 D30100", "00112233445566778899AABBCCDDEEFF");
    put_secret(&d, 0xF1D3, "2003 E80121", "00112233445566778899AABBCCDDEEFF");
    assert_int_equal(desk_put(&d, 0xF1D4, long_secret, sizeof(long_secret)), 0);
    assert_int_equal(desk_meta(&d, 0xF1D4, "2006 E80121 D30100"), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(desk_x(&d, 0x34, rows[i].param, rows[i].data, NULL, NULL), rows[i].code);
    memset(info, 0x41, sizeof(info));
    at = put_tlv(data, 0, 0x01, "\xF1\xD0", 2);
    at = put_tlv(data, at, 0x03, "\0\x20", 2);
    at = put_tlv(data, at, 0x07, NULL, 0);
    for (size_t len = 256; len < 258; len++)
        assert_int_equal(
            desk_run(&d, 0x34, 0x08, data, put_tlv(data, at, 0x04, info, len), NULL, NULL),
            len == 256 ? 0 : OPTIGA_U_RANGE_ERROR);
    /* The longest into a session, and a salt is not needed for HKDF. */
    assert_int_equal(desk_x(&d, 0x34, 0x03,
                            "010002F1D0 0300020042 0200084142434445464748 080002E100", NULL, NULL),
                     0);
    assert_int_equal(desk_x(&d, 0x34, 0x0A, "010002E100 0300020100 070000", NULL, NULL), 0);
    desk_done(&d);
}

static void
test_v1_lacks(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 0);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x14, 0x08, "E200", NULL, NULL), OPTIGA_E_COMMAND);
    assert_int_equal(desk_x(&d, 0x15, 0x08, "E200", NULL, NULL), OPTIGA_E_COMMAND);
    assert_int_equal(desk_x(&d, 0x39, 0x81, "070000", NULL, NULL), OPTIGA_E_COMMAND);
    assert_int_equal(desk_x(&d, 0x38, 0x05, "070000", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x38, 0x13, "070000", NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x38, 0x04, "070000", NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x31, 0x03, "", NULL, NULL), OPTIGA_E_PARAM);
    put_secret(&d, 0xF1D0, "2006 E80121 D30100", "00112233445566778899AABBCCDDEEFF");
    for (unsigned param = 2; param <= 0x0A; param += param == 3 ? 5 : 1)
        assert_int_equal(desk_x(&d, 0x34, param,
                                "010002F1D0 0300020020 0200084142434445464748 070000", NULL, NULL),
                         OPTIGA_E_PARAM);
    assert_int_equal(
        desk_x(&d, 0x34, 1, "010002F1D0 0300020031 0200084142434445464748 080002E100", NULL, NULL),
        OPTIGA_U_RANGE_ERROR);
    assert_int_equal(
        desk_x(&d, 0x34, 1, "010002F1D0 0300020030 0200084142434445464748 080002E100", NULL, NULL),
        0);
    desk_done(&d);
}

/* ---- Symmetric ------------------------------------------------------------------------------------------------ */

/* A key of ours into E200, which only a protected update could do on a bus. */
static void
plant_aes(struct desk *d, const char *key)
{
    struct optiga_object *o = optiga_object(&d->chip, 0xE200);
    size_t len = hex(key, optiga_data(&d->chip, o), 32);

    o->meta.alg = (uint8_t)(0x81 + (len - 16) / 8);
    o->meta.usage = 0x02;
    o->meta.has |= OPTIGA_HAS_ALG | OPTIGA_HAS_USAGE;
}

static void
answer_is(struct desk *d, unsigned cmd, unsigned mode, const char *data, const char *value)
{
    uint8_t out[OPTIGA_DATA_MAX], want[128];
    size_t len = 0, want_len = hex(value, want, sizeof(want));

    assert_int_equal(desk_x(d, cmd, mode, data, out, &len), 0);
    if (want_len == 0) {
        assert_int_equal(len, 0);
        return;
    }
    assert_int_equal(len, want_len + 3);
    assert_int_equal(out[0], 0x61);
    assert_int_equal(rs_get_u16(out + 1), want_len);
    assert_memory_equal(out + 3, want, want_len);
}

/* NIST SP 800-38A and RFC 4493. */
static void
test_aes(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    plant_aes(&d, "2B7E151628AED2A6ABF7158809CF4F3C");
    answer_is(&d, 0x14, 0x08, "E200 010010 6BC1BEE22E409F96E93D7E117393172A",
              "3AD77BB40D7A3660A89ECAF32466EF97");
    answer_is(&d, 0x15, 0x08, "E200 010010 3AD77BB40D7A3660A89ECAF32466EF97",
              "6BC1BEE22E409F96E93D7E117393172A");
    /* CBC in three pieces. */
    answer_is(&d, 0x14, 0x09,
              "E200 000010 6BC1BEE22E409F96E93D7E117393172A 410010 "
              "000102030405060708090A0B0C0D0E0F 4200020030",
              "7649ABAC8119B246CEE98E9B12E9197D");
    answer_is(&d, 0x14, 0x09, "E200 020010 AE2D8A571E03AC9C9EB76FAC45AF8E51",
              "5086CB9B507219EE95DB113A917678B2");
    answer_is(&d, 0x14, 0x09, "E200 030010 30C81C46A35CE411E5FBC1191A0A52EF",
              "73BED6B8E3C1743B7116E69E22229516");
    assert_int_equal(
        desk_x(&d, 0x14, 0x09, "E200 030010 30C81C46A35CE411E5FBC1191A0A52EF", NULL, NULL),
        OPTIGA_E_SEQUENCE);
    answer_is(&d, 0x15, 0x09,
              "E200 010020 7649ABAC8119B246CEE98E9B12E9197D5086CB9B507219EE95DB113A917678B2 410010 "
              "000102030405060708090A0B0C0D0E0F",
              "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51");
    /* CMAC over 16 and 40 bytes, never over nothing. */
    assert_int_equal(desk_x(&d, 0x14, 0x0B, "E200 010000", NULL, NULL), OPTIGA_E_PARAMETER);
    answer_is(&d, 0x14, 0x0B, "E200 010010 6BC1BEE22E409F96E93D7E117393172A",
              "070A16B46B4D4144F79BDD9DD04A287C");
    answer_is(&d, 0x14, 0x0B,
              "E200 000020 6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51", "");
    answer_is(&d, 0x14, 0x0B, "E200 030008 30C81C46A35CE411", "DFA66747DE9AE63030CA32611497C827");
    /* CBC-MAC: the last block of a CBC from zero, by openssl enc. */
    answer_is(&d, 0x14, 0x0A, "E200 000010 6BC1BEE22E409F96E93D7E117393172A", "");
    answer_is(&d, 0x14, 0x0A, "E200 030010 AE2D8A571E03AC9C9EB76FAC45AF8E51",
              "B148C17F309EE692287AE57CF12ADD49");
    plant_aes(&d, "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4");
    answer_is(&d, 0x14, 0x08, "E200 010010 6BC1BEE22E409F96E93D7E117393172A",
              "F3EED1BDB5D2A03C064B5A7E3DB181F8");
    plant_aes(&d, "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B");
    answer_is(&d, 0x14, 0x08, "E200 010010 6BC1BEE22E409F96E93D7E117393172A",
              "BD334F1D6E45F25FF712A214571FA5CC");
    desk_done(&d);
}

static void
test_aes_refusals(void **state)
{
    static const char block[] = "E200 010010 6BC1BEE22E409F96E93D7E117393172A";
    uint8_t big[700] = {0xE2, 0x00, 0x01, 0x02, 0x80};
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_x(&d, 0x14, 0x08, block, NULL, NULL), OPTIGA_U_NO_KEY_ERROR);
    plant_aes(&d, "2B7E151628AED2A6ABF7158809CF4F3C");
    assert_int_equal(desk_x(&d, 0x14, 0x07, block, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x14, 0x23, block, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x15, 0x0B, block, NULL, NULL), OPTIGA_E_PARAM);
    assert_int_equal(desk_x(&d, 0x14, 0x09, block, NULL, NULL), OPTIGA_E_PARAMETER); /* no IV */
    assert_int_equal(
        desk_x(&d, 0x14, 0x08, "E200 01000F 00112233445566778899AABBCCDDEE", NULL, NULL),
        OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x14, 0x08, "E200 010000", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x14, 0x08, "E2", NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(desk_x(&d, 0x14, 0x08, "E200", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_run(&d, 0x14, 0x08, big, 641, NULL, NULL), OPTIGA_E_LENGTH);
    assert_int_equal(
        desk_x(&d, 0x14, 0x08, "E0F0 010010 6BC1BEE22E409F96E93D7E117393172A", NULL, NULL),
        OPTIGA_U_USAGE_ERROR);
    /* A chain is of one key, mode and direction. */
    assert_int_equal(
        desk_x(&d, 0x14, 0x08, "E200 000010 6BC1BEE22E409F96E93D7E117393172A", NULL, NULL), 0);
    assert_int_equal(
        desk_x(&d, 0x15, 0x08, "E200 030010 6BC1BEE22E409F96E93D7E117393172A", NULL, NULL),
        OPTIGA_E_SEQUENCE);
    assert_int_equal(
        desk_x(&d, 0x14, 0x08, "E200 030010 6BC1BEE22E409F96E93D7E117393172A", NULL, NULL),
        OPTIGA_E_SEQUENCE);
    /* Open when the power goes. */
    assert_int_equal(
        desk_x(&d, 0x14, 0x08, "E200 000010 6BC1BEE22E409F96E93D7E117393172A", NULL, NULL), 0);
    desk_restart(&d);
    desk_open(&d);
    assert_int_equal(
        desk_x(&d, 0x14, 0x08, "E200 030010 6BC1BEE22E409F96E93D7E117393172A", NULL, NULL),
        OPTIGA_E_SEQUENCE);
    desk_done(&d);
}

/* The way that the vendor's test goes. */
static void
test_aes_key(void **state)
{
    static const char block[] = "E200 010010 6BC1BEE22E409F96E93D7E117393172A";
    uint8_t out[OPTIGA_DATA_MAX];
    size_t len = 0;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    assert_int_equal(desk_meta(&d, 0xE200, "2006 D00100 D30100"), 0);
    assert_int_equal(desk_x(&d, 0x39, 0x82, "010002E200 02000102", out, &len), 0);
    assert_int_equal(len, 0);
    desk_meta_is(&d, 0xE200, "200F C00101 D00100 D30100 E00182 E10102");
    assert_int_equal(desk_x(&d, 0x14, 0x08, block, out, &len), 0);
    assert_int_equal(len, 19);
    desk_done(&d);
}

/* RFC 4231 test case 2. */
static void
test_hmac(void **state)
{
    static const char data[] =
        "F1D0 01001C 7768617420646F2079612077616E7420666F72206E6F7468696E673F";
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    put_secret(&d, 0xF1D0, "2006 E80121 D30100", "4A656665");
    answer_is(&d, 0x14, 0x20, data,
              "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
    answer_is(&d, 0x14, 0x21, data,
              "AF45D2E376484031617F78D2B58A6B1B9C7EF464F5A01B47E42EC3736322445E"
              "8E2240CA5E69E2C78B3239ECFAB21649");
    answer_is(&d, 0x14, 0x22, data,
              "164B7A7BFCF819E2E395FBE73B56E0A387BD64222E831FD610270CD7EA250554"
              "9758BF75C05A994A6D034F65F8F0E6FDCAEAB1A34D4A6B4B636E070A38BCE737");
    answer_is(&d, 0x14, 0x20, "F1D0 00000A 7768617420646F207961", "");
    answer_is(&d, 0x14, 0x20, "F1D0 030012 2077616E7420666F72206E6F7468696E673F",
              "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
    assert_int_equal(desk_x(&d, 0x14, 0x20, "F1D1 01000141", NULL, NULL), OPTIGA_U_TYPE_ERROR);
    desk_done(&d);
}

/* ---- Authorization --------------------------------------------------------------------------------------------- */

struct authorization {
    uint8_t data[128];
    size_t len, hmac_at;
};

/* Draw a nonce, and answer it with the secret: optional, random, arbitrary. */
static void
prepare(struct desk *d, unsigned oid, const uint8_t secret[32], struct authorization *a)
{
    uint8_t value[64] = {0xE1, 0x02, 'o', 'p', 't'}, mac[32], out[OPTIGA_DATA_MAX];
    size_t len = 0;

    assert_int_equal(desk_x(d, 0x0C, 0, "0010 E102 4100036F7074", out, &len), 0);
    assert_int_equal(len, 16);
    memcpy(value + 5, out, 16);
    memcpy(value + 21, "any", 3);
    assert_true(optiga_hmac(256, rs_bytes_of(secret, 32), rs_bytes_of(value + 2, 22), mac));
    rs_set_u16(a->data, oid);
    a->len = put_tlv(a->data, 2, 0x01, value, 24);
    a->hmac_at = a->len + 3;
    a->len = put_tlv(a->data, a->len, 0x43, mac, 32);
}

static void
test_authorization(void **state)
{
    uint8_t secret[32];
    struct authorization a;
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    memset(secret, 0x3C, sizeof(secret));
    assert_int_equal(desk_put(&d, 0xF1D8, secret, 32), 0);
    prepare(&d, 0xF1D8, secret, &a);
    assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), OPTIGA_U_TYPE_ERROR);
    assert_int_equal(desk_meta(&d, 0xF1D8, "2006 E80131 D30100"), 0);
    assert_int_equal(desk_meta(&d, 0xF1D9, "2005 D10323F1D8"), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D9", NULL, NULL), OPTIGA_E_ACCESS);
    assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), 0);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D9", NULL, NULL), 0);
    /* A nonce is good for one try; a failure takes the state away. */
    assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), OPTIGA_E_AUTHORIZATION);
    assert_int_equal(desk_x(&d, 0x01, 0, "F1D9", NULL, NULL), OPTIGA_E_ACCESS);
    prepare(&d, 0xF1D8, secret, &a);
    a.data[a.hmac_at] ^= 1;
    assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), OPTIGA_E_AUTHORIZATION);
    prepare(&d, 0xF1D8, secret, &a);
    a.data[8] ^= 1; /* not what the part drew */
    assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), OPTIGA_E_AUTHORIZATION);
    prepare(&d, 0xE102, secret, &a);
    assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), OPTIGA_E_OID);
    assert_int_equal(desk_x(&d, 0x15, 0x20, "F1D8 43000100", NULL, NULL), OPTIGA_E_PARAMETER);
    assert_int_equal(desk_x(&d, 0x15, 0x20, "F1D8 010001E1 430000", NULL, NULL),
                     OPTIGA_E_AUTHORIZATION);
    desk_done(&d);
}

/* A host ends its authorization by a try without a MAC, whether or not the session is still there. */
static void
test_authorization_ended(void **state)
{
    static const char *const tries[] = {"F1D8 0100020000", "F1D8 010002E102"};
    uint8_t secret[32];
    struct authorization a;
    struct desk d;
    size_t i;

    (void)state;
    desk_init(&d, 1);
    desk_open(&d);
    memset(secret, 0x3C, sizeof(secret));
    assert_int_equal(desk_put(&d, 0xF1D8, secret, 32), 0);
    assert_int_equal(desk_meta(&d, 0xF1D8, "2006 E80131 D30100"), 0);
    for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
        prepare(&d, 0xF1D8, secret, &a);
        assert_int_equal(desk_run(&d, 0x15, 0x20, a.data, a.len, NULL, NULL), 0);
        assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D8), 1);
        assert_int_equal(desk_x(&d, 0x15, 0x20, tries[i], NULL, NULL), OPTIGA_E_AUTHORIZATION);
        assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D8), 0);
    }
    desk_done(&d);
}

/* Four at a time. */
static void
test_authorization_states(void **state)
{
    struct desk d;

    (void)state;
    desk_init(&d, 1);
    for (uint16_t i = 0; i < 5; i++)
        optiga_authorize(&d.chip, (uint16_t)(0xF1D0 + i), 1);
    assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D0), 0);
    for (uint16_t i = 1; i < 5; i++)
        assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D0u + i), 1);
    optiga_authorize(&d.chip, 0xF1D2, 0);
    optiga_authorize(&d.chip, 0xF1D9, 0);
    assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D2), 0);
    assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D1), 1);
    assert_int_equal(optiga_is_authorized(&d.chip, 0), 0);
    optiga_authorize(&d.chip, 0xF1D3, 1);
    optiga_authorize(&d.chip, 0xF1D0, 1);
    for (uint16_t i = 0; i < 5; i++)
        assert_int_equal(optiga_is_authorized(&d.chip, 0xF1D0u + i), i != 2);
    desk_done(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_random_into_session),
        cmocka_unit_test(test_random_v1),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_hash_object),
        cmocka_unit_test(test_hash_context),
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_sign_refusals),
        cmocka_unit_test(test_key_pair_refusals),
        cmocka_unit_test(test_export),
        cmocka_unit_test(test_rsa_export),
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_rsa_into_session),
        cmocka_unit_test(test_certificate),
        cmocka_unit_test(test_certificate_that_signs),
        cmocka_unit_test(test_certificate_that_encrypts),
        cmocka_unit_test(test_vendor_key),
        cmocka_unit_test(test_shared_secret),
        cmocka_unit_test(test_derive_key),
        cmocka_unit_test(test_derive_refusals),
        cmocka_unit_test(test_v1_lacks),
        cmocka_unit_test(test_aes),
        cmocka_unit_test(test_aes_refusals),
        cmocka_unit_test(test_aes_key),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_authorization_ended),
        cmocka_unit_test(test_authorization_states),
    };

    return cmocka_run_group_tests_name("optiga crypto", tests, NULL, NULL);
}
