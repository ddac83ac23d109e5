/*
 * leaf.c: contents of leaves to and from deterministic CBOR.
 *
 * Each kind of leaf is a table of fields in the order of their keys; one
 * function writes them and one reads them.  A field that is empty or zero is
 * left out, and is refused when it stands there all the same: so each content
 * has one encoding.  Keys and meanings: docs/protocols/ledger.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/leaf.h"

#include <string.h>

#include "base/cbor.h"
#include "ledger/ledger.h"

enum kind {
    TEXT,   /* struct rs_bytes, UTF-8 without control characters that end a text */
    BYTES,  /* struct rs_bytes */
    HASH,   /* struct rs_bytes of 32 */
    NUMBER, /* uint64_t */
    SMALL,  /* uint8_t */
    TIME,   /* int64_t */
};

/* Keys are 1, 2, ... in the order of the table. */
struct field {
    enum kind kind;
    int needed;
    size_t offset;
};

struct form {
    const char *name;
    size_t size; /* of the struct */
    size_t count;
    const struct field *fields;
};

#define FIELDS_MAX      16
#define AT(type, field) offsetof(struct type, field)
#define FORM(type, table)                                                                          \
    static const struct form form_##type = {#type, sizeof(struct type),                            \
                                            sizeof(table) / sizeof((table)[0]), (table)}

static const struct field issued_fields[] = {
    {TEXT, 1, AT(leaf_issued, tenant)},     {TEXT, 1, AT(leaf_issued, issuer)},
    {TEXT, 1, AT(leaf_issued, profile)},    {HASH, 1, AT(leaf_issued, profile_hash)},
    {HASH, 1, AT(leaf_issued, request_id)}, {TEXT, 0, AT(leaf_issued, order)},
    {TEXT, 0, AT(leaf_issued, station)},    {TEXT, 0, AT(leaf_issued, device)},
    {TEXT, 0, AT(leaf_issued, chip_model)}, {BYTES, 0, AT(leaf_issued, chip_uid)},
    {TEXT, 0, AT(leaf_issued, object)},     {TEXT, 1, AT(leaf_issued, who)},
    {BYTES, 1, AT(leaf_issued, tbs)},       {TEXT, 0, AT(leaf_issued, provenance)},
};
FORM(leaf_issued, issued_fields);

static const struct field revoked_fields[] = {
    {TEXT, 1, AT(leaf_revoked, tenant)},  {TEXT, 1, AT(leaf_revoked, issuer)},
    {BYTES, 1, AT(leaf_revoked, serial)}, {BYTES, 0, AT(leaf_revoked, request_id)},
    {TEXT, 0, AT(leaf_revoked, who)},     {TEXT, 0, AT(leaf_revoked, text)},
    {SMALL, 0, AT(leaf_revoked, reason)}, {TIME, 0, AT(leaf_revoked, revoked_at)},
};
FORM(leaf_revoked, revoked_fields);

static const struct field crl_fields[] = {
    {TEXT, 1, AT(leaf_crl, tenant)},      {TEXT, 1, AT(leaf_crl, issuer)},
    {NUMBER, 0, AT(leaf_crl, number)},    {TIME, 0, AT(leaf_crl, this_update)},
    {TIME, 0, AT(leaf_crl, next_update)}, {NUMBER, 0, AT(leaf_crl, entries)},
    {HASH, 1, AT(leaf_crl, tbs_hash)},
};
FORM(leaf_crl, crl_fields);

static const struct field document_fields[] = {
    {TEXT, 0, AT(leaf_document, tenant)},     {TEXT, 1, AT(leaf_document, kind)},
    {TEXT, 0, AT(leaf_document, name)},       {HASH, 0, AT(leaf_document, before)},
    {BYTES, 0, AT(leaf_document, document)},  {HASH, 0, AT(leaf_document, hash)},
    {BYTES, 0, AT(leaf_document, approvals)}, {TEXT, 0, AT(leaf_document, who)},
};
FORM(leaf_document, document_fields);

static const struct field refused_fields[] = {
    {TEXT, 1, AT(leaf_refused, code)},    {TEXT, 0, AT(leaf_refused, who)},
    {TEXT, 0, AT(leaf_refused, text)},    {TIME, 0, AT(leaf_refused, first_ms)},
    {TIME, 0, AT(leaf_refused, last_ms)}, {NUMBER, 0, AT(leaf_refused, count)},
};
FORM(leaf_refused, refused_fields);

static const struct field note_fields[] = {
    {TEXT, 0, AT(leaf_note, text)},
    {NUMBER, 0, AT(leaf_note, number)},
    {TEXT, 0, AT(leaf_note, who)},
};
FORM(leaf_note, note_fields);

/* ---- Writing ------------------------------------------------------------------- */

static const void *
place(const void *leaf, const struct field *field)
{
    return (const char *)leaf + field->offset;
}

/* The value of a field of any number kind, as its bits. */
static uint64_t
number_of(const void *leaf, const struct field *field)
{
    uint64_t wide;

    if (field->kind == SMALL)
        return *(const uint8_t *)place(leaf, field);
    memcpy(&wide, place(leaf, field), sizeof(wide));
    return wide;
}

static struct rs_bytes
bytes_of(const void *leaf, const struct field *field)
{
    struct rs_bytes bytes;

    memcpy(&bytes, place(leaf, field), sizeof(bytes));
    return bytes;
}

static int
is_string(const struct field *field)
{
    return field->kind == TEXT || field->kind == BYTES || field->kind == HASH;
}

static int
is_empty(const void *leaf, const struct field *field)
{
    return is_string(field) ? bytes_of(leaf, field).len == 0 : number_of(leaf, field) == 0;
}

static void
put_field(struct rs_buf *out, const void *leaf, const struct field *field)
{
    if (field->kind == TEXT)
        rs_cbor_put_text_bytes(out, bytes_of(leaf, field));
    else if (is_string(field))
        rs_cbor_put_bytes(out, bytes_of(leaf, field));
    else if (field->kind == TIME)
        rs_cbor_put_int(out, (int64_t)number_of(leaf, field));
    else
        rs_cbor_put_uint(out, number_of(leaf, field));
}

static void
put_form(struct rs_buf *out, const struct form *form, const void *leaf)
{
    size_t present = 0;

    for (size_t i = 0; i < form->count; i++)
        present += !is_empty(leaf, &form->fields[i]);
    rs_cbor_put_map(out, present);
    for (size_t i = 0; i < form->count; i++) {
        if (is_empty(leaf, &form->fields[i]))
            continue;
        rs_cbor_put_uint(out, i + 1);
        put_field(out, leaf, &form->fields[i]);
    }
}

/* ---- Reading ------------------------------------------------------------------- */

static int
read_string(struct rs_cbor *in, const struct field *field, struct rs_bytes *ret_bytes)
{
    *ret_bytes = field->kind == TEXT ? rs_cbor_text(in, LEDGER_CONTENT_MAX)
                                     : rs_cbor_bytes(in, LEDGER_CONTENT_MAX);
    if (ret_bytes->len == 0 || (field->kind == HASH && ret_bytes->len != LEDGER_HASH_SIZE))
        return 0;
    return field->kind != TEXT || memchr(ret_bytes->p, '\0', ret_bytes->len) == NULL;
}

/* One value into its place; 0 when it is not of the field's kind, or empty. */
static int
read_field(struct rs_cbor *in, const struct field *field, void *leaf)
{
    unsigned char *at = (unsigned char *)leaf + field->offset;
    struct rs_bytes bytes;
    uint64_t number;
    int64_t time;

    if (is_string(field)) {
        if (!read_string(in, field, &bytes))
            return 0;
        memcpy(at, &bytes, sizeof(bytes));
        return rs_cbor_ok(in);
    }
    if (field->kind == TIME) {
        time = rs_cbor_int(in);
        memcpy(at, &time, sizeof(time));
        return rs_cbor_ok(in) && time != 0;
    }
    number = rs_cbor_uint(in);
    if (!rs_cbor_ok(in) || number == 0 || (field->kind == SMALL && number > UINT8_MAX))
        return 0;
    if (field->kind == SMALL)
        *at = (uint8_t)number;
    else
        memcpy(at, &number, sizeof(number));
    return 1;
}

static rs_code
refuse(const struct form *form, size_t key, const char *why, struct rs_err *err)
{
    return rs_fail(err, RS_E_LEDGER_DAMAGED, "leaf: %s key %zu: %s", form->name, key, why);
}

/* leaf is zeroed memory of form->size. */
static rs_code
read_form(struct rs_bytes content, const struct form *form, void *leaf, struct rs_err *err)
{
    unsigned char seen[FIELDS_MAX] = {0};
    struct rs_cbor in;
    size_t pairs;
    uint64_t last = 0;

    rs_cbor_init(&in, content);
    pairs = rs_cbor_map(&in, form->count);
    if (!rs_cbor_ok(&in))
        return refuse(form, 0, "not a map of its fields (RFC 8949 4.2.1)", err);
    for (size_t i = 0; i < pairs; i++) {
        uint64_t key = rs_cbor_uint(&in);
        if (!rs_cbor_ok(&in) || key <= last || key > form->count)
            return refuse(form, (size_t)last, "followed by an unknown or unordered key", err);
        if (!read_field(&in, &form->fields[key - 1], leaf))
            return refuse(form, (size_t)key, "not in its one encoding", err);
        seen[key - 1] = 1;
        last = key;
    }
    for (size_t i = 0; i < form->count; i++)
        if (form->fields[i].needed && !seen[i])
            return refuse(form, i + 1, "missing", err);
    return rs_cbor_done(&in) ? RS_OK : refuse(form, 0, "bytes behind the end", err);
}

/* ---- Each kind ------------------------------------------------------------------ */

#define LEAF_CODEC(type)                                                                           \
    void type##_put(struct rs_buf *out, const struct type *leaf)                                   \
    {                                                                                              \
        put_form(out, &form_##type, leaf);                                                         \
    }                                                                                              \
    rs_code type##_read(struct rs_bytes content, struct type *ret_leaf, struct rs_err *err)        \
    {                                                                                              \
        struct type leaf = {0};                                                                    \
        rs_code rc = read_form(content, &form_##type, &leaf, err);                                 \
        if (rc == RS_OK)                                                                           \
            *ret_leaf = leaf;                                                                      \
        return rc;                                                                                 \
    }                                                                                              \
    struct leaf_needs_semicolon_##type

LEAF_CODEC(leaf_issued);
LEAF_CODEC(leaf_revoked);
LEAF_CODEC(leaf_crl);
LEAF_CODEC(leaf_document);
LEAF_CODEC(leaf_refused);
LEAF_CODEC(leaf_note);
