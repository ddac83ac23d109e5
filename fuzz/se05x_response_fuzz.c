/*
 * se05x_response_fuzz.c: a hostile SE05x under the driver.
 *
 * The part is the one of the unit tests, which keeps objects and has the channel's keys,
 * as a real one would: so it may lie and be believed.  The input says, a byte for every
 * command and one for every block, what is answered instead of the truth.  Crypto is left
 * out on both sides; the unit tests are about that.
 *
 * First byte, low two bits:
 *   0, 1  an applet of today or of the first generation, what is in the part, then calls of rot.h
 *         until the input ends
 *   2     TLVs, attributes and answers of the channel, alone
 *   3     bytes of a bus, under T=1
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "../librot/drivers/se05x/se05x.h"
#include "../tests/unit/librot_se05x/fake_se05x.h"

#define CALLS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct rot_driver rot_driver_se05x;

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

/* Memory of exactly that size, so that one byte too far is seen. */
static void *
exact(size_t len)
{
    void *p = calloc(1, len != 0 ? len : 1);

    must(p != NULL);
    return p;
}

/* ---- The port: crypto that costs nothing, the same as the part's ------------------------- */

/* Every byte is looked at, so that one too far is seen. */
static void
touch(const struct rot_bytes *parts, size_t count)
{
    volatile uint8_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < parts[i].len; k++)
            sum = (uint8_t)(sum + parts[i].p[k]);
    }
}

static rot_err
cheap_random(void *self, uint8_t *buf, size_t len)
{
    (void)self;
    memset(buf, 0x24, len);
    return ROT_OK;
}

static rot_err
cheap_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t count, uint8_t *out)
{
    (void)self;
    (void)alg;
    touch(parts, count);
    memset(out, 0xaa, 32);
    return ROT_OK;
}

static rot_err
cheap_cmac(void *self, struct rot_bytes key, const struct rot_bytes *parts, size_t count,
           uint8_t mac[16])
{
    (void)self;
    touch(&key, 1);
    touch(parts, count);
    memset(mac, 0xcc ^ key.p[0], 16);
    return ROT_OK;
}

static rot_err
cheap_cbc(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt, const uint8_t *in,
          size_t len, uint8_t *out)
{
    (void)self;
    (void)iv;
    (void)encrypt;
    touch(&key, 1);
    must(len % 16 == 0);
    memmove(out, in, len);
    return ROT_OK;
}

static const struct rot_port_ops ops = {
    .random = cheap_random,
    .hash = cheap_hash,
    .aes_cbc = cheap_cbc,
    .aes_cmac = cheap_cmac,
};
static const struct rot_port_ops no_crypto = {.random = cheap_random};
static const struct rot_port port = {NULL, &ops}, plain_port = {NULL, &no_crypto};

/* ---- Lies ---------------------------------------------------------------------------------- */

static const uint16_t words[] = {0x6700, 0x6982, 0x6983, 0x6984, 0x6985, 0x6986,
                                 0x6988, 0x6a80, 0x6a82, 0x6a84, 0x6a86, 0x6a88,
                                 0x6d00, 0x6e00, 0x66a6, 0x6283, 0x63c2, 0x9001};

static void
lie(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    struct input *in = arg;
    unsigned what = take(in), at, n;

    (void)command;
    (void)len;
    switch (what % 16) {
    case 1: /* a byte is another */
    case 2:
        at = take(in);
        if (at < a->len)
            a->p[what % 16 == 1 ? at : a->len - 1 - at] = (uint8_t)take(in);
        break;
    case 3: /* cut short */
        n = take(in);
        a->len = n < a->len ? n : a->len;
        break;
    case 4: /* something behind it */
        n = take(in);
        memset(a->p + a->len, 0x41, n);
        a->len += n;
        break;
    case 5:
    case 6: /* a word, with what would have been said or without */
        a->sw = words[take(in) % (sizeof(words) / sizeof(words[0]))];
        break;
    case 7: /* all of it */
        n = take(in);
        for (a->len = 0; a->len < n; a->len++)
            a->p[a->len] = (uint8_t)take(in);
        a->sw = 0x9000;
        break;
    case 8: /* a length */
        at = take(in);
        if (at + 2 < a->len) {
            a->p[at] = 0x82;
            a->p[at + 1] = (uint8_t)(take(in) & 3);
            a->p[at + 2] = (uint8_t)take(in);
        }
        break;
    case 9: /* very long */
        n = take(in) * 4;
        memset(a->p, 0x41, n);
        a->len = n;
        break;
    default:
        break;
    }
}

/* Rarely the block itself. */
static size_t
tamper(void *arg, uint8_t *b, size_t len, size_t cap)
{
    struct input *in = arg;
    unsigned what = take(in);
    uint16_t crc;

    if (what < 0xf0)
        return len;
    if (what < 0xf4)
        return 0; /* nothing */
    if (what < 0xf8 && len > 5) {
        b[1] = (uint8_t)take(in); /* another kind, and right otherwise */
        crc = t1_crc(b, len - 2);
        b[len - 2] = (uint8_t)crc;
        b[len - 1] = (uint8_t)(crc >> 8);
        return len;
    }
    b[take(in) % len] ^= (uint8_t)(1 + take(in));
    return what == 0xff && take(in) < cap ? 7 : len;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

static const rot_object objects[] = {
    ROT_IDEVID,     ROT_LDEVID(0),  ROT_LDEVID(1),   ROT_VENDOR(0),  ROT_VENDOR(1),
    ROT_TRUST(0),   ROT_TRUST(1),   ROT_FIRMWARE(0), ROT_SESSION(0), ROT_SESSION(1),
    ROT_SESSION(2), ROT_SESSION(3), ROT_DATA(0),     ROT_DATA(2),    ROT_COUNTER(0)};

static rot_object
pick(struct input *in)
{
    return objects[take(in) % (sizeof(objects) / sizeof(objects[0]))];
}

static const uint8_t peer[91] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
                                 0x07, 0x03, 0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2};
static const uint8_t der[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};

static void
use_key(struct rot_chip *chip, struct input *in)
{
    rot_object object = pick(in);
    size_t cap = take(in) * 2u, n = 0;
    uint8_t *out = exact(cap), digest[32] = {1}, secret[32];
    rot_err rc = ROT_E_ARG;

    switch (take(in) % 7) {
    case 0:
        rc = rot_key_generate(chip, object, ROT_ALG_P256, out, cap, &n);
        break;
    case 1:
        rc = rot_key_public(chip, object, out, cap, &n);
        break;
    case 2:
        rc = rot_sign_digest(chip, object, digest, 32, out, cap, &n);
        break;
    case 3:
        rc = rot_agree(chip, object, peer, sizeof(peer), 0, secret, sizeof(secret), &n);
        cap = sizeof(secret);
        break;
    case 4:
        (void)!rot_agree(chip, object, peer, sizeof(peer), pick(in), NULL, 0, NULL);
        break;
    case 5:
        (void)!rot_key_delete(chip, object);
        break;
    default:
        (void)!rot_verify_digest(chip, object, take(in) % 2 != 0 ? peer : NULL, sizeof(peer),
                                 digest, 32, der, sizeof(der));
    }
    must(rc != ROT_OK || n <= cap);
    free(out);
}

static void
use_bytes(struct rot_chip *chip, struct input *in)
{
    rot_object object = pick(in);
    enum rot_part part = (enum rot_part)(ROT_PART_CERT + take(in) % 3);
    size_t len = take(in) * 8u, offset = take(in), n = 0;
    uint8_t *buf = exact(len);

    memset(buf, 0x5a, len);
    if (object == ROT_FIRMWARE(0) && len >= sizeof(peer)) {
        memcpy(buf, peer, sizeof(peer));
        len = sizeof(peer);
    }
    if (take(in) % 2 == 0) {
        if (rot_object_read(chip, object, part, offset, buf, len, &n) == ROT_OK)
            must(n <= len);
        if (rot_object_size(chip, object, part, &n) == ROT_OK)
            must(n <= 65540);
    } else {
        (void)!rot_object_write(chip, object, part, 0, buf, len, len + (offset & 1), &n);
    }
    free(buf);
}

static void
use_secret(struct rot_chip *chip, struct input *in)
{
    rot_object object = ROT_SESSION(take(in) % 4);
    size_t len = take(in) * 4u, n = 0;
    uint8_t *msg = exact(len), *out = exact(len + 64), key[32] = {1}, nonce[13] = {2};
    struct rot_kdf_params p = {.kdf = (enum rot_kdf)(1 + take(in) % 4),
                               .info = {msg, len},
                               .out_len = take(in) % 2 != 0 ? 64 : 32};
    int gcm = (int)(take(in) & 1);
    enum rot_aead alg = gcm ? ROT_AEAD_AES_GCM : ROT_AEAD_AES_CCM;
    struct rot_bytes nc = {nonce, gcm ? 12 : 13}, aad = {key, 3}, text = {msg, len};

    (void)!rot_key_import(chip, object,
                          object == ROT_SESSION(2)
                              ? ROT_ALG_AES128
                              : (object == ROT_SESSION(3) ? ROT_ALG_AES256 : ROT_ALG_HMAC_SHA256),
                          key, object == ROT_SESSION(2) ? 16 : 32);
    if (rot_mac(chip, object, msg, len, out, 32, &n) == ROT_OK)
        must(n == 32 || n == 16);
    if (rot_derive(chip, object, &p, 0, out, 64, &n) == ROT_OK)
        must(n == p.out_len);
    (void)!rot_derive(chip, object, &p, ROT_SESSION(take(in) % 4), NULL, 0, NULL);
    if (rot_aead_seal(chip, object, alg, nc, aad, text, out, len + 16, &n) == ROT_OK)
        must(n == len + 16);
    text = (struct rot_bytes){out, len + 16};
    if (rot_aead_open(chip, object, alg, nc, aad, text, msg, len, &n) == ROT_OK)
        must(n == len);
    free(out);
    free(msg);
}

static void
attest(struct rot_chip *chip, struct input *in)
{
    struct rot_evidence e = {.cap = 500 + take(in)};
    uint8_t nonce[32] = {3};

    e.buf = exact(e.cap);
    if (rot_attest(chip, pick(in), nonce, &e) == ROT_OK)
        must(e.len <= e.cap && e.format == ROT_EVIDENCE_SE05X_READ);
    free(e.buf);
}

static void
look_around(struct rot_chip *chip, struct input *in)
{
    static const rot_object sealed[] = {ROT_IDEVID, ROT_TRUST(0), ROT_FIRMWARE(0)};
    struct rot_identity id;
    struct rot_capability cap;
    enum rot_seal_state state;
    uint64_t value = 0;
    size_t len = take(in);
    uint8_t *random = exact(len), secret[SE05X_KEYS] = {4};
    rot_object object = sealed[take(in) % 3];
    unsigned what = take(in);

    if (rot_identify(chip, &id) == ROT_OK)
        must(memchr(id.model, 0, sizeof(id.model)) != NULL && id.uid_len == SE05X_UID);
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        must(rot_capabilities(chip, objects[i], &cap) == ROT_OK);
    (void)!rot_random(chip, random, len);
    free(random);
    (void)!rot_counter_increment(chip, ROT_COUNTER(0), &value);
    (void)!rot_seal(chip, ROT_STAGE_OBJECT, object);
    if (rot_seal_state(chip, ROT_STAGE_OBJECT, object, &state) == ROT_OK)
        must(state >= ROT_SEAL_OPEN && state <= ROT_SEAL_FOREIGN);
    if ((what & 1) != 0)
        (void)!rot_wipe(chip);
    if ((what & 2) != 0)
        (void)!rot_channel_rotate(chip, secret, sizeof(secret));
    if ((what & 4) != 0)
        (void)!rot_reset(chip);
}

/* ---- The whole driver ----------------------------------------------------------------------------- */

static void
allow(struct fake_object *o, uint32_t rights)
{
    o->has_policy = 1;
    o->rights = rights;
}

/* Whole, not whole, or somebody's; ours, sealed, or with other rights. */
static void
fill(struct fake_se05x *part, struct input *in)
{
    static const uint32_t ids[] = {0x52530101, 0x52531101, 0x52530120, 0x52531120};
    static const uint8_t point[65] = {4, 1};
    uint8_t file[60] = {0x30, 0x10};
    unsigned what = take(in);

    memcpy(file + 52, "RS\x01\x00\x00\x00\x00\x01", 8);
    for (unsigned i = 0; i < 4; i++) {
        struct fake_object *o;
        unsigned sequence = take(in);

        file[59] = (uint8_t)(sequence & 0x3f);
        file[52] = (what & 0x10u << i) != 0 ? 'x' : 'R';
        if ((what & 1u << i) == 0)
            continue;
        o = fake_add(part, ids[i], 0x0b, file, sizeof(file));
        if ((sequence & 0x80) != 0)
            allow(o, (sequence & 0x40) != 0 ? 0x00200000 : 0x00340000);
    }
    what = take(in);
    if ((what & 1) != 0) {
        struct fake_object *o = fake_add(part, 0x52530001, 0x01, point, sizeof(point));

        o->origin = what >> 4 & 3;
        allow(o, 0x18220000);
    }
    if ((what & 2) != 0)
        must(fake_add(part, 0x52530011, 0x01, point, sizeof(point)) != NULL);
    if ((what & 4) != 0)
        allow(fake_add(part, 0x52530201, 0x03, point, sizeof(point)),
              (what & 0x40) != 0 ? 0x08200000 : 0x08340000);
    part->curves = (what & 8) != 0 ? 0 : 1u << 3;
}

static rot_err
switch_power(void *self, int on)
{
    struct fake_se05x *part = self;

    if (on)
        fake_power_on(part);
    return ROT_OK;
}

static rot_err
pulse_reset(void *self)
{
    fake_power_on(self);
    return ROT_OK;
}

static void
no_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

/* What the host has: crypto or none, lines to the part; what the part says it is. */
static void
equip(struct fake_se05x *part, struct rot_setup *setup, unsigned what)
{
    static const struct rot_line_ops power = {.delay_us = no_delay, .set_power = switch_power},
                                     reset = {.delay_us = no_delay, .pulse_reset = pulse_reset};
    static const uint8_t oefs[4][2] = {{0xa9, 0x21}, {0xa8, 0xfa}, {0xb5, 0x01}, {0xa7, 0x36}};

    if ((what & 1) != 0)
        setup->port = &plain_port;
    if ((what & 6) == 2)
        part->transport.line = &power;
    if ((what & 6) == 4)
        part->transport.line = &reset;
    memcpy(part->configuration + 2, oefs[what >> 4 & 3], 2);
}

static void
try_driver(struct input *in, int old)
{
    static struct fake_se05x part;
    struct rot_setup setup = {.driver = &rot_driver_se05x, .port = &port};
    struct rot_chip chip;

    if (old)
        fake_init_old(&part);
    else
        fake_init(&part);
    part.is_cheap = 1;
    fill(&part, in);
    equip(&part, &setup, take(in));
    part.arg = in;
    part.lie = lie;
    part.tamper = tamper;
    setup.transport = &part.transport;
    setup.state_size = rot_driver_se05x.state_size;
    setup.state = exact(setup.state_size);
    if (rot_open(&chip, &setup) == ROT_OK) {
        static void (*const calls[])(struct rot_chip *, struct input *) = {
            use_key, use_bytes, use_secret, attest, look_around};
        for (int i = 0; i < CALLS_MAX && in->left > 0; i++)
            calls[take(in) % 5](&chip, in);
        rot_close(&chip);
    }
    free(setup.state);
}

/* ---- Alone ------------------------------------------------------------------------------------------- */

static void
try_answers(struct input *in)
{
    size_t len = in->left, n = 0;
    uint8_t *bytes = exact(len);
    struct se05x_reader r = {bytes, len, 0};
    struct se05x_attributes a;
    struct se05x_channel ch = {.counter = 1};

    memcpy(bytes, in->p, len);
    while (r.len != 0 && !r.is_bad) {
        struct rot_bytes b = se05x_take(&r, r.p[0]);

        must(b.len <= len);
        touch(&b, 1);
    }
    if (se05x_take_attributes((struct rot_bytes){bytes, len}, 0x52530001, &a) == ROT_OK)
        must(len >= 15);
    if (len >= 4)
        must(se05x_der_size(bytes) <= 65539);
    if (len >= 2 && se05x_unwrap(&port, &ch, bytes, len, &n) == ROT_OK)
        must(n < len);
    free(bytes);
}

struct bus {
    struct input *in;
    uint8_t frame[T1_FRAME_MAX]; /* the block that is being read */
};

static rot_err
bus_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct bus *bus = self;

    (void)address;
    must(len >= 5 && t1_crc(tx, len - 2) == (tx[len - 2] | tx[len - 1] << 8));
    return take(bus->in) == 0xfe ? ROT_BUSY : ROT_OK;
}

/* Address byte and kind; length; the rest, whose CRC holds where the input does not say otherwise. */
static rot_err
bus_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct bus *bus = self;
    unsigned what = take(bus->in);
    uint16_t crc;

    (void)address;
    if (bus->in->left == 0 || what == 0xfd)
        return ROT_BUSY;
    if (what == 0xfc)
        return ROT_E_BUS;
    for (size_t i = 0; i < len; i++)
        rx[i] = (uint8_t)take(bus->in);
    if (what >= 0xc0)
        return ROT_OK;
    if (len == 2)
        rx[0] = 0xa5;
    if (len <= 2) {
        memcpy(bus->frame + (len == 2 ? 0 : 2), rx, len);
    } else if (len == bus->frame[2] + 2u) {
        memcpy(bus->frame + 3, rx, len - 2);
        crc = t1_crc(bus->frame, len + 1);
        rx[len - 2] = (uint8_t)crc;
        rx[len - 1] = (uint8_t)(crc >> 8);
    }
    return ROT_OK;
}

static void
bus_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static void
try_bus(struct input *in)
{
    static const struct rot_line_ops line = {.delay_us = bus_delay};
    static const struct rot_i2c_ops i2c = {.write = bus_write, .read = bus_read};
    struct bus bus = {.in = in};
    const struct rot_transport wire = {.self = &bus, .line = &line, .i2c = &i2c};
    struct t1_i2c t1 = {.transport = &wire, .address = 0x48, .atr = {1000, 254}};
    size_t cap = take(in) * 4u, n = 0, len = in->left;
    uint8_t *rx = exact(cap), *bytes = exact(len), tx[300] = {0};
    struct t1_atr atr;

    memcpy(bytes, in->p, len);
    if (t1_check(bytes, len) == ROT_OK)
        must(len >= 5 && len == bytes[2] + 5u);
    if (t1_read_atr(bytes, len, &atr) == ROT_OK)
        must(atr.ifsc != 0 && atr.bwt_ms >= 100);
    t1.is_open = 1;
    if (t1_i2c_exchange(&t1, tx, sizeof(tx), rx, cap, &n) == ROT_OK)
        must(n <= cap);
    if (t1_i2c_open(&t1, &wire, 0x48) == ROT_OK)
        t1_i2c_close(&t1);
    free(bytes);
    free(rx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned first = take(&in);

    if (size < 2 || size > 4096)
        return 0;
    if ((first & 3) < 2)
        try_driver(&in, (first & 3) == 1);
    else if ((first & 3) == 2)
        try_answers(&in);
    else
        try_bus(&in);
    return 0;
}
