/*
 * fake_tpm.h: a TPM of software for tests: maker, endorsement, IAK, IDevID.
 *
 * Marshals what a TPM would and opens credentials, by code that shares nothing
 * with src/attest.  Members may be changed before it speaks, to lie.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_FAKE_TPM_H
#define TESTS_FAKE_TPM_H

#include <openssl/evp.h>

#include "base/bytes.h"

#define FAKE_IAK_ATTRIBUTES    0x000500f2u
#define FAKE_IDEVID_ATTRIBUTES 0x000400f2u

/* A maker: a root, and a CA below it that signs endorsements. */
struct fake_maker {
    const char *name; /* of its CA */
    EVP_PKEY *root_key, *ca_key;
    uint8_t root[1024], ca[1024];
    size_t root_len, ca_len;
};

/* How an endorsement certificate is made; zero: as it should be. */
struct fake_cert {
    const char *eku;   /* dotted; "" none; NULL: 2.23.133.8.1 */
    const char *usage; /* of the key; NULL: what fits */
    const char *constraints;
    const char *san; /* NULL: the maker's directory name, critical */
    long from_s, until_s;
    const EVP_PKEY *signer; /* NULL: the maker's CA */
};

struct fake_tpm {
    EVP_PKEY *ek, *iak, *idevid;
    uint8_t cert[2048]; /* of the EK */
    size_t cert_len;
    uint32_t iak_attributes, idevid_attributes;
    uint8_t iak_policy[32], idevid_policy[32];
    uint16_t curve, hash;
    /* What TPM2_Certify says. */
    uint32_t magic;
    uint16_t type;
    uint8_t safe;
    EVP_PKEY *signs;    /* NULL: the IAK */
    EVP_PKEY *attested; /* whose name is in it; NULL: the IDevID's */
    unsigned resets;
};

void fake_maker_make(struct fake_maker *m);
/* A CA below the CA of another maker, which does not allow that; it has no root of its own. */
void fake_maker_make_below(struct fake_maker *m, const struct fake_maker *above);
void fake_maker_drop(struct fake_maker *m);
/* PEM of root and CA into room. */
struct rs_bytes fake_maker_pem(const struct fake_maker *m, int with_root, int with_ca,
                               uint8_t *room, size_t cap);

/* rsa: an EK of RSA-2048, else P-256. */
void fake_tpm_make(struct fake_tpm *t, const struct fake_maker *m, int rsa);
void fake_tpm_drop(struct fake_tpm *t);
void fake_tpm_certify(struct fake_tpm *t, const struct fake_maker *m, const struct fake_cert *how);

/* TPM2B_PUBLIC of the IAK. */
struct rs_bytes fake_tpm_iak(const struct fake_tpm *t, uint8_t *room, size_t cap);
/* The evidence over a nonce. */
struct rs_bytes fake_tpm_evidence(const struct fake_tpm *t, const uint8_t nonce[32], uint8_t *room,
                                  size_t cap);
/* SPKI of the IDevID. */
struct rs_bytes fake_tpm_spki(const struct fake_tpm *t, uint8_t *room, size_t cap);
/* TPM2_ActivateCredential; 0 when it does not open. */
int fake_tpm_activate(const struct fake_tpm *t, struct rs_bytes challenge, uint8_t secret[32]);
/* The IDevID's private key, PKCS#8: fakes can be asked for it. */
struct rs_bytes fake_tpm_private(const struct fake_tpm *t, uint8_t *room, size_t cap);
/* ECDSA with SHA-256, DER, by the IDevID. */
size_t fake_tpm_sign(const struct fake_tpm *t, struct rs_bytes message, uint8_t *sig, size_t cap);

#endif /* TESTS_FAKE_TPM_H */
