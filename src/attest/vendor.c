/*
 * vendor.c: the formats as a table, and what they have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "attest/vendor_inner.h"

#include <string.h>

#include "crypto/pub.h"
#include "x509/der.h"
#include "x509/name.h"
#include "x509/oid.h"

#define MESSAGE_MAX VENDOR_EVIDENCE_MAX
#define NUMBER_MIN  16 /* hexadecimal digits of a name that are taken for the part's number */

/* RFC 5480 2.1: what stands before an uncompressed point. */
static const uint8_t head_p256[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
static const uint8_t head_p384[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00};

/* ---- Pieces ---------------------------------------------------------------------------- */

size_t
vendor_put_spki(struct rs_bytes point, uint8_t spki[VENDOR_SPKI_MAX])
{
    struct rs_bytes head = point.len == 65 ? RS_BYTES(head_p256) : RS_BYTES(head_p384);

    if ((point.len != 65 && point.len != 97) || point.p[0] != 4)
        return 0;
    memcpy(spki, head.p, head.len);
    memcpy(spki + head.len, point.p, point.len);
    return head.len + point.len;
}

int
vendor_take_spki(struct rs_bytes spki, struct vendor_evidence *e)
{
    if (spki.len == 0 || spki.len > sizeof(e->spki))
        return 0;
    memcpy(e->spki, spki.p, spki.len);
    e->spki_len = spki.len;
    return 1;
}

struct rs_bytes
vendor_trim(struct rs_bytes cert)
{
    struct der d;
    struct rs_bytes whole;

    der_init(&d, cert);
    whole = der_take_whole(&d, DER_SEQUENCE);
    return der_ok(&d) ? whole : cert;
}

/* ---- Levels ------------------------------------------------------------------------------ */

static const char *const levels[] = {
    [VENDOR_STATION] = "station", [VENDOR_GENUINE] = "vendor", [VENDOR_ATTESTED] = "attested"};

const char *
vendor_level_name(enum vendor_level level)
{
    return levels[level];
}

int
vendor_level_read(const char *text, enum vendor_level *ret_level)
{
    for (unsigned i = VENDOR_STATION; i <= VENDOR_ATTESTED; i++) {
        if (strcmp(text, levels[i]) == 0) {
            *ret_level = (enum vendor_level)i;
            return 1;
        }
    }
    return 0;
}

static int
begins(struct rs_bytes text, const char *with)
{
    size_t n = strlen(with);

    return text.len >= n && memcmp(text.p, with, n) == 0;
}

enum vendor_level
vendor_level_of(struct rs_bytes model)
{
    if (begins(model, "se05") || begins(model, "stsafe-") ||
        rs_bytes_equal(model, rs_bytes_str("tpm2")))
        return VENDOR_ATTESTED;
    return begins(model, "optiga-") ? VENDOR_GENUINE : VENDOR_STATION;
}

/* ---- The formats -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    rs_code (*read)(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err);
    rs_code (*put)(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                   struct rs_buf *out, struct rs_err *err);
} formats[] = {
    [VENDOR_ATECC_INTERNAL] = {"atecc", vendor_read_atecc, vendor_put_atecc},
    [VENDOR_SE05X_READ] = {"se05x", vendor_read_se05x, vendor_put_se05x},
    [VENDOR_STSAFE_CHAIN] = {"stsafe", vendor_read_stsafe, vendor_put_stsafe},
    [VENDOR_OPTIGA_CHAIN] = {"optiga", vendor_read_optiga, vendor_put_optiga},
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

rs_code
vendor_read(unsigned format, struct rs_bytes bytes, struct vendor_evidence *ret_evidence,
            struct rs_err *err)
{
    memset(ret_evidence, 0, sizeof(*ret_evidence));
    if (format >= FORMATS || formats[format].read == NULL)
        return rs_fail(err, RS_E_ATTEST_INVALID, "evidence: format %u is not known here", format);
    if (bytes.len > VENDOR_EVIDENCE_MAX)
        return rs_fail(err, RS_E_ATTEST_INVALID, "evidence: more than %d bytes",
                       VENDOR_EVIDENCE_MAX);
    ret_evidence->format = (enum vendor_format)format;
    return formats[format].read(bytes, ret_evidence, err);
}

/* ---- Believing ------------------------------------------------------------------------------ */

static int
is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int
stands_in(struct rs_bytes text, const char *uid)
{
    size_t n = strlen(uid);

    for (size_t at = 0; at + text.len <= n; at++) {
        size_t i = 0;

        while (i < text.len && (text.p[i] | 0x20) == (uid[at + i] | 0x20))
            i++;
        if (i == text.len)
            return 1;
    }
    return 0;
}

/*
 * Makers differ in where a certificate names its part.  Where its common name has a number
 * (a run of hexadecimal digits), that must be a piece of the part's own.
 */
static int
names_part(const struct cert *cert, const struct vendor_evidence *e)
{
    struct rs_bytes cn = name_find(cert->subject, oid_cn);
    char uid[2 * VENDOR_UID_MAX + 1];

    rs_hex(rs_bytes_of(e->uid, e->uid_len), uid, sizeof(uid));
    for (size_t at = 0; at < cn.len;) {
        size_t n = 0;

        while (at + n < cn.len && is_hex(cn.p[at + n]))
            n++;
        if (n >= NUMBER_MIN && !stands_in(rs_bytes_of(cn.p + at, n), uid))
            return 0;
        at += n + 1;
    }
    return 1;
}

/* STSAFE: the serial number ends in the part's (AN5435); two bytes before it are the product's. */
static int
numbers_part(const struct cert *cert, const struct vendor_evidence *e)
{
    return e->format != VENDOR_STSAFE_CHAIN ||
           (cert->serial.len >= e->uid_len &&
            memcmp(cert->serial.p + cert->serial.len - e->uid_len, e->uid, e->uid_len) == 0);
}

static rs_code
check_cert(const struct vendor_evidence *e, const struct makers *makers, int64_t now,
           struct cert *cert, struct rs_err *err)
{
    const char *name = formats[e->format].name;
    struct rs_err why = {0};

    if (cert_read(e->cert, cert, &why) != RS_OK)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "%s: its maker's %.180s", name, why.text);
    if (cert->is_ca || cert->unknown_critical)
        return rs_fail(
            err, RS_E_CHIP_NOT_GENUINE,
            "%s: its maker's certificate is a CA's, or has an unknown critical extension", name);
    if (makers == NULL || !makers_stand_for(makers, cert, now))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "%s: its certificate leads to no maker that is configured", name);
    if (!names_part(cert, e) || !numbers_part(cert, e))
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE,
                       "%s: its maker's certificate is for another part", name);
    return RS_OK;
}

static rs_code
check_signature(const struct vendor_evidence *e, struct rs_bytes signer,
                const uint8_t nonce[VENDOR_NONCE_SIZE], struct rs_err *err)
{
    const char *name = formats[e->format].name;
    uint8_t room[MESSAGE_MAX];
    struct crypto_pub pub;
    struct rs_buf message;
    rs_code rc;

    rs_buf_init_fixed(&message, room, sizeof(room));
    rc = formats[e->format].put(e, nonce, &message, err);
    if (rc != RS_OK)
        return rc;
    if (!rs_buf_ok(&message) || crypto_pub_read(signer, &pub, NULL) != RS_OK ||
        crypto_verify(&pub, CRYPTO_ECDSA_SHA256, rs_buf_bytes(&message), e->signature, NULL) !=
            RS_OK)
        return rs_fail(err, RS_E_ATTEST_INVALID,
                       "%s: signature: not over our nonce by the key that it names", name);
    return RS_OK;
}

static enum vendor_level
level_of(const struct vendor_evidence *e, const struct cert *cert)
{
    /* The maker made and certified this very key. */
    if (rs_bytes_equal(cert->spki, rs_bytes_of(e->spki, e->spki_len)))
        return VENDOR_ATTESTED;
    return e->made_inside ? VENDOR_ATTESTED : VENDOR_GENUINE;
}

rs_code
vendor_check(const struct vendor_evidence *e, const struct makers *makers,
             const uint8_t nonce[VENDOR_NONCE_SIZE], int64_t now, enum vendor_level *ret_level,
             struct rs_err *err)
{
    struct cert cert;
    rs_code rc;

    if (e->cert.len == 0 && e->signer.len == 0)
        return rs_fail(err, RS_E_CHIP_NOT_GENUINE, "%s: no certificate of its maker",
                       formats[e->format].name);
    if (e->cert.len == 0) {
        *ret_level = VENDOR_STATION;
        return check_signature(e, e->signer, nonce, err);
    }
    rc = check_cert(e, makers, now, &cert, err);
    if (rc == RS_OK)
        rc = check_signature(e, cert.spki, nonce, err);
    if (rc == RS_OK)
        *ret_level = level_of(e, &cert);
    return rc;
}
