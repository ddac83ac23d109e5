/*
 * chip_keys.c: keys that are made in a part, and what they sign.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "cli/chip.h"
#include "client/csr.h"
#include "shared/reference.h"

#include <rot/rot_driver.h>

/* ---- What others use too -------------------------------------------------------------------------- */

rs_code
desk_sign(void *desk, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
          struct rs_err *err)
{
    struct desk *d = desk;
    rot_err rot = rot_sign_message(&d->chip, d->object, tbs.p, tbs.len, sig, cap, ret_len);

    return rot == ROT_OK ? RS_OK : desk_fail(d, rot, "sign with", err);
}

rs_code
desk_public_key(struct desk *d, struct rs_buf *room, struct crypto_pub *ret_pub, struct rs_err *err)
{
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    size_t len;
    rot_err rot = rot_key_public(&d->chip, d->object, pub, sizeof(pub), &len);

    if (rot != ROT_OK)
        return desk_fail(d, rot, "public key of", err);
    rs_buf_put(room, pub, len);
    return crypto_pub_read(rs_buf_bytes(room), ret_pub, err);
}

/* ---- genkey ----------------------------------------------------------------------------------------- */

/* What the object has, or what was asked for; ROT_ALG_NONE after an error. */
static enum rot_alg
find_algorithm(struct desk *d, struct rs_err *err)
{
    const char *name = cli_option(d->args, "algorithm");
    struct rot_capability can = {.alg = ROT_ALG_NONE};
    rot_err rot = rot_capabilities(&d->chip, d->object, &can);

    if (rot != ROT_OK || can.where[ROT_CAN_GENERATE] == ROT_NOWHERE) {
        (void)rs_fail(err, RS_E_CHIP_UNSUPPORTED,
                      "%.80s: no key can be made in %s: layout %s gives it none, or only to read",
                      d->uri, d->object_name, desk_layout(d)->name);
        return ROT_ALG_NONE;
    }
    if (name != NULL && layout_algorithm(name) != (enum rot_alg)can.alg) {
        (void)rs_fail(err, RS_E_CHIP_UNSUPPORTED,
                      "%.80s: %s takes a key of %s by layout %s, not of %.20s", d->uri,
                      d->object_name, layout_algorithm_name(can.alg), desk_layout(d)->name, name);
        return ROT_ALG_NONE;
    }
    return (enum rot_alg)can.alg;
}

static void
say_key(struct desk *d, enum rot_alg alg)
{
    char csr[200];

    desk_say(d, "%s %s holds a new %s key, made in the part; it never leaves.",
             cli_sign(d->cli, 'y'), d->object_name, layout_algorithm_name(alg));
    (void)snprintf(csr, sizeof(csr),
                   "rootsmith chip csr %s --serial SERIAL -o board.csr --chip %.100s",
                   d->object_name, d->uri);
    desk_next(d, csr, NULL);
}

static int
put_key(struct desk *d, enum rot_alg alg, struct rs_bytes pub)
{
    int code = 0;

    if (pub.len != 0)
        code = desk_put_pem(d, "PUBLIC KEY", pub);
    else if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s}", "kind", "chip-key", "object", d->object_name, "algorithm",
                      layout_algorithm_name(alg));
        code = cli_put_json(d->cli, j);
    }
    if (code == 0)
        say_key(d, alg);
    return code;
}

int
chip_genkey(struct desk *d, struct rs_err *err)
{
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    enum rot_alg alg = find_algorithm(d, err);
    char gone[160];
    size_t len;
    rot_err rot;

    if (alg == ROT_ALG_NONE)
        return -1;
    rot = rot_key_public(&d->chip, d->object, pub, sizeof(pub), &len);
    if (d->cli->dry_run)
        return cli_would(d->cli, "make a key in %.40s%s", d->object_name,
                         rot == ROT_OK ? "; the one that is there would be gone" : "");
    (void)snprintf(gone, sizeof(gone), "The key that is in %.40s now will be gone.",
                   d->object_name);
    if (rot == ROT_OK && !cli_confirmed(d->cli, d->object_name, gone))
        return 1;
    rot = rot_key_generate(&d->chip, d->object, alg, pub, sizeof(pub), &len);
    if (rot != ROT_OK) {
        (void)desk_fail(d, rot, "make a key in", err);
        return -1;
    }
    return put_key(d, alg, rs_bytes_of(pub, len));
}

/* ---- csr ---------------------------------------------------------------------------------------------- */

static void
say_csr(struct desk *d)
{
    const char *file = d->cli->output != NULL ? d->cli->output : "board.csr";
    char check[200], issue[200];

    desk_say(d, "%s A request for %s, signed inside the part.", cli_sign(d->cli, 'y'),
             d->object_name);
    (void)snprintf(check, sizeof(check), "openssl req -in %.120s -verify -noout -text", file);
    (void)snprintf(issue, sizeof(issue), "rootsmith cert issue --profile PROFILE --csr %.120s",
                   file);
    desk_next(d, check, issue);
}

int
chip_csr(struct desk *d, struct rs_err *err)
{
    struct client_csr ask = {.cn = cli_option(d->args, "cn"),
                             .serial = cli_option(d->args, "serial")};
    struct crypto_pub pub = {0};
    int code;

    RS_AUTO(rs_buf_done) struct rs_buf spki, der;
    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    rs_buf_init(&der, DESK_FILE_MAX);
    if (ask.cn == NULL && ask.serial == NULL)
        return cli_usage(d->cli, "chip csr needs --serial or --cn: a request names somebody");
    if (desk_public_key(d, &spki, &pub, err) != RS_OK)
        return -1;
    ask.spki = rs_buf_bytes(&spki);
    ask.sig = crypto_sig_for(pub.alg);
    if (client_csr_build(&ask, desk_sign, d, &der, err) != RS_OK)
        return -1;
    code = desk_put_pem(d, "CERTIFICATE REQUEST", rs_buf_bytes(&der));
    if (code == 0)
        say_csr(d);
    return code;
}

/* ---- sign ------------------------------------------------------------------------------------------------ */

static const char *
hash_of(enum rot_alg alg)
{
    return alg == ROT_ALG_P384 ? "sha384" : alg == ROT_ALG_P521 ? "sha512" : "sha256";
}

static rs_code
sign_digest(struct desk *d, const char *hex, uint8_t *sig, size_t cap, size_t *ret_len,
            struct rs_err *err)
{
    const struct rot_place *key = desk_place(d, ROT_PART_KEY);
    size_t want = key != NULL ? rot_alg_digest_size((enum rot_alg)key->alg) : 0, len = 0;
    uint8_t digest[ROT_DIGEST_MAX];
    rot_err rot;

    if (!rs_hex_read(hex, strlen(hex), digest, sizeof(digest), &len))
        return rs_fail(err, RS_E_USAGE, "--digest takes the digest in hex");
    if (want == 0)
        return rs_fail(err, RS_E_CHIP_UNSUPPORTED,
                       "%.80s: the key of %s signs messages, not digests: give --in FILE", d->uri,
                       d->object_name);
    if (len != want)
        return rs_fail(err, RS_E_USAGE,
                       "--digest has %zu bytes; the key of %s (%s) signs %zu, a %s digest", len,
                       d->object_name, layout_algorithm_name(key->alg), want,
                       hash_of((enum rot_alg)key->alg));
    rot = rot_sign_digest(&d->chip, d->object, digest, len, sig, cap, ret_len);
    return rot == ROT_OK ? RS_OK : desk_fail(d, rot, "sign with", err);
}

static rs_code
sign_file(struct desk *d, const char *path, uint8_t *sig, size_t cap, size_t *ret_len,
          struct rs_err *err)
{
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, DESK_FILE_MAX);
    rc = rs_file_read(path, DESK_FILE_MAX, &file, err);
    return rc == RS_OK ? desk_sign(d, rs_buf_bytes(&file), sig, cap, ret_len, err) : rc;
}

static void
say_signed(struct desk *d, const char *path, size_t len)
{
    const struct rot_place *key = desk_place(d, ROT_PART_KEY);
    char text[320];

    if (d->cli->output == NULL || path == NULL || key == NULL)
        return;
    desk_say(d, "%s %.200s has the signature, %zu bytes of DER.", cli_sign(d->cli, 'y'),
             d->cli->output, len);
    (void)snprintf(text, sizeof(text),
                   "openssl dgst -%s -verify PUBLIC.pem -signature %.100s %.100s",
                   hash_of((enum rot_alg)key->alg), d->cli->output, path);
    desk_next(d, text, NULL);
}

int
chip_sign(struct desk *d, struct rs_err *err)
{
    const char *path = cli_option(d->args, "in"), *hex = cli_option(d->args, "digest");
    uint8_t sig[ROT_SIGNATURE_MAX];
    size_t len = 0;
    rs_code rc;
    int code;

    if ((path == NULL) == (hex == NULL))
        return cli_usage(d->cli, "chip sign needs --in FILE or --digest HEX, one of them");
    rc = path != NULL ? sign_file(d, path, sig, sizeof(sig), &len, err)
                      : sign_digest(d, hex, sig, sizeof(sig), &len, err);
    if (rc != RS_OK)
        return -1;
    if (d->cli->json) {
        char text[2 * ROT_SIGNATURE_MAX + 1];
        rs_hex(rs_bytes_of(sig, len), text, sizeof(text));
        RS_AUTO(rs_json_done) json_t *j = json_pack("{s:s, s:s, s:s}", "kind", "signature",
                                                    "object", d->object_name, "hex", text);
        return cli_put_json(d->cli, j);
    }
    code = desk_put_bytes(d, rs_bytes_of(sig, len));
    if (code == 0)
        say_signed(d, path, len);
    return code;
}

/* ---- reference -------------------------------------------------------------------------------------------- */

/* A file of the name is found from any folder: what is relative gets this one's in front. */
static int
absolute_name(const char *name, char *out, size_t cap)
{
    const char *colon = strchr(name, ':'), *hash = strrchr(name, '#');
    int is_path = strncmp(name, "soft:", 5) == 0 || (strncmp(name, "sim:", 4) == 0 && hash != NULL);
    char here[512] = "";
    int n;

    if (!is_path || colon == NULL || colon[1] == '/')
        n = snprintf(out, cap, "%s", name);
    else if (getcwd(here, sizeof(here)) == NULL)
        return 0;
    else
        n = snprintf(out, cap, "%.*s%s/%s", (int)(colon + 1 - name), name, here, colon + 1);
    return n > 0 && (size_t)n < cap;
}

/* For programs that load keys from files: where this one is, and its public half. */
int
chip_reference(struct desk *d, struct rs_err *err)
{
    uint8_t spki[ROT_PUBLIC_KEY_MAX], der[ROT_REFERENCE_MAX];
    const char *layout = cli_option(d->args, "layout");
    struct rot_uri uri = {.object = d->object};
    char text[ROT_URI_MAX];
    size_t len = 0;
    rot_err rot = rot_key_public(&d->chip, d->object, spki, sizeof(spki), &len);

    if (rot != ROT_OK) {
        (void)desk_fail(d, rot, "public key of", err);
        return -1;
    }
    (void)snprintf(uri.layout, sizeof(uri.layout), "%s", layout != NULL ? layout : "");
    if (!absolute_name(d->uri, uri.chip, sizeof(uri.chip)) ||
        rot_uri_format(&uri, text, sizeof(text)) != ROT_OK)
        return cli_usage(d->cli, "chip reference: the chip's name is too long for one");
    if (rot_reference_write(text, (struct rot_bytes){spki, len}, der, sizeof(der), &len) != ROT_OK)
        return cli_usage(d->cli, "chip reference: only keys on P-256 and P-384 have one");
    return desk_put_pem(d, ROT_REFERENCE_LABEL, rs_bytes_of(der, len));
}
