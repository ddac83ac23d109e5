/*
 * tree.c: compact ranges of RFC 6962 trees.  See tree.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/tree.h"

#include <string.h>

static const uint8_t leaf_prefix = 0x00;
static const uint8_t node_prefix = 0x01;

void
tree_hash_leaf(struct ledger_hasher *h, struct rs_bytes head, struct rs_bytes rest,
               uint8_t ret_hash[LEDGER_SHA256_SIZE])
{
    struct rs_bytes pieces[3] = {{&leaf_prefix, 1}, head, rest};

    ledger_sha256(h, pieces, 3, ret_hash);
}

void
tree_hash_node(struct ledger_hasher *h, const uint8_t *left, const uint8_t *right,
               uint8_t ret_hash[LEDGER_SHA256_SIZE])
{
    uint8_t both[1 + 2 * LEDGER_SHA256_SIZE];
    struct rs_bytes piece = {both, sizeof(both)};

    both[0] = node_prefix;
    memcpy(both + 1, left, LEDGER_SHA256_SIZE);
    memcpy(both + 1 + LEDGER_SHA256_SIZE, right, LEDGER_SHA256_SIZE);
    ledger_sha256(h, &piece, 1, ret_hash);
}

void
tree_range_add(struct ledger_hasher *h, struct tree_range *range,
               const uint8_t leaf[LEDGER_SHA256_SIZE])
{
    uint8_t hash[LEDGER_SHA256_SIZE];

    memcpy(hash, leaf, sizeof(hash));
    /* As in binary addition: each trailing one of size is a subtree that this leaf completes. */
    for (uint64_t carry = range->size; (carry & 1) != 0; carry >>= 1)
        tree_hash_node(h, range->hash[--range->count], hash, hash);
    memcpy(range->hash[range->count++], hash, sizeof(hash));
    range->size++;
}

void
tree_range_root(struct ledger_hasher *h, const struct tree_range *range,
                uint8_t ret_root[LEDGER_SHA256_SIZE])
{
    uint8_t root[LEDGER_SHA256_SIZE];

    if (range->count == 0) {
        ledger_sha256(h, NULL, 0, ret_root);
        return;
    }
    memcpy(root, range->hash[range->count - 1], sizeof(root));
    for (unsigned i = range->count - 1; i > 0; i--)
        tree_hash_node(h, range->hash[i - 1], root, root);
    memcpy(ret_root, root, sizeof(root));
}

uint64_t
tree_split(uint64_t n)
{
    uint64_t k = 1;

    while (k < n - k)
        k *= 2;
    return k;
}
