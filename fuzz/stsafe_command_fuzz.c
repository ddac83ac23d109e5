/*
 * stsafe_command_fuzz.c: a hostile host against the simulated STSAFE-A.
 *
 * The input is a first byte that picks a part (A110, A120, sealed A120) and then
 * bus operations: raw writes, well-formed commands (the CRC is put right, and
 * where asked the C-MAC and the encryption, so that the bytes reach the
 * commands), reads, time, power and faults.  Parts are made once and copied.
 * Besides memory errors it looks for a key in an answer, a right that came back,
 * a counter that ran back, and a chip that cannot be used again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sims/common/ca.h"
#include "sims/stsafe/chip.h"
#include "sims/stsafe/model.h"

#define OPERATIONS_MAX 16
#define CURVE_MAX      3 /* commands that cost curve operations, for speed */
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

static void
make_part(struct stsafe_chip *c, struct sim_ca *ca, const struct sim_model *model,
          const char *personality)
{
    const struct sim_create how = {.personality = personality, .ca = ca, .unique = {1, 2, 3}};
    struct stsafe_nvm *nvm = &c->nvm;

    if (model->create(c, &host, &how, NULL) != RS_OK)
        abort();
    memset(nvm->private_keys[0].key, SECRET, 32);
    nvm->private_keys[1] = (struct stsafe_private){.curve = SIM_CURVE_P256, .uses = 2};
    memset(nvm->private_keys[1].key, SECRET, 32);
    nvm->envelope[0].len = 16;
    memset(nvm->envelope[0].key, SECRET, 16);
    nvm->host = (struct stsafe_host_key){.len = 16, .counter = 5};
    memset(nvm->host.mac, SECRET, 16);
    memset(nvm->host.cipher, SECRET, 16);
    nvm->zones[2].access = 0x17; /* read by the host, written by nobody any more */
    for (unsigned mode = 0; c->spec->kind == STSAFE_A120 && mode <= STSAFE_MODE_HMAC; mode++) {
        nvm->symmetric[mode] = (struct stsafe_symmetric){
            .present = 1,
            .type = mode < STSAFE_MODE_HKDF ? STSAFE_TYPE_AES128 : STSAFE_TYPE_GENERIC,
            .mode = (uint8_t)mode,
            .usage = 0x7F,
            .limit = mode == STSAFE_MODE_HKDF ? 1 : 16,
            .len = 16};
        memset(nvm->symmetric[mode].key, SECRET, 16);
    }
}

static void
make_parts(struct stsafe_chip parts[PART_COUNT])
{
    struct sim_ca *ca;

    if (sim_ca_open(NULL, "st", &ca, NULL) != RS_OK)
        abort();
    make_part(&parts[0], ca, &stsafe_a110_model, "blank-a110");
    make_part(&parts[1], ca, &stsafe_a120_model, "blank-a120");
    parts[2] = parts[1];
    parts[2].nvm.life_cycle = 0x83;
    parts[2].nvm.host_control.flags = 0;
    sim_ca_free(ca);
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
write_exact(struct stsafe_chip *c, const uint8_t *p, size_t len)
{
    uint8_t *exact = malloc(len == 0 ? 1 : len);

    if (exact == NULL)
        abort();
    if (len > 0)
        memcpy(exact, p, len);
    (void)stsafe_i2c_write(c, c->address, exact, len);
    free(exact);
}

static const uint8_t codes[] = {0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x09, 0x0A, 0x0C,
                                0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x14, 0x16, 0x17, 0x18,
                                0x19, 0x1A, 0x1B, 0x1C, 0x1F, 0x1F, 0x1F, 0x1F};

static int
costs_a_curve(const uint8_t *command)
{
    switch (command[0] & 0x1F) {
    case 0x11:
    case 0x16:
    case 0x17:
    case 0x18:
        return 1;
    case 0x1F:
        return command[1] == 0x03 || command[1] == 0x04 || command[1] == 0x0A ||
               command[1] == 0x0B || command[1] == 0x0F || command[1] == 0x18 || command[1] == 0x1A;
    default:
        return 0;
    }
}

static size_t
put_counter(const struct stsafe_chip *c, uint32_t counter, uint8_t *p)
{
    size_t size = c->spec->host_counter_size;

    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)(counter >> (8 * (size - 1 - i)));
    return size;
}

/* Encrypt what stands behind the headers, as a host would. */
static size_t
encrypt(const struct stsafe_chip *c, uint8_t *p, size_t len)
{
    const struct stsafe_host_key *k = &c->nvm.host;
    uint8_t block[16] = {0}, iv[16];
    size_t padded = (len / 16 + 1) * 16, at = put_counter(c, k->counter + 1, block);

    block[at] = block[at + 1] = 0x80;
    memset(p + len, 0, padded - len);
    p[len] = 0x80;
    if (!sim_aes_ecb((struct sim_aes){k->cipher, k->len}, 1, RS_BYTES(block), iv) ||
        !sim_aes_cbc((struct sim_aes){k->cipher, k->len}, 1, iv, rs_bytes_of(p, padded), p))
        abort();
    return padded;
}

/* The C-MAC behind head bytes of headers and len of payload. */
static void
put_mac(const struct stsafe_chip *c, uint8_t *command, size_t head, size_t len)
{
    uint8_t m[1024] = {0}, mac[16];

    m[put_counter(c, c->nvm.host.counter, m) + 1] = 0x80;
    memcpy(m + 17, command, head);
    rs_set_u16(m + 17 + head, (unsigned)len);
    memcpy(m + 19 + head, command + head, len);
    if (!sim_aes_cmac((struct sim_aes){c->nvm.host.mac, c->nvm.host.len},
                      rs_bytes_of(m, 19 + head + len), mac))
        abort();
    memcpy(command + head + len, mac, 4);
}

/* Code (by table), protection, length, payload: with C-MAC and CRC put right. */
static void
do_command(struct stsafe_chip *c, struct input *in, unsigned *curves)
{
    uint8_t command[1024];
    unsigned how = take(in);
    size_t head = 1, len;

    command[0] = codes[take(in) % sizeof(codes)];
    if (command[0] == 0x1F)
        command[head++] = (uint8_t)(take(in) % 0x1C);
    len = take_bytes(in, command + head, take(in) + (how & 4 ? 256u : 0u));
    if (how & 1 && c->nvm.host.len > 0) {
        command[0] |= how & 8 ? 0xA0 : 0xE0;
        if (how & 2)
            len = encrypt(c, command + head, len);
        put_mac(c, command, head, len);
        len += 4;
    }
    len += head;
    rs_set_u16(command + len, stsafe_crc(0, command, len));
    if (!costs_a_curve(command) || (*curves)++ < CURVE_MAX)
        write_exact(c, command, len + 2);
}

static void
do_raw_write(struct stsafe_chip *c, struct input *in)
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
do_read(struct stsafe_chip *c, struct input *in, int may_echo)
{
    size_t len = (size_t)take(in) * 4;
    uint8_t *bytes = malloc(len == 0 ? 1 : len);

    if (bytes == NULL)
        abort();
    if (stsafe_i2c_read(c, c->address, bytes, len) && !may_echo)
        check_answer(bytes, len);
    free(bytes);
}

static void
do_operation(struct stsafe_chip *c, struct input *in, unsigned *curves, int may_echo)
{
    switch (take(in) % 8) {
    case 0:
        do_raw_write(c, in);
        break;
    case 1:
        do_read(c, in, may_echo);
        break;
    case 2:
        stsafe_wake(c, take(in));
        break;
    case 3:
        stsafe_set_time(c, c->run.now_us + (uint64_t)take(in) * 1000);
        break;
    case 4:
        stsafe_set_power(c, take(in) & 1);
        break;
    case 5:
        desk.fate.kind = (enum sim_fate_kind)(take(in) % (SIM_FATE_SLOW + 1));
        desk.fate.arg = (int)take(in) - 1;
        break;
    default:
        do_command(c, in, curves);
    }
}

/* What was closed stays closed. */
static void
check_rights(const struct stsafe_nvm *now, const struct stsafe_nvm *before)
{
    const struct stsafe_zone *z = before->zones;

    if (memcmp(now->memory, before->memory, z[0].size) != 0 ||
        memcmp(now->memory + z[2].at, before->memory + z[2].at, z[2].size) != 0 ||
        now->zones[0].access != z[0].access || now->zones[2].access != z[2].access)
        abort();
    if (now->zones[5].counter > z[5].counter || now->life_cycle < before->life_cycle)
        abort();
    if (memcmp(now->private_keys[0].key, before->private_keys[0].key, 32) != 0)
        abort();
    if (memcmp(now->host.mac, before->host.mac, sizeof(now->host.mac)) == 0 &&
        now->host.counter < before->host.counter)
        abort();
    if (before->life_cycle == 0x83 &&
        (now->life_cycle != 0x83 || now->host_control.flags != 0 ||
         memcmp(now->host.mac, before->host.mac, sizeof(now->host.mac)) != 0))
        abort();
}

/* Whatever happened, a part with power says what it is. */
static void
check_part(struct stsafe_chip *c, const struct stsafe_chip *before)
{
    static const uint8_t query[] = {0x14, 0x08, 0x71, 0xFE};
    uint8_t answer[6];

    check_rights(&c->nvm, &before->nvm);
    desk.fate = (struct sim_fate){SIM_FATE_RUN, 0};
    stsafe_set_power(c, 0);
    stsafe_set_power(c, 1);
    stsafe_set_time(c, c->run.now_us + 10000);
    if (!stsafe_i2c_write(c, c->address, query, sizeof(query)) ||
        !stsafe_i2c_read(c, c->address, answer, sizeof(answer)) || answer[0] != 0 ||
        answer[3] != c->nvm.life_cycle)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stsafe_chip parts[PART_COUNT];
    struct input in = {data, size};
    struct stsafe_chip c;
    const struct stsafe_chip *before;
    int may_echo = size > 0 && memchr(data, SECRET, size) != NULL;
    unsigned curves = 0;

    if (parts[0].spec == NULL)
        make_parts(parts);
    before = &parts[take(&in) % PART_COUNT];
    c = *before;
    desk = (struct desk){.random = 1};
    stsafe_set_time(&c, 10000);
    for (unsigned i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
        do_operation(&c, &in, &curves, may_echo);
    check_part(&c, before);
    stsafe_volatile_clear(&c);
    return 0;
}
