/*
 * digest.c: see digest.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/atecc/digest.h"

#include <string.h>

/* SN[8], then SN[0:1]: closes nearly every message. */
static void
add_serial(struct atecc_sha256 *h, const struct atecc_chip *c)
{
    uint8_t serial[ATECC_SERIAL_SIZE];

    atecc_serial(c, serial);
    atecc_sha256_u8(h, serial[8]);
    atecc_sha256_add(h, serial, 2);
}

void
atecc_digest_params(const struct atecc_command *cmd, uint8_t params[4])
{
    params[0] = cmd->opcode;
    params[1] = cmd->p1;
    params[2] = (uint8_t)cmd->p2;
    params[3] = (uint8_t)(cmd->p2 >> 8);
}

void
atecc_digest_row(const struct atecc_chip *c, const uint8_t first[32], const uint8_t params[4],
                 const uint8_t middle[25], const uint8_t *last, size_t last_len, uint8_t digest[32])
{
    struct atecc_sha256 h;

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, first, 32);
    atecc_sha256_add(&h, params, 4);
    add_serial(&h, c);
    if (middle == NULL)
        atecc_sha256_zeros(&h, 25);
    else
        atecc_sha256_add(&h, middle, 25);
    atecc_sha256_add(&h, last, last_len);
    atecc_sha256_end(&h, digest);
}

void
atecc_digest_nonce(const uint8_t rand_out[32], const uint8_t num_in[20],
                   const struct atecc_command *cmd, uint8_t digest[32])
{
    struct atecc_sha256 h;

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, rand_out, 32);
    atecc_sha256_add(&h, num_in, 20);
    atecc_sha256_u8(&h, cmd->opcode);
    atecc_sha256_u8(&h, cmd->p1);
    atecc_sha256_u8(&h, cmd->p2 & 0xFFu);
    atecc_sha256_end(&h, digest);
}

void
atecc_digest_privwrite(const struct atecc_chip *c, const struct atecc_command *cmd,
                       const uint8_t plain[36], uint8_t digest[32])
{
    struct atecc_sha256 h;
    uint8_t params[4];

    atecc_digest_params(cmd, params);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, c->v.temp_key.value, 32);
    atecc_sha256_add(&h, params, 4);
    add_serial(&h, c);
    atecc_sha256_zeros(&h, 21);
    atecc_sha256_add(&h, plain, 36);
    atecc_sha256_end(&h, digest);
}

void
atecc_digest_derive_mac(const struct atecc_chip *c, const uint8_t parent[32],
                        const struct atecc_command *cmd, uint8_t digest[32])
{
    struct atecc_sha256 h;
    uint8_t params[4];

    atecc_digest_params(cmd, params);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, parent, 32);
    atecc_sha256_add(&h, params, 4);
    add_serial(&h, c);
    atecc_sha256_end(&h, digest);
}

/* What TempKey knows about the key that it speaks of. */
static uint8_t
temp_key_flags(const struct atecc_temp_key *t)
{
    return (uint8_t)(t->key_id | (unsigned)t->from_input << 4 | (unsigned)t->gen_dig << 5 |
                     (unsigned)t->gen_key << 6 | (unsigned)t->no_mac << 7);
}

void
atecc_digest_sign_internal(struct atecc_chip *c, const struct atecc_command *cmd,
                           uint8_t digest[32])
{
    const struct atecc_temp_key *t = &c->v.temp_key;
    unsigned about = t->key_id;
    int full = cmd->p1 & 0x40;
    uint8_t serial[ATECC_SERIAL_SIZE], params[4], flags = temp_key_flags(t);
    static const uint8_t zeros[4];
    struct atecc_sha256 h;

    atecc_serial(c, serial);
    atecc_digest_params(cmd, params);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, t->value, 32);
    atecc_sha256_add(&h, params, 4);
    atecc_sha256_add(&h, c->config + ATECC_AT_SLOT_CONFIG + 2 * (size_t)about, 2);
    atecc_sha256_add(&h, c->config + ATECC_AT_KEY_CONFIG + 2 * (size_t)about, 2);
    atecc_sha256_u8(&h, flags);
    atecc_sha256_zeros(&h, 2);
    atecc_sha256_u8(&h, serial[8]);
    atecc_sha256_add(&h, full ? serial + 4 : zeros, 4);
    atecc_sha256_add(&h, serial, 2);
    atecc_sha256_add(&h, full ? serial + 2 : zeros, 2);
    atecc_sha256_u8(&h, !atecc_slot_locked(c, about));
    atecc_sha256_u8(&h, atecc_slot_has_validity(c, about) && atecc_slot_is_valid(c, about));
    atecc_sha256_u8(&h, 0);
    atecc_sha256_end(&h, digest);
}

void
atecc_digest_validate(const struct atecc_chip *c, const uint8_t other[19], uint8_t digest[32])
{
    struct atecc_sha256 h;
    uint8_t serial[ATECC_SERIAL_SIZE];

    atecc_serial(c, serial);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, c->v.temp_key.value, 32);
    atecc_sha256_u8(&h, 0x41);
    atecc_sha256_add(&h, other, 10);
    atecc_sha256_u8(&h, serial[8]);
    atecc_sha256_add(&h, other + 10, 4);
    atecc_sha256_add(&h, serial, 2);
    atecc_sha256_add(&h, other + 14, 5);
    atecc_sha256_end(&h, digest);
}

void
atecc_digest_io_mask(const uint8_t key[32], const uint8_t nonce[16], uint8_t mask[32])
{
    struct atecc_sha256 h;

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, key, 32);
    atecc_sha256_add(&h, nonce, 16);
    atecc_sha256_end(&h, mask);
}

void
atecc_digest_verify_mac(const uint8_t key[32], const uint8_t message[32], const uint8_t nonce[32],
                        const struct atecc_command *cmd, uint8_t mac[32])
{
    struct atecc_sha256 h;
    uint8_t params[4];

    atecc_digest_params(cmd, params);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, key, 32);
    atecc_sha256_add(&h, message, 32);
    atecc_sha256_add(&h, nonce, 32);
    atecc_sha256_add(&h, cmd->data, 64);
    atecc_sha256_add(&h, params, 4);
    atecc_sha256_end(&h, mac);
}

void
atecc_digest_boot_key(const uint8_t key[32], const uint8_t nonce[32], uint8_t hashed_key[32])
{
    struct atecc_sha256 h;

    atecc_sha256_init(&h);
    atecc_sha256_add(&h, key, 32);
    atecc_sha256_add(&h, nonce, 32);
    atecc_sha256_end(&h, hashed_key);
}

void
atecc_digest_boot_mac(const uint8_t hashed_key[32], const uint8_t digest[32],
                      const uint8_t *signature, const struct atecc_command *cmd, uint8_t mac[32])
{
    struct atecc_sha256 h;
    uint8_t params[4];

    atecc_digest_params(cmd, params);
    atecc_sha256_init(&h);
    atecc_sha256_add(&h, hashed_key, 32);
    atecc_sha256_add(&h, digest, 32);
    if (signature != NULL)
        atecc_sha256_add(&h, signature, 64);
    atecc_sha256_add(&h, params, 4);
    atecc_sha256_end(&h, mac);
}
