/*
 * fake_optiga.c: see fake_optiga.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_optiga.h"

#include <stdlib.h>
#include <string.h>

#include <rot/rot_driver.h>

/* ---- Objects ----------------------------------------------------------------------- */

struct fake_object *
fake_find(struct fake_optiga *f, unsigned oid)
{
    for (size_t i = 0; i < FAKE_OBJECTS; i++) {
        if (f->objects[i].oid == oid)
            return &f->objects[i];
    }
    return NULL;
}

/* One that must be there. */
static struct fake_object *
object(struct fake_optiga *f, unsigned oid)
{
    struct fake_object *o = fake_find(f, oid);

    if (o == NULL)
        abort();
    return o;
}

static void
set_bytes(struct fake_bytes *to, const char *p, size_t len)
{
    to->len = (uint8_t)len;
    memcpy(to->b, p, len);
}

#define BEFORE        "\xe1\xfc\x07"
#define SET(to, text) set_bytes(&(to), (text), sizeof(text) - 1)

static struct fake_object *
add(struct fake_optiga *f, unsigned oid, unsigned max, unsigned used)
{
    struct fake_object *o = object(f, 0);

    o->oid = (uint16_t)oid;
    o->life = 1;
    o->max = (uint16_t)max;
    o->used = (uint16_t)used;
    SET(o->change, BEFORE);
    SET(o->read, "\x00");
    return o;
}

static void
add_keys(struct fake_optiga *f)
{
    struct fake_object *o;

    for (unsigned i = 0; i < 4; i++) {
        o = add(f, 0xe0f0 + i, 0, 0);
        o->read.len = 0;
        SET(o->exec, "\x00");
    }
    o = object(f, 0xe0f0);
    SET(o->change, "\xff");
    o->alg = 0x03;
    o->usage = 0x01;
    (void)!f->port->ops->ec_generate(f->port->self, ROT_ALG_P256, o->priv, o->pub);
    o = add(f, 0xe200, 0, 0);
    o->read.len = 0;
    SET(o->change, "\xff");
    SET(o->exec, "\x00");
}

/* A TLS identity of one certificate, in whose middle the key stands. */
static void
add_vendor_certificate(struct fake_optiga *f)
{
    static const uint8_t head[] = {0xc0, 0x02, 0x01, 0x00, 0x01, 0xfe, 0x00,
                                   0x01, 0xfb, 0x30, 0x82, 0x01, 0xf7};
    struct fake_object *o = add(f, 0xe0e0, 1728, 516);
    size_t n = 0;

    SET(o->change, "\xff");
    SET(o->exec, "\x00");
    o->type = 0x12;
    memset(o->data, 0x55, 516);
    memcpy(o->data, head, sizeof(head));
    (void)!rot_spki_from_point(ROT_ALG_P256, object(f, 0xe0f0)->pub, o->data + 260, 91, &n);
}

void
fake_bind(struct fake_optiga *f, const uint8_t *secret, size_t len)
{
    struct fake_object *o = object(f, 0xe140);

    memcpy(o->data, secret, len);
    o->used = (uint16_t)len;
}

void
fake_set_build(struct fake_optiga *f, unsigned firmware_low, unsigned build)
{
    struct fake_object *o = object(f, 0xe0c2);

    o->data[24] = (uint8_t)firmware_low;
    o->data[25] = (uint8_t)(build >> 8);
    o->data[26] = (uint8_t)build;
}

/* The V3 of the dumps. */
static void
add_objects(struct fake_optiga *f)
{
    static const uint8_t uid[27] = {0xcd, 0x16, 0x33, 0x93, 0x01, 0x00, 0x1c, 0x00, 0x05,
                                    0x00, 0x00, 0x0a, 0x09, 0xa4, 0x13, 0x00, 0x0a, 0x00,
                                    0x2f, 0x00, 0x2e, 0x80, 0x10, 0x10, 0x71, 0x24, 0x40};
    uint8_t known[64];
    struct fake_object *o;

    add(f, 0xe0c0, 1, 1)->data[0] = 0x07;
    memcpy(add(f, 0xe0c2, 27, 27)->data, uid, sizeof(uid));
    add_keys(f);
    add_vendor_certificate(f);
    for (unsigned i = 1; i < 4; i++)
        (void)add(f, 0xe0e0 + i, 1728, 1728);
    (void)add(f, 0xe0e8, 1200, 1200);
    (void)add(f, 0xe0e9, 1200, 1200);
    (void)add(f, 0xe0ef, 1200, 1200);
    for (unsigned i = 0; i < 4; i++) {
        o = add(f, 0xe120 + i, 8, 8);
        SET(o->exec, "\x00");
        o->type = 0x01;
    }
    o = add(f, 0xe140, 64, 64);
    SET(o->change, BEFORE "\xfe\x20\xe1\x40");
    SET(o->read, BEFORE);
    o->type = 0x22;
    for (unsigned i = 0; i < 64; i++)
        known[i] = (uint8_t)(i + 1);
    fake_bind(f, known, 64);
    for (unsigned i = 0; i < 12; i++)
        (void)add(f, 0xf1d0 + i, 140, 100);
    (void)add(f, 0xf1e0, 1500, 1500);
    (void)add(f, 0xf1e1, 1500, 1500);
}

/* ---- Access conditions ------------------------------------------------------------------ */

static int
term_holds(const struct fake_object *o, const uint8_t *p, size_t left, int is_protected,
           size_t *ret_len)
{
    *ret_len = 1;
    if (p[0] == 0x00)
        return 1;
    *ret_len = 3;
    if (left < 3)
        return 0;
    if (p[0] == 0xe1 && p[1] == 0xfc)
        return o->life < p[2];
    return p[0] == 0x20 && p[1] == 0xe1 && p[2] == 0x40 && is_protected;
}

static int
is_allowed(const struct fake_object *o, const struct fake_bytes *c, int is_protected)
{
    int holds = 1, any = 0;
    size_t i = 0, n = 0;

    if (c->len == 0)
        return 0;
    while (i < c->len) {
        holds &= term_holds(o, c->b + i, c->len - i, is_protected, &n);
        i += n;
        if (i >= c->len || c->b[i] == 0xfe) {
            any |= holds;
            holds = 1;
        }
        i++;
    }
    return any;
}

static void
put_tlv(struct fake_answer *a, uint8_t tag, const uint8_t *p, size_t len)
{
    a->out[a->len++] = tag;
    a->out[a->len++] = (uint8_t)len;
    memcpy(a->out + a->len, p, len);
    a->len += len;
}

static void
get_metadata(const struct fake_object *o, struct fake_answer *a)
{
    const uint8_t max[2] = {(uint8_t)(o->max >> 8), (uint8_t)o->max};
    const uint8_t used[2] = {(uint8_t)(o->used >> 8), (uint8_t)o->used};

    a->out[0] = 0x20;
    a->len = 2;
    put_tlv(a, 0xc0, &o->life, 1);
    if (o->max > 255) {
        put_tlv(a, 0xc4, max, 2);
        put_tlv(a, 0xc5, used, 2);
    } else if (o->max != 0) {
        put_tlv(a, 0xc4, max + 1, 1);
        put_tlv(a, 0xc5, used + 1, 1);
    }
    if (o->change.len != 0)
        put_tlv(a, 0xd0, o->change.b, o->change.len);
    if (o->read.len != 0)
        put_tlv(a, 0xd1, o->read.b, o->read.len);
    if (o->exec.len != 0)
        put_tlv(a, 0xd3, o->exec.b, o->exec.len);
    if (o->alg != 0)
        put_tlv(a, 0xe0, &o->alg, 1);
    if (o->usage != 0)
        put_tlv(a, 0xe1, &o->usage, 1);
    if (o->type != 0)
        put_tlv(a, 0xe8, &o->type, 1);
    a->out[1] = (uint8_t)(a->len - 2);
}

static uint8_t
set_metadata(struct fake_object *o, const uint8_t *p, size_t len)
{
    if (len < 2 || p[0] != 0x20 || p[1] != len - 2)
        return 0x05;
    for (size_t i = 2; i + 2 <= len; i += 2u + p[i + 1]) {
        size_t n = p[i + 1];
        struct fake_bytes *to = NULL;

        if (i + 2 + n > len || n > sizeof(o->change.b))
            return 0x05;
        if (p[i] == 0xc0) {
            if (n != 1 || p[i + 2] < o->life)
                return 0x07;
            o->life = p[i + 2];
            continue;
        }
        if (o->life >= 7)
            return 0x07;
        if (p[i] == 0xd0)
            to = &o->change;
        else if (p[i] == 0xd1)
            to = &o->read;
        else if (p[i] == 0xd3)
            to = &o->exec;
        else
            return 0x05;
        to->len = (uint8_t)n;
        memcpy(to->b, p + i + 2, n);
    }
    return 0;
}

/* ---- Commands: objects ---------------------------------------------------------------------- */

struct command {
    const uint8_t *in;
    size_t len;
    unsigned cmd, param;
    int is_protected;
};

static unsigned
u16_at(const struct command *c, size_t at)
{
    return at + 2 <= c->len ? (unsigned)c->in[at] << 8 | c->in[at + 1] : 0;
}

static void
get_object(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    const struct fake_object *o = fake_find(f, u16_at(c, 0));
    size_t offset = u16_at(c, 2), len = u16_at(c, 4);

    if (u16_at(c, 0) == 0xf1c2) {
        a->out[0] = f->last_error;
        a->len = 1;
        f->last_error = 0;
        return;
    }
    if (o == NULL || o->oid == 0) {
        a->status = 0x01;
    } else if (c->param == 0x01) {
        get_metadata(o, a);
    } else if (!is_allowed(o, &o->read, c->is_protected) || o->max == 0) {
        a->status = 0x07;
    } else if (offset > o->used) {
        a->status = 0x08;
    } else {
        a->len = len < (size_t)o->used - offset ? len : (size_t)o->used - offset;
        a->len = a->len < FAKE_MAX - 16 ? a->len : FAKE_MAX - 16;
        memcpy(a->out, o->data + offset, a->len);
    }
}

/* Power fails in the middle of this write: half of it is there, and nobody any more. */
static int
is_cut(struct fake_optiga *f)
{
    if (!f->has_cut || f->cut_at-- != 0)
        return 0;
    f->is_deaf = 1;
    return 1;
}

static void
count(struct fake_object *o, struct fake_answer *a)
{
    uint32_t v = 0, t = 0;

    for (unsigned i = 0; i < 4; i++) {
        v = v << 8 | o->data[i];
        t = t << 8 | o->data[4 + i];
    }
    if (v >= t) {
        a->status = 0x0e;
        return;
    }
    v++;
    for (unsigned i = 0; i < 4; i++)
        o->data[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
set_object(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    struct fake_object *o = fake_find(f, u16_at(c, 0));
    size_t offset = u16_at(c, 2), len = c->len < 4 ? 0 : c->len - 4, written = len;

    if (o == NULL || o->oid == 0 || c->len < 5) {
        a->status = 0x01;
        return;
    }
    if (c->param == 0x01) {
        if (!is_cut(f))
            a->status = set_metadata(o, c->in + 4, len);
        return;
    }
    if (!is_allowed(o, c->param == 0x02 ? &o->exec : &o->change, c->is_protected) || o->max == 0) {
        a->status = 0x07;
        return;
    }
    if (c->param == 0x02) {
        count(o, a);
        return;
    }
    if (offset > o->used || offset + len > o->max) {
        a->status = 0x08;
        return;
    }
    if (is_cut(f)) {
        written = (len + 1) / 2;
        len = f->has_cut_length ? len : written;
    }
    memcpy(o->data + offset, c->in + 4, written);
    if (c->param == 0x40 || offset + len > o->used)
        o->used = (uint16_t)(offset + len);
}

/* ---- Commands: crypto --------------------------------------------------------------------------- */

static struct rot_bytes
tlv(const struct command *c, size_t from, unsigned tag)
{
    for (size_t i = from; i + 3 <= c->len;) {
        size_t n = u16_at(c, i + 1);

        if (i + 3 + n > c->len)
            break;
        if (c->in[i] == tag)
            return (struct rot_bytes){c->in + i + 3, n};
        i += 3 + n;
    }
    return (struct rot_bytes){NULL, 0};
}

static unsigned
tlv_u16(const struct command *c, unsigned tag)
{
    struct rot_bytes b = tlv(c, 0, tag);

    return b.len == 2 ? (unsigned)b.p[0] << 8 | b.p[1] : 0;
}

static enum rot_alg
curve(unsigned alg)
{
    if (alg == 3)
        return ROT_ALG_P256;
    return alg == 4 ? ROT_ALG_P384 : ROT_ALG_NONE;
}

static void
generate(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    struct fake_object *o = fake_find(f, tlv_u16(c, 0x01));
    struct rot_bytes usage = tlv(c, 0, 0x02);
    enum rot_alg alg = curve(c->param);
    size_t n = rot_alg_point_size(alg);

    if (o == NULL || o->oid == 0)
        a->status = 0x01;
    else if (alg == ROT_ALG_NONE)
        a->status = 0x03;
    else if (!is_allowed(o, &o->change, c->is_protected))
        a->status = 0x07;
    if (a->status != 0 || usage.len != 1 || is_cut(f))
        return;
    o->alg = (uint8_t)c->param;
    o->usage = usage.p[0];
    (void)!f->port->ops->ec_generate(f->port->self, alg, o->priv, o->pub);
    memcpy(a->out, n == 64 ? "\x02\x00\x44\x03\x42\x00\x04" : "\x02\x00\x64\x03\x62\x00\x04", 7);
    memcpy(a->out + 7, o->pub, n);
    a->len = 7 + n;
}

static void
generate_secret(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    struct fake_object *o = fake_find(f, tlv_u16(c, 0x01));

    if (o == NULL || o->oid == 0)
        a->status = 0x01;
    else if (!is_allowed(o, &o->change, c->is_protected))
        a->status = 0x07;
    if (a->status != 0)
        return;
    o->alg = (uint8_t)c->param;
    memset(o->priv, 0x61, 16);
}

/* The shortest INTEGER, or one with zeroes in front, which parts are not told to leave out. */
static void
put_integer(struct fake_answer *a, const uint8_t *p, size_t len)
{
    size_t skip = 0;

    while (skip + 1 < len && p[skip] == 0)
        skip++;
    a->out[a->len++] = 0x02;
    a->out[a->len++] = (uint8_t)(len - skip + 1);
    a->out[a->len++] = 0;
    memcpy(a->out + a->len, p + skip, len - skip);
    a->len += len - skip;
}

static void
sign(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    struct rot_bytes digest = tlv(c, 0, 0x01);
    struct fake_object *o = fake_find(f, tlv_u16(c, 0x03));
    uint8_t raw[96] = {0};
    size_t half;

    if (o == NULL || o->oid == 0 || o->alg == 0 || digest.p == NULL) {
        a->status = 0x05;
        return;
    }
    if (!is_allowed(o, &o->exec, c->is_protected)) {
        a->status = 0x07;
        return;
    }
    half = rot_alg_point_size(curve(o->alg)) / 2;
    (void)!f->port->ops->ec_sign(f->port->self, curve(o->alg), o->priv, digest.p, digest.len, raw);
    put_integer(a, raw, half);
    put_integer(a, raw + half, half);
}

static int
take_integer(struct rot_bytes *in, uint8_t *out, size_t half)
{
    size_t n = in->len > 1 ? in->p[1] : 0;
    const uint8_t *p = in->p + 2;

    if (in->len < 2 || in->p[0] != 2 || n > in->len - 2)
        return 0;
    *in = (struct rot_bytes){p + n, in->len - 2 - n};
    for (; n > half; n--)
        p++;
    memcpy(out + half - n, p, n);
    return 1;
}

static void
verify(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    struct rot_bytes digest = tlv(c, 0, 1), sig = tlv(c, 0, 2), alg = tlv(c, 0, 5),
                     pub = tlv(c, 0, 6);
    enum rot_alg k = alg.len == 1 ? curve(alg.p[0]) : ROT_ALG_NONE;
    size_t half = rot_alg_point_size(k) / 2;
    uint8_t raw[96] = {0};

    if (half == 0 || pub.len != half * 2 + 4 || !take_integer(&sig, raw, half) ||
        !take_integer(&sig, raw + half, half)) {
        a->status = 0x05;
        return;
    }
    if (f->port->ops->ec_verify(f->port->self, k, pub.p + 4, digest.p, digest.len, raw) != ROT_OK)
        a->status = 0x2c;
}

/* The result of an agreement or a derivation goes into a session, or out. */
static void
deliver(struct fake_optiga *f, const struct command *c, struct fake_answer *a, const uint8_t *p,
        size_t len)
{
    unsigned into = tlv_u16(c, 0x08);

    if (into >= 0xe100 && into < 0xe104) {
        memcpy(f->sessions[into - 0xe100], p, len);
        f->session_len[into - 0xe100] = (uint8_t)len;
    } else {
        memcpy(a->out, p, len);
        a->len = len;
    }
}

static void
agree(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    struct fake_object *o = fake_find(f, tlv_u16(c, 0x01));
    struct rot_bytes pub = tlv(c, 0, 6);
    uint8_t secret[48] = {0};
    size_t half = o != NULL ? rot_alg_point_size(curve(o->alg)) / 2 : 0;

    if (half == 0 || pub.len != half * 2 + 4 ||
        f->port->ops->ecdh(f->port->self, curve(o->alg), o->priv, pub.p + 4, secret) != ROT_OK) {
        a->status = 0x05;
        return;
    }
    deliver(f, c, a, secret, half);
}

static void
derive(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    unsigned from = tlv_u16(c, 0x01) & 3u, len = tlv_u16(c, 0x03);
    struct rot_bytes input = tlv(c, 0, 2);
    struct rot_kdf_params p = {.out_len = len, .kdf = ROT_KDF_HKDF_SHA256, .salt = input};
    uint8_t out[64] = {0};

    p.info = tlv(c, 0, 4);
    if (c->param == 0x01)
        p = (struct rot_kdf_params){
            .out_len = len, .kdf = ROT_KDF_TLS12_PRF_SHA256, .label = input};
    if (f->session_len[from] == 0 || len > 64 || p.info.len > 256 ||
        (c->param == 0x01 && input.len < 8) ||
        f->port->ops->kdf(f->port->self,
                          (struct rot_bytes){f->sessions[from], f->session_len[from]}, &p,
                          out) != ROT_OK) {
        a->status = 0x05;
        return;
    }
    deliver(f, c, a, out, len);
}

static void
encrypt(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    unsigned oid = u16_at(c, 0), piece = c->len > 2 ? c->in[2] : 0, slot = oid & 3u;
    size_t n = u16_at(c, 3);
    const struct fake_object *o = fake_find(f, oid);
    struct rot_bytes text;

    if (piece > 3 || c->len != 5 + n || n == 0 || n > 640 ||
        (piece == 0 || piece == 1 ? 0 : f->mac_len == 0) ||
        (c->param == 0x20 ? f->session_len[slot] == 0 : o == NULL || o->alg == 0)) {
        a->status = 0x05;
        return;
    }
    if (piece < 2)
        f->mac_len = 0;
    if (n > sizeof(f->mac_text) - f->mac_len)
        n = sizeof(f->mac_text) - f->mac_len;
    memcpy(f->mac_text + f->mac_len, c->in + 5, n);
    f->mac_len += n;
    if (piece == 0 || piece == 2)
        return;
    text = (struct rot_bytes){f->mac_text, f->mac_len};
    a->out[0] = 0x61;
    a->out[2] = c->param == 0x20 ? 32 : 16;
    if (c->param == 0x20)
        (void)!f->port->ops->hmac(f->port->self, ROT_HASH_SHA256,
                                  (struct rot_bytes){f->sessions[slot], f->session_len[slot]},
                                  &text, 1, a->out + 3);
    else
        (void)!f->port->ops->aes_cmac(f->port->self, (struct rot_bytes){o->priv, 16}, &text, 1,
                                      a->out + 3);
    a->len = 3u + a->out[2];
}

static void
draw(const struct command *c, struct fake_answer *a)
{
    size_t n = u16_at(c, 0);

    if (n < 8 || n > 256) {
        a->status = 0x05;
        return;
    }
    for (a->len = 0; a->len < n; a->len++)
        a->out[a->len] = (uint8_t)(0x80 + a->len);
}

static void
run(struct fake_optiga *f, const struct command *c, struct fake_answer *a)
{
    switch (c->cmd & 0x7fu) {
    case 0x01:
        get_object(f, c, a);
        break;
    case 0x02:
        set_object(f, c, a);
        break;
    case 0x0c:
        draw(c, a);
        break;
    case 0x14:
        encrypt(f, c, a);
        break;
    case 0x31:
        sign(f, c, a);
        break;
    case 0x32:
        verify(f, c, a);
        break;
    case 0x33:
        agree(f, c, a);
        break;
    case 0x34:
        derive(f, c, a);
        break;
    case 0x38:
        generate(f, c, a);
        break;
    case 0x39:
        generate_secret(f, c, a);
        break;
    case 0x03:
    case 0x71:
        break;
    default:
        a->status = 0x0a;
    }
}

/* One APDU; the answer's bytes to out. */
static size_t
run_apdu(struct fake_optiga *f, const uint8_t *p, size_t len, int is_protected, uint8_t *out)
{
    static struct fake_answer a;
    struct command c = {p + 4, len - 4, p[0], p[1], is_protected};

    memset(&a, 0, sizeof(a));
    f->commands++;
    *(is_protected ? &f->shielded : &f->plain) += 1;
    memcpy(f->apdu, p, len);
    f->apdu_len = len;
    f->seen[(p[0] & 0x7fu) / 8] |= (uint8_t)(1u << (p[0] & 7u));
    if ((p[0] & 0x80) != 0)
        f->last_error = 0;
    if (len < 4 || u16_at(&(struct command){p, len, 0, 0, 0}, 2) != len - 4)
        a.status = 0x04;
    else if ((p[0] & 0x7f) == 0x70)
        f->is_open = 1;
    else if (!f->is_open && (p[0] != 0x01 || p[4] != 0xf1))
        a.status = 0x0c;
    else
        run(f, &c, &a);
    if ((p[0] & 0x7f) == 0x71)
        f->is_open = 0;
    if (f->lie != NULL)
        f->lie(f->arg, p, len, &a);
    if (a.status != 0) {
        f->last_error = a.status;
        a.len = 0;
    }
    out[0] = a.status != 0 ? 0xff : 0;
    out[1] = 0;
    out[2] = (uint8_t)(a.len >> 8);
    out[3] = (uint8_t)a.len;
    memcpy(out + 4, a.out, a.len);
    return 4 + a.len;
}

/* ---- The channel --------------------------------------------------------------------------------- */

static void
put_u32(uint8_t *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t
get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* side 0: the host's keys.  Text of len bytes between the head and the MAC. */
static rot_err
box(struct fake_optiga *f, unsigned side, int seal, uint8_t *p, size_t len)
{
    uint8_t nonce[8], aad[8], result[FAKE_MAX + 16];
    struct rot_bytes in = {p + 5, seal ? len : len + 8};
    rot_err rc;

    memcpy(nonce, f->keys + 32 + side * 4, 4);
    memcpy(nonce + 4, p + 1, 4);
    memcpy(aad, p, 5);
    aad[5] = 1;
    aad[6] = (uint8_t)(len >> 8);
    aad[7] = (uint8_t)len;
    rc = f->port->ops->aead(
        f->port->self, ROT_AEAD_AES_CCM_8, (struct rot_bytes){f->keys + side * 16, 16},
        (struct rot_bytes){nonce, 8}, (struct rot_bytes){aad, 8}, seal, in, result);
    if (rc == ROT_OK)
        memcpy(p + 5, result, seal ? len + 8 : len);
    return rc;
}

static size_t
greet(struct fake_optiga *f, uint8_t *out)
{
    const struct fake_object *o = object(f, 0xe140);
    struct rot_kdf_params p = {.kdf = ROT_KDF_TLS12_PRF_SHA256,
                               .label = {(const uint8_t *)"Platform Binding", 16},
                               .info = {f->rnd, 32},
                               .out_len = 48};

    for (unsigned i = 0; i < 32; i++)
        f->rnd[i] = (uint8_t)(0xa0 + i);
    f->drawn++;
    f->part_number = 0x1234 + f->drawn;
    (void)!f->port->ops->kdf(f->port->self, (struct rot_bytes){o->data, o->used}, &p, f->keys);
    f->is_greeted = 1;
    f->is_shielded = 0;
    out[0] = 0;
    out[1] = 1;
    memcpy(out + 2, f->rnd, 32);
    put_u32(out + 34, f->part_number);
    return 38;
}

static size_t
finish(struct fake_optiga *f, uint8_t *in, size_t len, uint8_t *out)
{
    f->host_number = 0x4321 + f->drawn;
    if (!f->is_greeted || len != 49 || get_u32(in + 1) != f->part_number ||
        box(f, 0, 0, in, 36) != ROT_OK || memcmp(in + 5, f->rnd, 32) != 0 ||
        get_u32(in + 37) != f->part_number) {
        f->is_greeted = 0;
        out[0] = 0x40;
        return 1;
    }
    out[0] = 0x08;
    put_u32(out + 1, f->host_number);
    memcpy(out + 5, f->rnd, 32);
    put_u32(out + 37, f->host_number);
    (void)!box(f, 1, 1, out, 36);
    f->is_shielded = 1;
    return 49;
}

static size_t
run_shielded(struct fake_optiga *f, uint8_t *in, size_t len, uint8_t *out)
{
    size_t n;

    if (!f->is_shielded || len < 17 || get_u32(in + 1) <= f->host_number ||
        get_u32(in + 1) > f->host_number + 3 || box(f, 0, 0, in, len - 13) != ROT_OK) {
        out[0] = f->is_shielded ? 0x44 : 0x40;
        return 1;
    }
    f->host_number = get_u32(in + 1);
    n = run_apdu(f, in + 5, len - 13, 1, out + 5);
    out[0] = 0x23;
    put_u32(out + 1, ++f->part_number);
    (void)!box(f, 1, 1, out, n);
    return n + 13;
}

static size_t
present(struct fake_optiga *f, uint8_t *in, size_t len, uint8_t *out)
{
    if (len == 2 && in[0] == 0x00)
        return greet(f, out);
    if (in[0] == 0x08)
        return finish(f, in, len, out);
    if (in[0] == 0x23)
        return run_shielded(f, in, len, out);
    if (in[0] == 0x20 && len > 4) {
        out[0] = 0x20;
        return 1 + run_apdu(f, in + 1, len - 1, 0, out + 1);
    }
    out[0] = 0x40;
    return 1;
}

/* ---- The link ------------------------------------------------------------------------------------- */

static unsigned
crc(const uint8_t *p, size_t len)
{
    unsigned v = 0;

    for (size_t i = 0; i < len * 8; i++) {
        unsigned bit = ((unsigned)p[i / 8] >> (i % 8) ^ v) & 1u;

        v = v >> 1 ^ bit * 0x8408u;
    }
    return v;
}

static size_t
close_frame(uint8_t *frame, unsigned fctr, size_t len)
{
    unsigned v;

    frame[0] = (uint8_t)fctr;
    frame[1] = (uint8_t)(len >> 8);
    frame[2] = (uint8_t)len;
    v = crc(frame, len + 3);
    frame[len + 3] = (uint8_t)(v >> 8);
    frame[len + 4] = (uint8_t)v;
    return len + 5;
}

/* What comes out on the bus. */
static size_t
distort(struct fake_optiga *f, uint8_t *frame, size_t len)
{
    f->frames++;
    return f->tamper != NULL ? f->tamper(f->arg, frame, len) : len;
}

static void
say(struct fake_optiga *f, unsigned fctr)
{
    f->control_len = distort(f, f->control, close_frame(f->control, fctr, 0));
}

/* What is kept until it is acknowledged, to be read now. */
static void
show(struct fake_optiga *f)
{
    f->silent_us = 0;
    memcpy(f->data, f->kept, f->kept_len);
    f->data_len = f->kept_len != 0 ? distort(f, f->data, f->kept_len) : 0;
}

static void
keep(struct fake_optiga *f, size_t packet_len)
{
    f->last_out = (f->last_out + 1) & 3;
    f->kept_len = close_frame(f->kept, (unsigned)f->last_out << 2 | f->last_in, packet_len);
    show(f);
}

/* The next packet of the answer. */
static void
offer(struct fake_optiga *f)
{
    size_t room = f->frame_len - 6u, n = f->out_len - f->out_at;
    int is_first = f->out_at == 0, is_last = n <= room;
    unsigned chain = is_first ? (is_last ? 0 : 1) : (is_last ? 4 : 2);

    n = is_last ? n : room;
    f->kept[3] = (uint8_t)((f->presence > 0 ? 8u : 0) | chain);
    memcpy(f->kept + 4, f->out + f->out_at, n);
    f->out_at += n;
    keep(f, n + 1);
}

static void
answer(struct fake_optiga *f)
{
    f->out_len = f->presence > 0 ? present(f, f->in, f->in_len, f->out)
                                 : run_apdu(f, f->in, f->in_len, 0, f->out);
    if (f->twist != NULL)
        f->out_len = f->twist(f->arg, f->out, f->out_len);
    f->out_at = f->in_len = 0;
    if (f->is_deaf)
        return;
    if (f->ack_first)
        say(f, 0x80u | f->last_in);
    offer(f);
}

static void
take_packet(struct fake_optiga *f, const uint8_t *p, size_t len)
{
    unsigned chain = p[0] & 7u;

    if (chain < 2) {
        f->in_len = 0;
        f->presence = (p[0] & 8u) != 0;
    }
    if (((chain == 1 || chain == 2) && len != f->frame_len - 5u) ||
        len - 1 > sizeof(f->in) - f->in_len)
        chain = 7;
    if (chain == 7) {
        f->kept[3] = 7;
        keep(f, 1);
        return;
    }
    memcpy(f->in + f->in_len, p + 1, len - 1);
    f->in_len += len - 1;
    if (chain == 0 || chain == 4)
        answer(f);
    else
        say(f, 0x80u | f->last_in);
}

static void
take_control(struct fake_optiga *f, unsigned fctr)
{
    if ((fctr & 0x60u) == 0x40u) {
        f->resyncs++;
        f->last_in = f->last_out = 3;
        f->control_len = f->data_len = f->kept_len = 0;
    } else if ((fctr & 0x60u) == 0x20u) {
        f->naks++;
        show(f);
    } else if ((fctr & 3u) == f->last_out && f->kept_len != 0) {
        f->kept_len = 0;
        if (f->out_at < f->out_len)
            offer(f);
    }
}

static void
take_frame(struct fake_optiga *f, const uint8_t *p, size_t len)
{
    unsigned v;

    if (len < 5 || len > FAKE_FRAME || ((size_t)p[1] << 8 | p[2]) != len - 5) {
        say(f, 0xa0u | ((f->last_in + 1u) & 3u));
        return;
    }
    v = crc(p, len - 2);
    if (p[len - 2] != (uint8_t)(v >> 8) || p[len - 1] != (uint8_t)v)
        say(f, 0xa0u | ((f->last_in + 1u) & 3u));
    else if ((p[0] & 0x80u) != 0)
        take_control(f, p[0]);
    else if ((unsigned)(p[0] >> 2 & 3) != ((f->last_in + 1u) & 3u)) {
        say(f, 0x80u | f->last_in);
        show(f);
    } else {
        f->last_in = (f->last_in + 1) & 3;
        f->data_len = f->kept_len = 0;
        take_packet(f, p + 3, len - 5);
    }
}

/* ---- The bus ---------------------------------------------------------------------------------------- */

void
fake_optiga_reset(struct fake_optiga *f)
{
    f->resets++;
    f->last_in = f->last_out = 3;
    f->control_len = f->data_len = f->kept_len = f->in_len = f->out_len = f->out_at = 0;
    f->presence = -1;
    f->is_open = f->is_shielded = f->is_greeted = 0;
    f->frame_len = f->max_frame != 0 ? (uint16_t)f->max_frame : FAKE_FRAME;
    f->last_error = 0;
    memset(f->session_len, 0, sizeof(f->session_len));
}

static int
is_away(struct fake_optiga *f, uint8_t address)
{
    if (f->is_deaf || address != 0x30)
        return 1;
    if (f->nak_writes == 0)
        return 0;
    f->nak_writes--;
    return 1;
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct fake_optiga *f = self;
    unsigned want;

    if (is_away(f, address) || len == 0)
        return ROT_BUSY;
    f->reg = tx[0];
    if (len == 1)
        return ROT_OK;
    if (tx[0] == 0x80) {
        take_frame(f, tx + 1, len - 1);
    } else if (tx[0] == 0x81 && len == 3) {
        want = (unsigned)tx[1] << 8 | tx[2];
        f->frame_len = (uint16_t)(want < f->frame_len ? want : f->frame_len);
    } else if (tx[0] == 0x88) {
        fake_optiga_reset(f);
    }
    return f->is_deaf && tx[0] != 0x80 ? ROT_BUSY : ROT_OK;
}

static void
read_state(struct fake_optiga *f, uint8_t state[4])
{
    size_t n = f->control_len != 0 ? f->control_len : f->data_len;

    state[0] = f->state_byte != 0 ? f->state_byte : 0x08;
    state[1] = 0x80;
    if (n != 0 && f->control_len == 0 && f->busy_polls != 0) {
        f->busy_polls--;
        state[0] |= 0x80;
        n = 0;
    }
    if (n != 0)
        state[0] |= 0x40;
    if (n != 0 && f->control_len != 0 && f->data_len != 0)
        state[0] |= 0x80;
    state[2] = (uint8_t)(n >> 8);
    state[3] = (uint8_t)n;
}

static void
read_data(struct fake_optiga *f, uint8_t *rx, size_t len)
{
    const uint8_t *p = f->control_len != 0 ? f->control : f->data;
    size_t n = f->control_len != 0 ? f->control_len : f->data_len;

    memcpy(rx, p, n < len ? n : len);
    if (f->control_len != 0)
        f->control_len = 0;
    else
        f->data_len = 0;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct fake_optiga *f = self;
    uint8_t state[4];

    if (is_away(f, address))
        return ROT_BUSY;
    memset(rx, 0xff, len);
    if (f->reg == 0x80) {
        read_data(f, rx, len);
    } else if (f->reg == 0x82 && len >= 4) {
        read_state(f, state);
        memcpy(rx, state, 4);
    } else if (f->reg == 0x81 && len >= 2) {
        rx[0] = (uint8_t)(f->frame_len >> 8);
        rx[1] = (uint8_t)f->frame_len;
    } else if (f->reg == 0x84 && len >= 4) {
        memcpy(rx, "\0\0\x01\x90", 4);
    }
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    struct fake_optiga *f = self;

    f->waits++;
    f->silent_us += us;
    /* What was not acknowledged in time is said again. */
    if (f->kept_len != 0 && f->data_len == 0 && f->control_len == 0 && f->silent_us > 10000)
        show(f);
}

static const struct rot_line_ops line_ops = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c_ops = {.write = on_write, .read = on_read};

void
fake_optiga_init(struct fake_optiga *f, const struct rot_port *port)
{
    memset(f, 0, sizeof(*f));
    f->port = port;
    f->transport = (struct rot_transport){.self = f, .line = &line_ops, .i2c = &i2c_ops};
    fake_optiga_reset(f);
    f->resets = 0;
    add_objects(f);
}
