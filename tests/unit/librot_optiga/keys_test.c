/*
 * keys_test.c: key pairs, session secrets, imports, evidence.
 *
 * What the part computes is checked by the host's crypto.
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

#include "desk.h"
#include "optiga.h"

static uint8_t pub[91], digest[48], sig[128], out[64];
static size_t n;

static void
generate(struct desk *d, rot_object obj)
{
    assert_int_equal(rot_key_generate(&d->chip, obj, ROT_ALG_P256, pub, sizeof(pub), &n), ROT_OK);
    assert_int_equal(n, 91);
}

static const struct rot_port *
host(struct desk *d)
{
    return &d->crypto.port;
}

/* The kept public key is that of the key in the part. */
static void
is_kept(struct desk *d, rot_object obj, unsigned oid)
{
    assert_int_equal(rot_key_public(&d->chip, obj, pub, sizeof(pub), &n), ROT_OK);
    assert_memory_equal(pub + 27, fake_find(&d->part, oid)->pub, 64);
}

/* ---- Lies ------------------------------------------------------------------------------------ */

static struct {
    unsigned cmd;
    uint8_t status;
    const char *out;
    size_t len;
} planned;

static void
as_planned(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (apdu[0] != planned.cmd)
        return;
    a->status = planned.status;
    a->len = planned.len;
    memcpy(a->out, planned.out, planned.len);
}

static void
plan(struct desk *d, unsigned cmd, uint8_t status, const char *text, size_t len)
{
    planned.cmd = cmd;
    planned.status = status;
    planned.out = text;
    planned.len = len;
    d->part.lie = as_planned;
}

/* ---- Making and showing --------------------------------------------------------------------------- */

static void
a_pair_is_made_and_its_public_key_kept(void **state)
{
    struct desk *d = *state;
    uint8_t again[91];

    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, again, sizeof(again), &n), ROT_E_EMPTY);
    generate(d, ROT_IDEVID);
    assert_memory_equal(pub + 27, fake_find(&d->part, 0xe0f1)->pub, 64);
    assert_int_equal(fake_find(&d->part, 0xe0f1)->usage, 0x10);
    assert_memory_equal(desk_data(d, 0xf1d8), pub, 91);
    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, again, sizeof(again), &n), ROT_OK);
    assert_memory_equal(again, pub, 91);
    generate(d, ROT_LDEVID(1));
    assert_memory_not_equal(again, pub, 91);
    assert_int_equal(fake_find(&d->part, 0xe0f3)->usage, 0x30);
    assert_int_equal(rot_key_generate(&d->chip, ROT_VENDOR(0), ROT_ALG_P256, pub, 91, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_generate(&d->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, pub, 91, &n),
                     ROT_E_UNSUPPORTED);
}

static void
the_vendors_public_key(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe0e0);

    assert_int_equal(rot_key_public(&d->chip, ROT_VENDOR(0), pub, sizeof(pub), &n), ROT_OK);
    assert_memory_equal(pub + 27, fake_find(&d->part, 0xe0f0)->pub, 64);
    /* Anywhere in it, up to its last byte. */
    memcpy(pub, o->data + 260, 91);
    for (size_t at = 9; at + 91 <= 516; at += 13) {
        memset(o->data + 13, 0x55, 503);
        memcpy(o->data + (at < 13 ? 13 : at), pub, 91);
        memset(out, 0, sizeof(out));
        assert_int_equal(rot_key_public(&d->chip, ROT_VENDOR(0), digest, sizeof(digest), &n),
                         ROT_E_SPACE);
        assert_int_equal(rot_key_public(&d->chip, ROT_VENDOR(0), pub, sizeof(pub), &n), ROT_OK);
    }
    memset(o->data + 13, 0x55, 503);
    memcpy(o->data + 425, pub, 91);
    assert_int_equal(rot_key_public(&d->chip, ROT_VENDOR(0), pub, sizeof(pub), &n), ROT_OK);
    o->data[425] = 0x31;
    assert_int_equal(rot_key_public(&d->chip, ROT_VENDOR(0), pub, sizeof(pub), &n), ROT_E_FORMAT);
}

/* Power fails somewhere: afterwards there is the public key of the key in the part, or none. */
static void
generation_is_cut(void **state)
{
    struct desk *d = *state;

    for (unsigned cut = 0;; cut++) {
        int was_cut;
        rot_err rc;

        fake_optiga_init(&d->part, host(d));
        assert_int_equal(desk_try(d, 0), ROT_OK);
        generate(d, ROT_LDEVID(0));
        d->part.has_cut = 1;
        d->part.cut_at = cut;
        rc = rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n);
        was_cut = d->part.is_deaf;
        assert_int_equal(rc, was_cut ? ROT_E_BUS : ROT_OK);
        d->part.has_cut = d->part.is_deaf = 0;
        fake_optiga_reset(&d->part);
        assert_int_equal(desk_try(d, 0), ROT_OK);
        rc = rot_key_public(&d->chip, ROT_LDEVID(0), pub, sizeof(pub), &n);
        assert_true(rc == ROT_OK || rc == ROT_E_EMPTY);
        if (rc == ROT_OK)
            assert_memory_equal(pub + 27, fake_find(&d->part, 0xe0f2)->pub, 64);
        generate(d, ROT_LDEVID(0));
        if (!was_cut) {
            assert_int_equal(cut, 4); /* steps that change something */
            return;
        }
    }
}

/* What the part refuses changes nothing: the public key of the key that stays is there. */
static void
generation_is_refused(void **state)
{
    struct desk *d = *state;

    generate(d, ROT_LDEVID(0));
    plan(d, 0xb8, 0x07, "", 0);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d->chip), 0x07);
    d->part.lie = NULL;
    assert_memory_equal(pub + 27, desk_data(d, 0xf1d9) + 27, 64);
}

static void
a_pair_that_is_sealed_stays(void **state)
{
    struct desk *d = *state;
    uint8_t again[91];

    generate(d, ROT_IDEVID);
    fake_find(&d->part, 0xe0f1)->life = 7;
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, again, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, again, 91, &n), ROT_OK);
    assert_memory_equal(again, pub, 91);
    fake_find(&d->part, 0xe0f1)->life = 1;
    fake_find(&d->part, 0xf1d8)->life = 7;
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, again, 91, &n),
                     ROT_E_STATE);
    assert_memory_equal(pub + 27, fake_find(&d->part, 0xe0f1)->pub, 64);
}

static void
public_keys_that_are_none(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0}, {"\x02\x00\x44\x03\x42\x00\x04", 7}, {"\x02\x00\x00", 3}, {"\x01\x00\x44", 3}};
    char text[80] = "\x02\x00\x44\x03\x42\x00\x04";

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        plan(d, 0xb8, 0, bad[i].bytes, bad[i].len);
        assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, 91, &n),
                         ROT_E_FORMAT);
        assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, pub, 91, &n), ROT_E_EMPTY);
    }
    for (int i = 0; i < 7; i++) {
        text[i] ^= 1;
        plan(d, 0xb8, 0, text, 71);
        assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, 91, &n),
                         ROT_E_FORMAT);
        text[i] ^= 1;
    }
    plan(d, 0xb8, 0, text, 72);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, 91, &n),
                     ROT_E_FORMAT);
    plan(d, 0xb8, 0x06, "", 0);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, 91, &n), ROT_E_CHIP);
    assert_int_equal(rot_raw_status(&d->chip), 6);
}

/* ---- Signing and verifying -------------------------------------------------------------------------- */

static void
signatures_are_good(void **state)
{
    struct desk *d = *state;
    uint8_t raw[64];

    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_E_EMPTY);
    assert_int_equal(rot_raw_status(&d->chip), 5);
    generate(d, ROT_IDEVID);
    for (unsigned i = 0; i < 32; i++) {
        digest[0] = (uint8_t)i;
        assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                         ROT_OK);
        assert_int_equal(rot_ecdsa_from_der(sig, n, 32, raw), ROT_OK);
        assert_int_equal(
            host(d)->ops->ec_verify(host(d)->self, ROT_ALG_P256, pub + 27, digest, 32, raw),
            ROT_OK);
        assert_int_equal(rot_verify_digest(&d->chip, 0, pub, 91, digest, 32, sig, n), ROT_OK);
        assert_int_equal(rot_verify_digest(&d->chip, ROT_IDEVID, NULL, 0, digest, 32, sig, n),
                         ROT_OK);
        digest[31] ^= 1;
        assert_int_equal(rot_verify_digest(&d->chip, ROT_IDEVID, NULL, 0, digest, 32, sig, n),
                         ROT_E_MISMATCH);
        assert_int_equal(rot_raw_status(&d->chip), 0x2c);
        digest[31] ^= 1;
        assert_int_equal(rot_verify_digest(&d->chip, 0, pub, 91, digest, 32, sig, n - 1),
                         ROT_E_FORMAT);
    }
    assert_int_equal(rot_verify_digest(&d->chip, ROT_LDEVID(0), NULL, 0, digest, 32, sig, n),
                     ROT_E_EMPTY);
    assert_int_equal(rot_verify_digest(&d->chip, 0, pub, 90, digest, 32, sig, n), ROT_E_FORMAT);
    assert_int_equal(rot_verify_digest(&d->chip, 0, pub, 91, digest, 48, sig, n), ROT_E_ARG);
}

static void
a_signature_of_384_bits_is_verified(void **state)
{
    struct desk *d = *state;
    const struct rot_port *port = host(d);
    uint8_t priv[48], point[96], raw[96], spki[120];
    size_t len = 0;

    assert_int_equal(port->ops->ec_generate(port->self, ROT_ALG_P384, priv, point), ROT_OK);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P384, point, spki, sizeof(spki), &len), ROT_OK);
    assert_int_equal(port->ops->ec_sign(port->self, ROT_ALG_P384, priv, digest, 48, raw), ROT_OK);
    assert_int_equal(rot_ecdsa_to_der(raw, 48, sig, sizeof(sig), &n), ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 120, digest, 48, sig, n), ROT_OK);
    digest[0] ^= 1;
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 120, digest, 48, sig, n), ROT_E_MISMATCH);
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 120, digest, 32, sig, n), ROT_E_ARG);
}

static void
a_key_of_another_kind(void **state)
{
    struct desk *d = *state;
    uint8_t spki[44];

    assert_int_equal(
        rot_spki_from_point(ROT_ALG_ED25519, (const uint8_t[96]){1}, spki, sizeof(spki), &n),
        ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 44, digest, 32, digest, 20),
                     ROT_E_UNSUPPORTED);
}

static void
firmware_is_verified_with_what_is_stored(void **state)
{
    struct desk *d = *state;

    generate(d, ROT_LDEVID(0));
    assert_int_equal(rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n),
                     ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                     ROT_E_EMPTY);
    {
        size_t need = 0, len = n;

        assert_int_equal(
            rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, pub, 91, 91, &need),
            ROT_OK);
        assert_int_equal(
            rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, len), ROT_OK);
        digest[5] ^= 1;
        assert_int_equal(
            rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, len),
            ROT_E_MISMATCH);
    }
}

static void
signatures_that_are_none(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"", 0},
               {"\x02\x01\x05", 3},
               {"\x02\x01\x05\x02\x01\x05\x00", 7},
               {"\x02\x01\x00\x02\x01\x05", 6},
               {"\x30\x06\x02\x01\x05\x02\x01\x05", 8},
               {"\x02\x7f\x05\x02\x01\x05", 6}};

    generate(d, ROT_IDEVID);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        plan(d, 0xb1, 0, bad[i].bytes, bad[i].len);
        assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                         ROT_E_FORMAT);
    }
    plan(d, 0xb1, 0, "\x02\x01\x05\x02\x01\x05", 6);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_OK);
    plan(d, 0xb1, 0x06, "", 0);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_E_CHIP);
}

/* ---- Sessions ------------------------------------------------------------------------------------------- */

struct peer {
    uint8_t priv[48], spki[91], secret[32];
};

static void
meet(struct desk *d, struct peer *p)
{
    const struct rot_port *port = host(d);
    uint8_t point[64];
    size_t len = 0;

    generate(d, ROT_LDEVID(0));
    assert_int_equal(port->ops->ec_generate(port->self, ROT_ALG_P256, p->priv, point), ROT_OK);
    assert_int_equal(rot_spki_from_point(ROT_ALG_P256, point, p->spki, 91, &len), ROT_OK);
    assert_int_equal(port->ops->ecdh(port->self, ROT_ALG_P256, p->priv, pub + 27, p->secret),
                     ROT_OK);
}

static void
agreement_out_and_inside(void **state)
{
    struct desk *d = *state;
    struct peer p;
    uint8_t msg[1300], want[32];
    struct rot_bytes text = {msg, 0};

    assert_int_equal(
        rot_agree(&d->chip, ROT_LDEVID(1), fake_find(&d->part, 0xe0f0)->data, 91, 0, out, 64, &n),
        ROT_E_FORMAT);
    meet(d, &p);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(1), p.spki, 91, 0, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, 0, out, 31, &n), ROT_E_SPACE);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, 0, out, 64, &n), ROT_OK);
    assert_int_equal(n, 32);
    assert_memory_equal(out, p.secret, 32);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 90, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_FORMAT);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, ROT_SESSION(4), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    p.spki[90] ^= 1;
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, 0, out, 64, &n), ROT_E_FORMAT);
    p.spki[90] ^= 1;
    assert_int_equal(rot_agree(&d->chip, ROT_IDEVID, p.spki, 91, 0, out, 64, &n),
                     ROT_E_UNSUPPORTED);

    /* Inside, and used there: the host's HMAC is the same, whatever the length. */
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), msg, 4, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_OK);
    for (size_t i = 0; i < sizeof(msg); i++)
        msg[i] = (uint8_t)(i * 3);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), msg, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    for (size_t len = 1; len <= sizeof(msg); len += len < 520 && len > 500 ? 1 : 100) {
        text.len = len;
        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), msg, len, out, 64, &n), ROT_OK);
        assert_int_equal(n, 32);
        assert_int_equal(host(d)->ops->hmac(host(d)->self, ROT_HASH_SHA256,
                                            (struct rot_bytes){p.secret, 32}, &text, 1, want),
                         ROT_OK);
        assert_memory_equal(out, want, 32);
    }
    /* A reset forgets it. */
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), msg, 4, out, 64, &n), ROT_E_EMPTY);
}

static void
derivation(void **state)
{
    struct desk *d = *state;
    struct peer p;
    struct rot_kdf_params params[] = {
        {.kdf = ROT_KDF_HKDF_SHA256, .info = {(const uint8_t *)"info", 4}, .out_len = 32},
        {.kdf = ROT_KDF_HKDF_SHA256, .salt = {(const uint8_t *)"salt", 4}, .out_len = 64},
        {.kdf = ROT_KDF_TLS12_PRF_SHA256,
         .label = {(const uint8_t *)"key expansion", 13},
         .info = {(const uint8_t *)"seed of the two", 15},
         .out_len = 48},
    };
    static const uint8_t long_info[257] = {0};
    struct rot_kdf_params others[] = {
        {.kdf = ROT_KDF_HKDF_EXPAND, .out_len = 32},
        {.kdf = ROT_KDF_SINGLE_STEP, .out_len = 32},
        {.kdf = ROT_KDF_HKDF_SHA256, .info = {long_info, 257}, .out_len = 32},
        {.kdf = ROT_KDF_TLS12_PRF_SHA256, .label = {long_info, 7}, .out_len = 32},
    };
    uint8_t want[64], mac[32];

    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), params, 0, out, 64, &n), ROT_E_EMPTY);
    meet(d, &p);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_OK);
    for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
        struct rot_bytes text = {want, 4}, key = {want, params[i].out_len};
        uint8_t expected[32];

        assert_int_equal(
            host(d)->ops->kdf(host(d)->self, (struct rot_bytes){p.secret, 32}, &params[i], want),
            ROT_OK);
        assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &params[i], 0, out, 64, &n), ROT_OK);
        assert_int_equal(n, params[i].out_len);
        assert_memory_equal(out, want, n);
        assert_int_equal(
            rot_derive(&d->chip, ROT_SESSION(0), &params[i], ROT_SESSION(3), NULL, 0, NULL),
            ROT_OK);
        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(3), want, 4, mac, 32, &n), ROT_OK);
        assert_int_equal(
            host(d)->ops->hmac(host(d)->self, ROT_HASH_SHA256, key, &text, 1, expected), ROT_OK);
        assert_memory_equal(mac, expected, 32);
    }
    /* What the part would refuse is not sent. */
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        unsigned before = d->part.commands;

        assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &others[i], 0, out, 64, &n),
                         ROT_E_UNSUPPORTED);
        assert_int_equal(d->part.commands, before);
    }
    others[2].info.len = 256;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &others[2], 0, out, 64, &n), ROT_OK);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(4), &others[2], 0, out, 64, &n),
                     ROT_E_UNSUPPORTED);
    /* Inputs beyond what a command holds. */
    others[2].salt = (struct rot_bytes){d->part.mac_text, 700};
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &others[2], 0, out, 64, &n), ROT_E_ARG);
    plan(d, 0xb4, 0, "12345678", 8);
    others[2].salt.len = 0;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &others[2], 0, out, 64, &n),
                     ROT_E_FORMAT);
    assert_int_equal(
        rot_derive(&d->chip, ROT_SESSION(0), &others[2], ROT_SESSION(1), NULL, 0, NULL),
        ROT_E_FORMAT);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(1), out, 4, mac, 32, &n), ROT_E_EMPTY);
}

static void
an_aes_key_inside(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe200);
    uint8_t want[16], msg[600] = {7};
    struct rot_bytes text = {msg, sizeof(msg)};

    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(4), msg, 4, out, 64, &n), ROT_E_EMPTY);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            rot_key_generate(&d->chip, ROT_SESSION(4), ROT_ALG_AES128, pub, sizeof(pub), &n),
            ROT_OK);
        assert_int_equal(n, 0);
    }
    assert_int_equal(o->change.len, 3);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(4), msg, sizeof(msg), out, 64, &n), ROT_OK);
    assert_int_equal(n, 16);
    assert_int_equal(
        host(d)->ops->aes_cmac(host(d)->self, (struct rot_bytes){o->priv, 16}, &text, 1, want),
        ROT_OK);
    assert_memory_equal(out, want, 16);
    o->life = 7;
    assert_int_equal(
        rot_key_generate(&d->chip, ROT_SESSION(4), ROT_ALG_AES128, pub, sizeof(pub), &n),
        ROT_E_STATE);
    plan(d, 0x94, 0, "\x61\x00\x10", 3);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(4), msg, 4, out, 64, &n), ROT_E_FORMAT);
    plan(d, 0x94, 0,
         "\x61\x00\x0f"
         "123456789012345",
         18);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(4), msg, 4, out, 64, &n), ROT_E_FORMAT);
}

/* ---- What V1 lacks -------------------------------------------------------------------------------------- */

static void
the_first_version(void **state)
{
    struct desk *d = *state;
    struct rot_capability cap;
    struct rot_kdf_params hkdf = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    struct rot_kdf_params prf = {.kdf = ROT_KDF_TLS12_PRF_SHA256,
                                 .label = {(const uint8_t *)"long label", 10},
                                 .out_len = 64};
    struct peer p;

    fake_find(&d->part, 0xe200)->oid = 0xffff;
    fake_set_build(&d->part, 0x71, 0x0809);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(rot_capabilities(&d->chip, ROT_SESSION(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_MAC], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_DERIVE], ROT_IN_CHIP);
    assert_int_equal(cap.where[ROT_CAN_GENERATE], ROT_NOWHERE);
    assert_int_equal(rot_capabilities(&d->chip, ROT_SESSION(4), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_GENERATE], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_MAC], ROT_NOWHERE);
    assert_int_equal(rot_capabilities(&d->chip, ROT_LDEVID(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_IMPORT], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_AGREE], ROT_IN_CHIP);

    assert_int_equal(rot_key_generate(&d->chip, ROT_SESSION(4), ROT_ALG_AES128, pub, 91, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_import(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, 91),
                     ROT_E_UNSUPPORTED);
    meet(d, &p);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p.spki, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 4, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &hkdf, 0, out, 64, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &prf, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &prf, 0, out, 64, &n), ROT_OK);
    prf.out_len = 48;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &prf, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_OK);
}

static void
the_table_of_the_third_version(void **state)
{
    struct desk *d = *state;
    struct rot_capability cap;

    assert_int_equal(rot_capabilities(&d->chip, ROT_IDEVID, &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_IMPORT], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_AGREE], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_DELETE], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_ATTEST], ROT_IN_CHIP);
    assert_int_equal(cap.where[ROT_CAN_WIPE], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_CHANNEL], ROT_IN_CHIP);
    assert_int_equal(cap.cert_size, 1724);
    assert_int_equal(rot_capabilities(&d->chip, ROT_LDEVID(1), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_IMPORT], ROT_IN_CHIP);
    assert_int_equal(rot_capabilities(&d->chip, ROT_VENDOR(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_SIGN], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_WRITE], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_IMPORT], ROT_NOWHERE);
    assert_int_equal(rot_capabilities(&d->chip, ROT_SESSION(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_AEAD], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_MAC], ROT_IN_CHIP);
    assert_int_equal(rot_capabilities(&d->chip, ROT_SESSION(4), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_AEAD], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_DERIVE], ROT_NOWHERE);
    assert_int_equal(cap.where[ROT_CAN_GENERATE], ROT_IN_CHIP);
    assert_int_equal(rot_capabilities(&d->chip, ROT_FIRMWARE(0), &cap), ROT_OK);
    assert_int_equal(cap.where[ROT_CAN_VERIFY], ROT_IN_CHIP);
    assert_int_equal(cap.alg, ROT_ALG_P256);
}

/* ---- Imports ---------------------------------------------------------------------------------------------- */

static uint8_t set[3000];

/* A signed set of that shape; what is in it, only the part would ask. */
static size_t
make_set(unsigned oid, size_t sig_len, unsigned fragments, size_t last)
{
    size_t len = 0, manifest = 150 + 3 + (sig_len == 256 ? 3u : 2u) + sig_len;
    uint8_t *p = set;

    memset(set, 0x99, sizeof(set));
    p[0] = 0x30;
    p[1] = (uint8_t)(manifest >> 8);
    p[2] = (uint8_t)manifest;
    p += 3 + 150;
    *p++ = 0x42;
    *p++ = (uint8_t)(oid >> 8);
    *p++ = (uint8_t)oid;
    *p++ = sig_len == 256 ? 0x59 : 0x58;
    if (sig_len == 256)
        *p++ = 1;
    *p++ = (uint8_t)sig_len;
    len = 3 + manifest;
    for (unsigned i = 0; i < fragments; i++) {
        memcpy(set + len, "\x32\x02\x80", 3);
        len += 3 + 640;
    }
    set[len] = 0x31;
    set[len + 1] = (uint8_t)(last >> 8);
    set[len + 2] = (uint8_t)last;
    return len + 3 + last;
}

static struct {
    unsigned count, tags[8];
} fed;

static void
watch(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)a;
    if (apdu[0] != 0x83)
        return;
    assert_int_equal(apdu[1], 0x01);
    assert_true(len >= 8);
    fed.tags[fed.count++ % 8] = apdu[4];
}

static rot_err
import(struct desk *d, size_t len)
{
    return rot_key_import(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, set, len);
}

static void
update_sets_are_passed_on(void **state)
{
    struct desk *d = *state;
    static const size_t sizes[] = {64, 128, 256};

    generate(d, ROT_LDEVID(0));
    d->part.lie = watch;
    for (size_t i = 0; i < 3; i++) {
        memset(&fed, 0, sizeof(fed));
        assert_int_equal(import(d, make_set(0xe0f2, sizes[i], 0, i == 0 ? 1 : 521 - i)), ROT_OK);
        assert_int_equal(fed.count, 2);
        assert_int_equal(fed.tags[0], 0x30);
        assert_int_equal(fed.tags[1], 0x31);
    }
    /* The part did not say what the public key is. */
    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), pub, 91, &n), ROT_E_EMPTY);
}

static void
other_sets_are_not(void **state)
{
    struct desk *d = *state;
    size_t len;

    generate(d, ROT_LDEVID(0));
    memset(&fed, 0, sizeof(fed));
    d->part.lie = watch;
    for (len = 1; len < 3 + 219 + 3 + 500; len += 7) {
        (void)make_set(0xe0f2, 64, 0, 500);
        assert_int_equal(import(d, len), ROT_E_FORMAT);
    }
    assert_int_equal(import(d, make_set(0xe0f3, 64, 0, 100)), ROT_E_FORMAT);
    assert_int_equal(import(d, make_set(0xe0f2, 96, 0, 100)), ROT_E_FORMAT);
    assert_int_equal(import(d, make_set(0xe0f2, 64, 0, 0)), ROT_E_FORMAT);
    assert_int_equal(import(d, make_set(0xe0f2, 64, 0, 521)), ROT_E_FORMAT);
    assert_int_equal(import(d, make_set(0xe0f2, 64, 1, 100)), ROT_E_FORMAT); /* no key is so long */
    assert_int_equal(import(d, make_set(0xe0f2, 64, 0, 100) + 1), ROT_E_FORMAT);
    len = make_set(0xe0f2, 64, 0, 100);
    set[1] ^= 2; /* a manifest of more than a command holds */
    assert_int_equal(import(d, len), ROT_E_FORMAT);
    len = make_set(0xe0f2, 64, 0, 100);
    set[0] = 0x32;
    assert_int_equal(import(d, len), ROT_E_FORMAT);
    assert_int_equal(fed.count, 0);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(4), ROT_ALG_AES128, set, len),
                     ROT_E_UNSUPPORTED);
    len = make_set(0xe0f1, 64, 0, 100);
    assert_int_equal(rot_key_import(&d->chip, ROT_IDEVID, ROT_ALG_P256, set, len),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(fed.count, 0);
    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), pub, 91, &n), ROT_OK);
    plan(d, 0x83, 0x2c, "", 0);
    assert_int_equal(import(d, make_set(0xe0f2, 64, 0, 100)), ROT_E_MISMATCH);
    assert_int_equal(rot_raw_status(&d->chip), 0x2c);
    d->part.lie = NULL;
    is_kept(d, ROT_LDEVID(0), 0xe0f2);
}

/* ---- Random -------------------------------------------------------------------------------------------------- */

static void
random_bytes_of_every_length(void **state)
{
    struct desk *d = *state;
    static const size_t sizes[] = {1, 7, 8, 9, 255, 256, 257, 263, 512, 4096};
    uint8_t *p = malloc(4097);

    assert_non_null(p);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(p, 0, 4097);
        assert_int_equal(rot_random(&d->chip, p, sizes[i]), ROT_OK);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], (uint8_t)(0x80 + k % 256));
        assert_int_equal(p[sizes[i]], 0);
    }
    plan(d, 0x8c, 0, "1234567", 7);
    assert_int_equal(rot_random(&d->chip, p, 8), ROT_E_FORMAT);
    free(p);
}

/* ---- Evidence -------------------------------------------------------------------------------------------------- */

static const uint8_t *
piece(const uint8_t **at, size_t *ret_len)
{
    const uint8_t *p = *at + 2;

    *ret_len = (size_t)(*at)[0] << 8 | (*at)[1];
    *at = p + *ret_len;
    return p;
}

static void
evidence_says_what_the_document_says(void **state)
{
    struct desk *d = *state;
    static uint8_t buf[ROT_EVIDENCE_MAX];
    struct rot_evidence e = {.buf = buf, .cap = sizeof(buf)};
    static const uint8_t context[] = "rootsmith optiga evidence";
    uint8_t nonce[32] = {5}, raw[64];
    struct rot_bytes parts[] = {{context, sizeof(context)}, {nonce, 32}, {buf, 0}};
    const uint8_t *at = buf + 1, *p;
    size_t len = 0;

    e.cap = 2047;
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_SPACE);
    assert_int_equal(e.len, 2048);
    e.cap = sizeof(buf);
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_EMPTY);
    generate(d, ROT_IDEVID);
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(e.format, ROT_EVIDENCE_OPTIGA_CHAIN);
    assert_int_equal(buf[0], 1);
    p = piece(&at, &len);
    assert_int_equal(len, 516);
    assert_memory_equal(p, desk_data(d, 0xe0e0), 516);
    p = piece(&at, &len);
    assert_int_equal(len, 27);
    assert_memory_equal(p, desk_data(d, 0xe0c2), 27);
    p = piece(&at, &len);
    assert_memory_equal(p, "\xe0\xf1\x20", 3);
    assert_int_equal(p[3] + 4u, len);
    p = piece(&at, &len);
    assert_int_equal(len, 91);
    assert_memory_equal(p, pub, 91);
    parts[2].len = (size_t)(at - buf);
    p = piece(&at, &len);
    assert_ptr_equal(at, buf + e.len);
    assert_int_equal(rot_ecdsa_from_der(p, len, 32, raw), ROT_OK);
    assert_int_equal(host(d)->ops->hash(host(d)->self, ROT_HASH_SHA256, parts, 3, digest), ROT_OK);
    assert_int_equal(host(d)->ops->ec_verify(host(d)->self, ROT_ALG_P256,
                                             fake_find(&d->part, 0xe0f0)->pub, digest, 32, raw),
                     ROT_OK);
    assert_int_equal(rot_attest(&d->chip, ROT_VENDOR(0), nonce, &e), ROT_OK);
    d->ops.hash = NULL;
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_PORT);
}

static void
a_certificate_too_big_for_evidence(void **state)
{
    struct desk *d = *state;
    static uint8_t buf[2048];
    struct rot_evidence e = {.buf = buf, .cap = sizeof(buf), .len = 7};
    uint8_t nonce[32] = {5};
    struct fake_object *o = fake_find(&d->part, 0xe0e0);

    generate(d, ROT_IDEVID);
    o->used = o->max;
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_true(e.len <= sizeof(buf));
    o->max = 1800;
    o->used = 1729;
    e.len = 7;
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_FORMAT);
    assert_int_equal(e.len, 7);
}

#define OPEN(f)   cmocka_unit_test_setup_teardown(f, desk_open, desk_done)
#define PAIRED(f) cmocka_unit_test_setup_teardown(f, desk_paired, desk_done)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(a_pair_is_made_and_its_public_key_kept),
        OPEN(the_vendors_public_key),
        OPEN(generation_is_cut),
        OPEN(generation_is_refused),
        OPEN(a_pair_that_is_sealed_stays),
        OPEN(public_keys_that_are_none),
        OPEN(signatures_are_good),
        OPEN(a_signature_of_384_bits_is_verified),
        OPEN(a_key_of_another_kind),
        PAIRED(firmware_is_verified_with_what_is_stored),
        OPEN(signatures_that_are_none),
        PAIRED(agreement_out_and_inside),
        PAIRED(derivation),
        OPEN(an_aes_key_inside),
        OPEN(the_first_version),
        OPEN(the_table_of_the_third_version),
        PAIRED(update_sets_are_passed_on),
        OPEN(other_sets_are_not),
        OPEN(random_bytes_of_every_length),
        PAIRED(evidence_says_what_the_document_says),
        OPEN(a_certificate_too_big_for_evidence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
