/*
 * nests.h: fixtures.yaml: which nest hangs on which adapter, and what belongs in it.
 *
 *     adapters:
 *       - {name: left, usb: "1-1.4", mux: 0x70}
 *       - {name: right, bus: 5}
 *     nests:
 *       - {name: 1, adapter: left, channel: 0, part: atecc608b, addresses: [0x60, 0x36],
 *          power: "gpio:gpiochip0:17"}
 *       - {name: 2, adapter: right, part: se050, addresses: [0x48]}
 *       - {name: 3, chip: "tpm:device:/dev/tpmrm1", part: tpm2}
 *     references:
 *       golden: [{name: G-1, part: atecc608b, certificate: golden-1.pem}]
 *       bad: [{name: B-1, part: atecc608b, uid: 0123e0f1a2b3c4d5ee, defect: chip.wrong-part}]
 *
 * An adapter is found again after it was plugged in anew, because its place on the USB is
 * what is written here and not the number that the kernel gave it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_NESTS_H
#define STATION_NESTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

#define NESTS_MAX           16
#define NEST_ADDRESSES_MAX  4
#define NEST_REFERENCES_MAX 32
#define NEST_TEXT_MAX       64
#define NEST_PATH_MAX       512
#define NEST_UID_MAX        32

enum adapter_kind {
    ADAPTER_USB = 1, /* by its place on the USB */
    ADAPTER_BUS = 2, /* by the kernel's number */
    ADAPTER_SIM = 3, /* a bus of a simulator's panel */
};

enum adapter_mux {
    MUX_NONE = 0,
    MUX_KERNEL = 1, /* the kernel drives it and gives each channel a bus of its own */
    MUX_OURS = 2,   /* a PCA9548 or the like: we write the channel to it */
};

struct adapter {
    char name[NEST_TEXT_MAX];
    enum adapter_kind kind;
    char usb[NEST_TEXT_MAX]; /* "1-1.4", or with an interface "1-1.4:1.1" */
    unsigned bus;
    char sim[NEST_PATH_MAX]; /* "SOCKET#BUS" or "BUS" */
    enum adapter_mux mux;
    uint8_t mux_address; /* MUX_OURS; MUX_KERNEL: 0, the only one there is */
};

/* A line that switches a supply or pulls a reset. */
enum line_kind {
    LINE_NONE = 0,
    LINE_GPIO = 1,  /* /dev/gpiochipN and a number */
    LINE_SYSFS = 2, /* a file that takes 0 and 1, below the root of sysfs */
    LINE_SIM = 3,   /* POWER of a chip on the panel */
};

struct nest_line {
    enum line_kind kind;
    char where[256]; /* name of the gpiochip, path of the file, name of the chip */
    unsigned offset;
    int is_low; /* active low */
};

struct nest {
    char name[NEST_TEXT_MAX];
    int adapter;              /* index; -1: chip says where it is */
    char chip[NEST_PATH_MAX]; /* as rot_linux_open() takes it; {serial} is the board's */
    int channel;              /* of the adapter's mux; -1: none */
    char part[NEST_TEXT_MAX]; /* model that belongs in it; "": whatever the order wants */
    uint8_t addresses[NEST_ADDRESSES_MAX];
    size_t address_count;
    struct nest_line power, reset;
    int is_reference; /* a reference board stays in it: it makes no boards */
};

/* A board that shows that a nest tells good from bad. */
struct nest_reference {
    char name[NEST_TEXT_MAX]; /* its label */
    char part[NEST_TEXT_MAX]; /* for nests of this part; "": for all */
    char nest[NEST_TEXT_MAX]; /* stays in there; "": goes from nest to nest */
    int is_golden;
    char certificate[NEST_PATH_MAX]; /* golden: PEM of its identity */
    uint8_t uid[NEST_UID_MAX];       /* bad: which chip must be refused ... */
    size_t uid_len;
    char defect[48]; /* ... and as what, a dotted code */
};

struct nest_file {
    char sysfs[NEST_PATH_MAX]; /* its root: "/sys" */
    struct adapter adapters[NESTS_MAX];
    size_t adapter_count;
    struct nest nests[NESTS_MAX];
    size_t nest_count;
    struct nest_reference references[NEST_REFERENCES_MAX];
    size_t reference_count;
    int64_t every_s; /* how long a check with the references counts; 0: run asks for none */
};

/*
 * Read a file.  Mistakes are written to ret_text, each as file:line:column with
 * the line; RS_E_CONFIG_INVALID.  Paths of certificates are seen from the file's directory.
 */
RS_MUST_USE rs_code nests_read(const char *path, struct nest_file *ret_file,
                               struct rs_buf *ret_text, struct rs_err *err);
/* The same from text, called path in messages. */
RS_MUST_USE rs_code nests_parse(const char *path, struct rs_bytes text, struct nest_file *ret_file,
                                struct rs_buf *ret_text, struct rs_err *err);

/* Where a nest is, for people: "left/0" "right" or its chip. */
void nests_place(const struct nest_file *file, const struct nest *nest, char out[NEST_PATH_MAX]);
/* The adapter of a nest, or NULL. */
const struct adapter *nests_adapter(const struct nest_file *file, const struct nest *nest);
/* 1 when a reference is for a nest of that part. */
int nests_reference_fits(const struct nest_reference *reference, const struct nest *nest);

#endif /* STATION_NESTS_H */
