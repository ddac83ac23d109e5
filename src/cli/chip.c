/*
 * chip.c: one chip on a desk, by its name (--chip, or ROOTSMITH_CHIP).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/chip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "x509/cert.h"

/* ---- Why not ------------------------------------------------------------------------------------ */

static const struct {
    rot_err rot;
    rs_code code;
    const char *why;
} refusals[] = {
    {ROT_BUSY, RS_E_CHIP_BUSY, "somebody else has it"},
    {ROT_E_ARG, RS_E_USAGE, "that is not for this part and layout"},
    {ROT_E_UNSUPPORTED, RS_E_CHIP_UNSUPPORTED, "this part, with this layout, never does that"},
    {ROT_E_SPACE, RS_E_CHIP_FULL, "the part has no room left for it"},
    {ROT_E_BUS, RS_E_CHIP_ABSENT, "nothing answers, or what comes is damaged on the way"},
    {ROT_E_CHIP, RS_E_CHIP_FAULT, "the part refuses"},
    {ROT_E_STATE, RS_E_CHIP_LOCKED, "a lock or the life cycle of the part does not allow it now"},
    {ROT_E_EMPTY, RS_E_CHIP_EMPTY, "nothing is there yet"},
    {ROT_E_MISMATCH, RS_E_CHIP_FAULT, "what was read back is not what it should be"},
    {ROT_E_WRONG_PART, RS_E_CHIP_WRONG_PART, "something answers that is not the part it should be"},
    {ROT_E_FORMAT, RS_E_CHIP_FORMAT, "the bytes have another form than is asked for"},
    {ROT_E_AUTH, RS_E_CHIP_AUTH, "the part wants an authorisation that was not given, or is wrong"},
    {ROT_E_PORT, RS_E_CRYPTO_FAILED, "the host's crypto library cannot do what the driver needs"},
};

rs_code
desk_code(rot_err rot)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].rot == rot)
            return refusals[i].code;
    }
    return RS_E_CHIP_FAULT;
}

const char *
desk_why(rot_err rot)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].rot == rot)
            return refusals[i].why;
    }
    return rot_err_name(rot);
}

/* What comes first, where a part does not do things before its configuration is locked. */
static const char *
hint(struct desk *d, rot_err rot)
{
    enum rot_seal_state state;

    if (rot != ROT_E_STATE || !d->chip.is_open ||
        rot_seal_state(&d->chip, ROT_STAGE_CONFIG, 0, &state) != ROT_OK || state != ROT_SEAL_OPEN)
        return "";
    return "; its configuration is open: chip lock config comes first";
}

rs_code
desk_fail(struct desk *d, rot_err rot, const char *what, struct rs_err *err)
{
    uint32_t raw = rot_raw_status(&d->chip);
    const char *first = hint(d, rot);
    char status[32] = "";
    rs_code rc;

    if (raw != 0)
        (void)snprintf(status, sizeof(status), " (status word 0x%02x)", (unsigned)raw);
    rc =
        rs_fail(err, desk_code(rot), "%.80s: %s%s%s: %s%s%s", d->uri, what,
                d->object_name[0] != '\0' ? " " : "", d->object_name, desk_why(rot), status, first);
    (void)snprintf(err->detail, sizeof(err->detail), "librot: %s, status word 0x%08x",
                   rot_err_name(rot), (unsigned)raw);
    return rc;
}

/* ---- Opening ---------------------------------------------------------------------------------- */

const struct rot_layout *
desk_layout(const struct desk *d)
{
    const struct rot_setup *s = &d->chip.setup;

    return s->layout != NULL ? s->layout : s->driver->layouts[0];
}

const struct rot_place *
desk_place(const struct desk *d, enum rot_part part)
{
    return rot_layout_find(desk_layout(d), d->object, part);
}

/* A name, or a file: those have a slash or end with .yaml. */
static int
is_file(const char *name)
{
    size_t len = strlen(name);

    return strchr(name, '/') != NULL || (len > 5 && strcmp(name + len - 5, ".yaml") == 0);
}

static rs_code
set_layout(struct desk *d, struct rs_err *err)
{
    const char *name = cli_option(d->args, "layout");
    struct rot_setup *s = &d->lin.setup;
    int file = name != NULL && is_file(name);

    if (name == NULL)
        return RS_OK;
    s->layout = file ? desk_load_layout(d->cli, name) : rot_registry_layout(s->driver, name);
    if (file && s->layout == NULL)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%.160s is no layout", name);
    if (s->layout == NULL)
        return rs_fail(err, RS_E_USAGE,
                       "the driver %s has no layout %.60s; it has %s; a file ends with .yaml",
                       s->driver->name, name, s->driver->layouts[0]->name);
    if (strcmp(s->layout->driver, s->driver->name) != 0)
        return rs_fail(err, RS_E_USAGE, "layout %.60s is for the driver %s; %.80s is a part of %s",
                       s->layout->name, s->layout->driver, d->uri, s->driver->name);
    return RS_OK;
}

static rs_code
say_refused_open(struct desk *d, rot_err rot, struct rs_err *err)
{
    if (rot == ROT_E_AUTH && (d->lin.setup.flags & ROT_OPEN_PRODUCTION) != 0 &&
        d->lin.transport.simulated)
        return rs_fail(err, RS_E_CHIP_SIMULATED,
                       "%.80s: it is a simulator, and --production refuses those: its keys are "
                       "worth nothing",
                       d->uri);
    return desk_fail(d, rot, "open", err);
}

void
desk_take_uri(struct desk *d)
{
    d->uri = cli_option(d->args, "chip");
    if (d->uri == NULL)
        d->uri = getenv("ROOTSMITH_CHIP");
    if (d->uri == NULL || d->uri[0] == '\0')
        d->uri = "auto"; /* the first part that answers */
}

rs_code
desk_open(struct desk *d, struct rs_err *err)
{
    rot_err rot;
    rs_code rc;

    desk_take_uri(d);
    rot = rot_linux_open(&d->lin, d->uri);
    if (rot != ROT_OK)
        return rs_fail(err, rot == ROT_E_FORMAT ? RS_E_USAGE : desk_code(rot), "%.200s",
                       d->lin.error);
    rc = set_layout(d, err);
    if (rc == RS_OK) {
        d->lin.setup.flags = cli_flag(d->args, "production") ? ROT_OPEN_PRODUCTION : 0;
        rot = rot_open(&d->chip, &d->lin.setup);
        if (rot != ROT_OK)
            rc = say_refused_open(d, rot, err);
    }
    if (rc != RS_OK)
        rot_linux_close(&d->lin);
    return rc;
}

void
desk_close(struct desk *d)
{
    rot_close(&d->chip);
    rot_linux_close(&d->lin);
}

/* ---- Output ----------------------------------------------------------------------------------- */

/* Data goes to stdout unless there is a file for it. */
static FILE *
talk(const struct desk *d)
{
    return d->cli->output != NULL ? stdout : stderr;
}

void
desk_say(const struct desk *d, const char *fmt, ...)
{
    va_list ap;

    if (d->cli->quiet || d->cli->json)
        return;
    (void)fflush(stdout);
    va_start(ap, fmt);
    (void)vfprintf(talk(d), fmt, ap);
    va_end(ap);
    (void)fputc('\n', talk(d));
}

void
desk_next(const struct desk *d, const char *first, const char *second)
{
    if (d->cli->quiet || d->cli->json)
        return;
    (void)fprintf(talk(d), "Next\n  %s\n", first);
    if (second != NULL)
        (void)fprintf(talk(d), "  %s\n", second);
}

void
desk_put_field(const struct cli *cli, const char *label, size_t indent, const char *words)
{
    size_t width = cli_text_width(label), gap = indent - 2 > width ? indent - 2 - width : 0;

    if (cli->quiet || cli->json)
        return;
    (void)printf("  %s%*s", label, (int)gap, "");
    cli_put_wrapped(stdout, indent, words);
}

int
desk_put_bytes(struct desk *d, struct rs_bytes bytes)
{
    if (d->cli->output != NULL)
        return cli_write_file(d->cli, d->cli->output, bytes, 0644);
    (void)fwrite(bytes.p, 1, bytes.len, stdout);
    return 0;
}

int
desk_put_pem(struct desk *d, const char *label, struct rs_bytes der)
{
    RS_AUTO(rs_buf_done) struct rs_buf pem;

    rs_buf_init(&pem, 2 * DESK_FILE_MAX);
    cert_put_pem(&pem, label, der);
    if (d->cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s%}", "kind", "chip-object", "object", d->object_name, "pem",
                      (const char *)pem.p, pem.len);
        return cli_put_json(d->cli, j);
    }
    return desk_put_bytes(d, rs_buf_bytes(&pem));
}

void
desk_progress(const struct cli *cli, const char *what, size_t done, size_t total)
{
    enum { BAR = 20 };
    const char *full = cli->utf8 ? "█" : "#", *rest = cli->utf8 ? "░" : "-";

    if (cli->quiet || cli->json || !isatty(STDERR_FILENO))
        return;
    if (done >= total) {
        (void)fputs("\r\033[K", stderr);
        return;
    }
    (void)fprintf(stderr, "\r\033[K  %-28.28s ", what);
    for (size_t i = 0; i < BAR; i++)
        (void)fputs(i * total < done * BAR ? full : rest, stderr);
    (void)fprintf(stderr, " %zu of %zu", done, total);
    (void)fflush(stderr);
}

/* ---- The verbs ----------------------------------------------------------------------------------- */

/* Each gives an exit code, or -1 and err. */
static const struct {
    const char *verb;
    int wants_object;
    const char *failed; /* what did not happen */
    int (*run)(struct desk *d, struct rs_err *err);
} actions[] = {
    {"info", 0, "Not shown", chip_info},
    {"layout", 0, "Not shown", chip_layout},
    {"genkey", 1, "No key was made", chip_genkey},
    {"csr", 1, "No request was made", chip_csr},
    {"read", 1, "Not read", chip_read},
    {"write", 1, "Not written", chip_write},
    {"sign", 1, "Not signed", chip_sign},
    {"challenge", 1, "Not challenged", chip_challenge},
    {"lock", 0, "Not locked", chip_lock},
    {"wipe", 0, "Not wiped", chip_wipe},
    {"reference", 1, "No reference was made", chip_reference},
};

static int
take_object(struct desk *d)
{
    const char *name = d->args->word_count > 0 ? d->args->words[0] : "idevid";

    return rot_object_parse(name, &d->object) == ROT_OK &&
           rot_object_name(d->object, d->object_name) == ROT_OK;
}

static int
run_action(struct desk *d, size_t i, struct rs_err *err)
{
    int code;

    if (actions[i].wants_object && !take_object(d))
        return cli_usage(d->cli, "an object is idevid, ldevid/0, trust/0, firmware/0, session/0, "
                                 "data/0, counter/0, attest/0, vendor/0 or channel/0");
    if (desk_open(d, err) != RS_OK)
        return -1;
    code = actions[i].run(d, err);
    desk_close(d);
    return code;
}

int
verb_chip(struct cli *cli, const struct cli_args *args)
{
    struct desk *d = calloc(1, sizeof(*d));
    struct rs_err err = {0};
    const char *failed = "The chip was not used";
    int code = -1;

    if (d == NULL)
        return 5;
    d->cli = cli;
    d->args = args;
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].verb, args->verb->verb) == 0) {
            failed = actions[i].failed;
            code = run_action(d, i, &err);
        }
    }
    free(d);
    return code >= 0 ? code : cli_fail(cli, failed, &err);
}
