/*
 * store_test.h: a database in a directory of its own, and sample rows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_STORE_TEST_H
#define TESTS_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store.h"

#define T "acme" /* the tenant of nearly every test */

struct fixture {
    char dir[64];
    char path[96];
    struct store *store; /* the writer */
    struct rs_arena arena;
    struct rs_err err;
};

/* cmocka set-up and tear-down: *state is a struct fixture. */
int fixture_make(void **state);
int fixture_drop(void **state);

/* Close and open the writer again. */
void fixture_reopen(struct fixture *f);

/* Number n's certificate: every unique value is derived from n. */
struct sample {
    uint8_t serial[19];
    uint8_t uid[9];
    char device[24];
    uint8_t der[1200];
    struct store_issue item;
};
void sample_make(struct sample *s, unsigned n);
/* The same without a device: a station's certificate. */
void sample_make_station(struct sample *s, unsigned n);

/* Commit one sample; the item's result. */
rs_code commit_one(struct fixture *f, struct sample *s);

/* What an equal request finds, as the front asks: RS_E_CERT_UNKNOWN without key or entry. */
rs_code find_request(struct fixture *f, const struct store_cert *asked,
                     struct store_cert *ret_cert);

/* One number from SQL on a connection of its own: what is really in the file. */
int64_t ask_sql(const struct fixture *f, const char *sql);

#endif /* TESTS_STORE_TEST_H */
