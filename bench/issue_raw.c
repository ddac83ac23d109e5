/*
 * issue_raw.c: the least that issuing can cost: verify, sign, verify, P-256.
 *
 * Nothing but libcrypto, with everything cached that can be: the requester's
 * key with its context, the issuer's signing and verifying contexts, digests
 * in one buffer.  What the issuing benchmarks print is judged against this.
 *
 *   issue_raw [SECONDS [issue|sign]]     sign: one digest and one signature only
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "bench.h"

struct party {
    EVP_PKEY *key;
    EVP_PKEY_CTX *sign, *verify;
};

static void
make(struct party *p)
{
    p->key = EVP_EC_gen("P-256");
    bench_must(p->key != NULL, "key generation");
    p->sign = EVP_PKEY_CTX_new(p->key, NULL);
    p->verify = EVP_PKEY_CTX_new(p->key, NULL);
    bench_must(EVP_PKEY_sign_init(p->sign) == 1 && EVP_PKEY_verify_init(p->verify) == 1,
               "contexts");
}

static void
digest(EVP_MD_CTX *ctx, const EVP_MD *md, const uint8_t *p, size_t len, uint8_t out[32])
{
    bench_must(EVP_DigestInit_ex(ctx, md, NULL) == 1 && EVP_DigestUpdate(ctx, p, len) == 1 &&
                   EVP_DigestFinal_ex(ctx, out, NULL) == 1,
               "digest");
}

int
main(int argc, char **argv)
{
    static const uint8_t request[250], tbs[420]; /* as long as the real ones */
    int seconds = argc > 1 ? atoi(argv[1]) : 3, whole = argc < 3 || strcmp(argv[2], "sign") != 0;
    struct party requester, issuer;
    EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
    EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
    uint8_t hash[32], proof[80], sig[80];
    size_t proof_len = sizeof(proof), sig_len, count = 0;

    make(&requester);
    make(&issuer);
    digest(md_ctx, md, request, sizeof(request), hash);
    bench_must(EVP_PKEY_sign(requester.sign, proof, &proof_len, hash, sizeof(hash)) == 1, "proof");
    uint64_t start = bench_cpu_us(0), until = rs_mono_us() + (uint64_t)seconds * 1000000u;
    while (rs_mono_us() < until) {
        for (int i = 0; i < 16; i++, count++) {
            if (whole) {
                digest(md_ctx, md, request, sizeof(request), hash);
                bench_must(
                    EVP_PKEY_verify(requester.verify, proof, proof_len, hash, sizeof(hash)) == 1,
                    "verify proof");
            }
            digest(md_ctx, md, tbs, sizeof(tbs), hash);
            sig_len = sizeof(sig);
            bench_must(EVP_PKEY_sign(issuer.sign, sig, &sig_len, hash, sizeof(hash)) == 1, "sign");
            bench_must(!whole ||
                           EVP_PKEY_verify(issuer.verify, sig, sig_len, hash, sizeof(hash)) == 1,
                       "verify own");
        }
    }
    printf("raw %.1f us CPU each, %zu\n", (double)(bench_cpu_us(0) - start) / (double)count, count);
    return 0;
}
