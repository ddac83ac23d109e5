/*
 * seal_test.c: the three stages, in order, out of order, cut, and somebody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static enum rot_seal_state
state_of(struct desk *d, enum rot_stage stage, rot_object obj)
{
    enum rot_seal_state s = (enum rot_seal_state)0;

    assert_int_equal(rot_seal_state(&d->chip, stage, obj, &s), ROT_OK);
    assert_int_equal(rot_raw_status(&d->chip), 0);
    return s;
}

static enum rot_lifecycle
life_of(struct desk *d)
{
    struct rot_identity id;

    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    return id.lifecycle;
}

static void
take(struct desk *d, enum rot_stage stage, rot_object obj)
{
    assert_int_equal(rot_seal_prepare(&d->chip, stage, obj), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, stage, obj), ROT_OK);
    assert_int_equal(state_of(d, stage, obj), ROT_SEAL_DONE);
}

static void
put(struct desk *d, rot_object obj, enum rot_part part, size_t len)
{
    uint8_t bytes[128];
    size_t need = 0;

    memset(bytes, 0x33, sizeof(bytes));
    assert_int_equal(rot_object_write(&d->chip, obj, part, 0, bytes, len, len, &need), ROT_OK);
}

static void
put_firmware_key(struct desk *d)
{
    uint8_t priv[32], spki[91];
    size_t need = 0;

    desk_peer(d, priv, spki);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 91, 91, &need), ROT_OK);
}

static void
not_there(void **state)
{
    struct desk *d = *state;
    enum rot_seal_state s;

    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_LIFECYCLE, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_LIFECYCLE, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal_state(&d->chip, ROT_STAGE_LIFECYCLE, 0, &s), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_LDEVID(0)), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_wipe(&d->chip), ROT_E_UNSUPPORTED);
}

static void
a_blank_part_is_open(void **state)
{
    struct desk *d = *state;

    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_OPEN);
    assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_OPEN);
    assert_int_equal(state_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_OPEN);
    assert_int_equal(life_of(d), ROT_LIFE_BLANK);
    /* Nothing is locked of what is not as the layout says. */
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_EMPTY);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_EMPTY);
    assert_int_equal(d->part.seen[0x05], 0);
}

/* The next power-up would find the part elsewhere, for ever. */
static void
an_address_that_changed_is_not_locked(void **state)
{
    const uint8_t other[] = {0, 16, 0x40};
    struct desk *d = *state;

    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    ta100_begin(&d->chip, TA100_WRITE, 0, TA100_CONFIGURATION);
    ta100_put(&d->chip, other, sizeof(other));
    assert_int_equal(ta100_run_plain(&d->chip), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
    assert_int_equal(d->part.locks, 0);
    d->part.config[16] = 0x2f; /* bit 0 is nothing */
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
}

static void
configuration(void **state)
{
    struct desk *d = *state;
    unsigned created;

    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    created = d->part.seen[0x10];
    assert_int_equal(created, 18);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    assert_int_equal(d->part.seen[0x10], created);
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    assert_int_equal(d->part.locks, 3);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    assert_int_equal(d->part.seen[0x05], 2);
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_DONE);
    assert_int_equal(life_of(d), ROT_LIFE_CONFIGURED);
}

static void
somebody_elses_setup(void **state)
{
    static const uint8_t data[8] = {0x03, 0x00, 0x10, 0, 0, 0, 0x55, 0x04};
    struct desk *d = *state;

    (void)fake_create(&d->part, 0x8100, data);
    d->part.locks = 2;
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_MISMATCH);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_STATE);
    d->part.locks = 3;
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_FOREIGN);
    (void)fake_create(&d->part, 0x8000, data);
    assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_FOREIGN);
    (void)fake_create(&d->part, 0x8030, data);
    assert_int_equal(state_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
}

static void
the_identity_first(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], point[64];
    size_t n = 0;

    take(d, ROT_STAGE_CONFIG, 0);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_EMPTY);
    desk_make(d, ROT_IDEVID, spki, point);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_EMPTY);
    assert_int_equal(d->part.seen[0x05], 2);
    put(d, ROT_IDEVID, ROT_PART_CERT, 100);
    assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_OPEN);
    take(d, ROT_STAGE_DATA, 0);
    assert_int_equal(life_of(d), ROT_LIFE_PROVISIONED);
    /* Key, certificate, and the place of a chain; the key that nobody made is none to lock. */
    assert_int_equal(d->part.seen[0x05], 5);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    assert_int_equal(d->part.seen[0x05], 5);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, spki, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_object_write(&d->chip, ROT_IDEVID, ROT_PART_CERT, 0, spki, 91, 91, &n),
                     ROT_E_STATE);
    /* What a device renews it still can. */
    desk_make(d, ROT_LDEVID(0), spki, point);
    put(d, ROT_LDEVID(0), ROT_PART_CERT, 90);
}

static void
objects(void **state)
{
    struct desk *d = *state;
    uint8_t spki[91], point[64];
    size_t need = 0;

    take(d, ROT_STAGE_CONFIG, 0);
    desk_make(d, ROT_ATTEST(0), spki, point);
    desk_make(d, ROT_IDEVID, spki, point);
    put(d, ROT_IDEVID, ROT_PART_CERT, 100);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), ROT_E_EMPTY);
    put_firmware_key(d);
    put(d, ROT_TRUST(0), ROT_PART_DATA, 50);
    take(d, ROT_STAGE_DATA, 0);
    assert_int_equal(fake_find(&d->part, 0x8001)->is_locked, 1);
    take(d, ROT_STAGE_OBJECT, ROT_TRUST(0));
    assert_int_equal(life_of(d), ROT_LIFE_PROVISIONED);
    take(d, ROT_STAGE_OBJECT, ROT_FIRMWARE(0));
    assert_int_equal(life_of(d), ROT_LIFE_SEALED);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_FIRMWARE(0), ROT_PART_DATA, 0, spki, 91, 91, &need),
        ROT_E_STATE);
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, spki, 91, 91, &need),
        ROT_E_STATE);
}

/* A part that says yes and locks nothing. */
static void
undo_locks(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    struct fake_ta100 *f = arg;

    (void)len;
    (void)a;
    if (command[2] == 0x05)
        fake_find(f, (unsigned)command[4] << 8 | command[5])->is_locked = 0;
}

static void
a_lock_is_looked_at(void **state)
{
    struct desk *d = *state;

    put(d, ROT_TRUST(0), ROT_PART_DATA, 50);
    d->part.arg = &d->part;
    d->part.lie = undo_locks;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
}

/* Power fails at each transfer of both stages: the same calls complete them. */
static void
cuts(void **state)
{
    unsigned through = 0;

    for (unsigned at = 2; !through; at++) {
        struct desk *d = *state;
        uint8_t spki[91], point[64];

        fake_ta100_init(&d->part, &d->openssl.port);
        assert_int_equal(desk_open(d), ROT_OK);
        assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
        desk_make(d, ROT_IDEVID, spki, point);
        put(d, ROT_IDEVID, ROT_PART_CERT, 100);
        d->part.transfers = 0;
        d->part.cut_at = at / 2;
        d->part.cut_after = at % 2 != 0;
        through = rot_seal(&d->chip, ROT_STAGE_CONFIG, 0) == ROT_OK &&
                  rot_seal(&d->chip, ROT_STAGE_DATA, 0) == ROT_OK;
        fake_ta100_power(&d->part);
        assert_int_equal(desk_open(d), ROT_OK);
        assert_int_not_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_FOREIGN);
        assert_int_not_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_FOREIGN);
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
        assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_DONE);
        assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_DONE);
        assert_true(at < 1000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        READY(not_there),
        READY(a_blank_part_is_open),
        READY(an_address_that_changed_is_not_locked),
        READY(configuration),
        READY(somebody_elses_setup),
        READY(the_identity_first),
        READY(objects),
        READY(a_lock_is_looked_at),
        READY(cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
