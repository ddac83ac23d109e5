/*
 * wire.c: see wire.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/shim/wire.h"

#include <errno.h>
#include <string.h>

#define VERSION     2
#define REQUEST_MAX 16384
#define SPI_HZ_MIN  10000u
#define SPI_HZ_MAX  50000000u
#define DELAY_MAX   60000000u
#define NAME_BYTES  63

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_shim_answer
#define SLACK 1u
#else
#define SLACK 0u
#endif

enum op {
    OP_HELLO = 0x01,
    OP_OPEN = 0x02,
    OP_POWER = 0x14,
    OP_DELAY = 0x15,
    OP_TRANSFER = 0x17,
    OP_SPI = 0x18,
    OP_CLOCK = 0x19,
};

enum status {
    STATUS_OK = 0,
    STATUS_NACK = 1,
    STATUS_MISSING = 5,
    STATUS_REFUSED = 6,
};

/* A request in the making: room for the length comes first. */
struct frame {
    size_t len;
    uint8_t bytes[2 + REQUEST_MAX];
};

static void
frame_begin(struct frame *f, enum op op)
{
    f->bytes[2] = (uint8_t)op;
    f->len = 3;
}

/* 0 when it does not fit. */
static int
frame_put(struct frame *f, const void *p, size_t len)
{
    if (len > sizeof(f->bytes) - f->len)
        return 0;
    if (len != 0)
        memcpy(f->bytes + f->len, p, len);
    f->len += len;
    return 1;
}

static int
frame_put_u32(struct frame *f, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

    return frame_put(f, b, sizeof(b));
}

static int
broken(struct wire *w, int rc)
{
    w->broken = 1;
    return rc;
}

/* What the status of an answer is to a driver. */
static int
errno_of(unsigned status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_NACK:
        return -ENXIO;
    case STATUS_MISSING:
        return -ENODEV;
    case STATUS_REFUSED:
        return -EOPNOTSUPP;
    default:
        return -EIO;
    }
}

/* The body of an answer that is not wanted. */
static int
discard(struct wire *w, size_t len)
{
    uint8_t scrap[256];
    int rc = 0;

    while (rc == 0 && len > 0) {
        size_t piece = len <= sizeof(scrap) + SLACK ? len : sizeof(scrap);

        rc = w->receive(w->self, scrap, piece);
        len -= piece;
    }
    return rc;
}

/* The head of an answer: its status, and how much follows. */
static int
receive_head(struct wire *w, enum op op, unsigned *ret_status, size_t *ret_len)
{
    uint8_t head[4];
    int rc = w->receive(w->self, head, sizeof(head));
    size_t len;

    if (rc != 0)
        return broken(w, rc);
    len = (size_t)head[0] << 8 | head[1];
    if (len < 2 || head[2] != op)
        return broken(w, -EIO);
    *ret_status = head[3];
    *ret_len = len - 2;
    return 0;
}

/*
 * Send, and take the answer's status.  A good answer has exactly want bytes,
 * which are left for the caller to receive; or any number, discarded, when
 * want is ANY.
 */
#define ANY ((size_t)-1)

static int
ask(struct wire *w, struct frame *f, size_t want)
{
    size_t len = f->len - 2, body = 0;
    unsigned status = 0;
    int rc;

    if (w->broken)
        return -EIO;
    f->bytes[0] = (uint8_t)(len >> 8);
    f->bytes[1] = (uint8_t)len;
    rc = w->send(w->self, f->bytes, f->len);
    if (rc != 0)
        return broken(w, rc);
    rc = receive_head(w, (enum op)f->bytes[2], &status, &body);
    if (rc != 0)
        return rc;
    if (status == STATUS_OK && want != ANY)
        return body == want ? 0 : broken(w, -EIO);
    rc = discard(w, body);
    return rc != 0 ? broken(w, rc) : errno_of(status);
}

static int
receive(struct wire *w, uint8_t *p, size_t len)
{
    int rc = len == 0 ? 0 : w->receive(w->self, p, len);

    return rc == 0 ? 0 : broken(w, rc);
}

/* ---- Operations -------------------------------------------------------------------- */

int
wire_begin(struct wire *w, const char *name)
{
    static const uint8_t hello[] = {'R', 'O', 'T', 'S', 'I', 'M', VERSION}, own = 1;
    struct frame f;
    int rc;

    w->broken = 0;
    frame_begin(&f, OP_HELLO);
    if (strlen(name) > NAME_BYTES || !frame_put(&f, hello, sizeof(hello)))
        return -ENAMETOOLONG;
    rc = ask(w, &f, ANY);
    if (rc != 0)
        return rc;
    frame_begin(&f, OP_OPEN);
    (void)frame_put(&f, name, strlen(name));
    rc = ask(w, &f, ANY);
    if (rc != 0)
        return rc;
    frame_begin(&f, OP_CLOCK);
    (void)frame_put(&f, &own, 1);
    return ask(w, &f, 0);
}

static int
put_message(struct frame *f, const struct wire_message *m, size_t *want)
{
    uint8_t head[4] = {m->address, m->is_read ? 1 : 0, (uint8_t)(m->len >> 8), (uint8_t)m->len};

    if (m->len > WIRE_MESSAGE_MAX || (m->is_read && m->len == 0) || m->address > 0x7F)
        return 0;
    if (m->is_read)
        *want += m->len;
    return frame_put(f, head, sizeof(head)) && (m->is_read || frame_put(f, m->p, m->len));
}

int
wire_transfer(struct wire *w, const struct wire_message *messages, size_t count)
{
    uint8_t count_byte = (uint8_t)count;
    struct frame f;
    size_t want = 0;
    int rc;

    if (count == 0 || count > WIRE_MESSAGES_MAX)
        return -EINVAL;
    frame_begin(&f, OP_TRANSFER);
    (void)frame_put(&f, &count_byte, 1);
    for (size_t i = 0; i < count; i++)
        if (!put_message(&f, &messages[i], &want))
            return -EOPNOTSUPP;
    rc = ask(w, &f, want);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (messages[i].is_read)
            rc = receive(w, messages[i].p, messages[i].len);
    return rc;
}

int
wire_spi(struct wire *w, uint32_t speed_hz, const uint8_t *tx, uint8_t *rx, size_t len, int keep)
{
    uint8_t flags = keep ? 1 : 0;
    struct frame f;
    int rc;

    if (len > WIRE_SPI_MAX)
        return -EMSGSIZE;
    if (speed_hz < SPI_HZ_MIN)
        speed_hz = SPI_HZ_MIN;
    if (speed_hz > SPI_HZ_MAX)
        speed_hz = SPI_HZ_MAX;
    frame_begin(&f, OP_SPI);
    (void)frame_put_u32(&f, speed_hz);
    (void)frame_put(&f, &flags, 1);
    (void)frame_put(&f, tx, len);
    rc = ask(w, &f, len);
    return rc == 0 ? receive(w, rx, len) : rc;
}

int
wire_delay(struct wire *w, uint32_t us)
{
    struct frame f;

    frame_begin(&f, OP_DELAY);
    (void)frame_put_u32(&f, us < DELAY_MAX ? us : DELAY_MAX);
    return ask(w, &f, 0);
}

int
wire_power(struct wire *w, int on)
{
    uint8_t body = on ? 1 : 0;
    struct frame f;

    frame_begin(&f, OP_POWER);
    (void)frame_put(&f, &body, 1);
    return ask(w, &f, 0);
}
