/*
 * sim_process.c: see sim_process.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/sim_process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/sim_control.h"

#define START_MS 20000
#define LOOK_MS  20

extern char **environ;

/* ---- Which program ------------------------------------------------------------------------------- */

/* Beside this one, or in a build tree; else in PATH. */
static void
find_program(const char *named, char *out, size_t cap)
{
    static const char *const places[] = {"rot-sim", "../rot-sim/rot-sim"};
    char own[PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
    char *slash;

    if (named != NULL) {
        (void)snprintf(out, cap, "%s", named);
        return;
    }
    own[n > 0 ? n : 0] = '\0';
    slash = strrchr(own, '/');
    for (size_t i = 0; slash != NULL && i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(out, cap, "%.*s/%s", (int)(slash - own), own, places[i]);
        if (access(out, X_OK) == 0)
            return;
    }
    (void)snprintf(out, cap, "rot-sim");
}

/* What a shim does to our own devices is not for it. */
static int
is_for_it(const char *variable)
{
    return strncmp(variable, "LD_PRELOAD=", 11) != 0;
}

static char **
make_environment(void)
{
    size_t n = 0, kept = 0;
    char **own;

    while (environ[n] != NULL)
        n++;
    own = calloc(n + 1, sizeof(*own));
    for (size_t i = 0; own != NULL && i < n; i++) {
        if (is_for_it(environ[i]))
            own[kept++] = environ[i];
    }
    return own;
}

/* ---- Starting ------------------------------------------------------------------------------------------ */

static rs_code
write_panel(const struct sim_process *p, const char *kind, char *path, size_t cap,
            struct rs_err *err)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;

    rs_buf_init(&text, 65536);
    rs_buf_printf(&text, "listen %s\ntiming none\nchip b/u %s\n", p->socket, kind);
    (void)snprintf(path, cap, "%s/panel", p->dir);
    return rs_file_make(path, rs_buf_bytes(&text), 0600, err);
}

static rs_code
spawn(struct sim_process *p, const char *program, const char *panel, struct rs_err *err)
{
    char log[300], name[] = "rot-sim", verb[] = "panel", file[300];
    char *argv[] = {name, verb, file, NULL};
    posix_spawn_file_actions_t actions;
    char **env = make_environment();
    int failed = env == NULL ? ENOMEM : 0;

    (void)snprintf(file, sizeof(file), "%s", panel);
    (void)snprintf(log, sizeof(log), "%s/log", p->dir);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (failed == 0)
        failed = posix_spawnp(&p->pid, program, &actions, NULL, argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(env);
    if (failed == 0)
        return RS_OK;
    p->pid = 0;
    return rs_fail(err, RS_E_USAGE, "cannot start %.160s: %s; --simulator names another", program,
                   strerror(failed));
}

/* What it said before it ended: its last line. */
static rs_code
say_ended(const struct sim_process *p, struct rs_err *err)
{
    char path[300];
    struct rs_err none = {0};

    RS_AUTO(rs_buf_done) struct rs_buf text;
    rs_buf_init(&text, 4096);
    (void)snprintf(path, sizeof(path), "%s/log", p->dir);
    if (rs_file_read(path, 4096, &text, &none) != RS_OK)
        rs_buf_reset(&text);
    return rs_fail(err, RS_E_USAGE, "the simulator did not start: %.*s",
                   (int)(text.len > 180 ? 180 : text.len), (const char *)text.p);
}

static rs_code
wait_for(struct sim_process *p, struct rs_err *err)
{
    for (int ms = 0; ms < START_MS; ms += LOOK_MS) {
        struct sim_control control;
        struct rs_err none = {0};

        if (sim_control_open(&control, p->socket, &none) == RS_OK) {
            sim_control_close(&control);
            return RS_OK;
        }
        if (waitpid(p->pid, NULL, WNOHANG) == p->pid) {
            p->pid = 0;
            return say_ended(p, err);
        }
        rs_sleep_us(LOOK_MS * 1000);
    }
    return rs_fail(err, RS_E_USAGE, "the simulator does not answer after %d s", START_MS / 1000);
}

rs_code
sim_process_start(struct sim_process *p, const char *program, const char *kind, struct rs_err *err)
{
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX + 32], panel[300];
    int n;
    rs_code rc;

    memset(p, 0, sizeof(*p));
    n = snprintf(p->dir, sizeof(p->dir), "%s/rootsmith-sim-XXXXXX",
                 base != NULL && base[0] == '/' ? base : "/tmp");
    if (n < 0 || n > 80 || mkdtemp(p->dir) == NULL) { /* the path of a socket is short */
        p->dir[0] = '\0';
        return rs_fail(err, RS_E_FILE_FAILED, "no folder for a simulator can be made in %.120s",
                       base != NULL ? base : "/tmp");
    }
    (void)snprintf(p->socket, sizeof(p->socket), "%s/sock", p->dir);
    find_program(program, path, sizeof(path));
    rc = write_panel(p, kind, panel, sizeof(panel), err);
    if (rc == RS_OK)
        rc = spawn(p, path, panel, err);
    if (rc == RS_OK)
        rc = wait_for(p, err);
    if (rc != RS_OK)
        sim_process_stop(p);
    return rc;
}

void
sim_process_stop(struct sim_process *p)
{
    struct rs_err none = {0};

    if (p->pid > 0) {
        (void)kill(p->pid, SIGTERM);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    p->pid = 0;
    if (p->dir[0] != '\0')
        (void)!rs_dir_remove(p->dir, &none);
    p->dir[0] = '\0';
}
