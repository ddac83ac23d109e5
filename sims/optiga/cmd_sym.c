/*
 * cmd_sym.c: EncryptSym, DecryptSym: AES, MACs, and authorization by HMAC (section 5.1).
 *
 * Data comes in one piece or in a chain: start, continue, final.  A chain is
 * of one key, mode and direction; anything else ends it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    SEQ_START = 0x00,
    SEQ_START_FINAL = 0x01,
    SEQ_CONTINUE = 0x02,
    SEQ_FINAL = 0x03,
    TAG_IV = 0x41,
    TAG_TOTAL = 0x42,
    TAG_MAC = 0x43,
    TAG_OUT = 0x61,
};

#define IN_MAX  640
#define BLOCK   16
#define OID_LEN 2

void
optiga_sym_drop(struct optiga_chip *c)
{
    optiga_sym_free(c->app.sym);
    c->app.sym = NULL;
}

static int
is_hmac(unsigned mode)
{
    return mode >= OPTIGA_MODE_HMAC_256 && mode <= OPTIGA_MODE_HMAC_512;
}

/* The one piece of data of a command, and its place in the chain. */
static const struct optiga_tlv *
find_piece(const struct optiga_tlvs *t)
{
    const struct optiga_tlv *found = NULL;

    for (size_t i = 0; i < t->count; i++) {
        if (t->list[i].tag > SEQ_FINAL)
            continue;
        if (found != NULL)
            return NULL;
        found = &t->list[i];
    }
    return found;
}

/* Never nothing; block modes take whole blocks, CMAC and HMAC any length at the end. */
static int
piece_ok(unsigned mode, const struct optiga_tlv *piece)
{
    int last = piece->tag == SEQ_FINAL || piece->tag == SEQ_START_FINAL;

    if (is_hmac(mode) || (mode == OPTIGA_MODE_CMAC && last))
        return piece->len > 0;
    return piece->len % BLOCK == 0 && piece->len > 0;
}

static int
chain_key(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_key *key)
{
    int oid = rs_get_u16(cmd->data), status;

    if (is_hmac(cmd->param))
        return optiga_secret(c, cmd, oid, OPTIGA_TYPE_SECRET, key);
    status = optiga_private_key(c, cmd, oid, OPTIGA_USE_ENC, key);
    if (status == OPTIGA_OK && (key->alg < OPTIGA_ALG_AES_128 || key->alg > OPTIGA_ALG_AES_256))
        return OPTIGA_E_PARAMETER;
    return status;
}

static int
start_chain(struct optiga_chip *c, const struct optiga_command *cmd, const struct optiga_tlvs *t,
            int encrypt)
{
    const struct optiga_tlv *iv = optiga_tlv(t, TAG_IV);
    struct optiga_key key;
    int status;

    optiga_sym_drop(c);
    if ((cmd->param == OPTIGA_MODE_CBC) != (iv != NULL) || (iv != NULL && iv->len != BLOCK))
        return OPTIGA_E_PARAMETER;
    status = chain_key(c, cmd, &key);
    if (status != OPTIGA_OK)
        return status;
    c->app.sym =
        optiga_sym_new(cmd->param, encrypt, rs_bytes_of(key.p, key.len), iv != NULL ? iv->p : NULL);
    return c->app.sym != NULL ? OPTIGA_OK : OPTIGA_E_INTERNAL;
}

/* A piece that is not a first one belongs to the chain that is open, whatever key it names. */
static int
continue_chain(struct optiga_chip *c, const struct optiga_command *cmd, const struct optiga_tlvs *t,
               int encrypt)
{
    if (c->app.sym != NULL && optiga_sym_mode(c->app.sym) == cmd->param &&
        optiga_sym_encrypts(c->app.sym) == encrypt)
        return optiga_tlv(t, TAG_IV) == NULL ? OPTIGA_OK : OPTIGA_E_PARAMETER;
    optiga_sym_drop(c);
    return OPTIGA_E_SEQUENCE;
}

static int
feed(struct optiga_chip *c, const struct optiga_tlv *piece, struct optiga_answer *a)
{
    uint8_t out[IN_MAX + BLOCK], mac[64];
    size_t len = 0, mac_len = 0;
    int last = piece->tag == SEQ_FINAL || piece->tag == SEQ_START_FINAL;
    int ok = optiga_sym_add(c->app.sym, rs_bytes_of(piece->p, piece->len), out, &len);

    if (ok && last)
        ok = optiga_sym_end(c->app.sym, mac, &mac_len);
    if (last || !ok)
        optiga_sym_drop(c);
    if (!ok)
        return OPTIGA_E_INTERNAL;
    if (mac_len > 0)
        optiga_put_tlv(a, TAG_OUT, mac, mac_len);
    else if (len > 0)
        optiga_put_tlv(a, TAG_OUT, out, len);
    rs_wipe(out, sizeof(out));
    return OPTIGA_OK;
}

static int
run(struct optiga_chip *c, const struct optiga_command *cmd, int encrypt, struct optiga_answer *a)
{
    const struct optiga_tlv *piece;
    struct optiga_tlvs t;
    int status;

    if (cmd->len < OID_LEN || cmd->len > IN_MAX)
        return OPTIGA_E_LENGTH;
    status = optiga_tlvs_read(
        cmd->data + OID_LEN, cmd->len - OID_LEN,
        OPTIGA_TAGS(SEQ_START, SEQ_START_FINAL, SEQ_CONTINUE, SEQ_FINAL, TAG_IV, TAG_TOTAL), &t);
    if (status != OPTIGA_OK)
        return status;
    piece = find_piece(&t);
    if (piece == NULL || !piece_ok(cmd->param, piece))
        return OPTIGA_E_PARAMETER;
    if (piece->tag == SEQ_START || piece->tag == SEQ_START_FINAL)
        status = start_chain(c, cmd, &t, encrypt);
    else
        status = continue_chain(c, cmd, &t, encrypt);
    return status == OPTIGA_OK ? feed(c, piece, a) : status;
}

int
optiga_do_encrypt_sym(struct optiga_chip *c, const struct optiga_command *cmd,
                      struct optiga_answer *a)
{
    if ((cmd->param < OPTIGA_MODE_ECB || cmd->param > OPTIGA_MODE_CMAC) && !is_hmac(cmd->param))
        return OPTIGA_E_PARAM;
    return run(c, cmd, 1, a);
}

/* ---- Authorization ----------------------------------------------------------------------------- */

/* Session OID, then data that begins with what the part drew into that session. */
static int
authorization_holds(struct optiga_chip *c, unsigned mode, const struct optiga_key *secret,
                    const struct optiga_tlv *value, const struct optiga_tlv *mac)
{
    struct optiga_session *s =
        value->len < OID_LEN ? NULL : optiga_session(c, rs_get_u16(value->p));
    uint8_t want[64];
    int ok;

    if (mac == NULL || s == NULL || s->kind != OPTIGA_SESSION_NONCE ||
        value->len < OID_LEN + (size_t)s->len || memcmp(value->p + OID_LEN, s->bytes, s->len) != 0)
        return 0;
    ok = optiga_hmac(optiga_hmac_bits(mode), rs_bytes_of(secret->p, secret->len),
                     rs_bytes_of(value->p + OID_LEN, value->len - OID_LEN), want) &&
         mac->len == optiga_hmac_bits(mode) / 8 && memcmp(want, mac->p, mac->len) == 0;
    rs_wipe(s, sizeof(*s)); /* one try each */
    rs_wipe(want, sizeof(want));
    return ok;
}

static int
authorize(struct optiga_chip *c, const struct optiga_command *cmd)
{
    const struct optiga_tlv *value, *mac;
    struct optiga_tlvs t;
    struct optiga_key secret;
    uint16_t oid;
    int status, ok;

    if (cmd->len < OID_LEN || cmd->len > IN_MAX)
        return OPTIGA_E_LENGTH;
    oid = rs_get_u16(cmd->data);
    status = optiga_tlvs_read(cmd->data + OID_LEN, cmd->len - OID_LEN,
                              OPTIGA_TAGS(SEQ_START_FINAL, TAG_MAC), &t);
    value = optiga_tlv(&t, SEQ_START_FINAL);
    mac = optiga_tlv(&t, TAG_MAC);
    if (status != OPTIGA_OK)
        return status;
    if (value == NULL)
        return OPTIGA_E_PARAMETER;
    if (optiga_session(c, oid) != NULL)
        return OPTIGA_E_OID;
    status = optiga_secret(c, cmd, oid, OPTIGA_TYPE_AUTOREF, &secret);
    if (status != OPTIGA_OK)
        return status;
    /* Without a MAC it fails as with a wrong one: a host ends its authorization so (reference 5.1). */
    ok = authorization_holds(c, cmd->param, &secret, value, mac);
    optiga_authorize(c, oid, ok);
    return ok ? OPTIGA_OK : OPTIGA_E_AUTHORIZATION;
}

int
optiga_do_decrypt_sym(struct optiga_chip *c, const struct optiga_command *cmd,
                      struct optiga_answer *a)
{
    if (is_hmac(cmd->param))
        return authorize(c, cmd);
    if (cmd->param != OPTIGA_MODE_ECB && cmd->param != OPTIGA_MODE_CBC)
        return OPTIGA_E_PARAM;
    return run(c, cmd, 0, a);
}
