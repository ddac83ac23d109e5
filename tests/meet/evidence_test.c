/*
 * evidence_test.c: what drivers get out of simulated parts as evidence, judged by src/attest.
 *
 * The three are written by different hands from one description.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "attest/vendor.h"
#include "base/clock.h"
#include "bench.h"

static const struct {
    const char *kind;
    unsigned format;
    enum vendor_level part, identity; /* of evidence about the maker's key, and about ours */
} kinds[] = {
    {"blank-se050", VENDOR_SE05X_READ, VENDOR_ATTESTED, VENDOR_ATTESTED},
    {"blank-se051", VENDOR_SE05X_READ, VENDOR_ATTESTED, VENDOR_ATTESTED},
    {"blank-a100", VENDOR_STSAFE_CHAIN, VENDOR_ATTESTED, VENDOR_ATTESTED},
    {"blank-a110", VENDOR_STSAFE_CHAIN, VENDOR_ATTESTED, VENDOR_ATTESTED},
    {"blank-a120", VENDOR_STSAFE_CHAIN, VENDOR_ATTESTED, VENDOR_ATTESTED},
    {"blank-m1", VENDOR_OPTIGA_CHAIN, VENDOR_ATTESTED, VENDOR_GENUINE},
    {"blank-m3", VENDOR_OPTIGA_CHAIN, VENDOR_ATTESTED, VENDOR_GENUINE},
};

static const uint8_t nonce[32] = {1, 2, 3, 4, 5};

static struct makers *
makers_of(const struct bench *b)
{
    struct makers *m = NULL;
    uint8_t der[2048];

    assert_int_equal(makers_new(&m, NULL), RS_OK);
    for (int signer = 0; signer < 2; signer++) {
        size_t n = far_maker(b->far, signer, der, sizeof(der));

        assert_true(n > 0);
        assert_int_equal(makers_add(m, "sim", rs_bytes_of(der, n), NULL), RS_OK);
    }
    assert_int_equal(makers_check(m, NULL), RS_OK);
    assert_true(makers_have_simulator(m));
    return m;
}

/* It holds, about the part that answers and the key that it says it has. */
static enum vendor_level
judge(struct bench *b, rot_object obj, unsigned format, const struct makers *m)
{
    uint8_t room[ROT_EVIDENCE_MAX], spki[ROT_PUBLIC_KEY_MAX], other[32] = {9};
    struct rot_evidence evidence = {.buf = room, .cap = sizeof(room)};
    struct vendor_evidence e;
    struct rot_identity id;
    enum vendor_level level = VENDOR_STATION;
    struct rs_err err = {0};
    size_t len = 0;

    IS(rot_identify(&b->rot, &id), ROT_OK);
    IS(rot_attest(&b->rot, obj, nonce, &evidence), ROT_OK);
    IS(rot_key_public(&b->rot, obj, spki, sizeof(spki), &len), ROT_OK);
    assert_int_equal(evidence.format, format);
    if (vendor_read(format, rs_bytes_of(room, evidence.len), &e, &err) != RS_OK ||
        vendor_check(&e, m, nonce, rs_now(), &level, &err) != RS_OK)
        fail_msg("%s", err.text);
    assert_int_equal(e.uid_len, id.uid_len);
    assert_memory_equal(e.uid, id.uid, id.uid_len);
    assert_int_equal(e.spki_len, len);
    assert_memory_equal(e.spki, spki, len);
    assert_int_equal(vendor_check(&e, m, other, rs_now(), &level, NULL), RS_E_ATTEST_INVALID);
    if (format != VENDOR_ATECC_INTERNAL)
        assert_int_equal(vendor_check(&e, NULL, nonce, rs_now(), &level, NULL),
                         RS_E_CHIP_NOT_GENUINE);
    assert_true(vendor_check(&e, m, nonce, rs_now(), &level, NULL) == RS_OK);
    return level;
}

/* Before anything is written the part proves itself; afterwards it speaks of the identity's key. */
static void
parts_with_a_maker(void **state)
{
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct bench *b = bench_new(kinds[i].kind);
        struct makers *m;
        struct rot_capability cap;

        bench_host(b, "ours");
        IS(bench_open(b, 0), ROT_OK);
        m = makers_of(b);
        assert_int_equal(judge(b, ROT_VENDOR(0), kinds[i].format, m), kinds[i].part);
        IS(rot_channel_pair(&b->rot), ROT_OK);
        IS(rot_capabilities(&b->rot, ROT_IDEVID, &cap), ROT_OK);
        if (cap.where[ROT_CAN_GENERATE] == ROT_IN_CHIP)
            IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &len), ROT_OK);
        assert_int_equal(judge(b, ROT_IDEVID, kinds[i].format, m), kinds[i].identity);
        makers_free(m);
        rot_close(&b->rot);
        bench_free(b);
    }
}

static void
an_atecc_speaks_for_its_keys(void **state)
{
    static const char *const blank[] = {"blank608a", "blank608b"};
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench *b = bench_new(blank[i]);

        IS(bench_open(b, 0), ROT_OK);
        IS(rot_seal_prepare(&b->rot, ROT_STAGE_CONFIG, 0), ROT_OK);
        IS(rot_seal(&b->rot, ROT_STAGE_CONFIG, 0), ROT_OK);
        IS(rot_key_generate(&b->rot, ROT_ATTEST(0), ROT_ALG_P256, pub, sizeof(pub), &len), ROT_OK);
        IS(rot_key_generate(&b->rot, ROT_IDEVID, ROT_ALG_P256, pub, sizeof(pub), &len), ROT_OK);
        IS(rot_seal(&b->rot, ROT_STAGE_DATA, 0), ROT_OK);
        assert_int_equal(judge(b, ROT_IDEVID, VENDOR_ATECC_INTERNAL, NULL), VENDOR_STATION);
        rot_close(&b->rot);
        bench_free(b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_with_a_maker),
        cmocka_unit_test(an_atecc_speaks_for_its_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
