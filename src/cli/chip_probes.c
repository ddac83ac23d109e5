/*
 * chip_probes.c: see chip_probes.h.  One table per family, and how its frames are sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/chip_probes.h"

#include <string.h>

#include "librot/transports/ifx_i2c.h"
#include "librot/transports/stsafe_frame.h"
#include "librot/transports/t1_i2c.h"

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

struct probe {
    const char *name;
    const uint8_t *bytes; /* a command without what frames add to it */
    size_t len;
    size_t more; /* bytes of 01 behind it */
    int how;
    int is_content; /* an owner can have changed it */
};

#define ASK(name, ...)          {name, BYTES(__VA_ARGS__), 0, 0, 0}
#define FILLED(name, more, ...) {name, BYTES(__VA_ARGS__), more, 0, 0}
#define RAW(name, how, ...)     {name, BYTES(__VA_ARGS__), 0, how, 0}
#define OWNED(name, ...)        {name, BYTES(__VA_ARGS__), 0, 0, 1}

/* ---- ATECC608 ---------------------------------------------------------------------------------- */

#define ATECC_PACKET_MAX 160
#define ATECC_POLLS      400
#define POLL_US          2000

enum { ATECC_COMMAND = 0, ATECC_RAW, ATECC_RAW_SILENT };

static const struct probe atecc_probes[] = {
    ASK("Info: revision", 0x30, 0x00, 0x00, 0x00),
    ASK("Info: state after waking", 0x30, 0x02, 0x00, 0x00),
    ASK("Info: GPIO of an I2C part", 0x30, 0x03, 0x00, 0x00),
    ASK("Info: a mode that there is not", 0x30, 0x07, 0x00, 0x00),
    ASK("a command that there is not", 0x99, 0x00, 0x00, 0x00),
    ASK("Read: beyond the configuration zone", 0x02, 0x00, 0x20, 0x00),
    ASK("Read: beyond the OTP zone", 0x02, 0x01, 0x10, 0x00),
    ASK("Read: a zone that there is not", 0x02, 0x03, 0x00, 0x00),
    FILLED("Nonce: 32 bytes into TempKey", 32, 0x16, 0x03, 0x00, 0x00),
    ASK("Info: state with TempKey", 0x30, 0x02, 0x00, 0x00),
    FILLED("Nonce: 32 bytes into the digest buffer", 32, 0x16, 0x43, 0x00, 0x00),
    ASK("Info: is TempKey still valid", 0x30, 0x02, 0x00, 0x00),
    ASK("GenDig: a transport key", 0x15, 0x02, 0x00, 0x80),
    ASK("SHA: start", 0x47, 0x00, 0x00, 0x00),
    FILLED("SHA: 65 bytes at once", 65, 0x47, 0x01, 0x41, 0x00),
    FILLED("Nonce: 32 bytes to verify", 32, 0x16, 0x03, 0x00, 0x00),
    FILLED("Verify: a point that is not on the curve", 128, 0x45, 0x02, 0x04, 0x00),
    RAW("fewer bytes than Count says", ATECC_RAW, 0x03, 0x07, 0x30, 0x00),
    RAW("more bytes than Count says", ATECC_RAW, 0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5d,
        0x00),
    RAW("a wrong CRC", ATECC_RAW, 0x03, 0x07, 0x30, 0x00, 0x00, 0x00, 0x03, 0x5e),
    RAW("a word address that means nothing", ATECC_RAW_SILENT, 0x04),
};

/* Bits go in least significant first; the register is not reflected. */
static void
atecc_crc(uint8_t *p, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned in = (unsigned)p[i] >> bit & 1u, top = crc >> 15 & 1u;

            crc = crc << 1 & 0xffffu;
            crc ^= in != top ? 0x8005u : 0;
        }
    }
    p[len] = (uint8_t)crc;
    p[len + 1] = (uint8_t)(crc >> 8);
}

static size_t
atecc_build(const struct probe *p, uint8_t *out)
{
    if (p->how != ATECC_COMMAND) {
        memcpy(out, p->bytes, p->len);
        return p->len;
    }
    out[0] = 0x03;
    out[1] = (uint8_t)(p->len + p->more + 3);
    memcpy(out + 2, p->bytes, p->len);
    memset(out + 2 + p->len, 0x01, p->more);
    atecc_crc(out + 1, 1 + p->len + p->more);
    return 4 + p->len + p->more;
}

static rot_err
atecc_wait(const struct rot_transport *t, uint8_t address)
{
    uint8_t rewind = 0x00;
    rot_err rot = ROT_BUSY;

    for (int i = 0; i < ATECC_POLLS && rot == ROT_BUSY; i++) {
        rot = t->i2c->write(t->self, address, &rewind, 1);
        if (rot == ROT_BUSY)
            t->line->delay_us(t->self, POLL_US);
    }
    return rot;
}

static void
atecc_ask(const struct rot_transport *t, uint8_t address, const struct probe *p)
{
    uint8_t tx[ATECC_PACKET_MAX], rx[ATECC_PACKET_MAX], idle = 0x02;
    size_t len = atecc_build(p, tx);

    if (t->i2c->wake == NULL || t->i2c->wake(t->self, 80) != ROT_OK)
        return;
    t->line->delay_us(t->self, POLL_US);
    (void)t->i2c->read(t->self, address, rx, 4);
    if (t->i2c->write(t->self, address, tx, len) == ROT_OK && p->how != ATECC_RAW_SILENT &&
        atecc_wait(t, address) == ROT_OK && t->i2c->read(t->self, address, rx, 1) == ROT_OK &&
        rx[0] >= 4 && rx[0] < sizeof(rx))
        (void)t->i2c->read(t->self, address, rx + 1, rx[0] - 1u);
    (void)t->i2c->write(t->self, address, &idle, 1);
}

/* What stands in its volatile buffers is gone when it sleeps. */
static void
atecc_sleep(const struct rot_transport *t, uint8_t address)
{
    uint8_t sleep = 0x01, rx[4];

    if (t->i2c->wake == NULL || t->i2c->wake(t->self, 80) != ROT_OK)
        return;
    t->line->delay_us(t->self, POLL_US);
    (void)t->i2c->read(t->self, address, rx, sizeof(rx));
    (void)t->i2c->write(t->self, address, &sleep, 1);
}

static size_t
ask_atecc(const struct rot_transport *t, uint8_t address, probe_step step, void *arg)
{
    for (size_t i = 0; i < COUNT(atecc_probes); i++) {
        step(arg, atecc_probes[i].name, 0);
        atecc_ask(t, address, &atecc_probes[i]);
    }
    atecc_sleep(t, address);
    return COUNT(atecc_probes);
}

/* ---- STSAFE-A ------------------------------------------------------------------------------------ */

#define STSAFE_FRAME_ROOM 768

static const struct probe stsafe_probes[] = {
    ASK("Echo", 0x00, 0x01, 0x02, 0x03),
    ASK("Echo of nothing", 0x00),
    ASK("a command that there is not", 0x1d),
    ASK("Query: without a tag", 0x14),
    ASK("Query: a tag that there is not", 0x14, 0x7e),
    OWNED("Query: I2C parameters", 0x14, 0x0a),
    OWNED("Query: local envelope table", 0x14, 0x07),
    OWNED("Query: life cycle", 0x14, 0x08),
    OWNED("Query: data partition", 0x14, 0x12),
    OWNED("Query: private key table", 0x14, 0x14),
    OWNED("Query: command table", 0x14, 0x24),
    ASK("Query: product data", 0x14, 0x11),
    ASK("Read: without a zone", 0x05),
    ASK("Read: a zone that there is not", 0x05, 0x00, 0x1f, 0x00, 0x00, 0x00, 0x04),
    ASK("Read: beyond a zone", 0x05, 0x00, 0x01, 0x7f, 0x00, 0x00, 0x04),
    ASK("Random: of another subject", 0x02, 0x05, 0x10),
    ASK("Verify: a curve that there is not", 0x17, 0x00, 0x00, 0x02, 0x2a, 0x03),
    ASK("an answer's MAC wanted, and none sent", 0x54, 0x0a),
    ASK("the host's flag, and no MAC", 0x34, 0x0a),
    FILLED("a command that is longer than the input buffer", 740, 0x00),
};

static size_t
ask_stsafe(const struct rot_transport *t, uint8_t address, probe_step step, void *arg)
{
    uint8_t tx[STSAFE_FRAME_ROOM + 2], rx[STSAFE_FRAME_ROOM];
    size_t len = 0;

    step(arg, "a read before any command", 0);
    (void)t->i2c->read(t->self, address, rx, 5);
    for (size_t i = 0; i < COUNT(stsafe_probes); i++) {
        const struct probe *p = &stsafe_probes[i];

        step(arg, p->name, p->is_content);
        memcpy(tx, p->bytes, p->len);
        memset(tx + p->len, 0x01, p->more);
        (void)!stsafe_frame_exchange(t, address, tx, p->len + p->more, rx, sizeof(rx), &len);
    }
    step(arg, "a read past the end of an answer", 0);
    (void)t->i2c->read(t->self, address, rx, 24);
    return COUNT(stsafe_probes) + 2;
}

/* ---- SE05x ------------------------------------------------------------------------------------------ */

#define APDU_ROOM 1024

static const struct probe se05x_probes[] = {
    ASK("an applet's command before one is selected", 0x80, 0x04, 0x00, 0x20, 0x00),
    ASK("Card identify", 0x80, 0xca, 0x00, 0xfe, 0x02, 0xdf, 0x28, 0x00),
    ASK("SELECT: an applet that there is not", 0x00, 0xa4, 0x04, 0x00, 0x05, 0xa0, 0x00, 0x00, 0x00,
        0x01, 0x00),
    ASK("SELECT", 0x00, 0xa4, 0x04, 0x00, 0x10, 0xa0, 0x00, 0x00, 0x03, 0x96, 0x54, 0x53, 0x00,
        0x00, 0x00, 0x01, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00),
    ASK("GetVersion", 0x80, 0x04, 0x00, 0x20, 0x00),
    ASK("GetExtVersion", 0x80, 0x04, 0x00, 0x21, 0x00),
    OWNED("GetFreeMemory: persistent", 0x80, 0x04, 0x00, 0x22, 0x03, 0x41, 0x01, 0x01, 0x00),
    OWNED("GetFreeMemory: until reset", 0x80, 0x04, 0x00, 0x22, 0x03, 0x41, 0x01, 0x02, 0x00),
    OWNED("GetFreeMemory: until deselected", 0x80, 0x04, 0x00, 0x22, 0x03, 0x41, 0x01, 0x03, 0x00),
    OWNED("ReadState", 0x80, 0x02, 0x00, 0x5b, 0x00),
    OWNED("ReadECCurveList", 0x80, 0x02, 0x0b, 0x25, 0x00),
    OWNED("ReadIDList", 0x80, 0x02, 0x00, 0x25, 0x07, 0x41, 0x02, 0x00, 0x00, 0x42, 0x01, 0xff,
          0x00),
    ASK("ReadObject: the unique id", 0x80, 0x02, 0x00, 0x00, 0x06, 0x41, 0x04, 0x7f, 0xff, 0x02,
        0x06, 0x00),
    ASK("ReadObject: one that there is not", 0x80, 0x02, 0x00, 0x00, 0x06, 0x41, 0x04, 0x52, 0x53,
        0x4e, 0x4f, 0x00),
    ASK("ReadType: of one that there is not", 0x80, 0x02, 0x00, 0x26, 0x06, 0x41, 0x04, 0x52, 0x53,
        0x4e, 0x4f, 0x00),
    ASK("ReadObject: beyond its end", 0x80, 0x02, 0x00, 0x00, 0x0e, 0x41, 0x04, 0x7f, 0xff, 0x02,
        0x06, 0x42, 0x02, 0x01, 0x00, 0x43, 0x02, 0x00, 0x10, 0x00),
    ASK("GetRandom: more than an answer holds", 0x80, 0x04, 0x00, 0x49, 0x04, 0x41, 0x02, 0x10,
        0x00, 0x00),
    ASK("a tag that there is not", 0x80, 0x02, 0x00, 0x26, 0x06, 0x7e, 0x04, 0x52, 0x53, 0x4e, 0x4f,
        0x00),
    ASK("a command that there is not", 0x80, 0x04, 0x00, 0x77, 0x00),
    ASK("a class that there is not", 0x70, 0x04, 0x00, 0x20, 0x00),
};

static size_t
ask_se05x(const struct rot_transport *t, uint8_t address, probe_step step, void *arg)
{
    struct t1_i2c line;
    uint8_t rx[APDU_ROOM];
    size_t asked = 0, len;

    memset(&line, 0, sizeof(line));
    step(arg, "T=1: from the beginning", 0);
    if (t1_i2c_open(&line, t, address) != ROT_OK)
        return 1;
    for (; asked < COUNT(se05x_probes); asked++) {
        const struct probe *p = &se05x_probes[asked];

        step(arg, p->name, p->is_content);
        (void)!t1_i2c_exchange(&line, p->bytes, p->len, rx, sizeof(rx), &len);
    }
    t1_i2c_close(&line);
    return asked + 1;
}

/* ---- OPTIGA Trust M ------------------------------------------------------------------------------------ */

#define IFX_PLAIN 0x20 /* in front of a command in the clear */

static const struct probe optiga_probes[] = {
    ASK("GetDataObject before the application is open", 0x81, 0x00, 0x00, 0x02, 0xe0, 0xc2),
    ASK("OpenApplication: one that there is not", 0xf0, 0x00, 0x00, 0x10, 0xd2, 0x76, 0x00, 0x00,
        0x04, 'G', 'e', 'n', 'A', 'u', 't', 'h', 'A', 'p', 'p', 'X'),
    ASK("OpenApplication", 0xf0, 0x00, 0x00, 0x10, 0xd2, 0x76, 0x00, 0x00, 0x04, 'G', 'e', 'n', 'A',
        'u', 't', 'h', 'A', 'p', 'p', 'l'),
    ASK("GetDataObject: the unique id", 0x81, 0x00, 0x00, 0x02, 0xe0, 0xc2),
    ASK("GetDataObject: its metadata", 0x81, 0x01, 0x00, 0x02, 0xe0, 0xc2),
    ASK("GetDataObject: at the end of what is there", 0x81, 0x00, 0x00, 0x06, 0xe0, 0xc2, 0x00,
        0x1b, 0x00, 0x01),
    ASK("GetDataObject: beyond it", 0x81, 0x00, 0x00, 0x06, 0xe0, 0xc2, 0x01, 0x00, 0x00, 0x01),
    ASK("GetDataObject: one that there is not", 0x81, 0x00, 0x00, 0x02, 0xff, 0xff),
    ASK("GetDataObject: without an object", 0x81, 0x00, 0x00, 0x00),
    ASK("GetDataObject: with a parameter that there is not", 0x81, 0x07, 0x00, 0x02, 0xe0, 0xc2),
    ASK("GetRandom: 7 bytes", 0x8c, 0x00, 0x00, 0x02, 0x00, 0x07),
    ASK("a command that there is not", 0xd5, 0x00, 0x00, 0x00),
    ASK("an input length that is not so", 0x81, 0x00, 0x00, 0x04, 0xe0, 0xc2),
};

/* Sta FF: what it was stands in an object of its own. */
static const uint8_t last_error[] = {0x01, 0x00, 0x00, 0x06, 0xf1, 0xc2, 0x00, 0x00, 0x00, 0x01};

static rot_err
optiga_ask(struct ifx_i2c *line, const uint8_t *apdu, size_t apdu_len, uint8_t *rx, size_t cap,
           size_t *ret_len)
{
    uint8_t tx[64] = {IFX_PLAIN};

    memcpy(tx + 1, apdu, apdu_len);
    return ifx_i2c_exchange(line, IFX_I2C_PRESENCE, tx, apdu_len + 1, rx, cap, ret_len);
}

static size_t
ask_optiga(const struct rot_transport *t, uint8_t address, probe_step step, void *arg)
{
    struct ifx_i2c line;
    uint8_t rx[APDU_ROOM];
    size_t asked = 0, len = 0;

    memset(&line, 0, sizeof(line));
    step(arg, "the line: from the beginning", 0);
    if (ifx_i2c_open(&line, t, address) != ROT_OK)
        return 1;
    for (; asked < COUNT(optiga_probes); asked++) {
        const struct probe *p = &optiga_probes[asked];

        step(arg, p->name, p->is_content);
        if (optiga_ask(&line, p->bytes, p->len, rx, sizeof(rx), &len) == ROT_OK && len > 1 &&
            rx[1] == 0xff)
            (void)!optiga_ask(&line, last_error, sizeof(last_error), rx, sizeof(rx), &len);
    }
    return asked + 1;
}

/* ---- Which of them ---------------------------------------------------------------------------------------- */

size_t
probes_ask(const char *driver, const struct rot_transport *t, uint8_t address, probe_step step,
           void *arg)
{
    static const struct {
        const char *driver;
        size_t (*ask)(const struct rot_transport *t, uint8_t address, probe_step step, void *arg);
    } families[] = {
        {"atecc", ask_atecc}, {"stsafe", ask_stsafe}, {"se05x", ask_se05x}, {"optiga", ask_optiga}};

    for (size_t i = 0; i < COUNT(families); i++) {
        if (strcmp(families[i].driver, driver) == 0)
            return families[i].ask(t, address, step, arg);
    }
    return 0;
}
