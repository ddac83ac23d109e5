/*
 * hash.c: SHA-256 by OpenSSL's prepared objects, CRC-32C by instruction or table.
 *
 * Both stand in the path of every issued certificate.  The table of base costs
 * about 3 us for a 700-byte leaf, the instruction about 0.1 us; the choice is
 * made by asking the processor, so that one binary runs everywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/hash.h"

#include <openssl/evp.h>
#include <string.h>

rs_code
ledger_hasher_init(struct ledger_hasher *h, struct rs_err *err)
{
    h->failed = 0;
    h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    h->ctx = EVP_MD_CTX_new();
    if (h->md == NULL || h->ctx == NULL) {
        ledger_hasher_done(h);
        return rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 is not available");
    }
    return RS_OK;
}

void
ledger_hasher_done(struct ledger_hasher *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    EVP_MD_free(h->md);
    h->ctx = NULL;
    h->md = NULL;
}

void
ledger_sha256(struct ledger_hasher *h, const struct rs_bytes *pieces, size_t count,
              uint8_t ret_digest[LEDGER_SHA256_SIZE])
{
    int ok = EVP_DigestInit_ex2(h->ctx, h->md, NULL);

    for (size_t i = 0; ok == 1 && i < count; i++)
        ok = EVP_DigestUpdate(h->ctx, pieces[i].p, pieces[i].len);
    if (ok == 1)
        ok = EVP_DigestFinal_ex(h->ctx, ret_digest, NULL);
    if (ok != 1) {
        memset(ret_digest, 0, LEDGER_SHA256_SIZE);
        h->failed = 1;
    }
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
crc32c_fast(uint32_t crc, struct rs_bytes bytes)
{
    uint64_t c = ~crc, word;
    size_t at = 0;

    for (; bytes.len - at >= 8; at += 8) {
        memcpy(&word, bytes.p + at, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    for (; at < bytes.len; at++)
        c = __builtin_ia32_crc32qi((uint32_t)c, bytes.p[at]);
    return ~(uint32_t)c;
}

uint32_t
ledger_crc32c(uint32_t crc, struct rs_bytes bytes)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_fast(crc, bytes) : rs_crc32c(crc, bytes);
}

#else

uint32_t
ledger_crc32c(uint32_t crc, struct rs_bytes bytes)
{
    return rs_crc32c(crc, bytes);
}

#endif
