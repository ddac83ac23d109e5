/*
 * part.c: challenges to secure elements, from stations.
 *
 * docs/protocols/part.md.  What is believed is decided in src/pki/proof.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/json.h"
#include "server/front.h"

/* {"order", "uid"} */
static rs_code
challenge(struct call *call, struct pki_part_challenge *c, struct rs_err *err)
{
    uint8_t uid[VENDOR_UID_MAX];
    size_t len = 0;
    struct pki_part_ask ask = {.caller = &call->caller};
    rs_code rc = rs_json_text(call->body, "order", &ask.order, err);

    if (rc == RS_OK && strlen(ask.order) >= STORE_NAME_MAX)
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "part: \"order\" is too long");
    if (rc == RS_OK)
        rc = rs_json_hex(call->body, "uid", uid, sizeof(uid), &len, err);
    ask.uid = rs_bytes_of(uid, len);
    return rc == RS_OK ? pki_part_challenge(call->front->pki, &ask, c, err) : rc;
}

static void
post_challenge(struct call *call)
{
    struct pki_part_challenge c;
    struct rs_err err = {0};

    if (challenge(call, &c, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200,
                   json_pack("{s:o, s:o, s:I}", "id", json_hex(RS_BYTES(c.id)), "nonce",
                             json_hex(RS_BYTES(c.nonce)), "until", (json_int_t)c.until));
}

/* {"id", "format", "evidence"}: before anything is written or asked for. */
static rs_code
answer(struct call *call, struct rs_err *err)
{
    uint8_t id[PKI_CHALLENGE_ID];
    struct rs_bytes evidence;
    size_t len = 0;
    int64_t format = 0;
    rs_code rc = rs_json_hex(call->body, "id", id, sizeof(id), &len, err);

    if (rc == RS_OK)
        rc = rs_json_int(call->body, "format", 0, 255, &format, err);
    if (rc == RS_OK)
        rc = call_bytes(call, "evidence", VENDOR_EVIDENCE_MAX, &evidence, err);
    return rc == RS_OK ? pki_part_answer(call->front->pki, &call->caller, rs_bytes_of(id, len),
                                         (unsigned)format, evidence, err)
                       : rc;
}

static void
post_answer(struct call *call)
{
    struct rs_err err = {0};

    if (answer(call, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_pack("{s:s}", "kind", "answer"));
}

void
post_station_part(struct call *call)
{
    if (strcmp(call->name, "challenge") == 0)
        post_challenge(call);
    else if (strcmp(call->name, "answer") == 0)
        post_answer(call);
    else
        call_refuse_code(call, RS_E_REQUEST_UNKNOWN, "part: challenge or answer");
}
