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

#define FILE_MAX   65536
#define ORDERS_MAX 64

/* ---- Orders ---------------------------------------------------------------------- */

/* The same patterns as the signer's: * any text, ? one character, # one digit. */
int
station_serial_fits(const char *pattern, const char *serial)
{
    const char *star = NULL, *mark = NULL;

    if (pattern[0] == '\0')
        return 1;
    while (*serial != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            mark = serial;
        } else if (*pattern != '\0' && (*pattern == *serial || *pattern == '?' ||
                                        (*pattern == '#' && *serial >= '0' && *serial <= '9'))) {
            pattern++;
            serial++;
        } else if (star != NULL) {
            pattern = star + 1;
            serial = ++mark;
        } else {
            return 0;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static void
copy_member(const json_t *j, const char *name, char out[STATION_TEXT_MAX])
{
    (void)snprintf(out, STATION_TEXT_MAX, "%s", rs_json_text_or(j, name, ""));
}

static int64_t
number_member(const json_t *j, const char *name)
{
    return (int64_t)json_integer_value(json_object_get(j, name));
}

static void
read_order(const json_t *j, struct station_order *o)
{
    memset(o, 0, sizeof(*o));
    copy_member(j, "name", o->name);
    copy_member(j, "rot", o->rot);
    copy_member(j, "layout", o->layout);
    copy_member(j, "serials", o->serials);
    o->quantity = number_member(j, "quantity");
    o->target = number_member(j, "target");
    o->signed_ = number_member(j, "signed");
    o->good = number_member(j, "good");
    o->share = number_member(j, "share");
    o->taken = number_member(j, "taken");
}

rs_code
station_orders(struct web *web, struct station_order *list, size_t cap, size_t *ret_count,
               struct rs_err *err)
{
    struct web_request ask = {.method = "GET", .path = "/station/v1/orders"};
    const json_t *items;
    rs_code rc;

    RS_AUTO(web_reply_done) struct web_reply reply = {0};
    RS_AUTO(rs_json_done) json_t *j = NULL;
    rc = web_call(web, &ask, &reply, err);
    if (rc == RS_OK)
        rc = web_check(&reply, err);
    if (rc == RS_OK)
        rc = rs_json_read(rs_buf_bytes(&reply.body), &j, err);
    if (rc != RS_OK)
        return rc;
    items = json_object_get(j, "items");
    if (!json_is_array(items))
        return rs_fail(err, RS_E_REQUEST_FORMAT, "orders: the reply has no items");
    *ret_count = json_array_size(items);
    for (size_t i = 0; i < *ret_count && i < cap; i++)
        read_order(json_array_get(items, i), &list[i]);
    return RS_OK;
}

static rs_code
choose_order(struct station *st, const char *name, struct rs_err *err)
{
    struct station_order *list = calloc(ORDERS_MAX, sizeof(*list));
    size_t count = 0, found = SIZE_MAX;
    rs_code rc;

    if (list == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "orders: no memory");
    rc = station_orders(st->poster_web, list, ORDERS_MAX, &count, err);
    count = count > ORDERS_MAX ? ORDERS_MAX : count;
    for (size_t i = 0; rc == RS_OK && i < count; i++) {
        if (name == NULL || strcmp(list[i].name, name) == 0)
            found = found == SIZE_MAX ? i : found;
    }
    if (rc == RS_OK && name == NULL && count > 1)
        rc = rs_fail(err, RS_E_USAGE, "%zu orders are open: choose one with --order", count);
    else if (rc == RS_OK && found == SIZE_MAX && name != NULL)
        rc = rs_fail(err, RS_E_ORDER_CLOSED, "no open order %s names this station", name);
    else if (rc == RS_OK && found == SIZE_MAX)
        rc = rs_fail(err, RS_E_ORDER_CLOSED, "no open order names this station");
    if (rc == RS_OK)
        st->order = list[found];
    free(list);
    return rc;
}

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
add_fixtures(struct station *st, const struct station_config *config, struct rs_err *err)
{
    rs_code rc = RS_OK;

    if (config->fixture_count == 0 || config->fixture_count > STATION_FIXTURES_MAX)
        return rs_fail(err, RS_E_USAGE, "1 to %d fixtures, as in --fixture 1=i2c:1:0x60",
                       STATION_FIXTURES_MAX);
    for (size_t i = 0; i < config->fixture_count && rc == RS_OK; i++) {
        struct fixture *fx = &st->fixtures[st->fixture_count++];
        fx->st = st;
        fx->config = config->fixtures[i];
        fx->queue.end = &fx->queue.first;
        fx->tile.tile = TILE_READY;
        memcpy(fx->tile.name, fx->config.name, sizeof(fx->tile.name));
        rc = st->est.server != NULL ? foreign_connect(&st->est, &fx->web, err)
                                    : home_connect(&st->home, &fx->web, err);
    }
    return rc;
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
        rc = choose_order(st, config->order, err);
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
    if (rc == RS_OK && st->est.server != NULL)
        rc = foreign_open(st, config->order, err);
    else if (rc == RS_OK)
        rc = talk_first(st, config, err);
    if (rc == RS_OK)
        rc = load_firmware_key(st, config->firmware_key, err);
    if (rc == RS_OK)
        rc = add_fixtures(st, config, err);
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
    events_close(st);
    journal_close(st->journal);
    memory_free(st->memory);
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

static struct job *
pop(struct queue *q)
{
    struct job *job = q->first;

    if (job == NULL)
        return NULL;
    q->first = job->next;
    if (q->first == NULL)
        q->end = &q->first;
    return job;
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

static rs_code
put_locked(struct station *st, struct job *job, struct rs_err *err)
{
    struct queue *q = job->board.fixture[0] == '\0' ? &st->shared : NULL;

    for (size_t i = 0; i < st->fixture_count; i++) {
        if (strcmp(st->fixtures[i].config.name, job->board.fixture) == 0)
            q = &st->fixtures[i].queue;
    }
    if (q == NULL)
        return rs_fail(err, RS_E_USAGE, "there is no fixture \"%s\"", job->board.fixture);
    if (st->stopped_by != RS_OK)
        return rs_fail(err, st->stopped_by, "%s", st->stop_text);
    if (is_present(st, job->board.device))
        return rs_fail(err, RS_E_LABEL_DUPLICATE, "%s is already in a fixture", job->board.device);
    push(q, job);
    (void)pthread_cond_broadcast(&st->changed);
    return RS_OK;
}

rs_code
station_put(struct station *st, const struct station_board *board, struct rs_err *err)
{
    struct job *job;
    rs_code rc;

    if (board->device[0] == '\0' || !station_serial_fits(st->order.serials, board->device))
        return rs_fail(err, RS_E_LABEL_PATTERN, "\"%s\" is not a board label of %s (%s)",
                       board->device, st->order.name,
                       st->order.serials[0] != '\0' ? st->order.serials : "any text");
    job = calloc(1, sizeof(*job));
    if (job == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "station: no memory for a board");
    job->board = *board;
    (void)pthread_mutex_lock(&st->lock);
    rc = put_locked(st, job, err);
    (void)pthread_mutex_unlock(&st->lock);
    if (rc != RS_OK)
        free(job);
    /* Else the queue has it.  NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return rc;
}

/* The next board of a fixture, waiting for one; NULL: time to leave. */
static struct job *
take_job(struct fixture *fx)
{
    struct station *st = fx->st;
    struct job *job = NULL;

    (void)pthread_mutex_lock(&st->lock);
    fx->device[0] = '\0';
    (void)pthread_cond_broadcast(&st->changed);
    for (;;) {
        if (st->stopping || fx->tile.tile == TILE_OFF)
            break;
        job = pop(&fx->queue);
        if (job == NULL)
            job = pop(&st->shared);
        if (job != NULL || st->no_more)
            break;
        (void)pthread_cond_wait(&st->changed, &st->lock);
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
        if (board_run(fx, job)) {
            (void)pthread_mutex_lock(&fx->st->lock);
            push(&fx->queue, job);
            (void)pthread_mutex_unlock(&fx->st->lock);
        } else {
            free(job);
        }
    }
    return NULL;
}

/* ---- Running ------------------------------------------------------------------------------ */

rs_code
station_start(struct station *st, struct rs_err *err)
{
    st->started_us = rs_mono_us();
    st->is_open = 1;
    events_note(st, "shift.open", NULL);
    for (size_t i = 0; i < st->fixture_count; i++) {
        struct fixture *fx = &st->fixtures[i];
        if (pthread_create(&fx->thread, NULL, fixture_thread, fx) != 0)
            return rs_fail(err, RS_E_NO_MEMORY, "station: no thread for fixture %s",
                           fx->config.name);
        fx->has_thread = 1;
    }
    if (st->est.server != NULL)
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
        events_note(st, "line.stop",
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
    st->poster_leaves = 1;
    (void)pthread_cond_broadcast(&st->changed);
    (void)pthread_mutex_unlock(&st->lock);
    if (ran)
        (void)pthread_join(st->poster, NULL);
    st->has_poster = 0;
    if (was_open)
        events_note(st, "shift.close", NULL);
    st->is_open = 0;
}

/* After station_finish(): nobody else uses the connection. */
void
station_flush(struct station *st, unsigned wait_s)
{
    uint64_t end_us = rs_mono_us() + (uint64_t)wait_s * 1000000u;

    while (st->est.server == NULL) {
        struct rs_err err = {0};
        if (post_reports(st, st->poster_web, &err) == RS_OK || rs_mono_us() + 1000000u >= end_us)
            break;
        rs_sleep_us(1000000u);
    }
}

void
station_look(struct station *st, struct station_view *ret_view)
{
    const struct memory_report *r;

    memset(ret_view, 0, sizeof(*ret_view));
    (void)pthread_mutex_lock(&st->lock);
    ret_view->order = st->order;
    ret_view->tile_count = st->fixture_count;
    for (size_t i = 0; i < st->fixture_count; i++)
        ret_view->tiles[i] = st->fixtures[i].tile;
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
