/*
 * base_test.h: what the tests of base share: cmocka, a directory of their own,
 * and rules for injection that can change while the test runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* Directory of this test program, made by base_test_setup and emptied by base_test_teardown. */
extern char base_test_dir[64];

int base_test_setup(void **state);
int base_test_teardown(void **state);

/* "dir/name"; good until the fourth call after this one. */
const char *base_test_path(const char *name);
/* A file with this text. */
const char *base_test_file(const char *name, const char *text);

/* Rules from now on ("" for none).  The test is skipped in builds without injection. */
void base_test_rules(const char *rules);

/* Run in a child process: its exit status, or minus the signal that ended it. */
int base_test_child(void (*run)(void));

#endif /* BASE_TEST_H */
