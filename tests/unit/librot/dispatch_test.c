/*
 * dispatch_test.c: what the core lets through to a driver, and what not.
 *
 * The driver here does nothing but count: a call that must be refused must not
 * have reached it, and one that is good must have, with the right place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <rot/rot_driver.h>

/* ---- A driver that counts ------------------------------------------------------ */

static struct {
    unsigned calls;
    unsigned closed;
    const struct rot_place *place, *into;
    size_t len;
    rot_err answer;
    uint8_t promise; /* what capability says for everything */
} seen;

static rot_err
count(const struct rot_place *place)
{
    seen.calls++;
    seen.place = place;
    return seen.answer;
}

static rot_err
fake_probe(struct rot_chip *chip)
{
    const uint8_t *state = chip->setup.state;

    for (size_t i = 0; i < 64; i++)
        assert_int_equal(state[i], 0);
    return count(NULL);
}

static void
fake_close(struct rot_chip *chip)
{
    memset(chip->setup.state, 0xee, 64); /* must be wiped afterwards */
    seen.closed++;
}

static rot_err
fake_chip_call(struct rot_chip *chip)
{
    chip->raw_status = 0x0f;
    return count(NULL);
}

static rot_err
fake_identify(struct rot_chip *chip, struct rot_identity *id)
{
    (void)chip;
    assert_int_equal(id->uid_len, 0);
    id->revision = 42;
    id->uid[0] = 0x77;
    id->uid_len = 1;
    return count(NULL);
}

static void
fake_capability(const struct rot_chip *chip, const struct rot_place *key,
                const struct rot_place *cert, const struct rot_place *chain,
                const struct rot_place *data, struct rot_capability *cap)
{
    (void)chip;
    (void)key;
    (void)cert;
    (void)chain;
    (void)data;
    memset(cap->where, seen.promise, sizeof(cap->where));
    cap->cert_size = cap->chain_size = cap->data_size = 99;
}

static rot_err
fake_random(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    (void)chip;
    (void)buf;
    seen.len = len;
    return count(NULL);
}

static rot_err
fake_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg, uint8_t *pub,
              size_t cap, size_t *ret_len)
{
    (void)chip;
    (void)alg;
    (void)pub;
    (void)cap;
    *ret_len = 91;
    return count(place);
}

static rot_err
fake_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
            size_t *ret_len)
{
    (void)chip;
    (void)pub;
    (void)cap;
    *ret_len = 91;
    return count(place);
}

static rot_err
fake_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
            const uint8_t *wrapped, size_t wrapped_len)
{
    (void)chip;
    (void)alg;
    (void)wrapped;
    (void)wrapped_len;
    return count(place);
}

static rot_err
fake_place_call(struct rot_chip *chip, const struct rot_place *place)
{
    (void)chip;
    return count(place);
}

static rot_err
fake_sign(struct rot_chip *chip, const struct rot_place *place, const uint8_t *in, size_t in_len,
          uint8_t *sig, size_t cap, size_t *ret_len)
{
    (void)chip;
    (void)in;
    (void)sig;
    (void)cap;
    seen.len = in_len;
    *ret_len = 70;
    return count(place);
}

static rot_err
fake_verify(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
            size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
            size_t sig_len)
{
    (void)chip;
    (void)digest;
    (void)digest_len;
    (void)sig;
    (void)sig_len;
    assert_true((pub == NULL) == (place != NULL));
    seen.len = pub_len;
    return count(place);
}

static rot_err
fake_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
           size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
           size_t *ret_len)
{
    (void)chip;
    (void)peer;
    (void)peer_len;
    (void)cap;
    assert_true((into == NULL) == (secret != NULL));
    if (secret != NULL)
        *ret_len = 32;
    seen.into = into;
    return count(place);
}

static rot_err
fake_derive(struct rot_chip *chip, const struct rot_place *from,
            const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
            size_t cap, size_t *ret_len)
{
    (void)chip;
    (void)cap;
    if (out != NULL)
        *ret_len = params->out_len;
    seen.into = into;
    return count(from);
}

static rot_err
fake_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
          struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
          size_t cap, size_t *ret_len)
{
    (void)chip;
    (void)alg;
    (void)seal;
    (void)nonce;
    (void)aad;
    (void)out;
    (void)cap;
    *ret_len = in.len;
    return count(place);
}

static rot_err
fake_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    (void)chip;
    *ret_size = 5;
    return count(place);
}

static rot_err
fake_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
          size_t cap, size_t *ret_len)
{
    (void)chip;
    (void)offset;
    (void)buf;
    (void)cap;
    *ret_len = 0;
    return count(place);
}

static rot_err
fake_write(struct rot_chip *chip, const struct rot_place *place, size_t offset, const uint8_t *buf,
           size_t len, size_t total, size_t *ret_need)
{
    (void)chip;
    (void)offset;
    (void)buf;
    (void)len;
    (void)total;
    assert_non_null(ret_need);
    *ret_need = 1234;
    return count(place);
}

static rot_err
fake_counter(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    (void)chip;
    *ret_value = 7;
    return count(place);
}

static rot_err
fake_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
            struct rot_evidence *evidence)
{
    (void)chip;
    (void)nonce;
    evidence->len = 1;
    return count(place);
}

static rot_err
fake_activate(struct rot_chip *chip, const struct rot_place *place, const uint8_t *challenge,
              size_t challenge_len, uint8_t *secret, size_t cap, size_t *ret_len)
{
    (void)chip;
    (void)challenge;
    (void)challenge_len;
    (void)cap;
    secret[0] = 1;
    *ret_len = 1;
    return count(place);
}

static rot_err
fake_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    (void)chip;
    assert_true((stage == ROT_STAGE_OBJECT) == (place != NULL));
    return count(place);
}

static rot_err
fake_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
                enum rot_seal_state *ret_state)
{
    (void)stage;
    (void)chip;
    *ret_state = ROT_SEAL_OPEN;
    return count(place);
}

static rot_err
fake_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    (void)chip;
    (void)secret;
    seen.len = secret_len;
    return count(NULL);
}

#define SIGN  ROT_PLACE_SIGN
#define FIXED ROT_PLACE_READ_ONLY

static const struct rot_place places[] = {
    {ROT_IDEVID, ROT_PART_KEY, ROT_ALG_P256, SIGN, 0, 0, 0, 0},
    {ROT_IDEVID, ROT_PART_CERT, 0, ROT_PLACE_COMPRESSED, 0, 72, 10, 0},
    {ROT_LDEVID(0), ROT_PART_KEY, ROT_ALG_P384, SIGN | ROT_PLACE_AGREE | ROT_PLACE_EXPORT, 0, 0, 2,
     0},
    {ROT_LDEVID(0), ROT_PART_CERT, 0, 0, 0, 100, 3, 0},
    {ROT_LDEVID(0), ROT_PART_CHAIN, 0, 0, 0, 100, 3, 0},
    {ROT_LDEVID(1), ROT_PART_KEY, ROT_ALG_ED25519, SIGN, 0, 0, 4, 0},
    {ROT_LDEVID(2), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_AGREE, 0, 0, 5, 0},
    {ROT_LDEVID(3), ROT_PART_KEY, ROT_ALG_RSA2048, SIGN, 0, 0, 5, 0},
    {ROT_LDEVID(4), ROT_PART_KEY, ROT_ALG_X25519, ROT_PLACE_AGREE | ROT_PLACE_EXPORT, 0, 0, 5, 0},
    {ROT_LDEVID(5), ROT_PART_KEY, ROT_ALG_P521, SIGN, 0, 0, 5, 0},
    {ROT_VENDOR(0), ROT_PART_KEY, ROT_ALG_P256, SIGN | FIXED, 0, 0, 1, 0},
    {ROT_VENDOR(0), ROT_PART_CERT, 0, FIXED, 0, 500, 1, 0},
    {ROT_FIRMWARE(0), ROT_PART_DATA, ROT_ALG_P256, ROT_PLACE_PUBLIC_KEY | ROT_PLACE_LOCKABLE, 0, 91,
     15, 0},
    {ROT_TRUST(0), ROT_PART_DATA, 0, 0, 0, 400, 8, 0},
    {ROT_SESSION(0), ROT_PART_KEY, ROT_ALG_HMAC_SHA256, ROT_PLACE_EXPORT, 0, 0, 20, 0},
    {ROT_SESSION(1), ROT_PART_KEY, ROT_ALG_AES128, 0, 0, 0, 21, 0},
    {ROT_SESSION(2), ROT_PART_KEY, ROT_ALG_AES256, FIXED, 0, 0, 22, 0},
    {ROT_COUNTER(0), ROT_PART_DATA, 0, 0, 0, 8, 1, 0},
    {ROT_COUNTER(1), ROT_PART_DATA, 0, FIXED, 0, 8, 1, 0},
};

static const struct rot_layout fake_layout = {.name = "fake-a",
                                              .driver = "fake",
                                              .places = places,
                                              .place_count = sizeof(places) / sizeof(places[0])};
static const struct rot_layout foreign_layout = {.name = "other", .driver = "fake2"};
static const struct rot_layout broken_layout = {.name = "b", .driver = "fake", .place_count = 1};
static const struct rot_layout *const fake_layouts[] = {&fake_layout, NULL};

static const struct rot_driver full = {
    .name = "fake",
    .vendor = "nobody",
    .bus = ROT_BUS_NONE,
    .state_size = 64,
    .layouts = fake_layouts,
    .probe = fake_probe,
    .close = fake_close,
    .reset = fake_chip_call,
    .identify = fake_identify,
    .capability = fake_capability,
    .random = fake_random,
    .key_generate = fake_generate,
    .key_public = fake_public,
    .key_import = fake_import,
    .key_delete = fake_place_call,
    .sign_digest = fake_sign,
    .sign_message = fake_sign,
    .verify_digest = fake_verify,
    .agree = fake_agree,
    .derive = fake_derive,
    .mac = fake_sign,
    .aead = fake_aead,
    .object_size = fake_size,
    .object_read = fake_read,
    .object_write = fake_write,
    .counter_read = fake_counter,
    .counter_increment = fake_counter,
    .attest = fake_attest,
    .activate = fake_activate,
    .seal_prepare = fake_seal,
    .seal = fake_seal,
    .seal_state = fake_seal_state,
    .wipe = fake_chip_call,
    .channel_rotate = fake_rotate,
    .self_test = fake_chip_call,
};

/* What is not optional, and nothing else. */
static const struct rot_driver bare = {
    .name = "fake",
    .layouts = fake_layouts,
    .probe = fake_chip_call,
    .identify = fake_identify,
    .capability = fake_capability,
};

static rot_err
fake_hash(void *self, enum rot_hash alg, const struct rot_bytes *parts, size_t part_count,
          uint8_t *out)
{
    (void)parts;
    (void)part_count;
    *(enum rot_hash *)self = alg;
    memset(out, 1, alg == ROT_HASH_SHA256 ? 32 : (alg == ROT_HASH_SHA384 ? 48 : 64));
    return ROT_OK;
}

static enum rot_hash hashed;
static const struct rot_port_ops port_ops = {.hash = fake_hash};
static const struct rot_port port = {&hashed, &port_ops};
static const struct rot_port_ops no_ops = {.hash = NULL};
static const struct rot_port poor_port = {NULL, &no_ops};

static uint64_t state_memory[9];

static struct rot_setup
make_setup(const struct rot_driver *driver)
{
    struct rot_setup s = {
        .driver = driver, .port = &port, .state = state_memory, .state_size = sizeof(state_memory)};

    memset(&seen, 0, sizeof(seen));
    seen.promise = ROT_IN_CHIP;
    return s;
}

static struct rot_chip
make_chip(const struct rot_driver *driver)
{
    struct rot_setup setup = make_setup(driver);
    struct rot_chip chip;

    assert_int_equal(rot_open(&chip, &setup), ROT_OK);
    seen.calls = 0;
    return chip;
}

/* A refusal: the code is right and the driver was not asked. */
#define REFUSED(call, code)                                                                        \
    do {                                                                                           \
        seen.calls = 0;                                                                            \
        assert_int_equal((call), (code));                                                          \
        assert_int_equal(seen.calls, 0);                                                           \
    } while (0)

#define REACHED(call, obj, part)                                                                   \
    do {                                                                                           \
        seen.calls = 0;                                                                            \
        assert_int_equal((call), ROT_OK);                                                          \
        assert_int_equal(seen.calls, 1);                                                           \
        assert_ptr_equal(seen.place, rot_layout_find(&fake_layout, obj, part));                    \
    } while (0)

/* ---- Opening ---------------------------------------------------------------------- */

static void
open_refuses_what_is_incomplete(void **state)
{
    struct rot_chip chip;
    struct rot_setup good = make_setup(&full), s;
    struct rot_driver d;
    struct rot_port no_table = {NULL, NULL};

    (void)state;
    REFUSED(rot_open(NULL, &good), ROT_E_ARG);
    REFUSED(rot_open(&chip, NULL), ROT_E_ARG);
#define WITHOUT(field, value)                                                                      \
    do {                                                                                           \
        s = good;                                                                                  \
        s.field = (value);                                                                         \
        REFUSED(rot_open(&chip, &s), ROT_E_ARG);                                                   \
        assert_int_equal(chip.is_open, 0);                                                         \
    } while (0)
    WITHOUT(driver, NULL);
    WITHOUT(port, NULL);
    WITHOUT(port, &no_table);
    WITHOUT(state, NULL);
    WITHOUT(state_size, 63);
    WITHOUT(state, (uint8_t *)state_memory + 1);
    WITHOUT(layout, &foreign_layout);
    WITHOUT(layout, &broken_layout);
#define LACKING(field)                                                                             \
    do {                                                                                           \
        d = full;                                                                                  \
        d.field = NULL;                                                                            \
        WITHOUT(driver, &d);                                                                       \
    } while (0)
    LACKING(name);
    LACKING(probe);
    LACKING(identify);
    LACKING(capability);
    LACKING(layouts);
}

static void
nothing_wait(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static rot_err
nothing_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    (void)self;
    (void)address;
    (void)tx;
    (void)tx_len;
    return ROT_OK;
}

static rot_err
nothing_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    (void)self;
    (void)address;
    (void)rx;
    (void)rx_len;
    return ROT_OK;
}

static rot_err
nothing_spi(void *self, const uint8_t *tx, uint8_t *rx, size_t len, int keep)
{
    (void)self;
    (void)tx;
    (void)rx;
    (void)len;
    (void)keep;
    return ROT_OK;
}

static rot_err
nothing_stream_write(void *self, const uint8_t *tx, size_t tx_len)
{
    (void)self;
    (void)tx;
    (void)tx_len;
    return ROT_OK;
}

static rot_err
nothing_stream_read(void *self, uint8_t *rx, size_t cap, uint32_t timeout_ms, size_t *ret_len)
{
    (void)self;
    (void)rx;
    (void)cap;
    (void)timeout_ms;
    *ret_len = 0;
    return ROT_BUSY;
}

static rot_err
nothing_exchange(void *self, const uint8_t *tx, size_t tx_len, uint8_t *rx, size_t cap,
                 size_t *ret_len)
{
    (void)self;
    (void)tx;
    (void)tx_len;
    (void)rx;
    (void)cap;
    *ret_len = 0;
    return ROT_OK;
}

static const struct rot_line_ops line = {.delay_us = nothing_wait};
static const struct rot_line_ops no_delay = {.delay_us = NULL};
static const struct rot_i2c_ops i2c = {.write = nothing_write, .read = nothing_read};
static const struct rot_i2c_ops i2c_half = {.write = nothing_write};
static const struct rot_spi_ops spi = {.transfer = nothing_spi};
static const struct rot_spi_ops spi_none = {.transfer = NULL};
static const struct rot_stream_ops stream = {.write = nothing_stream_write,
                                             .read = nothing_stream_read};
static const struct rot_stream_ops stream_half = {.read = nothing_stream_read};
static const struct rot_message_ops message = {.exchange = nothing_exchange};
static const struct rot_message_ops message_none = {.exchange = NULL};

static void
open_wants_the_drivers_bus(void **state)
{
    static const struct rot_transport all = {
        .line = &line, .i2c = &i2c, .spi = &spi, .stream = &stream, .message = &message};
    struct rot_chip chip;
    struct rot_setup s = make_setup(&full);
    struct rot_driver d = full;
    struct rot_transport t;

    (void)state;
    s.driver = &d;
    for (unsigned bus = ROT_BUS_I2C; bus <= ROT_BUS_MESSAGE; bus++) {
        d.bus = (enum rot_bus)bus;
        s.transport = NULL;
        REFUSED(rot_open(&chip, &s), ROT_E_ARG);
        s.transport = &t;
        t = all;
        t.line = NULL;
        REFUSED(rot_open(&chip, &s), ROT_E_ARG);
        t.line = &no_delay;
        REFUSED(rot_open(&chip, &s), ROT_E_ARG);
        t = all;
        t.i2c = bus == ROT_BUS_I2C ? NULL : t.i2c;
        t.spi = bus == ROT_BUS_SPI ? NULL : t.spi;
        t.stream = bus == ROT_BUS_STREAM ? NULL : t.stream;
        t.message = bus == ROT_BUS_MESSAGE ? NULL : t.message;
        REFUSED(rot_open(&chip, &s), ROT_E_ARG);
        t.i2c = &i2c_half;
        t.spi = &spi_none;
        t.stream = &stream_half;
        t.message = &message_none;
        REFUSED(rot_open(&chip, &s), ROT_E_ARG);
        t = all;
        assert_int_equal(rot_open(&chip, &s), ROT_OK);
        rot_close(&chip);
    }
    d.bus = (enum rot_bus)9;
    REFUSED(rot_open(&chip, &s), ROT_E_ARG);
}

static void
a_failed_probe_leaves_it_closed(void **state)
{
    struct rot_setup s = make_setup(&full);
    struct rot_chip chip;
    uint8_t b;

    (void)state;
    memset(state_memory, 0x33, sizeof(state_memory));
    seen.answer = ROT_E_WRONG_PART;
    assert_int_equal(rot_open(&chip, &s), ROT_E_WRONG_PART);
    assert_int_equal(seen.closed, 1);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(state_memory[i], 0);
    seen.answer = ROT_OK;
    REFUSED(rot_random(&chip, &b, 1), ROT_E_ARG);
}

static void
close_wipes_and_can_be_repeated(void **state)
{
    struct rot_chip chip = make_chip(&full);
    struct rot_chip small = make_chip(&bare);
    uint8_t b;

    (void)state;
    chip = make_chip(&full);
    rot_close(&chip);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(state_memory[i], 0);
    rot_close(&chip);
    assert_int_equal(seen.closed, 1);
    rot_close(NULL);
    REFUSED(rot_random(&chip, &b, 1), ROT_E_ARG);
    rot_close(&small);
}

/* Every call on a chip that is not open, and on none. */
static void
closed_chips_refuse_everything(void **state)
{
    struct rot_chip closed = make_chip(&full), *chips[2];
    uint8_t b[128] = {0};
    size_t n = 0;
    uint64_t v = 0;
    struct rot_identity id;
    struct rot_capability cap;
    struct rot_bytes none = {NULL, 0}, nonce = {b, 12}, box = {b, 32};
    struct rot_evidence ev = {.buf = b, .cap = sizeof(b)};
    struct rot_kdf_params kdf = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    enum rot_seal_state seal;

    (void)state;
    rot_close(&closed);
    chips[0] = NULL;
    chips[1] = &closed;
    for (size_t i = 0; i < 2; i++) {
        struct rot_chip *c = chips[i];

        REFUSED(rot_reset(c), ROT_E_ARG);
        REFUSED(rot_identify(c, &id), ROT_E_ARG);
        REFUSED(rot_uid(c, b, &n), ROT_E_ARG);
        REFUSED(rot_channel_has(c, b, 32), ROT_E_ARG);
        REFUSED(rot_capabilities(c, ROT_IDEVID, &cap), ROT_E_ARG);
        REFUSED(rot_random(c, b, 1), ROT_E_ARG);
        REFUSED(rot_key_generate(c, ROT_IDEVID, ROT_ALG_P256, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_key_public(c, ROT_IDEVID, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_key_import(c, ROT_IDEVID, ROT_ALG_P256, b, 32), ROT_E_ARG);
        REFUSED(rot_key_delete(c, ROT_IDEVID), ROT_E_ARG);
        REFUSED(rot_sign_digest(c, ROT_IDEVID, b, 32, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_sign_message(c, ROT_IDEVID, b, 32, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_verify_digest(c, ROT_IDEVID, NULL, 0, b, 32, b, 70), ROT_E_ARG);
        REFUSED(rot_agree(c, ROT_LDEVID(0), b, 91, 0, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_derive(c, ROT_SESSION(0), &kdf, 0, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_mac(c, ROT_SESSION(0), b, 1, b, 128, &n), ROT_E_ARG);
        REFUSED(rot_aead_seal(c, ROT_SESSION(1), ROT_AEAD_AES_GCM, nonce, none, none, b, 128, &n),
                ROT_E_ARG);
        REFUSED(rot_aead_open(c, ROT_SESSION(1), ROT_AEAD_AES_GCM, nonce, none, box, b, 128, &n),
                ROT_E_ARG);
        REFUSED(rot_object_size(c, ROT_IDEVID, ROT_PART_CERT, &n), ROT_E_ARG);
        REFUSED(rot_object_read(c, ROT_IDEVID, ROT_PART_CERT, 0, b, 1, &n), ROT_E_ARG);
        REFUSED(rot_object_write(c, ROT_IDEVID, ROT_PART_CERT, 0, b, 1, 1, &n), ROT_E_ARG);
        REFUSED(rot_counter_read(c, ROT_COUNTER(0), &v), ROT_E_ARG);
        REFUSED(rot_counter_increment(c, ROT_COUNTER(0), &v), ROT_E_ARG);
        REFUSED(rot_attest(c, ROT_IDEVID, b, &ev), ROT_E_ARG);
        REFUSED(rot_activate(c, ROT_IDEVID, b, 16, b, 64, &n), ROT_E_ARG);
        REFUSED(rot_seal_prepare(c, ROT_STAGE_DATA, 0), ROT_E_ARG);
        REFUSED(rot_seal(c, ROT_STAGE_DATA, 0), ROT_E_ARG);
        REFUSED(rot_seal_state(c, ROT_STAGE_DATA, 0, &seal), ROT_E_ARG);
        REFUSED(rot_wipe(c), ROT_E_ARG);
        REFUSED(rot_channel_rotate(c, b, 32), ROT_E_ARG);
        REFUSED(rot_channel_pair(c), ROT_E_ARG);
        REFUSED(rot_self_test(c), ROT_E_ARG);
    }
    assert_int_equal(rot_raw_status(NULL), 0);
}

/* Every slot that a driver may leave empty. */
static void
empty_slots_are_unsupported(void **state)
{
    struct rot_chip chip = make_chip(&bare), *c = &chip;
    uint8_t b[128] = {0};
    size_t n = 0;
    uint64_t v = 0;
    struct rot_capability cap;
    struct rot_bytes none = {NULL, 0}, nonce = {b, 12}, box = {b, 32};
    struct rot_evidence ev = {.buf = b, .cap = sizeof(b)};
    struct rot_kdf_params kdf = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32};
    enum rot_seal_state seal;

    (void)state;
    REFUSED(rot_reset(c), ROT_E_UNSUPPORTED);
    REFUSED(rot_random(c, b, 1), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_generate(c, ROT_IDEVID, ROT_ALG_P256, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_public(c, ROT_IDEVID, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_import(c, ROT_IDEVID, ROT_ALG_P256, b, 32), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_delete(c, ROT_IDEVID), ROT_E_UNSUPPORTED);
    REFUSED(rot_sign_digest(c, ROT_IDEVID, b, 32, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_sign_message(c, ROT_IDEVID, b, 32, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_verify_digest(c, ROT_IDEVID, NULL, 0, b, 32, b, 70), ROT_E_UNSUPPORTED);
    REFUSED(rot_agree(c, ROT_LDEVID(0), b, 91, 0, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_derive(c, ROT_SESSION(0), &kdf, 0, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_mac(c, ROT_SESSION(0), b, 1, b, 128, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_aead_seal(c, ROT_SESSION(1), ROT_AEAD_AES_GCM, nonce, none, none, b, 128, &n),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_aead_open(c, ROT_SESSION(1), ROT_AEAD_AES_GCM, nonce, none, box, b, 128, &n),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_object_size(c, ROT_IDEVID, ROT_PART_CERT, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_object_read(c, ROT_IDEVID, ROT_PART_CERT, 0, b, 1, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_object_write(c, ROT_IDEVID, ROT_PART_CERT, 0, b, 1, 1, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_counter_read(c, ROT_COUNTER(0), &v), ROT_E_UNSUPPORTED);
    REFUSED(rot_counter_increment(c, ROT_COUNTER(0), &v), ROT_E_UNSUPPORTED);
    REFUSED(rot_attest(c, ROT_IDEVID, b, &ev), ROT_E_UNSUPPORTED);
    REFUSED(rot_activate(c, ROT_IDEVID, b, 16, b, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_seal_prepare(c, ROT_STAGE_DATA, 0), ROT_E_UNSUPPORTED);
    REFUSED(rot_seal(c, ROT_STAGE_DATA, 0), ROT_E_UNSUPPORTED);
    REFUSED(rot_seal_state(c, ROT_STAGE_DATA, 0, &seal), ROT_E_UNSUPPORTED);
    REFUSED(rot_wipe(c), ROT_E_UNSUPPORTED);
    REFUSED(rot_channel_rotate(c, b, 32), ROT_E_UNSUPPORTED);
    REFUSED(rot_channel_has(c, b, 32), ROT_E_UNSUPPORTED);
    REFUSED(rot_channel_pair(c), ROT_E_UNSUPPORTED);
    REFUSED(rot_self_test(c), ROT_E_UNSUPPORTED);

    /* And the table says the same, whatever the driver promises. */
    for (size_t i = 0; i < fake_layout.place_count; i++) {
        assert_int_equal(rot_capabilities(c, places[i].object, &cap), ROT_OK);
        for (size_t p = 0; p < ROT_PRIMITIVES; p++)
            assert_int_equal(cap.where[p], ROT_NOWHERE);
    }
    rot_close(c);
}

/* ---- About the part ----------------------------------------------------------------- */

static void
identity_and_status(void **state)
{
    static const struct rot_transport simulated = {.simulated = 1};
    struct rot_chip chip = make_chip(&full);
    struct rot_identity id = {.revision = 1};

    (void)state;
    REFUSED(rot_identify(&chip, NULL), ROT_E_ARG);
    seen.answer = ROT_E_BUS;
    assert_int_equal(rot_identify(&chip, &id), ROT_E_BUS);
    assert_int_equal(id.revision, 1);
    seen.answer = ROT_OK;
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_int_equal(id.revision, 42);
    assert_int_equal(id.simulated, 0);
    chip.setup.transport = &simulated;
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_int_equal(id.simulated, 1);

    assert_int_equal(rot_self_test(&chip), ROT_OK);
    assert_int_equal(rot_raw_status(&chip), 0x0f);
    assert_int_equal(rot_identify(&chip, &id), ROT_OK);
    assert_int_equal(rot_raw_status(&chip), 0); /* the next call forgets it */
    assert_int_equal(rot_reset(&chip), ROT_OK);
    assert_int_equal(rot_wipe(&chip), ROT_OK);
    rot_close(&chip);
}

static void
random_has_limits(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t b[ROT_RANDOM_MAX];

    (void)state;
    REFUSED(rot_random(&chip, NULL, 1), ROT_E_ARG);
    REFUSED(rot_random(&chip, b, 0), ROT_E_ARG);
    REFUSED(rot_random(&chip, b, ROT_RANDOM_MAX + 1), ROT_E_ARG);
    assert_int_equal(rot_random(&chip, b, ROT_RANDOM_MAX), ROT_OK);
    assert_int_equal(seen.len, ROT_RANDOM_MAX);
    rot_close(&chip);
}

static void
tables_agree_with_flags(void **state)
{
    struct rot_chip chip = make_chip(&full);
    struct rot_capability c;

    (void)state;
    assert_int_equal(rot_capabilities(&chip, ROT_IDEVID, NULL), ROT_E_ARG);
    assert_int_equal(rot_capabilities(&chip, ROT_LDEVID(9), &c), ROT_E_UNSUPPORTED);

    assert_int_equal(rot_capabilities(&chip, ROT_IDEVID, &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_SIGN], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_GENERATE], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_AGREE], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_MAC], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_SEAL], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_READ], ROT_IN_CHIP);
    assert_int_equal(c.cert_size, 99);
    assert_int_equal(c.chain_size, 0);

    assert_int_equal(rot_capabilities(&chip, ROT_VENDOR(0), &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_SIGN], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_GENERATE], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_DELETE], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_WRITE], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_READ], ROT_IN_CHIP);

    assert_int_equal(rot_capabilities(&chip, ROT_FIRMWARE(0), &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_VERIFY], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_SEAL], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_PUBLIC], ROT_NOWHERE);
    assert_int_equal(rot_capabilities(&chip, ROT_TRUST(0), &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_VERIFY], ROT_NOWHERE);

    assert_int_equal(rot_capabilities(&chip, ROT_SESSION(0), &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_MAC], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_AEAD], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_PUBLIC], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_ATTEST], ROT_NOWHERE);
    assert_int_equal(rot_capabilities(&chip, ROT_SESSION(1), &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_AEAD], ROT_IN_CHIP);

    assert_int_equal(rot_capabilities(&chip, ROT_COUNTER(0), &c), ROT_OK);
    assert_int_equal(c.where[ROT_CAN_COUNT], ROT_IN_CHIP);
    assert_int_equal(c.where[ROT_CAN_READ], ROT_NOWHERE);
    assert_int_equal(c.where[ROT_CAN_WRITE], ROT_NOWHERE);
    assert_int_equal(c.data_size, 0);
    rot_close(&chip);
}

/* ---- Keys ------------------------------------------------------------------------------ */

static void
keys_are_made_where_the_layout_allows(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t b[200] = {0};
    size_t n = 0;

    (void)state;
    REFUSED(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, NULL, 91, &n), ROT_E_ARG);
    REFUSED(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, b, 91, NULL), ROT_E_ARG);
    REFUSED(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P384, b, 200, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_generate(&chip, ROT_LDEVID(9), ROT_ALG_P256, b, 91, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_generate(&chip, ROT_VENDOR(0), ROT_ALG_P256, b, 91, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_generate(&chip, ROT_TRUST(0), ROT_ALG_P256, b, 91, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, b, 90, &n), ROT_E_SPACE);
    assert_int_equal(n, 91);
    REACHED(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, b, 91, &n), ROT_IDEVID, ROT_PART_KEY);

    REFUSED(rot_key_public(&chip, ROT_IDEVID, NULL, 91, &n), ROT_E_ARG);
    REFUSED(rot_key_public(&chip, ROT_IDEVID, b, 91, NULL), ROT_E_ARG);
    REFUSED(rot_key_public(&chip, ROT_LDEVID(9), b, 91, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_public(&chip, ROT_SESSION(0), b, 91, &n), ROT_E_UNSUPPORTED);
    n = 0;
    REFUSED(rot_key_public(&chip, ROT_LDEVID(0), b, 119, &n), ROT_E_SPACE);
    assert_int_equal(n, 120);
    REACHED(rot_key_public(&chip, ROT_VENDOR(0), b, 91, &n), ROT_VENDOR(0), ROT_PART_KEY);

    REFUSED(rot_key_import(&chip, ROT_IDEVID, ROT_ALG_P256, NULL, 32), ROT_E_ARG);
    REFUSED(rot_key_import(&chip, ROT_IDEVID, ROT_ALG_P256, b, 0), ROT_E_ARG);
    REFUSED(rot_key_import(&chip, ROT_VENDOR(0), ROT_ALG_P256, b, 32), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_import(&chip, ROT_IDEVID, ROT_ALG_P384, b, 32), ROT_E_UNSUPPORTED);
    REACHED(rot_key_import(&chip, ROT_IDEVID, ROT_ALG_P256, b, 32), ROT_IDEVID, ROT_PART_KEY);

    REFUSED(rot_key_delete(&chip, ROT_VENDOR(0)), ROT_E_UNSUPPORTED);
    REFUSED(rot_key_delete(&chip, ROT_LDEVID(9)), ROT_E_UNSUPPORTED);
    REACHED(rot_key_delete(&chip, ROT_LDEVID(0)), ROT_LDEVID(0), ROT_PART_KEY);
    rot_close(&chip);
}

static void
digests_fit_their_key(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t d[64] = {0}, s[200];
    size_t n = 0;

    (void)state;
    REFUSED(rot_sign_digest(&chip, ROT_IDEVID, NULL, 32, s, 200, &n), ROT_E_ARG);
    REFUSED(rot_sign_digest(&chip, ROT_IDEVID, d, 32, NULL, 200, &n), ROT_E_ARG);
    REFUSED(rot_sign_digest(&chip, ROT_IDEVID, d, 32, s, 200, NULL), ROT_E_ARG);
    for (size_t len = 0; len <= 64; len++) {
        if (len != 32)
            REFUSED(rot_sign_digest(&chip, ROT_IDEVID, d, len, s, 200, &n), ROT_E_ARG);
        if (len != 48)
            REFUSED(rot_sign_digest(&chip, ROT_LDEVID(0), d, len, s, 200, &n), ROT_E_ARG);
        if (len != 32 && len != 48 && len != 64)
            REFUSED(rot_sign_digest(&chip, ROT_LDEVID(3), d, len, s, 200, &n), ROT_E_ARG);
    }
    REFUSED(rot_sign_digest(&chip, ROT_LDEVID(1), d, 32, s, 200, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_sign_digest(&chip, ROT_LDEVID(2), d, 32, s, 200, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_sign_digest(&chip, ROT_TRUST(0), d, 32, s, 200, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_sign_digest(&chip, ROT_IDEVID, d, 32, s, 71, &n), ROT_E_SPACE);
    assert_int_equal(n, 72);
    REACHED(rot_sign_digest(&chip, ROT_IDEVID, d, 32, s, 72, &n), ROT_IDEVID, ROT_PART_KEY);
    REACHED(rot_sign_digest(&chip, ROT_LDEVID(0), d, 48, s, 104, &n), ROT_LDEVID(0), ROT_PART_KEY);
    REACHED(rot_sign_digest(&chip, ROT_LDEVID(3), d, 64, s, 200, &n), ROT_LDEVID(3), ROT_PART_KEY);
    rot_close(&chip);
}

static void
messages_are_hashed_for_ecdsa(void **state)
{
    struct rot_chip chip = make_chip(&full);
    struct rot_driver only_messages = full, only_digests = full;
    uint8_t m[100] = {0}, s[200];
    size_t n = 0;

    (void)state;
    REFUSED(rot_sign_message(&chip, ROT_IDEVID, NULL, 1, s, 200, &n), ROT_E_ARG);
    REFUSED(rot_sign_message(&chip, ROT_IDEVID, m, 100, NULL, 200, &n), ROT_E_ARG);
    REFUSED(rot_sign_message(&chip, ROT_IDEVID, m, 100, s, 200, NULL), ROT_E_ARG);
    REFUSED(rot_sign_message(&chip, ROT_LDEVID(2), m, 100, s, 200, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_sign_message(&chip, ROT_IDEVID, m, 100, s, 71, &n), ROT_E_SPACE);

    REACHED(rot_sign_message(&chip, ROT_IDEVID, m, 100, s, 200, &n), ROT_IDEVID, ROT_PART_KEY);
    assert_int_equal(hashed, ROT_HASH_SHA256);
    assert_int_equal(seen.len, 32);
    REACHED(rot_sign_message(&chip, ROT_LDEVID(0), NULL, 0, s, 200, &n), ROT_LDEVID(0),
            ROT_PART_KEY);
    assert_int_equal(hashed, ROT_HASH_SHA384);
    assert_int_equal(seen.len, 48);
    REACHED(rot_sign_message(&chip, ROT_LDEVID(5), m, 1, s, 200, &n), ROT_LDEVID(5), ROT_PART_KEY);
    assert_int_equal(hashed, ROT_HASH_SHA512);
    assert_int_equal(seen.len, 64);
    /* EdDSA wants the message itself. */
    REACHED(rot_sign_message(&chip, ROT_LDEVID(1), m, 100, s, 200, &n), ROT_LDEVID(1),
            ROT_PART_KEY);
    assert_int_equal(seen.len, 100);

    chip.setup.port = &poor_port;
    REFUSED(rot_sign_message(&chip, ROT_IDEVID, m, 100, s, 200, &n), ROT_E_PORT);
    only_messages.sign_digest = NULL;
    chip.setup.driver = &only_messages;
    REACHED(rot_sign_message(&chip, ROT_IDEVID, m, 100, s, 200, &n), ROT_IDEVID, ROT_PART_KEY);
    assert_int_equal(seen.len, 100);
    only_digests.sign_message = NULL;
    chip.setup.driver = &only_digests;
    REFUSED(rot_sign_message(&chip, ROT_LDEVID(1), m, 100, s, 200, &n), ROT_E_UNSUPPORTED);
    rot_close(&chip);
}

static void
verifying_wants_one_key(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t d[64] = {0}, s[80] = {0}, pub[91] = {0};

    (void)state;
    REFUSED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, NULL, 32, s, 70), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, d, 31, s, 70), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, d, 48, s, 70), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, d, 32, NULL, 70), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, d, 32, s, 0), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, d, 32, s, ROT_SIGNATURE_MAX + 1),
            ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, 0, pub, 0, d, 32, s, 70), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, 0, pub, ROT_PUBLIC_KEY_MAX + 1, d, 32, s, 70), ROT_E_ARG);
    REFUSED(rot_verify_digest(&chip, ROT_TRUST(0), NULL, 0, d, 32, s, 70), ROT_E_UNSUPPORTED);
    REFUSED(rot_verify_digest(&chip, ROT_LDEVID(9), NULL, 0, d, 32, s, 70), ROT_E_UNSUPPORTED);
    REFUSED(rot_verify_digest(&chip, ROT_SESSION(0), NULL, 0, d, 32, s, 70), ROT_E_UNSUPPORTED);

    REACHED(rot_verify_digest(&chip, ROT_IDEVID, NULL, 0, d, 32, s, 70), ROT_IDEVID, ROT_PART_KEY);
    REACHED(rot_verify_digest(&chip, ROT_FIRMWARE(0), NULL, 0, d, 32, s, 70), ROT_FIRMWARE(0),
            ROT_PART_DATA);
    seen.calls = 0;
    assert_int_equal(rot_verify_digest(&chip, ROT_LDEVID(9), pub, 91, d, 48, s, 70), ROT_OK);
    assert_int_equal(seen.calls, 1);
    assert_null(seen.place);
    assert_int_equal(seen.len, 91);
    seen.answer = ROT_E_MISMATCH;
    assert_int_equal(rot_verify_digest(&chip, 0, pub, 91, d, 32, s, 70), ROT_E_MISMATCH);
    rot_close(&chip);
}

/* ---- Secrets ------------------------------------------------------------------------------- */

static void
agreed_secrets_stay_or_leave(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t peer[91] = {0}, s[64];
    size_t n = 0;

    (void)state;
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), NULL, 91, 0, s, 64, &n), ROT_E_ARG);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 0, 0, s, 64, &n), ROT_E_ARG);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, ROT_PUBLIC_KEY_MAX + 1, 0, s, 64, &n), ROT_E_ARG);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, 0, NULL, 64, &n), ROT_E_ARG);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, 0, s, 64, NULL), ROT_E_ARG);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(0), s, 64, &n), ROT_E_ARG);
    REFUSED(rot_agree(&chip, ROT_IDEVID, peer, 91, 0, s, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_agree(&chip, ROT_LDEVID(2), peer, 91, 0, s, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, ROT_LDEVID(1), NULL, 0, NULL),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(9), NULL, 0, NULL),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, ROT_SESSION(2), NULL, 0, NULL),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, 0, s, 47, &n), ROT_E_SPACE);
    assert_int_equal(n, 48);
    REFUSED(rot_agree(&chip, ROT_LDEVID(4), peer, 44, 0, s, 31, &n), ROT_E_SPACE);
    assert_int_equal(n, 32);

    REACHED(rot_agree(&chip, ROT_LDEVID(0), peer, 91, 0, s, 48, &n), ROT_LDEVID(0), ROT_PART_KEY);
    assert_null(seen.into);
    REACHED(rot_agree(&chip, ROT_LDEVID(2), peer, 91, ROT_SESSION(0), NULL, 0, NULL), ROT_LDEVID(2),
            ROT_PART_KEY);
    assert_ptr_equal(seen.into, rot_layout_find(&fake_layout, ROT_SESSION(0), ROT_PART_KEY));
    rot_close(&chip);
}

static void
derivations_want_exactly_their_inputs(void **state)
{
    struct rot_chip chip = make_chip(&full);
    static const uint8_t x[4] = {1, 2, 3, 4};
    struct rot_bytes some = {x, 4}, lost = {NULL, 4}, none = {NULL, 0};
    struct rot_kdf_params good = {.kdf = ROT_KDF_HKDF_SHA256, .out_len = 32}, p;
    uint8_t out[64];
    size_t n = 0;

    (void)state;
#define BAD(what)                                                                                  \
    do {                                                                                           \
        p = good;                                                                                  \
        what;                                                                                      \
        REFUSED(rot_derive(&chip, ROT_SESSION(0), &p, 0, out, 64, &n), ROT_E_ARG);                 \
    } while (0)
    REFUSED(rot_derive(&chip, ROT_SESSION(0), NULL, 0, out, 64, &n), ROT_E_ARG);
    BAD(p.kdf = (enum rot_kdf)0);
    BAD(p.kdf = (enum rot_kdf)5);
    BAD(p.out_len = 0);
    BAD(p.out_len = 33);
    BAD(p.out_len = 80);
    BAD(p.salt = lost);
    BAD(p.info = lost);
    BAD(p.kdf = ROT_KDF_TLS12_PRF_SHA256; p.label = lost);
    BAD(p.label = some);
    BAD(p.kdf = ROT_KDF_HKDF_EXPAND; p.salt = some);
    BAD(p.kdf = ROT_KDF_HKDF_EXPAND; p.label = some);
    BAD(p.kdf = ROT_KDF_SINGLE_STEP; p.salt = some);
    BAD(p.kdf = ROT_KDF_SINGLE_STEP; p.label = some);
    BAD(p.kdf = ROT_KDF_TLS12_PRF_SHA256; p.salt = some);

    REFUSED(rot_derive(&chip, ROT_IDEVID, &good, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_derive(&chip, ROT_SESSION(9), &good, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_derive(&chip, ROT_SESSION(1), &good, 0, out, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_derive(&chip, ROT_SESSION(0), &good, 0, NULL, 64, &n), ROT_E_ARG);
    REFUSED(rot_derive(&chip, ROT_SESSION(0), &good, 0, out, 31, &n), ROT_E_SPACE);
    assert_int_equal(n, 32);
    REFUSED(rot_derive(&chip, ROT_SESSION(0), &good, ROT_SESSION(1), NULL, 0, NULL), ROT_E_ARG);
    REACHED(rot_derive(&chip, ROT_SESSION(0), &good, 0, out, 32, &n), ROT_SESSION(0), ROT_PART_KEY);
    good.out_len = 16;
    REFUSED(rot_derive(&chip, ROT_SESSION(1), &good, ROT_SESSION(0), NULL, 0, NULL), ROT_E_ARG);
    REACHED(rot_derive(&chip, ROT_SESSION(0), &good, ROT_SESSION(1), NULL, 0, NULL), ROT_SESSION(0),
            ROT_PART_KEY);
    good.kdf = ROT_KDF_TLS12_PRF_SHA256;
    good.label = some;
    good.info = some;
    good.out_len = 48;
    REACHED(rot_derive(&chip, ROT_SESSION(1), &good, ROT_SESSION(0), NULL, 0, NULL), ROT_SESSION(1),
            ROT_PART_KEY);
    good.kdf = ROT_KDF_SINGLE_STEP;
    good.label = none;
    good.out_len = 64;
    REACHED(rot_derive(&chip, ROT_SESSION(0), &good, 0, out, 64, &n), ROT_SESSION(0), ROT_PART_KEY);
    rot_close(&chip);
}

static void
macs_want_a_secret(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t m[8] = {0}, out[32];
    size_t n = 0;

    (void)state;
    REFUSED(rot_mac(&chip, ROT_SESSION(0), NULL, 1, out, 32, &n), ROT_E_ARG);
    REFUSED(rot_mac(&chip, ROT_SESSION(0), m, 8, NULL, 32, &n), ROT_E_ARG);
    REFUSED(rot_mac(&chip, ROT_SESSION(0), m, 8, out, 32, NULL), ROT_E_ARG);
    REFUSED(rot_mac(&chip, ROT_IDEVID, m, 8, out, 32, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_mac(&chip, ROT_SESSION(9), m, 8, out, 32, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_mac(&chip, ROT_SESSION(0), m, 8, out, 31, &n), ROT_E_SPACE);
    assert_int_equal(n, 32);
    REFUSED(rot_mac(&chip, ROT_SESSION(1), m, 8, out, 15, &n), ROT_E_SPACE);
    assert_int_equal(n, 16);
    REACHED(rot_mac(&chip, ROT_SESSION(0), NULL, 0, out, 32, &n), ROT_SESSION(0), ROT_PART_KEY);
    REACHED(rot_mac(&chip, ROT_SESSION(1), m, 8, out, 16, &n), ROT_SESSION(1), ROT_PART_KEY);
    rot_close(&chip);
}

static void
boxes_have_their_shape(void **state)
{
    struct rot_chip chip = make_chip(&full);
    static uint8_t big[0x10000 + 16];
    uint8_t b[64] = {0}, out[64];
    struct rot_bytes none = {NULL, 0}, n12 = {b, 12}, n13 = {b, 13}, lost = {NULL, 1}, in = {b, 20};
    struct rot_bytes tag = {b, 16}, stub = {b, 15}, huge = {big, 0x10000};
    size_t n = 0;

    (void)state;
#define SEAL(alg, nonce, aad, plain)                                                               \
    rot_aead_seal(&chip, ROT_SESSION(1), alg, nonce, aad, plain, out, 64, &n)
    REFUSED(SEAL(ROT_AEAD_AES_GCM, n13, none, in), ROT_E_ARG);
    REFUSED(SEAL(ROT_AEAD_AES_CCM, n12, none, in), ROT_E_ARG);
    REFUSED(SEAL((enum rot_aead)0, n12, none, in), ROT_E_ARG);
    REFUSED(SEAL((enum rot_aead)3, n13, none, in), ROT_E_ARG);
    REFUSED(SEAL(ROT_AEAD_AES_GCM, n12, lost, in), ROT_E_ARG);
    REFUSED(SEAL(ROT_AEAD_AES_GCM, n12, none, lost), ROT_E_ARG);
    REFUSED(SEAL(ROT_AEAD_AES_GCM, ((struct rot_bytes){NULL, 12}), none, in), ROT_E_ARG);
    REFUSED(SEAL(ROT_AEAD_AES_CCM, n13, none, huge), ROT_E_ARG);
    REFUSED(SEAL(ROT_AEAD_AES_GCM, n12, none, ((struct rot_bytes){b, SIZE_MAX - 3})), ROT_E_ARG);
    REFUSED(rot_aead_seal(&chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, n12, none, in, NULL, 64, &n),
            ROT_E_ARG);
    REFUSED(rot_aead_seal(&chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, n12, none, in, out, 64, NULL),
            ROT_E_ARG);
    REFUSED(rot_aead_seal(&chip, ROT_SESSION(0), ROT_AEAD_AES_GCM, n12, none, in, out, 64, &n),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_aead_seal(&chip, ROT_SESSION(9), ROT_AEAD_AES_GCM, n12, none, in, out, 64, &n),
            ROT_E_UNSUPPORTED);
    REFUSED(rot_aead_seal(&chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, n12, none, in, out, 35, &n),
            ROT_E_SPACE);
    assert_int_equal(n, 36);
    REFUSED(rot_aead_open(&chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, n12, none, stub, out, 64, &n),
            ROT_E_FORMAT);
    REFUSED(rot_aead_open(&chip, ROT_SESSION(1), ROT_AEAD_AES_GCM, n12, none, in, out, 3, &n),
            ROT_E_SPACE);
    assert_int_equal(n, 4);
    REACHED(SEAL(ROT_AEAD_AES_GCM, n12, in, in), ROT_SESSION(1), ROT_PART_KEY);
    REACHED(SEAL(ROT_AEAD_AES_CCM, n13, none, none), ROT_SESSION(1), ROT_PART_KEY);
    REACHED(rot_aead_open(&chip, ROT_SESSION(2), ROT_AEAD_AES_CCM, n13, none, tag, out, 0, &n),
            ROT_SESSION(2), ROT_PART_KEY);
    rot_close(&chip);
}

/* ---- Stored objects, counters, evidence, seals -------------------------------------------------- */

static void
bytes_go_where_they_fit(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t b[128] = {0};
    size_t n = 0;

    (void)state;
    REFUSED(rot_object_size(&chip, ROT_IDEVID, ROT_PART_CERT, NULL), ROT_E_ARG);
    REFUSED(rot_object_size(&chip, ROT_IDEVID, ROT_PART_KEY, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_object_size(&chip, ROT_IDEVID, (enum rot_part)0, &n), ROT_E_ARG);
    REFUSED(rot_object_size(&chip, ROT_IDEVID, (enum rot_part)5, &n), ROT_E_ARG);
    REFUSED(rot_object_size(&chip, ROT_IDEVID, ROT_PART_CHAIN, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_object_size(&chip, ROT_COUNTER(0), ROT_PART_DATA, &n), ROT_E_UNSUPPORTED);
    REACHED(rot_object_size(&chip, ROT_TRUST(0), ROT_PART_DATA, &n), ROT_TRUST(0), ROT_PART_DATA);

    REFUSED(rot_object_read(&chip, ROT_TRUST(0), ROT_PART_DATA, 0, NULL, 1, &n), ROT_E_ARG);
    REFUSED(rot_object_read(&chip, ROT_TRUST(0), ROT_PART_DATA, 0, b, 1, NULL), ROT_E_ARG);
    REFUSED(rot_object_read(&chip, ROT_IDEVID, ROT_PART_KEY, 0, b, 1, &n), ROT_E_UNSUPPORTED);
    REACHED(rot_object_read(&chip, ROT_VENDOR(0), ROT_PART_CERT, 3, b, 1, &n), ROT_VENDOR(0),
            ROT_PART_CERT);

#define WRITE(obj, part, offset, len, total)                                                       \
    rot_object_write(&chip, obj, part, offset, b, len, total, &n)
    REFUSED(rot_object_write(&chip, ROT_TRUST(0), ROT_PART_DATA, 0, NULL, 1, 1, &n), ROT_E_ARG);
    REFUSED(WRITE(ROT_TRUST(0), ROT_PART_DATA, 0, 0, 0), ROT_E_ARG);
    REFUSED(WRITE(ROT_TRUST(0), ROT_PART_DATA, 1, 1, 1), ROT_E_ARG);
    REFUSED(WRITE(ROT_TRUST(0), ROT_PART_DATA, 2, 1, 1), ROT_E_ARG);
    REFUSED(WRITE(ROT_TRUST(0), ROT_PART_DATA, 1, SIZE_MAX, 2), ROT_E_ARG);
    REFUSED(WRITE(ROT_TRUST(0), ROT_PART_KEY, 0, 1, 1), ROT_E_UNSUPPORTED);
    REFUSED(WRITE(ROT_VENDOR(0), ROT_PART_CERT, 0, 1, 1), ROT_E_UNSUPPORTED);
    REFUSED(WRITE(ROT_COUNTER(0), ROT_PART_DATA, 0, 8, 8), ROT_E_UNSUPPORTED);
    REFUSED(WRITE(ROT_LDEVID(0), ROT_PART_CERT, 0, 101, 101), ROT_E_SPACE);
    assert_int_equal(n, 101);
    REFUSED(rot_object_write(&chip, ROT_LDEVID(0), ROT_PART_CERT, 0, b, 101, 101, NULL),
            ROT_E_SPACE);
    n = 0;
    REACHED(WRITE(ROT_LDEVID(0), ROT_PART_CERT, 0, 100, 100), ROT_LDEVID(0), ROT_PART_CERT);
    assert_int_equal(n, 0); /* only after ROT_E_SPACE */
    /* 72 bytes of place, but only the driver knows what is left after compression. */
    REACHED(WRITE(ROT_IDEVID, ROT_PART_CERT, 0, 128, 128), ROT_IDEVID, ROT_PART_CERT);
    seen.answer = ROT_E_SPACE;
    assert_int_equal(WRITE(ROT_IDEVID, ROT_PART_CERT, 0, 128, 128), ROT_E_SPACE);
    assert_int_equal(n, 1234);
    rot_close(&chip);
}

static void
counters_count(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint64_t v = 0;

    (void)state;
    REFUSED(rot_counter_read(&chip, ROT_COUNTER(0), NULL), ROT_E_ARG);
    REFUSED(rot_counter_read(&chip, ROT_DATA(0), &v), ROT_E_ARG);
    REFUSED(rot_counter_read(&chip, ROT_COUNTER(7), &v), ROT_E_UNSUPPORTED);
    REFUSED(rot_counter_increment(&chip, ROT_COUNTER(0), NULL), ROT_E_ARG);
    REFUSED(rot_counter_increment(&chip, ROT_IDEVID, &v), ROT_E_ARG);
    REFUSED(rot_counter_increment(&chip, ROT_COUNTER(7), &v), ROT_E_UNSUPPORTED);
    REFUSED(rot_counter_increment(&chip, ROT_COUNTER(1), &v), ROT_E_UNSUPPORTED);
    REACHED(rot_counter_read(&chip, ROT_COUNTER(1), &v), ROT_COUNTER(1), ROT_PART_DATA);
    REACHED(rot_counter_increment(&chip, ROT_COUNTER(0), &v), ROT_COUNTER(0), ROT_PART_DATA);
    rot_close(&chip);
}

static void
evidence_is_about_key_pairs(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t nonce[32] = {0}, buf[64];
    struct rot_evidence ev = {.buf = buf, .cap = sizeof(buf)}, no_room = {.cap = 64};

    (void)state;
    REFUSED(rot_attest(&chip, ROT_IDEVID, NULL, &ev), ROT_E_ARG);
    REFUSED(rot_attest(&chip, ROT_IDEVID, nonce, NULL), ROT_E_ARG);
    REFUSED(rot_attest(&chip, ROT_IDEVID, nonce, &no_room), ROT_E_ARG);
    REFUSED(rot_attest(&chip, ROT_TRUST(0), nonce, &ev), ROT_E_UNSUPPORTED);
    REFUSED(rot_attest(&chip, ROT_SESSION(0), nonce, &ev), ROT_E_UNSUPPORTED);
    REACHED(rot_attest(&chip, ROT_IDEVID, nonce, &ev), ROT_IDEVID, ROT_PART_KEY);
    rot_close(&chip);
}

static void
challenges_are_for_key_pairs(void **state)
{
    struct rot_chip chip = make_chip(&full);
    uint8_t in[16] = {0}, out[64];
    size_t n = 0;

    (void)state;
    REFUSED(rot_activate(&chip, ROT_IDEVID, NULL, 16, out, 64, &n), ROT_E_ARG);
    REFUSED(rot_activate(&chip, ROT_IDEVID, in, 0, out, 64, &n), ROT_E_ARG);
    REFUSED(rot_activate(&chip, ROT_IDEVID, in, 16, NULL, 64, &n), ROT_E_ARG);
    REFUSED(rot_activate(&chip, ROT_IDEVID, in, 16, out, 64, NULL), ROT_E_ARG);
    REFUSED(rot_activate(&chip, ROT_TRUST(0), in, 16, out, 64, &n), ROT_E_UNSUPPORTED);
    REFUSED(rot_activate(&chip, ROT_SESSION(0), in, 16, out, 64, &n), ROT_E_UNSUPPORTED);
    REACHED(rot_activate(&chip, ROT_IDEVID, in, 16, out, 64, &n), ROT_IDEVID, ROT_PART_KEY);
    assert_int_equal(n, 1);
    rot_close(&chip);
}

static void
seals_name_what_they_seal(void **state)
{
    struct rot_chip chip = make_chip(&full);
    struct rot_driver d = full;
    enum rot_seal_state s = ROT_SEAL_DONE;
    uint8_t secret[ROT_SECRET_MAX + 1] = {0};

    (void)state;
    REFUSED(rot_seal(&chip, (enum rot_stage)4, 0), ROT_E_ARG);
    REFUSED(rot_seal(&chip, (enum rot_stage) - 1, 0), ROT_E_ARG);
    REFUSED(rot_seal(&chip, ROT_STAGE_CONFIG, ROT_IDEVID), ROT_E_ARG);
    REFUSED(rot_seal(&chip, ROT_STAGE_OBJECT, 0), ROT_E_UNSUPPORTED);
    REFUSED(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_IDEVID), ROT_E_UNSUPPORTED);
    REFUSED(rot_seal_prepare(&chip, ROT_STAGE_DATA, ROT_IDEVID), ROT_E_ARG);
    REFUSED(rot_seal_state(&chip, ROT_STAGE_DATA, 0, NULL), ROT_E_ARG);
    REFUSED(rot_seal_state(&chip, ROT_STAGE_OBJECT, ROT_IDEVID, &s), ROT_E_UNSUPPORTED);
    assert_int_equal(s, ROT_SEAL_DONE);
    REACHED(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), ROT_FIRMWARE(0), ROT_PART_DATA);
    REACHED(rot_seal_prepare(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), ROT_FIRMWARE(0),
            ROT_PART_DATA);
    REACHED(rot_seal_state(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0), &s), ROT_FIRMWARE(0),
            ROT_PART_DATA);
    assert_int_equal(s, ROT_SEAL_OPEN);
    seen.calls = 0;
    assert_int_equal(rot_seal(&chip, ROT_STAGE_LIFECYCLE, 0), ROT_OK);
    assert_int_equal(seen.calls, 1);
    d.seal_prepare = NULL;
    chip.setup.driver = &d;
    REFUSED(rot_seal_prepare(&chip, ROT_STAGE_DATA, 0), ROT_OK);

    REFUSED(rot_channel_rotate(&chip, NULL, 32), ROT_E_ARG);
    REFUSED(rot_channel_rotate(&chip, secret, 0), ROT_E_ARG);
    REFUSED(rot_channel_has(&chip, NULL, 32), ROT_E_ARG);
    REFUSED(rot_channel_has(&chip, secret, 0), ROT_E_ARG);
    REFUSED(rot_channel_has(&chip, secret, ROT_SECRET_MAX + 1), ROT_E_ARG);
    REFUSED(rot_channel_rotate(&chip, secret, ROT_SECRET_MAX + 1), ROT_E_ARG);
    assert_int_equal(rot_channel_rotate(&chip, secret, ROT_SECRET_MAX), ROT_OK);
    rot_close(&chip);
}

/* In production: a part whose layout wants a channel is changed through our own one only. */
static void
production_wants_our_channel(void **state)
{
    static const uint8_t bytes[32];
    struct rot_layout channel_layout = fake_layout;
    struct rot_setup s = make_setup(&full);
    struct rot_identity id;
    struct rot_transport simulated = {.simulated = 1};
    struct rot_chip chip;
    uint8_t buf[128];
    uint64_t value;
    size_t n;

    (void)state;
    channel_layout.channel = 1;
    s.layout = &channel_layout;
    s.flags = ROT_OPEN_PRODUCTION;
    for (int protection = ROT_PROTECTION_NONE; protection <= ROT_PROTECTION_OWN; protection++) {
        rot_err want = protection == ROT_PROTECTION_OWN ? ROT_OK : ROT_E_AUTH;
        unsigned calls = protection == ROT_PROTECTION_OWN ? 9 : 0;
        assert_int_equal(rot_open(&chip, &s), ROT_OK);
        chip.protection = (uint8_t)protection;
        seen.calls = 0;
        assert_int_equal(rot_key_generate(&chip, ROT_IDEVID, ROT_ALG_P256, buf, 128, &n), want);
        assert_int_equal(rot_key_import(&chip, ROT_IDEVID, ROT_ALG_P256, bytes, 32), want);
        assert_int_equal(rot_key_delete(&chip, ROT_IDEVID), want);
        assert_int_equal(
            rot_object_write(&chip, ROT_TRUST(0), ROT_PART_DATA, 0, bytes, 32, 32, NULL), want);
        assert_int_equal(rot_counter_increment(&chip, ROT_COUNTER(0), &value), want);
        assert_int_equal(rot_seal_prepare(&chip, ROT_STAGE_DATA, 0), want);
        assert_int_equal(rot_seal(&chip, ROT_STAGE_DATA, 0), want);
        assert_int_equal(rot_seal(&chip, ROT_STAGE_OBJECT, ROT_FIRMWARE(0)), want);
        assert_int_equal(rot_wipe(&chip), want);
        assert_int_equal(seen.calls, calls);
        /* Looking at it, and giving it the secret, is how it gets there. */
        assert_int_equal(rot_channel_rotate(&chip, bytes, 32), ROT_OK);
        assert_int_equal(rot_key_public(&chip, ROT_IDEVID, buf, 128, &n), ROT_OK);
        assert_int_equal(rot_identify(&chip, &id), ROT_OK);
        assert_int_equal(id.protection, protection);
        rot_close(&chip);
    }
    /* Neither without production, nor where the layout does not want it. */
    s.flags = 0;
    assert_int_equal(rot_open(&chip, &s), ROT_OK);
    assert_int_equal(rot_key_delete(&chip, ROT_IDEVID), ROT_OK);
    rot_close(&chip);
    s.flags = ROT_OPEN_PRODUCTION;
    s.layout = NULL;
    assert_int_equal(rot_open(&chip, &s), ROT_OK);
    assert_int_equal(rot_key_delete(&chip, ROT_IDEVID), ROT_OK);
    rot_close(&chip);

    s.transport = &simulated;
    REFUSED(rot_open(&chip, &s), ROT_E_AUTH);
    s.flags = 0;
    assert_int_equal(rot_open(&chip, &s), ROT_OK);
    rot_close(&chip);
}

static rot_err
fake_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    assert_ptr_equal(self, &hashed);
    assert_string_equal(driver, "fake");
    assert_int_equal(uid.len, 1);
    assert_int_equal(uid.p[0], 0x77);
    memset(secret, 0x5e, len);
    return ROT_OK;
}

/* The port's secret for this very part, as long as the driver wants it. */
static void
pairing_takes_the_ports_secret(void **state)
{
    static const struct rot_port_ops ops = {.channel_secret = fake_secret};
    static const struct rot_port lends = {&hashed, &ops};
    struct rot_driver d = full;
    struct rot_chip chip = make_chip(&d);

    (void)state;
    REFUSED(rot_channel_pair(&chip), ROT_E_UNSUPPORTED);
    d.channel_size = ROT_SECRET_MAX + 1;
    REFUSED(rot_channel_pair(&chip), ROT_E_UNSUPPORTED);
    d.channel_size = 48;
    REFUSED(rot_channel_pair(&chip), ROT_E_PORT);
    chip.setup.port = &lends;
    seen.answer = ROT_E_BUS;
    assert_int_equal(rot_channel_pair(&chip), ROT_E_BUS);
    seen.answer = ROT_OK;
    seen.len = 0;
    assert_int_equal(rot_channel_pair(&chip), ROT_OK);
    assert_int_equal(seen.len, 48);
    d.channel_rotate = NULL;
    REFUSED(rot_channel_pair(&chip), ROT_E_UNSUPPORTED);
    rot_close(&chip);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses_what_is_incomplete),
        cmocka_unit_test(open_wants_the_drivers_bus),
        cmocka_unit_test(a_failed_probe_leaves_it_closed),
        cmocka_unit_test(close_wipes_and_can_be_repeated),
        cmocka_unit_test(closed_chips_refuse_everything),
        cmocka_unit_test(empty_slots_are_unsupported),
        cmocka_unit_test(identity_and_status),
        cmocka_unit_test(random_has_limits),
        cmocka_unit_test(tables_agree_with_flags),
        cmocka_unit_test(keys_are_made_where_the_layout_allows),
        cmocka_unit_test(digests_fit_their_key),
        cmocka_unit_test(messages_are_hashed_for_ecdsa),
        cmocka_unit_test(verifying_wants_one_key),
        cmocka_unit_test(agreed_secrets_stay_or_leave),
        cmocka_unit_test(derivations_want_exactly_their_inputs),
        cmocka_unit_test(macs_want_a_secret),
        cmocka_unit_test(boxes_have_their_shape),
        cmocka_unit_test(bytes_go_where_they_fit),
        cmocka_unit_test(counters_count),
        cmocka_unit_test(evidence_is_about_key_pairs),
        cmocka_unit_test(challenges_are_for_key_pairs),
        cmocka_unit_test(seals_name_what_they_seal),
        cmocka_unit_test(production_wants_our_channel),
        cmocka_unit_test(pairing_takes_the_ports_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
