/*
 * recipe_proof.c: a part with its maker's certificate proves itself.
 *
 * Before anything is written to it, it speaks by its maker's key over a nonce: the server's,
 * or the station's own where the server does not ask.  Who judges: the server, and the station
 * if it was given makers (vendor_roots).  Over the same nonce it speaks afterwards of the
 * identity's key, in the request for the certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/vendor.h"
#include "base/clock.h"
#include "base/random.h"
#include "station/recipe_inner.h"

static int
has_maker(const struct recipe *r)
{
    struct rot_capability cap;

    return rot_capabilities(r->job->chip, ROT_VENDOR(0), &cap) == ROT_OK &&
           cap.where[ROT_CAN_ATTEST] == ROT_IN_CHIP;
}

static rs_code
attest(struct recipe *r, rot_object obj, struct rot_evidence *evidence, const char *what,
       struct rs_err *err)
{
    rot_err rot = rot_attest(r->job->chip, obj, r->nonce, evidence);

    r->is_chips_word = rot != ROT_OK;
    /* What should be its maker's is not there, or is no certificate. */
    if (rot == ROT_E_EMPTY || rot == ROT_E_FORMAT)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "%s: the part has no certificate of its maker",
                       what);
    return rot == ROT_OK ? RS_OK : recipe_chip_fail(r, rot, what, err);
}

static rs_code
take_nonce(struct recipe *r, struct client_challenge *c, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    size_t len = 0;
    rs_code rc;

    if (!host->asks_part)
        return rs_random(r->nonce, sizeof(r->nonce), err);
    rc = host->part_challenge(host->arg, r->job->order,
                              rs_bytes_of(r->identity.uid, r->identity.uid_len), c, err);
    if (rc != RS_OK)
        return rc;
    if (!rs_hex_read(c->id, strlen(c->id), r->proof_id, sizeof(r->proof_id), &len) ||
        len != sizeof(r->proof_id))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "the server's challenge is none");
    memcpy(r->nonce, c->nonce, sizeof(r->nonce));
    return RS_OK;
}

/* The station's own opinion. */
static rs_code
judge(const struct recipe *r, const struct rot_evidence *evidence, struct rs_err *err)
{
    const struct makers *makers = r->job->host->vendors;
    enum vendor_level level = VENDOR_STATION;
    struct vendor_evidence e;
    rs_code rc;

    if (makers == NULL)
        return RS_OK;
    rc =
        vendor_read((unsigned)evidence->format, rs_bytes_of(evidence->buf, evidence->len), &e, err);
    if (rc == RS_OK)
        rc = vendor_check(&e, makers, r->nonce, rs_now(), &level, err);
    if (rc == RS_OK && !rs_bytes_equal(rs_bytes_of(e.uid, e.uid_len),
                                       rs_bytes_of(r->identity.uid, r->identity.uid_len)))
        rc = rs_fail(err, RS_E_ATTEST_INVALID, "part: the evidence is another part's");
    if (rc == RS_OK && level < VENDOR_GENUINE)
        rc = rs_fail(err, RS_E_CHIP_NOT_GENUINE, "part: no maker stands for it");
    return rc;
}

rs_code
recipe_prove(struct recipe *r, struct rs_err *err)
{
    const struct recipe_host *host = r->job->host;
    uint8_t room[ROT_EVIDENCE_MAX];
    struct rot_evidence evidence = {.buf = room, .cap = sizeof(room)};
    struct client_challenge c = {.id = ""};
    rs_code rc;

    if (!host->asks_part && host->vendors == NULL)
        return RS_OK;
    if (!has_maker(r))
        return rs_fail(err, RS_E_ATTEST_REQUIRED,
                       "the order wants a part that proves its maker, and a %s has no certificate "
                       "of its own",
                       r->identity.model);
    rc = take_nonce(r, &c, err);
    if (rc == RS_OK)
        rc = attest(r, ROT_VENDOR(0), &evidence, "prove the part genuine", err);
    if (rc == RS_OK)
        rc = judge(r, &evidence, err);
    if (rc == RS_OK && host->asks_part)
        rc = host->part_answer(host->arg, c.id, (unsigned)evidence.format,
                               rs_bytes_of(evidence.buf, evidence.len), err);
    r->is_chips_word = r->is_chips_word || rc != RS_OK;
    r->has_proof = rc == RS_OK && host->asks_part;
    return rc;
}

rs_code
recipe_proof(struct recipe *r, struct rs_buf *out, struct rs_err *err)
{
    uint8_t room[ROT_EVIDENCE_MAX];
    struct rot_evidence evidence = {.buf = room, .cap = sizeof(room)};
    rs_code rc;

    if (!r->has_proof)
        return RS_OK;
    rc = attest(r, ROT_IDEVID, &evidence, "attest the key", err);
    if (rc != RS_OK)
        return rc;
    rs_buf_put(out, r->proof_id, sizeof(r->proof_id));
    rs_buf_put_u8(out, (unsigned)evidence.format);
    rs_buf_put(out, evidence.buf, evidence.len);
    return rs_buf_ok(out) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "evidence: no memory");
}
