/*
 * session_test.c: what passes the bus between the TPM driver and a TPM, and
 * what the driver makes of answers that are late, wrong or somebody else's.
 *
 * The TPM is fake_tpm.c, which has its own idea of every derivation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <openssl/sha.h>
#include <rot/port_openssl.h>

#include "fake_tpm.h"
#include "tpm2.h"

extern const struct rot_driver rot_driver_tpm2;

static struct fake_tpm tpm;
static struct rot_port_openssl crypto;
static struct rot_chip chip;
static uint64_t memory[1024];

static int
open_it(void **state)
{
    struct rot_setup setup = {.driver = &rot_driver_tpm2,
                              .transport = &tpm.transport,
                              .state = memory,
                              .state_size = sizeof(memory)};

    (void)state;
    fake_tpm_init(&tpm);
    assert_int_equal(rot_port_openssl_init(&crypto), ROT_OK);
    setup.port = &crypto.port;
    assert_int_equal(rot_open(&chip, &setup), ROT_OK);
    return 0;
}

static int
close_it(void **state)
{
    (void)state;
    rot_close(&chip);
    rot_port_openssl_done(&crypto);
    return 0;
}

/* ---- Constants of the TCG, computed ------------------------------------------------- */

static void
extend(uint8_t digest[32], uint32_t cc, const void *p, size_t len)
{
    uint8_t text[32 + 4 + 128];

    memcpy(text, digest, 32);
    for (int i = 0; i < 4; i++)
        text[32 + i] = (uint8_t)(cc >> (24 - 8 * i));
    memcpy(text + 36, p, len);
    (void)SHA256(text, 36 + len, digest);
}

static void
policies_are_what_the_text_says(void **state)
{
    static const uint8_t endorsement[] = {0x40, 0x00, 0x00, 0x0b}, certify[] = {0, 0, 1, 0x48},
                         activate[] = {0, 0, 1, 0x47};
    uint8_t user[32] = {0}, branch[32], both[32];

    (void)state;
    extend(user, TPM2_CC_POLICY_SECRET, endorsement, 4);
    (void)SHA256(user, 32, user); /* and an empty policyRef */
    for (unsigned which = 0; which < 2; which++) {
        assert_memory_equal(tpm2_branches[which][0], user, 32);
        memcpy(branch, user, 32);
        extend(branch, TPM2_CC_POLICY_COMMAND_CODE, certify, 4);
        assert_memory_equal(tpm2_branches[which][1], branch, 32);
        memcpy(branch, user, 32);
        extend(branch, TPM2_CC_POLICY_COMMAND_CODE, activate, 4);
        assert_memory_equal(tpm2_branches[which][2], branch, 32);
        memset(both, 0, 32);
        extend(both, TPM2_CC_POLICY_OR, tpm2_branches[which], 128);
        assert_memory_equal(tpm2_policies[which], both, 32);
    }
}

static void
templates_are_the_tcg_s(void **state)
{
    /* Keys for Device Identity and Attestation, H-2, up to the policy and after it. */
    static const uint8_t tail[] = {0x00, 0x10, 0x00, 0x18, 0x00, 0x0b, 0x00, 0x03, 0x00, 0x10};
    struct tpm2_state *s = tpm2_of(&chip);
    const uint8_t *p = s->tx + 12;

    (void)state;
    tpm2_begin(&chip, TPM2_CC_CREATE_PRIMARY);
    tpm2_put_template(&chip, TPM2_TEMPLATE_IDEVID);
    assert_memory_equal(p, "\x00\x23\x00\x0b\x00\x04\x00\xf2\x00\x20", 10);
    assert_memory_equal(p + 10, tpm2_policies[0], 32);
    assert_memory_equal(p + 42, tail, sizeof(tail));
    assert_memory_equal(p + 52, "\x00\x06IDEVID\x00\x06IDEVID", 16);
    assert_int_equal(s->command.len, 12 + 68);
    tpm2_begin(&chip, TPM2_CC_CREATE_PRIMARY);
    tpm2_put_template(&chip, TPM2_TEMPLATE_IAK);
    assert_memory_equal(p, "\x00\x23\x00\x0b\x00\x05\x00\xf2\x00\x20", 10);
    assert_memory_equal(p + 10, tpm2_policies[1], 32);
    assert_memory_equal(p + 42, tail, sizeof(tail));
    assert_memory_equal(p + 52, "\x00\x03IAK\x00\x03IAK", 10);
    assert_int_equal(s->command.len, 12 + 62);
    tpm2_begin(&chip, TPM2_CC_CREATE_PRIMARY);
    tpm2_put_template(&chip, TPM2_TEMPLATE_EK);
    assert_memory_equal(p, "\x00\x01\x00\x0b\x00\x03\x00\xb2\x00\x20", 10);
    assert_int_equal(s->command.len, 12 + 314);
}

/* ---- What is on the bus ---------------------------------------------------------------- */

static void
commands_hold_and_nothing_is_readable(void **state)
{
    uint8_t pub[320], sig[80], digest[32], secret[32], random[32];
    size_t n = 0;

    (void)state;
    memset(digest, 0x77, sizeof(digest));
    assert_int_equal(rot_random(&chip, random, 32), ROT_OK);
    assert_int_equal(random[0], random[31]); /* the fake's pattern: decrypted as it was meant */
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(n, 91);
    assert_int_equal(rot_sign_digest(&chip, ROT_IDEVID, digest, 32, sig, sizeof(sig), &n), ROT_OK);
    assert_memory_equal(tpm.plain + 2, digest, 32);
    assert_memory_not_equal(tpm.bus + 2, digest, 32);
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(0), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(rot_agree(&chip, ROT_LDEVID(0), pub, 91, 0, secret, sizeof(secret), &n),
                     ROT_OK);
    assert_memory_equal(secret, pub + 27, 32); /* the fake's private key is one */
    assert_int_equal(tpm.wrong_hmacs, 0);
    assert_true(tpm.seen[TPM2_CC_START_SESSION] == 1);
}

static void
nothing_stays_loaded(void **state)
{
    uint8_t pub[320], in[4] = {1}, mac[32];
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_LDEVID(1), ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(
        rot_key_generate(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, pub, sizeof(pub), &n), ROT_OK);
    assert_int_equal(rot_mac(&chip, ROT_SESSION(0), in, sizeof(in), mac, sizeof(mac), &n), ROT_OK);
    for (size_t i = 0; i < FAKE_OBJECTS; i++)
        assert_true(tpm.objects[i].handle == 0 || tpm.objects[i].handle >> 24 == 0x81);
    rot_close(&chip);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(tpm.sessions[i].handle, 0);
}

/* ---- Answers that are not the TPM's ------------------------------------------------------ */

static unsigned flip_at, flip_cc;

static size_t
flip(void *arg, uint32_t cc, uint8_t *rx, size_t len, size_t cap)
{
    (void)arg;
    (void)cap;
    if (cc == flip_cc && flip_at < len)
        rx[flip_at] ^= 0x01;
    return len;
}

/* Every byte of an answer: no changed one gives a random number. */
static void
a_changed_answer_is_none(void **state)
{
    uint8_t random[32], before[32];

    (void)state;
    assert_int_equal(rot_random(&chip, before, 32), ROT_OK);
    tpm.tamper = flip;
    flip_cc = TPM2_CC_GET_RANDOM;
    /* Header 10, size of the parameters 4, 2 + 32, nonce 2 + 32, attributes 1, HMAC 2 + 32. */
    for (flip_at = 0; flip_at < 10 + 4 + 34 + 34 + 1 + 34; flip_at++) {
        memset(random, 0xee, sizeof(random));
        assert_int_not_equal(rot_random(&chip, random, 32), ROT_OK);
        for (size_t i = 0; i < sizeof(random); i++)
            assert_int_equal(random[i], 0xee);
    }
    tpm.tamper = NULL;
    assert_int_equal(rot_random(&chip, random, 32), ROT_OK);
}

/* ---- Answers that are late ------------------------------------------------------------------ */

static uint32_t lie_code, lie_cc;
static unsigned lie_times;

static void
say_code(void *arg, uint32_t cc, struct fake_answer *a)
{
    (void)arg;
    if (cc == lie_cc && lie_times != 0) {
        lie_times--;
        a->code = lie_code;
    }
}

static rot_err
random_with(uint32_t code, unsigned times)
{
    uint8_t random[32];
    rot_err rc;

    lie_cc = TPM2_CC_GET_RANDOM;
    lie_code = code;
    lie_times = times;
    tpm.lie = say_code;
    tpm.waits = 0;
    rc = rot_random(&chip, random, 32);
    tpm.lie = NULL;
    return rc;
}

static void
patience_has_an_end(void **state)
{
    static const uint32_t later[] = {0x908, 0x90a, 0x920, 0x922, 0x000b0922};

    (void)state;
    for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        assert_int_equal(random_with(later[i], 7), ROT_OK);
        assert_int_equal(tpm.waits, 7);
    }
    assert_int_equal(random_with(0x922, 100000), ROT_E_BUS);
    assert_int_equal(rot_raw_status(&chip), 0x922);
    assert_true(tpm.waits < 2000);
    assert_int_equal(random_with(0, 0), ROT_OK);
    assert_int_equal(tpm.wrong_hmacs, 0);
}

/* ---- A TPM that forgot --------------------------------------------------------------------------- */

static void
a_lost_session_is_made_anew(void **state)
{
    uint8_t random[32];
    unsigned before;

    (void)state;
    assert_int_equal(rot_random(&chip, random, 32), ROT_OK);
    before = tpm.seen[TPM2_CC_START_SESSION];
    memset(tpm.sessions, 0, sizeof(tpm.sessions));
    assert_int_equal(rot_random(&chip, random, 32), ROT_OK);
    assert_int_equal(tpm.seen[TPM2_CC_START_SESSION], before + 1);
    /* Once, not for ever. */
    assert_int_equal(random_with(0x918, 100), ROT_E_CHIP);
    assert_true(tpm.seen[TPM2_CC_START_SESSION] < before + 4);
    assert_int_equal(random_with(0x100, 1), ROT_OK);
    assert_int_equal(tpm.seen[TPM2_CC_STARTUP], 1);
}

static void
others_rubbish_is_flushed(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    for (size_t i = 1; i < FAKE_OBJECTS; i++)
        tpm.objects[i].handle = 0x80ff0000u + (uint32_t)i;
    for (size_t i = 0; i < 3; i++)
        tpm.sessions[i].handle = 0x03ff0000u + (uint32_t)i;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    assert_int_equal(tpm.wrong_hmacs, 0);
}

static void
a_counter_goes_up_once(void **state)
{
    uint64_t before = 0, after = 0;

    (void)state;
    assert_int_equal(rot_counter_read(&chip, ROT_COUNTER(0), &before), ROT_OK);
    memset(tpm.sessions, 0, sizeof(tpm.sessions));
    assert_int_equal(rot_counter_increment(&chip, ROT_COUNTER(0), &after), ROT_OK);
    assert_int_equal(after, before + 1);
}

/* ---- Codes --------------------------------------------------------------------------------------- */

static void
codes_have_a_meaning(void **state)
{
    static const struct {
        uint32_t code;
        rot_err want;
    } rows[] = {
        {0x000, ROT_OK},
        {0x921, ROT_E_STATE},
        {0x14b, ROT_E_SPACE},
        {0x98e, ROT_E_AUTH},
        {0x9a2, ROT_E_AUTH},
        {0x99d, ROT_E_AUTH},
        {0x12f, ROT_E_AUTH},
        {0x149, ROT_E_AUTH},
        {0x125, ROT_E_AUTH},
        {0x148, ROT_E_STATE},
        {0x185, ROT_E_STATE},
        {0x923, ROT_E_STATE},
        {0x120, ROT_E_STATE},
        {0x18b, ROT_E_EMPTY},
        {0x14a, ROT_E_EMPTY},
        {0x2db, ROT_E_MISMATCH},
        {0x1df, ROT_E_FORMAT},
        {0x1e7, ROT_E_FORMAT},
        {0x143, ROT_E_UNSUPPORTED},
        {0x922, ROT_BUSY},
        {0x908, ROT_BUSY},
        {0x90a, ROT_BUSY},
        {0x920, ROT_BUSY},
        {0x101, ROT_E_CHIP},
        {0x1c4, ROT_E_CHIP},
        {0x000b0921, ROT_E_STATE},
        {0x000a0001, ROT_E_BUS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(tpm2_map_code(rows[i].code), rows[i].want);
    assert_int_equal(random_with(0x921, 1), ROT_E_STATE);
    assert_int_equal(rot_raw_status(&chip), 0x921);
    assert_int_equal(random_with(0x98e, 1), ROT_E_AUTH);
    assert_int_equal(random_with(0x14b, 1), ROT_E_SPACE);
}

/* ---- Cuts ------------------------------------------------------------------------------------------ */

static unsigned cut_after;

static size_t
cut(void *arg, uint32_t cc, uint8_t *rx, size_t len, size_t cap)
{
    (void)arg;
    (void)cc;
    (void)rx;
    (void)cap;
    if (cut_after == 0)
        return 0; /* the command was run, its answer is lost, and so is all that follows */
    cut_after--;
    return len;
}

/* Writing an object, the supply cut after every command: the old or the new content is whole. */
static void
a_cut_leaves_the_old_or_the_new(void **state)
{
    static uint8_t old[1500], new[1700], back[2048];
    const struct fake_tpm clean = tpm;
    size_t n = 0;
    int done = 0;

    (void)state;
    memset(old, 0x0d, sizeof(old));
    memset(new, 0x0e, sizeof(new));
    for (unsigned at = 0; !done; at++) {
        assert_true(at < 100);
        rot_close(&chip);
        tpm = clean;
        memset(tpm.sessions, 0, sizeof(tpm.sessions));
        assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
        assert_int_equal(rot_object_write(&chip, ROT_TRUST(1), ROT_PART_DATA, 0, old, sizeof(old),
                                          sizeof(old), &n),
                         ROT_OK);
        tpm.tamper = cut;
        cut_after = at;
        done = rot_object_write(&chip, ROT_TRUST(1), ROT_PART_DATA, 0, new, sizeof(new),
                                sizeof(new), &n) == ROT_OK;
        tpm.tamper = NULL;
        rot_close(&chip);
        memset(tpm.sessions, 0, sizeof(tpm.sessions));
        assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
        assert_int_equal(
            rot_object_read(&chip, ROT_TRUST(1), ROT_PART_DATA, 0, back, sizeof(back), &n), ROT_OK);
        if (n == sizeof(old))
            assert_memory_equal(back, old, n);
        else
            assert_int_equal(n, sizeof(new));
        if (n == sizeof(new))
            assert_memory_equal(back, new, n);
        assert_true(!done || n == sizeof(new));
        /* And the next write works, whatever was left. */
        assert_int_equal(rot_object_write(&chip, ROT_TRUST(1), ROT_PART_DATA, 0, new, sizeof(new),
                                          sizeof(new), &n),
                         ROT_OK);
        assert_int_equal(rot_object_size(&chip, ROT_TRUST(1), ROT_PART_DATA, &n), ROT_OK);
        assert_int_equal(n, sizeof(new));
    }
}

/* The same for what is sealed in an object. */
static void
a_cut_leaves_one_sealed_content(void **state)
{
    static uint8_t old[120], new[33], back[200];
    const struct fake_tpm clean = tpm;
    size_t n = 0;
    int done = 0;

    (void)state;
    memset(old, 0x0d, sizeof(old));
    memset(new, 0x0e, sizeof(new));
    assert_int_equal(rot_object_read(&chip, ROT_DATA(2), ROT_PART_DATA, 0, back, 8, &n),
                     ROT_E_EMPTY);
    assert_int_equal(rot_object_write(&chip, ROT_DATA(2), ROT_PART_DATA, 0, old, 60, 120, &n),
                     ROT_E_ARG);
    for (unsigned at = 0; !done; at++) {
        assert_true(at < 100);
        rot_close(&chip);
        tpm = clean;
        memset(tpm.sessions, 0, sizeof(tpm.sessions));
        assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
        assert_int_equal(rot_object_write(&chip, ROT_DATA(2), ROT_PART_DATA, 0, old, 120, 120, &n),
                         ROT_OK);
        tpm.tamper = cut;
        cut_after = at;
        done = rot_object_write(&chip, ROT_DATA(2), ROT_PART_DATA, 0, new, 33, 33, &n) == ROT_OK;
        tpm.tamper = NULL;
        rot_close(&chip);
        memset(tpm.sessions, 0, sizeof(tpm.sessions));
        assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
        assert_int_equal(rot_object_read(&chip, ROT_DATA(2), ROT_PART_DATA, 0, back, 200, &n),
                         ROT_OK);
        assert_memory_equal(back, n == 33 ? new : old, n);
        assert_true(n == 33 || (n == 120 && !done));
        assert_int_equal(rot_object_write(&chip, ROT_DATA(2), ROT_PART_DATA, 0, new, 33, 33, &n),
                         ROT_OK);
        assert_int_equal(rot_object_size(&chip, ROT_DATA(2), ROT_PART_DATA, &n), ROT_OK);
        assert_int_equal(n, 33);
    }
    assert_int_equal(rot_wipe(&chip), ROT_OK);
    assert_int_equal(rot_object_size(&chip, ROT_DATA(2), ROT_PART_DATA, &n), ROT_E_EMPTY);
}

/* In pieces, as a small host writes; out of order they start nothing. */
static void
pieces_in_order(void **state)
{
    static uint8_t data[1300], back[2048];
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 100, data, 100, 1300, &n),
                     ROT_E_ARG);
    assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, data, 700, 1300, &n),
                     ROT_OK);
    assert_int_equal(rot_object_size(&chip, ROT_DATA(0), ROT_PART_DATA, &n), ROT_E_EMPTY);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(1), ROT_PART_DATA, 700, data + 700, 600, 1300, &n),
        ROT_E_ARG);
    assert_int_equal(
        rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 700, data + 700, 600, 1300, &n),
        ROT_OK);
    assert_int_equal(rot_object_read(&chip, ROT_DATA(0), ROT_PART_DATA, 0, back, sizeof(back), &n),
                     ROT_OK);
    assert_int_equal(n, sizeof(data));
    assert_memory_equal(back, data, n);
}

static unsigned change_at;

static void
change(void *arg, uint32_t cc, struct fake_answer *a)
{
    (void)arg;
    if (cc == lie_cc && change_at < a->len)
        a->params[change_at] ^= 0x01;
}

/* The TPM keeps something else than it was given: said, and the old content stays. */
static void
what_reads_back_wrong_is_not_written(void **state)
{
    static uint8_t data[600], back[2048];
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, data, 500, 500, &n),
                     ROT_OK);
    memset(data, 1, sizeof(data));
    lie_cc = TPM2_CC_NV_READ;
    change_at = 300;
    tpm.lie = change;
    assert_int_equal(rot_object_write(&chip, ROT_DATA(0), ROT_PART_DATA, 0, data, 600, 600, &n),
                     ROT_E_MISMATCH);
    tpm.lie = NULL;
    assert_int_equal(rot_object_read(&chip, ROT_DATA(0), ROT_PART_DATA, 0, back, sizeof(back), &n),
                     ROT_OK);
    /* All of the new one was written, and so it is there; but nobody was told that it holds. */
    assert_true(n == 500 || n == 600);
}

static void
sealed_is_sealed(void **state)
{
    enum rot_seal_state seal = ROT_SEAL_DONE;
    uint8_t data[40] = {1};
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_E_EMPTY);
    assert_int_equal(rot_object_write(&chip, ROT_TRUST(0), ROT_PART_DATA, 0, data, 40, 40, &n),
                     ROT_OK);
    assert_int_equal(rot_seal_state(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0), &seal), ROT_OK);
    assert_int_equal(seal, ROT_SEAL_OPEN);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_TRUST(0)), ROT_OK);
    assert_int_equal(rot_object_write(&chip, ROT_TRUST(0), ROT_PART_DATA, 0, data, 40, 40, &n),
                     ROT_E_STATE);
    assert_int_equal(rot_wipe(&chip), ROT_OK);
    assert_int_equal(rot_object_size(&chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_OK);
    assert_int_equal(n, 40);
}

/* A public area is that of its name, or nobody's. */
static void
a_key_under_another_name_is_none(void **state)
{
    uint8_t pub[91];
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &n),
                     ROT_OK);
    lie_cc = TPM2_CC_READ_PUBLIC;
    tpm.lie = change;
    change_at = 2 + 120 - 1; /* the last byte of the point */
    assert_int_equal(rot_key_public(&chip, ROT_IDEVID, pub, sizeof(pub), &n), ROT_E_FORMAT);
    change_at = 2 + 122 + 2 + 10; /* the name */
    assert_int_equal(rot_key_public(&chip, ROT_IDEVID, pub, sizeof(pub), &n), ROT_E_FORMAT);
    tpm.lie = NULL;
    assert_int_equal(rot_key_public(&chip, ROT_IDEVID, pub, sizeof(pub), &n), ROT_OK);
}

static void
padding_never_shows(void **state)
{
    uint8_t back[1100];
    size_t n = 0;

    (void)state;
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_OK);
    assert_int_equal(n, 516); /* of 1,020 */
    assert_int_equal(
        rot_object_read(&chip, ROT_VENDOR(0), ROT_PART_CERT, 0, back, sizeof(back), &n), ROT_OK);
    assert_int_equal(n, 516);
    tpm.indices[0].data[2] = 0x40; /* longer than the index */
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
    memset(tpm.indices[0].data, 0xff, 4);
    assert_int_equal(rot_object_size(&chip, ROT_VENDOR(0), ROT_PART_CERT, &n), ROT_E_FORMAT);
}

/* ---- Who answers ------------------------------------------------------------------------------------- */

static void
say_family(void *arg, uint32_t cc, struct fake_answer *a)
{
    (void)arg;
    if (cc == TPM2_CC_GET_CAPABILITY && a->len == 17 && a->params[11] == 1 && a->params[12] == 0)
        a->params[13] = '1';
}

static void
another_part_is_noticed(void **state)
{
    struct rot_identity id;

    (void)state;
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_string_equal(id.vendor, "st");
    assert_string_equal(id.model, "tpm2");
    assert_int_equal(id.uid_len, 32);
    assert_int_equal(id.lifecycle, ROT_LIFE_BLANK);
    rot_close(&chip);
    tpm.lie = say_family;
    assert_int_equal(rot_open(&chip, &chip.setup), ROT_E_WRONG_PART);
    tpm.lie = NULL;
    assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
}

static uint32_t told_buffer; /* 0: the property that follows is told instead */

static void
tell_buffer(void *arg, uint32_t cc, struct fake_answer *a)
{
    (void)arg;
    if (cc != TPM2_CC_GET_CAPABILITY || a->len != 17 || a->params[11] != 1 ||
        (a->params[12] != 0x2c && a->params[12] != 0x0d))
        return;
    if (told_buffer == 0)
        a->params[12]++;
    a->params[15] = (uint8_t)(told_buffer >> 8);
    a->params[16] = (uint8_t)told_buffer;
}

/* Buffers of any size from 64 bytes on; and those of old TPMs, which do not tell theirs. */
static void
buffers_are_kept_to(void **state)
{
    static const uint32_t sizes[] = {64, 100, 512, 1000, 0};
    static uint8_t data[900], back[1000];
    uint8_t mac[32];
    size_t n = 0;

    (void)state;
    memset(data, 0x3c, sizeof(data));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t want = sizes[i] == 0 ? 512 : sizes[i];

        told_buffer = sizes[i];
        rot_close(&chip);
        tpm.lie = tell_buffer;
        assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
        memset(tpm.seen, 0, sizeof(tpm.seen));
        assert_int_equal(rot_object_write(&chip, ROT_DATA(1), ROT_PART_DATA, 0, data, 900, 900, &n),
                         ROT_OK);
        assert_int_equal(tpm.seen[TPM2_CC_NV_WRITE], (900 + want - 9) / (want - 8));
        assert_int_equal(
            rot_object_read(&chip, ROT_DATA(1), ROT_PART_DATA, 0, back, sizeof(back), &n), ROT_OK);
        assert_int_equal(n, 900);
        assert_memory_equal(back, data, n);
        assert_int_equal(
            rot_key_generate(&chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, back, 100, &n), ROT_OK);
        assert_int_equal(rot_mac(&chip, ROT_SESSION(0), data, 900, mac, sizeof(mac), &n), ROT_OK);
        assert_int_equal(tpm.seen[TPM2_CC_SEQUENCE_UPDATE], want >= 900 ? 0 : (900 - 1) / want);
        data[0]++;
    }
    rot_close(&chip);
    told_buffer = 63;
    assert_int_equal(rot_open(&chip, &chip.setup), ROT_E_WRONG_PART);
    tpm.lie = NULL;
    assert_int_equal(rot_open(&chip, &chip.setup), ROT_OK);
    assert_int_equal(tpm.wrong_hmacs, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_it, close_it)
    const struct CMUnitTest tests[] = {
        TEST(policies_are_what_the_text_says),
        TEST(templates_are_the_tcg_s),
        TEST(commands_hold_and_nothing_is_readable),
        TEST(nothing_stays_loaded),
        TEST(a_changed_answer_is_none),
        TEST(patience_has_an_end),
        TEST(a_lost_session_is_made_anew),
        TEST(others_rubbish_is_flushed),
        TEST(a_counter_goes_up_once),
        TEST(codes_have_a_meaning),
        TEST(a_cut_leaves_the_old_or_the_new),
        TEST(a_cut_leaves_one_sealed_content),
        TEST(pieces_in_order),
        TEST(what_reads_back_wrong_is_not_written),
        TEST(sealed_is_sealed),
        TEST(a_key_under_another_name_is_none),
        TEST(padding_never_shows),
        TEST(another_part_is_noticed),
        TEST(buffers_are_kept_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
