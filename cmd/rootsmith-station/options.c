/*
 * options.c: the command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "program.h"
#include "station/config.h"

#define DATA_DEFAULT "/var/lib/rootsmith-station"

static const char help[] =
    "rootsmith-station enroll https://pki.acme.example:8443 --name sz-1 --token -\n"
    "rootsmith-station run --order sensor-x2-0007 --fixture 1=i2c:1:0x60 --fixture 2=i2c:2:0x60\n"
    "\n"
    "  enroll URL --token FILE|- [--name N]   make a key, prove the one-time code, get a certificate\n"
    "                                         --key CHIP: the key is in a chip (tpm, soft:FILE)\n"
    "  check                                  try the server and every fixture; writes nothing\n"
    "  fixtures check                         what is in every nest, and which is not there\n"
    "  shift start                            show each nest a golden and a known-bad board\n"
    "  run                                    make boards\n"
    "  status | orders | journal show         look\n"
    "\n"
    "  --data DIR            the station's directory (" DATA_DEFAULT ")\n"
    "  --config FILE         fixtures and more (default: station.yaml in that directory)\n"
    "  --fixtures FILE       nests and adapters (default: fixtures.yaml in that directory)\n"
    "  --order NAME          which order, when several are open for one part; again for a line\n"
    "                        with several parts\n"
    "  --fixture NAME=CHIP   once per fixture; {serial} in CHIP is the board's serial\n"
    "  --boards FILE|-       lines \"FIXTURE SERIAL [CHIP]\" or \"SERIAL\"; default: scans\n"
    "  --serial S            one board\n"
    "  --once                one board, and its result as exit code:\n"
    "                        0 pass, 1 reject, 2 usage, 5 again, 6 line stop\n"
    "  --wait SECONDS        how long a board waits for the server (60; with --once 15)\n"
    "  --dry-run             look at every board, say what would be written and locked\n"
    "  --yes-irreversible MODEL   lock parts of that model without asking (for scripts)\n"
    "  --production          refuse simulators and parts spoken to by published secrets\n"
    "  --channel-secret FILE master of the channels to parts (default: channel.secret in --data)\n"
    "  --channel-out DIR     write each part's own secret there, for its device\n"
    "  --ui full|plain|none  default: full on a terminal of 80x24 or more, else plain\n"
    "  --json                events, or the answer, as JSON\n"
    "  -v, --verbose         more about failures\n"
    "  --version\n";

enum option_code {
    OPTION_DATA = 256,
    OPTION_CONFIG,
    OPTION_TOKEN,
    OPTION_NAME,
    OPTION_KEY,
    OPTION_ORDER,
    OPTION_FIXTURE,
    OPTION_FIXTURES,
    OPTION_BOARDS,
    OPTION_SERIAL,
    OPTION_ONCE,
    OPTION_WAIT,
    OPTION_PRODUCTION,
    OPTION_DRY_RUN,
    OPTION_YES,
    OPTION_CHANNEL_SECRET,
    OPTION_CHANNEL_OUT,
    OPTION_UI,
    OPTION_JSON,
    OPTION_VERSION,
};

static const struct option known[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"name", required_argument, NULL, OPTION_NAME},
    {"key", required_argument, NULL, OPTION_KEY},
    {"order", required_argument, NULL, OPTION_ORDER},
    {"fixture", required_argument, NULL, OPTION_FIXTURE},
    {"fixtures", required_argument, NULL, OPTION_FIXTURES},
    {"boards", required_argument, NULL, OPTION_BOARDS},
    {"serial", required_argument, NULL, OPTION_SERIAL},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"channel-secret", required_argument, NULL, OPTION_CHANNEL_SECRET},
    {"channel-out", required_argument, NULL, OPTION_CHANNEL_OUT},
    {"production", no_argument, NULL, OPTION_PRODUCTION},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"yes-irreversible", required_argument, NULL, OPTION_YES},
    {"ui", required_argument, NULL, OPTION_UI},
    {"json", no_argument, NULL, OPTION_JSON},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static int
usage(const char *what, const char *value)
{
    (void)fprintf(stderr, "rootsmith-station: %s%s%s\nSee rootsmith-station --help\n", what,
                  value != NULL ? ": " : "", value != NULL ? value : "");
    return 0;
}

static int
add_fixture(struct options *o, const char *text)
{
    const char *equals = strchr(text, '=');
    struct station_fixture *fx = &o->fixtures[o->fixture_count];
    size_t len = equals != NULL ? (size_t)(equals - text) : 0;

    if (o->fixture_count == STATION_FIXTURES_MAX)
        return usage("too many fixtures", text);
    if (len == 0 || len >= sizeof(fx->name) || strlen(equals + 1) >= sizeof(fx->chip) ||
        equals[1] == '\0')
        return usage("--fixture wants NAME=CHIP", text);
    for (size_t i = 0; i < o->fixture_count; i++) {
        if (strncmp(o->fixtures[i].name, text, len) == 0 && o->fixtures[i].name[len] == '\0')
            return usage("two fixtures with one name", text);
    }
    memcpy(fx->name, text, len);
    (void)snprintf(fx->chip, sizeof(fx->chip), "%s", equals + 1);
    o->fixture_count++;
    return 1;
}

static int
add_order(struct options *o, const char *name)
{
    if (o->order_count == STATION_ORDERS_MAX)
        return usage("too many orders", name);
    o->orders[o->order_count++] = name;
    return 1;
}

static int
add_yes(struct options *o, const char *model)
{
    if (o->yes_count == STATION_ORDERS_MAX)
        return usage("too many models", model);
    o->yes[o->yes_count++] = model;
    return 1;
}

static int
set_ui(struct options *o, const char *text)
{
    static const char *const names[] = {"", "full", "plain", "none"};

    for (unsigned i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], text) == 0) {
            o->ui = (enum ui)i;
            return 1;
        }
    }
    return usage("--ui is full, plain or none, not", text);
}

static int
set_wait(struct options *o, const char *text)
{
    char *end = NULL;
    unsigned long v = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || v > 86400)
        return usage("--wait wants seconds", text);
    o->wait_s = (unsigned)v;
    o->has_wait = 1;
    return 1;
}

static int
take(struct options *o, int c)
{
    switch (c) {
    case OPTION_DATA:
        o->data = optarg;
        return 1;
    case OPTION_CONFIG:
        o->config = optarg;
        return 1;
    case OPTION_TOKEN:
        o->token = optarg;
        return 1;
    case OPTION_NAME:
        o->name = optarg;
        return 1;
    case OPTION_KEY:
        o->key = optarg;
        return 1;
    case OPTION_ORDER:
        return add_order(o, optarg);
    case OPTION_FIXTURE:
        return add_fixture(o, optarg);
    case OPTION_FIXTURES:
        o->fixtures_file = optarg;
        return 1;
    case OPTION_BOARDS:
        o->boards = optarg;
        return 1;
    case OPTION_SERIAL:
        o->serial = optarg;
        return 1;
    case OPTION_ONCE:
        o->once = 1;
        return 1;
    case OPTION_WAIT:
        return set_wait(o, optarg);
    case OPTION_CHANNEL_SECRET:
        o->channel_secret = optarg;
        return 1;
    case OPTION_CHANNEL_OUT:
        o->channel_out = optarg;
        return 1;
    case OPTION_DRY_RUN:
        o->dry_run = 1;
        return 1;
    case OPTION_YES:
        return add_yes(o, optarg);
    case OPTION_PRODUCTION:
        o->production = 1;
        return 1;
    case OPTION_UI:
        return set_ui(o, optarg);
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
        (void)puts("rootsmith-station 0.1.0");
        return -1;
    default:
        return usage("wrong option", NULL);
    }
}

/* VERB, and what belongs to it. */
static int
take_words(struct options *o, int argc, char **argv)
{
    int n = argc - optind;
    int wants = 1;

    if (n == 0)
        return usage("what to do? enroll, check, fixtures check, shift start, run, status, orders, "
                     "journal show",
                     NULL);
    o->verb = argv[optind];
    if (strcmp(o->verb, "enroll") == 0) {
        wants = 2;
        o->url = n > 1 ? argv[optind + 1] : NULL;
        if (o->url == NULL || o->token == NULL)
            return usage("enroll wants URL and --token FILE or --token -", NULL);
    } else if (strcmp(o->verb, "journal") == 0) {
        wants = 2;
        o->object = n > 1 ? argv[optind + 1] : "";
        if (strcmp(o->object, "show") != 0)
            return usage("journal show is all there is", NULL);
    } else if (strcmp(o->verb, "fixtures") == 0) {
        wants = 2;
        o->object = n > 1 ? argv[optind + 1] : "";
        if (strcmp(o->object, "check") != 0)
            return usage("fixtures check is all there is", NULL);
    } else if (strcmp(o->verb, "shift") == 0) {
        wants = 2;
        o->object = n > 1 ? argv[optind + 1] : "";
        if (strcmp(o->object, "start") != 0)
            return usage("shift start is all there is", NULL);
    }
    return n == wants ? 1 : usage("too many words", argv[argc - 1]);
}

int
options_read(int argc, char **argv, struct options *ret_options)
{
    struct options *o = ret_options;
    int c, go = 1;

    memset(o, 0, sizeof(*o));
    o->data = DATA_DEFAULT;
    while (go == 1 && (c = getopt_long(argc, argv, "hv", known, NULL)) != -1)
        go = take(o, c);
    if (go != 1)
        return go;
    if (!o->has_wait)
        o->wait_s = o->once ? 15 : 60;
    return take_words(o, argc, argv);
}

/* ---- station.yaml ----------------------------------------------------------------------- */

/* 1: read; 0: there is none; -1: its mistakes were said. */
static int
read_file(const struct options *o, const struct home *home, struct rs_arena *arena,
          struct station_file *ret_file, struct rs_err *err)
{
    char path[HOME_PATH_MAX + 32];
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};

    if (o->config == NULL &&
        (rs_path_join(o->data, "station.yaml", path, sizeof(path), err) != RS_OK ||
         !rs_path_exists(path)))
        return 0;
    rs_buf_init(&text, 1u << 16);
    if (station_file_read(o->config != NULL ? o->config : path, home, arena, ret_file, &text,
                          err) == RS_OK)
        return 1;
    (void)fprintf(stderr, "%.*s", (int)text.len, (const char *)text.p);
    return -1;
}

static void
take_file(const struct station_file *file, struct options *o)
{
    if (o->order_count == 0 && file->order != NULL)
        o->orders[o->order_count++] = file->order;
    if (!o->has_wait && !o->once)
        o->wait_s = (unsigned)file->wait_s;
    if (o->fixture_count == 0) {
        memcpy(o->fixtures, file->fixtures, sizeof(o->fixtures));
        o->fixture_count = file->fixture_count;
        o->fixtures_in_file = file->fixture_count > 0;
    }
    o->est = file->est;
    o->firmware_key = file->firmware_key;
    o->vendor_roots = file->vendor_roots;
    o->production = o->production || file->production;
    if (o->channel_secret == NULL)
        o->channel_secret = file->channel_secret;
    if (o->channel_out == NULL)
        o->channel_out = file->channel_out;
}

/* ---- fixtures.yaml ---------------------------------------------------------------------- */

/* Fixtures of the command line or of station.yaml: nests that name their chip. */
static void
take_fixtures(const struct options *o, struct nest_file *out)
{
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->sysfs, sizeof(out->sysfs), "/sys");
    for (size_t i = 0; i < o->fixture_count; i++) {
        struct nest *n = &out->nests[out->nest_count++];
        n->adapter = n->channel = -1;
        memcpy(n->name, o->fixtures[i].name, sizeof(n->name));
        memcpy(n->chip, o->fixtures[i].chip, sizeof(n->chip));
    }
}

int
options_nests(const struct options *o, const char *what, struct nest_file *ret_file)
{
    char path[HOME_PATH_MAX + 32];
    struct rs_err err = {0};
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    int exists, on_line = o->fixture_count > 0 && !o->fixtures_in_file;

    (void)snprintf(path, sizeof(path), "%.500s/fixtures.yaml", o->data);
    if (o->fixtures_file != NULL)
        (void)snprintf(path, sizeof(path), "%s", o->fixtures_file);
    exists = o->fixtures_file != NULL || rs_path_exists(path);
    take_fixtures(o, ret_file);
    /* What the command line names is meant; two files that name nests are a mistake. */
    if (!exists || (on_line && o->fixtures_file == NULL))
        return EXIT_DONE;
    if (o->fixture_count > 0) {
        (void)rs_fail(&err, RS_E_USAGE, "fixtures are named twice: %s, and in %.120s",
                      on_line ? "by --fixture" : "in station.yaml", path);
        return program_refuse(o, what, &err);
    }
    rs_buf_init(&text, 1u << 16);
    if (nests_read(path, ret_file, &text, &err) == RS_OK)
        return EXIT_DONE;
    (void)fprintf(stderr, "%.*s", (int)text.len, (const char *)text.p);
    return program_refuse(o, what, &err);
}

/* ---- Both ------------------------------------------------------------------------------- */

int
options_complete(const struct options *o, const char *what, struct home *ret_home,
                 struct rs_arena *arena, struct options *ret)
{
    struct home home = {.name = ""};
    struct station_file file;
    struct rs_err err = {0}, not_enrolled = {0};
    rs_code rc = home_open(o->data, &home, &not_enrolled);
    int found;

    *ret = *o;
    if (rc != RS_OK && rc != RS_E_STATION_UNENROLLED)
        return program_refuse(o, what, &not_enrolled);
    found = read_file(o, &home, arena, &file, &err);
    if (found < 0)
        return program_refuse(o, what, &err);
    if (found > 0)
        take_file(&file, ret);
    if (rc != RS_OK && ret->est.server == NULL)
        return program_refuse(o, what, &not_enrolled);
    if (ret->est.server != NULL &&
        home_open_alone(o->data, file.name != NULL ? file.name : "station", &home, &err) != RS_OK)
        return program_refuse(o, what, &err);
    *ret_home = home;
    if (ret->channel_secret == NULL && rs_path_exists(home.channel_path))
        ret->channel_secret = ret_home->channel_path;
    return EXIT_DONE;
}
