/*
 * read.c: leaves back from the files, and audit paths over them.
 *
 * Readers open the files themselves and stop at the head they were given, so
 * that they need no lock against the appender: below the head nothing changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "ledger/inner.h"

/* Number of the segment that holds leaf `index`: the last that starts at or before it. */
static unsigned
find_segment(struct ledger *ledger, uint64_t index)
{
    unsigned low = 0, high;

    (void)pthread_mutex_lock(&ledger->state);
    high = ledger->segment_count;
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (ledger->first_index[middle] <= index)
            low = middle;
        else
            high = middle;
    }
    (void)pthread_mutex_unlock(&ledger->state);
    return low + 1;
}

static rs_code
open_segment(struct ledger *ledger, unsigned number, struct segment_reader *ret_reader,
             struct rs_err *err)
{
    char path[LEDGER_PATH_MAX];
    rs_code rc;

    rc = ledger_segment_path(ledger, number, path, err);
    if (rc == RS_OK)
        rc = segment_reader_open(path, ret_reader, err);
    if (rc == RS_OK && !ret_reader->has_head) {
        segment_reader_done(ret_reader);
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: header of segment %u: changed", number);
    }
    return rc;
}

struct walk {
    uint64_t from, end; /* leaves still wanted */
    uint64_t next;      /* index that the next leaf must have */
    int (*each)(void *arg, const struct record *rec);
    void *arg;
    int stopped;
};

/* All wanted leaves of one segment. */
static rs_code
walk_segment(struct walk *walk, unsigned number, struct segment_reader *reader, struct rs_err *err)
{
    struct record rec;
    int whole;

    walk->next = reader->head.first_index;
    while (walk->next < walk->end && !walk->stopped) {
        rs_code rc = segment_next(reader, &rec, &whole, err);
        if (rc != RS_OK)
            return rc;
        if (!whole)
            return RS_OK; /* the rest is in the next segment, or missing: the caller looks */
        if (rec.type == RECORD_BATCH_END)
            continue;
        if (rec.index != walk->next)
            return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: record %llu of segment %u: missing",
                           (unsigned long long)walk->next, number);
        walk->next++;
        if (rec.index >= walk->from)
            walk->stopped = walk->each(walk->arg, &rec);
    }
    return RS_OK;
}

rs_code
ledger_walk(struct ledger *ledger, uint64_t from, uint64_t end,
            int (*each)(void *arg, const struct record *rec), void *arg, struct rs_err *err)
{
    struct walk walk = {.from = from, .end = end, .next = from, .each = each, .arg = arg};
    unsigned before = 0;

    while (walk.next < end && !walk.stopped) {
        RS_AUTO(segment_reader_done) struct segment_reader reader = {.fd = -1};
        unsigned number = find_segment(ledger, walk.next);
        rs_code rc;

        if (number == before) /* it should have been in the segment that was just read */
            return rs_fail(err, RS_E_LEDGER_DAMAGED,
                           "ledger: record %llu of segment %u: changed or missing",
                           (unsigned long long)walk.next, number);
        before = number;
        rc = open_segment(ledger, number, &reader, err);
        if (rc == RS_OK)
            rc = walk_segment(&walk, number, &reader, err);
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

rs_code
ledger_range_before(struct ledger *ledger, uint64_t index, struct tree_range *ret_range,
                    struct rs_err *err)
{
    RS_AUTO(segment_reader_done) struct segment_reader reader = {.fd = -1};
    unsigned number = find_segment(ledger, index);
    struct batch_end end;
    struct record rec;
    int whole;
    rs_code rc;

    rc = open_segment(ledger, number, &reader, err);
    if (rc == RS_OK)
        rc = segment_next(&reader, &rec, &whole, err);
    if (rc != RS_OK)
        return rc;
    if (!whole || !batch_end_read(&rec, &end) || end.count != 0)
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "ledger: opening record of segment %u: changed",
                       number);
    *ret_range = end.range;
    return RS_OK;
}

/* ---- The public reader ------------------------------------------------------------- */

struct leaf_reader {
    int (*each)(void *arg, const struct ledger_leaf *leaf);
    void *arg;
};

static int
give_leaf(void *arg, const struct record *rec)
{
    struct leaf_reader *reader = arg;
    struct ledger_leaf leaf = {.type = (enum ledger_type)rec->type,
                               .index = rec->index,
                               .time_ms = rec->time_ms,
                               .content = rec->content};

    return reader->each(reader->arg, &leaf);
}

rs_code
ledger_read(struct ledger *ledger, uint64_t from,
            int (*each)(void *arg, const struct ledger_leaf *leaf), void *arg, struct rs_err *err)
{
    struct leaf_reader reader = {each, arg};
    struct ledger_head head;

    ledger_get_head(ledger, &head);
    return ledger_walk(ledger, from, head.size, give_leaf, &reader, err);
}

/* ---- Audit paths --------------------------------------------------------------------- */

/*
 * The path is collected in one pass over the leaves: each sibling subtree is a
 * run of leaves, and its hash is made by a compact range of its own.  RFC 6962
 * 2.1.1 lists siblings from the leaf upwards; going down from the root gives
 * them in the opposite order.
 */
struct sibling {
    uint64_t first, end;
};

struct path_walk {
    struct ledger_hasher *h;
    const struct sibling *siblings; /* by rising first leaf */
    size_t count, at;
    struct tree_range range; /* of siblings[at] */
    uint8_t hashes[TREE_HASHES_MAX][LEDGER_HASH_SIZE];
};

static int
add_to_sibling(void *arg, const struct record *rec)
{
    struct path_walk *walk = arg;
    uint8_t hash[LEDGER_HASH_SIZE];

    if (walk->at < walk->count && rec->index >= walk->siblings[walk->at].first) {
        record_hash(walk->h, rec, hash);
        tree_range_add(walk->h, &walk->range, hash);
        if (rec->index + 1 == walk->siblings[walk->at].end) {
            tree_range_root(walk->h, &walk->range, walk->hashes[walk->at]);
            memset(&walk->range, 0, sizeof(walk->range));
            walk->at++;
        }
    }
    return walk->at == walk->count;
}

/* Siblings on the way from the root of `size` leaves down to the leaf, top first. */
static size_t
list_siblings(uint64_t index, uint64_t size, struct sibling siblings[TREE_HASHES_MAX])
{
    uint64_t first = 0, end = size;
    size_t count = 0;

    while (end - first > 1) {
        uint64_t middle = first + tree_split(end - first);
        if (index < middle) {
            siblings[count++] = (struct sibling){middle, end};
            end = middle;
        } else {
            siblings[count++] = (struct sibling){first, middle};
            first = middle;
        }
    }
    return count;
}

static void
sort_siblings(struct sibling *siblings, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sibling one = siblings[i];
        size_t at = i;
        for (; at > 0 && siblings[at - 1].first > one.first; at--)
            siblings[at] = siblings[at - 1];
        siblings[at] = one;
    }
}

static rs_code
hash_siblings(struct ledger *ledger, struct path_walk *walk, uint64_t size, struct rs_err *err)
{
    struct ledger_hasher hasher;
    rs_code rc;

    rc = ledger_hasher_init(&hasher, err);
    if (rc != RS_OK)
        return rc;
    walk->h = &hasher;
    rc = ledger_walk(ledger, 0, size, add_to_sibling, walk, err);
    if (rc == RS_OK && hasher.failed)
        rc = rs_fail(err, RS_E_CRYPTO_FAILED, "ledger: SHA-256 failed");
    ledger_hasher_done(&hasher);
    walk->h = NULL;
    return rc;
}

rs_code
ledger_proof(struct ledger *ledger, uint64_t index, uint64_t size,
             uint8_t (*path)[LEDGER_HASH_SIZE], size_t cap, size_t *ret_count, struct rs_err *err)
{
    struct sibling down[TREE_HASHES_MAX], rising[TREE_HASHES_MAX];
    struct path_walk walk = {.siblings = rising};
    struct ledger_head head;
    rs_code rc = RS_OK;

    ledger_get_head(ledger, &head);
    if (size > head.size || index >= size)
        return rs_fail(err, RS_E_REQUEST_FORMAT,
                       "ledger: RFC 6962 2.1.1: no leaf %llu in a tree of %llu",
                       (unsigned long long)index, (unsigned long long)size);
    walk.count = list_siblings(index, size, down);
    if (walk.count > cap)
        return rs_fail(err, RS_E_INTERNAL, "ledger: a path of %zu hashes", walk.count);
    memcpy(rising, down, walk.count * sizeof(rising[0]));
    sort_siblings(rising, walk.count);
    if (walk.count > 0)
        rc = hash_siblings(ledger, &walk, size, err);
    if (rc != RS_OK)
        return rc;
    for (size_t i = 0; i < walk.count; i++) {
        for (size_t k = 0; k < walk.count; k++)
            if (rising[k].first == down[i].first)
                memcpy(path[walk.count - 1 - i], walk.hashes[k], LEDGER_HASH_SIZE);
    }
    *ret_count = walk.count;
    return RS_OK;
}
