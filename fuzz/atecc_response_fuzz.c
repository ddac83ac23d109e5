/*
 * atecc_response_fuzz.c: a hostile ATECC608 under the driver.
 *
 * The part behind the transport keeps its memory, so that the driver gets as
 * far as it can, and lies where the input says so: one byte of it for every
 * command (0: the truth), more bytes for what is answered instead.  CRCs are
 * put right except where the lie is about them.
 *
 * First byte, low two bits:
 *   0, 1  flags and contents of the part, then calls of rot.h until the input ends
 *   2     the packer of certificates: in windows of exactly the size asked for
 *   3     frames and DER certificates, alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "../librot/drivers/atecc/atecc.h"

#define CALLS_MAX   8
#define PAYLOAD_MAX 100
#define NEW_CALLS   250  /* bytes from here on choose among them */
#define COUNTED     0xfd /* flags that mean the layout with counted keys */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct rot_driver rot_driver_atecc;

static void
must(int ok)
{
    if (!ok)
        abort();
}

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

static void
take_into(struct input *in, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)take(in);
}

/* ---- The part ------------------------------------------------------------------------ */

enum lie {
    LIE_NONE = 0,
    LIE_PAYLOAD, /* right length, bytes of the input */
    LIE_LENGTH,  /* any length */
    LIE_STATUS,  /* a bare status */
    LIE_RAW,     /* count and CRC of the input too */
    LIE_CRC,     /* the truth, with a bad CRC */
    LIE_NAK,     /* the command is not acknowledged */
    LIE_BUS,     /* the wire breaks */
    LIE_BUSY,    /* never ready again */
    LIE_NO_WAKE, /* the next wake has another answer */
    LIE_DEAF,    /* nothing acknowledges after this answer */
};

struct part {
    struct input *in;
    uint8_t config[128];
    uint8_t slots[16][512];
    uint8_t answer[256];
    size_t len, pos;
    int busy, broken, bad_wake, deaf;
};

static void
answer_with(struct part *part, const uint8_t *p, size_t len)
{
    uint16_t crc;

    part->answer[0] = (uint8_t)(len + 3);
    memcpy(part->answer + 1, p, len);
    crc = atecc_crc(part->answer, len + 1, 0);
    part->answer[len + 1] = (uint8_t)crc;
    part->answer[len + 2] = (uint8_t)(crc >> 8);
    part->len = len + 3;
    part->pos = 0;
}

/* Where a Read or Write goes; NULL: beyond the memory. */
static uint8_t *
find_memory(struct part *part, uint8_t p1, unsigned address, size_t len)
{
    size_t slot = address >> 3 & 15, at = (size_t)(address >> 8) * 32 + (address & 7) * 4;

    if ((p1 & 3) == 0)
        return (size_t)(address & 31) * 4 + len <= 128 ? part->config + (address & 31) * 4 : NULL;
    return at + len <= sizeof(part->slots[0]) ? part->slots[slot] + at : NULL;
}

static void
do_lock(struct part *part, const uint8_t *command)
{
    unsigned zone = command[2] & 3, slot = command[2] >> 2 & 15;

    if (zone == 0)
        part->config[87] = 0;
    else if (zone == 1)
        part->config[86] = 0;
    else
        part->config[88 + slot / 8] &= (uint8_t)~(1u << (slot % 8));
}

/* What a KDF gives: nothing where it stays inside, a mask's nonce with it where it is masked. */
static size_t
kdf_length(const uint8_t *command)
{
    size_t made = (command[2] & 0x60) == 0 && (command[6] & 1) != 0 ? 64 : 32;

    if ((command[2] & 0x10) == 0)
        return 1;
    return (command[2] & 4) != 0 ? made + 32 : made;
}

/* The truth: how a friendly part would answer.  Returns the length of the payload. */
static size_t
run_command(struct part *part, const uint8_t *command, uint8_t payload[PAYLOAD_MAX])
{
    unsigned address = command[3] | (unsigned)command[4] << 8;
    size_t len = (command[2] & 0x80) != 0 ? 32 : 4;
    uint8_t *memory;

    payload[0] = 0;
    for (size_t i = 1; i < PAYLOAD_MAX; i++)
        payload[i] = (uint8_t)(i % 32 + 1);
    switch (command[1]) {
    case ATECC_OP_READ:
        memory = find_memory(part, command[2], address, len);
        if (memory != NULL)
            memcpy(payload, memory, len);
        return len;
    case ATECC_OP_WRITE:
        memory = find_memory(part, command[2], address, len);
        if (memory != NULL && command[0] >= len + 7)
            memcpy(memory, command + 5, len);
        return 1;
    case ATECC_OP_NONCE:
        return (command[2] & 3) == 3 ? 1 : 32;
    case ATECC_OP_KDF:
        return kdf_length(command);
    case ATECC_OP_AES:
        return 16;
    case ATECC_OP_SHA:
        return (command[2] & 7) == 2 ? 32 : 1;
    case ATECC_OP_VERIFY:
    case ATECC_OP_SECUREBOOT:
        return (command[2] & 0x80) != 0 ? 32 : 1;
    case ATECC_OP_UPDATE_EXTRA:
        part->config[84 + (command[2] & 1)] = command[3];
        return 1;
    case ATECC_OP_LOCK:
        do_lock(part, command);
        return 1;
    case ATECC_OP_INFO:
        memcpy(payload, command[2] == 0 ? "\0\0\x60\x03" : "\1\0\0\0", 4);
        return 4;
    case ATECC_OP_COUNTER:
        memset(payload, 0, 4);
        return 4;
    case ATECC_OP_RANDOM:
    case ATECC_OP_MAC:
        return 32;
    case ATECC_OP_ECDH:
        return command[2] == 8 ? 1 : (command[2] == 0x0e ? 64 : 32);
    case ATECC_OP_GENKEY:
    case ATECC_OP_SIGN:
        payload[0] = 1;
        return 64;
    default:
        return 1;
    }
}

static void
put_answer(struct part *part, enum lie lie, const uint8_t payload[PAYLOAD_MAX], size_t len)
{
    uint8_t bytes[152];
    size_t n = len;

    answer_with(part, payload, len);
    if (lie == LIE_PAYLOAD || lie == LIE_LENGTH) {
        if (lie == LIE_LENGTH)
            n = take(part->in) % sizeof(bytes);
        take_into(part->in, bytes, n);
        answer_with(part, bytes, n);
    } else if (lie == LIE_STATUS) {
        take_into(part->in, bytes, 1);
        answer_with(part, bytes, 1);
    } else if (lie == LIE_RAW) {
        part->len = take(part->in);
        take_into(part->in, part->answer, part->len);
    } else if (lie == LIE_CRC) {
        part->answer[part->len - 1] ^= 1;
    }
}

static rot_err
take_command(struct part *part, const uint8_t *command, size_t len)
{
    enum lie lie = (enum lie)(take(part->in) % (LIE_DEAF + 1));
    uint8_t payload[PAYLOAD_MAX];
    size_t n;

    must(len >= 7 && command[0] == len);
    if (lie == LIE_NAK)
        return ROT_BUSY;
    n = run_command(part, command, payload);
    put_answer(part, lie, payload, n);
    part->busy = lie == LIE_BUSY;
    part->broken = lie == LIE_BUS;
    part->bad_wake = lie == LIE_NO_WAKE;
    part->deaf = lie == LIE_DEAF;
    return ROT_OK;
}

static rot_err
on_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct part *part = self;

    if (part->broken || address == 0 || len == 0)
        return ROT_E_BUS;
    if (part->busy)
        return ROT_BUSY;
    if (tx[0] == 3)
        return take_command(part, tx + 1, len - 1);
    part->pos = 0;
    return ROT_OK;
}

static rot_err
on_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct part *part = self;

    (void)address;
    if (part->broken)
        return ROT_E_BUS;
    if (part->busy)
        return ROT_BUSY;
    for (size_t i = 0; i < len; i++)
        rx[i] = part->pos < part->len ? part->answer[part->pos++] : 0xff;
    return ROT_OK;
}

static rot_err
on_wake(void *self, uint32_t low_us)
{
    struct part *part = self;
    uint8_t token = 0x11;

    (void)low_us;
    if (part->broken || part->deaf)
        return part->broken ? ROT_E_BUS : ROT_OK;
    if (part->bad_wake)
        token = (uint8_t)take(part->in);
    part->bad_wake = 0;
    part->busy = 0;
    answer_with(part, &token, 1);
    return ROT_OK;
}

static void
on_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static const struct rot_line_ops line_ops = {.delay_us = on_delay};
static const struct rot_i2c_ops i2c_ops = {.write = on_write, .read = on_read, .wake = on_wake};
/* Without a wake line the driver writes to address 0, which nobody answers. */
static const struct rot_i2c_ops bare_ops = {.write = on_write, .read = on_read};

/* ---- What is in it ------------------------------------------------------------------- */

/* Length and CRC as the driver frames them, over what follows. */
static void
frame(uint8_t *p, size_t len, uint16_t start)
{
    uint16_t crc = atecc_crc(p + 4, len, start);

    p[0] = (uint8_t)(len >> 8);
    p[1] = (uint8_t)len;
    p[2] = (uint8_t)(crc >> 8);
    p[3] = (uint8_t)crc;
}

static void
fill_part(struct part *part, unsigned flags)
{
    const struct rot_layout *layout = atecc_layouts[flags == COUNTED];
    uint8_t *form = part->slots[10];
    size_t len;

    memcpy(part->config + 16, layout->config, 112);
    part->config[16] = 0x6a;
    part->config[86] = (flags & 4) != 0 ? 0 : 0x55;
    part->config[87] = (flags & 8) != 0 ? 0 : 0x55;
    if ((flags & 16) != 0)
        part->config[20 + take(part->in) % 100] = (uint8_t)take(part->in);
    memset(form, 0x11, 64);
    if ((flags & 32) != 0)
        take_into(part->in, form, 72);
    if ((flags & 64) != 0) {
        len = take(part->in) % 2 * 256 + take(part->in);
        len = len > 348 ? 348 : len;
        take_into(part->in, part->slots[8] + 4, len);
        frame(part->slots[8], len, atecc_crc(form, 72, 0xffff));
    }
    if ((flags & 128) != 0) {
        len = take(part->in) % 64;
        take_into(part->in, part->slots[8] + 356, len);
        frame(part->slots[8] + 352, len, 0xffff);
        take_into(part->in, part->slots[13] + 4, 32);
        take_into(part->in, part->slots[13] + 40, 32);
    }
}

/* ---- Calls --------------------------------------------------------------------------- */

static const struct {
    rot_object object;
    enum rot_part part;
} stored[] = {
    {ROT_IDEVID, ROT_PART_CERT},
    {ROT_DATA(0), ROT_PART_DATA},
    {ROT_TRUST(0), ROT_PART_DATA},
    {ROT_FIRMWARE(0), ROT_PART_DATA},
};
static const rot_object key_objects[] = {ROT_IDEVID, ROT_LDEVID(0), ROT_LDEVID(1), ROT_TRUST(0)};

/* Memory of exactly this size, so that a byte too far is seen; the caller's. */
static uint8_t *
exact(size_t len)
{
    uint8_t *p = malloc(len == 0 ? 1 : len);

    must(p != NULL);
    memset(p, 0, len);
    return p;
}

static void
read_object(struct rot_chip *chip, struct input *in)
{
    unsigned which = take(in) % 4, offset = take(in);
    size_t cap = take(in) * 8, len = 0, size = 0;
    uint8_t *buf = exact(cap);

    if (rot_object_size(chip, stored[which].object, stored[which].part, &size) == ROT_OK)
        must(size <= ATECC_WINDOW + 160);
    if (rot_object_read(chip, stored[which].object, stored[which].part, offset, buf, cap, &len) ==
        ROT_OK)
        must(len <= cap);
    free(buf);
}

static void
write_object(struct rot_chip *chip, struct input *in)
{
    unsigned which = take(in) % 4;
    size_t len = (take(in) % 8) * 256, need = 0, got = 0;
    uint8_t *bytes, *back;

    len += take(in);
    len = len > in->left ? in->left : len;
    bytes = exact(len);
    back = exact(len + 1);
    take_into(in, bytes, len);
    /* What was written and compared is read again, unless the part has changed it since. */
    if (len > 0 &&
        rot_object_write(chip, stored[which].object, stored[which].part, 0, bytes, len, len,
                         &need) == ROT_OK &&
        in->left == 0)
        must(rot_object_read(chip, stored[which].object, stored[which].part, 0, back, len + 1,
                             &got) == ROT_OK &&
             got == len && memcmp(back, bytes, len) == 0);
    free(back);
    free(bytes);
}

static void
use_key(struct rot_chip *chip, struct input *in)
{
    static const uint8_t digest[32] = {1};
    rot_object object = key_objects[take(in) % 4];
    size_t cap = take(in), len = 0;
    uint8_t *out = exact(cap), peer[91], secret[32];
    unsigned what = take(in) % 6;
    rot_err rc = ROT_OK;

    if (what == 0)
        rc = rot_key_generate(chip, object, ROT_ALG_P256, out, cap, &len);
    else if (what == 1)
        rc = rot_key_public(chip, object, out, cap, &len);
    else
        rc = rot_sign_digest(chip, object, digest, sizeof(digest), out, cap, &len);
    must(rc != ROT_OK || len <= cap);
    if (what == 3 && rc == ROT_OK)
        (void)!rot_verify_digest(chip, object, NULL, 0, digest, sizeof(digest), out, len);
    free(out);
    if (what < 4)
        return;
    take_into(in, secret, sizeof(secret));
    memcpy(peer, secret, 32);
    if (rot_spki_from_point(ROT_ALG_P256, (const uint8_t[64]){1, 2, 3}, peer, sizeof(peer), &len) !=
        ROT_OK)
        abort();
    if (what == 4)
        (void)!rot_agree(chip, object, peer, len, 0, secret, sizeof(secret), &cap);
    else
        (void)!rot_verify_digest(chip, 0, peer, len, digest, sizeof(digest),
                                 (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8);
}

static void
seal_it(struct rot_chip *chip, struct input *in)
{
    enum rot_stage stage = (enum rot_stage)(take(in) % 4);
    rot_object object = stage == ROT_STAGE_OBJECT ? ROT_LDEVID(0) : 0;
    enum rot_seal_state state = ROT_SEAL_OPEN;

    (void)!rot_seal_prepare(chip, stage, object);
    if (take(in) % 2 == 0)
        (void)!rot_seal(chip, stage, object);
    if (rot_seal_state(chip, stage, object, &state) == ROT_OK)
        must(state >= ROT_SEAL_OPEN && state <= ROT_SEAL_FOREIGN);
}

/* ---- Secrets ------------------------------------------------------------------------- */

/* A hash that is what the part answers with when it is asked for a MAC: both have the key. */
static rot_err
cheap_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t count, uint8_t *out)
{
    volatile uint8_t sum = 0;

    (void)self;
    (void)alg;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < parts[i].len; k++)
            sum = (uint8_t)(sum + parts[i].p[k]);
    }
    for (size_t i = 0; i < 32; i++)
        out[i] = i == 0 ? 0 : (uint8_t)(i + 1);
    return ROT_OK;
}

static rot_err
cheap_random(void *self, uint8_t *buf, size_t len)
{
    (void)self;
    memset(buf, 0x24, len);
    return ROT_OK;
}

static rot_err
cheap_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    (void)driver;
    must(uid.len == 9);
    return cheap_random(self, secret, len);
}

static const struct rot_port_ops cheap_ops = {.random = cheap_random, .hash = cheap_hash};
static const struct rot_port_ops paired_ops = {
    .random = cheap_random, .hash = cheap_hash, .channel_secret = cheap_secret};

static void
use_secret(struct rot_chip *chip, struct input *in)
{
    rot_object from = ROT_SESSION(take(in) % 3), into = ROT_SESSION(take(in) % 3);
    size_t len = take(in), cap = take(in), n = 0;
    uint8_t *msg = exact(len), *out = exact(cap), peer[91];
    struct rot_kdf_params p = {.kdf = (enum rot_kdf)(1 + take(in) % 4),
                               .info = {msg, len},
                               .out_len = 16u + 16 * (take(in) % 4)};

    must(rot_spki_from_point(ROT_ALG_P256, (const uint8_t[64]){1}, peer, sizeof(peer), &n) ==
         ROT_OK);
    (void)!rot_agree(chip, ROT_LDEVID(0), peer, n, into, NULL, 0, NULL);
    if (p.kdf == ROT_KDF_HKDF_SHA256)
        p.salt = (struct rot_bytes){msg, len < 32 ? len : 32};
    if (take(in) % 2 == 0)
        (void)!rot_derive(chip, from, &p, into, NULL, 0, NULL);
    else if (rot_derive(chip, from, &p, 0, out, cap, &n) == ROT_OK)
        must(n == p.out_len);
    if (rot_mac(chip, from, msg, len, out, cap, &n) == ROT_OK)
        must(n <= cap);
    if (take(in) % 2 == 0)
        (void)!rot_key_import(chip, from, ROT_ALG_AES128, msg, len);
    free(out);
    free(msg);
}

static void
use_box(struct rot_chip *chip, struct input *in)
{
    enum rot_aead alg = take(in) % 2 == 0 ? ROT_AEAD_AES_GCM : ROT_AEAD_AES_CCM;
    size_t len = take(in) % 80, extra = take(in) % 80, n = 0;
    uint8_t *msg = exact(len), *aad = exact(extra), *out = exact(len + 16), nonce[13] = {0};
    const struct rot_bytes iv = {nonce, alg == ROT_AEAD_AES_GCM ? 12 : 13};
    rot_object session = ROT_SESSION(1 + take(in) % 2);

    if (rot_aead_seal(chip, session, alg, iv, (struct rot_bytes){aad, extra},
                      (struct rot_bytes){msg, len}, out, len + 16, &n) == ROT_OK)
        must(n == len + 16);
    if (rot_aead_open(chip, session, alg, iv, (struct rot_bytes){aad, extra},
                      (struct rot_bytes){out, len + 16}, msg, len, &n) == ROT_OK)
        must(n == len);
    free(out);
    free(aad);
    free(msg);
}

static void
pair_and_attest(struct rot_chip *chip, struct input *in)
{
    static const uint8_t digest[32] = {1};
    struct rot_evidence e = {.cap = take(in) * 2u};
    uint8_t secret[32], *bytes = exact(28), *back = exact(28);
    rot_object data = ROT_DATA(1 + take(in) % 2);
    size_t len = data == ROT_DATA(1) ? 28 : 4, n = 0;

    memset(secret, (int)take(in), sizeof(secret));
    (void)!rot_channel_rotate(chip, secret, sizeof(secret));
    e.buf = exact(e.cap);
    if (rot_attest(chip, ROT_IDEVID, secret, &e) == ROT_OK)
        must(e.len <= e.cap);
    (void)!rot_object_write(chip, data, ROT_PART_DATA, 0, bytes, len, len, &n);
    if (rot_object_read(chip, data, ROT_PART_DATA, 0, back, 28, &n) == ROT_OK)
        must(n <= 28);
    (void)!rot_verify_digest(chip, ROT_FIRMWARE(0), NULL, 0, digest, sizeof(digest),
                             (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8);
    (void)!rot_channel_has(chip, secret, sizeof(secret));
    free(e.buf);
    free(back);
    free(bytes);
}

static void
look_around(struct rot_chip *chip, struct input *in)
{
    static const rot_object objects[] = {ROT_IDEVID,      ROT_LDEVID(0),  ROT_TRUST(0),
                                         ROT_FIRMWARE(0), ROT_SESSION(0), ROT_DATA(0),
                                         ROT_COUNTER(0)};
    struct rot_capability cap;
    struct rot_identity id;
    uint64_t value = 0;
    size_t len = take(in) % 100, uid_len = 0;
    uint8_t *random = exact(len), uid[ROT_UID_MAX];
    rot_object counter = ROT_COUNTER(take(in) % 2);

    if (rot_identify(chip, &id) == ROT_OK)
        must(memchr(id.model, 0, sizeof(id.model)) != NULL && id.uid_len <= sizeof(id.uid));
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        must(rot_capabilities(chip, objects[i], &cap) == ROT_OK);
    (void)!rot_random(chip, random, len);
    free(random);
    if (rot_counter_read(chip, counter, &value) == ROT_OK)
        must(value <= 2097151);
    if (rot_counter_increment(chip, counter, &value) == ROT_OK)
        must(value <= 2097151);
    (void)!rot_self_test(chip);
    (void)!rot_reset(chip);
    if (rot_uid(chip, uid, &uid_len) == ROT_OK)
        must(uid_len == 9);
}

static void
try_driver(struct input *in, unsigned flags)
{
    static const struct rot_port alone = {NULL, &cheap_ops}, paired = {NULL, &paired_ops};
    struct part part = {.in = in};
    struct rot_transport transport = {.self = &part, .line = &line_ops, .address = 0x35};
    struct rot_setup setup = {.driver = &rot_driver_atecc, .transport = &transport};
    struct rot_chip chip;

    fill_part(&part, flags);
    transport.i2c = (flags & 1) != 0 && take(in) == 7 ? &bare_ops : &i2c_ops;
    if ((flags & 1) != 0)
        transport.address = 0;
    setup.port = flags >= COUNTED - 1 ? &paired : &alone;
    setup.layout = atecc_layouts[flags == COUNTED];
    setup.state_size = rot_driver_atecc.state_size;
    setup.state = exact(setup.state_size);
    if (rot_open(&chip, &setup) == ROT_OK) {
        static void (*const calls[])(struct rot_chip *, struct input *) = {
            read_object, write_object, use_key, seal_it, look_around};
        static void (*const more[])(struct rot_chip *, struct input *) = {use_secret, use_box,
                                                                          pair_and_attest};
        for (int i = 0; i < CALLS_MAX && in->left > 0; i++) {
            unsigned which = take(in);
            (which < NEW_CALLS ? calls[which % 5] : more[which % 3])(&chip, in);
        }
        rot_close(&chip);
    }
    free(setup.state);
}

/* ---- Pure functions ------------------------------------------------------------------ */

static void
try_packer(struct input *in)
{
    size_t start = take(in) + 1, cap = start + take(in), end = 0, n = 0, len = in->left;
    uint8_t *window = exact(cap), *again = exact(cap), *packed = exact(ATECC_WINDOW * 2),
            *bytes = exact(len);

    take_into(in, bytes, len);
    if (atecc_unpack(bytes, len, window, start, cap, &end) == ROT_OK) {
        must(end >= start && end <= cap);
        must(atecc_pack(window, start, end, packed, ATECC_WINDOW * 2, &n) == ROT_OK);
        must(atecc_unpack(packed, n, again, start, cap, &cap) == ROT_OK);
        must(cap == end && memcmp(window, again, end) == 0);
    }
    free(bytes);
    free(packed);
    free(again);
    free(window);
}

static void
try_frames(struct input *in)
{
    size_t len = in->left, tbs = 0, back = 0;
    uint8_t *bytes = exact(len), *der = exact(len), sig[64];

    take_into(in, bytes, len);
    if (atecc_check_response(bytes, len) == ROT_OK)
        must(len >= 4 && bytes[0] == len);
    if (atecc_cert_split(bytes, len, &tbs, sig) == ROT_OK) {
        size_t at = bytes[1] < 0x80 ? 2u : bytes[1] - 0x80u + 2u;
        must(at + tbs <= len);
        must(atecc_cert_join(bytes + at, tbs, sig, der, len, &back) == ROT_OK);
        must(back == len && memcmp(der, bytes, len) == 0);
    }
    free(der);
    free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned first = take(&in);

    if (size < 2 || size > 4096)
        return 0;
    if ((first & 3) < 2)
        try_driver(&in, first);
    else if ((first & 3) == 2)
        try_packer(&in);
    else
        try_frames(&in);
    return 0;
}
