/*
 * proto.c: the codec of the signer protocol.
 *
 * Sender and receiver of one item stand next to each other, so that a review
 * sees both sides.  Field maxima are those of proto.h and doc.h: a length above
 * its maximum fails the message before anything is looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "keys/proto.h"

#include <string.h>

#define NAME_MAX_LEN    96  /* names, "station:sz-1", tenants */
#define TEXT_MAX_LEN    512 /* reasons, values */
#define SPKI_MAX_LEN    2752
#define DER_MAX_LEN     16384
#define HEADER_LEN      8
#define ITEM_HEADER_LEN 10

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_signer_front
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* ---- Fields ------------------------------------------------------------------ */

static void
put_name(struct rs_buf *b, struct rs_bytes v)
{
    rs_buf_put_u16_bytes(b, v);
}

static void
put_blob(struct rs_buf *b, struct rs_bytes v)
{
    rs_buf_put_u32_bytes(b, v);
}

/* Text: no control characters, so that it can stand in logs and leaves as it is. */
static struct rs_bytes
get_text(struct rs_reader *r, size_t max)
{
    struct rs_bytes v = rs_read_u16_bytes(r, max);

    for (size_t i = 0; i < v.len; i++) {
        if (v.p[i] < 0x20 || v.p[i] == 0x7f)
            r->failed = 1;
    }
    return v;
}

static struct rs_bytes
get_name(struct rs_reader *r)
{
    return get_text(r, NAME_MAX_LEN);
}

static struct rs_bytes
get_fixed(struct rs_reader *r, size_t len)
{
    struct rs_bytes v = rs_read_u16_bytes(r, len);

    if (v.len != len)
        r->failed = 1;
    return v;
}

/* ---- ISSUE, ISSUED ------------------------------------------------------------- */

static void
put_issue(struct rs_buf *b, const struct proto_issue *m)
{
    put_name(b, m->request_id);
    put_name(b, m->tenant);
    put_name(b, m->issuer);
    put_name(b, m->profile_hash);
    put_name(b, m->order);
    put_name(b, m->station);
    put_name(b, m->who);
    put_name(b, m->object);
    put_name(b, m->chip_model);
    put_name(b, m->chip_uid);
    put_name(b, m->provenance);
    put_blob(b, m->spki);
    rs_buf_put_u64(b, (uint64_t)m->not_after);
    rs_buf_put_u8(b, (unsigned)m->value_count);
    for (size_t i = 0; i < m->value_count; i++) {
        rs_buf_put_u8(b, (unsigned)m->values[i].id);
        put_name(b, m->values[i].text);
    }
}

static void
get_values(struct rs_reader *r, struct proto_issue *m)
{
    m->value_count = rs_read_u8(r);
    if (m->value_count > PROTO_VALUES_MAX + SLACK) {
        r->failed = 1;
        m->value_count = 0;
    }
    for (size_t i = 0; i < m->value_count; i++) {
        unsigned id = rs_read_u8(r);
        if (id == 0 || id > DOC_VALUE_MAX)
            r->failed = 1;
        m->values[i].id = (enum doc_value)id;
        m->values[i].text = get_text(r, TEXT_MAX_LEN);
    }
}

static void
get_issue(struct rs_reader *r, struct proto_issue *m)
{
    m->request_id = get_fixed(r, 32);
    m->tenant = get_name(r);
    m->issuer = get_name(r);
    m->profile_hash = get_fixed(r, 32);
    m->order = get_name(r);
    m->station = get_name(r);
    m->who = get_name(r);
    m->object = get_name(r);
    m->chip_model = get_name(r);
    m->chip_uid = rs_read_u16_bytes(r, 32);
    m->provenance = get_name(r);
    m->spki = rs_read_u32_bytes(r, SPKI_MAX_LEN);
    m->not_after = (int64_t)rs_read_u64(r);
    get_values(r, m);
}

static void
put_issued(struct rs_buf *b, const struct proto_issued *m)
{
    rs_buf_put_u64(b, m->leaf);
    put_blob(b, m->der);
}

static void
get_issued(struct rs_reader *r, struct proto_issued *m)
{
    m->leaf = rs_read_u64(r);
    m->der = rs_read_u32_bytes(r, DER_MAX_LEN);
}

/* ---- REVOKE, CRL ----------------------------------------------------------------- */

static void
put_revoke(struct rs_buf *b, const struct proto_revoke *m)
{
    put_name(b, m->request_id);
    put_name(b, m->tenant);
    put_name(b, m->issuer);
    put_name(b, m->serial);
    put_name(b, m->who);
    put_name(b, m->text);
    rs_buf_put_u8(b, m->reason);
}

static void
get_revoke(struct rs_reader *r, struct proto_revoke *m)
{
    m->request_id = get_fixed(r, 32);
    m->tenant = get_name(r);
    m->issuer = get_name(r);
    m->serial = rs_read_u16_bytes(r, 20);
    m->who = get_name(r);
    m->text = get_text(r, TEXT_MAX_LEN);
    m->reason = (uint8_t)rs_read_u8(r);
}

static void
put_crl(struct rs_buf *b, const struct proto_crl *m)
{
    put_name(b, m->tenant);
    put_name(b, m->issuer);
    rs_buf_put_u64(b, (uint64_t)m->next_update);
}

static void
get_crl(struct rs_reader *r, struct proto_crl *m)
{
    m->tenant = get_name(r);
    m->issuer = get_name(r);
    m->next_update = (int64_t)rs_read_u64(r);
}

/* ---- DOCUMENT, BOOTSTRAP, CLAIM ------------------------------------------------------ */

static void
put_document(struct rs_buf *b, const struct proto_document *m)
{
    put_name(b, m->tenant);
    put_name(b, m->kind);
    put_name(b, m->name);
    put_name(b, m->who);
    put_blob(b, m->document);
    rs_buf_put_u8(b, (unsigned)m->approval_count);
    for (size_t i = 0; i < m->approval_count; i++) {
        rs_buf_put(b, m->approvals[i].key_hash, sizeof(m->approvals[i].key_hash));
        put_name(b, m->approvals[i].signature);
    }
}

static void
get_document(struct rs_reader *r, struct proto_document *m)
{
    m->tenant = get_name(r);
    m->kind = get_name(r);
    m->name = get_name(r);
    m->who = get_name(r);
    m->document = rs_read_u32_bytes(r, DOC_BYTES_MAX);
    m->approval_count = rs_read_u8(r);
    if (m->approval_count > sizeof(m->approvals) / sizeof(m->approvals[0])) {
        r->failed = 1;
        m->approval_count = 0;
    }
    for (size_t i = 0; i < m->approval_count; i++) {
        struct rs_bytes hash = rs_read_bytes(r, sizeof(m->approvals[i].key_hash));
        if (hash.len == sizeof(m->approvals[i].key_hash))
            memcpy(m->approvals[i].key_hash, hash.p, hash.len);
        m->approvals[i].signature = rs_read_u16_bytes(r, 512);
    }
}

static void
put_bootstrap(struct rs_buf *b, const struct proto_bootstrap *m)
{
    put_name(b, m->installation);
    put_name(b, m->tenant);
    rs_buf_put_u8(b, m->production);
    put_name(b, m->claim_key);
    rs_buf_put_u64(b, (uint64_t)m->claim_until);
    rs_buf_put_u8(b, (unsigned)m->document_count);
    for (size_t i = 0; i < m->document_count; i++) {
        put_name(b, m->kinds[i]);
        put_blob(b, m->documents[i]);
    }
}

static void
get_bootstrap(struct rs_reader *r, struct proto_bootstrap *m)
{
    m->installation = get_name(r);
    m->tenant = get_name(r);
    m->production = (uint8_t)rs_read_u8(r);
    m->claim_key = get_fixed(r, 32);
    m->claim_until = (int64_t)rs_read_u64(r);
    m->document_count = rs_read_u8(r);
    if (m->production > 1 || m->document_count > DOC_LIST_MAX) {
        r->failed = 1;
        m->document_count = 0;
    }
    for (size_t i = 0; i < m->document_count; i++) {
        m->kinds[i] = get_name(r);
        m->documents[i] = rs_read_u32_bytes(r, DOC_BYTES_MAX);
    }
}

static void
put_claim(struct rs_buf *b, const struct proto_claim *m)
{
    put_name(b, m->tenant);
    put_name(b, m->name);
    put_blob(b, m->spki);
    put_name(b, m->proof);
}

static void
get_claim(struct rs_reader *r, struct proto_claim *m)
{
    m->tenant = get_name(r);
    m->name = get_name(r);
    m->spki = rs_read_u32_bytes(r, SPKI_MAX_LEN);
    m->proof = get_fixed(r, 32);
}

/* ---- REFUSAL, LOGIN -------------------------------------------------------------------- */

static void
put_note(struct rs_buf *b, const struct proto_note *m)
{
    put_name(b, m->code);
    put_name(b, m->who);
    put_name(b, m->text);
    rs_buf_put_u32(b, m->count);
    rs_buf_put_u64(b, (uint64_t)m->first_ms);
    rs_buf_put_u64(b, (uint64_t)m->last_ms);
}

static void
get_note(struct rs_reader *r, struct proto_note *m)
{
    m->code = get_name(r);
    m->who = get_name(r);
    m->text = get_text(r, TEXT_MAX_LEN);
    m->count = rs_read_u32(r);
    m->first_ms = (int64_t)rs_read_u64(r);
    m->last_ms = (int64_t)rs_read_u64(r);
}

/* ---- READY, DONE, REFUSED, PART, LEAF ------------------------------------------------------ */

static void
put_ready(struct rs_buf *b, const struct proto_ready *m)
{
    rs_buf_put_u16(b, m->version);
    rs_buf_put_u16(b, m->epoch);
    rs_buf_put_u32(b, m->signer_id);
    rs_buf_put_u64(b, m->size);
    put_name(b, m->root);
    put_name(b, m->installation);
    rs_buf_put_u8(b, m->production);
    rs_buf_put_u32(b, m->issuers);
    rs_buf_put_u32(b, m->officers);
    put_name(b, m->ledger_key);
}

static void
get_ready(struct rs_reader *r, struct proto_ready *m)
{
    m->version = (uint16_t)rs_read_u16(r);
    m->epoch = (uint16_t)rs_read_u16(r);
    m->signer_id = rs_read_u32(r);
    m->size = rs_read_u64(r);
    m->root = get_fixed(r, 32);
    m->installation = get_name(r);
    m->production = (uint8_t)rs_read_u8(r);
    m->issuers = rs_read_u32(r);
    m->officers = rs_read_u32(r);
    m->ledger_key = get_fixed(r, 32);
}

static void
put_leaf(struct rs_buf *b, const struct proto_leaf *m)
{
    rs_buf_put_u64(b, m->index);
    rs_buf_put_u16(b, m->type);
    rs_buf_put_u64(b, (uint64_t)m->time_ms);
    put_blob(b, m->content);
    put_blob(b, m->der);
}

static void
get_leaf(struct rs_reader *r, struct proto_leaf *m)
{
    m->index = rs_read_u64(r);
    m->type = (uint16_t)rs_read_u16(r);
    m->time_ms = (int64_t)rs_read_u64(r);
    m->content = rs_read_u32_bytes(r, DER_MAX_LEN);
    m->der = rs_read_u32_bytes(r, DER_MAX_LEN);
}

/* ---- Items --------------------------------------------------------------------------------- */

static void
put_from_front(struct rs_buf *b, const struct proto_item *item)
{
    switch ((int)item->type) {
    case PROTO_HELLO:
        rs_buf_put_u16(b, item->as.hello.version);
        put_name(b, item->as.hello.program);
        break;
    case PROTO_ISSUE:
        put_issue(b, &item->as.issue);
        break;
    case PROTO_REVOKE:
        put_revoke(b, &item->as.revoke);
        break;
    case PROTO_CRL:
        put_crl(b, &item->as.crl);
        break;
    case PROTO_DOCUMENT:
        put_document(b, &item->as.document);
        break;
    case PROTO_RECOVER:
        rs_buf_put_u64(b, item->as.recover.from);
        rs_buf_put_u32(b, item->as.recover.max);
        break;
    case PROTO_SEEN:
        put_blob(b, item->as.seen.note);
        break;
    case PROTO_REFUSAL:
    case PROTO_LOGIN:
        put_note(b, &item->as.note);
        break;
    case PROTO_BOOTSTRAP:
        put_bootstrap(b, &item->as.bootstrap);
        break;
    case PROTO_CLAIM:
        put_claim(b, &item->as.claim);
        break;
    case PROTO_CHECKPOINT:
    case PROTO_STATUS:
    case PROTO_EXPORT:
        break;
    default:
        b->failed = 1;
    }
}

static void
put_from_signer(struct rs_buf *b, const struct proto_item *item)
{
    switch ((int)item->type) {
    case PROTO_READY:
        put_ready(b, &item->as.ready);
        break;
    case PROTO_ISSUED:
        put_issued(b, &item->as.issued);
        break;
    case PROTO_DONE:
        rs_buf_put_u64(b, item->as.done.leaf);
        put_blob(b, item->as.done.payload);
        break;
    case PROTO_REFUSED:
        put_name(b, item->as.refused.code);
        put_name(b, item->as.refused.text);
        break;
    case PROTO_PART:
        rs_buf_put_u64(b, item->as.part.offset);
        rs_buf_put_u64(b, item->as.part.total);
        put_blob(b, item->as.part.bytes);
        break;
    case PROTO_LEAF:
        put_leaf(b, &item->as.leaf);
        break;
    default:
        b->failed = 1;
    }
}

static void
get_from_front(struct rs_reader *r, struct proto_item *item)
{
    switch ((int)item->type) {
    case PROTO_HELLO:
        item->as.hello.version = (uint16_t)rs_read_u16(r);
        item->as.hello.program = get_name(r);
        break;
    case PROTO_ISSUE:
        get_issue(r, &item->as.issue);
        break;
    case PROTO_REVOKE:
        get_revoke(r, &item->as.revoke);
        break;
    case PROTO_CRL:
        get_crl(r, &item->as.crl);
        break;
    case PROTO_DOCUMENT:
        get_document(r, &item->as.document);
        break;
    case PROTO_RECOVER:
        item->as.recover.from = rs_read_u64(r);
        item->as.recover.max = rs_read_u32(r);
        break;
    case PROTO_SEEN:
        item->as.seen.note = rs_read_u32_bytes(r, 4096);
        break;
    case PROTO_REFUSAL:
    case PROTO_LOGIN:
        get_note(r, &item->as.note);
        break;
    case PROTO_BOOTSTRAP:
        get_bootstrap(r, &item->as.bootstrap);
        break;
    case PROTO_CLAIM:
        get_claim(r, &item->as.claim);
        break;
    case PROTO_CHECKPOINT:
    case PROTO_STATUS:
    case PROTO_EXPORT:
        break;
    default:
        r->failed = 1;
    }
}

static void
get_from_signer(struct rs_reader *r, struct proto_item *item)
{
    switch ((int)item->type) {
    case PROTO_READY:
        get_ready(r, &item->as.ready);
        break;
    case PROTO_ISSUED:
        get_issued(r, &item->as.issued);
        break;
    case PROTO_DONE:
        item->as.done.leaf = rs_read_u64(r);
        item->as.done.payload = rs_read_u32_bytes(r, DER_MAX_LEN);
        break;
    case PROTO_REFUSED:
        item->as.refused.code = get_name(r);
        item->as.refused.text = get_text(r, TEXT_MAX_LEN);
        break;
    case PROTO_PART:
        item->as.part.offset = rs_read_u64(r);
        item->as.part.total = rs_read_u64(r);
        item->as.part.bytes = rs_read_u32_bytes(r, PROTO_PART_MAX);
        break;
    case PROTO_LEAF:
        get_leaf(r, &item->as.leaf);
        break;
    default:
        r->failed = 1;
    }
}

/* ---- Messages --------------------------------------------------------------------------------- */

void
proto_begin(struct proto_writer *w, struct rs_buf *out)
{
    rs_buf_reset(out);
    rs_buf_put_u32(out, PROTO_MAGIC);
    rs_buf_put_u16(out, PROTO_VERSION);
    rs_buf_put_u16(out, 0);
    w->out = out;
    w->count = 0;
}

int
proto_put(struct proto_writer *w, const struct proto_item *item)
{
    size_t start = w->out->len;

    if (w->count == PROTO_BATCH_MAX)
        return 0;
    rs_buf_put_u32(w->out, 0);
    rs_buf_put_u16(w->out, (unsigned)item->type);
    rs_buf_put_u32(w->out, item->seq);
    if (item->type < PROTO_READY)
        put_from_front(w->out, item);
    else
        put_from_signer(w->out, item);
    if (!rs_buf_ok(w->out)) {
        /* Too large for what is left: take the half-written item back. */
        w->out->len = start;
        w->out->failed = 0;
        return 0;
    }
    rs_buf_set_u32(w->out, start, (uint32_t)(w->out->len - start - 4));
    w->count++;
    return 1;
}

void
proto_end(struct proto_writer *w)
{
    w->out->p[6] = (uint8_t)(w->count >> 8);
    w->out->p[7] = (uint8_t)w->count;
}

rs_code
proto_open(struct proto_reader *r, struct rs_bytes message, int from_front, struct rs_err *err)
{
    if (message.len < HEADER_LEN || message.len > PROTO_MESSAGE_MAX)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: message of %zu bytes",
                       message.len);
    rs_reader_init(&r->in, message);
    r->from_front = from_front;
    if (rs_read_u32(&r->in) != PROTO_MAGIC || rs_read_u16(&r->in) != PROTO_VERSION)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: not version %u", PROTO_VERSION);
    r->left = rs_read_u16(&r->in);
    if (r->left == 0 || r->left > PROTO_BATCH_MAX)
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: %u items", r->left);
    return RS_OK;
}

rs_code
proto_next(struct proto_reader *r, struct proto_item *ret_item, int *ret_more, struct rs_err *err)
{
    struct proto_item item;
    struct rs_reader body;

    if (r->left == 0) {
        if (!rs_reader_done(&r->in))
            return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: bytes after the last item");
        *ret_more = 0;
        return RS_OK;
    }
    memset(&item, 0, sizeof(item));
    rs_reader_init(&body, rs_read_u32_bytes(&r->in, PROTO_MESSAGE_MAX));
#ifdef RS_PLANTED_BUG_signer_back
    /* An off-by-one to prove the fuzz target: a byte of what follows. */
    body.left += !r->from_front && body.left > 0;
#endif
    item.type = (enum proto_type)rs_read_u16(&body);
    item.seq = rs_read_u32(&body);
    if (r->from_front)
        get_from_front(&body, &item);
    else
        get_from_signer(&body, &item);
    if (!rs_reader_ok(&r->in) || !rs_reader_done(&body))
        return rs_fail(err, RS_E_SIGNER_PROTOCOL, "signer protocol: malformed item of type %u",
                       (unsigned)item.type);
    r->left--;
    *ret_item = item;
    *ret_more = 1;
    return RS_OK;
}
