/*
 * store.h: records and queries: certificates, devices, orders, stations, people.
 *
 * Operations, not SQL.  One writer (a thread of the front) and any number of
 * readers, each with a handle of its own.  A write call is one transaction and
 * is durable when it returns.  Every record belongs to a tenant, and a tenant
 * never sees another's: the tenant stands in each statement's key.
 *
 * The store can be rebuilt from the ledger; what binds (orders, serials) is
 * counted by the signer too.
 *
 * Backends stand behind one table of functions (backend.h): sqlite/ now,
 * postgres/ later.  Text arguments are NUL-terminated, borrowed, and checked
 * for length by the caller's parsers (a longer one here is RS_E_INTERNAL, and
 * nothing is done); NULL means "" where "" is allowed.  Rows handed to
 * callbacks are borrowed for the time of the call; a callback that gives
 * non-zero ends the walk, and the walk is RS_OK.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

#define STORE_SERIAL_MAX   20
#define STORE_NAME_MAX     64   /* bytes of a name with NUL */
#define STORE_TEXT_MAX     1024 /* bytes of a subject or another longer text with NUL */
#define STORE_UID_MAX      64   /* bytes of a chip's identifier */
#define STORE_DER_MAX      65536
#define STORE_DOCUMENT_MAX (64 << 20) /* a CRL of a million entries fits */
#define STORE_PAGE_MAX     1000
#define STORE_BATCH_MAX    4096

struct store; /* one handle, one thread */

enum store_cert_state {
    STORE_CERT_ISSUED = 1, /* acknowledged or about to be */
    STORE_CERT_REVOKED = 2,
    STORE_CERT_SUPERSEDED = 3, /* signed, never answered: a lost race; revoked at once */
    STORE_CERT_LOST = 4,       /* an intent that could not be completed; revoked */
};

struct store_cert {
    const char *tenant;
    const char *issuer;
    struct rs_bytes serial;
    enum store_cert_state state;
    uint32_t signer_id;
    uint64_t leaf; /* index in that signer's ledger */
    uint8_t request_id[32];
    const char *profile;
    const char *device;  /* "" when it belongs to no device */
    const char *object;  /* "idevid", "ldevid/0"... or "" */
    const char *holder;  /* "device", "station", "person", "server", "ca", "ocsp" */
    const char *subject; /* RFC 4514, for lists */
    uint8_t key_hash[32];
    uint8_t fingerprint[32];
    int64_t not_before, not_after; /* seconds; INT64_MAX: never */
    int64_t revoked_at;            /* 0: not revoked */
    uint8_t reason;                /* CRLReason */
    struct rs_bytes der;           /* empty in lists and records */
};

enum store_device_state {
    STORE_DEVICE_EXPECTED = 1, /* a manifest named it */
    STORE_DEVICE_MADE = 2,     /* certified, final check not reported yet */
    STORE_DEVICE_ACTIVE = 3,
    STORE_DEVICE_BLOCKED = 4,
    STORE_DEVICE_REVOKED = 5,
    STORE_DEVICE_SCRAPPED = 6,
};

struct store_device {
    const char *tenant;
    const char *device; /* serial */
    enum store_device_state state;
    const char *product;
    const char *order;
    const char *station;
    const char *fixture;
    const char *chip_model;
    struct rs_bytes chip_uid;
    const char *provenance; /* "attested", "vendor", "station" */
    int64_t made_at;
    int64_t took_ms;
};

/* What one issuance adds.  Names that do not apply are "". */
struct store_issue {
    struct store_cert cert;
    struct store_device device; /* device.device == "": no device record */
    int new_device;             /* 1: the device must not exist yet with another chip or key */
    int64_t request_until;      /* seconds: how long the request id is remembered, at most */
    rs_code result;             /* out: RS_OK, RS_E_KEY_UNIQUE, RS_E_CHIP_TWIN, RS_E_DEVICE_EXISTS,
                                   RS_E_SERIAL_COLLISION */
};

/* ---- Opening ---------------------------------------------------------------- */

/*
 * url: "sqlite:PATH" (or a bare path).  Creates and migrates the schema when
 * writer is 1 (exactly one such handle may exist: RS_E_STORE_BUSY otherwise).
 * RS_E_STORE_DAMAGED when the integrity check fails.
 */
RS_MUST_USE rs_code store_open(const char *url, int writer, struct store **ret_store,
                               struct rs_err *err);
void store_close(struct store *store);
/*
 * Read every page and every index: RS_E_STORE_DAMAGED names the first finding.
 * Opening a writer does this by itself for files up to 64 MiB.
 */
RS_MUST_USE rs_code store_check(struct store *store, struct rs_err *err);

/*
 * A look: the reads from here to store_look_done() see one state of the store, and
 * several cost hardly more than one.  For a reader's handle, and for moments: the
 * log cannot start over behind it.  No look within a look.
 */
RS_MUST_USE rs_code store_look(struct store *store, struct rs_err *err);
void store_look_done(struct store *store);

/* ---- Issuing ----------------------------------------------------------------- */

/*
 * One transaction for a batch: certificate, device, chip, key owner with its
 * requests, order count.  An item that breaks a uniqueness rule gets its result set,
 * its certificate is stored as SUPERSEDED (revoked), and the rest goes on.
 * Any other failure fails the batch and nothing of it is stored.
 *
 * The same certificate again (same serial, leaf and fingerprint) changes
 * nothing and gets the result it had: recovery replays freely.  A serial that
 * belongs to another certificate, and a live request id that already led to
 * another serial, are RS_E_SERIAL_COLLISION.  A request id of zeros means that
 * there is none.  Request ids are kept with the public key that they are for
 * (they are hashes over it), and a key keeps the four that live longest: one
 * that fell out is free again.  After a failed sync of the disk (RS_E_STORE_FAILED) a restart
 * finds all of the batch or none of it.
 * Certificates of state LOST claim neither key, chip, device nor request.
 */
RS_MUST_USE rs_code store_commit_issued(struct store *store, struct store_issue *items,
                                        size_t count, struct rs_err *err);

/* What is known of a public key. */
struct store_key {
    const char *device; /* who owns it; "" for stations and people */
    uint8_t key_hash[32];
    struct rs_bytes requests; /* its newest requests, for store_find_request (requests.h) */
};
/* RS_E_DEVICE_UNKNOWN if the key was never certified. */
RS_MUST_USE rs_code store_find_key(struct store *store, const char *tenant,
                                   const uint8_t key_hash[32], struct rs_arena *arena,
                                   struct store_key *ret_key, struct rs_err *err);
/*
 * The certificate that an earlier identical request for this key got, if it is
 * one of the newest and lives; else RS_E_CERT_UNKNOWN.  Without a finding
 * nothing is read: the key was found in the same look.
 */
RS_MUST_USE rs_code store_find_request(struct store *store, const char *tenant,
                                       const struct store_key *key, const uint8_t request_id[32],
                                       struct rs_arena *arena, struct store_cert *ret_cert,
                                       struct rs_err *err);

/* The device that this chip is in; RS_E_DEVICE_UNKNOWN if none. */
RS_MUST_USE rs_code store_find_chip(struct store *store, const char *tenant, const char *model,
                                    struct rs_bytes uid, struct rs_arena *arena,
                                    const char **ret_device, struct rs_err *err);

/*
 * Leaves of this signer below *ret_leaf have been taken over (issued, revoked and
 * other kinds); 0 when nothing was said.  Only store_set_next_leaf raises it,
 * never a commit: a batch that overtook another must not hide the other's
 * leaves from recovery.  Never goes back.
 */
RS_MUST_USE rs_code store_next_leaf(struct store *store, uint32_t signer_id, uint64_t *ret_leaf,
                                    struct rs_err *err);
/*
 * Kept in order with the commits around it, but not synced by itself: after a
 * power cut it may be lower than said, and some leaves are replayed.
 */
RS_MUST_USE rs_code store_set_next_leaf(struct store *store, uint32_t signer_id, uint64_t leaf,
                                        struct rs_err *err);

/* ---- Certificates ------------------------------------------------------------- */

RS_MUST_USE rs_code store_find_cert(struct store *store, const char *tenant, const char *issuer,
                                    struct rs_bytes serial, struct rs_arena *arena,
                                    struct store_cert *ret_cert, struct rs_err *err);
/* The same without reading the DER (empty); who needs the bytes compared has the fingerprint. */
RS_MUST_USE rs_code store_find_record(struct store *store, const char *tenant, const char *issuer,
                                      struct rs_bytes serial, struct rs_arena *arena,
                                      struct store_cert *ret_cert, struct rs_err *err);

/* State only, without reading the DER: for OCSP. */
struct store_status {
    enum store_cert_state state;
    int64_t revoked_at;
    uint8_t reason;
    int64_t not_after;
};
RS_MUST_USE rs_code store_cert_status(struct store *store, const char *tenant, const char *issuer,
                                      struct rs_bytes serial, struct store_status *ret_status,
                                      struct rs_err *err);

struct store_revocation {
    const char *tenant;
    const char *issuer;
    struct rs_bytes serial;
    int64_t revoked_at;
    uint8_t reason;
    uint32_t signer_id;
    uint64_t leaf;
    rs_code result; /* out: RS_OK, RS_E_CERT_UNKNOWN, RS_E_CERT_REVOKED (kept as it was) */
};
RS_MUST_USE rs_code store_revoke(struct store *store, struct store_revocation *items, size_t count,
                                 struct rs_err *err);

#define STORE_CERT_NOT_GOOD (-1) /* every state but ISSUED: what a CRL lists */

/* Which certificates a list shows.  NULL or 0: no limit on that field. */
struct store_cert_filter {
    const char *issuer;
    const char *device;
    const char *holder;
    int state;             /* or STORE_CERT_NOT_GOOD */
    struct rs_bytes after; /* keyset: issuer NUL serial of the last row seen */
    size_t limit;          /* at most STORE_PAGE_MAX */
};
typedef int (*store_cert_fn)(void *arg, const struct store_cert *cert);
RS_MUST_USE rs_code store_list_certs(struct store *store, const char *tenant,
                                     const struct store_cert_filter *filter, store_cert_fn each,
                                     void *arg, struct rs_err *err);

/* ---- Devices ------------------------------------------------------------------- */

RS_MUST_USE rs_code store_find_device(struct store *store, const char *tenant, const char *device,
                                      struct rs_arena *arena, struct store_device *ret_device,
                                      struct rs_err *err);
/* A device that is expected: named before it has a key.  RS_E_DEVICE_EXISTS when it is there. */
RS_MUST_USE rs_code store_add_device(struct store *store, const struct store_device *device,
                                     struct rs_err *err);
RS_MUST_USE rs_code store_set_device_state(struct store *store, const char *tenant,
                                           const char *device, enum store_device_state state,
                                           const char *fixture, int64_t took_ms,
                                           struct rs_err *err);

struct store_device_filter {
    const char *order;
    const char *product;
    const char *station;
    int state;
    const char *after;
    size_t limit;
};
typedef int (*store_device_fn)(void *arg, const struct store_device *device);
RS_MUST_USE rs_code store_list_devices(struct store *store, const char *tenant,
                                       const struct store_device_filter *filter,
                                       store_device_fn each, void *arg, struct rs_err *err);

/* ---- Orders --------------------------------------------------------------------- */

enum store_order_state {
    STORE_ORDER_WAITING = 1,
    STORE_ORDER_OPEN = 2,
    STORE_ORDER_PAUSED = 3,
    STORE_ORDER_CLOSED = 4,
};

struct store_order {
    const char *tenant;
    const char *order;
    enum store_order_state state;
    const char *product;
    int64_t quantity, target;
    int64_t taken; /* identities signed under it (L7) */
    int64_t good, scrapped, rejected;
    int64_t valid_from, valid_until; /* INT64_MAX: no end */
    int64_t created_at;
    struct rs_bytes document; /* the signed work order */
};

struct store_share {
    const char *station;
    int64_t size, taken;
};

/* Insert or replace; counts are kept when it exists. */
RS_MUST_USE rs_code store_put_order(struct store *store, const struct store_order *order,
                                    const struct store_share *shares, size_t share_count,
                                    struct rs_err *err);
RS_MUST_USE rs_code store_find_order(struct store *store, const char *tenant, const char *order,
                                     struct rs_arena *arena, struct store_order *ret_order,
                                     struct rs_err *err);
RS_MUST_USE rs_code store_find_share(struct store *store, const char *tenant, const char *order,
                                     const char *station, struct store_share *ret_share,
                                     struct rs_err *err);
typedef int (*store_order_fn)(void *arg, const struct store_order *order);
RS_MUST_USE rs_code store_list_orders(struct store *store, const char *tenant, const char *after,
                                      size_t limit, store_order_fn each, void *arg,
                                      struct rs_err *err);

/* ---- Boards: what stations report ------------------------------------------------- */

struct store_board {
    const char *tenant;
    const char *station;
    int64_t seq; /* from 1, gap-free per station; the same (station, seq) again is ignored */
    const char *fixture;
    const char *board; /* label or device serial */
    const char *device;
    const char *order;
    const char *state; /* "pass" "reject" "again" "scrap" */
    const char *code;  /* dotted code, "" for pass */
    const char *step;
    const char *chip_model;
    struct rs_bytes chip_uid;
    int64_t took_ms, time_ms;
    int identity_used;
};
/*
 * Exactly once by (station, seq); counts go to the order, states to the device.
 * All boards of a call are of one station, in rising order.  After a gap
 * nothing more is taken: *ret_next_seq says from where to send again.
 */
RS_MUST_USE rs_code store_add_boards(struct store *store, const struct store_board *boards,
                                     size_t count, int64_t *ret_next_seq, struct rs_err *err);
typedef int (*store_board_fn)(void *arg, const struct store_board *board);
RS_MUST_USE rs_code store_list_boards(struct store *store, const char *tenant, const char *station,
                                      int64_t after_seq, size_t limit, store_board_fn each,
                                      void *arg, struct rs_err *err);

/* ---- Named documents: CAs, profiles, products, layouts, stations, people, tokens, CRLs -- */

/*
 * Everything small that is found by (kind, name): the canonical document, a
 * version that counts up, a state word.  kind: "ca" "profile" "product"
 * "layout" "station" "person" "token" "crl" "setting".
 */
struct store_object {
    const char *tenant;
    const char *kind;
    const char *name;
    int64_t version;
    const char *state;
    struct rs_bytes document;
    int64_t created_at, updated_at;
};
/* expected_version 0: must be new (RS_E_EXISTS); -1: any; else must match (RS_E_EXISTS). */
RS_MUST_USE rs_code store_put_object(struct store *store, const struct store_object *object,
                                     int64_t expected_version, int64_t *ret_version,
                                     struct rs_err *err);
/*
 * version 0: the newest.  RS_E_REQUEST_UNKNOWN when there is none.  Older
 * versions stay readable, except of kind "crl" (the ledger has their hashes).
 */
RS_MUST_USE rs_code store_find_object(struct store *store, const char *tenant, const char *kind,
                                      const char *name, int64_t version, struct rs_arena *arena,
                                      struct store_object *ret_object, struct rs_err *err);
typedef int (*store_object_fn)(void *arg, const struct store_object *object);
RS_MUST_USE rs_code store_list_objects(struct store *store, const char *tenant, const char *kind,
                                       const char *after, size_t limit, store_object_fn each,
                                       void *arg, struct rs_err *err);
/*
 * Take a one-time token: by SHA-256 of the code.  RS_E_AUTH_TOKEN when it is
 * unknown, used up or expired at `now`; the use is durable before RS_OK.
 */
RS_MUST_USE rs_code store_take_token(struct store *store, const char *tenant,
                                     const uint8_t token_hash[32], int64_t now,
                                     struct rs_arena *arena, struct rs_bytes *ret_document,
                                     struct rs_err *err);
RS_MUST_USE rs_code store_put_token(struct store *store, const char *tenant,
                                    const uint8_t token_hash[32], int64_t uses, int64_t expires_at,
                                    struct rs_bytes document, struct rs_err *err);

/* ---- Checkpoints and figures -------------------------------------------------------- */

/* The newest checkpoint of a signer's ledger, as note text.  Replaces an older one, never a newer. */
RS_MUST_USE rs_code store_put_checkpoint(struct store *store, uint32_t signer_id, uint64_t size,
                                         struct rs_bytes note, struct rs_err *err);
/* RS_OK with *ret_note empty when there is none. */
RS_MUST_USE rs_code store_find_checkpoint(struct store *store, uint32_t signer_id,
                                          struct rs_arena *arena, struct rs_bytes *ret_note,
                                          struct rs_err *err);

struct store_stats {
    int64_t certs, revoked, devices, orders, boards;
};
RS_MUST_USE rs_code store_get_stats(struct store *store, const char *tenant,
                                    struct store_stats *ret_stats, struct rs_err *err);

/* Fold the write-ahead log into the database; called by a thread of its own. */
RS_MUST_USE rs_code store_tidy(struct store *store, struct rs_err *err);

#endif /* STORE_STORE_H */
