/*
 * code.h: one-time codes with which a device without a certificate enrols once.
 *
 * A code is HTTP Basic's password (RFC 7030 3.2.3), the device's serial its user.
 * The server keeps what finds the code again (SHA-256 under a label), never the
 * code.  It was made for one device of one product, for some time, for some
 * requests (one, as a rule); a request that was let in may come again, byte for
 * byte: the device that lost its answer gets the same certificate.
 *
 * What counts wrong tries forgets after ten minutes, and when the server ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SERVER_CODE_H
#define SERVER_CODE_H

#include <pthread.h>

#include "pki/pki.h"

#define CODE_TRIES_MAX    5   /* wrong ones, by one device name from one place, or with one code */
#define CODE_WINDOW_S     600 /* in this time; and so long a request may come again */
#define CODE_TRIES_SLOTS  1024
#define CODE_NAME_SIZE    33 /* of a token: hex of half its id, with NUL */
#define CODE_USES_MAX     16
#define CODE_DOCUMENT_MAX 4096

struct code_tries {
    pthread_mutex_t lock;
    struct {
        uint64_t who;
        int64_t since;
        unsigned count;
    } slots[CODE_TRIES_SLOTS];
};

/* Who asks, with which code, for what.  Everything is borrowed. */
struct code_ask {
    char user[STORE_NAME_MAX];
    uint8_t id[32];
    const char *address; /* of the client */
    const char *label;
    struct rs_bytes csr;                               /* DER */
    int (*is_linked)(void *arg, struct rs_bytes text); /* as in pki.h */
    void *link;
    int must_link;
};

/* "Basic base64(user:code)" (RFC 7617) into user and id; 0 when it is something else. */
int code_read(const char *header, struct code_ask *ret_ask);

/*
 * Let the request in, or say why not; waits for the store.  Everything that is
 * wrong with the request is found out before the code is used: it is not lost
 * with a refusal.  RS_E_AUTH_TOKEN, RS_E_REQUEST_LIMIT after too many wrong
 * tries, or what pki_check_issue() says.
 */
RS_MUST_USE rs_code code_admit(struct pki *pki, struct code_tries *tries,
                               const struct code_ask *ask, struct pki_caller *ret_caller,
                               struct rs_err *err);

/* The name under which a token is kept. */
void code_name(const uint8_t id[32], char name[CODE_NAME_SIZE]);

#endif /* SERVER_CODE_H */
