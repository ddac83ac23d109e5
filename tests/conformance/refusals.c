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
 * nothing, and is tried when awake, too.
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
    rot_close(&s->chip);
    refuse_setups(s);
    refuse_published_secrets(s);
    for (size_t i = 0; i < count; i++)
        meet(s, others[i]);
}
