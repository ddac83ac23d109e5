/*
 * harness.c: see harness.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_US   1000
#define POLLS_MAX 20000
#define INF_SIZE  254

/* ---- The part's host ------------------------------------------------------------------- */

static struct sim_fate
on_command(void *self)
{
    struct part *p = self;
    struct sim_fate fate = p->fate;

    p->fate = (struct sim_fate){SIM_FATE_RUN, 0};
    p->commands++;
    return fate;
}

static void
on_stored(void *self)
{
    ((struct part *)self)->stored++;
}

static void
on_random(void *self, uint8_t *out, size_t len)
{
    struct part *p = self;

    for (size_t i = 0; i < len; i++) {
        if (p->random_len > 0) {
            out[i] = p->random[0];
            memmove(p->random, p->random + 1, --p->random_len);
        } else {
            out[i] = p->random_next += 7;
        }
    }
}

void
part_init(struct part *p, const struct sim_model *model)
{
    struct sim_create how = {.unique = {0x8B, 0x26, 0x36, 0x5D, 0xC4, 0x18, 0x00, 0x01}};

    memset(p, 0, sizeof(*p));
    p->model = model;
    p->host = (struct sim_host){p, on_command, on_stored, on_random};
    p->chip = calloc(1, model->state_size);
    assert_non_null(p->chip);
    assert_int_equal(sim_ca_open(NULL, "nxp", &how.ca, NULL), RS_OK);
    assert_int_equal(model->create(p->chip, &p->host, &how, NULL), RS_OK);
    sim_ca_free(how.ca);
    assert_int_equal(p->stored, 0);
}

void
part_ready(struct part *p, const struct sim_model *model)
{
    part_init(p, model);
    assert_int_equal(part_apdu(p, SELECT_IOT), 0x9000);
}

void
part_done(struct part *p)
{
    p->model->done(p->chip);
    free(p->chip);
}

void
part_advance(struct part *p, uint64_t us)
{
    p->now_us += us;
    p->model->set_time(p->chip, p->now_us);
}

void
part_power_cycle(struct part *p)
{
    p->model->set_power(p->chip, 0);
    p->model->set_power(p->chip, 1);
    p->ns = 0;
    p->scp.open = 0;
}

size_t
unhex(const char *hex, uint8_t *bytes, size_t cap)
{
    size_t digits = 0, len = 0, n = strlen(hex);
    char *text = malloc(n + 1);

    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        if (hex[i] != ' ')
            text[digits++] = hex[i];
    if (!rs_hex_read(text, digits, bytes, cap, &len))
        fail_msg("bad hex: %s", hex);
    free(text);
    return len;
}

void
part_random(struct part *p, const char *hex)
{
    p->random_len = unhex(hex, p->random, sizeof(p->random));
}

/* ---- Raw blocks -------------------------------------------------------------------------- */

static int
write_bytes(struct part *p, const uint8_t *bytes, size_t len)
{
    return p->model->i2c_write(p->chip, 0x48, bytes, len);
}

int
part_write(struct part *p, const char *hex)
{
    uint8_t bytes[512];

    return write_bytes(p, bytes, unhex(hex, bytes, sizeof(bytes)));
}

size_t
part_read(struct part *p, uint8_t *bytes, size_t cap)
{
    size_t queued = p->chip->link.fifo_len - p->chip->link.fifo_at;

    assert_true(queued <= cap);
    return p->model->i2c_read(p->chip, 0x48, bytes, queued > 0 ? queued : 1) ? queued : 0;
}

void
part_exchange(struct part *p, const char *out, const char *in)
{
    uint8_t bytes[512], want[512];
    size_t len = unhex(in, want, sizeof(want));

    assert_true(part_write(p, out));
    assert_int_equal(part_read(p, bytes, sizeof(bytes)), len);
    assert_memory_equal(bytes, want, len);
}

/* ---- T=1 as a host speaks it ----------------------------------------------------------------- */

static uint16_t
crc_of(const uint8_t *p, size_t len)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < 8 * len; i++) {
        unsigned bit = ((unsigned)p[i / 8] >> (i % 8) & 1u) ^ (crc & 1u);

        crc = (uint16_t)(crc >> 1 ^ (bit ? 0x8408 : 0));
    }
    return (uint16_t)~crc;
}

static int
send_block(struct part *p, unsigned pcb, const uint8_t *inf, size_t len)
{
    uint8_t block[300] = {0x5A, (uint8_t)pcb, (uint8_t)len};
    uint16_t crc;

    if (len > 0)
        memcpy(block + 3, inf, len);
    crc = crc_of(block, len + 3);
    block[len + 3] = (uint8_t)crc;
    block[len + 4] = (uint8_t)(crc >> 8);
    return write_bytes(p, block, len + 5);
}

int
part_block(struct part *p, unsigned pcb, const char *inf)
{
    uint8_t bytes[300];
    size_t len = unhex(inf, bytes, sizeof(bytes));

    return send_block(p, pcb, bytes, len);
}

/* As the vendor's host: two bytes, the length, the rest; a millisecond between tries. */
static int
read_block(struct part *p, uint8_t block[300])
{
    for (int i = 0; i < POLLS_MAX; i++) {
        if (p->model->i2c_read(p->chip, 0x48, block, 2)) {
            assert_true(p->model->i2c_read(p->chip, 0x48, block + 2, 1));
            assert_true(p->model->i2c_read(p->chip, 0x48, block + 3, block[2] + 2u));
            assert_int_equal(crc_of(block, block[2] + 3u),
                             block[block[2] + 3] | block[block[2] + 4] << 8);
            return 1;
        }
        if (!p->model->get_power(p->chip) || p->chip->stuck)
            return 0;
        part_advance(p, POLL_US);
    }
    return 0;
}

/* The next block that is not a request for time. */
static int
read_past_wtx(struct part *p, uint8_t block[300])
{
    while (read_block(p, block)) {
        if (block[1] != 0xC3)
            return 1;
        p->wtx_seen++;
        assert_true(send_block(p, 0xE3, block + 3, 1));
    }
    return 0;
}

static int
send_command(struct part *p, const uint8_t *apdu, size_t len)
{
    uint8_t block[300];

    for (size_t at = 0; at < len;) {
        size_t n = len - at < INF_SIZE ? len - at : INF_SIZE;
        int more = at + n < len;

        if (!send_block(p, p->ns << 6 | (more ? 0x20u : 0u), apdu + at, n))
            return 0;
        p->ns ^= 1;
        at += n;
        if (!more)
            break;
        if (!read_past_wtx(p, block))
            return 0;
        assert_int_equal(block[1], 0x80 | p->ns << 4);
    }
    return 1;
}

static unsigned
exchange(struct part *p, const uint8_t *apdu, size_t len)
{
    uint8_t block[300];
    unsigned nr = 0;

    p->len = 0;
    if (!send_command(p, apdu, len) || !read_past_wtx(p, block))
        return PART_SILENT;
    for (;;) {
        assert_int_equal(block[1] & 0x9F, 0);
        memcpy(p->answer + p->len, block + 3, block[2]);
        p->len += block[2];
        nr = (block[1] >> 6 & 1u) ^ 1u;
        if (!(block[1] & 0x20))
            break;
        if (!send_block(p, 0x80 | nr << 4, NULL, 0) || !read_past_wtx(p, block))
            return PART_SILENT;
    }
    assert_true(p->len >= 2);
    p->len -= 2;
    return rs_get_u16(p->answer + p->len);
}

unsigned
part_apdu(struct part *p, const char *hex)
{
    uint8_t bytes[2048];

    return exchange(p, bytes, unhex(hex, bytes, sizeof(bytes)));
}

/* Lc as the vendor's host writes it: one byte for less than 255 bytes, else three. */
static size_t
put_command(uint8_t *out, const uint8_t header[4], const uint8_t *data, size_t len)
{
    size_t n = 4;

    memcpy(out, header, 4);
    if (len == 0) {
        out[n++] = 0;
        return n;
    }
    if (len >= 255) {
        out[n++] = 0;
        out[n++] = (uint8_t)(len >> 8);
    }
    out[n++] = (uint8_t)len;
    memcpy(out + n, data, len);
    return n + len;
}

unsigned
part_run_bytes(struct part *p, const char *header, const uint8_t *data, size_t len)
{
    uint8_t head[4], out[2048];
    size_t out_len;
    unsigned sw;

    assert_int_equal(unhex(header, head, sizeof(head)), 4);
    out_len =
        p->scp.open ? host_wrap(&p->scp, head, data, len, out) : put_command(out, head, data, len);
    sw = exchange(p, out, out_len);
    if (p->scp.open && sw == 0x9000)
        assert_true(host_unwrap(&p->scp, p->answer, &p->len, sw));
    return sw;
}

unsigned
part_run(struct part *p, const char *header, const char *data)
{
    uint8_t bytes[2048];

    return part_run_bytes(p, header, bytes, unhex(data, bytes, sizeof(bytes)));
}

void
expect_answer(const struct part *p, const char *hex)
{
    uint8_t want[2048];

    assert_int_equal(unhex(hex, want, sizeof(want)), p->len);
    assert_memory_equal(p->answer, want, p->len);
}

void
expect(struct part *p, const char *header, const char *data, unsigned sw, const char *answer)
{
    unsigned got = part_run(p, header, data);

    if (got != sw)
        fail_msg("%s %s: %04X instead of %04X", header, data, got, sw);
    if (answer != NULL)
        expect_answer(p, answer);
    if (sw != 0x9000)
        assert_int_equal(p->len, 0);
}

void
make_curve(struct part *p, unsigned id)
{
    static const uint8_t params[] = {0x01, 0x02, 0x04, 0x08, 0x10};
    uint8_t data[9 + SE05X_POINT_MAX] = {0x41, 0x01, (uint8_t)id, 0x42, 0x01};

    assert_int_equal(part_run_bytes(p, "80010B04", data, 3), 0x9000);
    for (size_t i = 0; i < sizeof(params); i++) {
        size_t head = 8, len;

        data[5] = params[i];
        data[6] = 0x43;
        len = se05x_curve_param(se05x_curve_find(id), params[i], data + head);
        assert_true(len > 0);
        if (len >= 0x80) {
            memmove(data + head + 1, data + head, len);
            data[7] = 0x81;
            data[8] = (uint8_t)len;
            head++;
        } else {
            data[7] = (uint8_t)len;
        }
        assert_int_equal(part_run_bytes(p, "80010B40", data, head + len), 0x9000);
    }
}

struct rs_bytes
answer_tlv(const struct part *p, unsigned tag)
{
    struct rs_bytes value;
    struct rs_reader r;
    unsigned got;

    rs_reader_init(&r, rs_bytes_of(p->answer, p->len));
    while (r.left > 0) {
        assert_true(se05x_tlv_next(&r, &got, &value));
        if (got == tag)
            return value;
    }
    fail_msg("no tag %02X in the answer", tag);
    return value;
}

/* ---- The host's end of a channel ----------------------------------------------------------------- */

static void
derive(const uint8_t key[16], uint8_t constant, uint8_t bits, struct rs_bytes context,
       uint8_t out[16])
{
    const uint8_t block[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, constant, 0, 0, bits, 1};

    assert_true(se05x_cmac(key, 16, RS_BYTES(block), context, out));
}

void
host_keys(struct host_scp *s, const uint8_t enc[16], const uint8_t mac[16],
          const uint8_t challenges[16], uint8_t card[8], uint8_t host[8])
{
    struct rs_bytes context = rs_bytes_of(challenges, 16);
    uint8_t full[16];

    memset(s, 0, sizeof(*s));
    derive(enc, 0x04, 0x80, context, s->enc);
    derive(mac, 0x06, 0x80, context, s->mac);
    derive(mac, 0x07, 0x80, context, s->rmac);
    derive(s->mac, 0x00, 0x40, context, full);
    memcpy(card, full, 8);
    derive(s->mac, 0x01, 0x40, context, full);
    memcpy(host, full, 8);
}

static void
put_mac(struct host_scp *s, uint8_t *out, size_t len)
{
    uint8_t mac[16];

    assert_true(se05x_cmac(s->mac, 16, RS_BYTES(s->chain), rs_bytes_of(out, len), mac));
    memcpy(s->chain, mac, 16);
    memcpy(out + len, mac, 8);
}

unsigned
part_open_channel(struct part *p, const char *enc, const char *mac)
{
    static const uint8_t challenge[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    uint8_t e[16], m[16], both[16], card[8], host[8];
    uint8_t out[21] = {0x84, 0x82, 0x33, 0x00, 0x10};
    unsigned sw;

    (void)unhex(enc, e, sizeof(e));
    (void)unhex(mac, m, sizeof(m));
    p->scp.open = 0;
    sw = part_run_bytes(p, "80500B00", challenge, sizeof(challenge));
    if (sw != 0x9000)
        return sw;
    assert_int_equal(p->len, 29);
    memcpy(both, challenge, 8);
    memcpy(both + 8, p->answer + 13, 8);
    host_keys(&p->scp, e, m, both, card, host);
    if (memcmp(card, p->answer + 21, 8) != 0)
        return PART_SILENT; /* not the keys of this part */
    host[0] ^= p->bend_cryptogram;
    memcpy(out + 5, host, 8);
    put_mac(&p->scp, out, 13);
    sw = exchange(p, out, sizeof(out));
    p->scp.skip_dataless = p->model == &se050_model;
    p->scp.open = sw == 0x9000;
    return sw;
}

static void
crypt_data(const struct host_scp *s, uint8_t top, int encrypt, uint8_t *data, size_t len)
{
    uint8_t block[16] = {top}, iv[16];

    rs_set_u32(block + 12, s->counter);
    assert_true(se05x_aes_block(s->enc, 16, block, iv));
    assert_true(se05x_aes_cbc(s->enc, 16, iv, encrypt, data, len));
}

size_t
host_wrap(struct host_scp *s, const uint8_t header[4], const uint8_t *data, size_t len,
          uint8_t *out)
{
    uint8_t padded[1200] = {0};
    size_t n = 5, full = 0;

    if (len > 0) {
        memcpy(padded, data, len);
        padded[len] = 0x80;
        full = (len / 16 + 1) * 16;
    }
    if (len > 0 || !s->skip_dataless)
        s->counter++;
    if (full > 0)
        crypt_data(s, 0x00, 1, padded, full);
    memcpy(out, header, 4);
    out[0] |= 0x04;
    if (full + 8 < 255) {
        out[4] = (uint8_t)(full + 8);
    } else {
        out[4] = 0;
        rs_set_u16(out + 5, (unsigned)full + 8);
        n = 7;
    }
    memcpy(out + n, padded, full);
    put_mac(s, out, n + full);
    return n + full + 8;
}

int
host_unwrap(struct host_scp *s, uint8_t *answer, size_t *len, unsigned sw)
{
    uint8_t mac[16], covered[2048];
    size_t n;

    if (*len < 8)
        return 0;
    n = *len - 8;
    memcpy(covered, answer, n);
    rs_set_u16(covered + n, sw);
    assert_true(se05x_cmac(s->rmac, 16, RS_BYTES(s->chain), rs_bytes_of(covered, n + 2), mac));
    if (memcmp(mac, answer + n, 8) != 0)
        return 0;
    if (n > 0) {
        crypt_data(s, 0x80, 0, answer, n);
        while (n > 0 && answer[n - 1] == 0)
            n--;
        assert_true(n > 0 && answer[n - 1] == 0x80);
        n--;
    }
    *len = n;
    return 1;
}

/* ---- Sessions ---------------------------------------------------------------------------------------- */

unsigned
part_create_session(struct part *p, uint32_t auth, uint8_t id[8])
{
    uint8_t data[6] = {0x41, 0x04};
    unsigned sw;

    rs_set_u32(data + 2, auth);
    sw = part_run_bytes(p, "8004001B", data, sizeof(data));
    if (sw == 0x9000) {
        assert_int_equal(p->len, 10);
        memcpy(id, p->answer + 2, 8);
    }
    return sw;
}

unsigned
part_in_session(struct part *p, const uint8_t id[8], const char *apdu)
{
    uint8_t data[1200] = {0x10, 0x08}, inner[1100];
    size_t len = unhex(apdu, inner, sizeof(inner)), n = 10;

    memcpy(data + 2, id, 8);
    data[n++] = 0x41;
    if (len >= 0x100) {
        data[n++] = 0x82;
        data[n++] = (uint8_t)(len >> 8);
    } else if (len >= 0x80) {
        data[n++] = 0x81;
    }
    data[n++] = (uint8_t)len;
    memcpy(data + n, inner, len);
    return part_run_bytes(p, "80050000", data, n + len);
}

void
make_user_id(struct part *p, uint32_t id, unsigned max_attempts)
{
    char data[64];

    (void)snprintf(data, sizeof(data), "1202%04X 4104%08X 4205C001020304", max_attempts, id);
    expect(p, "80410700", data, 0x9000, "");
}

void
open_user_session(struct part *p, uint32_t id, uint8_t session[8])
{
    assert_int_equal(part_create_session(p, id, session), 0x9000);
    assert_int_equal(part_in_session(p, session, "8004002C 07 4105C001020304"), 0x9000);
}
