/*
 * attest.c: the part's own word for a key.
 *
 * A key with the internal property signs nothing that the host gives it: only what the
 * part says of an element (section 5 of the placeholder page).  Evidence, all that is
 * needed to make that message again but the nonce:
 *
 *   version 1 | serial number (8) | handle of the key (2) | its attributes (8) | its state |
 *   X, Y of the key (64) | X, Y of the key that signs (64) | r, s (64)
 *
 * Whose the key that signs is, nothing in the part says: whoever saw it made must tell.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

#define VERSION      1u
#define SIGNATURE    64u
#define NONCE        32u
#define AT_SERIAL    1u
#define AT_HANDLE    (AT_SERIAL + TA100_SERIAL)
#define AT_ATTRIBUTE (AT_HANDLE + 2u)
#define AT_STATE     (AT_ATTRIBUTE + TA100_ATTRIBUTES)
#define AT_KEY       (AT_STATE + 1u)
#define AT_SIGNER    (AT_KEY + TA100_POINT)
#define AT_SIGNATURE (AT_SIGNER + TA100_POINT)
#define EVIDENCE_LEN (AT_SIGNATURE + SIGNATURE)

/* What the part will put into the message, as it says now. */
static rot_err
put_claims(struct rot_chip *chip, uint32_t handle, uint8_t *p)
{
    struct ta100_identity id = {.locks = 0};
    struct ta100_element e = {.state = 0};
    rot_err rc = ta100_identity(chip, &id);

    if (rc == ROT_OK)
        rc = ta100_element(chip, handle, &e);
    if (rc == ROT_OK)
        rc = ta100_point(chip, handle, p + AT_KEY);
    if (rc != ROT_OK)
        return rc;
    p[0] = VERSION;
    memcpy(p + AT_SERIAL, id.serial, TA100_SERIAL);
    p[AT_HANDLE] = (uint8_t)(handle >> 8);
    p[AT_HANDLE + 1] = (uint8_t)handle;
    memcpy(p + AT_ATTRIBUTE, e.attributes, TA100_ATTRIBUTES);
    p[AT_STATE] = e.state;
    return ROT_OK;
}

rot_err
ta100_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
             struct rot_evidence *evidence)
{
    const struct rot_place *by = rot_layout_find(chip->setup.layout, ROT_ATTEST(0), ROT_PART_KEY);
    uint8_t *p = evidence->buf;
    rot_err rc;

    if (by == NULL)
        return ROT_E_UNSUPPORTED;
    if (evidence->cap < EVIDENCE_LEN) {
        evidence->len = EVIDENCE_LEN;
        return ROT_E_SPACE;
    }
    rc = put_claims(chip, place->where, p);
    if (rc == ROT_OK)
        rc = ta100_point(chip, by->where, p + AT_SIGNER);
    if (rc != ROT_OK)
        return rc;
    ta100_begin(chip, TA100_SIGN, TA100_SIGN_INSIDE, by->where);
    ta100_put_u16(chip, place->where);
    ta100_put(chip, nonce, NONCE);
    rc = ta100_run_into(chip, p + AT_SIGNATURE, SIGNATURE);
    if (rc != ROT_OK)
        return rc;
    evidence->len = EVIDENCE_LEN;
    evidence->format = ROT_EVIDENCE_TA100_PLACEHOLDER;
    return ROT_OK;
}
