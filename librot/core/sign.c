/*
 * sign.c: signing and verifying.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

static int
is_digest_size(size_t len)
{
    return len == 32 || len == 48 || len == 64;
}

/* ECDSA keys want their curve's size; keys whose sizes librot does not know (RSA) any hash's. */
static rot_err
check_digest(enum rot_alg alg, size_t digest_len)
{
    if (rot_alg_is_ecdsa(alg))
        return digest_len == rot_alg_digest_size(alg) ? ROT_OK : ROT_E_ARG;
    if (rot_alg_point_size(alg) != 0 || rot_alg_is_secret(alg))
        return ROT_E_UNSUPPORTED; /* EdDSA signs messages; the others sign nothing */
    return is_digest_size(digest_len) ? ROT_OK : ROT_E_ARG;
}

rot_err
rot_sign_digest(struct rot_chip *chip, rot_object obj, const uint8_t *digest, size_t digest_len,
                uint8_t *sig, size_t cap, size_t *ret_len)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || digest == NULL || sig == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->sign_digest == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, ROT_PLACE_SIGN, &place);
    if (rc != ROT_OK)
        return rc;
    rc = check_digest((enum rot_alg)place->alg, digest_len);
    if (rc != ROT_OK)
        return rc;
    /* Before the part signs: a key may have its uses counted. */
    rc = rot_check_space(rot_alg_signature_size((enum rot_alg)place->alg), cap, ret_len);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->sign_digest(chip, place, digest, digest_len, sig, cap, ret_len);
}

static rot_err
hash_and_sign(struct rot_chip *chip, const struct rot_place *place, struct rot_bytes msg,
              uint8_t *sig, size_t cap, size_t *ret_len)
{
    const struct rot_port *port = chip->setup.port;
    enum rot_alg alg = (enum rot_alg)place->alg;
    uint8_t digest[ROT_DIGEST_MAX];
    rot_err rc;

    if (port->ops->hash == NULL)
        return ROT_E_PORT;
    rc = port->ops->hash(port->self, rot_alg_hash(alg), &msg, 1, digest);
    if (rc == ROT_OK)
        rc = chip->setup.driver->sign_digest(chip, place, digest, rot_alg_digest_size(alg), sig,
                                             cap, ret_len);
    rot_wipe_memory(digest, sizeof(digest));
    return rc;
}

rot_err
rot_sign_message(struct rot_chip *chip, rot_object obj, const uint8_t *msg, size_t msg_len,
                 uint8_t *sig, size_t cap, size_t *ret_len)
{
    const struct rot_driver *d;
    const struct rot_place *place;
    struct rot_bytes m = {msg, msg_len};
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || !rot_bytes_ok(m) || sig == NULL || ret_len == NULL)
        return ROT_E_ARG;
    d = chip->setup.driver;
    if (d->sign_message == NULL && d->sign_digest == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, ROT_PLACE_SIGN, &place);
    if (rc != ROT_OK)
        return rc;
    rc = rot_check_space(rot_alg_signature_size((enum rot_alg)place->alg), cap, ret_len);
    if (rc != ROT_OK)
        return rc;
    if (d->sign_digest != NULL && rot_alg_is_ecdsa((enum rot_alg)place->alg))
        return hash_and_sign(chip, place, m, sig, cap, ret_len);
    if (d->sign_message == NULL)
        return ROT_E_UNSUPPORTED;
    return d->sign_message(chip, place, msg, msg_len, sig, cap, ret_len);
}

/* The key of an object that verifies: its key pair, or the public key stored as its data. */
static rot_err
find_verifier(const struct rot_chip *chip, rot_object obj, const struct rot_place **ret_place)
{
    const struct rot_place *place = rot_layout_find(chip->setup.layout, obj, ROT_PART_KEY);

    if (place == NULL) {
        place = rot_layout_find(chip->setup.layout, obj, ROT_PART_DATA);
        if (place == NULL || (place->flags & ROT_PLACE_PUBLIC_KEY) == 0)
            return ROT_E_UNSUPPORTED;
    }
    *ret_place = place;
    return ROT_OK;
}

rot_err
rot_verify_digest(struct rot_chip *chip, rot_object obj, const uint8_t *pub, size_t pub_len,
                  const uint8_t *digest, size_t digest_len, const uint8_t *sig, size_t sig_len)
{
    const struct rot_place *place = NULL;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || digest == NULL || !is_digest_size(digest_len) ||
        sig == NULL || sig_len == 0 || sig_len > ROT_SIGNATURE_MAX ||
        (pub != NULL && (pub_len == 0 || pub_len > ROT_PUBLIC_KEY_MAX)))
        return ROT_E_ARG;
    if (chip->setup.driver->verify_digest == NULL)
        return ROT_E_UNSUPPORTED;
    if (pub == NULL) {
        rc = find_verifier(chip, obj, &place);
        if (rc != ROT_OK)
            return rc;
        rc = check_digest((enum rot_alg)place->alg, digest_len);
        if (rc != ROT_OK)
            return rc;
    }
    return chip->setup.driver->verify_digest(chip, place, pub, pub == NULL ? 0 : pub_len, digest,
                                             digest_len, sig, sig_len);
}
