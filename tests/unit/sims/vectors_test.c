/*
 * vectors_test.c: the reference's numbers against the simulated part.
 *
 * Wire strings go in as they stand and must be taken (right Count, right CRC,
 * dispatched); digests are made by real commands on a part whose memory and
 * random numbers are those of the vector.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/bytes.h"
#include "harness.h"
#include "sims/atecc/digest.h"

/* ---- CRC and frames ------------------------------------------------------------ */

static void
check_crc(void *arg, const char *section)
{
    uint8_t in[64], want[2];
    size_t len = vector_get("crc.txt", section, "in", in, sizeof(in));
    uint16_t crc = atecc_crc(in, len);

    (void)vector_get("crc.txt", section, "crc", want, sizeof(want));
    assert_int_equal(want[0], crc & 0xFF);
    assert_int_equal(want[1], crc >> 8);
    ++*(unsigned *)arg;
}

static void
test_crc(void **state)
{
    unsigned count = 0;

    (void)state;
    vector_sections("crc.txt", check_crc, &count);
    assert_int_equal(count, 6);
}

static void
check_frame(void *arg, const char *name, const uint8_t *bytes, size_t len)
{
    struct part *p = arg;

    if (strcmp(name, "self_test_vendor_literal") == 0)
        return; /* not a frame with a right CRC: the vendor's library expects it so */
    atecc_answer_status(&p->chip, bytes[1]);
    assert_int_equal(p->chip.answer_len, len);
    assert_memory_equal(p->chip.answer, bytes, len);
}

static void
test_status_frames(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    vector_each("status.txt", "frames", check_frame, &p);
    part_done(&p);
}

/* ---- Wire ------------------------------------------------------------------------ */

/* Anything but 0xFF and an unknown opcode's 0x03 shows that it was taken and understood. */
static void
check_wire(void *arg, const char *name, const uint8_t *bytes, size_t len)
{
    unsigned *count = arg;
    struct part p;
    uint8_t wrong[256];

    part_init(&p, &atecc608b_model, "blank608b");
    assert_true(part_wake(&p));
    assert_int_equal(bytes[0], 0x03);
    assert_int_equal(bytes[1], len - 1);
    assert_true(part_write(&p, bytes, len));
    assert_true(p.chip.answer_len >= 4);
    if (p.chip.answer_len == 4 && (p.chip.answer[1] == 0xFF || p.chip.answer[1] == 0x03))
        fail_msg("%s was not understood: status %02x", name, p.chip.answer[1]);

    /* One bit less right, and nothing but the CRC error comes back. */
    memcpy(wrong, bytes, len);
    wrong[len - 1] ^= 0x01;
    assert_true(part_write(&p, wrong, len));
    assert_int_equal(p.chip.answer[1], 0xFF);
    part_done(&p);
    ++*count;
}

static void
test_wire_strings(void **state)
{
    unsigned count = 0;

    (void)state;
    vector_each("wire.txt", "commands", check_wire, &count);
    assert_int_equal(count, 34);
}

static void
expect_answer(struct part *p, const char *command, const char *answer)
{
    uint8_t bytes[256], want[256];
    size_t len = vector_get("wire.txt", "commands", command, bytes, sizeof(bytes));
    size_t want_len = vector_get("wire.txt", "answers", answer, want, sizeof(want));

    assert_true(part_write(p, bytes, len));
    assert_int_equal(p->chip.answer_len, want_len);
    assert_memory_equal(p->chip.answer, want, want_len);
}

static void
test_answers(void **state)
{
    struct part p;

    (void)state;
    part_init(&p, &atecc608b_model, "blank608b");
    assert_true(part_wake(&p));
    expect_answer(&p, "info_revision", "info_revision_608b");
    expect_answer(&p, "random", "random_blank");
    expect_answer(&p, "nonce_msgdigbuf", "nonce_msgdigbuf");
    atecc_counter_encode(4, p.chip.config + ATECC_AT_COUNTER + 8);
    p.chip.config[ATECC_AT_LOCK_CONFIG] = 0;
    expect_answer(&p, "counter1_increment", "counter_value_5");
    part_done(&p);
    part_init(&p, &atecc608a_model, "blank608a");
    assert_true(part_wake(&p));
    expect_answer(&p, "info_revision", "info_revision_608a");
    part_done(&p);
}

/* ---- Counters --------------------------------------------------------------------- */

static void
check_counter(void *arg, const char *section)
{
    uint8_t value[4], want[8], field[8];

    (void)arg;
    (void)vector_get("counter.txt", section, "value", value, 4);
    (void)vector_get("counter.txt", section, "eeprom", want, 8);
    atecc_counter_encode(rs_get_u32(value), field);
    assert_memory_equal(field, want, 8);
    assert_int_equal(atecc_counter_decode(field), rs_get_u32(value));
}

static void
test_counters(void **state)
{
    (void)state;
    vector_sections("counter.txt", check_counter, NULL);
}

/* Every value survives the round trip, and a torn increment loses nothing that was counted. */
static void
test_counter_torn(void **state)
{
    (void)state;
    for (uint32_t v = 0; v < 5000; v++) {
        uint8_t old[8], fresh[8];

        atecc_counter_encode(v, old);
        atecc_counter_encode(v + 1, fresh);
        assert_int_equal(atecc_counter_decode(old), v);
        memcpy(old, fresh, 4);
        assert_in_range(atecc_counter_decode(old), v, v + 1);
    }
}

/* ---- Digests ----------------------------------------------------------------------- */

/* A part with the vector's serial number, key in every slot, both zones open for business. */
static void
prepare(struct part *p)
{
    uint8_t serial[9], key[32];

    part_init(p, &atecc608b_model, "blank608b");
    (void)vector_get("hash.txt", "inputs", "serial", serial, 9);
    (void)vector_get("hash.txt", "inputs", "key", key, 32);
    memcpy(p->chip.config, serial, 4);
    memcpy(p->chip.config + 8, serial + 4, 5);
    memset(p->chip.config + ATECC_AT_SLOT_CONFIG, 0, 32);
    for (unsigned slot = 0; slot < 16; slot++) {
        p->chip.config[ATECC_AT_KEY_CONFIG + 2 * slot] = 0x1C;
        memcpy(atecc_slot(&p->chip, slot), key, 32);
    }
    p->chip.config[ATECC_AT_LOCK_CONFIG] = 0;
}

/* The nonce of the vectors: RandOut given, NumIn sent, TempKey checked. */
static void
run_nonce(struct part *p)
{
    uint8_t num_in[20], want[32];

    (void)vector_get("hash.txt", "inputs", "num_in", num_in, 20);
    (void)vector_get("hash.txt", "nonce", "temp_key", want, 32);
    p->holder.random_len = vector_get("hash.txt", "inputs", "rand_out", p->holder.random, 32);
    assert_int_equal(part_run(p, 0x16, 0x00, 0, num_in, 20, NULL), PART_DATA + 32);
    assert_memory_equal(p->chip.v.temp_key.value, want, 32);
    assert_int_equal(p->chip.v.temp_key.valid, 1);
    assert_int_equal(p->chip.v.temp_key.from_input, 0);
}

static void
run_gendig(struct part *p)
{
    uint8_t want[32], other[4] = {0x15, 0x02, 0x06, 0x00};

    run_nonce(p);
    (void)vector_get("hash.txt", "gendig", "temp_key", want, 32);
    assert_int_equal(part_run(p, 0x15, 0x02, 6, other, 4, NULL), 0);
    assert_memory_equal(p->chip.v.temp_key.value, want, 32);
    assert_int_equal(p->chip.v.temp_key.gen_dig, 1);
    assert_int_equal(p->chip.v.temp_key.key_id, 6);
}

static void
test_nonce_and_gendig(void **state)
{
    struct part p;

    (void)state;
    prepare(&p);
    run_gendig(&p);
    part_done(&p);
}

static void
test_write_encrypted(void **state)
{
    uint8_t message[64], plain[32];
    struct part p;

    (void)state;
    prepare(&p);
    p.chip.config[ATECC_AT_SLOT_CONFIG + 2 * 5 + 1] = 0x46; /* write key 6, encrypted */
    p.chip.config[ATECC_AT_LOCK_VALUE] = 0;
    (void)vector_get("hash.txt", "write_encrypted", "ciphertext", message, 32);
    (void)vector_get("hash.txt", "write_encrypted", "mac", message + 32, 32);
    (void)vector_get("hash.txt", "inputs", "data", plain, 32);
    run_gendig(&p);
    message[40] ^= 1;
    assert_int_equal(part_run(&p, 0x12, 0xC2, 0x0028, message, 64, NULL), 0x0F);
    assert_memory_not_equal(atecc_slot(&p.chip, 5), plain, 32);
    message[40] ^= 1;
    run_gendig(&p);
    assert_int_equal(part_run(&p, 0x12, 0xC2, 0x0028, message, 64, NULL), 0);
    assert_memory_equal(atecc_slot(&p.chip, 5), plain, 32);
    part_done(&p);
}

static void
test_privwrite_encrypted(void **state)
{
    uint8_t message[68], plain[36];
    struct part p;

    (void)state;
    prepare(&p);
    p.chip.config[ATECC_AT_SLOT_CONFIG + 2 * 2 + 1] = 0x46;
    p.chip.config[ATECC_AT_KEY_CONFIG + 2 * 2] = 0x33;
    p.chip.config[ATECC_AT_LOCK_VALUE] = 0;
    (void)vector_get("hash.txt", "privwrite_encrypted", "ciphertext", message, 36);
    (void)vector_get("hash.txt", "privwrite_encrypted", "mac", message + 36, 32);
    (void)vector_get("hash.txt", "privwrite_encrypted", "plain", plain, 36);
    assert_int_equal(part_run(&p, 0x46, 0x40, 2, message, 68, NULL), 0x0F);
    run_gendig(&p);
    assert_int_equal(part_run(&p, 0x46, 0x40, 2, message, 68, NULL), 0);
    assert_memory_equal(atecc_slot(&p.chip, 2), plain, 36);
    part_done(&p);
}

static void
test_mac_and_checkmac(void **state)
{
    uint8_t message[77], want[32], got[64];
    struct part p;

    (void)state;
    prepare(&p);
    (void)vector_get("hash.txt", "inputs", "challenge", message, 32);
    (void)vector_get("hash.txt", "mac", "mode_00", want, 32);
    assert_int_equal(part_run(&p, 0x08, 0x00, 4, message, 32, got), PART_DATA + 32);
    assert_memory_equal(got, want, 32);
    (void)vector_get("hash.txt", "mac", "mode_40", want, 32);
    assert_int_equal(part_run(&p, 0x08, 0x40, 4, message, 32, got), PART_DATA + 32);
    assert_memory_equal(got, want, 32);
    (void)vector_get("hash.txt", "checkmac", "response", message + 32, 32);
    (void)vector_get("hash.txt", "checkmac", "other_data", message + 64, 13);
    message[33] ^= 1;
    assert_int_equal(part_run(&p, 0x28, 0x00, 4, message, 77, NULL), 0x01);
    assert_int_equal(p.chip.v.auth_valid, 0);
    message[33] ^= 1;
    assert_int_equal(part_run(&p, 0x28, 0x00, 4, message, 77, NULL), 0x00);
    assert_int_equal(p.chip.v.auth_valid, 1);
    assert_int_equal(p.chip.v.auth_key, 4);
    part_done(&p);
}

static void
test_derivekey(void **state)
{
    uint8_t want[32];
    struct part p;

    (void)state;
    prepare(&p);
    p.chip.config[ATECC_AT_SLOT_CONFIG + 2 * 3 + 1] = 0x20;
    (void)vector_get("hash.txt", "derivekey", "new_key", want, 32);
    run_nonce(&p);
    assert_int_equal(part_run(&p, 0x1C, 0x00, 3, NULL, 0, NULL), 0);
    assert_memory_equal(atecc_slot(&p.chip, 3), want, 32);
    assert_int_equal(p.chip.v.temp_key.valid, 0);
    part_done(&p);
}

/* The public keys of the vectors are no points, so the rows of fields are checked by themselves. */
static void
test_genkey_and_sign_digests(void **state)
{
    const struct atecc_command sign = {.opcode = 0x41, .p1 = 0x00, .p2 = 1};
    uint8_t pub[64], want[32], got[32];
    const uint8_t params[4] = {0x40, 0x08, 0x00, 0x00};
    struct part p;

    (void)state;
    prepare(&p);
    run_nonce(&p);
    (void)vector_get("hash.txt", "inputs", "public_key", pub, 64);
    (void)vector_get("hash.txt", "genkey_digest", "temp_key", want, 32);
    atecc_digest_row(&p.chip, p.chip.v.temp_key.value, params, NULL, pub, 64, got);
    assert_memory_equal(got, want, 32);

    memcpy(p.chip.v.temp_key.value, got, 32);
    p.chip.v.temp_key.gen_key = 1;
    (void)vector_get("hash.txt", "sign_internal", "slot_config",
                     p.chip.config + ATECC_AT_SLOT_CONFIG, 2);
    (void)vector_get("hash.txt", "sign_internal", "key_config", p.chip.config + ATECC_AT_KEY_CONFIG,
                     2);
    (void)vector_get("hash.txt", "sign_internal", "digest", want, 32);
    atecc_digest_sign_internal(&p.chip, &sign, got);
    assert_memory_equal(got, want, 32);
    part_done(&p);
}

/* What the verifier rebuilds from OtherData is what the signer signed. */
static void
test_validate_digest(void **state)
{
    uint8_t other[19], want[32], got[32];
    struct part p;

    (void)state;
    prepare(&p);
    (void)vector_get("hash.txt", "genkey_digest", "temp_key", p.chip.v.temp_key.value, 32);
    (void)vector_get("hash.txt", "sign_internal", "other_data", other, 19);
    (void)vector_get("hash.txt", "sign_internal", "digest", want, 32);
    atecc_digest_validate(&p.chip, other, got);
    assert_memory_equal(got, want, 32);
    part_done(&p);
}

static void
test_io_mask(void **state)
{
    uint8_t key[32], nonce[32], want[32], got[32];

    (void)state;
    (void)vector_get("hash.txt", "inputs", "key", key, 32);
    (void)vector_get("hash.txt", "inputs", "rand_out", nonce, 32);
    (void)vector_get("hash.txt", "io_mask", "mask", want, 32);
    atecc_digest_io_mask(key, nonce, got);
    assert_memory_equal(got, want, 32);
}

/* FullStore compares with a stored digest: no key needed, so the vector runs as a command. */
static void
test_secureboot_full_store(void **state)
{
    uint8_t digest[32], message[32], want[32], got[64];
    struct part p;

    (void)state;
    prepare(&p);
    p.chip.config[ATECC_AT_SECURE_BOOT] = 0x03;
    p.chip.config[ATECC_AT_SECURE_BOOT + 1] = 0xF7;
    p.chip.config[ATECC_AT_CHIP_OPTIONS] = 0x0E;
    p.chip.config[ATECC_AT_CHIP_OPTIONS + 1] = 0x60;
    (void)vector_get("hash.txt", "inputs", "digest", digest, 32);
    (void)vector_get("hash.txt", "secureboot", "encrypted_digest", message, 32);
    (void)vector_get("hash.txt", "secureboot", "full_store_mac", want, 32);
    run_nonce(&p);
    assert_int_equal(part_run(&p, 0x80, 0x86, 0, message, 32, NULL), 0x01);
    memcpy(atecc_slot(&p.chip, 7), digest, 32);
    run_nonce(&p);
    assert_int_equal(part_run(&p, 0x80, 0x86, 0, message, 32, got), PART_DATA + 32);
    assert_memory_equal(got, want, 32);
    part_done(&p);
}

/* The signature of these vectors is none, so the MACs are checked by themselves. */
static void
test_macs_with_signature(void **state)
{
    uint8_t data[128], key[32], digest[32], nonce[32], want[32], got[32];
    struct atecc_command cmd = {.opcode = 0x45, .p1 = 0xA2, .p2 = 4, .data = data};

    (void)state;
    (void)vector_get("hash.txt", "inputs", "signature", data, 64);
    (void)vector_get("hash.txt", "inputs", "key", key, 32);
    (void)vector_get("hash.txt", "inputs", "digest", digest, 32);
    (void)vector_get("hash.txt", "inputs", "challenge", nonce, 32);
    (void)vector_get("hash.txt", "verify_mac", "mac", want, 32);
    atecc_digest_verify_mac(key, digest, nonce, &cmd, got);
    assert_memory_equal(got, want, 32);

    (void)vector_get("hash.txt", "nonce", "temp_key", nonce, 32);
    (void)vector_get("hash.txt", "secureboot", "hashed_key", want, 32);
    atecc_digest_boot_key(key, nonce, got);
    assert_memory_equal(got, want, 32);
    cmd = (struct atecc_command){.opcode = 0x80, .p1 = 0x87};
    atecc_digest_boot_mac(want, digest, data, &cmd, got);
    (void)vector_get("hash.txt", "secureboot", "full_copy_mac", want, 32);
    assert_memory_equal(got, want, 32);
}

/* ---- KDF ----------------------------------------------------------------------------- */

static void
kdf_prepare(struct part *p, uint8_t message[20])
{
    prepare(p);
    p->chip.config[ATECC_AT_CHIP_OPTIONS] = 0x0E;
    p->chip.config[ATECC_AT_AES_ENABLE] = 0x01;
    memset(message, 0, 4);
    (void)vector_get("kdf.txt", "inputs", "key", atecc_slot(&p->chip, 4), 32);
    (void)vector_get("kdf.txt", "inputs", "message", message + 4, 16);
}

static void
run_kdf(struct part *p, unsigned p1, uint8_t message[20], const char *section)
{
    uint8_t want[64], got[100];
    size_t len = vector_get("kdf.txt", section, "out", want, sizeof(want));

    assert_int_equal(part_run(p, 0x56, p1, 4, message, 20, got), PART_DATA + (int)len);
    assert_memory_equal(got, want, len);
}

static void
test_kdf(void **state)
{
    uint8_t message[20];
    struct part p;

    (void)state;
    kdf_prepare(&p, message);
    message[3] = 16;
    message[0] = 0x01; /* key of 32 bytes */
    message[1] = 0x01; /* 64 bytes out */
    run_kdf(&p, 0x12, message, "prf");
    message[0] = 0x02; /* message in the command */
    message[1] = 0x00;
    run_kdf(&p, 0x52, message, "hkdf");
    message[0] = 0x00;
    message[3] = 0x00;
    run_kdf(&p, 0x32, message, "aes");
    p.chip.config[ATECC_AT_CHIP_OPTIONS] = 0x0A;
    assert_int_equal(part_run(&p, 0x56, 0x32, 4, message, 20, NULL), 0x0F);
    part_done(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_status_frames),
        cmocka_unit_test(test_wire_strings),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_counter_torn),
        cmocka_unit_test(test_nonce_and_gendig),
        cmocka_unit_test(test_write_encrypted),
        cmocka_unit_test(test_privwrite_encrypted),
        cmocka_unit_test(test_mac_and_checkmac),
        cmocka_unit_test(test_derivekey),
        cmocka_unit_test(test_genkey_and_sign_digests),
        cmocka_unit_test(test_validate_digest),
        cmocka_unit_test(test_io_mask),
        cmocka_unit_test(test_secureboot_full_store),
        cmocka_unit_test(test_macs_with_signature),
        cmocka_unit_test(test_kdf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
