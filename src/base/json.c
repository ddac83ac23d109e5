/*
 * json.c: strict reading over jansson, with limits checked before it.
 *
 * jansson bounds neither depth nor members as tightly as we want, so a pre-scan
 * walks the text once: it understands strings, brackets and commas only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/json.h"

#include <string.h>

#define DEPTH_MAX      8
#define MEMBERS_MAX    256
#define LIST_MAX_ITEMS 4096
#define NUMBER_MAX     20

/* What an off-by-one, planted to prove the fuzz target, lets through. */
#ifdef RS_PLANTED_BUG_json
#define SLACK 1u
#else
#define SLACK 0u
#endif

struct scan {
    size_t members[DEPTH_MAX + 1];
    char open[DEPTH_MAX + 1];
    unsigned depth;
    size_t number;
};

/* Skip a string; the index of its closing quote, or the end. */
static size_t
skip_string(struct rs_bytes text, size_t i)
{
    for (i++; i < text.len && text.p[i] != '"'; i++) {
        if (text.p[i] == '\\')
            i++;
    }
    return i;
}

static int
scan_char(struct scan *s, uint8_t c)
{
    int digit = (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';

    s->number = digit ? s->number + 1 : 0;
    if (s->number > NUMBER_MAX)
        return 0;
    if (c == '{' || c == '[') {
        if (++s->depth > DEPTH_MAX + SLACK)
            return 0;
        s->members[s->depth] = 1;
        s->open[s->depth] = (char)c;
    } else if ((c == '}' || c == ']') && s->depth > 0) {
        s->depth--;
    } else if (c == ',') {
        size_t max = s->open[s->depth] == '[' ? LIST_MAX_ITEMS : MEMBERS_MAX;
        return ++s->members[s->depth] <= max;
    }
    return 1;
}

static int
within_limits(struct rs_bytes text)
{
    struct scan s = {0};

    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] == '"')
            i = skip_string(text, i);
        else if (!scan_char(&s, text.p[i]))
            return 0;
    }
    return 1;
}

rs_code
rs_json_read(struct rs_bytes text, json_t **ret_json, struct rs_err *err)
{
    json_error_t why;
    json_t *j;

    if (!within_limits(text))
        return rs_fail(err, RS_E_REQUEST_FORMAT,
                       "JSON: deeper than %d, over %d members, or a number over %d characters",
                       DEPTH_MAX, MEMBERS_MAX, NUMBER_MAX);
    j = json_loadb(text.len ? (const char *)text.p : "", text.len, JSON_REJECT_DUPLICATES, &why);
    if (j == NULL)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "JSON: line %d, column %d: %.120s", why.line,
                       why.column, why.text);
    *ret_json = j;
    return RS_OK;
}

static int
append(const char *buffer, size_t size, void *data)
{
    rs_buf_put(data, buffer, size);
    return 0;
}

void
rs_json_put(struct rs_buf *out, const json_t *json)
{
    if (json_dump_callback(json, append, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        out->failed = 1;
}

rs_code
rs_json_text(const json_t *object, const char *name, const char **ret_text, struct rs_err *err)
{
    const json_t *v = json_object_get(object, name);

    if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "JSON: \"%s\" must be a text", name);
    *ret_text = json_string_value(v);
    return RS_OK;
}

rs_code
rs_json_int(const json_t *object, const char *name, int64_t min, int64_t max, int64_t *ret_value,
            struct rs_err *err)
{
    const json_t *v = json_object_get(object, name);

    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return rs_fail(err, RS_E_REQUEST_FORMAT, "JSON: \"%s\" must be a number of %lld to %lld",
                       name, (long long)min, (long long)max);
    *ret_value = json_integer_value(v);
    return RS_OK;
}

rs_code
rs_json_hex(const json_t *object, const char *name, uint8_t *buf, size_t cap, size_t *ret_len,
            struct rs_err *err)
{
    const char *text;
    rs_code rc = rs_json_text(object, name, &text, err);

    if (rc != RS_OK)
        return rc;
    if (strpbrk(text, "ABCDEF") != NULL || !rs_hex_read(text, strlen(text), buf, cap, ret_len))
        return rs_fail(err, RS_E_REQUEST_FORMAT,
                       "JSON: \"%s\" must be lower-case hex of at most %zu bytes", name, cap);
    return RS_OK;
}

const char *
rs_json_text_or(const json_t *object, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : otherwise;
}
