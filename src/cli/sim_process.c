/*
 * sim_process.c: see sim_process.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/sim_process.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/sim_control.h"

#define START_MS 20000
#define LOOK_MS  20

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

/*
 * In the child.  It ends when we do, however that comes; what a shim does to our own devices is not
 * for it; and it talks into its log.
 */
static void
become(const char *program, const char *panel, int in, int out)
{
    char name[] = "rot-sim", verb[] = "panel", file[300];
    char *argv[] = {name, verb, file, NULL};

    (void)snprintf(file, sizeof(file), "%s", panel);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (unsetenv("LD_PRELOAD") != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    (void)execvp(program, argv);
    (void)fprintf(stderr, "cannot start %s: %s\n", program, strerror(errno));
    _exit(127);
}

static rs_code
spawn(struct sim_process *p, const char *program, const char *panel, struct rs_err *err)
{
    char log[300];
    int in = -1, out = -1;
    rs_code rc = rs_file_open("/dev/null", RS_OPEN_READ, &in, err);

    (void)snprintf(log, sizeof(log), "%s/log", p->dir);
    if (rc == RS_OK)
        rc = rs_file_open(log, RS_OPEN_CREATE, &out, err);
    if (rc == RS_OK)
        p->pid = fork();
    if (rc == RS_OK && p->pid == 0)
        become(program, panel, in, out);
    rs_file_close(in);
    rs_file_close(out);
    if (rc == RS_OK && p->pid < 0) {
        p->pid = 0;
        rc = rs_fail_errno(err, RS_E_USAGE, "the simulator did not start");
    }
    return rc;
}

static size_t
line_length(struct rs_bytes text)
{
    size_t n = 0;

    while (n < text.len && text.p[n] != '\n')
        n++;
    return n;
}

/* What it said before it ended. */
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
    return rs_fail(err, RS_E_USAGE, "the simulator did not start: %.*s; --simulator names another",
                   (int)(text.len > 160 ? 160 : line_length(rs_buf_bytes(&text))),
                   (const char *)text.p);
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
sim_process_hide(struct sim_process *p)
{
    struct rs_err none = {0};

    if (p->dir[0] != '\0')
        (void)!rs_dir_remove(p->dir, &none);
    p->dir[0] = '\0';
}

void
sim_process_stop(struct sim_process *p)
{
    if (p->pid > 0) {
        (void)kill(p->pid, SIGTERM);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    p->pid = 0;
    sim_process_hide(p);
}
