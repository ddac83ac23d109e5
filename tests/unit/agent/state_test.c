/*
 * state_test.c: generations on the disk: made, turned to, found again after a crash.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/inner.h"
#include "base/io.h"

static char dir[64];
static struct agent_config config;
static struct agent agent;

static int
make(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/agent_state_XXXXXX");
    memset(&agent, 0, sizeof(agent));
    config.state = mkdtemp(dir);
    agent.config = &config;
    return config.state == NULL || state_open(&agent, NULL) != RS_OK;
}

static int
drop(void **state)
{
    char command[96];

    (void)state;
    state_close(&agent);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command);
}

/* As a process that died and one that starts. */
static void
restart(void)
{
    state_close(&agent);
    memset(&agent, 0, sizeof(agent));
    agent.config = &config;
    assert_int_equal(state_open(&agent, NULL), RS_OK);
}

static void
finish(unsigned slot, const char *cert)
{
    assert_int_equal(state_begin(&agent, slot, rs_bytes_str("request"), NULL), RS_OK);
    assert_int_equal(state_finish(&agent, slot, rs_bytes_str(cert), rs_bytes_str("chain"),
                                  rs_bytes_str("key"), NULL),
                     RS_OK);
}

static void
assert_certificate(const char *want)
{
    RS_AUTO(rs_buf_done) struct rs_buf text;
    char path[AGENT_PATH_MAX];

    rs_buf_init(&text, 4096);
    assert_int_equal(state_read(&agent, "ldevid.pem", &text, NULL), RS_OK);
    assert_true(rs_bytes_equal(rs_buf_bytes(&text), rs_bytes_str(want)));
    /* The name that other programs know leads to the same. */
    assert_int_equal(state_path(&agent, "ldevid.pem", path, NULL), RS_OK);
    rs_buf_reset(&text);
    assert_int_equal(rs_file_read(path, 4096, &text, NULL), RS_OK);
    assert_true(rs_bytes_equal(rs_buf_bytes(&text), rs_bytes_str(want)));
}

static void
test_nothing_yet(void **state)
{
    struct rs_buf text;

    (void)state;
    rs_buf_init(&text, 4096);
    assert_false(agent.current.is_there);
    assert_int_equal(state_read(&agent, "ldevid.pem", &text, NULL), RS_E_AGENT_NO_IDENTITY);
    rs_buf_done(&text);
}

static void
test_one_after_the_other(void **state)
{
    (void)state;
    finish(0, "first");
    assert_certificate("first");
    finish(1, "second");
    assert_certificate("second");
    assert_int_equal(agent.current.slot, 1);
    restart();
    assert_int_equal(agent.current.slot, 1);
    assert_int_equal(agent.current.number, 2);
    assert_certificate("second");
}

/* The last rename of the first identity fails: from the next start on it is there, by all its names. */
static void
test_the_names_are_there_before_the_turn(void **state)
{
    char path[AGENT_PATH_MAX];

    (void)state;
    assert_int_equal(state_path(&agent, "current.tmp", path, NULL), RS_OK);
    assert_int_equal(rs_dir_make(path, 0700, NULL), RS_OK); /* no link can be made there */
    assert_int_equal(state_begin(&agent, 0, rs_bytes_str("request"), NULL), RS_OK);
    assert_int_not_equal(state_finish(&agent, 0, rs_bytes_str("first"), rs_bytes_str("chain"),
                                      rs_bytes_str("key"), NULL),
                         RS_OK);
    assert_int_equal(rs_dir_remove(path, NULL), RS_OK);
    restart();
    assert_certificate("first");
}

static void
test_what_a_death_left_is_cleared_away(void **state)
{
    static const char *const names[] = {"state.json.4711.0.tmp", "trust.pem.4711.1.tmp"};
    char path[AGENT_PATH_MAX];

    (void)state;
    finish(0, "first");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(state_path(&agent, names[i], path, NULL), RS_OK);
        assert_int_equal(rs_file_make(path, rs_bytes_str("half"), 0600, NULL), RS_OK);
    }
    restart();
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(state_path(&agent, names[i], path, NULL), RS_OK);
        assert_false(rs_path_exists(path));
    }
    assert_certificate("first");
}

static void
test_only_one_agent(void **state)
{
    struct agent other = {.config = &config};

    (void)state;
    assert_int_equal(state_open(&other, NULL), RS_E_AGENT_RUNNING);
    config.look_only = 1;
    assert_int_equal(state_open(&other, NULL), RS_OK);
    state_close(&other);
    config.look_only = 0;
}

/* A request survives, until another takes its place. */
static void
test_pending(void **state)
{
    struct rs_buf csr;

    (void)state;
    rs_buf_init(&csr, 4096);
    assert_int_equal(state_begin(&agent, 1, rs_bytes_str("mine"), NULL), RS_OK);
    restart();
    assert_int_equal(state_pending(&agent, 0, &csr, NULL), RS_OK);
    assert_int_equal(csr.len, 0);
    assert_int_equal(state_pending(&agent, 1, &csr, NULL), RS_OK);
    assert_true(rs_bytes_equal(rs_buf_bytes(&csr), rs_bytes_str("mine")));
    assert_int_equal(state_begin(&agent, 0, rs_bytes_str("another"), NULL), RS_OK);
    assert_int_equal(state_pending(&agent, 1, &csr, NULL), RS_OK);
    assert_int_equal(csr.len, 0);
    rs_buf_done(&csr);
}

/* Killed between the rename of the generation and that of the link. */
static void
test_complete_and_not_turned_to(void **state)
{
    char link[AGENT_PATH_MAX];

    (void)state;
    finish(0, "first");
    finish(1, "second");
    assert_int_equal(state_path(&agent, "current", link, NULL), RS_OK);
    assert_int_equal(rs_link_replace("id-1-0", link, NULL), RS_OK);
    restart();
    assert_int_equal(agent.current.number, 2);
    assert_certificate("second");
}

static void
test_half_of_one_counts_for_nothing(void **state)
{
    char path[AGENT_PATH_MAX];

    (void)state;
    finish(0, "first");
    assert_int_equal(state_begin(&agent, 1, rs_bytes_str("request"), NULL), RS_OK);
    assert_int_equal(state_path(&agent, "next-1/ldevid.pem", path, NULL), RS_OK);
    assert_int_equal(rs_file_make(path, rs_bytes_str("ha"), 0644, NULL), RS_OK);
    restart();
    assert_certificate("first");
    assert_int_equal(state_finish(&agent, 1, rs_bytes_str("second"), rs_bytes_str("chain"),
                                  rs_bytes_str("key"), NULL),
                     RS_OK);
    assert_certificate("second");
}

static void
test_memory(void **state)
{
    char path[AGENT_PATH_MAX];

    (void)state;
    agent.memory.heard_at = 1795520408;
    agent.memory.failures = 3;
    (void)snprintf(agent.memory.code, sizeof(agent.memory.code), "net.unreachable");
    assert_int_equal(state_save(&agent, NULL), RS_OK);
    restart();
    assert_int_equal(agent.memory.heard_at, 1795520408);
    assert_int_equal(agent.memory.failures, 3);
    assert_string_equal(agent.memory.code, "net.unreachable");
    assert_int_equal(state_path(&agent, "state.json", path, NULL), RS_OK);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("{\"heard\":"), 0644, NULL), RS_OK);
    restart();
    assert_int_equal(agent.memory.heard_at, 0);
    /* Numbers that we never write: sums with them would not be numbers any more. */
    assert_int_equal(rs_file_replace(path,
                                     rs_bytes_str("{\"heard\":9223372036854775807,\"failures\":"
                                                  "9223372036854775807,\"next\":-1,\"tried\":7}"),
                                     0644, NULL),
                     RS_OK);
    restart();
    assert_int_equal(agent.memory.heard_at, 0);
    assert_int_equal(agent.memory.failures, 0);
    assert_int_equal(agent.memory.next_at, 0);
    assert_int_equal(agent.memory.tried_at, 7);
}

static void
test_names_of_generations(void **state)
{
    static const char *const bad[] = {"",        "id-1",    "id-1-2",         "id-1-0x",
                                      "id-01-0", "id- 1-0", "id-+1-0",        "id-1--0",
                                      "id-1-00", "next-0",  "id-9999999999-0"};
    struct generation g = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(read_generation(bad[i], &g));
    assert_true(read_generation("id-17-1", &g));
    assert_int_equal(g.number, 17);
    assert_int_equal(g.slot, 1);
}

/* Renewals of a fleet are spread, each within its bounds and the same whenever it is asked. */
static void
test_when_to_renew(void **state)
{
    uint8_t bytes[2] = {0};
    struct cert cert = {.whole = RS_BYTES(bytes), .not_before = 1000, .not_after = 101000};
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    config.renew_percent = 60;
    config.jitter_percent = 20;
    for (unsigned i = 0; i < 65536; i++) {
        int64_t at;
        rs_set_u16(bytes, i);
        at = identity_renew_at(&agent, &cert);
        assert_int_equal(at, identity_renew_at(&agent, &cert));
        least = at < least ? at : least;
        most = at > most ? at : most;
    }
    assert_in_range(least, 51000, 51100);
    assert_in_range(most, 70900, 71000);
    cert.not_after = INT64_MAX;
    assert_true(identity_renew_at(&agent, &cert) == INT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_yet, make, drop),
        cmocka_unit_test_setup_teardown(test_one_after_the_other, make, drop),
        cmocka_unit_test_setup_teardown(test_the_names_are_there_before_the_turn, make, drop),
        cmocka_unit_test_setup_teardown(test_what_a_death_left_is_cleared_away, make, drop),
        cmocka_unit_test_setup_teardown(test_only_one_agent, make, drop),
        cmocka_unit_test_setup_teardown(test_pending, make, drop),
        cmocka_unit_test_setup_teardown(test_complete_and_not_turned_to, make, drop),
        cmocka_unit_test_setup_teardown(test_half_of_one_counts_for_nothing, make, drop),
        cmocka_unit_test_setup_teardown(test_memory, make, drop),
        cmocka_unit_test(test_names_of_generations),
        cmocka_unit_test_setup_teardown(test_when_to_renew, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
