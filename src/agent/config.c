/*
 * config.c: see config.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/config.h"

#include <string.h>

#include "base/config.h"

struct ldevid_text {
    struct rs_config_list on_renew;
    const char *run_as;
    int same_key;
};

struct objects_text {
    struct ldevid_text ldevid;
};

struct renew_text {
    int64_t from, jitter;
};

struct retry_text {
    int64_t first, longest;
};

struct file_text {
    const char *server, *trust, *rot, *channel_secret, *state, *label, *name, *first;
    int binding;
    int64_t check;
    struct renew_text renew;
    struct retry_text retry;
    struct objects_text objects;
};

static const struct rs_config_field ldevid_schema[] = {
    {.name = "on_renew",
     .type = RS_CONFIG_LIST,
     .at = offsetof(struct ldevid_text, on_renew),
     .max = AGENT_ARGV_MAX,
     .help = "program and arguments to run after each new certificate; no shell"},
    {.name = "run_as",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct ldevid_text, run_as),
     .help = "user that on_renew runs as"},
    {.name = "same_key",
     .type = RS_CONFIG_BOOL,
     .at = offsetof(struct ldevid_text, same_key),
     .otherwise = "no",
     .help = "renew over the same key; by default each certificate has a key of its own"},
    {.name = NULL},
};

static const struct rs_config_field objects_schema[] = {
    {.name = "ldevid",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct objects_text, ldevid),
     .fields = ldevid_schema,
     .help = "the operational identity"},
    {.name = NULL},
};

static const struct rs_config_field renew_schema[] = {
    {.name = "from",
     .type = RS_CONFIG_INT,
     .at = offsetof(struct renew_text, from),
     .min = 1,
     .max = 95,
     .otherwise = "60",
     .help = "per cent of a certificate's life after which it is renewed"},
    {.name = "jitter",
     .type = RS_CONFIG_INT,
     .at = offsetof(struct renew_text, jitter),
     .min = 0,
     .max = 50,
     .otherwise = "20",
     .help = "per cent of its life over which renewals of a fleet are spread"},
    {.name = NULL},
};

static const struct rs_config_field retry_schema[] = {
    {.name = "first",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct retry_text, first),
     .min = 1,
     .max = 86400,
     .otherwise = "30s",
     .help = "the first wait after a failure is anything up to this, then twice it, and so on"},
    {.name = "longest",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct retry_text, longest),
     .min = 1,
     .max = 7 * 86400,
     .otherwise = "5min",
     .help = "and never more than this"},
    {.name = NULL},
};

static const struct rs_config_field file_schema[] = {
    {.name = "server",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, server),
     .required = 1,
     .help = "https://HOST:PORT of the EST server"},
    {.name = "trust",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, trust),
     .help = "PEM of the roots for a chip that names none yet"},
    {.name = "rot",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, rot),
     .otherwise = "auto",
     .max = AGENT_TEXT_MAX - 1,
     .min = 1,
     .help = "the chip: tpm, i2c:1:0x6c, soft:FILE, sim:BUS/CHIP, auto"},
    {.name = "channel_secret",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, channel_secret),
     .help = "file with the secret of the part's own channel, mode 0600, as the station made it"},
    {.name = "state",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, state),
     .otherwise = AGENT_STATE_DEFAULT,
     .help = "directory of certificates and state"},
    {.name = "label",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, label),
     .otherwise = "",
     .help = "EST label: a product or a profile; empty: the server's default"},
    {.name = "name",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, name),
     .help = "common name to ask for"},
    {.name = "first_identity",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct file_text, first),
     .otherwise = "idevid",
     .help = "idevid, token:FILE or tpm-endorsement"},
    {.name = "channel_binding",
     .type = RS_CONFIG_BOOL,
     .at = offsetof(struct file_text, binding),
     .otherwise = "no",
     .help = "bind each request to its TLS connection (RFC 7030 3.5, RFC 9266)"},
    {.name = "check",
     .type = RS_CONFIG_DURATION,
     .at = offsetof(struct file_text, check),
     .min = 1,
     .max = 30 * 86400,
     .otherwise = "24h",
     .help = "how often the server's roots are looked at"},
    {.name = "renew",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file_text, renew),
     .fields = renew_schema,
     .help = "when certificates are renewed"},
    {.name = "retry",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file_text, retry),
     .fields = retry_schema,
     .help = "how long to wait after failures"},
    {.name = "objects",
     .type = RS_CONFIG_MAP,
     .at = offsetof(struct file_text, objects),
     .fields = objects_schema,
     .help = "what is kept fresh"},
    {.name = NULL},
};

void
agent_config_default(struct agent_config *c)
{
    memset(c, 0, sizeof(*c));
    c->label = "";
    c->rot = "auto";
    c->state = AGENT_STATE_DEFAULT;
    c->renew_percent = 60;
    c->jitter_percent = 20;
    c->retry_s = 30;
    c->retry_max_s = 300;
    c->check_s = 86400;
}

int
agent_config_set_first(struct agent_config *c, const char *text)
{
    if (strcmp(text, "idevid") == 0) {
        c->first = AGENT_FIRST_IDEVID;
    } else if (strncmp(text, "token:", 6) == 0 && text[6] != '\0') {
        c->first = AGENT_FIRST_TOKEN;
        c->token = text + 6;
    } else if (strcmp(text, "tpm-endorsement") == 0) {
        c->first = AGENT_FIRST_TPM;
    } else {
        return 0;
    }
    return 1;
}

static void
take(const struct file_text *t, struct agent_config *c)
{
    const struct ldevid_text *ldevid = &t->objects.ldevid;

    agent_config_default(c);
    c->server = t->server;
    c->trust = t->trust;
    c->rot = t->rot;
    c->channel_secret = t->channel_secret;
    c->state = t->state;
    c->label = t->label;
    c->name = t->name;
    c->binding = t->binding;
    c->check_s = t->check;
    c->renew_percent = t->renew.from;
    c->jitter_percent = t->renew.jitter;
    c->retry_s = t->retry.first;
    c->retry_max_s = t->retry.longest;
    c->same_key = ldevid->same_key;
    c->run_as = ldevid->run_as;
    for (size_t i = 0; i < ldevid->on_renew.count && i < AGENT_ARGV_MAX; i++)
        c->on_renew[i] = ldevid->on_renew.items[i];
}

rs_code
agent_config_read(const char *path, struct rs_arena *arena, struct agent_config *ret_config,
                  struct rs_buf *ret_text, struct rs_err *err)
{
    struct rs_config_errors errors;
    struct rs_config_file *file = NULL;
    struct file_text t;

    rs_config_errors_init(&errors, arena);
    if (rs_config_load_file(arena, path, file_schema, &t, &file, &errors) == 0) {
        take(&t, ret_config);
        if (!agent_config_set_first(ret_config, t.first))
            rs_config_complain(&errors, file, "first_identity",
                               "idevid, token:FILE or tpm-endorsement");
        if (t.retry.longest < t.retry.first)
            rs_config_complain(&errors, file, "retry.longest", "shorter than the first wait");
    }
    if (errors.count == 0)
        return RS_OK;
    rs_config_errors_put(&errors, ret_text);
    return rs_fail(err, RS_E_CONFIG_INVALID, "%zu mistakes in %.160s", errors.count, path);
}
