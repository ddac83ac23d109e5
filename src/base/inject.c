/*
 * inject.c: rules that make calls fail, processes die, and clocks differ.
 *
 * Rules are parsed once, and again at a mark when the rule file has changed.
 * Each rule counts the calls of its point by itself.  See inject.h for the form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/inject.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES_MAX 32
#define TEXT_MAX  4096

enum act {
    ACT_ERRNO,
    ACT_KILL_BEFORE,
    ACT_KILL_AFTER,
    ACT_TORN,
};

struct rule {
    char point[32];
    long at; /* which call, from 1 */
    long seen;
    enum act act;
    int error;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[RULES_MAX];
static size_t rule_count;
static int64_t clock_shift;
static char program[32] = "";
static int loaded;
static struct timespec file_time;
/* The rule that this thread's call met in before(): torn() and after() ask it, not the counters. */
static _Thread_local struct rule armed;

int
rs_inject_built(void)
{
    return 1;
}

/* ---- Reading the rules --------------------------------------------------------- */

static int
errno_named(const char *name)
{
    static const struct {
        const char *name;
        int value;
    } known[] = {{"ENOSPC", ENOSPC},
                 {"EIO", EIO},
                 {"EDQUOT", EDQUOT},
                 {"EMFILE", EMFILE},
                 {"ENOMEM", ENOMEM}};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(known[i].name, name) == 0)
            return known[i].value;
    }
    return EIO;
}

/* "POINT@N=ACTION" or "POINT@N+=kill" */
static void
add_rule(char *text)
{
    struct rule *r = &rules[rule_count];
    char *at = strchr(text, '@'), *value = strchr(text, '=');
    int after;

    if (at == NULL || value == NULL || value < at || rule_count == RULES_MAX ||
        (size_t)(at - text) >= sizeof(r->point))
        return;
    after = value[-1] == '+';
    memset(r, 0, sizeof(*r));
    memcpy(r->point, text, (size_t)(at - text));
    r->at = strtol(at + 1, NULL, 10);
    value++;
    if (strcmp(value, "kill") == 0)
        r->act = after ? ACT_KILL_AFTER : ACT_KILL_BEFORE;
    else if (strcmp(value, "torn") == 0)
        r->act = ACT_TORN;
    else
        r->error = errno_named(value);
    rule_count++;
}

static void
add_clock(const char *value)
{
    if (value[0] == '=' && value[1] == '@') {
        struct timespec now;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        clock_shift = strtoll(value + 2, NULL, 10) - now.tv_sec;
    } else if (value[0] == '=') {
        clock_shift = strtoll(value + 1, NULL, 10);
    }
}

static void
parse_rules(char *text)
{
    char *save = NULL;

    rule_count = 0;
    clock_shift = 0;
    for (char *r = strtok_r(text, ",\n", &save); r != NULL; r = strtok_r(NULL, ",\n", &save)) {
        char *colon = strchr(r, ':');
        if (colon != NULL) {
            *colon = '\0';
            if (strcmp(r, program) != 0)
                continue;
            r = colon + 1;
        }
        if (strncmp(r, "clock=", 6) == 0)
            add_clock(r + 5);
        else
            add_rule(r);
    }
}

static void
load_file(const char *path)
{
    char text[TEXT_MAX];
    struct stat st;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 &&
        (!loaded || memcmp(&st.st_mtim, &file_time, sizeof(file_time)) != 0)) {
        n = read(fd, text, sizeof(text) - 1);
        if (n >= 0) {
            text[n] = '\0';
            file_time = st.st_mtim;
            parse_rules(text);
        }
    }
    (void)close(fd);
}

static void
load(int at_mark)
{
    const char *path = getenv("ROOTSMITH_INJECT_FILE");
    const char *env = getenv("ROOTSMITH_INJECT");

    if (path != NULL && (!loaded || at_mark)) {
        load_file(path);
    } else if (!loaded && env != NULL) {
        char text[TEXT_MAX];
        (void)snprintf(text, sizeof(text), "%s", env);
        parse_rules(text);
    }
    loaded = 1;
}

void
rs_inject_program(const char *name)
{
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(program, sizeof(program), "%s", name);
    loaded = 0;
    load(0);
    (void)pthread_mutex_unlock(&lock);
}

/* ---- Acting on them ---------------------------------------------------------------- */

#ifdef RS_COVERAGE
/* Of the compiler's run time: what was counted so far would die with the process. */
void __gcov_dump(void);
#endif

/* Tell the crash test which rule fired; it counts these lines. */
static void
die(const struct rule *r)
{
    const char *path = getenv("ROOTSMITH_INJECT_COUNT");

    if (path != NULL) {
        char line[96];
        int n = snprintf(line, sizeof(line), "%s %s %ld\n", program, r->point, r->at);
        int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0) {
            ssize_t ignored = write(fd, line, (size_t)n);
            (void)ignored;
            (void)close(fd);
        }
    }
#ifdef RS_COVERAGE
    __gcov_dump();
#endif
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

/* The rule of this point whose turn it is now, or NULL.  Counts the call. */
static const struct rule *
due(const char *point)
{
    const struct rule *found = NULL;

    for (size_t i = 0; i < rule_count; i++) {
        if (strcmp(rules[i].point, point) != 0)
            continue;
        if (++rules[i].seen == rules[i].at)
            found = &rules[i];
    }
    return found;
}

int
rs_inject_before(const char *point)
{
    int error = 0;

    (void)pthread_mutex_lock(&lock);
    load(0);
    const struct rule *r = due(point);
    if (r != NULL && r->act == ACT_KILL_BEFORE)
        die(r);
    if (r != NULL && r->act == ACT_ERRNO)
        error = r->error;
    if (r != NULL)
        armed = *r;
    else
        armed.point[0] = '\0';
    (void)pthread_mutex_unlock(&lock);
    return error;
}

static int
is_armed(const char *point, enum act act)
{
    return strcmp(armed.point, point) == 0 && armed.act == act;
}

void
rs_inject_after(const char *point)
{
    if (is_armed(point, ACT_KILL_AFTER) || is_armed(point, ACT_TORN)) {
        (void)pthread_mutex_lock(&lock);
        die(&armed);
    }
}

size_t
rs_inject_torn(const char *point, size_t len)
{
    return is_armed(point, ACT_TORN) ? len / 2 : len;
}

void
rs_inject_mark(const char *mark)
{
    (void)pthread_mutex_lock(&lock);
    load(1);
    const struct rule *r = due(mark);
    if (r != NULL && (r->act == ACT_KILL_BEFORE || r->act == ACT_KILL_AFTER))
        die(r);
    (void)pthread_mutex_unlock(&lock);
}

int64_t
rs_inject_clock(void)
{
    int64_t shift;

    (void)pthread_mutex_lock(&lock);
    load(0);
    shift = clock_shift;
    (void)pthread_mutex_unlock(&lock);
    return shift;
}
