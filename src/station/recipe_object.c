/*
 * recipe_object.c: certificates, chain and trust anchor into the chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "client/anchor.h"
#include "station/recipe_inner.h"

rs_code
recipe_read_object(struct recipe *r, rot_object obj, enum rot_part part, struct rs_buf *out,
                   struct rs_err *err)
{
    uint8_t piece[4096]; /* certificates in one: some parts unpack all of it for each piece */
    size_t len = sizeof(piece);
    rot_err rot;

    rs_buf_reset(out);
    while (len == sizeof(piece)) {
        rot = rot_object_read(r->job->chip, obj, part, out->len, piece, sizeof(piece), &len);
        if (rot == ROT_E_UNSUPPORTED && obj == ROT_IDEVID && part == ROT_PART_CERT)
            r->has_no_place = 1;
        if ((rot == ROT_E_EMPTY || rot == ROT_E_UNSUPPORTED) && out->len == 0)
            return RS_OK;
        /* Some parts give nothing back until their data is sealed: what the journal says counts. */
        if (rot == ROT_E_STATE && !r->is_sealed && out->len == 0)
            return RS_OK;
        if (rot != ROT_OK)
            return recipe_chip_fail(r, rot, "read back", err);
        rs_buf_put(out, piece, len);
    }
    return rs_buf_ok(out) ? RS_OK : rs_fail(err, RS_E_CHIP_FAULT, "read back: too large");
}

static int
is_there(struct recipe *r, rot_object obj, enum rot_part part, struct rs_bytes bytes)
{
    struct rs_err ignored = {0};
    RS_AUTO(rs_buf_done) struct rs_buf there = {0};

    rs_buf_init(&there, ROT_CERTIFICATE_MAX);
    return recipe_read_object(r, obj, part, &there, &ignored) == RS_OK &&
           rs_bytes_equal(rs_buf_bytes(&there), bytes);
}

/*
 * What is written on a bus that anybody may join, or into a part whose data opens to nobody before it is
 * sealed, is there when it is read at the end.
 */
static int
is_blind(const struct recipe *r)
{
    return !recipe_layout(r)->channel || r->job->chip->protection != ROT_PROTECTION_OWN;
}

rs_code
recipe_check_unread(struct recipe *r, struct rs_err *err)
{
    for (unsigned i = 0; i < r->unread_count; i++) {
        if (is_there(r, r->unread[i].obj, r->unread[i].part, r->unread[i].bytes))
            continue;
        r->is_chips_word = 1;
        return rs_fail(err, RS_E_CHIP_FAULT, "read back: %04x is not what was written",
                       (unsigned)r->unread[i].obj);
    }
    r->unread_count = 0;
    return RS_OK;
}

/* To be looked at once more before it is closed; the identity's certificate is at the end anyway. */
static void
note_unread(struct recipe *r, rot_object obj, enum rot_part part, struct rs_bytes bytes)
{
    if ((obj == ROT_IDEVID && part == ROT_PART_CERT) || r->is_sealed || !is_blind(r) ||
        r->unread_count == RECIPE_UNREAD_MAX)
        return;
    r->unread[r->unread_count].obj = obj;
    r->unread[r->unread_count].part = part;
    r->unread[r->unread_count++].bytes = bytes;
}

/*
 * Write unless the same is there; a part that nobody knows is not asked first.  Whoever said that it is
 * there may have been another part for that moment.
 */
static rot_err
put_object(struct recipe *r, rot_object obj, enum rot_part part, struct rs_bytes bytes)
{
    int is_new = r->known.uid_len == 0 && r->stored.len == 0;
    size_t need = 0;
    rot_err rot;

    if (!is_new && is_there(r, obj, part, bytes)) {
        note_unread(r, obj, part, bytes);
        return ROT_OK;
    }
    rot = rot_object_write(r->job->chip, obj, part, 0, bytes.p, bytes.len, bytes.len, &need);
    r->wrote = r->wrote || rot == ROT_OK;
    if (rot == ROT_E_STATE && is_new && is_there(r, obj, part, bytes))
        rot = ROT_OK;
    if (rot == ROT_OK)
        note_unread(r, obj, part, bytes);
    return rot;
}

/*
 * That something cannot be kept is believed when it is said twice: it decides what is put instead.  A
 * part that keeps it after all may not be the one that did not: the board is begun anew.
 */
static rot_err
put_if_it_fits(struct recipe *r, rot_object obj, enum rot_part part, struct rs_bytes bytes)
{
    rot_err rot = put_object(r, obj, part, bytes);

    if (rot != ROT_E_SPACE && rot != ROT_E_FORMAT)
        return rot;
    return put_object(r, obj, part, bytes) == rot ? rot : ROT_E_MISMATCH;
}

/* The CA certificate that signed ours. */
static struct rs_bytes
find_issuer(const struct recipe *r, const struct cert *cert)
{
    const struct recipe_host *host = r->job->host;
    struct cert ca;

    for (size_t i = 0; i < host->ca_count; i++) {
        if (cert_read(host->ca_certs[i], &ca, NULL) == RS_OK && ca.is_ca &&
            rs_bytes_equal(ca.subject, cert->issuer))
            return host->ca_certs[i];
    }
    return rs_bytes_of(NULL, 0);
}

/* The issuer beside the certificate, where the part has room for it. */
static rs_code
write_chain(struct recipe *r, const struct cert *cert, struct rs_err *err)
{
    struct rs_bytes issuer = find_issuer(r, cert);
    rot_err rot;

    if (r->idevid.chain_size == 0 || issuer.len == 0)
        return RS_OK;
    rot = put_object(r, ROT_IDEVID, ROT_PART_CHAIN, issuer);
    if (rot == ROT_OK || (rot == ROT_E_STATE && r->is_sealed))
        return RS_OK;
    return recipe_chip_fail(r, rot, "write the issuer's certificate", err);
}

/*
 * What a place did not take because the part cannot keep it, or not any more: no reason to fail.  A
 * command that this part cannot have refused (its capabilities have the place) is one.
 */
static int
is_no_place(const struct recipe *r, rot_err rot)
{
    return rot == ROT_E_FORMAT || rot == ROT_E_SPACE || (rot == ROT_E_STATE && r->is_sealed);
}

static int
can_write(const struct recipe *r, rot_object obj)
{
    struct rot_capability cap;

    return rot_capabilities(r->job->chip, obj, &cap) == ROT_OK &&
           cap.where[ROT_CAN_WRITE] != ROT_NOWHERE;
}

/* The root as the device's first trust anchor, in the largest form that fits (client/anchor.h). */
static rs_code
write_trust(struct recipe *r, struct rs_err *err)
{
    struct rs_bytes root = r->job->host->root;
    struct rot_capability cap;
    struct rs_buf digest;
    struct cert cert;
    rot_err rot;

    if (root.len == 0 || !can_write(r, ROT_TRUST(0)) || cert_read(root, &cert, NULL) != RS_OK)
        return RS_OK;
    rs_buf_init_fixed(&digest, r->anchor, sizeof(r->anchor));
    anchor_put_digest(&digest, root);
    rot = put_if_it_fits(r, ROT_TRUST(0), ROT_PART_DATA, root);
    /* There is room for it: it was not understood, which is no reason to keep less. */
    if (rot == ROT_E_FORMAT && rot_capabilities(r->job->chip, ROT_TRUST(0), &cap) == ROT_OK &&
        cap.data_size >= root.len)
        return recipe_chip_fail(r, rot, "write the trust anchor", err);
    if (rot == ROT_E_SPACE || rot == ROT_E_FORMAT)
        rot = put_if_it_fits(r, ROT_TRUST(0), ROT_PART_DATA, cert.spki);
    if ((rot == ROT_E_SPACE || rot == ROT_E_FORMAT) && can_write(r, ROT_TRUST(1)))
        rot = put_if_it_fits(r, ROT_TRUST(1), ROT_PART_DATA, rs_buf_bytes(&digest));
    if (rot == ROT_OK || is_no_place(r, rot))
        return RS_OK;
    return recipe_chip_fail(r, rot, "write the trust anchor", err);
}

/* What the boot loader verifies with: an order that has one is for parts that keep it. */
static rs_code
write_firmware(struct recipe *r, struct rs_err *err)
{
    struct rs_bytes key = r->job->host->firmware_key;
    rot_err rot;

    if (key.len == 0)
        return RS_OK;
    if (!can_write(r, ROT_FIRMWARE(0)))
        return rs_fail(err, RS_E_PROFILE_LIMIT, "the layout has no place for the firmware key");
    rot = put_object(r, ROT_FIRMWARE(0), ROT_PART_DATA, key);
    return rot == ROT_OK || (rot == ROT_E_STATE && r->is_sealed)
               ? RS_OK
               : recipe_chip_fail(r, rot, "write the firmware key", err);
}

rs_code
recipe_write(struct recipe *r, struct rs_err *err)
{
    struct rs_bytes der = rs_buf_bytes(&r->result->cert);
    struct cert cert;
    rot_err rot;
    rs_code rc = cert_read(der, &cert, err);

    if (rc != RS_OK)
        return rc;
    /* Another station's is left as it is; an own one is looked at for what an exchange left in it. */
    if (r->is_sealed && r->known.spki.len == 0)
        return RS_OK;
    rc = recipe_same_part(r, err);
    if (rc == RS_OK)
        rc = recipe_pair_late(r, err);
    if (rc == RS_OK)
        rc = write_chain(r, &cert, err);
    if (rc != RS_OK)
        return rc;
    rot = put_if_it_fits(r, ROT_IDEVID, ROT_PART_CERT, der);
    if (rot == ROT_E_STATE && r->is_sealed)
        return RS_OK; /* nothing can be written any more; the last step compares what is there */
    if (rot == ROT_E_SPACE || rot == ROT_E_FORMAT)
        return rs_fail(
            err, RS_E_CHIP_SIZE,
            "write the certificate: its %zu bytes do not fit a place of %u in the form of "
            "layout %s",
            der.len, r->idevid.cert_size, recipe_layout(r)->name);
    if (rot != ROT_OK)
        return recipe_chip_fail(r, rot, "write the certificate", err);
    rc = write_trust(r, err);
    return rc == RS_OK ? write_firmware(r, err) : rc;
}
