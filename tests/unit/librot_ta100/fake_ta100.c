/*
 * fake_ta100.c: see fake_ta100.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "fake_ta100.h"

#include <stdlib.h>
#include <string.h>

#define OK      0x00
#define LENGTH  0x02
#define OPCODE  0x03
#define MODE    0x04
#define ELEMENT 0x05
#define EXISTS  0x06
#define DENIED  0x07
#define LOCKED  0x08
#define RANGE   0x09
#define FULL    0x0a
#define EMPTY   0x0b
#define KEY     0x0c
#define TAG     0x0d
#define END     0x0e
#define INSIDE  0x0f

/* A command as its packet has it, past the CRC. */
struct said {
    unsigned op, mode, handle;
    const uint8_t *p;
    size_t len;
};

static unsigned
u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void
put_u16(struct fake_answer *a, unsigned v)
{
    a->data[a->len++] = (uint8_t)(v >> 8);
    a->data[a->len++] = (uint8_t)v;
}

static void
put(struct fake_answer *a, const void *p, size_t len)
{
    memcpy(a->data + a->len, p, len);
    a->len += len;
}

/* ---- Elements --------------------------------------------------------------------------- */

struct fake_element *
fake_find(struct fake_ta100 *f, unsigned handle)
{
    for (size_t i = 0; i < FAKE_ELEMENTS; i++) {
        if (f->elements[i].handle == handle)
            return &f->elements[i];
    }
    return NULL;
}

static int
is_private(const struct fake_element *e)
{
    return e->attributes[0] == 0x01;
}

static int
is_data(const struct fake_element *e)
{
    return e->attributes[0] == 0x03;
}

static unsigned
property(const struct fake_element *e)
{
    return u16(e->attributes + 1);
}

/* Permission for use (0), write (1), read (2), delete (3). */
static int
may(const struct fake_element *e, unsigned what)
{
    return (e->attributes[6] >> (2 * what) & 3u) == 1u;
}

static int
size_of(const uint8_t a[8])
{
    switch (a[0]) {
    case 0x00:
        return 64;
    case 0x01:
    case 0x42:
        return 32;
    case 0x62:
        return 16;
    case 0x03:
        return (int)u16(a + 1);
    default:
        return -1;
    }
}

static unsigned
bytes_used(const struct fake_ta100 *f)
{
    unsigned n = 0;

    for (size_t i = 0; i < FAKE_ELEMENTS; i++)
        n += f->elements[i].handle != 0 ? f->elements[i].size : 0u;
    return n;
}

struct fake_element *
fake_create(struct fake_ta100 *f, unsigned handle, const uint8_t attributes[8])
{
    struct fake_element *e = fake_find(f, 0);

    if (e == NULL)
        abort();
    memset(e, 0, sizeof(*e));
    e->handle = (uint16_t)handle;
    memcpy(e->attributes, attributes, 8);
    e->size = (uint16_t)size_of(attributes);
    e->has_content = is_data(e) ? 1 : 0;
    return e;
}

static unsigned
create(struct fake_ta100 *f, const struct said *c)
{
    int size;

    if (c->mode != 0)
        return MODE;
    if (c->len != 8)
        return LENGTH;
    if (c->handle < 0x8000 || c->handle > 0x81ff)
        return ELEMENT;
    if ((f->locks & 2) != 0)
        return LOCKED;
    if (fake_find(f, c->handle) != NULL)
        return EXISTS;
    size = size_of(c->p);
    if (size <= 0 || size > 1200)
        return RANGE;
    if (fake_find(f, 0) == NULL || bytes_used(f) + (unsigned)size > FAKE_BYTES)
        return FULL;
    (void)fake_create(f, c->handle, c->p);
    return OK;
}

static unsigned
write_config(struct fake_ta100 *f, size_t offset, const uint8_t *p, size_t len)
{
    if ((f->locks & 1) != 0)
        return LOCKED;
    if (offset < 16 || offset + len > sizeof(f->config))
        return RANGE;
    memcpy(f->config + offset, p, len);
    return OK;
}

static unsigned
write_element(struct fake_ta100 *f, const struct said *c)
{
    struct fake_element *e = fake_find(f, c->handle);
    size_t offset, len = c->len - 2;

    if (c->mode != 0)
        return MODE;
    if (c->len < 3)
        return LENGTH;
    offset = u16(c->p);
    if (c->handle == 0x4020)
        return write_config(f, offset, c->p + 2, len);
    if (e == NULL || c->handle == 0)
        return ELEMENT;
    if (e->is_locked)
        return LOCKED;
    if (!may(e, 1))
        return DENIED;
    if (offset + len > e->size || (!is_data(e) && (offset != 0 || len != e->size)))
        return RANGE;
    if (++f->writes == f->tear_at && is_data(e)) {
        memcpy(e->content + offset, c->p + 2, len / 2);
        f->is_cut = 1;
        return INSIDE;
    }
    memcpy(e->content + offset, c->p + 2, len);
    e->has_content = 1;
    return OK;
}

static unsigned
read_element(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct fake_element *e = fake_find(f, c->handle);
    unsigned offset, len;

    if (c->mode != 0)
        return MODE;
    if (c->len != 4)
        return LENGTH;
    offset = u16(c->p);
    len = u16(c->p + 2);
    if (len == 0 || len > FAKE_MAX - 5)
        return RANGE;
    if (c->handle == 0x4020) {
        if (offset + len > sizeof(f->config))
            return RANGE;
        put(a, f->config + offset, len);
        return OK;
    }
    if (e == NULL || c->handle == 0)
        return ELEMENT;
    if (is_private(e) || (e->attributes[7] & 8) != 0 || !may(e, 2))
        return DENIED;
    if (!e->has_content)
        return EMPTY;
    if (offset + len > e->size)
        return RANGE;
    put(a, e->content + offset, len);
    return OK;
}

/* ---- The part -------------------------------------------------------------------------------- */

static unsigned
info(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct fake_element *e = fake_find(f, c->handle);
    unsigned used = 0;

    if (c->len != 0)
        return LENGTH;
    if (c->mode == 0) {
        for (size_t i = 0; i < FAKE_ELEMENTS; i++)
            used += f->elements[i].handle != 0;
        put(a, f->marker != NULL ? f->marker : "SIM-TA100-PLACEHOLDER", 21);
        put(a, "\x01", 1);
        put(a, f->config, 8);
        put(a, "\0\0\x60\x01", 4);
        put(a, &f->locks, 1);
        put_u16(a, FAKE_BYTES - bytes_used(f));
        a->data[a->len++] = (uint8_t)(FAKE_ELEMENTS - used);
        return OK;
    }
    if (c->mode != 2)
        return MODE;
    if (e == NULL || c->handle == 0)
        return ELEMENT;
    put(a, e->attributes, 8);
    a->data[a->len++] = (uint8_t)(e->has_content | e->is_locked << 1);
    put_u16(a, e->size);
    return OK;
}

static void
clear_registers(struct fake_ta100 *f)
{
    memset(f->registers, 0, sizeof(f->registers));
}

static unsigned
power(struct fake_ta100 *f, const struct said *c)
{
    if (c->mode > 1)
        return MODE;
    clear_registers(f);
    f->will_sleep = c->mode == 1;
    return OK;
}

static unsigned
lock(struct fake_ta100 *f, const struct said *c)
{
    struct fake_element *e = fake_find(f, c->handle);

    if (c->mode > 2)
        return MODE;
    if (c->mode < 2) {
        if ((f->locks >> c->mode & 1) != 0)
            return LOCKED;
        f->locks |= (uint8_t)(1u << c->mode);
        return OK;
    }
    if (e == NULL || c->handle == 0)
        return ELEMENT;
    if (e->is_locked)
        return LOCKED;
    if (!e->has_content)
        return EMPTY;
    if (!is_private(e) && (e->attributes[7] & 0x0c) == 0)
        return DENIED;
    e->is_locked = 1;
    return OK;
}

static unsigned
count(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    uint32_t *v = &f->counters[c->handle & 1];

    if (c->handle != 0x4010 && c->handle != 0x4011)
        return ELEMENT;
    if (c->mode > 1)
        return MODE;
    if (c->mode == 1 && *v == UINT32_MAX)
        return END;
    *v += c->mode;
    put_u16(a, *v >> 16);
    put_u16(a, *v & 0xffffu);
    return OK;
}

static unsigned
random_bytes(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    unsigned n;

    if (c->len != 2)
        return LENGTH;
    n = u16(c->p);
    if (n == 0 || n > 512)
        return RANGE;
    a->len = n;
    return f->port->ops->random(f->port->self, a->data, n) == ROT_OK ? OK : INSIDE;
}

/* ---- Keys -------------------------------------------------------------------------------------- */

static struct fake_register *
find_register(struct fake_ta100 *f, unsigned handle)
{
    return handle >= 0x4000 && handle <= 0x4003 ? &f->registers[handle - 0x4000] : NULL;
}

static unsigned
find_pair(struct fake_ta100 *f, unsigned handle, unsigned right, struct fake_element **ret_pair)
{
    struct fake_element *e = fake_find(f, handle);

    if (e == NULL || handle == 0 || !is_private(e))
        return ELEMENT;
    *ret_pair = e;
    if ((property(e) & right) != right || !may(e, 0))
        return DENIED;
    return e->has_content ? OK : EMPTY;
}

static unsigned
generate(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct fake_element *e = NULL;
    unsigned rc;

    if (c->mode > 1)
        return MODE;
    if (c->mode == 1) {
        rc = find_pair(f, c->handle, 0, &e);
        if (rc == OK)
            put(a, e->point, 64);
        return rc;
    }
    rc = find_pair(f, c->handle, 0x1000, &e);
    if (rc != OK && rc != EMPTY)
        return rc;
    if (e->is_locked)
        return LOCKED;
    if (f->port->ops->ec_generate(f->port->self, ROT_ALG_P256, e->content, e->point) != ROT_OK)
        return INSIDE;
    e->has_content = 1;
    put(a, e->point, 64);
    return OK;
}

static unsigned
sign_inside(struct fake_ta100 *f, const struct said *c, const struct fake_element *by,
            struct fake_answer *a)
{
    const struct fake_element *t;
    uint8_t head[2 + 8 + 1], digest[32];
    struct rot_bytes parts[] = {{(const uint8_t *)"SIM-TA100-PLACEHOLDER\x01", 22},
                                {f->config, 8},
                                {head, sizeof(head)},
                                {NULL, 0},
                                {NULL, 32}};

    if (c->len != 34)
        return LENGTH;
    t = fake_find(f, u16(c->p));
    if (t == NULL || u16(c->p) == 0)
        return ELEMENT;
    if (!t->has_content)
        return EMPTY;
    memcpy(head, c->p, 2);
    memcpy(head + 2, t->attributes, 8);
    head[10] = (uint8_t)(t->has_content | t->is_locked << 1);
    parts[3] =
        is_private(t) ? (struct rot_bytes){t->point, 64} : (struct rot_bytes){t->content, t->size};
    parts[4].p = c->p + 2;
    a->len = 64;
    return f->port->ops->hash(f->port->self, ROT_HASH_SHA256, parts, 5, digest) == ROT_OK &&
                   f->port->ops->ec_sign(f->port->self, ROT_ALG_P256, by->content, digest, 32,
                                         a->data) == ROT_OK
               ? OK
               : INSIDE;
}

static unsigned
sign(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct fake_element *e = NULL;
    unsigned rc;

    if (c->mode > 1)
        return MODE;
    rc = find_pair(f, c->handle, c->mode == 0 ? 0x0100 : 0x0200, &e);
    if (rc != OK)
        return rc;
    if (c->mode == 1)
        return sign_inside(f, c, e, a);
    if (c->len != 32)
        return LENGTH;
    a->len = 64;
    return f->port->ops->ec_sign(f->port->self, ROT_ALG_P256, e->content, c->p, 32, a->data) ==
                   ROT_OK
               ? OK
               : INSIDE;
}

static unsigned
verify(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct fake_element *e = fake_find(f, c->handle);
    rot_err rc;

    if (c->mode > 1)
        return MODE;
    if (c->len != (c->mode == 0 ? 160u : 96u))
        return LENGTH;
    if (c->mode == 1 && (e == NULL || c->handle == 0 || e->attributes[0] != 0))
        return ELEMENT;
    if (c->mode == 1 && !e->has_content)
        return EMPTY;
    rc = f->port->ops->ec_verify(f->port->self, ROT_ALG_P256, c->mode == 0 ? c->p + 96 : e->content,
                                 c->p, 32, c->p + 32);
    if (rc != ROT_OK && rc != ROT_E_MISMATCH)
        return KEY;
    a->data[a->len++] = rc == ROT_OK;
    return OK;
}

static unsigned
agree(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct fake_register *to = NULL;
    struct fake_element *e = NULL;
    uint8_t secret[32];
    unsigned rc;

    if (c->mode > 1)
        return MODE;
    if (c->len != (c->mode == 0 ? 64u : 66u))
        return LENGTH;
    rc = find_pair(f, c->handle, c->mode == 0 ? 0x2400 : 0x0400, &e);
    if (rc != OK)
        return rc;
    if (c->mode == 1) {
        to = find_register(f, u16(c->p + 64));
        if (to == NULL)
            return ELEMENT;
    }
    if (f->port->ops->ecdh(f->port->self, ROT_ALG_P256, e->content, c->p, secret) != ROT_OK)
        return KEY;
    if (to == NULL)
        put(a, secret, 32);
    else
        *to = (struct fake_register){.what = 1, .len = 32};
    if (to != NULL)
        memcpy(to->bytes, secret, 32);
    return OK;
}

/* ---- Secrets ------------------------------------------------------------------------------------ */

/* aes: a key for CMAC and GCM; otherwise one for HMAC and derivation. */
static unsigned
find_secret(struct fake_ta100 *f, unsigned handle, int aes, struct rot_bytes *ret_secret)
{
    struct fake_register *r = find_register(f, handle);
    struct fake_element *e = fake_find(f, handle);

    if (r != NULL) {
        if (r->what != 1)
            return EMPTY;
        if (aes && r->len != 16 && r->len != 32)
            return ELEMENT;
        *ret_secret = (struct rot_bytes){r->bytes, r->len};
        return OK;
    }
    if (e == NULL || handle == 0 || e->attributes[0] != (aes ? 0x62 : 0x42))
        return ELEMENT;
    *ret_secret = (struct rot_bytes){e->content, e->size};
    return e->has_content ? OK : EMPTY;
}

/* A field with its length in front; 0 when it does not fit. */
static int
take_field(struct said *c, struct rot_bytes *ret_field)
{
    size_t n;

    if (c->len < 2)
        return 0;
    n = u16(c->p);
    if (n > c->len - 2)
        return 0;
    *ret_field = (struct rot_bytes){c->p + 2, n};
    c->p += 2 + n;
    c->len -= 2 + n;
    return 1;
}

static unsigned
derive(struct fake_ta100 *f, struct said *c, struct fake_answer *a)
{
    static const enum rot_kdf kdfs[] = {ROT_KDF_HKDF_SHA256, ROT_KDF_TLS12_PRF_SHA256, 0,
                                        ROT_KDF_SINGLE_STEP};
    struct rot_bytes secret = {NULL, 0}, first, second;
    struct rot_kdf_params p = {.out_len = 0};
    struct fake_register *to = NULL;
    unsigned rc, target;
    uint8_t out[64];

    if (c->mode > 3 || c->mode == 2)
        return MODE;
    if (c->len < 8)
        return LENGTH;
    target = u16(c->p);
    p.kdf = kdfs[c->mode];
    p.out_len = u16(c->p + 2);
    c->p += 4;
    c->len -= 4;
    if (!take_field(c, &first) || !take_field(c, &second) || c->len != 0)
        return LENGTH;
    if (p.out_len == 0 || p.out_len > 64 || first.len > 256 || second.len > 256)
        return RANGE;
    rc = find_secret(f, c->handle, 0, &secret);
    if (rc != OK)
        return rc;
    to = find_register(f, target);
    if (to == NULL && (target != 0 || find_register(f, c->handle) == NULL))
        return ELEMENT;
    p.salt = c->mode == 0 ? first : (struct rot_bytes){NULL, 0};
    p.label = c->mode == 1 ? first : (struct rot_bytes){NULL, 0};
    p.info = c->mode == 3 ? first : second;
    if (f->port->ops->kdf(f->port->self, secret, &p, out) != ROT_OK)
        return INSIDE;
    if (to == NULL) {
        put(a, out, p.out_len);
        return OK;
    }
    *to = (struct fake_register){.what = 1, .len = (uint8_t)p.out_len};
    memcpy(to->bytes, out, p.out_len);
    return OK;
}

static unsigned
mac(struct fake_ta100 *f, const struct said *c, struct fake_answer *a)
{
    struct rot_bytes secret = {NULL, 0}, msg = {c->p, c->len};
    unsigned rc;
    rot_err done;

    if (c->mode > 1)
        return MODE;
    rc = find_secret(f, c->handle, c->mode == 1, &secret);
    if (rc != OK)
        return rc;
    a->len = c->mode == 0 ? 32 : 16;
    done = c->mode == 0
               ? f->port->ops->hmac(f->port->self, ROT_HASH_SHA256, secret, &msg, 1, a->data)
               : f->port->ops->aes_cmac(f->port->self, secret, &msg, 1, a->data);
    return done == ROT_OK ? OK : INSIDE;
}

static unsigned
gcm(struct fake_ta100 *f, struct said *c, struct fake_answer *a)
{
    struct rot_bytes secret = {NULL, 0}, nonce, aad;
    unsigned rc;

    if (c->mode > 1)
        return MODE;
    if (c->len < 14)
        return LENGTH;
    nonce = (struct rot_bytes){c->p, 12};
    c->p += 12;
    c->len -= 12;
    if (!take_field(c, &aad) || (c->mode == 1 && c->len < 16))
        return LENGTH;
    rc = find_secret(f, c->handle, 1, &secret);
    if (rc != OK)
        return rc;
    a->len = c->mode == 0 ? c->len + 16 : c->len - 16;
    return f->port->ops->aead(f->port->self, ROT_AEAD_AES_GCM, secret, nonce, aad, c->mode == 0,
                              (struct rot_bytes){c->p, c->len}, a->data) == ROT_OK
               ? OK
               : TAG;
}

/* ---- Packets --------------------------------------------------------------------------------------- */

static unsigned
run(struct fake_ta100 *f, struct said *c, struct fake_answer *a)
{
    if (f->failing == c->op && f->failing_with != 0) {
        unsigned rc = f->failing_with;

        f->failing_with = 0;
        return rc;
    }
    switch (c->op) {
    case 0x01:
        return info(f, c, a);
    case 0x02:
        a->data[a->len++] = f->test_result;
        return OK;
    case 0x03:
        return random_bytes(f, c, a);
    case 0x04:
        return power(f, c);
    case 0x05:
        return lock(f, c);
    case 0x06:
        return count(f, c, a);
    case 0x10:
        return create(f, c);
    case 0x12:
        return write_element(f, c);
    case 0x13:
        return read_element(f, c, a);
    case 0x20:
        return generate(f, c, a);
    case 0x21:
        return sign(f, c, a);
    case 0x22:
        return verify(f, c, a);
    case 0x23:
        return agree(f, c, a);
    case 0x30:
        return derive(f, c, a);
    case 0x31:
        return mac(f, c, a);
    case 0x32:
        return gcm(f, c, a);
    default:
        return OPCODE;
    }
}

/* The bits one by one, unlike the driver. */
static unsigned
crc(const uint8_t *p, size_t len)
{
    unsigned v = 0xffff;

    for (size_t i = 0; i < 8 * len; i++) {
        unsigned bit = (unsigned)p[i / 8] >> (7 - i % 8) & 1u;

        v = (v << 1 & 0xffffu) ^ ((v >> 15 & 1u) != bit ? 0x1021u : 0);
    }
    return v;
}

static void
answer(struct fake_ta100 *f, struct fake_answer *a)
{
    size_t n = 5 + (a->status == 0 ? a->len : 0);
    uint8_t *p = f->answer;
    unsigned v;

    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
    p[2] = a->status;
    memcpy(p + 3, a->data, n - 5);
    v = crc(p, n - 2);
    p[n - 2] = (uint8_t)(v >> 8);
    p[n - 1] = (uint8_t)v;
    f->answer_len = n;
    f->answer_at = 0;
    f->left = f->busy;
}

static void
take_command(struct fake_ta100 *f, const uint8_t *p, size_t len)
{
    static struct fake_answer a;
    struct said c = {0};

    a.status = OK;
    a.len = 0;
    f->commands++;
    if (len < 8 || u16(p) != len) {
        a.status = LENGTH;
    } else if (crc(p, len - 2) != u16(p + len - 2) || f->bad_crcs != 0) {
        f->bad_crcs -= f->bad_crcs != 0;
        a.status = 0x01;
    } else {
        c = (struct said){p[2], p[3], u16(p + 4), p + 6, len - 8};
        f->seen[c.op]++;
        a.status = (uint8_t)run(f, &c, &a);
    }
    if (f->lie != NULL)
        f->lie(f->arg, p, len, &a);
    answer(f, &a);
    if (f->commands == f->brownout) {
        fake_ta100_power(f);
        f->is_asleep = 1;
    }
}

/* ---- The bus ---------------------------------------------------------------------------------------- */

void
fake_ta100_power(struct fake_ta100 *f)
{
    f->is_cut = f->is_asleep = f->will_sleep = 0;
    f->cut_at = f->tear_at = 0;
    f->answer_len = f->left = 0;
    f->chosen = 0;
    f->address = f->config[16] >> 1;
    clear_registers(f);
}

/* Count a transfer; 1 when power fails before it. */
static int
is_gone(struct fake_ta100 *f)
{
    f->transfers++;
    if (f->transfers == f->cut_at && !f->cut_after)
        f->is_cut = 1;
    return f->is_cut;
}

static rot_err
transferred(struct fake_ta100 *f, rot_err rc)
{
    if (f->transfers == f->cut_at && f->cut_after)
        f->is_cut = 1;
    return f->is_cut ? ROT_E_BUS : rc;
}

/* Awake; otherwise this transaction wakes it. */
static int
is_there(struct fake_ta100 *f, uint8_t address)
{
    if (f->is_deaf || address != f->address)
        return 0;
    if (f->is_asleep) {
        f->is_asleep = 0;
        return 0;
    }
    return 1;
}

static rot_err
bus_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct fake_ta100 *f = self;

    if (is_gone(f))
        return ROT_E_BUS;
    if (!is_there(f, address) || len == 0)
        return ROT_BUSY;
    if (f->nak != 0) {
        f->nak--;
        return ROT_BUSY;
    }
    if (tx[0] == 0x30 && len == 1) {
        f->chosen = 0x30;
        return transferred(f, ROT_OK);
    }
    if (f->left != 0)
        return ROT_BUSY;
    if (tx[0] == 0x20 && len == 1) {
        f->chosen = 0x20;
        f->answer_at = 0;
        return transferred(f, ROT_OK);
    }
    if (tx[0] != 0x10 || len - 1 > FAKE_MAX)
        return f->takes_all ? ROT_OK : ROT_BUSY;
    memcpy(f->heard, tx, len);
    f->heard_len = len;
    take_command(f, tx + 1, len - 1);
    return transferred(f, ROT_OK);
}

static uint8_t
status_byte(struct fake_ta100 *f)
{
    f->polls++;
    if (f->status_byte != 0)
        return f->status_byte;
    if (f->left != 0) {
        f->left--;
        return 0x02;
    }
    return f->answer_len != 0 ? 0x01 : 0x00;
}

static rot_err
bus_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct fake_ta100 *f = self;
    static uint8_t copy[sizeof(f->answer)];
    size_t n;

    if (is_gone(f))
        return ROT_E_BUS;
    if (!is_there(f, address) || f->chosen == 0)
        return ROT_BUSY;
    if (f->chosen == 0x30) {
        memset(rx, status_byte(f), len);
        return transferred(f, ROT_OK);
    }
    if (f->answer_len == 0)
        return ROT_BUSY;
    memcpy(copy, f->answer, f->answer_len);
    n = f->tamper != NULL ? f->tamper(f->arg, copy, f->answer_len) : f->answer_len;
    for (size_t i = 0; i < len; i++, f->answer_at++)
        rx[i] = f->answer_at < n ? copy[f->answer_at] : 0xff;
    if (f->will_sleep && f->answer_at >= n) {
        f->will_sleep = 0;
        f->is_asleep = 1;
        f->answer_len = 0;
    }
    return transferred(f, ROT_OK);
}

static void
delay_us(void *self, uint32_t us)
{
    struct fake_ta100 *f = self;

    f->waits_us += us;
}

static const struct rot_line_ops line = {.delay_us = delay_us};
static const struct rot_i2c_ops i2c = {.write = bus_write, .read = bus_read};

void
fake_ta100_init(struct fake_ta100 *f, const struct rot_port *port)
{
    static const uint8_t serial[8] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    memset(f, 0, sizeof(*f));
    f->port = port;
    memcpy(f->config, serial, sizeof(serial));
    f->config[16] = 0x2e;
    fake_ta100_power(f);
    f->transport = (struct rot_transport){.self = f, .line = &line, .i2c = &i2c, .simulated = 1};
}
