/*
 * store_test.c: the fixture that the store's tests share.  See store_test.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store_test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

int
fixture_make(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/store_test.XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/db", f->dir);
    rs_arena_init(&f->arena, 1 << 20);
    assert_int_equal(store_open(f->path, 1, &f->store, &f->err), RS_OK);
    *state = f;
    return 0;
}

static void
remove_with(const struct fixture *f, const char *suffix)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s%s", f->path, suffix);
    (void)unlink(path);
}

int
fixture_drop(void **state)
{
    struct fixture *f = *state;

    store_close(f->store);
    rs_arena_done(&f->arena);
    remove_with(f, "");
    remove_with(f, "-wal");
    remove_with(f, "-shm");
    remove_with(f, ".lock");
    remove_with(f, ".copy");
    remove_with(f, ".inject");
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

void
fixture_reopen(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
    memset(&f->err, 0, sizeof(f->err));
    assert_int_equal(store_open(f->path, 1, &f->store, &f->err), RS_OK);
}

static void
fill(uint8_t *p, size_t len, unsigned kind, unsigned n)
{
    memset(p, (int)kind, len);
    rs_set_u32(p + len - 4, n);
}

static void
make_cert(struct sample *s, unsigned n)
{
    struct store_cert *c = &s->item.cert;

    memset(s, 0, sizeof(*s));
    s->serial[0] = 1;
    rs_set_u32(s->serial + 1, n);
    fill(s->der, sizeof(s->der), 0x30, n);
    c->tenant = T;
    c->issuer = "issuing";
    c->serial = RS_BYTES(s->serial);
    c->state = STORE_CERT_ISSUED;
    c->signer_id = 1;
    c->leaf = n;
    fill(c->request_id, 32, 0xa1, n);
    c->profile = "idevid";
    c->device = "";
    c->object = "";
    c->holder = "station";
    c->subject = "CN=sample";
    fill(c->key_hash, 32, 0xa2, n);
    fill(c->fingerprint, 32, 0xa3, n);
    c->not_before = 1000;
    c->not_after = INT64_MAX;
    c->der = RS_BYTES(s->der);
    s->item.request_until = INT64_MAX;
}

void
sample_make_station(struct sample *s, unsigned n)
{
    make_cert(s, n);
    (void)snprintf(s->device, sizeof(s->device), "CN=station-%u", n);
    s->item.cert.subject = s->device;
}

void
sample_make(struct sample *s, unsigned n)
{
    struct store_device *d = &s->item.device;

    make_cert(s, n);
    (void)snprintf(s->device, sizeof(s->device), "X2-%07u", n);
    fill(s->uid, sizeof(s->uid), 0x01, n);
    s->item.cert.device = s->device;
    s->item.cert.object = "idevid";
    s->item.cert.holder = "device";
    s->item.new_device = 1;
    d->tenant = T;
    d->device = s->device;
    d->state = STORE_DEVICE_MADE;
    d->product = "sensor-x2";
    d->order = "order-7";
    d->station = "sz-1";
    d->fixture = "3";
    d->chip_model = "atecc608b";
    d->chip_uid = RS_BYTES(s->uid);
    d->provenance = "attested";
    d->made_at = 1000;
    d->took_ms = 812;
}

rs_code
commit_one(struct fixture *f, struct sample *s)
{
    memset(&f->err, 0, sizeof(f->err));
    assert_int_equal(store_commit_issued(f->store, &s->item, 1, &f->err), RS_OK);
    return s->item.result;
}

rs_code
find_request(struct fixture *f, const struct store_cert *asked, struct store_cert *ret_cert)
{
    struct store_key key;
    rs_code rc = store_find_key(f->store, asked->tenant, asked->key_hash, &f->arena, &key, NULL);

    if (rc == RS_OK)
        rc = store_find_request(f->store, asked->tenant, &key, asked->request_id, &f->arena,
                                ret_cert, NULL);
    return rc == RS_E_DEVICE_UNKNOWN ? RS_E_CERT_UNKNOWN : rc;
}

int64_t
ask_sql(const struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value;

    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return value;
}
