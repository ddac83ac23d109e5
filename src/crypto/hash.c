/*
 * hash.c: digests over EVP with algorithms fetched once.  See hash.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crypto/hash.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *md_sha1, *md_sha256, *md_sha384, *md_sha512;

static void
fetch(void)
{
    md_sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    md_sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    md_sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
    md_sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
    if (md_sha1 == NULL || md_sha256 == NULL || md_sha384 == NULL || md_sha512 == NULL)
        abort();
}

static void
digest(EVP_MD *const *md, const struct rs_bytes *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *ctx;

    (void)pthread_once(&once, fetch);
    ctx = EVP_MD_CTX_new();
    if (ctx == NULL || EVP_DigestInit_ex(ctx, *md, NULL) != 1)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) != 1)
            abort();
    }
    if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
}

void
crypto_sha256_parts(const struct rs_bytes *parts, size_t count, uint8_t out[CRYPTO_SHA256_SIZE])
{
    digest(&md_sha256, parts, count, out);
}

/* Not SHA256(): that one fetches the algorithm each time. */
void
crypto_sha256(struct rs_bytes data, uint8_t out[CRYPTO_SHA256_SIZE])
{
    (void)pthread_once(&once, fetch);
    if (EVP_Digest(data.p, data.len, out, NULL, md_sha256, NULL) != 1)
        abort();
}

void
crypto_sha384(struct rs_bytes data, uint8_t out[CRYPTO_SHA384_SIZE])
{
    digest(&md_sha384, &data, 1, out);
}

void
crypto_sha512(struct rs_bytes data, uint8_t out[CRYPTO_SHA512_SIZE])
{
    digest(&md_sha512, &data, 1, out);
}

void
crypto_sha1(struct rs_bytes data, uint8_t out[CRYPTO_SHA1_SIZE])
{
    digest(&md_sha1, &data, 1, out);
}

#define BLOCK 64

/* RFC 2104, over our own digest so that pieces need no copy. */
void
crypto_hmac_sha256(struct rs_bytes key, const struct rs_bytes *parts, size_t count,
                   uint8_t out[CRYPTO_SHA256_SIZE])
{
    uint8_t block[BLOCK] = {0}, pad[BLOCK], inner[CRYPTO_SHA256_SIZE];
    struct rs_bytes list[10];

    if (count > 8)
        abort();
    if (key.len > BLOCK)
        crypto_sha256(key, block);
    else
        for (size_t i = 0; i < key.len; i++)
            block[i] = key.p[i];
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] = block[i] ^ 0x36;
    list[0] = RS_BYTES(pad);
    for (size_t i = 0; i < count; i++)
        list[i + 1] = parts[i];
    crypto_sha256_parts(list, count + 1, inner);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] = block[i] ^ 0x5c;
    list[0] = RS_BYTES(pad);
    list[1] = RS_BYTES(inner);
    crypto_sha256_parts(list, 2, out);
    rs_wipe(block, sizeof(block));
    rs_wipe(pad, sizeof(pad));
    rs_wipe(inner, sizeof(inner));
}
