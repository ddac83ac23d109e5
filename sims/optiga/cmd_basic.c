/*
 * cmd_basic.c: GetRandom, CalcHash (section 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

/* ---- GetRandom ------------------------------------------------------------------------------ */

enum {
    RANDOM_TRNG = 0x00,
    RANDOM_DRNG = 0x01,
    RANDOM_PRE_MASTER = 0x04,
    TAG_OPTIONAL = 0x41,
};

#define RANDOM_MIN 8
#define RANDOM_MAX 256

/* Optional data and random bytes stay in the session: a secret, or a nonce to be authorized. */
static int
keep_random(struct optiga_chip *c, const struct optiga_command *cmd, const uint8_t *random,
            size_t len)
{
    struct optiga_session *s = optiga_session(c, rs_get_u16(cmd->data + 2));
    const struct optiga_tlv *optional;
    struct optiga_tlvs t;
    int status = optiga_tlvs_read(cmd->data + 4, cmd->len - 4, OPTIGA_TAGS(TAG_OPTIONAL), &t);

    if (s == NULL)
        return OPTIGA_E_OID;
    if (status != OPTIGA_OK)
        return status;
    optional = optiga_tlv(&t, TAG_OPTIONAL);
    if ((optional != NULL ? optional->len : 0) + len > optiga_secret_max(c))
        return OPTIGA_U_RANGE_ERROR;
    memset(s, 0, sizeof(*s));
    if (optional != NULL) {
        memcpy(s->bytes, optional->p, optional->len);
        s->len = (uint16_t)optional->len;
    }
    memcpy(s->bytes + s->len, random, len);
    s->len = (uint16_t)(s->len + len);
    s->kind = cmd->param == RANDOM_PRE_MASTER ? OPTIGA_SESSION_SECRET : OPTIGA_SESSION_NONCE;
    return OPTIGA_OK;
}

int
optiga_do_random(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    int secret = cmd->param == RANDOM_PRE_MASTER, status = OPTIGA_OK;
    uint8_t random[RANDOM_MAX];
    size_t len;

    if (cmd->param != RANDOM_TRNG && cmd->param != RANDOM_DRNG && !secret)
        return OPTIGA_E_PARAM;
    if (cmd->len != 2 && cmd->len < 4)
        return OPTIGA_E_LENGTH;
    if ((secret && cmd->len == 2) || (!secret && cmd->len != 2 && !c->v3))
        return OPTIGA_E_LENGTH;
    len = rs_get_u16(cmd->data);
    if (len < RANDOM_MIN || len > RANDOM_MAX)
        return OPTIGA_U_RANGE_ERROR;
    c->host->random(c->host->self, random, len);
    if (cmd->len > 2)
        status = keep_random(c, cmd, random, len);
    if (status == OPTIGA_OK && !secret)
        optiga_put(a, random, len);
    rs_wipe(random, sizeof(random));
    return status;
}

/* ---- CalcHash ---------------------------------------------------------------------------------- */

enum {
    HASH_SHA256 = 0xE2,
    SEQ_START = 0,
    SEQ_START_FINAL = 1,
    SEQ_CONTINUE = 2,
    SEQ_FINAL = 3,
    SEQ_TERMINATE = 4,
    SEQ_KEEP = 5, /* a digest, and more may follow */
    FROM_OBJECT = 0x10,
    TAG_IMPORT = 0x06,
    TAG_EXPORT = 0x07,
    TAG_DIGEST = 0x01,
    TAG_CONTEXT = 0x06,
};

#define OBJECT_RANGE 6

/* The one TLV that brings data. */
static const struct optiga_tlv *
find_input(const struct optiga_tlvs *t, int *ret_ok)
{
    const struct optiga_tlv *found = NULL;

    *ret_ok = 1;
    for (size_t i = 0; i < t->count; i++) {
        if (t->list[i].tag == TAG_IMPORT || t->list[i].tag == TAG_EXPORT)
            continue;
        *ret_ok = *ret_ok && found == NULL;
        found = &t->list[i];
    }
    *ret_ok = *ret_ok && found != NULL;
    return found;
}

/* What is to be hashed: the value itself, or part of an object that may be read. */
static int
hash_input(struct optiga_chip *c, const struct optiga_command *cmd, const struct optiga_tlv *v,
           struct rs_bytes *ret)
{
    struct optiga_object *o;
    size_t offset, len;
    int status;

    *ret = rs_bytes_of(v->p, v->len);
    if (!(v->tag & FROM_OBJECT))
        return OPTIGA_OK;
    if (v->len != OBJECT_RANGE)
        return OPTIGA_E_LENGTH;
    o = optiga_object(c, rs_get_u16(v->p));
    offset = rs_get_u16(v->p + 2);
    len = rs_get_u16(v->p + 4);
    if (o == NULL || o->place->kind != OPTIGA_KIND_DATA)
        return OPTIGA_E_OID;
    status = optiga_may(c, o, OPTIGA_READ, cmd);
    if (status != OPTIGA_OK)
        return status;
    if (offset + len > optiga_used(o))
        return OPTIGA_E_BOUNDS;
    *ret = rs_bytes_of(optiga_data(c, o) + offset, len);
    return OPTIGA_OK;
}

/* The state that the data is added to: fresh, imported, or the one inside. */
static int
hash_state(struct optiga_chip *c, const struct optiga_tlvs *t, unsigned seq)
{
    const struct optiga_tlv *import = optiga_tlv(t, TAG_IMPORT);
    int starts = seq == SEQ_START || seq == SEQ_START_FINAL;

    if (import != NULL) {
        if (starts || !optiga_hash_import(&c->app.hash, import->p, import->len))
            return OPTIGA_E_PARAMETER;
        return OPTIGA_OK;
    }
    if (starts)
        optiga_hash_start(&c->app.hash);
    return c->app.hash.active ? OPTIGA_OK : OPTIGA_E_SEQUENCE;
}

static void
hash_output(struct optiga_chip *c, const struct optiga_tlvs *t, unsigned seq,
            struct optiga_answer *a)
{
    struct optiga_hash *hash = &c->app.hash;
    uint8_t digest[32], context[OPTIGA_HASH_CONTEXT];

    if (seq == SEQ_FINAL || seq == SEQ_START_FINAL || seq == SEQ_KEEP) {
        optiga_hash_digest(hash, digest);
        optiga_put_tlv(a, TAG_DIGEST, digest, sizeof(digest));
    }
    if (optiga_tlv(t, TAG_EXPORT) != NULL) {
        optiga_hash_export(hash, context);
        optiga_put_tlv(a, TAG_CONTEXT, context, sizeof(context));
    }
    if (seq == SEQ_FINAL || seq == SEQ_START_FINAL ||
        (optiga_tlv(t, TAG_EXPORT) != NULL && OPTIGA_U_HASH_EXPORT_ENDS))
        rs_wipe(hash, sizeof(*hash));
}

int
optiga_do_hash(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    const struct optiga_tlv *v;
    struct optiga_tlvs t;
    struct rs_bytes input;
    int ok, status;
    unsigned seq;

    if (cmd->param != HASH_SHA256)
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(cmd->data, cmd->len,
                              OPTIGA_TAGS(0x00, 0x01, 0x02, 0x03, 0x04, 0x05, TAG_IMPORT,
                                          TAG_EXPORT, 0x10, 0x11, 0x12, 0x13, 0x15),
                              &t);
    if (status != OPTIGA_OK)
        return status;
    v = find_input(&t, &ok);
    if (!ok)
        return OPTIGA_E_PARAMETER;
    seq = v->tag & 0x0Fu;
    if (seq == SEQ_TERMINATE) {
        rs_wipe(&c->app.hash, sizeof(c->app.hash));
        return OPTIGA_OK;
    }
    status = hash_input(c, cmd, v, &input);
    if (status == OPTIGA_OK)
        status = hash_state(c, &t, seq);
    if (status != OPTIGA_OK)
        return status;
    optiga_hash_add(&c->app.hash, input.p, input.len);
    hash_output(c, &t, seq, a);
    return OPTIGA_OK;
}
