/*
 * seal_test.c: what the driver locks, and what it refuses to lock.
 *
 * A lock cannot be taken back, so each refusal also demands that the part was
 * sent no Lock command at all.  The part here keeps its configuration and counts
 * its locks; it refuses nothing itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rot/port_openssl.h>

#include "atecc.h"

#define AT_LOCK_DATA   86
#define AT_LOCK_CONFIG 87
#define AT_SLOT_LOCKED 88

extern const struct rot_driver rot_driver_atecc;

/* ---- The part -------------------------------------------------------------------------- */

struct part {
    uint8_t config[128];
    uint8_t answer[64];
    size_t len, pos;
    unsigned locks, commands;
};

static void
answer_with(struct part *part, const uint8_t *p, size_t len)
{
    uint16_t crc;

    part->answer[0] = (uint8_t)(len + 3);
    memcpy(part->answer + 1, p, len);
    crc = atecc_crc(part->answer, len + 1, 0);
    part->answer[len + 1] = (uint8_t)crc;
    part->answer[len + 2] = (uint8_t)(crc >> 8);
    part->len = len + 3;
    part->pos = 0;
}

static void
lock(struct part *part, unsigned p1)
{
    unsigned zone = p1 & 3, slot = p1 >> 2 & 15;

    part->locks++;
    if (zone == 0)
        part->config[AT_LOCK_CONFIG] = 0;
    else if (zone == 1)
        part->config[AT_LOCK_DATA] = 0;
    else
        part->config[AT_SLOT_LOCKED + slot / 8] &= (uint8_t)~(1u << (slot % 8));
}

static void
run_command(struct part *part, const uint8_t *command)
{
    size_t at = (size_t)(command[3] & 31) * 4, len = (command[2] & 0x80) != 0 ? 32 : 4;
    uint8_t payload[32] = {0};

    if (command[1] == ATECC_OP_READ && (command[2] & 3) == 0 && at + len <= 128) {
        answer_with(part, part->config + at, len);
        return;
    }
    if (command[1] == ATECC_OP_INFO) {
        answer_with(part, (const uint8_t *)"\0\0\x60\x03", 4);
        return;
    }
    if (command[1] == ATECC_OP_WRITE && at + len <= 128)
        memcpy(part->config + at, command + 5, len);
    if (command[1] == ATECC_OP_LOCK)
        lock(part, command[2]);
    answer_with(part, payload, 1);
}

/* With a summary that is not its own the part locks nothing. */
static int
is_refused(const struct part *part, const uint8_t *command)
{
    return command[1] == ATECC_OP_LOCK && (command[2] & 0x80) == 0 && (command[2] & 3) == 0 &&
           atecc_crc(part->config, 128, 0) != (command[3] | command[4] << 8);
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct part *part = self;

    if (address == 0 || len == 0)
        return ROT_E_BUS;
    part->commands += tx[0] == 3;
    if (tx[0] == 3 && is_refused(part, tx + 1))
        answer_with(part, (const uint8_t *)"\x0f", 1);
    else if (tx[0] == 3)
        run_command(part, tx + 1);
    part->pos = tx[0] == 3 ? 0 : part->pos;
    return ROT_OK;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct part *part = self;

    (void)address;
    for (size_t i = 0; i < len; i++)
        rx[i] = part->pos < part->len ? part->answer[part->pos++] : 0xff;
    return ROT_OK;
}

static rot_err
on_wake(void *self, uint32_t low_us)
{
    static const uint8_t token = 0x11;

    (void)low_us;
    answer_with(self, &token, 1);
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static const struct rot_line_ops line_ops = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c_ops = {.write = on_write, .read = on_read, .wake = on_wake};

/* ---- A chip over it ---------------------------------------------------------------------- */

struct desk {
    struct part part;
    struct rot_transport transport;
    struct rot_chip chip;
    void *state;
};

/* Configured as the layout wants it, and open. */
static int
set_up(void **state)
{
    static struct rot_port_openssl crypto;
    struct desk *d = calloc(1, sizeof(*d));
    struct rot_setup setup = {.driver = &rot_driver_atecc};

    if (d == NULL || (crypto.port.ops == NULL && rot_port_openssl_init(&crypto) != ROT_OK))
        return -1;
    memcpy(d->part.config + 16, atecc_layouts[0]->config, 112);
    d->part.config[16] = 0x6a;
    d->part.config[AT_LOCK_DATA] = 0x55;
    d->part.config[AT_LOCK_CONFIG] = 0x55;
    d->transport = (struct rot_transport){
        .self = &d->part, .line = &line_ops, .i2c = &i2c_ops, .address = 0x35};
    d->state = calloc(1, rot_driver_atecc.state_size);
    setup.transport = &d->transport;
    setup.layout = atecc_layouts[0];
    setup.port = &crypto.port;
    setup.state = d->state;
    setup.state_size = rot_driver_atecc.state_size;
    *state = d;
    return d->state != NULL && rot_open(&d->chip, &setup) == ROT_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    free(d->state);
    free(d);
    return 0;
}

static enum rot_seal_state
state_of(struct desk *d, enum rot_stage stage)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    rot_object obj = stage == ROT_STAGE_OBJECT ? ROT_LDEVID(0) : 0;

    assert_int_equal(rot_seal_state(&d->chip, stage, obj, &state), ROT_OK);
    return state;
}

static void
refuses_to_lock_another_configuration(void **state)
{
    struct desk *d = *state;

    for (unsigned at = 20; at < 52; at++) {
        d->part.config[at] ^= 1;
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
        d->part.config[at] ^= 1;
    }
    assert_int_equal(d->part.locks, 0);
}

/* It changed after the driver had read it: the part's own comparison finds that. */
static void
refuses_to_lock_what_changed_meanwhile(void **state)
{
    struct desk *d = *state;

    for (unsigned at = 20; at < 52; at++) {
        assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
        d->part.config[at] ^= 1;
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
        assert_int_equal(d->part.locks, 0);
    }
}

/* What a part says of itself, and where its locks stand, is never from memory. */
static void
looks_again_where_it_matters(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;
    unsigned before;

    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    d->part.config[0] ^= 1; /* another part in its place */
    d->part.config[AT_LOCK_CONFIG] = 0;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.uid[0], d->part.config[0]);
    assert_int_equal(id.lifecycle, ROT_LIFE_CONFIGURED);
    d->part.config[AT_LOCK_DATA] = 0;
    before = d->part.commands;
    assert_int_equal(state_of(d, ROT_STAGE_DATA), ROT_SEAL_DONE);
    assert_int_equal(d->part.commands, before + 1);
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG), ROT_SEAL_DONE);
    assert_int_equal(d->part.commands, before + 2);
    /* Before a lock that the part does not check: who, and which locks. */
    before = d->part.commands;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_LDEVID(0)), ROT_OK);
    assert_int_equal(d->part.commands, before + 3);
    /* After a reset all of it. */
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    before = d->part.commands;
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG), ROT_SEAL_DONE);
    assert_int_equal(d->part.commands, before + 4);
}

static void
refuses_to_lock_out_of_order(void **state)
{
    struct desk *d = *state;

    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_STATE);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_LDEVID(0)), ROT_E_STATE);
    assert_int_equal(d->part.locks, 0);
    d->part.config[AT_LOCK_CONFIG] = 0;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_LDEVID(0)), ROT_E_STATE);
    assert_int_equal(d->part.locks, 0);
}

static void
a_chip_that_another_locked_is_foreign(void **state)
{
    struct desk *d = *state;

    d->part.config[20] ^= 1;
    d->part.config[AT_LOCK_CONFIG] = 0;
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
    d->part.config[AT_LOCK_DATA] = 0;
    assert_int_equal(state_of(d, ROT_STAGE_DATA), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    assert_int_equal(d->part.locks, 0);
}

static void
locks_step_by_step_and_once(void **state)
{
    static const enum rot_stage stages[] = {ROT_STAGE_CONFIG, ROT_STAGE_DATA, ROT_STAGE_OBJECT};
    struct desk *d = *state;

    for (unsigned i = 0; i < 3; i++) {
        rot_object obj = stages[i] == ROT_STAGE_OBJECT ? ROT_LDEVID(0) : 0;
        assert_int_equal(state_of(d, stages[i]), ROT_SEAL_OPEN);
        assert_int_equal(rot_seal(&d->chip, stages[i], obj), ROT_OK);
        assert_int_equal(d->part.locks, i + 1);
        assert_int_equal(state_of(d, stages[i]), ROT_SEAL_DONE);
        assert_int_equal(rot_seal(&d->chip, stages[i], obj), ROT_OK);
        assert_int_equal(d->part.locks, i + 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_to_lock_another_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_to_lock_what_changed_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looks_again_where_it_matters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_to_lock_out_of_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chip_that_another_locked_is_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(locks_step_by_step_and_once, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
