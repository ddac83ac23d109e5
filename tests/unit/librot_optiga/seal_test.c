/*
 * seal_test.c: what the driver seals, what it refuses to seal, and what a cut
 * leaves open.
 *
 * A life cycle never goes back, so each refusal also demands that none moved.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "desk.h"
#include "optiga.h"

static const uint16_t data_stage[] = {0xe0f1, 0xf1d8, 0xe0e1, 0xe0e2, 0xe0f2, 0xf1d9, 0xe0e3,
                                      0xe0f3, 0xf1da, 0xf1e0, 0xe0e9, 0xe200, 0xf1d0, 0xf1d1,
                                      0xf1d2, 0xf1d3, 0xf1e1, 0xe120, 0xe121, 0xe122, 0xe123};

#define DATA_STAGE (sizeof(data_stage) / sizeof(data_stage[0]))

static void
provision(struct desk *d)
{
    uint8_t pub[91];
    size_t n = 0;

    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
}

static unsigned
moved(struct desk *d)
{
    unsigned count = 0;

    for (size_t i = 0; i < FAKE_OBJECTS; i++)
        count += d->part.objects[i].oid != 0 && d->part.objects[i].life >= 7;
    return count;
}

static enum rot_seal_state
state_of(struct desk *d, enum rot_stage stage, rot_object obj)
{
    enum rot_seal_state state = (enum rot_seal_state)0;

    assert_int_equal(rot_seal_state(&d->chip, stage, obj, &state), ROT_OK);
    return state;
}

/* ---- Refusals -------------------------------------------------------------------------------- */

static void
stages_that_there_are_not(void **state)
{
    struct desk *d = *state;
    enum rot_seal_state s;

    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_LIFECYCLE, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_LIFECYCLE, 0), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal_state(&d->chip, ROT_STAGE_LIFECYCLE, 0, &s), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(1)), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_wipe(&d->chip), ROT_E_UNSUPPORTED);
    assert_int_equal(moved(d), 0);
}

static void
nothing_is_sealed_unprepared(void **state)
{
    struct desk *d = *state;

    provision(d);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
    assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_OPEN);
    assert_int_equal(moved(d), 0);
}

static void
nothing_is_sealed_without_an_identity(void **state)
{
    struct desk *d = *state;

    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_EMPTY);
    assert_int_equal(moved(d), 0);
}

/* One of them has another condition: none is sealed. */
static void
every_condition_is_compared_first(void **state)
{
    struct desk *d = *state;

    provision(d);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    for (size_t i = 0; i < DATA_STAGE; i++) {
        struct fake_object *o = fake_find(&d->part, data_stage[i]);
        struct fake_bytes before = o->change;

        o->change.b[0] ^= 0x11;
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
        o->change = before;
        o->change.len++;
        assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
        o->change = before;
    }
    fake_find(&d->part, 0xf1d2)->read.b[0] = 0;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    assert_int_equal(moved(d), 0);
}

static void
production_wants_the_channel(void **state)
{
    struct desk *d = *state;

    assert_int_equal(desk_try(d, ROT_OPEN_PRODUCTION), ROT_OK);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_AUTH);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_E_AUTH);
    assert_int_equal(moved(d), 0);
}

/* ---- Sealing ---------------------------------------------------------------------------------------- */

static void
seal(struct desk *d, enum rot_stage stage, rot_object obj)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rot_seal_prepare(&d->chip, stage, obj), ROT_OK);
        assert_int_equal(rot_seal(&d->chip, stage, obj), ROT_OK);
        assert_int_equal(state_of(d, stage, obj), ROT_SEAL_DONE);
    }
}

static void
a_whole_recipe(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;
    uint8_t pub[91], bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8}, digest[32] = {0}, sig[80];
    size_t n = 0;
    uint64_t v;

    assert_int_equal(desk_try(d, ROT_OPEN_PRODUCTION), ROT_OK);
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_OPEN);
    seal(d, ROT_STAGE_CONFIG, 0);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_CONFIGURED);
    assert_int_equal(id.sealed, 1u << ROT_STAGE_CONFIG);
    provision(d);
    assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_OPEN);
    seal(d, ROT_STAGE_DATA, 0);
    seal(d, ROT_STAGE_OBJECT, ROT_TRUST(0));
    seal(d, ROT_STAGE_OBJECT, ROT_FIRMWARE(0));
    assert_int_equal(moved(d), 1 + DATA_STAGE + 2);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_SEALED);
    assert_int_equal(id.sealed, 1u << ROT_STAGE_CONFIG | 1u << ROT_STAGE_DATA);

    /* The identity stays; what is renewed goes through the channel. */
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, 91, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_key_public(&d->chip, ROT_IDEVID, pub, 91, &n), ROT_OK);
    assert_int_equal(rot_object_write(&d->chip, ROT_IDEVID, ROT_PART_CERT, 0, bytes, 8, 8, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, bytes, 8, 8, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, 91, &n), ROT_OK);
    assert_int_equal(rot_object_write(&d->chip, ROT_LDEVID(0), ROT_PART_CERT, 0, bytes, 8, 8, &n),
                     ROT_OK);
    assert_int_equal(rot_object_write(&d->chip, ROT_DATA(2), ROT_PART_DATA, 0, bytes, 8, 8, &n),
                     ROT_OK);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &v), ROT_OK);
    assert_int_equal(
        rot_key_generate(&d->chip, ROT_SESSION(4), ROT_ALG_AES128, pub, sizeof(pub), &n), ROT_OK);
    /* A new secret for the channel too. */
    assert_int_equal(rot_channel_rotate(&d->chip, pub, 64), ROT_OK);

    /* Another host, without the secret: it reads what is public, and changes nothing. */
    rot_port_openssl_channel(&d->crypto, NULL);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_key_public(&d->chip, ROT_LDEVID(0), pub, 91, &n), ROT_OK);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, pub, 91, &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_object_write(&d->chip, ROT_LDEVID(0), ROT_PART_CERT, 0, bytes, 8, 8, &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_object_read(&d->chip, ROT_DATA(2), ROT_PART_DATA, 0, bytes, 8, &n),
                     ROT_E_AUTH);
    /* Nor does it use a key, or count. */
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &v), ROT_E_AUTH);
    assert_int_equal(rot_channel_rotate(&d->chip, bytes, 8), ROT_E_ARG);
}

/* Cut anywhere: open or done, never foreign, and the same calls complete it. */
static void
sealing_is_cut(void **state)
{
    struct desk *d = *state;

    for (unsigned cut = 0;; cut++) {
        int was_cut;
        rot_err rc;

        fake_optiga_init(&d->part, &d->crypto.port);
        assert_int_equal(desk_try(d, 0), ROT_OK);
        provision(d);
        d->part.has_cut = 1;
        d->part.cut_at = cut;
        rc = rot_seal_prepare(&d->chip, ROT_STAGE_DATA, 0);
        if (rc == ROT_OK)
            rc = rot_seal(&d->chip, ROT_STAGE_DATA, 0);
        was_cut = d->part.is_deaf;
        assert_int_equal(rc, was_cut ? ROT_E_BUS : ROT_OK);
        d->part.has_cut = d->part.is_deaf = 0;
        fake_optiga_reset(&d->part);
        assert_int_equal(desk_try(d, 0), ROT_OK);
        assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), was_cut ? ROT_SEAL_OPEN : ROT_SEAL_DONE);
        seal(d, ROT_STAGE_DATA, 0);
        assert_int_equal(moved(d), DATA_STAGE);
        if (!was_cut) {
            assert_true(cut >= 2 * DATA_STAGE);
            return;
        }
    }
}

static void
another_hands_seal_is_foreign(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe0e3);

    provision(d);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_DATA, 0), ROT_OK);
    o->change.len = 1;
    o->change.b[0] = 0;
    o->life = 7;
    assert_int_equal(state_of(d, ROT_STAGE_DATA, 0), ROT_SEAL_FOREIGN);
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    assert_int_equal(moved(d), 1);
    fake_find(&d->part, 0xe140)->change.len = 3;
    fake_find(&d->part, 0xe140)->life = 7;
    assert_int_equal(state_of(d, ROT_STAGE_CONFIG, 0), ROT_SEAL_FOREIGN);
}

/* V1 has no AES key object; what is not there is not sealed. */
static void
a_part_that_lacks_an_object(void **state)
{
    struct desk *d = *state;

    fake_find(&d->part, 0xe200)->oid = 0xffff;
    fake_set_build(&d->part, 0x71, 0x0809);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    provision(d);
    seal(d, ROT_STAGE_DATA, 0);
    assert_int_equal(moved(d), DATA_STAGE - 1);
    assert_int_equal(rot_raw_status(&d->chip), 0);
}

/* The part says yes, and nothing changed. */
static void
say_yes(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if (apdu[0] == 0x82)
        a->status = 0;
}

static void
do_nothing(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    struct fake_object *o = arg;

    (void)len;
    (void)a;
    if (apdu[0] == 0x82)
        o->life = 1;
}

static void
keep_no_condition(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    struct fake_object *o = arg;

    (void)len;
    (void)a;
    if (apdu[0] == 0x82)
        o->change.len = 0;
}

static void
what_the_part_says_is_read_back(void **state)
{
    struct desk *d = *state;
    struct fake_object *o = fake_find(&d->part, 0xe0e8);

    d->part.lie = say_yes;
    o->life = 7; /* its metadata is fixed, so that it would refuse */
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
    o->life = 1;
    d->part.arg = o;
    d->part.lie = keep_no_condition;
    assert_int_equal(rot_seal_prepare(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
    assert_int_equal(o->life, 1);
    o->change.len = 1;
    o->change.b[0] = 0xff;
    d->part.lie = do_nothing;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_MISMATCH);
    assert_int_equal(state_of(d, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_SEAL_OPEN);
    d->part.lie = NULL;
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
}

#define OPEN(f)   cmocka_unit_test_setup_teardown(f, desk_open, desk_done)
#define PAIRED(f) cmocka_unit_test_setup_teardown(f, desk_paired, desk_done)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(stages_that_there_are_not),
        OPEN(nothing_is_sealed_unprepared),
        OPEN(nothing_is_sealed_without_an_identity),
        OPEN(every_condition_is_compared_first),
        OPEN(production_wants_the_channel),
        PAIRED(a_whole_recipe),
        OPEN(sealing_is_cut),
        OPEN(another_hands_seal_is_foreign),
        OPEN(a_part_that_lacks_an_object),
        OPEN(what_the_part_says_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
