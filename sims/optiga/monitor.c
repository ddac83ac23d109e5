/*
 * monitor.c: the security event counter (section 5.1).
 *
 * Using a key is an event.  One per period is free, and unused periods are
 * saved up; beyond that SEC rises by one an event and falls by one a period.
 * From 128 on each event costs time.  A period of 0 switches all of this off.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

#define PERIOD_MAX  50 /* tenths of a second; V1 has this one */
#define TENTH_US    100000u
#define CREDIT_MAX  5
#define SEC_MAX     255
#define SEC_DELAYED 127

const uint8_t optiga_monitor_settings[OPTIGA_MONITOR_SIZE] = {PERIOD_MAX, 0x00, CREDIT_MAX, 0x01};

/* V3 keeps them in an object: period in tenths of a second, and the credit.  0: switched off. */
static uint64_t
period_us(struct optiga_chip *c)
{
    const struct optiga_object *o = optiga_object(c, OPTIGA_OID_MONITOR);
    unsigned tenths = o == NULL ? PERIOD_MAX : optiga_data(c, o)[0];

    return (uint64_t)(tenths < PERIOD_MAX ? tenths : PERIOD_MAX) * TENTH_US;
}

static unsigned
credit_max(struct optiga_chip *c)
{
    const struct optiga_object *o = optiga_object(c, OPTIGA_OID_MONITOR);

    return o == NULL ? CREDIT_MAX : optiga_data(c, o)[OPTIGA_U_MONITOR_CREDIT_AT];
}

void
optiga_monitor_settle(struct optiga_chip *c)
{
    uint64_t period = period_us(c), periods;
    uint8_t *sec = optiga_byte(c, OPTIGA_OID_SEC);

    if (period == 0)
        return;
    periods = (c->now_us - c->monitor_at_us) / period;
    c->monitor_at_us += periods * period;
    if (periods >= *sec) {
        periods += c->credit;
        periods -= *sec;
        *sec = 0;
        c->credit = periods < credit_max(c) ? (unsigned)periods : credit_max(c);
    } else {
        *sec = (uint8_t)(*sec - periods);
    }
}

void
optiga_monitor_adopt(struct optiga_chip *c)
{
    c->monitor_at_us = c->now_us;
    if (c->credit > credit_max(c))
        c->credit = credit_max(c);
    if (period_us(c) == 0)
        *optiga_byte(c, OPTIGA_OID_SEC) = 0;
}

int
optiga_monitor_event(struct optiga_chip *c)
{
    uint8_t *sec = optiga_byte(c, OPTIGA_OID_SEC), next;

    if (period_us(c) == 0)
        return OPTIGA_OK;
    optiga_monitor_settle(c);
    if (c->credit > 0) {
        c->credit--;
        return OPTIGA_OK;
    }
    if (*sec > SEC_DELAYED && (c->timing.typical_permille != 0 || c->timing.busy_us != 0))
        c->busy_until_us += period_us(c) * (*sec - SEC_DELAYED) / (SEC_MAX - SEC_DELAYED);
    if (*sec == SEC_MAX)
        return OPTIGA_OK;
    next = (uint8_t)(*sec + 1);
    return optiga_store_whole(c, sec, &next, 1);
}
