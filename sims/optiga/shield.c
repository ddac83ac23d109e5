/*
 * shield.c: the presentation layer, "shielded connection" (section 4).
 *
 * The first byte of a message says which protocol it belongs to: handshake,
 * record, alert, saved context.  Host and part share a secret (object E140);
 * the handshake draws a random number and a counter and proves that both sides
 * derived the same keys.  An APDU then travels in clear or protected, each
 * direction on its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "sims/optiga/chip.h"
#include "sims/optiga/uncertain.h"

enum {
    SCTR_HELLO = 0x00,
    SCTR_FINISHED = 0x08,
    SCTR_RECORD = 0x20,
    SCTR_FATAL = 0x40,
    SCTR_INTEGRITY = 0x44,
    SCTR_SAVE = 0x60,
    SCTR_SAVED = 0x64,
    SCTR_RESTORE = 0x68,
    SCTR_RESTORED = 0x6C,
    PROTECTION = 0x03,
};

#define PVER         0x01 /* pre-shared secret */
#define SECRET_MIN   32
#define SEQ_LEN      4
#define TAG_LEN      8
#define SEQ_DRAW_MAX 0xFFFFu
#define SEQ_MAX      0xFFFFFFF0u
#define WINDOW       3
#define REPEATS_MAX  3
#define FINISHED_LEN 36 /* random number and counter */

/* ---- Keys ------------------------------------------------------------------------------------ */

enum side {
    MASTER = 0,
    SLAVE = 1,
};

static int
derive(struct optiga_chip *c)
{
    static const char label[] = "Platform Binding";
    struct optiga_shield *s = &c->comms.shield;
    struct optiga_object *o = optiga_object(c, OPTIGA_OID_BINDING);
    const struct optiga_claim claim = {.protection = 0};
    uint8_t seed[sizeof(label) - 1 + sizeof(s->random)];

    if (o->meta.type != OPTIGA_TYPE_BINDING || optiga_used(o) < SECRET_MIN ||
        optiga_access(c, o, OPTIGA_EXECUTE, &claim) != OPTIGA_OK)
        return 0;
    memcpy(seed, label, sizeof(label) - 1);
    memcpy(seed + sizeof(label) - 1, s->random, sizeof(s->random));
    return optiga_prf(256, optiga_content(c, o), RS_BYTES(seed), s->keys.block,
                      sizeof(s->keys.block));
}

/* Nonce: prefix and sequence number; associated data: SCTR, sequence, PVER, length of the clear text. */
static struct optiga_ccm
prepare_ccm(const struct optiga_shield *s, enum side side, uint8_t sctr, uint32_t seq,
            size_t plain_len)
{
    struct optiga_ccm ccm = {.nonce_len = 8, .aad_len = 8};

    memcpy(ccm.key, s->keys.block + (side == MASTER ? 0 : 16), 16);
    memcpy(ccm.nonce, s->keys.block + (side == MASTER ? 32 : 36), 4);
    rs_set_u32(ccm.nonce + 4, seq);
    ccm.aad[0] = sctr;
    rs_set_u32(ccm.aad + 1, seq);
    ccm.aad[5] = PVER;
    rs_set_u16(ccm.aad + 6, (unsigned)plain_len);
    return ccm;
}

/* SCTR, sequence number, ciphertext, tag.  Returns the length; 0 when the library fails. */
static size_t
seal(const struct optiga_shield *s, uint8_t sctr, uint32_t seq, struct rs_bytes plain, uint8_t *out)
{
    struct optiga_ccm ccm = prepare_ccm(s, SLAVE, sctr, seq, plain.len);

    out[0] = sctr;
    rs_set_u32(out + 1, seq);
    if (!optiga_ccm_seal(&ccm, plain, out + 1 + SEQ_LEN))
        return 0;
    return 1 + SEQ_LEN + plain.len + TAG_LEN;
}

/* body: sequence number, ciphertext, tag.  Returns the length of the clear text, or -1. */
static long
unseal(const struct optiga_shield *s, uint8_t sctr, struct rs_bytes body, uint8_t *plain)
{
    size_t len;
    struct optiga_ccm ccm;

    if (body.len <= SEQ_LEN + TAG_LEN)
        return -1;
    len = body.len - SEQ_LEN - TAG_LEN;
    ccm = prepare_ccm(s, MASTER, sctr, rs_get_u32(body.p), len);
    if (!optiga_ccm_open(&ccm, rs_bytes_of(body.p + SEQ_LEN, len + TAG_LEN), plain))
        return -1;
    return (long)len;
}

/* ---- Alerts ------------------------------------------------------------------------------------ */

static void
end_session(struct optiga_shield *s)
{
    rs_wipe(s, sizeof(*s));
}

void
optiga_shield_alert(struct optiga_chip *c, uint8_t sctr)
{
    if (sctr == SCTR_FATAL)
        end_session(&c->comms.shield);
    optiga_transport_send(c, &sctr, 1);
}

/* A record that does not open; after too many the session is over. */
static void
bad_record(struct optiga_chip *c)
{
    if (++c->comms.shield.integrity_alerts >= OPTIGA_U_INTEGRITY_ALERTS)
        optiga_shield_alert(c, SCTR_FATAL);
    else
        optiga_shield_alert(c, SCTR_INTEGRITY);
}

/* ---- Handshake ----------------------------------------------------------------------------------- */

static uint32_t
draw_sequence(struct optiga_chip *c)
{
    uint8_t bytes[2];

    c->host->random(c->host->self, bytes, sizeof(bytes));
    return rs_get_u16(bytes);
}

/* A saved context does not outlive a new handshake.  (Fault rules, and so torn writes, are for APDUs.) */
static void
drop_saved(struct optiga_chip *c)
{
    static const struct optiga_shield_saved none;

    if (c->shield_saved.valid)
        (void)optiga_store_whole(c, &c->shield_saved, &none, sizeof(none));
}

static void
on_hello(struct optiga_chip *c, struct rs_bytes body)
{
    struct optiga_shield *s = &c->comms.shield;
    uint8_t answer[2 + 32 + SEQ_LEN] = {SCTR_HELLO, PVER};

    end_session(s);
    drop_saved(c);
    if (body.len != 1 || !(body.p[0] & PVER)) {
        optiga_shield_alert(c, SCTR_FATAL);
        return;
    }
    c->host->random(c->host->self, s->random, sizeof(s->random));
    s->keys.slave_seq = draw_sequence(c);
    s->phase = OPTIGA_SHIELD_GREETED;
    memcpy(answer + 2, s->random, sizeof(s->random));
    rs_set_u32(answer + 34, s->keys.slave_seq);
    optiga_work(c, OPTIGA_U_TIME_HELLO_US);
    optiga_transport_send(c, answer, sizeof(answer));
}

static int
master_finished_ok(struct optiga_chip *c, struct rs_bytes body)
{
    struct optiga_shield *s = &c->comms.shield;
    uint8_t plain[FINISHED_LEN];

    return s->phase == OPTIGA_SHIELD_GREETED && body.len == SEQ_LEN + FINISHED_LEN + TAG_LEN &&
           rs_get_u32(body.p) == s->keys.slave_seq && derive(c) &&
           unseal(s, SCTR_FINISHED, body, plain) == FINISHED_LEN &&
           memcmp(plain, s->random, sizeof(s->random)) == 0 &&
           rs_get_u32(plain + 32) == s->keys.slave_seq;
}

static void
on_finished(struct optiga_chip *c, struct rs_bytes body)
{
    struct optiga_shield *s = &c->comms.shield;
    uint8_t plain[FINISHED_LEN], answer[1 + SEQ_LEN + FINISHED_LEN + TAG_LEN];

    optiga_work(c, OPTIGA_U_TIME_FINISHED_US);
    if (!master_finished_ok(c, body)) {
        optiga_shield_alert(c, SCTR_FATAL);
        return;
    }
    s->keys.master_seq = draw_sequence(c);
    memcpy(plain, s->random, sizeof(s->random));
    rs_set_u32(plain + 32, s->keys.master_seq);
    if (seal(s, SCTR_FINISHED, s->keys.master_seq, RS_BYTES(plain), answer) == 0) {
        optiga_shield_alert(c, SCTR_FATAL);
        return;
    }
    s->phase = OPTIGA_SHIELD_OPEN;
    optiga_transport_send(c, answer, sizeof(answer));
}

/* ---- Records ---------------------------------------------------------------------------------------- */

/* The response that is kept in s->last goes out, under a new number where it is protected. */
static void
send_last(struct optiga_chip *c)
{
    struct optiga_shield *s = &c->comms.shield;
    struct rs_bytes plain = rs_bytes_of(s->last, s->last_len);
    uint8_t message[OPTIGA_MESSAGE_MAX];
    size_t len;

    if (s->last_sctr & OPTIGA_PROTECTED_RESPONSE) {
        len = s->keys.slave_seq < SEQ_MAX
                  ? seal(s, s->last_sctr, ++s->keys.slave_seq, plain, message)
                  : 0;
        if (len == 0) {
            optiga_shield_alert(c, SCTR_FATAL);
            return;
        }
        if (c->quirk == OPTIGA_QUIRK_WRONG_MAC)
            message[len - 1] ^= 0x01;
    } else {
        message[0] = s->last_sctr;
        memcpy(message + 1, plain.p, plain.len);
        len = plain.len + 1;
    }
    optiga_transport_send(c, message, len);
    rs_wipe(message, sizeof(message));
}

static void
run_apdu(struct optiga_chip *c, uint8_t sctr, struct rs_bytes apdu)
{
    uint8_t response[OPTIGA_APDU_MAX];
    size_t len = optiga_apdu(c, apdu.p, apdu.len, sctr & PROTECTION, response);
    struct optiga_shield *s = &c->comms.shield;

    if (len > 0) {
        memcpy(s->last, response, len);
        s->last_len = len;
        s->last_sctr = sctr;
        s->repeats = 0;
        send_last(c);
    }
    rs_wipe(response, sizeof(response));
}

static int
in_window(const struct optiga_shield *s, uint32_t seq)
{
    return seq > s->keys.master_seq && seq - s->keys.master_seq <= WINDOW && seq <= SEQ_MAX;
}

static void
on_protected(struct optiga_chip *c, uint8_t sctr, struct rs_bytes body)
{
    struct optiga_shield *s = &c->comms.shield;
    uint8_t apdu[OPTIGA_MESSAGE_MAX];
    uint32_t seq = body.len >= SEQ_LEN ? rs_get_u32(body.p) : 0;
    long len = unseal(s, sctr, body, apdu);

    if (len < 0 || !in_window(s, seq)) {
        bad_record(c);
    } else {
        s->keys.master_seq = seq;
        s->integrity_alerts = 0;
        run_apdu(c, sctr, rs_bytes_of(apdu, (size_t)len));
    }
    rs_wipe(apdu, sizeof(apdu));
}

static void
on_record(struct optiga_chip *c, uint8_t sctr, struct rs_bytes body)
{
    if ((sctr & PROTECTION) && c->comms.shield.phase != OPTIGA_SHIELD_OPEN)
        optiga_shield_alert(c, OPTIGA_U_BAD_MESSAGE_ALERT);
    else if (sctr & OPTIGA_PROTECTED_COMMAND)
        on_protected(c, sctr, body);
    else
        run_apdu(c, sctr, body);
}

/* The host could not open our response. */
static void
on_integrity(struct optiga_chip *c)
{
    struct optiga_shield *s = &c->comms.shield;

    if (s->phase != OPTIGA_SHIELD_OPEN || s->last_len == 0 || s->repeats >= REPEATS_MAX) {
        optiga_shield_alert(c, SCTR_FATAL);
        return;
    }
    s->repeats++;
    send_last(c);
}

/* ---- Saved context ------------------------------------------------------------------------------------ */

static void
on_save(struct optiga_chip *c)
{
    struct optiga_shield *s = &c->comms.shield;
    const struct optiga_shield_saved saved = {.valid = 1, .keys = s->keys};
    static const uint8_t answer = SCTR_SAVED;

    if (s->phase != OPTIGA_SHIELD_OPEN) {
        optiga_shield_alert(c, OPTIGA_U_BAD_MESSAGE_ALERT);
        return;
    }
    (void)optiga_store_whole(c, &c->shield_saved, &saved, sizeof(saved));
    end_session(s);
    optiga_transport_send(c, &answer, 1);
}

static void
on_restore(struct optiga_chip *c, struct rs_bytes body)
{
    struct optiga_shield *s = &c->comms.shield;
    struct optiga_shield_keys keys = c->shield_saved.keys;
    uint8_t answer[1 + SEQ_LEN] = {SCTR_RESTORED};

    if (!c->shield_saved.valid || body.len != SEQ_LEN || rs_get_u32(body.p) != keys.slave_seq) {
        optiga_shield_alert(c, OPTIGA_U_BAD_MESSAGE_ALERT);
        return;
    }
    drop_saved(c);
    end_session(s);
    s->keys = keys;
    s->phase = OPTIGA_SHIELD_OPEN;
    rs_set_u32(answer + 1, keys.master_seq);
    optiga_transport_send(c, answer, sizeof(answer));
    rs_wipe(&keys, sizeof(keys));
}

void
optiga_shield_receive(struct optiga_chip *c, const uint8_t *message, size_t len)
{
    uint8_t sctr = len > 0 ? message[0] : 0;
    struct rs_bytes body = rs_bytes_of(message + 1, len > 0 ? len - 1 : 0);

    if (len == 0)
        optiga_shield_alert(c, OPTIGA_U_BAD_MESSAGE_ALERT);
    else if ((sctr & ~PROTECTION) == SCTR_RECORD)
        on_record(c, sctr, body);
    else if (sctr == SCTR_HELLO)
        on_hello(c, body);
    else if (sctr == SCTR_FINISHED)
        on_finished(c, body);
    else if (sctr == SCTR_INTEGRITY)
        on_integrity(c);
    else if (sctr == SCTR_FATAL)
        end_session(&c->comms.shield);
    else if (sctr == SCTR_SAVE)
        on_save(c);
    else if (sctr == SCTR_RESTORE)
        on_restore(c, body);
    else
        optiga_shield_alert(c, OPTIGA_U_BAD_MESSAGE_ALERT);
}
