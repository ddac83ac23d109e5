/*
 * ta100_response_fuzz.c: a hostile TA100 under the driver.
 *
 * The part is the one of the unit tests, which keeps elements, registers and locks; the
 * input says, a byte for every command, what is answered instead of the truth, and a byte
 * for every read what happens to it on its way.  Crypto is left out; the unit tests are
 * about that.
 *
 * First byte, low two bits:
 *   0, 1, 2  flags of the part, then calls of rot.h until the input ends
 *   3        an answer, read alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "../librot/drivers/ta100/ta100.h"
#include "../tests/unit/librot_ta100/fake_ta100.h"

#define CALLS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct rot_driver rot_driver_ta100;

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

/* ---- The part's crypto: it costs nothing ------------------------------------------------- */

static rot_err
cheap_random(void *self, uint8_t *buf, size_t len)
{
    (void)self;
    memset(buf, 0x52, len);
    return ROT_OK;
}

static rot_err
cheap_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t count, uint8_t *out)
{
    (void)self;
    (void)alg;
    (void)parts;
    (void)count;
    memset(out, 0xaa, 32);
    return ROT_OK;
}

static rot_err
cheap_hmac(void *self, enum rot_hash alg, struct rot_bytes key, const struct rot_bytes *parts,
           size_t count, uint8_t *out)
{
    (void)key;
    return cheap_hash(self, alg, parts, count, out);
}

static rot_err
cheap_cmac(void *self, struct rot_bytes key, const struct rot_bytes *parts, size_t count,
           uint8_t mac[16])
{
    (void)self;
    (void)key;
    (void)parts;
    (void)count;
    memset(mac, 0xbb, 16);
    return ROT_OK;
}

static rot_err
cheap_aead(void *self, enum rot_aead alg, struct rot_bytes key, struct rot_bytes nonce,
           struct rot_bytes aad, int seal, struct rot_bytes in, uint8_t *out)
{
    (void)self;
    (void)alg;
    (void)key;
    (void)nonce;
    (void)aad;
    memset(out, 0xcc, seal ? in.len + 16 : in.len - 16);
    return seal || in.p[in.len - 1] == 0xcc ? ROT_OK : ROT_E_MISMATCH;
}

static rot_err
cheap_kdf(void *self, struct rot_bytes secret, const struct rot_kdf_params *params, uint8_t *out)
{
    (void)self;
    memset(out, secret.p[0], params->out_len);
    return ROT_OK;
}

static rot_err
cheap_generate(void *self, enum rot_alg alg, uint8_t *priv, uint8_t *pub)
{
    (void)self;
    (void)alg;
    memset(priv, 1, 32);
    memset(pub, 2, 64);
    return ROT_OK;
}

static rot_err
cheap_sign(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *in, size_t in_len,
           uint8_t *sig)
{
    (void)self;
    (void)alg;
    (void)priv;
    (void)in;
    (void)in_len;
    memset(sig, 3, 64);
    return ROT_OK;
}

static rot_err
cheap_verify(void *self, enum rot_alg alg, const uint8_t *pub, const uint8_t *in, size_t in_len,
             const uint8_t *sig)
{
    (void)self;
    (void)alg;
    (void)pub;
    (void)in;
    (void)in_len;
    return (sig[63] & 1) != 0 ? ROT_OK : ROT_E_MISMATCH;
}

static rot_err
cheap_ecdh(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *peer, uint8_t *secret)
{
    (void)self;
    (void)alg;
    (void)priv;
    (void)peer;
    memset(secret, 4, 32);
    return ROT_OK;
}

static const struct rot_port_ops ops = {
    .random = cheap_random,
    .hash = cheap_hash,
    .hmac = cheap_hmac,
    .aes_cmac = cheap_cmac,
    .aead = cheap_aead,
    .kdf = cheap_kdf,
    .ec_generate = cheap_generate,
    .ec_sign = cheap_sign,
    .ec_verify = cheap_verify,
    .ecdh = cheap_ecdh,
};
static const struct rot_port port = {NULL, &ops};

/* ---- Lies ------------------------------------------------------------------------------------ */

static void
lie(void *arg, const uint8_t *command, size_t len, struct fake_answer *a)
{
    struct input *in = arg;
    unsigned what = take(in), at, n;

    (void)command;
    (void)len;
    switch (what % 16) {
    case 1: /* a byte is another */
        at = take(in);
        if (at < a->len)
            a->data[at] = (uint8_t)take(in);
        break;
    case 2: /* cut short */
        n = take(in);
        a->len = n < a->len ? n : a->len;
        break;
    case 3: /* something behind it */
        n = take(in);
        memset(a->data + a->len, 0x99, n);
        a->len += n;
        break;
    case 4:
        a->status = (uint8_t)(take(in) & 0x1f);
        break;
    case 5: /* all of it */
        n = take(in);
        for (a->len = 0; a->len < n; a->len++)
            a->data[a->len] = (uint8_t)take(in);
        a->status = 0;
        break;
    case 6: /* near the end */
        at = take(in);
        if (at < a->len)
            a->data[a->len - 1 - at] = (uint8_t)take(in);
        break;
    case 7: /* yes to everything */
        a->status = 0;
        break;
    case 8: /* longer than a packet may be */
        a->len += take(in) * 8u;
        a->len = a->len < FAKE_MAX * 2 ? a->len : FAKE_MAX * 2;
        a->status = 0;
        break;
    default:
        break;
    }
}

/* Rarely the packet itself; with a CRC that holds, if the input says so. */
static size_t
tamper(void *arg, uint8_t *answer, size_t len)
{
    struct input *in = arg;
    unsigned at, how = take(in);

    if (how < 0xf8)
        return len;
    if (how == 0xf8)
        return len / 2;
    if (how == 0xf9) {
        answer[0] = (uint8_t)take(in);
        answer[1] = (uint8_t)take(in);
        return len;
    }
    at = take(in);
    if (at < len)
        answer[at] = (uint8_t)take(in);
    if (how >= 0xfc)
        ta100_command_end(answer, len);
    return len;
}

static struct fake_ta100 fake;

/* ---- Calls -------------------------------------------------------------------------------------- */

static const rot_object objects[] = {
    ROT_IDEVID,      ROT_ATTEST(0),  ROT_LDEVID(0),  ROT_LDEVID(1),  ROT_TRUST(0),   ROT_TRUST(1),
    ROT_FIRMWARE(0), ROT_SESSION(0), ROT_SESSION(1), ROT_SESSION(2), ROT_SESSION(3), ROT_SESSION(4),
    ROT_SESSION(5),  ROT_DATA(0),    ROT_COUNTER(0), ROT_DATA(9)};

static rot_object
pick(struct input *in)
{
    return objects[take(in) % (sizeof(objects) / sizeof(objects[0]))];
}

static enum rot_alg
alg_of(rot_object object)
{
    static const enum rot_alg of_sessions[] = {ROT_ALG_HMAC_SHA256, ROT_ALG_HMAC_SHA256,
                                               ROT_ALG_AES128,      ROT_ALG_AES256,
                                               ROT_ALG_HMAC_SHA256, ROT_ALG_AES128};

    return ROT_OBJECT_KIND(object) == ROT_KIND_SESSION ? of_sessions[ROT_OBJECT_INDEX(object)]
                                                       : ROT_ALG_P256;
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

    switch (take(in) % 5) {
    case 0:
        rc = rot_key_generate(chip, object, alg_of(object), out, cap, &n);
        break;
    case 1:
        rc = rot_key_public(chip, object, out, cap, &n);
        break;
    case 2:
        rc = rot_sign_digest(chip, object, digest, 32, out, cap, &n);
        break;
    case 3:
        (void)!rot_agree(chip, object, peer, sizeof(peer), ROT_SESSION(take(in) % 4), NULL, 0,
                         NULL);
        break;
    default:
        (void)!rot_verify_digest(chip, object, take(in) % 2 != 0 ? peer : NULL, sizeof(peer),
                                 digest, 32, (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01",
                                 8);
    }
    must(rc != ROT_OK || n <= cap);
    free(out);
}

static void
use_secret(struct rot_chip *chip, struct input *in)
{
    struct rot_kdf_params p = {.kdf = (enum rot_kdf)(1 + take(in) % 4), .out_len = 16};
    rot_object from = ROT_SESSION(take(in) % 6), into = ROT_SESSION(take(in) % 6);
    size_t len = take(in) * 5u, n = 0;
    uint8_t *msg = exact(len), *out = exact(len + 16), derived[64];
    const struct rot_bytes nonce = {peer, 12}, aad = {msg, len / 4}, text = {msg, len};

    p.info = (struct rot_bytes){msg, len / 4};
    p.out_len <<= take(in) % 3;
    if (take(in) % 2 != 0)
        (void)!rot_key_import(chip, from, alg_of(from), msg, len);
    if (rot_mac(chip, from, msg, len, derived, 32, &n) == ROT_OK)
        must(n == 16 || n == 32);
    (void)!rot_derive(chip, from, &p, into, NULL, 0, NULL);
    if (rot_derive(chip, from, &p, 0, derived, p.out_len, &n) == ROT_OK)
        must(n == p.out_len);
    if (rot_aead_seal(chip, from, ROT_AEAD_AES_GCM, nonce, aad, text, out, len + 16, &n) == ROT_OK)
        must(n == len + 16);
    if (len >= 16 &&
        rot_aead_open(chip, from, ROT_AEAD_AES_GCM, nonce, aad, text, out, len - 16, &n) == ROT_OK)
        must(n == len - 16);
    free(out);
    free(msg);
}

static void
use_bytes(struct rot_chip *chip, struct input *in)
{
    rot_object object = pick(in);
    enum rot_part part = (enum rot_part)(ROT_PART_CERT + take(in) % 3);
    size_t len = take(in) * 4u, offset = take(in), n = 0;
    uint8_t *buf = exact(len), *back = exact(len);

    memset(buf, 0x5a, len);
    if (object == ROT_FIRMWARE(0) && len >= sizeof(peer)) {
        memcpy(buf, peer, sizeof(peer));
        len = sizeof(peer);
    }
    if (take(in) % 2 == 0) {
        if (rot_object_read(chip, object, part, offset, buf, len, &n) == ROT_OK)
            must(n <= len);
        if (rot_object_size(chip, object, part, &n) == ROT_OK)
            must(n <= 1024);
    } else if (rot_object_write(chip, object, part, 0, buf, len, len + (offset & 1), &n) ==
                   ROT_OK &&
               (offset & 1) == 0 && in->left == 0) {
        /* What was written and compared is read again, now that the part is honest. */
        fake.brownout = 0;
        must(rot_object_read(chip, object, part, 0, back, len, &n) == ROT_OK);
        must(n == len && memcmp(back, buf, len) == 0);
    } else if ((offset & 1) != 0) {
        (void)!rot_object_write(chip, object, part, len, buf, len != 0, len + 1, &n);
    }
    free(back);
    free(buf);
}

static void
attest(struct rot_chip *chip, struct input *in)
{
    struct rot_evidence e = {.cap = take(in)};
    uint8_t nonce[32] = {3};

    e.buf = exact(e.cap);
    if (rot_attest(chip, pick(in), nonce, &e) == ROT_OK)
        must(e.len <= e.cap && e.format == ROT_EVIDENCE_TA100_PLACEHOLDER);
    free(e.buf);
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
    size_t len = take(in) * 4u;
    uint8_t *random = exact(len);

    if (rot_identify(chip, &id) == ROT_OK)
        must(memchr(id.model, 0, sizeof(id.model)) != NULL && id.uid_len <= sizeof(id.uid) &&
             id.simulated);
    (void)!rot_random(chip, random, len);
    free(random);
    if (rot_capabilities(chip, pick(in), &cap) == ROT_OK)
        must(cap.where[ROT_CAN_WIPE] == ROT_NOWHERE);
    if (rot_counter_read(chip, ROT_COUNTER(take(in) % 2), &value) == ROT_OK)
        must(value <= UINT32_MAX);
    if (rot_counter_increment(chip, ROT_COUNTER(take(in) % 2), &value) == ROT_OK)
        must(value <= UINT32_MAX);
    (void)!rot_self_test(chip);
    if (take(in) % 2 != 0)
        (void)!rot_reset(chip);
}

static void
try_driver(struct input *in, unsigned flags)
{
    static void (*const calls[])(struct rot_chip *, struct input *) = {
        use_key, use_secret, use_bytes, attest, seal_it, look_around};
    struct rot_setup setup = {
        .driver = &rot_driver_ta100, .transport = &fake.transport, .port = &port};
    struct rot_chip chip;

    fake_ta100_init(&fake, &port);
    fake.is_asleep = (flags & 4) != 0;
    fake.busy = (flags & 8) != 0 ? take(in) : 0;
    fake.nak = (flags & 16) != 0 ? take(in) % 16 : 0;
    fake.bad_crcs = (flags & 32) != 0 ? take(in) % 4 : 0;
    fake.brownout = (flags & 64) != 0 ? take(in) : 0;
    fake.transport.address = (flags & 128) != 0 ? (uint8_t)take(in) : 0;
    fake.arg = in;
    fake.lie = lie;
    fake.tamper = tamper;
    setup.state_size = rot_driver_ta100.state_size;
    setup.state = exact(setup.state_size);
    if (rot_open(&chip, &setup) == ROT_OK) {
        for (int i = 0; i < CALLS_MAX && in->left > 0; i++)
            calls[take(in) % 6](&chip, in);
        rot_close(&chip);
    }
    free(setup.state);
}

/* ---- Pure functions ------------------------------------------------------------------------------- */

static void
try_answer(struct input *in)
{
    size_t len = in->left;
    uint8_t *packet = exact(len), status = 0;
    struct rot_bytes data = {NULL, 0};

    memcpy(packet, in->p, len);
    if (ta100_answer_read(packet, len, &status, &data) == ROT_OK) {
        must(data.p >= packet && data.len + TA100_ANSWER_MIN == len);
        must(status == TA100_DONE || data.len == 0);
    }
    (void)!ta100_map_status(status);
    free(packet);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned first = take(&in);

    if (size < 2 || size > 4096)
        return 0;
    if ((first & 3) != 3)
        try_driver(&in, first);
    else
        try_answer(&in);
    return 0;
}
