/*
 * journal.h: what a station was about to do, on disk before it does it.
 *
 * One append-only file of checked frames (docs/protocols/station.md).  A record
 * is durable when journal_sync() has returned; before each step that cannot be
 * undone the recipe syncs the record that says which.  After a crash the file
 * is read from its start: an unfinished tail is cut off, anything else that
 * does not check is damage and refused.
 *
 * Safe to use from several threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STATION_JOURNAL_H
#define STATION_JOURNAL_H

#include "base/bytes.h"

#define JOURNAL_MAGIC       "RSSJ0001"
#define JOURNAL_MAGIC_SIZE  8
#define JOURNAL_HEAD_SIZE   8     /* u32 content length, u32 CRC-32C */
#define JOURNAL_CONTENT_MAX 49152 /* bytes of one record's content */
#define JOURNAL_FRAME_MAX   (JOURNAL_HEAD_SIZE + JOURNAL_CONTENT_MAX)

/* Stable numbers: they stand in the file. */
enum journal_type {
    JOURNAL_BEGIN = 1,  /* a board was taken up: fixture, device, order, model, uid */
    JOURNAL_SEAL = 2,   /* about to seal: stage (and object) */
    JOURNAL_ASK = 3,    /* about to ask for an identity: its public key */
    JOURNAL_CERT = 4,   /* the identity that came */
    JOURNAL_END = 5,    /* the board's result, with its report and event */
    JOURNAL_POSTED = 6, /* the server has all reports before this one */
    JOURNAL_EVENT = 7,  /* something that happened, for others to read */
    JOURNAL_COUNT = 8,  /* about to count the chip's counter up: to `board` */
    JOURNAL_CHECK = 9,  /* a nest was shown a reference board */
};
#define JOURNAL_TYPE_LAST JOURNAL_CHECK

/* Fields of a record, in this order in the file.  Stable numbers. */
enum journal_field {
    JOURNAL_FIXTURE = 1,
    JOURNAL_DEVICE = 2,
    JOURNAL_ORDER = 3,
    JOURNAL_MODEL = 4,
    JOURNAL_UID = 5,   /* raw */
    JOURNAL_STAGE = 6, /* one byte of enum rot_stage, then the object as u16 */
    JOURNAL_SPKI = 7,  /* DER */
    JOURNAL_CERTDER = 8,
    JOURNAL_STATE = 9, /* "pass" "reject" "again" "scrap" "label" "stop"; a check: "golden" "bad" */
    JOURNAL_CODE = 10, /* dotted code */
    JOURNAL_REPORT = 11, /* u64 number of the report, then its JSON for the server */
    JOURNAL_JSON = 12,   /* an event: one JSON line without its newline */
};
#define JOURNAL_FIELDS 13

struct journal_record {
    uint64_t number; /* from 1, without gaps: set by journal_put() */
    int64_t time_ms; /* wall time: set by journal_put() */
    uint64_t board;  /* number of the board at this station; 0: none */
    enum journal_type type;
    struct rs_bytes field[JOURNAL_FIELDS]; /* by enum journal_field; p NULL: not there */
};

struct journal;

/* Called for each record, oldest first; the record is borrowed. */
typedef rs_code (*journal_each_fn)(void *arg, const struct journal_record *record,
                                   struct rs_err *err);

/*
 * Open (or make) a journal, read all of it, and lock it.
 *
 * RS_E_STATION_RUNNING   another process has it
 * RS_E_JOURNAL_DAMAGED   a record that does not check, before others that do
 * RS_E_DISK_FULL, RS_E_FILE_FAILED, and what each() says
 */
RS_MUST_USE rs_code journal_open(const char *path, journal_each_fn each, void *arg,
                                 struct journal **ret_journal, struct rs_err *err);
void journal_close(struct journal *j); /* NULL is fine */

/* The same reading without locking, cutting or writing: for people who look. */
RS_MUST_USE rs_code journal_look(const char *path, journal_each_fn each, void *arg,
                                 struct rs_err *err);

/* Append; fills in number and time.  Durable only after the next journal_sync(). */
RS_MUST_USE rs_code journal_put(struct journal *j, struct journal_record *record,
                                struct rs_err *err);
/* After a failure nothing is known: every later call fails, and the station stops. */
RS_MUST_USE rs_code journal_sync(struct journal *j, struct rs_err *err);

/* ---- Bytes ------------------------------------------------------------------- */

/* One frame appended to out; RS_E_INTERNAL when a field is too large. */
RS_MUST_USE rs_code journal_frame_put(struct rs_buf *out, const struct journal_record *record,
                                      struct rs_err *err);
/*
 * The frame at the start of data.  1: read, *ret_len bytes long, record
 * borrowed from data.  0: there is no whole good frame.
 */
RS_MUST_USE int journal_frame_read(struct rs_bytes data, struct journal_record *ret_record,
                                   size_t *ret_len);

const char *journal_type_name(enum journal_type type); /* "begin" */

#endif /* STATION_JOURNAL_H */
