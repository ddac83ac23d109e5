/*
 * vendor_atecc.c: ATECC608, an internal Sign over a GenKey digest (docs/chips/atecc-driver.md).
 *
 *   slot of the key | slot of the attestation key | RandOut (32) | configuration (128) |
 *   X, Y of the attestation key | X, Y of the key | R, S
 *
 * What was signed is made again (section 3 of the project's reference, Nonce, GenKey, Sign):
 *
 *   TempKey  SHA-256(RandOut, NumIn (20), 16, 00, 00)          NumIn: our nonce's first bytes
 *   TempKey  SHA-256(TempKey, 40, 08, slot, 00, SN8, SN0, SN1, 25 zeros, X, Y)
 *   message  TempKey, 41, 40, slot of the signer, 00, SlotConfig, KeyConfig, flags, 00 00,
 *            SN8, SN4..7, SN0, SN1, SN2, SN3, not locked, 00, 00
 *
 * Whose the attestation key is, no certificate says: the level is station.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "attest/vendor_inner.h"
#include "crypto/hash.h"
#include "x509/der.h"

#define CONFIG     128
#define POINT      64
#define SIZE       (2 + 32 + CONFIG + 3 * POINT)
#define NUM_IN     20
#define SERIAL     9
#define SLOTS      16
#define IS_PRIVATE 0x01
#define PRIV_WRITE 0x4000

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_vendor
#define SLACK 1u
#else
#define SLACK 0u
#endif

#define AT_RANDOM (2)
#define AT_CONFIG (AT_RANDOM + 32)
#define AT_SIGNER (AT_CONFIG + CONFIG)
#define AT_KEY    (AT_SIGNER + POINT)
#define AT_SIG    (AT_KEY + POINT)

/* Configuration bytes 0 to 3 and 8 to 12. */
static void
take_serial(const uint8_t *config, uint8_t serial[SERIAL])
{
    memcpy(serial, config, 4);
    memcpy(serial + 4, config + 8, 5);
}

static size_t
put_point(const uint8_t *xy, uint8_t spki[VENDOR_SPKI_MAX])
{
    uint8_t point[1 + POINT] = {4};

    memcpy(point + 1, xy, POINT);
    return vendor_put_spki(RS_BYTES(point), spki);
}

/* A private key that nobody can bring in: it was drawn in this slot. */
static int
is_born_there(const uint8_t *config, unsigned slot)
{
    unsigned slot_config = config[20 + 2 * slot] | (unsigned)config[21 + 2 * slot] << 8;

    return (config[96 + 2 * slot] & IS_PRIVATE) != 0 && (slot_config & PRIV_WRITE) == 0;
}

rs_code
vendor_read_atecc(struct rs_bytes bytes, struct vendor_evidence *e, struct rs_err *err)
{
    const uint8_t *p = bytes.p;
    struct der_out sig;
    size_t mark, n;

    if (bytes.len + SLACK < SIZE || bytes.len > SIZE || p[0] >= SLOTS || p[1] >= SLOTS ||
        p[0] == p[1])
        return rs_fail(err, RS_E_ATTEST_INVALID, "atecc: evidence: malformed");
    if (!is_born_there(p + AT_CONFIG, p[0]) || !is_born_there(p + AT_CONFIG, p[1]))
        return rs_fail(err, RS_E_ATTEST_INVALID,
                       "atecc: slots: keys in them need not have been made there");
    e->spki_len = put_point(p + AT_KEY, e->spki);
    n = put_point(p + AT_SIGNER, e->room);
    e->signer = rs_bytes_of(e->room, n);
    der_out_init(&sig, e->room + n, sizeof(e->room) - n);
    mark = der_mark(&sig);
    der_put_uint(&sig, rs_bytes_of(p + AT_SIG + 32, 32));
    der_put_uint(&sig, rs_bytes_of(p + AT_SIG, 32));
    der_put_header(&sig, DER_SEQUENCE, mark);
    if (!der_out_ok(&sig))
        return rs_fail(err, RS_E_ATTEST_INVALID, "atecc: evidence: malformed");
    e->signature = der_out_bytes(&sig);
    take_serial(p + AT_CONFIG, e->uid);
    e->uid_len = SERIAL;
    e->tail = bytes;
    return RS_OK;
}

static void
hash_nonce(const uint8_t *random, const uint8_t *nonce, uint8_t temp[32])
{
    uint8_t all[32 + NUM_IN + 3] = {0};

    memcpy(all, random, 32);
    memcpy(all + 32, nonce, NUM_IN);
    all[32 + NUM_IN] = 0x16;
    crypto_sha256(RS_BYTES(all), temp);
}

static void
hash_key(unsigned slot, const uint8_t *serial, const uint8_t *xy, uint8_t temp[32])
{
    uint8_t all[32 + 7 + 25 + POINT] = {0};

    memcpy(all, temp, 32);
    all[32] = 0x40;
    all[33] = 0x08;
    all[34] = (uint8_t)slot;
    all[36] = serial[8];
    all[37] = serial[0];
    all[38] = serial[1];
    memcpy(all + 32 + 7 + 25, xy, POINT);
    crypto_sha256(RS_BYTES(all), temp);
}

rs_code
vendor_put_atecc(const struct vendor_evidence *e, const uint8_t nonce[VENDOR_NONCE_SIZE],
                 struct rs_buf *out, struct rs_err *err)
{
    const uint8_t *p = e->tail.p, *config = p + AT_CONFIG, *sn = e->uid;
    unsigned slot = p[0];
    uint8_t temp[32], rest[23] = {0x41, 0x40, p[1], 0};

    (void)err;
    hash_nonce(p + AT_RANDOM, nonce, temp);
    hash_key(slot, sn, p + AT_KEY, temp);
    memcpy(rest + 4, config + 20 + 2 * slot, 2);
    memcpy(rest + 6, config + 96 + 2 * slot, 2);
    rest[8] = (uint8_t)(0x40 | slot); /* of GenKey, from that slot */
    rest[11] = sn[8];
    memcpy(rest + 12, sn + 4, 4);
    memcpy(rest + 16, sn, 4);
    rest[20] = config[88 + slot / 8] >> (slot % 8) & 1;
    rs_buf_put(out, temp, sizeof(temp));
    rs_buf_put(out, rest, sizeof(rest));
    return RS_OK;
}
