/*
 * cert_test.c: certificates into the packed form and back, byte for byte.
 *
 * The certificate is made here with OpenSSL, of the shape and the lengths that
 * an identity certificate has.
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
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "atecc.h"

#define ROOM 348u /* slot 8's share, without its header */

static void
add_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void
add_name(X509_NAME *name, const char *key, const char *value)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, key, MBSTRING_UTF8,
                                                (const unsigned char *)value, -1, -1, 0),
                     1);
}

static size_t
make_certificate(uint8_t *der, uint8_t point[64])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIGNUM *serial = BN_new();
    uint8_t spki[65];
    size_t n = 0;
    int len;

    assert_true(key != NULL && x != NULL && serial != NULL);
    assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", spki, sizeof(spki), &n), 1);
    memcpy(point, spki + 1, 64);
    assert_int_equal(X509_set_version(x, 2), 1);
    assert_int_equal(BN_rand(serial, 151, 0, 0), 1);
    assert_non_null(BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)));
    add_name(X509_get_issuer_name(x), "O", "Acme Devices");
    add_name(X509_get_issuer_name(x), "CN", "Acme Devices Issuing CA");
    add_name(X509_get_subject_name(x), "O", "Acme Devices");
    add_name(X509_get_subject_name(x), "CN", "sensor-A1");
    add_name(X509_get_subject_name(x), "serialNumber", "A1-0000012345");
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(x), "261124120301Z"), 1);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(x), "99991231235959Z"), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x, NID_key_usage, "critical,digitalSignature");
    add_extension(x, NID_subject_key_identifier, "hash");
    add_extension(x, NID_authority_key_identifier,
                  "DER:30:16:80:14:9d:41:e8:07:c2:5b:f3:16:88:2e:d9:60:b4:7f:13:ca:55:a1:0c:fe");
    add_extension(
        x, NID_subject_alt_name,
        /* RFC 4108 5: hardwareModuleName, a type and nine bytes. */
        "DER:30:25:a0:23:06:08:2b:06:01:05:05:07:08:04:a0:17:30:15:06:08:2b:06:01:04:01:82:37:05:"
        "04:09:01:23:a2:b4:c5:d6:e7:f8:ee");
    add_extension(x, NID_info_access,
                  "OCSP;URI:http://localhost:8080/ocsp,"
                  "caIssuers;URI:http://localhost:8080/ca/acme-devices.cer");
    add_extension(x, NID_crl_distribution_points, "URI:http://localhost:8080/crl/acme-devices.crl");
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    len = i2d_X509(x, &der);
    assert_true(len > 0);
    X509_free(x);
    EVP_PKEY_free(key);
    BN_free(serial);
    return (size_t)len;
}

static void
test_refusals(void **state)
{
    static uint8_t der[1200];
    uint8_t point[64], sig[64];
    size_t tbs = 0, len = make_certificate(der, point);

    (void)state;
    for (size_t n = 0; n < len; n++)
        assert_int_equal(atecc_cert_split(der, n, &tbs, sig), ROT_E_FORMAT);
    der[len] = 0;
    assert_int_equal(atecc_cert_split(der, len + 1, &tbs, sig), ROT_E_FORMAT);
}

static void
test_hostile_packing(void **state)
{
    static uint8_t window[ATECC_WINDOW];
    static const uint8_t ahead[] = {0x80, 200}, cut[] = {0x05, 1, 2}, bare[] = {0xff};
    size_t end = 0;

    (void)state;
    assert_int_equal(atecc_unpack(ahead, 2, window, 100, ATECC_WINDOW, &end), ROT_E_FORMAT);
    assert_int_equal(atecc_unpack(cut, 3, window, 100, ATECC_WINDOW, &end), ROT_E_FORMAT);
    assert_int_equal(atecc_unpack(bare, 1, window, 100, ATECC_WINDOW, &end), ROT_E_FORMAT);
    assert_int_equal(atecc_unpack(cut, 3, window, ATECC_WINDOW - 2, ATECC_WINDOW, &end),
                     ROT_E_FORMAT);
}

static void
test_round_trips(void **state)
{
    static uint8_t der[1200], window[ATECC_WINDOW + 160], packed[ROOM];

    (void)state;
    for (int i = 0; i < 20; i++) {
        uint8_t point[64], sig[64];
        size_t tbs = 0, start, n = 0, end = 0, back = 0, len = make_certificate(der, point);

        assert_int_equal(atecc_cert_split(der, len, &tbs, sig), ROT_OK);
        start = atecc_known_text(point, window);
        memcpy(window + start, der + 4, tbs);
        assert_int_equal(atecc_pack(window, start, start + tbs, packed, 10, &n), ROT_E_SPACE);
        assert_int_equal(atecc_pack(window, start, start + tbs, packed, ROOM, &end), ROT_OK);
        assert_int_equal(n, end);
        if (i == 0)
            print_message("TBS %zu bytes, packed %zu\n", tbs, n);
        memset(window, 0, sizeof(window));
        start = atecc_known_text(point, window);
        assert_int_equal(atecc_unpack(packed, n, window, start, ATECC_WINDOW, &end), ROT_OK);
        assert_int_equal(
            atecc_cert_join(window + start, end - start, sig, window, sizeof(window), &back),
            ROT_OK);
        assert_int_equal(back, len);
        assert_memory_equal(window, der, len);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hostile_packing),
        cmocka_unit_test(test_round_trips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
