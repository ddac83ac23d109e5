/*
 * recipe_bench.c: see recipe_bench.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "recipe_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509v3.h>

#include "attest/tpm.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

#define NOW 1795520408

/* A driver's calls have no argument of their own: they find the world here. */
static struct world world;

/* ---- A chip that can be cut ------------------------------------------------------------- */

/* What happens to a call: 0 go on, else the error. */
static rot_err
before(void)
{
    world.wire.calls++;
    if (world.wire.cut_at != 0 && world.wire.calls == world.wire.cut_at && !world.wire.after)
        world.wire.is_dead = 1;
    return world.wire.is_dead ? ROT_E_BUS : ROT_OK;
}

static rot_err
after(rot_err rot)
{
    if (world.wire.cut_at != 0 && world.wire.calls == world.wire.cut_at && world.wire.after)
        world.wire.is_dead = 1;
    return world.wire.is_dead ? ROT_E_BUS : rot;
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

static int
is_meant(const struct rot_place *p)
{
    return p->object == world.once.object && p->part == (uint8_t)world.once.part;
}

static rot_err
once_probe(struct rot_chip *chip)
{
    world.once.opened++;
    return rot_driver_soft.probe(chip);
}

static rot_err
once_sign_digest(struct rot_chip *chip, const struct rot_place *p, const uint8_t *digest,
                 size_t digest_len, uint8_t *sig, size_t cap, size_t *len)
{
    if (world.once.bad_signs > 0) {
        world.once.bad_signs--;
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

    if (rot != ROT_OK || p->object != ROT_ATTEST(0) || world.once.made_elsewhere == 0)
        return rot;
    assert_int_equal(rot_driver_soft.key_delete(chip, p), ROT_OK);
    if (world.once.made_elsewhere == 2)
        assert_int_equal(
            rot_driver_soft.key_generate(chip, p, alg, other, sizeof(other), &other_len), ROT_OK);
    world.once.made_elsewhere = 0;
    return ROT_OK;
}

static rot_err
once_object_size(struct rot_chip *chip, const struct rot_place *p, size_t *size)
{
    rot_err rot = world.once.size_says;

    if (rot == ROT_OK || !is_meant(p))
        return rot_driver_soft.object_size(chip, p, size);
    world.once.size_says = ROT_OK;
    return rot;
}

static rot_err
once_object_read(struct rot_chip *chip, const struct rot_place *p, size_t offset, uint8_t *buf,
                 size_t cap, size_t *len)
{
    if (world.once.shows.len == 0 || !is_meant(p))
        return cut_object_read(chip, p, offset, buf, cap, len);
    assert_true(offset == 0 && cap > world.once.shows.len);
    memcpy(buf, world.once.shows.p, world.once.shows.len);
    *len = world.once.shows.len;
    world.once.shows.len = 0;
    world.once.is_away = 0;
    return ROT_OK;
}

static rot_err
once_object_write(struct rot_chip *chip, const struct rot_place *p, size_t offset,
                  const uint8_t *buf, size_t len, size_t total, size_t *need)
{
    if (is_meant(p) && world.once.refusals > 0) {
        world.once.refusals--;
        return world.once.refusal;
    }
    if (is_meant(p) && world.once.lost_writes > 0) {
        world.once.lost_writes--;
        world.once.is_away = world.once.shows.len > 0;
        return ROT_OK;
    }
    return cut_object_write(chip, p, offset, buf, len, total, need);
}

static rot_err
once_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    if (stage == ROT_STAGE_DATA && world.once.lost_seals > 0) {
        world.once.lost_seals--;
        return ROT_OK;
    }
    world.once.sealed_objects += stage == ROT_STAGE_OBJECT;
    return cut_seal(chip, stage, p);
}

/* ---- A chip that is another from a step on -------------------------------------------------- */

static void
progress(void *arg, enum recipe_step step)
{
    struct world *w = arg;

    w->liar.now = step;
}

static rot_err
lying_sign_digest(struct rot_chip *chip, const struct rot_place *p, const uint8_t *digest,
                  size_t digest_len, uint8_t *sig, size_t cap, size_t *len)
{
    uint8_t other[64] = {0};

    assert_true(digest_len <= sizeof(other));
    return once_sign_digest(chip, p,
                            world.liar.signs_else && world.liar.now == STEP_CHECK ? other : digest,
                            digest_len, sig, cap, len);
}

static rot_err
lying_object_read(struct rot_chip *chip, const struct rot_place *p, size_t offset, uint8_t *buf,
                  size_t cap, size_t *len)
{
    rot_err rot = once_object_read(chip, p, offset, buf, cap, len);

    if (rot == ROT_OK && world.liar.has_other_cert && world.liar.now == STEP_CHECK && *len > 0)
        buf[*len - 1] ^= 1;
    return rot;
}

static rot_err
lying_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                 enum rot_seal_state *state)
{
    rot_err rot = cut_seal_state(chip, stage, p, state);

    if (rot == ROT_OK && world.liar.is_foreign && world.liar.now == STEP_CONTACT)
        *state = ROT_SEAL_FOREIGN;
    return world.liar.hides_seals ? ROT_E_CHIP : rot;
}

/* ---- A secure element ------------------------------------------------------------------------ */

static void
element_capability(const struct rot_chip *chip, const struct rot_place *key,
                   const struct rot_place *cert, const struct rot_place *chain,
                   const struct rot_place *data, struct rot_capability *cap)
{
    rot_driver_soft.capability(chip, key, cert, chain, data, cap);
    cap->where[ROT_CAN_CHANNEL] = cap->where[ROT_CAN_ATTEST] = ROT_IN_CHIP;
    if (world.element.has_speaker)
        cap->where[ROT_CAN_GENERATE] = ROT_IN_CHIP;
}

static rot_err
element_identify(struct rot_chip *chip, struct rot_identity *id)
{
    rot_err rot = cut_identify(chip, id);

    memcpy(id->uid, ELEMENT_UID, 9);
    id->uid_len = 9;
    return rot;
}

/* From the so manieth question on another part answers. */
static rot_err
element_uid_again(struct rot_chip *chip, uint8_t uid[ROT_UID_MAX], size_t *ret_len)
{
    rot_err rot = cut_uid(chip, uid, ret_len);

    memcpy(uid, ELEMENT_UID, 9);
    *ret_len = 9;
    if (world.once.is_away ||
        (world.element.exchanged_at > 0 && ++world.element.uid_asked >= world.element.exchanged_at))
        uid[0] = 'Q';
    return rot;
}

static rot_err
element_seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p)
{
    if (stage == ROT_STAGE_LIFECYCLE)
        world.element.moved++;
    else if (stage == ROT_STAGE_CONFIG)
        world.element.is_configured = 1;
    else
        return once_seal(chip, stage, p);
    return ROT_OK;
}

static rot_err
element_seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *p,
                   enum rot_seal_state *state)
{
    if (stage == ROT_STAGE_LIFECYCLE)
        *state = world.element.is_moved ? ROT_SEAL_FOREIGN
                                        : (world.element.moved > 0 ? ROT_SEAL_DONE : ROT_SEAL_OPEN);
    else if (stage == ROT_STAGE_CONFIG)
        *state = world.element.is_configured ? ROT_SEAL_DONE : ROT_SEAL_OPEN;
    else
        return lying_seal_state(chip, stage, p, state);
    return ROT_OK;
}

static rot_err
element_rotate(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    assert_int_equal(len, 32);
    assert_int_equal(secret[0], 0x5e);
    world.element.rotated++;
    chip->protection = ROT_PROTECTION_OWN;
    return ROT_OK;
}

static rot_err
element_has(struct rot_chip *chip, const uint8_t *secret, size_t len)
{
    (void)chip;
    assert_int_equal(len, 32);
    assert_int_equal(secret[0], 0x5e);
    if (world.element.lacks_secret == 0)
        return ROT_OK;
    world.element.lacks_secret--;
    return ROT_E_AUTH;
}

static rot_err
element_secret(void *self, const char *driver, struct rot_bytes uid, uint8_t *secret, size_t len)
{
    (void)self;
    (void)driver;
    assert_true(uid.len == 9 && memcmp(uid.p, ELEMENT_UID, 9) == 0);
    if (!world.element.has_secret)
        return ROT_E_EMPTY;
    memset(secret, 0x5e, len);
    return ROT_OK;
}

size_t
maker_cert(const struct world *w, EVP_PKEY *key, struct rs_bytes serial, const char *ca,
           uint8_t out[1024])
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
    assert_true(X509_sign(x, w->element.maker_key, EVP_sha256()) > 0);
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
        world.element.spoken = world.liar.now;
    memcpy(serial + 2, world.element.says_uid, 9);
    cert_len =
        maker_cert(&world, world.element.own_key, RS_BYTES(serial), "critical,CA:FALSE", cert);
    spki_len = (size_t)i2d_PUBKEY(world.element.own_key, &at);
    memcpy(message + 19, nonce, 32);
    memcpy(message + 51, spki, spki_len);
    assert_true(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, world.element.own_key) == 1 &&
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
    if (world.tpm.has_no_cert)
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
    if (world.tpm.opens_nothing)
        return after(ROT_E_FORMAT);
    memcpy(secret, challenge, 32);
    secret[0] ^= (uint8_t)world.tpm.opens_something;
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
    struct rot_layout *l = layout_with(more, world.element.has_speaker ? 2 : 1);

    l->channel = !world.element.is_plain;
    if (world.element.has_config)
        l->stages |= 1u << ROT_STAGE_CONFIG;
    if (world.element.has_life)
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
    if (world.element.is_one) {
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
    if (world.tpm.is_one) {
        driver.capability = tpm_capability;
        driver.object_read = tpm_object_read;
        driver.attest = tpm_attest;
        driver.activate = tpm_activate;
    }
    return &driver;
}

/* ---- A server, and the station's memory -------------------------------------------------- */

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
    if (!w->tpm.is_one) {
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

void
change_board(struct world *w, unsigned n)
{
    (void)snprintf(w->chip_path, sizeof(w->chip_path), "%s/board%u.rot", w->dir, n);
}

int
set_up(void **state)
{
    struct world *w = &world;
    struct rs_err err = {0};

    memset(w, 0, sizeof(*w));
    w->element.says_uid = ELEMENT_UID;
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/rs-recipe-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    change_board(w, 1);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &w->ca_key, &err), RS_OK);
    make_cert(w, crypto_key_pub(w->ca_key), rs_bytes_of(NULL, 0), 1, &w->ca);
    w->ca_list[0] = rs_buf_bytes(&w->ca);
    w->memory = memory_new();
    w->host = (struct recipe_host){.arg = w,
                                   .note = note,
                                   .recall = recall,
                                   .holder = holder,
                                   .enroll = server_enroll,
                                   .challenge = server_challenge,
                                   .answer = server_answer,
                                   .progress = progress,
                                   .ca_certs = w->ca_list,
                                   .ca_count = 1,
                                   .root = w->ca_list[0]};
    *state = w;
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

void
forget_server(struct world *w)
{
    for (unsigned i = 0; i < w->issued_count; i++)
        rs_buf_done(&w->issued[i].cert);
    w->issued_count = w->asked = 0;
}

int
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
    EVP_PKEY_free(w->element.maker_key);
    EVP_PKEY_free(w->element.own_key);
    return rmdir(w->dir);
}

rs_code
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
    w->wire.is_dead = 0;
    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(lin, uri), ROT_OK);
    lin->setup.driver = cut_driver();
    if (w->tpm.is_one)
        lin->setup.layout = tpm_layout();
    if (w->seals_objects)
        lin->setup.layout = sealing_layout();
    ops = *lin->setup.port->ops;
    ops.channel_secret = element_secret;
    port = (struct rot_port){lin->setup.port->self, &ops};
    if (w->element.is_one) {
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

void
forget(struct world *w)
{
    memory_free(w->memory);
    w->memory = memory_new();
}

void
a_blank_board(struct world *w)
{
    new_chip(w);
    forget(w);
    forget_server(w);
}

void
look(struct world *w, struct rot_linux *lin, struct rot_chip *chip)
{
    char uri[160];

    (void)snprintf(uri, sizeof(uri), "soft:%s", w->chip_path);
    assert_int_equal(rot_linux_open(lin, uri), ROT_OK);
    assert_int_equal(rot_open(chip, &lin->setup), ROT_OK);
}

int
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
