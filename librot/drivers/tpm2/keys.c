/*
 * keys.c: key pairs.
 *
 * Identity keys are primary keys: made again from the same template they are
 * the same keys, so that generating one twice changes nothing and a cut in
 * between is repaired by doing it again.  LDevID keys are made under a storage
 * key of the owner's hierarchy and are new each time.  All are made persistent;
 * what is loaded on the way is flushed whatever happens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

/* SubjectPublicKeyInfo of an RSA-2048 key with exponent 65537, up to the modulus, and after it. */
static const uint8_t rsa_prefix[] = {0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a,
                                     0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
                                     0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01,
                                     0x0a, 0x02, 0x82, 0x01, 0x01, 0x00};
static const uint8_t rsa_suffix[] = {0x02, 0x03, 0x01, 0x00, 0x01};

#define RSA_SPKI (sizeof(rsa_prefix) + TPM2_RSA_BYTES + sizeof(rsa_suffix))

/* ---- Public areas ---------------------------------------------------------- */

/* A number of at most 32 bytes, zeroes in front: TPMs may leave them out. */
static rot_err
take_number(struct tpm2_reader *r, uint8_t out[32])
{
    struct rot_bytes b = tpm2_get_sized(r);

    if (r->is_bad || b.len > 32)
        return ROT_E_FORMAT;
    memset(out, 0, 32 - b.len);
    if (b.len != 0)
        memcpy(out + 32 - b.len, b.p, b.len);
    return ROT_OK;
}

static void
skip_symmetric(struct tpm2_reader *r)
{
    if (tpm2_get_u16(r) != TPM2_ALG_NULL)
        (void)tpm2_get(r, 4); /* key bits and mode of AES and its like */
}

static void
skip_scheme(struct tpm2_reader *r)
{
    if (tpm2_get_u16(r) != TPM2_ALG_NULL)
        (void)tpm2_get_u16(r);
}

static rot_err
take_ecc(struct tpm2_reader *r, struct tpm2_key *key)
{
    rot_err rc;

    skip_symmetric(r);
    skip_scheme(r);
    key->curve = tpm2_get_u16(r);
    skip_scheme(r); /* the key derivation has the same form */
    if (key->curve != TPM2_CURVE_P256) {
        (void)tpm2_get_sized(r);
        (void)tpm2_get_sized(r);
        return ROT_OK;
    }
    rc = take_number(r, key->point);
    return rc == ROT_OK ? take_number(r, key->point + 32) : rc;
}

static rot_err
take_rsa(struct tpm2_reader *r, struct tpm2_key *key)
{
    uint32_t exponent;

    skip_symmetric(r);
    skip_scheme(r);
    (void)tpm2_get_u16(r);
    exponent = tpm2_get_u32(r);
    key->rsa = tpm2_get_sized(r);
    return exponent == 0 || exponent == 65537 ? ROT_OK : ROT_E_FORMAT;
}

static rot_err
take_keyedhash(struct tpm2_reader *r)
{
    skip_scheme(r);
    (void)tpm2_get_sized(r);
    return ROT_OK;
}

rot_err
tpm2_take_public(struct rot_chip *chip, struct rot_bytes area, struct tpm2_key *key)
{
    const struct rot_port *port = chip->setup.port;
    struct tpm2_reader r = {area.p, area.len, 0};
    rot_err rc = ROT_E_FORMAT;

    memset(key, 0, sizeof(*key));
    key->raw = area;
    key->type = tpm2_get_u16(&r);
    if (tpm2_get_u16(&r) != TPM2_ALG_SHA256)
        return ROT_E_FORMAT; /* no key of ours, nor of the low range */
    key->attributes = tpm2_get_u32(&r);
    (void)tpm2_get_sized(&r);
    if (key->type == TPM2_ALG_ECC)
        rc = take_ecc(&r, key);
    else if (key->type == TPM2_ALG_RSA)
        rc = take_rsa(&r, key);
    else if (key->type == TPM2_ALG_KEYEDHASH)
        rc = take_keyedhash(&r);
    if (rc == ROT_OK)
        rc = tpm2_get_end(&r);
    if (rc != ROT_OK)
        return rc;
    if (port->ops->hash == NULL)
        return ROT_E_PORT;
    key->name.len = TPM2_NAME_MAX;
    key->name.b[0] = TPM2_ALG_SHA256 >> 8;
    key->name.b[1] = TPM2_ALG_SHA256;
    return port->ops->hash(port->self, ROT_HASH_SHA256, &area, 1, key->name.b + 2);
}

/* The TPM's own idea of the name must be ours. */
static rot_err
check_name(const struct tpm2_key *key, struct rot_bytes name)
{
    return name.len == key->name.len && memcmp(name.p, key->name.b, name.len) == 0 ? ROT_OK
                                                                                   : ROT_E_FORMAT;
}

/* With confirm != 0 under the session, which takes the name that was read before. */
static rot_err
read_public(struct rot_chip *chip, uint32_t handle, int confirm, struct tpm2_key *key)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name before = key->name;
    struct tpm2_reader r;
    struct rot_bytes area, name;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_READ_PUBLIC);
    tpm2_put_handle(chip, handle, confirm ? &before : NULL);
    if (confirm)
        tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_ENCRYPT);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    area = tpm2_get_sized(&r);
    name = tpm2_get_sized(&r);
    (void)tpm2_get_sized(&r); /* the qualified name */
    if (tpm2_get_end(&r) != ROT_OK)
        return ROT_E_FORMAT;
    rc = tpm2_take_public(chip, area, key);
    key->handle = handle;
    return rc == ROT_OK ? check_name(key, name) : rc;
}

rot_err
tpm2_read_public(struct rot_chip *chip, uint32_t handle, struct tpm2_key *key)
{
    return read_public(chip, handle, 0, key);
}

/* ---- Making ------------------------------------------------------------------- */

rot_err
tpm2_create_primary(struct rot_chip *chip, uint32_t hierarchy, enum tpm2_template which,
                    struct tpm2_key *key)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c;
    struct tpm2_name name;
    struct tpm2_reader r;
    struct rot_bytes area, its_name;
    size_t at;
    rot_err rc;

    tpm2_name_of_handle(hierarchy, &name);
    c = tpm2_begin(chip, TPM2_CC_CREATE_PRIMARY);
    c->returns_handle = 1;
    tpm2_put_handle(chip, hierarchy, &name);
    if (hierarchy == TPM2_RH_NULL)
        tpm2_put_session(chip, NULL, 0); /* the key that the session itself is made with */
    else
        tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_ENCRYPT);
    at = tpm2_open_sized(chip);
    tpm2_put_sized(chip, NULL, 0); /* authorisation value */
    tpm2_put_sized(chip, NULL, 0); /* data */
    tpm2_close_sized(chip, at);
    tpm2_put_template(chip, which);
    tpm2_put_sized(chip, NULL, 0); /* outside information */
    tpm2_put_u32(chip, 0);         /* creation PCRs */
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    area = tpm2_get_sized(&r);
    (void)tpm2_get_sized(&r); /* creation data, its hash, and the ticket */
    (void)tpm2_get_sized(&r);
    (void)tpm2_get(&r, 6);
    (void)tpm2_get_sized(&r);
    its_name = tpm2_get_sized(&r);
    rc = tpm2_get_end(&r);
    if (rc == ROT_OK)
        rc = tpm2_take_public(chip, area, key);
    key->handle = c->handle;
    if (rc == ROT_OK)
        rc = check_name(key, its_name);
    return rc == ROT_OK ? rc : tpm2_flush_after(chip, c->handle, rc);
}

rot_err
tpm2_endorsement_key(struct rot_chip *chip, uint32_t handle, struct tpm2_key *key,
                     int *ret_transient)
{
    rot_err rc = tpm2_read_public(chip, handle, key);

    *ret_transient = 0;
    if (rc != ROT_E_EMPTY)
        return rc;
    rc = tpm2_create_primary(chip, TPM2_RH_ENDORSEMENT, TPM2_TEMPLATE_EK, key);
    *ret_transient = rc == ROT_OK;
    return rc;
}

static rot_err
evict(struct rot_chip *chip, const struct tpm2_key *key, uint32_t persistent)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;

    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_EVICT);
    tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_handle(chip, key->handle, &key->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    tpm2_put_u32(chip, persistent);
    return tpm2_run_plain(chip);
}

rot_err
tpm2_evict(struct rot_chip *chip, uint32_t persistent)
{
    struct tpm2_key *old = &tpm2_of(chip)->other;
    rot_err rc = tpm2_read_public(chip, persistent, old);

    return rc == ROT_OK ? evict(chip, old, persistent) : rc;
}

rot_err
tpm2_persist(struct rot_chip *chip, const struct tpm2_key *key, uint32_t persistent)
{
    struct tpm2_key *old = &tpm2_of(chip)->other;
    rot_err rc = tpm2_read_public(chip, persistent, old);

    if (rc == ROT_OK && memcmp(&old->name, &key->name, sizeof(key->name)) == 0)
        return ROT_OK;
    if (rc == ROT_OK)
        rc = evict(chip, old, persistent);
    if (rc != ROT_OK && rc != ROT_E_EMPTY)
        return rc;
    return evict(chip, key, persistent);
}

/* The key in s->key, loaded, from a parent that is gone again. */
static rot_err
make_ldevid(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct rot_bytes none = {NULL, 0};
    struct tpm2_secret blob;
    uint32_t parent;
    rot_err rc = tpm2_create_primary(chip, TPM2_RH_OWNER, TPM2_TEMPLATE_STORAGE, &s->other);

    if (rc != ROT_OK)
        return rc;
    parent = s->other.handle;
    rc = tpm2_create(chip, &s->other, TPM2_TEMPLATE_LDEVID, none, &blob);
    if (rc == ROT_OK)
        rc = tpm2_load(chip, &s->other, &blob, &s->key);
    return tpm2_flush_after(chip, parent, rc);
}

static rot_err
generate(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
         size_t *ret_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = tpm2_need_session(chip);

    if (rc != ROT_OK)
        return rc;
    if (tpm2_is_primary(place))
        rc = tpm2_create_primary(chip, TPM2_RH_ENDORSEMENT, tpm2_template_of(place), &s->key);
    else
        rc = make_ldevid(chip);
    if (rc != ROT_OK)
        return rc;
    rc = tpm2_persist(chip, &s->key, place->where);
    rc = tpm2_flush_after(chip, s->key.handle, rc);
    if (rc == ROT_OK)
        rc = rot_spki_from_point(ROT_ALG_P256, s->key.point, pub, cap, ret_len);
    return rc;
}

rot_err
tpm2_key_generate(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                  uint8_t *pub, size_t cap, size_t *ret_len)
{
    if (alg == ROT_ALG_HMAC_SHA256) {
        *ret_len = 0;
        TPM2_AGAIN(chip, tpm2_secret_generate(chip, place));
    }
    TPM2_AGAIN(chip, generate(chip, place, pub, cap, ret_len));
}

static rot_err delete(struct rot_chip *chip, const struct rot_place *place)
{
    rot_err rc = tpm2_need_session(chip);

    return rc == ROT_OK ? tpm2_evict(chip, place->where) : rc;
}

rot_err
tpm2_key_delete(struct rot_chip *chip, const struct rot_place *place)
{
    if (place->alg == ROT_ALG_HMAC_SHA256)
        return tpm2_secret_delete(chip, place);
    /* A primary key comes back whenever its template is asked for: it cannot be destroyed. */
    if (tpm2_is_primary(place))
        return ROT_E_UNSUPPORTED;
    TPM2_AGAIN(chip, delete (chip, place));
}

/* ---- Showing -------------------------------------------------------------------- */

rot_err
tpm2_rsa_digest(struct rot_chip *chip, const struct tpm2_key *key, uint8_t out[TPM2_HASH])
{
    const struct rot_port *port = chip->setup.port;
    const struct rot_bytes parts[] = {
        {rsa_prefix, sizeof(rsa_prefix)}, key->rsa, {rsa_suffix, sizeof(rsa_suffix)}};

    if (key->type != TPM2_ALG_RSA || key->rsa.len != TPM2_RSA_BYTES || (key->rsa.p[0] & 0x80u) == 0)
        return ROT_E_FORMAT;
    return port->ops->hash(port->self, ROT_HASH_SHA256, parts, 3, out);
}

static rot_err
put_rsa_spki(const struct tpm2_key *key, uint8_t *pub, size_t cap, size_t *ret_len)
{
    if (key->rsa.len != TPM2_RSA_BYTES || (key->rsa.p[0] & 0x80u) == 0)
        return ROT_E_FORMAT;
    *ret_len = RSA_SPKI;
    if (cap < RSA_SPKI)
        return ROT_E_SPACE;
    memcpy(pub, rsa_prefix, sizeof(rsa_prefix));
    memcpy(pub + sizeof(rsa_prefix), key->rsa.p, TPM2_RSA_BYTES);
    memcpy(pub + sizeof(rsa_prefix) + TPM2_RSA_BYTES, rsa_suffix, sizeof(rsa_suffix));
    return ROT_OK;
}

static rot_err
show_endorsement_key(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                     size_t *ret_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    int transient;
    rot_err rc = tpm2_endorsement_key(chip, place->where, &s->key, &transient);

    if (rc != ROT_OK)
        return rc;
    rc = s->key.type == TPM2_ALG_RSA ? put_rsa_spki(&s->key, pub, cap, ret_len) : ROT_E_FORMAT;
    return transient ? tpm2_flush_after(chip, s->key.handle, rc) : rc;
}

/* A P-256 key at its place, in s->key; its name is bound by the session as soon as it is used. */
static rot_err
find_pair(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = tpm2_read_public(chip, place->where, &s->key);
    if (rc == ROT_OK && (s->key.type != TPM2_ALG_ECC || s->key.curve != TPM2_CURVE_P256))
        rc = ROT_E_FORMAT; /* somebody else's */
    return rc;
}

static rot_err
show(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
     size_t *ret_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = tpm2_need_session(chip);

    if (rc != ROT_OK)
        return rc;
    if (tpm2_template_of(place) == TPM2_TEMPLATE_STORAGE) {
        rc = tpm2_create_primary(chip, TPM2_RH_OWNER, TPM2_TEMPLATE_STORAGE, &s->key);
        if (rc == ROT_OK)
            rc = tpm2_flush(chip, s->key.handle);
        return rc == ROT_OK ? rot_spki_from_point(ROT_ALG_P256, s->key.point, pub, cap, ret_len)
                            : rc;
    }
    if (tpm2_template_of(place) == TPM2_TEMPLATE_EK)
        return show_endorsement_key(chip, place, pub, cap, ret_len);
    rc = find_pair(chip, place);
    if (rc == ROT_OK)
        rc = read_public(chip, place->where, 1, &s->key);
    if (rc == ROT_OK)
        rc = rot_spki_from_point(ROT_ALG_P256, s->key.point, pub, cap, ret_len);
    return rc;
}

rot_err
tpm2_key_public(struct rot_chip *chip, const struct rot_place *place, uint8_t *pub, size_t cap,
                size_t *ret_len)
{
    TPM2_AGAIN(chip, show(chip, place, pub, cap, ret_len));
}

/* ---- Signing ---------------------------------------------------------------------- */

static rot_err
sign(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest, size_t digest_len,
     uint8_t raw[64])
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    unsigned scheme, hash;
    rot_err rc = find_pair(chip, place);

    if (rc != ROT_OK)
        return rc;
    tpm2_begin(chip, TPM2_CC_SIGN);
    tpm2_put_handle(chip, place->where, &s->key.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT);
    tpm2_put_sized(chip, digest, digest_len);
    tpm2_put_u16(chip, TPM2_ALG_ECDSA);
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    tpm2_put_u16(chip, TPM2_ST_HASHCHECK); /* no ticket: the key is not restricted */
    tpm2_put_u32(chip, TPM2_RH_NULL);
    tpm2_put_sized(chip, NULL, 0);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    scheme = tpm2_get_u16(&r);
    hash = tpm2_get_u16(&r);
    if (scheme != TPM2_ALG_ECDSA || hash != TPM2_ALG_SHA256)
        return ROT_E_FORMAT;
    rc = take_number(&r, raw);
    if (rc == ROT_OK)
        rc = take_number(&r, raw + 32);
    return rc == ROT_OK ? tpm2_get_end(&r) : rc;
}

static rot_err
sign_again(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
           size_t digest_len, uint8_t raw[64])
{
    TPM2_AGAIN(chip, sign(chip, place, digest, digest_len, raw));
}

rot_err
tpm2_sign_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *digest,
                 size_t digest_len, uint8_t *sig, size_t cap, size_t *ret_len)
{
    uint8_t raw[64];
    rot_err rc = sign_again(chip, place, digest, digest_len, raw);

    return rc == ROT_OK ? rot_ecdsa_to_der(raw, 32, sig, cap, ret_len) : rc;
}

/* ---- Verifying ----------------------------------------------------------------------- */

/* A public key and a signature by it. */
struct signature {
    enum rot_alg alg;
    uint8_t point[96];
    uint8_t raw[96];
};

static uint16_t
hash_of(enum rot_alg alg)
{
    return alg == ROT_ALG_P384 ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
}

/* Load a public key for as long as one command takes; s->other is it. */
static rot_err
load_external(struct rot_chip *chip, enum rot_alg alg, const uint8_t *point)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c = tpm2_begin(chip, TPM2_CC_LOAD_EXTERNAL);
    size_t half = rot_alg_point_size(alg) / 2, at;
    struct tpm2_reader r;
    rot_err rc;

    c->returns_handle = 1;
    tpm2_put_sized(chip, NULL, 0); /* no private part */
    at = tpm2_open_sized(chip);
    tpm2_put_u16(chip, TPM2_ALG_ECC);
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    tpm2_put_u32(chip, TPM2_SIGN | TPM2_USER_WITH_AUTH);
    tpm2_put_sized(chip, NULL, 0);
    tpm2_put_u16(chip, TPM2_ALG_NULL); /* symmetric */
    tpm2_put_u16(chip, TPM2_ALG_NULL); /* scheme */
    tpm2_put_u16(chip, alg == ROT_ALG_P384 ? TPM2_CURVE_P384 : TPM2_CURVE_P256);
    tpm2_put_u16(chip, TPM2_ALG_NULL); /* key derivation */
    tpm2_put_sized(chip, point, half);
    tpm2_put_sized(chip, point + half, half);
    tpm2_close_sized(chip, at);
    if (c->is_bad)
        return ROT_E_ARG;
    rc = tpm2_take_public(chip, (struct rot_bytes){s->tx + at + 2, c->len - at - 2}, &s->other);
    tpm2_put_u32(chip, TPM2_RH_NULL);
    if (rc == ROT_OK)
        rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    s->other.handle = c->handle;
    return ROT_OK;
}

static rot_err
verify_loaded(struct rot_chip *chip, const struct signature *g, const uint8_t *digest,
              size_t digest_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    size_t half = rot_alg_point_size(g->alg) / 2;
    struct tpm2_reader r;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_VERIFY_SIGNATURE);
    tpm2_put_handle(chip, s->other.handle, &s->other.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT);
    tpm2_put_sized(chip, digest, digest_len);
    tpm2_put_u16(chip, TPM2_ALG_ECDSA);
    tpm2_put_u16(chip, hash_of(g->alg));
    tpm2_put_sized(chip, g->raw, half);
    tpm2_put_sized(chip, g->raw + half, half);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    return tpm2_get_u16(&r) == TPM2_ST_VERIFIED ? ROT_OK : ROT_E_FORMAT;
}

static rot_err
find_verifier(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
              size_t pub_len, struct signature *g)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t spki[91];
    size_t n = 0;
    rot_err rc;

    if (place == NULL)
        return rot_spki_to_point(pub, pub_len, g->point, &g->alg);
    if (place->part == ROT_PART_KEY) {
        rc = tpm2_only_decrypts(place) ? ROT_E_UNSUPPORTED : find_pair(chip, place);
        memcpy(g->point, s->key.point, 64);
        g->alg = ROT_ALG_P256;
        return rc;
    }
    rc = tpm2_object_read(chip, place, 0, spki, sizeof(spki), &n);
    return rc == ROT_OK ? rot_spki_to_point(spki, n, g->point, &g->alg) : rc;
}

static rot_err
verify(struct rot_chip *chip, const struct signature *g, const uint8_t *digest, size_t digest_len)
{
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = load_external(chip, g->alg, g->point);
    if (rc != ROT_OK)
        return rc;
    rc = verify_loaded(chip, g, digest, digest_len);
    return tpm2_flush_after(chip, tpm2_of(chip)->other.handle, rc);
}

rot_err
tpm2_verify_digest(struct rot_chip *chip, const struct rot_place *place, const uint8_t *pub,
                   size_t pub_len, const uint8_t *digest, size_t digest_len, const uint8_t *sig,
                   size_t sig_len)
{
    struct signature g = {.alg = ROT_ALG_NONE};
    rot_err rc = find_verifier(chip, place, pub, pub_len, &g);

    if (tpm2_is_worth_again(chip, rc))
        rc = find_verifier(chip, place, pub, pub_len, &g);
    if (rc != ROT_OK)
        return rc;
    if (g.alg != ROT_ALG_P256 && g.alg != ROT_ALG_P384)
        return ROT_E_UNSUPPORTED;
    if (digest_len != rot_alg_digest_size(g.alg))
        return ROT_E_ARG;
    rc = rot_ecdsa_from_der(sig, sig_len, rot_alg_point_size(g.alg) / 2, g.raw);
    if (rc != ROT_OK)
        return rc;
    TPM2_AGAIN(chip, verify(chip, &g, digest, digest_len));
}

/* ---- Agreeing ------------------------------------------------------------------------ */

static rot_err
agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t point[64],
      uint8_t secret[32])
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    struct rot_bytes area;
    size_t at;
    rot_err rc = find_pair(chip, place);

    if (rc != ROT_OK)
        return rc;
    tpm2_begin(chip, TPM2_CC_ECDH_ZGEN);
    tpm2_put_handle(chip, place->where, &s->key.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT | TPM2_SE_ENCRYPT);
    at = tpm2_open_sized(chip);
    tpm2_put_sized(chip, point, 32);
    tpm2_put_sized(chip, point + 32, 32);
    tpm2_close_sized(chip, at);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    area = tpm2_get_sized(&r);
    rc = tpm2_get_end(&r);
    r = (struct tpm2_reader){area.p, area.len, 0};
    if (rc == ROT_OK)
        rc = take_number(&r, secret);
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return rc;
}

rot_err
tpm2_agree(struct rot_chip *chip, const struct rot_place *place, const uint8_t *peer,
           size_t peer_len, const struct rot_place *into, uint8_t *secret, size_t cap,
           size_t *ret_len)
{
    enum rot_alg alg = ROT_ALG_NONE;
    uint8_t point[96];
    rot_err rc = rot_spki_to_point(peer, peer_len, point, &alg);

    (void)cap; /* the core has checked it */
    if (rc != ROT_OK || alg != ROT_ALG_P256)
        return ROT_E_FORMAT;
    /* Part 3, 14.5: TPM2_ECDH_ZGen gives the point out; nothing keeps it inside. */
    if (into != NULL)
        return ROT_E_UNSUPPORTED;
    rc = agree(chip, place, point, secret);
    if (tpm2_is_worth_again(chip, rc))
        rc = agree(chip, place, point, secret);
    if (rc == ROT_OK)
        *ret_len = 32;
    return rc;
}
