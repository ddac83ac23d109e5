/*
 * secret_test.c: agreed, derived and imported secrets, against what OpenSSL makes of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static const uint8_t text[] = "what both say";

/* The same secret on both sides: in a session, and in want. */
static void
agreed(struct desk *d, rot_object into, uint8_t want[32])
{
    uint8_t spki[91], point[64], priv[32], peer[91];

    desk_make(d, ROT_LDEVID(0), spki, point);
    desk_peer(d, priv, peer);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, into, NULL, 0, NULL), ROT_OK);
    assert_int_equal(desk_ops(d)->ecdh(d->openssl.port.self, ROT_ALG_P256, priv, point, want),
                     ROT_OK);
}

static void
mac_is(struct desk *d, rot_object session, const uint8_t *key, size_t key_len)
{
    const struct rot_bytes msg = {text, sizeof(text)}, k = {key, key_len};
    uint8_t got[32], want[32];
    size_t n = 0;

    assert_int_equal(rot_mac(&d->chip, session, text, sizeof(text), got, sizeof(got), &n), ROT_OK);
    if (n == 32)
        assert_int_equal(desk_ops(d)->hmac(d->openssl.port.self, ROT_HASH_SHA256, k, &msg, 1, want),
                         ROT_OK);
    else
        assert_int_equal(desk_ops(d)->aes_cmac(d->openssl.port.self, k, &msg, 1, want), ROT_OK);
    assert_memory_equal(got, want, n);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void
empty_sessions(void **state)
{
    struct desk *d = *state;
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    const struct rot_bytes nonce = {text, 12}, none = {NULL, 0};
    uint8_t out[64];
    size_t n = 0;

    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(i), text, 4, out, 32, &n), ROT_E_EMPTY);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(4), &p, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_EMPTY);
    assert_int_equal(
        rot_aead_seal(&d->chip, ROT_SESSION(2), ROT_AEAD_AES_GCM, nonce, none, none, out, 64, &n),
        ROT_E_EMPTY);
}

static void
what_the_part_has_not(void **state)
{
    struct desk *d = *state;
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_EXPAND, .out_len = 32};
    const struct rot_bytes nonce = {text, 13}, none = {NULL, 0};
    uint8_t spki[91], point[64], priv[32], peer[91], out[64];
    size_t n = 0;
    unsigned before;

    desk_make(d, ROT_LDEVID(0), spki, point);
    desk_peer(d, priv, peer);
    before = d->part.commands;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    p.kdf = ROT_KDF_HKDF_SHA256;
    /* Registers take secrets, elements keys; an AES element gives none, an HMAC one not out. */
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, ROT_SESSION(4), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(5), &p, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(4), &p, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(4), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    /* 32 agreed bytes are no AES-128 key. */
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(
        rot_aead_seal(&d->chip, ROT_SESSION(2), ROT_AEAD_AES_CCM, nonce, none, none, out, 64, &n),
        ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_generate(&d->chip, ROT_SESSION(5), ROT_ALG_AES128, out, 64, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(2), ROT_ALG_AES128, out, 16),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(d->part.commands, before);
}

static void
too_long_for_one_command(void **state)
{
    static uint8_t msg[1100], out[1200];
    struct desk *d = *state;
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .info = {msg, 257}, .out_len = 32};
    const struct rot_bytes nonce = {text, 12}, none = {NULL, 0};
    struct rot_bytes plain = {msg, 980}, aad = {msg, 1001};
    size_t n = 0;
    unsigned before;

    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(4), ROT_ALG_HMAC_SHA256, msg, 32),
                     ROT_OK);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(5), ROT_ALG_AES128, msg, 16), ROT_OK);
    before = d->part.commands;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_E_ARG);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(4), msg, 993, out, 64, &n), ROT_E_ARG);
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, nonce, none, plain,
                                   out, sizeof(out), &n),
                     ROT_E_ARG);
    plain.len = 8;
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, nonce, aad, plain,
                                   out, sizeof(out), &n),
                     ROT_E_ARG);
    aad.len = 971;
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, nonce, aad, plain,
                                   out, sizeof(out), &n),
                     ROT_E_ARG);
    assert_int_equal(d->part.commands, before);
    /* The most that fits. */
    aad.len = 970;
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, nonce, aad, plain,
                                   out, sizeof(out), &n),
                     ROT_OK);
    plain.len = 978;
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, nonce, none, plain,
                                   out, sizeof(out), &n),
                     ROT_OK);
    assert_int_equal(n, 994);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(4), msg, 992, out, 64, &n), ROT_OK);
}

static void
imports(void **state)
{
    struct desk *d = *state;
    uint8_t key[32] = {1, 2, 3};

    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(4), ROT_ALG_HMAC_SHA256, key, 31),
                     ROT_E_FORMAT);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(5), ROT_ALG_AES128, key, 32),
                     ROT_E_FORMAT);
    assert_int_equal(d->part.seen[0x12], 0);
    d->chip.setup.flags = ROT_OPEN_PRODUCTION;
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(5), ROT_ALG_AES128, key, 16), ROT_E_AUTH);
    d->chip.setup.flags = 0;
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(4), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_OK);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(5), ROT_ALG_AES128, key, 16), ROT_OK);
    mac_is(d, ROT_SESSION(4), key, 32);
    mac_is(d, ROT_SESSION(5), key, 16);
    /* Gone from the driver's memory. */
    for (size_t i = 0; i + 8 < sizeof(ta100_of(&d->chip)->buf); i++)
        assert_memory_not_equal(ta100_of(&d->chip)->buf + i, "\1\2\3\0\0\0\0\0", 8);
    /* It stays, without power; a register does not. */
    rot_close(&d->chip);
    fake_ta100_power(&d->part);
    assert_int_equal(desk_open(d), ROT_OK);
    mac_is(d, ROT_SESSION(4), key, 32);
}

/* ---- Agreeing and deriving ---------------------------------------------------------------------- */

static void
an_agreed_secret_stays_inside(void **state)
{
    struct desk *d = *state;
    uint8_t secret[32], out[32];
    size_t n = 0;

    agreed(d, ROT_SESSION(0), secret);
    mac_is(d, ROT_SESSION(0), secret, 32);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), text, 4, out, 32, &n), ROT_E_EMPTY);
    /* As an AES-256 key. */
    agreed(d, ROT_SESSION(3), secret);
    mac_is(d, ROT_SESSION(3), secret, 32);
}

static void
an_agreed_secret_that_may_leave(void **state)
{
    static const struct rot_place place[] = {{ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P256,
                                              ROT_PLACE_AGREE | ROT_PLACE_EXPORT, 0, 0, 0x8105, 0}};
    static const struct rot_layout layout = {.driver = "ta100", .places = place, .place_count = 1};
    struct desk *d = *state;
    uint8_t spki[91], point[64], priv[32], peer[91], want[32], got[32];
    size_t n = 0;

    d->setup.layout = &layout;
    assert_int_equal(desk_open(d), ROT_OK);
    desk_make(d, ROT_LDEVID(0), spki, point);
    desk_peer(d, priv, peer);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, 0, got, 32, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_int_equal(desk_ops(d)->ecdh(d->openssl.port.self, ROT_ALG_P256, priv, point, want),
                     ROT_OK);
    assert_memory_equal(got, want, 32);
    /* It is nowhere in the driver's memory any more. */
    for (size_t i = 0; i + 32 < sizeof(ta100_of(&d->chip)->buf); i++)
        assert_memory_not_equal(ta100_of(&d->chip)->buf + i, want, 32);
}

static void
derivations(void **state)
{
    static const uint8_t label[] = "key expansion", salt[] = "salt";
    const struct rot_bytes info = {text, sizeof(text)};
    struct rot_kdf_params p[] = {
        {.kdf = ROT_KDF_HKDF_SHA256, .salt = {salt, 4}, .info = info, .out_len = 64},
        {.kdf = ROT_KDF_HKDF_SHA256, .info = info, .out_len = 48},
        {.kdf = ROT_KDF_TLS12_PRF_SHA256, .label = {label, 13}, .info = info, .out_len = 64},
        {.kdf = ROT_KDF_SINGLE_STEP, .info = info, .out_len = 32},
    };
    struct desk *d = *state;
    uint8_t secret[32], want[64], got[64], key[32] = {5};
    size_t n = 0;

    agreed(d, ROT_SESSION(0), secret);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(4), ROT_ALG_HMAC_SHA256, key, 32),
                     ROT_OK);
    for (size_t i = 0; i < 4; i++) {
        const struct rot_bytes s = {secret, 32}, k = {key, 32};

        assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p[i], 0, got, 64, &n), ROT_OK);
        assert_int_equal(n, p[i].out_len);
        assert_int_equal(desk_ops(d)->kdf(d->openssl.port.self, s, &p[i], want), ROT_OK);
        assert_memory_equal(got, want, n);
        assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p[i], ROT_SESSION(1), NULL, 0, NULL),
                         ROT_OK);
        mac_is(d, ROT_SESSION(1), want, p[i].out_len);
        /* From what stays, into a register. */
        assert_int_equal(rot_derive(&d->chip, ROT_SESSION(4), &p[i], ROT_SESSION(1), NULL, 0, NULL),
                         ROT_OK);
        assert_int_equal(desk_ops(d)->kdf(d->openssl.port.self, k, &p[i], want), ROT_OK);
        mac_is(d, ROT_SESSION(1), want, p[i].out_len);
    }
    /* As an AES-128 key. */
    p[0].out_len = 16;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p[0], ROT_SESSION(2), NULL, 0, NULL),
                     ROT_OK);
    assert_int_equal(
        desk_ops(d)->kdf(d->openssl.port.self, (struct rot_bytes){secret, 32}, &p[0], want),
        ROT_OK);
    mac_is(d, ROT_SESSION(2), want, 16);
}

static void
boxes(void **state)
{
    struct desk *d = *state;
    uint8_t key[16] = {3}, nonce[12] = {1}, aad[5] = {2}, plain[33] = {4}, box[64], want[64];
    const struct rot_bytes k = {key, 16}, n12 = {nonce, 12}, a = {aad, 5}, t = {plain, 33};
    struct rot_bytes c = {box, 49};
    uint8_t back[64];
    size_t n = 0;

    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(5), ROT_ALG_AES128, key, 16), ROT_OK);
    assert_int_equal(
        rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, n12, a, t, box, 64, &n), ROT_OK);
    assert_int_equal(n, 49);
    assert_int_equal(
        desk_ops(d)->aead(d->openssl.port.self, ROT_AEAD_AES_GCM, k, n12, a, 1, t, want), ROT_OK);
    assert_memory_equal(box, want, 49);
    assert_int_equal(
        rot_aead_open(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, n12, a, c, back, 64, &n), ROT_OK);
    assert_int_equal(n, 33);
    assert_memory_equal(back, plain, 33);
    box[48] ^= 1;
    memset(back, 0x5a, sizeof(back));
    assert_int_equal(
        rot_aead_open(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, n12, a, c, back, 64, &n),
        ROT_E_MISMATCH);
    for (size_t i = 0; i < sizeof(back); i++)
        assert_int_equal(back[i], 0x5a);
    /* Nothing but a tag. */
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(5), ROT_AEAD_AES_GCM, n12, a,
                                   (struct rot_bytes){NULL, 0}, box, 64, &n),
                     ROT_OK);
    assert_int_equal(n, 16);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        READY(empty_sessions),
        READY(what_the_part_has_not),
        READY(too_long_for_one_command),
        READY(imports),
        READY(an_agreed_secret_stays_inside),
        READY(an_agreed_secret_that_may_leave),
        READY(derivations),
        READY(boxes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
