/*
 * log.c: one line, one write(2).  See log.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"

#define LINE_MAX_BYTES 4096
#define AREAS_MAX      16
#define PAIRS_MAX      32
#define CLOSING_BYTES  24 /* the longest escape, and what closes a JSON line */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static char program_name[32] = "rootsmith";
static enum rs_log_format line_format = RS_LOG_TEXT;
static enum rs_level default_level = RS_LOG_INFO;
static struct {
    char area[24];
    enum rs_level level;
} areas[AREAS_MAX];
static size_t area_count;

static int
level_named(const char *text, size_t len, enum rs_level *ret_level)
{
    for (int i = 0; i < 4; i++) {
        if (strlen(level_names[i]) == len && memcmp(level_names[i], text, len) == 0) {
            *ret_level = (enum rs_level)i;
            return 1;
        }
    }
    return 0;
}

/* One "info" or "area=level"; unknown words are ignored: logging never stops a program. */
static void
read_level(const char *word, size_t len)
{
    const char *eq = memchr(word, '=', len);
    size_t area_len = eq != NULL ? (size_t)(eq - word) : 0;

    if (eq == NULL) {
        (void)level_named(word, len, &default_level);
        return;
    }
    if (area_count == AREAS_MAX || area_len >= sizeof(areas[0].area))
        return;
    if (level_named(eq + 1, len - area_len - 1, &areas[area_count].level)) {
        memcpy(areas[area_count].area, word, area_len);
        areas[area_count].area[area_len] = '\0';
        area_count++;
    }
}

void
rs_log_setup(const char *program, enum rs_log_format format, const char *levels)
{
    (void)snprintf(program_name, sizeof(program_name), "%s", program);
    line_format = format;
    area_count = 0;
    default_level = RS_LOG_INFO;
    if (levels == NULL)
        levels = getenv("ROOTSMITH_LOG");
    while (levels != NULL && *levels != '\0') {
        size_t len = strcspn(levels, ",");
        read_level(levels, len);
        levels += len + (levels[len] == ',');
    }
}

int
rs_log_on(enum rs_level level, const char *area)
{
    for (size_t i = 0; i < area_count; i++) {
        if (strcmp(areas[i].area, area) == 0)
            return level <= areas[i].level;
    }
    return level <= default_level;
}

/* ---- Lines ---------------------------------------------------------------------------- */

struct pair {
    const char *key, *value;
    size_t key_len, value_len;
};

static size_t
room_left(const struct rs_buf *b)
{
    return b->max - b->len;
}

/*
 * Control characters would let a peer forge lines or steer a terminal; quotes
 * and bytes that are no UTF-8 would break JSON.  Stops while there is still
 * room to close the line.
 */
static void
put_escaped(struct rs_buf *b, const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;

    while (len > 0 && room_left(b) > CLOSING_BYTES) {
        size_t n = rs_utf8_len(p, len);
        if (n == 0)
            rs_buf_put_str(b, "\\ufffd");
        else if (*p == '"' || *p == '\\')
            rs_buf_printf(b, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            rs_buf_printf(b, "\\u%04x", *p);
        else if (*p == 0xc2 && p[1] < 0xa0) /* U+0080 to U+009F: control characters too */
            rs_buf_printf(b, "\\u%04x", p[1]);
        else
            rs_buf_put(b, p, n);
        p += n > 0 ? n : 1;
        len -= n > 0 ? n : 1;
    }
}

/* "key=value key2=value with spaces key3=..." into pairs: a key is a word before '='. */
static size_t
split_fields(const char *fields, struct pair pairs[PAIRS_MAX])
{
    size_t count = 0;

    while (*fields != '\0' && count < PAIRS_MAX) {
        const char *eq = strchr(fields, '=');
        const char *value, *end, *next;

        if (eq == NULL)
            break;
        value = eq + 1;
        next = strchr(value, '=');
        end = next == NULL ? value + strlen(value) : next;
        while (next != NULL && end > value && *end != ' ')
            end--;
        if (end == value && *end != ' ') /* "key=a=b": the second '=' belongs to the value */
            end = value + strlen(value);
        pairs[count++] = (struct pair){fields, value, (size_t)(eq - fields), (size_t)(end - value)};
        fields = *end == ' ' ? end + 1 : end;
    }
    return count;
}

static void
put_json(struct rs_buf *b, enum rs_level level, const char *area, const char *message,
         const struct pair *pairs, size_t count)
{
    char when[RS_TIME_TEXT_SIZE];

    rs_time_text(rs_now(), when);
    rs_buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"area\":\"%.32s\"",
                  when, level_names[level], program_name, area);
    rs_buf_put_str(b, ",\"message\":\"");
    put_escaped(b, message, strlen(message));
    rs_buf_put_str(b, "\"");
    for (size_t i = 0; i < count && room_left(b) > CLOSING_BYTES + 8; i++) {
        rs_buf_put_str(b, ",\"");
        put_escaped(b, pairs[i].key, pairs[i].key_len);
        rs_buf_put_str(b, "\":\"");
        put_escaped(b, pairs[i].value, pairs[i].value_len);
        rs_buf_put_str(b, "\"");
    }
    rs_buf_put_str(b, "}");
}

static void
put_text(struct rs_buf *b, enum rs_level level, const char *area, const char *message,
         const struct pair *pairs, size_t count)
{
    char when[RS_TIME_TEXT_SIZE];

    rs_time_text(rs_now(), when);
    rs_buf_printf(b, "%s %-5s %.32s: ", when, level_names[level], area);
    put_escaped(b, message, strlen(message));
    for (size_t i = 0; i < count && room_left(b) > CLOSING_BYTES; i++) {
        rs_buf_put_str(b, i == 0 ? "  " : " ");
        put_escaped(b, pairs[i].key, pairs[i].key_len);
        rs_buf_put_str(b, "=");
        put_escaped(b, pairs[i].value, pairs[i].value_len);
    }
}

static void
put_line(enum rs_level level, const char *area, const char *message, const struct pair *pairs,
         size_t count)
{
    uint8_t room[LINE_MAX_BYTES];
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, sizeof(room) - 1);
    if (line_format == RS_LOG_JSON)
        put_json(&b, level, area, message, pairs, count);
    else
        put_text(&b, level, area, message, pairs, count);
    room[b.len] = '\n';
    ssize_t ignored = write(STDERR_FILENO, room, b.len + 1);
    (void)ignored;
}

void
rs_log(enum rs_level level, const char *area, const char *message, const char *fmt, ...)
{
    struct pair pairs[PAIRS_MAX];
    char fields[2048];
    va_list ap;

    if (!rs_log_on(level, area))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(fields, sizeof(fields), fmt, ap);
    va_end(ap);
    put_line(level, area, message, pairs, split_fields(fields, pairs));
}

static struct pair
pair_of(const char *key, const char *value)
{
    return (struct pair){key, value, strlen(key), strlen(value)};
}

/* Not by way of rs_log(): a peer's words may be in the text, and must not become fields. */
void
rs_log_err(enum rs_level level, const char *area, const char *message, const struct rs_err *err)
{
    const struct pair pairs[] = {pair_of("code", rs_code_info(err->code)->name),
                                 pair_of("why", err->text), pair_of("detail", err->detail)};

    if (rs_log_on(level, area))
        put_line(level, area, message, pairs, err->detail[0] != '\0' ? 3 : 2);
}
