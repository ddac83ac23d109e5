/*
 * rootsmith-signer: options and hardening; the work is in src/signer.
 *
 *   rootsmith-signer --data DIR --witness DIR --fd N [--init]
 *   rootsmith-signer --data DIR --witness DIR --claim-fd N --claim-until UNIX
 *
 * Started by rootsmithd (or by `rootsmith init`), never by people.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/inject.h"
#include "base/io.h"
#include "base/jail.h"
#include "base/log.h"
#include "base/sock.h"
#include "signer/signer.h"

struct options {
    struct signer_config config;
    int fd;
    int claim_fd;
    int64_t claim_until;
};

static int
read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"data", required_argument, NULL, 'd'},
        {"witness", required_argument, NULL, 'w'},
        {"fd", required_argument, NULL, 'f'},
        {"claim-fd", required_argument, NULL, 'c'},
        {"claim-until", required_argument, NULL, 'u'},
        {"init", no_argument, NULL, 'i'},
        {"threads", required_argument, NULL, 't'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int c;

    memset(o, 0, sizeof(*o));
    o->fd = o->claim_fd = -1;
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'd':
            o->config.dir = optarg;
            break;
        case 'w':
            o->config.witness_dir = optarg;
            break;
        case 'f':
            o->fd = atoi(optarg);
            break;
        case 'c':
            o->claim_fd = atoi(optarg);
            break;
        case 'u':
            o->claim_until = strtoll(optarg, NULL, 10);
            break;
        case 't':
            o->config.threads = (unsigned)atoi(optarg);
            break;
        case 'i':
            o->config.start_empty = 1;
            break;
        case 'v':
            (void)puts("rootsmith-signer 0.1.0");
            exit(0);
        default:
            return 0;
        }
    }
    return o->config.dir != NULL && (o->fd >= 0) != (o->claim_fd >= 0) && optind == argc;
}

static rs_code
read_passphrase(const char *dir, struct rs_secret *ret_secret, struct rs_err *err)
{
    char path[640];
    rs_code rc = rs_path_join(dir, "passphrase", path, sizeof(path), err);

    return rc == RS_OK ? rs_secret_read_file(path, ret_secret, err) : rc;
}

static rs_code
make_claim(const struct options *o, struct rs_err *err)
{
    uint8_t key[32];
    rs_code rc = rs_sock_read(o->claim_fd, key, sizeof(key), err);

    if (rc == RS_OK)
        rc = signer_make_claim(&o->config, key, o->claim_until, err);
    rs_wipe(key, sizeof(key));
    return rc;
}

int
main(int argc, char **argv)
{
    struct options o;
    struct rs_err err = {0};
    rs_code rc;

    rs_inject_program("signer");
    rs_log_setup("rootsmith-signer", RS_LOG_TEXT, NULL);
    if (!read_options(argc, argv, &o)) {
        (void)fputs("rootsmith-signer is started by rootsmithd\n", stderr);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group; the front ends us in order */
    (void)signal(SIGTERM, SIG_IGN);
    RS_AUTO(rs_secret_done) struct rs_secret passphrase = {0};
    rc = rs_process_harden(&err);
    if (rc == RS_OK)
        rc = read_passphrase(o.config.dir, &passphrase, &err);
    if (rc == RS_OK)
        rc = rs_jail(RS_JAIL_CLOSED, &err);
    o.config.passphrase = &passphrase;
    if (rc == RS_OK)
        rc = o.fd >= 0 ? signer_run(&o.config, o.fd, &err) : make_claim(&o, &err);
    if (rc != RS_OK)
        rs_log_err(RS_LOG_ERROR, "signer", "ended", &err);
    return rc == RS_OK ? 0 : 1;
}
