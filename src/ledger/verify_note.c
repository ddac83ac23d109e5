/*
 * verify_note.c: the verifier's own reading of checkpoints
 * (docs/protocols/ledger.md section 6; c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/evp.h>
#include <string.h>

#include "ledger/verify_inner.h"

#define SIG_BYTES 68u /* key id and Ed25519 signature */

/* A cursor over the note. */
struct text {
    const char *p, *end;
};

/* The next line without its LF, which must be there. */
static int
next_line(struct text *t, struct text *ret_line)
{
    const char *p = t->p;

    while (p < t->end && *p != '\n')
        p++;
    if (p == t->end)
        return 0;
    *ret_line = (struct text){t->p, p};
    t->p = p + 1;
    return 1;
}

static size_t
length(const struct text *t)
{
    return (size_t)(t->end - t->p);
}

static int
digit64(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

/* RFC 4648 4: exactly `want` bytes, right padding, unused bits zero (3.5). */
static int
decode64(const struct text *t, uint8_t *out, size_t want)
{
    size_t chars = (want * 8 + 5) / 6, padded = (want + 2) / 3 * 4, made = 0;
    uint32_t bits = 0;
    unsigned count = 0;

    if (length(t) != padded)
        return 0;
    for (size_t i = 0; i < padded; i++) {
        int v = digit64(t->p[i]);
        if (i >= chars ? t->p[i] != '=' : v < 0)
            return 0;
        if (i >= chars)
            continue;
        bits = (bits << 6 | (uint32_t)v) & 0xffffff;
        count += 6;
        if (count >= 8 && made < want) {
            count -= 8;
            out[made++] = (uint8_t)(bits >> count);
        }
    }
    return (bits & ((1u << count) - 1)) == 0;
}

static int
decimal(const struct text *t, uint64_t *ret_value)
{
    uint64_t v = 0;
    size_t len = length(t);

    if (len == 0 || len > 19 || (t->p[0] == '0' && len != 1))
        return 0;
    for (const char *p = t->p; p < t->end; p++) {
        if (*p < '0' || *p > '9')
            return 0;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *ret_value = v;
    return 1;
}

int64_t
v_origin_signer(const char *origin, size_t len)
{
    struct text last = {origin, origin + len};
    uint64_t id;

    for (size_t i = 0; i < len; i++)
        if (origin[i] == '/')
            last.p = origin + i + 1;
    return decimal(&last, &id) && id <= UINT32_MAX ? (int64_t)id : -1;
}

static int
signature_holds(const uint8_t *key, const uint8_t *sig, const char *text, size_t len)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, key, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int good = 0;

    if (pkey != NULL && ctx != NULL &&
        EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) == 1)
        good = EVP_DigestVerify(ctx, sig, 64, (const unsigned char *)text, len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    return good;
}

/* One signature line, "— name base64": 0 malformed, 1 somebody else's, 2 of this name and key id. */
static int
parse_signature(const struct text *line, const struct text *origin, const uint8_t id[4],
                uint8_t sig[SIG_BYTES])
{
    struct text name, value;

    if (length(line) < 6 || memcmp(line->p, "\xe2\x80\x94 ", 4) != 0)
        return 0;
    name.p = line->p + 4;
    name.end = memchr(name.p, ' ', (size_t)(line->end - name.p));
    if (name.end == NULL || name.end == name.p)
        return 0;
    value = (struct text){name.end + 1, line->end};
    if (length(&name) != length(origin) || memcmp(name.p, origin->p, length(origin)) != 0 ||
        !decode64(&value, sig, SIG_BYTES) || memcmp(sig, id, 4) != 0)
        return 1;
    return 2;
}

/* Every line of ours must hold, and there must be one. */
static int
signed_by(struct ledger_hasher *h, const uint8_t *key, const struct text *origin,
          const struct text *body, struct text lines)
{
    static const uint8_t kind[2] = {0x0a, 0x01};
    struct rs_bytes pieces[3] = {rs_bytes_of(origin->p, length(origin)), RS_BYTES(kind),
                                 rs_bytes_of(key, 32)};
    uint8_t id[V_HASH], sig[SIG_BYTES];
    struct text line;
    int good = 0;

    ledger_sha256(h, pieces, 3, id);
    while (lines.p < lines.end) {
        int what = next_line(&lines, &line) ? parse_signature(&line, origin, id, sig) : 0;
        if (what == 0 || (what == 2 && !signature_holds(key, sig + 4, body->p, length(body))))
            return 0;
        good |= what == 2;
    }
    return good;
}

int
v_note_read(struct ledger_hasher *h, struct rs_bytes text, const uint8_t *key, const char *origin,
            struct v_note *ret_note, int64_t *ret_signer)
{
    const char *start = (const char *)text.p;
    struct text t = {start, start + text.len}, name, size, root, extra, body;

    if (text.len == 0 || text.len > V_NOTE_MAX || !next_line(&t, &name) || length(&name) == 0 ||
        !next_line(&t, &size) || !decimal(&size, &ret_note->size) || !next_line(&t, &root) ||
        !decode64(&root, ret_note->root, V_HASH))
        return 0;
    do {
        body = (struct text){start, t.p};
        if (!next_line(&t, &extra))
            return 0;
    } while (length(&extra) > 0);
    if (origin != NULL &&
        (strlen(origin) != length(&name) || memcmp(origin, name.p, length(&name)) != 0))
        return 0;
    if (key != NULL && !signed_by(h, key, &name, &body, t))
        return 0;
    *ret_signer = v_origin_signer(name.p, length(&name));
    return 1;
}
