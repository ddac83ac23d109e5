/*
 * cert_test.c: certificates from templates, and reading them.
 *
 * The judge of what we write is OpenSSL's parser; the judge of what we read is
 * damage: every truncation and every flipped bit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include <stdlib.h>

#include "x509/cert.h"
#include "x509/oid.h"

static const uint8_t issuer[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                                "a";
static const uint8_t key_id[20] = {9, 8, 7};
static const uint8_t serial_bytes[] = {0x00, 0x81, 0x22};
static const uint8_t uid[] = {0x01, 0x23, 0xee};
static const uint8_t ip4[] = {192, 0, 2, 1};

static int
value_of(void *arg, struct rs_bytes key, struct rs_bytes *ret_value)
{
    if (!rs_bytes_equal(key, rs_bytes_str("device.serial")))
        return 0;
    *ret_value = rs_bytes_str(arg);
    return 1;
}

static struct template_spec
whole_spec(void)
{
    return (struct template_spec){
        .sig_alg = CRYPTO_ECDSA_SHA256,
        .issuer_name = rs_bytes_of(issuer, sizeof(issuer) - 1),
        .issuer_key_id = RS_BYTES(key_id),
        .subject = rs_bytes_str("CN=Board,serialNumber={device.serial}"),
        .ski = TEMPLATE_SKI_SHA256,
        .basic_constraints = 1,
        .path_length = -1,
        .key_usage = 1u << 0 | 1u << 4,
        .eku = {rs_bytes_str("1.3.6.1.5.5.7.3.2"), rs_bytes_str("1.3.6.1.5.5.7.3.1")},
        .eku_count = 2,
        .policies = {rs_bytes_str("1.2.3.4")},
        .policy_count = 1,
        .dns = {rs_bytes_str("{device.serial}.example")},
        .dns_count = 1,
        .hardware_type = rs_bytes_str("1.2.3"),
        .crl_url = rs_bytes_str("http://a/crl"),
        .ocsp_url = rs_bytes_str("http://a/ocsp"),
        .ca_url = rs_bytes_str("http://a/ca"),
    };
}

static struct template_values
whole_values(const struct crypto_key *key)
{
    return (struct template_values){
        .serial = RS_BYTES(serial_bytes),
        .not_before = 1700000000,
        .not_after = INT64_MAX,
        .pub = crypto_key_pub(key),
        .value = value_of,
        .arg = (void *)(uintptr_t)"X2-1",
        .chip_uid = RS_BYTES(uid),
        .dns = {rs_bytes_str("b.example")},
        .dns_count = 1,
        .ip = {RS_BYTES(ip4)},
        .ip_count = 1,
    };
}

static rs_code
try_build(const struct template_spec *spec, const struct template_values *values,
          struct rs_err *err)
{
    static struct template t;
    uint8_t room[TEMPLATE_TBS_MAX];
    struct rs_bytes tbs;
    rs_code rc = template_compile(spec, &t, err);

    return rc == RS_OK ? template_build(&t, values, room, sizeof(room), &tbs, err) : rc;
}

/* ---- Templates: refusals --------------------------------------------------------------- */

static void
refuses_specs(void **state)
{
    static const char long_url[TEMPLATE_FIXED_MAX + 1] = {'a'};
    static struct template t;
    struct template_spec s;

    (void)state;
    s = whole_spec();
    s.eku[1] = rs_bytes_str("serverAuth");
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_CONFIG_INVALID);
    s = whole_spec();
    s.policies[0] = rs_bytes_str("");
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_CONFIG_INVALID);
    s = whole_spec();
    s.hardware_type = rs_bytes_str("x");
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_CONFIG_INVALID);
    s = whole_spec();
    s.subject = rs_bytes_str("CN");
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_CONFIG_INVALID);
    s = whole_spec();
    s.crl_url = rs_bytes_of(long_url, sizeof(long_url));
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_PROFILE_LIMIT);
    s = whole_spec();
    s.crl_url = rs_bytes_of(long_url, TEMPLATE_FIXED_MAX - 400);
    s.issuer_name = rs_bytes_of(long_url, 500); /* each fits, both do not */
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_PROFILE_LIMIT);
    s = whole_spec();
    s.dns_count = TEMPLATE_LIST_MAX + 1;
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_PROFILE_LIMIT);
    s = whole_spec();
    s.dns[0] = rs_bytes_of(long_url, sizeof(long_url));
    assert_int_equal(template_compile(&s, &t, NULL), RS_E_PROFILE_LIMIT);
}

static void
refuses_values(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct template_spec s = whole_spec();
    struct template_values v;
    struct rs_err err = {0};

    (void)state;
    v = whole_values(key);
    v.chip_uid.len = 0;
    assert_int_equal(try_build(&s, &v, &err), RS_E_CSR_SUBJECT);
    assert_string_equal(err.text, "name: the profile needs a chip UID");
    v = whole_values(key);
    v.value = NULL;
    assert_int_equal(try_build(&s, &v, NULL), RS_E_CSR_SUBJECT);
    v = whole_values(key);
    v.arg = (void *)(uintptr_t)"a b"; /* fine in serialNumber, not in a host name */
    assert_int_equal(try_build(&s, &v, NULL), RS_E_CSR_SUBJECT);
    v = whole_values(key);
    v.dns[0] = rs_bytes_str("a\xc3\xa9");
    assert_int_equal(try_build(&s, &v, NULL), RS_E_CSR_SUBJECT);
    v.dns[0] = rs_bytes_str("");
    assert_int_equal(try_build(&s, &v, NULL), RS_E_CSR_SUBJECT);
    v = whole_values(key);
    v.arg = (void *)(uintptr_t)"a_b"; /* fine in a host name, not in PrintableString */
    assert_int_equal(try_build(&s, &v, NULL), RS_E_CSR_SUBJECT);
    s.subject.len = s.dns_count = s.hardware_type.len = 0; /* nothing names the subject */
    v = whole_values(key);
    v.dns_count = v.ip_count = 0;
    assert_int_equal(try_build(&s, &v, NULL), RS_E_CSR_SUBJECT);
    crypto_key_free(key);
}

static void
refuses_to_overrun_its_room(void **state)
{
    static struct template t;
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct template_spec s = whole_spec();
    struct template_values v = whole_values(key);
    uint8_t room[TEMPLATE_TBS_MAX];
    struct rs_bytes tbs, whole;

    (void)state;
    assert_int_equal(template_compile(&s, &t, NULL), RS_OK);
    assert_int_equal(template_build(&t, &v, room, sizeof(room), &whole, NULL), RS_OK);
    for (size_t cap = 0; cap <= whole.len; cap++) {
        uint8_t *exact = malloc(cap + 1);
        assert_non_null(exact);
        assert_int_equal(template_build(&t, &v, exact, cap, &tbs, NULL),
                         cap < whole.len ? RS_E_PROFILE_LIMIT : RS_OK);
        free(exact);
    }
    crypto_key_free(key);
}

static void
assembling_needs_room(void **state)
{
    uint8_t room[16], tbs[] = {0x30, 0x00};
    struct rs_buf out;

    (void)state;
    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(
        x509_assemble(RS_BYTES(tbs), CRYPTO_ECDSA_SHA256, RS_BYTES(key_id), &out, NULL),
        RS_E_NO_MEMORY);
}

/* ---- Templates: what OpenSSL says ------------------------------------------------------- */

static void
check_extensions(X509 *x)
{
    assert_int_equal(X509_check_ca(x), 0);
    assert_int_equal(X509_get_key_usage(x), KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT);
    assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_CLIENT | XKU_SSL_SERVER);
    assert_memory_equal(ASN1_STRING_get0_data(X509_get0_authority_key_id(x)), key_id, 20);
    assert_int_equal(X509_check_host(x, "x2-1.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x, "b.example", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(x, "c.example", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(x, "192.0.2.1", 0), 1);
    STACK_OF(OPENSSL_STRING) *ocsp = X509_get1_ocsp(x);
    assert_int_equal(sk_OPENSSL_STRING_num(ocsp), 1);
    assert_string_equal(sk_OPENSSL_STRING_value(ocsp, 0), "http://a/ocsp");
    X509_email_free(ocsp);
    STACK_OF(DIST_POINT) *points = X509_get_ext_d2i(x, NID_crl_distribution_points, NULL, NULL);
    assert_int_equal(sk_DIST_POINT_num(points), 1);
    CRL_DIST_POINTS_free(points);
    CERTIFICATEPOLICIES *policies = X509_get_ext_d2i(x, NID_certificate_policies, NULL, NULL);
    assert_int_equal(sk_POLICYINFO_num(policies), 1);
    CERTIFICATEPOLICIES_free(policies);
    assert_int_equal(X509_get_ext_count(x), 9);
    assert_int_equal(
        X509_EXTENSION_get_critical(X509_get_ext(x, X509_get_ext_by_NID(x, NID_key_usage, -1))), 1);
    assert_int_equal(X509_EXTENSION_get_critical(
                         X509_get_ext(x, X509_get_ext_by_NID(x, NID_basic_constraints, -1))),
                     1);
}

static void
openssl_reads_a_whole_certificate(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct template_spec s = whole_spec();
    struct template_values v = whole_values(key);
    struct help_der der;

    (void)state;
    help_certificate(&s, &v, key, &der);
    const uint8_t *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    assert_non_null(x);
    assert_true(p == der.p + der.len);
    assert_int_equal(X509_verify(x, crypto_key_evp(key)), 1);
    assert_int_equal(X509_get_version(x), X509_VERSION_3);
    assert_int_equal(ASN1_INTEGER_get(X509_get0_serialNumber(x)), 0x8122);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), 1700000000), 0);
    assert_memory_equal(ASN1_STRING_get0_data(X509_get0_notAfter(x)), "99991231235959Z", 15);
    check_extensions(x);
    X509_free(x);
    crypto_key_free(key);
}

/* Random valid values: every field that OpenSSL finds is the one that went in. */
static void
random_values_come_back(void **state)
{
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    struct crypto_key *key = help_key(CRYPTO_P256);
    unsigned seed = 20261124;

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct template_spec s = whole_spec();
        struct template_values v = whole_values(key);
        struct help_der der;
        struct cert c;
        char text[NAME_VALUE_MAX + 1], found[NAME_VALUE_MAX + 1];
        uint8_t serial[20];
        size_t len = 1 + (size_t)rand_r(&seed) % 64;
        size_t serial_len = 1 + (size_t)rand_r(&seed) % sizeof(serial);

        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
        text[len] = '\0';
        for (size_t i = 0; i < serial_len; i++)
            serial[i] = (uint8_t)rand_r(&seed);
        serial[0] = (uint8_t)(serial[0] & 0x7f) | 1;
        s.ski = round % 3 == 0   ? TEMPLATE_SKI_SHA1
                : round % 3 == 1 ? TEMPLATE_SKI_SHA256
                                 : TEMPLATE_SKI_NONE;
        v.serial = rs_bytes_of(serial, serial_len);
        v.arg = text;
        v.not_before = rand_r(&seed);
        v.not_after = v.not_before + (int64_t)rand_r(&seed) * 3;
        help_certificate(&s, &v, key, &der);

        const uint8_t *p = der.p;
        X509 *x = d2i_X509(NULL, &p, (long)der.len);
        assert_non_null(x);
        BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
        uint8_t n_bytes[20];
        assert_int_equal(BN_bn2bin(n, n_bytes), serial_len);
        assert_memory_equal(n_bytes, serial, serial_len);
        assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), (time_t)v.not_before), 0);
        assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), (time_t)v.not_after), 0);
        assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_serialNumber,
                                                   found, sizeof(found)),
                         len);
        assert_string_equal(found, text);
        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), crypto_key_evp(key)), 1);
        assert_int_equal(X509_get0_subject_key_id(x) == NULL, s.ski == TEMPLATE_SKI_NONE);
        assert_int_equal(cert_read(help_bytes(&der), &c, NULL), RS_OK);
        assert_true(rs_bytes_equal(c.serial, v.serial));
        assert_true(c.not_before == v.not_before && c.not_after == v.not_after);
        BN_free(n);
        X509_free(x);
    }
    crypto_key_free(key);
}

static void
key_identifiers_follow_their_methods(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    uint8_t want[32], id[20];
    unsigned len;
    struct rs_bytes point = crypto_key_pub(key)->key;

    (void)state;
    assert_int_equal(EVP_Digest(point.p, point.len, want, &len, EVP_sha1(), NULL), 1);
    template_key_id(TEMPLATE_SKI_SHA1, crypto_key_pub(key), id);
    assert_memory_equal(id, want, 20);
    assert_int_equal(EVP_Digest(point.p, point.len, want, &len, EVP_sha256(), NULL), 1);
    template_key_id(TEMPLATE_SKI_SHA256, crypto_key_pub(key), id);
    assert_memory_equal(id, want, 20);
    crypto_key_free(key);
}

static void
an_empty_subject_makes_the_names_critical(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct template_spec s = whole_spec();
    struct template_values v = whole_values(key);
    struct help_der der;

    (void)state;
    s.subject.len = 0;
    s.ocsp_nocheck = 1;
    s.crl_url.len = s.ocsp_url.len = s.ca_url.len = 0;
    help_certificate(&s, &v, key, &der);
    const uint8_t *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(x)), 0);
    assert_int_equal(X509_EXTENSION_get_critical(
                         X509_get_ext(x, X509_get_ext_by_NID(x, NID_subject_alt_name, -1))),
                     1);
    assert_true(X509_get_ext_by_NID(x, NID_id_pkix_OCSP_noCheck, -1) >= 0);
    assert_int_equal(X509_get_ext_by_NID(x, NID_info_access, -1), -1);
    X509_free(x);
    crypto_key_free(key);
}

static void
a_root_is_a_root(void **state)
{
    static const enum crypto_alg algs[] = {CRYPTO_P256, CRYPTO_P384, CRYPTO_ED25519,
                                           CRYPTO_RSA2048};

    (void)state;
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        struct crypto_key *key = help_key(algs[i]);
        struct help_der der;
        struct cert c;
        help_root(key, &der);
        const uint8_t *p = der.p;
        X509 *x = d2i_X509(NULL, &p, (long)der.len);
        assert_int_equal(X509_check_ca(x), 1);
        assert_int_equal(X509_get_pathlen(x), 1);
        assert_int_equal(X509_self_signed(x, 1), 1);
        assert_int_equal(cert_read(help_bytes(&der), &c, NULL), RS_OK);
        assert_true(c.is_ca && c.has_basic_constraints && c.path_length == 1);
        assert_int_equal(c.key_usage, 1u << 5 | 1u << 6);
        assert_true(c.not_after == INT64_MAX);
        assert_true(rs_bytes_equal(c.issuer, c.subject));
        assert_int_equal(c.aki.len, 0);
        X509_free(x);
        crypto_key_free(key);
    }
}

/* ---- Reading: refusals -------------------------------------------------------------------- */

static void
reading_refuses_every_truncation(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct template_spec s = whole_spec();
    struct template_values v = whole_values(key);
    struct help_der der;
    struct cert c;

    (void)state;
    help_certificate(&s, &v, key, &der);
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *cut = help_exact(rs_bytes_of(der.p, len));
        assert_int_equal(cert_read(rs_bytes_of(cut, len), &c, NULL), RS_E_REQUEST_FORMAT);
        free(cut);
    }
    der.p[der.len] = 0;
    assert_int_equal(cert_read(rs_bytes_of(der.p, der.len + 1), &c, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(cert_read(rs_bytes_of(der.p, CERT_BYTES_MAX + 1), &c, NULL),
                     RS_E_REQUEST_FORMAT);
    crypto_key_free(key);
}

static void
no_flipped_bit_verifies(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_ED25519);
    struct template_spec s = whole_spec();
    struct template_values v = whole_values(key);
    struct help_der der;
    struct cert c;

    (void)state;
    s.sig_alg = CRYPTO_ED25519_SIG;
    help_certificate(&s, &v, key, &der);
    for (size_t bit = 0; bit < der.len * 8; bit++) {
        der.p[bit / 8] = (uint8_t)(der.p[bit / 8] ^ 1u << bit % 8);
        if (cert_read(help_bytes(&der), &c, NULL) == RS_OK &&
            crypto_verify(crypto_key_pub(key), c.sig_alg, c.tbs, c.signature, NULL) == RS_OK)
            fail_msg("accepted with bit %zu of byte %zu flipped", bit % 8, bit / 8);
        der.p[bit / 8] = (uint8_t)(der.p[bit / 8] ^ 1u << bit % 8);
    }
    crypto_key_free(key);
}

/* A certificate around one extension, written by OpenSSL. */
static rs_code
read_with(const char *name, const char *value, struct cert *ret_cert)
{
    static struct help_der der;
    struct crypto_key *key = help_key(CRYPTO_P256);
    X509 *x = X509_new();
    X509V3_CTX ctx;
    uint8_t *p = der.p;
    rs_code rc;

    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 5), 1);
    (void)X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &(time_t){1700000000});
    (void)X509_time_adj_ex(X509_getm_notAfter(x), 0, 0, &(time_t){1800000000});
    assert_int_equal(X509_set_pubkey(x, crypto_key_evp(key)), 1);
    if (name != NULL) {
        X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, name, value);
        assert_non_null(e);
        assert_int_equal(X509_add_ext(x, e, -1), 1);
        if (strcmp(name, "noCheck") == 0) /* the one that is added twice */
            assert_int_equal(X509_add_ext(x, e, -1), 1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(x, crypto_key_evp(key), EVP_sha256()) > 0);
    der.len = (size_t)i2d_X509(x, &p);
    rc = cert_read(help_bytes(&der), ret_cert, NULL);
    X509_free(x);
    crypto_key_free(key);
    return rc;
}

static void
reading_refuses_malformed_extensions(void **state)
{
    static const char *const cases[][2] = {
        {"basicConstraints", "DER:30:03:01:01:00"}, /* DEFAULT FALSE written out */
        {"basicConstraints", "DER:30:03:01:01:01"},
        {"basicConstraints", "DER:30:00:00"},
        {"basicConstraints", "DER:30:06:01:01:ff:02:01:80"},
        {"basicConstraints", "DER:30:02:05:00"},
        {"keyUsage", "DER:03:01:00"},
        {"keyUsage", "DER:03:02:08:80"},
        {"keyUsage", "DER:03:04:00:80:00:00"},
        {"keyUsage", "DER:03:02:07:80:00"},
        {"extendedKeyUsage", "DER:31:00"},
        {"subjectKeyIdentifier", "DER:04:02:01"},
        {"authorityKeyIdentifier", "DER:30:02:80:05"},
        {"authorityKeyIdentifier", "DER:04:00"},
    };
    struct cert c;

    (void)state;
    assert_int_equal(read_with("noCheck", "ignored", &c), RS_E_REQUEST_FORMAT);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (read_with(cases[i][0], cases[i][1], &c) != RS_E_REQUEST_FORMAT)
            fail_msg("accepted: %s %s", cases[i][0], cases[i][1]);
    }
}

static void
reading_notices_what_it_does_not_know(void **state)
{
    struct cert c;

    (void)state;
    assert_int_equal(read_with("1.2.3.4", "critical,DER:05:00", &c), RS_OK);
    assert_true(c.unknown_critical);
    assert_int_equal(read_with("1.2.3.4", "DER:05:00", &c), RS_OK);
    assert_false(c.unknown_critical);
    assert_int_equal(read_with("nameConstraints", "critical,permitted;DNS:a", &c), RS_OK);
    assert_false(c.unknown_critical);
    assert_int_equal(read_with("authorityKeyIdentifier", "DER:30:00", &c), RS_OK);
    assert_int_equal(c.aki.len, 0);
    assert_int_equal(read_with("keyUsage", "decipherOnly", &c), RS_OK);
    assert_int_equal(c.key_usage, 1u << 8);
    assert_int_equal(read_with("extendedKeyUsage", "clientAuth", &c), RS_OK);
    assert_int_equal(cert_has_eku(&c, oid_eku_client), 1);
    assert_int_equal(cert_has_eku(&c, oid_eku_server), 0);
    assert_int_equal(read_with("subjectAltName", "DNS:a", &c), RS_OK);
    assert_int_equal(c.san.len, 5);
    assert_int_equal(cert_has_eku(&c, oid_eku_client), 0);
}

static void
reading_refuses_other_versions(void **state)
{
    struct cert c;

    (void)state;
    assert_int_equal(read_with(NULL, NULL, &c), RS_OK); /* v3 without extensions */
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct help_der der;
    uint8_t *p = der.p;
    X509 *x = X509_new(); /* v1 */
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 5);
    (void)X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &(time_t){1700000000});
    (void)X509_time_adj_ex(X509_getm_notAfter(x), 0, 0, &(time_t){1800000000});
    (void)X509_set_pubkey(x, crypto_key_evp(key));
    assert_true(X509_sign(x, crypto_key_evp(key), EVP_sha256()) > 0);
    der.len = (size_t)i2d_X509(x, &p);
    assert_int_equal(cert_read(help_bytes(&der), &c, NULL), RS_E_REQUEST_FORMAT);
    (void)X509_set_version(x, X509_VERSION_3);
    assert_true(X509_sign(x, crypto_key_evp(key), EVP_sha1()) > 0);
    p = der.p;
    der.len = (size_t)i2d_X509(x, &p);
    assert_int_equal(cert_read(help_bytes(&der), &c, NULL), RS_E_REQUEST_FORMAT);
    X509_free(x);
    crypto_key_free(key);
}

/* ---- PEM ---------------------------------------------------------------------------------- */

static void
pem_refuses_and_reads(void **state)
{
    struct rs_bytes text = rs_bytes_str("x\n-----BEGIN A-----\nAQID\n-----END A-----\n"
                                        "-----BEGIN B-----\nBA==\n-----END B-----\n"
                                        "-----BEGIN A-----\nBQ==\n-----END A-----\n");
    struct rs_bytes none = rs_bytes_str("no armour"), empty = {NULL, 0};
    struct rs_bytes no_end = rs_bytes_str("-----BEGIN A-----\nAQID\n");
    struct rs_bytes rotten = rs_bytes_str("-----BEGIN A-----\nAQ!D\n-----END A-----\n");
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};

    (void)state;
    rs_buf_init(&der, 1000);
    assert_int_equal(cert_next_pem(&none, "A", &der, NULL), RS_E_REQUEST_UNKNOWN);
    assert_int_equal(cert_next_pem(&empty, "A", &der, NULL), RS_E_REQUEST_UNKNOWN);
    assert_int_equal(cert_next_pem(&no_end, "A", &der, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(cert_next_pem(&rotten, "A", &der, NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(cert_next_pem(&text, "A", &der, NULL), RS_OK);
    assert_int_equal(der.len, 3);
    assert_int_equal(cert_next_pem(&text, "A", &der, NULL), RS_OK);
    assert_int_equal(der.p[0], 5);
    assert_int_equal(cert_next_pem(&text, "A", &der, NULL), RS_E_REQUEST_UNKNOWN);
}

static void
openssl_reads_our_pem(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    struct help_der der;
    uint8_t print[32], want[32];
    unsigned len;

    (void)state;
    rs_buf_init(&text, 65536);
    help_root(key, &der);
    cert_put_pem(&text, "CERTIFICATE", help_bytes(&der));
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    assert_non_null(x);
    assert_int_equal(X509_digest(x, EVP_sha256(), want, &len), 1);
    cert_fingerprint(help_bytes(&der), print);
    assert_memory_equal(print, want, 32);
    X509_free(x);
    BIO_free(bio);
    crypto_key_free(key);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_specs),
        cmocka_unit_test(refuses_values),
        cmocka_unit_test(refuses_to_overrun_its_room),
        cmocka_unit_test(assembling_needs_room),
        cmocka_unit_test(openssl_reads_a_whole_certificate),
        cmocka_unit_test(random_values_come_back),
        cmocka_unit_test(key_identifiers_follow_their_methods),
        cmocka_unit_test(an_empty_subject_makes_the_names_critical),
        cmocka_unit_test(a_root_is_a_root),
        cmocka_unit_test(reading_refuses_every_truncation),
        cmocka_unit_test(no_flipped_bit_verifies),
        cmocka_unit_test(reading_refuses_malformed_extensions),
        cmocka_unit_test(reading_notices_what_it_does_not_know),
        cmocka_unit_test(reading_refuses_other_versions),
        cmocka_unit_test(pem_refuses_and_reads),
        cmocka_unit_test(openssl_reads_our_pem),
    };

    return cmocka_run_group_tests_name("x509/cert", tests, NULL, NULL);
}
