/*
 * attest.c: what the TPM says about a key, and what only it can open.
 *
 * Evidence is a TPM2_Certify of the key by the attestation key (Part 3, 18.2),
 * with the two public areas in front, so that whoever reads it needs nothing
 * else:
 *
 *   TPM2B_PUBLIC of the attestation key | TPM2B_PUBLIC of the key |
 *   TPM2B_ATTEST, its extraData the nonce | TPMT_SIGNATURE, ECDSA with SHA-256
 *
 * That the attestation key is in the TPM with that endorsement certificate,
 * TPM2_ActivateCredential shows (Part 1, 24).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define EVIDENCE_MAX 768u /* two public areas of 122, 145 + 40 attested, 72 signed; generous */

/* Where the layout keeps the attestation key, or the vendor's. */
static const struct rot_place *
key_place(const struct rot_chip *chip, rot_object object)
{
    return rot_layout_find(chip->setup.layout, object, ROT_PART_KEY);
}

static rot_err
append(struct rot_evidence *e, struct rot_bytes b, int sized)
{
    if (b.len + 2 > e->cap - e->len)
        return ROT_E_SPACE;
    if (sized) {
        e->buf[e->len++] = (uint8_t)(b.len >> 8);
        e->buf[e->len++] = (uint8_t)b.len;
    }
    memcpy(e->buf + e->len, b.p, b.len);
    e->len += b.len;
    return ROT_OK;
}

/* Who may administer the key: its policy, or for an LDevID its user. */
static rot_err
start_admin(struct rot_chip *chip, const struct rot_place *place, enum tpm2_cc cc,
            struct tpm2_session *policy)
{
    policy->handle = 0;
    if (!tpm2_is_primary(place))
        return ROT_OK;
    return tpm2_policy_admin(chip, tpm2_template_of(place), cc, policy);
}

/* The same session must not stand twice in one command: then one of the two is an empty password. */
static void
put_two_sessions(struct rot_chip *chip, struct tpm2_session *policy, uint8_t attributes)
{
    struct tpm2_state *s = tpm2_of(chip);

    tpm2_put_session(chip, policy->handle != 0 ? policy : NULL, 0);
    tpm2_put_session(chip, &s->session, attributes);
}

static rot_err
certify(struct rot_chip *chip, struct tpm2_session *policy, const uint8_t nonce[32],
        struct rot_evidence *e)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    struct rot_bytes attested;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_CERTIFY);
    tpm2_put_handle(chip, s->key.handle, &s->key.name);
    tpm2_put_handle(chip, s->other.handle, &s->other.name);
    put_two_sessions(chip, policy, TPM2_SE_CONTINUE);
    tpm2_put_sized(chip, nonce, 32);
    tpm2_put_u16(chip, TPM2_ALG_NULL); /* the key's own scheme */
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    policy->handle = 0; /* used up */
    attested = tpm2_get_sized(&r);
    if (r.is_bad)
        return ROT_E_FORMAT;
    rc = append(e, attested, 1);
    return rc == ROT_OK ? append(e, (struct rot_bytes){r.p, r.len}, 0) : rc;
}

static rot_err
attest(struct rot_chip *chip, const struct rot_place *place, const struct rot_place *iak,
       const uint8_t nonce[32], struct rot_evidence *e)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_session policy = {.handle = 0};
    rot_err rc = tpm2_need_session(chip);

    e->len = 0;
    if (rc == ROT_OK)
        rc = tpm2_read_public(chip, iak->where, &s->other);
    if (rc == ROT_OK)
        rc = append(e, s->other.raw, 1);
    if (rc == ROT_OK)
        rc = tpm2_read_public(chip, place->where, &s->key);
    if (rc == ROT_OK)
        rc = append(e, s->key.raw, 1);
    if (rc == ROT_OK)
        rc = start_admin(chip, place, TPM2_CC_CERTIFY, &policy);
    if (rc != ROT_OK)
        return rc;
    rc = certify(chip, &policy, nonce, e);
    tpm2_policy_end(chip, &policy);
    return rc;
}

rot_err
tpm2_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
            struct rot_evidence *evidence)
{
    const struct rot_place *iak = key_place(chip, ROT_ATTEST(0));
    rot_err rc;

    /* The vendor's key allows nobody to certify it: its policy names no command (EK profile). */
    if (iak == NULL || tpm2_only_decrypts(place))
        return ROT_E_UNSUPPORTED;
    evidence->len = EVIDENCE_MAX;
    if (evidence->cap < EVIDENCE_MAX)
        return ROT_E_SPACE;
    rc = attest(chip, place, iak, nonce, evidence);
    if (tpm2_is_worth_again(chip, rc))
        rc = attest(chip, place, iak, nonce, evidence);
    if (rc == ROT_OK)
        evidence->format = ROT_EVIDENCE_TPM_CERTIFY;
    return rc;
}

/* ---- Credentials --------------------------------------------------------------- */

struct challenge {
    struct rot_bytes credential, secret;
};

/* Part 2: TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET. */
static rot_err
take_challenge(const uint8_t *p, size_t len, struct challenge *c)
{
    struct tpm2_reader r = {p, len, 0};

    c->credential = tpm2_get_sized(&r);
    c->secret = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || c->credential.len < 2 + TPM2_HASH + 2 || c->secret.len == 0 ||
        len > TPM2_CHUNK)
        return ROT_E_FORMAT;
    return ROT_OK;
}

/* The key in s->key, the vendor's in s->other. */
static rot_err
open_credential(struct rot_chip *chip, const struct challenge *ch, struct tpm2_session *admin,
                struct tpm2_session *vendor, uint8_t secret[ROT_SECRET_MAX], size_t *ret_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    struct rot_bytes b;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_ACTIVATE);
    tpm2_put_handle(chip, s->key.handle, &s->key.name);
    tpm2_put_handle(chip, s->other.handle, &s->other.name);
    tpm2_put_session(chip, admin->handle != 0 ? admin : NULL, 0);
    tpm2_put_session(chip, vendor, 0);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_ENCRYPT);
    tpm2_put_sized(chip, ch->credential.p, ch->credential.len);
    tpm2_put_sized(chip, ch->secret.p, ch->secret.len);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    admin->handle = vendor->handle = 0; /* used up */
    b = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || b.len > ROT_SECRET_MAX)
        return ROT_E_FORMAT;
    if (b.len != 0)
        memcpy(secret, b.p, b.len);
    *ret_len = b.len;
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return ROT_OK;
}

static rot_err
with_policies(struct rot_chip *chip, const struct rot_place *place, const struct challenge *ch,
              uint8_t secret[ROT_SECRET_MAX], size_t *ret_len)
{
    struct tpm2_session admin = {.handle = 0}, vendor = {.handle = 0};
    rot_err rc = start_admin(chip, place, TPM2_CC_ACTIVATE, &admin);

    if (rc == ROT_OK)
        rc = tpm2_policy_endorsement(chip, &vendor);
    if (rc == ROT_OK)
        rc = open_credential(chip, ch, &admin, &vendor, secret, ret_len);
    tpm2_policy_end(chip, &vendor);
    tpm2_policy_end(chip, &admin);
    return rc;
}

static rot_err
activate(struct rot_chip *chip, const struct rot_place *place, const struct rot_place *ek,
         const struct challenge *ch, uint8_t secret[ROT_SECRET_MAX], size_t *ret_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    int transient = 0;
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = tpm2_read_public(chip, place->where, &s->key);
    if (rc == ROT_OK)
        rc = tpm2_endorsement_key(chip, ek->where, &s->other, &transient);
    if (rc != ROT_OK)
        return rc;
    rc = with_policies(chip, place, ch, secret, ret_len);
    return transient ? tpm2_flush_after(chip, s->other.handle, rc) : rc;
}

rot_err
tpm2_activate(struct rot_chip *chip, const struct rot_place *place, const uint8_t *challenge,
              size_t challenge_len, uint8_t *secret, size_t cap, size_t *ret_len)
{
    const struct rot_place *ek = key_place(chip, ROT_VENDOR(0));
    uint8_t opened[ROT_SECRET_MAX];
    struct challenge ch;
    size_t len = 0;
    rot_err rc;

    if (ek == NULL || tpm2_only_decrypts(place))
        return ROT_E_UNSUPPORTED;
    rc = take_challenge(challenge, challenge_len, &ch);
    if (rc != ROT_OK)
        return rc;
    *ret_len = TPM2_HASH; /* the most that a credential for a SHA-256 name holds */
    if (cap < TPM2_HASH)
        return ROT_E_SPACE;
    rc = activate(chip, place, ek, &ch, opened, &len);
    if (tpm2_is_worth_again(chip, rc))
        rc = activate(chip, place, ek, &ch, opened, &len);
    if (rc == ROT_OK && len > cap)
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK) {
        memcpy(secret, opened, len);
        *ret_len = len;
    }
    rot_wipe_memory(opened, sizeof(opened));
    return tpm2_blame_input(chip, rc);
}
