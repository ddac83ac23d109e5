/*
 * catalog_test.c: documents kept in memory: nobody who asks after a write was
 * answered gets what was there before it.  The changes here are made in the
 * store alone, behind the signer's back: what refuses is the front.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/hash.h"
#include "pki/inner.h"

#define NAMES   200
#define CHANGES 300

static struct pk k;
static struct pk_got got;

static int
make(void **state)
{
    (void)state;
    pk_make(&k);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    pk_drop(&k);
    return 0;
}

/* ---- Writing ------------------------------------------------------------------------------ */

struct put {
    const char *name;
    struct rs_bytes document;
};

static rs_code
put_profile(struct store *store, void *arg, struct rs_err *err)
{
    const struct put *p = arg;
    struct store_object o = {.tenant = CA_TENANT,
                             .kind = "profile",
                             .name = p->name,
                             .state = "active",
                             .document = p->document};

    return store_put_object(store, &o, -1, NULL, err);
}

static void
write_profile(const char *name, const char *text)
{
    struct put p = {name, rs_bytes_str(text)};

    assert_int_equal(pki_write(k.pki, put_profile, &p, NULL), RS_OK);
}

static rs_code
put_order_state(struct store *store, void *arg, struct rs_err *err)
{
    const enum store_order_state *to = arg;
    struct store_order o;
    rs_code rc;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    rc = store_find_order(store, CA_TENANT, "o-1", &arena, &o, err);
    o.state = *to;
    return rc == RS_OK ? store_put_order(store, &o, NULL, 0, err) : rc;
}

static rs_code
refuse(struct store *store, void *arg, struct rs_err *err)
{
    rs_code rc = put_profile(store, arg, err);

    return rc == RS_OK ? RS_E_STORE_FAILED : rc;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct seen {
    rs_code rc;
    int asked; /* the store, not memory */
    char text[32];
    size_t len;
    uint8_t hash[32];
};

static void
find_in(struct catalog_look *look, const char *name, struct seen *ret)
{
    struct catalog_document d = {0};

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    *ret = (struct seen){.rc = catalog_find(look, CATALOG_PROFILE, name, &arena, &d, NULL)};
    ret->asked = look->begun;
    ret->len = d.document.len;
    if (d.document.len < sizeof(ret->text) && d.document.len > 0)
        memcpy(ret->text, d.document.p, d.document.len);
    memcpy(ret->hash, d.hash, sizeof(ret->hash));
}

static struct seen
find(const char *name)
{
    struct catalog_look look;
    struct store *store;
    struct seen seen;

    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    catalog_look(k.pki, store, &look);
    find_in(&look, name, &seen);
    catalog_look_done(&look);
    return seen;
}

static void
expect(const char *name, const char *text, int asked)
{
    struct seen seen = find(name);
    uint8_t hash[32];

    assert_int_equal(seen.rc, RS_OK);
    assert_string_equal(seen.text, text);
    assert_int_equal(seen.asked, asked);
    crypto_sha256(rs_bytes_str(text), hash);
    assert_memory_equal(seen.hash, hash, 32);
}

/* ---- The catalog ----------------------------------------------------------------------------- */

static void
test_what_is_missing_is_not_kept(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct seen seen = find("later");
        assert_int_equal(seen.rc, RS_E_REQUEST_UNKNOWN);
        assert_int_equal(seen.asked, 1);
    }
    write_profile("later", "now");
    expect("later", "now", 1);
}

static void
test_what_is_long_is_not_kept(void **state)
{
    char *text = calloc(1, CATALOG_DOCUMENT_MAX + 2);

    (void)state;
    assert_non_null(text);
    memset(text, 'x', CATALOG_DOCUMENT_MAX + 1);
    write_profile("long", text);
    for (int i = 0; i < 2; i++) {
        struct seen seen = find("long");
        assert_int_equal(seen.rc, RS_OK);
        assert_int_equal(seen.len, CATALOG_DOCUMENT_MAX + 1);
        assert_int_equal(seen.asked, 1);
    }
    text[CATALOG_DOCUMENT_MAX] = '\0';
    write_profile("long", text);
    for (int i = 0; i < 2; i++) {
        struct seen seen = find("long");
        assert_int_equal(seen.len, CATALOG_DOCUMENT_MAX);
        assert_int_equal(seen.asked, i == 0);
    }
    free(text);
}

static void
test_a_write_counts_at_once(void **state)
{
    struct put failed = {"p", rs_bytes_str("three")};

    (void)state;
    write_profile("p", "one");
    expect("p", "one", 1);
    expect("p", "one", 0);
    write_profile("p", "two");
    expect("p", "two", 1);
    expect("p", "two", 0);
    /* A work that failed may have written before it did. */
    assert_int_equal(pki_write(k.pki, refuse, &failed, NULL), RS_E_STORE_FAILED);
    expect("p", "three", 1);
    /* Another kind of the same name is another document. */
    assert_int_equal(find("o-1").rc, RS_E_REQUEST_UNKNOWN);
}

/* A request that looked before the write may finish with what it saw, and leaves it to nobody. */
static void
test_a_late_reader_leaves_nothing_old(void **state)
{
    struct catalog_look look;
    struct store *store;
    struct seen seen;

    (void)state;
    write_profile("other", "x");
    write_profile("q", "old");
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    catalog_look(k.pki, store, &look);
    find_in(&look, "other", &seen); /* its view of the store begins here */
    assert_int_equal(look.begun, 1);
    write_profile("q", "new");
    find_in(&look, "q", &seen);
    assert_string_equal(seen.text, "old");
    catalog_look_done(&look);
    expect("q", "new", 1);
    expect("q", "new", 0);
}

static void
test_many_names(void **state)
{
    char name[32], text[32];
    size_t used = 0;

    (void)state;
    for (int i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof(name), "n-%d", i);
        (void)snprintf(text, sizeof(text), "t-%d", i);
        write_profile(name, text);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < NAMES; i++) {
            (void)snprintf(name, sizeof(name), "n-%d", i);
            (void)snprintf(text, sizeof(text), "t-%d", i);
            expect(name, text, 1);
            expect(name, text, 0);
        }
    }
    /* Every entry is in use, and holds one of the newest. */
    for (size_t i = 0; i < CATALOG_ENTRIES; i++)
        used += k.pki->catalog.entries[i].bytes != NULL;
    assert_int_equal(used, CATALOG_ENTRIES);
    for (int i = NAMES - CATALOG_ENTRIES; i < NAMES; i++) {
        (void)snprintf(name, sizeof(name), "n-%d", i);
        (void)snprintf(text, sizeof(text), "t-%d", i);
        expect(name, text, 0);
    }
}

/* ---- Readers and a writer at once --------------------------------------------------------------- */

static atomic_int answered, stop;

/* Gives how often something older was found than what had been answered. */
static void *
read_on(void *arg)
{
    size_t *from_memory = arg;
    uintptr_t old = 0;

    while (!atomic_load(&stop)) {
        int least = atomic_load(&answered);
        struct seen seen = find("count");
        old += seen.rc != RS_OK || strtol(seen.text, NULL, 10) < least;
        *from_memory += !seen.asked;
    }
    return (void *)old;
}

static void
test_readers_are_never_behind(void **state)
{
    static size_t from_memory[3]; /* not on this stack: a failed assertion leaves it */
    pthread_t readers[3];
    void *old[3];
    char text[32];

    (void)state;
    write_profile("count", "0");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_on, &from_memory[i]), 0);
    for (int i = 1; i <= CHANGES; i++) {
        (void)snprintf(text, sizeof(text), "%d", i);
        write_profile("count", text);
        atomic_store(&answered, i);
    }
    atomic_store(&stop, 1);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_join(readers[i], &old[i]), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_null(old[i]);
        print_message("reader %zu: %zu times from memory\n", i, from_memory[i]);
    }
}

/* ---- Requests ------------------------------------------------------------------------------------- */

static void
set_order(enum store_order_state to)
{
    assert_int_equal(pki_write(k.pki, put_order_state, &to, NULL), RS_OK);
}

static rs_code
board(int n)
{
    struct crypto_key *key = pk_key();
    char serial[32], uid[32];
    rs_code rc;

    (void)snprintf(serial, sizeof(serial), "C-%d", n);
    (void)snprintf(uid, sizeof(uid), "uid-c%d", n);
    rc = pk_board(&k, key, "o-1", serial, uid, &got);
    crypto_key_free(key);
    return rc;
}

static void
test_a_closed_order_at_once(void **state)
{
    int n = 0;

    (void)state;
    for (int i = 0; i < 5; i++) {
        set_order(i % 2 == 0 ? STORE_ORDER_CLOSED : STORE_ORDER_PAUSED);
        assert_int_equal(board(++n), RS_E_ORDER_CLOSED);
        assert_int_equal(board(++n), RS_E_ORDER_CLOSED);
        set_order(STORE_ORDER_OPEN);
        assert_int_equal(board(++n), RS_OK);
        assert_int_equal(board(++n), RS_OK);
    }
}

static rs_code
person(void)
{
    struct pki_caller caller = pk_caller(PKI_PERSON, "m.keller");
    struct crypto_key *key = pk_key();
    struct pk_csr csr = {.key = key, .cn = "a.sommer"};
    uint8_t room[4096];
    rs_code rc = pk_ask(&k, &caller, "person", pk_csr(&csr, room, sizeof(room)), &got);

    crypto_key_free(key);
    return rc;
}

static struct rs_bytes
profile_of(const char *name, struct rs_arena *arena)
{
    struct store_object o;
    struct store *store;

    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_find_object(store, CA_TENANT, "profile", name, 0, arena, &o, NULL),
                     RS_OK);
    return o.document;
}

static void
test_a_replaced_profile_at_once(void **state)
{
    struct rs_arena arena;

    (void)state;
    rs_arena_init(&arena, 65536);
    struct put other = {"person", profile_of("ocsp", &arena)};
    struct put right = {"person", profile_of("person", &arena)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pki_write(k.pki, put_profile, &other, NULL), RS_OK);
        assert_int_equal(person(), RS_E_AUTH_DENIED);
        assert_int_equal(pki_write(k.pki, put_profile, &right, NULL), RS_OK);
        assert_int_equal(person(), RS_OK);
        assert_int_equal(person(), RS_OK);
    }
    rs_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_missing_is_not_kept),
        cmocka_unit_test(test_what_is_long_is_not_kept),
        cmocka_unit_test(test_a_write_counts_at_once),
        cmocka_unit_test(test_a_late_reader_leaves_nothing_old),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_readers_are_never_behind),
        cmocka_unit_test(test_a_closed_order_at_once),
        cmocka_unit_test(test_a_replaced_profile_at_once),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
