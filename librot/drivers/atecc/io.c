/*
 * io.c: the IO protection key, a secret that the host shares with one part.
 *
 * It lives in the slot that ChipOptions names.  With it the host writes slots that
 * take encrypted data only (a session of its own for each block: a random Nonce,
 * then GenDig with the key, so that TempKey is known to both), gets secrets masked,
 * and gets the part's verdicts with a MAC.
 *
 * Whether a part has the host's key is asked with the MAC command over a random
 * Nonce: nobody who sits on the bus can answer that from memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

static const uint8_t zeroes[32] = {0};

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

/* ---- Digests ----------------------------------------------------------------------- */

static rot_err
hash(const struct rot_port *port, const struct rot_bytes *parts, size_t count, uint8_t out[32])
{
    if (port->ops->hash == NULL)
        return ROT_E_PORT;
    return port->ops->hash(port->self, ROT_HASH_SHA256, parts, count, out);
}

/* Opcode and parameters as they stand in a command. */
static struct rot_bytes
head(const struct atecc_mac_input *in, uint8_t out[4])
{
    out[0] = in->op;
    out[1] = in->p1;
    out[2] = (uint8_t)in->p2;
    out[3] = (uint8_t)(in->p2 >> 8);
    return (struct rot_bytes){out, 4};
}

rot_err
atecc_chain_digest(const struct rot_port *port, const struct atecc_mac_input *in,
                   const uint8_t first[32], const uint8_t last[32], uint8_t out[32])
{
    uint8_t h[4];
    const struct rot_bytes parts[] = {{first, 32},     head(in, h),  {in->serial + 8, 1},
                                      {in->serial, 2}, {zeroes, 25}, {last, 32}};

    return hash(port, parts, 6, out);
}

rot_err
atecc_nonce_digest(const struct rot_port *port, const uint8_t random[32], const uint8_t num_in[20],
                   uint8_t out[32])
{
    static const uint8_t tail[3] = {ATECC_OP_NONCE, 0, 0};
    const struct rot_bytes parts[] = {{random, 32}, {num_in, 20}, {tail, 3}};

    return hash(port, parts, 3, out);
}

rot_err
atecc_mac_digest(const struct rot_port *port, const struct atecc_mac_input *in,
                 const uint8_t key[32], const uint8_t second[32], uint8_t out[32])
{
    const uint8_t *more = (in->p1 & 0x40) != 0 ? in->serial : zeroes;
    uint8_t h[4];
    const struct rot_bytes parts[] = {{key, 32},       {second, 32},        head(in, h),
                                      {zeroes, 11},    {in->serial + 8, 1}, {more + 4, 4},
                                      {in->serial, 2}, {more + 2, 2}};

    return hash(port, parts, 8, out);
}

rot_err
atecc_verify_mac(const struct rot_port *port, const struct atecc_mac_input *in,
                 const uint8_t key[32], const uint8_t message[32], const uint8_t nonce[32],
                 const uint8_t sig[64], uint8_t out[32])
{
    uint8_t h[4];
    const struct rot_bytes parts[] = {
        {key, 32}, {message, 32}, {nonce, 32}, {sig, 64}, head(in, h)};

    return hash(port, parts, 5, out);
}

rot_err
atecc_boot_key(const struct rot_port *port, const uint8_t key[32], const uint8_t tempkey[32],
               uint8_t out[32])
{
    const struct rot_bytes parts[] = {{key, 32}, {tempkey, 32}};

    return hash(port, parts, 2, out);
}

rot_err
atecc_boot_mac(const struct rot_port *port, const struct atecc_mac_input *in,
               const uint8_t hashed[32], const uint8_t digest[32], const uint8_t sig[64],
               uint8_t out[32])
{
    uint8_t h[4];
    const struct rot_bytes parts[] = {{hashed, 32}, {digest, 32}, {sig, 64}, head(in, h)};

    return hash(port, parts, 4, out);
}

rot_err
atecc_unmask(const struct rot_port *port, const uint8_t key[32], const uint8_t nonce[32],
             uint8_t *p, size_t len)
{
    uint8_t mask[32];
    rot_err rc = ROT_OK;

    for (size_t at = 0; at < len && rc == ROT_OK; at += 32) {
        const struct rot_bytes parts[] = {{key, 32}, {nonce + at / 2, 16}};

        rc = hash(port, parts, 2, mask);
        for (size_t i = 0; i < 32 && rc == ROT_OK; i++)
            p[at + i] ^= mask[i];
    }
    rot_wipe_memory(mask, sizeof(mask));
    return rc;
}

/* ---- A session of one command ---------------------------------------------------------- */

rot_err
atecc_load_serial(struct rot_chip *chip)
{
    struct atecc_state *s = state_of(chip);
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc = atecc_read_config(chip, config);

    if (rc != ROT_OK)
        return rc;
    memcpy(s->serial, config, 4);
    memcpy(s->serial + 4, config + 8, 5);
    return ROT_OK;
}

rot_err
atecc_nonce(struct rot_chip *chip, uint8_t tempkey[32])
{
    const struct rot_port *port = chip->setup.port;
    uint8_t num_in[20], random[32];
    struct atecc_command c = {.op = ATECC_OP_NONCE, .data = num_in, .data_len = sizeof(num_in)};
    rot_err rc;

    if (port->ops->random == NULL)
        return ROT_E_PORT;
    rc = port->ops->random(port->self, num_in, sizeof(num_in));
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, random, sizeof(random));
    return rc == ROT_OK ? atecc_nonce_digest(port, random, num_in, tempkey) : rc;
}

/* TempKey becomes what only the two who know the key can tell. */
static rot_err
agree_on_tempkey(struct rot_chip *chip, uint8_t tempkey[32])
{
    struct atecc_state *s = state_of(chip);
    const uint16_t slot = (uint16_t)atecc_io_slot(chip->setup.layout);
    struct atecc_command c = {.op = ATECC_OP_GENDIG, .p1 = 0x02, .p2 = slot};
    const struct atecc_mac_input in = {ATECC_OP_GENDIG, 0x02, slot, s->serial};
    rot_err rc = s->has_io ? atecc_nonce(chip, tempkey) : ROT_E_AUTH;

    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, NULL, 0);
    return rc == ROT_OK ? atecc_chain_digest(chip->setup.port, &in, s->io_key, tempkey, tempkey)
                        : rc;
}

rot_err
atecc_read_hidden(struct rot_chip *chip, uint16_t address, uint8_t out[32])
{
    struct atecc_command c = {.op = ATECC_OP_READ, .p1 = 0x82, .p2 = address};
    uint8_t tempkey[32];
    rot_err rc = agree_on_tempkey(chip, tempkey);

    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, out, 32);
    for (unsigned i = 0; i < 32 && rc == ROT_OK; i++)
        out[i] ^= tempkey[i];
    rot_wipe_memory(tempkey, sizeof(tempkey));
    return rc;
}

rot_err
atecc_write_hidden(struct rot_chip *chip, uint16_t address, const uint8_t in[32])
{
    const struct atecc_mac_input in_mac = {ATECC_OP_WRITE, 0xc2, address, state_of(chip)->serial};
    uint8_t tempkey[32], data[64];
    struct atecc_command c = {ATECC_OP_WRITE, 0xc2, address, data, sizeof(data)};
    rot_err rc = agree_on_tempkey(chip, tempkey);

    for (unsigned i = 0; i < 32 && rc == ROT_OK; i++)
        data[i] = in[i] ^ tempkey[i];
    if (rc == ROT_OK)
        rc = atecc_chain_digest(chip->setup.port, &in_mac, tempkey, in, data + 32);
    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, NULL, 0);
    rot_wipe_memory(tempkey, sizeof(tempkey));
    rot_wipe_memory(data, sizeof(data));
    return rc;
}

/* ---- The key itself ------------------------------------------------------------------------ */

static void
believe(struct rot_chip *chip, const uint8_t *key)
{
    struct atecc_state *s = state_of(chip);

    s->has_io = key != NULL;
    chip->protection = s->has_io ? ROT_PROTECTION_OWN : ROT_PROTECTION_NONE;
    if (s->has_io)
        memmove(s->io_key, key, 32);
    else
        rot_wipe_memory(s->io_key, 32);
}

/*
 * ROT_OK: the part has it, and is spoken to by it from now on.  ROT_E_AUTH: it has
 * another, or none.  ROT_E_STATE: it does not use keys yet.
 */
static rot_err
try_key(struct rot_chip *chip, const uint8_t key[32])
{
    const uint16_t slot = (uint16_t)atecc_io_slot(chip->setup.layout);
    struct atecc_command c = {.op = ATECC_OP_MAC, .p1 = 0x41, .p2 = slot};
    const struct atecc_mac_input in = {ATECC_OP_MAC, 0x41, slot, state_of(chip)->serial};
    uint8_t tempkey[32], want[32], got[32];
    rot_err rc = atecc_nonce(chip, tempkey);

    if (rc == ROT_OK)
        rc = atecc_run(chip, &c, got, sizeof(got));
    if (rc == ROT_E_CHIP)
        return ROT_E_STATE;
    if (rc == ROT_OK)
        rc = atecc_mac_digest(chip->setup.port, &in, key, tempkey, want);
    if (rc != ROT_OK)
        return rc;
    if (!rot_equal(got, want, 32))
        return ROT_E_AUTH;
    believe(chip, key);
    return ROT_OK;
}

/* A part that was never given the key is spoken to in the clear. */
rot_err
atecc_io_open(struct rot_chip *chip)
{
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes uid = {state_of(chip)->serial, 9};
    uint8_t key[32], config[ATECC_CONFIG_SIZE];
    rot_err rc;

    if (port->ops->channel_secret == NULL)
        return ROT_OK;
    rc = atecc_load_serial(chip);
    if (rc == ROT_OK)
        rc = port->ops->channel_secret(port->self, "atecc", uid, key, sizeof(key));
    if (rc != ROT_OK)
        return rc == ROT_E_EMPTY ? ROT_OK : rc;
    rc = atecc_read_config(chip, config);
    if (rc == ROT_OK && atecc_is_config_locked(config))
        rc = try_key(chip, key);
    rot_wipe_memory(key, sizeof(key));
    chip->raw_status = 0;
    return rc == ROT_E_AUTH || rc == ROT_E_STATE ? ROT_OK : rc;
}

/* The slot takes it in the clear, until it is locked: what was cut is written again. */
static rot_err
replace_key(struct rot_chip *chip, const uint8_t *config, const uint8_t *key)
{
    const unsigned slot = atecc_io_slot(chip->setup.layout);
    struct atecc_command c = {ATECC_OP_WRITE, 0x82, (uint16_t)(slot << 3), key, 32};
    rot_err rc = atecc_run(chip, &c, NULL, 0);

    if (rc != ROT_OK)
        return rc;
    believe(chip, NULL); /* whatever it was, it is gone */
    rc = try_key(chip, key);
    /* Before the data zone is locked a part may use no key; that it took this one must do. */
    if (rc == ROT_E_STATE && !atecc_is_data_locked(config)) {
        believe(chip, key);
        rc = ROT_OK;
    }
    return rc;
}

rot_err
atecc_channel_has(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    rot_err rc = secret_len == 32 ? atecc_load_serial(chip) : ROT_E_ARG;

    if (rc == ROT_OK)
        rc = try_key(chip, secret);
    chip->raw_status = 0;
    return rc == ROT_E_STATE ? ROT_E_AUTH : rc;
}

rot_err
atecc_channel_rotate(struct rot_chip *chip, const uint8_t *secret, size_t secret_len)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    int is_closed;
    rot_err rc = secret_len == 32 ? atecc_load_serial(chip) : ROT_E_ARG;

    atecc_forget_config(chip, ATECC_BLOCK_LOCKS);
    if (rc == ROT_OK)
        rc = atecc_read_config(chip, config);
    if (rc != ROT_OK)
        return rc;
    if (!atecc_is_config_locked(config))
        return ROT_E_STATE; /* no slot can be written yet */
    is_closed = atecc_is_slot_locked(config, atecc_io_slot(chip->setup.layout));
    rc = is_closed || state_of(chip)->has_io ? try_key(chip, secret) : ROT_E_AUTH;
    if (rc == ROT_E_AUTH || rc == ROT_E_STATE)
        rc = is_closed ? ROT_E_STATE : replace_key(chip, config, secret);
    if (rc == ROT_OK)
        chip->raw_status = 0;
    return rc;
}
