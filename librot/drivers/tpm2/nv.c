/*
 * nv.c: bytes and counters in the TPM's non-volatile memory, and sealed bytes.
 *
 * A place has two indices.  New content goes to the one that is not in use, is
 * read back, and only then the other is undefined: cut anywhere, one of the
 * two is whole.  An index is as long as its content and a trailer of 8 bytes
 * that is written last and says how new it is; content comes first, so that
 * whoever reads the index by other means finds a certificate at its start.
 *
 *   content | "RS" | version 1 | 0 | sequence (4 bytes, big-endian)
 *
 * What the vendor wrote has no trailer: a certificate is as long as its DER
 * says, and what pads it is never shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tpm2.h"

#define ATTRIBUTES (TPM2_NV_OWNERWRITE | TPM2_NV_OWNERREAD | TPM2_NV_AUTHREAD | TPM2_NV_NO_DA)
/* What a TPM sets by itself. */
#define LIVE (TPM2_NV_WRITTEN | TPM2_NV_WRITELOCKED)

static void
store_u32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* ---- Trailers ----------------------------------------------------------------- */

void
tpm2_put_trailer(uint8_t out[TPM2_TRAILER], uint32_t sequence)
{
    out[0] = 'R';
    out[1] = 'S';
    out[2] = 1;
    out[3] = 0;
    store_u32(out + 4, sequence);
}

int
tpm2_take_trailer(struct rot_bytes content, uint32_t *ret_sequence)
{
    const uint8_t *t;

    if (content.len < TPM2_TRAILER)
        return 0;
    t = content.p + content.len - TPM2_TRAILER;
    if (t[0] != 'R' || t[1] != 'S' || t[2] != 1 || t[3] != 0)
        return 0;
    *ret_sequence = (uint32_t)t[4] << 24 | (uint32_t)t[5] << 16 | (uint32_t)t[6] << 8 | t[7];
    return 1;
}

/* ---- Public areas ------------------------------------------------------------ */

static rot_err
name_of(struct rot_chip *chip, struct rot_bytes area, struct tpm2_nv *nv)
{
    const struct rot_port *port = chip->setup.port;

    if (port->ops->hash == NULL)
        return ROT_E_PORT;
    nv->name.len = TPM2_NAME_MAX;
    nv->name.b[0] = TPM2_ALG_SHA256 >> 8;
    nv->name.b[1] = TPM2_ALG_SHA256;
    return port->ops->hash(port->self, ROT_HASH_SHA256, &area, 1, nv->name.b + 2);
}

/* The name of an index of ours, whose public area is known: it has no policy. */
static rot_err
name_again(struct rot_chip *chip, struct tpm2_nv *nv)
{
    uint8_t area[14] = {0};

    store_u32(area, nv->index);
    area[4] = TPM2_ALG_SHA256 >> 8;
    area[5] = TPM2_ALG_SHA256;
    store_u32(area + 6, nv->attributes);
    area[12] = (uint8_t)(nv->size >> 8);
    area[13] = (uint8_t)nv->size;
    return name_of(chip, (struct rot_bytes){area, sizeof(area)}, nv);
}

/* ROT_E_EMPTY when the index is not defined. */
static rot_err
read_area(struct rot_chip *chip, uint32_t index, struct tpm2_nv *nv)
{
    struct tpm2_reader r, in;
    struct rot_bytes area, name;
    rot_err rc;

    tpm2_begin(chip, TPM2_CC_NV_READ_PUBLIC);
    tpm2_put_handle(chip, index, NULL);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    area = tpm2_get_sized(&r);
    name = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK)
        return ROT_E_FORMAT;
    in = (struct tpm2_reader){area.p, area.len, 0};
    memset(nv, 0, sizeof(*nv));
    nv->index = tpm2_get_u32(&in);
    if (tpm2_get_u16(&in) != TPM2_ALG_SHA256)
        return ROT_E_FORMAT;
    nv->attributes = tpm2_get_u32(&in);
    nv->policy_len = (uint16_t)tpm2_get_sized(&in).len;
    nv->size = tpm2_get_u16(&in);
    if (tpm2_get_end(&in) != ROT_OK || nv->index != index)
        return ROT_E_FORMAT;
    rc = name_of(chip, area, nv);
    if (rc == ROT_OK && (name.len != nv->name.len || memcmp(name.p, nv->name.b, name.len) != 0))
        rc = ROT_E_FORMAT;
    return rc;
}

/* ---- Reading and writing ---------------------------------------------------------- */

/* At most s->chunk bytes. */
static rot_err
read_piece(struct rot_chip *chip, const struct tpm2_nv *nv, size_t offset, uint8_t *buf, size_t len)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;
    struct tpm2_reader r;
    struct rot_bytes b;
    rot_err rc;

    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_NV_READ);
    if ((nv->attributes & TPM2_NV_AUTHREAD) != 0)
        tpm2_put_handle(chip, nv->index, &nv->name);
    else
        tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_handle(chip, nv->index, &nv->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_ENCRYPT);
    tpm2_put_u16(chip, (uint16_t)len);
    tpm2_put_u16(chip, (uint16_t)offset);
    rc = tpm2_run(chip, &r);
    if (rc != ROT_OK)
        return rc;
    b = tpm2_get_sized(&r);
    if (tpm2_get_end(&r) != ROT_OK || b.len != len)
        return ROT_E_FORMAT;
    memcpy(buf, b.p, len);
    return ROT_OK;
}

static rot_err
read_all(struct rot_chip *chip, const struct tpm2_nv *nv, size_t offset, uint8_t *buf, size_t len)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = ROT_OK;

    while (len != 0 && rc == ROT_OK) {
        size_t n = len < s->chunk ? len : s->chunk;

        rc = read_piece(chip, nv, offset, buf, n);
        offset += n;
        buf += n;
        len -= n;
    }
    return rc;
}

static rot_err
write_piece(struct rot_chip *chip, struct tpm2_nv *nv, size_t offset, struct rot_bytes a,
            struct rot_bytes b)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;
    rot_err rc;

    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_NV_WRITE);
    tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_handle(chip, nv->index, &nv->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE | TPM2_SE_DECRYPT);
    tpm2_put_u16(chip, (uint16_t)(a.len + b.len));
    tpm2_put(chip, a.p, a.len);
    tpm2_put(chip, b.p, b.len);
    tpm2_put_u16(chip, (uint16_t)offset);
    rc = tpm2_run_plain(chip);
    if (rc != ROT_OK || (nv->attributes & TPM2_NV_WRITTEN) != 0)
        return rc;
    nv->attributes |= TPM2_NV_WRITTEN; /* which the first write sets, and the name changes */
    return name_again(chip, nv);
}

static rot_err
define(struct rot_chip *chip, uint32_t index, uint32_t attributes, size_t size)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;
    size_t at;

    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_NV_DEFINE);
    tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    tpm2_put_sized(chip, NULL, 0); /* authorisation value */
    at = tpm2_open_sized(chip);
    tpm2_put_u32(chip, index);
    tpm2_put_u16(chip, TPM2_ALG_SHA256);
    tpm2_put_u32(chip, attributes);
    tpm2_put_sized(chip, NULL, 0); /* policy */
    tpm2_put_u16(chip, (uint16_t)size);
    tpm2_close_sized(chip, at);
    return tpm2_run_plain(chip);
}

static rot_err
undefine(struct rot_chip *chip, const struct tpm2_nv *nv)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;

    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_NV_UNDEFINE);
    tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_handle(chip, nv->index, &nv->name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    return tpm2_run_plain(chip);
}

/* Undefine an index if it is there. */
static rot_err
clear(struct rot_chip *chip, uint32_t index)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = read_area(chip, index, &s->nv);

    if (rc == ROT_E_EMPTY) {
        chip->raw_status = 0;
        return ROT_OK;
    }
    return rc == ROT_OK ? undefine(chip, &s->nv) : rc;
}

/* ---- Which of the two ----------------------------------------------------------------- */

/* A whole object in an index: its length and how new it is.  ROT_E_EMPTY when it is not whole. */
struct content {
    uint32_t index;
    uint32_t sequence;
    size_t len;
};

static rot_err
look(struct rot_chip *chip, uint32_t index, struct content *ret_content)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t t[TPM2_TRAILER];
    rot_err rc = read_area(chip, index, &s->nv);

    if (rc != ROT_OK)
        return rc;
    if ((s->nv.attributes & TPM2_NV_WRITTEN) == 0 || s->nv.size <= TPM2_TRAILER)
        return ROT_E_EMPTY;
    rc = read_piece(chip, &s->nv, s->nv.size - TPM2_TRAILER, t, TPM2_TRAILER);
    if (rc != ROT_OK)
        return rc;
    if (!tpm2_take_trailer((struct rot_bytes){t, TPM2_TRAILER}, &ret_content->sequence))
        return ROT_E_EMPTY;
    ret_content->index = index;
    ret_content->len = s->nv.size - TPM2_TRAILER;
    return ROT_OK;
}

/* The newer of the two; the area of its index is in s->nv. */
static rot_err
find(struct rot_chip *chip, const struct rot_place *place, struct content *ret_content)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct content a, b;
    rot_err ra = look(chip, place->where, &a), rb;

    if (ra != ROT_OK && ra != ROT_E_EMPTY)
        return ra;
    rb = look(chip, place->also, &b);
    if (rb != ROT_OK && rb != ROT_E_EMPTY)
        return rb;
    chip->raw_status = 0;
    if (ra != ROT_OK && rb != ROT_OK)
        return ROT_E_EMPTY;
    if (rb == ROT_OK && (ra != ROT_OK || (int32_t)(b.sequence - a.sequence) > 0)) {
        *ret_content = b;
        return ROT_OK; /* look() left its area */
    }
    *ret_content = a;
    return read_area(chip, a.index, &s->nv);
}

/* X.690 8.1.3: the length of the element that an index begins with. */
static rot_err
find_vendor(struct rot_chip *chip, const struct rot_place *place, struct content *ret_content)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t h[4];
    size_t len;
    rot_err rc = read_area(chip, place->where, &s->nv);

    if (rc != ROT_OK)
        return rc;
    if ((s->nv.attributes & TPM2_NV_WRITTEN) == 0 || s->nv.size < sizeof(h))
        return ROT_E_EMPTY;
    rc = read_piece(chip, &s->nv, 0, h, sizeof(h));
    if (rc != ROT_OK)
        return rc;
    if (h[0] != 0x30 || h[1] != 0x82)
        return ROT_E_FORMAT; /* no certificate is shorter than 256 bytes */
    len = ((size_t)h[2] << 8 | h[3]) + sizeof(h);
    if (len > s->nv.size)
        return ROT_E_FORMAT;
    *ret_content = (struct content){place->where, 0, len};
    return ROT_OK;
}

static rot_err
find_any(struct rot_chip *chip, const struct rot_place *place, struct content *ret_content)
{
    rot_err rc = tpm2_need_session(chip);

    if (rc != ROT_OK)
        return rc;
    if ((place->flags & ROT_PLACE_READ_ONLY) != 0)
        return find_vendor(chip, place, ret_content);
    return find(chip, place, ret_content);
}

/* ---- Slots -------------------------------------------------------------------------------- */

static rot_err
object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    struct content c;
    rot_err rc;

    if (tpm2_is_sealed_data(place))
        return tpm2_sealed_size(chip, place, ret_size);
    rc = find_any(chip, place, &c);
    if (rc == ROT_OK)
        *ret_size = c.len;
    return rc;
}

rot_err
tpm2_object_size(struct rot_chip *chip, const struct rot_place *place, size_t *ret_size)
{
    TPM2_AGAIN(chip, object_size(chip, place, ret_size));
}

static rot_err
object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
            size_t cap, size_t *ret_len)
{
    struct content c;
    size_t n;
    rot_err rc;

    if (tpm2_is_sealed_data(place))
        return tpm2_sealed_read(chip, place, offset, buf, cap, ret_len);
    rc = find_any(chip, place, &c);
    if (rc != ROT_OK)
        return rc;
    n = offset < c.len ? c.len - offset : 0;
    if (n > cap)
        n = cap;
    rc = read_all(chip, &tpm2_of(chip)->nv, offset, buf, n);
    if (rc == ROT_OK)
        *ret_len = n;
    return rc;
}

rot_err
tpm2_object_read(struct rot_chip *chip, const struct rot_place *place, size_t offset, uint8_t *buf,
                 size_t cap, size_t *ret_len)
{
    TPM2_AGAIN(chip, object_read(chip, place, offset, buf, cap, ret_len));
}

/* A place for a public key takes nothing else, and takes it whole. */
static rot_err
check_content(const struct rot_place *place, const uint8_t *buf, size_t len, size_t total)
{
    uint8_t point[96];
    enum rot_alg alg = ROT_ALG_NONE;

    if ((place->flags & ROT_PLACE_PUBLIC_KEY) == 0)
        return ROT_OK;
    if (len != total || rot_spki_to_point(buf, len, point, &alg) != ROT_OK ||
        alg != (enum rot_alg)place->alg)
        return ROT_E_FORMAT;
    return ROT_OK;
}

/* The first piece: an index for all of it, beside the one that holds the old content. */
static rot_err
begin_write(struct rot_chip *chip, const struct rot_place *place, size_t total)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct content old = {place->also, 0, 0};
    uint32_t attributes = ATTRIBUTES;
    rot_err rc;

    s->pending = NULL;
    rc = tpm2_need_session(chip);
    if (rc == ROT_OK)
        rc = find(chip, place, &old);
    if (rc == ROT_OK && (s->nv.attributes & TPM2_NV_WRITELOCKED) != 0)
        return ROT_E_STATE;
    if (rc != ROT_OK && rc != ROT_E_EMPTY)
        return rc;
    if ((place->flags & ROT_PLACE_LOCKABLE) != 0)
        attributes |= TPM2_NV_WRITEDEFINE;
    s->pending_index = old.index == place->where ? place->also : place->where;
    s->pending_sequence = old.sequence + 1;
    rc = clear(chip, s->pending_index);
    if (rc == ROT_OK)
        rc = define(chip, s->pending_index, attributes, total + TPM2_TRAILER);
    if (rc != ROT_OK)
        return rc;
    s->pending = place;
    s->pending_total = total;
    s->pending_filled = 0;
    return ROT_OK;
}

/* Write and read back; the trailer travels with the last bytes. */
static rot_err
write_and_compare(struct rot_chip *chip, const uint8_t *buf, size_t len)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t trailer[TPM2_TRAILER];
    rot_err rc = read_area(chip, s->pending_index, &s->nv);

    tpm2_put_trailer(trailer, s->pending_sequence);
    while (len != 0 && rc == ROT_OK) {
        size_t n = len < s->chunk - TPM2_TRAILER ? len : s->chunk - TPM2_TRAILER;
        int is_last = s->pending_filled + n == s->pending_total;

        rc = write_piece(chip, &s->nv, s->pending_filled, (struct rot_bytes){buf, n},
                         (struct rot_bytes){trailer, is_last ? TPM2_TRAILER : 0});
        if (rc == ROT_OK)
            rc = read_piece(chip, &s->nv, s->pending_filled, s->scratch, n);
        if (rc == ROT_OK && memcmp(s->scratch, buf, n) != 0)
            rc = ROT_E_MISMATCH;
        s->pending_filled += n;
        buf += n;
        len -= n;
    }
    return rc;
}

/* The old content goes when the new one is whole. */
static rot_err
end_write(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_state *s = tpm2_of(chip);

    s->pending = NULL;
    return clear(chip, s->pending_index == place->where ? place->also : place->where);
}

static rot_err
object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
             const uint8_t *buf, size_t len, size_t total)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc;

    if (tpm2_is_sealed_data(place)) /* whole only: it is made at once */
        return len == total ? tpm2_sealed_write(chip, place, buf, len) : ROT_E_ARG;
    if (offset == 0) {
        rc = begin_write(chip, place, total);
        if (rc != ROT_OK)
            return rc;
    } else if (s->pending != place || s->pending_total != total || s->pending_filled != offset) {
        return ROT_E_ARG;
    }
    rc = write_and_compare(chip, buf, len);
    if (rc == ROT_OK && s->pending_filled == total)
        rc = end_write(chip, place);
    if (rc != ROT_OK)
        s->pending = NULL;
    return rc;
}

rot_err
tpm2_object_write(struct rot_chip *chip, const struct rot_place *place, size_t offset,
                  const uint8_t *buf, size_t len, size_t total, size_t *ret_need)
{
    rot_err rc = check_content(place, buf, len, total);

    if (rc != ROT_OK)
        return rc;
    *ret_need = total; /* for ROT_E_SPACE: the TPM is full */
    rc = object_write(chip, place, offset, buf, len, total);
    /* Earlier pieces are lost with the TPM's state: then the caller begins again. */
    if (tpm2_is_worth_again(chip, rc) && offset == 0)
        rc = object_write(chip, place, offset, buf, len, total);
    return rc;
}

rot_err
tpm2_object_delete(struct rot_chip *chip, const struct rot_place *place)
{
    rot_err rc;

    if (tpm2_is_sealed_data(place))
        return tpm2_sealed_delete(chip, place);
    rc = tpm2_need_session(chip);
    if (rc == ROT_OK)
        rc = clear(chip, place->where);
    return rc == ROT_OK ? clear(chip, place->also) : rc;
}

/* ---- Locks ----------------------------------------------------------------------------------- */

rot_err
tpm2_object_is_sealed(struct rot_chip *chip, const struct rot_place *place, int *ret_is_sealed)
{
    struct content c;
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = find(chip, place, &c);
    *ret_is_sealed = rc == ROT_OK && (tpm2_of(chip)->nv.attributes & TPM2_NV_WRITELOCKED) != 0;
    return rc == ROT_E_EMPTY ? ROT_OK : rc;
}

rot_err
tpm2_object_seal(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;
    struct content c;
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = find(chip, place, &c);
    if (rc != ROT_OK || (s->nv.attributes & TPM2_NV_WRITELOCKED) != 0)
        return rc;
    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_NV_WRITE_LOCK);
    tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_handle(chip, s->nv.index, &s->nv.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    return tpm2_run_plain(chip);
}

/* ---- Counters ----------------------------------------------------------------------------------- */

static rot_err
increment(struct rot_chip *chip)
{
    struct tpm2_state *s = tpm2_of(chip);
    struct tpm2_name owner;
    rot_err rc;

    tpm2_name_of_handle(TPM2_RH_OWNER, &owner);
    tpm2_begin(chip, TPM2_CC_NV_INCREMENT);
    tpm2_put_handle(chip, TPM2_RH_OWNER, &owner);
    tpm2_put_handle(chip, s->nv.index, &s->nv.name);
    tpm2_put_session(chip, &s->session, TPM2_SE_CONTINUE);
    rc = tpm2_run_plain(chip);
    if (rc != ROT_OK || (s->nv.attributes & TPM2_NV_WRITTEN) != 0)
        return rc;
    s->nv.attributes |= TPM2_NV_WRITTEN;
    return name_again(chip, &s->nv);
}

/*
 * A TPM starts a counter above all that it ever undefined (Part 3, 31.8), and
 * with its first increment: so that is done when it is defined, by whoever
 * asks first, and from then on each increment adds one.
 */
static rot_err
open_counter(struct rot_chip *chip, const struct rot_place *place)
{
    struct tpm2_state *s = tpm2_of(chip);
    rot_err rc = tpm2_need_session(chip);

    if (rc == ROT_OK)
        rc = read_area(chip, place->where, &s->nv);
    if (rc == ROT_E_EMPTY) {
        chip->raw_status = 0;
        rc = define(chip, place->where, ATTRIBUTES | TPM2_NV_COUNTER, 8);
        if (rc == ROT_OK)
            rc = read_area(chip, place->where, &s->nv);
    }
    if (rc != ROT_OK)
        return rc;
    if ((s->nv.attributes & ~LIVE) != (ATTRIBUTES | TPM2_NV_COUNTER) || s->nv.size != 8)
        return ROT_E_STATE; /* somebody else's index */
    return (s->nv.attributes & TPM2_NV_WRITTEN) == 0 ? increment(chip) : ROT_OK;
}

static rot_err
count(struct rot_chip *chip, const struct rot_place *place, int step, uint64_t *ret_value)
{
    struct tpm2_state *s = tpm2_of(chip);
    uint8_t b[8];
    uint64_t value = 0;
    rot_err rc = open_counter(chip, place);

    if (rc == ROT_OK && step)
        rc = increment(chip);
    if (rc == ROT_OK)
        rc = read_piece(chip, &s->nv, 0, b, sizeof(b));
    if (rc != ROT_OK)
        return rc;
    for (unsigned i = 0; i < sizeof(b); i++)
        value = value << 8 | b[i];
    *ret_value = value;
    return ROT_OK;
}

rot_err
tpm2_counter_read(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    TPM2_AGAIN(chip, count(chip, place, 0, ret_value));
}

/* What is repeated was refused before the counter moved: a counter never goes up twice. */
rot_err
tpm2_counter_increment(struct rot_chip *chip, const struct rot_place *place, uint64_t *ret_value)
{
    TPM2_AGAIN(chip, count(chip, place, 1, ret_value));
}
