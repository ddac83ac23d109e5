/*
 * key_test.c: our own keys, sealed bytes, digests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/seal.h"

static const enum crypto_alg algs[] = {CRYPTO_P256, CRYPTO_P384, CRYPTO_P521, CRYPTO_ED25519,
                                       CRYPTO_RSA2048};

/* ---- Keys ----------------------------------------------------------------------------- */

static void
refuses_what_is_no_key(void **state)
{
    struct crypto_key *key = NULL;
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};

    (void)state;
    assert_int_not_equal(crypto_key_from_pkcs8(rs_bytes_str("x"), &key, NULL), RS_OK);
    assert_int_not_equal(crypto_key_from_pkcs8(rs_bytes_str(""), &key, NULL), RS_OK);
    assert_int_not_equal(crypto_key_generate((enum crypto_alg)99, &key, NULL), RS_OK);
    assert_null(key);
    rs_buf_init(&der, 8192);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &key, NULL), RS_OK);
    assert_int_equal(crypto_key_to_pkcs8(key, &der, NULL), RS_OK);
    crypto_key_free(key);
    for (size_t len = 0; len < der.len; len++) {
        key = NULL;
        assert_int_not_equal(crypto_key_from_pkcs8(rs_bytes_of(der.p, len), &key, NULL), RS_OK);
        assert_null(key);
    }
    rs_buf_put_u8(&der, 0);
    assert_int_not_equal(crypto_key_from_pkcs8(rs_buf_bytes(&der), &key, NULL), RS_OK);
}

static void
says_when_a_signature_does_not_fit(void **state)
{
    struct crypto_key *key;
    uint8_t sig[CRYPTO_SIGNATURE_MAX];
    size_t len = 7;

    (void)state;
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &key, NULL), RS_OK);
    assert_int_not_equal(crypto_sign(key, rs_bytes_str("x"), sig, 8, &len, NULL), RS_OK);
    assert_int_equal(len, 7);
    crypto_key_free(key);
    crypto_key_free(NULL);
}

static void
keys_survive_pkcs8(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        struct crypto_key *key, *again;
        struct rs_buf der;
        uint8_t sig[CRYPTO_SIGNATURE_MAX], h1[32], h2[32];
        size_t len;
        rs_buf_init(&der, 8192);
        der.secret = 1;
        assert_int_equal(crypto_key_generate(algs[i], &key, NULL), RS_OK);
        assert_int_equal(crypto_key_to_pkcs8(key, &der, NULL), RS_OK);
        assert_int_equal(crypto_key_from_pkcs8(rs_buf_bytes(&der), &again, NULL), RS_OK);
        assert_int_equal(crypto_key_alg(again), algs[i]);
        crypto_pub_hash(crypto_key_pub(key), h1);
        crypto_pub_hash(crypto_key_pub(again), h2);
        assert_memory_equal(h1, h2, 32);
        assert_int_equal(crypto_sign(again, rs_bytes_str("m"), sig, sizeof(sig), &len, NULL),
                         RS_OK);
        assert_int_equal(crypto_verify_own(key, rs_bytes_str("m"), rs_bytes_of(sig, len), NULL),
                         RS_OK);
        assert_int_not_equal(crypto_verify_own(key, rs_bytes_str("n"), rs_bytes_of(sig, len), NULL),
                             RS_OK);
        sig[len - 1] ^= 1;
        assert_int_not_equal(crypto_verify_own(key, rs_bytes_str("m"), rs_bytes_of(sig, len), NULL),
                             RS_OK);
        rs_buf_done(&der);
        crypto_key_free(key);
        crypto_key_free(again);
    }
}

/* More keys than a thread caches, used in turn: each still signs with its own. */
static void
caches_never_mix_keys(void **state)
{
    enum { KEYS = 40 };
    struct crypto_key *keys[KEYS];
    uint8_t sig[CRYPTO_SIGNATURE_MAX];
    size_t len;

    (void)state;
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(crypto_key_generate(i % 2 ? CRYPTO_P256 : CRYPTO_ED25519, &keys[i], NULL),
                         RS_OK);
    for (int i = 0; i < 4 * KEYS; i++) {
        const struct crypto_key *key = keys[i * 7 % KEYS], *other = keys[(i * 7 + 2) % KEYS];
        enum crypto_sig alg = crypto_sig_for(crypto_key_alg(key));
        struct rs_bytes m = rs_bytes_str("message");
        assert_int_equal(crypto_sign(key, m, sig, sizeof(sig), &len, NULL), RS_OK);
        struct rs_bytes s = rs_bytes_of(sig, len);
        assert_int_equal(crypto_verify_own(key, m, s, NULL), RS_OK);
        assert_int_equal(crypto_verify(crypto_key_pub(key), alg, m, s, NULL), RS_OK);
        assert_int_equal(crypto_verify(crypto_key_pub(other), alg, m, s, NULL), RS_E_KEY_PROOF);
    }
    for (int i = 0; i < KEYS; i++)
        crypto_key_free(keys[i]);
}

/* So often that the multiples of its point are made: from then on another code verifies. */
static void
a_busy_key_is_verified_as_strictly(void **state)
{
    enum { MANY = 300, ROUNDS = 100 };
    struct crypto_key *key, *other;
    uint8_t sig[CRYPTO_SIGNATURE_MAX + 2], foreign[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes m = rs_bytes_str("message");
    size_t len, foreign_len;

    (void)state;
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &key, NULL), RS_OK);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &other, NULL), RS_OK);
    assert_int_equal(crypto_sign(other, m, foreign, sizeof(foreign), &foreign_len, NULL), RS_OK);
    assert_int_equal(crypto_sign(key, m, sig, sizeof(sig), &len, NULL), RS_OK);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(crypto_verify_own(key, m, rs_bytes_of(sig, len), NULL), RS_OK);

    assert_int_equal(crypto_verify_own(key, m, rs_bytes_of(foreign, foreign_len), NULL),
                     RS_E_CRYPTO_SELF_CHECK);
    assert_int_equal(crypto_verify_own(key, rs_bytes_str("massage"), rs_bytes_of(sig, len), NULL),
                     RS_E_CRYPTO_SELF_CHECK);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(crypto_verify_own(key, m, rs_bytes_of(sig, len), NULL),
                         RS_E_CRYPTO_SELF_CHECK);
        sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t n = 0; n < len; n++)
        assert_int_equal(crypto_verify_own(key, m, rs_bytes_of(sig, n), NULL),
                         RS_E_CRYPTO_SELF_CHECK);
    sig[len] = 0;
    assert_int_equal(crypto_verify_own(key, m, rs_bytes_of(sig, len + 1), NULL),
                     RS_E_CRYPTO_SELF_CHECK);
    static const uint8_t zeros[] = {0x30, 6, 2, 1, 0, 2, 1, 0},
                         ones[] = {0x30, 6, 2, 1, 1, 2, 1, 1};
    static const uint8_t negative[] = {0x30, 6, 2, 1, 0x81, 2, 1, 1};
    assert_int_equal(crypto_verify_own(key, m, RS_BYTES(zeros), NULL), RS_E_CRYPTO_SELF_CHECK);
    assert_int_equal(crypto_verify_own(key, m, RS_BYTES(ones), NULL), RS_E_CRYPTO_SELF_CHECK);
    assert_int_equal(crypto_verify_own(key, m, RS_BYTES(negative), NULL), RS_E_CRYPTO_SELF_CHECK);

    for (int i = 0; i < ROUNDS; i++) {
        struct rs_bytes n = rs_bytes_of((const uint8_t *)&i, sizeof(i));
        assert_int_equal(crypto_sign(key, n, sig, CRYPTO_SIGNATURE_MAX, &len, NULL), RS_OK);
        assert_int_equal(crypto_verify_own(key, n, rs_bytes_of(sig, len), NULL), RS_OK);
        assert_int_equal(
            crypto_verify(crypto_key_pub(key), CRYPTO_ECDSA_SHA256, n, rs_bytes_of(sig, len), NULL),
            RS_OK);
    }
    crypto_key_free(key);
    crypto_key_free(other);
}

/* Verified together, each is judged for itself; before and after the multiples are made. */
static void
a_bad_one_spoils_no_other(void **state)
{
    enum { COUNT = 70, ROUNDS = 6 };
    static const uint8_t zero_s[] = {0x30, 6, 2, 1, 1, 2, 1, 0};
    static uint8_t sig[COUNT][CRYPTO_SIGNATURE_MAX];
    static uint8_t text[COUNT];
    struct crypto_own list[COUNT];
    struct crypto_key *key, *other;
    size_t len;

    (void)state;
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &key, NULL), RS_OK);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &other, NULL), RS_OK);
    for (size_t i = 0; i < COUNT; i++) {
        text[i] = (uint8_t)i;
        list[i].message = rs_bytes_of(&text[i], 1);
        assert_int_equal(crypto_sign(i % 10 == 3 ? other : key, list[i].message, sig[i],
                                     CRYPTO_SIGNATURE_MAX, &len, NULL),
                         RS_OK);
        list[i].signature = rs_bytes_of(sig[i], len);
    }
    list[0].signature = RS_BYTES(zero_s);
    list[31].signature.len = 0;
    sig[40][list[40].signature.len - 1] ^= 1;
    list[69].message = list[68].message;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < COUNT; i++)
            list[i].good = round % 2;
        crypto_verify_own_all(key, list, COUNT);
        for (size_t i = 0; i < COUNT; i++)
            assert_int_equal(list[i].good, i != 0 && i != 31 && i != 40 && i != 69 && i % 10 != 3);
    }
    crypto_verify_own_all(key, list, 0);
    crypto_key_free(key);
    crypto_key_free(other);
}

static void *
sign_many(void *arg)
{
    const struct crypto_key *key = arg;
    uint8_t sig[CRYPTO_SIGNATURE_MAX];
    size_t len, bad = 0;

    for (int i = 0; i < 50; i++) {
        if (crypto_sign(key, rs_bytes_str("m"), sig, sizeof(sig), &len, NULL) != RS_OK ||
            crypto_verify_own(key, rs_bytes_str("m"), rs_bytes_of(sig, len), NULL) != RS_OK)
            bad++;
    }
    return (void *)bad;
}

static void
threads_share_a_key(void **state)
{
    pthread_t threads[4];
    struct crypto_key *key;

    (void)state;
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &key, NULL), RS_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, key), 0);
    for (size_t i = 0; i < 4; i++) {
        void *bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    crypto_key_free(key);
}

/* ---- Sealed bytes ------------------------------------------------------------------------ */

static void
sealed_bytes_open_only_as_they_were(void **state)
{
    static const uint8_t key[32] = {1}, other[32] = {2};
    struct rs_bytes aad = rs_bytes_str("name"), plain = rs_bytes_str("secret");
    RS_AUTO(rs_buf_done) struct rs_buf sealed = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    struct rs_buf little;
    uint8_t room[8];

    (void)state;
    rs_buf_init(&sealed, 1000);
    rs_buf_init(&out, 1000);
    assert_int_equal(crypto_seal(key, aad, plain, &sealed, NULL), RS_OK);
    assert_int_equal(sealed.len, CRYPTO_SEAL_NONCE + 6 + CRYPTO_SEAL_TAG);
    assert_int_equal(crypto_open(other, aad, rs_buf_bytes(&sealed), &out, NULL), RS_E_KEY_LOCKED);
    assert_int_equal(crypto_open(key, rs_bytes_str("nam"), rs_buf_bytes(&sealed), &out, NULL),
                     RS_E_KEY_LOCKED);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.p[i] ^= 0x10;
        assert_int_equal(crypto_open(key, aad, rs_buf_bytes(&sealed), &out, NULL), RS_E_KEY_LOCKED);
        sealed.p[i] ^= 0x10;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(crypto_open(key, aad, rs_bytes_of(sealed.p, len), &out, NULL),
                         RS_E_KEY_LOCKED);
    assert_int_equal(out.len, 0);
    assert_int_equal(crypto_open(key, aad, rs_buf_bytes(&sealed), &out, NULL), RS_OK);
    assert_true(rs_bytes_equal(rs_buf_bytes(&out), plain));
    rs_buf_init_fixed(&little, room, sizeof(room));
    assert_int_equal(crypto_seal(key, aad, plain, &little, NULL), RS_E_NO_MEMORY);
    rs_buf_init_fixed(&little, room, 5);
    assert_int_equal(crypto_open(key, aad, rs_buf_bytes(&sealed), &little, NULL), RS_E_NO_MEMORY);
}

static void
stretching_depends_on_both(void **state)
{
    uint8_t a[32], b[32], c[32], want[32];

    (void)state;
    assert_int_equal(crypto_stretch(rs_bytes_str("p"), rs_bytes_str("s"), a, NULL), RS_OK);
    assert_int_equal(crypto_stretch(rs_bytes_str("q"), rs_bytes_str("s"), b, NULL), RS_OK);
    assert_int_equal(crypto_stretch(rs_bytes_str("p"), rs_bytes_str("t"), c, NULL), RS_OK);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, c, 32);
    assert_int_equal(
        EVP_PBE_scrypt("p", 1, (const uint8_t *)"s", 1, 32768, 8, 1, 64u << 20, want, 32), 1);
    assert_memory_equal(a, want, 32);
}

/* ---- Digests (FIPS 180-4, RFC 4231) --------------------------------------------------------- */

static void
check_hex(const uint8_t *digest, size_t len, const char *hex)
{
    char text[2 * CRYPTO_SHA512_SIZE + 1];

    rs_hex(rs_bytes_of(digest, len), text, sizeof(text));
    assert_string_equal(text, hex);
}

static void
digests_are_the_published_ones(void **state)
{
    struct rs_bytes abc = rs_bytes_str("abc");
    struct rs_bytes parts[3] = {rs_bytes_str("a"), rs_bytes_str(""), rs_bytes_str("bc")};
    struct rs_bytes text[2] = {rs_bytes_str("what do ya want "), rs_bytes_str("for nothing?")};
    uint8_t d[64];

    (void)state;
    crypto_sha1(abc, d);
    check_hex(d, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    crypto_sha256(abc, d);
    check_hex(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256_parts(parts, 3, d);
    check_hex(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha384(abc, d);
    check_hex(d, 48,
              "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
              "8086072ba1e7cc2358baeca134c825a7");
    crypto_sha512(abc, d);
    check_hex(d, 64,
              "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    crypto_hmac_sha256(rs_bytes_str("Jefe"), text, 2, d);
    check_hex(d, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_key),
        cmocka_unit_test(says_when_a_signature_does_not_fit),
        cmocka_unit_test(keys_survive_pkcs8),
        cmocka_unit_test(caches_never_mix_keys),
        cmocka_unit_test(a_busy_key_is_verified_as_strictly),
        cmocka_unit_test(a_bad_one_spoils_no_other),
        cmocka_unit_test(threads_share_a_key),
        cmocka_unit_test(sealed_bytes_open_only_as_they_were),
        cmocka_unit_test(stretching_depends_on_both),
        cmocka_unit_test(digests_are_the_published_ones),
    };

    return cmocka_run_group_tests_name("crypto/key", tests, NULL, NULL);
}
