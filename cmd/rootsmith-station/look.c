/*
 * look.c: enroll, check, status, orders, journal show.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <rot/linux.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/secret.h"
#include "client/est.h"
#include "program.h"
#include "x509/cert.h"

#define TOKEN_MAX 128
#define FILE_MAX  65536

static const char *
sign_ok(void)
{
    return terminal_is_utf8() ? "✓" : "ok";
}

/* ---- Enrolment --------------------------------------------------------------------- */

/* A line from the terminal without echo, or from a pipe. */
static rs_code
read_line(struct rs_secret *ret, struct rs_err *err)
{
    struct termios before, quiet;
    int is_tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    char *got;
    rs_code rc = rs_secret_init(ret, TOKEN_MAX, err);

    if (rc != RS_OK)
        return rc;
    if (is_tty) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)fputs("Token: ", stderr);
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    got = fgets((char *)ret->p, TOKEN_MAX, stdin);
    if (is_tty) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputs("****-****-****-****-****\n", stderr);
    }
    if (got == NULL)
        return rs_fail(err, RS_E_AUTH_TOKEN, "token: nothing came");
    ret->len = strlen((const char *)ret->p);
    return RS_OK;
}

static rs_code
enroll(const struct options *o, const char *name, struct home *ret_home, struct rs_err *err)
{
    RS_AUTO(rs_secret_done) struct rs_secret token = {0};
    rs_code rc = strcmp(o->token, "-") == 0 ? read_line(&token, err)
                                            : rs_secret_read_file(o->token, &token, err);

    if (rc != RS_OK)
        return rc;
    return home_enroll(o->data, o->url, name, rs_bytes_of(token.p, token.len), o->key, ret_home,
                       err);
}

/* When the station's own certificate ends; 0 when it cannot be read. */
static int64_t
certificate_end(const struct home *home)
{
    struct rs_bytes text;
    struct cert cert;
    RS_AUTO(rs_buf_done) struct rs_buf pem = {0};
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};

    rs_buf_init(&pem, FILE_MAX);
    rs_buf_init(&der, CERT_BYTES_MAX);
    if (rs_file_read(home->cert_path, FILE_MAX, &pem, NULL) != RS_OK)
        return 0;
    text = rs_buf_bytes(&pem);
    if (cert_next_pem(&text, "CERTIFICATE", &der, NULL) != RS_OK ||
        cert_read(rs_buf_bytes(&der), &cert, NULL) != RS_OK)
        return 0;
    return cert.not_after;
}

int
program_enroll(const struct options *o)
{
    char host[64] = "station", until[RS_TIME_TEXT_SIZE];
    const char *name = o->name;
    struct home home;
    struct rs_err err = {0};

    if (name == NULL) {
        (void)gethostname(host, sizeof(host) - 1);
        host[strcspn(host, ".")] = '\0';
        name = host;
    }
    if (enroll(o, name, &home, &err) != RS_OK)
        return program_refuse(o, "Not enrolled", &err);
    rs_time_text(certificate_end(&home), until);
    if (o->json) {
        (void)printf(
            "{\"kind\":\"station\",\"name\":\"%s\",\"state\":\"active\",\"until\":\"%s\"}\n",
            home.name, until);
        return EXIT_DONE;
    }
    (void)printf("  %s server            proved that it knows the token\n", sign_ok());
    (void)printf("  %s station key       made in a file, P-256 (%s)\n", sign_ok(), home.key_path);
    (void)printf("  %s certificate       %s, until %.10s\n", sign_ok(), home.name, until);
    (void)printf(
        "  %s channel secret    %s: keep a copy, it opens every part that this station pairs\n",
        sign_ok(), home.channel_path);
    (void)printf("  ! no hardware counter in this machine: quota is \"soft\"\n\nNext\n"
                 "  rootsmith-station check       tries every fixture, writes nothing\n"
                 "  rootsmith-station run\n");
    return EXIT_DONE;
}

/* ---- Check --------------------------------------------------------------------------- */

static rs_code
fetch_orders(const struct home *home, struct station_order *list, size_t cap, size_t *ret_count,
             struct rs_err *err)
{
    struct web *web = NULL;
    rs_code rc = home_connect(home, &web, err);

    if (rc == RS_OK)
        rc = station_orders(web, list, cap, ret_count, err);
    web_close(web);
    return rc;
}

static rs_code
check_foreign(const struct station_est *est, struct rs_err *err)
{
    struct rs_bytes certs[CLIENT_EST_CERTS_MAX];
    struct web *web = NULL;
    size_t count = 0;
    rs_code rc = foreign_connect(est, &web, err);

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 1u << 20);
    if (rc == RS_OK)
        rc = client_est_cacerts(web, est->label, &arena, certs, &count, err);
    web_close(web);
    return rc;
}

int
program_check(const struct options *o)
{
    static struct station_order list[16];
    static struct nest_file nests;
    struct home home;
    struct options full;
    struct rs_err err = {0};
    size_t count = 0;
    int code;

    RS_AUTO(rs_arena_done) struct rs_arena arena = {0};
    rs_arena_init(&arena, 1u << 20);
    code = options_complete(o, "Not ready", &home, &arena, &full);
    if (code != EXIT_DONE)
        return code;
    if (full.est.server != NULL) {
        if (check_foreign(&full.est, &err) != RS_OK)
            return program_refuse(o, "Not ready", &err);
        (void)printf("  %s server       %s, not ours\n", sign_ok(), full.est.server);
    } else {
        if (fetch_orders(&home, list, 16, &count, &err) != RS_OK)
            return program_refuse(o, "Not ready", &err);
        (void)printf("  %s server       %s, %zu open orders\n", sign_ok(), home.server, count);
    }
    code = options_nests(&full, "Not ready", &nests);
    return code == EXIT_DONE ? fixtures_look(&full, &nests) : code;
}

/* ---- Orders and status ------------------------------------------------------------------ */

static void
put_orders_json(const struct station_order *list, size_t count)
{
    json_t *items = json_array();
    RS_AUTO(rs_buf_done) struct rs_buf text = {0};
    RS_AUTO(rs_json_done) json_t *j = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct station_order *w = &list[i];
        (void)json_array_append_new(
            items,
            json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "kind", "order",
                      "name", w->name, "rot", w->rot, "layout", w->layout, "serials", w->serials,
                      "quantity", (json_int_t)w->quantity, "target", (json_int_t)w->target,
                      "signed", (json_int_t)w->signed_, "good", (json_int_t)w->good, "share",
                      (json_int_t)w->share, "taken", (json_int_t)w->taken));
    }
    j = json_pack("{s:o}", "items", items);
    rs_buf_init(&text, 1u << 20);
    rs_json_put(&text, j);
    (void)printf("%.*s\n", (int)text.len, (const char *)text.p);
}

int
program_orders(const struct options *o)
{
    static struct station_order list[64];
    struct home home;
    struct rs_err err = {0};
    size_t count = 0;

    if (home_open(o->data, &home, &err) != RS_OK ||
        fetch_orders(&home, list, 64, &count, &err) != RS_OK)
        return program_refuse(o, "No orders", &err);
    count = count > 64 ? 64 : count;
    if (o->json) {
        put_orders_json(list, count);
        return EXIT_DONE;
    }
    (void)printf("%-24s  %-12s  %8s  %8s  %8s  %8s\n", "ORDER", "CHIP", "QUANTITY", "SIGNED",
                 "GOOD", "SHARE");
    for (size_t i = 0; i < count; i++)
        (void)printf("%-24s  %-12s  %8lld  %8lld  %8lld  %8lld\n", list[i].name, list[i].rot,
                     (long long)list[i].quantity, (long long)list[i].signed_,
                     (long long)list[i].good, (long long)list[i].share);
    return EXIT_DONE;
}

/* What status reads out of the journal. */
struct past {
    struct memory *memory;
    struct {
        char order[STATION_TEXT_MAX];
        struct cycle cycle;
    } orders[STATION_ORDERS_MAX]; /* the first so many */
    size_t order_count;
};

static void
take_times(struct past *past, struct rs_bytes event)
{
    RS_AUTO(rs_json_done) json_t *j = NULL;
    const char *order;
    size_t i = 0;

    if (rs_json_read(event, &j, NULL) != RS_OK)
        return;
    order = rs_json_text_or(j, "order", "");
    while (i < past->order_count && strcmp(past->orders[i].order, order) != 0)
        i++;
    if (i == STATION_ORDERS_MAX)
        return;
    if (i == past->order_count)
        (void)snprintf(past->orders[past->order_count++].order, STATION_TEXT_MAX, "%s", order);
    cycle_add_event(&past->orders[i].cycle, j);
}

static rs_code
take_record(void *arg, const struct journal_record *record, struct rs_err *err)
{
    struct past *past = arg;

    if (record->type == JOURNAL_END && record->field[JOURNAL_JSON].p != NULL &&
        rs_bytes_equal(record->field[JOURNAL_STATE], rs_bytes_str("pass")))
        take_times(past, record->field[JOURNAL_JSON]);
    return memory_take(past->memory, record, err);
}

static void
put_status_json(const struct home *home, const struct past *past, const char *until, size_t unsent)
{
    struct memory_counts c = memory_counts(past->memory);
    json_t *orders = json_array();
    RS_AUTO(rs_json_done) json_t *j = NULL;
    RS_AUTO(rs_buf_done) struct rs_buf text;

    for (size_t i = 0; i < past->order_count; i++) {
        struct cycle_summary summary;
        cycle_summarise(&past->orders[i].cycle, &summary);
        (void)json_array_append_new(orders, json_pack("{s:s, s:o}", "order", past->orders[i].order,
                                                      "cycle", cycle_json(&summary)));
    }
    j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "kind", "station", "name",
                  home->name, "server", home->server, "until", until, "passed",
                  (json_int_t)c.passed, "rejected", (json_int_t)c.rejected, "scrapped",
                  (json_int_t)c.scrapped, "unsent", (json_int_t)unsent, "orders", orders);
    rs_buf_init(&text, 1u << 20);
    rs_json_put(&text, j);
    (void)printf("%.*s\n", (int)text.len, (const char *)text.p);
}

static void
put_status(const struct home *home, const struct past *past, const char *until, size_t unsent)
{
    struct memory_counts c = memory_counts(past->memory);

    (void)printf("%s   %s\n  certificate  until %.10s\n  boards       %llu passed, %llu rejected, "
                 "%llu scrapped\n  reports      %zu not yet at the server\n",
                 home->name, home->server, until, (unsigned long long)c.passed,
                 (unsigned long long)c.rejected, (unsigned long long)c.scrapped, unsent);
    for (size_t i = 0; i < past->order_count; i++) {
        struct cycle_summary s;
        cycle_summarise(&past->orders[i].cycle, &s);
        if (s.boards > 0)
            (void)printf("  %-12s %s: %.1f s median, %.1f s p95, slowest %s %.1f s (%zu boards)\n",
                         i == 0 ? "cycle" : "", past->orders[i].order, s.whole.median_ms / 1e3,
                         s.whole.p95_ms / 1e3, recipe_step_name(s.slowest),
                         s.steps[s.slowest].median_ms / 1e3, s.boards);
    }
}

int
program_status(const struct options *o)
{
    struct past *past = calloc(1, sizeof(*past));
    struct home home;
    struct rs_err err = {0};
    char until[RS_TIME_TEXT_SIZE];
    size_t unsent = 0;
    rs_code rc = home_open(o->data, &home, &err);

    if (past != NULL)
        past->memory = memory_new();
    if (rc == RS_OK && (past == NULL || past->memory == NULL))
        rc = rs_fail(&err, RS_E_NO_MEMORY, "status: no memory");
    if (rc == RS_OK && rs_path_exists(home.journal_path))
        rc = journal_look(home.journal_path, take_record, past, &err);
    if (rc == RS_OK) {
        for (const struct memory_report *r = memory_reports(past->memory); r != NULL; r = r->next)
            unsent++;
        rs_time_text(certificate_end(&home), until);
        (o->json ? put_status_json : put_status)(&home, past, until, unsent);
    }
    if (past != NULL)
        memory_free(past->memory);
    free(past);
    return rc == RS_OK ? EXIT_DONE : program_refuse(o, "No status", &err);
}

/* ---- Journal ------------------------------------------------------------------------------- */

static void
put_text_field(const struct journal_record *r, enum journal_field field, const char *name)
{
    if (r->field[field].p != NULL)
        (void)printf("  %s %.*s", name, (int)r->field[field].len, (const char *)r->field[field].p);
}

static void
put_hex_field(const struct journal_record *r, enum journal_field field, const char *name,
              size_t max)
{
    struct rs_bytes value = r->field[field];
    char text[2 * 64 + 1];

    if (value.p == NULL)
        return;
    value.len = value.len > max ? max : value.len;
    rs_hex(value, text, sizeof(text));
    (void)printf("  %s %s%s", name, text, r->field[field].len > max ? "..." : "");
}

static rs_code
show_record(void *arg, const struct journal_record *r, struct rs_err *err)
{
    char time[RS_TIME_TEXT_SIZE];

    (void)arg;
    (void)err;
    rs_time_text(r->time_ms / 1000, time);
    (void)printf("%8llu  %s  %-6s", (unsigned long long)r->number, time,
                 journal_type_name(r->type));
    if (r->board != 0)
        (void)printf("  %s %llu", r->type == JOURNAL_POSTED ? "next" : "board",
                     (unsigned long long)r->board);
    put_text_field(r, JOURNAL_FIXTURE, "fixture");
    put_text_field(r, JOURNAL_DEVICE, "serial");
    put_text_field(r, JOURNAL_ORDER, "order");
    put_text_field(r, JOURNAL_MODEL, "model");
    put_hex_field(r, JOURNAL_UID, "uid", 32);
    put_hex_field(r, JOURNAL_STAGE, "stage", 3);
    put_hex_field(r, JOURNAL_SPKI, "key", 64);
    put_hex_field(r, JOURNAL_CERTDER, "certificate", 16);
    put_text_field(r, JOURNAL_STATE, "state");
    put_text_field(r, JOURNAL_CODE, "code");
    if (r->type == JOURNAL_EVENT)
        put_text_field(r, JOURNAL_JSON, "event");
    (void)printf("\n");
    return RS_OK;
}

int
program_journal(const struct options *o)
{
    struct home home;
    struct rs_err err = {0};
    rs_code rc = home_open(o->data, &home, &err);

    if (rc == RS_OK)
        rc = journal_look(home.journal_path, show_record, NULL, &err);
    return rc == RS_OK ? EXIT_DONE : program_refuse(o, "No journal", &err);
}
