/*
 * keys.c: key pairs of every object that has one.
 *
 * What the chip signs and agrees is checked by the host's own crypto, never by
 * the chip alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

/* The rows that mean something for an object with a key pair. */
static int
is_for_pairs(const struct tested_object *o)
{
    switch (ROT_OBJECT_KIND(o->object)) {
    case ROT_KIND_IDEVID:
    case ROT_KIND_LDEVID:
    case ROT_KIND_ATTEST:
    case ROT_KIND_VENDOR:
        return 1;
    case ROT_KIND_TRUST:
    case ROT_KIND_FIRMWARE:
    case ROT_KIND_SESSION:
    case ROT_KIND_DATA:
    case ROT_KIND_COUNTER:
    case ROT_KIND_CHANNEL:
        break;
    }
    return 0;
}

static void
settle(struct tested_object *o, enum rot_primitive p, int ok, enum outcome good)
{
    o->outcome[p] = ok ? good : IS_WRONG;
}

/* The algorithm to ask with when the object has none. */
static enum rot_alg
alg_of(const struct tested_object *o)
{
    return o->cap.alg != ROT_ALG_NONE ? (enum rot_alg)o->cap.alg : ROT_ALG_P256;
}

static void
run_generate(struct suite *s, struct tested_object *o)
{
    enum rot_alg alg = alg_of(o), other = alg == ROT_ALG_P384 ? ROT_ALG_P256 : ROT_ALG_P384;
    uint8_t pub[SUITE_PUB_MAX], point[96];
    size_t n = 0, want = rot_alg_spki_size(alg);
    int ok;

    if (!suite_offers(o, ROT_CAN_GENERATE)) {
        ok = GIVES(s, o->name, rot_key_generate(&s->chip, o->object, alg, pub, sizeof(pub), &n),
                   ROT_E_UNSUPPORTED);
        settle(o, ROT_CAN_GENERATE, ok, IS_UNSUPPORTED);
        return;
    }
    ok = GIVES(s, o->name, rot_key_generate(&s->chip, o->object, other, pub, sizeof(pub), &n),
               ROT_E_UNSUPPORTED);
    if (want != 0) {
        ok &= GIVES(s, o->name, rot_key_generate(&s->chip, o->object, alg, pub, want - 1, &n),
                    ROT_E_SPACE);
        ok &= CHECK(s, o->name, n == want);
    }
    ok &= GIVES(s, o->name,
                rot_key_generate(&s->chip, o->object, alg, o->pub, sizeof(o->pub), &o->pub_len),
                ROT_OK);
    ok &= CHECK(s, o->name, o->pub_len == want);
    if (ok && want != 0)
        ok = CHECK(s, o->name,
                   rot_spki_to_point(o->pub, o->pub_len, point, &other) == ROT_OK && other == alg);
    settle(o, ROT_CAN_GENERATE, ok, IS_YES);
}

static void
run_public(struct suite *s, struct tested_object *o)
{
    uint8_t pub[SUITE_PUB_MAX];
    size_t n = 0;
    int ok;

    if (!suite_offers(o, ROT_CAN_PUBLIC)) {
        ok = GIVES(s, o->name, rot_key_public(&s->chip, o->object, pub, sizeof(pub), &n),
                   ROT_E_UNSUPPORTED);
        settle(o, ROT_CAN_PUBLIC, ok, IS_UNSUPPORTED);
        return;
    }
    if (o->pub_len == 0) {
        /* Nobody made a key here (the vendor's, perhaps): it is there, or it is empty. */
        rot_err rc = rot_key_public(&s->chip, o->object, o->pub, sizeof(o->pub), &o->pub_len);

        ok = CHECK(s, o->name, rc == ROT_OK || rc == ROT_E_EMPTY);
        settle(o, ROT_CAN_PUBLIC, ok, IS_YES);
        return;
    }
    ok = GIVES(s, o->name, rot_key_public(&s->chip, o->object, pub, o->pub_len - 1, &n),
               ROT_E_SPACE) &&
         CHECK(s, o->name, n == o->pub_len) &&
         GIVES(s, o->name, rot_key_public(&s->chip, o->object, pub, o->pub_len, &n), ROT_OK) &&
         CHECK(s, o->name, n == o->pub_len && memcmp(pub, o->pub, n) == 0);
    settle(o, ROT_CAN_PUBLIC, ok, IS_YES);
}

/* The host's opinion. */
static rot_err
host_verify(struct suite *s, const struct tested_object *o, const uint8_t *in, size_t in_len,
            const uint8_t *sig, size_t sig_len)
{
    const struct rot_port *port = s->lin.setup.port;
    uint8_t point[96], raw[96];
    enum rot_alg alg = ROT_ALG_NONE;
    rot_err rc = rot_spki_to_point(o->pub, o->pub_len, point, &alg);

    if (rc != ROT_OK)
        return rc;
    if (alg == ROT_ALG_ED25519) {
        if (sig_len != 64)
            return ROT_E_FORMAT;
        memcpy(raw, sig, sig_len);
    } else {
        rc = rot_ecdsa_from_der(sig, sig_len, rot_alg_point_size(alg) / 2, raw);
        if (rc != ROT_OK)
            return rc;
    }
    return port->ops->ec_verify(port->self, alg, point, in, in_len, raw);
}

static int
sign_a_digest(struct suite *s, struct tested_object *o, uint8_t sig[128], size_t *sig_len)
{
    uint8_t digest[64] = {0x11, 0x22};
    size_t want = rot_alg_digest_size(alg_of(o)), n = 0;
    int ok;

    if (want == 0)
        return GIVES(s, o->name, rot_sign_digest(&s->chip, o->object, digest, 32, sig, 128, &n),
                     ROT_E_UNSUPPORTED);
    ok = GIVES(s, o->name, rot_sign_digest(&s->chip, o->object, digest, want - 1, sig, 128, &n),
               ROT_E_ARG);
    ok &= GIVES(s, o->name, rot_sign_digest(&s->chip, o->object, digest, want, sig, 8, &n),
                ROT_E_SPACE);
    ok &= CHECK(s, o->name, n >= want * 2 && n <= ROT_SIGNATURE_MAX);
    ok &= GIVES(s, o->name, rot_sign_digest(&s->chip, o->object, digest, want, sig, 128, sig_len),
                ROT_OK);
    ok = ok && CHECK(s, o->name, host_verify(s, o, digest, want, sig, *sig_len) == ROT_OK);
    digest[0] ^= 1;
    return ok &&
           CHECK(s, o->name, host_verify(s, o, digest, want, sig, *sig_len) == ROT_E_MISMATCH);
}

static int
sign_a_message(struct suite *s, struct tested_object *o)
{
    const struct rot_port *port = s->lin.setup.port;
    static const uint8_t text[] = "what the device says";
    struct rot_bytes msg = {text, sizeof(text)};
    uint8_t sig[128], digest[64];
    size_t n = 0, len = rot_alg_digest_size(alg_of(o));
    rot_err rc;

    if (!GIVES(s, o->name,
               rot_sign_message(&s->chip, o->object, msg.p, msg.len, sig, sizeof(sig), &n), ROT_OK))
        return 0;
    if (len == 0)
        return CHECK(s, o->name, host_verify(s, o, msg.p, msg.len, sig, n) == ROT_OK);
    rc =
        port->ops->hash(port->self, len == 32 ? ROT_HASH_SHA256 : ROT_HASH_SHA384, &msg, 1, digest);
    return CHECK(s, o->name, rc == ROT_OK && host_verify(s, o, digest, len, sig, n) == ROT_OK);
}

static int
verify_on_chip(struct suite *s, struct tested_object *o, const uint8_t *sig, size_t sig_len)
{
    uint8_t digest[64] = {0x11, 0x22};
    size_t len = rot_alg_digest_size(alg_of(o));
    int ok;

    ok = GIVES(s, o->name,
               rot_verify_digest(&s->chip, 0, o->pub, o->pub_len, digest, len, sig, sig_len),
               ROT_OK);
    ok &= GIVES(s, o->name,
                rot_verify_digest(&s->chip, o->object, NULL, 0, digest, len, sig, sig_len), ROT_OK);
    ok &= GIVES(s, o->name,
                rot_verify_digest(&s->chip, 0, o->pub, o->pub_len, digest, len, sig, sig_len - 1),
                ROT_E_FORMAT);
    digest[len - 1] ^= 0x80;
    ok &= GIVES(s, o->name,
                rot_verify_digest(&s->chip, 0, o->pub, o->pub_len, digest, len, sig, sig_len),
                ROT_E_MISMATCH);
    ok &= GIVES(s, o->name,
                rot_verify_digest(&s->chip, o->object, NULL, 0, digest, len, sig, sig_len),
                ROT_E_MISMATCH);
    return ok;
}

static void
run_sign_and_verify(struct suite *s, struct tested_object *o)
{
    uint8_t sig[128] = {0x30}, d[64] = {0};
    size_t len = rot_alg_digest_size(alg_of(o)), n = 0;
    int ok;

    len = len != 0 ? len : 32;
    if (!suite_offers(o, ROT_CAN_SIGN)) {
        ok = GIVES(s, o->name, rot_sign_digest(&s->chip, o->object, d, len, sig, sizeof(sig), &n),
                   ROT_E_UNSUPPORTED) &&
             GIVES(s, o->name, rot_sign_message(&s->chip, o->object, d, 4, sig, sizeof(sig), &n),
                   ROT_E_UNSUPPORTED);
        settle(o, ROT_CAN_SIGN, ok, IS_UNSUPPORTED);
    } else if (o->pub_len == 0) {
        ok = GIVES(s, o->name, rot_sign_digest(&s->chip, o->object, d, len, sig, sizeof(sig), &n),
                   ROT_E_EMPTY);
        settle(o, ROT_CAN_SIGN, ok, IS_YES);
    } else {
        ok = sign_a_digest(s, o, sig, &n) && sign_a_message(s, o);
        settle(o, ROT_CAN_SIGN, ok, IS_YES);
    }

    if (!suite_offers(o, ROT_CAN_VERIFY)) {
        ok = GIVES(s, o->name, rot_verify_digest(&s->chip, o->object, NULL, 0, d, len, sig, 70),
                   ROT_E_UNSUPPORTED);
        settle(o, ROT_CAN_VERIFY, ok, IS_UNSUPPORTED);
    } else if (n != 0) {
        settle(o, ROT_CAN_VERIFY, verify_on_chip(s, o, sig, n), IS_YES);
    } else {
        settle(o, ROT_CAN_VERIFY, 1, IS_YES); /* no signature of its own to show it with */
    }
}

/* A session object that takes an agreed secret, or 0. */
static rot_object
find_session(const struct suite *s)
{
    for (size_t i = 0; i < s->layout->place_count; i++) {
        const struct rot_place *p = &s->layout->places[i];

        if (ROT_OBJECT_KIND(p->object) == ROT_KIND_SESSION && p->alg == ROT_ALG_HMAC_SHA256)
            return p->object;
    }
    return 0;
}

/*
 * What went into the session is what the host has: it makes the host's MAC, and gives the
 * host's key where the layout lets keys out.
 */
static int
session_has(struct suite *s, rot_object session, const uint8_t *secret, size_t len)
{
    static const uint8_t text[] = "what both say";
    const struct rot_port *port = s->lin.setup.port;
    const struct rot_place *place = rot_layout_find(s->layout, session, ROT_PART_KEY);
    const struct rot_bytes msg = {text, sizeof(text)}, key = {secret, len};
    struct rot_kdf_params p = {.kdf = ROT_KDF_HKDF_SHA256, .info = msg, .out_len = 32};
    struct rot_capability cap;
    uint8_t want[64], got[64];
    size_t n = 0;
    int ok;

    if (len != 32 || rot_capabilities(&s->chip, session, &cap) != ROT_OK ||
        cap.where[ROT_CAN_MAC] == ROT_NOWHERE)
        return 1;
    ok = GIVES(s, "session", rot_mac(&s->chip, session, text, sizeof(text), got, 64, &n), ROT_OK) &&
         CHECK(s, "session",
               port->ops->hmac(port->self, ROT_HASH_SHA256, key, &msg, 1, want) == ROT_OK &&
                   n == 32 && memcmp(got, want, 32) == 0);
    if ((place->flags & ROT_PLACE_EXPORT) == 0 ||
        rot_derive(&s->chip, session, &p, 0, got, 64, &n) == ROT_E_UNSUPPORTED)
        return ok;
    return ok & CHECK(s, "session",
                      port->ops->kdf(port->self, key, &p, want) == ROT_OK && n == 32 &&
                          memcmp(got, want, 32) == 0);
}

static int
agree_with_host(struct suite *s, struct tested_object *o)
{
    const struct rot_port *port = s->lin.setup.port;
    const struct rot_place *place = rot_layout_find(s->layout, o->object, ROT_PART_KEY);
    enum rot_alg alg = alg_of(o);
    uint8_t priv[48], point[96], peer[128], mine[96], secret[64], want[64];
    size_t peer_len = 0, n = 0, len = rot_alg_point_size(alg);
    rot_object session = find_session(s);
    int ok;

    len = alg == ROT_ALG_X25519 ? len : len / 2;
    ok = CHECK(s, o->name,
               port->ops->ec_generate(port->self, alg, priv, point) == ROT_OK &&
                   rot_spki_from_point(alg, point, peer, sizeof(peer), &peer_len) == ROT_OK &&
                   rot_spki_to_point(o->pub, o->pub_len, mine, &alg) == ROT_OK &&
                   port->ops->ecdh(port->self, alg, priv, mine, want) == ROT_OK);
    ok &= GIVES(s, o->name,
                rot_agree(&s->chip, o->object, peer, peer_len - 1, session, NULL, 0, NULL),
                session != 0 ? ROT_E_FORMAT : ROT_E_ARG);
    if (session != 0) {
        rot_err rc = rot_agree(&s->chip, o->object, peer, peer_len, session, NULL, 0, NULL);

        /* A part that cannot keep it inside gives it out, or does not agree at all. */
        ok &= CHECK(s, o->name,
                    rc == ROT_OK ||
                        (rc == ROT_E_UNSUPPORTED && (place->flags & ROT_PLACE_EXPORT) != 0));
        if (rc == ROT_OK)
            ok &= session_has(s, session, want, len);
    }
    if ((place->flags & ROT_PLACE_EXPORT) == 0)
        return ok & GIVES(s, o->name,
                          rot_agree(&s->chip, o->object, peer, peer_len, 0, secret, 64, &n),
                          ROT_E_UNSUPPORTED);
    ok &= GIVES(s, o->name, rot_agree(&s->chip, o->object, peer, peer_len, 0, secret, len - 1, &n),
                ROT_E_SPACE);
    ok &= CHECK(s, o->name, n == len);
    ok &= GIVES(s, o->name, rot_agree(&s->chip, o->object, peer, peer_len, 0, secret, 64, &n),
                ROT_OK);
    return ok && CHECK(s, o->name, n == len && memcmp(secret, want, n) == 0);
}

static void
run_agree(struct suite *s, struct tested_object *o)
{
    uint8_t peer[91] = {0}, secret[64];
    size_t n = 0;
    int ok;

    if (suite_offers(o, ROT_CAN_AGREE) && o->pub_len != 0) {
        settle(o, ROT_CAN_AGREE, agree_with_host(s, o), IS_YES);
        return;
    }
    ok = GIVES(s, o->name, rot_agree(&s->chip, o->object, peer, 91, 0, secret, 64, &n),
               ROT_E_UNSUPPORTED);
    settle(o, ROT_CAN_AGREE, ok, IS_UNSUPPORTED);
}

static void
run_import(struct suite *s, struct tested_object *o)
{
    uint8_t one = 0;
    rot_err rc = rot_key_import(&s->chip, o->object, alg_of(o), &one, 1);

    /* The form is the part's own: one byte is none of any. */
    if (suite_offers(o, ROT_CAN_IMPORT))
        settle(o, ROT_CAN_IMPORT,
               CHECK(s, o->name, rc == ROT_E_FORMAT || rc == ROT_E_AUTH || rc == ROT_E_STATE),
               IS_FORM);
    else
        settle(o, ROT_CAN_IMPORT, CHECK(s, o->name, rc == ROT_E_UNSUPPORTED), IS_UNSUPPORTED);
}

static void
run_attest(struct suite *s, struct tested_object *o)
{
    static uint8_t one[ROT_EVIDENCE_MAX], two[ROT_EVIDENCE_MAX];
    struct rot_evidence a = {.buf = one, .cap = sizeof(one)}, b = {.buf = two, .cap = sizeof(two)};
    struct rot_evidence tight = {.buf = one, .cap = 1};
    uint8_t nonce[32] = {1};
    int ok;

    if (!suite_offers(o, ROT_CAN_ATTEST)) {
        ok = GIVES(s, o->name, rot_attest(&s->chip, o->object, nonce, &a), ROT_E_UNSUPPORTED);
        settle(o, ROT_CAN_ATTEST, ok, IS_UNSUPPORTED);
        return;
    }
    ok = GIVES(s, o->name, rot_attest(&s->chip, o->object, nonce, &tight), ROT_E_SPACE);
    ok &= GIVES(s, o->name, rot_attest(&s->chip, o->object, nonce, &a), ROT_OK);
    nonce[31] = 1;
    ok &= GIVES(s, o->name, rot_attest(&s->chip, o->object, nonce, &b), ROT_OK);
    ok &= CHECK(s, o->name, a.format != ROT_EVIDENCE_NONE && a.len > 32);
    ok &= CHECK(s, o->name, a.len != b.len || memcmp(one, two, a.len) != 0);
    settle(o, ROT_CAN_ATTEST, ok, IS_YES);
}

/* Who makes a good challenge needs the vendor's certificate: here only that a bad one is refused. */
static void
run_activate(struct suite *s, struct tested_object *o)
{
    uint8_t challenge[40] = {0}, secret[64];
    size_t n = 0;
    rot_err rc =
        rot_activate(&s->chip, o->object, challenge, sizeof(challenge), secret, sizeof(secret), &n);

    if (suite_offers(o, ROT_CAN_ACTIVATE))
        settle(o, ROT_CAN_ACTIVATE, CHECK(s, o->name, rc == ROT_E_FORMAT), IS_FORM);
    else
        settle(o, ROT_CAN_ACTIVATE, CHECK(s, o->name, rc == ROT_E_UNSUPPORTED), IS_UNSUPPORTED);
}

void
suite_run_keys(struct suite *s, struct tested_object *o)
{
    static const enum rot_primitive rows[] = {ROT_CAN_GENERATE, ROT_CAN_PUBLIC,  ROT_CAN_IMPORT,
                                              ROT_CAN_SIGN,     ROT_CAN_VERIFY,  ROT_CAN_AGREE,
                                              ROT_CAN_ATTEST,   ROT_CAN_ACTIVATE};

    run_generate(s, o);
    run_public(s, o);
    run_import(s, o);
    run_sign_and_verify(s, o);
    run_agree(s, o);
    run_attest(s, o);
    run_activate(s, o);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!is_for_pairs(o) && o->outcome[rows[i]] == IS_UNSUPPORTED)
            o->outcome[rows[i]] = IS_NA;
    }
}

/* Last of all: what is deleted is gone, also after a reset. */
void
suite_run_delete(struct suite *s, struct tested_object *o)
{
    uint8_t pub[SUITE_PUB_MAX];
    size_t n = 0;
    int ok;

    if (!suite_offers(o, ROT_CAN_DELETE)) {
        ok = GIVES(s, o->name, rot_key_delete(&s->chip, o->object), ROT_E_UNSUPPORTED);
        settle(o, ROT_CAN_DELETE, ok, is_for_pairs(o) ? IS_UNSUPPORTED : IS_NA);
        return;
    }
    /* The identity is needed for the seal; sessions are gone since the reset. */
    if (o->object == ROT_IDEVID || ROT_OBJECT_KIND(o->object) == ROT_KIND_SESSION) {
        settle(o, ROT_CAN_DELETE, 1, IS_YES);
        return;
    }
    ok = GIVES(s, o->name, rot_key_delete(&s->chip, o->object), ROT_OK);
    if (suite_offers(o, ROT_CAN_PUBLIC))
        ok &= GIVES(s, o->name, rot_key_public(&s->chip, o->object, pub, sizeof(pub), &n),
                    ROT_E_EMPTY);
    o->pub_len = 0;
    settle(o, ROT_CAN_DELETE, ok, IS_YES);
}
