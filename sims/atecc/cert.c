/*
 * cert.c: the simulated maker's certificates, and their compressed form.
 *
 * The templates have the sizes and positions of the real maker's (RFC 5280
 * profiles with fixed-length names), with names of our own.  Serial number: the
 * first 16 bytes of SHA-256(public key, date bytes), top bits 01.  Key
 * identifiers: SHA-1 of the uncompressed point.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/random.h"
#include "sims/atecc/sha256.h"
#include "sims/atecc/vendor.h"

#define ORGANISATION "ROOTSMITH SIMULATOR CHIP"
#define ROOT_NAME    "SIMULATOR vendor test root CA 002"
#define SIGNER_NAME  "SIMULATOR vendor test signer %02X%02X"

#define TEMPLATE_SIGNER 0x10 /* template 1, chain 0 */
#define TEMPLATE_DEVICE 0x30 /* template 3, chain 0 */
#define SERIAL_SOURCE   0xA0 /* hash of key and dates; format 0 */

enum tag {
    TAG_BOOLEAN = 0x01,
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_OCTET_STRING = 0x04,
    TAG_OID = 0x06,
    TAG_UTF8 = 0x0C,
    TAG_PRINTABLE = 0x13,
    TAG_UTC_TIME = 0x17,
    TAG_GENERALIZED_TIME = 0x18,
    TAG_SEQUENCE = 0x30,
    TAG_SET = 0x31,
    TAG_KEY_ID = 0x80,
    TAG_CONTEXT_0 = 0xA0,
    TAG_CONTEXT_3 = 0xA3,
    TAG_DIRECTORY_NAME = 0xA4,
};

/* ---- DER ------------------------------------------------------------------------- */

/* Put tag and length before everything from `from` on. */
static void
wrap(struct rs_buf *b, size_t from, enum tag tag)
{
    size_t len = b->len - from, header = len < 128 ? 2 : len < 256 ? 3 : 4;
    uint8_t *p;

    if (rs_buf_extend(b, header) == NULL)
        return;
    p = b->p + from;
    memmove(p + header, p, len);
    p[0] = (uint8_t)tag;
    p[1] = (uint8_t)(header == 2 ? len : 0x80 + header - 2);
    if (header == 3)
        p[2] = (uint8_t)len;
    if (header == 4)
        rs_set_u16(p + 2, (unsigned)len);
}

static void
put(struct rs_buf *b, enum tag tag, const void *p, size_t len)
{
    size_t from = b->len;

    rs_buf_put(b, p, len);
    wrap(b, from, tag);
}

static void
put_ecdsa_sha256(struct rs_buf *b)
{
    static const uint8_t oid[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
    size_t from = b->len;

    put(b, TAG_OID, oid, sizeof(oid));
    wrap(b, from, TAG_SEQUENCE);
}

/* One attribute as an RDN of its own; oid is 2.5.4.last. */
static void
put_rdn(struct rs_buf *b, uint8_t last, enum tag type, const char *text)
{
    const uint8_t oid[3] = {0x55, 0x04, last};
    size_t from = b->len;

    put(b, TAG_OID, oid, sizeof(oid));
    put(b, type, text, strlen(text));
    wrap(b, from, TAG_SEQUENCE);
    wrap(b, from, TAG_SET);
}

static void
put_name(struct rs_buf *b, const char *common_name)
{
    size_t from = b->len;

    put_rdn(b, 10, TAG_UTF8, ORGANISATION);
    put_rdn(b, 3, TAG_UTF8, common_name);
    wrap(b, from, TAG_SEQUENCE);
}

/* notBefore with two digits of the year, notAfter with four whatever the year, as the maker does. */
static void
put_validity(struct rs_buf *b, const struct atecc_dates *d)
{
    char text[32];
    size_t from = b->len;

    (void)snprintf(text, sizeof(text), "%02d%02d%02d%02d0000Z", d->year % 100, d->month, d->day,
                   d->hour);
    put(b, TAG_UTC_TIME, text, 13);
    (void)snprintf(text, sizeof(text), "%04d%02d%02d%02d0000Z", d->year + d->expire_years, d->month,
                   d->day, d->hour);
    put(b, TAG_GENERALIZED_TIME, text, 15);
    wrap(b, from, TAG_SEQUENCE);
}

static void
put_public_key(struct rs_buf *b, const uint8_t xy[64])
{
    static const uint8_t head[] = {0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                   0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                   0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
    size_t from = b->len;

    rs_buf_put(b, head, sizeof(head));
    rs_buf_put(b, xy, 64);
    wrap(b, from, TAG_SEQUENCE);
}

/* ---- Extensions ---------------------------------------------------------------------- */

/* Everything from `from` on is the value of extension 2.5.29.last. */
static void
wrap_extension(struct rs_buf *b, size_t from, uint8_t last, int critical)
{
    const uint8_t head[8] = {TAG_OID, 3, 0x55, 0x1D, last, TAG_BOOLEAN, 1, 0xFF};
    size_t head_len = critical ? 8 : 5, len;

    wrap(b, from, TAG_OCTET_STRING);
    len = b->len - from;
    if (rs_buf_extend(b, head_len) == NULL)
        return;
    memmove(b->p + from + head_len, b->p + from, len);
    memcpy(b->p + from, head, head_len);
    wrap(b, from, TAG_SEQUENCE);
}

static void
key_id(const uint8_t xy[64], uint8_t id[20])
{
    uint8_t point[65] = {0x04};

    memcpy(point + 1, xy, 64);
    if (EVP_Digest(point, sizeof(point), id, NULL, EVP_sha1(), NULL) != 1)
        memset(id, 0, 20);
}

static void
put_basics(struct rs_buf *b, enum atecc_cert_kind kind)
{
    static const uint8_t none[] = {0x30, 0x00};
    static const uint8_t ca[] = {0x30, 0x03, 0x01, 0x01, 0xFF};
    static const uint8_t last_ca[] = {0x30, 0x06, 0x01, 0x01, 0xFF, 0x02, 0x01, 0x00};
    static const uint8_t sign_certs[] = {0x03, 0x02, 0x01, 0x86};
    static const uint8_t device[] = {0x03, 0x02, 0x03, 0x88};
    size_t from = b->len;

    if (kind == ATECC_CERT_DEVICE)
        rs_buf_put(b, none, sizeof(none));
    else if (kind == ATECC_CERT_SIGNER)
        rs_buf_put(b, last_ca, sizeof(last_ca));
    else
        rs_buf_put(b, ca, sizeof(ca));
    wrap_extension(b, from, 19, 1);
    from = b->len;
    rs_buf_put(b, kind == ATECC_CERT_DEVICE ? device : sign_certs, 4);
    wrap_extension(b, from, 15, 1);
}

/* The network address as a directory name; '_' is not allowed there, and the maker does it. */
static void
put_alt_name(struct rs_buf *b, const char *eui48)
{
    char text[32];
    size_t from = b->len;

    (void)snprintf(text, sizeof(text), "eui48_%.12s", eui48);
    put_rdn(b, 5, TAG_PRINTABLE, text);
    wrap(b, from, TAG_SEQUENCE);
    wrap(b, from, TAG_DIRECTORY_NAME);
    wrap(b, from, TAG_SEQUENCE);
    wrap_extension(b, from, 17, 0);
}

static void
put_key_ids(struct rs_buf *b, const uint8_t subject[64], const uint8_t issuer[64])
{
    uint8_t id[20];
    size_t from = b->len;

    key_id(subject, id);
    put(b, TAG_OCTET_STRING, id, sizeof(id));
    wrap_extension(b, from, 14, 0);
    from = b->len;
    key_id(issuer, id);
    put(b, TAG_KEY_ID, id, sizeof(id));
    wrap(b, from, TAG_SEQUENCE);
    wrap_extension(b, from, 35, 0);
}

/* ---- To be signed ---------------------------------------------------------------------- */

static const uint8_t *
issuer_public(const struct sim_vendor *v, enum atecc_cert_kind kind)
{
    return kind == ATECC_CERT_DEVICE ? v->signer_public : v->root_public;
}

static const uint8_t *
issuer_key(const struct sim_vendor *v, enum atecc_cert_kind kind)
{
    return kind == ATECC_CERT_DEVICE ? v->signer_key : v->root_key;
}

static void
put_extensions(struct rs_buf *b, const struct sim_vendor *v, const struct atecc_cert *cert)
{
    size_t from = b->len;

    if (cert->eui48 != NULL)
        put_alt_name(b, cert->eui48);
    put_basics(b, cert->kind);
    put_key_ids(b, cert->public_key, issuer_public(v, cert->kind));
    wrap(b, from, TAG_SEQUENCE);
    wrap(b, from, TAG_CONTEXT_3);
}

static void
put_serial(struct rs_buf *b, const struct atecc_cert *cert)
{
    struct atecc_sha256 h;
    uint8_t dates[3], digest[32];

    atecc_dates_encode(&cert->dates, dates);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, cert->public_key, 64);
    atecc_sha256_add(&h, dates, sizeof(dates));
    atecc_sha256_end(&h, digest);
    digest[0] = (uint8_t)((digest[0] & 0x3Fu) | 0x40u);
    put(b, TAG_INTEGER, digest, 16);
}

static void
put_tbs(struct rs_buf *b, const struct sim_vendor *v, const struct atecc_cert *cert)
{
    static const uint8_t version[] = {TAG_INTEGER, 1, 2};
    char signer[48], device[32];
    size_t from = b->len;

    (void)snprintf(signer, sizeof(signer), SIGNER_NAME, v->signer_id[0], v->signer_id[1]);
    (void)snprintf(device, sizeof(device), "sn%.18s",
                   cert->device_serial == NULL ? "" : cert->device_serial);
    put(b, TAG_CONTEXT_0, version, sizeof(version));
    put_serial(b, cert);
    put_ecdsa_sha256(b);
    put_name(b, cert->kind == ATECC_CERT_DEVICE ? signer : ROOT_NAME);
    put_validity(b, &cert->dates);
    if (cert->kind == ATECC_CERT_DEVICE)
        put_name(b, device);
    else
        put_name(b, cert->kind == ATECC_CERT_SIGNER ? signer : ROOT_NAME);
    put_public_key(b, cert->public_key);
    put_extensions(b, v, cert);
    wrap(b, from, TAG_SEQUENCE);
}

/* ---- Signature ---------------------------------------------------------------------------- */

static rs_code
sign(struct atecc_p256 *p256, const uint8_t key[32], struct rs_bytes tbs, uint8_t rs[64],
     struct rs_err *err)
{
    struct atecc_sha256 h;
    uint8_t digest[32], nonce[32];
    rs_code rc;

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, tbs.p, tbs.len);
    atecc_sha256_end(&h, digest);
    do {
        rc = rs_random(nonce, sizeof(nonce), err);
        if (rc != RS_OK)
            return rc;
    } while (!atecc_p256_sign(p256, key, digest, nonce, rs));
    return RS_OK;
}

/* 32 bytes as a positive INTEGER. */
static void
put_integer(struct rs_buf *b, const uint8_t n[32])
{
    uint8_t padded[33] = {0};
    size_t skip = 0;

    memcpy(padded + 1, n, 32);
    while (skip < 32 && padded[skip] == 0 && !(padded[skip + 1] & 0x80))
        skip++;
    put(b, TAG_INTEGER, padded + skip, 33 - skip);
}

static void
put_signature(struct rs_buf *b, const uint8_t rs[64])
{
    size_t from = b->len;

    rs_buf_put_u8(b, 0);
    put_integer(b, rs);
    put_integer(b, rs + 32);
    wrap(b, from + 1, TAG_SEQUENCE);
    wrap(b, from, TAG_BIT_STRING);
}

static void
compress(const struct sim_vendor *v, const struct atecc_cert *cert, const uint8_t rs[64],
         uint8_t out[ATECC_COMPRESSED_SIZE])
{
    memcpy(out, rs, 64);
    atecc_dates_encode(&cert->dates, out + 64);
    memcpy(out + 67, v->signer_id, 2);
    out[69] = cert->kind == ATECC_CERT_DEVICE ? TEMPLATE_DEVICE : TEMPLATE_SIGNER;
    out[70] = SERIAL_SOURCE;
    out[71] = 0;
}

rs_code
atecc_cert_make(struct atecc_p256 *p256, const struct sim_vendor *vendor,
                const struct atecc_cert *cert, struct rs_buf *der,
                uint8_t compressed[ATECC_COMPRESSED_SIZE], struct rs_err *err)
{
    uint8_t rs[64];
    rs_code rc;

    rs_buf_reset(der);
    put_tbs(der, vendor, cert);
    rc = sign(p256, issuer_key(vendor, cert->kind), rs_buf_bytes(der), rs, err);
    if (rc != RS_OK)
        return rc;
    put_ecdsa_sha256(der);
    put_signature(der, rs);
    wrap(der, 0, TAG_SEQUENCE);
    if (!rs_buf_ok(der))
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: a certificate does not fit");
    if (compressed != NULL)
        compress(vendor, cert, rs, compressed);
    return RS_OK;
}

/* Year 5 bits, month 4, day 5, hour 5, years of life 5. */
void
atecc_dates_encode(const struct atecc_dates *d, uint8_t out[3])
{
    uint32_t bits = ((uint32_t)(d->year - 2000) & 0x1F) << 19 | ((uint32_t)d->month & 0xF) << 15 |
                    ((uint32_t)d->day & 0x1F) << 10 | ((uint32_t)d->hour & 0x1F) << 5 |
                    ((uint32_t)d->expire_years & 0x1F);

    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
}
