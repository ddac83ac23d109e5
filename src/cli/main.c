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

#define CHIP_OPTIONS "chip= layout= production"

const struct cli_verb cli_verbs[] = {
    {"init", "",
     "init NAME [--data DIR] [--devices HOST:PORT] [--people HOST:PORT] [--http HOST:PORT]",
     "production data= devices= people= http=", 1, 1, "rootsmith init acme", verb_init, CLI_TRIES},
    {"login", "", "login [URL] [--claim CODE] [--name NAME] [--as CONTEXT]", "claim= name= as=", 1,
     1, "rootsmith login https://localhost:9443 --claim 4F7K-9QWD-2MXP-T6HR-0C5V", verb_login,
     CLI_ONCE},
    {"whoami", "", "whoami", "", 0, 0, "rootsmith whoami", verb_whoami, CLI_READS},
    {"status", "", "status", "", 0, 0, "rootsmith status", verb_status, CLI_READS},
    {"doctor", "", "doctor", "", 0, 0, "rootsmith doctor", verb_doctor, CLI_READS},
    {"explain", "", "explain CODE", "", 1, 1, "rootsmith explain order.exhausted", verb_explain,
     CLI_READS},
    {"version", "", "version", "", 0, 0, "rootsmith version", verb_version, CLI_READS},
    {"completion", "", "completion bash", "", 1, 1, "rootsmith completion bash", verb_completion,
     CLI_READS},
    {"ca", "list", "ca list", "", 0, 0, "rootsmith ca list", verb_ca_list, CLI_READS},
    {"ca", "show", "ca show NAME", "", 1, 1, "rootsmith ca show acme-devices", verb_ca_show,
     CLI_READS},
    {"ca", "chain", "ca chain NAME [-o FILE]", "", 1, 1,
     "rootsmith ca chain acme-devices -o chain.pem", verb_ca_chain, CLI_READS},
    {"ca", "rollover", "ca rollover ROOT [--name NEW]", "name=", 1, 1,
     "rootsmith ca rollover acme-root", verb_ca_rollover, CLI_TRIES},
    {"profile", "list", "profile list", "", 0, 0, "rootsmith profile list", verb_profile_list,
     CLI_READS},
    {"profile", "show", "profile show NAME", "", 1, 1, "rootsmith profile show idevid",
     verb_profile_show, CLI_READS},
    {"product", "list", "product list", "", 0, 0, "rootsmith product list", verb_product_list,
     CLI_READS},
    {"product", "show", "product show NAME", "", 1, 1, "rootsmith product show sensor-x2",
     verb_product_show, CLI_READS},
    {"product", "set", "product set FILE | product set NAME --rot MODEL --issuer CA",
     "rot= issuer= profile= layout= serials= ldevid= ldevid-issuer= provenance=", 1, 1,
     "rootsmith product set product/sensor-x2.yaml", verb_product_set, CLI_TRIES},
    {"order", "list", "order list", "", 0, 0, "rootsmith order list", verb_order_list, CLI_READS},
    {"order", "show", "order show NAME", "", 1, 1, "rootsmith order show sensor-x2-0007",
     verb_order_show, CLI_READS},
    {"order", "create",
     "order create --product P --quantity N [--target N] [--stations S,..] [--until DATE]",
     "product= quantity= target= stations= until= name=", 0, 0,
     "rootsmith order create --product sensor-x2 --quantity 9 --stations sz-1", verb_order_create,
     CLI_TRIES},
    {"order", "raise", "order raise NAME --to N", "to=", 1, 1,
     "rootsmith order raise sensor-x2-0007 --to 20", verb_order_change, CLI_TRIES},
    {"order", "pause", "order pause NAME", "", 1, 1, "rootsmith order pause sensor-x2-0007",
     verb_order_change, CLI_TRIES},
    {"order", "resume", "order resume NAME", "", 1, 1, "rootsmith order resume sensor-x2-0007",
     verb_order_change, CLI_TRIES},
    {"order", "close", "order close NAME", "", 1, 1, "rootsmith order close sensor-x2-0007",
     verb_order_change, CLI_TRIES},
    {"order", "report", "order report NAME", "", 1, 1, "rootsmith order report sensor-x2-0007",
     verb_order_report, CLI_READS},
    {"station", "list", "station list", "", 0, 0, "rootsmith station list", verb_station_list,
     CLI_READS},
    {"station", "show", "station show NAME", "", 1, 1, "rootsmith station show sz-1",
     verb_station_show, CLI_READS},
    {"station", "create", "station create NAME", "", 1, 1, "rootsmith station create sz-1",
     verb_station_create, CLI_ONCE},
    {"token", "list", "token list", "", 0, 0, "rootsmith token list", verb_token_list, CLI_READS},
    {"token", "create", "token create --device SERIAL [--product P] [--until DATE] [--uses N]",
     "device= product= until= uses=", 0, 0,
     "rootsmith token create --device X2-0000007 --product sensor-x2", verb_token_create, CLI_ONCE},
    {"token", "revoke", "token revoke ID", "", 1, 1,
     "rootsmith token revoke 0f2c66a8b3e5d1947a2b3c4d5e6f7081", verb_token_revoke, CLI_TRIES},
    {"finding", "list", "finding list", "", 0, 0, "rootsmith finding list", verb_finding_list,
     CLI_READS},
    {"finding", "show", "finding show NAME", "", 1, 1,
     "rootsmith finding show twin-2f6c11a0b8d4e973", verb_finding_show, CLI_READS},
    {"device", "list", "device list", "", 0, 0, "rootsmith device list", verb_device_list,
     CLI_READS},
    {"device", "show", "device show SERIAL", "", 1, 1, "rootsmith device show X2-0000007",
     verb_device_show, CLI_READS},
    {"device", "revoke", "device revoke SERIAL --reason TEXT", "", 1, 1,
     "rootsmith device revoke X2-0000007 --reason \"stolen\"", verb_device_revoke, CLI_TRIES},
    {"cert", "list", "cert list", "", 0, 0, "rootsmith cert list", verb_cert_list, CLI_READS},
    {"cert", "issue", "cert issue --profile P --csr FILE [--device SERIAL] [-o FILE]",
     "profile= csr= device=", 0, 0, "rootsmith cert issue --profile tls-server --csr gw.csr",
     verb_cert_issue, CLI_ONCE},
    {"cert", "show", "cert show SERIAL", "", 1, 1, "rootsmith cert show 4001b277", verb_cert_show,
     CLI_READS},
    {"cert", "download", "cert download SERIAL [-o FILE]", "", 1, 1,
     "rootsmith cert download 4001b277 -o dev.pem", verb_cert_download, CLI_READS},
    {"cert", "verify", "cert verify FILE", "", 1, 1, "rootsmith cert verify dev.pem",
     verb_cert_verify, CLI_READS},
    {"cert", "revoke", "cert revoke SERIAL --reason TEXT", "", 1, 1,
     "rootsmith cert revoke 4001b277 --reason \"key lost\"", verb_cert_revoke, CLI_TRIES},
    {"crl", "list", "crl list", "", 0, 0, "rootsmith crl list", verb_crl_list, CLI_READS},
    {"crl", "show", "crl show CA", "", 1, 1, "rootsmith crl show acme-devices", verb_crl_show,
     CLI_READS},
    {"crl", "download", "crl download CA [-o FILE]", "", 1, 1,
     "rootsmith crl download acme-devices -o acme.crl", verb_crl_download, CLI_READS},
    {"crl", "publish", "crl publish CA", "", 1, 1, "rootsmith crl publish acme-devices",
     verb_crl_publish, CLI_ONCE},
    {"ledger", "verify", "ledger verify --offline DIR [--witness DIR]", "offline= witness= note=",
     0, 0, "rootsmith ledger verify --offline ./acme/signer/ledger", verb_ledger_verify, CLI_READS},
    {"chip", "scan", "chip scan [--bus N | --panel SOCKET] [--probe ADDRESS,..]",
     "bus= panel= probe=", 0, 0, "rootsmith chip scan --bus 1", verb_chip_scan, CLI_READS},
    {"chip", "info", "chip info [--chip URI]", CHIP_OPTIONS, 0, 0,
     "rootsmith chip info --chip soft:board.rot", verb_chip, CLI_READS},
    {"chip", "layout", "chip layout [check FILE] [--chip URI] [--layout NAME|FILE]", CHIP_OPTIONS,
     0, 2, "rootsmith chip layout check layout/acme-tflx.yaml", verb_chip_layout, CLI_READS},
    {"chip", "genkey", "chip genkey OBJECT [--algorithm p256] [--chip URI]",
     CHIP_OPTIONS " algorithm=", 1, 1, "rootsmith chip genkey idevid --chip soft:board.rot",
     verb_chip, CLI_TRIES},
    {"chip", "csr", "chip csr OBJECT [--serial S] [--cn NAME] [-o FILE] [--chip URI]",
     CHIP_OPTIONS " serial= cn=", 1, 1,
     "rootsmith chip csr idevid --serial X2-7 --chip soft:board.rot", verb_chip, CLI_READS},
    {"chip", "read", "chip read OBJECT [--part cert|chain|data|key] [-o FILE] [--chip URI]",
     CHIP_OPTIONS " part=", 1, 1, "rootsmith chip read idevid --chip soft:board.rot", verb_chip,
     CLI_READS},
    {"chip", "write", "chip write OBJECT --in FILE [--part cert|chain|data] [--chip URI]",
     CHIP_OPTIONS " part= in=", 1, 1,
     "rootsmith chip write trust/0 --in root.pem --part data --chip soft:board.rot", verb_chip,
     CLI_TRIES},
    {"chip", "sign", "chip sign OBJECT --in FILE | --digest HEX [-o FILE] [--chip URI]",
     CHIP_OPTIONS " in= digest=", 1, 1,
     "rootsmith chip sign idevid --in file --chip soft:board.rot", verb_chip, CLI_READS},
    {"chip", "challenge", "chip challenge [OBJECT] [--cert FILE|OBJECT] [--ca FILE] [--chip URI]",
     CHIP_OPTIONS " cert= ca=", 0, 1,
     "rootsmith chip challenge --ca root.pem --chip soft:board.rot", verb_chip, CLI_READS},
    {"chip", "reference", "chip reference OBJECT [-o FILE] [--chip URI]", CHIP_OPTIONS, 1, 1,
     "rootsmith chip reference ldevid -o key.pem --chip i2c:1:0x60", verb_chip, CLI_READS},
    {"chip", "lock",
     "chip lock config|data|lifecycle|OBJECT [--yes-irreversible MODEL] [--chip URI]",
     CHIP_OPTIONS " yes-irreversible=", 1, 1, "rootsmith chip lock config --chip i2c:1:0x60",
     verb_chip, CLI_TRIES},
    {"chip", "report", "chip report -o FILE [--kind KIND] [--simulator PROGRAM] [--chip URI]",
     CHIP_OPTIONS " kind= simulator=", 0, 0,
     "rootsmith chip report -o atecc608b.json --chip i2c:1:0x60", verb_chip_report, CLI_READS},
    {"chip", "wipe", "chip wipe [--yes-irreversible MODEL] [--chip URI]",
     CHIP_OPTIONS " yes-irreversible=", 0, 0, "rootsmith chip wipe --chip soft:board.rot",
     verb_chip, CLI_TRIES},
    {NULL, NULL, NULL, NULL, 0, 0, NULL, NULL, 0},
};

/* ---- Help ---------------------------------------------------------------------------------------- */

/* Is it what help was asked for?  NULL: everything. */
static int
is_asked(const struct cli_verb *v, const char *noun, const char *verb)
{
    return noun == NULL ||
           (strcmp(noun, v->noun) == 0 && (verb == NULL || strcmp(verb, v->verb) == 0));
}

/* The last two: what is special about a noun comes after list and show. */
static void
put_examples(FILE *to, const char *noun, const char *verb)
{
    const struct cli_verb *last[2] = {NULL, NULL};

    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        if (is_asked(v, noun, verb)) {
            last[0] = last[1];
            last[1] = v;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (last[i] != NULL)
            (void)fprintf(to, "  %s\n", last[i]->example);
    }
    (void)fputc('\n', to);
}

static void
put_help(FILE *to, const char *noun, const char *verb)
{
    if (noun == NULL)
        (void)fputs("  rootsmith init acme\n  rootsmith order list --json\n\n"
                    "rootsmith NOUN VERB [NAME...] [--flag VALUE]\n\n",
                    to);
    else
        put_examples(to, noun, verb);
    for (const struct cli_verb *v = cli_verbs; v->noun != NULL; v++) {
        if (is_asked(v, noun, verb))
            (void)fprintf(to, "  rootsmith %s\n", v->usage);
    }
    (void)fputs(
        "\nEverywhere: --json  -q  -v  -o FILE [--overwrite]  --wide  --dry-run  --reason TEXT\n"
        "  --confirm NAME  --context NAME  --server URL  --color auto|always|never  --help\n"
        "With chips: --channel-secret FILE (a master or a part's own; else $ROOTSMITH_CHANNEL_SECRET)\n",
        to);
}

static int
wrong_noun(const char *word)
{
    const char *known[128];
    size_t n = 0;
    const char *nearest;

    for (const struct cli_verb *v = cli_verbs; v->noun != NULL && n < 128; v++)
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
        put_help(stderr, noun, NULL);
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

/* auto leaves what was found out about the terminal; 0 for any other word. */
static int
set_color(struct cli *cli, const char *value)
{
    if (value == NULL)
        return 0;
    if (strcmp(value, "always") == 0)
        cli->color = 1;
    else if (strcmp(value, "never") == 0)
        cli->color = 0;
    else
        return strcmp(value, "auto") == 0;
    return 1;
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
        {"wide", &cli->wide, NULL},       {"overwrite", &cli->overwrite, NULL},
        {"context", NULL, &cli->context}, {"server", NULL, &cli->server},
        {"output", NULL, &cli->output},   {"confirm", NULL, &cli->confirm},
        {"reason", NULL, &cli->reason},   {"channel-secret", NULL, &cli->channel_secret},
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
    if (strcmp(name, "color") == 0)
        return set_color(cli, value) ? 2 : -1;
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

/* --flag=value is --flag value; the word loses its end.  NULL: there is no "=". */
static char *
split_value(char *word)
{
    char *value = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;

    if (value != NULL)
        *value++ = '\0';
    return value;
}

static void
wrong_flag(const struct cli_verb *v, const char *name)
{
    const char *known[48] = {"json",   "quiet",     "verbose",       "dry-run", "context",
                             "server", "output",    "confirm",       "reason",  "color",
                             "wide",   "overwrite", "channel-secret"};
    char room[256];
    char *save = NULL;
    const char *nearest;
    size_t n = 13;

    (void)snprintf(room, sizeof(room), "%s", v->options);
    for (char *p = strtok_r(room, " =", &save); p != NULL && n < 48;
         p = strtok_r(NULL, " =", &save))
        known[n++] = p;
    nearest = rs_nearest(name, known, n);
    if (nearest != NULL)
        (void)fprintf(stderr, "unknown flag \"--%s\". Did you mean \"--%s\"?\n", name, nearest);
    else
        (void)fprintf(stderr, "unknown flag \"--%s\". Usage: rootsmith %s\n", name, v->usage);
}

/* kind: 1 a flag, 2 a flag and its value, which may stand in the same word. */
static int
words_taken(int kind, const char *inside, const char *name)
{
    if (kind == 1 && inside != NULL) {
        (void)fprintf(stderr, "--%s takes no value\n", name);
        return -1;
    }
    return inside != NULL ? 1 : kind;
}

static int
take_option(struct cli *cli, const struct cli_verb *v, struct cli_args *args, char **word)
{
    const char *inside = split_value(word[0]), *name = long_name(word[0]);
    const char *value = inside != NULL ? inside : word[1];
    int kind;

    if (name == NULL) {
        (void)fprintf(stderr, "unknown flag \"%s\". Usage: rootsmith %s\n", word[0], v->usage);
        return -1;
    }
    kind = verb_option(v, name);
    if (kind == 0) {
        kind = global_option(cli, name, value);
        if (kind > 0)
            return words_taken(kind, inside, name);
    }
    if (kind == 0) {
        wrong_flag(v, name);
        return -1;
    }
    if (kind < 0 || (kind == 2 && value == NULL) || args->option_count == 32) {
        (void)fprintf(stderr, "--%s needs a value. Usage: rootsmith %s\n", name, v->usage);
        return -1;
    }
    args->options[args->option_count].name = name;
    args->options[args->option_count++].value = kind == 2 ? value : "";
    return words_taken(kind, inside, name);
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
has_color(void)
{
    const char *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL &&
           (term == NULL || strcmp(term, "dumb") != 0);
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

/* rootsmith --help, rootsmith NOUN --help, rootsmith NOUN VERB --help. */
static int
help(char **argv)
{
    const char *noun = argv[1][0] != '-' ? argv[1] : NULL, *verb = NULL;
    int known = noun == NULL;

    for (const struct cli_verb *v = cli_verbs; noun != NULL && v->noun != NULL; v++) {
        if (strcmp(v->noun, noun) != 0)
            continue;
        known = 1;
        if (v->verb[0] == '\0' || strcmp(v->verb, argv[2]) == 0)
            verb = v->verb;
    }
    if (!known)
        return wrong_noun(noun);
    if (noun != NULL && verb == NULL && argv[2][0] != '-')
        return wrong_verb(noun, argv[2]);
    put_help(stdout, noun, verb);
    return 0;
}

/* Global flags may stand before the noun; 0 when one of them is wrong. */
static int
take_leading(struct cli *cli, char ***word)
{
    while (**word != NULL && (**word)[0] == '-') {
        const char *inside = split_value(**word), *name = long_name(**word);
        int n = name != NULL ? global_option(cli, name, inside != NULL ? inside : (*word)[1]) : 0;
        if (n > 0)
            n = words_taken(n, inside, name);
        if (n <= 0) {
            (void)fprintf(stderr,
                          "unknown flag \"%s\", or its value is missing. See: rootsmith --help\n",
                          **word);
            return 0;
        }
        *word += n;
    }
    return 1;
}

/* A dry run that would change something all the same is worse than none. */
static int
may_run(const struct cli *cli, const struct cli_verb *verb)
{
    if (!cli->dry_run || verb->effect != CLI_ONCE)
        return 1;
    (void)fprintf(stderr,
                  "%s%s%s cannot be tried without doing it: --dry-run is refused. "
                  "Nothing was changed.\n",
                  verb->noun, verb->verb[0] ? " " : "", verb->verb);
    return 0;
}

/* Whatever opens a chip in this process takes it from there (rot/linux.h). */
static int
use_channel_secret(const struct cli *cli)
{
    return cli->channel_secret == NULL ||
           setenv("ROOTSMITH_CHANNEL_SECRET", cli->channel_secret, 1) == 0;
}

int
cli_main(int argc, char **argv)
{
    struct cli cli = {.program = argv[0]};
    struct cli_args args = {0};
    const struct cli_verb *verb;
    char **word;
    int skip, code = 2;

    rs_inject_program("rootsmith");
    rs_log_setup("rootsmith", RS_LOG_TEXT, NULL);
    (void)setlocale(LC_CTYPE, "");
    cli.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    cli.color = has_color();
    if (argc > 1 && strcmp(argv[1], "--version") == 0)
        return verb_version(&cli, &args);
    if (argc < 2) {
        put_help(stderr, NULL, NULL);
        return 2;
    }
    if (asks_help(argv))
        return help(argv);
    word = argv + 1;
    if (!take_leading(&cli, &word))
        return 2;
    if (*word == NULL) {
        put_help(stderr, NULL, NULL);
        return 2;
    }
    verb = find_verb(word - 1, &skip, &code);
    if (verb == NULL)
        return code;
    rs_arena_init(&cli.arena, (size_t)8 << 20);
    args.verb = verb;
    if (take_words(&cli, verb, &args, word - 1 + skip) && use_channel_secret(&cli) &&
        may_run(&cli, verb))
        code = verb->run(&cli, &args);
    web_close(cli.web);
    rs_arena_done(&cli.arena);
    return code;
}
