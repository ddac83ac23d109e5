/*
 * plain.c: the plain view: what happened to a board, in the operator's words,
 * then the detail for the supervisor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "program.h"

int
terminal_is_utf8(void)
{
    (void)setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void
put_detail(const struct station_end *end)
{
    const struct recipe_result *r = end->result;
    char uid[2 * ROT_UID_MAX + 1];

    rs_hex(rs_bytes_of(r->uid, r->uid_len), uid, sizeof(uid));
    (void)printf("          %s\n", end->operator_);
    if (end->tile == TILE_PASS)
        return;
    if (end->what[0] != '\0')
        (void)printf("  found   %s\n", end->what);
    (void)printf("  detail  %s: %s\n", recipe_step_name(r->step), r->err.text);
    (void)printf("          chip %s, %s, %s\n", uid[0] != '\0' ? uid : "unknown",
                 r->was_irreversible ? "something was sealed or signed"
                 : r->began          ? "nothing that cannot be undone was done"
                                     : "nothing was written",
                 r->identity_used ? "an identity was used" : "no identity used");
    (void)printf("          explain: rootsmith explain %s   event %llu\n",
                 rs_code_info(r->code)->name, (unsigned long long)end->event);
}

void
plain_on_end(void *arg, const struct station_end *end)
{
    struct rs_utc utc;

    (void)arg;
    rs_utc_from_time(rs_now(), &utc);
    (void)printf("%02d:%02d:%02d  fixture %s  %s  %s%s%s  %lld.%lld s\n", utc.hour, utc.minute,
                 utc.second, end->fixture, end->device,
                 tile_word(end->tile == TILE_BUSY ? TILE_AGAIN : end->tile),
                 end->failure != NULL ? "  " : "", end->failure != NULL ? end->failure->class : "",
                 (long long)(end->took_ms / 1000), (long long)(end->took_ms % 1000 / 100));
    if (end->failure != NULL)
        put_detail(end);
    (void)fflush(stdout);
}
