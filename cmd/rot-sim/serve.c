/*
 * serve.c: the socket of a running rot-sim, a thread for each connection.
 *
 * A connection thread reads a frame, hands it to its session and writes the
 * answer; waiting for real bus time happens there, under the lock of one bus,
 * so buses do not wait for each other.  SIGTERM ends accepting, ends every
 * connection, saves, and removes the socket file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/sock.h"
#include "rot_sim.h"
#include "sims/panel/session.h"

#define BACKLOG         64
#define CONNECTIONS_MAX 256
#define ACCEPT_WAIT_MS  200

enum slot_state {
    SLOT_FREE = 0,
    SLOT_RUNNING,
    SLOT_DONE, /* the thread has ended and waits to be joined */
};

struct server;

struct connection {
    struct server *server;
    pthread_t thread;
    int fd;
    enum slot_state state;
};

struct server {
    struct sim_panel *panel;
    const char *socket;
    int listen_fd;
    pthread_mutex_t lock; /* states of the connections, and: */
    unsigned served;      /* how many connections there were */
    struct connection connections[CONNECTIONS_MAX];
};

/* By a signal, or by the thread that started this one (exec.c). */
static atomic_int stop_asked;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler sets it");

static void
on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void
catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal};

    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGINT, &act, NULL);
    act.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &act, NULL);
}

void
socket_default(char *path, size_t cap)
{
    const char *said = getenv("ROT_SIM_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");

    if (said != NULL && said[0] != '\0')
        (void)snprintf(path, cap, "%s", said);
    else if (dir != NULL && dir[0] != '\0')
        (void)snprintf(path, cap, "%s/rot-sim.sock", dir);
    else
        (void)snprintf(path, cap, "/tmp/rot-sim-%u.sock", (unsigned)getuid());
}

/* ---- One connection --------------------------------------------------------------- */

static void
converse(struct connection *conn, uint8_t *request, struct rs_buf *answer)
{
    struct sim_session session;
    uint8_t head[2];

    sim_session_init(&session, conn->server->panel, conn->server->socket);
    while (rs_sock_read(conn->fd, head, sizeof(head), NULL) == RS_OK) {
        size_t len = rs_get_u16(head);

        if (len == 0 || len > SIM_REQUEST_MAX ||
            rs_sock_read(conn->fd, request, len, NULL) != RS_OK ||
            !sim_session_answer(&session, rs_bytes_of(request, len), answer) ||
            rs_sock_write(conn->fd, rs_buf_bytes(answer), NULL) != RS_OK)
            break;
    }
    sim_session_done(&session);
}

static void *
run_connection(void *arg)
{
    struct connection *conn = arg;
    struct server *server = conn->server;
    uint8_t *request = malloc(SIM_REQUEST_MAX);
    struct rs_buf answer;

    rs_buf_init(&answer, SIM_ANSWER_MAX + 2);
    if (request != NULL)
        converse(conn, request, &answer);
    rs_buf_done(&answer);
    free(request);
    (void)pthread_mutex_lock(&server->lock);
    rs_sock_close(conn->fd);
    conn->fd = -1;
    conn->state = SLOT_DONE;
    (void)pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* A slot that nobody uses, its last thread joined; NULL when all are busy. */
static struct connection *
find_slot(struct server *server)
{
    struct connection *found = NULL;

    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *conn = &server->connections[i];

        if (conn->state == SLOT_DONE) {
            (void)pthread_join(conn->thread, NULL);
            conn->state = SLOT_FREE;
        }
        if (conn->state == SLOT_FREE && found == NULL)
            found = conn;
    }
    (void)pthread_mutex_unlock(&server->lock);
    return found;
}

static void
start_connection(struct server *server, int fd)
{
    struct connection *conn = find_slot(server);

    if (conn == NULL) {
        rs_sock_close(fd);
        return;
    }
    conn->server = server;
    conn->fd = fd;
    conn->state = SLOT_RUNNING;
    (void)pthread_mutex_lock(&server->lock);
    server->served++;
    (void)pthread_mutex_unlock(&server->lock);
    if (pthread_create(&conn->thread, NULL, run_connection, conn) != 0) {
        conn->state = SLOT_FREE;
        rs_sock_close(fd);
    }
}

static void
end_connections(struct server *server)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *conn = &server->connections[i];
        enum slot_state was;

        (void)pthread_mutex_lock(&server->lock);
        was = conn->state;
        if (was == SLOT_RUNNING)
            rs_sock_shutdown(conn->fd);
        (void)pthread_mutex_unlock(&server->lock);
        if (was != SLOT_FREE)
            (void)pthread_join(conn->thread, NULL);
        conn->state = SLOT_FREE;
    }
}

/* ---- The panel ---------------------------------------------------------------------- */

static rs_code
build_panel(const struct panel_config *config, struct sim_panel **ret_panel, struct rs_err *err)
{
    const struct sim_panel_options options = {
        .real_time = config->real_time,
        .busy_us = config->busy_us,
        .state_dir = config->state[0] == '\0' ? NULL : config->state,
        .trace = config->trace[0] == '\0' ? NULL : config->trace,
    };
    struct sim_panel *panel;
    rs_code rc = sim_panel_new(&options, &panel, err);

    if (rc != RS_OK)
        return rc;
    for (size_t i = 0; rc == RS_OK && i < config->mux_count; i++)
        rc = sim_panel_add_mux(panel, config->muxes[i].bus, config->muxes[i].address, err);
    for (size_t i = 0; rc == RS_OK && i < config->chip_count; i++) {
        const struct panel_chip *c = &config->chips[i];
        struct sim_chip *chip = NULL;

        rc = sim_panel_add(panel, c->name, c->kind, &chip, err);
        if (rc == RS_OK && c->behind > 0)
            rc = sim_chip_put_behind(chip, c->behind - 1, err);
    }
    if (rc != RS_OK) {
        sim_panel_free(panel);
        return rc;
    }
    *ret_panel = panel;
    return RS_OK;
}

static void
say_ready(const struct panel_config *config, uint64_t took_us, int json)
{
    if (json) {
        (void)printf("{\"ready\":true,\"chips\":%zu,\"socket\":\"%s\",\"timing\":\"%s\","
                     "\"took_ms\":%llu}\n",
                     config->chip_count, config->listen, config->real_time ? "real" : "none",
                     (unsigned long long)(took_us / 1000));
    } else {
        (void)printf("%zu chip%s on %s, timing %s (%llu ms).\n", config->chip_count,
                     config->chip_count == 1 ? "" : "s", config->listen,
                     config->real_time ? "real" : "none", (unsigned long long)(took_us / 1000));
        if (config->state[0] == '\0')
            (void)printf("Nothing is kept: add --state DIR to keep the chips.\n");
        (void)printf("\nNext\n  rot-sim list --socket %s\n", config->listen);
    }
    (void)fflush(stdout);
}

static rs_code
save_all(struct sim_panel *panel, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *request = json_pack("{s:s}", "do", "save");
    RS_AUTO(rs_json_done) json_t *answer = NULL;

    if (request == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory to save");
    return sim_panel_control(panel, request, "", &answer, err);
}

rs_code
serve_begin(const struct panel_config *config, struct server **ret_server, struct rs_err *err)
{
    struct server *server = calloc(1, sizeof(*server));
    char address[300];
    rs_code rc;

    if (server == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "simulator: no memory to serve");
    server->socket = config->listen;
    server->listen_fd = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)snprintf(address, sizeof(address), "unix:%s", config->listen);
    rc = build_panel(config, &server->panel, err);
    if (rc == RS_OK)
        rc = rs_sock_listen(address, BACKLOG, &server->listen_fd, err);
    if (rc == RS_OK) {
        *ret_server = server;
        return RS_OK;
    }
    sim_panel_free(server->panel);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
    return rc;
}

rs_code
serve_run(struct server *server, struct rs_err *err)
{
    while (!stop_asked) {
        int fd = -1;
        rs_code rc = rs_sock_accept(server->listen_fd, ACCEPT_WAIT_MS, &fd, err);

        if (rc != RS_OK)
            return rc;
        if (fd >= 0 && stop_asked)
            rs_sock_close(fd);
        else if (fd >= 0)
            start_connection(server, fd);
    }
    return RS_OK;
}

void
serve_stop(struct server *server)
{
    char address[300];
    int fd = -1;

    stop_asked = 1;
    /* Whoever waits for a connection gets one, and sees that it was the last. */
    (void)snprintf(address, sizeof(address), "unix:%s", server->socket);
    if (rs_sock_connect(address, ACCEPT_WAIT_MS, &fd, NULL) == RS_OK)
        rs_sock_close(fd);
}

struct sim_panel *
serve_panel_of(struct server *server)
{
    return server->panel;
}

unsigned
serve_count(struct server *server)
{
    unsigned count;

    (void)pthread_mutex_lock(&server->lock);
    count = server->served;
    (void)pthread_mutex_unlock(&server->lock);
    return count;
}

rs_code
serve_hang_up(struct server *server, struct rs_err *err)
{
    rs_sock_close(server->listen_fd);
    server->listen_fd = -1;
    end_connections(server);
    if (rs_file_remove(server->socket, NULL) != RS_OK)
        (void)fprintf(stderr, "rot-sim: %s was gone before the end\n", server->socket);
    return save_all(server->panel, err);
}

void
serve_free(struct server *server)
{
    sim_panel_free(server->panel);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

rs_code
serve_panel(const struct panel_config *config, int json, struct rs_err *err)
{
    uint64_t started_us = rs_mono_us();
    struct server *server;
    rs_code rc;

    catch_signals();
    rc = serve_begin(config, &server, err);
    if (rc != RS_OK)
        return rc;
    say_ready(config, rs_mono_us() - started_us, json);
    rc = serve_run(server, err);
    if (rc == RS_OK)
        rc = serve_hang_up(server, err);
    if (rc == RS_OK) {
        if (!json)
            (void)printf("\nStopped.\n");
        say_done(serve_panel_of(server), stdout, json);
    }
    serve_free(server);
    return rc;
}
