/*
 * rootsmith-station: a factory line's program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
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
    int (*run)(const struct options *o);
} verbs[] = {
    {"enroll", program_enroll},     {"check", program_check},   {"run", program_run},
    {"status", program_status},     {"orders", program_orders}, {"journal", program_journal},
    {"fixtures", program_fixtures}, {"shift", program_shift},
};

int
program_refuse(const struct options *o, const char *what, const struct rs_err *err)
{
    const struct rs_code_info *info = rs_code_info(err->code);

    if (o->json) {
        RS_AUTO(rs_buf_done) struct rs_buf text = {0};
        RS_AUTO(rs_json_done) json_t *j =
            json_pack("{s:s, s:s, s:s, s:i}", "code", info->name, "title", info->title, "detail",
                      err->text, "exit", info->exit_code);
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
    int go;

    rs_inject_program("station");
    rs_log_setup("rootsmith-station", RS_LOG_TEXT, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    go = options_read(argc, argv, &o);
    if (go != 1)
        return go < 0 ? EXIT_DONE : EXIT_USAGE;
    /* The station's own key, and those of soft boards, are in this process. */
    if (rs_process_harden(&err) != RS_OK)
        return program_refuse(&o, "Not started", &err);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].verb, o.verb) == 0)
            return verbs[i].run(&o);
    }
    (void)fprintf(stderr, "rootsmith-station: unknown word \"%s\"\n", o.verb);
    return EXIT_USAGE;
}
