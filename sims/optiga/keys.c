/*
 * keys.c: keys that a command names: private ones by OID, public ones as bytes or by certificate.
 *
 * ECC public keys are a BIT STRING over an uncompressed point; RSA public keys
 * are a BIT STRING over two INTEGERs, in a SEQUENCE or not (section 5.1).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    TAG_CERT_OID = 0x04,
    TAG_ALGORITHM = 0x05,
    TAG_PUBLIC = 0x06,
};

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_SEQUENCE = 0x30,
    POINT_UNCOMPRESSED = 0x04,
};

#define SESSION_SECRET_MAX    66
#define SESSION_SECRET_MAX_V1 48

static const struct optiga_curve curves[] = {
    {0x03, SIM_CURVE_P256, 32, 0},  {0x04, SIM_CURVE_P384, 48, 0},  {0x05, SIM_CURVE_P521, 66, 1},
    {0x13, SIM_CURVE_BP256, 32, 1}, {0x15, SIM_CURVE_BP384, 48, 1}, {0x16, SIM_CURVE_BP512, 64, 1},
};

const struct optiga_curve *
optiga_curve(unsigned alg)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].alg == alg)
            return &curves[i];
    return NULL;
}

const struct optiga_curve *
optiga_curve_of(enum sim_curve curve)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].curve == curve)
            return &curves[i];
    return NULL;
}

/* ---- Private and secret keys ----------------------------------------------------------------- */

static int
stored_key(struct optiga_chip *c, const struct optiga_command *cmd, unsigned oid, unsigned usages,
           struct optiga_key *ret)
{
    struct optiga_object *o = optiga_object(c, oid);
    int status;

    if (o == NULL || o->place->kind == OPTIGA_KIND_DATA)
        return OPTIGA_E_OID;
    status = optiga_used(o) == 0 ? OPTIGA_U_NO_KEY_ERROR : OPTIGA_OK;
    if (status == OPTIGA_OK && !(o->meta.usage & usages))
        status = OPTIGA_U_USAGE_ERROR;
    if (status == OPTIGA_OK)
        status = optiga_may(c, o, OPTIGA_EXECUTE, cmd);
    if (status == OPTIGA_OK)
        status = optiga_monitor_event(c);
    if (status == OPTIGA_OK)
        *ret = (struct optiga_key){o->meta.alg, optiga_data(c, o), optiga_used(o)};
    return status;
}

size_t
optiga_secret_max(const struct optiga_chip *c)
{
    return c->v3 ? SESSION_SECRET_MAX : SESSION_SECRET_MAX_V1;
}

int
optiga_private_key(struct optiga_chip *c, const struct optiga_command *cmd, int oid,
                   unsigned usages, struct optiga_key *ret)
{
    const struct optiga_session *s = oid < 0 ? NULL : optiga_session(c, (unsigned)oid);

    if (oid < 0)
        return OPTIGA_E_PARAMETER;
    if (s == NULL)
        return stored_key(c, cmd, (unsigned)oid, usages, ret);
    if (s->kind != OPTIGA_SESSION_KEY)
        return OPTIGA_U_NO_KEY_ERROR;
    if (!(s->usage & usages))
        return OPTIGA_U_USAGE_ERROR;
    *ret = (struct optiga_key){s->alg, s->bytes, s->len};
    return OPTIGA_OK;
}

static int
stored_secret(struct optiga_chip *c, const struct optiga_command *cmd, unsigned oid, uint8_t type,
              struct optiga_key *ret)
{
    struct optiga_object *o = optiga_object(c, oid);
    int status;

    if (o == NULL || o->place->kind != OPTIGA_KIND_DATA)
        return OPTIGA_E_OID;
    if (o->meta.type != type || optiga_used(o) == 0 || optiga_used(o) > OPTIGA_SECRET_MAX)
        return OPTIGA_U_TYPE_ERROR;
    status = optiga_may(c, o, OPTIGA_EXECUTE, cmd);
    if (status == OPTIGA_OK)
        status = optiga_monitor_event(c);
    if (status == OPTIGA_OK)
        *ret = (struct optiga_key){0, optiga_data(c, o), optiga_used(o)};
    return status;
}

int
optiga_secret(struct optiga_chip *c, const struct optiga_command *cmd, int oid, uint8_t type,
              struct optiga_key *ret)
{
    const struct optiga_session *s = oid < 0 ? NULL : optiga_session(c, (unsigned)oid);

    if (oid < 0)
        return OPTIGA_E_PARAMETER;
    if (s == NULL)
        return stored_secret(c, cmd, (unsigned)oid, type, ret);
    if (s->kind != OPTIGA_SESSION_SECRET)
        return OPTIGA_U_NO_KEY_ERROR;
    *ret = (struct optiga_key){0, s->bytes, s->len};
    return OPTIGA_OK;
}

/* ---- DER ---------------------------------------------------------------------------------------- */

/* Contents of the element with this tag at the front of r; fails r. */
static struct rs_bytes
der_take(struct rs_reader *r, unsigned tag)
{
    unsigned got = rs_read_u8(r);
    size_t len = rs_read_u8(r);

    if (len == 0x81)
        len = rs_read_u8(r);
    else if (len == 0x82)
        len = rs_read_u16(r);
    else if (len > 0x80)
        r->failed = 1;
    if (got != tag)
        r->failed = 1;
    return rs_read_bytes(r, len);
}

static void
der_head(struct optiga_answer *a, uint8_t tag, size_t len)
{
    uint8_t head[4] = {tag, (uint8_t)len};
    size_t n = 2;

    if (len > 0xFF) {
        head[1] = 0x82;
        rs_set_u16(head + 2, (unsigned)len);
        n = 4;
    } else if (len > 0x7F) {
        head[1] = 0x81;
        head[2] = (uint8_t)len;
        n = 3;
    }
    optiga_put(a, head, n);
}

/* What is in a BIT STRING with no unused bits, all of p. */
static struct rs_bytes
bit_string(struct rs_bytes in, int *ret_ok)
{
    struct rs_reader r;
    struct rs_bytes v;

    rs_reader_init(&r, in);
    v = der_take(&r, DER_BIT_STRING);
    *ret_ok = rs_reader_done(&r) && v.len > 1 && v.p[0] == 0;
    return *ret_ok ? rs_bytes_of(v.p + 1, v.len - 1) : v;
}

int
optiga_point_read(const struct optiga_curve *curve, const uint8_t *p, size_t len, uint8_t *point)
{
    int ok;
    struct rs_bytes v = bit_string(rs_bytes_of(p, len), &ok);

    if (!ok || v.len != 1 + 2 * (size_t)curve->size || v.p[0] != POINT_UNCOMPRESSED)
        return 0;
    memcpy(point, v.p + 1, 2 * (size_t)curve->size);
    return 1;
}

void
optiga_point_put(struct optiga_answer *a, const struct optiga_curve *curve, const uint8_t *point)
{
    static const uint8_t head[2] = {0, POINT_UNCOMPRESSED};

    der_head(a, DER_BIT_STRING, 2 + 2 * (size_t)curve->size);
    optiga_put(a, head, sizeof(head));
    optiga_put(a, point, 2 * (size_t)curve->size);
}

void
optiga_integer_put(struct optiga_answer *a, const uint8_t *p, size_t len)
{
    static const uint8_t zero[1] = {0};

    while (len > 1 && p[0] == 0) {
        p++;
        len--;
    }
    der_head(a, DER_INTEGER, len + (p[0] >> 7));
    optiga_put(a, zero, p[0] >> 7);
    optiga_put(a, p, len);
}

void
optiga_octets_put(struct optiga_answer *a, const uint8_t *p, size_t len)
{
    der_head(a, DER_OCTET_STRING, len);
    optiga_put(a, p, len);
}

/* An INTEGER as exactly size bytes; 0 when it is negative, longer or empty. */
static int
integer_take(struct rs_reader *r, uint8_t *out, size_t size)
{
    struct rs_bytes v = der_take(r, DER_INTEGER);

    if (!rs_reader_ok(r) || v.len == 0 || v.p[0] & 0x80)
        return 0;
    while (v.len > 0 && v.p[0] == 0) {
        v.p++;
        v.len--;
    }
    if (v.len > size)
        return 0;
    memset(out, 0, size);
    memcpy(out + size - v.len, v.p, v.len);
    return 1;
}

int
optiga_signature_read(const struct optiga_curve *curve, struct rs_bytes in, uint8_t *rs)
{
    struct rs_reader r;

    rs_reader_init(&r, in);
    return integer_take(&r, rs, curve->size) && integer_take(&r, rs + curve->size, curve->size) &&
           rs_reader_done(&r);
}

/* ---- RSA public keys --------------------------------------------------------------------------------- */

static int
rsa_read(unsigned alg, struct rs_bytes in, struct optiga_rsa_public *ret)
{
    uint8_t e[4];
    struct rs_reader r;
    int ok;
    struct rs_bytes v = bit_string(in, &ok);

    ret->size = optiga_rsa_size(alg);
    if (!ok)
        return 0;
    rs_reader_init(&r, v);
    if (v.p[0] == DER_SEQUENCE) {
        struct rs_bytes inside = der_take(&r, DER_SEQUENCE);

        if (!rs_reader_done(&r))
            return 0;
        rs_reader_init(&r, inside);
    }
    if (!integer_take(&r, ret->n, ret->size) || !integer_take(&r, e, sizeof(e)) ||
        !rs_reader_done(&r))
        return 0;
    ret->e = rs_get_u32(e);
    return ret->n[0] & 0x80 && ret->e > 1 && ret->e & 1;
}

void
optiga_rsa_put(struct optiga_answer *a, const struct optiga_rsa_public *key)
{
    static const uint8_t no_unused[1] = {0};
    struct optiga_answer numbers = {.len = 0}, sequence = {.len = 0};
    uint8_t e[4];

    rs_set_u32(e, key->e);
    optiga_integer_put(&numbers, key->n, key->size);
    optiga_integer_put(&numbers, e, sizeof(e));
    if (OPTIGA_U_RSA_PUBLIC_SEQUENCE)
        der_head(&sequence, DER_SEQUENCE, numbers.len);
    optiga_put(&sequence, numbers.data, numbers.len);
    der_head(a, DER_BIT_STRING, sequence.len + 1);
    optiga_put(a, no_unused, 1);
    optiga_put(a, sequence.data, sequence.len);
}

/* ---- Public keys of a command ------------------------------------------------------------------------- */

static int
public_by_bytes(struct optiga_chip *c, int alg, const struct optiga_tlv *v,
                struct optiga_public *ret)
{
    if (alg < 0 || v == NULL)
        return OPTIGA_E_PARAMETER;
    if (!optiga_has_algorithm(c, (unsigned)alg))
        return OPTIGA_U_ALGORITHM_ERROR;
    ret->curve = optiga_curve((unsigned)alg);
    if (ret->curve == NULL)
        return optiga_rsa_size((unsigned)alg) > 0 &&
                       rsa_read((unsigned)alg, rs_bytes_of(v->p, v->len), &ret->rsa)
                   ? OPTIGA_OK
                   : OPTIGA_E_PARAMETER;
    if (!optiga_point_read(ret->curve, v->p, v->len, ret->point))
        return OPTIGA_E_PARAMETER;
    return sim_curve_point_ok(ret->curve->curve, ret->point) ? OPTIGA_OK : OPTIGA_U_OFF_CURVE_ERROR;
}

static int
public_by_certificate(struct optiga_chip *c, const struct optiga_command *cmd, int oid,
                      unsigned for_what, struct optiga_public *ret)
{
    struct optiga_object *o = oid < 0 ? NULL : optiga_object(c, (unsigned)oid);
    int status;

    if (o == NULL)
        return OPTIGA_E_OID;
    if (o->meta.type != OPTIGA_TYPE_TRUST && o->meta.type != OPTIGA_TYPE_IDENTITY)
        return OPTIGA_U_TYPE_ERROR;
    status = optiga_may(c, o, OPTIGA_EXECUTE, cmd);
    return status == OPTIGA_OK ? optiga_cert_key(optiga_content(c, o), c->v3, for_what, ret)
                               : status;
}

int
optiga_public_key(struct optiga_chip *c, const struct optiga_command *cmd,
                  const struct optiga_tlvs *t, unsigned for_what, struct optiga_public *ret)
{
    int oid = optiga_tlv_u16(t, TAG_CERT_OID);

    if (optiga_tlv(t, TAG_CERT_OID) == NULL)
        return public_by_bytes(c, optiga_tlv_u8(t, TAG_ALGORITHM), optiga_tlv(t, TAG_PUBLIC), ret);
    if (optiga_tlv(t, TAG_ALGORITHM) != NULL || optiga_tlv(t, TAG_PUBLIC) != NULL)
        return OPTIGA_E_PARAMETER;
    return public_by_certificate(c, cmd, oid, for_what, ret);
}
