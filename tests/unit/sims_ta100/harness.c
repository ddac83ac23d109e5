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
part_init(struct part *p)
{
    const struct sim_create how = {.personality = "blank-ta100",
                                   .unique = {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF}};

    memset(p, 0, sizeof(*p));
    sim_holder_init(&p->holder);
    assert_int_equal(ta100_model.create(&p->chip, &p->holder.host, &how, NULL), RS_OK);
    part_advance(p, 5000);
}

void
part_done(struct part *p)
{
    ta100_model.done(&p->chip);
}

void
part_advance(struct part *p, uint64_t us)
{
    p->now_us += us;
    ta100_model.set_time(&p->chip, p->now_us);
}

int
part_write(struct part *p, const uint8_t *bytes, size_t len)
{
    return ta100_model.i2c_write(&p->chip, ta100_model.get_address(&p->chip), bytes, len);
}

int
part_read(struct part *p, uint8_t *bytes, size_t len)
{
    return ta100_model.i2c_read(&p->chip, ta100_model.get_address(&p->chip), bytes, len);
}

/* Table-less, from the highest bit: polynomial 1021, start FFFF. */
static unsigned
crc_of(const uint8_t *p, size_t len)
{
    unsigned crc = 0xFFFF;

    for (size_t i = 0; i < 8 * len; i++) {
        unsigned in = (unsigned)p[i / 8] >> (7 - i % 8) & 1u, top = crc >> 15;

        crc = crc << 1 & 0xFFFFu;
        if (in != top)
            crc ^= 0x1021u;
    }
    return crc;
}

static int
fetch(struct part *p)
{
    static const uint8_t status = 0x30, answer = 0x20;
    uint8_t packet[PACKET_MAX], ready = 0;
    size_t len;

    if (!part_write(p, &status, 1) || !part_read(p, &ready, 1) || ready != 0x01)
        return -1;
    if (!part_write(p, &answer, 1) || !part_read(p, packet, 2))
        return -1;
    len = rs_get_u16(packet);
    assert_in_range(len, 5, 1000);
    assert_true(part_read(p, packet + 2, len - 2));
    assert_int_equal(crc_of(packet, len - 2), rs_get_u16(packet + len - 2));
    p->len = len - 5;
    memcpy(p->data, packet + 3, p->len);
    if (packet[2] != 0)
        assert_int_equal(p->len, 0);
    return packet[2];
}

int
part_send_bytes(struct part *p, const uint8_t *command, size_t len)
{
    uint8_t packet[PACKET_MAX + 8] = {0x10};

    rs_set_u16(packet + 1, (unsigned)len + 4);
    memcpy(packet + 3, command, len);
    rs_set_u16(packet + 3 + len, crc_of(packet + 1, len + 2));
    p->len = 0;
    return part_write(p, packet, len + 5) ? fetch(p) : -1;
}

int
part_send(struct part *p, const char *command)
{
    uint8_t bytes[PACKET_MAX];

    return part_send_bytes(p, bytes, hex_read(command, bytes, sizeof(bytes)));
}

size_t
hex_read(const char *text, uint8_t *bytes, size_t cap)
{
    char digits[2 * PACKET_MAX + 1];
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

void
hex_add(char *text, const uint8_t *p, size_t len)
{
    text += strlen(text);
    for (size_t i = 0; i < len; i++)
        (void)snprintf(text + 2 * i, 3, "%02X", p[i]);
}

void
part_expect(const struct part *p, const char *hex)
{
    uint8_t bytes[PACKET_MAX];
    size_t len = hex_read(hex, bytes, sizeof(bytes));

    assert_int_equal(p->len, len);
    assert_memory_equal(p->data, bytes, len);
}
