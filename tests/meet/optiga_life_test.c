/*
 * optiga_life_test.c: a simulated OPTIGA Trust M from its factory to its end:
 * what is refused with the part untouched, what a power cut leaves, keys whose
 * uses are counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../librot/drivers/optiga/optiga.h"

#define PRODUCTION ROT_OPEN_PRODUCTION
#define CERT_LEN   1000

static uint8_t cert[CERT_LEN], digest[32], out[2048];
static size_t n;

/* A DER SEQUENCE from its first byte to its last, which is all that the driver looks at. */
static void
make_cert(uint8_t filler)
{
    memset(cert, filler, sizeof(cert));
    cert[0] = 0x30;
    cert[1] = 0x82;
    cert[2] = (CERT_LEN - 4) >> 8;
    cert[3] = (CERT_LEN - 4) & 0xff;
}

/* This code, and the part remembers what it did before. */
#define REFUSES(b, call, code)                                                                     \
    do {                                                                                           \
        char *before = far_memory((b)->far), *after;                                               \
                                                                                                   \
        IS((call), (code));                                                                        \
        after = far_memory((b)->far);                                                              \
        assert_string_equal(before, after);                                                        \
        free(before);                                                                              \
        free(after);                                                                               \
    } while (0)

static rot_err
write_cert(struct bench *b, rot_object obj, size_t len)
{
    return rot_object_write(&b->rot, obj, ROT_PART_CERT, 0, cert, len, len, &n);
}

static rot_err
write_data(struct bench *b, rot_object obj, size_t len)
{
    return rot_object_write(&b->rot, obj, ROT_PART_DATA, 0, digest, len, len, &n);
}

static rot_err
make_key(struct bench *b, rot_object obj)
{
    return rot_key_generate(&b->rot, obj, ROT_ALG_P256, out, sizeof(out), &n);
}

static rot_err
sign(struct bench *b, rot_object obj)
{
    return rot_sign_digest(&b->rot, obj, digest, sizeof(digest), out, sizeof(out), &n);
}

static void
seal(struct bench *b, enum rot_stage stage, rot_object obj)
{
    IS(rot_seal_prepare(&b->rot, stage, obj), ROT_OK);
    IS(rot_seal(&b->rot, stage, obj), ROT_OK);
}

static struct bench *
paired(const char *kind)
{
    struct bench *b = bench_new(kind);

    make_cert(0x11);
    bench_host(b, "ours");
    IS(bench_open(b, PRODUCTION), ROT_OK);
    IS(rot_channel_pair(&b->rot), ROT_OK);
    return b;
}

/* As it leaves the line. */
static struct bench *
finished(const char *kind)
{
    struct bench *b = paired(kind);

    seal(b, ROT_STAGE_CONFIG, 0);
    IS(make_key(b, ROT_IDEVID), ROT_OK);
    IS(write_cert(b, ROT_IDEVID, CERT_LEN), ROT_OK);
    IS(make_key(b, ROT_LDEVID(0)), ROT_OK);
    IS(write_data(b, ROT_TRUST(0), 32), ROT_OK);
    IS(write_data(b, ROT_DATA(2), 32), ROT_OK);
    seal(b, ROT_STAGE_DATA, 0);
    seal(b, ROT_STAGE_OBJECT, ROT_TRUST(0));
    return b;
}

/* ---- Refusals ----------------------------------------------------------------------------- */

static void
a_locked_part(void **state)
{
    static const char *const kinds[] = {"blank-m1", "blank-m3"};
    uint64_t v = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench *b = finished(kinds[i]);

        REFUSES(b, make_key(b, ROT_IDEVID), ROT_E_STATE);
        REFUSES(b, write_cert(b, ROT_IDEVID, CERT_LEN), ROT_E_STATE);
        REFUSES(
            b,
            rot_object_write(&b->rot, ROT_IDEVID, ROT_PART_CHAIN, 0, cert, CERT_LEN, CERT_LEN, &n),
            ROT_E_STATE);
        REFUSES(b, write_data(b, ROT_TRUST(0), 32), ROT_E_STATE);
        /* What is renewed still is, by the channel. */
        IS(make_key(b, ROT_LDEVID(0)), ROT_OK);
        IS(write_cert(b, ROT_LDEVID(0), CERT_LEN), ROT_OK);
        IS(sign(b, ROT_IDEVID), ROT_OK);
        IS(rot_counter_increment(&b->rot, ROT_COUNTER(0), &v), ROT_OK);
        bench_free(b);
    }
}

/* Somebody on the bus who does not know the secret. */
static void
a_stranger(void **state)
{
    struct bench *b = finished("blank-m3");
    uint8_t secret[64] = {7};
    uint64_t v = 0;

    (void)state;
    bench_host(b, NULL);
    IS(bench_open(b, 0), ROT_OK);
    REFUSES(b, make_key(b, ROT_IDEVID), ROT_E_STATE);
    REFUSES(b, make_key(b, ROT_LDEVID(0)), ROT_E_AUTH);
    REFUSES(b, write_cert(b, ROT_LDEVID(0), CERT_LEN), ROT_E_AUTH);
    REFUSES(b, write_data(b, ROT_TRUST(1), 32), ROT_E_AUTH);
    REFUSES(b, write_data(b, ROT_DATA(0), 32), ROT_E_AUTH);
    REFUSES(b, rot_object_read(&b->rot, ROT_DATA(2), ROT_PART_DATA, 0, out, 32, &n), ROT_E_AUTH);
    REFUSES(b, sign(b, ROT_IDEVID), ROT_E_AUTH);
    REFUSES(b, sign(b, ROT_LDEVID(0)), ROT_E_AUTH);
    REFUSES(b, rot_counter_increment(&b->rot, ROT_COUNTER(0), &v), ROT_E_AUTH);
    REFUSES(b, rot_channel_rotate(&b->rot, secret, sizeof(secret)), ROT_E_AUTH);
    /* What is public is read. */
    IS(rot_object_read(&b->rot, ROT_IDEVID, ROT_PART_CERT, 0, out, sizeof(out), &n), ROT_OK);
    assert_int_equal(n, CERT_LEN);
    bench_free(b);
}

static void
published_secrets(void **state)
{
    struct bench *b = bench_new("blank-m3");
    uint8_t published[64];

    (void)state;
    for (unsigned i = 0; i < sizeof(published); i++)
        published[i] = (uint8_t)(i + 1);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    REFUSES(b, make_key(b, ROT_IDEVID), ROT_E_AUTH);
    REFUSES(b, rot_channel_pair(&b->rot), ROT_E_EMPTY); /* this host has none */
    REFUSES(b, rot_channel_rotate(&b->rot, published, 64), ROT_E_ARG);
    REFUSES(b, rot_channel_rotate(&b->rot, published, 32), ROT_E_ARG);
    assert_int_equal(b->rot.protection, ROT_PROTECTION_NONE);
    bench_free(b);
}

static void
too_large(void **state)
{
    static uint8_t big[1800] = {0x30, 0x82};
    struct bench *b = paired("blank-m1");

    (void)state;
    REFUSES(b, rot_object_write(&b->rot, ROT_IDEVID, ROT_PART_CERT, 0, big, 1725, 1725, &n),
            ROT_E_SPACE);
    assert_int_equal(n, 1725);
    REFUSES(b, rot_object_write(&b->rot, ROT_LDEVID(1), ROT_PART_CERT, 0, big, 1497, 1497, &n),
            ROT_E_SPACE);
    REFUSES(b, rot_object_write(&b->rot, ROT_TRUST(0), ROT_PART_DATA, 0, big, 1197, 1197, &n),
            ROT_E_SPACE);
    bench_free(b);
}

/* Objects have their room for themselves; a part that has none left says so. */
static void
a_full_part(void **state)
{
    struct bench *b = paired("blank-m3");

    (void)state;
    IS(write_cert(b, ROT_IDEVID, CERT_LEN), ROT_OK);
    far_fault(b->far, "status@1:0D");
    REFUSES(b, write_cert(b, ROT_IDEVID, CERT_LEN), ROT_E_SPACE);
    far_fault(b->far, "status@2:0D"); /* the metadata is read first */
    REFUSES(b, rot_key_generate(&b->rot, ROT_SESSION(4), ROT_ALG_AES128, out, 16, &n), ROT_E_SPACE);
    bench_free(b);
}

/* Places that no such part has, and one that V1 has not. */
static void
a_layout_with_missing_places(void **state)
{
    static const struct rot_place places[] = {
        {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0xe0f4, 0xf1d8},
        {ROT_IDEVID, ROT_PART_CERT, ROT_ALG_NONE, 0, 0, 1000, 0xe0d5, 0},
        {ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0xe0f2, 0xf1df},
        {ROT_COUNTER(0), ROT_PART_DATA, ROT_ALG_NONE, 0, 0, 4, 0xe124, 0},
        {ROT_SESSION(4), ROT_PART_KEY, ROT_ALG_AES128, 0, 0, 0, 0xe200, 0},
    };
    static const struct optiga_rule rules[] = {{0xe0d5, OPTIGA_FIXED, ROT_STAGE_DATA}};
    static const struct rot_layout layout = {.name = "missing",
                                             .driver = "optiga",
                                             .places = places,
                                             .place_count = 5,
                                             .config = rules,
                                             .config_len = sizeof(rules)};
    struct bench *b = paired("blank-m1");
    uint64_t v = 0;

    (void)state;
    b->setup.layout = &layout;
    IS(bench_open(b, PRODUCTION), ROT_OK);
    REFUSES(b, make_key(b, ROT_IDEVID), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_raw_status(&b->rot), 0x01);
    REFUSES(b, make_key(b, ROT_LDEVID(0)), ROT_E_UNSUPPORTED);
    REFUSES(b, write_cert(b, ROT_IDEVID, CERT_LEN), ROT_E_UNSUPPORTED);
    REFUSES(b, rot_counter_increment(&b->rot, ROT_COUNTER(0), &v), ROT_E_UNSUPPORTED);
    REFUSES(b, rot_key_generate(&b->rot, ROT_SESSION(4), ROT_ALG_AES128, out, 16, &n),
            ROT_E_UNSUPPORTED);
    REFUSES(b, rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0), ROT_E_UNSUPPORTED);
    REFUSES(b, rot_seal(&b->rot, ROT_STAGE_DATA, 0), ROT_E_UNSUPPORTED);
    bench_free(b);
}

static void
a_wrong_address(void **state)
{
    struct bench *b = bench_new("blank-m3");

    (void)state;
    b->transport.address = 0x31;
    REFUSES(b, bench_open(b, PRODUCTION), ROT_E_BUS);
    bench_free(b);
}

/* An object that somebody else made final, his way: seen, and nothing more is sealed. */
static void
somebody_elses_seal(void **state)
{
    static const uint8_t his[] = {0x20, 6, 0xd0, 1, 0x00, 0xc0, 1, 0x07};
    enum rot_seal_state seals = ROT_SEAL_OPEN;
    struct bench *b = paired("blank-m3");

    (void)state;
    seal(b, ROT_STAGE_CONFIG, 0);
    IS(make_key(b, ROT_IDEVID), ROT_OK);
    IS(optiga_set(&b->rot, OPTIGA_META, 0xf1e1, 0, his, sizeof(his)), ROT_OK);
    IS(rot_seal_state(&b->rot, ROT_STAGE_DATA, 0, &seals), ROT_OK);
    assert_int_equal(seals, ROT_SEAL_FOREIGN);
    IS(rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    REFUSES(b, rot_seal(&b->rot, ROT_STAGE_DATA, 0), ROT_E_MISMATCH);
    bench_free(b);
}

static void
an_identity_that_is_missing(void **state)
{
    struct bench *b = paired("blank-m3");

    (void)state;
    IS(rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0), ROT_OK);
    REFUSES(b, rot_seal(&b->rot, ROT_STAGE_DATA, 0), ROT_E_EMPTY);
    bench_free(b);
}

/* ---- Keys whose uses are counted ---------------------------------------------------------------- */

static void
counted(void **state)
{
    static const uint8_t limit[4] = {0, 0, 0, 3}, more[4] = {0, 0, 0, 9};
    static const char *const kinds[] = {"blank-m1", "blank-m3"};
    uint64_t v = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench *b = paired(kinds[i]);

        b->setup.layout = optiga_layouts[1];
        IS(bench_open(b, PRODUCTION), ROT_OK);
        seal(b, ROT_STAGE_CONFIG, 0);
        IS(make_key(b, ROT_IDEVID), ROT_OK);
        IS(make_key(b, ROT_LDEVID(0)), ROT_OK);
        IS(sign(b, ROT_LDEVID(0)), ROT_OK); /* not counted yet: a request for its certificate */
        IS(rot_object_size(&b->rot, ROT_DATA(2), ROT_PART_DATA, &n), ROT_E_EMPTY);
        REFUSES(b, rot_object_write(&b->rot, ROT_DATA(2), ROT_PART_DATA, 0, limit, 3, 3, &n),
                ROT_E_FORMAT);
        IS(rot_object_write(&b->rot, ROT_DATA(2), ROT_PART_DATA, 0, limit, 4, 4, &n), ROT_OK);
        IS(rot_object_read(&b->rot, ROT_DATA(2), ROT_PART_DATA, 0, out, 8, &n), ROT_OK);
        assert_int_equal(n, 4);
        assert_memory_equal(out, limit, 4);
        seal(b, ROT_STAGE_DATA, 0);

        REFUSES(b, rot_object_write(&b->rot, ROT_DATA(2), ROT_PART_DATA, 0, more, 4, 4, &n),
                ROT_E_STATE);
        REFUSES(b, make_key(b, ROT_LDEVID(0)), ROT_E_STATE);
        bench_host(b, NULL);
        IS(bench_open(b, 0), ROT_OK);
        REFUSES(b, sign(b, ROT_LDEVID(0)), ROT_E_AUTH); /* a stranger does not count */
        bench_host(b, "ours");
        IS(bench_open(b, PRODUCTION), ROT_OK);
        for (unsigned use = 1; use <= 3; use++) {
            IS(sign(b, ROT_LDEVID(0)), ROT_OK);
            IS(rot_counter_read(&b->rot, ROT_COUNTER(0), &v), ROT_OK);
            assert_int_equal(v, use);
        }
        REFUSES(b, sign(b, ROT_LDEVID(0)), ROT_E_STATE);
        assert_int_equal(rot_raw_status(&b->rot), 0x0e);
        far_power(b->far, 0);
        far_power(b->far, 1);
        IS(bench_open(b, PRODUCTION), ROT_OK);
        REFUSES(b, sign(b, ROT_LDEVID(0)), ROT_E_STATE);
        REFUSES(b, rot_counter_increment(&b->rot, ROT_COUNTER(0), &v), ROT_E_STATE);
        IS(sign(b, ROT_IDEVID), ROT_OK);
        bench_free(b);
    }
}

/* ---- Power cuts --------------------------------------------------------------------------------------- */

static rot_err
act_key(struct bench *b)
{
    return make_key(b, ROT_LDEVID(0));
}

static rot_err
act_cert(struct bench *b)
{
    make_cert(0x22);
    return write_cert(b, ROT_LDEVID(0), CERT_LEN);
}

static rot_err
act_data(struct bench *b)
{
    return write_data(b, ROT_DATA(0), 20);
}

static rot_err
act_seal(struct bench *b)
{
    rot_err rc = rot_seal_prepare(&b->rot, ROT_STAGE_DATA, 0);

    return rc == ROT_OK ? rot_seal(&b->rot, ROT_STAGE_DATA, 0) : rc;
}

/* A key and its public key belong together, or there is no public key. */
static void
look_key(struct bench *b)
{
    const struct rot_port *port = &b->crypto.port;
    uint8_t pub[128], sig[80], point[96], raw[96];
    enum rot_alg alg = ROT_ALG_NONE;
    size_t pub_len = 0, sig_len = 0;
    rot_err rc = rot_key_public(&b->rot, ROT_LDEVID(0), pub, sizeof(pub), &pub_len);

    if (rc == ROT_E_EMPTY)
        return;
    IS(rc, ROT_OK);
    IS(rot_sign_digest(&b->rot, ROT_LDEVID(0), digest, 32, sig, sizeof(sig), &sig_len), ROT_OK);
    IS(rot_spki_to_point(pub, pub_len, point, &alg), ROT_OK);
    IS(rot_ecdsa_from_der(sig, sig_len, 32, raw), ROT_OK);
    IS(port->ops->ec_verify(port->self, ROT_ALG_P256, point, digest, 32, raw), ROT_OK);
}

/* The old one, the new one, or none. */
static void
look_cert(struct bench *b)
{
    rot_err rc = rot_object_read(&b->rot, ROT_LDEVID(0), ROT_PART_CERT, 0, out, sizeof(out), &n);

    if (rc == ROT_E_EMPTY)
        return;
    IS(rc, ROT_OK);
    assert_int_equal(n, CERT_LEN);
    make_cert(out[4]);
    assert_true(out[4] == 0x11 || out[4] == 0x22);
    assert_memory_equal(out, cert, CERT_LEN);
}

static void
look_data(struct bench *b)
{
    rot_err rc = rot_object_read(&b->rot, ROT_DATA(0), ROT_PART_DATA, 0, out, sizeof(out), &n);

    if (rc == ROT_E_EMPTY)
        return;
    IS(rc, ROT_OK);
    assert_true(n == 20 || n == 30);
    assert_memory_equal(out, digest, n);
}

static void
look_seal(struct bench *b)
{
    enum rot_seal_state seals = ROT_SEAL_FOREIGN;

    IS(rot_seal_state(&b->rot, ROT_STAGE_DATA, 0, &seals), ROT_OK);
    assert_true(seals == ROT_SEAL_OPEN || seals == ROT_SEAL_DONE);
}

static const struct {
    rot_err (*act)(struct bench *b);
    void (*look)(struct bench *b);
} acts[] = {
    {act_key, look_key}, {act_cert, look_cert}, {act_data, look_data}, {act_seal, look_seal}};

/* One cut on the way; looked at afterwards, and the same call ends it. */
static int
cut_once(struct bench *b, const char *memory, size_t act, const char *rule, const char *quirk)
{
    rot_err rc;
    int was_cut;

    far_remember(b->far, memory);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    far_quirk(b->far, quirk);
    far_fault(b->far, rule);
    rc = acts[act].act(b);
    was_cut = !far_has_power(b->far);
    if (rc != ROT_OK && !was_cut)
        fail_msg("act %zu, %s: %s without a cut", act, rule, rot_err_name(rc));
    far_clear(b->far);
    far_power(b->far, 1);
    IS(bench_open(b, PRODUCTION), ROT_OK);
    acts[act].look(b);
    rc = acts[act].act(b);
    if (rc != ROT_OK)
        fail_msg("act %zu, %s: %s afterwards", act, rule, rot_err_name(rc));
    acts[act].look(b);
    rot_close(&b->rot);
    return was_cut;
}

static void
cuts_leave_whole_things(void **state)
{
    static const char *const points[] = {"cut-before", "cut-write", "cut-write:7", "cut-after",
                                         "cut-answered"};
    static const char *const quirks[] = {"none", "tear"};
    struct bench *b = paired("blank-m3");
    unsigned cuts = 0;
    char *memory;

    (void)state;
    memset(digest, 0x77, sizeof(digest));
    IS(make_key(b, ROT_IDEVID), ROT_OK);
    IS(make_key(b, ROT_LDEVID(0)), ROT_OK);
    IS(write_cert(b, ROT_LDEVID(0), CERT_LEN), ROT_OK);
    IS(write_data(b, ROT_DATA(0), 30), ROT_OK);
    memory = far_memory(b->far);
    for (size_t act = 0; act < sizeof(acts) / sizeof(acts[0]); act++) {
        for (size_t i = 0; i < 10; i++) {
            const char *point = points[i / 2], *colon = strchr(point, ':');
            int kind = colon != NULL ? (int)(colon - point) : (int)strlen(point);
            unsigned at = 0;
            char rule[32];

            if (i % 2 != 0 && strncmp(point, "cut-write", 9) != 0)
                continue; /* nothing is torn there */
            /* A seal is the same for each of its objects: every fifth command, another at each point. */
            for (at = acts[act].act == act_seal ? 1 + (unsigned)i % 5 : 1;;
                 at += acts[act].act == act_seal ? 5 : 1) {
                (void)snprintf(rule, sizeof(rule), "%.*s@%u%s", kind, point, at,
                               colon != NULL ? colon : "");
                if (!cut_once(b, memory, act, rule, quirks[i % 2]))
                    break;
                cuts++;
            }
        }
    }
    print_message("%u power cuts, each with old, new or nothing behind it\n", cuts);
    assert_true(cuts > 300);
    free(memory);
    bench_free(b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_locked_part),
        cmocka_unit_test(a_stranger),
        cmocka_unit_test(published_secrets),
        cmocka_unit_test(too_large),
        cmocka_unit_test(a_full_part),
        cmocka_unit_test(a_layout_with_missing_places),
        cmocka_unit_test(a_wrong_address),
        cmocka_unit_test(somebody_elses_seal),
        cmocka_unit_test(an_identity_that_is_missing),
        cmocka_unit_test(counted),
        cmocka_unit_test(cuts_leave_whole_things),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
