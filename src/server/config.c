/*
 * config.c: what this installation is and where it listens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/io.h"
#include "server/publish.h"
#include "server/server.h"

#define CONFIG_MAX      65536
#define MAKERS_FILE_MAX 262144

struct listen_section {
    const char *devices, *people, *http;
};

struct crl_section {
    int64_t every;
    struct rs_config_list publish;
};

struct makers_section {
    struct rs_config_list roots;
};

struct est_section {
    int linking;
};

struct file {
    const char *installation;
    int mode;
    const char *url, *store;
    int64_t threads;
    struct listen_section listen;
    struct crl_section crl;
    struct makers_section tpm, vendors;
    struct est_section est;
};

static const char *const modes[] = {"test", "production", NULL};

static const struct rs_config_field listen_fields[] = {
    {.name = "devices",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct listen_section, devices),
     .otherwise = "localhost:8443",
     .min = 1,
     .max = 255,
     .help = "TLS: EST, stations"},
    {.name = "people",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct listen_section, people),
     .otherwise = "localhost:9443",
     .min = 1,
     .max = 255,
     .help = "TLS: REST, console"},
    {.name = "http",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct listen_section, http),
     .otherwise = "localhost:8080",
     .min = 1,
     .max = 255,
     .help = "plain: OCSP, CRL, CA files"},
    {.name = NULL},
};

static const struct rs_config_field crl_fields[] = {
    {.name = "every",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct crl_section, every),
     .otherwise = "7d",
     .min = 60,
     .max = 31536000,
     .help = "time between two CRLs"},
    {.name = "publish",
     .type = RS_CONFIG_LIST,
     .at = offsetof(struct crl_section, publish),
     .min = 0,
     .max = PUBLISH_DIRS_MAX,
     .help = "directories that get every list: file:/srv/www/crl"},
    {.name = NULL},
};

static const struct rs_config_field tpm_fields[] = {
    {.name = "roots",
     .type = RS_CONFIG_LIST,
     .at = offsetof(struct makers_section, roots),
     .help = "PEM files of the TPM makers to believe; names count from the data directory"},
    {.name = NULL},
};

static const struct rs_config_field vendor_fields[] = {
    {.name = "roots",
     .type = RS_CONFIG_LIST,
     .at = offsetof(struct makers_section, roots),
     .help = "files (PEM, or one certificate in DER) of the makers of secure elements to believe"},
    {.name = NULL},
};

static const struct rs_config_field est_fields[] = {
    {.name = "linking",
     .type = RS_CONFIG_BOOL,
     .at = offsetof(struct est_section, linking),
     .otherwise = "no",
     .help = "demand that a request is linked to its TLS connection (RFC 7030 3.5)"},
    {.name = NULL},
};

static const struct rs_config_field schema[] = {
    {.name = "installation",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct file, installation),
     .required = 1,
     .help = "name of this installation"},
    {.name = "mode",
     .type = RS_CONFIG_CHOICE,
     .at = offsetof(struct file, mode),
     .otherwise = "test",
     .choices = modes,
     .help = "test or production"},
    {.name = "url",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file, url),
     .otherwise = "https://localhost:8443",
     .min = 8,
     .max = 200,
     .help = "the device listener as devices see it"},
    {.name = "store",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file, store),
     .otherwise = "",
     .max = 400,
     .help = "database; default: store.db in the data directory"},
    {.name = "threads",
     .type = RS_CONFIG_INT,
     .at = offsetof(struct file, threads),
     .otherwise = "0",
     .min = 0,
     .max = 64,
     .help = "network loops; 0: one per core"},
    {.name = "listen",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file, listen),
     .fields = listen_fields},
    {.name = "crl", .type = RS_CONFIG_MAP, .at = offsetof(struct file, crl), .fields = crl_fields},
    {.name = "tpm", .type = RS_CONFIG_MAP, .at = offsetof(struct file, tpm), .fields = tpm_fields},
    {.name = "vendors",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file, vendors),
     .fields = vendor_fields},
    {.name = "est", .type = RS_CONFIG_MAP, .at = offsetof(struct file, est), .fields = est_fields},
    {.name = NULL},
};

static const char *
join(struct rs_arena *arena, const char *prefix, const char *dir, const char *name)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "%s%s/%s", prefix, dir, name);

    return n > 0 && (size_t)n < sizeof(text) ? rs_arena_text(arena, text, (size_t)n) : NULL;
}

/* ---- Makers of chips ----------------------------------------------------------------- */

rs_code
server_makers_new(const struct server_makers *files, struct makers **ret_makers, struct rs_err *err)
{
    struct makers *makers = NULL;
    rs_code rc;

    *ret_makers = NULL;
    if (files->count == 0)
        return RS_OK;
    rc = makers_new(&makers, err);
    for (size_t i = 0; i < files->count && rc == RS_OK; i++)
        rc = makers_add(makers, files->names[i], files->texts[i], err);
    if (rc == RS_OK)
        rc = makers_check(makers, err);
    if (rc == RS_OK)
        *ret_makers = makers;
    else
        makers_free(makers);
    return rc;
}

static rs_code
load_file(const char *data, const char *name, struct rs_arena *arena, struct rs_bytes *ret_text,
          struct rs_err *err)
{
    const char *path = name[0] == '/' ? name : join(arena, "", data, name);
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, MAKERS_FILE_MAX);
    if (path == NULL)
        return rs_fail(err, RS_E_CONFIG_INVALID, "roots: a name is too long");
    rc = rs_file_read(path, MAKERS_FILE_MAX, &text, err);
    if (rc == RS_OK)
        *ret_text = rs_arena_copy(arena, rs_buf_bytes(&text));
    return rc == RS_OK && ret_text->p == NULL ? rs_fail(err, RS_E_NO_MEMORY, "roots") : rc;
}

/*
 * Strictly, when the server starts: a maker that cannot be read is noticed before a device asks.
 * A simulator's maker stands for nothing, and whoever has the simulator has its keys.
 */
static rs_code
load_makers(const struct server_config *config, const char *section,
            const struct rs_config_list *roots, struct rs_arena *arena, struct server_makers *to,
            struct rs_err *err)
{
    struct makers *makers = NULL;
    rs_code rc = RS_OK;

    if (roots->count > SERVER_MAKERS_MAX)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s.roots: more than %d files", section,
                       SERVER_MAKERS_MAX);
    for (size_t i = 0; i < roots->count && rc == RS_OK; i++) {
        to->names[i] = roots->items[i];
        rc = load_file(config->data, roots->items[i], arena, &to->texts[i], err);
        to->count++;
    }
    if (rc == RS_OK)
        rc = server_makers_new(to, &makers, err);
    if (rc == RS_OK && makers != NULL && config->production && makers_have_simulator(makers))
        rc = rs_fail(err, RS_E_CONFIG_INVALID,
                     "%s.roots: one of them is a simulator's, and mode is production", section);
    makers_free(makers);
    return rc;
}

/* "file:/srv/www/crl" -> "/srv/www/crl"; nothing else can be published to. */
static int
take_directories(struct rs_config_list *list, const struct rs_config_file *file,
                 struct rs_config_errors *errors)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strncmp(list->items[i], "file:/", 6) != 0)
            rs_config_complain(errors, file, "crl.publish", "\"%s\" is no file:/DIRECTORY",
                               list->items[i]);
        list->items[i] += strlen(list->items[i]) > 5 ? 5 : 0;
    }
    return errors->count == 0;
}

rs_code
server_config_load(const char *data, const char *config_path, struct rs_arena *arena,
                   struct server_config *ret_config, struct rs_buf *ret_messages,
                   struct rs_err *err)
{
    struct rs_config_errors errors;
    struct rs_config_file *parsed;
    struct file f;
    const char *path = config_path != NULL ? config_path : join(arena, "", data, "rootsmithd.yaml");
    rs_code rc;

    if (path == NULL)
        return rs_fail(err, RS_E_USAGE, "path too long");
    if (!rs_path_exists(path))
        return rs_fail(err, RS_E_FILE_FAILED, "there is no installation in %s (no %s)", data, path);
    rs_config_errors_init(&errors, arena);
    if (rs_config_load_file(arena, path, schema, &f, &parsed, &errors) != 0 ||
        !take_directories(&f.crl.publish, parsed, &errors)) {
        rs_config_errors_put(&errors, ret_messages);
        return rs_fail(err, RS_E_CONFIG_INVALID, "%zu mistakes in %s", errors.count, path);
    }
    memset(ret_config, 0, sizeof(*ret_config));
    ret_config->installation = f.installation;
    ret_config->data = rs_arena_text(arena, data, strlen(data));
    ret_config->store = f.store[0] != '\0' ? f.store : join(arena, "sqlite:", data, "store.db");
    ret_config->url = f.url;
    ret_config->devices = f.listen.devices;
    ret_config->people = f.listen.people;
    ret_config->http = f.listen.http;
    ret_config->production = f.mode == 1;
    ret_config->must_link = f.est.linking;
    ret_config->crl_every_s = f.crl.every;
    ret_config->publish = f.crl.publish.items;
    ret_config->publish_count = f.crl.publish.count;
    ret_config->threads = f.threads;
    rc = load_makers(ret_config, "tpm", &f.tpm.roots, arena, &ret_config->tpm, err);
    return rc == RS_OK ? load_makers(ret_config, "vendors", &f.vendors.roots, arena,
                                     &ret_config->vendors, err)
                       : rc;
}
