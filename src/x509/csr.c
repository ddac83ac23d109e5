/*
 * csr.c: see csr.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/csr.h"

#include <string.h>

#include "x509/name.h"
#include "x509/oid.h"

#define EXTENSIONS_MAX 32
#define ATTRIBUTES_MAX 16
#define CHALLENGE_MAX  255

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_csr
#define SLACK 1u
#else
#define SLACK 0u
#endif

/* ---- Subject alternative names (RFC 5280 4.2.1.6) ----------------------------------- */

static int
read_hardware(struct rs_bytes value, struct san *san)
{
    struct der d, seq;

    der_init(&d, value);
    der_enter(&d, DER_SEQUENCE, &seq);
    san->kind = SAN_HARDWARE;
    san->type = der_take(&seq, DER_OID);
    san->value = der_take(&seq, DER_OCTET_STRING);
    return der_done(&d) && der_done(&seq) && san->value.len >= 1 && san->value.len <= 32;
}

static int
read_other_name(struct rs_bytes content, struct san *san)
{
    struct der d;

    der_init(&d, content);
    struct rs_bytes type = der_take(&d, DER_OID);
    struct rs_bytes value = der_take(&d, DER_CONTEXT(0));
    if (!der_done(&d))
        return 0;
    if (rs_bytes_equal(type, oid_hardware_module_name))
        return read_hardware(value, san);
    if (!rs_bytes_equal(type, oid_permanent_identifier))
        return 0;
    san->kind = SAN_PERMANENT;
    san->value = value;
    return 1;
}

static int
is_plain_ascii(struct rs_bytes v)
{
    for (size_t i = 0; i < v.len; i++) {
        if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
            return 0;
    }
    return v.len > 0 && v.len <= 255;
}

static int
read_one_san(struct der *d, struct san *san)
{
    unsigned tag = der_peek(d);
    struct rs_bytes content = der_take(d, tag);

    memset(san, 0, sizeof(*san));
    if (!der_ok(d))
        return 0;
    san->value = content;
    if (tag == DER_CONTEXT(0))
        return read_other_name(content, san);
    if (tag == DER_CONTEXT(SAN_DIRECTORY)) {
        san->kind = SAN_DIRECTORY;
        return name_check(content);
    }
    if (tag == DER_CONTEXT_PRIMITIVE(SAN_IP)) {
        san->kind = SAN_IP;
        return content.len == 4 || content.len == 16;
    }
    if (tag == DER_CONTEXT_PRIMITIVE(SAN_DNS) || tag == DER_CONTEXT_PRIMITIVE(SAN_URI) ||
        tag == DER_CONTEXT_PRIMITIVE(SAN_EMAIL)) {
        san->kind = (enum san_kind)(tag & 0x1f);
        return is_plain_ascii(content);
    }
    return 0;
}

int
san_read(struct rs_bytes general_names, struct san *list, size_t cap, size_t *ret_count)
{
    struct der d, seq;
    size_t count = 0;

    der_init(&d, general_names);
    der_enter(&d, DER_SEQUENCE, &seq);
    while (der_peek(&seq) != 0) {
        if (count == cap + SLACK || !read_one_san(&seq, &list[count]))
            return 0;
        count++;
    }
    if (!der_done(&d) || !der_done(&seq) || count == 0)
        return 0;
    *ret_count = count;
    return 1;
}

/* ---- Requested extensions --------------------------------------------------------------- */

#define KU_KEY_CERT_SIGN 5u
#define KU_CRL_SIGN      6u

static int
asks_ca_by_constraints(struct rs_bytes value)
{
    struct der d, seq;

    der_init(&d, value);
    der_enter(&d, DER_SEQUENCE, &seq);
    return der_peek(&seq) == DER_BOOLEAN && der_take_boolean(&seq);
}

static int
asks_ca_by_usage(struct rs_bytes value)
{
    struct der d;

    der_init(&d, value);
    struct rs_bytes bits = der_take(&d, DER_BIT_STRING);
    return bits.len >= 2 &&
           (bits.p[1] & ((0x80u >> KU_KEY_CERT_SIGN) | (0x80u >> KU_CRL_SIGN))) != 0;
}

static int
asks_ca_by_purpose(struct rs_bytes value)
{
    struct der d, seq;
    int found = 0;

    der_init(&d, value);
    der_enter(&d, DER_SEQUENCE, &seq);
    while (der_peek(&seq) != 0 && der_ok(&seq)) {
        struct rs_bytes oid = der_take(&seq, DER_OID);
        found |= rs_bytes_equal(oid, oid_eku_cmc_ca) || rs_bytes_equal(oid, oid_eku_cmc_ra) ||
                 rs_bytes_equal(oid, oid_eku_ocsp) || rs_bytes_equal(oid, oid_eku_any);
    }
    return found;
}

static rs_code
read_extension(struct der *list, struct csr *csr, struct rs_err *err)
{
    struct der ext;
    int critical = 0;

    der_enter(list, DER_SEQUENCE, &ext);
    struct rs_bytes oid = der_take(&ext, DER_OID);
    if (der_peek(&ext) == DER_BOOLEAN)
        critical = der_take_boolean(&ext);
    struct rs_bytes value = der_take(&ext, DER_OCTET_STRING);
    if (!der_done(&ext))
        return rs_fail(err, RS_E_CSR_FORMAT, "csr: malformed extension (RFC 5280 4.1)");
    if (rs_bytes_equal(oid, oid_san)) {
        if (csr->san_count != 0 || !san_read(value, csr->sans, CSR_SAN_MAX, &csr->san_count))
            return rs_fail(err, RS_E_CSR_FORMAT,
                           "csr: subjectAltName malformed, twice, or of a kind we do not know");
    } else if (rs_bytes_equal(oid, oid_basic_constraints)) {
        csr->asks_ca |= asks_ca_by_constraints(value);
    } else if (rs_bytes_equal(oid, oid_key_usage)) {
        csr->asks_ca |= asks_ca_by_usage(value);
    } else if (rs_bytes_equal(oid, oid_eku)) {
        csr->asks_ca |= asks_ca_by_purpose(value);
    } else if (critical && !rs_bytes_equal(oid, oid_ski)) {
        csr->unknown_critical = 1;
    }
    return RS_OK;
}

static rs_code
read_extensions(struct rs_bytes value, struct csr *csr, struct rs_err *err)
{
    struct der d, list;
    unsigned count = 0;
    rs_code rc = RS_OK;

    der_init(&d, value);
    der_enter(&d, DER_SEQUENCE, &list);
    while (rc == RS_OK && der_peek(&list) != 0) {
        if (++count > EXTENSIONS_MAX)
            return rs_fail(err, RS_E_CSR_FORMAT, "csr: more than %d extensions", EXTENSIONS_MAX);
        rc = read_extension(&list, csr, err);
    }
    if (rc == RS_OK && (!der_done(&d) || !der_done(&list)))
        rc = rs_fail(err, RS_E_CSR_FORMAT, "csr: malformed extensionRequest (RFC 2985 5.4.2)");
    return rc;
}

/* ---- Evidence -------------------------------------------------------------------------- */

/*
 * AttestationBundle { attestations { { type, stmt }... } } with one statement, of
 * tcg-attest-tpm-certify or ours; kinds that nobody here can check are as good as none.
 */
static int
read_bundle(struct rs_bytes value, struct csr *csr)
{
    struct der d, bundle, list, one;

    der_init(&d, value);
    der_enter(&d, DER_SEQUENCE, &bundle);
    der_enter(&bundle, DER_SEQUENCE, &list);
    der_enter(&list, DER_SEQUENCE, &one);
    struct rs_bytes type = der_take(&one, DER_OID);
    struct rs_bytes whole = der_take_any(&one);
    if (!der_done(&d) || !der_done(&bundle) || !der_done(&list) || !der_done(&one))
        return 0;
    struct rs_bytes *to = rs_bytes_equal(type, oid_tpm_certify)     ? &csr->evidence
                          : rs_bytes_equal(type, oid_part_evidence) ? &csr->part_evidence
                                                                    : NULL;
    if (to == NULL)
        return 1;
    der_init(&d, whole);
    *to = der_take(&d, DER_OCTET_STRING);
    return der_done(&d) && to->len > 0 && to->len <= CSR_EVIDENCE_MAX;
}

/* ---- Attributes and the whole ----------------------------------------------------------- */

/* What may stand once. */
struct seen {
    int extensions, evidence;
};

/* RFC 2985 5.4.1, RFC 7894 3.3: one text, in one attribute. */
static rs_code
read_link(struct der *values, struct rs_bytes *text, const char *name, struct rs_err *err)
{
    unsigned tag = der_peek(values);
    struct rs_bytes v = der_take(values, tag);

    if (!der_done(values) || text->len > 0 || v.len == 0 || v.len > CHALLENGE_MAX ||
        (tag != DER_UTF8_STRING && tag != DER_PRINTABLE_STRING && tag != DER_IA5_STRING))
        return rs_fail(err, RS_E_CSR_FORMAT, "csr: %s must stand once, with one text", name);
    *text = v;
    return RS_OK;
}

static rs_code
read_attribute(struct der *list, struct csr *csr, struct seen *seen, struct rs_err *err)
{
    struct der attr, values;

    der_enter(list, DER_SEQUENCE, &attr);
    struct rs_bytes oid = der_take(&attr, DER_OID);
    der_enter(&attr, DER_SET, &values);
    if (!der_done(&attr))
        return rs_fail(err, RS_E_CSR_FORMAT, "csr: malformed attribute (RFC 2986 4.1)");
    if (rs_bytes_equal(oid, oid_extension_request)) {
        struct rs_bytes value = der_take_whole(&values, DER_SEQUENCE);
        if (!der_done(&values) || seen->extensions++)
            return rs_fail(err, RS_E_CSR_FORMAT, "csr: extensionRequest must stand once");
        return read_extensions(value, csr, err);
    }
    if (rs_bytes_equal(oid, oid_attestation)) {
        struct rs_bytes value = der_take_whole(&values, DER_SEQUENCE);
        if (!der_done(&values) || seen->evidence++ || !read_bundle(value, csr))
            return rs_fail(err, RS_E_CSR_FORMAT,
                           "csr: attestation must stand once, with one statement in it");
        return RS_OK;
    }
    if (rs_bytes_equal(oid, oid_challenge_password))
        return read_link(&values, &csr->challenge, "challengePassword", err);
    if (rs_bytes_equal(oid, oid_identity_linking))
        return read_link(&values, &csr->linking, "estIdentityLinking", err);
    return RS_OK;
}

static rs_code
read_info(struct rs_bytes tbs, struct csr *csr, struct rs_err *err)
{
    struct der d, info, attrs;
    struct seen seen = {0};
    unsigned count = 0;
    rs_code rc = RS_OK;

    der_init(&d, tbs);
    der_enter(&d, DER_SEQUENCE, &info);
    if (der_take_small(&info, 0) != 0 || !der_ok(&info))
        return rs_fail(err, RS_E_CSR_FORMAT, "csr: version must be 0 (RFC 2986 4.1)");
    csr->subject = der_take_whole(&info, DER_SEQUENCE);
    csr->spki = der_take_whole(&info, DER_SEQUENCE);
    der_enter(&info, DER_CONTEXT(0), &attrs);
    if (!der_done(&info) || !name_check(csr->subject))
        return rs_fail(err, RS_E_CSR_FORMAT, "csr: malformed request info (RFC 2986 4.1)");
    while (rc == RS_OK && der_peek(&attrs) != 0) {
        if (++count > ATTRIBUTES_MAX)
            return rs_fail(err, RS_E_CSR_FORMAT, "csr: more than %d attributes", ATTRIBUTES_MAX);
        rc = read_attribute(&attrs, csr, &seen, err);
    }
    if (rc == RS_OK && !der_done(&attrs))
        rc = rs_fail(err, RS_E_CSR_FORMAT, "csr: malformed attributes (RFC 2986 4.1)");
    return rc;
}

rs_code
csr_read(struct rs_bytes der, struct csr *ret_csr, struct rs_err *err)
{
    struct csr csr;
    struct der d, outer;
    rs_code rc;

    memset(&csr, 0, sizeof(csr));
    if (der.len > CSR_BYTES_MAX)
        return rs_fail(err, RS_E_REQUEST_TOO_LARGE, "csr: more than %d bytes", CSR_BYTES_MAX);
    der_init(&d, der);
    der_enter(&d, DER_SEQUENCE, &outer);
    csr.whole = der;
    csr.tbs = der_take_whole(&outer, DER_SEQUENCE);
    struct rs_bytes identifier = der_take_whole(&outer, DER_SEQUENCE);
    csr.signature = der_take_bits(&outer);
    if (!der_done(&d) || !der_done(&outer))
        return rs_fail(err, RS_E_CSR_FORMAT, "csr: not one strict DER CertificationRequest");
    if (!crypto_sig_find(identifier, &csr.sig_alg))
        return rs_fail(err, RS_E_KEY_WEAK, "csr: signature algorithm is not on the allow list");
    rc = read_info(csr.tbs, &csr, err);
    if (rc == RS_OK)
        rc = crypto_pub_read(csr.spki, &csr.pub, err);
    if (rc == RS_OK)
        *ret_csr = csr;
    return rc;
}

rs_code
csr_check_proof(const struct csr *csr, struct rs_err *err)
{
    struct rs_err why = {0};
    rs_code rc = crypto_verify(&csr->pub, csr->sig_alg, csr->tbs, csr->signature, &why);

    if (rc != RS_OK)
        return rs_fail(err, rc == RS_E_KEY_WEAK ? rc : RS_E_KEY_PROOF, "csr: RFC 2986 4.2: %.180s",
                       why.text);
    return RS_OK;
}
