/*
 * secrets.c: keys that derive, authenticate and encrypt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

static int
is_secret(const struct tested_object *o)
{
    return rot_alg_secret_size((enum rot_alg)o->cap.alg) != 0;
}

static void
settle(struct tested_object *o, enum rot_primitive p, int ok, enum outcome good)
{
    o->outcome[p] = ok ? good : IS_WRONG;
}

/* RFC 5869 2.3: the first block is a MAC over info and a counter of one. */
static int
expand_is_mac(struct suite *s, struct tested_object *o)
{
    static const uint8_t text[] = {'i', 'n', 'f', 'o', 1};
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_EXPAND, .info = {text, 4}, .out_len = 32};
    uint8_t a[64], b[64];
    size_t n = 0, m = 0;

    return GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, a, sizeof(a), &n), ROT_OK) &&
           GIVES(s, o->name, rot_mac(&s->chip, o->object, text, sizeof(text), b, sizeof(b), &m),
                 ROT_OK) &&
           CHECK(s, o->name, n == m && memcmp(a, b, n) == 0);
}

/* A function that the part has for this object; out_len 0: none. */
static struct rot_kdf_params
find_function(struct suite *s, const struct tested_object *o)
{
    static const uint8_t text[] = "info", label[] = "key block";
    const struct rot_kdf_params all[] = {
        {.kdf = ROT_KDF_HKDF_SHA256, .info = {text, 4}, .out_len = 32},
        {.kdf = ROT_KDF_HKDF_EXPAND, .info = {text, 4}, .out_len = 32},
        /* Some parts want 8 bytes and more of label and seed. */
        {.kdf = ROT_KDF_TLS12_PRF_SHA256, .label = {label, 9}, .info = {text, 4}, .out_len = 32},
    };
    uint8_t out[64];
    size_t n = 0, i = 0;

    while (i < 2 &&
           rot_derive(&s->chip, o->object, &all[i], 0, out, sizeof(out), &n) == ROT_E_UNSUPPORTED)
        i++;
    return all[i];
}

/* Deriving twice from one secret gives one value; another info another. */
static int
derive_inside(struct suite *s, struct tested_object *o)
{
    const struct rot_place *place = rot_layout_find(s->layout, o->object, ROT_PART_KEY);
    struct rot_kdf_params p = find_function(s, o);
    uint8_t a[64], b[64];
    size_t n = 0;
    int ok;

    if ((place->flags & ROT_PLACE_EXPORT) == 0)
        return GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, a, sizeof(a), &n),
                     ROT_E_UNSUPPORTED);
    ok = GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, a, 31, &n), ROT_E_SPACE);
    if (p.kdf == ROT_KDF_HKDF_EXPAND)
        ok &= expand_is_mac(s, o);
    ok &= GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, a, sizeof(a), &n), ROT_OK);
    ok &= GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, b, sizeof(b), &n), ROT_OK);
    ok &= CHECK(s, o->name, n == 32 && memcmp(a, b, n) == 0);
    p.info.len = 3;
    ok &= GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, b, sizeof(b), &n), ROT_OK);
    return ok && CHECK(s, o->name, memcmp(a, b, n) != 0);
}

static int
mac_inside(struct suite *s, struct tested_object *o)
{
    uint8_t msg[100] = {1}, a[64], b[64];
    size_t n = 0, m = 0;
    int ok;

    ok = GIVES(s, o->name, rot_mac(&s->chip, o->object, msg, sizeof(msg), a, 15, &n), ROT_E_SPACE);
    ok &= GIVES(s, o->name, rot_mac(&s->chip, o->object, msg, sizeof(msg), a, 64, &n), ROT_OK);
    ok &= GIVES(s, o->name, rot_mac(&s->chip, o->object, msg, sizeof(msg), b, 64, &m), ROT_OK);
    ok &= CHECK(s, o->name, n == m && n >= 16 && memcmp(a, b, n) == 0);
    msg[99] ^= 1;
    ok &= GIVES(s, o->name, rot_mac(&s->chip, o->object, msg, sizeof(msg), b, 64, &m), ROT_OK);
    return ok && CHECK(s, o->name, memcmp(a, b, n) != 0);
}

static int
box_inside(struct suite *s, struct tested_object *o, enum rot_aead alg, size_t nonce_len)
{
    uint8_t nonce[13] = {1}, aad[5] = {2}, text[33] = {3}, box[64], plain[64];
    struct rot_bytes n = {nonce, nonce_len}, a = {aad, 5}, t = {text, 33}, c;
    size_t len = 0, out = 0;
    rot_err rc = rot_aead_seal(&s->chip, o->object, alg, n, a, t, box, sizeof(box), &len);
    int ok;

    if (rc == ROT_E_UNSUPPORTED)
        return 1; /* a part may have one of the two modes */
    ok = CHECK(s, o->name, rc == ROT_OK && len == 49);
    c = (struct rot_bytes){box, len};
    ok = ok && GIVES(s, o->name, rot_aead_open(&s->chip, o->object, alg, n, a, c, plain, 64, &out),
                     ROT_OK);
    ok = ok && CHECK(s, o->name, out == 33 && memcmp(plain, text, 33) == 0);
    box[0] ^= 1;
    ok &= GIVES(s, o->name, rot_aead_open(&s->chip, o->object, alg, n, a, c, plain, 64, &out),
                ROT_E_MISMATCH);
    return ok;
}

static void
refuse(struct suite *s, struct tested_object *o)
{
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    uint8_t b[64] = {0};
    struct rot_bytes nonce = {b, 12}, none = {NULL, 0};
    size_t n = 0;
    int secret = is_secret(o);
    enum outcome no = secret ? IS_UNSUPPORTED : IS_NA;

    if (!suite_offers(o, ROT_CAN_DERIVE))
        settle(
            o, ROT_CAN_DERIVE,
            GIVES(s, o->name, rot_derive(&s->chip, o->object, &p, 0, b, 64, &n), ROT_E_UNSUPPORTED),
            no);
    if (!suite_offers(o, ROT_CAN_MAC))
        settle(o, ROT_CAN_MAC,
               GIVES(s, o->name, rot_mac(&s->chip, o->object, b, 4, b, 64, &n), ROT_E_UNSUPPORTED),
               no);
    if (!suite_offers(o, ROT_CAN_AEAD))
        settle(o, ROT_CAN_AEAD,
               GIVES(s, o->name,
                     rot_aead_seal(&s->chip, o->object, ROT_AEAD_AES_GCM, nonce, none, none, b, 64,
                                   &n),
                     ROT_E_UNSUPPORTED),
               no);
}

/* Agreed into it just now, or there before: made, or left by another object's test. */
static int
has_key(struct suite *s, struct tested_object *o)
{
    uint8_t b[64] = {0};
    size_t n = 0;

    if (suite_fill_session(s, o))
        return 1;
    if (suite_offers(o, ROT_CAN_MAC))
        return rot_mac(&s->chip, o->object, b, 4, b, sizeof(b), &n) == ROT_OK;
    return o->outcome[ROT_CAN_GENERATE] == IS_YES;
}

/* Some keys only come from the part's own tools: then nothing is shown. */
void
suite_run_secrets(struct suite *s, struct tested_object *o)
{
    enum outcome good;
    int there;

    refuse(s, o);
    there = is_secret(o) && has_key(s, o);
    good = there ? IS_YES : IS_FORM;
    if (suite_offers(o, ROT_CAN_DERIVE))
        settle(o, ROT_CAN_DERIVE, !there || derive_inside(s, o), good);
    if (suite_offers(o, ROT_CAN_MAC))
        settle(o, ROT_CAN_MAC, !there || mac_inside(s, o), good);
    if (suite_offers(o, ROT_CAN_AEAD))
        settle(o, ROT_CAN_AEAD,
               !there || (box_inside(s, o, ROT_AEAD_AES_GCM, 12) &&
                          box_inside(s, o, ROT_AEAD_AES_CCM, 13)),
               good);
}
