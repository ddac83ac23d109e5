/*
 * recipe_genuine.c: is it what its maker says, before anything is bought for it.
 *
 * For parts with an attestation key beside their maker's endorsement (TPMs).  The
 * server challenges: only the part that has both keys can open the credential.  The
 * challenge's nonce is what the identity's key is attested over afterwards.  Nothing
 * here cannot be undone, and a part whose identity was bought before is not asked
 * again: its certificate's key answers for it at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/tpm.h"
#include "station/recipe_inner.h"

static int
has_endorsement(const struct recipe *r)
{
    struct rot_capability cap;

    return rot_capabilities(r->job->chip, ROT_ATTEST(0), &cap) == ROT_OK &&
           cap.where[ROT_CAN_ACTIVATE] == ROT_IN_CHIP;
}

/* The attestation key, made where there is none yet. */
static rs_code
attestation_key(struct recipe *r, struct rs_buf *out, struct rs_err *err)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX];
    size_t len = 0;
    rot_err rot = rot_key_public(r->job->chip, ROT_ATTEST(0), spki, sizeof(spki), &len);

    if (rot == ROT_E_EMPTY) {
        rot = rot_key_generate(r->job->chip, ROT_ATTEST(0), ROT_ALG_P256, spki, sizeof(spki), &len);
        r->wrote = r->wrote || rot == ROT_OK;
    }
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "make the attestation key", err);
    return tpm_put_iak(rs_bytes_of(spki, len), out, err);
}

static rs_code
open_challenge(struct recipe *r, const struct client_challenge *c, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    uint8_t secret[ROT_SECRET_MAX];
    size_t len = 0;
    rot_err rot = rot_activate(r->job->chip, ROT_ATTEST(0), c->credential, c->credential_len,
                               secret, sizeof(secret), &len);
    rs_code rc;

    if (rot == ROT_E_FORMAT || rot == ROT_E_MISMATCH)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "open the challenge: the endorsement is not this part's");
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "open the challenge", err);
    rc = host->answer(host->arg, c->id, rs_bytes_of(secret, len), err);
    rs_wipe(secret, sizeof(secret));
    return rc;
}

rs_code
recipe_genuine(struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    struct client_challenge c = {.id = ""};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf ek, iak;
    rs_buf_init(&ek, ROT_CERTIFICATE_MAX);
    rs_buf_init(&iak, TPM_PUBLIC_MAX);
    if (r->known.cert.len > 0)
        return RS_OK;
    if (!has_endorsement(r))
        return recipe_prove(r, err);
    rc = recipe_read_object(r, ROT_VENDOR(0), ROT_PART_CERT, &ek, err);
    if (rc == RS_OK && ek.len == 0)
        rc = rs_fail(err, RS_E_CHIP_NOT_GENUINE, "the part has no certificate of its maker");
    if (rc == RS_OK)
        rc = attestation_key(r, &iak, err);
    if (rc == RS_OK)
        rc = host->challenge(host->arg, r->job->order, rs_buf_bytes(&ek), rs_buf_bytes(&iak), &c,
                             err);
    if (rc == RS_OK)
        rc = open_challenge(r, &c, err);
    r->is_genuine = rc == RS_OK;
    memcpy(r->nonce, c.nonce, sizeof(r->nonce));
    return rc;
}

rs_code
recipe_evidence(struct recipe *r, struct rs_buf *out, struct rs_err *err)
{
    uint8_t room[ROT_EVIDENCE_MAX];
    struct rot_evidence evidence = {.buf = room, .cap = sizeof(room)};
    rot_err rot;

    if (!r->is_genuine)
        return RS_OK;
    rot = rot_attest(r->job->chip, ROT_IDEVID, r->nonce, &evidence);
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "attest the key", err);
    rs_buf_put(out, evidence.buf, evidence.len);
    return RS_OK;
}
