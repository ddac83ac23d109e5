/*
 * chip.h: the inside of a simulated OPTIGA Trust M.
 *
 * From the wire inwards: registers (bus.c), data link with its counters
 * (link.c), chains of packets (transport.c), shielded connection (shield.c),
 * APDUs under fault rules (apdu.c), commands (cmd_*.c).  Below the commands:
 * objects and their metadata (object.c, meta.c), conditions (access.c), the
 * security monitor (monitor.c), and one door to the non-volatile memory
 * (object.c), where a power cut can tear a write.
 *
 * Section numbers in comments are those of the wire reference.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIMS_OPTIGA_CHIP_H
#define SIMS_OPTIGA_CHIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "sims/common/curve.h"
#include "sims/common/sim.h"
#include "sims/optiga/crypto.h"
#include "sims/optiga/rsa.h"

#define OPTIGA_DATA_MAX    1553 /* InData, OutData */
#define OPTIGA_APDU_MAX    (OPTIGA_DATA_MAX + 4)
#define OPTIGA_SHIELD_MAX  13 /* SCTR, sequence number, MAC */
#define OPTIGA_MESSAGE_MAX (OPTIGA_APDU_MAX + OPTIGA_SHIELD_MAX)
#define OPTIGA_REG_LEN_MAX 0x0115
#define OPTIGA_REG_LEN_MIN 0x0010
#define OPTIGA_FRAME_EXTRA 5 /* FCTR, length, FCS */
#define OPTIGA_META_MAX    44
#define OPTIGA_UID_SIZE    27
#define OPTIGA_ADDRESS     0x30
#define OPTIGA_SECRET_MAX  64 /* of a data object that is used as a key */

/* Error codes (5). */
enum {
    OPTIGA_OK = 0,
    OPTIGA_E_OID = 0x01,
    OPTIGA_E_PARAM = 0x03,
    OPTIGA_E_LENGTH = 0x04,
    OPTIGA_E_PARAMETER = 0x05, /* in the data */
    OPTIGA_E_INTERNAL = 0x06,
    OPTIGA_E_ACCESS = 0x07,
    OPTIGA_E_BOUNDS = 0x08,
    OPTIGA_E_META_SPACE = 0x09,
    OPTIGA_E_COMMAND = 0x0A,
    OPTIGA_E_SEQUENCE = 0x0B,
    OPTIGA_E_CLOSED = 0x0C,
    OPTIGA_E_MEMORY = 0x0D,
    OPTIGA_E_COUNTER = 0x0E,
    OPTIGA_E_MANIFEST = 0x0F,
    OPTIGA_E_VERSION = 0x10,
    OPTIGA_E_INVALID_OBJECT = 0x11,
    OPTIGA_E_IDENTIFIER = 0x24,
    OPTIGA_E_UNSUPPORTED = 0x25,
    OPTIGA_E_CERT_FORMAT = 0x29,
    OPTIGA_E_CERT_UNSUPPORTED = 0x2A,
    OPTIGA_E_SIGNATURE = 0x2C,
    OPTIGA_E_INTEGRITY = 0x2D,
    OPTIGA_E_DECRYPTION = 0x2E,
    OPTIGA_E_AUTHORIZATION = 0x2F,
    OPTIGA_LOST = -1, /* not a code: power went during a memory write */
};

/* Life cycle (6.2). */
enum {
    OPTIGA_CREATION = 0x01,
    OPTIGA_INITIALIZATION = 0x03,
    OPTIGA_OPERATIONAL = 0x07,
    OPTIGA_TERMINATION = 0x0F,
};

/* Object types (6.2, E8). */
enum {
    OPTIGA_TYPE_BYTES = 0x00,
    OPTIGA_TYPE_COUNTER = 0x01,
    OPTIGA_TYPE_TRUST = 0x11,
    OPTIGA_TYPE_IDENTITY = 0x12,
    OPTIGA_TYPE_SECRET = 0x21,
    OPTIGA_TYPE_BINDING = 0x22,
    OPTIGA_TYPE_UPDATE = 0x23,
    OPTIGA_TYPE_AUTOREF = 0x31,
};

/* Key usage (5.1). */
enum {
    OPTIGA_USE_AUTH = 0x01,
    OPTIGA_USE_ENC = 0x02,
    OPTIGA_USE_SIGN = 0x10,
    OPTIGA_USE_AGREE = 0x20,
};

/* Algorithms that are neither curves nor RSA. */
enum {
    OPTIGA_ALG_AES_128 = 0x81,
    OPTIGA_ALG_AES_192 = 0x82,
    OPTIGA_ALG_AES_256 = 0x83,
};

/* Object identifiers that the code has to know by name. */
enum {
    OPTIGA_OID_LCSG = 0xE0C0,
    OPTIGA_OID_STATUS_G = 0xE0C1,
    OPTIGA_OID_UID = 0xE0C2,
    OPTIGA_OID_SLEEP = 0xE0C3,
    OPTIGA_OID_CURRENT = 0xE0C4,
    OPTIGA_OID_SEC = 0xE0C5,
    OPTIGA_OID_APDU_SIZE = 0xE0C6,
    OPTIGA_OID_MONITOR = 0xE0C9,
    OPTIGA_OID_CERT = 0xE0E0,
    OPTIGA_OID_KEY = 0xE0F0,
    OPTIGA_OID_SESSION = 0xE100, /* to E103 */
    OPTIGA_OID_COUNTER = 0xE120, /* to E123 */
    OPTIGA_OID_BINDING = 0xE140,
    OPTIGA_OID_AES = 0xE200,
    OPTIGA_OID_LCSA = 0xF1C0,
    OPTIGA_OID_STATUS_A = 0xF1C1,
    OPTIGA_OID_ERROR = 0xF1C2,
};

/* ---- Objects (object.c, meta.c) ------------------------------------------------ */

enum optiga_kind {
    OPTIGA_KIND_DATA = 0,
    OPTIGA_KIND_EC,
    OPTIGA_KIND_RSA,
    OPTIGA_KIND_AES,
};

/* A row of the directory; constant. */
struct optiga_place {
    uint16_t oid, size; /* bytes of memory */
    enum optiga_kind kind;
    unsigned v3_only;
    const char *name; /* for people */
};

#define OPTIGA_EXPR_MAX 40

/* An access condition as it stands in metadata; len 0: absent, which means never. */
struct optiga_expr {
    uint8_t len;
    uint8_t p[OPTIGA_EXPR_MAX];
};

/* Which tags are there. */
enum {
    OPTIGA_HAS_LCSO = 1 << 0,
    OPTIGA_HAS_VERSION = 1 << 1,
    OPTIGA_HAS_MAX = 1 << 2,
    OPTIGA_HAS_USED = 1 << 3,
    OPTIGA_HAS_ALG = 1 << 4,
    OPTIGA_HAS_USAGE = 1 << 5,
    OPTIGA_HAS_TYPE = 1 << 6,
    OPTIGA_HAS_RESET = 1 << 7,
};

struct optiga_meta {
    uint16_t has;
    uint16_t version, max, used;
    uint8_t lcso, alg, usage, type, reset;
    struct optiga_expr change, read, execute, update;
};

struct optiga_object {
    const struct optiga_place *place;
    size_t at; /* of place->size bytes in the chip's memory */
    struct optiga_meta meta;
};

#define OPTIGA_OBJECT_COUNT 44
#define OPTIGA_MEMORY_SIZE  17000

/* ---- What is lost with power ----------------------------------------------------- */

enum optiga_session_kind {
    OPTIGA_SESSION_EMPTY = 0,
    OPTIGA_SESSION_SECRET,
    OPTIGA_SESSION_KEY,
    OPTIGA_SESSION_NONCE, /* what an authorization will have to begin with */
};

#define OPTIGA_SESSION_COUNT 4
#define OPTIGA_SESSION_MAX   384

struct optiga_session {
    enum optiga_session_kind kind;
    uint8_t alg, usage;
    uint16_t len;
    uint8_t bytes[OPTIGA_SESSION_MAX];
};

#define OPTIGA_AUTO_COUNT 4

/* What CloseApplication may keep for the next OpenApplication. */
struct optiga_context {
    uint8_t status_g, status_a;
    uint16_t authorized[OPTIGA_AUTO_COUNT]; /* OIDs; 0: free */
    struct optiga_session sessions[OPTIGA_SESSION_COUNT];
};

/* The same in non-volatile memory; one write. */
struct optiga_hibernation {
    uint8_t valid;
    uint8_t handle[8];
    struct optiga_context context;
};

enum optiga_update_type {
    OPTIGA_UPDATE_DATA = -1,
    OPTIGA_UPDATE_META = -2,
    OPTIGA_UPDATE_KEY = -3,
};

/* What an update of metadata makes of the content where F0 says nothing of it. */
enum optiga_reset {
    OPTIGA_RESET_AS_SAID = 0,
    OPTIGA_RESET_ZERO = 1,
    OPTIGA_RESET_RANDOM = 2,
};

#define OPTIGA_UPDATE_COLLECT_MAX 640 /* key or metadata: one fragment is enough */

/* A protected update between its manifest and its last fragment. */
struct optiga_update {
    unsigned active : 1;
    unsigned erase : 1;
    unsigned encrypted : 1;
    unsigned reset : 2; /* enum optiga_reset: of metadata */
    int type;
    uint16_t oid, anchor, secret;
    uint16_t version;
    uint32_t offset, size, got;
    uint8_t alg, usage;
    uint8_t digest[32]; /* of the next fragment */
    uint8_t key[16], nonce[11];
    uint16_t fragment;
    uint8_t collected[OPTIGA_UPDATE_COLLECT_MAX];
};

/* The application between open and close. */
struct optiga_app {
    unsigned open : 1;
    struct optiga_context kept;
    struct optiga_hash hash;
    struct optiga_sym *sym; /* a chain of EncryptSym or DecryptSym; owned */
    struct optiga_update update;
};

/* What the host has to fetch: a data frame. */
enum optiga_out {
    OPTIGA_OUT_NONE = 0,
    OPTIGA_OUT_READY,
    OPTIGA_OUT_READ, /* and not acknowledged */
};

enum optiga_announced {
    OPTIGA_ANNOUNCED_NOTHING = 0,
    OPTIGA_ANNOUNCED_CONTROL,
    OPTIGA_ANNOUNCED_DATA,
};

struct optiga_link {
    uint8_t rx, tx;  /* numbers of the last good frame in, of the last one out */
    uint8_t control; /* FCTR of a control frame that waits; 0: none */
    enum optiga_out out;
    enum optiga_announced announced;
    unsigned resends;
    uint64_t read_at_us;
    uint8_t packet[OPTIGA_REG_LEN_MAX];
    size_t packet_len;
    int spoil_bit; /* of the next data frame; -1: none */
    unsigned spoil_fcs : 1;
};

struct optiga_transport {
    unsigned presence : 1; /* was used: mandatory until the next reset */
    unsigned chaining : 1;
    unsigned in_presence : 1;
    uint8_t in[OPTIGA_MESSAGE_MAX];
    size_t in_len;
    uint8_t out[OPTIGA_MESSAGE_MAX];
    size_t out_len, out_at; /* out_at: behind the current fragment */
    unsigned repeats;
};

enum optiga_shield_phase {
    OPTIGA_SHIELD_NONE = 0,
    OPTIGA_SHIELD_GREETED,
    OPTIGA_SHIELD_OPEN,
};

/* Keys and counters of a session. */
struct optiga_shield_keys {
    uint8_t block[40]; /* master key, slave key, master nonce, slave nonce */
    uint32_t master_seq, slave_seq;
};

struct optiga_shield_saved {
    uint8_t valid;
    struct optiga_shield_keys keys;
};

struct optiga_shield {
    enum optiga_shield_phase phase;
    uint8_t random[32];
    struct optiga_shield_keys keys;
    unsigned integrity_alerts, repeats;
    uint8_t last[OPTIGA_APDU_MAX]; /* the last response in clear, to be repeated */
    size_t last_len;
    uint8_t last_sctr;
};

/* Everything between the registers and an APDU; put back when a write is refused. */
struct optiga_comms {
    uint8_t reg;
    uint16_t reg_len;
    struct optiga_link link;
    struct optiga_transport transport;
    struct optiga_shield shield;
};

enum optiga_quirk {
    OPTIGA_QUIRK_NONE = 0,
    OPTIGA_QUIRK_GUARD,          /* an access within the guard time is not acknowledged */
    OPTIGA_QUIRK_SLEEP,          /* after the sleep delay the first access only wakes */
    OPTIGA_QUIRK_BUSY_NAK,       /* no access while a command runs */
    OPTIGA_QUIRK_ACK_FIRST,      /* never an acknowledgement in a data frame */
    OPTIGA_QUIRK_SHORT_REGISTER, /* DATA_REG_LEN is at most 0x40 */
    OPTIGA_QUIRK_LONG_LENGTH,    /* I2C_STATE says that 65,535 bytes wait */
    OPTIGA_QUIRK_WRONG_MAC,      /* no protected response opens */
    OPTIGA_QUIRK_TEAR,           /* small objects can be torn at the byte, too */
};

/* ---- The part ------------------------------------------------------------------------ */

struct optiga_chip {
    const struct sim_host *host;
    struct sim_timing timing;
    char personality[16];
    unsigned v3;

    /* Non-volatile. */
    uint8_t memory[OPTIGA_MEMORY_SIZE];
    struct optiga_object objects[OPTIGA_OBJECT_COUNT];
    size_t object_count;
    uint8_t address_kept, mode_kept;
    struct optiga_hibernation hibernation;
    struct optiga_shield_saved shield_saved;

    /* Until power goes. */
    unsigned powered : 1;
    uint8_t address, mode;
    uint8_t last_error;
    unsigned credit;
    struct optiga_comms comms;
    struct optiga_app app;

    /* Time. */
    uint64_t now_us, ready_at_us, busy_until_us, last_access_us, monitor_at_us;
    unsigned stuck : 1;
    unsigned cut_when_answered : 1;
    unsigned refused : 1; /* the write that is being handled must not be acknowledged */
    int tear_after;       /* bytes that a memory write still gets through; -1 half; INT_MAX: all */
    enum optiga_quirk quirk;
    uint64_t chip_time_us;
};

/* Which directions of an APDU were protected. */
#define OPTIGA_PROTECTED_COMMAND  1u
#define OPTIGA_PROTECTED_RESPONSE 2u

struct optiga_command {
    uint8_t param;
    unsigned protection;
    const uint8_t *data;
    size_t len;
};

struct optiga_answer {
    uint8_t data[OPTIGA_DATA_MAX];
    size_t len;
    unsigned overflow : 1;
};

void optiga_put(struct optiga_answer *a, const void *p, size_t len);
/* Tag, two bytes of length, value. */
void optiga_put_tlv(struct optiga_answer *a, uint8_t tag, const void *p, size_t len);

/* TLVs of a command: tag, two bytes of length, value. */
#define OPTIGA_TLV_MAX 8
struct optiga_tlv {
    uint8_t tag;
    const uint8_t *p;
    size_t len;
};
struct optiga_tlvs {
    struct optiga_tlv list[OPTIGA_TLV_MAX];
    size_t count;
};
/* 0, OPTIGA_E_LENGTH, or OPTIGA_E_PARAMETER for a tag that is twice there or not in allowed. */
int optiga_tlvs_read(const uint8_t *p, size_t len, struct rs_bytes allowed,
                     struct optiga_tlvs *ret);
#define OPTIGA_TAGS(...)                                                                           \
    rs_bytes_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
/* NULL: not there. */
const struct optiga_tlv *optiga_tlv(const struct optiga_tlvs *t, uint8_t tag);
/* A TLV of two bytes as a number, -1 when there is none, -2 when it has another length. */
int optiga_tlv_u16(const struct optiga_tlvs *t, uint8_t tag);
int optiga_tlv_u8(const struct optiga_tlvs *t, uint8_t tag);

/* ---- bus.c --------------------------------------------------------------------------- */

void optiga_set_time(void *state, uint64_t now_us);
void optiga_set_power(void *state, int on);
int optiga_i2c_write(void *state, uint8_t address, const uint8_t *p, size_t len);
int optiga_i2c_read(void *state, uint8_t address, uint8_t *p, size_t len);
/* The part works for so long (typical time). */
void optiga_work(struct optiga_chip *c, uint32_t typical_us);
int optiga_busy(const struct optiga_chip *c);

/* ---- link.c ---------------------------------------------------------------------------- */

uint16_t optiga_fcs(const uint8_t *p, size_t len);
void optiga_link_reset(struct optiga_link *l);
/* A frame of the host. */
void optiga_link_receive(struct optiga_chip *c, const uint8_t *frame, size_t len);
/* The frame that waits, which stays the same until it is taken; returns its length or 0. */
size_t optiga_link_offer(struct optiga_chip *c, uint8_t frame[OPTIGA_REG_LEN_MAX]);
/* It was read to its end. */
void optiga_link_taken(struct optiga_chip *c);
/* A packet to send: becomes the next data frame. */
void optiga_link_send(struct optiga_chip *c, const uint8_t *packet, size_t len);

/* ---- transport.c ------------------------------------------------------------------------ */

void optiga_transport_receive(struct optiga_chip *c, const uint8_t *packet, size_t len);
void optiga_transport_send(struct optiga_chip *c, const uint8_t *message, size_t len);
/* The last packet arrived: the next one, if there is one. */
void optiga_transport_acknowledged(struct optiga_chip *c);
/* Nothing of the message is left after the current packet. */
int optiga_transport_is_last(const struct optiga_chip *c);

/* ---- shield.c ----------------------------------------------------------------------------- */

void optiga_shield_receive(struct optiga_chip *c, const uint8_t *message, size_t len);
void optiga_shield_alert(struct optiga_chip *c, uint8_t sctr);

/* ---- apdu.c -------------------------------------------------------------------------------- */

/*
 * Run an APDU under the fault rules.  Returns the length of the response, or 0
 * when there is none: power went, or the write is to be refused.
 */
size_t optiga_apdu(struct optiga_chip *c, const uint8_t *apdu, size_t len, unsigned protection,
                   uint8_t response[OPTIGA_APDU_MAX]);

typedef int optiga_handler(struct optiga_chip *c, const struct optiga_command *cmd,
                           struct optiga_answer *a);

optiga_handler optiga_do_open, optiga_do_close, optiga_do_get_data, optiga_do_set_data,
    optiga_do_set_protected, optiga_do_random, optiga_do_encrypt_sym, optiga_do_decrypt_sym,
    optiga_do_encrypt_asym, optiga_do_decrypt_asym, optiga_do_hash, optiga_do_sign,
    optiga_do_verify, optiga_do_shared_secret, optiga_do_derive_key, optiga_do_key_pair,
    optiga_do_sym_key;

/* ---- object.c ------------------------------------------------------------------------------- */

/* The directory: rows that this variant has get an object each. */
void optiga_objects_init(struct optiga_chip *c);
struct optiga_object *optiga_object(struct optiga_chip *c, unsigned oid);
struct optiga_session *optiga_session(struct optiga_chip *c, unsigned oid);
uint8_t *optiga_data(struct optiga_chip *c, const struct optiga_object *o);
/* Bytes of data in use, or of the stored key. */
size_t optiga_used(const struct optiga_object *o);
/* Bytes of a private or secret key as it is stored; 0: not an algorithm. */
size_t optiga_key_size(unsigned alg);
/* Is this an algorithm that the part has? */
int optiga_has_algorithm(const struct optiga_chip *c, unsigned alg);
struct rs_bytes optiga_content(struct optiga_chip *c, const struct optiga_object *o);
/* First byte of an object that every part has. */
uint8_t *optiga_byte(struct optiga_chip *c, unsigned oid);

/*
 * One write of the non-volatile memory, all of it or nothing: OPTIGA_OK, or
 * OPTIGA_LOST when the power went during it.
 */
int optiga_store_whole(struct optiga_chip *c, void *at, const void *bytes, size_t len);
/*
 * Data, then the used length.  Objects above OPTIGA_U_ATOMIC_MAX bytes may be
 * torn, and all by the quirk.  erase: everything else in the object becomes zero.
 */
int optiga_store_data(struct optiga_chip *c, struct optiga_object *o, size_t offset,
                      const uint8_t *bytes, size_t len, int erase);
/* A key with its algorithm and usage, as one. */
int optiga_store_key(struct optiga_chip *c, struct optiga_object *o, uint8_t alg, uint8_t usage,
                     const uint8_t *key, size_t len);

/* ---- meta.c ---------------------------------------------------------------------------------- */

/* Outer tag, length, TLVs.  Returns the length, at most OPTIGA_META_MAX; 0 when it is longer. */
size_t optiga_meta_write(const struct optiga_meta *m, uint8_t out[OPTIGA_META_MAX]);
/* Everything, as a part is made or loaded with; 0 when malformed. */
int optiga_meta_read(const uint8_t *p, size_t len, struct optiga_meta *ret);
/*
 * What a host may change: *m becomes the new one.  by_update: under a protected
 * update, where the life cycle of the object does not matter.
 */
int optiga_meta_change(const struct optiga_chip *c, const struct optiga_object *o, const uint8_t *p,
                       size_t len, int by_update, struct optiga_meta *m);
/* Life cycle, operational when absent. */
uint8_t optiga_lcso(const struct optiga_meta *m);

/* ---- access.c ---------------------------------------------------------------------------------- */

enum optiga_use {
    OPTIGA_CHANGE,
    OPTIGA_READ,
    OPTIGA_EXECUTE,
    OPTIGA_META_UPDATE,
};

/* Under which circumstances somebody wants to use an object. */
struct optiga_claim {
    unsigned protection;
    uint16_t anchor, secret; /* of a protected update, which needs Int(anchor); 0: none */
};

int optiga_expr_ok(const struct optiga_chip *c, const uint8_t *p, size_t len);
/* OPTIGA_OK, a code, or OPTIGA_LOST.  Usage counters have advanced when it is OK: ask last. */
int optiga_access(struct optiga_chip *c, struct optiga_object *o, enum optiga_use use,
                  const struct optiga_claim *claim);
/* The same for a command. */
int optiga_may(struct optiga_chip *c, struct optiga_object *o, enum optiga_use use,
               const struct optiga_command *cmd);
/* Value and threshold: add, freeze at the threshold. */
int optiga_count(struct optiga_chip *c, struct optiga_object *o, unsigned step);

/* Authorization states. */
int optiga_is_authorized(const struct optiga_chip *c, unsigned oid);
void optiga_authorize(struct optiga_chip *c, uint16_t oid, int yes);

/* ---- keys.c --------------------------------------------------------------------------------------- */

/* A curve as this part numbers it. */
struct optiga_curve {
    uint8_t alg;
    enum sim_curve curve;
    size_t size; /* of a key and a coordinate */
    unsigned v3_only;
};

/* NULL: not a curve of the part. */
const struct optiga_curve *optiga_curve(unsigned alg);
const struct optiga_curve *optiga_curve_of(enum sim_curve curve);

/* A private or secret key that a command may use now. */
struct optiga_key {
    uint8_t alg;
    const uint8_t *p;
    size_t len;
};

/*
 * Private key by OID for one of the usages, its execute condition met and the
 * security monitor told.
 */
int optiga_private_key(struct optiga_chip *c, const struct optiga_command *cmd, int oid,
                       unsigned usages, struct optiga_key *ret);
/* Bytes of the longest secret that a session takes. */
size_t optiga_secret_max(const struct optiga_chip *c);
/* A secret: session, or data object of that type. */
int optiga_secret(struct optiga_chip *c, const struct optiga_command *cmd, int oid, uint8_t type,
                  struct optiga_key *ret);

/* Key usages in a certificate: the first byte of the extension (RFC 5280, 4.2.1.3). */
enum {
    OPTIGA_CERT_ANYTHING = 0,
    OPTIGA_CERT_SIGNATURE = 0x80,
    OPTIGA_CERT_KEY_ENCIPHERMENT = 0x20,
    OPTIGA_CERT_DATA_ENCIPHERMENT = 0x10,
    OPTIGA_CERT_CERT_SIGN = 0x04,
};

/* A public key by a certificate's OID (04), or by algorithm and encoding (05, 06). */
struct optiga_public {
    const struct optiga_curve *curve; /* NULL: RSA */
    uint8_t point[SIM_POINT_MAX];
    struct optiga_rsa_public rsa;
};
/* for_what: OPTIGA_CERT_*, of which a certificate has to have one, or OPTIGA_CERT_ANYTHING. */
int optiga_public_key(struct optiga_chip *c, const struct optiga_command *cmd,
                      const struct optiga_tlvs *t, unsigned for_what, struct optiga_public *ret);
/* BIT STRING of a point; 0 when it is not one of this curve's. */
int optiga_point_read(const struct optiga_curve *curve, const uint8_t *p, size_t len,
                      uint8_t *point);
void optiga_point_put(struct optiga_answer *a, const struct optiga_curve *curve,
                      const uint8_t *point);
void optiga_rsa_put(struct optiga_answer *a, const struct optiga_rsa_public *key);
/* A private key that goes out: a DER OCTET STRING, of RSA around the private exponent alone. */
void optiga_octets_put(struct optiga_answer *a, const uint8_t *p, size_t len);
/* One DER INTEGER of a signature out; two of them in, as r and s. */
void optiga_integer_put(struct optiga_answer *a, const uint8_t *p, size_t len);
int optiga_signature_read(const struct optiga_curve *curve, struct rs_bytes in, uint8_t *rs);

/* ---- cert.c ------------------------------------------------------------------------------------------ */

/* The bare certificate that starts an object, for that use; OPTIGA_OK or a code. */
int optiga_cert_key(struct rs_bytes in, unsigned v3, unsigned for_what, struct optiga_public *ret);

/* ---- monitor.c ------------------------------------------------------------------------------------------ */

/* What time has done since. */
void optiga_monitor_settle(struct optiga_chip *c);
/* Power came, or the object with its settings has changed: they hold from now on. */
void optiga_monitor_adopt(struct optiga_chip *c);
/* As parts come. */
#define OPTIGA_MONITOR_SIZE 8
extern const uint8_t optiga_monitor_settings[OPTIGA_MONITOR_SIZE];
/* A key was used, or somebody tried. */
int optiga_monitor_event(struct optiga_chip *c);

/* ---- manifest.c -------------------------------------------------------------------------------------------- */

/* A manifest: signature, conditions, version.  Fills *u. */
int optiga_manifest_read(struct optiga_chip *c, const struct optiga_command *cmd, const uint8_t *p,
                         size_t len, struct optiga_update *u);

/* ---- cmd_sym.c, for power and close ------------------------------------------------------------------------ */

void optiga_sym_drop(struct optiga_chip *c);

/* ---- factory.c ------------------------------------------------------------------------------------------------ */

/* A new part: every object as delivered, with a key and certificate of its maker. */
rs_code optiga_factory(struct optiga_chip *c, const struct sim_create *how, struct rs_err *err);

#endif /* SIMS_OPTIGA_CHIP_H */
