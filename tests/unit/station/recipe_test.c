/*
 * recipe_test.c: the recipe against a chip that loses power at every call, and
 * a server whose answers get lost.
 *
 * The chip is the soft one behind a driver that counts calls and cuts the wire
 * before or after the n-th took effect.  The oracle: however often it is cut,
 * the board ends complete, with one certificate, and nobody else's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <rot/linux.h>
#include <rot/rot_driver.h>

#include "attest/makers.h"
#include "attest/tpm.h"
#include "client/anchor.h"
#include "crypto/key.h"
#include "station/recipe.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

#define NOW 1795520408

/* ---- A chip that can be cut ------------------------------------------------------------- */

static struct {
    unsigned calls;
    unsigned cut_at; /* 0: never */
    int after;       /* the n-th call took effect before the wire was cut */
    int is_dead;
} wire;

/* What happens to a call: 0 go on, else the error. */
static rot_err
before(void)
{
    wire.calls++;
    if (wire.cut_at != 0 && wire.calls == wire.cut_at && !wire.after)
        wire.is_dead = 1;
    return wire.is_dead ? ROT_E_BUS : ROT_OK;
}

static rot_err
after(rot_err rot)
{
    if (wire.cut_at != 0 && wire.calls == wire.cut_at && wire.after)
        wire.is_dead = 1;
    return wire.is_dead ? ROT_E_BUS : rot;
}

#define CUT(name, params, args)                                                                    \
    static rot_err cut_##name params                                                               \
    {                                                                                              \
        rot_err rot = before();                                                                    \
        return rot != ROT_OK ? rot : after(rot_driver_soft.name args);                             \
    }

CUT(identify, (struct rot_chip * chip, struct rot_identity *id), (chip, id))
CUT(uid, (struct rot_chip * chip, uint8_t *uid, size_t *ret_len), (chip, uid, ret_len))
CUT(key_generate,
    (struct rot_chip * chip, const struct rot_place *p, enum rot_alg alg, uint8_t *pub, size_t cap,
     size_t *len),
    (chip, p, alg, pub, cap, len))
CUT(key_public,
    (struct rot_chip * chip, const struct rot_place *p, uint8_t *pub, size_t cap, size_t *len),
    (chip, p, pub, cap, len))
CUT(sign_digest,
    (struct rot_chip * chip, const struct rot_place *p, const uint8_t *digest, size_t digest_len,
     uint8_t *sig, size_t cap, size_t *len),
    (chip, p, digest, digest_len, sig, cap, len))
CUT(object_read,
    (struct rot_chip * chip, const struct rot_place *p, size_t offset, uint8_t *buf, size_t cap,
     size_t *len),
    (chip, p, offset, buf, cap, len))
CUT(object_write,
    (struct rot_chip * chip, const struct rot_place *p, size_t offset, const uint8_t *buf,
     size_t len, size_t total, size_t *need),
    (chip, p, offset, buf, len, total, need))
CUT(seal, (struct rot_chip * chip, enum rot_stage stage, const struct rot_place *p),
    (chip, stage, p))
CUT(seal_state,
    (struct rot_chip * chip, enum rot_stage stage, const struct rot_place *p,
     enum rot_seal_state *state),
    (chip, stage, p, state))

/* ---- What a chip says once, or another that stood in its place for a moment ---------------------- */

static struct {
    rot_object object; /* whose calls; */
    enum rot_part part;
    unsigned refusals; /* so many writes get this answer */
    rot_err refusal;
    unsigned lost_writes;  /* so many are acknowledged and reach nobody */
    struct rs_bytes shows; /* the next read gives that */
    int is_away;           /* another is here from a lost write to that read */
    rot_err size_says;     /* the next question for the size gets that; ROT_OK: the truth */
    unsigned lost_seals;   /* so many seals of the data are acknowledged and reach nobody */
    unsigned bad_signs;    /* so many signatures are refused */
    int made_elsewhere;    /* the next attestation key is; 2: and another is here instead */
    unsigned opened, sealed_objects;
} once;

static int
is_meant(const struct rot_place *p)
{
    return p->object == once.object && p->part == (uint8_t)once.part;
}

static rot_err
once_probe(struct rot_chip *chip)
{
    once.opened++;
    return rot_driver_soft.probe(chip);
}

static rot_err
once_sign_digest(struct rot_chip *chip, const struct rot_place *p, const uint8_t *digest,
                 size_t digest_len, uint8_t *sig, size_t cap, size_t *len)
{
    if (once.bad_signs > 0) {
        once.bad_signs--;
        return ROT_E_CHIP;
    }
    return cut_sign_digest(chip, p, digest, digest_len, sig, cap, len);
}

static rot_err
once_key_generate(struct rot_chip *chip, const struct rot_place *p, enum rot_alg alg, uint8_t *pub,
                  size_t cap, size_t *len)
{
    uint8_t other[ROT_PUBLIC_KEY_MAX];
    size_t other_len;
    rot_err rot = cut_key_generate(chip, p, alg, pub, cap, len);

    if (rot != ROT_OK || p->object != ROT_ATTEST(0) || once.made_elsewhere == 0)
        return rot;
    assert_int_equal(rot_driver_soft.key_delete(chip, p), ROT_OK);
    if (once.made_elsewhere == 2)
        assert_int_equal(
            rot_driver_soft.key_generate(chip, p, alg, other, sizeof(other), &other_len), ROT_OK);
    once.made_elsewhere = 0;
    return ROT_OK;
}

static rot_err
once_object_size(struct rot_chip *chip, const struct rot_place *p, size_t *size)
{
    rot_err rot = once.size_says;

    if (rot == ROT_OK || !is_meant(p))
        return rot_driver_soft.object_size(chip, p, size);
    once.size_says = ROT_OK;
    return rot;
}

static rot_err
once_object_read(struct rot_chip *chip, const struct rot_place *p, size_t offset, uint8_t *buf,
                 size_t cap, size_t *len)
{
    if (once.shows.len == 0 || !is_meant(p))
        return cut_object_read(chip, p, offset, buf, cap, len);
    assert_true(offset == 0 && cap > once.shows.len);
    memcpy(buf, once.shows.p, once.shows.len);
    *len = once.shows.len;
    once.shows.len = 0;
    once.is_away = 0;
    return ROT_OK;
}

static rot_err
once_object_write(struct rot_chip *chip, const struct rot_place *p, size_t offset,
                  const uint8_t *buf, size_t len, size_t total, size_t *need)
{
    if (is_meant(p) && once.refusals > 0) {
        once.refusals--;
        return once.refusal;
    }
    if (is_meant(p) && once.lost_writes > 0) {
        once.lost_writes--;
        once.is_away = once.shows.len > 0;
        return ROT_OK;
    }
    return cut_object_write(chip, p, offset, buf, len, total, need);
}

static rot_err
once_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    if (stage == ROT_STAGE_DATA && once.lost_seals > 0) {
        once.lost_seals--;
        return ROT_OK;
    }
    once.sealed_objects += stage == ROT_STAGE_OBJECT;
    return cut_seal(chip, stage, p);
}

/* ---- A chip that is another from a step on -------------------------------------------------- */

static struct {
    enum recipe_step now; /* what the recipe is at */
    int signs_else;       /* at the end: something else than the challenge */
    int has_other_cert;   /* at the end: not what was written */
    int is_foreign;       /* sealed with something else than the layout */
    int hides_seals;      /* does not say what is sealed */
} liar;

static void
progress(void *arg, enum recipe_step step)
{
    (void)arg;
    liar.now = step;
}

static rot_err
lying_sign_digest(struct rot_chip *chip, const struct rot_place *p, const uint8_t *digest,
                  size_t digest_len, uint8_t *sig, size_t cap, size_t *len)
{
    uint8_t other[64] = {0};

    assert_true(digest_len <= sizeof(other));
    return once_sign_digest(chip, p, liar.signs_else && liar.now == STEP_CHECK ? other : digest,
                            digest_len, sig, cap, len);
}

static rot_err
lying_object_read(struct rot_chip *chip, const struct rot_place *p, size_t offset, uint8_t *buf,
                  size_t cap, size_t *len)
{
    rot_err rot = once_object_read(chip, p, offset, buf, cap, len);

    if (rot == ROT_OK && liar.has_other_cert && liar.now == STEP_CHECK && *len > 0)
        buf[*len - 1] ^= 1;
    return rot;
}

static rot_err
lying_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                 enum rot_seal_state *state)
{
    rot_err rot = cut_seal_state(chip, stage, p, state);

    if (rot == ROT_OK && liar.is_foreign && liar.now == STEP_CONTACT)
        *state = ROT_SEAL_FOREIGN;
    return liar.hides_seals ? ROT_E_CHIP : rot;
}

/* ---- A secure element ------------------------------------------------------------------------ */

/* What it does more than the soft chip, whose keys and objects it has. */
static struct {
    int is_one;     /* the driver has the slots */
    int has_config; /* its layout has a configuration to lock, which is */
    int is_configured;
    int is_plain;    /* its bus is one that anybody may join: no channel before its configuration */
    int has_speaker; /* a key that speaks for the others, the host's to make */
    int has_life;    /* and a life cycle to move, which has */
    unsigned moved;
    int is_moved;            /* by somebody else */
    int has_secret;          /* the host has one for it */
    unsigned rotated;        /* how often it was given one */
    unsigned lacks_secret;   /* so often it has another when it is asked */
    enum recipe_step spoken; /* when it last said who its maker is */
    EVP_PKEY *maker_key, *own_key;
    unsigned exchanged_at,
        uid_asked;        /* from the so manieth question who it is on it is another; 0: never */
    const char *says_uid; /* nine letters: whom its maker's certificate is for */
} element;

static const char element_uid[] = "PART-0001";

static void
element_capability(const struct rot_chip *chip, const struct rot_place *key,
                   const struct rot_place *cert, const struct rot_place *chain,
                   const struct rot_place *data, struct rot_capability *cap)
{
    rot_driver_soft.capability(chip, key, cert, chain, data, cap);
    cap->where[ROT_CAN_CHANNEL] = cap->where[ROT_CAN_ATTEST] = ROT_IN_CHIP;
    if (element.has_speaker)
        cap->where[ROT_CAN_GENERATE] = ROT_IN_CHIP;
}

static rot_err
element_identify(struct rot_chip *chip, struct rot_identity *id)
{
    rot_err rot = cut_identify(chip, id);

    memcpy(id->uid, element_uid, 9);
    id->uid_len = 9;
    return rot;
}

/* From the so manieth question on another part answers. */
static rot_err
element_uid_again(struct rot_chip *chip, uint8_t uid[ROT_UID_MAX], size_t *ret_len)
{
    rot_err rot = cut_uid(chip, uid, ret_len);

    memcpy(uid, element_uid, 9);
    *ret_len = 9;
    if (once.is_away || (element.exchanged_at > 0 && ++element.uid_asked >= element.exchanged_at))
        uid[0] = 'Q';
    return rot;
}

static rot_err
element_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    if (stage == ROT_STAGE_LIFECYCLE)
        element.moved++;
    else if (stage == ROT_STAGE_CONFIG)
        element.is_configured = 1;
    else
        return once_seal(chip, stage, p);
    return ROT_OK;
}

static rot_err
element_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                   enum rot_seal_state *state)
{
    if (stage == ROT_STAGE_LIFECYCLE)
        *state = element.is_moved ? ROT_SEAL_FOREIGN
                                  : (element.moved > 0 ? ROT_SEAL_DONE : ROT_SEAL_OPEN);
    else if (stage == ROT_STAGE_CONFIG)
        *state = element.is_configured ? ROT_SEAL_DONE : ROT_SEAL_OPEN;
    else
        return lying_seal_state(chip, stage, p, state);
    return ROT_OK;
}

static rot_err
element_rotate(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    assert_int_equal(len, 32);
    assert_int_equal(secret[0], 0x5e);
    element.rotated++;
    chip->protection = ROT_PROTECTION_OWN;
    return ROT_OK;
}

static rot_err
element_has(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    (void)chip;
    assert_int_equal(len, 32);
    assert_int_equal(secret[0], 0x5e);
    if (element.lacks_secret == 0)
        return ROT_OK;
    element.lacks_secret--;
    return ROT_E_AUTH;
}

static rot_err
element_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    (void)self;
    (void)driver;
    assert_true(uid.len == 9 && memcmp(uid.p, element_uid, 9) == 0);
    if (!element.has_secret)
        return ROT_E_EMPTY;
    memset(secret, 0x5e, len);
    return ROT_OK;
}

static size_t
maker_cert(EVP_PKEY *key, struct rs_bytes serial, const char *ca, uint8_t out[1024])
{
    static const unsigned char name[] = "maker";
    X509 *x = X509_new();
    BIGNUM *bn = BN_bin2bn(serial.p, (int)serial.len, NULL);
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    uint8_t *p = out;
    int n;

    assert_true(x != NULL && bn != NULL && X509_set_version(x, X509_VERSION_3) == 1);
    assert_non_null(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)));
    BN_free(bn);
    assert_true(X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC, name, -1, -1, 0),
        1);
    assert_int_equal(X509_set_subject_name(x, X509_get_issuer_name(x)), 1);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, ca);
    assert_true(e != NULL && X509_set_pubkey(x, key) == 1 && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
    assert_true(X509_sign(x, element.maker_key, EVP_sha256()) > 0);
    n = i2d_X509(x, &p);
    assert_true(n > 0 && n <= 1024);
    X509_free(x);
    return (size_t)n;
}

/* As an STSAFE: its maker's certificate, a key, a signature over the nonce and that. */
static rot_err
element_attest(struct rot_chip *chip, const struct rot_place *p, const uint8_t nonce[32],
               struct rot_evidence *evidence)
{
    uint8_t serial[11] = {0x02, 0x09}, cert[1024], message[256] = "rootsmith stsafe 1", spki[128];
    uint8_t *at = spki, sig[80];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t cert_len, spki_len, n = sizeof(sig);
    struct rs_buf b;

    (void)chip;
    if (p->object == ROT_VENDOR(0))
        element.spoken = liar.now;
    memcpy(serial + 2, element.says_uid, 9);
    cert_len = maker_cert(element.own_key, RS_BYTES(serial), "critical,CA:FALSE", cert);
    spki_len = (size_t)i2d_PUBKEY(element.own_key, &at);
    memcpy(message + 19, nonce, 32);
    memcpy(message + 51, spki, spki_len);
    assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, element.own_key) == 1 &&
                EVP_DigestSign(ctx, sig, &n, message, 51 + spki_len) == 1);
    EVP_MD_CTX_free(ctx);
    rs_buf_init_fixed(&b, evidence->buf, evidence->cap);
    rs_buf_put_u16(&b, (unsigned)cert_len);
    rs_buf_put(&b, cert, cert_len);
    rs_buf_put_u16(&b, (unsigned)spki_len);
    rs_buf_put(&b, spki, spki_len);
    rs_buf_put_u16(&b, (unsigned)n);
    rs_buf_put(&b, sig, n);
    evidence->len = b.len;
    evidence->format = ROT_EVIDENCE_STSAFE_CHAIN;
    return ROT_OK;
}

/* ---- A part with its maker's endorsement --------------------------------------------------- */

static const uint8_t endorsement[] = "what its maker says";

/* What it does as a TPM would; the keys are the soft chip's. */
static struct {
    int is_one;          /* the driver has the slots */
    int has_no_cert;     /* nothing in its maker's place */
    int opens_nothing;   /* the challenge is for another part */
    int opens_something; /* and gives back the wrong secret */
} tpm;

static void
tpm_capability(const struct rot_chip *chip, const struct rot_place *key,
               const struct rot_place *cert, const struct rot_place *chain,
               const struct rot_place *data, struct rot_capability *cap)
{
    rot_driver_soft.capability(chip, key, cert, chain, data, cap);
    cap->where[ROT_CAN_ATTEST] = cap->where[ROT_CAN_ACTIVATE] = ROT_IN_CHIP;
}

static rot_err
tpm_object_read(struct rot_chip *chip, const struct rot_place *p, size_t offset, uint8_t *buf,
                size_t cap, size_t *len)
{
    if (p->object != ROT_VENDOR(0))
        return cut_object_read(chip, p, offset, buf, cap, len);
    if (before() != ROT_OK)
        return ROT_E_BUS;
    if (tpm.has_no_cert)
        return after(ROT_E_EMPTY);
    assert_true(offset == 0 && cap > sizeof(endorsement));
    memcpy(buf, endorsement, sizeof(endorsement));
    *len = sizeof(endorsement);
    return after(ROT_OK);
}

/* The evidence of this part: "attested", then the nonce. */
static rot_err
tpm_attest(struct rot_chip *chip, const struct rot_place *p, const uint8_t nonce[32],
           struct rot_evidence *evidence)
{
    (void)chip;
    assert_int_equal(p->object, ROT_IDEVID);
    if (before() != ROT_OK)
        return ROT_E_BUS;
    evidence->format = ROT_EVIDENCE_TPM_CERTIFY;
    memcpy(evidence->buf, "attested", 8);
    memcpy(evidence->buf + 8, nonce, 32);
    evidence->len = 40;
    return after(ROT_OK);
}

/* The secret of a challenge is the challenge. */
static rot_err
tpm_activate(struct rot_chip *chip, const struct rot_place *p, const uint8_t *challenge,
             size_t challenge_len, uint8_t *secret, size_t cap, size_t *len)
{
    (void)chip;
    assert_int_equal(p->object, ROT_ATTEST(0));
    assert_true(challenge_len == 32 && cap >= 32);
    if (before() != ROT_OK)
        return ROT_E_BUS;
    if (tpm.opens_nothing)
        return after(ROT_E_FORMAT);
    memcpy(secret, challenge, 32);
    secret[0] ^= (uint8_t)tpm.opens_something;
    *len = 32;
    return after(ROT_OK);
}

static struct rot_layout *
layout_with(const struct rot_place *more, size_t count)
{
    static struct rot_place places[64];
    static struct rot_layout layout;

    layout = *rot_driver_soft.layouts[0];
    assert_true(layout.place_count + count <= 64);
    memcpy(places, layout.places, layout.place_count * sizeof(places[0]));
    if (count > 0)
        memcpy(places + layout.place_count, more, count * sizeof(places[0]));
    layout.places = places;
    layout.place_count += count;
    return &layout;
}

static const struct rot_layout *
tpm_layout(void)
{
    static const struct rot_place more[] = {
        {ROT_ATTEST(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0, 0},
        {ROT_VENDOR(0), ROT_PART_CERT, ROT_ALG_NONE, ROT_PLACE_READ_ONLY, 0, 2048, 0, 0}};

    return layout_with(more, 2);
}

static const struct rot_layout *
element_layout(void)
{
    static const struct rot_place more[] = {
        {ROT_VENDOR(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN | ROT_PLACE_READ_ONLY, 0, 0, 0,
         0},
        {ROT_ATTEST(0), ROT_PART_KEY, ROT_ALG_P256, ROT_PLACE_SIGN, 0, 0, 0, 0}};
    struct rot_layout *l = layout_with(more, element.has_speaker ? 2 : 1);

    l->channel = !element.is_plain;
    if (element.has_config)
        l->stages |= 1u << ROT_STAGE_CONFIG;
    if (element.has_life)
        l->stages |= 1u << ROT_STAGE_LIFECYCLE;
    return l;
}

/* Production closes the trust anchor and an object of whoever makes the device, each by itself. */
static const struct rot_layout *
sealing_layout(void)
{
    static struct rot_place places[64];
    struct rot_layout *l = layout_with(NULL, 0);

    memcpy(places, l->places, l->place_count * sizeof(places[0]));
    for (size_t i = 0; i < l->place_count; i++) {
        if (places[i].object == ROT_TRUST(0) || places[i].object == ROT_DATA(1))
            places[i].flags |= ROT_PLACE_SEAL;
    }
    l->places = places;
    l->stages |= 1u << ROT_STAGE_OBJECT;
    return l;
}

static const struct rot_driver *
cut_driver(void)
{
    static struct rot_driver driver;

    driver = rot_driver_soft;
    driver.identify = cut_identify;
    driver.uid = cut_uid;
    driver.probe = once_probe;
    driver.key_generate = once_key_generate;
    driver.key_public = cut_key_public;
    driver.sign_digest = lying_sign_digest;
    driver.object_read = lying_object_read;
    driver.object_size = once_object_size;
    driver.object_write = once_object_write;
    driver.seal = once_seal;
    driver.seal_state = lying_seal_state;
    if (element.is_one) {
        driver.channel_size = 32;
        driver.capability = element_capability;
        driver.identify = element_identify;
        driver.uid = element_uid_again;
        driver.attest = element_attest;
        driver.seal = element_seal;
        driver.seal_state = element_seal_state;
        driver.channel_rotate = element_rotate;
        driver.channel_has = element_has;
    }
    if (tpm.is_one) {
        driver.capability = tpm_capability;
        driver.object_read = tpm_object_read;
        driver.attest = tpm_attest;
        driver.activate = tpm_activate;
    }
    return &driver;
}

/* ---- A server, and the station's memory -------------------------------------------------- */

struct world {
    char dir[64], chip_path[128]; /* the board that is in the fixture */
    struct crypto_key *ca_key;
    struct rs_buf ca;
    struct rs_bytes ca_list[1];
    struct memory *memory;
    uint64_t number, board;
    struct recipe_host host;
    struct recipe_result result;
    /* The server's record: certificates by key. */
    struct {
        uint8_t key_hash[32];
        char device[64];
        struct rs_buf cert;
    } issued[8];
    unsigned issued_count, asked;
    rs_code refuse_with; /* RS_OK: answer */
    int lose_answer;     /* issue, and then the line breaks */
    int wrong_key;       /* answer with the certificate of another board */
    int journal_fails;
    int no_seals;   /* the journal takes no durable record of one */
    int production; /* and then the chip is opened for it */
    int seals_objects;
    unsigned challenged, answered;
    uint8_t nonce[32]; /* of the last challenge; its first byte counts */
    int is_open;       /* that challenge was answered */
    int forgets;       /* the server was restarted before the next request */
    struct journal_record last;
    const char *order; /* NULL: o-1 */
};

static int
no_value(void *arg, struct rs_bytes placeholder, struct rs_bytes *ret_value)
{
    struct rs_bytes *device = arg;

    if (device == NULL || !rs_bytes_equal(placeholder, rs_bytes_str("device.serial")))
        return 0;
    *ret_value = *device;
    return 1;
}

static void
make_cert(struct world *w, const struct crypto_pub *pub, struct rs_bytes device, int is_ca,
          struct rs_buf *out)
{
    static const uint8_t serial[4] = {1, 2, 3, 4};
    static struct template t;
    struct template_spec spec = {.sig_alg = CRYPTO_ECDSA_SHA256,
                                 .ski = TEMPLATE_SKI_SHA256,
                                 .path_length = -1,
                                 .is_ca = is_ca,
                                 .key_usage = 1};
    struct template_values values = {.serial = RS_BYTES(serial),
                                     .not_before = NOW,
                                     .not_after = INT64_MAX,
                                     .pub = pub,
                                     .value = no_value,
                                     .arg = &device};
    static const uint8_t name[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                   0x55, 0x04, 0x03, 0x0c, 0x02, 'c',  'a'};
    uint8_t buf[TEMPLATE_TBS_MAX], sig[CRYPTO_SIGNATURE_MAX];
    struct rs_bytes tbs;
    size_t len;
    struct rs_err err = {0};

    spec.issuer_name = RS_BYTES(name);
    spec.subject = rs_bytes_str(is_ca ? "CN=ca" : "serialNumber={device.serial}");
    assert_int_equal(template_compile(&spec, &t, &err), RS_OK);
    assert_int_equal(template_build(&t, &values, buf, sizeof(buf), &tbs, &err), RS_OK);
    assert_int_equal(crypto_sign(w->ca_key, tbs, sig, sizeof(sig), &len, &err), RS_OK);
    rs_buf_init(out, 16384);
    assert_int_equal(x509_assemble(tbs, CRYPTO_ECDSA_SHA256, rs_bytes_of(sig, len), out, &err),
                     RS_OK);
}

/* As the real one: the same key for the same serial gives the same certificate. */
static rs_code
server_enroll(void *arg, const char *order, struct rs_bytes der, struct rs_buf *ret_cert,
              struct rs_err *err)
{
    struct world *w = arg;
    struct csr csr;
    struct rs_bytes serial;
    uint8_t hash[32];
    unsigned i;

    w->asked++;
    assert_string_equal(order, "o-1");
    assert_int_equal(csr_read(der, &csr, err), RS_OK);
    assert_int_equal(csr_check_proof(&csr, err), RS_OK);
    assert_int_equal(csr.san_count, 1);
    if (w->refuse_with != RS_OK)
        return rs_fail(err, w->refuse_with, "refused");
    if (w->forgets) {
        w->forgets = w->is_open = 0;
        return rs_fail(err, RS_E_ATTEST_CHALLENGE, "restarted");
    }
    if (!tpm.is_one) {
        assert_int_equal(csr.evidence.len, 0);
    } else if (!w->is_open || csr.evidence.len != 40 ||
               memcmp(csr.evidence.p + 8, w->nonce, 32) != 0) {
        return rs_fail(err, RS_E_ATTEST_CHALLENGE, "not open");
    }
    crypto_pub_hash(&csr.pub, hash);
    serial = name_find(csr.subject, oid_serial_number);
    for (i = 0; i < w->issued_count; i++) {
        if (memcmp(w->issued[i].key_hash, hash, 32) == 0)
            break;
        if (rs_bytes_equal(rs_bytes_str(w->issued[i].device), serial))
            return rs_fail(err, RS_E_DEVICE_EXISTS, "another key");
    }
    if (i == w->issued_count) {
        assert_true(i < 8);
        memcpy(w->issued[i].key_hash, hash, 32);
        (void)snprintf(w->issued[i].device, 64, "%.*s", (int)serial.len, (const char *)serial.p);
        make_cert(w, w->wrong_key ? crypto_key_pub(w->ca_key) : &csr.pub, serial, 0,
                  &w->issued[i].cert);
        w->issued_count++;
    }
    if (w->lose_answer)
        return rs_fail(err, RS_E_NET_UNREACHABLE, "the line broke");
    rs_buf_put_bytes(ret_cert, rs_buf_bytes(&w->issued[i].cert));
    return RS_OK;
}

static rs_code
server_challenge(void *arg, const char *order, struct rs_bytes ek_cert, struct rs_bytes iak,
                 struct client_challenge *ret_challenge, struct rs_err *err)
{
    struct world *w = arg;
    struct tpm_public p;

    assert_string_equal(order, "o-1");
    assert_true(rs_bytes_equal(ek_cert, RS_BYTES(endorsement)));
    assert_int_equal(tpm_public_read(iak, &p, err), RS_OK);
    assert_int_equal(tpm_check_iak(&p, err), RS_OK);
    if (w->refuse_with != RS_OK)
        return rs_fail(err, w->refuse_with, "refused");
    w->challenged++;
    w->nonce[0]++;
    w->is_open = 0;
    (void)snprintf(ret_challenge->id, sizeof(ret_challenge->id), "%u", w->challenged);
    memcpy(ret_challenge->nonce, w->nonce, 32);
    memcpy(ret_challenge->credential, w->nonce, 32);
    ret_challenge->credential_len = 32;
    return RS_OK;
}

static rs_code
server_answer(void *arg, const char *id, struct rs_bytes secret, struct rs_err *err)
{
    struct world *w = arg;

    assert_int_equal(strtoul(id, NULL, 10), w->challenged);
    if (!rs_bytes_equal(secret, RS_BYTES(w->nonce)))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "wrong");
    w->answered++;
    w->is_open = 1;
    return RS_OK;
}

static rs_code
note(void *arg, struct journal_record *record, int durable, struct rs_err *err)
{
    struct world *w = arg;

    if (durable && (w->journal_fails || (w->no_seals && record->type == JOURNAL_SEAL)))
        return rs_fail(err, RS_E_DISK_FULL, "no space");
    record->number = ++w->number;
    return memory_take(w->memory, record, err);
}

static rs_code
recall(void *arg, struct rs_bytes uid, struct memory_chip *ret_chip, struct rs_err *err)
{
    struct world *w = arg;

    return memory_copy(w->memory, uid, ret_chip, err);
}

static enum memory_holder
holder(void *arg, const char *device, struct rs_bytes uid)
{
    struct world *w = arg;

    return memory_holder(w->memory, device, uid, NULL);
}

/* The board with that number is in the fixture. */
static void
change_board(struct world *w, unsigned n)
{
    (void)snprintf(w->chip_path, sizeof(w->chip_path), "%s/board%u.rot", w->dir, n);
}

static int
set_up(void **state)
{
    static struct world w;
    struct rs_err err = {0};

    memset(&w, 0, sizeof(w));
    memset(&wire, 0, sizeof(wire));
    memset(&tpm, 0, sizeof(tpm));
    memset(&liar, 0, sizeof(liar));
    memset(&once, 0, sizeof(once));
    memset(&element, 0, sizeof(element));
    element.says_uid = element_uid;
    (void)snprintf(w.dir, sizeof(w.dir), "/tmp/rs-recipe-XXXXXX");
    assert_non_null(mkdtemp(w.dir));
    change_board(&w, 1);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &w.ca_key, &err), RS_OK);
    make_cert(&w, crypto_key_pub(w.ca_key), rs_bytes_of(NULL, 0), 1, &w.ca);
    w.ca_list[0] = rs_buf_bytes(&w.ca);
    w.memory = memory_new();
    w.host = (struct recipe_host){.arg = &w,
                                  .note = note,
                                  .recall = recall,
                                  .holder = holder,
                                  .enroll = server_enroll,
                                  .challenge = server_challenge,
                                  .answer = server_answer,
                                  .progress = progress,
                                  .ca_certs = w.ca_list,
                                  .ca_count = 1,
                                  .root = w.ca_list[0]};
    *state = &w;
    return 0;
}

static void
new_chip(struct world *w)
{
    static const char *const ends[] = {"", ".key", ".new", ".lock"};
    char path[160];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", w->chip_path, ends[i]);
        (void)unlink(path);
    }
}

static void
forget_server(struct world *w)
{
    for (unsigned i = 0; i < w->issued_count; i++)
        rs_buf_done(&w->issued[i].cert);
    w->issued_count = w->asked = 0;
}

static int
tear_down(void **state)
{
    struct world *w = *state;

    recipe_result_done(&w->result);
    for (unsigned n = 1; n <= 2; n++) {
        change_board(w, n);
        new_chip(w);
    }
    forget_server(w);
    rs_buf_done(&w->ca);
    crypto_key_free(w->ca_key);
    memory_free(w->memory);
    EVP_PKEY_free(element.maker_key);
    EVP_PKEY_free(element.own_key);
    return rmdir(w->dir);
}

/* Put the board into the fixture, as this device, and record how it ended. */
static rs_code
place(struct world *w, const char *device, const char *model)
{
    struct rot_linux *lin = calloc(1, sizeof(*lin));
    struct rot_port_ops ops;
    struct rot_port port;
    struct rot_chip chip;
    char uri[160];
    struct recipe_job job = {.fixture = "1",
                             .device = device,
                             .order = w->order != NULL ? w->order : "o-1",
                             .model = model,
                             .board = ++w->board,
                             .chip = &chip,
                             .host = &w->host};
    struct journal_record end = {.type = JOURNAL_END, .board = w->board};
    const char *state;

    assert_non_null(lin);
    recipe_result_done(&w->result);
    memset(&w->result, 0, sizeof(w->result));
    wire.is_dead = 0;
    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(lin, uri), ROT_OK);
    lin->setup.driver = cut_driver();
    if (tpm.is_one)
        lin->setup.layout = tpm_layout();
    if (w->seals_objects)
        lin->setup.layout = sealing_layout();
    ops = *lin->setup.port->ops;
    ops.channel_secret = element_secret;
    port = (struct rot_port){lin->setup.port->self, &ops};
    if (element.is_one) {
        lin->setup.layout = element_layout();
        lin->setup.port = &port;
    }
    lin->setup.flags = w->production ? ROT_OPEN_PRODUCTION : 0;
    assert_int_equal(rot_open(&chip, &lin->setup), ROT_OK);
    recipe_run(&job, &w->result);
    rot_close(&chip);
    rot_linux_close(lin);
    free(lin);
    state = w->result.code == RS_OK || w->result.code == RS_E_BOARD_DONE ? "pass" : "again";
    if (w->result.code == RS_E_DEVICE_EXISTS || w->result.code == RS_E_LABEL_OTHER)
        state = "label";
    if (w->result.began)
        end.field[JOURNAL_UID] = rs_bytes_of(w->result.uid, w->result.uid_len);
    end.field[JOURNAL_STATE] = rs_bytes_str(state);
    assert_int_equal(memory_take(w->memory, &end, NULL), RS_OK);
    return w->result.code;
}

/* The station lost its journal (or is another one). */
static void
forget(struct world *w)
{
    memory_free(w->memory);
    w->memory = memory_new();
}

/* ---- Refusals --------------------------------------------------------------------------- */

static void
a_wrong_part_is_not_touched(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "atecc608b"), RS_E_CHIP_WRONG_PART);
    assert_int_equal(w->result.step, STEP_CONTACT);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 0);
}

static void
another_label_is_refused(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_LABEL_OTHER);
    forget(w);
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->issued_count, 1);
}

static void
a_chip_of_another_order_is_refused(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    w->order = "o-2";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 1);
    w->order = NULL;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    w->order = "o-2";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
a_scrapped_chip_is_refused(void **state)
{
    struct world *w = *state;
    struct journal_record end = {.type = JOURNAL_END};

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    end.board = w->board;
    end.field[JOURNAL_UID] = rs_bytes_of(w->result.uid, w->result.uid_len);
    end.field[JOURNAL_STATE] = rs_bytes_str("scrap");
    assert_int_equal(memory_take(w->memory, &end, NULL), RS_OK);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->asked, 1);
}

static void
a_sealed_chip_of_somebody_else_is_refused(void **state)
{
    struct world *w = *state;
    struct rot_linux lin;
    struct rot_chip chip;
    char uri[160];

    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    assert_int_equal(rot_seal(&chip, ROT_STAGE_DATA, 0), ROT_OK);
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 0);
}

static void
a_certificate_over_another_key_is_refused(void **state)
{
    struct world *w = *state;

    w->wrong_key = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CERTIFICATE);
}

static void
a_certificate_of_no_ca_is_refused(void **state)
{
    struct world *w = *state;

    w->host.ca_count = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_TRUST);
}

/* The name of our CA is on it, and the signature is somebody else's. */
static void
a_certificate_that_the_ca_did_not_sign_is_refused(void **state)
{
    struct world *w = *state;
    struct crypto_key *ours = w->ca_key;

    assert_int_equal(crypto_key_generate(CRYPTO_P256, &w->ca_key, NULL), RS_OK);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_TRUST);
    crypto_key_free(w->ca_key);
    w->ca_key = ours;
    forget_server(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
}

static void
nothing_is_asked_or_sealed_without_a_record(void **state)
{
    struct world *w = *state;

    w->journal_fails = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->asked, 0);
    assert_false(w->result.was_irreversible);
}

static void
the_server_decides(void **state)
{
    struct world *w = *state;

    w->refuse_with = RS_E_ORDER_EXHAUSTED;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_ORDER_EXHAUSTED);
    assert_false(w->result.identity_used);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

/* ---- Going on ----------------------------------------------------------------------------- */

static void
a_finished_board_is_proved_and_not_written(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(w->result.identity_used);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
    assert_int_equal(w->asked, 1);
    assert_false(w->result.was_irreversible);
}

static void
another_station_finds_the_same_identity(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    forget(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

static void
a_lost_answer_costs_nothing(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    assert_int_equal(place(w, "X2-2", "soft"), RS_E_LABEL_OTHER);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
    assert_int_equal(w->asked, 2);
}

static void
a_refused_label_frees_the_chip(void **state)
{
    struct world *w = *state;

    w->refuse_with = RS_E_DEVICE_EXISTS;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DEVICE_EXISTS);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-2", "soft"), RS_OK);
}

static unsigned
count_calls(struct world *w)
{
    wire.calls = wire.cut_at = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    return wire.calls;
}

static void
cut_everywhere(struct world *w, int take_effect)
{
    unsigned n = count_calls(w);

    assert_true(n > 10);
    for (unsigned at = 1; at <= n; at++) {
        rs_code rc;

        new_chip(w);
        forget(w);
        forget_server(w);
        wire.calls = 0;
        wire.cut_at = at;
        wire.after = take_effect;
        rc = place(w, "X2-1", "soft");
        assert_true(rc == RS_E_CHIP_INTERRUPTED || rc == RS_E_CHIP_ABSENT);
        assert_int_equal(rc == RS_E_CHIP_INTERRUPTED, w->result.began);
        wire.cut_at = 0;
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(w->issued_count, 1);
        assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
        assert_int_equal(w->issued_count, 1);
    }
}

static void
power_cut_before_every_call(void **state)
{
    cut_everywhere(*state, 0);
}

static void
power_cut_after_every_call(void **state)
{
    cut_everywhere(*state, 1);
}

/* ---- Parts that are others at the end ---------------------------------------------------------- */

static void
at_the_end_the_part_answers_for_itself(void **state)
{
    struct world *w = *state;

    liar.signs_else = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CHECK);
    liar.signs_else = 0;
    liar.has_other_cert = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CHECK);
    liar.has_other_cert = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    /* It passed: what has its certificate now and cannot answer is a copy. */
    liar.signs_else = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->issued_count, 1);
}

static void
look(struct world *w, struct rot_linux *lin, struct rot_chip *chip)
{
    char uri[160];

    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(lin, uri), ROT_OK);
    assert_int_equal(rot_open(chip, &lin->setup), ROT_OK);
}

static int
is_sealed(struct world *w)
{
    enum rot_seal_state state = ROT_SEAL_OPEN;
    struct rot_linux lin;
    struct rot_chip chip;

    look(w, &lin, &chip);
    assert_int_equal(rot_seal_state(&chip, ROT_STAGE_DATA, 0, &state), ROT_OK);
    rot_close(&chip);
    rot_linux_close(&lin);
    return state == ROT_SEAL_DONE;
}

/* Is exactly that in the chip?  Nothing: is the place empty? */
static int
holds(struct world *w, rot_object obj, enum rot_part part, struct rs_bytes want)
{
    uint8_t there[ROT_CERTIFICATE_MAX];
    size_t len = 0;
    struct rot_linux lin;
    struct rot_chip chip;
    rot_err rot;

    look(w, &lin, &chip);
    rot = rot_object_read(&chip, obj, part, 0, there, sizeof(there), &len);
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_true(rot == ROT_OK || rot == ROT_E_EMPTY);
    return rs_bytes_equal(rs_bytes_of(there, len), want);
}

static void
no_seal_without_a_record_on_the_disk(void **state)
{
    struct world *w = *state;

    w->no_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->result.step, STEP_LOCK);
    assert_false(is_sealed(w));
    w->no_seals = 0;
    liar.is_foreign = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->result.step, STEP_CONTACT);
    assert_false(is_sealed(w));
    liar.is_foreign = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(is_sealed(w));
}

/* ---- Secure elements ----------------------------------------------------------------------------- */

static void
production_wants_a_secret_of_its_own(void **state)
{
    struct world *w = *state;

    element.is_one = w->production = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHANNEL_SECRET);
    assert_int_equal(w->result.step, STEP_PAIR);
    element.has_secret = w->no_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DISK_FULL);
    assert_int_equal(w->result.step, STEP_PAIR);
    assert_int_equal(element.rotated, 0);
    assert_int_equal(w->asked, 0);
    w->no_seals = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(element.rotated, 1);
}

/* A key was made in it, and this station knows nothing of that: the board is another's. */
static void
a_part_that_another_station_is_at_is_left_alone(void **state)
{
    struct world *w = *state;

    element.is_one = element.has_config = 1;
    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    assert_true(element.is_configured);
    w->lose_answer = 0;
    forget(w);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->result.step, STEP_KEY);
    assert_int_equal(w->asked, 1);
}

/* The last stage is somebody else's: nothing of it is taken. */
/* Before the configuration is sealed, before an identity is bought, before anything is written. */
static void
an_exchange_of_boards_is_found_out(void **state)
{
    static const struct {
        unsigned at;
        enum recipe_step step;
        unsigned asked;
    } rows[] = {{1, STEP_CONFIGURE, 0}, {2, STEP_CERTIFICATE, 0}, {2, STEP_WRITE, 1}};
    struct world *w = *state;

    element.is_one = element.has_config = 1;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        element.exchanged_at = rows[i].at;
        element.uid_asked = 0;
        assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_INTERRUPTED);
        assert_int_equal(w->result.step, rows[i].step);
        assert_int_equal(w->asked, rows[i].asked);
    }
    element.exchanged_at = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->asked, 1);
}

static void
a_life_cycle_that_was_moved_elsewhere_is_foreign(void **state)
{
    struct world *w = *state;

    element.is_one = element.has_life = 1;
    element.is_moved = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_int_equal(w->result.step, STEP_LOCK);
    assert_int_equal(element.moved, 0);
    element.is_moved = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(element.moved, 1);
}

static void
a_part_proves_its_maker_first(void **state)
{
    static const uint8_t first = 1;
    struct world *w = *state;
    struct makers *makers = NULL;
    uint8_t der[1024];
    size_t n;

    element.is_one = 1;
    element.maker_key = EVP_EC_gen("P-256");
    element.own_key = EVP_EC_gen("P-256");
    n = maker_cert(element.maker_key, rs_bytes_of(&first, 1), "critical,CA:TRUE", der);
    assert_int_equal(makers_new(&makers, NULL), RS_OK);
    w->host.vendors = makers;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE); /* nobody's */
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(makers_add(makers, "maker", rs_bytes_of(der, n), NULL), RS_OK);
    element.says_uid = "PART-0002";
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_ATTEST_INVALID);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(element.spoken, STEP_GENUINE);
    assert_int_equal(w->asked, 0);
    element.says_uid = element_uid;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    w->host.vendors = NULL;
    makers_free(makers);
}

/* ---- A hostile bus, boards exchanged in the middle (docs/design/hostile.md) --------------------- */

static void
expect_again(const struct world *w, rs_code again, unsigned opened)
{
    assert_int_equal(w->result.again, again);
    assert_int_equal(once.opened, opened);
    once.opened = 0;
}

static void
one_bad_answer_throws_no_board_away(void **state)
{
    struct world *w = *state;

    once.bad_signs = 2;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT); /* twice it is believed */
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_int_equal(w->asked, 0);
    once.bad_signs = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_int_equal(w->issued_count, 1);
}

/* Who was not begun is refused at once; and what somebody else says is no answer of the chip's. */
static void
only_the_chips_own_word_is_asked_for_again(void **state)
{
    struct world *w = *state;

    assert_int_equal(place(w, "X2-1", "atecc608b"), RS_E_CHIP_WRONG_PART);
    expect_again(w, RS_OK, 1);
    liar.is_foreign = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    expect_again(w, RS_OK, 1);
    liar.is_foreign = 0;
    liar.hides_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_false(w->result.began);
    expect_again(w, RS_OK, 1);
    liar.hides_seals = 0;
    w->refuse_with = RS_E_CHIP_NOT_GENUINE;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    expect_again(w, RS_OK, 1);
    assert_int_equal(w->asked, 1);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_OK, 1);
}

static void
a_label_belongs_to_one_part(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    change_board(w, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_LABEL_OTHER);
    assert_false(w->result.began);
    assert_int_equal(w->asked, 1);
    change_board(w, 1);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    change_board(w, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_DEVICE_EXISTS); /* the server says the rest */
    assert_int_equal(place(w, "X2-2", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 2);
}

/* The certificate of the board that was taken out went into the one that stood in its place. */
static void
what_an_exchange_left_is_written_over(void **state)
{
    struct world *w = *state;
    struct rs_bytes astray;
    struct rot_linux lin;
    struct rot_chip chip;

    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    astray = rs_buf_bytes(&w->issued[0].cert);
    change_board(w, 2);
    for (int is_ours = 0; is_ours < 2; is_ours++) {
        look(w, &lin, &chip);
        assert_int_equal(rot_object_write(&chip, ROT_IDEVID, ROT_PART_CERT, 0, astray.p, astray.len,
                                          astray.len, NULL),
                         ROT_OK);
        rot_close(&chip);
        rot_linux_close(&lin);
        w->host.holder = is_ours ? holder : NULL;
        assert_int_equal(place(w, "X2-2", "soft"), is_ours ? RS_OK : RS_E_CHIP_FOREIGN);
    }
    assert_int_equal(w->issued_count, 2);
    assert_true(holds(w, ROT_IDEVID, ROT_PART_CERT, rs_buf_bytes(&w->issued[1].cert)));
}

/* Nothing of this can be put right once the data is sealed. */
static void
what_was_written_is_read_before_it_is_closed(void **state)
{
    struct world *w = *state;

    once.object = ROT_IDEVID;
    once.part = ROT_PART_CHAIN;
    once.lost_writes = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(holds(w, ROT_IDEVID, ROT_PART_CHAIN, w->ca_list[0]));
    assert_true(is_sealed(w));
}

static void
what_was_said_to_be_there_is_read_too(void **state)
{
    struct world *w = *state;

    w->lose_answer = 1; /* the part is known: it is asked first what it has */
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    once.opened = 0;
    once.object = ROT_IDEVID;
    once.part = ROT_PART_CHAIN;
    once.shows = w->ca_list[0];
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(holds(w, ROT_IDEVID, ROT_PART_CHAIN, w->ca_list[0]));
}

/* The other one took the write, and has the same trust anchor. */
static void
between_writing_and_reading_it_is_asked_who_is_there(void **state)
{
    struct world *w = *state;

    element.is_one = element.is_plain = 1;
    once.object = ROT_TRUST(0);
    once.part = ROT_PART_DATA;
    once.lost_writes = 1;
    once.shows = w->host.root;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_INTERRUPTED);
    assert_int_equal(w->result.step, STEP_LOCK);
    assert_false(is_sealed(w));
    once.is_away = 0; /* the same board is put back */
    once.shows.len = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, w->host.root));
}

/* A part that shows nothing before it is sealed. */
static void
what_could_not_be_read_is_read_at_the_end(void **state)
{
    struct world *w = *state;

    element.is_one = element.has_config = element.is_plain = 1;
    once.object = ROT_TRUST(0);
    once.part = ROT_PART_DATA;
    once.lost_writes = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, w->host.root));
}

/* The next write of that object gets this answer so often. */
static void
refuse(rot_object obj, enum rot_part part, rot_err answer, unsigned times)
{
    once.object = obj;
    once.part = part;
    once.refusal = answer;
    once.refusals = times;
    once.opened = 0;
}

static void
a_blank_board(struct world *w)
{
    new_chip(w);
    forget(w);
    forget_server(w);
}

static void
what_was_refused_and_then_taken_is_begun_anew(void **state)
{
    static const struct {
        rot_object object;
        enum rot_part part;
    } places[] = {{ROT_IDEVID, ROT_PART_CERT}, {ROT_TRUST(0), ROT_PART_DATA}};
    static const rot_err answers[] = {ROT_E_SPACE, ROT_E_FORMAT};
    struct world *w = *state;

    for (size_t i = 0; i < 4; i++) {
        a_blank_board(w);
        refuse(places[i / 2].object, places[i / 2].part, answers[i % 2], 1);
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        expect_again(w, RS_E_CHIP_FAULT, 2);
        assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, w->host.root));
        assert_int_equal(w->issued_count, 1);
    }
}

static void
what_is_refused_twice_has_a_smaller_form(void **state)
{
    uint8_t room[ANCHOR_DIGEST_SIZE];
    struct world *w = *state;
    struct rs_buf digest;
    struct cert root;

    assert_int_equal(cert_read(w->host.root, &root, NULL), RS_OK);
    rs_buf_init_fixed(&digest, room, sizeof(room));
    anchor_put_digest(&digest, w->host.root);
    refuse(ROT_TRUST(0), ROT_PART_DATA, ROT_E_SPACE, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_OK, 1);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, root.spki));
    a_blank_board(w);
    refuse(ROT_TRUST(0), ROT_PART_DATA, ROT_E_SPACE, 4);
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_OK, 1);
    assert_true(holds(w, ROT_TRUST(0), ROT_PART_DATA, rs_bytes_of(NULL, 0)));
    assert_true(holds(w, ROT_TRUST(1), ROT_PART_DATA, rs_buf_bytes(&digest)));
    a_blank_board(w);
    refuse(ROT_IDEVID, ROT_PART_CERT, ROT_E_SPACE, 2);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_SIZE); /* a certificate has none */
}

/* It was not understood, or is a command that this part cannot lack. */
static void
what_has_its_place_is_no_reason_to_keep_less(void **state)
{
    static const struct {
        rot_object object;
        enum rot_part part;
        rot_err answer;
        rs_code code;
        unsigned asked; /* in one go */
    } rows[] = {{ROT_TRUST(0), ROT_PART_DATA, ROT_E_FORMAT, RS_E_CHIP_FAULT, 2},
                {ROT_TRUST(0), ROT_PART_DATA, ROT_E_UNSUPPORTED, RS_E_CHIP_UNSUPPORTED, 1},
                {ROT_IDEVID, ROT_PART_CHAIN, ROT_E_UNSUPPORTED, RS_E_CHIP_UNSUPPORTED, 1}};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        a_blank_board(w);
        refuse(rows[i].object, rows[i].part, rows[i].answer, 99);
        assert_int_equal(place(w, "X2-1", "soft"), rows[i].code);
        assert_int_equal(w->result.step, STEP_WRITE);
        assert_false(is_sealed(w));
        refuse(rows[i].object, rows[i].part, rows[i].answer, rows[i].asked);
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(w->result.again, rows[i].code);
        assert_true(holds(w, rows[i].object, rows[i].part, w->ca_list[0]));
    }
}

/* It cannot be made any more when the data is sealed. */
static void
the_key_that_speaks_for_a_part_is_in_it(void **state)
{
    struct world *w = *state;

    element.is_one = element.has_config = element.has_speaker = 1;
    for (int kind = 1; kind <= 2; kind++) {
        a_blank_board(w);
        element.is_configured = 0;
        once.opened = 0;
        once.made_elsewhere = kind;
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        expect_again(w, RS_E_CHIP_FAULT, 2);
    }
}

static void
a_part_that_is_open_at_the_end_does_not_pass(void **state)
{
    struct world *w = *state;

    once.lost_seals = 2;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FAULT);
    assert_int_equal(w->result.step, STEP_CHECK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_false(is_sealed(w));
    once.lost_seals = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_true(is_sealed(w));
    assert_int_equal(w->issued_count, 1);
}

/* Empty is what the part says is empty: that alone stays open, and nothing else does. */
static void
an_answer_that_did_not_come_is_not_empty(void **state)
{
    static const struct {
        rot_err says;
        rs_code code;
    } rows[] = {{ROT_E_BUS, RS_E_CHIP_INTERRUPTED}, {ROT_BUSY, RS_E_CHIP_BUSY}};
    struct world *w = *state;

    w->seals_objects = 1;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        a_blank_board(w);
        once.object = i % 2 == 0 ? ROT_DATA(1) : ROT_TRUST(0);
        once.part = ROT_PART_DATA;
        once.size_says = rows[i / 2].says;
        once.sealed_objects = 0;
        assert_int_equal(place(w, "X2-1", "soft"), rows[i / 2].code);
        assert_int_equal(w->result.step, STEP_LOCK);
        assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
        assert_int_equal(once.sealed_objects, 1);
    }
    a_blank_board(w);
    once.size_says = ROT_E_STATE; /* there, and shown to nobody */
    once.sealed_objects = 0;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(once.sealed_objects, 1);
}

/* Put before the seal, on a bus that anybody may join: the part that is finished has it, or is begun anew. */
static void
a_secret_is_in_the_part_that_is_finished(void **state)
{
    struct world *w = *state;

    element.is_one = element.has_config = element.is_plain = element.has_secret = 1;
    element.lacks_secret = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(element.lacks_secret, 0);
    expect_again(w, RS_E_CHIP_FAULT, 2);
    assert_int_equal(element.rotated, 2);
}

/* A station that began a board and left it to the other one puts nothing of its own into it. */
static void
a_sealed_part_is_gone_over_by_the_station_that_made_its_key(void **state)
{
    struct world *w = *state;
    struct memory *first = w->memory, *second = memory_new();

    element.is_one = element.has_config = element.is_plain = element.has_secret = 1;
    w->lose_answer = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_NET_UNREACHABLE);
    w->lose_answer = 0;
    w->memory = second;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_FOREIGN);
    assert_true(w->result.began);
    w->memory = first;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_true(is_sealed(w));
    element.rotated = 0;
    w->memory = second;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(element.rotated, 0);
    w->memory = first;
    memory_free(second);
}

/* ---- Parts with an endorsement ---------------------------------------------------------------- */

static void
a_part_that_is_not_genuine_buys_nothing(void **state)
{
    struct world *w = *state;

    tpm.is_one = tpm.has_no_cert = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->challenged, 0);
    tpm.has_no_cert = 0;
    tpm.opens_nothing = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    tpm.opens_nothing = 0;
    tpm.opens_something = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    tpm.opens_something = 0;
    w->refuse_with = RS_E_CHIP_NOT_GENUINE;
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(w->result.step, STEP_GENUINE);
    assert_int_equal(w->asked, 0);
    assert_int_equal(w->answered, 0);
    assert_false(w->result.was_irreversible);
    w->refuse_with = RS_OK;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->issued_count, 1);
}

static void
a_finished_part_is_not_challenged_again(void **state)
{
    struct world *w = *state;

    tpm.is_one = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 1);
    assert_int_equal(place(w, "X2-1", "soft"), RS_E_BOARD_DONE);
    assert_int_equal(w->challenged, 1);
    forget(w); /* another station has to prove it: the server tells nobody else */
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
a_server_that_forgot_its_challenge_is_asked_again(void **state)
{
    struct world *w = *state;

    tpm.is_one = w->forgets = 1;
    assert_int_equal(place(w, "X2-1", "soft"), RS_OK);
    assert_int_equal(w->challenged, 2);
    assert_int_equal(w->answered, 2);
    assert_int_equal(w->asked, 2);
    assert_int_equal(w->issued_count, 1);
}

static void
power_cut_before_every_call_of_a_tpm(void **state)
{
    tpm.is_one = 1;
    cut_everywhere(*state, 0);
}

static void
power_cut_after_every_call_of_a_tpm(void **state)
{
    tpm.is_one = 1;
    cut_everywhere(*state, 1);
}

static void
steps_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STEP_COUNT; i++)
        assert_true(strlen(recipe_step_name((enum recipe_step)i)) > 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_wrong_part_is_not_touched),
        T(another_label_is_refused),
        T(a_chip_of_another_order_is_refused),
        T(a_scrapped_chip_is_refused),
        T(a_sealed_chip_of_somebody_else_is_refused),
        T(a_certificate_over_another_key_is_refused),
        T(a_certificate_of_no_ca_is_refused),
        T(a_certificate_that_the_ca_did_not_sign_is_refused),
        T(nothing_is_asked_or_sealed_without_a_record),
        T(the_server_decides),
        T(a_finished_board_is_proved_and_not_written),
        T(another_station_finds_the_same_identity),
        T(a_lost_answer_costs_nothing),
        T(a_refused_label_frees_the_chip),
        T(power_cut_before_every_call),
        T(power_cut_after_every_call),
        T(at_the_end_the_part_answers_for_itself),
        T(no_seal_without_a_record_on_the_disk),
        T(production_wants_a_secret_of_its_own),
        T(a_part_that_another_station_is_at_is_left_alone),
        T(an_exchange_of_boards_is_found_out),
        T(a_life_cycle_that_was_moved_elsewhere_is_foreign),
        T(a_part_proves_its_maker_first),
        T(one_bad_answer_throws_no_board_away),
        T(only_the_chips_own_word_is_asked_for_again),
        T(a_label_belongs_to_one_part),
        T(what_an_exchange_left_is_written_over),
        T(what_was_written_is_read_before_it_is_closed),
        T(what_was_said_to_be_there_is_read_too),
        T(between_writing_and_reading_it_is_asked_who_is_there),
        T(what_could_not_be_read_is_read_at_the_end),
        T(what_was_refused_and_then_taken_is_begun_anew),
        T(what_is_refused_twice_has_a_smaller_form),
        T(what_has_its_place_is_no_reason_to_keep_less),
        T(the_key_that_speaks_for_a_part_is_in_it),
        T(a_part_that_is_open_at_the_end_does_not_pass),
        T(an_answer_that_did_not_come_is_not_empty),
        T(a_secret_is_in_the_part_that_is_finished),
        T(a_sealed_part_is_gone_over_by_the_station_that_made_its_key),
        T(a_part_that_is_not_genuine_buys_nothing),
        T(a_finished_part_is_not_challenged_again),
        T(a_server_that_forgot_its_challenge_is_asked_again),
        T(power_cut_before_every_call_of_a_tpm),
        T(power_cut_after_every_call_of_a_tpm),
        cmocka_unit_test(steps_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
