/*
 * model.c: the two models as tables: a part from nothing or from a saved object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/se05x/model.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

extern const struct sim_assumption se05x_assumptions[];

static const struct se05x_generation generations[] = {
    {"se050",
     {3, 1, 0},
     0,
     892,
     SE05X_U_SE050_NVM,
     SE05X_U_SE050_OEF,
     "35C256458958A34F6136155F8209D6CD",
     "AF177D5DBDF7C0D5C10A05B9F1607F78",
     "A1BC8438BF77935B361A4425FE79FA29"},
    {"se051",
     {7, 2, 0},
     1,
     1024,
     SE05X_U_SE051_NVM,
     SE05X_U_SE051_OEF,
     "BFC2DBE1828E035D3E7FA36B902A05C6",
     "BEF85BD7BA0497D628781CE47B188C96",
     "D873F316BE297F2FC9C0E45F54710699"},
};

/* ---- A new part --------------------------------------------------------------------------- */

static void
not_stored(void *self)
{
    (void)self;
}

static void
read_key(const char *text, uint8_t *key)
{
    size_t len = 0;

    if (!rs_hex_read(text, strlen(text), key, SE05X_KEY_MAX, &len))
        memset(key, 0, SE05X_KEY_MAX);
}

static void
prepare(struct se05x_chip *c, const struct sim_host *host, const struct se05x_generation *gen)
{
    memset(c, 0, sizeof(*c));
    c->host = host;
    c->gen = gen;
    c->tear_after = INT_MAX;
}

static rs_code
create_part(void *state, const struct sim_host *host, const struct sim_create *how,
            const struct se05x_generation *gen, struct rs_err *err)
{
    static const uint8_t uid_head[4] = {0x04, 0x00, 0x50, 0x01};
    /* What the factory writes is not the part's doing. */
    struct sim_host factory = *host;
    struct se05x_chip *c = state;
    rs_code rc;

    if (how->personality != NULL && strncmp(how->personality, "blank", 5) != 0)
        return rs_fail(err, RS_E_USAGE, "simulator: no personality %.40s", how->personality);
    if (how->ca == NULL)
        return rs_fail(err, RS_E_USAGE, "simulator: an %s needs a maker's CA", gen->model);
    factory.stored = not_stored;
    prepare(c, &factory, gen);
    memcpy(c->uid, uid_head, sizeof(uid_head));
    memcpy(c->uid + SE05X_UID_SIZE - sizeof(how->unique), how->unique, sizeof(how->unique));
    c->keys.version = 0x0B;
    c->keys.len = 16;
    read_key(gen->enc, c->keys.enc);
    read_key(gen->mac, c->keys.mac);
    read_key(gen->dek, c->keys.dek);
    (void)snprintf(c->personality, sizeof(c->personality), "%s",
                   how->personality != NULL ? how->personality : "blank");
    if (SE05X_U_P256_PRESET)
        c->curves[se05x_curve_index(se05x_curve_find(0x03))] = SE05X_CURVE_WHOLE;
    rc = se05x_provision(c, how, err);
    c->host = host;
    if (rc == RS_OK)
        se05x_set_power(c, 1);
    return rc;
}

static rs_code
create_se050(void *state, const struct sim_host *host, const struct sim_create *how,
             struct rs_err *err)
{
    return create_part(state, host, how, &generations[0], err);
}

static rs_code
create_se051(void *state, const struct sim_host *host, const struct sim_create *how,
             struct rs_err *err)
{
    return create_part(state, host, how, &generations[1], err);
}

static void
done(void *state)
{
    struct se05x_chip *c = state;

    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        se05x_crypto_forget(&c->crypto[i]);
    rs_wipe(c, sizeof(*c));
}

/* ---- Saved and loaded ------------------------------------------------------------------------ */

static int
save(const void *state, json_t *object)
{
    return se05x_state_put(state, object, 1);
}

static json_t *
dump(const void *state)
{
    json_t *object = json_object();

    if (object != NULL && se05x_state_put(state, object, 0))
        return object;
    json_decref(object);
    return NULL;
}

static rs_code
load_part(void *state, const struct sim_host *host, const json_t *object,
          const struct se05x_generation *gen, struct rs_err *err)
{
    struct sim_host quiet = *host;
    struct se05x_chip *c = state;
    rs_code rc;

    quiet.stored = not_stored;
    prepare(c, &quiet, gen);
    rc = se05x_state_read(c, object, err);
    c->host = host;
    if (rc == RS_OK)
        se05x_set_power(c, 1);
    else
        rs_wipe(c, sizeof(*c));
    return rc;
}

static rs_code
load_se050(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    return load_part(state, host, object, &generations[0], err);
}

static rs_code
load_se051(void *state, const struct sim_host *host, const json_t *object, struct rs_err *err)
{
    return load_part(state, host, object, &generations[1], err);
}

/* ---- What people ask ------------------------------------------------------------------------------ */

static void
set_timing(void *state, const struct sim_timing *timing)
{
    ((struct se05x_chip *)state)->timing = *timing;
}

static int
set_quirk(void *state, const char *name)
{
    static const char *const names[] = {
        [SE05X_QUIRK_NONE] = "none",
        [SE05X_QUIRK_WTX_STORM] = "wtx-storm",
        [SE05X_QUIRK_WRONG_SEQUENCE] = "wrong-sequence",
        [SE05X_QUIRK_STRAY_BYTE] = "stray-byte",
        [SE05X_QUIRK_GARBAGE] = "garbage",
        [SE05X_QUIRK_GP_PROFILE] = "gp-t1",
        [SE05X_QUIRK_COUNT_OTHERWISE] = "count-otherwise",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            ((struct se05x_chip *)state)->quirk = (enum se05x_quirk)i;
            return 1;
        }
    }
    return 0;
}

static int
get_power(const void *state)
{
    return ((const struct se05x_chip *)state)->powered;
}

/* Nothing on this part waits for a pulse. */
static void
wake(void *state, uint32_t low_us)
{
    (void)state;
    (void)low_us;
}

static uint8_t
get_address(const void *state)
{
    (void)state;
    return SE05X_ADDRESS;
}

static size_t
get_serial(const void *state, uint8_t serial[SIM_SERIAL_MAX])
{
    memcpy(serial, ((const struct se05x_chip *)state)->uid, SE05X_UID_SIZE);
    return SE05X_UID_SIZE;
}

static uint64_t
get_chip_time_us(const void *state)
{
    return ((const struct se05x_chip *)state)->chip_time_us;
}

static int
keys_are_published(const struct se05x_chip *c)
{
    uint8_t enc[SE05X_KEY_MAX];

    read_key(c->gen->enc, enc);
    return c->keys.len == 16 && memcmp(enc, c->keys.enc, 16) == 0;
}

static void
get_locks(const void *state, char *text, size_t cap)
{
    const struct se05x_chip *c = state;
    const char *words[4];
    size_t count = 0, len = 0;

    if (c->locked || c->locked_now)
        words[count++] = "transport";
    if (c->restricted != 0)
        words[count++] = c->restricted == SE05X_U_RESTRICT_ALL ? "changes" : "creation";
    if (c->scp_required)
        words[count++] = "channel";
    if (!keys_are_published(c))
        words[count++] = "keys-rotated";
    text[0] = '\0';
    for (size_t i = 0; i < count && len < cap; i++)
        len += (size_t)snprintf(text + len, cap - len, "%s%s", i > 0 ? "," : "", words[i]);
}

static const char *const personalities_se050[] = {"blank-se050", NULL};
static const char *const personalities_se051[] = {"blank-se051", NULL};

#define SE05X_COMMON                                                                               \
    .assumptions = se05x_assumptions, .vendor = "nxp", .state_size = sizeof(struct se05x_chip),    \
    .done = done, .save = save, .set_timing = set_timing, .set_time = se05x_set_time,              \
    .set_power = se05x_set_power, .get_power = get_power, .set_quirk = set_quirk, .wake = wake,    \
    .i2c_write = se05x_i2c_write, .i2c_read = se05x_i2c_read, .get_address = get_address,          \
    .get_serial = get_serial, .get_locks = get_locks, .get_chip_time_us = get_chip_time_us,        \
    .dump = dump

const struct sim_model se050_model = {
    .name = "se050",
    .personalities = personalities_se050,
    .create = create_se050,
    .load = load_se050,
    SE05X_COMMON,
};

const struct sim_model se051_model = {
    .name = "se051",
    .personalities = personalities_se051,
    .create = create_se051,
    .load = load_se051,
    SE05X_COMMON,
};
