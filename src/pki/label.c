/*
 * label.c: what a label of EST stands for: a profile, a product, an order.
 *
 * Names are looked up in this order, so that a product can never stand in front
 * of a profile: what an officer approved keeps its meaning, whatever is set up
 * beside it later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "pki/inner.h"

#define OTHERWISE "ldevid" /* what a device may ask for without a label */

static void
copy(char out[STORE_NAME_MAX], struct rs_bytes text)
{
    (void)snprintf(out, STORE_NAME_MAX, "%.*s", (int)text.len, (const char *)text.p);
}

/* A missing document is no failure here: another kind may have the name. */
static rs_code
find(struct catalog_look *look, enum catalog_kind kind, const char *name, struct rs_arena *arena,
     struct catalog_document *ret, int *ret_found, struct rs_err *err)
{
    struct rs_err none = {0};
    rs_code rc = catalog_find(look, kind, name, arena, ret, &none);

    *ret_found = rc == RS_OK;
    if (rc == RS_OK || rc == RS_E_REQUEST_UNKNOWN)
        return RS_OK;
    return rs_fail(err, rc, "%s", none.text);
}

static rs_code
take_profile(struct catalog_look *look, struct rs_arena *arena, struct pki_label *l,
             struct rs_err *err)
{
    struct catalog_document d;
    int found;
    rs_code rc = find(look, CATALOG_PROFILE, l->profile, arena, &d, &found, err);

    if (rc == RS_OK && !found)
        rc = rs_fail(err, RS_E_PROFILE_UNKNOWN, "there is no profile \"%.60s\"", l->profile);
    if (rc == RS_OK)
        rc = doc_profile_read(d.document, &l->doc, err);
    if (rc == RS_OK)
        memcpy(l->profile_hash, d.hash, sizeof(l->profile_hash));
    return rc;
}

static int
may_sign(const struct pki_issuer *issuer, const char *profile)
{
    for (size_t i = 0; i < issuer->doc.profiles.count; i++) {
        if (rs_bytes_equal(issuer->doc.profiles.items[i], rs_bytes_str(profile)))
            return 1;
    }
    return 0;
}

rs_code
label_issuer(struct pki *pki, const char *profile, char issuer[STORE_NAME_MAX], struct rs_err *err)
{
    const struct pki_issuer *list[PKI_ISSUERS_MAX];
    size_t n = pki_issuers(pki, list, PKI_ISSUERS_MAX);

    for (size_t i = 0; i < n; i++) {
        if (may_sign(list[i], profile)) {
            (void)snprintf(issuer, STORE_NAME_MAX, "%s", list[i]->name);
            return RS_OK;
        }
    }
    return rs_fail(err, RS_E_ISSUER_UNKNOWN, "no CA may sign profile \"%s\"", profile);
}

/* The CA that the product names for its devices' own certificates, and no other one. */
static rs_code
product_issuer(struct pki *pki, struct pki_label *l, struct rs_err *err)
{
    const struct pki_issuer *issuer = pki_find_issuer(pki, l->issuer);

    if (issuer == NULL || !may_sign(issuer, l->profile))
        return rs_fail(err, RS_E_ISSUER_UNKNOWN,
                       "product %s: CA \"%s\" may not sign profile \"%s\"", l->product, l->issuer,
                       l->profile);
    return RS_OK;
}

static rs_code
take_product(struct pki *pki, struct catalog_look *look, const char *name, struct rs_bytes document,
             struct rs_arena *arena, struct pki_label *l, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *doc = NULL;
    const char *first;
    rs_code rc = rs_json_read(document, &doc, err);

    if (rc != RS_OK)
        return rc;
    first = rs_json_text_or(doc, "issuer", "");
    copy(l->product, rs_bytes_str(name));
    copy(l->profile, rs_bytes_str(rs_json_text_or(doc, "ldevid", OTHERWISE)));
    copy(l->first_issuer, rs_bytes_str(first));
    copy(l->issuer, rs_bytes_str(rs_json_text_or(doc, "ldevid_issuer", first)));
    rc = take_profile(look, arena, l, err);
    return rc == RS_OK ? product_issuer(pki, l, err) : rc;
}

static rs_code
take_order(struct catalog_look *look, struct rs_bytes document, struct rs_arena *arena,
           struct pki_label *l, struct rs_err *err)
{
    struct doc_order order;
    rs_code rc = doc_order_read(document, &order, err);

    if (rc != RS_OK)
        return rc;
    copy(l->order, order.name);
    copy(l->profile, order.profile);
    copy(l->issuer, order.issuer);
    return take_profile(look, arena, l, err);
}

rs_code
label_find(struct pki *pki, struct catalog_look *look, const char *name, struct rs_arena *arena,
           struct pki_label *ret, struct rs_err *err)
{
    struct pki_label l = {0};
    struct catalog_document d;
    int found = 1;
    rs_code rc = RS_OK;

    copy(l.profile, rs_bytes_str(name[0] != '\0' ? name : OTHERWISE));
    if (name[0] != '\0')
        rc = find(look, CATALOG_PROFILE, name, arena, &d, &found, err);
    if (rc == RS_OK && found) {
        rc = take_profile(look, arena, &l, err);
        if (rc == RS_OK)
            rc = label_issuer(pki, l.profile, l.issuer, err);
        *ret = l;
        return rc;
    }
    if (rc == RS_OK)
        rc = find(look, CATALOG_PRODUCT, name, arena, &d, &found, err);
    if (rc == RS_OK && found)
        rc = take_product(pki, look, name, d.document, arena, &l, err);
    if (rc == RS_OK && !found) {
        rc = find(look, CATALOG_ORDER, name, arena, &d, &found, err);
        if (rc == RS_OK && found)
            rc = take_order(look, d.document, arena, &l, err);
        else if (rc == RS_OK)
            rc = rs_fail(err, RS_E_PROFILE_UNKNOWN,
                         "est: no profile, product or order has the label \"%.60s\"", name);
    }
    *ret = l;
    return rc;
}

rs_code
pki_find_label(struct pki *pki, const char *name, struct rs_arena *arena, struct pki_label *ret,
               struct rs_err *err)
{
    struct catalog_look look;
    struct store *store;
    rs_code rc = pki_reader(pki, &store, err);

    if (rc != RS_OK)
        return rc;
    catalog_look(pki, store, &look);
    rc = label_find(pki, &look, name, arena, ret, err);
    catalog_look_done(&look);
    return rc;
}
