/*
 * cmd_chunks.c: the A120's Encrypt and Decrypt of messages that do not fit a frame: start, process,
 * finish; one at a time.
 *
 *   start:   slot, length(2) nonce; CCM: length(2) of all associated data, length(4) of the message
 *   all:     length(2) associated data, length(2) message
 *   finish:  when decrypting, the tag
 *
 * The answer has the piece in its other form; that of a finish the tag behind it, or the result (1:
 * the tag is right) before it; that of a start of CCM whether a counter follows.
 *
 * The whole of it is kept, and each piece made by going through all again: both modes encrypt by a
 * key stream, so that what follows does not change what was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "sims/stsafe/chip.h"
#include "sims/stsafe/uncertain.h"

#define NONCE_MAX     64u
#define CCM_NONCE_MIN 7u
#define CCM_NONCE_MAX 13u
#define CHUNKS_MAX    65536u /* of the simulator: associated data and message, each */

void
stsafe_chunks_stop(struct stsafe_chip *c)
{
    rs_buf_done(&c->v.chunks.aad);
    rs_buf_done(&c->v.chunks.message);
    rs_wipe(&c->v.chunks, sizeof(c->v.chunks));
}

/* ---- Start ------------------------------------------------------------------------------------ */

static int
find_key(struct stsafe_chip *c, unsigned slot, int decrypt, struct stsafe_symmetric **ret_key)
{
    unsigned use = decrypt ? STSAFE_USE_DECRYPT_CHUNKS : STSAFE_USE_ENCRYPT_CHUNKS;
    int status = stsafe_find_symmetric(c, slot, STSAFE_MODE_GCM, use, ret_key);

    return status == STSAFE_U_USAGE_STATUS
               ? stsafe_find_symmetric(c, slot, STSAFE_MODE_CCM, use, ret_key)
               : status;
}

/* What CCM's nonce leaves for the length of the message. */
static int
announced_ok(const struct stsafe_chunks *k)
{
    size_t left = 15u - k->nonce_len;

    return k->nonce_len >= CCM_NONCE_MIN && k->nonce_len <= CCM_NONCE_MAX &&
           (left >= 4 || k->message_total >> 8 * left == 0);
}

static int
read_start(struct stsafe_chip *c, struct rs_reader *in, int decrypt)
{
    struct stsafe_chunks *k = &c->v.chunks;
    unsigned slot = rs_read_u8(in);
    struct rs_bytes nonce = rs_read_u16_bytes(in, NONCE_MAX);
    struct stsafe_symmetric *key;
    int status;

    if (!rs_reader_ok(in) || nonce.len == 0)
        return STSAFE_U_LENGTH_STATUS;
    status = find_key(c, slot, decrypt, &key);
    if (status != STSAFE_OK)
        return status;
    stsafe_chunks_stop(c);
    rs_buf_init(&k->aad, CHUNKS_MAX);
    rs_buf_init(&k->message, CHUNKS_MAX);
    k->key = *key;
    k->decrypt = decrypt != 0;
    k->nonce_len = (uint8_t)nonce.len;
    memcpy(k->nonce, nonce.p, nonce.len);
    if (key->mode == STSAFE_MODE_CCM) {
        k->aad_total = (uint16_t)rs_read_u16(in);
        k->message_total = rs_read_u32(in);
        if (!announced_ok(k))
            return STSAFE_U_LENGTH_STATUS;
    }
    k->active = 1;
    return STSAFE_OK;
}

/* ---- A piece ----------------------------------------------------------------------------------- */

static int
seal(const struct stsafe_chunks *k, uint8_t *out, uint8_t *tag)
{
    const struct sim_aead_input how = {
        .mode = k->key.mode == STSAFE_MODE_CCM ? SIM_AEAD_CCM : SIM_AEAD_GCM,
        .aes = {k->key.key, k->key.len},
        .nonce = rs_bytes_of(k->nonce, k->nonce_len),
        .aad = rs_buf_bytes(&k->aad),
        .tag_len = k->key.limit,
    };

    return sim_aead_seal(&how, rs_buf_bytes(&k->message), out, tag);
}

/* The last len bytes of the message become what the key stream makes of them, and *out has them. */
static int
turn(struct stsafe_chunks *k, size_t len, struct rs_buf *out, uint8_t tag[SIM_AES_BLOCK])
{
    size_t at = k->message.len - len;
    uint8_t *all = malloc(k->message.len + 1);
    int ok = all != NULL && seal(k, all, tag);

    if (ok && len > 0)
        rs_buf_put(out, all + at, len);
    if (ok && k->decrypt && len > 0) {
        memcpy(k->message.p + at, all + at, len);
        ok = seal(k, all, tag);
    }
    free(all);
    return ok ? STSAFE_OK : STSAFE_UNEXPECTED;
}

static int
add_piece(struct stsafe_chunks *k, struct rs_reader *in, struct rs_buf *out,
          uint8_t tag[SIM_AES_BLOCK])
{
    struct rs_bytes aad = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);
    struct rs_bytes message = rs_read_u16_bytes(in, STSAFE_FRAME_MAX);

    if (!rs_reader_ok(in))
        return STSAFE_U_LENGTH_STATUS;
    if (aad.len > 0 && k->message.len > 0)
        return STSAFE_U_LATE_DATA_STATUS;
    rs_buf_put_bytes(&k->aad, aad);
    rs_buf_put_bytes(&k->message, message);
    if (!rs_buf_ok(&k->aad) || !rs_buf_ok(&k->message))
        return STSAFE_OVERFLOW;
    if (k->key.mode == STSAFE_MODE_CCM &&
        (k->aad.len > k->aad_total || k->message.len > k->message_total))
        return STSAFE_U_LENGTH_STATUS;
    return turn(k, message.len, out, tag);
}

/* ---- Commands ---------------------------------------------------------------------------------- */

/* What went wrong ends it. */
static int
end_if(struct stsafe_chip *c, int status)
{
    if (status != STSAFE_OK)
        stsafe_chunks_stop(c);
    return status;
}

static int
start(struct stsafe_chip *c, struct rs_reader *in, struct rs_buf *out, int decrypt)
{
    uint8_t tag[SIM_AES_BLOCK];
    int status = read_start(c, in, decrypt);

    if (status == STSAFE_OK)
        status = add_piece(&c->v.chunks, in, out, tag);
    if (status == STSAFE_OK)
        status = stsafe_read_end(in);
    if (status == STSAFE_OK && !decrypt && c->v.chunks.key.mode == STSAFE_MODE_CCM)
        rs_buf_put_u8(out, 0); /* no counter follows */
    return end_if(c, status);
}

static int
process(struct stsafe_chip *c, struct rs_reader *in, struct rs_buf *out, unsigned decrypt)
{
    uint8_t tag[SIM_AES_BLOCK];
    int status;

    if (!c->v.chunks.active || c->v.chunks.decrypt != decrypt)
        return STSAFE_UNEXPECTED;
    status = add_piece(&c->v.chunks, in, out, tag);
    return end_if(c, status == STSAFE_OK ? stsafe_read_end(in) : status);
}

/* The last piece; what was announced has come. */
static int
last_piece(struct stsafe_chunks *k, struct rs_reader *in, struct rs_buf *piece,
           uint8_t tag[SIM_AES_BLOCK])
{
    int status = add_piece(k, in, piece, tag);

    if (status != STSAFE_OK)
        return status;
    return k->key.mode == STSAFE_MODE_CCM &&
                   (k->aad.len != k->aad_total || k->message.len != k->message_total)
               ? STSAFE_U_LENGTH_STATUS
               : STSAFE_OK;
}

static int
finish(struct stsafe_chip *c, struct rs_reader *in, struct rs_buf *out, unsigned decrypt)
{
    struct stsafe_chunks *k = &c->v.chunks;
    uint8_t tag[SIM_AES_BLOCK], room[STSAFE_FRAME_MAX];
    struct rs_bytes given = {NULL, 0};
    struct rs_buf piece;
    int ok = 1, status;

    if (!k->active || k->decrypt != decrypt)
        return STSAFE_UNEXPECTED;
    rs_buf_init_fixed(&piece, room, sizeof(room));
    status = last_piece(k, in, &piece, tag);
    if (decrypt)
        given = rs_read_bytes(in, k->key.limit);
    if (status == STSAFE_OK)
        status = stsafe_read_end(in);
    if (status == STSAFE_OK && decrypt) {
        ok = CRYPTO_memcmp(given.p, tag, k->key.limit) == 0;
        rs_buf_put_u8(out, ok != 0);
    }
    if (status == STSAFE_OK && ok)
        rs_buf_put_bytes(out, rs_buf_bytes(&piece));
    if (status == STSAFE_OK && !decrypt)
        rs_buf_put(out, tag, k->key.limit);
    stsafe_chunks_stop(c);
    return status;
}

#define CHUNK_COMMAND(name, step, decrypt)                                                         \
    int name(struct stsafe_chip *c, const struct stsafe_command *cmd, struct rs_reader *in,        \
             struct rs_buf *out)                                                                   \
    {                                                                                              \
        (void)cmd;                                                                                 \
        return step(c, in, out, decrypt);                                                          \
    }

CHUNK_COMMAND(stsafe_do_encrypt_start, start, 0)
CHUNK_COMMAND(stsafe_do_encrypt_process, process, 0)
CHUNK_COMMAND(stsafe_do_encrypt_finish, finish, 0)
CHUNK_COMMAND(stsafe_do_decrypt_start, start, 1)
CHUNK_COMMAND(stsafe_do_decrypt_process, process, 1)
CHUNK_COMMAND(stsafe_do_decrypt_finish, finish, 1)
