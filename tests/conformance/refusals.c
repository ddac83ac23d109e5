/*
 * refusals.c: what must be refused, with the part as it was before.
 *
 *   rot-conformance --refusals CHIP OTHER...
 *
 * CHIP is as it was delivered; the others are parts of other families on its bus.  Whoever
 * runs this compares the parts' memories before and after: nothing here may change one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

#include <rot/registry.h>

#define NOBODY        0x11 /* an address that no part here has */
#define WAKE_LOW_US   80
#define WAKE_DELAY_US 2000

static uint8_t big[ROT_CERTIFICATE_MAX + 1];

/* Open with a setup of its own and close again. */
static rot_err
try(struct suite *s, const struct rot_setup *setup)
{
    rot_err rc = rot_open(&s->chip, setup);

    rot_close(&s->chip);
    return rc;
}

static void
refuse_setups(struct suite *s)
{
    struct rot_setup setup = s->lin.setup;
    struct rot_transport line = s->lin.transport;
    struct rot_layout layout = *setup.layout;

    if (line.simulated) {
        setup.flags |= ROT_OPEN_PRODUCTION;
        GIVES(s, "a simulator in production", try(s, &setup), ROT_E_AUTH);
    }
    setup = s->lin.setup;
    layout.driver = "another";
    setup.layout = &layout;
    GIVES(s, "another driver's layout", try(s, &setup), ROT_E_ARG);
    setup = s->lin.setup;
    setup.state_size = setup.driver->state_size - 1;
    GIVES(s, "too little memory", try(s, &setup), ROT_E_ARG);
    setup = s->lin.setup;
    line.address = NOBODY;
    setup.transport = &line;
    GIVES(s, "wrong address", try(s, &setup), ROT_E_BUS);
}

/* One byte more than each place has. */
static void
refuse_too_much(struct suite *s)
{
    for (size_t i = 0; i < s->layout->place_count; i++) {
        const struct rot_place *p = &s->layout->places[i];
        size_t need = 0, len = (size_t)p->size + 1;
        char name[ROT_NAME_MAX] = "";

        if (p->part == ROT_PART_KEY || ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER ||
            (p->flags & (ROT_PLACE_READ_ONLY | ROT_PLACE_COMPRESSED)) != 0 || len > sizeof(big))
            continue;
        (void)!rot_object_name(p->object, name);
        GIVES(
            s, name,
            rot_object_write(&s->chip, p->object, (enum rot_part)p->part, 0, big, len, len, &need),
            ROT_E_SPACE);
        CHECK(s, name, need >= len);
    }
}

/* Not now (STATE), nothing there (EMPTY), or not what the layout says (MISMATCH). */
static void
refuse_seal(struct suite *s, const char *name, enum rot_stage stage, rot_object obj)
{
    rot_err rc = rot_seal(&s->chip, stage, obj);

    if (rc != ROT_E_EMPTY && rc != ROT_E_MISMATCH)
        GIVES(s, name, rc, ROT_E_STATE);
}

/* What is sealed later does not go first, and nothing is sealed that is not there. */
static void
refuse_seals(struct suite *s)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;

    if (rot_seal_state(&s->chip, ROT_STAGE_CONFIG, 0, &state) == ROT_OK) {
        CHECK(s, "seal order", state == ROT_SEAL_OPEN);
        refuse_seal(s, "seal order", ROT_STAGE_DATA, 0);
    }
    for (size_t i = 0; i < s->count; i++) {
        if (suite_offers(&s->objects[i], ROT_CAN_SEAL))
            refuse_seal(s, s->objects[i].name, ROT_STAGE_OBJECT, s->objects[i].object);
    }
}

/* Every call on a chip that is closed, as it is on one that was never opened. */
static void
refuse_closed(struct suite *s)
{
    struct rot_chip *c = &s->chip;
    rot_object obj = s->objects[0].object;
    uint8_t b[96] = {0};
    size_t n = 0;
    uint64_t v = 0;
    struct rot_identity id;
    struct rot_capability cap;
    struct rot_bytes none = {NULL, 0}, nonce = {b, 12}, box = {b, 32};
    struct rot_kdf_params kdf = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    struct rot_evidence ev = {.buf = b, .cap = sizeof(b)};
    enum rot_seal_state seal;
    const rot_err codes[] = {
        rot_identify(c, &id),
        rot_uid(c, b, &n),
        rot_capabilities(c, obj, &cap),
        rot_random(c, b, 8),
        rot_key_generate(c, obj, ROT_ALG_P256, b, 96, &n),
        rot_key_public(c, obj, b, 96, &n),
        rot_key_import(c, obj, ROT_ALG_P256, b, 32),
        rot_key_delete(c, obj),
        rot_sign_digest(c, obj, b, 32, b, 96, &n),
        rot_sign_message(c, obj, b, 8, b, 96, &n),
        rot_verify_digest(c, obj, NULL, 0, b, 32, b, 70),
        rot_agree(c, obj, b, 91, 0, b, 64, &n),
        rot_derive(c, obj, &kdf, 0, b, 64, &n),
        rot_mac(c, obj, b, 8, b, 64, &n),
        rot_aead_seal(c, obj, ROT_AEAD_AES_GCM, nonce, none, none, b, 96, &n),
        rot_aead_open(c, obj, ROT_AEAD_AES_GCM, nonce, none, box, b, 96, &n),
        rot_object_size(c, obj, ROT_PART_CERT, &n),
        rot_object_read(c, obj, ROT_PART_CERT, 0, b, 8, &n),
        rot_object_write(c, obj, ROT_PART_CERT, 0, b, 8, 8, &n),
        rot_counter_read(c, ROT_COUNTER(0), &v),
        rot_counter_increment(c, ROT_COUNTER(0), &v),
        rot_attest(c, obj, b, &ev),
        rot_activate(c, obj, b, 16, b, 64, &n),
        rot_seal_prepare(c, ROT_STAGE_OBJECT, obj),
        rot_seal(c, ROT_STAGE_OBJECT, obj),
        rot_seal_state(c, ROT_STAGE_OBJECT, obj, &seal),
        rot_wipe(c),
        rot_channel_rotate(c, b, 32),
        rot_channel_has(c, b, 32),
        rot_channel_pair(c),
        rot_self_test(c),
        rot_reset(c),
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        GIVES(s, "closed", codes[i], ROT_E_ARG);
}

/* A part as it is delivered, on a line that does not say that it is simulated. */
static void
refuse_published_secrets(struct suite *s)
{
    struct rot_setup setup = s->lin.setup;
    struct rot_transport line = s->lin.transport;

    if (!s->layout->channel)
        return;
    line.simulated = 0;
    setup.transport = &line;
    setup.flags |= ROT_OPEN_PRODUCTION;
    if (!GIVES(s, "production", rot_open(&s->chip, &setup), ROT_OK))
        return;
    suite_refuse_changes(s, "production");
    rot_close(&s->chip);
}

static int
is_awake(const struct rot_transport *line)
{
    uint8_t zero = 0;

    return line->i2c->write(line->self, line->address, &zero, 1) == ROT_OK;
}

/*
 * The driver of s at another's address.  Who sleeps until the bus is held low acknowledges
 * nothing, and is tried when awake, too.  Who takes nothing but its own commands looks like nobody.
 */
static void
refuse_other(struct suite *s, struct rot_linux *other)
{
    struct rot_setup setup = s->lin.setup;
    const struct rot_transport *line = &other->transport;

    setup.transport = line;
    if (!is_awake(line)) {
        GIVES(s, other->model, try(s, &setup), ROT_E_BUS);
        CHECK(s, other->model, line->i2c->wake(line->self, WAKE_LOW_US) == ROT_OK);
        line->line->delay_us(line->self, WAKE_DELAY_US);
        if (!is_awake(line))
            return;
    }
    GIVES(s, other->model, try(s, &setup), ROT_E_WRONG_PART);
}

/* Both at once on one bus, each by its own driver. */
static void
take_turns(struct suite *s, struct rot_linux *other)
{
    struct rot_identity before, after;
    struct rot_chip chip;
    uint8_t x[32], y[32];

    if (!GIVES(s, other->model, rot_open(&chip, &other->setup), ROT_OK))
        return;
    if (GIVES(s, other->model, rot_identify(&chip, &before), ROT_OK) &&
        GIVES(s, other->model, rot_open(&s->chip, &s->lin.setup), ROT_OK)) {
        for (int i = 0; i < 3; i++) {
            GIVES(s, other->model, rot_random(&chip, x, sizeof(x)), ROT_OK);
            GIVES(s, other->model, rot_random(&s->chip, y, sizeof(y)), ROT_OK);
            CHECK(s, other->model, memcmp(x, y, sizeof(x)) != 0);
        }
        if (GIVES(s, other->model, rot_identify(&chip, &after), ROT_OK))
            CHECK(s, other->model, memcmp(before.uid, after.uid, sizeof(before.uid)) == 0);
        rot_close(&s->chip);
    }
    rot_close(&chip);
}

static void
meet(struct suite *s, const char *uri)
{
    static struct rot_linux other;

    if (rot_linux_open(&other, uri) != ROT_OK) {
        printf("SKIPPED: wrong part %s: %s\n", uri, other.error);
        return;
    }
    refuse_other(s, &other);
    take_turns(s, &other);
    rot_linux_close(&other);
}

void
suite_run_refusals(struct suite *s, const char *const *others, size_t count)
{
    refuse_too_much(s);
    refuse_seals(s);
    rot_close(&s->chip);
    refuse_closed(s);
    refuse_setups(s);
    refuse_published_secrets(s);
    for (size_t i = 0; i < count; i++)
        meet(s, others[i]);
}
