/*
 * note.c: checkpoints as signed notes.  See note.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ledger/note.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define KEY_ID_SIZE    4
#define SIGNATURE_SIZE 64
#define TYPE_ED25519   0x01

static const char dash[] = "\xe2\x80\x94 "; /* U+2014 and a space */

int
note_origin_ok(const char *origin)
{
    size_t len = strlen(origin);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)origin[i];
        if (c <= ' ' || c == '+' || c >= 0x7f)
            return 0;
    }
    return len > 0 && len <= NOTE_ORIGIN_MAX;
}

int
note_origin_names(const char *origin, uint32_t signer_id)
{
    const char *slash = strrchr(origin, '/');
    const char *last = slash == NULL ? origin : slash + 1;
    char id[16];

    (void)snprintf(id, sizeof(id), "%" PRIu32, signer_id);
    return *last == '\0' || last[strspn(last, "0123456789")] != '\0' || strcmp(last, id) == 0;
}

/* signed-note: the first four bytes of SHA-256(key name || LF || type || public key). */
static void
key_id(struct ledger_hasher *h, const struct ledger_config *config, uint8_t ret_id[KEY_ID_SIZE])
{
    static const uint8_t middle[] = {'\n', TYPE_ED25519};
    struct rs_bytes pieces[] = {rs_bytes_str(config->origin), RS_BYTES(middle),
                                RS_BYTES(config->public_key)};
    uint8_t digest[LEDGER_SHA256_SIZE];

    ledger_sha256(h, pieces, 3, digest);
    memcpy(ret_id, digest, KEY_ID_SIZE);
}

rs_code
note_put(struct ledger_hasher *h, const struct ledger_config *config,
         const struct ledger_head *head, struct rs_buf *ret_note, struct rs_err *err)
{
    uint8_t sig[KEY_ID_SIZE + SIGNATURE_SIZE];
    size_t start = ret_note->len;
    rs_code rc;

    rs_buf_printf(ret_note, "%s\n%" PRIu64 "\n", config->origin, head->size);
    rs_base64_put(ret_note, RS_BYTES(head->root), 0);
    rs_buf_put_u8(ret_note, '\n');
    if (!rs_buf_ok(ret_note))
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no room for a checkpoint");
    key_id(h, config, sig);
    rc = config->sign(config->sign_arg, rs_bytes_of(ret_note->p + start, ret_note->len - start),
                      sig + KEY_ID_SIZE, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_printf(ret_note, "\n%s%s ", dash, config->origin);
    rs_base64_put(ret_note, RS_BYTES(sig), 0);
    rs_buf_put_u8(ret_note, '\n');
    if (!rs_buf_ok(ret_note))
        return rs_fail(err, RS_E_NO_MEMORY, "ledger: no room for a checkpoint");
    return RS_OK;
}

/* ---- Reading -------------------------------------------------------------------- */

/* Take the line up to LF from *text; 0 when there is none or it is empty. */
static int
take_line(struct rs_bytes *text, struct rs_bytes *ret_line)
{
    const uint8_t *lf = text->len == 0 ? NULL : memchr(text->p, '\n', text->len);
    size_t len;

    if (lf == NULL || lf == text->p)
        return 0;
    len = (size_t)(lf - text->p);
    *ret_line = rs_bytes_of(text->p, len);
    *text = rs_bytes_of(lf + 1, text->len - len - 1);
    return 1;
}

/* Decimal without leading zeros. */
static int
read_size(struct rs_bytes line, uint64_t *ret_size)
{
    uint64_t size = 0;

    if (line.len == 0 || line.len > 19 || (line.len > 1 && line.p[0] == '0'))
        return 0;
    for (size_t i = 0; i < line.len; i++) {
        if (line.p[i] < '0' || line.p[i] > '9')
            return 0;
        size = size * 10 + (uint64_t)(line.p[i] - '0');
    }
    *ret_size = size;
    return 1;
}

/* Base64 of exactly len bytes, in the one way to write it. */
static int
read_base64(struct rs_bytes text, uint8_t *out, size_t len)
{
    uint8_t memory[128];
    char again[192];
    struct rs_buf raw, back;

    rs_buf_init_fixed(&raw, memory, sizeof(memory));
    rs_buf_init_fixed(&back, (uint8_t *)again, sizeof(again));
    if (!rs_base64_read(text, &raw) || !rs_buf_ok(&raw) || raw.len != len)
        return 0;
    rs_base64_put(&back, rs_buf_bytes(&raw), 0);
    if (!rs_buf_ok(&back) || !rs_bytes_equal(rs_buf_bytes(&back), text))
        return 0;
    memcpy(out, raw.p, len);
    return 1;
}

static int
verify(const struct ledger_config *config, struct rs_bytes text, const uint8_t *sig)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, config->public_key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = key != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
             EVP_DigestVerify(ctx, sig, SIGNATURE_SIZE, text.p, text.len) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return ok;
}

/* One signature line: -1 malformed, 0 of another key, 1 of ours (sig filled in). */
static int
read_signature(const struct ledger_config *config, const uint8_t *id, struct rs_bytes line,
               uint8_t *sig)
{
    uint8_t raw[KEY_ID_SIZE + SIGNATURE_SIZE];
    struct rs_bytes name = rs_bytes_str(config->origin), rest;
    const uint8_t *space;

    if (line.len < sizeof(dash) || memcmp(line.p, dash, sizeof(dash) - 1) != 0)
        return -1;
    rest = rs_bytes_of(line.p + sizeof(dash) - 1, line.len - (sizeof(dash) - 1));
    space = memchr(rest.p, ' ', rest.len);
    if (space == NULL || space == rest.p)
        return -1;
    if (!rs_bytes_equal(rs_bytes_of(rest.p, (size_t)(space - rest.p)), name))
        return 0;
    rest = rs_bytes_of(space + 1, rest.len - (size_t)(space - rest.p) - 1);
    if (!read_base64(rest, raw, sizeof(raw)) || memcmp(raw, id, KEY_ID_SIZE) != 0)
        return 0;
    memcpy(sig, raw + KEY_ID_SIZE, SIGNATURE_SIZE);
    return 1;
}

/* 1 when one of the lines is a good signature of our key, and none of ours is bad. */
static int
check_signatures(struct ledger_hasher *h, const struct ledger_config *config, struct rs_bytes text,
                 struct rs_bytes lines)
{
    uint8_t id[KEY_ID_SIZE], sig[SIGNATURE_SIZE];
    struct rs_bytes line;
    int good = 0;

    key_id(h, config, id);
    while (lines.len > 0) {
        if (!take_line(&lines, &line))
            return 0;
        switch (read_signature(config, id, line, sig)) {
        case 0:
            break;
        case 1:
            if (!verify(config, text, sig))
                return 0;
            good = 1;
            break;
        default:
            return 0;
        }
    }
    return good;
}

rs_code
note_read(struct ledger_hasher *h, const struct ledger_config *config, struct rs_bytes note,
          struct ledger_head *ret_head, struct rs_err *err)
{
    struct rs_bytes rest = note, origin, size, root, extension, text;
    struct ledger_head head;

    if (note.len > NOTE_MAX || !take_line(&rest, &origin) || !take_line(&rest, &size) ||
        !take_line(&rest, &root) || !read_size(size, &head.size) ||
        !read_base64(root, head.root, sizeof(head.root)))
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "checkpoint: tlog-checkpoint: malformed");
    while (rest.len > 0 && rest.p[0] != '\n')
        if (!take_line(&rest, &extension))
            return rs_fail(err, RS_E_LEDGER_DAMAGED, "checkpoint: signed-note: a line has no end");
    if (rest.len == 0)
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "checkpoint: signed-note: no signature");
    if (!rs_bytes_equal(origin, rs_bytes_str(config->origin)))
        return rs_fail(err, RS_E_LEDGER_DAMAGED, "checkpoint: it is of another log: %.*s",
                       (int)(origin.len > 80 ? 80 : origin.len), (const char *)origin.p);
    text = rs_bytes_of(note.p, (size_t)(rest.p - note.p));
    if (!check_signatures(h, config, text, rs_bytes_of(rest.p + 1, rest.len - 1)))
        return rs_fail(err, RS_E_LEDGER_DAMAGED,
                       "checkpoint: signed-note: not signed by the key of this ledger");
    *ret_head = head;
    return RS_OK;
}
