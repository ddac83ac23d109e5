/*
 * linux_test.c: chips by name, and the simulator's socket protocol.
 *
 * The far side here is a script: what must come in, what goes out.  It follows
 * docs/protocols/simulator.md and knows nothing of chips.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <rot/linux.h>
#include <rot/registry.h>

#include "../../../librot/ports/linux/linux_port.h"

static struct rot_linux lin;

/* ---- Names ------------------------------------------------------------------------ */

static void
names_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",        "foo",         "foo:1",       "sim",         "sim:",         "sim:#x",
        "sim:/x#", "i2c:",        "i2c:1",       "i2c:1:",      "i2c::0x60",    "i2c:1:0x78",
        "i2c:1:7", "i2c:64:0x60", "i2c:-1:0x60", "i2c:1:0x60x", "i2c:1: 96",    "i2c:x:0x60",
        "soft:",   "soft:#k",     "soft:x#",     "Auto",        "i2c:1:0x60:1", "spi:",
        "spi:0",   "spi:0.",      "spi:.0",      "spi:64.0",    "spi:0.64",     "spi:0.0:0",
        "spi:0-0", "spi:x.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (rot_linux_open(&lin, bad[i]) != ROT_E_FORMAT)
            fail_msg("taken: %s (%s)", bad[i], lin.error);
        assert_true(lin.error[0] != '\0');
        assert_null(lin.setup.driver);
        rot_linux_close(&lin);
    }
    assert_int_equal(rot_linux_open(NULL, "auto"), ROT_E_ARG);
    assert_int_equal(rot_linux_open(&lin, NULL), ROT_E_ARG);
    rot_linux_close(NULL);
}

static void
long_names_are_refused(void **state)
{
    static char uri[1200];

    (void)state;
    memset(uri, 'a', sizeof(uri) - 1);
    memcpy(uri, "soft:", 5);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_FORMAT);
    memcpy(uri, "sim:a", 5);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_FORMAT);
    uri[200] = '#';
    uri[203] = '\0';
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_FORMAT);
}

static void
what_is_not_there_is_said(void **state)
{
    (void)state;
    assert_int_equal(rot_linux_open(&lin, "sim:/nonexistent/x.sock#a/b"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/nonexistent/x.sock"));
    assert_int_equal(setenv("ROOTSMITH_SIM_SOCKET", "/nonexistent/env.sock", 1), 0);
    assert_int_equal(rot_linux_open(&lin, "sim:a/b"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/nonexistent/env.sock"));
    assert_int_equal(unsetenv("ROOTSMITH_SIM_SOCKET"), 0);
    assert_int_equal(setenv("ROT_SIM_SOCKET", "/nonexistent/rot.sock", 1), 0);
    assert_int_equal(rot_linux_open(&lin, "sim:a/b"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/nonexistent/rot.sock"));
    assert_int_equal(unsetenv("ROT_SIM_SOCKET"), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/nonexistent", 1), 0);
    assert_int_equal(rot_linux_open(&lin, "sim:a/b"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/nonexistent/rot-sim.sock"));
    assert_int_equal(setenv("ROOTSMITH_CHIP", "soft:/nonexistent/x", 1), 0);
    assert_int_equal(rot_linux_open(&lin, "auto"), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/nonexistent/x.key"));
    assert_int_equal(unsetenv("ROOTSMITH_CHIP"), 0);
}

/* ---- soft: -------------------------------------------------------------------------- */

/* Killed where the first byte is written: the board is as new, not spoiled for ever. */
static void
a_key_file_is_whole_or_not_there(void **state)
{
    char dir[] = "/tmp/rot-linux-XXXXXX", uri[64], path[64], command[80];
    struct rlimit no_byte = {0, 0};
    struct stat st;
    int status = 0;
    pid_t child;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(uri, sizeof(uri), "soft:%s/b", dir);
    (void)snprintf(path, sizeof(path), "%s/b.key", dir);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_DFL);
        (void)setrlimit(RLIMIT_FSIZE, &no_byte);
        _exit(rot_linux_open(&lin, uri) == ROT_OK);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(st.st_mode & 0777, 0600);
    rot_linux_close(&lin);
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void
put_file(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

/* What is no channel secret, or not its owner's alone, opens nothing. */
static void
channel_files_are_refused(void **state)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    static const char *const bad[] = {
        "",
        "rootsmith channel part 1 ",
        "rootsmith channel part 1 se05x 01\n",
        "rootsmith channel part 1 se05x  %s\n",
        "rootsmith channel part 1  01 %s\n",
        "rootsmith channel part 1 se05x 0 %s\n",
        "rootsmith channel part 1 se05x 0G %s\n",
        "rootsmith channel part 1 se05x 01 %s",
        "rootsmith channel part 1 se05x 01 0%s\n",
        "rootsmith channel part 1 se05x 01 00%s\n",
        "rootsmith channel part 1 se05x 01 %s\n\n",
        "rootsmith channel part 2 se05x 01 %s\n",
        "rootsmith channel part 1 abcdefghijabcdefghijabcdefghijab 01 %s\n",
    };
    char dir[] = "/tmp/rot-linux-XXXXXX", path[64], text[300], long_file[300] = {0};

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/c", dir);
    assert_int_equal(rot_linux_open_with(&lin, "sim:/nonexistent#a/b", path), ROT_E_BUS);
    assert_non_null(strstr(lin.error, path));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof(text), bad[i], zeros);
#pragma GCC diagnostic pop
        put_file(path, text, strlen(text));
        if (rot_linux_open_with(&lin, "sim:/nonexistent#a/b", path) != ROT_E_FORMAT)
            fail_msg("taken: \"%s\"", text);
        assert_non_null(strstr(lin.error, "neither"));
        assert_null(strstr(lin.error, zeros));
    }
    put_file(path, long_file, sizeof(long_file));
    assert_int_equal(rot_linux_open_with(&lin, "sim:/nonexistent#a/b", path), ROT_E_FORMAT);
    put_file(path, long_file, 31);
    assert_int_equal(rot_linux_open_with(&lin, "sim:/nonexistent#a/b", path), ROT_E_FORMAT);
    put_file(path, long_file, 32);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(rot_linux_open_with(&lin, "sim:/nonexistent#a/b", path), ROT_E_AUTH);
    assert_non_null(strstr(lin.error, "0600"));
    assert_int_equal(setenv("ROOTSMITH_CHANNEL_SECRET", path, 1), 0);
    assert_int_equal(rot_linux_open(&lin, "sim:/nonexistent#a/b"), ROT_E_AUTH);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(rot_linux_open(&lin, "sim:/nonexistent#a/b"), ROT_E_BUS);
    assert_null(strstr(lin.error, path));
    assert_int_equal(unsetenv("ROOTSMITH_CHANNEL_SECRET"), 0);
    assert_int_equal(rot_channel_make_master(NULL, NULL), ROT_E_ARG);
    assert_int_equal(rot_channel_make_master(path, text), ROT_E_STATE);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* A station's master, and what it hands to a device: the same keys for this part only. */
static void
a_device_gets_its_own_parts_secret(void **state)
{
    static const uint8_t one[] = {1, 2, 3}, two[] = {1, 2, 4};
    struct rot_bytes uid = {one, sizeof(one)}, twin = {two, sizeof(two)};
    char dir[] = "/tmp/rot-linux-XXXXXX", uri[64], master[64], own[64];
    uint8_t at_station[48], on_device[48];
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(uri, sizeof(uri), "soft:%s/b", dir);
    (void)snprintf(master, sizeof(master), "%s/master", dir);
    (void)snprintf(own, sizeof(own), "%s/own", dir);
    assert_int_equal(rot_linux_open_with(&lin, uri, NULL), ROT_OK);
    assert_int_equal(rot_channel_write_part(&lin, uid, own), ROT_E_EMPTY);
    rot_linux_close(&lin);

    assert_int_equal(rot_channel_make_master(master, NULL), ROT_OK);
    assert_int_equal(stat(master, &st), 0);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(rot_linux_open_with(&lin, uri, master), ROT_OK);
    assert_int_equal(lin.crypto.port.ops->channel_secret(&lin.crypto, "soft", uid, at_station, 48),
                     ROT_OK);
    assert_int_equal(rot_channel_write_part(&lin, twin, own), ROT_OK);
    assert_int_equal(rot_channel_write_part(&lin, uid, own), ROT_OK);
    rot_linux_close(&lin);
    assert_int_equal(stat(own, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_int_equal(rot_linux_open_with(&lin, uri, own), ROT_OK);
    assert_int_equal(lin.crypto.port.ops->channel_secret(&lin.crypto, "soft", uid, on_device, 48),
                     ROT_OK);
    assert_memory_equal(at_station, on_device, 48);
    assert_int_equal(lin.crypto.port.ops->channel_secret(&lin.crypto, "soft", twin, on_device, 48),
                     ROT_E_EMPTY);
    rot_linux_close(&lin);
    for (const char *const *p =
             (const char *const[]){"b", "b.lock", "b.key", "master", "own", NULL};
         *p != NULL; p++) {
        (void)snprintf(uri, sizeof(uri), "%s/%s", dir, *p);
        assert_int_equal(unlink(uri), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void
soft_boards_are_made_once(void **state)
{
    char dir[] = "/tmp/rot-linux-XXXXXX", uri[64], path[64];
    static struct rot_linux other;
    struct rot_chip chip, second;
    struct rot_identity a, b;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(uri, sizeof(uri), "soft:%s/b", dir);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_string_equal(lin.error, "");
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    assert_int_equal(rot_identify(&chip, &a), ROT_OK);
    /* A second user is told at once. */
    assert_int_equal(rot_linux_open(&other, uri), ROT_BUSY);
    assert_non_null(strstr(other.error, "in use"));
    rot_close(&chip);
    rot_linux_close(&lin);

    assert_int_equal(rot_linux_open(&other, uri), ROT_OK);
    assert_int_equal(rot_open(&second, &other.setup), ROT_OK);
    assert_int_equal(rot_identify(&second, &b), ROT_OK);
    assert_memory_equal(a.uid, b.uid, sizeof(a.uid));
    rot_close(&second);
    rot_linux_close(&other);
    rot_linux_close(&other);

    (void)snprintf(path, sizeof(path), "%s/b.key", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_AUTH);
    assert_non_null(strstr(lin.error, "0600"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 31), 0);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_FORMAT);
    assert_int_equal(truncate(path, 33), 0);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_FORMAT);
    /* Another key than the file's: the chip does not open. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_E_AUTH);
    rot_linux_close(&lin);

    (void)snprintf(uri, sizeof(uri), "soft:%s/c#%s/b.key", dir, dir);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_OK);
    assert_int_equal(rot_open(&chip, &lin.setup), ROT_OK);
    rot_close(&chip);
    rot_linux_close(&lin);
    assert_int_equal(unlink(path), 0);
    for (const char *const *p = (const char *const[]){"b", "b.lock", "c", "c.lock", NULL};
         *p != NULL; p++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, *p);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(dir), 0);
}

/* ---- The registry --------------------------------------------------------------------- */

static void
the_registry_finds_drivers(void **state)
{
    size_t n = 0;

    (void)state;
    assert_null(rot_registry_find(NULL));
    assert_null(rot_registry_find("sof"));
    assert_null(rot_registry_find("softy"));
    assert_null(rot_registry_match(NULL));
    assert_null(rot_registry_match("so"));
    assert_null(rot_registry_layout(NULL, NULL));
    assert_ptr_equal(rot_registry_find("soft"), &rot_driver_soft);
    assert_ptr_equal(rot_registry_match("soft9"), &rot_driver_soft);
    assert_ptr_equal(rot_registry_layout(&rot_driver_soft, NULL), rot_driver_soft.layouts[0]);
    assert_string_equal(rot_registry_layout(&rot_driver_soft, "soft-p384")->name, "soft-p384");
    while (rot_registry_at(n) != NULL)
        n++;
    assert_true(n >= 1);
    assert_null(rot_registry_at(n + 1));
    assert_null(rot_registry_at(1000));
    /* Every driver fits into what rot_linux brings, and its layouts are its own. */
    for (size_t i = 0; i < n; i++) {
        const struct rot_driver *d = rot_registry_at(i);

        assert_true(d->state_size <= ROT_LINUX_STATE_SIZE);
        for (size_t k = 0; d->layouts[k] != NULL; k++)
            assert_string_equal(d->layouts[k]->driver, d->name);
    }
}

/* ---- The simulator's side, as a script ---------------------------------------------------- */

struct step {
    const char *request, *answer; /* hex; NULL answer: hang up */
};

struct far_side {
    const struct step *steps;
    int listener;
    int wrong; /* the step whose request was another, plus one */
};

static size_t
from_hex(const char *text, uint8_t *out)
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        if (*text == ' ')
            continue;
        out[n++] = (uint8_t)strtoul((char[]){text[0], text[1], '\0'}, NULL, 16);
        text++;
    }
    return n;
}

static int
take(int fd, uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, p, len);

        if (n <= 0)
            return 0;
        p += n;
        len -= (size_t)n;
    }
    return 1;
}

static void *
play(void *arg)
{
    struct far_side *far = arg;
    int fd = accept(far->listener, NULL, NULL);
    uint8_t want[2048], got[2048], answer[2048];

    for (size_t i = 0; far->steps[i].request != NULL; i++) {
        size_t n = from_hex(far->steps[i].request, want);

        if (!take(fd, got, n) || memcmp(got, want, n) != 0) {
            far->wrong = (int)i + 1;
            break;
        }
        if (far->steps[i].answer == NULL)
            break;
        n = from_hex(far->steps[i].answer, answer);
        /* In two pieces: a stream has no edges. */
        if (write(fd, answer, 1) != 1 || write(fd, answer + 1, n - 1) != (ssize_t)(n - 1))
            break;
    }
    (void)close(fd);
    return NULL;
}

struct meeting {
    char dir[32];
    struct sockaddr_un at;
    char name[160];
    struct far_side far;
    pthread_t thread;
};

static void
meet(struct meeting *m, const struct step *steps)
{
    memset(m, 0, sizeof(*m));
    strcpy(m->dir, "/tmp/rot-sim-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    m->at.sun_family = AF_UNIX;
    (void)snprintf(m->at.sun_path, sizeof(m->at.sun_path), "%s/s", m->dir);
    (void)snprintf(m->name, sizeof(m->name), "%s#desk/d101", m->at.sun_path);
    m->far.steps = steps;
    m->far.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(m->far.listener, (struct sockaddr *)&m->at, sizeof(m->at)), 0);
    assert_int_equal(listen(m->far.listener, 1), 0);
    assert_int_equal(pthread_create(&m->thread, NULL, play, &m->far), 0);
    memset(&lin, 0, sizeof(lin));
    lin.fd = -1;
}

static void
part(struct meeting *m)
{
    if (lin.fd >= 0)
        (void)close(lin.fd);
    assert_int_equal(pthread_join(m->thread, NULL), 0);
    (void)close(m->far.listener);
    assert_int_equal(unlink(m->at.sun_path), 0);
    assert_int_equal(rmdir(m->dir), 0);
}

#define HELLO     {"0008 01 524F5453494D 01", "0011 01 00 01 00 726F742D73696D20302E312E30"}
#define OPEN_608B {"000A 02 6465736B2F64313031", "000C 02 00 60 61746563633630 3862"}

/* The document's own example, section 7. */
static void
the_documents_example(void **state)
{
    static const struct step steps[] = {
        HELLO,
        OPEN_608B,
        {"0005 12 00000050", "0002 12 00"},
        {"0005 15 000005DC", "0002 15 00"},
        {"0004 11 60 0004", "0006 11 00 04113343"},
        {"000A 10 60 03 0730000000035D", "0002 10 00"},
        {"0003 10 60 00", "0002 10 01"},
        {"0003 10 60 00", "0002 10 00"},
        {"0004 11 60 0001", "0002 11 01"},
        {"0004 11 60 0001", "0003 11 00 07"},
        {"0005 13 000186A0", "0002 13 00"},
        {"0002 14 00", "0002 14 00"},
        {"0002 14 01", "0002 14 00"},
        {NULL, NULL},
    };
    static const uint8_t info[] = {0x03, 0x07, 0x30, 0, 0, 0, 0x03, 0x5d}, zero[] = {0};
    struct meeting m;
    uint8_t rx[4] = {0};
    const struct rot_transport *t = &lin.transport;

    (void)state;
    meet(&m, steps);
    assert_int_equal(linux_open_sim(&lin, m.name), ROT_OK);
    assert_string_equal(lin.model, "atecc608b");
    assert_int_equal(t->address, 0x60);
    assert_int_equal(t->simulated, 1);
    assert_int_equal(t->i2c->wake(t->self, 80), ROT_OK);
    t->line->delay_us(t->self, 1500);
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, 4), ROT_OK);
    assert_memory_equal(rx, "\x04\x11\x33\x43", 4);
    assert_int_equal(t->i2c->write(t->self, 0x60, info, sizeof(info)), ROT_OK);
    assert_int_equal(t->i2c->write(t->self, 0x60, zero, 1), ROT_BUSY);
    assert_int_equal(t->i2c->write(t->self, 0x60, zero, 1), ROT_OK);
    rx[0] = 0x55;
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, 1), ROT_BUSY);
    assert_int_equal(rx[0], 0x55);
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, 1), ROT_OK);
    assert_int_equal(rx[0], 7);
    assert_int_equal(t->i2c->set_speed(t->self, 100000), ROT_OK);
    assert_int_equal(t->line->set_power(t->self, 0), ROT_OK);
    assert_int_equal(t->line->set_power(t->self, 1), ROT_OK);
    /* Sizes that no transaction has. */
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, 0), ROT_E_ARG);
    assert_int_equal(t->i2c->read(t->self, 0x60, rx, 1025), ROT_E_ARG);
    assert_int_equal(t->i2c->write(t->self, 0x60, info, 1025), ROT_E_ARG);
    part(&m);
    assert_int_equal(m.far.wrong, 0);
}

/* Greetings that end the acquaintance. */
static void
strangers_are_not_trusted(void **state)
{
    static const struct step other_version[] = {{"0008 01 524F5453494D 01", "0003 01 02 02"},
                                                {NULL, NULL}};
    static const struct step short_hello[] = {{"0008 01 524F5453494D 01", "0003 01 00 01"},
                                              {NULL, NULL}};
    static const struct step wrong_op[] = {{"0008 01 524F5453494D 01", "0004 02 00 01 00"},
                                           {NULL, NULL}};
    static const struct step tiny[] = {{"0008 01 524F5453494D 01", "0001 01 00"}, {NULL, NULL}};
    static const struct step huge[] = {{"0008 01 524F5453494D 01", "FFFF 01 00"}, {NULL, NULL}};
    static const struct step gone[] = {{"0008 01 524F5453494D 01", NULL}, {NULL, NULL}};
    static const struct step no_chip[] = {
        HELLO, {"000A 02 6465736B2F64313031", "0004 02 05 6E6F"}, {NULL, NULL}};
    static const struct step no_model[] = {
        HELLO, {"000A 02 6465736B2F64313031", "0003 02 00 60"}, {NULL, NULL}};
    static const struct step long_model[] = {
        HELLO,
        {"000A 02 6465736B2F64313031",
         "0023 02 00 60 6161616161616161616161616161616161616161616161616161616161616161"},
        {NULL, NULL}};
    static const struct step gone_later[] = {
        HELLO, {"000A 02 6465736B2F64313031", NULL}, {NULL, NULL}};
    static const struct step *const all[] = {other_version, short_hello, wrong_op, tiny,
                                             huge,          gone,        no_chip,  no_model,
                                             long_model,    gone_later};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct meeting m;

        meet(&m, all[i]);
        assert_int_equal(linux_open_sim(&lin, m.name), ROT_E_BUS);
        assert_true(lin.error[0] != '\0');
        part(&m);
        assert_int_equal(m.far.wrong, 0);
    }
}

/* After a frame that breaks the rules nothing is believed any more. */
static void
a_broken_line_stays_broken(void **state)
{
    static const struct step short_read[] = {
        HELLO, OPEN_608B, {"0004 11 60 0004", "0005 11 00 041133"}, {NULL, NULL}};
    static const struct step long_read[] = {
        HELLO, OPEN_608B, {"0004 11 60 0004", "0007 11 00 0411334399"}, {NULL, NULL}};
    static const struct step wrong_op[] = {
        HELLO, OPEN_608B, {"0004 11 60 0004", "0006 10 00 04113343"}, {NULL, NULL}};
    static const struct step gone[] = {HELLO, OPEN_608B, {"0004 11 60 0004", NULL}, {NULL, NULL}};
    static const struct step *const all[] = {short_read, long_read, wrong_op, gone};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const struct rot_transport *t = &lin.transport;
        struct meeting m;
        uint8_t rx[8] = {0};

        meet(&m, all[i]);
        assert_int_equal(linux_open_sim(&lin, m.name), ROT_OK);
        assert_int_equal(t->i2c->read(t->self, 0x60, rx, 4), ROT_E_BUS);
        assert_int_equal(t->i2c->read(t->self, 0x60, rx, 4), ROT_E_BUS);
        assert_int_equal(t->i2c->write(t->self, 0x60, rx, 1), ROT_E_BUS);
        t->line->delay_us(t->self, 10);
        part(&m);
        assert_int_equal(m.far.wrong, 0);
    }
}

/* A fault that the simulator tells is one of the wire; the line goes on. */
static void
told_faults_are_bus_faults(void **state)
{
    static const struct step steps[] = {HELLO,
                                        OPEN_608B,
                                        {"0004 11 60 0004", "0004 11 07 6E6F"},
                                        {"0003 10 60 00", "0004 10 03 6E6F"},
                                        {"0003 10 60 00", "0002 10 00"},
                                        {"0005 15 03938700", "0002 15 00"},
                                        {"0005 15 00000001", "0002 15 00"},
                                        {NULL, NULL}};
    const struct rot_transport *t = &lin.transport;
    struct meeting m;
    uint8_t b[4] = {0};

    (void)state;
    meet(&m, steps);
    assert_int_equal(linux_open_sim(&lin, m.name), ROT_OK);
    assert_int_equal(t->i2c->read(t->self, 0x60, b, 4), ROT_E_BUS);
    assert_int_equal(t->i2c->write(t->self, 0x60, b, 1), ROT_E_BUS);
    assert_int_equal(t->i2c->write(t->self, 0x60, b, 1), ROT_OK);
    t->line->delay_us(t->self, 60000001); /* in pieces that the protocol allows */
    part(&m);
    assert_int_equal(m.far.wrong, 0);
}

/* A model that no driver knows is said by name. */
static void
unknown_models_are_named(void **state)
{
    static const struct step steps[] = {
        HELLO, {"000A 02 6465736B2F64313031", "0006 02 00 60 787879"}, {NULL, NULL}};
    struct meeting m;
    char uri[200];

    (void)state;
    meet(&m, steps);
    (void)snprintf(uri, sizeof(uri), "sim:%s", m.name);
    assert_int_equal(rot_linux_open(&lin, uri), ROT_E_UNSUPPORTED);
    assert_non_null(strstr(lin.error, "xxy"));
    part(&m);
    assert_int_equal(m.far.wrong, 0);
}

/* ---- A whole bus ------------------------------------------------------------------------- */

static void
buses_that_are_none(void **state)
{
    static const char *const bad[] = {
        "",     "i2c:", "i2c:x",  "i2c:64", "i2c:1:0x60", "i2c:-1",   "soft:a", "tpm",
        "auto", "sim:", "sim:#x", "spi:0",  "spi:0.0x",   "spi:0.64", "spi:"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (rot_linux_open_bus(&lin, bad[i], NULL) != ROT_E_FORMAT)
            fail_msg("taken: %s (%s)", bad[i], lin.error);
        assert_true(lin.error[0] != '\0');
    }
    assert_int_equal(rot_linux_open_bus(&lin, "i2c:63", NULL), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/dev/i2c-63"));
    assert_int_equal(rot_linux_open_bus(&lin, "spi:63.62", NULL), ROT_E_BUS);
    assert_non_null(strstr(lin.error, "/dev/spidev63.62"));
    assert_int_equal(rot_linux_open_bus(NULL, "i2c:1", NULL), ROT_E_ARG);
    assert_int_equal(rot_linux_open_bus(&lin, NULL, NULL), ROT_E_ARG);
}

/* Nobody says what is there, and nothing is sent until a driver is chosen and opened. */
static void
a_bus_tells_no_model(void **state)
{
    static const struct step steps[] = {
        HELLO, {"0007 02 6465736B2F2A", "0006 02 00 00 627573"}, {NULL, NULL}};
    const struct rot_driver *driver = NULL;
    struct meeting m;
    char uri[200];

    (void)state;
    for (size_t i = 0; rot_registry_at(i) != NULL; i++) {
        if (rot_registry_at(i)->bus == ROT_BUS_I2C)
            driver = rot_registry_at(i);
    }
    meet(&m, steps);
    (void)snprintf(uri, sizeof(uri), "sim:%s#desk/*", m.at.sun_path);
    assert_int_equal(rot_linux_open_bus(&lin, uri, NULL), ROT_OK);
    assert_string_equal(lin.model, "");
    assert_int_equal(lin.transport.address, 0);
    assert_null(lin.setup.driver);
    assert_int_equal(rot_linux_choose(&lin, &rot_driver_soft, 0x60), ROT_E_UNSUPPORTED);
    assert_int_equal(rot_linux_choose(&lin, NULL, 0x60), ROT_E_ARG);
    if (driver != NULL) {
        assert_int_equal(rot_linux_choose(&lin, driver, 0x31), ROT_OK);
        assert_ptr_equal(lin.setup.driver, driver);
        assert_ptr_equal(lin.setup.transport, &lin.transport);
        assert_int_equal(lin.transport.address, 0x31);
    }
    rot_linux_close(&lin);
    part(&m);
    assert_int_equal(m.far.wrong, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(long_names_are_refused),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(a_key_file_is_whole_or_not_there),
        cmocka_unit_test(channel_files_are_refused),
        cmocka_unit_test(a_device_gets_its_own_parts_secret),
        cmocka_unit_test(soft_boards_are_made_once),
        cmocka_unit_test(the_registry_finds_drivers),
        cmocka_unit_test(the_documents_example),
        cmocka_unit_test(strangers_are_not_trusted),
        cmocka_unit_test(a_broken_line_stays_broken),
        cmocka_unit_test(told_faults_are_bus_faults),
        cmocka_unit_test(unknown_models_are_named),
        cmocka_unit_test(buses_that_are_none),
        cmocka_unit_test(a_bus_tells_no_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
