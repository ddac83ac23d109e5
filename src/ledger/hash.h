/*
 * hash.h: SHA-256 and CRC-32C, prepared once and used for every record.
 *
 * The only code that the writer and the verifier share.  The algorithm is
 * looked up when the hasher is made, not for each record: the look-up by name
 * costs more than hashing a small leaf.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_HASH_H
#define LEDGER_HASH_H

#include "base/bytes.h"

#define LEDGER_SHA256_SIZE 32

/* One thread's hasher.  Owns both library objects. */
struct ledger_hasher {
    void *md;   /* EVP_MD */
    void *ctx;  /* EVP_MD_CTX */
    int failed; /* sticky: some digest since the start could not be made */
};

RS_MUST_USE rs_code ledger_hasher_init(struct ledger_hasher *h, struct rs_err *err);
void ledger_hasher_done(struct ledger_hasher *h); /* NULL and zeroed are fine */

/*
 * SHA-256 over the pieces, one after another.  On a failure of the library the
 * digest is zeros and h->failed stays set: look at it before anything rests on
 * a digest.
 */
void ledger_sha256(struct ledger_hasher *h, const struct rs_bytes *pieces, size_t count,
                   uint8_t ret_digest[LEDGER_SHA256_SIZE]);

/* CRC-32C (RFC 3720 12.1) continued over bytes; with the processor's instruction where it has one. */
uint32_t ledger_crc32c(uint32_t crc, struct rs_bytes bytes);

#endif /* LEDGER_HASH_H */
