/*
 * est_client_fuzz.c: what a hostile server answers a device, and what a device finds on its disk.
 *
 * A case is: what is asked, the status, header lines up to an empty one, the body.
 * The connection is left out: web_call() gives this answer (--wrap of the linker).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "agent/inner.h"
#include "client/endorse.h"
#include "client/est.h"

#define ASKS      6
#define AS_DER    0x80u /* the body is DER, to be dressed in base64 */
#define CERT_ROOM 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
rs_code __wrap_web_call(struct web *web, const struct web_request *request, struct web_reply *reply,
                        struct rs_err *err);

static const int statuses[] = {200, 202, 204, 401, 403, 404, 405, 413, 415, 429, 500, 503, 507};

/* What the server says next; the fuzzer runs one case at a time. */
static struct rs_bytes answer;
static int answer_status, answer_is_der;

rs_code
__wrap_web_call(struct web *web, const struct web_request *request, struct web_reply *reply,
                struct rs_err *err)
{
    struct rs_bytes rest = answer;

    (void)web;
    (void)err;
    if (request->path[0] != '/')
        abort();
    web_reply_begin(reply);
    while (rest.len > 0 && rest.p[0] != '\n') {
        const uint8_t *end = memchr(rest.p, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.p) + 1 : rest.len;

        web_reply_line(reply, (const char *)rest.p, len);
        rest = rs_bytes_of(rest.p + len, rest.len - len);
    }
    if (rest.len > 0)
        rest = rs_bytes_of(rest.p + 1, rest.len - 1);
    if (answer_is_der)
        rs_base64_put(&reply->body, rest, 0);
    else
        rs_buf_put_bytes(&reply->body, rest);
    web_reply_end(reply, answer_status);
    return RS_OK;
}

/* A refusal has a code of ours and a text that ends; a success has none of both. */
static void
check_outcome(rs_code rc, const struct rs_err *err)
{
    if (rc != err->code || (rc != RS_OK && rs_code_info(rc) == NULL) ||
        memchr(err->text, '\0', sizeof(err->text)) == NULL)
        abort();
}

static void
check_enroll(int renew)
{
    static const uint8_t csr[] = {0x30, 0x00};
    struct client_est_ask ask = {.label = "p", .csr = RS_BYTES(csr), .renew = renew};
    struct rs_err err = {0};
    struct rs_buf cert;
    int64_t wait_s = -1;
    rs_code rc;

    rs_buf_init(&cert, CERT_ROOM);
    rc = client_est_ask(NULL, &ask, &cert, &wait_s, &err);
    check_outcome(rc, &err);
    if (wait_s < 0 || wait_s > WEB_RETRY_MAX_S || (rc == RS_OK) != (cert.len > 0))
        abort();
    rs_buf_done(&cert);
}

static void
check_cacerts(struct rs_arena *arena)
{
    struct rs_bytes certs[CLIENT_EST_CERTS_MAX];
    struct rs_err err = {0};
    size_t count = 0;
    rs_code rc = client_est_cacerts(NULL, "", arena, certs, &count, &err);

    check_outcome(rc, &err);
    if (count > CLIENT_EST_CERTS_MAX || (rc == RS_OK) != (count > 0))
        abort();
    for (size_t i = 0; i < count; i++) {
        struct cert c;

        if (certs[i].len == 0)
            abort();
        (void)!cert_read(certs[i], &c, NULL);
    }
}

static void
check_csrattrs(struct rs_arena *arena)
{
    struct csrattrs wanted;
    struct rs_err err = {0};
    rs_code rc = client_est_csrattrs(NULL, "", arena, &wanted, &err);

    check_outcome(rc, &err);
}

static void
check_challenge(struct rs_bytes body)
{
    struct client_challenge c = {.credential_len = 0};
    struct rs_err err = {0};
    rs_code rc;

    rc = client_challenge_read(body, &c, &err);
    check_outcome(rc, &err);
    if (rc == RS_OK && memchr(c.id, '\0', sizeof(c.id)) == NULL)
        abort();
    rc = client_part_read(body, &c, &err);
    if (rc == RS_OK && (memchr(c.id, '\0', sizeof(c.id)) == NULL || c.credential_len != 0))
        abort();
}

static void
check_memory(struct rs_bytes text)
{
    struct memory m;

    read_memory(text, &m);
    if (m.heard_at < 0 || m.heard_at > AGENT_NUMBER_MAX || m.next_at < 0 || m.failures < 0 ||
        m.failures > AGENT_NUMBER_MAX || memchr(m.code, '\0', sizeof(m.code)) == NULL ||
        memchr(m.text, '\0', sizeof(m.text)) == NULL)
        abort();
}

static void
check_generation(struct rs_bytes text)
{
    struct generation g = {0};
    char name[64];
    size_t len = text.len < sizeof(name) - 1 ? text.len : sizeof(name) - 1;

    if (len > 0)
        memcpy(name, text.p, len);
    name[len] = '\0';
    if (read_generation(name, &g) && g.slot >= AGENT_SLOTS)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_arena arena;

    if (size < 2)
        return 0;
    answer = rs_bytes_of(data + 2, size - 2);
    answer_is_der = (data[0] & AS_DER) != 0;
    answer_status = statuses[data[1] % (sizeof(statuses) / sizeof(statuses[0]))];
    rs_arena_init(&arena, 1u << 20);
    switch ((data[0] & ~AS_DER) % ASKS) {
    case 0:
        check_enroll(0);
        break;
    case 1:
        check_enroll(1);
        break;
    case 2:
        check_cacerts(&arena);
        break;
    case 3:
        check_csrattrs(&arena);
        break;
    case 4:
        check_challenge(answer);
        break;
    default:
        check_memory(answer);
        check_generation(answer);
        break;
    }
    rs_arena_done(&arena);
    return 0;
}
