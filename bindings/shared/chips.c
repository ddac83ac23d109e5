/*
 * chips.c: one table of the parts of this process, and who has which.
 *
 * A part has a queue of the threads that want it; whoever gives it back hands
 * it to the first.  The lock file has two bytes: whoever wants the part locks
 * the gate, then the part, then opens the gate.  A process that gives the part
 * back and wants it again at once finds the gate held by one that waits.  Behind
 * them stands who had the part last, so that a process sees that its picture of
 * an open part is old.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "chips.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include <rot/registry.h>

#include "uri.h"

#define BYTE_GATE  0
#define BYTE_PART  1
#define STAMP_AT   16
#define STAMP_LEN  16
#define POLL_FIRST 200000L  /* ns between two looks at a lock of another process */
#define POLL_MOST  5000000L /* it doubles up to this */

struct waiter {
    struct waiter *next;
    pthread_cond_t turn;
    int served;
};

struct chips {
    struct chips *next;
    unsigned count;
    char name[ROT_URI_CHIP_MAX];
    char layout[ROT_NAME_MAX];

    /* Under `guard`. */
    pthread_mutex_t guard;
    struct waiter *first;
    int held;
    int is_resting; /* held for a fork */
    pthread_t holder;

    /* Of the holder. */
    uint8_t stamp[STAMP_LEN]; /* says in the lock file that this one had the part last */
    int lock_fd;
    int is_named; /* lin is open */
    int is_open;  /* chip is open */
    struct rot_linux lin;
    struct rot_chip chip;
};

static pthread_mutex_t table_guard = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct chips *table;

/*
 * What a part needs computed is computed in a context of OpenSSL of its own.  In the program's
 * the algorithms may be the provider's, which would come back here for the part that is in use.
 * It lives as long as the process: a thread's random generator in it does, too.
 */
static OSSL_LIB_CTX *own_context;
static _Thread_local OSSL_LIB_CTX *outer_context;
static _Thread_local unsigned parts_held;

static _Thread_local char last_error[ROT_LINUX_ERROR_MAX];

static rot_err fail(rot_err rc, const char *format, ...) __attribute__((format(printf, 2, 3)));

static rot_err
fail(rot_err rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(last_error, sizeof(last_error), format, args);
    va_end(args);
    return rc;
}

const char *
chips_error(void)
{
    return last_error;
}

const char *
chips_name(const struct chips *c)
{
    return c->name;
}

static void
enter_context(void)
{
    if (parts_held++ == 0)
        outer_context = OSSL_LIB_CTX_set0_default(own_context);
}

static void
leave_context(void)
{
    if (--parts_held == 0)
        (void)OSSL_LIB_CTX_set0_default(outer_context);
}

/* ---- Time -------------------------------------------------------------------- */

static struct timespec
deadline(void)
{
    const char *set = getenv("ROOTSMITH_LOCK_WAIT");
    struct timespec at = {0, 0};
    long seconds = CHIPS_WAIT_S;

    if (set != NULL && set[0] >= '0' && set[0] <= '9')
        seconds = strtol(set, NULL, 10);
    if (seconds > 3600)
        seconds = 3600;
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += seconds;
    return at;
}

static int
is_past(const struct timespec *at)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > at->tv_sec || (now.tv_sec == at->tv_sec && now.tv_nsec >= at->tv_nsec);
}

/* Sleep a little, longer each time; no when the time is over. */
static int
may_wait(const struct timespec *until, long *ns)
{
    struct timespec nap = {0, *ns};

    if (is_past(until))
        return 0;
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
    *ns = *ns * 2 > POLL_MOST ? POLL_MOST : *ns * 2;
    return 1;
}

/* ---- Threads: whose turn it is ------------------------------------------------------ */

static void
leave_queue(struct chips *c, const struct waiter *w)
{
    struct waiter **at = &c->first;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at != NULL)
        *at = w->next;
}

static void
join_queue(struct chips *c, struct waiter *w)
{
    struct waiter **at = &c->first;

    while (*at != NULL)
        at = &(*at)->next;
    *at = w;
}

static int
wait_for_turn(struct chips *c, const struct timespec *until)
{
    struct waiter w = {.next = NULL, .served = 0};
    pthread_condattr_t monotonic;
    int rc = 0;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w.turn, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    join_queue(c, &w);
    while (!w.served && rc == 0)
        rc = pthread_cond_timedwait(&w.turn, &c->guard, until);
    if (!w.served)
        leave_queue(c, &w);
    (void)pthread_cond_destroy(&w.turn);
    return w.served;
}

static rot_err
take_turn(struct chips *c, const struct timespec *until)
{
    rot_err rc = ROT_OK;

    (void)pthread_mutex_lock(&c->guard);
    if (c->held && pthread_equal(c->holder, pthread_self()))
        rc = fail(ROT_BUSY, "chip %.80s: this thread is using it already", c->name);
    else if (c->held && !wait_for_turn(c, until))
        rc = fail(ROT_BUSY, "chip %.80s: other threads of this process use it", c->name);
    if (rc == ROT_OK) {
        c->held = 1;
        c->holder = pthread_self();
    }
    (void)pthread_mutex_unlock(&c->guard);
    return rc;
}

static void
pass_turn(struct chips *c)
{
    struct waiter *w;

    (void)pthread_mutex_lock(&c->guard);
    w = c->first;
    if (w != NULL) {
        c->first = w->next;
        w->served = 1; /* held stays 1: nobody slips in between */
        (void)pthread_cond_signal(&w->turn);
    } else {
        c->held = 0;
    }
    memset(&c->holder, 0, sizeof(c->holder));
    (void)pthread_mutex_unlock(&c->guard);
}

/* ---- fork() ------------------------------------------------------------------- */

static void
new_stamp(struct chips *c)
{
    if (getrandom(c->stamp, sizeof(c->stamp), 0) != (ssize_t)sizeof(c->stamp))
        (void)snprintf((char *)c->stamp, sizeof(c->stamp), "%ld %p", (long)getpid(), (void *)c);
}

/* Nobody is inside a part at the fork: half an operation cannot be taken over. */
static void
before_fork(void)
{
    struct timespec until = deadline();

    (void)pthread_mutex_lock(&table_guard);
    for (struct chips *c = table; c != NULL; c = c->next)
        c->is_resting = take_turn(c, &until) == ROT_OK;
}

static void
after_fork_parent(void)
{
    for (struct chips *c = table; c != NULL; c = c->next) {
        if (c->is_resting)
            pass_turn(c);
    }
    (void)pthread_mutex_unlock(&table_guard);
}

/*
 * The part belongs to the parent.  Its descriptors are closed here without a
 * word to the part, and no thread of the child waits for anything.
 */
static void
forget_part(struct chips *c)
{
    if (c->lock_fd >= 0)
        (void)close(c->lock_fd);
    c->lock_fd = -1;
    if (c->is_named && c->lin.fd >= 0)
        (void)close(c->lin.fd);
    c->lin.fd = -1;
    c->is_open = 0;
    memset(&c->chip, 0, sizeof(c->chip));
    c->first = NULL;
    c->held = 0;
    (void)pthread_mutex_init(&c->guard, NULL);
    new_stamp(c);
}

static void
after_fork_child(void)
{
    (void)pthread_mutex_init(&table_guard, NULL);
    for (struct chips *c = table; c != NULL; c = c->next)
        forget_part(c);
}

static void
start(void)
{
    own_context = OSSL_LIB_CTX_new();
    (void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

/* ---- The table ------------------------------------------------------------------ */

/* The chip's name and layout of what was given; "auto" becomes what is set. */
static int
split_name(const char *name, struct rot_uri *uri)
{
    const char *set = getenv("ROOTSMITH_CHIP");

    memset(uri, 0, sizeof(*uri));
    if (strncmp(name, "rot:", 4) == 0) {
        if (rot_uri_parse(name, uri) != ROT_OK)
            return 0;
    } else {
        if (name[0] == '\0' || strlen(name) >= sizeof(uri->chip))
            return 0;
        memcpy(uri->chip, name, strlen(name) + 1);
    }
    if (strcmp(uri->chip, "auto") != 0 || set == NULL || set[0] == '\0')
        return 1;
    if (strlen(set) >= sizeof(uri->chip))
        return 0;
    memcpy(uri->chip, set, strlen(set) + 1);
    return 1;
}

static struct chips *
find(const struct rot_uri *uri)
{
    struct chips *c = table;

    while (c != NULL && (strcmp(c->name, uri->chip) != 0 || strcmp(c->layout, uri->layout) != 0))
        c = c->next;
    return c;
}

static struct chips *
add(const struct rot_uri *uri)
{
    struct chips *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    memcpy(c->name, uri->chip, sizeof(c->name));
    memcpy(c->layout, uri->layout, sizeof(c->layout));
    (void)pthread_mutex_init(&c->guard, NULL);
    c->lock_fd = -1;
    c->lin.fd = -1;
    new_stamp(c);
    c->next = table;
    table = c;
    return c;
}

rot_err
chips_take(const char *name, struct chips **ret_chips, char error[ROT_LINUX_ERROR_MAX])
{
    struct rot_uri uri;
    struct chips *c;
    rot_err rc = ROT_OK;

    if (error != NULL)
        error[0] = '\0';
    if (name == NULL || ret_chips == NULL)
        return ROT_E_ARG;
    (void)pthread_once(&once, start);
    if (!split_name(name, &uri)) {
        if (error != NULL)
            (void)snprintf(error, ROT_LINUX_ERROR_MAX, "chip: \"%.80s\" is no name of one", name);
        return ROT_E_FORMAT;
    }
    (void)pthread_mutex_lock(&table_guard);
    c = find(&uri);
    if (c == NULL && own_context != NULL)
        c = add(&uri);
    if (c == NULL)
        rc = ROT_E_PORT;
    else
        c->count++;
    (void)pthread_mutex_unlock(&table_guard);
    if (rc != ROT_OK && error != NULL)
        (void)snprintf(error, ROT_LINUX_ERROR_MAX, "chip %.80s: out of memory", name);
    if (rc == ROT_OK)
        *ret_chips = c;
    return rc;
}

/* ---- Processes: the lock file ---------------------------------------------------------- */

static const char *
lock_directory(void)
{
    const char *dir = getenv("ROOTSMITH_LOCK_DIR");

    if (dir == NULL || dir[0] == '\0')
        dir = getenv("XDG_RUNTIME_DIR");
    return dir != NULL && dir[0] != '\0' ? dir : "/run/lock";
}

/* What the name leads to: two ways to write the path of one file are one part. */
static void
true_name(const struct chips *c, char *name, size_t cap)
{
    char path[ROT_URI_CHIP_MAX + 2], found[PATH_MAX];
    char *base;

    (void)snprintf(name, cap, "%s", c->name);
    if (strncmp(c->name, "soft:", 5) != 0)
        return;
    (void)snprintf(path, sizeof(path), "./%s", c->name + 5);
    base = strrchr(path, '#'); /* the key file's name follows */
    if (base != NULL)
        *base = '\0';
    if (realpath(c->name[5] == '/' ? path + 2 : path, found) != NULL) {
        (void)snprintf(name, cap, "soft:%s", found);
        return;
    }
    base = strrchr(path, '/'); /* the file is still to be made: its folder is there */
    *base++ = '\0';
    if (realpath(c->name[5] == '/' ? path + 2 : path, found) != NULL)
        (void)snprintf(name, cap, "soft:%s/%s", found, base);
}

/* FNV-1a: two names of one number would only wait for each other. */
static uint64_t
number_of(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* A new lock file may be used by the group that the folder is for, whatever the umask. */
static int
make_lock_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat folder;

    if (fd < 0)
        return errno == EEXIST ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (stat(lock_directory(), &folder) == 0)
        (void)fchmod(fd, 0600 | (folder.st_mode & 0060));
    return fd;
}

static rot_err
open_lock_file(struct chips *c)
{
    char name[PATH_MAX + 8], path[PATH_MAX];
    struct stat st;

    if (c->lock_fd >= 0)
        return ROT_OK;
    true_name(c, name, sizeof(name));
    (void)snprintf(path, sizeof(path), "%s/rootsmith-%016llx.lock", lock_directory(),
                   (unsigned long long)number_of(name));
    /* First without O_CREAT: the kernel refuses that for other people's files in /run/lock. */
    c->lock_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (c->lock_fd < 0 && errno == ENOENT)
        c->lock_fd = make_lock_file(path);
    if (c->lock_fd >= 0 && fstat(c->lock_fd, &st) == 0 && S_ISREG(st.st_mode))
        return ROT_OK;
    if (c->lock_fd >= 0)
        (void)close(c->lock_fd);
    c->lock_fd = -1;
    return fail(ROT_E_BUS, "chip %.80s: no lock file %.80s: %s", c->name, path, strerror(errno));
}

/* The lock belongs to the open file, not to the process: fork() and other files do not lose it. */
static int
set_lock(int fd, short type, off_t byte)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno != EINTR)
            return 0;
    }
    return 1;
}

static int
wait_for_byte(int fd, off_t byte, const struct timespec *until)
{
    long ns = POLL_FIRST;

    while (!set_lock(fd, F_WRLCK, byte)) {
        if ((errno != EAGAIN && errno != EACCES) || !may_wait(until, &ns))
            return 0;
    }
    return 1;
}

static rot_err
take_file(struct chips *c, const struct timespec *until)
{
    rot_err rc = open_lock_file(c);
    int ok;

    if (rc != ROT_OK)
        return rc;
    ok = wait_for_byte(c->lock_fd, BYTE_GATE, until);
    if (ok) {
        int why;

        ok = wait_for_byte(c->lock_fd, BYTE_PART, until);
        why = errno;
        (void)set_lock(c->lock_fd, F_UNLCK, BYTE_GATE);
        errno = why;
    }
    if (!ok && errno != EAGAIN && errno != EACCES)
        rc = fail(ROT_E_BUS, "chip %.80s: its lock file cannot be locked: %s", c->name,
                  strerror(errno));
    else if (!ok)
        rc = fail(ROT_BUSY, "chip %.80s: another process uses it", c->name);
    return rc;
}

static void
give_file(struct chips *c)
{
    (void)set_lock(c->lock_fd, F_UNLCK, BYTE_PART);
}

/* Was the part ours the whole time?  From now on the file says so. */
static int
claim_stamp(const struct chips *c)
{
    uint8_t last[STAMP_LEN] = {0};

    if (pread(c->lock_fd, last, sizeof(last), STAMP_AT) == (ssize_t)sizeof(last) &&
        memcmp(last, c->stamp, sizeof(last)) == 0)
        return 1;
    /* If it cannot be written, it stays another's, and a part is opened afresh each time. */
    (void)!pwrite(c->lock_fd, c->stamp, sizeof(c->stamp), STAMP_AT);
    return 0;
}

/* ---- The part ---------------------------------------------------------------------------- */

static void
close_part(struct chips *c)
{
    if (c->is_open)
        rot_close(&c->chip);
    c->is_open = 0;
    if (c->is_named)
        rot_linux_close(&c->lin);
    c->is_named = 0;
}

static rot_err
try_open(struct chips *c)
{
    rot_err rc;

    if (!c->is_named) {
        rc = rot_linux_open(&c->lin, c->name);
        if (rc != ROT_OK)
            return fail(rc, "%s", c->lin.error);
        c->is_named = 1;
        if (c->layout[0] != '\0') {
            c->lin.setup.layout = rot_registry_layout(c->lin.setup.driver, c->layout);
            if (c->lin.setup.layout == NULL) {
                rc = fail(ROT_E_UNSUPPORTED, "chip %.80s: the driver %s has no layout %s", c->name,
                          c->lin.setup.driver->name, c->layout);
                close_part(c);
                return rc;
            }
        }
    }
    rc = rot_open(&c->chip, &c->lin.setup);
    if (rc == ROT_OK)
        c->is_open = 1;
    else
        rc = fail(rc, "chip %.80s: it does not open: %s", c->name, rot_err_name(rc));
    return rc;
}

/* Programs that know nothing of the lock file may hold a part, too: that is waited for as well. */
static rot_err
open_part(struct chips *c, const struct timespec *until)
{
    long ns = POLL_FIRST;
    rot_err rc;

    do {
        rc = try_open(c);
    } while (rc == ROT_BUSY && may_wait(until, &ns));
    if (rc != ROT_OK)
        close_part(c);
    return rc;
}

/* A part with one user at a time does not stay open; its channel goes, too. */
static void
close_for_others(struct chips *c)
{
    enum rot_bus bus;

    if (!c->is_open)
        return;
    bus = c->lin.setup.driver->bus;
    if (bus == ROT_BUS_MESSAGE) {
        close_part(c);
    } else if (bus == ROT_BUS_NONE) {
        rot_close(&c->chip);
        c->is_open = 0;
    }
}

/* The line is broken: what is left of the part is not worth keeping. */
static int
is_broken(const struct chips *c)
{
    enum rot_bus bus = c->lin.setup.driver->bus;

    return c->lin.fd < 0 && bus != ROT_BUS_NONE && bus != ROT_BUS_MESSAGE;
}

rot_err
chips_lock(struct chips *c, struct rot_chip **ret_chip)
{
    struct timespec until = deadline();
    rot_err rc;

    if (c == NULL || ret_chip == NULL)
        return ROT_E_ARG;
    last_error[0] = '\0';
    rc = take_turn(c, &until);
    if (rc != ROT_OK)
        return rc;
    enter_context();
    rc = take_file(c, &until);
    if (rc == ROT_OK) {
        int ours = claim_stamp(c);

        if (c->is_named && ((c->is_open && !ours) || is_broken(c)))
            close_part(c);
        if (!c->is_open)
            rc = open_part(c, &until);
        if (rc != ROT_OK)
            give_file(c);
    }
    if (rc == ROT_OK) {
        *ret_chip = &c->chip;
        return ROT_OK;
    }
    leave_context();
    pass_turn(c);
    return rc;
}

void
chips_unlock(struct chips *c)
{
    if (c == NULL)
        return;
    close_for_others(c);
    give_file(c);
    leave_context();
    pass_turn(c);
}

/* To close a part is to speak with it: only while nobody else does, and if it is as we left it. */
static void
close_last(struct chips *c)
{
    struct timespec until = deadline();

    enter_context();
    if (c->is_open && (take_file(c, &until) != ROT_OK || !claim_stamp(c)))
        c->is_open = 0;
    close_part(c);
    leave_context();
}

void
chips_drop(struct chips *c)
{
    struct chips **at = &table;

    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&table_guard);
    if (--c->count == 0) {
        while (*at != c)
            at = &(*at)->next;
        *at = c->next;
    } else {
        c = NULL;
    }
    (void)pthread_mutex_unlock(&table_guard);
    if (c == NULL)
        return;
    close_last(c);
    if (c->lock_fd >= 0)
        (void)close(c->lock_fd);
    (void)pthread_mutex_destroy(&c->guard);
    rot_wipe_memory(c, sizeof(*c));
    free(c);
}
