/*
 * identity.c: who the device is: its certificates and the keys behind them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "agent/inner.h"
#include "provider/rot_provider.h"
#include "x509/name.h"
#include "x509/oid.h"

void
identity_init(struct identity *id)
{
    memset(id, 0, sizeof(*id));
    rs_buf_init(&id->pem, AGENT_FILE_MAX);
    rs_buf_init(&id->der, CERT_BYTES_MAX);
}

void
identity_done(struct identity *id)
{
    rs_buf_done(&id->pem);
    rs_buf_done(&id->der);
    EVP_PKEY_free(id->pkey);
    id->pkey = NULL;
}

/* Is the key of the object that of the certificate? */
static rs_code
check_key(struct agent *a, const struct identity *id, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf spki;
    rs_code rc;

    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    rc = chip_public(a, id->object, &spki, err);
    if (rc == RS_OK && !rs_bytes_equal(rs_buf_bytes(&spki), id->cert.spki))
        rc = rs_fail(err, RS_E_AGENT_NO_IDENTITY, "the chip has another key than the certificate");
    return rc;
}

static rs_code
take_der(struct agent *a, struct identity *id, struct rs_err *err)
{
    rs_code rc = cert_read(rs_buf_bytes(&id->der), &id->cert, err);

    if (rc != RS_OK)
        return rc;
    clock_at_least(a, id->cert.not_before);
    return check_key(a, id, err);
}

static rs_code
check_time(const struct agent *a, const struct identity *id, struct rs_err *err)
{
    if (clock_now(a) <= id->cert.not_after)
        return RS_OK;
    return rs_fail(err, RS_E_AUTH_EXPIRED, "the certificate in use has expired");
}

rs_code
identity_ldevid(struct agent *a, struct identity *id, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf chain;
    struct rs_bytes text;
    rs_code rc;

    rs_buf_init(&chain, AGENT_FILE_MAX);
    id->object = ROT_LDEVID(a->current.slot);
    rc = state_read(a, "ldevid.pem", &id->pem, err);
    if (rc != RS_OK)
        return rc;
    text = rs_buf_bytes(&id->pem);
    rc = cert_next_pem(&text, "CERTIFICATE", &id->der, err);
    if (rc == RS_OK)
        rc = take_der(a, id, err);
    if (rc == RS_OK)
        rc = state_read(a, "chain.pem", &chain, err);
    rs_buf_put_bytes(&id->pem, rs_buf_bytes(&chain));
    return rc == RS_OK ? check_time(a, id, err) : rc;
}

rs_code
identity_idevid(struct agent *a, struct identity *id, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf issuer;
    rs_code rc;

    rs_buf_init(&issuer, ROT_CERTIFICATE_MAX);
    id->object = ROT_IDEVID;
    rc = chip_read(a, ROT_IDEVID, ROT_PART_CERT, &id->der, err);
    if (rc == RS_OK && id->der.len == 0)
        rc = rs_fail(err, RS_E_AGENT_NO_IDENTITY, "the chip has no IDevID certificate");
    if (rc == RS_OK)
        rc = take_der(a, id, err);
    if (rc == RS_OK)
        rc = chip_read(a, ROT_IDEVID, ROT_PART_CHAIN, &issuer, err);
    if (rc != RS_OK)
        return rc;
    cert_put_pem(&id->pem, "CERTIFICATE", rs_buf_bytes(&id->der));
    if (issuer.len > 0)
        cert_put_pem(&id->pem, "CERTIFICATE", rs_buf_bytes(&issuer));
    return check_time(a, id, err);
}

void
identity_take_serial(struct agent *a, const struct cert *cert)
{
    struct rs_bytes name = name_find(cert->subject, oid_serial_number);

    if (name.len == 0)
        name = name_find(cert->subject, oid_cn);
    if (name.len > 0 && name.len < sizeof(a->serial))
        (void)snprintf(a->serial, sizeof(a->serial), "%.*s", (int)name.len, (const char *)name.p);
}

rs_code
identity_uri(const struct agent *a, rot_object object, char uri[ROT_URI_MAX], struct rs_err *err)
{
    struct rot_uri parts = {.object = object};

    (void)snprintf(parts.chip, sizeof(parts.chip), "%s", a->config->rot);
    if (strlen(a->config->rot) >= sizeof(parts.chip) ||
        rot_uri_format(&parts, uri, ROT_URI_MAX) != ROT_OK)
        return rs_fail(err, RS_E_USAGE, "the name of the chip is too long");
    return RS_OK;
}

/* What uses a key in the chip says only that it failed: a chip that does not answer is why. */
rs_code
identity_blame(struct agent *a, const struct identity *id, rs_code rc, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf spki;
    struct rs_err why = {0};

    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    if ((rc != RS_E_NET_UNREACHABLE && rc != RS_E_CRYPTO_FAILED) || id == NULL ||
        chip_public(a, id->object, &spki, &why) == RS_OK)
        return rc;
    *err = why;
    return why.code;
}

rs_code
identity_key(struct agent *a, struct identity *id, struct rs_err *err)
{
    char uri[ROT_URI_MAX];
    rs_code rc = identity_uri(a, id->object, uri, err);

    if (rc != RS_OK)
        return rc;
    EVP_PKEY_free(id->pkey);
    id->pkey = rot_provider_key(NULL, uri);
    if (id->pkey != NULL)
        return RS_OK;
    rc = rs_fail(err, RS_E_CRYPTO_FAILED, "the key of %.80s cannot be used for TLS", uri);
    return identity_blame(a, id, rc, err);
}

/*
 * Somewhere around renew_percent of its life: where is drawn from the certificate itself, so
 * that devices made on one day do not all come back on one day, and a restart changes nothing.
 */
int64_t
identity_renew_at(const struct agent *a, const struct cert *cert)
{
    const struct agent_config *c = a->config;
    uint8_t hash[32];
    int64_t life, part;

    if (cert->not_after == INT64_MAX)
        return INT64_MAX;
    cert_fingerprint(cert->whole, hash);
    life = cert->not_after - cert->not_before;
    part = (int64_t)rs_get_u16(hash) * c->jitter_percent * 100 / 0xffff - c->jitter_percent * 50;
    return cert->not_before + life / 10000 * (c->renew_percent * 100 + part) +
           life % 10000 * (c->renew_percent * 100 + part) / 10000;
}
