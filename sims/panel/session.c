/*
 * session.c: see session.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/panel/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum status {
    STATUS_OK = 0,
    STATUS_NACK = 1,
    STATUS_VERSION = 2,
    STATUS_FORMAT = 3,
    STATUS_STATE = 4,
    STATUS_MISSING = 5,
    STATUS_REFUSED = 6,
    STATUS_FAULT = 7,
};

enum op {
    OP_HELLO = 0x01,
    OP_OPEN = 0x02,
    OP_WRITE = 0x10,
    OP_READ = 0x11,
    OP_WAKE = 0x12,
    OP_SPEED = 0x13,
    OP_POWER = 0x14,
    OP_DELAY = 0x15,
    OP_ADDRESS = 0x16,
    OP_TRANSFER = 0x17,
    OP_SPI = 0x18,
    OP_CLOCK = 0x19,
    OP_CONTROL = 0x20,
};

#define SPEED_START 100000u
#define SPEED_MIN   10000u
#define SPEED_MAX   1000000u
#define SPI_HZ_MAX  50000000u
#define DELAY_MAX   60000000u
#define IS_READ     1u  /* flag of a message of TRANSFER */
#define KEEP        1u  /* flag of SPI */
#define MESSAGES    42u /* of one TRANSFER: as many as Linux takes */
#define NAME_TEXT   "rot-sim 0.1.0"

/* What an off-by-some, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_sim_request
#define SLACK 200u
#else
#define SLACK 0u
#endif

void
sim_session_init(struct sim_session *s, struct sim_panel *panel, const char *socket)
{
    memset(s, 0, sizeof(*s));
    s->panel = panel;
    s->socket = socket;
    s->speed_hz = SPEED_START;
}

/* The text of an error goes out as the body. */
static enum status
say(struct rs_buf *body, enum status status, const char *text)
{
    rs_buf_put_str(body, text);
    return status;
}

static enum status
say_err(struct rs_buf *body, const struct rs_err *err)
{
    enum rs_kind kind = rs_code_info(err->code)->kind;

    if (err->code == RS_E_CHIP_ABSENT)
        return say(body, STATUS_MISSING, err->text);
    if (kind == RS_KIND_FORMAT)
        return say(body, STATUS_FORMAT, err->text);
    return say(body, kind == RS_KIND_USAGE ? STATUS_REFUSED : STATUS_FAULT, err->text);
}

/* ---- One function an operation: body in, body out, status back ------------------------ */

static enum status
on_hello(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    struct rs_bytes magic = rs_read_bytes(r, 6);
    unsigned version = rs_read_u8(r);

    if (!rs_reader_done(r) || !rs_bytes_equal(magic, rs_bytes_str("ROTSIM")))
        return say(body, STATUS_FORMAT, "HELLO: \"ROTSIM\" and a version byte");
    if (version == 0 || version > SIM_VERSION) {
        rs_buf_put_u8(body, SIM_VERSION);
        return STATUS_VERSION;
    }
    s->version = version;
    rs_buf_put_u8(body, version);
    rs_buf_put_u8(body, sim_panel_real_time(s->panel) ? 1 : 0);
    rs_buf_put_str(body, NAME_TEXT);
    return STATUS_OK;
}

/* "bus/" followed by "*": the bus alone. */
static enum status
open_bus(struct sim_session *s, char *name, struct rs_buf *body)
{
    name[strlen(name) - 2] = '\0';
    s->bus = sim_panel_find_bus(s->panel, name);
    if (s->bus == NULL)
        return say(body, STATUS_MISSING, "OPEN: no such bus");
    rs_buf_put_u8(body, 0);
    rs_buf_put_str(body, "bus");
    return STATUS_OK;
}

static enum status
on_open(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    struct rs_bytes text = rs_read_bytes(r, r->left);
    char name[SIM_NAME_MAX + 1];

    if (s->bus != NULL)
        return say(body, STATUS_STATE, "OPEN: this connection is open already");
    if (text.len == 0 || text.len > SIM_NAME_MAX || memchr(text.p, '\0', text.len) != NULL)
        return say(body, STATUS_FORMAT, "OPEN: a name of 1 to 63 bytes");
    memcpy(name, text.p, text.len);
    name[text.len] = '\0';
    if (text.len > 2 && strcmp(name + text.len - 2, "/*") == 0)
        return open_bus(s, name, body);
    s->chip = sim_panel_find(s->panel, name);
    if (s->chip == NULL)
        return say(body, STATUS_MISSING, "OPEN: no such chip; see rot-sim list");
    s->bus = sim_chip_bus(s->chip);
    rs_buf_put_u8(body, sim_chip_address(s->chip));
    rs_buf_put_str(body, sim_chip_model(s->chip));
    return STATUS_OK;
}

static enum status
on_write(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    struct rs_err err = {.code = RS_OK};
    unsigned address = rs_read_u8(r);
    struct rs_bytes bytes = rs_read_bytes(r, r->left);
    int ack = 0;

    if (!rs_reader_done(r) || address > 127 || bytes.len > SIM_IO_MAX)
        return say(body, STATUS_FORMAT, "WRITE: 7 bit address and at most 1024 bytes");
    if (sim_bus_write(s->bus, s->speed_hz, (uint8_t)address, bytes.p, bytes.len, &ack, &err) !=
        RS_OK)
        return say_err(body, &err);
    return ack ? STATUS_OK : STATUS_NACK;
}

static enum status
on_read(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    struct rs_err err = {.code = RS_OK};
    unsigned address = rs_read_u8(r), want = rs_read_u16(r);
    uint8_t bytes[SIM_IO_MAX];
    int ack = 0;

    if (!rs_reader_done(r) || address > 127 || want == 0 || want > SIM_IO_MAX)
        return say(body, STATUS_FORMAT, "READ: 7 bit address and a count of 1 to 1024");
    if (sim_bus_read(s->bus, s->speed_hz, (uint8_t)address, bytes, want, &ack, &err) != RS_OK)
        return say_err(body, &err);
    if (!ack)
        return STATUS_NACK;
    rs_buf_put(body, bytes, want);
    return STATUS_OK;
}

static enum status
on_wake(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    uint32_t low_us = rs_read_u32(r);

    if (!rs_reader_done(r) || low_us > DELAY_MAX)
        return say(body, STATUS_FORMAT, "WAKE: microseconds, at most 60 s");
    sim_bus_wake(s->bus, low_us);
    return STATUS_OK;
}

static enum status
on_speed(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    uint32_t hz = rs_read_u32(r);

    if (!rs_reader_done(r) || hz < SPEED_MIN || hz > SPEED_MAX)
        return say(body, STATUS_FORMAT, "SPEED: 10,000 to 1,000,000 Hz");
    s->speed_hz = hz;
    return STATUS_OK;
}

static enum status
on_power(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    unsigned on = rs_read_u8(r);

    if (!rs_reader_done(r) || on > 1)
        return say(body, STATUS_FORMAT, "POWER: 0 or 1");
    sim_bus_power(s->bus, s->chip, (int)on);
    return STATUS_OK;
}

static enum status
on_delay(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    uint32_t us = rs_read_u32(r);

    if (!rs_reader_done(r) || us > DELAY_MAX)
        return say(body, STATUS_FORMAT, "DELAY: microseconds, at most 60 s");
    sim_bus_delay(s->bus, us);
    return STATUS_OK;
}

static enum status
on_address(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    if (!rs_reader_done(r))
        return say(body, STATUS_FORMAT, "ADDRESS has no body");
    if (s->chip == NULL)
        return say(body, STATUS_STATE, "ADDRESS: a bus is open, not a chip");
    rs_buf_put_u8(body, sim_chip_address(s->chip));
    return STATUS_OK;
}

/* One message of TRANSFER: its head, and for a write its bytes.  0: not a message. */
static int
take_message(struct rs_reader *r, struct sim_message *m, size_t *read_total)
{
    unsigned address = rs_read_u8(r), flags = rs_read_u8(r);

    memset(m, 0, sizeof(*m));
    m->address = (uint8_t)address;
    m->is_read = flags == IS_READ;
    m->len = rs_read_u16(r);
    if (flags > IS_READ || address > 127 || m->len > SIM_IO_MAX || (m->is_read && m->len == 0))
        return 0;
    if (m->is_read)
        *read_total += m->len;
    else
        m->in = rs_read_bytes(r, m->len).p;
    return rs_reader_ok(r);
}

/* The answer's body is the room that reads go to. */
static enum status
run_messages(struct sim_session *s, struct sim_message *messages, size_t count, size_t total,
             struct rs_buf *body)
{
    struct rs_err err = {.code = RS_OK};
    uint8_t *room = rs_buf_extend(body, total);
    size_t done = 0;

    for (size_t i = 0; room != NULL && i < count; i++) {
        if (!messages[i].is_read)
            continue;
        messages[i].out = room;
        room += messages[i].len;
    }
    if (!rs_buf_ok(body))
        return STATUS_OK; /* told by the caller: longer than a frame */
    if (sim_bus_transfer(s->bus, s->speed_hz, messages, count, &done, &err) != RS_OK) {
        rs_buf_reset(body);
        return say_err(body, &err);
    }
    if (done == count)
        return STATUS_OK;
    rs_buf_reset(body);
    return STATUS_NACK;
}

static enum status
on_transfer(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    struct sim_message messages[MESSAGES];
    unsigned count = rs_read_u8(r);
    size_t total = 0;
    int good = count >= 1 && count <= MESSAGES + SLACK;

    for (unsigned i = 0; good && i < count; i++)
        good = take_message(r, &messages[i], &total);
    if (!good || !rs_reader_done(r))
        return say(body, STATUS_FORMAT,
                   "TRANSFER: 1 to 42 messages of address, flags, length and at most 1024 bytes");
    return run_messages(s, messages, count, total, body);
}

static enum status
on_spi(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    struct rs_err err = {.code = RS_OK};
    uint32_t hz = rs_read_u32(r);
    unsigned flags = rs_read_u8(r);
    struct rs_bytes tx = rs_read_bytes(r, r->left);
    uint8_t *rx;

    if (!rs_reader_done(r) || hz < SPEED_MIN || hz > SPI_HZ_MAX || flags > KEEP ||
        tx.len > SIM_SPI_MAX)
        return say(body, STATUS_FORMAT,
                   "SPI: 10,000 to 50,000,000 Hz, flags 0 or 1, at most 4096 bytes");
    if (s->chip == NULL)
        return say(body, STATUS_STATE, "SPI: a bus is open, not a chip");
    rx = rs_buf_extend(body, tx.len);
    if (rx == NULL && tx.len != 0)
        return say(body, STATUS_FAULT, "SPI: no memory");
    if (sim_bus_spi(s->bus, s->chip, hz, tx.p, rx, tx.len, flags == KEEP, &err) != RS_OK) {
        rs_buf_reset(body);
        return say_err(body, &err);
    }
    s->spi_held = flags == KEEP;
    return STATUS_OK;
}

static enum status
on_clock(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    unsigned own = rs_read_u8(r);

    if (!rs_reader_done(r) || own > 1)
        return say(body, STATUS_FORMAT, "CLOCK: 0 or 1");
    s->own_time = (int)own;
    return STATUS_OK;
}

void
sim_session_done(struct sim_session *s)
{
    /* A file that cannot be written is told to the next who asks. */
    if (s->spi_held)
        (void)!sim_bus_spi(s->bus, s->chip, SPI_HZ_MAX, NULL, NULL, 0, 0, NULL);
    s->spi_held = 0;
}

static enum status
on_control(struct sim_session *s, struct rs_reader *r, struct rs_buf *body)
{
    RS_AUTO(rs_json_done) json_t *request = NULL;
    RS_AUTO(rs_json_done) json_t *answer = NULL;
    struct rs_err err = {.code = RS_OK};
    rs_code rc = rs_json_read(rs_read_bytes(r, r->left), &request, &err);

    if (rc == RS_OK)
        rc = sim_panel_control(s->panel, request, s->socket, &answer, &err);
    if (rc != RS_OK)
        return say_err(body, &err);
    rs_json_put(body, answer);
    return STATUS_OK;
}

/* ---- Dispatch ---------------------------------------------------------------------------- */

typedef enum status op_handler(struct sim_session *s, struct rs_reader *r, struct rs_buf *body);

struct op_row {
    uint8_t op;
    uint8_t since; /* version of the protocol */
    uint8_t needs_bus;
    op_handler *run;
};

static const struct op_row op_rows[] = {
    {OP_HELLO, 1, 0, on_hello},       {OP_OPEN, 1, 0, on_open},   {OP_WRITE, 1, 1, on_write},
    {OP_READ, 1, 1, on_read},         {OP_WAKE, 1, 1, on_wake},   {OP_SPEED, 1, 1, on_speed},
    {OP_POWER, 1, 1, on_power},       {OP_DELAY, 1, 1, on_delay}, {OP_ADDRESS, 1, 1, on_address},
    {OP_TRANSFER, 2, 1, on_transfer}, {OP_SPI, 2, 1, on_spi},     {OP_CLOCK, 2, 1, on_clock},
    {OP_CONTROL, 1, 0, on_control},
};

static const struct op_row *
find_op(unsigned op, unsigned version)
{
    for (size_t i = 0; i < sizeof(op_rows) / sizeof(op_rows[0]); i++)
        if (op_rows[i].op == op && (op_rows[i].since <= version || op == OP_HELLO))
            return &op_rows[i];
    return NULL;
}

static enum status
run(struct sim_session *s, const struct op_row *row, struct rs_reader *r, struct rs_buf *body)
{
    if (row == NULL)
        return say(body, STATUS_FORMAT, "unknown operation");
    if (row->needs_bus && s->bus == NULL)
        return say(body, STATUS_STATE, "OPEN first");
    if (row->needs_bus && s->own_time)
        sim_bus_catch_up(s->bus);
    return row->run(s, r, body);
}

int
sim_session_answer(struct sim_session *s, struct rs_bytes request, struct rs_buf *out)
{
    struct rs_reader r;
    struct rs_buf body;
    uint8_t *room = malloc(SIM_ANSWER_MAX);
    enum status status;
    unsigned op;

    rs_reader_init(&r, request);
    op = rs_read_u8(&r);
    if (room == NULL || !rs_reader_ok(&r) || (s->version == 0 && op != OP_HELLO)) {
        free(room);
        return 0;
    }
    rs_buf_init_fixed(&body, room, SIM_ANSWER_MAX - 2);
    status = run(s, find_op(op, s->version), &r, &body);
    if (!rs_buf_ok(&body)) {
        rs_buf_reset(&body);
        status = say(&body, STATUS_FAULT, "the answer is longer than a frame");
    }
    rs_buf_reset(out);
    rs_buf_put_u16(out, (unsigned)(body.len + 2));
    rs_buf_put_u8(out, op);
    rs_buf_put_u8(out, status);
    rs_buf_put_bytes(out, rs_buf_bytes(&body));
    free(room);
    return rs_buf_ok(out);
}
