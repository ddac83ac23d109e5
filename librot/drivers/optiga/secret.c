/*
 * secret.c: secrets that stay inside: agree, derive, authenticate.
 *
 * Sessions E100 to E103 are volatile.  The driver knows which of them it has
 * filled since the part was last reset, so that one without a secret is empty
 * and not a riddle of the part's error codes.
 *
 * Not in any version of the part, whatever its key: HKDF-Expand alone and the
 * one-step KDF (SRM, DeriveKey: PRF and HKDF only), and authenticated encryption
 * (SRM, EncryptSym: ECB, CBC, CBC-MAC, CMAC, HMAC).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "optiga.h"

/* Of CalcSSec. */
#define TAG_KEY    0x01u
#define TAG_ALG    0x05u
#define TAG_PUBLIC 0x06u
/* Of DeriveKey. */
#define TAG_SECRET 0x01u
#define TAG_INPUT  0x02u /* label and seed, or salt */
#define TAG_LENGTH 0x03u
#define TAG_INFO   0x04u
/* Where the result goes. */
#define TAG_EXPORT 0x07u
#define TAG_INTO   0x08u
/* Of EncryptSym: the low digit says which piece it is. */
#define TAG_START    0x00u
#define TAG_ONLY     0x01u
#define TAG_CONTINUE 0x02u
#define TAG_FINAL    0x03u
#define TAG_RESULT   0x61u
/* Of GenSymKey. */
#define TAG_MADE_IN 0x01u
#define TAG_USAGE   0x02u
#define META_CHANGE 0xd0u

static int
is_session(const struct rot_place *place)
{
    return place->where >= OPTIGA_OID_SESSION &&
           place->where < OPTIGA_OID_SESSION + OPTIGA_SESSIONS;
}

static uint8_t
session_bit(const struct rot_place *place)
{
    return (uint8_t)(1u << (place->where - OPTIGA_OID_SESSION));
}

static int
is_filled(const struct rot_chip *chip, const struct rot_place *place)
{
    return (optiga_of(chip)->sessions & session_bit(place)) != 0;
}

/* ---- AES keys -------------------------------------------------------------------------- */

/* The part comes with a key object that nobody may change, and lets that be changed first. */
static rot_err
allow_change(struct rot_chip *chip, unsigned oid)
{
    static const uint8_t meta[] = {0x20, 5, META_CHANGE, 3, 0xe1, 0xfc, OPTIGA_LIFE_OPERATIONAL};
    static const uint8_t never[] = {0xff};
    struct optiga_meta m;
    rot_err rc = optiga_get_meta(chip, oid, &m);

    if (rc != ROT_OK || m.life >= OPTIGA_LIFE_OPERATIONAL ||
        (m.change.len != 0 &&
         !optiga_is_condition(m.change, (struct rot_bytes){never, sizeof(never)})))
        return rc;
    return optiga_set(chip, OPTIGA_META, oid, 0, meta, sizeof(meta));
}

rot_err
optiga_secret_generate(struct rot_chip *chip, const struct rot_place *place)
{
    struct optiga_apdu *a;
    rot_err rc;

    /* Configuration guide: V1 has no AES.  A session's secret is agreed or derived. */
    if (place->alg != ROT_ALG_AES128 || is_session(place) || optiga_of(chip)->is_old)
        return ROT_E_UNSUPPORTED;
    rc = allow_change(chip, place->where);
    if (rc == ROT_OK)
        rc = optiga_check_change(chip, place->where);
    if (rc != ROT_OK)
        return rc;
    a = optiga_begin(chip, OPTIGA_MAKE_SECRET, OPTIGA_AES128);
    optiga_put_tlv_u16(a, TAG_MADE_IN, place->where);
    optiga_put_tlv_u8(a, TAG_USAGE, OPTIGA_USE_SECRET);
    return optiga_run_plain(chip);
}

/* ---- Agreeing and deriving ---------------------------------------------------------------- */

/* The end of both commands, and what comes of it: a filled session, or want bytes. */
static rot_err
run_into(struct rot_chip *chip, struct optiga_apdu *a, const struct rot_place *into, size_t want,
         uint8_t *out, size_t *ret_len)
{
    struct optiga_state *s = optiga_of(chip);
    struct rot_bytes secret = {NULL, 0};
    rot_err rc;

    if (into != NULL)
        optiga_put_tlv_u16(a, TAG_INTO, into->where);
    else
        optiga_put_tlv(a, TAG_EXPORT, NULL, 0);
    rc = optiga_run(chip, &secret);
    if (rc == ROT_OK && secret.len != (into != NULL ? 0 : want))
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK && into != NULL)
        s->sessions |= session_bit(into);
    if (rc == ROT_OK && into == NULL) {
        memcpy(out, secret.p, want);
        *ret_len = want;
    }
    rot_wipe_memory(s->buf, sizeof(s->buf));
    return rc;
}

rot_err
optiga_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
             size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
             size_t *ret_len)
{
    enum rot_alg alg = ROT_ALG_NONE;
    struct rot_bytes bits;
    struct optiga_apdu *a;
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (into != NULL && !is_session(into))
        return ROT_E_UNSUPPORTED;
    rc = optiga_bit_string((struct rot_bytes){peer, peer_len}, &alg, &bits);
    if (rc != ROT_OK || alg != (enum rot_alg)place->alg)
        return ROT_E_FORMAT;
    a = optiga_begin(chip, OPTIGA_AGREE, OPTIGA_ECDH);
    optiga_put_tlv_u16(a, TAG_KEY, place->where);
    optiga_put_tlv_u8(a, TAG_ALG, optiga_curve(alg));
    optiga_put_tlv(a, TAG_PUBLIC, bits.p, bits.len);
    rc = run_into(chip, a, into, rot_alg_point_size(alg) / 2, secret, ret_len);
    rc = optiga_blame(chip, place->where, 1, rc);
    /* The key is there and may agree: what the part refuses is the point. */
    return rc == ROT_E_CHIP ? ROT_E_FORMAT : rc;
}

/* SRM, DeriveKey: a salt or info that is missing has no TLV. */
static void
put_inputs(struct optiga_apdu *a, const struct rot_kdf_params *p)
{
    const uint8_t tag = TAG_INPUT;

    if (p->kdf == ROT_KDF_HKDF_SHA256) {
        if (p->info.len != 0)
            optiga_put_tlv(a, TAG_INFO, p->info.p, p->info.len);
        if (p->salt.len != 0)
            optiga_put_tlv(a, TAG_INPUT, p->salt.p, p->salt.len);
        return;
    }
    optiga_put(a, &tag, 1);
    optiga_put_u16(a, (unsigned)(p->label.len + p->info.len));
    optiga_put(a, p->label.p, p->label.len);
    optiga_put(a, p->info.p, p->info.len);
}

/* SRM, DeriveKey, notes; configuration guide: V1 has the PRF only, and less room in a session. */
static int
is_derivable(const struct rot_kdf_params *p, int is_old, int is_inside)
{
    if (is_old &&
        (p->kdf != ROT_KDF_TLS12_PRF_SHA256 || (is_inside && p->out_len > OPTIGA_V1_SESSION_MAX)))
        return 0;
    if (p->kdf == ROT_KDF_TLS12_PRF_SHA256)
        return p->label.len + p->info.len >= OPTIGA_PRF_INPUT_MIN;
    return p->kdf == ROT_KDF_HKDF_SHA256 && p->info.len <= OPTIGA_HKDF_INFO_MAX;
}

rot_err
optiga_derive(struct rot_chip *chip, const struct rot_place *from,
              const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
              size_t cap, size_t *ret_len)
{
    int is_prf = params->kdf == ROT_KDF_TLS12_PRF_SHA256;
    struct optiga_apdu *a;

    (void)cap; /* the core has checked it */
    if (!is_session(from) || (into != NULL && !is_session(into)) ||
        !is_derivable(params, optiga_of(chip)->is_old, into != NULL))
        return ROT_E_UNSUPPORTED;
    if (!is_filled(chip, from))
        return ROT_E_EMPTY;
    a = optiga_begin(chip, OPTIGA_DERIVE, is_prf ? OPTIGA_PRF_SHA256 : OPTIGA_HKDF_SHA256);
    optiga_put_tlv_u16(a, TAG_SECRET, from->where);
    optiga_put_tlv_u16(a, TAG_LENGTH, (unsigned)params->out_len);
    put_inputs(a, params);
    return run_into(chip, a, into, params->out_len, out, ret_len);
}

/* ---- MACs -------------------------------------------------------------------------------------- */

static unsigned
piece_tag(int is_first, int is_last)
{
    if (is_first)
        return is_last ? TAG_ONLY : TAG_START;
    return is_last ? TAG_FINAL : TAG_CONTINUE;
}

/* The answer to the last piece is in *ret_out. */
static rot_err
run_pieces(struct rot_chip *chip, unsigned oid, unsigned mode, struct rot_bytes msg,
           struct rot_bytes *ret_out)
{
    size_t at = 0;
    rot_err rc;

    do {
        size_t n = msg.len - at < OPTIGA_MAC_CHUNK ? msg.len - at : OPTIGA_MAC_CHUNK;
        struct optiga_apdu *a = optiga_begin(chip, OPTIGA_ENCRYPT_SYM, mode);

        optiga_put_u16(a, oid);
        optiga_put_tlv(a, piece_tag(at == 0, at + n == msg.len), msg.p + at, n);
        rc = optiga_run(chip, ret_out);
        at += n;
    } while (rc == ROT_OK && at < msg.len);
    return rc;
}

rot_err
optiga_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
           uint8_t *mac, size_t cap, size_t *ret_len)
{
    int is_aes = place->alg == ROT_ALG_AES128;
    struct rot_bytes out = {NULL, 0}, value = {NULL, 0};
    size_t want = is_aes ? 16 : 32;
    rot_err rc;

    (void)cap; /* the core has checked it */
    /* Configuration guide: V1 has neither HMAC nor AES.  SRM, EncryptSym: a length is never 0. */
    if (optiga_of(chip)->is_old || is_aes == is_session(place) || msg_len == 0)
        return ROT_E_UNSUPPORTED;
    if (!is_aes && !is_filled(chip, place))
        return ROT_E_EMPTY;
    rc = run_pieces(chip, place->where, is_aes ? OPTIGA_CMAC : OPTIGA_HMAC_SHA256,
                    (struct rot_bytes){msg, msg_len}, &out);
    if (rc != ROT_OK)
        return is_aes ? optiga_blame(chip, place->where, 1, rc) : rc;
    if (optiga_take_tlv(&out, TAG_RESULT, &value) != ROT_OK || out.len != 0 || value.len != want)
        return ROT_E_FORMAT;
    memcpy(mac, value.p, want);
    *ret_len = want;
    return ROT_OK;
}
