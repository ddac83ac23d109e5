/*
 * harness.c: see harness.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"

void
part_init(struct part *p, const char *personality)
{
    struct sim_create how = {.personality = personality,
                             .unique = {0x21, 0xE0, 0x21, 0xC4, 0xE1, 0xD0, 0x01, 0x39}};

    memset(p, 0, sizeof(*p));
    p->model = strcmp(personality, "blank-a120") == 0   ? &stsafe_a120_model
               : strcmp(personality, "blank-a100") == 0 ? &stsafe_a100_model
                                                        : &stsafe_a110_model;
    sim_holder_init(&p->holder);
    assert_int_equal(sim_ca_open(NULL, "st", &p->ca, NULL), RS_OK);
    how.ca = p->ca;
    assert_int_equal(p->model->create(&p->chip, &p->holder.host, &how, NULL), RS_OK);
    part_advance(p, 10000);
}

void
part_done(struct part *p)
{
    p->model->done(&p->chip);
    sim_ca_free(p->ca);
}

void
part_advance(struct part *p, uint64_t us)
{
    p->now_us += us;
    p->model->set_time(&p->chip, p->now_us);
}

int
part_write(struct part *p, const uint8_t *bytes, size_t len)
{
    return p->model->i2c_write(&p->chip, p->model->get_address(&p->chip), bytes, len);
}

int
part_read(struct part *p, uint8_t *bytes, size_t len)
{
    return p->model->i2c_read(&p->chip, p->model->get_address(&p->chip), bytes, len);
}

/* Bit by bit from the highest of a reflected byte: another way than the simulator's. */
uint16_t
crc_x25(const uint8_t *p, size_t len)
{
    unsigned crc = 0xFFFF, out = 0;

    for (size_t i = 0; i < 8 * len; i++) {
        unsigned in = (unsigned)p[i / 8] >> (i % 8) & 1u, top = crc >> 15;

        crc = crc << 1 & 0xFFFFu;
        if (in != top)
            crc ^= 0x1021u;
    }
    for (unsigned i = 0; i < 16; i++)
        out |= (crc >> i & 1u) << (15 - i);
    return (uint16_t)(out ^ 0xFFFFu);
}

/* Five bytes, then all of it: as ST's host reads. */
static int
fetch(struct part *p, uint8_t *frame, size_t *ret_body)
{
    uint8_t covered[FRAME_MAX];
    size_t len;

    if (!part_read(p, frame, 5))
        return -1;
    len = rs_get_u16(frame + 1);
    assert_in_range(len, 2, FRAME_MAX - 3);
    if (len > 2 && !part_read(p, frame, 3 + len))
        return -1;
    covered[0] = frame[0];
    memcpy(covered + 1, frame + 3, len - 2);
    assert_int_equal(crc_x25(covered, len - 1), rs_get_u16(frame + 1 + len));
    *ret_body = len - 2;
    p->header = frame[0];
    return frame[0] & 0x1F;
}

static int
exchange(struct part *p, const uint8_t *command, size_t len, uint8_t *frame, size_t *ret_body)
{
    uint8_t sent[FRAME_MAX];

    memcpy(sent, command, len);
    rs_set_u16(sent + len, crc_x25(sent, len));
    p->len = 0;
    return part_write(p, sent, len + 2) ? fetch(p, frame, ret_body) : -1;
}

int
part_send(struct part *p, const uint8_t *command, size_t len)
{
    uint8_t frame[FRAME_MAX];
    int status = exchange(p, command, len, frame, &p->len);

    if (status >= 0)
        memcpy(p->payload, frame + 3, p->len);
    return status;
}

size_t
hex_read(const char *text, uint8_t *bytes, size_t cap)
{
    char digits[2 * FRAME_MAX + 1];
    size_t n = 0, len = 0;

    for (; *text != '\0'; text++) {
        assert_true(n < sizeof(digits));
        if (*text != ' ')
            digits[n++] = *text;
    }
    if (!rs_hex_read(digits, n, bytes, cap, &len))
        fail_msg("bad hex: %s", digits);
    return len;
}

int
part_send_hex(struct part *p, const char *command)
{
    uint8_t bytes[FRAME_MAX];

    return part_send(p, bytes, hex_read(command, bytes, sizeof(bytes)));
}

void
part_expect(const struct part *p, const char *hex)
{
    uint8_t bytes[FRAME_MAX];
    size_t len = hex_read(hex, bytes, sizeof(bytes));

    assert_int_equal(p->len, len);
    assert_memory_equal(p->payload, bytes, len);
}

/* ---- The host's side of the channel ------------------------------------------------------- */

void
channel_init(struct channel *ch, struct part *p)
{
    struct stsafe_host_key *key = &p->chip.nvm.host;

    memset(ch, 0, sizeof(*ch));
    ch->key_len = 16;
    ch->counter = 5;
    ch->counter_size = p->chip.spec->kind == STSAFE_A120 ? 4 : 3;
    (void)hex_read("00112233445566778899AABBCCDDEEFF", ch->mac, 16);
    (void)hex_read("0123456789ABCDEF0123456789ABCDEF", ch->cipher, 16);
    *key = (struct stsafe_host_key){.len = 16, .type = 0, .counter = 5};
    memcpy(key->mac, ch->mac, 16);
    memcpy(key->cipher, ch->cipher, 16);
}

static size_t
put_counter(const struct channel *ch, uint32_t counter, uint8_t *p)
{
    for (size_t i = 0; i < ch->counter_size; i++)
        p[i] = (uint8_t)(counter >> (8 * (ch->counter_size - 1 - i)));
    return ch->counter_size;
}

/* The first block, as the vectors have it, and the byte before the command's header. */
static size_t
put_start(const struct channel *ch, uint32_t counter, uint8_t purpose, uint8_t mark, uint8_t *p)
{
    size_t at;

    memset(p, 0, 16);
    at = put_counter(ch, counter, p);
    p[at] = purpose;
    p[at + 1] = 0x80;
    p[16] = mark;
    return 17;
}

static size_t
put_headers(unsigned code, uint8_t *p)
{
    if (code > 0xFF) {
        p[0] = 0xFF;
        p[1] = (uint8_t)code;
        return 2;
    }
    p[0] = (uint8_t)(code | 0xE0);
    return 1;
}

static void
take_mac(const struct channel *ch, const uint8_t *p, size_t len, uint8_t mac[4])
{
    uint8_t full[16];

    assert_true(sim_aes_cmac((struct sim_aes){ch->mac, ch->key_len}, rs_bytes_of(p, len), full));
    memcpy(mac, full, 4);
}

static void
make_iv(const struct channel *ch, uint32_t counter, uint8_t direction, uint8_t iv[16])
{
    uint8_t block[16] = {0};
    size_t at = put_counter(ch, counter, block);

    block[at] = direction;
    block[at + 1] = 0x80;
    assert_true(
        sim_aes_ecb((struct sim_aes){ch->cipher, ch->key_len}, 1, rs_bytes_of(block, 16), iv));
}

static size_t
encrypt(const struct channel *ch, const uint8_t *payload, size_t len, uint8_t *out)
{
    uint8_t padded[FRAME_MAX] = {0}, iv[16];
    size_t padded_len = (len / 16 + 1) * 16;

    if (len > 0)
        memcpy(padded, payload, len);
    padded[len] = 0x80;
    make_iv(ch, ch->counter + 1, 0x80, iv);
    assert_true(sim_aes_cbc((struct sim_aes){ch->cipher, ch->key_len}, 1, iv,
                            rs_bytes_of(padded, padded_len), out));
    return padded_len;
}

size_t
channel_build(const struct channel *ch, unsigned code, const uint8_t *payload, size_t len,
              uint8_t *frame)
{
    uint8_t m[2 * FRAME_MAX];
    size_t head = put_headers(code, frame), n = put_start(ch, ch->counter, 0x00, 0x00, m);

    if (ch->encrypt_command)
        len = encrypt(ch, payload, len, frame + head);
    else if (len > 0)
        memcpy(frame + head, payload, len);
    n += put_headers(code, m + n);
    rs_set_u16(m + n, (unsigned)len);
    memcpy(m + n + 2, frame + head, len);
    take_mac(ch, m, n + 2 + len, frame + head + len);
    return head + len + 4;
}

/* command: as sent, with its C-MAC. */
static void
check_rmac(const struct channel *ch, const uint8_t *command, size_t command_len, unsigned code,
           const uint8_t *answer, size_t body)
{
    uint8_t m[3 * FRAME_MAX], mac[4], header[2];
    size_t head = put_headers(code, header), n = put_start(ch, ch->counter + 1, 0x40, 0x80, m);
    size_t payload = command_len - head - 4;

    memcpy(m + n, command, head);
    rs_set_u16(m + n + head, (unsigned)payload);
    memcpy(m + n + head + 2, command + head, payload);
    n += head + 2 + payload;
    m[n] = answer[0];
    rs_set_u16(m + n + 1, (unsigned)(body - 4));
    memcpy(m + n + 3, answer + 3, body - 4);
    take_mac(ch, m, n + 3 + body - 4, mac);
    assert_memory_equal(mac, answer + 3 + body - 4, 4);
}

static void
decrypt_answer(const struct channel *ch, struct part *p)
{
    uint8_t iv[16];

    assert_int_equal(p->len % 16, 0);
    make_iv(ch, ch->counter + 1, 0xC0, iv);
    assert_true(sim_aes_cbc((struct sim_aes){ch->cipher, ch->key_len}, 0, iv,
                            rs_bytes_of(p->payload, p->len), p->payload));
    while (p->len > 0 && p->payload[p->len - 1] == 0)
        p->len--;
    assert_int_equal(p->payload[--p->len], 0x80);
}

int
channel_send(struct channel *ch, struct part *p, unsigned code, const uint8_t *payload, size_t len)
{
    uint8_t command[FRAME_MAX], frame[FRAME_MAX];
    size_t command_len = channel_build(ch, code, payload, len, command), body = 0;
    int status = exchange(p, command, command_len, frame, &body);

    if (status < 0 || status == 0x01 || status == 0x16)
        return status;
    if (status == 0) {
        assert_true(body >= 4);
        check_rmac(ch, command, command_len, code, frame, body);
        p->len = body - 4;
        memcpy(p->payload, frame + 3, p->len);
        if (ch->encrypt_answer)
            decrypt_answer(ch, p);
    }
    ch->counter++;
    return status;
}

int
channel_send_hex(struct channel *ch, struct part *p, unsigned code, const char *payload)
{
    uint8_t bytes[FRAME_MAX];

    return channel_send(ch, p, code, bytes, hex_read(payload, bytes, sizeof(bytes)));
}

void
expect_refusals(struct part *p, const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int status = part_send_hex(p, cases[i].command);

        if (status != cases[i].status)
            fail_msg("%s: status %02x, not %02x", cases[i].command, (unsigned)status,
                     (unsigned)cases[i].status);
        assert_int_equal(p->len, 0);
    }
}

void
take_point(const uint8_t *payload, size_t size, uint8_t *xy)
{
    assert_int_equal(payload[0], 0x04);
    assert_int_equal(rs_get_u16(payload + 1), size);
    memcpy(xy, payload + 3, size);
    assert_int_equal(rs_get_u16(payload + 3 + size), size);
    memcpy(xy + size, payload + 5 + size, size);
}

void
put_hex(char *text, const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(text + 2 * i, 3, "%02X", p[i]);
}
