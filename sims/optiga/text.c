/*
 * text.c: see text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/optiga/text.h"

#include <stdio.h>

#define TEXT_MAX 256

int
optiga_is_secret(const struct optiga_object *o)
{
    if (o->place->kind != OPTIGA_KIND_DATA)
        return 1;
    return o->meta.type == OPTIGA_TYPE_SECRET || o->meta.type == OPTIGA_TYPE_BINDING ||
           o->meta.type == OPTIGA_TYPE_UPDATE || o->meta.type == OPTIGA_TYPE_AUTOREF;
}

struct word {
    uint8_t code;
    size_t size;
    const char *text; /* of what is before the operand */
};

static const struct word words[] = {
    {0x00, 1, "always"},    {0xFF, 1, "never"},     {0xFD, 1, " and "}, {0xFE, 1, " or "},
    {0x10, 2, "status-g "}, {0x90, 2, "status-a "}, {0x20, 3, "Conf "}, {0x21, 3, "Int "},
    {0x23, 3, "Auto "},     {0x40, 3, "count "},    {0x70, 3, "LcsG"},  {0xE0, 3, "LcsA"},
    {0xE1, 3, "LcsO"},
};

static const struct word *
find_word(uint8_t code)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (words[i].code == code)
            return &words[i];
    return NULL;
}

static int
word_text(const struct word *w, const uint8_t *p, char *text, size_t cap)
{
    if (w->size == 1)
        return snprintf(text, cap, "%s", w->text);
    if (w->size == 2)
        return snprintf(text, cap, "%s%02X", w->text, p[1]);
    if (p[1] < 0xFA || w->text[0] != 'L')
        return snprintf(text, cap, "%s%02X%02X", w->text, p[1], p[2]);
    return snprintf(text, cap, "%s%s%02X", w->text,
                    p[1] == 0xFA   ? "="
                    : p[1] == 0xFB ? ">"
                                   : "<",
                    p[2]);
}

void
optiga_expr_text(const struct optiga_expr *e, char *text, size_t cap)
{
    size_t len = 0;

    (void)snprintf(text, cap, "%s", e->len == 0 ? "never" : "");
    for (size_t at = 0; at < e->len && len < cap;) {
        const struct word *w = find_word(e->p[at]);

        if (w == NULL || w->size > e->len - at) {
            (void)snprintf(text + len, cap - len, "?");
            return;
        }
        len += (size_t)word_text(w, e->p + at, text + len, cap - len);
        at += w->size;
    }
}

int
optiga_conditions_out(const struct optiga_meta *m, json_t *out)
{
    const struct {
        const char *name;
        const struct optiga_expr *e;
    } rows[] = {{"change", &m->change}, {"read", &m->read}, {"execute", &m->execute}};
    char text[TEXT_MAX];
    int ok = json_object_set_new(out, "life", json_integer(optiga_lcso(m))) == 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        optiga_expr_text(rows[i].e, text, sizeof(text));
        ok = json_object_set_new(out, rows[i].name, json_string(text)) == 0 && ok;
    }
    return ok;
}
