/*
 * driver.c: any TPM 2.0 behind rot.h.
 *
 * The driver asks for nothing but what the PC Client platform profile makes
 * mandatory, works with empty authorisation values of the owner and the
 * endorsement hierarchy, and leaves nothing loaded but its one session, which
 * it ends with the chip.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

/* Properties (Part 2, 6.13). */
#define PT_FAMILY        0x100u
#define PT_MANUFACTURER  0x105u
#define PT_FIRMWARE      0x10bu
#define PT_INPUT_BUFFER  0x10du
#define PT_NV_BUFFER_MAX 0x12cu

#define FAMILY_2_0 0x322e3000u /* "2.0" */
#define CHUNK_MIN  64u
#define CHUNK_SAFE 512u

static rot_err
property(struct rot_chip *chip, uint32_t which, uint32_t *ret_value)
{
    struct tpm2_reader r;
    uint32_t kind, count;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_GET_CAPABILITY);
    tpm2_put_u32(chip, 6); /* TPM_CAP_TPM_PROPERTIES */
    tpm2_put_u32(chip, which);
    tpm2_put_u32(chip, 1);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    (void)tpm2_get_u8(&r); /* more would follow */
    kind = tpm2_get_u32(&r);
    count = tpm2_get_u32(&r);
    if (kind != 6 || count != 1 || tpm2_get_u32(&r) != which)
        return ROT_E_FORMAT;
    *ret_value = tpm2_get_u32(&r);
    return tpm2_get_end(&r);
}

/* The size of a buffer; old TPMs do not tell, and answer with the property that follows. */
static rot_err
buffer_size(struct rot_chip *chip, uint32_t which, uint32_t *ret_size)
{
    rot_err rc = property(chip, which, ret_size);

    if (rc != ROT_E_FORMAT)
        return rc;
    *ret_size = CHUNK_SAFE;
    return ROT_OK;
}

/* Bytes that one data parameter may have: the TPM's buffers, within ours. */
static rot_err
find_chunk(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint32_t nv = 0, input = 0, chunk = TPM2_CHUNK;
    rot_err rc = buffer_size(chip, PT_NV_BUFFER_MAX, &nv);

    if (rc == ROT_OK)
        rc = buffer_size(chip, PT_INPUT_BUFFER, &input);
    if (rc != ROT_OK)
        return rc;
    chunk = nv < chunk ? nv : chunk;
    chunk = input < chunk ? input : chunk;
    if (chunk < CHUNK_MIN)
        return ROT_E_WRONG_PART;
    s->chunk = (uint16_t)chunk;
    return ROT_OK;
}

static rot_err
probe_once(struct rot_chip *chip)
{
    uint32_t family = 0;
    rot_err rc = property(chip, PT_FAMILY, &family);

    /* A TPM 1.2 answers with tags of its own. */
    if (rc == ROT_E_FORMAT || (rc == ROT_OK && family != FAMILY_2_0))
        return ROT_E_WRONG_PART;
    return rc == ROT_OK ? find_chunk(chip) : rc;
}

static rot_err
probe(struct rot_chip *chip)
{
    TPM2_AGAIN(chip, probe_once(chip));
}

static rot_err
reset(struct rot_chip *chip)
{
    const struct rot_transport *t = chip->setup.transport;
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc;

    tpm2_end_session(chip);
    tpm2_forget_secrets(chip);
    s->pending = NULL;
    s->has_uid = 0;
    chip->raw_status = 0;
    if (t->line->pulse_reset != NULL) {
        rc = t->line->pulse_reset(t->self);
        if (rc != ROT_OK)
            return rc;
    }
    return probe(chip);
}

/* ---- Who ----------------------------------------------------------------------- */

/* TCG TPM Vendor ID Registry; the others by their four letters. */
static const struct {
    char id[5];
    char name[12];
} vendors[] = {{"AMD", "amd"},        {"ATML", "microchip"}, {"GOOG", "google"},
               {"IBM", "ibm"},        {"IFX", "infineon"},   {"INTC", "intel"},
               {"MSFT", "microsoft"}, {"NTC", "nuvoton"},    {"STM ", "st"},
               {"SMSN", "samsung"}};

/* Four letters, padded with zeroes or blanks. */
static void
put_vendor(uint32_t id, char out[ROT_NAME_MAX])
{
    char letters[5] = {0};
    size_t n = 0;

    for (unsigned i = 0; i < 4; i++) {
        char c = (char)(id >> (24 - 8 * i));

        if (c > ' ' && c <= '~')
            letters[n++] = c;
    }
    for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
        if (n != 0 && memcmp(vendors[i].id, letters, n) == 0 &&
            (n == 4 || vendors[i].id[n] == '\0' || vendors[i].id[n] == ' ')) {
            memcpy(out, vendors[i].name, sizeof(vendors[i].name));
            return;
        }
    }
    memcpy(out, n != 0 ? letters : "tcg", n != 0 ? n + 1 : sizeof("tcg"));
}

/* The unique identifier: SHA-256 of the vendor's public key, as its certificate has it. */
static rot_err
find_uid(struct rot_chip *chip)
{
    const struct rot_place *ek = rot_layout_find(chip->setup.layout, ROT_VENDOR(0), ROT_PART_KEY);
    struct tpm2_state *s = tpm2_of(chip);
    int transient = 0;
    rot_err rc;

    if (s->has_uid)
        return ROT_OK;
    if (ek == NULL)
        return ROT_E_UNSUPPORTED;
    rc = tpm2_need_session(chip);
    if (rc == ROT_OK)
        rc = tpm2_endorsement_key(chip, ek->where, &s->key, &transient);
    if (rc != ROT_OK)
        return rc;
    rc = tpm2_rsa_digest(chip, &s->key, s->uid);
    if (transient)
        rc = tpm2_flush_after(chip, s->key.handle, rc);
    s->has_uid = rc == ROT_OK;
    return rc;
}

/* Blank without an identity key, provisioned with its certificate. */
static rot_err
find_lifecycle(struct rot_chip *chip, struct rot_identity *id)
{
    const struct rot_place *key = rot_layout_find(chip->setup.layout, ROT_IDEVID, ROT_PART_KEY);
    const struct rot_place *cert = rot_layout_find(chip->setup.layout, ROT_IDEVID, ROT_PART_CERT);
    struct tpm2_state *s = tpm2_of(chip);
    size_t n = 0;
    rot_err rc = key == NULL ? ROT_E_EMPTY : tpm2_read_public(chip, key->where, &s->key);

    id->lifecycle = ROT_LIFE_BLANK;
    if (rc == ROT_E_EMPTY)
        return ROT_OK;
    if (rc != ROT_OK)
        return rc;
    id->lifecycle = ROT_LIFE_CONFIGURED;
    rc = cert == NULL ? ROT_E_EMPTY : tpm2_object_size(chip, cert, &n);
    if (rc == ROT_OK)
        id->lifecycle = ROT_LIFE_PROVISIONED;
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

static rot_err
identify_once(struct rot_chip *chip, struct rot_identity *id)
{
    uint32_t maker = 0;
    rot_err rc = property(chip, PT_MANUFACTURER, &maker);

    if (rc == ROT_OK)
        rc = property(chip, PT_FIRMWARE, &id->revision);
    if (rc == ROT_OK)
        rc = find_uid(chip);
    if (rc == ROT_OK)
        rc = find_lifecycle(chip, id);
    if (rc != ROT_OK)
        return rc;
    put_vendor(maker, id->vendor);
    memcpy(id->model, "tpm2", sizeof("tpm2"));
    memcpy(id->uid, tpm2_of(chip)->uid, TPM2_HASH);
    id->uid_len = TPM2_HASH;
    chip->raw_status = 0;
    return ROT_OK;
}

static rot_err
uid_once(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    rot_err rc;

    tpm2_of(chip)->has_uid = 0;
    rc = find_uid(chip);
    if (rc != ROT_OK)
        return rc;
    memcpy(out, tpm2_of(chip)->uid, TPM2_HASH);
    *ret_len = TPM2_HASH;
    chip->raw_status = 0;
    return ROT_OK;
}

static rot_err
uid(struct rot_chip *chip, uint8_t out[ROT_UID_MAX], size_t *ret_len)
{
    TPM2_AGAIN(chip, uid_once(chip, out, ret_len));
}

static rot_err
identify(struct rot_chip *chip, struct rot_identity *id)
{
    TPM2_AGAIN(chip, identify_once(chip, id));
}

/* ---- What ------------------------------------------------------------------------ */

static void
capability(const struct rot_chip *chip, const struct rot_place *key, const struct rot_place *cert,
           const struct rot_place *chain, const struct rot_place *data, struct rot_capability *cap)
{
    (void)chip;
    for (unsigned i = 0; i < ROT_PRIMITIVES; i++)
        cap->where[i] = ROT_IN_CHIP;
    if (key != NULL)
        cap->alg = key->alg;
    else if (data != NULL)
        cap->alg = data->alg;
    cap->cert_size = cert != NULL ? cert->size : 0;
    cap->chain_size = chain != NULL ? chain->size : 0;
    cap->data_size = data != NULL ? data->size : 0;
    if (key != NULL && tpm2_is_primary(key))
        cap->where[ROT_CAN_DELETE] = ROT_NOWHERE;
    if (key != NULL && key->alg != ROT_ALG_HMAC_SHA256)
        cap->where[ROT_CAN_IMPORT] = ROT_NOWHERE; /* they are born here */
    if (key != NULL && tpm2_only_decrypts(key)) {
        cap->where[ROT_CAN_VERIFY] = ROT_NOWHERE;
        cap->where[ROT_CAN_ATTEST] = ROT_NOWHERE;
        cap->where[ROT_CAN_ACTIVATE] = ROT_NOWHERE;
    }
}

static rot_err
random_once(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = tpm2_need_session(chip);

    while (len != 0 && rc == ROT_OK) {
        struct tpm2_reader r;
        struct rot_bytes b;

        tpm2_begin(chip, TPM2_CC_GET_RANDOM);
        tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_ENCRYPT);
        tpm2_put_u16(chip, (uint16_t)(len < TPM2_HASH ? len : TPM2_HASH));
        rc = tpm2_run(chip, &r);
        if (rc != ROT_OK)
            break;
        b = tpm2_get_sized(&r);
        if (tpm2_get_end(&r) != ROT_OK || b.len == 0 || b.len > len)
            return ROT_E_FORMAT;
        memcpy(buf, b.p, b.len);
        buf += b.len;
        len -= b.len;
    }
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return rc;
}

static rot_err
random_bytes(struct rot_chip *chip, uint8_t *buf, size_t len)
{
    TPM2_AGAIN(chip, random_once(chip, buf, len));
}

static rot_err
self_test(struct rot_chip *chip)
{
    tpm2_begin(chip, TPM2_CC_SELF_TEST);
    tpm2_put_u8(chip, 1); /* all of it */
    return tpm2_run_plain(chip);
}

/* ---- Seals ------------------------------------------------------------------------- */

/*
 * TPM2_NV_WriteLock of an index with TPMA_NV_WRITEDEFINE: it cannot be written
 * any more, by anybody, as long as it is defined.
 */
static rot_err
seal(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place)
{
    if (stage != ROT_STAGE_OBJECT)
        return ROT_E_UNSUPPORTED;
    TPM2_AGAIN(chip, tpm2_object_seal(chip, place));
}

static rot_err
sealed(struct rot_chip *chip, const struct rot_place *place, enum rot_seal_state *ret_state)
{
    int done = 0;
    rot_err rc = tpm2_object_is_sealed(chip, place, &done);

    if (rc == ROT_OK)
        *ret_state = done ? ROT_SEAL_DONE : ROT_SEAL_OPEN;
    return rc;
}

static rot_err
seal_state(struct rot_chip *chip, enum rot_stage stage, const struct rot_place *place,
           enum rot_seal_state *ret_state)
{
    if (stage != ROT_STAGE_OBJECT)
        return ROT_E_UNSUPPORTED;
    TPM2_AGAIN(chip, sealed(chip, place, ret_state));
}

/* ---- Wipe ----------------------------------------------------------------------------- */

static rot_err
wipe_place(struct rot_chip *chip, const struct rot_place *place)
{
    int is_locked = 0;
    rot_err rc = ROT_OK;

    if ((place->flags & ROT_PLACE_READ_ONLY) != 0 ||
        ROT_OBJECT_KIND(place->object) == ROT_KIND_COUNTER)
        return ROT_OK;
    if (place->part == ROT_PART_KEY) {
        if (place->where == 0 || tpm2_is_primary(place))
            return ROT_OK;
        rc = tpm2_evict(chip, place->where);
        return rc == ROT_E_EMPTY ? ROT_OK : rc;
    }
    if ((place->flags & ROT_PLACE_LOCKABLE) != 0)
        rc = tpm2_object_is_sealed(chip, place, &is_locked);
    return rc == ROT_OK && !is_locked ? tpm2_object_delete(chip, place) : rc;
}

/*
 * The owner's keys, and all that was written and is not locked.  Counters stay,
 * because they never go down; primary keys stay, because they would come back.
 */
static rot_err
wipe_once(struct rot_chip *chip)
{
    const struct rot_layout *l = chip->setup.layout;
    rot_err rc = tpm2_need_session(chip);

    tpm2_forget_secrets(chip);
    for (size_t i = 0; i < l->place_count && rc == ROT_OK; i++)
        rc = wipe_place(chip, &l->places[i]);
    if (rc == ROT_OK)
        chip->raw_status = 0;
    return rc;
}

static rot_err
wipe(struct rot_chip *chip)
{
    TPM2_AGAIN(chip, wipe_once(chip));
}

extern const struct rot_driver rot_driver_tpm2;

const struct rot_driver rot_driver_tpm2 = {
    .name = "tpm2",
    .vendor = "tcg",
    .bus = ROT_BUS_MESSAGE,
    .state_size = sizeof(struct tpm2_state),
    .layouts = tpm2_layouts,
    .probe = probe,
    .close = tpm2_end_session,
    .reset = reset,
    .identify = identify,
    .uid = uid,
    .capability = capability,
    .random = random_bytes,
    .key_generate = tpm2_key_generate,
    .key_public = tpm2_key_public,
    .key_import = tpm2_key_import,
    .key_delete = tpm2_key_delete,
    .sign_digest = tpm2_sign_digest,
    .verify_digest = tpm2_verify_digest,
    .agree = tpm2_agree,
    .derive = tpm2_derive,
    .mac = tpm2_mac,
    .object_size = tpm2_object_size,
    .object_read = tpm2_object_read,
    .object_write = tpm2_object_write,
    .counter_read = tpm2_counter_read,
    .counter_increment = tpm2_counter_increment,
    .attest = tpm2_attest,
    .activate = tpm2_activate,
    .seal = seal,
    .seal_state = seal_state,
    .wipe = wipe,
    .self_test = self_test,
};
