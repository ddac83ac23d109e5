/*
 * memory.c: see memory.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/failures.h"

#define BUCKETS 4096u
#define DER_MAX 20000

struct memory {
    struct memory_chip *chips[BUCKETS];
    struct memory_chip *devices[BUCKETS]; /* the same, by the device that they were begun as */
    struct memory_report *reports, **reports_end;
    uint64_t next_board, next_report, next_event;
    uint64_t counter;
    struct memory_check *checks;
    struct memory_counts counts;
};

/* ---- Life -------------------------------------------------------------------------- */

struct memory *
memory_new(void)
{
    struct memory *m = calloc(1, sizeof(*m));

    if (m != NULL) {
        m->reports_end = &m->reports;
        m->next_board = m->next_report = m->next_event = 1;
    }
    return m;
}

void
memory_chip_done(struct memory_chip *chip)
{
    rs_buf_done(&chip->spki);
    rs_buf_done(&chip->cert);
}

/* Drop reports up to, not including, number. */
static void
drop_reports(struct memory *m, uint64_t number)
{
    while (m->reports != NULL && m->reports->number < number) {
        struct memory_report *r = m->reports;
        m->reports = r->next;
        if (m->reports == NULL)
            m->reports_end = &m->reports;
        free(r->json);
        free(r);
    }
}

void
memory_free(struct memory *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (m->chips[i] != NULL) {
            struct memory_chip *chip = m->chips[i];
            m->chips[i] = chip->next;
            memory_chip_done(chip);
            free(chip);
        }
    }
    drop_reports(m, UINT64_MAX);
    while (m->checks != NULL) {
        struct memory_check *c = m->checks;
        m->checks = c->next;
        free(c);
    }
    free(m);
}

static rs_code set_bytes(struct rs_buf *b, struct rs_bytes bytes, struct rs_err *err);

/* ---- Looking -------------------------------------------------------------------------- */

static size_t
bucket_of(struct rs_bytes uid)
{
    return rs_crc32c(0, uid) % BUCKETS;
}

static struct memory_chip *
find_chip(const struct memory *m, struct rs_bytes uid)
{
    struct memory_chip *chip = m->chips[bucket_of(uid)];

    while (chip != NULL && !rs_bytes_equal(rs_bytes_of(chip->uid, chip->uid_len), uid))
        chip = chip->next;
    return chip;
}

const struct memory_chip *
memory_find(const struct memory *m, struct rs_bytes uid)
{
    return find_chip(m, uid);
}

static size_t
device_bucket(const char *device)
{
    return rs_crc32c(0, rs_bytes_str(device)) % BUCKETS;
}

enum memory_holder
memory_holder(const struct memory *m, const char *device, struct rs_bytes uid,
              const struct memory_chip **ret_chip)
{
    enum memory_holder held = MEMORY_NOBODY;
    const struct memory_chip *chip = m->devices[device_bucket(device)];

    for (; chip != NULL && held != MEMORY_PASSED; chip = chip->next_device) {
        if (strcmp(chip->device, device) != 0 || chip->spki.len == 0 ||
            strcmp(chip->state, "scrap") == 0 || strcmp(chip->state, "reject") == 0 ||
            rs_bytes_equal(rs_bytes_of(chip->uid, chip->uid_len), uid))
            continue;
        held = chip->passed ? MEMORY_PASSED : MEMORY_IN_WORK;
        if (ret_chip != NULL)
            *ret_chip = chip;
    }
    return held;
}

const struct memory_chip *
memory_find_device(const struct memory *m, const char *device)
{
    const struct memory_chip *chip;

    for (size_t i = 0; i < BUCKETS; i++) {
        for (chip = m->chips[i]; chip != NULL; chip = chip->next) {
            if (chip->passed && strcmp(chip->device, device) == 0)
                return chip;
        }
    }
    return NULL;
}

int
memory_is_bound(const struct memory_chip *chip)
{
    return chip->passed || chip->cert.len > 0 ||
           (chip->spki.len > 0 && strcmp(chip->state, "label") != 0);
}

rs_code
memory_check(const struct memory *m, const struct journal_record *record, struct rs_err *err)
{
    const struct memory_chip *chip = memory_find(m, record->field[JOURNAL_UID]);
    int is_ask = record->type == JOURNAL_ASK;

    if (chip == NULL || chip->board == record->board || (!is_ask && record->type != JOURNAL_BEGIN))
        return RS_OK;
    if (!is_ask && (!memory_is_bound(chip) ||
                    rs_bytes_equal(record->field[JOURNAL_DEVICE], rs_bytes_str(chip->device))))
        return RS_OK;
    return rs_fail(err, RS_E_CHIP_INTERRUPTED, "this part was taken up as %s meanwhile",
                   chip->device);
}

unsigned
memory_again(const struct memory_chip *chip, const char *class)
{
    for (size_t i = 0; chip != NULL && i < MEMORY_CLASSES_MAX; i++) {
        if (strcmp(chip->again[i].class, class) == 0)
            return chip->again[i].count;
    }
    return 0;
}

uint64_t
memory_asked(const struct memory *m, const char *order, uint64_t board)
{
    uint64_t count = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct memory_chip *c = m->chips[i]; c != NULL; c = c->next) {
            if (c->spki.len > 0 && c->board != board && strcmp(c->order, order) == 0)
                count++;
        }
    }
    return count;
}

uint64_t
memory_counter(const struct memory *m)
{
    return m->counter;
}

uint64_t
memory_next_board(const struct memory *m)
{
    return m->next_board;
}

uint64_t
memory_next_report(const struct memory *m)
{
    return m->next_report;
}

uint64_t
memory_next_event(const struct memory *m)
{
    return m->next_event;
}

const struct memory_report *
memory_reports(const struct memory *m)
{
    return m->reports;
}

const struct memory_check *
memory_find_check(const struct memory *m, const char *nest)
{
    const struct memory_check *c = m->checks;

    while (c != NULL && strcmp(c->nest, nest) != 0)
        c = c->next;
    return c;
}

struct memory_counts
memory_counts(const struct memory *m)
{
    return m->counts;
}

rs_code
memory_copy(const struct memory *m, struct rs_bytes uid, struct memory_chip *ret_chip,
            struct rs_err *err)
{
    const struct memory_chip *chip = find_chip(m, uid);
    rs_code rc = RS_OK;

    memset(ret_chip, 0, sizeof(*ret_chip));
    if (chip == NULL)
        return RS_OK;
    *ret_chip = *chip;
    memset(&ret_chip->spki, 0, sizeof(ret_chip->spki));
    memset(&ret_chip->cert, 0, sizeof(ret_chip->cert));
    ret_chip->next = ret_chip->next_device = NULL;
    if (chip->spki.len > 0)
        rc = set_bytes(&ret_chip->spki, rs_buf_bytes(&chip->spki), err);
    if (rc == RS_OK && chip->cert.len > 0)
        rc = set_bytes(&ret_chip->cert, rs_buf_bytes(&chip->cert), err);
    return rc;
}

/* ---- Taking records in --------------------------------------------------------------------- */

static void
copy_text(char *to, size_t cap, struct rs_bytes text)
{
    size_t n = text.len < cap - 1 ? text.len : cap - 1;

    if (n > 0)
        memcpy(to, text.p, n);
    to[n] = '\0';
}

static rs_code
set_bytes(struct rs_buf *b, struct rs_bytes bytes, struct rs_err *err)
{
    if (b->max == 0)
        rs_buf_init(b, DER_MAX);
    rs_buf_reset(b);
    rs_buf_put_bytes(b, bytes);
    return rs_buf_ok(b) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a chip");
}

static rs_code
add_chip(struct memory *m, struct rs_bytes uid, struct memory_chip **ret_chip, struct rs_err *err)
{
    struct memory_chip *chip = find_chip(m, uid);
    size_t bucket = bucket_of(uid);

    if (chip == NULL) {
        chip = calloc(1, sizeof(*chip));
        if (chip == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a chip");
        memcpy(chip->uid, uid.p, uid.len);
        chip->uid_len = uid.len;
        chip->next = m->chips[bucket];
        m->chips[bucket] = chip;
    }
    *ret_chip = chip;
    return RS_OK;
}

/* Into the list of another device. */
static void
move_device(struct memory *m, struct memory_chip *chip, struct rs_bytes device)
{
    struct memory_chip **at = &m->devices[device_bucket(chip->device)];

    while (*at != NULL && *at != chip)
        at = &(*at)->next_device;
    if (*at == chip)
        *at = chip->next_device;
    copy_text(chip->device, sizeof(chip->device), device);
    at = &m->devices[device_bucket(chip->device)];
    chip->next_device = *at;
    *at = chip;
}

static rs_code
take_begin(struct memory *m, const struct journal_record *r, struct memory_chip *chip)
{
    chip->board = r->board;
    chip->state[0] = '\0';
    move_device(m, chip, r->field[JOURNAL_DEVICE]);
    copy_text(chip->order, sizeof(chip->order), r->field[JOURNAL_ORDER]);
    if (r->board >= m->next_board)
        m->next_board = r->board + 1;
    return RS_OK;
}

static void
count_again(struct memory_chip *chip, const char *class)
{
    for (size_t i = 0; i < MEMORY_CLASSES_MAX; i++) {
        if (chip->again[i].class[0] == '\0')
            (void)snprintf(chip->again[i].class, sizeof(chip->again[i].class), "%s", class);
        if (strcmp(chip->again[i].class, class) == 0) {
            chip->again[i].count++;
            return;
        }
    }
}

static rs_code
add_report(struct memory *m, struct rs_bytes field, struct rs_err *err)
{
    struct memory_report *report;
    struct rs_reader in;
    uint64_t number;

    rs_reader_init(&in, field);
    number = rs_read_u64(&in);
    if (!rs_reader_ok(&in) || number != m->next_report)
        return rs_fail(err, RS_E_JOURNAL_DAMAGED, "journal: report %llu where %llu should be",
                       (unsigned long long)number, (unsigned long long)m->next_report);
    report = calloc(1, sizeof(*report));
    if (report != NULL)
        report->json = malloc(in.left + 1);
    if (report == NULL || report->json == NULL) {
        free(report);
        return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a report");
    }
    copy_text(report->json, in.left + 1, rs_bytes_of(in.p, in.left));
    report->json_len = in.left;
    report->number = number;
    *m->reports_end = report;
    m->reports_end = &report->next;
    m->next_report = number + 1;
    return RS_OK;
}

static void
count_end(struct memory *m, const char *state)
{
    if (strcmp(state, "pass") == 0)
        m->counts.passed++;
    else if (strcmp(state, "reject") == 0)
        m->counts.rejected++;
    else if (strcmp(state, "scrap") == 0)
        m->counts.scrapped++;
    else if (strcmp(state, "again") == 0)
        m->counts.again++;
}

/* The end of a board whose part another one has taken up since says nothing of that part. */
static int
is_about(const struct memory_chip *chip, struct rs_bytes device)
{
    return device.len == 0 || rs_bytes_equal(device, rs_bytes_str(chip->device));
}

static rs_code
take_end(struct memory *m, const struct journal_record *r, struct memory_chip *chip,
         struct rs_err *err)
{
    const struct rs_code_info *info;
    char state[16], code[48];

    copy_text(state, sizeof(state), r->field[JOURNAL_STATE]);
    copy_text(code, sizeof(code), r->field[JOURNAL_CODE]);
    if (strcmp(code, rs_code_info(RS_E_BOARD_DONE)->name) != 0)
        count_end(m, state);
    if (r->board >= m->next_board)
        m->next_board = r->board + 1;
    /* Passed is passed, whatever began it meanwhile: boards may have been exchanged. */
    if (chip != NULL && strcmp(state, "pass") == 0 && r->field[JOURNAL_DEVICE].len > 0)
        move_device(m, chip, r->field[JOURNAL_DEVICE]);
    if (chip != NULL && is_about(chip, r->field[JOURNAL_DEVICE])) {
        memcpy(chip->state, state, sizeof(state));
        info = rs_code_find(code);
        if (strcmp(state, "pass") == 0) {
            chip->passed = 1;
        } else if (strcmp(state, "again") == 0 && info != NULL)
            count_again(chip, failure_find(info->code)->class);
    }
    return r->field[JOURNAL_REPORT].p != NULL ? add_report(m, r->field[JOURNAL_REPORT], err)
                                              : RS_OK;
}

static rs_code
take_chip(struct memory *m, const struct journal_record *r, struct rs_err *err)
{
    struct rs_bytes uid = r->field[JOURNAL_UID], stage = r->field[JOURNAL_STAGE];
    struct memory_chip *chip = NULL;
    rs_code rc = RS_OK;

    if (uid.len > MEMORY_UID_MAX)
        return rs_fail(err, RS_E_JOURNAL_DAMAGED, "journal: a unique id of %zu bytes", uid.len);
    if (uid.len > 0)
        rc = add_chip(m, uid, &chip, err);
    if (rc != RS_OK || r->type == JOURNAL_END)
        return rc == RS_OK ? take_end(m, r, chip, err) : rc;
    if (chip == NULL)
        return rs_fail(err, RS_E_JOURNAL_DAMAGED, "journal: record %llu names no chip",
                       (unsigned long long)r->number);
    if (r->type == JOURNAL_BEGIN)
        return take_begin(m, r, chip);
    if (r->type == JOURNAL_ASK)
        return set_bytes(&chip->spki, r->field[JOURNAL_SPKI], err);
    if (r->type == JOURNAL_CERT)
        return set_bytes(&chip->cert, r->field[JOURNAL_CERTDER], err);
    if (stage.len > 0 && stage.p[0] < 8)
        chip->sealed_intents |= 1u << stage.p[0];
    return RS_OK;
}

static rs_code
take_check(struct memory *m, const struct journal_record *r, struct rs_err *err)
{
    char nest[MEMORY_TEXT_MAX], state[16];
    struct memory_check *c;
    int64_t when;

    copy_text(nest, sizeof(nest), r->field[JOURNAL_FIXTURE]);
    copy_text(state, sizeof(state), r->field[JOURNAL_STATE]);
    for (c = m->checks; c != NULL && strcmp(c->nest, nest) != 0;)
        c = c->next;
    if (c == NULL) {
        c = calloc(1, sizeof(*c));
        if (c == NULL)
            return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a check");
        memcpy(c->nest, nest, sizeof(nest));
        c->next = m->checks;
        m->checks = c;
    }
    copy_text(c->code, sizeof(c->code), r->field[JOURNAL_CODE]);
    when = c->code[0] == '\0' ? r->time_ms : 0;
    if (strcmp(state, "golden") == 0)
        c->golden_ms = when;
    else
        c->bad_ms = when;
    return RS_OK;
}

rs_code
memory_take(struct memory *m, const struct journal_record *record, struct rs_err *err)
{
    if (record->field[JOURNAL_JSON].p != NULL)
        m->next_event++;
    switch (record->type) {
    case JOURNAL_BEGIN:
    case JOURNAL_SEAL:
    case JOURNAL_ASK:
    case JOURNAL_CERT:
    case JOURNAL_END:
        return take_chip(m, record, err);
    case JOURNAL_POSTED:
        drop_reports(m, record->board);
        return RS_OK;
    case JOURNAL_COUNT:
        m->counter = record->board > m->counter ? record->board : m->counter;
        return RS_OK;
    case JOURNAL_CHECK:
        return take_check(m, record, err);
    case JOURNAL_EVENT:
    default:
        return RS_OK;
    }
}
