/*
 * factory.c: what a part is delivered with (section 6).
 *
 * The metadata of each object is that of real parts, byte for byte where it is
 * known; the vendor's key and certificate are made here, by an imaginary maker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "sims/common/ca.h"
#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

struct factory_row {
    uint16_t first, last;
    const char *metadata; /* hex */
};

static const struct factory_row rows[] = {
    {0xE0C0, 0xE0C1, "2009C40101D00100D10100"},
    {0xE0C2, 0xE0C2, "2006C4011BD10100"},
    {0xE0C3, 0xE0C4, "2009C40101D00100D10100"},
    {0xE0C5, 0xE0C5, "2006C40101D10100"},
    {0xE0C6, 0xE0C6, "2006C40102D10100"},
    {0xE0C9, 0xE0C9, "2011C00101C40108C50108D003E1FC07D10100"},
    {0xE0E0, 0xE0E0, "2017C00101C40206C0C50206C0D001FFD10100D30100E80112"},
    {0xE0E1, 0xE0E3, "2019C00101C40206C0C50206C0D003E1FC07D10100D30100E80112"},
    {0xE0E8, 0xE0EF, "2019C00101C40204B0C50204B0D003E1FC07D10100D30100E80111"},
    {0xE0F0, 0xE0F0, "200FC00101D001FFD30100E00103E10101"},
    {0xE0F1, 0xE0FD, "200BC00101D003E1FC07D30100"},
    {0xE120, 0xE123, "2017C00101C40108C50108D003E1FC07D10100D30100E80101"},
    {0xE140, 0xE140, "201DC00101C40140C50140D007E1FC07FE20E140D103E1FC07D30100E80122"},
    {0xE200, 0xE200, "2009C00101D001FFD30100"},
    {0xF1C0, 0xF1C1, "2009C40101D00100D10100"},
    {0xF1C2, 0xF1C2, "2006C40101D10100"},
    {0xF1D0, 0xF1DB, "2011C00101C4018CC50164D003E1FC07D10100"},
    {0xF1E0, 0xF1E1, "2013C00101C40205DCC50205DCD003E1FC07D10100"},
};

/* CIM, platform, model, ROM code, chip type; firmware and build at the end. */
static const uint8_t uid_head_v1[11] = {0xCD, 0x16, 0x33, 0x82, 0x01, 0x00,
                                        0x1C, 0x00, 0x05, 0x00, 0x00};
static const uint8_t uid_head_v3[11] = {0xCD, 0x16, 0x33, 0x93, 0x01, 0x00,
                                        0x1C, 0x00, 0x05, 0x00, 0x00};
static const uint8_t uid_tail_v1[6] = {0x80, 0x10, 0x10, 0x71, 0x08, 0x09};
static const uint8_t uid_tail_v3[6] = {0x80, 0x10, 0x10, 0x71, 0x24, 0x40};

#define UID_BATCH   11
#define UID_TAIL    21
#define BATCH_FIRST 0x0A

static int
set_metadata(struct optiga_chip *c, const struct factory_row *row)
{
    uint8_t bytes[OPTIGA_META_MAX];
    struct optiga_meta meta;
    size_t len = 0;

    if (!rs_hex_read(row->metadata, strlen(row->metadata), bytes, sizeof(bytes), &len) ||
        !optiga_meta_read(bytes, len, &meta))
        return 0;
    for (size_t i = 0; i < c->object_count; i++)
        if (c->objects[i].place->oid >= row->first && c->objects[i].place->oid <= row->last)
            c->objects[i].meta = meta;
    return 1;
}

static void
set_byte(struct optiga_chip *c, unsigned oid, uint8_t v)
{
    *optiga_byte(c, oid) = v;
}

/* Batch of six bytes, then two coordinates: the first byte of each is nearly always the same. */
static void
fill_uid(struct optiga_chip *c, const uint8_t unique[8])
{
    uint8_t *uid = optiga_data(c, optiga_object(c, OPTIGA_OID_UID));

    memset(uid, 0, OPTIGA_UID_SIZE);
    memcpy(uid, c->v3 ? uid_head_v3 : uid_head_v1, sizeof(uid_head_v1));
    uid[UID_BATCH] = BATCH_FIRST;
    memcpy(uid + UID_BATCH + 1, unique, 5);
    uid[18] = unique[5];
    uid[19] = unique[6];
    uid[20] = unique[7];
    memcpy(uid + UID_TAIL, c->v3 ? uid_tail_v3 : uid_tail_v1, sizeof(uid_tail_v1));
}

static void
fill_contents(struct optiga_chip *c)
{
    struct optiga_object *o = optiga_object(c, OPTIGA_OID_MONITOR);
    uint8_t *p;

    set_byte(c, OPTIGA_OID_LCSG, OPTIGA_OPERATIONAL);
    set_byte(c, OPTIGA_OID_STATUS_G, c->v3 ? 0x20 : 0x00);
    set_byte(c, OPTIGA_OID_SLEEP, 0x14);
    set_byte(c, OPTIGA_OID_CURRENT, 0x06);
    set_byte(c, OPTIGA_OID_LCSA, OPTIGA_CREATION);
    set_byte(c, OPTIGA_OID_STATUS_A, 0x20);
    rs_set_u16(optiga_byte(c, OPTIGA_OID_APDU_SIZE), OPTIGA_APDU_MAX);
    if (o != NULL)
        memcpy(optiga_data(c, o), optiga_monitor_settings, OPTIGA_MONITOR_SIZE);
    /* The pairing secret that everybody knows. */
    p = optiga_byte(c, OPTIGA_OID_BINDING);
    for (uint8_t i = 0; i < 64; i++)
        p[i] = (uint8_t)(i + 1);
}

/* TLS identity: C0, then a Certificate message with one certificate in its list. */
static rs_code
store_identity(struct optiga_chip *c, struct rs_bytes der, struct rs_err *err)
{
    struct optiga_object *o = optiga_object(c, OPTIGA_OID_CERT);
    struct rs_buf b;

    rs_buf_init_fixed(&b, optiga_data(c, o), o->place->size);
    rs_buf_put_u8(&b, 0xC0);
    rs_buf_put_u16(&b, (unsigned)der.len + 6);
    rs_buf_put_u8(&b, 0);
    rs_buf_put_u16(&b, (unsigned)der.len + 3);
    rs_buf_put_u8(&b, 0);
    rs_buf_put_u16(&b, (unsigned)der.len);
    rs_buf_put_bytes(&b, der);
    o->meta.used = (uint16_t)b.len;
    return rs_buf_ok(&b) ? RS_OK
                         : rs_fail(err, RS_E_CRYPTO_FAILED,
                                   "simulator: the maker's certificate does not fit the part");
}

static rs_code
make_identity(struct optiga_chip *c, struct sim_ca *ca, struct rs_err *err)
{
    const struct optiga_curve *curve = optiga_curve(0x03);
    const uint8_t *uid = optiga_byte(c, OPTIGA_OID_UID);
    uint8_t *key = optiga_byte(c, OPTIGA_OID_KEY), point[64], bytes[1200];
    char serial[2 * 10 + 1], name[48];
    struct rs_buf der;
    rs_code rc;

    if (ca == NULL || !sim_curve_draw(curve->curve, c->host->random, c->host->self, key) ||
        !sim_curve_public(curve->curve, key, point))
        return rs_fail(err, RS_E_CRYPTO_FAILED, "simulator: no key for a new part");
    rs_hex(rs_bytes_of(uid + UID_BATCH, 10), serial, sizeof(serial));
    (void)snprintf(name, sizeof(name), "OPTIGA Trust M %s", serial);
    rs_buf_init_fixed(&der, bytes, sizeof(bytes));
    rc = sim_ca_issue(ca, name, point, &der, err);
    return rc == RS_OK ? store_identity(c, rs_buf_bytes(&der), err) : rc;
}

rs_code
optiga_factory(struct optiga_chip *c, const struct sim_create *how, struct rs_err *err)
{
    memset(c->memory, 0, sizeof(c->memory));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!set_metadata(c, &rows[i]))
            return rs_fail(err, RS_E_INTERNAL, "simulator: factory metadata %s", rows[i].metadata);
    c->address_kept = OPTIGA_ADDRESS;
    c->mode_kept = 0x03;
    fill_uid(c, how->unique);
    fill_contents(c);
    return make_identity(c, how->ca, err);
}
