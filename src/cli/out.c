/*
 * out.c: words, options, output and calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/config.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/cli.h"

const char *
cli_option(const struct cli_args *args, const char *name)
{
    for (size_t i = 0; i < args->option_count; i++) {
        if (strcmp(args->options[i].name, name) == 0)
            return args->options[i].value;
    }
    return NULL;
}

int
cli_flag(const struct cli_args *args, const char *name)
{
    return cli_option(args, name) != NULL;
}

int
cli_number(struct cli *cli, const struct cli_args *args, const char *name, int64_t otherwise,
           int64_t *ret_value)
{
    const char *text = cli_option(args, name);
    char *end;

    *ret_value = otherwise;
    if (text == NULL)
        return 1;
    *ret_value = strtoll(text, &end, 10);
    if (*end == '\0' && end != text && *ret_value >= 0)
        return 1;
    (void)cli;
    (void)fprintf(stderr, "--%s must be a whole number, not \"%s\"\n", name, text);
    return 0;
}

/* ---- Output ------------------------------------------------------------------------------------ */

const char *
cli_sign(const struct cli *cli, char which)
{
    switch (which) {
    case 'y':
        return cli->utf8 ? "✓" : "ok";
    case 'n':
        return cli->utf8 ? "✗" : "x";
    case '.':
        return cli->utf8 ? "…" : "...";
    default:
        return "!";
    }
}

void
cli_say(const struct cli *cli, const char *fmt, ...)
{
    va_list ap;

    if (cli->quiet || cli->json)
        return;
    va_start(ap, fmt);
    (void)vfprintf(stdout, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stdout);
}

void
cli_field(const struct cli *cli, const char *label, const char *fmt, ...)
{
    va_list ap;

    if (cli->quiet || cli->json)
        return;
    (void)printf("  %-11s ", label);
    va_start(ap, fmt);
    (void)vfprintf(stdout, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stdout);
}

void
cli_next(const struct cli *cli, const char *first, const char *second, const char *third)
{
    const char *const all[] = {first, second, third};

    if (cli->quiet || cli->json)
        return;
    (void)puts("Next");
    for (int i = 0; i < 3 && all[i] != NULL; i++)
        (void)printf("  %s\n", all[i]);
}

int
cli_put_json(struct cli *cli, const json_t *json)
{
    RS_AUTO(rs_buf_done) struct rs_buf b;

    rs_buf_init(&b, (size_t)64 << 20);
    rs_json_put(&b, json);
    rs_buf_put_u8(&b, '\n');
    if (cli->output != NULL)
        return cli_write_file(cli, cli->output, rs_buf_bytes(&b), 0644);
    (void)fwrite(b.p, 1, b.len, stdout);
    return 0;
}

/* Columns of a terminal; no end where nobody looks. */
static size_t
room_of(FILE *to)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (!isatty(fileno(to)))
        return SIZE_MAX;
    if (columns != NULL && atoi(columns) > 0)
        return (size_t)atoi(columns);
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void
cli_put_wrapped(FILE *to, size_t indent, const char *words)
{
    size_t room = room_of(to), at = indent;

    for (const char *p = words; *p != '\0';) {
        size_t n = strcspn(p, " ");
        char word[256];

        (void)snprintf(word, sizeof(word), "%.*s", (int)n, p);
        if (at != indent && at + 1 + cli_text_width(word) > room) {
            (void)fprintf(to, "\n%*s", (int)indent, "");
            at = indent;
        } else if (at != indent) {
            (void)fputc(' ', to);
            at++;
        }
        (void)fprintf(to, "%.*s", (int)n, p);
        at += cli_text_width(word);
        p += n + (p[n] == ' ');
    }
    (void)fputc('\n', to);
}

static int
fail_json(const struct cli *cli, const struct rs_code_info *info, const struct rs_err *err)
{
    json_t *j = json_pack("{s:{s:s, s:s, s:s, s:s, s:b}}", "error", "code", info->name, "title",
                          info->title, "detail", err->text, "request", cli->request, "retry",
                          info->exit_code == 5);

    RS_AUTO(rs_buf_done) struct rs_buf b;
    rs_buf_init(&b, 65536);
    rs_json_put(&b, j);
    json_decref(j);
    (void)fprintf(stderr, "%.*s\n", (int)b.len, (const char *)b.p);
    return info->exit_code;
}

/* "The key is..." after a colon: "the key is..."; abbreviations stay. */
static void
put_title(const struct rs_code_info *info, char out[160])
{
    (void)snprintf(out, 160, "%s", info->title);
    if (out[0] >= 'A' && out[0] <= 'Z' && !(out[1] >= 'A' && out[1] <= 'Z'))
        out[0] = (char)(out[0] - 'A' + 'a');
}

/* Experience 2.6, moment 14: what, why, do. */
static int
fail_unreachable(const struct cli *cli, const struct rs_code_info *info, const struct rs_err *err)
{
    (void)fprintf(stderr, "%s Cannot reach %s.\n  why    %s\n", cli_sign(cli, 'n'), cli->at.server,
                  err->text);
    (void)fputs("  do     is rootsmithd running there?   systemctl status rootsmithd\n"
                "         another installation?          rootsmith --context NAME ...\n",
                stderr);
    (void)fprintf(stderr, "  (exit %d: trying again may help)\n", info->exit_code);
    return info->exit_code;
}

/* Refusals come before anything is done; a failure may have come in the middle of it. */
static int
is_refusal(enum rs_kind kind)
{
    return kind == RS_KIND_FORMAT || kind == RS_KIND_POLICY || kind == RS_KIND_AUTH ||
           kind == RS_KIND_MISSING || kind == RS_KIND_USAGE;
}

int
cli_fail(const struct cli *cli, const char *what, const struct rs_err *err)
{
    const struct rs_code_info *info = rs_code_info(err->code);
    char title[160], why[320];

    if (cli->json)
        return fail_json(cli, info, err);
    if (err->code == RS_E_NET_UNREACHABLE && cli->at.server[0] != '\0')
        return fail_unreachable(cli, info, err);
    put_title(info, title);
    (void)snprintf(why, sizeof(why), "%s (%s)", err->text, info->name);
    (void)fprintf(stderr, "%s %s: %s.\n  why    ", cli_sign(cli, 'n'), what, title);
    cli_put_wrapped(stderr, 9, why);
    if (info->admin[0] != '\0') {
        (void)fputs("  do     ", stderr);
        cli_put_wrapped(stderr, 9, info->admin);
    }
    if (cli->verbose && err->detail[0] != '\0')
        (void)fprintf(stderr, "  detail %s\n", err->detail);
    if (cli->request[0] != '\0')
        (void)fprintf(stderr, "  request %s%s\n", cli->request,
                      is_refusal(info->kind) ? "   nothing was changed" : "");
    return info->exit_code;
}

int
cli_would(struct cli *cli, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (cli->json) {
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:b}", "kind", "dry-run", "would", text, "changed", 0);
        return cli_put_json(cli, j);
    }
    cli_say(cli, "Would %s. Nothing was changed.", text);
    return 0;
}

int
cli_confirmed(struct cli *cli, const char *name, const char *gone)
{
    char line[128] = "";

    if (cli->confirm != NULL && strcmp(cli->confirm, name) == 0)
        return 1;
    if (cli->confirm != NULL || !isatty(STDIN_FILENO)) {
        (void)fprintf(stderr,
                      "%s\nThis cannot be undone: give --confirm %s. Nothing was changed.\n", gone,
                      name);
        return 0;
    }
    (void)fprintf(stderr, "%s It cannot be undone.\nType %s to go on: ", gone, name);
    if (fgets(line, sizeof(line), stdin) == NULL)
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, name) == 0)
        return 1;
    (void)fputs("That is another name. Nothing was changed.\n", stderr);
    return 0;
}

int
cli_usage(const struct cli *cli, const char *text)
{
    (void)cli;
    (void)fprintf(stderr, "%s\n", text);
    return 2;
}

int
cli_write_file(struct cli *cli, const char *path, struct rs_bytes bytes, unsigned mode)
{
    struct rs_err err = {0};

    if (rs_path_exists(path) && !cli->overwrite) {
        (void)fprintf(stderr, "%s exists already; it was not overwritten (--overwrite would)\n",
                      path);
        return 1;
    }
    if (rs_file_replace(path, bytes, mode, &err) != RS_OK)
        return cli_fail(cli, "Not written", &err);
    return 0;
}

/* ---- Context ---------------------------------------------------------------------------------- */

struct context_file {
    const char *current;
};

static const struct rs_config_field current_schema[] = {
    {.name = "current",
     .type = RS_CONFIG_NAME,
     .at = offsetof(struct context_file, current),
     .required = 1},
    {.name = NULL},
};

struct context_entry {
    const char *server, *person;
};

static const struct rs_config_field entry_schema[] = {
    {.name = "server",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct context_entry, server),
     .required = 1},
    {.name = "person",
     .type = RS_CONFIG_TEXT,
     .at = offsetof(struct context_entry, person),
     .required = 1},
    {.name = NULL},
};

static const char *
config_home(char out[400])
{
    const char *own = getenv("ROOTSMITH_CONFIG"), *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (own != NULL)
        (void)snprintf(out, 400, "%s", own);
    else if (xdg != NULL)
        (void)snprintf(out, 400, "%s/rootsmith", xdg);
    else
        (void)snprintf(out, 400, "%s/.config/rootsmith", home != NULL ? home : ".");
    return out;
}

rs_code
cli_context_dir(const char *name, char dir[512], struct rs_err *err)
{
    char home[400];

    if (strchr(name, '/') != NULL || name[0] == '.')
        return rs_fail(err, RS_E_USAGE, "\"%s\" is not a context name", name);
    return rs_path_join(config_home(home), name, dir, 512, err);
}

static rs_code
make_all(const char *dir, struct rs_err *err)
{
    char part[512];
    rs_code rc = RS_OK;

    for (size_t i = 1; dir[i] != '\0' && rc == RS_OK; i++) {
        if (dir[i] != '/')
            continue;
        (void)snprintf(part, sizeof(part), "%.*s", (int)i, dir);
        rc = rs_dir_make(part, 0700, err);
    }
    return rc == RS_OK ? rs_dir_make(dir, 0700, err) : rc;
}

rs_code
cli_context_save(struct cli *cli, const char *name, struct rs_err *err)
{
    char home[400], path[640], text[700];
    rs_code rc = make_all(cli->at.dir, err);

    if (rc == RS_OK)
        rc = rs_path_join(cli->at.dir, "context.yaml", path, sizeof(path), err);
    (void)snprintf(text, sizeof(text), "server: \"%s\"\nperson: \"%s\"\n", cli->at.server,
                   cli->at.person);
    if (rc == RS_OK)
        rc = rs_file_replace(path, rs_bytes_str(text), 0600, err);
    if (rc == RS_OK)
        rc = rs_path_join(config_home(home), "contexts.yaml", path, sizeof(path), err);
    (void)snprintf(text, sizeof(text), "current: %s\n", name);
    return rc == RS_OK ? rs_file_replace(path, rs_bytes_str(text), 0600, err) : rc;
}

static rs_code
load_yaml(struct cli *cli, const char *path, const struct rs_config_field *schema, void *target,
          struct rs_err *err)
{
    struct rs_config_errors errors;
    struct rs_config_file *file;

    rs_config_errors_init(&errors, &cli->arena);
    if (!rs_path_exists(path))
        return rs_fail(err, RS_E_AUTH_SIGNED_OUT, "there is no %s", path);
    if (rs_config_load_file(&cli->arena, path, schema, target, &file, &errors) != 0)
        return rs_fail(err, RS_E_CONFIG_INVALID, "%s cannot be read", path);
    return RS_OK;
}

rs_code
cli_context_load(struct cli *cli, struct rs_err *err)
{
    char home[400], path[640];
    const char *name = cli->context != NULL ? cli->context : getenv("ROOTSMITH_CONTEXT");
    struct context_entry entry;
    rs_code rc = RS_OK;

    if (name == NULL) {
        struct context_file file;
        rc = rs_path_join(config_home(home), "contexts.yaml", path, sizeof(path), err);
        if (rc == RS_OK)
            rc = load_yaml(cli, path, current_schema, &file, err);
        if (rc == RS_OK)
            name = file.current;
    }
    if (rc == RS_OK)
        rc = cli_context_dir(name, cli->at.dir, err);
    if (rc == RS_OK)
        rc = rs_path_join(cli->at.dir, "context.yaml", path, sizeof(path), err);
    if (rc == RS_OK)
        rc = load_yaml(cli, path, entry_schema, &entry, err);
    if (rc != RS_OK)
        return rc;
    (void)snprintf(cli->at.server, sizeof(cli->at.server), "%s",
                   cli->server != NULL ? cli->server : entry.server);
    (void)snprintf(cli->at.person, sizeof(cli->at.person), "%s", entry.person);
    return RS_OK;
}

/* ---- Calls --------------------------------------------------------------------------------------- */

rs_code
cli_connect(struct cli *cli, struct rs_err *err)
{
    char root[640], cert[640], key[640];
    struct web_config config = {
        .base = cli->at.server, .trust_path = root, .cert_path = cert, .key_path = key};
    rs_code rc;

    if (cli->web != NULL)
        return RS_OK;
    rc = cli_context_load(cli, err);
    if (rc == RS_OK)
        rc = rs_path_join(cli->at.dir, "root.pem", root, sizeof(root), err);
    if (rc == RS_OK)
        rc = rs_path_join(cli->at.dir, "cert.pem", cert, sizeof(cert), err);
    if (rc == RS_OK)
        rc = rs_path_join(cli->at.dir, "key.pem", key, sizeof(key), err);
    return rc == RS_OK ? web_open(&config, &cli->web, err) : rc;
}

/* A refusal has an id by which the server's log finds it. */
static void
note_request(struct cli *cli, const struct web_reply *reply)
{
    RS_AUTO(rs_json_done) json_t *problem = NULL;

    cli->request[0] = '\0';
    if (reply->status >= 400 && rs_json_read(rs_buf_bytes(&reply->body), &problem, NULL) == RS_OK)
        (void)snprintf(cli->request, sizeof(cli->request), "%s",
                       rs_json_text_or(problem, "request", ""));
}

rs_code
cli_call(struct cli *cli, const char *method, const char *path, const json_t *body,
         json_t **ret_json, struct rs_err *err)
{
    struct web_request ask = {.method = method, .path = path};
    rs_code rc = cli_connect(cli, err);

    RS_AUTO(rs_buf_done) struct rs_buf text;
    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    rs_buf_init(&text, (size_t)1 << 20);
    if (body != NULL) {
        rs_json_put(&text, body);
        ask.type = "application/json";
        ask.body = rs_buf_bytes(&text);
    }
    if (rc == RS_OK)
        rc = web_call(cli->web, &ask, &reply, err);
    if (rc == RS_OK) {
        note_request(cli, &reply);
        rc = web_check(&reply, err);
    }
    if (rc == RS_OK) {
        json_error_t why;
        *ret_json = json_loadb((const char *)reply.body.p, reply.body.len, 0, &why);
        if (*ret_json == NULL)
            rc = rs_fail(err, RS_E_REQUEST_FORMAT, "the server's answer is not JSON: %.80s",
                         why.text);
    }
    return rc;
}
