/*
 * call.c: answers of REST and station calls, and small JSON helpers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "server/front.h"

#define PEM_LABEL "CERTIFICATE"

void
call_reply(struct call *call, int status, json_t *json)
{
    RS_AUTO(rs_buf_done) struct rs_buf body;
    struct http_header mode = {"Rootsmith-Mode",
                               call->front->config->production ? "production" : "test"};

    rs_buf_init(&body, (size_t)16 << 20);
    rs_json_put(&body, json);
    json_decref(json);
    rs_buf_put_u8(&body, '\n');
    if (!rs_buf_ok(&body))
        status = 500;
    http_reply(call->request.exchange, status, "application/json", rs_buf_bytes(&body), &mode, 1);
}

void
call_reply_bytes(struct call *call, const char *content_type, struct rs_bytes bytes)
{
    http_reply(call->request.exchange, 200, content_type, bytes, NULL, 0);
}

void
call_refuse(struct call *call, const struct rs_err *err)
{
    const struct rs_code_info *info = rs_code_info(err->code);
    char request[12] = "r-";
    json_t *j;

    (void)(rs_random_text(request + 2, 6, NULL) == RS_OK);
    j = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:b}", "type", "about:blank", "title",
                  info->title, "status", info->http, "detail", err->text, "code", info->name,
                  "request", request, "retry", info->exit_code == 5);
    if (j == NULL)
        j = json_object();
    pki_note_refusal(call->front->pki, call->caller.who[0] ? call->caller.who : "nobody", err);

    RS_AUTO(rs_buf_done) struct rs_buf body;
    rs_buf_init(&body, 65536);
    rs_json_put(&body, j);
    json_decref(j);
    struct http_header headers[] = {{"Retry-After", "1"}};
    http_reply(call->request.exchange, info->http, "application/problem+json", rs_buf_bytes(&body),
               headers, info->exit_code == 5);
}

void
call_refuse_code(struct call *call, rs_code code, const char *text)
{
    struct rs_err err = {0};

    (void)rs_fail(&err, code, "%s", text);
    call_refuse(call, &err);
}

rs_code
call_bytes(struct call *call, const char *member, size_t max, struct rs_bytes *ret_bytes,
           struct rs_err *err)
{
    const char *text;
    rs_code rc = rs_json_text(call->body, member, &text, err);

    RS_AUTO(rs_buf_done) struct rs_buf buf;
    rs_buf_init(&buf, max);
    if (rc != RS_OK)
        return rc;
    if (!rs_base64_read(rs_bytes_str(text), &buf))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "JSON: \"%s\" must be base64 of at most %zu bytes",
                       member, max);
    *ret_bytes = rs_arena_copy(&call->arena, rs_buf_bytes(&buf));
    return ret_bytes->p != NULL ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "request");
}

static json_t *
json_of_buf(const struct rs_buf *b)
{
    return json_stringn((const char *)b->p, b->len);
}

json_t *
json_base64(struct rs_bytes bytes)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, (size_t)1 << 20);
    rs_base64_put(&b, bytes, 0);
    return json_of_buf(&b);
}

json_t *
json_hex(struct rs_bytes bytes)
{
    char text[2 * 64 + 1];

    rs_hex(bytes, text, sizeof(text));
    return json_string(text);
}

json_t *
json_time(int64_t seconds)
{
    char text[RS_TIME_TEXT_SIZE];

    if (seconds == INT64_MAX)
        return json_null();
    rs_time_text(seconds, text);
    return json_string(text);
}

json_t *
json_pem(struct rs_bytes der)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, 65536);
    cert_put_pem(&b, PEM_LABEL, der);
    return json_of_buf(&b);
}

json_t *
json_chain(struct front *front, const char *issuer)
{
    struct rs_bytes list[8];
    size_t n = pki_chain(front->pki, issuer, list, 8);
    json_t *chain = json_array();

    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(chain, json_pem(list[i]));
    return chain;
}

json_t *
json_cert(struct front *front, const struct store_cert *c)
{
    static const char *const states[] = {"unknown", "good", "revoked", "superseded", "lost"};
    json_t *j = json_pack(
        "{s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I}", "kind", "certificate", "serial",
        json_hex(c->serial), "issuer", c->issuer, "profile", c->profile, "object", c->object,
        "device", c->device, "subject", c->subject, "status", states[c->state], "from",
        json_time(c->not_before), "until", json_time(c->not_after), "ledger", (json_int_t)c->leaf);

    if (j != NULL && c->der.len > 0) {
        (void)json_object_set_new(j, "pem", json_pem(c->der));
        (void)json_object_set_new(j, "chain_pem", json_chain(front, c->issuer));
    }
    if (j != NULL && c->revoked_at != 0) {
        (void)json_object_set_new(j, "revoked", json_time(c->revoked_at));
        (void)json_object_set_new(j, "reason", json_integer(c->reason));
    }
    return j;
}
