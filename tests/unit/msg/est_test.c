/*
 * est_test.c: bodies of EST and certs-only messages.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include <openssl/pkcs7.h>

#include "msg/est.h"

static rs_code
read_body(const char *text, size_t len, struct rs_buf *out)
{
    uint8_t *exact = help_exact(rs_bytes_of(text, len));
    rs_code rc;

    rs_buf_reset(out);
    rc = est_body_read(rs_bytes_of(exact, len), out, NULL);
    free(exact);
    return rc;
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_bodies_that_are_not_base64(void **state)
{
    static const char *const cases[] = {"",
                                        " \r\n",
                                        "A",
                                        "AQ",
                                        "AQI",
                                        "AQ=",
                                        "AQID!",
                                        "AQ==AQ==",
                                        "-----BEGIN X-----\nA\n-----END X-----\n",
                                        "-----BEGIN X-----AQID-----END X-----",
                                        "-----BEGIN X-----\nAQID\n",
                                        "-----BEGIN X-----\n\n-----END X-----\n"};
    static char big[EST_BODY_MAX + 1];
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&out, EST_BODY_MAX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (read_body(cases[i], strlen(cases[i]), &out) != RS_E_REQUEST_FORMAT)
            fail_msg("accepted: %s", cases[i]);
    }
    assert_int_equal(read_body("AQ\0D", 4, &out), RS_E_REQUEST_FORMAT);
    memset(big, 'A', sizeof(big));
    assert_int_equal(read_body(big, sizeof(big), &out), RS_E_REQUEST_TOO_LARGE);
}

static void
refuses_truncated_and_changed_messages(void **state)
{
    struct rs_bytes certs[3], in[2];
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct help_der cert;
    size_t count = 9;

    (void)state;
    rs_buf_init(&der, 65536);
    help_root(key, &cert);
    in[0] = in[1] = help_bytes(&cert);
    assert_int_equal(est_certs_only_put(&der, in, 2, NULL), RS_OK);
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *cut = help_exact(rs_bytes_of(der.p, len));
        assert_int_equal(est_certs_only_read(rs_bytes_of(cut, len), certs, 3, &count, NULL),
                         RS_E_REQUEST_FORMAT);
        free(cut);
    }
    assert_int_equal(est_certs_only_read(rs_buf_bytes(&der), certs, 1, &count, NULL),
                     RS_E_REQUEST_FORMAT); /* more than there is room for */
    assert_int_equal(count, 9);
    assert_int_equal(est_certs_only_read(rs_buf_bytes(&der), certs, 3, &count, NULL), RS_OK);
    assert_int_equal(count, 2);
    rs_buf_put_u8(&der, 0);
    assert_int_equal(est_certs_only_read(rs_buf_bytes(&der), certs, 3, &count, NULL),
                     RS_E_REQUEST_FORMAT); /* trailing */
    der.len--;
    der.p[14] ^= 1; /* contentType */
    assert_int_equal(est_certs_only_read(rs_buf_bytes(&der), certs, 3, &count, NULL),
                     RS_E_REQUEST_FORMAT);
    rs_buf_reset(&der);
    assert_int_equal(est_certs_only_put(&der, in, 0, NULL), RS_OK);
    assert_int_equal(est_certs_only_read(rs_buf_bytes(&der), certs, 3, &count, NULL),
                     RS_E_REQUEST_FORMAT); /* no certificate */
    crypto_key_free(key);
}

static void
says_when_there_is_no_room(void **state)
{
    struct rs_bytes one = rs_bytes_of("\x30\x00", 2);
    struct rs_buf out;
    uint8_t room[8];

    (void)state;
    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(est_certs_only_put(&out, &one, 1, NULL), RS_E_NO_MEMORY);
}

/* ---- What works ---------------------------------------------------------------------- */

/* RFC 8951 3: clients send it with and without lines, some in armour. */
static void
reads_every_dress(void **state)
{
    static const char *const cases[] = {
        "AQIDBA==",
        "AQIDBA==\n",
        "AQID\r\nBA==\r\n",
        " A Q I D B A = = ",
        "-----BEGIN CERTIFICATE REQUEST-----\nAQIDBA==\n-----END CERTIFICATE REQUEST-----\n",
        "text before\r\n-----BEGIN NEW CERTIFICATE REQUEST-----\r\nAQID\r\nBA==\r\n-----END X-----",
    };
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&out, 100);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_body(cases[i], strlen(cases[i]), &out), RS_OK);
        assert_int_equal(out.len, 4);
        assert_memory_equal(out.p, "\x01\x02\x03\x04", 4);
    }
}

static void
bodies_come_back(void **state)
{
    uint8_t data[200];
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    rs_buf_init(&text, 1000);
    rs_buf_init(&out, 1000);
    for (size_t len = 1; len <= sizeof(data); len++) {
        data[len - 1] = (uint8_t)(len * 31);
        for (int lines = 0; lines < 2; lines++) {
            rs_buf_reset(&text);
            rs_buf_reset(&out);
            est_body_put(&text, rs_bytes_of(data, len), lines);
            assert_int_equal(memchr(text.p, '\n', text.len) != NULL, lines);
            assert_int_equal(text.p[text.len - 1] == '\n', lines);
            assert_int_equal(est_body_read(rs_buf_bytes(&text), &out, NULL), RS_OK);
            assert_true(rs_bytes_equal(rs_buf_bytes(&out), rs_bytes_of(data, len)));
        }
    }
}

static void
openssl_reads_our_certs_only_and_we_read_its(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    struct help_der cert, other = {.len = 0};
    struct rs_bytes in[2], certs[2];
    size_t count;

    (void)state;
    rs_buf_init(&der, 65536);
    help_root(key, &cert);
    in[0] = in[1] = help_bytes(&cert);
    assert_int_equal(est_certs_only_put(&der, in, 2, NULL), RS_OK);
    const uint8_t *p = der.p;
    PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)der.len);
    assert_non_null(p7);
    assert_true(p == der.p + der.len && PKCS7_type_is_signed(p7));
    assert_int_equal(sk_X509_num(p7->d.sign->cert), 2);
    assert_int_equal(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
    uint8_t *to = other.p;
    other.len = (size_t)i2d_PKCS7(p7, &to);
    assert_int_equal(est_certs_only_read(help_bytes(&other), certs, 2, &count, NULL), RS_OK);
    assert_int_equal(count, 2);
    assert_true(rs_bytes_equal(certs[1], in[1]));
    PKCS7_free(p7);
    crypto_key_free(key);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_bodies_that_are_not_base64),
        cmocka_unit_test(refuses_truncated_and_changed_messages),
        cmocka_unit_test(says_when_there_is_no_room),
        cmocka_unit_test(reads_every_dress),
        cmocka_unit_test(bodies_come_back),
        cmocka_unit_test(openssl_reads_our_certs_only_and_we_read_its),
    };

    return cmocka_run_group_tests_name("msg/est", tests, NULL, NULL);
}
