/*
 * csr.h: certification requests (PKCS#10, RFC 2986) as a device makes them.
 *
 * The private key stays wherever it is: a callback signs.  Reading requests is
 * x509/csr.h's part; what is made here is read there in the tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLIENT_CSR_H
#define CLIENT_CSR_H

#include "base/arena.h"
#include "crypto/pub.h"

#define CLIENT_CSR_DNS_MAX 8

/*
 * Sign tbs with the key of the request, in the form that certificates use
 * (ECDSA: DER).  sig has room for CRYPTO_SIGNATURE_MAX.
 */
typedef rs_code (*client_sign_fn)(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap,
                                  size_t *ret_len, struct rs_err *err);

/* What to ask for.  Everything is borrowed. */
struct client_csr {
    struct rs_bytes spki;    /* SubjectPublicKeyInfo DER */
    enum crypto_sig sig;     /* what the callback makes */
    struct rs_bytes subject; /* Name, DER, as it is; used instead of cn and serial when not empty */
    const char *cn;          /* commonName; NULL or "": none */
    const char *serial;      /* serialNumber 2.5.4.5, for devices (802.1AR 8.6); NULL: none */
    struct rs_bytes hardware_type; /* OID content: asks for a hardwareModuleName (RFC 4108 5) */
    struct rs_bytes chip_uid;      /* its hwSerialNum */
    const char *dns[CLIENT_CSR_DNS_MAX]; /* further names */
    struct rs_bytes extensions; /* further Extension elements (RFC 5280 4.1), one after the other */
    struct rs_bytes challenge;  /* challengePassword: links it to a connection (RFC 7030 3.5) */
    struct rs_bytes evidence;   /* a TPM's about this key (rot_attest); empty: none */
    struct rs_bytes part_evidence; /* instead: another part's (docs/protocols/part.md) */
};

/*
 * Append the request to out.  RS_E_CSR_SUBJECT: a name has characters that its
 * type forbids, or a request without any name; RS_E_CSR_FORMAT: it is too
 * large; or what the callback says.
 */
RS_MUST_USE rs_code client_csr_build(const struct client_csr *csr, client_sign_fn sign, void *arg,
                                     struct rs_buf *out, struct rs_err *err);

struct csrattrs;

/*
 * Put into csr what a server wants to find (msg/csrattrs.h): a subject where csr has
 * none yet, whose open places are filled with csr's serial (serialNumber, CN) or cn
 * (CN), and the extensions that have values.  What is written lies in the arena.
 * The challenge is the caller's: it belongs to the connection.
 *
 * RS_E_KEY_WEAK: the key is of another kind; RS_E_CSR_SUBJECT: a part of the name
 * that we do not know; RS_E_CSR_EXTENSION: an extension without a value that we
 * cannot fill in.
 */
RS_MUST_USE rs_code client_csr_follow(struct client_csr *csr, const struct csrattrs *wanted,
                                      struct rs_arena *arena, struct rs_err *err);

struct crypto_key;

/* The callback for a key of our own: arg is a struct crypto_key. */
rs_code client_sign_with_key(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap,
                             size_t *ret_len, struct rs_err *err);

#endif /* CLIENT_CSR_H */
