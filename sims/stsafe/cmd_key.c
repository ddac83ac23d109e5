/*
 * cmd_key.c: Generate key, Generate and Verify signature, Establish key, and the
 * A120's Generate ECDHE key and Decompress public key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define SUBJECT_PRIVATE  0x13
#define SUBJECT_ENVELOPE 0x07
#define SUBJECT_DIGEST   0x00

/* ---- Generate key ------------------------------------------------------------------------ */

/* Draw a key; its public half goes into the answer. */
static int
draw(struct stsafe_chip *c, struct stsafe_private *key, struct rs_buf *out)
{
    uint8_t point[SIM_POINT_MAX];

    if (!sim_curve_draw(key->curve, c->run.host->random, c->run.host->self, key->key) ||
        !sim_curve_public(key->curve, key->key, point))
        return STSAFE_UNEXPECTED;
    stsafe_put_point(key->curve, point, out);
    return STSAFE_OK;
}

static int
generate_private(struct stsafe_chip *c, struct rs_reader *in, struct rs_buf *out)
{
    struct stsafe_private key = {.curve = SIM_CURVE_NONE};
    unsigned slot = rs_read_u8(in);
    int status;

    key.uses = (uint16_t)rs_read_u16(in);
    key.mode = (uint16_t)rs_read_u16(in);
    key.curve = stsafe_read_curve(c, in);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (key.curve == SIM_CURVE_NONE || (slot >= c->spec->private_slots && slot != STSAFE_EPHEMERAL))
        return STSAFE_U_RANGE_STATUS;
    if (slot == 0)
        return STSAFE_U_SLOT_0_STATUS;
    status = draw(c, &key, out);
    if (status != STSAFE_OK)
        return status;
    if (slot != STSAFE_EPHEMERAL)
        return stsafe_store_whole(c, &c->nvm.private_keys[slot], &key, sizeof(key));
    c->v.ephemeral = key;
    return STSAFE_OK;
}

static int
generate_envelope(struct stsafe_chip *c, struct rs_reader *in)
{
    struct stsafe_envelope_key key = {.len = 0};
    unsigned slot = rs_read_u8(in), size = rs_read_u8(in);
    int status = stsafe_read_end(in);

    if (status != STSAFE_OK)
        return status;
    if (slot >= STSAFE_ENVELOPE_MAX ||
        (size != STSAFE_U_ENVELOPE_AES128 && size != STSAFE_U_ENVELOPE_AES256))
        return STSAFE_U_RANGE_STATUS;
    key.len = size == STSAFE_U_ENVELOPE_AES256 ? 32 : 16;
    c->run.host->random(c->run.host->self, key.key, key.len);
    return stsafe_store_whole(c, &c->nvm.envelope[slot], &key, sizeof(key));
}

int
stsafe_do_generate(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    unsigned subject = rs_read_u8(in);

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (subject == SUBJECT_PRIVATE)
        return generate_private(c, in, out);
    return subject == SUBJECT_ENVELOPE ? generate_envelope(c, in) : STSAFE_U_RANGE_STATUS;
}

int
stsafe_do_ecdhe(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                struct rs_buf *out)
{
    struct stsafe_private key = {.uses = STSAFE_UNLIMITED, .curve = stsafe_read_curve(c, in)};
    int status = stsafe_read_end(in);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    if (key.curve == SIM_CURVE_NONE)
        return STSAFE_U_RANGE_STATUS;
    stsafe_put_curve(key.curve, out);
    status = draw(c, &key, out);
    if (status == STSAFE_OK)
        c->v.ephemeral = key;
    return status;
}

/* ---- Use --------------------------------------------------------------------------------- */

/* The key of a slot for one purpose (a mode bit): STSAFE_OK, or why not. */
static int
find_key(struct stsafe_chip *c, unsigned slot, unsigned purpose, struct stsafe_private **ret_key)
{
    unsigned both = STSAFE_U_MODE_SIGN | STSAFE_U_MODE_AGREE;
    struct stsafe_private *key = &c->v.ephemeral;

    if (slot != STSAFE_EPHEMERAL) {
        if (slot >= c->spec->private_slots)
            return STSAFE_U_RANGE_STATUS;
        key = &c->nvm.private_keys[slot];
    }
    if (key->curve == SIM_CURVE_NONE)
        return STSAFE_KEY_NOT_FOUND;
    if (key->mode & both && !(key->mode & purpose))
        return STSAFE_U_KEY_MODE_STATUS;
    *ret_key = key;
    return STSAFE_OK;
}

/* SHA-256, -384, -512: the A100 and A110 call these lengths hash ids, and have the first two. */
static int
digest_ok(const struct stsafe_chip *c, enum sim_curve curve, size_t len)
{
    if (curve == SIM_CURVE_ED25519)
        return len <= STSAFE_U_EDDSA_MAX;
    return len == 0x20 || len == 0x30 || (len == 0x40 && c->spec->kind == STSAFE_A120);
}

int
stsafe_do_sign(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
               struct rs_buf *out)
{
    unsigned slot = rs_read_u8(in);
    struct rs_bytes digest = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    struct stsafe_private *key;
    uint8_t rs[SIM_POINT_MAX];
    int status = stsafe_read_end(in);

    (void)cmd;
    if (status == STSAFE_OK)
        status = find_key(c, slot, STSAFE_U_MODE_SIGN, &key);
    if (status != STSAFE_OK)
        return status;
    if (slot == STSAFE_EPHEMERAL || key->curve == SIM_CURVE_X25519)
        return STSAFE_U_KEY_KIND_STATUS;
    if (!digest_ok(c, key->curve, digest.len))
        return STSAFE_U_RANGE_STATUS;
    status = stsafe_spend(c, &key->uses);
    if (status != STSAFE_OK)
        return status;
    if (!sim_curve_sign(key->curve, key->key, digest.p, digest.len, c->run.host->random,
                        c->run.host->self, rs))
        return STSAFE_UNEXPECTED;
    stsafe_put_signature(key->curve, rs, out);
    return STSAFE_OK;
}

struct to_verify {
    enum sim_curve curve;
    uint8_t point[SIM_POINT_MAX], rs[SIM_POINT_MAX];
    unsigned variant;
    struct rs_bytes digest;
};

static int
read_to_verify(const struct stsafe_chip *c, struct rs_reader *in, struct to_verify *v)
{
    unsigned subject = rs_read_u8(in);

    v->curve = stsafe_read_curve(c, in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (subject != SUBJECT_DIGEST || v->curve == SIM_CURVE_NONE)
        return STSAFE_U_RANGE_STATUS;
    if (v->curve == SIM_CURVE_X25519)
        return STSAFE_U_KEY_KIND_STATUS;
    stsafe_read_point(v->curve, in, v->point);
    stsafe_read_signature(v->curve, in, v->rs);
    v->variant = v->curve == SIM_CURVE_ED25519 ? rs_read_u8(in) : (unsigned)STSAFE_U_EDDSA_PURE;
    v->digest = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    return stsafe_read_end(in);
}

int
stsafe_do_verify(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    struct to_verify v;
    int status = read_to_verify(c, in, &v);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    if (v.variant != STSAFE_U_EDDSA_PURE)
        return STSAFE_U_KEY_MODE_STATUS;
    if (!digest_ok(c, v.curve, v.digest.len))
        return STSAFE_U_RANGE_STATUS;
    if (!sim_curve_point_ok(v.curve, v.point))
        return STSAFE_INVALID_PUBLIC;
    rs_buf_put_u8(out, sim_curve_verify(v.curve, v.point, v.digest.p, v.digest.len, v.rs) != 0);
    return STSAFE_OK;
}

int
stsafe_do_establish(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    unsigned slot = rs_read_u8(in);
    struct stsafe_private *key;
    uint8_t point[SIM_POINT_MAX], secret[SIM_KEY_MAX];
    int status;

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    status = find_key(c, slot, STSAFE_U_MODE_AGREE, &key);
    if (status != STSAFE_OK)
        return status;
    if (key->curve == SIM_CURVE_ED25519)
        return STSAFE_U_KEY_KIND_STATUS;
    stsafe_read_point(key->curve, in, point);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (!sim_curve_point_ok(key->curve, point))
        return STSAFE_INVALID_PUBLIC;
    status = stsafe_spend(c, &key->uses);
    if (status != STSAFE_OK)
        return status;
    /* On X25519 a peer of low order gives nothing. */
    if (!sim_curve_agree(key->curve, key->key, point, secret))
        return STSAFE_INVALID_PUBLIC;
    rs_buf_put_u16_bytes(out, rs_bytes_of(secret, sim_curve_info(key->curve)->size));
    rs_wipe(secret, sizeof(secret));
    return STSAFE_OK;
}

int
stsafe_do_decompress(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                     struct rs_buf *out)
{
    enum sim_curve curve = stsafe_read_curve(c, in);
    const struct sim_curve_info *info = sim_curve_info(curve);
    unsigned form = rs_read_u8(in);
    struct rs_bytes x;
    uint8_t y[SIM_KEY_MAX];
    int status;

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (info == NULL || info->is_25519 || (form != 0x02 && form != 0x03))
        return STSAFE_U_RANGE_STATUS;
    x = rs_read_bytes(in, info->size);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (!sim_curve_decompress(curve, x.p, form == 0x03, y))
        return STSAFE_INVALID_PUBLIC;
    rs_buf_put(out, y, info->size);
    return STSAFE_OK;
}
