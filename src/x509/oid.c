/*
 * oid.c: see oid.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/oid.h"

#include <stdio.h>

#define OID(name, ...)                                                                             \
    static const uint8_t name##_bytes[] = {__VA_ARGS__};                                           \
    const struct rs_bytes name = {name##_bytes, sizeof(name##_bytes)}

OID(oid_cn, 0x55, 0x04, 0x03);
OID(oid_serial_number, 0x55, 0x04, 0x05);
OID(oid_c, 0x55, 0x04, 0x06);
OID(oid_l, 0x55, 0x04, 0x07);
OID(oid_st, 0x55, 0x04, 0x08);
OID(oid_street, 0x55, 0x04, 0x09);
OID(oid_o, 0x55, 0x04, 0x0a);
OID(oid_ou, 0x55, 0x04, 0x0b);
OID(oid_title, 0x55, 0x04, 0x0c);
OID(oid_dc, 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19);
OID(oid_email, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01);

OID(oid_ski, 0x55, 0x1d, 0x0e);
OID(oid_key_usage, 0x55, 0x1d, 0x0f);
OID(oid_san, 0x55, 0x1d, 0x11);
OID(oid_basic_constraints, 0x55, 0x1d, 0x13);
OID(oid_crl_number, 0x55, 0x1d, 0x14);
OID(oid_crl_reason, 0x55, 0x1d, 0x15);
OID(oid_name_constraints, 0x55, 0x1d, 0x1e);
OID(oid_crl_dp, 0x55, 0x1d, 0x1f);
OID(oid_policies, 0x55, 0x1d, 0x20);
OID(oid_aki, 0x55, 0x1d, 0x23);
OID(oid_eku, 0x55, 0x1d, 0x25);
OID(oid_aia, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01);
OID(oid_ocsp_nocheck, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05);
OID(oid_ad_ocsp, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01);
OID(oid_ad_ca_issuers, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02);

OID(oid_eku_any, 0x55, 0x1d, 0x25, 0x00);
OID(oid_eku_server, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01);
OID(oid_eku_client, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02);
OID(oid_eku_ocsp, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09);
OID(oid_eku_cmc_ca, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x1b);
OID(oid_eku_cmc_ra, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x1c);

OID(oid_permanent_identifier, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x03);
OID(oid_hardware_module_name, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x04);
OID(oid_extension_request, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e);
OID(oid_challenge_password, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07);
OID(oid_data, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01);
OID(oid_signed_data, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02);
OID(oid_ocsp_basic, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01);
OID(oid_ocsp_nonce, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02);
OID(oid_sha1, 0x2b, 0x0e, 0x03, 0x02, 0x1a);
OID(oid_sha256, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01);

static size_t
put_arc(uint8_t *out, size_t cap, size_t at, uint64_t v)
{
    size_t n = 1;

    for (uint64_t rest = v >> 7; rest != 0; rest >>= 7)
        n++;
    if (at + n > cap)
        return SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        out[at + n - 1 - i] = (uint8_t)((v & 0x7f) | (i == 0 ? 0 : 0x80));
        v >>= 7;
    }
    return at + n;
}

/* The next decimal arc of text at *i; 0 when there is none. */
static int
read_arc(struct rs_bytes text, size_t *i, uint64_t *ret_v)
{
    size_t start = *i;
    uint64_t v = 0;

    while (*i < text.len && text.p[*i] >= '0' && text.p[*i] <= '9') {
        if (v > UINT32_MAX)
            return 0;
        v = v * 10 + (text.p[*i] - '0');
        (*i)++;
    }
    if (*i == start || (text.p[start] == '0' && *i - start > 1))
        return 0;
    *ret_v = v;
    return 1;
}

int
oid_read(struct rs_bytes text, uint8_t *out, size_t cap, size_t *ret_len)
{
    uint64_t first, v;
    size_t i = 0, at = 0;

    if (!read_arc(text, &i, &first) || first > 2 || i >= text.len || text.p[i++] != '.' ||
        !read_arc(text, &i, &v) || (first < 2 && v > 39))
        return 0;
    at = put_arc(out, cap, at, first * 40 + v);
    while (i < text.len && at != SIZE_MAX) {
        if (text.p[i++] != '.' || !read_arc(text, &i, &v))
            return 0;
        at = put_arc(out, cap, at, v);
    }
    if (at == SIZE_MAX)
        return 0;
    *ret_len = at;
    return 1;
}

void
oid_text(struct rs_bytes oid, char *text, size_t cap)
{
    uint64_t v = 0;
    size_t at = 0;
    int first = 1;

    text[0] = '\0';
    for (size_t i = 0; i < oid.len; i++) {
        v = (v << 7) | (oid.p[i] & 0x7f);
        if ((oid.p[i] & 0x80) != 0)
            continue;
        uint64_t top = v < 40 ? 0 : v < 80 ? 1 : 2;
        int n = first ? snprintf(text, cap, "%llu.%llu", (unsigned long long)top,
                                 (unsigned long long)(v - top * 40))
                      : snprintf(text + at, cap - at, ".%llu", (unsigned long long)v);
        if (n < 0 || (size_t)n >= cap - at) {
            text[0] = '\0';
            return;
        }
        at += (size_t)n;
        v = 0;
        first = 0;
    }
    if (oid.len > 0 && (oid.p[oid.len - 1] & 0x80) != 0)
        text[0] = '\0'; /* it ends inside an arc */
}
