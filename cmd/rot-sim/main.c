/*
 * rot-sim: chip simulators, one or a whole panel in one process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/inject.h"
#include "base/json.h"
#include "rot_sim.h"

static const char usage_text[] =
    "rot-sim: simulated roots of trust behind a socket\n"
    "\n"
    "  rot-sim exec --chip KIND -- PROGRAM   run it: its /dev/i2c-1 is simulated (exec --help)\n"
    "  rot-sim panel FILE              many chips from a panel file\n"
    "  rot-sim start CHIP              one chip; CHIP is KIND or BUS/NAME=KIND\n"
    "  rot-sim list                    chips, locks, fault rules of a running rot-sim\n"
    "  rot-sim fault CHIP RULE         make a chip fail (KIND@N; see below); RULE clear: stop it\n"
    "  rot-sim reset CHIP              a new part of the same kind\n"
    "\n"
    "  --listen SOCK   where panel and start listen       --state DIR   keep the chips there\n"
    "  --socket SOCK   where list, fault, reset ask       --trace FILE  every bus transaction\n"
    "  --timing none|real   at once, or as long as the chip takes      --json\n"
    "\n"
    "Kinds: blank608a blank608b tngtls tflxtls blank-a110 blank-a100 blank-a120 blank-ta100\n"
    "      blank-se050 blank-se051 blank-m1 blank-m3\n"
    "Fault rules: cut-before@3 cut-write@3 cut-after@3 cut-answered@3 brownout@3 nak@1-4 busy@3\n"
    "  crc@3 flip@3:17 status@3:0f lie@3:00 slow@3+:200   (N counts commands from now)\n";

static const char exec_text[] =
    "rot-sim exec: run a program that was not written for simulators\n"
    "\n"
    "  rot-sim exec [OPTIONS] --chip KIND [--chip KIND ...] [--] PROGRAM [ARGUMENTS]\n"
    "\n"
    "The program finds the chips on /dev/i2c-1 (or /dev/spidevB.C) as it would find real ones. It\n"
    "ends with the program's own exit code (128 and the signal when one ended it, 127 when there is\n"
    "no such program); what the chips did is said on stderr.\n"
    "\n"
    "  --chip KIND          a kind (rot-sim --help lists them) or a model (se050: its blank kind);\n"
    "                       again: one more\n"
    "  --chip KIND@0x60     the same; refused when the part answers elsewhere\n"
    "  --chip KIND@spi0.0   on /dev/spidev0.0\n"
    "  --bus N              the chips that follow are on /dev/i2c-N (1)\n"
    "  --gpio N[=CHIP]      GPIO line N (/sys/class/gpio, /dev/gpiochip0) switches that chip's\n"
    "                       supply (the first)\n"
    "  --tty DEVICE=SOCKET  a serial line, as /dev/ttyUSB0=target.sock: the far side is a Unix socket\n"
    "  --timing none|real   at once, or as long as the chip takes\n"
    "  --busy MICROSECONDS  with timing none: how long a command keeps the chip busy (0)\n"
    "  --state DIR          keep the chips there, for the next run\n"
    "  --trace FILE         every bus transaction\n"
    "  --socket SOCK        use the chips of a running rot-sim: --chip BUS/CHIP, as rot-sim list says\n"
    "  --quiet, --json      nothing on stderr, or one JSON object at the end\n"
    "\n"
    "  rot-sim exec --chip se050 --chip stsafe-a110 -- i2cdetect -y 1\n"
    "  rot-sim exec --chip se050 --gpio 17 --trace bus.trace -- ./vendor_demo\n"
    "  rot-sim exec --bus 1 --chip atecc608b --bus 2 --chip atecc608b -- ./two_buses\n"
    "\n"
    "docs/simulators.md says what is simulated and what is not.\n";

struct options {
    const char *words[4];
    size_t word_count;
    const char *socket;
    int json, help, version;
    struct panel_config *config;
};

/* ---- Command line -------------------------------------------------------------------- */

static rs_code
take_text(const char *name, const char *value, char *out, size_t cap, struct rs_err *err)
{
    if (strlen(value) >= cap)
        return rs_fail(err, RS_E_USAGE, "%s: too long", name);
    memcpy(out, value, strlen(value) + 1);
    return RS_OK;
}

static rs_code
take_timing(const char *value, struct panel_config *config, struct rs_err *err)
{
    config->real_time = strcmp(value, "real") == 0;
    config->timing_said = 1;
    if (!config->real_time && strcmp(value, "none") != 0)
        return rs_fail(err, RS_E_USAGE, "--timing is none or real, not %.40s", value);
    return RS_OK;
}

static rs_code
take_value(struct options *o, const char *name, const char *value, struct rs_err *err)
{
    struct panel_config *config = o->config;

    if (strcmp(name, "--listen") == 0)
        return take_text(name, value, config->listen, sizeof(config->listen), err);
    if (strcmp(name, "--state") == 0)
        return take_text(name, value, config->state, sizeof(config->state), err);
    if (strcmp(name, "--trace") == 0)
        return take_text(name, value, config->trace, sizeof(config->trace), err);
    if (strcmp(name, "--timing") == 0)
        return take_timing(value, config, err);
    if (strcmp(name, "--socket") != 0)
        return rs_fail(err, RS_E_USAGE, "unknown option %.40s; see rot-sim --help", name);
    o->socket = value;
    return RS_OK;
}

static rs_code
read_options(int argc, char *const *argv, struct options *o, struct rs_err *err)
{
    for (int i = 1; i < argc; i++) {
        rs_code rc = RS_OK;

        if (strcmp(argv[i], "--json") == 0)
            o->json = 1;
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            o->help = 1;
        else if (strcmp(argv[i], "--version") == 0)
            o->version = 1;
        else if (argv[i][0] == '-' && i + 1 < argc)
            rc = take_value(o, argv[i], argv[i + 1], err), i++;
        else if (argv[i][0] == '-')
            rc = rs_fail(err, RS_E_USAGE, "%.40s: unknown, or without its value", argv[i]);
        else if (o->word_count == sizeof(o->words) / sizeof(o->words[0]))
            rc = rs_fail(err, RS_E_USAGE, "too many words; see rot-sim --help");
        else
            o->words[o->word_count++] = argv[i];
        if (rc != RS_OK)
            return rc;
    }
    return RS_OK;
}

/* ---- Verbs ------------------------------------------------------------------------------ */

static rs_code
serve(struct options *o, struct rs_err *err)
{
    if (o->config->listen[0] == '\0')
        socket_default(o->config->listen, sizeof(o->config->listen));
    return serve_panel(o->config, o->json, err);
}

static rs_code
run_panel(struct options *o, struct rs_err *err)
{
    rs_code rc = panel_file_read(o->words[1], o->config, err);

    return rc == RS_OK ? serve(o, err) : rc;
}

/* "KIND" is main/KIND; "BUS/NAME=KIND" says both. */
static rs_code
run_start(struct options *o, struct rs_err *err)
{
    struct panel_chip *chip = &o->config->chips[0];
    const char *word = o->words[1], *eq = strchr(word, '=');
    const char *kind = eq == NULL ? word : eq + 1;
    size_t name_len = eq == NULL ? strlen(word) : (size_t)(eq - word);

    if (name_len == 0 || name_len >= sizeof(chip->name) || strlen(kind) >= sizeof(chip->kind))
        return rs_fail(err, RS_E_USAGE, "start: %.60s is not KIND or BUS/NAME=KIND", word);
    memcpy(chip->name, word, name_len);
    chip->name[name_len] = '\0';
    memcpy(chip->kind, kind, strlen(kind) + 1);
    o->config->chip_count = 1;
    return serve(o, err);
}

static rs_code
ask(const struct options *o, json_t *request, json_t **ret_answer, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *owned = request;
    char path[300];

    if (owned == NULL)
        return rs_fail(err, RS_E_USAGE, "a word on the command line is not UTF-8");
    if (o->socket != NULL)
        (void)snprintf(path, sizeof(path), "%s", o->socket);
    else
        socket_default(path, sizeof(path));
    return client_ask(path, owned, ret_answer, err);
}

static void
print_json(const json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);

    (void)printf("%s\n", text == NULL ? "{}" : text);
    free(text);
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = rs_json_text_or(object, name, "");

    return text[0] == '\0' ? "-" : text;
}

static void
print_chip(const json_t *chip)
{
    size_t i;
    json_t *fault;

    (void)printf("%-24s %-12s %-18s 0x%s %-4s %s\n", text_of(chip, "chip"),
                 text_of(chip, "personality"), text_of(chip, "serial"), text_of(chip, "address"),
                 json_is_true(json_object_get(chip, "power")) ? "on" : "off",
                 text_of(chip, "locks"));
    json_array_foreach(json_object_get(chip, "faults"), i, fault)
    {
        (void)printf("    fault %lld: %s\n",
                     (long long)json_integer_value(json_object_get(fault, "id")),
                     text_of(fault, "rule"));
    }
}

static rs_code
run_list(struct options *o, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    rs_code rc = ask(o, json_pack("{s:s}", "do", "list"), &answer, err);
    size_t i;
    json_t *chip;

    if (rc != RS_OK)
        return rc;
    if (o->json) {
        print_json(answer);
        return RS_OK;
    }
    (void)printf("socket %s, timing %s\n\n%-24s %-12s %-18s %-4s %-4s %s\n",
                 text_of(answer, "socket"), text_of(answer, "timing"), "CHIP", "KIND", "SERIAL",
                 "AT", "", "LOCKED");
    json_array_foreach(json_object_get(answer, "chips"), i, chip)
    {
        print_chip(chip);
    }
    return RS_OK;
}

static rs_code
run_fault(struct options *o, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    int clear = strcmp(o->words[2], "clear") == 0;
    rs_code rc = ask(o,
                     clear ? json_pack("{s:s, s:s}", "do", "clear", "chip", o->words[1])
                           : json_pack("{s:s, s:s, s:s}", "do", "fault", "chip", o->words[1],
                                       "rule", o->words[2]),
                     &answer, err);

    if (rc != RS_OK)
        return rc;
    if (o->json)
        print_json(answer);
    else if (clear)
        (void)printf("%s: %lld fault rules removed.\n", text_of(answer, "chip"),
                     (long long)json_integer_value(json_object_get(answer, "cleared")));
    else
        (void)printf("%s will do %s.\n\nNext\n  rot-sim fault %s clear    (to stop it)\n",
                     text_of(answer, "chip"), text_of(answer, "rule"), text_of(answer, "chip"));
    return RS_OK;
}

static rs_code
run_reset(struct options *o, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    rs_code rc = ask(o, json_pack("{s:s, s:s}", "do", "reset", "chip", o->words[1]), &answer, err);

    if (rc != RS_OK)
        return rc;
    if (o->json)
        print_json(answer);
    else
        (void)printf("%s is a new part.\n\nNext\n  rot-sim list\n", text_of(answer, "chip"));
    return RS_OK;
}

struct verb {
    const char *name;
    size_t words; /* with the verb itself */
    rs_code (*run)(struct options *o, struct rs_err *err);
    const char *form;
};

static const struct verb verbs[] = {
    {"panel", 2, run_panel, "rot-sim panel FILE"},
    {"start", 2, run_start, "rot-sim start CHIP"},
    {"list", 1, run_list, "rot-sim list"},
    {"fault", 3, run_fault, "rot-sim fault CHIP RULE"},
    {"reset", 2, run_reset, "rot-sim reset CHIP"},
};

static rs_code
run_verb(struct options *o, struct rs_err *err)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (o->word_count == 0 || strcmp(o->words[0], verbs[i].name) != 0)
            continue;
        if (o->word_count != verbs[i].words)
            return rs_fail(err, RS_E_USAGE, "use: %s", verbs[i].form);
        return verbs[i].run(o, err);
    }
    return rs_fail(err, RS_E_USAGE, "exec, panel, start, list, fault or reset; see rot-sim --help");
}

static int
say_error(const struct rs_err *err, int json)
{
    const struct rs_code_info *info = rs_code_info(err->code);

    if (json) {
        RS_AUTO(rs_json_done) json_t *object =
            json_pack("{s:s, s:s}", "code", info->name, "text", err->text);

        print_json(object);
    } else {
        (void)fprintf(stderr, "rot-sim: %s (%s)\n", err->text, info->name);
    }
    return info->exit_code;
}

/* exec has a command line of its own: what follows its options is another program's. */
static int
run_exec(int argc, char **argv)
{
    struct exec_plan *plan = calloc(1, sizeof(*plan));
    struct rs_err err = {.code = RS_OK};
    int exit_code = 0, json, said;
    rs_code rc;

    if (plan == NULL)
        return 1;
    rc = exec_options(argc, argv, plan, &err);
    json = plan->json;
    if (rc == RS_OK && plan->help)
        (void)fputs(exec_text, stdout);
    else if (rc == RS_OK)
        rc = exec_run(plan, &exit_code, &err);
    free(plan);
    if (rc == RS_OK)
        return exit_code;
    said = say_error(&err, json);
    return exit_code != 0 ? exit_code : said;
}

int
main(int argc, char **argv)
{
    struct options o = {.word_count = 0};
    struct rs_err err = {.code = RS_OK};
    rs_code rc;

    rs_inject_program("rot-sim");
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        return run_exec(argc - 2, argv + 2);
    o.config = calloc(1, sizeof(*o.config));
    if (o.config == NULL)
        return 1;
    rc = read_options(argc, argv, &o, &err);
    if (rc == RS_OK && (o.version || o.help)) {
        (void)fputs(o.version ? "rot-sim 0.1.0\n" : usage_text, stdout);
        free(o.config);
        return 0;
    }
    if (rc == RS_OK)
        rc = run_verb(&o, &err);
    free(o.config);
    return rc == RS_OK ? 0 : say_error(&err, o.json);
}
