/*
 * cert_fuzz.c: certificates, revocation lists, certs-only messages and PEM.
 *
 * The same bytes go to every reader; the readers tell them apart.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "msg/est.h"
#include "x509/cert.h"
#include "x509/crl.h"
#include "x509/name.h"
#include "x509/oid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct rs_bytes whole, struct rs_bytes part)
{
    if (part.len > 0 &&
        (part.p < whole.p || part.len > whole.len || part.p > whole.p + whole.len - part.len))
        abort();
}

static void
read_cert(struct rs_bytes whole)
{
    struct cert c;
    struct crypto_pub pub;
    char text[NAME_TEXT_MAX];

    if (cert_read(whole, &c, NULL) != RS_OK)
        return;
    check_inside(whole, c.tbs);
    check_inside(whole, c.serial);
    check_inside(whole, c.issuer);
    check_inside(whole, c.subject);
    check_inside(whole, c.spki);
    check_inside(whole, c.signature);
    check_inside(whole, c.ski);
    check_inside(whole, c.aki);
    check_inside(whole, c.eku);
    check_inside(whole, c.san);
    (void)cert_has_eku(&c, oid_eku_client);
    name_text(c.subject, text, sizeof(text));
    (void)name_equal(c.subject, c.issuer);
    if (crypto_pub_read(c.spki, &pub, NULL) == RS_OK)
        (void)!crypto_verify(&pub, c.sig_alg, c.tbs, c.signature, NULL);
}

static void
read_crl(struct rs_bytes whole)
{
    struct crl crl;
    struct crl_entry e;

    if (crl_read(whole, &crl, NULL) != RS_OK)
        return;
    while (crl_next(&crl.entries, &e))
        check_inside(whole, e.serial);
    if (crl.entries.len != 0)
        abort(); /* a list that reads well reads to its end */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes whole = rs_bytes_of(data, size), text = whole, certs[4];
    struct rs_buf der;
    size_t count;

    read_cert(whole);
    read_crl(whole);
    if (est_certs_only_read(whole, certs, 4, &count, NULL) == RS_OK) {
        if (count == 0 || count > 4)
            abort();
        for (size_t i = 0; i < count; i++)
            check_inside(whole, certs[i]);
    }
    rs_buf_init(&der, CERT_BYTES_MAX);
    while (cert_next_pem(&text, "CERTIFICATE", &der, NULL) == RS_OK)
        check_inside(whole, text);
    rs_buf_done(&der);
    return 0;
}
