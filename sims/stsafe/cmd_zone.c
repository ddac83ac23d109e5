/*
 * cmd_zone.c: Read, Update, Decrement: the data partition.
 *
 * Each of the three may also change the access condition that it works under,
 * when the zone's change right allows it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define TYPE_COUNTER 1

#define OPTION_ATOMIC       0x80u
#define OPTION_CHANGE       0x10u
#define OPTION_CHANGE_RIGHT 0x08u
#define OPTION_ACCESS       0x07u

/* Reading has the upper half of the access byte, writing the lower. */
enum half {
    HALF_UPDATE = 0,
    HALF_READ = 4,
};

#define HALF_ACCESS(byte, half) ((unsigned)(byte) >> (half) & 0x07u)
#define HALF_CHANGE(byte, half) ((unsigned)(byte) >> (half) & 0x08u)

struct zone_request {
    unsigned option;
    struct stsafe_zone *zone;
    size_t offset;
};

/* An authenticated host has the host's keys, and an entity has answered the part's challenge. */
static int
check_access(const struct stsafe_chip *c, unsigned access, const struct stsafe_command *cmd)
{
    switch (access) {
    case STSAFE_ZONE_ALWAYS:
        return STSAFE_OK;
    case STSAFE_ZONE_HOST:
        return cmd->host ? STSAFE_OK : STSAFE_ACCESS;
    case STSAFE_ZONE_AUTHENTICATED:
        return cmd->host && c->v.entity_answered ? STSAFE_OK : STSAFE_ACCESS;
    default:
        return STSAFE_ACCESS;
    }
}

static int
check_change(unsigned byte, enum half half, unsigned option)
{
    unsigned wanted = option & OPTION_ACCESS;

    if (!(option & OPTION_CHANGE))
        return option & (OPTION_ACCESS | OPTION_CHANGE_RIGHT) ? STSAFE_U_RANGE_STATUS : STSAFE_OK;
    if (wanted != STSAFE_ZONE_ALWAYS && wanted != STSAFE_ZONE_HOST &&
        wanted != STSAFE_ZONE_AUTHENTICATED && wanted != STSAFE_ZONE_NEVER)
        return STSAFE_U_RANGE_STATUS;
    if (!HALF_CHANGE(byte, half) ||
        (STSAFE_U_ACCESS_ONLY_STRICTER && wanted < HALF_ACCESS(byte, half)))
        return STSAFE_ACCESS;
    return STSAFE_OK;
}

/* Option, zone, offset; may the command do this to the zone at all? */
static int
read_request(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
             enum half half, struct zone_request *r)
{
    unsigned allowed = OPTION_CHANGE | OPTION_CHANGE_RIGHT | OPTION_ACCESS;
    unsigned index;
    int status;

    r->option = rs_read_u8(in);
    index = rs_read_u8(in);
    r->offset = rs_read_u16(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (index >= c->nvm.zone_count)
        return STSAFE_U_NO_ZONE_STATUS;
    r->zone = &c->nvm.zones[index];
    status = check_access(c, HALF_ACCESS(r->zone->access, half), cmd);
    if (status != STSAFE_OK)
        return status;
    if (r->option & ~(allowed | (half == HALF_UPDATE ? OPTION_ATOMIC : 0u)))
        return STSAFE_U_RANGE_STATUS;
    return check_change(r->zone->access, half, r->option);
}

static int
check_range(const struct zone_request *r, size_t len)
{
    return r->offset + len <= r->zone->size ? STSAFE_OK : STSAFE_BOUNDARY;
}

/* The new access condition, if one was sent; last, so that a cut before it changes nothing. */
static int
apply_change(struct stsafe_chip *c, const struct zone_request *r, enum half half)
{
    unsigned byte = r->zone->access & ~(0x0Fu << half);
    uint8_t changed = (uint8_t)(byte | (r->option & (OPTION_CHANGE_RIGHT | OPTION_ACCESS)) << half);

    if (!(r->option & OPTION_CHANGE))
        return STSAFE_OK;
    return stsafe_store_whole(c, &r->zone->access, &changed, 1);
}

int
stsafe_do_read(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    struct zone_request r;
    int status = read_request(c, cmd, in, HALF_READ, &r);
    size_t len = rs_read_u16(in);

    if (status == STSAFE_OK)
        status = stsafe_read_end(in);
    if (status == STSAFE_OK)
        status = check_range(&r, len);
    if (status != STSAFE_OK)
        return status;
    if (r.zone->type == TYPE_COUNTER)
        rs_buf_put_u32(out, r.zone->counter);
    rs_buf_put(out, c->nvm.memory + r.zone->at + r.offset, len);
    return rs_buf_ok(out) ? apply_change(c, &r, HALF_READ) : STSAFE_U_LONG_FRAME_STATUS;
}

static int
write_data(struct stsafe_chip *c, const struct zone_request *r, struct rs_bytes data)
{
    uint8_t *at = c->nvm.memory + r->zone->at + r->offset;

    if (data.len == 0)
        return STSAFE_OK;
    if (r->option & OPTION_ATOMIC)
        return stsafe_store_whole(c, at, data.p, data.len);
    return stsafe_store(c, at, data.p, data.len);
}

int
stsafe_do_update(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    struct zone_request r;
    struct rs_bytes data;
    int status = read_request(c, cmd, in, HALF_UPDATE, &r);

    (void)out;
    if (status != STSAFE_OK)
        return status;
    data = rs_read_bytes(in, in->left);
    if (r.option & OPTION_ATOMIC && data.len > STSAFE_U_ATOMIC_MAX)
        return STSAFE_U_LONG_ATOMIC_STATUS;
    status = check_range(&r, data.len);
    /* Beside a counter bytes change with it only; its access condition changes either way. */
    if (status == STSAFE_OK && data.len > 0 && r.zone->type == TYPE_COUNTER)
        status = STSAFE_ZONE_TYPE;
    if (status == STSAFE_OK)
        status = write_data(c, &r, data);
    return status == STSAFE_OK ? apply_change(c, &r, HALF_UPDATE) : status;
}

int
stsafe_do_decrement(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    struct zone_request r;
    struct rs_bytes data;
    uint32_t amount, left;
    int status = read_request(c, cmd, in, HALF_UPDATE, &r);

    amount = rs_read_u32(in);
    data = rs_read_bytes(in, in->left);
    if (status != STSAFE_OK)
        return status;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (r.zone->type != TYPE_COUNTER)
        return STSAFE_ZONE_TYPE;
    if (r.option & OPTION_ATOMIC)
        return STSAFE_U_RANGE_STATUS;
    if (amount > r.zone->counter)
        return STSAFE_COUNTER_LIMIT;
    status = check_range(&r, data.len);
    if (status != STSAFE_OK)
        return status;
    left = r.zone->counter - amount;
    status = stsafe_store_whole(c, &r.zone->counter, &left, sizeof(left));
    if (status == STSAFE_OK)
        status = write_data(c, &r, data);
    if (status != STSAFE_OK)
        return status;
    rs_buf_put_u32(out, left);
    return apply_change(c, &r, HALF_UPDATE);
}
