/*
 * config.h: agent.yaml.
 *
 *     server: https://pki.acme.example:8443
 *     trust: /etc/rootsmith/acme-root.pem     # only until the chip has a root
 *     rot: i2c:1:0x6c                         # default: auto
 *     first_identity: idevid                  # idevid | token:FILE | tpm-endorsement
 *     objects:
 *       ldevid:
 *         on_renew: [systemctl, reload, mosquitto]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "agent/agent.h"
#include "base/arena.h"

#define AGENT_STATE_DEFAULT "/var/lib/rootsmith"

/* What an empty file would say; server is missing. */
void agent_config_default(struct agent_config *ret_config);

/*
 * Read a file; text lives in the arena.  Mistakes are written to ret_text, each
 * as file:line:column with the line; RS_E_CONFIG_INVALID.
 */
RS_MUST_USE rs_code agent_config_read(const char *path, struct rs_arena *arena,
                                      struct agent_config *ret_config, struct rs_buf *ret_text,
                                      struct rs_err *err);

/* "idevid", "token:FILE", "tpm-endorsement" into the configuration; 0 when it is none of them. */
int agent_config_set_first(struct agent_config *config, const char *text);

#endif /* AGENT_CONFIG_H */
