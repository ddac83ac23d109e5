/*
 * apdu.c: from the bytes of a command to its handler and back.
 *
 * Order: lengths, class, what needs no applet, secure channel, and then for the
 * applet one table of rows: INS, flags, P1, P2, the tags that may stand in the
 * command.  Unknown INS: 6D00; known INS without such a row: 6A86; a tag that
 * is not in the row, or twice: 6A80.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"

enum {
    INS_SELECT = 0xA4,
    INS_GET_DATA = 0xCA,
    INS_INITIALIZE_UPDATE = 0x50,
    INS_EXTERNAL_AUTHENTICATE = 0x82,
    INS_PUT_KEY = 0xD8,
    INS_IN_SESSION = 0x05,
};

enum {
    FLAG_TRANSIENT = 0x80,
    FLAG_AUTH = 0x40,
    FLAG_ATTEST = 0x20,
};

/* ---- ISO 7816-4 ---------------------------------------------------------------------------- */

int
se05x_apdu_read(const uint8_t *raw, size_t len, struct se05x_apdu *apdu)
{
    size_t head = 5, lc;

    if (len < 4)
        return 0;
    *apdu = (struct se05x_apdu){raw[0], raw[1], raw[2], raw[3], raw, raw + 4, 0};
    if (len <= 5) /* no data: 4 bytes, or a short Le */
        return 1;
    lc = raw[4];
    if (lc == 0) {
        if (len < 7)
            return 0;
        if (len == 7) /* extended Le */
            return 1;
        head = 7;
        lc = rs_get_u16(raw + 5);
    }
    apdu->data = raw + head;
    apdu->len = lc;
    len -= head;
    return lc > 0 && (len == lc || len == lc + (head == 5 ? 1u : 2u));
}

/* ---- Rows ------------------------------------------------------------------------------------ */

#define T   SE05X_T
#define S   SE05X_S
#define POL SE05X_S(1)
#define MAX SE05X_S(2)
#define CHK SE05X_S(5)

struct row {
    uint8_t ins, flags, p1, p2; /* flags: those that INS may have */
    uint8_t newer;              /* from applet 7.2 */
    uint8_t when_locked;        /* also under the transport lock */
    uint32_t tags, newer_tags;
    uint32_t us;
    se05x_handler *run;
};

#define ATTEST_TAGS (T(5) | T(6) | T(7))
#define EC_TAGS     POL | MAX | T(1) | T(2) | T(3) | T(4), T(11) | CHK
#define WRITE_US    SE05X_U_TIME_WRITE_US
#define CRYPTO_US   SE05X_U_TIME_CRYPTO_US

static const struct row rows[] = {
    /* Version, memory, random, state. */
    {0x04, 0, 0x00, 0x20, 0, 1, 0, 0, 0, se05x_do_version},
    {0x04, 0, 0x00, 0x21, 0, 1, 0, 0, 0, se05x_do_version},
    {0x04, 0, 0x00, 0x3D, 0, 0, 0, 0, 0, se05x_do_timestamp},
    {0x04, 0, 0x00, 0x22, 0, 0, T(1), 0, 0, se05x_do_memory},
    {0x04, 0, 0x00, 0x49, 0, 1, T(1), 0, 0, se05x_do_random},
    {0x04, 0, 0x00, 0x58, 0, 0, T(1), 0, CRYPTO_US, se05x_do_self_test},
    {0x02, 0, 0x00, 0x5B, 0, 1, 0, 0, 0, se05x_do_state},
    /* Management. */
    {0x04, 0, 0x00, 0x3E, 0, 1, T(1) | T(2), 0, WRITE_US, se05x_do_lock},
    {0x04, 0, 0x00, 0x52, 0, 0, T(1), 0, WRITE_US, se05x_do_scp_request},
    {0x04, 0, 0x00, 0x57, 0, 0, T(1) | T(2), 0, WRITE_US, se05x_do_restrict},
    /* Sessions. */
    {0x04, 0, 0x00, 0x1B, 0, 1, T(1), 0, 0, se05x_do_session_create},
    {0x04, 0, 0x00, 0x1C, 0, 1, 0, 0, 0, se05x_do_session_close},
    {0x04, 0, 0x00, 0x2C, 0, 1, T(1), 0, WRITE_US, se05x_do_session_verify},
    /* Objects. */
    {0x01, FLAG_TRANSIENT | FLAG_AUTH, 0x61, 0x00, 0, 0, EC_TAGS, WRITE_US, se05x_do_write_ec},
    {0x01, FLAG_TRANSIENT | FLAG_AUTH, 0x41, 0x00, 0, 0, EC_TAGS, WRITE_US, se05x_do_write_ec},
    {0x01, FLAG_TRANSIENT | FLAG_AUTH, 0x21, 0x00, 0, 0, EC_TAGS, WRITE_US, se05x_do_write_ec},
    {0x01, FLAG_TRANSIENT | FLAG_AUTH, 0x03, 0x00, 0, 0, POL | MAX | T(1) | T(2) | T(3),
     T(4) | T(5) | T(11) | CHK, WRITE_US, se05x_do_write_symm},
    {0x01, FLAG_TRANSIENT | FLAG_AUTH, 0x05, 0x00, 0, 0, POL | MAX | T(1) | T(2) | T(3),
     T(4) | T(5) | T(11) | CHK, WRITE_US, se05x_do_write_symm},
    {0x01, FLAG_TRANSIENT, 0x06, 0x00, 0, 0, POL | T(1) | T(2) | T(3) | T(4), T(11) | CHK, WRITE_US,
     se05x_do_write_binary},
    {0x01, FLAG_AUTH, 0x07, 0x00, 0, 0, POL | MAX | T(1) | T(2), CHK, WRITE_US,
     se05x_do_write_user_id},
    {0x01, FLAG_TRANSIENT, 0x08, 0x00, 0, 0, POL | T(1) | T(2) | T(3), CHK, WRITE_US,
     se05x_do_write_counter},
    {0x01, FLAG_TRANSIENT, 0x09, 0x00, 0, 0, POL | T(1) | T(2) | T(3), CHK, WRITE_US,
     se05x_do_write_pcr},
    {0x02, FLAG_ATTEST, 0x00, 0x00, 0, 1, T(1) | T(2) | T(3) | ATTEST_TAGS, 0, 0, se05x_do_read},
    {0x02, FLAG_ATTEST, 0x00, 0x3B, 0, 0, T(1) | ATTEST_TAGS, 0, 0, se05x_do_attributes},
    {0x02, 0, 0x00, 0x07, 0, 0, T(1), 0, 0, se05x_do_size},
    {0x02, 0, 0x00, 0x26, 0, 0, T(1), 0, 0, se05x_do_type},
    {0x02, 0, 0x00, 0x25, 0, 0, T(1) | T(2), 0, 0, se05x_do_list},
    {0x04, 0, 0x00, 0x27, 0, 0, T(1), 0, 0, se05x_do_exists},
    {0x04, 0, 0x00, 0x28, 0, 0, T(1), 0, WRITE_US, se05x_do_delete},
    {0x04, 0, 0x00, 0x2A, 0, 0, 0, 0, 10 * WRITE_US, se05x_do_delete_all},
    /* Curves. */
    {0x01, 0, 0x0B, 0x04, 0, 0, T(1), 0, WRITE_US, se05x_do_curve_create},
    {0x01, 0, 0x0B, 0x40, 0, 0, T(1) | T(2) | T(3), 0, WRITE_US, se05x_do_curve_param},
    {0x02, 0, 0x0B, 0x25, 0, 0, 0, 0, 0, se05x_do_curve_list},
    {0x02, 0, 0x0B, 0x36, 0, 0, T(1), 0, 0, se05x_do_curve_id},
    {0x04, 0, 0x0B, 0x28, 0, 0, T(1), 0, WRITE_US, se05x_do_curve_delete},
    /* Signatures and agreement. */
    {0x03, 0, 0x0C, 0x09, 0, 0, T(1) | T(2) | T(3), 0, SE05X_U_TIME_SIGN_US, se05x_do_sign},
    {0x03, 0, 0x0C, 0x0A, 0, 0, T(1) | T(2) | T(3) | T(5), 0, SE05X_U_TIME_VERIFY_US,
     se05x_do_verify},
    {0x03, 0, 0x01, 0x0F, 0, 0, T(1) | T(2), T(7), SE05X_U_TIME_AGREE_US, se05x_do_agree},
    {0x03, 0, 0x01, 0x59, 1, 0, T(1) | T(2), T(7), SE05X_U_TIME_AGREE_US, se05x_do_agree},
    /* Crypto objects and what they are for. */
    {0x01, 0, 0x10, 0x00, 0, 0, T(1) | T(2) | T(3), 0, WRITE_US, se05x_do_crypto_create},
    {0x02, 0, 0x10, 0x25, 0, 0, 0, 0, 0, se05x_do_crypto_list},
    {0x04, 0, 0x10, 0x28, 0, 0, T(1), 0, WRITE_US, se05x_do_crypto_delete},
    {0x03, 0, 0x00, 0x0E, 0, 0, T(1) | T(2), 0, CRYPTO_US, se05x_do_digest_once},
    {0x03, 0, 0x00, 0x0B, 0, 0, T(2), 0, 0, se05x_do_digest_step},
    {0x03, 0, 0x00, 0x0C, 0, 0, T(2) | T(3), 0, CRYPTO_US, se05x_do_digest_step},
    {0x03, 0, 0x00, 0x0D, 0, 0, T(2) | T(3), 0, CRYPTO_US, se05x_do_digest_step},
    {0x03, 0, 0x0E, 0x37, 0, 0, T(1) | T(2) | T(3) | T(4), 0, CRYPTO_US, se05x_do_cipher_once},
    {0x03, 0, 0x0E, 0x38, 0, 0, T(1) | T(2) | T(3) | T(4), 0, CRYPTO_US, se05x_do_cipher_once},
    {0x03, 0, 0x0E, 0x42, 0, 0, T(1) | T(2) | T(4), 0, 0, se05x_do_cipher_init},
    {0x03, 0, 0x0E, 0x43, 0, 0, T(1) | T(2) | T(4), 0, 0, se05x_do_cipher_init},
    {0x03, 0, 0x0E, 0x0C, 0, 0, T(2) | T(3), 0, CRYPTO_US, se05x_do_cipher_step},
    {0x03, 0, 0x0E, 0x0D, 0, 0, T(2) | T(3), 0, CRYPTO_US, se05x_do_cipher_step},
    {0x03, 0, 0x11, 0x37, 1, 0, T(1) | T(2) | T(3) | T(4) | T(5) | T(6), 0, CRYPTO_US,
     se05x_do_aead_once},
    {0x03, 0, 0x11, 0x38, 1, 0, T(1) | T(2) | T(3) | T(4) | T(5) | T(6), 0, CRYPTO_US,
     se05x_do_aead_once},
    {0x03, 0, 0x11, 0x42, 1, 0, T(1) | T(2) | T(5), 0, 0, se05x_do_aead_init},
    {0x03, 0, 0x11, 0x43, 1, 0, T(1) | T(2) | T(5), 0, 0, se05x_do_aead_init},
    {0x03, 0, 0x11, 0x0C, 1, 0, T(2) | T(3) | T(4), 0, CRYPTO_US, se05x_do_aead_step},
    {0x03, 0, 0x11, 0x0D, 1, 0, T(2) | T(3) | T(6), 0, CRYPTO_US, se05x_do_aead_step},
    {0x03, 0, 0x0D, 0x45, 0, 0, T(1) | T(2) | T(3), 0, CRYPTO_US, se05x_do_mac_once},
    {0x03, 0, 0x0D, 0x46, 0, 0, T(1) | T(2) | T(3) | T(5), 0, CRYPTO_US, se05x_do_mac_once},
    {0x03, 0, 0x0D, 0x03, 0, 0, T(1) | T(2), 0, 0, se05x_do_mac_init},
    {0x03, 0, 0x0D, 0x44, 0, 0, T(1) | T(2), 0, 0, se05x_do_mac_init},
    {0x03, 0, 0x0D, 0x0C, 0, 0, T(1) | T(2), 0, CRYPTO_US, se05x_do_mac_step},
    {0x03, 0, 0x0D, 0x0D, 0, 0, T(1) | T(2) | T(3), 0, CRYPTO_US, se05x_do_mac_step},
    /* Derivation. */
    {0x03, 0, 0x00, 0x2D, 0, 0, T(1) | T(2) | T(3) | T(4) | T(5) | T(6), T(7), CRYPTO_US,
     se05x_do_hkdf},
    {0x03, 0, 0x00, 0x2F, 1, 0, T(1) | T(2) | T(4) | T(5), T(7), CRYPTO_US, se05x_do_hkdf},
    {0x03, 0, 0x00, 0x2E, 0, 0, T(1) | T(2) | T(3) | T(4), T(5) | T(6) | T(7), CRYPTO_US,
     se05x_do_pbkdf2},
    {0x03, 0, 0x0F, 0x49, 0, 0, 0, 0, 0, se05x_do_tls_random},
    {0x03, 0, 0x0F, 0x4A, 0, 0, T(1) | T(2) | T(3) | T(4), 0, SE05X_U_TIME_AGREE_US,
     se05x_do_tls_pms},
    {0x03, 0, 0x0F, 0x4B, 0, 0, T(1) | T(2) | T(3) | T(4) | T(5), 0, CRYPTO_US, se05x_do_tls_prf},
    {0x03, 0, 0x0F, 0x4C, 0, 0, T(1) | T(2) | T(3) | T(4) | T(5), 0, CRYPTO_US, se05x_do_tls_prf},
    {0x03, 0, 0x0F, 0x4D, 0, 0, T(1) | T(2) | T(3) | T(4) | T(5), 0, CRYPTO_US, se05x_do_tls_prf},
    {0x03, 0, 0x0F, 0x4E, 0, 0, T(1) | T(2) | T(3) | T(4) | T(5), 0, CRYPTO_US, se05x_do_tls_prf},
    {0x03, 0, 0x0F, 0x5A, 1, 0, T(1) | T(2) | T(3) | T(4) | T(5), 0, CRYPTO_US, se05x_do_tls_prf},
};

#undef T
#undef S
#undef POL
#undef MAX
#undef CHK

static int
row_fits(const struct row *row, const struct se05x_call *call)
{
    unsigned flags = call->ins & 0xE0u;

    return row->ins == (call->ins & 0x1Fu) && (flags & ~(unsigned)row->flags) == 0 &&
           row->p1 == call->p1 && row->p2 == call->p2 && (!row->newer || call->c->gen->newer);
}

static const struct row *
find_row(const struct se05x_call *call, unsigned *ret_sw)
{
    *ret_sw = SE05X_E_INS;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (row_fits(&rows[i], call))
            return &rows[i];
        if (rows[i].ins == (call->ins & 0x1Fu))
            *ret_sw = SE05X_E_P1P2;
    }
    return NULL;
}

/* Does the part as a whole allow commands now? */
static unsigned
part_allows(const struct se05x_call *call, const struct row *row)
{
    const struct se05x_chip *c = call->c;

    if ((c->locked || c->locked_now) && !row->when_locked)
        return SE05X_U_LOCKED_SW;
    if (c->scp_required && !call->channel)
        return SE05X_U_SCP_REQUIRED_SW;
    return SE05X_OK;
}

unsigned
se05x_run_applet(struct se05x_call *call)
{
    const struct se05x_apdu *apdu = call->apdu;
    const struct row *row;
    uint32_t tags;
    unsigned sw;

    call->ins = apdu->ins;
    call->p1 = apdu->p1;
    call->p2 = apdu->p2;
    if (apdu->cla != 0x80)
        return SE05X_E_CLA;
    if (apdu->ins == INS_IN_SESSION && apdu->p1 == 0 && apdu->p2 == 0)
        return se05x_run_in_session(call);
    if (call->c->forced_sw != 0)
        return call->c->forced_sw;
    row = find_row(call, &sw);
    if (row == NULL)
        return sw;
    sw = part_allows(call, row);
    if (sw != SE05X_OK)
        return sw;
    tags = row->tags | (call->c->gen->newer ? row->newer_tags : 0);
    if (!se05x_args_read(rs_bytes_of(apdu->data, apdu->len), tags, call->arg))
        return SE05X_E_WRONG_DATA;
    se05x_take(call->c, row->us);
    sw = row->run(call);
    if (sw != SE05X_OK)
        rs_buf_reset(call->out);
    return sw;
}

/* ---- Before the applet ------------------------------------------------------------------------- */

void
se05x_deselect(struct se05x_chip *c)
{
    c->applet = SE05X_APPLET_NONE;
    c->tls_ready = 0;
    rs_wipe(c->tls_random, sizeof(c->tls_random));
    rs_wipe(c->sessions, sizeof(c->sessions));
    se05x_scp_end(&c->scp);
    for (size_t i = 0; i < SE05X_CRYPTO_MAX; i++)
        se05x_crypto_forget(&c->crypto[i]);
    se05x_forget_transient(c);
}

static unsigned
select_applet(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    static const uint8_t iot[16] = {0xA0, 0x00, 0x00, 0x03, 0x96, 0x54, 0x53, 0x00,
                                    0x00, 0x00, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00};
    static const uint8_t domain[11] = {0xD2, 0x76, 0x00, 0x00, 0x85, 0x30,
                                       0x4A, 0x43, 0x4F, 0x90, 0x03};
    /* Every feature; SecureBox 1.11. */
    static const uint8_t features[4] = {0x6F, 0xFF, 0x01, 0x0B};
    struct rs_bytes aid = rs_bytes_of(apdu->data, apdu->len);

    if (apdu->p1 != 0x04 || apdu->p2 != 0x00)
        return SE05X_E_P1P2;
    if (rs_bytes_equal(aid, RS_BYTES(iot))) {
        se05x_deselect(c);
        c->applet = SE05X_APPLET_IOT;
        rs_buf_put(out, c->gen->version, sizeof(c->gen->version));
        rs_buf_put(out, features, sizeof(features));
        return SE05X_OK;
    }
    if (rs_bytes_equal(aid, RS_BYTES(domain))) {
        se05x_deselect(c);
        c->applet = SE05X_APPLET_DOMAIN;
        return SE05X_OK;
    }
    return SE05X_E_NOT_FOUND;
}

static unsigned
initialize_update(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    static const uint8_t diversification[10] = {0};
    uint8_t card[8], cryptogram[8];

    if (apdu->p2 != 0x00)
        return SE05X_E_P1P2;
    if (apdu->len != 8)
        return SE05X_E_LENGTH;
    if (apdu->p1 != 0 && apdu->p1 != c->keys.version)
        return SE05X_U_NO_KEY_SET_SW;
    c->host->random(c->host->self, card, sizeof(card));
    if (!se05x_scp_start(&c->scp, &c->keys, apdu->data, card, cryptogram))
        return SE05X_E_CONDITIONS;
    rs_buf_put(out, diversification, sizeof(diversification));
    rs_buf_put_u8(out, c->keys.version);
    rs_buf_put_u8(out, 0x03);
    rs_buf_put_u8(out, SE05X_U_SCP_I);
    rs_buf_put(out, card, sizeof(card));
    rs_buf_put(out, cryptogram, sizeof(cryptogram));
    return SE05X_OK;
}

static unsigned
external_authenticate(struct se05x_chip *c, const struct se05x_apdu *apdu)
{
    if (apdu->p1 != 0x33 || apdu->p2 != 0x00)
        return SE05X_E_P1P2;
    return se05x_scp_authenticate(&c->scp, apdu) ? SE05X_OK : SE05X_U_SECURE_MESSAGING_SW;
}

/* ---- A whole command ------------------------------------------------------------------------------ */

static unsigned
run_plain(struct se05x_chip *c, const struct se05x_apdu *apdu, int channel, struct rs_buf *out)
{
    struct se05x_call call = {
        .c = c, .apdu = apdu, .secure = channel != 0, .channel = channel != 0, .out = out};

    if (apdu->ins == INS_PUT_KEY &&
        (SE05X_U_PUT_KEY_THROUGH_APPLET || c->applet == SE05X_APPLET_DOMAIN)) {
        if (c->forced_sw != 0)
            return c->forced_sw;
        return channel ? se05x_put_key(c, apdu, out) : (unsigned)SE05X_E_SECURITY;
    }
    if (c->applet != SE05X_APPLET_IOT)
        return SE05X_U_NO_APPLET_SW;
    return se05x_run_applet(&call);
}

/* Everything behind a class byte with the secure messaging bit. */
static unsigned
run_secure(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    int skip_dataless = !c->gen->newer != (c->quirk == SE05X_QUIRK_COUNT_OTHERWISE);
    struct se05x_apdu plain;
    unsigned sw;

    if (!se05x_scp_open_command(&c->scp, apdu, skip_dataless, c->plain[0], &plain))
        return SE05X_U_SECURE_MESSAGING_SW;
    sw = plain.len <= c->gen->payload_max ? run_plain(c, &plain, 1, out) : (unsigned)SE05X_E_LENGTH;
    if (sw != SE05X_LOST && rs_buf_ok(out) && !se05x_scp_close_answer(&c->scp, sw, out))
        sw = SE05X_E_LENGTH;
    return sw;
}

static unsigned
run_without_applet(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    if (c->forced_sw != 0)
        return c->forced_sw;
    if (apdu->ins == INS_GET_DATA && apdu->cla == 0x80)
        return se05x_identify(c, apdu, out);
    return SE05X_U_NO_APPLET_SW;
}

static unsigned
run_apdu(struct se05x_chip *c, const struct se05x_apdu *apdu, struct rs_buf *out)
{
    if (apdu->cla != 0x00 && apdu->cla != 0x80 && apdu->cla != 0x84)
        return SE05X_E_CLA;
    if (apdu->ins == INS_SELECT && apdu->cla == 0x00)
        return c->forced_sw != 0 ? c->forced_sw : select_applet(c, apdu, out);
    if (apdu->cla == 0x00)
        return SE05X_E_CLA;
    if (c->applet == SE05X_APPLET_NONE)
        return run_without_applet(c, apdu, out);
    if (apdu->ins == INS_INITIALIZE_UPDATE && apdu->cla == 0x80)
        return c->forced_sw != 0 ? c->forced_sw : initialize_update(c, apdu, out);
    if (apdu->ins == INS_EXTERNAL_AUTHENTICATE && c->scp.state == SE05X_SCP_CHALLENGED)
        return c->forced_sw != 0 ? c->forced_sw : external_authenticate(c, apdu);
    if (apdu->cla == 0x84)
        return run_secure(c, apdu, out);
    if (c->scp.state == SE05X_SCP_OPEN)
        return SE05X_U_PLAIN_IN_CHANNEL_SW;
    return run_plain(c, apdu, 0, out);
}

/* An answer that does not fit ends in 6700. */
static void
finish_answer(struct se05x_chip *c, unsigned sw, struct rs_buf *out)
{
    if (!rs_buf_ok(out))
        sw = SE05X_E_LENGTH;
    c->answer_len = out->failed ? 0 : out->len;
    rs_set_u16(c->answer + c->answer_len, sw);
    c->answer_len += 2;
}

int
se05x_run(struct se05x_chip *c, const uint8_t *raw, size_t len)
{
    struct se05x_apdu apdu;
    struct rs_buf out;
    unsigned sw;

    rs_buf_init_fixed(&out, c->answer, sizeof(c->answer) - 2);
    if (!se05x_apdu_read(raw, len, &apdu))
        sw = SE05X_E_LENGTH;
    else if (apdu.len > c->gen->payload_max + (apdu.cla == 0x84 ? SE05X_U_SECURE_OVERHEAD : 0))
        sw = SE05X_E_LENGTH;
    else
        sw = run_apdu(c, &apdu, &out);
    if (sw == SE05X_LOST)
        return 0;
    finish_answer(c, sw, &out);
    return 1;
}
