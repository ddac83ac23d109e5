/*
 * checkpoint.c: signing the head, storing it twice, and comparing with what
 * others saw.  See ledger.h.
 *
 * A checkpoint here and one on another volume make a log that was cut back
 * visible at the next start, as long as not both were cut back with it; then
 * the store, a station or a witness still has one (ledger_check_seen).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/inject.h"
#include "base/io.h"
#include "ledger/inner.h"

static rs_code
store_note(const char *dir, struct rs_bytes note, struct rs_err *err)
{
    char path[LEDGER_PATH_MAX];
    rs_code rc = rs_path_join(dir, LEDGER_CHECKPOINT_NAME, path, sizeof(path), err);

    return rc == RS_OK ? rs_file_replace(path, note, 0600, err) : rc;
}

static rs_code
checkpoint_locked(struct ledger *ledger, struct rs_buf *ret_note, struct rs_err *err)
{
    struct ledger_hasher hasher;
    struct ledger_head head;
    struct rs_bytes note;
    size_t start = ret_note->len;
    rs_code rc;

    rc = ledger_hasher_init(&hasher, err);
    if (rc != RS_OK)
        return rc;
    ledger_get_head(ledger, &head);
    rc = note_put(&hasher, &ledger->config, &head, ret_note, err);
    if (rc == RS_OK && hasher.failed)
        rc = rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 failed");
    ledger_hasher_done(&hasher);
    if (rc != RS_OK)
        return rc;
    note = rs_bytes_of(ret_note->p + start, ret_note->len - start);
    rc = store_note(ledger->dir, note, err);
    if (rc == RS_OK && ledger->witness_dir != NULL)
        rc = store_note(ledger->witness_dir, note, err);
    if (rc != RS_OK)
        return rc;
    rs_inject_mark("ledger-noted");
    ledger->noted_size = head.size;
    ledger->noted = 1;
    return RS_OK;
}

rs_code
ledger_checkpoint(struct ledger *ledger, struct rs_buf *ret_note, struct rs_err *err)
{
    rs_code rc;

    (void)pthread_mutex_lock(&ledger->noting);
    rc = checkpoint_locked(ledger, ret_note, err);
    (void)pthread_mutex_unlock(&ledger->noting);
    return rc;
}

/* ---- Comparing -------------------------------------------------------------------- */

struct root_walk {
    struct ledger_hasher *h;
    struct tree_range range;
};

static int
add_leaf(void *arg, const struct record *rec)
{
    struct root_walk *walk = arg;
    uint8_t hash[LEDGER_HASH_SIZE];

    record_hash(walk->h, rec, hash);
    tree_range_add(walk->h, &walk->range, hash);
    return 0;
}

/* Root over the first `size` leaves, from the state at the start of their segment. */
static rs_code
root_at(struct ledger *ledger, struct ledger_hasher *h, uint64_t size,
        uint8_t ret_root[LEDGER_HASH_SIZE], struct rs_err *err)
{
    struct root_walk walk = {.h = h};
    rs_code rc = RS_OK;

    if (size > 0)
        rc = ledger_range_before(ledger, size - 1, &walk.range, err);
    if (rc == RS_OK && size > 0)
        rc = ledger_walk(ledger, walk.range.size, size, add_leaf, &walk, err);
    if (rc == RS_OK)
        tree_range_root(h, &walk.range, ret_root);
    return rc;
}

rs_code
ledger_check_head(struct ledger *ledger, const struct ledger_head *head, const char *whose,
                  struct rs_err *err)
{
    struct ledger_hasher hasher;
    struct ledger_head own;
    uint8_t root[LEDGER_HASH_SIZE];
    rs_code rc;

    ledger_get_head(ledger, &own);
    if (head->size > own.size)
        return rs_fail(err, RS_E_SIGNER_FENCED,
                       "ledger: cut: it ends at %llu leaves, %s has seen %llu",
                       (unsigned long long)own.size, whose, (unsigned long long)head->size);
    if (head->size == own.size) {
        memcpy(root, own.root, sizeof(root));
        rc = RS_OK;
    } else {
        rc = ledger_hasher_init(&hasher, err);
        if (rc != RS_OK)
            return rc;
        rc = root_at(ledger, &hasher, head->size, root, err);
        if (rc == RS_OK && hasher.failed)
            rc = rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 failed");
        ledger_hasher_done(&hasher);
    }
    if (rc == RS_OK && memcmp(root, head->root, sizeof(root)) != 0)
        rc = rs_fail(err, RS_E_SIGNER_FENCED,
                     "ledger: forked: its first %llu leaves are not those that %s has seen",
                     (unsigned long long)head->size, whose);
    return rc;
}

/* One directory's checkpoint; none there is fine. */
static rs_code
check_directory(struct ledger *ledger, const char *dir, uint64_t *newest, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf note = {0};
    char path[LEDGER_PATH_MAX];
    struct ledger_head head;
    rs_code rc;

    rc = rs_path_join(dir, LEDGER_CHECKPOINT_NAME, path, sizeof(path), err);
    if (rc != RS_OK || !rs_path_exists(path))
        return rc;
    rs_buf_init(&note, NOTE_MAX);
    rc = rs_file_read(path, NOTE_MAX, &note, err);
    if (rc == RS_OK)
        rc = note_read(&ledger->hasher, &ledger->config, rs_buf_bytes(&note), &head, err);
    if (rc == RS_OK)
        rc = ledger_check_head(ledger, &head, path, err);
    if (rc == RS_OK && head.size > *newest)
        *newest = head.size;
    return rc;
}

rs_code
ledger_check_stored(struct ledger *ledger, uint64_t *ret_size, struct rs_err *err)
{
    uint64_t newest = 0;
    rs_code rc;

    rc = check_directory(ledger, ledger->dir, &newest, err);
    if (rc == RS_OK && ledger->witness_dir != NULL)
        rc = check_directory(ledger, ledger->witness_dir, &newest, err);
    if (rc == RS_OK)
        *ret_size = newest;
    return rc;
}

rs_code
ledger_check_seen(struct ledger *ledger, struct rs_bytes note, struct rs_err *err)
{
    struct ledger_hasher hasher;
    struct ledger_head head;
    rs_code rc;

    rc = ledger_hasher_init(&hasher, err);
    if (rc != RS_OK)
        return rc;
    rc = note_read(&hasher, &ledger->config, note, &head, err);
    ledger_hasher_done(&hasher);
    return rc == RS_OK ? ledger_check_head(ledger, &head, "a witness", err) : rc;
}
