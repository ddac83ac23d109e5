/*
 * enroll.c: one certificate more, without ever risking the one in use.
 *
 * Order: key in the free slot, request on the disk, to the server, the answer
 * checked and the key proved, all of it on the disk, turn.  Whatever ends it
 * early, the identity before is untouched, and the same request is sent again:
 * a server that had signed already gives the same certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/inner.h"
#include "base/clock.h"
#include "base/inject.h"
#include "base/io.h"
#include "client/csr.h"
#include "shared/reference.h"
#include "x509/name.h"
#include "x509/oid.h"

/* RFC 9266: what a request is bound to under TLS 1.3. */
#define BINDING_LABEL "EXPORTER-Channel-Binding"

struct order {
    struct agent *agent;
    struct identity *id; /* who asks; NULL: nobody, with basic */
    const char *basic;   /* a header line with user and password; NULL: none */
    int renew;           /* simplereenroll */
    int same_key;
    unsigned slot; /* where the key is, or will be */
    struct trust trust;
    struct web *web;
    struct rs_arena arena;
    struct rs_bytes cas[AGENT_CERTS_MAX];
    size_t ca_count;
    struct rs_buf csr, cert;
    int was_sent_before;
};

static rot_object
object_of(const struct order *o)
{
    return ROT_LDEVID(o->slot);
}

/* ---- The request ---------------------------------------------------------------------------- */

static rs_code
bind_request(struct order *o, struct rs_buf *text, struct client_csr *csr, struct rs_err *err)
{
    uint8_t binding[32];
    rs_code rc;

    if (!o->agent->config->binding)
        return RS_OK;
    rc = web_exporter(o->web, BINDING_LABEL, binding, err);
    if (rc == RS_OK) {
        rs_base64_put(text, RS_BYTES(binding), 0);
        csr->challenge = rs_buf_bytes(text);
    }
    return rc;
}

/* What the server wants to find in a first request; one that says nothing gets our names. */
static rs_code
follow(struct order *o, struct client_csr *csr, struct rs_err *err)
{
    struct csrattrs wanted;
    rs_code rc = client_est_csrattrs(o->web, o->agent->config->label, &o->arena, &wanted, err);

    return rc == RS_OK ? client_csr_follow(csr, &wanted, &o->arena, err) : rc;
}

static rs_code
build_request(struct order *o, struct rs_bytes spki, struct rs_err *err)
{
    const struct agent_config *c = o->agent->config;
    struct chip_signer signer = {o->agent, object_of(o)};
    struct client_csr csr = {.spki = spki, .cn = c->name, .serial = o->agent->serial};
    struct crypto_pub pub;
    rs_code rc = crypto_pub_read(spki, &pub, err);
    RS_AUTO(rs_buf_done) struct rs_buf binding;

    rs_buf_init(&binding, 128);
    if (rc != RS_OK)
        return rc;
    csr.sig = crypto_sig_for(pub.alg);
    if (o->renew)
        csr.subject = o->id->cert.subject; /* RFC 7030 4.2.2 */
    else
        rc = follow(o, &csr, err);
    if (rc != RS_OK)
        return rc;
    rc = bind_request(o, &binding, &csr, err);
    rs_buf_reset(&o->csr);
    return rc == RS_OK ? client_csr_build(&csr, chip_sign, &signer, &o->csr, err) : rc;
}

/* Was this very request made for the key that is in the slot now? */
static int
is_of_key(struct order *o)
{
    struct csr csr;
    RS_AUTO(rs_buf_done) struct rs_buf spki;

    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    return csr_read(rs_buf_bytes(&o->csr), &csr, NULL) == RS_OK &&
           chip_public(o->agent, object_of(o), &spki, NULL) == RS_OK &&
           rs_bytes_equal(csr.spki, rs_buf_bytes(&spki));
}

static rs_code
new_request(struct order *o, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf spki;
    char name[ROT_NAME_MAX];
    rs_code rc;

    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    if (o->same_key)
        rc = chip_public(o->agent, object_of(o), &spki, err);
    else
        rc = chip_generate(o->agent, object_of(o), &spki, err);
    if (rc == RS_OK)
        rc = build_request(o, rs_buf_bytes(&spki), err);
    if (rc == RS_OK)
        rc = state_begin(o->agent, o->slot, rs_buf_bytes(&o->csr), err);
    if (rc == RS_OK && rot_object_name(object_of(o), name) == ROT_OK)
        agent_tell(o->agent, "key", o->same_key ? "%s kept" : "%s made in the chip, never leaves",
                   name);
    return rc;
}

/* The request of a try that did not end is sent again, as it was. */
static rs_code
find_request(struct order *o, struct rs_err *err)
{
    rs_code rc = state_pending(o->agent, o->slot, &o->csr, err);

    if (rc != RS_OK)
        return rc;
    if (o->csr.len > 0 && !o->agent->config->binding && is_of_key(o)) {
        o->was_sent_before = 1;
        return RS_OK;
    }
    return new_request(o, err);
}

/* ---- The answer ---------------------------------------------------------------------------------- */

static rs_code
ask(struct order *o, struct rs_err *err)
{
    struct agent *a = o->agent;
    struct client_est_ask ask = {.label = a->config->label,
                                 .csr = rs_buf_bytes(&o->csr),
                                 .renew = o->renew,
                                 .authorization = o->basic};
    rs_code rc;

    rs_buf_reset(&o->cert);
    rc = client_est_ask(o->web, &ask, &o->cert, &a->retry_after_s, err);
    /* It was signed, the answer got lost, and the server no longer remembers: begin again. */
    if (rc == RS_E_KEY_UNIQUE && o->was_sent_before) {
        memset(err, 0, sizeof(*err));
        o->was_sent_before = 0;
        rc = new_request(o, err);
        ask.csr = rs_buf_bytes(&o->csr);
        if (rc == RS_OK)
            rc = client_est_ask(o->web, &ask, &o->cert, &a->retry_after_s, err);
    }
    return rc;
}

static rs_code
check_answer(struct order *o, struct cert *cert, struct rs_err *err)
{
    struct csr csr;
    rs_code rc = cert_read(rs_buf_bytes(&o->cert), cert, err);

    if (rc == RS_OK)
        rc = csr_read(rs_buf_bytes(&o->csr), &csr, err);
    if (rc == RS_OK && !rs_bytes_equal(cert->spki, csr.spki))
        rc = rs_fail(err, RS_E_NET_TRUST, "the server's certificate is over another key");
    if (rc == RS_OK && cert->not_after < clock_now(o->agent))
        rc = rs_fail(err, RS_E_NET_TRUST, "the server's certificate is over already");
    if (rc == RS_OK)
        rc = trust_check(&o->trust, cert, o->cas, o->ca_count, err);
    return rc == RS_OK ? chip_prove(o->agent, object_of(o), cert, err) : rc;
}

/* Beside the key in the chip, where it has room; the files are what counts. */
static rs_code
keep_in_chip(struct order *o, const struct cert *cert, struct rs_err *err)
{
    struct rot_capability cap;
    struct rot_chip *chip;
    rot_err rot;
    int kept;
    rs_code rc = chip_enter(o->agent, &chip, err);

    if (rc != RS_OK)
        return rc;
    rot = rot_capabilities(chip, object_of(o), &cap);
    chip_leave(o->agent);
    if (rot != ROT_OK || cap.cert_size < cert->whole.len)
        return RS_OK;
    return chip_write(o->agent, object_of(o), ROT_PART_CERT, cert->whole, &kept, err);
}

/* The file that programs load in place of a private key. */
static rs_code
put_reference(const struct order *o, struct rs_bytes spki, struct rs_buf *out, struct rs_err *err)
{
    uint8_t der[ROT_REFERENCE_MAX];
    char uri[ROT_URI_MAX];
    size_t len = 0;
    rs_code rc = identity_uri(o->agent, object_of(o), uri, err);

    if (rc != RS_OK)
        return rc;
    if (rot_reference_write(uri, (struct rot_bytes){spki.p, spki.len}, der, sizeof(der), &len) !=
        ROT_OK)
        return rs_fail(err, RS_E_INTERNAL, "the key of this chip cannot be named");
    cert_put_pem(out, ROT_REFERENCE_LABEL, rs_bytes_of(der, len));
    return RS_OK;
}

static rs_code
keep(struct order *o, const struct cert *cert, struct rs_err *err)
{
    struct agent *a = o->agent;
    RS_AUTO(rs_buf_done) struct rs_buf pem;
    RS_AUTO(rs_buf_done) struct rs_buf chain;
    RS_AUTO(rs_buf_done) struct rs_buf key;
    rs_code rc = keep_in_chip(o, cert, err);

    rs_buf_init(&pem, AGENT_FILE_MAX);
    rs_buf_init(&chain, AGENT_FILE_MAX);
    rs_buf_init(&key, AGENT_FILE_MAX);
    if (rc != RS_OK)
        return rc;
    cert_put_pem(&pem, "CERTIFICATE", cert->whole);
    trust_put_chain(cert, o->cas, o->ca_count, &chain);
    rc = put_reference(o, cert->spki, &key, err);
    if (rc == RS_OK && (!rs_buf_ok(&pem) || !rs_buf_ok(&chain) || !rs_buf_ok(&key)))
        rc = rs_fail(err, RS_E_NO_MEMORY, "no memory for certificates");
    rs_inject_mark("agent-answered");
    if (rc == RS_OK)
        rc = state_finish(a, o->slot, rs_buf_bytes(&pem), rs_buf_bytes(&chain), rs_buf_bytes(&key),
                          err);
    if (rc == RS_OK)
        clock_at_least(a, cert->not_before);
    return rc;
}

static void
tell_certificate(const struct agent *a, const struct cert *cert)
{
    char subject[AGENT_TEXT_MAX], until[RS_TIME_TEXT_SIZE], renews[RS_TIME_TEXT_SIZE];

    name_text(cert->subject, subject, sizeof(subject));
    rs_time_text(cert->not_after, until);
    rs_time_text(identity_renew_at(a, cert), renews);
    agent_tell(a, "certificate", "%.100s, until %.10s, renews from %.10s", subject, until, renews);
    agent_tell(a, "written", "%.120s/ldevid.pem, chain.pem, ldevid.key", a->config->state);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

static rs_code
connect_and_ask(struct order *o, struct rs_err *err)
{
    struct agent *a = o->agent;
    struct cert cert;
    int changed = 0;
    rs_code rc = trust_load(a, &o->trust, err);

    if (rc == RS_OK && o->trust.from_chip && o->trust.count == 0)
        rc = talk_fetch_named(a, &o->trust, err);
    if (rc == RS_OK)
        rc = talk_open(a, &o->trust, o->id, &o->web, err);
    if (rc == RS_OK)
        rc = talk_cacerts(a, o->web, &o->trust, &o->arena, o->cas, &o->ca_count, err);
    if (rc != RS_OK)
        return rc;
    agent_tell(a, "server", "%.120s, trusted by %s", a->config->server,
               o->trust.from_chip ? "the chip's own root" : "the configured root");
    rc = find_request(o, err);
    if (rc == RS_OK)
        rc = ask(o, err);
    if (rc == RS_OK)
        rc = check_answer(o, &cert, err);
    if (rc == RS_OK)
        rc = keep(o, &cert, err);
    if (rc != RS_OK)
        return rc;
    tell_certificate(a, &cert);
    /* From the first success on the chip names its roots itself. */
    return o->trust.from_chip
               ? RS_OK
               : trust_learn(a, &o->trust, o->trust.anchors, o->trust.count, &changed, err);
}

static rs_code
run_order(struct order *o, struct rs_err *err)
{
    rs_code rc;

    trust_init(&o->trust);
    rs_arena_init(&o->arena, 1u << 20);
    rs_buf_init(&o->csr, AGENT_FILE_MAX);
    rs_buf_init(&o->cert, CERT_BYTES_MAX);
    o->agent->retry_after_s = 0;
    rc = connect_and_ask(o, err);
    web_close(o->web);
    rc = identity_blame(o->agent, o->id, rc, err);
    rs_buf_done(&o->cert);
    rs_buf_done(&o->csr);
    rs_arena_done(&o->arena);
    trust_done(&o->trust);
    return rc;
}

/* The slot whose key is not in use. */
static unsigned
free_slot(const struct agent *a)
{
    return a->current.is_there ? 1u - a->current.slot : 0u;
}

/* Ask as the holder of the IDevID, or of a one-time code. */
static rs_code
enroll_anew(struct agent *a, struct rs_err *err)
{
    struct order o = {.agent = a, .slot = free_slot(a)};
    struct identity id;
    struct rs_err why = {0};
    RS_AUTO(rs_buf_done) struct rs_buf basic;
    rs_code rc;

    rs_buf_init(&basic, 1024);
    basic.secret = 1;
    identity_init(&id);
    rc = identity_idevid(a, &id, &why);
    if (rc == RS_E_AGENT_NO_IDENTITY && a->config->first == AGENT_FIRST_TPM) {
        rc = first_endorsement(a, err);
        if (rc == RS_OK)
            rc = identity_idevid(a, &id, &why);
    }
    if (rc == RS_OK) {
        identity_take_serial(a, &id.cert);
        agent_tell(a, "idevid", "%.100s", a->serial);
        o.id = &id;
    } else if (rc == RS_E_AGENT_NO_IDENTITY && a->config->first == AGENT_FIRST_TOKEN) {
        rc = first_token(a, &basic, err);
        o.basic = (const char *)basic.p;
    } else if (err->code == RS_OK) {
        *err = why;
    }
    if (rc == RS_OK)
        rc = run_order(&o, err);
    identity_done(&id);
    return agent_remember(a, rc, err);
}

rs_code
agent_enroll(struct agent *agent, int anew, struct rs_err *err)
{
    struct identity id;
    rs_code rc;

    if (anew)
        return enroll_anew(agent, err);
    identity_init(&id);
    rc = identity_ldevid(agent, &id, NULL);
    identity_done(&id);
    return rc == RS_OK ? RS_OK : enroll_anew(agent, err);
}

rs_code
agent_renew(struct agent *agent, int same_key, struct rs_err *err)
{
    struct order o = {.agent = agent, .renew = 1, .same_key = same_key};
    struct identity id;
    struct rs_err why = {0};
    rs_code rc;

    identity_init(&id);
    rc = identity_ldevid(agent, &id, &why);
    if (rc == RS_OK) {
        identity_take_serial(agent, &id.cert);
        o.id = &id;
        o.slot = same_key ? agent->current.slot : free_slot(agent);
        rc = agent_remember(agent, run_order(&o, err), err);
    } else {
        rc = enroll_anew(agent, err); /* asleep for too long: the IDevID still vouches */
    }
    identity_done(&id);
    return rc;
}
