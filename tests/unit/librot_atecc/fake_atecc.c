/*
 * fake_atecc.c: see fake_atecc.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_atecc.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#define DONE   0x00
#define WRONG  0x01
#define PARSE  0x03
#define REFUSE 0x0f

static void
must(int ok)
{
    if (!ok)
        abort();
}

/* ---- Crypto ---------------------------------------------------------------------------- */

/* The ordinary reflected CRC-16/ARC, and its bits the other way round. */
static uint16_t
crc16(const uint8_t *p, size_t len)
{
    unsigned crc = 0, out = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xa001 : crc >> 1;
    }
    for (int k = 0; k < 16; k++)
        out |= (crc >> k & 1u) << (15 - k);
    return (uint16_t)out;
}

struct text {
    uint8_t b[512];
    size_t len;
};

static void
add(struct text *t, const void *p, size_t len)
{
    must(t->len + len <= sizeof(t->b));
    if (p == NULL)
        memset(t->b + t->len, 0, len);
    else
        memcpy(t->b + t->len, p, len);
    t->len += len;
}

static void
digest(const struct text *t, uint8_t out[32])
{
    must(SHA256(t->b, t->len, out) != NULL);
}

void
fake_atecc_point(const EVP_PKEY *key, uint8_t xy[64])
{
    uint8_t raw[65];
    size_t n = 0;

    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw), &n) == 1 &&
         n == 65);
    memcpy(xy, raw + 1, 64);
}

static EVP_PKEY *
from_point(const uint8_t xy[64])
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    char group[] = "P-256";
    uint8_t raw[65] = {4};
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("group", group, 0),
                           OSSL_PARAM_construct_octet_string("pub", raw, sizeof(raw)),
                           OSSL_PARAM_construct_end()};

    memcpy(raw + 1, xy, 64);
    must(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static int
ec_verify(const uint8_t xy[64], const uint8_t hash[32], const uint8_t raw[64])
{
    EVP_PKEY *key = from_point(xy);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    uint8_t der[80], *at = der;
    EVP_PKEY_CTX *ctx;
    int n, ok = 0;

    must(sig != NULL &&
         ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)) == 1);
    n = i2d_ECDSA_SIG(sig, &at);
    if (key != NULL) {
        ctx = EVP_PKEY_CTX_new(key, NULL);
        must(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
        ok = EVP_PKEY_verify(ctx, der, (size_t)n, hash, 32) == 1;
        EVP_PKEY_CTX_free(ctx);
    }
    ECDSA_SIG_free(sig);
    EVP_PKEY_free(key);
    return ok;
}

static void
ec_sign(EVP_PKEY *key, const uint8_t hash[32], uint8_t raw[64])
{
    uint8_t der[80];
    const uint8_t *at = der;
    size_t n = sizeof(der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    ECDSA_SIG *sig;

    must(ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_sign(ctx, der, &n, hash, 32) == 1);
    sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
    must(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
    ECDSA_SIG_free(sig);
    EVP_PKEY_CTX_free(ctx);
}

/* ---- What the part remembers ---------------------------------------------------------------- */

struct call {
    struct fake_atecc *p;
    const uint8_t *c; /* the whole command */
    unsigned p1, p2;
    const uint8_t *data;
    size_t len;
    uint8_t out[100];
    size_t out_len;
};

static void
say(struct call *x, const void *b, size_t len)
{
    memcpy(x->out, b, len);
    x->out_len = len;
}

static void
say_status(struct call *x, uint8_t status)
{
    say(x, &status, 1);
}

static unsigned
slot_config(const struct fake_atecc *p, unsigned slot)
{
    return p->config[20 + 2 * slot] | (unsigned)p->config[21 + 2 * slot] << 8;
}

/* Options 0x0002: there is a key; its slot. */
static const uint8_t *
io_key(const struct fake_atecc *p)
{
    return p->slots[p->config[91] >> 4];
}

/* Opcode, parameters, and who: what most messages have in the middle. */
static void
add_head(struct text *t, const struct call *x)
{
    add(t, x->c + 1, 4);
}

static void
add_serial(struct text *t, const struct fake_atecc *p, size_t zeroes)
{
    add(t, p->config + 12, 1);
    add(t, p->config, 2);
    add(t, NULL, zeroes);
}

static void
random_bytes(struct fake_atecc *p, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = p->seed++;
}

static void
mask(const struct fake_atecc *p, const uint8_t nonce[16], uint8_t block[32])
{
    struct text t = {.len = 0};
    uint8_t m[32];

    add(&t, io_key(p), 32);
    add(&t, nonce, 16);
    digest(&t, m);
    for (int i = 0; i < 32; i++)
        block[i] ^= m[i];
}

/* ---- Commands ------------------------------------------------------------------------------------ */

static void
do_nonce(struct call *x)
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};
    uint8_t out[32];

    if ((x->p1 & 3) == 3) {
        must(x->len == ((x->p1 & 0x20) != 0 ? 64u : 32u));
        memcpy((x->p1 & 0xc0) == 0x40 ? p->digest : p->tempkey, x->data, x->len);
        p->has_tempkey = (x->p1 & 0xc0) == 0;
        p->is_random = 0;
        say_status(x, DONE);
        return;
    }
    must(x->len == 20);
    random_bytes(p, out, 32);
    add(&t, out, 32);
    add(&t, x->data, 20);
    add(&t, "\x16", 1);
    add(&t, x->c + 2, 2);
    digest(&t, p->tempkey);
    p->has_tempkey = p->is_random = 1;
    p->is_gendig = p->is_genkey = 0;
    say(x, out, 32);
}

static void
do_gendig(struct call *x)
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};

    if (x->p1 != 2 || !p->has_tempkey) {
        say_status(x, REFUSE);
        return;
    }
    add(&t, p->slots[x->p2], 32);
    add_head(&t, x);
    add_serial(&t, p, 25);
    add(&t, p->tempkey, 32);
    digest(&t, p->tempkey);
    p->is_gendig = 1;
    p->key_id = (uint8_t)x->p2;
    say_status(x, DONE);
}

static void
do_mac(struct call *x)
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};
    uint8_t out[32];

    if (p->refuses_keys || !p->has_tempkey || !p->is_random || x->p1 != 0x41) {
        say_status(x, REFUSE);
        return;
    }
    add(&t, p->slots[x->p2], 32);
    add(&t, p->tempkey, 32);
    add_head(&t, x);
    add(&t, NULL, 11);
    add(&t, p->config + 12, 1);
    add(&t, p->config + 8, 4);
    add(&t, p->config, 2);
    add(&t, p->config + 2, 2);
    digest(&t, out);
    p->has_tempkey = 0;
    say(x, out, 32);
}

static void
do_read(struct call *x)
{
    struct fake_atecc *p = x->p;
    unsigned slot = x->p2 >> 3 & 15, at = (x->p2 >> 8) * 32 + (x->p2 & 7) * 4;
    size_t len = (x->p1 & 0x80) != 0 ? 32 : 4;

    if ((x->p1 & 3) == 0) {
        say(x, p->config + (x->p2 & 31) * 4, len);
        return;
    }
    if (p->config[86] != 0 ||
        ((slot_config(p, slot) & 0x40) == 0 && (slot_config(p, slot) & 0x80) != 0)) {
        say_status(x, REFUSE);
        return;
    }
    say(x, p->slots[slot] + at, len);
    if ((slot_config(p, slot) & 0x40) == 0)
        return;
    if (!p->has_tempkey || !p->is_gendig || p->key_id != (slot_config(p, slot) & 15) || len != 32) {
        say_status(x, REFUSE);
        return;
    }
    for (int i = 0; i < 32; i++)
        x->out[i] ^= p->tempkey[i];
    p->has_tempkey = 0;
}

static void
write_hidden(struct call *x, unsigned slot, unsigned at)
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};
    uint8_t plain[32], want[32];

    must(x->len == 64);
    for (int i = 0; i < 32; i++)
        plain[i] = x->data[i] ^ p->tempkey[i];
    add(&t, p->tempkey, 32);
    add_head(&t, x);
    add_serial(&t, p, 25);
    add(&t, plain, 32);
    digest(&t, want);
    if (!p->has_tempkey || !p->is_gendig || p->key_id != (slot_config(p, slot) >> 8 & 15) ||
        memcmp(want, x->data + 32, 32) != 0) {
        say_status(x, REFUSE);
        return;
    }
    p->has_tempkey = 0;
    memcpy(p->slots[slot] + at, plain, 32);
    say_status(x, DONE);
}

static void
do_write(struct call *x)
{
    struct fake_atecc *p = x->p;
    unsigned slot = x->p2 >> 3 & 15, at = (x->p2 >> 8) * 32 + (x->p2 & 7) * 4;
    unsigned rule = slot_config(p, slot) >> 12;
    int locked = p->config[86] == 0;

    must((x->p1 & 3) == 2);
    if (locked && (p->config[88 + slot / 8] >> (slot % 8) & 1) == 0) {
        say_status(x, REFUSE);
    } else if ((x->p1 & 0x40) != 0) {
        write_hidden(x, slot, at);
    } else if (locked && rule != 0) {
        say_status(x, REFUSE);
    } else {
        must(x->len == 32);
        memcpy(p->slots[slot] + at, x->data, slot != 8 && at == 64 ? 8 : 32);
        say_status(x, DONE);
    }
}

static void
do_genkey(struct call *x)
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};
    uint8_t xy[64];

    if (x->p1 == 4) {
        EVP_PKEY_free(p->keys[x->p2]);
        p->keys[x->p2] = EVP_EC_gen("P-256");
        must(p->keys[x->p2] != NULL);
    }
    if (p->keys[x->p2] == NULL || (x->p1 == 8 && !p->has_tempkey)) {
        say_status(x, REFUSE);
        return;
    }
    fake_atecc_point(p->keys[x->p2], xy);
    if (x->p1 == 8) {
        add(&t, p->tempkey, 32);
        add_head(&t, x);
        add_serial(&t, p, 25);
        add(&t, xy, 64);
        digest(&t, p->tempkey);
        p->is_genkey = 1;
        p->is_gendig = 0;
        p->key_id = (uint8_t)x->p2;
    }
    say(x, xy, 64);
}

/* Section 3, Sign: 55 bytes of the part's own. */
static int
internal_message(struct call *x, uint8_t out[32])
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};
    unsigned id = p->key_id;
    uint8_t flags = (uint8_t)(id | (p->is_random ? 0 : 0x10) | (p->is_gendig ? 0x20 : 0) |
                              (p->is_genkey ? 0x40 : 0));
    uint8_t open = p->config[88 + id / 8] >> (id % 8) & 1;

    if (!p->has_tempkey || (!p->is_genkey && !p->is_gendig) || (slot_config(p, x->p2) & 2) == 0)
        return 0;
    add(&t, p->tempkey, 32);
    add_head(&t, x);
    add(&t, p->config + 20 + 2 * id, 2);
    add(&t, p->config + 96 + 2 * id, 2);
    add(&t, &flags, 1);
    add(&t, NULL, 2);
    add(&t, p->config + 12, 1);
    add(&t, (x->p1 & 0x40) != 0 ? p->config + 8 : NULL, 4);
    add(&t, p->config, 2);
    add(&t, (x->p1 & 0x40) != 0 ? p->config + 2 : NULL, 2);
    add(&t, &open, 1);
    add(&t, NULL, 2);
    must(t.len == 55);
    digest(&t, out);
    return 1;
}

/* A slot whose uses are counted moves counter 0, and stops at what the match slot says. */
static int
is_used_up(struct fake_atecc *p, unsigned slot)
{
    unsigned limit = p->slots[p->config[18] >> 4][0];

    if ((slot_config(p, slot) & 0x20) == 0 || (p->config[18] & 1) == 0)
        return 0;
    if (p->uses >= limit)
        return 1;
    p->uses++;
    return 0;
}

static void
do_sign(struct call *x)
{
    struct fake_atecc *p = x->p;
    uint8_t hash[32], raw[64];
    int external = (x->p1 & 0x80) != 0;

    memcpy(hash, p->digest, 32);
    if (p->keys[x->p2] == NULL || (external && (slot_config(p, x->p2) & 1) == 0) ||
        (!external && !internal_message(x, hash)) || is_used_up(p, x->p2)) {
        say_status(x, REFUSE);
        return;
    }
    ec_sign(p->keys[x->p2], hash, raw);
    p->has_tempkey = 0;
    say(x, raw, 64);
}

static void
do_verify(struct call *x)
{
    struct fake_atecc *p = x->p;
    struct text t = {.len = 0};
    uint8_t xy[64], out[32];

    if ((x->p1 & 7) == 2) {
        must(x->len == 128);
        memcpy(xy, x->data + 64, 64);
    } else {
        must(x->len == 64 && (x->p1 & 7) == 0);
        memcpy(xy, p->slots[x->p2] + 4, 32);
        memcpy(xy + 32, p->slots[x->p2] + 40, 32);
    }
    must((x->p1 & 0x20) != 0);
    if (!ec_verify(xy, p->digest, x->data)) {
        say_status(x, WRONG);
        return;
    }
    if ((x->p1 & 0x80) == 0) {
        say_status(x, DONE);
        return;
    }
    add(&t, io_key(p), 32);
    add(&t, p->digest, 64);
    add(&t, x->data, 64);
    add_head(&t, x);
    digest(&t, out);
    say(x, out, 32);
}

static void
do_secureboot(struct call *x)
{
    struct fake_atecc *p = x->p;
    struct text hk = {.len = 0}, t = {.len = 0};
    uint8_t xy[64], key[32], hash[32], out[32];

    must(x->len == 96 && (x->p1 & 7) == 7);
    memcpy(hash, x->data, 32);
    if ((x->p1 & 0x80) != 0) {
        if (!p->has_tempkey) {
            say_status(x, REFUSE);
            return;
        }
        add(&hk, io_key(p), 32);
        add(&hk, p->tempkey, 32);
        digest(&hk, key);
        for (int i = 0; i < 32; i++)
            hash[i] ^= key[i];
    }
    memcpy(xy, p->slots[15] + 4, 32);
    memcpy(xy + 32, p->slots[15] + 40, 32);
    if (!ec_verify(xy, hash, x->data + 32)) {
        say_status(x, WRONG);
        return;
    }
    memcpy(p->slots[7], hash, 32);
    if ((x->p1 & 0x80) == 0) {
        say_status(x, DONE);
        return;
    }
    add(&t, key, 32);
    add(&t, hash, 32);
    add(&t, x->data + 32, 64);
    add_head(&t, x);
    digest(&t, out);
    say(x, out, 32);
}

static void
do_ecdh(struct call *x)
{
    struct fake_atecc *p = x->p;
    EVP_PKEY *peer = from_point(x->data);
    uint8_t secret[64];
    size_t n = 32;
    EVP_PKEY_CTX *ctx;

    must(x->len == 64);
    if (peer == NULL || p->keys[x->p2] == NULL || (slot_config(p, x->p2) & 4) == 0) {
        EVP_PKEY_free(peer);
        say_status(x, REFUSE);
        return;
    }
    ctx = EVP_PKEY_CTX_new(p->keys[x->p2], NULL);
    must(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
         EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &n) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    if (x->p1 == 0x08) {
        memcpy(p->tempkey, secret, 32);
        p->has_tempkey = 1;
        say_status(x, DONE);
        return;
    }
    if (x->p1 == 0x0c) {
        say(x, secret, 32);
        return;
    }
    must(x->p1 == 0x0e);
    random_bytes(p, secret + 32, 32);
    mask(p, secret + 32, secret);
    say(x, secret, 64);
}

/* HMAC, or P_SHA256 of two blocks. */
static void
prf(const uint8_t *key, size_t key_len, const uint8_t *m, size_t len, uint8_t out[64])
{
    uint8_t a[32 + 128];
    unsigned n = 0;

    must(HMAC(EVP_sha256(), key, (int)key_len, m, len, a, &n) != NULL);
    for (int i = 0; i < 2; i++) {
        memcpy(a + 32, m, len);
        must(HMAC(EVP_sha256(), key, (int)key_len, a, 32 + len, out + 32 * i, &n) != NULL);
        must(HMAC(EVP_sha256(), key, (int)key_len, a, 32, a, &n) != NULL);
    }
}

static const uint8_t *
kdf_source(struct call *x)
{
    struct fake_atecc *p = x->p;

    if ((x->p1 & 3) == 0)
        return p->has_tempkey ? p->tempkey : NULL;
    if ((x->p1 & 3) == 3)
        return p->alt;
    return (x->p1 & 3) == 2 ? p->slots[x->p2 & 15] : NULL;
}

static void
put_kdf(struct call *x, const uint8_t made[64], size_t len)
{
    struct fake_atecc *p = x->p;
    uint8_t out[96];

    say_status(x, DONE);
    switch (x->p1 & 0x1c) {
    case 0x00:
        memcpy(p->tempkey, made, len);
        return;
    case 0x08:
        must(len == 32);
        memcpy(p->slots[x->p2 >> 8 & 15], made, 32);
        return;
    case 0x0c:
        must(len == 32);
        memcpy(p->alt, made, 32);
        return;
    case 0x10:
        say(x, made, len);
        return;
    case 0x14:
        memcpy(out, made, len);
        random_bytes(p, out + len, 32);
        for (size_t at = 0; at < len; at += 32)
            mask(p, out + len + at / 2, out + at);
        say(x, out, len + 32);
        return;
    default:
        say_status(x, PARSE);
    }
}

static void
do_kdf(struct call *x)
{
    static const uint8_t zeroes[32];
    const uint8_t *key = kdf_source(x), *m = x->data + 4;
    uint32_t details = x->data[0] | (uint32_t)x->data[1] << 8 | (uint32_t)x->data[2] << 16;
    size_t len = x->data[3], n = 32;
    uint8_t made[64];
    unsigned k = 0;

    must(x->len >= 4 && len <= 128);
    if ((x->p1 & 0x60) == 0) {
        must(x->len == 4 + len);
        n = (details & 0x100) != 0 ? 64 : 32;
        if (key != NULL)
            prf(key, 16 * ((details & 3) + 1), m, len, made);
    } else {
        must((x->p1 & 0x60) == 0x40);
        if ((details & 3) == 1) {
            must(x->len == 4);
            m = x->p->has_tempkey ? x->p->tempkey : NULL;
        } else {
            must((details & 3) == 2 && x->len == 4 + len);
        }
        if ((details & 4) != 0)
            key = zeroes;
        if (key != NULL && m != NULL)
            must(HMAC(EVP_sha256(), key, 32, m, len, made, &k) != NULL);
    }
    if (key == NULL || m == NULL) {
        say_status(x, REFUSE);
        return;
    }
    put_kdf(x, made, n);
}

static void
do_aes(struct call *x)
{
    const uint8_t *key = x->p2 == 0xffff ? x->p->tempkey : x->p->slots[x->p2 & 15];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t out[16];
    int n = 0;

    must(x->len == 16 && x->p1 == 0 && ctx != NULL);
    must(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL) == 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_EncryptUpdate(ctx, out, &n, x->data, 16) == 1 && n == 16);
    EVP_CIPHER_CTX_free(ctx);
    say(x, out, 16);
}

static void
do_sha(struct call *x)
{
    struct fake_atecc *p = x->p;
    unsigned n = 0;

    say_status(x, DONE);
    if (x->p1 == 4) {
        if (x->p2 == 0xffff && !p->has_tempkey) {
            say_status(x, REFUSE);
            return;
        }
        memcpy(p->hmac_key, x->p2 == 0xffff ? p->tempkey : p->slots[x->p2], 32);
        p->text_len = 0;
        return;
    }
    must(x->p2 == x->len && p->text_len + x->len <= sizeof(p->text));
    if (x->len != 0)
        memcpy(p->text + p->text_len, x->data, x->len);
    p->text_len += x->len;
    if (x->p1 == 1) {
        must(x->len == 64);
        return;
    }
    must(x->p1 == 0xc2 && x->len < 64);
    must(HMAC(EVP_sha256(), p->hmac_key, 32, p->text, p->text_len, x->out, &n) != NULL);
    x->out_len = 32;
}

static void
do_info(struct call *x)
{
    uint8_t out[4] = {0, 0, 0x60, 3};

    if (x->p1 == 1) {
        memset(out, 0, 4);
        out[0] = x->p->keys[x->p2 & 15] != NULL;
    }
    say(x, out, 4);
}

/* ---- The bus ------------------------------------------------------------------------------------------ */

static void
put_answer(struct fake_atecc *p, const uint8_t *payload, size_t len)
{
    uint16_t crc;

    p->answer[0] = (uint8_t)(len + 3);
    memcpy(p->answer + 1, payload, len);
    crc = crc16(p->answer, len + 1);
    p->answer[len + 1] = (uint8_t)crc;
    p->answer[len + 2] = (uint8_t)(crc >> 8);
    p->answer_len = len + 3;
    p->answer_at = 0;
}

static void
run(struct fake_atecc *p, const uint8_t *c, size_t len)
{
    static void (*const table[256])(struct call *) = {
        [0x02] = do_read,  [0x08] = do_mac,       [0x12] = do_write,  [0x15] = do_gendig,
        [0x16] = do_nonce, [0x30] = do_info,      [0x40] = do_genkey, [0x41] = do_sign,
        [0x43] = do_ecdh,  [0x45] = do_verify,    [0x47] = do_sha,    [0x51] = do_aes,
        [0x56] = do_kdf,   [0x80] = do_secureboot};
    struct call x = {.p = p, .c = c, .p1 = c[2], .p2 = c[3] | (unsigned)c[4] << 8};
    uint16_t crc = crc16(c, len - 2);

    must(c[0] == len && c[len - 2] == (uint8_t)crc && c[len - 1] == (uint8_t)(crc >> 8));
    memcpy(p->command, c, len);
    p->seen[c[1]]++;
    x.data = c + 5;
    x.len = len - 7;
    if (c[1] == 0x1b) {
        random_bytes(p, x.out, 32);
        x.out_len = 32;
    } else if (table[c[1]] != NULL) {
        table[c[1]](&x);
    } else {
        say_status(&x, PARSE);
    }
    if (p->lie != NULL)
        p->lie(p->arg, c, x.out, &x.out_len);
    put_answer(p, x.out, x.out_len);
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct fake_atecc *p = self;

    if (address != 0x36 || len == 0)
        return ROT_BUSY;
    p->answer_at = 0;
    if (tx[0] == 1)
        p->has_tempkey = 0;
    if (tx[0] == 3)
        run(p, tx + 1, len - 1);
    return ROT_OK;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct fake_atecc *p = self;

    if (address != 0x36)
        return ROT_BUSY;
    for (size_t i = 0; i < len; i++)
        rx[i] = p->answer_at < p->answer_len ? p->answer[p->answer_at++] : 0xff;
    return ROT_OK;
}

static rot_err
on_wake(void *self, uint32_t low_us)
{
    (void)low_us;
    put_answer(self, (const uint8_t *)"\x11", 1);
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static const struct rot_line_ops line_ops = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c_ops = {.write = on_write, .read = on_read, .wake = on_wake};

void
fake_atecc_init(struct fake_atecc *p, const uint8_t *config)
{
    static const uint8_t head[16] = {0x01, 0x23, 0x8b, 0x26, 0x00, 0x00, 0x60, 0x03,
                                     0x36, 0x5d, 0xc4, 0x18, 0x01, 0x61, 0x01, 0x00};

    memset(p, 0, sizeof(*p));
    memcpy(p->config, head, 16);
    memcpy(p->config + 16, config, 112);
    p->config[86] = p->config[87] = 0;
    p->transport =
        (struct rot_transport){.self = p, .line = &line_ops, .i2c = &i2c_ops, .address = 0x36};
    for (unsigned i = 0; i < 3; i++) {
        p->keys[i] = EVP_EC_gen("P-256");
        must(p->keys[i] != NULL);
    }
}

void
fake_atecc_done(struct fake_atecc *p)
{
    for (unsigned i = 0; i < 16; i++)
        EVP_PKEY_free(p->keys[i]);
}
