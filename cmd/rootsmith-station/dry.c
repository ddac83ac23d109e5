/*
 * dry.c: `run --dry-run`: all that a run looks at, and what it would do.
 *
 * Nothing is written: not to a part, not to the journal, and the server is only asked for its
 * orders.  Parts are opened as in a run and read.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/json.h"
#include "program.h"
#include "station/plan.h"

#define LINE_MAX_CHARS 1024
#define TEXT_MAX       16384
#define ORDERS_MAX     64

struct dry {
    const struct options *o;
    const struct nest_file *nests;
    struct wires wires;
    struct memory *memory;
    struct station_order orders[STATION_ORDERS_MAX];
    size_t order_count;
    struct wire wire;
    struct nest listed; /* where the list says that a board is */
    size_t irreversible, boards;
    int worst; /* exit code */
};

/* ---- What a run would know ------------------------------------------------------- */

static rs_code
take_record(void *arg, const struct journal_record *record, struct rs_err *err)
{
    return memory_take(arg, record, err);
}

static rs_code
fetch_orders(struct dry *d, const struct home *home, struct rs_err *err)
{
    struct station_config config = {.nests = d->nests, .order_count = d->o->order_count};
    struct station_order *list = calloc(ORDERS_MAX, sizeof(*list));
    struct web *web = NULL;
    size_t count = 0;
    rs_code rc = list != NULL ? home_connect(home, &web, err)
                              : rs_fail(err, RS_E_NO_MEMORY, "orders: no memory");

    memcpy(config.orders, d->o->orders, sizeof(config.orders));
    if (rc == RS_OK)
        rc = station_orders(web, list, ORDERS_MAX, &count, err);
    if (rc == RS_OK)
        rc = station_choose_orders(&config, list, count < ORDERS_MAX ? count : ORDERS_MAX,
                                   d->orders, &d->order_count, err);
    web_close(web);
    free(list);
    return rc;
}

/* Another PKI's: what station.yaml says is all there is. */
static void
take_est(struct dry *d)
{
    struct station_order *o = &d->orders[0];

    (void)snprintf(o->name, sizeof(o->name), "%s", d->o->order_count > 0 ? d->o->orders[0] : "est");
    (void)snprintf(o->rot, sizeof(o->rot), "%s", d->o->est.rot);
    (void)snprintf(o->serials, sizeof(o->serials), "%s", d->o->est.serials);
    o->quantity = o->target = o->share = d->o->est.quantity;
    d->order_count = 1;
}

static rs_code
prepare(struct dry *d, const struct home *home, struct rs_err *err)
{
    rs_code rc = RS_OK;

    d->memory = memory_new();
    if (d->memory == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "journal: no memory");
    if (rs_path_exists(home->journal_path))
        rc = journal_look(home->journal_path, take_record, d->memory, err);
    if (rc == RS_OK && d->o->est.server == NULL)
        rc = fetch_orders(d, home, err);
    else if (rc == RS_OK)
        take_est(d);
    return rc;
}

/* ---- One nest -------------------------------------------------------------------- */

/* The order of a label in a nest; without a label the only one for its part. */
static const struct station_order *
find_order(const struct dry *d, const struct nest *nest, const char *device, struct rs_err *err)
{
    const struct station_order *found = NULL;

    for (size_t i = 0; i < d->order_count; i++) {
        const struct station_order *o = &d->orders[i];
        if ((nest->part[0] != '\0' && strcmp(nest->part, o->rot) != 0) ||
            (device[0] != '\0' && !station_serial_fits(o->serials, device)))
            continue;
        if (found != NULL) {
            (void)rs_fail(err, RS_E_LABEL_PATTERN, "it may be of %s or of %s", found->name,
                          o->name);
            return NULL;
        }
        found = o;
    }
    if (found == NULL)
        (void)rs_fail(err, RS_E_LABEL_PATTERN, "%s%sis a board of none of these orders", device,
                      device[0] != '\0' ? " " : "the part of this nest ");
    return found;
}

static void
look_with(struct dry *d, const struct nest *nest, const char *uri, const char *device,
          const struct station_order *order, struct recognised *what, struct plan *plan)
{
    struct plan_job job = {
        .device = device,
        .order = order->name,
        .model = order->rot,
        .proves_maker = (d->o->est.server == NULL && strcmp(order->provenance, "station") != 0) ||
                        d->o->vendor_roots.count > 0,
        .has_root = 1,
        .has_firmware_key = d->o->firmware_key != NULL,
        .has_channel_secret = d->o->channel_secret != NULL};
    struct rs_err err = {0}, ignored = {0};
    struct rot_chip chip;
    int production = d->o->production || order->production;
    rs_code rc = wire_open(&d->wires, nest, uri, d->o->channel_secret, &d->wire, &err);

    if (rc != RS_OK) {
        plan_refuse(rc, err.text, plan);
        return;
    }
    if (production && d->wire.lin.transport.simulated)
        rc = rs_fail(&err, RS_E_CHIP_SIMULATED, "%.120s is a simulator", uri);
    if (rc == RS_OK)
        rc = recognise_open(&d->wire, order->layout, production ? ROT_OPEN_PRODUCTION : 0, &chip,
                            what, &err);
    if (rc == RS_OK) {
        recognise_chip(&chip, order->rot, what);
        recognise_device(&chip, what);
        job.known = memory_find(d->memory, rs_bytes_of(what->id.uid, what->id.uid_len));
        plan_make(&chip, what, &job, plan);
        rot_close(&chip);
    } else {
        plan_refuse(rc, err.text, plan);
    }
    (void)!wire_power(&d->wire, 0, &ignored);
    wire_close(&d->wire);
}

static void
expand(const char *chip, const char *device, char *out, size_t cap)
{
    const char *mark = strstr(chip, "{serial}");

    if (mark == NULL)
        (void)snprintf(out, cap, "%s", chip);
    else
        (void)snprintf(out, cap, "%.*s%s%s", (int)(mark - chip), chip, device,
                       mark + strlen("{serial}"));
}

/* ---- What is said ---------------------------------------------------------------- */

static void
draw(const struct nest *nest, const char *device, const struct station_order *order,
     const struct recognised *what, const struct plan *p)
{
    (void)printf("nest %s%s%s%s%s\n", nest->name, device[0] != '\0' ? "   " : "", device,
                 order != NULL ? "   " : "", order != NULL ? order->name : "");
    if (what->text[0] != '\0')
        (void)printf("  is      %s\n", what->text);
    if (p->code != RS_OK) {
        (void)printf("  would   end with %s: %s\n", rs_code_info(p->code)->name, p->text);
        return;
    }
    for (size_t i = 0; i < p->count; i++)
        (void)printf("  %s  %s%s\n", i == 0 ? "would " : "      ",
                     plan_is_irreversible(p->steps[i].kind) ? "! " : "  ", p->steps[i].what);
}

static void
print_json(const struct nest *nest, const char *device, const struct station_order *order,
           const struct recognised *what, const struct plan *p)
{
    json_t *steps = json_array();
    RS_AUTO(rs_json_done) json_t *j = NULL;
    RS_AUTO(rs_buf_done) struct rs_buf out;

    rs_buf_init(&out, TEXT_MAX);
    for (size_t i = 0; i < p->count; i++)
        (void)json_array_append_new(steps, json_pack("{s:s, s:s, s:b}", "do",
                                                     plan_kind_name(p->steps[i].kind), "what",
                                                     p->steps[i].what, "irreversible",
                                                     plan_is_irreversible(p->steps[i].kind)));
    j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I}", "kind", "dry-run", "nest",
                  nest->name, "device", device, "order", order != NULL ? order->name : "", "what",
                  what->text[0] != '\0' ? reel_name(what->kind) : "", "found", what->text, "code",
                  p->code == RS_OK ? "" : rs_code_info(p->code)->name, "detail", p->text, "would",
                  steps, "irreversible", (json_int_t)p->irreversible);
    rs_json_put(&out, j);
    (void)printf("%.*s\n", (int)out.len, (const char *)out.p);
}

static void
try_board(struct dry *d, const struct nest *nest, const char *device)
{
    struct recognised what = {.kind = REEL_EMPTY};
    struct rs_err err = {0};
    struct plan plan;
    char uri[NEST_PATH_MAX + STATION_TEXT_MAX];
    const struct station_order *order = find_order(d, nest, device, &err);

    expand(nest->chip, device, uri, sizeof(uri));
    if (order == NULL)
        plan_refuse(err.code, err.text, &plan);
    else if (device[0] == '\0' && strcmp(uri, nest->chip) != 0)
        plan_refuse(RS_E_CHIP_ABSENT, "its chip is made with the board's serial", &plan);
    else if (nest->adapter < 0 && strncmp(uri, "soft:", 5) == 0 && !rs_path_exists(uri + 5))
        plan_refuse(RS_E_CHIP_ABSENT, "its file would be made with the board", &plan);
    else
        look_with(d, nest, uri, device, order, &what, &plan);
    if (d->o->json)
        print_json(nest, device, order, &what, &plan);
    else
        draw(nest, device, order, &what, &plan);
    d->boards++;
    d->irreversible += plan.irreversible;
    if (plan.code != RS_OK && d->worst == EXIT_DONE)
        d->worst = rs_code_info(plan.code)->exit_code;
}

/* ---- Boards ---------------------------------------------------------------------- */

static const struct nest *
find_nest(struct dry *d, const char *name, const char *chip)
{
    for (size_t i = 0; i < d->nests->nest_count; i++) {
        const struct nest *n = &d->nests->nests[i];
        if (strcmp(n->name, name) != 0 && !(name[0] == '\0' && !n->is_reference))
            continue;
        if (chip[0] == '\0')
            return n;
        d->listed = *n;
        d->listed.adapter = d->listed.channel = -1;
        d->listed.power.kind = d->listed.reset.kind = LINE_NONE;
        (void)snprintf(d->listed.chip, sizeof(d->listed.chip), "%s", chip);
        return &d->listed;
    }
    return NULL;
}

static void
try_listed(struct dry *d, const struct station_board *b)
{
    const struct nest *nest = find_nest(d, b->fixture, b->chip);

    if (nest != NULL) {
        try_board(d, nest, b->device);
        return;
    }
    (void)fprintf(stderr, "there is no fixture \"%s\"\n", b->fixture);
    d->worst = EXIT_USAGE;
}

static void
try_all(struct dry *d, FILE *list)
{
    char line[LINE_MAX_CHARS];
    struct station_board b = {.fixture = ""};

    if (d->o->serial != NULL) {
        (void)snprintf(b.device, sizeof(b.device), "%s", d->o->serial);
        try_listed(d, &b);
    } else if (list != NULL) {
        while (fgets(line, sizeof(line), list) != NULL) {
            if (board_read(line, &b))
                try_listed(d, &b);
        }
    } else {
        for (size_t i = 0; i < d->nests->nest_count; i++) {
            if (!d->nests->nests[i].is_reference)
                try_board(d, &d->nests->nests[i], "");
        }
    }
}

int
dry_run(const struct options *o, const struct home *home, const struct nest_file *nests, FILE *list)
{
    struct dry *d = calloc(1, sizeof(*d));
    struct rs_err err = {0};
    int code;

    if (d == NULL) {
        (void)rs_fail(&err, RS_E_NO_MEMORY, "dry run: no memory");
        return program_refuse(o, "Not tried", &err);
    }
    d->o = o;
    d->nests = nests;
    wires_init(&d->wires, nests);
    if (prepare(d, home, &err) == RS_OK) {
        try_all(d, list);
        code = d->worst;
        if (!o->json)
            (void)printf("Nothing was written. %zu boards looked at, %zu steps that cannot be "
                         "undone (!).\n",
                         d->boards, d->irreversible);
    } else {
        code = program_refuse(o, "Not tried", &err);
    }
    wires_done(&d->wires);
    memory_free(d->memory);
    free(d);
    return code;
}
