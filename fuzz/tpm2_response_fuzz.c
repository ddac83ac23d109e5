/*
 * tpm2_response_fuzz.c: a hostile TPM under the driver.
 *
 * The TPM is the one of the unit tests, which keeps objects and indices and has
 * the session's key, as a real one would: so it may lie and be believed.  The
 * input says, a byte for every command, what is answered instead of the truth.
 * Crypto is left out on both sides; the unit tests are about that.
 *
 * First byte, low two bits:
 *   0, 1  contents of the TPM, then calls of rot.h until the input ends
 *   2     a public area, read alone
 *   3     a challenge
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "../librot/drivers/tpm2/tpm2.h"
#include "../tests/unit/librot_tpm2/fake_tpm.h"

#define CALLS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct rot_driver rot_driver_tpm2;

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

/* ---- The port: crypto that costs nothing, the same as the TPM's --------------------- */

static rot_err
cheap_random(void *self, uint8_t *buf, size_t len)
{
    (void)self;
    memset(buf, 0x24, len);
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
cheap_ecdh(void *self, enum rot_alg alg, const uint8_t *priv, const uint8_t *peer, uint8_t *secret)
{
    (void)self;
    (void)alg;
    (void)priv;
    (void)peer;
    memset(secret, 3, 32);
    return ROT_OK;
}

/* Every byte of what is hashed is looked at, so that one too far is seen. */
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
cheap_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t count, uint8_t *out)
{
    (void)self;
    (void)alg;
    touch(parts, count);
    memset(out, 0xaa, 32);
    return ROT_OK;
}

static rot_err
cheap_hmac(void *self, enum rot_hash alg, struct rot_bytes key, const struct rot_bytes *parts,
           size_t count, uint8_t *out)
{
    (void)self;
    (void)alg;
    touch(&key, 1);
    touch(parts, count);
    memset(out, 0xbb, 32);
    return ROT_OK;
}

static rot_err
cheap_cfb(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt, const uint8_t *in,
          size_t len, uint8_t *out)
{
    (void)self;
    (void)key;
    (void)iv;
    (void)encrypt;
    memmove(out, in, len);
    return ROT_OK;
}

static const struct rot_port_ops ops = {
    .random = cheap_random,
    .hash = cheap_hash,
    .hmac = cheap_hmac,
    .aes_cfb = cheap_cfb,
    .ec_generate = cheap_generate,
    .ecdh = cheap_ecdh,
};
static const struct rot_port port = {NULL, &ops};

/* ---- Lies ---------------------------------------------------------------------------- */

static const uint32_t codes[] = {0x100, 0x101, 0x143, 0x14a, 0x14b, 0x18b, 0x1df, 0x2db,     0x98e,
                                 0x902, 0x903, 0x908, 0x918, 0x921, 0x922, 0x9a2, 0x000b0143};

static void
lie(void *arg, uint32_t cc, struct fake_answer *a)
{
    struct input *in = arg;
    unsigned what = take(in), at, n;

    (void)cc;
    switch (what % 16) {
    case 1: /* a byte is another */
        at = take(in);
        if (at < a->len)
            a->params[at] = (uint8_t)take(in);
        break;
    case 2: /* cut short */
        n = take(in);
        a->len = n < a->len ? n : a->len;
        break;
    case 3: /* something behind it */
        n = take(in);
        memset(a->params + a->len, 0x99, n);
        a->len += n;
        break;
    case 4:
        a->code = codes[take(in) % (sizeof(codes) / sizeof(codes[0]))];
        break;
    case 5: /* all of it */
        n = take(in);
        for (a->len = 0; a->len < n; a->len++)
            a->params[a->len] = (uint8_t)take(in);
        break;
    case 6:
        a->handle = take(in) << 24 | take(in);
        break;
    case 7: /* a size somewhere */
        at = take(in);
        if (at + 1 < a->len) {
            a->params[at] = (uint8_t)(take(in) & 0x1f);
            a->params[at + 1] = (uint8_t)take(in);
        }
        break;
    case 8: /* near the end */
        at = take(in);
        if (at < a->len)
            a->params[a->len - 1 - at] = (uint8_t)take(in);
        break;
    default:
        break;
    }
}

/* Rarely the frame itself: after the HMAC, so that it holds no more. */
static size_t
tamper(void *arg, uint32_t cc, uint8_t *rx, size_t len, size_t cap)
{
    struct input *in = arg;
    size_t n;

    (void)cc;
    (void)cap;
    if (take(in) != 0xf0)
        return len;
    n = take(in) * 8u + take(in) % 8;
    for (int i = 0; i < 14; i++) {
        if ((take(in) & 1) != 0)
            rx[i] = (uint8_t)take(in);
    }
    rx[2] = rx[3] = 0;
    rx[4] = (uint8_t)(n >> 8);
    rx[5] = (uint8_t)n;
    return n;
}

/* ---- Calls ------------------------------------------------------------------------------ */

static const rot_object objects[] = {ROT_ATTEST(0),  ROT_IDEVID,    ROT_VENDOR(0),  ROT_LDEVID(0),
                                     ROT_LDEVID(1),  ROT_TRUST(0),  ROT_TRUST(1),   ROT_FIRMWARE(0),
                                     ROT_SESSION(0), ROT_DATA(0),   ROT_COUNTER(0), ROT_COUNTER(1),
                                     ROT_DATA(2),    ROT_CHANNEL(0)};

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
    size_t cap = take(in) * 2u, n = 0;
    uint8_t *out = exact(cap), digest[32] = {1}, secret[32];
    rot_err rc = ROT_E_ARG;

    switch (take(in) % 6) {
    case 0:
        rc = rot_key_generate(chip, object,
                              object == ROT_SESSION(0) ? ROT_ALG_HMAC_SHA256 : ROT_ALG_P256, out,
                              cap, &n);
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
        rc = rot_key_delete(chip, object);
        break;
    default:
        rc = rot_verify_digest(chip, object, take(in) % 2 != 0 ? peer : NULL, sizeof(peer), digest,
                               32, (const uint8_t *)"\x30\x06\x02\x01\x01\x02\x01\x01", 8);
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
            must(n <= 65536);
    } else {
        (void)!rot_object_write(chip, object, part, 0, buf, len, len + (offset & 1), &n);
    }
    free(buf);
}

/* TPM2B_PUBLIC of an HMAC key, TPM2B_PRIVATE, TPM2B_ENCRYPTED_SECRET. */
static const uint8_t wrapped[] = {0x00, 0x12, 0x00, 0x08, 0x00, 0x0b, 0x00, 0x04, 0x00,
                                  0x40, 0x00, 0x00, 0x00, 0x05, 0x00, 0x0b, 0x00, 0x02,
                                  0x01, 0x02, 0x00, 0x02, 0x03, 0x04, 0x00, 0x01, 0x05};

static void
use_secret(struct rot_chip *chip, struct input *in)
{
    size_t len = take(in) * 16u, n = 0;
    uint8_t *msg = exact(len), *out = exact(64);
    struct rot_kdf_params p = {.kdf = (enum rot_kdf)(1 + take(in) % 4),
                               .info = {msg, len < 900 ? len : 900},
                               .out_len = take(in) % 2 != 0 ? 64 : 32};

    if (take(in) % 2 == 0)
        (void)!rot_key_generate(chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, out, 64, &n);
    else
        (void)!rot_key_import(chip, ROT_SESSION(0), ROT_ALG_HMAC_SHA256, wrapped, sizeof(wrapped));
    if (rot_mac(chip, ROT_SESSION(0), msg, len, out, 32, &n) == ROT_OK)
        must(n == 32);
    if (rot_derive(chip, ROT_SESSION(0), &p, 0, out, 64, &n) == ROT_OK)
        must(n == p.out_len);
    free(out);
    free(msg);
}

static void
attest(struct rot_chip *chip, struct input *in)
{
    static const uint8_t challenge[72] = {0x00, 0x26, 0x00, 0x20, [40] = 0x00, 0x1e};
    struct rot_evidence e = {.cap = 700 + take(in)};
    rot_object object = pick(in);
    uint8_t nonce[32] = {3}, *secret = exact(32);
    size_t n = 0;

    e.buf = exact(e.cap);
    if (rot_attest(chip, object, nonce, &e) == ROT_OK)
        must(e.len <= e.cap);
    if (rot_activate(chip, object, challenge, sizeof(challenge), secret, 32, &n) == ROT_OK)
        must(n <= 32);
    free(e.buf);
    free(secret);
}

static void
look_around(struct rot_chip *chip, struct input *in)
{
    struct rot_capability cap;
    struct rot_identity id;
    enum rot_seal_state state;
    uint64_t value = 0;
    size_t len = take(in), uid_len = 0;
    uint8_t *random = exact(len), uid[ROT_UID_MAX];
    rot_object counter = ROT_COUNTER(take(in) % 2);

    if (rot_identify(chip, &id) == ROT_OK)
        must(memchr(id.vendor, 0, sizeof(id.vendor)) != NULL && id.uid_len <= sizeof(id.uid));
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        must(rot_capabilities(chip, objects[i], &cap) == ROT_OK);
    (void)!rot_random(chip, random, len);
    free(random);
    (void)!rot_counter_read(chip, counter, &value);
    (void)!rot_counter_increment(chip, counter, &value);
    (void)!rot_seal(chip, ROT_STAGE_OBJECT, ROT_TRUST(0));
    if (rot_seal_state(chip, ROT_STAGE_OBJECT, ROT_TRUST(0), &state) == ROT_OK)
        must(state == ROT_SEAL_OPEN || state == ROT_SEAL_DONE);
    if (take(in) % 4 == 0)
        (void)!rot_wipe(chip);
    (void)!rot_self_test(chip);
    (void)!rot_reset(chip);
    if (rot_uid(chip, uid, &uid_len) == ROT_OK)
        must(uid_len == TPM2_HASH);
}

/* ---- The whole driver ----------------------------------------------------------------------- */

static void
fill(struct fake_tpm *tpm, struct input *in)
{
    static const uint32_t handles[] = {0x81020000, 0x81020001, 0x81008000};
    struct fake_index *x = &tpm->indices[1];

    for (size_t i = 0; i < 3; i++) {
        struct fake_object *o = &tpm->objects[i + 1];
        static const uint8_t head[] = {0x00, 0x23, 0x00, 0x0b, 0x00, 0x04, 0x00, 0xf2, 0x00, 0x00,
                                       0x00, 0x10, 0x00, 0x10, 0x00, 0x03, 0x00, 0x10, 0x00, 0x20};
        o->handle = (take(in) & 1) != 0 ? handles[i] : 0;
        memcpy(o->area, head, sizeof(head));
        memcpy(o->area + sizeof(head) + 32, "\x00\x20", 2);
        o->len = sizeof(head) + 66;
    }
    if ((take(in) & 1) != 0) {
        x->index = 0x01800202; /* trust/1 */
        x->attributes = 0x22060002;
        x->size = 100;
        memcpy(x->data + 92, "RS\x01\x00\x00\x00\x00\x01", 8);
    }
}

static void
try_driver(struct input *in)
{
    static struct fake_tpm tpm;
    struct rot_setup setup = {.driver = &rot_driver_tpm2, .port = &port};
    struct rot_chip chip;

    fake_tpm_init(&tpm);
    fill(&tpm, in);
    tpm.is_cheap = 1;
    tpm.arg = in;
    tpm.lie = lie;
    tpm.tamper = tamper;
    setup.transport = &tpm.transport;
    setup.state_size = rot_driver_tpm2.state_size;
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

static void
try_alone(struct input *in, int challenge)
{
    static uint64_t memory[1024];
    static struct fake_tpm tpm;
    struct rot_setup setup = {.driver = &rot_driver_tpm2,
                              .port = &port,
                              .transport = &tpm.transport,
                              .state = memory,
                              .state_size = sizeof(memory)};
    struct rot_chip chip;
    struct tpm2_key key;
    size_t len = in->left, n = 0;
    uint8_t *bytes = exact(len), secret[32];

    memcpy(bytes, in->p, len);
    fake_tpm_init(&tpm);
    tpm.is_cheap = 1;
    must(rot_open(&chip, &setup) == ROT_OK);
    if (challenge)
        (void)!rot_activate(&chip, ROT_LDEVID(0), bytes, len, secret, sizeof(secret), &n);
    else if (tpm2_take_public(&chip, (struct rot_bytes){bytes, len}, &key) == ROT_OK)
        must(key.name.len == TPM2_NAME_MAX && key.rsa.len <= len);
    rot_close(&chip);
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
        try_driver(&in);
    else
        try_alone(&in, (first & 3) == 3);
    return 0;
}
