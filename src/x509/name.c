/*
 * name.c: see name.h.  RFC 4514 2 and 3; RFC 5280 4.1.2.4.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/name.h"

#include <stdio.h>
#include <string.h>

#include "x509/oid.h"

static const struct {
    const char *text;
    const struct rs_bytes *oid;
    uint8_t tag;
} attributes[] = {
    {"CN", &oid_cn, DER_UTF8_STRING},
    {"O", &oid_o, DER_UTF8_STRING},
    {"OU", &oid_ou, DER_UTF8_STRING},
    {"C", &oid_c, DER_PRINTABLE_STRING},
    {"L", &oid_l, DER_UTF8_STRING},
    {"ST", &oid_st, DER_UTF8_STRING},
    {"STREET", &oid_street, DER_UTF8_STRING},
    {"serialNumber", &oid_serial_number, DER_PRINTABLE_STRING},
    {"title", &oid_title, DER_UTF8_STRING},
    {"DC", &oid_dc, DER_IA5_STRING},
};

/* ---- Patterns --------------------------------------------------------------------- */

static int
find_attribute(struct rs_bytes key, struct name_rdn *rdn)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (strlen(attributes[i].text) == key.len &&
            strncasecmp(attributes[i].text, (const char *)key.p, key.len) == 0) {
            rdn->oid = attributes[i].oid;
            rdn->tag = attributes[i].tag;
            return 1;
        }
    }
    return 0;
}

static struct rs_bytes
trim(struct rs_bytes b)
{
    while (b.len > 0 && b.p[0] == ' ') {
        b.p++;
        b.len--;
    }
    while (b.len > 0 && b.p[b.len - 1] == ' ' && !(b.len > 1 && b.p[b.len - 2] == '\\'))
        b.len--;
    return b;
}

/* Undo RFC 4514 2.4 escapes: \, followed by a special character or two hex digits. */
static int
unescape(struct rs_bytes in, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.p[i];
        if (c == '\\') {
            size_t len;
            if (i + 2 < in.len && rs_hex_read((const char *)in.p + i + 1, 2, &c, 1, &len)) {
                i += 2;
            } else if (i + 1 < in.len && strchr(" \"#+,;<=>\\", in.p[i + 1]) != NULL) {
                c = in.p[++i];
            } else {
                return 0;
            }
        } else if (strchr("\"+;<>", c) != NULL) {
            return 0;
        }
        if (c == 0 || n + 1 >= cap)
            return 0;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return n > 0;
}

/* Up to the next comma that is not escaped. */
static struct rs_bytes
next_rdn(struct rs_bytes *rest)
{
    size_t i = 0;
    struct rs_bytes rdn;

    while (i < rest->len && rest->p[i] != ',')
        i += rest->p[i] == '\\' ? 2 : 1;
    if (i > rest->len)
        i = rest->len;
    rdn = rs_bytes_of(rest->p, i);
    if (i < rest->len)
        i++;
    rest->p += i;
    rest->len -= i;
    return rdn;
}

rs_code
name_pattern_read(struct rs_bytes text, struct name_pattern *ret_pattern, struct rs_err *err)
{
    struct rs_bytes rest = text;

    memset(ret_pattern, 0, sizeof(*ret_pattern));
    while (rest.len > 0) {
        struct rs_bytes rdn = trim(next_rdn(&rest));
        const uint8_t *eq = rdn.len ? memchr(rdn.p, '=', rdn.len) : NULL;
        struct name_rdn *to = &ret_pattern->rdns[ret_pattern->count];

        if (ret_pattern->count == NAME_RDN_MAX || eq == NULL)
            return rs_fail(err, RS_E_CONFIG_INVALID, "name: \"%.*s\" is not TYPE=value",
                           (int)(rdn.len > 80 ? 80 : rdn.len), (const char *)rdn.p);
        size_t key_len = (size_t)(eq - rdn.p);
        if (!find_attribute(trim(rs_bytes_of(rdn.p, key_len)), to))
            return rs_fail(err, RS_E_CONFIG_INVALID, "name: unknown attribute \"%.*s\"",
                           (int)(key_len > 40 ? 40 : key_len), (const char *)rdn.p);
        if (!unescape(trim(rs_bytes_of(eq + 1, rdn.len - key_len - 1)), to->value,
                      sizeof(to->value)))
            return rs_fail(err, RS_E_CONFIG_INVALID, "name: bad value of %.*s (RFC 4514 2.4)",
                           (int)key_len, (const char *)rdn.p);
        ret_pattern->count++;
    }
    if (ret_pattern->count == 0)
        return rs_fail(err, RS_E_CONFIG_INVALID, "name: it is empty");
    return RS_OK;
}

/* ---- Expansion ----------------------------------------------------------------------- */

rs_code
name_expand(struct rs_bytes text, name_value_fn value, void *arg, char *buf, size_t cap,
            size_t *ret_len, struct rs_err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        struct rs_bytes v = rs_bytes_of(text.p + i, 1);
        if (text.p[i] == '{') {
            const uint8_t *end = memchr(text.p + i, '}', text.len - i);
            if (end == NULL)
                return rs_fail(err, RS_E_CONFIG_INVALID, "name: { without }");
            struct rs_bytes key = rs_bytes_of(text.p + i + 1, (size_t)(end - text.p) - i - 1);
            if (value == NULL || !value(arg, key, &v) || v.len == 0)
                return rs_fail(err, RS_E_CSR_SUBJECT, "name: no value for {%.*s}",
                               (int)(key.len > 40 ? 40 : key.len), (const char *)key.p);
            i = (size_t)(end - text.p);
        }
        if (n + v.len >= cap)
            return rs_fail(err, RS_E_CSR_SUBJECT, "name: a value has more than %zu bytes", cap - 1);
        memcpy(buf + n, v.p, v.len);
        n += v.len;
    }
    buf[n] = '\0';
    *ret_len = n;
    return RS_OK;
}

/* X.680 41.4: the PrintableString alphabet. */
static int
is_printable(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr(" '()+,-./:=?", c) != NULL);
}

static rs_code
check_value(const struct name_rdn *rdn, struct rs_bytes v, struct rs_err *err)
{
    if (v.len == 0 || v.p[0] == ' ' || v.p[v.len - 1] == ' ')
        return rs_fail(err, RS_E_CSR_SUBJECT,
                       "name: a value is empty or begins or ends with space");
    if (rdn->oid == &oid_c && v.len != 2)
        return rs_fail(err, RS_E_CSR_SUBJECT, "name: C must have two letters");
    for (size_t i = 0; i < v.len; i++) {
        if (v.p[i] < 0x20 || v.p[i] == 0x7f ||
            (rdn->tag == DER_PRINTABLE_STRING && !is_printable(v.p[i])) ||
            (rdn->tag == DER_IA5_STRING && v.p[i] > 0x7f))
            return rs_fail(err, RS_E_CSR_SUBJECT,
                           "name: a value has a character that its string type does not allow");
    }
    return RS_OK;
}

/* Backwards: the last RDN of the encoding is the first of the text. */
rs_code
name_put(struct der_out *out, const struct name_pattern *pattern, name_value_fn value, void *arg,
         struct rs_err *err)
{
    size_t whole = der_mark(out);

    for (size_t i = 0; i < pattern->count; i++) {
        const struct name_rdn *rdn = &pattern->rdns[i];
        char text[NAME_VALUE_MAX + 1];
        size_t len, set = der_mark(out);
        rs_code rc;

        rc = name_expand(rs_bytes_str(rdn->value), value, arg, text, sizeof(text), &len, err);
        if (rc == RS_OK)
            rc = check_value(rdn, rs_bytes_of(text, len), err);
        if (rc != RS_OK)
            return rc;
        der_put_element(out, rdn->tag, rs_bytes_of(text, len));
        der_put_element(out, DER_OID, *rdn->oid);
        der_put_header(out, DER_SEQUENCE, set);
        der_put_header(out, DER_SET, set);
    }
    der_put_header(out, DER_SEQUENCE, whole);
    return RS_OK;
}

/* ---- Reading --------------------------------------------------------------------------- */

/* Step to the next attribute; 0 at the end or on malformed bytes. */
static int
next_attribute(struct der *rdns, struct rs_bytes *ret_oid, unsigned *ret_tag,
               struct rs_bytes *ret_value)
{
    struct der set, pair;

    if (der_peek(rdns) == 0)
        return 0;
    der_enter(rdns, DER_SET, &set);
    der_enter(&set, DER_SEQUENCE, &pair);
    *ret_oid = der_take(&pair, DER_OID);
    *ret_tag = der_peek(&pair);
    *ret_value = der_take(&pair, *ret_tag);
    if (!der_done(&set) || !der_done(&pair))
        der_fail(rdns);
    return der_ok(rdns);
}

static void
open_name(struct rs_bytes name, struct der *outer, struct der *rdns)
{
    der_init(outer, name);
    der_enter(outer, DER_SEQUENCE, rdns);
    if (!der_done(outer))
        der_fail(rdns);
}

/* TM-427: what is in a name ends up in logs, messages and certificates. */
static int
has_control(struct rs_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] < 0x20 || value.p[i] == 0x7f)
            return 1;
    }
    return 0;
}

int
name_check(struct rs_bytes name)
{
    struct der outer, rdns;
    struct rs_bytes oid, value;
    unsigned tag;
    size_t count = 0;

    open_name(name, &outer, &rdns);
    while (next_attribute(&rdns, &oid, &tag, &value)) {
        if (++count > NAME_RDN_MAX || value.len > NAME_VALUE_MAX || has_control(value))
            return 0;
    }
    return der_done(&rdns);
}

int
name_equal(struct rs_bytes a, struct rs_bytes b)
{
    struct der outer_a, outer_b, list_a, list_b;
    struct rs_bytes oid_a, oid_b, value_a, value_b;
    unsigned tag;

    open_name(a, &outer_a, &list_a);
    open_name(b, &outer_b, &list_b);
    while (next_attribute(&list_a, &oid_a, &tag, &value_a)) {
        if (!next_attribute(&list_b, &oid_b, &tag, &value_b) || !rs_bytes_equal(oid_a, oid_b) ||
            !rs_bytes_equal(value_a, value_b))
            return 0;
    }
    return der_done(&list_a) && der_done(&list_b);
}

struct rs_bytes
name_find(struct rs_bytes name, struct rs_bytes oid)
{
    struct der outer, rdns;
    struct rs_bytes type, value;
    unsigned tag;

    open_name(name, &outer, &rdns);
    while (next_attribute(&rdns, &type, &tag, &value)) {
        if (rs_bytes_equal(type, oid))
            return value;
    }
    return (struct rs_bytes){NULL, 0};
}

static void
put_value_text(struct rs_buf *b, struct rs_bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.p[i];
        if (c < 0x20 || c == 0x7f)
            rs_buf_printf(b, "\\%02x", c);
        else if (strchr("\"+,;<>\\", c) != NULL || (c == '#' && i == 0))
            rs_buf_printf(b, "\\%c", c);
        else
            rs_buf_put_u8(b, c);
    }
}

/* Prepend one attribute: RFC 4514 reads the encoding from its end. */
static void
put_attribute_text(struct rs_buf *b, struct rs_bytes oid, struct rs_bytes value)
{
    char dotted[96];

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (rs_bytes_equal(*attributes[i].oid, oid)) {
            rs_buf_printf(b, "%s=", attributes[i].text);
            put_value_text(b, value);
            return;
        }
    }
    oid_text(oid, dotted, sizeof(dotted));
    rs_buf_printf(b, "%s=", dotted);
    put_value_text(b, value);
}

void
name_text(struct rs_bytes name, char *text, size_t cap)
{
    struct {
        struct rs_bytes oid, value;
    } list[NAME_RDN_MAX];
    struct der outer, rdns;
    struct rs_buf b;
    unsigned tag;
    size_t count = 0;

    open_name(name, &outer, &rdns);
    while (count < NAME_RDN_MAX &&
           next_attribute(&rdns, &list[count].oid, &tag, &list[count].value))
        count++;
    rs_buf_init_fixed(&b, (uint8_t *)text, cap - 1);
    for (size_t i = count; i-- > 0;) {
        put_attribute_text(&b, list[i].oid, list[i].value);
        if (i > 0)
            rs_buf_put_u8(&b, ',');
    }
    text[b.len] = '\0';
}
