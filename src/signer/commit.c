/*
 * commit.c: leaves into the ledger and the state; refusals, checkpoints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/inject.h"
#include "base/io.h"
#include "signer/core.h"
#include "signer/snapshot.h"

#define CHECKPOINT_LEAVES 1000
#define CHECKPOINT_MS     60000
#define REFUSALS_MS       1000

rs_code
signer_commit(struct signer *s, struct ledger_leaf *leaves, size_t count, struct rs_err *err)
{
    rs_code rc;

    rc = ledger_append(s->ledger, leaves, count, err);
    if (rc != RS_OK) {
        s->stuck = rc;
        return rc;
    }
    rs_inject_mark("ledger-synced");
    for (size_t i = 0; i < count && rc == RS_OK; i++)
        rc = state_apply(&s->state, &leaves[i], err);
    if (rc != RS_OK)
        s->stuck = rc;
    signer_clear_pending(s);
    return rc;
}

rs_code
signer_commit_one(struct signer *s, enum ledger_type type, struct rs_bytes content,
                  uint64_t *ret_leaf, struct rs_err *err)
{
    struct ledger_leaf leaf = {.type = type, .content = content};
    rs_code rc;

    rc = signer_now(s, &leaf.time_ms, err);
    if (rc == RS_OK)
        rc = signer_commit(s, &leaf, 1, err);
    if (rc == RS_OK && ret_leaf != NULL)
        *ret_leaf = leaf.index;
    return rc;
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void
copy_text(char *out, size_t cap, struct rs_bytes text)
{
    size_t n = text.len < cap - 1 ? text.len : cap - 1;

    if (n > 0)
        memcpy(out, text.p, n);
    out[n] = '\0';
}

/* One aggregate per code: nobody can fill the disk with refusals (TM-366). */
void
signer_note_refusal(struct signer *s, rs_code code, struct rs_bytes who, const char *text,
                    uint32_t count, int64_t first_ms, int64_t last_ms)
{
    struct refusal *r = NULL;

    s->refused += count;
    for (size_t i = 0; i < s->refusal_count; i++) {
        if (s->refusals[i].code == code)
            r = &s->refusals[i];
    }
    if (r == NULL && s->refusal_count == SIGNER_REFUSALS_MAX)
        r = &s->refusals[SIGNER_REFUSALS_MAX - 1];
    if (r != NULL) {
        r->count += count;
        r->last_ms = last_ms;
        return;
    }
    r = &s->refusals[s->refusal_count++];
    r->code = code;
    r->count = count;
    r->first_ms = first_ms;
    r->last_ms = last_ms;
    copy_text(r->who, sizeof(r->who), who);
    copy_text(r->text, sizeof(r->text), rs_bytes_str(text));
}

rs_code
signer_flush_refusals(struct signer *s, int force, struct rs_err *err)
{
    struct ledger_leaf leaves[SIGNER_REFUSALS_MAX];
    size_t ends[SIGNER_REFUSALS_MAX + 1] = {0}, count = s->refusal_count;
    int64_t now;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf contents;
    if (count == 0 || (!force && rs_now_ms() - s->refusals_flushed_ms < REFUSALS_MS))
        return RS_OK;
    rc = signer_now(s, &now, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_init(&contents, 65536);
    for (size_t i = 0; i < count; i++) {
        const struct refusal *r = &s->refusals[i];
        struct leaf_refused leaf = {.code = rs_bytes_str(rs_code_info(r->code)->name),
                                    .who = rs_bytes_str(r->who),
                                    .text = rs_bytes_str(r->text),
                                    .first_ms = r->first_ms,
                                    .last_ms = r->last_ms,
                                    .count = r->count};
        leaf_refused_put(&contents, &leaf);
        ends[i + 1] = contents.len;
    }
    if (!rs_buf_ok(&contents))
        return rs_fail(err, RS_E_NO_MEMORY, "refusals");
    for (size_t i = 0; i < count; i++)
        leaves[i] = (struct ledger_leaf){
            .type = LEDGER_REFUSED,
            .time_ms = now,
            .content = rs_bytes_of(contents.p + ends[i], ends[i + 1] - ends[i])};
    s->refusal_count = 0;
    s->refusals_flushed_ms = rs_now_ms();
    return signer_commit(s, leaves, count, err);
}

/* ---- Checkpoints ------------------------------------------------------------------------------ */

rs_code
signer_checkpoint(struct signer *s, int force, struct rs_buf *ret_note, struct rs_err *err)
{
    struct ledger_head head;
    char path[640];
    int64_t now = rs_now_ms();
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf note;
    ledger_get_head(s->ledger, &head);
    if (!force &&
        (head.size == s->checkpoint_size || (head.size - s->checkpoint_size < CHECKPOINT_LEAVES &&
                                             now - s->checkpoint_ms < CHECKPOINT_MS)))
        return RS_OK;
    rs_buf_init(&note, 4096);
    rc = ledger_checkpoint(s->ledger, &note, err);
    if (rc == RS_OK)
        rc = rs_path_join(s->config.dir, "state.snapshot", path, sizeof(path), err);
    if (rc == RS_OK)
        rc = snapshot_save(&s->state, s->mac_key, path, err);
    if (rc != RS_OK)
        return rc;
    s->checkpoint_size = head.size;
    s->checkpoint_ms = now;
    if (ret_note != NULL)
        rs_buf_put_bytes(ret_note, rs_buf_bytes(&note));
    return RS_OK;
}
