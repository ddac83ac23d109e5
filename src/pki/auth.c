/*
 * auth.c: from a client certificate to who it is.
 *
 * The certificate is found again by issuer and serial in the store; what the
 * record says counts, not the text inside the certificate (TM-110).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "pki/inner.h"
#include "x509/name.h"
#include "x509/oid.h"

static const struct pki_issuer *
issuer_of(struct pki *pki, const struct cert *cert)
{
    const struct pki_issuer *list[PKI_ISSUERS_MAX];
    size_t n = pki_issuers(pki, list, PKI_ISSUERS_MAX);

    for (size_t i = 0; i < n; i++) {
        if (rs_bytes_equal(list[i]->cert.subject, cert->issuer) &&
            rs_bytes_equal(list[i]->cert.ski, cert->aki))
            return list[i];
    }
    return NULL;
}

static enum pki_role
role_of(const char *holder)
{
    if (strcmp(holder, "station") == 0)
        return PKI_STATION;
    if (strcmp(holder, "person") == 0)
        return PKI_PERSON;
    if (strcmp(holder, "device") == 0)
        return PKI_DEVICE;
    return PKI_NOBODY;
}

static void
name_caller(struct pki_caller *c, const struct store_cert *record, const struct cert *cert)
{
    static const char *const prefixes[] = {"", "station", "device", "person", "server"};
    struct rs_bytes cn = name_find(cert->subject, oid_cn);

    if (c->role == PKI_DEVICE)
        (void)snprintf(c->name, sizeof(c->name), "%s", record->device);
    else
        (void)snprintf(c->name, sizeof(c->name), "%.*s", (int)cn.len, (const char *)cn.p);
    (void)snprintf(c->who, sizeof(c->who), "%s:%.80s", prefixes[c->role], c->name);
}

static rs_code
check_device(struct pki *pki, struct store *store, const char *device, struct rs_arena *arena,
             struct rs_err *err)
{
    struct store_device d;
    rs_code rc = store_find_device(store, pki->tenant, device, arena, &d, err);

    if (rc == RS_OK && d.state >= STORE_DEVICE_BLOCKED)
        rc = rs_fail(err, RS_E_DEVICE_BLOCKED, "device %s is blocked, revoked or scrapped", device);
    return rc;
}

/* By issuer and serial; equal fingerprints (SHA-256 of the whole) stand for equal bytes. */
static rs_code
find_record(struct pki *pki, struct store *store, const struct cert *cert, struct rs_arena *arena,
            struct store_cert *ret_record, struct rs_err *err)
{
    const struct pki_issuer *issuer = issuer_of(pki, cert);
    uint8_t fingerprint[32];
    rs_code rc;

    if (issuer == NULL)
        return rs_fail(err, RS_E_AUTH_UNKNOWN, "auth: not issued by a CA of this installation");
    cert_fingerprint(cert->whole, fingerprint);
    rc = store_find_record(store, pki->tenant, issuer->name, cert->serial, arena, ret_record, err);
    if (rc == RS_E_CERT_UNKNOWN ||
        (rc == RS_OK && memcmp(ret_record->fingerprint, fingerprint, 32) != 0)) {
        if (err != NULL)
            err->code = RS_OK;
        return rs_fail(err, RS_E_AUTH_UNKNOWN, "auth: this certificate is not in the store");
    }
    return rc;
}

/* What the store says of it, within one look. */
static rs_code
judge(struct pki *pki, struct store *store, const struct cert *cert, int expired,
      struct rs_arena *arena, struct store_cert *ret_record, struct rs_err *err)
{
    enum pki_role role;
    rs_code rc = find_record(pki, store, cert, arena, ret_record, err);

    if (rc != RS_OK)
        return rc;
    if (ret_record->state != STORE_CERT_ISSUED)
        return rs_fail(err, RS_E_AUTH_REVOKED, "auth: the certificate is revoked");
    if (expired)
        return rs_fail(err, RS_E_AUTH_EXPIRED, "auth: the certificate has expired");
    role = role_of(ret_record->holder);
    if (role == PKI_NOBODY)
        return rs_fail(err, RS_E_AUTH_DENIED, "auth: a %s certificate authenticates nobody",
                       ret_record->holder);
    return role == PKI_DEVICE ? check_device(pki, store, ret_record->device, arena, err) : RS_OK;
}

static rs_code
look_up(struct pki *pki, const struct cert *cert, int expired, struct rs_arena *arena,
        struct store_cert *ret_record, struct rs_err *err)
{
    struct store *store;
    rs_code rc = pki_reader(pki, &store, err);

    if (rc == RS_OK)
        rc = store_look(store, err);
    if (rc != RS_OK)
        return rc;
    rc = judge(pki, store, cert, expired, arena, ret_record, err);
    store_look_done(store);
    return rc;
}

uint64_t
pki_generation(struct pki *pki)
{
    return catalog_generation(&pki->catalog);
}

static void
fill_caller(struct pki_caller *c, const struct store_cert *record, const struct cert *cert)
{
    c->role = role_of(record->holder);
    name_caller(c, record, cert);
    (void)snprintf(c->profile, sizeof(c->profile), "%s", record->profile);
    (void)snprintf(c->issuer, sizeof(c->issuer), "%s", record->issuer);
    memcpy(c->serial, cert->serial.p, cert->serial.len);
    c->serial_len = cert->serial.len;
    memcpy(c->key_hash, record->key_hash, sizeof(c->key_hash));
    /* Points into the caller's bytes, which live as long as the request. */
    c->subject = cert->subject;
}

rs_code
pki_authenticate(struct pki *pki, struct rs_bytes cert_der, int expired,
                 struct pki_caller *ret_caller, struct rs_err *err)
{
    uint64_t generation = catalog_generation(&pki->catalog);
    struct pki_caller c = {0};
    struct store_cert record;
    struct cert cert;
    rs_code rc;

    if (!expired && callers_recall(&pki->callers, generation, cert_der, ret_caller))
        return RS_OK;
    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    rc = cert_read(cert_der, &cert, err);
    if (rc == RS_OK)
        rc = look_up(pki, &cert, expired, &arena, &record, err);
    if (rc != RS_OK)
        return rc;
    fill_caller(&c, &record, &cert);
    callers_keep(&pki->callers, generation, cert_der, &c);
    *ret_caller = c;
    return RS_OK;
}
