/*
 * vendor.h: the imaginary maker of pre-provisioned parts, and its certificates.
 *
 * One per installation, with random keys, made when the first pre-provisioned
 * part is.  Every name in its certificates says SIMULATOR.  It works as the
 * real maker does: a root signs a signer, the signer signs devices, and what a
 * part carries is the *compressed* form of two certificates (72 bytes each):
 * signature, dates and a few numbers.  The rest is a template that everybody
 * knows; ours is written out in docs/chips/atecc.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_ATECC_VENDOR_H
#define SIMS_ATECC_VENDOR_H

#include <stdint.h>

#include "base/bytes.h"
#include "sims/atecc/crypto.h"

#define ATECC_COMPRESSED_SIZE 72
#define ATECC_CERT_MAX        768

/* An issue date to the hour, and how many years the certificate lives. */
struct atecc_dates {
    int year, month, day, hour; /* day at most 28 */
    int expire_years;
};

struct sim_vendor {
    uint8_t root_key[32], root_public[64];
    uint8_t signer_key[32], signer_public[64];
    uint8_t signer_id[2];
    struct atecc_dates since; /* when root and signer were made */
};

/*
 * Read DIR/simulator-vendor.json, or make it and beside it the root and signer
 * certificates (simulator-vendor-root.der, -signer.der).  dir NULL: keys that
 * nothing keeps.
 */
RS_MUST_USE rs_code sim_vendor_open(const char *dir, struct sim_vendor *ret_vendor,
                                    struct rs_err *err);

/* The three date bytes of a compressed certificate; years 2000 to 2031, at most 31 years of life. */
void atecc_dates_encode(const struct atecc_dates *dates, uint8_t out[3]);

enum atecc_cert_kind {
    ATECC_CERT_ROOT = 1, /* self-signed */
    ATECC_CERT_SIGNER,
    ATECC_CERT_DEVICE,
};

/* What goes into a certificate's template. */
struct atecc_cert {
    enum atecc_cert_kind kind;
    const uint8_t *public_key; /* X, Y */
    struct atecc_dates dates;
    const char *device_serial; /* 18 hex digits, upper case; devices only */
    const char *eui48;         /* 12 hex digits, or NULL: no SubjectAltName */
};

/*
 * Make, sign and (if compressed is not NULL) compress a certificate.  der needs
 * room for ATECC_CERT_MAX.
 */
RS_MUST_USE rs_code atecc_cert_make(struct atecc_p256 *p256, const struct sim_vendor *vendor,
                                    const struct atecc_cert *cert, struct rs_buf *der,
                                    uint8_t compressed[ATECC_COMPRESSED_SIZE], struct rs_err *err);

#endif /* SIMS_ATECC_VENDOR_H */
