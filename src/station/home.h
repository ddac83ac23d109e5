/*
 * home.h: a station's directory: who it is, whom it trusts, and what it calls.
 *
 *   station.json   name, server, and where the key is if it is in a chip
 *   station.key    private key, PKCS#8 PEM, mode 0600; not there when it is in a chip
 *   station.pem    certificate and chain, issued by the server
 *   root.pem       the trust anchor that was proved at enrolment
 *   channel.secret master of the secure channels to parts (rot/linux.h), mode 0600
 *   journal        journal.h
 *   events.jsonl   what happened, one JSON object a line (docs/protocols/station.md)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_HOME_H
#define STATION_HOME_H

#include "client/web.h"
#include "station/own_key.h"

#define HOME_PATH_MAX     512
#define HOME_NAME_MAX     64
#define HOME_SERVER_MAX   256
#define HOME_TOKEN_DIGITS 20

struct home {
    char dir[HOME_PATH_MAX];
    char name[HOME_NAME_MAX];
    char server[HOME_SERVER_MAX];
    char key_uri[OWN_KEY_URI_MAX]; /* "": the key is a file */
    uint64_t counter;              /* of its chip, when the station enrolled */
    char key_path[HOME_PATH_MAX + 32], cert_path[HOME_PATH_MAX + 32], root_path[HOME_PATH_MAX + 32];
    char channel_path[HOME_PATH_MAX + 32];
    char journal_path[HOME_PATH_MAX + 32], events_path[HOME_PATH_MAX + 32];
};

/* Read a directory.  RS_E_STATION_UNENROLLED: something of it is missing. */
RS_MUST_USE rs_code home_open(const char *dir, struct home *ret_home, struct rs_err *err);

/*
 * A station that is enrolled nowhere, for a line with somebody else's PKI: a
 * directory with its journal and events only.
 */
RS_MUST_USE rs_code home_open_alone(const char *dir, const char *name, struct home *ret_home,
                                    struct rs_err *err);

/* A connection as this station, to its server, trusting its root only. */
RS_MUST_USE rs_code home_connect(const struct home *home, struct web **ret_web, struct rs_err *err);

/*
 * Enrol: make a key, ask with the one-time code, and write the directory.  chip: where
 * the key is to be made (own_key.h), or is already; NULL: in a file.
 *
 * The first connection trusts nobody: both sides prove by a MAC that they know
 * the code, and the root that came is used only if its proof holds.  code is
 * 20 Crockford characters, dashes and case do not matter.
 *
 * RS_E_EXISTS: there is a station in dir; RS_E_AUTH_TOKEN: the code is no such
 * code, or the server refuses it; RS_E_NET_TRUST: the server could not prove
 * that it knows the code: nothing was kept.
 */
RS_MUST_USE rs_code home_enroll(const char *dir, const char *server, const char *name,
                                struct rs_bytes code, const char *chip, struct home *ret_home,
                                struct rs_err *err);

#endif /* STATION_HOME_H */
