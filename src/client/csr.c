/*
 * csr.c: see csr.h.  Written backwards, as x509/der.h explains: the last field first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/csr.h"

#include <string.h>

#include "crypto/key.h"
#include "msg/csrattrs.h"
#include "x509/name.h"
#include "x509/oid.h"
#include "x509/template.h"

#define TBS_MAX        8192
#define ATTRIBUTES_MAX 8
#define SAN_DNS_TAG    DER_CONTEXT_PRIMITIVE(2)

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

/* subjectAltName, if there is any name. */
static void
put_names(struct der_out *o, const struct client_csr *csr)
{
    size_t mark = der_mark(o), names = count_dns(csr);

    if (names == 0 && csr->hardware_type.len == 0)
        return;
    for (size_t i = names; i > 0; i--)
        der_put_element(o, SAN_DNS_TAG, rs_bytes_str(csr->dns[i - 1]));
    put_hardware(o, csr);
    der_put_header(o, DER_SEQUENCE, mark); /* GeneralNames */
    der_put_header(o, DER_OCTET_STRING, mark);
    der_put_element(o, DER_OID, oid_san);
    der_put_header(o, DER_SEQUENCE, mark);
}

/* What was written since mark as the one value of an attribute. */
static void
end_attribute(struct der_out *o, struct rs_bytes type, size_t mark)
{
    der_put_header(o, DER_SET, mark);
    der_put_element(o, DER_OID, type);
    der_put_header(o, DER_SEQUENCE, mark);
}

/* id-aa-attestation: { { { type, OCTET STRING } } } */
static void
put_evidence(struct der_out *o, struct rs_bytes type, struct rs_bytes evidence)
{
    size_t mark = der_mark(o);

    if (evidence.len == 0)
        return;
    der_put_element(o, DER_OCTET_STRING, evidence);
    der_put_element(o, DER_OID, type);
    der_put_header(o, DER_SEQUENCE, mark); /* AttestationStatement */
    der_put_header(o, DER_SEQUENCE, mark); /* attestations */
    der_put_header(o, DER_SEQUENCE, mark); /* AttestationBundle */
    end_attribute(o, oid_attestation, mark);
}

static int
comes_after(struct rs_bytes a, struct rs_bytes b)
{
    int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

    return order > 0 || (order == 0 && a.len > b.len);
}

/* X.690 11.6: the members of a SET OF stand in the order of their encodings. */
static void
sort_set(struct der_out *o, size_t mark)
{
    uint8_t room[TBS_MAX];
    struct rs_bytes members[ATTRIBUTES_MAX], all = der_out_bytes(o);
    struct der d;
    size_t count = 0;

    all.len -= mark;
    if (!der_out_ok(o) || all.len > sizeof(room))
        return;
    memcpy(room, all.p, all.len);
    der_init(&d, rs_bytes_of(room, all.len));
    while (der_peek(&d) != 0 && count < ATTRIBUTES_MAX) {
        struct rs_bytes next = der_take_any(&d);
        size_t i = count++;
        for (; i > 0 && comes_after(members[i - 1], next); i--)
            members[i] = members[i - 1];
        members[i] = next;
    }
    o->at += all.len;
    for (size_t i = count; i > 0; i--)
        der_put(o, members[i - 1]);
}

/* RFC 2986 4.1 attributes, with one extensionRequest (RFC 2985 5.4.2) if there is an extension. */
static void
put_attributes(struct der_out *o, const struct client_csr *csr)
{
    size_t whole = der_mark(o), mark = whole;

    der_put(o, csr->extensions);
    put_names(o, csr);
    if (der_mark(o) != mark) {
        der_put_header(o, DER_SEQUENCE, mark); /* Extensions */
        end_attribute(o, oid_extension_request, mark);
    }
    mark = der_mark(o);
    if (csr->challenge.len > 0) {
        der_put_element(o, DER_PRINTABLE_STRING, csr->challenge);
        end_attribute(o, oid_challenge_password, mark);
    }
    put_evidence(o, oid_tpm_certify, csr->evidence);
    if (csr->evidence.len == 0)
        put_evidence(o, oid_part_evidence, csr->part_evidence);
    sort_set(o, whole);
    der_put_header(o, DER_CONTEXT(0), whole);
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

/* ---- What the server wants ------------------------------------------------------------ */

static rs_code
check_key(const struct client_csr *csr, const struct csrattrs *wanted, struct rs_err *err)
{
    static const struct {
        enum crypto_alg alg;
        const struct rs_bytes *key, *curve;
        unsigned rsa_bits;
    } kinds[] = {
        {CRYPTO_P256, &oid_ec_public_key, &oid_p256, 0},
        {CRYPTO_P384, &oid_ec_public_key, &oid_p384, 0},
        {CRYPTO_ED25519, &oid_ed25519, NULL, 0},
        {CRYPTO_RSA2048, &oid_rsa_encryption, NULL, 2048},
        {CRYPTO_RSA3072, &oid_rsa_encryption, NULL, 3072},
        {CRYPTO_RSA4096, &oid_rsa_encryption, NULL, 4096},
    };
    struct crypto_pub pub;
    rs_code rc;

    if (wanted->key.len == 0)
        return RS_OK;
    rc = crypto_pub_read(csr->spki, &pub, err);
    for (size_t i = 0; rc == RS_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].alg == pub.alg && rs_bytes_equal(wanted->key, *kinds[i].key) &&
            (wanted->curve.len == 0 ||
             (kinds[i].curve != NULL && rs_bytes_equal(wanted->curve, *kinds[i].curve))) &&
            (wanted->rsa_bits == 0 || wanted->rsa_bits == kinds[i].rsa_bits))
            return RS_OK;
    }
    return rc != RS_OK ? rc
                       : rs_fail(err, RS_E_KEY_WEAK,
                                 "request: the server wants another kind of key than %s",
                                 crypto_alg_name(pub.alg));
}

/* What an open place of the name gets; empty when we do not know it. */
static struct rs_bytes
known_value(const struct client_csr *csr, struct rs_bytes oid)
{
    const char *cn = csr->cn != NULL && csr->cn[0] != '\0' ? csr->cn : csr->serial;
    const char *text = NULL;

    if (rs_bytes_equal(oid, oid_serial_number))
        text = csr->serial;
    else if (rs_bytes_equal(oid, oid_cn))
        text = cn;
    return text != NULL ? rs_bytes_str(text) : (struct rs_bytes){NULL, 0};
}

static rs_code
follow_subject(struct client_csr *csr, const struct csrattrs *wanted, struct rs_arena *arena,
               struct rs_err *err)
{
    uint8_t room[TBS_MAX];
    struct der_out o;
    rs_code rc = check_names(csr, err);

    if (rc != RS_OK || wanted->rdn_count == 0 || csr->subject.len > 0)
        return rc;
    der_out_init(&o, room, sizeof(room));
    for (size_t i = wanted->rdn_count; i > 0; i--) {
        const struct csrattrs_rdn *r = &wanted->rdns[i - 1];
        struct rs_bytes value = r->tag != 0 ? r->value : known_value(csr, r->oid);
        int printable = rs_bytes_equal(r->oid, oid_serial_number);
        size_t mark = der_mark(&o);

        if (value.len == 0) {
            char text[64];
            oid_text(r->oid, text, sizeof(text));
            return rs_fail(err, RS_E_CSR_SUBJECT,
                           "request: the server leaves attribute %s of the name to us", text);
        }
        if (r->tag != 0)
            der_put_element(&o, r->tag, value);
        else
            der_put_element(&o, printable ? DER_PRINTABLE_STRING : DER_UTF8_STRING, value);
        der_put_element(&o, DER_OID, r->oid);
        der_put_header(&o, DER_SEQUENCE, mark);
        der_put_header(&o, DER_SET, mark);
    }
    der_put_header(&o, DER_SEQUENCE, 0);
    if (!der_out_ok(&o) || !name_check(der_out_bytes(&o)))
        return rs_fail(err, RS_E_CSR_SUBJECT, "request: the server wants a name that is none");
    csr->subject = rs_arena_copy(arena, der_out_bytes(&o));
    return csr->subject.p != NULL ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "request");
}

static rs_code
follow_extensions(struct client_csr *csr, const struct csrattrs *wanted, struct rs_arena *arena,
                  struct rs_err *err)
{
    int has_names = csr->dns[0] != NULL || csr->hardware_type.len > 0;
    uint8_t room[TBS_MAX];
    struct der_out o;

    der_out_init(&o, room, sizeof(room));
    for (size_t i = wanted->extension_count; i > 0; i--) {
        const struct csrattrs_extension *e = &wanted->extensions[i - 1];
        size_t mark = der_mark(&o);

        if (rs_bytes_equal(e->oid, oid_san) && (has_names || !e->has_value))
            continue; /* the names that we have are written anyway */
        if (!e->has_value)
            return rs_fail(err, RS_E_CSR_EXTENSION,
                           "request: the server leaves the value of an extension to us");
        der_put_element(&o, DER_OCTET_STRING, e->value);
        if (e->critical)
            der_put_boolean(&o, 1);
        der_put_element(&o, DER_OID, e->oid);
        der_put_header(&o, DER_SEQUENCE, mark);
    }
    csr->extensions = rs_arena_copy(arena, der_out_bytes(&o));
    if (!der_out_ok(&o) || (csr->extensions.p == NULL && der_mark(&o) > 0))
        return rs_fail(err, RS_E_CSR_FORMAT, "request: the server wants too many extensions");
    return RS_OK;
}

rs_code
client_csr_follow(struct client_csr *csr, const struct csrattrs *wanted, struct rs_arena *arena,
                  struct rs_err *err)
{
    rs_code rc = check_key(csr, wanted, err);

    if (rc == RS_OK)
        rc = follow_subject(csr, wanted, arena, err);
    return rc == RS_OK ? follow_extensions(csr, wanted, arena, err) : rc;
}

rs_code
client_sign_with_key(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
                     struct rs_err *err)
{
    return crypto_sign(arg, tbs, sig, cap, ret_len, err);
}
