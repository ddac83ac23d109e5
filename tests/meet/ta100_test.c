/*
 * ta100_test.c: the TA100's driver and its simulator, where the suite's ways end: power cut at
 * each command, faults of the wire and the part, and the part's word, read by the host alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const uint8_t digest[32] = {0x42};

static rot_err
make(struct bench *b, rot_object obj, uint8_t spki[91])
{
    size_t n = 0;

    return rot_key_generate(&b->rot, obj, ROT_ALG_P256, spki, 91, &n);
}

static rot_err
put(struct bench *b, rot_object obj, enum rot_part part, unsigned seed, size_t len)
{
    uint8_t bytes[1024];
    size_t need = 0;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(seed + i * 3);
    return rot_object_write(&b->rot, obj, part, 0, bytes, len, len, &need);
}

/* The first byte of what is there, or -1 when it is empty; whole in any case. */
static int
get(struct bench *b, rot_object obj, enum rot_part part)
{
    uint8_t bytes[1024];
    size_t n = 0;
    rot_err rc = rot_object_read(&b->rot, obj, part, 0, bytes, sizeof(bytes), &n);

    if (rc == ROT_E_EMPTY)
        return -1;
    IS(rc, ROT_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], (uint8_t)(bytes[0] + i * 3));
    return bytes[0];
}

/* ---- Refusals ---------------------------------------------------------------------------------- */

/* A line that does not say so may have a real part on it. */
static void
no_byte_goes_to_a_real_part(void **state)
{
    struct bench *b = bench_new("blank-ta100");
    unsigned before = far_commands(b->far);

    (void)state;
    IS(bench_open(b, ROT_OPEN_PRODUCTION), ROT_E_UNSUPPORTED);
    assert_int_equal(far_commands(b->far), before);
    bench_free(b);
}

static void
faults_of_the_part(void **state)
{
    static const struct {
        const char *rule;
        rot_err want;
        unsigned raw;
    } rows[] = {{"nak@1", ROT_OK, 0},
                {"slow@1:300", ROT_OK, 0},
                {"busy@1", ROT_E_BUS, 0},
                {"crc@1", ROT_E_BUS, 0},
                {"flip@1:20", ROT_E_BUS, 0},
                {"status@1:0F", ROT_E_CHIP, 0x0f},
                {"status@1:01", ROT_OK, 0},
                {"status@1+:01", ROT_E_BUS, 0x01},
                {"lie@1:0A", ROT_E_SPACE, 0x0a},
                {"brownout@1", ROT_E_BUS, 0}};
    struct bench *b = bench_new("blank-ta100");
    uint8_t out[40];

    (void)state;
    IS(bench_open(b, 0), ROT_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        far_fault(b->far, rows[i].rule);
        IS(rot_random(&b->rot, out, sizeof(out)), rows[i].want);
        assert_int_equal(rot_raw_status(&b->rot), rows[i].raw);
        far_clear(b->far);
        far_power(b->far, 0);
        far_power(b->far, 1);
        IS(rot_random(&b->rot, out, sizeof(out)), ROT_OK);
    }
    far_quirk(b->far, "never-ready");
    IS(rot_random(&b->rot, out, sizeof(out)), ROT_E_BUS);
    far_quirk(b->far, "long-length");
    IS(rot_random(&b->rot, out, sizeof(out)), ROT_E_BUS);
    far_quirk(b->far, "none");
    IS(rot_random(&b->rot, out, sizeof(out)), ROT_OK);
    bench_free(b);
}

/* ---- Power ------------------------------------------------------------------------------------------ */

struct cut {
    rot_err (*act)(struct bench *b);
    void (*check)(struct bench *b); /* afterwards, whatever became of it */
};

static void
cut_everywhere(struct bench *b, const struct cut *c, const char *what)
{
    static const char *const points[] = {"cut-before", "cut-write", "cut-after", "cut-answered"};
    char *start = far_memory(b->far);
    unsigned last, cuts = 0, done = 0;

    rot_close(&b->rot);
    IS(bench_open(b, 0), ROT_OK);
    last = far_commands(b->far);
    IS(c->act(b), ROT_OK);
    last = far_commands(b->far) - last;
    for (unsigned at = 1; at <= last; at++) {
        for (size_t k = 0; k < 4; k++, cuts++) {
            char rule[32];

            rot_close(&b->rot);
            far_remember(b->far, start);
            IS(bench_open(b, 0), ROT_OK);
            (void)snprintf(rule, sizeof(rule), "%s@%u", points[k], at);
            far_fault(b->far, rule);
            done += c->act(b) == ROT_OK;
            assert_false(far_has_power(b->far));
            far_clear(b->far);
            far_power(b->far, 1);
            IS(bench_open(b, 0), ROT_OK);
            c->check(b);
        }
    }
    assert_true(last > 1 && done <= 2); /* only when the last answer was read */
    print_message("%s: %u commands, %u cuts\n", what, last, cuts);
    free(start);
}

static rot_err
new_pair(struct bench *b)
{
    uint8_t spki[91];

    return make(b, ROT_LDEVID(0), spki);
}

static void
a_whole_pair(struct bench *b)
{
    uint8_t spki[91], sig[80];
    size_t n = 0, len = 0;

    IS(rot_key_public(&b->rot, ROT_LDEVID(0), spki, sizeof(spki), &len), ROT_OK);
    IS(rot_sign_digest(&b->rot, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &n), ROT_OK);
    IS(rot_verify_digest(&b->rot, 0, spki, len, digest, 32, sig, n), ROT_OK);
}

static rot_err
new_certificate(struct bench *b)
{
    return put(b, ROT_LDEVID(0), ROT_PART_CERT, 20, 700);
}

static void
old_or_new(struct bench *b)
{
    int is = get(b, ROT_LDEVID(0), ROT_PART_CERT);

    assert_true(is == 10 || is == 20);
    IS(new_certificate(b), ROT_OK);
    assert_int_equal(get(b, ROT_LDEVID(0), ROT_PART_CERT), 20);
}

static rot_err
new_anchor(struct bench *b)
{
    return put(b, ROT_TRUST(0), ROT_PART_DATA, 20, 700);
}

static void
old_new_or_none(struct bench *b)
{
    int is = get(b, ROT_TRUST(0), ROT_PART_DATA);

    assert_true(is == 10 || is == 20 || is == -1);
    IS(new_anchor(b), ROT_OK);
    assert_int_equal(get(b, ROT_TRUST(0), ROT_PART_DATA), 20);
}

static rot_err
all_seals(struct bench *b)
{
    rot_err rc = rot_seal(&b->rot, ROT_STAGE_CONFIG, 0);

    if (rc == ROT_OK)
        rc = rot_seal(&b->rot, ROT_STAGE_DATA, 0);
    return rc == ROT_OK ? rot_seal(&b->rot, ROT_STAGE_OBJECT, ROT_TRUST(0)) : rc;
}

static void
seals_complete(struct bench *b)
{
    enum rot_seal_state s = ROT_SEAL_OPEN;
    uint8_t spki[91];

    for (int stage = ROT_STAGE_CONFIG; stage <= ROT_STAGE_OBJECT; stage++) {
        IS(rot_seal_state(&b->rot, (enum rot_stage)stage,
                          stage == ROT_STAGE_OBJECT ? ROT_TRUST(0) : 0, &s),
           ROT_OK);
        assert_int_not_equal(s, ROT_SEAL_FOREIGN);
    }
    IS(all_seals(b), ROT_OK);
    IS(make(b, ROT_IDEVID, spki), ROT_E_STATE);
    IS(new_anchor(b), ROT_E_STATE);
}

static void
power_fails_anywhere(void **state)
{
    static const struct cut pair = {new_pair, a_whole_pair},
                            certificate = {new_certificate, old_or_new},
                            anchor = {new_anchor, old_new_or_none},
                            seals = {all_seals, seals_complete};
    struct bench *b = bench_new("blank-ta100");
    uint8_t spki[91];

    (void)state;
    IS(bench_open(b, 0), ROT_OK);
    IS(rot_seal_prepare(&b->rot, ROT_STAGE_CONFIG, 0), ROT_OK);
    IS(make(b, ROT_IDEVID, spki), ROT_OK);
    IS(make(b, ROT_ATTEST(0), spki), ROT_OK);
    IS(put(b, ROT_IDEVID, ROT_PART_CERT, 1, 600), ROT_OK);
    IS(new_pair(b), ROT_OK);
    IS(put(b, ROT_LDEVID(0), ROT_PART_CERT, 10, 600), ROT_OK);
    IS(put(b, ROT_TRUST(0), ROT_PART_DATA, 10, 600), ROT_OK);
    cut_everywhere(b, &pair, "a new pair");
    cut_everywhere(b, &certificate, "a certificate, two elements");
    cut_everywhere(b, &anchor, "an anchor, one element");
    cut_everywhere(b, &seals, "three seals");
    bench_free(b);
}

/* ---- The part's word ------------------------------------------------------------------------------- */

/* Section 5 of the placeholder page. */
static rot_err
read_evidence(struct bench *b, const uint8_t *e, const uint8_t nonce[32])
{
    const struct rot_port *port = &b->crypto.port;
    const struct rot_bytes parts[] = {
        {(const uint8_t *)"SIM-TA100-PLACEHOLDER\x01", 22}, {e + 1, 83}, {nonce, 32}};
    uint8_t hash[32];

    IS(port->ops->hash(port->self, ROT_HASH_SHA256, parts, 3, hash), ROT_OK);
    return port->ops->ec_verify(port->self, ROT_ALG_P256, e + 84, hash, 32, e + 148);
}

static void
evidence_is_what_the_page_says(void **state)
{
    struct bench *b = bench_new("blank-ta100");
    uint8_t room[212], nonce[32] = {7}, spki[91];
    struct rot_evidence e = {.buf = room, .cap = sizeof(room)};
    struct rot_identity id;

    (void)state;
    IS(bench_open(b, 0), ROT_OK);
    IS(rot_identify(&b->rot, &id), ROT_OK);
    assert_string_equal(id.model, "ta100-placeholder");
    IS(make(b, ROT_ATTEST(0), spki), ROT_OK);
    IS(make(b, ROT_IDEVID, spki), ROT_OK);
    IS(rot_attest(&b->rot, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(e.len, sizeof(room));
    assert_memory_equal(room + 1, id.uid, 8);
    assert_memory_equal(room + 20, spki + 27, 64);
    IS(read_evidence(b, room, nonce), ROT_OK);
    nonce[0] ^= 1;
    IS(read_evidence(b, room, nonce), ROT_E_MISMATCH);
    nonce[0] ^= 1;
    room[12] ^= 0x20; /* "may leave the part" */
    IS(read_evidence(b, room, nonce), ROT_E_MISMATCH);
    /* A locked key says so. */
    IS(rot_seal_prepare(&b->rot, ROT_STAGE_CONFIG, 0), ROT_OK);
    IS(put(b, ROT_IDEVID, ROT_PART_CERT, 1, 600), ROT_OK);
    IS(all_seals(b), ROT_E_EMPTY); /* but for the anchor, which is not there */
    IS(rot_attest(&b->rot, ROT_IDEVID, nonce, &e), ROT_OK);
    assert_int_equal(room[19], 3);
    IS(read_evidence(b, room, nonce), ROT_OK);
    bench_free(b);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_byte_goes_to_a_real_part),
        cmocka_unit_test(faults_of_the_part),
        cmocka_unit_test(power_fails_anywhere),
        cmocka_unit_test(evidence_is_what_the_page_says),
    };

    return cmocka_run_group_tests_name("meet/ta100", tests, NULL, NULL);
}
