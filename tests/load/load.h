/*
 * load.h: what the files of the load client share.
 *
 * A client of EST over OpenSSL alone: nothing of the product is linked, so that
 * what it notes down is evidence about the product and not by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#define DEVICE_MAX 64
#define CSR_MAX    2048
#define ANSWER_MAX 65536

/* One enrolment, made before the clock starts. */
struct request {
    char device[DEVICE_MAX];
    char key_hash[65]; /* SHA-256 of the SubjectPublicKeyInfo, hex */
    char *body;        /* base64 of the CSR, on one line */
    size_t body_len;
};

/* How the subject and names of the requests look. */
enum request_kind {
    REQUEST_BOARD,  /* serialNumber and a chip's uid: a station asks under an order */
    REQUEST_DEVICE, /* CN and serialNumber: a device asks for itself */
    REQUEST_RENEW,  /* the subject of the client's own certificate */
};

/* Make request number i; name is a prefix (boards) or the device.  0: OpenSSL failed. */
int request_make(struct request *r, enum request_kind kind, const char *name, size_t i,
                 const X509_NAME *subject);
/* The same; the key is the caller's. */
int request_make_key(struct request *r, enum request_kind kind, const char *name, size_t i,
                     const X509_NAME *subject, EVP_PKEY **ret_key);
void request_free(struct request *r);

/* The one certificate of a certs-only answer (RFC 7030 4.2.3); NULL: there is none. */
X509 *answer_cert(const char *body, size_t len);

/* Where a server is, and who asks it. */
struct wire_config {
    char host[256], port[16];
    SSL_CTX *tls;
};

struct wire {
    const struct wire_config *config;
    X509 *cert; /* borrowed: who asks, instead of the configuration's; NULL: that one */
    EVP_PKEY *key;
    SSL *ssl;
    int fd; /* -1: not connected */
    size_t len;
    char buf[ANSWER_MAX];
};

/* A header of the last answer as a number; -1: it has none. */
long wire_header(const struct wire *w, const char *name);

/* "https://host:port" into config, and a context with CA and client certificate. */
int wire_configure(struct wire_config *config, const char *url, const char *ca_file,
                   const char *cert_file, const char *key_file);
void wire_init(struct wire *w, const struct wire_config *config);
void wire_close(struct wire *w);
/*
 * POST body to path and read the whole answer; connects when need be.  The HTTP
 * status, or 0 when the connection failed (it is closed then).  *ret_body lies
 * in w until the next call.
 */
int wire_post(struct wire *w, const char *path, const char *body, size_t body_len,
              const char **ret_body, size_t *ret_len);

#endif /* LOAD_LOAD_H */
