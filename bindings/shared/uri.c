/*
 * uri.c: rot: URIs, read and written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "uri.h"

#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {"", "private", "public", "cert", "chain", "trust"};
#define TYPES (sizeof(type_names) / sizeof(type_names[0]))

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One character, decoded: how many it took of the text; 0 when it may not stand there. */
static size_t
take_char(const char *p, size_t len, char *ret)
{
    unsigned char c = (unsigned char)*p;
    int high, low;

    if (c != '%') {
        *ret = *p;
        return c > 0x20 && c != 0x7f && c != '?' ? 1 : 0;
    }
    if (len < 3)
        return 0;
    high = hex_value(p[1]);
    low = hex_value(p[2]);
    if (high < 0 || low < 0)
        return 0;
    c = (unsigned char)(high * 16 + low);
    *ret = (char)c;
    return c >= 0x20 && c != 0x7f ? 3 : 0;
}

/* Decode a part of the text; 0 when it is empty, malformed or too long. */
static int
take_value(const char *p, size_t len, char *value, size_t cap)
{
    size_t n = 0;

    while (len > 0) {
        char c = '\0';
        size_t used = take_char(p, len, &c);

        if (used == 0 || n + 1 >= cap)
            return 0;
        value[n++] = c;
        p += used;
        len -= used;
    }
    value[n] = '\0';
    return n > 0;
}

static int
take_type(const char *value, enum rot_uri_type *ret_type)
{
    for (size_t i = 1; i < TYPES; i++) {
        if (strcmp(value, type_names[i]) == 0) {
            *ret_type = (enum rot_uri_type)i;
            return 1;
        }
    }
    return 0;
}

/* "NAME=VALUE", len bytes of it; each name once. */
static int
take_parameter(const char *p, size_t len, struct rot_uri *uri)
{
    const char *equals = memchr(p, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - p) : 0;
    char value[ROT_NAME_MAX];

    if (equals == NULL || !take_value(equals + 1, len - name_len - 1, value, sizeof(value)))
        return 0;
    if (name_len == 6 && memcmp(p, "object", 6) == 0)
        return uri->object == 0 && rot_object_parse(value, &uri->object) == ROT_OK;
    if (name_len == 4 && memcmp(p, "type", 4) == 0)
        return uri->type == ROT_URI_ALL && take_type(value, &uri->type);
    if (name_len == 6 && memcmp(p, "layout", 6) == 0 && uri->layout[0] == '\0') {
        memcpy(uri->layout, value, strlen(value) + 1);
        return 1;
    }
    return 0;
}

rot_err
rot_uri_parse(const char *text, struct rot_uri *ret_uri)
{
    struct rot_uri uri;
    const char *p;
    size_t len;

    if (text == NULL || ret_uri == NULL)
        return ROT_E_ARG;
    if (strnlen(text, ROT_URI_MAX) == ROT_URI_MAX || strncmp(text, "rot:", 4) != 0)
        return ROT_E_FORMAT;
    memset(&uri, 0, sizeof(uri));
    p = text + 4;
    len = strcspn(p, ";");
    if (!take_value(p, len, uri.chip, sizeof(uri.chip)))
        return ROT_E_FORMAT;
    for (p += len; *p == ';'; p += len) {
        p++;
        len = strcspn(p, ";");
        if (!take_parameter(p, len, &uri))
            return ROT_E_FORMAT;
    }
    *ret_uri = uri;
    return ROT_OK;
}

/* ---- Writing ------------------------------------------------------------------ */

struct out {
    char *text;
    size_t cap, len;
};

static void
put(struct out *o, const char *text)
{
    size_t n = strlen(text);

    if (o->len + n < o->cap)
        memcpy(o->text + o->len, text, n + 1);
    o->len += n;
}

static void
put_escaped(struct out *o, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char one[4] = {*text, '\0'};

        if (c <= 0x20 || c >= 0x7f || strchr(";?%", *text) != NULL)
            (void)snprintf(one, sizeof(one), "%%%02x", c);
        put(o, one);
    }
}

rot_err
rot_uri_format(const struct rot_uri *uri, char *text, size_t cap)
{
    struct out o = {.text = text, .cap = cap};
    char name[ROT_NAME_MAX];

    if (uri == NULL || text == NULL || uri->chip[0] == '\0' || (size_t)uri->type >= TYPES)
        return ROT_E_ARG;
    put(&o, "rot:");
    put_escaped(&o, uri->chip);
    if (uri->object != 0) {
        if (rot_object_name(uri->object, name) != ROT_OK)
            return ROT_E_ARG;
        put(&o, ";object=");
        put(&o, name);
    }
    if (uri->type != ROT_URI_ALL) {
        put(&o, ";type=");
        put(&o, type_names[uri->type]);
    }
    if (uri->layout[0] != '\0') {
        put(&o, ";layout=");
        put_escaped(&o, uri->layout);
    }
    return o.len < cap && o.len < ROT_URI_MAX ? ROT_OK : ROT_E_SPACE;
}
