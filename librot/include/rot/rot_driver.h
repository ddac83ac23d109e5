/*
 * rot_driver.h: for those who write a driver, a layout, or a board port.
 *
 * A driver is a constant table, one per family of parts; it lives in flash.
 * The core checks arguments, open state and empty slots once, finds the place
 * of the object in the layout, and calls the slot.  So a driver never sees an
 * object's name, only its place; and a caller never sees a place.
 *
 * Inside a slot: chip->setup.state is the driver's own memory, state_size big;
 * chip->setup.transport has the bus that `bus` names; chip->setup.port is never
 * NULL but its entries may be.  A slot sets chip->raw_status to what the part
 * said.  It absorbs what the part's bus protocol does (polling, wake, watchdog,
 * waiting extensions), within a bounded time that its file states.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_DRIVER_H
#define ROT_ROT_DRIVER_H

#include <rot/rot.h>
#include <rot/rot_port.h>
#include <rot/rot_transport.h>

/* ---- Layouts ------------------------------------------------------------- */

/* What may be done with a place, and how it is kept. */
#define ROT_PLACE_SIGN       0x0001u /* key signs */
#define ROT_PLACE_AGREE      0x0002u /* key agrees */
#define ROT_PLACE_REGENERATE 0x0004u /* a new key, or new bytes, also after the data seal */
#define ROT_PLACE_EXPORT     0x0008u /* agreed and derived secrets may leave the part */
#define ROT_PLACE_COMPRESSED 0x0010u /* certificate kept in the part's compressed form */
#define ROT_PLACE_LOCKABLE   0x0020u /* may be sealed by ROT_STAGE_OBJECT */
#define ROT_PLACE_SEAL       0x0040u /* a production recipe seals it by ROT_STAGE_OBJECT */
#define ROT_PLACE_READ_ONLY  0x0080u /* ours to read only: the vendor wrote it */
#define ROT_PLACE_ENCRYPTED  0x0100u /* read or written through the secure channel only */
#define ROT_PLACE_PUBLIC_KEY 0x0200u /* DATA that must be a public key the part can verify with */

/*
 * Where one part of one object lives.  A counter's place is its ROT_PART_DATA;
 * a session key's, or any other secret's, its ROT_PART_KEY.
 */
struct rot_place {
    rot_object object;
    uint8_t part;    /* enum rot_part */
    uint8_t alg;     /* enum rot_alg, for keys and public keys */
    uint16_t flags;  /* ROT_PLACE_... */
    uint16_t offset; /* where in it the bytes start */
    uint16_t size;   /* bytes that it can hold; 0 for keys */
    uint32_t where;  /* slot, OID, object id, handle, key id: the driver's own number */
    uint32_t also;   /* a second place that belongs to it (template data...); 0: none */
};

/* Objects to places.  Constant, or read from a text file by the host. */
struct rot_layout {
    const char *name;   /* "atecc608b-tflxtls" */
    const char *driver; /* name of the driver it is for */
    const struct rot_place *places;
    size_t place_count;
    const void *config; /* the driver's own: configuration image, policies; may be NULL */
    size_t config_len;
    uint32_t stages; /* bits 1 << stage: which seals production takes */
    uint8_t channel; /* 1: production speaks to the part by its secure channel only */
};

/* The place of (object, part), or NULL. */
const struct rot_place *rot_layout_find(const struct rot_layout *layout, rot_object obj,
                                        enum rot_part part);

/* ---- Drivers ------------------------------------------------------------- */

enum rot_bus {
    ROT_BUS_NONE = 0, /* needs no transport (soft) */
    ROT_BUS_I2C = 1,
    ROT_BUS_SPI = 2,
    ROT_BUS_STREAM = 3,
    ROT_BUS_MESSAGE = 4,
};

/*
 * The slots.  Contracts are those of the call of the same name in rot.h, with
 * object replaced by place; arguments are already checked (no NULL, the chip
 * is open, the place exists and has the flag that the call needs).  NULL means
 * ROT_E_UNSUPPORTED.  probe, identify and capability are not optional.
 */
struct rot_driver {
    const char *name;   /* "atecc": its folder, its simulator, its document */
    const char *vendor; /* "microchip" */
    enum rot_bus bus;
    size_t state_size;                       /* rot_open() zeroes that much, rot_close() wipes it */
    const struct rot_layout *const *layouts; /* first is the default; NULL ends the list */
    size_t channel_size; /* of the secret that it asks the port for; 0: it has no channel */

    /* ROT_E_WRONG_PART: answers, but is not mine.  Changes nothing in the part. */
    rot_err (*probe)(struct rot_chip *chip);
    void (*close)(struct rot_chip *chip); /* optional */
    rot_err (*reset)(struct rot_chip *chip);
    rot_err (*identify)(struct rot_chip *chip, struct rot_identity *ret_identity);
    /* From the wire; what the driver remembers of the part stays as it is. */
    rot_err (*uid)(struct rot_chip *chip, uint8_t uid[ROT_UID_MAX], size_t *ret_len);
    /*
     * Fill in the row of an object whose places are given (a missing one is
     * NULL); cap comes zeroed.  The core then takes away what an empty slot or
     * a missing place or flag forbids, so a row cannot promise what a call refuses.
     */
    void (*capability)(const struct rot_chip *chip, const struct rot_place *key,
                       const struct rot_place *cert, const struct rot_place *chain,
                       const struct rot_place *data, struct rot_capability *cap);

    rot_err (*random)(struct rot_chip *chip, uint8_t *buf, size_t len);

    rot_err (*key_generate)(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                            uint8_t *pub, size_t cap, size_t *ret_len);
    rot_err (*key_public)(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub,
                          size_t cap, size_t *ret_len);
    rot_err (*key_import)(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                          const uint8_t *wrapped, size_t wrapped_len);
    rot_err (*key_delete)(struct rot_chip *chip, const struct rot_place *place);
    rot_err (*sign_digest)(struct rot_chip *chip, const struct rot_place *place,
                           const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t cap,
                           size_t *ret_len);
    rot_err (*sign_message)(struct rot_chip *chip, const struct rot_place *place,
                            const uint8_t *msg, size_t msg_len, uint8_t *sig, size_t cap,
                            size_t *ret_len);
    /* place is NULL when pub is given, and the other way round. */
    rot_err (*verify_digest)(struct rot_chip *chip, const struct rot_place *place,
                             const uint8_t *pub, size_t pub_len, const uint8_t *digest,
                             size_t digest_len, const uint8_t *sig, size_t sig_len);
    /* into is NULL when the secret leaves the part. */
    rot_err (*agree)(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
                     size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
                     size_t *ret_len);
    rot_err (*derive)(struct rot_chip *chip, const struct rot_place *from,
                      const struct rot_kdf_params *params, const struct rot_place *into,
                      uint8_t *out, size_t cap, size_t *ret_len);
    rot_err (*mac)(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                   size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);
    rot_err (*aead)(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg,
                    int seal, struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in,
                    uint8_t *out, size_t cap, size_t *ret_len);

    rot_err (*object_size)(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
    rot_err (*object_read)(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                           uint8_t *buf, size_t cap, size_t *ret_len);
    rot_err (*object_write)(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                            const uint8_t *buf, size_t len, size_t total, size_t *ret_need);

    rot_err (*counter_read)(struct rot_chip *chip, const struct rot_place *place,
                            uint64_t *ret_value);
    rot_err (*counter_increment)(struct rot_chip *chip, const struct rot_place *place,
                                 uint64_t *ret_value);

    rot_err (*attest)(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
                      struct rot_evidence *evidence);
    rot_err (*activate)(struct rot_chip *chip, const struct rot_place *place,
                        const uint8_t *challenge, size_t challenge_len, uint8_t *secret, size_t cap,
                        size_t *ret_len);

    /* place is NULL except for ROT_STAGE_OBJECT. */
    rot_err (*seal_prepare)(struct rot_chip *chip, enum rot_stage stage,
                            const struct rot_place *place);
    rot_err (*seal)(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place);
    rot_err (*seal_state)(struct rot_chip *chip, enum rot_stage stage,
                          const struct rot_place *place, enum rot_seal_state *ret_state);
    rot_err (*wipe)(struct rot_chip *chip);
    rot_err (*channel_rotate)(struct rot_chip *chip, const uint8_t *secret, size_t secret_len);
    rot_err (*channel_has)(struct rot_chip *chip, const uint8_t *secret, size_t secret_len);
    rot_err (*self_test)(struct rot_chip *chip);
};

/* ---- What the core offers to drivers -------------------------------------- */

/* Bytes of the digest that a key signs (32, 48, 64), of its point, of its SubjectPublicKeyInfo, and
 * the most that one signature takes; 0 where the algorithm has none or librot does not know it. */
size_t rot_alg_digest_size(enum rot_alg alg);
size_t rot_alg_point_size(enum rot_alg alg);
size_t rot_alg_spki_size(enum rot_alg alg);
size_t rot_alg_signature_size(enum rot_alg alg);
/* Bytes of an AES or HMAC key; 0 for others. */
size_t rot_alg_secret_size(enum rot_alg alg);

/* Wipe memory in a way that the compiler keeps. */
void rot_wipe_memory(void *p, size_t len);

/* 1 when equal; the time taken depends on len only. */
int rot_equal(const void *a, const void *b, size_t len);

/*
 * ECDSA signatures between raw and DER form (RFC 3279 2.2.3).  raw is r || s;
 * half is 32 (P-256) or 48 (P-384).  Both want 0 < r, s < the curve's order
 * and the one DER form there is: ROT_E_FORMAT otherwise.
 */
ROT_MUST_USE rot_err rot_ecdsa_to_der(const uint8_t *raw, size_t half, uint8_t *der, size_t cap,
                                      size_t *ret_len);
ROT_MUST_USE rot_err rot_ecdsa_from_der(const uint8_t *der, size_t der_len, size_t half,
                                        uint8_t *raw);

/*
 * Public keys between raw and SubjectPublicKeyInfo (RFC 5480, RFC 8410).  The
 * point is X || Y for P-256 and P-384 (64 and 96 bytes), or the raw key for
 * Ed25519 and X25519 (32).  Whether a point is on its curve is not looked at:
 * whoever computes with it does that.
 */
ROT_MUST_USE rot_err rot_spki_from_point(enum rot_alg alg, const uint8_t *point, uint8_t *spki,
                                         size_t cap, size_t *ret_len);
/* Gives the point (room for 96 bytes) and its algorithm; ROT_E_FORMAT for anything else. */
ROT_MUST_USE rot_err rot_spki_to_point(const uint8_t *spki, size_t spki_len, uint8_t point[96],
                                       enum rot_alg *ret_alg);

#endif /* ROT_ROT_DRIVER_H */
