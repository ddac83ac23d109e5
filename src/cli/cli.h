/*
 * cli.h: what the verbs of `rootsmith` share.
 *
 * Results go to stdout, talk to stderr; --json gives the REST body and nothing
 * else on stdout, errors as one JSON line on stderr (UX-6).  A verb returns an
 * exit code of experience 2.2.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include <jansson.h>

#include "base/arena.h"
#include "client/web.h"

/* Where a person is signed in: one directory per context below the config directory. */
struct cli_context {
    char dir[512];
    char server[256]; /* https://host:port of the people's listener */
    char person[64];
};

struct cli {
    const char *program;
    int json, quiet, verbose, color, utf8, dry_run, wide, overwrite;
    const char *context, *server, *output, *confirm, *reason;
    const char *channel_secret; /* a file; NULL: $ROOTSMITH_CHANNEL_SECRET */
    char request[16];           /* id of the last refusal by the server, or "" */
    struct rs_arena arena;
    struct cli_context at;
    struct web *web;
};

/* Options and words of one verb: --name value, --flag, and the rest. */
struct cli_option {
    const char *name;
    const char *value; /* "" for flags */
};

struct cli_verb;

struct cli_args {
    const struct cli_verb *verb; /* the row that was asked for: several may share a function */
    const char *words[32];
    size_t word_count;
    struct cli_option options[32];
    size_t option_count;
};

typedef int (*cli_verb_fn)(struct cli *cli, const struct cli_args *args);

/* What --dry-run means for a verb. */
enum cli_effect {
    CLI_READS = 1, /* nothing is ever changed: the flag says nothing */
    CLI_TRIES,     /* all checks, and nothing is changed */
    CLI_ONCE,      /* cannot be tried (a code is used up, a chip acts): the flag is refused */
};

/* One verb.  usage: the part after "rootsmith "; example: a line for --help. */
struct cli_verb {
    const char *noun, *verb;
    const char *usage;
    const char *options; /* "product= quantity= stations=": = takes a value */
    size_t words_min, words_max;
    const char *example;
    cli_verb_fn run;
    enum cli_effect effect;
};

extern const struct cli_verb cli_verbs[];

/* The commit that this was made from, or "unknown". */
extern const char cli_commit[];

/* The program: returns the exit code. */
int cli_main(int argc, char **argv);

/* ---- Words and options ------------------------------------------------------------------- */

/* NULL when it was not given. */
const char *cli_option(const struct cli_args *args, const char *name);
int cli_flag(const struct cli_args *args, const char *name);
/* A number option; 0 and a message when it is none. */
int cli_number(struct cli *cli, const struct cli_args *args, const char *name, int64_t otherwise,
               int64_t *ret_value);

/* ---- Output --------------------------------------------------------------------------------- */

/* "✓", "✗", "!", "…" or their fallbacks. */
const char *cli_sign(const struct cli *cli, char which);
/* Talk: stderr, not with --quiet or --json. */
void cli_say(const struct cli *cli, const char *fmt, ...) RS_PRINTF(2, 3);
/* "  label     value" */
void cli_field(const struct cli *cli, const char *label, const char *fmt, ...) RS_PRINTF(3, 4);
/* Words, wrapped at the terminal's width below column indent, where the first one stands; then LF. */
void cli_put_wrapped(FILE *to, size_t indent, const char *words);
/* Next commands, at most three. */
void cli_next(const struct cli *cli, const char *first, const char *second, const char *third);
/* Print JSON to stdout (or --output). */
int cli_put_json(struct cli *cli, const json_t *json);
/* Why it failed, in three parts; returns the exit code of the error's row. */
int cli_fail(const struct cli *cli, const char *what, const struct rs_err *err);
int cli_usage(const struct cli *cli, const char *text);
/* "Would ...": what --dry-run says instead of doing it; 0. */
int cli_would(struct cli *cli, const char *fmt, ...) RS_PRINTF(2, 3);
/*
 * {"document", "approvals"}: the document, signed with the key of who is signed in.
 * After cli_context_load().
 */
rs_code cli_approve(struct cli *cli, const char *kind, struct rs_bytes name,
                    struct rs_bytes document, json_t **ret_body, struct rs_err *err);

/*
 * Irreversible: the name is typed again, or given with --confirm (UX-7); 0 when it was not.
 * gone: one sentence about what cannot be undone.
 */
int cli_confirmed(struct cli *cli, const char *name, const char *gone);

struct cli_column {
    const char *title;
    const char *member; /* "chip.model": dotted */
};
/* GET path, and its items as a table, or the body with --json. */
int cli_list(struct cli *cli, const char *path, const struct cli_column *columns, size_t count);
void cli_put_table(const struct cli *cli, const json_t *items, const struct cli_column *columns,
                   size_t count);
/*
 * Which columns stay: from the last on they are dropped until the rest fits room
 * characters, two spaces between; the first always stays.  Gives how many.
 */
size_t cli_columns_that_fit(const size_t *widths, size_t count, size_t room);
/* Characters that a line of output may have; SIZE_MAX where nobody looks or --wide is given. */
size_t cli_line_room(const struct cli *cli);
/* Characters that a terminal shows for UTF-8 text, one each. */
size_t cli_text_width(const char *text);

/* A file written atomically, refusing to overwrite without --overwrite. */
int cli_write_file(struct cli *cli, const char *path, struct rs_bytes bytes, unsigned mode);

/* ---- The server -------------------------------------------------------------------------------- */

/* Open the context's connection; 0 and a message when there is none. */
RS_MUST_USE rs_code cli_connect(struct cli *cli, struct rs_err *err);
/* One call: JSON in (may be NULL), JSON out. */
RS_MUST_USE rs_code cli_call(struct cli *cli, const char *method, const char *path,
                             const json_t *body, json_t **ret_json, struct rs_err *err);

/* ---- Keys and requests ---------------------------------------------------------------------------- */

struct crypto_key;

/* A request for a certificate: CN=name, signed by the key. */
RS_MUST_USE rs_code cli_make_csr(const struct crypto_key *key, const char *name,
                                 struct rs_buf *ret_der, struct rs_err *err);
/* The person's key of the context. */
RS_MUST_USE rs_code cli_load_key(struct cli *cli, struct crypto_key **ret_key, struct rs_err *err);
/* A one-time code without dashes, upper case; 0 when it is not 20 Crockford characters. */
int cli_read_code(const char *text, char code[21]);
void cli_show_code(const char code[21], char text[25]);
/* Crockford base32 of random bits. */
RS_MUST_USE rs_code cli_new_code(char code[21], struct rs_err *err);
void cli_derive(const char *label, const char code[21], uint8_t out[32]);

/* Context files: load sets cli->at; save makes it current. */
RS_MUST_USE rs_code cli_context_load(struct cli *cli, struct rs_err *err);
RS_MUST_USE rs_code cli_context_dir(const char *name, char dir[512], struct rs_err *err);
RS_MUST_USE rs_code cli_context_save(struct cli *cli, const char *name, struct rs_err *err);

/* ---- Verbs ------------------------------------------------------------------------------------------ */

int verb_init(struct cli *cli, const struct cli_args *args);
int verb_login(struct cli *cli, const struct cli_args *args);
int verb_status(struct cli *cli, const struct cli_args *args);
int verb_whoami(struct cli *cli, const struct cli_args *args);
int verb_explain(struct cli *cli, const struct cli_args *args);
int verb_version(struct cli *cli, const struct cli_args *args);
int verb_completion(struct cli *cli, const struct cli_args *args);
int verb_doctor(struct cli *cli, const struct cli_args *args);
int verb_ca_list(struct cli *cli, const struct cli_args *args);
int verb_ca_show(struct cli *cli, const struct cli_args *args);
int verb_ca_chain(struct cli *cli, const struct cli_args *args);
int verb_profile_list(struct cli *cli, const struct cli_args *args);
int verb_profile_show(struct cli *cli, const struct cli_args *args);
int verb_product_list(struct cli *cli, const struct cli_args *args);
int verb_product_show(struct cli *cli, const struct cli_args *args);
int verb_product_set(struct cli *cli, const struct cli_args *args);
int verb_order_list(struct cli *cli, const struct cli_args *args);
int verb_order_show(struct cli *cli, const struct cli_args *args);
int verb_order_create(struct cli *cli, const struct cli_args *args);
int verb_order_change(struct cli *cli, const struct cli_args *args);
int verb_station_list(struct cli *cli, const struct cli_args *args);
int verb_station_create(struct cli *cli, const struct cli_args *args);
int verb_ca_rollover(struct cli *cli, const struct cli_args *args);
int verb_token_list(struct cli *cli, const struct cli_args *args);
int verb_token_revoke(struct cli *cli, const struct cli_args *args);
int verb_token_create(struct cli *cli, const struct cli_args *args);
int verb_finding_list(struct cli *cli, const struct cli_args *args);
int verb_finding_show(struct cli *cli, const struct cli_args *args);
int verb_device_list(struct cli *cli, const struct cli_args *args);
int verb_device_show(struct cli *cli, const struct cli_args *args);
int verb_device_revoke(struct cli *cli, const struct cli_args *args);
int verb_cert_list(struct cli *cli, const struct cli_args *args);
int verb_cert_issue(struct cli *cli, const struct cli_args *args);
int verb_crl_publish(struct cli *cli, const struct cli_args *args);
int verb_cert_show(struct cli *cli, const struct cli_args *args);
int verb_cert_verify(struct cli *cli, const struct cli_args *args);
int verb_cert_revoke(struct cli *cli, const struct cli_args *args);
int verb_cert_download(struct cli *cli, const struct cli_args *args);
int verb_crl_list(struct cli *cli, const struct cli_args *args);
int verb_crl_show(struct cli *cli, const struct cli_args *args);
int verb_crl_download(struct cli *cli, const struct cli_args *args);
int verb_order_report(struct cli *cli, const struct cli_args *args);
int verb_station_show(struct cli *cli, const struct cli_args *args);
int verb_chip(struct cli *cli, const struct cli_args *args);
int verb_chip_layout(struct cli *cli, const struct cli_args *args);
int verb_chip_report(struct cli *cli, const struct cli_args *args);
int verb_chip_scan(struct cli *cli, const struct cli_args *args);
int verb_ledger_verify(struct cli *cli, const struct cli_args *args);

#endif /* CLI_CLI_H */
