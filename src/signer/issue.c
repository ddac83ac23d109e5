/*
 * issue.c: from a claim to a to-be-signed certificate, and its signature.
 *
 * The front has checked much of this already; here it is checked again against
 * what the signer holds itself, because the front may have been taken over.
 * The claim is fixed-form; nothing is parsed but the public key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "signer/core.h"

/* ---- Templates -------------------------------------------------------------------------- */

static void
fill_spec(const struct issuer *issuer, const struct state_issuer *rec, const struct doc_profile *p,
          struct template_spec *spec)
{
    memset(spec, 0, sizeof(*spec));
    spec->sig_alg = crypto_sig_for(crypto_key_alg(issuer->key));
    spec->issuer_name = issuer->cert.subject;
    spec->issuer_key_id = issuer->cert.ski;
    spec->subject = p->subject;
    spec->ski = (p->flags & DOC_PROFILE_SKI_SHA1) != 0 ? TEMPLATE_SKI_SHA1 : TEMPLATE_SKI_SHA256;
    spec->basic_constraints = 1;
    spec->path_length = -1;
    spec->key_usage = (uint32_t)p->key_usage;
    memcpy(spec->eku, p->eku.items, sizeof(spec->eku));
    spec->eku_count = p->eku.count;
    memcpy(spec->policies, p->policies.items, sizeof(spec->policies));
    spec->policy_count = p->policies.count;
    if ((p->from_request & (1u << DOC_VALUE_DNS)) == 0) {
        memcpy(spec->dns, p->dns.items, sizeof(spec->dns));
        spec->dns_count = p->dns.count;
    }
    if ((p->flags & DOC_PROFILE_SAN_HARDWARE) != 0)
        spec->hardware_type = p->hardware_type;
    spec->ocsp_nocheck = (p->flags & DOC_PROFILE_OCSP_NOCHECK) != 0;
    if (!spec->ocsp_nocheck) {
        spec->crl_url = rec->doc.crl_url;
        spec->ocsp_url = rec->doc.ocsp_url;
        spec->ca_url = rec->doc.ca_url;
    }
}

static rs_code
find_template(struct signer *s, const struct issuer *issuer, const struct state_issuer *rec,
              const struct state_profile *profile, const struct template **ret_t,
              struct rs_err *err)
{
    struct template_spec spec;
    struct compiled *c;
    rs_code rc;

    for (size_t i = 0; i < SIGNER_TEMPLATES_MAX; i++) {
        c = &s->compiled[i];
        if (c->issuer == issuer && memcmp(c->profile_hash, profile->hash, 32) == 0) {
            *ret_t = &c->template;
            return RS_OK;
        }
    }
    c = &s->compiled[s->next_compiled++ % SIGNER_TEMPLATES_MAX];
    c->issuer = NULL;
    fill_spec(issuer, rec, &profile->doc, &spec);
    rc = template_compile(&spec, &c->template, err);
    if (rc != RS_OK)
        return rc;
    c->issuer = issuer;
    memcpy(c->profile_hash, profile->hash, 32);
    *ret_t = &c->template;
    return RS_OK;
}

/* ---- Values ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    enum doc_value id;
} placeholders[] = {
    {"device.serial", DOC_VALUE_DEVICE_SERIAL},
    {"chip.uid", DOC_VALUE_CHIP_UID},
    {"product.name", DOC_VALUE_PRODUCT},
    {"order.name", DOC_VALUE_ORDER},
    {"name", DOC_VALUE_NAME},
};

static struct rs_bytes
claim_value(const struct proto_issue *m, enum doc_value id)
{
    for (size_t i = 0; i < m->value_count; i++) {
        if (m->values[i].id == id)
            return m->values[i].text;
    }
    return (struct rs_bytes){NULL, 0};
}

static int
fill_placeholder(void *arg, struct rs_bytes placeholder, struct rs_bytes *ret_value)
{
    const struct proto_issue *m = arg;

    for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
        if (rs_bytes_equal(rs_bytes_str(placeholders[i].name), placeholder)) {
            *ret_value = claim_value(m, placeholders[i].id);
            return 1;
        }
    }
    return 0;
}

/* "*" matches all, "*.example" one label in front; anything else must be equal. */
static int
dns_matches(struct rs_bytes pattern, struct rs_bytes name)
{
    if (pattern.len == 1 && pattern.p[0] == '*')
        return 1;
    if (pattern.len > 2 && pattern.p[0] == '*' && pattern.p[1] == '.') {
        const uint8_t *dot = name.len ? memchr(name.p, '.', name.len) : NULL;
        if (dot == NULL || dot == name.p)
            return 0;
        size_t at = (size_t)(dot - name.p);
        return rs_bytes_equal(rs_bytes_of(pattern.p + 1, pattern.len - 1),
                              rs_bytes_of(name.p + at, name.len - at));
    }
    return rs_bytes_equal(pattern, name);
}

static int
is_dns_name(struct rs_bytes name)
{
    size_t label = 0;

    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.p[i];
        int alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c == '.') {
            if (label == 0)
                return 0;
            label = 0;
        } else if ((!alnum && c != '-') || ++label > 63) {
            return 0;
        }
    }
    return name.len > 0 && name.len <= 253 && label > 0;
}

static rs_code
allow_dns(const struct doc_profile *p, struct rs_bytes name, struct rs_err *err)
{
    for (size_t i = 0; i < p->dns.count; i++) {
        if (dns_matches(p->dns.items[i], name) && is_dns_name(name))
            return RS_OK;
    }
    return rs_fail(err, RS_E_CSR_SUBJECT, "profile %.*s: DNS name \"%.*s\" is not allowed",
                   (int)p->name.len, (const char *)p->name.p, (int)(name.len > 80 ? 80 : name.len),
                   (const char *)name.p);
}

static int
read_ip(struct rs_bytes text, uint8_t out[4])
{
    unsigned part = 0, digits = 0, n = 0;

    for (size_t i = 0; i <= text.len; i++) {
        if (i == text.len || text.p[i] == '.') {
            if (digits == 0 || part > 255 || n == 4)
                return 0;
            out[n++] = (uint8_t)part;
            part = digits = 0;
        } else if (text.p[i] >= '0' && text.p[i] <= '9' && ++digits <= 3) {
            part = part * 10 + (text.p[i] - '0');
        } else {
            return 0;
        }
    }
    return n == 4;
}

/* Every value of the claim must be one that the profile lets in. */
static rs_code
take_values(const struct proto_issue *m, const struct doc_profile *p, uint8_t ips[][4],
            struct template_values *v, struct rs_err *err)
{
    for (size_t i = 0; i < m->value_count; i++) {
        const struct proto_value *value = &m->values[i];
        rs_code rc = RS_OK;

        if (value->id != DOC_VALUE_DNS && value->id != DOC_VALUE_IP)
            continue;
        if ((p->from_request & (1u << value->id)) == 0)
            return rs_fail(err, RS_E_CSR_SUBJECT, "profile %.*s: no names from a request",
                           (int)p->name.len, (const char *)p->name.p);
        if (value->id == DOC_VALUE_DNS) {
            rc = allow_dns(p, value->text, err);
            if (rc == RS_OK && v->dns_count == TEMPLATE_LIST_MAX)
                rc = rs_fail(err, RS_E_CSR_SUBJECT, "profile: more than %d names",
                             TEMPLATE_LIST_MAX);
            if (rc == RS_OK)
                v->dns[v->dns_count++] = value->text;
        } else {
            if (v->ip_count == TEMPLATE_LIST_MAX || !read_ip(value->text, ips[v->ip_count]))
                return rs_fail(err, RS_E_CSR_SUBJECT, "profile: not an IPv4 address");
            v->ip[v->ip_count] = rs_bytes_of(ips[v->ip_count], 4);
            v->ip_count++;
        }
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

/* ---- Checks --------------------------------------------------------------------------------- */

static uint64_t
key_bit(enum crypto_alg alg)
{
    switch (alg) {
    case CRYPTO_P256:
        return DOC_KEY_P256;
    case CRYPTO_P384:
        return DOC_KEY_P384;
    case CRYPTO_ED25519:
        return DOC_KEY_ED25519;
    case CRYPTO_RSA2048:
        return DOC_KEY_RSA2048;
    case CRYPTO_RSA3072:
        return DOC_KEY_RSA3072;
    case CRYPTO_P521:
    case CRYPTO_RSA4096:
    default:
        return 0;
    }
}

static rs_code
check_profile(const struct state_issuer *rec, const struct state_profile *profile,
              struct rs_err *err)
{
    const struct doc_profile *p = &profile->doc;

    if (p->type == DOC_PROFILE_CA)
        return rs_fail(err, RS_E_CSR_EXTENSION, "signer: a CA is made in a ceremony only");
    for (size_t i = 0; i < rec->doc.profiles.count; i++) {
        if (rs_bytes_equal(rec->doc.profiles.items[i], p->name))
            return RS_OK;
    }
    return rs_fail(err, RS_E_PROFILE_LIMIT, "signer: issuer %.*s may not sign profile %.*s",
                   (int)rec->doc.name.len, (const char *)rec->doc.name.p, (int)p->name.len,
                   (const char *)p->name.p);
}

/* Patterns of serials: * any text, ? one character, # one digit. */
static int
serial_matches(struct rs_bytes pattern, struct rs_bytes serial)
{
    size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

    if (pattern.len == 0)
        return 1;
    while (i < serial.len) {
        if (p < pattern.len && pattern.p[p] == '*') {
            star = p++;
            mark = i;
        } else if (p < pattern.len &&
                   (pattern.p[p] == serial.p[i] || pattern.p[p] == '?' ||
                    (pattern.p[p] == '#' && serial.p[i] >= '0' && serial.p[i] <= '9'))) {
            p++;
            i++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return 0;
        }
    }
    while (p < pattern.len && pattern.p[p] == '*')
        p++;
    return p == pattern.len;
}

static rs_code
check_order_terms(const struct state_order *o, const struct proto_issue *m,
                  const struct state_profile *profile, int64_t now_s, struct rs_err *err)
{
    const struct doc_order *d = &o->doc;

    if (d->state != DOC_ORDER_OPEN)
        return rs_fail(err, RS_E_ORDER_CLOSED, "order %.*s is not open", (int)d->name.len,
                       (const char *)d->name.p);
    if (now_s < d->valid_from || now_s > d->valid_until)
        return rs_fail(err, RS_E_ORDER_CLOSED, "order %.*s is not valid at this time",
                       (int)d->name.len, (const char *)d->name.p);
    if (!rs_bytes_equal(d->issuer, m->issuer) || memcmp(d->profile_hash.p, profile->hash, 32) != 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "order %.*s names another issuer or profile",
                       (int)d->name.len, (const char *)d->name.p);
    if (!serial_matches(d->serial_match, claim_value(m, DOC_VALUE_DEVICE_SERIAL)))
        return rs_fail(err, RS_E_CSR_SUBJECT, "order %.*s: this serial is not in it",
                       (int)d->name.len, (const char *)d->name.p);
    return RS_OK;
}

/* L7: what is durable and what this batch takes never exceed quantity and share. */
static rs_code
take_from_order(struct signer *s, const struct proto_issue *m, const struct state_profile *profile,
                int64_t now_s, struct rs_err *err)
{
    struct state_order *o = state_find_order(&s->state, m->tenant, m->order);
    struct state_share *share;
    rs_code rc;

    if (o == NULL)
        return rs_fail(err, RS_E_ORDER_CLOSED, "signer: there is no order %.*s", (int)m->order.len,
                       (const char *)m->order.p);
    rc = check_order_terms(o, m, profile, now_s, err);
    if (rc != RS_OK)
        return rc;
    share = state_find_share(o, m->station);
    if (share == NULL)
        return rs_fail(err, RS_E_ORDER_STATION, "order %.*s does not name station %.*s",
                       (int)m->order.len, (const char *)m->order.p, (int)m->station.len,
                       (const char *)m->station.p);
    if (o->taken + o->pending >= o->doc.quantity)
        return rs_fail(err, RS_E_ORDER_EXHAUSTED, "order.exhausted: %llu of %llu are made",
                       (unsigned long long)(o->taken + o->pending),
                       (unsigned long long)o->doc.quantity);
    if (share->taken + share->pending >= share->size)
        return rs_fail(err, RS_E_ORDER_EXHAUSTED,
                       "order.exhausted: station %.*s has made %llu of its share of %llu",
                       (int)m->station.len, (const char *)m->station.p,
                       (unsigned long long)(share->taken + share->pending),
                       (unsigned long long)share->size);
    o->pending++;
    share->pending++;
    return RS_OK;
}

static void
give_back(struct signer *s, const struct proto_issue *m)
{
    struct state_order *o = state_find_order(&s->state, m->tenant, m->order);
    struct state_share *share = o != NULL ? state_find_share(o, m->station) : NULL;

    if (share != NULL && share->pending > 0 && o->pending > 0) {
        o->pending--;
        share->pending--;
    }
}

void
signer_clear_pending(struct signer *s)
{
    for (size_t i = 0; i < s->state.order_count; i++) {
        struct state_order *o = &s->state.orders[i];
        o->pending = 0;
        for (size_t k = 0; k < o->doc.share_count; k++)
            o->shares[k].pending = 0;
    }
}

/* RFC 5280 4.1.2.5: never past the issuer's own end, except the "no end" that 802.1AR asks for. */
static rs_code
set_validity(const struct issuer *issuer, const struct doc_profile *p, int64_t wish, int64_t now_s,
             struct template_values *v, struct rs_err *err)
{
    v->not_before = now_s - p->backdate_s;
    if ((p->flags & DOC_PROFILE_WHOLE_HOURS) != 0)
        v->not_before -= v->not_before % 3600;
    if (v->not_before < issuer->cert.not_before)
        v->not_before = issuer->cert.not_before;
    if (p->valid_s == DOC_NEVER) {
        v->not_after = INT64_MAX;
        if (wish != 0 && wish != INT64_MAX)
            return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: an IDevID without end has no end");
        return RS_OK;
    }
    v->not_after = v->not_before + p->valid_s - 1; /* both end seconds count (TM-424) */
    if (wish != 0 && (wish <= v->not_before || wish > v->not_after))
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: longer than it allows");
    if (wish != 0)
        v->not_after = wish;
    if (v->not_after > issuer->cert.not_after)
        return rs_fail(err, RS_E_ISSUER_EXPIRY, "issuer: its own certificate ends earlier");
    return RS_OK;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static void
put_leaf(const struct proto_issue *m, const struct state_profile *profile, struct rs_bytes tbs,
         struct rs_buf *contents)
{
    struct leaf_issued leaf = {
        .tenant = m->tenant,
        .issuer = m->issuer,
        .profile = profile->doc.name,
        .profile_hash = rs_bytes_of(profile->hash, 32),
        .request_id = m->request_id,
        .order = m->order,
        .station = m->station,
        .device = claim_value(m, DOC_VALUE_DEVICE_SERIAL),
        .chip_model = m->chip_model,
        .chip_uid = m->chip_uid,
        .object = m->object,
        .who = m->who,
        .tbs = tbs,
        .provenance = m->provenance,
    };

    leaf_issued_put(contents, &leaf);
}

struct found {
    struct issuer *issuer;
    struct state_issuer *rec;
    struct state_profile *profile;
};

static rs_code
find_all(struct signer *s, const struct proto_issue *m, struct found *f, struct rs_err *err)
{
    f->issuer = signer_find_issuer(s, m->tenant, m->issuer);
    f->rec = state_find_issuer(&s->state, m->tenant, m->issuer);
    if (f->issuer == NULL || f->rec == NULL)
        return rs_fail(err, RS_E_ISSUER_UNKNOWN, "signer: no issuer %.*s", (int)m->issuer.len,
                       (const char *)m->issuer.p);
    f->profile = state_find_profile(&s->state, m->tenant, m->profile_hash);
    if (f->profile == NULL)
        return rs_fail(err, RS_E_PROFILE_UNKNOWN, "signer: no approved profile has this hash");
    return check_profile(f->rec, f->profile, err);
}

static rs_code
check_key(const struct proto_issue *m, const struct doc_profile *p, struct crypto_pub *pub,
          struct rs_err *err)
{
    rs_code rc = crypto_pub_read(m->spki, pub, err);

    if (rc == RS_OK && (p->key_algs & key_bit(pub->alg)) == 0)
        rc = rs_fail(err, RS_E_KEY_WEAK, "profile %.*s does not allow %s keys", (int)p->name.len,
                     (const char *)p->name.p, crypto_alg_name(pub->alg));
    return rc;
}

static rs_code
build(struct signer *s, struct job *job, const struct found *f, const struct crypto_pub *pub,
      int64_t now_ms, struct rs_err *err)
{
    struct proto_issue *m = &job->item.as.issue;
    struct template_values v = {
        .pub = pub, .value = fill_placeholder, .arg = m, .chip_uid = m->chip_uid};
    uint8_t serial[SIGNER_SERIAL_SIZE], ips[TEMPLATE_LIST_MAX][4];
    const struct template *t;
    rs_code rc;

    rc = set_validity(f->issuer, &f->profile->doc, m->not_after, now_ms / 1000, &v, err);
    if (rc == RS_OK)
        rc = take_values(m, &f->profile->doc, ips, &v, err);
    if (rc == RS_OK)
        rc = find_template(s, f->issuer, f->rec, f->profile, &t, err);
    if (rc == RS_OK)
        rc = signer_draw_serial(s, now_ms, serial, err);
    v.serial = RS_BYTES(serial);
    if (rc == RS_OK)
        rc = template_build(t, &v, job->room, sizeof(job->room), &job->tbs, err);
    if (rc == RS_OK && f->profile->doc.max_size != 0 &&
        job->tbs.len + 90 > f->profile->doc.max_size)
        rc = rs_fail(err, RS_E_PROFILE_LIMIT, "profile: the certificate has more than %llu bytes",
                     (unsigned long long)f->profile->doc.max_size);
    return rc;
}

rs_code
signer_prepare_issue(struct signer *s, struct job *job, int64_t now_ms, struct rs_buf *contents,
                     struct rs_err *err)
{
    const struct proto_issue *m = &job->item.as.issue;
    struct crypto_pub pub;
    struct found f = {0};
    rs_code rc;

    rc = find_all(s, m, &f, err);
    if (rc == RS_OK)
        rc = check_key(m, &f.profile->doc, &pub, err);
    if (rc != RS_OK)
        return rc;
    if ((f.profile->doc.flags & DOC_PROFILE_NEEDS_DEVICE) != 0 &&
        claim_value(m, DOC_VALUE_DEVICE_SERIAL).len == 0)
        return rs_fail(err, RS_E_CSR_SUBJECT, "profile: it needs a device serial");
    int counted = (f.profile->doc.flags & DOC_PROFILE_NEEDS_ORDER) != 0;
    if (!counted && m->order.len != 0)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "profile: it is not made under an order");
    if (counted)
        rc = take_from_order(s, m, f.profile, now_ms / 1000, err);
    if (rc != RS_OK)
        return rc;
    rc = build(s, job, &f, &pub, now_ms, err);
    if (rc != RS_OK) {
        if (counted)
            give_back(s, m);
        return rc;
    }
    job->key = f.issuer->key;
    put_leaf(m, f.profile, job->tbs, contents);
    return RS_OK;
}

/* ---- Signing ------------------------------------------------------------------------------- */

void
signer_refuse_job(struct job *job, const struct rs_err *err)
{
    job->rc = err->code;
    memcpy(job->text, err->text, sizeof(job->text));
}

/* All by one key. */
static void
check_signed(struct job **jobs, size_t count)
{
    struct crypto_own list[PROTO_BATCH_MAX];

    for (size_t i = 0; i < count; i++)
        list[i] = (struct crypto_own){.message = jobs[i]->tbs,
                                      .signature = rs_bytes_of(jobs[i]->sig, jobs[i]->sig_len)};
    if (count > 0)
        crypto_verify_own_all(jobs[0]->key, list, count);
    for (size_t i = 0; i < count; i++) {
        struct rs_err err = {0};
        if (list[i].good)
            continue;
        (void)rs_fail(&err, RS_E_CRYPTO_SELF_CHECK, "our own signature does not verify");
        signer_refuse_job(jobs[i], &err);
    }
}

void
signer_sign_jobs(struct job *jobs, size_t count)
{
    struct job *done[PROTO_BATCH_MAX];
    size_t n = 0;

    for (struct job *job = jobs; job < jobs + count; job++) {
        struct rs_err err = {0};
        rs_code rc;
        if (job->answered || job->rc != RS_OK || job->item.type != PROTO_ISSUE)
            continue;
        if (n == PROTO_BATCH_MAX || (n > 0 && job->key != done[0]->key)) {
            check_signed(done, n);
            n = 0;
        }
        rc = crypto_sign(job->key, job->tbs, job->sig, sizeof(job->sig), &job->sig_len, &err);
        if (rc == RS_OK)
            done[n++] = job;
        else
            signer_refuse_job(job, &err);
    }
    check_signed(done, n);
}

rs_code
signer_put_issued(const struct job *job, struct rs_buf *out, struct rs_err *err)
{
    return x509_assemble(job->tbs, crypto_sig_for(crypto_key_alg(job->key)),
                         rs_bytes_of(job->sig, job->sig_len), out, err);
}

rs_code
signer_finish_issue(const struct crypto_key *key, struct rs_bytes tbs, struct rs_buf *out,
                    struct rs_err *err)
{
    uint8_t sig[CRYPTO_SIGNATURE_MAX];
    size_t sig_len;
    rs_code rc;

    rc = crypto_sign(key, tbs, sig, sizeof(sig), &sig_len, err);
    if (rc == RS_OK)
        rc = crypto_verify_own(key, tbs, rs_bytes_of(sig, sig_len), err);
    if (rc == RS_OK)
        rc = x509_assemble(tbs, crypto_sig_for(crypto_key_alg(key)), rs_bytes_of(sig, sig_len), out,
                           err);
    return rc;
}
