/*
 * part_test.c: opening, the host channel's life, and parts that lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

static const uint8_t other_keys[32] = {0xee, 0xdd, 0xcc};

/* ---- Another part, or a broken one ------------------------------------------------------- */

struct lie {
    unsigned code, tag; /* of the command that is lied about; tag 0: any */
    struct fake_part *part;
    int what; /* -1: cut to `n` bytes; -2: `n` more bytes; otherwise byte `n` becomes it */
    size_t n;
    uint8_t status;
};

static void
tell_a_lie(void *arg, unsigned code, struct fake_said *said)
{
    const struct lie *lie = arg;

    if (code != lie->code || (lie->tag != 0 && lie->part->heard[0] != lie->tag))
        return;
    if (lie->status != 0) {
        said->status = lie->status;
    } else if (lie->what == -1) {
        said->len = lie->n < said->len ? lie->n : said->len;
    } else if (lie->what == -2) {
        memset(said->payload + said->len, 0, lie->n);
        said->len += lie->n;
    } else if (lie->n < said->len) {
        said->payload[lie->n] = (uint8_t)lie->what;
    }
}

static rot_err
open_with(struct desk *d, struct lie *lie)
{
    rot_err rc;

    rot_close(&d->chip);
    lie->part = &d->part;
    d->part.lie = tell_a_lie;
    d->part.arg = lie;
    rc = desk_open(d);
    if (rc == ROT_OK)
        rot_close(&d->chip);
    d->part.lie = NULL;
    return rc;
}

static void
another_part_is_not_ours(void **state)
{
    struct desk *d = *state;

    for (size_t n = 0; n < 16; n++) {
        struct lie cut = {.code = STSAFE_QUERY, .tag = 0x11, .what = -1, .n = n};
        assert_int_equal(open_with(d, &cut), ROT_E_WRONG_PART);
    }
    for (uint8_t s = 2; s < 32; s++) {
        struct lie refused = {.code = STSAFE_QUERY, .tag = 0x11, .status = s};
        assert_int_equal(open_with(d, &refused), ROT_E_WRONG_PART);
    }
    for (size_t n = 0; n < 7; n++) {
        struct lie changed = {.code = STSAFE_QUERY, .tag = 0x11, .what = 0x20, .n = n};
        rot_err rc = open_with(d, &changed);
        /* The first and the last byte of the mask say nothing about the family. */
        assert_int_equal(rc, n == 2 || n == 4 ? ROT_OK : ROT_E_WRONG_PART);
    }
}

static void
rules_that_are_none_are_refused(void **state)
{
    struct desk *d = *state;

    for (size_t n = 0; n < 29; n++) {
        struct lie cut = {.code = STSAFE_QUERY, .tag = 0x24, .what = -1, .n = n};
        assert_int_equal(open_with(d, &cut), ROT_E_FORMAT);
    }
    for (size_t n = 1; n < 9; n++) {
        struct lie more = {.code = STSAFE_QUERY, .tag = 0x24, .what = -2, .n = n};
        assert_int_equal(open_with(d, &more), ROT_E_FORMAT);
    }
    for (unsigned count = 0; count < 256; count++) {
        struct lie lie = {.code = STSAFE_QUERY, .tag = 0x24, .what = (int)count, .n = 1};
        assert_int_equal(open_with(d, &lie), count == 9 ? ROT_OK : ROT_E_FORMAT);
    }
}

static void
partitions_that_are_none_are_refused(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.code = STSAFE_QUERY, .tag = 0x12, .part = &d->part, .what = -1};
    uint64_t v = 0;

    d->part.lie = tell_a_lie;
    d->part.arg = &lie;
    for (lie.n = 0; lie.n < 48; lie.n++)
        assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &v), ROT_E_FORMAT);
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &v), ROT_E_FORMAT);
    lie.n = 2; /* a type that nobody knows */
    lie.what = 2;
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &v), ROT_E_FORMAT);
}

/* Answers of any length to everything: an error, in bounded time, and no byte too far. */
static void
no_length_is_believed(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.part = &d->part};
    static uint8_t out[ROT_EVIDENCE_MAX];
    struct rot_evidence e = {.buf = out, .cap = sizeof(out)};
    struct rot_identity id;
    size_t n = 0;
    uint64_t v = 0;

    d->part.lie = tell_a_lie;
    d->part.arg = &lie;
    for (unsigned code = 0; code < 0x1f; code++) {
        for (size_t len = 0; len < 600; len += len < 100 ? 1 : 37) {
            lie.code = code;
            lie.n = len;
            for (lie.what = -2; lie.what < 0; lie.what++) {
                (void)!rot_identify(&d->chip, &id);
                (void)!rot_random(&d->chip, out, 40);
                (void)!rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, out, 91, &n);
                (void)!rot_sign_digest(&d->chip, ROT_IDEVID, out, 32, out, 80, &n);
                (void)!rot_counter_increment(&d->chip, ROT_COUNTER(1), &v);
                (void)!rot_mac(&d->chip, ROT_SESSION(0), out, 5, out, 64, &n);
                (void)!rot_key_generate(&d->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, out, 64, &n);
            }
        }
    }
    (void)!rot_attest(&d->chip, ROT_IDEVID, out, &e);
}

static void
a_busy_part_is_waited_for(void **state)
{
    struct desk *d = *state;
    uint8_t out[40];

    d->part.busy = 150;
    assert_int_equal(rot_random(&d->chip, out, sizeof(out)), ROT_OK);
    d->part.busy = 100000;
    d->part.waits_us = 0;
    assert_int_equal(rot_random(&d->chip, out, sizeof(out)), ROT_E_BUS);
    assert_true(d->part.waits_us < 1200000);
    d->part.busy = 0;
    assert_int_equal(rot_random(&d->chip, out, sizeof(out)), ROT_OK);
}

static void
nobody_at_the_address(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    d->part.transport.address = 0x33;
    assert_int_equal(desk_open(d), ROT_E_BUS);
    d->part.transport.address = 0x20;
    assert_int_equal(desk_open(d), ROT_OK);
}

/* ---- Who -------------------------------------------------------------------------------------- */

static void
models_go_by_the_mask(void **state)
{
    static const char *const names[] = {"stsafe-a100", "stsafe-a110", "stsafe-a120"};

    (void)state;
    for (unsigned model = 0; model < 3; model++) {
        void *made = NULL;
        struct rot_identity id;
        struct desk *d;

        assert_int_equal(desk_make(&made, model, 1), 0);
        d = made;
        assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
        assert_string_equal(id.model, names[model]);
        assert_string_equal(id.vendor, "st");
        assert_int_equal(id.uid_len, 9);
        assert_memory_equal(id.uid, d->part.number, 9);
        assert_int_equal(id.protection, ROT_PROTECTION_OWN);
        assert_int_equal(id.lifecycle, ROT_LIFE_CONFIGURED);
        (void)desk_done(&made);
    }
}

static void
another_part_in_the_same_place_is_noticed(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;

    d->part.number[8] ^= 1;
    assert_int_equal(rot_identify(&d->chip, &id), ROT_E_WRONG_PART);
}

static void
random_in_all_sizes(void **state)
{
    struct desk *d = *state;
    static uint8_t out[ROT_RANDOM_MAX + 1];

    for (size_t n = 1; n <= ROT_RANDOM_MAX; n += n < 300 ? 1 : 997) {
        memset(out, 0xaa, sizeof(out));
        assert_int_equal(rot_random(&d->chip, out, n), ROT_OK);
        assert_int_equal(out[n], 0xaa);
        for (size_t i = 1; i < n; i++)
            assert_int_equal(out[i], (uint8_t)(out[0] + i));
    }
}

/* ---- The channel --------------------------------------------------------------------------------- */

static void
wrong_keys_open_nothing(void **state)
{
    struct desk *d = *state;
    uint64_t v = 0;

    rot_close(&d->chip);
    memcpy(d->secret, other_keys, 32);
    assert_int_equal(desk_open(d), ROT_E_AUTH);
    assert_true(d->part.bad_macs <= 2);
    /* Without a secret the part is spoken to in the clear, as far as it lets itself. */
    d->has_secret = 0;
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &v), ROT_OK);
}

static void
a_port_without_aes_cannot(void **state)
{
    struct desk *d = *state;

    rot_close(&d->chip);
    d->ops.aes_cmac = NULL;
    assert_int_equal(desk_open(d), ROT_E_PORT);
    d->ops.channel_secret = NULL;
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 32), ROT_E_PORT);
}

struct flip {
    unsigned code;
    size_t at;
};

static size_t
flip_a_bit(void *arg, unsigned code, uint8_t *frame, size_t len)
{
    const struct flip *f = arg;
    uint16_t crc = 0xffff;

    if (code != f->code || frame[0] != 0 || f->at >= (len - 5) * 8)
        return len;
    frame[3 + f->at / 8] ^= (uint8_t)(1u << (f->at % 8));
    for (size_t i = 0; i < len - 2; i++) {
        if (i == 1 || i == 2)
            continue;
        crc = (uint16_t)(crc ^ frame[i]);
        for (int k = 0; k < 8; k++)
            crc = (uint16_t)((crc & 1) != 0 ? (crc >> 1) ^ 0x8408 : crc >> 1);
    }
    crc = (uint16_t)~crc;
    frame[len - 2] = (uint8_t)(crc >> 8);
    frame[len - 1] = (uint8_t)crc;
    return len;
}

/* Whatever is changed on the bus, with the CRC put right, is noticed; and the next call works. */
static void
no_changed_answer_is_believed(void **state)
{
    struct desk *d = *state;
    struct flip f = {.code = STSAFE_RANDOM};
    uint8_t out[8];
    uint64_t v = 0;

    d->part.arg = &f;
    for (f.at = 0; f.at < 12 * 8; f.at++) {
        d->part.tamper = flip_a_bit;
        assert_int_equal(rot_random(&d->chip, out, 8), ROT_E_BUS);
        d->part.tamper = NULL;
        assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
    }
    /* The question for the counter can be answered by anybody; no answer makes a wrong value right. */
    f.code = STSAFE_QUERY;
    d->part.tamper = flip_a_bit;
    for (f.at = 0; f.at < 40 * 8; f.at += 7)
        assert_true(rot_counter_read(&d->chip, ROT_COUNTER(0), &v) < 0);
    d->part.tamper = NULL;
    rot_close(&d->chip);
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(rot_counter_read(&d->chip, ROT_COUNTER(0), &v), ROT_OK);
}

/* "Done", as anybody can say it. */
static size_t
say_done(void *arg, unsigned code, uint8_t *frame, size_t len)
{
    static const uint8_t done[] = {0x00, 0x00, 0x02, 0xf0, 0x78};

    (void)arg;
    if (code != STSAFE_UPDATE)
        return len;
    memcpy(frame, done, sizeof(done));
    return sizeof(done);
}

static void
a_bare_yes_is_none(void **state)
{
    struct desk *d = *state;
    uint8_t content[40] = {1};
    size_t n = 0;

    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(1), ROT_PART_DATA, 0, content, 40, 40, &n), ROT_OK);
    d->part.tamper = say_done;
    assert_int_equal(
        rot_object_write(&d->chip, ROT_TRUST(1), ROT_PART_DATA, 0, content, 40, 40, &n), ROT_E_BUS);
}

/* What the part's rules have encrypted is not said where there is nothing to encrypt it with. */
static void
what_is_hidden_wants_the_channel(void **state)
{
    static const uint8_t rules[] = {0x00, 1, STSAFE_RANDOM, 1, 1};
    struct desk *d = *state;
    uint8_t out[8];

    rot_close(&d->chip);
    memcpy(d->part.rules, rules, sizeof(rules));
    d->part.rules_len = sizeof(rules);
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
    assert_int_equal(rot_random(&d->chip, out, sizeof(out)), ROT_E_AUTH);
    assert_int_equal(d->part.seen[0][STSAFE_RANDOM], 0);
}

/* What a part that knows nothing of the keys can do: play back what was said before. */
struct tape {
    uint8_t frame[64];
    size_t len;
    int is_playing;
};

static size_t
play_back(void *arg, unsigned code, uint8_t *frame, size_t len)
{
    struct tape *t = arg;

    if (code != STSAFE_DECREMENT)
        return len;
    if (t->is_playing) {
        memcpy(frame, t->frame, t->len);
        return t->len;
    }
    memcpy(t->frame, frame, len);
    t->len = len;
    return len;
}

static void
an_old_answer_is_not_believed(void **state)
{
    struct desk *d = *state;
    struct tape tape = {.is_playing = 0};
    uint64_t v = 0;

    d->part.tamper = play_back;
    d->part.arg = &tape;
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &v), ROT_OK);
    tape.is_playing = 1;
    assert_int_equal(rot_counter_increment(&d->chip, ROT_COUNTER(0), &v), ROT_E_BUS);
}

/* Two programs with the same keys take turns. */
static void
another_program_may_speak_meanwhile(void **state)
{
    struct desk *d = *state;
    uint8_t out[8];

    for (int i = 0; i < 5; i++) {
        d->part.counter += 3;
        assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
    }
    assert_int_equal(d->part.bad_macs, 5);
    /* An encrypted command too: it is built anew for the new counter. */
    d->part.counter += 3;
    assert_int_equal(
        rot_key_generate(&d->chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, out, 8, &(size_t){0}),
        ROT_OK);
}

/* No MAC is ever made for a counter below one that was used. */
static void
a_counter_does_not_go_back(void **state)
{
    struct desk *d = *state;
    uint8_t out[8];

    assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
    d->part.counter -= 1;
    assert_int_equal(rot_random(&d->chip, out, 8), ROT_E_AUTH);
    d->part.bus_len = 0;
    assert_int_equal(rot_random(&d->chip, out, 8), ROT_E_AUTH);
    assert_int_equal(d->part.bus_len, 4); /* only the question for the counter went out */
}

static void
a_refusal_leaves_both_in_step(void **state)
{
    struct desk *d = *state;
    struct lie lie = {.code = STSAFE_RANDOM, .status = 0x0b};
    uint8_t out[8];

    for (unsigned s = 1; s < 32; s++) {
        lie.status = (uint8_t)s;
        d->part.lie = tell_a_lie;
        d->part.arg = &lie;
        assert_true(rot_random(&d->chip, out, 8) < 0);
        assert_int_equal(rot_raw_status(&d->chip), s);
        d->part.lie = NULL;
        assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
    }
}

/* ---- Pairing ---------------------------------------------------------------------------------------- */

static void
only_whole_secrets_pair(void **state)
{
    struct desk *d = *state;

    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 31), ROT_E_ARG);
    assert_int_equal(rot_channel_rotate(&d->chip, NULL, 32), ROT_E_ARG);
    assert_int_equal(d->part.has_host, 0);
}

/* Until it is paired, production looks at a part and changes nothing in it. */
static void
production_wants_its_own_keys(void **state)
{
    struct desk *d = *state;
    uint8_t out[91];
    size_t n = 0;

    rot_close(&d->chip);
    d->setup.flags = ROT_OPEN_PRODUCTION;
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, out, 91, &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_object_write(&d->chip, ROT_TRUST(0), ROT_PART_DATA, 0, out, 91, 91, &n),
                     ROT_E_AUTH);
    assert_int_equal(rot_channel_rotate(&d->chip, desk_keys, 32), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, out, 91, &n), ROT_OK);
    rot_close(&d->chip);
    d->has_secret = 1;
    assert_int_equal(desk_open(d), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
}

static void
rotates_and_rotates_again(void **state)
{
    struct desk *d = *state;
    uint8_t out[8];
    unsigned before = d->part.commands;

    assert_int_equal(rot_channel_rotate(&d->chip, desk_keys, 32), ROT_OK); /* as it is */
    assert_int_equal(d->part.commands, before);
    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 32), ROT_OK);
    assert_memory_equal(d->part.host, other_keys, 32);
    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 32), ROT_OK);
    assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    /* The part has them already, and this conversation does not know it. */
    rot_close(&d->chip);
    d->has_secret = 0;
    assert_int_equal(desk_open(d), ROT_OK);
    before = d->part.seen[0][STSAFE_PUT_ATTRIBUTE];
    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 32), ROT_OK);
    assert_int_equal(d->part.seen[0][STSAFE_PUT_ATTRIBUTE], before);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
}

static void
keys_that_are_fixed_stay(void **state)
{
    struct desk *d = *state;
    uint8_t out[8];

    d->part.host_is_fixed = 1;
    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 32), ROT_E_AUTH);
    assert_int_equal(rot_raw_status(&d->chip), 0x11);
    assert_memory_equal(d->part.host, desk_keys, 32);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
}

/* Cut anywhere, the part has the old keys or the new ones, and the same call ends it. */
static void
a_cut_rotation_is_done_again(void **state)
{
    struct desk *d = *state;

    for (unsigned at = 1, through = 0; !through; at++) {
        const uint8_t *want = at % 2 != 0 ? other_keys : desk_keys;
        rot_err rc;

        d->part.transfers = 0;
        d->part.cut_at = at;
        d->part.cut_after = at % 3 == 0;
        through = rot_channel_rotate(&d->chip, want, 32) == ROT_OK;
        rot_close(&d->chip);
        d->part.is_cut = 0;
        d->part.cut_at = 0;
        memcpy(d->secret, d->part.host, 32); /* whichever the host remembers of the two */
        assert_true(memcmp(d->secret, other_keys, 32) == 0 ||
                    memcmp(d->secret, desk_keys, 32) == 0);
        assert_int_equal(desk_open(d), ROT_OK);
        rc = rot_channel_rotate(&d->chip, want, 32);
        assert_int_equal(rc, ROT_OK);
        assert_memory_equal(d->part.host, want, 32);
        assert_true(at < 40);
    }
}

/* A part that says yes and keeps nothing. */
static void
keep_nothing(void *arg, unsigned code, struct fake_said *said)
{
    struct fake_part *p = arg;

    (void)said;
    if (code == STSAFE_PUT_ATTRIBUTE)
        p->has_host = 0;
}

static void
a_part_that_keeps_no_keys_is_not_paired(void **state)
{
    struct desk *d = *state;

    d->part.lie = keep_nothing;
    d->part.arg = &d->part;
    assert_int_equal(rot_channel_rotate(&d->chip, desk_keys, 32), ROT_E_AUTH);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_NONE);
}

static void
reset_keeps_the_channel(void **state)
{
    struct desk *d = *state;
    uint8_t out[8];

    assert_int_equal(rot_channel_rotate(&d->chip, other_keys, 32), ROT_OK);
    assert_int_equal(rot_reset(&d->chip), ROT_OK);
    assert_int_equal(d->chip.protection, ROT_PROTECTION_OWN);
    assert_int_equal(rot_random(&d->chip, out, 8), ROT_OK);
}

/* With the channel open nothing but the question for the counter goes without a MAC. */
static void
everything_goes_through_the_channel(void **state)
{
    struct desk *d = *state;
    struct rot_identity id;
    uint8_t out[91] = {0};
    size_t n = 0;

    assert_int_equal(rot_identify(&d->chip, &id), ROT_OK);
    assert_int_equal(d->part.bus[0] & 0xe0, 0xe0);
    assert_int_equal(rot_key_generate(&d->chip, ROT_LDEVID(0), ROT_ALG_P256, out, 91, &n), ROT_OK);
    assert_int_equal(d->part.bus[0] & 0xe0, 0xe0);
    assert_int_equal(rot_sign_digest(&d->chip, ROT_IDEVID, out, 32, out, 91, &n), ROT_OK);
    assert_int_equal(d->part.bus[0], 0xf6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAR(another_part_is_not_ours),
        CLEAR(rules_that_are_none_are_refused),
        CLEAR(partitions_that_are_none_are_refused),
        PAIRED(partitions_that_are_none_are_refused),
        CLEAR(no_length_is_believed),
        PAIRED(no_length_is_believed),
        CLEAR(nobody_at_the_address),
        PAIRED(another_part_in_the_same_place_is_noticed),
        PAIRED(wrong_keys_open_nothing),
        PAIRED(a_port_without_aes_cannot),
        PAIRED(no_changed_answer_is_believed),
        PAIRED(a_bare_yes_is_none),
        CLEAR(what_is_hidden_wants_the_channel),
        PAIRED(an_old_answer_is_not_believed),
        PAIRED(a_counter_does_not_go_back),
        PAIRED(a_refusal_leaves_both_in_step),
        CLEAR(only_whole_secrets_pair),
        PAIRED(keys_that_are_fixed_stay),
        CLEAR(a_part_that_keeps_no_keys_is_not_paired),
        PAIRED(a_cut_rotation_is_done_again),
        A120(a_cut_rotation_is_done_again),
        PAIRED(a_busy_part_is_waited_for),
        cmocka_unit_test(models_go_by_the_mask),
        CLEAR(random_in_all_sizes),
        PAIRED(random_in_all_sizes),
        PAIRED(another_program_may_speak_meanwhile),
        CLEAR(production_wants_its_own_keys),
        PAIRED(rotates_and_rotates_again),
        A120(reset_keeps_the_channel),
        PAIRED(everything_goes_through_the_channel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
