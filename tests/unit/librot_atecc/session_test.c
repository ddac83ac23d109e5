/*
 * session_test.c: the IO protection key, secrets inside the part, SecureBoot, counted
 * keys and evidence, checked by OpenSSL beside the part.  Refusals first.
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
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <rot/port_openssl.h>

#include "atecc.h"
#include "fake_atecc.h"

extern const struct rot_driver rot_driver_atecc;

/* ---- A part on a desk ---------------------------------------------------------------------- */

struct desk {
    struct fake_atecc part;
    struct rot_port_openssl openssl;
    struct rot_port_ops ops;
    struct rot_port port;
    struct rot_setup setup;
    struct rot_chip chip;
    uint8_t secret[32];
    int has_secret;
};

static const uint8_t serial[9] = {0x01, 0x23, 0x8b, 0x26, 0x36, 0x5d, 0xc4, 0x18, 0x01};
static const uint8_t digest[32] = {0x11, 0x22}, other[32] = {0x11, 0x23};
static const uint8_t own_key[32] = {7, 7, 7}, other_key[32] = {8, 8, 8};

static rot_err
desk_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    struct desk *d = (struct desk *)(void *)((char *)self - offsetof(struct desk, openssl));

    assert_string_equal(driver, "atecc");
    assert_true(uid.len == 9 && memcmp(uid.p, serial, 9) == 0 && len == 32);
    if (!d->has_secret)
        return ROT_E_EMPTY;
    memcpy(secret, d->secret, 32);
    return ROT_OK;
}

static rot_err
desk_open(struct desk *d)
{
    return rot_open(&d->chip, &d->setup);
}

static int
desk_make(void **state, unsigned layout, int paired)
{
    struct desk *d = calloc(1, sizeof(*d));

    if (d == NULL || rot_port_openssl_init(&d->openssl) != ROT_OK)
        return -1;
    fake_atecc_init(&d->part, atecc_layouts[layout]->config);
    d->ops = *d->openssl.port.ops;
    d->ops.channel_secret = desk_secret;
    d->port = (struct rot_port){d->openssl.port.self, &d->ops};
    d->setup = (struct rot_setup){.driver = &rot_driver_atecc,
                                  .layout = atecc_layouts[layout],
                                  .transport = &d->part.transport,
                                  .port = &d->port,
                                  .state = calloc(1, rot_driver_atecc.state_size),
                                  .state_size = rot_driver_atecc.state_size};
    memcpy(d->secret, own_key, 32);
    d->has_secret = paired;
    if (paired)
        memcpy(d->part.slots[6], own_key, 32);
    *state = d;
    return desk_open(d) == ROT_OK ? 0 : -1;
}

static int
desk_done(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    fake_atecc_done(&d->part);
    rot_port_openssl_done(&d->openssl);
    free(d->setup.state);
    free(d);
    return 0;
}

static int
desk_clear(void **state)
{
    return desk_make(state, 0, 0);
}

static int
desk_paired(void **state)
{
    return desk_make(state, 0, 1);
}

static int
desk_counted(void **state)
{
    return desk_make(state, 1, 1);
}

/* Is it on the bus, in the last command or its answer? */
static int
was_seen(const struct desk *d, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i + len <= sizeof(d->part.command); i++) {
        if (memcmp(d->part.command + i, p, len) == 0)
            return 1;
    }
    for (size_t i = 0; i + len <= d->part.answer_len; i++) {
        if (memcmp(d->part.answer + i, p, len) == 0)
            return 1;
    }
    return 0;
}

struct lie {
    unsigned op;
    size_t at;
};

static void
change_a_byte(void *arg, const uint8_t *command, uint8_t *payload, size_t *len)
{
    const struct lie *lie = arg;

    if (command[1] == lie->op && lie->at < *len && *len > 1)
        payload[lie->at] ^= 1;
}

/* ---- Keys of the host ------------------------------------------------------------------------ */

static EVP_PKEY *
host_key(uint8_t spki[91])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t *at = spki;

    assert_non_null(key);
    assert_int_equal(i2d_PUBKEY(key, &at), 91);
    return key;
}

static size_t
host_sign(EVP_PKEY *key, const uint8_t hash[32], uint8_t sig[80])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    size_t n = 80;

    assert_true(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_sign(ctx, sig, &n, hash, 32) == 1);
    EVP_PKEY_CTX_free(ctx);
    return n;
}

static void
host_agree(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t out[32])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(mine, NULL);
    size_t n = 32;

    assert_true(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, out, &n) == 1);
    EVP_PKEY_CTX_free(ctx);
}

/* ---- The IO protection key ---------------------------------------------------------------------- */

static void
another_key_is_not_believed(void **state)
{
    struct desk *d = *state;

    memcpy(d->part.slots[6], other_key, 32);
    rot_close(&d->chip);
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
}

static void
a_part_that_plays_back_is_not_believed(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.op = ATECC_OP_MAC};

    d->part.lie = change_a_byte;
    d->part.arg = &lie;
    for (lie.at = 0; lie.at < 32; lie.at++) {
        rot_close(&d->chip);
        assert_int_equal(desk_open(d), ROT_OK);
        assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    }
    d->part.arg = NULL;
}

static void
rotates(void **state)
{
    struct desk *d = *state;

    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_channel_rotate(&d->chip, own_key, 31), ROT_E_ARG);
    assert_int_equal(rot_channel_rotate(&d->chip, own_key, 32), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(d->part.seen[ATECC_OP_WRITE], 1);
    assert_int_equal(rot_channel_rotate(&d->chip, own_key, 32), ROT_OK);
    assert_int_equal(d->part.seen[ATECC_OP_WRITE], 1);
    assert_int_equal(rot_channel_has(&d->chip, own_key, 31), ROT_E_ARG);
    assert_int_equal(rot_channel_has(&d->chip, own_key, 32), ROT_OK);
    assert_int_equal(rot_channel_has(&d->chip, other_key, 32), ROT_E_AUTH);
    assert_int_equal(d->part.seen[ATECC_OP_WRITE], 1);
    assert_int_equal(rot_channel_rotate(&d->chip, other_key, 32), ROT_OK);
    assert_memory_equal(d->part.slots[6], other_key, 32);
    d->part.config[88] &= (uint8_t)~0x40u;
    assert_int_equal(rot_channel_rotate(&d->chip, own_key, 32), ROT_E_STATE);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN); /* by the key that is there */
    assert_memory_equal(d->part.slots[6], other_key, 32);
}

/* Before the configuration is locked no slot takes anything; before the data is, a part may use no key. */
static void
rotates_as_early_as_it_can(void **state)
{
    struct desk *d = *state;

    d->part.config[87] = d->part.config[86] = 0x55;
    assert_int_equal(rot_channel_rotate(&d->chip, own_key, 32), ROT_E_STATE);
    d->part.config[87] = 0;
    d->part.refuses_keys = 1;
    assert_int_equal(rot_channel_has(&d->chip, own_key, 32), ROT_E_AUTH);
    assert_int_equal(rot_channel_rotate(&d->chip, own_key, 32), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_memory_equal(d->part.slots[6], own_key, 32);
    d->part.config[86] = 0;
    assert_int_equal(rot_channel_rotate(&d->chip, other_key, 32), ROT_E_STATE);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
}

static void
an_aes_key_is_brought_encrypted(void **state)
{
    struct desk *d = *state;
    const uint8_t key[16] = {0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8};
    const struct rot_bytes msg = {digest, 32};
    uint8_t mac[16], want[16];
    size_t n = 0;

    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(2), ROT_ALG_AES128, key, 15),
                     ROT_E_FORMAT);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(1), ROT_ALG_AES128, key, 16),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(2), ROT_ALG_AES128, key, 16), ROT_OK);
    assert_memory_equal(d->part.slots[5], key, 16);
    assert_false(was_seen(d, key, 8));
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(2), digest, 32, mac, 16, &n), ROT_OK);
    assert_int_equal(
        d->port.ops->aes_cmac(d->port.self, (struct rot_bytes){key, 16}, &msg, 1, want), ROT_OK);
    assert_memory_equal(mac, want, 16);
}

static void
nothing_is_brought_in_the_clear(void **state)
{
    struct desk *d = *state;
    const uint8_t key[16] = {1};

    assert_int_equal(rot_key_import(&d->chip, ROT_SESSION(2), ROT_ALG_AES128, key, 16), ROT_E_AUTH);
    assert_int_equal(d->part.seen[ATECC_OP_WRITE], 0);
}

static void
hidden_data_is_hidden_both_ways(void **state)
{
    struct desk *d = *state;
    const uint8_t text[28] = "nobody reads this on the bus";
    uint8_t back[28];
    size_t n = 0;

    assert_int_equal(rot_object_write(&d->chip, ROT_DATA(1), ROT_PART_DATA, 0, text, 28, 28, &n),
                     ROT_OK);
    assert_false(was_seen(d, text, 8));
    assert_memory_equal(d->part.slots[5] + 4, text, 28);
    assert_int_equal(rot_object_read(&d->chip, ROT_DATA(1), ROT_PART_DATA, 0, back, 28, &n),
                     ROT_OK);
    assert_int_equal(n, 28);
    assert_memory_equal(back, text, 28);
    assert_false(was_seen(d, text, 8));
    rot_close(&d->chip);
    d->has_secret = 0;
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(rot_object_read(&d->chip, ROT_DATA(1), ROT_PART_DATA, 0, back, 28, &n),
                     ROT_E_AUTH);
}

/* ---- What is there --------------------------------------------------------------------------------- */

static void
another_answers(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.op = ATECC_OP_INFO, .at = 2};

    rot_close(&d->chip);
    d->part.lie = change_a_byte;
    d->part.arg = &lie;
    assert_int_equal(desk_open(d), ROT_E_WRONG_PART);
}

/* A piece of what was written is something else now. */
static void
bytes_that_changed_are_none(void **state)
{
    struct desk *d = *state;
    uint8_t text[28] = {1, 2, 3}, back[28];
    size_t n = 0;

    assert_int_equal(rot_object_write(&d->chip, ROT_DATA(1), ROT_PART_DATA, 0, text, 28, 28, &n),
                     ROT_OK);
    for (size_t at = 0; at < 32; at++) {
        d->part.slots[5][at] ^= 1;
        assert_int_equal(rot_object_size(&d->chip, ROT_DATA(1), ROT_PART_DATA, &n), ROT_E_EMPTY);
        assert_int_equal(rot_object_read(&d->chip, ROT_DATA(1), ROT_PART_DATA, 0, back, 28, &n),
                         ROT_E_EMPTY);
        d->part.slots[5][at] ^= 1;
    }
    assert_int_equal(rot_object_size(&d->chip, ROT_DATA(1), ROT_PART_DATA, &n), ROT_OK);
}

static void
keep_another_key(void *arg, const uint8_t *command, uint8_t *payload, size_t *len)
{
    struct fake_atecc *part = arg;

    (void)payload;
    (void)len;
    if (command[1] == ATECC_OP_WRITE)
        part->slots[13][10] ^= 1;
}

static void
what_was_not_written_is_noticed(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91];
    size_t n = 0;
    EVP_PKEY *key = host_key(spki);

    d->part.lie = keep_another_key;
    d->part.arg = &d->part;
    assert_int_equal(rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, spki, 91, 91, &n),
                     ROT_E_MISMATCH);
    d->part.lie = NULL;
    assert_int_equal(rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, spki, 91, 91, &n),
                     ROT_OK);
    EVP_PKEY_free(key);
}

/* ---- Verdicts -------------------------------------------------------------------------------------- */

static void
verifies(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], sig[80];
    EVP_PKEY *key = host_key(spki);
    size_t n = host_sign(key, digest, sig);

    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, digest, 32, sig, n), ROT_OK);
    assert_int_equal(d->part.command[2], d->has_secret ? 0xa2 : 0x22);
    assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, other, 32, sig, n), ROT_E_MISMATCH);
    EVP_PKEY_free(key);
}

/* Somebody on the bus cannot make a bad signature good. */
static void
no_verdict_is_made_up(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.op = ATECC_OP_VERIFY};
    uint8_t spki[91], sig[80];
    EVP_PKEY *key = host_key(spki);
    size_t n = host_sign(key, digest, sig);

    d->part.lie = change_a_byte;
    d->part.arg = &lie;
    for (lie.at = 0; lie.at < 32; lie.at++)
        assert_int_equal(rot_verify_digest(&d->chip, 0, spki, 91, digest, 32, sig, n), ROT_E_BUS);
    EVP_PKEY_free(key);
}

static void
a_bare_yes(void *arg, const uint8_t *command, uint8_t *payload, size_t *len)
{
    (void)arg;
    if (command[1] != ATECC_OP_VERIFY && command[1] != ATECC_OP_SECUREBOOT)
        return;
    payload[0] = 0;
    *len = 1;
}

static void
a_bare_yes_is_none(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], sig[80];
    EVP_PKEY *key = host_key(spki);
    size_t n = host_sign(key, digest, sig);

    d->part.lie = a_bare_yes;
    assert_true(rot_verify_digest(&d->chip, 0, spki, 91, other, 32, sig, n) < 0);
    EVP_PKEY_free(key);
}

static void
boots(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.op = ATECC_OP_SECUREBOOT};
    uint8_t spki[91], sig[80];
    EVP_PKEY *key = host_key(spki);
    size_t n = host_sign(key, digest, sig), need = 0;

    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 91, 91, &need), ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, other, 32, sig, n),
                     ROT_E_MISMATCH);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                     ROT_OK);
    assert_int_equal(d->part.seen[ATECC_OP_SECUREBOOT], 2);
    assert_int_equal(d->part.command[2], d->has_secret ? 0x87 : 0x07);
    assert_memory_equal(d->part.slots[7], digest, 32); /* for the boot loader's comparison */
    if (d->has_secret) {
        d->part.lie = change_a_byte;
        d->part.arg = &lie;
        assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                         ROT_E_BUS);
        d->part.lie = a_bare_yes;
        assert_true(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, other, 32, sig, n) < 0);
        d->part.lie = NULL;
    }
    /* Before the data is locked there is no boot: the key verifies all the same. */
    d->part.config[86] = 0x55;
    rot_close(&d->chip);
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(rot_verify_digest(&d->chip, ROT_FIRMWARE(0), NULL, 0, digest, 32, sig, n),
                     ROT_OK);
    assert_int_equal(d->part.command[1], ATECC_OP_VERIFY);
    EVP_PKEY_free(key);
}

/* ---- Secrets ------------------------------------------------------------------------------------------ */

static rot_err
derive(struct desk *d, rot_object from, enum rot_kdf kdf, struct rot_bytes salt, const char *label,
       size_t len, rot_object into, uint8_t *out)
{
    struct rot_kdf_params p = {.kdf = kdf, .salt = salt, .out_len = len};
    size_t n = 0;
    rot_err rc;

    if (kdf == ROT_KDF_TLS12_PRF_SHA256)
        p.label = (struct rot_bytes){(const uint8_t *)label, strlen(label)};
    p.info = (struct rot_bytes){digest, 32};
    rc = rot_derive(&d->chip, from, &p, into, out, into == 0 ? 64 : 0, into == 0 ? &n : NULL);
    assert_true(rc != ROT_OK || into != 0 || n == len);
    return rc;
}

/* What the host's own KDF makes of the same. */
static void
expect(struct desk *d, struct rot_bytes secret, enum rot_kdf kdf, struct rot_bytes salt,
       const char *label, size_t len, uint8_t *out)
{
    struct rot_kdf_params p = {.kdf = kdf, .salt = salt, .out_len = len};

    if (kdf == ROT_KDF_TLS12_PRF_SHA256)
        p.label = (struct rot_bytes){(const uint8_t *)label, strlen(label)};
    p.info = (struct rot_bytes){digest, 32};
    assert_int_equal(d->port.ops->kdf(d->port.self, secret, &p, out), ROT_OK);
}

/* ldevid/0 and a key of the host's agree into session/0; the secret, as the host has it. */
static void
agree(struct desk *d, uint8_t secret[32])
{
    uint8_t peer[91];
    EVP_PKEY *key = host_key(peer);

    host_agree(key, d->part.keys[2], secret);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(0), NULL, 0, NULL),
                     ROT_OK);
    assert_false(was_seen(d, secret, 8));
    EVP_PKEY_free(key);
}

static const struct rot_bytes none = {NULL, 0};

static void
an_empty_session_is_empty(void **state)
{
    struct desk *d = *state;
    uint8_t out[64];
    size_t n = 0;

    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(derive(d, ROT_SESSION(0), ROT_KDF_HKDF_SHA256, none, NULL, 32, 0, out),
                     ROT_E_EMPTY);
}

/* Signing takes the buffer; so does whatever makes the part sleep. */
static void
a_secret_does_not_outlive_its_buffer(void **state)
{
    struct desk *d = *state;
    uint8_t secret[32], out[80];
    size_t n = 0;

    agree(d, secret);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, out, sizeof(out), &n),
                     ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    agree(d, secret);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    agree(d, secret);
    d->part.has_tempkey = 0; /* the watchdog */
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_EMPTY);
    assert_int_equal(derive(d, ROT_SESSION(0), ROT_KDF_HKDF_EXPAND, none, NULL, 32, 0, out),
                     ROT_E_EMPTY);
}

static void
what_no_command_does_is_unsupported(void **state)
{
    struct desk *d = *state;
    const struct rot_bytes salt = {own_key, 32}, long_salt = {d->part.text, 33};
    uint8_t secret[32], out[64], peer[91];
    EVP_PKEY *key = host_key(peer);
    static const uint8_t big[200];
    struct rot_kdf_params p = {
        .kdf = ROT_KDF_HKDF_EXPAND, .info = {big, sizeof(big)}, .out_len = 32};
    size_t n = 0;

    agree(d, secret);
    assert_int_equal(derive(d, ROT_SESSION(0), ROT_KDF_HKDF_SHA256, long_salt, NULL, 32, 0, out),
                     ROT_E_UNSUPPORTED);
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    p.kdf = ROT_KDF_SINGLE_STEP;
    p.info.len = 4;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(
        derive(d, ROT_SESSION(0), ROT_KDF_HKDF_EXPAND, none, NULL, 48, ROT_SESSION(0), NULL),
        ROT_E_UNSUPPORTED);
    assert_int_equal(
        derive(d, ROT_SESSION(1), ROT_KDF_HKDF_SHA256, salt, NULL, 32, ROT_SESSION(0), NULL),
        ROT_E_UNSUPPORTED);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(1), NULL, 0, NULL),
                     ROT_E_UNSUPPORTED);
    EVP_PKEY_free(key);
}

static void
a_session_is_derived_inside(void **state)
{
    struct desk *d = *state;
    const struct rot_bytes salt = {own_key, 20};
    uint8_t secret[32], want[64], out[64];
    const struct rot_bytes z = {secret, 32};

    agree(d, secret);
    assert_int_equal(
        derive(d, ROT_SESSION(0), ROT_KDF_HKDF_SHA256, none, NULL, 16, ROT_SESSION(1), NULL),
        ROT_OK);
    expect(d, z, ROT_KDF_HKDF_SHA256, none, NULL, 16, want);
    assert_memory_equal(d->part.slots[9], want, 16);
    /* The secret is still there; a salt goes another way. */
    assert_int_equal(
        derive(d, ROT_SESSION(0), ROT_KDF_HKDF_SHA256, salt, NULL, 16, ROT_SESSION(1), NULL),
        ROT_OK);
    expect(d, z, ROT_KDF_HKDF_SHA256, salt, NULL, 16, want);
    assert_memory_equal(d->part.slots[9], want, 16);
    /* Out, as the layout allows for this one. */
    for (size_t len = 16; len <= 64; len += 16) {
        assert_int_equal(derive(d, ROT_SESSION(0), ROT_KDF_HKDF_SHA256, salt, NULL, len, 0, out),
                         len <= 32 ? ROT_OK : ROT_E_UNSUPPORTED);
        if (len <= 32) {
            expect(d, z, ROT_KDF_HKDF_SHA256, salt, NULL, len, want);
            assert_memory_equal(out, want, len);
            assert_int_equal(was_seen(d, want, 8), !d->has_secret);
        }
        assert_int_equal(
            derive(d, ROT_SESSION(0), ROT_KDF_TLS12_PRF_SHA256, none, "key expansion", len, 0, out),
            ROT_OK);
        expect(d, z, ROT_KDF_TLS12_PRF_SHA256, none, "key expansion", len, want);
        assert_memory_equal(out, want, len);
        assert_int_equal(was_seen(d, want, 8), !d->has_secret);
    }
    /* And into itself: then it is what was derived. */
    assert_int_equal(
        derive(d, ROT_SESSION(0), ROT_KDF_HKDF_EXPAND, none, NULL, 32, ROT_SESSION(0), NULL),
        ROT_OK);
    expect(d, z, ROT_KDF_HKDF_EXPAND, none, NULL, 32, want);
    assert_memory_equal(d->part.tempkey, want, 32);
}

/* TLS 1.2: premaster to master secret of 48 bytes, and keys from that. */
static void
a_master_secret_stays_inside(void **state)
{
    struct desk *d = *state;
    uint8_t secret[32], master[48], want[64], out[64];
    size_t n = 0;

    agree(d, secret);
    assert_int_equal(derive(d, ROT_SESSION(0), ROT_KDF_TLS12_PRF_SHA256, none, "master secret", 48,
                            ROT_SESSION(0), NULL),
                     ROT_OK);
    expect(d, (struct rot_bytes){secret, 32}, ROT_KDF_TLS12_PRF_SHA256, none, "master secret", 48,
           master);
    assert_int_equal(
        derive(d, ROT_SESSION(0), ROT_KDF_TLS12_PRF_SHA256, none, "key expansion", 64, 0, out),
        ROT_OK);
    expect(d, (struct rot_bytes){master, 48}, ROT_KDF_TLS12_PRF_SHA256, none, "key expansion", 64,
           want);
    assert_memory_equal(out, want, 64);
    /* No HMAC of the part's has a key of 48 bytes. */
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), digest, 32, out, 64, &n), ROT_E_UNSUPPORTED);
    assert_int_equal(derive(d, ROT_SESSION(0), ROT_KDF_HKDF_EXPAND, none, NULL, 32, 0, out),
                     ROT_E_UNSUPPORTED);
}

/* The numbers of the reference (section 10.3), as a part gives them. */
static void
kdf_of_the_reference(void **state)
{
    static const uint8_t prf[] = {0x1e, 0xbc, 0xbe, 0x62, 0x00, 0x5a, 0xb9, 0x48, 0xfd, 0xff, 0xe1,
                                  0xc4, 0x02, 0xaa, 0xba, 0x35, 0x4e, 0xc6, 0x76, 0x05, 0x0c, 0x9b,
                                  0xc1, 0xaa, 0xe1, 0xff, 0x5b, 0x15, 0x09, 0xa4, 0xa0, 0x4a, 0x44,
                                  0x25, 0x46, 0x64, 0xc2, 0xa4, 0x80, 0xf5, 0xb7, 0x7e, 0xa2, 0xd1,
                                  0x02, 0x0c, 0x7b, 0xa4, 0xb3, 0x64, 0x0c, 0x4a, 0xc7, 0x93, 0x32,
                                  0x4c, 0x26, 0xd6, 0xfd, 0xdf, 0xdb, 0x1f, 0x01, 0x1a};
    static const uint8_t hkdf[] = {0x49, 0x5d, 0x46, 0xaa, 0x39, 0x2d, 0x51, 0x13, 0x2e, 0xdb, 0x93,
                                   0xbc, 0x49, 0xe6, 0x0e, 0xca, 0xae, 0xb7, 0x80, 0x2f, 0x3a, 0xe5,
                                   0x29, 0x77, 0x9d, 0x58, 0x83, 0xf9, 0x33, 0x0a, 0xf5, 0x61};
    struct desk *d = *state;
    uint8_t message[16], out[64];
    struct rot_kdf_params p = {.kdf = ROT_KDF_TLS12_PRF_SHA256,
                               .label = {message, 5},
                               .info = {message + 5, 11},
                               .out_len = 64};
    size_t n = 0;

    for (unsigned i = 0; i < 16; i++)
        message[i] = d->part.tempkey[i] = d->part.tempkey[16 + i] = (uint8_t)i;
    d->part.has_tempkey = 1;
    ((struct atecc_state *)d->setup.state)->secret_len = 32;
    assert_int_equal(rot_derive(&d->chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_OK);
    assert_memory_equal(out, prf, 64);
    assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), message, 16, out, 64, &n), ROT_OK);
    assert_memory_equal(out, hkdf, 32);
}

static void
an_hmac_of_any_length(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 127, 128, 500};
    struct desk *d = *state;
    uint8_t secret[32], mac[32], want[32], msg[500];
    size_t n = 0;

    for (size_t i = 0; i < sizeof(msg); i++)
        msg[i] = (uint8_t)(i * 3);
    agree(d, secret);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct rot_bytes m = {msg, sizes[i]};

        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(0), msg, sizes[i], mac, 32, &n), ROT_OK);
        assert_int_equal(d->port.ops->hmac(d->port.self, ROT_HASH_SHA256,
                                           (struct rot_bytes){secret, 32}, &m, 1, want),
                         ROT_OK);
        assert_memory_equal(mac, want, 32);
    }
}

/* Every mode and length against OpenSSL's; a wrong tag gives no byte. */
static void
boxes_of_any_length(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 33, 64, 100};
    static const enum rot_aead algs[] = {ROT_AEAD_AES_GCM, ROT_AEAD_AES_CCM};
    struct desk *d = *state;
    uint8_t text[100], aad[60], nonce[13], box[116], want[116], open[116];
    const struct rot_bytes key = {d->part.slots[9], 16};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 + 1);
    memset(aad, 0x33, sizeof(aad));
    memset(nonce, 0xfe, sizeof(nonce));
    memcpy(d->part.slots[9], other_key, 32);
    for (size_t i = 0; i < 8; i++) {
        for (size_t k = 0; k < 8; k++) {
            for (unsigned a = 0; a < 2; a++) {
                const struct rot_bytes iv = {nonce, a == 0 ? 12 : 13}, in = {text, sizes[i]};
                const struct rot_bytes extra = {aad, sizes[k] < 60 ? sizes[k] : 60};

                assert_int_equal(rot_aead_seal(&d->chip, ROT_SESSION(1), algs[a], iv, extra, in,
                                               box, sizeof(box), &n),
                                 ROT_OK);
                assert_int_equal(n, sizes[i] + 16);
                assert_int_equal(
                    d->port.ops->aead(d->port.self, algs[a], key, iv, extra, 1, in, want), ROT_OK);
                assert_memory_equal(box, want, n);
                assert_int_equal(rot_aead_open(&d->chip, ROT_SESSION(1), algs[a], iv, extra,
                                               (struct rot_bytes){box, sizes[i] + 16}, open,
                                               sizeof(open), &n),
                                 ROT_OK);
                assert_int_equal(n, sizes[i]);
                assert_memory_equal(open, text, n);
                box[sizes[i] + i % 16] ^= 1;
                memset(open, 0, sizeof(open));
                assert_int_equal(rot_aead_open(&d->chip, ROT_SESSION(1), algs[a], iv, extra,
                                               (struct rot_bytes){box, sizes[i] + 16}, open,
                                               sizeof(open), &n),
                                 ROT_E_MISMATCH);
                for (size_t b = 0; b < sizeof(open); b++)
                    assert_int_equal(open[b], 0);
            }
        }
    }
}

static void
cmacs_of_any_length(void **state)
{
    struct desk *d = *state;
    uint8_t msg[70], mac[16], want[16];
    size_t n = 0;

    memset(msg, 0x5a, sizeof(msg));
    memcpy(d->part.slots[9], other_key, 32);
    for (size_t len = 0; len <= sizeof(msg); len++) {
        const struct rot_bytes m = {msg, len};

        assert_int_equal(rot_mac(&d->chip, ROT_SESSION(1), msg, len, mac, 16, &n), ROT_OK);
        assert_int_equal(n, 16);
        assert_int_equal(d->port.ops->aes_cmac(
                             d->port.self, (struct rot_bytes){d->part.slots[9], 16}, &m, 1, want),
                         ROT_OK);
        assert_memory_equal(mac, want, 16);
    }
}

/* Out of the part a secret goes masked, where both know the mask. */
static void
an_agreed_secret_leaves_masked(void **state)
{
    struct desk *d = *state;
    uint8_t peer[91], want[32], out[32];
    EVP_PKEY *key = host_key(peer);
    size_t n = 0;

    d->part.keys[3] = EVP_EC_gen("P-256");
    host_agree(key, d->part.keys[3], want);
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(1), peer, 91, 0, out, 32, &n), ROT_OK);
    assert_memory_equal(out, want, 32);
    assert_int_equal(was_seen(d, want, 8), !d->has_secret);
    peer[40] ^= 1;
    assert_int_equal(rot_agree(&d->chip, ROT_LDEVID(1), peer, 91, 0, out, 32, &n), ROT_E_FORMAT);
    EVP_PKEY_free(key);
}

/* ---- Counted keys ---------------------------------------------------------------------------------- */

static void
a_counted_key_ends(void **state)
{
    struct desk *d = *state;
    const uint8_t limit[4] = {0, 0, 0, 32}, odd[4] = {0, 0, 0, 33};
    uint8_t back[4], sig[80];
    size_t n = 0;

    assert_int_equal(rot_object_write(&d->chip, ROT_DATA(2), ROT_PART_DATA, 0, odd, 4, 4, &n),
                     ROT_E_FORMAT);
    assert_int_equal(rot_object_write(&d->chip, ROT_DATA(2), ROT_PART_DATA, 0, limit, 3, 3, &n),
                     ROT_E_FORMAT);
    memset(d->part.slots[12], 0xff, 8);
    assert_int_equal(rot_object_size(&d->chip, ROT_DATA(2), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(rot_object_write(&d->chip, ROT_DATA(2), ROT_PART_DATA, 0, limit, 4, 4, &n),
                     ROT_OK);
    assert_memory_equal(d->part.slots[12], ((const uint8_t[]){32, 0, 0, 0, 32, 0, 0, 0}), 8);
    assert_int_equal(rot_object_read(&d->chip, ROT_DATA(2), ROT_PART_DATA, 0, back, 4, &n), ROT_OK);
    assert_true(n == 4 && memcmp(back, limit, 4) == 0);
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n),
                         ROT_OK);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n),
                     ROT_E_STATE);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_OK);
}

/* ---- Evidence ----------------------------------------------------------------------------------------- */

struct text {
    uint8_t b[160];
    size_t len;
};

static void
add(struct text *t, const uint8_t *p, size_t len)
{
    if (p != NULL)
        memcpy(t->b + t->len, p, len);
    else
        memset(t->b + t->len, 0, len);
    t->len += len;
}

/* Section 3, Nonce and GenKey: TempKey with a slot's public key in it. */
static void
genkey_digest(const uint8_t random[32], const uint8_t *num_in, const uint8_t *config,
              const uint8_t *point, unsigned slot, uint8_t out[32])
{
    const uint8_t p2[2] = {(uint8_t)slot, 0};
    struct text a = {.len = 0}, b = {.len = 0};

    add(&a, random, 32);
    add(&a, num_in, 20);
    add(&a, (const uint8_t *)"\x16\0\0", 3);
    (void)SHA256(a.b, a.len, out);
    add(&b, out, 32);
    add(&b, (const uint8_t *)"\x40\x08", 2);
    add(&b, p2, 2);
    add(&b, config + 12, 1);
    add(&b, config, 2);
    add(&b, NULL, 25);
    add(&b, point, 64);
    (void)SHA256(b.b, b.len, out);
}

/* Section 3, Sign: the 55 bytes that the part puts together. */
static void
internal_digest(const uint8_t tempkey[32], const uint8_t *config, unsigned slot, unsigned by,
                uint8_t p1, uint8_t out[32])
{
    const uint8_t p2[2] = {(uint8_t)by, 0}, flags = (uint8_t)(0x40 | slot),
                  open = (uint8_t)(config[88 + slot / 8] >> (slot % 8) & 1);
    struct text c = {.len = 0};

    add(&c, tempkey, 32);
    add(&c, (const uint8_t *)"\x41", 1);
    add(&c, &p1, 1);
    add(&c, p2, 2);
    add(&c, config + 20 + 2 * slot, 2);
    add(&c, config + 96 + 2 * slot, 2);
    add(&c, &flags, 1);
    add(&c, NULL, 2);
    add(&c, config + 12, 1);
    add(&c, (p1 & 0x40) != 0 ? config + 8 : NULL, 4);
    add(&c, config, 2);
    add(&c, (p1 & 0x40) != 0 ? config + 2 : NULL, 2);
    add(&c, &open, 1);
    add(&c, NULL, 2);
    assert_int_equal(c.len, 55);
    (void)SHA256(c.b, c.len, out);
}

/* The numbers of the reference (section 10.2), for the two above. */
static void
what_the_part_signs(void **state)
{
    static const uint8_t genkey[] = {0x72, 0x18, 0x47, 0x27, 0xb4, 0x61, 0xd2, 0xa6,
                                     0xfe, 0x37, 0x9a, 0xd4, 0x3e, 0x7a, 0xd5, 0xc3,
                                     0xc6, 0xca, 0x0d, 0xb0, 0xd9, 0xca, 0x5b, 0x62,
                                     0x79, 0xdf, 0x3e, 0xa1, 0xfd, 0xd2, 0x54, 0x68};
    static const uint8_t sign[] = {0xa8, 0xa3, 0xcd, 0x68, 0xdc, 0x46, 0xe3, 0x78, 0xab, 0x91, 0xe3,
                                   0xce, 0x07, 0xa7, 0x9a, 0xae, 0xce, 0x45, 0x19, 0x00, 0xf5, 0x8c,
                                   0xe8, 0x1c, 0x12, 0xf1, 0xf0, 0xcf, 0x3a, 0xaf, 0xb3, 0x15};
    uint8_t config[128] = {0x01, 0x23, 0x8b, 0x26, 0, 0, 0, 0, 0x36, 0x5d, 0xc4, 0x18, 0x01};
    uint8_t random[32], num_in[20], point[64], out[32];

    (void)state;
    for (unsigned i = 0; i < 64; i++)
        point[i] = (uint8_t)(0x80 + i);
    for (unsigned i = 0; i < 32; i++)
        random[i] = (uint8_t)(0xa0 + i);
    for (unsigned i = 0; i < 20; i++)
        num_in[i] = (uint8_t)i;
    config[20] = 0x85;
    config[96] = 0x53;
    config[88] = 0xff;
    genkey_digest(random, num_in, config, point, 0, out);
    assert_memory_equal(out, genkey, 32);
    internal_digest(out, config, 0, 1, 0x00, out);
    assert_memory_equal(out, sign, 32);
}

/* As who believes it: from the nonce, and the 354 bytes.  Gives the digest that was signed. */
static void
signed_digest(const uint8_t *e, const uint8_t nonce[32], uint8_t out[32])
{
    genkey_digest(e + 2, nonce, e + 34, e + 34 + 128 + 64, e[0], out);
    internal_digest(out, e + 34, e[0], e[1], 0x40, out);
}

static void
evidence_is_the_parts_word(void **state)
{
    static const rot_object objects[] = {ROT_IDEVID, ROT_LDEVID(0), ROT_ATTEST(0)};
    struct desk *d = *state;
    const uint8_t nonce[32] = {1, 2, 3};
    uint8_t room[ROT_EVIDENCE_MAX], point[64], hash[32];
    struct rot_evidence e = {.buf = room, .cap = 353};

    assert_int_equal(rot_attest(&d->chip, ROT_IDEVID, nonce, &e), ROT_E_SPACE);
    assert_int_equal(e.len, 354);
    e.cap = sizeof(room);
    assert_int_equal(rot_attest(&d->chip, ROT_LDEVID(1), nonce, &e), ROT_E_EMPTY);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rot_attest(&d->chip, objects[i], nonce, &e), ROT_OK);
        assert_int_equal(e.format, ROT_EVIDENCE_ATECC_INTERNAL);
        assert_int_equal(e.len, 354);
        fake_atecc_point(d->part.keys[room[0]], point);
        assert_memory_equal(room + 34 + 128 + 64, point, 64);
        fake_atecc_point(d->part.keys[1], point);
        assert_memory_equal(room + 34 + 128, point, 64);
        signed_digest(room, nonce, hash);
        assert_int_equal(d->port.ops->ec_verify(d->port.self, ROT_ALG_P256, point, hash, 32,
                                                room + 34 + 128 + 128),
                         ROT_OK);
    }
}

/* The attestation key signs for nobody. */
static void
the_attestation_key_takes_no_digest(void **state)
{
    struct desk *d = *state;
    uint8_t sig[80];
    size_t n = 0;

    assert_int_equal(rot_sign_digest(&d->chip, ROT_ATTEST(0), digest, 32, sig, sizeof(sig), &n),
                     ROT_E_UNSUPPORTED);
}

#define CLEAR(f)   cmocka_unit_test_setup_teardown(f, desk_clear, desk_done)
#define PAIRED(f)  cmocka_unit_test_setup_teardown(f, desk_paired, desk_done)
#define COUNTED(f) cmocka_unit_test_setup_teardown(f, desk_counted, desk_done)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PAIRED(another_key_is_not_believed),
        PAIRED(a_part_that_plays_back_is_not_believed),
        CLEAR(another_answers),
        COUNTED(bytes_that_changed_are_none),
        CLEAR(what_was_not_written_is_noticed),
        CLEAR(rotates),
        CLEAR(rotates_as_early_as_it_can),
        CLEAR(nothing_is_brought_in_the_clear),
        PAIRED(an_aes_key_is_brought_encrypted),
        COUNTED(hidden_data_is_hidden_both_ways),
        PAIRED(no_verdict_is_made_up),
        PAIRED(a_bare_yes_is_none),
        CLEAR(verifies),
        PAIRED(verifies),
        CLEAR(boots),
        PAIRED(boots),
        CLEAR(an_empty_session_is_empty),
        PAIRED(a_secret_does_not_outlive_its_buffer),
        CLEAR(what_no_command_does_is_unsupported),
        CLEAR(a_session_is_derived_inside),
        PAIRED(a_session_is_derived_inside),
        CLEAR(a_master_secret_stays_inside),
        PAIRED(a_master_secret_stays_inside),
        CLEAR(kdf_of_the_reference),
        PAIRED(kdf_of_the_reference),
        CLEAR(an_hmac_of_any_length),
        CLEAR(boxes_of_any_length),
        CLEAR(cmacs_of_any_length),
        CLEAR(an_agreed_secret_leaves_masked),
        PAIRED(an_agreed_secret_leaves_masked),
        COUNTED(a_counted_key_ends),
        cmocka_unit_test(what_the_part_signs),
        CLEAR(evidence_is_the_parts_word),
        CLEAR(the_attestation_key_takes_no_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
