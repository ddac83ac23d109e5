/*
 * stsafe_response_fuzz.c: a hostile STSAFE-A under the driver.
 *
 * The part is the one of the unit tests, which keeps zones, keys and counters; the
 * input says, a byte for every command, what is answered instead of the truth.
 * MACs are zeroes on both sides and nothing is encrypted, so the part may lie and
 * be believed; the unit tests are about MACs.
 *
 * First byte, low two bits:
 *   0, 1  flags and contents of the part, then calls of rot.h until the input ends
 *   2     answers of Query, read alone
 *   3     frames and padding, alone
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "../librot/drivers/stsafe/stsafe.h"
#include "../librot/transports/stsafe_frame.h"
#include "../tests/unit/librot_stsafe/fake_part.h"

#define CALLS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct rot_driver rot_driver_stsafe;

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

/* ---- The port: crypto that costs nothing, the same as the part's ------------------------ */

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
    touch(&key, 1);
    return cheap_hash(self, alg, parts, count, out);
}

static rot_err
cheap_ecb(void *self, struct rot_bytes key, int encrypt, const uint8_t *in, size_t len,
          uint8_t *out)
{
    (void)self;
    (void)encrypt;
    touch(&key, 1);
    memmove(out, in, len);
    return ROT_OK;
}

static rot_err
cheap_cbc(void *self, struct rot_bytes key, uint8_t iv[16], int encrypt, const uint8_t *in,
          size_t len, uint8_t *out)
{
    must(len % 16 == 0);
    iv[0] = 0;
    return cheap_ecb(self, key, encrypt, in, len, out);
}

static rot_err
cheap_cmac(void *self, struct rot_bytes key, const struct rot_bytes *parts, size_t count,
           uint8_t mac[16])
{
    (void)self;
    touch(&key, 1);
    touch(parts, count);
    memset(mac, 0, 16);
    return ROT_OK;
}

static rot_err
cheap_aead(void *self, enum rot_aead alg, struct rot_bytes key, struct rot_bytes nonce,
           struct rot_bytes aad, int seal, struct rot_bytes in, uint8_t *out)
{
    (void)self;
    (void)alg;
    touch(&key, 1);
    touch(&nonce, 1);
    touch(&aad, 1);
    memset(out, 0, seal ? in.len + 16 : in.len - 16);
    return ROT_OK;
}

static rot_err
cheap_kdf(void *self, struct rot_bytes secret, const struct rot_kdf_params *params, uint8_t *out)
{
    (void)self;
    touch(&secret, 1);
    memset(out, 0x77, params->out_len);
    return ROT_OK;
}

static rot_err
cheap_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    (void)self;
    (void)driver;
    touch(&uid, 1);
    memset(secret, 0x42, len);
    return ROT_OK;
}

static const struct rot_port_ops ops = {
    .hash = cheap_hash,
    .hmac = cheap_hmac,
    .aes_ecb = cheap_ecb,
    .aes_cbc = cheap_cbc,
    .aes_cmac = cheap_cmac,
    .aead = cheap_aead,
    .kdf = cheap_kdf,
    .channel_secret = cheap_secret,
};
static const struct rot_port port = {NULL, &ops};

/* ---- Lies ------------------------------------------------------------------------------------ */

static void
lie(void *arg, unsigned code, struct fake_said *said)
{
    struct input *in = arg;
    unsigned what = take(in), at, n;

    (void)code;
    switch (what % 12) {
    case 1: /* a byte is another */
        at = take(in);
        if (at < said->len)
            said->payload[at] = (uint8_t)take(in);
        break;
    case 2: /* cut short */
        n = take(in);
        said->len = n < said->len ? n : said->len;
        break;
    case 3: /* something behind it */
        n = take(in);
        memset(said->payload + said->len, 0x99, n);
        said->len += n;
        break;
    case 4:
        said->status = (uint8_t)(take(in) & 0x1f);
        break;
    case 5: /* all of it */
        n = take(in);
        for (said->len = 0; said->len < n; said->len++)
            said->payload[said->len] = (uint8_t)take(in);
        break;
    case 6: /* near the end */
        at = take(in);
        if (at < said->len)
            said->payload[said->len - 1 - at] = (uint8_t)take(in);
        break;
    default:
        break;
    }
}

/* Rarely the frame itself: its length, its CRC, or all of it. */
static size_t
tamper(void *arg, unsigned code, uint8_t *frame, size_t len)
{
    struct input *in = arg;
    unsigned what = take(in);

    (void)code;
    if (what == 0xf0) {
        frame[1] = (uint8_t)(take(in) & 3);
        frame[2] = (uint8_t)take(in);
    } else if (what == 0xf1) {
        frame[len - 1] ^= 1;
    } else if (what == 0xf2) {
        len = take(in) * 2u;
        for (size_t i = 0; i < len && i < 24; i++)
            frame[i] = (uint8_t)take(in);
    } else if (what == 0xf3) {
        frame[0] |= (uint8_t)(take(in) & 0xe0);
    }
    return len;
}

/* ---- Calls -------------------------------------------------------------------------------------- */

static const rot_object objects[] = {
    ROT_VENDOR(0),   ROT_IDEVID,     ROT_LDEVID(0),  ROT_TRUST(0),   ROT_TRUST(1),
    ROT_FIRMWARE(0), ROT_SESSION(0), ROT_SESSION(1), ROT_SESSION(2), ROT_SESSION(3),
    ROT_DATA(0),     ROT_COUNTER(0), ROT_COUNTER(1)};

static rot_object
pick(struct input *in)
{
    return objects[take(in) % (sizeof(objects) / sizeof(objects[0]))];
}

static const uint8_t peer[91] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
                                 0x07, 0x03, 0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2};

static enum rot_alg
alg_of(rot_object object)
{
    if (object == ROT_SESSION(0))
        return ROT_ALG_HMAC_SHA256;
    return ROT_OBJECT_KIND(object) == ROT_KIND_SESSION ? ROT_ALG_AES128 : ROT_ALG_P256;
}

static void
use_key(struct rot_chip *chip, struct input *in)
{
    rot_object object = pick(in);
    size_t cap = take(in), n = 0;
    uint8_t *out = exact(cap), digest[32] = {1}, secret[32];
    rot_err rc = ROT_E_ARG;

    switch (take(in) % 7) {
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
        rc = rot_agree(chip, object, peer, sizeof(peer), 0, secret, sizeof(secret), &n);
        cap = sizeof(secret);
        break;
    case 4:
        rc = rot_key_delete(chip, object);
        break;
    case 5:
        rc = rot_agree(chip, ROT_LDEVID(0), peer, sizeof(peer), object, NULL, 0, NULL);
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
    size_t len = take(in) * 4u, offset = take(in), n = 0;
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
            must(n <= 2048);
    } else {
        (void)!rot_object_write(chip, object, part, 0, buf, len, len + (offset & 1), &n);
        (void)!rot_object_write(chip, object, part, len, buf, offset & 1, len + (offset & 1), &n);
    }
    free(buf);
}

static void
use_secret(struct rot_chip *chip, struct input *in)
{
    rot_object object = ROT_SESSION(take(in) % 4);
    size_t len = take(in) * 3u, n = 0;
    uint8_t *msg = exact(len), *out = exact(len + 16), nonce[12] = {0}, derived[64];
    const struct rot_bytes m = {msg, len}, iv = {nonce, 12}, none = {NULL, 0};
    struct rot_kdf_params p = {
        .kdf = ROT_KDF_HKDF_SHA256, .info = m, .out_len = take(in) % 2 != 0 ? 64 : 16};

    (void)!rot_key_generate(chip, object, alg_of(object), derived, sizeof(derived), &n);
    if (take(in) % 2 != 0)
        (void)!rot_agree(chip, ROT_LDEVID(0), peer, sizeof(peer), ROT_SESSION(2), NULL, 0, NULL);
    if (rot_mac(chip, object, msg, len, derived, sizeof(derived), &n) == ROT_OK)
        must(n == 16 || n == 32);
    (void)!rot_derive(chip, object, &p, ROT_SESSION((object & 2u) + (p.out_len == 16)), NULL, 0,
                      NULL);
    if (rot_aead_seal(chip, object, ROT_AEAD_AES_GCM, iv, none, m, out, len + 16, &n) == ROT_OK)
        must(n == len + 16);
    free(out);
    free(msg);
}

static void
attest(struct rot_chip *chip, struct input *in)
{
    struct rot_evidence e = {.cap = take(in) * 8u};
    uint8_t nonce[32] = {3}, secret[32];

    e.buf = exact(e.cap);
    if (rot_attest(chip, pick(in), nonce, &e) == ROT_OK)
        must(e.len <= e.cap);
    free(e.buf);
    if (take(in) % 4 != 0)
        return;
    memset(secret, (int)take(in), sizeof(secret));
    (void)!rot_channel_rotate(chip, secret, sizeof(secret));
}

static void
look_around(struct rot_chip *chip, struct input *in)
{
    enum rot_stage stage = (enum rot_stage)(take(in) % 4);
    rot_object object = stage == ROT_STAGE_OBJECT ? ROT_TRUST(0) : 0, counter;
    enum rot_seal_state state;
    struct rot_capability cap;
    struct rot_identity id;
    uint64_t value = 0;
    size_t len = take(in), uid_len = 0;
    uint8_t *random = exact(len), uid[ROT_UID_MAX];

    if (rot_identify(chip, &id) == ROT_OK)
        must(memchr(id.model, 0, sizeof(id.model)) != NULL && id.uid_len <= sizeof(id.uid));
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        must(rot_capabilities(chip, objects[i], &cap) == ROT_OK);
    (void)!rot_random(chip, random, len);
    free(random);
    counter = ROT_COUNTER(take(in) % 2);
    if (rot_counter_read(chip, counter, &value) == ROT_OK)
        must(value <= UINT32_MAX);
    if (rot_counter_increment(chip, counter, &value) == ROT_OK)
        must(value <= UINT32_MAX);
    (void)!rot_seal(chip, stage, object);
    if (rot_seal_state(chip, stage, object, &state) == ROT_OK)
        must(state >= ROT_SEAL_OPEN && state <= ROT_SEAL_FOREIGN);
    (void)!rot_reset(chip);
    if (rot_uid(chip, uid, &uid_len) == ROT_OK)
        must(uid_len == STSAFE_UID);
}

/* ---- The whole driver --------------------------------------------------------------------------- */

static void
fill(struct fake_part *part, unsigned flags, struct input *in)
{
    static struct fake_part made[3];
    unsigned model = flags >> 2 & 3;

    model = model == 3 ? 1 : model;
    if (made[model].transport.self == NULL)
        fake_part_init(&made[model], model);
    *part = made[model];
    part->transport.self = part;
    part->is_cheap = 1;
    part->has_host = (flags & 16) != 0;
    part->counter = take(in) << 20;
    if ((flags & 32) != 0) {
        /* An object in a zone, whole as far as its trailer says. */
        unsigned zone = 1 + take(in) % 7, at = take(in) * 7u, len = take(in);
        uint8_t t[STSAFE_TRAILER] = {'R', 'S', 1, 0, 0, 0, 0, 1, 0, (uint8_t)len};
        uint16_t crc = stsafe_frame_crc(0, t, 10);

        t[10] = (uint8_t)(crc >> 8);
        t[11] = (uint8_t)crc;
        if (at < FAKE_ZONE_MAX - STSAFE_TRAILER)
            memcpy(part->zones[zone].data + at, t, sizeof(t));
    }
    if ((flags & 64) != 0)
        part->zones[0].data[take(in)] = (uint8_t)take(in);
}

static void
try_driver(struct input *in, unsigned flags)
{
    static struct fake_part part;
    struct rot_setup setup = {.driver = &rot_driver_stsafe, .port = &port};
    struct rot_chip chip;

    fill(&part, flags, in);
    part.arg = in;
    part.lie = lie;
    part.tamper = tamper;
    setup.transport = &part.transport;
    setup.layout = stsafe_layouts[flags >> 7];
    setup.state_size = rot_driver_stsafe.state_size;
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

/* ---- Pure functions -------------------------------------------------------------------------------- */

static void
try_answers(struct input *in)
{
    unsigned which = take(in) % 4, zone = take(in) % 8;
    size_t len = in->left;
    uint8_t *bytes = exact(len), mask[3], uid[STSAFE_UID], model = 0, pair[128];
    struct stsafe_reader r = {bytes, len, 0};
    struct stsafe_rules rules;
    struct stsafe_zone z;

    memcpy(bytes, in->p, len);
    if (which == 0 && stsafe_read_product(&r, mask, uid, &model) == ROT_OK)
        must(model <= STSAFE_A120);
    else if (which == 1 && stsafe_read_rules(&r, &rules) == ROT_OK)
        must(r.len == 0);
    else if (which == 2 && stsafe_read_zone(&r, zone, &z) == ROT_OK)
        must(z.access < 8 && z.is_counter < 2);
    else if (which == 3)
        stsafe_get_pair(&r, 64, pair);
    must(r.len <= len);
    free(bytes);
}

static void
try_frames(struct input *in)
{
    static const uint8_t keys[STSAFE_SECRET];
    const struct stsafe_crypto c = {&port, keys, 4};
    size_t len = in->left, n = len;
    uint8_t *bytes = exact(len);

    memcpy(bytes, in->p, len);
    if (stsafe_frame_check(bytes, len) == ROT_OK)
        must(len >= STSAFE_FRAME_MIN);
    if (stsafe_decrypt_answer(&c, 1, bytes, &n) == ROT_OK)
        must(n < len && len - n <= 16);
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
        try_answers(&in);
    else
        try_frames(&in);
    return 0;
}
