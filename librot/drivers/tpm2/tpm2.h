/*
 * tpm2.h: what the files of the TPM 2.0 driver share.
 *
 * wire.c builds commands and reads answers, session.c protects them, policy.c
 * opens what the TCG's templates lock, template.c has the templates, keys.c,
 * secret.c, nv.c, sealed.c and attest.c do the work, layout.c says what lives where,
 * driver.c is the table.
 *
 * "Part 1" to "Part 3" are the TCG's Trusted Platform Module Library 2.0,
 * revision 1.59; "keys" is TPM 2.0 Keys for Device Identity and Attestation
 * 1.0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_TPM2_H
#define ROT_TPM2_H

#include <rot/rot_driver.h>
#include <rot/rot_mem.h>

#define TPM2_BUFFER    1600u /* bytes of a command or an answer: what moves 1,024 of data */
#define TPM2_CHUNK     1024u /* bytes of one NV access, HMAC piece: TPMs take at least 512 */
#define TPM2_HASH      32u   /* SHA-256 throughout */
#define TPM2_NAME_MAX  (2u + TPM2_HASH)
#define TPM2_HANDLES   3u
#define TPM2_SESSIONS  3u
#define TPM2_BLOB_MAX  320u /* a keyed hash object, public and wrapped private part */
#define TPM2_SECRETS   2u
#define TPM2_RSA_BYTES 256u

enum tpm2_cc {
    TPM2_CC_NV_UNDEFINE = 0x122,
    TPM2_CC_EVICT = 0x120,
    TPM2_CC_NV_DEFINE = 0x12a,
    TPM2_CC_CREATE_PRIMARY = 0x131,
    TPM2_CC_NV_INCREMENT = 0x134,
    TPM2_CC_NV_WRITE = 0x137,
    TPM2_CC_NV_WRITE_LOCK = 0x138,
    TPM2_CC_SEQUENCE_COMPLETE = 0x13e,
    TPM2_CC_SELF_TEST = 0x143,
    TPM2_CC_STARTUP = 0x144,
    TPM2_CC_ACTIVATE = 0x147,
    TPM2_CC_CERTIFY = 0x148,
    TPM2_CC_NV_READ = 0x14e,
    TPM2_CC_POLICY_SECRET = 0x151,
    TPM2_CC_CREATE = 0x153,
    TPM2_CC_ECDH_ZGEN = 0x154,
    TPM2_CC_HMAC = 0x155,
    TPM2_CC_IMPORT = 0x156,
    TPM2_CC_LOAD = 0x157,
    TPM2_CC_HMAC_START = 0x15b,
    TPM2_CC_SEQUENCE_UPDATE = 0x15c,
    TPM2_CC_SIGN = 0x15d,
    TPM2_CC_UNSEAL = 0x15e,
    TPM2_CC_FLUSH = 0x165,
    TPM2_CC_LOAD_EXTERNAL = 0x167,
    TPM2_CC_NV_READ_PUBLIC = 0x169,
    TPM2_CC_POLICY_COMMAND_CODE = 0x16c,
    TPM2_CC_POLICY_OR = 0x171,
    TPM2_CC_READ_PUBLIC = 0x173,
    TPM2_CC_START_SESSION = 0x176,
    TPM2_CC_VERIFY_SIGNATURE = 0x177,
    TPM2_CC_GET_CAPABILITY = 0x17a,
    TPM2_CC_GET_RANDOM = 0x17b,
};

enum tpm2_alg {
    TPM2_ALG_RSA = 0x0001,
    TPM2_ALG_HMAC = 0x0005,
    TPM2_ALG_AES = 0x0006,
    TPM2_ALG_KEYEDHASH = 0x0008,
    TPM2_ALG_SHA256 = 0x000b,
    TPM2_ALG_SHA384 = 0x000c,
    TPM2_ALG_NULL = 0x0010,
    TPM2_ALG_ECDSA = 0x0018,
    TPM2_ALG_ECC = 0x0023,
    TPM2_ALG_CFB = 0x0043,
};

#define TPM2_CURVE_P256 0x0003u
#define TPM2_CURVE_P384 0x0004u

#define TPM2_RH_OWNER       0x40000001u
#define TPM2_RH_NULL        0x40000007u
#define TPM2_RS_PASSWORD    0x40000009u
#define TPM2_RH_ENDORSEMENT 0x4000000bu

/* Structure tags (Part 2, 6.9). */
#define TPM2_ST_NO_SESSIONS 0x8001u
#define TPM2_ST_SESSIONS    0x8002u
#define TPM2_ST_HASHCHECK   0x8024u
#define TPM2_ST_VERIFIED    0x8022u

/* Attributes of objects (Part 2, 8.3) and of NV indices (13.4). */
#define TPM2_FIXED_TPM         0x00000002u
#define TPM2_FIXED_PARENT      0x00000010u
#define TPM2_SENSITIVE_ORIGIN  0x00000020u
#define TPM2_USER_WITH_AUTH    0x00000040u
#define TPM2_ADMIN_WITH_POLICY 0x00000080u
#define TPM2_NO_DA             0x00000400u
#define TPM2_RESTRICTED        0x00010000u
#define TPM2_DECRYPT           0x00020000u
#define TPM2_SIGN              0x00040000u

#define TPM2_NV_OWNERWRITE  0x00000002u
#define TPM2_NV_COUNTER     0x00000010u
#define TPM2_NV_WRITELOCKED 0x00000800u
#define TPM2_NV_WRITEDEFINE 0x00002000u
#define TPM2_NV_OWNERREAD   0x00020000u
#define TPM2_NV_AUTHREAD    0x00040000u
#define TPM2_NV_NO_DA       0x02000000u
#define TPM2_NV_WRITTEN     0x20000000u

/* What a session is asked to do with one command (Part 2, 8.4). */
#define TPM2_SE_CONTINUE 0x01u
#define TPM2_SE_DECRYPT  0x20u /* the first parameter goes out encrypted */
#define TPM2_SE_ENCRYPT  0x40u /* the first parameter comes back encrypted */

/* A name as the TPM computes it: a digest, or the handle itself (Part 1, 16). */
struct tpm2_name {
    uint8_t len;
    uint8_t b[TPM2_NAME_MAX];
};

struct tpm2_session {
    uint32_t handle; /* 0: there is none */
    uint8_t is_policy;
    uint8_t key[TPM2_HASH]; /* of an HMAC session */
    uint8_t nonce_tpm[TPM2_HASH];
    uint8_t nonce_tpm_len;
    uint8_t nonce_caller[TPM2_HASH];
};

/* One command under construction, in state->tx. */
struct tpm2_command {
    uint16_t cc;
    uint8_t handle_count;
    uint8_t session_count;
    uint8_t is_bad; /* something did not fit: a mistake of ours or of a caller's size */
    uint8_t returns_handle;
    uint8_t attributes[TPM2_SESSIONS];
    struct tpm2_session *sessions[TPM2_SESSIONS]; /* NULL: an empty password */
    const struct tpm2_name *names[TPM2_HANDLES];
    size_t params_at;
    size_t len;
    uint32_t handle; /* that the TPM gave back */
};

/* Bytes of an answer.  is_bad stays set from the first read past the end on. */
struct tpm2_reader {
    const uint8_t *p;
    size_t len;
    uint8_t is_bad;
};

/* A key as its public area says (Part 2, 12.2.4). */
struct tpm2_key {
    uint32_t handle;
    uint32_t attributes;
    uint16_t type;
    uint16_t curve;
    struct tpm2_name name;
    uint8_t point[64];    /* of a P-256 key */
    struct rot_bytes rsa; /* of an RSA key: its modulus, in rx until the next command */
    struct rot_bytes raw; /* the TPMT_PUBLIC, in rx until the next command */
};

struct tpm2_nv {
    uint32_t index;
    uint32_t attributes;
    uint16_t size;
    uint16_t policy_len;
    struct tpm2_name name;
};

/* A session key: wrapped by the TPM, kept by us while the chip is open. */
struct tpm2_secret {
    rot_object object; /* 0: free */
    uint16_t public_len, private_len;
    uint8_t blob[TPM2_BLOB_MAX];
};

struct tpm2_state {
    uint8_t tx[TPM2_BUFFER];
    uint8_t rx[TPM2_BUFFER];
    struct tpm2_session session; /* HMAC session that protects all that matters */
    uint32_t orphan;             /* one that was given up and is still to be flushed */
    struct tpm2_command command;
    struct tpm2_key key, other;
    struct tpm2_nv nv;
    struct tpm2_secret secrets[TPM2_SECRETS];
    uint8_t scratch[TPM2_CHUNK];
    uint8_t uid[TPM2_HASH];
    uint8_t has_uid;
    uint8_t is_stale; /* the session, or room in the TPM, was lost: the call may be made again */
    uint16_t chunk;   /* bytes that one NV access of this TPM takes */

    /* An object being written piece by piece. */
    const struct rot_place *pending;
    uint32_t pending_index;
    uint32_t pending_sequence;
    size_t pending_filled, pending_total;
};

static inline struct tpm2_state *
tpm2_of(const struct rot_chip *chip)
{
    return chip->setup.state;
}

/* ---- wire.c -------------------------------------------------------------- */

struct tpm2_command *tpm2_begin(struct rot_chip *chip, enum tpm2_cc cc);
/* A handle, its name, and who authorises it: handles first, then sessions, then parameters. */
void tpm2_put_handle(struct rot_chip *chip, uint32_t handle, const struct tpm2_name *name);
void tpm2_put_session(struct rot_chip *chip, struct tpm2_session *session, uint8_t attributes);
void tpm2_put_u8(struct rot_chip *chip, uint8_t v);
void tpm2_put_u16(struct rot_chip *chip, uint16_t v);
void tpm2_put_u32(struct rot_chip *chip, uint32_t v);
void tpm2_put(struct rot_chip *chip, const void *p, size_t len);
/* A TPM2B: its size in two bytes, then the bytes. */
void tpm2_put_sized(struct rot_chip *chip, const void *p, size_t len);
/* The same for what is built piece by piece: the place of the size, filled in at the end. */
size_t tpm2_open_sized(struct rot_chip *chip);
void tpm2_close_sized(struct rot_chip *chip, size_t at);

/* Send it; the reader gets the parameters of the answer, decrypted and checked. */
rot_err tpm2_run(struct rot_chip *chip, struct tpm2_reader *ret_answer);
/* For commands whose answer has no parameters. */
rot_err tpm2_run_plain(struct rot_chip *chip);

uint8_t tpm2_get_u8(struct tpm2_reader *r);
uint16_t tpm2_get_u16(struct tpm2_reader *r);
uint32_t tpm2_get_u32(struct tpm2_reader *r);
struct rot_bytes tpm2_get(struct tpm2_reader *r, size_t len);
struct rot_bytes tpm2_get_sized(struct tpm2_reader *r);
/* ROT_OK when all was read and nothing was missing. */
rot_err tpm2_get_end(const struct tpm2_reader *r);

/* What the TPM refuses in a parameter that a caller brought is the caller's bytes, not the TPM. */
rot_err tpm2_blame_input(const struct rot_chip *chip, rot_err rc);
/* The code of rot.h for a response code. */
rot_err tpm2_map_code(uint32_t code);

void tpm2_name_of_handle(uint32_t handle, struct tpm2_name *name);
rot_err tpm2_flush(struct rot_chip *chip, uint32_t handle);
/* Flush a handle whatever happened before, and give what happened before. */
rot_err tpm2_flush_after(struct rot_chip *chip, uint32_t handle, rot_err before);
rot_err tpm2_startup(struct rot_chip *chip);

/*
 * Whether the call just made is worth making again: the TPM had forgotten the
 * session or had no room, and that is repaired now.
 */
int tpm2_is_worth_again(struct rot_chip *chip, rot_err rc);
#define TPM2_AGAIN(chip, call)                                                                     \
    do {                                                                                           \
        rot_err rc_ = (call);                                                                      \
        if (tpm2_is_worth_again((chip), rc_))                                                      \
            rc_ = (call);                                                                          \
        return rc_;                                                                                \
    } while (0)

/* ---- session.c ----------------------------------------------------------- */

/* KDFa and KDFe with SHA-256 (Part 1, 11.4.10): at most one block of 32 bytes. */
rot_err tpm2_kdfa(const struct rot_port *port, struct rot_bytes key, const char *label,
                  struct rot_bytes u, struct rot_bytes v, size_t len, uint8_t out[TPM2_HASH]);
rot_err tpm2_kdfe(const struct rot_port *port, const uint8_t z[32], const char *use,
                  const uint8_t u[32], const uint8_t v[32], uint8_t out[TPM2_HASH]);

/* Be sure that there is an HMAC session. */
rot_err tpm2_need_session(struct rot_chip *chip);
/* Forget it; flush what is loaded of it, and of one given up before. */
void tpm2_drop_session(struct rot_chip *chip);
void tpm2_end_session(struct rot_chip *chip);
rot_err tpm2_start_policy(struct rot_chip *chip, struct tpm2_session *ret_session);

/* The authorisation area of the command in tx, and the check of that in rx. */
rot_err tpm2_protect(struct rot_chip *chip, size_t auth_at);
rot_err tpm2_check_answer(struct rot_chip *chip, uint8_t *params, size_t params_len,
                          struct tpm2_reader *auth);

/* ---- template.c ---------------------------------------------------------- */

enum tpm2_template {
    TPM2_TEMPLATE_STORAGE = 0, /* P-256 parent: storage root key, salt key */
    TPM2_TEMPLATE_IDEVID = 1,  /* keys, template H-2 */
    TPM2_TEMPLATE_IAK = 2,
    TPM2_TEMPLATE_LDEVID = 3, /* signs and agrees; under the storage root key */
    TPM2_TEMPLATE_HMAC = 4,   /* a key for HMAC-SHA-256 */
    TPM2_TEMPLATE_SEALED = 5, /* bytes of the application */
    TPM2_TEMPLATE_EK = 6,     /* RSA-2048, low range (EK Credential Profile, L-1) */
};

/* Append the TPM2B_PUBLIC of a template. */
void tpm2_put_template(struct rot_chip *chip, enum tpm2_template which);
/* The template of a key's place. */
enum tpm2_template tpm2_template_of(const struct rot_place *place);
/* The vendor's key and the storage key: nothing is signed, verified or said with them. */
int tpm2_only_decrypts(const struct rot_place *place);
int tpm2_is_primary(const struct rot_place *place);

/* The four branches of an identity key's policy (keys). */
extern const uint8_t tpm2_branches[2][4][TPM2_HASH];
extern const uint8_t tpm2_policies[2][TPM2_HASH];

/* ---- policy.c ------------------------------------------------------------ */

/* A policy session that satisfies the endorsement key, or the administrator of an identity key. */
rot_err tpm2_policy_endorsement(struct rot_chip *chip, struct tpm2_session *ret_session);
rot_err tpm2_policy_admin(struct rot_chip *chip, enum tpm2_template which, enum tpm2_cc cc,
                          struct tpm2_session *ret_session);
void tpm2_policy_end(struct rot_chip *chip, struct tpm2_session *session);

/* ---- keys.c -------------------------------------------------------------- */

rot_err tpm2_read_public(struct rot_chip *chip, uint32_t handle, struct tpm2_key *key);
rot_err tpm2_take_public(struct rot_chip *chip, struct rot_bytes area, struct tpm2_key *key);
rot_err tpm2_create_primary(struct rot_chip *chip, uint32_t hierarchy, enum tpm2_template which,
                            struct tpm2_key *key);
/* The vendor's key: persistent, or made anew from its template; *ret_transient says which. */
rot_err tpm2_endorsement_key(struct rot_chip *chip, uint32_t handle, struct tpm2_key *key,
                             int *ret_transient);
/* SHA-256 of an RSA key's SubjectPublicKeyInfo, while key->rsa is there. */
rot_err tpm2_rsa_digest(struct rot_chip *chip, const struct tpm2_key *key, uint8_t out[TPM2_HASH]);
/* Make a handle persistent, in the place of what was there. */
rot_err tpm2_persist(struct rot_chip *chip, const struct tpm2_key *key, uint32_t persistent);
rot_err tpm2_evict(struct rot_chip *chip, uint32_t persistent);

rot_err tpm2_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                          uint8_t *pub, size_t cap, size_t *ret_len);
rot_err tpm2_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub,
                        size_t cap, size_t *ret_len);
rot_err tpm2_key_delete(struct rot_chip *chip, const struct rot_place *place);
rot_err tpm2_sign_digest(struct rot_chip *chip, const struct rot_place *place,
                         const uint8_t *digest, size_t digest_len, uint8_t *sig, size_t cap,
                         size_t *ret_len);
rot_err tpm2_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                           size_t pub_len, const uint8_t *digest, size_t digest_len,
                           const uint8_t *sig, size_t sig_len);
rot_err tpm2_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
                   size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
                   size_t *ret_len);

/* ---- secret.c ------------------------------------------------------------ */

/* Create an object under the storage root key; the blobs are put behind each other in blob. */
rot_err tpm2_create(struct rot_chip *chip, const struct tpm2_key *parent, enum tpm2_template which,
                    struct rot_bytes data, struct tpm2_secret *ret_blob);
rot_err tpm2_load(struct rot_chip *chip, const struct tpm2_key *parent,
                  const struct tpm2_secret *blob, struct tpm2_key *ret_key);
rot_err tpm2_secret_generate(struct rot_chip *chip, const struct rot_place *place);
rot_err tpm2_secret_delete(struct rot_chip *chip, const struct rot_place *place);
void tpm2_forget_secrets(struct rot_chip *chip);
rot_err tpm2_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                        const uint8_t *wrapped, size_t wrapped_len);
rot_err tpm2_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg,
                 size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);
rot_err tpm2_derive(struct rot_chip *chip, const struct rot_place *from,
                    const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
                    size_t cap, size_t *ret_len);

/* ---- sealed.c ------------------------------------------------------------- */

/* DATA whose place is a handle, not an index. */
int tpm2_is_sealed_data(const struct rot_place *place);
rot_err tpm2_sealed_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
rot_err tpm2_sealed_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                         uint8_t *buf, size_t cap, size_t *ret_len);
rot_err tpm2_sealed_write(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf,
                          size_t len);
rot_err tpm2_sealed_delete(struct rot_chip *chip, const struct rot_place *place);

/* ---- nv.c ---------------------------------------------------------------- */

/* What stands behind content in the TPM, and says how new it is (nv.c tells the form). */
#define TPM2_TRAILER 8u
void tpm2_put_trailer(uint8_t out[TPM2_TRAILER], uint32_t sequence);
/* 1 when content ends with one. */
int tpm2_take_trailer(struct rot_bytes content, uint32_t *ret_sequence);

rot_err tpm2_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size);
rot_err tpm2_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                         uint8_t *buf, size_t cap, size_t *ret_len);
rot_err tpm2_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                          const uint8_t *buf, size_t len, size_t total, size_t *ret_need);
rot_err tpm2_object_delete(struct rot_chip *chip, const struct rot_place *place);
rot_err tpm2_object_seal(struct rot_chip *chip, const struct rot_place *place);
rot_err tpm2_object_is_sealed(struct rot_chip *chip, const struct rot_place *place,
                              int *ret_is_sealed);
rot_err tpm2_counter_read(struct rot_chip *chip, const struct rot_place *place,
                          uint64_t *ret_value);
rot_err tpm2_counter_increment(struct rot_chip *chip, const struct rot_place *place,
                               uint64_t *ret_value);

/* ---- attest.c ------------------------------------------------------------ */

rot_err tpm2_attest(struct rot_chip *chip, const struct rot_place *place, const uint8_t nonce[32],
                    struct rot_evidence *evidence);
rot_err tpm2_activate(struct rot_chip *chip, const struct rot_place *place,
                      const uint8_t *challenge, size_t challenge_len, uint8_t *secret, size_t cap,
                      size_t *ret_len);

/* ---- layout.c ------------------------------------------------------------ */

extern const struct rot_layout *const tpm2_layouts[];

#endif /* ROT_TPM2_H */
