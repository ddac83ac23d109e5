/*
 * cert.c: one certificate or CRL: shown, downloaded, verified, revoked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/cli.h"
#include "crypto/hash.h"
#include "x509/cert.h"

#define FILE_MAX 65536

static rs_code
get(struct cli *cli, const char *collection, const char *name, const char *action,
    json_t **ret_json, struct rs_err *err)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "/api/v1/%s/%.120s%s", collection, name, action);
    return cli_call(cli, "GET", path, NULL, ret_json, err);
}

static const char *
until_of(const json_t *j)
{
    return rs_json_text_or(j, "until", "never");
}

static long long
number(const json_t *j, const char *name)
{
    return (long long)json_integer_value(json_object_get(j, name));
}

/* ---- Certificates ------------------------------------------------------------------------- */

int
verb_cert_show(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};

    if (get(cli, "certificates", args->words[0], "", &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json)
        return cli_put_json(cli, j);
    cli_say(cli, "%s   %s\n", rs_json_text_or(j, "serial", ""), rs_json_text_or(j, "status", ""));
    cli_field(cli, "subject", "%s", rs_json_text_or(j, "subject", ""));
    cli_field(cli, "issuer", "%s, profile %s", rs_json_text_or(j, "issuer", ""),
              rs_json_text_or(j, "profile", ""));
    cli_field(cli, "valid", "%s to %s", rs_json_text_or(j, "from", ""), until_of(j));
    if (rs_json_text_or(j, "device", "")[0] != '\0')
        cli_field(cli, "device", "%s, %s", rs_json_text_or(j, "device", ""),
                  rs_json_text_or(j, "object", ""));
    if (rs_json_text_or(j, "revoked", NULL) != NULL)
        cli_field(cli, "revoked", "%s, reason %lld", rs_json_text_or(j, "revoked", ""),
                  number(j, "reason"));
    cli_field(cli, "ledger", "entry %lld", number(j, "ledger"));
    return 0;
}

/* To the file, or to stdout as it is. */
static int
put_bytes(struct cli *cli, struct rs_bytes bytes)
{
    if (cli->output != NULL)
        return cli_write_file(cli, cli->output, bytes, 0644);
    (void)fwrite(bytes.p, 1, bytes.len, stdout);
    return 0;
}

int
verb_cert_download(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};
    const json_t *chain;

    RS_AUTO(rs_buf_done) struct rs_buf pem;
    rs_buf_init(&pem, FILE_MAX);
    if (get(cli, "certificates", args->words[0], "", &j, &err) != RS_OK)
        return cli_fail(cli, "Not downloaded", &err);
    if (cli->json)
        return cli_put_json(cli, j);
    chain = json_object_get(j, "chain_pem");
    rs_buf_put_str(&pem, rs_json_text_or(j, "pem", ""));
    for (size_t i = 0; i + 1 < json_array_size(chain); i++)
        rs_buf_put_str(&pem, json_string_value(json_array_get(chain, i)));
    return put_bytes(cli, rs_buf_bytes(&pem));
}

/* The first certificate of a file, PEM or DER. */
static rs_code
read_cert(const char *path, struct rs_buf *ret_der, struct rs_err *err)
{
    struct rs_bytes text;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf file;
    rs_buf_init(&file, FILE_MAX);
    rc = rs_file_read(path, FILE_MAX, &file, err);
    text = rs_buf_bytes(&file);
    if (rc == RS_OK && cert_next_pem(&text, "CERTIFICATE", ret_der, NULL) != RS_OK) {
        rs_buf_reset(ret_der);
        rs_buf_put_bytes(ret_der, rs_buf_bytes(&file));
    }
    return rc;
}

/* Did we issue exactly these bytes, and are they good now?  Answers yes (0) or no (3). */
int
verb_cert_verify(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *j = NULL, *out = NULL;
    char serial[2 * 20 + 1] = "";
    struct rs_err err = {0};
    struct rs_bytes text;
    struct cert cert;
    const char *state = "unknown";
    rs_code rc;
    int good;

    RS_AUTO(rs_buf_done) struct rs_buf der, ours;
    rs_buf_init(&der, FILE_MAX);
    rs_buf_init(&ours, FILE_MAX);
    rc = read_cert(args->words[0], &der, &err);
    if (rc == RS_OK)
        rc = cert_read(rs_buf_bytes(&der), &cert, &err);
    if (rc != RS_OK)
        return cli_fail(cli, "Not verified", &err);
    rs_hex(cert.serial, serial, sizeof(serial));
    rc = get(cli, "certificates", serial, "", &j, &err);
    if (rc != RS_OK && rc != RS_E_CERT_UNKNOWN && rc != RS_E_REQUEST_FORMAT)
        return cli_fail(cli, "Not verified", &err);
    text = rs_bytes_str(rs_json_text_or(j, "pem", ""));
    if (rc == RS_OK && cert_next_pem(&text, "CERTIFICATE", &ours, NULL) == RS_OK &&
        rs_bytes_equal(rs_buf_bytes(&ours), rs_buf_bytes(&der)))
        state = rs_json_text_or(j, "status", "unknown");
    if (strcmp(state, "good") == 0 && rs_now() > cert.not_after)
        state = "expired";
    good = strcmp(state, "good") == 0;
    if (cli->json) {
        out = json_pack("{s:s, s:b, s:s, s:s}", "kind", "certificate-check", "ok", good, "serial",
                        serial, "status", state);
        (void)cli_put_json(cli, out);
        return good ? 0 : 3;
    }
    cli_say(cli, "%s %s is %s.", cli_sign(cli, good ? 'y' : 'n'), serial,
            strcmp(state, "unknown") == 0 ? "not one that was issued here" : state);
    cli_field(cli, "check it", "openssl verify -CAfile root.pem -untrusted chain.pem %.120s",
              args->words[0]);
    return good ? 0 : 3;
}

int
verb_cert_revoke(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *cert = NULL, *body = NULL, *j = NULL;
    struct rs_err err = {0};
    const char *serial;
    char path[200];

    if (cli->reason == NULL)
        return cli_usage(cli, "cert revoke needs --reason TEXT: it goes into the ledger");
    if (get(cli, "certificates", args->words[0], "", &cert, &err) != RS_OK)
        return cli_fail(cli, "Not revoked", &err);
    serial = rs_json_text_or(cert, "serial", "");
    if (strcmp(rs_json_text_or(cert, "status", ""), "good") != 0) {
        (void)rs_fail(&err, RS_E_CERT_REVOKED, "%s is not good any more", serial);
        return cli_fail(cli, "Not revoked", &err);
    }
    if (cli->dry_run)
        return cli_would(cli, "revoke certificate %s for good", serial);
    if (!cli_confirmed(cli, serial, "This ends the certificate for good."))
        return 1;
    body = json_pack("{s:s}", "reason", cli->reason);
    (void)snprintf(path, sizeof(path), "/api/v1/certificates/%.60s/revoke", serial);
    if (cli_call(cli, "POST", path, body, &j, &err) != RS_OK)
        return cli_fail(cli, "Not revoked", &err);
    if (cli->json)
        return cli_put_json(cli, j);
    cli_say(cli, "  %s revoked   1 certificate, reason privilegeWithdrawn", cli_sign(cli, 'y'));
    cli_say(cli, "  %s visible   OCSP now, CRL %s #%lld", cli_sign(cli, 'y'),
            rs_json_text_or(j, "issuer", ""),
            number(json_object_get(json_object_get(j, "visible"), "crl"), "number"));
    return 0;
}

/* ---- CRLs ------------------------------------------------------------------------------------ */

int
verb_crl_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {{"NAME", "name"},
                                                {"NUMBER", "number"},
                                                {"ENTRIES", "entries"},
                                                {"FROM", "from"},
                                                {"NEXT", "next"}};

    (void)args;
    return cli_list(cli, "/api/v1/crls", columns, 5);
}

int
verb_crl_show(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};

    if (get(cli, "crls", args->words[0], "", &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json)
        return cli_put_json(cli, j);
    cli_say(cli, "%s   #%lld\n", rs_json_text_or(j, "name", ""), number(j, "number"));
    cli_field(cli, "entries", "%lld", number(j, "entries"));
    cli_field(cli, "from", "%s", rs_json_text_or(j, "from", ""));
    cli_field(cli, "next", "%s", rs_json_text_or(j, "next", ""));
    return 0;
}

int
verb_crl_download(struct cli *cli, const struct cli_args *args)
{
    struct web_request ask = {.method = "GET"};
    struct rs_err err = {0};
    char path[200];
    rs_code rc = cli_connect(cli, &err);

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    (void)snprintf(path, sizeof(path), "/api/v1/crls/%.120s/file", args->words[0]);
    ask.path = path;
    if (rc == RS_OK)
        rc = web_call(cli->web, &ask, &reply, &err);
    if (rc == RS_OK)
        rc = web_check(&reply, &err);
    return rc == RS_OK ? put_bytes(cli, rs_buf_bytes(&reply.body))
                       : cli_fail(cli, "Not downloaded", &err);
}

/* ---- Reports of the line ---------------------------------------------------------------------- */

int
verb_order_report(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};
    int explained;

    if (get(cli, "orders", args->words[0], "/report", &j, &err) != RS_OK)
        return cli_fail(cli, "No report", &err);
    explained = json_is_true(json_object_get(j, "explained"));
    if (cli->json) {
        int code = cli_put_json(cli, j);
        return code != 0 ? code : explained ? 0 : 3;
    }
    cli_say(cli, "%s   %s      %lld units need an explanation\n", args->words[0],
            rs_json_text_or(j, "product", ""), number(j, "unfinished"));
    cli_field(cli, "allowed", "%lld", number(j, "allowed"));
    cli_field(cli, "signed", "%lld", number(j, "signed"));
    cli_field(cli, "good", "%lld   verified by challenge after locking", number(j, "good"));
    cli_field(cli, "scrapped", "%lld   identity used", number(j, "scrapped"));
    cli_field(cli, "rejected", "%lld   no identity used", number(j, "rejected"));
    for (size_t i = 0; i < json_array_size(json_object_get(j, "unfinished_devices")); i++)
        cli_say(cli, "  %s signed, neither good nor scrapped: %s", cli_sign(cli, 'n'),
                json_string_value(json_array_get(json_object_get(j, "unfinished_devices"), i)));
    return explained ? 0 : 3;
}

int
verb_station_show(struct cli *cli, const struct cli_args *args)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    struct rs_err err = {0};

    if (get(cli, "stations", args->words[0], "", &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json)
        return cli_put_json(cli, j);
    cli_say(cli, "%s   %s\n", rs_json_text_or(j, "name", ""), rs_json_text_or(j, "state", ""));
    cli_field(cli, "since", "%s", rs_json_text_or(j, "updated", ""));
    return 0;
}
