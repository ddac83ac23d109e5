/*
 * supervisor.c: opens sockets, starts the others, and starts them again.
 *
 * It holds no key, no store and no connection.  Signer and front speak over a
 * socket pair that is made anew each time either of them starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/random.h"
#include "base/sock.h"
#include "crypto/hash.h"
#include "server/server.h"

#define SOCKET_BUFFER    ((size_t)4 << 20)
#define READY_MS         120000
#define LIVED_MS         100 /* a process that worked for so long was not started in vain */
#define RESTART_PAUSE_MS 100
#define AT_ONCE_MAX      2  /* failures in a row that are not waited for */
#define FAILURES_MAX     10 /* in a row, before it is given up */

#define CLAIM_CODE_LEN 20
#define CLAIM_LIFE_S   86400

struct supervisor {
    const struct server_config *config;
    const char *program;
    int listen_fd[3];
    int signal_fd;
    int control_fd;      /* to the front */
    pid_t front, signer; /* 0: it does not run */
    uint64_t started_us; /* when the last of them was started again */
    unsigned failures;
};

/* ---- Starting programs ------------------------------------------------------------------ */

/* The directory of our own executable: the signer lies beside us. */
static void
sibling(const char *name, char path[1024])
{
    char self[900];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    (void)snprintf(path, 1024, "%s/%s", slash != NULL ? self : ".", name);
    /* A build tree keeps each program in a folder of its own. */
    if (!rs_path_exists(path))
        (void)snprintf(path, 1024, "%s/../%s/%s", slash != NULL ? self : ".", name, name);
}

/* Exec in a child that dies with us; fd stays open in it. */
static rs_code
spawn(const char *path, const char *const argv[], int fd, pid_t *ret_pid, struct rs_err *err)
{
    pid_t parent = getpid(), pid = fork();
    sigset_t none;

    if (pid < 0)
        return rs_fail_errno(err, RS_E_INTERNAL, "cannot start %s", path);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)fcntl(fd, F_SETFD, 0);
        (void)execv(path, (char *const *)(uintptr_t)argv); /* execv changes nothing */
        _exit(127);
    }
    *ret_pid = pid;
    return RS_OK;
}

rs_code
server_spawn_signer(const struct server_config *config, const char *program, int fd, int init,
                    int *ret_pid, struct rs_err *err)
{
    char path[1024], data[700], witness[700], fd_text[16];
    const char *argv[] = {
        path, "--data", data, "--witness", witness, "--fd", fd_text, init ? "--init" : NULL, NULL};
    pid_t pid;
    rs_code rc;

    (void)program;
    sibling("rootsmith-signer", path);
    (void)snprintf(data, sizeof(data), "%s/signer", config->data);
    (void)snprintf(witness, sizeof(witness), "%s/witness", config->data);
    (void)snprintf(fd_text, sizeof(fd_text), "%d", fd);
    rc = spawn(path, argv, fd, &pid, err);
    if (rc == RS_OK)
        *ret_pid = pid;
    return rc;
}

/* "4F7K9QWD2MXPT6HR0C5V" as people read it. */
static void
show_code(const char code[CLAIM_CODE_LEN + 1], char text[SERVER_CLAIM_TEXT_SIZE])
{
    size_t n = 0;

    for (size_t i = 0; i < CLAIM_CODE_LEN; i++) {
        if (i > 0 && i % 4 == 0)
            text[n++] = '-';
        text[n++] = code[i];
    }
    text[n] = '\0';
}

/* A signer that does nothing else: it takes the code's key, writes its leaf, and ends. */
static rs_code
run_claim(const struct server_config *config, const uint8_t key[32], int64_t until,
          struct rs_err *err)
{
    char path[1024], data[700], witness[700], fd_text[16], until_text[24];
    const char *const argv[] = {path,       "--data",     data,    "--witness",
                                witness,    "--claim-fd", fd_text, "--claim-until",
                                until_text, NULL};
    int pair[2], status = -1;
    pid_t pid = 0;
    rs_code rc = rs_sock_pair(SOCKET_BUFFER, pair, err);

    if (rc != RS_OK)
        return rc;
    sibling("rootsmith-signer", path);
    (void)snprintf(data, sizeof(data), "%s/signer", config->data);
    (void)snprintf(witness, sizeof(witness), "%s/witness", config->data);
    (void)snprintf(fd_text, sizeof(fd_text), "%d", pair[1]);
    (void)snprintf(until_text, sizeof(until_text), "%lld", (long long)until);
    rc = spawn(path, argv, pair[1], &pid, err);
    rs_sock_close(pair[1]);
    if (rc == RS_OK)
        rc = rs_sock_write(pair[0], rs_bytes_of(key, 32), err);
    rs_sock_close(pair[0]);
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
    if (rc == RS_OK && status != 0)
        rc =
            rs_fail(err, RS_E_SIGNER_AWAY,
                    "no new claim code: the signer could not open %s. Stop rootsmithd first", data);
    return rc;
}

rs_code
server_new_claim(const struct server_config *config, char ret_text[SERVER_CLAIM_TEXT_SIZE],
                 struct rs_err *err)
{
    char code[CLAIM_CODE_LEN + 1];
    uint8_t key[CRYPTO_SHA256_SIZE];
    struct rs_bytes parts[2];
    rs_code rc = rs_random_text(code, CLAIM_CODE_LEN, err);

    if (rc != RS_OK)
        return rc;
    parts[0] = rs_bytes_str("rootsmith claim key v1");
    parts[1] = rs_bytes_str(code);
    crypto_sha256_parts(parts, 2, key);
    rc = run_claim(config, key, rs_now() + CLAIM_LIFE_S, err);
    if (rc == RS_OK)
        show_code(code, ret_text);
    rs_wipe(key, sizeof(key));
    rs_wipe(code, sizeof(code));
    return rc;
}

static rs_code
spawn_front(struct supervisor *s, int fd, struct rs_err *err)
{
    char path[1024], data[700], fd_text[16];
    const char *argv[] = {path, "--front", fd_text, "--data", data, NULL};
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    path[n > 0 ? n : 0] = '\0';
    (void)snprintf(data, sizeof(data), "%s", s->config->data);
    (void)snprintf(fd_text, sizeof(fd_text), "%d", fd);
    return spawn(path, argv, fd, &s->front, err);
}

/* ---- The two together -------------------------------------------------------------------- */

/* A new signer; *ret_fd is the front's end. */
static rs_code
start_signer(struct supervisor *s, int *ret_fd, struct rs_err *err)
{
    int pair[2], pid;
    rs_code rc = rs_sock_pair(SOCKET_BUFFER, pair, err);

    if (rc != RS_OK)
        return rc;
    rc = server_spawn_signer(s->config, s->program, pair[1], 0, &pid, err);
    rs_sock_close(pair[1]);
    if (rc != RS_OK) {
        rs_sock_close(pair[0]);
        return rc;
    }
    s->signer = pid;
    *ret_fd = pair[0];
    return RS_OK;
}

static rs_code
wait_ready(struct supervisor *s, char *text, size_t cap, struct rs_err *err)
{
    size_t len = 0;
    rs_code rc = rs_sock_receive(s->control_fd, (uint8_t *)text, cap - 1, READY_MS, &len, err);

    text[rc == RS_OK ? len : 0] = '\0';
    if (rc == RS_OK && strncmp(text, "ready ", 6) != 0) {
        char name[64] = "";
        const struct rs_code_info *info;
        int at = 0;
        (void)sscanf(text, "failed %63s %n", name, &at);
        info = rs_code_find(name);
        text[strcspn(text, "\n")] = '\0';
        rc = rs_fail(err, info != NULL ? info->code : RS_E_INTERNAL, "%.200s",
                     at > 0 ? text + at : "the front ended before it was ready");
    }
    return rc;
}

static rs_code
start_both(struct supervisor *s, char *ready, size_t cap, struct rs_err *err)
{
    int pair[2], signer_fd;
    rs_code rc = start_signer(s, &signer_fd, err);

    if (rc == RS_OK)
        rc = rs_sock_pair(65536, pair, err);
    if (rc != RS_OK)
        return rc;
    rc = spawn_front(s, pair[1], err);
    rs_sock_close(pair[1]);
    s->control_fd = pair[0];
    int fds[] = {s->listen_fd[0], s->listen_fd[1], s->listen_fd[2], signer_fd};
    if (rc == RS_OK)
        rc = rs_sock_send_fds(s->control_fd, fds, 4, err);
    rs_sock_close(signer_fd);
    return rc == RS_OK ? wait_ready(s, ready, cap, err) : rc;
}

static void
end_child(pid_t *pid, int sig, unsigned timeout_ms)
{
    int status;

    if (*pid <= 0)
        return;
    if (sig != 0)
        (void)kill(*pid, sig);
    for (unsigned waited = 0; waited < timeout_ms; waited += 10) {
        if (waitpid(*pid, &status, WNOHANG) == *pid) {
            *pid = 0;
            return;
        }
        rs_sleep_us(10000);
    }
    (void)kill(*pid, SIGKILL);
    (void)waitpid(*pid, &status, 0);
    *pid = 0;
}

/* The front drains and closes the signer's socket; the signer then writes its checkpoint. */
static void
stop_both(struct supervisor *s)
{
    rs_sock_close(s->control_fd);
    s->control_fd = -1;
    end_child(&s->front, 0, 10000);
    end_child(&s->signer, 0, 10000);
}

/* ---- When one of them dies ------------------------------------------------------------------ */

static rs_code
restart_signer(struct supervisor *s, struct rs_err *err)
{
    int fd = -1;
    rs_code rc = start_signer(s, &fd, err);

    if (rc == RS_OK)
        rc = rs_sock_send_fds(s->control_fd, &fd, 1, err);
    rs_sock_close(fd);
    return rc;
}

static rs_code
restart_front(struct supervisor *s, struct rs_err *err)
{
    char ready[256];

    rs_sock_close(s->control_fd);
    s->control_fd = -1;
    end_child(&s->signer, 0, 10000); /* its socket is closed: it ends by itself */
    return start_both(s, ready, sizeof(ready), err);
}

/* Take note of all that ended; 0 when nothing of ours did. */
static int
reap(struct supervisor *s)
{
    int status, ended = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        int front = pid == s->front;
        if (!front && pid != s->signer)
            continue;
        rs_log(RS_LOG_WARN, "supervisor",
               front ? "the front ended; starting it again" : "the signer ended; starting it again",
               "status=%d", status);
        if (front)
            s->front = 0;
        else
            s->signer = 0;
        ended = 1;
    }
    return ended;
}

/* A start that failed leaves nothing behind: the next one begins with neither of them. */
static rs_code
try_again(struct supervisor *s, struct rs_err *err)
{
    rs_code rc = s->front == 0 ? restart_front(s, err) : restart_signer(s, err);

    if (rc != RS_OK) {
        end_child(&s->front, SIGKILL, 1000);
        end_child(&s->signer, SIGKILL, 1000);
    }
    return rc;
}

/*
 * Start what is missing until both run.  Whatever ends while it starts is
 * started once more: a machine that kills at random must not end the service,
 * and a start that cannot succeed must not go on for ever.
 */
static rs_code
mend(struct supervisor *s, struct rs_err *err)
{
    if (rs_mono_us() - s->started_us > (uint64_t)LIVED_MS * 1000)
        s->failures = 0;
    while (s->front == 0 || s->signer == 0) {
        struct rs_err why = {0};
        rs_code rc;

        if (++s->failures > AT_ONCE_MAX)
            rs_sleep_us((uint64_t)RESTART_PAUSE_MS * 1000 * (s->failures - AT_ONCE_MAX));
        rc = try_again(s, &why);
        s->started_us = rs_mono_us();
        if (rc == RS_OK)
            continue;
        rs_log_err(RS_LOG_ERROR, "supervisor", "not started", &why);
        if (s->failures >= FAILURES_MAX)
            return rs_fail(err, rc, "%s", why.text);
    }
    return RS_OK;
}

/* Wait for it to end by itself; 1 when a signal ended it. */
static int
was_killed(pid_t *pid)
{
    int status = 0;

    for (unsigned waited = 0; *pid > 0 && waited < 1000; waited += 10) {
        if (waitpid(*pid, &status, WNOHANG) == *pid) {
            *pid = 0;
            return WIFSIGNALED(status);
        }
        rs_sleep_us(10000);
    }
    return 0;
}

/*
 * The first start.  What a process says against it is final: the store is
 * damaged, the passphrase wrong.  One that was killed said nothing, and may try
 * again; the other of the two ends when the first is gone.
 */
static rs_code
start_first(struct supervisor *s, char *ready, size_t cap, struct rs_err *err)
{
    for (;;) {
        rs_code rc = start_both(s, ready, cap, err);
        int killed;

        if (rc == RS_OK)
            return rc;
        rs_sock_close(s->control_fd);
        s->control_fd = -1;
        killed = was_killed(&s->front);
        killed |= was_killed(&s->signer);
        end_child(&s->front, SIGKILL, 1000);
        end_child(&s->signer, SIGKILL, 1000);
        if (!killed || ++s->failures >= FAILURES_MAX)
            return rc;
        rs_log_err(RS_LOG_WARN, "supervisor", "killed while starting; starting again", err);
    }
}

/* ---- The whole --------------------------------------------------------------------------------- */

static rs_code
open_sockets(struct supervisor *s, struct rs_err *err)
{
    const char *const addresses[] = {s->config->devices, s->config->people, s->config->http};
    rs_code rc = RS_OK;

    for (int i = 0; i < 3 && rc == RS_OK; i++)
        rc = rs_sock_listen(addresses[i], 512, &s->listen_fd[i], err);
    return rc;
}

static rs_code
open_signals(struct supervisor *s, struct rs_err *err)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    return s->signal_fd >= 0 ? RS_OK : rs_fail_errno(err, RS_E_INTERNAL, "signals");
}

static void
say_ready(const struct server_config *c, const char *ready, uint64_t started_us)
{
    unsigned issuers = 0;
    unsigned long long leaves = 0;

    (void)sscanf(ready, "ready issuers=%u ledger=%llu", &issuers, &leaves);
    (void)fprintf(stderr,
                  "rootsmithd 0.1.0   %s   %s\n"
                  "  signer     %u keys open (files), ledger %llu entries\n"
                  "  store      %s\n"
                  "  devices    https://%s    EST, stations\n"
                  "  people     https://%s    REST\n"
                  "  http       http://%s    OCSP, CRL\n"
                  "Ready in %.1f s.\n"
                  "For a new claim code, while it is stopped: rootsmithd --data %s --new-claim\n",
                  c->installation, c->production ? "production" : "TEST MODE", issuers, leaves,
                  c->store, c->devices, c->people, c->http,
                  (double)(rs_mono_us() - started_us) / 1e6, c->data);
}

static rs_code
supervise(struct supervisor *s, struct rs_err *err)
{
    for (;;) {
        struct signalfd_siginfo info;
        rs_code rc = RS_OK;

        if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
            continue;
        if (info.ssi_signo != SIGCHLD)
            return RS_OK;
        if (reap(s))
            rc = mend(s, err);
        if (rc != RS_OK)
            return rc;
    }
}

rs_code
server_run(const struct server_config *config, const char *program, struct rs_err *err)
{
    struct supervisor s = {.config = config,
                           .program = program,
                           .listen_fd = {-1, -1, -1},
                           .signal_fd = -1,
                           .control_fd = -1};
    uint64_t started = rs_mono_us();
    char ready[256];
    rs_code rc;

    rc = open_signals(&s, err);
    if (rc == RS_OK)
        rc = open_sockets(&s, err);
    if (rc == RS_OK)
        rc = start_first(&s, ready, sizeof(ready), err);
    if (rc == RS_OK) {
        say_ready(config, ready, started);
        s.started_us = rs_mono_us();
        rc = supervise(&s, err);
    }
    stop_both(&s);
    for (int i = 0; i < 3; i++)
        rs_sock_close(s.listen_fd[i]);
    return rc;
}
