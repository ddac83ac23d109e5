/*
 * bus.c: see bus.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus.h"

#include <string.h>

#define BITS_MAX  4
#define EXTRA_MAX 16

const char *const bus_kind_names[BUS_KINDS] = {"flip", "drop",  "nack",  "stuck", "again",
                                               "old",  "extra", "short", "flat"};

/* ---- What happened before ------------------------------------------------------------ */

static void
remember(struct bus_past *past, const uint8_t *p, size_t len)
{
    unsigned n = past->count++ % BUS_PAST;

    past->entries[n].len = (uint16_t)len;
    memcpy(past->entries[n].bytes, p, len);
}

static unsigned
past_size(const struct bus_past *past)
{
    return past->count < BUS_PAST ? past->count : BUS_PAST;
}

/* An earlier one, of that length if there is one; -1: there is none at all. */
static int
choose(const struct bus_past *past, size_t len, struct chance *c)
{
    unsigned size = past_size(past), first = chance_below(c, size);

    for (unsigned i = 0; i < size && len != 0; i++) {
        unsigned n = (first + i) % size;
        if (past->entries[n].len == len)
            return (int)n;
    }
    return size == 0 ? -1 : (int)first;
}

/* ---- Faults ------------------------------------------------------------------------------ */

enum direction { WRITE, READ, WAKE };

static int
fits(enum bus_kind kind, enum direction direction, size_t len)
{
    switch (kind) {
    case BUS_FLIP:
    case BUS_SHORT:
        return direction != WAKE && len > 0;
    case BUS_EXTRA:
        return direction != WAKE;
    case BUS_AGAIN:
        return direction == WRITE;
    case BUS_OLD:
    case BUS_FLAT:
        return direction == READ;
    case BUS_DROP:
    case BUS_NACK:
    case BUS_STUCK:
    case BUS_KINDS:
    default:
        return 1;
    }
}

/* The fault of this transaction, or NULL; its chances in *ret_chance. */
static const struct bus_strike *
strike(struct bus *b, enum direction direction, size_t len, struct chance *ret_chance)
{
    if (b->gate != NULL)
        b->gate(b);
    b->at++;
    for (size_t i = 0; i < b->fault_count; i++) {
        struct bus_strike *s = &b->faults[i];
        if (b->at <= s->f.at || !fits(s->f.kind, direction, len) ||
            (s->f.kind != BUS_STUCK && s->done >= s->f.count))
            continue;
        *ret_chance = chance_of(s->f.seed, bus_kind_names[s->f.kind], s->done++);
        return s;
    }
    return NULL;
}

static void
flip(struct chance *c, uint8_t *p, size_t len)
{
    for (unsigned n = 1 + chance_below(c, BITS_MAX); n > 0; n--) {
        unsigned bit = chance_below(c, (unsigned)len * 8);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* ---- Writes -------------------------------------------------------------------------------- */

static int
deliver(struct bus *b, uint8_t address, const uint8_t *p, size_t len, const char *why)
{
    int ack = far_write(b->chip, b->speed_hz, address, p, len);

    if (b->trace != NULL) {
        (void)fprintf(b->trace, "%u %s W %02x %s ", b->at, b->name, address, ack ? "ack" : "nack");
        for (size_t i = 0; i < len; i++)
            (void)fprintf(b->trace, "%02x", p[i]);
        (void)fprintf(b->trace, "%s%s\n", why[0] != '\0' ? " " : "", why);
    }
    return ack;
}

static int
deliver_past(struct bus *b, uint8_t address, struct chance *c)
{
    int n = choose(&b->writes, 0, c);

    return n >= 0 &&
           deliver(b, address, b->writes.entries[n].bytes, b->writes.entries[n].len, "again");
}

static int
write_again(struct bus *b, uint8_t address, const uint8_t *p, size_t len, struct chance *c)
{
    unsigned how = chance_below(c, 3);
    int ack = 0;

    if (how != 0)
        ack = deliver_past(b, address, c);
    if (how != 1)
        ack = deliver(b, address, p, len, "");
    if (how == 0)
        (void)deliver_past(b, address, c);
    return ack;
}

static rot_err
bus_write(void *self, uint8_t address, const uint8_t *tx, size_t tx_len)
{
    struct bus *b = self;
    uint8_t bytes[BUS_BYTES_MAX + EXTRA_MAX];
    size_t len = tx_len;
    struct chance c;
    const struct bus_strike *s = strike(b, WRITE, tx_len, &c);
    int ack;

    if (tx_len > BUS_BYTES_MAX)
        return ROT_E_BUS;
    if (tx_len > 0)
        memcpy(bytes, tx, tx_len);
    switch (s != NULL ? s->f.kind : BUS_KINDS) {
    case BUS_FLIP:
        flip(&c, bytes, len);
        break;
    case BUS_EXTRA:
        len += 1 + chance_below(&c, EXTRA_MAX);
        chance_fill(&c, bytes + tx_len, len - tx_len);
        len = len > BUS_BYTES_MAX ? BUS_BYTES_MAX : len;
        break;
    case BUS_SHORT:
        len = chance_below(&c, (unsigned)len);
        break;
    case BUS_DROP:
        remember(&b->writes, tx, tx_len);
        return ROT_OK;
    case BUS_NACK:
    case BUS_STUCK:
        return ROT_BUSY;
    case BUS_AGAIN:
        ack = write_again(b, address, bytes, len, &c);
        remember(&b->writes, bytes, len);
        return ack ? ROT_OK : ROT_BUSY;
    case BUS_OLD:
    case BUS_FLAT:
    case BUS_KINDS:
    default:
        break;
    }
    ack = deliver(b, address, bytes, len, s != NULL ? bus_kind_names[s->f.kind] : "");
    remember(&b->writes, bytes, tx_len);
    return ack ? ROT_OK : ROT_BUSY;
}

/* ---- Reads ------------------------------------------------------------------------------------ */

static int
fetch(struct bus *b, uint8_t address, uint8_t *p, size_t len)
{
    int ack = far_read(b->chip, b->speed_hz, address, p, len);

    if (b->trace != NULL) {
        (void)fprintf(b->trace, "%u %s R %02x %s ", b->at, b->name, address, ack ? "ack" : "nack");
        for (size_t i = 0; ack && i < len; i++)
            (void)fprintf(b->trace, "%02x", p[i]);
        (void)fprintf(b->trace, "\n");
    }
    if (ack)
        remember(&b->reads, p, len);
    return ack;
}

/* The master gets an answer of before, and the part may have given its own to nobody. */
static rot_err
read_old(struct bus *b, uint8_t address, uint8_t *rx, size_t len, const struct bus_strike *s,
         struct chance *c)
{
    uint8_t lost[BUS_BYTES_MAX];
    /* Several in a row follow each other as they did then. */
    struct chance first = chance_of(s->f.seed, bus_kind_names[s->f.kind], 0);
    int n = choose(&b->reads, len, &first);

    if (n < 0)
        return fetch(b, address, rx, len) ? ROT_OK : ROT_BUSY;
    n = (int)(((unsigned)n + s->done - 1) % past_size(&b->reads));
    memset(rx, 0xff, len);
    memcpy(rx, b->reads.entries[n].bytes,
           b->reads.entries[n].len < len ? b->reads.entries[n].len : len);
    if (chance_percent(c, 50))
        (void)far_read(b->chip, b->speed_hz, address, lost, len);
    return ROT_OK;
}

static rot_err
read_disturbed(struct bus *b, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct chance c;
    const struct bus_strike *s = strike(b, READ, rx_len, &c);
    size_t n;
    int ack;

    if (rx_len > BUS_BYTES_MAX)
        return ROT_E_BUS;
    switch (s != NULL ? s->f.kind : BUS_KINDS) {
    case BUS_FLIP:
        ack = fetch(b, address, rx, rx_len);
        if (ack)
            flip(&c, rx, rx_len);
        return ack ? ROT_OK : ROT_BUSY;
    case BUS_EXTRA: /* a byte that nobody sent comes first */
        ack = fetch(b, address, rx, rx_len);
        n = 1 + chance_below(&c, 3);
        n = n < rx_len ? n : rx_len;
        memmove(rx + n, rx, rx_len - n);
        chance_fill(&c, rx, n);
        return ack ? ROT_OK : ROT_BUSY;
    case BUS_SHORT:
        n = chance_below(&c, (unsigned)rx_len);
        ack = n == 0 || fetch(b, address, rx, n);
        memset(rx + n, 0xff, rx_len - n);
        return ack ? ROT_OK : ROT_BUSY;
    case BUS_DROP:
        (void)fetch(b, address, rx, rx_len);
        return ROT_BUSY;
    case BUS_NACK:
    case BUS_STUCK:
        return ROT_BUSY;
    case BUS_OLD:
        return read_old(b, address, rx, rx_len, s, &c);
    case BUS_FLAT:
        memset(rx, s->f.seed & 1 ? 0xff : 0, rx_len);
        return ROT_OK;
    case BUS_AGAIN:
    case BUS_KINDS:
    default:
        return fetch(b, address, rx, rx_len) ? ROT_OK : ROT_BUSY;
    }
}

static rot_err
bus_read(void *self, uint8_t address, uint8_t *rx, size_t rx_len)
{
    struct bus *b = self;
    rot_err rc = read_disturbed(b, address, rx, rx_len);

    if (rc == ROT_OK && !b->is_closing)
        b->heard++;
    return rc;
}

/* ---- The rest ------------------------------------------------------------------------------------ */

static rot_err
bus_wake(void *self, uint32_t low_us)
{
    struct bus *b = self;
    struct chance c;

    if (strike(b, WAKE, 0, &c) == NULL)
        far_wake(b->chip, low_us);
    return ROT_OK;
}

static rot_err
bus_speed(void *self, uint32_t speed_hz)
{
    ((struct bus *)self)->speed_hz = speed_hz;
    return ROT_OK;
}

static void
bus_delay(void *self, uint32_t us)
{
    far_delay(((struct bus *)self)->chip, us);
}

void
bus_init(struct bus *b, const char *name)
{
    static const struct rot_line_ops line = {.delay_us = bus_delay};
    static const struct rot_i2c_ops i2c = {
        .write = bus_write, .read = bus_read, .wake = bus_wake, .set_speed = bus_speed};

    memset(b, 0, sizeof(*b));
    b->transport = (struct rot_transport){.self = b, .line = &line, .i2c = &i2c};
    b->speed_hz = 100000;
    b->name = name;
}

void
bus_begin(struct bus *b, const struct bus_fault *faults, size_t count)
{
    b->at = 0;
    b->known = NULL;
    b->is_closing = 0;
    b->heard = 0;
    b->fault_count = count < BUS_FAULTS_MAX ? count : BUS_FAULTS_MAX;
    for (size_t i = 0; i < b->fault_count; i++) {
        b->faults[i].f = faults[i];
        b->faults[i].done = 0;
    }
}

void
bus_forget(struct bus *b)
{
    b->writes.count = b->reads.count = 0;
}

unsigned
bus_hits(const struct bus *b)
{
    unsigned hits = 0;

    for (size_t i = 0; i < b->fault_count; i++)
        hits += b->faults[i].done > 0;
    return hits;
}
