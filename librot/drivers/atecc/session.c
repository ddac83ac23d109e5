/*
 * session.c: secrets that the part agrees on, and derives from, inside.
 *
 * An agreed secret stays in TempKey (ECDH with that target).  TempKey is one
 * buffer: signing, verifying and encrypted access need it too, so that a secret is
 * to be derived from before anything else is done; what is left of it is known by
 * state->secret_len.  Idle keeps the buffers, sleep and the watchdog do not.
 *
 * The part's KDF is one HMAC of HKDF, or the PRF of TLS 1.2 (reference, section 3).
 * HKDF's extract step leaves its key in the Alternate Key Buffer; a salt goes
 * through the slot for derived keys, which the result is written over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define KDF_MESSAGE_MAX 128u
#define SALT_MAX        32u

/* Parameter 1 of KDF. */
#define FROM_TEMPKEY 0x00u
#define FROM_SLOT    0x02u
#define FROM_ALT     0x03u
#define TO_TEMPKEY   0x00u
#define TO_SLOT      0x08u
#define TO_ALT       0x0cu
#define TO_OUT       0x10u
#define TO_OUT_MASK  0x14u
#define KDF_PRF      0x00u
#define KDF_HKDF     0x40u

/* Details of HKDF, and of PRF. */
#define MESSAGE_IN_TEMPKEY 0x01u
#define MESSAGE_IN_INPUT   0x02u
#define KEY_IS_ZERO        0x04u
#define PRF_64_BYTES       0x100u

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

rot_err
atecc_agree_inside(struct rot_chip *chip, unsigned slot, const uint8_t point[64])
{
    struct atecc_command c = {ATECC_OP_ECDH, 0x08, (uint16_t)slot, point, 64};
    rot_err rc = atecc_run(chip, &c, NULL, 0);

    if (rc == ROT_OK)
        state_of(chip)->secret_len = 32;
    return rc;
}

/* Is there a secret to work with?  A slot has always one, ours or not. */
static rot_err
check_there(struct rot_chip *chip, const struct rot_place *place)
{
    return place->where == ATECC_TEMPKEY && state_of(chip)->secret_len == 0 ? ROT_E_EMPTY : ROT_OK;
}

/* What the part has lost meanwhile (it slept), it does not use. */
static rot_err
blame_sleep(struct rot_chip *chip, const struct rot_place *place, rot_err rc)
{
    if (rc != ROT_E_CHIP || place->where != ATECC_TEMPKEY)
        return rc;
    state_of(chip)->secret_len = 0;
    return ROT_E_EMPTY;
}

/* ---- One KDF command ------------------------------------------------------------------ */

struct kdf {
    uint8_t p1;
    uint8_t from_slot, to_slot;
    uint32_t details;
    struct rot_bytes parts[2]; /* of the message */
};

static rot_err
run_kdf(struct rot_chip *chip, const struct kdf *k, uint8_t *rx, size_t rx_len)
{
    struct atecc_state *s = state_of(chip);
    uint8_t *data = s->packed; /* nothing that is stored is at work now */
    struct atecc_command c = {ATECC_OP_KDF, k->p1, (uint16_t)(k->to_slot << 8 | k->from_slot), data,
                              4};
    size_t len = 0;

    for (unsigned i = 0; i < 2; i++) {
        if (k->parts[i].len > KDF_MESSAGE_MAX - len)
            return ROT_E_UNSUPPORTED;
        if (k->parts[i].len != 0)
            memcpy(data + 4 + len, k->parts[i].p, k->parts[i].len);
        len += k->parts[i].len;
    }
    for (unsigned i = 0; i < 4; i++)
        data[i] = (uint8_t)(k->details >> 8 * i);
    if (len != 0)
        data[3] = (uint8_t)len;
    c.data_len += len;
    return atecc_run(chip, &c, rx, rx_len);
}

/* ---- Where it goes ------------------------------------------------------------------------ */

struct target {
    const struct rot_place *into; /* NULL: out */
    uint8_t *out;                 /* 64 bytes */
};

/*
 * Run into its target.  len is what the part makes, 32 or 64 bytes; with the IO
 * protection key it comes out masked.
 */
static rot_err
run_to(struct rot_chip *chip, struct kdf *k, const struct target *to, uint8_t *out, size_t len)
{
    struct atecc_state *s = state_of(chip);
    uint8_t masked[64 + 32];
    rot_err rc;

    if (to->into != NULL) {
        k->p1 |= to->into->where == ATECC_TEMPKEY ? TO_TEMPKEY : TO_SLOT;
        k->to_slot = (uint8_t)to->into->where;
        return run_kdf(chip, k, NULL, 0);
    }
    k->p1 |= s->has_io ? TO_OUT_MASK : TO_OUT;
    if (!s->has_io)
        return run_kdf(chip, k, out, len);
    rc = run_kdf(chip, k, masked, len + 32);
    if (rc == ROT_OK)
        rc = atecc_unmask(chip->setup.port, s->io_key, masked + len, masked, len);
    if (rc == ROT_OK)
        memcpy(out, masked, len);
    rot_wipe_memory(masked, sizeof(masked));
    return rc;
}

static unsigned
source_of(const struct rot_place *from)
{
    return from->where == ATECC_TEMPKEY ? FROM_TEMPKEY : FROM_SLOT;
}

/* ---- HKDF (RFC 5869) ------------------------------------------------------------------------- */

/* 2.2: HMAC under the salt, of the secret in TempKey, into the Alternate Key Buffer. */
static rot_err
extract(struct rot_chip *chip, struct rot_bytes salt, unsigned salt_slot)
{
    struct kdf k = {.p1 = FROM_SLOT | TO_ALT | KDF_HKDF,
                    .from_slot = (uint8_t)salt_slot,
                    .details = MESSAGE_IN_TEMPKEY | ATECC_U_HKDF_TEMPKEY_LENGTH << 24};
    uint8_t key[32] = {0}; /* HMAC fills up with zeroes as well */
    struct atecc_command write = {ATECC_OP_WRITE, 0x82, (uint16_t)(salt_slot << 3), key, 32};
    rot_err rc = ROT_OK;

    if (salt.len == 0) {
        k.p1 = FROM_TEMPKEY | TO_ALT | KDF_HKDF;
        k.details |= KEY_IS_ZERO;
    } else {
        memcpy(key, salt.p, salt.len);
        rc = atecc_run(chip, &write, NULL, 0);
    }
    return rc == ROT_OK ? run_kdf(chip, &k, NULL, 0) : rc;
}

/*
 * 2.3: T(1) = HMAC(key, info || 1).  There is no second block: the first would have to
 * go to the part again, in the clear.
 */
static rot_err
expand(struct rot_chip *chip, unsigned source, unsigned slot, const struct rot_kdf_params *p,
       const struct target *to)
{
    static const uint8_t one = 1;
    struct kdf k = {.p1 = (uint8_t)(source | KDF_HKDF),
                    .from_slot = (uint8_t)slot,
                    .details = MESSAGE_IN_INPUT,
                    .parts = {p->info, {&one, 1}}};

    return run_to(chip, &k, to, to->out, 32);
}

static rot_err
hkdf(struct rot_chip *chip, const struct rot_place *from, const struct rot_kdf_params *p,
     const struct target *to)
{
    const struct rot_place *keys =
        rot_layout_find(chip->setup.layout, ROT_SESSION(1), ROT_PART_KEY);
    rot_err rc;

    if (p->out_len > 32)
        return ROT_E_UNSUPPORTED;
    if (p->kdf == ROT_KDF_HKDF_EXPAND)
        return expand(chip, source_of(from), from->where, p, to);
    /* The message of the first step can be TempKey, and no slot. */
    if (from->where != ATECC_TEMPKEY || p->salt.len > SALT_MAX || keys == NULL)
        return ROT_E_UNSUPPORTED;
    rc = extract(chip, p->salt, keys->where);
    return rc == ROT_OK ? expand(chip, FROM_ALT, 0, p, to) : rc;
}

/* ---- The PRF of TLS 1.2 (RFC 5246 5) ------------------------------------------------------------ */

/* A master secret has 48 bytes: TempKey takes 64, and is used as what was asked for. */
static rot_err
prf(struct rot_chip *chip, const struct rot_place *from, const struct rot_kdf_params *p,
    const struct target *to)
{
    size_t key_len = from->where == ATECC_TEMPKEY ? state_of(chip)->secret_len : 32;
    size_t made = p->out_len > 32 ? 64 : 32;
    struct kdf k = {.p1 = (uint8_t)(source_of(from) | KDF_PRF),
                    .from_slot = (uint8_t)from->where,
                    .details = (uint32_t)(key_len / 16 - 1) | (made == 64 ? PRF_64_BYTES : 0),
                    .parts = {p->label, p->info}};

    if (to->into != NULL && to->into->where != ATECC_TEMPKEY && made == 64)
        return ROT_E_UNSUPPORTED; /* a slot has 32 bytes for it */
    return run_to(chip, &k, to, to->out, made);
}

rot_err
atecc_derive(struct rot_chip *chip, const struct rot_place *from,
             const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
             size_t cap, size_t *ret_len)
{
    struct atecc_state *s = state_of(chip);
    uint8_t derived[ROT_SECRET_MAX];
    const struct target to = {into, derived};
    int is_prf = params->kdf == ROT_KDF_TLS12_PRF_SHA256;
    rot_err rc = check_there(chip, from);

    (void)cap; /* the core has checked it */
    if (params->kdf == ROT_KDF_SINGLE_STEP)
        return ROT_E_UNSUPPORTED; /* a hash over the secret: no command makes one */
    /* HMAC keys have 32 bytes in the part; only the PRF takes longer ones. */
    if (rc == ROT_OK && !is_prf && from->where == ATECC_TEMPKEY && s->secret_len != 32)
        return ROT_E_UNSUPPORTED;
    if (rc == ROT_OK)
        rc = is_prf ? prf(chip, from, params, &to) : hkdf(chip, from, params, &to);
    rc = blame_sleep(chip, from, rc);
    if (rc == ROT_OK && into != NULL && into->where == ATECC_TEMPKEY)
        s->secret_len = (uint8_t)params->out_len;
    if (rc == ROT_OK && into == NULL) {
        memcpy(out, derived, params->out_len);
        *ret_len = params->out_len;
    }
    rot_wipe_memory(derived, sizeof(derived));
    return rc;
}

/* ---- MAC ------------------------------------------------------------------------------------------ */

static rot_err
run_sha(struct rot_chip *chip, unsigned p1, const uint8_t *p, size_t len, uint8_t *rx,
        size_t rx_len)
{
    struct atecc_command c = {ATECC_OP_SHA, (uint8_t)p1, (uint16_t)len, p, len};

    return atecc_run(chip, &c, rx, rx_len);
}

/* HMAC-SHA-256 with a key inside: start, whole blocks, the rest. */
static rot_err
hmac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t len,
     uint8_t mac[32])
{
    struct atecc_command start = {.op = ATECC_OP_SHA, .p1 = 0x04, .p2 = (uint16_t)place->where};
    rot_err rc = atecc_run(chip, &start, NULL, 0);

    while (len >= 64 && rc == ROT_OK) {
        rc = run_sha(chip, 0x01, msg, 64, NULL, 0);
        msg += 64;
        len -= 64;
    }
    return rc == ROT_OK ? run_sha(chip, 0xc2, msg, len, mac, 32) : rc;
}

rot_err
atecc_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
          uint8_t *mac, size_t cap, size_t *ret_len)
{
    int is_hmac = place->alg == ROT_ALG_HMAC_SHA256;
    rot_err rc = check_there(chip, place);

    (void)cap; /* the core has checked it */
    if (rc == ROT_OK && is_hmac && state_of(chip)->secret_len != 32)
        return ROT_E_UNSUPPORTED;
    if (rc == ROT_OK)
        rc = is_hmac ? hmac(chip, place, msg, msg_len, mac)
                     : atecc_cmac(chip, place, (struct rot_bytes){msg, msg_len}, mac);
    if (rc == ROT_OK)
        *ret_len = is_hmac ? 32 : 16;
    return blame_sleep(chip, place, rc);
}

/* ---- A key from outside ------------------------------------------------------------------------------ */

/* Plain here, encrypted on the bus: the slot takes nothing else. */
rot_err
atecc_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                 const uint8_t *wrapped, size_t wrapped_len)
{
    uint8_t block[32] = {0};
    rot_err rc;

    /* What is no slot has no configuration. */
    if (alg != ROT_ALG_AES128 || place->where == ATECC_TEMPKEY ||
        (atecc_slot_config(chip->setup.layout, place->where) & 0x4000u) == 0)
        return ROT_E_UNSUPPORTED;
    if (wrapped_len != 16)
        return ROT_E_FORMAT;
    memcpy(block, wrapped, 16);
    rc = atecc_write_hidden(chip, (uint16_t)(place->where << 3), block);
    rot_wipe_memory(block, sizeof(block));
    return rc;
}
