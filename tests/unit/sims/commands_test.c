/*
 * commands_test.c: keys that verify, agree, derive and count; what each may not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/bytes.h"
#include "harness.h"
#include "sims/atecc/uncertain.h"

#define EXEC 0x0F

static void
set_slot(struct part *p, unsigned slot, unsigned slot_config, unsigned key_config)
{
    p->chip.config[ATECC_AT_SLOT_CONFIG + 2 * slot] = (uint8_t)slot_config;
    p->chip.config[ATECC_AT_SLOT_CONFIG + 2 * slot + 1] = (uint8_t)(slot_config >> 8);
    p->chip.config[ATECC_AT_KEY_CONFIG + 2 * slot] = (uint8_t)key_config;
    p->chip.config[ATECC_AT_KEY_CONFIG + 2 * slot + 1] = (uint8_t)(key_config >> 8);
}

/* Configuration locked, data open. */
static void
prepare(struct part *p)
{
    part_init(p, &atecc608b_model, "blank608b");
    p->chip.config[ATECC_AT_LOCK_CONFIG] = 0;
    p->no_idle = 1;
    set_slot(p, 0, 0x2087, 0x0033);  /* private: signs and agrees */
    set_slot(p, 10, 0x0000, 0x0030); /* public key */
}

static void
make_key(struct part *p, unsigned slot, uint8_t xy[64])
{
    assert_int_equal(part_run(p, 0x1B, 0, 0, NULL, 0, xy), PART_DATA + 32);
    assert_int_equal(part_run(p, 0x40, 0x04, slot, NULL, 0, xy), PART_DATA + 64);
}

static void
put_public(struct part *p, unsigned slot, const uint8_t xy[64])
{
    uint8_t padded[96] = {0};

    memcpy(padded + 4, xy, 32);
    memcpy(padded + 40, xy + 32, 32);
    for (unsigned block = 0; block < 3; block++)
        assert_int_equal(
            part_run(p, 0x12, 0x82, block << 8 | slot << 3, padded + 32 * block, 32, NULL), 0);
}

static void
sign(struct part *p, unsigned slot, const uint8_t digest[32], uint8_t rs[64])
{
    assert_int_equal(part_run(p, 0x16, 0x43, 0, digest, 32, NULL), 0);
    assert_int_equal(part_run(p, 0x41, 0xA0, slot, NULL, 0, rs), PART_DATA + 64);
}

/* ---- Verify ------------------------------------------------------------------------ */

static void
test_verify(void **state)
{
    uint8_t xy[64], digest[32] = {3}, data[128];
    struct part p;

    (void)state;
    prepare(&p);
    make_key(&p, 0, xy);
    sign(&p, 0, digest, data);
    memcpy(data + 64, xy, 64);
    assert_int_equal(part_run(&p, 0x45, 0x22, 4, data, 128, NULL), 0);
    data[5] ^= 1;
    assert_int_equal(part_run(&p, 0x45, 0x22, 4, data, 128, NULL), 1);
    data[5] ^= 1;
    data[70] ^= 1;
    assert_int_equal(part_run(&p, 0x45, 0x22, 4, data, 128, NULL), ATECC_U_OFF_CURVE_STATUS);
    assert_int_equal(part_run(&p, 0x45, 0x20, 10, data, 64, NULL), ATECC_U_OFF_CURVE_STATUS);
    put_public(&p, 10, xy);
    assert_int_equal(part_run(&p, 0x45, 0x20, 10, data, 64, NULL), 0);
    assert_int_equal(part_run(&p, 0x45, 0x20, 0, data, 64, NULL), EXEC); /* a private slot */
    set_slot(&p, 10, 0x0000, 0x0070);                                    /* ReqRandom */
    assert_int_equal(part_run(&p, 0x45, 0x20, 10, data, 64, NULL), EXEC);
    part_done(&p);
}

/* The MAC over a good verification needs the IO key and a nonce of the host. */
static void
test_verify_mac(void **state)
{
    uint8_t xy[64], message[64], data[128], key[32] = {5}, mac[32], want[32];
    struct atecc_sha256 h;
    const uint8_t params[4] = {0x45, 0xA2, 0x04, 0x00};
    struct part p;

    (void)state;
    prepare(&p);
    memset(message, 0x77, sizeof(message));
    make_key(&p, 0, xy);
    sign(&p, 0, message, data);
    memcpy(data + 64, xy, 64);
    assert_int_equal(part_run(&p, 0x16, 0x63, 0, message, 64, NULL), 0);
    assert_int_equal(part_run(&p, 0x45, 0xA2, 4, data, 128, NULL), EXEC);
    p.chip.config[ATECC_AT_CHIP_OPTIONS] = 0x02;
    p.chip.config[ATECC_AT_CHIP_OPTIONS + 1] = 0x60;
    set_slot(&p, 6, 0x0000, 0x001C);
    assert_int_equal(part_run(&p, 0x12, 0x82, 6 << 3, key, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x45, 0xA2, 4, data, 128, mac), PART_DATA + 32);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, key, 32);
    atecc_sha256_add(&h, message, 64);
    atecc_sha256_add(&h, data, 64);
    atecc_sha256_add(&h, params, 4);
    atecc_sha256_end(&h, want);
    assert_memory_equal(mac, want, 32);
    part_done(&p);
}

/* A key that its parent has to sign for: by the digests that the chip itself makes. */
static void
test_validated_key(void **state)
{
    uint8_t parent[64], child[64], digest[32] = {8}, rs[64], data[83], nonce[20] = {0};
    uint8_t other[19] = {0x00, 14, 0x00};
    struct part p;

    (void)state;
    prepare(&p);
    set_slot(&p, 1, 0x2083, 0x0033);  /* the parent's private key, internal and external */
    set_slot(&p, 13, 0x0000, 0x0030); /* parent */
    set_slot(&p, 14, 0x100D, 0x0012); /* child: PubInfo, parent 13, PubInvalid writes */
    make_key(&p, 1, parent);
    make_key(&p, 0, child);
    put_public(&p, 13, parent);
    put_public(&p, 14, child);
    assert_int_equal(atecc_slot(&p.chip, 14)[0], 0xA0);
    p.chip.config[ATECC_AT_LOCK_VALUE] = 0;

    sign(&p, 0, digest, rs);
    assert_int_equal(part_run(&p, 0x45, 0x20, 14, rs, 64, NULL), EXEC); /* not valid yet */

    /* What a signing chip's OtherData for this child is, and the message made of it. */
    memcpy(other + 3, p.chip.config + ATECC_AT_SLOT_CONFIG + 28, 2);
    memcpy(other + 5, p.chip.config + ATECC_AT_KEY_CONFIG + 28, 2);
    other[1] = 1;
    other[7] = 0x4E; /* GenKey, slot 14 */
    other[14 + 2] = 1;
    assert_int_equal(part_run(&p, 0x16, 0x00, 0, nonce, 20, digest), PART_DATA + 32);
    assert_int_equal(part_run(&p, 0x40, 0x10, 14, other, 3, NULL), 0);
    {
        struct atecc_sha256 h;
        uint8_t serial[9];

        atecc_serial(&p.chip, serial);
        atecc_sha256_init(&h);
        atecc_sha256_add(&h, p.chip.v.temp_key.value, 32);
        atecc_sha256_u8(&h, 0x41);
        atecc_sha256_add(&h, other, 10);
        atecc_sha256_u8(&h, serial[8]);
        atecc_sha256_add(&h, other + 10, 4);
        atecc_sha256_add(&h, serial, 2);
        atecc_sha256_add(&h, other + 14, 5);
        atecc_sha256_end(&h, digest);
    }
    {
        const uint8_t k[32] = {1, 2, 3};

        assert_true(atecc_p256_sign(p.chip.p256, atecc_slot(&p.chip, 1) + 4, digest, k, data));
    }
    memcpy(data + 64, other, 19);
    assert_int_equal(part_run(&p, 0x45, 0x07, 14, data, 83, NULL), EXEC); /* not for Invalidate */
    assert_int_equal(part_run(&p, 0x45, 0x03, 14, data, 83, NULL), 0);
    assert_int_equal(atecc_slot(&p.chip, 14)[0] >> 4, 0x5);
    assert_int_equal(part_run(&p, 0x30, 0x01, 14, NULL, 0, digest), PART_DATA + 4);
    assert_int_equal(digest[0], 1);

    memset(digest, 8, sizeof(digest));
    sign(&p, 0, digest, rs);
    assert_int_equal(part_run(&p, 0x45, 0x20, 14, rs, 64, NULL), 0);
    assert_int_equal(part_run(&p, 0x12, 0x82, 14 << 3, digest, 32, NULL), EXEC); /* valid: no */
    assert_int_equal(part_run(&p, 0x45, 0x03, 14, data, 83, NULL), EXEC); /* TempKey is gone */
    part_done(&p);
}

/* ---- ECDH ----------------------------------------------------------------------------- */

static void
test_ecdh(void **state)
{
    uint8_t ours[64], theirs[64], shared[64], want[32], mask[32], key[32] = {6}, bad[64] = {1};
    uint8_t ephemeral[64], nonce[20] = {0};
    struct part p;

    (void)state;
    prepare(&p);
    set_slot(&p, 2, 0x2083, 0x0033); /* no ECDH */
    make_key(&p, 0, ours);
    make_key(&p, 2, theirs);
    assert_int_equal(part_run(&p, 0x43, 0x00, 2, ours, 64, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x43, 0x00, 0, bad, 64, NULL), ATECC_U_OFF_CURVE_STATUS);
    assert_int_equal(part_run(&p, 0x43, 0x00, 0, theirs, 64, shared), PART_DATA + 32);
    assert_true(atecc_p256_ecdh(p.chip.p256, atecc_slot(&p.chip, 2) + 4, ours, want));
    assert_memory_equal(shared, want, 32);

    assert_int_equal(part_run(&p, 0x43, 0x08, 0, theirs, 64, NULL), 0);
    assert_memory_equal(p.chip.v.temp_key.value, want, 32);
    assert_int_equal(part_run(&p, 0x43, 0x04, 0, theirs, 64, NULL), EXEC); /* slot 1 is private */
    set_slot(&p, 1, 0x0080, 0x001C);
    assert_int_equal(part_run(&p, 0x43, 0x04, 0, theirs, 64, NULL), 0);
    assert_memory_equal(atecc_slot(&p.chip, 1), want, 32);

    assert_int_equal(part_run(&p, 0x43, 0x0E, 0, theirs, 64, NULL), EXEC); /* no IO key */
    p.chip.config[ATECC_AT_CHIP_OPTIONS] = 0x02;
    p.chip.config[ATECC_AT_CHIP_OPTIONS + 1] = 0x61; /* encrypted output only */
    set_slot(&p, 6, 0x0000, 0x001C);
    memcpy(atecc_slot(&p.chip, 6), key, 32);
    assert_int_equal(part_run(&p, 0x43, 0x0C, 0, theirs, 64, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x43, 0x0E, 0, theirs, 64, shared), PART_DATA + 64);
    {
        struct atecc_sha256 h;

        atecc_sha256_init(&h);
        atecc_sha256_add(&h, key, 32);
        atecc_sha256_add(&h, shared + 32, 16);
        atecc_sha256_end(&h, mask);
    }
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(shared[i] ^ mask[i], want[i]);

    /* The ephemeral key lives in TempKey, and nothing but ECDH may use it. */
    p.chip.config[ATECC_AT_CHIP_OPTIONS + 1] = 0x60;
    assert_int_equal(part_run(&p, 0x43, 0x0D, 0, theirs, 64, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x40, 0x04, 0xFFFF, NULL, 0, ephemeral), PART_DATA + 64);
    assert_int_equal(part_run(&p, 0x41, 0x80, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x43, 0x0D, 0, theirs, 64, shared), PART_DATA + 32);
    assert_true(atecc_p256_ecdh(p.chip.p256, atecc_slot(&p.chip, 2) + 4, ephemeral, want));
    assert_memory_equal(shared, want, 32);
    assert_int_equal(part_run(&p, 0x16, 0x00, 0, nonce, 20, shared), PART_DATA + 32);
    assert_int_equal(part_run(&p, 0x43, 0x0D, 0, theirs, 64, NULL), EXEC);
    part_done(&p);
}

/* ---- SHA and AES ------------------------------------------------------------------------- */

static void
test_sha(void **state)
{
    static const uint8_t abc_digest[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                           0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                           0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                           0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const uint8_t five[5] = {1, 2, 3, 4, 5};
    uint8_t digest[32], again[32], context[99];
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    assert_int_equal(part_run(&p, 0x47, 0x02, 3, (const uint8_t *)"abc", 3, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x47, 0x00, 0, NULL, 0, NULL), 0);
    assert_int_equal(part_run(&p, 0x47, 0x02, 3, (const uint8_t *)"abc", 3, digest),
                     PART_DATA + 32);
    assert_memory_equal(digest, abc_digest, 32);
    assert_int_equal(p.chip.v.temp_key.valid, 1);
    assert_int_equal(p.chip.v.digest_valid, 0);

    assert_int_equal(part_run(&p, 0x47, 0x00, 0, NULL, 0, NULL), 0);
    assert_int_equal(part_run(&p, 0x47, 0x01, 5, five, 5, NULL), 0);
    assert_int_equal(part_run(&p, 0x47, 0x06, 0, NULL, 0, context), PART_DATA + 41);
    assert_int_equal(context[0], 5);
    assert_int_equal(context[4], 0x67); /* least significant byte of the first word */
    assert_int_equal(context[7], 0x6A);
    assert_memory_equal(context + 36, five, 5);
    assert_int_equal(part_run(&p, 0x47, 0x42, 5, five, 5, digest), PART_DATA + 32);
    assert_int_equal(p.chip.v.digest_valid, 1);
    assert_int_equal(part_run(&p, 0x47, 0x07, 41, context, 41, NULL), 0);
    assert_int_equal(part_run(&p, 0x47, 0xC2, 5, five, 5, again), PART_DATA + 32);
    assert_memory_equal(digest, again, 32);
    assert_int_equal(part_run(&p, 0x47, 0x07, 40, context, 40, NULL), 0x03);
    assert_int_equal(part_run(&p, 0x47, 0x07, 35, context, 35, NULL), 0x03);
    part_done(&p);
}

/* RFC 4231 case 2 has a short key; the part's keys are 32 bytes, zeros behind it change nothing. */
static void
test_hmac(void **state)
{
    static const uint8_t want[32] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                     0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                     0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                     0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const char text[] = "what do ya want for nothing?";
    uint8_t key[32] = {'J', 'e', 'f', 'e'}, mac[32];
    struct part p;

    (void)state;
    prepare(&p);
    set_slot(&p, 4, 0x0000, 0x001C);
    assert_int_equal(part_run(&p, 0x12, 0x82, 4 << 3, key, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x47, 0x04, 0, NULL, 0, NULL), EXEC); /* a private slot */
    assert_int_equal(part_run(&p, 0x47, 0x04, 4, NULL, 0, NULL), 0);
    assert_int_equal(part_run(&p, 0x47, 0x06, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x47, 0xC2, 28, (const uint8_t *)text, 28, mac), PART_DATA + 32);
    assert_memory_equal(mac, want, 32);
    part_done(&p);
}

/* FIPS 197 appendix C.1, and GHASH of NIST SP 800-38D test case 2. */
static void
test_aes(void **state)
{
    static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t plain[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                      0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    static const uint8_t cipher[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
                                       0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
    static const uint8_t gfm_in[32] = {0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b,
                                       0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e,
                                       0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92,
                                       0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78};
    static const uint8_t gfm_out[16] = {0x5e, 0x2e, 0xc7, 0x46, 0x91, 0x70, 0x62, 0x88,
                                        0x2c, 0x85, 0xb0, 0x68, 0x53, 0x53, 0xde, 0xb7};
    uint8_t block[32] = {0}, got[16];
    struct part p;

    (void)state;
    prepare(&p);
    memcpy(block + 16, key, 16);
    set_slot(&p, 9, 0x0000, 0x0018);
    assert_int_equal(part_run(&p, 0x12, 0x82, 9 << 3, block, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x51, 0x40, 9, plain, 16, got), PART_DATA + 16);
    assert_memory_equal(got, cipher, 16);
    assert_int_equal(part_run(&p, 0x51, 0x41, 9, cipher, 16, got), PART_DATA + 16);
    assert_memory_equal(got, plain, 16);
    assert_int_equal(part_run(&p, 0x51, 0x03, 0, gfm_in, 32, got), PART_DATA + 16);
    assert_memory_equal(got, gfm_out, 16);
    assert_int_equal(part_run(&p, 0x51, 0x00, 10, plain, 16, NULL), EXEC);     /* no AES key */
    assert_int_equal(part_run(&p, 0x51, 0x00, 0xFFFF, plain, 16, NULL), EXEC); /* no TempKey */
    p.chip.config[ATECC_AT_AES_ENABLE] = 0;
    assert_int_equal(part_run(&p, 0x51, 0x40, 9, plain, 16, NULL), ATECC_U_AES_OFF_STATUS);
    part_done(&p);
}

/* ---- Permission to use a key ---------------------------------------------------------------- */

static void
test_limited_use(void **state)
{
    uint8_t xy[64], digest[32] = {2}, rs[64], limit[32] = {3, 0, 0, 0, 3, 0, 0, 0};
    struct part p;

    (void)state;
    prepare(&p);
    set_slot(&p, 0, 0x20A7, 0x0033);
    make_key(&p, 0, xy);
    assert_int_equal(part_run(&p, 0x12, 0x82, 10 << 3, limit, 32, NULL), 0);
    p.chip.config[ATECC_AT_COUNT_MATCH] = 0xA1;
    memset(p.chip.config + ATECC_AT_COUNTER, 0, 8);
    atecc_counter_encode(0, p.chip.config + ATECC_AT_COUNTER);
    for (unsigned use = 0; use < 3; use++)
        sign(&p, 0, digest, rs);
    assert_int_equal(part_run(&p, 0x16, 0x43, 0, digest, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x41, 0xA0, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(atecc_counter(&p.chip, 0), 3);
    part_done(&p);
}

static void
test_counter_ends(void **state)
{
    uint8_t value[4];
    struct part p;

    (void)state;
    prepare(&p);
    atecc_counter_encode(ATECC_COUNTER_MAX - 1, p.chip.config + ATECC_AT_COUNTER + 8);
    assert_int_equal(part_run(&p, 0x24, 0x01, 1, NULL, 0, value), PART_DATA + 4);
    assert_int_equal(value[0] | value[1] << 8 | value[2] << 16, ATECC_COUNTER_MAX);
    assert_int_equal(part_run(&p, 0x24, 0x01, 1, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x24, 0x00, 1, NULL, 0, value), PART_DATA + 4);
    part_done(&p);
}

/* A key that wants an authorisation, and the latch that wants one too. */
static void
test_authorisation(void **state)
{
    uint8_t xy[64], digest[32] = {2}, key[32] = {9}, check[77] = {0}, rs[64], latch[4];
    struct atecc_sha256 h;
    struct part p;

    (void)state;
    prepare(&p);
    set_slot(&p, 4, 0x0000, 0x001C);
    make_key(&p, 0, xy);
    set_slot(&p, 0, 0x2087, 0x14B3); /* ReqAuth by slot 4, PersistentDisable */
    p.chip.config[ATECC_AT_VOLATILE_KEY] = 0x84;
    assert_int_equal(part_run(&p, 0x12, 0x82, 4 << 3, key, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x16, 0x43, 0, digest, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x41, 0xA0, 0, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x30, 0x04, 3, NULL, 0, NULL), EXEC);

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, key, 32);
    atecc_sha256_zeros(&h, 32 + 4 + 8 + 3);
    atecc_sha256_u8(&h, p.chip.config[12]);
    atecc_sha256_zeros(&h, 4);
    atecc_sha256_add(&h, p.chip.config, 2);
    atecc_sha256_zeros(&h, 2);
    atecc_sha256_end(&h, check + 32);
    assert_int_equal(part_run(&p, 0x28, 0x00, 4, check, 77, NULL), 0);
    assert_int_equal(part_run(&p, 0x41, 0xA0, 0, NULL, 0, NULL), EXEC); /* the latch is open */
    assert_int_equal(part_run(&p, 0x30, 0x04, 3, NULL, 0, latch), PART_DATA + 4);
    assert_int_equal(latch[0], 1);
    sign(&p, 0, digest, rs);
    assert_int_equal(part_run(&p, 0x30, 0x04, 2, NULL, 0, latch), PART_DATA + 4);
    assert_int_equal(latch[0], 0);
    assert_int_equal(part_run(&p, 0x41, 0xA0, 0, NULL, 0, NULL), EXEC);
    part_done(&p);
}

/* Reading under a session, and only with the right key of it. */
static void
test_encrypted_read(void **state)
{
    uint8_t secret[32], key[32] = {4}, numin[20] = {1}, got[32], session[32];
    struct part p;

    (void)state;
    prepare(&p);
    memset(secret, 0x42, sizeof(secret));
    set_slot(&p, 5, 0x00C6, 0x001C); /* encrypted read with key 6 */
    set_slot(&p, 6, 0x0080, 0x001C);
    set_slot(&p, 7, 0x0000, 0x001C);
    assert_int_equal(part_run(&p, 0x12, 0x82, 5 << 3, secret, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x12, 0x82, 6 << 3, key, 32, NULL), 0);
    p.chip.config[ATECC_AT_LOCK_VALUE] = 0;
    assert_int_equal(part_run(&p, 0x02, 0x82, 5 << 3, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x16, 0x00, 0, numin, 20, got), PART_DATA + 32);
    assert_int_equal(part_run(&p, 0x15, 0x02, 7, NULL, 0, NULL), 0);
    assert_int_equal(part_run(&p, 0x02, 0x82, 5 << 3, NULL, 0, NULL), EXEC);
    assert_int_equal(part_run(&p, 0x16, 0x00, 0, numin, 20, got), PART_DATA + 32);
    assert_int_equal(part_run(&p, 0x15, 0x02, 6, NULL, 0, NULL), 0);
    memcpy(session, p.chip.v.temp_key.value, 32);
    assert_int_equal(part_run(&p, 0x02, 0x02, 5 << 3, NULL, 0, NULL), EXEC); /* four bytes: no */
    assert_int_equal(part_run(&p, 0x02, 0x82, 5 << 3, NULL, 0, got), PART_DATA + 32);
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(got[i] ^ session[i], secret[i]);
    assert_int_equal(part_run(&p, 0x02, 0x82, 5 << 3, NULL, 0, NULL), EXEC); /* once */
    part_done(&p);
}

/* FullCopy with a real signature, then FullStore by digest, then no more until power-up. */
static void
test_secureboot(void **state)
{
    uint8_t xy[64], digest[32] = {0xB0}, data[96];
    struct part p;

    (void)state;
    prepare(&p);
    set_slot(&p, 15, 0x0000, 0x0030);
    set_slot(&p, 7, 0x0000, 0x001C);
    make_key(&p, 0, xy);
    put_public(&p, 15, xy);
    memcpy(data, digest, 32);
    sign(&p, 0, digest, data + 32);
    assert_int_equal(part_run(&p, 0x80, 0x07, 0, data, 96, NULL), EXEC); /* disabled */
    p.chip.config[ATECC_AT_SECURE_BOOT] = 0x0B; /* FullDig, sets the latch */
    p.chip.config[ATECC_AT_SECURE_BOOT + 1] = 0xF7;
    assert_int_equal(part_run(&p, 0x80, 0x06, 0, digest, 32, NULL), 1);
    data[40] ^= 1;
    assert_int_equal(part_run(&p, 0x80, 0x07, 0, data, 96, NULL), 1);
    assert_int_equal(p.chip.latch, 0);
    data[40] ^= 1;
    assert_int_equal(part_run(&p, 0x80, 0x07, 0, data, 96, NULL), 0);
    assert_memory_equal(atecc_slot(&p.chip, 7), digest, 32);
    assert_int_equal(p.chip.latch, 1);
    assert_int_equal(part_run(&p, 0x80, 0x46, 0, digest, 32, NULL), 0);
    assert_int_equal(part_run(&p, 0x80, 0x06, 0, digest, 32, NULL), EXEC);
    p.model->set_power(&p.chip, 0);
    p.model->set_power(&p.chip, 1);
    assert_int_equal(p.chip.latch, 0);
    assert_int_equal(part_run(&p, 0x80, 0x06, 0, digest, 32, NULL), 0);
    part_done(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_verify_mac),
        cmocka_unit_test(test_validated_key),
        cmocka_unit_test(test_ecdh),
        cmocka_unit_test(test_sha),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_aes),
        cmocka_unit_test(test_limited_use),
        cmocka_unit_test(test_counter_ends),
        cmocka_unit_test(test_authorisation),
        cmocka_unit_test(test_encrypted_read),
        cmocka_unit_test(test_secureboot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
