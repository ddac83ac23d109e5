/*
 * wire_test.c: opening, the channel, and pairing.
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
#include "script.h"

/* ---- Opening in the clear ------------------------------------------------------------------ */

static void
a_part_without_secrets(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;

    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.protection, ROT_PROTECTION_NONE);
    assert_string_equal(id.vendor, "infineon");
    assert_string_equal(id.model, "optiga-trust-m3");
    assert_int_equal(id.revision, 0x2440);
    assert_int_equal(id.uid_len, 27);
    assert_memory_equal(id.uid, desk_data(d, 0xe0c2), 27);
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    assert_int_equal(d->part.shielded, 0);
    rot_close(&d->chip);
    assert_int_equal(d->part.is_open, 0);
}

static void
models(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;

    fake_set_build(&d->part, 0x71, 0x0809);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_string_equal(id.model, "optiga-trust-m1");
    fake_set_build(&d->part, 0x70, 0x2440);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_string_equal(id.model, "optiga-trust-m-express");
    memcpy(fake_find(&d->part, 0xe0e0)->change.b, "\xe1\xfc\x07", 3);
    fake_find(&d->part, 0xe0e0)->change.len = 3;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_string_equal(id.model, "optiga-trust-m-mtr");
    fake_find(&d->part, 0xe0c0)->data[0] = 0x0f;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(id.lifecycle, ROT_LIFE_END);
}

/* Identifiers of real parts (dumps). */
static void
identifiers_of_real_parts(void **state)
{
    static const struct {
        const char *uid, *model;
        unsigned revision;
    } parts[] = {
        {"= cd16338201001c000500000a091b5c000700a60087801010710809", "optiga-trust-m1", 0x0809},
        {"= cd16339301001c000500000a09a413000a002f002e801010712440", "optiga-trust-m3", 0x2440},
        {"= cd16334d01001c000500000a091b5c0015007a0040801010702440", "optiga-trust-m-express",
         0x2440},
    };
    struct desk *d = *state;
    struct rot_identity id;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        uint8_t uid[SCRIPT_MAX];

        assert_int_equal(script_bytes(parts[i].uid, uid), 27);
        memcpy(fake_find(&d->part, 0xe0c2)->data, uid, 27);
        assert_int_equal(desk_try(d, 0), ROT_OK);
        assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
        assert_string_equal(id.model, parts[i].model);
        assert_int_equal(id.revision, parts[i].revision);
        assert_memory_equal(id.uid, uid, 27);
    }
}

static void
nobody_or_somebody_else(void **state)
{
    struct desk *d = *state;

    d->part.is_deaf = 1;
    assert_int_equal(desk_try(d, 0), ROT_E_BUS);
    d->part.is_deaf = 0;
    d->part.state_byte = 0x0c;
    assert_int_equal(desk_try(d, 0), ROT_E_WRONG_PART);
    assert_int_equal(d->part.resets, 0);
    d->part.state_byte = 0;
    d->part.transport.address = 0x31;
    assert_int_equal(desk_try(d, 0), ROT_E_BUS);
    d->part.transport.address = 0x30;
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(d->part.resets, 1);
}

/* Lies by command: what is answered instead of the truth. */
static struct {
    unsigned cmd, after;
    struct fake_answer a;
} planned;

static void
as_planned(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    (void)arg;
    (void)len;
    if ((apdu[0] & 0x7fu) != planned.cmd)
        return;
    if (planned.after-- == 0)
        *a = planned.a;
}

static void
plan(struct desk *d, unsigned cmd, unsigned after, uint8_t status, const char *out, size_t len)
{
    memset(&planned, 0, sizeof(planned));
    planned.cmd = cmd;
    planned.after = after;
    planned.a.status = status;
    planned.a.len = len;
    memcpy(planned.a.out, out, len);
    d->part.lie = as_planned;
}

static void
opening_is_refused_or_answered_wrongly(void **state)
{
    struct desk *d = *state;

    plan(d, 0x70, 0, 0x06, "", 0);
    assert_int_equal(desk_try(d, 0), ROT_E_CHIP);
    plan(d, 0x70, 0, 0, "\0", 1);
    assert_int_equal(desk_try(d, 0), ROT_E_FORMAT);
    plan(d, 0x01, 0, 0, "short", 5);
    assert_int_equal(desk_try(d, 0), ROT_E_FORMAT);
    plan(d, 0x01, 0, 0x07, "", 0);
    assert_int_equal(desk_try(d, 0), ROT_E_STATE);
    d->part.lie = NULL;
    assert_int_equal(desk_try(d, 0), ROT_OK);
}

/* An error whose code cannot be read, or is none: bounded, and the next command is well. */
static void
errors_without_a_code(void **state)
{
    struct desk *d = *state;
    uint8_t r[8];

    assert_int_equal(desk_try(d, 0), ROT_OK);
    plan(d, 0x0c, 0, 0x06, "", 0);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_CHIP);
    assert_int_equal(rot_raw_status(&d->chip), 0x06);
    plan(d, 0x0c, 0, 0x0c, "", 0);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_BUS);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
    assert_int_equal(rot_raw_status(&d->chip), 0);
    d->part.lie = NULL;
    d->part.is_open = 0; /* somebody closed the application */
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_BUS);
    assert_int_equal(rot_raw_status(&d->chip), 0x0c);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
}

static size_t
no_answer(void *arg, uint8_t *p, size_t len)
{
    const char *text = arg;

    (void)len;
    memcpy(p, text + 1, (size_t)text[0]);
    return (size_t)text[0];
}

static void
answers_that_are_none(void **state)
{
    static const char *const texts[] = {"\x01\x20",         "\x04\x20\0\0\0", "\x05\x40\0\0\0\0",
                                        "\x05\x23\0\0\0\0", "\x01\x40",       "\x01\x44"};
    struct desk *d = *state;
    uint8_t r[8];

    assert_int_equal(desk_try(d, 0), ROT_OK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        union {
            const char *text;
            void *arg;
        } u = {texts[i]};

        d->part.arg = u.arg;
        d->part.twist = no_answer;
        assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_FORMAT);
        d->part.twist = NULL;
        assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
    }
}

/* ---- The channel -------------------------------------------------------------------------------- */

static void
everything_goes_through_the_channel(void **state)
{
    struct desk *d = *state;
    unsigned plain = d->part.plain;
    uint8_t r[300];

    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(rot_random(&d->chip, r, sizeof(r)), ROT_OK);
    assert_int_equal(r[0], 0x80);
    assert_int_equal(r[256], 0x80);
    assert_int_equal(d->part.plain, plain);
    assert_int_equal(d->part.shielded, 2);
    assert_memory_equal(d->part.apdu, "\x8c\x00\x00\x02\x00\x2c", 6);
}

static struct {
    uint8_t p[FAKE_MAX];
    size_t len, calls;
    int how;
} tape;

static size_t
forge(void *arg, uint8_t *p, size_t len)
{
    (void)arg;
    if (len < 13)
        return len;
    tape.calls++;
    switch (tape.how) {
    case 0: /* record */
        memcpy(tape.p, p, len);
        tape.len = len;
        return len;
    case 1: /* replay */
        memcpy(p, tape.p, tape.len);
        return tape.len;
    case 2: /* a bit of the ciphertext */
        p[7] ^= 1;
        return len;
    case 3: /* a bit of the MAC */
        p[len - 1] ^= 0x80;
        return len;
    case 4: /* shorter */
        return len - 1;
    case 5: /* longer */
        p[len] = 0;
        return len + 1;
    case 6: /* in the clear, as if there were no channel */
        memcpy(p,
               "\x20\0\0\0\x08"
               "12345678",
               13);
        return 13;
    case 7: /* less protected */
        p[0] = 0x22;
        return len;
    case 8:
        p[0] = 0x40;
        return 1;
    case 9:
        p[0] = 0x44;
        return 1;
    default: /* numbers far ahead */
        p[1] ^= 0x40;
        return len;
    }
}

/* Somebody on the bus: nothing of it is believed, and the next command has a new channel. */
static void
forged_answers(void **state)
{
    struct desk *d = *state;
    uint8_t r[8];

    d->part.twist = forge;
    tape.how = 0;
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
    for (tape.how = 1; tape.how <= 10; tape.how++) {
        unsigned plain;

        d->part.twist = forge;
        memset(r, 0x55, sizeof(r));
        assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_BUS);
        assert_memory_equal(r, "\x55\x55\x55\x55\x55\x55\x55\x55", 8);
        d->part.twist = NULL;
        plain = d->part.plain;
        assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
        assert_memory_equal(r, "\x80\x81\x82\x83\x84\x85\x86\x87", 8);
        assert_int_equal(d->part.plain,
                         plain + 1); /* the application is opened anew, that is all */
        assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    }
}

/* Somebody else reset the part, or power failed. */
static void
a_part_that_forgot(void **state)
{
    struct desk *d = *state;
    uint8_t r[8];

    fake_optiga_reset(&d->part);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_BUS);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
    assert_true(d->part.is_shielded);
}

/* Who was spoken to by the secret is never spoken to without it. */
static void
no_way_back_to_the_clear(void **state)
{
    struct desk *d = *state;
    uint8_t other[64] = {9}, r[8];
    unsigned plain;

    fake_bind(&d->part, other, 64);
    assert_int_equal(rot_reset(&d->chip), ROT_E_AUTH);
    plain = d->part.plain;
    for (int i = 0; i < 3; i++)
        assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_AUTH);
    assert_int_equal(d->part.plain, plain + 3); /* OpenApplication */
    assert_int_equal(d->part.shielded, 0);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
}

/* Numbers that are used up: one refusal, then a new channel. */
static void
numbers_run_out(void **state)
{
    struct desk *d = *state;
    uint8_t r[8];

    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
    optiga_of(&d->chip)->shield.sent = 0xfffffff0u;
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_E_BUS);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
}

static void
a_host_whose_port_is_poor(void **state)
{
    struct desk *d = *state;

    desk_give_secrets(d);
    d->ops.hmac = NULL;
    assert_int_equal(desk_try(d, 0), ROT_E_PORT);
    d->ops.channel_secret = NULL;
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
}

/* ---- Pairing ----------------------------------------------------------------------------------------- */

static void
a_new_part_is_paired(void **state)
{
    struct desk *d = *state;
    uint8_t secret[64], pub[91];
    size_t n = 0;

    desk_give_secrets(d);
    desk_secret(d, secret);
    assert_int_equal(desk_try(d, ROT_OPEN_PRODUCTION), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 31), ROT_E_ARG);
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_memory_equal(desk_data(d, 0xe140), secret, 64);
    assert_int_equal(rot_key_generate(&d->chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    /* Again, and after opening again: nothing is written any more. */
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_OK);
    d->part.has_cut = 1;
    assert_int_equal(desk_try(d, ROT_OPEN_PRODUCTION), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_OK);
    assert_int_equal(d->part.is_deaf, 0);
}

static void
a_secret_is_replaced_by_another(void **state)
{
    struct desk *d = *state;
    uint8_t next[40];
    unsigned plain = d->part.plain;

    memset(next, 0x3c, sizeof(next));
    fake_find(&d->part, 0xe140)->life = 7; /* through the channel only, from here on */
    assert_int_equal(rot_channel_rotate(&d->chip, next, sizeof(next)), ROT_OK);
    assert_int_equal(fake_find(&d->part, 0xe140)->used, 40);
    assert_memory_equal(desk_data(d, 0xe140), next, 40);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(d->part.plain, plain + 3); /* three times OpenApplication */
}

/* Cut while the secret is written: the same call, on the chip opened again, puts it right. */
static void
pairing_is_cut(void **state)
{
    struct desk *d = *state;
    uint8_t secret[64];

    desk_give_secrets(d);
    desk_secret(d, secret);
    for (int is_after = 0; is_after < 2; is_after++) {
        fake_optiga_init(&d->part, &d->crypto.port);
        assert_int_equal(desk_try(d, 0), ROT_OK);
        d->part.has_cut = 1;
        d->part.cut_at = is_after ? 1 : 0;
        if (!is_after)
            assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_E_BUS);
        else
            assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_OK);
        d->part.has_cut = d->part.is_deaf = 0;
        fake_optiga_reset(&d->part);
        assert_int_equal(desk_try(d, 0), ROT_OK);
        assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_OK);
        assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
        assert_memory_equal(desk_data(d, 0xe140), secret, 64);
    }
}

/* A bench sealed it with the secret that everybody knows: who knows it can still pair it. */
static void
a_part_sealed_with_the_published_secret(void **state)
{
    struct desk *d = *state;
    uint8_t secret[64];

    desk_give_secrets(d);
    desk_secret(d, secret);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(rot_seal(&d->chip, ROT_STAGE_CONFIG, 0), ROT_OK);
    assert_int_equal(fake_find(&d->part, 0xe140)->life, 7);
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_memory_equal(desk_data(d, 0xe140), secret, 64);
}

static void
a_part_of_somebody_else(void **state)
{
    struct desk *d = *state;
    uint8_t secret[64], theirs[64] = {0x77}, r[8];

    desk_give_secrets(d);
    desk_secret(d, secret);
    fake_bind(&d->part, theirs, 64);
    fake_find(&d->part, 0xe140)->life = 7;
    assert_int_equal(desk_try(d, 0), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_E_AUTH);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_memory_equal(desk_data(d, 0xe140), theirs, 64);
    assert_int_equal(rot_random(&d->chip, r, 8), ROT_OK);
}

/* The part says yes and keeps the old secret. */
static void
a_part_that_does_not_take_it(void **state)
{
    struct desk *d = *state;
    uint8_t secret[64];

    desk_give_secrets(d);
    desk_secret(d, secret);
    assert_int_equal(desk_try(d, 0), ROT_OK);
    fake_find(&d->part, 0xe140)->change.len = 0;
    plan(d, 0x02, 0, 0, "", 0);
    assert_int_equal(rot_channel_rotate(&d->chip, secret, 64), ROT_E_MISMATCH);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
}

#define CLOSED(f) cmocka_unit_test_setup_teardown(f, desk_closed, desk_done)
#define PAIRED(f) cmocka_unit_test_setup_teardown(f, desk_paired, desk_done)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(a_part_without_secrets),
        CLOSED(models),
        CLOSED(identifiers_of_real_parts),
        CLOSED(nobody_or_somebody_else),
        CLOSED(opening_is_refused_or_answered_wrongly),
        CLOSED(errors_without_a_code),
        CLOSED(answers_that_are_none),
        PAIRED(everything_goes_through_the_channel),
        PAIRED(forged_answers),
        PAIRED(a_part_that_forgot),
        PAIRED(no_way_back_to_the_clear),
        PAIRED(numbers_run_out),
        CLOSED(a_host_whose_port_is_poor),
        CLOSED(a_new_part_is_paired),
        PAIRED(a_secret_is_replaced_by_another),
        CLOSED(pairing_is_cut),
        CLOSED(a_part_sealed_with_the_published_secret),
        CLOSED(a_part_of_somebody_else),
        CLOSED(a_part_that_does_not_take_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
