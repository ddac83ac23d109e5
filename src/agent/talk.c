/*
 * talk.c: connections to the server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "agent/inner.h"
#include "base/clock.h"

static rs_code
put_trust(const struct trust *t, struct rs_buf *pem, struct rs_err *err)
{
    for (size_t i = 0; i < t->count; i++)
        cert_put_pem(pem, "CERTIFICATE", t->anchors[i]);
    if (t->count == 0)
        return rs_fail(err, RS_E_NET_TRUST,
                       "this device trusts no root yet: set trust in the "
                       "configuration, or have the line write it");
    return rs_buf_ok(pem) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "too many roots");
}

rs_code
talk_open(struct agent *a, const struct trust *t, struct identity *id, struct web **ret_web,
          struct rs_err *err)
{
    struct web_config config = {.base = a->config->server};
    RS_AUTO(rs_buf_done) struct rs_buf pem;
    rs_code rc;

    rs_buf_init(&pem, AGENT_FILE_MAX);
    rc = put_trust(t, &pem, err);
    if (rc == RS_OK && id != NULL) {
        rc = identity_key(a, id, err);
        config.pkey = id->pkey;
        config.cert = rs_buf_bytes(&id->pem);
    }
    if (rc != RS_OK)
        return rc;
    config.trust = rs_buf_bytes(&pem);
    if (clock_is_behind(a))
        config.not_earlier_than = clock_now(a);
    return web_open(&config, ret_web, err);
}

/* A server that is refused now and was good at the last time that is certain: the clock is wrong. */
static rs_code
explain_clock(struct agent *a, const struct trust *t, struct rs_err *err)
{
    struct web_config config = {.base = a->config->server, .not_earlier_than = clock_least(a)};
    struct web_request ask = {.method = "GET", .path = "/"};
    char now[RS_TIME_TEXT_SIZE], then[RS_TIME_TEXT_SIZE];
    struct web *web = NULL;
    struct rs_err ignored = {0};
    rs_code rc;

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_buf_done) struct rs_buf pem;
    rs_buf_init(&pem, AGENT_FILE_MAX);
    if (clock_is_behind(a) || put_trust(t, &pem, &ignored) != RS_OK)
        return RS_E_NET_TRUST;
    config.trust = rs_buf_bytes(&pem);
    rc = web_open(&config, &web, &ignored);
    if (rc == RS_OK)
        rc = web_call(web, &ask, &reply, &ignored);
    web_close(web);
    if (rc != RS_OK)
        return RS_E_NET_TRUST;
    rs_time_text(rs_now(), now);
    rs_time_text(clock_least(a), then);
    memset(err, 0, sizeof(*err));
    return rs_fail(
        err, RS_E_CLOCK_WRONG,
        "the clock shows %s; at that time the server's certificate is over, at %s, which "
        "certainly has been, it is good",
        now, then);
}

rs_code
talk_cacerts(struct agent *a, struct web *web, const struct trust *t, struct rs_arena *arena,
             struct rs_bytes certs[AGENT_CERTS_MAX], size_t *ret_count, struct rs_err *err)
{
    rs_code rc = client_est_cacerts(web, a->config->label, arena, certs, ret_count, err);

    if (rc == RS_E_NET_TRUST)
        return explain_clock(a, t, err);
    if (rc == RS_OK)
        clock_hear(a, web_date(web));
    return rc;
}

/*
 * Nobody is believed here: what comes is only compared with what the chip names
 * (RFC 7030 4.1.1, with the chip in place of the person who compares fingerprints).
 */
rs_code
talk_fetch_named(struct agent *a, struct trust *t, struct rs_err *err)
{
    struct web_config config = {.base = a->config->server, .insecure = 1};
    struct rs_bytes certs[AGENT_CERTS_MAX];
    struct web *web = NULL;
    size_t count = 0;
    int changed;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 1u << 20);
    rc = web_open(&config, &web, err);
    if (rc == RS_OK)
        rc = client_est_cacerts(web, a->config->label, &arena, certs, &count, err);
    web_close(web);
    return rc == RS_OK ? trust_learn(a, t, certs, count, &changed, err) : rc;
}
