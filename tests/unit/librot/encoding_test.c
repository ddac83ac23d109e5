/*
 * encoding_test.c: signatures and public keys between raw and DER.
 *
 * The other opinion on every byte is OpenSSL's.
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

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>

#include <rot/rot_driver.h>

/* ---- Signatures: refusals ---------------------------------------------------- */

/* One case: a name and bytes that are no P-256 signature. */
struct bad_sig {
    const char *name;
    uint8_t der[80];
    size_t len;
};

static const struct bad_sig bad_sigs[] = {
    {"empty", {0}, 0},
    {"only a tag", {0x30}, 1},
    {"empty sequence", {0x30, 0x00}, 2},
    {"one integer", {0x30, 0x03, 0x02, 0x01, 0x01}, 5},
    {"three integers", {0x30, 0x09, 2, 1, 1, 2, 1, 1, 2, 1, 1}, 11},
    {"set, not sequence", {0x31, 0x06, 2, 1, 1, 2, 1, 1}, 8},
    {"octets, not integer", {0x30, 0x06, 4, 1, 1, 2, 1, 1}, 8},
    {"second is no integer", {0x30, 0x06, 2, 1, 1, 4, 1, 1}, 8},
    {"a byte behind", {0x30, 0x06, 2, 1, 1, 2, 1, 1, 0}, 9},
    {"a byte short", {0x30, 0x06, 2, 1, 1, 2, 1}, 7},
    {"length too long", {0x30, 0x07, 2, 1, 1, 2, 1, 1}, 8},
    {"length too short", {0x30, 0x05, 2, 1, 1, 2, 1, 1}, 8},
    {"long form below 128", {0x30, 0x81, 0x06, 2, 1, 1, 2, 1, 1}, 9},
    {"two length bytes below 256", {0x30, 0x82, 0x00, 0x06, 2, 1, 1, 2, 1, 1}, 10},
    {"three length bytes", {0x30, 0x83, 0x00, 0x00, 0x06, 2, 1, 1, 2, 1, 1}, 11},
    {"indefinite length", {0x30, 0x80, 2, 1, 1, 2, 1, 1, 0, 0}, 10},
    {"length bytes missing", {0x30, 0x82, 0x01}, 3},
    {"negative r", {0x30, 0x06, 2, 1, 0x81, 2, 1, 1}, 8},
    {"negative s", {0x30, 0x06, 2, 1, 1, 2, 1, 0x81}, 8},
    {"zero r", {0x30, 0x06, 2, 1, 0, 2, 1, 1}, 8},
    {"zero s", {0x30, 0x06, 2, 1, 1, 2, 1, 0}, 8},
    {"padded r", {0x30, 0x07, 2, 2, 0, 1, 2, 1, 1}, 9},
    {"integer without content", {0x30, 0x05, 2, 0, 2, 1, 1}, 7},
    {"integer past the sequence", {0x30, 0x06, 2, 1, 1, 2, 2, 1}, 8},
    {"r of 33 bytes",
     {0x30, 0x26, 2, 0x21, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
      0,    0,    0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1},
     40},
};

static void
malformed_signatures_are_refused(void **state)
{
    uint8_t raw[96], before[96];

    (void)state;
    memset(before, 0x77, sizeof(before));
    for (size_t i = 0; i < sizeof(bad_sigs) / sizeof(bad_sigs[0]); i++) {
        memcpy(raw, before, sizeof(raw));
        if (rot_ecdsa_from_der(bad_sigs[i].der, bad_sigs[i].len, 32, raw) != ROT_E_FORMAT)
            fail_msg("accepted: %s", bad_sigs[i].name);
        assert_memory_equal(raw, before, sizeof(raw));
    }
}

static void
signature_arguments_are_checked(void **state)
{
    static const uint8_t der[] = {0x30, 0x06, 2, 1, 1, 2, 1, 1};
    uint8_t raw[96] = {0}, out[160];
    size_t len = 0;

    (void)state;
    assert_int_equal(rot_ecdsa_from_der(NULL, 8, 32, raw), ROT_E_ARG);
    assert_int_equal(rot_ecdsa_from_der(der, 8, 32, NULL), ROT_E_ARG);
    assert_int_equal(rot_ecdsa_from_der(der, 8, 33, raw), ROT_E_ARG);
    assert_int_equal(rot_ecdsa_from_der(der, 8, 0, raw), ROT_E_ARG);
    raw[31] = raw[63] = 1;
    assert_int_equal(rot_ecdsa_to_der(NULL, 32, out, sizeof(out), &len), ROT_E_ARG);
    assert_int_equal(rot_ecdsa_to_der(raw, 32, NULL, sizeof(out), &len), ROT_E_ARG);
    assert_int_equal(rot_ecdsa_to_der(raw, 32, out, sizeof(out), NULL), ROT_E_ARG);
    assert_int_equal(rot_ecdsa_to_der(raw, 66, out, sizeof(out), &len), ROT_E_ARG);
}

/* n - 1 is a number that a signature may have, n is not; for r and for s. */
static void
numbers_end_before_the_order(void **state)
{
    static const struct {
        int nid;
        size_t half;
    } curves[] = {{NID_X9_62_prime256v1, 32}, {NID_secp384r1, 48}};

    (void)state;
    for (size_t c = 0; c < 2; c++) {
        EC_GROUP *group = EC_GROUP_new_by_curve_name(curves[c].nid);
        size_t half = curves[c].half, len;
        uint8_t order[48], raw[96], back[96], der[120];

        assert_int_equal(BN_bn2binpad(EC_GROUP_get0_order(group), order, (int)half), (int)half);
        for (size_t which = 0; which < 2; which++) {
            memset(raw, 0, sizeof(raw));
            raw[half - 1] = raw[2 * half - 1] = 1;
            memcpy(raw + which * half, order, half);
            len = 0;
            assert_int_equal(rot_ecdsa_to_der(raw, half, der, sizeof(der), &len), ROT_E_FORMAT);
            raw[which * half + half - 1]--; /* both orders are odd */
            assert_int_equal(rot_ecdsa_to_der(raw, half, der, sizeof(der), &len), ROT_OK);
            assert_int_equal(rot_ecdsa_from_der(der, len, half, back), ROT_OK);
            assert_memory_equal(back, raw, 2 * half);

            /* The order itself, in DER: one more in the last byte of that INTEGER. */
            der[which == 0 ? 2 + 3 + half - 1 : len - 1]++;
            assert_int_equal(rot_ecdsa_from_der(der, len, half, back), ROT_E_FORMAT);

            memset(raw + which * half, 0, half);
            assert_int_equal(rot_ecdsa_to_der(raw, half, der, sizeof(der), &len), ROT_E_FORMAT);
        }
        EC_GROUP_free(group);
    }
}

static void
short_room_reports_the_need(void **state)
{
    uint8_t raw[64], der[80];
    size_t len = 0;

    (void)state;
    memset(raw, 0xa5, sizeof(raw)); /* both need a sign byte: 72 bytes */
    assert_int_equal(rot_ecdsa_to_der(raw, 32, der, 71, &len), ROT_E_SPACE);
    assert_int_equal(len, 72);
    assert_int_equal(rot_ecdsa_to_der(raw, 32, der, 72, &len), ROT_OK);
    assert_int_equal(len, 72);
}

/* Numbers of every length, with and without a set top bit: the same bytes as OpenSSL. */
static void
signatures_are_what_openssl_writes(void **state)
{
    (void)state;
    for (size_t half = 32; half <= 48; half += 16) {
        for (size_t zeroes = 0; zeroes < half; zeroes++) {
            for (unsigned top = 0; top < 2; top++) {
                uint8_t raw[96] = {0}, back[96], der[120], theirs[120];
                uint8_t *p = theirs;
                ECDSA_SIG *sig = ECDSA_SIG_new();
                size_t len = 0;
                int n;

                memset(raw + zeroes, 0x3c, half - zeroes);
                memset(raw + half + half - 1 - zeroes, 0x3c, zeroes + 1);
                if (top) {
                    raw[zeroes] = 0x9d;
                    raw[half + half - 1 - zeroes] = 0x9d;
                }
                ECDSA_SIG_set0(sig, BN_bin2bn(raw, (int)half, NULL),
                               BN_bin2bn(raw + half, (int)half, NULL));
                n = i2d_ECDSA_SIG(sig, &p);
                ECDSA_SIG_free(sig);

                assert_int_equal(rot_ecdsa_to_der(raw, half, der, sizeof(der), &len), ROT_OK);
                assert_int_equal(len, n);
                assert_memory_equal(der, theirs, len);
                assert_int_equal(rot_ecdsa_from_der(der, len, half, back), ROT_OK);
                assert_memory_equal(back, raw, 2 * half);
            }
        }
    }
}

/* ---- Public keys ------------------------------------------------------------------ */

struct key_type {
    enum rot_alg alg;
    const char *name, *group;
};

static const struct key_type key_types[] = {
    {ROT_ALG_P256, "EC", "P-256"},
    {ROT_ALG_P384, "EC", "P-384"},
    {ROT_ALG_ED25519, "ED25519", NULL},
    {ROT_ALG_X25519, "X25519", NULL},
};

static int
make_spki(const struct key_type *t, uint8_t out[200])
{
    EVP_PKEY *key = t->group != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, t->name, t->group)
                                     : EVP_PKEY_Q_keygen(NULL, NULL, t->name);
    int n = i2d_PUBKEY(key, &out);

    EVP_PKEY_free(key);
    return n;
}

static void
public_keys_are_what_openssl_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        uint8_t spki[200], back[200], point[96];
        enum rot_alg alg = ROT_ALG_NONE;
        size_t len = 0;
        int n = make_spki(&key_types[i], spki);

        assert_int_equal(n, (int)rot_alg_spki_size(key_types[i].alg));
        assert_int_equal(rot_spki_to_point(spki, (size_t)n, point, &alg), ROT_OK);
        assert_int_equal(alg, key_types[i].alg);
        assert_memory_equal(point, spki + (size_t)n - rot_alg_point_size(alg),
                            rot_alg_point_size(alg));
        assert_int_equal(rot_spki_from_point(alg, point, back, (size_t)n - 1, &len), ROT_E_SPACE);
        assert_int_equal(len, n);
        assert_int_equal(rot_spki_from_point(alg, point, back, sizeof(back), &len), ROT_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, spki, len);
    }
}

/* Every byte in front of the point matters, and so does every length. */
static void
other_public_keys_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
        uint8_t spki[200] = {0}, point[96];
        enum rot_alg alg = ROT_ALG_NONE;
        size_t n = (size_t)make_spki(&key_types[i], spki);
        size_t prefix = n - rot_alg_point_size(key_types[i].alg);

        for (size_t len = 0; len <= n + 1; len++) {
            if (len != n)
                assert_int_equal(rot_spki_to_point(spki, len, point, &alg), ROT_E_FORMAT);
        }
        for (size_t at = 0; at < prefix; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                rot_err rc;

                spki[at] ^= (uint8_t)(1u << bit);
                rc = rot_spki_to_point(spki, n, point, &alg);
                /* Ed25519 and X25519 differ in one bit of the last byte of the OID. */
                if (rc == ROT_OK)
                    assert_int_not_equal(alg, key_types[i].alg);
                else
                    assert_int_equal(rc, ROT_E_FORMAT);
                spki[at] ^= (uint8_t)(1u << bit);
            }
        }
    }
}

static void
key_arguments_are_checked(void **state)
{
    uint8_t spki[200], point[96] = {0};
    enum rot_alg alg = ROT_ALG_NONE;
    size_t len = 0;

    (void)state;
    assert_int_equal(rot_spki_to_point(NULL, 91, point, &alg), ROT_E_ARG);
    assert_int_equal(rot_spki_to_point(spki, 91, NULL, &alg), ROT_E_ARG);
    assert_int_equal(rot_spki_to_point(spki, 91, point, NULL), ROT_E_ARG);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, NULL, spki, 200, &len), ROT_E_ARG);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, NULL, 200, &len), ROT_E_ARG);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, spki, 200, NULL), ROT_E_ARG);
    assert_int_equal(rot_spki_from_point(ROT_ALG_RSA2048, point, spki, 200, &len), ROT_E_ARG);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P521, point, spki, 200, &len), ROT_E_ARG);
}

static void
sizes_of_algorithms(void **state)
{
    (void)state;
    assert_int_equal(rot_alg_digest_size(ROT_ALG_P256), 32);
    assert_int_equal(rot_alg_digest_size(ROT_ALG_P384), 48);
    assert_int_equal(rot_alg_digest_size(ROT_ALG_ED25519), 0);
    assert_int_equal(rot_alg_signature_size(ROT_ALG_P256), 72);
    assert_int_equal(rot_alg_signature_size(ROT_ALG_P384), 104);
    assert_int_equal(rot_alg_signature_size(ROT_ALG_ED25519), 64);
    assert_int_equal(rot_alg_secret_size(ROT_ALG_AES128), 16);
    assert_int_equal(rot_alg_secret_size(ROT_ALG_AES256), 32);
    assert_int_equal(rot_alg_secret_size(ROT_ALG_P256), 0);
    assert_int_equal(rot_alg_spki_size(ROT_ALG_RSA4096), 0);
    assert_int_equal(rot_alg_point_size(ROT_ALG_NONE), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed_signatures_are_refused),
        cmocka_unit_test(signature_arguments_are_checked),
        cmocka_unit_test(numbers_end_before_the_order),
        cmocka_unit_test(short_room_reports_the_need),
        cmocka_unit_test(signatures_are_what_openssl_writes),
        cmocka_unit_test(public_keys_are_what_openssl_writes),
        cmocka_unit_test(other_public_keys_are_refused),
        cmocka_unit_test(key_arguments_are_checked),
        cmocka_unit_test(sizes_of_algorithms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
