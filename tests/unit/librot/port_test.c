/*
 * port_test.c: the OpenSSL port against published vectors.
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

#include <rot/port_openssl.h>
#include <rot/rot_driver.h>

static struct rot_port_openssl crypto;
static const struct rot_port_ops *ops;

static int
start(void **state)
{
    (void)state;
    assert_int_equal(rot_port_openssl_init(NULL), ROT_E_ARG);
    assert_int_equal(rot_port_openssl_init(&crypto), ROT_OK);
    ops = crypto.port.ops;
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    rot_port_openssl_done(&crypto);
    rot_port_openssl_done(&crypto);
    rot_port_openssl_done(NULL);
    return 0;
}

/* Hex into one of many buffers, so that a test can hold several. */
static struct rot_bytes
hex(const char *text)
{
    static uint8_t buffers[32][256];
    static size_t next;
    uint8_t *p = buffers[next++ % 32];
    size_t n = 0;

    for (; *text != '\0'; text += 2)
        p[n++] = (uint8_t)strtoul((char[]){text[0], text[1], '\0'}, NULL, 16);
    return (struct rot_bytes){p, n};
}

static void
assert_hex(const uint8_t *got, const char *want)
{
    struct rot_bytes w = hex(want);

    assert_memory_equal(got, w.p, w.len);
}

static void
hashes(void **state)
{
    struct rot_bytes parts[3] = {{(const uint8_t *)"a", 1}, {NULL, 0}, {(const uint8_t *)"bc", 2}};
    uint8_t out[64];

    (void)state;
    /* FIPS 180-4 examples, in pieces. */
    assert_int_equal(ops->hash(&crypto, ROT_HASH_SHA256, parts, 3, out), ROT_OK);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(ops->hash(&crypto, ROT_HASH_SHA384, parts, 3, out), ROT_OK);
    assert_hex(out, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                    "8086072ba1e7cc2358baeca134c825a7");
    assert_int_equal(ops->hash(&crypto, ROT_HASH_SHA512, parts, 3, out), ROT_OK);
    assert_hex(out, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a");
    assert_int_equal(ops->hash(&crypto, (enum rot_hash)0, parts, 3, out), ROT_E_PORT);
    assert_int_equal(ops->hash(&crypto, (enum rot_hash)4, parts, 3, out), ROT_E_PORT);
    assert_int_equal(ops->hash(&crypto, ROT_HASH_SHA256, NULL, 0, out), ROT_OK);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void
macs(void **state)
{
    struct rot_bytes two[2] = {{(const uint8_t *)"what do ya want ", 16},
                               {(const uint8_t *)"for nothing?", 12}};
    struct rot_bytes key = {(const uint8_t *)"Jefe", 4}, none = {NULL, 0}, m;
    uint8_t out[64];

    (void)state;
    /* RFC 4231 4.3. */
    assert_int_equal(ops->hmac(&crypto, ROT_HASH_SHA256, key, two, 2, out), ROT_OK);
    assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(ops->hmac(&crypto, ROT_HASH_SHA384, key, two, 2, out), ROT_OK);
    assert_hex(out, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e");
    assert_int_equal(ops->hmac(&crypto, (enum rot_hash)9, key, two, 2, out), ROT_E_PORT);
    /* An empty key is one of zeroes. */
    assert_int_equal(ops->hmac(&crypto, ROT_HASH_SHA256, none, NULL, 0, out), ROT_OK);
    assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");

    /* RFC 4493 4, examples 1 to 3. */
    key = hex("2b7e151628aed2a6abf7158809cf4f3c");
    assert_int_equal(ops->aes_cmac(&crypto, key, NULL, 0, out), ROT_OK);
    assert_hex(out, "bb1d6929e95937287fa37d129b756746");
    m = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
    assert_int_equal(ops->aes_cmac(&crypto, key, &m, 1, out), ROT_OK);
    assert_hex(out, "dfa66747de9ae63030ca32611497c827");
    key.len = 24;
    assert_int_equal(ops->aes_cmac(&crypto, key, &m, 1, out), ROT_E_PORT);
}

/* SP 800-38A F.1, F.2, F.3: AES-128, and AES-256 for ECB. */
static void
plain_aes(void **state)
{
    struct rot_bytes key = hex("2b7e151628aed2a6abf7158809cf4f3c");
    struct rot_bytes key256 =
        hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    struct rot_bytes in = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    uint8_t iv[16], out[32], back[32];

    (void)state;
    assert_int_equal(ops->aes_ecb(&crypto, key, 1, in.p, 32, out), ROT_OK);
    assert_hex(out, "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
    assert_int_equal(ops->aes_ecb(&crypto, key, 0, out, 32, back), ROT_OK);
    assert_memory_equal(back, in.p, 32);
    assert_int_equal(ops->aes_ecb(&crypto, key256, 1, in.p, 16, out), ROT_OK);
    assert_hex(out, "f3eed1bdb5d2a03c064b5a7e3db181f8");
    assert_int_equal(ops->aes_ecb(&crypto, key, 1, in.p, 15, out), ROT_E_PORT);
    assert_int_equal(ops->aes_ecb(&crypto, (struct rot_bytes){key.p, 15}, 1, in.p, 16, out),
                     ROT_E_PORT);

    /* CBC block by block chains as CBC at once; in place, too. */
    memcpy(iv, hex("000102030405060708090a0b0c0d0e0f").p, 16);
    assert_int_equal(ops->aes_cbc(&crypto, key, iv, 1, in.p, 16, out), ROT_OK);
    assert_int_equal(ops->aes_cbc(&crypto, key, iv, 1, in.p + 16, 16, out + 16), ROT_OK);
    assert_hex(out, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    memcpy(iv, hex("000102030405060708090a0b0c0d0e0f").p, 16);
    assert_int_equal(ops->aes_cbc(&crypto, key, iv, 0, out, 16, out), ROT_OK);
    assert_int_equal(ops->aes_cbc(&crypto, key, iv, 0, out + 16, 16, out + 16), ROT_OK);
    assert_memory_equal(out, in.p, 32);
    assert_int_equal(ops->aes_cbc(&crypto, key, iv, 1, in.p, 17, out), ROT_E_PORT);

    memcpy(iv, hex("000102030405060708090a0b0c0d0e0f").p, 16);
    assert_int_equal(ops->aes_cfb(&crypto, key, iv, 1, in.p, 16, out), ROT_OK);
    assert_int_equal(ops->aes_cfb(&crypto, key, iv, 1, in.p + 16, 5, out + 16), ROT_OK);
    assert_hex(out, "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0");
    memcpy(iv, hex("000102030405060708090a0b0c0d0e0f").p, 16);
    assert_int_equal(ops->aes_cfb(&crypto, key, iv, 0, out, 21, back), ROT_OK);
    assert_memory_equal(back, in.p, 21);
}

static void
boxes(void **state)
{
    struct rot_bytes key = hex("feffe9928665731c6d6a8f9467308308");
    struct rot_bytes nonce = hex("cafebabefacedbaddecaf888");
    struct rot_bytes aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    struct rot_bytes in = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                              "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
    struct rot_bytes none = {NULL, 0}, c;
    uint8_t out[128], back[128];

    (void)state;
    /* The GCM specification's test case 4. */
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_GCM, key, nonce, aad, 1, in, out), ROT_OK);
    assert_hex(out, "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                    "5bc94fbc3221a5db94fae95ae7121a47");
    c = (struct rot_bytes){out, in.len + 16};
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_GCM, key, nonce, aad, 0, c, back), ROT_OK);
    assert_memory_equal(back, in.p, in.len);
    out[3] ^= 1;
    memset(back, 0xcc, sizeof(back));
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_GCM, key, nonce, aad, 0, c, back),
                     ROT_E_MISMATCH);
    for (size_t i = 0; i < in.len; i++)
        assert_int_equal(back[i], 0); /* what came out unproved is gone */

    /* SP 800-38C has no case with 13 and 16; round trips, empty texts, wrong tags. */
    nonce = hex("101112131415161718191a1b1c");
    for (unsigned shape = 0; shape < 4; shape++) {
        struct rot_bytes text = (shape & 1) != 0 ? in : none, with = (shape & 2) != 0 ? aad : none;

        assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM, key, nonce, with, 1, text, out),
                         ROT_OK);
        c = (struct rot_bytes){out, text.len + 16};
        assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM, key, nonce, with, 0, c, back),
                         ROT_OK);
        if (text.len != 0)
            assert_memory_equal(back, text.p, text.len);
        out[c.len - 1] ^= 1;
        assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM, key, nonce, with, 0, c, back),
                         ROT_E_MISMATCH);
        out[c.len - 1] ^= 1;
        assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM, key, nonce,
                                   (shape & 2) != 0 ? none : aad, 0, c, back),
                         ROT_E_MISMATCH);
    }
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM, key, nonce, none, 0,
                               (struct rot_bytes){out, 15}, back),
                     ROT_E_PORT);
    assert_int_equal(ops->aead(&crypto, (enum rot_aead)0, key, nonce, none, 1, in, out),
                     ROT_E_PORT);
    assert_int_equal(ops->aead(&crypto, (enum rot_aead)4, key, nonce, none, 1, in, out),
                     ROT_E_PORT);
    key.len = 8;
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_GCM, key, nonce, none, 1, in, out),
                     ROT_E_PORT);
}

/* RFC 3610 section 8, packet vector #1. */
static void
ccm_with_a_short_tag(void **state)
{
    struct rot_bytes key = hex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf");
    struct rot_bytes nonce = hex("00000003020100a0a1a2a3a4a5"), aad = hex("0001020304050607");
    struct rot_bytes in = hex("08090a0b0c0d0e0f101112131415161718191a1b1c1d1e");
    struct rot_bytes c;
    uint8_t out[31], back[23];

    (void)state;
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM_8, key, nonce, aad, 1, in, out), ROT_OK);
    assert_hex(out, "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0");
    c = (struct rot_bytes){out, sizeof(out)};
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM_8, key, nonce, aad, 0, c, back), ROT_OK);
    assert_memory_equal(back, in.p, in.len);
    out[30] ^= 1;
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM_8, key, nonce, aad, 0, c, back),
                     ROT_E_MISMATCH);
    c.len = 7;
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM_8, key, nonce, aad, 0, c, back),
                     ROT_E_PORT);
}

/* A part's secret is its own: neither another part's, nor another family's, nor another master's. */
static void
channel_secrets(void **state)
{
    static const uint8_t master[ROT_CHANNEL_MASTER_SIZE] = {1, 2, 3}, other[32] = {1, 2, 4};
    struct rot_bytes uid = hex("0102030405"), twin = hex("0102030406"), none = {NULL, 0};
    uint8_t a[48], b[48];

    (void)state;
    assert_int_equal(ops->channel_secret(&crypto, "se05x", uid, a, 48), ROT_E_EMPTY);
    rot_port_openssl_channel(&crypto, master);
    assert_int_equal(ops->channel_secret(&crypto, "se05x", uid, a, 48), ROT_OK);
    /* By another hand: HKDF of Python's hmac module. */
    assert_hex(
        a,
        "c9f2b9e88884ce0e6cbac7c666c6fbe9e5d9002769f500939c4a6f93f2bce984dde86598f6c1515a79061d11c2bb0b84");
    assert_int_equal(ops->channel_secret(&crypto, "se05x", twin, b, 48), ROT_OK);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(ops->channel_secret(&crypto, "se05", uid, b, 48), ROT_OK);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(ops->channel_secret(&crypto, "se05x", none, b, 48), ROT_E_PORT);
    rot_port_openssl_channel(&crypto, other);
    assert_int_equal(ops->channel_secret(&crypto, "se05x", uid, b, 48), ROT_OK);
    assert_memory_not_equal(a, b, 32);
    rot_port_openssl_channel(&crypto, NULL);
    assert_int_equal(ops->channel_secret(&crypto, "se05x", uid, a, 48), ROT_E_EMPTY);
}

/* A device with its own part's secret comes to the same keys, and to nobody else's. */
static void
a_parts_own_secret(void **state)
{
    static const uint8_t master[ROT_CHANNEL_MASTER_SIZE] = {1, 2, 3};
    struct rot_bytes uid = hex("0102030405"), twin = hex("0102030406"), none = {NULL, 0};
    uint8_t own[ROT_CHANNEL_MASTER_SIZE], again[ROT_CHANNEL_MASTER_SIZE], a[48], b[48];

    (void)state;
    assert_int_equal(rot_port_openssl_part_secret(&crypto, "se05x", uid, own), ROT_E_EMPTY);
    rot_port_openssl_channel(&crypto, master);
    assert_int_equal(rot_port_openssl_part_secret(&crypto, "se05x", none, own), ROT_E_PORT);
    assert_int_equal(rot_port_openssl_part_secret(&crypto, "se05x", uid, own), ROT_OK);
    /* By another hand: HKDF of Python's hmac module. */
    assert_hex(own, "845c73139059d7f86465484e78cb2dfdf74de755b6bd2ba1b59f9155fcf384a8");
    assert_int_equal(ops->channel_secret(&crypto, "se05x", uid, a, 48), ROT_OK);

    assert_int_equal(rot_port_openssl_channel_part(&crypto, "", uid, own), ROT_E_ARG);
    assert_int_equal(rot_port_openssl_channel_part(&crypto, "se05x", none, own), ROT_E_ARG);
    assert_int_equal(rot_port_openssl_channel_part(&crypto, "se05x", uid, own), ROT_OK);
    assert_int_equal(ops->channel_secret(&crypto, "se05x", twin, b, 48), ROT_E_EMPTY);
    assert_int_equal(ops->channel_secret(&crypto, "optiga", uid, b, 48), ROT_E_EMPTY);
    assert_int_equal(ops->channel_secret(&crypto, "se05x", uid, b, 48), ROT_OK);
    assert_memory_equal(a, b, 48);
    assert_int_equal(rot_port_openssl_part_secret(&crypto, "se05x", uid, again), ROT_OK);
    assert_memory_equal(own, again, sizeof(own));
    rot_port_openssl_channel(&crypto, NULL);
}

/* A case that others published with 13 and 16: packet vectors use shorter tags, so this is ours by two ways. */
static void
ccm_is_ctr_and_cbc_mac(void **state)
{
    struct rot_bytes key = hex("404142434445464748494a4b4c4d4e4f");
    struct rot_bytes nonce = hex("101112131415161718191a1b1c"), in = hex("20212223");
    struct rot_bytes none = {NULL, 0};
    uint8_t out[20], block[16] = {0}, mac[16], stream[16];

    (void)state;
    assert_int_equal(ops->aead(&crypto, ROT_AEAD_AES_CCM, key, nonce, none, 1, in, out), ROT_OK);
    /* RFC 3610 2.2: B0 = flags (M = 16, L = 2), nonce, length; then the text; MAC by CBC. */
    block[0] = 8 * ((16 - 2) / 2) + 1;
    memcpy(block + 1, nonce.p, 13);
    block[15] = 4;
    assert_int_equal(ops->aes_ecb(&crypto, key, 1, block, 16, mac), ROT_OK);
    for (size_t i = 0; i < 4; i++)
        mac[i] ^= in.p[i];
    assert_int_equal(ops->aes_ecb(&crypto, key, 1, mac, 16, mac), ROT_OK);
    /* RFC 3610 2.3: S0 covers the MAC, S1 the text. */
    block[0] = 1;
    block[14] = block[15] = 0;
    assert_int_equal(ops->aes_ecb(&crypto, key, 1, block, 16, stream), ROT_OK);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(out[4 + i], mac[i] ^ stream[i]);
    block[15] = 1;
    assert_int_equal(ops->aes_ecb(&crypto, key, 1, block, 16, stream), ROT_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(out[i], in.p[i] ^ stream[i]);
}

static void
derivations(void **state)
{
    uint8_t out[64], hmac[64];
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 48};
    struct rot_bytes secret = hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), parts[3];

    (void)state;
    /* RFC 5869 A.1 and A.3 (without salt and info); the vectors have 42 bytes. */
    p.salt = hex("000102030405060708090a0b0c");
    p.info = hex("f0f1f2f3f4f5f6f7f8f9");
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_OK);
    assert_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                    "34007208d5b887185865");
    p.kdf = ROT_KDF_HKDF_EXPAND;
    p.salt.len = 0;
    assert_int_equal(
        ops->kdf(&crypto, hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
                 &p, out),
        ROT_OK);
    assert_hex(out, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                    "34007208d5b887185865");
    p.kdf = ROT_KDF_HKDF_SHA256;
    p.info.len = 0;
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_OK);
    assert_hex(out, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");

    /* RFC 5246 5 by hand: A1 = HMAC(secret, seed), first block = HMAC(secret, A1 + seed). */
    p.kdf = ROT_KDF_TLS12_PRF_SHA256;
    p.label = (struct rot_bytes){(const uint8_t *)"master secret", 13};
    p.info = hex("000102030405");
    p.out_len = 32;
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_OK);
    parts[0] = p.label;
    parts[1] = p.info;
    assert_int_equal(ops->hmac(&crypto, ROT_HASH_SHA256, secret, parts, 2, hmac), ROT_OK);
    parts[0] = (struct rot_bytes){hmac, 32};
    parts[1] = p.label;
    parts[2] = p.info;
    assert_int_equal(ops->hmac(&crypto, ROT_HASH_SHA256, secret, parts, 3, hmac + 32), ROT_OK);
    assert_memory_equal(out, hmac + 32, 32);
    p.info.len = 0;
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_OK);

    /* SP 800-56C 4.1, option 1: H(counter || Z || FixedInfo). */
    p.kdf = ROT_KDF_SINGLE_STEP;
    p.info = hex("a0a1a2");
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_OK);
    parts[0] = hex("00000001");
    parts[1] = secret;
    parts[2] = p.info;
    assert_int_equal(ops->hash(&crypto, ROT_HASH_SHA256, parts, 3, hmac), ROT_OK);
    assert_memory_equal(out, hmac, 32);
    p.info.len = 0;
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_OK);
    p.kdf = (enum rot_kdf)0;
    assert_int_equal(ops->kdf(&crypto, secret, &p, out), ROT_E_PORT);

    /* RFC 7914 11: PBKDF2-HMAC-SHA-256, one iteration. */
    assert_int_equal(ops->stretch(&crypto, (struct rot_bytes){(const uint8_t *)"passwd", 6},
                                  (struct rot_bytes){(const uint8_t *)"salt", 4}, 1, out, 64),
                     ROT_OK);
    assert_hex(out, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                    "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

static void
curve_keys(void **state)
{
    static const enum rot_alg algs[] = {ROT_ALG_P256, ROT_ALG_P384, ROT_ALG_ED25519};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t priv[48], pub[96], again[96], in[48] = {1, 2}, sig[96];
        size_t len = rot_alg_digest_size(algs[i]) != 0 ? rot_alg_digest_size(algs[i]) : 40;

        assert_int_equal(ops->ec_generate(&crypto, algs[i], priv, pub), ROT_OK);
        assert_int_equal(ops->ec_public(&crypto, algs[i], priv, again), ROT_OK);
        assert_memory_equal(pub, again, rot_alg_point_size(algs[i]));
        assert_int_equal(ops->ec_sign(&crypto, algs[i], priv, in, len, sig), ROT_OK);
        assert_int_equal(ops->ec_verify(&crypto, algs[i], pub, in, len, sig), ROT_OK);
        in[0] ^= 1;
        assert_int_equal(ops->ec_verify(&crypto, algs[i], pub, in, len, sig), ROT_E_MISMATCH);
        in[0] ^= 1;
        memset(sig, 0, 96); /* r = 0 */
        assert_int_equal(ops->ec_verify(&crypto, algs[i], pub, in, len, sig), ROT_E_MISMATCH);
        if (algs[i] != ROT_ALG_ED25519) {
            pub[5] ^= 1;
            assert_int_equal(ops->ec_verify(&crypto, algs[i], pub, in, len, sig), ROT_E_FORMAT);
            memset(priv, 0, 48);
            assert_int_equal(ops->ec_public(&crypto, algs[i], priv, pub), ROT_E_FORMAT);
            memset(priv, 0xff, 48);
            assert_int_equal(ops->ec_public(&crypto, algs[i], priv, pub), ROT_E_FORMAT);
        }
    }
}

/* RFC 5903 8.1 and 8.2, RFC 7748 6.1. */
static void
agreements(void **state)
{
    uint8_t out[48];

    (void)state;
    assert_int_equal(
        ops->ecdh(&crypto, ROT_ALG_P256,
                  hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433").p,
                  hex("d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                      "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab")
                      .p,
                  out),
        ROT_OK);
    assert_hex(out, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    assert_int_equal(
        ops->ecdh(&crypto, ROT_ALG_X25519,
                  hex("77076d0a7318a57d3c16c17251b26645"
                      "4c65b5c0e2b1bf8bd4f2d1f9dbf7a1d8")
                      .p,
                  hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f").p, out),
        ROT_OK);
    assert_int_equal(ops->ecdh(&crypto, ROT_ALG_X25519, out, (const uint8_t[32]){0}, out),
                     ROT_E_PORT); /* a point of small order gives zero: RFC 7748 6.1 */
    assert_int_equal(ops->ecdh(&crypto, ROT_ALG_P256, out, (const uint8_t[64]){1}, out),
                     ROT_E_FORMAT);
}

static void
what_a_curve_cannot(void **state)
{
    uint8_t b[96] = {1};

    (void)state;
    assert_int_equal(ops->ec_generate(&crypto, ROT_ALG_RSA2048, b, b), ROT_E_PORT);
    assert_int_equal(ops->ec_public(&crypto, ROT_ALG_NONE, b, b), ROT_E_PORT);
    assert_int_equal(ops->ec_sign(&crypto, ROT_ALG_X25519, b, b, 32, b), ROT_E_PORT);
    assert_int_equal(ops->ec_sign(&crypto, ROT_ALG_MLDSA44, b, b, 32, b), ROT_E_PORT);
    assert_int_equal(ops->ec_verify(&crypto, ROT_ALG_X25519, b, b, 32, b), ROT_E_PORT);
    assert_int_equal(ops->ec_verify(&crypto, ROT_ALG_NONE, b, b, 32, b), ROT_E_PORT);
    assert_int_equal(ops->ecdh(&crypto, ROT_ALG_ED25519, b, b, b), ROT_E_PORT);
    assert_int_equal(ops->ecdh(&crypto, ROT_ALG_P521, b, b, b), ROT_E_PORT);
}

static void
time_and_random(void **state)
{
    uint8_t a[32], b[32];
    uint64_t before = ops->time_ms(&crypto);

    (void)state;
    assert_int_equal(ops->random(&crypto, a, sizeof(a)), ROT_OK);
    assert_int_equal(ops->random(&crypto, b, sizeof(b)), ROT_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_int_equal(ops->random(&crypto, a, (size_t)0x80000000u), ROT_E_ARG);
    assert_true(ops->time_ms(&crypto) >= before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(macs),
        cmocka_unit_test(plain_aes),
        cmocka_unit_test(boxes),
        cmocka_unit_test(ccm_with_a_short_tag),
        cmocka_unit_test(channel_secrets),
        cmocka_unit_test(a_parts_own_secret),
        cmocka_unit_test(ccm_is_ctr_and_cbc_mac),
        cmocka_unit_test(derivations),
        cmocka_unit_test(curve_keys),
        cmocka_unit_test(agreements),
        cmocka_unit_test(what_a_curve_cannot),
        cmocka_unit_test(time_and_random),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
