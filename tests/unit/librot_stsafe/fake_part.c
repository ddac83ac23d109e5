/*
 * fake_part.c: see fake_part.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_part.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

static void
must(int ok)
{
    if (!ok)
        abort();
}

/* ---- Crypto, OpenSSL's --------------------------------------------------------------- */

static uint16_t
crc16(const uint8_t *p, size_t len, uint16_t crc)
{
    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ p[i]);
        for (int k = 0; k < 8; k++)
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0x8408 : crc >> 1);
    }
    return crc;
}

static void
cmac(const uint8_t key[16], const uint8_t *p, size_t len, uint8_t mac[16])
{
    char name[] = "AES-128-CBC";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("cipher", name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *alg = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(alg);
    size_t n = 0;

    must(ctx != NULL && EVP_MAC_init(ctx, key, 16, params) == 1 &&
         EVP_MAC_update(ctx, p, len) == 1 && EVP_MAC_final(ctx, mac, &n, 16) == 1);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(alg);
}

static void
aes(const EVP_CIPHER *mode, const uint8_t *key, const uint8_t *iv, int encrypt, const uint8_t *in,
    size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    must(ctx != NULL);
    must(EVP_CipherInit_ex(ctx, mode, NULL, key, iv, encrypt) == 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1 && n == (int)len);
    EVP_CIPHER_CTX_free(ctx);
}

/* RFC 3394; 0 when what is unwrapped is none. */
static size_t
wrap(const uint8_t key[32], int encrypt, const uint8_t *in, size_t len, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;

    must(ctx != NULL);
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    must(EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, key, NULL, encrypt) == 1);
    if (EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1)
        n = 0;
    EVP_CIPHER_CTX_free(ctx);
    return (size_t)n;
}

/* Section 6: the counter, what it is for, 80. */
static void
block(const struct fake_part *p, uint32_t counter, uint8_t use, uint8_t out[16])
{
    unsigned width = p->model == 2 ? 4 : 3, at = 0;

    memset(out, 0, 16);
    if (width == 4)
        out[at++] = (uint8_t)(counter >> 24);
    out[at++] = (uint8_t)(counter >> 16);
    out[at++] = (uint8_t)(counter >> 8);
    out[at++] = (uint8_t)counter;
    out[at++] = use;
    out[at] = 0x80;
}

static void
host_cipher(const struct fake_part *p, uint8_t use, int encrypt, uint8_t *text, size_t len)
{
    uint8_t iv[16];

    if (p->is_cheap)
        return;
    block(p, p->counter + 1, use, iv);
    aes(EVP_aes_128_ecb(), p->host + 16, NULL, 1, iv, 16, iv);
    aes(EVP_aes_128_cbc(), p->host + 16, iv, encrypt, text, len, text);
}

/* ---- Keys ------------------------------------------------------------------------------- */

static const uint8_t oid[] = {0, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static void
point_of(const EVP_PKEY *key, uint8_t xy[64])
{
    uint8_t raw[65];
    size_t n = 0;

    must(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, raw, sizeof(raw), &n) == 1 &&
         n == 65);
    memcpy(xy, raw + 1, 64);
}

static EVP_PKEY *
key_from_point(const uint8_t *x, const uint8_t *y)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    char group[] = "P-256";
    uint8_t raw[65] = {4};
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("group", group, 0),
                           OSSL_PARAM_construct_octet_string("pub", raw, sizeof(raw)),
                           OSSL_PARAM_construct_end()};

    memcpy(raw + 1, x, 32);
    memcpy(raw + 33, y, 32);
    must(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    if (EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void
say(struct fake_said *a, const void *p, size_t len)
{
    must(a->len + len <= sizeof(a->payload));
    if (len != 0)
        memcpy(a->payload + a->len, p, len);
    a->len += len;
}

static void
say_sized(struct fake_said *a, const uint8_t *p, size_t len)
{
    uint8_t n[2] = {(uint8_t)(len >> 8), (uint8_t)len};

    say(a, n, 2);
    say(a, p, len);
}

static void
sign(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t der[80], r[32], s[32];
    const uint8_t *at = der;
    size_t n = sizeof(der);
    EVP_PKEY_CTX *ctx;
    ECDSA_SIG *sig;

    if (p->is_cheap) {
        memset(r, 0x33, 32);
        say_sized(a, r, 32);
        say_sized(a, r, 32);
        return;
    }
    ctx = EVP_PKEY_CTX_new(p->slots[in[0]], NULL);
    must(len == 35 && ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
         EVP_PKEY_sign(ctx, der, &n, in + 3, 32) == 1);
    sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
    must(sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), r, 32) == 32 &&
         BN_bn2binpad(ECDSA_SIG_get0_s(sig), s, 32) == 32);
    ECDSA_SIG_free(sig);
    EVP_PKEY_CTX_free(ctx);
    say_sized(a, r, 32);
    say_sized(a, s, 32);
}

static void
do_sign(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    if (len < 3 || in[0] >= FAKE_SLOTS)
        a->status = 0x03;
    else if (p->slots[in[0]] == NULL && !p->is_cheap)
        a->status = 0x0a;
    else
        sign(p, in, len, a);
}

/* 00, CID, PT, R, S, digest; everything of P-256. */
static void
do_verify(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t der[80], *at = der, verdict = 1;
    EVP_PKEY *key;
    EVP_PKEY_CTX *ctx;
    ECDSA_SIG *sig = ECDSA_SIG_new();

    if (p->is_cheap) {
        say(a, &verdict, 1);
        ECDSA_SIG_free(sig);
        return;
    }
    must(len == 1 + 10 + 69 + 68 + 34 && sig != NULL && memcmp(in + 1, oid, 10) == 0);
    key = key_from_point(in + 14, in + 48);
    must(ECDSA_SIG_set0(sig, BN_bin2bn(in + 82, 32, NULL), BN_bin2bn(in + 116, 32, NULL)) == 1);
    if (key == NULL) {
        a->status = 0x19;
    } else {
        int n = i2d_ECDSA_SIG(sig, &at);
        ctx = EVP_PKEY_CTX_new(key, NULL);
        must(ctx != NULL && EVP_PKEY_verify_init(ctx) == 1);
        verdict = EVP_PKEY_verify(ctx, der, (size_t)n, in + 150, 32) == 1;
        EVP_PKEY_CTX_free(ctx);
        say(a, &verdict, 1);
    }
    ECDSA_SIG_free(sig);
    EVP_PKEY_free(key);
}

static void
do_establish(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t secret[32];
    size_t n = sizeof(secret);
    EVP_PKEY *peer;
    EVP_PKEY_CTX *ctx;

    memset(secret, 0x55, sizeof(secret));
    if (p->is_cheap) {
        say_sized(a, secret, 32);
        return;
    }
    must(len == 70 && in[1] == 4);
    if (in[0] >= FAKE_SLOTS || p->slots[in[0]] == NULL) {
        a->status = 0x0a;
        return;
    }
    peer = key_from_point(in + 4, in + 38);
    if (peer == NULL) {
        a->status = 0x19;
        return;
    }
    ctx = EVP_PKEY_CTX_new(p->slots[in[0]], NULL);
    must(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
         EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &n) == 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    say_sized(a, secret, 32);
}

static void
generate_pair(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t xy[64], four = 4;

    if (len != 16 || in[1] >= FAKE_SLOTS || (p->model < 2 && in[1] > 1) ||
        memcmp(in + 6, oid, 10) != 0) {
        a->status = 0x03;
        return;
    }
    memset(xy, 0x11, sizeof(xy));
    if (!p->is_cheap) {
        EVP_PKEY_free(p->slots[in[1]]);
        p->slots[in[1]] = EVP_EC_gen("P-256");
        must(p->slots[in[1]] != NULL);
        point_of(p->slots[in[1]], xy);
    }
    say(a, &four, 1);
    say_sized(a, xy, 32);
    say_sized(a, xy + 32, 32);
}

static void
do_generate(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    if (len != 0 && in[0] == 0x13) {
        generate_pair(p, in, len, a);
    } else if (len == 3 && in[0] == 0x07 && in[1] < 2 && in[2] == 1) {
        memset(p->envelope[in[1]], 0xe0 + in[1] + p->seed++, 32);
        p->has_envelope[in[1]] = 1;
    } else {
        a->status = 0x03;
    }
}

static void
do_envelope(struct fake_part *p, int encrypt, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t out[600];
    size_t n;

    if (len < 17 || len > 489 || len % 8 != 1 || in[0] > 1) {
        a->status = 0x03;
        return;
    }
    if (!p->has_envelope[in[0]]) {
        a->status = 0x0a;
        return;
    }
    if (p->is_cheap) {
        memset(out, 0, sizeof(out));
        memcpy(out, in + 1, len - 1);
        n = encrypt ? len + 7 : len - 9;
    } else {
        n = wrap(p->envelope[in[0]], encrypt, in + 1, len - 1, out);
    }
    if (n == 0)
        a->status = 0x18;
    say(a, out, n);
}

/* ---- Zones ------------------------------------------------------------------------------------ */

static struct fake_zone *
find_zone(struct fake_part *p, const uint8_t *in, size_t len, size_t least, struct fake_said *a)
{
    if (len < least) {
        a->status = 0x03;
        return NULL;
    }
    if (in[1] >= FAKE_ZONES || p->zones[in[1]].size == 0) {
        a->status = 0x10;
        return NULL;
    }
    return &p->zones[in[1]];
}

static int
may_update(const struct fake_zone *z, int is_host, struct fake_said *a)
{
    unsigned ac = z->access & 7;

    if (ac == 0 || (ac == 1 && is_host))
        return 1;
    a->status = 0x11;
    return 0;
}

static void
do_read(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    struct fake_zone *z = find_zone(p, in, len, 6, a);
    size_t at, n;

    if (z == NULL)
        return;
    at = (size_t)in[2] << 8 | in[3];
    n = (size_t)in[4] << 8 | in[5];
    if (at + n > z->size)
        a->status = 0x14;
    else
        say(a, z->data + at, n);
}

static void
do_update(struct fake_part *p, const uint8_t *in, size_t len, int is_host, struct fake_said *a)
{
    struct fake_zone *z = find_zone(p, in, len, 5, a);
    size_t at;

    if (z == NULL || !may_update(z, is_host, a))
        return;
    at = (size_t)in[2] << 8 | in[3];
    if ((in[0] & 0x10) != 0 && (z->access & 8) == 0) {
        a->status = 0x11;
        return;
    }
    if (at + len - 4 > z->size) {
        a->status = 0x14;
        return;
    }
    memcpy(z->data + at, in + 4, len - 4);
    if ((in[0] & 0x10) != 0)
        z->access = (uint8_t)((z->access & 0xf0) | (in[0] & 0x0f));
}

static void
say_u32(struct fake_said *a, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

    say(a, b, 4);
}

static void
do_decrement(struct fake_part *p, const uint8_t *in, size_t len, int is_host, struct fake_said *a)
{
    struct fake_zone *z = find_zone(p, in, len, 8, a);
    uint32_t amount;

    if (z == NULL || !may_update(z, is_host, a))
        return;
    amount = (uint32_t)in[4] << 24 | (uint32_t)in[5] << 16 | (uint32_t)in[6] << 8 | in[7];
    if (!z->is_counter) {
        a->status = 0x12;
    } else if (amount > z->counter) {
        a->status = 0x13;
    } else {
        z->counter -= amount;
        say_u32(a, z->counter);
    }
}

/* ---- Query and Put ------------------------------------------------------------------------------- */

static void
say_product(struct fake_part *p, struct fake_said *a)
{
    static const uint8_t masks[3][3] = {{0xaa, 0x40, 0x01}, {0xaa, 0x46, 0x02}, {0xaa, 0x60, 0x01}};
    static const uint8_t rest[] = {0x03, 0x02, 0x01, 0xfb, 0x04, 0x02, 0x00, 0x40};

    say(a, "\x01\x03", 2);
    say(a, masks[p->model], 3);
    say(a, "\x02\x09", 2);
    say(a, p->number, 9);
    say(a, rest, sizeof(rest));
}

static void
say_partition(struct fake_part *p, struct fake_said *a)
{
    uint8_t count = 0;

    say(a, &count, 1);
    for (uint8_t i = 0; i < FAKE_ZONES; i++) {
        const struct fake_zone *z = &p->zones[i];
        uint8_t b[5] = {i, z->is_counter, z->access, (uint8_t)(z->size >> 8), (uint8_t)z->size};

        if (z->size == 0)
            continue;
        a->payload[0]++;
        say(a, b, 5);
        if (z->is_counter)
            say_u32(a, z->counter);
    }
}

static void
say_host_key(struct fake_part *p, struct fake_said *a)
{
    uint8_t b[4] = {p->has_host, (uint8_t)(p->counter >> 16), (uint8_t)(p->counter >> 8),
                    (uint8_t)p->counter};

    if (p->model < 2) {
        say(a, b, 4);
        return;
    }
    say(a, &p->has_host, 1);
    say(a, "\0", 1);
    say_u32(a, p->counter);
}

static void
do_query(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    unsigned tag = len == 1 ? in[0] : 0xff;

    if (tag == 0x11)
        say_product(p, a);
    else if (tag == 0x12)
        say_partition(p, a);
    else if (tag == 0x08)
        say(a, &p->life, 1);
    else if (tag == 0x24)
        say(a, p->rules, p->rules_len);
    else if (tag == (p->model == 2 ? 0x47u : 0x17u))
        say_host_key(p, a);
    else
        a->status = 0x03;
}

static void
put_host(struct fake_part *p, const uint8_t *keys, struct fake_said *a)
{
    if (p->has_host && p->host_is_fixed) {
        a->status = 0x11;
        return;
    }
    memcpy(p->host, keys, 32);
    p->has_host = 1;
}

static void
do_put(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    if (len == 33 && in[0] == 0x17 && p->model < 2)
        put_host(p, in + 1, a);
    else if (len == 2 && in[0] == 0x08 && p->life == 1)
        p->life = in[1];
    else
        a->status = 0x03;
}

/* ---- Symmetric slots of an A120 ---------------------------------------------------------------------- */

/* Lock, type, mode, usage (2), limit, and a length for generic secrets; 0: none. */
static size_t
read_info(const uint8_t *in, size_t len, struct fake_symmetric *to)
{
    size_t n = len >= 2 && in[1] == 2 ? 7 : 6;

    memset(to, 0, sizeof(*to));
    if (len < n || in[1] > 2)
        return 0;
    memcpy(to->info, in, n);
    to->info_len = n;
    to->len = n == 7 ? in[6] : (size_t)16 << in[1];
    return to->len >= 16 && to->len <= 32 ? n : 0;
}

static struct fake_symmetric *
find_symmetric(struct fake_part *p, const uint8_t *in, size_t len, uint8_t mode,
               struct fake_said *a)
{
    if (len < 2 || in[1] >= FAKE_SYMMETRIC)
        a->status = 0x03;
    else if (p->symmetric[in[1]].len == 0)
        a->status = 0x0a;
    else if (p->symmetric[in[1]].info[2] != mode)
        a->status = 0x1c;
    return a->status == 0 ? &p->symmetric[in[1]] : NULL;
}

static void
hmac(const uint8_t *key, size_t key_len, const uint8_t *p, size_t len, uint8_t mac[32])
{
    static const uint8_t none = 0;
    unsigned n = 0;

    must(HMAC(EVP_sha256(), key_len == 0 ? &none : key, (int)key_len, p, len, mac, &n) != NULL &&
         n == 32);
}

static void
do_mac(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t mac[32] = {0};
    struct fake_symmetric *k = NULL;
    int is_hmac = len >= 3 && in[2] == 32;

    if (p->model != 2 || len < 3 || in[0] != 3 || (in[2] != 16 && in[2] != 32))
        a->status = 0x03;
    else
        k = find_symmetric(p, in, len, is_hmac ? 5 : 1, a);
    if (k == NULL)
        return;
    if (!p->is_cheap && is_hmac)
        hmac(k->key, k->len, in + 3, len - 3, mac);
    else if (!p->is_cheap)
        cmac(k->key, in + 3, len - 3, mac);
    say(a, mac, in[2]);
}

/* 02, slot, nonce, associated data, text, each with a length; behind that the tag when opening. */
static void
do_gcm(struct fake_part *p, int seal, const uint8_t *in, size_t len, struct fake_said *a)
{
    struct fake_symmetric *k = NULL;
    uint8_t out[FAKE_MAX], tag[16] = {0}, verdict = 1;
    const uint8_t *part[3];
    size_t part_len[3], at = 2;
    EVP_CIPHER_CTX *ctx;
    int n = 0;

    for (unsigned i = 0; i < 3; i++) {
        part_len[i] = at + 2 <= len ? (size_t)in[at] << 8 | in[at + 1] : FAKE_MAX;
        part[i] = in + at + 2;
        at += 2 + part_len[i];
    }
    if (p->model != 2 || at + (seal ? 0 : 16) != len || in[0] != 2)
        a->status = 0x02;
    else
        k = find_symmetric(p, in, len, 3, a);
    if (k == NULL)
        return;
    memcpy(out, part[2], part_len[2]);
    if (!p->is_cheap) {
        ctx = EVP_CIPHER_CTX_new();
        must(ctx != NULL &&
             EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, NULL, NULL, seal) == 1 &&
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)part_len[0], NULL) == 1 &&
             EVP_CipherInit_ex(ctx, NULL, NULL, k->key, part[0], seal) == 1 &&
             EVP_CipherUpdate(ctx, NULL, &n, part[1], (int)part_len[1]) == 1 &&
             EVP_CipherUpdate(ctx, out, &n, part[2], (int)part_len[2]) == 1);
        if (!seal) {
            memcpy(tag, in + at, 16);
            must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1);
        }
        verdict = EVP_CipherFinal_ex(ctx, out, &n) == 1;
        must(!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1);
        EVP_CIPHER_CTX_free(ctx);
    }
    if (!seal)
        say(a, &verdict, 1);
    if (verdict)
        say(a, out, part_len[2]);
    if (seal)
        say(a, tag, 16);
}

/* From a slot, extracted or not, to the first empty one: all that the driver asks for. */
static void
do_derive(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    static const uint8_t sha256[] = {0, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
    struct fake_symmetric *k = find_symmetric(p, in, len, 4, a), fresh;
    uint8_t prk[32], block[FAKE_MAX], slot = 0;
    size_t at = 14, n;

    if (k == NULL)
        return;
    a->status = 0x02;
    if (in[0] != 2 || len < 20 || memcmp(in + 3, sha256, sizeof(sha256)) != 0)
        return;
    if (in[2] == 3) {
        n = (size_t)in[15] << 8 | in[16];
        if (in[14] != 0 || 17 + n + 5 > len)
            return;
        hmac(in + 17, n, k->key, k->len, prk);
        at = 17 + n;
    } else if (in[2] == 1 && k->len == 32) {
        memcpy(prk, k->key, 32);
    } else {
        return;
    }
    n = (size_t)in[at] << 8 | in[at + 1];
    if (at + 2 + n + 3 > len)
        return;
    memcpy(block, in + at + 2, n);
    block[n] = 1;
    at += 2 + n;
    if (in[at + 2] != 2 || read_info(in + at + 3, len - at - 3, &fresh) != len - at - 3)
        return;
    hmac(prk, 32, block, n + 1, prk);
    memcpy(fresh.key, prk, fresh.len);
    while (slot < FAKE_SYMMETRIC && p->symmetric[slot].len != 0)
        slot++;
    a->status = slot < FAKE_SYMMETRIC ? 0x00 : 0x14;
    if (slot < FAKE_SYMMETRIC) {
        p->symmetric[slot] = fresh;
        say(a, &slot, 1);
    }
}

/* The same with the slot behind the lock, and the key behind all. */
static void
write_symmetric(struct fake_part *p, const uint8_t *in, size_t len, struct fake_said *a)
{
    uint8_t info[FAKE_MAX];
    struct fake_symmetric fresh;
    size_t n;

    a->status = 0x03;
    if (len < 8 || in[1] >= FAKE_SYMMETRIC)
        return;
    info[0] = in[0];
    memcpy(info + 1, in + 2, len - 2);
    n = read_info(info, len - 1, &fresh);
    if (n == 0 || n + 1 + fresh.len != len)
        return;
    memcpy(fresh.key, in + 1 + n, fresh.len);
    p->symmetric[in[1]] = fresh;
    a->status = 0;
}

static void
do_extended(struct fake_part *p, unsigned code, const uint8_t *in, size_t len, struct fake_said *a)
{
    if (p->model != 2) {
        a->status = 0x04;
    } else if (code == 0x07 && len == 36 && memcmp(in, "\0\0\0\0", 4) == 0) {
        put_host(p, in + 4, a);
    } else if (code == 0x10) {
        do_derive(p, in, len, a);
    } else if (code == 0x17) {
        write_symmetric(p, in, len, a);
    } else if (code == 0x19 && len == 1 && in[0] < FAKE_SYMMETRIC) {
        a->status = p->symmetric[in[0]].len != 0 ? 0 : 0x0a;
        p->symmetric[in[0]].len = 0;
    } else {
        a->status = 0x04;
    }
}

/* ---- A command -------------------------------------------------------------------------------------------- */

static void
dispatch(struct fake_part *p, unsigned code, int is_host, const uint8_t *in, size_t len,
         struct fake_said *a)
{
    switch (code) {
    case 0x01:
        return;
    case 0x02:
        a->status = len == 2 ? 0x00 : 0x03;
        for (unsigned i = 0; len == 2 && i < in[1]; i++)
            say(a, &p->seed, 1), p->seed++;
        return;
    case 0x04:
        do_decrement(p, in, len, is_host, a);
        return;
    case 0x05:
        do_read(p, in, len, a);
        return;
    case 0x06:
        do_update(p, in, len, is_host, a);
        return;
    case 0x09:
        do_mac(p, in, len, a);
        return;
    case 0x0e:
    case 0x0f:
        do_envelope(p, code == 0x0e, in, len, a);
        return;
    case 0x10:
        do_put(p, in, len, a);
        return;
    case 0x11:
        do_generate(p, in, len, a);
        return;
    case 0x14:
        do_query(p, in, len, a);
        return;
    case 0x16:
        do_sign(p, in, len, a);
        return;
    case 0x17:
        do_verify(p, in, len, a);
        return;
    case 0x18:
        do_establish(p, in, len, a);
        return;
    case 0x1b:
    case 0x1c:
        do_gcm(p, code == 0x1b, in, len, a);
        return;
    default:
        a->status = 0x04;
    }
}

/* What the rules say of a command: who (1: free) and what is encrypted. */
static void
look_up(const struct fake_part *p, unsigned set, unsigned code, unsigned *who, unsigned *hidden)
{
    *who = 1;
    *hidden = 0;
    for (size_t i = 2; i + 2 < p->rules_len; i += 3) {
        unsigned s = p->rules[i] == 0x1f;

        if (s)
            i++;
        if (s == set && p->rules[i] == code) {
            *who = p->rules[i + 1];
            *hidden = p->rules[i + 2];
        }
    }
}

/* C-MAC over the head and payload as sent. */
static int
check_mac(struct fake_part *p, const uint8_t *frame, size_t head, size_t len)
{
    uint8_t text[FAKE_MAX + 32], mac[16];

    if (p->is_cheap)
        return 1;
    block(p, p->counter, 0x00, text);
    text[16] = 0x00;
    memcpy(text + 17, frame, head);
    text[17 + head] = (uint8_t)(len >> 8);
    text[18 + head] = (uint8_t)len;
    memcpy(text + 19 + head, frame + head, len);
    cmac(p->host, text, 19 + head + len, mac);
    return memcmp(mac, frame + head + len, 4) == 0;
}

static void
answer_mac(struct fake_part *p, const uint8_t *frame, size_t head, size_t len, struct fake_said *a)
{
    uint8_t text[2 * FAKE_MAX + 32], mac[16] = {0};
    size_t n = 17;

    if (!p->is_cheap) {
        block(p, p->counter + 1, 0x40, text);
        text[16] = 0x80;
        memcpy(text + n, frame, head);
        n += head;
        text[n++] = (uint8_t)(len >> 8);
        text[n++] = (uint8_t)len;
        memcpy(text + n, frame + head, len);
        n += len;
        text[n++] = a->status;
        text[n++] = (uint8_t)(a->len >> 8);
        text[n++] = (uint8_t)a->len;
        memcpy(text + n, a->payload, a->len);
        cmac(p->host, text, n + a->len, mac);
    }
    say(a, mac, 4);
}

static size_t
strip(const uint8_t *p, size_t n)
{
    while (n != 0 && p[n - 1] == 0)
        n--;
    return n == 0 ? 0 : n - 1;
}

static void
pad(struct fake_said *a)
{
    size_t n = a->len + 16 - a->len % 16;

    memset(a->payload + a->len, 0, n - a->len);
    a->payload[a->len] = 0x80;
    a->len = n;
}

static void
put_answer(struct fake_part *p, const struct fake_said *a)
{
    size_t n = a->len;
    uint16_t crc;

    p->answer[0] = a->status;
    p->answer[1] = (uint8_t)((n + 2) >> 8);
    p->answer[2] = (uint8_t)(n + 2);
    memcpy(p->answer + 3, a->payload, n);
    crc = crc16(p->answer, 1, 0xffff);
    crc = (uint16_t)~crc16(p->answer + 3, n, crc);
    p->answer[3 + n] = (uint8_t)(crc >> 8);
    p->answer[4 + n] = (uint8_t)crc;
    p->answer_len = n + 5;
}

/* Through the channel when the flags say so; a->payload is then as it goes on the bus. */
static void
run(struct fake_part *p, const uint8_t *frame, size_t len, struct fake_said *a)
{
    int is_extended = (frame[0] & 0x1f) == 0x1f && len > 1, is_host = (frame[0] & 0xe0) == 0xe0;
    size_t head = is_extended ? 2 : 1;
    unsigned code = is_extended ? frame[1] : frame[0] & 0x1fu, who, hidden;

    p->commands++;
    if (code < 32)
        p->seen[is_extended][code]++;
    look_up(p, (unsigned)is_extended, code, &who, &hidden);
    len -= head;
    if (is_host && (!p->has_host || len < 4 || !check_mac(p, frame, head, len - 4))) {
        p->bad_macs++;
        a->status = 0x16;
        return;
    }
    len -= is_host ? 4 : 0;
    memcpy(p->heard, frame + head, len);
    p->heard_len = len;
    if (is_host && (hidden & 2) != 0) {
        host_cipher(p, 0x80, 0, p->heard, len);
        p->heard_len = strip(p->heard, len);
    }
    if (who == 0 || who == 2 || (who == 3 && !is_host))
        a->status = 0x11;
    else if (is_extended)
        do_extended(p, code, p->heard, p->heard_len, a);
    else
        dispatch(p, code, is_host, p->heard, p->heard_len, a);
    if (p->lie != NULL)
        p->lie(p->arg, code, a);
    if (a->status != 0)
        a->len = 0;
    if (is_host && a->status == 0) {
        if ((hidden & 1) != 0 && a->len != 0) {
            pad(a);
            host_cipher(p, 0xc0, 1, a->payload, a->len);
        }
        answer_mac(p, frame, head, len, a);
    }
    if (is_host && a->status != 1)
        p->counter++;
}

static int
is_cut(struct fake_part *p, int after)
{
    if (!after)
        p->transfers++;
    if (p->cut_at != 0 && p->transfers == p->cut_at && p->cut_after == after)
        p->is_cut = 1;
    return p->is_cut;
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct fake_part *p = self;
    struct fake_said a = {.status = 0};
    uint16_t crc;

    if (is_cut(p, 0))
        return ROT_E_BUS;
    if (address != 0x20)
        return ROT_BUSY;
    must(len >= 3 && len <= 507);
    memcpy(p->bus, tx, len);
    p->bus_len = len;
    crc = (uint16_t)~crc16(tx, len - 2, 0xffff);
    must(tx[len - 2] == (uint8_t)(crc >> 8) && tx[len - 1] == (uint8_t)crc);
    run(p, tx, len - 2, &a);
    put_answer(p, &a);
    if (p->tamper != NULL)
        p->answer_len = p->tamper(p->arg, tx[0] & 0x1fu, p->answer, p->answer_len);
    p->busy_left = p->busy;
    return is_cut(p, 1) ? ROT_E_BUS : ROT_OK;
}

/* Every read begins at the first byte of the answer. */
static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct fake_part *p = self;

    if (is_cut(p, 0))
        return ROT_E_BUS;
    if (address != 0x20 || p->answer_len == 0)
        return ROT_BUSY;
    if (p->busy_left != 0) {
        p->busy_left--;
        return ROT_BUSY;
    }
    for (size_t i = 0; i < len; i++)
        rx[i] = i < p->answer_len ? p->answer[i] : 0xff;
    return is_cut(p, 1) ? ROT_E_BUS : ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    struct fake_part *p = self;

    p->waits_us += us;
}

static const struct rot_line_ops line_ops = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c_ops = {.write = on_write, .read = on_read};

/* ---- As delivered ----------------------------------------------------------------------------------------- */

/* Of the shape of ST's leaf (section 5): the serial ends in the part's number; padding follows. */
static void
put_leaf(struct fake_part *p)
{
    uint8_t serial[11] = {0x02, 0x09}, *at = p->zones[0].data;
    X509 *x = X509_new();
    BIGNUM *bn;
    int len;

    memcpy(serial + 2, p->number, 9);
    bn = BN_bin2bn(serial, sizeof(serial), NULL);
    must(x != NULL && bn != NULL && X509_set_version(x, 2) == 1 &&
         BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL);
    must(X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)"Simulated STSAFE CA", -1, -1, 0) == 1);
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)"STSAFE-A110", -1, -1, 0) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(x), 1000000) != NULL &&
         X509_set_pubkey(x, p->slots[0]) == 1 && X509_sign(x, p->slots[0], EVP_sha256()) > 0);
    len = i2d_X509(x, &at);
    must(len > 256 && len < 1000);
    BN_free(bn);
    X509_free(x);
}

void
fake_part_init(struct fake_part *p, unsigned model)
{
    static const uint16_t sizes[FAKE_ZONES] = {1000, 700, 600, 600, 1696, 64, 64, 1578};
    /* What an A110 was seen to have (section 5). */
    static const uint8_t rules[] = {0x00, 9, 0x08, 0, 0, 0x09, 0, 0, 0x0a, 0, 0, 0x0e, 3, 2, 0x0f,
                                    3,    1, 0x16, 1, 0, 0x18, 1, 0, 0x1b, 0, 0, 0x1c, 0, 0};
    static const uint8_t wide[] = {0x00, 3, 0x0e, 3, 2, 0x0f, 3, 1, 0x1f, 0x17, 3, 2};

    memset(p, 0, sizeof(*p));
    p->model = model;
    p->life = 3;
    memcpy(p->number, "\xa0\x21\xe0\x21\xc4\xe1\xd0\x01\x39", 9);
    for (unsigned i = 0; i < FAKE_ZONES; i++) {
        p->zones[i].size = sizes[i];
        p->zones[i].access = i == 0 ? 0x07 : 0x08;
        p->zones[i].is_counter = i == 5 || i == 6;
        p->zones[i].counter = p->zones[i].is_counter ? 500 : 0;
    }
    memcpy(p->rules, model == 2 ? wide : rules, model == 2 ? sizeof(wide) : sizeof(rules));
    p->rules_len = model == 2 ? sizeof(wide) : sizeof(rules);
    p->slots[0] = EVP_EC_gen("P-256");
    must(p->slots[0] != NULL);
    put_leaf(p);
    p->transport = (struct rot_transport){.self = p, .line = &line_ops, .i2c = &i2c_ops};
}

void
fake_part_done(struct fake_part *p)
{
    for (unsigned i = 0; i < FAKE_SLOTS; i++)
        EVP_PKEY_free(p->slots[i]);
}

void
fake_part_pair(struct fake_part *p, const uint8_t keys[32], uint32_t counter)
{
    memcpy(p->host, keys, 32);
    p->has_host = 1;
    p->counter = counter;
}
