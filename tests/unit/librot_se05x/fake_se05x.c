/*
 * fake_se05x.c: an SE05x that keeps objects and knows the conversation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_se05x.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define PAIR    0x01
#define PUBLIC  0x03
#define AES     0x09
#define BINARY  0x0b
#define COUNTER 0x0d
#define SECRET  0x11

#define MAY_READ   0x00200000u
#define MAY_WRITE  0x00100000u
#define MAY_DELETE 0x00040000u
#define ONLY_SM    0x00020000u

static const uint8_t applet[16] = {0xa0, 0, 0, 3, 0x96, 0x54, 0x53, 0, 0, 0, 1, 3, 0, 0, 0, 0};
static const uint8_t domain[11] = {0xd2, 0x76, 0, 0, 0x85, 0x30, 0x4a, 0x43, 0x4f, 0x90, 3};

/* As delivered: OEF A921. */
static const uint8_t delivered[48] = {
    0xd2, 0xdb, 0x63, 0xe7, 0xa0, 0xa5, 0xae, 0xd7, 0x2a, 0x64, 0x60, 0xc4, 0xdf, 0xdc, 0xaf, 0x64,
    0x73, 0x8d, 0x5b, 0x79, 0x8e, 0xd2, 0x41, 0xb0, 0xb2, 0x47, 0x68, 0x51, 0x4b, 0xfb, 0xa9, 0x5b,
    0x67, 0x02, 0xda, 0xc3, 0x09, 0x42, 0xb2, 0xc8, 0x5e, 0x7f, 0x47, 0xb4, 0x2c, 0xed, 0x4e, 0x7f};

static void
must(int ok)
{
    if (!ok)
        abort();
}

static uint32_t
number(const uint8_t *p, size_t len)
{
    uint32_t v = 0;

    for (size_t i = 0; i < len; i++)
        v = v << 8 | p[i];
    return v;
}

/* ---- Crypto ------------------------------------------------------------------------------- */

static void
cmac(const struct fake_se05x *f, const uint8_t key[16], const uint8_t *a, size_t a_len,
     const uint8_t *b, size_t b_len, uint8_t out[16])
{
    uint8_t text[2 * FAKE_APDU];
    size_t n = 0;

    memset(out, 0xcc ^ key[0], 16);
    if (f->is_cheap)
        return;
    memcpy(text, a, a_len);
    memcpy(text + a_len, b, b_len);
    must(EVP_Q_mac(NULL, "CMAC", NULL, "AES-128-CBC", NULL, key, 16, text, a_len + b_len, out, 16,
                   &n) != NULL &&
         n == 16);
}

static void
cbc(const struct fake_se05x *f, const uint8_t key[16], const uint8_t iv[16], int encrypt,
    uint8_t *p, size_t len)
{
    EVP_CIPHER_CTX *ctx;
    int n = 0;

    if (f->is_cheap)
        return;
    ctx = EVP_CIPHER_CTX_new();
    must(ctx != NULL && EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv, encrypt) == 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_CipherUpdate(ctx, p, &n, p, (int)len) == 1 && (size_t)n == len);
    EVP_CIPHER_CTX_free(ctx);
}

static void
derive(struct fake_se05x *f, const uint8_t key[16], uint8_t constant, uint8_t bits,
       const uint8_t card[8], uint8_t out[16])
{
    uint8_t block[32] = {0};

    block[11] = constant;
    block[14] = bits;
    block[15] = 1;
    memcpy(block + 16, f->host, 8);
    memcpy(block + 24, card, 8);
    cmac(f, key, block, 32, block, 0, out);
}

/* ---- Objects -------------------------------------------------------------------------------- */

struct fake_object *
fake_find(struct fake_se05x *f, uint32_t id)
{
    for (int i = 0; i < FAKE_OBJECTS; i++) {
        if (f->objects[i].id == id && id != 0)
            return &f->objects[i];
    }
    return NULL;
}

struct fake_object *
fake_add(struct fake_se05x *f, uint32_t id, uint8_t type, const void *p, size_t len)
{
    struct fake_object *o = fake_find(f, id);

    for (int i = 0; i < FAKE_OBJECTS && o == NULL; i++) {
        if (f->objects[i].id == 0)
            o = &f->objects[i];
    }
    if (o == NULL || len > FAKE_DATA)
        return NULL;
    memset(o, 0, sizeof(*o));
    o->id = id;
    o->type = type;
    o->origin = 1;
    o->len = len;
    if (len != 0)
        memcpy(o->data, p, len);
    return o;
}

struct request {
    const uint8_t *header;
    const uint8_t *data;
    size_t len;
};

/* The value of a tag; NULL when it is not there or the TLVs are none. */
static const uint8_t *
find_tag(const struct request *r, uint8_t tag, size_t *ret_len)
{
    size_t at = 0;

    while (r->len - at >= 2) {
        size_t n = r->data[at + 1], head = 2;

        if (n == 0x81 && r->len - at >= 3) {
            n = r->data[at + 2];
            head = 3;
        } else if (n == 0x82 && r->len - at >= 4) {
            n = number(r->data + at + 2, 2);
            head = 4;
        }
        if (n > r->len - at - head)
            return NULL;
        if (r->data[at] == tag) {
            *ret_len = n;
            return r->data + at + head;
        }
        at += head + n;
    }
    return NULL;
}

static uint32_t
id_of(const struct request *r, uint8_t tag)
{
    size_t n = 0;
    const uint8_t *p = find_tag(r, tag, &n);

    return p != NULL && n == 4 ? number(p, 4) : 0;
}

/* As attested reads have them, every length in three bytes, in the newer form. */
static void
put_long(struct fake_answer *a, uint8_t tag, const void *p, size_t len)
{
    a->p[a->len++] = tag;
    a->p[a->len++] = 0x82;
    a->p[a->len++] = (uint8_t)(len >> 8);
    a->p[a->len++] = (uint8_t)len;
    memcpy(a->p + a->len, p, len);
    a->len += len;
}

static void
put(struct fake_answer *a, uint8_t tag, const void *p, size_t len)
{
    if (len >= 0x80) {
        put_long(a, tag, p, len);
        return;
    }
    a->p[a->len++] = tag;
    a->p[a->len++] = (uint8_t)len;
    memcpy(a->p + a->len, p, len);
    a->len += len;
}

static void
put_byte(struct fake_answer *a, uint8_t tag, uint8_t v)
{
    put(a, tag, &v, 1);
}

static int
is_modern(const struct fake_se05x *f)
{
    return f->version[0] >= 7;
}

static int
allows(const struct fake_object *o, uint32_t right)
{
    return !o->has_policy || (o->rights & right) != 0;
}

static void
take_policy(const struct request *r, struct fake_object *o)
{
    size_t n = 0;
    const uint8_t *p = find_tag(r, 0x11, &n);

    if (p == NULL || n != 9)
        return;
    o->has_policy = 1;
    o->rights = number(p + 5, 4);
}

/* An object that is written: the one that is there, or a new one. */
static struct fake_object *
open_object(struct fake_se05x *f, const struct request *r, uint8_t type, uint16_t *sw)
{
    uint32_t id = id_of(r, 0x41);
    struct fake_object *o = fake_find(f, id);

    if (o != NULL) {
        *sw = allows(o, MAY_WRITE) && o->type == type ? 0x9000 : 0x6986;
        return *sw == 0x9000 ? o : NULL;
    }
    o = id == 0 ? NULL : fake_add(f, id, type, "", 0);
    *sw = o != NULL ? 0x9000 : 0x6a84;
    if (o != NULL) {
        take_policy(r, o);
        o->transient = (r->header[1] & 0x80) != 0;
    }
    return o;
}

static void
write_binary(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    struct fake_object *o = open_object(f, r, BINARY, &a->sw);
    size_t n = 0, size = 0, offset = 0;
    const uint8_t *p;

    if (o == NULL)
        return;
    p = find_tag(r, 0x43, &n);
    if (p != NULL)
        o->len = number(p, n) < FAKE_DATA ? number(p, n) : FAKE_DATA;
    p = find_tag(r, 0x42, &n);
    if (p != NULL)
        offset = number(p, n);
    p = find_tag(r, 0x44, &size);
    if (p == NULL || offset + size > o->len)
        a->sw = 0x6a80;
    else
        memcpy(o->data + offset, p, size);
}

static void
write_ec(struct fake_se05x *f, const struct request *r, uint8_t type, struct fake_answer *a)
{
    size_t n = 0, half;
    const uint8_t *curve = find_tag(r, 0x42, &n), *point;
    int there = fake_find(f, id_of(r, 0x41)) != NULL;
    struct fake_object *o;

    if ((curve == NULL) != there) {
        a->sw = there ? 0x6a80 : 0x6985;
        return;
    }
    if (curve != NULL && (f->curves & 1u << *curve) == 0) {
        a->sw = 0x6985;
        return;
    }
    o = open_object(f, r, type, &a->sw);
    if (o == NULL)
        return;
    if (curve != NULL)
        o->curve = *curve;
    half = o->curve == 4 ? 48 : 32;
    point = find_tag(r, 0x44, &n);
    if (type == PUBLIC && (point == NULL || n != 1 + 2 * half || point[1] == 0xff)) {
        a->sw = 0x6a80; /* ff: not on the curve, for tests */
        if (!there)
            o->id = 0;
        return;
    }
    o->len = 1 + 2 * half;
    if (type == PUBLIC) {
        memcpy(o->data, point, n);
        return;
    }
    o->origin = 2;
    memset(o->data, (int)(f->commands & 0x7f), o->len); /* another one each time */
    o->data[0] = 4;
}

static void
write_secret(struct fake_se05x *f, const struct request *r, uint8_t type, struct fake_answer *a)
{
    size_t n = 0;
    const uint8_t *p = find_tag(r, 0x43, &n);
    struct fake_object *o = open_object(f, r, type, &a->sw);

    if (o == NULL)
        return;
    if (p == NULL || n > 64) {
        a->sw = 0x6a80;
        return;
    }
    o->len = n;
    memcpy(o->data, p, n);
}

static void
write_counter(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    size_t n = 0;
    const uint8_t *size = find_tag(r, 0x42, &n);
    struct fake_object *o = fake_find(f, id_of(r, 0x41));

    if (o == NULL && size == NULL) {
        a->sw = 0x6985;
        return;
    }
    if (o == NULL) {
        o = open_object(f, r, COUNTER, &a->sw);
        if (o != NULL)
            o->len = number(size, n) & 15;
        return;
    }
    for (size_t i = o->len; i-- > 0;) {
        if (++o->data[i] != 0)
            break;
    }
}

static void
do_curve(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    static uint8_t parameters;
    size_t n = 0;
    const uint8_t *curve = find_tag(r, 0x41, &n), *which;
    uint8_t bit;

    if (curve == NULL || *curve > 7) {
        a->sw = 0x6a80;
        return;
    }
    bit = (uint8_t)(1u << *curve);
    if (r->header[3] == 0x04) {
        if (f->refuses_half && (f->half_curves & bit) != 0)
            a->sw = 0x6985;
        else
            parameters = 0;
        f->half_curves |= bit;
    } else if (r->header[3] == 0x28) {
        f->half_curves &= (uint8_t)~bit;
        f->curves &= (uint8_t)~bit;
    } else {
        which = find_tag(r, 0x42, &n);
        parameters |= which != NULL ? *which : 0;
        if (parameters == 0x1f && (f->half_curves & bit) != 0)
            f->curves |= bit;
    }
}

static void
put_attributes(const struct fake_se05x *f, const struct fake_object *o, struct fake_answer *a,
               uint8_t tag)
{
    uint8_t b[40] = {0};
    size_t n = 14;

    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(o->id >> (24 - 8 * i));
    b[4] = o->type;
    b[5] = 1;
    if (o->has_policy) {
        b[n] = 8;
        for (int i = 0; i < 4; i++)
            b[n + 5 + (size_t)i] = (uint8_t)(o->rights >> (24 - 8 * i));
        n += 9;
    }
    b[n++] = o->origin;
    if (is_modern(f))
        n += 4;
    put(a, tag, b, n);
}

static void
read_attested(struct fake_se05x *f, const struct request *r, struct fake_object *o,
              struct fake_answer *a)
{
    uint8_t time[12] = {1}, size[2] = {0};
    const struct fake_object *uid = fake_find(f, 0x7fff0206);
    struct fake_answer inner = {.len = 0};
    const uint8_t *fresh;
    size_t n = 0;

    fresh = find_tag(r, 0x47, &n);
    if (uid == NULL || fresh == NULL || n != 16 || fake_find(f, id_of(r, 0x45)) == NULL) {
        a->sw = 0x6985;
        return;
    }
    put_attributes(f, o, &inner, 0);
    if (is_modern(f)) {
        put_long(a, 0x41, o->data, o->len);
        put_long(a, 0x42, uid->data, 18);
        put_long(a, 0x43, inner.p + 2, inner.len - 2);
        put_long(a, 0x44, size, 2);
        put_long(a, 0x4f, time, 12);
        put_long(a, 0x52, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
        return;
    }
    put(a, 0x41, o->data, o->len);
    put(a, 0x42, inner.p + 2, inner.len - 2);
    put(a, 0x43, time, 12);
    put(a, 0x44, fresh, 16);
    put(a, 0x45, uid->data, 18);
    put(a, 0x46, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
}

static void
read_object(const struct request *r, const struct fake_object *o, struct fake_answer *a)
{
    size_t n = 0, offset = 0, len = o->len;
    const uint8_t *p;

    if (o->type == AES || o->type == SECRET) {
        a->sw = 0x6985;
        return;
    }
    if (!allows(o, MAY_READ)) {
        a->sw = 0x6986;
        return;
    }
    p = find_tag(r, 0x42, &n);
    if (p != NULL)
        offset = number(p, n);
    p = find_tag(r, 0x43, &n);
    if (p != NULL)
        len = number(p, n);
    if (offset > o->len || len > o->len - offset || len > 1000)
        a->sw = 0x6700;
    else
        put(a, 0x41, o->data + offset, len);
}

/* What reads or removes one object. */
static void
do_read(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    struct fake_object *o = fake_find(f, id_of(r, 0x41));
    uint8_t b[2];

    if (o == NULL || ((o->rights & ONLY_SM) != 0 && !f->is_secure)) {
        a->sw = 0x6985;
        return;
    }
    if (r->header[1] == 0x22) {
        read_attested(f, r, o, a);
    } else if (r->header[3] == 0x07) {
        b[0] = (uint8_t)(o->len >> 8);
        b[1] = (uint8_t)o->len;
        put(a, 0x41, b, 2);
    } else if (r->header[3] == 0x3b) {
        put_attributes(f, o, a, is_modern(f) ? 0x43 : 0x42);
    } else {
        read_object(r, o, a);
    }
}

static void
do_mac(struct fake_object *o, const struct request *r, struct fake_answer *a)
{
    uint8_t mac[32];
    unsigned len = 0;
    size_t n = 0;
    const uint8_t *p = find_tag(r, 0x43, &n);

    memset(mac, 0x3c, sizeof(mac));
    if (o->type == SECRET && p != NULL)
        must(HMAC(EVP_sha256(), o->data, (int)o->len, p, n, mac, &len) != NULL);
    put(a, 0x41, mac, o->type == SECRET ? 32 : 16);
}

static void
do_aead(const struct request *r, struct fake_answer *a)
{
    uint8_t tag[16];
    size_t n = 0, tag_len = 0;
    const uint8_t *p = find_tag(r, 0x43, &n), *t = find_tag(r, 0x46, &tag_len);

    memset(tag, 0x7a, sizeof(tag));
    if (r->header[3] == 0x38 && (tag_len != 16 || memcmp(t, tag, 16) != 0)) {
        put_byte(a, 0x42, 2);
        return;
    }
    if (p != NULL)
        put(a, 0x41, p, n);
    if (r->header[3] == 0x38)
        put_byte(a, 0x42, 1);
    else
        put(a, 0x42, tag, 16);
}

/* A secret, out or into a target that must be there. */
static void
give_secret(struct fake_se05x *f, const struct request *r, uint8_t tag, uint8_t pattern, size_t len,
            struct fake_answer *a)
{
    struct fake_object *to = fake_find(f, id_of(r, tag));
    uint8_t b[64];
    size_t n = 0;

    len = len < sizeof(b) ? len : sizeof(b);
    memset(b, pattern, sizeof(b));
    if (find_tag(r, tag, &n) == NULL) {
        put(a, 0x41, b, len);
    } else if (to == NULL) {
        a->sw = 0x6985;
    } else {
        to->len = len;
        memcpy(to->data, b, to->len);
    }
}

static void
do_crypto(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    uint8_t p1 = r->header[2], p2 = r->header[3];
    struct fake_object *o = fake_find(f, id_of(r, p1 == 0x0f ? 0x42 : 0x41));
    const uint8_t *p;
    size_t n = 0;

    if (o == NULL || ((o->rights & ONLY_SM) != 0 && !f->is_secure)) {
        a->sw = 0x6985;
    } else if (p1 == 0x0c && p2 == 0x09) {
        put(a, 0x41, "\x30\x06\x02\x01\x01\x02\x01\x02", 8);
    } else if (p1 == 0x0c) {
        put_byte(a, 0x41, f->answer_to_verify);
    } else if (p1 == 0x01 || p1 == 0x0f) {
        p = find_tag(r, p1 == 0x01 ? 0x42 : 0x44, &n);
        if (p == NULL || p[1] == 0xff)
            a->sw = 0x6a80;
        else
            give_secret(f, r, p1 == 0x01 ? 0x47 : 0x43, 0x5e, n / 2, a);
    } else if (p1 == 0x0d) {
        do_mac(o, r, a);
    } else if (p1 == 0x11) {
        do_aead(r, a);
    } else if (p2 == 0x2d || p2 == 0x2f) {
        p = find_tag(r, 0x45, &n);
        give_secret(f, r, 0x47, 0x6b, p != NULL ? number(p, n) : 0, a);
    } else {
        a->sw = 0x6a86;
    }
}

static void
do_manage(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    struct fake_object *o = fake_find(f, id_of(r, 0x41));
    size_t n = 0;
    const uint8_t *p;
    uint8_t random[600];

    if (r->header[2] == 0x0b) {
        do_curve(f, r, a);
    } else if (r->header[3] == 0x49) {
        p = find_tag(r, 0x41, &n);
        memset(random, 0x24, sizeof(random));
        put(a, 0x41, random, p != NULL && number(p, n) < 600 ? number(p, n) : 0);
    } else if (r->header[3] == 0x27) {
        put_byte(a, 0x41, o != NULL ? 1 : 2);
    } else if (r->header[3] != 0x28) {
        a->sw = 0x6a86;
    } else if (o == NULL) {
        a->sw = 0x6985;
    } else if (!allows(o, MAY_DELETE)) {
        a->sw = 0x6986;
    } else {
        o->id = 0;
    }
}

static void
do_write(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    switch (r->header[2]) {
    case 0x61:
        write_ec(f, r, PAIR, a);
        break;
    case 0x21:
        write_ec(f, r, PUBLIC, a);
        break;
    case 0x03:
        write_secret(f, r, AES, a);
        break;
    case 0x05:
        write_secret(f, r, SECRET, a);
        break;
    case 0x06:
        write_binary(f, r, a);
        break;
    case 0x08:
        write_counter(f, r, a);
        break;
    case 0x0b:
        do_curve(f, r, a);
        break;
    default:
        a->sw = 0x6a86;
    }
}

static void
list_curves(const struct fake_se05x *f, struct fake_answer *a)
{
    const unsigned known = f->curves | (f->refuses_half ? 0u : f->half_curves);
    uint8_t list[0x10];

    for (unsigned i = 0; i < sizeof(list); i++)
        list[i] = i < 7 && (known & 1u << (i + 1)) != 0 ? 2 : 1;
    put(a, 0x41, list, sizeof(list));
}

static void
run_applet(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    if (!f->is_selected) {
        a->sw = 0x6e00;
        return;
    }
    switch (r->header[1] & 0x3f) {
    case 0x01:
        do_write(f, r, a);
        break;
    case 0x02:
    case 0x22:
        if (r->header[2] == 0x0b)
            list_curves(f, a);
        else
            do_read(f, r, a);
        break;
    case 0x03:
        do_crypto(f, r, a);
        break;
    case 0x04:
        do_manage(f, r, a);
        break;
    default:
        a->sw = 0x6d00;
    }
}

/* ---- SCP03 ---------------------------------------------------------------------------------- */

static void
initialize_update(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    uint8_t card[8], block[16];

    if ((r->header[2] != f->key_version && r->header[2] != 0) || r->len != 8) {
        a->sw = 0x6a88;
        return;
    }
    for (int i = 0; i < 8; i++)
        card[i] = (uint8_t)(0x10 + i);
    memcpy(f->host, r->data, 8);
    derive(f, f->keys, 4, 128, card, f->enc);
    derive(f, f->keys + 16, 6, 128, card, f->mac);
    derive(f, f->keys + 16, 7, 128, card, f->rmac);
    derive(f, f->mac, 0, 64, card, block);
    memset(a->p, 0, 10);
    a->p[10] = f->key_version;
    a->p[11] = 3;
    a->p[12] = 0x60;
    memcpy(a->p + 13, card, 8);
    memcpy(a->p + 21, block, 8);
    a->len = 29;
    derive(f, f->mac, 1, 64, card, block);
    memcpy(f->host, block, 8); /* the cryptogram that is wanted next */
    f->is_challenged = 1;
    f->is_secure = 0;
    memset(f->chain, 0, 16);
    f->counter = 1;
}

/* The MAC over the command without its own bytes and Le; the chaining value goes on. */
static int
check_command_mac(struct fake_se05x *f, const uint8_t *command, size_t len, const uint8_t *mac)
{
    uint8_t next[16];

    cmac(f, f->mac, f->chain, 16, command, len, next);
    memcpy(f->chain, next, 16);
    if (memcmp(next, mac, 8) == 0)
        return 1;
    f->bad_macs++;
    return 0;
}

static void
external_authenticate(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    if (!f->is_challenged || r->len != 16 || r->header[2] != 0x33 ||
        !check_command_mac(f, r->header, (size_t)(r->data - r->header) + 8, r->data + 8) ||
        memcmp(r->data, f->host, 8) != 0) {
        a->sw = 0x6982;
        return;
    }
    f->is_secure = 1;
    f->is_challenged = 0;
}

static void
put_key(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    uint8_t zero[16] = {0}, keys[48], check[16];

    a->sw = 0x6a80;
    if (!f->is_secure || r->header[2] != f->key_version || r->header[3] != 0x81 || r->len != 70)
        return;
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *k = r->data + 1 + i * 23;

        if (k[0] != 0x88 || k[1] != 17 || k[2] != 16 || k[19] != 3)
            return;
        memcpy(keys + 16 * i, k + 3, 16);
        cbc(f, f->keys + 32, zero, 0, keys + 16 * i, 16);
        memset(check, 1, 16);
        cbc(f, keys + 16 * i, zero, 1, check, 16);
        if (memcmp(check, k + 20, 3) != 0 && !f->is_cheap)
            return;
        memcpy(a->p + 1 + 3 * i, k + 20, 3);
    }
    memcpy(f->keys, keys, 48);
    f->key_version = r->data[0];
    a->p[0] = r->data[0];
    a->len = 10;
    a->sw = 0x9000;
}

/* ---- Commands --------------------------------------------------------------------------------- */

static void
select_by_name(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    static const uint8_t tail[] = {0x6f, 0xff, 0x01, 0x0b};

    f->is_secure = f->is_selected = 0;
    if (r->len == 11 && memcmp(r->data, domain, 11) == 0 && f->has_domain)
        return;
    if (r->len != 16 || memcmp(r->data, applet, 16) != 0) {
        a->sw = 0x6a82;
        return;
    }
    f->is_selected = 1;
    memcpy(a->p, f->version, 3);
    memcpy(a->p + 3, tail, 4);
    a->len = 7;
}

static void
identify_card(const struct fake_se05x *f, struct fake_answer *a)
{
    static const uint8_t head[] = {0xfe, 17, 0xdf, 0x28, 14, 0x01, 12};

    if (f->is_selected) {
        a->sw = 0x6d00;
        return;
    }
    memcpy(a->p, head, sizeof(head));
    memcpy(a->p + sizeof(head), f->configuration, 12);
    a->len = sizeof(head) + 12;
}

static void
run_plain(struct fake_se05x *f, const struct request *r, struct fake_answer *a)
{
    uint8_t ins = r->header[1];

    a->sw = 0x9000;
    if (ins == 0xa4)
        select_by_name(f, r, a);
    else if (ins == 0xca)
        identify_card(f, a);
    else if (ins == 0x50)
        initialize_update(f, r, a);
    else if (ins == 0x82)
        external_authenticate(f, r, a);
    else if (ins == 0xd8)
        put_key(f, r, a);
    else if (f->hides_uid && !f->is_secure)
        a->sw = 0x6985;
    else
        run_applet(f, r, a);
}

/* Header, length, data: any of the forms. */
static int
take_apdu(const uint8_t *p, size_t len, struct request *r)
{
    *r = (struct request){p, p + len, 0};
    if (len < 4)
        return 0;
    if (len <= 5)
        return 1;
    if (p[4] != 0) {
        r->data = p + 5;
        r->len = p[4];
    } else if (len >= 7) {
        r->data = p + 7;
        r->len = number(p + 5, 2);
    }
    return r->len <= len - (size_t)(r->data - p);
}

static void
make_iv(const struct fake_se05x *f, uint8_t first, uint8_t iv[16])
{
    uint8_t zero[16] = {0};

    memset(iv, 0, 16);
    iv[0] = first;
    iv[14] = (uint8_t)(f->counter >> 8);
    iv[15] = (uint8_t)f->counter;
    cbc(f, f->enc, zero, 1, iv, 16);
}

static int
open_secure(struct fake_se05x *f, struct request *r, uint8_t plain[FAKE_APDU])
{
    size_t body = r->len - 8;
    uint8_t iv[16];

    if (r->len < 8 || body % 16 != 0 ||
        !check_command_mac(f, r->header, (size_t)(r->data - r->header) + body, r->data + body))
        return 0;
    memcpy(plain, r->header, 4);
    plain[0] &= 0xfbu;
    if (body == 0 && !is_modern(f))
        f->counter--; /* that of the command before */
    if (body != 0) {
        make_iv(f, 0, iv);
        memcpy(plain + 7, r->data, body);
        cbc(f, f->enc, iv, 0, plain + 7, body);
        while (body > 0 && plain[6 + body] == 0)
            body--;
        if (body == 0 || plain[6 + body] != 0x80)
            return 0;
        body--;
    }
    plain[4] = 0;
    plain[5] = (uint8_t)(body >> 8);
    plain[6] = (uint8_t)body;
    *r = (struct request){plain, plain + 7, body};
    return 1;
}

static void
close_secure(struct fake_se05x *f, struct fake_answer *a)
{
    uint8_t iv[16], mac[16], sw[2] = {(uint8_t)(a->sw >> 8), (uint8_t)a->sw}, text[FAKE_APDU];

    if (a->sw == 0x9000) {
        if (a->len != 0) {
            a->p[a->len++] = 0x80;
            while (a->len % 16 != 0)
                a->p[a->len++] = 0;
            make_iv(f, 0x80, iv);
            cbc(f, f->enc, iv, 1, a->p, a->len);
        }
        memcpy(text, a->p, a->len);
        memcpy(text + a->len, sw, 2);
        cmac(f, f->rmac, f->chain, 16, text, a->len + 2, mac);
        memcpy(a->p + a->len, mac, 8);
        a->len += 8;
    } else {
        a->len = 0;
    }
    f->counter++;
}

/* One whole command; its answer is put into f->out. */
static void
run(struct fake_se05x *f)
{
    static struct fake_answer a;
    static uint8_t plain[FAKE_APDU];
    struct request r;
    int secure = 0, ok = take_apdu(f->in, f->in_len, &r);

    a.len = 0;
    a.sw = 0x6700;
    if (ok && (r.header[0] & 0x04) != 0 && r.header[1] != 0x82) {
        secure = f->is_secure && open_secure(f, &r, plain);
        ok = secure;
        a.sw = 0x6982;
        f->is_secure = secure;
    }
    if (ok) {
        f->seen_len = (size_t)(r.data - r.header) + r.len;
        memcpy(f->seen, r.header, f->seen_len);
        f->clear_commands += !secure;
        run_plain(f, &r, &a);
    }
    if (f->lie != NULL)
        f->lie(f->arg, f->seen, f->seen_len, &a);
    if (secure)
        close_secure(f, &a);
    else if (a.sw != 0x9000)
        a.len = 0;
    memcpy(f->out, a.p, a.len);
    f->out[a.len] = (uint8_t)(a.sw >> 8);
    f->out[a.len + 1] = (uint8_t)a.sw;
    f->out_len = a.len + 2;
    f->out_pos = 0;
}

/* ---- T=1 ------------------------------------------------------------------------------------------ */

static uint16_t
crc16(const uint8_t *p, size_t len)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0x8408 : crc >> 1);
    }
    return crc ^ 0xffff;
}

static void
queue_last(struct fake_se05x *f)
{
    memcpy(f->queue, f->last, f->last_len);
    f->queue_len = f->last_len;
    f->queue_pos = 0;
    if (f->tamper != NULL)
        f->queue_len = f->tamper(f->arg, f->queue, f->queue_len, sizeof(f->queue));
}

static void
queue(struct fake_se05x *f, uint8_t pcb, const uint8_t *inf, size_t len)
{
    uint16_t crc;

    f->last[0] = 0xa5;
    f->last[1] = pcb;
    f->last[2] = (uint8_t)len;
    if (len != 0)
        memcpy(f->last + 3, inf, len);
    crc = crc16(f->last, 3 + len);
    f->last[3 + len] = (uint8_t)crc;
    f->last[4 + len] = (uint8_t)(crc >> 8);
    f->last_len = 5 + len;
    queue_last(f);
}

/* The next block of the answer, or first a request for time. */
static void
queue_answer(struct fake_se05x *f)
{
    static const uint8_t one[1] = {1};
    size_t n = f->out_len - f->out_pos;
    uint8_t pcb = f->ns != 0 ? 0x40 : 0;

    if (f->wtx != 0) {
        f->wtx--;
        queue(f, 0xc3, one, 1);
        return;
    }
    if (n > 254) {
        n = 254;
        pcb |= 0x20;
    }
    f->ns ^= 1;
    f->out_pos += n;
    queue(f, pcb, f->out + f->out_pos - n, n);
}

static void
forget(struct fake_se05x *f)
{
    f->ns = f->nr = 0;
    f->in_len = f->out_len = f->out_pos = 0;
    f->queue_len = 0;
}

static void
take_service(struct fake_se05x *f, uint8_t pcb)
{
    static const uint8_t atr[35] = {0x00, 0xa0, 0x00, 0x00, 0x03, 0x96, 0x04, 0x03, 0xe8,
                                    0x00, 0xfe, 0x02, 0x0b, 0x03, 0xe8, 0x08, 0x01, 0x00,
                                    0x00, 0x00, 0x00, 0x64, 0x00, 0x00, 0x0a, 0x4a, 0x43,
                                    0x4f, 0x50, 0x34, 0x20, 0x41, 0x54, 0x50, 0x4f};

    if (pcb == 0xe3) {
        queue_answer(f);
        return;
    }
    if (pcb == 0xc0 || pcb == 0xc5 || pcb == 0xc6)
        forget(f);
    if (pcb == 0xc5 || pcb == 0xc6)
        f->is_selected = f->is_secure = f->is_challenged = 0;
    if (pcb == 0xc7)
        queue(f, 0xe7, atr, sizeof(atr));
    else
        queue(f, pcb | 0x20, NULL, 0);
}

static void
take_i(struct fake_se05x *f, uint8_t pcb, const uint8_t *inf, size_t len)
{
    if ((pcb & 0x40) != (f->nr != 0 ? 0x40 : 0)) {
        queue_last(f); /* heard before */
        return;
    }
    must(f->in_len + len <= sizeof(f->in));
    memcpy(f->in + f->in_len, inf, len);
    f->in_len += len;
    f->nr ^= 1;
    if ((pcb & 0x20) != 0) {
        queue(f, (uint8_t)(0x80 | (f->nr != 0 ? 0x10 : 0)), NULL, 0);
        return;
    }
    f->commands++;
    if (f->commands == f->cut_at && f->cut_before)
        f->is_dead = 1;
    if (f->is_dead)
        return;
    run(f);
    f->in_len = 0;
    if (f->commands == f->cut_at)
        f->is_dead = 1;
    else
        queue_answer(f);
}

static void
take_block(struct fake_se05x *f, const uint8_t *b, size_t len)
{
    uint16_t crc = len >= 5 ? crc16(b, len - 2) : 0;

    f->queue_len = 0;
    if (len < 5 || b[0] != 0x5a || b[2] != len - 5 || b[len - 2] != (uint8_t)crc ||
        b[len - 1] != (uint8_t)(crc >> 8))
        queue(f, (uint8_t)(0x81 | (f->nr != 0 ? 0x10 : 0)), NULL, 0);
    else if ((b[1] & 0xc0) == 0xc0)
        take_service(f, b[1]);
    else if ((b[1] & 0xc0) == 0x80 && (b[1] & 3) == 0 && f->out_pos < f->out_len)
        queue_answer(f);
    else if ((b[1] & 0xc0) == 0x80)
        queue_last(f);
    else
        take_i(f, b[1], b + 3, len - 5);
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct fake_se05x *f = self;

    if (f->is_dead || address != 0x48)
        return ROT_BUSY;
    f->writes++;
    take_block(f, tx, len);
    return ROT_OK;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct fake_se05x *f = self;

    if (f->is_dead || address != 0x48 || f->queue_pos >= f->queue_len)
        return ROT_BUSY;
    for (size_t i = 0; i < len; i++)
        rx[i] = f->queue_pos < f->queue_len ? f->queue[f->queue_pos++] : 0;
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    struct fake_se05x *f = self;

    f->waited_ms += us / 1000;
}

void
fake_power_on(struct fake_se05x *f)
{
    forget(f);
    f->is_dead = f->is_selected = f->is_secure = f->is_challenged = 0;
    f->cut_at = 0;
    for (int i = 0; i < FAKE_OBJECTS; i++) {
        if (f->objects[i].transient)
            f->objects[i].len = 0;
    }
}

void
fake_init(struct fake_se05x *f)
{
    static const struct rot_line_ops line = {.delay_us = on_delay};
    static const struct rot_i2c_ops i2c = {.write = on_write, .read = on_read};
    static const uint8_t configuration[12] = {0x00, 0x01, 0xa9, 0x21};
    uint8_t point[65], cert[40] = {0x30, 0x1e}, uid[18];

    memset(f, 0, sizeof(*f));
    f->transport.self = f;
    f->transport.line = &line;
    f->transport.i2c = &i2c;
    f->version[0] = 7;
    f->version[1] = 2;
    f->curves = 1u << 3;
    f->has_domain = 1;
    f->answer_to_verify = 1;
    f->key_version = 0x0b;
    memcpy(f->keys, delivered, sizeof(delivered));
    memcpy(f->configuration, configuration, sizeof(configuration));
    for (int i = 0; i < 18; i++)
        uid[i] = (uint8_t)(0xa0 + i);
    memset(point, 0x41, sizeof(point));
    point[0] = 4;
    (void)fake_add(f, 0x7fff0206, BINARY, uid, sizeof(uid));
    (void)fake_add(f, 0xf0000012, PAIR, point, sizeof(point));
    (void)fake_add(f, 0xf0000013, BINARY, cert, sizeof(cert));
    point[1] = 0x42;
    (void)fake_add(f, 0xf0000100, PAIR, point, sizeof(point));
}

void
fake_init_old(struct fake_se05x *f)
{
    fake_init(f);
    f->version[0] = 3;
    f->version[1] = 1;
    f->configuration[3] = 0x01;
    f->configuration[2] = 0xa2;
    f->curves = 0;
}
