/*
 * keys_test.c: key pairs and evidence, checked by OpenSSL beside the part.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static const uint8_t digest[32] = {0x11, 0x22};

static int
verifies(struct desk *d, const uint8_t point[64], const uint8_t hash[32], const uint8_t *sig,
         size_t len)
{
    uint8_t raw[64];

    return rot_ecdsa_from_der(sig, len, 32, raw) == ROT_OK &&
           desk_ops(d)->ec_verify(d->openssl.port.self, ROT_ALG_P256, point, hash, 32, raw) ==
               ROT_OK;
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void
what_was_never_made_is_empty(void **state)
{
    struct desk *d = *state;
    uint8_t out[128], priv[32], peer[91];
    size_t n = 0;

    desk_peer(d, priv, peer);
    for (unsigned created = 0; created < 2; created++) {
        assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), out, sizeof(out), &n),
                         ROT_E_EMPTY);
        assert_int_equal(rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, out, 128, &n),
                         ROT_E_EMPTY);
        assert_int_equal(
            rot_agree(&d->chip, ROT_LDEVID(0), peer, sizeof(peer), ROT_SESSION(0), NULL, 0, NULL),
            ROT_E_EMPTY);
        assert_int_equal(rot_raw_status(&d->chip), created ? 0x0b : 0x05);
        assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32,
                                           (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8),
                         ROT_E_EMPTY);
        /* The element without a key. */
        assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    }
}

static void
what_a_key_may_not(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], point[64], out[128], priv[32], peer[91];
    size_t n = 0;

    desk_make(d, ROT_IDEVID, spki, point);
    desk_make(d, ROT_ATTEST(0), spki, point);
    desk_make(d, ROT_LDEVID(0), spki, point);
    desk_peer(d, priv, peer);
    /* The layout says no. */
    assert_int_equal(rot_agree(&d->chip, ROT_IDEVID, peer, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_ATTEST(0), digest, 32, out, 128, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, 0, out, 128, &n),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_import(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, priv, 32),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_delete(&d->chip, ROT_LDEVID(0)), ROT_E_UNSUPPORTED);
    /* So does the part, by the attributes that the driver gave the element. */
    ta100_begin(&d->chip, TA100_SIGN, 0, 0x8001);
    ta100_put(&d->chip, digest, 32);
    assert_int_equal(ta100_run_plain(&d->chip), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d->chip), 0x07);
    ta100_begin(&d->chip, TA100_ECDH, 0, 0x8002);
    ta100_put(&d->chip, point, 64);
    assert_int_equal(ta100_run_plain(&d->chip), ROT_E_STATE);
    ta100_begin(&d->chip, TA100_WRITE, 0, 0x8000);
    ta100_put_u16(&d->chip, 0);
    ta100_put(&d->chip, digest, 32);
    assert_int_equal(ta100_run_plain(&d->chip), ROT_E_STATE);
}

/* A key is not made in an element that somebody prepared to give it away. */
static void
somebody_elses_element_is_not_used(void **state)
{
    static const uint8_t open[8] = {0x01, 0x37, 0x00, 0, 0, 0, 0x55, 0x00};
    struct desk *d = *state;
    uint8_t spki[91];
    size_t n = 0;

    (void)fake_create(&d->part, 0x8000, open);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, spki, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(d->part.seen[0x20], 0);
    assert_int_equal(fake_find(&d->part, 0x8000)->has_content, 0);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_STATE);
}

static void
no_room_or_no_setup(void **state)
{
    static const uint8_t data[8] = {0x03, 0x00, 0x10, 0, 0, 0, 0x55, 0x04};
    struct desk *d = *state;
    uint8_t spki[91];
    size_t n = 0;

    for (unsigned i = 0; i < FAKE_ELEMENTS; i++)
        (void)fake_create(&d->part, 0x8100 + i, data);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, spki, 91, &n),
                     ROT_E_SPACE);
    fake_find(&d->part, 0x8100)->handle = 0;
    d->part.locks = 2;
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, spki, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_raw_status(&d->chip), 0x08);
}

static void
bad_peers_and_signatures(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], point[64], priv[32], peer[91], p384[120], other[96];
    size_t n = 0;
    unsigned before;

    desk_make(d, ROT_LDEVID(0), spki, point);
    desk_peer(d, priv, peer);
    before = d->part.commands;
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 90, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_FORMAT);
    memset(other, 1, sizeof(other));
    assert_int_equal(rot_spki_from_point(ROT_ALG_P384, other, p384, sizeof(p384), &n), ROT_OK);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), p384, n, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_FORMAT);
    assert_int_equal(rot_verify_digest(&d->chip, 0, p384, n, digest, 32,
                                       (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8),
                     ROT_E_FORMAT);
    assert_int_equal(rot_verify_digest(&d->chip, 0, peer, 91, digest, 48,
                                       (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8),
                     ROT_E_ARG);
    assert_int_equal(rot_verify_digest(&d->chip, 0, peer, 91, digest, 32,
                                       (const uint8_t *)"\x30\x06\x02\x01\x00\x02\x01\x01", 8),
                     ROT_E_FORMAT);
    assert_int_equal(d->part.commands, before);
    /* Off the curve: the part's to find. */
    peer[60] ^= 1;
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_E_FORMAT);
    assert_int_equal(rot_raw_status(&d->chip), 0x0c);
}

static void
say_two(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (command[2] == 0x22)
        a->data[0] = 2;
}

/* ---- Pairs ------------------------------------------------------------------------------------ */

static void
pairs(void **state)
{
    static const rot_object objects[] = {ROT_IDEVID, ROT_LDEVID(0), ROT_LDEVID(1)};
    static const unsigned elements[] = {0x8000, 0x8002, 0x8003};
    struct desk *d = *state;
    uint8_t spki[91], again[91], point[64], sig[80], other[32] = {0x11, 0x23};
    size_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        desk_make(d, objects[i], spki, point);
        assert_memory_equal(point, fake_find(&d->part, elements[i])->point, 64);
        assert_int_equal(rot_key_public(&d->chip, objects[i], again, 91, &n), ROT_OK);
        assert_memory_equal(again, spki, 91);
        assert_int_equal(rot_sign_digest(&d->chip, objects[i], digest, 32, sig, sizeof(sig), &n),
                         ROT_OK);
        assert_true(verifies(d, point, digest, sig, n));
        assert_int_equal(rot_verify_digest(&d->chip, objects[i], NULL, 0, digest, 32, sig, n),
                         ROT_OK);
        assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, digest, 32, sig, n), ROT_OK);
        assert_int_equal(rot_verify_digest(&d->chip, objects[i], NULL, 0, other, 32, sig, n),
                         ROT_E_MISMATCH);
        assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, other, 32, sig, n),
                         ROT_E_MISMATCH);
    }
    /* Another one in the same element. */
    desk_make(d, ROT_LDEVID(1), again, point);
    assert_memory_not_equal(again, spki, 91);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_LDEVID(1), NULL, 0, digest, 32, sig, n),
                     ROT_E_MISMATCH);
    d->part.lie = say_two;
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, digest, 32, sig, n), ROT_E_FORMAT);
}

static void
a_firmware_key_verifies(void **state)
{
    struct desk *d = *state;
    uint8_t priv[32], spki[91], back[91], raw[64], sig[80], other[32] = {9};
    size_t n = 0, need = 0, len = 0;

    desk_peer(d, priv, spki);
    assert_int_equal(
        desk_ops(d)->ec_sign(d->openssl.port.self, ROT_ALG_P256, priv, digest, 32, raw), ROT_OK);
    assert_int_equal(rot_ecdsa_to_der(raw, 32, sig, sizeof(sig), &n), ROT_OK);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 90, 90, &need),
        ROT_E_FORMAT);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 50, 91, &need),
        ROT_E_FORMAT);
    assert_int_equal(rot_object_size(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, &len), ROT_E_EMPTY);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 91, 91, &need), ROT_OK);
    assert_int_equal(rot_object_size(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, &len), ROT_OK);
    assert_int_equal(len, 91);
    assert_int_equal(
        rot_object_read(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, back, sizeof(back), &len),
        ROT_OK);
    assert_int_equal(len, 91);
    assert_memory_equal(back, spki, 91);
    assert_int_equal(
        rot_object_read(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 80, back, sizeof(back), &len),
        ROT_OK);
    assert_int_equal(len, 11);
    assert_memory_equal(back, spki + 80, 11);
    assert_int_equal(
        rot_object_read(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 91, back, sizeof(back), &len),
        ROT_OK);
    assert_int_equal(len, 0);
    d->part.seen[0x20] = 0;
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                     ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, other, 32, sig, n),
                     ROT_E_MISMATCH);
    assert_int_equal(d->part.seen[0x22], 2);
    assert_int_equal(d->part.seen[0x20], 0);
}

/* ---- Evidence ------------------------------------------------------------------------------------ */

static void
no_evidence_without_the_key(void **state)
{
    struct desk *d = *state;
    uint8_t room[ROT_EVIDENCE_MAX], nonce[32] = {7}, spki[91], point[64];
    struct rot_evidence e = {.buf = room, .cap = 211};

    desk_make(d, ROT_IDEVID, spki, point);
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_SPACE);
    assert_int_equal(e.len, 212);
    e.cap = sizeof(room);
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_EMPTY);
    assert_int_equal(rot_attest(&d->chip, ROT_LDEVID(0), nonce, &e), ROT_E_EMPTY);
    assert_int_equal(e.format, ROT_EVIDENCE_NONE);
}

/* The message of the page's section 5, from the evidence alone. */
static int
is_evidence(struct desk *d, const uint8_t *e, const uint8_t nonce[32])
{
    const struct rot_bytes parts[] = {{(const uint8_t *)"SIM-TA100-PLACEHOLDER", 21},
                                      {(const uint8_t *)"\x01", 1},
                                      {e + 1, 8},
                                      {e + 9, 2},
                                      {e + 11, 8},
                                      {e + 19, 1},
                                      {e + 20, 64},
                                      {nonce, 32}};
    uint8_t hash[32];

    assert_int_equal(desk_ops(d)->hash(d->openssl.port.self, ROT_HASH_SHA256, parts, 8, hash),
                     ROT_OK);
    return desk_ops(d)->ec_verify(d->openssl.port.self, ROT_ALG_P256, e + 84, hash, 32, e + 148) ==
           ROT_OK;
}

static void
evidence(void **state)
{
    struct desk *d = *state;
    uint8_t room[300], nonce[32] = {7}, spki[91], point[64], signer[64];
    struct rot_evidence e = {.buf = room, .cap = sizeof(room)};

    desk_make(d, ROT_ATTEST(0), spki, signer);
    desk_make(d, ROT_IDEVID, spki, point);
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(e.format, ROT_EVIDENCE_TA100_PLACEHOLDER);
    assert_int_equal(e.len, 212);
    assert_int_equal(room[0], 1);
    assert_memory_equal(room + 1, d->part.config, 8);
    assert_memory_equal(room + 9, "\x80\x00\x01\x11\x00\x00\x00\x00\x01\x00\x01", 11);
    assert_memory_equal(room + 20, point, 64);
    assert_memory_equal(room + 84, signer, 64);
    assert_true(is_evidence(d, room, nonce));
    nonce[31] ^= 1;
    assert_false(is_evidence(d, room, nonce));
    nonce[31] ^= 1;
    for (size_t at = 1; at < 84; at++) {
        room[at] ^= 1;
        assert_false(is_evidence(d, room, nonce));
        room[at] ^= 1;
    }
    /* Of a locked one it says so. */
    fake_find(&d->part, 0x8000)->is_locked = 1;
    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(room[19], 3);
    assert_true(is_evidence(d, room, nonce));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        READY(what_was_never_made_is_empty),
        READY(what_a_key_may_not),
        READY(somebody_elses_element_is_not_used),
        READY(no_room_or_no_setup),
        READY(bad_peers_and_signatures),
        READY(pairs),
        READY(a_firmware_key_verifies),
        READY(no_evidence_without_the_key),
        READY(evidence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
