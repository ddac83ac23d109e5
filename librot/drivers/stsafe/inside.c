/*
 * inside.c: secrets in the symmetric slots of an A120, which computes with them itself.
 *
 * A slot's key is for one mode, so a session has two slots: HKDF and HMAC, or CMAC
 * and GCM.  What was agreed comes from the host, for the part gives it out, and is
 * written; what is derived from it goes from slots to slots, and the part says which
 * it chose.  Slots 0 to 7 are for sessions: what an earlier conversation left there
 * is erased before the first is used, so that there are always empty ones to choose.
 *
 * How keys are described to the part is not in the reference's section 3.1; it is as
 * ST's host library (section 0) sends it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

#define SLOTS   8u /* of sessions */
#define ALL     16u
#define NO_SLOT 0xffu

#define UNLOCKED     0x00u
#define TYPE_AES128  0x00u
#define TYPE_GENERIC 0x02u

#define FROM_COMMAND 0x00u
#define IN_SLOT      0x02u
#define EXTRACT      0x02u
#define EXPAND       0x01u

#define MAC_OF_MESSAGE 0x03u
#define CIPHER         0x02u
#define TAG            16u

/* What a session's two slots are for. */
struct role {
    uint8_t mode, usage, limit;
};

#define HKDF {0x04, 0x40, 0x00} /* derives; results stay */
#define HMAC {0x05, 0x03, 0x10}
#define CMAC {0x01, 0x03, 0x10}
#define GCM  {0x03, 0x0c, TAG}

static int
is_generic(const struct rot_place *place)
{
    return place->alg == ROT_ALG_HMAC_SHA256;
}

static struct role
role_of(const struct rot_place *place, unsigned which)
{
    static const struct role roles[2][STSAFE_ROLES] = {{CMAC, GCM}, {HKDF, HMAC}};

    return roles[is_generic(place)][which];
}

/* ---- Which slots are whose -------------------------------------------------------------- */

static struct stsafe_inside *
find(struct rot_chip *chip, rot_object object)
{
    struct stsafe_state *s = stsafe_of(chip);

    for (unsigned i = 0; i < STSAFE_INSIDES; i++) {
        if (s->inside[i].object == object)
            return &s->inside[i];
    }
    return NULL;
}

static int
is_in_use(struct rot_chip *chip, unsigned slot)
{
    const struct stsafe_state *s = stsafe_of(chip);

    for (unsigned i = 0; i < STSAFE_INSIDES; i++) {
        if (s->inside[i].object != 0 &&
            (s->inside[i].slots[0] == slot || s->inside[i].slots[1] == slot))
            return 1;
    }
    return 0;
}

static rot_err
erase(struct rot_chip *chip, unsigned slot)
{
    rot_err rc;

    stsafe_begin(chip, STSAFE_ERASE_SYMMETRIC);
    stsafe_put_u8(chip, slot);
    rc = stsafe_run_plain(chip);
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

/* Every slot of sessions that is nobody's. */
static rot_err
tidy(struct rot_chip *chip)
{
    struct stsafe_state *s = stsafe_of(chip);
    rot_err rc = ROT_OK;

    for (unsigned slot = 0; slot < SLOTS && rc == ROT_OK && !s->is_tidy; slot++) {
        if (!is_in_use(chip, slot))
            rc = erase(chip, slot);
    }
    s->is_tidy = rc == ROT_OK;
    return rc;
}

/* In place of what the object had, whose slots are erased. */
static rot_err
take_over(struct rot_chip *chip, const struct rot_place *place, const uint8_t slots[STSAFE_ROLES])
{
    struct stsafe_inside *to = find(chip, place->object);
    uint8_t old[STSAFE_ROLES] = {NO_SLOT, NO_SLOT};
    rot_err rc = ROT_OK;

    if (to != NULL)
        memcpy(old, to->slots, STSAFE_ROLES);
    else
        to = find(chip, 0);
    if (to == NULL)
        return ROT_E_SPACE;
    to->object = place->object;
    memcpy(to->slots, slots, STSAFE_ROLES);
    for (unsigned i = 0; i < STSAFE_ROLES && rc == ROT_OK; i++) {
        if (old[i] != NO_SLOT)
            rc = erase(chip, old[i]);
    }
    return rc;
}

rot_err
stsafe_inside_delete(struct rot_chip *chip, const struct rot_place *place)
{
    struct stsafe_inside *e = find(chip, place->object);
    rot_err rc;

    if (e == NULL)
        return ROT_E_EMPTY;
    rc = erase(chip, e->slots[0]);
    if (rc == ROT_OK)
        rc = erase(chip, e->slots[1]);
    if (rc == ROT_OK)
        e->object = 0;
    return rc;
}

/* ---- Keys go in ---------------------------------------------------------------------------- */

/* Lock, slot where the host says it, type, mode, usage, limit, length. */
static void
put_information(struct rot_chip *chip, const struct rot_place *place, unsigned which, unsigned slot,
                size_t len)
{
    const struct role r = role_of(place, which);

    stsafe_put_u8(chip, UNLOCKED);
    if (slot != NO_SLOT)
        stsafe_put_u8(chip, slot);
    stsafe_put_u8(chip, is_generic(place) ? TYPE_GENERIC : TYPE_AES128);
    stsafe_put_u8(chip, r.mode);
    stsafe_put_u16(chip, r.usage);
    stsafe_put_u8(chip, r.limit);
    if (is_generic(place))
        stsafe_put_u8(chip, (unsigned)len);
}

static int
is_size_for(const struct rot_place *place, size_t len)
{
    return is_generic(place) ? len >= 16 && len <= 32 : len == 16;
}

rot_err
stsafe_inside_keep(struct rot_chip *chip, const struct rot_place *place, const uint8_t *secret,
                   size_t len)
{
    uint8_t slots[STSAFE_ROLES];
    unsigned slot = 0;
    rot_err rc = is_size_for(place, len) ? tidy(chip) : ROT_E_UNSUPPORTED;

    for (unsigned i = 0; i < STSAFE_ROLES && rc == ROT_OK; i++, slot++) {
        while (is_in_use(chip, slot))
            slot++;
        slots[i] = (uint8_t)slot;
        stsafe_begin(chip, STSAFE_WRITE_SYMMETRIC);
        put_information(chip, place, i, slot, len);
        stsafe_put(chip, secret, len);
        stsafe_of(chip)->is_tidy = 0;
        rc = stsafe_run_plain(chip);
    }
    if (rc == ROT_OK)
        rc = take_over(chip, place, slots);
    stsafe_of(chip)->is_tidy = rc == ROT_OK;
    return rc;
}

/* One key of the derivation's output into a slot of the part's choice. */
static rot_err
derive_one(struct rot_chip *chip, unsigned from, const struct rot_kdf_params *params,
           const struct rot_place *into, unsigned which, uint8_t *ret_slot)
{
    static const uint8_t sha256[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
    int extract = params->kdf == ROT_KDF_HKDF_SHA256;
    struct stsafe_reader r;
    rot_err rc;

    stsafe_begin(chip, STSAFE_DERIVE);
    stsafe_put_u8(chip, IN_SLOT);
    stsafe_put_u8(chip, from);
    stsafe_put_u8(chip, extract ? EXTRACT | EXPAND : EXPAND);
    stsafe_put_sized(chip, sha256, sizeof(sha256));
    if (extract) {
        stsafe_put_u8(chip, FROM_COMMAND);
        stsafe_put_sized(chip, params->salt.p, params->salt.len);
    }
    stsafe_put_sized(chip, params->info.p, params->info.len);
    stsafe_put_u16(chip, is_generic(into) ? 8 : 7);
    stsafe_put_u8(chip, IN_SLOT);
    put_information(chip, into, which, NO_SLOT, params->out_len);
    rc = stsafe_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    *ret_slot = (uint8_t)stsafe_get_int(&r, 1);
    /* A slot of another session would be that session's end. */
    return stsafe_get_end(&r) == ROT_OK && *ret_slot < ALL && !is_in_use(chip, *ret_slot)
               ? ROT_OK
               : ROT_E_FORMAT;
}

rot_err
stsafe_inside_derive(struct rot_chip *chip, const struct rot_place *from,
                     const struct rot_kdf_params *params, const struct rot_place *into)
{
    const struct stsafe_inside *e = find(chip, from->object);
    uint8_t slots[STSAFE_ROLES] = {NO_SLOT, NO_SLOT};
    rot_err rc;

    if (!is_generic(from) || !is_size_for(into, params->out_len) ||
        (params->kdf != ROT_KDF_HKDF_SHA256 && params->kdf != ROT_KDF_HKDF_EXPAND))
        return ROT_E_UNSUPPORTED;
    if (e == NULL)
        return ROT_E_EMPTY;
    rc = tidy(chip);
    for (unsigned i = 0; i < STSAFE_ROLES && rc == ROT_OK; i++) {
        stsafe_of(chip)->is_tidy = 0;
        rc = derive_one(chip, e->slots[0], params, into, i, &slots[i]);
    }
    if (rc == ROT_OK)
        rc = slots[0] == slots[1] ? ROT_E_FORMAT : take_over(chip, into, slots);
    stsafe_of(chip)->is_tidy = rc == ROT_OK;
    return rc;
}

/* ---- And are used ---------------------------------------------------------------------------- */

rot_err
stsafe_inside_mac(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes msg,
                  uint8_t *mac, size_t len)
{
    const struct stsafe_inside *e = find(chip, place->object);

    if (e == NULL)
        return ROT_E_EMPTY;
    stsafe_begin(chip, STSAFE_GENERATE_MAC);
    stsafe_put_u8(chip, MAC_OF_MESSAGE);
    stsafe_put_u8(chip, e->slots[is_generic(place) ? 1 : 0]);
    stsafe_put_u8(chip, (unsigned)len);
    stsafe_put(chip, msg.p, msg.len); /* what fits in one frame: ROT_E_ARG beyond that */
    return stsafe_run_into(chip, mac, len);
}

static rot_err
take_text(struct stsafe_reader *r, int seal, size_t len, uint8_t *out)
{
    struct rot_bytes b;

    if (!seal && stsafe_get_int(r, 1) != 1)
        return stsafe_get_end(r) == ROT_OK ? ROT_E_MISMATCH : ROT_E_FORMAT;
    b = stsafe_get(r, len);
    if (stsafe_get_end(r) != ROT_OK)
        return ROT_E_FORMAT;
    if (len != 0)
        memcpy(out, b.p, len);
    return ROT_OK;
}

/* in and out end with the tag, in whichever direction it is; one frame, as with MACs. */
rot_err
stsafe_inside_aead(struct rot_chip *chip, const struct rot_place *place, int seal,
                   struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
                   size_t *ret_len)
{
    const struct stsafe_inside *e = find(chip, place->object);
    size_t text = seal ? in.len : in.len - TAG, len = seal ? in.len + TAG : text;
    struct stsafe_reader r;
    rot_err rc;

    if (e == NULL)
        return ROT_E_EMPTY;
    stsafe_begin(chip, seal ? STSAFE_ENCRYPT : STSAFE_DECRYPT);
    stsafe_put_u8(chip, CIPHER);
    stsafe_put_u8(chip, e->slots[1]);
    stsafe_put_sized(chip, nonce.p, nonce.len);
    stsafe_put_sized(chip, aad.p, aad.len);
    stsafe_put_u16(chip, (unsigned)text);
    stsafe_put(chip, in.p, in.len);
    rc = stsafe_run(chip, &r);
    if (rc == ROT_OK)
        rc = take_text(&r, seal, len, out);
    if (rc == ROT_OK)
        *ret_len = len;
    rot_wipe_memory(stsafe_of(chip)->rx, sizeof(stsafe_of(chip)->rx));
    return rc;
}
