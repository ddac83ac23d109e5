/*
 * export.c: the log as C2SP tlog-tiles, static files that any such client reads.
 *
 * A tile of level 0 holds 256 leaf hashes, an entry bundle the leaves' own
 * bytes; a tile of level L+1 holds the roots of full tiles of level L, which
 * are read back from the files written before.  Full tiles never change, so
 * an export goes on where the last one ended: at the size in its checkpoint.
 * The checkpoint is written last: whoever reads it finds all its tiles.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "ledger/inner.h"

#define TILE_WIDTH    256u
#define TILE_SIZE     (TILE_WIDTH * LEDGER_HASH_SIZE)
#define ENTRY_MAX     (2u + RECORD_HASHED_SIZE + LEDGER_CONTENT_MAX)
#define ENTRIES_LEVEL (-1)

struct export
{
    struct ledger *ledger;
    struct ledger_hasher hasher;
    const char *out_dir;
    uint64_t size;   /* leaves to export */
    uint64_t before; /* leaves that an earlier export holds */
};

/* ---- Paths ---------------------------------------------------------------------- */

/* Make the directories of a path below out_dir, from the first '/' on. */
static rs_code
make_parents(const char *out_dir, char *path, struct rs_err *err)
{
    for (char *p = path + strlen(out_dir) + 1; *p != '\0'; p++) {
        rs_code rc;
        if (*p != '/')
            continue;
        *p = '\0';
        rc = rs_dir_make(path, 0755, err);
        *p = '/';
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

/* tlog-tiles: index 1234067 is x001/x234/067; a partial tile adds .p/width. */
static rs_code
tile_path(const struct export *ex, int level, uint64_t index, unsigned width,
          char path[LEDGER_PATH_MAX], struct rs_err *err)
{
    char name[128];
    unsigned parts[7], count = 0;
    int at;

    do
        parts[count++] = (unsigned)(index % 1000);
    while ((index /= 1000) > 0);
    at = level == ENTRIES_LEVEL ? snprintf(name, sizeof(name), "tile/entries")
                                : snprintf(name, sizeof(name), "tile/%d", level);
    while (count-- > 0)
        at += snprintf(name + at, sizeof(name) - (size_t)at, count > 0 ? "/x%03u" : "/%03u",
                       parts[count]);
    if (width < TILE_WIDTH)
        (void)snprintf(name + at, sizeof(name) - (size_t)at, ".p/%u", width);
    return rs_path_join(ex->out_dir, name, path, LEDGER_PATH_MAX, err);
}

static rs_code
write_tile(const struct export *ex, int level, uint64_t index, unsigned width,
           struct rs_bytes bytes, struct rs_err *err)
{
    char path[LEDGER_PATH_MAX];
    rs_code rc;

    rc = tile_path(ex, level, index, width, path, err);
    if (rc == RS_OK)
        rc = make_parents(ex->out_dir, path, err);
    return rc == RS_OK ? rs_file_replace(path, bytes, 0644, err) : rc;
}

/* ---- Level 0 and entries ---------------------------------------------------------- */

struct leaf_tile {
    struct export *ex;
    struct rs_buf hashes, entries;
    rs_code rc;
    struct rs_err *err;
};

static rs_code
flush_tile(struct leaf_tile *tile, uint64_t index)
{
    unsigned width = (unsigned)(tile->hashes.len / LEDGER_HASH_SIZE);
    rs_code rc;

    if (!rs_buf_ok(&tile->hashes) || !rs_buf_ok(&tile->entries))
        return rs_fail(tile->err, RS_E_NO_MEMORY, "ledger: no memory for a tile");
    rc = write_tile(tile->ex, ENTRIES_LEVEL, index, width, rs_buf_bytes(&tile->entries), tile->err);
    if (rc == RS_OK)
        rc = write_tile(tile->ex, 0, index, width, rs_buf_bytes(&tile->hashes), tile->err);
    rs_buf_reset(&tile->hashes);
    rs_buf_reset(&tile->entries);
    return rc;
}

static int
add_entry(void *arg, const struct record *rec)
{
    struct leaf_tile *tile = arg;
    uint8_t hash[LEDGER_HASH_SIZE];

    record_hash(&tile->ex->hasher, rec, hash);
    rs_buf_put(&tile->hashes, hash, sizeof(hash));
    rs_buf_put_u16(&tile->entries, (unsigned)(rec->hashed.len + rec->content.len));
    rs_buf_put_bytes(&tile->entries, rec->hashed);
    rs_buf_put_bytes(&tile->entries, rec->content);
    if ((rec->index + 1) % TILE_WIDTH == 0)
        tile->rc = flush_tile(tile, rec->index / TILE_WIDTH);
    return tile->rc != RS_OK;
}

static rs_code
export_leaves(struct export *ex, struct rs_err *err)
{
    struct leaf_tile tile = {.ex = ex, .err = err};
    uint64_t from = ex->before - ex->before % TILE_WIDTH;
    rs_code rc;

    rs_buf_init(&tile.hashes, TILE_SIZE);
    rs_buf_init(&tile.entries, (size_t)TILE_WIDTH * ENTRY_MAX);
    rc = ledger_walk(ex->ledger, from, ex->size, add_entry, &tile, err);
    if (rc == RS_OK)
        rc = tile.rc;
    if (rc == RS_OK && tile.hashes.len > 0)
        rc = flush_tile(&tile, ex->size / TILE_WIDTH);
    rs_buf_done(&tile.hashes);
    rs_buf_done(&tile.entries);
    return rc;
}

/* ---- Higher levels ------------------------------------------------------------------ */

/* Root over the 256 hashes of a full tile that was written before. */
static rs_code
full_tile_root(struct export *ex, int level, uint64_t index, uint8_t ret_root[LEDGER_HASH_SIZE],
               struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf bytes = {0};
    struct tree_range range = {0};
    char path[LEDGER_PATH_MAX];
    rs_code rc;

    rc = tile_path(ex, level, index, TILE_WIDTH, path, err);
    rs_buf_init(&bytes, TILE_SIZE);
    if (rc == RS_OK)
        rc = rs_file_read(path, TILE_SIZE, &bytes, err);
    if (rc == RS_OK && bytes.len != TILE_SIZE)
        rc = rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: exported tile %s: cut", path);
    if (rc != RS_OK)
        return rc;
    for (unsigned i = 0; i < TILE_WIDTH; i++)
        tree_range_add(&ex->hasher, &range, bytes.p + (size_t)i * LEDGER_HASH_SIZE);
    tree_range_root(&ex->hasher, &range, ret_root);
    return RS_OK;
}

/* Tiles of a level above 0; `hashes` is how many hashes the level has, `from` where to begin. */
static rs_code
export_level(struct export *ex, int level, uint64_t from, uint64_t hashes, struct rs_err *err)
{
    uint8_t tile[TILE_SIZE];
    rs_code rc;

    for (uint64_t i = from - from % TILE_WIDTH; i < hashes; i++) {
        unsigned at = (unsigned)(i % TILE_WIDTH);
        rc = full_tile_root(ex, level - 1, i, tile + (size_t)at * LEDGER_HASH_SIZE, err);
        if (rc == RS_OK && (at + 1 == TILE_WIDTH || i + 1 == hashes))
            rc = write_tile(ex, level, i / TILE_WIDTH, at + 1,
                            rs_bytes_of(tile, (size_t)(at + 1) * LEDGER_HASH_SIZE), err);
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

static rs_code
export_levels(struct export *ex, struct rs_err *err)
{
    uint64_t from = ex->before / TILE_WIDTH, hashes = ex->size / TILE_WIDTH;

    for (int level = 1; hashes > 0; level++) {
        rs_code rc = export_level(ex, level, from, hashes, err);
        if (rc != RS_OK)
            return rc;
        from /= TILE_WIDTH;
        hashes /= TILE_WIDTH;
    }
    return RS_OK;
}

/* ---- All of it ------------------------------------------------------------------------ */

/* How far an earlier export came; 0 when there is none.  It must be of this log. */
static rs_code
read_before(struct export *ex, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf note = {0};
    char path[LEDGER_PATH_MAX];
    struct ledger_head head;
    rs_code rc;

    rc = rs_path_join(ex->out_dir, LEDGER_CHECKPOINT_NAME, path, sizeof(path), err);
    if (rc != RS_OK || !rs_path_exists(path))
        return rc;
    rs_buf_init(&note, NOTE_MAX);
    rc = rs_file_read(path, NOTE_MAX, &note, err);
    if (rc == RS_OK)
        rc = note_read(&ex->hasher, &ex->ledger->config, rs_buf_bytes(&note), &head, err);
    if (rc == RS_OK)
        rc = ledger_check_head(ex->ledger, &head, path, err);
    if (rc == RS_OK)
        ex->before = head.size;
    return rc;
}

static rs_code
export_all(struct export *ex, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf note = {0};
    char path[LEDGER_PATH_MAX];
    struct ledger_head head;
    rs_code rc;

    rs_buf_init(&note, NOTE_MAX);
    rc = ledger_checkpoint(ex->ledger, &note, err);
    if (rc == RS_OK)
        rc = note_read(&ex->hasher, &ex->ledger->config, rs_buf_bytes(&note), &head, err);
    if (rc == RS_OK)
        rc = rs_dir_make(ex->out_dir, 0755, err);
    if (rc == RS_OK)
        rc = read_before(ex, err);
    if (rc != RS_OK)
        return rc;
    ex->size = head.size;
    if (ex->size > ex->before) {
        rc = export_leaves(ex, err);
        if (rc == RS_OK)
            rc = export_levels(ex, err);
    }
    if (rc == RS_OK && ex->hasher.failed)
        rc = rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 failed");
    if (rc == RS_OK)
        rc = rs_path_join(ex->out_dir, LEDGER_CHECKPOINT_NAME, path, sizeof(path), err);
    return rc == RS_OK ? rs_file_replace(path, rs_buf_bytes(&note), 0644, err) : rc;
}

rs_code
ledger_export(struct ledger *ledger, const char *out_dir, struct rs_err *err)
{
    struct export ex = {.ledger = ledger, .out_dir = out_dir};
    rs_code rc;

    rc = ledger_hasher_init(&ex.hasher, err);
    if (rc != RS_OK)
        return rc;
    rc = export_all(&ex, err);
    ledger_hasher_done(&ex.hasher);
    return rc;
}
