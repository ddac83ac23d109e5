/*
 * ca.h: the imaginary makers of pre-provisioned parts.
 *
 * One per vendor and installation, with random keys on P-256, made when the
 * first of its parts is: a root, and a signer below it that signs the parts'
 * certificates.  Every name in them says SIMULATOR.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_COMMON_CA_H
#define SIMS_COMMON_CA_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct sim_ca;

/*
 * Read DIR/simulator-VENDOR.json, or make it and beside it the certificates
 * simulator-VENDOR-root.der and simulator-VENDOR-signer.der.  dir NULL: keys that nothing
 * keeps.  vendor: lower-case letters ("nxp").
 */
RS_MUST_USE rs_code sim_ca_open(const char *dir, const char *vendor, struct sim_ca **ret_ca,
                                struct rs_err *err);
void sim_ca_free(struct sim_ca *ca); /* NULL is fine */

/* DER; they live as long as the CA. */
struct rs_bytes sim_ca_root(const struct sim_ca *ca);
struct rs_bytes sim_ca_signer(const struct sim_ca *ca);

/*
 * A part's certificate: CN = "SIMULATOR " and name, keyUsage digitalSignature, for the point
 * X, Y on P-256.  Appended to der.
 */
RS_MUST_USE rs_code sim_ca_issue(struct sim_ca *ca, const char *name, const uint8_t point[64],
                                 struct rs_buf *der, struct rs_err *err);
/* The same with a serial number that means something to its vendor: 1 to 20 bytes. */
RS_MUST_USE rs_code sim_ca_issue_numbered(struct sim_ca *ca, const char *name,
                                          struct rs_bytes serial, const uint8_t point[64],
                                          struct rs_buf *der, struct rs_err *err);

#endif /* SIMS_COMMON_CA_H */
