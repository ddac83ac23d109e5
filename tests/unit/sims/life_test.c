/*
 * life_test.c: a part from blank to locked, refusals first, and power cuts at
 * every command.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/json.h"
#include "harness.h"
#include "sims/atecc/uncertain.h"

#define EXEC 0x0F

static void
tflx_config(uint8_t config[112])
{
    assert_int_equal(vector_get("config.txt", "tflxtls", "from_byte_16", config, 112), 112);
    /* As written to a blank part: at the generic address, not locked. */
    config[0] = 0xC0;
    config[86 - 16] = 0x55;
    config[87 - 16] = 0x55;
}

/* Does OpenSSL agree that rs over digest is by xy? */
static int
openssl_verifies(const uint8_t xy[64], const uint8_t digest[32], const uint8_t rs[64])
{
    uint8_t point[65] = {0x04}, der[80], *p = der;
    OSSL_PARAM params[3];
    char group[] = "P-256";
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *verify;
    EVP_PKEY *key = NULL;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    int len, ok;

    memcpy(point + 1, xy, 64);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
    params[2] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_PKEY_fromdata_init(make), 1);
    assert_int_equal(EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(rs, 32, NULL), BN_bin2bn(rs + 32, 32, NULL)), 1);
    len = i2d_ECDSA_SIG(sig, &p);
    verify = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(verify), 1);
    ok = EVP_PKEY_verify(verify, der, (size_t)len, digest, 32) == 1;
    EVP_PKEY_CTX_free(verify);
    ECDSA_SIG_free(sig);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(make);
    return ok;
}

/* Random, digest into the Message Digest Buffer, Sign: as hosts do it. */
static int
sign_digest(struct part *p, unsigned slot, const uint8_t digest[32], uint8_t rs[64])
{
    uint8_t answer[64];
    int status;

    assert_int_equal(part_run(p, 0x1B, 0, 0, NULL, 0, answer), PART_DATA + 32);
    assert_int_equal(part_run(p, 0x16, 0x43, 0, digest, 32, NULL), 0);
    status = part_run(p, 0x41, 0xA0, slot, NULL, 0, answer);
    if (status == PART_DATA + 64)
        memcpy(rs, answer, 64);
    return status == PART_DATA + 64 ? 0 : status;
}

static int
seeded_genkey(struct part *p, unsigned slot, uint8_t xy[64])
{
    uint8_t answer[64];
    int status;

    assert_int_equal(part_run(p, 0x1B, 0, 0, NULL, 0, answer), PART_DATA + 32);
    status = part_run(p, 0x40, 0x04, slot, NULL, 0, answer);
    if (status == PART_DATA + 64)
        memcpy(xy, answer, 64);
    return status == PART_DATA + 64 ? 0 : status;
}

/* ---- Refusals of a blank part -------------------------------------------------------- */

static void
test_blank_refuses(void **state)
{
    uint8_t block[64] = {1}, answer[64];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    assert_int_equal(part_run(&p, 0x40, 0x04, 0, NULL, 0, NULL), EXEC);    /* GenKey */
    assert_int_equal(part_run(&p, 0x41, 0x80, 0, NULL, 0, NULL), EXEC);    /* Sign */
    assert_int_equal(part_run(&p, 0x02, 0x82, 0x40, NULL, 0, NULL), EXEC); /* Read data */
    assert_int_equal(part_run(&p, 0x02, 0x81, 0, NULL, 0, NULL), EXEC);    /* Read OTP */
    assert_int_equal(part_run(&p, 0x12, 0x82, 0x40, block, 32, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x81, 0, block, 32, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x17, 0x81, 0, NULL, 0, NULL), EXEC); /* Lock data first */
    assert_int_equal(part_run(&p, 0x17, 0x82, 0, NULL, 0, NULL), EXEC); /* Lock slot 0 */
    assert_int_equal(part_run(&p, 0x24, 0x01, 0, NULL, 0, NULL), EXEC); /* count */
    assert_int_equal(part_run(&p, 0x17, 0x00, 0x1234, NULL, 0, NULL), ATECC_U_LOCK_CRC_STATUS);
    /* The factory's bytes and the words with commands of their own. */
    assert_int_equal(part_run(&p, 0x12, 0x00, 0, block, 4, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x00, 3, block, 4, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x00, 21, block, 4, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x80, 0x00, block, 32, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x80, 0x10, block, 32, NULL), EXEC);
    assert_int_equal(p.holder.stored, 0);
    /* What may be done. */
    assert_int_equal(part_run(&p, 0x02, 0x80, 0, NULL, 0, answer), PART_DATA + 32);
    assert_int_equal(answer[0], 0x01);
    assert_int_equal(answer[1], 0x23);
    assert_int_equal(part_run(&p, 0x12, 0x80, 0x18, p.chip.config + 96, 32, NULL), 0);
    assert_int_equal(p.holder.stored, 1);
    part_done(&p);
}

static void
test_parse_errors(void **state)
{
    static const struct {
        uint8_t opcode, p1;
        uint16_t p2;
        size_t len;
    } cases[] = {
        {0x01, 0, 0, 0},     {0x11, 0, 0, 0}, /* Pause and HMAC are gone */
        {0x16, 0x02, 0, 20}, {0x16, 0, 0, 19},   {0x16, 0xA3, 0, 64}, {0x1B, 2, 0, 0},
        {0x40, 0x20, 0, 0},  {0x40, 4, 16, 0},   {0x41, 0xA0, 16, 0}, {0x41, 0xA1, 0, 0},
        {0x45, 2, 3, 128},   {0x45, 0, 8, 63},   {0x45, 4, 8, 64},    {0x02, 3, 0, 0},
        {0x02, 0, 0x20, 0},  {0x12, 0x42, 0, 4}, {0x12, 0, 5, 3},     {0x17, 3, 0, 0},
        {0x17, 0x84, 0, 0},  {0x24, 2, 0, 0},    {0x24, 0, 2, 0},     {0x08, 0, 0, 0},
        {0x28, 0, 0, 76},    {0x15, 6, 0, 0},    {0x15, 2, 16, 0},    {0x1C, 1, 0, 0},
        {0x47, 5, 0, 0},     {0x47, 1, 3, 2},    {0x51, 2, 0, 16},    {0x51, 0, 16, 16},
        {0x56, 0, 0, 3},     {0x80, 4, 0, 32},   {0x43, 0, 0, 63},    {0x43, 0x10, 0, 64},
        {0x46, 0, 0, 36},    {0x20, 2, 0, 0},    {0x20, 3, 0, 0},     {0x30, 9, 0, 0},
    };
    uint8_t data[128] = {0};
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status =
            part_run(&p, cases[i].opcode, cases[i].p1, cases[i].p2, data, cases[i].len, NULL);

        if (status != 0x03)
            fail_msg("case %zu (opcode %02x): %x, not a parse error", i, cases[i].opcode,
                     (unsigned)status);
    }
    assert_int_equal(p.holder.stored, 0);
    part_done(&p);
}

/* ---- The whole life -------------------------------------------------------------------- */

static void
test_life(void **state)
{
    uint8_t config[112], xy[64], again[64], digest[32] = {7}, rs[64], block[32], got[32];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    tflx_config(config);
    part_lock_config(&p, config);
    assert_int_equal(part_run(&p, 0x12, 0x00, 5, config, 4, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x17, 0x80, 0, NULL, 0, NULL), EXEC);

    /* Keys: made here, and only in slots for keys; ReqRandom wants a fresh seed. */
    assert_int_equal(part_run(&p, 0x40, 0x00, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x40, 0x04, 2, NULL, 0, NULL), EXEC);
    assert_int_equal(seeded_genkey(&p, 0, xy), 0);
    assert_int_equal(part_run(&p, 0x40, 0x04, 8, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x40, 0x00, 0, NULL, 0, again), PART_DATA + 64);
    assert_memory_equal(xy, again, 64);

    /* Data before the lock: blocks only, and nothing can be read. */
    memset(block, 0x5A, sizeof(block));
    assert_int_equal(part_run(&p, 0x12, 0x02, 8 << 3, block, 4, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x82, 8 << 3, block, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x12, 0x82, 0 << 3, block, 32, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x02, 0x82, 8 << 3, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x17, 0x01, 0x0000, NULL, 0, NULL), ATECC_U_LOCK_CRC_STATUS);
    part_lock_data(&p);
    assert_int_equal(part_run(&p, 0x17, 0x81, 0, NULL, 0, NULL), EXEC);

    assert_int_equal(part_run(&p, 0x02, 0x82, 8 << 3, NULL, 0, got), PART_DATA + 32);
    assert_memory_equal(got, block, 32);
    assert_int_equal(part_run(&p, 0x02, 0x82, 6 << 3, NULL, 0, NULL), EXEC); /* secret */
    assert_int_equal(part_run(&p, 0x02, 0x82, 0 << 3, NULL, 0, NULL), EXEC); /* private */
    assert_int_equal(part_run(&p, 0x12, 0x81, 0, block, 32, NULL), EXEC);    /* OTP */

    assert_int_equal(sign_digest(&p, 0, digest, rs), 0);
    assert_true(openssl_verifies(xy, digest, rs));
    digest[0] ^= 1;
    assert_false(openssl_verifies(xy, digest, rs));
    digest[0] ^= 1;
    assert_int_equal(sign_digest(&p, 1, digest, rs), EXEC); /* signs only what the chip says */

    /* Slot 0 is for ever; slot 2 may be made anew until it is locked by itself. */
    assert_int_equal(seeded_genkey(&p, 0, again), EXEC);
    assert_int_equal(seeded_genkey(&p, 2, again), 0);
    assert_int_equal(part_run(&p, 0x17, 0x82 | 0 << 2, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x17, 0x82 | 2 << 2, 0, NULL, 0, NULL), 0);
    assert_int_equal(part_run(&p, 0x17, 0x82 | 2 << 2, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(seeded_genkey(&p, 2, again), EXEC);
    assert_int_equal(sign_digest(&p, 2, digest, rs), 0);
    assert_true(openssl_verifies(again, digest, rs));
    part_done(&p);
}

/* Whatever else its configuration says; and a slot that was locked by itself keeps its bytes. */
static void
test_what_stays_inside(void **state)
{
    uint8_t config[112], xy[64], block[32] = {1}, got[32];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    tflx_config(config);
    config[20 - 16] &= 0x7F; /* slot 0 is private, and not called secret */
    part_lock_config(&p, config);
    assert_int_equal(seeded_genkey(&p, 0, xy), 0);
    part_lock_data(&p);
    assert_int_equal(part_run(&p, 0x02, 0x82, 0 << 3, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x12, 0x82, 8 << 3, block, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x17, 0x82 | 8 << 2, 0, NULL, 0, NULL), 0);
    block[0] = 2;
    assert_int_equal(part_run(&p, 0x12, 0x82, 8 << 3, block, 32, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x02, 0x82, 8 << 3, NULL, 0, got), PART_DATA + 32);
    assert_int_equal(got[0], 1);
    part_done(&p);
}

/* A word of a slot after the lock, the short last block, and the end of the slot. */
static void
test_slot_edges(void **state)
{
    uint8_t config[112], block[32], got[32];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    tflx_config(config);
    part_lock_config(&p, config);
    part_lock_data(&p);
    memset(block, 0xC3, sizeof(block));
    assert_int_equal(part_run(&p, 0x12, 0x82, 0x0200 | 10 << 3, block, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x02, 0x02, 0x0200 | 10 << 3 | 1, NULL, 0, got), PART_DATA + 4);
    assert_memory_equal(got, block, 4);
    assert_int_equal(part_run(&p, 0x02, 0x02, 0x0000 | 11 << 3, NULL, 0, got), PART_DATA + 4);
    assert_int_equal(got[0], ATECC_U_BLANK_FILL);
    assert_int_equal(part_run(&p, 0x02, 0x02, 0x0200 | 10 << 3 | 2, NULL, 0, NULL),
                     ATECC_U_READ_RANGE_STATUS);
    assert_int_equal(part_run(&p, 0x02, 0x82, 0x0200 | 10 << 3, NULL, 0, got), PART_DATA + 32);
    assert_memory_equal(got, block, 8);
    for (size_t i = 8; i < sizeof(got); i++)
        assert_int_equal(got[i], ATECC_U_PAST_SLOT);
    assert_int_equal(part_run(&p, 0x02, 0x82, 0x0300 | 10 << 3, NULL, 0, NULL),
                     ATECC_U_READ_RANGE_STATUS);
    assert_int_equal(part_run(&p, 0x12, 0x82, 0x0300 | 10 << 3, block, 32, NULL), 0x03);
    assert_int_equal(part_run(&p, 0x12, 0x02, 0x0C00 | 8 << 3 | 7, block, 4, NULL), 0);
    assert_int_equal(part_run(&p, 0x12, 0x02, 0x0D00 | 8 << 3, block, 4, NULL), 0x03);
    part_done(&p);
}

/* ---- Sleep, idle, watchdog --------------------------------------------------------------- */

static void
test_idle_keeps_sleep_loses(void **state)
{
    static const uint8_t sleep = 0x01, idle = 0x02;
    uint8_t nonce[32] = {9};
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    p.chip.config[ATECC_AT_LOCK_CONFIG] = 0;
    p.no_idle = 1;
    assert_int_equal(part_run(&p, 0x16, 0x03, 0, nonce, 32, NULL), 0);
    assert_true(part_write(&p, &idle, 1));
    assert_false(part_write(&p, &idle, 1)); /* it ignores the bus now */
    part_advance(&p, 10000000);
    assert_true(part_wake(&p));
    assert_int_equal(p.chip.v.temp_key.valid, 1);
    assert_memory_equal(p.chip.v.temp_key.value, nonce, 32);
    assert_true(part_write(&p, &sleep, 1));
    assert_int_equal(p.chip.v.temp_key.valid, 0);
    assert_false(part_write(&p, &sleep, 1));

    assert_int_equal(part_run(&p, 0x16, 0x03, 0, nonce, 32, NULL), 0);
    part_advance(&p, ATECC_U_WATCHDOG_US - 10000);
    assert_int_equal(p.chip.v.temp_key.valid, 1);
    part_advance(&p, 10000);
    assert_int_equal(p.chip.v.temp_key.valid, 0);
    assert_int_equal(p.chip.awake, ATECC_ASLEEP);
    p.chip.config[ATECC_AT_CHIP_MODE] |= 4;
    assert_int_equal(part_run(&p, 0x16, 0x03, 0, nonce, 32, NULL), 0);
    part_advance(&p, ATECC_U_WATCHDOG_US * 5);
    assert_int_equal(p.chip.v.temp_key.valid, 1);
    part_done(&p);
}

static void
test_wake(void **state)
{
    uint8_t byte = 0;
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    assert_false(part_write(&p, &byte, 1)); /* asleep */
    p.model->wake(&p.chip, 59);
    part_advance(&p, 2000);
    assert_false(part_write(&p, &byte, 1)); /* too short a pulse */
    p.model->wake(&p.chip, 60);
    part_advance(&p, 1400);
    assert_false(part_write(&p, &byte, 1)); /* too soon */
    part_advance(&p, 100);
    assert_true(part_write(&p, &byte, 1));
    assert_false(p.model->i2c_write(&p.chip, 0x61, &byte, 1));
    part_done(&p);
}

static void
test_failed_self_test(void **state)
{
    uint8_t want[4], got[4];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    assert_int_equal(p.model->set_quirk(&p.chip, "dance"), 0);
    assert_int_equal(p.model->set_quirk(&p.chip, "wake-self-test"), 1);
    assert_false(part_wake(&p));
    (void)vector_get("status.txt", "frames", "self_test", want, 4);
    assert_memory_equal(p.chip.answer, want, 4);
    p.model->set_power(&p.chip, 0);
    p.model->set_power(&p.chip, 1);
    assert_int_equal(p.model->set_quirk(&p.chip, "wake-self-test-vendor"), 1);
    assert_false(part_wake(&p));
    (void)vector_get("status.txt", "frames", "self_test_vendor_literal", want, 4);
    memcpy(got, p.chip.answer, 4);
    assert_memory_equal(got, want, 4);
    assert_int_equal(p.model->set_quirk(&p.chip, "none"), 1);
    part_done(&p);
}

static void
test_busy_and_rereading(void **state)
{
    static const uint8_t info[] = {0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5D};
    static const uint8_t want[] = {0x07, 0x00, 0x00, 0x60, 0x03, 0x83, 0xBB, 0xFF, 0xFF};
    const struct sim_timing timing = {.busy_us = 5000};
    uint8_t rewind = 0x00, got[9];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    p.model->set_timing(&p.chip, &timing);
    assert_true(part_wake(&p));
    assert_true(part_write(&p, info, sizeof(info)));
    assert_false(part_write(&p, &rewind, 1));
    assert_false(part_read(&p, got, 1));
    part_advance(&p, 4999);
    assert_false(part_write(&p, &rewind, 1));
    part_advance(&p, 1);
    assert_true(part_write(&p, &rewind, 1));
    assert_true(part_read(&p, got, 1));
    assert_true(part_read(&p, got + 1, 8));
    assert_memory_equal(got, want, 9);
    assert_true(part_write(&p, &rewind, 1));
    assert_true(part_read(&p, got, 9));
    assert_memory_equal(got, want, 9);
    /* A command that would outlast the watchdog is not begun. */
    part_advance(&p, ATECC_U_WATCHDOG_US - 9000);
    assert_true(part_write(&p, info, sizeof(info)));
    assert_int_equal(p.chip.answer[1], ATECC_U_WATCHDOG_STATUS);
    part_done(&p);
}

/* Times of the reference, scaled. */
static void
test_real_times(void **state)
{
    const struct sim_timing timing = {.typical_permille = SIM_TYPICAL_PERMILLE};
    static const uint8_t sign[] = {0x03, 0x07, 0x41, 0xA0, 0x00, 0x00, 0x7B, 0x85};
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    p.model->set_timing(&p.chip, &timing);
    assert_true(part_wake(&p));
    assert_true(part_write(&p, sign, sizeof(sign)));
    assert_int_equal(p.chip.run.busy_until_us - p.chip.run.now_us,
                     115000 * SIM_TYPICAL_PERMILLE / 1000);
    assert_int_equal(p.model->get_chip_time_us(&p.chip), 115000 * SIM_TYPICAL_PERMILLE / 1000);
    part_done(&p);
}

static void
test_address_change(void **state)
{
    static const uint8_t sleep = 0x01;
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    p.no_idle = 1;
    assert_int_equal(part_run(&p, 0x20, 0x01, 0x6C, NULL, 0, NULL), 0);
    p.chip.config[ATECC_AT_CHIP_MODE] |= 1;
    assert_int_equal(p.model->get_address(&p.chip), 0x60);
    assert_true(part_write(&p, &sleep, 1));
    assert_int_equal(p.model->get_address(&p.chip), 0x36);
    assert_true(part_wake(&p));
    p.chip.config[ATECC_AT_LOCK_CONFIG] = 0;
    assert_int_equal(part_run(&p, 0x20, 0x01, 0x6E, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x20, 0x00, 0x11, NULL, 0, NULL), 0);
    assert_int_equal(part_run(&p, 0x20, 0x00, 0x12, NULL, 0, NULL), EXEC);
    part_done(&p);
}

/* ---- State --------------------------------------------------------------------------------- */

static void
test_state_survives(void **state)
{
    uint8_t config[112], xy[64], again[64], nonce[32] = {1};
    RS_AUTO(rs_json_done) json_t *object = json_object();
    struct part p, q;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    tflx_config(config);
    part_lock_config(&p, config);
    assert_int_equal(seeded_genkey(&p, 0, xy), 0);
    assert_int_equal(part_run(&p, 0x24, 0x01, 1, NULL, 0, again), PART_DATA + 4);
    assert_int_equal(part_run(&p, 0x16, 0x03, 0, nonce, 32, NULL), 0);
    assert_true(p.model->save(&p.chip, object));

    memset(&q, 0, sizeof(q));
    q.model = p.model;
    sim_holder_init(&q.holder);
    assert_int_equal(q.model->load(&q.chip, &q.holder.host, object, NULL), RS_OK);
    assert_memory_equal(q.chip.config, p.chip.config, sizeof(p.chip.config));
    assert_memory_equal(q.chip.otp, p.chip.otp, sizeof(p.chip.otp));
    assert_memory_equal(q.chip.data, p.chip.data, sizeof(p.chip.data));
    assert_int_equal(q.chip.v.temp_key.valid, 0);
    assert_int_equal(part_run(&q, 0x40, 0x00, 0, NULL, 0, again), PART_DATA + 64);
    assert_memory_equal(xy, again, 64);
    assert_int_equal(part_run(&q, 0x24, 0x00, 1, NULL, 0, again), PART_DATA + 4);
    assert_int_equal(again[0], 1);
    part_done(&q);

    /* A file that lacks a byte is no chip. */
    (void)json_array_set_new(json_object_get(object, "slots"), 3, json_string("00"));
    assert_int_equal(q.model->load(&q.chip, &q.holder.host, object, NULL), RS_E_FILE_FAILED);
    part_done(&p);
}

/* ---- Power cuts ------------------------------------------------------------------------------ */

/* One step of the recipe; non-zero when the chip did not answer as it should. */
static int
recipe_step(struct part *p, unsigned step, const uint8_t config[112])
{
    uint8_t block[32], answer[64];

    memset(block, (int)step, sizeof(block));
    if (step < 28) {
        unsigned word = step + 4;

        return word == 21 ? 0 : part_run(p, 0x12, 0x00, word, config + 4 * (size_t)step, 4, NULL);
    }
    switch (step) {
    case 28:
        return part_run(p, 0x17, 0x80, 0, NULL, 0, NULL);
    case 29:
        return part_run(p, 0x1B, 0, 0, NULL, 0, answer) - PART_DATA - 32;
    case 30:
        return part_run(p, 0x40, 0x04, 0, NULL, 0, answer) - PART_DATA - 64;
    case 31:
        return part_run(p, 0x12, 0x82, 8 << 3, block, 32, NULL);
    case 32:
        return part_run(p, 0x17, 0x81, 0, NULL, 0, NULL);
    default:
        return part_run(p, 0x17, 0x82 | 8 << 2, 0, NULL, 0, NULL);
    }
}

#define RECIPE_STEPS 34

/* After the cut: dead until power is back; then the same state as its saved form, and alive. */
static void
check_after_cut(struct part *p)
{
    RS_AUTO(rs_json_done) json_t *object = json_object();
    uint8_t answer[64], zero = 0;
    struct part q;

    assert_int_equal(p->model->get_power(&p->chip), 0);
    assert_false(part_write(p, &zero, 1));
    p->model->wake(&p->chip, 100);
    part_advance(p, 2000);
    assert_false(part_write(p, &zero, 1));

    assert_true(p->model->save(&p->chip, object));
    memset(&q, 0, sizeof(q));
    q.model = p->model;
    sim_holder_init(&q.holder);
    assert_int_equal(q.model->load(&q.chip, &q.holder.host, object, NULL), RS_OK);
    assert_int_equal(part_run(&q, 0x30, 0, 0, NULL, 0, answer), PART_DATA + 4);
    part_done(&q);

    p->model->set_power(&p->chip, 1);
    assert_int_equal(part_run(p, 0x30, 0, 0, NULL, 0, answer), PART_DATA + 4);
}

static void
cut_at(unsigned step, enum sim_fate_kind kind, int arg, const uint8_t config[112])
{
    struct part p;
    int failed = 0;

    part_init(&p, &atecc608b_model, "blank608b");
    for (unsigned i = 0; i < RECIPE_STEPS && !failed; i++) {
        if (i == step)
            p.holder.fate = (struct sim_fate){kind, arg};
        failed = recipe_step(&p, i, config);
        if (i < step)
            assert_int_equal(failed, 0);
    }
    if (step != 21 - 4) {
        /* An answer that was read whole was read before the power went. */
        assert_true(failed || kind == SIM_FATE_CUT_ANSWERED);
        check_after_cut(&p);
    }
    part_done(&p);
}

static void
test_power_cut_everywhere(void **state)
{
    uint8_t config[112];

    (void)state;
    tflx_config(config);
    for (unsigned step = 0; step < RECIPE_STEPS; step++) {
        cut_at(step, SIM_FATE_CUT_BEFORE, 0, config);
        cut_at(step, SIM_FATE_CUT_WRITE, -1, config);
        cut_at(step, SIM_FATE_CUT_WRITE, 1, config);
        cut_at(step, SIM_FATE_CUT_AFTER, 0, config);
    }
    cut_at(RECIPE_STEPS - 1, SIM_FATE_CUT_ANSWERED, 0, config);
}

/* Half of a key is in memory, and it is no key. */
static void
test_torn_key(void **state)
{
    uint8_t config[112], xy[64];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    tflx_config(config);
    part_lock_config(&p, config);
    assert_int_equal(part_run(&p, 0x1B, 0, 0, NULL, 0, xy), PART_DATA + 32);
    p.holder.fate = (struct sim_fate){SIM_FATE_CUT_WRITE, 4};
    assert_int_equal(part_run(&p, 0x40, 0x04, 0, NULL, 0, xy), -1);
    p.model->set_power(&p.chip, 1);
    assert_int_equal(atecc_slot(&p.chip, 0)[3], 0x00);
    assert_int_equal(atecc_slot(&p.chip, 0)[4], ATECC_U_BLANK_FILL);
    assert_int_equal(part_run(&p, 0x40, 0x00, 0, NULL, 0, NULL), ATECC_U_BAD_KEY_STATUS);
    assert_int_equal(seeded_genkey(&p, 0, xy), 0);
    part_done(&p);
}

static void
test_other_fates(void **state)
{
    uint8_t answer[64], digest[32] = {0};
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    p.holder.fate = (struct sim_fate){SIM_FATE_NAK, 0};
    assert_int_equal(part_run(&p, 0x30, 0, 0, NULL, 0, answer), -1);
    p.holder.fate = (struct sim_fate){SIM_FATE_STATUS, 0x08};
    assert_int_equal(part_run(&p, 0x16, 0x03, 0, digest, 32, NULL), 0x08);
    assert_int_equal(p.chip.v.temp_key.valid, 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_LIE, 0x0F};
    assert_int_equal(part_run(&p, 0x16, 0x03, 0, digest, 32, NULL), 0x0F);
    assert_int_equal(p.chip.v.temp_key.valid, 1);
    p.holder.fate = (struct sim_fate){SIM_FATE_BROWNOUT, 0};
    assert_int_equal(part_run(&p, 0x30, 0, 0, NULL, 0, answer), -1);
    assert_int_equal(p.model->get_power(&p.chip), 1);
    assert_int_equal(p.chip.v.temp_key.valid, 0);
    p.holder.fate = (struct sim_fate){SIM_FATE_BUSY, 0};
    assert_int_equal(part_run(&p, 0x30, 0, 0, NULL, 0, answer), -1);
    part_advance(&p, ATECC_U_WATCHDOG_US);
    assert_int_equal(part_run(&p, 0x30, 0, 0, NULL, 0, answer), PART_DATA + 4);
    part_done(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blank_refuses),
        cmocka_unit_test(test_parse_errors),
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_what_stays_inside),
        cmocka_unit_test(test_slot_edges),
        cmocka_unit_test(test_idle_keeps_sleep_loses),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_failed_self_test),
        cmocka_unit_test(test_busy_and_rereading),
        cmocka_unit_test(test_real_times),
        cmocka_unit_test(test_address_change),
        cmocka_unit_test(test_state_survives),
        cmocka_unit_test(test_power_cut_everywhere),
        cmocka_unit_test(test_torn_key),
        cmocka_unit_test(test_other_fates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
