/*
 * sessions_test.c: sessions are found, once or more often, and end; the table is bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_US ((uint64_t)SESSIONS_LIFE_S * 1000000u)

static struct sessions *s;

static int
set_up(void **state)
{
    (void)state;
    s = malloc(sizeof(*s));
    assert_non_null(s);
    sessions_init(s);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    sessions_done(s);
    free(s);
    return 0;
}

static SSL_SESSION *
session(const char *id)
{
    SSL_SESSION *session = SSL_SESSION_new();

    assert_non_null(session);
    assert_int_equal(SSL_SESSION_set1_id(session, (const unsigned char *)id, (unsigned)strlen(id)),
                     1);
    return session;
}

static int
is_there(const char *id, int once, uint64_t now)
{
    SSL_SESSION *found = sessions_find(s, (const unsigned char *)id, strlen(id), once, now);

    SSL_SESSION_free(found);
    return found != NULL;
}

static void
what_is_not_there_is_not_found(void **state)
{
    (void)state;
    assert_false(is_there("", 0, 0));
    assert_false(is_there("a", 0, 0));
    assert_false(is_there("number one", 0, 0));
    sessions_keep(s, session("number one"), 0);
    assert_false(is_there("number two", 0, 0));
    assert_false(is_there("number one!", 0, 0));
    assert_false(is_there("number on", 0, 0));
    assert_true(is_there("number one", 0, 0));
}

static void
once_is_once(void **state)
{
    (void)state;
    sessions_keep(s, session("number one"), 0);
    assert_true(is_there("number one", 0, 0));
    assert_true(is_there("number one", 0, 0));
    assert_true(is_there("number one", 1, 0));
    assert_false(is_there("number one", 1, 0));
}

static void
an_hour_is_an_hour(void **state)
{
    (void)state;
    sessions_keep(s, session("number one"), 5);
    assert_true(is_there("number one", 0, HOUR_US + 4));
    assert_false(is_there("number one", 0, HOUR_US + 5));
    assert_false(is_there("number one", 0, 5)); /* it is gone for good */
}

/* Ids with equal first bytes share a row: the oldest makes room, the others stay. */
static void
the_oldest_makes_room(void **state)
{
    char id[16];

    (void)state;
    for (int i = 0; i <= SESSIONS_WAYS; i++) {
        (void)snprintf(id, sizeof(id), "row %d", i);
        sessions_keep(s, session(id), (uint64_t)i);
    }
    assert_false(is_there("row 0", 0, 0));
    for (int i = 1; i <= SESSIONS_WAYS; i++) {
        (void)snprintf(id, sizeof(id), "row %d", i);
        assert_true(is_there(id, 0, 0));
    }
}

static void
many_more_than_fit(void **state)
{
    size_t there = 0;
    char id[16];

    (void)state;
    for (unsigned i = 0; i < 3 * SESSIONS_ENTRIES; i++) {
        (void)snprintf(id, sizeof(id), "%c%cx%u", (char)(i % 251 + 1),
                       (char)(i * 7919u / 16 % 251 + 1), i);
        sessions_keep(s, session(id), i);
    }
    for (size_t i = 0; i < SESSIONS_ENTRIES; i++)
        there += s->entries[i].session != NULL;
    assert_true(there > SESSIONS_ENTRIES / 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(once_is_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_hour_is_an_hour, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_more_than_fit, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("http/sessions", tests, NULL, NULL);
}
