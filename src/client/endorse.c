/*
 * endorse.c: see endorse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/endorse.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define BODY_MAX 65536

static rs_code
post(struct web *web, const char *path, const json_t *body, struct web_reply *reply,
     int64_t *ret_wait_s, struct rs_err *err)
{
    struct web_request ask = {.method = "POST", .path = path, .type = "application/json"};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, BODY_MAX);
    text.secret = 1;
    rs_json_put(&text, body);
    if (!rs_buf_ok(&text))
        return rs_fail(err, RS_E_NO_MEMORY, "no memory for a request");
    ask.body = rs_buf_bytes(&text);
    rc = web_call(web, &ask, reply, err);
    if (rc == RS_OK)
        rc = web_check(reply, err);
    *ret_wait_s = rc != RS_OK && reply->retry_after_s > 0 ? reply->retry_after_s : 0;
    return rc;
}

static json_t *
base64(struct rs_bytes bytes)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, BODY_MAX);
    rs_base64_put(&b, bytes, 0);
    return json_stringn((const char *)b.p, b.len);
}

/* What every challenge has; the JSON is the caller's to free. */
static rs_code
read_nonce(struct rs_bytes body, json_t **ret_json, struct client_challenge *c, struct rs_err *err)
{
    const char *id;
    size_t len = 0;
    rs_code rc = rs_json_read(body, ret_json, err);

    if (rc == RS_OK)
        rc = rs_json_text(*ret_json, "id", &id, err);
    if (rc == RS_OK)
        rc = rs_json_hex(*ret_json, "nonce", c->nonce, sizeof(c->nonce), &len, err);
    if (rc != RS_OK)
        return rc;
    if (len != sizeof(c->nonce) || strlen(id) >= sizeof(c->id))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "the server's challenge is none");
    (void)snprintf(c->id, sizeof(c->id), "%s", id);
    return RS_OK;
}

rs_code
client_challenge_read(struct rs_bytes body, struct client_challenge *c, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    const char *credential;
    struct rs_buf room;
    rs_code rc = read_nonce(body, &j, c, err);

    if (rc == RS_OK)
        rc = rs_json_text(j, "challenge", &credential, err);
    if (rc != RS_OK)
        return rc;
    rs_buf_init_fixed(&room, c->credential, sizeof(c->credential));
    if (!rs_base64_read(rs_bytes_str(credential), &room) || !rs_buf_ok(&room))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "the server's challenge is none");
    c->credential_len = room.len;
    return RS_OK;
}

rs_code
client_part_read(struct rs_bytes body, struct client_challenge *c, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;

    c->credential_len = 0;
    return read_nonce(body, &j, c, err);
}

rs_code
client_part_ask(struct web *web, const char *order, struct rs_bytes uid,
                struct client_challenge *ret_challenge, int64_t *ret_wait_s, struct rs_err *err)
{
    char hex[2 * 64 + 1];
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    rs_code rc;

    rs_hex(uid, hex, sizeof(hex));
    RS_AUTO(rs_json_done) json_t *body = json_pack("{s:s, s:s}", "order", order, "uid", hex);
    rc = post(web, "/station/v1/part/challenge", body, &reply, ret_wait_s, err);
    return rc == RS_OK ? client_part_read(rs_buf_bytes(&reply.body), ret_challenge, err) : rc;
}

rs_code
client_part_answer(struct web *web, const char *id, unsigned format, struct rs_bytes evidence,
                   int64_t *ret_wait_s, struct rs_err *err)
{
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_json_done) json_t *body = json_pack(
        "{s:s, s:I, s:o}", "id", id, "format", (json_int_t)format, "evidence", base64(evidence));

    return post(web, "/station/v1/part/answer", body, &reply, ret_wait_s, err);
}

rs_code
client_endorse_ask(struct web *web, const struct client_endorsement *ask,
                   struct client_challenge *ret_challenge, int64_t *ret_wait_s, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *body =
        json_pack("{s:s, s:o, s:o}", ask->what, ask->name, "ek_cert", base64(ask->ek_cert), "iak",
                  base64(ask->iak));
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    rs_code rc = post(web, ask->path, body, &reply, ret_wait_s, err);

    return rc == RS_OK ? client_challenge_read(rs_buf_bytes(&reply.body), ret_challenge, err) : rc;
}

rs_code
client_endorse_answer(struct web *web, const char *path, const char *id, struct rs_bytes secret,
                      int64_t *ret_wait_s, struct rs_err *err)
{
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    char hex[2 * 64 + 1];
    rs_code rc;

    rs_hex(secret, hex, sizeof(hex));
    RS_AUTO(rs_json_done) json_t *body = json_pack("{s:s, s:s}", "id", id, "secret", hex);
    rc = post(web, path, body, &reply, ret_wait_s, err);
    rs_wipe(hex, sizeof(hex));
    return rc;
}
