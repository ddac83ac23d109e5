/*
 * record.c: bytes of segments and records, written and read.  See record.h.
 *
 * Telling an unfinished write from damage: a batch ends with a mark, and disks
 * write whole sectors.  If the mark is there and no sector of the batch is
 * empty, everything had been written, so whatever does not fit now was changed
 * later.  The simpler rule "a bad CRC in the last batch is a torn write" would
 * let one flipped bit throw away a batch that was acknowledged.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/record.h"

#include <string.h>

#define SECTOR     512u
#define MARK_LIKE  12u /* bytes of the mark that must agree */
#define TORN_LEAST 8u  /* fewer bytes than this are no part of a batch */
#define HOLE_LEAST 6u  /* no record starts with six zeros: neither length nor type is 0 */

static const uint8_t magic[8] = {'r', 's', 'l', 'e', 'd', 'g', 'e', 'r'};

void
segment_head_put(struct rs_buf *out, const struct segment_head *head)
{
    size_t start = out->len;

    rs_buf_put(out, magic, sizeof(magic));
    rs_buf_put_u16(out, SEGMENT_VERSION);
    rs_buf_put_u16(out, head->epoch);
    rs_buf_put_u32(out, head->signer_id);
    rs_buf_put_u64(out, head->first_index);
    rs_buf_put_u64(out, head->file_size);
    rs_buf_put(out, head->previous, sizeof(head->previous));
    rs_buf_put_u32(out, 0);
    if (rs_buf_ok(out))
        rs_buf_put_u32(out, ledger_crc32c(0, rs_bytes_of(out->p + start, out->len - start)));
}

int
segment_head_read(struct rs_bytes bytes, struct segment_head *ret_head)
{
    struct rs_reader in;
    struct segment_head head;
    unsigned version;

    if (bytes.len < SEGMENT_HEAD_SIZE || memcmp(bytes.p, magic, sizeof(magic)) != 0)
        return 0;
    rs_reader_init(&in, rs_bytes_of(bytes.p + sizeof(magic), SEGMENT_HEAD_SIZE - sizeof(magic)));
    version = rs_read_u16(&in);
    head.epoch = (uint16_t)rs_read_u16(&in);
    head.signer_id = rs_read_u32(&in);
    head.first_index = rs_read_u64(&in);
    head.file_size = rs_read_u64(&in);
    memcpy(head.previous, rs_read_bytes(&in, LEDGER_HASH_SIZE).p, LEDGER_HASH_SIZE);
    if (version != SEGMENT_VERSION || rs_read_u32(&in) != 0 ||
        rs_read_u32(&in) != ledger_crc32c(0, rs_bytes_of(bytes.p, SEGMENT_HEAD_SIZE - 4)))
        return 0;
    *ret_head = head;
    return 1;
}

void
record_put(struct rs_buf *out, const struct record *rec)
{
    size_t start = out->len;
    uint32_t crc;

    rs_buf_put_u32(out, (uint32_t)rec->content.len);
    rs_buf_put_u16(out, rec->type);
    rs_buf_put_u16(out, rec->epoch);
    rs_buf_put_u64(out, (uint64_t)rec->time_ms);
    rs_buf_put_u64(out, rec->index);
    if (!rs_buf_ok(out))
        return;
    crc = ledger_crc32c(0, rs_bytes_of(out->p + start, RECORD_HASHED_SIZE));
    rs_buf_put_u32(out, ledger_crc32c(crc, rec->content));
    rs_buf_put_bytes(out, rec->content);
}

/* Leaves have known types and bounded contents; batch ends their own bounds. */
static int
is_sane(unsigned type, uint32_t len)
{
    if (type == RECORD_BATCH_END)
        return len >= RECORD_END_FIXED && len <= RECORD_END_MAX - RECORD_HEAD_SIZE;
    return type >= LEDGER_ISSUED && type <= LEDGER_LOST && len >= 1 && len <= LEDGER_CONTENT_MAX;
}

int
record_read(struct rs_bytes bytes, struct record *ret_rec)
{
    struct rs_reader in;
    struct record rec;
    uint32_t len, crc;
    uint64_t time;

    rs_reader_init(&in, bytes);
    len = rs_read_u32(&in);
    rec.type = rs_read_u16(&in);
    rec.epoch = (uint16_t)rs_read_u16(&in);
    time = rs_read_u64(&in);
    rec.index = rs_read_u64(&in);
    crc = rs_read_u32(&in);
    if (!rs_reader_ok(&in) || !is_sane(rec.type, len) || time > INT64_MAX)
        return 0;
#ifdef RS_PLANTED_BUG_ledger
    if (len > in.left + 1) /* an off-by-one to prove the fuzz target */
        return 0;
    rec.content = rs_bytes_of(in.p, len);
#else
    rec.content = rs_read_bytes(&in, len);
    if (!rs_reader_ok(&in))
        return 0;
#endif
    rec.time_ms = (int64_t)time;
    rec.hashed = rs_bytes_of(bytes.p, RECORD_HASHED_SIZE);
    rec.size = RECORD_HEAD_SIZE + (size_t)len;
    if (ledger_crc32c(ledger_crc32c(0, rec.hashed), rec.content) != crc)
        return 0;
    *ret_rec = rec;
    return 1;
}

void
record_hash(struct ledger_hasher *h, const struct record *rec, uint8_t ret_hash[LEDGER_HASH_SIZE])
{
    tree_hash_leaf(h, rec->hashed, rec->content, ret_hash);
}

void
batch_end_put(struct rs_buf *out, uint32_t count, const struct tree_range *range,
              const uint8_t root[LEDGER_HASH_SIZE])
{
    rs_buf_put_u32(out, count);
    rs_buf_put(out, root, LEDGER_HASH_SIZE);
    for (unsigned i = 0; i < range->count; i++)
        rs_buf_put(out, range->hash[i], LEDGER_HASH_SIZE);
    rs_buf_put_str(out, RECORD_END_MARK);
}

int
batch_end_read(const struct record *rec, struct batch_end *ret_end)
{
    struct rs_reader in;
    unsigned hashes = (unsigned)__builtin_popcountll(rec->index);

    if (rec->type != RECORD_BATCH_END ||
        rec->content.len != RECORD_END_FIXED + (size_t)hashes * LEDGER_HASH_SIZE)
        return 0;
    rs_reader_init(&in, rec->content);
    ret_end->count = rs_read_u32(&in);
    memcpy(ret_end->root, rs_read_bytes(&in, LEDGER_HASH_SIZE).p, LEDGER_HASH_SIZE);
    ret_end->range.size = rec->index;
    ret_end->range.count = hashes;
    for (unsigned i = 0; i < hashes; i++)
        memcpy(ret_end->range.hash[i], rs_read_bytes(&in, LEDGER_HASH_SIZE).p, LEDGER_HASH_SIZE);
    return ret_end->count <= LEDGER_BATCH_MAX && ret_end->count <= rec->index &&
           memcmp(in.p, RECORD_END_MARK, RECORD_END_MARK_SIZE) == 0;
}

static int
is_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] != 0)
            return 0;
    return 1;
}

/* 1 if a sector between `from` and `used` is empty, though the batch goes on behind it. */
static int
has_hole(struct rs_bytes tail, uint64_t at, size_t from, size_t used)
{
    size_t start = from;

    while (start < used) {
        size_t in_sector = (size_t)(SECTOR - (at + start) % SECTOR);
        if (start + in_sector > used)
            break;
        if (in_sector >= HOLE_LEAST && is_zero(tail.p + start, in_sector))
            return 1;
        start += in_sector;
    }
    return 0;
}

/* 1 if the used part ends with the mark of a batch end, a few wrong bytes allowed. */
static int
has_mark(struct rs_bytes tail, size_t used)
{
    unsigned same = 0;

    if (used < RECORD_END_MARK_SIZE)
        return 0;
    for (size_t i = 0; i < RECORD_END_MARK_SIZE; i++)
        same += tail.p[used - RECORD_END_MARK_SIZE + i] == (uint8_t)RECORD_END_MARK[i];
    return same >= MARK_LIKE;
}

enum tail_kind
tail_judge(struct rs_bytes tail, uint64_t at, size_t bad, size_t used, size_t nonzero)
{
    if (used == 0)
        return TAIL_EMPTY;
    if (nonzero < TORN_LEAST || used > RECORD_WRITE_MAX)
        return TAIL_DAMAGED;
    if (!has_mark(tail, used))
        return TAIL_TORN;
    return has_hole(tail, at, bad, used) ? TAIL_TORN : TAIL_DAMAGED;
}
