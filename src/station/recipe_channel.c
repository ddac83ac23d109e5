/*
 * recipe_channel.c: a secret of the part's own, before anything is written by it.
 *
 * A part comes with no secret of ours, or with one that its vendor published, which is
 * as good as none.  It gets its own (docs/design/channel.md) as soon as it can take one: a
 * part that production speaks to by its channel only before its configuration, one whose
 * key is of less weight (the ATECC's IO protection key) when its identity is granted: that key can
 * be put over another's, and a part that is refused here stays as it was.  The record before it says that the part is
 * this station's from here on; made again, it finds the secret in place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <rot/rot_driver.h>

#include "base/inject.h"
#include "base/secret.h"
#include "station/recipe_inner.h"

static int
is_production(const struct recipe *r)
{
    return (r->job->chip->setup.flags & ROT_OPEN_PRODUCTION) != 0;
}

static int
has_own(const struct recipe *r)
{
    return r->job->chip->protection == ROT_PROTECTION_OWN;
}

/* The host has no secret for it, or the part takes none. */
static rs_code
go_without(const struct recipe *r, int is_needed, const char *why, struct rs_err *err)
{
    if (is_needed && is_production(r))
        return rs_fail(err, RS_E_CHANNEL_SECRET, "pair: %s", why);
    return RS_OK;
}

static rs_code
rotate(struct recipe *r, const uint8_t *secret, size_t len, struct rs_err *err)
{
    rs_code rc = recipe_note_seal(r, ROT_STAGE_OBJECT, ROT_CHANNEL(0), err);
    rot_err rot;

    if (rc != RS_OK)
        return rc;
    rs_inject_mark("station-pairing");
    r->wrote = 1;
    rot = rot_channel_rotate(r->job->chip, secret, len);
    rs_inject_mark("station-paired");
    r->was_paired = rot == ROT_OK;
    return rot == ROT_OK ? RS_OK : recipe_chip_fail(r, rot, "give the part its secret", err);
}

/* The part's own, of the driver's length.  ROT_E_EMPTY: the host has none. */
static rot_err
find_secret(const struct recipe *r, uint8_t secret[ROT_SECRET_MAX])
{
    const struct rot_setup *setup = &r->job->chip->setup;
    const struct rot_port_ops *port = setup->port->ops;
    struct rot_bytes uid = {r->identity.uid, r->identity.uid_len};

    return port->channel_secret == NULL
               ? ROT_E_EMPTY
               : port->channel_secret(setup->port->self, setup->driver->name, uid, secret,
                                      setup->driver->channel_size);
}

static rs_code
pair(struct recipe *r, int is_needed, struct rs_err *err)
{
    size_t len = r->job->chip->setup.driver->channel_size;
    uint8_t secret[ROT_SECRET_MAX];
    rot_err rot;
    rs_code rc;

    if (len == 0)
        return RS_OK;
    if (r->idevid.where[ROT_CAN_CHANNEL] == ROT_NOWHERE)
        return go_without(r, is_needed, "the part takes no secret of ours", err);
    rot = find_secret(r, secret);
    if (rot == ROT_E_EMPTY)
        return go_without(r, is_needed, "the station has no channel secret", err);
    rc = rot == ROT_OK ? rotate(r, secret, len, err)
                       : recipe_chip_fail(r, rot, "the part's secret", err);
    rs_wipe(secret, sizeof(secret));
    return rc;
}

rs_code
recipe_pair(struct recipe *r, struct rs_err *err)
{
    return recipe_layout(r)->channel && !has_own(r) ? pair(r, 1, err) : RS_OK;
}

/*
 * A part whose secret was put before its seal has it, and not another one that stood in its place for a
 * moment.  It is not given silently now: the other one has lost its own, and is to be looked at.
 */
rs_code
recipe_pair_check(struct recipe *r, struct rs_err *err)
{
    uint8_t secret[ROT_SECRET_MAX];
    rot_err rot;

    if (recipe_layout(r)->channel || !r->was_paired)
        return RS_OK;
    rot = find_secret(r, secret);
    if (rot == ROT_OK)
        rot = rot_channel_has(r->job->chip, secret, r->job->chip->setup.driver->channel_size);
    rs_wipe(secret, sizeof(secret));
    if (rot == ROT_OK || rot == ROT_E_UNSUPPORTED)
        return RS_OK;
    return recipe_chip_fail(r, rot == ROT_E_AUTH ? ROT_E_MISMATCH : rot, "ask for its secret", err);
}

rs_code
recipe_pair_late(struct recipe *r, struct rs_err *err)
{
    return recipe_layout(r)->channel || has_own(r) ? RS_OK : pair(r, 0, err);
}
