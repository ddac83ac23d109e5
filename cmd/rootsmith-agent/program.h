/*
 * program.h: what the files of rootsmith-agent share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROOTSMITH_AGENT_PROGRAM_H
#define ROOTSMITH_AGENT_PROGRAM_H

#include "agent/config.h"

/* Exit codes (experience 2.2). */
#define EXIT_DONE        0
#define EXIT_REFUSED     1
#define EXIT_USAGE       2
#define EXIT_NO          3
#define EXIT_INTERRUPTED 130

struct options {
    const char *verb, *object; /* "test" URL, "renew" [NAME] */
    const char *config;
    int json, verbose, once, anew;
    struct agent_config agent; /* of the file, then of the command line */
    struct rs_arena arena;
};

/* 1 go on, 0 wrong usage (said on stderr), -1 done (help or version was printed). */
int options_read(int argc, char **argv, struct options *ret_options);

/* A verb; gives the exit code. */
int program_enroll(struct options *o);
int program_renew(struct options *o);
int program_run(struct options *o);
int program_status(struct options *o);
int program_trust(struct options *o);
int program_test(struct options *o);

/* What, why, do on stderr (or one JSON line); gives the exit code of the code. */
int program_refuse(const struct options *o, const char *what, const struct rs_err *err);
int terminal_is_utf8(void);

#endif /* ROOTSMITH_AGENT_PROGRAM_H */
