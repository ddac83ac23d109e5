/*
 * records_test.c: certificates, devices, orders, boards, objects, tokens,
 * checkpoints and lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "store/requests.h"
#include "store_test.h"

#define SERIAL(s) RS_BYTES((s).serial)

static char long_name[STORE_NAME_MAX + 1];

static int
make_names(void **state)
{
    (void)state;
    memset(long_name, 'a', STORE_NAME_MAX);
    return 0;
}

/* What a list showed, as one text. */
struct seen {
    char text[4096];
    size_t count, stop_after;
    uint8_t last[STORE_NAME_MAX + STORE_SERIAL_MAX];
    size_t last_len;
};

static int
note(struct seen *s, const char *text)
{
    size_t len = strlen(s->text);

    (void)snprintf(s->text + len, sizeof(s->text) - len, "%s ", text);
    s->count++;
    return s->count == s->stop_after;
}

/* ---- Certificates --------------------------------------------------------------------- */

static int
see_cert(void *arg, const struct store_cert *cert)
{
    struct seen *s = arg;
    size_t len = strlen(cert->issuer) + 1;

    assert_int_equal(cert->der.len, 0);
    memcpy(s->last, cert->issuer, len);
    memcpy(s->last + len, cert->serial.p, cert->serial.len);
    s->last_len = len + cert->serial.len;
    return note(s, cert->device[0] != '\0' ? cert->device : cert->subject);
}

/* Devices 1 to 5, the odd ones by issuing-2; a station; 2 and 3 are revoked, 4 is superseded. */
static void
make_certs(struct fixture *f)
{
    struct sample s;

    for (unsigned n = 1; n <= 5; n++) {
        sample_make(&s, n);
        if (n % 2 == 1)
            s.item.cert.issuer = "issuing-2";
        if (n == 4)
            s.uid[sizeof(s.uid) - 1] = 1; /* the chip of device 1 */
        assert_int_equal(commit_one(f, &s), n == 4 ? RS_E_CHIP_TWIN : RS_OK);
        struct store_revocation r = {.tenant = T,
                                     .issuer = s.item.cert.issuer,
                                     .serial = SERIAL(s),
                                     .revoked_at = 5000,
                                     .reason = 1,
                                     .signer_id = 1,
                                     .leaf = 100 + n};
        if (n == 2 || n == 3)
            assert_int_equal(store_revoke(f->store, &r, 1, &f->err), RS_OK);
    }
    sample_make_station(&s, 6);
    assert_int_equal(commit_one(f, &s), RS_OK);
}

static void
check_list(struct fixture *f, struct store_cert_filter filter, const char *expected)
{
    struct seen seen = {.stop_after = 0};

    if (filter.limit == 0)
        filter.limit = 100;
    assert_int_equal(store_list_certs(f->store, T, &filter, see_cert, &seen, &f->err), RS_OK);
    assert_string_equal(seen.text, expected);
}

static void
test_lists_of_certificates(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.stop_after = 2};
    struct store_cert_filter all = {.limit = 100};

    make_certs(f);
    check_list(f, all, "X2-0000002 X2-0000004 CN=station-6 X2-0000001 X2-0000003 X2-0000005 ");
    check_list(f, (struct store_cert_filter){.issuer = "issuing"},
               "X2-0000002 X2-0000004 CN=station-6 ");
    check_list(f, (struct store_cert_filter){.device = "X2-0000003"}, "X2-0000003 ");
    check_list(f, (struct store_cert_filter){.device = ""}, "CN=station-6 ");
    check_list(f, (struct store_cert_filter){.holder = "station"}, "CN=station-6 ");
    check_list(f, (struct store_cert_filter){.holder = "device", .issuer = "issuing"},
               "X2-0000002 X2-0000004 ");
    check_list(f, (struct store_cert_filter){.state = STORE_CERT_REVOKED},
               "X2-0000002 X2-0000003 ");
    check_list(f, (struct store_cert_filter){.state = STORE_CERT_NOT_GOOD},
               "X2-0000002 X2-0000004 X2-0000003 ");
    check_list(f, (struct store_cert_filter){.state = STORE_CERT_NOT_GOOD, .issuer = "issuing"},
               "X2-0000002 X2-0000004 ");
    check_list(f, (struct store_cert_filter){.state = STORE_CERT_ISSUED, .holder = "device"},
               "X2-0000001 X2-0000005 ");
    check_list(f, (struct store_cert_filter){.issuer = "issuing-9"}, "");
    assert_int_equal(store_list_certs(f->store, "other", &all, see_cert, &seen, &f->err), RS_OK);
    assert_int_equal(seen.count, 0);
    assert_int_equal(store_list_certs(f->store, T, &all, see_cert, &seen, &f->err), RS_OK);
    assert_int_equal(seen.count, 2); /* the callback ended it */
}

/* Pages of two rows show every row once, whatever the filter. */
static void
check_pages(struct fixture *f, struct store_cert_filter filter, size_t rows)
{
    uint8_t last[STORE_NAME_MAX + STORE_SERIAL_MAX];
    size_t count = 0;

    filter.limit = 2;
    for (;;) {
        struct seen seen = {.stop_after = 0};
        assert_int_equal(store_list_certs(f->store, T, &filter, see_cert, &seen, &f->err), RS_OK);
        count += seen.count;
        if (seen.count == 0)
            break;
        memcpy(last, seen.last, seen.last_len);
        filter.after = rs_bytes_of(last, seen.last_len);
        assert_true(count < 50);
    }
    assert_int_equal(count, rows);
}

static void
test_pages_of_certificates(void **state)
{
    struct fixture *f = *state;

    make_certs(f);
    check_pages(f, (struct store_cert_filter){.issuer = NULL}, 6);
    check_pages(f, (struct store_cert_filter){.issuer = "issuing"}, 3);
    check_pages(f, (struct store_cert_filter){.state = STORE_CERT_NOT_GOOD}, 3);
    check_pages(f, (struct store_cert_filter){.holder = "device"}, 5);
}

static void
test_bad_lists_are_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t no_nul[] = "issuing", other[] = "issuing-2\0\001";
    const struct store_cert_filter bad[] = {
        {.limit = 0},
        {.limit = STORE_PAGE_MAX + 1},
        {.limit = 1, .issuer = long_name},
        {.limit = 1, .device = long_name},
        {.limit = 1, .holder = long_name},
        {.limit = 1, .state = 5},
        {.limit = 1, .state = -2},
        {.limit = 1, .after = {no_nul, 200}},
    };
    struct store_cert_filter after = {.limit = 1, .after = {no_nul, sizeof(no_nul) - 1}};
    struct seen seen = {.stop_after = 0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(store_list_certs(f->store, T, &bad[i], see_cert, &seen, NULL),
                         RS_E_INTERNAL);
    assert_int_equal(store_list_certs(f->store, "", &after, see_cert, &seen, NULL), RS_E_INTERNAL);
    assert_int_equal(store_list_certs(f->store, T, NULL, see_cert, &seen, NULL), RS_E_INTERNAL);
    assert_int_equal(store_list_certs(f->store, T, &after, NULL, NULL, NULL), RS_E_INTERNAL);
    assert_int_equal(store_list_certs(f->store, T, &after, see_cert, &seen, NULL),
                     RS_E_REQUEST_FORMAT);
    after.after = rs_bytes_of(other, sizeof(other) - 1);
    after.issuer = "issuing"; /* not the issuer that the page belongs to */
    assert_int_equal(store_list_certs(f->store, T, &after, see_cert, &seen, NULL),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(seen.count, 0);
}

static void
test_revoking(void **state)
{
    struct fixture *f = *state;
    struct sample s;
    struct store_status status;
    struct store_stats stats;
    static const uint8_t unknown[] = {1, 2, 3};
    struct store_revocation r[2] = {{.tenant = T,
                                     .issuer = "issuing",
                                     .revoked_at = 7000,
                                     .reason = 1,
                                     .signer_id = 1,
                                     .leaf = 9},
                                    {.tenant = T,
                                     .issuer = "issuing",
                                     .serial = RS_BYTES(unknown),
                                     .revoked_at = 7000,
                                     .leaf = 10}};

    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK);
    r[0].serial = SERIAL(s);
    assert_int_equal(store_revoke(f->store, r, 2, &f->err), RS_OK);
    assert_int_equal(r[0].result, RS_OK);
    assert_int_equal(r[1].result, RS_E_CERT_UNKNOWN);
    assert_int_equal(store_cert_status(f->store, T, "issuing", SERIAL(s), &status, &f->err), RS_OK);
    assert_int_equal(status.state, STORE_CERT_REVOKED);
    assert_int_equal(status.revoked_at, 7000);
    assert_int_equal(status.reason, 1);

    /* The same leaf again is fine; another revocation changes nothing (L4). */
    assert_int_equal(store_revoke(f->store, r, 1, &f->err), RS_OK);
    assert_int_equal(r[0].result, RS_OK);
    r[0].leaf = 20;
    r[0].revoked_at = 8000;
    r[0].reason = 5;
    assert_int_equal(store_revoke(f->store, r, 1, &f->err), RS_OK);
    assert_int_equal(r[0].result, RS_E_CERT_REVOKED);
    assert_int_equal(store_cert_status(f->store, T, "issuing", SERIAL(s), &status, &f->err), RS_OK);
    assert_int_equal(status.revoked_at, 7000);
    assert_int_equal(status.reason, 1);

    /* Nor does a replay of the issuance make it good again. */
    assert_int_equal(commit_one(f, &s), RS_OK);
    assert_int_equal(store_cert_status(f->store, T, "issuing", SERIAL(s), &status, &f->err), RS_OK);
    assert_int_equal(status.state, STORE_CERT_REVOKED);
    assert_int_equal(store_get_stats(f->store, T, &stats, &f->err), RS_OK);
    assert_int_equal(stats.revoked, 1);
}

static void
test_bad_revocations_are_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t serial[] = {1};
    const struct store_revocation good = {
        .tenant = T, .issuer = "issuing", .serial = RS_BYTES(serial), .revoked_at = 1, .reason = 1};
    struct store_revocation r;

    for (int i = 0; i < 6; i++) {
        r = good;
        switch (i) {
        case 0:
            r.tenant = NULL;
            break;
        case 1:
            r.issuer = long_name;
            break;
        case 2:
            r.serial.len = 0;
            break;
        case 3:
            r.revoked_at = 0;
            break;
        case 4:
            r.reason = 11;
            break;
        default:
            r.leaf = UINT64_MAX;
            break;
        }
        assert_int_equal(store_revoke(f->store, &r, 1, NULL), RS_E_INTERNAL);
    }
    assert_int_equal(store_revoke(f->store, NULL, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_revoke(f->store, &r, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(store_revoke(f->store, &r, STORE_BATCH_MAX + 1, NULL), RS_E_INTERNAL);
}

static void
test_unknown_things(void **state)
{
    struct fixture *f = *state;
    struct rs_arena *a = &f->arena;
    struct store_cert cert = {.leaf = 77};
    struct store_status status = {.reason = 77};
    struct store_device device;
    struct store_order order;
    struct store_share share;
    struct store_object object;
    const char *name = "untouched";
    struct store_key key = {.device = name};
    static const uint8_t hash[32], serial[21] = {1};

    assert_int_equal(store_find_request(f->store, T, &key, hash, a, &cert, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_find_cert(f->store, T, "i", rs_bytes_of(serial, 20), a, &cert, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_find_cert(f->store, T, "i", RS_BYTES(serial), a, &cert, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_find_record(f->store, T, "i", rs_bytes_of(serial, 20), a, &cert, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_find_record(f->store, T, "i", RS_BYTES(serial), a, &cert, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_cert_status(f->store, T, "i", rs_bytes_of(serial, 1), &status, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_cert_status(f->store, T, "i", rs_bytes_of(serial, 0), &status, NULL),
                     RS_E_CERT_UNKNOWN);
    assert_int_equal(store_find_key(f->store, T, hash, a, &key, NULL), RS_E_DEVICE_UNKNOWN);
    assert_int_equal(store_find_chip(f->store, T, "m", RS_BYTES(hash), a, &name, NULL),
                     RS_E_DEVICE_UNKNOWN);
    assert_int_equal(store_find_device(f->store, T, "d", a, &device, NULL), RS_E_DEVICE_UNKNOWN);
    assert_int_equal(store_set_device_state(f->store, T, "d", STORE_DEVICE_BLOCKED, "", 0, NULL),
                     RS_E_DEVICE_UNKNOWN);
    assert_int_equal(store_find_order(f->store, T, "o", a, &order, NULL), RS_E_REQUEST_UNKNOWN);
    assert_int_equal(store_find_share(f->store, T, "o", "s", &share, NULL), RS_E_ORDER_STATION);
    assert_int_equal(store_find_object(f->store, T, "ca", "n", 0, a, &object, NULL),
                     RS_E_REQUEST_UNKNOWN);
    assert_int_equal(store_find_object(f->store, T, "ca", "n", 3, a, &object, NULL),
                     RS_E_REQUEST_UNKNOWN);
    assert_int_equal(cert.leaf, 77); /* outputs stay as they were */
    assert_int_equal(status.reason, 77);
    assert_string_equal(name, "untouched");
    assert_ptr_equal(key.device, name);
}

static void
test_bad_questions_are_refused(void **state)
{
    struct fixture *f = *state;
    struct rs_arena *a = &f->arena;
    struct store *s = f->store;
    struct store_cert cert;
    struct store_status status;
    struct store_device device;
    struct store_order order;
    struct store_share share;
    struct store_object object;
    struct store_stats stats;
    struct store_key key = {.device = ""};
    struct rs_bytes note;
    const char *name;
    static const uint8_t h[32];
    struct rs_bytes b = RS_BYTES(h);
    rs_code bad = RS_E_INTERNAL;

    assert_int_equal(store_find_key(s, long_name, h, a, &key, NULL), bad);
    assert_int_equal(store_find_key(s, T, NULL, a, &key, NULL), bad);
    assert_int_equal(store_find_key(s, T, h, a, NULL, NULL), bad);
    assert_int_equal(store_find_request(s, "", &key, h, a, &cert, NULL), bad);
    assert_int_equal(store_find_request(s, T, NULL, h, a, &cert, NULL), bad);
    assert_int_equal(store_find_request(s, T, &key, NULL, a, &cert, NULL), bad);
    assert_int_equal(store_find_request(s, T, &key, h, NULL, &cert, NULL), bad);
    assert_int_equal(store_find_request(s, T, &key, h, a, NULL, NULL), bad);
    key.requests = rs_bytes_of(NULL, 1);
    assert_int_equal(store_find_request(s, T, &key, h, a, &cert, NULL), bad);
    key.requests = rs_bytes_of(long_name, REQUESTS_BYTES_MAX + 1);
    assert_int_equal(store_find_request(s, T, &key, h, a, &cert, NULL), bad);
    assert_int_equal(store_find_chip(s, T, "", b, a, &name, NULL), bad);
    assert_int_equal(store_find_chip(s, T, "m", rs_bytes_of(h, 0), a, &name, NULL), bad);
    assert_int_equal(store_find_chip(s, T, "m", b, a, NULL, NULL), bad);
    assert_int_equal(store_find_cert(s, T, "", b, a, &cert, NULL), bad);
    assert_int_equal(store_find_cert(s, T, "i", b, NULL, &cert, NULL), bad);
    assert_int_equal(store_find_record(s, "", "i", b, a, &cert, NULL), bad);
    assert_int_equal(store_find_record(s, T, "", b, a, &cert, NULL), bad);
    assert_int_equal(store_find_record(s, T, "i", b, NULL, &cert, NULL), bad);
    assert_int_equal(store_find_record(s, T, "i", b, a, NULL, NULL), bad);
    assert_int_equal(store_cert_status(s, T, long_name, b, &status, NULL), bad);
    assert_int_equal(store_cert_status(s, T, "i", b, NULL, NULL), bad);
    assert_int_equal(store_find_device(s, T, "", a, &device, NULL), bad);
    assert_int_equal(store_find_device(s, T, "d", a, NULL, NULL), bad);
    assert_int_equal(store_find_order(s, T, "", a, &order, NULL), bad);
    assert_int_equal(store_find_order(s, T, "o", NULL, &order, NULL), bad);
    assert_int_equal(store_find_share(s, T, "o", "", &share, NULL), bad);
    assert_int_equal(store_find_share(s, T, "o", "s", NULL, NULL), bad);
    assert_int_equal(store_find_object(s, T, "", "n", 0, a, &object, NULL), bad);
    assert_int_equal(store_find_object(s, T, "k", "n", -1, a, &object, NULL), bad);
    assert_int_equal(store_find_object(s, T, "k", "n", 0, a, NULL, NULL), bad);
    assert_int_equal(store_get_stats(s, "", &stats, NULL), bad);
    assert_int_equal(store_get_stats(s, T, NULL, NULL), bad);
    assert_int_equal(store_find_checkpoint(s, 1, NULL, &note, NULL), bad);
    assert_int_equal(store_find_checkpoint(s, 1, a, NULL, NULL), bad);
}

static void
test_a_full_arena_is_no_memory(void **state)
{
    struct fixture *f = *state;
    struct rs_arena small;
    struct sample s;
    struct store_cert cert;
    struct store_key key;

    rs_arena_init(&small, 16);
    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK);
    assert_int_equal(store_find_cert(f->store, T, "issuing", SERIAL(s), &small, &cert, NULL),
                     RS_E_NO_MEMORY);
    rs_arena_done(&small);
    rs_arena_init(&small, 0);
    assert_int_equal(store_find_key(f->store, T, s.item.cert.key_hash, &small, &key, NULL),
                     RS_E_NO_MEMORY);
    rs_arena_done(&small);
}

/* ---- Devices -------------------------------------------------------------------------- */

static int
see_device(void *arg, const struct store_device *device)
{
    return note(arg, device->device);
}

static void
check_devices(struct fixture *f, struct store_device_filter filter, const char *expected)
{
    struct seen seen = {.stop_after = 3};

    if (filter.limit == 0)
        filter.limit = 10;
    assert_int_equal(store_list_devices(f->store, T, &filter, see_device, &seen, &f->err), RS_OK);
    assert_string_equal(seen.text, expected);
}

static void
test_lists_of_devices(void **state)
{
    struct fixture *f = *state;
    struct sample s;
    struct store_device device;

    for (unsigned n = 1; n <= 5; n++) {
        sample_make(&s, n);
        s.item.device.order = n < 3 ? "order-7" : n == 3 ? "order-8" : "";
        s.item.device.station = n < 4 ? "sz-1" : "sz-2";
        s.item.device.product = n == 5 ? "lock" : "sensor-x2";
        assert_int_equal(commit_one(f, &s), RS_OK);
    }
    assert_int_equal(
        store_set_device_state(f->store, T, "X2-0000002", STORE_DEVICE_BLOCKED, "9", 100, &f->err),
        RS_OK);
    assert_int_equal(
        store_set_device_state(f->store, T, "X2-0000002", STORE_DEVICE_BLOCKED, NULL, 0, &f->err),
        RS_OK);
    assert_int_equal(store_find_device(f->store, T, "X2-0000002", &f->arena, &device, &f->err),
                     RS_OK);
    assert_int_equal(device.state, STORE_DEVICE_BLOCKED);
    assert_string_equal(device.fixture, "9");
    assert_int_equal(device.took_ms, 100);

    check_devices(f, (struct store_device_filter){.order = NULL},
                  "X2-0000001 X2-0000002 X2-0000003 ");
    check_devices(f, (struct store_device_filter){.after = "X2-0000003"}, "X2-0000004 X2-0000005 ");
    check_devices(f, (struct store_device_filter){.order = "order-7"}, "X2-0000001 X2-0000002 ");
    check_devices(f, (struct store_device_filter){.order = "order-7", .after = "X2-0000001"},
                  "X2-0000002 ");
    check_devices(f, (struct store_device_filter){.order = ""}, "X2-0000004 X2-0000005 ");
    check_devices(f, (struct store_device_filter){.product = "lock"}, "X2-0000005 ");
    check_devices(f, (struct store_device_filter){.station = "sz-2"}, "X2-0000004 X2-0000005 ");
    check_devices(f, (struct store_device_filter){.state = STORE_DEVICE_BLOCKED}, "X2-0000002 ");
}

static void
test_bad_device_calls_are_refused(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.stop_after = 0};
    const struct store_device_filter bad[] = {
        {.limit = 0},
        {.limit = 1, .order = long_name},
        {.limit = 1, .product = long_name},
        {.limit = 1, .station = long_name},
        {.limit = 1, .after = long_name},
        {.limit = 1, .state = 7},
        {.limit = 1, .state = -1},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(store_list_devices(f->store, T, &bad[i], see_device, &seen, NULL),
                         RS_E_INTERNAL);
    assert_int_equal(store_list_devices(f->store, T, NULL, see_device, &seen, NULL), RS_E_INTERNAL);
    assert_int_equal(
        store_set_device_state(f->store, T, "d", (enum store_device_state)7, "", 0, NULL),
        RS_E_INTERNAL);
    assert_int_equal(store_set_device_state(f->store, T, "", STORE_DEVICE_MADE, "", 0, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(store_set_device_state(f->store, T, "d", STORE_DEVICE_MADE, "", -1, NULL),
                     RS_E_INTERNAL);
}

/* Named before anybody saw it; its first certificate makes it one that is there. */
static void
test_an_expected_device_is_added_once(void **state)
{
    struct fixture *f = *state;
    struct store_device device, d = {.tenant = T,
                                     .device = "N-1",
                                     .product = "pump-9",
                                     .provenance = "token",
                                     .made_at = 1000};
    struct store_stats before, after;

    d.device = "";
    assert_int_equal(store_add_device(f->store, &d, NULL), RS_E_INTERNAL);
    d.device = "N-1";
    d.product = long_name;
    assert_int_equal(store_add_device(f->store, &d, NULL), RS_E_INTERNAL);
    d.product = "pump-9";
    assert_int_equal(store_get_stats(f->store, T, &before, NULL), RS_OK);
    assert_int_equal(store_add_device(f->store, &d, &f->err), RS_OK);
    assert_int_equal(store_add_device(f->store, &d, NULL), RS_E_DEVICE_EXISTS);
    assert_int_equal(store_get_stats(f->store, T, &after, NULL), RS_OK);
    assert_int_equal(after.devices, before.devices + 1);
    assert_int_equal(store_find_device(f->store, T, "N-1", &f->arena, &device, &f->err), RS_OK);
    assert_int_equal(device.state, STORE_DEVICE_EXPECTED);
    assert_string_equal(device.product, "pump-9");
    assert_string_equal(device.provenance, "token");
    assert_int_equal(device.chip_uid.len, 0);
}

/* ---- Orders ---------------------------------------------------------------------------- */

static int
see_order(void *arg, const struct store_order *order)
{
    return note(arg, order->order);
}

static void
test_orders(void **state)
{
    struct fixture *f = *state;
    static const uint8_t document[] = "signed";
    struct store_order order = {.tenant = T,
                                .order = "order-7",
                                .state = STORE_ORDER_OPEN,
                                .product = "sensor-x2",
                                .quantity = 10,
                                .target = 9,
                                .valid_until = INT64_MAX,
                                .created_at = 55,
                                .document = RS_BYTES(document)};
    struct store_share shares[2] = {{.station = "sz-1", .size = 6}, {.station = "sz-2", .size = 4}};
    struct store_share share;
    struct store_stats stats;
    struct store_order got;
    struct sample s;
    struct seen seen = {.stop_after = 2};

    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK); /* counts wait for their order */
    assert_int_equal(store_put_order(f->store, &order, shares, 2, &f->err), RS_OK);
    assert_int_equal(store_find_share(f->store, T, "order-7", "sz-1", &share, &f->err), RS_OK);
    assert_int_equal(share.size, 6);
    assert_int_equal(share.taken, 1);
    assert_int_equal(store_find_share(f->store, T, "order-7", "sz-2", &share, &f->err), RS_OK);
    assert_int_equal(share.taken, 0);

    /* A new version: counts and creation time stay, a station's share is gone. */
    order.quantity = 12;
    order.state = STORE_ORDER_PAUSED;
    order.created_at = 99;
    assert_int_equal(store_put_order(f->store, &order, shares, 1, &f->err), RS_OK);
    assert_int_equal(store_find_order(f->store, T, "order-7", &f->arena, &got, &f->err), RS_OK);
    assert_int_equal(got.quantity, 12);
    assert_int_equal(got.state, STORE_ORDER_PAUSED);
    assert_int_equal(got.taken, 1);
    assert_int_equal(got.created_at, 55);
    assert_int_equal(got.document.len, sizeof(document));
    assert_int_equal(store_find_share(f->store, T, "order-7", "sz-2", &share, NULL),
                     RS_E_ORDER_STATION);
    assert_int_equal(store_get_stats(f->store, T, &stats, &f->err), RS_OK);
    assert_int_equal(stats.orders, 1);

    order.order = "order-8";
    assert_int_equal(store_put_order(f->store, &order, NULL, 0, &f->err), RS_OK);
    order.order = "order-9";
    assert_int_equal(store_put_order(f->store, &order, NULL, 0, &f->err), RS_OK);
    assert_int_equal(store_list_orders(f->store, T, "order-7", 5, see_order, &seen, &f->err),
                     RS_OK);
    assert_string_equal(seen.text, "order-8 order-9 ");
}

static void
test_bad_orders_are_refused(void **state)
{
    struct fixture *f = *state;
    struct seen seen = {.stop_after = 0};
    const struct store_order good = {
        .tenant = T, .order = "o", .state = STORE_ORDER_OPEN, .quantity = 10};
    struct store_share shares[2] = {{.station = "a", .size = 6}, {.station = "b", .size = 5}};
    struct store_order o;

    for (int i = 0; i < 7; i++) {
        o = good;
        switch (i) {
        case 0:
            o.tenant = "";
            break;
        case 1:
            o.order = NULL;
            break;
        case 2:
            o.product = long_name;
            break;
        case 3:
            o.state = (enum store_order_state)0;
            break;
        case 4:
            o.quantity = -1;
            break;
        case 5:
            o.target = -1;
            break;
        default:
            o.document.len = 5; /* without bytes */
            break;
        }
        assert_int_equal(store_put_order(f->store, &o, NULL, 0, NULL), RS_E_INTERNAL);
    }
    assert_int_equal(store_put_order(f->store, NULL, NULL, 0, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_order(f->store, &good, NULL, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_order(f->store, &good, shares, 2, NULL),
                     RS_E_INTERNAL); /* 11 > 10 */
    shares[0].size = -1;
    assert_int_equal(store_put_order(f->store, &good, shares, 1, NULL), RS_E_INTERNAL);
    shares[0].size = 1;
    shares[0].station = "";
    assert_int_equal(store_put_order(f->store, &good, shares, 1, NULL), RS_E_INTERNAL);
    assert_int_equal(store_list_orders(f->store, T, long_name, 5, see_order, &seen, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(store_list_orders(f->store, T, "", 0, see_order, &seen, NULL), RS_E_INTERNAL);

    /* The same station twice breaks the table's key: the whole call is undone. */
    shares[0].station = shares[1].station = "b";
    shares[0].size = shares[1].size = 1;
    assert_int_equal(store_put_order(f->store, &good, shares, 2, NULL), RS_E_STORE_FAILED);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM work_order"), 0);
}

/* ---- Boards ---------------------------------------------------------------------------- */

static int
see_board(void *arg, const struct store_board *board)
{
    return note(arg, board->board);
}

static struct store_board
board(int64_t seq, const char *device, const char *outcome)
{
    return (struct store_board){.tenant = T,
                                .station = "sz-1",
                                .seq = seq,
                                .fixture = "2",
                                .board = device,
                                .device = device,
                                .order = "order-7",
                                .state = outcome,
                                .took_ms = 900,
                                .identity_used = 1};
}

static int64_t
add_boards(struct fixture *f, const struct store_board *boards, size_t count)
{
    int64_t next = -1;

    assert_int_equal(store_add_boards(f->store, boards, count, &next, &f->err), RS_OK);
    return next;
}

static void
check_order_counts(struct fixture *f, int64_t good, int64_t scrapped, int64_t rejected)
{
    struct store_order o;

    assert_int_equal(store_find_order(f->store, T, "order-7", &f->arena, &o, &f->err), RS_OK);
    assert_int_equal(o.good, good);
    assert_int_equal(o.scrapped, scrapped);
    assert_int_equal(o.rejected, rejected);
}

static void
test_boards_count_once(void **state)
{
    struct fixture *f = *state;
    struct store_order order = {
        .tenant = T, .order = "order-7", .state = STORE_ORDER_OPEN, .quantity = 10};
    struct sample s;
    struct store_device device;
    struct store_stats stats;
    struct store_board b[6];
    struct seen seen = {.stop_after = 0};

    assert_int_equal(store_put_order(f->store, &order, NULL, 0, &f->err), RS_OK);
    for (unsigned n = 1; n <= 3; n++) {
        sample_make(&s, n);
        assert_int_equal(commit_one(f, &s), RS_OK);
    }
    b[0] = board(1, "X2-0000001", "pass");
    b[1] = board(2, "X2-0000002", "pass");
    b[2] = board(3, "label-9", "reject");
    b[3] = board(4, "X2-0000003", "again");
    b[4] = board(5, "label-9", "scrap");
    b[2].device = "";
    b[4].device = "label-9"; /* no such device record */
    assert_int_equal(add_boards(f, b, 5), 6);
    check_order_counts(f, 2, 1, 1);
    assert_int_equal(store_find_device(f->store, T, "X2-0000001", &f->arena, &device, &f->err),
                     RS_OK);
    assert_int_equal(device.state, STORE_DEVICE_ACTIVE);
    assert_int_equal(device.took_ms, 900);
    assert_string_equal(device.fixture, "2");

    /* The same again, also in part and with a new one behind. */
    assert_int_equal(add_boards(f, b, 5), 6);
    b[5] = board(6, "X2-0000002", "scrap");
    assert_int_equal(add_boards(f, b + 3, 3), 7);
    check_order_counts(f, 1, 2, 1);

    /* Passed or scrapped twice counts once; a scrapped board does not come back. */
    b[0] = board(7, "X2-0000001", "pass");
    b[1] = board(8, "X2-0000002", "scrap");
    b[2] = board(9, "X2-0000002", "pass");
    b[3] = board(10, "X2-0000003", "scrap");
    assert_int_equal(add_boards(f, b, 4), 11);
    check_order_counts(f, 1, 3, 1);

    assert_int_equal(store_get_stats(f->store, T, &stats, &f->err), RS_OK);
    assert_int_equal(stats.boards, 10);
    assert_int_equal(store_list_boards(f->store, T, "sz-1", 8, 10, see_board, &seen, &f->err),
                     RS_OK);
    assert_string_equal(seen.text, "X2-0000002 X2-0000003 ");
    seen = (struct seen){.stop_after = 1};
    assert_int_equal(store_list_boards(f->store, T, "sz-1", 0, 10, see_board, &seen, &f->err),
                     RS_OK);
    assert_int_equal(seen.count, 1);
}

static void
test_boards_after_a_gap_wait(void **state)
{
    struct fixture *f = *state;
    struct store_board b[3];

    b[0] = board(2, "a", "reject");
    assert_int_equal(add_boards(f, b, 1), 1);
    b[0] = board(1, "a", "reject");
    b[1] = board(3, "b", "reject");
    b[1].order = b[0].order = "";
    assert_int_equal(add_boards(f, b, 2), 2);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM board"), 1);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM order_count"), 0);
}

static void
test_blocked_devices_stay_blocked(void **state)
{
    struct fixture *f = *state;
    struct sample s;
    struct store_device device;
    struct store_board b[2];

    sample_make(&s, 1);
    assert_int_equal(commit_one(f, &s), RS_OK);
    assert_int_equal(
        store_set_device_state(f->store, T, s.device, STORE_DEVICE_REVOKED, "", 0, &f->err), RS_OK);
    b[0] = board(1, s.device, "pass");
    b[1] = board(2, s.device, "scrap");
    assert_int_equal(add_boards(f, b, 2), 3);
    assert_int_equal(store_find_device(f->store, T, s.device, &f->arena, &device, &f->err), RS_OK);
    assert_int_equal(device.state, STORE_DEVICE_REVOKED);
    assert_int_equal(ask_sql(f, "SELECT good + scrapped FROM order_count WHERE station = ''"), 0);
}

static void
test_bad_boards_are_refused(void **state)
{
    struct fixture *f = *state;
    struct store_board b[2], *x = &b[1];
    struct seen seen = {.stop_after = 0};
    int64_t next = 77;

    for (int i = 0; i < 15; i++) {
        b[0] = board(1, "a", "pass");
        b[1] = board(2, "b", "pass");
        switch (i) {
        case 0:
            x->tenant = "other";
            break;
        case 1:
            x->station = "sz-2";
            break;
        case 2:
            x->station = "";
            break;
        case 3:
            x->seq = 0;
            break;
        case 4:
            x->took_ms = -1;
            break;
        case 5:
            x->fixture = long_name;
            break;
        case 6:
            x->board = long_name;
            break;
        case 7:
            x->device = long_name;
            break;
        case 8:
            x->order = long_name;
            break;
        case 9:
            x->code = long_name;
            break;
        case 10:
            x->step = long_name;
            break;
        case 11:
            x->chip_model = long_name;
            break;
        case 12:
            x->chip_uid.len = 65;
            break;
        case 13:
            x->state = "good";
            break;
        default:
            x->state = NULL;
            break;
        }
        assert_int_equal(store_add_boards(f->store, b, 2, &next, NULL), RS_E_INTERNAL);
    }
    assert_int_equal(store_add_boards(f->store, b, 0, &next, NULL), RS_E_INTERNAL);
    assert_int_equal(store_add_boards(f->store, NULL, 1, &next, NULL), RS_E_INTERNAL);
    assert_int_equal(store_add_boards(f->store, b, 1, NULL, NULL), RS_E_INTERNAL);
    assert_int_equal(store_list_boards(f->store, T, "", 0, 1, see_board, &seen, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(store_list_boards(f->store, T, "s", 0, 0, see_board, &seen, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(next, 77);
    assert_int_equal(ask_sql(f, "SELECT count(*) FROM board"), 0);
}

/* ---- Objects ---------------------------------------------------------------------------- */

static int
see_object(void *arg, const struct store_object *object)
{
    return note(arg, object->name);
}

static void
test_objects_have_versions(void **state)
{
    struct fixture *f = *state;
    static const uint8_t one[] = "one", two[] = "two";
    struct store_object o = {.tenant = T,
                             .kind = "profile",
                             .name = "idevid",
                             .state = "open",
                             .document = RS_BYTES(one),
                             .created_at = 10,
                             .updated_at = 10};
    struct store_object got;
    struct seen seen = {.stop_after = 0};
    int64_t version = 0;

    assert_int_equal(store_put_object(f->store, &o, 1, &version, NULL), RS_E_EXISTS);
    assert_int_equal(store_put_object(f->store, &o, 0, &version, &f->err), RS_OK);
    assert_int_equal(version, 1);
    assert_int_equal(store_put_object(f->store, &o, 0, &version, NULL), RS_E_EXISTS);
    o.document = RS_BYTES(two);
    o.created_at = o.updated_at = 20;
    assert_int_equal(store_put_object(f->store, &o, 1, &version, &f->err), RS_OK);
    assert_int_equal(version, 2);
    assert_int_equal(store_put_object(f->store, &o, 1, &version, NULL), RS_E_EXISTS);
    assert_int_equal(store_put_object(f->store, &o, -1, NULL, &f->err), RS_OK);

    assert_int_equal(
        store_find_object(f->store, T, "profile", "idevid", 0, &f->arena, &got, &f->err), RS_OK);
    assert_int_equal(got.version, 3);
    assert_int_equal(got.created_at, 10);
    assert_int_equal(got.updated_at, 20);
    assert_int_equal(
        store_find_object(f->store, T, "profile", "idevid", 1, &f->arena, &got, &f->err), RS_OK);
    assert_memory_equal(got.document.p, one, sizeof(one));
    assert_int_equal(
        store_find_object(f->store, T, "profile", "idevid", 3, &f->arena, &got, &f->err), RS_OK);
    assert_int_equal(store_find_object(f->store, T, "profile", "idevid", 4, &f->arena, &got, NULL),
                     RS_E_REQUEST_UNKNOWN);

    o.name = "ldevid";
    assert_int_equal(store_put_object(f->store, &o, 0, &version, &f->err), RS_OK);
    o.kind = "crl";
    assert_int_equal(store_put_object(f->store, &o, 0, &version, &f->err), RS_OK);
    assert_int_equal(store_put_object(f->store, &o, 1, &version, &f->err), RS_OK);
    assert_int_equal(store_find_object(f->store, T, "crl", "ldevid", 1, &f->arena, &got, NULL),
                     RS_E_REQUEST_UNKNOWN); /* no history of CRLs */
    assert_int_equal(
        store_list_objects(f->store, T, "profile", NULL, 10, see_object, &seen, &f->err), RS_OK);
    assert_string_equal(seen.text, "idevid ldevid ");
    seen = (struct seen){.stop_after = 1};
    assert_int_equal(store_list_objects(f->store, T, "profile", "", 10, see_object, &seen, &f->err),
                     RS_OK);
    assert_int_equal(seen.count, 1);
}

static void
test_bad_objects_are_refused(void **state)
{
    struct fixture *f = *state;
    const struct store_object good = {.tenant = T, .kind = "ca", .name = "root"};
    struct store_object o;
    struct seen seen = {.stop_after = 0};
    int64_t version = 77;

    for (int i = 0; i < 5; i++) {
        o = good;
        switch (i) {
        case 0:
            o.tenant = NULL;
            break;
        case 1:
            o.kind = "";
            break;
        case 2:
            o.name = long_name;
            break;
        case 3:
            o.state = long_name;
            break;
        default:
            o.document.len = STORE_DOCUMENT_MAX + 1UL;
            break;
        }
        assert_int_equal(store_put_object(f->store, &o, 0, &version, NULL), RS_E_INTERNAL);
    }
    assert_int_equal(store_put_object(f->store, NULL, 0, &version, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_object(f->store, &good, -2, &version, NULL), RS_E_INTERNAL);
    assert_int_equal(store_list_objects(f->store, T, "", "", 1, see_object, &seen, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(store_list_objects(f->store, T, "ca", "", 0, see_object, &seen, NULL),
                     RS_E_INTERNAL);
    assert_int_equal(version, 77);
}

/* ---- Tokens and checkpoints --------------------------------------------------------------- */

static void
test_tokens_are_used_up(void **state)
{
    struct fixture *f = *state;
    static const uint8_t once[32] = {1}, twice[32] = {2}, late[32] = {3}, none[32] = {4};
    static const uint8_t text[] = "what it is for";
    struct rs_bytes doc = {0};

    assert_int_equal(store_put_token(f->store, T, once, 1, 100, RS_BYTES(text), &f->err), RS_OK);
    assert_int_equal(store_put_token(f->store, T, once, 1, 100, RS_BYTES(text), NULL), RS_E_EXISTS);
    assert_int_equal(store_put_token(f->store, T, twice, 2, INT64_MAX, doc, &f->err), RS_OK);
    assert_int_equal(store_put_token(f->store, T, late, 1, 100, doc, &f->err), RS_OK);

    assert_int_equal(store_take_token(f->store, T, none, 50, &f->arena, &doc, NULL),
                     RS_E_AUTH_TOKEN);
    assert_int_equal(store_take_token(f->store, T, late, 100, &f->arena, &doc, NULL),
                     RS_E_AUTH_TOKEN);
    assert_int_equal(store_take_token(f->store, "other", once, 50, &f->arena, &doc, NULL),
                     RS_E_AUTH_TOKEN);
    assert_int_equal(store_take_token(f->store, T, once, 50, &f->arena, &doc, &f->err), RS_OK);
    assert_memory_equal(doc.p, text, sizeof(text));
    fixture_reopen(f);
    assert_int_equal(store_take_token(f->store, T, once, 50, &f->arena, &doc, NULL),
                     RS_E_AUTH_TOKEN);
    assert_int_equal(store_take_token(f->store, T, twice, 50, &f->arena, &doc, &f->err), RS_OK);
    assert_int_equal(doc.len, 0);
    assert_int_equal(store_take_token(f->store, T, twice, 50, &f->arena, &doc, &f->err), RS_OK);
    assert_int_equal(store_take_token(f->store, T, twice, 50, &f->arena, &doc, NULL),
                     RS_E_AUTH_TOKEN);

    assert_int_equal(store_put_token(f->store, T, none, 0, 100, doc, NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_token(f->store, T, NULL, 1, 100, doc, NULL), RS_E_INTERNAL);
    assert_int_equal(store_take_token(f->store, T, NULL, 1, &f->arena, &doc, NULL), RS_E_INTERNAL);
    assert_int_equal(store_take_token(f->store, "", once, 1, &f->arena, &doc, NULL), RS_E_INTERNAL);
}

static void
test_checkpoints_never_go_back(void **state)
{
    struct fixture *f = *state;
    struct rs_bytes note = {(const uint8_t *)"x", 1};

    assert_int_equal(store_find_checkpoint(f->store, 1, &f->arena, &note, &f->err), RS_OK);
    assert_int_equal(note.len, 0);
    assert_int_equal(store_put_checkpoint(f->store, 1, 10, rs_bytes_str("ten"), &f->err), RS_OK);
    assert_int_equal(store_put_checkpoint(f->store, 1, 5, rs_bytes_str("five"), &f->err), RS_OK);
    assert_int_equal(store_find_checkpoint(f->store, 1, &f->arena, &note, &f->err), RS_OK);
    assert_true(rs_bytes_equal(note, rs_bytes_str("ten")));
    assert_int_equal(store_put_checkpoint(f->store, 1, 11, rs_bytes_str("eleven"), &f->err), RS_OK);
    assert_int_equal(store_find_checkpoint(f->store, 1, &f->arena, &note, &f->err), RS_OK);
    assert_true(rs_bytes_equal(note, rs_bytes_str("eleven")));
    assert_int_equal(store_put_checkpoint(f->store, 1, 12, rs_bytes_str(""), NULL), RS_E_INTERNAL);
    assert_int_equal(store_put_checkpoint(f->store, 1, UINT64_MAX, note, NULL), RS_E_INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_make, fixture_drop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bad_lists_are_refused),
        TEST(test_lists_of_certificates),
        TEST(test_pages_of_certificates),
        TEST(test_bad_revocations_are_refused),
        TEST(test_revoking),
        TEST(test_unknown_things),
        TEST(test_bad_questions_are_refused),
        TEST(test_a_full_arena_is_no_memory),
        TEST(test_bad_device_calls_are_refused),
        TEST(test_an_expected_device_is_added_once),
        TEST(test_lists_of_devices),
        TEST(test_bad_orders_are_refused),
        TEST(test_orders),
        TEST(test_bad_boards_are_refused),
        TEST(test_boards_count_once),
        TEST(test_boards_after_a_gap_wait),
        TEST(test_blocked_devices_stay_blocked),
        TEST(test_bad_objects_are_refused),
        TEST(test_objects_have_versions),
        TEST(test_tokens_are_used_up),
        TEST(test_checkpoints_never_go_back),
    };

    return cmocka_run_group_tests_name("store/records", tests, make_names, NULL);
}
