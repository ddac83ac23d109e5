/*
 * card.c: what is GlobalPlatform's: the card's identity and new keys for its channel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

#define KCV_SIZE 3

/* ---- GET DATA of the card manager (section 3.3) ------------------------------------------------ */

/* One field: a small tag inside DF28. */
static void
put_field(struct rs_buf *b, unsigned tag, const void *p, size_t len)
{
    rs_buf_put_u8(b, tag);
    rs_buf_put_u8(b, (unsigned)len);
    rs_buf_put(b, p, len);
}

unsigned
se05x_identify(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    static const uint8_t wanted[2] = {0xDF, 0x28};
    static const uint8_t patch[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    static const char build[] = "SIMULATOR J3R3510000000B"; /* 24 characters */
    static const uint8_t rom[8] = "SIMULATR";
    uint8_t configuration[12] = {0x00, 0x01}, room[96];
    const uint8_t state[2] = {0x00, 0x00}; /* no FIPS mode; pre-personalisation done */
    struct rs_buf fields;

    if (apdu->p1 != 0x00 || apdu->p2 != 0xFE)
        return SE05X_E_P1P2;
    if (!rs_bytes_equal(rs_bytes_of(apdu->data, apdu->len), RS_BYTES(wanted)))
        return SE05X_E_WRONG_DATA;
    SE05X_U_SE050_OEF_NOTED;
    SE05X_U_SE051_OEF_NOTED;
    rs_set_u16(configuration + 2, c->gen->oef);
    memcpy(configuration + 4, c->uid + SE05X_UID_SIZE - 8, 8);
    rs_buf_init_fixed(&fields, room, sizeof(room));
    put_field(&fields, 0x01, configuration, sizeof(configuration));
    put_field(&fields, 0x02, patch, sizeof(patch));
    put_field(&fields, 0x03, build, sizeof(build) - 1);
    put_field(&fields, 0x05, state, 1);
    put_field(&fields, 0x07, state + 1, 1);
    put_field(&fields, 0x08, rom, sizeof(rom));
    rs_buf_put_u8(out, 0xFE);
    rs_buf_put_u8(out, (unsigned)fields.len + 3);
    rs_buf_put(out, wanted, sizeof(wanted));
    rs_buf_put_u8(out, (unsigned)fields.len);
    rs_buf_put_bytes(out, rs_buf_bytes(&fields));
    return SE05X_OK;
}

/* ---- PUT KEY -------------------------------------------------------------------------------------- */

/* First bytes of a block of ones under the key. */
static int
check_value(const uint8_t *key, size_t len, uint8_t kcv[KCV_SIZE])
{
    uint8_t block[16];

    memset(block, 0x01, sizeof(block));
    if (!se05x_aes_block(key, len, block, block))
        return 0;
    memcpy(kcv, block, KCV_SIZE);
    return 1;
}

/* 88 ‖ length ‖ length of the key ‖ key under the DEK ‖ 03 ‖ check value. */
static int
read_key(const struct se05x_keys *old, struct rs_reader *r, uint8_t *key, uint8_t *ret_len,
         uint8_t kcv[KCV_SIZE])
{
    static const uint8_t zero[16] = {0};
    struct rs_bytes wrapped, said;
    unsigned type = rs_read_u8(r), block = rs_read_u8(r), len = rs_read_u8(r);

    if (type != 0x88 || (len != 16 && len != 24 && len != 32) || block != 1 + (len + 15) / 16 * 16)
        return 0;
    wrapped = rs_read_bytes(r, block - 1);
    if (rs_read_u8(r) != KCV_SIZE)
        return 0;
    said = rs_read_bytes(r, KCV_SIZE);
    if (!rs_reader_ok(r))
        return 0;
    memcpy(key, wrapped.p, wrapped.len);
    *ret_len = (uint8_t)len;
    return se05x_aes_cbc(old->dek, old->len, zero, 0, key, wrapped.len) &&
           check_value(key, len, kcv) && memcmp(kcv, said.p, KCV_SIZE) == 0;
}

unsigned
se05x_put_key(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    struct se05x_keys fresh = {0};
    uint8_t kcv[3][KCV_SIZE], len[3];
    struct rs_reader r;
    unsigned sw = SE05X_E_WRONG_DATA;
    int ok;

    if (apdu->p1 != c->keys.version || apdu->p2 != 0x81)
        return SE05X_E_P1P2;
    rs_reader_init(&r, rs_bytes_of(apdu->data, apdu->len));
    fresh.version = (uint8_t)rs_read_u8(&r);
    ok = read_key(&c->keys, &r, fresh.enc, &len[0], kcv[0]) &&
         read_key(&c->keys, &r, fresh.mac, &len[1], kcv[1]) &&
         read_key(&c->keys, &r, fresh.dek, &len[2], kcv[2]);
    if (ok && rs_reader_done(&r) && len[0] == len[1] && len[0] == len[2] && fresh.version > 0 &&
        fresh.version < 0x80) {
        fresh.len = len[0];
        se05x_take(c, SE05X_U_TIME_WRITE_US);
        sw = se05x_store_field(c, &c->keys, &fresh, sizeof(fresh));
    }
    rs_wipe(&fresh, sizeof(fresh));
    if (sw != SE05X_OK)
        return sw;
    rs_buf_put_u8(out, c->keys.version);
    rs_buf_put(out, kcv, sizeof(kcv));
    return SE05X_OK;
}
