/*
 * fault_test.c: the n-th write or sync fails, in the signer's ledger or in the
 * store: who asks again gets one certificate, and there is never a second (L1, L2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

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
rule(const char *point, int n, const char *error)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s@%d=%s", point, n, error);
    ca_inject(text);
}

/* One board, with a fault on its way; then again without. */
static int
board_with_fault(const char *point, int n, const char *error)
{
    struct crypto_key *key = pk_key();
    char serial[48], uid[64];
    rs_code rc;

    (void)snprintf(serial, sizeof(serial), "%s-%s-%d", point, error, n);
    (void)snprintf(uid, sizeof(uid), "u-%s", serial);
    rule(point, n, error);
    rc = pk_board(&k, key, "o-1", serial, uid, &got);
    ca_inject("");
    if (rc == RS_OK)
        assert_int_equal(pk_count(&k, serial, STORE_CERT_ISSUED), 1);
    pk_mend(&k);
    if (pk_board(&k, key, "o-1", serial, uid, &got) != RS_OK)
        fail_msg("%s: no certificate afterwards: %s", serial, got.err.text);
    assert_int_equal(pk_count(&k, serial, 0), 1);
    crypto_key_free(key);
    return rc != RS_OK;
}

static void
test_one_certificate_whatever_fails(void **state)
{
    static const struct {
        const char *point, *error;
        int last;
    } faults[] = {{"write", "ENOSPC", 6},
                  {"write", "EIO", 6},
                  {"sync", "EIO", 4},
                  {"sync", "ENOSPC", 4},
                  {"random", "EIO", 1}};
    int failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (int n = 1; n <= faults[i].last; n++)
            failed += board_with_fault(faults[i].point, n, faults[i].error);
    }
    assert_true(failed >= 6);
}

/* The signer is gone: refused at once; and until the ledger was read, nothing is signed. */
static void
test_no_signer(void **state)
{
    struct crypto_key *key = pk_key();
    struct store_stats before, after;
    struct store *store;
    uint64_t number;
    size_t count;

    (void)state;
    assert_int_equal(pk_board(&k, key, "o-1", "N-0", "uid-n0", &got), RS_OK);
    struct crypto_key *lost = pk_key();
    ca_inject("sync@1=EIO");
    assert_int_not_equal(pk_board(&k, lost, "o-1", "N-9", "uid-n9", &got), RS_OK);
    ca_inject("");
    assert_true(pki_is_behind(k.pki));
    while (signer_client_alive(k.ca.client)) /* it is ending */
        rs_sleep_us(1000);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &number, NULL), RS_E_SIGNER_AWAY);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_get_stats(store, CA_TENANT, &before, NULL), RS_OK);
    struct crypto_key *next = pk_key();
    assert_int_equal(pk_board(&k, next, "o-1", "N-1", "uid-n1", &got), RS_E_SIGNER_AWAY);
    assert_int_not_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_int_not_equal(
        pki_revoke(k.pki, "p", CA_ISSUER, (struct rs_bytes){(const uint8_t *)"x", 1}, 1, "", NULL),
        RS_OK);
    struct rs_err why = {0};
    (void)rs_fail(&why, RS_E_AUTH_DENIED, "while it is away");
    pki_note_refusal(k.pki, "x", &why);
    assert_int_equal(store_get_stats(store, CA_TENANT, &after, NULL), RS_OK);
    assert_int_equal(after.certs, before.certs);
    pk_mend(&k);
    assert_int_equal(pk_board(&k, next, "o-1", "N-1", "uid-n1", &got), RS_OK);
    /* A device that is revoked while the signer fails: it is blocked at once, and again finishes it. */
    ca_inject("sync@2=EIO");
    (void)!pki_revoke_device(k.pki, "p", "N-1", 1, "", &count, NULL);
    pk_mend(&k);
    assert_int_equal(pki_revoke_device(k.pki, "p", "N-1", 1, "", &count, NULL), RS_OK);
    assert_int_equal(pk_count(&k, "N-1", STORE_CERT_ISSUED), 0);
    crypto_key_free(key);
    crypto_key_free(lost);
    crypto_key_free(next);
}

/* Revocation and list with every fault in turn: in the end it is revoked, and on the list. */
static void
test_revocation_with_faults(void **state)
{
    int failed = 0;

    (void)state;
    for (int n = 1; n <= 5; n++) {
        struct crypto_key *key = pk_key();
        char name[16];
        rs_code rc;
        (void)snprintf(name, sizeof(name), "sz-f%d", n);
        assert_int_equal(pk_station(&k, key, name, &got), RS_OK);
        rule("write", n, "ENOSPC");
        rc = pki_revoke(k.pki, "p", CA_ISSUER, got.cert.serial, 1, "", NULL);
        failed += rc != RS_OK;
        pk_mend(&k);
        if (rc != RS_OK)
            rc = pki_revoke(k.pki, "p", CA_ISSUER, got.cert.serial, 1, "", NULL);
        assert_true(rc == RS_OK || rc == RS_E_CERT_REVOKED);
        struct pki_caller c;
        assert_int_equal(pki_authenticate(k.pki, got.cert.whole, 0, &c, NULL), RS_E_AUTH_REVOKED);
        crypto_key_free(key);
    }
    assert_true(failed >= 2);
}

/* ---- A disk that cannot be read ---------------------------------------------------------- */

/* What a thread of the server does, with a reader that it opens itself. */
struct op {
    const char *name;
    rs_code (*fn)(struct op *op);
    struct crypto_key *key;
    struct rs_bytes der, serial;
    int n;
    rs_code rc;
};

static rs_code
op_authenticate(struct op *op)
{
    struct pki_caller c;

    return pki_authenticate(k.pki, op->der, 0, &c, NULL);
}

static rs_code
op_issue(struct op *op)
{
    static struct pk_got mine;
    char serial[32], uid[32];

    (void)snprintf(serial, sizeof(serial), "%s-%d", op->name, op->n);
    (void)snprintf(uid, sizeof(uid), "u-%s-%d", op->name, op->n);
    return pk_board(&k, op->key, "o-1", serial, uid, &mine);
}

static rs_code
op_renew(struct op *op)
{
    static struct pk_got mine;
    struct pki_caller c = pk_caller(PKI_DEVICE, "A-1");
    struct pk_csr ask = {.key = op->key, .serial = "A-1"};
    uint8_t room[4096];

    return pk_ask(&k, &c, "ldevid", pk_csr(&ask, room, sizeof(room)), &mine);
}

static rs_code
op_revoke(struct op *op)
{
    return pki_revoke(k.pki, "p", CA_ISSUER, op->serial, 7, "", NULL); /* no such reason */
}

static rs_code
op_find_crl(struct op *op)
{
    struct rs_buf der;
    rs_code rc;

    (void)op;
    rs_buf_init(&der, 1 << 20);
    rc = pki_find_crl(k.pki, CA_ISSUER, &der, NULL);
    rs_buf_done(&der);
    return rc;
}

static rs_code
op_publish(struct op *op)
{
    uint64_t number;

    (void)op;
    return pki_publish_crl(k.pki, CA_ISSUER, &number, NULL);
}

static rs_code
op_own(struct op *op)
{
    struct rs_buf der;
    rs_code rc;

    rs_buf_init(&der, CERT_BYTES_MAX);
    rc = pki_issue_own(k.pki, "ocsp", CA_ISSUER, "x", NULL, 0, crypto_key_pub(op->key)->spki, &der,
                       NULL);
    rs_buf_done(&der);
    return rc;
}

static rs_code
op_revoke_device(struct op *op)
{
    size_t count;

    (void)op;
    return pki_revoke_device(k.pki, "p", "nobody", 1, "", &count, NULL);
}

static rs_code
op_catch_up(struct op *op)
{
    (void)op;
    return pki_catch_up(k.pki, NULL);
}

static void *
run_op(void *arg)
{
    struct op *op = arg;

    op->rc = op->fn(op);
    return NULL;
}

static rs_code
in_thread(struct op *op, const char *text)
{
    pthread_t thread;

    ca_inject(text);
    assert_int_equal(pthread_create(&thread, NULL, run_op, op), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ca_inject("");
    return op->rc;
}

/* Each read fails in turn: an answer is as it is without faults, or it is an error of the store. */
static void
test_a_disk_that_cannot_be_read(void **state)
{
    static struct pk_got board;
    static const char *const points[] = {"open", "read"};
    struct op ops[] = {{.name = "authenticate", .fn = op_authenticate},
                       {.name = "revoke", .fn = op_revoke},
                       {.name = "find-crl", .fn = op_find_crl},
                       {.name = "revoke-device", .fn = op_revoke_device},
                       {.name = "catch-up", .fn = op_catch_up},
                       {.name = "publish", .fn = op_publish},
                       {.name = "own", .fn = op_own},
                       {.name = "issue", .fn = op_issue},
                       {.name = "renew", .fn = op_renew}};
    struct crypto_key *key = pk_key();
    uint64_t number;

    (void)state;
    assert_int_equal(pk_board(&k, key, "o-1", "A-1", "uid-a1", &board), RS_OK);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &number, NULL), RS_OK);
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        struct op *op = &ops[i];
        rs_code want;
        op->der = board.cert.whole;
        op->serial = board.cert.serial;
        op->key = pk_key();
        want = in_thread(op, "");
        for (int p = 0; p < 2; p++) {
            for (op->n = 1; op->n <= (p ? 30 : 3); op->n++) {
                char text[32];
                rs_code rc;
                crypto_key_free(op->key);
                op->key = pk_key();
                (void)snprintf(text, sizeof(text), "%s@%d=EIO", points[p], op->n);
                rc = in_thread(op, text);
                pk_mend(&k);
                if (rc != want && rs_code_info(rc)->http < 500)
                    fail_msg("%s, %s: %s", op->name, text, rs_code_info(rc)->name);
            }
        }
        crypto_key_free(op->key);
    }
    crypto_key_free(key);
}

/* Opening with faults: it fails and can be tried again, or it works. */
static void
test_opening_with_faults(void **state)
{
    static const char *const points[] = {"open", "read", "write", "sync"};
    int failed = 0;

    (void)state;
    pk_close(&k);
    for (size_t i = 0; i < 4; i++) {
        for (int n = 1; n <= 6; n++) {
            rule(points[i], n, "EIO");
            if (pk_open(&k, NULL) == RS_OK)
                pk_close(&k);
            else
                failed++;
            ca_inject("");
        }
    }
    assert_true(failed >= 4);
    if (!signer_client_alive(k.ca.client)) {
        (void)ca_stop(&k.ca);
        assert_int_equal(ca_start(&k.ca, NULL), RS_OK);
    }
    assert_int_equal(pk_open(&k, NULL), RS_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_certificate_whatever_fails),
        cmocka_unit_test(test_no_signer),
        cmocka_unit_test(test_revocation_with_faults),
        cmocka_unit_test(test_a_disk_that_cannot_be_read),
        cmocka_unit_test(test_opening_with_faults),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
