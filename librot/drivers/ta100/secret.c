/*
 * secret.c: secrets that stay inside: agree, derive, authenticate, encrypt.
 *
 * A session is a volatile register of the part, or an element that a key was brought
 * into.  The part makes no symmetric keys, and takes agreed and derived ones into
 * registers only.  One command takes one message: longer ones are ROT_E_ARG.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ta100.h"

#define SECRET   32u
#define HMAC_LEN 32u
#define TAG      16u

/* ---- Bringing in -------------------------------------------------------------------------- */

/* In the clear: the part's wrapped form is not public. */
rot_err
ta100_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                 const uint8_t *wrapped, size_t wrapped_len)
{
    rot_err rc;

    if (rot_alg_secret_size(alg) == 0 || !ta100_is_element(place))
        return ROT_E_UNSUPPORTED;
    if ((chip->setup.flags & ROT_OPEN_PRODUCTION) != 0)
        return ROT_E_AUTH;
    if (wrapped_len != rot_alg_secret_size(alg))
        return ROT_E_FORMAT;
    rc = ta100_ensure(chip, place, place->where);
    if (rc != ROT_OK)
        return rc;
    ta100_see(chip, place, place->where, 0, TA100_SEEN_CONTENT);
    ta100_begin(chip, TA100_WRITE, 0, place->where);
    ta100_put_u16(chip, 0);
    ta100_put(chip, wrapped, wrapped_len);
    rc = ta100_run_plain(chip);
    ta100_forget(chip);
    return rc;
}

/* ---- Agreeing and deriving -------------------------------------------------------------------- */

/* The end of both commands: into a register, or len bytes to out. */
static rot_err
run_into(struct rot_chip *chip, const struct rot_place *into, size_t len, uint8_t *out,
         size_t *ret_len)
{
    rot_err rc = into != NULL ? ta100_run_plain(chip) : ta100_run_into(chip, out, len);

    if (rc == ROT_OK && into == NULL)
        *ret_len = len;
    ta100_forget(chip);
    return rc;
}

rot_err
ta100_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
            size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
            size_t *ret_len)
{
    uint8_t point[TA100_POINT];
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (into != NULL && (!ta100_is_register(into) || into->alg == ROT_ALG_AES128))
        return ROT_E_UNSUPPORTED;
    rc = ta100_point_of((struct rot_bytes){peer, peer_len}, point);
    if (rc != ROT_OK)
        return rc;
    ta100_begin(chip, TA100_ECDH, into != NULL ? TA100_ECDH_INTO : TA100_ECDH_OUT, place->where);
    ta100_put(chip, point, sizeof(point));
    if (into != NULL)
        ta100_put_u16(chip, into->where);
    return run_into(chip, into, SECRET, secret, ret_len);
}

/* The part's function, and the two fields that it takes. */
struct kdf {
    unsigned mode;
    struct rot_bytes first, second;
};

static int
find_kdf(const struct rot_kdf_params *p, struct kdf *k)
{
    switch (p->kdf) {
    case ROT_KDF_HKDF_SHA256:
        *k = (struct kdf){TA100_KDF_HKDF, p->salt, p->info};
        return 1;
    case ROT_KDF_TLS12_PRF_SHA256:
        *k = (struct kdf){TA100_KDF_PRF, p->label, p->info};
        return 1;
    case ROT_KDF_SINGLE_STEP:
        *k = (struct kdf){TA100_KDF_SINGLE_STEP, p->info, {NULL, 0}};
        return 1;
    case ROT_KDF_HKDF_EXPAND:
        break;
    }
    return 0;
}

rot_err
ta100_derive(struct rot_chip *chip, const struct rot_place *from,
             const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
             size_t cap, size_t *ret_len)
{
    struct kdf k = {0};

    (void)cap; /* the core has checked it */
    if (!find_kdf(params, &k) || (into != NULL && !ta100_is_register(into)))
        return ROT_E_UNSUPPORTED;
    /* Of elements only HMAC keys, and what they derive stays inside. */
    if (!ta100_is_register(from) && (from->alg != ROT_ALG_HMAC_SHA256 || into == NULL))
        return ROT_E_UNSUPPORTED;
    if (k.first.len > TA100_KDF_FIELD_MAX || k.second.len > TA100_KDF_FIELD_MAX)
        return ROT_E_ARG;
    ta100_begin(chip, TA100_KDF, k.mode, from->where);
    ta100_put_u16(chip, into != NULL ? into->where : 0);
    ta100_put_u16(chip, params->out_len);
    ta100_put_field(chip, k.first);
    ta100_put_field(chip, k.second);
    return run_into(chip, into, params->out_len, out, ret_len);
}

/* ---- MACs and boxes --------------------------------------------------------------------------- */

rot_err
ta100_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
          uint8_t *mac, size_t cap, size_t *ret_len)
{
    int is_hmac = place->alg == ROT_ALG_HMAC_SHA256;
    size_t n = is_hmac ? HMAC_LEN : TAG;
    rot_err rc;

    (void)cap; /* the core has checked it */
    ta100_begin(chip, TA100_MAC, is_hmac ? TA100_MAC_HMAC : TA100_MAC_CMAC, place->where);
    ta100_put(chip, msg, msg_len);
    rc = ta100_run_into(chip, mac, n);
    if (rc == ROT_OK)
        *ret_len = n;
    return rc;
}

rot_err
ta100_aead(struct rot_chip *chip, const struct rot_place *place, enum rot_aead alg, int seal,
           struct rot_bytes nonce, struct rot_bytes aad, struct rot_bytes in, uint8_t *out,
           size_t cap, size_t *ret_len)
{
    size_t n = seal ? in.len + TAG : in.len - TAG;
    rot_err rc;

    (void)cap; /* the core has checked it */
    if (alg != ROT_AEAD_AES_GCM)
        return ROT_E_UNSUPPORTED;
    /* What is sealed must fit into the answer, too. */
    if (n > TA100_PACKET_MAX - TA100_ANSWER_MIN || aad.len > TA100_PACKET_MAX)
        return ROT_E_ARG;
    ta100_begin(chip, TA100_GCM, seal ? TA100_GCM_SEAL : TA100_GCM_OPEN, place->where);
    ta100_put(chip, nonce.p, nonce.len);
    ta100_put_field(chip, aad);
    ta100_put(chip, in.p, in.len);
    rc = ta100_run_into(chip, out, n);
    if (rc == ROT_OK)
        *ret_len = n;
    ta100_forget(chip);
    return rc;
}
