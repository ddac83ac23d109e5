/*
 * script.c: see script.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "script.h"

#include <stdio.h>
#include <string.h>

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t
script_bytes(const char *line, uint8_t *out)
{
    size_t n = 0;

    for (const char *p = line + 1; *p != '\0'; p++) {
        if (digit(p[0]) < 0)
            continue;
        out[n++] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
        p++;
    }
    return n;
}

static unsigned
crc(const uint8_t *p, size_t len)
{
    unsigned v = 0;

    for (size_t i = 0; i < len * 8; i++) {
        unsigned bit = ((unsigned)p[i / 8] >> (i % 8) ^ v) & 1u;

        v = v >> 1 ^ bit * 0x8408u;
    }
    return v;
}

/* FCTR and packet at p: length and check sum, in place. */
static size_t
frame_it(uint8_t *p, size_t len)
{
    unsigned v;

    memmove(p + 3, p + 1, len - 1);
    p[1] = (uint8_t)((len - 1) >> 8);
    p[2] = (uint8_t)(len - 1);
    v = crc(p, len + 2);
    p[len + 2] = (uint8_t)(v >> 8);
    p[len + 3] = (uint8_t)v;
    return len + 4;
}

/* What the line means on the wire. */
static size_t
meaning(const char *line, uint8_t *out)
{
    size_t n;

    if (line[0] == 'r')
        return frame_it(out, script_bytes(line, out));
    if (line[0] != 'w')
        return script_bytes(line, out);
    out[0] = 0x80;
    n = script_bytes(line, out + 1);
    return 1 + frame_it(out + 1, n);
}

static void
complain(struct script *s, const uint8_t *p, size_t len)
{
    s->is_wrong = 1;
    (void)fprintf(stderr, "line %zu wants \"%s\", got ", s->at + 1,
                  s->lines[s->at] != NULL ? s->lines[s->at] : "nothing");
    for (size_t i = 0; i < len; i++)
        (void)fprintf(stderr, "%02X ", p[i]);
    (void)fprintf(stderr, "\n");
}

/* The next line is of that kind (either case), and has these bytes if p is given. */
static int
is_next(struct script *s, char kind, const uint8_t *p, size_t len)
{
    uint8_t want[SCRIPT_MAX + 8];
    const char *line = s->lines[s->at];

    if (line != NULL && (line[0] == kind || line[0] == kind + ('a' - 'A')) &&
        (p == NULL || (meaning(line, want) == len && memcmp(want, p, len) == 0))) {
        s->at++;
        return 1;
    }
    return 0;
}

static rot_err
raw_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct script *s = self;

    (void)address;
    if (is_next(s, 'N', NULL, 0))
        return ROT_BUSY;
    if (!is_next(s, 'W', tx, len)) {
        complain(s, tx, len);
        return ROT_E_BUS;
    }
    return ROT_OK;
}

static rot_err
raw_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct script *s = self;
    uint8_t bytes[SCRIPT_MAX + 8];
    const char *line = s->lines[s->at];

    (void)address;
    if (is_next(s, 'N', NULL, 0))
        return ROT_BUSY;
    if (line == NULL || (line[0] != 'R' && line[0] != 'r') || meaning(line, bytes) != len) {
        complain(s, (const uint8_t *)"read", 4);
        return ROT_E_BUS;
    }
    memcpy(rx, bytes, len);
    s->at++;
    return ROT_OK;
}

/* ---- Packets ----------------------------------------------------------------------- */

static void
answer(struct script *s, unsigned number)
{
    size_t n;

    if (s->lines[s->at] == NULL || s->lines[s->at][0] != '<')
        return;
    n = script_bytes(s->lines[s->at++], s->frame + 2);
    s->sent = (s->sent + 1) & 3;
    s->frame[0] = (uint8_t)((unsigned)s->sent << 2 | number);
    s->frame[1] = 0x08;
    s->frame_len = frame_it(s->frame, 2 + n);
}

static rot_err
packet_write(void *self, uint8_t address, const uint8_t *tx, size_t len)
{
    struct script *s = self;

    (void)address;
    s->reg = tx[0];
    if (len == 3 && tx[0] == 0x88)
        s->sent = 3;
    if (tx[0] != 0x80 || len < 8)
        return ROT_OK;
    if (!is_next(s, '>', tx + 5, len - 7)) {
        complain(s, tx + 5, len - 7);
        return ROT_E_BUS;
    }
    answer(s, tx[1] >> 2 & 3u);
    return ROT_OK;
}

static rot_err
packet_read(void *self, uint8_t address, uint8_t *rx, size_t len)
{
    struct script *s = self;
    const uint8_t state[4] = {s->frame_len != 0 ? 0x48 : 0x08, 0x80, (uint8_t)(s->frame_len >> 8),
                              (uint8_t)s->frame_len};

    (void)address;
    memset(rx, 0xff, len);
    if (s->reg == 0x82 && len == 4)
        memcpy(rx, state, 4);
    else if (s->reg == 0x81 && len == 2)
        memcpy(rx, "\x01\x15", 2);
    else if (s->reg == 0x84 && len == 4)
        memcpy(rx, "\0\0\x01\x90", 4);
    if (s->reg != 0x80)
        return ROT_OK;
    memcpy(rx, s->frame, len < s->frame_len ? len : s->frame_len);
    s->frame_len = 0;
    return ROT_OK;
}

static void
no_delay(void *self, uint32_t us)
{
    (void)self;
    (void)us;
}

static const struct rot_line_ops line_ops = {.delay_us = no_delay};
static const struct rot_i2c_ops raw_ops = {.write = raw_write, .read = raw_read};
static const struct rot_i2c_ops packet_ops = {.write = packet_write, .read = packet_read};

static void
begin(struct script *s, const char *const *lines, const struct rot_i2c_ops *ops)
{
    memset(s, 0, sizeof(*s));
    s->lines = lines;
    s->sent = 3;
    s->transport = (struct rot_transport){.self = s, .line = &line_ops, .i2c = ops};
}

void
script_raw(struct script *s, const char *const *lines)
{
    begin(s, lines, &raw_ops);
}

void
script_packets(struct script *s, const char *const *lines)
{
    begin(s, lines, &packet_ops);
}

int
script_is_done(const struct script *s)
{
    return !s->is_wrong && s->lines[s->at] == NULL;
}
