/*
 * foreign.h: a line whose identities come from somebody else's EST server (RFC 7030).
 *
 * The chips, recipes, journal and events are the same; what an order of ours
 * would say stands in station.yaml, and the station itself counts: nobody else
 * does, so the quota is as soft as its disk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_FOREIGN_H
#define STATION_FOREIGN_H

#include <stdint.h>

#include "base/bytes.h"
#include "client/web.h"

/* est: of station.yaml.  Text is borrowed for as long as the station is open. */
struct station_est {
    const char *server;            /* NULL: no such section; our own server is used */
    const char *trust;             /* PEM of its root */
    const char *label;             /* "": none */
    const char *login;             /* file with user:password (HTTP Basic); NULL: none */
    const char *certificate, *key; /* PEM, for TLS client authentication; NULL: none */
    const char *rot;               /* model of the chips */
    const char *serials;           /* pattern of device serials; "" any */
    int64_t quantity;              /* boards that may ask for an identity */
};

struct station;

/* Order, root and CA certificates from the section and the server it names. */
RS_MUST_USE rs_code foreign_open(struct station *st, const char *order, struct rs_err *err);
RS_MUST_USE rs_code foreign_connect(const struct station_est *est, struct web **ret_web,
                                    struct rs_err *err);
/* May board ask, too?  Under the station's lock, before its record is written. */
RS_MUST_USE rs_code foreign_check(const struct station *st, uint64_t board, struct rs_err *err);
RS_MUST_USE rs_code foreign_enroll(const struct station *st, struct web *web, struct rs_bytes csr,
                                   struct rs_buf *ret_cert, int64_t *ret_wait_s,
                                   struct rs_err *err);

#endif /* STATION_FOREIGN_H */
