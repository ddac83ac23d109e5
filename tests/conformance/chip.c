/*
 * chip.c: what concerns the whole chip: refusals, identity, random, reset,
 * seals, and two chips side by side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

#include <rot/registry.h>

/* An object that no layout has. */
#define NOWHERE_OBJECT ROT_DATA(251)

/* Every call, with something missing. */
static void
refuse_arguments(struct suite *s)
{
    struct rot_chip *c = &s->chip;
    rot_object obj = s->objects[0].object;
    uint8_t b[64] = {0};
    size_t n = 0;
    struct rot_bytes none = {NULL, 0};

    GIVES(s, "arguments", rot_identify(c, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_uid(c, NULL, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_capabilities(c, obj, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_random(c, NULL, 1), ROT_E_ARG);
    GIVES(s, "arguments", rot_random(c, b, 0), ROT_E_ARG);
    GIVES(s, "arguments", rot_random(c, b, ROT_RANDOM_MAX + 1), ROT_E_ARG);
    GIVES(s, "arguments", rot_key_generate(c, obj, ROT_ALG_P256, NULL, 0, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_key_public(c, obj, b, 64, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_key_import(c, obj, ROT_ALG_P256, NULL, 32), ROT_E_ARG);
    GIVES(s, "arguments", rot_sign_digest(c, obj, NULL, 32, b, 64, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_sign_message(c, obj, NULL, 32, b, 64, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_verify_digest(c, obj, NULL, 0, b, 32, NULL, 70), ROT_E_ARG);
    GIVES(s, "arguments", rot_agree(c, obj, NULL, 91, 0, b, 64, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_derive(c, obj, NULL, 0, b, 64, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_mac(c, obj, NULL, 1, b, 64, &n), ROT_E_ARG);
    GIVES(s, "arguments",
          rot_aead_seal(c, obj, ROT_AEAD_AES_GCM, none, none, none, b, sizeof(b), &n), ROT_E_ARG);
    GIVES(s, "arguments",
          rot_aead_open(c, obj, ROT_AEAD_AES_GCM, none, none, none, b, sizeof(b), &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_object_size(c, obj, ROT_PART_CERT, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_object_read(c, obj, ROT_PART_CERT, 0, NULL, 1, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_object_write(c, obj, ROT_PART_CERT, 0, b, 0, 0, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_counter_read(c, ROT_COUNTER(0), NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_counter_increment(c, ROT_COUNTER(0), NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_attest(c, obj, b, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_activate(c, obj, NULL, 16, b, 64, &n), ROT_E_ARG);
    GIVES(s, "arguments", rot_seal(c, (enum rot_stage)9, 0), ROT_E_ARG);
    GIVES(s, "arguments", rot_seal_prepare(c, (enum rot_stage)9, 0), ROT_E_ARG);
    GIVES(s, "arguments", rot_seal_state(c, ROT_STAGE_DATA, 0, NULL), ROT_E_ARG);
    GIVES(s, "arguments", rot_channel_rotate(c, NULL, 32), ROT_E_ARG);
}

/* Every call on an object that the layout does not have. */
static void
refuse_strangers(struct suite *s)
{
    struct rot_chip *c = &s->chip;
    rot_object obj = NOWHERE_OBJECT;
    uint8_t b[256] = {0};
    size_t n = 0;
    uint64_t v = 0;
    struct rot_capability cap;
    struct rot_bytes none = {NULL, 0}, nonce = {b, 12}, box = {b, 32};
    struct rot_kdf_params kdf = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    struct rot_evidence ev = {.buf = b, .cap = sizeof(b)};
    enum rot_seal_state seal;

    GIVES(s, "stranger", rot_capabilities(c, obj, &cap), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_key_generate(c, obj, ROT_ALG_P256, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_key_public(c, obj, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_key_import(c, obj, ROT_ALG_P256, b, 32), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_key_delete(c, obj), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_sign_digest(c, obj, b, 32, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_sign_message(c, obj, b, 32, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_verify_digest(c, obj, NULL, 0, b, 32, b, 70), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_agree(c, obj, b, 91, 0, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_derive(c, obj, &kdf, 0, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_mac(c, obj, b, 1, b, 256, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger",
          rot_aead_seal(c, obj, ROT_AEAD_AES_GCM, nonce, none, none, b, sizeof(b), &n),
          ROT_E_UNSUPPORTED);
    GIVES(s, "stranger",
          rot_aead_open(c, obj, ROT_AEAD_AES_GCM, nonce, none, box, b, sizeof(b), &n),
          ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_object_size(c, obj, ROT_PART_DATA, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_object_read(c, obj, ROT_PART_DATA, 0, b, 1, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_object_write(c, obj, ROT_PART_DATA, 0, b, 1, 1, &n),
          ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_counter_read(c, ROT_COUNTER(251), &v), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_counter_increment(c, ROT_COUNTER(251), &v), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_attest(c, obj, b, &ev), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_activate(c, obj, b, 16, b, 64, &n), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_seal(c, ROT_STAGE_OBJECT, obj), ROT_E_UNSUPPORTED);
    GIVES(s, "stranger", rot_seal_state(c, ROT_STAGE_OBJECT, obj, &seal), ROT_E_UNSUPPORTED);
}

static void
check_identity(struct suite *s)
{
    struct rot_identity again;
    uint8_t uid[ROT_UID_MAX];
    size_t len = 0;

    if (!GIVES(s, "identity", rot_identify(&s->chip, &s->identity), ROT_OK))
        return;
    CHECK(s, "identity", s->identity.uid_len > 0 && s->identity.uid_len <= ROT_UID_MAX);
    CHECK(s, "identity", s->identity.vendor[0] != '\0' && s->identity.model[0] != '\0');
    CHECK(s, "identity", s->identity.lifecycle >= ROT_LIFE_BLANK);
    if (GIVES(s, "identity", rot_identify(&s->chip, &again), ROT_OK))
        CHECK(s, "identity",
              again.uid_len == s->identity.uid_len &&
                  memcmp(again.uid, s->identity.uid, again.uid_len) == 0);
    if (GIVES(s, "identity", rot_uid(&s->chip, uid, &len), ROT_OK))
        CHECK(s, "identity", len == s->identity.uid_len && memcmp(uid, s->identity.uid, len) == 0);
}

/* The rows of a table that are about the chip, not an object, are the same in all. */
static int
offered_by_all(struct suite *s, enum rot_primitive p)
{
    for (size_t i = 1; i < s->count; i++) {
        if (!CHECK(s, s->objects[i].name, s->objects[i].cap.where[p] == s->objects[0].cap.where[p]))
            return 0;
    }
    return suite_offers(&s->objects[0], p);
}

static void
set_for_all(struct suite *s, enum rot_primitive p, enum outcome outcome)
{
    for (size_t i = 0; i < s->count; i++)
        s->objects[i].outcome[p] = outcome;
}

static void
check_random(struct suite *s)
{
    static const size_t sizes[] = {1, 31, 32, 33, 64, 200, ROT_RANDOM_MAX};
    static uint8_t a[ROT_RANDOM_MAX], b[ROT_RANDOM_MAX];
    int ok = 1;

    if (!offered_by_all(s, ROT_CAN_RANDOM)) {
        ok = GIVES(s, "random", rot_random(&s->chip, a, 32), ROT_E_UNSUPPORTED);
        set_for_all(s, ROT_CAN_RANDOM, ok ? IS_UNSUPPORTED : IS_WRONG);
        return;
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        ok &= GIVES(s, "random", rot_random(&s->chip, a, sizes[i]), ROT_OK);
    ok &= GIVES(s, "random", rot_random(&s->chip, b, ROT_RANDOM_MAX), ROT_OK);
    /* A blank ATECC gives a fixed pattern until its configuration is sealed. */
    if (s->identity.lifecycle != ROT_LIFE_BLANK || s->layout->stages == 0)
        ok &= CHECK(s, "random", memcmp(a, b, ROT_RANDOM_MAX) != 0);
    set_for_all(s, ROT_CAN_RANDOM, ok ? IS_YES : IS_WRONG);
}

static void
check_self_test(struct suite *s)
{
    rot_err rc = rot_self_test(&s->chip);

    CHECK(s, "self-test", rc == ROT_OK || rc == ROT_E_UNSUPPORTED);
    CHECK(s, "self-test", (rc == ROT_E_UNSUPPORTED) == (s->lin.setup.driver->self_test == NULL));
}

void
suite_run_chip(struct suite *s)
{
    check_identity(s);
    refuse_arguments(s);
    refuse_strangers(s);
    check_random(s);
    check_self_test(s);
}

/* Take the stage with all that belongs to it; 1 when it is sealed now. */
static int
take_stage(struct suite *s, const char *name, enum rot_stage stage, rot_object obj)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    struct rot_identity id;

    if (!GIVES(s, name, rot_seal_prepare(&s->chip, stage, obj), ROT_OK) ||
        !GIVES(s, name, rot_seal_prepare(&s->chip, stage, obj), ROT_OK) ||
        !GIVES(s, name, rot_seal(&s->chip, stage, obj), ROT_OK) ||
        !GIVES(s, name, rot_seal(&s->chip, stage, obj), ROT_OK) ||
        !GIVES(s, name, rot_seal_state(&s->chip, stage, obj, &state), ROT_OK))
        return 0;
    CHECK(s, name, state == ROT_SEAL_DONE);
    if (stage != ROT_STAGE_OBJECT && GIVES(s, name, rot_identify(&s->chip, &id), ROT_OK))
        CHECK(s, name, (id.sealed & (1u << stage)) != 0);
    return state == ROT_SEAL_DONE;
}

/* A part whose keys need a sealed configuration gets it first. */
void
suite_prepare(struct suite *s)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;

    if (rot_seal_state(&s->chip, ROT_STAGE_CONFIG, 0, &state) == ROT_E_UNSUPPORTED) {
        GIVES(s, "config", rot_seal(&s->chip, ROT_STAGE_CONFIG, 0), ROT_E_UNSUPPORTED);
        return;
    }
    CHECK(s, "config", state != ROT_SEAL_FOREIGN);
    (void)take_stage(s, "config", ROT_STAGE_CONFIG, 0);
}

/* What a key pair was before it still is. */
static void
check_kept(struct suite *s, const char *when)
{
    for (size_t i = 0; i < s->count; i++) {
        struct tested_object *o = &s->objects[i];
        uint8_t pub[SUITE_PUB_MAX];
        size_t n = 0;

        if (o->pub_len == 0 || !suite_offers(o, ROT_CAN_PUBLIC))
            continue;
        if (GIVES(s, when, rot_key_public(&s->chip, o->object, pub, sizeof(pub), &n), ROT_OK))
            CHECK(s, o->name, n == o->pub_len && memcmp(pub, o->pub, n) == 0);
    }
}

/* Somebody pulls the plug: the first call may find the line broken, the next finds the part. */
static void
lose_power(struct suite *s)
{
    const struct rot_transport *t = s->lin.setup.transport;
    uint8_t b[32];
    rot_err rc;

    if (t == NULL || t->line == NULL || t->line->set_power == NULL)
        return;
    CHECK(s, "power", t->line->set_power(t->self, 0) == ROT_OK);
    rc = rot_random(&s->chip, b, sizeof(b));
    CHECK(s, "power", rc == ROT_E_BUS);
    CHECK(s, "power", t->line->set_power(t->self, 1) == ROT_OK);
    GIVES(s, "power", rot_random(&s->chip, b, sizeof(b)), ROT_OK);
    check_kept(s, "power");
    /* And without a call in between. */
    CHECK(s, "power", t->line->set_power(t->self, 0) == ROT_OK);
    CHECK(s, "power", t->line->set_power(t->self, 1) == ROT_OK);
    rc = rot_random(&s->chip, b, sizeof(b));
    if (rc != ROT_E_BUS)
        GIVES(s, "power", rc, ROT_OK);
    check_kept(s, "power");
}

void
suite_run_reset(struct suite *s)
{
    struct rot_identity id;
    rot_err rc;

    lose_power(s);
    rc = rot_reset(&s->chip);

    CHECK(s, "reset", rc == ROT_OK || rc == ROT_E_UNSUPPORTED);
    check_kept(s, "reset");
    rot_close(&s->chip);
    GIVES(s, "closed", rot_identify(&s->chip, &id), ROT_E_ARG);
    rot_close(&s->chip);
    GIVES(s, "reopen", rot_open(&s->chip, &s->lin.setup), ROT_OK);
    check_kept(s, "reopen");
    if (GIVES(s, "reopen", rot_identify(&s->chip, &id), ROT_OK))
        CHECK(s, "reopen", memcmp(id.uid, s->identity.uid, sizeof(id.uid)) == 0);
}

/* A sealed object takes no other bytes, and has those that it had. */
static int
stays_sealed(struct suite *s, const struct tested_object *o)
{
    static uint8_t before[ROT_CERTIFICATE_MAX], after[ROT_CERTIFICATE_MAX];
    const struct rot_place *p = rot_layout_find(s->layout, o->object, ROT_PART_DATA);
    size_t n = 0, m = 0, need = 0;

    if (p == NULL || p->size == 0)
        return 1;
    return GIVES(s, o->name,
                 rot_object_read(&s->chip, o->object, ROT_PART_DATA, 0, before, sizeof(before), &n),
                 ROT_OK) &
           GIVES(s, o->name,
                 rot_object_write(&s->chip, o->object, ROT_PART_DATA, 0, before, n, n, &need),
                 ROT_E_STATE) &
           GIVES(s, o->name,
                 rot_object_read(&s->chip, o->object, ROT_PART_DATA, 0, after, sizeof(after), &m),
                 ROT_OK) &
           CHECK(s, o->name, n == m && memcmp(before, after, n) == 0);
}

static void
run_object_seal(struct suite *s, struct tested_object *o)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    int ok;

    if (!suite_offers(o, ROT_CAN_SEAL)) {
        ok =
            GIVES(s, o->name, rot_seal(&s->chip, ROT_STAGE_OBJECT, o->object), ROT_E_UNSUPPORTED) &&
            GIVES(s, o->name, rot_seal_state(&s->chip, ROT_STAGE_OBJECT, o->object, &state),
                  ROT_E_UNSUPPORTED);
        o->outcome[ROT_CAN_SEAL] = ok ? IS_UNSUPPORTED : IS_WRONG;
        return;
    }
    ok = take_stage(s, o->name, ROT_STAGE_OBJECT, o->object);
    o->outcome[ROT_CAN_SEAL] = ok && stays_sealed(s, o) ? IS_YES : IS_WRONG;
}

static void
run_wipe_and_channel(struct suite *s)
{
    uint8_t secret[32] = {1, 2, 3};
    int ok;

    /* Wiping is offered: it must work, and leave what is sealed. */
    if (offered_by_all(s, ROT_CAN_WIPE))
        ok = GIVES(s, "wipe", rot_wipe(&s->chip), ROT_OK);
    else
        ok = GIVES(s, "wipe", rot_wipe(&s->chip), ROT_E_UNSUPPORTED);
    check_kept(s, "wipe");
    set_for_all(s, ROT_CAN_WIPE,
                !ok ? IS_WRONG
                    : (suite_offers(&s->objects[0], ROT_CAN_WIPE) ? IS_YES : IS_UNSUPPORTED));
    if (suite_wants_channel(s))
        set_for_all(s, ROT_CAN_CHANNEL,
                    suite_rotate(s) && s->channel == IS_YES ? IS_YES : IS_WRONG);
    /* Rotating would shut the chip for whoever comes next: offered is not done. */
    else if (offered_by_all(s, ROT_CAN_CHANNEL))
        set_for_all(s, ROT_CAN_CHANNEL, IS_FORM);
    else
        set_for_all(s, ROT_CAN_CHANNEL,
                    GIVES(s, "channel", rot_channel_rotate(&s->chip, secret, 32), ROT_E_UNSUPPORTED)
                        ? IS_UNSUPPORTED
                        : IS_WRONG);
}

/* The identity, when the suite made its key: some parts keep one that their maker made. */
static const struct tested_object *
find_own_identity(const struct suite *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->objects[i].object == ROT_IDEVID && s->objects[i].pub_len != 0 &&
            suite_offers(&s->objects[i], ROT_CAN_GENERATE))
            return &s->objects[i];
    }
    return NULL;
}

void
suite_run_seals(struct suite *s)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    const struct tested_object *idevid = find_own_identity(s);
    uint8_t d[48] = {1}, sig[128];
    size_t n = 0;

    if (rot_seal_state(&s->chip, ROT_STAGE_DATA, 0, &state) == ROT_OK &&
        take_stage(s, "data", ROT_STAGE_DATA, 0) && idevid != NULL) {
        /* The identity is fixed from here on, and works. */
        uint8_t pub[SUITE_PUB_MAX];

        CHECK(s, "sealed identity",
              rot_key_generate(&s->chip, ROT_IDEVID, (enum rot_alg)idevid->cap.alg, pub,
                               sizeof(pub), &n) == ROT_E_STATE);
        check_kept(s, "data seal");
        if (rot_alg_digest_size((enum rot_alg)idevid->cap.alg) != 0)
            GIVES(s, "sealed identity",
                  rot_sign_digest(&s->chip, ROT_IDEVID, d,
                                  rot_alg_digest_size((enum rot_alg)idevid->cap.alg), sig,
                                  sizeof(sig), &n),
                  ROT_OK);
    }
    for (size_t i = 0; i < s->count; i++)
        run_object_seal(s, &s->objects[i]);
    run_wipe_and_channel(s);
}

/* Two open chips: different parts, different keys, and neither disturbs the other. */
void
suite_run_two(struct suite *a, struct suite *b)
{
    uint8_t x[64], y[64];

    if (!GIVES(b, "second chip", rot_identify(&b->chip, &b->identity), ROT_OK))
        return;
    CHECK(b, "two chips",
          a->identity.uid_len != b->identity.uid_len ||
              memcmp(a->identity.uid, b->identity.uid, a->identity.uid_len) != 0);
    suite_prepare(b);
    for (size_t i = 0; i < b->count; i++)
        suite_run_keys(b, &b->objects[i]);
    for (size_t i = 0; i < b->count && i < a->count; i++) {
        if (a->objects[i].pub_len != 0 && b->objects[i].pub_len == a->objects[i].pub_len)
            CHECK(b, "two chips",
                  memcmp(a->objects[i].pub, b->objects[i].pub, a->objects[i].pub_len) != 0);
    }
    /* In turns. */
    for (int i = 0; i < 4; i++) {
        GIVES(a, "two chips", rot_random(&a->chip, x, sizeof(x)), ROT_OK);
        GIVES(b, "two chips", rot_random(&b->chip, y, sizeof(y)), ROT_OK);
        CHECK(b, "two chips", memcmp(x, y, sizeof(x)) != 0);
    }
}
