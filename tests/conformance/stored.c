/*
 * stored.c: certificates, data and counters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "suite.h"

#include <string.h>

static uint8_t content[ROT_CERTIFICATE_MAX + 1], back[ROT_CERTIFICATE_MAX + 1];

static const char *const part_names[] = {"", "key", "certificate", "chain", "data"};

/* Read all of it, and a piece from the middle. */
static int
check_back(struct suite *s, struct tested_object *o, enum rot_part part, size_t len)
{
    size_t n = 0;
    int ok;

    ok = GIVES(s, o->name, rot_object_size(&s->chip, o->object, part, &n), ROT_OK) &&
         CHECK(s, o->name, n == len) &&
         GIVES(s, o->name, rot_object_read(&s->chip, o->object, part, 0, back, sizeof(back), &n),
               ROT_OK) &&
         CHECK(s, o->name, n == len && memcmp(back, content, len) == 0);
    if (ok && len > 8) {
        ok =
            GIVES(s, o->name, rot_object_read(&s->chip, o->object, part, 5, back, 2, &n), ROT_OK) &&
            CHECK(s, o->name, n == 2 && memcmp(back, content + 5, 2) == 0);
    }
    ok &= GIVES(s, o->name, rot_object_read(&s->chip, o->object, part, len, back, 8, &n), ROT_OK);
    return ok & CHECK(s, o->name, n == 0);
}

/* A key of the host's, the public half for a place that takes nothing else. */
static size_t
make_public_key(struct suite *s, const struct rot_place *place, uint8_t priv[48])
{
    const struct rot_port *port = s->lin.setup.port;
    uint8_t point[96];
    size_t n = 0;

    if (port->ops->ec_generate(port->self, (enum rot_alg)place->alg, priv, point) != ROT_OK ||
        rot_spki_from_point((enum rot_alg)place->alg, point, content, sizeof(content), &n) !=
            ROT_OK)
        return 0;
    return n;
}

/* The stored key verifies what its private half signed, and nothing else. */
static int
verify_with_stored(struct suite *s, struct tested_object *o, enum rot_alg alg,
                   const uint8_t priv[48])
{
    const struct rot_port *port = s->lin.setup.port;
    uint8_t digest[48] = {9}, raw[96], sig[120];
    size_t len = rot_alg_digest_size(alg), n = 0;
    int ok = CHECK(s, o->name,
                   port->ops->ec_sign(port->self, alg, priv, digest, len, raw) == ROT_OK &&
                       rot_ecdsa_to_der(raw, rot_alg_point_size(alg) / 2, sig, sizeof(sig), &n) ==
                           ROT_OK);

    ok &= GIVES(s, o->name, rot_verify_digest(&s->chip, o->object, NULL, 0, digest, len, sig, n),
                ROT_OK);
    digest[len - 1] ^= 1;
    ok &= GIVES(s, o->name, rot_verify_digest(&s->chip, o->object, NULL, 0, digest, len, sig, n),
                ROT_E_MISMATCH);
    o->outcome[ROT_CAN_VERIFY] = ok ? IS_YES : IS_WRONG;
    return ok;
}

static int
fill_and_compare(struct suite *s, struct tested_object *o, const struct rot_place *place)
{
    enum rot_part part = (enum rot_part)place->part;
    size_t len = place->size, need = 0;
    uint8_t priv[48] = {0};
    int ok = 1, is_key = (place->flags & ROT_PLACE_PUBLIC_KEY) != 0;

    memset(content, 0, sizeof(content));
    for (size_t i = 0; i < len; i++)
        content[i] = (uint8_t)(i * 11 + o->object);
    if (is_key) {
        ok = GIVES(s, o->name, rot_object_write(&s->chip, o->object, part, 0, content, 8, 8, &need),
                   ROT_E_FORMAT);
        len = make_public_key(s, place, priv);
    }
    if (len < sizeof(content)) {
        ok &= GIVES(s, o->name,
                    rot_object_write(&s->chip, o->object, part, 0, content, (size_t)place->size + 1,
                                     (size_t)place->size + 1, &need),
                    ROT_E_SPACE);
        ok &= CHECK(s, o->name, need > place->size);
    }
    ok &= GIVES(s, o->name,
                rot_object_write(&s->chip, o->object, part, 0, content, len, len, &need), ROT_OK) &&
          check_back(s, o, part, len);
    if (is_key && suite_offers(o, ROT_CAN_VERIFY))
        ok &= verify_with_stored(s, o, (enum rot_alg)place->alg, priv);
    return ok;
}

/* A compressed certificate is the driver's own test: here only that it refuses what is none. */
static int
refuse_no_certificate(struct suite *s, struct tested_object *o, const struct rot_place *place)
{
    size_t need = 0;

    memset(content, 0x5a, 64);
    return GIVES(s, o->name,
                 rot_object_write(&s->chip, o->object, (enum rot_part)place->part, 0, content, 64,
                                  64, &need),
                 ROT_E_FORMAT);
}

static int
run_part(struct suite *s, struct tested_object *o, enum rot_part part, enum outcome *ret_outcome)
{
    const struct rot_place *place = rot_layout_find(s->layout, o->object, part);
    size_t n = 0;
    rot_err rc;

    if (place == NULL || ROT_OBJECT_KIND(o->object) == ROT_KIND_COUNTER) {
        return GIVES(s, part_names[part], rot_object_size(&s->chip, o->object, part, &n),
                     ROT_E_UNSUPPORTED) &
               GIVES(s, part_names[part],
                     rot_object_write(&s->chip, o->object, part, 0, content, 1, 1, &n),
                     ROT_E_UNSUPPORTED);
    }
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0 || !suite_offers(o, ROT_CAN_WRITE)) {
        rc = rot_object_size(&s->chip, o->object, part, &n);
        return GIVES(s, o->name, rot_object_write(&s->chip, o->object, part, 0, content, 1, 1, &n),
                     ROT_E_UNSUPPORTED) &
               CHECK(s, o->name, rc == ROT_OK || rc == ROT_E_EMPTY);
    }
    if ((place->flags & ROT_PLACE_COMPRESSED) != 0) {
        *ret_outcome = IS_FORM;
        return refuse_no_certificate(s, o, place);
    }
    *ret_outcome = IS_YES;
    return fill_and_compare(s, o, place);
}

static void
run_bytes(struct suite *s, struct tested_object *o)
{
    static const enum rot_part parts[] = {ROT_PART_CERT, ROT_PART_CHAIN, ROT_PART_DATA};
    int has_places = o->cap.cert_size != 0 || o->cap.chain_size != 0 || o->cap.data_size != 0;
    enum outcome no = has_places ? IS_UNSUPPORTED : IS_NA, yes = IS_FORM;
    size_t n = 0;
    int ok = GIVES(s, o->name, rot_object_read(&s->chip, o->object, ROT_PART_KEY, 0, back, 8, &n),
                   ROT_E_UNSUPPORTED);

    for (size_t i = 0; i < 3; i++) {
        enum outcome one = IS_FORM;

        ok &= run_part(s, o, parts[i], &one);
        if (one == IS_YES)
            yes = IS_YES;
    }
    o->outcome[ROT_CAN_WRITE] = !ok ? IS_WRONG : (suite_offers(o, ROT_CAN_WRITE) ? yes : no);
    o->outcome[ROT_CAN_READ] = !ok ? IS_WRONG : (suite_offers(o, ROT_CAN_READ) ? IS_YES : no);
}

static void
run_counter(struct suite *s, struct tested_object *o)
{
    uint64_t before = 0, after = 0, again = 0;
    int ok;

    if (!suite_offers(o, ROT_CAN_COUNT)) {
        int counter = ROT_OBJECT_KIND(o->object) == ROT_KIND_COUNTER;

        ok = GIVES(s, o->name, rot_counter_read(&s->chip, o->object, &before),
                   counter ? ROT_E_UNSUPPORTED : ROT_E_ARG);
        o->outcome[ROT_CAN_COUNT] = !ok ? IS_WRONG : (counter ? IS_UNSUPPORTED : IS_NA);
        return;
    }
    ok = GIVES(s, o->name, rot_counter_read(&s->chip, o->object, &before), ROT_OK);
    for (int i = 0; i < 3; i++)
        ok &= GIVES(s, o->name, rot_counter_increment(&s->chip, o->object, &after), ROT_OK);
    ok &= GIVES(s, o->name, rot_counter_read(&s->chip, o->object, &again), ROT_OK);
    ok &= CHECK(s, o->name, after == before + 3 && again == after);
    o->outcome[ROT_CAN_COUNT] = ok ? IS_YES : IS_WRONG;
}

void
suite_run_stored(struct suite *s, struct tested_object *o)
{
    run_bytes(s, o);
    run_counter(s, o);
}
