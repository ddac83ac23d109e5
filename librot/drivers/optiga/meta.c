/*
 * meta.c: metadata of objects, as pure functions.
 *
 *   20 | length (1) | TLVs with lengths of one byte, in any order
 *
 * A condition is a row of simple ones joined by FD (and) and FE (or) (SRM,
 * access conditions).  Of all that can be said so, the driver understands what
 * it writes itself and what parts come with; anything else it takes for never.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

#define TAG_OUTER   0x20u
#define TAG_LIFE    0xc0u
#define TAG_MAX     0xc4u
#define TAG_USED    0xc5u
#define TAG_CHANGE  0xd0u
#define TAG_READ    0xd1u
#define TAG_EXECUTE 0xd3u
#define TAG_ALG     0xe0u

static rot_err
take_uint(struct rot_bytes value, uint16_t *ret_value)
{
    if (value.len != 1 && value.len != 2)
        return ROT_E_FORMAT;
    *ret_value = value.len == 1 ? value.p[0] : (uint16_t)((unsigned)value.p[0] << 8 | value.p[1]);
    return ROT_OK;
}

static rot_err
take_u8(struct rot_bytes value, uint8_t *ret_value)
{
    if (value.len != 1)
        return ROT_E_FORMAT;
    *ret_value = value.p[0];
    return ROT_OK;
}

static rot_err
take_field(uint8_t tag, struct rot_bytes value, struct optiga_meta *m)
{
    switch (tag) {
    case TAG_LIFE:
        return take_u8(value, &m->life);
    case TAG_MAX:
        return take_uint(value, &m->max);
    case TAG_USED:
        return take_uint(value, &m->used);
    case TAG_CHANGE:
        m->change = value;
        return ROT_OK;
    case TAG_READ:
        m->read = value;
        return ROT_OK;
    case TAG_EXECUTE:
        m->execute = value;
        return ROT_OK;
    case TAG_ALG:
        return take_u8(value, &m->alg);
    default:
        return ROT_OK;
    }
}

rot_err
optiga_meta_read(struct rot_bytes in, struct optiga_meta *ret_meta)
{
    struct optiga_meta m = {.life = OPTIGA_LIFE_OPERATIONAL, .used = UINT16_MAX};
    const uint8_t *p = in.p;

    if (in.len < 2 || in.len > OPTIGA_META_MAX || p[0] != TAG_OUTER || p[1] != in.len - 2)
        return ROT_E_FORMAT;
    p += 2;
    for (size_t left = in.len - 2; left != 0;) {
        rot_err rc;

        if (left < 2 || p[1] > left - 2)
            return ROT_E_FORMAT;
        rc = take_field(p[0], (struct rot_bytes){p + 2, p[1]}, &m);
        if (rc != ROT_OK)
            return rc;
        left -= 2u + p[1];
        p += 2u + p[1];
    }
    if (m.used == UINT16_MAX)
        m.used = m.max;
    if (m.used > m.max)
        return ROT_E_FORMAT;
    *ret_meta = m;
    return ROT_OK;
}

int
optiga_is_condition(struct rot_bytes have, struct rot_bytes want)
{
    return have.len == want.len && memcmp(have.p, want.p, want.len) == 0;
}

static int
has_term(struct rot_bytes condition, const uint8_t term[3])
{
    for (size_t i = 0; i + 3 <= condition.len; i++) {
        if (memcmp(condition.p + i, term, 3) == 0)
            return 1;
    }
    return 0;
}

rot_err
optiga_meta_allows(const struct optiga_meta *meta, struct rot_bytes condition, int has_channel)
{
    static const uint8_t before[3] = {0xe1, 0xfc, OPTIGA_LIFE_OPERATIONAL};
    static const uint8_t channel[3] = {0x20, OPTIGA_OID_BINDING >> 8, OPTIGA_OID_BINDING & 0xff};

    if (condition.len == 1 && condition.p[0] == 0)
        return ROT_OK;
    if (has_term(condition, before) && meta->life < OPTIGA_LIFE_OPERATIONAL)
        return ROT_OK;
    if (has_term(condition, channel))
        return has_channel ? ROT_OK : ROT_E_AUTH;
    return ROT_E_STATE;
}
