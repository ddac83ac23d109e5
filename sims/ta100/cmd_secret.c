/*
 * cmd_secret.c: KDF, MAC, AES-GCM: what is done with symmetric keys and registers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/ta100/chip.h"

#define HASH_SIZE  32
#define FIELD_MAX  256
#define NONCE_SIZE 12
#define TAG_SIZE   16
#define INPUT_MAX  (2 * FIELD_MAX + 2 * TA100_SECRET_MAX)

enum {
    KDF_HKDF = 0,
    KDF_PRF = 1,
    KDF_COUNTER = 2,
    KDF_ONE_STEP = 3,
};

enum {
    MAC_HMAC = 0,
    MAC_CMAC = 1,
};

enum {
    GCM_SEAL = 0,
    GCM_OPEN = 1,
};

/* A register's secret, or the symmetric element of this type that may do this. */
static int
find_secret(struct ta100_chip *c, unsigned handle, unsigned property, unsigned type,
            struct rs_bytes *ret_secret)
{
    const struct ta100_register *r = ta100_find_register(c, handle);
    const struct ta100_element *e = ta100_find(&c->nvm, handle);

    if (r != NULL) {
        if (r->len == 0 || r->is_private)
            return TA100_P_E_EMPTY;
        *ret_secret = rs_bytes_of(r->value, r->len);
        return TA100_P_OK;
    }
    if (e == NULL || TA100_CLASS(&e->attributes) != TA100_CLASS_SYMMETRIC ||
        TA100_TYPE(&e->attributes) != type)
        return TA100_P_E_HANDLE;
    if (!(e->attributes.property & property) || !ta100_allows(e, TA100_P_USE_SHIFT))
        return TA100_P_E_DENIED;
    if (!e->filled)
        return TA100_P_E_EMPTY;
    *ret_secret = rs_bytes_of(c->nvm.memory + e->at, e->size);
    return TA100_P_OK;
}

/* ---- KDF --------------------------------------------------------------------------------------- */

struct kdf_input {
    struct rs_bytes secret, first, second; /* salt or label; info, seed or context */
    size_t len;
};

static int
kdf_hkdf(const struct kdf_input *k, uint8_t *out)
{
    uint8_t prk[HASH_SIZE];

    return sim_hkdf_extract(k->first, k->secret, prk) &&
           sim_hkdf_expand(prk, k->second, out, k->len);
}

static void
put_block(uint8_t *out, size_t len, size_t at, const uint8_t block[HASH_SIZE])
{
    size_t n = len - at < HASH_SIZE ? len - at : HASH_SIZE;

    memcpy(out + at, block, n);
}

/* RFC 5246 5: A(i) = HMAC(A(i-1)), output HMAC(A(i), label, seed). */
static int
kdf_prf(const struct kdf_input *k, uint8_t *out)
{
    uint8_t a[HASH_SIZE], block[HASH_SIZE], room[INPUT_MAX];
    struct rs_buf b;
    int ok;

    rs_buf_init_fixed(&b, room, sizeof(room));
    rs_buf_put_bytes(&b, k->first);
    rs_buf_put_bytes(&b, k->second);
    ok = rs_buf_ok(&b) && sim_hmac_sha256(k->secret, rs_buf_bytes(&b), a);
    for (size_t at = 0; ok && at < k->len; at += HASH_SIZE) {
        rs_buf_reset(&b);
        rs_buf_put(&b, a, sizeof(a));
        rs_buf_put_bytes(&b, k->first);
        rs_buf_put_bytes(&b, k->second);
        ok = rs_buf_ok(&b) && sim_hmac_sha256(k->secret, rs_buf_bytes(&b), block) &&
             sim_hmac_sha256(k->secret, RS_BYTES(a), a);
        put_block(out, k->len, at, block);
    }
    return ok;
}

/* SP 800-108 4.1: HMAC(i, label, 00, context, length in bits), all counters of 32 bits. */
static int
kdf_counter(const struct kdf_input *k, uint8_t *out)
{
    uint8_t block[HASH_SIZE], room[INPUT_MAX];
    struct rs_buf b;
    int ok = 1;

    rs_buf_init_fixed(&b, room, sizeof(room));
    for (size_t at = 0; ok && at < k->len; at += HASH_SIZE) {
        rs_buf_reset(&b);
        rs_buf_put_u32(&b, (uint32_t)(at / HASH_SIZE + 1));
        rs_buf_put_bytes(&b, k->first);
        rs_buf_put_u8(&b, 0);
        rs_buf_put_bytes(&b, k->second);
        rs_buf_put_u32(&b, (uint32_t)(8 * k->len));
        ok = rs_buf_ok(&b) && sim_hmac_sha256(k->secret, rs_buf_bytes(&b), block);
        put_block(out, k->len, at, block);
    }
    return ok;
}

/* SP 800-56C 4.1, option 1: SHA-256(i, secret, first, second). */
static int
kdf_one_step(const struct kdf_input *k, uint8_t *out)
{
    uint8_t block[SIM_DIGEST_MAX], room[INPUT_MAX];
    struct rs_buf b;
    int ok = 1;

    rs_buf_init_fixed(&b, room, sizeof(room));
    for (size_t at = 0; ok && at < k->len; at += HASH_SIZE) {
        rs_buf_reset(&b);
        rs_buf_put_u32(&b, (uint32_t)(at / HASH_SIZE + 1));
        rs_buf_put_bytes(&b, k->secret);
        rs_buf_put_bytes(&b, k->first);
        rs_buf_put_bytes(&b, k->second);
        ok = rs_buf_ok(&b) && sim_hash(SIM_HASH_SHA256, rs_buf_bytes(&b), block) == HASH_SIZE;
        put_block(out, k->len, at, block);
    }
    return ok;
}

static int
run_kdf(unsigned mode, const struct kdf_input *k, uint8_t *out)
{
    static int (*const kdfs[])(const struct kdf_input *, uint8_t *) = {
        [KDF_HKDF] = kdf_hkdf,
        [KDF_PRF] = kdf_prf,
        [KDF_COUNTER] = kdf_counter,
        [KDF_ONE_STEP] = kdf_one_step,
    };

    return kdfs[mode](k, out);
}

/* Target 0: into the answer, from registers only. */
int
ta100_do_kdf(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
             struct rs_buf *out)
{
    unsigned target = rs_read_u16(in);
    struct ta100_register *to = ta100_find_register(c, target);
    struct kdf_input k = {.len = rs_read_u16(in)};
    uint8_t derived[TA100_SECRET_MAX];
    int status;

    k.first = rs_read_u16_bytes(in, FIELD_MAX);
    k.second = rs_read_u16_bytes(in, FIELD_MAX);
    if (!rs_reader_done(in))
        return TA100_P_E_LENGTH;
    if (cmd->mode > KDF_ONE_STEP)
        return TA100_P_E_MODE;
    if (k.len == 0 || k.len > sizeof(derived))
        return TA100_P_E_RANGE;
    if (target != 0 && to == NULL)
        return TA100_P_E_HANDLE;
    status = find_secret(c, cmd->handle, TA100_P_DERIVE, TA100_TYPE_HMAC, &k.secret);
    if (status != TA100_P_OK)
        return status;
    if (to == NULL && ta100_find_register(c, cmd->handle) == NULL)
        return TA100_P_E_DENIED;
    if (!run_kdf(cmd->mode, &k, derived))
        return TA100_P_E_FAILED;
    if (to == NULL) {
        rs_buf_put(out, derived, k.len);
        return TA100_P_OK;
    }
    *to = (struct ta100_register){.len = (uint8_t)k.len};
    memcpy(to->value, derived, k.len);
    return TA100_P_OK;
}

/* ---- MAC, GCM ------------------------------------------------------------------------------------ */

/* An AES key: of an element, or a register of the right length. */
static int
find_aes(struct ta100_chip *c, unsigned handle, struct sim_aes *aes)
{
    struct rs_bytes key;
    int status = find_secret(c, handle, TA100_P_MAC_OR_SEAL, TA100_TYPE_AES128, &key);

    if (status != TA100_P_OK)
        return status;
    *aes = (struct sim_aes){key.p, key.len};
    return key.len == 16 || key.len == 32 ? TA100_P_OK : TA100_P_E_KEY;
}

int
ta100_do_mac(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
             struct rs_buf *out)
{
    struct rs_bytes message = rs_read_bytes(in, in->left), key;
    struct sim_aes aes;
    uint8_t mac[HASH_SIZE];
    int ok, status;

    if (cmd->mode > MAC_CMAC)
        return TA100_P_E_MODE;
    status = cmd->mode == MAC_HMAC
                 ? find_secret(c, cmd->handle, TA100_P_MAC_OR_SEAL, TA100_TYPE_HMAC, &key)
                 : find_aes(c, cmd->handle, &aes);
    if (status != TA100_P_OK)
        return status;
    ok = cmd->mode == MAC_HMAC ? sim_hmac_sha256(key, message, mac)
                               : sim_aes_cmac(aes, message, mac);
    rs_buf_put(out, mac, cmd->mode == MAC_HMAC ? HASH_SIZE : SIM_AES_BLOCK);
    return ok ? TA100_P_OK : TA100_P_E_FAILED;
}

static int
gcm_seal(const struct sim_aead_input *how, struct rs_bytes message, struct rs_buf *out)
{
    uint8_t *room = rs_buf_extend(out, message.len + TAG_SIZE);

    if (room == NULL)
        return TA100_P_E_RANGE;
    return sim_aead_seal(how, message, room, room + message.len) ? TA100_P_OK : TA100_P_E_FAILED;
}

static int
gcm_open(const struct sim_aead_input *how, struct rs_bytes sealed, struct rs_buf *out)
{
    struct rs_bytes message = {sealed.p, sealed.len - TAG_SIZE};
    uint8_t plain[TA100_P_PACKET_MAX];

    if (!sim_aead_open(how, message, sealed.p + message.len, plain))
        return TA100_P_E_CHECK;
    rs_buf_put(out, plain, message.len);
    return TA100_P_OK;
}

int
ta100_do_gcm(struct ta100_chip *c, const struct ta100_command *cmd, struct rs_reader *in,
             struct rs_buf *out)
{
    struct sim_aead_input how = {
        .mode = SIM_AEAD_GCM, .nonce = rs_read_bytes(in, NONCE_SIZE), .tag_len = TAG_SIZE};
    struct rs_bytes rest;
    int status;

    how.aad = rs_read_u16_bytes(in, TA100_P_PACKET_MAX);
    rest = rs_read_bytes(in, in->left);
    if (cmd->mode > GCM_OPEN)
        return TA100_P_E_MODE;
    if (!rs_reader_ok(in) || (cmd->mode == GCM_OPEN && rest.len < TAG_SIZE))
        return TA100_P_E_LENGTH;
    status = find_aes(c, cmd->handle, &how.aes);
    if (status != TA100_P_OK)
        return status;
    return cmd->mode == GCM_SEAL ? gcm_seal(&how, rest, out) : gcm_open(&how, rest, out);
}
