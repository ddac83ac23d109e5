/*
 * tree.h: RFC 6962 Merkle tree hashes for the writer.
 *
 * A compact range is the shortest list of hashes of complete subtrees that
 * covers leaves 0 to size-1, widest first: one hash for each set bit of size.
 * It is all that appending needs, and it gives the root.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H

#include <stdint.h>

#include "ledger/hash.h"

#define TREE_HASHES_MAX 64

struct tree_range {
    uint64_t size;
    unsigned count; /* set bits of size */
    uint8_t hash[TREE_HASHES_MAX][LEDGER_SHA256_SIZE];
};

/* RFC 6962 2.1: SHA-256(0x00 || data), the data in two pieces. */
void tree_hash_leaf(struct ledger_hasher *h, struct rs_bytes head, struct rs_bytes rest,
                    uint8_t ret_hash[LEDGER_SHA256_SIZE]);
/* RFC 6962 2.1: SHA-256(0x01 || left || right).  ret_hash may be left or right. */
void tree_hash_node(struct ledger_hasher *h, const uint8_t *left, const uint8_t *right,
                    uint8_t ret_hash[LEDGER_SHA256_SIZE]);

/* Add one leaf hash at the right end. */
void tree_range_add(struct ledger_hasher *h, struct tree_range *range,
                    const uint8_t leaf[LEDGER_SHA256_SIZE]);
/* Root of the covered leaves; of the empty tree: SHA-256 of nothing. */
void tree_range_root(struct ledger_hasher *h, const struct tree_range *range,
                     uint8_t ret_root[LEDGER_SHA256_SIZE]);

/* Widest power of two strictly below n; n is at least 2 (RFC 6962 2.1: "k"). */
uint64_t tree_split(uint64_t n);

#endif /* LEDGER_TREE_H */
