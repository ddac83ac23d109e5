/*
 * server.h: rootsmithd: a supervisor that holds nothing, a front, a signer.
 *
 * The supervisor opens the listening sockets, starts the signer and the front,
 * and starts either again when it dies.  The front never sees a CA key; the
 * signer never sees the network.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "attest/tpm.h"
#include "base/arena.h"

#define SERVER_MAKERS_MAX 16

/* What rootsmithd.yaml says, with defaults filled in. */
/* Files of chip makers' certificates, checked when the configuration was read. */
struct server_makers {
    const char *names[SERVER_MAKERS_MAX];
    struct rs_bytes texts[SERVER_MAKERS_MAX];
    size_t count;
};

struct server_config {
    const char *installation;
    const char *data;
    const char *store;   /* url; default sqlite in data */
    const char *url;     /* of the device listener, as devices see it */
    const char *devices; /* host:port */
    const char *people;
    const char *http;
    int production;
    int must_link; /* EST: a request must be linked to its connection (RFC 7030 3.5) */
    int64_t crl_every_s;
    const char *const *publish; /* directories that get every CRL */
    size_t publish_count;
    int64_t threads;                   /* 0: one per core */
    struct server_makers tpm, vendors; /* of TPMs; of secure elements */
};

/* What is named there; NULL when nothing is.  The caller frees them. */
RS_MUST_USE rs_code server_makers_new(const struct server_makers *files, struct makers **ret_makers,
                                      struct rs_err *err);

/*
 * Read DATA/rootsmithd.yaml (or config_path).  All mistakes at once, as text
 * for people, in ret_messages.
 */
RS_MUST_USE rs_code server_config_load(const char *data, const char *config_path,
                                       struct rs_arena *arena, struct server_config *ret_config,
                                       struct rs_buf *ret_messages, struct rs_err *err);

/* The whole server in the foreground; returns after SIGTERM or SIGINT. */
RS_MUST_USE rs_code server_run(const struct server_config *config, const char *program,
                               struct rs_err *err);

/* The front process: descriptors come over control_fd.  Called by rootsmithd --front. */
RS_MUST_USE rs_code server_front(const struct server_config *config, int control_fd,
                                 struct rs_err *err);

/* Start a signer process of this installation on fd (the signer's end). */
RS_MUST_USE rs_code server_spawn_signer(const struct server_config *config, const char *program,
                                        int fd, int init, int *ret_pid, struct rs_err *err);

#define SERVER_CLAIM_TEXT_SIZE 25

/*
 * A new one-time code with which one person can sign in, for a day.  Only while
 * the server is stopped: there is one signer.  Who may read the data directory
 * could read the keys as well, so this asks nobody.
 */
RS_MUST_USE rs_code server_new_claim(const struct server_config *config,
                                     char ret_text[SERVER_CLAIM_TEXT_SIZE], struct rs_err *err);

#endif /* SERVER_SERVER_H */
