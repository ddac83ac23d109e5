/*
 * exec.c: run a program whose devices are simulated.
 *
 * A private panel listens in a folder of its own (or a running one is used), the
 * program is started with the library in front of its C library, and everything
 * that this process is told goes on to it.  The terminal's own signals reach the
 * program by themselves: both are in the foreground.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "rot_sim.h"

#define LIBRARY      "rot-sim-shim.so"
#define MAP_MAX      4096
#define DIR_MAX      96  /* a socket's path has 107 bytes */
#define EXIT_MISSING 127 /* as shells have it */
#define EXIT_BARRED  126
#define START_US     20000 /* more than any simulated part takes to start */

extern char **environ;

struct run {
    struct exec_plan *plan;
    char dir[DIR_MAX], library[512], map[MAP_MAX];
    struct server *server; /* NULL when the panel runs already */
    pthread_t thread;
    rs_code served; /* how the thread ended */
    struct exec_line *lines[EXEC_TTYS_MAX];
    sigset_t caught, before;
    uint64_t started_us;
    pid_t pid;
};

/* ---- Where things are ---------------------------------------------------------------- */

/* Beside the program, where it is installed, or where it was built. */
static rs_code
find_library(struct run *r, struct rs_err *err)
{
    static const char *const places[] = {"", "/../lib", "/../../sims/shim"};
    char exe[400];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

    exe[n > 0 ? n : 0] = '\0';
    if (strrchr(exe, '/') != NULL)
        *strrchr(exe, '/') = '\0';
    (void)snprintf(r->library, sizeof(r->library), "%s", ROT_SIM_LIBDIR "/" LIBRARY);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char path[sizeof(r->library)];

        (void)snprintf(path, sizeof(path), "%s%s/" LIBRARY, exe, places[i]);
        if (rs_path_exists(path)) {
            memcpy(r->library, path, sizeof(path));
            break;
        }
    }
    if (!rs_path_exists(r->library))
        return rs_fail(err, RS_E_FILE_FAILED, "exec: %s is not beside rot-sim, nor in %s", LIBRARY,
                       ROT_SIM_LIBDIR);
    if (strpbrk(r->library, " :") != NULL)
        return rs_fail(err, RS_E_USAGE,
                       "exec: the loader takes no path with a blank or a colon: %s", r->library);
    return RS_OK;
}

static rs_code
make_folder(struct run *r, struct rs_err *err)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(r->dir, sizeof(r->dir), "%s/rot-sim-XXXXXX",
                     base != NULL && base[0] == '/' ? base : "/tmp");

    if (n < 0 || (size_t)n >= sizeof(r->dir) || strpbrk(r->dir, " \n") != NULL ||
        mkdtemp(r->dir) == NULL) {
        r->dir[0] = '\0';
        return rs_fail(err, RS_E_FILE_FAILED, "exec: no folder can be made in %s",
                       base != NULL ? base : "/tmp");
    }
    return exec_tree_make(r->plan, r->dir, err);
}

/* ---- The panel -------------------------------------------------------------------------- */

static void *
serve_thread(void *arg)
{
    struct run *r = arg;

    r->served = serve_run(r->server, NULL);
    return NULL;
}

static rs_code
start_panel(struct run *r, struct rs_err *err)
{
    struct panel_config *config = &r->plan->config;
    rs_code rc;

    for (size_t i = 0; i < r->plan->chip_count; i++) {
        struct panel_chip *chip = &config->chips[config->chip_count++];

        (void)snprintf(chip->name, sizeof(chip->name), "%s", r->plan->chips[i].name);
        (void)snprintf(chip->kind, sizeof(chip->kind), "%s", r->plan->chips[i].kind);
    }
    (void)snprintf(config->listen, sizeof(config->listen), "%s/sock", r->dir);
    (void)snprintf(r->plan->socket, sizeof(r->plan->socket), "%s/sock", r->dir);
    rc = serve_begin(config, &r->server, err);
    if (rc != RS_OK)
        return rc;
    if (pthread_create(&r->thread, NULL, serve_thread, r) == 0) {
        /* On a board the parts have had power long before: no program meets one that still starts. */
        rs_sleep_us(START_US);
        return RS_OK;
    }
    serve_free(r->server);
    r->server = NULL;
    return rs_fail(err, RS_E_NO_MEMORY, "exec: no thread for the simulator");
}

/* The chip as the panel lists it; NULL: none of that name. */
static const json_t *
find_listed(const json_t *list, const char *name)
{
    json_t *chip;
    size_t i;

    json_array_foreach(json_object_get(list, "chips"), i, chip)
    {
        if (strcmp(rs_json_text_or(chip, "chip", ""), name) == 0)
            return chip;
    }
    return NULL;
}

/* Each chip is there, at the address that was asked for. */
static rs_code
check_chips(struct run *r, struct rs_err *err)
{
    RS_AUTO(rs_json_done) json_t *request = json_pack("{s:s}", "do", "list");
    RS_AUTO(rs_json_done) json_t *list = NULL;
    rs_code rc = client_ask(r->plan->socket, request, &list, err);

    for (size_t i = 0; rc == RS_OK && i < r->plan->chip_count; i++) {
        struct exec_chip *chip = &r->plan->chips[i];
        const json_t *listed = find_listed(list, chip->name);
        int address;

        if (listed == NULL)
            return rs_fail(err, RS_E_USAGE, "exec: the running rot-sim has no chip %s", chip->name);
        address = (int)strtoul(rs_json_text_or(listed, "address", "0"), NULL, 16);
        if (chip->address >= 0 && chip->address != address)
            return rs_fail(err, RS_E_USAGE, "exec: %s answers at 0x%02x, not at 0x%02x", chip->name,
                           (unsigned)address, (unsigned)chip->address);
        chip->address = address;
    }
    return rc;
}

/* ---- What the program is told --------------------------------------------------------------- */

static void add_word(struct run *r, const char *format, ...) RS_PRINTF(2, 3);

static void
add_word(struct run *r, const char *format, ...)
{
    size_t len = strlen(r->map);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(r->map + len, sizeof(r->map) - len, format, args);
    va_end(args);
}

/* One word for each bus, whatever is on it. */
static rs_code
map_chip(struct run *r, size_t i, struct rs_err *err)
{
    const struct exec_chip *chip = &r->plan->chips[i];
    int bus_len = (int)strcspn(chip->name, "/");

    if (chip->is_spi) {
        add_word(r, "spi-%u.%u=%s ", chip->bus, chip->select, chip->name);
        return RS_OK;
    }
    for (size_t k = 0; k < i; k++) {
        const struct exec_chip *c = &r->plan->chips[k];
        int is_same = (int)strcspn(c->name, "/") == bus_len &&
                      strncmp(c->name, chip->name, (size_t)bus_len) == 0;

        if (c->is_spi || c->bus != chip->bus)
            continue;
        if (!is_same)
            return rs_fail(err, RS_E_USAGE, "exec: %s and %s are not on one bus: use --bus",
                           c->name, chip->name);
        return RS_OK;
    }
    add_word(r, "i2c-%u=%.*s ", chip->bus, bus_len, chip->name);
    return RS_OK;
}

static rs_code
make_map(struct run *r, struct rs_err *err)
{
    rs_code rc = RS_OK;

    for (size_t i = 0; rc == RS_OK && i < r->plan->chip_count; i++)
        rc = map_chip(r, i, err);
    for (size_t i = 0; i < r->plan->gpio_count; i++)
        add_word(r, "gpio-%u=%s ", r->plan->gpios[i].line,
                 r->plan->chips[r->plan->gpios[i].chip].name);
    for (size_t i = 0; rc == RS_OK && i < r->plan->tty_count; i++) {
        char path[64];

        rc = exec_line_start(&r->plan->ttys[i], &r->lines[i], path, sizeof(path), err);
        if (rc == RS_OK)
            add_word(r, "%s=%s ", r->plan->ttys[i].name, path);
    }
    return rc;
}

/* name=value before what is there already, with a separator. */
static void
set_before(const char *name, const char *value, char separator)
{
    const char *was = getenv(name);
    char text[2048];

    if (was == NULL || was[0] == '\0')
        (void)setenv(name, value, 1);
    else if ((size_t)snprintf(text, sizeof(text), "%s%c%s", value, separator, was) < sizeof(text))
        (void)setenv(name, text, 1);
}

/* This process is not touched by what it sets: it has started long ago. */
static void
set_environment(const struct run *r)
{
    (void)setenv("ROT_SIM_SHIM", r->map, 1);
    (void)setenv("ROT_SIM_SHIM_DIR", r->dir, 1);
    (void)setenv("ROT_SIM_SOCKET", r->plan->socket, 1);
    set_before("LD_PRELOAD", r->library, ':');
    /* A program with this sanitizer wants to be first in line; what the user said wins. */
    set_before("ASAN_OPTIONS", "verify_asan_link_order=0", ':');
}

/* ---- The program --------------------------------------------------------------------------- */

static void
block_signals(struct run *r)
{
    static const int caught[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

    (void)sigemptyset(&r->caught);
    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        (void)sigaddset(&r->caught, caught[i]);
    (void)pthread_sigmask(SIG_BLOCK, &r->caught, &r->before);
}

/* 0, or an errno. */
static int
spawn(struct run *r)
{
    posix_spawnattr_t attr;
    int rc = posix_spawnattr_init(&attr);

    if (rc != 0)
        return rc;
    (void)posix_spawnattr_setsigmask(&attr, &r->before);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    rc = posix_spawnp(&r->pid, r->plan->program[0], NULL, &attr, r->plan->program, environ);
    (void)posix_spawnattr_destroy(&attr);
    return rc;
}

/* Until it ends: pass on what came from another process.  Gives its wait status. */
static int
wait_for(struct run *r)
{
    siginfo_t info;
    int status = 0, number;

    for (;;) {
        number = sigwaitinfo(&r->caught, &info);
        if (number < 0)
            continue;
        if (number == SIGCHLD && waitpid(r->pid, &status, WNOHANG) == r->pid)
            return status;
        if (number != SIGCHLD && info.si_code <= 0)
            (void)kill(r->pid, number);
    }
}

static void
say_before(const struct run *r)
{
    for (size_t i = 0; i < r->plan->chip_count; i++) {
        const struct exec_chip *chip = &r->plan->chips[i];

        if (chip->is_spi)
            (void)fprintf(stderr, "rot-sim: %s is /dev/spidev%u.%u\n", chip->name, chip->bus,
                          chip->select);
        else
            (void)fprintf(stderr, "rot-sim: %s is 0x%02x on /dev/i2c-%u\n", chip->name,
                          (unsigned)chip->address, chip->bus);
    }
    for (size_t i = 0; i < r->plan->gpio_count; i++)
        (void)fprintf(stderr, "rot-sim: GPIO line %u feeds %s\n", r->plan->gpios[i].line,
                      r->plan->chips[r->plan->gpios[i].chip].name);
    for (size_t i = 0; i < r->plan->tty_count; i++)
        (void)fprintf(stderr, "rot-sim: %s is %s\n", r->plan->ttys[i].name,
                      r->plan->ttys[i].socket);
}

static void
say_after_json(const struct run *r, int exit_code, unsigned connections)
{
    json_t *chips = r->server == NULL ? json_array() : panel_stats(serve_panel_of(r->server));
    RS_AUTO(rs_json_done) json_t *all =
        json_pack("{s:s, s:i, s:i, s:i, s:o}", "program", r->plan->program[0], "exit", exit_code,
                  "took_ms", (int)((rs_mono_us() - r->started_us) / 1000), "connections",
                  (int)connections, "chips", chips);
    char *text = all == NULL ? NULL : json_dumps(all, JSON_COMPACT);

    (void)fprintf(stderr, "%s\n", text == NULL ? "{}" : text);
    free(text);
}

/* The check of the chips was a connection, too. */
static void
say_after(const struct run *r, int exit_code)
{
    unsigned connections = r->server == NULL ? 0 : serve_count(r->server) - 1;

    if (r->plan->json) {
        say_after_json(r, exit_code, connections);
        return;
    }
    (void)fprintf(stderr, "rot-sim: %s ended with %d after %.1f s\n", r->plan->program[0],
                  exit_code, (double)(rs_mono_us() - r->started_us) / 1e6);
    if (r->server == NULL)
        return;
    say_done(serve_panel_of(r->server), stderr, 0);
    if (connections == 0 && r->plan->chip_count > 0)
        (void)fprintf(stderr,
                      "rot-sim: it never opened one of these devices. Another bus number (--bus)? "
                      "A static or setuid program cannot be reached.\n");
}

static rs_code
run_program(struct run *r, int *ret_exit, struct rs_err *err)
{
    int rc, status;

    if (!r->plan->quiet && !r->plan->json)
        say_before(r);
    set_environment(r);
    r->started_us = rs_mono_us();
    rc = spawn(r);
    if (rc != 0) {
        *ret_exit = rc == ENOENT ? EXIT_MISSING : EXIT_BARRED;
        return rs_fail(err, RS_E_USAGE, "exec: cannot run %.80s: %s", r->plan->program[0],
                       strerror(rc));
    }
    status = wait_for(r);
    *ret_exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return RS_OK;
}

/* ---- All of it --------------------------------------------------------------------------------- */

static rs_code
stop_panel(struct run *r, struct rs_err *err)
{
    rs_code rc;

    serve_stop(r->server);
    (void)pthread_join(r->thread, NULL);
    rc = serve_hang_up(r->server, err);
    return rc == RS_OK ? r->served : rc;
}

static rs_code
run_all(struct run *r, int *ret_exit, struct rs_err *err)
{
    rs_code rc = find_library(r, err), ended;

    if (rc == RS_OK)
        rc = make_folder(r, err);
    if (rc == RS_OK && r->plan->socket[0] == '\0')
        rc = start_panel(r, err);
    if (rc == RS_OK)
        rc = check_chips(r, err);
    if (rc == RS_OK)
        rc = make_map(r, err);
    if (rc == RS_OK)
        rc = run_program(r, ret_exit, err);
    for (size_t i = 0; i < r->plan->tty_count; i++)
        exec_line_end(r->lines[i]);
    if (r->server == NULL && rc == RS_OK && !r->plan->quiet)
        say_after(r, *ret_exit);
    if (r->server == NULL)
        return rc;
    ended = stop_panel(r, rc == RS_OK ? err : NULL);
    if (rc == RS_OK && !r->plan->quiet)
        say_after(r, *ret_exit);
    serve_free(r->server);
    return rc == RS_OK ? ended : rc;
}

rs_code
exec_run(struct exec_plan *plan, int *ret_exit, struct rs_err *err)
{
    struct run *r = calloc(1, sizeof(*r));
    rs_code rc;

    if (r == NULL)
        return rs_fail(err, RS_E_NO_MEMORY, "exec: no memory");
    r->plan = plan;
    block_signals(r);
    rc = run_all(r, ret_exit, err);
    if (r->dir[0] != '\0')
        exec_tree_remove(r->dir);
    free(r);
    return rc;
}
