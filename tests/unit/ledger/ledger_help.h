/*
 * ledger_help.h: a scratch directory, a fixed Ed25519 key and small ledgers for
 * the tests of src/ledger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LEDGER_HELP_H
#define LEDGER_HELP_H

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/io.h"
#include "ledger/ledger.h"
#include "ledger/verify.h"

#define HELP_ORIGIN  "test/ledger/7"
#define HELP_TIME    1700000000000
#define HELP_SEGMENT 16384u
#define HELP_PATH    512

struct help {
    char root[128];
    char dir[HELP_PATH], witness[HELP_PATH], out[HELP_PATH];
    EVP_PKEY *key;
    struct ledger_config config;
};

static inline rs_code
help_sign(void *arg, struct rs_bytes message, uint8_t sig[64], struct rs_err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 64;
    int ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, arg) == 1 &&
             EVP_DigestSign(ctx, sig, &len, message.p, message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok ? RS_OK : rs_fail(err, RS_E_CRYPTO_FAILED, "test: cannot sign");
}

static inline int
help_setup(void **state)
{
    static const uint8_t seed[32] = {1, 2, 3, 4, 5};
    const char *base = getenv("TMPDIR");
    struct help *t = calloc(1, sizeof(*t));
    size_t len = 32;

    (void)snprintf(t->root, sizeof(t->root), "%s/ledger-XXXXXX", base == NULL ? "/tmp" : base);
    if (mkdtemp(t->root) == NULL)
        return -1;
    (void)snprintf(t->dir, sizeof(t->dir), "%s/log", t->root);
    (void)snprintf(t->witness, sizeof(t->witness), "%s/witness", t->root);
    (void)snprintf(t->out, sizeof(t->out), "%s/out", t->root);
    t->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    t->config = (struct ledger_config){.dir = t->dir,
                                       .witness_dir = t->witness,
                                       .origin = HELP_ORIGIN,
                                       .signer_id = 7,
                                       .epoch = 1,
                                       .sign = help_sign,
                                       .sign_arg = t->key,
                                       .segment_size = HELP_SEGMENT};
    if (EVP_PKEY_get_raw_public_key(t->key, t->config.public_key, &len) != 1)
        return -1;
    *state = t;
    return 0;
}

static inline int
help_teardown(void **state)
{
    struct help *t = *state;
    char command[256];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", t->root);
    if (system(command) != 0)
        return -1;
    EVP_PKEY_free(t->key);
    free(t);
    return 0;
}

static inline struct ledger *
help_open(struct help *t, struct ledger_opened *opened)
{
    struct ledger *ledger = NULL;
    struct ledger_opened own;
    struct rs_err err = {0};
    rs_code rc = ledger_open(&t->config, &ledger, opened == NULL ? &own : opened, &err);

    if (rc != RS_OK)
        print_error("ledger_open: %s\n", err.text);
    assert_int_equal(rc, RS_OK);
    return ledger;
}

/* Append `count` leaves in batches of `batch`; contents differ by their number. */
static inline void
help_append(struct ledger *ledger, size_t count, size_t batch)
{
    static uint8_t contents[LEDGER_BATCH_MAX][96];
    struct ledger_leaf leaves[LEDGER_BATCH_MAX];
    struct ledger_head head;
    struct rs_err err = {0};

    ledger_get_head(ledger, &head);
    for (size_t done = 0; done < count;) {
        size_t n = count - done < batch ? count - done : batch;
        for (size_t i = 0; i < n; i++) {
            uint64_t index = head.size + done + i;
            memset(contents[i], (int)(1 + index % 250), sizeof(contents[i]));
            memcpy(contents[i], &index, sizeof(index));
            leaves[i] = (struct ledger_leaf){
                .type = LEDGER_ISSUED,
                .time_ms = HELP_TIME + (int64_t)index,
                .content = {contents[i], 16 + (size_t)(index * 7 % 80)},
            };
        }
        assert_int_equal(ledger_append(ledger, leaves, n, &err), RS_OK);
        assert_int_equal(leaves[0].index, head.size + done);
        done += n;
    }
}

/* A ledger of `count` leaves, closed again. */
static inline void
help_make(struct help *t, size_t count, size_t batch)
{
    struct ledger *ledger = help_open(t, NULL);

    help_append(ledger, count, batch);
    ledger_close(ledger);
}

static inline void
help_path(const struct help *t, const char *name, char path[HELP_PATH])
{
    assert_int_equal(rs_path_join(t->dir, name, path, HELP_PATH, NULL), RS_OK);
}

/* The whole of a file. */
static inline struct rs_buf
help_load(const char *path)
{
    struct rs_buf buf;

    rs_buf_init(&buf, 1u << 24);
    assert_int_equal(rs_file_read(path, 1u << 24, &buf, NULL), RS_OK);
    return buf;
}

static inline void
help_store(const char *path, const void *p, size_t len)
{
    assert_int_equal(rs_file_replace(path, rs_bytes_of(p, len), 0600, NULL), RS_OK);
}

/* Exclusive or of one byte of a file. */
static inline void
help_flip(const char *path, size_t at, unsigned bits)
{
    struct rs_buf buf = help_load(path);

    assert_true(at < buf.len);
    buf.p[at] = (uint8_t)(buf.p[at] ^ bits);
    help_store(path, buf.p, buf.len);
    rs_buf_done(&buf);
}

/* Offset behind the last byte that is not zero. */
static inline size_t
help_used(const char *path)
{
    struct rs_buf buf = help_load(path);
    size_t used = buf.len;

    while (used > 0 && buf.p[used - 1] == 0)
        used--;
    rs_buf_done(&buf);
    return used;
}

/* Overwrite [from, to) with zeros. */
static inline void
help_zero(const char *path, size_t from, size_t to)
{
    struct rs_buf buf = help_load(path);

    memset(buf.p + from, 0, to - from);
    help_store(path, buf.p, buf.len);
    rs_buf_done(&buf);
}

/* A log taken apart into its pieces, to be put together otherwise. */
#define PIECES_MAX 512

struct piece {
    uint8_t *p;
    size_t len;
    int is_end;
    uint64_t index;
    size_t at;
};

struct parts {
    struct rs_buf file;
    struct piece pieces[PIECES_MAX];
    size_t count;
};

static inline void
take_apart(struct help *t, const char *name, struct parts *parts)
{
    char path[HELP_PATH];
    size_t at = 72;

    help_path(t, name, path);
    parts->file = help_load(path);
    parts->count = 0;
    while (at + 28 <= parts->file.len && rs_get_u32(parts->file.p + at) != 0) {
        struct piece *piece = &parts->pieces[parts->count++];
        assert_true(parts->count < PIECES_MAX);
        piece->p = parts->file.p + at;
        piece->at = at;
        piece->len = 28 + rs_get_u32(piece->p);
        piece->is_end = rs_get_u16(piece->p + 4) == 0xffff;
        piece->index = rs_get_u64(piece->p + 16);
        at += piece->len;
    }
}

/* Write the file again with the pieces in this order. */
static inline void
put_together(struct help *t, const char *name, const struct parts *parts, const size_t *order,
             size_t count)
{
    char path[HELP_PATH];
    uint8_t *out = calloc(1, parts->file.len);
    size_t at = 72;

    memcpy(out, parts->file.p, 72);
    for (size_t i = 0; i < count; i++) {
        const struct piece *piece = &parts->pieces[order[i]];
        memcpy(out + at, piece->p, piece->len);
        at += piece->len;
    }
    help_path(t, name, path);
    help_store(path, out, parts->file.len);
    free(out);
}

/* Give a changed record the CRC that fits, as somebody who knows the format would. */
static inline void
fix_crc(uint8_t *record)
{
    uint32_t crc = rs_crc32c(0, rs_bytes_of(record, 24));

    rs_set_u32(record + 24, rs_crc32c(crc, rs_bytes_of(record + 28, rs_get_u32(record))));
}

#endif /* LEDGER_HELP_H */
