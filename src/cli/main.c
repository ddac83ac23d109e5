/*
 * main.c: the table of verbs, and finding the right one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/inject.h"
#include "base/log.h"
#include "cli/cli.h"

const struct cli_verb cli_verbs[] = {
    {"init", "", "init NAME [--data DIR]", "production data= devices= people= http=", 1, 1,
     "rootsmith init acme", verb_init},
    {"login", "", "login [URL] [--claim CODE] [--name NAME] [--as CONTEXT]", "claim= name= as=", 1,
     1, "rootsmith login https://localhost:9443 --claim 4F7K-9QWD-2MXP-T6HR-0C5V", verb_login},
    {"whoami", "", "whoami", "", 0, 0, "rootsmith whoami", verb_whoami},
    {"status", "", "status", "", 0, 0, "rootsmith status", verb_status},
    {"doctor", "", "doctor", "", 0, 0, "rootsmith doctor", verb_doctor},
    {"explain", "", "explain CODE", "", 1, 1, "rootsmith explain order.exhausted", verb_explain},
    {"version", "", "version", "", 0, 0, "rootsmith version", verb_version},
    {"completion", "", "completion bash", "", 1, 1, "rootsmith completion bash", verb_completion},
    {"ca", "list", "ca list", "", 0, 0, "rootsmith ca list", verb_ca_list},
    {"ca", "show", "ca show NAME", "", 1, 1, "rootsmith ca show acme-devices", verb_ca_show},
    {"ca", "chain", "ca chain NAME [-o FILE]", "", 1, 1,
     "rootsmith ca chain acme-devices -o chain.pem", verb_ca_chain},
    {"profile", "list", "profile list", "", 0, 0, "rootsmith profile list", verb_profile_list},
    {"profile", "show", "profile show NAME", "", 1, 1, "rootsmith profile show idevid",
     verb_profile_show},
    {"product", "list", "product list", "", 0, 0, "rootsmith product list", verb_product_list},
    {"product", "show", "product show NAME", "", 1, 1, "rootsmith product show sensor-x2",
     verb_product_show},
    {"product", "set", "product set FILE | product set NAME --rot MODEL --issuer CA",
     "rot= issuer= profile= layout= serials=", 1, 1, "rootsmith product set product/sensor-x2.yaml",
     verb_product_set},
    {"order", "list", "order list", "", 0, 0, "rootsmith order list", verb_order_list},
    {"order", "show", "order show NAME", "", 1, 1, "rootsmith order show sensor-x2-0007",
     verb_order_show},
    {"order", "create",
     "order create --product P --quantity N [--target N] [--stations S,..] [--until DATE]",
     "product= quantity= target= stations= until= name=", 0, 0,
     "rootsmith order create --product sensor-x2 --quantity 9 --stations sz-1", verb_order_create},
    {"order", "raise", "order raise NAME --to N", "to=", 1, 1,
     "rootsmith order raise sensor-x2-0007 --to 20", verb_order_change},
    {"order", "pause", "order pause NAME", "", 1, 1, "rootsmith order pause sensor-x2-0007",
     verb_order_change},
    {"order", "resume", "order resume NAME", "", 1, 1, "rootsmith order resume sensor-x2-0007",
     verb_order_change},
    {"order", "close", "order close NAME", "", 1, 1, "rootsmith order close sensor-x2-0007",
     verb_order_change},
    {"station", "list", "station list", "", 0, 0, "rootsmith station list", verb_station_list},
    {"station", "create", "station create NAME", "", 1, 1, "rootsmith station create sz-1",
     verb_station_create},
    {"token", "create", "token create --device SERIAL", "device=", 0, 0,
     "rootsmith token create --device X2-0000007", verb_token_create},
    {"device", "list", "device list", "", 0, 0, "rootsmith device list", verb_device_list},
    {"device", "show", "device show SERIAL", "", 1, 1, "rootsmith device show X2-0000007",
     verb_device_show},
    {"device", "revoke", "device revoke SERIAL --reason TEXT", "reason= confirm=", 1, 1,
     "rootsmith device revoke X2-0000007 --reason \"stolen\"", verb_device_revoke},
    {"cert", "list", "cert list", "", 0, 0, "rootsmith cert list", verb_cert_list},
    {"cert", "issue", "cert issue --profile P --csr FILE [--device SERIAL] [-o FILE]",
     "profile= csr= device=", 0, 0, "rootsmith cert issue --profile tls-server --csr gw.csr",
     verb_cert_issue},
    {"crl", "publish", "crl publish CA", "", 1, 1, "rootsmith crl publish acme-devices",
     verb_crl_publish},
    {"ledger", "verify", "ledger verify --offline DIR [--witness DIR]", "offline= witness= note=",
     0, 0, "rootsmith ledger verify --offline ./acme/signer/ledger", verb_ledger_verify},
    {NULL, NULL, NULL, NULL, 0, 0, NULL, NULL},
};

/* ---- Help ---------------------------------------------------------------------------------------- */

static void
put_help(FILE *to, const char *noun)
{
    (void)fputs(noun != NULL ? "" : "rootsmith NOUN VERB [NAME...] [--flag VALUE]\n\n", to);
    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        if (noun == NULL || strcmp(noun, v->noun) == 0)
            (void)fprintf(to, "  rootsmith %s\n", v->usage);
    }
    (void)fputs("\nEverywhere: --json  -q  -v  -o FILE  --context NAME  --server URL  "
                "--color auto|always|never  --help\n",
                to);
}

static int
wrong_noun(const char *word)
{
    const char *known[64];
    size_t n = 0;
    const char *nearest;

    for (const struct cli_verb *v = cli_verbs; v->noun != NULL && n < 64; v++)
        known[n++] = v->noun;
    nearest = rs_nearest(word, known, n);
    if (nearest != NULL)
        (void)fprintf(stderr, "unknown noun \"%s\". Did you mean \"%s\"?\n", word, nearest);
    else
        (void)fprintf(stderr, "unknown noun \"%s\". See: rootsmith --help\n", word);
    return 2;
}

static int
wrong_verb(const char *noun, const char *word)
{
    const char *known[32];
    size_t n = 0;
    const char *nearest;

    for (const struct cli_verb *v = cli_verbs; v->noun != NULL && n < 32; v++) {
        if (strcmp(v->noun, noun) == 0)
            known[n++] = v->verb;
    }
    nearest = rs_nearest(word, known, n);
    if (word[0] == '\0')
        put_help(stderr, noun);
    else if (nearest != NULL)
        (void)fprintf(stderr, "%s has no verb \"%s\". Did you mean \"%s\"?\n", noun, word, nearest);
    else
        (void)fprintf(stderr, "%s has no verb \"%s\". See: rootsmith %s --help\n", noun, word,
                      noun);
    return 2;
}

/* ---- Options --------------------------------------------------------------------------------------- */

/* 1: known flag, 2: takes a value, 0: unknown for this verb. */
static int
verb_option(const struct cli_verb *v, const char *name)
{
    size_t len = strlen(name);

    for (const char *p = v->options; *p != '\0';) {
        size_t n = strcspn(p, " ");
        int takes = n > 0 && p[n - 1] == '=';
        if (n - (size_t)takes == len && memcmp(p, name, len) == 0)
            return takes ? 2 : 1;
        p += n + (p[n] == ' ');
    }
    return 0;
}

/* Options of every verb; 1 taken, 2 taken with its value, 0 not one of them. */
static int
global_option(struct cli *cli, const char *name, const char *value)
{
    struct {
        const char *name;
        int *flag;
        const char **text;
    } known[] = {
        {"json", &cli->json, NULL},       {"quiet", &cli->quiet, NULL},
        {"verbose", &cli->verbose, NULL}, {"dry-run", &cli->dry_run, NULL},
        {"context", NULL, &cli->context}, {"server", NULL, &cli->server},
        {"output", NULL, &cli->output},   {"confirm", NULL, &cli->confirm},
        {"reason", NULL, &cli->reason},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) != 0)
            continue;
        if (known[i].flag != NULL) {
            *known[i].flag = 1;
            return 1;
        }
        *known[i].text = value;
        return value != NULL ? 2 : -1;
    }
    if (strcmp(name, "color") == 0 && value != NULL) {
        cli->color = strcmp(value, "always") == 0;
        return 2;
    }
    if (strcmp(name, "overwrite") == 0) {
        cli->confirm = "overwrite";
        return 1;
    }
    return 0;
}

static const char *
long_name(const char *word)
{
    static const struct {
        const char *brief, *name;
    } brief[] = {{"-q", "quiet"}, {"-v", "verbose"}, {"-o", "output"}};

    if (strncmp(word, "--", 2) == 0)
        return word + 2;
    for (size_t i = 0; i < sizeof(brief) / sizeof(brief[0]); i++) {
        if (strcmp(brief[i].brief, word) == 0)
            return brief[i].name;
    }
    return NULL;
}

static int
take_option(struct cli *cli, const struct cli_verb *v, struct cli_args *args, char **word)
{
    const char *name = long_name(word[0]);
    int kind;

    if (name == NULL) {
        (void)fprintf(stderr, "unknown flag \"%s\". Usage: rootsmith %s\n", word[0], v->usage);
        return -1;
    }
    kind = verb_option(v, name);
    if (kind == 0) {
        kind = global_option(cli, name, word[1]);
        if (kind > 0)
            return kind;
    }
    if (kind <= 0 || (kind == 2 && word[1] == NULL) || args->option_count == 32) {
        (void)fprintf(stderr,
                      kind == 2 || kind < 0 ? "--%s needs a value. Usage: rootsmith %s\n"
                                            : "unknown flag \"--%s\". Usage: rootsmith %s\n",
                      name, v->usage);
        return -1;
    }
    args->options[args->option_count].name = name;
    args->options[args->option_count++].value = kind == 2 ? word[1] : "";
    return kind;
}

static int
take_words(struct cli *cli, const struct cli_verb *v, struct cli_args *args, char **word)
{
    while (*word != NULL) {
        if ((*word)[0] == '-' && (*word)[1] != '\0') {
            int n = take_option(cli, v, args, word);
            if (n < 0)
                return 0;
            word += n;
        } else if (args->word_count < 32) {
            args->words[args->word_count++] = *word++;
        } else {
            return 0;
        }
    }
    if (args->word_count >= v->words_min && args->word_count <= v->words_max)
        return 1;
    (void)fprintf(stderr, "Usage: rootsmith %s\n", v->usage);
    return 0;
}

/* ---- The program ------------------------------------------------------------------------------------- */

static const struct cli_verb *
find_verb(char **argv, int *ret_words, int *ret_code)
{
    const struct cli_verb *noun = NULL;

    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        if (strcmp(v->noun, argv[1]) != 0)
            continue;
        noun = v;
        if (v->verb[0] == '\0' || (argv[2] != NULL && strcmp(v->verb, argv[2]) == 0)) {
            *ret_words = v->verb[0] == '\0' ? 2 : 3;
            return v;
        }
    }
    *ret_code =
        noun == NULL ? wrong_noun(argv[1]) : wrong_verb(argv[1], argv[2] != NULL ? argv[2] : "");
    return NULL;
}

static int
asks_help(char **argv)
{
    for (int i = 1; argv[i] != NULL; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    }
    return 0;
}

int
cli_main(int argc, char **argv)
{
    struct cli cli = {.program = argv[0]};
    struct cli_args args = {0};
    const struct cli_verb *verb;
    int skip, code = 2;

    rs_inject_program("rootsmith");
    rs_log_setup("rootsmith", RS_LOG_TEXT, NULL);
    (void)setlocale(LC_CTYPE, "");
    cli.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    cli.color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return verb_version(&cli, &args);
    if (argc < 2 || asks_help(argv)) {
        put_help(argc < 2 ? stderr : stdout, argc < 2 || argv[1][0] == '-' ? NULL : argv[1]);
        return argc < 2 ? 2 : 0;
    }
    verb = find_verb(argv, &skip, &code);
    if (verb == NULL)
        return code;
    rs_arena_init(&cli.arena, (size_t)8 << 20);
    if (take_words(&cli, verb, &args, argv + skip)) {
        /* order raise, pause, resume and close share a function: the verb is its last word */
        args.words[31] = verb->verb;
        code = verb->run(&cli, &args);
    }
    web_close(cli.web);
    rs_arena_done(&cli.arena);
    return code;
}
