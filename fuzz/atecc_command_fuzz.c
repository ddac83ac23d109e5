/*
 * atecc_command_fuzz.c: a hostile host against the simulated ATECC608.
 *
 * The input is a first byte that picks a part (blank, configured, sealed) and
 * then bus operations: raw writes, well-formed commands (Count and CRC are put
 * right, so that the bytes reach the commands), reads, wake, time, power and
 * faults.  Parts are made once and copied, since key generation costs more than
 * everything else.  Besides memory errors it looks for a private key in an
 * answer, a lock that opened, and a chip that cannot be used again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/model.h"

#define OPERATIONS_MAX 16
#define CURVE_MAX      4 /* commands that cost a curve operation, for speed */
#define PART_COUNT     3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The part's host --------------------------------------------------------------- */

struct desk {
    struct sim_fate fate;
    uint32_t random;
};

static struct sim_fate
on_command(void *self)
{
    struct desk *desk = self;
    struct sim_fate fate = desk->fate;

    desk->fate = (struct sim_fate){SIM_FATE_RUN, 0};
    return fate;
}

static void
on_stored(void *self)
{
    (void)self;
}

static void
on_random(void *self, uint8_t *p, size_t len)
{
    struct desk *desk = self;

    for (size_t i = 0; i < len; i++) {
        desk->random = desk->random * 1664525u + 1013904223u;
        p[i] = (uint8_t)(desk->random >> 24);
    }
}

static struct desk desk;
static const struct sim_host host = {&desk, on_command, on_stored, on_random};

/* ---- Parts --------------------------------------------------------------------------- */

/* A TrustFLEX-like configuration: every kind of slot is in it. */
static const uint8_t config[112] = {
    0xC0, 0x00, 0x00, 0x01, 0x85, 0x00, 0x82, 0x00, 0x85, 0x20, 0x85, 0x20, 0x85, 0x20, 0xC6, 0x46,
    0x8F, 0x0F, 0x9F, 0x8F, 0x0F, 0x0F, 0x8F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F, 0x0F,
    0x0D, 0x1F, 0x0F, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xF7, 0x00, 0x69, 0x76, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x55, 0x55, 0xFF, 0xFF, 0x0E, 0x60, 0x00, 0x00, 0x00, 0x00,
    0x53, 0x00, 0x53, 0x00, 0x73, 0x00, 0x73, 0x00, 0x73, 0x00, 0x38, 0x00, 0x7C, 0x00, 0x1C, 0x00,
    0x3C, 0x00, 0x1A, 0x00, 0x3C, 0x00, 0x30, 0x00, 0x3C, 0x00, 0x30, 0x00, 0x12, 0x00, 0x30, 0x00,
};

static void
make_parts(struct atecc_chip parts[PART_COUNT])
{
    const struct sim_create how = {.personality = "blank608b", .unique = {1, 2, 3, 4, 5, 6}};
    uint8_t xy[64];

    if (atecc608b_model.create(&parts[0], &host, &how, NULL) != RS_OK)
        abort();
    parts[1] = parts[0];
    memcpy(parts[1].config + 16, config, sizeof(config));
    parts[1].config[ATECC_AT_LOCK_CONFIG] = 0;
    for (unsigned slot = 0; slot < 3; slot++) {
        memset(atecc_slot(&parts[1], slot), 0, 4);
        memset(atecc_slot(&parts[1], slot) + 4, 0x51 + (int)slot, 32);
    }
    if (!atecc_p256_public(parts[1].p256, atecc_slot(&parts[1], 0) + 4, xy))
        abort();
    for (unsigned slot = 13; slot < 16; slot++) {
        memcpy(atecc_slot(&parts[1], slot) + 4, xy, 32);
        memcpy(atecc_slot(&parts[1], slot) + 40, xy + 32, 32);
    }
    parts[2] = parts[1];
    parts[2].config[ATECC_AT_LOCK_VALUE] = 0;
}

/* ---- Operations ------------------------------------------------------------------------ */

struct input {
    const uint8_t *p;
    size_t left;
};

static unsigned
take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

/* At most len bytes of the input, in memory of exactly that size behind room bytes; the caller's. */
static uint8_t *
take_bytes(struct input *in, size_t room, size_t tail, size_t *len)
{
    uint8_t *bytes;

    if (*len > in->left)
        *len = in->left;
    bytes = malloc(room + *len + tail + 1);
    if (bytes == NULL)
        abort();
    if (*len > 0)
        memcpy(bytes + room, in->p, *len);
    in->p += *len;
    in->left -= *len;
    return bytes;
}

static const uint8_t opcodes[] = {0x51, 0x28, 0x24, 0x1C, 0x43, 0x15, 0x40, 0x30, 0x56, 0x17, 0x08,
                                  0x16, 0x46, 0x1B, 0x02, 0x80, 0x77, 0x47, 0x41, 0x20, 0x45, 0x12};

static int
costs_a_curve(uint8_t opcode)
{
    return opcode == 0x40 || opcode == 0x41 || opcode == 0x43 || opcode == 0x45 || opcode == 0x80;
}

/* Opcode (by table), p1, p2, length, data: with Count and CRC put right. */
static void
do_command(struct atecc_chip *c, struct input *in, unsigned *curves)
{
    uint8_t opcode = opcodes[take(in) % sizeof(opcodes)];
    uint8_t p1 = (uint8_t)take(in), p2_low = (uint8_t)take(in), p2_high = (uint8_t)take(in);
    size_t len = take(in) % 141;
    uint8_t *packet = take_bytes(in, 6, 2, &len), *exact;
    uint16_t crc;

    packet[0] = 0x03;
    packet[1] = (uint8_t)(len + 7);
    packet[2] = opcode;
    packet[3] = p1;
    packet[4] = p2_low;
    packet[5] = p2_high;
    crc = atecc_crc(packet + 1, len + 5);
    packet[len + 6] = (uint8_t)crc;
    packet[len + 7] = (uint8_t)(crc >> 8);
    exact = malloc(len + 8);
    if (exact == NULL)
        abort();
    memcpy(exact, packet, len + 8);
    if (!costs_a_curve(opcode) || (*curves)++ < CURVE_MAX)
        (void)atecc_i2c_write(c, c->address, exact, len + 8);
    free(exact);
    free(packet);
}

static void
do_raw_write(struct atecc_chip *c, struct input *in)
{
    size_t len = take(in);
    uint8_t *bytes = take_bytes(in, 0, 0, &len), *exact = malloc(len == 0 ? 1 : len);

    if (exact == NULL)
        abort();
    memcpy(exact, bytes, len);
    (void)atecc_i2c_write(c, c->address, exact, len);
    free(exact);
    free(bytes);
}

/* Does an answer hold a private key?  The keys of the parts are one byte repeated. */
static void
check_answer(const uint8_t *p, size_t len, uint8_t key_byte)
{
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = p[i] == key_byte ? run + 1 : 0;
        if (run == 32)
            abort();
    }
}

static void
do_read(struct atecc_chip *c, struct input *in, int from_input)
{
    size_t len = take(in);
    uint8_t *bytes = malloc(len == 0 ? 1 : len);

    if (bytes == NULL)
        abort();
    if (atecc_i2c_read(c, c->address, bytes, len) && !from_input)
        check_answer(bytes, len, 0x51);
    free(bytes);
}

static void
do_operation(struct atecc_chip *c, struct input *in, unsigned *curves)
{
    unsigned what = take(in);

    switch (what % 8) {
    case 0:
        do_raw_write(c, in);
        break;
    case 1:
        do_read(c, in, memchr(in->p, 0x51, in->left) != NULL);
        break;
    case 2:
        atecc_wake(c, take(in));
        atecc_set_time(c, c->run.now_us + 1500);
        break;
    case 3:
        atecc_set_time(c, c->run.now_us + (uint64_t)take(in) * 10000);
        break;
    case 4:
        atecc_set_power(c, take(in) & 1);
        break;
    case 5:
        desk.fate.kind = (enum sim_fate_kind)(take(in) % (SIM_FATE_SLOW + 1));
        desk.fate.arg = (int)take(in) - 1;
        break;
    default:
        do_command(c, in, curves);
    }
}

/* Whatever happened, a part with power wakes up and says what it is; locks never open. */
static void
check_part(struct atecc_chip *c, const struct atecc_chip *before)
{
    static const uint8_t info[] = {0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5D};
    uint8_t answer[7];

    if (atecc_config_locked(before) &&
        (!atecc_config_locked(c) || memcmp(c->config + 16, before->config + 16, 36) != 0))
        abort();
    if (atecc_data_locked(before) &&
        (!atecc_data_locked(c) || memcmp(c->otp, before->otp, sizeof(c->otp)) != 0 ||
         memcmp(c->data, before->data, 36) != 0))
        abort();
    desk.fate = (struct sim_fate){SIM_FATE_RUN, 0};
    atecc_set_power(c, 0);
    atecc_set_power(c, 1);
    atecc_wake(c, 100);
    atecc_set_time(c, c->run.now_us + 20000);
    if (!atecc_i2c_write(c, c->address, info, sizeof(info)) ||
        !atecc_i2c_read(c, c->address, answer, sizeof(answer)) || answer[0] != 7 ||
        answer[3] != 0x60)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct atecc_chip parts[PART_COUNT];
    struct input in = {data, size};
    struct atecc_chip c;
    const struct atecc_chip *before;
    unsigned curves = 0;

    if (parts[0].p256 == NULL)
        make_parts(parts);
    before = &parts[take(&in) % PART_COUNT];
    c = *before;
    desk = (struct desk){.random = 1};
    atecc_wake(&c, 100);
    atecc_set_time(&c, c.run.now_us + 1500);
    for (unsigned i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
        do_operation(&c, &in, &curves);
    check_part(&c, before);
    return 0;
}
