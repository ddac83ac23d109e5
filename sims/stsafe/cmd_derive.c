/*
 * cmd_derive.c: the A120's Derive keys: HKDF with SHA-256 (RFC 5869), from a key that comes with the
 * command or is in a slot, to the answer or to slots that the part chooses.
 *
 *   00 mode length(2) secret | 02 slot
 *   flags: bit 1 extract, bit 0 expand        hash id
 *   extract: 00 length(2) salt | 02 slot
 *   expand:  length(2) info, then for each key, in the order of the output's bytes,
 *            length(2) 01 bytes(2) | length(2) 02 key information without a slot
 *
 * The answer has the bytes or the slot of each key; of an extraction alone the slot of its result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define FROM_COMMAND 0x00
#define TO_ANSWER    0x01
#define SLOT         0x02
#define EXTRACT      0x02u
#define EXPAND       0x01u
#define SECRET_MIN   16u
#define KEYS_MAX     32u
#define OUTPUT_MAX   (KEYS_MAX * 32u)

struct derivation {
    struct rs_bytes secret, salt, info;
    unsigned flags;
    int may_leave; /* what is derived may go into the answer */
    uint8_t prk[32];
    uint8_t output[OUTPUT_MAX];
};

static int
read_secret(struct stsafe_chip *c, struct rs_reader *in, struct derivation *d)
{
    unsigned source = rs_read_u8(in);
    struct stsafe_symmetric *key;
    int status;

    if (source == FROM_COMMAND) {
        unsigned mode = rs_read_u8(in);

        d->secret = rs_read_u16_bytes(in, SIM_AES_MAX);
        d->may_leave = 1;
        if (!rs_reader_ok(in) || d->secret.len < SECRET_MIN)
            return STSAFE_U_LENGTH_STATUS;
        return mode == STSAFE_MODE_HKDF ? STSAFE_OK : STSAFE_U_RANGE_STATUS;
    }
    if (source != SLOT)
        return rs_reader_ok(in) ? STSAFE_U_RANGE_STATUS : STSAFE_U_LENGTH_STATUS;
    status = stsafe_find_symmetric(c, rs_read_u8(in), STSAFE_MODE_HKDF, STSAFE_USE_DERIVE, &key);
    if (status != STSAFE_OK)
        return status;
    d->secret = rs_bytes_of(key->key, key->len);
    d->may_leave = key->limit & 1u;
    return STSAFE_OK;
}

static int
read_salt(struct stsafe_chip *c, struct rs_reader *in, struct derivation *d)
{
    unsigned source = rs_read_u8(in);
    struct stsafe_symmetric *key;
    int status;

    if (source == FROM_COMMAND) {
        d->salt = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
        return rs_reader_ok(in) ? STSAFE_OK : STSAFE_U_LENGTH_STATUS;
    }
    if (source != SLOT)
        return rs_reader_ok(in) ? STSAFE_U_RANGE_STATUS : STSAFE_U_LENGTH_STATUS;
    status = stsafe_find_symmetric(c, rs_read_u8(in), STSAFE_MODE_HKDF, STSAFE_USE_DERIVE, &key);
    if (status == STSAFE_OK)
        d->salt = rs_bytes_of(key->key, key->len);
    return status;
}

static int
read_request(struct stsafe_chip *c, struct rs_reader *in, struct derivation *d)
{
    int status = read_secret(c, in, d);
    enum sim_hash hash;

    if (status != STSAFE_OK)
        return status;
    d->flags = rs_read_u8(in);
    hash = stsafe_read_hash(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (d->flags == 0 || d->flags > (EXTRACT | EXPAND) || hash != SIM_HASH_SHA256)
        return STSAFE_U_RANGE_STATUS;
    if (d->flags & EXTRACT)
        status = read_salt(c, in, d);
    if (status == STSAFE_OK && d->flags & EXPAND)
        d->info = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    if (status == STSAFE_OK && !rs_reader_ok(in))
        status = STSAFE_U_LENGTH_STATUS;
    return status;
}

/* RFC 5869 2.2; without an extraction the secret is the pseudorandom key. */
static int
extract(struct derivation *d)
{
    if (d->flags & EXTRACT)
        return sim_hkdf_extract(d->salt, d->secret, d->prk) ? STSAFE_OK : STSAFE_UNEXPECTED;
    if (d->secret.len != sizeof(d->prk))
        return STSAFE_U_LENGTH_STATUS;
    memcpy(d->prk, d->secret.p, sizeof(d->prk));
    return STSAFE_OK;
}

/* An empty slot that may hold derived keys, or else one whose key may be replaced. */
static int
store(struct stsafe_chip *c, const struct stsafe_symmetric *key, struct rs_buf *out)
{
    for (int replace = 0; replace <= 1; replace++) {
        for (unsigned slot = 0; slot < c->spec->symmetric_slots; slot++) {
            const struct stsafe_symmetric *there = &c->nvm.symmetric[slot];

            if (!(c->nvm.symmetric_control[slot].flags & STSAFE_SYMMETRIC_DERIVED) ||
                (there->present && !(replace && there->lock == STSAFE_UNLOCKED)))
                continue;
            rs_buf_put_u8(out, slot);
            return stsafe_store_whole(c, &c->nvm.symmetric[slot], key, sizeof(*key));
        }
    }
    return STSAFE_U_NO_SLOT_STATUS;
}

static int
keep_extracted(struct stsafe_chip *c, const struct derivation *d, struct rs_buf *out)
{
    struct stsafe_symmetric key = {.present = 1,
                                   .type = STSAFE_TYPE_GENERIC,
                                   .mode = STSAFE_MODE_HKDF,
                                   .usage = STSAFE_U_EXTRACTED_USAGE,
                                   .limit = (uint8_t)d->may_leave,
                                   .len = sizeof(d->prk)};

    memcpy(key.key, d->prk, sizeof(d->prk));
    return store(c, &key, out);
}

/* One key: its bytes from *at on. */
static int
give_out(struct stsafe_chip *c, struct rs_bytes description, const struct derivation *d, size_t *at,
         struct rs_buf *out)
{
    struct stsafe_symmetric key = {.present = 0};
    struct rs_reader in;
    unsigned to, len;
    int status;

    rs_reader_init(&in, description);
    to = rs_read_u8(&in);
    if (to == TO_ANSWER) {
        len = rs_read_u16(&in);
        status = d->may_leave ? STSAFE_OK : STSAFE_ACCESS;
    } else {
        status = to == SLOT ? stsafe_read_key_info(&in, &key, NULL) : STSAFE_U_RANGE_STATUS;
        len = key.len;
    }
    if (status != STSAFE_OK)
        return status;
    if (!rs_reader_done(&in) || len == 0 || len > OUTPUT_MAX - *at)
        return STSAFE_U_LENGTH_STATUS;
    if (to == TO_ANSWER) {
        rs_buf_put(out, d->output + *at, len);
    } else {
        memcpy(key.key, d->output + *at, len);
        status = store(c, &key, out);
    }
    *at += len;
    return status;
}

static int
expand(struct stsafe_chip *c, struct derivation *d, struct rs_reader *in, struct rs_buf *out)
{
    size_t at = 0;

    if (!sim_hkdf_expand(d->prk, d->info, d->output, sizeof(d->output)))
        return STSAFE_U_LENGTH_STATUS;
    for (unsigned i = 0; in->left > 0; i++) {
        struct rs_bytes description = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
        int status = rs_reader_ok(in) && i < KEYS_MAX ? STSAFE_OK : STSAFE_U_LENGTH_STATUS;

        if (status == STSAFE_OK)
            status = give_out(c, description, d, &at, out);
        if (status != STSAFE_OK)
            return status;
    }
    return at == 0 ? STSAFE_U_LENGTH_STATUS : STSAFE_OK;
}

int
stsafe_do_derive(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                 struct rs_buf *out)
{
    struct derivation d = {.flags = 0};
    int status = read_request(c, in, &d);

    (void)cmd;
    if (status == STSAFE_OK)
        status = extract(&d);
    if (status == STSAFE_OK && d.flags & EXPAND)
        status = expand(c, &d, in, out);
    else if (status == STSAFE_OK)
        status = rs_reader_done(in) ? keep_extracted(c, &d, out) : STSAFE_U_LENGTH_STATUS;
    rs_wipe(&d, sizeof(d));
    return status;
}
