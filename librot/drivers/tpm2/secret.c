/*
 * secret.c: objects under the storage key, and session keys among them.
 *
 * A session key is an HMAC key that the TPM makes and wraps.  What it wrapped
 * is kept here while the chip is open and loaded for each use, so that a
 * session key takes none of the TPM's few slots in between.  It works with
 * TPM2_HMAC; derivations that are made of HMACs under that key (HKDF-Expand,
 * the TLS 1.2 PRF) run the same way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

static struct tpm2_secret *
find(struct rot_chip *chip, rot_object object)
{
    struct tpm2_state *s = tpm2_of(chip);

    for (unsigned i = 0; i < TPM2_SECRETS; i++) {
        if (s->secrets[i].object == object)
            return &s->secrets[i];
    }
    return NULL;
}

void
tpm2_forget_secrets(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);

    rot_wipe_memory(s->secrets, sizeof(s->secrets));
}

rot_err
tpm2_create(struct rot_chip *chip, const struct tpm2_key *parent, enum tpm2_template which,
            struct rot_bytes data, struct tpm2_secret *ret_blob)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    struct rot_bytes private, public;
    size_t at;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_CREATE);
    tpm2_put_handle(chip, parent->handle, &parent->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT);
    at = tpm2_open_sized(chip);
    tpm2_put_sized(chip, NULL, 0); /* authorisation value */
    tpm2_put_sized(chip, data.p, data.len);
    tpm2_close_sized(chip, at);
    tpm2_put_template(chip, which);
    tpm2_put_sized(chip, NULL, 0); /* outside information */
    tpm2_put_u32(chip, 0);         /* creation PCRs */
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    private = tpm2_get_sized(&r);
    public = tpm2_get_sized(&r);
    if (r.is_bad || private.len > TPM2_BLOB_MAX || public.len > TPM2_BLOB_MAX - private.len)
        return ROT_E_FORMAT;
    memcpy(ret_blob->blob, public.p, public.len);
    memcpy(ret_blob->blob + public.len, private.p, private.len);
    ret_blob->public_len = (uint16_t)public.len;
    ret_blob->private_len = (uint16_t)private.len;
    return ROT_OK;
}

rot_err
tpm2_load(struct rot_chip *chip, const struct tpm2_key *parent, const struct tpm2_secret *blob,
          struct tpm2_key *ret_key)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c;
    struct tpm2_reader r;
    rot_err rc = tpm2_take_public(chip, (struct rot_bytes){blob->blob, blob->public_len}, ret_key);

    if (rc != ROT_OK)
        return rc;
    c = tpm2_begin(chip, TPM2_CC_LOAD);
    c->returns_handle = 1;
    tpm2_put_handle(chip, parent->handle, &parent->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    tpm2_put_sized(chip, blob->blob + blob->public_len, blob->private_len);
    tpm2_put_sized(chip, blob->blob, blob->public_len);
    rc = tpm2_run(chip, &r);
    ret_key->handle = c->handle;
    return rc;
}

/* ---- A session key's life ------------------------------------------------------ */

rot_err
tpm2_secret_generate(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct rot_bytes none = {NULL, 0};
    struct tpm2_secret *to = find(chip, place->object), fresh;
    rot_err rc = tpm2_need_session(chip);

    if (to == NULL)
        to = find(chip, 0);
    if (to == NULL)
        return ROT_E_SPACE;
    if (rc == ROT_OK)
        rc = tpm2_create_primary(chip, TPM2_RH_OWNER, TPM2_TEMPLATE_STORAGE, &s->other);
    if (rc != ROT_OK)
        return rc;
    rc = tpm2_create(chip, &s->other, TPM2_TEMPLATE_HMAC, none, &fresh);
    rc = tpm2_flush_after(chip, s->other.handle, rc);
    if (rc == ROT_OK) {
        fresh.object = place->object;
        *to = fresh;
    }
    return rc;
}

/* ---- A key from outside ---------------------------------------------------------- */

/* What TPM2_Duplicate of another TPM, or a host that can do the same, gives for our storage key. */
struct wrapped {
    struct rot_bytes public, duplicate, seed;
};

static rot_err
take_wrapped(const uint8_t *p, size_t len, struct wrapped *w)
{
    struct tpm2_reader r = {p, len, 0};

    w->public = tpm2_get_sized(&r);
    w->duplicate = tpm2_get_sized(&r);
    w->seed = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || len > TPM2_CHUNK || w->public.len > TPM2_BLOB_MAX)
        return ROT_E_FORMAT;
    return ROT_OK;
}

/* Part 3, 13.3: the private part, wrapped anew by the parent. */
static rot_err
import(struct rot_chip *chip, const struct tpm2_key *parent, const struct wrapped *w,
       struct tpm2_secret *ret_blob)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    struct rot_bytes private;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_IMPORT);
    tpm2_put_handle(chip, parent->handle, &parent->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    tpm2_put_sized(chip, NULL, 0); /* no inner wrapper */
    tpm2_put_sized(chip, w->public.p, w->public.len);
    tpm2_put_sized(chip, w->duplicate.p, w->duplicate.len);
    tpm2_put_sized(chip, w->seed.p, w->seed.len);
    tpm2_put_u16(chip, TPM2_ALG_NULL);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    private = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || private.len > TPM2_BLOB_MAX - w->public.len)
        return ROT_E_FORMAT;
    memcpy(ret_blob->blob, w->public.p, w->public.len);
    memcpy(ret_blob->blob + w->public.len, private.p, private.len);
    ret_blob->public_len = (uint16_t)w->public.len;
    ret_blob->private_len = (uint16_t)private.len;
    return ROT_OK;
}

static rot_err
import_once(struct rot_chip *chip, const struct rot_place *place, const struct wrapped *w)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_secret *to = find(chip, place->object), fresh;
    uint32_t parent;
    rot_err rc = tpm2_need_session(chip);

    if (to == NULL)
        to = find(chip, 0);
    if (to == NULL)
        return ROT_E_SPACE;
    if (rc == ROT_OK)
        rc = tpm2_create_primary(chip, TPM2_RH_OWNER, TPM2_TEMPLATE_STORAGE, &s->other);
    if (rc != ROT_OK)
        return rc;
    parent = s->other.handle;
    rc = tpm2_take_public(chip, w->public, &s->key);
    if (rc == ROT_OK && (s->key.type != TPM2_ALG_KEYEDHASH || (s->key.attributes & TPM2_SIGN) == 0))
        rc = ROT_E_FORMAT;
    if (rc == ROT_OK)
        rc = import(chip, &s->other, w, &fresh);
    rc = tpm2_flush_after(chip, parent, rc);
    if (rc == ROT_OK) {
        fresh.object = place->object;
        *to = fresh;
    }
    return rc;
}

rot_err
tpm2_key_import(struct rot_chip *chip, const struct rot_place *place, enum rot_alg alg,
                const uint8_t *wrapped, size_t wrapped_len)
{
    struct wrapped w;
    rot_err rc;

    if (alg != ROT_ALG_HMAC_SHA256)
        return ROT_E_UNSUPPORTED;
    rc = take_wrapped(wrapped, wrapped_len, &w);
    if (rc != ROT_OK)
        return rc;
    rc = import_once(chip, place, &w);
    if (tpm2_is_worth_again(chip, rc))
        rc = import_once(chip, place, &w);
    return tpm2_blame_input(chip, rc);
}

rot_err
tpm2_secret_delete(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_secret *secret = find(chip, place->object);

    if (secret == NULL)
        return ROT_E_EMPTY;
    rot_wipe_memory(secret, sizeof(*secret));
    return ROT_OK;
}

/* Load a session key into s->key. */
static rot_err
load_secret(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_state *s = tpm2_of(chip);
    const struct tpm2_secret *secret = find(chip, place->object);
    uint32_t parent;
    rot_err rc;

    if (secret == NULL)
        return ROT_E_EMPTY;
    rc = tpm2_need_session(chip);
    if (rc == ROT_OK)
        rc = tpm2_create_primary(chip, TPM2_RH_OWNER, TPM2_TEMPLATE_STORAGE, &s->other);
    if (rc != ROT_OK)
        return rc;
    parent = s->other.handle;
    rc = tpm2_load(chip, &s->other, secret, &s->key);
    rc = tpm2_flush_after(chip, parent, rc);
    if (rc != ROT_OK && s->key.handle != 0)
        rc = tpm2_flush_after(chip, s->key.handle, rc);
    return rc;
}

/* ---- HMAC ------------------------------------------------------------------------ */

static rot_err
take_mac(struct rot_chip *chip, uint8_t mac[TPM2_HASH])
{
    struct tpm2_reader r;
    struct rot_bytes b;
    rot_err rc = tpm2_run(chip, &r);

    if (rc != ROT_OK)
        return rc;
    b = tpm2_get_sized(&r);
    if (r.is_bad || b.len != TPM2_HASH)
        return ROT_E_FORMAT;
    memcpy(mac, b.p, TPM2_HASH);
    rot_wipe_memory(tpm2_of(chip)->rx, sizeof(tpm2_of(chip)->rx)); /* it may be a derived key */
    return ROT_OK;
}

/* One command is enough for most. */
static rot_err
hmac_short(struct rot_chip *chip, const uint8_t *msg, size_t len, uint8_t mac[TPM2_HASH])
{
    struct tpm2_state *s = tpm2_of(chip);

    tpm2_begin(chip, TPM2_CC_HMAC);
    tpm2_put_handle(chip, s->key.handle, &s->key.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT | TPM2_SE_ENCRYPT);
    tpm2_put_sized(chip, msg, len);
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    return take_mac(chip, mac);
}

static rot_err
hmac_pieces(struct rot_chip *chip, uint32_t sequence, const uint8_t *msg, size_t len,
            uint8_t mac[TPM2_HASH])
{
    static const struct tpm2_name nameless = {0, {0}}; /* Part 1, 16: sequences have none */
    struct tpm2_state *s = tpm2_of(chip);

    while (len > s->chunk) {
        rot_err rc;

        tpm2_begin(chip, TPM2_CC_SEQUENCE_UPDATE);
        tpm2_put_handle(chip, sequence, &nameless);
        tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT);
        tpm2_put_sized(chip, msg, s->chunk);
        rc = tpm2_run_plain(chip);
        if (rc != ROT_OK)
            return tpm2_flush_after(chip, sequence, rc);
        msg += s->chunk;
        len -= s->chunk;
    }
    tpm2_begin(chip, TPM2_CC_SEQUENCE_COMPLETE);
    tpm2_put_handle(chip, sequence, &nameless);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT | TPM2_SE_ENCRYPT);
    tpm2_put_sized(chip, msg, len);
    tpm2_put_u32(chip, TPM2_RH_NULL);
    return take_mac(chip, mac);
}

static rot_err
hmac_long(struct rot_chip *chip, const uint8_t *msg, size_t len, uint8_t mac[TPM2_HASH])
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_command *c = tpm2_begin(chip, TPM2_CC_HMAC_START);
    rot_err rc;

    c->returns_handle = 1;
    tpm2_put_handle(chip, s->key.handle, &s->key.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    tpm2_put_sized(chip, NULL, 0);
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    rc = tpm2_run_plain(chip);
    return rc == ROT_OK ? hmac_pieces(chip, c->handle, msg, len, mac) : rc;
}

static rot_err
mac_once(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t len,
         uint8_t mac[TPM2_HASH])
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = load_secret(chip, place);

    if (rc != ROT_OK)
        return rc;
    rc = len <= s->chunk ? hmac_short(chip, msg, len, mac) : hmac_long(chip, msg, len, mac);
    return tpm2_flush_after(chip, s->key.handle, rc);
}

rot_err
tpm2_mac(struct rot_chip *chip, const struct rot_place *place, const uint8_t *msg, size_t msg_len,
         uint8_t *mac, size_t cap, size_t *ret_len)
{
    (void)cap; /* the core has checked it */
    *ret_len = TPM2_HASH;
    TPM2_AGAIN(chip, mac_once(chip, place, msg, msg_len, mac));
}

/* ---- Derivations ------------------------------------------------------------------- */

/* head (a MAC, or nothing) || label || info || tail (a counter, or nothing), in s->scratch. */
static size_t
gather(struct tpm2_state *s, struct rot_bytes head, const struct rot_kdf_params *p, unsigned tail)
{
    const struct rot_bytes parts[] = {head, p->label, p->info};
    size_t n = 0;

    for (unsigned i = 0; i < 3; i++) {
        if (parts[i].len != 0)
            memcpy(s->scratch + n, parts[i].p, parts[i].len);
        n += parts[i].len;
    }
    if (tail != 0)
        s->scratch[n++] = (uint8_t)tail;
    return n;
}

/* RFC 5869 2.3: T(i) = HMAC(PRK, T(i-1) || info || i). */
static rot_err
expand(struct rot_chip *chip, const struct rot_kdf_params *p, uint8_t out[ROT_SECRET_MAX])
{
    struct tpm2_state *s = tpm2_of(chip);
    struct rot_bytes before = {NULL, 0};
    rot_err rc = ROT_OK;

    for (unsigned i = 0; i < 2 && rc == ROT_OK; i++) {
        rc = hmac_short(chip, s->scratch, gather(s, before, p, i + 1), out + 32u * i);
        before = (struct rot_bytes){out + 32u * i, TPM2_HASH};
    }
    return rc;
}

/* RFC 5246 5: A(i) = HMAC(A(i-1)), A(0) = label || seed; output HMAC(A(i) || label || seed). */
static rot_err
prf(struct rot_chip *chip, const struct rot_kdf_params *p, uint8_t out[ROT_SECRET_MAX])
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t a[TPM2_HASH];
    rot_err rc = hmac_short(chip, s->scratch, gather(s, (struct rot_bytes){NULL, 0}, p, 0), a);

    for (unsigned i = 0; i < 2 && rc == ROT_OK; i++) {
        rc = hmac_short(chip, s->scratch, gather(s, (struct rot_bytes){a, TPM2_HASH}, p, 0),
                        out + 32u * i);
        if (rc == ROT_OK && i == 0)
            rc = hmac_short(chip, a, TPM2_HASH, a);
    }
    rot_wipe_memory(a, sizeof(a));
    return rc;
}

static rot_err
derive_once(struct rot_chip *chip, const struct rot_place *from, const struct rot_kdf_params *p,
            uint8_t out[ROT_SECRET_MAX])
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = load_secret(chip, from);

    if (rc != ROT_OK)
        return rc;
    rc = p->kdf == ROT_KDF_HKDF_EXPAND ? expand(chip, p, out) : prf(chip, p, out);
    rot_wipe_memory(s->scratch, sizeof(s->scratch));
    return tpm2_flush_after(chip, s->key.handle, rc);
}

rot_err
tpm2_derive(struct rot_chip *chip, const struct rot_place *from,
            const struct rot_kdf_params *params, const struct rot_place *into, uint8_t *out,
            size_t cap, size_t *ret_len)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t derived[ROT_SECRET_MAX];
    rot_err rc;

    (void)cap; /* the core has checked it */
    /* The extract step and SP 800-56C hash the secret as a message: no TPM command takes a key so. */
    if (params->kdf != ROT_KDF_HKDF_EXPAND && params->kdf != ROT_KDF_TLS12_PRF_SHA256)
        return ROT_E_UNSUPPORTED;
    /* Part 3, 15.5: TPM2_HMAC gives its result out. */
    if (into != NULL)
        return ROT_E_UNSUPPORTED;
    if (params->label.len > sizeof(s->scratch) || params->info.len > sizeof(s->scratch) ||
        TPM2_HASH + params->label.len + params->info.len + 1 > s->chunk)
        return ROT_E_ARG;
    rc = derive_once(chip, from, params, derived);
    if (tpm2_is_worth_again(chip, rc))
        rc = derive_once(chip, from, params, derived);
    if (rc == ROT_OK) {
        memcpy(out, derived, params->out_len);
        *ret_len = params->out_len;
    }
    rot_wipe_memory(derived, sizeof(derived));
    return rc;
}
