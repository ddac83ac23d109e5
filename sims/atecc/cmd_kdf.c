/*
 * cmd_kdf.c: KDF: TLS 1.2 PRF (RFC 5246 section 5), AES, and one step of HKDF
 * (RFC 5869).
 *
 * Input and output each are a slot, TempKey, its upper half, the Alternate Key
 * Buffer, or (output only) the bus, clear or under the IO protection key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/digest.h"
#include "sims/atecc/uncertain.h"

enum {
    FROM_TEMP_KEY = 0,
    FROM_TEMP_KEY_UPPER = 1,
    FROM_SLOT = 2,
    FROM_ALT_KEY = 3,
};

#define KDF_FROM      0x03
#define KDF_TO        0x1C
#define TO_TEMP_KEY   0x00
#define TO_TEMP_UPPER 0x04
#define TO_SLOT       0x08
#define TO_ALT_KEY    0x0C
#define TO_OUTPUT     0x10
#define TO_ENCRYPTED  0x14
#define KDF_ALGORITHM 0x60
#define KDF_PRF       0x00
#define KDF_AES       0x20
#define KDF_HKDF      0x40

#define PRF_TARGET_64 0x100u

enum {
    MESSAGE_SLOT = 0,
    MESSAGE_TEMP_KEY = 1,
    MESSAGE_INPUT = 2,
    MESSAGE_INPUT_IV = 3,
};

#define HKDF_ZERO_KEY 0x04u

/* One KDF command as it goes along. */
struct kdf {
    unsigned from, to, algorithm, from_slot, to_slot;
    uint32_t details;
    const uint8_t *message;
    size_t message_len;
    uint8_t result[64];
    size_t result_len;
};

static int
kdf_parse(const struct atecc_command *cmd, struct kdf *k)
{
    size_t wanted;

    if (cmd->len < 4 || (cmd->p1 & 0x80) != 0)
        return 0;
    k->from = cmd->p1 & KDF_FROM;
    k->to = cmd->p1 & KDF_TO;
    k->algorithm = cmd->p1 & KDF_ALGORITHM;
    k->from_slot = cmd->p2 & 0xFFu;
    k->to_slot = cmd->p2 >> 8;
    k->details = cmd->data[0] | (uint32_t)cmd->data[1] << 8 | (uint32_t)cmd->data[2] << 16 |
                 (uint32_t)cmd->data[3] << 24;
    k->message = cmd->data + 4;
    k->message_len = cmd->len - 4;
    wanted = k->details >> 24;
    if (k->algorithm == KDF_AES)
        wanted = 16;
    if (k->algorithm == KDF_HKDF && (k->details & 3) < MESSAGE_INPUT)
        wanted = 0;
    return k->to <= TO_ENCRYPTED && k->algorithm <= KDF_HKDF && k->message_len == wanted &&
           k->message_len <= 128 && (k->from != FROM_SLOT || k->from_slot < ATECC_SLOT_COUNT) &&
           (k->to != TO_SLOT || k->to_slot < ATECC_SLOT_COUNT);
}

/* len bytes of the source, from its start plus at; NULL when it has not that much. */
static const uint8_t *
kdf_key(struct atecc_chip *c, const struct kdf *k, size_t at, size_t len)
{
    const struct atecc_temp_key *t = &c->v.temp_key;
    size_t end = at + len;

    switch (k->from) {
    case FROM_TEMP_KEY:
        return t->valid && end <= (t->is64 ? 64u : 32u) ? t->value + at : NULL;
    case FROM_TEMP_KEY_UPPER:
        return t->valid && t->is64 && end <= 32 ? t->value + 32 + at : NULL;
    case FROM_SLOT:
        return !ATECC_KEY_PRIVATE(atecc_key_config(c, k->from_slot)) &&
                       end <= atecc_slot_size(k->from_slot)
                   ? atecc_slot(c, k->from_slot) + at
                   : NULL;
    default:
        return c->v.alt_key_valid && end <= 32 ? c->v.alt_key + at : NULL;
    }
}

static void
hmac(const uint8_t *key, size_t key_len, const uint8_t *a, size_t a_len, const uint8_t *b,
     size_t b_len, uint8_t mac[32])
{
    struct atecc_sha256 h;

    atecc_hmac_init(&h, key, key_len);
    atecc_sha256_add(&h, a, a_len);
    atecc_sha256_add(&h, b, b_len);
    atecc_hmac_end(&h, key, key_len, mac);
}

/* P_SHA256: A(i) = HMAC(A(i-1)), output HMAC(A(i) | message). */
static int
kdf_prf(struct atecc_chip *c, struct kdf *k)
{
    static const size_t key_sizes[4] = {16, 32, 48, 64};
    size_t key_len = key_sizes[k->details & 3];
    const uint8_t *key = kdf_key(c, k, 0, key_len);
    int aead = ((k->details >> 9) & 3) == 1;
    uint8_t a[32];

    if (key == NULL)
        return ATECC_EXEC;
    hmac(key, key_len, k->message, k->message_len, NULL, 0, a);
    hmac(key, key_len, a, 32, k->message, k->message_len, k->result);
    hmac(key, key_len, a, 32, NULL, 0, a);
    hmac(key, key_len, a, 32, k->message, k->message_len, k->result + 32);
    k->result_len = (k->details & PRF_TARGET_64) || aead ? 64 : 32;
    return ATECC_OK;
}

static int
kdf_aes(struct atecc_chip *c, struct kdf *k)
{
    const uint8_t *key = kdf_key(c, k, 16 * (size_t)(k->details & 3), 16);

    if (key == NULL || !((atecc_chip_options(c) >> 2) & 1) || !(c->config[ATECC_AT_AES_ENABLE] & 1))
        return ATECC_EXEC;
    memset(k->result, 0, 32);
    k->result_len = 32;
    return atecc_aes_block(key, 1, k->message, k->result) ? ATECC_OK : ATECC_EXEC;
}

/* The message of HKDF: in the command, in TempKey, or in a slot named in the details. */
static int
hkdf_message(struct atecc_chip *c, struct kdf *k)
{
    unsigned where = k->details & 3u, slot = (k->details >> ATECC_U_HKDF_SLOT_SHIFT) & 0x0Fu;
    size_t len = k->details >> 24, at = c->config[ATECC_AT_KDF_IV_LOC];

    if (where == MESSAGE_INPUT_IV)
        return at + 2 <= k->message_len &&
               memcmp(k->message + at, c->config + ATECC_AT_KDF_IV_STR, 2) == 0;
    if (where == MESSAGE_INPUT)
        return 1;
    k->message_len = len;
    if (where == MESSAGE_TEMP_KEY) {
        k->message = c->v.temp_key.value;
        return c->v.temp_key.valid && len <= (c->v.temp_key.is64 ? 64u : 32u);
    }
    k->message = atecc_slot(c, slot);
    return !ATECC_KEY_PRIVATE(atecc_key_config(c, slot)) && len <= atecc_slot_size(slot);
}

static int
kdf_hkdf(struct atecc_chip *c, struct kdf *k)
{
    static const uint8_t zeros[32];
    const uint8_t *key = k->details & HKDF_ZERO_KEY ? zeros : kdf_key(c, k, 0, 32);

    if (key == NULL || !hkdf_message(c, k))
        return ATECC_EXEC;
    hmac(key, 32, k->message, k->message_len, NULL, 0, k->result);
    k->result_len = 32;
    return ATECC_OK;
}

/* ---- Where the result goes -------------------------------------------------- */

static int
kdf_output(struct atecc_chip *c, int encrypted, const uint8_t *p, size_t len,
           struct atecc_reply *reply)
{
    unsigned protect = (atecc_chip_options(c) >> 10) & 3;
    uint8_t key[32], nonce[32], mask[32], masked[64];

    if (protect >= ATECC_U_PROTECT_INSIDE || (protect == ATECC_U_PROTECT_ENCRYPTED && !encrypted))
        return ATECC_EXEC;
    if (!encrypted) {
        atecc_reply_put(reply, p, len);
        return ATECC_OK;
    }
    if (!atecc_io_key(c, key))
        return ATECC_EXEC;
    c->run.host->random(c->run.host->self, nonce, sizeof(nonce));
    for (size_t at = 0; at < len; at += 32) {
        atecc_digest_io_mask(key, nonce + at / 2, mask);
        for (size_t i = 0; i < 32; i++)
            masked[at + i] = p[at + i] ^ mask[i];
    }
    atecc_reply_put(reply, masked, len);
    atecc_reply_put(reply, nonce, sizeof(nonce));
    return ATECC_OK;
}

static int
kdf_to_slot(struct atecc_chip *c, const struct kdf *k, size_t len)
{
    if (ATECC_KEY_PRIVATE(atecc_key_config(c, k->to_slot)) || atecc_slot_locked(c, k->to_slot) ||
        len > atecc_slot_size(k->to_slot))
        return ATECC_EXEC;
    if (ATECC_U_KDF_SLOT_NEEDS_WRITE_ALWAYS &&
        ATECC_SLOT_WRITE_CONFIG(atecc_slot_config(c, k->to_slot)) != 0)
        return ATECC_EXEC;
    return atecc_store(c, atecc_slot(c, k->to_slot), k->result, len);
}

static int
kdf_keep(struct atecc_chip *c, const struct kdf *k, size_t len)
{
    struct atecc_temp_key *t = &c->v.temp_key;

    if (k->to == TO_SLOT)
        return kdf_to_slot(c, k, len);
    if (k->to == TO_TEMP_KEY) {
        atecc_temp_key_set(c, k->result, ATECC_U_DERIVED_SOURCE);
        memcpy(t->value, k->result, len);
        t->is64 = len == 64;
        return ATECC_OK;
    }
    if (len != 32)
        return ATECC_EXEC;
    if (k->to == TO_ALT_KEY) {
        memcpy(c->v.alt_key, k->result, 32);
        c->v.alt_key_valid = 1;
        return ATECC_OK;
    }
    if (!t->valid)
        return ATECC_EXEC;
    memcpy(t->value + 32, k->result, 32);
    t->is64 = 1;
    return ATECC_OK;
}

/* AEAD mode of the PRF: the first half stays, the second goes out. */
static int
kdf_deliver(struct atecc_chip *c, const struct kdf *k, struct atecc_reply *reply)
{
    int aead = k->algorithm == KDF_PRF && ((k->details >> 9) & 3) == 1;
    int status;

    if (k->to == TO_OUTPUT || k->to == TO_ENCRYPTED)
        return kdf_output(c, k->to == TO_ENCRYPTED, k->result, k->result_len, reply);
    if (!aead)
        return kdf_keep(c, k, k->result_len);
    status = kdf_output(c, 0, k->result + 32, 32, reply);
    return status == ATECC_OK ? kdf_keep(c, k, 32) : status;
}

int
atecc_do_kdf(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    struct kdf k = {.from = 0};
    int status;

    if (!kdf_parse(cmd, &k))
        return ATECC_PARSE;
    if (((atecc_chip_options(c) >> 10) & 3) == ATECC_U_PROTECT_OFF ||
        (!atecc_config_locked(c) && (k.from == FROM_SLOT || k.to == TO_SLOT)))
        return ATECC_EXEC;
    if (k.algorithm == KDF_PRF)
        status = kdf_prf(c, &k);
    else if (k.algorithm == KDF_AES)
        status = kdf_aes(c, &k);
    else
        status = kdf_hkdf(c, &k);
    if (status == ATECC_OK && k.from == FROM_SLOT)
        status = atecc_use_key(c, k.from_slot);
    return status == ATECC_OK ? kdf_deliver(c, &k, reply) : status;
}
