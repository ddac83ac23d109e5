/*
 * crl_test.c: revocation lists, written by us, read by us and by OpenSSL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509_help.h"

#include "x509/crl.h"

static const uint8_t issuer[] = "\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01"
                                "a";
static const uint8_t key_id[20] = {1, 2, 3};

static const uint8_t serials[3][20] = {{0x01}, {0x80, 1}, {0x7f, 0xff}};
static const size_t serial_lens[3] = {1, 2, 20};
static const uint8_t reasons[3] = {CRL_UNSPECIFIED, CRL_KEY_COMPROMISE, CRL_CESSATION};

static void
entry(void *arg, size_t i, struct crl_entry *ret_entry)
{
    (void)arg;
    ret_entry->serial = rs_bytes_of(serials[i % 3], serial_lens[i % 3]);
    ret_entry->revoked_at = 1700000000 + (int64_t)i;
    ret_entry->reason = reasons[i % 3];
}

static struct crl_spec
spec_of(size_t count)
{
    return (struct crl_spec){
        .sig_alg = CRYPTO_ECDSA_SHA256,
        .issuer_name = rs_bytes_of(issuer, sizeof(issuer) - 1),
        .issuer_key_id = RS_BYTES(key_id),
        .this_update = 1700000000,
        .next_update = 1700086400,
        .number = 300,
        .entry_count = count,
        .entry = entry,
    };
}

static void
make(const struct crypto_key *key, size_t count, struct help_der *ret)
{
    struct crl_spec spec = spec_of(count);
    uint8_t *room = malloc(crl_capacity(&spec)), sig[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes tbs;
    struct rs_buf out;
    size_t len;

    assert_non_null(room);
    assert_int_equal(crl_build(&spec, room, crl_capacity(&spec), &tbs, NULL), RS_OK);
    assert_int_equal(crypto_sign(key, tbs, sig, sizeof(sig), &len, NULL), RS_OK);
    rs_buf_init_fixed(&out, ret->p, sizeof(ret->p));
    assert_int_equal(x509_assemble(tbs, spec.sig_alg, rs_bytes_of(sig, len), &out, NULL), RS_OK);
    ret->len = out.len;
    free(room);
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_every_truncation(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct help_der der;
    struct crl crl;

    (void)state;
    make(key, 3, &der);
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *cut = help_exact(rs_bytes_of(der.p, len));
        assert_int_equal(crl_read(rs_bytes_of(cut, len), &crl, NULL), RS_E_REQUEST_FORMAT);
        free(cut);
    }
    der.p[der.len] = 0;
    der.len++;
    assert_int_equal(crl_read(help_bytes(&der), &crl, NULL), RS_E_REQUEST_FORMAT);
    crypto_key_free(key);
}

/* Damage anywhere is refused, or seen by the signature: never a shorter list. */
static void
damage_hides_no_entry(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct help_der der;
    struct crl crl;

    (void)state;
    make(key, 3, &der);
    for (size_t i = 0; i < der.len; i++) {
        struct crl_entry e;
        size_t count = 0;
        der.p[i] ^= 0x20;
        if (crl_read(help_bytes(&der), &crl, NULL) == RS_OK) {
            struct rs_bytes rest = crl.entries;
            while (crl_next(&rest, &e))
                count++;
            assert_int_equal(rest.len, 0);
            assert_int_not_equal(
                crypto_verify(crypto_key_pub(key), crl.sig_alg, crl.tbs, crl.signature, NULL),
                RS_OK);
        }
        der.p[i] ^= 0x20;
        (void)count;
    }
    crypto_key_free(key);
}

static void
says_when_the_room_is_too_small(void **state)
{
    struct crl_spec spec = spec_of(3);
    uint8_t room[64];
    struct rs_bytes tbs = {NULL, 7};
    struct rs_err err = {0};

    (void)state;
    assert_int_equal(crl_build(&spec, room, sizeof(room), &tbs, &err), RS_E_NO_MEMORY);
    assert_int_equal(tbs.len, 7);
}

/* ---- What works ---------------------------------------------------------------------- */

static void
openssl_reads_what_we_write(void **state)
{
    static const int nids[3] = {-1, CRL_REASON_KEY_COMPROMISE, CRL_REASON_CESSATION_OF_OPERATION};
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct help_der der;

    (void)state;
    make(key, 100, &der);
    const uint8_t *p = der.p;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, crypto_key_evp(key)), 1);
    assert_int_equal(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
    STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
    assert_int_equal(sk_X509_REVOKED_num(list), 100);
    for (int i = 0; i < 3; i++) {
        X509_REVOKED *r = sk_X509_REVOKED_value(list, i);
        ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
        BIGNUM *n = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(r), NULL);
        BIGNUM *want = BN_bin2bn(serials[i], (int)serial_lens[i], NULL);
        time_t at = 1700000000 + i;
        assert_int_equal(BN_cmp(n, want), 0);
        assert_int_equal(ASN1_TIME_cmp_time_t(X509_REVOKED_get0_revocationDate(r), at), 0);
        assert_int_equal(reason == NULL ? -1 : ASN1_ENUMERATED_get(reason), nids[i]);
        ASN1_ENUMERATED_free(reason);
        BN_free(n);
        BN_free(want);
    }
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    assert_int_equal(ASN1_INTEGER_get(number), 300);
    AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    assert_memory_equal(ASN1_STRING_get0_data(aki->keyid), key_id, 20);
    AUTHORITY_KEYID_free(aki);
    ASN1_INTEGER_free(number);
    X509_CRL_free(crl);
    crypto_key_free(key);
}

static void
we_read_what_we_write(void **state)
{
    struct crypto_key *key = help_key(CRYPTO_P256);
    struct help_der der;

    (void)state;
    for (size_t count = 0; count <= 4; count++) {
        struct crl crl;
        struct crl_entry e, want;
        size_t n = 0;
        make(key, count, &der);
        assert_int_equal(crl_read(help_bytes(&der), &crl, NULL), RS_OK);
        assert_int_equal(crl.number, 300);
        assert_true(crl.this_update == 1700000000 && crl.next_update == 1700086400);
        assert_true(rs_bytes_equal(crl.issuer, rs_bytes_of(issuer, sizeof(issuer) - 1)));
        assert_int_equal(
            crypto_verify(crypto_key_pub(key), crl.sig_alg, crl.tbs, crl.signature, NULL), RS_OK);
        assert_int_equal(crl.entries.len == 0, count == 0); /* RFC 5280 5.1.2.6 */
        while (crl_next(&crl.entries, &e)) {
            entry(NULL, n++, &want);
            assert_true(rs_bytes_equal(e.serial, want.serial));
            assert_true(e.revoked_at == want.revoked_at && e.reason == want.reason);
        }
        assert_int_equal(n, count);
    }
    crypto_key_free(key);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(damage_hides_no_entry),
        cmocka_unit_test(says_when_the_room_is_too_small),
        cmocka_unit_test(openssl_reads_what_we_write),
        cmocka_unit_test(we_read_what_we_write),
    };

    return cmocka_run_group_tests_name("x509/crl", tests, NULL, NULL);
}
