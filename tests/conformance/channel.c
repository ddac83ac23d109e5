/*
 * channel.c: production on a part with a secure channel: nothing is changed
 * before the part has the host's secret, then everything is.
 *
 * The transport of a simulator says that it is one; what production does with a
 * real part is seen by letting it say nothing for a while.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

static const uint8_t master[ROT_CHANNEL_MASTER_SIZE] = "conformance: the first master";
static const uint8_t other[ROT_CHANNEL_MASTER_SIZE] = "conformance: another master";

/* Open it anew, as a part that is no simulator. */
static rot_err
open_again(struct suite *s, const uint8_t *secret, unsigned flags)
{
    rot_err rc;

    rot_close(&s->chip);
    rot_port_openssl_channel(&s->lin.crypto, secret);
    s->lin.setup.flags = flags;
    s->lin.transport.simulated = 0;
    rc = rot_open(&s->chip, &s->lin.setup);
    s->lin.transport.simulated = s->simulated;
    s->lin.setup.flags = 0;
    return rc;
}

static void
refuse_key_changes(struct suite *s, const char *when, const struct rot_place *p)
{
    const struct rot_driver *d = s->lin.setup.driver;
    enum rot_alg alg = (enum rot_alg)p->alg;
    uint8_t pub[SUITE_PUB_MAX] = {0};
    size_t n = 0;

    if (d->key_generate != NULL)
        GIVES(s, when, rot_key_generate(&s->chip, p->object, alg, pub, sizeof(pub), &n),
              ROT_E_AUTH);
    if (d->key_import != NULL)
        GIVES(s, when, rot_key_import(&s->chip, p->object, alg, pub, 32), ROT_E_AUTH);
    if (d->key_delete != NULL)
        GIVES(s, when, rot_key_delete(&s->chip, p->object), ROT_E_AUTH);
}

/* Who opens it in production sees it and changes nothing. */
void
suite_refuse_changes(struct suite *s, const char *when)
{
    const struct rot_layout *l = s->layout;
    struct rot_identity id;
    uint8_t pub[SUITE_PUB_MAX];
    size_t n = 0;
    uint64_t v = 0;

    if (GIVES(s, when, rot_identify(&s->chip, &id), ROT_OK))
        CHECK(s, when, id.protection != ROT_PROTECTION_OWN);
    for (size_t i = 0; i < l->place_count; i++) {
        const struct rot_place *p = &l->places[i];

        if ((p->flags & ROT_PLACE_READ_ONLY) != 0)
            continue;
        if (p->part == ROT_PART_KEY)
            refuse_key_changes(s, when, p);
        else if (ROT_OBJECT_KIND(p->object) == ROT_KIND_COUNTER)
            GIVES(s, when, rot_counter_increment(&s->chip, p->object, &v), ROT_E_AUTH);
        else
            GIVES(s, when,
                  rot_object_write(&s->chip, p->object, (enum rot_part)p->part, 0, pub, 1, 1, &n),
                  ROT_E_AUTH);
    }
    GIVES(s, when, rot_seal(&s->chip, ROT_STAGE_DATA, 0), ROT_E_AUTH);
    if (s->lin.setup.driver->wipe != NULL)
        GIVES(s, when, rot_wipe(&s->chip), ROT_E_AUTH);
}

/* A part without our secret: it opens and takes no change, or it does not open. */
static void
refuse_without(struct suite *s, const char *when, const uint8_t *secret)
{
    rot_err rc = open_again(s, secret, ROT_OPEN_PRODUCTION);

    if (rc == ROT_OK)
        suite_refuse_changes(s, when);
    else
        CHECK(s, when, rc == ROT_E_AUTH);
}

static int
is_ours(struct suite *s)
{
    struct rot_identity id;

    return GIVES(s, "paired", rot_identify(&s->chip, &id), ROT_OK) &&
           CHECK(s, "paired", id.protection == ROT_PROTECTION_OWN);
}

int
suite_wants_channel(const struct suite *s)
{
    return s->layout->channel && s->lin.setup.driver->channel_rotate != NULL;
}

/* From a part as delivered to one that only this host can speak to; left open as development would. */
void
suite_pair(struct suite *s)
{
    int ok;

    s->channel = IS_WRONG;
    if (!suite_wants_channel(s))
        return;
    refuse_without(s, "unpaired, no secret", NULL);
    refuse_without(s, "unpaired", master);
    ok = GIVES(s, "pair", open_again(s, master, ROT_OPEN_PRODUCTION), ROT_OK) &&
         GIVES(s, "pair", rot_channel_pair(&s->chip), ROT_OK) && is_ours(s) &&
         GIVES(s, "pair", rot_channel_pair(&s->chip), ROT_OK) && is_ours(s);
    refuse_without(s, "paired, no secret", NULL);
    refuse_without(s, "paired with another", other);
    ok &= GIVES(s, "pair", open_again(s, master, ROT_OPEN_PRODUCTION), ROT_OK) && is_ours(s);
    /* What production may not open. */
    s->lin.setup.flags = ROT_OPEN_PRODUCTION;
    rot_close(&s->chip);
    if (s->simulated)
        ok &= GIVES(s, "simulator", rot_open(&s->chip, &s->lin.setup), ROT_E_AUTH);
    ok &= GIVES(s, "pair", open_again(s, master, 0), ROT_OK) && is_ours(s);
    s->channel = ok ? IS_YES : IS_WRONG;
}

/* What a host with this master has for the part.  The chip's own port lends one secret while it is open. */
static int
secret_of(struct suite *s, const uint8_t *from, uint8_t secret[ROT_SECRET_MAX])
{
    static struct rot_port_openssl host;
    const struct rot_driver *d = s->lin.setup.driver;
    const struct rot_bytes uid = {s->identity.uid, s->identity.uid_len};
    int ok = CHECK(s, "rotate", rot_port_openssl_init(&host) == ROT_OK);

    if (!ok)
        return 0;
    rot_port_openssl_channel(&host, from);
    ok = GIVES(s, "rotate",
               host.port.ops->channel_secret(host.port.self, d->name, uid, secret, d->channel_size),
               ROT_OK);
    rot_port_openssl_done(&host);
    return ok;
}

/* Another secret in place of ours, and back. */
int
suite_rotate(struct suite *s)
{
    size_t size = s->lin.setup.driver->channel_size;
    uint8_t secret[ROT_SECRET_MAX];
    int ok = 1;

    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *fresh = i == 0 ? other : master;

        ok &= secret_of(s, fresh, secret) &&
              GIVES(s, "rotate", rot_channel_rotate(&s->chip, secret, size), ROT_OK) && is_ours(s);
        refuse_without(s, "rotated away", i == 0 ? master : other);
        ok &= GIVES(s, "rotate", open_again(s, fresh, ROT_OPEN_PRODUCTION), ROT_OK) && is_ours(s);
    }
    return ok & GIVES(s, "rotate", open_again(s, master, 0), ROT_OK);
}
