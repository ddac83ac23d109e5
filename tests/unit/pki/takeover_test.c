/*
 * takeover_test.c: the store is what the ledger says: lost, late or doubled,
 * it comes out the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pki/inner.h"

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

static void
remove_store(void)
{
    char path[128];

    (void)unlink(k.store);
    (void)snprintf(path, sizeof(path), "%s-wal", k.store);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s-shm", k.store);
    (void)unlink(path);
}

static void
stats(struct store_stats *ret)
{
    struct store *store;

    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_get_stats(store, CA_TENANT, ret, NULL), RS_OK);
}

static int64_t
taken(const char *order)
{
    struct store_order o;
    struct rs_arena arena;
    struct store *store;

    rs_arena_init(&arena, 65536);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_find_order(store, CA_TENANT, order, &arena, &o, NULL), RS_OK);
    int64_t n = o.taken;
    rs_arena_done(&arena);
    return n;
}

static int
order_state(const char *order)
{
    struct store_order o;
    struct rs_arena arena;
    struct store *store;

    rs_arena_init(&arena, 65536);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_find_order(store, CA_TENANT, order, &arena, &o, NULL), RS_OK);
    rs_arena_done(&arena);
    return (int)o.state;
}

/* Straight from the signer, as if the front had died before the store heard of it. */
static rs_code
sign_unseen(const char *serial, const char *uid, const struct crypto_key *key)
{
    struct proto_issue m;
    uint8_t hash[32];

    ca_claim_board(&k.ca, &m, "o-1", serial, hash);
    m.chip_uid = rs_bytes_str(uid);
    m.spki = crypto_key_pub(key)->spki;
    return ca_issue(&k.ca, &m, NULL, NULL);
}

/* ---- Opening that fails ------------------------------------------------------------------- */

static void
test_stores_that_cannot_be_opened(void **state)
{
    struct pki_config config = {
        .store_url = k.url, .tenant = CA_TENANT, .signer = k.ca.client, .signer_id = 1};
    struct pki *other = NULL;

    (void)state;
    assert_int_equal(pki_open(&config, &other, NULL), RS_E_STORE_BUSY); /* one writer */
    config.store_url = "sqlite:/nonexistent/store.db";
    assert_int_not_equal(pki_open(&config, &other, NULL), RS_OK);
    assert_null(other);
}

static rs_code
put_checkpoint(struct store *store, void *arg, struct rs_err *err)
{
    return store_put_checkpoint(store, 1, 1000000, *(struct rs_bytes *)arg, err);
}

/* The store has seen a checkpoint that this ledger cannot prove: nothing is signed on it. */
static void
test_a_ledger_that_is_not_the_one_seen(void **state)
{
    struct rs_bytes note = rs_bytes_str("rootsmith/ledger/1\n1000000\nAAAA\n\n");

    (void)state;
    assert_int_equal(pki_write(k.pki, put_checkpoint, &note, NULL), RS_OK);
    pk_close(&k);
    assert_int_not_equal(pk_open(&k, NULL), RS_OK);
    remove_store();
    assert_int_equal(pk_open(&k, NULL), RS_OK);
}

/* ---- Late leaves ------------------------------------------------------------------------------ */

static void
test_what_a_crash_left_out(void **state)
{
    struct crypto_key *key = pk_key();
    int64_t before = taken("o-1");

    (void)state;
    assert_int_equal(sign_unseen("L-1", "uid-l1", key), RS_OK);
    assert_int_equal(pk_count(&k, "L-1", 0), 0);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_int_equal(pk_count(&k, "L-1", STORE_CERT_ISSUED), 1);
    assert_int_equal(taken("o-1"), before + 1);
    /* Again: the same leaf twice changes nothing. */
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_int_equal(pk_count(&k, "L-1", 0), 1);
    assert_int_equal(taken("o-1"), before + 1);
    /* The board asks once more, and gets that one. */
    assert_int_equal(pk_board(&k, key, "o-1", "L-1", "uid-l1", &got), RS_OK);
    assert_int_equal(pk_count(&k, "L-1", 0), 1);
    crypto_key_free(key);
}

/* Races that the signer cannot see (it knows no devices) are settled by the store (L8). */
static void
test_leaves_that_break_a_rule(void **state)
{
    struct crypto_key *key = pk_key(), *other = pk_key();

    (void)state;
    assert_int_equal(sign_unseen("R-1", "uid-r1", key), RS_OK);
    assert_int_equal(sign_unseen("R-2", "uid-r2", key), RS_OK);   /* one key, two devices */
    assert_int_equal(sign_unseen("R-3", "uid-r1", other), RS_OK); /* one chip, two devices */
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_int_equal(pk_count(&k, "R-1", STORE_CERT_ISSUED), 1);
    assert_int_equal(pk_count(&k, "R-2", STORE_CERT_ISSUED), 0);
    assert_int_equal(pk_count(&k, "R-2", STORE_CERT_SUPERSEDED), 1);
    assert_int_equal(pk_count(&k, "R-3", STORE_CERT_SUPERSEDED), 1);
    crypto_key_free(key);
    crypto_key_free(other);
}

/* ---- A store that is lost ------------------------------------------------------------------------ */

static void
test_an_empty_store_is_filled(void **state)
{
    struct crypto_key *key = pk_key(), *station = pk_key();
    struct store_stats before, after;
    struct pki_caller c;
    uint64_t number;
    size_t count;

    (void)state;
    assert_int_equal(pk_station(&k, station, "sz-5", &got), RS_OK);
    assert_int_equal(pki_revoke(k.pki, "person:m.keller", CA_ISSUER, got.cert.serial, 1, "", NULL),
                     RS_OK);
    assert_int_equal(pk_board(&k, key, "o-1", "S-1", "uid-s1", &got), RS_OK);
    assert_int_equal(pki_revoke_device(k.pki, "p", "S-1", 1, "", &count, NULL), RS_OK);
    assert_int_equal(pk_board(&k, station, "o-1", "S-2", "uid-s2", &got), RS_E_KEY_UNIQUE);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &number, NULL), RS_OK);
    for (int i = 0; i < 150; i++) { /* more than one chunk */
        struct proto_issue m;
        uint8_t hash[32];
        ca_claim(&k.ca, &m, "station", hash);
        assert_int_equal(ca_issue(&k.ca, &m, NULL, NULL), RS_OK);
    }
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    stats(&before);
    int64_t made = taken("o-1");
    pk_close(&k);
    remove_store();
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    stats(&after);
    assert_int_equal(after.certs, before.certs);
    assert_int_equal(after.revoked, before.revoked);
    assert_int_equal(after.devices, before.devices);
    assert_int_equal(after.orders, before.orders);
    assert_int_equal(taken("o-1"), made);
    assert_int_equal(pk_count(&k, "S-1", STORE_CERT_REVOKED), 1);
    assert_int_equal(pki_authenticate(k.pki, got.cert.whole, 0, &c, NULL) == RS_OK, 0);
    /* L8 holds in the new one too. */
    assert_int_equal(pk_board(&k, key, "o-1", "S-9", "uid-s9", &got), RS_E_KEY_UNIQUE);
    crypto_key_free(key);
    crypto_key_free(station);
}

static void
test_the_same_store_again(void **state)
{
    struct store_stats before, after;

    (void)state;
    stats(&before);
    pk_close(&k);
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    stats(&after);
    assert_memory_equal(&before, &after, sizeof(before));
}

/* Documents of before and a new CA: known without a restart. */
static void
test_a_new_ca(void **state)
{
    struct doc_issuer i = {.name = rs_bytes_str("second-ca"),
                           .parent = rs_bytes_str(CA_ROOT),
                           .subject = rs_bytes_str("CN=Second,O=Acme"),
                           .key_alg = DOC_KEY_P256,
                           .not_before = k.ca.now - 60,
                           .not_after = k.ca.now + 86400LL * 800,
                           .path_length = 0,
                           .profiles = {.items = {rs_bytes_str("unlisted")}, .count = 1},
                           .crl_every_s = 3600};
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");
    struct crypto_key *key = pk_key();
    struct pk_csr ask = {.key = key, .cn = "x"};
    uint8_t room[DOC_BYTES_MAX], csr[4096];
    struct rs_buf b;

    (void)state;
    rs_buf_init_fixed(&b, room, sizeof(room));
    doc_issuer_put(&b, &i);
    assert_int_equal(pk_ask(&k, &person, "unlisted", pk_csr(&ask, csr, sizeof(csr)), &got),
                     RS_E_ISSUER_UNKNOWN);
    assert_int_equal(ca_document(&k.ca, "issuer", "second-ca", rs_buf_bytes(&b), NULL), RS_OK);
    assert_null(pki_find_issuer(k.pki, "second-ca"));
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_non_null(pki_find_issuer(k.pki, "second-ca"));
    assert_int_equal(pk_ask(&k, &person, "unlisted", pk_csr(&ask, csr, sizeof(csr)), &got), RS_OK);
    crypto_key_free(key);
}

/* Something is under way, so that the mark stays: the same leaves are read again and again. */
static void
test_versions_are_not_doubled(void **state)
{
    struct doc_profile p = {.name = rs_bytes_str("twice"),
                            .version = 1,
                            .type = DOC_PROFILE_TLS_CLIENT,
                            .subject = rs_bytes_str("CN={name}"),
                            .valid_s = 86400,
                            .key_algs = DOC_KEY_P256,
                            .key_usage = 1};
    uint8_t room[DOC_BYTES_MAX];
    struct store_object o;
    struct rs_arena arena;
    struct store *store;
    struct hold hold;
    struct rs_buf b;

    (void)state;
    pki_hold(k.pki, &hold);
    struct doc_order order;
    uint8_t hash[32];
    ca_order_doc(&k.ca, &order, "o-1", 1000, "sz-1", 1000, hash);
    order.created_at += 5;
    order.state = DOC_ORDER_CLOSED;
    assert_int_equal(ca_put_order(&k.ca, &order, NULL), RS_OK);
    for (; p.version <= 3; p.version++) {
        rs_buf_init_fixed(&b, room, sizeof(room));
        doc_profile_put(&b, &p);
        assert_int_equal(ca_document(&k.ca, "profile", "twice", rs_buf_bytes(&b), NULL), RS_OK);
        assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    }
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    pki_release(k.pki, &hold);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    rs_arena_init(&arena, 65536);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_find_object(store, CA_TENANT, "profile", "twice", 0, &arena, &o, NULL),
                     RS_OK);
    assert_int_equal(o.version, 3);
    assert_int_equal(order_state("o-1"), STORE_ORDER_CLOSED);
    assert_true(rs_bytes_equal(o.document, rs_buf_bytes(&b)));
    rs_arena_done(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stores_that_cannot_be_opened),
        cmocka_unit_test(test_a_ledger_that_is_not_the_one_seen),
        cmocka_unit_test(test_what_a_crash_left_out),
        cmocka_unit_test(test_leaves_that_break_a_rule),
        cmocka_unit_test(test_an_empty_store_is_filled),
        cmocka_unit_test(test_the_same_store_again),
        cmocka_unit_test(test_a_new_ca),
        cmocka_unit_test(test_versions_are_not_doubled),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
