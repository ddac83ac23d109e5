/*
 * store.c: bytes in slots 8 to 15.
 *
 * Blocks of 32 bytes; the third block of a 72-byte slot has 8.  While the data
 * zone is open the part answers no read: the shadow of what this chip took
 * since rot_open() answers then, and ROT_E_STATE where there is none.
 *
 * Data and packed certificates begin with length and CRC, two bytes each,
 * and their first block is written last: a torn write is empty, not wrong.
 *
 * What a slot's configuration wants encrypted goes by io.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "atecc.h"

#define BLOCK  32u
#define HEADER 4u
#define FORM   72u     /* the compressed form */
#define START  0xffffu /* of the CRC: a run of zeroes has another */

#define READ_HIDDEN  0x0040u /* in SlotConfig */
#define WRITE_HIDDEN 0x4000u

static struct atecc_state *
state_of(struct rot_chip *chip)
{
    return chip->setup.state;
}

static size_t
shadow_index(unsigned slot, unsigned block)
{
    if (slot < 8)
        return ATECC_SHADOW_BLOCKS - 1;
    return slot == 8 ? block : 13u + (slot - 9u) * 3u + block;
}

static uint16_t
address_of(unsigned slot, unsigned block, unsigned word)
{
    return (uint16_t)(block << 8 | slot << 3 | word);
}

static rot_err
read_from_part(struct rot_chip *chip, unsigned slot, unsigned block, uint8_t out[BLOCK])
{
    struct atecc_command c = {.op = ATECC_OP_READ, .p1 = 0x82, .p2 = address_of(slot, block, 0)};
    rot_err rc = ROT_OK;

    if ((atecc_slot_config(chip->setup.layout, slot) & READ_HIDDEN) != 0)
        return atecc_read_hidden(chip, c.p2, out);
    if (slot == 8 || block < 2)
        return atecc_run(chip, &c, out, BLOCK);
    memset(out, 0, BLOCK);
    for (unsigned w = 0; w < 2 && rc == ROT_OK; w++) {
        c.p1 = 0x02;
        c.p2 = address_of(slot, block, w);
        rc = atecc_run(chip, &c, out + w * 4u, 4);
    }
    return rc;
}

static rot_err
read_block(struct rot_chip *chip, unsigned slot, unsigned block, int is_locked, uint8_t out[BLOCK])
{
    struct atecc_state *s = state_of(chip);
    size_t i = shadow_index(slot, block);

    if (is_locked)
        return read_from_part(chip, slot, block, out);
    if (!s->is_known[i])
        return ROT_E_STATE;
    memcpy(out, s->shadow[i], BLOCK);
    return ROT_OK;
}

static rot_err
write_block(struct rot_chip *chip, unsigned slot, unsigned block, int is_locked,
            const uint8_t in[BLOCK])
{
    struct atecc_command c = {ATECC_OP_WRITE, 0x82, address_of(slot, block, 0), in, BLOCK};
    size_t i = shadow_index(slot, block), n = slot != 8 && block == 2 ? 8 : BLOCK;
    struct atecc_state *s = state_of(chip);
    uint8_t back[BLOCK];
    rot_err rc;

    if ((atecc_slot_config(chip->setup.layout, slot) & WRITE_HIDDEN) != 0)
        rc = atecc_write_hidden(chip, c.p2, in);
    else
        rc = atecc_run(chip, &c, NULL, 0);
    if (rc != ROT_OK)
        return rc;
    memcpy(s->shadow[i], in, BLOCK);
    s->is_known[i] = 1;
    if (!is_locked)
        return ROT_OK;
    rc = read_from_part(chip, slot, block, back);
    if (rc != ROT_OK)
        return rc;
    return rot_equal(back, in, n) ? ROT_OK : ROT_E_MISMATCH;
}

static rot_err
read_locks(struct rot_chip *chip, unsigned slot, int *ret_locked, int *ret_writable)
{
    uint8_t config[ATECC_CONFIG_SIZE];
    rot_err rc = atecc_read_config(chip, config);

    if (rc != ROT_OK)
        return rc;
    *ret_locked = atecc_is_data_locked(config);
    *ret_writable = atecc_is_config_locked(config) && !atecc_is_slot_locked(config, slot);
    return ROT_OK;
}

/* Bytes of a slot from a block's border on, last block first. */
static rot_err
write_slot(struct rot_chip *chip, unsigned slot, size_t offset, const uint8_t *buf, size_t len)
{
    int is_locked = 0, writable = 0;
    rot_err rc = read_locks(chip, slot, &is_locked, &writable);

    if (rc == ROT_OK && !writable)
        return ROT_E_STATE;
    for (size_t i = (len + BLOCK - 1) / BLOCK; i > 0 && rc == ROT_OK; i--) {
        size_t at = (i - 1) * BLOCK, n = len - at < BLOCK ? len - at : BLOCK;
        uint8_t block[BLOCK] = {0};

        memcpy(block, buf + at, n);
        rc = write_block(chip, slot, (unsigned)((offset + at) / BLOCK), is_locked, block);
    }
    return rc;
}

static rot_err
read_slot(struct rot_chip *chip, unsigned slot, size_t offset, uint8_t *buf, size_t len)
{
    int is_locked = 0, writable = 0;
    rot_err rc = read_locks(chip, slot, &is_locked, &writable);

    for (size_t at = 0; at < len && rc == ROT_OK; at += BLOCK) {
        uint8_t block[BLOCK];

        rc = read_block(chip, slot, (unsigned)((offset + at) / BLOCK), is_locked, block);
        if (rc == ROT_OK)
            memcpy(buf + at, block, len - at < BLOCK ? len - at : BLOCK);
    }
    return rc;
}

static void
put_framed(uint8_t *p, size_t len, uint16_t start)
{
    uint16_t crc = atecc_crc(p + HEADER, len, start);

    p[0] = (uint8_t)(len >> 8);
    p[1] = (uint8_t)len;
    p[2] = (uint8_t)(crc >> 8);
    p[3] = (uint8_t)crc;
}

/* Into state->packed: header and bytes.  ROT_E_EMPTY when length or CRC does not hold. */
static rot_err
read_framed(struct rot_chip *chip, unsigned slot, size_t offset, size_t room, uint16_t start,
            size_t *ret_len)
{
    uint8_t *p = state_of(chip)->packed;
    rot_err rc = read_slot(chip, slot, offset, p, BLOCK);
    size_t len;
    uint16_t crc;

    if (rc != ROT_OK)
        return rc;
    len = (size_t)p[0] << 8 | p[1];
    if (len == 0 || len > room - HEADER)
        return ROT_E_EMPTY;
    if (HEADER + len > BLOCK)
        rc = read_slot(chip, slot, offset + BLOCK, p + BLOCK, HEADER + len - BLOCK);
    if (rc != ROT_OK)
        return rc;
    crc = atecc_crc(p + HEADER, len, start);
    if (p[2] != (uint8_t)(crc >> 8) || p[3] != (uint8_t)crc)
        return ROT_E_EMPTY;
    *ret_len = len;
    return ROT_OK;
}

static rot_err
write_framed(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf, size_t len)
{
    uint8_t *p = state_of(chip)->packed;

    memcpy(p + HEADER, buf, len);
    put_framed(p, len, START);
    return write_slot(chip, place->where, place->offset, p, HEADER + len);
}

/* A public key stands in 72 bytes as 4 zeroes, X, 4 zeroes, Y. */
static rot_err
write_public(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf, size_t len)
{
    uint8_t point[96], slot[FORM] = {0};
    enum rot_alg alg = ROT_ALG_NONE;

    if (rot_spki_to_point(buf, len, point, &alg) != ROT_OK || alg != ROT_ALG_P256)
        return ROT_E_FORMAT;
    memcpy(slot + 4, point, 32);
    memcpy(slot + 40, point + 32, 32);
    return write_slot(chip, place->where, 0, slot, sizeof(slot));
}

static rot_err
load_public(struct rot_chip *chip, const struct rot_place *place, size_t *ret_len)
{
    struct atecc_state *s = state_of(chip);
    uint8_t slot[FORM], point[64];
    static const uint8_t zero[4] = {0};
    rot_err rc = read_slot(chip, place->where, 0, slot, sizeof(slot));

    if (rc != ROT_OK)
        return rc;
    memcpy(point, slot + 4, 32);
    memcpy(point + 32, slot + 40, 32);
    if (memcmp(slot, zero, 4) != 0 || memcmp(slot + 36, zero, 4) != 0 ||
        (memcmp(point, point + 1, 63) == 0))
        return ROT_E_EMPTY;
    return rot_spki_from_point(ROT_ALG_P256, point, s->window, sizeof(s->window), ret_len);
}

/* What counter 0 stops at: twice, low byte first, and a multiple of 32 (reference, 4.1). */
static rot_err
write_limit(struct rot_chip *chip, const struct rot_place *place, const uint8_t *buf, size_t len)
{
    uint8_t block[8];

    if (len != 4 || buf[3] % 32 != 0)
        return ROT_E_FORMAT;
    for (unsigned i = 0; i < 8; i++)
        block[i] = buf[3 - i % 4];
    return write_slot(chip, place->where, 0, block, sizeof(block));
}

/* Into state->packed, behind the header, where load() looks. */
static rot_err
load_limit(struct rot_chip *chip, const struct rot_place *place, size_t *ret_len)
{
    uint8_t *p = state_of(chip)->packed + HEADER, block[8];
    rot_err rc = read_slot(chip, place->where, 0, block, sizeof(block));

    if (rc != ROT_OK)
        return rc;
    if (memcmp(block, block + 4, 4) != 0 || block[0] % 32 != 0)
        return ROT_E_EMPTY;
    for (unsigned i = 0; i < 4; i++)
        p[i] = block[3 - i];
    *ret_len = 4;
    return ROT_OK;
}

static rot_err
key_of(struct rot_chip *chip, const struct rot_place *cert, uint8_t point[64])
{
    const struct rot_place *key = rot_layout_find(chip->setup.layout, cert->object, ROT_PART_KEY);

    return key == NULL ? ROT_E_UNSUPPORTED : atecc_known_point(chip, key->where, point);
}

static rot_err
write_cert(struct rot_chip *chip, const struct rot_place *place, const uint8_t *der, size_t len,
           size_t *ret_need)
{
    struct atecc_state *s = state_of(chip);
    uint8_t form[FORM] = {0}, point[64];
    size_t tbs = 0, start, packed = 0;
    rot_err rc = atecc_cert_split(der, len, &tbs, form);

    if (rc != ROT_OK)
        return ROT_E_FORMAT;
    rc = key_of(chip, place, point);
    if (rc != ROT_OK)
        return rc;
    start = atecc_known_text(point, s->window);
    if (tbs > ATECC_WINDOW - start)
        return ROT_E_FORMAT;
    /* The TBS begins behind the outer header, which split() found to be in its shortest form. */
    memcpy(s->window + start, der + (der[1] < 0x80 ? 2u : der[1] - 0x80u + 2u), tbs);
    rc = atecc_pack(s->window, start, start + tbs, s->packed + HEADER, (size_t)place->size - HEADER,
                    &packed);
    if (rc == ROT_E_SPACE)
        *ret_need = packed + HEADER;
    if (rc != ROT_OK)
        return rc;
    put_framed(s->packed, packed, atecc_crc(form, sizeof(form), START));
    rc = write_slot(chip, place->where, 0, form, sizeof(form));
    return rc == ROT_OK ? write_slot(chip, place->also, place->offset, s->packed, HEADER + packed)
                        : rc;
}

static rot_err
load_cert(struct rot_chip *chip, const struct rot_place *place, size_t *ret_len)
{
    struct atecc_state *s = state_of(chip);
    uint8_t form[FORM], point[64];
    size_t packed = 0, start, end = 0;
    rot_err rc = read_slot(chip, place->where, 0, form, sizeof(form));

    /* The CRC goes over both, so that a new signature with an old rest is empty. */
    if (rc == ROT_OK)
        rc = read_framed(chip, place->also, place->offset, place->size,
                         atecc_crc(form, sizeof(form), START), &packed);
    if (rc == ROT_OK)
        rc = key_of(chip, place, point);
    if (rc != ROT_OK)
        return rc;
    start = atecc_known_text(point, s->window);
    rc = atecc_unpack(s->packed + HEADER, packed, s->window, start, ATECC_WINDOW, &end);
    if (rc != ROT_OK)
        return rc;
    return atecc_cert_join(s->window + start, end - start, form, s->window, sizeof(s->window),
                           ret_len);
}

/* The whole object, to *ret_bytes within the state. */
static rot_err
load(struct rot_chip *chip, const struct rot_place *place, const uint8_t **ret_bytes,
     size_t *ret_len)
{
    struct atecc_state *s = state_of(chip);

    *ret_bytes = s->window;
    if ((place->flags & ROT_PLACE_COMPRESSED) != 0)
        return load_cert(chip, place, ret_len);
    if ((place->flags & ROT_PLACE_PUBLIC_KEY) != 0)
        return load_public(chip, place, ret_len);
    *ret_bytes = s->packed + HEADER;
    if (atecc_is_limit(chip->setup.layout, place->where))
        return load_limit(chip, place, ret_len);
    return read_framed(chip, place->where, place->offset, (size_t)place->size + HEADER, START,
                       ret_len);
}

rot_err
atecc_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    const uint8_t *bytes;
    size_t len = 0;
    rot_err rc = load(chip, place, &bytes, &len);

    if (rc == ROT_OK)
        *ret_size = len;
    return rc;
}

rot_err
atecc_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
                  size_t cap, size_t *ret_len)
{
    const uint8_t *bytes;
    size_t len = 0, n;
    rot_err rc = load(chip, place, &bytes, &len);

    if (rc != ROT_OK)
        return rc;
    n = offset < len ? len - offset : 0;
    if (n > cap)
        n = cap;
    if (n != 0)
        memcpy(buf, bytes + offset, n);
    *ret_len = n;
    return ROT_OK;
}

rot_err
atecc_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                   const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    const uint8_t *bytes;
    size_t n = 0;
    rot_err rc;

    if (offset != 0 || len != total)
        return ROT_E_UNSUPPORTED; /* every form here is written whole */
    if ((place->flags & ROT_PLACE_COMPRESSED) != 0)
        rc = write_cert(chip, place, buf, len, ret_need);
    else if ((place->flags & ROT_PLACE_PUBLIC_KEY) != 0)
        rc = write_public(chip, place, buf, len);
    else if (atecc_is_limit(chip->setup.layout, place->where))
        rc = write_limit(chip, place, buf, len);
    else
        rc = write_framed(chip, place, buf, len);
    if (rc == ROT_OK)
        rc = load(chip, place, &bytes, &n);
    if (rc != ROT_OK)
        return rc;
    return n == len && rot_equal(bytes, buf, len) ? ROT_OK : ROT_E_MISMATCH;
}
