/*
 * chip.c: opening and closing, and what the part says about itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

static int
same_text(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static int
has_bus(const struct rot_driver *driver, const struct rot_transport *t)
{
    if (driver->bus == ROT_BUS_NONE)
        return 1;
    if (t == NULL || t->line == NULL || t->line->delay_us == NULL)
        return 0;
    switch (driver->bus) {
    case ROT_BUS_I2C:
        return t->i2c != NULL && t->i2c->write != NULL && t->i2c->read != NULL;
    case ROT_BUS_SPI:
        return t->spi != NULL && t->spi->transfer != NULL;
    case ROT_BUS_STREAM:
        return t->stream != NULL && t->stream->write != NULL && t->stream->read != NULL;
    case ROT_BUS_MESSAGE:
        return t->message != NULL && t->message->exchange != NULL;
    case ROT_BUS_NONE:
        break;
    }
    return 0;
}

static int
is_aligned(const void *p)
{
    return ((uintptr_t)p & (_Alignof(uint64_t) - 1)) == 0;
}

/* Everything that a driver may take for granted in its slots. */
static int
is_complete(const struct rot_setup *setup)
{
    const struct rot_driver *d = setup->driver;
    const struct rot_layout *l = setup->layout;

    if (d == NULL || d->name == NULL || d->probe == NULL || d->identify == NULL ||
        d->capability == NULL)
        return 0;
    if (l == NULL || l->driver == NULL || !same_text(l->driver, d->name) ||
        (l->places == NULL && l->place_count != 0))
        return 0;
    if (setup->port == NULL || setup->port->ops == NULL || !has_bus(d, setup->transport))
        return 0;
    return d->state_size == 0 ||
           (setup->state != NULL && setup->state_size >= d->state_size && is_aligned(setup->state));
}

static void
forget(struct rot_chip *chip)
{
    if (chip->setup.driver->state_size != 0)
        rot_wipe_memory(chip->setup.state, chip->setup.driver->state_size);
    chip->is_open = 0;
}

rot_err
rot_open(struct rot_chip *chip, const struct rot_setup *setup)
{
    struct rot_chip c = {.is_open = 1};
    rot_err rc;

    if (chip == NULL || setup == NULL)
        return ROT_E_ARG;
    c.setup = *setup;
    if (c.setup.layout == NULL && c.setup.driver != NULL && c.setup.driver->layouts != NULL)
        c.setup.layout = c.setup.driver->layouts[0];
    chip->is_open = 0;
    if (!is_complete(&c.setup))
        return ROT_E_ARG;
    if ((c.setup.flags & ROT_OPEN_PRODUCTION) != 0 && c.setup.transport != NULL &&
        c.setup.transport->simulated)
        return ROT_E_AUTH;
    if (c.setup.driver->state_size != 0)
        memset(c.setup.state, 0, c.setup.driver->state_size);

    *chip = c;
    rc = chip->setup.driver->probe(chip);
    if (rc != ROT_OK) {
        /* What probe built up so far is close's to give back. */
        if (chip->setup.driver->close != NULL)
            chip->setup.driver->close(chip);
        forget(chip);
    }
    return rc;
}

void
rot_close(struct rot_chip *chip)
{
    if (chip == NULL || !chip->is_open)
        return;
    if (chip->setup.driver->close != NULL)
        chip->setup.driver->close(chip);
    forget(chip);
}

rot_err
rot_reset(struct rot_chip *chip)
{
    if (rot_check_open(chip) != ROT_OK)
        return ROT_E_ARG;
    if (chip->setup.driver->reset == NULL)
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->reset(chip);
}

uint32_t
rot_raw_status(const struct rot_chip *chip)
{
    return chip == NULL ? 0 : chip->raw_status;
}

rot_err
rot_identify(struct rot_chip *chip, struct rot_identity *ret_identity)
{
    struct rot_identity id = {.uid_len = 0};
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || ret_identity == NULL)
        return ROT_E_ARG;
    rc = chip->setup.driver->identify(chip, &id);
    if (rc != ROT_OK)
        return rc;
    id.protection = chip->protection;
    /* The transport may know what the part does not say. */
    if (chip->setup.transport != NULL && chip->setup.transport->simulated)
        id.simulated = 1;
    *ret_identity = id;
    return ROT_OK;
}

rot_err
rot_uid(struct rot_chip *chip, uint8_t uid[ROT_UID_MAX], size_t *ret_len)
{
    if (rot_check_open(chip) != ROT_OK || uid == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->uid == NULL)
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->uid(chip, uid, ret_len);
}

rot_err
rot_random(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    if (rot_check_open(chip) != ROT_OK || buf == NULL || len == 0 || len > ROT_RANDOM_MAX)
        return ROT_E_ARG;
    if (chip->setup.driver->random == NULL)
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->random(chip, buf, len);
}

rot_err
rot_self_test(struct rot_chip *chip)
{
    if (rot_check_open(chip) != ROT_OK)
        return ROT_E_ARG;
    if (chip->setup.driver->self_test == NULL)
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->self_test(chip);
}
