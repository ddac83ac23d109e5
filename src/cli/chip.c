/*
 * chip.c: one chip on a desk, by its name (--chip, or ROOTSMITH_CHIP).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rot/linux.h>
#include <rot/registry.h>
#include <rot/rot.h>

#include "base/io.h"
#include "base/json.h"
#include "base/random.h"
#include "cli/cli.h"
#include "client/csr.h"
#include "crypto/hash.h"
#include "shared/reference.h"
#include "x509/cert.h"

#define FILE_MAX 65536

struct desk {
    struct cli *cli;
    const struct cli_args *args;
    const char *uri;
    struct rot_linux lin;
    struct rot_chip chip;
    rot_object object; /* of verbs that name one */
};

/* ---- Opening ---------------------------------------------------------------------------------- */

static rs_code
code_of(rot_err rot)
{
    switch ((int)rot) {
    case ROT_BUSY:
        return RS_E_CHIP_BUSY;
    case ROT_E_BUS:
        return RS_E_CHIP_ABSENT;
    case ROT_E_WRONG_PART:
        return RS_E_CHIP_WRONG_PART;
    case ROT_E_AUTH:
        return RS_E_CHIP_AUTH;
    case ROT_E_SPACE:
        return RS_E_CHIP_FULL;
    case ROT_E_STATE:
        return RS_E_CHIP_LOCKED;
    case ROT_E_ARG:
    case ROT_E_UNSUPPORTED: /* this part never does that */
    case ROT_E_FORMAT:
        return RS_E_USAGE;
    case ROT_E_PORT:
        return RS_E_CRYPTO_FAILED;
    default:
        return RS_E_CHIP_FAULT;
    }
}

static rs_code
chip_fail(const struct desk *d, rot_err rot, const char *what, struct rs_err *err)
{
    rs_code rc =
        rs_fail(err, code_of(rot), "%.100s: %s: the part says %s", d->uri, what, rot_err_name(rot));

    (void)snprintf(err->detail, sizeof(err->detail), "status word 0x%08x",
                   (unsigned)rot_raw_status(&d->chip));
    return rc;
}

static rs_code
open_desk(struct desk *d, struct rs_err *err)
{
    const char *layout = cli_option(d->args, "layout");
    rot_err rot;

    d->uri = cli_option(d->args, "chip");
    if (d->uri == NULL)
        d->uri = "auto"; /* ROOTSMITH_CHIP, or the first part that answers */
    rot = rot_linux_open(&d->lin, d->uri);
    if (rot != ROT_OK)
        return rs_fail(err, code_of(rot), "%.200s", d->lin.error);
    if (layout != NULL) {
        d->lin.setup.layout = rot_registry_layout(d->lin.setup.driver, layout);
        if (d->lin.setup.layout == NULL) {
            rot_linux_close(&d->lin);
            return rs_fail(err, RS_E_USAGE, "the driver %s has no layout %.60s",
                           d->lin.setup.driver->name, layout);
        }
    }
    rot = rot_open(&d->chip, &d->lin.setup);
    if (rot == ROT_OK)
        return RS_OK;
    rot_linux_close(&d->lin);
    return chip_fail(d, rot, "open", err);
}

static const struct rot_layout *
layout_of(const struct desk *d)
{
    const struct rot_setup *s = &d->chip.setup;

    return s->layout != NULL ? s->layout : s->driver->layouts[0];
}

/* ---- info, layout ------------------------------------------------------------------------------- */

static int
chip_info(struct desk *d, struct rs_err *err)
{
    static const char *const lives[] = {"unknown",     "blank",  "configured",
                                        "provisioned", "sealed", "end of life"};
    struct cli *cli = d->cli;
    struct rot_identity id;
    char uid[2 * ROT_UID_MAX + 1];
    rot_err rot = rot_identify(&d->chip, &id);

    if (rot != ROT_OK) {
        (void)chip_fail(d, rot, "identify", err);
        return -1;
    }
    rs_hex(rs_bytes_of(id.uid, id.uid_len), uid, sizeof(uid));
    if (cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b}", "kind", "chip", "name",
                      d->uri, "vendor", id.vendor, "model", id.model, "revision",
                      (json_int_t)id.revision, "uid", uid, "lifecycle", lives[id.lifecycle],
                      "layout", layout_of(d)->name, "simulated", (int)id.simulated);
        return cli_put_json(cli, j);
    }
    cli_say(cli, "%s   %s%s\n", d->uri, id.model, id.simulated ? "   SIMULATOR" : "");
    cli_field(cli, "vendor", "%s, revision 0x%x", id.vendor, (unsigned)id.revision);
    cli_field(cli, "uid", "%s", uid);
    cli_field(cli, "state", "%s", lives[id.lifecycle]);
    cli_field(cli, "layout", "%s", layout_of(d)->name);
    return 0;
}

static int
chip_layout(struct desk *d, struct rs_err *err)
{
    static const char *const parts[] = {"", "key", "cert", "chain", "data"};
    static const struct cli_column columns[] = {
        {"OBJECT", "object"}, {"PART", "part"}, {"PLACE", "place"}, {"BYTES", "bytes"}};
    const struct rot_layout *l = layout_of(d);
    RS_AUTO(rs_json_done) json_t *items = json_array(), *out = NULL;
    char name[ROT_NAME_MAX], place[16];

    for (size_t i = 0; i < l->place_count; i++) {
        rot_err rot = rot_object_name(l->places[i].object, name);
        if (rot != ROT_OK) {
            (void)chip_fail(d, rot, "layout", err);
            return -1;
        }
        /* Slots are counted; handles and object ids are read as they stand in data sheets. */
        (void)snprintf(place, sizeof(place), l->places[i].where > 255 ? "0x%08lx" : "%lu",
                       (unsigned long)l->places[i].where);
        (void)json_array_append_new(items, json_pack("{s:s, s:s, s:s, s:i}", "object", name, "part",
                                                     parts[l->places[i].part], "place", place,
                                                     "bytes", (int)l->places[i].size));
    }
    if (d->cli->json) {
        out = json_pack("{s:s, s:s, s:O}", "kind", "layout", "name", l->name, "items", items);
        return cli_put_json(d->cli, out);
    }
    cli_put_table(d->cli, items, columns, 4);
    return 0;
}

/* ---- Keys ------------------------------------------------------------------------------------------ */

static int
put_bytes(struct desk *d, struct rs_bytes bytes)
{
    if (d->cli->output != NULL)
        return cli_write_file(d->cli, d->cli->output, bytes, 0644);
    (void)fwrite(bytes.p, 1, bytes.len, stdout);
    return 0;
}

static int
put_pem(struct desk *d, const char *label, struct rs_bytes der)
{
    RS_AUTO(rs_buf_done) struct rs_buf pem;

    rs_buf_init(&pem, 2 * FILE_MAX);
    cert_put_pem(&pem, label, der);
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s%}", "kind", "chip-object", "object", d->args->words[0], "pem",
                      (const char *)pem.p, pem.len);
        return cli_put_json(d->cli, j);
    }
    return put_bytes(d, rs_buf_bytes(&pem));
}

/* Yes when the name is one of a key algorithm that a chip can be asked for. */
static int
read_algorithm(const struct desk *d, enum rot_alg *ret_alg)
{
    static const struct {
        const char *name;
        enum rot_alg alg;
    } known[] = {{"p256", ROT_ALG_P256}, {"p384", ROT_ALG_P384}, {"ed25519", ROT_ALG_ED25519}};
    const char *name = cli_option(d->args, "algorithm");
    struct rot_capability can;

    if (name == NULL) {
        if (rot_capabilities(&d->chip, d->object, &can) != ROT_OK)
            return 0;
        *ret_alg = (enum rot_alg)can.alg;
        return can.alg != ROT_ALG_NONE;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0) {
            *ret_alg = known[i].alg;
            return 1;
        }
    }
    return 0;
}

static int
chip_genkey(struct desk *d, struct rs_err *err)
{
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    const char *object = d->args->words[0];
    char gone[160];
    enum rot_alg alg;
    size_t len;
    rot_err rot;

    if (!read_algorithm(d, &alg))
        return cli_usage(d->cli, "chip genkey: this object of this chip has no such key algorithm");
    rot = rot_key_public(&d->chip, d->object, pub, sizeof(pub), &len);
    if (d->cli->dry_run)
        return cli_would(d->cli, "make a key in %.40s%s", object,
                         rot == ROT_OK ? "; the one that is there would be gone" : "");
    (void)snprintf(gone, sizeof(gone), "The key that is in %.40s now will be gone.", object);
    if (rot == ROT_OK && !cli_confirmed(d->cli, object, gone))
        return 1;
    rot = rot_key_generate(&d->chip, d->object, alg, pub, sizeof(pub), &len);
    if (rot != ROT_OK) {
        (void)chip_fail(d, rot, "generate key", err);
        return -1;
    }
    return put_pem(d, "PUBLIC KEY", rs_bytes_of(pub, len));
}

static rs_code
sign_with_chip(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
               struct rs_err *err)
{
    struct desk *d = arg;
    rot_err rot = rot_sign_message(&d->chip, d->object, tbs.p, tbs.len, sig, cap, ret_len);

    return rot == ROT_OK ? RS_OK : chip_fail(d, rot, "sign", err);
}

static rs_code
public_key(struct desk *d, struct rs_buf *room, struct crypto_pub *ret_pub, struct rs_err *err)
{
    uint8_t pub[ROT_PUBLIC_KEY_MAX];
    size_t len;
    rot_err rot = rot_key_public(&d->chip, d->object, pub, sizeof(pub), &len);

    if (rot != ROT_OK)
        return chip_fail(d, rot, "public key", err);
    rs_buf_put(room, pub, len);
    return crypto_pub_read(rs_buf_bytes(room), ret_pub, err);
}

static int
chip_csr(struct desk *d, struct rs_err *err)
{
    struct client_csr ask = {.cn = cli_option(d->args, "cn"),
                             .serial = cli_option(d->args, "serial")};
    struct crypto_pub pub = {0};

    RS_AUTO(rs_buf_done) struct rs_buf spki, der;
    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    rs_buf_init(&der, FILE_MAX);
    if (ask.cn == NULL && ask.serial == NULL)
        return cli_usage(d->cli, "chip csr needs --serial or --cn: a request names somebody");
    if (public_key(d, &spki, &pub, err) != RS_OK)
        return -1;
    ask.spki = rs_buf_bytes(&spki);
    ask.sig = crypto_sig_for(pub.alg);
    if (client_csr_build(&ask, sign_with_chip, d, &der, err) != RS_OK)
        return -1;
    return put_pem(d, "CERTIFICATE REQUEST", rs_buf_bytes(&der));
}

static int
chip_sign(struct desk *d, struct rs_err *err)
{
    const char *path = cli_option(d->args, "in");
    uint8_t sig[ROT_SIGNATURE_MAX];
    size_t len;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, FILE_MAX);
    if (path == NULL)
        return cli_usage(d->cli, "chip sign needs --in FILE");
    if (rs_file_read(path, FILE_MAX, &file, err) != RS_OK ||
        sign_with_chip(d, rs_buf_bytes(&file), sig, sizeof(sig), &len, err) != RS_OK)
        return -1;
    if (d->cli->json) {
        char hex[2 * ROT_SIGNATURE_MAX + 1];
        rs_hex(rs_bytes_of(sig, len), hex, sizeof(hex));
        RS_AUTO(rs_json_done) json_t *j = json_pack("{s:s, s:s}", "kind", "signature", "hex", hex);
        return cli_put_json(d->cli, j);
    }
    return put_bytes(d, rs_bytes_of(sig, len));
}

/* Fresh random bytes, signed inside, verified here: the private key is in there, and works. */
static int
chip_challenge(struct desk *d, struct rs_err *err)
{
    uint8_t nonce[32], sig[ROT_SIGNATURE_MAX];
    struct rs_err why = {0};
    struct crypto_pub pub = {0};
    size_t len;
    int good;

    RS_AUTO(rs_buf_done) struct rs_buf spki;
    rs_buf_init(&spki, ROT_PUBLIC_KEY_MAX);
    if (rs_random(nonce, sizeof(nonce), err) != RS_OK || public_key(d, &spki, &pub, err) != RS_OK ||
        sign_with_chip(d, RS_BYTES(nonce), sig, sizeof(sig), &len, err) != RS_OK)
        return -1;
    good = crypto_verify(&pub, crypto_sig_for(pub.alg), RS_BYTES(nonce), rs_bytes_of(sig, len),
                         &why) == RS_OK;
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:b}", "kind", "chip-challenge", "ok", good);
        (void)cli_put_json(d->cli, j);
    }
    cli_say(d->cli, "%s The chip %s.", cli_sign(d->cli, good ? 'y' : 'n'),
            good ? "signed a fresh challenge with its key" : "answered with a wrong signature");
    return good ? 0 : 3;
}

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
static int
chip_reference(struct desk *d, struct rs_err *err)
{
    const char *set = getenv("ROOTSMITH_CHIP");
    const char *name = strcmp(d->uri, "auto") == 0 && set != NULL ? set : d->uri;
    uint8_t spki[ROT_PUBLIC_KEY_MAX], der[ROT_REFERENCE_MAX];
    const char *layout = cli_option(d->args, "layout");
    struct rot_uri uri = {.object = d->object};
    char text[ROT_URI_MAX];
    size_t len = 0;
    rot_err rot = rot_key_public(&d->chip, d->object, spki, sizeof(spki), &len);

    if (rot != ROT_OK) {
        (void)chip_fail(d, rot, "public key", err);
        return -1;
    }
    (void)snprintf(uri.layout, sizeof(uri.layout), "%s", layout != NULL ? layout : "");
    if (!absolute_name(name, uri.chip, sizeof(uri.chip)) ||
        rot_uri_format(&uri, text, sizeof(text)) != ROT_OK)
        return cli_usage(d->cli, "chip reference: the chip's name is too long for one");
    if (rot_reference_write(text, (struct rot_bytes){spki, len}, der, sizeof(der), &len) != ROT_OK)
        return cli_usage(d->cli, "chip reference: only keys on P-256 and P-384 have one");
    return put_pem(d, ROT_REFERENCE_LABEL, rs_bytes_of(der, len));
}

/* ---- Contents ----------------------------------------------------------------------------------------- */

static const char *
part_name(const struct desk *d)
{
    const char *name = cli_option(d->args, "part");

    return name != NULL ? name : "cert";
}

/* 0 when there is no such part. */
static enum rot_part
part_of(const char *name)
{
    static const struct {
        const char *name;
        enum rot_part part;
    } parts[] = {{"cert", ROT_PART_CERT}, {"chain", ROT_PART_CHAIN}, {"data", ROT_PART_DATA}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(parts[i].name, name) == 0)
            return parts[i].part;
    }
    return 0;
}

static int
chip_read(struct desk *d, struct rs_err *err)
{
    const char *name = part_name(d);
    enum rot_part part = 0;
    uint8_t bytes[ROT_CERTIFICATE_MAX];
    size_t len = 0;
    rot_err rot;

    if (strcmp(name, "key") == 0) {
        rot = rot_key_public(&d->chip, d->object, bytes, sizeof(bytes), &len);
        if (rot == ROT_OK)
            return put_pem(d, "PUBLIC KEY", rs_bytes_of(bytes, len));
    } else {
        part = part_of(name);
        if (part == 0)
            return cli_usage(d->cli, "--part takes cert, chain, data or key");
        rot = rot_object_read(&d->chip, d->object, part, 0, bytes, sizeof(bytes), &len);
    }
    if (rot != ROT_OK) {
        (void)chip_fail(d, rot, "read", err);
        return -1;
    }
    return part == ROT_PART_DATA && !d->cli->json
               ? put_bytes(d, rs_bytes_of(bytes, len))
               : put_pem(d, "CERTIFICATE", rs_bytes_of(bytes, len));
}

/* The certificates of a PEM file, one behind the other; of a "cert" only the first. */
static rs_code
read_pem(struct rs_bytes text, enum rot_part part, struct rs_buf *out, struct rs_err *err)
{
    struct rs_err none_left = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf one;
    rs_buf_init(&one, FILE_MAX);
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
    rs_buf_init(&file, FILE_MAX);
    if (rs_file_read(path, FILE_MAX, &file, err) != RS_OK)
        return err->code;
    bytes = rs_buf_bytes(&file);
    if (part != ROT_PART_DATA && bytes.len > sizeof(begin) &&
        memcmp(bytes.p, begin, sizeof(begin) - 1) == 0)
        return read_pem(bytes, part, out, err);
    rs_buf_put(out, bytes.p, bytes.len);
    return RS_OK;
}

static int
chip_write(struct desk *d, struct rs_err *err)
{
    const char *path = cli_option(d->args, "in"), *object = d->args->words[0];
    enum rot_part part = part_of(part_name(d));
    size_t len = 0;
    char gone[160];
    rot_err rot;

    RS_AUTO(rs_buf_done) struct rs_buf bytes;
    rs_buf_init(&bytes, FILE_MAX);
    if (path == NULL || part == 0)
        return cli_usage(d->cli, "chip write needs --in FILE; --part takes cert, chain or data");
    if (read_contents(path, part, &bytes, err) != RS_OK)
        return -1;
    rot = rot_object_size(&d->chip, d->object, part, &len);
    if (d->cli->dry_run)
        return cli_would(d->cli, "write %zu bytes to %.40s%s", bytes.len, object,
                         rot == ROT_OK ? "; what is there would be gone" : "");
    (void)snprintf(gone, sizeof(gone), "What is in %.40s now will be gone.", object);
    if (rot == ROT_OK && !cli_confirmed(d->cli, object, gone))
        return 1;
    rot = rot_object_write(&d->chip, d->object, part, 0, bytes.p, bytes.len, bytes.len, &len);
    if (rot != ROT_OK) {
        (void)chip_fail(d, rot, "write", err);
        return -1;
    }
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j = json_pack("{s:s, s:s, s:i}", "kind", "chip-written",
                                                    "object", object, "bytes", (int)bytes.len);
        return cli_put_json(d->cli, j);
    }
    cli_say(d->cli, "%s %s holds %zu bytes, read back and compared.", cli_sign(d->cli, 'y'), object,
            bytes.len);
    return 0;
}

static int
chip_lock(struct desk *d, struct rs_err *err)
{
    static const char *const names[] = {"config", "data", "", "lifecycle"};
    const char *what = d->args->words[0];
    enum rot_stage stage = ROT_STAGE_OBJECT;
    enum rot_seal_state state;
    rot_err rot;

    for (int i = 0; i < 4; i++) {
        if (strcmp(names[i], what) == 0)
            stage = (enum rot_stage)i;
    }
    if (stage == ROT_STAGE_OBJECT && rot_object_parse(what, &d->object) != ROT_OK)
        return cli_usage(d->cli, "chip lock takes config, data, lifecycle, or an object");
    rot = rot_seal_state(&d->chip, stage, d->object, &state);
    if (rot == ROT_OK && state == ROT_SEAL_FOREIGN) {
        (void)rs_fail(err, RS_E_CHIP_FOREIGN, "%.100s: %.40s is locked with other contents", d->uri,
                      what);
        return -1;
    }
    if (rot == ROT_OK && d->cli->dry_run)
        return cli_would(d->cli, "lock %.40s of %.100s for good%s", what, d->uri,
                         state == ROT_SEAL_DONE ? " (it is locked already)" : "");
    if (rot == ROT_OK && state == ROT_SEAL_OPEN &&
        !cli_confirmed(d->cli, what, "What is locked in a chip stays locked."))
        return 1;
    if (rot == ROT_OK)
        rot = rot_seal_prepare(&d->chip, stage, d->object);
    if (rot == ROT_OK)
        rot = rot_seal(&d->chip, stage, d->object);
    if (rot != ROT_OK) {
        (void)chip_fail(d, rot, "lock", err);
        return -1;
    }
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:b}", "kind", "chip-lock", "name", what, "locked", 1);
        return cli_put_json(d->cli, j);
    }
    cli_say(d->cli, "%s %s is locked.", cli_sign(d->cli, 'y'), what);
    return 0;
}

/* ---- The verbs -------------------------------------------------------------------------------------------- */

/* Each gives an exit code, or -1 and err. */
static const struct {
    const char *verb;
    int wants_object;
    int (*run)(struct desk *d, struct rs_err *err);
} actions[] = {
    {"info", 0, chip_info},     {"layout", 0, chip_layout},
    {"genkey", 1, chip_genkey}, {"csr", 1, chip_csr},
    {"read", 1, chip_read},     {"write", 1, chip_write},
    {"sign", 1, chip_sign},     {"challenge", 1, chip_challenge},
    {"lock", 0, chip_lock},     {"reference", 1, chip_reference},
};

int
verb_chip(struct cli *cli, const struct cli_args *args)
{
    struct desk *d = calloc(1, sizeof(*d));
    const char *object = args->word_count > 0 ? args->words[0] : "idevid";
    struct rs_err err = {0};
    int code = -1;

    if (d == NULL)
        return 5;
    d->cli = cli;
    d->args = args;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].verb, args->verb->verb) != 0)
            continue;
        if (actions[i].wants_object && rot_object_parse(object, &d->object) != ROT_OK) {
            code = cli_usage(cli, "an object is idevid, ldevid/0, trust/0, firmware/0...");
        } else if (open_desk(d, &err) == RS_OK) {
            code = actions[i].run(d, &err);
            rot_close(&d->chip);
            rot_linux_close(&d->lin);
        }
        break;
    }
    free(d);
    return code >= 0 ? code : cli_fail(cli, "The chip was not used", &err);
}

static int
add_found(void *arg, const char *name)
{
    json_t *items = arg;
    struct rot_linux lin;
    struct rot_chip chip;
    struct rot_identity id;
    char uri[64];
    unsigned bus;

    if (strcmp(name, "tpmrm0") == 0)
        (void)snprintf(uri, sizeof(uri), "tpm");
    else if (sscanf(name, "i2c-%u", &bus) == 1)
        (void)snprintf(uri, sizeof(uri), "i2c:%u:0x60", bus);
    else
        return 0;
    memset(&lin, 0, sizeof(lin));
    if (rot_linux_open(&lin, uri) == ROT_OK && rot_open(&chip, &lin.setup) == ROT_OK) {
        if (rot_identify(&chip, &id) == ROT_OK)
            (void)json_array_append_new(items, json_pack("{s:s, s:s, s:s}", "name", uri, "vendor",
                                                         id.vendor, "model", id.model));
        rot_close(&chip);
    }
    rot_linux_close(&lin);
    return 0;
}

/* The TPM of this machine; every I2C bus, at the address that parts have when they are new. */
int
verb_chip_scan(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"NAME", "name"}, {"VENDOR", "vendor"}, {"MODEL", "model"}};
    RS_AUTO(rs_json_done) json_t *items = json_array(), *out = NULL;
    struct rs_err err = {0};

    (void)args;
    if (rs_dir_list("/dev", add_found, items, &err) != RS_OK)
        return cli_fail(cli, "Not scanned", &err);
    if (cli->json) {
        out = json_pack("{s:O, s:n}", "items", items, "next");
        return cli_put_json(cli, out);
    }
    cli_put_table(cli, items, columns, 3);
    return 0;
}
