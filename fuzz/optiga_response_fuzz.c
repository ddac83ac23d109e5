/*
 * optiga_response_fuzz.c: a hostile OPTIGA under the driver.
 *
 * The part is the one of the unit tests, which keeps objects, counts frames and
 * has the channel's keys, as a real one would: so it may lie and be believed.
 * The input says what happens to each frame and each answer on its way.  Crypto
 * is left out on both sides; the unit tests are about that.
 *
 * First byte, low two bits:
 *   0, 1  a part (bit 2: the host has a secret, bit 3: V1, bit 4: acknowledges
 *         first, bit 5: small frames, bit 6: busy, bit 7: has another secret), then
 *         calls of rot.h until the input ends
 *   2     answers, metadata, numbers and frames, read alone
 *   3     a record of the channel
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "../librot/drivers/optiga/optiga.h"
#include "../tests/unit/librot_optiga/fake_optiga.h"

#define CALLS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct rot_driver rot_driver_optiga;

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

#define HOST_SECRET 5 /* and a key, a MAC, is the first byte of the secret, over and over */

/* Every byte is looked at, so that one too far is seen. */
static void
touch(struct rot_bytes b)
{
    volatile uint8_t sum = 0;

    for (size_t k = 0; k < b.len; k++)
        sum = (uint8_t)(sum + b.p[k]);
}

static rot_err
cheap_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t count, uint8_t *out)
{
    (void)self;
    (void)alg;
    for (size_t i = 0; i < count; i++)
        touch(parts[i]);
    memset(out, 0xaa, 32);
    return ROT_OK;
}

static rot_err
cheap_hmac(void *self, enum rot_hash alg, struct rot_bytes key, const struct rot_bytes *parts,
           size_t count, uint8_t *out)
{
    touch(key);
    (void)cheap_hash(self, alg, parts, count, out);
    memset(out, key.p[0], 32);
    return ROT_OK;
}

static rot_err
cheap_cmac(void *self, struct rot_bytes key, const struct rot_bytes *parts, size_t count,
           uint8_t mac[16])
{
    (void)self;
    touch(key);
    for (size_t i = 0; i < count; i++)
        touch(parts[i]);
    memset(mac, 0xbb, 16);
    return ROT_OK;
}

static rot_err
cheap_aead(void *self, enum rot_aead alg, struct rot_bytes key, struct rot_bytes nonce,
           struct rot_bytes aad, int seal, struct rot_bytes in, uint8_t *out)
{
    (void)self;
    (void)alg;
    must(key.len == 16 && nonce.len == 8 && aad.len == 8);
    touch(key);
    touch(nonce);
    touch(aad);
    touch(in);
    if (!seal && in.p[in.len - 1] != key.p[0])
        return ROT_E_MISMATCH;
    memmove(out, in.p, seal ? in.len : in.len - 8);
    if (seal)
        memset(out + in.len, key.p[0], 8);
    return ROT_OK;
}

static rot_err
cheap_kdf(void *self, struct rot_bytes secret, const struct rot_kdf_params *params, uint8_t *out)
{
    (void)self;
    touch(secret);
    touch(params->salt);
    touch(params->label);
    touch(params->info);
    memset(out, secret.p[0], params->out_len);
    return ROT_OK;
}

static rot_err
cheap_generate(void *self, enum rot_alg alg, uint8_t *priv, uint8_t *pub)
{
    (void)self;
    memset(priv, 1, 32);
    memset(pub, 2, rot_alg_point_size(alg));
    return ROT_OK;
}

static rot_err
cheap_sign(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *in, size_t in_len,
           uint8_t *sig)
{
    (void)self;
    (void)priv;
    touch((struct rot_bytes){in, in_len});
    memset(sig, 3, rot_alg_point_size(alg));
    return ROT_OK;
}

static rot_err
cheap_verify(void *self, enum rot_alg alg, const uint8_t *pub, const uint8_t *in, size_t in_len,
             const uint8_t *sig)
{
    (void)self;
    (void)alg;
    (void)pub;
    touch((struct rot_bytes){in, in_len});
    return (sig[0] & 1) != 0 ? ROT_OK : ROT_E_MISMATCH;
}

static rot_err
cheap_ecdh(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *peer, uint8_t *secret)
{
    (void)self;
    (void)priv;
    (void)peer;
    memset(secret, 4, rot_alg_point_size(alg) / 2);
    return ROT_OK;
}

static rot_err
cheap_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    (void)self;
    (void)driver;
    touch(uid);
    memset(secret, HOST_SECRET, len);
    return ROT_OK;
}

static const struct rot_port_ops paired_ops = {
    .hash = cheap_hash,
    .hmac = cheap_hmac,
    .aes_cmac = cheap_cmac,
    .aead = cheap_aead,
    .kdf = cheap_kdf,
    .ec_generate = cheap_generate,
    .ec_sign = cheap_sign,
    .ec_verify = cheap_verify,
    .ecdh = cheap_ecdh,
    .channel_secret = cheap_secret,
};
static struct rot_port_ops single_ops;
static const struct rot_port paired = {NULL, &paired_ops}, single = {NULL, &single_ops};

/* ---- Lies ------------------------------------------------------------------------------------ */

static void
lie(void *arg, const uint8_t *apdu, size_t len, struct fake_answer *a)
{
    struct input *in = arg;
    unsigned what = take(in), at, n;

    (void)apdu;
    (void)len;
    switch (what % 16) {
    case 1: /* a byte is another */
        at = take(in);
        if (at < a->len)
            a->out[at] = (uint8_t)take(in);
        break;
    case 2: /* cut short */
        n = take(in);
        a->len = n < a->len ? n : a->len;
        break;
    case 3: /* something behind it */
        n = take(in) * 4u;
        memset(a->out + a->len, 0x99, n);
        a->len += n;
        break;
    case 4:
        a->status = (uint8_t)take(in);
        break;
    case 5: /* all of it */
        n = take(in);
        for (a->len = 0; a->len < n; a->len++)
            a->out[a->len] = (uint8_t)take(in);
        a->status = 0;
        break;
    case 6: /* a size near the end */
        at = take(in);
        if (at < a->len)
            a->out[a->len - 1 - at] = (uint8_t)take(in);
        break;
    case 7: /* yes to everything */
        a->status = 0;
        break;
    default:
        break;
    }
}

/* What the presentation layer says, after its MAC. */
static size_t
twist(void *arg, uint8_t *p, size_t len)
{
    struct input *in = arg;
    unsigned at, n;

    switch (take(in)) {
    case 0xf0:
        at = take(in);
        if (at < len)
            p[at] = (uint8_t)take(in);
        return len;
    case 0xf1:
        n = take(in) * 4u;
        return n < len ? n : len;
    case 0xf2:
        n = take(in) * 4u;
        n = n < FAKE_MAX - len ? n : 0;
        memset(p + len, 0x77, n);
        return len + n;
    case 0xf3:
        n = take(in);
        for (unsigned i = 0; i < n; i++)
            p[i] = (uint8_t)take(in);
        return n;
    default:
        return len;
    }
}

static uint16_t
crc(const uint8_t *p, size_t len)
{
    return ifx_i2c_fcs(p, len);
}

/* Rarely the frame itself; with a check sum that holds, if the input says so. */
static size_t
tamper(void *arg, uint8_t *frame, size_t len)
{
    struct input *in = arg;
    unsigned at, how = take(in);

    if (how < 0xf8)
        return len;
    if (how == 0xf8)
        return 0;
    if (how == 0xf9)
        return take(in) < len ? len - 1 : 1;
    at = take(in);
    if (at < len)
        frame[at] = (uint8_t)take(in);
    if (how >= 0xfc && len >= 5) {
        uint16_t v = crc(frame, len - 2);

        frame[len - 2] = (uint8_t)(v >> 8);
        frame[len - 1] = (uint8_t)v;
    }
    return len;
}

/* ---- Calls -------------------------------------------------------------------------------------- */

static const rot_object objects[] = {
    ROT_IDEVID,   ROT_VENDOR(0),  ROT_LDEVID(0),  ROT_LDEVID(1),   ROT_TRUST(0),
    ROT_TRUST(1), ROT_SESSION(0), ROT_SESSION(1), ROT_SESSION(4),  ROT_DATA(0),
    ROT_DATA(2),  ROT_DATA(4),    ROT_COUNTER(0), ROT_FIRMWARE(0), ROT_DATA(9)};

static rot_object
pick(struct input *in)
{
    return objects[take(in) % (sizeof(objects) / sizeof(objects[0]))];
}

static const uint8_t peer[91] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
                                 0x07, 0x03, 0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2};

static void
use_key(struct rot_chip *chip, struct input *in)
{
    rot_object object = pick(in);
    size_t cap = take(in), n = 0;
    uint8_t *out = exact(cap), digest[32] = {1};
    rot_err rc = ROT_E_ARG;

    switch (take(in) % 6) {
    case 0:
        rc = rot_key_generate(
            chip, object, object == ROT_SESSION(4) ? ROT_ALG_AES128 : ROT_ALG_P256, out, cap, &n);
        break;
    case 1:
        rc = rot_key_public(chip, object, out, cap, &n);
        break;
    case 2:
        rc = rot_sign_digest(chip, object, digest, 32, out, cap, &n);
        break;
    case 3:
        rc = rot_agree(chip, object, peer, sizeof(peer), 0, out, cap, &n);
        break;
    case 4:
        rc = rot_agree(chip, object, peer, sizeof(peer), ROT_SESSION(1), NULL, 0, NULL);
        break;
    default:
        rc = rot_verify_digest(chip, object, take(in) % 2 != 0 ? peer : NULL, sizeof(peer), digest,
                               32, (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8);
    }
    must(rc != ROT_OK || n <= cap);
    free(out);
}

static void
use_secret(struct rot_chip *chip, struct input *in)
{
    struct rot_kdf_params p = {.kdf = (enum rot_kdf)(1 + take(in) % 4), .out_len = 32};
    size_t len = take(in) * 8u, n = 0;
    uint8_t *msg = exact(len), out[64];
    rot_object from = pick(in);

    p.info = (struct rot_bytes){msg, len / 2};
    if (rot_mac(chip, from, msg, len, out, 32, &n) == ROT_OK)
        must(n == 16 || n == 32);
    if (rot_derive(chip, from, &p, take(in) % 2 != 0 ? ROT_SESSION(0) : 0,
                   take(in) % 2 != 0 ? out : NULL, sizeof(out), &n) == ROT_OK)
        must(n <= 64);
    free(msg);
}

static void
use_bytes(struct rot_chip *chip, struct input *in)
{
    rot_object object = pick(in);
    enum rot_part part = (enum rot_part)(ROT_PART_CERT + take(in) % 3);
    size_t len = take(in) * 8u, offset = take(in), n = 0;
    uint8_t *buf = exact(len), *back = exact(len);
    int is_der = take(in) % 2;

    memset(buf, 0x5a, len);
    if (is_der && len > 4)
        memcpy(buf, "\x30\x82", 2);
    if (is_der && len > 4) {
        buf[2] = (uint8_t)((len - 4) >> 8);
        buf[3] = (uint8_t)(len - 4);
    }
    if (object == ROT_FIRMWARE(0) && len >= sizeof(peer)) {
        memcpy(buf, peer, sizeof(peer));
        len = sizeof(peer);
    }
    if (take(in) % 2 == 0) {
        if (rot_object_read(chip, object, part, offset, buf, len, &n) == ROT_OK)
            must(n <= len);
        if (rot_object_size(chip, object, part, &n) == ROT_OK)
            must(n <= 65535);
    } else if (rot_object_write(chip, object, part, 0, buf, len, len + (offset & 1), &n) ==
                   ROT_OK &&
               in->left == 0 && (offset & 1) == 0) {
        /* What was written and compared is read again, now that the part is honest. */
        must(rot_object_read(chip, object, part, 0, back, len, &n) == ROT_OK);
        must(n == len && memcmp(back, buf, len) == 0);
    }
    free(back);
    free(buf);
}

static void
import_and_attest(struct rot_chip *chip, struct input *in)
{
    static uint8_t evidence[2048];
    struct rot_evidence e = {.buf = evidence, .cap = sizeof(evidence)};
    size_t len = take(in) * 8u;
    uint8_t *set = exact(len), nonce[32] = {0};
    rot_object object = pick(in);

    for (size_t i = 0; i < len; i++)
        set[i] = (uint8_t)take(in);
    if (len != 0)
        (void)!rot_key_import(chip, object,
                              object == ROT_SESSION(4) ? ROT_ALG_AES128 : ROT_ALG_P256, set, len);
    if (rot_attest(chip, object, nonce, &e) == ROT_OK)
        must(e.len <= sizeof(evidence));
    free(set);
}

static void
seal_it(struct rot_chip *chip, struct input *in)
{
    enum rot_stage stage = (enum rot_stage)(take(in) % 4);
    rot_object object = stage == ROT_STAGE_OBJECT ? ROT_TRUST(0) : 0;
    enum rot_seal_state state = ROT_SEAL_OPEN;

    (void)!rot_seal_prepare(chip, stage, object);
    if (take(in) % 2 == 0)
        (void)!rot_seal(chip, stage, object);
    if (rot_seal_state(chip, stage, object, &state) == ROT_OK)
        must(state >= ROT_SEAL_OPEN && state <= ROT_SEAL_FOREIGN);
}

static void
look_around(struct rot_chip *chip, struct input *in)
{
    struct rot_capability cap;
    struct rot_identity id;
    uint64_t value = 0;
    size_t len = take(in) * 2u;
    uint8_t *random = exact(len), secret[64] = {6};

    if (rot_identify(chip, &id) == ROT_OK)
        must(memchr(id.model, 0, sizeof(id.model)) != NULL && id.uid_len <= sizeof(id.uid));
    (void)!rot_random(chip, random, len);
    free(random);
    if (rot_capabilities(chip, pick(in), &cap) == ROT_OK)
        must(cap.where[ROT_CAN_WIPE] == ROT_NOWHERE);
    (void)!rot_counter_read(chip, ROT_COUNTER(take(in) % 4), &value);
    (void)!rot_counter_increment(chip, ROT_COUNTER(take(in) % 4), &value);
    if (take(in) % 2 == 0)
        (void)!rot_channel_rotate(chip, secret, 32 + take(in) % 33);
    else
        (void)!rot_reset(chip);
}

static void
try_driver(struct input *in, unsigned flags)
{
    static void (*const calls[])(struct rot_chip *, struct input *) = {
        use_key, use_secret, use_bytes, import_and_attest, seal_it, look_around};
    static struct fake_optiga part;
    struct rot_setup setup = {.driver = &rot_driver_optiga, .transport = &part.transport};
    uint8_t known[64];
    struct rot_chip chip;

    single_ops = paired_ops;
    single_ops.channel_secret = NULL;
    fake_optiga_init(&part, &paired);
    memset(known, HOST_SECRET, sizeof(known));
    if ((flags & 128) == 0)
        fake_bind(&part, known, sizeof(known));
    if ((flags & 8) != 0)
        fake_set_build(&part, 0x71, 0x0809);
    part.ack_first = (flags & 16) != 0;
    if ((flags & 32) != 0)
        part.max_frame = 16 + take(in);
    part.busy_polls = (flags & 64) != 0 ? take(in) : 0;
    part.arg = in;
    part.lie = lie;
    part.twist = twist;
    part.tamper = tamper;
    setup.port = (flags & 4) != 0 ? &paired : &single;
    setup.state_size = rot_driver_optiga.state_size;
    setup.state = exact(setup.state_size);
    if (rot_open(&chip, &setup) == ROT_OK) {
        for (int i = 0; i < CALLS_MAX && in->left > 0; i++)
            calls[take(in) % 6](&chip, in);
        rot_close(&chip);
    }
    free(setup.state);
}

/* ---- Pure functions ------------------------------------------------------------------------------ */

static void
try_codecs(const uint8_t *p, size_t len)
{
    uint8_t *bytes = exact(len), number[48];
    struct rot_bytes in = {bytes, len}, out = {NULL, 0}, bits;
    struct optiga_meta meta;
    enum rot_alg alg;

    if (len != 0)
        memcpy(bytes, p, len);
    if (optiga_apdu_read(in, &out) == ROT_OK)
        must(out.len + 4 == len);
    if (optiga_meta_read(in, &meta) == ROT_OK) {
        touch(meta.change);
        touch(meta.read);
        must(meta.used <= meta.max);
        (void)!optiga_meta_allows(&meta, meta.change, 0);
        (void)!optiga_meta_allows(&meta, meta.read, 1);
    }
    if (ifx_i2c_check_frame(bytes, len) == ROT_OK)
        must(len >= IFX_I2C_OVERHEAD);
    while (optiga_take_number(&in, number, take(&(struct input){p, len}) % 2 != 0 ? 32 : 48) ==
           ROT_OK)
        continue;
    in = (struct rot_bytes){bytes, len};
    while (optiga_take_tlv(&in, len != 0 ? bytes[0] : 0, &out) == ROT_OK)
        touch(out);
    in = (struct rot_bytes){bytes, len};
    if (len != 0 && optiga_bit_string(in, &alg, &bits) == ROT_OK)
        touch(bits);
    free(bytes);
}

static void
try_record(const uint8_t *p, size_t len)
{
    struct ifx_shield s = {.received = 0x1234};
    uint8_t *bytes = exact(len);
    struct rot_bytes plain;

    if (len != 0)
        memcpy(bytes, p, len);
    if (ifx_shield_open(&s, &paired, bytes, len, &plain) == ROT_OK) {
        touch(plain);
        must(plain.len + IFX_SHIELD_HEAD + IFX_SHIELD_MAC == len);
        must(s.received > 0x1234 && s.received <= 0x1237);
    }
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
        try_codecs(in.p, in.left);
    else
        try_record(in.p, in.left);
    return 0;
}
