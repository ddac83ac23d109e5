/*
 * vendor.h: what a secure element says about itself, and whether to believe it.
 *
 * A part comes with a key that its maker made and certified.  With it the part signs
 * over our nonce, so that we know that a genuine part is there; some parts also say by it
 * where another key was born.  Which of the two it is, is the level:
 *
 *   attested   the part's own word, or its maker's, covers the key that is asked about
 *   vendor     a genuine part was there; that the key is in it, its host says
 *   station    nothing that a maker stands for
 *
 * The forms are those of librot's drivers (rot.h, enum rot_evidence_format; the numbers are
 * the same) and stand in docs/chips/: read here strictly, every length exact and nothing
 * behind the end.
 *
 * Refusals: RS_E_ATTEST_INVALID for evidence that is malformed, over another nonce or not
 * signed by the key that it names; RS_E_CHIP_NOT_GENUINE for a part that no configured maker
 * stands for, or whose certificate is another part's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ATTEST_VENDOR_H
#define ATTEST_VENDOR_H

#include "attest/makers.h"
#include "base/bytes.h"

#define VENDOR_NONCE_SIZE   32
#define VENDOR_UID_MAX      32
#define VENDOR_SPKI_MAX     120 /* of a P-384 key */
#define VENDOR_EVIDENCE_MAX 8192

enum vendor_format {
    VENDOR_ATECC_INTERNAL = 1, /* Sign(internal) over a GenKey digest */
    VENDOR_SE05X_READ = 2,     /* attested read, both generations */
    VENDOR_STSAFE_CHAIN = 3,
    VENDOR_OPTIGA_CHAIN = 4,
};

enum vendor_level {
    VENDOR_STATION = 1,
    VENDOR_GENUINE = 2,
    VENDOR_ATTESTED = 3,
};

const char *vendor_level_name(enum vendor_level level); /* "station", "vendor", "attested" */
int vendor_level_read(const char *text, enum vendor_level *ret_level); /* 0: none of them */

/*
 * Whether parts of this model come with a certificate of their maker, and how much at best
 * they can say about an identity's key; VENDOR_STATION: nothing.
 */
enum vendor_level vendor_level_of(struct rs_bytes model);

/* Evidence taken apart.  Borrows the evidence, and itself: it is not to be copied. */
struct vendor_evidence {
    enum vendor_format format;
    struct rs_bytes cert;   /* the maker's certificate over the signing key; empty: none */
    struct rs_bytes signer; /* SubjectPublicKeyInfo of that key where there is no certificate */
    uint8_t uid[VENDOR_UID_MAX]; /* the part, as its driver has it */
    size_t uid_len;
    uint8_t spki[VENDOR_SPKI_MAX]; /* the key that it is about */
    size_t spki_len;
    int made_inside;            /* the part says that this key was born in it */
    struct rs_bytes freshness;  /* what stands for the nonce in it, where that is not just signed */
    struct rs_bytes head, tail; /* what is signed: before and after the nonce, by format */
    struct rs_bytes signature;  /* ECDSA-Sig-Value, SHA-256 */
    uint8_t room[192];          /* for what is not there as one piece */
};

RS_MUST_USE rs_code vendor_read(unsigned format, struct rs_bytes bytes,
                                struct vendor_evidence *ret_evidence, struct rs_err *err);

/*
 * Believe it: signature over our nonce, certificate to one of the makers and for this part.
 * The level that it proves for the key in it.
 */
RS_MUST_USE rs_code vendor_check(const struct vendor_evidence *evidence,
                                 const struct makers *makers,
                                 const uint8_t nonce[VENDOR_NONCE_SIZE], int64_t now,
                                 enum vendor_level *ret_level, struct rs_err *err);

#endif /* ATTEST_VENDOR_H */
