/*
 * soft_test.c: the soft driver as a chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <rot/registry.h>

#include "soft_help.h"

static struct bench bench;

static int
start(void **state)
{
    *state = &bench;
    bench_start(&bench);
    return 0;
}

static int
stop(void **state)
{
    bench_stop(*state);
    return 0;
}

static void
use_layout(struct bench *b, const char *name)
{
    const struct rot_layout *l = rot_registry_layout(&rot_driver_soft, name);

    assert_non_null(l);
    assert_int_equal(bench_reopen(b, l), ROT_OK);
}

static void
make_key(struct rot_chip *chip, rot_object obj, enum rot_alg alg, uint8_t pub[128], size_t *ret_len)
{
    assert_int_equal(rot_key_generate(chip, obj, alg, pub, 128, ret_len), ROT_OK);
}

/* OpenSSL's opinion on a signature. */
static int
openssl_verify(const uint8_t *pub, size_t pub_len, const char *hash, const uint8_t *msg,
               size_t msg_len, const uint8_t *sig, size_t sig_len)
{
    EVP_PKEY *key = d2i_PUBKEY(NULL, &pub, (long)pub_len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = key != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, hash, NULL, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(ctx, sig, sig_len, msg, msg_len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* ---- Refusals ---------------------------------------------------------------------- */

static void
nothing_is_there_at_first(void **state)
{
    struct bench *b = *state;
    uint8_t buf[128] = {0};
    size_t n = 0;
    struct rot_identity id;
    uint64_t v = 1;
    struct rot_kdf_params kdf = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    struct rot_bytes none = {NULL, 0}, nonce = {buf, 12};
    enum rot_seal_state seal = ROT_SEAL_DONE;

    assert_int_equal(rot_key_public(&b->chip, ROT_IDEVID, buf, 128, &n), ROT_E_EMPTY);
    assert_int_equal(rot_sign_digest(&b->chip, ROT_IDEVID, buf, 32, buf, 128, &n), ROT_E_EMPTY);
    assert_int_equal(rot_sign_message(&b->chip, ROT_LDEVID(3), buf, 32, buf, 128, &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_delete(&b->chip, ROT_LDEVID(0)), ROT_E_EMPTY);
    assert_int_equal(rot_key_delete(&b->chip, ROT_SESSION(0)), ROT_E_EMPTY);
    assert_int_equal(rot_object_size(&b->chip, ROT_IDEVID, ROT_PART_CERT, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_read(&b->chip, ROT_TRUST(0), ROT_PART_DATA, 0, buf, 1, &n),
                     ROT_E_EMPTY);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(0), buf, 1, buf, 32, &n), ROT_E_EMPTY);
    assert_int_equal(rot_derive(&b->chip, ROT_SESSION(0), &kdf, 0, buf, 32, &n), ROT_E_EMPTY);
    assert_int_equal(
        rot_aead_seal(&b->chip, ROT_DATA(3), ROT_AEAD_AES_GCM, nonce, none, none, buf, 128, &n),
        ROT_E_EMPTY);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_FIRMWARE(0), NULL, 0, buf, 32, buf, 70),
                     ROT_E_EMPTY);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_IDEVID, NULL, 0, buf, 32, buf, 70),
                     ROT_E_EMPTY);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), ROT_E_EMPTY);
    assert_int_equal(rot_seal_state(&b->chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0), &seal), ROT_OK);
    assert_int_equal(seal, ROT_SEAL_OPEN);
    assert_int_equal(rot_counter_read(&b->chip, ROT_COUNTER(0), &v), ROT_OK);
    assert_int_equal(v, 0);
    assert_int_equal(rot_identify(&b->chip, &id), ROT_OK);
    assert_string_equal(id.vendor, "software");
    assert_string_equal(id.model, "soft");
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    assert_int_equal(id.uid_len, 16);
    assert_int_equal(id.simulated, 0);
}

static void
stages_that_a_file_lacks(void **state)
{
    struct bench *b = *state;
    enum rot_seal_state s = ROT_SEAL_FOREIGN;

    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_CONFIG, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_LIFECYCLE, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal_state(&b->chip, ROT_STAGE_CONFIG, 0, &s), ROT_E_UNSUPPORTED);
    assert_int_equal(s, ROT_SEAL_FOREIGN);
}

static void
plain_keys_are_for_tests_only(void **state)
{
    struct bench *b = *state;
    uint8_t raw[48] = {0}, pub[128];
    size_t n = 0;

    raw[31] = 1;
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, raw, 31), ROT_E_FORMAT);
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, raw, 33), ROT_E_FORMAT);
    assert_int_equal(rot_key_import(&b->chip, ROT_SESSION(1), ROT_ALG_AES128, raw, 32),
                     ROT_E_FORMAT);
    raw[31] = 0;
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, raw, 32), ROT_E_FORMAT);
    memset(raw, 0xff, 32); /* above the order */
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, raw, 32), ROT_E_FORMAT);
    assert_int_equal(rot_key_public(&b->chip, ROT_LDEVID(0), pub, 128, &n), ROT_E_EMPTY);

    memset(raw, 0, 32);
    raw[31] = 1; /* the generator itself: SP 800-186 3.2.1.3 */
    b->setup.flags = ROT_OPEN_PRODUCTION;
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, raw, 32), ROT_E_AUTH);
    b->setup.flags = 0;
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, raw, 32), ROT_OK);
    assert_int_equal(rot_key_public(&b->chip, ROT_LDEVID(0), pub, 128, &n), ROT_OK);
    assert_int_equal(pub[27], 0x6b);
    assert_int_equal(pub[28], 0x17);
    assert_int_equal(pub[90], 0xf5);
    assert_int_equal(rot_key_import(&b->chip, ROT_LDEVID(3), ROT_ALG_ED25519, raw, 32), ROT_OK);
    assert_int_equal(rot_key_import(&b->chip, ROT_DATA(3), ROT_ALG_AES256, raw, 32), ROT_OK);
}

static void
a_key_of_another_layout_is_not_used(void **state)
{
    struct bench *b = *state;
    uint8_t pub[128], d[48] = {0};
    size_t n = 0;

    make_key(&b->chip, ROT_IDEVID, ROT_ALG_P256, pub, &n);
    use_layout(b, "soft-p384");
    assert_int_equal(rot_key_public(&b->chip, ROT_IDEVID, pub, 128, &n), ROT_E_STATE);
    assert_int_equal(rot_sign_digest(&b->chip, ROT_IDEVID, d, 48, pub, 128, &n), ROT_E_STATE);
    assert_null(rot_registry_layout(&rot_driver_soft, "nonesuch"));
}

static void
wrong_signatures_and_keys(void **state)
{
    struct bench *b = *state;
    uint8_t pub[128], other[128], d[32] = {9}, sig[80];
    size_t n = 0, m = 0, s = 0;

    make_key(&b->chip, ROT_IDEVID, ROT_ALG_P256, pub, &n);
    make_key(&b->chip, ROT_LDEVID(3), ROT_ALG_ED25519, other, &m);
    assert_int_equal(rot_sign_digest(&b->chip, ROT_IDEVID, d, 32, sig, 80, &s), ROT_OK);
    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n, d, 32, sig, s), ROT_OK);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_IDEVID, NULL, 0, d, 32, sig, s), ROT_OK);

    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n, d, 48, sig, s), ROT_E_ARG);
    assert_int_equal(rot_verify_digest(&b->chip, 0, other, m, d, 32, sig, s), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n - 1, d, 32, sig, s), ROT_E_FORMAT);
    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n, d, 32, sig, s - 1), ROT_E_FORMAT);
    pub[40] ^= 1; /* off the curve */
    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n, d, 32, sig, s), ROT_E_FORMAT);
    pub[40] ^= 1;
    d[0] ^= 1;
    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n, d, 32, sig, s), ROT_E_MISMATCH);
    d[0] ^= 1;
    sig[s - 1] ^= 1;
    assert_int_equal(rot_verify_digest(&b->chip, 0, pub, n, d, 32, sig, s), ROT_E_MISMATCH);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_IDEVID, NULL, 0, d, 32, sig, s),
                     ROT_E_MISMATCH);
}

/* ---- Keys -------------------------------------------------------------------------------- */

static void
every_algorithm_signs(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *layout;
        rot_object obj;
        enum rot_alg alg;
        const char *hash;
    } cases[] = {
        {"soft", ROT_IDEVID, ROT_ALG_P256, "SHA256"},
        {"soft", ROT_LDEVID(2), ROT_ALG_P384, "SHA384"},
        {"soft", ROT_LDEVID(3), ROT_ALG_ED25519, NULL},
        {"soft-p384", ROT_IDEVID, ROT_ALG_P384, "SHA384"},
        {"soft-ed25519", ROT_IDEVID, ROT_ALG_ED25519, NULL},
    };
    static const uint8_t msg[] = "the quick brown fox";

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t pub[128], again[128], sig[128];
        size_t n = 0, m = 0, s = 0;

        use_layout(b, cases[i].layout);
        make_key(&b->chip, cases[i].obj, cases[i].alg, pub, &n);
        assert_int_equal(rot_sign_message(&b->chip, cases[i].obj, msg, sizeof(msg), sig, 128, &s),
                         ROT_OK);
        assert_true(openssl_verify(pub, n, cases[i].hash, msg, sizeof(msg), sig, s));
        assert_false(openssl_verify(pub, n, cases[i].hash, msg, sizeof(msg) - 1, sig, s));
        /* The key is the same after the file was closed. */
        use_layout(b, cases[i].layout);
        assert_int_equal(rot_key_public(&b->chip, cases[i].obj, again, 128, &m), ROT_OK);
        assert_int_equal(m, n);
        assert_memory_equal(again, pub, n);
        /* And another one when made anew. */
        make_key(&b->chip, cases[i].obj, cases[i].alg, again, &m);
        assert_memory_not_equal(again, pub, n);
        assert_false(openssl_verify(again, m, cases[i].hash, msg, sizeof(msg), sig, s));
    }
}

static void
deleted_keys_are_gone(void **state)
{
    struct bench *b = *state;
    uint8_t pub[128];
    size_t n = 0;

    make_key(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, &n);
    assert_int_equal(rot_key_delete(&b->chip, ROT_LDEVID(0)), ROT_OK);
    assert_int_equal(rot_key_public(&b->chip, ROT_LDEVID(0), pub, 128, &n), ROT_E_EMPTY);
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_key_public(&b->chip, ROT_LDEVID(0), pub, 128, &n), ROT_E_EMPTY);
}

static void
two_sides_agree(void **state)
{
    struct bench *b = *state;
    static const struct {
        const char *layout;
        rot_object one, other;
        enum rot_alg alg;
        size_t len;
    } cases[] = {
        {"soft", ROT_LDEVID(1), 0, ROT_ALG_P256, 32},
        {"soft", ROT_LDEVID(2), 0, ROT_ALG_P384, 48},
        {"soft-ed25519", ROT_LDEVID(3), 0, ROT_ALG_X25519, 32},
    };
    struct bench peer;

    bench_start(&peer);
    for (size_t i = 0; i < 3; i++) {
        uint8_t pub[128], theirs[128], s1[64], s2[64];
        size_t n = 0, m = 0, l1 = 0, l2 = 0;

        use_layout(b, cases[i].layout);
        use_layout(&peer, cases[i].layout);
        make_key(&b->chip, cases[i].one, cases[i].alg, pub, &n);
        make_key(&peer.chip, cases[i].one, cases[i].alg, theirs, &m);
        assert_int_equal(rot_agree(&b->chip, cases[i].one, theirs, m, 0, s1, 64, &l1), ROT_OK);
        assert_int_equal(rot_agree(&peer.chip, cases[i].one, pub, n, 0, s2, 64, &l2), ROT_OK);
        assert_int_equal(l1, cases[i].len);
        assert_int_equal(l2, cases[i].len);
        assert_memory_equal(s1, s2, l1);

        /* Inside: the two sessions make the same MAC, and the MAC of that secret. */
        assert_int_equal(
            rot_agree(&b->chip, cases[i].one, theirs, m, ROT_SESSION(0), NULL, 0, NULL), ROT_OK);
        l1 = l2 = 0;
        assert_int_equal(rot_mac(&b->chip, ROT_SESSION(0), pub, n, s1, 64, &l1), ROT_OK);
        assert_non_null(
            EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, s2, cases[i].len, pub, n, s2, 64, &l2));
        assert_int_equal(l1, 32);
        assert_memory_equal(s1, s2, 32);

        assert_int_equal(
            rot_agree(&b->chip, cases[i].one, theirs, m, ROT_SESSION(1), NULL, 0, NULL),
            ROT_E_UNSUPPORTED);
        assert_int_equal(rot_agree(&b->chip, cases[i].one, theirs, m - 1, 0, s1, 64, &l1),
                         ROT_E_FORMAT);
        if (cases[i].alg != ROT_ALG_X25519) {
            theirs[m - 1] ^= 1;
            assert_int_equal(rot_agree(&b->chip, cases[i].one, theirs, m, 0, s1, 64, &l1),
                             ROT_E_FORMAT);
        }
    }
    bench_stop(&peer);
}

static void
sessions_end_with_a_reset(void **state)
{
    struct bench *b = *state;
    uint8_t key[32] = {5}, out[32];
    size_t n = 0;

    assert_int_equal(rot_key_import(&b->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_OK);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(0), key, 3, out, 32, &n), ROT_OK);
    assert_int_equal(rot_reset(&b->chip), ROT_OK);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(0), key, 3, out, 32, &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_generate(&b->chip, ROT_SESSION(1), ROT_ALG_AES128, out, 32, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(1), key, 3, out, 32, &n), ROT_OK);
    assert_int_equal(rot_key_delete(&b->chip, ROT_SESSION(1)), ROT_OK);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(1), key, 3, out, 32, &n), ROT_E_EMPTY);
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(0), key, 3, out, 32, &n), ROT_E_EMPTY);
}

static void
derived_keys_seal_and_open(void **state)
{
    struct bench *b = *state;
    static const uint8_t text[] = "boot counter 61";
    uint8_t key[32] = {5}, box[64], plain[64], nonce[13] = {1};
    struct rot_bytes gcm = {nonce, 12}, ccm = {nonce, 13}, aad = {key, 7}, in = {text, 15}, cipher;
    struct rot_kdf_params p = {
        .kdf = ROT_KDF_HKDF_SHA256, .salt = {key, 4}, .info = {text, 4}, .out_len = 32};
    size_t n = 0, m = 0;

    assert_int_equal(rot_key_import(&b->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_OK);
    assert_int_equal(rot_derive(&b->chip, ROT_SESSION(0), &p, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_OK);
    /* Also into a key that stays; the seal of an object then holds for it, too. */
    assert_int_equal(rot_derive(&b->chip, ROT_SESSION(0), &p, ROT_DATA(3), NULL, 0, NULL), ROT_OK);
    assert_int_equal(
        rot_aead_seal(&b->chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, gcm, aad, in, box, 64, &n),
        ROT_OK);
    assert_int_equal(n, 31);
    cipher = (struct rot_bytes){box, n};
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(
        rot_aead_open(&b->chip, ROT_DATA(3), ROT_AEAD_AES_GCM, gcm, aad, cipher, plain, 64, &m),
        ROT_OK);
    assert_int_equal(m, 15);
    assert_memory_equal(plain, text, 15);

    assert_int_equal(
        rot_aead_seal(&b->chip, ROT_DATA(3), ROT_AEAD_AES_CCM, ccm, aad, in, box, 64, &n), ROT_OK);
    for (size_t i = 0; i < n; i++) {
        memset(plain, 0xcc, sizeof(plain));
        box[i] ^= 0x10;
        m = 77;
        assert_int_equal(
            rot_aead_open(&b->chip, ROT_DATA(3), ROT_AEAD_AES_CCM, ccm, aad, cipher, plain, 64, &m),
            ROT_E_MISMATCH);
        assert_int_equal(m, 77);
        assert_memory_not_equal(plain, text, 15);
        box[i] ^= 0x10;
    }
    assert_int_equal(
        rot_aead_open(&b->chip, ROT_DATA(3), ROT_AEAD_AES_CCM, ccm, aad, cipher, plain, 64, &m),
        ROT_OK);
}

static void
derived_secrets_leave_where_allowed(void **state)
{
    struct bench *b = *state;
    uint8_t key[32] = {5}, out[64];
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 64};
    size_t n = 0;

    assert_int_equal(rot_key_import(&b->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_OK);
    assert_int_equal(rot_key_import(&b->chip, ROT_SESSION(3), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_OK);
    assert_int_equal(rot_derive(&b->chip, ROT_SESSION(3), &p, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&b->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_OK);
    assert_int_equal(n, 64);
}

/* ---- Stored bytes ----------------------------------------------------------------------------- */

static void
bytes_come_back_as_written(void **state)
{
    struct bench *b = *state;
    static uint8_t cert[ROT_CERTIFICATE_MAX], back[ROT_CERTIFICATE_MAX + 1];
    size_t n = 0, need = 0;

    for (size_t i = 0; i < sizeof(cert); i++)
        cert[i] = (uint8_t)(i * 7 + 3);
    assert_int_equal(rot_object_write(&b->chip, ROT_IDEVID, ROT_PART_CERT, 0, cert, sizeof(cert),
                                      sizeof(cert), &need),
                     ROT_OK);
    assert_int_equal(rot_object_write(&b->chip, ROT_IDEVID, ROT_PART_CHAIN, 0, cert, 1, 1, &need),
                     ROT_OK);
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_object_size(&b->chip, ROT_IDEVID, ROT_PART_CERT, &n), ROT_OK);
    assert_int_equal(n, sizeof(cert));
    assert_int_equal(
        rot_object_read(&b->chip, ROT_IDEVID, ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, sizeof(cert));
    assert_memory_equal(back, cert, n);
    assert_int_equal(rot_object_read(&b->chip, ROT_IDEVID, ROT_PART_CERT, 16000, back, 1000, &n),
                     ROT_OK);
    assert_int_equal(n, 384);
    assert_memory_equal(back, cert + 16000, n);
    assert_int_equal(rot_object_read(&b->chip, ROT_IDEVID, ROT_PART_CERT, 16384, back, 9, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rot_object_read(&b->chip, ROT_IDEVID, ROT_PART_CERT, SIZE_MAX, back, 9, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(
        rot_object_write(&b->chip, ROT_TRUST(0), ROT_PART_DATA, 0, back, 16385, 16385, &need),
        ROT_E_SPACE);
    assert_int_equal(need, 16385);
}

static void
pieces_come_in_order(void **state)
{
    struct bench *b = *state;
    static const uint8_t a[] = "0123456789";
    uint8_t back[16];
    size_t n = 0;

#define PIECE(obj, offset, len, total)                                                             \
    rot_object_write(&b->chip, obj, ROT_PART_DATA, offset, a + (offset), len, total, &n)
    assert_int_equal(PIECE(ROT_DATA(1), 4, 2, 10), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(1), 0, 4, 10), ROT_OK);
    assert_int_equal(rot_object_size(&b->chip, ROT_DATA(1), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(PIECE(ROT_DATA(1), 5, 2, 10), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(1), 4, 2, 9), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(2), 4, 2, 10), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(1), 4, 2, 10), ROT_OK);
    assert_int_equal(PIECE(ROT_DATA(1), 6, 4, 10), ROT_OK);
    assert_int_equal(rot_object_read(&b->chip, ROT_DATA(1), ROT_PART_DATA, 0, back, 16, &n),
                     ROT_OK);
    assert_int_equal(n, 10);
    assert_memory_equal(back, a, 10);

    /* A new start forgets the old one; a reset forgets all. */
    assert_int_equal(PIECE(ROT_DATA(1), 0, 4, 8), ROT_OK);
    assert_int_equal(PIECE(ROT_DATA(1), 0, 3, 6), ROT_OK);
    assert_int_equal(PIECE(ROT_DATA(1), 4, 4, 8), ROT_E_ARG);
    assert_int_equal(PIECE(ROT_DATA(1), 0, 3, 6), ROT_OK);
    assert_int_equal(rot_reset(&b->chip), ROT_OK);
    assert_int_equal(PIECE(ROT_DATA(1), 3, 3, 6), ROT_E_ARG);
    assert_int_equal(rot_object_size(&b->chip, ROT_DATA(1), ROT_PART_DATA, &n), ROT_OK);
    assert_int_equal(n, 10);
}

static void
firmware_keys_verify(void **state)
{
    struct bench *b = *state;
    uint8_t pub[128], p384[128], sig[80], d[32] = {4};
    size_t n = 0, m = 0, s = 0, need = 0;

    make_key(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, &n);
    make_key(&b->chip, ROT_LDEVID(2), ROT_ALG_P384, p384, &m);
    assert_int_equal(
        rot_object_write(&b->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, pub, n - 1, n - 1, &need),
        ROT_E_FORMAT);
    assert_int_equal(
        rot_object_write(&b->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, p384, m, m, &need),
        ROT_E_FORMAT);
    assert_int_equal(
        rot_object_write(&b->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, pub, n, n, &need), ROT_OK);
    assert_int_equal(rot_sign_digest(&b->chip, ROT_LDEVID(0), d, 32, sig, 80, &s), ROT_OK);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_FIRMWARE(0), NULL, 0, d, 32, sig, s), ROT_OK);
    d[31] ^= 1;
    assert_int_equal(rot_verify_digest(&b->chip, ROT_FIRMWARE(0), NULL, 0, d, 32, sig, s),
                     ROT_E_MISMATCH);
}

static void
counters_go_up_and_stay(void **state)
{
    struct bench *b = *state;
    uint64_t v = 0;

    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(rot_counter_increment(&b->chip, ROT_COUNTER(0), &v), ROT_OK);
        assert_int_equal(v, i);
    }
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_counter_read(&b->chip, ROT_COUNTER(0), &v), ROT_OK);
    assert_int_equal(v, 3);
    assert_int_equal(rot_wipe(&b->chip), ROT_OK);
    assert_int_equal(rot_counter_read(&b->chip, ROT_COUNTER(0), &v), ROT_OK);
    assert_int_equal(v, 3);
    assert_int_equal(rot_counter_read(&b->chip, ROT_COUNTER(1), &v), ROT_OK);
    assert_int_equal(v, 0);
}

/* ---- Seals ---------------------------------------------------------------------------------------- */

static void
the_data_seal_holds(void **state)
{
    struct bench *b = *state;
    uint8_t pub[128], again[128], key[32] = {1};
    size_t n = 0, m = 0, need = 0;
    struct rot_identity id;
    enum rot_seal_state seal = ROT_SEAL_OPEN;

    make_key(&b->chip, ROT_IDEVID, ROT_ALG_P256, pub, &n);
    make_key(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, again, &m);
    assert_int_equal(rot_object_write(&b->chip, ROT_IDEVID, ROT_PART_CERT, 0, key, 32, 32, &need),
                     ROT_OK);
    assert_int_equal(rot_identify(&b->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_CONFIGURED);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_DATA, 0), ROT_OK);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_DATA, 0), ROT_OK);

    for (int round = 0; round < 2; round++) {
        assert_int_equal(rot_seal_state(&b->chip, ROT_STAGE_DATA, 0, &seal), ROT_OK);
        assert_int_equal(seal, ROT_SEAL_DONE);
        assert_int_equal(rot_identify(&b->chip, &id), ROT_OK);
        assert_int_equal(id.lifecycle, ROT_LIFE_SEALED);
        assert_int_equal(id.sealed, 1u << ROT_STAGE_DATA);
        assert_int_equal(rot_key_generate(&b->chip, ROT_IDEVID, ROT_ALG_P256, again, 128, &m),
                         ROT_E_STATE);
        assert_int_equal(rot_key_delete(&b->chip, ROT_IDEVID), ROT_E_STATE);
        assert_int_equal(rot_key_import(&b->chip, ROT_IDEVID, ROT_ALG_P256, key, 32), ROT_E_STATE);
        assert_int_equal(rot_key_generate(&b->chip, ROT_DATA(3), ROT_ALG_AES256, again, 128, &m),
                         ROT_E_STATE);
        assert_int_equal(
            rot_object_write(&b->chip, ROT_IDEVID, ROT_PART_CERT, 0, pub, 32, 32, &need),
            ROT_E_STATE);
        assert_int_equal(
            rot_object_write(&b->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, pub, n, n, &need),
            ROT_E_STATE);
        /* What is renewed in the field still is. */
        assert_int_equal(rot_key_generate(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, again, 128, &m),
                         ROT_OK);
        assert_int_equal(
            rot_object_write(&b->chip, ROT_LDEVID(0), ROT_PART_CERT, 0, key, 32, 32, &need),
            ROT_OK);
        assert_int_equal(rot_wipe(&b->chip), ROT_OK);
        assert_int_equal(rot_key_public(&b->chip, ROT_LDEVID(0), again, 128, &m), ROT_E_EMPTY);
        assert_int_equal(rot_key_public(&b->chip, ROT_IDEVID, again, 128, &m), ROT_OK);
        assert_memory_equal(again, pub, n);
        assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    }
}

static void
one_object_can_be_sealed(void **state)
{
    struct bench *b = *state;
    uint8_t data[8] = {1};
    size_t need = 0;
    enum rot_seal_state seal = ROT_SEAL_OPEN;

    assert_int_equal(rot_object_write(&b->chip, ROT_TRUST(0), ROT_PART_DATA, 0, data, 8, 8, &need),
                     ROT_OK);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_OBJECT, ROT_TRUST(1)), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(rot_seal(&b->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(bench_reopen(b, NULL), ROT_OK);
    assert_int_equal(rot_seal_state(&b->chip, ROT_STAGE_OBJECT, ROT_TRUST(0), &seal), ROT_OK);
    assert_int_equal(seal, ROT_SEAL_DONE);
    assert_int_equal(rot_object_write(&b->chip, ROT_TRUST(0), ROT_PART_DATA, 0, data, 8, 8, &need),
                     ROT_E_STATE);
    assert_int_equal(rot_wipe(&b->chip), ROT_OK);
    assert_int_equal(rot_object_size(&b->chip, ROT_TRUST(0), ROT_PART_DATA, &need), ROT_OK);
}

static void
self_test_compares(void **state)
{
    struct bench *b = *state;
    static uint8_t old[4096], new[4096];
    uint8_t pub[128];
    size_t n = 0, old_len = file_read(b->path, old, sizeof(old)), new_len;

    make_key(&b->chip, ROT_IDEVID, ROT_ALG_P256, pub, &n);
    assert_int_equal(rot_self_test(&b->chip), ROT_OK);
    new_len = file_read(b->path, new, sizeof(new));
    file_write(b->path, old, old_len); /* an older copy, put back behind its back */
    assert_int_equal(rot_self_test(&b->chip), ROT_E_CHIP);
    new[new_len - 1] ^= 1;
    file_write(b->path, new, new_len);
    assert_int_equal(rot_self_test(&b->chip), ROT_E_CHIP);
    new[new_len - 1] ^= 1;
    file_write(b->path, new, new_len);
    assert_int_equal(rot_self_test(&b->chip), ROT_OK);
}

static void
random_is_random(void **state)
{
    struct bench *b = *state;
    uint8_t x[64], y[64];

    assert_int_equal(rot_random(&b->chip, x, sizeof(x)), ROT_OK);
    assert_int_equal(rot_random(&b->chip, y, sizeof(y)), ROT_OK);
    assert_memory_not_equal(x, y, sizeof(x));
}

/* A port that lacks what is needed is said to be, and nothing changes. */
static void
a_poor_port_is_named(void **state)
{
    struct bench *b = *state;
    struct rot_port_ops ops = {.hash = b->crypto.port.ops->hash};
    struct rot_port poor = {&b->crypto, &ops};
    uint8_t buf[128] = {0};
    size_t n = 0;

    make_key(&b->chip, ROT_LDEVID(0), ROT_ALG_P256, buf, &n);
    b->chip.setup.port = &poor;
    assert_int_equal(rot_random(&b->chip, buf, 1), ROT_E_PORT);
    assert_int_equal(rot_key_generate(&b->chip, ROT_IDEVID, ROT_ALG_P256, buf, 128, &n),
                     ROT_E_PORT);
    assert_int_equal(rot_key_generate(&b->chip, ROT_SESSION(1), ROT_ALG_AES128, buf, 128, &n),
                     ROT_E_PORT);
    assert_int_equal(rot_sign_digest(&b->chip, ROT_LDEVID(0), buf, 32, buf, 128, &n), ROT_E_PORT);
    assert_int_equal(rot_verify_digest(&b->chip, ROT_LDEVID(0), NULL, 0, buf, 32, buf, 70),
                     ROT_E_PORT);
    assert_int_equal(rot_agree(&b->chip, ROT_LDEVID(0), buf, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_PORT);
    assert_int_equal(rot_mac(&b->chip, ROT_SESSION(0), buf, 1, buf, 32, &n), ROT_E_PORT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_there_at_first),
        TEST(stages_that_a_file_lacks),
        TEST(plain_keys_are_for_tests_only),
        TEST(a_key_of_another_layout_is_not_used),
        TEST(wrong_signatures_and_keys),
        TEST(every_algorithm_signs),
        TEST(deleted_keys_are_gone),
        TEST(two_sides_agree),
        TEST(sessions_end_with_a_reset),
        TEST(derived_keys_seal_and_open),
        TEST(derived_secrets_leave_where_allowed),
        TEST(bytes_come_back_as_written),
        TEST(pieces_come_in_order),
        TEST(firmware_keys_verify),
        TEST(counters_go_up_and_stay),
        TEST(the_data_seal_holds),
        TEST(one_object_can_be_sealed),
        TEST(self_test_compares),
        TEST(random_is_random),
        TEST(a_poor_port_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
