/*
 * pub_test.c: public keys from outside: what is refused, and verifying.
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
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/key.h"

struct spki {
    uint8_t p[4096];
    size_t len;
};

static struct rs_bytes
bytes(const struct spki *s)
{
    return rs_bytes_of(s->p, s->len);
}

static rs_code
try_read(const struct spki *s, const char *rule)
{
    struct crypto_pub pub;
    struct rs_err err = {0};
    rs_code rc = crypto_pub_read(bytes(s), &pub, &err);

    if (rule != NULL && strstr(err.text, rule) == NULL)
        fail_msg("\"%s\" does not name \"%s\"", err.text, rule);
    return rc;
}

static void
take_evp(EVP_PKEY *key, struct spki *ret)
{
    uint8_t *p = ret->p;

    assert_non_null(key);
    ret->len = (size_t)i2d_PUBKEY(key, NULL);
    assert_true(ret->len <= sizeof(ret->p));
    (void)i2d_PUBKEY(key, &p);
    EVP_PKEY_free(key);
}

/* RSA SubjectPublicKeyInfo from two numbers, whatever they are. */
static void
take_rsa(const BIGNUM *n, unsigned long e, struct spki *ret)
{
    static const uint8_t id[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    uint8_t body[2048], number[1024];
    size_t len = 0, n_len = (size_t)BN_num_bytes(n);
    int pad = BN_num_bits(n) % 8 == 0;

    (void)BN_bn2bin(n, number + 1);
    number[0] = 0;
    body[len++] = 0x02;
    body[len++] = 0x82;
    body[len++] = (uint8_t)((n_len + (size_t)pad) >> 8);
    body[len++] = (uint8_t)(n_len + (size_t)pad);
    memcpy(body + len, number + !pad, n_len + (size_t)pad);
    len += n_len + (size_t)pad;
    body[len++] = 0x02;
    body[len++] = e > 255 ? 3 : 1;
    if (e > 255) {
        body[len++] = (uint8_t)(e >> 16);
        body[len++] = (uint8_t)(e >> 8);
    }
    body[len++] = (uint8_t)e;
    uint8_t head[] = {0x30, 0x82, (uint8_t)((len + 24) >> 8), (uint8_t)(len + 24)};
    uint8_t bits[] = {0x03, 0x82, (uint8_t)((len + 5) >> 8), (uint8_t)(len + 5), 0,
                      0x30, 0x82, (uint8_t)(len >> 8),       (uint8_t)len};
    memcpy(ret->p, head, 4);
    memcpy(ret->p + 4, id, 15);
    memcpy(ret->p + 19, bits, 9);
    memcpy(ret->p + 28, body, len);
    ret->len = 28 + len;
}

/* ---- Refusals: elliptic curves --------------------------------------------------------- */

static void
refuses_other_curves_and_forms(void **state)
{
    struct spki s;
    EVP_PKEY *key;

    (void)state;
    take_evp(EVP_EC_gen("secp256k1"), &s);
    assert_int_equal(try_read(&s, "allow list"), RS_E_KEY_WEAK);
    take_evp(EVP_EC_gen("P-224"), &s);
    assert_int_equal(try_read(&s, "allow list"), RS_E_KEY_WEAK);
    take_evp(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), &s);
    assert_int_equal(try_read(&s, "allow list"), RS_E_KEY_WEAK);
    take_evp(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), &s);
    assert_int_equal(try_read(&s, "allow list"), RS_E_KEY_WEAK);
    key = EVP_EC_gen("P-256"); /* explicit parameters instead of the curve's name */
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit"), 1);
    take_evp(key, &s);
    assert_int_equal(try_read(&s, "allow list"), RS_E_KEY_WEAK);
    key = EVP_EC_gen("P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed"), 1);
    take_evp(key, &s);
    assert_int_equal(try_read(&s, NULL), RS_E_KEY_WEAK);
}

static void
refuses_points_off_the_curve(void **state)
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    struct spki s;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        take_evp(EVP_EC_gen(curves[i]), &s);
        assert_int_equal(try_read(&s, NULL), RS_OK);
        s.p[s.len - 1] ^= 1;
        assert_int_equal(try_read(&s, "not on its curve"), RS_E_KEY_WEAK);
        s.p[s.len - 1] ^= 1;
        size_t point = i == 0 ? 65 : i == 1 ? 97 : 133;
        s.p[s.len - point] = 0x06; /* hybrid form */
        assert_int_equal(try_read(&s, "uncompressed"), RS_E_KEY_WEAK);
        s.p[s.len - point] = 0x04;
        memset(s.p + s.len - point + 1, 0, point - 1); /* (0, 0) */
        assert_int_equal(try_read(&s, "not on its curve"), RS_E_KEY_WEAK);
        memset(s.p + s.len - point + 1, 0xff, point - 1); /* above the prime */
        assert_int_equal(try_read(&s, "not on its curve"), RS_E_KEY_WEAK);
    }
}

static void
refuses_every_truncation(void **state)
{
    struct spki s;

    (void)state;
    for (int rsa = 0; rsa < 2; rsa++) {
        take_evp(rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), &s);
        for (size_t len = 0; len < s.len; len++) {
            struct crypto_pub pub;
            uint8_t *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut, s.p, len);
            assert_int_not_equal(crypto_pub_read(rs_bytes_of(cut, len), &pub, NULL), RS_OK);
            free(cut);
        }
        s.p[s.len++] = 0;
        assert_int_not_equal(try_read(&s, NULL), RS_OK);
    }
}

/* ---- Refusals: RSA (TM-441) --------------------------------------------------------------- */

static void
refuses_small_and_odd_rsa(void **state)
{
    static const unsigned bits[] = {2047, 2049, 2056, 4104};
    struct spki s;
    BIGNUM *n = BN_new(), *p = BN_new(), *q = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    (void)state;
    take_evp(EVP_RSA_gen(1024), &s);
    assert_int_equal(try_read(&s, "2048, 3072 or 4096"), RS_E_KEY_WEAK);
    for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        assert_int_equal(BN_rand(n, (int)bits[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
        take_rsa(n, 65537, &s);
        assert_int_equal(try_read(&s, "2048, 3072 or 4096"), RS_E_KEY_WEAK);
    }
    assert_int_equal(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL), 1);
    do
        assert_int_equal(BN_generate_prime_ex(q, 1024, 0, NULL, NULL, NULL), 1);
    while (!BN_mul(n, p, q, ctx) || BN_num_bits(n) != 2048);
    take_rsa(n, 65537, &s);
    assert_int_equal(try_read(&s, NULL), RS_OK);
    take_rsa(n, 3, &s);
    assert_int_equal(try_read(&s, "65537"), RS_E_KEY_WEAK);
    take_rsa(n, 0x10003, &s);
    assert_int_equal(try_read(&s, "65537"), RS_E_KEY_WEAK);
    assert_int_equal(BN_add_word(n, 1), 1); /* even */
    take_rsa(n, 65537, &s);
    assert_int_equal(try_read(&s, "factor"), RS_E_KEY_WEAK);
    BN_free(n);
    BN_free(p);
    BN_free(q);
    BN_CTX_free(ctx);
}

static void
refuses_small_factors_and_close_primes(void **state)
{
    static const unsigned factors[] = {3, 5, 733, 751};
    struct spki s;
    BIGNUM *n = BN_new(), *p = BN_new(), *q = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    (void)state;
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        do
            assert_true(BN_rand(n, 2040, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) &&
                        BN_mul_word(n, factors[i]) && BN_lshift(n, n, 0));
        while (0);
        while (BN_num_bits(n) < 2048)
            assert_int_equal(BN_mul_word(n, 3), 1);
        if (BN_num_bits(n) != 2048)
            continue;
        take_rsa(n, 65537, &s);
        assert_int_equal(try_read(&s, "factor"), RS_E_KEY_WEAK);
    }
    assert_int_equal(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL), 1);
    assert_int_equal(BN_sqr(n, p, ctx), 1); /* both primes the same */
    if (BN_num_bits(n) == 2048) {
        take_rsa(n, 65537, &s);
        assert_int_equal(try_read(&s, "Fermat"), RS_E_KEY_WEAK);
    }
    do { /* the next prime after p */
        assert_int_equal(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL), 1);
        assert_non_null(BN_copy(q, p));
        do
            assert_int_equal(BN_add_word(q, 2), 1);
        while (BN_check_prime(q, ctx, NULL) != 1);
        assert_int_equal(BN_mul(n, p, q, ctx), 1);
    } while (BN_num_bits(n) != 2048);
    take_rsa(n, 65537, &s);
    assert_int_equal(try_read(&s, "Fermat"), RS_E_KEY_WEAK);
    BN_free(n);
    BN_free(p);
    BN_free(q);
    BN_CTX_free(ctx);
}

/* A prime of the ROCA generator: k * M + (65537^a mod M), M the product of the first primes. */
static void
roca_prime(BIGNUM *ret, const BIGNUM *m, BN_CTX *ctx)
{
    BIGNUM *a = BN_new(), *k = BN_new(), *f4 = BN_new();

    assert_int_equal(BN_set_word(f4, 65537), 1);
    do {
        assert_int_equal(BN_rand(a, 64, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
        assert_int_equal(BN_mod_exp(ret, f4, a, m, ctx), 1);
        assert_int_equal(BN_rand(k, 1024 - BN_num_bits(m) + 1, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY),
                         1);
        assert_int_equal(BN_mul(k, k, m, ctx), 1);
        assert_int_equal(BN_add(ret, ret, k), 1);
    } while (BN_num_bits(ret) != 1024 || BN_check_prime(ret, ctx, NULL) != 1);
    BN_free(a);
    BN_free(k);
    BN_free(f4);
}

static void
refuses_the_roca_pattern(void **state)
{
    static const unsigned primes[] = {
        2,  3,  5,  7,  11, 13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67, 71,
        73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
    struct spki s;
    BIGNUM *n = BN_new(), *p = BN_new(), *q = BN_new(), *m = BN_new();
    BN_CTX *ctx = BN_CTX_new();

    (void)state;
    assert_int_equal(BN_one(m), 1);
    for (size_t i = 0; i < sizeof(primes) / sizeof(primes[0]); i++)
        assert_int_equal(BN_mul_word(m, primes[i]), 1);
    do {
        roca_prime(p, m, ctx);
        roca_prime(q, m, ctx);
        assert_int_equal(BN_mul(n, p, q, ctx), 1);
    } while (BN_num_bits(n) != 2048);
    take_rsa(n, 65537, &s);
    assert_int_equal(try_read(&s, "ROCA"), RS_E_KEY_WEAK);
    BN_free(n);
    BN_free(p);
    BN_free(q);
    BN_free(m);
    BN_CTX_free(ctx);
}

/* ---- What works ------------------------------------------------------------------------------ */

static const enum crypto_alg all_algs[] = {CRYPTO_P256,    CRYPTO_P384,    CRYPTO_P521,
                                           CRYPTO_ED25519, CRYPTO_RSA2048, CRYPTO_RSA3072};

static void
tampered_signatures_are_refused_and_right_ones_not(void **state)
{
    static const uint8_t text[] = "what is signed";
    struct rs_bytes message = rs_bytes_of(text, 14);

    (void)state;
    for (size_t i = 0; i < sizeof(all_algs) / sizeof(all_algs[0]); i++) {
        struct crypto_key *key;
        uint8_t sig[CRYPTO_SIGNATURE_MAX];
        size_t len;
        enum crypto_sig alg = crypto_sig_for(all_algs[i]);
        assert_int_equal(crypto_key_generate(all_algs[i], &key, NULL), RS_OK);
        const struct crypto_pub *pub = crypto_key_pub(key);
        assert_int_equal(crypto_sign(key, message, sig, sizeof(sig), &len, NULL), RS_OK);
        assert_int_equal(crypto_verify(pub, alg, message, rs_bytes_of(sig, len), NULL), RS_OK);
        for (size_t k = 0; k < len; k++) {
            sig[k] ^= 1;
            assert_int_equal(crypto_verify(pub, alg, message, rs_bytes_of(sig, len), NULL),
                             RS_E_KEY_PROOF);
            sig[k] ^= 1;
        }
        assert_int_equal(crypto_verify(pub, alg, message, rs_bytes_of(sig, len - 1), NULL),
                         RS_E_KEY_PROOF);
        assert_int_equal(crypto_verify(pub, alg, message, rs_bytes_of(sig, 0), NULL),
                         RS_E_KEY_PROOF);
        assert_int_equal(
            crypto_verify(pub, alg, rs_bytes_of(text, 13), rs_bytes_of(sig, len), NULL),
            RS_E_KEY_PROOF);
        enum crypto_sig wrong =
            alg == CRYPTO_ED25519_SIG ? CRYPTO_ECDSA_SHA256 : CRYPTO_ED25519_SIG;
        assert_int_equal(crypto_verify(pub, wrong, message, rs_bytes_of(sig, len), NULL),
                         RS_E_KEY_PROOF);
        assert_int_equal(crypto_verify(pub, alg, message, rs_bytes_of(sig, len), NULL), RS_OK);
        crypto_key_free(key);
    }
}

static void
names_and_identifiers_go_both_ways(void **state)
{
    enum crypto_alg alg = CRYPTO_P256;
    enum crypto_sig sig = CRYPTO_RSA_SHA512;

    (void)state;
    for (size_t i = 0; i < sizeof(all_algs) / sizeof(all_algs[0]); i++) {
        assert_int_equal(crypto_alg_find(crypto_alg_name(all_algs[i]), &alg), 1);
        assert_int_equal(alg, all_algs[i]);
    }
    assert_int_equal(crypto_alg_find("p224", &alg), 0);
    assert_string_equal(crypto_alg_name((enum crypto_alg)99), "unknown");
    for (int s = CRYPTO_ECDSA_SHA256; s <= CRYPTO_RSA_SHA512; s++) {
        assert_int_equal(crypto_sig_find(crypto_sig_identifier((enum crypto_sig)s), &sig), 1);
        assert_int_equal(sig, s);
    }
    assert_int_equal(crypto_sig_find(rs_bytes_of("\x30\x00", 2), &sig), 0);
    assert_int_equal(crypto_sig_identifier((enum crypto_sig)99).len, 0);
    assert_int_equal(crypto_sig_for((enum crypto_alg)99), CRYPTO_ECDSA_SHA256);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_other_curves_and_forms),
        cmocka_unit_test(refuses_points_off_the_curve),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_small_and_odd_rsa),
        cmocka_unit_test(refuses_small_factors_and_close_primes),
        cmocka_unit_test(refuses_the_roca_pattern),
        cmocka_unit_test(tampered_signatures_are_refused_and_right_ones_not),
        cmocka_unit_test(names_and_identifiers_go_both_ways),
    };

    return cmocka_run_group_tests_name("crypto/pub", tests, NULL, NULL);
}
