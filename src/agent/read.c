/*
 * read.c: what the agent reads that others wrote: the server, or a disk after a crash.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/inner.h"
#include "base/json.h"

int
read_generation(const char *name, struct generation *g)
{
    char again[32];
    unsigned number, slot;

    if (sscanf(name, "id-%9u-%1u", &number, &slot) != 2 || slot >= AGENT_SLOTS)
        return 0;
    (void)snprintf(again, sizeof(again), "id-%u-%u", number, slot);
    if (strcmp(name, again) != 0)
        return 0;
    g->is_there = 1;
    g->number = number;
    g->slot = slot;
    return 1;
}

/* A count, or a time before the year 10000; anything else was not written by us. */
static int64_t
int_or(const json_t *j, const char *name)
{
    int64_t v = json_integer_value(json_object_get(j, name));

    return v > 0 && v <= AGENT_NUMBER_MAX ? v : 0;
}

void
read_memory(struct rs_bytes text, struct memory *m)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;

    memset(m, 0, sizeof(*m));
    if (rs_json_read(text, &j, NULL) != RS_OK || !json_is_object(j))
        return;
    m->heard_at = int_or(j, "heard");
    m->checked_at = int_or(j, "checked");
    m->tried_at = int_or(j, "tried");
    m->next_at = int_or(j, "next");
    m->failures = int_or(j, "failures");
    (void)snprintf(m->code, sizeof(m->code), "%s", rs_json_text_or(j, "code", ""));
    (void)snprintf(m->text, sizeof(m->text), "%s", rs_json_text_or(j, "text", ""));
}
