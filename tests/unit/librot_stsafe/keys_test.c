/*
 * keys_test.c: key pairs, sessions and evidence, checked by OpenSSL beside the part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

#include <openssl/x509.h>

static const uint8_t digest[32] = {0x11, 0x22};

static void
make(struct desk *d, rot_object obj, uint8_t spki[91])
{
    size_t n = 0;

    assert_int_equal(rot_key_generate(&d->chip, obj, ROT_ALG_P256, spki, 91, &n), ROT_OK);
    assert_int_equal(n, 91);
}

static int
verifies(const uint8_t *spki, size_t spki_len, const uint8_t hash[32], const uint8_t *sig,
         size_t len)
{
    const uint8_t *at = spki;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki_len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    int ok;

    assert_non_null(ctx);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    ok = EVP_PKEY_verify(ctx, sig, len, hash, 32) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* A key of the host's and its SubjectPublicKeyInfo. */
static EVP_PKEY *
host_key(uint8_t spki[91])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t *at = spki;

    assert_non_null(key);
    assert_int_equal(i2d_PUBKEY(key, &at), 91);
    return key;
}

/* ---- Refusals ---------------------------------------------------------------------------- */

static void
an_empty_slot_is_empty(void **state)
{
    struct desk *d = *state;
    uint8_t out[128], peer[91];
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), out, sizeof(out), &n), ROT_E_EMPTY);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, out, sizeof(out), &n),
                     ROT_E_EMPTY);
    assert_int_equal(
        rot_agree(&d->chip, ROT_LDEVID(0), peer, sizeof(peer), 0, out, sizeof(out), &n),
        ROT_E_EMPTY);
    EVP_PKEY_free(key);
}

static void
the_vendors_key_stays(void **state)
{
    struct desk *d = *state;
    uint8_t out[128];
    size_t n = 0;

    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, out, sizeof(out), &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_generate(&d->chip, ROT_VENDOR(0), ROT_ALG_P256, out, sizeof(out), &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_delete(&d->chip, ROT_LDEVID(0)), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_import(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, out, 32),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(d->part.seen[0][STSAFE_GENERATE_KEY], 0);
}

static void
bad_peers_are_refused(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], peer[91], out[32];
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    make(d, ROT_LDEVID(0), spki);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 90, 0, out, 32, &n), ROT_E_FORMAT);
    peer[60] ^= 1; /* off the curve: the part's to find */
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, 0, out, 32, &n), ROT_E_FORMAT);
    assert_int_equal(rot_raw_status(&d->chip), 0x19);
    EVP_PKEY_free(key);
}

/* Certificates that the walk to the key must survive: cut, or with lengths that lead astray. */
static void
a_broken_leaf_gives_no_key(void **state)
{
    struct desk *d = *state;
    uint8_t *leaf = d->part.zones[0].data, out[128], kept[1000];
    size_t n = 0;
    unsigned ok = 0;

    memcpy(kept, leaf, sizeof(kept));
    for (size_t i = 0; i < 300; i++) {
        for (unsigned v = 0; v < 3; v++) {
            static const uint8_t values[] = {0x00, 0x82, 0xff};
            rot_err rc;

            stsafe_of(&d->chip)->has_vendor_point = 0;
            leaf[i] = values[v];
            rc = rot_key_public(&d->chip, ROT_IDEVID, out, sizeof(out), &n);
            assert_true(rc == ROT_OK || rc == ROT_E_FORMAT || rc == ROT_E_EMPTY);
            ok += rc == ROT_OK;
            leaf[i] = kept[i];
        }
    }
    assert_true(ok < 900);
    d->part.zones[0].size = 200;
    stsafe_of(&d->chip)->has_vendor_point = 0;
    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, out, sizeof(out), &n), ROT_E_UNSUPPORTED);
}

/* A cut between the new pair and its public key leaves no key of the old one. */
static void
a_cut_generation_leaves_no_stale_key(void **state)
{
    struct desk *d = *state;
    uint8_t first[91], second[91], there[91], sig[80];

    for (unsigned at = 1, through = 0; !through; at++) {
        size_t n = 0;
        rot_err rc;

        make(d, ROT_LDEVID(0), first);
        d->part.transfers = 0;
        d->part.cut_at = at;
        d->part.cut_after = at % 2 != 0;
        through = rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, second, 91, &n) == ROT_OK;
        rot_close(&d->chip);
        d->part.is_cut = 0;
        d->part.cut_at = 0;
        assert_int_equal(desk_open(d), ROT_OK);
        rc = rot_key_public(&d->chip, ROT_LDEVID(0), there, 91, &n);
        assert_true(rc == ROT_OK || rc == ROT_E_EMPTY);
        if (through)
            assert_int_equal(rc, ROT_OK);
        if (rc == ROT_OK) {
            assert_int_equal(
                rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n), ROT_OK);
            assert_true(verifies(there, 91, digest, sig, n));
        }
        assert_true(at < 60);
    }
}

/* ---- Key pairs ---------------------------------------------------------------------------------- */

static void
signs_and_verifies(struct desk *d, rot_object obj, const uint8_t *spki)
{
    uint8_t sig[80], other[32] = {0x11, 0x23};
    size_t n = 0;

    assert_int_equal(rot_sign_digest(&d->chip, obj, digest, 32, sig, sizeof(sig), &n), ROT_OK);
    assert_true(verifies(spki, 91, digest, sig, n));
    assert_int_equal(rot_verify_digest(&d->chip, obj, NULL, 0, digest, 32, sig, n), ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, digest, 32, sig, n), ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, obj, NULL, 0, other, 32, sig, n), ROT_E_MISMATCH);
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, digest, 32, sig, n - 1),
                     ROT_E_FORMAT);
}

static void
the_vendors_key_signs(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], vendor[91];
    size_t n = 0;

    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, spki, sizeof(spki), &n), ROT_OK);
    assert_int_equal(rot_key_public(&d->chip, ROT_VENDOR(0), vendor, sizeof(vendor), &n), ROT_OK);
    assert_memory_equal(spki, vendor, 91);
    signs_and_verifies(d, ROT_IDEVID, spki);
}

static void
a_pair_is_made_and_kept(void **state)
{
    struct desk *d = *state;
    uint8_t first[91], second[91], there[91];
    size_t n = 0;

    make(d, ROT_LDEVID(0), first);
    make(d, ROT_LDEVID(0), second);
    assert_memory_not_equal(first, second, 91);
    signs_and_verifies(d, ROT_LDEVID(0), second);
    rot_close(&d->chip);
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), there, 91, &n), ROT_OK);
    assert_memory_equal(second, there, 91);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), there, 91, &n), ROT_OK);
    assert_memory_equal(second, there, 91);
}

static void
a_firmware_key_verifies(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], sig[80], other[32] = {9};
    EVP_PKEY *key = host_key(spki);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t n = sizeof(sig), need = 0;

    assert_non_null(ctx);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, sig, &n, digest, 32), 1);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                     ROT_E_EMPTY);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 91, 91, &need), ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                     ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, other, 32, sig, n),
                     ROT_E_MISMATCH);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static void
agreed(struct desk *d, EVP_PKEY *mine, const uint8_t *peer, uint8_t want[32])
{
    const uint8_t *at = peer;
    EVP_PKEY *theirs = d2i_PUBKEY(NULL, &at, 91);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
    size_t n = 32;

    (void)d;
    assert_true(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, want, &n) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
}

static void
agrees_with_the_host(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], peer[91], secret[32], want[32];
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    make(d, ROT_LDEVID(0), spki);
    agreed(d, key, spki, want);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, 0, secret, 31, &n), ROT_E_SPACE);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, 0, secret, 32, &n), ROT_OK);
    assert_memory_equal(secret, want, 32);
    EVP_PKEY_free(key);
}

/* ---- Sessions --------------------------------------------------------------------------------------- */

static uint8_t
where(struct desk *d, rot_object obj, enum rot_primitive p)
{
    struct rot_capability cap;

    assert_int_equal(rot_capabilities(&d->chip, obj, &cap), ROT_OK);
    return cap.where[p];
}

/* An A110 lets nobody wrap but the host that it knows: no channel, no sessions. */
static void
no_sessions_in_the_clear(void **state)
{
    struct desk *d = *state;
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    uint8_t spki[91], peer[91], out[64];
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    make(d, ROT_LDEVID(0), spki);
    for (int i = 0; i < ROT_PRIMITIVES; i++) {
        if (i != ROT_CAN_RANDOM && i != ROT_CAN_CHANNEL)
            assert_int_equal(where(d, ROT_SESSION(0), (enum rot_primitive)i), ROT_NOWHERE);
    }
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_generate(&d->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, out, 64, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_delete(&d->chip, ROT_SESSION(0)), ROT_E_UNSUPPORTED);
    assert_int_equal(d->part.seen[0][STSAFE_WRAP], 0);
    EVP_PKEY_free(key);
}

static void
an_empty_session_is_empty(void **state)
{
    struct desk *d = *state;
    uint8_t out[64], nonce[12] = {0};
    size_t n = 0;

    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(1), ROT_AEAD_AES_GCM,
                                   (struct rot_bytes){nonce, 12}, (struct rot_bytes){NULL, 0},
                                   (struct rot_bytes){digest, 32}, out, 64, &n),
                     ROT_E_EMPTY);
    assert_int_equal(rot_key_delete(&d->chip, ROT_SESSION(0)), ROT_E_EMPTY);
}

/* The secret that both agreed on, and no other, is in the session; and never on the bus. */
static void
a_session_is_agreed_and_used(void **state)
{
    struct desk *d = *state;
    struct rot_kdf_params p = {
        .kdf = ROT_KDF_HKDF_SHA256, .info = {(const uint8_t *)"key", 3}, .out_len = 16};
    const struct rot_bytes msg = {digest, 32}, nonce = {digest, 12}, none = {NULL, 0};
    uint8_t spki[91], peer[91], want[32], mac[32], mine[32], derived[16], box[48], open[48];
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    make(d, ROT_LDEVID(0), spki);
    agreed(d, key, spki, want);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_OK);
    assert_int_equal(d->part.heard_len, 33);
    assert_memory_equal(d->part.heard + 1, want, 32);
    assert_memory_not_equal(d->part.bus + 2, want, 32);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, mac, 32, &n), ROT_OK);
    assert_int_equal(d->port.ops->hmac(d->port.self, ROT_HASH_SHA256, (struct rot_bytes){want, 32},
                                       &msg, 1, mine),
                     ROT_OK);
    assert_memory_equal(mac, mine, 32);

    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_OK);
    assert_int_equal(d->port.ops->kdf(d->port.self, (struct rot_bytes){want, 32}, &p, derived),
                     ROT_OK);
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, nonce, none, msg,
                                   box, sizeof(box), &n),
                     ROT_OK);
    assert_int_equal(n, 48);
    assert_int_equal(d->port.ops->aead(d->port.self, ROT_AEAD_AES_GCM,
                                       (struct rot_bytes){derived, 16}, nonce, none, 0,
                                       (struct rot_bytes){box, 48}, open),
                     ROT_OK);
    assert_memory_equal(open, digest, 32);
    box[47] ^= 1;
    assert_int_equal(rot_aead_open(&d->chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, nonce, none,
                                   (struct rot_bytes){box, 48}, open, sizeof(open), &n),
                     ROT_E_MISMATCH);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(1), digest, 32, mac, 32, &n), ROT_OK);
    assert_int_equal(n, 16);
    EVP_PKEY_free(key);
}

static void
sessions_end(void **state)
{
    struct desk *d = *state;
    uint8_t out[64];
    size_t n = 7;

    assert_int_equal(rot_key_generate(&d->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, out, 64, &n),
                     ROT_OK);
    assert_int_equal(n, 0);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_OK);
    assert_int_equal(rot_key_delete(&d->chip, ROT_SESSION(0)), ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_generate(&d->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, out, 64, &n),
                     ROT_OK);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    /* The envelope's key was made once, when the first wrap found none. */
    assert_int_equal(d->part.seen[0][STSAFE_GENERATE_KEY], 1);
}

/* A raw shared secret is no AES key. */
static void
a_secret_must_fit_its_session(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], peer[91];
    EVP_PKEY *key = host_key(peer);

    make(d, ROT_LDEVID(0), spki);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    EVP_PKEY_free(key);
}

/* ---- Symmetric slots of an A120 ------------------------------------------------------------------------ */

static void
an_a110_has_no_symmetric_slot(void **state)
{
    struct desk *d = *state;
    const struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 16};
    uint8_t spki[91], peer[91], out[64] = {0};
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    make(d, ROT_LDEVID(0), spki);
    assert_int_equal(where(d, ROT_SESSION(2), ROT_CAN_MAC), ROT_NOWHERE);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(2), &p, ROT_SESSION(3), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_delete(&d->chip, ROT_SESSION(2)), ROT_E_UNSUPPORTED);
    EVP_PKEY_free(key);
}

/* The slot of an A120 with this key in this mode, or -1. */
static int
slot_with(const struct desk *d, const uint8_t *key, size_t len, uint8_t mode)
{
    for (int i = 0; i < FAKE_SYMMETRIC; i++) {
        const struct fake_symmetric *k = &d->part.symmetric[i];

        if (k->len == len && k->info[2] == mode && memcmp(k->key, key, len) == 0)
            return i;
    }
    return -1;
}

static unsigned
slots_full(const struct desk *d)
{
    unsigned n = 0;

    for (unsigned i = 0; i < FAKE_SYMMETRIC; i++)
        n += d->part.symmetric[i].len != 0;
    return n;
}

/* session/2 has what both agreed on, in the clear in `want`. */
static void
agree_inside(struct desk *d, uint8_t want[32])
{
    uint8_t spki[91], peer[91];
    EVP_PKEY *key = host_key(peer);

    make(d, ROT_LDEVID(0), spki);
    agreed(d, key, spki, want);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_OK);
    EVP_PKEY_free(key);
}

static const struct rot_kdf_params to_aes = {
    .kdf = ROT_KDF_HKDF_SHA256, .info = {(const uint8_t *)"key", 3}, .out_len = 16};

static rot_err
derive_inside(struct desk *d)
{
    return rot_derive(&d->chip, ROT_SESSION(2), &to_aes, ROT_SESSION(3), NULL, 0, NULL);
}

static void
an_a120_computes_inside(void **state)
{
    struct desk *d = *state;
    const struct rot_bytes msg = {digest, 32}, nonce = {digest, 12}, longer = {digest, 13};
    uint8_t want[32], key[16], mac[32], mine[32], box[48], open[48];
    size_t n = 0;

    assert_int_equal(where(d, ROT_SESSION(2), ROT_CAN_DERIVE), ROT_IN_CHIP);
    assert_int_equal(where(d, ROT_SESSION(3), ROT_CAN_DERIVE), ROT_NOWHERE);
    assert_int_equal(where(d, ROT_SESSION(3), ROT_CAN_AEAD), ROT_IN_CHIP);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, mac, 32, &n), ROT_E_EMPTY);
    assert_int_equal(derive_inside(d), ROT_E_EMPTY);
    agree_inside(d, want);
    assert_true(slot_with(d, want, 32, 4) >= 0 && slot_with(d, want, 32, 5) >= 0);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, mac, 32, &n), ROT_OK);
    assert_int_equal(d->port.ops->hmac(d->port.self, ROT_HASH_SHA256, (struct rot_bytes){want, 32},
                                       &msg, 1, mine),
                     ROT_OK);
    assert_memory_equal(mac, mine, 32);

    assert_int_equal(derive_inside(d), ROT_OK);
    assert_int_equal(d->port.ops->kdf(d->port.self, (struct rot_bytes){want, 32}, &to_aes, key),
                     ROT_OK);
    assert_true(slot_with(d, key, 16, 1) >= 0 && slot_with(d, key, 16, 3) >= 0);
    assert_int_equal(slots_full(d), 4);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(3), digest, 32, mac, 32, &n), ROT_OK);
    assert_int_equal(
        d->port.ops->aes_cmac(d->port.self, (struct rot_bytes){key, 16}, &msg, 1, mine), ROT_OK);
    assert_memory_equal(mac, mine, 16);
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_GCM, nonce, msg, msg, box,
                                   sizeof(box), &n),
                     ROT_OK);
    assert_int_equal(n, 48);
    assert_int_equal(d->port.ops->aead(d->port.self, ROT_AEAD_AES_GCM, (struct rot_bytes){key, 16},
                                       nonce, msg, 0, (struct rot_bytes){box, 48}, open),
                     ROT_OK);
    assert_memory_equal(open, digest, 32);
    memset(open, 0, sizeof(open));
    assert_int_equal(rot_aead_open(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_GCM, nonce, msg,
                                   (struct rot_bytes){box, 48}, open, sizeof(open), &n),
                     ROT_OK);
    assert_memory_equal(open, digest, 32);
    box[40] ^= 1;
    assert_int_equal(rot_aead_open(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_GCM, nonce, msg,
                                   (struct rot_bytes){box, 48}, open, sizeof(open), &n),
                     ROT_E_MISMATCH);
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_CCM, longer, msg, msg,
                                   box, sizeof(box), &n),
                     ROT_E_UNSUPPORTED);
}

static void
what_does_not_fit_inside_is_refused(void **state)
{
    struct desk *d = *state;
    static const uint8_t big[500] = {0};
    struct rot_kdf_params p = to_aes;
    uint8_t want[32], out[520];
    size_t n = 0;

    agree_inside(d, want);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), big, sizeof(big), out, 32, &n), ROT_E_ARG);
    assert_int_equal(derive_inside(d), ROT_OK);
    assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_GCM,
                                   (struct rot_bytes){big, 12}, (struct rot_bytes){NULL, 0},
                                   (struct rot_bytes){big, 500}, out, sizeof(out), &n),
                     ROT_E_ARG);
    p.out_len = 48;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(2), &p, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    p.kdf = ROT_KDF_TLS12_PRF_SHA256;
    p.label = p.info;
    p.out_len = 32;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(2), &p, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    /* Out of the part, to an envelope, and from a cipher's key. */
    p = to_aes;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(2), &p, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(3), &p, ROT_SESSION(3), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(slots_full(d), 4);
}

/* Slots of sessions are used again; those of others are let be. */
static void
slots_are_given_back(void **state)
{
    struct desk *d = *state;
    static const struct fake_symmetric others = {
        .info = {0, 0, 2, 0, 12}, .info_len = 5, .len = 16};
    const struct rot_kdf_params again = {
        .kdf = ROT_KDF_HKDF_EXPAND, .info = {(const uint8_t *)"key", 3}, .out_len = 32};
    uint8_t want[32], next[32], mac[32];
    size_t n = 0;

    d->part.symmetric[9] = d->part.symmetric[3] = d->part.symmetric[0] = others;
    agree_inside(d, want);
    assert_int_equal(slots_full(d), 3); /* two of the session's, and number 9 */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(derive_inside(d), ROT_OK);
        assert_int_equal(d->port.ops->kdf(d->port.self, (struct rot_bytes){want, 32}, &again, next),
                         ROT_OK);
        assert_int_equal(
            rot_derive(&d->chip, ROT_SESSION(2), &again, ROT_SESSION(2), NULL, 0, NULL), ROT_OK);
        memcpy(want, next, 32);
        assert_true(slot_with(d, want, 32, 4) >= 0 && slot_with(d, want, 32, 5) >= 0);
        assert_int_equal(slots_full(d), 5);
    }
    assert_int_equal(rot_key_delete(&d->chip, ROT_SESSION(2)), ROT_OK);
    assert_int_equal(slots_full(d), 3);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, mac, 32, &n), ROT_E_EMPTY);
    assert_int_equal(rot_key_delete(&d->chip, ROT_SESSION(2)), ROT_E_EMPTY);
    /* A new conversation knows nothing of them, and erases them before it begins. */
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(3), digest, 32, mac, 32, &n), ROT_E_EMPTY);
    agree_inside(d, want);
    assert_int_equal(slots_full(d), 3);
    assert_memory_equal(&d->part.symmetric[9], &others, sizeof(others));
}

/* An answer of another kind than the command's, or one that would end another session. */
struct slot_lie {
    unsigned code, skip;
    uint8_t status, byte;
    size_t len;
};

static void
say_another_slot(void *arg, unsigned code, struct fake_said *said)
{
    struct slot_lie *lie = arg;

    if (code != (lie->code & 0xff) || lie->skip-- != 0)
        return;
    said->status = lie->status;
    said->len = lie->len;
    memset(said->payload, lie->byte, lie->len);
}

static void
no_slot_is_believed(void **state)
{
    static const struct slot_lie lies[] = {
        {STSAFE_DERIVE, 0, 0, 16, 1},  {STSAFE_DERIVE, 0, 0, 0, 1}, {STSAFE_DERIVE, 1, 0, 1, 1},
        {STSAFE_DERIVE, 1, 0, 2, 1},   {STSAFE_DERIVE, 0, 0, 5, 0}, {STSAFE_DERIVE, 0, 0, 5, 2},
        {STSAFE_DERIVE, 0, 0x14, 0, 0}};
    struct desk *d = *state;
    uint8_t want[32], mac[32];
    size_t n = 0;

    agree_inside(d, want);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct slot_lie lie = lies[i];

        d->part.lie = say_another_slot;
        d->part.arg = &lie;
        assert_int_equal(derive_inside(d), lie.status == 0 ? ROT_E_FORMAT : ROT_E_CHIP);
        d->part.lie = NULL;
        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, mac, 32, &n), ROT_OK);
        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(3), digest, 32, mac, 32, &n), ROT_E_EMPTY);
    }
    assert_int_equal(derive_inside(d), ROT_OK);
    assert_int_equal(slots_full(d), 4); /* what was left behind is gone */
}

static void
no_answer_of_another_length_is_believed(void **state)
{
    static const struct slot_lie lies[] = {
        {STSAFE_GENERATE_MAC, 0, 0, 7, 15}, {STSAFE_GENERATE_MAC, 0, 0, 7, 17},
        {STSAFE_ENCRYPT, 0, 0, 7, 47},      {STSAFE_ENCRYPT, 0, 0, 7, 49},
        {STSAFE_DECRYPT, 0, 0, 1, 32},      {STSAFE_DECRYPT, 0, 0, 1, 34},
        {STSAFE_DECRYPT, 0, 0, 0, 33},      {STSAFE_DECRYPT, 0, 0, 1, 0}};
    struct desk *d = *state;
    const struct rot_bytes msg = {digest, 32}, nonce = {digest, 12}, none = {NULL, 0};
    uint8_t want[32], out[48] = {0};
    size_t n = 0;

    agree_inside(d, want);
    assert_int_equal(derive_inside(d), ROT_OK);
    d->part.lie = say_another_slot;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct slot_lie lie = lies[i];
        rot_err rc;

        d->part.arg = &lie;
        if (lie.code == STSAFE_GENERATE_MAC)
            rc = rot_mac(&d->chip, ROT_SESSION(3), digest, 32, out, 32, &n);
        else if (lie.code == STSAFE_ENCRYPT)
            rc = rot_aead_seal(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_GCM, nonce, none, msg, out,
                               sizeof(out), &n);
        else
            rc = rot_aead_open(&d->chip, ROT_SESSION(3), ROT_AEAD_AES_GCM, nonce, none,
                               (struct rot_bytes){out, 48}, out, sizeof(out), &n);
        assert_int_equal(rc, ROT_E_FORMAT);
    }
}

/* A write that fails leaves the secret that was there. */
static void
a_refused_secret_leaves_the_old_one(void **state)
{
    struct desk *d = *state;
    struct slot_lie lie = {STSAFE_WRITE_SYMMETRIC, 1, 0x11, 0, 0};
    uint8_t want[32], spki[91], peer[91], mac[32], mine[32];
    EVP_PKEY *key = host_key(peer);
    const struct rot_bytes msg = {digest, 32};
    size_t n = 0;

    agree_inside(d, want);
    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), spki, 91, &n), ROT_OK);
    d->part.lie = say_another_slot;
    d->part.arg = &lie;
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(2), NULL, 0, NULL),
                     ROT_E_AUTH);
    d->part.lie = NULL;
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, mac, 32, &n), ROT_OK);
    assert_int_equal(d->port.ops->hmac(d->port.self, ROT_HASH_SHA256, (struct rot_bytes){want, 32},
                                       &msg, 1, mine),
                     ROT_OK);
    assert_memory_equal(mac, mine, 32);
    assert_int_equal(derive_inside(d), ROT_OK);
    assert_int_equal(slots_full(d), 4);
    EVP_PKEY_free(key);
}

/* ---- The other layout ----------------------------------------------------------------------------------- */

static void
open_own(struct desk *d)
{
    rot_close(&d->chip);
    d->setup.layout = stsafe_layouts[1];
    assert_int_equal(desk_open(d), ROT_OK);
}

static void
an_own_identity_is_made_in_slot_1(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], out[91];
    size_t n = 0, need = 0;

    open_own(d);
    make(d, ROT_IDEVID, spki);
    assert_non_null(d->part.slots[1]);
    signs_and_verifies(d, ROT_IDEVID, spki);
    assert_int_equal(where(d, ROT_LDEVID(0), ROT_CAN_GENERATE), ROT_NOWHERE);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, out, 91, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, out, 91, &n),
                     ROT_E_UNSUPPORTED);
    /* The data seal fixes the key with its certificate: its public key cannot be replaced. */
    assert_int_equal(rot_object_write(&d->chip, ROT_IDEVID, ROT_PART_CERT, 0, spki, 91, 91, &need),
                     ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, out, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, out, 91, &n), ROT_OK);
    assert_memory_equal(out, spki, 91);
    signs_and_verifies(d, ROT_IDEVID, spki);
}

static void
an_a120_has_more_slots(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91];

    open_own(d);
    make(d, ROT_LDEVID(0), spki);
    assert_non_null(d->part.slots[2]);
    signs_and_verifies(d, ROT_LDEVID(0), spki);
}

/* ---- Evidence --------------------------------------------------------------------------------------------- */

static struct rot_bytes
take(const uint8_t **p, const uint8_t *end)
{
    size_t n;

    assert_true(end - *p >= 2);
    n = (size_t)(*p)[0] << 8 | (*p)[1];
    *p += 2;
    assert_true((size_t)(end - *p) >= n);
    *p += n;
    return (struct rot_bytes){*p - n, n};
}

/* As a server reads it: with the nonce, and nothing else from the device. */
static void
check_evidence(struct desk *d, rot_object obj, const uint8_t *spki)
{
    static uint8_t room[ROT_EVIDENCE_MAX];
    struct rot_evidence e = {.buf = room, .cap = sizeof(room)};
    const uint8_t nonce[32] = {7}, *p = room, *at;
    struct rot_bytes leaf, key, sig, parts[3];
    uint8_t hash[32], leaf_key[91], *out = leaf_key;
    X509 *x;

    assert_int_equal(rot_attest(&d->chip, obj, nonce, &e), ROT_OK);
    assert_int_equal(e.format, ROT_EVIDENCE_STSAFE_CHAIN);
    leaf = take(&p, room + e.len);
    key = take(&p, room + e.len);
    sig = take(&p, room + e.len);
    assert_ptr_equal(p, room + e.len);
    assert_int_equal(key.len, 91);
    assert_memory_equal(key.p, spki, 91);
    at = leaf.p;
    x = d2i_X509(NULL, &at, (long)leaf.len);
    assert_non_null(x);
    assert_ptr_equal(at, leaf.p + leaf.len);
    assert_int_equal(i2d_PUBKEY(X509_get0_pubkey(x), &out), 91);
    parts[0] = (struct rot_bytes){(const uint8_t *)"rootsmith stsafe 1", 19};
    parts[1] = (struct rot_bytes){nonce, 32};
    parts[2] = key;
    assert_int_equal(d->port.ops->hash(d->port.self, ROT_HASH_SHA256, parts, 3, hash), ROT_OK);
    assert_true(verifies(leaf_key, 91, hash, sig.p, sig.len));
    X509_free(x);
    e.cap = e.len - 20;
    assert_int_equal(rot_attest(&d->chip, obj, nonce, &e), ROT_E_SPACE);
    assert_true(e.len > e.cap);
}

static void
evidence_is_the_leafs_word(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91];
    struct rot_evidence e = {.buf = spki, .cap = sizeof(spki)};
    const uint8_t nonce[32] = {7};
    size_t n = 0;

    assert_int_equal(rot_attest(&d->chip, ROT_LDEVID(0), nonce, &e), ROT_E_EMPTY);
    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, spki, 91, &n), ROT_OK);
    check_evidence(d, ROT_IDEVID, spki);
    make(d, ROT_LDEVID(0), spki);
    check_evidence(d, ROT_LDEVID(0), spki);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAR(an_empty_slot_is_empty),
        CLEAR(the_vendors_key_stays),
        CLEAR(bad_peers_are_refused),
        CLEAR(a_broken_leaf_gives_no_key),
        CLEAR(a_cut_generation_leaves_no_stale_key),
        PAIRED(a_cut_generation_leaves_no_stale_key),
        CLEAR(no_sessions_in_the_clear),
        PAIRED(an_empty_session_is_empty),
        PAIRED(a_secret_must_fit_its_session),
        PAIRED(an_a110_has_no_symmetric_slot),
        A120(what_does_not_fit_inside_is_refused),
        A120(slots_are_given_back),
        A120(no_slot_is_believed),
        A120(no_answer_of_another_length_is_believed),
        A120(a_refused_secret_leaves_the_old_one),
        CLEAR(the_vendors_key_signs),
        PAIRED(the_vendors_key_signs),
        CLEAR(a_pair_is_made_and_kept),
        PAIRED(a_pair_is_made_and_kept),
        A120(a_pair_is_made_and_kept),
        PAIRED(a_firmware_key_verifies),
        CLEAR(agrees_with_the_host),
        PAIRED(agrees_with_the_host),
        PAIRED(a_session_is_agreed_and_used),
        A120(a_session_is_agreed_and_used),
        PAIRED(sessions_end),
        A120(an_a120_computes_inside),
        CLEAR(an_own_identity_is_made_in_slot_1),
        PAIRED(an_own_identity_is_made_in_slot_1),
        A120(an_a120_has_more_slots),
        CLEAR(evidence_is_the_leafs_word),
        PAIRED(evidence_is_the_leafs_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
