/*
 * issue_test.c: what a batch of certificates may and may not bring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store_test.h"

#define ENTRY_LEN (8 + 32 + 1 + 7 + 1 + 19) /* of a sample in its key's list of requests */

/* ---- Refusals ------------------------------------------------------------------------ */

static void
assert_superseded(struct fixture *f, const struct sample *s, rs_code why)
{
    struct store_cert cert;
    char sql[160];

    assert_int_equal(s->item.result, why);
    assert_int_equal(store_find_cert(f->store, T, s->item.cert.issuer, s->item.cert.serial,
                                     &f->arena, &cert, &f->err),
                     RS_OK);
    assert_int_equal(cert.state, STORE_CERT_SUPERSEDED);
    assert_int_equal(cert.reason, 4);
    assert_true(cert.revoked_at > 0);
    assert_int_equal(cert.der.len, s->item.cert.der.len);
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM certificate WHERE refusal = '%s'",
                   rs_code_info(why)->name);
    assert_int_equal(ask_sql(f, sql), 1);
}

/* b is for a's key and holder. */
static void
renew(struct sample *b, const struct sample *a)
{
    memcpy(b->item.cert.key_hash, a->item.cert.key_hash, 32);
    b->item.cert.subject = a->item.cert.subject;
}

static void
assert_found(struct fixture *f, const struct sample *s)
{
    struct store_cert cert;

    assert_int_equal(find_request(f, &s->item.cert, &cert), RS_OK);
    assert_true(rs_bytes_equal(cert.serial, s->item.cert.serial));
    assert_true(rs_bytes_equal(cert.der, s->item.cert.der));
}

static void
test_key_of_another_device(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_cert cert;
    struct store_key before, key;

    sample_make(&a, 1);
    sample_make(&b, 2);
    memcpy(b.item.cert.key_hash, a.item.cert.key_hash, 32);
    assert_int_equal(commit_one(f, &a), RS_OK);
    assert_int_equal(store_find_key(f->store, T, a.item.cert.key_hash, &f->arena, &before, &f->err),
                     RS_OK);
    (void)commit_one(f, &b);
    assert_superseded(f, &b, RS_E_KEY_UNIQUE);

    /* The loser left nothing: its request id, chip and device are free again. */
    assert_int_equal(find_request(f, &b.item.cert, &cert), RS_E_CERT_UNKNOWN);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM chip"), 1);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM device"), 1);
    assert_int_equal(store_find_key(f->store, T, a.item.cert.key_hash, &f->arena, &key, &f->err),
                     RS_OK);
    assert_string_equal(key.device, a.device);
    assert_true(rs_bytes_equal(key.requests, before.requests));
}

static void
test_key_of_another_station(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    memcpy(b.item.cert.key_hash, a.item.cert.key_hash, 32);
    assert_int_equal(commit_one(f, &a), RS_OK);
    (void)commit_one(f, &b);
    assert_superseded(f, &b, RS_E_KEY_UNIQUE);
}

static void
test_chip_in_another_device(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    const char *device = NULL;

    sample_make(&a, 1);
    sample_make(&b, 2);
    memcpy(b.uid, a.uid, sizeof(a.uid));
    assert_int_equal(commit_one(f, &a), RS_OK);
    (void)commit_one(f, &b);
    assert_superseded(f, &b, RS_E_CHIP_TWIN);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM key_owner"), 1);
    assert_int_equal(
        store_find_chip(f->store, T, "atecc608b", RS_BYTES(a.uid), &f->arena, &device, &f->err),
        RS_OK);
    assert_string_equal(device, a.device);
}

/* Issue a, then b as the same device with the given differences. */
static void
check_same_device(struct fixture *f, int other_chip, int other_key, int new_device,
                  rs_code expected)
{
    struct sample a, b;

    sample_make(&a, 1);
    sample_make(&b, 2);
    assert_int_equal(commit_one(f, &a), RS_OK);
    b.item.cert.device = a.device;
    b.item.device.device = a.device;
    b.item.new_device = new_device;
    if (!other_chip)
        memcpy(b.uid, a.uid, sizeof(a.uid));
    if (!other_key)
        memcpy(b.item.cert.key_hash, a.item.cert.key_hash, 32);
    (void)commit_one(f, &b);
    if (expected == RS_OK)
        assert_int_equal(b.item.result, RS_OK);
    else
        assert_superseded(f, &b, expected);
}

static void
test_device_with_another_chip(void **state)
{
    check_same_device(*state, 1, 1, 1, RS_E_DEVICE_EXISTS);
    assert_int_equal(ask_sql(*state, "SELECT count(*) FROM chip"), 1);
    assert_int_equal(ask_sql(*state, "SELECT count(*) FROM key_owner"), 1);
}

static void
test_old_device_with_another_chip(void **state)
{
    check_same_device(*state, 1, 0, 0, RS_E_DEVICE_EXISTS);
}

static void
test_device_with_another_key(void **state)
{
    check_same_device(*state, 0, 1, 1, RS_E_DEVICE_EXISTS);
    assert_int_equal(ask_sql(*state, "SELECT count(*) FROM chip"), 1);
}

static void
test_device_with_further_key(void **state)
{
    check_same_device(*state, 0, 1, 0, RS_OK);
    assert_int_equal(ask_sql(*state, "SELECT count(*) FROM key_owner"), 2);
    assert_int_equal(ask_sql(*state, "SELECT count(*) FROM device"), 1);
}

static void
test_device_again_with_all_the_same(void **state)
{
    check_same_device(*state, 0, 0, 1, RS_OK);
}

static void
test_serial_of_another_certificate(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_cert cert;

    sample_make(&a, 1);
    sample_make(&b, 2);
    memcpy(b.serial, a.serial, sizeof(a.serial));
    assert_int_equal(commit_one(f, &a), RS_OK);
    assert_int_equal(commit_one(f, &b), RS_E_SERIAL_COLLISION);
    assert_int_equal(
        store_find_cert(f->store, T, "issuing", RS_BYTES(a.serial), &f->arena, &cert, &f->err),
        RS_OK);
    assert_memory_equal(cert.fingerprint, a.item.cert.fingerprint, 32);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM key_owner"), 1);

    /* The same serial of another issuer is another certificate. */
    b.item.cert.issuer = "issuing-2";
    assert_int_equal(commit_one(f, &b), RS_OK);
}

static void
test_request_with_another_serial(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    renew(&b, &a);
    memcpy(b.item.cert.request_id, a.item.cert.request_id, 32);
    assert_int_equal(commit_one(f, &a), RS_OK);
    (void)commit_one(f, &b);
    assert_superseded(f, &b, RS_E_SERIAL_COLLISION);
    assert_found(f, &a);

    /* The older of two comes again. */
    sample_make_station(&b, 3);
    renew(&b, &a);
    assert_int_equal(commit_one(f, &b), RS_OK);
    sample_make_station(&b, 4);
    renew(&b, &a);
    memcpy(b.item.cert.request_id, a.item.cert.request_id, 32);
    assert_int_equal(commit_one(f, &b), RS_E_SERIAL_COLLISION);
    assert_found(f, &a);
}

/* Two of one batch: the second finds what the first one claimed. */
static void
test_request_twice_in_a_batch(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_issue items[2];

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    renew(&b, &a);
    memcpy(b.item.cert.request_id, a.item.cert.request_id, 32);
    items[0] = a.item;
    items[1] = b.item;
    assert_int_equal(store_commit_issued(f->store, items, 2, &f->err), RS_OK);
    assert_int_equal(items[0].result, RS_OK);
    assert_int_equal(items[1].result, RS_E_SERIAL_COLLISION);
    assert_found(f, &a);
}

/* Whatever refuses an item later, the key's list is what it was. */
static void
test_refused_renewal_leaves_the_list(void **state)
{
    struct fixture *f = *state;
    struct sample a, s[5];
    struct store_cert cert;

    sample_make(&a, 1);
    assert_int_equal(commit_one(f, &a), RS_OK);
    for (unsigned i = 0; i < 5; i++) {
        sample_make(&s[i], 2 + i);
        renew(&s[i], &a);
        s[i].item.cert.device = s[i].item.device.device = a.device;
        s[i].item.new_device = 0;
        if (i != 4)
            memcpy(s[i].uid, a.uid, sizeof(a.uid));
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(commit_one(f, &s[i]), RS_OK);
    (void)commit_one(f, &s[4]); /* another chip: the list would have been full with it */
    assert_superseded(f, &s[4], RS_E_DEVICE_EXISTS);
    assert_int_equal(find_request(f, &s[4].item.cert, &cert), RS_E_CERT_UNKNOWN);
    assert_found(f, &a);
    for (unsigned i = 0; i < 3; i++)
        assert_found(f, &s[i]);
    assert_int_equal(commit_one(f, &s[3]), RS_OK);
    assert_int_equal(find_request(f, &a.item.cert, &cert), RS_E_CERT_UNKNOWN);
    assert_found(f, &s[3]);
}

/* The key's row says something that this program never wrote. */
static void
test_damaged_list_of_requests(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_cert cert;

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    renew(&b, &a);
    assert_int_equal(commit_one(f, &a), RS_OK);
    (void)ask_sql(f, "UPDATE certificate SET request_id = zeroblob(32) RETURNING 1");
    assert_int_equal(find_request(f, &a.item.cert, &cert), RS_E_STORE_DAMAGED);
    (void)ask_sql(f, "UPDATE certificate SET serial = x'05' RETURNING 1");
    assert_int_equal(find_request(f, &a.item.cert, &cert), RS_E_STORE_DAMAGED);
    (void)ask_sql(f, "UPDATE key_owner SET requests = x'0102' RETURNING 1");
    assert_int_equal(find_request(f, &a.item.cert, &cert), RS_E_STORE_DAMAGED);
    assert_int_equal(store_commit_issued(f->store, &b.item, 1, NULL), RS_E_STORE_DAMAGED);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM certificate"), 1);
}

static void
test_bad_arguments_store_nothing(void **state)
{
    struct fixture *f = *state;
    struct sample s[2];
    struct store_issue items[2];
    char long_name[STORE_NAME_MAX + 1];
    static char long_text[STORE_TEXT_MAX + 1];

    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    memset(long_text, 'a', sizeof(long_text) - 1);
    sample_make(&s[0], 1);
    for (int i = 0; i < 24; i++) {
        sample_make(&s[1], 2);
        struct store_issue *bad = &s[1].item;
        switch (i) {
        case 0:
            bad->cert.tenant = NULL;
            break;
        case 1:
            bad->cert.issuer = "";
            break;
        case 2:
            bad->cert.holder = "";
            break;
        case 3:
            bad->cert.profile = long_name;
            break;
        case 4:
            bad->cert.device = long_name;
            break;
        case 5:
            bad->cert.object = long_name;
            break;
        case 6:
            bad->cert.subject = long_text;
            break;
        case 7:
            bad->cert.serial.len = 0;
            break;
        case 8:
            bad->cert.serial.len = 21;
            break;
        case 9:
            bad->cert.der.len = STORE_DER_MAX + 1;
            break;
        case 10:
            bad->cert.state = STORE_CERT_REVOKED;
            break;
        case 11:
            bad->cert.revoked_at = 5;
            break;
        case 12:
            bad->cert.leaf = UINT64_MAX;
            break;
        case 13:
            bad->cert.not_after = 10;
            break;
        case 14:
            bad->cert.reason = 11;
            break;
        case 15:
            bad->device.product = long_name;
            break;
        case 16:
            bad->device.order = long_name;
            break;
        case 17:
            bad->device.station = long_name;
            break;
        case 18:
            bad->device.chip_uid.len = STORE_UID_MAX + 1;
            break;
        case 19:
            bad->device.chip_model = "";
            break;
        case 20:
            bad->device.state = (enum store_device_state)7;
            break;
        case 21:
            bad->device.took_ms = -1;
            break;
        case 22:
            bad->device.provenance = long_name;
            break;
        default:
            bad->cert.serial.p = NULL;
            break;
        }
        items[0] = s[0].item;
        items[1] = *bad;
        assert_int_equal(store_commit_issued(f->store, items, 2, NULL), RS_E_INTERNAL);
    }
    assert_int_equal(store_commit_issued(f->store, items, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(store_commit_issued(f->store, NULL, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_commit_issued(NULL, items, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM certificate"), 0);
}

/* ---- What holds ------------------------------------------------------------------------- */

static void
test_one_certificate_comes_back(void **state)
{
    struct fixture *f = *state;
    struct sample s;
    struct store_cert cert;
    struct store_device device;

    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK);
    fixture_reopen(f);

    assert_int_equal(find_request(f, &s.item.cert, &cert), RS_OK);
    assert_string_equal(cert.issuer, "issuing");
    assert_memory_equal(cert.serial.p, s.serial, sizeof(s.serial));
    assert_int_equal(cert.der.len, sizeof(s.der));
    assert_memory_equal(cert.der.p, s.der, sizeof(s.der));
    assert_int_equal(
        store_find_record(f->store, T, "issuing", RS_BYTES(s.serial), &f->arena, &cert, &f->err),
        RS_OK);
    assert_memory_equal(cert.fingerprint, s.item.cert.fingerprint, 32);
    assert_int_equal(cert.der.len, 0);
    assert_string_equal(cert.device, s.device);
    assert_string_equal(cert.subject, "CN=sample");
    assert_int_equal(cert.leaf, 1);
    assert_int_equal(cert.not_after, INT64_MAX);
    assert_memory_equal(cert.key_hash, s.item.cert.key_hash, 32);
    assert_int_equal(store_find_device(f->store, T, s.device, &f->arena, &device, &f->err), RS_OK);
    assert_int_equal(device.state, STORE_DEVICE_MADE);
    assert_string_equal(device.order, "order-7");
    assert_memory_equal(device.chip_uid.p, s.uid, sizeof(s.uid));
    assert_int_equal(device.took_ms, 812);
}

static void
test_tenants_do_not_see_each_other(void **state)
{
    struct fixture *f = *state;
    struct sample s;
    struct store_cert cert;
    struct store_device device;
    struct store_key key, other;
    const char *owner;

    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK);
    assert_int_equal(store_find_key(f->store, T, s.item.cert.key_hash, &f->arena, &key, NULL),
                     RS_OK);
    assert_int_equal(
        store_find_cert(f->store, "other", "issuing", RS_BYTES(s.serial), &f->arena, &cert, NULL),
        RS_E_CERT_UNKNOWN);
    assert_int_equal(
        store_find_record(f->store, "other", "issuing", RS_BYTES(s.serial), &f->arena, &cert, NULL),
        RS_E_CERT_UNKNOWN);
    /* What one tenant's key says leads another one nowhere. */
    assert_int_equal(
        store_find_request(f->store, "other", &key, s.item.cert.request_id, &f->arena, &cert, NULL),
        RS_E_STORE_DAMAGED);
    assert_int_equal(
        store_find_key(f->store, "other", s.item.cert.key_hash, &f->arena, &other, NULL),
        RS_E_DEVICE_UNKNOWN);
    assert_int_equal(
        store_find_chip(f->store, "other", "atecc608b", RS_BYTES(s.uid), &f->arena, &owner, NULL),
        RS_E_DEVICE_UNKNOWN);
    assert_int_equal(store_find_device(f->store, "other", s.device, &f->arena, &device, NULL),
                     RS_E_DEVICE_UNKNOWN);
    s.item.cert.tenant = "other"; /* another tenant may have the very same device */
    assert_int_equal(commit_one(f, &s), RS_OK);
}

static void
test_replay_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_issue items[2];
    struct store_stats before, after;
    struct store_order order = {
        .tenant = T, .order = "order-7", .state = STORE_ORDER_OPEN, .quantity = 10};

    sample_make(&a, 1);
    sample_make(&b, 2);
    memcpy(b.uid, a.uid, sizeof(a.uid));
    items[0] = a.item;
    items[1] = b.item;
    assert_int_equal(store_put_order(f->store, &order, NULL, 0, &f->err), RS_OK);
    assert_int_equal(store_commit_issued(f->store, items, 2, &f->err), RS_OK);
    assert_int_equal(store_get_stats(f->store, T, &before, &f->err), RS_OK);
    fixture_reopen(f);
    items[0].result = items[1].result = RS_E_INTERNAL;
    assert_int_equal(store_commit_issued(f->store, items, 2, &f->err), RS_OK);
    assert_int_equal(items[0].result, RS_OK);
    assert_int_equal(items[1].result, RS_E_CHIP_TWIN);
    assert_int_equal(store_get_stats(f->store, T, &after, &f->err), RS_OK);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(store_find_order(f->store, T, "order-7", &f->arena, &order, &f->err), RS_OK);
    assert_int_equal(order.taken, 2); /* the signer counted both */
}

static void
test_requests_expire(void **state)
{
    struct fixture *f = *state;
    struct sample a, b, s;
    struct store_cert cert;
    int64_t now = rs_now();

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    renew(&b, &a);
    a.item.request_until = now + 1;
    memcpy(b.item.cert.request_id, a.item.cert.request_id, 32);
    assert_int_equal(commit_one(f, &a), RS_OK);
    while (rs_now() <= now + 1)
        rs_sleep_us(20000);
    assert_int_equal(find_request(f, &a.item.cert, &cert), RS_E_CERT_UNKNOWN);
    assert_int_equal(commit_one(f, &b), RS_OK);
    assert_found(f, &b);

    /* One that expired before it came (recovery) changes nothing, and it may come twice. */
    for (unsigned n = 10; n < 12; n++) {
        sample_make_station(&s, n);
        renew(&s, &a);
        memset(s.item.cert.request_id, 7, 32);
        s.item.request_until = 5;
        assert_int_equal(commit_one(f, &s), RS_OK);
        assert_int_equal(find_request(f, &s.item.cert, &cert), RS_E_CERT_UNKNOWN);
        assert_found(f, &b);
    }
    assert_int_equal(ask_sql(f, "SELECT length(requests) FROM key_owner"), ENTRY_LEN);
}

/* Five within a few minutes: the first one falls out and is free; the others are found. */
static void
test_five_requests_of_one_key(void **state)
{
    struct fixture *f = *state;
    struct sample s[6];
    struct store_cert cert;

    for (unsigned i = 0; i < 6; i++) {
        sample_make_station(&s[i], 1 + i);
        renew(&s[i], &s[0]);
        s[i].item.request_until = rs_now() + 1200 + i;
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(commit_one(f, &s[i]), RS_OK);
        for (unsigned k = i < 4 ? 0 : 1; k <= i; k++)
            assert_found(f, &s[k]);
    }
    assert_int_equal(find_request(f, &s[0].item.cert, &cert), RS_E_CERT_UNKNOWN);
    assert_int_equal(ask_sql(f, "SELECT length(requests) FROM key_owner"), 4 * ENTRY_LEN);
    fixture_reopen(f);
    for (unsigned k = 1; k < 5; k++)
        assert_found(f, &s[k]);

    /* The first one again: signed anew, and that is what it finds from now on. */
    memcpy(s[5].item.cert.request_id, s[0].item.cert.request_id, 32);
    assert_int_equal(commit_one(f, &s[5]), RS_OK);
    assert_found(f, &s[5]);
    assert_int_equal(find_request(f, &s[1].item.cert, &cert), RS_E_CERT_UNKNOWN);

    /* A replay of each changes nothing. */
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(commit_one(f, &s[i]), RS_OK);
    for (unsigned k = 2; k < 6; k++)
        assert_found(f, &s[k]);
}

/* Recovery may bring an older request after newer ones: it takes no newer one's place. */
static void
test_older_request_comes_later(void **state)
{
    struct fixture *f = *state;
    struct sample s[5];
    struct store_cert cert;

    for (unsigned i = 0; i < 5; i++) {
        sample_make_station(&s[i], 1 + i);
        renew(&s[i], &s[0]);
        s[i].item.request_until = rs_now() + 1200 - i;
        assert_int_equal(commit_one(f, &s[i]), RS_OK);
    }
    for (unsigned k = 0; k < 4; k++)
        assert_found(f, &s[k]);
    assert_int_equal(find_request(f, &s[4].item.cert, &cert), RS_E_CERT_UNKNOWN);
}

static void
test_no_request_id_is_no_claim(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    memset(a.item.cert.request_id, 0, 32);
    memset(b.item.cert.request_id, 0, 32);
    assert_int_equal(commit_one(f, &a), RS_OK);
    assert_int_equal(commit_one(f, &b), RS_OK);
    assert_int_equal(ask_sql(f, "SELECT sum(length(requests)) FROM key_owner"), 0);
    renew(&b, &a); /* nor with a key that was there */
    memset(b.serial, 3, sizeof(b.serial));
    assert_int_equal(commit_one(f, &b), RS_OK);
    assert_int_equal(ask_sql(f, "SELECT sum(length(requests)) FROM key_owner"), 0);
}

static void
test_station_renews_with_its_key(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;

    sample_make_station(&a, 1);
    sample_make_station(&b, 2);
    memcpy(b.item.cert.key_hash, a.item.cert.key_hash, 32);
    b.item.cert.subject = a.item.cert.subject;
    assert_int_equal(commit_one(f, &a), RS_OK);
    assert_int_equal(commit_one(f, &b), RS_OK);
}

static void
test_lost_intent_claims_nothing(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_status status;
    uint64_t leaf = 0;

    sample_make(&a, 1);
    a.item.cert.state = STORE_CERT_LOST;
    a.item.cert.revoked_at = 2000;
    a.item.cert.der.len = 0;
    assert_int_equal(commit_one(f, &a), RS_OK);
    assert_int_equal(
        store_cert_status(f->store, T, "issuing", RS_BYTES(a.serial), &status, &f->err), RS_OK);
    assert_int_equal(status.state, STORE_CERT_LOST);
    sample_make(&b, 1);
    memset(b.serial, 9, sizeof(b.serial));
    b.item.cert.leaf = 2;
    assert_int_equal(commit_one(f, &b), RS_OK);
    assert_found(f, &b); /* the key and the request id were free */
    assert_int_equal(store_next_leaf(f->store, 1, &leaf, &f->err), RS_OK);
    assert_int_equal(leaf, 0); /* a commit never raises it */
}

static void
test_expected_device_is_filled(void **state)
{
    struct fixture *f = *state;
    struct sample a, b;
    struct store_device device;

    sample_make(&a, 1);
    a.item.device.state = STORE_DEVICE_EXPECTED;
    a.item.device.chip_uid.len = 0;
    a.item.new_device = 0;
    assert_int_equal(commit_one(f, &a), RS_OK);
    sample_make(&b, 2);
    b.item.cert.device = a.device;
    b.item.device.device = a.device;
    assert_int_equal(commit_one(f, &b), RS_OK);
    assert_int_equal(store_find_device(f->store, T, a.device, &f->arena, &device, &f->err), RS_OK);
    assert_int_equal(device.state, STORE_DEVICE_MADE);
    assert_memory_equal(device.chip_uid.p, b.uid, sizeof(b.uid));
}

static void
test_a_bad_item_does_not_stop_the_batch(void **state)
{
    struct fixture *f = *state;
    struct sample s[64];
    struct store_issue items[64];
    struct store_stats stats;

    for (unsigned i = 0; i < 64; i++) {
        sample_make(&s[i], i);
        if (i == 20)
            memcpy(s[i].uid, s[3].uid, sizeof(s[i].uid));
        items[i] = s[i].item;
        items[i].cert.signer_id = i < 32 ? 1 : 2;
        items[i].device.station = i < 10 ? "sz-1" : i < 40 ? "sz-2" : "";
        items[i].device.order = i == 50 ? "order-8" : "order-7";
    }
    assert_int_equal(store_commit_issued(f->store, items, 64, &f->err), RS_OK);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(items[i].result, i == 20 ? RS_E_CHIP_TWIN : RS_OK);
    assert_int_equal(store_get_stats(f->store, T, &stats, &f->err), RS_OK);
    assert_int_equal(stats.certs, 64);
    assert_int_equal(stats.revoked, 1);
    assert_int_equal(stats.devices, 63);
    assert_int_equal(ask_sql(f, "SELECT taken FROM order_count WHERE work_order = 'order-7'"
                                " AND station = ''"),
                     63);
    assert_int_equal(ask_sql(f, "SELECT taken FROM order_count WHERE station = 'sz-1'"), 10);
    assert_int_equal(ask_sql(f, "SELECT taken FROM order_count WHERE station = 'sz-2'"), 30);
    assert_int_equal(ask_sql(f, "SELECT taken FROM order_count WHERE work_order = 'order-8'"), 1);
}

static void
test_only_idevids_count(void **state)
{
    struct fixture *f = *state;
    struct sample s;

    sample_make(&s, 1);
    s.item.cert.object = "ldevid/0";
    assert_int_equal(commit_one(f, &s), RS_OK);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM order_count"), 0);
}

static void
test_leaf_positions(void **state)
{
    struct fixture *f = *state;
    uint64_t leaf = 99;

    assert_int_equal(store_next_leaf(f->store, 7, &leaf, &f->err), RS_OK);
    assert_int_equal(leaf, 0);
    assert_int_equal(store_set_next_leaf(f->store, 7, 0, &f->err), RS_OK);
    assert_int_equal(store_set_next_leaf(f->store, 7, 40, &f->err), RS_OK);
    assert_int_equal(store_set_next_leaf(f->store, 7, 20, &f->err), RS_OK); /* never back */
    assert_int_equal(store_next_leaf(f->store, 7, &leaf, &f->err), RS_OK);
    assert_int_equal(leaf, 40);
    assert_int_equal(store_set_next_leaf(f->store, 7, UINT64_MAX, NULL), RS_E_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_key_of_another_device),
        TEST(test_key_of_another_station),
        TEST(test_chip_in_another_device),
        TEST(test_device_with_another_chip),
        TEST(test_old_device_with_another_chip),
        TEST(test_device_with_another_key),
        TEST(test_device_with_further_key),
        TEST(test_device_again_with_all_the_same),
        TEST(test_serial_of_another_certificate),
        TEST(test_request_with_another_serial),
        TEST(test_request_twice_in_a_batch),
        TEST(test_refused_renewal_leaves_the_list),
        TEST(test_damaged_list_of_requests),
        TEST(test_bad_arguments_store_nothing),
        TEST(test_one_certificate_comes_back),
        TEST(test_tenants_do_not_see_each_other),
        TEST(test_replay_changes_nothing),
        TEST(test_requests_expire),
        TEST(test_five_requests_of_one_key),
        TEST(test_older_request_comes_later),
        TEST(test_no_request_id_is_no_claim),
        TEST(test_station_renews_with_its_key),
        TEST(test_lost_intent_claims_nothing),
        TEST(test_expected_device_is_filled),
        TEST(test_a_bad_item_does_not_stop_the_batch),
        TEST(test_only_idevids_count),
        TEST(test_leaf_positions),
    };

    return cmocka_run_group_tests_name("store/issue", tests, NULL, NULL);
}
