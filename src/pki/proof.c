/*
 * proof.c: what parts other than TPMs prove of themselves, and what orders demand.
 *
 * A station asks for a nonce for the part in its fixture, lets the part speak over it before
 * anything is written, and again about the identity's key in the request for its
 * certificate: one challenge, one part, one key (the table is endorse.c's).
 *
 * What is demanded stands in the order, as an officer signed it.  An order that says nothing
 * wants a genuine part where a maker of secure elements is configured and the model comes
 * with its maker's certificate: whoever names makers wants them to count.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "pki/inner.h"

#define ID PKI_CHALLENGE_ID

/* ---- What is demanded ---------------------------------------------------------------------- */

enum vendor_level
pki_part_demand(const struct pki *pki, const struct doc_order *order)
{
    enum vendor_level level = VENDOR_STATION;
    char text[16] = "";

    if (endorse_is_needed(order->rot))
        return VENDOR_ATTESTED;
    if (order->provenance.len > 0 && order->provenance.len < sizeof(text)) {
        memcpy(text, order->provenance.p, order->provenance.len);
        /* A word that is none of ours: the most that there is, for somebody meant something. */
        return vendor_level_read(text, &level) ? level : VENDOR_ATTESTED;
    }
    return pki->config.vendors != NULL && vendor_level_of(order->rot) > VENDOR_STATION
               ? VENDOR_GENUINE
               : VENDOR_STATION;
}

/* ---- Challenges ------------------------------------------------------------------------------ */

/* The part's number as the table has it: 32 bytes, zeros behind. */
static rs_code
take_uid(struct rs_bytes uid, uint8_t chip[32], struct rs_err *err)
{
    if (uid.len == 0 || uid.len > 32)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "part: uid has 1 to 32 bytes");
    memset(chip, 0, 32);
    memcpy(chip, uid.p, uid.len);
    return RS_OK;
}

static rs_code
check_grant(struct pki *pki, const struct pki_part_ask *ask, struct rs_err *err)
{
    struct doc_order order;
    struct store *store;
    rs_code rc = pki_reader(pki, &store, err);

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 262144);
    return rc == RS_OK ? challenges_order(pki, store, ask->caller, ask->order, &arena, &order, err)
                       : rc;
}

rs_code
pki_part_challenge(struct pki *pki, const struct pki_part_ask *ask,
                   struct pki_part_challenge *ret_challenge, struct rs_err *err)
{
    struct challenge c = {.until = rs_now() + PKI_CHALLENGE_S, .is_part = 1};
    rs_code rc = take_uid(ask->uid, c.chip, err);

    if (rc == RS_OK)
        rc = check_grant(pki, ask, err);
    if (rc == RS_OK)
        rc = rs_random(c.id, sizeof(c.id), err);
    if (rc == RS_OK)
        rc = rs_random(c.nonce, sizeof(c.nonce), err);
    (void)snprintf(c.label, sizeof(c.label), "%s", ask->order);
    (void)snprintf(c.owner, sizeof(c.owner), "%s", ask->caller->who);
    if (rc == RS_OK)
        rc = challenges_enter(&pki->challenges, &c, err);
    if (rc != RS_OK)
        return rc;
    memcpy(ret_challenge->id, c.id, sizeof(c.id));
    memcpy(ret_challenge->nonce, c.nonce, sizeof(c.nonce));
    ret_challenge->until = c.until;
    return RS_OK;
}

/* Signed over the challenge's nonce, by the part that it was made for. */
static rs_code
believe(const struct pki *pki, const struct challenge *c, unsigned format, struct rs_bytes evidence,
        struct vendor_evidence *e, enum vendor_level *ret_level, struct rs_err *err)
{
    uint8_t chip[32];
    rs_code rc = vendor_read(format, evidence, e, err);

    if (rc == RS_OK)
        rc = vendor_check(e, pki->config.vendors, c->nonce, rs_now(), ret_level, err);
    if (rc == RS_OK)
        rc = take_uid(rs_bytes_of(e->uid, e->uid_len), chip, err);
    if (rc == RS_OK && memcmp(chip, c->chip, sizeof(chip)) != 0)
        rc = rs_fail(err, RS_E_ATTEST_INVALID, "part: the evidence is another part's");
    return rc;
}

rs_code
pki_part_answer(struct pki *pki, const struct pki_caller *caller, struct rs_bytes id,
                unsigned format, struct rs_bytes evidence, struct rs_err *err)
{
    enum vendor_level level = VENDOR_STATION;
    struct vendor_evidence e;
    struct challenge c;
    rs_code rc = challenges_find(&pki->challenges, caller->who, id, &c, err);

    if (rc != RS_OK)
        return rc;
    rc = believe(pki, &c, format, evidence, &e, &level, err);
    challenges_answer(&pki->challenges, id, rc == RS_OK);
    return rc;
}

/* ---- In a request ------------------------------------------------------------------------------ */

/* Challenge's id (16), format, evidence. */
static rs_code
check(struct pki *pki, const struct pki_issue_request *request, const struct csr *csr,
      struct rs_bytes uid, enum vendor_level *ret_level, struct rs_err *err)
{
    struct rs_bytes whole = csr->part_evidence, id;
    struct vendor_evidence e;
    struct challenge c;
    uint8_t key_hash[32];
    rs_code rc;

    if (whole.len <= ID + 1)
        return rs_fail(err, RS_E_ATTEST_INVALID, "part: evidence: malformed");
    id = rs_bytes_of(whole.p, ID);
    crypto_pub_hash(&csr->pub, key_hash);
    rc = challenges_use(&pki->challenges, request, id, rs_bytes_of(NULL, 0), key_hash, &c, err);
    if (rc == RS_OK)
        rc = believe(pki, &c, whole.p[ID], rs_bytes_of(whole.p + ID + 1, whole.len - ID - 1), &e,
                     ret_level, err);
    if (rc == RS_OK && !rs_bytes_equal(uid, rs_bytes_of(e.uid, e.uid_len)))
        rc = rs_fail(err, RS_E_ATTEST_INVALID, "part: the request names another chip");
    if (rc == RS_OK && !rs_bytes_equal(csr->spki, rs_bytes_of(e.spki, e.spki_len)))
        rc = rs_fail(err, RS_E_ATTEST_INVALID, "part: the evidence is about another key");
    return rc;
}

rs_code
proof_check(struct pki *pki, const struct pki_issue_request *request, const struct csr *csr,
            const struct doc_order *order, struct rs_bytes uid, enum vendor_level *ret_level,
            struct rs_err *err)
{
    enum vendor_level demand = pki_part_demand(pki, order);
    rs_code rc = RS_OK;

    *ret_level = VENDOR_STATION;
    if (csr->part_evidence.len > 0)
        rc = check(pki, request, csr, uid, ret_level, err);
    if (rc == RS_OK && *ret_level < demand)
        rc = rs_fail(err, RS_E_ATTEST_REQUIRED,
                     "part: order %.*s wants \"%s\", the evidence proves \"%s\"",
                     (int)order->name.len, (const char *)order->name.p, vendor_level_name(demand),
                     vendor_level_name(*ret_level));
    return rc;
}
