/*
 * revoke_test.c: what is revoked stays revoked and is on every list from then
 * on, whatever the front asks (L4).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <stdio.h>
#include <string.h>

#include "x509/cert.h"
#include "x509/crl.h"

static struct ca ca;

static int
make(void **state)
{
    (void)state;
    ca_make(&ca);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    ca_drop(&ca);
    return 0;
}

/* A new certificate's serial number. */
static void
new_serial(uint8_t serial[20])
{
    struct proto_issue m;
    struct cert cert;
    uint8_t hash[32], room[CERT_BYTES_MAX];
    struct rs_buf der;

    rs_buf_init_fixed(&der, room, sizeof(room));
    ca_claim(&ca, &m, "station", hash);
    assert_int_equal(ca_issue(&ca, &m, &der, NULL), RS_OK);
    assert_int_equal(cert_read(rs_buf_bytes(&der), &cert, NULL), RS_OK);
    assert_int_equal(cert.serial.len, 20);
    memcpy(serial, cert.serial.p, 20);
}

/* The newest list: its number, and how many times this serial is on it, with which reason. */
static uint64_t
list(const uint8_t serial[20], size_t *ret_count, uint8_t *ret_reason, size_t *ret_all)
{
    struct crl_entry entry;
    struct rs_buf der;
    struct crl crl;
    uint64_t number;

    rs_buf_init(&der, 1 << 20);
    assert_int_equal(ca_crl(&ca, &der, NULL), RS_OK);
    assert_int_equal(crl_read(rs_buf_bytes(&der), &crl, NULL), RS_OK);
    assert_true(crl.next_update > crl.this_update);
    *ret_count = *ret_all = 0;
    while (crl_next(&crl.entries, &entry)) {
        ++*ret_all;
        if (rs_bytes_equal(entry.serial, rs_bytes_of(serial, 20))) {
            ++*ret_count;
            *ret_reason = entry.reason;
        }
    }
    number = crl.number;
    rs_buf_done(&der);
    return number;
}

static void
test_refusals(void **state)
{
    static const uint8_t reasons[] = {7, 8, 11, 200};
    struct proto_item item = {.type = PROTO_REVOKE};
    uint8_t serial[20];

    (void)state;
    new_serial(serial);
    for (size_t i = 0; i < sizeof(reasons); i++)
        assert_int_equal(ca_revoke(&ca, RS_BYTES(serial), reasons[i], NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(ca_revoke(&ca, (struct rs_bytes){NULL, 0}, 1, NULL), RS_E_REQUEST_FORMAT);
    item.as.revoke.request_id = RS_BYTES(ca.request_id);
    item.as.revoke.tenant = rs_bytes_str(CA_TENANT);
    item.as.revoke.issuer = rs_bytes_str("acme-other");
    item.as.revoke.serial = RS_BYTES(serial);
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_E_ISSUER_UNKNOWN);
    item.as.revoke.issuer = rs_bytes_str(CA_ISSUER);
    item.as.revoke.tenant = rs_bytes_str("evil");
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_E_ISSUER_UNKNOWN);
}

static void
test_first_reason_stands(void **state)
{
    uint8_t serial[20], reason = 0;
    uint64_t first, second;
    size_t count, all;

    (void)state;
    new_serial(serial);
    first = list(serial, &count, &reason, &all);
    assert_int_equal(count, 0);
    assert_int_equal(ca_revoke(&ca, RS_BYTES(serial), CRL_KEY_COMPROMISE, NULL), RS_OK);
    assert_int_equal(ca_revoke(&ca, RS_BYTES(serial), CRL_CESSATION, NULL), RS_E_CERT_REVOKED);
    second = list(serial, &count, &reason, &all);
    assert_int_equal(second, first + 1);
    assert_int_equal(count, 1);
    assert_int_equal(reason, CRL_KEY_COMPROMISE);
}

struct answers {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int good, again, other;
};

static void
count_answer(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct answers *a = arg;

    (void)item;
    (void)err;
    (void)pthread_mutex_lock(&a->lock);
    a->good += rc == RS_OK;
    a->again += rc == RS_E_CERT_REVOKED;
    a->other += rc != RS_OK && rc != RS_E_CERT_REVOKED;
    (void)pthread_cond_signal(&a->done);
    (void)pthread_mutex_unlock(&a->lock);
}

/* Forty at once for one serial, in the same batches: one of them counts. */
static void
test_twice_inside_a_batch(void **state)
{
    struct answers a = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    struct proto_item item = {.type = PROTO_REVOKE};
    struct proto_revoke *m = &item.as.revoke;
    uint8_t serial[20], reason = 0;
    size_t count, all;

    (void)state;
    new_serial(serial);
    m->request_id = RS_BYTES(ca.request_id);
    m->tenant = rs_bytes_str(CA_TENANT);
    m->issuer = rs_bytes_str(CA_ISSUER);
    m->serial = RS_BYTES(serial);
    m->who = rs_bytes_str("person:m.keller");
    for (int i = 0; i < 40; i++)
        assert_int_equal(signer_client_submit(ca.client, &item, count_answer, &a, NULL), RS_OK);
    (void)pthread_mutex_lock(&a.lock);
    while (a.good + a.again + a.other < 40)
        (void)pthread_cond_wait(&a.done, &a.lock);
    (void)pthread_mutex_unlock(&a.lock);
    assert_int_equal(a.good, 1);
    assert_int_equal(a.again, 39);
    (void)list(serial, &count, &reason, &all);
    assert_int_equal(count, 1);
}

/* Sixty serials, more than one growth of the set, and short ones: all on the list, in any order. */
static void
test_many(void **state)
{
    uint8_t serial[20], reason = 0;
    size_t count, before, after;

    (void)state;
    new_serial(serial);
    (void)list(serial, &count, &reason, &before);
    for (unsigned i = 0; i < 60; i++) {
        uint8_t some[4] = {(uint8_t)(1 + i * 37 % 61), 9, 9, 9};
        assert_int_equal(ca_revoke(&ca, rs_bytes_of(some, i % 2 ? 4 : 3), (uint8_t)(i % 6), NULL),
                         RS_OK);
    }
    (void)list(serial, &count, &reason, &after);
    assert_int_equal(after, before + 60);
    assert_int_equal(count, 0);
}

static void
test_lists_that_are_refused(void **state)
{
    struct proto_item item = {.type = PROTO_CRL};
    struct proto_crl *m = &item.as.crl;
    struct rs_buf der;

    (void)state;
    m->tenant = rs_bytes_str(CA_TENANT);
    m->issuer = rs_bytes_str("acme-other");
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_E_ISSUER_UNKNOWN);
    m->issuer = rs_bytes_str(CA_ISSUER);
    m->next_update = ca.now - 100;
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_E_REQUEST_FORMAT);
    /* The root has a list too, and an end that was asked for is kept. */
    m->issuer = rs_bytes_str(CA_ROOT);
    m->next_update = ca.now + 5000;
    rs_buf_init(&der, 65536);
    assert_int_equal(ca_call(&ca, &item, NULL, &der, NULL), RS_OK);
    struct crl crl;
    assert_int_equal(crl_read(rs_buf_bytes(&der), &crl, NULL), RS_OK);
    assert_int_equal(crl.next_update, ca.now + 5000);
    rs_buf_done(&der);
}

/* Numbers go on and entries stay over a restart: from the snapshot, and from leaf 0 without it. */
static void
test_over_restarts(void **state)
{
    uint8_t serial[20], reason = 0;
    size_t count, all, again;
    uint64_t number;
    char path[128];

    (void)state;
    new_serial(serial);
    assert_int_equal(ca_revoke(&ca, RS_BYTES(serial), CRL_SUPERSEDED, NULL), RS_OK);
    number = list(serial, &count, &reason, &all);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ca_stop(&ca), RS_OK);
        (void)snprintf(path, sizeof(path), "%s/state.snapshot", ca.signer_dir);
        if (i == 1)
            assert_int_equal(remove(path), 0);
        assert_int_equal(ca_start(&ca, NULL), RS_OK);
        assert_int_equal(list(serial, &count, &reason, &again), number + 1 + (uint64_t)i);
        assert_int_equal(again, all);
        assert_int_equal(count, 1);
        assert_int_equal(reason, CRL_SUPERSEDED);
        assert_int_equal(ca_revoke(&ca, RS_BYTES(serial), 1, NULL), RS_E_CERT_REVOKED);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_first_reason_stands),
        cmocka_unit_test(test_twice_inside_a_batch),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_lists_that_are_refused),
        cmocka_unit_test(test_over_restarts),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
