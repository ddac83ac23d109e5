/*
 * csr.c: see csr.h.  Written backwards, as x509/der.h explains: the last field first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/csr.h"

#include <string.h>

#include "crypto/key.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

#define TBS_MAX     8192
#define SAN_DNS_TAG DER_CONTEXT_PRIMITIVE(2)

/* ---- Subject -------------------------------------------------------------------- */

/* One attribute in an RDN of its own (X.501). */
static void
put_rdn(struct der_out *o, struct rs_bytes oid, unsigned tag, const char *value)
{
    size_t mark = der_mark(o);

    if (value == NULL || value[0] == '\0')
        return;
    der_put_element(o, tag, rs_bytes_str(value));
    der_put_element(o, DER_OID, oid);
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, DER_SET, mark);
}

static void
put_subject(struct der_out *o, const struct client_csr *csr)
{
    size_t mark = der_mark(o);

    if (csr->subject.len > 0) {
        der_put(o, csr->subject);
        return;
    }
    put_rdn(o, oid_serial_number, DER_PRINTABLE_STRING, csr->serial);
    put_rdn(o, oid_cn, DER_UTF8_STRING, csr->cn);
    der_put_header(o, DER_SEQUENCE, mark);
}

/* RFC 4108: PrintableString has no more than these (X.680 41.4). */
static int
is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        int alnum = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                    (*text >= '0' && *text <= '9');
        if (!alnum && strchr(" '()+,-./:=?", *text) == NULL)
            return 0;
    }
    return 1;
}

static int
is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return 0;
    }
    return 1;
}

static rs_code
check_names(const struct client_csr *csr, struct rs_err *err)
{
    int has_cn = csr->cn != NULL && csr->cn[0] != '\0';
    int has_serial = csr->serial != NULL && csr->serial[0] != '\0';

    if (csr->subject.len > 0)
        return name_check(csr->subject)
                   ? RS_OK
                   : rs_fail(err, RS_E_CSR_SUBJECT, "request: the subject is no Name");
    if (!has_cn && !has_serial)
        return rs_fail(err, RS_E_CSR_SUBJECT, "request: it names nobody");
    if (has_cn && (strlen(csr->cn) > NAME_VALUE_MAX || !is_clean(csr->cn)))
        return rs_fail(err, RS_E_CSR_SUBJECT,
                       "request: the name is too long or has control characters");
    if (has_serial && (strlen(csr->serial) > NAME_VALUE_MAX || !is_printable(csr->serial)))
        return rs_fail(err, RS_E_CSR_SUBJECT,
                       "request: a device serial has letters, digits and '()+,-./:=? only");
    return RS_OK;
}

/* ---- Names in extensions ----------------------------------------------------------- */

/* otherName { hardwareModuleName, [0] { hwType, hwSerialNum } } (RFC 5280 4.2.1.6, RFC 4108 5). */
static void
put_hardware(struct der_out *o, const struct client_csr *csr)
{
    size_t mark = der_mark(o);

    if (csr->hardware_type.len == 0)
        return;
    der_put_element(o, DER_OCTET_STRING, csr->chip_uid);
    der_put_element(o, DER_OID, csr->hardware_type);
    der_put_header(o, DER_SEQUENCE, mark);
    der_put_header(o, DER_CONTEXT(0), mark);
    der_put_element(o, DER_OID, oid_hardware_module_name);
    der_put_header(o, DER_CONTEXT(0), mark);
}

static size_t
count_dns(const struct client_csr *csr)
{
    size_t n = 0;

    while (n < CLIENT_CSR_DNS_MAX && csr->dns[n] != NULL)
        n++;
    return n;
}

/* RFC 2986 4.1 attributes, with one extensionRequest (RFC 2985 5.4.2) if there is any name. */
static void
put_attributes(struct der_out *o, const struct client_csr *csr)
{
    size_t mark = der_mark(o), names = count_dns(csr);

    if (names > 0 || csr->hardware_type.len > 0) {
        for (size_t i = names; i > 0; i--)
            der_put_element(o, SAN_DNS_TAG, rs_bytes_str(csr->dns[i - 1]));
        put_hardware(o, csr);
        der_put_header(o, DER_SEQUENCE, mark); /* GeneralNames */
        der_put_header(o, DER_OCTET_STRING, mark);
        der_put_element(o, DER_OID, oid_san);
        der_put_header(o, DER_SEQUENCE, mark); /* Extension */
        der_put_header(o, DER_SEQUENCE, mark); /* Extensions */
        der_put_header(o, DER_SET, mark);
        der_put_element(o, DER_OID, oid_extension_request);
        der_put_header(o, DER_SEQUENCE, mark);
    }
    der_put_header(o, DER_CONTEXT(0), mark);
}

rs_code
client_csr_build(const struct client_csr *csr, client_sign_fn sign, void *arg, struct rs_buf *out,
                 struct rs_err *err)
{
    uint8_t tbs[TBS_MAX], sig[CRYPTO_SIGNATURE_MAX];
    struct der_out o;
    size_t mark, sig_len = 0;
    rs_code rc = check_names(csr, err);

    if (rc != RS_OK)
        return rc;
    der_out_init(&o, tbs, sizeof(tbs));
    mark = der_mark(&o);
    put_attributes(&o, csr);
    der_put(&o, csr->spki);
    put_subject(&o, csr);
    der_put_small(&o, 0); /* version v1 */
    der_put_header(&o, DER_SEQUENCE, mark);
    if (!der_out_ok(&o))
        return rs_fail(err, RS_E_CSR_FORMAT, "request: larger than %d bytes", TBS_MAX);
    rc = sign(arg, der_out_bytes(&o), sig, sizeof(sig), &sig_len, err);
    if (rc == RS_OK)
        rc = x509_assemble(der_out_bytes(&o), csr->sig, rs_bytes_of(sig, sig_len), out, err);
    return rc;
}

rs_code
client_sign_with_key(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
                     struct rs_err *err)
{
    return crypto_sign(arg, tbs, sig, cap, ret_len, err);
}
