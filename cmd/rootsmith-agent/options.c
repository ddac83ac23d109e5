/*
 * options.c: the command line, over agent.yaml.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "program.h"

#define CONFIG_DEFAULT "/etc/rootsmith/agent.yaml"

static const char help[] =
    "rootsmith-agent enroll\n"
    "rootsmith-agent --server https://pki.acme.example:8443 --rot tpm enroll --token code.txt\n"
    "\n"
    "  enroll               the first operational identity (LDevID), by the IDevID in the chip\n"
    "  run                  keep it fresh, until stopped\n"
    "  status               what there is; exit 3 when something needs attention\n"
    "  renew [ldevid]       the next certificate now, over a new key (--same-key: the same)\n"
    "  trust                fetch the server's roots and follow them\n"
    "  test URL             a mutual TLS connection with the chip's key, step by step\n"
    "\n"
    "  --config FILE        default: " CONFIG_DEFAULT ", if it is there\n"
    "  --server URL --rot CHIP --channel-secret FILE --state DIR --trust FILE --label L --name N\n"
    "                       over what the file says\n"
    "  --token FILE         one-time code for a device that has no IDevID; - reads stdin\n"
    "  --first HOW          idevid, token:FILE, tpm-endorsement\n"
    "  --binding            bind requests to their connection\n"
    "  --same-key           renew without a new key\n"
    "  --anew               enroll: although there is an identity that works\n"
    "  --once               run: one round, then end\n"
    "  --json               answers as JSON\n"
    "  -v, --verbose        more about failures\n"
    "  --version\n";

enum option_code {
    OPTION_CONFIG = 256,
    OPTION_SERVER,
    OPTION_ROT,
    OPTION_CHANNEL_SECRET,
    OPTION_STATE,
    OPTION_TRUST,
    OPTION_LABEL,
    OPTION_NAME,
    OPTION_TOKEN,
    OPTION_FIRST,
    OPTION_BINDING,
    OPTION_SAME_KEY,
    OPTION_ONCE,
    OPTION_ANEW,
    OPTION_JSON,
    OPTION_VERSION,
};

static const struct option known[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"server", required_argument, NULL, OPTION_SERVER},
    {"rot", required_argument, NULL, OPTION_ROT},
    {"channel-secret", required_argument, NULL, OPTION_CHANNEL_SECRET},
    {"state", required_argument, NULL, OPTION_STATE},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"name", required_argument, NULL, OPTION_NAME},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"first", required_argument, NULL, OPTION_FIRST},
    {"binding", no_argument, NULL, OPTION_BINDING},
    {"same-key", no_argument, NULL, OPTION_SAME_KEY},
    {"anew", no_argument, NULL, OPTION_ANEW},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static int
usage(const char *what, const char *value)
{
    (void)fprintf(stderr, "rootsmith-agent: %s%s%s\nSee rootsmith-agent --help\n", what,
                  value != NULL ? ": " : "", value != NULL ? value : "");
    return 0;
}

static int
take(struct options *o, int c)
{
    struct agent_config *a = &o->agent;

    switch (c) {
    case OPTION_CONFIG:
        return 1; /* read before the others */
    case OPTION_SERVER:
        a->server = optarg;
        return 1;
    case OPTION_ROT:
        a->rot = optarg;
        return 1;
    case OPTION_CHANNEL_SECRET:
        a->channel_secret = optarg;
        return 1;
    case OPTION_STATE:
        a->state = optarg;
        return 1;
    case OPTION_TRUST:
        a->trust = optarg;
        return 1;
    case OPTION_LABEL:
        a->label = optarg;
        return 1;
    case OPTION_NAME:
        a->name = optarg;
        return 1;
    case OPTION_TOKEN:
        a->first = AGENT_FIRST_TOKEN;
        a->token = optarg;
        return 1;
    case OPTION_FIRST:
        return agent_config_set_first(a, optarg) ? 1 : usage("--first", optarg);
    case OPTION_BINDING:
        a->binding = 1;
        return 1;
    case OPTION_SAME_KEY:
        a->same_key = 1;
        return 1;
    case OPTION_ONCE:
        o->once = 1;
        return 1;
    case OPTION_ANEW:
        o->anew = 1;
        return 1;
    case OPTION_JSON:
        o->json = 1;
        return 1;
    case 'v':
        o->verbose = 1;
        return 1;
    case 'h':
        (void)fputs(help, stdout);
        return -1;
    case OPTION_VERSION:
        (void)puts("rootsmith-agent 0.1.0");
        return -1;
    default:
        return usage("wrong option", NULL);
    }
}

/* The file is under everything else, wherever --config stands. */
static int
read_file(struct options *o, int argc, char **argv)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    struct rs_err err = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            o->config = argv[i + 1];
        else if (strncmp(argv[i], "--config=", 9) == 0)
            o->config = argv[i] + 9;
    }
    agent_config_default(&o->agent);
    if (o->config == NULL && !rs_path_exists(CONFIG_DEFAULT))
        return 1;
    rs_buf_init(&text, 1u << 16);
    if (agent_config_read(o->config != NULL ? o->config : CONFIG_DEFAULT, &o->arena, &o->agent,
                          &text, &err) == RS_OK)
        return 1;
    (void)fprintf(stderr, "%.*s", (int)text.len, (const char *)text.p);
    return usage("the configuration cannot be used", NULL);
}

static int
take_words(struct options *o, int argc, char **argv)
{
    int n = argc - optind, most = 1;

    if (n == 0)
        return usage("what to do? enroll, run, status, renew, trust, test", NULL);
    o->verb = argv[optind];
    if (strcmp(o->verb, "renew") == 0 || strcmp(o->verb, "test") == 0) {
        most = 2;
        o->object = n > 1 ? argv[optind + 1] : NULL;
    }
    if (strcmp(o->verb, "test") == 0 && o->object == NULL)
        return usage("test wants a URL", NULL);
    if (strcmp(o->verb, "renew") == 0 && o->object != NULL && strcmp(o->object, "ldevid") != 0)
        return usage("only ldevid is renewed, not", o->object);
    if (n > most)
        return usage("too many words", argv[argc - 1]);
    if (o->agent.server == NULL)
        return usage("no server: say --server URL, or write it into " CONFIG_DEFAULT, NULL);
    return 1;
}

int
options_read(int argc, char **argv, struct options *ret_options)
{
    struct options *o = ret_options;
    struct rs_arena arena = o->arena;
    int c, go;

    memset(o, 0, sizeof(*o));
    o->arena = arena;
    go = read_file(o, argc, argv);
    while (go == 1 && (c = getopt_long(argc, argv, "hv", known, NULL)) != -1)
        go = take(o, c);
    return go == 1 ? take_words(o, argc, argv) : go;
}
