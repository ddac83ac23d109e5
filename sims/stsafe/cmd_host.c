/*
 * cmd_host.c: host keys: in clear, in an envelope, or agreed; and what belongs
 * to them on an A120: KEK sessions, challenges, public keys of entities.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define RECORD_HEAD   4 /* 00 00 00 type */
#define ENVELOPE_MAX  80
#define SECRETS_MAX   64 /* MAC key and cipher key */
#define CHALLENGE_LEN 16

/* Salt of every key derivation (reference section 6). */
static const uint8_t salt[32] = {0xE4, 0x5D, 0x4C, 0xFD, 0x20, 0x15, 0xDE, 0x9E, 0x0A, 0xA9, 0xA9,
                                 0xF6, 0xA4, 0x9F, 0x45, 0x10, 0x0F, 0x99, 0xD9, 0x63, 0x3F, 0xB1,
                                 0xB2, 0xDD, 0xDB, 0xEE, 0xE6, 0x75, 0xD5, 0x4D, 0xE2, 0x5B};

/* ---- The one place where a host key is written --------------------------------------------- */

/* The first key goes in the way that control allows; the next needs reprovisioning and its holder. */
static int
may_write(const struct stsafe_chip *c, const struct stsafe_command *cmd, unsigned how)
{
    unsigned flags = c->nvm.host_control.flags;

    if (!(flags & how))
        return 0;
    if (c->nvm.host.len == 0)
        return 1;
    return flags & STSAFE_CONTROL_REPROVISION && (cmd->host || !STSAFE_U_REPLACE_NEEDS_HOST);
}

int
stsafe_host_key_write(struct stsafe_chip *c, const struct stsafe_command *cmd, unsigned how,
                      unsigned type, struct rs_bytes keys)
{
    struct stsafe_host_key key = {
        .len = (uint8_t)(keys.len / 2), .type = (uint8_t)type, .counter = STSAFE_U_COUNTER_START};

    if (keys.len != 32 && keys.len != 64)
        return STSAFE_U_LENGTH_STATUS;
    if (type != (key.len == 16 ? STSAFE_U_HOST_TYPE_AES128 : STSAFE_U_HOST_TYPE_AES256))
        return STSAFE_U_RANGE_STATUS;
    if (!may_write(c, cmd, how))
        return STSAFE_ACCESS;
    memcpy(key.mac, keys.p, key.len);
    memcpy(key.cipher, keys.p + key.len, key.len);
    return stsafe_store_whole(c, &c->nvm.host, &key, sizeof(key));
}

/* 00 00 00, type, both keys. */
static int
write_record(struct stsafe_chip *c, const struct stsafe_command *cmd, unsigned how,
             struct rs_bytes record)
{
    static const uint8_t zeros[RECORD_HEAD - 1] = {0};

    if (record.len < RECORD_HEAD)
        return STSAFE_U_LENGTH_STATUS;
    if (memcmp(record.p, zeros, sizeof(zeros)) != 0)
        return STSAFE_U_RANGE_STATUS;
    return stsafe_host_key_write(c, cmd, how, record.p[RECORD_HEAD - 1],
                                 rs_bytes_of(record.p + RECORD_HEAD, record.len - RECORD_HEAD));
}

int
stsafe_do_host_plain(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                     struct rs_buf *out)
{
    (void)out;
    return write_record(c, cmd, STSAFE_CONTROL_PLAIN, rs_read_bytes(in, in->left));
}

/* ---- Keys agreed with the host -------------------------------------------------------------- */

/* What the host sends to agree on a key: its curve and public key, and an algorithm id. */
struct agreement {
    enum sim_curve curve;
    uint8_t peer[SIM_POINT_MAX];
};

/* The algorithm id has one meaning here, so that its value is not looked at. */
static int
read_agreement(const struct stsafe_chip *c, struct rs_reader *in, struct agreement *a)
{
    a->curve = stsafe_read_curve(c, in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (a->curve == SIM_CURVE_NONE)
        return STSAFE_U_RANGE_STATUS;
    if (a->curve == SIM_CURVE_ED25519)
        return STSAFE_U_KEY_KIND_STATUS;
    stsafe_read_point(a->curve, in, a->peer);
    (void)rs_read_u8(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    return sim_curve_point_ok(a->curve, a->peer) ? STSAFE_OK : STSAFE_INVALID_PUBLIC;
}

static void
put_public(enum sim_curve curve, const uint8_t *point, struct rs_buf *info)
{
    if (STSAFE_U_INFO_PREFIX)
        stsafe_put_point(curve, point, info);
    else
        rs_buf_put(info, point, sim_curve_point_size(curve));
}

/* HKDF over the shared secret; info: both public keys, in an order that says what for. */
static int
derive(const struct stsafe_private *key, const struct agreement *a, int chip_first, uint8_t *out,
       size_t len)
{
    uint8_t secret[SIM_KEY_MAX], own[SIM_POINT_MAX], prk[32], room[2 * SIM_POINT_MAX + 16];
    struct rs_buf info;
    int ok = sim_curve_public(key->curve, key->key, own) &&
             sim_curve_agree(key->curve, key->key, a->peer, secret);

    rs_buf_init_fixed(&info, room, sizeof(room));
    put_public(key->curve, chip_first ? own : a->peer, &info);
    put_public(key->curve, chip_first ? a->peer : own, &info);
    ok = ok && rs_buf_ok(&info) &&
         sim_hkdf_extract(RS_BYTES(salt), rs_bytes_of(secret, sim_curve_info(key->curve)->size),
                          prk) &&
         sim_hkdf_expand(prk, rs_buf_bytes(&info), out, len);
    rs_wipe(secret, sizeof(secret));
    rs_wipe(prk, sizeof(prk));
    return ok;
}

int
stsafe_do_kek_start(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    struct agreement a;
    int status = read_agreement(c, in, &a);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (in->left > 0)
        return STSAFE_U_AUTHENTICATED_STATUS;
    if (c->v.ephemeral.curve != a.curve)
        return STSAFE_KEY_NOT_FOUND;
    if (!derive(&c->v.ephemeral, &a, 1, c->v.kek, sizeof(c->v.kek)))
        return STSAFE_INVALID_PUBLIC;
    c->v.kek_active = 1;
    c->v.envelopes = 1;
    return STSAFE_OK;
}

int
stsafe_do_kek_stop(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (!c->v.kek_active)
        return STSAFE_INVALID_SESSION;
    rs_wipe(c->v.kek, sizeof(c->v.kek));
    c->v.kek_active = 0;
    return STSAFE_OK;
}

/* The key of one envelope; each is used once. */
static int
envelope_key(struct stsafe_chip *c, uint8_t key[32])
{
    uint8_t room[8], counter[4];
    struct rs_buf info;

    rs_set_u32(counter, c->v.envelopes++);
    rs_buf_init_fixed(&info, room, sizeof(room));
    rs_buf_put(&info, (const uint8_t[]){0x10, 0x11}, 2);
    rs_buf_put(&info, counter + 4 - STSAFE_U_ENVELOPE_COUNTER_LEN, STSAFE_U_ENVELOPE_COUNTER_LEN);
    return sim_hkdf_expand(c->v.kek, rs_buf_bytes(&info), key, 32);
}

int
stsafe_do_host_wrapped(struct stsafe_chip *c, const struct stsafe_command *cmd,
                       struct rs_reader *in, struct rs_buf *out)
{
    struct rs_bytes envelope = rs_read_bytes(in, in->left);
    uint8_t key[32], plain[ENVELOPE_MAX];
    size_t len;

    (void)out;
    if (envelope.len != ENVELOPE_MAX && envelope.len != 48)
        return STSAFE_U_LENGTH_STATUS;
    if (!c->v.kek_active)
        return STSAFE_INVALID_SESSION;
    if (!envelope_key(c, key) ||
        !sim_aes_unwrap((struct sim_aes){key, sizeof(key)}, envelope, plain))
        return STSAFE_U_UNWRAP_STATUS;
    /* What follows the keys is 80 and three zeros. */
    len = envelope.len - 8 - 4;
    if (memcmp(plain + len, (const uint8_t[]){0x80, 0, 0, 0}, 4) != 0)
        return STSAFE_U_UNWRAP_STATUS;
    return write_record(c, cmd, STSAFE_CONTROL_WRAPPED, rs_bytes_of(plain, len));
}

int
stsafe_do_host_establish(struct stsafe_chip *c, const struct stsafe_command *cmd,
                         struct rs_reader *in, struct rs_buf *out)
{
    struct stsafe_private own = {.curve = SIM_CURVE_NONE};
    struct agreement a;
    uint8_t point[SIM_POINT_MAX], keys[SECRETS_MAX];
    unsigned type;
    int status = read_agreement(c, in, &a);

    if (status != STSAFE_OK)
        return status;
    type = rs_read_u8(in);
    if (rs_reader_ok(in) && in->left > 0)
        return STSAFE_U_AUTHENTICATED_STATUS;
    if (!rs_reader_done(in))
        return STSAFE_U_LENGTH_STATUS;
    own.curve = a.curve;
    if (!sim_curve_draw(own.curve, c->run.host->random, c->run.host->self, own.key) ||
        !sim_curve_public(own.curve, own.key, point))
        return STSAFE_UNEXPECTED;
    if (!derive(&own, &a, 0, keys, sizeof(keys)))
        return STSAFE_INVALID_PUBLIC;
    status = stsafe_host_key_write(c, cmd, STSAFE_CONTROL_WRAPPED, type,
                                   rs_bytes_of(keys, type == STSAFE_U_HOST_TYPE_AES256 ? 64 : 32));
    rs_wipe(keys, sizeof(keys));
    if (STSAFE_U_ESTABLISH_LEADS_WITH_CURVE)
        stsafe_put_curve(own.curve, out);
    stsafe_put_point(own.curve, point, out);
    return status;
}

/* ---- Entities ------------------------------------------------------------------------------- */

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
    return stsafe_store_whole(c, &c->nvm.public_keys[slot], &key, sizeof(key));
}

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

/* Over the challenge, hashed as the curve's size asks; Ed25519 takes it as it is. */
static int
verify_challenge(struct stsafe_chip *c, const struct stsafe_public *key, const uint8_t *rs)
{
    size_t size = sim_curve_info(key->curve)->size;
    enum sim_hash hash = size > 48 ? SIM_HASH_SHA512 : SIM_HASH_SHA384;
    uint8_t digest[SIM_DIGEST_MAX];
    size_t len;

    if (key->curve == SIM_CURVE_ED25519)
        return sim_curve_verify(key->curve, key->point, c->v.challenge, CHALLENGE_LEN, rs);
    len = sim_hash(size <= 32 ? SIM_HASH_SHA256 : hash, RS_BYTES(c->v.challenge), digest);
    return len > 0 && sim_curve_verify(key->curve, key->point, digest, len, rs);
}

/* 00, slot, r, s.  A challenge is good for one answer. */
int
stsafe_do_entity(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    unsigned subject = rs_read_u8(in), slot = rs_read_u8(in);
    const struct stsafe_public *key = &c->nvm.public_keys[slot % STSAFE_PUBLIC_MAX];
    uint8_t rs[SIM_POINT_MAX];
    int status;

    (void)cmd;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (subject != 0 || slot >= c->spec->public_slots)
        return STSAFE_U_RANGE_STATUS;
    if (key->curve == SIM_CURVE_NONE)
        return STSAFE_KEY_NOT_FOUND;
    stsafe_read_signature(key->curve, in, rs);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK)
        return status;
    if (!c->v.challenge_valid)
        return STSAFE_NO_CHALLENGE;
    rs_buf_put_u8(out, verify_challenge(c, key, rs) != 0);
    c->v.challenge_valid = 0;
    return STSAFE_OK;
}
