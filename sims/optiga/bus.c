/*
 * bus.c: the part as the bus sees it: power, reset, registers (section 1).
 *
 * A register is read by a write of its number and a read; DATA takes and gives
 * frames of the data link.  Nothing happens on its own: a command runs when its
 * last byte arrives, its answer shows when the execution time has passed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    REG_DATA = 0x80,
    REG_DATA_LEN = 0x81,
    REG_STATE = 0x82,
    REG_BASE_ADDR = 0x83,
    REG_MAX_SCL = 0x84,
    REG_SOFT_RESET = 0x88,
    REG_MODE = 0x89,
    REG_APP_STATE = 0x90,
};

enum {
    MODE_SM = 1,
    MODE_FM = 2,
    MODE_BOTH = 3,
    MODE_FM_PLUS = 4,
};

#define GUARD_TIME_US        50u
#define STARTUP_US           15000u
#define SHORT_REGISTER       0x40u
#define STATE_SOFT_RESET_BIT 0x08
#define STATE_PRESENT_LAYER  0x80
#define STATE_BUSY           0x80
#define STATE_RESPONSE_READY 0x40
#define PERSISTENT           0x80
#define REGISTER_WRITE       3 /* number and two bytes */

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_optiga_command
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* ---- Time --------------------------------------------------------------------------- */

void
optiga_set_time(void *state, uint64_t now_us)
{
    struct optiga_chip *c = state;

    if (now_us > c->now_us)
        c->now_us = now_us;
}

static uint32_t
scaled_us(const struct optiga_chip *c, uint32_t typical_us)
{
    uint32_t permille = c->timing.typical_permille;

    if (permille == 0)
        return c->timing.busy_us;
    return (uint32_t)((uint64_t)typical_us * permille / SIM_TYPICAL_PERMILLE);
}

void
optiga_work(struct optiga_chip *c, uint32_t typical_us)
{
    c->chip_time_us += typical_us;
    if (c->busy_until_us < c->now_us)
        c->busy_until_us = c->now_us;
    c->busy_until_us += scaled_us(c, typical_us);
}

int
optiga_busy(const struct optiga_chip *c)
{
    return c->now_us < c->busy_until_us;
}

/* ---- Power and reset ------------------------------------------------------------------ */

/* Everything volatile goes; the application is closed. */
static void
start_over(struct optiga_chip *c)
{
    optiga_sym_drop(c);
    rs_wipe(&c->app, sizeof(c->app));
    rs_wipe(&c->comms, sizeof(c->comms));
    c->comms.reg = REG_DATA;
    c->comms.reg_len = OPTIGA_REG_LEN_MAX;
    optiga_link_reset(&c->comms.link);
    c->app.kept.status_g = *optiga_byte(c, OPTIGA_OID_STATUS_G);
    c->app.kept.status_a = *optiga_byte(c, OPTIGA_OID_STATUS_A);
    c->address = c->address_kept;
    c->mode = c->mode_kept;
    c->last_error = 0;
    c->credit = OPTIGA_U_CREDIT_AT_START;
    c->monitor_at_us = c->now_us;
    c->stuck = 0;
    c->cut_when_answered = 0;
    c->tear_after = INT_MAX;
    c->ready_at_us = c->now_us + scaled_us(c, STARTUP_US);
    c->busy_until_us = c->now_us;
    c->last_access_us = c->now_us;
    if (c->powered)
        optiga_monitor_adopt(c);
}

void
optiga_set_power(void *state, int on)
{
    struct optiga_chip *c = state;

    if (c->powered == (on != 0))
        return;
    c->powered = on != 0;
    start_over(c);
}

/* ---- Does the part take part in this transaction? ---------------------------------------- */

static int
is_asleep(struct optiga_chip *c)
{
    uint64_t delay_us = (uint64_t)*optiga_byte(c, OPTIGA_OID_SLEEP) * 1000;

    return c->quirk == OPTIGA_QUIRK_SLEEP && !optiga_busy(c) &&
           c->now_us >= c->last_access_us + delay_us;
}

static int
listens(struct optiga_chip *c, uint8_t address)
{
    uint64_t before = c->last_access_us;
    int asleep;

    if (!c->powered || address != c->address || c->stuck || c->now_us < c->ready_at_us)
        return 0;
    if (c->quirk == OPTIGA_QUIRK_BUSY_NAK && optiga_busy(c))
        return 0;
    asleep = is_asleep(c);
    c->last_access_us = c->now_us;
    if (c->quirk == OPTIGA_QUIRK_GUARD && c->now_us < before + GUARD_TIME_US)
        return 0;
    return !asleep;
}

/* ---- Writes --------------------------------------------------------------------------------- */

static void
set_register_len(struct optiga_chip *c, const uint8_t *p)
{
    uint16_t wanted = rs_get_u16(p);
    uint16_t most = c->quirk == OPTIGA_QUIRK_SHORT_REGISTER ? SHORT_REGISTER : OPTIGA_REG_LEN_MAX;

    if (wanted < OPTIGA_REG_LEN_MIN)
        return;
    c->comms.reg_len = wanted > most ? most : wanted;
}

static void
set_address(struct optiga_chip *c, const uint8_t *p)
{
    c->address = p[1] & 0x7F;
    if (p[0] & PERSISTENT)
        (void)optiga_store_whole(c, &c->address_kept, &c->address, 1);
}

static void
set_mode(struct optiga_chip *c, const uint8_t *p)
{
    uint8_t mode = p[1] & 0x07;

    if (mode < MODE_SM || mode > MODE_FM_PLUS)
        return;
    c->mode = mode;
    if (p[0] & PERSISTENT)
        (void)optiga_store_whole(c, &c->mode_kept, &c->mode, 1);
}

/*
 * A frame may end in a command, and its fate may be that the write is not
 * acknowledged: then the layers must not have seen it either.
 */
static int
write_data(struct optiga_chip *c, const uint8_t *p, size_t len)
{
    struct optiga_comms before;

    if (optiga_busy(c))
        return OPTIGA_U_WRITE_WHEN_BUSY_ACK;
    before = c->comms;
    c->refused = 0;
    optiga_link_receive(c, p, len);
    if (c->refused)
        c->comms = before;
    rs_wipe(&before, sizeof(before));
    return !c->refused;
}

int
optiga_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len)
{
    struct optiga_chip *c = state;

    if (!listens(c, address))
        return 0;
    if (len == 0)
        return 1;
    c->comms.reg = p[0];
    if (len == 1)
        return 1;
    if (p[0] == REG_DATA)
        return write_data(c, p + 1, len - 1);
    if (len + SLACK < REGISTER_WRITE)
        return 1;
    if (p[0] == REG_DATA_LEN)
        set_register_len(c, p + 1);
    else if (p[0] == REG_BASE_ADDR)
        set_address(c, p + 1);
    else if (p[0] == REG_MODE)
        set_mode(c, p + 1);
    else if (p[0] == REG_SOFT_RESET)
        start_over(c);
    return 1;
}

/* ---- Reads ---------------------------------------------------------------------------------- */

static size_t
read_state(struct optiga_chip *c, uint8_t out[4])
{
    uint8_t frame[OPTIGA_REG_LEN_MAX];
    size_t len = optiga_link_offer(c, frame);

    out[0] = STATE_SOFT_RESET_BIT;
    if (optiga_busy(c))
        out[0] |= STATE_BUSY;
    if (len > 0)
        out[0] |= STATE_RESPONSE_READY;
    out[1] = STATE_PRESENT_LAYER;
    rs_set_u16(out + 2, len > 0 && c->quirk == OPTIGA_QUIRK_LONG_LENGTH ? 0xFFFF : (unsigned)len);
    return 4;
}

static size_t
read_register(struct optiga_chip *c, uint8_t out[OPTIGA_REG_LEN_MAX])
{
    switch (c->comms.reg) {
    case REG_DATA:
        return optiga_link_offer(c, out);
    case REG_DATA_LEN:
        rs_set_u16(out, c->comms.reg_len);
        return 2;
    case REG_STATE:
        return read_state(c, out);
    case REG_MAX_SCL:
        rs_set_u32(out, c->mode == MODE_FM_PLUS ? 1000 : 400);
        return 4;
    case REG_MODE:
        rs_set_u16(out, c->mode);
        return 2;
    case REG_APP_STATE:
        rs_set_u32(out, 0);
        return 4;
    default:
        /* GUARD_TIME and TRANS_TIMEOUT, too: "not implemented" is all ones. */
        return 0;
    }
}

int
optiga_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len)
{
    struct optiga_chip *c = state;
    uint8_t bytes[OPTIGA_REG_LEN_MAX];
    size_t have;

    if (!listens(c, address))
        return 0;
    have = read_register(c, bytes);
    memset(p, 0xFF, len);
    memcpy(p, bytes, have < len ? have : len);
    if (c->comms.reg == REG_DATA && have > 0 && len >= have)
        optiga_link_taken(c);
    return 1;
}
