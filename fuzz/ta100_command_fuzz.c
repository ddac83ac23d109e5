/*
 * ta100_command_fuzz.c: a hostile host against the capability-level TA100.
 *
 * The input is a first byte that picks a part (empty, filled, sealed) and then
 * bus operations: raw writes, well-formed commands (length and CRC are put right,
 * so that the bytes reach the commands), reads, time, power and faults.  Besides
 * memory errors it looks for a key in an answer, a lock that opened, a counter
 * that ran back, and a chip that cannot be used again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "sims/ta100/chip.h"
#include "sims/ta100/model.h"

#define OPERATIONS_MAX 24
#define CURVE_MAX      4 /* commands that cost curve operations, for speed */
#define PART_COUNT     3
#define SECRET         0x51 /* every byte of every key of the parts */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The part's host ---------------------------------------------------------------------- */

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

/* ---- Parts ---------------------------------------------------------------------------------- */

/* One of each kind from 8000 on, in the order of this table. */
static const struct ta100_attributes kinds[] = {
    {0x01, 0x1700, 0, 0, 0, 0x01, 0x00}, {0x01, 0x3700, 0, 0, 0, 0x55, 0x00},
    {0x00, 0x0000, 0, 0, 0, 0x55, 0x04}, {0x42, 0x0600, 0, 0, 0, 0x55, 0x08},
    {0x62, 0x0600, 0, 0, 0, 0x55, 0x08}, {0x03, 0x0020, 0, 0, 0, 0x55, 0x04},
    {0x03, 0x0020, 0, 0, 0, 0x55, 0x08},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static void
make_parts(struct ta100_chip parts[PART_COUNT])
{
    const struct sim_create how = {.personality = "blank-ta100", .unique = {1, 2, 3}};
    struct ta100_nvm *nvm = &parts[1].nvm;

    if (ta100_model.create(&parts[0], &host, &how, NULL) != RS_OK)
        abort();
    parts[1] = parts[0];
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct ta100_element *e = &nvm->elements[i];

        *e = (struct ta100_element){.handle = (uint16_t)(TA100_P_ELEMENT_FIRST + i),
                                    .attributes = kinds[i],
                                    .filled = 1,
                                    .size = (uint16_t)ta100_size_of(&kinds[i]),
                                    .at = nvm->used};
        memset(nvm->memory + e->at, SECRET, e->size);
        nvm->used = (uint16_t)(nvm->used + e->size);
    }
    nvm->count = KIND_COUNT;
    if (!sim_curve_public(SIM_CURVE_P256, nvm->memory, nvm->memory + nvm->elements[2].at))
        abort();
    memset(nvm->memory + nvm->elements[5].at, 0, nvm->elements[5].size);
    parts[2] = parts[1];
    nvm = &parts[2].nvm;
    nvm->config_locked = nvm->setup_locked = 1;
    for (size_t i = 0; i < KIND_COUNT; i++)
        nvm->elements[i].locked = 1;
}

/* ---- Operations ------------------------------------------------------------------------------- */

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

static size_t
take_bytes(struct input *in, uint8_t *to, size_t len)
{
    if (len > in->left)
        len = in->left;
    if (len > 0)
        memcpy(to, in->p, len);
    in->p += len;
    in->left -= len;
    return len;
}

/* In memory of exactly its size, so that a byte too far is seen. */
static void
write_exact(struct ta100_chip *c, const uint8_t *p, size_t len)
{
    uint8_t *exact = malloc(len == 0 ? 1 : len);

    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, p, len);
    (void)ta100_i2c_write(c, c->address, exact, len);
    free(exact);
}

static const uint8_t opcodes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x10, 0x11, 0x12,
                                  0x13, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32};
static const uint16_t handles[] = {0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005,
                                   0x8006, 0x8007, 0x4000, 0x4001, 0x4010, 0x4020};

static int
costs_a_curve(const uint8_t *packet)
{
    return (packet[3] >= TA100_P_GENKEY && packet[3] <= TA100_P_ECDH) || packet[3] == TA100_P_WRITE;
}

/* Opcode and handle by table, mode, length, data: with length and CRC put right. */
static void
do_command(struct ta100_chip *c, struct input *in, unsigned *curves)
{
    uint8_t packet[1100] = {TA100_P_WRITE_COMMAND};
    size_t len;

    packet[3] = opcodes[take(in) % sizeof(opcodes)];
    packet[4] = (uint8_t)take(in);
    rs_set_u16(packet + 5, handles[take(in) % (sizeof(handles) / sizeof(handles[0]))]);
    len = 7 + take_bytes(in, packet + 7, (size_t)take(in) * (packet[4] & 0x80 ? 4 : 1));
    packet[4] &= 0x7F;
    rs_set_u16(packet + 1, (unsigned)(len + 1));
    rs_set_u16(packet + len, ta100_crc(packet + 1, len - 1));
    if (!costs_a_curve(packet) || (*curves)++ < CURVE_MAX)
        write_exact(c, packet, len + 2);
}

static void
do_raw_write(struct ta100_chip *c, struct input *in)
{
    uint8_t bytes[256];
    size_t len = take_bytes(in, bytes, take(in));

    write_exact(c, bytes, len);
}

/* Does an answer hold a key? */
static void
check_answer(const uint8_t *p, size_t len)
{
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = p[i] == SECRET ? run + 1 : 0;
        if (run == 16)
            abort();
    }
}

static void
do_read(struct ta100_chip *c, struct input *in, int may_echo)
{
    static const uint8_t choose = TA100_P_READ_RESPONSE;
    size_t len = (size_t)take(in) * 4;
    uint8_t *bytes = malloc(len == 0 ? 1 : len);

    if (bytes == NULL)
        abort();
    (void)ta100_i2c_write(c, c->address, &choose, 1);
    if (ta100_i2c_read(c, c->address, bytes, len) && !may_echo)
        check_answer(bytes, len);
    free(bytes);
}

static void
do_operation(struct ta100_chip *c, struct input *in, unsigned *curves, int may_echo)
{
    switch (take(in) % 8) {
    case 0:
        do_raw_write(c, in);
        break;
    case 1:
        do_read(c, in, may_echo);
        break;
    case 2:
        ta100_set_time(c, c->run.now_us + (uint64_t)take(in) * 1000);
        break;
    case 3:
        ta100_set_power(c, take(in) & 1);
        break;
    case 4:
        desk.fate.kind = (enum sim_fate_kind)(take(in) % (SIM_FATE_SLOW + 1));
        desk.fate.arg = (int)take(in) - 1;
        break;
    default:
        do_command(c, in, curves);
    }
}

/* What was locked stays locked, and as it was. */
static void
check_locks(const struct ta100_nvm *now, const struct ta100_nvm *before)
{
    if (now->counters[0] < before->counters[0] || now->used > TA100_MEMORY_SIZE ||
        memcmp(now->serial, before->serial, sizeof(now->serial)) != 0)
        abort();
    if (!before->setup_locked)
        return;
    if (!now->setup_locked || !now->config_locked || now->count != before->count ||
        memcmp(now->config, before->config, sizeof(now->config)) != 0 ||
        memcmp(now->memory, before->memory, sizeof(now->memory)) != 0 ||
        memcmp(now->elements, before->elements, sizeof(now->elements)) != 0)
        abort();
}

/* Whatever happened, a part with power says what it is. */
static void
check_part(struct ta100_chip *c, const struct ta100_chip *before)
{
    static const uint8_t info[] = {0x10, 0x00, 0x08, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x89};
    static const uint8_t choose = TA100_P_READ_RESPONSE;
    uint8_t answer[24];

    check_locks(&c->nvm, &before->nvm);
    desk.fate = (struct sim_fate){SIM_FATE_RUN, 0};
    ta100_set_power(c, 0);
    ta100_set_power(c, 1);
    ta100_set_time(c, c->run.now_us + TA100_P_BOOT_US);
    if (!ta100_i2c_write(c, c->address, info, sizeof(info)) ||
        !ta100_i2c_write(c, c->address, &choose, 1) ||
        !ta100_i2c_read(c, c->address, answer, sizeof(answer)) || answer[2] != 0 ||
        memcmp(answer + 3, TA100_P_MARKER, 21) != 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ta100_chip parts[PART_COUNT];
    struct input in = {data, size};
    struct ta100_chip c;
    const struct ta100_chip *before;
    int may_echo = size > 0 && memchr(data, SECRET, size) != NULL;
    unsigned curves = 0;

    if (parts[0].run.host == NULL)
        make_parts(parts);
    before = &parts[take(&in) % PART_COUNT];
    c = *before;
    desk = (struct desk){.random = 1};
    ta100_set_time(&c, TA100_P_BOOT_US);
    for (unsigned i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
        do_operation(&c, &in, &curves, may_echo);
    check_part(&c, before);
    return 0;
}
