/*
 * anchor.c: see anchor.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "client/anchor.h"

#include "crypto/pub.h"
#include "x509/cert.h"

static int
is_digest(struct rs_bytes object, struct rs_bytes cert)
{
    uint8_t room[ANCHOR_DIGEST_SIZE];
    struct rs_buf digest;

    rs_buf_init_fixed(&digest, room, sizeof(room));
    anchor_put_digest(&digest, cert);
    return rs_bytes_equal(object, rs_buf_bytes(&digest));
}

int
anchor_is_cert(struct rs_bytes object)
{
    struct cert c;

    return cert_read(object, &c, NULL) == RS_OK;
}

int
anchor_is_whole(struct rs_bytes object)
{
    struct crypto_pub pub;

    if (object.len == ANCHOR_DIGEST_SIZE && object.p[0] == DER_OCTET_STRING &&
        object.p[1] == ANCHOR_DIGEST_SIZE - 2)
        return 1;
    return anchor_is_cert(object) || crypto_pub_read(object, &pub, NULL) == RS_OK;
}

int
anchor_names(struct rs_bytes object, struct rs_bytes cert)
{
    struct cert c;

    if (object.len == 0 || cert_read(cert, &c, NULL) != RS_OK)
        return 0;
    return rs_bytes_equal(object, cert) || rs_bytes_equal(object, c.spki) ||
           is_digest(object, cert);
}

void
anchor_put_digest(struct rs_buf *out, struct rs_bytes cert)
{
    uint8_t digest[32];

    cert_fingerprint(cert, digest);
    rs_buf_put_u8(out, DER_OCTET_STRING);
    rs_buf_put_u8(out, sizeof(digest));
    rs_buf_put(out, digest, sizeof(digest));
}
