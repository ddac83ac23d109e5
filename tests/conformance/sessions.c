/*
 * sessions.c: what a protocol does with a chip: agree into a session, derive another one from
 * it, use that.  The host has the same secret, and must get the same at each step.
 *
 * A part may take some ways of many.  What it takes must be right, and one whole way is printed:
 *
 *   session: ldevid/0 -> session/0 -> session/1, tls12-prf of 48 bytes, used by derive mac
 *
 * "used" counts what the chip did itself with what never left it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

#define SECRET_MAX 64

struct way {
    struct tested_object *pair, *from, *to;
    struct rot_kdf_params params;
    unsigned used; /* bits 1 << primitive */
};

static const uint8_t text[] = "what both sides say", label[] = "conformance";

static enum rot_alg
alg_of(const struct tested_object *o)
{
    return (enum rot_alg)o->cap.alg;
}

static int
is_session(const struct tested_object *o)
{
    return ROT_OBJECT_KIND(o->object) == ROT_KIND_SESSION && rot_alg_secret_size(alg_of(o)) != 0;
}

/* ---- Agreeing -------------------------------------------------------------------------- */

/* Both sides' secret; *ret_len stays 0 when the part does not agree into this object. */
static int
agree(struct suite *s, const struct tested_object *pair, const struct tested_object *into,
      uint8_t secret[SECRET_MAX], size_t *ret_len)
{
    const struct rot_port *port = s->lin.setup.port;
    uint8_t priv[48], point[96], peer[128], part[96];
    enum rot_alg alg = alg_of(pair);
    size_t peer_len = 0;
    rot_err rc;

    *ret_len = 0;
    if (!CHECK(s, pair->name,
               port->ops->ec_generate(port->self, alg, priv, point) == ROT_OK &&
                   rot_spki_from_point(alg, point, peer, sizeof(peer), &peer_len) == ROT_OK &&
                   rot_spki_to_point(pair->pub, pair->pub_len, part, &alg) == ROT_OK &&
                   port->ops->ecdh(port->self, alg, priv, part, secret) == ROT_OK))
        return 0;
    rc = rot_agree(&s->chip, pair->object, peer, peer_len, into->object, NULL, 0, NULL);
    if (rc == ROT_OK)
        *ret_len = alg == ROT_ALG_X25519 ? 32 : rot_alg_point_size(alg) / 2;
    return rc == ROT_E_UNSUPPORTED || GIVES(s, into->name, rc, ROT_OK);
}

/* ---- Using ------------------------------------------------------------------------------- */

static int
macs_as(struct suite *s, const struct tested_object *o, struct rot_bytes key, int *ret_done)
{
    const struct rot_port *port = s->lin.setup.port;
    const struct rot_bytes msg = {text, sizeof(text)};
    uint8_t want[64], got[64];
    size_t n = 0;
    rot_err rc = rot_mac(&s->chip, o->object, msg.p, msg.len, got, sizeof(got), &n), host;

    *ret_done = rc == ROT_OK;
    if (rc == ROT_E_UNSUPPORTED) /* a part may take keys of some lengths */
        return 1;
    host = alg_of(o) == ROT_ALG_HMAC_SHA256
               ? port->ops->hmac(port->self, ROT_HASH_SHA256, key, &msg, 1, want)
               : port->ops->aes_cmac(port->self, key, &msg, 1, want);
    return GIVES(s, o->name, rc, ROT_OK) &&
           CHECK(s, o->name, host == ROT_OK && n >= 16 && memcmp(want, got, n) == 0);
}

static int
derives_as(struct suite *s, const struct tested_object *o, struct rot_bytes key, int *ret_done)
{
    static const enum rot_kdf kdfs[] = {ROT_KDF_HKDF_SHA256, ROT_KDF_HKDF_EXPAND,
                                        ROT_KDF_TLS12_PRF_SHA256};
    const struct rot_port *port = s->lin.setup.port;
    const struct rot_place *place = rot_layout_find(s->layout, o->object, ROT_PART_KEY);
    uint8_t want[SECRET_MAX], got[SECRET_MAX];
    size_t n = 0;
    int ok = 1;

    *ret_done = 0;
    for (size_t i = 0; (place->flags & ROT_PLACE_EXPORT) != 0 && i < 3; i++) {
        struct rot_kdf_params p = {.kdf = kdfs[i], .info = {text, sizeof(text)}, .out_len = 32};
        rot_err rc;

        if (kdfs[i] == ROT_KDF_TLS12_PRF_SHA256)
            p.label = (struct rot_bytes){label, sizeof(label) - 1};
        rc = rot_derive(&s->chip, o->object, &p, 0, got, sizeof(got), &n);
        if (rc == ROT_E_UNSUPPORTED)
            continue;
        *ret_done = 1;
        ok &= GIVES(s, o->name, rc, ROT_OK) &&
              CHECK(s, o->name,
                    port->ops->kdf(port->self, key, &p, want) == ROT_OK && n == p.out_len &&
                        memcmp(want, got, n) == 0);
    }
    return ok;
}

static int
seals_as(struct suite *s, const struct tested_object *o, struct rot_bytes key, int *ret_done)
{
    const struct rot_port *port = s->lin.setup.port;
    const struct rot_bytes nonce = {label, 12}, aad = {label, 5}, plain = {text, sizeof(text)};
    uint8_t want[64], got[64];
    size_t n = 0;
    rot_err rc = rot_aead_seal(&s->chip, o->object, ROT_AEAD_AES_GCM, nonce, aad, plain, got,
                               sizeof(got), &n);

    *ret_done = rc == ROT_OK;
    if (rc == ROT_E_UNSUPPORTED)
        return 1;
    return GIVES(s, o->name, rc, ROT_OK) &&
           CHECK(s, o->name,
                 port->ops->aead(port->self, ROT_AEAD_AES_GCM, key, nonce, aad, 1, plain, want) ==
                         ROT_OK &&
                     n == plain.len + 16 && memcmp(want, got, n) == 0);
}

/* Everything that the object offers, with this key in it; adds what the chip did itself. */
static int
is_used_as(struct suite *s, const struct tested_object *o, struct rot_bytes key, unsigned *used)
{
    static const struct {
        enum rot_primitive primitive;
        int (*run)(struct suite *s, const struct tested_object *o, struct rot_bytes key,
                   int *ret_done);
    } uses[] = {{ROT_CAN_DERIVE, derives_as}, {ROT_CAN_MAC, macs_as}, {ROT_CAN_AEAD, seals_as}};
    int ok = 1;

    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
        int done = 0;

        if (!suite_offers(o, uses[i].primitive))
            continue;
        ok &= uses[i].run(s, o, key, &done);
        if (done && o->cap.where[uses[i].primitive] == ROT_IN_CHIP)
            *used |= 1u << uses[i].primitive;
    }
    return ok;
}

/* ---- Ways ---------------------------------------------------------------------------------- */

static const char *
kdf_name(enum rot_kdf kdf)
{
    return kdf == ROT_KDF_HKDF_SHA256 ? "hkdf" : "tls12-prf";
}

static void
print_way(const struct way *w)
{
    printf("session: %s -> %s -> %s, %s of %zu bytes, used by", w->pair->name, w->from->name,
           w->to->name, kdf_name(w->params.kdf), w->params.out_len);
    for (unsigned p = 0; p < ROT_PRIMITIVES; p++) {
        if ((w->used & 1u << p) != 0)
            printf(" %s", suite_primitive_names[p]);
    }
    printf("\n");
}

/* Agree, derive into another object, use that.  1: as the host has it, or not taken. */
static int
go(struct suite *s, struct way *w)
{
    const struct rot_port *port = s->lin.setup.port;
    uint8_t secret[SECRET_MAX], key[SECRET_MAX];
    size_t len = 0;
    rot_err rc;

    if (!agree(s, w->pair, w->from, secret, &len) || len == 0)
        return len == 0;
    rc = rot_derive(&s->chip, w->from->object, &w->params, w->to->object, NULL, 0, NULL);
    if (rc == ROT_E_UNSUPPORTED || (rc == ROT_E_ARG && w->to == w->from))
        return 1;
    return GIVES(s, w->to->name, rc, ROT_OK) &&
           CHECK(s, w->to->name,
                 port->ops->kdf(port->self, (struct rot_bytes){secret, len}, &w->params, key) ==
                     ROT_OK) &&
           is_used_as(s, w->to, (struct rot_bytes){key, w->params.out_len}, &w->used);
}

static unsigned
count_bits(unsigned v)
{
    unsigned n = 0;

    for (; v != 0; v >>= 1)
        n += v & 1u;
    return n;
}

/* Each function and length from one session into another; the way of most uses is remembered. */
static void
go_between(struct suite *s, struct way w, struct way *best)
{
    size_t size = rot_alg_secret_size(alg_of(w.to));
    const struct rot_kdf_params all[] = {
        {.kdf = ROT_KDF_HKDF_SHA256, .info = {text, 9}, .out_len = size},
        {.kdf = ROT_KDF_TLS12_PRF_SHA256, .label = {label, 11}, .info = {text, 9}, .out_len = size},
        {.kdf = ROT_KDF_TLS12_PRF_SHA256, .label = {label, 11}, .info = {text, 9}, .out_len = 48},
    };
    size_t count = alg_of(w.to) == ROT_ALG_HMAC_SHA256 ? 3 : 2;

    for (size_t i = 0; i < count; i++) {
        w.params = all[i];
        w.used = 0;
        (void)CHECK(s, w.to->name, go(s, &w));
        if (w.from->cap.where[ROT_CAN_DERIVE] == ROT_IN_CHIP &&
            count_bits(w.used) > count_bits(best->used))
            *best = w;
    }
}

/* An agreed secret in each session that takes one. */
static int
fill(struct suite *s, const struct tested_object *pair, struct tested_object *o)
{
    uint8_t secret[SECRET_MAX];
    size_t len = 0;
    unsigned used = 0;

    if (!agree(s, pair, o, secret, &len) || len == 0)
        return 0;
    (void)CHECK(s, o->name, is_used_as(s, o, (struct rot_bytes){secret, len}, &used));
    return 1;
}

static struct tested_object *
find_pair(struct suite *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->objects[i].pub_len != 0 && suite_offers(&s->objects[i], ROT_CAN_AGREE))
            return &s->objects[i];
    }
    return NULL;
}

void
suite_run_sessions(struct suite *s)
{
    struct way w = {.pair = find_pair(s)}, best = {.used = 0};

    for (size_t i = 0; w.pair != NULL && i < s->count; i++) {
        w.from = &s->objects[i];
        if (!is_session(w.from) || !fill(s, w.pair, w.from))
            continue;
        for (size_t k = 1; k <= s->count; k++) { /* into itself last */
            w.to = &s->objects[(i + k) % s->count];
            if (is_session(w.to) && suite_offers(w.from, ROT_CAN_DERIVE))
                go_between(s, w, &best);
        }
    }
    if (best.used != 0)
        print_way(&best);
    else
        printf("session: nothing is agreed, derived and used inside\n");
}

/* A part may take a secret as it is, by its channel: then it is used as the host uses it. */
static int
bring(struct suite *s, struct tested_object *o)
{
    uint8_t secret[SECRET_MAX];
    size_t len = rot_alg_secret_size(alg_of(o));
    unsigned used = 0;
    int ok;

    memset(secret, 0x5a, sizeof(secret));
    if (!suite_offers(o, ROT_CAN_IMPORT) ||
        rot_key_import(&s->chip, o->object, alg_of(o), secret, len) != ROT_OK)
        return 0;
    ok = CHECK(s, o->name, is_used_as(s, o, (struct rot_bytes){secret, len}, &used));
    o->outcome[ROT_CAN_IMPORT] = ok ? IS_YES : IS_WRONG;
    return 1;
}

/* Fill a session for the tests of its own. */
int
suite_fill_session(struct suite *s, struct tested_object *o)
{
    struct tested_object *pair = find_pair(s);
    int there = is_session(o) && bring(s, o);

    if (pair != NULL && is_session(o))
        there |= fill(s, pair, o);
    return there;
}
