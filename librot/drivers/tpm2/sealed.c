/*
 * sealed.c: bytes sealed in an object of the TPM's (Part 1, "Sealed Data Object").
 *
 * At most 128 bytes, wrapped by the storage key and made persistent.  As in
 * NV, a place has two handles, and the same trailer behind the content says
 * which is newer: the new object is made persistent, read back, and only then
 * the old one evicted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define SEALED_MAX 128u

struct sealed {
    uint32_t handle; /* 0: nothing */
    uint32_t sequence;
    size_t len; /* with the trailer */
    uint8_t bytes[SEALED_MAX];
};

int
tpm2_is_sealed_data(const struct rot_place *place)
{
    return place->where >> 24 == 0x81;
}

/* ROT_E_EMPTY when there is no such object, or it is not one of ours. */
static rot_err
unseal(struct rot_chip *chip, uint32_t handle, struct sealed *ret_content)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_reader r;
    struct rot_bytes b;
    rot_err rc = tpm2_read_public(chip, handle, &s->key);

    if (rc != ROT_OK)
        return rc;
    if (s->key.type != TPM2_ALG_KEYEDHASH || (s->key.attributes & TPM2_SIGN) != 0)
        return ROT_E_EMPTY;
    tpm2_begin(chip, TPM2_CC_UNSEAL);
    tpm2_put_handle(chip, handle, &s->key.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_ENCRYPT);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    b = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || b.len > SEALED_MAX)
        return ROT_E_FORMAT;
    if (b.len <= TPM2_TRAILER || !tpm2_take_trailer(b, &ret_content->sequence))
        return ROT_E_EMPTY;
    memcpy(ret_content->bytes, b.p, b.len);
    ret_content->len = b.len;
    ret_content->handle = handle;
    rot_wipe_memory(s->rx, sizeof(s->rx));
    return ROT_OK;
}

static rot_err
find(struct rot_chip *chip, const struct rot_place *place, struct sealed *ret_content)
{
    struct sealed other;
    rot_err ra = unseal(chip, place->where, ret_content), rb;

    if (ra != ROT_OK && ra != ROT_E_EMPTY)
        return ra;
    rb = unseal(chip, place->also, &other);
    if (rb == ROT_OK && (ra != ROT_OK || (int32_t)(other.sequence - ret_content->sequence) > 0)) {
        *ret_content = other;
        ra = ROT_OK;
    }
    rot_wipe_memory(&other, sizeof(other));
    if (rb != ROT_OK && rb != ROT_E_EMPTY)
        return rb;
    chip->raw_status = 0;
    return ra;
}

rot_err
tpm2_sealed_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    struct sealed c;
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = find(chip, place, &c);
    if (rc == ROT_OK)
        *ret_size = c.len - TPM2_TRAILER;
    rot_wipe_memory(&c, sizeof(c));
    return rc;
}

rot_err
tpm2_sealed_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
                 size_t cap, size_t *ret_len)
{
    struct sealed c;
    size_t n;
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = find(chip, place, &c);
    if (rc == ROT_OK) {
        n = offset < c.len - TPM2_TRAILER ? c.len - TPM2_TRAILER - offset : 0;
        n = n < cap ? n : cap;
        memcpy(buf, c.bytes + offset * (n != 0), n);
        *ret_len = n;
    }
    rot_wipe_memory(&c, sizeof(c));
    return rc;
}

/* The object in s->key, loaded, from a parent that is gone again. */
static rot_err
make(struct rot_chip *chip, struct rot_bytes content)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_secret blob;
    uint32_t parent;
    rot_err rc = tpm2_create_primary(chip, TPM2_RH_OWNER, TPM2_TEMPLATE_STORAGE, &s->other);

    if (rc != ROT_OK)
        return rc;
    parent = s->other.handle;
    rc = tpm2_create(chip, &s->other, TPM2_TEMPLATE_SEALED, content, &blob);
    if (rc == ROT_OK)
        rc = tpm2_load(chip, &s->other, &blob, &s->key);
    return tpm2_flush_after(chip, parent, rc);
}

static rot_err
replace(struct rot_chip *chip, uint32_t fresh, uint32_t old, struct rot_bytes content)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct sealed back;
    rot_err rc = make(chip, content);

    if (rc != ROT_OK)
        return rc;
    rc = tpm2_persist(chip, &s->key, fresh);
    rc = tpm2_flush_after(chip, s->key.handle, rc);
    if (rc != ROT_OK)
        return rc;
    rc = unseal(chip, fresh, &back);
    if (rc == ROT_OK && (back.len != content.len || !rot_equal(back.bytes, content.p, back.len)))
        rc = ROT_E_EMPTY;
    rot_wipe_memory(&back, sizeof(back));
    if (rc != ROT_OK)
        return rc == ROT_E_EMPTY ? ROT_E_MISMATCH : rc;
    rc = tpm2_evict(chip, old);
    if (rc != ROT_E_EMPTY)
        return rc;
    chip->raw_status = 0;
    return ROT_OK;
}

/* Where to, and with which number behind it. */
static rot_err
plan(struct rot_chip *chip, const struct rot_place *place, uint32_t *ret_fresh,
     uint32_t *ret_sequence)
{
    struct sealed now = {.handle = 0};
    rot_err rc = find(chip, place, &now);

    *ret_fresh = now.handle == place->where ? place->also : place->where;
    *ret_sequence = now.sequence + 1;
    rot_wipe_memory(&now, sizeof(now));
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

rot_err
tpm2_sealed_write(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf,
                  size_t len)
{
    uint8_t content[SEALED_MAX];
    uint32_t fresh, sequence;
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = plan(chip, place, &fresh, &sequence);
    if (rc != ROT_OK)
        return rc;
    memcpy(content, buf, len);
    tpm2_put_trailer(content + len, sequence);
    rc = replace(chip, fresh, fresh == place->where ? place->also : place->where,
                 (struct rot_bytes){content, len + TPM2_TRAILER});
    rot_wipe_memory(content, sizeof(content));
    return rc;
}

rot_err
tpm2_sealed_delete(struct rot_chip *chip, const struct rot_place *place)
{
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = tpm2_evict(chip, place->where);
    if (rc == ROT_OK || rc == ROT_E_EMPTY)
        rc = tpm2_evict(chip, place->also);
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}
