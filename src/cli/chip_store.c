/*
 * chip_store.c: what is kept in a part: certificates, chains, trust, data.
 *
 * What does not fit is refused before the part hears of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "base/io.h"
#include "base/json.h"
#include "cli/chip.h"
#include "x509/cert.h"

#include <rot/rot_driver.h>

static const char *
part_option(const struct desk *d)
{
    const char *name = cli_option(d->args, "part");

    return name != NULL ? name : "cert";
}

/* The place must be there; the error says what is. */
static rs_code
find_place(const struct desk *d, enum rot_part part, struct rs_err *err)
{
    char has[64] = "";
    size_t at = 0;

    if (desk_place(d, part) != NULL)
        return RS_OK;
    for (unsigned p = ROT_PART_KEY; p <= ROT_PART_DATA; p++) {
        if (desk_place(d, (enum rot_part)p) != NULL)
            at += (size_t)snprintf(has + at, sizeof(has) - at, "%s%s", at > 0 ? ", " : "",
                                   layout_part_name(p));
    }
    return rs_fail(err, RS_E_CHIP_UNSUPPORTED, "%.80s: layout %s has no %s of %s%s%s", d->uri,
                   desk_layout(d)->name, layout_part_name(part), d->object_name,
                   at > 0 ? "; it has: " : "", has);
}

/* ---- read --------------------------------------------------------------------------------------------- */

rs_code
desk_read(struct desk *d, enum rot_part part, struct rs_buf *out, struct rs_err *err)
{
    uint8_t bytes[ROT_CERTIFICATE_MAX];
    size_t len = 0;
    rot_err rot;
    rs_code rc = find_place(d, part, err);

    if (rc != RS_OK)
        return rc;
    rot = part == ROT_PART_KEY
              ? rot_key_public(&d->chip, d->object, bytes, sizeof(bytes), &len)
              : rot_object_read(&d->chip, d->object, part, 0, bytes, sizeof(bytes), &len);
    if (rot != ROT_OK)
        return desk_fail(d, rot, part == ROT_PART_KEY ? "public key of" : "read", err);
    rs_buf_put(out, bytes, len);
    return RS_OK;
}

/* Certificates that stand one behind the other, each in a block of its own. */
static int
put_certificates(struct desk *d, struct rs_bytes der)
{
    RS_AUTO(rs_buf_done) struct rs_buf pem;

    rs_buf_init(&pem, 2 * DESK_FILE_MAX);
    while (der.len > 4 && der.p[0] == 0x30 && der.p[1] == 0x82) {
        size_t n = 4 + rs_get_u16(der.p + 2);

        if (n > der.len)
            break;
        cert_put_pem(&pem, "CERTIFICATE", rs_bytes_of(der.p, n));
        der = rs_bytes_of(der.p + n, der.len - n);
    }
    if (der.len != 0)
        cert_put_pem(&pem, "CERTIFICATE", der);
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s%}", "kind", "chip-object", "object", d->object_name, "pem",
                      (const char *)pem.p, pem.len);
        return cli_put_json(d->cli, j);
    }
    return desk_put_bytes(d, rs_buf_bytes(&pem));
}

static int
put_part(struct desk *d, enum rot_part part, struct rs_bytes bytes)
{
    char *hex;
    int code;

    if (part == ROT_PART_KEY)
        return desk_put_pem(d, "PUBLIC KEY", bytes);
    if (part != ROT_PART_DATA)
        return put_certificates(d, bytes);
    if (!d->cli->json)
        return desk_put_bytes(d, bytes);
    hex = rs_arena_alloc(&d->cli->arena, 2 * bytes.len + 1);
    if (hex == NULL)
        return 5;
    rs_hex(bytes, hex, 2 * bytes.len + 1);
    RS_AUTO(rs_json_done) json_t *j =
        json_pack("{s:s, s:s, s:s}", "kind", "chip-object", "object", d->object_name, "hex", hex);
    code = cli_put_json(d->cli, j);
    return code;
}

int
chip_read(struct desk *d, struct rs_err *err)
{
    const char *name = part_option(d);
    enum rot_part part = layout_part(name);
    int code;

    RS_AUTO(rs_buf_done) struct rs_buf bytes;
    rs_buf_init(&bytes, DESK_FILE_MAX);
    if (part == 0)
        return cli_usage(d->cli, "--part takes cert, chain, data or key");
    if (desk_read(d, part, &bytes, err) != RS_OK)
        return -1;
    code = put_part(d, part, rs_buf_bytes(&bytes));
    if (code == 0 && d->cli->output != NULL)
        desk_say(d, "%s %s %s of %s, %zu bytes, is in %.200s.", cli_sign(d->cli, 'y'),
                 part == ROT_PART_KEY ? "The public" : "The", name, d->object_name, bytes.len,
                 d->cli->output);
    return code;
}

/* ---- What is to be written -------------------------------------------------------------------------------- */

/* The certificates of a PEM file, one behind the other; of a "cert" only the first. */
static rs_code
read_pem(struct rs_bytes text, enum rot_part part, struct rs_buf *out, struct rs_err *err)
{
    struct rs_err none_left = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf one;
    rs_buf_init(&one, DESK_FILE_MAX);
    rc = cert_next_pem(&text, "CERTIFICATE", &one, err);
    while (rc == RS_OK) {
        rs_buf_put(out, one.p, one.len);
        if (part == ROT_PART_CERT)
            return RS_OK;
        rc = cert_next_pem(&text, "CERTIFICATE", &one, &none_left);
    }
    return out->len != 0 && rc == RS_E_REQUEST_UNKNOWN ? RS_OK : rc;
}

/* Certificates come as PEM or DER; everything else as it is. */
static rs_code
read_contents(const char *path, enum rot_part part, struct rs_buf *out, struct rs_err *err)
{
    static const char begin[] = "-----BEGIN";
    struct rs_bytes bytes;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, DESK_FILE_MAX);
    if (rs_file_read(path, DESK_FILE_MAX, &file, err) != RS_OK)
        return err->code;
    bytes = rs_buf_bytes(&file);
    if (part != ROT_PART_DATA && bytes.len > sizeof(begin) &&
        memcmp(bytes.p, begin, sizeof(begin) - 1) == 0)
        return read_pem(bytes, part, out, err);
    if (bytes.len == 0)
        return rs_fail(err, RS_E_USAGE, "%.160s is empty: there is nothing to write", path);
    rs_buf_put(out, bytes.p, bytes.len);
    return RS_OK;
}

/* A certificate that is none, or of another key, would lock the device out. */
static rs_code
check_certificate(struct desk *d, struct rs_bytes der, struct rs_err *err)
{
    const uint8_t *p = der.p;
    X509 *x = der.len < INT_MAX ? d2i_X509(NULL, &p, (long)der.len) : NULL;
    uint8_t pub[ROT_PUBLIC_KEY_MAX], *spki = NULL;
    size_t len = 0;
    int n, other;

    if (x == NULL || p != der.p + der.len) {
        X509_free(x);
        return rs_fail(err, RS_E_CHIP_FORMAT, "what is to be written is no certificate (RFC 5280)");
    }
    n = i2d_PUBKEY(X509_get0_pubkey(x), &spki);
    other = rot_key_public(&d->chip, d->object, pub, sizeof(pub), &len) == ROT_OK &&
            !(n > 0 && rs_bytes_equal(rs_bytes_of(spki, (size_t)n), rs_bytes_of(pub, len)));
    OPENSSL_free(spki);
    X509_free(x);
    return other ? rs_fail(err, RS_E_KEY_PROOF,
                           "the certificate is for another key than the one in %s of %.80s",
                           d->object_name, d->uri)
                 : RS_OK;
}

/* Compressed forms keep only what differs from the template: the driver knows. */
static rs_code
check_size(struct desk *d, const struct rot_place *place, size_t len, struct rs_err *err)
{
    if ((place->flags & ROT_PLACE_COMPRESSED) != 0 || len <= place->size)
        return RS_OK;
    return rs_fail(err, RS_E_CHIP_SIZE, "%.80s: the %s has %zu bytes, its place in %s holds %u",
                   d->uri, layout_part_name(place->part), len, d->object_name, place->size);
}

static rs_code
prepare(struct desk *d, enum rot_part part, struct rs_bytes bytes, struct rs_err *err)
{
    const struct rot_place *place = desk_place(d, part);
    rs_code rc = find_place(d, part, err);

    if (rc != RS_OK || place == NULL)
        return rc;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0)
        return rs_fail(err, RS_E_CHIP_UNSUPPORTED,
                       "%.80s: %s of %s is the vendor's: layout %s only reads it", d->uri,
                       layout_part_name(part), d->object_name, desk_layout(d)->name);
    rc = check_size(d, place, bytes.len, err);
    return rc == RS_OK && part == ROT_PART_CERT ? check_certificate(d, bytes, err) : rc;
}

/* ---- write -------------------------------------------------------------------------------------------------- */

static void
say_sizes(struct desk *d, const struct rot_place *place, size_t len)
{
    char where[24];

    desk_where(place, where);
    if ((place->flags & ROT_PLACE_COMPRESSED) != 0)
        cli_say(d->cli, "  %-11s %zu bytes into place %s, in the part's compressed form", "writes",
                len, where);
    else
        cli_say(d->cli, "  %-11s %zu of %u bytes of place %s", "writes", len, place->size, where);
}

/*
 * Read back by another conversation, so that nothing that the driver remembers can answer.  Some
 * places cannot be read now, or by this host: *ret_why says so, and nothing is called compared.
 */
static rs_code
compare(struct desk *d, enum rot_part part, struct rs_bytes bytes, const char **ret_why,
        struct rs_err *err)
{
    uint8_t back[ROT_CERTIFICATE_MAX];
    size_t len = 0;
    rot_err rot;

    rot_close(&d->chip);
    rot = rot_open(&d->chip, &d->lin.setup);
    if (rot != ROT_OK)
        return desk_fail(d, rot, "open again after writing", err);
    rot = rot_object_read(&d->chip, d->object, part, 0, back, sizeof(back), &len);
    *ret_why = rot == ROT_OK ? NULL : desk_why(rot);
    if (rot == ROT_E_BUS || rot == ROT_E_CHIP || rot == ROT_E_EMPTY)
        return desk_fail(d, rot, "read back", err);
    if (rot == ROT_OK && !rs_bytes_equal(rs_bytes_of(back, len), bytes))
        return desk_fail(d, ROT_E_MISMATCH, "read back", err);
    return RS_OK;
}

static rs_code
write_part(struct desk *d, enum rot_part part, struct rs_bytes bytes, struct rs_err *err)
{
    size_t need = 0;
    rot_err rot =
        rot_object_write(&d->chip, d->object, part, 0, bytes.p, bytes.len, bytes.len, &need);

    if (rot == ROT_E_SPACE && (desk_place(d, part)->flags & ROT_PLACE_COMPRESSED) != 0)
        return rs_fail(err, RS_E_CHIP_SIZE, "%.80s: %s needs %zu bytes in %s, and has fewer",
                       d->uri, layout_part_name(part), need, d->object_name);
    return rot == ROT_OK ? RS_OK : desk_fail(d, rot, "write", err);
}

static int
put_written(struct desk *d, enum rot_part part, size_t len, const char *why)
{
    int compared = why == NULL;
    char read[160];

    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s, s:i, s:b}", "kind", "chip-written", "object", d->object_name,
                      "part", layout_part_name(part), "bytes", (int)len, "compared", compared);
        return cli_put_json(d->cli, j);
    }
    cli_say(d->cli, "%s %s of %s holds %zu bytes%s.", cli_sign(d->cli, 'y'), layout_part_name(part),
            d->object_name, len, compared ? ", read back and compared" : "");
    if (!compared)
        desk_put_field(d->cli, "not compared", 16, why);
    (void)snprintf(read, sizeof(read), "rootsmith chip %s --chip %.100s",
                   part == ROT_PART_CERT ? "challenge" : "info", d->uri);
    cli_next(d->cli, read, NULL, NULL);
    return 0;
}

int
chip_write(struct desk *d, struct rs_err *err)
{
    const char *path = cli_option(d->args, "in");
    enum rot_part part = layout_part(part_option(d));
    size_t there = 0;
    const char *why = NULL;
    char gone[160];
    rot_err rot;

    RS_AUTO(rs_buf_done) struct rs_buf bytes;
    rs_buf_init(&bytes, DESK_FILE_MAX);
    if (path == NULL || part == 0 || part == ROT_PART_KEY)
        return cli_usage(d->cli, "chip write needs --in FILE; --part takes cert, chain or data");
    if (read_contents(path, part, &bytes, err) != RS_OK ||
        prepare(d, part, rs_buf_bytes(&bytes), err) != RS_OK)
        return -1;
    rot = rot_object_size(&d->chip, d->object, part, &there);
    say_sizes(d, desk_place(d, part), bytes.len);
    if (d->cli->dry_run)
        return cli_would(d->cli, "write %zu bytes to %.40s%s", bytes.len, d->object_name,
                         rot == ROT_OK ? "; what is there would be gone" : "");
    (void)snprintf(gone, sizeof(gone), "The %s that is in %.40s now (%zu bytes) will be gone.",
                   layout_part_name(part), d->object_name, there);
    if (rot == ROT_OK && !cli_confirmed(d->cli, d->object_name, gone))
        return 1;
    if (write_part(d, part, rs_buf_bytes(&bytes), err) != RS_OK ||
        compare(d, part, rs_buf_bytes(&bytes), &why, err) != RS_OK)
        return -1;
    return put_written(d, part, bytes.len, why);
}
