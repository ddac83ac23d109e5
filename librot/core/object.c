/*
 * object.c: objects as people write them.
 *
 * A name is a kind, and for the kinds of which there are several "/index".
 * Index 0 may be left out.  There is one spelling otherwise: no leading
 * zeroes, no sign, no blank, so that a name can be compared as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core.h"

#define INDEX_MAX 255u

struct kind_name {
    char text[10];
    uint8_t kind;
};

/* The kind IDEVID has one object and no index. */
static const struct kind_name kind_names[] = {
    {"idevid", ROT_KIND_IDEVID},   {"ldevid", ROT_KIND_LDEVID},     {"trust", ROT_KIND_TRUST},
    {"data", ROT_KIND_DATA},       {"firmware", ROT_KIND_FIRMWARE}, {"session", ROT_KIND_SESSION},
    {"counter", ROT_KIND_COUNTER}, {"attest", ROT_KIND_ATTEST},     {"vendor", ROT_KIND_VENDOR},
    {"channel", ROT_KIND_CHANNEL},
};

#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

/* Length of name if text begins with it, up to '/' or the end; 0 otherwise. */
static size_t
match_kind(const char *text, const char *name)
{
    size_t n = 0;

    while (name[n] != '\0' && text[n] == name[n])
        n++;
    if (name[n] != '\0' || (text[n] != '\0' && text[n] != '/'))
        return 0;
    return n;
}

/* "/0" to "/255", and nothing behind it. */
static rot_err
parse_index(const char *text, unsigned *ret_index)
{
    unsigned value = 0;
    size_t i;

    if (text[0] != '/' || text[1] == '\0' || (text[1] == '0' && text[2] != '\0'))
        return ROT_E_FORMAT;
    for (i = 1; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ROT_E_FORMAT;
        value = value * 10 + (unsigned)(text[i] - '0');
        if (value > INDEX_MAX)
            return ROT_E_FORMAT;
    }
    *ret_index = value;
    return ROT_OK;
}

rot_err
rot_object_parse(const char *text, rot_object *ret_object)
{
    unsigned index = 0;
    size_t i, n = 0;

    if (text == NULL || ret_object == NULL)
        return ROT_E_ARG;
    for (i = 0; i < KIND_COUNT; i++) {
        n = match_kind(text, kind_names[i].text);
        if (n != 0)
            break;
    }
    if (n == 0)
        return ROT_E_FORMAT;
    if (text[n] != '\0') {
        if (kind_names[i].kind == ROT_KIND_IDEVID || parse_index(text + n, &index) != ROT_OK)
            return ROT_E_FORMAT;
    }
    *ret_object = ROT_OBJECT(kind_names[i].kind, index);
    return ROT_OK;
}

static char *
put_index(char *p, unsigned index)
{
    *p++ = '/';
    if (index >= 100)
        *p++ = (char)('0' + index / 100);
    if (index >= 10)
        *p++ = (char)('0' + index / 10 % 10);
    *p++ = (char)('0' + index % 10);
    return p;
}

rot_err
rot_object_name(rot_object obj, char name[ROT_NAME_MAX])
{
    unsigned kind = (unsigned)obj >> 8;
    unsigned index = ROT_OBJECT_INDEX(obj);
    char *p = name;
    size_t i;

    if (name == NULL)
        return ROT_E_ARG;
    for (i = 0; i < KIND_COUNT && kind_names[i].kind != kind; i++)
        continue;
    if (i == KIND_COUNT || (kind == ROT_KIND_IDEVID && index != 0))
        return ROT_E_ARG;

    for (const char *t = kind_names[i].text; *t != '\0'; t++)
        *p++ = *t;
    if (kind != ROT_KIND_IDEVID)
        p = put_index(p, index);
    *p = '\0';
    return ROT_OK;
}
