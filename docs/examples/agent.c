/*
 * agent.c: a program of a device that is its own agent.
 *
 *     agent https://pki.acme.example:8443 /var/lib/gateway [once]
 *
 * It has its first operational certificate when agent_round() has succeeded once,
 * and a fresh one whenever it is due; the chip is $ROOTSMITH_CHIP or the one that
 * is found.  Every state that a power cut can leave is finished at the next start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/config.h"
#include "base/err.h"

static void
say(void *arg, const char *what, const char *text)
{
    (void)arg;
    (void)printf("%s: %s\n", what, text);
}

int
main(int argc, char **argv)
{
    struct agent_config config;
    struct agent *agent;
    struct rs_err err = {0};
    int64_t wait_s = 1;
    rs_code rc;

    if (argc < 3)
        return 2;
    agent_config_default(&config);
    config.server = argv[1];
    config.state = argv[2];
    config.say = say;
    rc = agent_open(&config, &agent, &err);
    if (rc != RS_OK) {
        (void)fprintf(stderr, "%s: %s\n", rs_code_info(rc)->name, err.text);
        return 1;
    }
    for (;;) {
        memset(&err, 0, sizeof(err));
        rc = agent_round(agent, &wait_s, &err);
        if (rc != RS_OK)
            (void)fprintf(stderr, "%s: %s; again in %lld s\n", rs_code_info(rc)->name, err.text,
                          (long long)wait_s);
        if (argc > 3)
            break;
        (void)sleep((unsigned)wait_s);
    }
    agent_close(agent);
    return rc != RS_OK;
}
