/*
 * status.c: what there is to tell, and a try against any server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/inner.h"
#include "base/clock.h"
#include "x509/name.h"

static void
describe(struct agent *a, const struct identity *id, rs_code rc, struct agent_certificate *out)
{
    out->is_there = id->cert.whole.len > 0;
    out->works = rc == RS_OK;
    if (!out->is_there)
        return;
    identity_take_serial(a, &id->cert);
    if (rot_object_name(id->object, out->object) != ROT_OK)
        out->object[0] = '\0';
    name_text(id->cert.subject, out->subject, sizeof(out->subject));
    name_text(id->cert.issuer, out->issuer, sizeof(out->issuer));
    rs_hex(id->cert.serial, out->serial, sizeof(out->serial));
    out->not_before = id->cert.not_before;
    out->not_after = id->cert.not_after;
    out->renew_at = identity_renew_at(a, &id->cert);
}

rs_code
agent_status(struct agent *a, struct agent_status *s, struct rs_err *err)
{
    struct identity id;
    struct trust t;
    rs_code rc;

    memset(s, 0, sizeof(*s));
    identity_init(&id);
    describe(a, &id, identity_idevid(a, &id, NULL), &s->idevid);
    identity_done(&id);
    identity_init(&id);
    describe(a, &id, identity_ldevid(a, &id, NULL), &s->ldevid);
    identity_done(&id);
    trust_init(&t);
    rc = trust_load(a, &t, err);
    s->anchors = (unsigned)t.count;
    s->anchors_in_chip = t.from_chip;
    trust_done(&t);
    (void)snprintf(s->chip, sizeof(s->chip), "%s", a->model);
    (void)snprintf(s->uid, sizeof(s->uid), "%s", a->uid);
    (void)snprintf(s->device, sizeof(s->device), "%s", a->serial);
    s->spare = a->current.is_there ? 1 - (int64_t)a->current.slot : 0;
    s->heard_at = a->memory.heard_at;
    s->tried_at = a->memory.tried_at;
    s->next_at = a->memory.next_at;
    (void)snprintf(s->code, sizeof(s->code), "%s", a->memory.code);
    (void)snprintf(s->text, sizeof(s->text), "%s", a->memory.text);
    s->clock_behind = clock_is_behind(a);
    s->now = clock_now(a);
    return rc;
}

/* ---- A try -------------------------------------------------------------------------------- */

static rs_code
try_url(struct agent *a, struct identity *id, const char *url, struct rs_err *err)
{
    const char *slash = strncmp(url, "https://", 8) == 0 ? strchr(url + 8, '/') : NULL;
    char base[AGENT_TEXT_MAX];
    struct web_request ask = {.method = "GET", .path = slash != NULL ? slash : "/"};
    struct agent_config there = *a->config;
    struct agent as = *a;
    struct web *web = NULL;
    struct trust t;
    rs_code rc;

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    (void)snprintf(base, sizeof(base), "%.*s", slash != NULL ? (int)(slash - url) : 200, url);
    there.server = base;
    as.config = &there;
    trust_init(&t);
    rc = trust_load(a, &t, err);
    if (rc == RS_OK)
        rc = talk_open(&as, &t, id, &web, err);
    if (rc == RS_OK)
        rc = web_call(web, &ask, &reply, err);
    if (rc == RS_OK)
        agent_tell(a, "server", "%s, trusted; it answered with status %d", base, reply.status);
    web_close(web);
    trust_done(&t);
    return rc;
}

rs_code
agent_test(struct agent *a, const char *url, struct rs_err *err)
{
    struct identity id;
    uint64_t start = rs_mono_us();
    rs_code rc;

    identity_init(&id);
    rc = identity_ldevid(a, &id, NULL);
    if (rc != RS_OK) {
        identity_done(&id);
        identity_init(&id);
        rc = identity_idevid(a, &id, err);
    }
    if (rc == RS_OK) {
        char subject[AGENT_TEXT_MAX];
        name_text(id.cert.subject, subject, sizeof(subject));
        agent_tell(a, "certificate", "%.200s", subject);
        start = rs_mono_us();
        rc = chip_prove(a, id.object, &id.cert, err);
    }
    if (rc == RS_OK) {
        agent_tell(a, "signature", "made in the chip in %llu ms",
                   (unsigned long long)((rs_mono_us() - start) / 1000));
        rc = try_url(a, &id, url, err);
    }
    identity_done(&id);
    return rc;
}
