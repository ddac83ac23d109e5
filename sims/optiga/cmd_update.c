/*
 * cmd_update.c: SetObjectProtected: a manifest, then fragments (section 6.4).
 *
 * Data goes to its object as it comes; from the first fragment to the last the
 * object is marked invalid by the top bit of its version, so that an update
 * that was cut off shows.  Metadata and keys are applied at the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <openssl/evp.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    FORMAT = 0x01,
    TAG_START = 0x30,
    TAG_FINAL = 0x31,
    TAG_CONTINUE = 0x32,
    KEY_PRIVATE = 0x01,
    KEY_PUBLIC = 0x02,
    KEY_EXPONENT = 0x03,
    F0_ZERO = 0x10,
    F0_RANDOM = 0x20,
    F0_LIFE = 0x0F,
};

#define FRAGMENT    640
#define DIGEST_LEN  32
#define TAG_LEN     8
#define INVALID     0x8000u
#define RESET_CHUNK 256

/* ---- One fragment ------------------------------------------------------------------------------ */

static int
digest_ok(const struct optiga_update *u, const struct optiga_tlv *v)
{
    uint8_t digest[DIGEST_LEN];

    return EVP_Digest(v->p, v->len, digest, NULL, EVP_sha256(), NULL) == 1 &&
           memcmp(digest, u->digest, sizeof(digest)) == 0;
}

static void
put_u24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    rs_set_u16(p + 1, v & 0xFFFF);
}

/*
 * Nonce: derived part and number of the fragment, from 1; associated data:
 * version, offset and size of the payload.
 */
static int
decrypt(struct optiga_update *u, struct rs_bytes in, uint8_t *out)
{
    struct optiga_ccm ccm = {.nonce_len = 13, .aad_len = 8};

    memcpy(ccm.key, u->key, sizeof(u->key));
    memcpy(ccm.nonce, u->nonce, sizeof(u->nonce));
    rs_set_u16(ccm.nonce + sizeof(u->nonce), ++u->fragment);
    rs_set_u16(ccm.aad, u->version);
    put_u24(ccm.aad + 2, u->got);
    put_u24(ccm.aad + 5, u->size);
    return optiga_ccm_open(&ccm, in, out);
}

/* What a fragment brings, in clear.  Behind it stands the digest of the next one, never encrypted. */
static int
open_fragment(struct optiga_chip *c, const struct optiga_tlv *v, uint8_t *out, size_t *ret_len)
{
    struct optiga_update *u = &c->app.update;
    size_t len = v->tag == TAG_CONTINUE ? v->len - DIGEST_LEN : v->len;

    if (!digest_ok(u, v))
        return OPTIGA_E_INTEGRITY;
    if (!u->encrypted) {
        memcpy(out, v->p, len);
    } else if (len > TAG_LEN && decrypt(u, rs_bytes_of(v->p, len), out)) {
        len -= TAG_LEN;
    } else {
        int status = optiga_monitor_event(c);

        return status == OPTIGA_OK ? OPTIGA_E_DECRYPTION : status;
    }
    if (v->tag == TAG_CONTINUE)
        memcpy(u->digest, v->p + v->len - DIGEST_LEN, DIGEST_LEN);
    if (len > u->size - u->got)
        return OPTIGA_E_BOUNDS;
    *ret_len = len;
    return OPTIGA_OK;
}

/* ---- Data ------------------------------------------------------------------------------------------- */

static int
set_version(struct optiga_chip *c, struct optiga_object *o, unsigned version)
{
    struct optiga_meta meta = o->meta;

    meta.has |= OPTIGA_HAS_VERSION;
    meta.version = (uint16_t)version;
    return optiga_store_whole(c, &o->meta, &meta, sizeof(meta));
}

static int
take_data(struct optiga_chip *c, struct optiga_object *o, const uint8_t *p, size_t len)
{
    struct optiga_update *u = &c->app.update;
    int status = OPTIGA_OK;

    if (u->got == 0)
        status = set_version(c, o, o->meta.version | INVALID);
    if (status == OPTIGA_OK)
        status = optiga_store_data(c, o, u->offset + u->got, p, len, u->erase && u->got == 0);
    return status;
}

/* ---- Metadata ----------------------------------------------------------------------------------------- */

/*
 * Zeros or random bytes instead of the content; the used length is put back with
 * the metadata.  The security monitor gets the settings that parts come with.
 */
static int
reset_content(struct optiga_chip *c, struct optiga_object *o, int random)
{
    uint8_t bytes[RESET_CHUNK];
    int status = OPTIGA_OK;

    if (o->place->oid == OPTIGA_OID_MONITOR)
        return optiga_store_data(c, o, 0, optiga_monitor_settings, OPTIGA_MONITOR_SIZE, 0);
    for (size_t at = 0; status == OPTIGA_OK && at < o->place->size; at += sizeof(bytes)) {
        size_t len = o->place->size - at;

        len = len > sizeof(bytes) ? sizeof(bytes) : len;
        memset(bytes, 0, sizeof(bytes));
        if (random)
            c->host->random(c->host->self, bytes, len);
        status = optiga_store_data(c, o, at, bytes, len, 0);
    }
    return status;
}

/*
 * F0 of the object as it is says what its life cycle becomes, unless the
 * payload says it, and what becomes of its content; where it says nothing of
 * that, the manifest does.
 */
static int
apply_meta(struct optiga_chip *c, struct optiga_object *o)
{
    const struct optiga_update *u = &c->app.update;
    struct optiga_meta meta = o->meta;
    uint8_t f0 = o->meta.reset;
    int status, random = (f0 & F0_RANDOM) != 0, flush = random || (f0 & F0_ZERO) != 0;

    if (!(o->meta.has & OPTIGA_HAS_RESET))
        return OPTIGA_E_ACCESS;
    meta.lcso = f0 & F0_LIFE;
    status = optiga_meta_change(c, o, u->collected, u->size, 1, &meta);
    if (status != OPTIGA_OK)
        return status;
    meta.has |= OPTIGA_HAS_VERSION | OPTIGA_HAS_LCSO;
    meta.version = u->version;
    if (!flush) {
        random = u->reset == OPTIGA_RESET_RANDOM;
        flush = u->reset != OPTIGA_RESET_AS_SAID;
    }
    if (flush && o->place->kind == OPTIGA_KIND_DATA)
        status = reset_content(c, o, random);
    return status == OPTIGA_OK ? optiga_store_whole(c, &o->meta, &meta, sizeof(meta)) : status;
}

/* ---- Keys ----------------------------------------------------------------------------------------------- */

static int
has_length(const struct optiga_tlv *v, size_t len)
{
    return v != NULL && v->len == len;
}

/* Private key, and the public one if it is there has to fit. */
static int
ec_key(const struct optiga_curve *curve, const struct optiga_tlvs *t, uint8_t *key)
{
    const struct optiga_tlv *private = optiga_tlv(t, KEY_PRIVATE);
    const struct optiga_tlv *public = optiga_tlv(t, KEY_PUBLIC);
    uint8_t point[SIM_POINT_MAX];

    if (!has_length(private, curve->size))
        return 0;
    memcpy(key, private->p, private->len);
    return sim_curve_public(curve->curve, key, point) &&
           (public == NULL || (has_length(public, 2 * (size_t)curve->size) &&
                               memcmp(public->p, point, public->len) == 0));
}

static int
rsa_key(uint8_t alg, const struct optiga_tlvs *t, uint8_t *key)
{
    const struct optiga_tlv *private = optiga_tlv(t, KEY_PRIVATE);
    const struct optiga_tlv *public = optiga_tlv(t, KEY_PUBLIC);
    const struct optiga_tlv *exponent = optiga_tlv(t, KEY_EXPONENT);
    size_t size = optiga_rsa_size(alg);

    if (!has_length(private, size) || !has_length(public, size) || !has_length(exponent, 4))
        return 0;
    memcpy(key, public->p, size);
    memcpy(key + size, exponent->p, 4);
    memcpy(key + size + 4, private->p, size);
    return optiga_rsa_key_ok(alg, key);
}

static int
aes_key(uint8_t alg, const struct optiga_tlvs *t, uint8_t *key)
{
    const struct optiga_tlv *secret = optiga_tlv(t, KEY_PRIVATE);

    if (!has_length(secret, optiga_key_size(alg)))
        return 0;
    memcpy(key, secret->p, secret->len);
    return 1;
}

static int
apply_key(struct optiga_chip *c, struct optiga_object *o)
{
    const struct optiga_update *u = &c->app.update;
    const struct optiga_curve *curve = optiga_curve(u->alg);
    uint8_t key[2 * OPTIGA_RSA_MAX + 4];
    struct optiga_tlvs t;
    int status, ok = 0;

    status = optiga_tlvs_read(u->collected, u->size,
                              OPTIGA_TAGS(KEY_PRIVATE, KEY_PUBLIC, KEY_EXPONENT), &t);
    if (status != OPTIGA_OK)
        return status;
    if (o->place->kind == OPTIGA_KIND_EC)
        ok = curve != NULL && ec_key(curve, &t, key);
    else if (o->place->kind == OPTIGA_KIND_RSA)
        ok = optiga_rsa_size(u->alg) > 0 && rsa_key(u->alg, &t, key);
    else
        ok = u->alg >= OPTIGA_ALG_AES_128 && aes_key(u->alg, &t, key);
    if (!ok)
        return OPTIGA_E_PARAMETER;
    status = optiga_store_key(c, o, u->alg, u->usage, key, optiga_key_size(u->alg));
    rs_wipe(key, sizeof(key));
    return status == OPTIGA_OK ? set_version(c, o, u->version) : status;
}

/* ---- The command --------------------------------------------------------------------------------------------- */

static int
finish(struct optiga_chip *c, struct optiga_object *o)
{
    const struct optiga_update *u = &c->app.update;

    if (u->got != u->size)
        return OPTIGA_E_MANIFEST;
    if (u->type == OPTIGA_UPDATE_META)
        return apply_meta(c, o);
    if (u->type == OPTIGA_UPDATE_KEY)
        return apply_key(c, o);
    return set_version(c, o, u->version);
}

static int
take_fragment(struct optiga_chip *c, const struct optiga_tlv *v)
{
    struct optiga_update *u = &c->app.update;
    struct optiga_object *o = optiga_object(c, u->oid);
    uint8_t out[FRAGMENT];
    size_t len = 0;
    int status = open_fragment(c, v, out, &len);

    if (status == OPTIGA_OK && u->type == OPTIGA_UPDATE_DATA)
        status = take_data(c, o, out, len);
    else if (status == OPTIGA_OK && u->got + len <= sizeof(u->collected))
        memcpy(u->collected + u->got, out, len);
    u->got += (uint32_t)len;
    if (status == OPTIGA_OK && v->tag == TAG_FINAL)
        status = finish(c, o);
    if (status != OPTIGA_OK || v->tag == TAG_FINAL)
        rs_wipe(u, sizeof(*u));
    rs_wipe(out, sizeof(out));
    return status;
}

static int
start(struct optiga_chip *c, const struct optiga_command *cmd, const struct optiga_tlv *v)
{
    struct optiga_update u = {.active = 1};
    int status = optiga_manifest_read(c, cmd, v->p, v->len, &u);

    rs_wipe(&c->app.update, sizeof(c->app.update));
    if (status == OPTIGA_OK)
        c->app.update = u;
    rs_wipe(&u, sizeof(u));
    return status;
}

int
optiga_do_set_protected(struct optiga_chip *c, const struct optiga_command *cmd,
                        struct optiga_answer *a)
{
    const struct optiga_tlv *v;
    struct optiga_tlvs t;
    int status;

    (void)a;
    if (cmd->param != FORMAT)
        return OPTIGA_E_PARAM;
    status =
        optiga_tlvs_read(cmd->data, cmd->len, OPTIGA_TAGS(TAG_START, TAG_CONTINUE, TAG_FINAL), &t);
    if (status != OPTIGA_OK)
        return status;
    v = &t.list[0];
    if (t.count != 1)
        return OPTIGA_E_PARAMETER;
    if (v->len == 0 || v->len > FRAGMENT || (v->tag == TAG_CONTINUE && v->len != FRAGMENT))
        return OPTIGA_E_LENGTH;
    if (v->tag == TAG_START)
        return start(c, cmd, v);
    return c->app.update.active ? take_fragment(c, v) : OPTIGA_E_SEQUENCE;
}
