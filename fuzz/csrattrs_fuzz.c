/*
 * csrattrs_fuzz.c: what a server says that it wants in a request.
 *
 * Every slice lies inside the input.  What was read is written again, and must
 * read as the same: the client acts on it, so no two readings of one answer may
 * differ.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "msg/csrattrs.h"
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
check_slices(struct rs_bytes whole, const struct csrattrs *a)
{
    if (a->rdn_count > CSRATTRS_RDN_MAX || a->extension_count > CSRATTRS_EXTENSION_MAX)
        abort();
    for (size_t i = 0; i < a->rdn_count; i++) {
        check_inside(whole, a->rdns[i].oid);
        check_inside(whole, a->rdns[i].value);
    }
    for (size_t i = 0; i < a->extension_count; i++) {
        check_inside(whole, a->extensions[i].oid);
        check_inside(whole, a->extensions[i].value);
    }
    check_inside(whole, a->key);
    check_inside(whole, a->curve);
    check_inside(whole, a->sig);
}

/* A kind of key that we do not know could be the name of another attribute when written alone. */
static int
knows_key(const struct csrattrs *a)
{
    return a->key.len == 0 || rs_bytes_equal(a->key, oid_ec_public_key) ||
           rs_bytes_equal(a->key, oid_rsa_encryption) || rs_bytes_equal(a->key, oid_ed25519);
}

static void
check_again(const struct csrattrs *a)
{
    struct csrattrs again;
    struct rs_buf out;

    rs_buf_init(&out, 2 * CSRATTRS_BYTES_MAX);
    if (csrattrs_put(&out, a, NULL) == RS_OK &&
        (csrattrs_read(rs_buf_bytes(&out), &again, NULL) != RS_OK ||
         again.rdn_count != a->rdn_count || again.extension_count != a->extension_count ||
         again.challenge != a->challenge || !rs_bytes_equal(again.key, a->key) ||
         !rs_bytes_equal(again.sig, a->sig)))
        abort();
    rs_buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rs_bytes whole = rs_bytes_of(data, size);
    struct csrattrs a;

    if (csrattrs_read(whole, &a, NULL) != RS_OK)
        return 0;
    check_slices(whole, &a);
    if (knows_key(&a))
        check_again(&a);
    return 0;
}
