/*
 * csr_test.c: requests that we build are read by our reader and hold; bad names are refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "client/csr.h"
#include "crypto/key.h"
#include "msg/csrattrs.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

struct fixture {
    struct crypto_key *key;
    struct client_csr ask;
    struct rs_buf out;
};

static int
set_up(void **state)
{
    static struct fixture f;
    struct rs_err err = {0};

    memset(&f, 0, sizeof(f));
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &f.key, &err), RS_OK);
    f.ask.spki = crypto_key_pub(f.key)->spki;
    f.ask.sig = CRYPTO_ECDSA_SHA256;
    rs_buf_init(&f.out, 16384);
    *state = &f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    crypto_key_free(f->key);
    rs_buf_done(&f->out);
    return 0;
}

static rs_code
build(struct fixture *f)
{
    struct rs_err err = {0};

    return client_csr_build(&f->ask, client_sign_with_key, f->key, &f->out, &err);
}

static void
refuses_a_request_for_nobody(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(build(f), RS_E_CSR_SUBJECT);
    f->ask.cn = "";
    f->ask.serial = "";
    assert_int_equal(build(f), RS_E_CSR_SUBJECT);
    assert_int_equal(f->out.len, 0);
}

static void
refuses_characters_that_a_serial_cannot_have(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"X2*1", "X2_1", "X2\n1", "X2\xc3\xa4", "a@b", "\""};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f->ask.serial = bad[i];
        assert_int_equal(build(f), RS_E_CSR_SUBJECT);
    }
    f->ask.serial = NULL;
    f->ask.cn = "with\ttab";
    assert_int_equal(build(f), RS_E_CSR_SUBJECT);
}

static void
refuses_names_that_are_too_long(void **state)
{
    struct fixture *f = *state;
    char name[NAME_VALUE_MAX + 2];

    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    f->ask.serial = name;
    assert_int_equal(build(f), RS_E_CSR_SUBJECT);
    name[NAME_VALUE_MAX] = '\0';
    assert_int_equal(build(f), RS_OK);
}

static void
refuses_a_subject_that_is_no_name(void **state)
{
    struct fixture *f = *state;

    f->ask.subject = rs_bytes_str("0\x02");
    assert_int_equal(build(f), RS_E_CSR_SUBJECT);
}

static rs_code
refuse_to_sign(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
               struct rs_err *err)
{
    (void)arg;
    (void)tbs;
    (void)sig;
    (void)cap;
    (void)ret_len;
    return rs_fail(err, RS_E_CHIP_FAULT, "no");
}

static void
hands_up_what_the_signer_says(void **state)
{
    struct fixture *f = *state;
    struct rs_err err = {0};

    f->ask.cn = "sz-1";
    assert_int_equal(client_csr_build(&f->ask, refuse_to_sign, NULL, &f->out, &err),
                     RS_E_CHIP_FAULT);
    assert_int_equal(f->out.len, 0);
}

static void
read_back(struct fixture *f, struct csr *csr)
{
    struct rs_err err = {0};

    assert_int_equal(build(f), RS_OK);
    assert_int_equal(csr_read(rs_buf_bytes(&f->out), csr, &err), RS_OK);
    assert_int_equal(csr_check_proof(csr, &err), RS_OK);
    assert_true(rs_bytes_equal(csr->spki, f->ask.spki));
}

static void
a_station_is_read_back(void **state)
{
    struct fixture *f = *state;
    struct csr csr;

    f->ask.cn = "sz-1";
    read_back(f, &csr);
    assert_true(rs_bytes_equal(name_find(csr.subject, oid_cn), rs_bytes_str("sz-1")));
    assert_int_equal(name_find(csr.subject, oid_serial_number).len, 0);
    assert_int_equal(csr.san_count, 0);
}

static void
a_board_is_read_back(void **state)
{
    static const uint8_t uid[9] = {1, 0x23, 4, 5, 6, 7, 8, 9, 0xee};
    struct fixture *f = *state;
    uint8_t type[16];
    size_t type_len;
    struct csr csr;

    assert_true(oid_read(rs_bytes_str("1.3.6.1.4.1.32473.7"), type, sizeof(type), &type_len));
    f->ask.serial = "X2-0048213";
    f->ask.hardware_type = rs_bytes_of(type, type_len);
    f->ask.chip_uid = RS_BYTES(uid);
    f->ask.dns[0] = "a.example";
    f->ask.dns[1] = "b.example";
    read_back(f, &csr);
    assert_true(
        rs_bytes_equal(name_find(csr.subject, oid_serial_number), rs_bytes_str("X2-0048213")));
    assert_int_equal(csr.san_count, 3);
    assert_int_equal(csr.sans[0].kind, SAN_HARDWARE);
    assert_true(rs_bytes_equal(csr.sans[0].value, RS_BYTES(uid)));
    assert_true(rs_bytes_equal(csr.sans[0].type, f->ask.hardware_type));
    assert_int_equal(csr.sans[1].kind, SAN_DNS);
    assert_true(rs_bytes_equal(csr.sans[2].value, rs_bytes_str("b.example")));
    assert_false(csr.asks_ca);
}

static void
a_given_subject_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct csr first, second;
    uint8_t copy[256];
    size_t len;

    f->ask.cn = "sz-1";
    f->ask.serial = "7";
    read_back(f, &first);
    len = first.subject.len;
    memcpy(copy, first.subject.p, len);
    rs_buf_reset(&f->out);
    f->ask.cn = f->ask.serial = NULL;
    f->ask.subject = rs_bytes_of(copy, len);
    read_back(f, &second);
    assert_true(rs_bytes_equal(second.subject, rs_bytes_of(copy, len)));
}

static void
one_changed_bit_breaks_the_proof(void **state)
{
    struct fixture *f = *state;
    struct rs_err err = {0};
    struct csr csr;

    f->ask.cn = "sz-1";
    assert_int_equal(build(f), RS_OK);
    assert_int_equal(csr_read(rs_buf_bytes(&f->out), &csr, &err), RS_OK);
    f->out.p[csr.subject.p - f->out.p + (ptrdiff_t)csr.subject.len - 1] ^= 1;
    assert_int_equal(csr_check_proof(&csr, &err), RS_E_KEY_PROOF);
}

/* ---- What a server wants ---------------------------------------------------------------- */

static rs_code
follow(struct fixture *f, const struct csrattrs *wanted)
{
    static struct rs_arena arena; /* what was written is used until the next call */
    struct rs_err err = {0};

    rs_arena_done(&arena);
    rs_arena_init(&arena, 65536);
    return client_csr_follow(&f->ask, wanted, &arena, &err);
}

static void
does_not_follow_what_it_cannot_keep(void **state)
{
    struct fixture *f = *state;
    struct csrattrs w = {0};

    assert_int_equal(follow(f, &w), RS_E_CSR_SUBJECT); /* names nobody */
    f->ask.cn = "X-1";
    w.key = oid_ec_public_key;
    w.curve = oid_p384;
    assert_int_equal(follow(f, &w), RS_E_KEY_WEAK);
    w.key = oid_rsa_encryption;
    w.curve = (struct rs_bytes){NULL, 0};
    assert_int_equal(follow(f, &w), RS_E_KEY_WEAK);
    w = (struct csrattrs){.rdn_count = 1, .rdns = {{.oid = oid_ou}}};
    assert_int_equal(follow(f, &w), RS_E_CSR_SUBJECT); /* a part that we do not know */
    w = (struct csrattrs){.rdn_count = 1, .rdns = {{.oid = oid_serial_number}}};
    assert_int_equal(follow(f, &w), RS_E_CSR_SUBJECT);
    w = (struct csrattrs){.rdn_count = 1, .rdns = {{oid_o, DER_UTF8_STRING, rs_bytes_str("a\nb")}}};
    assert_int_equal(follow(f, &w), RS_E_CSR_SUBJECT);
    w = (struct csrattrs){.extension_count = 1, .extensions = {{.oid = oid_eku}}};
    assert_int_equal(follow(f, &w), RS_E_CSR_EXTENSION);
}

static void
follows_to_the_letter(void **state)
{
    static const uint8_t usage[] = {0x03, 0x02, 0x07, 0x80};
    struct fixture *f = *state;
    struct csrattrs w = {
        .key = oid_ec_public_key,
        .curve = oid_p256,
        .rdn_count = 3,
        .rdns = {{oid_o, DER_UTF8_STRING, rs_bytes_str("Acme")},
                 {.oid = oid_serial_number},
                 {.oid = oid_cn}},
        .extension_count = 2,
        .extensions = {
            {.oid = oid_key_usage, .critical = 1, .has_value = 1, .value = RS_BYTES(usage)},
            {.oid = oid_san}}};
    struct csr csr;
    char text[NAME_TEXT_MAX];

    f->ask.serial = "X-1";
    f->ask.dns[0] = "a.example";
    f->ask.challenge = rs_bytes_str("a-binding");
    assert_int_equal(follow(f, &w), RS_OK);
    read_back(f, &csr);
    name_text(csr.subject, text, sizeof(text));
    assert_string_equal(text, "CN=X-1,serialNumber=X-1,O=Acme");
    assert_int_equal(csr.san_count, 1);
    assert_true(rs_bytes_equal(csr.challenge, rs_bytes_str("a-binding")));
    assert_non_null(memmem(f->out.p, f->out.len, usage, sizeof(usage)));
}

/* A renewal keeps its subject, whatever the server wants. */
static void
keeps_a_given_subject(void **state)
{
    static const uint8_t name[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                   0x55, 0x04, 0x03, 0x0c, 0x02, 'm',  'e'};
    struct fixture *f = *state;
    struct csrattrs w = {.rdn_count = 1, .rdns = {{oid_o, DER_UTF8_STRING, rs_bytes_str("Acme")}}};

    f->ask.subject = RS_BYTES(name);
    assert_int_equal(follow(f, &w), RS_OK);
    assert_true(rs_bytes_equal(f->ask.subject, RS_BYTES(name)));
}

/* ---- Evidence of a TPM --------------------------------------------------------------------- */

/* A request with these attributes, as they are. */
static rs_code
read_with(struct fixture *f, struct rs_bytes attributes, struct csr *csr)
{
    uint8_t room[2048], sig[CRYPTO_SIGNATURE_MAX];
    struct der_out o;
    size_t mark, len = 0;

    der_out_init(&o, room, sizeof(room));
    mark = der_mark(&o);
    der_put(&o, attributes);
    der_put_header(&o, DER_CONTEXT(0), mark);
    der_put(&o, f->ask.spki);
    der_put_element(&o, DER_SEQUENCE, rs_bytes_of(NULL, 0));
    der_put_small(&o, 0);
    der_put_header(&o, DER_SEQUENCE, mark);
    assert_true(der_out_ok(&o));
    assert_int_equal(crypto_sign(f->key, der_out_bytes(&o), sig, sizeof(sig), &len, NULL), RS_OK);
    rs_buf_reset(&f->out);
    assert_int_equal(
        x509_assemble(der_out_bytes(&o), f->ask.sig, rs_bytes_of(sig, len), &f->out, NULL), RS_OK);
    return csr_read(rs_buf_bytes(&f->out), csr, NULL);
}

/* What is varied of an attestation attribute. */
struct bundle {
    struct rs_bytes type, statement;
    unsigned tag;
    int statements, values, attributes, more;
};

static struct rs_bytes
put_bundle(const struct bundle *b, uint8_t *room, size_t cap)
{
    struct der_out o;

    der_out_init(&o, room, cap);
    for (int a = 0; a < b->attributes; a++) {
        size_t attribute = der_mark(&o);
        for (int v = 0; v < b->values; v++) {
            size_t value = der_mark(&o), list;
            if (b->more)
                der_put_small(&o, 1);
            list = der_mark(&o);
            for (int i = 0; i < b->statements; i++) {
                size_t one = der_mark(&o);
                der_put_element(&o, b->tag, b->statement);
                der_put_element(&o, DER_OID, b->type);
                der_put_header(&o, DER_SEQUENCE, one);
            }
            der_put_header(&o, DER_SEQUENCE, list);
            der_put_header(&o, DER_SEQUENCE, value);
        }
        der_put_header(&o, DER_SET, attribute);
        der_put_element(&o, DER_OID, oid_attestation);
        der_put_header(&o, DER_SEQUENCE, attribute);
    }
    assert_true(der_out_ok(&o));
    return der_out_bytes(&o);
}

static void
refuses_evidence_that_is_malformed(void **state)
{
    const struct bundle good = {
        oid_tpm_certify, rs_bytes_str("said"), DER_OCTET_STRING, 1, 1, 1, 0};
    struct bundle bad[7];
    uint8_t room[1024];
    struct csr csr;

    for (size_t i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].statements = 2;
    bad[1].statements = 0;
    bad[2].values = 2;
    bad[3].values = 0;
    bad[4].attributes = 2;
    bad[5].more = 1;
    bad[6].statement.len = 0;
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(read_with(*state, put_bundle(&bad[i], room, sizeof(room)), &csr),
                         RS_E_CSR_FORMAT);
    bad[0] = good;
    bad[0].tag = DER_UTF8_STRING;
    assert_int_equal(read_with(*state, put_bundle(&bad[0], room, sizeof(room)), &csr),
                     RS_E_CSR_FORMAT);
    assert_int_equal(read_with(*state, put_bundle(&good, room, sizeof(room)), &csr), RS_OK);
    assert_true(rs_bytes_equal(csr.evidence, good.statement));
    /* Of a kind that nobody here can check: as good as none. */
    bad[0] = good;
    bad[0].type = oid_cn;
    assert_int_equal(read_with(*state, put_bundle(&bad[0], room, sizeof(room)), &csr), RS_OK);
    assert_int_equal(csr.evidence.len, 0);
}

static void
evidence_comes_through(void **state)
{
    struct fixture *f = *state;
    static uint8_t said[CSR_EVIDENCE_MAX + 1];
    struct csr csr;

    f->ask.serial = "X2-1";
    f->ask.dns[0] = "a.example";
    f->ask.evidence = rs_bytes_of(said, CSR_EVIDENCE_MAX);
    assert_int_equal(build(f), RS_OK);
    assert_int_equal(csr_read(rs_buf_bytes(&f->out), &csr, NULL), RS_OK);
    assert_int_equal(csr_check_proof(&csr, NULL), RS_OK);
    assert_true(rs_bytes_equal(csr.evidence, f->ask.evidence));
    assert_int_equal(csr.san_count, 1);
    f->ask.evidence.len++;
    rs_buf_reset(&f->out);
    assert_int_equal(build(f), RS_OK);
    assert_int_equal(csr_read(rs_buf_bytes(&f->out), &csr, NULL), RS_E_CSR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_a_request_for_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_characters_that_a_serial_cannot_have, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(refuses_names_that_are_too_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_subject_that_is_no_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hands_up_what_the_signer_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_station_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_board_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_given_subject_stays_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_changed_bit_breaks_the_proof, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_follow_what_it_cannot_keep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(follows_to_the_letter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keeps_a_given_subject, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_evidence_that_is_malformed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evidence_comes_through, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
