/*
 * tpm.c: challenges to TPMs, from devices in the field and from stations.
 *
 * docs/protocols/tpm.md.  What is believed is decided in src/pki/endorse.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "server/front.h"

#define USER_PREFIX "tpm-"
#define ID_HEX      (2 * PKI_CHALLENGE_ID)
#define SECRET_HEX  (2 * TPM_SECRET_SIZE)

static void
reply_challenge(struct call *call, const struct pki_challenge *c)
{
    call_reply(call, 200,
               json_pack("{s:o, s:o, s:o, s:I}", "id", json_hex(RS_BYTES(c->id)), "challenge",
                         json_base64(rs_bytes_of(c->credential, c->credential_len)), "nonce",
                         json_hex(RS_BYTES(c->nonce)), "until", (json_int_t)c->until));
}

static void
post_challenge(struct call *call, const struct pki_caller *caller, const char *label)
{
    struct pki_challenge_ask ask = {.caller = caller, .source = call->request.address};
    struct pki_challenge c;
    struct rs_err err = {0};
    rs_code rc = rs_json_text(call->body, label, &ask.label, &err);

    if (rc == RS_OK && strlen(ask.label) >= STORE_NAME_MAX)
        rc = rs_fail(&err, RS_E_REQUEST_FORMAT, "tpm: \"%s\" is too long", label);
    if (rc == RS_OK)
        rc = call_bytes(call, "ek_cert", CERT_BYTES_MAX, &ask.ek_cert, &err);
    if (rc == RS_OK)
        rc = call_bytes(call, "iak", TPM_PUBLIC_MAX, &ask.iak, &err);
    if (rc == RS_OK)
        rc = pki_challenge(call->front->pki, &ask, &c, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        reply_challenge(call, &c);
}

/* {"id", "secret"}: what the TPM gave back, before anything is written or asked for. */
static void
post_answer(struct call *call)
{
    uint8_t id[PKI_CHALLENGE_ID], secret[TPM_SECRET_SIZE];
    size_t id_len = 0, secret_len = 0;
    struct rs_err err = {0};
    rs_code rc = rs_json_hex(call->body, "id", id, sizeof(id), &id_len, &err);

    if (rc == RS_OK)
        rc = rs_json_hex(call->body, "secret", secret, sizeof(secret), &secret_len, &err);
    if (rc == RS_OK)
        rc = pki_answer(call->front->pki, &call->caller, rs_bytes_of(id, id_len),
                        rs_bytes_of(secret, secret_len), &err);
    rs_wipe(secret, sizeof(secret));
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_pack("{s:s}", "kind", "answer"));
}

void
post_station_tpm(struct call *call)
{
    if (strcmp(call->name, "challenge") == 0)
        post_challenge(call, &call->caller, "order");
    else if (strcmp(call->name, "answer") == 0)
        post_answer(call);
    else
        call_refuse_code(call, RS_E_REQUEST_UNKNOWN, "tpm: challenge or answer");
}

/* From anybody: a TPM's endorsement is what it has to show. */
static void
post_field_tpm(struct call *call)
{
    if (strcmp(call->name, "challenge") == 0)
        post_challenge(call, NULL, "product");
    else
        call_refuse_code(call, RS_E_REQUEST_UNKNOWN, "tpm: challenge");
}

const struct route field_routes[] = {
    {HTTP_POST, "tpm", 1, NULL, PKI_NOBODY, post_field_tpm},
    {HTTP_GET, NULL, 0, NULL, PKI_NOBODY, NULL},
};

/* "tpm-ID:SECRET" of exactly that length; 0 when it is something else. */
static int
read_user(struct rs_bytes text, uint8_t id[PKI_CHALLENGE_ID], uint8_t secret[TPM_SECRET_SIZE])
{
    const size_t prefix = sizeof(USER_PREFIX) - 1;
    const char *p = (const char *)text.p;
    size_t n = 0;

    return text.len == prefix + ID_HEX + 1 + SECRET_HEX && memcmp(p, USER_PREFIX, prefix) == 0 &&
           p[prefix + ID_HEX] == ':' && rs_hex_read(p + prefix, ID_HEX, id, PKI_CHALLENGE_ID, &n) &&
           rs_hex_read(p + prefix + ID_HEX + 1, SECRET_HEX, secret, TPM_SECRET_SIZE, &n);
}

rs_code
tpm_identify(struct front *front, const char *header, int *ret_is, struct pki_caller *ret_caller,
             struct rs_err *err)
{
    uint8_t room[256], id[PKI_CHALLENGE_ID], secret[TPM_SECRET_SIZE];
    struct rs_buf text;
    rs_code rc = RS_OK;

    rs_buf_init_fixed(&text, room, sizeof(room));
    *ret_is = strncmp(header, "Basic ", 6) == 0 &&
              rs_base64_read(rs_bytes_str(header + 6), &text) &&
              read_user(rs_buf_bytes(&text), id, secret);
    if (*ret_is)
        rc = pki_authenticate_endorsed(front->pki, RS_BYTES(id), RS_BYTES(secret), ret_caller, err);
    rs_wipe(room, sizeof(room));
    rs_wipe(secret, sizeof(secret));
    return rc;
}
