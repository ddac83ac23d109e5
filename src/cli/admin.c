/*
 * admin.c: CAs, profiles, products, stations, devices, certificates, CRLs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/cli.h"
#include "x509/cert.h"

#define COLUMNS_MAX 8

/* ---- Lists and objects -------------------------------------------------------------------------- */

static const char *
text_at(const json_t *j, const char *path, char *room, size_t cap)
{
    while (j != NULL && *path != '\0') {
        char key[48];
        size_t n = strcspn(path, ".");
        (void)snprintf(key, sizeof(key), "%.*s", (int)n, path);
        j = json_object_get(j, key);
        path += n + (path[n] == '.');
    }
    if (json_is_string(j))
        return json_string_value(j);
    if (json_is_integer(j))
        (void)snprintf(room, cap, "%lld", (long long)json_integer_value(j));
    else if (json_is_null(j))
        (void)snprintf(room, cap, "never");
    else
        room[0] = '\0';
    return room;
}

size_t
cli_text_width(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

size_t
cli_columns_that_fit(const size_t *widths, size_t count, size_t room)
{
    size_t used = 0;

    for (size_t c = 0; c < count; c++) {
        used += widths[c] + (c > 0 ? 2 : 0);
        if (c > 0 && used > room)
            return c;
    }
    return count;
}

/* Characters in a line; no end where nobody looks, or everything is wanted. */
size_t
cli_line_room(const struct cli *cli)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (cli->wide || !isatty(STDOUT_FILENO))
        return SIZE_MAX;
    if (columns != NULL && atoi(columns) > 0)
        return (size_t)atoi(columns);
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void
put_cell(const char *text, size_t width, int last)
{
    size_t n = cli_text_width(text);

    (void)printf("%s%*s", text, last ? 0 : (int)(width > n ? width - n : 0) + 2, "");
    if (last)
        (void)fputc('\n', stdout);
}

void
cli_put_table(const struct cli *cli, const json_t *items, const struct cli_column *columns,
              size_t count)
{
    size_t widths[COLUMNS_MAX], n = json_array_size(items);
    char room[64];

    for (size_t c = 0; c < count; c++) {
        widths[c] = strlen(columns[c].title);
        for (size_t i = 0; i < n; i++) {
            size_t len =
                cli_text_width(text_at(json_array_get(items, i), columns[c].member, room, 64));
            if (len > widths[c])
                widths[c] = len;
        }
    }
    count = cli_columns_that_fit(widths, count, cli_line_room(cli));
    (void)fputs(cli->color ? "\033[1m" : "", stdout);
    for (size_t c = 0; c < count; c++)
        put_cell(columns[c].title, widths[c], c + 1 == count);
    (void)fputs(cli->color ? "\033[0m" : "", stdout);
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < count; c++)
            put_cell(text_at(json_array_get(items, i), columns[c].member, room, 64), widths[c],
                     c + 1 == count);
    }
}

int
cli_list(struct cli *cli, const char *path, const struct cli_column *columns, size_t count)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int code = 0;

    if (cli_call(cli, "GET", path, NULL, &j, &err) != RS_OK)
        return cli_fail(cli, "No list", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    else
        cli_put_table(cli, json_object_get(j, "items"), columns, count);
    json_decref(j);
    return code;
}

static rs_code
get(struct cli *cli, const char *collection, const char *name, json_t **ret_json,
    struct rs_err *err)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "/api/v1/%s/%.120s", collection, name);
    return cli_call(cli, "GET", path, NULL, ret_json, err);
}

/* ---- ca, profile --------------------------------------------------------------------------------- */

int
verb_ca_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"NAME", "name"}, {"PARENT", "parent"}, {"UNTIL", "until"}, {"SUBJECT", "subject"}};

    (void)args;
    return cli_list(cli, "/api/v1/cas", columns, 4);
}

int
verb_ca_show(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    char room[64];
    int code = 0;

    if (get(cli, "cas", args->words[0], &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    cli_say(cli, "%s\n", text_at(j, "name", room, 64));
    cli_field(cli, "subject", "%s", text_at(j, "subject", room, 64));
    cli_field(cli, "parent", "%s", text_at(j, "parent", room, 64));
    cli_field(cli, "until", "%s", text_at(j, "until", room, 64));
    if (!cli->json)
        (void)fputs(rs_json_text_or(j, "pem", ""), stdout);
    json_decref(j);
    return code;
}

int
verb_ca_chain(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    char name[64];
    int code = 0;

    RS_AUTO(rs_buf_done) struct rs_buf out;
    rs_buf_init(&out, 65536);
    (void)snprintf(name, sizeof(name), "%.63s", args->words[0]);
    while (name[0] != '\0') {
        json_t *j = NULL;
        if (get(cli, "cas", name, &j, &err) != RS_OK)
            return cli_fail(cli, "No chain", &err);
        rs_buf_put_str(&out, rs_json_text_or(j, "pem", ""));
        (void)snprintf(name, sizeof(name), "%.63s", rs_json_text_or(j, "parent", ""));
        json_decref(j);
    }
    if (cli->output != NULL)
        code = cli_write_file(cli, cli->output, rs_buf_bytes(&out), 0644);
    else
        (void)fwrite(out.p, 1, out.len, stdout);
    return code;
}

int
verb_profile_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"NAME", "name"}, {"VERSION", "version"}, {"HASH", "hash"}};

    (void)args;
    return cli_list(cli, "/api/v1/profiles", columns, 3);
}

static int
show_raw(struct cli *cli, const char *collection, const char *name)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    int code = 0;

    if (get(cli, collection, name, &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    else if (json_dumpf(j, stdout, JSON_INDENT(2)) == 0)
        (void)fputc('\n', stdout);
    json_decref(j);
    return code;
}

int
verb_profile_show(struct cli *cli, const struct cli_args *args)
{
    return show_raw(cli, "profiles", args->words[0]);
}

/* ---- product --------------------------------------------------------------------------------------- */

struct product_file {
    const char *kind, *name, *rot, *layout, *issuer, *profile, *serials, *ldevid, *ldevid_issuer;
    int64_t provenance;
};

static const char *const provenances[] = {"known", "attested", "vendor", "station", NULL};

static const char *const provenance_text[] = {
    "vendor where the server knows the chip's maker, else the station's word",
    "attested: the chip says that its key was made in it", "vendor: the chip proves its maker",
    "station: the station's word"};

static const struct rs_config_field product_schema[] = {
    {.name = "kind",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct product_file, kind),
     .otherwise = "product",
     .min = 7,
     .max = 7},
    {.name = "name", .type = RS_CONFIG_NAME, .at = offsetof(struct product_file, name)},
    {.name = "rot",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct product_file, rot),
     .required = 1,
     .help = "chip model: atecc608b, tpm2, soft"},
    {.name = "layout",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct product_file, layout),
     .otherwise = "",
     .max = 63},
    {.name = "issuer",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct product_file, issuer),
     .required = 1},
    {.name = "profile",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct product_file, profile),
     .otherwise = "idevid"},
    {.name = "serials",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct product_file, serials),
     .otherwise = "",
     .max = 63,
     .help = "pattern: # one digit, ? one character, * any text"},
    {.name = "provenance",
     .type = RS_CONFIG_CHOICE,
     .at = offsetof(struct product_file, provenance),
     .otherwise = "known",
     .choices = provenances,
     .help = "what a chip must prove: attested, vendor, station (nothing); known: vendor where its "
             "maker is configured"},
    {.name = "ldevid",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct product_file, ldevid),
     .otherwise = "",
     .max = 63,
     .help = "profile of what its devices enrol for by themselves; default: ldevid"},
    {.name = "ldevid_issuer",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct product_file, ldevid_issuer),
     .otherwise = "",
     .max = 63,
     .help = "CA of those; default: issuer"},
    {.name = NULL},
};

/* "product/sensor-x2.yaml" -> "sensor-x2" */
static void
name_of_file(const char *path, char name[64])
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    size_t n = strcspn(base, ".");

    (void)snprintf(name, 64, "%.*s", (int)(n < 63 ? n : 63), base);
}

/*
 * What this version has a driver and a recipe for: found out here, not at the first board.
 * ta100-placeholder is a simulator and never silicon (docs/chips/ta100.md).
 */
static const char *const known_chips[] = {
    "atecc608a",   "atecc608b",   "optiga-trust-m1", "optiga-trust-m3",
    "se050",       "se051",       "se052",           "soft",
    "stsafe-a100", "stsafe-a110", "stsafe-a120",     "ta100-placeholder",
    "tpm2"};
#define KNOWN_CHIPS (sizeof(known_chips) / sizeof(known_chips[0]))

static int
is_known_chip(const char *rot)
{
    for (size_t i = 0; i < KNOWN_CHIPS; i++) {
        if (strcmp(known_chips[i], rot) == 0)
            return 1;
    }
    return 0;
}

#define UNKNOWN_CHIP 320

static const char *
unknown_chip(const char *rot, char out[UNKNOWN_CHIP])
{
    const char *nearest = rs_nearest(rot, known_chips, KNOWN_CHIPS);
    size_t at;

    if (nearest != NULL) {
        (void)snprintf(out, UNKNOWN_CHIP, "unknown chip \"%.40s\"; did you mean \"%s\"?", rot,
                       nearest);
        return out;
    }
    at = (size_t)snprintf(out, UNKNOWN_CHIP, "unknown chip \"%.40s\"; known", rot);
    for (size_t i = 0; i < KNOWN_CHIPS; i++)
        at += (size_t)snprintf(out + at, UNKNOWN_CHIP - at, "%s %s", i == 0 ? ":" : ",",
                               known_chips[i]);
    return out;
}

static int
take_provenance(const char *text, int64_t *ret)
{
    for (int64_t i = 0; text != NULL && provenances[i] != NULL; i++) {
        if (strcmp(provenances[i], text) == 0) {
            *ret = i;
            return 1;
        }
    }
    return text == NULL;
}

static int
product_of_options(const struct cli_args *args, struct product_file *p)
{
    char text[UNKNOWN_CHIP];

    *p = (struct product_file){.rot = cli_option(args, "rot"),
                               .issuer = cli_option(args, "issuer"),
                               .profile = cli_option(args, "profile"),
                               .layout = cli_option(args, "layout"),
                               .serials = cli_option(args, "serials"),
                               .ldevid = cli_option(args, "ldevid"),
                               .ldevid_issuer = cli_option(args, "ldevid-issuer")};
    if (!take_provenance(cli_option(args, "provenance"), &p->provenance))
        (void)fputs("--provenance is attested, vendor or station\n", stderr);
    else if (p->issuer == NULL)
        (void)fputs("product set needs --issuer CA. See: rootsmith ca list\n", stderr);
    else if (!is_known_chip(p->rot))
        (void)fprintf(stderr, "--rot: %s\n", unknown_chip(p->rot, text));
    else
        return 1;
    return 0;
}

/* From a file, or from options; 0 and messages when it is wrong. */
static int
read_product(struct cli *cli, const struct cli_args *args, struct product_file *p, char name[64])
{
    struct rs_config_errors errors;
    struct rs_config_file *file;
    char text[UNKNOWN_CHIP];

    RS_AUTO(rs_buf_done) struct rs_buf messages;
    rs_buf_init(&messages, 65536);
    rs_config_errors_init(&errors, &cli->arena);
    name_of_file(args->words[0], name);
    if (cli_option(args, "rot") != NULL)
        return product_of_options(args, p);
    if (rs_config_load_file(&cli->arena, args->words[0], product_schema, p, &file, &errors) == 0) {
        if (p->name != NULL && strcmp(p->name, name) != 0)
            rs_config_complain(&errors, file, "name", "file name and name must agree (\"%s\")",
                               name);
        if (!is_known_chip(p->rot))
            rs_config_complain(&errors, file, "rot", "%s", unknown_chip(p->rot, text));
    }
    if (errors.count == 0)
        return 1;
    rs_config_errors_put(&errors, &messages);
    (void)fwrite(messages.p, 1, messages.len, stderr);
    (void)fprintf(stderr, "%zu error%s in 1 of 1 files. Nothing was sent.\n", errors.count,
                  errors.count == 1 ? "" : "s");
    return 0;
}

int
verb_product_set(struct cli *cli, const struct cli_args *args)
{
    struct product_file p;
    struct rs_err err = {0};
    char name[64], path[128], next[200];
    json_t *body, *j = NULL;
    int code = 0;
    rs_code rc;

    if (!read_product(cli, args, &p, name))
        return 2;
    if (cli->dry_run) {
        if (get(cli, "cas", p.issuer, &j, &err) != RS_OK)
            return cli_fail(cli, "Not set", &err);
        json_decref(j);
        return cli_would(cli, "set product %s to %.60s by %.60s", name, p.rot, p.issuer);
    }
    body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "rot", p.rot, "issuer", p.issuer, "profile",
                     p.profile ? p.profile : "idevid", "layout", p.layout ? p.layout : "",
                     "serials", p.serials ? p.serials : "");
    if (p.provenance > 0)
        (void)json_object_set_new(body, "provenance", json_string(provenances[p.provenance]));
    if (p.ldevid != NULL && p.ldevid[0] != '\0')
        (void)json_object_set_new(body, "ldevid", json_string(p.ldevid));
    if (p.ldevid_issuer != NULL && p.ldevid_issuer[0] != '\0')
        (void)json_object_set_new(body, "ldevid_issuer", json_string(p.ldevid_issuer));
    (void)snprintf(path, sizeof(path), "/api/v1/products/%s", name);
    rc = cli_call(cli, "PUT", path, body, &j, &err);
    json_decref(body);
    if (rc != RS_OK)
        return cli_fail(cli, "Not set", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    json_decref(j);
    cli_say(cli, "Product %s is set.\n", name);
    cli_field(cli, "chip", "%s", p.rot);
    cli_field(cli, "issuer", "%s", p.issuer);
    cli_field(cli, "provenance", "%s", provenance_text[p.provenance]);
    (void)snprintf(next, sizeof(next),
                   "rootsmith order create --product %s --quantity N --stations S", name);
    cli_next(cli, next, NULL, NULL);
    return code;
}

int
verb_product_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"NAME", "name"}, {"VERSION", "version"}, {"CHIP", "rot"}, {"ISSUER", "issuer"}};

    (void)args;
    return cli_list(cli, "/api/v1/products", columns, 4);
}

int
verb_product_show(struct cli *cli, const struct cli_args *args)
{
    return show_raw(cli, "products", args->words[0]);
}

/* ---- station ------------------------------------------------------------------------------------------ */

int
verb_station_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"NAME", "name"}, {"STATE", "state"}, {"SINCE", "updated"}};

    (void)args;
    return cli_list(cli, "/api/v1/stations", columns, 3);
}

/* The code is made here and never leaves but on this screen: the server gets what is derived. */
int
verb_station_create(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    uint8_t id[32], key[32];
    char code[21], shown[25], id_hex[65], key_hex[65], path[128], next[200];
    json_t *body, *j = NULL;
    int exit_code = 0;
    rs_code rc = cli_new_code(code, &err);

    if (rc != RS_OK)
        return cli_fail(cli, "Not made", &err);
    cli_derive("rootsmith token id v1", code, id);
    cli_derive("rootsmith token key v1", code, key);
    rs_hex(RS_BYTES(id), id_hex, sizeof(id_hex));
    rs_hex(RS_BYTES(key), key_hex, sizeof(key_hex));
    body = json_pack("{s:s, s:s}", "token", id_hex, "key", key_hex);
    (void)snprintf(path, sizeof(path), "/api/v1/stations/%.60s", args->words[0]);
    rc = cli_call(cli, "PUT", path, body, &j, &err);
    json_decref(body);
    rs_wipe(key, sizeof(key));
    rs_wipe(key_hex, sizeof(key_hex));
    if (rc != RS_OK)
        return cli_fail(cli, "Not made", &err);
    cli_show_code(code, shown);
    if (cli->json) {
        (void)json_object_set_new(j, "token", json_string(shown));
        exit_code = cli_put_json(cli, j);
    }
    cli_say(cli, "Station %s may enrol, once, within 24 h.\n", args->words[0]);
    cli_field(cli, "token", "%s", shown);
    (void)snprintf(next, sizeof(next),
                   "rootsmith-station enroll https://HOST:8443 --name %s --token -",
                   args->words[0]);
    cli_next(cli, next, NULL, NULL);
    json_decref(j);
    return exit_code;
}

/* ---- token ------------------------------------------------------------------------------------------ */

/* What the code is for, as the server wants it; NULL and a message when it is wrong. */
static json_t *
token_body(struct cli *cli, const struct cli_args *args, const char *id)
{
    const char *product = cli_option(args, "product"), *until = cli_option(args, "until");
    const char *uses = cli_option(args, "uses");
    json_t *body = json_pack("{s:s}", "token", id);
    int64_t when = 0, life;

    if (product != NULL)
        (void)json_object_set_new(body, "product", json_string(product));
    if (uses != NULL)
        (void)json_object_set_new(body, "uses", json_integer(strtol(uses, NULL, 10)));
    if (until != NULL && !rs_date_read(until, &when)) {
        if (!rs_duration_read(until, &life) || life <= 0) {
            (void)cli_usage(cli, "--until takes 2027-01-31 or 90d");
            json_decref(body);
            return NULL;
        }
        when = rs_now() + life;
    }
    if (until != NULL)
        (void)json_object_set_new(body, "until", json_integer((json_int_t)when));
    return body;
}

int
verb_token_create(struct cli *cli, const struct cli_args *args)
{
    const char *device = cli_option(args, "device");
    struct rs_err err = {0};
    uint8_t id[32];
    char code[21], shown[25], id_hex[65], path[256];
    json_t *body, *j = NULL;
    int exit_code = 0;
    rs_code rc;

    if (device == NULL)
        return cli_usage(cli, "token create needs --device SERIAL");
    rc = cli_new_code(code, &err);
    if (rc != RS_OK)
        return cli_fail(cli, "Not made", &err);
    cli_derive("rootsmith token id v1", code, id);
    rs_hex(RS_BYTES(id), id_hex, sizeof(id_hex));
    body = token_body(cli, args, id_hex);
    if (body == NULL)
        return 2;
    (void)snprintf(path, sizeof(path), "/api/v1/devices/%.120s/token", device);
    rc = cli_call(cli, "PUT", path, body, &j, &err);
    json_decref(body);
    if (rc != RS_OK)
        return cli_fail(cli, "Not made", &err);
    cli_show_code(code, shown);
    if (cli->json) {
        (void)json_object_set_new(j, "token", json_string(shown));
        exit_code = cli_put_json(cli, j);
    }
    cli_say(cli, "Device %s may enrol with this code until %s.\n", device,
            rs_json_text_or(j, "until", "?"));
    cli_field(cli, "user", "%s", device);
    cli_field(cli, "code", "%s", shown);
    if (rs_json_text_or(j, "product", "")[0] != '\0')
        cli_field(cli, "label", "%s", rs_json_text_or(j, "product", ""));
    cli_field(cli, "withdraw", "rootsmith token revoke %s", rs_json_text_or(j, "id", "?"));
    json_decref(j);
    return exit_code;
}

int
verb_token_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {{"ID", "id"},           {"DEVICE", "name"},
                                                {"PRODUCT", "product"}, {"STATE", "state"},
                                                {"UNTIL", "until"},     {"BY", "by"}};

    (void)args;
    return cli_list(cli, "/api/v1/tokens", columns, 6);
}

int
verb_token_revoke(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    char path[128];
    int code = 0;

    if (cli->dry_run)
        return cli_would(cli, "withdraw the code %.60s", args->words[0]);
    (void)snprintf(path, sizeof(path), "/api/v1/tokens/%.60s/revoke", args->words[0]);
    if (cli_call(cli, "POST", path, NULL, &j, &err) != RS_OK)
        return cli_fail(cli, "Not withdrawn", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    cli_say(cli, "The code for device %s is withdrawn.", rs_json_text_or(j, "name", "?"));
    json_decref(j);
    return code;
}

/* ---- device --------------------------------------------------------------------------------------------- */

int
verb_device_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"SERIAL", "serial"},   {"STATE", "state"},      {"PRODUCT", "product"},
        {"CHIP", "chip.model"}, {"ORDER", "made.order"}, {"STATION", "made.station"},
        {"MADE", "made.time"}};

    (void)args;
    return cli_list(cli, "/api/v1/devices", columns, 7);
}

int
verb_device_show(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {{"OBJECT", "object"},
                                                {"CERTIFICATE", "serial"},
                                                {"ISSUER", "issuer"},
                                                {"ENDS", "until"},
                                                {"STATE", "status"}};
    struct rs_err err = {0};
    json_t *j = NULL;
    char room[64];
    int code = 0;

    if (get(cli, "devices", args->words[0], &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json) {
        code = cli_put_json(cli, j);
        json_decref(j);
        return code;
    }
    cli_say(cli, "%s   %s   %s\n", text_at(j, "serial", room, 64),
            rs_json_text_or(j, "product", ""), rs_json_text_or(j, "state", ""));
    cli_field(cli, "chip", "%s, uid %s", text_at(j, "chip.model", room, 64),
              json_string_value(json_object_get(json_object_get(j, "chip"), "uid")));
    cli_field(cli, "made", "%s, station %s, order %s", text_at(j, "made.time", room, 64),
              rs_json_text_or(json_object_get(j, "made"), "station", ""),
              rs_json_text_or(json_object_get(j, "made"), "order", ""));
    if (json_is_object(json_object_get(j, "finding")))
        cli_field(cli, "finding", "%s: its key or chip turned up elsewhere",
                  text_at(j, "finding.name", room, 64));
    (void)fputc('\n', stdout);
    cli_put_table(cli, json_object_get(j, "objects"), columns, 5);
    json_decref(j);
    return 0;
}

/* ---- findings ------------------------------------------------------------------------------ */

int
verb_finding_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {
        {"NAME", "name"}, {"WHAT", "what"}, {"DEVICE", "first.device"}, {"SINCE", "since"}};

    (void)args;
    return cli_list(cli, "/api/v1/findings", columns, 4);
}

int
verb_finding_show(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {{"ASKED FOR", "device"},
                                                {"BY", "who"},
                                                {"ORDER", "order"},
                                                {"CODE", "code"},
                                                {"TIME", "time"}};
    struct rs_err err = {0};
    json_t *j = NULL;
    char room[64];
    int code = 0;

    if (get(cli, "findings", args->words[0], &j, &err) != RS_OK)
        return cli_fail(cli, "Not shown", &err);
    if (cli->json) {
        code = cli_put_json(cli, j);
        json_decref(j);
        return code;
    }
    cli_say(cli, "%s   %s\n", rs_json_text_or(j, "name", ""), rs_json_text_or(j, "what", ""));
    cli_field(cli, "first", "device %s", text_at(j, "first.device", room, 64));
    cli_field(cli, "made", "%s, station %s, order %s", text_at(j, "first.time", room, 64),
              rs_json_text_or(json_object_get(j, "first"), "station", ""),
              rs_json_text_or(json_object_get(j, "first"), "order", ""));
    (void)fputc('\n', stdout);
    cli_put_table(cli, json_object_get(j, "again"), columns, 5);
    json_decref(j);
    return 0;
}

/* ---- devices ------------------------------------------------------------------------------- */

int
verb_device_revoke(struct cli *cli, const struct cli_args *args)
{
    const char *serial = args->words[0], *reason = cli->reason;
    struct rs_err err = {0};
    json_t *body, *j = NULL;
    char path[200];
    int code = 0;
    rs_code rc;

    if (reason == NULL)
        return cli_usage(cli, "device revoke needs --reason TEXT: it goes into the ledger");
    if (get(cli, "devices", serial, &j, &err) != RS_OK)
        return cli_fail(cli, "Not revoked", &err);
    json_decref(j);
    j = NULL;
    if (cli->dry_run)
        return cli_would(cli, "revoke every certificate of device %.100s for good", serial);
    if (!cli_confirmed(cli, serial, "This ends the device's identity for good."))
        return 1;
    body = json_pack("{s:s}", "reason", reason);
    (void)snprintf(path, sizeof(path), "/api/v1/devices/%.120s/revoke", serial);
    rc = cli_call(cli, "POST", path, body, &j, &err);
    json_decref(body);
    if (rc != RS_OK)
        return cli_fail(cli, "Not revoked", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    cli_say(cli, "  %s revoked   %lld certificates, reason privilegeWithdrawn", cli_sign(cli, 'y'),
            (long long)json_integer_value(json_object_get(j, "certificates")));
    cli_say(cli, "  %s visible   OCSP now, CRL #%lld", cli_sign(cli, 'y'),
            (long long)json_integer_value(json_object_get(json_object_get(j, "visible"), "crl")));
    json_decref(j);
    return code;
}

/* ---- cert, crl ---------------------------------------------------------------------------------------------- */

int
verb_cert_list(struct cli *cli, const struct cli_args *args)
{
    static const struct cli_column columns[] = {{"SERIAL", "serial"}, {"STATE", "status"},
                                                {"ISSUER", "issuer"}, {"PROFILE", "profile"},
                                                {"ENDS", "until"},    {"SUBJECT", "subject"}};

    (void)args;
    return cli_list(cli, "/api/v1/certificates", columns, 6);
}

/* PEM or DER of a request, as base64 of its DER. */
static json_t *
read_csr(const char *path, struct rs_err *err)
{
    struct rs_bytes text;

    RS_AUTO(rs_buf_done) struct rs_buf file, der, out;
    rs_buf_init(&file, 65536);
    rs_buf_init(&der, 65536);
    rs_buf_init(&out, 131072);
    if (rs_file_read(path, 65536, &file, err) != RS_OK)
        return NULL;
    text = rs_buf_bytes(&file);
    if (cert_next_pem(&text, "CERTIFICATE REQUEST", &der, NULL) != RS_OK) {
        rs_buf_reset(&der);
        rs_buf_put_bytes(&der, rs_buf_bytes(&file));
    }
    rs_base64_put(&out, rs_buf_bytes(&der), 0);
    return json_stringn((const char *)out.p, out.len);
}

static int
put_certificate(struct cli *cli, const json_t *j)
{
    const json_t *chain = json_object_get(j, "chain_pem");

    RS_AUTO(rs_buf_done) struct rs_buf pem;
    rs_buf_init(&pem, 65536);
    rs_buf_put_str(&pem, rs_json_text_or(j, "pem", ""));
    for (size_t i = 0; i + 1 < json_array_size(chain); i++)
        rs_buf_put_str(&pem, json_string_value(json_array_get(chain, i)));
    if (cli->output != NULL)
        return cli_write_file(cli, cli->output, rs_buf_bytes(&pem), 0644);
    (void)fwrite(pem.p, 1, pem.len, stdout);
    return 0;
}

int
verb_cert_issue(struct cli *cli, const struct cli_args *args)
{
    const char *profile = cli_option(args, "profile"), *csr = cli_option(args, "csr");
    const char *device = cli_option(args, "device");
    struct rs_err err = {0};
    json_t *body, *request, *j = NULL;
    char room[64];
    int code;
    rs_code rc;

    if (profile == NULL || csr == NULL)
        return cli_usage(cli, "cert issue needs --profile and --csr");
    request = read_csr(csr, &err);
    if (request == NULL)
        return cli_fail(cli, "Not issued", &err);
    body = json_pack("{s:s, s:o}", "profile", profile, "csr", request);
    if (device != NULL)
        (void)json_object_set_new(body, "device", json_string(device));
    rc = cli_call(cli, "POST", "/api/v1/certificates", body, &j, &err);
    json_decref(body);
    if (rc != RS_OK)
        return cli_fail(cli, "Not issued", &err);
    if (cli->json) {
        code = cli_put_json(cli, j);
    } else {
        if (cli->output != NULL) {
            cli_say(cli, "Issued by %s, profile %s.\n", rs_json_text_or(j, "issuer", ""), profile);
            cli_field(cli, "subject", "%s", text_at(j, "subject", room, 64));
            cli_field(cli, "serial", "%s", text_at(j, "serial", room, 64));
            cli_field(cli, "valid", "until %s", text_at(j, "until", room, 64));
        }
        code = put_certificate(cli, j);
    }
    json_decref(j);
    return code;
}

int
verb_crl_publish(struct cli *cli, const struct cli_args *args)
{
    struct rs_err err = {0};
    json_t *j = NULL;
    char path[200];
    int code = 0;

    (void)snprintf(path, sizeof(path), "/api/v1/crls/%.120s/publish", args->words[0]);
    if (cli_call(cli, "POST", path, NULL, &j, &err) != RS_OK)
        return cli_fail(cli, "Not published", &err);
    if (cli->json)
        code = cli_put_json(cli, j);
    cli_say(cli, "CRL %s #%lld is published.", args->words[0],
            (long long)json_integer_value(json_object_get(j, "number")));
    json_decref(j);
    return code;
}
