/*
 * events.c: what happened, as JSON lines for others to read.
 *
 * The journal is the truth: an event is in one of its records, and its number
 * is the count of such records.  events.jsonl is a copy for readers; at start
 * it is brought up to the journal, so it never has a gap or a double.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "station/station_inner.h"

#define LINE_MAX_BYTES 65536

/* ---- The copy -------------------------------------------------------------------- */

struct catch_up {
    struct station *st;
    uint64_t have; /* lines in the file */
    uint64_t seen; /* events in the journal so far */
};

static rs_code
write_line(struct station *st, struct rs_bytes line, struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    rs_code rc;

    rs_buf_init(&text, LINE_MAX_BYTES);
    rs_buf_put_bytes(&text, line);
    rs_buf_put_str(&text, "\n");
    if (!rs_buf_ok(&text))
        return rs_fail(err, RS_E_NO_MEMORY, "events: no memory for a line");
    rc = rs_file_write_at(st->events_fd, st->events_size, rs_buf_bytes(&text), err);
    if (rc == RS_OK)
        st->events_size += text.len;
    return rc;
}

static rs_code
catch_up(void *arg, const struct journal_record *record, struct rs_err *err)
{
    struct catch_up *c = arg;

    if (record->field[JOURNAL_JSON].p == NULL || ++c->seen <= c->have)
        return RS_OK;
    return write_line(c->st, record->field[JOURNAL_JSON], err);
}

/* Whole lines in the file, and where they end. */
static rs_code
count_lines(struct station *st, uint64_t *ret_lines, struct rs_err *err)
{
    uint8_t buf[65536];
    uint64_t at = 0;
    size_t got = sizeof(buf);
    rs_code rc = RS_OK;

    *ret_lines = 0;
    st->events_size = 0;
    while (rc == RS_OK && got == sizeof(buf)) {
        rc = rs_file_read_at(st->events_fd, at, buf, sizeof(buf), &got, err);
        for (size_t i = 0; rc == RS_OK && i < got; i++) {
            if (buf[i] == '\n') {
                (*ret_lines)++;
                st->events_size = at + i + 1;
            }
        }
        at += got;
    }
    return rc;
}

rs_code
events_open(struct station *st, struct rs_err *err)
{
    struct catch_up c = {.st = st};
    rs_code rc = rs_file_open(st->home.events_path, RS_OPEN_CREATE, &st->events_fd, err);

    if (rc == RS_OK)
        rc = count_lines(st, &c.have, err);
    /* More lines than the journal has: its unsynced end was lost in a power cut.  Begin anew. */
    if (rc == RS_OK && c.have >= memory_next_event(st->memory)) {
        c.have = 0;
        st->events_size = 0;
    }
    if (rc == RS_OK)
        rc = rs_file_truncate(st->events_fd, st->events_size, err);
    if (rc == RS_OK)
        rc = journal_look(st->home.journal_path, catch_up, &c, err);
    return rc;
}

void
events_close(struct station *st)
{
    rs_file_close(st->events_fd);
    st->events_fd = -1;
}

/* ---- Making them --------------------------------------------------------------------- */

rs_code
events_head(struct station *st, const struct work_order *order, const char *name, json_t *extra,
            struct rs_buf *line, struct rs_err *err)
{
    char time[RS_TIME_TEXT_SIZE];
    RS_AUTO(rs_json_done) json_t *taken = extra;
    RS_AUTO(rs_json_done) json_t *j = NULL;

    if (order == NULL && st->order_count == 1)
        order = &st->orders[0];
    rs_time_text(rs_now(), time);
    j = json_pack("{s:i, s:I, s:s, s:s, s:s, s:s, s:s}", "v", 1, "seq",
                  (json_int_t)memory_next_event(st->memory), "event", name, "station",
                  st->home.name, "time", time, "order", order != NULL ? order->order.name : "",
                  "operator", "");
    if (j == NULL || (taken != NULL && json_object_update(j, taken) != 0))
        return rs_fail(err, RS_E_NO_MEMORY, "events: no memory for %s", name);
    rs_buf_init(line, LINE_MAX_BYTES);
    rs_json_put(line, j);
    return rs_buf_ok(line) ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "events: no memory");
}

void
events_publish(struct station *st, struct rs_bytes line)
{
    struct rs_err ignored = {0};
    char text[LINE_MAX_BYTES / 8];

    /* A copy that cannot be written is made good at the next start. */
    (void)write_line(st, line, &ignored);
    if (st->listener.on_event != NULL && line.len < sizeof(text)) {
        memcpy(text, line.p, line.len);
        text[line.len] = '\0';
        st->listener.on_event(st->listener.arg, text);
    }
}

void
events_note(struct station *st, const struct work_order *order, const char *name, json_t *extra)
{
    struct journal_record record = {.type = JOURNAL_EVENT};
    struct rs_err err = {0};
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf line = {0};
    (void)pthread_mutex_lock(&st->lock);
    rc = events_head(st, order, name, extra, &line, &err);
    record.field[JOURNAL_JSON] = rs_buf_bytes(&line);
    if (rc == RS_OK)
        rc = journal_put(st->journal, &record, &err);
    if (rc == RS_OK)
        rc = memory_take(st->memory, &record, &err);
    if (rc == RS_OK)
        events_publish(st, rs_buf_bytes(&line));
    (void)pthread_mutex_unlock(&st->lock);
    if (rc != RS_OK)
        station_stop(st, rc, err.text);
}
