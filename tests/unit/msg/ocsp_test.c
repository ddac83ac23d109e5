/*
 * ocsp_test.c: OCSP requests and responses against OpenSSL's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include <openssl/ocsp.h>

#include "msg/ocsp.h"

static const uint8_t name[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                              "a";
static const uint8_t key_bytes[] = {4, 1, 2, 3};
static const uint8_t serial[] = {0x81, 0x22};
static const uint8_t nonce[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void
make(enum ocsp_hash hash, size_t nonce_len, struct rs_buf *out)
{
    rs_buf_reset(out);
    assert_int_equal(ocsp_request_put(out, hash, rs_bytes_of(name, sizeof(name) - 1),
                                      RS_BYTES(key_bytes), RS_BYTES(serial),
                                      rs_bytes_of(nonce, nonce_len), NULL),
                     RS_OK);
}

/* A request of `count` copies of one Request element, with these requestExtensions. */
static rs_code
read_built(struct rs_bytes request, size_t count, struct rs_bytes tail, unsigned version)
{
    static struct ocsp_request r;
    uint8_t room[OCSP_REQUEST_MAX];
    struct der_out o;
    size_t mark;

    der_out_init(&o, room, sizeof(room));
    der_put(&o, tail);
    mark = der_mark(&o);
    for (size_t i = 0; i < count; i++)
        der_put(&o, request);
    der_put_header(&o, DER_SEQUENCE, mark);
    if (version != 0) {
        mark = der_mark(&o);
        der_put_small(&o, version - 1);
        der_put_header(&o, DER_CONTEXT(0), mark);
    }
    der_put_header(&o, DER_SEQUENCE, 0);
    der_put_header(&o, DER_SEQUENCE, 0);
    assert_true(der_out_ok(&o));
    return ocsp_request_read(der_out_bytes(&o), &r, NULL);
}

#define ID_SHA1                                                                                    \
    "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"                                                 \
    "\x04\x14"                                                                                     \
    "AAAAAAAAAAAAAAAAAAAA"                                                                         \
    "\x04\x14"                                                                                     \
    "BBBBBBBBBBBBBBBBBBBB"
#define B(text) rs_bytes_of(text, sizeof(text) - 1)
#define NONE    ((struct rs_bytes){NULL, 0})

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_every_truncation(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    struct ocsp_request r;

    (void)state;
    rs_buf_init(&der, 8192);
    make(OCSP_SHA1, sizeof(nonce), &der);
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *cut = help_exact(rs_bytes_of(der.p, len));
        assert_int_equal(ocsp_request_read(rs_bytes_of(cut, len), &r, NULL), RS_E_REQUEST_FORMAT);
        free(cut);
    }
    rs_buf_put_u8(&der, 0);
    assert_int_equal(ocsp_request_read(rs_buf_bytes(&der), &r, NULL), RS_E_REQUEST_FORMAT);
    assert_non_null(rs_buf_extend(&der, OCSP_REQUEST_MAX));
    assert_int_equal(ocsp_request_read(rs_buf_bytes(&der), &r, NULL), RS_E_REQUEST_TOO_LARGE);
}

static void
refuses_requests_that_are_not_ours_to_answer(void **state)
{
    struct rs_bytes good = B("\x30\x3c\x30\x3a" ID_SHA1 "\x02\x01\x05");

    (void)state;
    assert_int_equal(read_built(good, 1, NONE, 0), RS_OK);
    assert_int_equal(read_built(good, OCSP_IDS_MAX, NONE, 0), RS_OK);
    assert_int_equal(read_built(good, OCSP_IDS_MAX + 1, NONE, 0), RS_E_REQUEST_FORMAT);
    assert_int_equal(read_built(good, 0, NONE, 0), RS_E_REQUEST_FORMAT);
    assert_int_equal(read_built(good, 1, NONE, 1), RS_E_REQUEST_FORMAT); /* DEFAULT written out */
    assert_int_equal(read_built(good, 1, NONE, 2), RS_E_REQUEST_FORMAT); /* version 2 */
    assert_int_equal(read_built(B("\x30\x3c\x30\x3a" ID_SHA1 "\x02\x01\x85"), 1, NONE, 0),
                     RS_E_REQUEST_FORMAT); /* a negative serial */
    assert_int_equal(read_built(B("\x30\x3f\x30\x3a" ID_SHA1 "\x02\x01\x05"
                                  "\x02\x01\x05"),
                                1, NONE, 0),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(read_built(B("\x30\x3f\x30\x3d" ID_SHA1 "\x02\x01\x05"
                                  "\x02\x01\x05"),
                                1, NONE, 0),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(read_built(B("\x30\x38\x30\x36"
                                  "\x30\x05\x06\x01\x2a\x05\x00"
                                  "\x04\x14"
                                  "AAAAAAAAAAAAAAAAAAAA"
                                  "\x04\x14"
                                  "BBBBBBBBBBBBBBBBBBBB"
                                  "\x02\x01\x05"),
                                1, NONE, 0),
                     RS_E_REQUEST_FORMAT); /* an unknown digest */
    assert_int_equal(read_built(B("\x30\x3b\x30\x39"
                                  "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"
                                  "\x04\x13"
                                  "AAAAAAAAAAAAAAAAAAA"
                                  "\x04\x14"
                                  "BBBBBBBBBBBBBBBBBBBB"
                                  "\x02\x01\x05"),
                                1, NONE, 0),
                     RS_E_REQUEST_FORMAT); /* a digest of 19 bytes */
    assert_int_equal(read_built(B("\x30\x3c\x30\x3a"
                                  "\x30\x0a\x06\x05\x2b\x0e\x03\x02\x1a\x04\x01\x00"
                                  "\x04\x14"
                                  "AAAAAAAAAAAAAAAAAAAA"
                                  "\x04\x13"
                                  "BBBBBBBBBBBBBBBBBBB"
                                  "\x02\x01\x05"),
                                1, NONE, 0),
                     RS_E_REQUEST_FORMAT); /* parameters that are not NULL */
}

/* RFC 9654 2.1 */
static void
refuses_nonces_that_are_too_short_or_too_long(void **state)
{
    struct rs_bytes good = B("\x30\x3c\x30\x3a" ID_SHA1 "\x02\x01\x05");
    uint8_t value[OCSP_NONCE_MAX + 1] = {0};

    (void)state;
    for (size_t len = 0; len <= OCSP_NONCE_MAX + 1; len++) {
        uint8_t room[512];
        struct der_out o;
        der_out_init(&o, room, sizeof(room));
        der_put_element(&o, DER_OCTET_STRING, rs_bytes_of(value, len));
        der_put_header(&o, DER_OCTET_STRING, 0);
        der_put(&o, B("\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02"));
        der_put_header(&o, DER_SEQUENCE, 0);
        der_put_header(&o, DER_SEQUENCE, 0);
        der_put_header(&o, DER_CONTEXT(2), 0);
        assert_int_equal(read_built(good, 1, der_out_bytes(&o), 0),
                         len >= 1 && len <= OCSP_NONCE_MAX ? RS_OK : RS_E_REQUEST_FORMAT);
    }
    assert_int_equal(read_built(good, 1,
                                B("\xa2\x0f\x30\x0d\x30\x0b\x06\x03\x2a\x03\x04"
                                  "\x01\x01\xff\x04\x01\x00"),
                                0),
                     RS_OK); /* another */
    assert_int_equal(read_built(good, 1, B("\xa2\x02\x31\x00"), 0), RS_E_REQUEST_FORMAT);
    assert_int_equal(read_built(good, 1, B("\xa2\x04\x30\x00\x05\x00"), 0), RS_E_REQUEST_FORMAT);
    assert_int_equal(read_built(good, 1, B("\xa2\x04\x30\x02\x30\x00"), 0), RS_E_REQUEST_FORMAT);
}

static void
refuses_paths_that_are_not_base64(void **state)
{
    static const char *const cases[] = {"",      "A",   "AAAAA", "AA*A",
                                        "%zzAA", "AA%", "====",  "AA/A\x01"};
    static char big[4 * OCSP_REQUEST_MAX];
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&out, OCSP_REQUEST_MAX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rs_buf_reset(&out);
        if (ocsp_path_read(rs_bytes_str(cases[i]), &out, NULL) != RS_E_REQUEST_FORMAT)
            fail_msg("accepted: %s", cases[i]);
    }
    memset(big, 'A', sizeof(big));
    assert_int_equal(ocsp_path_read(rs_bytes_of(big, sizeof(big)), &out, NULL),
                     RS_E_REQUEST_TOO_LARGE);
}

static void
says_when_there_is_no_room(void **state)
{
    uint8_t room[16], long_nonce[600] = {0};
    struct ocsp_single single = {.id = B("\x30\x00")};
    struct ocsp_response_spec spec = {
        .singles = &single, .count = 1, .sig_alg = CRYPTO_ECDSA_SHA256};
    struct rs_bytes tbs = {NULL, 7};
    struct rs_buf out;

    (void)state;
    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(ocsp_request_put(&out, OCSP_SHA1, RS_BYTES(key_bytes), RS_BYTES(key_bytes),
                                      RS_BYTES(serial), NONE, NULL),
                     RS_E_REQUEST_TOO_LARGE);
    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(ocsp_request_put(&out, OCSP_SHA1, RS_BYTES(key_bytes), RS_BYTES(key_bytes),
                                      RS_BYTES(serial), RS_BYTES(long_nonce), NULL),
                     RS_E_REQUEST_TOO_LARGE);
    assert_int_equal(ocsp_response_data(&spec, room, sizeof(room), &tbs, NULL), RS_E_NO_MEMORY);
    assert_int_equal(tbs.len, 7);
    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(
        ocsp_response_put(&out, B("\x30\x00"), CRYPTO_ECDSA_SHA256, B("xx"), B("\x30\x00"), NULL),
        RS_E_NO_MEMORY);
}

/* ---- Requests ------------------------------------------------------------------------- */

static void
our_requests_are_openssls(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    struct ocsp_request r;

    (void)state;
    rs_buf_init(&der, 8192);
    for (int hash = OCSP_SHA1; hash <= OCSP_SHA256; hash++) {
        make((enum ocsp_hash)hash, hash == OCSP_SHA1 ? 0 : sizeof(nonce), &der);
        const uint8_t *p = der.p;
        OCSP_REQUEST *req = d2i_OCSP_REQUEST(NULL, &p, (long)der.len);
        assert_non_null(req);
        assert_int_equal(OCSP_request_onereq_count(req), 1);
        ASN1_INTEGER *n = NULL;
        assert_int_equal(OCSP_id_get0_info(NULL, NULL, NULL, &n,
                                           OCSP_onereq_get0_id(OCSP_request_onereq_get0(req, 0))),
                         1);
        assert_int_equal(ASN1_INTEGER_get(n), 0x8122);
        OCSP_REQUEST_free(req);
        assert_int_equal(ocsp_request_read(rs_buf_bytes(&der), &r, NULL), RS_OK);
        assert_int_equal(r.count, 1);
        assert_int_equal(r.ids[0].hash, hash);
        assert_true(rs_bytes_equal(r.ids[0].serial, RS_BYTES(serial)));
        assert_int_equal(r.nonce.len, hash == OCSP_SHA1 ? 0 : sizeof(nonce));
    }
}

static void
reads_openssls_requests_also_from_paths(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    struct help_der der;
    struct ocsp_request r;
    char path[2048];
    size_t n = 0;

    (void)state;
    rs_buf_init(&out, 8192);
    rs_buf_init(&text, 8192);
    help_root(key, &der);
    const uint8_t *p = der.p;
    X509 *x = d2i_X509(NULL, &p, (long)der.len);
    OCSP_REQUEST *req = OCSP_REQUEST_new();
    for (int i = 0; i < 3; i++)
        assert_non_null(
            OCSP_request_add0_id(req, OCSP_cert_to_id(i ? EVP_sha256() : EVP_sha1(), x, x)));
    assert_int_equal(OCSP_request_add1_nonce(req, NULL, -1), 1);
    uint8_t *to = der.p;
    der.len = (size_t)i2d_OCSP_REQUEST(req, &to);
    assert_int_equal(ocsp_request_read(help_bytes(&der), &r, NULL), RS_OK);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.ids[2].hash, OCSP_SHA256);
    assert_true(r.nonce.len >= 16);
    rs_base64_put(&text, help_bytes(&der), 0);
    for (size_t i = 0; i < text.len; i++) { /* RFC 6960 A.1: percent-encoded, or not */
        uint8_t c = text.p[i];
        if ((c == '+' || c == '/' || c == '=') && i % 2)
            n += (size_t)snprintf(path + n, sizeof(path) - n, "%%%02X", c);
        else
            path[n++] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
    }
    assert_int_equal(ocsp_path_read(rs_bytes_of(path, n), &out, NULL), RS_OK);
    assert_true(rs_bytes_equal(rs_buf_bytes(&out), help_bytes(&der)));
    OCSP_REQUEST_free(req);
    X509_free(x);
    crypto_key_free(key);
}

/* A signed request with a requestorName is answered; its signature is not our business. */
static void
skips_what_it_does_not_need(void **state)
{
    static const uint8_t signed_request[] = "\x30\x4b"
                                            "\x30\x43"
                                            "\xa1\x03\x82\x01"
                                            "a"
                                            "\x30\x3c"
                                            "\x30\x3a"
                                            "\x30\x38"
                                            "\x30\x07\x06\x05\x2b\x0e\x03\x02\x1a"
                                            "\x04\x14"
                                            "AAAAAAAAAAAAAAAAAAAA"
                                            "\x04\x14"
                                            "BBBBBBBBBBBBBBBBBBBB"
                                            "\x02\x01\x05"
                                            "\xa0\x04\x30\x02\x05\x00";
    struct ocsp_request r;

    (void)state;
    assert_int_equal(
        ocsp_request_read(rs_bytes_of(signed_request, sizeof(signed_request) - 1), &r, NULL),
        RS_OK);
    assert_int_equal(r.ids[0].serial.p[0], 5);
}

/* ---- Responses ------------------------------------------------------------------------ */

static void
check_basic(OCSP_BASICRESP *basic, X509 *x, OCSP_CERTID *id)
{
    STACK_OF(X509) *certs = sk_X509_new_null();
    X509_STORE *store = X509_STORE_new();
    ASN1_GENERALIZEDTIME *revoked = NULL, *this_update = NULL, *next_update = NULL;
    int status = -1, reason = -1;

    (void)sk_X509_push(certs, x);
    assert_int_equal(X509_STORE_add_cert(store, x), 1);
    assert_int_equal(OCSP_basic_verify(basic, certs, store, OCSP_TRUSTOTHER), 1);
    assert_int_equal(
        OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &this_update, &next_update),
        1);
    assert_int_equal(status, V_OCSP_CERTSTATUS_REVOKED);
    assert_int_equal(reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
    assert_int_equal(ASN1_TIME_cmp_time_t(revoked, 1700000001), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(this_update, 1700000100), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(next_update, 1700000200), 0);
    sk_X509_free(certs);
    X509_STORE_free(store);
}

static void
openssl_verifies_our_responses(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    struct help_der cert, request;
    struct ocsp_request r;
    struct ocsp_single singles[3];
    uint8_t key_hash[20], room[4096], sig[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes tbs;
    size_t len;

    (void)state;
    rs_buf_init(&out, 8192);
    help_root(key, &cert);
    const uint8_t *p = cert.p;
    X509 *x = d2i_X509(NULL, &p, (long)cert.len);
    OCSP_REQUEST *req = OCSP_REQUEST_new();
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), x, x);
    (void)OCSP_request_add0_id(req, OCSP_CERTID_dup(id));
    (void)OCSP_request_add0_id(req, OCSP_cert_to_id(EVP_sha256(), x, x));
    (void)OCSP_request_add0_id(req, OCSP_cert_to_id(EVP_sha256(), x, x));
    (void)OCSP_request_add1_nonce(req, NULL, -1);
    uint8_t *to = request.p;
    request.len = (size_t)i2d_OCSP_REQUEST(req, &to);
    assert_int_equal(ocsp_request_read(help_bytes(&request), &r, NULL), RS_OK);
    singles[0] = (struct ocsp_single){r.ids[0].whole, OCSP_REVOKED, 1700000001, 1};
    singles[1] = (struct ocsp_single){r.ids[1].whole, OCSP_GOOD, 0, 0};
    singles[2] = (struct ocsp_single){r.ids[2].whole, OCSP_UNKNOWN, 0, 0};
    template_key_id(TEMPLATE_SKI_SHA1, crypto_key_pub(key), key_hash);
    struct ocsp_response_spec spec = {
        .singles = singles,
        .count = 3,
        .responder_key_hash = RS_BYTES(key_hash),
        .produced_at = 1700000100,
        .this_update = 1700000100,
        .next_update = 1700000200,
        .nonce = r.nonce,
        .sig_alg = CRYPTO_ECDSA_SHA256,
    };
    assert_int_equal(ocsp_response_data(&spec, room, sizeof(room), &tbs, NULL), RS_OK);
    assert_int_equal(crypto_sign(key, tbs, sig, sizeof(sig), &len, NULL), RS_OK);
    assert_int_equal(
        ocsp_response_put(&out, tbs, spec.sig_alg, rs_bytes_of(sig, len), help_bytes(&cert), NULL),
        RS_OK);
    p = out.p;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)out.len);
    assert_non_null(response);
    assert_true(p == out.p + out.len);
    assert_int_equal(OCSP_response_status(response), OCSP_RESPONSE_STATUS_SUCCESSFUL);
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    assert_int_equal(OCSP_check_nonce(req, basic), 1);
    check_basic(basic, x, id);
    assert_int_equal(OCSP_single_get0_status(OCSP_resp_get0(basic, 1), NULL, NULL, NULL, NULL),
                     V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(OCSP_single_get0_status(OCSP_resp_get0(basic, 2), NULL, NULL, NULL, NULL),
                     V_OCSP_CERTSTATUS_UNKNOWN);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(req);
    X509_free(x);
    crypto_key_free(key);
}

static void
errors_are_five_bytes(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&out, 100);
    ocsp_error_put(&out, OCSP_UNAUTHORIZED);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.p, "\x30\x03\x0a\x01\x06", 5);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_requests_that_are_not_ours_to_answer),
        cmocka_unit_test(refuses_nonces_that_are_too_short_or_too_long),
        cmocka_unit_test(refuses_paths_that_are_not_base64),
        cmocka_unit_test(says_when_there_is_no_room),
        cmocka_unit_test(our_requests_are_openssls),
        cmocka_unit_test(reads_openssls_requests_also_from_paths),
        cmocka_unit_test(skips_what_it_does_not_need),
        cmocka_unit_test(openssl_verifies_our_responses),
        cmocka_unit_test(errors_are_five_bytes),
    };

    return cmocka_run_group_tests_name("msg/ocsp", tests, NULL, NULL);
}
