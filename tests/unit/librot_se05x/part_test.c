/*
 * part_test.c: keys, secrets and evidence of a part that behaves, of older ones, and of some
 * that lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/sha.h>

static int
old_part(void **state)
{
    (void)state;
    return bench_start(fake_init_old);
}

/* A public key that the fake takes; first is the first byte of X. */
static size_t
make_peer(uint8_t first, uint8_t spki[91])
{
    uint8_t point[64];
    size_t n = 0;

    memset(point, 0x33, sizeof(point));
    point[0] = first;
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, spki, 91, &n), ROT_OK);
    return n;
}

static uint32_t
rights_of(uint32_t id)
{
    const struct fake_object *o = fake_find(&part, id);

    assert_non_null(o);
    assert_true(o->has_policy);
    return o->rights;
}

/* ---- Who ------------------------------------------------------------------------------------ */

static void
says_who_it_is(void **state)
{
    struct rot_identity id;

    (void)state;
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_string_equal(id.vendor, "nxp");
    assert_string_equal(id.model, "se050");
    assert_int_equal(id.revision, 0x070200);
    assert_int_equal(id.uid_len, 18);
    assert_int_equal(id.uid[17], 0xb1);
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    assert_int_equal(id.protection, ROT_PROTECTION_DEFAULT);
    assert_int_equal(rot_raw_status(&chip), 0);
}

/* By the OEF, never by a name that somebody configured. */
static void
models_by_their_oef(void **state)
{
    static const struct {
        uint8_t oef[2];
        const char *model;
    } cases[] = {{{0xa8, 0xfa}, "se051"}, {{0xa9, 0x20}, "se051"}, {{0xa5, 0x64}, "se051"},
                 {{0xa5, 0x65}, "se051"}, {{0xb5, 0x01}, "se052"}, {{0xa7, 0x36}, "a5000"},
                 {{0xa2, 0x00}, "se050"}};
    struct rot_identity id;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rot_close(&chip);
        fake_power_on(&part);
        memcpy(part.configuration + 2, cases[i].oef, 2);
        assert_int_equal(bench_open(), ROT_OK);
        assert_int_equal(rot_identify(&chip, &id), ROT_OK);
        assert_string_equal(id.model, cases[i].model);
    }
}

static void
random_comes_in_pieces(void **state)
{
    static uint8_t b[ROT_RANDOM_MAX];

    (void)state;
    assert_int_equal(rot_random(&chip, b, sizeof(b)), ROT_OK);
    assert_int_equal(b[0], 0x24);
    assert_int_equal(b[sizeof(b) - 1], 0x24);
    b[1] = 0;
    assert_int_equal(rot_random(&chip, b, 1), ROT_OK);
    assert_int_equal(b[1], 0);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void
identity_is_made_once(void **state)
{
    uint8_t pub[91], again[91];
    struct rot_identity id;
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_public(&chip, ROT_IDEVID, pub, sizeof(pub), &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(n, 91);
    /* Sign, verify, read; by the channel only; no write, generate or delete. */
    assert_int_equal(rights_of(0x52530001), 0x18220000);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, again, sizeof(again), &n),
                     ROT_OK);
    assert_memory_equal(pub, again, 91);
    assert_int_equal(rot_key_delete(&chip, ROT_IDEVID), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_CONFIGURED);

    /* One that was brought in, or that may be changed, is not ours. */
    fake_find(&part, 0x52530001)->origin = 1;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, again, sizeof(again), &n),
                     ROT_E_STATE);
    fake_find(&part, 0x52530001)->origin = 2;
    fake_find(&part, 0x52530001)->rights |= SE05X_ALLOW_DELETE;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, again, sizeof(again), &n),
                     ROT_E_STATE);
}

static void
others_are_made_anew(void **state)
{
    uint8_t pub[91], again[91];
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    /* All but what the layout does not want; and no secret that leaves. */
    assert_int_equal(rights_of(0x52530011), 0x1c3e0800);
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, again, sizeof(again), &n),
                     ROT_OK);
    assert_memory_not_equal(pub, again, 91);
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rights_of(0x52530012), 0x1c3e0000);
    /* Somebody's object with other rights is not kept. */
    fake_find(&part, 0x52530012)->rights = 0x1c3c1000;
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rights_of(0x52530012), 0x1c3e0000);
    /* And one that cannot be removed is in the way. */
    fake_find(&part, 0x52530012)->rights = 0x10200000;
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_E_STATE);
    assert_int_equal(rot_raw_status(&chip), 0x6986);
    assert_int_equal(rot_key_delete(&chip, ROT_LDEVID(0)), ROT_OK);
    assert_int_equal(rot_key_delete(&chip, ROT_LDEVID(0)), ROT_E_EMPTY);
    assert_int_equal(rot_key_public(&chip, ROT_LDEVID(0), pub, sizeof(pub), &n), ROT_E_EMPTY);
}

/* The numbers that a part is told about a curve are OpenSSL's. */
static const struct {
    uint8_t number;
    const char *what;
} parameters[] = {{0x01, "a"}, {0x02, "b"}, {0x04, "G"}, {0x08, "n"}, {0x10, "p"}};

static struct {
    unsigned seen;
    uint8_t curve;
} told;

static void
expect_parameter(EC_GROUP *group, size_t which, const uint8_t *value, size_t len)
{
    const BIGNUM *number = which == 3 ? EC_GROUP_get0_order(group) : NULL;
    BIGNUM *p = BN_new(), *a = BN_new(), *b = BN_new();
    uint8_t want[97];

    assert_int_equal(EC_GROUP_get_curve(group, p, a, b, NULL), 1);
    if (which == 2) {
        assert_int_equal(EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                            POINT_CONVERSION_UNCOMPRESSED, want, sizeof(want),
                                            NULL),
                         len);
    } else {
        number = which == 0 ? a : (which == 1 ? b : (which == 4 ? p : number));
        assert_int_equal(BN_bn2binpad(number, want, (int)len), len);
    }
    assert_memory_equal(value, want, len);
    BN_free(p);
    BN_free(a);
    BN_free(b);
}

static void
listen_to_curves(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    (void)a;
    if (c[1] == 0x01 && c[2] == 0x0b && c[3] == 0x40) {
        EC_GROUP *group =
            EC_GROUP_new_by_curve_name(c[9] == 3 ? NID_X9_62_prime256v1 : NID_secp384r1);

        assert_int_equal(c[12], parameters[told.seen % 5].number);
        expect_parameter(group, told.seen % 5, c + 15, c[14]);
        EC_GROUP_free(group);
        told.seen++;
        told.curve = c[9];
    }
}

static void
curves_are_set_up(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    told.seen = 0;
    part.lie = listen_to_curves;
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(told.seen, 5);
    assert_int_equal(told.curve, 3);
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(told.seen, 5);
    assert_int_equal(se05x_need_curve(&chip, SE05X_CURVE_P384), ROT_OK);
    assert_int_equal(told.seen, 10);
    assert_int_equal(told.curve, 4);
    part.lie = NULL;
}

/* Power goes between two parameters: the curve cannot be used, and is listed or not. */
static void
half_a_curve_is_finished(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    for (uint8_t unlisted = 0; unlisted < 2; unlisted++) {
        part.refuses_half = unlisted;
        part.curves = 0;
        part.half_curves = 1u << 3;
        se05x_of(&chip)->curves = 0;
        (void)!rot_key_delete(&chip, ROT_LDEVID(0));
        assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                         ROT_OK);
        assert_int_equal(part.curves, 1u << 3);
    }
    part.curves = 0;
    n = make_peer(0x33, pub);
    assert_int_equal(rot_object_write(&chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, pub, n, n, &n),
                     ROT_OK);
    assert_int_equal(part.curves, 1u << 3);
}

static void
signs_and_verifies(void **state)
{
    static const uint8_t der[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x02};
    uint8_t pub[91], sig[72], digest[32] = {1};
    size_t n = 0, len = make_peer(0x33, pub);

    (void)state;
    assert_int_equal(rot_sign_digest(&chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_E_EMPTY);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_sign_digest(&chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n), ROT_OK);
    assert_int_equal(n, sizeof(der));
    assert_memory_equal(sig, der, n);
    assert_int_equal(part.seen[1], 0x03);

    len = make_peer(0x33, pub);
    for (int i = 0; i < 2; i++) {
        rot_err want = i == 0 ? ROT_OK : ROT_E_MISMATCH;

        part.answer_to_verify = i == 0 ? 1 : 2;
        assert_int_equal(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, digest, 32, der, 8), want);
        assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 32, der, 8), want);
        assert_int_equal(rot_verify_digest(&chip, ROT_VENDOR(0), NULL, 0, digest, 32, der, 8),
                         want);
    }
    /* Shown keys are in a transient object, the vendor's by a copy of it. */
    assert_true(fake_find(&part, SE05X_ID_VERIFIER)->transient);
    assert_int_equal(fake_find(&part, SE05X_ID_VERIFIER)->data[1], 0x41);
    part.answer_to_verify = 3;
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 32, der, 8), ROT_E_FORMAT);
    part.answer_to_verify = 1;
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 32, der, 7), ROT_E_FORMAT);
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len - 1, digest, 32, der, 8), ROT_E_FORMAT);
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 48, der, 8), ROT_E_ARG);
    len = make_peer(0xff, pub);
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 32, der, 8), ROT_E_FORMAT);
    /* What was in the transient object may be of another curve. */
    len = make_peer(0x33, pub);
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 32, der, 8), ROT_OK);
    fake_find(&part, SE05X_ID_VERIFIER)->curve = 4;
    assert_int_equal(rot_verify_digest(&chip, 0, pub, len, digest, 32, der, 8), ROT_OK);
    assert_int_equal(fake_find(&part, SE05X_ID_VERIFIER)->curve, 3);
}

/* ---- Secrets --------------------------------------------------------------------------------------- */

static void
agrees(void **state)
{
    uint8_t pub[91], peer[91], secret[32];
    size_t n = 0, len = make_peer(0x33, peer);

    (void)state;
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(1), peer, len, 0, secret, 32, &n), ROT_E_EMPTY);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(1), peer, len, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_EMPTY);
    assert_null(fake_find(&part, 0x52530301)); /* no key of zeroes stays */
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(i), ROT_ALG_P256, pub, sizeof(pub), &n),
                         ROT_OK);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(1), peer, len, 0, secret, 32, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_int_equal(secret[31], 0x5e);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, 0, secret, 32, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_OK);
    assert_true(fake_find(&part, 0x52530301)->transient);
    assert_int_equal(fake_find(&part, 0x52530301)->data[31], 0x5e);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, ROT_SESSION(3), NULL, 0, NULL),
                     ROT_OK);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED); /* 16 bytes are not the secret */
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len - 1, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_FORMAT);
    len = make_peer(0xff, peer);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(1), peer, len, 0, secret, 32, &n), ROT_E_FORMAT);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_FORMAT);
    assert_null(fake_find(&part, 0x52530301));
}

/* By the pre-master secret of TLS, which has tags of its own. */
static void
older_parts_agree_too(void **state)
{
    uint8_t pub[91], peer[91];
    size_t n = 0, len = make_peer(0x33, peer);

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rights_of(0x52530011), 0x1c3e0000);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_OK);
    assert_int_equal(part.seen[2], 0x0f);
    assert_int_equal(part.seen[3], 0x4a);
    assert_int_equal(fake_find(&part, 0x52530301)->data[31], 0x5e);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), peer, len, ROT_SESSION(3), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
}

static void
imports_by_the_channel(void **state)
{
    uint8_t key[32] = {7};

    (void)state;
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 31),
                     ROT_E_FORMAT);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32), ROT_OK);
    assert_int_equal(rights_of(0x52530301), 0x18960900);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(2), ROT_ALG_AES128, key, 16), ROT_OK);
    assert_int_equal(rights_of(0x52530303), 0x1b960900);
    assert_int_equal(rot_key_import(&chip, ROT_LDEVID(0), ROT_ALG_P256, key, 32),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_delete(&chip, ROT_SESSION(0)), ROT_OK);
    assert_int_equal(rot_key_delete(&chip, ROT_SESSION(0)), ROT_E_EMPTY);
}

static void
expect_prf(const uint8_t *key, const char *label, const char *seed, const uint8_t *got, size_t len)
{
    uint8_t want[64], both[64];
    char digest[] = "SHA256";
    size_t n = strlen(label), m = strlen(seed);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[4];

    memcpy(both, label, n);
    memcpy(both + n, seed, m);
    params[0] = OSSL_PARAM_construct_utf8_string("digest", digest, 0);
    params[1] = OSSL_PARAM_construct_octet_string("secret", (void *)(uintptr_t)key, 32);
    params[2] = OSSL_PARAM_construct_octet_string("seed", both, n + m);
    params[3] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_KDF_derive(ctx, want, len, params), 1);
    assert_memory_equal(got, want, len);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void
derives(void **state)
{
    static const uint8_t label[] = "master secret", seed[] = "randoms";
    uint8_t key[32] = {7}, out[64];
    struct rot_kdf_params p = {
        .kdf = ROT_KDF_HKDF_SHA256, .salt = {seed, 7}, .info = {label, 13}, .out_len = 32};
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, 0, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(1), ROT_ALG_HMAC_SHA256, key, 32), ROT_OK);
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, 0, out, 64, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_int_equal(out[31], 0x6b);
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, ROT_SESSION(3), NULL, 0, NULL), ROT_OK);
    assert_int_equal(fake_find(&part, 0x52530304)->data[31], 0x6b);
    p.out_len = 48;
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, ROT_SESSION(0), NULL, 0, NULL), ROT_OK);
    assert_int_equal(fake_find(&part, 0x52530301)->len, 48);
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_ARG);

    p = (struct rot_kdf_params){
        .kdf = ROT_KDF_TLS12_PRF_SHA256, .label = {label, 13}, .info = {seed, 7}, .out_len = 48};
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, 0, out, 64, &n), ROT_OK);
    assert_int_equal(n, 48);
    expect_prf(key, "master secret", "randoms", out, 48);
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    p = (struct rot_kdf_params){.kdf = ROT_KDF_SINGLE_STEP, .out_len = 32};
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    p = (struct rot_kdf_params){.kdf = ROT_KDF_HKDF_EXPAND, .info = {label, 13}, .out_len = 64};
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, 0, out, 64, &n), ROT_OK);
    assert_int_equal(part.seen[3], 0x2f);
}

static void
older_parts_derive_less(void **state)
{
    uint8_t key[32] = {7}, out[64], text[4] = {0};
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    struct rot_bytes nonce = {out, 12}, none = {NULL, 0};
    struct rot_capability cap;
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(1), ROT_ALG_HMAC_SHA256, key, 32), ROT_OK);
    assert_int_equal(rights_of(0x52530302), 0x18960000);
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, 0, out, 64, &n), ROT_OK);
    assert_int_equal(rot_derive(&chip, ROT_SESSION(1), &p, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    /* So from a secret that stays inside nothing can be derived. */
    assert_int_equal(rot_capabilities(&chip, ROT_SESSION(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_DERIVE], ROT_NOWHERE);
    assert_int_equal(rot_capabilities(&chip, ROT_SESSION(1), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_DERIVE], ROT_IN_CHIP);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(2), ROT_ALG_AES128, key, 16), ROT_OK);
    assert_int_equal(rot_aead_seal(&chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, nonce, none,
                                   (struct rot_bytes){text, 4}, out, 64, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_capabilities(&chip, ROT_SESSION(2), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_AEAD], ROT_NOWHERE);
}

static void
macs_and_boxes(void **state)
{
    static uint8_t msg[SE05X_CHUNK + 1], big[2 * SE05X_CHUNK];
    uint8_t key[32] = {7}, out[64], plain[64], nonce[13] = {1};
    struct rot_bytes n12 = {nonce, 12}, n13 = {nonce, 13}, aad = {key, 5}, text = {msg, 33},
                     none = {NULL, 0};
    size_t n = 0, m = 0;

    (void)state;
    assert_int_equal(rot_mac(&chip, ROT_SESSION(0), msg, 10, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, key, 32), ROT_OK);
    assert_int_equal(rot_key_import(&chip, ROT_SESSION(2), ROT_ALG_AES128, key, 16), ROT_OK);
    assert_int_equal(rot_mac(&chip, ROT_SESSION(0), msg, SE05X_CHUNK, out, 64, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_int_equal(rot_mac(&chip, ROT_SESSION(0), msg, SE05X_CHUNK + 1, out, 64, &n), ROT_E_ARG);
    assert_int_equal(rot_mac(&chip, ROT_SESSION(2), NULL, 0, out, 64, &n), ROT_OK);
    assert_int_equal(n, 16);

    memset(msg, 0x5b, sizeof(msg));
    for (int i = 0; i < 2; i++) {
        enum rot_aead alg = i == 0 ? ROT_AEAD_AES_GCM : ROT_AEAD_AES_CCM;
        struct rot_bytes nc = i == 0 ? n12 : n13;

        assert_int_equal(rot_aead_seal(&chip, ROT_SESSION(2), alg, nc, aad, text, out, 64, &n),
                         ROT_OK);
        assert_int_equal(n, 49);
        assert_int_equal(rot_aead_open(&chip, ROT_SESSION(2), alg, nc, aad,
                                       (struct rot_bytes){out, n}, plain, 64, &m),
                         ROT_OK);
        assert_int_equal(m, 33);
        assert_memory_equal(plain, msg, 33);
        out[48] ^= 1;
        memset(plain, 0, sizeof(plain));
        assert_int_equal(rot_aead_open(&chip, ROT_SESSION(2), alg, nc, aad,
                                       (struct rot_bytes){out, n}, plain, 64, &m),
                         ROT_E_MISMATCH);
        assert_int_equal(plain[0], 0);
    }
    /* Nothing but a tag; and as much as there can be. */
    assert_int_equal(
        rot_aead_seal(&chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, n12, none, none, out, 64, &n),
        ROT_OK);
    assert_int_equal(n, 16);
    assert_int_equal(rot_aead_open(&chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, n12, none,
                                   (struct rot_bytes){out, 16}, plain, 64, &m),
                     ROT_OK);
    assert_int_equal(m, 0);
    text.len = SE05X_CHUNK;
    assert_int_equal(rot_aead_seal(&chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, n12, none, text, big,
                                   sizeof(big), &n),
                     ROT_OK);
    assert_int_equal(rot_aead_open(&chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, n12, none,
                                   (struct rot_bytes){big, n}, big, sizeof(big), &m),
                     ROT_OK);
    text.len++;
    assert_int_equal(rot_aead_seal(&chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, n12, none, text, big,
                                   sizeof(big), &n),
                     ROT_E_ARG);
}

/* ---- Evidence ------------------------------------------------------------------------------------------ */

static struct rot_bytes
take_part(struct rot_bytes *in)
{
    struct rot_bytes b;

    assert_true(in->len >= 2);
    b = (struct rot_bytes){in->p + 2, (size_t)in->p[0] << 8 | in->p[1]};
    assert_true(b.len <= in->len - 2);
    in->p += 2 + b.len;
    in->len -= 2 + b.len;
    return b;
}

static void
check_evidence(unsigned generation)
{
    static uint8_t room[ROT_EVIDENCE_MAX];
    static const uint8_t head[] = {0x80, 0x22, 0, 0,    0, 0, 0x21, 0x41, 4, 0x52, 0x53, 0,
                                   1,    0x45, 4, 0xf0, 0, 0, 0x12, 0x46, 1, 0x21, 0x47, 16};
    struct rot_evidence e = {.buf = room, .cap = 1};
    uint8_t pub[91], nonce[32] = {1}, digest[32];
    struct rot_bytes in, command, answer, cert;
    size_t n = 0;

    assert_int_equal(rot_attest(&chip, ROT_IDEVID, nonce, &e), ROT_E_SPACE);
    assert_true(e.len >= 512);
    e.cap = sizeof(room);
    assert_int_equal(rot_attest(&chip, ROT_IDEVID, nonce, &e), ROT_E_EMPTY);
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_attest(&chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(e.format, ROT_EVIDENCE_SE05X_READ);
    assert_int_equal(room[0], 1);
    assert_int_equal(room[1], generation);
    assert_memory_equal(room + 2, "\xf0\x00\x00\x12", 4);
    in = (struct rot_bytes){room + 6, e.len - 6};
    command = take_part(&in);
    answer = take_part(&in);
    cert = take_part(&in);
    assert_int_equal(in.len, 0);
    assert_int_equal(command.len, 7 + 0x21);
    assert_memory_equal(command.p, head, sizeof(head));
    (void)SHA256(nonce, 32, digest);
    assert_memory_equal(command.p + 24, digest, 16);
    assert_int_equal(answer.p[0], 0x41);
    assert_memory_equal(answer.p + (generation == 2 ? 4 : 2) + 1, pub + 27, 64);
    assert_int_equal(cert.len, 0x20); /* what its DER says, not what the file has */
    /* Without a certificate it is evidence all the same. */
    fake_find(&part, 0xf0000013)->id = 0;
    assert_int_equal(rot_attest(&chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_memory_equal(room + e.len - 2, "\0\0", 2);
}

static void
evidence_of_both_generations(void **state)
{
    (void)state;
    check_evidence(2);
    rot_close(&chip);
    fake_init_old(&part);
    assert_int_equal(bench_open(), ROT_OK);
    check_evidence(1);
}

/* One byte of an attested answer is another; where it matters it is noticed. */
struct change {
    size_t at;
};

static void
change_attested(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    const struct change *change = arg;

    (void)len;
    if (c[1] == 0x22 && change->at < a->len)
        a->p[change->at] ^= 1;
}

static void
wrong_evidence_is_refused(void **state)
{
    static uint8_t room[ROT_EVIDENCE_MAX];
    /* In the newer form: tags, a length, the object's id, the part's id. */
    static const size_t places[] = {0, 3, 69, 72, 73, 91, 95, 98, 124, 125, 132, 148};
    struct rot_evidence e = {.buf = room, .cap = sizeof(room)};
    struct change change;
    uint8_t pub[91], nonce[32] = {1};
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    part.lie = change_attested;
    part.arg = &change;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        change.at = places[i];
        assert_int_equal(rot_attest(&chip, ROT_IDEVID, nonce, &e), ROT_E_FORMAT);
    }
    change.at = SIZE_MAX;
    assert_int_equal(rot_attest(&chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(rot_attest(&chip, ROT_SESSION(0), nonce, &e), ROT_E_UNSUPPORTED);
    part.lie = NULL;
}

/* A word, and then no answer: what is said last is that there was none. */
struct silence {
    unsigned command, seen;
};

static void
fall_silent(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    struct silence *silence = arg;

    (void)c;
    (void)len;
    (void)a;
    if (++silence->seen == silence->command)
        part.is_dead = 1;
}

static size_t
keep_silent(void *arg, uint8_t *b, size_t len, size_t cap)
{
    (void)arg;
    (void)b;
    (void)cap;
    return part.is_dead ? 0 : len;
}

static void
silence_is_not_absence(void **state)
{
    struct silence silence = {0, 0};
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    part.arg = &silence;
    part.lie = fall_silent;
    part.tamper = keep_silent;
    for (silence.command = 1; silence.command < 20; silence.command++) {
        rot_err rc;

        silence.seen = 0;
        rc = rot_object_size(&chip, ROT_IDEVID, ROT_PART_CERT, &n);
        if (rc == ROT_E_EMPTY)
            break; /* after the last command of all */
        assert_int_equal(rc, ROT_E_BUS);
        assert_int_equal(rot_raw_status(&chip), 0);
        fake_power_on(&part);
        silence.seen = 100;
        assert_int_equal(rot_key_public(&chip, ROT_IDEVID, pub, sizeof(pub), &n), ROT_E_EMPTY);
    }
    assert_int_equal(silence.command, 3);
    part.lie = NULL;
    part.tamper = NULL;
}

/* ---- Lies ------------------------------------------------------------------------------------------------ */

static struct {
    uint8_t bytes[300];
    size_t len;
    uint16_t sw;
} said;

static void
say_it(void *arg, const uint8_t *c, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)c;
    (void)len;
    memcpy(a->p, said.bytes, said.len);
    a->len = said.len;
    a->sw = said.sw;
}

static void
lie_with(const char *text, uint16_t sw)
{
    said.len = strlen(text);
    memcpy(said.bytes, text, said.len);
    said.sw = sw;
    part.lie = say_it;
}

/* Everything that reads an answer, at an answer that is none. */
static void
answers_that_are_none(void **state)
{
    static const char *const texts[] = {"",
                                        "A",
                                        "A\x05xy",
                                        "B\x01\x01",
                                        "A\x01\x03",
                                        ("A\x01\x01"
                                         "A\x01\x01"),
                                        "\x7f\x7f\x7f"};
    uint8_t b[91], digest[32] = {1}, peer[91];
    size_t n = 0, len = make_peer(0x33, peer);
    struct rot_identity id;
    enum rot_seal_state seal;
    uint64_t v;

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, b, sizeof(b), &n), ROT_OK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        lie_with(texts[i], 0x9000);
        assert_int_equal(rot_random(&chip, b, 32), ROT_E_FORMAT);
        assert_int_equal(rot_key_public(&chip, ROT_IDEVID, b, sizeof(b), &n), ROT_E_FORMAT);
        assert_int_equal(rot_sign_digest(&chip, ROT_IDEVID, digest, 32, b, 72, &n), ROT_E_FORMAT);
        assert_int_equal(rot_agree(&chip, ROT_LDEVID(1), peer, len, 0, b, 32, &n), ROT_E_FORMAT);
        assert_int_equal(rot_object_size(&chip, ROT_IDEVID, ROT_PART_CERT, &n), ROT_E_FORMAT);
        assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
        assert_int_equal(rot_seal_state(&chip, ROT_STAGE_OBJECT, ROT_IDEVID, &seal), ROT_E_FORMAT);
        assert_int_equal(rot_mac(&chip, ROT_SESSION(0), b, 4, b, 64, &n), ROT_E_FORMAT);
        if (i != 4)
            assert_true(rot_counter_read(&chip, ROT_COUNTER(0), &v) == ROT_E_FORMAT);
        assert_true(rot_identify(&chip, &id) == ROT_E_FORMAT);
    }
    part.lie = NULL;
}

static void
refusals_have_their_code(void **state)
{
    static const struct {
        uint16_t sw;
        rot_err rc;
    } cases[] = {{0x6700, ROT_E_CHIP},  {0x6984, ROT_E_CHIP},        {0x6986, ROT_E_STATE},
                 {0x6a84, ROT_E_SPACE}, {0x6a86, ROT_E_UNSUPPORTED}, {0x66a6, ROT_BUSY},
                 {0x6983, ROT_E_AUTH},  {0x1234, ROT_E_CHIP}};
    uint8_t b[32];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lie_with("", cases[i].sw);
        assert_int_equal(rot_random(&chip, b, 32), cases[i].rc);
        assert_int_equal(rot_raw_status(&chip), cases[i].sw);
    }
    part.lie = NULL;
    assert_int_equal(rot_random(&chip, b, 32), ROT_OK);
    assert_int_equal(rot_raw_status(&chip), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_who_it_is, new_part, end_part),
        cmocka_unit_test_setup_teardown(models_by_their_oef, new_part, end_part),
        cmocka_unit_test_setup_teardown(random_comes_in_pieces, new_part, end_part),
        cmocka_unit_test_setup_teardown(identity_is_made_once, new_part, end_part),
        cmocka_unit_test_setup_teardown(others_are_made_anew, new_part, end_part),
        cmocka_unit_test_setup_teardown(curves_are_set_up, old_part, end_part),
        cmocka_unit_test_setup_teardown(half_a_curve_is_finished, old_part, end_part),
        cmocka_unit_test_setup_teardown(signs_and_verifies, new_part, end_part),
        cmocka_unit_test_setup_teardown(agrees, new_part, end_part),
        cmocka_unit_test_setup_teardown(older_parts_agree_too, old_part, end_part),
        cmocka_unit_test_setup_teardown(imports_by_the_channel, new_part, end_part),
        cmocka_unit_test_setup_teardown(derives, new_part, end_part),
        cmocka_unit_test_setup_teardown(older_parts_derive_less, old_part, end_part),
        cmocka_unit_test_setup_teardown(macs_and_boxes, new_part, end_part),
        cmocka_unit_test_setup_teardown(evidence_of_both_generations, new_part, end_part),
        cmocka_unit_test_setup_teardown(wrong_evidence_is_refused, new_part, end_part),
        cmocka_unit_test_setup_teardown(silence_is_not_absence, new_part, end_part),
        cmocka_unit_test_setup_teardown(answers_that_are_none, new_part, end_part),
        cmocka_unit_test_setup_teardown(refusals_have_their_code, new_part, end_part),
    };

    return cmocka_run_group_tests_name("librot_se05x part", tests, NULL, NULL);
}
