/*
 * config.h: station.yaml.
 *
 *     fixtures:
 *       - {name: 1, chip: "i2c:1:0x60"}
 *       - {name: 2, chip: "i2c:2:0x60"}
 *
 * Where nests hang on adapters, fixtures.yaml (nests.h) says it instead.
 *
 * A line without a server of ours, whose identities come from another PKI:
 *
 *     name: sz-9
 *     order: pilot                       # what its counts are kept under
 *     est: {server: "https://est.example:8443", trust: est-root.pem, login: est.login,
 *           rot: soft, serials: "P-####", quantity: 100}
 *     fixtures: [{name: 1, chip: "soft:{serial}.rot"}]
 *
 * Makers of secure elements whose parts are taken (docs/design/attest.md):
 *
 *     vendor_roots: [/etc/rootsmith/nxp.pem]
 *
 * Secure channels of parts (docs/design/channel.md):
 *
 *     channel_secret: /etc/rootsmith/line.secret   # default: channel.secret in the directory
 *     channel_out: /srv/line/channels              # a file for each board, for its device
 *
 * Name and server may stand there too; they must then be those of the
 * directory, so that a file meant for another station is noticed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_CONFIG_H
#define STATION_CONFIG_H

#include "base/arena.h"
#include "base/config.h"
#include "station/station.h"

struct station_file {
    const char *name, *order;                 /* NULL: not said */
    struct station_est est;                   /* server NULL: not said */
    const char *channel_secret, *channel_out; /* as in station.h; NULL: not said */
    const char *firmware_key;
    struct rs_config_list vendor_roots;
    int production;
    int64_t wait_s; /* 0: not said */
    struct station_fixture fixtures[STATION_FIXTURES_MAX];
    size_t fixture_count;
};

/*
 * Read a file for the station of home; one without a name is not enrolled, and
 * the file must then name another EST server.  Mistakes are written to ret_text, each
 * as file:line:column with the line; RS_E_CONFIG_INVALID.
 */
RS_MUST_USE rs_code station_file_read(const char *path, const struct home *home,
                                      struct rs_arena *arena, struct station_file *ret_file,
                                      struct rs_buf *ret_text, struct rs_err *err);

#endif /* STATION_CONFIG_H */
