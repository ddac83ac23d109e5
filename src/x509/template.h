/*
 * template.h: to-be-signed certificates from templates.
 *
 * What is the same for every certificate of an issuer and profile is encoded
 * once into constant bytes; a certificate is then one backward pass over a
 * stack buffer, without allocation and without objects of a library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_TEMPLATE_H
#define X509_TEMPLATE_H

#include "crypto/pub.h"
#include "x509/name.h"

#define TEMPLATE_LIST_MAX  16
#define TEMPLATE_FIXED_MAX 2048
#define TEMPLATE_TBS_MAX   8192

enum template_ski {
    TEMPLATE_SKI_NONE = 0,
    TEMPLATE_SKI_SHA256 = 1, /* RFC 7093 2 method 1: leftmost 160 bits */
    TEMPLATE_SKI_SHA1 = 2,   /* RFC 5280 4.2.1.2 method 1 */
};

/* What a template is made of.  Borrowed during compilation only. */
struct template_spec {
    enum crypto_sig sig_alg;       /* of the issuer's key */
    struct rs_bytes issuer_name;   /* DER Name: the issuer's subject, byte for byte */
    struct rs_bytes issuer_key_id; /* the issuer's SKI; empty: no AKI (a root) */
    struct rs_bytes subject;       /* pattern, RFC 4514; empty: empty subject, SAN critical */
    enum template_ski ski;
    int is_ca;
    int64_t path_length;   /* CA: -1 none */
    int basic_constraints; /* write it for end entities too (cA FALSE, critical) */
    uint32_t key_usage;
    struct rs_bytes eku[TEMPLATE_LIST_MAX]; /* dotted text */
    size_t eku_count;
    struct rs_bytes policies[TEMPLATE_LIST_MAX]; /* dotted text */
    size_t policy_count;
    struct rs_bytes dns[TEMPLATE_LIST_MAX]; /* SAN patterns with placeholders */
    size_t dns_count;
    struct rs_bytes hardware_type; /* dotted; not empty: hardwareModuleName from the chip's UID */
    struct rs_bytes crl_url, ocsp_url, ca_url; /* empty: left out */
    int ocsp_nocheck;
};

struct template
{
    struct name_pattern subject;
    int empty_subject;
    enum template_ski ski;
    struct rs_bytes dns[TEMPLATE_LIST_MAX];
    size_t dns_count;
    uint8_t hardware_type[32];
    size_t hardware_type_len;
    /* Pieces of `fixed`, each a run of whole elements. */
    struct rs_bytes sig_alg, issuer_name, extensions_tail;
    uint8_t fixed[TEMPLATE_FIXED_MAX];
    size_t fixed_len;
    char text[TEMPLATE_FIXED_MAX]; /* copies of the DNS patterns */
    size_t text_len;
};

/* What one certificate adds. */
struct template_values {
    struct rs_bytes serial;        /* unsigned big-endian, 1 to 20 bytes */
    int64_t not_before, not_after; /* seconds; INT64_MAX: 99991231235959Z */
    const struct crypto_pub *pub;
    name_value_fn value; /* fills in placeholders */
    void *arg;
    struct rs_bytes chip_uid;               /* raw, for hardwareModuleName */
    struct rs_bytes dns[TEMPLATE_LIST_MAX]; /* further names, already allowed by policy */
    size_t dns_count;
    struct rs_bytes ip[TEMPLATE_LIST_MAX]; /* 4 or 16 bytes */
    size_t ip_count;
};

/* RS_E_CONFIG_INVALID or RS_E_PROFILE_LIMIT when the spec cannot be encoded. */
RS_MUST_USE rs_code template_compile(const struct template_spec *spec, struct template *ret_t,
                                     struct rs_err *err);

/*
 * The TBSCertificate into buf (at its end).  *ret_tbs points into buf.
 * RS_E_CSR_SUBJECT: a value is missing or has a character it must not have.
 */
RS_MUST_USE rs_code template_build(const struct template *t, const struct template_values *values,
                                   uint8_t *buf, size_t cap, struct rs_bytes *ret_tbs,
                                   struct rs_err *err);

/* Key identifier of a key by one of the methods. */
void template_key_id(enum template_ski method, const struct crypto_pub *pub, uint8_t out[20]);

/* SEQUENCE { tbs, AlgorithmIdentifier, BIT STRING signature }: certificates, CRLs and requests. */
RS_MUST_USE rs_code x509_assemble(struct rs_bytes tbs, enum crypto_sig sig,
                                  struct rs_bytes signature, struct rs_buf *out,
                                  struct rs_err *err);

#endif /* X509_TEMPLATE_H */
