/*
 * secret.c: secrets that stay inside: HMAC and AES keys.
 *
 * The part makes no symmetric keys by itself (ref 3.3): they are brought in through
 * the channel, agreed, or derived from others.  Those of a session are transient objects.
 *
 * The TLS PRF and what is expanded for the outside are built from the part's HMAC, because
 * its own commands for TLS want half of the seed to be random of theirs.
 *
 * One command takes SE05X_CHUNK bytes of a message; longer ones are ROT_E_ARG.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "se05x.h"

#define HASH 32u
#define TAG  16u

static int
is_hmac(const struct rot_place *place)
{
    return place->alg == ROT_ALG_HMAC_SHA256;
}

/* ---- Values ------------------------------------------------------------------------------ */

/* Anew each time: nobody knows with which rights an object that is there was created. */
static rot_err
put_secret(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes value)
{
    uint32_t op = is_hmac(place) ? SE05X_OP_WRITE_HMAC : SE05X_OP_WRITE_AES;
    rot_err rc = se05x_check_place(chip, place);

    if (rc == ROT_OK)
        rc = se05x_delete(chip, place->where);
    if (rc != ROT_OK && rc != ROT_E_EMPTY)
        return rc;
    if (ROT_OBJECT_KIND(place->object) == ROT_KIND_SESSION)
        op |= SE05X_TRANSIENT;
    se05x_begin_new(chip, op, place->where, se05x_rights(chip, place, 0));
    se05x_put(chip, SE05X_TAG_3, value.p, value.len);
    rc = se05x_run_plain(chip);
    /* A secret is short; what is kept behind it is wanted. */
    rot_wipe_memory(se05x_of(chip)->apdu, SE05X_BUFFER - SE05X_POINT);
    return rc;
}

rot_err
se05x_make_target(struct rot_chip *chip, const struct rot_place *into, size_t len)
{
    static const uint8_t zeroes[ROT_SECRET_MAX];

    return put_secret(chip, into, (struct rot_bytes){zeroes, len});
}

/* A key that everybody knows must not stay behind. */
rot_err
se05x_keep_target(struct rot_chip *chip, const struct rot_place *into, rot_err rc)
{
    uint32_t sw = chip->raw_status;

    if (rc != ROT_OK)
        (void)!se05x_delete(chip, into->where);
    chip->raw_status = sw;
    return rc;
}

rot_err
se05x_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                 const uint8_t *wrapped, size_t wrapped_len)
{
    const struct rot_bytes value = {wrapped, wrapped_len};

    /* Key pairs are born inside: evidence says so. */
    if (rot_alg_secret_size(alg) == 0)
        return ROT_E_UNSUPPORTED;
    if (wrapped_len != rot_alg_secret_size(alg))
        return ROT_E_FORMAT;
    if (chip->protection == ROT_PROTECTION_NONE)
        return ROT_E_AUTH;
    return put_secret(chip, place, value);
}

/* ---- MACs -------------------------------------------------------------------------------- */

static rot_err
mac_parts(struct rot_chip *chip, const struct rot_place *place, const struct rot_bytes *parts,
          size_t count, uint8_t *mac, size_t mac_len)
{
    struct se05x_state *s = se05x_of(chip);
    size_t len = 0;
    uint8_t *p;
    rot_err rc;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > SE05X_CHUNK - len)
            return ROT_E_ARG;
        len += parts[i].len;
    }
    se05x_begin_on(chip, SE05X_OP_MAC, place->where);
    se05x_put_number(chip, SE05X_TAG_2, is_hmac(place) ? SE05X_HMAC_SHA256 : SE05X_CMAC, 1);
    p = se05x_reserve(&s->command, s->apdu, SE05X_TAG_3, len);
    for (size_t i = 0; i < count && p != NULL; i++) {
        if (parts[i].len != 0)
            memcpy(p, parts[i].p, parts[i].len);
        p += parts[i].len;
    }
    rc = se05x_run_secret(chip, mac, mac_len); /* it may be a derived key */
    return rc;
}

static rot_err
hmac(struct rot_chip *chip, const struct rot_place *place, const struct rot_bytes *parts,
     size_t count, uint8_t mac[HASH])
{
    return mac_parts(chip, place, parts, count, mac, HASH);
}

rot_err
se05x_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
          uint8_t *mac, size_t cap, size_t *ret_len)
{
    const struct rot_bytes m = {msg, msg_len};
    size_t len = is_hmac(place) ? HASH : TAG;
    rot_err rc = mac_parts(chip, place, &m, 1, mac, len);

    (void)cap; /* the core has checked it */
    if (rc == ROT_OK)
        *ret_len = len;
    return rc;
}

/* ---- Derivations ----------------------------------------------------------------------------- */

/* RFC 5246 5: A(i) = HMAC(A(i-1)), A(0) = label || seed; output HMAC(A(i) || label || seed). */
static rot_err
prf(struct rot_chip *chip, const struct rot_place *from, const struct rot_kdf_params *p,
    uint8_t out[ROT_SECRET_MAX])
{
    uint8_t a[HASH];
    const struct rot_bytes parts[] = {{a, HASH}, p->label, p->info};
    rot_err rc = hmac(chip, from, parts + 1, 2, a);

    for (unsigned i = 0; i < 2 && rc == ROT_OK; i++) {
        rc = hmac(chip, from, parts, 3, out + HASH * i);
        if (rc == ROT_OK && i == 0)
            rc = hmac(chip, from, parts, 1, a);
    }
    rot_wipe_memory(a, sizeof(a));
    return rc;
}

/* By the part; target is NULL when the key leaves it. */
static rot_err
hkdf(struct rot_chip *chip, const struct rot_place *from, const struct rot_kdf_params *p,
     const struct rot_place *target, uint8_t out[ROT_SECRET_MAX])
{
    se05x_begin_on(chip, p->kdf == ROT_KDF_HKDF_SHA256 ? SE05X_OP_HKDF : SE05X_OP_HKDF_EXPAND,
                   from->where);
    se05x_put_number(chip, SE05X_TAG_2, SE05X_SHA256, 1);
    if (p->salt.len != 0)
        se05x_put(chip, SE05X_TAG_3, p->salt.p, p->salt.len);
    if (p->info.len != 0)
        se05x_put(chip, SE05X_TAG_4, p->info.p, p->info.len);
    se05x_put_number(chip, SE05X_TAG_5, (unsigned)p->out_len, 2);
    if (target == NULL)
        return se05x_run_secret(chip, out, p->out_len);
    se05x_put_number(chip, SE05X_TAG_7, target->where, 4);
    return se05x_run_plain(chip);
}

static rot_err
derive(struct rot_chip *chip, const struct rot_place *from, const struct rot_kdf_params *p,
       const struct rot_place *into, uint8_t out[ROT_SECRET_MAX])
{
    rot_err rc;

    if (p->kdf == ROT_KDF_TLS12_PRF_SHA256)
        return prf(chip, from, p, out);
    if (into != NULL) {
        rc = se05x_make_target(chip, into, p->out_len);
        if (rc != ROT_OK)
            return rc;
        rc = se05x_keep_target(chip, into, hkdf(chip, from, p, into, NULL));
    } else {
        rc = hkdf(chip, from, p, NULL, out);
    }
    return rc;
}

/* ref 3.3: nothing else is derived into a target, nor by older applets. */
static int
can_derive(const struct rot_chip *chip, const struct rot_place *from, enum rot_kdf kdf,
           const struct rot_place *into)
{
    if (!is_hmac(from) || kdf == ROT_KDF_SINGLE_STEP)
        return 0;
    return into == NULL || (kdf != ROT_KDF_TLS12_PRF_SHA256 && se05x_is_modern(chip));
}

rot_err
se05x_derive(struct rot_chip *chip, const struct rot_place *from,
             const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
             size_t cap, size_t *ret_len)
{
    uint8_t derived[ROT_SECRET_MAX];
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (!can_derive(chip, from, params->kdf, into))
        return ROT_E_UNSUPPORTED;
    /* The target is made before the source is used. */
    if (into != NULL && into->where == from->where)
        return ROT_E_ARG;
    rc = derive(chip, from, params, into, derived);
    if (rc == ROT_OK && into == NULL) {
        memcpy(out, derived, params->out_len);
        *ret_len = params->out_len;
    }
    rot_wipe_memory(derived, sizeof(derived));
    return rc;
}

/* ---- Boxes -------------------------------------------------------------------------------------- */

struct box {
    enum rot_aead alg;
    int seal;
    struct rot_bytes nonce, aad, in; /* in: without the tag */
    const uint8_t *tag;              /* of one that is opened */
};

static rot_err
send_box(struct rot_chip *chip, const struct rot_place *place, const struct box *b,
         struct se05x_reader *ret_answer)
{
    uint8_t length[SE05X_TAG_LENGTH_SIZE] = {0};

    length[sizeof(length) - 1] = TAG;
    se05x_begin_on(chip, b->seal ? SE05X_OP_SEAL : SE05X_OP_OPEN, place->where);
    se05x_put_number(chip, SE05X_TAG_2, b->alg == ROT_AEAD_AES_GCM ? SE05X_GCM : SE05X_CCM, 1);
    if (b->in.len != 0)
        se05x_put(chip, SE05X_TAG_3, b->in.p, b->in.len);
    if (b->aad.len != 0)
        se05x_put(chip, SE05X_TAG_4, b->aad.p, b->aad.len);
    se05x_put(chip, SE05X_TAG_5, b->nonce.p, b->nonce.len);
    if (b->seal)
        se05x_put(chip, SE05X_TAG_6, length, sizeof(length));
    else
        se05x_put(chip, SE05X_TAG_6, b->tag, TAG);
    return se05x_run(chip, ret_answer);
}

/* Text, then the tag, or whether it was right. */
static rot_err
take_box(struct se05x_reader *r, const struct box *b, uint8_t *out)
{
    struct rot_bytes text = {NULL, 0}, last;

    if (r->len != 0 && r->p[0] == SE05X_TAG_1)
        text = se05x_take(r, SE05X_TAG_1);
    last = se05x_take(r, SE05X_TAG_2);
    if (se05x_take_end(r) != ROT_OK || last.len != (b->seal ? TAG : 1u))
        return ROT_E_FORMAT;
    if (!b->seal && last.p[0] == SE05X_NO)
        return ROT_E_MISMATCH;
    if (text.len != b->in.len || (!b->seal && last.p[0] != SE05X_YES))
        return ROT_E_FORMAT;
    if (text.len != 0)
        memcpy(out, text.p, text.len);
    if (b->seal)
        memcpy(out + text.len, last.p, TAG);
    return ROT_OK;
}

static rot_err
run_box(struct rot_chip *chip, const struct rot_place *place, const struct box *b, uint8_t *out,
        size_t *ret_len)
{
    struct se05x_reader r;
    rot_err rc = send_box(chip, place, b, &r);

    if (rc != ROT_OK)
        return rc;
    rc = take_box(&r, b, out);
    if (rc == ROT_OK)
        *ret_len = b->in.len + (b->seal ? TAG : 0);
    rot_wipe_memory(se05x_of(chip)->apdu, SE05X_BUFFER);
    return rc;
}

rot_err
se05x_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
           struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
           size_t cap, size_t *ret_len)
{
    struct box b = {alg, seal, nonce, aad, in, NULL};

    (void)cap; /* the core has checked it */
    if (!SE05X_HAS_AEAD(se05x_of(chip)->version[0]))
        return ROT_E_UNSUPPORTED;
    if (!seal) {
        b.in.len -= TAG;
        b.tag = in.p + b.in.len;
    }
    if (b.in.len > SE05X_CHUNK || aad.len > SE05X_CHUNK - b.in.len)
        return ROT_E_ARG;
    return run_box(chip, place, &b, out, ret_len);
}
