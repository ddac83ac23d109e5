/*
 * cmd_cipher.c: what an A120 does with symmetric keys: write, erase, MAC, encrypt.
 *
 * A key is for one mode, which its command finds with it: no command names one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/crypto.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define MAKE_MAC      0x03
#define CHECK_MAC     0x02
#define CIPHER        0x02
#define MAC_MIN       4u
#define GENERIC_MIN   16u
#define CCM_NONCE     13u
#define CCM_COUNTER   0x80u
#define GCM_NONCE_MAX 64u

/* ---- Keys in and out ------------------------------------------------------------------------ */

static int
limit_ok(const struct stsafe_symmetric *key)
{
    switch (key->mode) {
    case STSAFE_MODE_CCM:
        return key->limit == 4 || key->limit == 8 || key->limit == 16;
    case STSAFE_MODE_GCM:
        return key->limit == 4 || key->limit == 8 || (key->limit >= 12 && key->limit <= 16);
    case STSAFE_MODE_CMAC:
        return key->limit >= MAC_MIN && key->limit <= SIM_AES_BLOCK;
    case STSAFE_MODE_HMAC:
        return key->limit >= MAC_MIN && key->limit <= 32;
    case STSAFE_MODE_HKDF:
        return key->limit <= 1;
    default:
        return 1;
    }
}

static int
info_ok(const struct stsafe_symmetric *key, unsigned usage)
{
    int is_generic = key->type == STSAFE_TYPE_GENERIC;

    return key->lock <= STSAFE_ERASABLE && key->mode <= STSAFE_MODE_HMAC && usage <= 0x7F &&
           is_generic == (key->mode >= STSAFE_MODE_HKDF) && limit_ok(key) &&
           (!is_generic || (key->len >= GENERIC_MIN && key->len <= SIM_AES_MAX));
}

int
stsafe_read_key_info(struct rs_reader *in, struct stsafe_symmetric *key, unsigned *ret_slot)
{
    unsigned usage, counter = 0;

    *key = (struct stsafe_symmetric){.present = 1, .lock = (uint8_t)rs_read_u8(in)};
    if (ret_slot != NULL)
        *ret_slot = rs_read_u8(in);
    key->type = (uint8_t)rs_read_u8(in);
    key->mode = (uint8_t)rs_read_u8(in);
    usage = rs_read_u16(in);
    if (key->mode != STSAFE_MODE_ECB)
        key->limit = (uint8_t)rs_read_u8(in);
    if (key->mode == STSAFE_MODE_CCM)
        counter = rs_read_u8(in);
    if (key->type == STSAFE_TYPE_GENERIC)
        key->len = (uint8_t)rs_read_u8(in);
    else
        key->len = key->type == STSAFE_TYPE_AES256 ? 32 : 16;
    key->usage = (uint8_t)usage;
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (key->type > STSAFE_TYPE_GENERIC || !info_ok(key, usage))
        return STSAFE_U_RANGE_STATUS;
    return counter & CCM_COUNTER ? STSAFE_U_CCM_COUNTER_STATUS : STSAFE_OK;
}

int
stsafe_read_key(struct rs_reader *in, struct stsafe_symmetric *key, unsigned *ret_slot)
{
    int status = stsafe_read_key_info(in, key, ret_slot);
    struct rs_bytes value;

    if (status != STSAFE_OK)
        return status;
    value = rs_read_bytes(in, key->len);
    if (!rs_reader_done(in))
        return STSAFE_U_LENGTH_STATUS;
    memcpy(key->key, value.p, value.len);
    return STSAFE_OK;
}

int
stsafe_symmetric_place(const struct stsafe_chip *c, unsigned slot, int is_open)
{
    if (slot >= c->spec->symmetric_slots)
        return STSAFE_U_RANGE_STATUS;
    if (!is_open ||
        (c->nvm.symmetric[slot].present && c->nvm.symmetric[slot].lock != STSAFE_UNLOCKED))
        return STSAFE_ACCESS;
    return STSAFE_OK;
}

int
stsafe_do_symmetric_plain(struct stsafe_chip *c, const struct stsafe_command *cmd,
                          struct rs_reader *in, struct rs_buf *out)
{
    struct stsafe_symmetric key;
    unsigned slot = 0;
    int status = stsafe_read_key(in, &key, &slot);

    (void)cmd;
    (void)out;
    if (status == STSAFE_OK)
        status = stsafe_symmetric_place(
            c, slot,
            c->nvm.symmetric_control[slot % STSAFE_SYMMETRIC_MAX].flags & STSAFE_SYMMETRIC_PLAIN);
    if (status == STSAFE_OK)
        status = stsafe_store_whole(c, &c->nvm.symmetric[slot], &key, sizeof(key));
    return status;
}

int
stsafe_do_symmetric_erase(struct stsafe_chip *c, const struct stsafe_command *cmd,
                          struct rs_reader *in, struct rs_buf *out)
{
    const struct stsafe_symmetric empty = {.present = 0};
    unsigned slot = rs_read_u8(in);
    int status = stsafe_read_end(in);

    (void)cmd;
    (void)out;
    if (status != STSAFE_OK)
        return status;
    if (slot >= c->spec->symmetric_slots)
        return STSAFE_U_RANGE_STATUS;
    if (!c->nvm.symmetric[slot].present)
        return STSAFE_KEY_NOT_FOUND;
    if (c->nvm.symmetric[slot].lock == STSAFE_LOCKED)
        return STSAFE_ACCESS;
    return stsafe_store_whole(c, &c->nvm.symmetric[slot], &empty, sizeof(empty));
}

/* Slot of a key that is there and was made for this use. */
static int
find_key(struct stsafe_chip *c, unsigned slot, unsigned use, struct stsafe_symmetric **ret_key)
{
    if (slot >= c->spec->symmetric_slots)
        return STSAFE_U_RANGE_STATUS;
    if (!c->nvm.symmetric[slot].present)
        return STSAFE_KEY_NOT_FOUND;
    if ((c->nvm.symmetric[slot].usage & use) != use)
        return STSAFE_U_USAGE_STATUS;
    *ret_key = &c->nvm.symmetric[slot];
    return STSAFE_OK;
}

int
stsafe_find_symmetric(struct stsafe_chip *c, unsigned slot, unsigned mode, unsigned use,
                      struct stsafe_symmetric **ret_key)
{
    int status = find_key(c, slot, use, ret_key);

    return status == STSAFE_OK && (*ret_key)->mode != mode ? STSAFE_U_USAGE_STATUS : status;
}

static struct sim_aes
aes_of(const struct stsafe_symmetric *key)
{
    return (struct sim_aes){key->key, key->len};
}

/* ---- MAC -------------------------------------------------------------------------------------- */

/* Subject, slot, length of the MAC. */
static int
start_mac(struct stsafe_chip *c, struct rs_reader *in, unsigned subject, unsigned use,
          struct stsafe_symmetric **ret_key, size_t *ret_len)
{
    unsigned given = rs_read_u8(in), slot = rs_read_u8(in), len = rs_read_u8(in);
    unsigned most = SIM_AES_BLOCK;
    int status;

    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (given != subject)
        return STSAFE_U_RANGE_STATUS;
    status = find_key(c, slot, use, ret_key);
    if (status != STSAFE_OK)
        return status;
    if ((*ret_key)->mode == STSAFE_MODE_HMAC)
        most = 32;
    else if ((*ret_key)->mode != STSAFE_MODE_CMAC)
        return STSAFE_U_USAGE_STATUS;
    if (len < MAC_MIN || len > most || (use == STSAFE_USE_VERIFY && len < (*ret_key)->limit))
        return STSAFE_MAC_LENGTH;
    *ret_len = len;
    return STSAFE_OK;
}

static int
make_mac(const struct stsafe_symmetric *key, struct rs_bytes message, uint8_t mac[32])
{
    return key->mode == STSAFE_MODE_HMAC
               ? sim_hmac_sha256(rs_bytes_of(key->key, key->len), message, mac)
               : sim_aes_cmac(aes_of(key), message, mac);
}

int
stsafe_do_make_mac(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    struct stsafe_symmetric *key;
    uint8_t mac[32];
    size_t len;
    int status = start_mac(c, in, MAKE_MAC, STSAFE_USE_MAC, &key, &len);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    if (!make_mac(key, rs_read_bytes(in, in->left), mac))
        return STSAFE_UNEXPECTED;
    rs_buf_put(out, mac, len);
    return STSAFE_OK;
}

int
stsafe_do_check_mac(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                    struct rs_buf *out)
{
    struct stsafe_symmetric *key;
    struct rs_bytes given;
    uint8_t mac[32];
    size_t len;
    int status = start_mac(c, in, CHECK_MAC, STSAFE_USE_VERIFY, &key, &len);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    given = rs_read_bytes(in, len);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (!make_mac(key, rs_read_bytes(in, in->left), mac))
        return STSAFE_UNEXPECTED;
    rs_buf_put_u8(out, CRYPTO_memcmp(mac, given.p, len) == 0);
    return STSAFE_OK;
}

/* ---- Encrypt, Decrypt -------------------------------------------------------------------------- */

struct cipher_request {
    struct stsafe_symmetric *key;
    struct sim_aead_input aead;
    struct rs_bytes message, tag; /* tag: of a Decrypt */
};

/*
 * Nonce, associated data, message, and when decrypting the tag, which the length of a CCM message
 * includes and that of a GCM message does not.
 */
static void
read_aead(struct rs_reader *in, struct cipher_request *r, int with_tag)
{
    int is_ccm = r->key->mode == STSAFE_MODE_CCM;

    r->aead.mode = is_ccm ? SIM_AEAD_CCM : SIM_AEAD_GCM;
    r->aead.aes = aes_of(r->key);
    r->aead.tag_len = r->key->limit;
    r->aead.nonce = is_ccm ? rs_read_bytes(in, CCM_NONCE) : rs_read_u16_bytes(in, GCM_NONCE_MAX);
    r->aead.aad = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    r->message = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    if (!with_tag)
        return;
    if (!is_ccm) {
        r->tag = rs_read_bytes(in, r->aead.tag_len);
    } else if (r->message.len < r->aead.tag_len) {
        in->failed = 1;
    } else {
        r->message.len -= r->aead.tag_len;
        r->tag = rs_bytes_of(r->message.p + r->message.len, r->aead.tag_len);
    }
}

static int
read_request(struct stsafe_chip *c, struct rs_reader *in, struct cipher_request *r, int decrypt)
{
    unsigned subject = rs_read_u8(in), slot = rs_read_u8(in);
    int status;

    memset(r, 0, sizeof(*r));
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (subject != CIPHER)
        return STSAFE_U_RANGE_STATUS;
    status = find_key(c, slot, decrypt ? STSAFE_USE_DECRYPT : STSAFE_USE_ENCRYPT, &r->key);
    if (status != STSAFE_OK)
        return status;
    if (r->key->mode == STSAFE_MODE_ECB)
        r->message = rs_read_bytes(in, in->left);
    else if (r->key->mode == STSAFE_MODE_CCM || r->key->mode == STSAFE_MODE_GCM)
        read_aead(in, r, decrypt);
    else
        return STSAFE_U_USAGE_STATUS;
    status = stsafe_read_end(in);
    if (status != STSAFE_OK || (r->key->mode == STSAFE_MODE_GCM && r->aead.nonce.len == 0) ||
        (r->key->mode == STSAFE_MODE_ECB &&
         (r->message.len == 0 || r->message.len % SIM_AES_BLOCK != 0)))
        return STSAFE_U_LENGTH_STATUS;
    return STSAFE_OK;
}

int
stsafe_do_encrypt(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                  struct rs_buf *out)
{
    struct cipher_request r;
    int is_ecb, status = read_request(c, in, &r, 0);
    uint8_t *room;

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    is_ecb = r.key->mode == STSAFE_MODE_ECB;
    room = rs_buf_extend(out, r.message.len + (is_ecb ? 0 : r.aead.tag_len));
    if (room == NULL)
        return STSAFE_U_LONG_FRAME_STATUS;
    if (is_ecb ? !sim_aes_ecb(aes_of(r.key), 1, r.message, room)
               : !sim_aead_seal(&r.aead, r.message, room, room + r.message.len))
        return STSAFE_UNEXPECTED;
    if (r.key->mode == STSAFE_MODE_CCM)
        rs_buf_put_u8(out, 0); /* no counter follows */
    return STSAFE_OK;
}

/* ECB: the message.  Others: 1 and the message, or 0 and nothing. */
int
stsafe_do_decrypt(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                  struct rs_buf *out)
{
    struct cipher_request r;
    uint8_t plain[STSAFE_FRAME_MAX];
    int is_ecb, ok, status = read_request(c, in, &r, 1);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    is_ecb = r.key->mode == STSAFE_MODE_ECB;
    ok = is_ecb ? sim_aes_ecb(aes_of(r.key), 0, r.message, plain)
                : sim_aead_open(&r.aead, r.message, r.tag.p, plain);
    if (!is_ecb)
        rs_buf_put_u8(out, ok != 0);
    if (ok)
        rs_buf_put(out, plain, r.message.len);
    return STSAFE_OK;
}
