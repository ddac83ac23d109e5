/*
 * fake_tpm.c: see fake_tpm.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_tpm.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/sha.h>

#define RC_HANDLE  0x18bu
#define RC_AUTH    0x98eu
#define RC_NV_AREA 0x14bu
#define RC_REF_S0  0x918u
#define RC_COMMAND 0x143u

/* The private key of every key in here: 1.  Its point is the curve's base point. */
static const uint8_t base_point[64] = {
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

/* ---- Bytes -------------------------------------------------------------------- */

struct in {
    const uint8_t *p;
    size_t len;
};

static const uint8_t *
take(struct in *in, size_t n)
{
    const uint8_t *p = in->p;

    if (n > in->len)
        n = in->len;
    in->p += n;
    in->len -= n;
    return p;
}

static uint32_t
take_uint(struct in *in, size_t n)
{
    uint32_t v = 0;

    for (; n > 0 && in->len > 0; n--)
        v = v << 8 | *take(in, 1);
    return v;
}

static struct in
take_sized(struct in *in)
{
    size_t n = take_uint(in, 2);
    struct in piece = {in->p, n < in->len ? n : in->len};

    (void)take(in, n);
    return piece;
}

static void
put(struct fake_answer *a, const void *p, size_t n)
{
    if (n > sizeof(a->params) - a->len)
        n = sizeof(a->params) - a->len;
    if (n != 0)
        memcpy(a->params + a->len, p, n);
    a->len += n;
}

static void
put_uint(struct fake_answer *a, uint32_t v, size_t n)
{
    for (size_t i = n; i > 0; i--) {
        uint8_t b = (uint8_t)(v >> (8 * (i - 1)));
        put(a, &b, 1);
    }
}

static void
put_sized(struct fake_answer *a, const void *p, size_t n)
{
    put_uint(a, (uint32_t)n, 2);
    put(a, p, n);
}

static void
store_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* ---- Crypto, all of it OpenSSL's ------------------------------------------------- */

static void
derive(const char *kdf, OSSL_PARAM *params, uint8_t *out, size_t len)
{
    EVP_KDF *k = EVP_KDF_fetch(NULL, kdf, NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(k);

    (void)EVP_KDF_derive(ctx, out, len, params);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(k);
}

/* SP 800-108 in counter mode is what the TCG calls KDFa. */
static void
kdfa(const uint8_t key[32], const char *label, const uint8_t u[32], const uint8_t v[32],
     uint8_t out[32])
{
    char digest[] = "SHA256", mac[] = "HMAC";
    uint8_t context[64];
    OSSL_PARAM params[6];
    union {
        const void *c;
        void *p;
    } k = {key}, l = {label};

    memcpy(context, u, 32);
    memcpy(context + 32, v, 32);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, k.p, 32);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, l.p, strlen(label));
    params[4] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, context, 64);
    params[5] = OSSL_PARAM_construct_end();
    derive("KBKDF", params, out, 32);
}

/* SP 800-56C in one step is KDFe. */
static void
kdfe(const uint8_t z[32], const char *use, const uint8_t u[32], const uint8_t v[32],
     uint8_t out[32])
{
    char digest[] = "SHA256";
    uint8_t info[80];
    size_t n = strlen(use) + 1;
    OSSL_PARAM params[4];
    union {
        const void *c;
        void *p;
    } secret = {z};

    memcpy(info, use, n);
    memcpy(info + n, u, 32);
    memcpy(info + n + 32, v, 32);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.p, 32);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, n + 64);
    params[3] = OSSL_PARAM_construct_end();
    derive("SSKDF", params, out, 32);
}

/* Part 1, 19.6.5, with the nonces in the order of the direction. */
static void
mac(const struct fake_tpm *t, const uint8_t key[32], const uint8_t phash[32],
    const uint8_t newer[32], const uint8_t older[32], uint8_t attributes, uint8_t out[32])
{
    uint8_t text[97];
    size_t n = 0;

    if (t->is_cheap) {
        memset(out, 0xbb, 32);
        return;
    }
    memcpy(text, phash, 32);
    memcpy(text + 32, newer, 32);
    memcpy(text + 64, older, 32);
    text[96] = attributes;
    (void)EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, 32, text, sizeof(text), out, 32, &n);
}

static void
sha(const struct fake_tpm *t, const uint8_t *p, size_t len, uint8_t out[32])
{
    if (t->is_cheap)
        memset(out, 0xaa, 32);
    else
        (void)SHA256(p, len, out);
}

static void
cfb(const struct fake_tpm *t, const struct fake_session *s, int encrypt, uint8_t *p, size_t len)
{
    uint8_t k[32];
    EVP_CIPHER_CTX *ctx;
    int n = 0;

    if (t->is_cheap)
        return;
    ctx = EVP_CIPHER_CTX_new();
    if (encrypt) /* an answer: the TPM's nonce is the newer one */
        kdfa(s->key, "CFB", s->nonce_tpm, s->nonce_caller, k);
    else
        kdfa(s->key, "CFB", s->nonce_caller, s->nonce_tpm, k);
    (void)EVP_CipherInit_ex(ctx, EVP_aes_128_cfb128(), NULL, k, k + 16, encrypt);
    (void)EVP_CipherUpdate(ctx, p, &n, p, (int)len);
    EVP_CIPHER_CTX_free(ctx);
}

static void
next_nonce(struct fake_tpm *t, uint8_t out[32])
{
    memset(out, ++t->counter, 32);
}

/* ---- Names ------------------------------------------------------------------------- */

struct fake_object *
fake_find_object(struct fake_tpm *t, uint32_t handle)
{
    for (size_t i = 0; i < FAKE_OBJECTS; i++) {
        if (t->objects[i].handle == handle)
            return &t->objects[i];
    }
    return NULL;
}

struct fake_index *
fake_find_index(struct fake_tpm *t, uint32_t index)
{
    for (size_t i = 0; i < FAKE_INDICES; i++) {
        if (t->indices[i].index == index)
            return &t->indices[i];
    }
    return NULL;
}

static struct fake_session *
find_session(struct fake_tpm *t, uint32_t handle)
{
    for (size_t i = 0; i < 3; i++) {
        if (t->sessions[i].handle == handle)
            return &t->sessions[i];
    }
    return NULL;
}

static size_t
index_area(const struct fake_index *x, uint8_t area[14])
{
    store_u32(area, x->index);
    memcpy(area + 4, "\x00\x0b", 2);
    store_u32(area + 6, x->attributes);
    memset(area + 10, 0, 2);
    area[12] = (uint8_t)(x->size >> 8);
    area[13] = (uint8_t)x->size;
    return 14;
}

static size_t
name_of(struct fake_tpm *t, uint32_t handle, uint8_t name[34])
{
    const struct fake_object *o = fake_find_object(t, handle);
    const struct fake_index *x = fake_find_index(t, handle);
    uint8_t area[14];

    memcpy(name, "\x00\x0b", 2);
    if (handle >> 24 == 0x01 && x != NULL) {
        sha(t, area, index_area(x, area), name + 2);
        return 34;
    }
    if (handle >> 24 >= 0x80 && o != NULL) {
        if (o->len == 0)
            return 0; /* a sequence has no name */
        sha(t, o->area, o->len, name + 2);
        return 34;
    }
    store_u32(name, handle);
    return 4;
}

/* ---- Objects -------------------------------------------------------------------------- */

static uint32_t
new_object(struct fake_tpm *t, const uint8_t *area, size_t len)
{
    struct fake_object *o = fake_find_object(t, 0);

    if (o == NULL || len > sizeof(o->area))
        return 0;
    o->handle = 0x80000000u + t->next_object++ % 0x10000;
    memcpy(o->area, area, len);
    o->len = len;
    return o->handle;
}

/* What a template becomes: the same with a key in it. */
static size_t
fill_template(struct fake_tpm *t, struct in template, uint8_t area[512])
{
    static const size_t uniques[] = {0, 3, 6};
    size_t n = template.len;

    if (n > 400)
        n = 400;
    memcpy(area, template.p, n);
    if (n > 12 && area[1] == 0x01) { /* RSA */
        area[n - 256] = 0x80;
        return n;
    }
    if (n > 12 && area[1] == 0x23) {
        for (size_t i = 0; i < 3; i++) {
            size_t u = uniques[i], at = n - 2 * (2 + u);
            if (n > 2 * (2 + u) && area[at] == 0 && area[at + 1] == u && area[at + 2 + u] == 0 &&
                area[at + 3 + u] == u) {
                memcpy(area + at, "\x00\x20", 2);
                memcpy(area + at + 2, base_point, 32);
                memcpy(area + at + 34, "\x00\x20", 2);
                memcpy(area + at + 36, base_point + 32, 32);
                return at + 68;
            }
        }
    }
    if (n > 12 && area[1] == 0x08) { /* a keyed hash: the digest of its secret */
        memcpy(area + n - 2, "\x00\x20", 2);
        memset(area + n, ++t->counter, 32);
        return n + 32;
    }
    return n;
}

static void
put_ticket(struct fake_answer *a, uint32_t tag)
{
    put_uint(a, tag, 2);
    put_uint(a, 0x40000001, 4);
    put_sized(a, "ticket", 6);
}

static void
create(struct fake_tpm *t, struct in in, int primary, struct fake_answer *a)
{
    uint8_t area[512], name[34];
    struct in sensitive = take_sized(&in), data;
    size_t len;

    (void)take_sized(&sensitive);
    data = take_sized(&sensitive);
    len = fill_template(t, take_sized(&in), area);
    if (primary) {
        a->handle = new_object(t, area, len);
        if (a->handle == 0) {
            a->code = 0x902;
            return;
        }
        put_sized(a, area, len);
    } else {
        uint8_t wrapped[136] = {(uint8_t)data.len};
        if (data.len <= 128)
            memcpy(wrapped + 1, data.p, data.len);
        put_sized(a, wrapped, sizeof(wrapped));
        put_sized(a, area, len);
    }
    put_sized(a, "creation", 8);
    put_sized(a, "hash", 4);
    put_ticket(a, 0x8021);
    if (primary)
        put_sized(a, name, name_of(t, a->handle, name));
}

static void
load(struct fake_tpm *t, struct in in, struct fake_answer *a)
{
    uint8_t name[34];
    struct in wrapped = take_sized(&in), area = take_sized(&in);
    struct fake_object *o;

    a->handle = new_object(t, area.p, area.len);
    o = fake_find_object(t, a->handle);
    if (a->handle == 0 || o == NULL) {
        a->code = 0x902;
        return;
    }
    o->sealed_len =
        wrapped.len > 1 && wrapped.p[0] < wrapped.len && wrapped.p[0] <= 128 ? wrapped.p[0] : 0;
    if (o->sealed_len != 0)
        memcpy(o->sealed, wrapped.p + 1, o->sealed_len);
    put_sized(a, name, name_of(t, a->handle, name));
}

static void
evict(struct fake_tpm *t, uint32_t handle, uint32_t persistent, struct fake_answer *a)
{
    struct fake_object *from = fake_find_object(t, handle), *to = fake_find_object(t, 0);

    if (from == NULL || (handle != persistent && fake_find_object(t, persistent) != NULL)) {
        a->code = from == NULL ? RC_HANDLE : 0x14c;
    } else if (handle == persistent) {
        from->handle = 0;
    } else if (to == NULL) {
        a->code = RC_NV_AREA;
    } else {
        *to = *from;
        to->handle = persistent;
    }
}

static void
read_public(struct fake_tpm *t, uint32_t handle, struct fake_answer *a)
{
    const struct fake_object *o = fake_find_object(t, handle);
    uint8_t name[34];
    size_t n;

    if (o == NULL || handle == 0) {
        a->code = RC_HANDLE;
        return;
    }
    n = name_of(t, handle, name);
    put_sized(a, o->area, o->len);
    put_sized(a, name, n);
    put_sized(a, name, n);
}

static void
start_session(struct fake_tpm *t, struct in in, struct fake_answer *a)
{
    struct fake_session *s = find_session(t, 0);
    struct in nonce = take_sized(&in), salt = take_sized(&in), x, y;
    uint8_t z[32] = {0}, seed[32] = {0}, point[64] = {0};

    if (s == NULL) {
        a->code = 0x903;
        return;
    }
    memset(s, 0, sizeof(*s));
    s->is_policy = take_uint(&in, 1) == 1;
    s->handle = (s->is_policy ? 0x03000000u : 0x02000000u) + t->next_session++ % 0x10000;
    next_nonce(t, s->nonce_tpm);
    if (nonce.len == 32)
        memcpy(s->nonce_caller, nonce.p, 32);
    x = take_sized(&salt);
    y = take_sized(&salt);
    if (!s->is_policy && !t->is_cheap && x.len == 32 && y.len == 32) {
        memcpy(point, x.p, 32);
        memcpy(point + 32, y.p, 32);
        /* The private key is one, so that the product is the point itself. */
        memcpy(z, point, 32);
        kdfe(z, "SECRET", point, base_point, seed);
        kdfa(seed, "ATH", s->nonce_tpm, s->nonce_caller, s->key);
    }
    a->handle = s->handle;
    put_sized(a, s->nonce_tpm, 32);
}

static void
flush(struct fake_tpm *t, struct in in, struct fake_answer *a)
{
    uint32_t handle = take_uint(&in, 4);
    struct fake_session *s = find_session(t, handle);
    struct fake_object *o = fake_find_object(t, handle);

    if (handle == 0 || (s == NULL && o == NULL) || handle >> 24 == 0x81)
        a->code = 0x1cb;
    else if (s != NULL)
        memset(s, 0, sizeof(*s));
    else
        o->handle = 0;
}

static void
capability(struct fake_tpm *t, struct in in, struct fake_answer *a)
{
    uint32_t what = take_uint(&in, 4), which = take_uint(&in, 4), value = 0;

    put_uint(a, 0, 1);
    put_uint(a, what, 4);
    if (what == 1) { /* handles of a kind */
        for (size_t i = 0; i < FAKE_OBJECTS && which >> 24 == 0x80; i++)
            value = t->objects[i].handle >> 24 == 0x80 ? t->objects[i].handle : value;
        for (size_t i = 0; i < 3 && which >> 24 == 0x02; i++)
            value = t->sessions[i].handle != 0 ? t->sessions[i].handle : value;
        put_uint(a, value != 0, 4);
        if (value != 0)
            put_uint(a, value, 4);
        return;
    }
    if (which == 0x100)
        value = 0x322e3000;
    else if (which == 0x105)
        value = 0x53544d20; /* "STM " */
    else if (which == 0x10b)
        value = 0x00010102;
    else if (which == 0x10d || which == 0x12c)
        value = 1024;
    put_uint(a, 1, 4);
    put_uint(a, which, 4);
    put_uint(a, value, 4);
}

/* ---- Indices -------------------------------------------------------------------------------- */

static void
define(struct fake_tpm *t, struct in in, struct fake_answer *a)
{
    struct fake_index *x = fake_find_index(t, 0);
    struct in area;
    uint32_t index;

    (void)take_sized(&in);
    area = take_sized(&in);
    index = take_uint(&area, 4);
    if (fake_find_index(t, index) != NULL || index == 0) {
        a->code = 0x14c;
        return;
    }
    (void)take_uint(&area, 2);
    if (x == NULL) {
        a->code = RC_NV_AREA;
        return;
    }
    memset(x, 0, sizeof(*x));
    x->attributes = take_uint(&area, 4);
    (void)take_sized(&area);
    x->size = (uint16_t)take_uint(&area, 2);
    if (x->size > sizeof(x->data))
        a->code = 0x2d5;
    else
        x->index = index;
}

static void
use_index(struct fake_tpm *t, uint32_t cc, uint32_t index, struct in in, struct fake_answer *a)
{
    struct fake_index *x = fake_find_index(t, index);
    uint8_t area[14], name[34];

    if (x == NULL || index == 0) {
        a->code = RC_HANDLE;
    } else if (cc == 0x169) {
        put_sized(a, area, index_area(x, area));
        put_sized(a, name, name_of(t, index, name));
    } else if (cc == 0x122) {
        x->index = 0;
    } else if (cc == 0x138) {
        x->attributes |= 0x800;
    } else if (cc == 0x134) {
        x->attributes |= 0x20000000;
        x->data[7]++;
    } else if (cc == 0x137) {
        struct in data = take_sized(&in);
        size_t at = take_uint(&in, 2);
        if ((x->attributes & 0x800) != 0) {
            a->code = 0x148;
        } else if (at + data.len > x->size) {
            a->code = 0x146;
        } else {
            memcpy(x->data + at, data.p, data.len);
            x->attributes |= 0x20000000;
        }
    } else {
        size_t n = take_uint(&in, 2), at = take_uint(&in, 2);
        if ((x->attributes & 0x20000000) == 0)
            a->code = 0x14a;
        else if (at + n > x->size)
            a->code = 0x146;
        else
            put_sized(a, x->data + at, n);
    }
}

/* ---- Commands --------------------------------------------------------------------------------- */

static void
put_signature(struct fake_answer *a)
{
    uint8_t r[32];

    memset(r, 0x11, sizeof(r));
    put_uint(a, 0x18, 2);
    put_uint(a, 0x0b, 2);
    put_sized(a, r, 32);
    put_sized(a, r + 1, 31); /* some TPMs leave a zero in front out */
}

static void
drop_object(struct fake_tpm *t, uint32_t handle)
{
    struct fake_object *o = fake_find_object(t, handle);

    if (o != NULL)
        o->handle = 0;
}

static void
dispatch(struct fake_tpm *t, uint32_t cc, const uint32_t handles[3], struct in in,
         struct fake_answer *a)
{
    uint8_t bytes[160];

    memset(bytes, 0x33, sizeof(bytes));
    switch (cc) {
    case 0x17a:
        capability(t, in, a);
        return;
    case 0x176:
        start_session(t, in, a);
        return;
    case 0x131:
    case 0x153:
        create(t, in, cc == 0x131, a);
        return;
    case 0x156:
        put_sized(a, bytes, 126);
        return;
    case 0x157:
    case 0x167:
        load(t, in, a);
        return;
    case 0x120:
        evict(t, handles[1], take_uint(&in, 4), a);
        return;
    case 0x173:
        read_public(t, handles[0], a);
        return;
    case 0x165:
        flush(t, in, a);
        return;
    case 0x12a:
        define(t, in, a);
        return;
    case 0x122:
    case 0x134:
    case 0x137:
    case 0x138:
    case 0x14e:
        use_index(t, cc, handles[1], in, a);
        return;
    case 0x169:
        use_index(t, cc, handles[0], in, a);
        return;
    case 0x17b:
        memset(bytes, ++t->counter, 32);
        put_sized(a, bytes, take_uint(&in, 2) % 33);
        return;
    case 0x15e: { /* what was sealed stands in the object that the fake made of it */
        const struct fake_object *o = fake_find_object(t, handles[0]);
        if (o != NULL && o->len > 34 && o->area[1] == 0x08)
            put_sized(a, o->sealed, o->sealed_len);
        return;
    }
    case 0x15d:
        put_signature(a);
        return;
    case 0x177:
        put_ticket(a, 0x8022);
        return;
    case 0x154: {
        struct in point = take_sized(&in), x = take_sized(&point), y = take_sized(&point);
        put_uint(a, (uint32_t)(4 + x.len + y.len), 2);
        put_sized(a, x.p, x.len);
        put_sized(a, y.p, y.len);
        return;
    }
    case 0x155:
    case 0x13e:
        put_sized(a, bytes, 32);
        if (cc == 0x13e) {
            put_ticket(a, 0x8024);
            drop_object(t, handles[0]);
        }
        return;
    case 0x15b:
        a->handle = new_object(t, bytes, 0);
        return;
    case 0x148:
        put_sized(a, bytes, 145);
        put_signature(a);
        return;
    case 0x147:
        put_sized(a, bytes, 32);
        return;
    case 0x151:
        put_sized(a, "", 0);
        put_ticket(a, 0x8023);
        return;
    case 0x143:
    case 0x144:
    case 0x15c:
    case 0x16c:
    case 0x171:
        return;
    default:
        a->code = RC_COMMAND;
    }
}

static unsigned
handles_of(uint32_t cc)
{
    switch (cc) {
    case 0x143:
    case 0x144:
    case 0x165:
    case 0x167:
    case 0x17a:
    case 0x17b:
        return 0;
    case 0x120:
    case 0x122:
    case 0x134:
    case 0x137:
    case 0x138:
    case 0x147:
    case 0x148:
    case 0x14e:
    case 0x151:
    case 0x176:
        return 2;
    default:
        return 1;
    }
}

static int
returns_handle(uint32_t cc)
{
    return cc == 0x131 || cc == 0x157 || cc == 0x167 || cc == 0x176 || cc == 0x15b;
}

/* ---- One exchange -------------------------------------------------------------------------------- */

struct used {
    struct fake_session *session; /* NULL: a password */
    uint8_t attributes;
    struct in hmac;
};

/* The sessions of a command; a session that is not there ends it. */
static uint32_t
take_sessions(struct fake_tpm *t, struct in *in, struct used used[3], size_t *ret_count)
{
    struct in area = {in->p + 4, 0};
    size_t n = 0;

    area.len = take_uint(in, 4);
    if (area.len > in->len)
        return 0x144;
    (void)take(in, area.len);
    for (; area.len > 0 && n < 3; n++) {
        uint32_t handle = take_uint(&area, 4);
        struct in nonce = take_sized(&area);

        used[n].attributes = (uint8_t)take_uint(&area, 1);
        used[n].hmac = take_sized(&area);
        used[n].session = handle == 0x40000009 ? NULL : find_session(t, handle);
        if (handle != 0x40000009 && used[n].session == NULL)
            return RC_REF_S0 + (uint32_t)n;
        if (used[n].session != NULL && nonce.len == 32)
            memcpy(used[n].session->nonce_caller, nonce.p, 32);
    }
    *ret_count = n;
    return 0;
}

static int
hmacs_hold(struct fake_tpm *t, uint32_t cc, const uint32_t *handles, unsigned handle_count,
           struct in params, const struct used *used, size_t count)
{
    static uint8_t text[FAKE_MAX + 200];
    uint8_t phash[32], want[32];
    size_t n = 4;

    store_u32(text, cc);
    for (unsigned i = 0; i < handle_count; i++)
        n += name_of(t, handles[i], text + n);
    memcpy(text + n, params.p, params.len);
    sha(t, text, n + params.len, phash);
    for (size_t i = 0; i < count; i++) {
        const struct fake_session *s = used[i].session;

        if (s == NULL || s->is_policy) {
            if (used[i].hmac.len != 0)
                return 0;
            continue;
        }
        mac(t, s->key, phash, s->nonce_caller, s->nonce_tpm, used[i].attributes, want);
        if (used[i].hmac.len != 32 || memcmp(used[i].hmac.p, want, 32) != 0)
            return 0;
    }
    return 1;
}

static size_t
protect(struct fake_tpm *t, uint32_t cc, struct fake_answer *a, const struct used *used,
        size_t count, uint8_t *rx)
{
    static uint8_t text[FAKE_MAX + 8];
    uint8_t phash[32];
    size_t n = 10, first = (size_t)a->params[0] << 8 | a->params[1];

    for (size_t i = 0; i < count; i++) {
        if (used[i].session != NULL)
            next_nonce(t, used[i].session->nonce_tpm);
        if (used[i].session != NULL && (used[i].attributes & 0x40) != 0 && a->len >= 2 &&
            first <= a->len - 2)
            cfb(t, used[i].session, 1, a->params + 2, first);
    }
    store_u32(text, 0);
    store_u32(text + 4, cc);
    memcpy(text + 8, a->params, a->len);
    sha(t, text, 8 + a->len, phash);
    if (returns_handle(cc)) {
        store_u32(rx + n, a->handle);
        n += 4;
    }
    store_u32(rx + n, (uint32_t)a->len);
    memcpy(rx + n + 4, a->params, a->len);
    n += 4 + a->len;
    for (size_t i = 0; i < count; i++) {
        struct fake_session *s = used[i].session;
        size_t hmac = s == NULL || s->is_policy ? 0 : 32;

        rx[n++] = 0;
        rx[n++] = s == NULL ? 0 : 32;
        if (s != NULL) {
            memcpy(rx + n, s->nonce_tpm, 32);
            n += 32;
        }
        rx[n++] = s == NULL ? 1 : used[i].attributes;
        rx[n++] = 0;
        rx[n++] = (uint8_t)hmac;
        if (hmac != 0)
            mac(t, s->key, phash, s->nonce_tpm, s->nonce_caller, used[i].attributes, rx + n);
        n += hmac;
        if (s != NULL && (used[i].attributes & 1) == 0)
            memset(s, 0, sizeof(*s));
    }
    return n;
}

static size_t
answer(struct fake_tpm *t, struct in in, uint8_t *rx)
{
    static struct fake_answer a;
    struct used used[3];
    uint32_t handles[3] = {0}, cc;
    size_t count = 0, n = 10;
    int sessions = in.len > 1 && in.p[1] == 0x02;

    memset(&a, 0, sizeof(a));
    (void)take(&in, 6);
    cc = take_uint(&in, 4);
    t->seen[cc & 0x1ff]++;
    for (unsigned i = 0; i < handles_of(cc); i++)
        handles[i] = take_uint(&in, 4);
    if (sessions)
        a.code = take_sessions(t, &in, used, &count);
    memcpy(t->bus, in.p, in.len);
    memcpy(t->plain, in.p, in.len);
    t->plain_len = in.len;
    if (a.code == 0 && !t->is_cheap &&
        !hmacs_hold(t, cc, handles, handles_of(cc), in, used, count)) {
        t->wrong_hmacs++;
        a.code = RC_AUTH;
    }
    for (size_t i = 0; i < count && a.code == 0; i++) {
        size_t first = (size_t)t->plain[0] << 8 | t->plain[1];
        if (used[i].session != NULL && (used[i].attributes & 0x20) != 0 && in.len >= 2 &&
            first <= in.len - 2)
            cfb(t, used[i].session, 0, t->plain + 2, first);
    }
    if (a.code == 0)
        dispatch(t, cc, handles, (struct in){t->plain, t->plain_len}, &a);
    if (t->lie != NULL)
        t->lie(t->arg, cc, &a);
    if (a.code == 0 && count != 0) {
        n = protect(t, cc, &a, used, count, rx);
    } else if (a.code == 0) {
        if (returns_handle(cc)) {
            store_u32(rx + n, a.handle);
            n += 4;
        }
        memcpy(rx + n, a.params, a.len);
        n += a.len;
    }
    rx[0] = 0x80;
    rx[1] = a.code == 0 && count != 0 ? 0x02 : 0x01;
    store_u32(rx + 2, (uint32_t)n);
    store_u32(rx + 6, a.code);
    return t->tamper != NULL ? t->tamper(t->arg, cc, rx, n, 2 * FAKE_MAX) : n;
}

static rot_err
exchange(void *self, const uint8_t *tx, size_t tx_len, uint8_t *rx, size_t cap, size_t *ret_len)
{
    static uint8_t out[2 * FAKE_MAX];
    struct fake_tpm *t = self;
    size_t n;

    t->commands++;
    if (tx_len < 10 || tx_len > FAKE_MAX)
        return ROT_E_BUS;
    n = answer(t, (struct in){tx, tx_len}, out);
    if (n > cap)
        return ROT_E_BUS;
    memcpy(rx, out, n);
    *ret_len = n;
    return ROT_OK;
}

static void
delay(void *self, uint32_t us)
{
    struct fake_tpm *t = self;

    (void)us;
    t->waits++;
}

static const struct rot_line_ops line = {.delay_us = delay};
static const struct rot_message_ops message = {.exchange = exchange};

void
fake_tpm_init(struct fake_tpm *t)
{
    /* TPMT_PUBLIC: RSA, SHA-256, attributes, policy, AES-128-CFB, no scheme, 2048, 65537. */
    static const uint8_t head[] = {0x00, 0x01, 0x00, 0x0b, 0x00, 0x03, 0x00, 0xb2, 0x00,
                                   0x00, 0x00, 0x06, 0x00, 0x80, 0x00, 0x43, 0x00, 0x10,
                                   0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00};
    struct fake_object *ek = &t->objects[0];
    struct fake_index *cert = &t->indices[0];

    memset(t, 0, sizeof(*t));
    t->transport.self = t;
    t->transport.line = &line;
    t->transport.message = &message;
    t->next_session = t->next_object = 1;
    ek->handle = 0x81010001;
    memcpy(ek->area, head, sizeof(head));
    memset(ek->area + sizeof(head), 0xc3, 256);
    ek->len = sizeof(head) + 256;
    cert->index = 0x01c00002;
    cert->attributes = 0x62072000;
    cert->size = 1020;
    memset(cert->data, 0xff, sizeof(cert->data));
    memcpy(cert->data, "\x30\x82\x02\x00", 4);
}
