/*
 * backend.h: what a database must be able to do to stand behind store.h.
 *
 * One constant table per backend, with the calls of store.h in their order.
 * store.c has checked the arguments and the right to write before any of these
 * run, so a backend only does its work.  A handle starts with struct store; the
 * backend's own fields follow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/store.h"

struct store_backend {
    const char *scheme; /* of the URL: "sqlite" */
    rs_code (*open)(const char *where, int writer, struct store **ret_store, struct rs_err *err);
    void (*close)(struct store *store);
    rs_code (*check)(struct store *store, struct rs_err *err);

    rs_code (*commit_issued)(struct store *store, struct store_issue *items, size_t count,
                             struct rs_err *err);
    rs_code (*look)(struct store *store, struct rs_err *err);
    void (*look_done)(struct store *store);
    rs_code (*find_key)(struct store *store, const char *tenant, const uint8_t key_hash[32],
                        struct rs_arena *arena, struct store_key *ret_key, struct rs_err *err);
    rs_code (*find_request)(struct store *store, const char *tenant, const struct store_key *key,
                            const uint8_t request_id[32], struct rs_arena *arena,
                            struct store_cert *ret_cert, struct rs_err *err);
    rs_code (*find_chip)(struct store *store, const char *tenant, const char *model,
                         struct rs_bytes uid, struct rs_arena *arena, const char **ret_device,
                         struct rs_err *err);
    rs_code (*next_leaf)(struct store *store, uint32_t signer_id, uint64_t *ret_leaf,
                         struct rs_err *err);
    rs_code (*set_next_leaf)(struct store *store, uint32_t signer_id, uint64_t leaf,
                             struct rs_err *err);

    rs_code (*find_cert)(struct store *store, const char *tenant, const char *issuer,
                         struct rs_bytes serial, struct rs_arena *arena,
                         struct store_cert *ret_cert, struct rs_err *err);
    rs_code (*find_record)(struct store *store, const char *tenant, const char *issuer,
                           struct rs_bytes serial, struct rs_arena *arena,
                           struct store_cert *ret_cert, struct rs_err *err);
    rs_code (*cert_status)(struct store *store, const char *tenant, const char *issuer,
                           struct rs_bytes serial, struct store_status *ret_status,
                           struct rs_err *err);
    rs_code (*revoke)(struct store *store, struct store_revocation *items, size_t count,
                      struct rs_err *err);
    rs_code (*list_certs)(struct store *store, const char *tenant,
                          const struct store_cert_filter *filter, store_cert_fn each, void *arg,
                          struct rs_err *err);

    rs_code (*find_device)(struct store *store, const char *tenant, const char *device,
                           struct rs_arena *arena, struct store_device *ret_device,
                           struct rs_err *err);
    rs_code (*add_device)(struct store *store, const struct store_device *device,
                          struct rs_err *err);
    rs_code (*set_device_state)(struct store *store, const char *tenant, const char *device,
                                enum store_device_state state, const char *fixture, int64_t took_ms,
                                struct rs_err *err);
    rs_code (*list_devices)(struct store *store, const char *tenant,
                            const struct store_device_filter *filter, store_device_fn each,
                            void *arg, struct rs_err *err);

    rs_code (*put_order)(struct store *store, const struct store_order *order,
                         const struct store_share *shares, size_t share_count, struct rs_err *err);
    rs_code (*find_order)(struct store *store, const char *tenant, const char *order,
                          struct rs_arena *arena, struct store_order *ret_order,
                          struct rs_err *err);
    rs_code (*find_share)(struct store *store, const char *tenant, const char *order,
                          const char *station, struct store_share *ret_share, struct rs_err *err);
    rs_code (*list_orders)(struct store *store, const char *tenant, const char *after, size_t limit,
                           store_order_fn each, void *arg, struct rs_err *err);

    rs_code (*add_boards)(struct store *store, const struct store_board *boards, size_t count,
                          int64_t *ret_next_seq, struct rs_err *err);
    rs_code (*list_boards)(struct store *store, const char *tenant, const char *station,
                           int64_t after_seq, size_t limit, store_board_fn each, void *arg,
                           struct rs_err *err);

    rs_code (*put_object)(struct store *store, const struct store_object *object,
                          int64_t expected_version, int64_t *ret_version, struct rs_err *err);
    rs_code (*find_object)(struct store *store, const char *tenant, const char *kind,
                           const char *name, int64_t version, struct rs_arena *arena,
                           struct store_object *ret_object, struct rs_err *err);
    rs_code (*list_objects)(struct store *store, const char *tenant, const char *kind,
                            const char *after, size_t limit, store_object_fn each, void *arg,
                            struct rs_err *err);

    rs_code (*take_token)(struct store *store, const char *tenant, const uint8_t token_hash[32],
                          int64_t now, struct rs_arena *arena, struct rs_bytes *ret_document,
                          struct rs_err *err);
    rs_code (*put_token)(struct store *store, const char *tenant, const uint8_t token_hash[32],
                         int64_t uses, int64_t expires_at, struct rs_bytes document,
                         struct rs_err *err);

    rs_code (*put_checkpoint)(struct store *store, uint32_t signer_id, uint64_t size,
                              struct rs_bytes note, struct rs_err *err);
    rs_code (*find_checkpoint)(struct store *store, uint32_t signer_id, struct rs_arena *arena,
                               struct rs_bytes *ret_note, struct rs_err *err);
    rs_code (*get_stats)(struct store *store, const char *tenant, struct store_stats *ret_stats,
                         struct rs_err *err);
    rs_code (*tidy)(struct store *store, struct rs_err *err);
};

/* The common head of every handle. */
struct store {
    const struct store_backend *backend;
    int writer;
};

extern const struct store_backend store_sqlite;

#endif /* STORE_BACKEND_H */
