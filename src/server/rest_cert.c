/*
 * rest_cert.c: one certificate, found by its serial or the beginning of it, and CRLs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "server/rest.h"
#include "x509/crl.h"

#define CRL_MAX     ((size_t)64 << 20)
#define ISSUERS_MAX 64

/* ---- Finding ------------------------------------------------------------------------------ */

/* Serials that begin with the hex digits given: at most two are kept, to know whether it is one. */
struct search {
    struct call *call;
    const char *digits;
    size_t len;
    const char *issuer;
    struct rs_bytes serial;
    int count;
};

static int
match_serial(void *arg, const struct store_cert *cert)
{
    struct search *s = arg;
    char text[2 * STORE_SERIAL_MAX + 1];
    int order;

    rs_hex(cert->serial, text, sizeof(text));
    order = strncmp(text, s->digits, s->len);
    if (order != 0)
        return order > 0; /* they come in order: nothing later fits */
    s->count++;
    s->issuer = rs_arena_text(&s->call->arena, cert->issuer, strlen(cert->issuer));
    s->serial = rs_arena_copy(&s->call->arena, cert->serial);
    return s->count > 1;
}

/* The keyset begins just before the first serial with these digits. */
static struct rs_bytes
start_key(const struct search *s, const char *issuer, struct rs_buf *key)
{
    uint8_t bytes[STORE_SERIAL_MAX];
    char even[2 * STORE_SERIAL_MAX + 2];
    size_t len;

    (void)snprintf(even, sizeof(even), "%s%s", s->digits, s->len % 2 ? "0" : "");
    if (!rs_hex_read(even, strlen(even), bytes, sizeof(bytes), &len))
        len = 0;
    while (len > 0 && bytes[len - 1] == 0)
        len--;
    rs_buf_put(key, issuer, strlen(issuer) + 1);
    if (len > 0) { /* one less, and then the greatest bytes there are */
        bytes[len - 1]--;
        memset(bytes + len, 0xff, sizeof(bytes) - len);
        rs_buf_put(key, bytes, sizeof(bytes));
    }
    return rs_buf_bytes(key);
}

static int
is_hex(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");

    return n >= 4 && n <= 2 * STORE_SERIAL_MAX && text[n] == '\0';
}

/* RS_E_CERT_UNKNOWN: none, or more than one that begins like this. */
static rs_code
find_cert(struct call *call, struct store_cert *ret_cert, struct rs_err *err)
{
    struct search s = {.call = call, .digits = call->name, .len = strlen(call->name)};
    const struct pki_issuer *list[ISSUERS_MAX];
    size_t n = pki_issuers(call->front->pki, list, ISSUERS_MAX);
    struct store *store;
    rs_code rc = pki_reader(call->front->pki, &store, err);

    if (rc == RS_OK && !is_hex(call->name))
        rc = rs_fail(err, RS_E_REQUEST_FORMAT,
                     "a serial is 4 to %d hex digits in lower case, without separators",
                     2 * STORE_SERIAL_MAX);
    for (size_t i = 0; i < n && rc == RS_OK && s.count < 2; i++) {
        struct store_cert_filter filter = {.issuer = list[i]->name, .limit = 1000};
        RS_AUTO(rs_buf_done) struct rs_buf key;
        rs_buf_init(&key, 256);
        filter.after = start_key(&s, list[i]->name, &key);
        rc = store_list_certs(store, pki_tenant(call->front->pki), &filter, match_serial, &s, err);
    }
    if (rc == RS_OK && s.count != 1)
        rc = rs_fail(err, RS_E_CERT_UNKNOWN,
                     s.count == 0 ? "no serial begins with %s" : "several serials begin with %s",
                     call->name);
    return rc == RS_OK ? store_find_cert(store, pki_tenant(call->front->pki), s.issuer, s.serial,
                                         &call->arena, ret_cert, err)
                       : rc;
}

/* ---- Certificates --------------------------------------------------------------------------- */

void
rest_get_certificate(struct call *call)
{
    struct store_cert cert;
    struct rs_err err = {0};

    if (find_cert(call, &cert, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200, json_cert(call->front, &cert));
}

void
rest_revoke_certificate(struct call *call)
{
    const char *text = rs_json_text_or(call->body, "reason", "");
    struct store_cert cert;
    struct rs_err err = {0};
    uint64_t number = 0;
    rs_code rc;

    if (text[0] == '\0') {
        call_refuse_code(call, RS_E_REQUEST_FORMAT, "revoke: say why (\"reason\")");
        return;
    }
    rc = find_cert(call, &cert, &err);
    if (rc == RS_OK)
        rc = pki_revoke(call->front->pki, call->caller.who, cert.issuer, cert.serial,
                        CRL_PRIVILEGE_WITHDRAWN, text, &err);
    if (rc == RS_OK)
        rc = front_publish_crl(call->front, cert.issuer, &number, &err);
    if (rc != RS_OK)
        call_refuse(call, &err);
    else
        call_reply(call, 200,
                   json_pack("{s:s, s:o, s:s, s:i, s:s, s:{s:s, s:{s:s, s:I}}}", "kind",
                             "revocation", "serial", json_hex(cert.serial), "issuer", cert.issuer,
                             "certificates", 1, "reason", "privilegeWithdrawn", "visible", "ocsp",
                             "now", "crl", "name", cert.issuer, "number", (json_int_t)number));
}

/* ---- CRLs ------------------------------------------------------------------------------------- */

/* NULL and err when the issuer has none. */
static json_t *
json_crl(struct call *call, const char *issuer, struct rs_err *err)
{
    struct crl crl;
    struct crl_entry entry;
    struct rs_bytes left;
    json_int_t count = 0;

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, CRL_MAX);
    if (pki_find_crl(call->front->pki, issuer, &der, err) != RS_OK ||
        crl_read(rs_buf_bytes(&der), &crl, err) != RS_OK)
        return NULL;
    left = crl.entries;
    while (crl_next(&left, &entry))
        count++;
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:b}", "kind", "crl", "name", issuer, "number",
                     (json_int_t)crl.number, "entries", count, "from", json_time(crl.this_update),
                     "next", json_time(crl.next_update), "late", rs_now() > crl.next_update);
}

void
rest_get_crls(struct call *call)
{
    const struct pki_issuer *list[ISSUERS_MAX];
    size_t n = pki_issuers(call->front->pki, list, ISSUERS_MAX);
    json_t *items = json_array();

    for (size_t i = 0; i < n; i++) {
        struct rs_err none = {0};
        json_t *j = json_crl(call, list[i]->name, &none);
        if (j != NULL)
            (void)json_array_append_new(items, j);
    }
    call_reply(call, 200, json_pack("{s:o, s:n}", "items", items, "next"));
}

void
rest_get_crl(struct call *call)
{
    struct rs_err err = {0};
    json_t *j;

    if (pki_find_issuer(call->front->pki, call->name) == NULL) {
        call_refuse_code(call, RS_E_ISSUER_UNKNOWN, "there is no CA of this name");
        return;
    }
    j = json_crl(call, call->name, &err);
    if (j == NULL)
        call_refuse(call, &err);
    else
        call_reply(call, 200, j);
}

void
rest_get_crl_file(struct call *call)
{
    struct rs_err err = {0};

    RS_AUTO(rs_buf_done) struct rs_buf der;
    rs_buf_init(&der, CRL_MAX);
    if (pki_find_issuer(call->front->pki, call->name) == NULL)
        call_refuse_code(call, RS_E_ISSUER_UNKNOWN, "there is no CA of this name");
    else if (pki_find_crl(call->front->pki, call->name, &der, &err) != RS_OK)
        call_refuse(call, &err);
    else
        call_reply_bytes(call, "application/pkix-crl", rs_buf_bytes(&der));
}
