/*
 * codec.c: commands and answers as bytes.
 *
 * A command is built in the state, header first; what does not fit is left out
 * and found by stsafe_run().  Answers are read to their end, with nothing left
 * over: a part that says more or less than the command gives is not believed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stsafe.h"

/* ---- Commands --------------------------------------------------------------------- */

void
stsafe_begin(struct rot_chip *chip, enum stsafe_code code)
{
    struct stsafe_state *s = stsafe_of(chip);

    s->code = (uint16_t)code;
    s->tx_len = 0;
    s->is_too_big = 0;
    if ((unsigned)code > 0xffu)
        s->tx[s->tx_len++] = STSAFE_EXTENDED;
    s->tx[s->tx_len++] = (uint8_t)code;
}

void
stsafe_put(struct rot_chip *chip, const void *p, size_t len)
{
    struct stsafe_state *s = stsafe_of(chip);

    /* What the channel adds fits as well: padding, MAC and CRC. */
    if (len > STSAFE_BUFFER - 22u - s->tx_len) {
        s->is_too_big = 1;
        return;
    }
    if (len != 0)
        memcpy(s->tx + s->tx_len, p, len);
    s->tx_len += len;
}

void
stsafe_put_u8(struct rot_chip *chip, unsigned v)
{
    uint8_t b = (uint8_t)v;

    stsafe_put(chip, &b, 1);
}

void
stsafe_put_u16(struct rot_chip *chip, unsigned v)
{
    stsafe_put_u8(chip, v >> 8);
    stsafe_put_u8(chip, v);
}

void
stsafe_put_u32(struct rot_chip *chip, uint32_t v)
{
    stsafe_put_u16(chip, (unsigned)(v >> 16));
    stsafe_put_u16(chip, (unsigned)(v & 0xffffu));
}

void
stsafe_put_sized(struct rot_chip *chip, const void *p, size_t len)
{
    stsafe_put_u16(chip, (unsigned)len);
    stsafe_put(chip, p, len);
}

/* Section 3.1: the OIDs of RFC 5480 2.1.1.1. */
void
stsafe_put_curve(struct rot_chip *chip, enum rot_alg alg)
{
    static const uint8_t p256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};

    if (alg == ROT_ALG_P384)
        stsafe_put_sized(chip, p384, sizeof(p384));
    else
        stsafe_put_sized(chip, p256, sizeof(p256));
}

void
stsafe_put_point(struct rot_chip *chip, enum rot_alg alg, const uint8_t *point)
{
    size_t half = rot_alg_point_size(alg) / 2;

    stsafe_put_u8(chip, 0x04);
    stsafe_put_sized(chip, point, half);
    stsafe_put_sized(chip, point + half, half);
}

/* ---- Answers ------------------------------------------------------------------------ */

struct rot_bytes
stsafe_get(struct stsafe_reader *r, size_t len)
{
    struct rot_bytes b = {r->p, len};

#ifdef RS_PLANTED_BUG_stsafe_response
    if (r->is_bad || len > r->len + 1) {
#else
    if (r->is_bad || len > r->len) {
#endif
        r->is_bad = 1;
        return (struct rot_bytes){NULL, 0};
    }
    r->p += len;
    r->len -= len;
    return b;
}

uint32_t
stsafe_get_int(struct stsafe_reader *r, size_t bytes)
{
    struct rot_bytes b = stsafe_get(r, bytes);
    uint32_t v = 0;

    for (size_t i = 0; i < b.len; i++)
        v = v << 8 | b.p[i];
    return v;
}

static void
get_number(struct stsafe_reader *r, size_t half, uint8_t *out)
{
    struct rot_bytes b = stsafe_get(r, stsafe_get_int(r, 2));

    if (b.len == 0 || b.len > half) {
        r->is_bad = 1;
        return;
    }
    memset(out, 0, half - b.len);
    memcpy(out + half - b.len, b.p, b.len);
}

void
stsafe_get_pair(struct stsafe_reader *r, size_t half, uint8_t *out)
{
    get_number(r, half, out);
    get_number(r, half, out + half);
}

void
stsafe_get_point(struct stsafe_reader *r, enum rot_alg alg, uint8_t *point)
{
    if (stsafe_get_int(r, 1) != 0x04)
        r->is_bad = 1;
    stsafe_get_pair(r, rot_alg_point_size(alg) / 2, point);
}

rot_err
stsafe_get_end(const struct stsafe_reader *r)
{
    return r->is_bad || r->len != 0 ? ROT_E_FORMAT : ROT_OK;
}

/* ---- Query ----------------------------------------------------------------------------- */

/*
 * Mask and ST number: only these two entries are known by their tags, and what follows them is left
 * alone.
 */
rot_err
stsafe_read_product(struct stsafe_reader *r, uint8_t mask[3], uint8_t uid[STSAFE_UID],
                    uint8_t *ret_model)
{
    struct rot_bytes b = stsafe_get(r, 2 + 3 + 2 + STSAFE_UID);
    unsigned number;

    if (b.len == 0 || b.p[0] != 0x01 || b.p[1] != 3 || b.p[5] != 0x02 || b.p[6] != STSAFE_UID)
        return ROT_E_FORMAT;
    memcpy(mask, b.p + 2, 3);
    memcpy(uid, b.p + 7, STSAFE_UID);
    number = (unsigned)mask[1] << 8 | mask[2];
    if (number < 0x4000)
        return ROT_E_FORMAT;
    *ret_model = number >= 0x6000 ? STSAFE_A120 : (number >= 0x4600 ? STSAFE_A110 : STSAFE_A100);
    return ROT_OK;
}

/* A command that stands in no record is free.  Code (two bytes of an extended one), who, what. */
rot_err
stsafe_read_rules(struct stsafe_reader *r, struct stsafe_rules *rules)
{
    struct rot_bytes b = stsafe_get(r, 2); /* the right to change them; how many there are */

    memset(rules->who, STSAFE_RULE_FREE, sizeof(rules->who));
    memset(rules->hidden, 0, sizeof(rules->hidden));
    for (unsigned left = b.len != 0 ? b.p[1] : 0; left != 0 && !r->is_bad; left--) {
        unsigned code = stsafe_get_int(r, 1) & 0x1fu, set = code == STSAFE_EXTENDED;

        if (set)
            code = stsafe_get_int(r, 1);
        if (code > 0x1f)
            return ROT_E_FORMAT;
        b = stsafe_get(r, 2);
        if (b.len == 0)
            break;
        rules->who[set][code] = b.p[0];
        rules->hidden[set][code] = b.p[1];
    }
    return stsafe_get_end(r);
}

/* Number, type (0, or 1: a counter), access, size (2), and a counter's value (4). */
rot_err
stsafe_read_zone(struct stsafe_reader *r, unsigned zone, struct stsafe_zone *ret_zone)
{
    unsigned left = stsafe_get_int(r, 1);
    rot_err found = ROT_E_UNSUPPORTED;

    for (; left != 0; left--) {
        struct rot_bytes b = stsafe_get(r, 5);
        uint32_t counter;

        if (b.len == 0 || b.p[1] > 1)
            return ROT_E_FORMAT;
        counter = stsafe_get_int(r, b.p[1] != 0 ? 4 : 0);
        if (b.p[0] != zone)
            continue;
        *ret_zone = (struct stsafe_zone){.is_counter = b.p[1],
                                         .access = b.p[2] & 7u,
                                         .may_change = (b.p[2] & 8u) != 0,
                                         .counter = counter};
        found = ROT_OK;
    }
    return stsafe_get_end(r) != ROT_OK ? ROT_E_FORMAT : found;
}

/* ---- Status ------------------------------------------------------------------------------ */

/* Section 2; which condition gives which status is inferred from the names there. */
rot_err
stsafe_map_status(uint8_t status)
{
    static const int8_t map[32] = {
        [0x00] = ROT_OK,
        [0x01] = ROT_E_BUS,
        [0x04] = ROT_E_UNSUPPORTED,
        [0x07] = ROT_E_AUTH,        /* invalid session */
        [0x09] = ROT_E_STATE,       /* C-MAC counter exhausted */
        [0x0a] = ROT_E_EMPTY,       /* key not found */
        [0x0b] = ROT_E_STATE,       /* blocked */
        [0x0d] = ROT_E_STATE,       /* session counter */
        [0x0f] = ROT_E_STATE,       /* life cycle */
        [0x10] = ROT_E_UNSUPPORTED, /* entry not found: no such zone */
        [0x11] = ROT_E_AUTH,        /* access condition */
        [0x12] = ROT_E_UNSUPPORTED, /* wrong zone type: the layout has something else there */
        [0x13] = ROT_E_STATE,       /* counter at its limit */
        [0x16] = ROT_E_AUTH,        /* C-MAC */
        [0x19] = ROT_E_FORMAT,      /* invalid public key */
        [0x1a] = ROT_E_AUTH,        /* password blocked */
        [0x1b] = ROT_E_STATE,       /* usage limit */
        [0x1e] = ROT_E_AUTH,        /* not authorised */
    };

    if (status == STSAFE_OK)
        return ROT_OK;
    return status < sizeof(map) && map[status] != 0 ? (rot_err)map[status] : ROT_E_CHIP;
}
