/*
 * sha256.c: see sha256.h.  FIPS 180-4 section 6.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/atecc/sha256.h"

#include <string.h>

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t
rotate(uint32_t v, unsigned bits)
{
    return (v >> bits) | (v << (32 - bits));
}

static void
expand(const uint8_t block[64], uint32_t w[64])
{
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ (a >> 3)) + w[i - 7] +
               (rotate(b, 17) ^ rotate(b, 19) ^ (b >> 10));
    }
}

static void
compress(uint32_t state[8], const uint8_t block[64])
{
    uint32_t w[64], s[8];

    expand(block, w);
    memcpy(s, state, sizeof(s));
    for (size_t i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & s[5]) ^ (~e & s[6])) + round_constants[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof(s[0]));
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += s[i];
}

void
atecc_sha256_init(struct atecc_sha256 *h)
{
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memset(h, 0, sizeof(*h));
    memcpy(h->state, initial, sizeof(initial));
}

void
atecc_sha256_add(struct atecc_sha256 *h, const void *p, size_t len)
{
    const uint8_t *bytes = p;

    while (len > 0) {
        size_t at = (size_t)(h->count % 64), n = 64 - at < len ? 64 - at : len;

        memcpy(h->block + at, bytes, n);
        h->count += n;
        bytes += n;
        len -= n;
        if (h->count % 64 == 0)
            compress(h->state, h->block);
    }
}

void
atecc_sha256_zeros(struct atecc_sha256 *h, size_t len)
{
    static const uint8_t zeros[64];

    while (len > 0) {
        size_t n = len < sizeof(zeros) ? len : sizeof(zeros);

        atecc_sha256_add(h, zeros, n);
        len -= n;
    }
}

void
atecc_sha256_u8(struct atecc_sha256 *h, unsigned byte)
{
    uint8_t b = (uint8_t)byte;

    atecc_sha256_add(h, &b, 1);
}

void
atecc_sha256_end(struct atecc_sha256 *h, uint8_t digest[32])
{
    uint64_t bits = h->count * 8;

    atecc_sha256_u8(h, 0x80);
    atecc_sha256_zeros(h, (size_t)((120 - h->count % 64) % 64));
    for (unsigned shift = 64; shift > 0; shift -= 8)
        atecc_sha256_u8(h, (unsigned)(bits >> (shift - 8)) & 0xFF);
    for (size_t i = 0; i < 32; i++)
        digest[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

static void
hmac_pad(struct atecc_sha256 *h, const uint8_t *key, size_t key_len, uint8_t pad)
{
    atecc_sha256_init(h);
    for (size_t i = 0; i < 64; i++)
        atecc_sha256_u8(h, (i < key_len ? key[i] : 0u) ^ pad);
}

void
atecc_hmac_init(struct atecc_sha256 *h, const uint8_t *key, size_t key_len)
{
    hmac_pad(h, key, key_len, 0x36);
}

void
atecc_hmac_end(struct atecc_sha256 *h, const uint8_t *key, size_t key_len, uint8_t mac[32])
{
    uint8_t inner[32];

    atecc_sha256_end(h, inner);
    hmac_pad(h, key, key_len, 0x5c);
    atecc_sha256_add(h, inner, sizeof(inner));
    atecc_sha256_end(h, mac);
}
