/*
 * cmd_mac.c: MAC, CheckMac, GenDig, DeriveKey: what is done with symmetric keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/atecc/chip.h"
#include "sims/atecc/digest.h"
#include "sims/atecc/uncertain.h"

#define MAC_BLOCK2_TEMP 0x01 /* second block is TempKey, not the challenge */
#define MAC_BLOCK1_TEMP 0x02 /* first block is TempKey, not the slot */
#define MAC_SOURCE      0x04 /* must equal TempKey's source flag */
#define MAC_OTP11       0x10
#define MAC_OTP8        0x20
#define MAC_SERIAL      0x40

/* A slot that holds a symmetric key which may be used in a hash. */
static int
secret_allowed(struct atecc_chip *c, unsigned slot)
{
    return atecc_config_locked(c) && (!ATECC_U_MAC_NEEDS_DATA_LOCK || atecc_data_locked(c)) &&
           !ATECC_KEY_PRIVATE(atecc_key_config(c, slot));
}

static int
temp_key_fits(const struct atecc_chip *c, const struct atecc_command *cmd)
{
    const struct atecc_temp_key *t = &c->v.temp_key;

    return t->valid && t->from_input == ((cmd->p1 & MAC_SOURCE) != 0);
}

/* ReqRandom: TempKey takes part, and comes from the chip's own random number. */
static int
random_enough(const struct atecc_chip *c, unsigned slot, int uses_temp_key)
{
    return !ATECC_KEY_REQ_RANDOM(atecc_key_config(c, slot)) ||
           (uses_temp_key && !c->v.temp_key.from_input);
}

static int
mac_allowed(struct atecc_chip *c, const struct atecc_command *cmd)
{
    int uses_temp = (cmd->p1 & (MAC_BLOCK1_TEMP | MAC_BLOCK2_TEMP)) != 0;

    if (uses_temp && !temp_key_fits(c, cmd))
        return 0;
    if (cmd->p1 & MAC_BLOCK1_TEMP)
        return atecc_config_locked(c);
    return secret_allowed(c, cmd->p2) && random_enough(c, cmd->p2, cmd->p1 & MAC_BLOCK2_TEMP);
}

static void
mac_blocks(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_sha256 *h)
{
    atecc_sha256_init(h);
    atecc_sha256_add(h, cmd->p1 & MAC_BLOCK1_TEMP ? c->v.temp_key.value : atecc_slot(c, cmd->p2),
                     32);
    atecc_sha256_add(h, cmd->p1 & MAC_BLOCK2_TEMP ? c->v.temp_key.value : cmd->data, 32);
}

/* p if wanted, else as many zeros. */
static void
add_if(struct atecc_sha256 *h, int wanted, const uint8_t *p, size_t len)
{
    if (wanted)
        atecc_sha256_add(h, p, len);
    else
        atecc_sha256_zeros(h, len);
}

static void
mac_digest(struct atecc_chip *c, const struct atecc_command *cmd, uint8_t mac[32])
{
    struct atecc_sha256 h;
    uint8_t params[4], serial[ATECC_SERIAL_SIZE];

    atecc_serial(c, serial);
    atecc_digest_params(cmd, params);
    mac_blocks(c, cmd, &h);
    atecc_sha256_add(&h, params, 4);
    add_if(&h, (cmd->p1 & (MAC_OTP11 | MAC_OTP8)) != 0, c->otp, 8);
    add_if(&h, (cmd->p1 & MAC_OTP11) != 0, c->otp + 8, 3);
    atecc_sha256_u8(&h, serial[8]);
    add_if(&h, (cmd->p1 & MAC_SERIAL) != 0, serial + 4, 4);
    atecc_sha256_add(&h, serial, 2);
    add_if(&h, (cmd->p1 & MAC_SERIAL) != 0, serial + 2, 2);
    atecc_sha256_end(&h, mac);
}

int
atecc_do_mac(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t mac[32];
    int status = ATECC_OK;

    if ((cmd->p1 & 0x88) != 0 || cmd->p2 >= ATECC_SLOT_COUNT ||
        cmd->len != (cmd->p1 & MAC_BLOCK2_TEMP ? 0u : 32u))
        return ATECC_PARSE;
    if (!mac_allowed(c, cmd))
        return ATECC_EXEC;
    if (!(cmd->p1 & MAC_BLOCK1_TEMP)) {
        if (ATECC_SLOT_NO_MAC(atecc_slot_config(c, cmd->p2)))
            return ATECC_EXEC;
        status = atecc_use_key(c, cmd->p2);
    }
    if (status != ATECC_OK)
        return status;
    mac_digest(c, cmd, mac);
    if (cmd->p1 & (MAC_BLOCK1_TEMP | MAC_BLOCK2_TEMP))
        atecc_temp_key_clear(c);
    atecc_reply_put(reply, mac, sizeof(mac));
    return ATECC_OK;
}

/* ---- CheckMac -------------------------------------------------------------- */

static void
checkmac_digest(struct atecc_chip *c, const struct atecc_command *cmd, uint8_t mac[32])
{
    const uint8_t *other = cmd->data + 64;
    struct atecc_sha256 h;
    uint8_t serial[ATECC_SERIAL_SIZE];

    atecc_serial(c, serial);
    mac_blocks(c, cmd, &h);
    atecc_sha256_add(&h, other, 4);
    add_if(&h, (cmd->p1 & MAC_OTP8) != 0, c->otp, 8);
    atecc_sha256_add(&h, other + 4, 3);
    atecc_sha256_u8(&h, serial[8]);
    atecc_sha256_add(&h, other + 7, 4);
    atecc_sha256_add(&h, serial, 2);
    atecc_sha256_add(&h, other + 11, 2);
    atecc_sha256_end(&h, mac);
}

/*
 * CheckMac-Copy: after a match in mode 1 or 5 the paired key (an even slot's is
 * the odd one above it) becomes TempKey, if its ReadKey nibble is 0.
 */
static void
checkmac_copy(struct atecc_chip *c, const struct atecc_command *cmd)
{
    unsigned target = cmd->p2 | 1u;

    if ((cmd->p1 & ~MAC_SOURCE) != MAC_BLOCK2_TEMP ||
        ATECC_SLOT_READ_KEY(atecc_slot_config(c, target)) != 0 ||
        ATECC_KEY_PRIVATE(atecc_key_config(c, target)))
        return;
    atecc_temp_key_set(c, atecc_slot(c, target), ATECC_U_DERIVED_SOURCE);
}

int
atecc_do_checkmac(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    uint8_t mac[32];
    int status = ATECC_OK;

    (void)reply;
    if ((cmd->p1 & 0xD8) != 0 || cmd->p2 >= ATECC_SLOT_COUNT || cmd->len != 77)
        return ATECC_PARSE;
    if (!mac_allowed(c, cmd))
        return ATECC_EXEC;
    if (!(cmd->p1 & MAC_BLOCK1_TEMP))
        status = atecc_use_key(c, cmd->p2);
    if (status != ATECC_OK)
        return status;
    checkmac_digest(c, cmd, mac);
    if (cmd->p1 & (MAC_BLOCK1_TEMP | MAC_BLOCK2_TEMP))
        atecc_temp_key_clear(c);
    if (memcmp(mac, cmd->data + 32, 32) != 0)
        return ATECC_MISCOMPARE;
    c->v.auth_valid = 1;
    c->v.auth_key = cmd->p2 & 0x0Fu;
    checkmac_copy(c, cmd);
    return ATECC_OK;
}

/* ---- GenDig ---------------------------------------------------------------- */

enum {
    GENDIG_CONFIG = 0,
    GENDIG_OTP = 1,
    GENDIG_DATA = 2,
    GENDIG_SHARED_NONCE = 3,
    GENDIG_COUNTER = 4,
    GENDIG_KEY_CONFIG = 5,
};

static int
gendig_parse(const struct atecc_command *cmd)
{
    switch (cmd->p1) {
    case GENDIG_CONFIG:
        return cmd->p2 < 4 && cmd->len == 0;
    case GENDIG_OTP:
        return cmd->p2 < 2 && cmd->len == 0;
    case GENDIG_DATA:
        return (cmd->p2 < ATECC_SLOT_COUNT || cmd->p2 >= 0x8000) &&
               (cmd->len == 0 || cmd->len == 4);
    case GENDIG_SHARED_NONCE:
        return cmd->len == 32;
    case GENDIG_COUNTER:
        return cmd->p2 < 2 && cmd->len == 0;
    case GENDIG_KEY_CONFIG:
        return cmd->p2 < ATECC_SLOT_COUNT && cmd->len == 0;
    default:
        return 0;
    }
}

static void
gendig_set(struct atecc_chip *c, const uint8_t digest[32], int is_data, unsigned slot)
{
    struct atecc_temp_key *t = &c->v.temp_key;

    memcpy(t->value, digest, 32);
    t->is64 = 0;
    t->gen_key = 0;
    t->gen_dig = is_data != 0;
    t->key_id = slot & 0x0Fu;
}

static int
gendig_data(struct atecc_chip *c, const struct atecc_command *cmd)
{
    uint8_t params[4], digest[32];
    unsigned no_mac;
    int status;

    if (cmd->p2 >= 0x8000)
        return ATECC_U_GENDIG_TRANSPORT_STATUS;
    if (!secret_allowed(c, cmd->p2) || !random_enough(c, cmd->p2, 1))
        return ATECC_EXEC;
    status = atecc_use_key(c, cmd->p2);
    if (status != ATECC_OK)
        return status;
    /* On other slots four more bytes are taken and mean nothing. */
    no_mac = ATECC_SLOT_NO_MAC(atecc_slot_config(c, cmd->p2)) && cmd->len == 4;
    atecc_digest_params(cmd, params);
    atecc_digest_row(c, atecc_slot(c, cmd->p2), no_mac ? cmd->data : params, NULL,
                     c->v.temp_key.value, 32, digest);
    gendig_set(c, digest, 1, cmd->p2);
    c->v.temp_key.no_mac = no_mac & 1u;
    return ATECC_OK;
}

/* Zone 3: what the host sent and TempKey, in the order of param2 bit 15; its low part is hashed. */
static void
gendig_shared_nonce(struct atecc_chip *c, const struct atecc_command *cmd, uint8_t digest[32])
{
    uint8_t params[4];
    int temp_first = cmd->p2 & 0x8000;

    atecc_digest_params(cmd, params);
    params[3] = 0;
    if (temp_first)
        atecc_digest_row(c, c->v.temp_key.value, params, NULL, cmd->data, 32, digest);
    else
        atecc_digest_row(c, cmd->data, params, NULL, c->v.temp_key.value, 32, digest);
}

/* Zones 4 and 5 put a counter or a key's configuration where the others have zeros. */
static void
gendig_middle(struct atecc_chip *c, const struct atecc_command *cmd, uint8_t middle[25])
{
    memset(middle, 0, 25);
    if (cmd->p1 == GENDIG_COUNTER) {
        uint32_t value = atecc_counter(c, cmd->p2);

        for (size_t i = 0; i < 4; i++)
            middle[1 + i] = (uint8_t)(value >> (8 * i));
        return;
    }
    memcpy(middle + 1, c->config + ATECC_AT_SLOT_CONFIG + 2 * (size_t)cmd->p2, 2);
    memcpy(middle + 3, c->config + ATECC_AT_KEY_CONFIG + 2 * (size_t)cmd->p2, 2);
    middle[5] = (uint8_t)!atecc_slot_locked(c, cmd->p2);
}

int
atecc_do_gendig(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    static const uint8_t zeros[32];
    uint8_t params[4], middle[25], digest[32];
    const uint8_t *t = c->v.temp_key.value;

    (void)reply;
    if (!gendig_parse(cmd))
        return ATECC_PARSE;
    if (!c->v.temp_key.valid)
        return ATECC_EXEC;
    if (cmd->p1 == GENDIG_DATA)
        return gendig_data(c, cmd);
    atecc_digest_params(cmd, params);
    if (cmd->p1 == GENDIG_CONFIG) {
        atecc_digest_row(c, c->config + 32 * (size_t)cmd->p2, params, NULL, t, 32, digest);
    } else if (cmd->p1 == GENDIG_OTP) {
        atecc_digest_row(c, c->otp + 32 * (size_t)cmd->p2, params, NULL, t, 32, digest);
    } else if (cmd->p1 == GENDIG_SHARED_NONCE) {
        gendig_shared_nonce(c, cmd, digest);
    } else {
        gendig_middle(c, cmd, middle);
        atecc_digest_row(c, zeros, params, middle, t, 32, digest);
    }
    gendig_set(c, digest, 0, 0);
    return ATECC_OK;
}

/* ---- DeriveKey ------------------------------------------------------------- */

#define DERIVE_CREATE 1u /* WriteConfig: from the WriteKey slot, not by rolling the key itself */

static int
derivekey_allowed(struct atecc_chip *c, const struct atecc_command *cmd, unsigned parent)
{
    unsigned write = ATECC_SLOT_WRITE_CONFIG(atecc_slot_config(c, cmd->p2));

    if (!secret_allowed(c, cmd->p2) || !secret_allowed(c, parent) ||
        atecc_slot_locked(c, cmd->p2) || !(write & ATECC_WRITE_GENKEY))
        return 0;
    if ((write & ATECC_WRITE_NEVER) && cmd->len == 0)
        return 0;
    return temp_key_fits(c, cmd) && random_enough(c, parent, 1);
}

int
atecc_do_derivekey(struct atecc_chip *c, const struct atecc_command *cmd, struct atecc_reply *reply)
{
    unsigned parent, config;
    uint8_t params[4], mac[32], fresh[32];
    int status;

    (void)reply;
    if ((cmd->p1 & ~MAC_SOURCE) != 0 || cmd->p2 >= ATECC_SLOT_COUNT ||
        (cmd->len != 0 && cmd->len != 32))
        return ATECC_PARSE;
    config = atecc_slot_config(c, cmd->p2);
    parent =
        ATECC_SLOT_WRITE_CONFIG(config) & DERIVE_CREATE ? ATECC_SLOT_WRITE_KEY(config) : cmd->p2;
    if (!derivekey_allowed(c, cmd, parent))
        return ATECC_EXEC;
    atecc_digest_derive_mac(c, atecc_slot(c, parent), cmd, mac);
    if (cmd->len == 32 && memcmp(mac, cmd->data, 32) != 0)
        return ATECC_U_WRITE_MAC_STATUS;
    status = atecc_use_key(c, parent);
    if (status != ATECC_OK)
        return status;
    atecc_digest_params(cmd, params);
    atecc_digest_row(c, atecc_slot(c, parent), params, NULL, c->v.temp_key.value, 32, fresh);
    atecc_temp_key_clear(c);
    return atecc_store(c, atecc_slot(c, cmd->p2), fresh, sizeof(fresh));
}
