/*
 * ledger_fuzz.c: writer and verifier read hostile segments, notes and leaves.
 *
 * The first byte chooses what the rest is:
 *   0  a last segment: opened by the writer, then judged by the verifier
 *   1  the same without the writer, beside a whole first segment
 *   2  a note, read by both, which must agree
 *   3  the content of a leaf, by every reader; what is read is written back the same
 *   4  records in memory, by both parsers, which must agree on leaves
 * With bit 7 set, CRCs of header and records are made to fit first, so that the
 * fuzzer comes behind them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "ledger/leaf.h"
#include "ledger/note.h"
#include "ledger/record.h"
#include "ledger/verify_inner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 65536u

static char dir[128];
static struct ledger_hasher hasher;

static rs_code
no_signature(void *arg, struct rs_bytes message, uint8_t sig[64], struct rs_err *err)
{
    (void)arg;
    (void)message;
    memset(sig, 0, 64);
    (void)err;
    return RS_OK;
}

static struct ledger_config config = {.dir = dir,
                                      .origin = "fuzz/ledger/1",
                                      .signer_id = 1,
                                      .epoch = 1,
                                      .sign = no_signature,
                                      .segment_size = 4096};

static void
remove_directory(void)
{
    static const char *const names[] = {"00000001.seg", "00000002.seg", "checkpoint", "lock"};
    char path[256];

    for (size_t i = 0; i < 4; i++)
        if (rs_path_join(dir, names[i], path, sizeof(path), NULL) == RS_OK)
            (void)!rs_file_remove(path, NULL);
    (void)rmdir(dir);
}

static void
setup(void)
{
    const char *base = rs_path_exists("/dev/shm") ? "/dev/shm" : "/tmp";

    if (dir[0] != '\0')
        return;
    (void)snprintf(dir, sizeof(dir), "%s/ledger-fuzz-XXXXXX", base);
    if (mkdtemp(dir) == NULL || ledger_hasher_init(&hasher, NULL) != RS_OK)
        abort();
    (void)atexit(remove_directory);
}

/* Write checksums over header and records as far as the lengths lead. */
static void
fit_checksums(uint8_t *p, size_t len)
{
    size_t at = 0;

    if (len >= SEGMENT_HEAD_SIZE && memcmp(p, "rsledger", 8) == 0) {
        rs_set_u32(p + 68, rs_crc32c(0, rs_bytes_of(p, 68)));
        at = SEGMENT_HEAD_SIZE;
    }
    while (len - at >= RECORD_HEAD_SIZE) {
        uint32_t content = rs_get_u32(p + at);
        uint32_t crc = rs_crc32c(0, rs_bytes_of(p + at, RECORD_HASHED_SIZE));
        if (content == 0 || content > len - at - RECORD_HEAD_SIZE)
            return;
        crc = rs_crc32c(crc, rs_bytes_of(p + at + RECORD_HEAD_SIZE, content));
        rs_set_u32(p + at + RECORD_HASHED_SIZE, crc);
        at += RECORD_HEAD_SIZE + content;
    }
}

static void
write_segment(const char *name, const uint8_t *p, size_t len)
{
    char path[256];
    int fd;

    if (rs_path_join(dir, name, path, sizeof(path), NULL) != RS_OK ||
        rs_file_remove(path, NULL) != RS_OK ||
        rs_file_open(path, RS_OPEN_CREATE, &fd, NULL) != RS_OK)
        abort();
    if (rs_file_write_at(fd, 0, rs_bytes_of(p, len), NULL) != RS_OK)
        abort();
    rs_file_close(fd);
}

static void
clean(void)
{
    static const char *const names[] = {"00000001.seg", "00000002.seg", "checkpoint"};
    char path[256];

    for (size_t i = 0; i < 3; i++)
        if (rs_path_join(dir, names[i], path, sizeof(path), NULL) == RS_OK)
            (void)!rs_file_remove(path, NULL);
}

static int
no_leaf(void *arg, const struct ledger_leaf *leaf)
{
    (void)arg;
    return leaf->content.len == 0;
}

static struct ledger_verdict
judge(void)
{
    struct ledger_verify_config verify = {.dir = dir};
    struct ledger_verdict verdict = {0};

    if (ledger_verify(&verify, &verdict, NULL) != RS_OK)
        abort();
    return verdict;
}

/* What the writer opens, the verifier must find whole, or torn and repaired. */
static void
try_segment(const uint8_t *p, size_t len)
{
    struct ledger *ledger = NULL;
    struct ledger_opened opened;
    enum ledger_damage before;

    clean();
    write_segment("00000001.seg", p, len);
    before = judge().damage;
    if (ledger_open(&config, &ledger, &opened, NULL) != RS_OK)
        return;
    if (before != LEDGER_WHOLE && before != LEDGER_TORN_TAIL)
        abort();
    if (ledger_read(ledger, 0, no_leaf, NULL, NULL) != RS_OK)
        abort();
    ledger_close(ledger);
    if (judge().damage != LEDGER_WHOLE)
        abort();
}

static void
try_second_segment(const uint8_t *p, size_t len)
{
    struct ledger *ledger = NULL;
    struct ledger_opened opened;
    struct ledger_leaf leaf = {.type = LEDGER_LOGIN, .content = {(const uint8_t *)"x", 1}};

    clean();
    if (ledger_open(&config, &ledger, &opened, NULL) != RS_OK ||
        ledger_append(ledger, &leaf, 1, NULL) != RS_OK)
        abort();
    ledger_close(ledger);
    write_segment("00000002.seg", p, len);
    (void)judge();
}

static void
try_note(const uint8_t *p, size_t len)
{
    struct ledger_head head;
    struct v_note note;
    int64_t signer;
    struct rs_bytes text = {p, len};
    int writer = note_read(&hasher, &config, text, &head, NULL) == RS_OK;
    int verifier = v_note_read(&hasher, text, config.public_key, config.origin, &note, &signer);

    if (writer != verifier)
        abort();
    (void)v_note_read(&hasher, text, NULL, NULL, &note, &signer);
}

#define TRY_LEAF(type)                                                                             \
    do {                                                                                           \
        struct type leaf;                                                                          \
        struct rs_buf back;                                                                        \
        rs_buf_init(&back, FILE_MAX * 2);                                                          \
        if (type##_read(content, &leaf, NULL) == RS_OK) {                                          \
            type##_put(&back, &leaf);                                                              \
            if (!rs_bytes_equal(rs_buf_bytes(&back), content))                                     \
                abort();                                                                           \
        }                                                                                          \
        rs_buf_done(&back);                                                                        \
    } while (0)

static void
try_leaf(const uint8_t *p, size_t len)
{
    struct rs_bytes content = {p, len};

    TRY_LEAF(leaf_issued);
    TRY_LEAF(leaf_revoked);
    TRY_LEAF(leaf_crl);
    TRY_LEAF(leaf_document);
    TRY_LEAF(leaf_refused);
    TRY_LEAF(leaf_note);
}

static void
try_records(const uint8_t *p, size_t len)
{
    size_t at = 0;

    while (at < len) {
        struct rs_bytes rest = {p + at, len - at};
        struct record rec;
        struct v_record v;
        struct batch_end end;
        int writer = record_read(rest, &rec), verifier = v_record_parse(rest, &v);
        if (writer && rec.type == RECORD_BATCH_END)
            writer = batch_end_read(&rec, &end) || verifier;
        if (writer != verifier || (writer && (rec.size != v.size || rec.index != v.index)))
            abort();
        if (!writer)
            return;
        at += rec.size;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy;

    setup();
    if (size < 1 || size > FILE_MAX)
        return 0;
    /* A copy of exactly this size, so that a read past its end is seen. */
    copy = malloc(size - 1 + (size == 1));
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 1, size - 1);
    if ((data[0] & 0x80) != 0)
        fit_checksums(copy, size - 1);
    switch ((data[0] & 0x7f) % 5) {
    case 0:
        try_segment(copy, size - 1);
        break;
    case 1:
        try_second_segment(copy, size - 1);
        break;
    case 2:
        try_note(copy, size - 1);
        break;
    case 3:
        try_leaf(copy, size - 1);
        break;
    default:
        try_records(copy, size - 1);
    }
    free(copy);
    return 0;
}
