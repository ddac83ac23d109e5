/*
 * name.h: distinguished names.
 *
 * Patterns are RFC 4514 text whose values may hold {placeholders}; they are
 * written in RFC 4514 order (most specific first) and encoded in the reverse
 * (country first), as the RFC says.  One attribute per RDN.  Values are
 * UTF8String, except country, serialNumber (PrintableString) and DC (IA5String).
 * TM-427: no control characters, no leading or trailing space, at most 256 bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef X509_NAME_H
#define X509_NAME_H

#include "x509/der.h"

#define NAME_RDN_MAX   16
#define NAME_VALUE_MAX 256
#define NAME_TEXT_MAX  1024

/* One attribute of a pattern. */
struct name_rdn {
    const struct rs_bytes *oid;     /* one of oid.h */
    uint8_t tag;                    /* string type */
    char value[NAME_VALUE_MAX + 1]; /* unescaped; may hold {placeholders} */
};

struct name_pattern {
    struct name_rdn rdns[NAME_RDN_MAX]; /* in order of the text: most specific first */
    size_t count;
};

/* RS_E_CONFIG_INVALID names what is wrong. */
RS_MUST_USE rs_code name_pattern_read(struct rs_bytes text, struct name_pattern *ret_pattern,
                                      struct rs_err *err);

/*
 * Fills in a placeholder ("device.serial"): its value, or 0 when there is none.
 */
typedef int (*name_value_fn)(void *arg, struct rs_bytes placeholder, struct rs_bytes *ret_value);

/*
 * Write the Name (backwards).  RS_E_CSR_SUBJECT when a placeholder has no value
 * or a value breaks the rules above.
 */
RS_MUST_USE rs_code name_put(struct der_out *out, const struct name_pattern *pattern,
                             name_value_fn value, void *arg, struct rs_err *err);

/* Expand {placeholders} of any text into buf with NUL. */
RS_MUST_USE rs_code name_expand(struct rs_bytes text, name_value_fn value, void *arg, char *buf,
                                size_t cap, size_t *ret_len, struct rs_err *err);

/* 1 when a Name is well-formed, each RDN has one attribute, and no value a control character. */
int name_check(struct rs_bytes name);
/*
 * 1 when both have the same attributes with the same values, whatever string
 * type each is written in (RFC 5280 7.1; case is not folded: names of ours differ by it).
 */
int name_equal(struct rs_bytes a, struct rs_bytes b);
/* The first value of an attribute; empty when there is none. */
struct rs_bytes name_find(struct rs_bytes name, struct rs_bytes oid);
/* RFC 4514 text for people: unknown attributes as OID, control characters as \xx. */
void name_text(struct rs_bytes name, char *text, size_t cap);

#endif /* X509_NAME_H */
