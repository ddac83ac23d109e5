/*
 * issue.c: one request, from its bytes to the signer and into the store.
 *
 * Cheapest checks first: shape of the request, what the caller may ask for at
 * all, names, then the proof of possession, then the store.  The signer checks
 * again what it can hold itself; what binds in the end is the store's
 * uniqueness and the signer's counts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/inject.h"
#include "crypto/hash.h"
#include "pki/inner.h"
#include "x509/name.h"
#include "x509/oid.h"

#define REQUEST_BUCKET_S 600 /* a retry within ten minutes gets the same certificate */
#define REQUEST_LIFE_S   1200

/* What a request turns into. */
struct plan {
    struct pending *p;
    const struct pki_issue_request *request;
    struct csr csr;
    struct proto_issue claim;
    struct doc_profile profile;
    struct doc_order order;
    int has_order;
    int key_known; /* it has a certificate */
    char object[16];
    char issuer[STORE_NAME_MAX];
    char profile_name[STORE_NAME_MAX];
    char device[STORE_NAME_MAX];
    char product[STORE_NAME_MAX]; /* that the label names; "": any */
    uint8_t profile_hash[32];
    char uid_text[2 * 32 + 1];
    uint8_t chip[32];           /* what a proved endorsement says it is */
    enum vendor_level level;    /* how far that is proved; of boards */
    char first[STORE_NAME_MAX]; /* refused: the device that has key or chip (L8) */
    char ip_text[CSR_SAN_MAX][16];
};

static void
put_value(struct plan *plan, enum doc_value id, struct rs_bytes text)
{
    if (plan->claim.value_count < PROTO_VALUES_MAX && text.len > 0)
        plan->claim.values[plan->claim.value_count++] = (struct proto_value){id, text};
}

static int
copy_name(char out[STORE_NAME_MAX], struct rs_bytes text)
{
    if (text.len >= STORE_NAME_MAX)
        return 0;
    if (text.len > 0)
        memcpy(out, text.p, text.len);
    out[text.len] = '\0';
    return strlen(out) == text.len;
}

/* ---- What may be asked for ----------------------------------------------------------------- */

static rs_code
find_profile(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    struct catalog_document d;
    rs_code rc = catalog_find(look, CATALOG_PROFILE, plan->profile_name, &plan->p->arena, &d, err);

    if (rc == RS_E_REQUEST_UNKNOWN) {
        if (err != NULL)
            err->code = RS_OK;
        return rs_fail(err, RS_E_PROFILE_UNKNOWN, "there is no profile \"%s\"", plan->profile_name);
    }
    if (rc == RS_OK)
        rc = doc_profile_read(d.document, &plan->profile, err);
    if (rc == RS_OK)
        memcpy(plan->profile_hash, d.hash, sizeof(plan->profile_hash));
    return rc;
}

/* The share of the field is nobody's who has a certificate. */
static int
is_false_field(const struct pki_caller *c)
{
    return c->role != PKI_ENDORSED && strcmp(c->name, PKI_FIELD) == 0;
}

/* A board of an order: serial and chip come from the request that the chip signed. */
static rs_code
plan_board(struct plan *plan, struct catalog_look *look, const char *name, struct rs_err *err)
{
    struct catalog_document d;
    rs_code rc = catalog_find(look, CATALOG_ORDER, name, &plan->p->arena, &d, err);

    if (rc == RS_E_REQUEST_UNKNOWN) {
        if (err != NULL)
            err->code = RS_OK;
        return rs_fail(err, rc, "est: there is no label or order \"%.60s\"", name);
    }
    if (rc == RS_OK)
        rc = doc_order_read(d.document, &plan->order, err);
    if (rc != RS_OK)
        return rc;
    if (doc_order_share(&plan->order, rs_bytes_str(plan->request->caller.name)) == NULL ||
        is_false_field(&plan->request->caller))
        return rs_fail(err, RS_E_ORDER_STATION, "order %s does not name station %s", name,
                       plan->request->caller.name);
    if (d.order_state != STORE_ORDER_OPEN)
        return rs_fail(err, RS_E_ORDER_CLOSED, "order %s is not open", name);
    plan->has_order = 1;
    (void)copy_name(plan->profile_name, plan->order.profile);
    (void)copy_name(plan->issuer, plan->order.issuer);
    memcpy(plan->profile_hash, plan->order.profile_hash.p, 32);
    (void)snprintf(plan->object, sizeof(plan->object), "idevid");
    rc = find_profile(plan, look, err);
    memcpy(plan->profile_hash, plan->order.profile_hash.p, 32); /* the version that was approved */
    if (rc == RS_OK && !copy_name(plan->device, name_find(plan->csr.subject, oid_serial_number)))
        rc = rs_fail(err, RS_E_CSR_SUBJECT, "csr: serialNumber is too long");
    if (rc == RS_OK && plan->device[0] == '\0' && plan->request->caller.role != PKI_ENDORSED)
        rc = rs_fail(err, RS_E_CSR_SUBJECT, "csr: its subject has no serialNumber (802.1AR 8.6)");
    return rc;
}

/* A TPM asks by itself; without a serial it gets the one that it has, or one of its endorsement. */
static rs_code
plan_field(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    const struct pki_caller *c = &plan->request->caller;
    struct pki *pki = plan->p->pki;
    char order[STORE_NAME_MAX];
    struct rs_err none = {0};
    const char *device;
    rs_code rc =
        endorse_order(pki, look->store, plan->request->label, c->chip, &plan->p->arena, order, err);

    if (rc == RS_OK)
        rc = plan_board(plan, look, order, err);
    if (rc != RS_OK || plan->device[0] != '\0')
        return rc;
    rc = store_find_chip(look->store, pki->tenant, ENDORSED_MODEL, RS_BYTES(c->chip),
                         &plan->p->arena, &device, &none);
    if (rc == RS_OK)
        (void)snprintf(plan->device, sizeof(plan->device), "%s", device);
    else if (rc == RS_E_DEVICE_UNKNOWN)
        rs_hex(rs_bytes_of(c->chip, 16), plan->device, sizeof(plan->device));
    else
        return rs_fail(err, rc, "%s", none.text);
    return RS_OK;
}

static void
take_label(struct plan *plan, const struct pki_label *label)
{
    plan->profile = label->doc;
    memcpy(plan->profile_hash, label->profile_hash, sizeof(plan->profile_hash));
    (void)snprintf(plan->profile_name, sizeof(plan->profile_name), "%s", label->profile);
    (void)snprintf(plan->product, sizeof(plan->product), "%s", label->product);
}

/*
 * A label under which a device renews must be the one of its certificate: the
 * same profile, and the CA that the label stands for.
 */
static rs_code
check_renewal_label(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    const struct pki_caller *c = &plan->request->caller;
    struct pki_label label;
    rs_code rc;

    if (plan->request->label[0] == '\0' || c->role != PKI_DEVICE ||
        strcmp(plan->request->label, c->profile) == 0) /* which is there, and goes first */
        return RS_OK;
    rc = label_find(plan->p->pki, look, plan->request->label, &plan->p->arena, &label, err);
    if (rc != RS_OK)
        return rc;
    if (strcmp(label.profile, c->profile) != 0 ||
        (label.product[0] != '\0' && strcmp(label.issuer, c->issuer) != 0))
        return rs_fail(err, RS_E_AUTH_DENIED,
                       "est: a certificate by %s with profile %s is not renewed under label %s",
                       c->issuer, c->profile, plan->request->label);
    (void)snprintf(plan->product, sizeof(plan->product), "%s", label.product);
    return RS_OK;
}

/* RFC 7030 4.2.2: a renewal keeps the subject, and is for the certificate that asks. */
static rs_code
plan_renewal(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    const struct pki_caller *c = &plan->request->caller;
    rs_code rc;

    (void)snprintf(plan->profile_name, sizeof(plan->profile_name), "%s", c->profile);
    rc = find_profile(plan, look, err);
    if (rc != RS_OK)
        return rc;
    if (plan->profile.type == DOC_PROFILE_IDEVID)
        return rs_fail(err, RS_E_PROFILE_LIMIT, "est: an IDevID is never renewed (802.1AR)");
    rc = check_renewal_label(plan, look, err);
    if (rc != RS_OK)
        return rc;
    if (!name_equal(plan->csr.subject, c->subject))
        return rs_fail(err, RS_E_CSR_SUBJECT,
                       "est: RFC 7030 4.2.2: the subject must be that of the current certificate");
    (void)snprintf(plan->issuer, sizeof(plan->issuer), "%s", c->issuer);
    if (c->role == PKI_DEVICE)
        (void)snprintf(plan->device, sizeof(plan->device), "%s", c->name);
    (void)snprintf(plan->object, sizeof(plan->object), "%s",
                   c->role == PKI_DEVICE    ? "ldevid/0"
                   : c->role == PKI_STATION ? "station"
                                            : "person");
    return RS_OK;
}

static rs_code
plan_device(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    struct pki_label label;
    rs_code rc = label_find(plan->p->pki, look, plan->request->label, &plan->p->arena, &label, err);

    if (rc != RS_OK)
        return rc;
    if (label.doc.type != DOC_PROFILE_LDEVID)
        return rs_fail(err, RS_E_AUTH_DENIED, "a device may ask for LDevIDs only");
    take_label(plan, &label);
    (void)snprintf(plan->issuer, sizeof(plan->issuer), "%s", label.issuer);
    (void)snprintf(plan->device, sizeof(plan->device), "%s", plan->request->caller.name);
    (void)snprintf(plan->object, sizeof(plan->object), "ldevid/0");
    return rc;
}

static rs_code
plan_person(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    rs_code rc;

    (void)snprintf(plan->profile_name, sizeof(plan->profile_name), "%s", plan->request->label);
    rc = find_profile(plan, look, err);
    if (rc != RS_OK)
        return rc;
    switch (plan->profile.type) {
    case DOC_PROFILE_TLS_SERVER:
    case DOC_PROFILE_TLS_CLIENT:
        (void)snprintf(plan->object, sizeof(plan->object), "server");
        break;
    case DOC_PROFILE_STATION:
        (void)snprintf(plan->object, sizeof(plan->object), "station");
        break;
    case DOC_PROFILE_PERSON:
        (void)snprintf(plan->object, sizeof(plan->object), "person");
        break;
    case DOC_PROFILE_LDEVID:
        (void)snprintf(plan->object, sizeof(plan->object), "ldevid/0");
        if (plan->request->device == NULL)
            return rs_fail(err, RS_E_USAGE, "profile %s: say which device it is for",
                           plan->profile_name);
        (void)snprintf(plan->device, sizeof(plan->device), "%s", plan->request->device);
        break;
    case DOC_PROFILE_IDEVID:
    case DOC_PROFILE_OCSP:
    case DOC_PROFILE_CA:
    default:
        return rs_fail(err, RS_E_AUTH_DENIED, "profile %s is not issued this way",
                       plan->profile_name);
    }
    return label_issuer(plan->p->pki, plan->profile_name, plan->issuer, err);
}

static rs_code
plan_request(struct plan *plan, struct catalog_look *look, struct rs_err *err)
{
    switch (plan->request->caller.role) {
    case PKI_STATION:
        return plan->request->renew ? plan_renewal(plan, look, err)
                                    : plan_board(plan, look, plan->request->label, err);
    case PKI_ENDORSED:
        return plan->request->renew
                   ? rs_fail(err, RS_E_AUTH_DENIED, "an endorsement renews nothing")
                   : plan_field(plan, look, err);
    case PKI_DEVICE:
        return plan->request->renew ? plan_renewal(plan, look, err) : plan_device(plan, look, err);
    case PKI_PERSON:
        return plan->request->renew ? plan_renewal(plan, look, err) : plan_person(plan, look, err);
    case PKI_SERVER:
    case PKI_NOBODY:
    default:
        return rs_fail(err, RS_E_AUTH_DENIED, "nobody may ask for a certificate this way");
    }
}

/* ---- Names ------------------------------------------------------------------------------------ */

static rs_code
take_san(struct plan *plan, size_t i, struct rs_err *err)
{
    const struct san *san = &plan->csr.sans[i];
    int may_dns = (plan->profile.from_request & (1u << DOC_VALUE_DNS)) != 0;
    int may_ip = (plan->profile.from_request & (1u << DOC_VALUE_IP)) != 0;

    if (san->kind == SAN_HARDWARE && plan->has_order) {
        plan->claim.chip_uid = san->value;
        return RS_OK;
    }
    if (san->kind == SAN_DNS && may_dns) {
        put_value(plan, DOC_VALUE_DNS, san->value);
        return RS_OK;
    }
    if (san->kind == SAN_IP && may_ip && san->value.len == 4) {
        (void)snprintf(plan->ip_text[i], sizeof(plan->ip_text[i]), "%u.%u.%u.%u", san->value.p[0],
                       san->value.p[1], san->value.p[2], san->value.p[3]);
        put_value(plan, DOC_VALUE_IP, rs_bytes_str(plan->ip_text[i]));
        return RS_OK;
    }
    if (plan->request->renew || plan->request->caller.role == PKI_DEVICE)
        return RS_OK; /* the profile writes a device's names itself */
    return rs_fail(err, RS_E_CSR_SUBJECT, "csr: profile %s takes no such alternative name",
                   plan->profile_name);
}

static rs_code
take_names(struct plan *plan, struct rs_err *err)
{
    struct rs_bytes cn = name_find(plan->csr.subject, oid_cn);
    struct rs_bytes serial = name_find(plan->csr.subject, oid_serial_number);
    rs_code rc = RS_OK;

    if (plan->csr.asks_ca || plan->csr.unknown_critical)
        return rs_fail(err, RS_E_CSR_EXTENSION,
                       "csr: asks for CA rights, delegation, or an unknown critical extension");
    for (size_t i = 0; i < plan->csr.san_count && rc == RS_OK; i++)
        rc = take_san(plan, i, err);
    if (rc != RS_OK)
        return rc;
    if (plan->request->caller.role == PKI_DEVICE && serial.len > 0 &&
        !rs_bytes_equal(serial, rs_bytes_str(plan->device)))
        return rs_fail(err, RS_E_CSR_SUBJECT, "csr: serialNumber is not that of device %s",
                       plan->device);
    if (plan->request->renew && plan->request->caller.role != PKI_DEVICE)
        cn = rs_bytes_str(plan->request->caller.name);
    put_value(plan, DOC_VALUE_DEVICE_SERIAL, rs_bytes_str(plan->device));
    put_value(plan, DOC_VALUE_NAME, cn);
    if (plan->has_order) {
        put_value(plan, DOC_VALUE_PRODUCT, plan->order.product);
        put_value(plan, DOC_VALUE_ORDER, plan->order.name);
    } else {
        put_value(plan, DOC_VALUE_PRODUCT, rs_bytes_str(plan->product));
    }
    return RS_OK;
}

/* ---- Evidence ---------------------------------------------------------------------------------- */

/*
 * A part that can prove what it is must, as far as its order demands.  What a TPM says of its
 * chip in the request does not count then; what another part proves must be the chip that it
 * claims.
 */
static rs_code
take_evidence(struct plan *plan, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (plan->has_order && endorse_is_needed(plan->order.rot)) {
        rc = endorse_check(plan->p->pki, plan->request, &plan->csr, plan->chip, err);
        plan->claim.chip_uid = RS_BYTES(plan->chip);
        plan->level = VENDOR_ATTESTED;
    } else if (plan->has_order) {
        rc = proof_check(plan->p->pki, plan->request, &plan->csr, &plan->order,
                         plan->claim.chip_uid, &plan->level, err);
    }
    if (rc == RS_OK && plan->claim.chip_uid.len > 0) {
        rs_hex(plan->claim.chip_uid, plan->uid_text, sizeof(plan->uid_text));
        put_value(plan, DOC_VALUE_CHIP_UID, rs_bytes_str(plan->uid_text));
    }
    return rc;
}

/* ---- Against the store ---------------------------------------------------------------------------- */

/* The certificate that this board already has: re-running a finished one makes no second. */
struct same {
    const struct plan *plan;
    struct rs_arena *arena;
    struct rs_bytes serial;
};

static int
match_same(void *arg, const struct store_cert *cert)
{
    struct same *s = arg;

    if (cert->state != STORE_CERT_ISSUED || strcmp(cert->object, "idevid") != 0 ||
        memcmp(cert->key_hash, s->plan->p->key_hash, 32) != 0)
        return 0;
    s->serial = rs_arena_copy(s->arena, cert->serial);
    return 1;
}

static rs_code
find_same(struct plan *plan, struct store *store, struct store_cert *ret_cert, int *ret_found,
          struct rs_err *err)
{
    struct pki *pki = plan->p->pki;
    struct store_cert_filter filter = {.device = plan->device, .limit = 100};
    struct same s = {plan, &plan->p->arena, {NULL, 0}};
    rs_code rc = store_list_certs(store, pki->tenant, &filter, match_same, &s, err);

    if (rc == RS_OK && s.serial.len > 0) {
        rc = store_find_cert(store, pki->tenant, plan->issuer, s.serial, &plan->p->arena, ret_cert,
                             err);
        *ret_found = rc == RS_OK;
    }
    return rc;
}

/* What was made under one order is no board of another. */
static rs_code
check_same_order(struct plan *plan, struct store *store, struct rs_err *err)
{
    struct store_device d;
    rs_code rc =
        store_find_device(store, plan->p->pki->tenant, plan->device, &plan->p->arena, &d, err);

    if (rc == RS_OK && !rs_bytes_equal(rs_bytes_str(d.order), plan->order.name))
        rc = rs_fail(err, RS_E_DEVICE_EXISTS, "device %s was made under order %s", plan->device,
                     d.order);
    return rc;
}

/* The key was certified before, for this owner. */
static rs_code
check_key_owner(struct plan *plan, struct store *store, const char *owner,
                struct store_cert *ret_cert, int *ret_found, struct rs_err *err)
{
    const struct pki_caller *c = &plan->request->caller;
    rs_code rc;

    if (plan->has_order && strcmp(owner, plan->device) == 0) {
        rc = find_same(plan, store, ret_cert, ret_found, err);
        if (rc == RS_OK && *ret_found)
            rc = check_same_order(plan, store, err);
        if (rc != RS_OK || *ret_found)
            return rc;
    }
    /* Renewal with the same key: by the holder of that very key. */
    if (plan->request->renew && memcmp(c->key_hash, plan->p->key_hash, 32) == 0)
        return RS_OK;
    (void)snprintf(plan->first, sizeof(plan->first), "%s", owner);
    return rs_fail(err, RS_E_KEY_UNIQUE,
                   "key: it was certified for %s%s before, and now comes with %s%s (L8)",
                   owner[0] != '\0' ? "device " : "somebody else", owner,
                   plan->device[0] != '\0' ? "device " : "somebody", plan->device);
}

static rs_code
check_chip(struct plan *plan, struct store *store, struct rs_err *err)
{
    struct rs_err none = {0};
    const char *device;
    rs_code rc;

    if (!plan->has_order || plan->claim.chip_uid.len == 0)
        return RS_OK;
    rc = store_find_chip(store, plan->p->pki->tenant, plan->p->record.device.chip_model,
                         plan->claim.chip_uid, &plan->p->arena, &device, &none);
    if (rc == RS_E_DEVICE_UNKNOWN)
        return RS_OK;
    if (rc != RS_OK)
        return rs_fail(err, rc, "%s", none.text);
    if (strcmp(device, plan->device) == 0)
        return RS_OK;
    (void)snprintf(plan->first, sizeof(plan->first), "%s", device);
    return rs_fail(err, RS_E_CHIP_TWIN,
                   "chip: it is in device %s already, and now comes with device %s (L8)", device,
                   plan->device);
}

/*
 * A product's label is for that product's devices (RFC 7030 3.2.2: what is allowed
 * under one label is not by that allowed under another).  What was taken over from
 * the ledger knows its order only.
 */
static rs_code
check_product(struct plan *plan, struct store *store, const struct store_device *d,
              struct rs_err *err)
{
    const char *product = d->product;
    struct store_order order;
    rs_code rc = RS_OK;

    if (plan->product[0] == '\0')
        return RS_OK;
    if (product[0] == '\0' && d->order[0] != '\0') {
        rc = store_find_order(store, plan->p->pki->tenant, d->order, &plan->p->arena, &order, err);
        if (rc == RS_OK)
            product = order.product;
    }
    if (rc == RS_OK && strcmp(product, plan->product) != 0)
        rc = rs_fail(err, RS_E_AUTH_DENIED, "device %s is not one of product %s", plan->device,
                     plan->product);
    return rc;
}

static rs_code
check_device(struct plan *plan, struct store *store, struct rs_err *err)
{
    struct rs_err none = {0};
    struct store_device d;
    rs_code rc;

    if (plan->device[0] == '\0')
        return RS_OK;
    rc = store_find_device(store, plan->p->pki->tenant, plan->device, &plan->p->arena, &d, &none);
    if (rc == RS_E_DEVICE_UNKNOWN)
        return plan->has_order ? RS_OK : rs_fail(err, rc, "there is no device %s", plan->device);
    if (rc != RS_OK)
        return rs_fail(err, rc, "%s", none.text);
    if (d.state >= STORE_DEVICE_BLOCKED)
        return rs_fail(err, RS_E_DEVICE_BLOCKED, "device %s is blocked, revoked or scrapped",
                       plan->device);
    if (!plan->has_order && d.state == STORE_DEVICE_EXPECTED) {
        /* Its first certificate: with it, the device is there. */
        plan->p->record.device = d;
        plan->p->record.device.state = STORE_DEVICE_ACTIVE;
        plan->p->record.device.made_at = rs_now();
    }
    if (plan->has_order && d.state != STORE_DEVICE_EXPECTED)
        return rs_fail(err, RS_E_DEVICE_EXISTS, "device %s was made before, with another key",
                       plan->device);
    return check_product(plan, store, &d, err);
}

/* ---- The request's identity --------------------------------------------------------------------------- */

static void
request_id(const struct pki_issue_request *r, int64_t bucket, uint8_t out[32])
{
    uint8_t number[8], nul = 0;
    struct rs_bytes parts[] = {
        rs_bytes_str(r->protocol), {&nul, 1}, rs_bytes_str(r->caller.who), {&nul, 1},
        rs_bytes_str(r->label),    {&nul, 1}, {number, sizeof(number)},    r->csr};

    rs_set_u64(number, (uint64_t)bucket);
    crypto_sha256_parts(parts, sizeof(parts) / sizeof(parts[0]), out);
}

/* What this very request got before; key is what the store knows of its key. */
static rs_code
find_earlier(struct plan *plan, struct store *store, const struct store_key *key,
             struct store_cert *ret_cert, int *ret_found, struct rs_err *err)
{
    int64_t bucket = rs_now() / REQUEST_BUCKET_S;

    for (int i = 0; i < 2; i++) {
        struct rs_err none = {0};
        uint8_t id[32];
        rs_code rc;

        request_id(plan->request, bucket - i, id);
        rc = store_find_request(store, plan->p->pki->tenant, key, id, &plan->p->arena, ret_cert,
                                &none);
        if (rc == RS_OK && ret_cert->state == STORE_CERT_ISSUED) {
            *ret_found = 1;
            return RS_OK;
        }
        if (rc != RS_OK && rc != RS_E_CERT_UNKNOWN)
            return rs_fail(err, rc, "%s", none.text);
    }
    return RS_OK;
}

/* ---- To the signer and back ------------------------------------------------------------------------------ */

static void
finish_early(struct pending *p, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    pending_leave(p);
    pending_answer(p, rc, cert, err);
    pending_free(p);
}

static void
on_signed(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct pending *p = arg;
    struct rs_err why = {0};
    struct work *w;

    if (rc == RS_OK && item->type != PROTO_ISSUED)
        rc = rs_fail(&why, RS_E_SIGNER_PROTOCOL, "signer protocol: no certificate in the answer");
    if (rc == RS_OK)
        rc = record_from_cert(&p->arena, item->as.issued.der, &p->record, &why);
    if (rc != RS_OK) {
        if (rs_code_info(rc)->http >= 500) /* not a refusal: the leaf may be there */
            pki_owe(p->pki, p->leaf_floor);
        finish_early(p, rc, NULL, err != NULL ? err : &why);
        return;
    }
    p->record.cert.leaf = item->as.issued.leaf;
    pki_saw_leaf(p->pki, item->as.issued.leaf);
    w = calloc(1, sizeof(*w));
    if (w != NULL) {
        w->kind = WORK_ISSUED;
        w->pending = p;
    }
    if (w == NULL || !writer_put(p->pki, w)) {
        free(w);
        pki_owe(p->pki, p->leaf_floor);
        (void)rs_fail(&why, RS_E_REQUEST_LIMIT, "too many certificates wait for the store");
        finish_early(p, why.code, NULL, &why);
    }
}

static const char *
keep(struct plan *plan, const char *text)
{
    const char *copy = rs_arena_text(&plan->p->arena, text, strlen(text));

    return copy != NULL ? copy : "";
}

/* What the store will record; the certificate's own facts come with it. */
static void
fill_record(struct plan *plan)
{
    struct store_issue *r = &plan->p->record;
    struct store_device *d = &r->device;

    r->cert.tenant = plan->p->pki->tenant;
    r->cert.issuer = keep(plan, plan->issuer);
    r->cert.profile = keep(plan, plan->profile_name);
    r->cert.object = keep(plan, plan->object);
    r->cert.device = keep(plan, plan->device);
    r->cert.holder = pki_holder_of(plan->object);
    r->cert.signer_id = plan->p->pki->config.signer_id;
    memcpy(r->cert.request_id, plan->p->request_id, 32);
    r->request_until = rs_now() + REQUEST_LIFE_S;
    pki_blank_device(r);
    if (!plan->has_order)
        return;
    d->device = r->cert.device;
    d->order =
        rs_arena_text(&plan->p->arena, (const char *)plan->order.name.p, plan->order.name.len);
    d->product = rs_arena_text(&plan->p->arena, (const char *)plan->order.product.p,
                               plan->order.product.len);
    d->chip_model =
        rs_arena_text(&plan->p->arena, (const char *)plan->order.rot.p, plan->order.rot.len);
    d->station = keep(plan, plan->request->caller.name);
    d->provenance = vendor_level_name(plan->level);
    d->chip_uid = rs_arena_copy(&plan->p->arena, plan->claim.chip_uid);
    d->made_at = rs_now();
    r->new_device = 1;
}

static void
fill_claim(struct plan *plan)
{
    struct proto_issue *m = &plan->claim;

    m->request_id = RS_BYTES(plan->p->request_id);
    m->tenant = rs_bytes_str(plan->p->pki->tenant);
    m->issuer = rs_bytes_str(plan->issuer);
    m->profile_hash = RS_BYTES(plan->profile_hash);
    m->who = rs_bytes_str(plan->request->caller.who);
    m->object = rs_bytes_str(plan->object);
    m->spki = plan->csr.spki;
    if (!plan->has_order)
        return;
    m->order = plan->order.name;
    m->station = rs_bytes_str(plan->request->caller.name);
    m->chip_model = plan->order.rot;
    m->provenance = rs_bytes_str(vendor_level_name(plan->level));
}

/* ---- The whole ------------------------------------------------------------------------------------------------ */

/*
 * The request and the connection that it came over are one party's (RFC 7030 3.5,
 * RFC 7894 3.3).  A station passes on what a board signed: it vouches for that (RFC
 * 7030 3.7), and the board knows nothing of its connection.
 */
static rs_code
check_link(const struct plan *plan, struct rs_err *err)
{
    const struct pki_issue_request *r = plan->request;
    struct rs_bytes texts[] = {plan->csr.challenge, plan->csr.linking};
    int said = 0;

    if (r->is_linked == NULL || (r->caller.role == PKI_STATION && !r->renew))
        return RS_OK;
    for (size_t i = 0; i < 2; i++) {
        said += texts[i].len > 0;
        if (texts[i].len > 0 && !r->is_linked(r->link, texts[i]))
            return rs_fail(err, RS_E_CSR_LINKING,
                           "csr: it is linked to another connection (RFC 7030 3.5)");
    }
    if (r->must_link && said == 0)
        return rs_fail(err, RS_E_CSR_LINKING,
                       "csr: it must be linked to its connection (RFC 7030 3.5)");
    return RS_OK;
}

/* What the request says by itself; it then has its identity. */
static rs_code
check_request(struct plan *plan, struct store *store, struct rs_err *err)
{
    struct catalog_look look;
    rs_code rc;

    rc = csr_read(plan->request->csr, &plan->csr, err);
    if (rc == RS_OK)
        rc = check_link(plan, err);
    if (rc == RS_OK) {
        crypto_pub_hash(&plan->csr.pub, plan->p->key_hash);
        catalog_look(plan->p->pki, store, &look);
        rc = plan_request(plan, &look, err);
        catalog_look_done(&look);
    }
    if (rc == RS_OK)
        rc = take_names(plan, err);
    if (rc == RS_OK)
        rc = csr_check_proof(&plan->csr, err);
    if (rc == RS_OK)
        rc = take_evidence(plan, err);
    if (rc == RS_OK) {
        request_id(plan->request, rs_now() / REQUEST_BUCKET_S, plan->p->request_id);
        fill_record(plan);
    }
    return rc;
}

/* One row answers both: whether this request was answered before, and whose its key is. */
static rs_code
check_key(struct plan *plan, struct store *store, struct store_cert *ret_cert, int *ret_found,
          struct rs_err *err)
{
    struct rs_err none = {0};
    struct store_key key;
    rs_code rc = store_find_key(store, plan->p->pki->tenant, plan->p->key_hash, &plan->p->arena,
                                &key, &none);

    if (rc == RS_E_DEVICE_UNKNOWN)
        return RS_OK;
    if (rc != RS_OK)
        return rs_fail(err, rc, "%s", none.text);
    plan->key_known = 1;
    rc = find_earlier(plan, store, &key, ret_cert, ret_found, err);
    if (rc == RS_OK && !*ret_found)
        rc = check_key_owner(plan, store, key.device, ret_cert, ret_found, err);
    return rc;
}

/*
 * What the store says to it.  It is in flight by now: an equal one that came
 * before has left its certificate in the store, one that comes later waits here.
 */
static rs_code
look_at_store(struct plan *plan, struct store *store, struct store_cert *ret_cert, int *ret_found,
              struct rs_err *err)
{
    rs_code rc;

    rc = check_key(plan, store, ret_cert, ret_found, err);
    if (rc == RS_OK && !*ret_found)
        rc = check_chip(plan, store, err);
    if (rc == RS_OK && !*ret_found)
        rc = check_device(plan, store, err);
    return rc;
}

static rs_code
check_store(struct plan *plan, struct store *store, struct store_cert *ret_cert, int *ret_found,
            struct rs_err *err)
{
    rs_code rc;

    if (pki_is_behind(plan->p->pki))
        return rs_fail(err, RS_E_SIGNER_AWAY, "the ledger is being read; ask again");
    rc = store_look(store, err); /* begun in flight, not before: see above */
    if (rc != RS_OK)
        return rc;
    rc = look_at_store(plan, store, ret_cert, ret_found, err);
    store_look_done(store);
    return rc;
}

/* Key or chip belong to another device: refused, and kept for people to look at (L8). */
static void
note_twin(struct plan *plan, const struct rs_err *err)
{
    struct twin twin = {.first = plan->first,
                        .second = plan->device,
                        .who = plan->request->caller.who,
                        .order = "",
                        .model = plan->p->record.device.chip_model,
                        .uid = plan->claim.chip_uid,
                        .why = err};

    if (plan->first[0] == '\0')
        return;
    if (plan->has_order)
        twin.order = plan->p->record.device.order;
    finding_note_twin(plan->p->pki, &twin);
}

/* To the signer, or an answer at once.  The waiters belong to p, this caller is one of them. */
static void
decide(struct plan *plan, struct store *store)
{
    struct proto_item item = {.type = PROTO_ISSUE};
    struct pending *p = plan->p;
    struct rs_err err = {0};
    struct store_cert cert;
    int found = 0;
    rs_code rc = check_store(plan, store, &cert, &found, &err);

    if (rc == RS_OK && !found) {
        fill_claim(plan);
        item.as.issue = plan->claim;
        rc = signer_client_submit(p->pki->config.signer, &item, on_signed, p, &err);
        if (rc == RS_OK)
            return;
    }
    if (rc != RS_OK)
        note_twin(plan, &err);
    finish_early(p, rc, found ? &cert : NULL, rc == RS_OK ? NULL : &err);
}

static rs_code
enter(struct plan *plan, const struct pki_issue_request *request, pki_issued_fn done, void *arg,
      struct rs_err *err)
{
    struct store *store;
    int same = 0;
    rs_code rc;

    plan->request = request;
    rc = pki_reader(plan->p->pki, &store, err);
    if (rc == RS_OK)
        rc = check_request(plan, store, err);
    if (rc == RS_OK)
        rc = pending_enter(plan->p, done, arg, &same, err);
    if (rc == RS_OK && !same) {
        decide(plan, store);
        return rc;
    }
    /* Two at once with one key, for two devices; a board at two stations is one. */
    if (rc == RS_E_KEY_UNIQUE && strcmp(plan->p->other, plan->device) != 0) {
        (void)snprintf(plan->first, sizeof(plan->first), "%s", plan->p->other);
        note_twin(plan, err);
    }
    pending_free(plan->p);
    return rc;
}

void
pki_issue(struct pki *pki, const struct pki_issue_request *request, pki_issued_fn done, void *arg)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    struct rs_err err = {0};
    rs_code rc;

    if (plan != NULL)
        plan->p = pending_new(pki);
    if (plan == NULL || plan->p == NULL)
        rc = rs_fail(&err, RS_E_NO_MEMORY, "request");
    else
        rc = enter(plan, request, done, arg, &err);
    if (rc != RS_OK)
        done(arg, rc, NULL, &err);
    free(plan);
}

rs_code
pki_check_issue(struct pki *pki, const struct pki_issue_request *request, int *ret_certified,
                struct rs_err *err)
{
    struct plan *plan = calloc(1, sizeof(*plan));
    struct store_cert cert;
    struct store *store;
    int found = 0;
    rs_code rc;

    if (plan == NULL || (plan->p = pending_new(pki)) == NULL) {
        free(plan);
        return rs_fail(err, RS_E_NO_MEMORY, "request");
    }
    plan->request = request;
    rc = pki_reader(pki, &store, err);
    if (rc == RS_OK)
        rc = check_request(plan, store, err);
    if (rc == RS_OK)
        rc = check_store(plan, store, &cert, &found, err);
    *ret_certified = plan->key_known;
    pending_free(plan->p);
    free(plan);
    return rc;
}

/* ---- Our own certificates ----------------------------------------------------------------------------------------- */

/* The store took it from the ledger, signed again: what it has is the one certificate. */
static rs_code
as_recorded(struct pki *pki, struct store *store, const char *issuer, const struct rs_buf *answer,
            struct rs_buf *ret_der, struct rs_err *err)
{
    struct store_cert record;
    struct cert cert;
    rs_code rc = cert_read(rs_buf_bytes(answer), &cert, err);

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 262144);
    if (rc == RS_OK)
        rc = store_find_cert(store, pki->tenant, issuer, cert.serial, &arena, &record, err);
    if (rc == RS_OK)
        rs_buf_put_bytes(ret_der, record.der);
    return rc;
}

rs_code
pki_issue_own(struct pki *pki, const char *profile, const char *issuer, const char *name,
              const char *const *names, size_t name_count, struct rs_bytes spki,
              struct rs_buf *ret_der, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_ISSUE};
    struct proto_issue *m = &item.as.issue;
    struct store_object o;
    struct store *store;
    uint8_t hash[32], id[32], nonce[16];
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_buf_done) struct rs_buf answer;
    rs_arena_init(&arena, 65536);
    rs_buf_init(&answer, CERT_BYTES_MAX);
    rc = pki_reader(pki, &store, err);
    if (rc == RS_OK)
        rc = store_find_object(store, pki->tenant, "profile", profile, 0, &arena, &o, err);
    if (rc != RS_OK)
        return rc;
    crypto_sha256(o.document, hash);
    rs_set_u64(nonce, rs_mono_us());
    rs_set_u64(nonce + 8, (uint64_t)rs_now_ms());
    struct rs_bytes parts[] = {rs_bytes_str("own"), rs_bytes_str(name), RS_BYTES(nonce), spki};
    crypto_sha256_parts(parts, 4, id);
    m->request_id = RS_BYTES(id);
    m->tenant = rs_bytes_str(pki->tenant);
    m->issuer = rs_bytes_str(issuer);
    m->profile_hash = RS_BYTES(hash);
    m->who = rs_bytes_str("server");
    m->object = rs_bytes_str(strcmp(profile, "ocsp") == 0 ? "ocsp" : "server");
    m->spki = spki;
    m->values[m->value_count++] = (struct proto_value){DOC_VALUE_NAME, rs_bytes_str(name)};
    for (size_t i = 0; i < name_count && m->value_count < PROTO_VALUES_MAX; i++) {
        int ip = names[i][0] >= '0' && names[i][0] <= '9';
        m->values[m->value_count++] =
            (struct proto_value){ip ? DOC_VALUE_IP : DOC_VALUE_DNS, rs_bytes_str(names[i])};
    }
    rc = pki_call(pki, &item, &answer, err);
    return rc == RS_OK ? as_recorded(pki, store, issuer, &answer, ret_der, err) : rc;
}
