/*
 * csr_test.c: certification requests: what is refused, what is seen, the proof.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include "x509/csr.h"
#include "x509/oid.h"

static const char *const all_extensions[] = {
    "subjectAltName",
    "DNS:a.example,IP:192.0.2.1,IP:2001:db8::1,URI:urn:x:1,email:a@example.org,"
    "otherName:1.3.6.1.5.5.7.8.3;UTF8:abc",
    "keyUsage",
    "critical,digitalSignature",
    "extendedKeyUsage",
    "clientAuth",
    "basicConstraints",
    "critical,CA:FALSE",
    "subjectKeyIdentifier",
    "hash",
    NULL,
};

static rs_code
read_extensions(const char *const *extensions, struct csr *ret_csr, struct help_der *der)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    rs_code rc;

    help_request(key, extensions, NULL, der);
    rc = csr_read(help_bytes(der), ret_csr, NULL);
    crypto_key_free(key);
    return rc;
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_every_truncation(void **state)
{
    struct help_der der;
    struct csr csr;

    (void)state;
    assert_int_equal(read_extensions(all_extensions, &csr, &der), RS_OK);
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *cut = help_exact(rs_bytes_of(der.p, len));
        if (csr_read(rs_bytes_of(cut, len), &csr, NULL) == RS_OK)
            fail_msg("accepted %zu of %zu bytes", len, der.len);
        free(cut);
    }
    der.p[der.len++] = 0;
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_E_CSR_FORMAT);
    assert_int_equal(csr_read(rs_bytes_of(der.p, CSR_BYTES_MAX + 1), &csr, NULL),
                     RS_E_REQUEST_TOO_LARGE);
}

/* No change of any bit is accepted: each byte is either checked or signed. */
static void
refuses_every_flipped_bit(void **state)
{
    struct help_der der;
    struct csr csr;

    (void)state;
    assert_int_equal(read_extensions(all_extensions, &csr, &der), RS_OK);
    assert_int_equal(csr_check_proof(&csr, NULL), RS_OK);
    for (size_t bit = 0; bit < der.len * 8; bit++) {
        struct rs_err err = {0};
        der.p[bit / 8] = (uint8_t)(der.p[bit / 8] ^ 1u << bit % 8);
        if (csr_read(help_bytes(&der), &csr, &err) == RS_OK && csr_check_proof(&csr, &err) == RS_OK)
            fail_msg("accepted with bit %zu of byte %zu flipped", bit % 8, bit / 8);
        assert_true(err.code == RS_E_CSR_FORMAT || err.code == RS_E_KEY_WEAK ||
                    err.code == RS_E_KEY_PROOF);
        assert_true(err.text[0] != '\0');
        der.p[bit / 8] = (uint8_t)(der.p[bit / 8] ^ 1u << bit % 8);
    }
}

static void
refuses_names_it_cannot_judge(void **state)
{
    static const char *const cases[][3] = {
        {"subjectAltName", "RID:1.2.3", NULL}, /* an unknown kind */
        {"subjectAltName", "otherName:1.2.3;UTF8:x", NULL},
        {"subjectAltName", "otherName:1.3.6.1.5.5.7.8.4;UTF8:x", NULL}, /* not HardwareModuleName */
        {"subjectAltName", "DNS:a b", NULL},
        {"subjectAltName", "DER:30:00", NULL},
        {"subjectAltName", "DER:30:05:87:03:01:02:03", NULL}, /* three address bytes */
        {"subjectAltName", "DER:30:02:82:00", NULL},
        {"subjectAltName", "DER:30:04:82:01:61:00", NULL},
        {"subjectAltName", "DER:04:00", NULL},
        {"subjectAltName", "DER:30:04:a4:02:31:00", NULL}, /* not a Name */
        {"subjectAltName", "DER:30:04:a0:02:06:00", NULL},
    };
    struct help_der der;
    struct csr csr;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (read_extensions(cases[i], &csr, &der) != RS_E_CSR_FORMAT)
            fail_msg("accepted: %s", cases[i][1]);
    }
}

static void
refuses_two_of_what_may_stand_once(void **state)
{
    static const char *const twice[] = {"subjectAltName", "DNS:a", "subjectAltName", "DNS:b", NULL};
    static const uint8_t one[] = "\x30\x0d\x30\x0b\x06\x03\x55\x1d\x0f\x04\x04\x03\x02\x07\x80";
    struct crypto_key *key = help_key(CRYPTO_P256);
    X509_REQ *req = X509_REQ_new();
    struct help_der der;
    struct csr csr;
    uint8_t *p = der.p;

    (void)state;
    assert_int_equal(read_extensions(twice, &csr, &der), RS_E_CSR_FORMAT);
    /* OpenSSL does not write it twice: another attribute gets the identifier afterwards. */
    assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_ext_req, V_ASN1_SEQUENCE, one, 15), 1);
    assert_int_equal(
        X509_REQ_add1_attr_by_NID(req, NID_pkcs9_unstructuredAddress, V_ASN1_SEQUENCE, one, 15), 1);
    assert_int_equal(X509_REQ_set_version(req, 0), 1);
    assert_int_equal(X509_REQ_set_pubkey(req, crypto_key_evp(key)), 1);
    assert_true(X509_REQ_sign(req, crypto_key_evp(key), EVP_sha256()) > 0);
    der.len = (size_t)i2d_X509_REQ(req, &p);
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_OK);
    p = memmem(der.p, der.len, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x08", 9);
    assert_non_null(p);
    p[8] = 0x0e;
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_E_CSR_FORMAT);
    X509_REQ_free(req);
    crypto_key_free(key);
}

/* Control characters would reach logs and the signer's messages. */
static void
refuses_subjects_with_control_characters(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    X509_REQ *req = X509_REQ_new();
    struct help_der der;
    struct csr csr;
    uint8_t *p = der.p;

    (void)state;
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
                                                (const uint8_t *)"a\nb", 3, -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_pubkey(req, crypto_key_evp(key)), 1);
    assert_true(X509_REQ_sign(req, crypto_key_evp(key), EVP_sha256()) > 0);
    der.len = (size_t)i2d_X509_REQ(req, &p);
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_E_CSR_FORMAT);
    X509_REQ_free(req);
    crypto_key_free(key);
}

static void
refuses_algorithms_off_the_list(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    X509_REQ *req = X509_REQ_new();
    struct help_der der;
    struct csr csr;
    uint8_t *p = der.p;

    (void)state;
    assert_int_equal(X509_REQ_set_pubkey(req, crypto_key_evp(key)), 1);
    assert_true(X509_REQ_sign(req, crypto_key_evp(key), EVP_sha1()) > 0);
    der.len = (size_t)i2d_X509_REQ(req, &p);
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_E_KEY_WEAK);
    X509_REQ_free(req);
    crypto_key_free(key);
}

static void
refuses_another_version(void **state)
{
    static const uint8_t v1[] = {0x02, 0x01, 0x00};
    struct crypto_key *key = help_key(CRYPTO_P256);
    X509_REQ *req = X509_REQ_new();
    struct help_der der;
    struct csr csr;
    uint8_t *p = der.p;

    (void)state;
    assert_int_equal(X509_REQ_set_pubkey(req, crypto_key_evp(key)), 1);
    assert_true(X509_REQ_sign(req, crypto_key_evp(key), EVP_sha256()) > 0);
    der.len = (size_t)i2d_X509_REQ(req, &p);
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_OK);
    /* OpenSSL 3.5 does not set version 2 any more, so the byte is changed here. */
    p = memmem(der.p, der.len, v1, sizeof(v1));
    assert_non_null(p);
    p[2] = 1;
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_E_CSR_FORMAT);
    X509_REQ_free(req);
    crypto_key_free(key);
}

static void
proof_of_another_key_is_refused(void **state)
{
    struct crypto_key *one = help_key(CRYPTO_P256), *two = help_key(CRYPTO_P256);
    X509_REQ *req = X509_REQ_new();
    struct rs_err err = {0};
    struct help_der der;
    struct csr csr;
    uint8_t *p = der.p;

    (void)state;
    assert_int_equal(X509_REQ_set_pubkey(req, crypto_key_evp(one)), 1);
    assert_true(X509_REQ_sign(req, crypto_key_evp(two), EVP_sha256()) > 0);
    der.len = (size_t)i2d_X509_REQ(req, &p);
    assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_OK);
    assert_int_equal(csr_check_proof(&csr, &err), RS_E_KEY_PROOF);
    assert_non_null(strstr(err.text, "RFC 2986 4.2"));
    X509_REQ_free(req);
    crypto_key_free(one);
    crypto_key_free(two);
}

static void
san_lists_are_bounded(void **state)
{
    static const uint8_t two[] = "\x30\x06\x82\x01"
                                 "a\x82\x01"
                                 "b";
    struct san *list = malloc(sizeof(*list));
    size_t count = 9;

    (void)state;
    assert_non_null(list);
    assert_int_equal(san_read(rs_bytes_of(two, 8), list, 1, &count), 0);
    assert_int_equal(count, 9);
    free(list);
}

/* ---- What is noticed ------------------------------------------------------------------ */

static void
wishes_for_ca_rights_are_noticed(void **state)
{
    static const char *const cases[][3] = {
        {"basicConstraints", "CA:TRUE", NULL},
        {"keyUsage", "keyCertSign", NULL},
        {"keyUsage", "cRLSign", NULL},
        {"extendedKeyUsage", "OCSPSigning", NULL},
        {"extendedKeyUsage", "anyExtendedKeyUsage", NULL},
        {"extendedKeyUsage", "clientAuth,1.3.6.1.5.5.7.3.28", NULL},
        {"extendedKeyUsage", "1.3.6.1.5.5.7.3.27", NULL},
    };
    static const char *const harmless[][3] = {
        {"basicConstraints", "CA:FALSE", NULL},
        {"keyUsage", "digitalSignature,keyAgreement", NULL},
        {"extendedKeyUsage", "clientAuth,serverAuth", NULL},
    };
    static const char *const unknown[] = {"1.2.3.4", "critical,DER:05:00", NULL};
    static const char *const unknown_plain[] = {"1.2.3.4", "DER:05:00", NULL};
    struct help_der der;
    struct csr csr;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_extensions(cases[i], &csr, &der), RS_OK);
        if (!csr.asks_ca)
            fail_msg("not noticed: %s", cases[i][1]);
    }
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        assert_int_equal(read_extensions(harmless[i], &csr, &der), RS_OK);
        assert_false(csr.asks_ca);
        assert_false(csr.unknown_critical);
    }
    assert_int_equal(read_extensions(unknown, &csr, &der), RS_OK);
    assert_true(csr.unknown_critical);
    assert_int_equal(read_extensions(unknown_plain, &csr, &der), RS_OK);
    assert_false(csr.unknown_critical);
}

/* ---- What works ----------------------------------------------------------------------- */

static void
reads_every_kind_of_name(void **state)
{
    static const enum san_kind kinds[] = {SAN_DNS, SAN_IP,    SAN_IP,
                                          SAN_URI, SAN_EMAIL, SAN_PERMANENT};
    static const char *const hardware[] = {
        /* otherName { id-on-hardwareModuleName, [0] { 1.2.3, 01 02 } } and a directoryName */
        "subjectAltName",
        "DER:30:2a:a0:16:06:08:2b:06:01:05:05:07:08:04:a0:0a:30:08:06:02:2a:03:04:02:01:02"
        ":a4:10:30:0e:31:0c:30:0a:06:03:55:04:03:0c:03:61:62:63",
        NULL};
    struct help_der der;
    struct csr csr;

    (void)state;
    assert_int_equal(read_extensions(all_extensions, &csr, &der), RS_OK);
    assert_int_equal(csr.san_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(csr.sans[i].kind, kinds[i]);
    assert_true(rs_bytes_equal(csr.sans[0].value, rs_bytes_str("a.example")));
    assert_memory_equal(csr.sans[1].value.p, "\xc0\x00\x02\x01", 4);
    assert_int_equal(csr.sans[2].value.len, 16);
    assert_int_equal(read_extensions(hardware, &csr, &der), RS_OK);
    assert_int_equal(csr.san_count, 2);
    assert_int_equal(csr.sans[0].kind, SAN_HARDWARE);
    assert_memory_equal(csr.sans[0].value.p, "\x01\x02", 2);
    assert_memory_equal(csr.sans[0].type.p, "\x2a\x03", 2);
    assert_int_equal(csr.sans[1].kind, SAN_DIRECTORY);
}

static void
every_key_algorithm_proves_itself(void **state)
{
    static const enum crypto_alg algs[] = {CRYPTO_P256, CRYPTO_P384, CRYPTO_P521, CRYPTO_ED25519,
                                           CRYPTO_RSA2048};

    (void)state;
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        struct crypto_key *key = help_key(algs[i]);
        struct help_der der;
        struct csr csr;
        help_request(key, NULL, "secret", &der);
        assert_int_equal(csr_read(help_bytes(&der), &csr, NULL), RS_OK);
        assert_int_equal(csr_check_proof(&csr, NULL), RS_OK);
        assert_int_equal(csr.pub.alg, algs[i]);
        assert_true(rs_bytes_equal(csr.spki, crypto_key_pub(key)->spki));
        assert_true(rs_bytes_equal(csr.challenge, rs_bytes_str("secret")));
        assert_int_equal(csr.san_count, 0);
        crypto_key_free(key);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(refuses_names_it_cannot_judge),
        cmocka_unit_test(refuses_two_of_what_may_stand_once),
        cmocka_unit_test(refuses_subjects_with_control_characters),
        cmocka_unit_test(refuses_algorithms_off_the_list),
        cmocka_unit_test(refuses_another_version),
        cmocka_unit_test(proof_of_another_key_is_refused),
        cmocka_unit_test(san_lists_are_bounded),
        cmocka_unit_test(wishes_for_ca_rights_are_noticed),
        cmocka_unit_test(reads_every_kind_of_name),
        cmocka_unit_test(every_key_algorithm_proves_itself),
    };

    return cmocka_run_group_tests_name("x509/csr", tests, NULL, NULL);
}
