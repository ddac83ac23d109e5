/*
 * soft.h: what the files of the soft driver share.
 *
 *   layout.c   which objects a store has
 *   store.c    the records in memory
 *   format.c   their bytes in the file
 *   file.c     encryption, and replacing a file so that power may go
 *   keys.c     slots that use keys
 *   objects.c  slots for stored bytes and counters
 *   driver.c   opening, life cycle, and the table
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_HOST_SOFT_SOFT_H
#define ROT_HOST_SOFT_SOFT_H

#include <rot/rot_soft.h>

#define SOFT_UID_LEN        16
#define SOFT_KEY_LEN        32
#define SOFT_SALT_LEN       32
#define SOFT_VERIFIER_LEN   16
#define SOFT_NONCE_LEN      12
#define SOFT_TAG_LEN        16
#define SOFT_RECORDS_MAX    96
#define SOFT_RECORD_MAX     ROT_CERTIFICATE_MAX
#define SOFT_FILE_MAX       ((size_t)1024 * 1024)
#define SOFT_ITERATIONS_MAX 10000000u
#define SOFT_SESSIONS_MAX   8

/* ---- The store in memory (store.c) ----------------------------------------- */

#define SOFT_LOCKED 1u /* sealed by ROT_STAGE_OBJECT */

/* One part of one object.  A key pair is its private number, then its point. */
struct soft_record {
    rot_object object;
    uint8_t part;
    uint8_t alg;
    uint8_t flags;
    uint32_t len;
    uint8_t *data; /* owned; never NULL in a record that is there */
};

/* All that the file holds.  Records are sorted by object, then part. */
struct soft_store {
    uint8_t uid[SOFT_UID_LEN];
    uint32_t sealed; /* bits 1 << stage */
    size_t count;
    struct soft_record records[SOFT_RECORDS_MAX];
};

/* Wipe and free all records. */
void soft_store_clear(struct soft_store *s);
struct soft_record *soft_store_find(struct soft_store *s, rot_object object, unsigned part);
/* Add or replace; a record that was there keeps its flags. */
rot_err soft_store_put(struct soft_store *s, const struct rot_place *place, const uint8_t *data,
                       size_t len);
void soft_store_remove(struct soft_store *s, struct soft_record *r);
/* What records are sorted by. */
unsigned soft_record_order(rot_object object, unsigned part);

/* ---- Its bytes (format.c) ------------------------------------------------------ */

size_t soft_store_size(const struct soft_store *s);
/* Write soft_store_size() bytes at out. */
void soft_store_write(const struct soft_store *s, uint8_t *out);
/* Strict; *ret_store is zeroed or cleared before, and holds nothing after a failure. */
rot_err soft_store_read(const uint8_t *p, size_t len, struct soft_store *ret_store);

/* ---- The file (file.c) -------------------------------------------------------- */

/* What opens a file: made from the secret once, kept while the chip is open. */
struct soft_lock {
    uint32_t iterations;
    uint8_t salt[SOFT_SALT_LEN];
    uint8_t verifier[SOFT_VERIFIER_LEN];
    uint8_t key[SOFT_KEY_LEN];
};

/* New salt, and the key from secret. */
rot_err soft_lock_make(const struct rot_port *port, struct rot_bytes secret, uint32_t iterations,
                       struct soft_lock *ret_lock);
/*
 * Read a whole file image.  ROT_E_AUTH: the secret is not its own; ROT_E_FORMAT:
 * damaged.  With *lock already made (lock->key known), secret.p is NULL.
 */
rot_err soft_image_read(const struct rot_port *port, struct rot_bytes secret,
                        struct rot_bytes image, struct soft_lock *lock,
                        struct soft_store *ret_store);

rot_err soft_file_load(const struct rot_soft *soft, const struct rot_port *port,
                       struct rot_bytes secret, struct soft_lock *lock,
                       struct soft_store *ret_store);
rot_err soft_file_save(const struct rot_soft *soft, const struct rot_port *port,
                       const struct soft_lock *lock, const struct soft_store *store);
/* Take the lock file; ROT_BUSY when somebody has it.  *ret_fd is closed to let go. */
rot_err soft_file_lock(const struct rot_soft *soft, int *ret_fd);
/* 1 there, 0 not there, -1 cannot be told. */
int soft_file_exists(const struct rot_soft *soft);

extern const struct rot_soft_files soft_system_files;

/* ---- The driver's state ----------------------------------------------------------- */

/* A secret that lives until reset. */
struct soft_session {
    rot_object object; /* 0: free */
    uint8_t len;
    uint8_t key[ROT_SECRET_MAX];
};

/* An object that comes in pieces. */
struct soft_pending {
    const struct rot_place *place;
    size_t total, filled;
    uint8_t *data;
};

struct soft {
    struct rot_soft *config;
    int lock_fd; /* plus 1, so that zeroed memory holds none */
    uint8_t is_loaded;
    struct soft_lock lock;
    struct soft_store store;
    struct soft_session sessions[SOFT_SESSIONS_MAX];
    struct soft_pending pending;
};

/* The state of an open chip, or NULL after a write whose outcome is unknown. */
struct soft *soft_of(const struct rot_chip *chip);

/* May this place change now?  ROT_E_STATE when it is sealed. */
rot_err soft_check_open_place(struct soft *s, const struct rot_place *place);

/* Make the store durable; on failure memory holds again what the disk does. */
rot_err soft_commit(struct rot_chip *chip);

extern const struct rot_layout *const soft_layouts[];

/* ---- Slots (keys.c, objects.c) ------------------------------------------------------ */

rot_err soft_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                          uint8_t *pub, size_t cap, size_t *ret_len);
rot_err soft_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub,
                        size_t cap, size_t *ret_len);
rot_err soft_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                        const uint8_t *wrapped, size_t wrapped_len);
rot_err soft_key_delete(struct rot_chip *chip, const struct rot_place *place);
rot_err soft_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                         const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t cap,
                         size_t *ret_len);
rot_err soft_sign_message(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                          size_t msg_len, uint8_t *sig, size_t cap, size_t *ret_len);
rot_err soft_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                           size_t pub_len, const uint8_t *digest, size_t digest_len,
                           const uint8_t *sig, size_t sig_len);
rot_err soft_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
                   size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
                   size_t *ret_len);
rot_err soft_derive(struct rot_chip *chip, const struct rot_place *from,
                    const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
                    size_t cap, size_t *ret_len);
rot_err soft_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                 size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);
rot_err soft_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
                  struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
                  size_t cap, size_t *ret_len);

rot_err soft_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
rot_err soft_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                         uint8_t *buf, size_t cap, size_t *ret_len);
rot_err soft_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                          const uint8_t *buf, size_t len, size_t total, size_t *ret_need);
rot_err soft_counter_read(struct rot_chip *chip, const struct rot_place *place,
                          uint64_t *ret_value);
rot_err soft_counter_increment(struct rot_chip *chip, const struct rot_place *place,
                               uint64_t *ret_value);
void soft_drop_pending(struct soft *s);

#endif /* ROT_HOST_SOFT_SOFT_H */
