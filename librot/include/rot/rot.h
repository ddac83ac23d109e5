/*
 * rot.h: one interface to any hardware root of trust.
 *
 * A chip is a driver (what the part can do) bound to a transport (how its
 * bytes travel), a port (crypto and time that the host lends) and a layout
 * (which object lives where in the part).  Nothing here allocates: the caller
 * owns every buffer and every context, and a chip may live in static memory.
 *
 * Calls block; long ones sleep through the transport.  A chip is used from one
 * thread at a time; two chips are independent of each other, on one bus too if
 * the transport says so.
 *
 * Keys are opaque: they are born in the part and named by object, never by
 * slot.  An object has parts: its private key, its certificate, its chain...
 *
 * Encodings at this border, whatever the part speaks: public keys are
 * SubjectPublicKeyInfo DER (RFC 5480), certificates DER (RFC 5280), ECDSA
 * signatures DER SEQUENCE of two INTEGERs (RFC 3279 2.2.3), EdDSA signatures
 * raw, shared secrets big-endian X coordinates.
 *
 * Order of calls: rot_open() first; then any; rot_close() last.  After a call
 * returned ROT_E_BUS the chip may be asked again; rot_reset() brings a part
 * back from any state that power can bring it back from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ROT_ROT_H
#define ROT_ROT_H

#include <stddef.h>
#include <stdint.h>

#include <rot/rot_limits.h>

#define ROT_MUST_USE __attribute__((warn_unused_result))

/* ---- Errors ------------------------------------------------------------- */

/*
 * What a call says.  Outputs are touched on ROT_OK only, except that *ret_len
 * holds the need after ROT_E_SPACE: the most that the answer can take, found
 * before the part does anything, so that no key or signature is spent on it.
 */
typedef enum rot_err {
    ROT_BUSY = 1, /* not a failure: the part is not ready; ask again later */
    ROT_OK = 0,
    ROT_E_ARG = -1,         /* the caller broke the contract above the call */
    ROT_E_UNSUPPORTED = -2, /* this part, or this layout, can never do it */
    ROT_E_SPACE = -3,       /* does not fit: buffer, or place in the part; *ret_len is the need */
    ROT_E_BUS = -4,         /* the wire failed: no answer, bad check sum; a retry may help */
    ROT_E_CHIP = -5,        /* the part refused or failed; see rot_raw_status() */
    ROT_E_STATE = -6,       /* the part's life cycle or locks do not allow it now */
    ROT_E_EMPTY = -7,       /* nothing there yet: no key generated, no certificate written */
    ROT_E_MISMATCH = -8,    /* verified, and the answer is no: signature, MAC, read-back */
    ROT_E_WRONG_PART = -9,  /* something answers that is not the part the driver is for */
    ROT_E_FORMAT = -10,     /* bytes of the caller or the part are malformed */
    ROT_E_AUTH = -11,       /* the part wants an authorisation that was not given or is wrong */
    ROT_E_PORT = -12,       /* the port lacks, or failed at, what the driver needs */
} rot_err;

/* The name of a code ("bus", "wrong-part"...), for logs; never NULL. */
const char *rot_err_name(rot_err err);

/* ---- Objects ------------------------------------------------------------ */

/* A place in the chip, by meaning: kind in the upper, index in the lower byte. */
typedef uint16_t rot_object;

enum rot_kind {
    ROT_KIND_IDEVID = 1,   /* device-unique key and Initial Device Certificate (802.1AR) */
    ROT_KIND_LDEVID = 2,   /* further private keys with operational certificates, renewable */
    ROT_KIND_TRUST = 3,    /* certificates or keys of parties that the device trusts */
    ROT_KIND_FIRMWARE = 4, /* verification keys for signed firmware */
    ROT_KIND_SESSION = 5,  /* symmetric keys agreed or derived inside */
    ROT_KIND_DATA = 6,     /* bytes of the application */
    ROT_KIND_COUNTER = 7,  /* monotonic counters */
    ROT_KIND_ATTEST = 8,   /* a key that signs what the part says about itself */
    ROT_KIND_VENDOR = 9,   /* what the vendor put in: 0 is its device key and certificate */
    ROT_KIND_CHANNEL = 10, /* secrets of the part's secure channel */
};

#define ROT_OBJECT(kind, index)                                                                    \
    ((rot_object)(((unsigned)(kind) << 8) | ((unsigned)(index) & 0xffu)))
#define ROT_OBJECT_KIND(obj)  ((enum rot_kind)((unsigned)(obj) >> 8))
#define ROT_OBJECT_INDEX(obj) ((unsigned)(obj) & 0xffu)

#define ROT_IDEVID      ROT_OBJECT(ROT_KIND_IDEVID, 0)
#define ROT_LDEVID(n)   ROT_OBJECT(ROT_KIND_LDEVID, n)
#define ROT_TRUST(n)    ROT_OBJECT(ROT_KIND_TRUST, n)
#define ROT_FIRMWARE(n) ROT_OBJECT(ROT_KIND_FIRMWARE, n)
#define ROT_SESSION(n)  ROT_OBJECT(ROT_KIND_SESSION, n)
#define ROT_DATA(n)     ROT_OBJECT(ROT_KIND_DATA, n)
#define ROT_COUNTER(n)  ROT_OBJECT(ROT_KIND_COUNTER, n)
#define ROT_ATTEST(n)   ROT_OBJECT(ROT_KIND_ATTEST, n)
#define ROT_VENDOR(n)   ROT_OBJECT(ROT_KIND_VENDOR, n)
#define ROT_CHANNEL(n)  ROT_OBJECT(ROT_KIND_CHANNEL, n)

/* Which part of an object is meant. */
enum rot_part {
    ROT_PART_KEY = 1,   /* the private or secret key; never readable */
    ROT_PART_CERT = 2,  /* the certificate over that key */
    ROT_PART_CHAIN = 3, /* the issuer's certificate, nearest first when several are stored */
    ROT_PART_DATA = 4,  /* the bytes of a TRUST, FIRMWARE, DATA or VENDOR object */
};

/*
 * Names are "idevid", "ldevid/0" ("ldevid" is short for it), "trust/1"...
 *
 * rot_object_parse: text -> object.  ROT_E_FORMAT if it is no such name.
 * rot_object_name: object -> text with NUL into name[ROT_NAME_MAX].
 */
ROT_MUST_USE rot_err rot_object_parse(const char *text, rot_object *ret_object);
ROT_MUST_USE rot_err rot_object_name(rot_object obj, char name[ROT_NAME_MAX]);

/* ---- Algorithms --------------------------------------------------------- */

/* Key algorithms.  The numbers are stable: they stand in files and on wires. */
enum rot_alg {
    ROT_ALG_NONE = 0,
    ROT_ALG_P256 = 1, /* ECDSA and ECDH on secp256r1 */
    ROT_ALG_P384 = 2,
    ROT_ALG_P521 = 3,
    ROT_ALG_ED25519 = 4,
    ROT_ALG_X25519 = 5,
    ROT_ALG_RSA2048 = 6,
    ROT_ALG_RSA3072 = 7,
    ROT_ALG_RSA4096 = 8,
    ROT_ALG_MLDSA44 = 9,
    ROT_ALG_MLDSA65 = 10,
    ROT_ALG_MLDSA87 = 11,
    ROT_ALG_AES128 = 32,
    ROT_ALG_AES256 = 33,
    ROT_ALG_HMAC_SHA256 = 34, /* a secret of 32 bytes used with HMAC */
};

enum rot_hash {
    ROT_HASH_SHA256 = 1,
    ROT_HASH_SHA384 = 2,
    ROT_HASH_SHA512 = 3,
};

/* Key derivation functions of rot_derive(). */
enum rot_kdf {
    ROT_KDF_HKDF_SHA256 = 1,      /* RFC 5869, extract and expand */
    ROT_KDF_HKDF_EXPAND = 2,      /* RFC 5869 2.3 only */
    ROT_KDF_TLS12_PRF_SHA256 = 3, /* RFC 5246 section 5 */
    ROT_KDF_SINGLE_STEP = 4,      /* SP 800-56C one step, SHA-256 */
};

/* Authenticated encryption of rot_aead_seal() and rot_aead_open(). */
enum rot_aead {
    ROT_AEAD_AES_GCM = 1,   /* nonce 12 bytes, tag 16 */
    ROT_AEAD_AES_CCM = 2,   /* nonce 13 bytes, tag 16 */
    ROT_AEAD_AES_CCM_8 = 3, /* nonce 7 to 13 bytes, tag 8: of ports only, for parts' channels */
};

/* A piece of memory that somebody else owns. */
struct rot_bytes {
    const uint8_t *p;
    size_t len;
};

/* ---- Opening ------------------------------------------------------------ */

struct rot_driver;    /* rot_driver.h: a constant table per family of parts */
struct rot_layout;    /* rot_driver.h: a constant table, objects to places */
struct rot_transport; /* rot_transport.h: how bytes travel */
struct rot_port;      /* rot_port.h: crypto, random and time lent by the host */

/* What a chip is made of.  Everything pointed at must outlive the chip. */
struct rot_setup {
    const struct rot_driver *driver;
    const struct rot_layout *layout; /* NULL: the driver's default layout */
    const struct rot_transport *transport;
    const struct rot_port *port;
    void *state;       /* memory for the driver, aligned as malloc would */
    size_t state_size; /* at least driver->state_size */
    uint32_t flags;    /* ROT_OPEN_... */
};

/*
 * Refuse default secrets, simulators and plain imports.  A part whose layout wants a secure
 * channel and that is not yet spoken to by the host's own secret can then be looked at and given
 * that secret (rot_channel_rotate()); calls that would change anything else give ROT_E_AUTH.
 */
#define ROT_OPEN_PRODUCTION 1u

/* How what is said between host and part is protected. */
enum rot_protection {
    ROT_PROTECTION_NONE = 0,    /* in the clear */
    ROT_PROTECTION_DEFAULT = 1, /* by a secret that the vendor published: worth nothing */
    ROT_PROTECTION_OWN = 2,     /* by the host's secret for this part */
};

/* An open chip.  The fields are the library's own. */
struct rot_chip {
    struct rot_setup setup;
    uint32_t raw_status; /* the part's own last status word */
    uint8_t protection;  /* enum rot_protection; the driver keeps it */
    uint8_t is_open;
};

/*
 * Bind the memory, probe the part without changing it, and open the secure
 * channel if the layout asks for one.
 *
 * ROT_E_ARG         something needed is missing, state too small, or the
 *                   layout is another driver's
 * ROT_E_BUS         nothing answers
 * ROT_E_WRONG_PART  something answers and is another part
 * ROT_E_AUTH        a simulator, in production; or the part takes none of the
 *                   channel secrets that are known
 */
ROT_MUST_USE rot_err rot_open(struct rot_chip *chip, const struct rot_setup *setup);

/* Close the channel, let the part sleep, wipe the driver's state.  NULL and closed are fine. */
void rot_close(struct rot_chip *chip);

/* Bring the part back to its state after power-on; volatile state in it is lost. */
ROT_MUST_USE rot_err rot_reset(struct rot_chip *chip);

/* The part's own last status word, for people; 0 after success. */
uint32_t rot_raw_status(const struct rot_chip *chip);

/* ---- What is it, what can it do ------------------------------------------ */

enum rot_lifecycle {
    ROT_LIFE_BLANK = 1,       /* as it leaves the fab: nothing configured */
    ROT_LIFE_CONFIGURED = 2,  /* configuration sealed, no identity yet */
    ROT_LIFE_PROVISIONED = 3, /* data sealed: an identity can be used */
    ROT_LIFE_SEALED = 4,      /* every seal of the layout is set */
    ROT_LIFE_END = 5,         /* end of life, or the part reports it is broken */
};

/* How a thing about the part is known. */
struct rot_identity {
    char vendor[ROT_NAME_MAX]; /* "microchip" */
    char model[ROT_NAME_MAX];  /* "atecc608b" */
    uint32_t revision;         /* the part's own revision word */
    uint8_t uid[ROT_UID_MAX];  /* unique identifier */
    size_t uid_len;
    enum rot_lifecycle lifecycle;
    uint32_t sealed;    /* bits 1 << stage, of enum rot_stage */
    uint8_t protection; /* enum rot_protection: of this conversation */
    uint8_t simulated;  /* 1 when the part says, or the transport knows, that it is a simulator */
};

/* Read who the part is.  Changes nothing. */
ROT_MUST_USE rot_err rot_identify(struct rot_chip *chip, struct rot_identity *ret_identity);

/*
 * The unique identifier, asked of whoever answers now, whatever is remembered: another part in the
 * place of the one that was opened is noticed by it.  Changes nothing.
 */
ROT_MUST_USE rot_err rot_uid(struct rot_chip *chip, uint8_t uid[ROT_UID_MAX], size_t *ret_len);

/* Where a primitive runs for an object. */
enum rot_where {
    ROT_NOWHERE = 0, /* not offered */
    ROT_IN_CHIP = 1, /* keys and computation stay inside */
    ROT_ON_HOST = 2, /* the part keeps the bytes, the host computes */
};

/* The primitives, as rows of a capability table.  Stable numbers: golden files name them. */
enum rot_primitive {
    ROT_CAN_RANDOM = 0,
    ROT_CAN_GENERATE = 1,
    ROT_CAN_PUBLIC = 2,
    ROT_CAN_IMPORT = 3,
    ROT_CAN_DELETE = 4,
    ROT_CAN_SIGN = 5,
    ROT_CAN_VERIFY = 6,
    ROT_CAN_AGREE = 7,
    ROT_CAN_DERIVE = 8,
    ROT_CAN_MAC = 9,
    ROT_CAN_AEAD = 10,
    ROT_CAN_READ = 11,
    ROT_CAN_WRITE = 12,
    ROT_CAN_COUNT = 13,
    ROT_CAN_ATTEST = 14,
    ROT_CAN_SEAL = 15,
    ROT_CAN_WIPE = 16,
    ROT_CAN_CHANNEL = 17,
    ROT_CAN_ACTIVATE = 18,
    ROT_PRIMITIVES = 19,
};

/* What one object of this chip, with this layout, can do. */
struct rot_capability {
    uint8_t where[ROT_PRIMITIVES]; /* enum rot_where */
    uint8_t alg;                   /* enum rot_alg of its key; ROT_ALG_NONE if it has none */
    uint16_t cert_size;            /* bytes that its CERT, CHAIN and DATA places can hold; */
    uint16_t chain_size;           /* for compressed forms the size of the place itself */
    uint16_t data_size;
};

/*
 * What an object can do.  ROT_E_UNSUPPORTED when the layout has no such
 * object.  Agrees with what the calls then do: the conformance suite checks it.
 */
ROT_MUST_USE rot_err rot_capabilities(const struct rot_chip *chip, rot_object obj,
                                      struct rot_capability *ret_capability);

/* ---- Random -------------------------------------------------------------- */

/* len random bytes (1 to ROT_RANDOM_MAX) from the part's own generator. */
ROT_MUST_USE rot_err rot_random(struct rot_chip *chip, uint8_t *buf, size_t len);

/* ---- Keys ---------------------------------------------------------------- */

/*
 * Make a key inside the part, non-exportable, in the object's place.  A key
 * that was there is gone.
 *
 * alg       must be what the layout allows for the object
 * pub, cap  the new public key as SubjectPublicKeyInfo DER; some parts can
 *           tell it only now, so this is where it must be taken.  A symmetric
 *           key has none: *ret_len is 0
 * ROT_E_STATE  the place is sealed or not yet configured
 */
ROT_MUST_USE rot_err rot_key_generate(struct rot_chip *chip, rot_object obj, enum rot_alg alg,
                                      uint8_t *pub, size_t cap, size_t *ret_len);

/* The public key of an object; ROT_E_EMPTY when no key was made. */
ROT_MUST_USE rot_err rot_key_public(struct rot_chip *chip, rot_object obj, uint8_t *pub, size_t cap,
                                    size_t *ret_len);

/*
 * Bring a key in, in a form that the part defines (wrapped, or inside its
 * secure channel).  Plain forms are refused with ROT_E_AUTH when the chip was
 * opened with ROT_OPEN_PRODUCTION.
 */
ROT_MUST_USE rot_err rot_key_import(struct rot_chip *chip, rot_object obj, enum rot_alg alg,
                                    const uint8_t *wrapped, size_t wrapped_len);

/* Destroy a key.  ROT_E_UNSUPPORTED where the part cannot (generate in place instead). */
ROT_MUST_USE rot_err rot_key_delete(struct rot_chip *chip, rot_object obj);

/*
 * Sign a digest with the private key of an object.
 *
 * digest_len must be what the key's curve wants (32 for P-256): no hashing or
 * truncation happens here.  sig: see the encodings above; sig and cap as usual.
 */
ROT_MUST_USE rot_err rot_sign_digest(struct rot_chip *chip, rot_object obj, const uint8_t *digest,
                                     size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len);

/*
 * Sign a message: for algorithms that need the message itself (EdDSA, ML-DSA),
 * and for parts that hash inside.  For an ECDSA key on a part that signs
 * digests, the library hashes with the curve's hash and signs that.
 */
ROT_MUST_USE rot_err rot_sign_message(struct rot_chip *chip, rot_object obj, const uint8_t *msg,
                                      size_t msg_len, uint8_t *sig, size_t cap, size_t *ret_len);

/*
 * Verify on the part.  With pub == NULL the key is that of obj (kind FIRMWARE,
 * TRUST or a key pair); otherwise pub is a SubjectPublicKeyInfo and obj is
 * ignored.  ROT_OK: good.  ROT_E_MISMATCH: the signature is wrong.
 */
ROT_MUST_USE rot_err rot_verify_digest(struct rot_chip *chip, rot_object obj, const uint8_t *pub,
                                       size_t pub_len, const uint8_t *digest, size_t digest_len,
                                       const uint8_t *sig, size_t sig_len);

/*
 * ECDH between the object's private key and peer (SubjectPublicKeyInfo).
 *
 * into != 0: the secret stays inside, in that SESSION object; secret is NULL.
 * into == 0: the secret is given out, if the layout allows that.
 */
ROT_MUST_USE rot_err rot_agree(struct rot_chip *chip, rot_object obj, const uint8_t *peer,
                               size_t peer_len, rot_object into, uint8_t *secret, size_t cap,
                               size_t *ret_len);

/* Inputs of a key derivation.  label is the TLS label; info the HKDF info; unused ones are empty. */
struct rot_kdf_params {
    enum rot_kdf kdf;
    struct rot_bytes salt;
    struct rot_bytes label;
    struct rot_bytes info; /* HKDF info, or the TLS seed */
    size_t out_len;        /* bytes to derive: 16, 32, 48 or 64 */
};

/* Derive from a SESSION (or secret) object into another one, or out as in rot_agree(). */
ROT_MUST_USE rot_err rot_derive(struct rot_chip *chip, rot_object from,
                                const struct rot_kdf_params *params, rot_object into, uint8_t *out,
                                size_t cap, size_t *ret_len);

/* HMAC-SHA-256 or AES-CMAC (by the object's algorithm) over msg with a secret inside. */
ROT_MUST_USE rot_err rot_mac(struct rot_chip *chip, rot_object obj, const uint8_t *msg,
                             size_t msg_len, uint8_t *mac, size_t cap, size_t *ret_len);

/*
 * Authenticated encryption with an AES key inside.  out receives ciphertext
 * followed by the 16-byte tag; open takes the same and gives ROT_E_MISMATCH
 * and no byte of plaintext when the tag is wrong.
 */
ROT_MUST_USE rot_err rot_aead_seal(struct rot_chip *chip, rot_object obj, enum rot_aead alg,
                                   struct rot_bytes nonce, struct rot_bytes aad,
                                   struct rot_bytes plain, uint8_t *out, size_t cap,
                                   size_t *ret_len);
ROT_MUST_USE rot_err rot_aead_open(struct rot_chip *chip, rot_object obj, enum rot_aead alg,
                                   struct rot_bytes nonce, struct rot_bytes aad,
                                   struct rot_bytes cipher, uint8_t *out, size_t cap,
                                   size_t *ret_len);

/* ---- Stored objects ------------------------------------------------------ */

/* Bytes that rot_object_read() would give in all; ROT_E_EMPTY when nothing is there. */
ROT_MUST_USE rot_err rot_object_size(struct rot_chip *chip, rot_object obj, enum rot_part part,
                                     size_t *ret_size);

/*
 * Read from an object, starting at offset.  Certificates come back as the DER
 * that was written, byte for byte, also where the part keeps a compressed form.
 * At the end *ret_len is short; past it 0.
 */
ROT_MUST_USE rot_err rot_object_read(struct rot_chip *chip, rot_object obj, enum rot_part part,
                                     size_t offset, uint8_t *buf, size_t cap, size_t *ret_len);

/*
 * Replace an object's bytes.  total is the whole length; pieces are written in
 * order of offset, and the object is complete when offset + len == total.
 * Drivers that need the object whole (compressed certificates) want one piece.
 * Atomic where the part has it; else the layout's two-slot rule.  Read back and
 * compared before ROT_OK.
 *
 * ROT_E_SPACE   *ret_need is what it would take; nothing was written
 * ROT_E_FORMAT  the part's form cannot hold it (a certificate that cannot be
 *               compressed, say); nothing was written
 * ROT_E_STATE   the place is sealed
 */
ROT_MUST_USE rot_err rot_object_write(struct rot_chip *chip, rot_object obj, enum rot_part part,
                                      size_t offset, const uint8_t *buf, size_t len, size_t total,
                                      size_t *ret_need);

/* ---- Counters ------------------------------------------------------------ */

/* Monotonic counters: they never go down.  Increment gives the new value. */
ROT_MUST_USE rot_err rot_counter_read(struct rot_chip *chip, rot_object obj, uint64_t *ret_value);
ROT_MUST_USE rot_err rot_counter_increment(struct rot_chip *chip, rot_object obj,
                                           uint64_t *ret_value);

/* ---- Evidence ------------------------------------------------------------ */

/* Formats of evidence.  src/attest understands them; drivers only produce them. */
enum rot_evidence_format {
    ROT_EVIDENCE_NONE = 0,
    ROT_EVIDENCE_ATECC_INTERNAL = 1, /* Sign(internal) over a GenKey digest with a nonce */
    ROT_EVIDENCE_SE05X_READ = 2,
    ROT_EVIDENCE_STSAFE_CHAIN = 3,
    ROT_EVIDENCE_OPTIGA_CHAIN = 4,
    ROT_EVIDENCE_TPM_CERTIFY = 5,
    ROT_EVIDENCE_PSA_IAT = 6,
    ROT_EVIDENCE_TA100_PLACEHOLDER = 7,
};

struct rot_evidence {
    enum rot_evidence_format format;
    uint8_t *buf; /* the caller's memory; ROT_EVIDENCE_MAX is always enough */
    size_t cap;
    size_t len;
};

/*
 * Let the part say, signed by its attestation key, that the key of obj was
 * made inside it.  nonce: 32 bytes, fresh, from whoever will believe it.
 */
ROT_MUST_USE rot_err rot_attest(struct rot_chip *chip, rot_object obj, const uint8_t nonce[32],
                                struct rot_evidence *evidence);

/*
 * Answer a challenge that only the part which holds both the vendor's key and
 * the key of obj can open (TPM 2.0 Part 1, 24 "Credential Protection"; Part 3,
 * TPM2_ActivateCredential).  Who made the challenge from the vendor's
 * certificate and the public key of obj, and gets the secret back, knows that
 * both keys live in one part.
 *
 * challenge      in the part's own form; a TPM's: TPM2B_ID_OBJECT, then
 *                TPM2B_ENCRYPTED_SECRET
 * secret, cap    what was inside, at most ROT_SECRET_MAX bytes
 * ROT_E_FORMAT   the challenge is malformed, or was made for another key
 */
ROT_MUST_USE rot_err rot_activate(struct rot_chip *chip, rot_object obj, const uint8_t *challenge,
                                  size_t challenge_len, uint8_t *secret, size_t cap,
                                  size_t *ret_len);

/* ---- Sealing: what cannot be undone -------------------------------------- */

/* Stages, in the order in which a recipe takes them. */
enum rot_stage {
    ROT_STAGE_CONFIG = 0,    /* write, check and lock the configuration of the layout */
    ROT_STAGE_DATA = 1,      /* lock the data area: access rules become active */
    ROT_STAGE_OBJECT = 2,    /* lock one object against change */
    ROT_STAGE_LIFECYCLE = 3, /* move the part's life cycle to operational */
};

enum rot_seal_state {
    ROT_SEAL_OPEN = 1,
    ROT_SEAL_DONE = 2,
    ROT_SEAL_FOREIGN = 3, /* sealed with something else than the layout says */
};

/*
 * Prepare a stage: everything reversible that it needs (writing a configuration
 * that is still open, say), so that rot_seal() itself is one irreversible step.
 * Idempotent.  Parts or stages without preparation give ROT_OK.
 */
ROT_MUST_USE rot_err rot_seal_prepare(struct rot_chip *chip, enum rot_stage stage, rot_object obj);

/*
 * Take one irreversible step.  obj matters for ROT_STAGE_OBJECT only, else 0.
 * The content is read back and compared before the lock; ROT_E_MISMATCH means
 * that it was not what the layout says and nothing was locked.  ROT_OK when it
 * is sealed now, also if it was before with the same content.
 */
ROT_MUST_USE rot_err rot_seal(struct rot_chip *chip, enum rot_stage stage, rot_object obj);

ROT_MUST_USE rot_err rot_seal_state(struct rot_chip *chip, enum rot_stage stage, rot_object obj,
                                    enum rot_seal_state *ret_state);

/* Undo what can be undone.  ROT_E_UNSUPPORTED on parts that cannot. */
ROT_MUST_USE rot_err rot_wipe(struct rot_chip *chip);

/*
 * Replace the secret of the part's secure channel (IO protection key, SCP03 keys, binding
 * secret...) by this one, and speak by it from now on.  A host that wants to open the part again
 * gives what its port's channel_secret gives.  ROT_OK also when it is in place already.
 * ROT_E_ARG: the length is not the part's, or the vendor has published this secret.
 */
ROT_MUST_USE rot_err rot_channel_rotate(struct rot_chip *chip, const uint8_t *secret,
                                        size_t secret_len);

/*
 * Does the part speak by this secret?  ROT_E_AUTH: by another, or by none.  Replaces nothing.
 * ROT_E_UNSUPPORTED: the part can only be opened with it.
 */
ROT_MUST_USE rot_err rot_channel_has(struct rot_chip *chip, const uint8_t *secret,
                                     size_t secret_len);

/*
 * Give the part the secret that the port has for it (rot_channel_rotate() with what its
 * channel_secret gives): from then on this host, and others that have the port's secret, open
 * it as its own.  ROT_E_EMPTY: the port has none; ROT_E_PORT: it knows of no such secrets.
 */
ROT_MUST_USE rot_err rot_channel_pair(struct rot_chip *chip);

/* Run the part's own self-test.  ROT_E_CHIP: it failed; rot_raw_status() has its map. */
ROT_MUST_USE rot_err rot_self_test(struct rot_chip *chip);

#endif /* ROT_ROT_H */
