/*
 * order.c: work orders: written, signed and sent by the person who decides.
 *
 * The document is signed here with the person's own key; the server and the
 * signer only pass it on and believe it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/json.h"
#include "cli/cli.h"
#include "crypto/hash.h"
#include "crypto/key.h"
#include "keys/doc.h"

#define STATIONS_MAX DOC_LIST_MAX

static rs_code
fetch(struct cli *cli, const char *collection, const char *name, json_t **ret_json,
      struct rs_err *err)
{
    char path[200];

    (void)snprintf(path, sizeof(path), "/api/v1/%s/%.120s", collection, name);
    return cli_call(cli, "GET", path, NULL, ret_json, err);
}

/* ---- Signing and sending --------------------------------------------------------------------- */

static json_t *
json_b64(struct rs_bytes bytes)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, 65536);
    rs_base64_put(&b, bytes, 0);
    return json_stringn((const char *)b.p, b.len);
}

rs_code
cli_approve(struct cli *cli, const char *kind, struct rs_bytes name, struct rs_bytes document,
            json_t **ret_body, struct rs_err *err)
{
    uint8_t sig[CRYPTO_SIGNATURE_MAX], hash[32];
    char hash_hex[65];
    struct crypto_key *key;
    size_t len;
    rs_code rc = cli_load_key(cli, &key, err);

    RS_AUTO(rs_buf_done) struct rs_buf message;
    rs_buf_init(&message, 1024);
    if (rc != RS_OK)
        return rc;
    doc_approval_message(kind, name, document, &message);
    rc = crypto_sign(key, rs_buf_bytes(&message), sig, sizeof(sig), &len, err);
    crypto_sha256(crypto_key_pub(key)->spki, hash);
    crypto_key_free(key);
    if (rc != RS_OK)
        return rc;
    rs_hex(RS_BYTES(hash), hash_hex, sizeof(hash_hex));
    *ret_body = json_pack("{s:o, s:[{s:s, s:o}]}", "document", json_b64(document), "approvals",
                          "key", hash_hex, "signature", json_b64(rs_bytes_of(sig, len)));
    return RS_OK;
}

static rs_code
send_order(struct cli *cli, const struct doc_order *doc, json_t **ret_json, struct rs_err *err)
{
    char path[200];
    json_t *body = NULL;
    rs_code rc = doc_order_check(doc, err);

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rs_buf_init(&document, DOC_BYTES_MAX);
    doc_order_put(&document, doc);
    if (cli->dry_run) /* signed and sent by nobody: the document itself is the answer */
        *ret_json = NULL;
    if (rc != RS_OK || cli->dry_run)
        return rc;
    rc = cli_context_load(cli, err);
    if (rc == RS_OK)
        rc = cli_approve(cli, "order", doc->name, rs_buf_bytes(&document), &body, err);
    if (rc != RS_OK)
        return rc;
    (void)snprintf(path, sizeof(path), "/api/v1/orders/%.*s", (int)doc->name.len,
                   (const char *)doc->name.p);
    rc = cli_call(cli, "PUT", path, body, ret_json, err);
    json_decref(body);
    return rc;
}

/* ---- create -------------------------------------------------------------------------------------- */

struct creating {
    struct cli *cli;
    struct doc_order doc;
    char name[64], hash_room[65];
    uint8_t profile_hash[32];
    const char *stations;
    json_t *product, *profile;
};

/* "sz-1,sz-2": the quantity is shared out evenly, the first stations getting what is left over. */
static int
take_stations(struct creating *c)
{
    const char *p = c->stations;
    struct doc_order *d = &c->doc;

    while (*p != '\0' && d->share_count < STATIONS_MAX) {
        size_t n = strcspn(p, ",");
        if (n > 0)
            d->shares[d->share_count++].station = rs_bytes_of(p, n);
        p += n + (p[n] == ',');
    }
    if (d->share_count == 0 || *p != '\0')
        return 0;
    for (size_t i = 0; i < d->share_count; i++)
        d->shares[i].size = d->quantity / d->share_count + (i < d->quantity % d->share_count);
    return 1;
}

/* The next free number: sensor-x2-0007. */
static rs_code
next_name(struct creating *c, const char *product, struct rs_err *err)
{
    json_t *list = NULL;
    size_t n, len = strlen(product);
    long highest = 0;
    rs_code rc = cli_call(c->cli, "GET", "/api/v1/orders", NULL, &list, err);

    if (rc != RS_OK)
        return rc;
    n = json_array_size(json_object_get(list, "items"));
    for (size_t i = 0; i < n; i++) {
        const char *name =
            rs_json_text_or(json_array_get(json_object_get(list, "items"), i), "name", "");
        if (strncmp(name, product, len) == 0 && name[len] == '-') {
            long number = strtol(name + len + 1, NULL, 10);
            if (number > highest)
                highest = number;
        }
    }
    json_decref(list);
    (void)snprintf(c->name, sizeof(c->name), "%.50s-%04ld", product, highest + 1);
    return RS_OK;
}

static rs_code
fill(struct creating *c, const char *product, const char *name, struct rs_err *err)
{
    struct doc_order *d = &c->doc;
    size_t len;
    rs_code rc = fetch(c->cli, "products", product, &c->product, err);

    if (rc == RS_OK)
        rc = fetch(c->cli, "profiles", rs_json_text_or(c->product, "profile", "idevid"),
                   &c->profile, err);
    if (rc == RS_OK)
        rc = rs_json_hex(c->profile, "hash", c->profile_hash, 32, &len, err);
    if (rc == RS_OK && name == NULL)
        rc = next_name(c, product, err);
    else if (rc == RS_OK)
        (void)snprintf(c->name, sizeof(c->name), "%.63s", name);
    if (rc != RS_OK)
        return rc;
    d->name = rs_bytes_str(c->name);
    d->product = rs_bytes_str(product);
    d->product_version = (uint64_t)json_integer_value(json_object_get(c->product, "version"));
    d->issuer = rs_bytes_str(rs_json_text_or(c->product, "issuer", ""));
    d->profile = rs_bytes_str(rs_json_text_or(c->product, "profile", "idevid"));
    d->profile_hash = RS_BYTES(c->profile_hash);
    d->rot = rs_bytes_str(rs_json_text_or(c->product, "rot", ""));
    d->layout = rs_bytes_str(rs_json_text_or(c->product, "layout", ""));
    d->provenance = rs_bytes_str(rs_json_text_or(c->product, "provenance", ""));
    d->serial_match = rs_bytes_str(rs_json_text_or(c->product, "serials", ""));
    d->state = DOC_ORDER_OPEN;
    d->created_at = rs_now_ms();
    d->valid_from = rs_now() - 300;
    return RS_OK;
}

static int
report(struct creating *c, json_t *j)
{
    struct cli *cli = c->cli;
    char until[RS_TIME_TEXT_SIZE] = "never", next[200];

    if (cli->json)
        return cli_put_json(cli, j);
    if (c->doc.valid_until != INT64_MAX)
        rs_time_text(c->doc.valid_until, until);
    cli_say(cli, "Order %s is open.\n", c->name);
    cli_field(cli, "product", "%.*s v%llu on %.*s", (int)c->doc.product.len,
              (const char *)c->doc.product.p, (unsigned long long)c->doc.product_version,
              (int)c->doc.rot.len, (const char *)c->doc.rot.p);
    cli_field(cli, "makes", "%llu identities at most, scrap included; %llu good boards wanted",
              (unsigned long long)c->doc.quantity, (unsigned long long)c->doc.target);
    cli_field(cli, "IDevID", "%.*s, profile %.*s", (int)c->doc.issuer.len,
              (const char *)c->doc.issuer.p, (int)c->doc.profile.len,
              (const char *)c->doc.profile.p);
    cli_field(cli, "stations", "%s   online", c->stations);
    cli_field(cli, "valid", "until %s", until);
    (void)snprintf(next, sizeof(next), "rootsmith-station run --order %s", c->name);
    cli_next(cli, next, NULL, NULL);
    return 0;
}

int
verb_order_create(struct cli *cli, const struct cli_args *args)
{
    const char *product = cli_option(args, "product"), *until = cli_option(args, "until");
    struct creating c = {.cli = cli, .stations = cli_option(args, "stations")};
    struct rs_err err = {0};
    int64_t quantity, target;
    json_t *j = NULL;
    int code = 2;
    rs_code rc;

    if (!cli_number(cli, args, "quantity", 0, &quantity) ||
        !cli_number(cli, args, "target", quantity, &target))
        return 2;
    if (product == NULL || quantity == 0 || c.stations == NULL)
        return cli_usage(cli, "order create needs --product, --quantity and --stations");
    c.doc.quantity = (uint64_t)quantity;
    c.doc.target = (uint64_t)target;
    c.doc.valid_until = INT64_MAX;
    if (until != NULL && !rs_date_read(until, &c.doc.valid_until)) {
        int64_t life;
        if (!rs_duration_read(until, &life))
            return cli_usage(cli, "--until takes 2027-01-31, 90d, 10y or never");
        c.doc.valid_until = rs_now() + life;
    }
    if (!take_stations(&c))
        return cli_usage(cli, "--stations takes 1 to 16 names with commas between");
    rc = fill(&c, product, cli_option(args, "name"), &err);
    if (rc == RS_OK)
        rc = send_order(cli, &c.doc, &j, &err);
    if (rc == RS_OK && cli->dry_run)
        code = cli_would(cli, "open order %s: %llu identities at most", c.name,
                         (unsigned long long)c.doc.quantity);
    else
        code = rc == RS_OK ? report(&c, j) : cli_fail(cli, "Not ordered", &err);
    json_decref(j);
    json_decref(c.product);
    json_decref(c.profile);
    return code;
}

/* ---- list, show ------------------------------------------------------------------------------------- */

int
verb_order_list(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int code = 0;
    (void)args;

    if (cli_call(cli, "GET", "/api/v1/orders", NULL, &j, &err) != RS_OK)
        return cli_fail(cli, "No list", &err);
    if (cli->json) {
        code = cli_put_json(cli, j);
        json_decref(j);
        return code;
    }
    (void)printf("%-24s  %-8s  %-16s  %8s  %8s  %8s\n", "NAME", "STATE", "PRODUCT", "QUANTITY",
                 "SIGNED", "GOOD");
    for (size_t i = 0; i < json_array_size(json_object_get(j, "items")); i++) {
        const json_t *o = json_array_get(json_object_get(j, "items"), i);
        const json_t *counts = json_object_get(o, "counts");
        (void)printf("%-24s  %-8s  %-16s  %8lld  %8lld  %8lld\n", rs_json_text_or(o, "name", ""),
                     rs_json_text_or(o, "state", ""), rs_json_text_or(o, "product", ""),
                     (long long)json_integer_value(json_object_get(o, "quantity")),
                     (long long)json_integer_value(json_object_get(counts, "signed")),
                     (long long)json_integer_value(json_object_get(counts, "good")));
    }
    json_decref(j);
    return 0;
}

static void
say_order(struct cli *cli, const json_t *o)
{
    const json_t *counts = json_object_get(o, "counts");

    cli_say(cli, "%s   %s   %s\n", rs_json_text_or(o, "name", ""),
            rs_json_text_or(o, "product", ""), rs_json_text_or(o, "state", ""));
    cli_field(cli, "allowed", "%lld",
              (long long)json_integer_value(json_object_get(o, "quantity")));
    cli_field(cli, "signed", "%lld",
              (long long)json_integer_value(json_object_get(counts, "signed")));
    cli_field(cli, "good", "%lld of %lld wanted",
              (long long)json_integer_value(json_object_get(counts, "good")),
              (long long)json_integer_value(json_object_get(o, "target")));
    cli_field(cli, "scrapped", "%lld",
              (long long)json_integer_value(json_object_get(counts, "scrapped")));
    cli_field(cli, "rejected", "%lld",
              (long long)json_integer_value(json_object_get(counts, "rejected")));
}

int
verb_order_show(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int code = 0;

    if (fetch(cli, "orders", args->words[0], &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    say_order(cli, j);
    json_decref(j);
    return code;
}

/* ---- raise, pause, resume, close ---------------------------------------------------------------------- */

/* The signed document in force, changed and signed again. */
static rs_code
change(struct cli *cli, const struct cli_args *args, const char *verb, json_t **ret_json,
       struct rs_err *err)
{
    json_t *now = NULL;
    struct doc_order doc;
    int64_t to;
    rs_code rc = fetch(cli, "orders", args->words[0], &now, err);

    RS_AUTO(rs_buf_done) struct rs_buf document;
    rs_buf_init(&document, DOC_BYTES_MAX);
    if (rc == RS_OK &&
        !rs_base64_read(rs_bytes_str(rs_json_text_or(now, "document", "")), &document))
        rc = rs_fail(err, RS_E_REQUEST_FORMAT, "the server's order cannot be read");
    json_decref(now);
    if (rc == RS_OK)
        rc = doc_order_read(rs_buf_bytes(&document), &doc, err);
    if (rc != RS_OK)
        return rc;
    doc.created_at = rs_now_ms();
    if (strcmp(verb, "raise") == 0) {
        if (!cli_number(cli, args, "to", 0, &to) || to <= (int64_t)doc.quantity)
            return rs_fail(err, RS_E_USAGE, "--to must be above %llu",
                           (unsigned long long)doc.quantity);
        doc.shares[0].size += (uint64_t)to - doc.quantity;
        doc.quantity = (uint64_t)to;
    } else {
        doc.state = strcmp(verb, "pause") == 0    ? DOC_ORDER_PAUSED
                    : strcmp(verb, "resume") == 0 ? DOC_ORDER_OPEN
                                                  : DOC_ORDER_CLOSED;
    }
    return send_order(cli, &doc, ret_json, err);
}

int
verb_order_change(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int code = 0;

    if (change(cli, args, args->verb->verb, &j, &err) != RS_OK)
        return cli_fail(cli, "Not changed", &err);
    if (cli->dry_run)
        return cli_would(cli, "%s order %.60s", args->verb->verb, args->words[0]);
    if (cli->json)
        code = cli_put_json(cli, j);
    say_order(cli, j);
    json_decref(j);
    return code;
}
