/*
 * line.c: see line.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rot/registry.h>

#include "linux_port.h"
#include "station/station_inner.h"
#include "x509/cert.h"

#define SCHEME      "far:"
#define PERSON_US   200000u /* the station's pause for whoever presses a board down */
#define SERVER_WAIT 30

struct line {
    struct home home;
    struct nest_file nests;
    struct station *st;
    struct bus buses[LINE_FIXTURES];
    struct line_end *ends[LINE_FIXTURES];
    struct job jobs[LINE_FIXTURES];
    int production;
};

/* There is one line in a process. */
static struct line *here;

static void
stop(const char *what, const struct rs_err *err)
{
    (void)fprintf(stderr, "line: %s: %s\n", what, err->text);
    exit(2);
}

/* ---- From a name to a wire ----------------------------------------------------------------- */

rot_err __real_rot_linux_open_with(struct rot_linux *lin, const char *uri, const char *secret);
rot_err __wrap_rot_linux_open_with(struct rot_linux *lin, const char *uri, const char *secret);
rot_err __real_rot_identify(struct rot_chip *chip, struct rot_identity *ret_identity);
rot_err __wrap_rot_identify(struct rot_chip *chip, struct rot_identity *ret_identity);
void __real_rot_close(struct rot_chip *chip);
void __wrap_rot_close(struct rot_chip *chip);
void __real_rs_sleep_us(uint64_t us);
void __wrap_rs_sleep_us(uint64_t us);

rot_err
__wrap_rot_linux_open_with(struct rot_linux *lin, const char *uri, const char *secret)
{
    struct bus *b;
    rot_err rc;

    if (strncmp(uri, SCHEME, strlen(SCHEME)) != 0)
        return __real_rot_linux_open_with(lin, uri, secret);
    b = &here->buses[uri[strlen(uri) - 1] - '0'];
    memset(lin, 0, sizeof(*lin));
    lin->fd = -1;
    rc = rot_port_openssl_init(&lin->crypto);
    if (rc == ROT_OK && secret != NULL)
        rc = linux_load_channel(lin, secret);
    if (rc != ROT_OK)
        return rc;
    /* The driver is that of the order's model: a real bus has no name of the part either. */
    lin->transport = b->transport;
    lin->transport.address = far_address(b->chip);
    lin->transport.simulated = !here->production;
    lin->setup = (struct rot_setup){.driver = rot_registry_match(here->st->orders[0].order.rot),
                                    .transport = &lin->transport,
                                    .port = &lin->crypto.port,
                                    .state = lin->state,
                                    .state_size = sizeof(lin->state)};
    return ROT_OK;
}

/* From here on an exchanged board is another one than the station thinks. */
rot_err
__wrap_rot_identify(struct rot_chip *chip, struct rot_identity *ret_identity)
{
    struct bus *b = chip->setup.transport->self;
    rot_err rc = __real_rot_identify(chip, ret_identity);

    b->is_closing = 0;
    if (rc == ROT_OK && b->known == NULL)
        b->known = b->chip;
    return rc;
}

/* And from here on the station has said of this board what it says. */
void
__wrap_rot_close(struct rot_chip *chip)
{
    if (chip->is_open)
        ((struct bus *)chip->setup.transport->self)->is_closing = 1;
    __real_rot_close(chip);
}

void
__wrap_rs_sleep_us(uint64_t us)
{
    if (us > PERSON_US)
        __real_rs_sleep_us(us);
}

/* ---- Ends ------------------------------------------------------------------------------------- */

static void
take_end(void *arg, const struct station_end *end)
{
    struct line *l = arg;
    const struct recipe_result *r = end->result;
    struct line_end *e = l->ends[end->fixture[0] - '0'];
    struct rs_bytes cert = rs_buf_bytes(&r->cert);

    (void)snprintf(e->state, sizeof(e->state), "%s", end->state);
    (void)snprintf(e->code, sizeof(e->code), "%s",
                   r->code == RS_OK ? "" : rs_code_info(r->code)->name);
    (void)snprintf(e->again, sizeof(e->again), "%s",
                   r->again == RS_OK ? "" : rs_code_info(r->again)->name);
    (void)snprintf(e->step, sizeof(e->step), "%s", recipe_step_name(r->step));
    (void)snprintf(e->text, sizeof(e->text), "%s", r->err.text);
    rs_hex(rs_bytes_of(r->uid, r->uid_len), e->uid, sizeof(e->uid));
    e->identity_used = r->identity_used;
    if (cert.len > 0 && cert.len <= sizeof(e->cert)) {
        memcpy(e->cert, cert.p, cert.len);
        e->cert_len = cert.len;
    }
}

/* ---- The line ------------------------------------------------------------------------------------ */

struct line *
line_open(const struct line_config *config)
{
    struct line *l = calloc(1, sizeof(*l));
    struct station_config c = {.orders = {config->order},
                               .order_count = 1,
                               .wait_s = SERVER_WAIT,
                               .tries = STATION_TRIES,
                               .channel_secret = config->production ? NULL : "",
                               .production = config->production,
                               .listener = {.arg = l, .on_end = take_end}};
    struct rs_err err = {0};

    if (l == NULL)
        exit(2);
    here = l;
    l->production = config->production;
    if (home_open(config->home, &l->home, &err) != RS_OK)
        stop(config->home, &err);
    for (unsigned i = 0; i < LINE_FIXTURES; i++) {
        struct nest *n = &l->nests.nests[i];

        bus_init(&l->buses[i], i == 0 ? "0" : "1");
        n->adapter = n->channel = -1;
        (void)snprintf(n->name, sizeof(n->name), "%u", i);
        (void)snprintf(n->chip, sizeof(n->chip), "%s%s:%u", SCHEME, l->home.name, i);
    }
    l->nests.nest_count = LINE_FIXTURES;
    c.nests = &l->nests;
    if (station_open(&l->home, &c, &l->st, &err) != RS_OK)
        stop(config->order, &err);
    return l;
}

void
line_close(struct line *l)
{
    station_close(l->st);
    here = NULL;
    free(l);
}

struct bus *
line_bus(struct line *l, unsigned fixture)
{
    return &l->buses[fixture];
}

size_t
line_cas(const struct line *l)
{
    return l->st->ca_count + 1;
}

const uint8_t *
line_ca(const struct line *l, size_t n, size_t *ret_len)
{
    struct rs_bytes der = n == 0 ? l->st->root : l->st->ca_certs[n - 1];

    *ret_len = der.len;
    return der.p;
}

/*
 * What stops a line or a fixture (so many of a kind in a row) is not what is tried here: each run
 * stands alone, as after a supervisor who said go on.
 */
static void
go_on(struct line *l)
{
    struct station *st = l->st;

    (void)pthread_mutex_lock(&st->lock);
    st->stopping = 0;
    st->stopped_by = RS_OK;
    st->orders[0].stopped_by = RS_OK;
    st->orders[0].in_a_row.count = 0;
    for (unsigned i = 0; i < LINE_FIXTURES; i++)
        st->fixtures[i].contact_failures = 0;
    (void)pthread_mutex_unlock(&st->lock);
}

int
line_run(struct line *l, unsigned fixture, const char *label, unsigned tries,
         struct line_end *ret_end)
{
    struct job *job = &l->jobs[fixture];
    int again;

    if (tries == 0)
        *job = (struct job){.order = &l->st->orders[0]};
    memset(ret_end, 0, sizeof(*ret_end));
    (void)snprintf(job->board.device, sizeof(job->board.device), "%s", label);
    l->ends[fixture] = ret_end;
    again = board_run(&l->st->fixtures[fixture], job);
    go_on(l);
    return again;
}

int
line_post(struct line *l)
{
    struct rs_err err = {0};

    if (post_reports(l->st, l->st->poster_web, &err) == RS_OK)
        return 1;
    (void)fprintf(stderr, "line: reports: %s\n", err.text);
    return 0;
}
