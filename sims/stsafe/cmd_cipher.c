/*
 * cmd_cipher.c: what an A120 does with symmetric keys: write, erase, MAC, encrypt.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/crypto.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define MAKE_MAC      0x03
#define CHECK_MAC     0x02
#define MAC_MIN       4u
#define CCM_NONCE     13u
#define GCM_NONCE_MAX 64u

/* ---- Keys in and out ------------------------------------------------------------------------ */

static int
may_write(const struct stsafe_chip *c, unsigned slot)
{
    unsigned flags = c->nvm.symmetric_control[slot].flags;

    return flags & STSAFE_CONTROL_PLAIN &&
           (!c->nvm.symmetric[slot].present || flags & STSAFE_CONTROL_REPROVISION);
}

static size_t
key_len(const struct stsafe_symmetric *key)
{
    return key->type == STSAFE_U_TYPE_AES256 ? 32 : 16;
}

static int
info_ok(const struct stsafe_symmetric *key)
{
    int tag_ok = key->tag_len >= MAC_MIN && key->tag_len <= SIM_AES_BLOCK && key->tag_len % 2 == 0;

    return (key->type == STSAFE_U_TYPE_AES128 || key->type == STSAFE_U_TYPE_AES256) &&
           key->mode >= STSAFE_U_CIPHER_CCM && key->mode <= STSAFE_U_CIPHER_GCM && tag_ok;
}

int
stsafe_do_symmetric_plain(struct stsafe_chip *c, const struct stsafe_command *cmd,
                          struct rs_reader *in, struct rs_buf *out)
{
    struct stsafe_symmetric key = {.present = 1};
    unsigned slot = rs_read_u8(in);
    struct rs_bytes value;

    (void)cmd;
    (void)out;
    key.uses = (uint16_t)rs_read_u16(in);
    key.type = (uint8_t)rs_read_u8(in);
    key.mode = (uint8_t)rs_read_u8(in);
    key.tag_len = (uint8_t)rs_read_u8(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (slot >= c->spec->symmetric_slots || !info_ok(&key))
        return STSAFE_U_RANGE_STATUS;
    value = rs_read_bytes(in, key_len(&key));
    if (!rs_reader_done(in))
        return STSAFE_U_LENGTH_STATUS;
    if (!may_write(c, slot))
        return STSAFE_ACCESS;
    memcpy(key.key, value.p, value.len);
    return stsafe_store_whole(c, &c->nvm.symmetric[slot], &key, sizeof(key));
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
    return stsafe_store_whole(c, &c->nvm.symmetric[slot], &empty, sizeof(empty));
}

/* A key that is there, for the mode, with uses left (which are not spent yet). */
static int
find_key(struct stsafe_chip *c, unsigned slot, unsigned mode, struct stsafe_symmetric **ret_key)
{
    struct stsafe_symmetric *key;

    if (slot >= c->spec->symmetric_slots)
        return STSAFE_U_RANGE_STATUS;
    key = &c->nvm.symmetric[slot];
    if (!key->present)
        return STSAFE_KEY_NOT_FOUND;
    if (key->mode != mode)
        return STSAFE_U_KEY_MODE_STATUS;
    *ret_key = key;
    return STSAFE_OK;
}

static struct sim_aes
aes_of(const struct stsafe_symmetric *key)
{
    return (struct sim_aes){key->key, key_len(key)};
}

/* ---- MAC -------------------------------------------------------------------------------------- */

/* Subject, slot, length of the MAC; the key's use is spent. */
static int
start_mac(struct stsafe_chip *c, struct rs_reader *in, unsigned subject,
          struct stsafe_symmetric **ret_key, size_t *ret_len)
{
    unsigned given = rs_read_u8(in), slot = rs_read_u8(in), len = rs_read_u8(in);
    int status;

    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (given != subject)
        return STSAFE_U_RANGE_STATUS;
    if (len < MAC_MIN || len > SIM_AES_BLOCK)
        return STSAFE_MAC_LENGTH;
    status = find_key(c, slot, STSAFE_U_CIPHER_CMAC, ret_key);
    *ret_len = len;
    return status;
}

int
stsafe_do_make_mac(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                   struct rs_buf *out)
{
    struct stsafe_symmetric *key;
    uint8_t mac[SIM_AES_BLOCK];
    size_t len;
    int status = start_mac(c, in, MAKE_MAC, &key, &len);

    (void)cmd;
    if (status == STSAFE_OK)
        status = stsafe_spend(c, &key->uses);
    if (status != STSAFE_OK)
        return status;
    if (!sim_aes_cmac(aes_of(key), rs_read_bytes(in, in->left), mac))
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
    uint8_t mac[SIM_AES_BLOCK];
    size_t len;
    int status = start_mac(c, in, CHECK_MAC, &key, &len);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    given = rs_read_bytes(in, len);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    status = stsafe_spend(c, &key->uses);
    if (status != STSAFE_OK)
        return status;
    if (!sim_aes_cmac(aes_of(key), rs_read_bytes(in, in->left), mac))
        return STSAFE_UNEXPECTED;
    rs_buf_put_u8(out, CRYPTO_memcmp(mac, given.p, len) == 0);
    return STSAFE_OK;
}

/* ---- Encrypt, Decrypt -------------------------------------------------------------------------- */

struct cipher_request {
    unsigned mode;
    struct stsafe_symmetric *key;
    struct sim_aead_input aead;
    struct rs_bytes message, tag; /* tag: of a Decrypt */
};

/* Nonce, associated data, message, and when decrypting the tag. */
static void
read_aead(struct rs_reader *in, struct cipher_request *r, int with_tag)
{
    int is_ccm = r->mode == STSAFE_U_CIPHER_CCM;

    r->aead.mode = is_ccm ? SIM_AEAD_CCM : SIM_AEAD_GCM;
    r->aead.aes = aes_of(r->key);
    r->aead.tag_len = r->key->tag_len;
    r->aead.nonce = is_ccm ? rs_read_bytes(in, CCM_NONCE) : rs_read_u16_bytes(in, GCM_NONCE_MAX);
    r->aead.aad = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    r->message = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    if (with_tag)
        r->tag = rs_read_bytes(in, r->aead.tag_len);
}

static int
read_request(struct stsafe_chip *c, struct rs_reader *in, struct cipher_request *r, int with_tag)
{
    unsigned slot;
    int status;

    memset(r, 0, sizeof(*r));
    r->mode = rs_read_u8(in);
    slot = rs_read_u8(in);
    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (r->mode == STSAFE_U_CIPHER_CMAC)
        return STSAFE_U_KEY_MODE_STATUS;
    status = find_key(c, slot, r->mode, &r->key);
    if (status != STSAFE_OK)
        return status;
    if (r->mode == STSAFE_U_CIPHER_ECB)
        r->message = rs_read_bytes(in, in->left);
    else
        read_aead(in, r, with_tag);
    status = stsafe_read_end(in);
    if (status != STSAFE_OK || (r->mode == STSAFE_U_CIPHER_GCM && r->aead.nonce.len == 0) ||
        (r->mode == STSAFE_U_CIPHER_ECB &&
         (r->message.len == 0 || r->message.len % SIM_AES_BLOCK != 0)))
        return STSAFE_U_LENGTH_STATUS;
    return stsafe_spend(c, &r->key->uses);
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
    is_ecb = r.mode == STSAFE_U_CIPHER_ECB;
    room = rs_buf_extend(out, r.message.len + (is_ecb ? 0 : r.aead.tag_len));
    if (room == NULL)
        return STSAFE_U_LONG_FRAME_STATUS;
    if (is_ecb ? !sim_aes_ecb(aes_of(r.key), 1, r.message, room)
               : !sim_aead_seal(&r.aead, r.message, room, room + r.message.len))
        return STSAFE_UNEXPECTED;
    return STSAFE_OK;
}

/* 1 and the message, or 0 and nothing. */
int
stsafe_do_decrypt(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,
                  struct rs_buf *out)
{
    struct cipher_request r;
    uint8_t plain[STSAFE_FRAME_MAX];
    int ok, status = read_request(c, in, &r, 1);

    (void)cmd;
    if (status != STSAFE_OK)
        return status;
    ok = r.mode == STSAFE_U_CIPHER_ECB ? sim_aes_ecb(aes_of(r.key), 0, r.message, plain)
                                       : sim_aead_open(&r.aead, r.message, r.tag.p, plain);
    rs_buf_put_u8(out, ok != 0);
    if (ok)
        rs_buf_put(out, plain, r.message.len);
    return STSAFE_OK;
}
