/*
 * attest.c: what the part says about a key, signed by its maker's.
 *
 * The form of the evidence is in se05x.h.  The driver looks whether what came is about the
 * object that was asked for; whether to believe it is for whoever gave the nonce.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define FORM      1u
#define FRESHNESS 16u
#define TIME      12u
/* All but the certificate: a command of 40 bytes, an answer whose parts are 97, 40, 12, 18, 2 and
 * 104 bytes at most, lengths; generous. */
#define FIXED_MAX 512u

/* The command's data: what is read, by whom it is signed, what for. */
static void
put_request(struct rot_chip *chip, const struct rot_place *place, uint32_t signer,
            const uint8_t freshness[FRESHNESS])
{
    se05x_begin_on(chip, SE05X_OP_READ_ATTESTED, place->where);
    se05x_put_number(chip, SE05X_TAG_5, signer, 4);
    se05x_put_number(chip, SE05X_TAG_6, SE05X_ECDSA_SHA256, 1);
    se05x_put(chip, SE05X_TAG_7, freshness, FRESHNESS);
}

static rot_err
append(struct rot_evidence *e, size_t *at, struct rot_bytes b)
{
    if (e->cap - *at < 2 || b.len > e->cap - *at - 2)
        return ROT_E_SPACE;
    se05x_store_u16(e->buf + *at, (unsigned)b.len);
    memcpy(e->buf + *at + 2, b.p, b.len);
    *at += 2 + b.len;
    return ROT_OK;
}

/* As the part sees it: header, 00 and two bytes of length, data. */
static rot_err
append_command(const struct rot_chip *chip, struct rot_evidence *e, size_t *at)
{
    struct se05x_state *s = se05x_of(chip);
    const struct se05x_command *c = &s->command;
    struct se05x_command whole = *c;

    whole.is_long = 1;
    (void)se05x_put_head(&whole, s->apdu, c->len);
    return append(e, at, (struct rot_bytes){s->apdu, SE05X_HEAD + c->len});
}

struct said {
    struct rot_bytes data, attributes, uid, freshness, time, signature;
};

static void
take_said(const struct rot_chip *chip, struct se05x_reader *r, struct said *said)
{
    said->data = se05x_take(r, SE05X_TAG_1);
    if (se05x_is_modern(chip)) {
        said->uid = se05x_take(r, SE05X_TAG_2);
        said->attributes = se05x_take(r, SE05X_TAG_3);
        (void)se05x_take_number(r, SE05X_TAG_4, 2);
        said->time = se05x_take(r, SE05X_TAG_TIME);
        said->signature = se05x_take(r, SE05X_TAG_SIGNATURE);
    } else {
        said->attributes = se05x_take(r, SE05X_TAG_2);
        said->time = se05x_take(r, SE05X_TAG_3);
        said->freshness = se05x_take(r, SE05X_TAG_4);
        said->uid = se05x_take(r, SE05X_TAG_5);
        said->signature = se05x_take(r, SE05X_TAG_6);
    }
}

/* It is about that object of this part, and of now.  (A frame of its own: it calls nobody.) */
static __attribute__((noinline)) rot_err
check_said(const struct rot_chip *chip, struct se05x_reader r, const struct rot_place *place,
           const uint8_t freshness[FRESHNESS])
{
    const struct se05x_state *s = se05x_of(chip);
    struct said said = {.data = {NULL, 0}};
    struct se05x_attributes a;

    take_said(chip, &r, &said);
    if (se05x_take_end(&r) != ROT_OK || said.signature.len == 0 || said.time.len != TIME ||
        said.uid.len != SE05X_UID ||
        said.data.len != 1 + rot_alg_point_size((enum rot_alg)place->alg))
        return ROT_E_FORMAT;
    if (s->has_uid && memcmp(said.uid.p, s->uid, SE05X_UID) != 0)
        return ROT_E_FORMAT;
    if (!se05x_is_modern(chip) &&
        (said.freshness.len != FRESHNESS || memcmp(said.freshness.p, freshness, FRESHNESS) != 0))
        return ROT_E_FORMAT;
    return se05x_take_attributes(said.attributes, place->where, &a);
}

static rot_err
attest(struct rot_chip *chip, const struct rot_place *place, uint32_t signer,
       const uint8_t freshness[FRESHNESS], struct rot_evidence *e, size_t *at)
{
    struct se05x_reader r;
    rot_err rc;

    e->buf[0] = FORM;
    e->buf[1] = se05x_is_modern(chip) ? 2 : 1;
    se05x_store_u32(e->buf + 2, signer);
    *at = 6;
    put_request(chip, place, signer, freshness);
    rc = append_command(chip, e, at);
    if (rc == ROT_OK)
        rc = se05x_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    rc = check_said(chip, r, place, freshness);
    return rc == ROT_OK ? append(e, at, (struct rot_bytes){r.p, r.len}) : rc;
}

static rot_err
append_certificate(struct rot_chip *chip, const struct rot_place *cert, size_t size,
                   struct rot_evidence *e, size_t *at)
{
    size_t n = 0;
    rot_err rc = ROT_OK;

    if (e->cap - *at < 2 || size > e->cap - *at - 2)
        return ROT_E_SPACE;
    if (size != 0)
        rc = se05x_object_read(chip, cert, 0, e->buf + *at + 2, size, &n);
    if (rc != ROT_OK || n != size)
        return rc != ROT_OK ? rc : ROT_E_FORMAT;
    se05x_store_u16(e->buf + *at, (unsigned)size);
    *at += 2 + size;
    return ROT_OK;
}

static __attribute__((noinline)) rot_err
hash_nonce(const struct rot_chip *chip, const uint8_t nonce[32], uint8_t freshness[FRESHNESS])
{
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes all = {nonce, 32};
    uint8_t digest[32];
    rot_err rc = ROT_E_PORT;

    if (port->ops->hash != NULL)
        rc = port->ops->hash(port->self, ROT_HASH_SHA256, &all, 1, digest);
    if (rc == ROT_OK)
        memcpy(freshness, digest, FRESHNESS);
    return rc;
}

static rot_err
attest_with(struct rot_chip *chip, const struct rot_place *place, const struct rot_place *signer,
            const uint8_t freshness[FRESHNESS], struct rot_evidence *e)
{
    const struct rot_place *cert =
        rot_layout_find(chip->setup.layout, ROT_VENDOR(0), ROT_PART_CERT);
    size_t size = 0, at = 0;
    rot_err rc = cert == NULL ? ROT_E_EMPTY : se05x_object_size(chip, cert, &size);

    if (rc != ROT_OK && rc != ROT_E_EMPTY)
        return rc;
    size = rc == ROT_OK ? size : 0;
    if (e->cap < FIXED_MAX + size) {
        e->len = FIXED_MAX + size;
        return ROT_E_SPACE;
    }
    rc = attest(chip, place, signer->where, freshness, e, &at);
    if (rc == ROT_OK)
        rc = append_certificate(chip, cert, size, e, &at);
    if (rc != ROT_OK)
        return rc;
    e->len = at;
    e->format = ROT_EVIDENCE_SE05X_READ;
    return ROT_OK;
}

rot_err
se05x_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
             struct rot_evidence *evidence)
{
    const struct rot_place *signer =
        rot_layout_find(chip->setup.layout, ROT_VENDOR(0), ROT_PART_KEY);
    uint8_t freshness[FRESHNESS];
    rot_err rc;

    if (signer == NULL || se05x_curve_of((enum rot_alg)place->alg) == 0)
        return ROT_E_UNSUPPORTED;
    rc = hash_nonce(chip, nonce, freshness);
    if (rc != ROT_OK)
        return rc;
    return attest_with(chip, place, signer, freshness, evidence);
}
