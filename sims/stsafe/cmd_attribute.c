/*
 * cmd_attribute.c: Query and Put attribute.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

enum {
    TAG_ENVELOPE_TABLE = 0x07,
    TAG_LIFE_CYCLE = 0x08,
    TAG_I2C = 0x0A,
    TAG_PUBLIC_KEY_A1XX = 0x0B,
    TAG_PRODUCT = 0x11,
    TAG_PARTITION = 0x12,
    TAG_PRIVATE_TABLE = 0x14,
    TAG_HOST_KEY_V1 = 0x17,
    TAG_SYMMETRIC_TABLE = 0x23,
    TAG_COMMANDS = 0x24,
    TAG_HOST_KEY_V2 = 0x47,
    TAG_PUBLIC_TABLE = 0x48,
    TAG_HOST_CONTROL = 0x4A,
    TAG_SYMMETRIC_CONTROL = 0x4B,
    TAG_PUBLIC_KEY = 0x4C,
    TAG_PUBLIC_RIGHTS = 0x4D,
};

#define A1XX (1u << STSAFE_A100 | 1u << STSAFE_A110)
#define A120 (1u << STSAFE_A120)
#define ALL  (A1XX | A120)

/* What a real A110 said of itself; the later parts say the same here. */
#define TEST_DATE       37649
#define PRODUCT_VERSION 69
#define MODULE_DATE     37713
#define TYPE_COUNTER    1

typedef int attribute_handler(struct stsafe_chip *c, const struct stsafe_command *cmd,
                              struct rs_reader *in, struct rs_buf *out);

/* ---- Query ------------------------------------------------------------------------------- */

static void
put_field(struct rs_buf *out, unsigned *tag, uint32_t value, size_t len)
{
    rs_buf_put_u8(out, (*tag)++);
    rs_buf_put_u8(out, (unsigned)len);
    while (len-- > 0)
        rs_buf_put_u8(out, value >> (8 * len) & 0xFFu);
}

static int
query_product(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    const struct stsafe_spec *spec = c->spec;
    unsigned tag = STSAFE_U_PRODUCT_TAGS_FROM;

    (void)cmd;
    (void)in;
    if (spec->kind == STSAFE_A120) {
        STSAFE_U_NVM_A120_NOTED;
    } else if (spec->kind == STSAFE_A100) {
        STSAFE_U_NVM_A100_NOTED;
        STSAFE_U_MASK_A100_NOTED;
    }
    rs_buf_put(out, (const uint8_t[]){0x01, sizeof(spec->mask_id)}, 2);
    rs_buf_put(out, spec->mask_id, sizeof(spec->mask_id));
    rs_buf_put(out, (const uint8_t[]){0x02, STSAFE_NUMBER_SIZE}, 2);
    rs_buf_put(out, c->nvm.number, STSAFE_NUMBER_SIZE);
    put_field(out, &tag, spec->frame_max, 2);
    put_field(out, &tag, STSAFE_U_ATOMIC_MAX, 2);
    put_field(out, &tag, spec->nvm_size, 2);
    put_field(out, &tag, TEST_DATE, 2);
    put_field(out, &tag, PRODUCT_VERSION, 1);
    put_field(out, &tag, MODULE_DATE, 2);
    for (unsigned i = 0; i < spec->extra_fields; i++)
        put_field(out, &tag, 0, 3);
    return STSAFE_OK;
}

static int
query_life_cycle(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put_u8(out, c->nvm.life_cycle);
    return STSAFE_OK;
}

static int
query_i2c(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
          struct rs_buf *out)
{
    const struct stsafe_i2c *i2c = &c->nvm.i2c;
    const uint8_t all[3] = {i2c->address, i2c->flags, 0};

    (void)cmd;
    (void)in;
    rs_buf_put(out, all, STSAFE_U_I2C_LEN);
    return STSAFE_OK;
}

static int
query_partition(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    STSAFE_U_ZONE_ACCESS_NOTED;
    STSAFE_U_COUNTER_VALUE_NOTED;
    rs_buf_put_u8(out, c->nvm.zone_count);
    for (unsigned i = 0; i < c->nvm.zone_count; i++) {
        const struct stsafe_zone *z = &c->nvm.zones[i];

        rs_buf_put(out, (const uint8_t[]){(uint8_t)i, z->type, z->access}, 3);
        rs_buf_put_u16(out, z->size);
        if (z->type == TYPE_COUNTER)
            rs_buf_put_u32(out, z->counter);
    }
    return STSAFE_OK;
}

static int
query_private(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put(out, (const uint8_t[]){c->spec->private_slots, 0}, 2);
    rs_buf_put_u16(out, STSAFE_UNLIMITED);
    for (unsigned slot = 0; slot < c->spec->private_slots; slot++) {
        const struct stsafe_private *k = &c->nvm.private_keys[slot];

        rs_buf_put_u8(out, slot);
        rs_buf_put_u8(out, k->curve != SIM_CURVE_NONE);
        rs_buf_put_u16(out, k->mode);
        stsafe_put_curve(k->curve, out);
    }
    return STSAFE_OK;
}

static int
query_public(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
             struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put_u8(out, c->spec->public_slots);
    for (unsigned slot = 0; slot < c->spec->public_slots; slot++) {
        const struct stsafe_public *k = &c->nvm.public_keys[slot];

        rs_buf_put_u8(out, slot);
        rs_buf_put_u8(out, k->curve != SIM_CURVE_NONE);
        stsafe_put_curve(k->curve, out);
    }
    return STSAFE_OK;
}

/* The A100 and A110 have one slot and name none. */
static int
query_public_key(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    unsigned slot = c->spec->kind == STSAFE_A120 ? rs_read_u8(in) : 0;
    const struct stsafe_public *k = &c->nvm.public_keys[slot % STSAFE_PUBLIC_MAX];

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (slot >= c->spec->public_slots)
        return STSAFE_U_RANGE_STATUS;
    rs_buf_put_u8(out, k->curve != SIM_CURVE_NONE);
    if (c->spec->kind == STSAFE_A120)
        rs_buf_put_u16(out, k->rights);
    stsafe_put_curve(k->curve, out);
    stsafe_put_point(k->curve, k->point, out);
    return STSAFE_OK;
}

static int
query_symmetric(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put_u8(out, c->spec->symmetric_slots);
    for (unsigned slot = 0; slot < c->spec->symmetric_slots; slot++) {
        const struct stsafe_symmetric *k = &c->nvm.symmetric[slot];

        rs_buf_put_u8(out, k->present | (unsigned)k->lock << 1);
        if (!k->present)
            continue;
        rs_buf_put(out, (const uint8_t[]){k->type, k->mode, 0, k->usage}, 4);
        if (k->mode != STSAFE_MODE_ECB)
            rs_buf_put_u8(out, k->limit);
        if (k->mode == STSAFE_MODE_CCM)
            rs_buf_put_u8(out, 0); /* no counter */
    }
    return STSAFE_OK;
}

static int
query_envelopes(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put_u8(out, STSAFE_ENVELOPE_MAX);
    for (unsigned slot = 0; slot < STSAFE_ENVELOPE_MAX; slot++) {
        uint8_t len = c->nvm.envelope[slot].len;

        rs_buf_put(out, (const uint8_t[]){(uint8_t)slot, len > 0, len}, len > 0 ? 3 : 2);
    }
    return STSAFE_OK;
}

static int
query_commands(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put(out, (const uint8_t[]){c->nvm.record_change, c->nvm.record_count}, 2);
    for (unsigned i = 0; i < c->nvm.record_count; i++) {
        const struct stsafe_record *r = &c->nvm.records[i];

        rs_buf_put_u8(out, r->code);
        if (r->code == STSAFE_EXTENDED)
            rs_buf_put_u8(out, r->extended);
        rs_buf_put(out, (const uint8_t[]){r->access, r->encrypted}, 2);
    }
    return STSAFE_OK;
}

static int
query_host_v1(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put_u8(out, c->nvm.host.len > 0);
    rs_buf_put_u8(out, c->nvm.host.counter >> 16 & 0xFFu);
    rs_buf_put_u16(out, c->nvm.host.counter & 0xFFFFu);
    return STSAFE_OK;
}

static int
query_host_v2(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    const struct stsafe_host_key *k = &c->nvm.host;

    (void)cmd;
    (void)in;
    rs_buf_put_u8(out, k->len > 0);
    rs_buf_put_u8(out, k->len > 0 ? k->type : (unsigned)STSAFE_U_HOST_TYPE_NONE);
    rs_buf_put_u32(out, k->counter);
    return STSAFE_OK;
}

static int
query_host_control(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    (void)cmd;
    (void)in;
    rs_buf_put(out, (const uint8_t[]){c->nvm.host_control.flags, c->nvm.host_control.slot}, 2);
    return STSAFE_OK;
}

static int
query_symmetric_control(struct stsafe_chip *c, const struct stsafe_command *cmd,
                        struct rs_reader *in, struct rs_buf *out)
{
    unsigned slot = rs_read_u8(in);
    const struct stsafe_control *k = &c->nvm.symmetric_control[slot % STSAFE_SYMMETRIC_MAX];

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (slot >= c->spec->symmetric_slots)
        return STSAFE_U_RANGE_STATUS;
    rs_buf_put(out, (const uint8_t[]){k->flags, k->slot, k->other_slot}, 3);
    return STSAFE_OK;
}

/* ---- Put attribute ------------------------------------------------------------------------ */

/* Forward only, and not out of a locked or terminated state. */
static int
put_life_cycle(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    uint8_t wanted = (uint8_t)rs_read_u8(in), now = c->nvm.life_cycle;
    unsigned state = wanted & ~STSAFE_U_LIFE_CYCLE_LOCK;
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (state < STSAFE_BORN || state > STSAFE_TERMINATED)
        return STSAFE_U_RANGE_STATUS;
    if (now & STSAFE_U_LIFE_CYCLE_LOCK || state < now || wanted == now)
        return STSAFE_LIFE_CYCLE;
    return stsafe_store_whole(c, &c->nvm.life_cycle, &wanted, 1);
}

static int
put_i2c(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
        struct rs_buf *out)
{
    struct stsafe_i2c wanted = c->nvm.i2c;
    int status;

    (void)cmd;
    (void)out;
    wanted.address = (uint8_t)rs_read_u8(in);
    wanted.flags = (uint8_t)rs_read_u8(in);
    (void)rs_read_bytes(in, STSAFE_U_I2C_LEN - 2);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    /* Addresses 00-07 and 78-7F are not for parts (I2C 3.1.12). */
    if (wanted.address & 1u || wanted.address >> 1 < 0x08 || wanted.address >> 1 > 0x77)
        return STSAFE_U_RANGE_STATUS;
    if (c->nvm.i2c.flags & STSAFE_U_I2C_LOCK)
        return STSAFE_ACCESS;
    return stsafe_store_whole(c, &c->nvm.i2c, &wanted, sizeof(wanted));
}

static int
put_public_key(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    struct stsafe_public key = {.curve = stsafe_read_curve(c, in)};
    int status;

    (void)cmd;
    (void)out;
    if (rs_reader_ok(in) && key.curve == SIM_CURVE_NONE)
        return STSAFE_U_RANGE_STATUS;
    stsafe_read_point(key.curve, in, key.point);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (!sim_curve_point_ok(key.curve, key.point))
        return STSAFE_INVALID_PUBLIC;
    return stsafe_store_whole(c, &c->nvm.public_keys[0], &key, sizeof(key));
}

/* Slot, two bytes of what its key may sign for. */
static int
put_public_rights(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                  struct rs_buf *out)
{
    unsigned slot = rs_read_u8(in), rights = rs_read_u16(in);
    struct stsafe_public *key = &c->nvm.public_keys[slot % STSAFE_PUBLIC_MAX];
    uint8_t wanted = (uint8_t)rights;
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (slot >= c->spec->public_slots || rights > STSAFE_U_PUBLIC_RIGHTS)
        return STSAFE_U_RANGE_STATUS;
    if (!(key->rights & STSAFE_PUBLIC_CHANGE))
        return STSAFE_ACCESS;
    return stsafe_store_whole(c, &key->rights, &wanted, 1);
}

/* MAC key, then cipher key, 16 bytes each. */
static int
put_host_v1(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
            struct rs_buf *out)
{
    struct rs_bytes keys = rs_read_bytes(in, 32);
    int status = stsafe_read_end(in);

    (void)out;
    if (status != STSAFE_OK)
        return status;
    return stsafe_host_key_write(c, cmd, c->nvm.host_control.flags & STSAFE_CONTROL_PLAIN,
                                 STSAFE_U_HOST_TYPE_AES128, keys);
}

static int
put_control(struct stsafe_chip *c, struct rs_reader *in, struct stsafe_control *control,
            unsigned change)
{
    int is_host = control == &c->nvm.host_control;
    struct stsafe_control wanted = {.flags = (uint8_t)rs_read_u8(in)};
    int status;

    wanted.slot = (uint8_t)rs_read_u8(in);
    if (!is_host)
        wanted.other_slot = (uint8_t)rs_read_u8(in);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (wanted.flags > (is_host ? 0x0F : 0x3F))
        return STSAFE_U_RANGE_STATUS;
    if (!(control->flags & change))
        return STSAFE_ACCESS;
    return stsafe_store_whole(c, control, &wanted, sizeof(wanted));
}

static int
put_host_control(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    (void)cmd;
    (void)out;
    return put_control(c, in, &c->nvm.host_control, STSAFE_CONTROL_CHANGE);
}

static int
put_symmetric_control(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                      struct rs_buf *out)
{
    unsigned slot = rs_read_u8(in);

    (void)cmd;
    (void)out;
    if (slot >= c->spec->symmetric_slots)
        return STSAFE_U_RANGE_STATUS;
    return put_control(c, in, &c->nvm.symmetric_control[slot], STSAFE_SYMMETRIC_CHANGE);
}

/* ---- Both ---------------------------------------------------------------------------------- */

struct attribute_row {
    uint8_t tag, parts;
    attribute_handler *query, *put; /* NULL: it cannot be */
};

static const struct attribute_row attribute_rows[] = {
    {TAG_ENVELOPE_TABLE, ALL, query_envelopes, NULL},
    {TAG_LIFE_CYCLE, ALL, query_life_cycle, put_life_cycle},
    {TAG_I2C, ALL, query_i2c, put_i2c},
    {TAG_PUBLIC_KEY_A1XX, A1XX, query_public_key, put_public_key},
    {TAG_PRODUCT, ALL, query_product, NULL},
    {TAG_PARTITION, ALL, query_partition, NULL},
    {TAG_PRIVATE_TABLE, ALL, query_private, NULL},
    {TAG_HOST_KEY_V1, A1XX, query_host_v1, put_host_v1},
    {TAG_SYMMETRIC_TABLE, A120, query_symmetric, NULL},
    {TAG_COMMANDS, ALL, query_commands, NULL},
    {TAG_HOST_KEY_V2, A120, query_host_v2, NULL},
    {TAG_PUBLIC_TABLE, A120, query_public, NULL},
    {TAG_HOST_CONTROL, A120, query_host_control, put_host_control},
    {TAG_SYMMETRIC_CONTROL, A120, query_symmetric_control, put_symmetric_control},
    {TAG_PUBLIC_KEY, A120, query_public_key, NULL},
    {TAG_PUBLIC_RIGHTS, A120, NULL, put_public_rights},
};

static const struct attribute_row *
find_row(const struct stsafe_chip *c, unsigned tag)
{
    for (size_t i = 0; i < sizeof(attribute_rows) / sizeof(attribute_rows[0]); i++)
        if (attribute_rows[i].tag == tag && attribute_rows[i].parts >> c->spec->kind & 1u)
            return &attribute_rows[i];
    return NULL;
}

int
stsafe_do_query(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    const struct attribute_row *row = find_row(c, rs_read_u8(in));
    int status;

    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (row == NULL || row->query == NULL)
        return STSAFE_U_TAG_STATUS;
    status = row->query(c, cmd, in, out);
    return status == STSAFE_OK ? stsafe_read_end(in) : status;
}

int
stsafe_do_put(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
              struct rs_buf *out)
{
    const struct attribute_row *row = find_row(c, rs_read_u8(in));

    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (row == NULL || row->put == NULL)
        return STSAFE_U_TAG_STATUS;
    return row->put(c, cmd, in, out);
}
