/*
 * manifest.c: the signed order for a protected update (section 6.4).
 *
 * A COSE_Sign1 array without its tag.  Its payload says which object of which
 * parts becomes what, and the digest of the first fragment; each fragment then
 * brings the digest of the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/evp.h>

#include "base/cbor.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

#define ALG_ES256     (-7)
#define ALG_RSA_256   (-65700)
#define ALG_PRF_256   (-65720)
#define ALG_CCM       10 /* AES-CCM-16-64-128 */
#define SHA_256       41
#define STEP_DIGEST   (-1)
#define MANIFEST_MAX  640
#define UID_TARGET    25
#define VERSION_MAX   0x7FFF
#define WRITE         1
#define WRITE_ERASE   2
#define HEADER_ALG    1
#define HEADER_KEY_ID 4
#define HEADER_IV     5
#define STEP_DECRYPT  1
#define PRF_LEN       27 /* key and nonce */
#define LABEL_MAX     32
#define SEED_MIN      16
#define SEED_MAX      64

/* What the key of an encrypted payload is derived with: label and seed, one behind the other. */
struct derivation {
    uint8_t bytes[LABEL_MAX + SEED_MAX];
    size_t len;
};

struct manifest {
    struct rs_bytes protected_header, payload, signature;
    int64_t alg;
    uint16_t anchor;
};

static uint16_t
read_oid(struct rs_cbor *c)
{
    struct rs_bytes v = rs_cbor_bytes(c, 2);

    if (v.len != 2)
        c->in.failed = 1;
    return v.len == 2 ? rs_get_u16(v.p) : 0;
}

/* An array of exactly so many items. */
static void
expect_array(struct rs_cbor *c, size_t count)
{
    if (rs_cbor_array(c, count) != count)
        c->in.failed = 1;
}

static void
expect_null(struct rs_cbor *c)
{
    if (!rs_cbor_null(c))
        c->in.failed = 1;
}

static void
expect_int(struct rs_cbor *c, int64_t v)
{
    if (rs_cbor_int(c) != v)
        c->in.failed = 1;
}

static uint16_t
read_u16(struct rs_cbor *c, unsigned max)
{
    uint64_t v = rs_cbor_uint(c);

    if (v > max)
        c->in.failed = 1;
    return v > max ? 0 : (uint16_t)v;
}

/* ---- The envelope ------------------------------------------------------------------------------ */

static int
read_envelope(const uint8_t *p, size_t len, struct manifest *m)
{
    struct rs_cbor c, header;

    rs_cbor_init(&c, rs_bytes_of(p, len));
    expect_array(&c, 4);
    m->protected_header = rs_cbor_bytes(&c, 16);
    if (rs_cbor_map(&c, 1) != 1)
        return 0;
    rs_cbor_key(&c, HEADER_KEY_ID);
    m->anchor = read_oid(&c);
    m->payload = rs_cbor_bytes(&c, MANIFEST_MAX);
    m->signature = rs_cbor_bytes(&c, OPTIGA_RSA_MAX);
    if (!rs_cbor_done(&c))
        return 0;
    rs_cbor_init(&header, m->protected_header);
    if (rs_cbor_map(&header, 1) != 1)
        return 0;
    rs_cbor_key(&header, HEADER_ALG);
    m->alg = rs_cbor_int(&header);
    return rs_cbor_done(&header);
}

/*
 * Digest of the Sig_structure: "Signature1", protected header, nothing, payload.
 * The vendor's sets have the first as a byte string, where COSE has text.
 */
static int
signed_digest(const struct manifest *m, uint8_t digest[32])
{
    uint8_t bytes[MANIFEST_MAX + 64];
    struct rs_buf b;

    rs_buf_init_fixed(&b, bytes, sizeof(bytes));
    rs_cbor_put_array(&b, 4);
    rs_cbor_put_bytes(&b, rs_bytes_str("Signature1"));
    rs_cbor_put_bytes(&b, m->protected_header);
    rs_cbor_put_bytes(&b, rs_bytes_of(NULL, 0));
    rs_cbor_put_bytes(&b, m->payload);
    return rs_buf_ok(&b) && EVP_Digest(b.p, b.len, digest, NULL, EVP_sha256(), NULL) == 1;
}

static int
signature_holds(const struct manifest *m, const struct optiga_public *key)
{
    uint8_t digest[32];

    if (!signed_digest(m, digest))
        return 0;
    if (m->alg == ALG_RSA_256)
        return key->curve == NULL &&
               optiga_rsa_verify(&key->rsa, 256, RS_BYTES(digest), m->signature);
    return m->alg == ALG_ES256 && key->curve != NULL &&
           m->signature.len == 2 * (size_t)key->curve->size &&
           sim_curve_verify(key->curve->curve, key->point, digest, sizeof(digest), m->signature.p);
}

static int
check_signature(struct optiga_chip *c, const struct optiga_command *cmd, const struct manifest *m)
{
    struct optiga_object *anchor = optiga_object(c, m->anchor);
    struct optiga_public key;
    int status;

    if (anchor == NULL)
        return OPTIGA_E_OID;
    if (anchor->meta.type != OPTIGA_TYPE_TRUST)
        return OPTIGA_U_TYPE_ERROR;
    status = optiga_may(c, anchor, OPTIGA_EXECUTE, cmd);
    if (status == OPTIGA_OK)
        status = optiga_cert_key(optiga_content(c, anchor), c->v3, OPTIGA_CERT_ANYTHING, &key);
    if (status != OPTIGA_OK)
        return status;
    return signature_holds(m, &key) ? OPTIGA_OK : OPTIGA_E_SIGNATURE;
}

/* ---- The payload ---------------------------------------------------------------------------------- */

/* Type, size, version, and two numbers whose meaning depends on the type. */
static int
read_resource(struct rs_cbor *c, struct optiga_update *u)
{
    uint16_t first, second;

    expect_array(c, 4);
    u->type = (int)rs_cbor_int(c);
    u->size = read_u16(c, 0xFFFF);
    u->version = read_u16(c, VERSION_MAX);
    expect_array(c, 2);
    first = read_u16(c, 0xFFFF);
    second = read_u16(c, 0xFF);
    u->offset = u->type == OPTIGA_UPDATE_DATA ? first : 0;
    u->erase = u->type == OPTIGA_UPDATE_DATA && second == WRITE_ERASE;
    u->reset = u->type == OPTIGA_UPDATE_META ? first & 3u : 0;
    u->alg = (uint8_t)first;
    u->usage = (uint8_t)second;
    if (u->type == OPTIGA_UPDATE_DATA)
        return second == WRITE || second == WRITE_ERASE;
    if (u->type == OPTIGA_UPDATE_KEY)
        return first <= 0xFF && second != 0;
    return u->type == OPTIGA_UPDATE_META && first <= OPTIGA_RESET_RANDOM && second == 0;
}

/* Digest of the first fragment. */
static void
read_digest_step(struct rs_cbor *c, struct optiga_update *u)
{
    struct rs_cbor inside;
    struct rs_bytes v;

    expect_array(c, 2);
    expect_int(c, STEP_DIGEST);
    rs_cbor_init(&inside, rs_cbor_bytes(c, 64));
    expect_array(&inside, 2);
    expect_int(&inside, SHA_256);
    v = rs_cbor_bytes(&inside, sizeof(u->digest));
    if (!rs_cbor_done(&inside) || v.len != sizeof(u->digest))
        c->in.failed = 1;
    else
        memcpy(u->digest, v.p, v.len);
}

static void
read_label_and_seed(struct rs_cbor *c, struct derivation *d)
{
    struct rs_bytes label, seed;

    expect_array(c, 2);
    label = rs_cbor_bytes(c, LABEL_MAX);
    seed = rs_cbor_bytes(c, SEED_MAX);
    if (c->in.failed || seed.len < SEED_MIN) {
        c->in.failed = 1;
        return;
    }
    if (label.len > 0)
        memcpy(d->bytes, label.p, label.len);
    memcpy(d->bytes + label.len, seed.p, seed.len);
    d->len = label.len + seed.len;
}

/* The recipient's header: which secret, which function, and with what, in any order. */
static int
read_recipient(struct rs_bytes in, struct optiga_update *u, struct derivation *d)
{
    unsigned seen = 0;
    struct rs_cbor c;

    rs_cbor_init(&c, in);
    if (rs_cbor_map(&c, 3) != 3)
        return 0;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t key = rs_cbor_uint(&c);

        if (key == HEADER_KEY_ID)
            u->secret = read_oid(&c);
        else if (key == HEADER_ALG)
            expect_int(&c, ALG_PRF_256);
        else if (key == HEADER_IV)
            read_label_and_seed(&c, d);
        else
            return 0;
        seen |= 1u << key;
    }
    return rs_cbor_done(&c) && seen == (1u << HEADER_KEY_ID | 1u << HEADER_ALG | 1u << HEADER_IV);
}

/* How the payload is encrypted, if it is. */
static void
read_decrypt_step(struct rs_cbor *c, struct optiga_update *u, struct derivation *d)
{
    static const uint8_t ccm_header[] = {0xA1, HEADER_ALG, ALG_CCM};

    if (rs_cbor_null(c))
        return;
    u->encrypted = 1;
    expect_array(c, 2);
    expect_int(c, STEP_DECRYPT);
    expect_array(c, 3);
    if (!rs_bytes_equal(rs_cbor_bytes(c, sizeof(ccm_header)), RS_BYTES(ccm_header)))
        c->in.failed = 1;
    expect_array(c, 1);
    expect_array(c, 2);
    if (!read_recipient(rs_cbor_bytes(c, MANIFEST_MAX), u, d))
        c->in.failed = 1;
    expect_null(c);
    expect_null(c);
}

static int
read_payload(const struct manifest *m, struct optiga_update *u, struct rs_bytes *uid,
             struct derivation *d)
{
    struct rs_cbor c;

    rs_cbor_init(&c, m->payload);
    expect_array(&c, 6);
    expect_int(&c, 1);
    expect_null(&c);
    expect_null(&c);
    if (!read_resource(&c, u))
        return 0;
    expect_array(&c, 2);
    read_digest_step(&c, u);
    read_decrypt_step(&c, u, d);
    expect_array(&c, 2);
    *uid = rs_cbor_bytes(&c, UID_TARGET);
    u->oid = read_oid(&c);
    return rs_cbor_done(&c);
}

/* ---- May it, and can it? ------------------------------------------------------------------------------ */

static int
check_target(struct optiga_chip *c, struct rs_bytes uid)
{
    const struct optiga_object *o = optiga_object(c, OPTIGA_OID_UID);

    if (uid.len == 0)
        return OPTIGA_OK; /* any part */
    return uid.len == UID_TARGET && memcmp(uid.p, optiga_data(c, o), UID_TARGET) == 0
               ? OPTIGA_OK
               : OPTIGA_E_MANIFEST;
}

static int
check_kind(const struct optiga_chip *c, const struct optiga_object *o,
           const struct optiga_update *u)
{
    int is_key = o->place->kind != OPTIGA_KIND_DATA;

    if (!c->v3 && (u->type != OPTIGA_UPDATE_DATA || u->encrypted))
        return OPTIGA_E_MANIFEST;
    if (u->type == OPTIGA_UPDATE_META)
        return u->size <= OPTIGA_META_MAX ? OPTIGA_OK : OPTIGA_E_BOUNDS;
    if ((u->type == OPTIGA_UPDATE_KEY) != is_key)
        return OPTIGA_E_OID;
    if (is_key)
        return u->size <= OPTIGA_UPDATE_COLLECT_MAX && optiga_has_algorithm(c, u->alg)
                   ? OPTIGA_OK
                   : OPTIGA_U_ALGORITHM_ERROR;
    return u->offset + u->size <= o->place->size ? OPTIGA_OK : OPTIGA_E_BOUNDS;
}

static int
check_object(struct optiga_chip *c, const struct optiga_command *cmd, const struct optiga_update *u)
{
    const struct optiga_claim claim = {
        .protection = cmd->protection, .anchor = u->anchor, .secret = u->secret};
    struct optiga_object *o = optiga_object(c, u->oid);
    unsigned stored;
    int status;

    if (o == NULL)
        return OPTIGA_E_OID;
    status = check_kind(c, o, u);
    if (status == OPTIGA_OK)
        status = optiga_access(
            c, o, u->type == OPTIGA_UPDATE_META ? OPTIGA_META_UPDATE : OPTIGA_CHANGE, &claim);
    if (status != OPTIGA_OK)
        return status;
    stored = o->meta.has & OPTIGA_HAS_VERSION ? o->meta.version & VERSION_MAX : 0;
    return u->version > stored ? OPTIGA_OK : OPTIGA_E_VERSION;
}

/* Key and nonce from the shared update secret. */
static int
derive_keys(struct optiga_chip *c, const struct optiga_command *cmd, const struct derivation *d,
            struct optiga_update *u)
{
    struct optiga_key secret;
    uint8_t out[PRF_LEN];
    int status;

    if (!u->encrypted)
        return OPTIGA_OK;
    if (optiga_session(c, u->secret) != NULL)
        return OPTIGA_E_OID;
    status = optiga_secret(c, cmd, u->secret, OPTIGA_TYPE_UPDATE, &secret);
    if (status != OPTIGA_OK)
        return status;
    if (!optiga_prf(256, rs_bytes_of(secret.p, secret.len), rs_bytes_of(d->bytes, d->len), out,
                    sizeof(out)))
        return OPTIGA_E_INTERNAL;
    memcpy(u->key, out, sizeof(u->key));
    memcpy(u->nonce, out + sizeof(u->key), sizeof(u->nonce));
    rs_wipe(out, sizeof(out));
    return OPTIGA_OK;
}

int
optiga_manifest_read(struct optiga_chip *c, const struct optiga_command *cmd, const uint8_t *p,
                     size_t len, struct optiga_update *u)
{
    struct rs_bytes uid = {NULL, 0};
    struct derivation d = {.len = 0};
    struct manifest m = {.alg = 0};
    int status;

    if (!read_envelope(p, len, &m) || !read_payload(&m, u, &uid, &d))
        return OPTIGA_E_MANIFEST;
    u->anchor = m.anchor;
    status = check_signature(c, cmd, &m);
    if (status == OPTIGA_OK)
        status = check_target(c, uid);
    if (status == OPTIGA_OK)
        status = derive_keys(c, cmd, &d, u);
    return status == OPTIGA_OK ? check_object(c, cmd, u) : status;
}
