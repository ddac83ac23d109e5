/*
 * station.c: opening a line, its queues and its end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "station/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "station/station_inner.h"
#include "x509/cert.h"

#define FILE_MAX 65536
#define CHECK_US 500000u /* how often a nest that waits looks whether it may go on */

/* ---- Opening ------------------------------------------------------------------------- */

static rs_code
take_record(void *arg, const struct journal_record *record, struct rs_err *err)
{
    struct station *st = arg;

    return memory_take(st->memory, record, err);
}

rs_code
station_load_root(struct station *st, const char *path, struct rs_err *err)
{
    struct rs_bytes text;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf pem = {0};
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    rs_buf_init(&pem, FILE_MAX);
    rs_buf_init(&der, CERT_BYTES_MAX);
    rc = rs_file_read(path, FILE_MAX, &pem, err);
    text = rs_buf_bytes(&pem);
    if (rc == RS_OK)
        rc = cert_next_pem(&text, "CERTIFICATE", &der, err);
    if (rc != RS_OK)
        return rc;
    st->root = rs_arena_copy(&st->arena, rs_buf_bytes(&der));
    return st->root.p != NULL ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "root: no memory");
}

static rs_code
connect_fixture(struct station *st, struct fixture *fx, struct rs_err *err)
{
    if (st->only_check || fx->nest->is_reference)
        return RS_OK;
    return st->est.server != NULL ? foreign_connect(&st->est, &fx->web, err)
                                  : home_connect(&st->home, &fx->web, err);
}

static rs_code
add_fixtures(struct station *st, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (st->nests.nest_count == 0)
        return rs_fail(
            err, RS_E_USAGE,
            "no fixtures: name 1 to %d, as in --fixture 1=i2c:1:0x60, or in fixtures.yaml",
            STATION_FIXTURES_MAX);
    for (size_t i = 0; i < st->nests.nest_count && rc == RS_OK; i++) {
        struct fixture *fx = &st->fixtures[st->fixture_count++];
        fx->st = st;
        fx->nest = &st->nests.nests[i];
        fx->queue.end = &fx->queue.first;
        fx->tile.tile = TILE_READY;
        fx->tile.is_reference = fx->nest->is_reference;
        memcpy(fx->tile.name, fx->nest->name, sizeof(fx->tile.name));
        rc = connect_fixture(st, fx, err);
    }
    return rc;
}

/* A nest whose adapter is missing stands still by itself; a line without any nest does not begin. */
static rs_code
check_nests(struct station *st, struct rs_err *err)
{
    char text[200];
    size_t here = 0;

    watch_look(st);
    for (size_t i = 0; i < st->fixture_count; i++)
        here += !st->fixtures[i].is_gone;
    if (here == 0)
        return rs_fail(err, RS_E_FIXTURE_ABSENT, "nest %s: %.140s; no nest is ready",
                       st->fixtures[0].nest->name, st->fixtures[0].gone);
    station_unchecked(st, text, sizeof(text));
    return text[0] == '\0' ? RS_OK : rs_fail(err, RS_E_FIXTURE_UNCHECKED, "%s", text);
}

/* A server that is away costs the order, not the reports: they stay where they are. */
static rs_code
talk_first(struct station *st, const struct station_config *config, struct rs_err *err)
{
    uint64_t start_us = rs_mono_us();
    rs_code rc = station_load_root(st, st->home.root_path, err);

    if (rc == RS_OK)
        rc = home_connect(&st->home, &st->poster_web, err);
    if (rc == RS_OK)
        rc = post_reports(st, st->poster_web, err);
    if (rc == RS_OK)
        rc = orders_choose(st, config, err);
    if (rc == RS_OK)
        rc = client_est_cacerts(st->poster_web, "", &st->arena, st->ca_certs, &st->ca_count, err);
    st->server_ok = rc == RS_OK;
    st->server_ms = (int64_t)(rs_mono_us() - start_us) / 1000;
    return rc;
}

/*
 * Each start counts the chip's counter up, after the journal says so: one that was put back
 * from a copy, or taken away, is behind it.  A crash in between leaves the journal ahead,
 * which is no harm.
 */
static rs_code
count_start(struct station *st, struct rs_err *err)
{
    struct journal_record record = {.type = JOURNAL_COUNT};
    const struct home *h = &st->home;
    uint64_t known = memory_counter(st->memory), value = 0;
    int has = 0;
    rs_code rc;

    if (h->key_uri[0] == '\0')
        return RS_OK;
    known = known > h->counter ? known : h->counter;
    rc = own_key_counter(h->key_uri, 0, &has, &value, err);
    if (rc != RS_OK || !has)
        return rc;
    if (value > known)
        return rs_fail(err, RS_E_JOURNAL_BEHIND,
                       "the chip was counted up to %llu, the journal knows of %llu",
                       (unsigned long long)value, (unsigned long long)known);
    record.board = value + 1;
    rc = station_note(st, &record, 1, err);
    return rc == RS_OK ? own_key_counter(h->key_uri, 1, &has, &value, err) : rc;
}

/* SubjectPublicKeyInfo of a P-256 key: what parts verify firmware with. */
static rs_code
load_firmware_key(struct station *st, const char *path, struct rs_err *err)
{
    struct rs_bytes text;
    struct crypto_pub pub;
    rs_code rc;

    RS_AUTO(rs_buf_done) struct rs_buf pem = {0};
    RS_AUTO(rs_buf_done) struct rs_buf der = {0};
    if (path == NULL)
        return RS_OK;
    rs_buf_init(&pem, FILE_MAX);
    rs_buf_init(&der, CERT_BYTES_MAX);
    rc = rs_file_read(path, FILE_MAX, &pem, err);
    text = rs_buf_bytes(&pem);
    if (rc == RS_OK)
        rc = cert_next_pem(&text, "PUBLIC KEY", &der, err);
    if (rc == RS_OK)
        rc = crypto_pub_read(rs_buf_bytes(&der), &pub, err);
    if (rc == RS_OK && pub.alg != CRYPTO_P256)
        rc = rs_fail(err, RS_E_CONFIG_INVALID, "firmware_key: %.160s is no P-256 key", path);
    if (rc != RS_OK)
        return rc;
    st->firmware_key = rs_arena_copy(&st->arena, rs_buf_bytes(&der));
    return st->firmware_key.p != NULL ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "firmware_key");
}

/* Makers that this station believes by itself, whatever its server thinks of them. */
static rs_code
load_vendors(struct station *st, const struct station_config *config, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (config->vendor_root_count == 0)
        return RS_OK;
    rc = makers_new(&st->vendors, err);
    for (size_t i = 0; i < config->vendor_root_count && rc == RS_OK; i++) {
        RS_AUTO(rs_buf_done) struct rs_buf file = {0};
        rs_buf_init(&file, FILE_MAX);
        rc = rs_file_read(config->vendor_roots[i], FILE_MAX, &file, err);
        if (rc == RS_OK)
            rc = makers_add(st->vendors, config->vendor_roots[i], rs_buf_bytes(&file), err);
    }
    if (rc == RS_OK)
        rc = makers_check(st->vendors, err);
    if (rc == RS_OK && st->production && makers_have_simulator(st->vendors))
        rc = rs_fail(err, RS_E_CONFIG_INVALID,
                     "vendor_roots: one of them is a simulator's, and this is production");
    return rc;
}

static void
take_channel_files(struct station *st, const struct station_config *config)
{
    const char *secret = config->channel_secret;

    if (secret == NULL && rs_path_exists(st->home.channel_path))
        secret = st->home.channel_path;
    (void)snprintf(st->channel_secret, sizeof(st->channel_secret), "%s",
                   secret != NULL ? secret : "");
    (void)snprintf(st->channel_out, sizeof(st->channel_out), "%s",
                   config->channel_out != NULL ? config->channel_out : "");
}

rs_code
station_open(const struct home *home, const struct station_config *config,
             struct station **ret_station, struct rs_err *err)
{
    struct station *st = calloc(1, sizeof(*st));
    rs_code rc;

    if (st == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "station: no memory");
    st->home = *home;
    st->listener = config->listener;
    st->est = config->est;
    st->production = config->production;
    st->only_check = config->only_check;
    if (config->nests != NULL)
        st->nests = *config->nests;
    wires_init(&st->wires, &st->nests);
    take_channel_files(st, config);
    st->wait_s = config->wait_s;
    st->tries = config->tries > 0 ? config->tries : 1;
    st->events_fd = -1;
    st->shared.end = &st->shared.first;
    rs_arena_init(&st->arena, 1u << 20);
    (void)pthread_mutex_init(&st->lock, NULL);
    (void)pthread_mutex_init(&st->listening, NULL);
    (void)pthread_cond_init(&st->changed, NULL);
    st->memory = memory_new();
    rc = st->memory != NULL ? RS_OK : rs_fail(err, RS_E_NO_MEMORY, "station: no memory");
    if (rc == RS_OK)
        rc = journal_open(home->journal_path, take_record, st, &st->journal, err);
    if (rc == RS_OK)
        rc = count_start(st, err);
    if (rc == RS_OK)
        rc = events_open(st, err);
    if (rc == RS_OK && !st->only_check && st->est.server != NULL)
        rc = foreign_open(st, config->order_count > 0 ? config->orders[0] : NULL, err);
    else if (rc == RS_OK && !st->only_check)
        rc = talk_first(st, config, err);
    for (size_t i = 0; i < st->order_count; i++)
        st->production = st->production || st->orders[i].order.production;
    if (rc == RS_OK)
        rc = load_vendors(st, config, err);
    if (rc == RS_OK)
        rc = load_firmware_key(st, config->firmware_key, err);
    if (rc == RS_OK)
        rc = add_fixtures(st, err);
    if (rc == RS_OK)
        rc = check_nests(st, err);
    if (rc != RS_OK) {
        station_close(st);
        return rc;
    }
    st->next_board = memory_next_board(st->memory);
    *ret_station = st;
    return RS_OK;
}

static void
drop_queue(struct queue *q)
{
    while (q->first != NULL) {
        struct job *job = q->first;
        q->first = job->next;
        free(job);
    }
    q->end = &q->first;
}

void
station_close(struct station *st)
{
    if (st == NULL)
        return;
    station_interrupt(st);
    station_finish(st);
    for (size_t i = 0; i < st->fixture_count; i++) {
        web_close(st->fixtures[i].web);
        drop_queue(&st->fixtures[i].queue);
    }
    drop_queue(&st->shared);
    web_close(st->poster_web);
    wires_done(&st->wires);
    events_close(st);
    journal_close(st->journal);
    memory_free(st->memory);
    makers_free(st->vendors);
    rs_arena_done(&st->arena);
    (void)pthread_cond_destroy(&st->changed);
    (void)pthread_mutex_destroy(&st->listening);
    (void)pthread_mutex_destroy(&st->lock);
    free(st);
}

/* ---- Queues ---------------------------------------------------------------------------- */

static void
push(struct queue *q, struct job *job)
{
    job->next = NULL;
    *q->end = job;
    q->end = &job->next;
}

/* Queued or in work; the lock is held. */
static int
is_present(const struct station *st, const char *device)
{
    const struct job *job;

    for (job = st->shared.first; job != NULL; job = job->next) {
        if (strcmp(job->board.device, device) == 0)
            return 1;
    }
    for (size_t i = 0; i < st->fixture_count; i++) {
        if (strcmp(st->fixtures[i].device, device) == 0)
            return 1;
        for (job = st->fixtures[i].queue.first; job != NULL; job = job->next) {
            if (strcmp(job->board.device, device) == 0)
                return 1;
        }
    }
    return 0;
}

/* By name; NULL: none. */
static struct fixture *
find_fixture(struct station *st, const char *name)
{
    for (size_t i = 0; i < st->fixture_count; i++) {
        if (strcmp(st->fixtures[i].nest->name, name) == 0)
            return &st->fixtures[i];
    }
    return NULL;
}

/* A board for any nest: one at least must be for an order that it may be of. */
static rs_code
check_label(struct station *st, const char *device, struct rs_err *err)
{
    struct work_order *order;
    struct rs_err why = {0};

    for (size_t i = 0; i < st->fixture_count; i++) {
        struct rs_err other = {0};
        if (st->fixtures[i].nest->is_reference)
            continue;
        if (orders_find(st, st->fixtures[i].nest, device, &order, &other) == RS_OK)
            return RS_OK;
        if (why.code == RS_OK || other.code != RS_E_LABEL_PATTERN)
            why = other;
    }
    return rs_fail(err, why.code != RS_OK ? why.code : RS_E_LABEL_PATTERN, "%s", why.text);
}

static rs_code
find_queue_for_reference(struct station *st, const struct job *job, struct fixture *fx,
                         struct queue **ret_queue, struct rs_err *err)
{
    const struct nest_reference *ref = job->reference;

    if (fx != NULL && !nests_reference_fits(ref, fx->nest))
        return rs_fail(err, RS_E_USAGE, "%s is not for nest %s", ref->name, fx->nest->name);
    if (fx == NULL)
        fx = reference_next(st, ref);
    if (fx == NULL)
        return rs_fail(err, RS_E_USAGE, "no nest needs %s now", ref->name);
    *ret_queue = &fx->queue;
    return RS_OK;
}

/* Free for a board, as far as is known: who lies in it is seen by nobody. */
static int
is_free(const struct fixture *fx)
{
    return fx->device[0] == '\0' && fx->queue.first == NULL && !fx->is_gone &&
           fx->tile.tile != TILE_OFF && !fx->nest->is_reference &&
           reference_is_checked(fx->st, fx->nest);
}

/* The one that was free longest and that a board with that label may go to; NULL device: any. */
static struct fixture *
find_free(struct station *st, const char *device)
{
    struct fixture *found = NULL;

    for (size_t i = 0; i < st->fixture_count; i++) {
        struct fixture *fx = &st->fixtures[i];
        struct work_order *order;
        struct rs_err ignored = {0};

        if (is_free(fx) && (found == NULL || fx->ended_us < found->ended_us) &&
            (device == NULL || orders_find(st, fx->nest, device, &order, &ignored) == RS_OK))
            found = fx;
    }
    return found;
}

static rs_code
find_queue(struct station *st, const struct job *job, struct queue **ret_queue, struct rs_err *err)
{
    struct fixture *fx = find_fixture(st, job->board.fixture);
    struct work_order *order;
    rs_code rc;

    if (fx == NULL && job->board.fixture[0] != '\0')
        return rs_fail(err, RS_E_USAGE, "there is no fixture \"%s\"", job->board.fixture);
    if (job->reference != NULL)
        return find_queue_for_reference(st, job, fx, ret_queue, err);
    if (fx != NULL && fx->nest->is_reference)
        return rs_fail(err, RS_E_USAGE, "nest %s holds a reference board", fx->nest->name);
    if (fx == NULL) {
        rc = check_label(st, job->board.device, err);
        fx = rc == RS_OK ? find_free(st, job->board.device) : NULL;
    } else {
        rc = orders_find(st, fx->nest, job->board.device, &order, err);
    }
    *ret_queue = fx != NULL ? &fx->queue : &st->shared;
    return rc;
}

/* Whose queue that is; "" for the one of all. */
static void
name_queue(struct station *st, const struct queue *q, char ret_fixture[STATION_TEXT_MAX])
{
    ret_fixture[0] = '\0';
    for (size_t i = 0; i < st->fixture_count; i++) {
        if (q == &st->fixtures[i].queue)
            memcpy(ret_fixture, st->fixtures[i].nest->name, STATION_TEXT_MAX);
    }
}

static rs_code
put_locked(struct station *st, struct job *job, char *ret_fixture, struct rs_err *err)
{
    struct queue *q = NULL;
    rs_code rc;

    if (st->stopped_by != RS_OK)
        return rs_fail(err, st->stopped_by, "%s", st->stop_text);
    rc = find_queue(st, job, &q, err);
    if (rc != RS_OK)
        return rc;
    if (is_present(st, job->board.device))
        return rs_fail(err, RS_E_LABEL_DUPLICATE, "%s is already in a fixture", job->board.device);
    push(q, job);
    if (ret_fixture != NULL)
        name_queue(st, q, ret_fixture);
    (void)pthread_cond_broadcast(&st->changed);
    return RS_OK;
}

rs_code
station_put(struct station *st, const struct station_board *board,
            char ret_fixture[STATION_TEXT_MAX], struct rs_err *err)
{
    struct job *job = calloc(1, sizeof(*job));
    rs_code rc;

    if (job == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a board");
    job->board = *board;
    job->put_us = rs_mono_us();
    job->reference = reference_find(&st->nests, board->device);
    (void)pthread_mutex_lock(&st->lock);
    rc = put_locked(st, job, ret_fixture, err);
    (void)pthread_mutex_unlock(&st->lock);
    if (rc != RS_OK)
        free(job);
    /* Else the queue has it.  NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return rc;
}

/* A board whose nest cannot take it waits like one whose server is away: as long, and not for ever. */
static int
has_waited(const struct station *st, const struct job *job)
{
    return rs_mono_us() - job->put_us > (uint64_t)st->wait_s * 1000000u;
}

static int
may_take(struct fixture *fx, struct job *job)
{
    struct rs_err ignored = {0};

    if (fx->is_gone && !has_waited(fx->st, job))
        return 0;
    if (job->reference != NULL)
        return 1;
    if (!reference_is_checked(fx->st, fx->nest) && !has_waited(fx->st, job))
        return 0;
    return orders_find(fx->st, fx->nest, job->board.device, &job->order, &ignored) == RS_OK ||
           ignored.code != RS_E_LABEL_PATTERN;
}

/* The first that this nest may take, or NULL; the lock is held. */
static struct job *
take_from(struct fixture *fx, struct queue *q)
{
    for (struct job **at = &q->first; *at != NULL; at = &(*at)->next) {
        struct job *job = *at;
        if (!may_take(fx, job))
            continue;
        *at = job->next;
        if (job->next == NULL)
            q->end = at;
        return job;
    }
    return NULL;
}

/* A tile that says why its nest takes no boards. */
static void
show_waiting(struct fixture *fx)
{
    struct station_tile *t = &fx->tile;

    if (fx->is_gone) {
        watch_tile(fx);
    } else if (!fx->nest->is_reference && !reference_is_checked(fx->st, fx->nest) &&
               t->class[0] == '\0') {
        t->tile = TILE_AGAIN;
        (void)snprintf(t->operator_, sizeof(t->operator_), "%s",
                       failure_find(RS_E_FIXTURE_UNCHECKED)->operator_);
        (void)snprintf(t->class, sizeof(t->class), "%s",
                       failure_find(RS_E_FIXTURE_UNCHECKED)->class);
        (void)snprintf(t->code, sizeof(t->code), "%s", rs_code_info(RS_E_FIXTURE_UNCHECKED)->name);
    }
}

static void
wait_for_change(struct station *st)
{
    uint64_t end_us = rs_mono_us() + CHECK_US;
    struct timespec until = {.tv_sec = (time_t)(end_us / 1000000u),
                             .tv_nsec = (long)(end_us % 1000000u) * 1000};

    (void)pthread_cond_clockwait(&st->changed, &st->lock, CLOCK_MONOTONIC, &until);
}

/* Has the pin cleaner to come first? */
static int
is_switched_off(const struct fixture *fx)
{
    return fx->tile.tile == TILE_OFF && !fx->is_gone;
}

/* The next board of a nest, waiting for one; NULL: time to leave. */
static struct job *
take_job(struct fixture *fx)
{
    struct station *st = fx->st;
    struct job *job = NULL;

    (void)pthread_mutex_lock(&st->lock);
    if (fx->device[0] != '\0')
        fx->ended_us = rs_mono_us();
    fx->device[0] = '\0';
    (void)pthread_cond_broadcast(&st->changed);
    while (!st->stopping && !is_switched_off(fx)) {
        job = take_from(fx, &fx->queue);
        if (job == NULL && !fx->nest->is_reference)
            job = take_from(fx, &st->shared);
        if (job != NULL || st->no_more)
            break;
        show_waiting(fx);
        wait_for_change(st);
    }
    if (job != NULL)
        (void)snprintf(fx->device, sizeof(fx->device), "%s", job->board.device);
    (void)pthread_mutex_unlock(&st->lock);
    return job;
}

static void *
fixture_thread(void *arg)
{
    struct fixture *fx = arg;
    struct job *job;

    while ((job = take_job(fx)) != NULL) {
        if (job->reference != NULL ? reference_run(fx, job) : board_run(fx, job)) {
            (void)pthread_mutex_lock(&fx->st->lock);
            push(&fx->queue, job);
            (void)pthread_mutex_unlock(&fx->st->lock);
        } else {
            free(job);
        }
    }
    return NULL;
}

/* ---- What is told of a shift ---------------------------------------------------------------- */

static json_t *
name_orders(const struct station *st)
{
    json_t *names = json_array();

    for (size_t i = 0; i < st->order_count; i++)
        (void)json_array_append_new(names, json_string(st->orders[i].order.name));
    return json_pack("{s:o}", "orders", names);
}

/* An order's count and cycle times; the lock is held. */
json_t *
station_progress(const struct work_order *w)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:o}", "order", w->order.name, "passed",
                     (json_int_t)w->passed, "good",
                     (json_int_t)(w->order.good + (int64_t)w->passed), "target",
                     (json_int_t)w->order.target, "cycle", cycle_json(&w->summary));
}

static json_t *
describe_shift(struct station *st)
{
    json_t *orders = json_array();

    (void)pthread_mutex_lock(&st->lock);
    for (size_t i = 0; i < st->order_count; i++)
        (void)json_array_append_new(orders, station_progress(&st->orders[i]));
    (void)pthread_mutex_unlock(&st->lock);
    return json_pack("{s:o}", "orders", orders);
}

/* ---- Running ------------------------------------------------------------------------------ */

rs_code
station_start(struct station *st, struct rs_err *err)
{
    st->started_us = rs_mono_us();
    st->is_open = !st->only_check;
    if (st->is_open)
        events_note(st, NULL, "shift.open", name_orders(st));
    for (size_t i = 0; i < st->fixture_count; i++) {
        struct fixture *fx = &st->fixtures[i];
        if (pthread_create(&fx->thread, NULL, fixture_thread, fx) != 0)
            return rs_fail(err, RS_E_NO_MEMORY, "station: no thread for fixture %s",
                           fx->nest->name);
        fx->has_thread = 1;
    }
    if (st->nests.adapter_count > 0) {
        if (pthread_create(&st->watcher, NULL, watch_thread, st) != 0)
            return rs_fail(err, RS_E_NO_MEMORY, "station: no thread for adapters");
        st->has_watcher = 1;
    }
    if (st->est.server != NULL || st->only_check)
        return RS_OK; /* nobody wants reports: they are in events.jsonl */
    if (pthread_create(&st->poster, NULL, post_thread, st) != 0)
        return rs_fail(err, RS_E_NO_MEMORY, "station: no thread for reports");
    st->has_poster = 1;
    return RS_OK;
}

void
station_stop(struct station *st, rs_code code, const char *text)
{
    int first;

    (void)pthread_mutex_lock(&st->lock);
    first = st->stopped_by == RS_OK;
    if (first) {
        st->stopped_by = code;
        (void)snprintf(st->stop_text, sizeof(st->stop_text), "%s", text);
    }
    st->stopping = 1;
    (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
    if (first && code != RS_E_FILE_FAILED && code != RS_E_DISK_FULL)
        events_note(st, NULL, "line.stop",
                    json_pack("{s:s, s:s, s:s}", "code", rs_code_info(code)->name, "class",
                              failure_find(code)->class, "detail", text));
}

void
station_interrupt(struct station *st)
{
    (void)pthread_mutex_lock(&st->lock);
    st->stopping = 1;
    (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
}

int
station_is_idle(struct station *st)
{
    int idle = 1;

    (void)pthread_mutex_lock(&st->lock);
    if (st->shared.first != NULL)
        idle = 0;
    for (size_t i = 0; i < st->fixture_count; i++) {
        if (st->fixtures[i].queue.first != NULL || st->fixtures[i].device[0] != '\0')
            idle = 0;
    }
    (void)pthread_mutex_unlock(&st->lock);
    return idle;
}

static void
join_fixtures(struct station *st)
{
    for (size_t i = 0; i < st->fixture_count; i++) {
        if (st->fixtures[i].has_thread)
            (void)pthread_join(st->fixtures[i].thread, NULL);
        st->fixtures[i].has_thread = 0;
    }
}

void
station_finish(struct station *st)
{
    int ran = st->has_poster, was_open = st->is_open;

    (void)pthread_mutex_lock(&st->lock);
    st->no_more = 1;
    (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
    join_fixtures(st);
    (void)pthread_mutex_lock(&st->lock);
    st->poster_leaves = st->watcher_leaves = 1;
    (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
    if (ran)
        (void)pthread_join(st->poster, NULL);
    if (st->has_watcher)
        (void)pthread_join(st->watcher, NULL);
    st->has_poster = st->has_watcher = 0;
    if (was_open)
        events_note(st, NULL, "shift.close", describe_shift(st));
    st->is_open = 0;
}

/* After station_finish(): nobody else uses the connection. */
void
station_flush(struct station *st, unsigned wait_s)
{
    uint64_t end_us = rs_mono_us() + (uint64_t)wait_s * 1000000u;

    while (st->est.server == NULL && !st->only_check) {
        struct rs_err err = {0};
        if (post_reports(st, st->poster_web, &err) == RS_OK || rs_mono_us() + 1000000u >= end_us)
            break;
        rs_sleep_us(1000000u);
    }
}

static void
look_at_order(const struct work_order *w, struct station_view_order *ret)
{
    ret->order = w->order;
    ret->passed = w->passed;
    ret->stopped_by = w->stopped_by;
    memcpy(ret->stop_text, w->stop_text, sizeof(ret->stop_text));
    ret->cycle = w->summary;
}

void
station_look(struct station *st, struct station_view *ret_view)
{
    const struct memory_report *r;
    const struct fixture *next;

    memset(ret_view, 0, sizeof(*ret_view));
    (void)pthread_mutex_lock(&st->lock);
    ret_view->order_count = st->order_count;
    for (size_t i = 0; i < st->order_count; i++)
        look_at_order(&st->orders[i], &ret_view->orders[i]);
    ret_view->tile_count = st->fixture_count;
    for (size_t i = 0; i < st->fixture_count; i++)
        ret_view->tiles[i] = st->fixtures[i].tile;
    next = find_free(st, NULL);
    if (next != NULL)
        memcpy(ret_view->next, next->nest->name, sizeof(ret_view->next));
    ret_view->passed = st->passed;
    ret_view->rejected = st->rejected;
    ret_view->scrapped = st->scrapped;
    ret_view->again = st->again;
    for (r = memory_reports(st->memory); r != NULL && st->est.server == NULL; r = r->next)
        ret_view->unsent++;
    ret_view->server_ok = st->server_ok;
    ret_view->server_ms = st->server_ms;
    ret_view->stopped_by = st->stopped_by;
    memcpy(ret_view->stop_text, st->stop_text, sizeof(ret_view->stop_text));
    memcpy(ret_view->recent, st->recent, sizeof(ret_view->recent));
    ret_view->started_us = st->started_us;
    (void)pthread_mutex_unlock(&st->lock);
}
