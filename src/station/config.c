/*
 * config.c: see config.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/config.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"

struct fixture_text {
    const char *name, *chip;
};

struct file_text {
    const char *name, *server, *order, *channel_secret, *channel_out, *firmware_key;
    int production;
    struct rs_config_list vendor_roots;
    int64_t wait_s;
    struct station_est est;
    struct rs_config_items fixtures;
};

/* What must be there if est is: see check_est(), for all of it may be left out. */
static const struct rs_config_field est_schema[] = {
    {.name = "server",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, server),
     .help = "https://HOST:PORT of an EST server that is not ours"},
    {.name = "trust",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, trust),
     .help = "PEM of its root"},
    {.name = "label",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, label),
     .otherwise = "",
     .help = "EST label"},
    {.name = "login",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, login),
     .help = "file with user:password, mode 0600 (HTTP Basic)"},
    {.name = "certificate",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, certificate),
     .help = "PEM with which the station authenticates, and its chain"},
    {.name = "key",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, key),
     .help = "its private key"},
    {.name = "rot",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct station_est, rot),
     .help = "model of the chips: atecc608b, tpm2, soft"},
    {.name = "serials",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct station_est, serials),
     .otherwise = "",
     .max = STATION_TEXT_MAX - 1,
     .help = "pattern of device serials: * any, ? one, # a digit"},
    {.name = "quantity",
     .type = RS_CONFIG_INT,
     .at = offsetof(struct station_est, quantity),
     .min = 1,
     .max = 1000000000,
     .help = "boards that may ask for an identity"},
    {.name = NULL},
};

static const struct rs_config_field fixture_schema[] = {
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct fixture_text, name),
     .required = 1,
     .help = "what the tile and the reports call it"},
    {.name = "chip",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct fixture_text, chip),
     .required = 1,
     .min = 1,
     .max = STATION_URI_MAX - 1,
     .help = "where its chip is; {serial} is the board's device serial"},
    {.name = NULL},
};

static const struct rs_config_field file_schema[] = {
    {.name = "name",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct file_text, name),
     .help = "must be the name that the station enrolled with"},
    {.name = "server",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, server),
     .help = "must be the server that it enrolled at"},
    {.name = "order",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct file_text, order),
     .help = "which order, when several are open"},
    {.name = "wait",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct file_text, wait_s),
     .min = 1,
     .max = 86400,
     .otherwise = "60s",
     .help = "how long a board waits for the server"},
    {.name = "channel_secret",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, channel_secret),
     .min = 1,
     .max = STATION_URI_MAX - 1,
     .help = "master of the channels to parts, mode 0600; default: the station's own"},
    {.name = "channel_out",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, channel_out),
     .min = 1,
     .max = STATION_URI_MAX - 1,
     .help = "directory that gets SERIAL.channel, a part's own secret for its device"},
    {.name = "production",
     .type = RS_CONFIG_BOOL,
     .at = offsetof(struct file_text, production),
     .otherwise = "no",
     .help = "refuse simulators, and parts that would be spoken to by a published secret"},
    {.name = "vendor_roots",
     .type = RS_CONFIG_LIST,
     .at = offsetof(struct file_text, vendor_roots),
     .max = 16,
     .help = "files of makers' certificates, PEM or DER: only parts that one of them stands for"},
    {.name = "firmware_key",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, firmware_key),
     .min = 1,
     .max = STATION_URI_MAX - 1,
     .help = "PEM public key (P-256) that the boards verify firmware with"},
    {.name = "est",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file_text, est),
     .fields = est_schema,
     .help = "another PKI instead of a server of ours"},
    {.name = "fixtures",
     .type = RS_CONFIG_ITEMS,
     .at = offsetof(struct file_text, fixtures),
     .max = STATION_FIXTURES_MAX,
     .fields = fixture_schema,
     .item_size = sizeof(struct fixture_text),
     .help = "where boards are put, if fixtures.yaml does not say it"},
    {.name = NULL},
};

static void
check_est(const struct file_text *t, const struct rs_config_file *file,
          struct rs_config_errors *errors)
{
    const struct station_est *e = &t->est;
    int is_there = e->server != NULL || e->trust != NULL || e->rot != NULL || e->login != NULL ||
                   e->certificate != NULL || e->key != NULL || e->quantity != 0;

    if (is_there && (e->server == NULL || e->trust == NULL || e->rot == NULL || e->quantity == 0))
        rs_config_complain(errors, file, "est", "est needs server, trust, rot and quantity");
    if (is_there && (e->certificate == NULL) != (e->key == NULL))
        rs_config_complain(errors, file, "est", "certificate and key go together");
}

/* What one field alone cannot tell. */
static void
check(const struct file_text *t, const struct home *home, const struct rs_config_file *file,
      struct rs_config_errors *errors)
{
    const struct fixture_text *fixtures = t->fixtures.items;
    char where[48];

    if (home->name[0] == '\0' && t->est.server == NULL)
        rs_config_complain(errors, file, NULL,
                           "no server: this station is not enrolled, and there "
                           "is no est");
    if (t->est.server != NULL && (t->server != NULL || home->name[0] != '\0'))
        rs_config_complain(errors, file, "est", "this station has a server already");
    check_est(t, file, errors);
    if (home->name[0] != '\0' && t->name != NULL && strcmp(t->name, home->name) != 0)
        rs_config_complain(errors, file, "name", "this directory is station %s", home->name);
    if (home->name[0] != '\0' && t->server != NULL && strcmp(t->server, home->server) != 0)
        rs_config_complain(errors, file, "server", "this station enrolled at %s", home->server);
    if (t->fixtures.count > STATION_FIXTURES_MAX)
        rs_config_complain(errors, file, "fixtures", "at most %d fixtures", STATION_FIXTURES_MAX);
    for (size_t i = 0; i < t->fixtures.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(fixtures[i].name, fixtures[k].name) != 0)
                continue;
            (void)snprintf(where, sizeof(where), "fixtures[%zu].name", i);
            rs_config_complain(errors, file, where, "two fixtures with one name");
            break;
        }
    }
}

static void
take_fixtures(const struct file_text *t, struct station_file *ret_file)
{
    const struct fixture_text *fixtures = t->fixtures.items;

    for (size_t i = 0; i < t->fixtures.count && i < STATION_FIXTURES_MAX; i++) {
        struct station_fixture *fx = &ret_file->fixtures[i];
        (void)snprintf(fx->name, sizeof(fx->name), "%s", fixtures[i].name);
        (void)snprintf(fx->chip, sizeof(fx->chip), "%s", fixtures[i].chip);
        ret_file->fixture_count = i + 1;
    }
}

rs_code
station_file_read(const char *path, const struct home *home, struct rs_arena *arena,
                  struct station_file *ret_file, struct rs_buf *ret_text, struct rs_err *err)
{
    struct rs_config_errors errors;
    struct rs_config_file *file = NULL;
    struct file_text t;
    size_t bad;

    rs_config_errors_init(&errors, arena);
    bad = rs_config_load_file(arena, path, file_schema, &t, &file, &errors);
    if (bad == 0)
        check(&t, home, file, &errors);
    if (errors.count > 0) {
        rs_config_errors_put(&errors, ret_text);
        return rs_fail(err, RS_E_CONFIG_INVALID, "%zu mistakes in %.160s", errors.count, path);
    }
    memset(ret_file, 0, sizeof(*ret_file));
    ret_file->name = t.name;
    ret_file->order = t.order;
    ret_file->est = t.est;
    ret_file->channel_secret = t.channel_secret;
    ret_file->channel_out = t.channel_out;
    ret_file->firmware_key = t.firmware_key;
    ret_file->vendor_roots = t.vendor_roots;
    ret_file->production = t.production;
    ret_file->wait_s = t.wait_s;
    take_fixtures(&t, ret_file);
    return RS_OK;
}
