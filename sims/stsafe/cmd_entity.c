/*
 * cmd_entity.c: public keys of others in an A120: kept, with what each may sign for, and the
 * challenge that an entity answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define CHALLENGE_LEN 16

/* ---- Public keys ----------------------------------------------------------------------------- */

int
stsafe_do_public_write(struct stsafe_chip *c, const struct stsafe_command *cmd,
                       struct rs_reader *in, struct rs_buf *out)
{
    unsigned slot = rs_read_u8(in);
    struct stsafe_public key = {.curve = stsafe_read_curve(c, in)};
    int status;

    (void)cmd;
    (void)out;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (slot >= c->spec->public_slots || key.curve == SIM_CURVE_NONE)
        return STSAFE_U_RANGE_STATUS;
    stsafe_read_point(key.curve, in, key.point);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (!sim_curve_point_ok(key.curve, key.point))
        return STSAFE_INVALID_PUBLIC;
    key.rights = c->nvm.public_keys[slot].rights;
    return stsafe_store_whole(c, &c->nvm.public_keys[slot], &key, sizeof(key));
}

int
stsafe_find_public(struct stsafe_chip *c, unsigned slot, unsigned right,
                   struct stsafe_public **ret_key)
{
    if (slot >= c->spec->public_slots)
        return STSAFE_U_RANGE_STATUS;
    *ret_key = &c->nvm.public_keys[slot];
    if ((*ret_key)->curve == SIM_CURVE_NONE)
        return STSAFE_KEY_NOT_FOUND;
    return (*ret_key)->rights & right ? STSAFE_OK : STSAFE_U_KEY_MODE_STATUS;
}

/* Hash id, which is empty for Ed25519; r, s. */
int
stsafe_read_signed(const struct stsafe_public *key, struct rs_reader *in,
                   struct stsafe_signature *ret_sig)
{
    if (key->curve == SIM_CURVE_ED25519)
        (void)rs_read_u16_bytes(in, 0);
    else
        ret_sig->hash = stsafe_read_hash(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (key->curve != SIM_CURVE_ED25519 && ret_sig->hash == SIM_HASH_NONE)
        return STSAFE_U_RANGE_STATUS;
    stsafe_read_signature(key->curve, in, ret_sig->rs);
    return stsafe_read_end(in);
}

int
stsafe_verify(const struct stsafe_public *key, const struct stsafe_signature *sig,
              struct rs_bytes message)
{
    uint8_t digest[SIM_DIGEST_MAX];
    size_t len;

    if (key->curve == SIM_CURVE_ED25519)
        return sim_curve_verify(key->curve, key->point, message.p, message.len, sig->rs);
    len = sim_hash(sig->hash, message, digest);
    return len > 0 && sim_curve_verify(key->curve, key->point, digest, len, sig->rs);
}

/* ---- Challenges -------------------------------------------------------------------------------- */

int
stsafe_do_challenge(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    int status = stsafe_read_end(in);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    c->run.host->random(c->run.host->self, c->v.challenge, CHALLENGE_LEN);
    c->v.challenge_valid = 1;
    rs_buf_put(out, c->v.challenge, CHALLENGE_LEN);
    return STSAFE_OK;
}

/* The challenge is hashed as the curve's size asks. */
static enum sim_hash
hash_of(enum sim_curve curve)
{
    size_t size = sim_curve_info(curve)->size;

    if (size <= 32)
        return SIM_HASH_SHA256;
    return size > 48 ? SIM_HASH_SHA512 : SIM_HASH_SHA384;
}

/* 00, slot, r, s.  A challenge is good for one answer. */
int
stsafe_do_entity(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    unsigned subject = rs_read_u8(in), slot = rs_read_u8(in);
    struct stsafe_signature sig = {.hash = SIM_HASH_NONE};
    struct stsafe_public *key;
    int status;

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (subject != 0)
        return STSAFE_U_RANGE_STATUS;
    status = stsafe_find_public(c, slot, STSAFE_PUBLIC_ENTITY, &key);
    if (status != STSAFE_OK)
        return status;
    sig.hash = hash_of(key->curve);
    stsafe_read_signature(key->curve, in, sig.rs);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (!c->v.challenge_valid)
        return STSAFE_NO_CHALLENGE;
    c->v.entity_answered = stsafe_verify(key, &sig, RS_BYTES(c->v.challenge)) != 0;
    c->v.challenge_valid = 0;
    rs_buf_put_u8(out, c->v.entity_answered);
    return STSAFE_OK;
}
