/*
 * inner.h: what the files of src/agent share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_INNER_H
#define AGENT_INNER_H

#include <rot/rot.h>

#include "agent/agent.h"
#include "base/arena.h"
#include "client/est.h"
#include "shared/uri.h"
#include "x509/cert.h"

#define AGENT_PATH_MAX   512
#define AGENT_SLOTS      2 /* LDEVID(0) and LDEVID(1) */
#define AGENT_TRUSTS     4 /* TRUST(0) to TRUST(3) are looked at */
#define AGENT_FILE_MAX   131072
#define AGENT_CERTS_MAX  CLIENT_EST_CERTS_MAX
#define AGENT_NUMBER_MAX 253402300799 /* 9999-12-31 */

struct chips;
struct evp_pkey_st;

/* A complete identity on the disk. */
struct generation {
    int is_there;
    unsigned number, slot;
    char dir[AGENT_PATH_MAX];
};

/* state.json: what must outlive a restart, beside the identities. */
struct memory {
    int64_t heard_at, checked_at;
    int64_t tried_at, next_at;
    int64_t failures;
    char code[64], text[AGENT_TEXT_MAX];
};

struct agent {
    const struct agent_config *config;
    struct chips *chips;
    struct rot_chip *chip; /* between chip_enter() and chip_leave() */
    uint32_t raw_status;   /* the part's, at the last chip_leave() */
    int lock_fd;
    struct generation current;
    struct memory memory;
    int64_t clock_offset;        /* what the server's date added to a clock that is behind */
    int64_t least;               /* it cannot be earlier than this */
    char serial[AGENT_TEXT_MAX]; /* of the device: from a certificate, else the chip's uid */
    char model[ROT_NAME_MAX], uid[2 * ROT_UID_MAX + 1];
    int64_t retry_after_s; /* what the server asked for in the last try */
};

void agent_tell(const struct agent *a, const char *what, const char *fmt, ...) RS_PRINTF(3, 4);

/* Write down how a try went; gives rc, or why it could not be written. */
RS_MUST_USE rs_code agent_remember(struct agent *a, rs_code rc, struct rs_err *err);

/* ---- clock.c ------------------------------------------------------------------------------ */

/* The time, as good as it is known: never before what certainly has been. */
int64_t clock_now(const struct agent *a);
/* It is certainly later than this. */
int64_t clock_least(const struct agent *a);
int clock_is_behind(const struct agent *a);
/* Something trustworthy was made at that time. */
void clock_at_least(struct agent *a, int64_t seconds);
/* An authenticated server says what time it is: used only by a clock that is behind. */
void clock_hear(struct agent *a, int64_t date);

/* ---- chip.c ----------------------------------------------------------------------------------- */

/* Alone with the chip until chip_leave(); not across a TLS call, which needs it too. */
RS_MUST_USE rs_code chip_enter(struct agent *a, struct rot_chip **ret_chip, struct rs_err *err);
void chip_leave(struct agent *a);
/* What a chip's refusal means; the chip was left before. */
rs_code chip_fail(const struct agent *a, rot_err rot, const char *what, struct rs_err *err);
/* A whole object; nothing in out and RS_OK when the place is empty or missing. */
RS_MUST_USE rs_code chip_read(struct agent *a, rot_object obj, enum rot_part part,
                              struct rs_buf *out, struct rs_err *err);
/* Replace an object unless it is the same; *ret_kept 0 when the part has no room or place for it. */
RS_MUST_USE rs_code chip_write(struct agent *a, rot_object obj, enum rot_part part,
                               struct rs_bytes bytes, int *ret_kept, struct rs_err *err);
/* SubjectPublicKeyInfo of a key; empty when there is none. */
RS_MUST_USE rs_code chip_public(struct agent *a, rot_object obj, struct rs_buf *out,
                                struct rs_err *err);
RS_MUST_USE rs_code chip_generate(struct agent *a, rot_object obj, struct rs_buf *ret_spki,
                                  struct rs_err *err);
/* Signs with that key; checks the signature against the certificate's key. */
RS_MUST_USE rs_code chip_prove(struct agent *a, rot_object obj, const struct cert *cert,
                               struct rs_err *err);
/* For client_csr_build(): arg is a struct chip_signer. */
struct chip_signer {
    struct agent *agent;
    rot_object object;
};
rs_code chip_sign(void *arg, struct rs_bytes tbs, uint8_t *sig, size_t cap, size_t *ret_len,
                  struct rs_err *err);

/* ---- read.c ------------------------------------------------------------------------------- */

/* The name of a generation's directory, "id-17-1"; 0: it is another one. */
int read_generation(const char *name, struct generation *g);
/* state.json, which only remembers: one that is damaged counts as none. */
void read_memory(struct rs_bytes text, struct memory *ret_memory);

/* ---- state.c -------------------------------------------------------------------------------------- */

/* Lock the directory, finish what a crash left, find the generation in use. */
RS_MUST_USE rs_code state_open(struct agent *a, struct rs_err *err);
void state_close(struct agent *a);
RS_MUST_USE rs_code state_save(struct agent *a, struct rs_err *err); /* state.json */
/* A request that was sent, or was about to be: its DER; nothing in ret_csr when there is none. */
RS_MUST_USE rs_code state_pending(struct agent *a, unsigned slot, struct rs_buf *ret_csr,
                                  struct rs_err *err);
RS_MUST_USE rs_code state_drop_pending(struct agent *a, struct rs_err *err);
/* Durable: from here on this very request is repeated after a crash. */
RS_MUST_USE rs_code state_begin(struct agent *a, unsigned slot, struct rs_bytes csr,
                                struct rs_err *err);
/* The generation is complete: turn to it, and forget the one before. */
RS_MUST_USE rs_code state_finish(struct agent *a, unsigned slot, struct rs_bytes cert_pem,
                                 struct rs_bytes chain_pem, struct rs_bytes key_pem,
                                 struct rs_err *err);
/* A file of the generation in use ("ldevid.pem"); RS_E_REQUEST_UNKNOWN when there is none. */
RS_MUST_USE rs_code state_read(const struct agent *a, const char *name, struct rs_buf *out,
                               struct rs_err *err);
RS_MUST_USE rs_code state_path(const struct agent *a, const char *name, char path[AGENT_PATH_MAX],
                               struct rs_err *err);

/* ---- identity.c ------------------------------------------------------------------------------------ */

struct identity {
    rot_object object;
    struct rs_buf pem;        /* certificate, then its chain */
    struct rs_buf der;        /* certificate */
    struct cert cert;         /* borrows from der */
    struct evp_pkey_st *pkey; /* made by identity_key() */
};

void identity_init(struct identity *id);
void identity_done(struct identity *id);
/* RS_E_AGENT_NO_IDENTITY: there is none, or it is over. */
RS_MUST_USE rs_code identity_ldevid(struct agent *a, struct identity *id, struct rs_err *err);
RS_MUST_USE rs_code identity_idevid(struct agent *a, struct identity *id, struct rs_err *err);
/* The device's name, from its certificate. */
void identity_take_serial(struct agent *a, const struct cert *cert);
/* Its name for the provider. */
RS_MUST_USE rs_code identity_uri(const struct agent *a, rot_object object, char uri[ROT_URI_MAX],
                                 struct rs_err *err);
/* The key for TLS: it signs in the chip. */
RS_MUST_USE rs_code identity_key(struct agent *a, struct identity *id, struct rs_err *err);
/* rc, or the chip's refusal when that is what is behind a failed connection as id (NULL: nobody). */
RS_MUST_USE rs_code identity_blame(struct agent *a, const struct identity *id, rs_code rc,
                                   struct rs_err *err);
int64_t identity_renew_at(const struct agent *a, const struct cert *cert);

/* ---- trust.c ------------------------------------------------------------------------------------------ */

struct trust {
    struct rs_arena arena;
    struct rs_bytes anchors[AGENT_CERTS_MAX];
    size_t count;
    int from_chip; /* the chip names them; else they are only the configuration's */
    int lacks;     /* the chip names something whose certificate is not at hand */
};

void trust_init(struct trust *t);
void trust_done(struct trust *t);
RS_MUST_USE rs_code trust_load(struct agent *a, struct trust *t, struct rs_err *err);
/* Look at the server's certificates: those that the chip names, or that follow one it names. */
RS_MUST_USE rs_code trust_learn(struct agent *a, struct trust *t, const struct rs_bytes *certs,
                                size_t count, int *ret_changed, struct rs_err *err);
/* The chain from above a certificate to below its root, PEM, out of these certificates. */
void trust_put_chain(const struct cert *cert, const struct rs_bytes *certs, size_t count,
                     struct rs_buf *out);
/* RS_OK when cert chains to an anchor by way of certs. */
RS_MUST_USE rs_code trust_check(const struct trust *t, const struct cert *cert,
                                const struct rs_bytes *certs, size_t count, struct rs_err *err);

/* ---- talk.c --------------------------------------------------------------------------------------------- */

/* A connection to the server as id (NULL: nobody); id lives as long as it. */
RS_MUST_USE rs_code talk_open(struct agent *a, const struct trust *t, struct identity *id,
                              struct web **ret_web, struct rs_err *err);
/* Before anything else is said: the server's CA certificates; proves trust and gives the date. */
RS_MUST_USE rs_code talk_cacerts(struct agent *a, struct web *web, const struct trust *t,
                                 struct rs_arena *arena, struct rs_bytes certs[AGENT_CERTS_MAX],
                                 size_t *ret_count, struct rs_err *err);
/* For a chip that names a root by key or digest, and no certificate at hand: fetch candidates. */
RS_MUST_USE rs_code talk_fetch_named(struct agent *a, struct trust *t, struct rs_err *err);

/* ---- first.c ----------------------------------------------------------------------------------------------- */

/* "Authorization: Basic ..." from the token file; the text is secret. */
RS_MUST_USE rs_code first_token(struct agent *a, struct rs_buf *ret_header, struct rs_err *err);
/* An IDevID by the TPM's endorsement, written into the chip. */
RS_MUST_USE rs_code first_endorsement(struct agent *a, struct rs_err *err);

#endif /* AGENT_INNER_H */
