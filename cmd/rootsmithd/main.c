/*
 * rootsmithd: options; the work is in src/server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/inject.h"
#include "base/log.h"
#include "server/server.h"

static const char help[] =
    "rootsmithd --data ./acme\n"
    "rootsmithd --data /var/lib/rootsmith --config /etc/rootsmith/rootsmithd.yaml\n"
    "\n"
    "  --data DIR       the installation's directory (made by: rootsmith init)\n"
    "  --config FILE    default: rootsmithd.yaml in the data directory\n"
    "  --check          read the configuration and exit\n"
    "  --new-claim      print a new one-time code for rootsmith login; stop the server first\n"
    "  --version        print the version\n";

struct options {
    const char *data, *config;
    int front_fd, check, new_claim;
};

/* 1 go on, 0 wrong usage, -1 done. */
static int
read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},  {"config", required_argument, NULL, 'c'},
        {"front", required_argument, NULL, 'f'}, {"check", no_argument, NULL, 'k'},
        {"new-claim", no_argument, NULL, 'n'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},     {NULL, 0, NULL, 0},
    };
    int c;

    *o = (struct options){.front_fd = -1};
    while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->data = optarg;
            break;
        case 'c':
            o->config = optarg;
            break;
        case 'f':
            o->front_fd = atoi(optarg);
            break;
        case 'k':
            o->check = 1;
            break;
        case 'n':
            o->new_claim = 1;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return -1;
        case 'v':
            (void)puts(rs_inject_built() ? "rootsmithd 0.1.0, with faults (tests only)"
                                         : "rootsmithd 0.1.0");
            return -1;
        default:
            return 0;
        }
    }
    return o->data != NULL && optind == argc;
}

static rs_code
new_claim(const struct server_config *config, struct rs_err *err)
{
    char text[SERVER_CLAIM_TEXT_SIZE];
    rs_code rc = server_new_claim(config, text, err);

    if (rc == RS_OK)
        (void)printf("Next, once, within 24 h\n  rootsmithd --data %s\n"
                     "  rootsmith login https://%s --claim %s\n",
                     config->data, config->people, text);
    return rc;
}

int
main(int argc, char **argv)
{
    struct server_config config;
    struct options o;
    struct rs_err err = {0};
    int go = read_options(argc, argv, &o);
    rs_code rc;

    if (go <= 0) {
        if (go == 0)
            (void)fputs(help, stderr);
        return go == 0 ? 2 : 0;
    }
    RS_AUTO(rs_arena_done) struct rs_arena arena;
    RS_AUTO(rs_buf_done) struct rs_buf messages;
    rs_arena_init(&arena, 1 << 20);
    rs_buf_init(&messages, 65536);
    rs_inject_program(o.front_fd >= 0 ? "front" : "supervisor");
    rs_log_setup("rootsmithd", RS_LOG_TEXT, NULL);
    rc = server_config_load(o.data, o.config, &arena, &config, &messages, &err);
    if (rc == RS_OK && o.front_fd >= 0)
        rc = server_front(&config, o.front_fd, &err);
    else if (rc == RS_OK && o.new_claim)
        rc = new_claim(&config, &err);
    else if (rc == RS_OK && !o.check)
        rc = server_run(&config, argv[0], &err);
    if (rc == RS_OK)
        return 0;
    if (messages.len > 0) /* fwrite takes no NULL, even for nothing */
        (void)fwrite(messages.p, 1, messages.len, stderr);
    (void)fprintf(stderr, "✗ %s\n  code   %s\n", err.text, rs_code_info(rc)->name);
    if (err.detail[0] != '\0')
        (void)fprintf(stderr, "  detail %s\n", err.detail);
    return rs_code_info(rc)->exit_code;
}
