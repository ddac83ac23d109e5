/*
 * key.c: key pairs: make, show, bring in, destroy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

/* A key that we may replace, of the algorithm that the layout names. */
static rot_err
check_own_key(const struct rot_chip *chip, rot_object obj, enum rot_alg alg,
              const struct rot_place **ret_place)
{
    const struct rot_place *place;
    rot_err rc = rot_check_key(chip, obj, 0, &place);

    if (rc != ROT_OK)
        return rc;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0 || place->alg != (uint8_t)alg)
        return ROT_E_UNSUPPORTED;
    *ret_place = place;
    return ROT_OK;
}

rot_err
rot_key_generate(struct rot_chip *chip, rot_object obj, enum rot_alg alg, uint8_t *pub, size_t cap,
                 size_t *ret_len)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || pub == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->key_generate == NULL)
        return ROT_E_UNSUPPORTED;
    rc = check_own_key(chip, obj, alg, &place);
    if (rc != ROT_OK)
        return rc;
    /* Before the old key is gone: some parts tell the new public key only once. */
    rc = rot_check_space(rot_alg_spki_size(alg), cap, ret_len);
    if (rc == ROT_OK)
        rc = rot_check_change(chip);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->key_generate(chip, place, alg, pub, cap, ret_len);
}

rot_err
rot_key_public(struct rot_chip *chip, rot_object obj, uint8_t *pub, size_t cap, size_t *ret_len)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || pub == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->key_public == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if (rot_alg_is_secret((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    rc = rot_check_space(rot_alg_spki_size((enum rot_alg)place->alg), cap, ret_len);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->key_public(chip, place, pub, cap, ret_len);
}

rot_err
rot_key_import(struct rot_chip *chip, rot_object obj, enum rot_alg alg, const uint8_t *wrapped,
               size_t wrapped_len)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || wrapped == NULL || wrapped_len == 0)
        return ROT_E_ARG;
    if (chip->setup.driver->key_import == NULL)
        return ROT_E_UNSUPPORTED;
    rc = check_own_key(chip, obj, alg, &place);
    if (rc == ROT_OK)
        rc = rot_check_change(chip);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->key_import(chip, place, alg, wrapped, wrapped_len);
}

rot_err
rot_key_delete(struct rot_chip *chip, rot_object obj)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK)
        return ROT_E_ARG;
    if (chip->setup.driver->key_delete == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_change(chip);
    if (rc != ROT_OK)
        return rc;
    return chip->setup.driver->key_delete(chip, place);
}

rot_err
rot_attest(struct rot_chip *chip, rot_object obj, const uint8_t nonce[32],
           struct rot_evidence *evidence)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || nonce == NULL || evidence == NULL ||
        evidence->buf == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->attest == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if (rot_alg_is_secret((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->attest(chip, place, nonce, evidence);
}

rot_err
rot_activate(struct rot_chip *chip, rot_object obj, const uint8_t *challenge, size_t challenge_len,
             uint8_t *secret, size_t cap, size_t *ret_len)
{
    const struct rot_place *place;
    rot_err rc;

    if (rot_check_open(chip) != ROT_OK || challenge == NULL || challenge_len == 0 ||
        secret == NULL || ret_len == NULL)
        return ROT_E_ARG;
    if (chip->setup.driver->activate == NULL)
        return ROT_E_UNSUPPORTED;
    rc = rot_check_key(chip, obj, 0, &place);
    if (rc != ROT_OK)
        return rc;
    if (rot_alg_is_secret((enum rot_alg)place->alg))
        return ROT_E_UNSUPPORTED;
    return chip->setup.driver->activate(chip, place, challenge, challenge_len, secret, cap,
                                        ret_len);
}
