/*
 * desk.c: see desk.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "desk.h"

#include <string.h>

#include "base/bytes.h"

#define POLLS_MAX  4000
#define POLL_US    1000
#define ADDRESS    0x30
#define PACKET_MAX 0x110
#define DATA_LEN   277
#define WITH_BIT_7 0x80u

/* ---- The part's host --------------------------------------------------------------- */

static struct sim_fate
on_command(void *self)
{
    struct desk *d = self;
    struct sim_fate fate = d->fate;

    d->fate = (struct sim_fate){SIM_FATE_RUN, 0};
    d->commands++;
    return fate;
}

static void
on_stored(void *self)
{
    ((struct desk *)self)->stored++;
}

static void
on_random(void *self, uint8_t *out, size_t len)
{
    struct desk *d = self;

    for (size_t i = 0; i < len; i++) {
        if (d->random_len > 0) {
            out[i] = d->random[0];
            memmove(d->random, d->random + 1, --d->random_len);
        } else {
            out[i] = d->random_next += 7;
        }
    }
}

void
desk_init(struct desk *d, int v3)
{
    struct sim_create how = {.personality = v3 ? "blank-m3" : "blank-m1"};

    (void)hex(v3 ? "09A413000A2F002E" : "091B5C0007A60087", how.unique, sizeof(how.unique));
    memset(d, 0, sizeof(*d));
    assert_int_equal(sim_ca_open(NULL, "infineon", &d->ca, NULL), RS_OK);
    how.ca = d->ca;
    d->model = v3 ? &optiga_m3_model : &optiga_m1_model;
    d->host = (struct sim_host){d, on_command, on_stored, on_random};
    assert_int_equal(d->model->create(&d->chip, &d->host, &how, NULL), RS_OK);
    d->tx = 3;
    d->rx = 3;
}

void
desk_done(struct desk *d)
{
    d->model->done(&d->chip);
    sim_ca_free(d->ca);
}

void
desk_advance(struct desk *d, uint64_t us)
{
    d->now_us += us;
    d->model->set_time(&d->chip, d->now_us);
}

void
desk_power_on(struct desk *d)
{
    d->model->set_power(&d->chip, 1);
    d->tx = 3;
    d->rx = 3;
    d->presence = 0;
    d->protection = 0;
    desk_advance(d, 30000);
}

void
desk_restart(struct desk *d)
{
    d->model->set_power(&d->chip, 0);
    desk_power_on(d);
}

size_t
hex(const char *text, uint8_t *out, size_t cap)
{
    char digits[8192];
    size_t n = 0, len = 0;

    for (; *text != '\0'; text++)
        if (*text != ' ' && n + 1 < sizeof(digits))
            digits[n++] = *text;
    if (!rs_hex_read(digits, n, out, cap, &len))
        fail_msg("bad hex");
    return len;
}

/* ---- Registers ------------------------------------------------------------------------ */

int
desk_write(struct desk *d, const uint8_t *p, size_t len)
{
    return d->model->i2c_write(&d->chip, ADDRESS, p, len);
}

int
desk_read(struct desk *d, uint8_t reg, uint8_t *p, size_t len)
{
    return desk_write(d, &reg, 1) && d->model->i2c_read(&d->chip, ADDRESS, p, len);
}

void
desk_w(struct desk *d, const char *text)
{
    uint8_t bytes[512];
    size_t len = hex(text, bytes, sizeof(bytes));

    assert_int_equal(desk_write(d, bytes, len), 1);
}

void
desk_r(struct desk *d, unsigned reg, const char *text)
{
    uint8_t want[512], got[512];
    size_t len = hex(text, want, sizeof(want));

    assert_int_equal(desk_read(d, (uint8_t)reg, got, len), 1);
    assert_memory_equal(got, want, len);
}

/* ---- Frames ----------------------------------------------------------------------------- */

int
desk_frame(struct desk *d, uint8_t fctr, const uint8_t *packet, size_t len)
{
    uint8_t bytes[1 + DATA_LEN + 64] = {0x80, fctr};

    rs_set_u16(bytes + 2, (unsigned)len);
    if (len > 0)
        memcpy(bytes + 4, packet, len);
    rs_set_u16(bytes + 4 + len, optiga_fcs(bytes + 1, 3 + len));
    return desk_write(d, bytes, len + 6);
}

size_t
desk_fetch(struct desk *d, uint8_t *frame)
{
    uint8_t state[4];

    for (unsigned i = 0; i < POLLS_MAX; i++) {
        size_t len;

        if (desk_read(d, 0x82, state, 4) && state[0] & 0x40) {
            len = rs_get_u16(state + 2);
            assert_in_range(len, 5, DATA_LEN);
            assert_int_equal(desk_read(d, 0x80, frame, len), 1);
            return len;
        }
        if (!d->chip.powered)
            return 0;
        desk_advance(d, POLL_US);
    }
    return 0;
}

/* ---- Messages ----------------------------------------------------------------------------- */

/* One packet out, with the number that is due. */
static int
send_packet(struct desk *d, const uint8_t *packet, size_t len)
{
    d->tx = (d->tx + 1) & 3;
    if (desk_frame(d, (uint8_t)(d->tx << 2 | d->rx), packet, len))
        return 1;
    return desk_frame(d, (uint8_t)(d->tx << 2 | d->rx), packet, len); /* refused: once more */
}

/* A good frame of the part: control frames are eaten; the packet, or 0. */
static size_t
fetch_packet(struct desk *d, uint8_t *packet)
{
    uint8_t frame[DATA_LEN];

    for (;;) {
        size_t len = desk_fetch(d, frame);

        if (len == 0)
            return 0;
        if (rs_get_u16(frame + len - 2) != optiga_fcs(frame, len - 2)) {
            (void)desk_frame(d, (uint8_t)(0xA0 | ((d->rx + 1) & 3)), NULL, 0);
            continue;
        }
        if (frame[0] & 0x80) {
            d->controls++;
            continue;
        }
        assert_int_equal(frame[0] & 3, d->tx);
        assert_int_equal(frame[0] >> 2 & 3, (d->rx + 1) & 3);
        d->rx = frame[0] >> 2 & 3;
        (void)desk_frame(d, (uint8_t)(0x80 | d->rx), NULL, 0);
        memcpy(packet, frame + 3, len - 5);
        return len - 5;
    }
}

/* A fragment that is not the last is acknowledged by a control frame. */
static int
await_ack(struct desk *d)
{
    uint8_t frame[DATA_LEN];
    size_t len = desk_fetch(d, frame);

    if (len == 0)
        return 0;
    assert_int_equal(len, 5);
    assert_int_equal(frame[0], 0x80 | d->tx);
    d->controls++;
    return 1;
}

static int
send_message(struct desk *d, const uint8_t *message, size_t len)
{
    uint8_t packet[PACKET_MAX];
    size_t at = 0;

    do {
        size_t n = len - at > PACKET_MAX - 1 ? PACKET_MAX - 1 : len - at;
        int last = at + n == len;

        packet[0] = (uint8_t)(at == 0 ? (last ? 0 : 1) : (last ? 4 : 2));
        packet[0] |= (uint8_t)(d->presence ? 8 : 0);
        memcpy(packet + 1, message + at, n);
        if (!send_packet(d, packet, n + 1) || (!last && !await_ack(d)))
            return 0;
        at += n;
    } while (at < len);
    return 1;
}

size_t
desk_message(struct desk *d, const uint8_t *message, size_t len, uint8_t *answer)
{
    uint8_t packet[PACKET_MAX + 1];
    size_t got = 0;

    if (!send_message(d, message, len))
        return 0;
    for (;;) {
        size_t n = fetch_packet(d, packet);

        if (n == 0)
            return 0;
        assert_int_equal(packet[0] & 8, d->presence ? 8 : 0);
        memcpy(answer + got, packet + 1, n - 1);
        got += n - 1;
        if ((packet[0] & 7) == 0 || (packet[0] & 7) == 4)
            return got;
    }
}

/* ---- Shielded connection ---------------------------------------------------------------------- */

static struct optiga_ccm
ccm(const struct desk *d, int master, uint8_t sctr, uint32_t seq, size_t len)
{
    struct optiga_ccm v = {.nonce_len = 8, .aad_len = 8};

    memcpy(v.key, d->block + (master ? 0 : 16), 16);
    memcpy(v.nonce, d->block + (master ? 32 : 36), 4);
    rs_set_u32(v.nonce + 4, seq);
    v.aad[0] = sctr;
    rs_set_u32(v.aad + 1, seq);
    v.aad[5] = 1;
    rs_set_u16(v.aad + 6, (unsigned)len);
    return v;
}

static size_t
seal(const struct desk *d, uint8_t sctr, uint32_t seq, const uint8_t *plain, size_t len,
     uint8_t *out)
{
    struct optiga_ccm v = ccm(d, 1, sctr, seq, len);

    out[0] = sctr;
    rs_set_u32(out + 1, seq);
    assert_true(optiga_ccm_seal(&v, rs_bytes_of(plain, len), out + 5));
    return len + 13;
}

int
desk_pair_with(struct desk *d, const uint8_t *secret, size_t len)
{
    uint8_t message[64] = {0x00, 0x01}, answer[OPTIGA_MESSAGE_MAX], plain[36], seed[48];

    d->presence = 1;
    if (desk_message(d, message, 2, answer) != 38)
        return 0;
    assert_int_equal(answer[0], 0);
    assert_int_equal(answer[1], 1);
    memcpy(plain, answer + 2, 36);
    memcpy(seed, "Platform Binding", 16);
    memcpy(seed + 16, plain, 32);
    d->sseq = rs_get_u32(plain + 32);
    assert_true(
        optiga_prf(256, rs_bytes_of(secret, len), RS_BYTES(seed), d->block, sizeof(d->block)));
    if (desk_message(d, message, seal(d, 0x08, d->sseq, plain, 36, message), answer) != 49)
        return 0;
    d->mseq = rs_get_u32(answer + 1);
    return answer[0] == 0x08;
}

void
desk_pair(struct desk *d)
{
    uint8_t secret[64];

    for (uint8_t i = 0; i < 64; i++)
        secret[i] = (uint8_t)(i + 1);
    assert_true(desk_pair_with(d, secret, sizeof(secret)));
}

/* ---- APDUs --------------------------------------------------------------------------------------- */

size_t
desk_apdu(struct desk *d, const uint8_t *apdu, size_t len, uint8_t *response)
{
    uint8_t message[OPTIGA_MESSAGE_MAX], answer[OPTIGA_MESSAGE_MAX];
    uint8_t sctr = (uint8_t)(0x20 | d->protection);
    struct optiga_ccm v;
    size_t got;

    if (!d->presence)
        return desk_message(d, apdu, len, response);
    message[0] = sctr;
    memcpy(message + 1, apdu, len);
    if (d->protection & 1)
        got = desk_message(d, message, seal(d, sctr, ++d->mseq, apdu, len, message), answer);
    else
        got = desk_message(d, message, len + 1, answer);
    if (got == 0)
        return 0;
    assert_int_equal(answer[0], sctr);
    if (!(d->protection & 2)) {
        memcpy(response, answer + 1, got - 1);
        return got - 1;
    }
    assert_int_equal(rs_get_u32(answer + 1), d->sseq + 1);
    v = ccm(d, 0, sctr, ++d->sseq, got - 13);
    assert_true(optiga_ccm_open(&v, rs_bytes_of(answer + 5, got - 5), response));
    return got - 13;
}

/* What the part holds against the last command. */
static int
ask_error(struct desk *d)
{
    static const uint8_t apdu[] = {0x01, 0x00, 0x00, 0x06, 0xF1, 0xC2, 0x00, 0x00, 0x00, 0x01};
    uint8_t response[OPTIGA_APDU_MAX];
    size_t len = desk_apdu(d, apdu, sizeof(apdu), response);

    if (len == 0)
        return DESK_LOST;
    if (len == 4 && response[0] == 0xFF)
        return OPTIGA_E_CLOSED; /* the only reason why this command fails */
    assert_int_equal(len, 5);
    return response[4];
}

int
desk_run(struct desk *d, unsigned cmd, unsigned param, const uint8_t *data, size_t len,
         uint8_t *out, size_t *ret_len)
{
    uint8_t apdu[OPTIGA_APDU_MAX], response[OPTIGA_APDU_MAX];
    size_t got;
    int code;

    apdu[0] = (uint8_t)(cmd | WITH_BIT_7);
    apdu[1] = (uint8_t)param;
    rs_set_u16(apdu + 2, (unsigned)len);
    if (len > 0)
        memcpy(apdu + 4, data, len);
    got = desk_apdu(d, apdu, len + 4, response);
    if (got == 0)
        return DESK_LOST;
    assert_true(got >= 4);
    assert_int_equal(rs_get_u16(response + 2), got - 4);
    if (response[0] != 0) {
        assert_int_equal(response[0], 0xFF);
        assert_int_equal(got, 4);
        code = ask_error(d);
        assert_int_not_equal(code, 0);
        return code;
    }
    if (out != NULL)
        memcpy(out, response + 4, got - 4);
    if (ret_len != NULL)
        *ret_len = got - 4;
    return 0;
}

int
desk_x(struct desk *d, unsigned cmd, unsigned param, const char *data, uint8_t *out,
       size_t *ret_len)
{
    uint8_t bytes[OPTIGA_DATA_MAX];
    size_t len = hex(data, bytes, sizeof(bytes));

    return desk_run(d, cmd, param, bytes, len, out, ret_len);
}

/* ---- Common steps ------------------------------------------------------------------------------------ */

void
desk_open(struct desk *d)
{
    assert_int_equal(desk_x(d, 0x70, 0, "D27600000447656E417574684170706C", NULL, NULL), 0);
}

int
desk_put(struct desk *d, unsigned oid, const uint8_t *p, size_t len)
{
    uint8_t data[OPTIGA_DATA_MAX] = {0};

    rs_set_u16(data, oid);
    memcpy(data + 4, p, len);
    return desk_run(d, 0x02, 0x40, data, len + 4, NULL, NULL);
}

int
desk_meta(struct desk *d, unsigned oid, const char *meta)
{
    uint8_t data[OPTIGA_DATA_MAX] = {0};
    size_t len = hex(meta, data + 4, sizeof(data) - 4);

    rs_set_u16(data, oid);
    return desk_run(d, 0x02, 0x01, data, len + 4, NULL, NULL);
}

size_t
desk_get(struct desk *d, unsigned oid, uint8_t *out)
{
    uint8_t data[2];
    size_t len = 0;

    rs_set_u16(data, oid);
    assert_int_equal(desk_run(d, 0x01, 0x00, data, 2, out, &len), 0);
    return len;
}

void
desk_meta_is(struct desk *d, unsigned oid, const char *meta)
{
    uint8_t data[2], want[64], got[OPTIGA_DATA_MAX];
    size_t len = 0, want_len = hex(meta, want, sizeof(want));

    rs_set_u16(data, oid);
    assert_int_equal(desk_run(d, 0x01, 0x01, data, 2, got, &len), 0);
    assert_int_equal(len, want_len);
    assert_memory_equal(got, want, len);
}

size_t
put_tlv(uint8_t *p, size_t at, unsigned tag, const void *v, size_t len)
{
    p[at] = (uint8_t)tag;
    rs_set_u16(p + at + 1, (unsigned)len);
    if (len > 0)
        memcpy(p + at + 3, v, len);
    return at + 3 + len;
}
