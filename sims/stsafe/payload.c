/*
 * payload.c: curves, points and signatures inside payloads.
 *
 * A point is 04, then X and Y each with a two-byte length; on the 25519 curves
 * one such number.  r and s have lengths too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define OID_MAX      16
#define UNCOMPRESSED 0x04

enum sim_curve
stsafe_read_curve(const struct stsafe_chip *c, struct rs_reader *in)
{
    struct rs_bytes oid = rs_read_u16_bytes(in, OID_MAX);
    enum sim_curve curve;

    if (!rs_reader_ok(in))
        return SIM_CURVE_NONE;
    curve = sim_curve_of_oid(oid.p, oid.len);
    return c->spec->curves >> curve & 1u ? curve : SIM_CURVE_NONE;
}

/* One number, exactly as long as the curve's are. */
static void
read_number(struct rs_reader *in, uint8_t *p, size_t size)
{
    struct rs_bytes number = rs_read_u16_bytes(in, size);

    if (number.len != size)
        in->failed = 1;
    if (rs_reader_ok(in))
        memcpy(p, number.p, size);
}

void
stsafe_read_point(enum sim_curve curve, struct rs_reader *in, uint8_t point[SIM_POINT_MAX])
{
    const struct sim_curve_info *info = sim_curve_info(curve);

    if (info == NULL || (!info->is_25519 && rs_read_u8(in) != UNCOMPRESSED)) {
        in->failed = 1;
        return;
    }
    read_number(in, point, info->size);
    if (!info->is_25519)
        read_number(in, point + info->size, info->size);
}

void
stsafe_read_signature(enum sim_curve curve, struct rs_reader *in, uint8_t rs[SIM_POINT_MAX])
{
    const struct sim_curve_info *info = sim_curve_info(curve);

    if (info == NULL) {
        in->failed = 1;
        return;
    }
    read_number(in, rs, info->size);
    read_number(in, rs + info->size, info->size);
}

void
stsafe_put_curve(enum sim_curve curve, struct rs_buf *out)
{
    const struct sim_curve_info *info = sim_curve_info(curve);

    if (info != NULL)
        rs_buf_put_u16_bytes(out, rs_bytes_of(info->oid, info->oid_len));
}

void
stsafe_put_point(enum sim_curve curve, const uint8_t *point, struct rs_buf *out)
{
    const struct sim_curve_info *info = sim_curve_info(curve);

    if (info == NULL)
        return;
    if (!info->is_25519)
        rs_buf_put_u8(out, UNCOMPRESSED);
    rs_buf_put_u16_bytes(out, rs_bytes_of(point, info->size));
    if (!info->is_25519)
        rs_buf_put_u16_bytes(out, rs_bytes_of(point + info->size, info->size));
}

void
stsafe_put_signature(enum sim_curve curve, const uint8_t *rs, struct rs_buf *out)
{
    const struct sim_curve_info *info = sim_curve_info(curve);

    if (info == NULL)
        return;
    rs_buf_put_u16_bytes(out, rs_bytes_of(rs, info->size));
    rs_buf_put_u16_bytes(out, rs_bytes_of(rs + info->size, info->size));
}

int
stsafe_read_end(const struct rs_reader *in)
{
    return rs_reader_done(in) ? STSAFE_OK : STSAFE_U_LENGTH_STATUS;
}
