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
#define AREAS_MAX 16

static const char *const level_names[] = { "error", "warn", "info", "debug" };

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

/* Control characters would let a peer forge lines; quotes would break JSON. */
static void
put_escaped(struct rs_buf *b, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            rs_buf_printf(b, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            rs_buf_printf(b, "\\u%04x", c);
        else
            rs_buf_put_u8(b, c);
    }
}

/* "key=value key2=value with spaces key3=..." into JSON members: a key is a word before '='. */
static void
put_json_fields(struct rs_buf *b, const char *fields)
{
    while (*fields != '\0') {
        const char *eq = strchr(fields, '=');
        const char *value, *end, *next;

        if (eq == NULL)
            return;
        value = eq + 1;
        next = strchr(value, '=');
        end = next == NULL ? value + strlen(value) : next;
        while (next != NULL && end > value && *end != ' ')
            end--;
        rs_buf_put_str(b, ",\"");
        put_escaped(b, fields, (size_t)(eq - fields));
        rs_buf_put_str(b, "\":\"");
        put_escaped(b, value, (size_t)(end - value));
        rs_buf_put_str(b, "\"");
        fields = *end == ' ' ? end + 1 : end;
    }
}

static void
put_line(enum rs_level level, const char *area, const char *message, const char *fields)
{
    uint8_t room[LINE_MAX_BYTES];
    struct rs_buf b;
    char when[RS_TIME_TEXT_SIZE];

    rs_buf_init_fixed(&b, room, sizeof(room) - 1);
    rs_time_text(rs_now(), when);
    if (line_format == RS_LOG_JSON) {
        rs_buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"area\":\"%s\","
                          "\"message\":\"",
                      when, level_names[level], program_name, area);
        put_escaped(&b, message, strlen(message));
        rs_buf_put_str(&b, "\"");
        put_json_fields(&b, fields);
        rs_buf_put_str(&b, "}");
    } else {
        rs_buf_printf(&b, "%s %-5s %s: ", when, level_names[level], area);
        put_escaped(&b, message, strlen(message));
        if (fields[0] != '\0')
            rs_buf_put_str(&b, "  ");
        put_escaped(&b, fields, strlen(fields));
    }
    room[b.len] = '\n';
    ssize_t ignored = write(STDERR_FILENO, room, b.len + 1);
    (void)ignored;
}

void
rs_log(enum rs_level level, const char *area, const char *message, const char *fmt, ...)
{
    char fields[2048];
    va_list ap;

    if (!rs_log_on(level, area))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(fields, sizeof(fields), fmt, ap);
    va_end(ap);
    put_line(level, area, message, fields);
}

void
rs_log_err(enum rs_level level, const char *area, const char *message, const struct rs_err *err)
{
    if (err->detail[0] != '\0')
        rs_log(level, area, message, "code=%s why=%s detail=%s", rs_code_info(err->code)->name,
               err->text, err->detail);
    else
        rs_log(level, area, message, "code=%s why=%s", rs_code_info(err->code)->name, err->text);
}
