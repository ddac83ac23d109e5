/*
 * session.c: sessions of the applet: UserID, AES key, EC key (section 4 of the reference).
 *
 * A session belongs to a credential, is made first and opened by showing the
 * credential inside it.  Those opened by a key have a secure channel of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/se05x/chip.h"
#include "sims/se05x/crypto.h"

enum {
    INS_INITIALIZE_UPDATE = 0x50,
    INS_EXTERNAL_AUTHENTICATE = 0x82,
    INS_INTERNAL_AUTHENTICATE = 0x88,
    P2_SESSION_CREATE = 0x1B,
    P2_SESSION_CLOSE = 0x1C,
    P2_VERIFY_USER_ID = 0x2C,
};

/* ---- Attempts ------------------------------------------------------------------------------------- */

static int
is_blocked(const struct se05x_object *o)
{
    return o->max_attempts != 0 && o->failed >= o->max_attempts;
}

static unsigned
count(struct se05x_chip *c, struct se05x_object *o, uint16_t failed)
{
    if (o->max_attempts == 0 || o->failed == failed)
        return SE05X_OK;
    return se05x_store_field(c, &o->failed, &failed, sizeof(failed));
}

/* Counted before it is looked at, so that pulling the plug wins nothing. */
static unsigned
count_attempt(struct se05x_call *call, struct se05x_object **ret_credential)
{
    struct se05x_object *o = se05x_find(call->c, call->session->auth);

    if (o == NULL)
        return SE05X_U_MISSING_SW;
    if (is_blocked(o))
        return SE05X_U_BLOCKED_SW;
    *ret_credential = o;
    return count(call->c, o, (uint16_t)(o->failed + 1));
}

static unsigned
admit(struct se05x_call *call, struct se05x_object *credential)
{
    call->session->state = SE05X_SESSION_OPEN;
    return count(call->c, credential, 0);
}

/* ---- Making and ending -------------------------------------------------------------------------------- */

unsigned
se05x_do_session_create(struct se05x_call *call)
{
    struct se05x_chip *c = call->c;
    struct se05x_session *s = c->sessions;
    struct se05x_object *o;
    uint32_t id;

    if (!se05x_arg_number(call, SE05X_AT_T(1), 4, &id))
        return SE05X_E_WRONG_DATA;
    o = se05x_find(c, id);
    if (call->session != NULL || o == NULL || !o->auth || !o->set ||
        (o->kind != SE05X_USER_ID && o->kind != SE05X_AES && o->kind != SE05X_EC_PUBLIC))
        return SE05X_U_MISSING_SW;
    if (is_blocked(o))
        return SE05X_U_BLOCKED_SW;
    while (s < c->sessions + SE05X_U_SESSIONS_MAX && s->state != SE05X_SESSION_FREE)
        s++;
    if (s == c->sessions + SE05X_U_SESSIONS_MAX)
        return SE05X_U_TOO_MANY_SESSIONS_SW;
    *s = (struct se05x_session){.state = SE05X_SESSION_CREATED, .auth = id, .by = o->kind};
    c->host->random(c->host->self, s->id, sizeof(s->id));
    se05x_put(call->out, 0x41, s->id, sizeof(s->id));
    return SE05X_OK;
}

unsigned
se05x_do_session_close(struct se05x_call *call)
{
    if (call->session == NULL)
        return SE05X_E_CONDITIONS;
    call->session->state = SE05X_SESSION_FREE;
    return SE05X_OK;
}

/* ---- Showing the credential --------------------------------------------------------------------------- */

unsigned
se05x_do_session_verify(struct se05x_call *call)
{
    struct rs_bytes said = call->arg[SE05X_AT_T(1)];
    struct se05x_object *o = NULL;
    unsigned sw;

    if (call->session == NULL || call->session->by != SE05X_USER_ID ||
        call->session->state != SE05X_SESSION_CREATED)
        return SE05X_E_CONDITIONS;
    if (said.p == NULL)
        return SE05X_E_WRONG_DATA;
    sw = count_attempt(call, &o);
    if (sw != SE05X_OK)
        return sw;
    if (!rs_bytes_equal(said, se05x_value(call->c, o)))
        return is_blocked(o) ? SE05X_U_BLOCKED_SW : SE05X_U_WRONG_USER_ID_SW;
    return admit(call, o);
}

/* One AES key serves as ENC and MAC. */
static unsigned
initialize_update(struct se05x_call *call)
{
    /* Diversification (none), key version, SCP03, and the byte i. */
    static const uint8_t said[13] = {[11] = 0x03, [12] = SE05X_U_SCP_I};
    const struct se05x_apdu *apdu = call->apdu;
    struct se05x_object *o = se05x_find(call->c, call->session->auth);
    uint8_t card[8], cryptogram[8];
    struct se05x_keys keys = {0};
    int ok;

    if (apdu->p1 != 0x00 || apdu->p2 != 0x00)
        return SE05X_E_P1P2;
    if (apdu->len != 8)
        return SE05X_E_LENGTH;
    if (o == NULL || o->kind != SE05X_AES)
        return SE05X_U_MISSING_SW;
    if (is_blocked(o))
        return SE05X_U_BLOCKED_SW;
    keys.len = (uint8_t)o->len;
    memcpy(keys.enc, se05x_value(call->c, o).p, o->len);
    memcpy(keys.mac, se05x_value(call->c, o).p, o->len);
    call->c->host->random(call->c->host->self, card, sizeof(card));
    ok = se05x_scp_start(&call->session->scp, &keys, apdu->data, card, cryptogram);
    rs_wipe(&keys, sizeof(keys));
    if (!ok)
        return SE05X_E_CONDITIONS;
    rs_buf_put(call->out, said, sizeof(said));
    rs_buf_put(call->out, card, sizeof(card));
    rs_buf_put(call->out, cryptogram, sizeof(cryptogram));
    return SE05X_OK;
}

static unsigned
external_authenticate(struct se05x_call *call)
{
    struct se05x_object *o = NULL;
    unsigned sw;

    if (call->apdu->p1 != 0x33 || call->apdu->p2 != 0x00)
        return SE05X_E_P1P2;
    if (call->session->scp.state != SE05X_SCP_CHALLENGED)
        return SE05X_E_CONDITIONS;
    sw = count_attempt(call, &o);
    if (sw != SE05X_OK)
        return sw;
    if (!se05x_scp_authenticate(&call->session->scp, call->apdu))
        return is_blocked(o) ? SE05X_U_BLOCKED_SW : SE05X_U_SECURE_MESSAGING_SW;
    return admit(call, o);
}

/* ---- EC keys ---------------------------------------------------------------------------------------------- */

/* The pieces of the host's message. */
struct ec_hello {
    struct rs_bytes signed_part; /* A6 and 7F49 as they stand */
    struct rs_bytes point, signature;
};

/* One TLV that must be there and hold just this. */
static int
expect(struct rs_reader *r, unsigned tag, const void *p, size_t len)
{
    struct rs_bytes value;
    unsigned got;

    return se05x_tlv_next(r, &got, &value) && got == tag &&
           rs_bytes_equal(value, rs_bytes_of(p, len));
}

static int
read_scheme(struct rs_bytes scheme)
{
    static const uint8_t applet[16] = {0xA0, 0x00, 0x00, 0x03, 0x96, 0x54, 0x53, 0x00,
                                       0x00, 0x00, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00};
    static const uint8_t protocol[3] = {0xAB, 0x01, 0x33}, aes[1] = {0x88}, size[1] = {0x10};
    struct rs_reader r;

    rs_reader_init(&r, scheme);
    return expect(&r, 0x4F, applet, sizeof(applet)) &&
           expect(&r, 0x90, protocol, sizeof(protocol)) && expect(&r, 0x80, aes, sizeof(aes)) &&
           expect(&r, 0x81, size, sizeof(size)) && rs_reader_done(&r);
}

static int
read_point(struct rs_bytes wrapped, struct rs_bytes *ret_point)
{
    static const uint8_t p256[1] = {0x03};
    struct rs_reader r;
    unsigned tag;

    rs_reader_init(&r, wrapped);
    return se05x_tlv_next(&r, &tag, ret_point) && tag == 0xB0 &&
           expect(&r, 0xF0, p256, sizeof(p256)) && rs_reader_done(&r);
}

static int
read_hello(const struct se05x_apdu *apdu, struct ec_hello *h)
{
    struct rs_bytes scheme, wrapped;
    struct rs_reader r;
    unsigned tag;

    rs_reader_init(&r, rs_bytes_of(apdu->data, apdu->len));
    if (!se05x_tlv_next(&r, &tag, &scheme) || tag != 0xA6 || !read_scheme(scheme) ||
        !se05x_tlv_next(&r, &tag, &wrapped) || tag != 0x7F49 || !read_point(wrapped, &h->point))
        return 0;
    h->signed_part = rs_bytes_of(apdu->data, apdu->len - r.left);
    return se05x_tlv_next(&r, &tag, &h->signature) && tag == 0x5F37 && rs_reader_done(&r);
}

static int
hello_is_signed(const struct se05x_chip *c, const struct se05x_object *o, const struct ec_hello *h)
{
    uint8_t digest[32];

    return se05x_hash(se05x_digest(0x04), h->signed_part, rs_bytes_of(NULL, 0), digest) &&
           se05x_verify(se05x_curve_find(o->curve), se05x_public(c, o), RS_BYTES(digest),
                        h->signature);
}

/* SHA-256 over what both sides know now; its first half is the master secret. */
static int
agree_master(struct se05x_chip *c, struct rs_bytes point, const uint8_t random[16],
             uint8_t master[32])
{
    static const uint8_t prefix[4] = {0, 0, 0, 1}, scheme[4] = {0x01, 0x33, 0x88, 0x10};
    struct se05x_object *key = se05x_find(c, SE05X_ID_CHIP_KEY);
    const struct se05x_curve *p256 = se05x_curve_find(0x03);
    uint8_t secret[32], tail[20];
    struct rs_buf all;
    uint8_t room[64];
    int ok;

    if (key == NULL || key->curve != 0x03 ||
        !se05x_agree(p256, se05x_private(c, key).p, point, secret))
        return 0;
    memcpy(tail, random, 16);
    memcpy(tail + 16, scheme, sizeof(scheme));
    rs_buf_init_fixed(&all, room, sizeof(room));
    if (rs_get_u16(c->gen->version) >= SE05X_U_ECKEY_COUNTER_FROM)
        rs_buf_put(&all, prefix, sizeof(prefix));
    rs_buf_put(&all, secret, sizeof(secret));
    ok = se05x_hash(se05x_digest(0x04), rs_buf_bytes(&all), RS_BYTES(tail), master);
    rs_wipe(secret, sizeof(secret));
    rs_wipe(room, sizeof(room));
    return ok;
}

static unsigned
internal_authenticate(struct se05x_call *call)
{
    struct se05x_chip *c = call->c;
    struct se05x_session *s = call->session;
    struct se05x_object *o = NULL;
    struct ec_hello hello;
    uint8_t random[16], master[32], receipt[16], tlv[18] = {0x85, 0x10};
    unsigned sw;
    int ok;

    if (call->apdu->p1 != 0 || call->apdu->p2 != 0)
        return SE05X_E_P1P2;
    if (!read_hello(call->apdu, &hello))
        return SE05X_E_WRONG_DATA;
    sw = count_attempt(call, &o);
    if (sw != SE05X_OK)
        return sw;
    if (o->kind != SE05X_EC_PUBLIC || !hello_is_signed(c, o, &hello))
        return is_blocked(o) ? SE05X_U_BLOCKED_SW : SE05X_U_SECURE_MESSAGING_SW;
    se05x_take(c, SE05X_U_TIME_VERIFY_US + SE05X_U_TIME_AGREE_US);
    c->host->random(c->host->self, random, sizeof(random));
    memcpy(tlv + 2, random, sizeof(random));
    ok = agree_master(c, hello.point, random, master) && se05x_scp_from_master(&s->scp, master) &&
         se05x_cmac(s->scp.rmac, 16, hello.signed_part, RS_BYTES(tlv), receipt);
    rs_wipe(master, sizeof(master));
    if (!ok)
        return SE05X_E_CONDITIONS;
    se05x_put(call->out, 0x85, random, sizeof(random));
    se05x_put(call->out, 0x86, receipt, sizeof(receipt));
    return admit(call, o);
}

/* ---- A command inside a session ------------------------------------------------------------------------------ */

/* What may be said before the credential was shown. */
static unsigned
run_unopened(struct se05x_call *call)
{
    const struct se05x_apdu *apdu = call->apdu;
    enum se05x_kind by = call->session->by;

    if (apdu->ins == 0x04 && apdu->p1 == 0x00 &&
        (apdu->p2 == P2_SESSION_CLOSE || (apdu->p2 == P2_VERIFY_USER_ID && by == SE05X_USER_ID)))
        return se05x_run_applet(call);
    if (call->c->forced_sw != 0)
        return call->c->forced_sw;
    if (by == SE05X_AES && apdu->ins == INS_INITIALIZE_UPDATE && apdu->cla == 0x80)
        return initialize_update(call);
    if (by == SE05X_AES && apdu->ins == INS_EXTERNAL_AUTHENTICATE && apdu->cla == 0x84)
        return external_authenticate(call);
    if (by == SE05X_EC_PUBLIC && apdu->ins == INS_INTERNAL_AUTHENTICATE && apdu->cla == 0x84)
        return internal_authenticate(call);
    return SE05X_U_UNAUTHENTICATED_SW;
}

/* Sessions of keys have their own secure messaging. */
static unsigned
run_open(struct se05x_call *call)
{
    struct se05x_chip *c = call->c;
    struct se05x_scp *scp = &call->session->scp;
    struct se05x_call inner = *call;
    struct se05x_apdu plain;
    unsigned sw;

    if (call->session->by == SE05X_USER_ID)
        return se05x_run_applet(call);
    if (call->apdu->cla != 0x84 ||
        !se05x_scp_open_command(scp, call->apdu, c->quirk == SE05X_QUIRK_COUNT_OTHERWISE,
                                c->plain[1], &plain)) {
        call->session->state = SE05X_SESSION_FREE;
        return SE05X_U_SECURE_MESSAGING_SW;
    }
    inner.apdu = &plain;
    inner.secure = 1;
    sw = se05x_run_applet(&inner);
    if (sw != SE05X_LOST && rs_buf_ok(call->out) && !se05x_scp_close_answer(scp, sw, call->out))
        sw = SE05X_E_LENGTH;
    return sw;
}

static struct se05x_session *
find_session(struct se05x_chip *c, struct rs_bytes id)
{
    for (size_t i = 0; i < SE05X_U_SESSIONS_MAX; i++)
        if (c->sessions[i].state != SE05X_SESSION_FREE &&
            rs_bytes_equal(id, RS_BYTES(c->sessions[i].id)))
            return &c->sessions[i];
    return NULL;
}

unsigned
se05x_run_in_session(struct se05x_call *call)
{
    struct rs_bytes arg[SE05X_TAGS];
    struct se05x_call inner = *call;
    struct se05x_apdu apdu;

    if (call->session != NULL)
        return SE05X_E_CONDITIONS;
    if (!se05x_args_read(rs_bytes_of(call->apdu->data, call->apdu->len), SE05X_S(0) | SE05X_T(1),
                         arg) ||
        arg[SE05X_AT_SESSION].len != SE05X_SESSION_SIZE || arg[SE05X_AT_T(1)].p == NULL)
        return SE05X_E_WRONG_DATA;
    inner.session = find_session(call->c, arg[SE05X_AT_SESSION]);
    if (inner.session == NULL)
        return SE05X_U_NO_SESSION_SW;
    if (!se05x_apdu_read(arg[SE05X_AT_T(1)].p, arg[SE05X_AT_T(1)].len, &apdu))
        return SE05X_E_LENGTH;
    inner.apdu = &apdu;
    return inner.session->state == SE05X_SESSION_OPEN ? run_open(&inner) : run_unopened(&inner);
}
