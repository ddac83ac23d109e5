/*
 * fault.c: see fault.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sims/common/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum argument {
    ARG_NONE = 0,
    ARG_DECIMAL,
    ARG_HEX,
};

struct kind_row {
    const char *name;
    enum sim_fate_kind kind;
    enum argument argument;
    int otherwise; /* when no argument is given; -2: it must be */
    int max;
};

static const struct kind_row kind_rows[] = {
    {"cut-before", SIM_FATE_CUT_BEFORE, ARG_NONE, 0, 0},
    {"cut-write", SIM_FATE_CUT_WRITE, ARG_DECIMAL, -1, 4096},
    {"cut-after", SIM_FATE_CUT_AFTER, ARG_NONE, 0, 0},
    {"cut-answered", SIM_FATE_CUT_ANSWERED, ARG_NONE, 0, 0},
    {"brownout", SIM_FATE_BROWNOUT, ARG_NONE, 0, 0},
    {"nak", SIM_FATE_NAK, ARG_NONE, 0, 0},
    {"busy", SIM_FATE_BUSY, ARG_NONE, 0, 0},
    {"crc", SIM_FATE_CRC, ARG_NONE, 0, 0},
    {"flip", SIM_FATE_FLIP, ARG_DECIMAL, 12, 8191},
    {"status", SIM_FATE_STATUS, ARG_HEX, -2, 0xFFFF},
    {"lie", SIM_FATE_LIE, ARG_HEX, -2, 0xFFFF},
    {"slow", SIM_FATE_SLOW, ARG_DECIMAL, -2, 60000},
};

static const struct kind_row *
find_kind(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++)
        if (strlen(kind_rows[i].name) == len && memcmp(kind_rows[i].name, name, len) == 0)
            return &kind_rows[i];
    return NULL;
}

/* A number of at most nine digits at *text, which moves behind it. */
static int
read_number(const char **text, int base, uint32_t *ret_value)
{
    const char *p = *text;
    size_t digits = strspn(p, base == 16 ? "0123456789abcdefABCDEF" : "0123456789");
    char copy[10];

    if (digits == 0 || digits >= sizeof(copy))
        return 0;
    memcpy(copy, p, digits);
    copy[digits] = '\0';
    *ret_value = (uint32_t)strtoul(copy, NULL, base);
    *text = p + digits;
    return 1;
}

/* "3", "3-5", "3+" */
static int
read_range(const char **text, struct sim_rule *rule)
{
    if (!read_number(text, 10, &rule->from) || rule->from == 0)
        return 0;
    rule->to = rule->from;
    if (**text == '+') {
        (*text)++;
        rule->to = UINT32_MAX;
    } else if (**text == '-') {
        (*text)++;
        return read_number(text, 10, &rule->to) && rule->to >= rule->from;
    }
    return 1;
}

static int
read_argument(const char **text, const struct kind_row *row, struct sim_rule *rule)
{
    uint32_t value;

    rule->fate.arg = row->otherwise;
    if (**text == '\0')
        return row->otherwise != -2;
    if (**text != ':' || row->argument == ARG_NONE)
        return 0;
    (*text)++;
    if (!read_number(text, row->argument == ARG_HEX ? 16 : 10, &value) ||
        value > (uint32_t)row->max || **text != '\0')
        return 0;
    rule->fate.arg = (int)value;
    return 1;
}

rs_code
sim_rules_add(struct sim_rules *rules, const char *text, unsigned *ret_id, struct rs_err *err)
{
    const char *at = strchr(text, '@'), *p;
    const struct kind_row *row = at == NULL ? NULL : find_kind(text, (size_t)(at - text));
    struct sim_rule rule = {.seen = 0};

    if (row == NULL)
        return rs_fail(err, RS_E_USAGE,
                       "fault rule: %.40s: not KIND@N; kinds are cut-before cut-write cut-after "
                       "cut-answered brownout nak busy crc flip status lie slow",
                       text);
    p = at + 1;
    rule.fate.kind = row->kind;
    if (strlen(text) >= sizeof(rule.text) || !read_range(&p, &rule) ||
        !read_argument(&p, row, &rule))
        return rs_fail(err, RS_E_USAGE, "fault rule: %.40s: use %s@N, @N-M or @N+%s", text,
                       row->name, row->argument == ARG_NONE ? "" : ", then :ARGUMENT");
    if (rules->count == SIM_RULES_MAX)
        return rs_fail(err, RS_E_USAGE, "fault rule: %.40s: this chip has %d already", text,
                       SIM_RULES_MAX);
    (void)snprintf(rule.text, sizeof(rule.text), "%s", text);
    rule.id = ++rules->last_id;
    rules->list[rules->count++] = rule;
    *ret_id = rule.id;
    return RS_OK;
}

static void
drop(struct sim_rules *rules, unsigned index)
{
    rules->count--;
    memmove(rules->list + index, rules->list + index + 1,
            (rules->count - index) * sizeof(rules->list[0]));
}

unsigned
sim_rules_clear(struct sim_rules *rules, unsigned id)
{
    unsigned before = rules->count;

    for (unsigned i = rules->count; i > 0; i--)
        if (id == 0 || rules->list[i - 1].id == id)
            drop(rules, i - 1);
    return before - rules->count;
}

struct sim_fate
sim_rules_next(struct sim_rules *rules)
{
    struct sim_fate fate = {SIM_FATE_RUN, 0};

    for (unsigned i = 0; i < rules->count;) {
        struct sim_rule *rule = &rules->list[i];

        rule->seen++;
        if (fate.kind == SIM_FATE_RUN && rule->seen >= rule->from && rule->seen <= rule->to)
            fate = rule->fate;
        if (rule->seen >= rule->to)
            drop(rules, i);
        else
            i++;
    }
    return fate;
}
