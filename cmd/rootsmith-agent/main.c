/*
 * rootsmith-agent: the device's program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/inject.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "program.h"

static const struct {
    const char *verb;
    int (*run)(struct options *o);
} verbs[] = {
    {"enroll", program_enroll}, {"run", program_run},     {"status", program_status},
    {"renew", program_renew},   {"trust", program_trust}, {"test", program_test},
};

int
terminal_is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

int
program_refuse(const struct options *o, const char *what, const struct rs_err *err)
{
    const struct rs_code_info *info = rs_code_info(err->code);

    if (o->json) {
        RS_AUTO(rs_buf_done) struct rs_buf text = {0};
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:{s:s, s:s, s:s, s:i}}", "error", "code", info->name, "title", info->title,
                      "detail", err->text, "exit", info->exit_code);
        rs_buf_init(&text, 4096);
        rs_json_put(&text, j);
        (void)fprintf(stderr, "%.*s\n", (int)text.len, (const char *)text.p);
        return info->exit_code;
    }
    (void)fprintf(stderr, "%s %s: %s.\n  why    %s\n", terminal_is_utf8() ? "✗" : "x", what,
                  info->title, err->text);
    if (info->admin[0] != '\0')
        (void)fprintf(stderr, "  do     %s\n", info->admin);
    (void)fprintf(stderr, "  code   %s\n", info->name);
    if (o->verbose && err->detail[0] != '\0')
        (void)fprintf(stderr, "  detail %s\n", err->detail);
    return info->exit_code;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct rs_err err = {0};
    int go, code = EXIT_USAGE;

    (void)setlocale(LC_CTYPE, "");
    rs_inject_program("agent");
    rs_log_setup("rootsmith-agent", RS_LOG_TEXT, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    rs_arena_init(&o.arena, 1u << 20);
    go = options_read(argc, argv, &o);
    if (go != 1) {
        rs_arena_done(&o.arena);
        return go < 0 ? EXIT_DONE : EXIT_USAGE;
    }
    /* One-time codes, and the keys of a soft chip, are in this process. */
    if (rs_process_harden(&err) != RS_OK)
        return program_refuse(&o, "Not started", &err);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].verb, o.verb) == 0) {
            code = verbs[i].run(&o);
            rs_arena_done(&o.arena);
            return code;
        }
    }
    (void)fprintf(stderr, "rootsmith-agent: unknown word \"%s\"\nSee rootsmith-agent --help\n",
                  o.verb);
    rs_arena_done(&o.arena);
    return code;
}
