/*
 * capability.c: what an object can do, as far as the calls would let it.
 *
 * The driver fills in the row.  What a call would refuse before it reaches the
 * driver is then taken away here, by the same rules, so that a driver's table
 * cannot promise more than a caller gets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

struct object_places {
    const struct rot_place *key, *cert, *chain, *data;
};

static void
allow(struct rot_capability *cap, enum rot_primitive primitive, int allowed)
{
    if (!allowed)
        cap->where[primitive] = ROT_NOWHERE;
}

static int
has_flag(const struct rot_place *place, unsigned flag)
{
    return place != NULL && (place->flags & flag) != 0;
}

static int
is_writable(const struct rot_place *place)
{
    return place != NULL && !has_flag(place, ROT_PLACE_READ_ONLY);
}

static void
mask_key(struct rot_capability *cap, const struct rot_driver *d, const struct object_places *at)
{
    enum rot_alg alg = at->key != NULL ? (enum rot_alg)at->key->alg : ROT_ALG_NONE;
    int secret = rot_alg_is_secret(alg);
    int own = is_writable(at->key);

    allow(cap, ROT_CAN_GENERATE, own && d->key_generate != NULL);
    allow(cap, ROT_CAN_PUBLIC, at->key != NULL && !secret && d->key_public != NULL);
    allow(cap, ROT_CAN_IMPORT, own && d->key_import != NULL);
    allow(cap, ROT_CAN_DELETE, own && d->key_delete != NULL);
    allow(cap, ROT_CAN_SIGN,
          has_flag(at->key, ROT_PLACE_SIGN) && (d->sign_digest != NULL || d->sign_message != NULL));
    allow(cap, ROT_CAN_VERIFY,
          d->verify_digest != NULL &&
              ((at->key != NULL && !secret) || has_flag(at->data, ROT_PLACE_PUBLIC_KEY)));
    allow(cap, ROT_CAN_AGREE, has_flag(at->key, ROT_PLACE_AGREE) && d->agree != NULL);
    allow(cap, ROT_CAN_DERIVE, secret && d->derive != NULL);
    allow(cap, ROT_CAN_MAC, secret && d->mac != NULL);
    allow(cap, ROT_CAN_AEAD, rot_alg_is_aes(alg) && d->aead != NULL);
    allow(cap, ROT_CAN_ATTEST, at->key != NULL && !secret && d->attest != NULL);
    allow(cap, ROT_CAN_ACTIVATE, at->key != NULL && !secret && d->activate != NULL);
}

static void
mask_stored(struct rot_capability *cap, const struct rot_driver *d, const struct object_places *at,
            int counter)
{
    int any = at->cert != NULL || at->chain != NULL || at->data != NULL;
    int own = is_writable(at->cert) || is_writable(at->chain) || is_writable(at->data);

    allow(cap, ROT_CAN_READ, any && !counter && d->object_read != NULL && d->object_size != NULL);
    allow(cap, ROT_CAN_WRITE, own && !counter && d->object_write != NULL);
    allow(cap, ROT_CAN_COUNT, counter && at->data != NULL && d->counter_read != NULL);
    if (at->cert == NULL)
        cap->cert_size = 0;
    if (at->chain == NULL)
        cap->chain_size = 0;
    if (at->data == NULL || counter)
        cap->data_size = 0;
}

rot_err
rot_capabilities(const struct rot_chip *chip, rot_object obj, struct rot_capability *ret_capability)
{
    struct rot_capability cap = {.alg = ROT_ALG_NONE};
    const struct rot_driver *d;
    const struct rot_layout *l;
    struct object_places at;

    if (chip == NULL || !chip->is_open || ret_capability == NULL)
        return ROT_E_ARG;
    d = chip->setup.driver;
    l = chip->setup.layout;
    at.key = rot_layout_find(l, obj, ROT_PART_KEY);
    at.cert = rot_layout_find(l, obj, ROT_PART_CERT);
    at.chain = rot_layout_find(l, obj, ROT_PART_CHAIN);
    at.data = rot_layout_find(l, obj, ROT_PART_DATA);
    if (at.key == NULL && at.cert == NULL && at.chain == NULL && at.data == NULL)
        return ROT_E_UNSUPPORTED;

    d->capability(chip, at.key, at.cert, at.chain, at.data, &cap);
    mask_key(&cap, d, &at);
    mask_stored(&cap, d, &at, ROT_OBJECT_KIND(obj) == ROT_KIND_COUNTER);
    allow(&cap, ROT_CAN_RANDOM, d->random != NULL);
    allow(&cap, ROT_CAN_SEAL, d->seal != NULL && rot_find_lockable(l, obj) != NULL);
    allow(&cap, ROT_CAN_WIPE, d->wipe != NULL);
    allow(&cap, ROT_CAN_CHANNEL, d->channel_rotate != NULL);
    *ret_capability = cap;
    return ROT_OK;
}
