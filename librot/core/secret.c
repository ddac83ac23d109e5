/*
 * secret.c: secrets that stay inside: agree, derive, MAC, encrypt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

#define TAG_LEN 16u

rot_err
rot_agree(struct rot_chip *chip, rot_object obj, const uint8_t *peer, size_t peer_len,
          rot_object into, uint8_t *secret, size_t cap, size_t *ret_len)
{
    const struct rot_place *place, *to;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || peer == NULL || peer_len == 0 ||
        peer_len > ROT_PUBLIC_KEY_MAX)
        return ROT_E_ARG;
    if (chip->setup.driver->agree == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, ROT_PLACE_AGREE, &place);
    if (rc != ROT_OK)
        return rc;
    rc = rot_check_into(chip, place, into, secret, ret_len, &to);
    if (rc != ROT_OK)
        return rc;
    /* An X coordinate is half a point, and all of an X25519 one. */
    if (to == NULL) {
        size_t point = rot_alg_point_size((enum rot_alg)place->alg);

        rc = rot_check_space(place->alg == ROT_ALG_X25519 ? point : point / 2, cap, ret_len);
        if (rc != ROT_OK)
            return rc;
    }
    return chip->setup.driver->agree(chip, place, peer, peer_len, to, secret, cap, ret_len);
}

/* An input that the function does not use is a caller's mistake, not something to ignore. */
static int
has_only_its_inputs(const struct rot_kdf_params *p)
{
    switch (p->kdf) {
    case ROT_KDF_HKDF_SHA256:
        return p->label.len == 0;
    case ROT_KDF_TLS12_PRF_SHA256:
        return p->salt.len == 0;
    case ROT_KDF_HKDF_EXPAND:
    case ROT_KDF_SINGLE_STEP:
        return p->salt.len == 0 && p->label.len == 0;
    }
    return 0;
}

static int
is_kdf_ok(const struct rot_kdf_params *p)
{
    if (p == NULL || !rot_bytes_ok(p->salt) || !rot_bytes_ok(p->label) || !rot_bytes_ok(p->info))
        return 0;
    if (!has_only_its_inputs(p))
        return 0;
    return p->out_len == 16 || p->out_len == 32 || p->out_len == 48 || p->out_len == 64;
}

/* An AES key has its size; a secret for MACs and further derivations may be 32 bytes or longer. */
static int
is_size_for(const struct rot_place *into, size_t out_len)
{
    if (rot_alg_is_aes((enum rot_alg)into->alg))
        return out_len == rot_alg_secret_size((enum rot_alg)into->alg);
    return out_len >= 32;
}

rot_err
rot_derive(struct rot_chip *chip, rot_object from, const struct rot_kdf_params *params,
           rot_object into, uint8_t *out, size_t cap, size_t *ret_len)
{
    const struct rot_place *place, *to;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || !is_kdf_ok(params))
        return ROT_E_ARG;
    if (chip->setup.driver->derive == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, from, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if (!rot_alg_is_secret((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    rc = rot_check_into(chip, place, into, out, ret_len, &to);
    if (rc != ROT_OK)
        return rc;
    if (to != NULL && !is_size_for(to, params->out_len))
        return ROT_E_ARG;
    if (to == NULL && rot_check_space(params->out_len, cap, ret_len) != ROT_OK)
        return ROT_E_SPACE;
    return chip->setup.driver->derive(chip, place, params, to, out, cap, ret_len);
}

rot_err
rot_mac(struct rot_chip *chip, rot_object obj, const uint8_t *msg, size_t msg_len, uint8_t *mac,
        size_t cap, size_t *ret_len)
{
    const struct rot_place *place;
    struct rot_bytes m = {msg, msg_len};
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || !rot_bytes_ok(m) || mac == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->mac == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if (!rot_alg_is_secret((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    rc = rot_check_space(rot_alg_is_aes((enum rot_alg)place->alg) ? 16 : 32, cap, ret_len);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->mac(chip, place, msg, msg_len, mac, cap, ret_len);
}

/* One box sealed or opened: what both directions check. */
struct box {
    enum rot_aead alg;
    int seal;
    struct rot_bytes nonce, aad, in;
};

/* RFC 5116 5.1 for GCM; CCM with a length field of two bytes (RFC 3610 2): 13 and 65,535. */
static int
is_box_ok(const struct box *b)
{
    if (!rot_bytes_ok(b->nonce) || !rot_bytes_ok(b->aad) || !rot_bytes_ok(b->in))
        return 0;
    if (b->alg == ROT_AEAD_AES_GCM)
        return b->nonce.len == 12;
    return b->alg == ROT_AEAD_AES_CCM && b->nonce.len == 13 &&
           b->in.len <= 0xffffu + (b->seal ? 0u : TAG_LEN);
}

static rot_err
run_box(struct rot_chip *chip, rot_object obj, const struct box *b, uint8_t *out, size_t cap,
        size_t *ret_len)
{
    const struct rot_place *place;
    size_t need;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || !is_box_ok(b) || out == NULL || ret_len == NULL ||
        b->in.len > SIZE_MAX - TAG_LEN)
        return ROT_E_ARG;
    if (chip->setup.driver->aead == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if (!rot_alg_is_aes((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    if (!b->seal && b->in.len < TAG_LEN)
        return ROT_E_FORMAT;
    need = b->seal ? b->in.len + TAG_LEN : b->in.len - TAG_LEN;
    rc = rot_check_space(need, cap, ret_len);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->aead(chip, place, b->alg, b->seal, b->nonce, b->aad, b->in, out, cap,
                                    ret_len);
}

rot_err
rot_aead_seal(struct rot_chip *chip, rot_object obj, enum rot_aead alg, struct rot_bytes nonce,
              struct rot_bytes aad, struct rot_bytes plain, uint8_t *out, size_t cap,
              size_t *ret_len)
{
    struct box b = {alg, 1, nonce, aad, plain};

    return run_box(chip, obj, &b, out, cap, ret_len);
}

rot_err
rot_aead_open(struct rot_chip *chip, rot_object obj, enum rot_aead alg, struct rot_bytes nonce,
              struct rot_bytes aad, struct rot_bytes cipher, uint8_t *out, size_t cap,
              size_t *ret_len)
{
    struct box b = {alg, 0, nonce, aad, cipher};

    return run_box(chip, obj, &b, out, cap, ret_len);
}
