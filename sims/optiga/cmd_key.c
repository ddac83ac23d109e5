/*
 * cmd_key.c: GenKeyPair, GenSymKey, CalcSSec, DeriveKey (section 5.1).
 *
 * Each makes something that stays in an object or a session, or is exported
 * when the command says so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    TAG_OID = 0x01,
    TAG_USAGE = 0x02,
    TAG_SEED = 0x02,
    TAG_LENGTH = 0x03,
    TAG_INFO = 0x04,
    TAG_ALGORITHM = 0x05,
    TAG_PUBLIC = 0x06,
    TAG_EXPORT = 0x07,
    TAG_SESSION = 0x08,
    TAG_PRIVATE_OUT = 0x01,
    TAG_PUBLIC_OUT = 0x02,
};

#define KEY_BYTES_MAX (2 * OPTIGA_RSA_MAX + 4)

/* Into an object or session (OID and usage), or out (export)? */
struct target {
    int exported;
    struct optiga_object *o;
    struct optiga_session *s;
    uint8_t usage;
};

static int
read_target(struct optiga_chip *c, const struct optiga_command *cmd, enum optiga_kind kind,
            unsigned usages, struct target *t)
{
    const struct optiga_tlv *export;
    struct optiga_tlvs v;
    int status, oid, usage;

    memset(t, 0, sizeof(*t));
    status = optiga_tlvs_read(cmd->data, cmd->len, OPTIGA_TAGS(TAG_OID, TAG_USAGE, TAG_EXPORT), &v);
    if (status != OPTIGA_OK)
        return status;
    export = optiga_tlv(&v, TAG_EXPORT);
    oid = optiga_tlv_u16(&v, TAG_OID);
    usage = optiga_tlv_u8(&v, TAG_USAGE);
    t->exported = export != NULL;
    if (t->exported)
        return oid == -1 && export->len == 0 ? OPTIGA_OK : OPTIGA_E_PARAMETER;
    if (oid < 0 || usage <= 0 || ((unsigned)usage & ~usages) != 0)
        return OPTIGA_E_PARAMETER;
    t->usage = (uint8_t)usage;
    t->s = kind == OPTIGA_KIND_EC ? optiga_session(c, (unsigned)oid) : NULL;
    t->o = optiga_object(c, (unsigned)oid);
    if (t->s == NULL && (t->o == NULL || t->o->place->kind != kind))
        return OPTIGA_E_OID;
    return t->s != NULL ? OPTIGA_OK : optiga_may(c, t->o, OPTIGA_CHANGE, cmd);
}

static int
keep(struct optiga_chip *c, const struct target *t, uint8_t alg, const uint8_t *key)
{
    size_t len = optiga_key_size(alg);

    if (t->exported)
        return OPTIGA_OK;
    if (t->s == NULL)
        return optiga_store_key(c, t->o, alg, t->usage, key, len);
    memset(t->s, 0, sizeof(*t->s));
    t->s->kind = OPTIGA_SESSION_KEY;
    t->s->alg = alg;
    t->s->usage = t->usage;
    t->s->len = (uint16_t)len;
    memcpy(t->s->bytes, key, len);
    return OPTIGA_OK;
}

/* ---- GenKeyPair --------------------------------------------------------------------------------- */

static int
put_ec_pair(const struct optiga_curve *curve, const uint8_t *key, int exported,
            struct optiga_answer *a)
{
    struct optiga_answer part = {.len = 0};
    uint8_t point[SIM_POINT_MAX];

    if (!sim_curve_public(curve->curve, key, point))
        return OPTIGA_E_INTERNAL;
    optiga_point_put(&part, curve, point);
    optiga_put_tlv(a, TAG_PUBLIC_OUT, part.data, part.len);
    if (exported) {
        part.len = 0;
        optiga_octets_put(&part, key, curve->size);
        optiga_put_tlv(a, TAG_PRIVATE_OUT, part.data, part.len);
    }
    rs_wipe(&part, sizeof(part));
    return OPTIGA_OK;
}

static int
put_rsa_pair(uint8_t alg, const uint8_t *key, int exported, struct optiga_answer *a)
{
    struct optiga_answer part = {.len = 0};
    struct optiga_rsa_public pub;
    size_t size = optiga_rsa_size(alg);

    if (!optiga_rsa_public(alg, key, &pub))
        return OPTIGA_E_INTERNAL;
    optiga_rsa_put(&part, &pub);
    optiga_put_tlv(a, TAG_PUBLIC_OUT, part.data, part.len);
    if (exported) {
        part.len = 0;
        optiga_octets_put(&part, key + size + 4, size);
        optiga_put_tlv(a, TAG_PRIVATE_OUT, part.data, part.len);
    }
    rs_wipe(&part, sizeof(part));
    return OPTIGA_OK;
}

int
optiga_do_key_pair(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    const struct optiga_curve *curve = optiga_curve(cmd->param);
    unsigned usages = OPTIGA_USE_AUTH | OPTIGA_USE_SIGN |
                      (curve != NULL ? (unsigned)OPTIGA_USE_AGREE : (unsigned)OPTIGA_USE_ENC);
    uint8_t key[KEY_BYTES_MAX];
    struct target t;
    int status, ok;

    if (!optiga_has_algorithm(c, cmd->param) || (curve == NULL && optiga_rsa_size(cmd->param) == 0))
        return OPTIGA_E_PARAM;
    status = read_target(c, cmd, curve != NULL ? OPTIGA_KIND_EC : OPTIGA_KIND_RSA, usages, &t);
    if (status != OPTIGA_OK)
        return status;
    ok = curve != NULL ? sim_curve_draw(curve->curve, c->host->random, c->host->self, key)
                       : optiga_rsa_draw(cmd->param, key);
    status = ok ? keep(c, &t, cmd->param, key) : OPTIGA_E_INTERNAL;
    if (status == OPTIGA_OK)
        status = curve != NULL ? put_ec_pair(curve, key, t.exported, a)
                               : put_rsa_pair(cmd->param, key, t.exported, a);
    rs_wipe(key, sizeof(key));
    return status;
}

/* ---- GenSymKey ------------------------------------------------------------------------------------- */

int
optiga_do_sym_key(struct optiga_chip *c, const struct optiga_command *cmd, struct optiga_answer *a)
{
    uint8_t key[32];
    size_t len = optiga_key_size(cmd->param);
    struct target t;
    int status;

    if (cmd->param < OPTIGA_ALG_AES_128 || cmd->param > OPTIGA_ALG_AES_256)
        return OPTIGA_E_PARAM;
    status = read_target(c, cmd, OPTIGA_KIND_AES, OPTIGA_USE_AUTH | OPTIGA_USE_ENC, &t);
    if (status != OPTIGA_OK)
        return status;
    c->host->random(c->host->self, key, len);
    status = keep(c, &t, cmd->param, key);
    if (status == OPTIGA_OK && t.exported)
        optiga_put_tlv(a, TAG_PRIVATE_OUT, key, len);
    rs_wipe(key, sizeof(key));
    return status;
}

/* ---- Secrets into a session, or out -------------------------------------------------------------------- */

/* Exactly one of session and export. */
static int
read_sink(struct optiga_chip *c, const struct optiga_tlvs *t, struct optiga_session **ret)
{
    const struct optiga_tlv *export = optiga_tlv(t, TAG_EXPORT);
    int oid = optiga_tlv_u16(t, TAG_SESSION);

    *ret = NULL;
    if (export != NULL)
        return oid == -1 && export->len == 0 ? OPTIGA_OK : OPTIGA_E_PARAMETER;
    if (oid < 0)
        return OPTIGA_E_PARAMETER;
    *ret = optiga_session(c, (unsigned)oid);
    return *ret != NULL ? OPTIGA_OK : OPTIGA_E_OID;
}

static void
deliver(struct optiga_session *s, const uint8_t *secret, size_t len, struct optiga_answer *a)
{
    if (s == NULL) {
        optiga_put(a, secret, len);
        return;
    }
    memset(s, 0, sizeof(*s));
    s->kind = OPTIGA_SESSION_SECRET;
    s->len = (uint16_t)len;
    memcpy(s->bytes, secret, len);
}

/* ---- CalcSSec ------------------------------------------------------------------------------------------- */

int
optiga_do_shared_secret(struct optiga_chip *c, const struct optiga_command *cmd,
                        struct optiga_answer *a)
{
    struct optiga_session *sink = NULL;
    uint8_t secret[SIM_KEY_MAX];
    struct optiga_public peer;
    struct optiga_tlvs t;
    struct optiga_key key;
    int status;

    if (cmd->param != 0x01)
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(
        cmd->data, cmd->len,
        OPTIGA_TAGS(TAG_OID, TAG_ALGORITHM, TAG_PUBLIC, TAG_EXPORT, TAG_SESSION), &t);
    if (status == OPTIGA_OK)
        status = read_sink(c, &t, &sink);
    if (status == OPTIGA_OK)
        status = optiga_public_key(c, cmd, &t, OPTIGA_CERT_ANYTHING, &peer);
    if (status == OPTIGA_OK)
        status = optiga_private_key(c, cmd, optiga_tlv_u16(&t, TAG_OID), OPTIGA_USE_AGREE, &key);
    if (status != OPTIGA_OK)
        return status;
    if (peer.curve == NULL || peer.curve->alg != key.alg)
        return OPTIGA_E_PARAMETER;
    if (!sim_curve_agree(peer.curve->curve, key.p, peer.point, secret))
        return OPTIGA_E_INTERNAL;
    deliver(sink, secret, peer.curve->size, a);
    rs_wipe(secret, sizeof(secret));
    return OPTIGA_OK;
}

/* ---- DeriveKey ------------------------------------------------------------------------------------------- */

enum {
    PRF_256 = 0x01,
    PRF_512 = 0x03,
    HKDF_256 = 0x08,
    HKDF_512 = 0x0A,
};

#define DERIVED_MIN        16
#define DERIVED_EXPORT_MAX 256
#define SEED_MIN           8 /* of the PRF; a salt may be missing */
#define SEED_MAX           1024
#define INFO_MAX           256

static int
is_derivation(const struct optiga_chip *c, uint8_t param)
{
    if (!c->v3)
        return param == PRF_256;
    return (param >= PRF_256 && param <= PRF_512) || (param >= HKDF_256 && param <= HKDF_512);
}

static int
derived_length_ok(const struct optiga_chip *c, int exported, int len)
{
    if (exported)
        return len >= OPTIGA_U_DERIVED_EXPORT_MIN && len <= DERIVED_EXPORT_MAX;
    return len >= DERIVED_MIN && len <= (int)optiga_secret_max(c);
}

static int
derive(uint8_t param, const struct optiga_key *secret, const struct optiga_tlvs *t, uint8_t *out,
       size_t len)
{
    const struct optiga_tlv *seed = optiga_tlv(t, TAG_SEED), *info = optiga_tlv(t, TAG_INFO);
    struct rs_bytes key = rs_bytes_of(secret->p, secret->len), salt = {NULL, 0}, text = {NULL, 0};
    int hkdf = param >= HKDF_256;
    unsigned index = param - (hkdf ? (unsigned)HKDF_256 : (unsigned)PRF_256);
    unsigned bits = 256 + 128 * index; /* 256, 384, 512 */

    if (seed != NULL)
        salt = rs_bytes_of(seed->p, seed->len);
    if (info != NULL)
        text = rs_bytes_of(info->p, info->len);
    if (hkdf)
        return optiga_hkdf(bits, key, salt, text, out, len);
    return optiga_prf(bits, key, salt, out, len);
}

static int
derivation_inputs_ok(uint8_t param, const struct optiga_tlvs *t)
{
    const struct optiga_tlv *seed = optiga_tlv(t, TAG_SEED), *info = optiga_tlv(t, TAG_INFO);

    if (seed != NULL && seed->len > SEED_MAX)
        return 0;
    if (param >= HKDF_256)
        return info == NULL || info->len <= INFO_MAX;
    return info == NULL && seed != NULL && seed->len >= SEED_MIN;
}

int
optiga_do_derive_key(struct optiga_chip *c, const struct optiga_command *cmd,
                     struct optiga_answer *a)
{
    struct optiga_session *sink = NULL;
    uint8_t out[DERIVED_EXPORT_MAX];
    struct optiga_tlvs t;
    struct optiga_key secret;
    int status, len;

    if (!is_derivation(c, cmd->param))
        return OPTIGA_E_PARAM;
    status = optiga_tlvs_read(
        cmd->data, cmd->len,
        OPTIGA_TAGS(TAG_OID, TAG_SEED, TAG_LENGTH, TAG_INFO, TAG_EXPORT, TAG_SESSION), &t);
    if (status == OPTIGA_OK)
        status = read_sink(c, &t, &sink);
    if (status != OPTIGA_OK)
        return status;
    len = optiga_tlv_u16(&t, TAG_LENGTH);
    if (!derived_length_ok(c, sink == NULL, len) || !derivation_inputs_ok(cmd->param, &t))
        return OPTIGA_U_RANGE_ERROR;
    status = optiga_secret(c, cmd, optiga_tlv_u16(&t, TAG_OID), OPTIGA_TYPE_SECRET, &secret);
    if (status != OPTIGA_OK)
        return status;
    if (!derive(cmd->param, &secret, &t, out, (size_t)len))
        return OPTIGA_E_INTERNAL;
    deliver(sink, out, (size_t)len, a);
    rs_wipe(out, sizeof(out));
    return OPTIGA_OK;
}
