/*
 * chip_record.h: a transport over another one that writes down what passes.
 *
 * I2C parts only.  What is written is what is on the wire, with its time; a
 * report that others will read must see to it that nothing secret passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CHIP_RECORD_H
#define CLI_CHIP_RECORD_H

#include <rot/rot_transport.h>

#include "base/bytes.h"

#define RECORD_EVENTS_MAX 60000
#define RECORD_BYTES_MAX  ((size_t)4 << 20)

enum record_kind {
    RECORD_WRITE = 'W',
    RECORD_READ = 'R',
    RECORD_WAKE = 'K',
    RECORD_DELAY = 'D',
    RECORD_POWER = 'P',
};

struct record_event {
    enum record_kind kind;
    uint8_t address;
    uint8_t ack;     /* of W and R */
    uint16_t step;   /* what was asked for then */
    uint32_t number; /* K: microseconds low; D: microseconds; P: on */
    uint64_t at_us;  /* since the first */
    uint32_t took_us;
    size_t start, len; /* W and R: in the bytes */
};

struct record {
    struct rot_transport transport; /* for rot_setup, instead of below */
    const struct rot_transport *below;
    struct record_event *events;
    size_t count;
    struct rs_buf bytes;
    uint64_t started_us;
    uint16_t step;
    int is_full; /* something was not written down: a report says so */
};

/* ROT_E_UNSUPPORTED: not an I2C transport.  record_done() in any case. */
ROT_MUST_USE rot_err record_init(struct record *r, const struct rot_transport *below);
void record_done(struct record *r);

/* What is asked for from now on. */
void record_step(struct record *r, uint16_t step);
struct rs_bytes record_bytes(const struct record *r, const struct record_event *e);

#endif /* CLI_CHIP_RECORD_H */
