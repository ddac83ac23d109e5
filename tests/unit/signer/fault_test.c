/*
 * fault_test.c: the n-th call fails, for every n that matters: what was
 * answered is there after the next start, the signer starts, and a ceremony
 * that was cut off can be finished.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "x509/cert.h"

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

static void
rule(const char *point, int n, const char *error)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s@%d=%s", point, n, error);
    ca_inject(text);
}

/* Without faults again: a signer that stopped is started, and must start. */
static void
mend(void)
{
    struct rs_err err = {0};

    ca_inject("");
    if (ca.running && signer_client_alive(ca.client))
        return;
    if (ca.running)
        (void)ca_stop(&ca);
    if (ca_start(&ca, &err) != RS_OK)
        fail_msg("it does not start any more: %s", err.text);
}

static rs_code
issue(uint64_t *ret_leaf)
{
    struct proto_item item = {.type = PROTO_ISSUE};
    uint8_t hash[32];

    ca_claim(&ca, &item.as.issue, "station", hash);
    return ca_call(&ca, &item, ret_leaf, NULL, NULL);
}

/* ---- While it runs -------------------------------------------------------------------------- */

static void
test_what_was_answered_is_there(void **state)
{
    static const struct {
        const char *point, *error;
        int last;
    } faults[] = {{"write", "ENOSPC", 4}, {"write", "EIO", 4},  {"sync", "EIO", 4},
                  {"open", "EMFILE", 3},  {"rename", "EIO", 2}, {"random", "EIO", 1}};
    struct proto_item checkpoint = {.type = PROTO_CHECKPOINT};
    uint64_t next = 0;
    int failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (int n = 1; n <= faults[i].last; n++) {
            uint64_t leaf;
            rule(faults[i].point, n, faults[i].error);
            for (int k = 0; k < 2; k++) {
                if (issue(&leaf) == RS_OK)
                    next = leaf + 1;
                else
                    failed++;
            }
            if (ca_call(&ca, &checkpoint, NULL, NULL, NULL) != RS_OK)
                failed++;
            mend();
            assert_int_equal(issue(&leaf), RS_OK);
            assert_true(leaf >= next); /* nothing that was answered was taken back */
            next = leaf + 1;
        }
    }
    assert_true(failed >= 10);
    assert_int_equal(ca_stop(&ca), RS_OK);
    assert_int_equal(ca_start(&ca, NULL), RS_OK);
    assert_true(ca.ready.size >= next);
}

/* Once the ledger cannot be written, nothing more is answered as done. */
static void
test_a_broken_ledger_stops_it(void **state)
{
    struct rs_err err = {0};

    (void)state;
    ca_inject("sync@1=EIO");
    assert_int_not_equal(issue(NULL), RS_OK);
    ca_inject("");
    assert_int_equal(ca_call(&ca, &(struct proto_item){.type = PROTO_STATUS}, NULL, NULL, &err),
                     RS_E_SIGNER_AWAY);
    assert_int_not_equal(ca_stop(&ca), RS_OK);
    mend();
    assert_int_equal(issue(NULL), RS_OK);
}

/* The last thing it does is a checkpoint: one that fails is told. */
static void
test_the_end_fails(void **state)
{
    (void)state;
    assert_int_equal(issue(NULL), RS_OK);
    ca_inject("write@1=ENOSPC");
    assert_int_not_equal(ca_stop(&ca), RS_OK);
    mend();
}

/* ---- At the start ------------------------------------------------------------------------------- */

static void
test_starts(void **state)
{
    static const char *const points[] = {"open", "read"};
    int failed = 0;

    (void)state;
    assert_int_equal(ca_stop(&ca), RS_OK);
    for (size_t i = 0; i < 2; i++) {
        for (int n = 1; n <= 9; n++) {
            struct rs_err err = {0};
            rule(points[i], n, "EIO");
            if (ca_start(&ca, &err) != RS_OK)
                failed++;
            ca_inject("");
            if (ca.running)
                assert_int_equal(ca_stop(&ca), RS_OK);
        }
    }
    assert_true(failed >= 6);
    mend();
    assert_int_equal(issue(NULL), RS_OK);
}

/* Files that do not belong together: no start, and the name of what is wrong. */
static void
test_wrong_files(void **state)
{
    char path[128], other[128];
    struct rs_err err = {0};
    struct rs_buf der;

    (void)state;
    rs_buf_init(&der, CERT_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/ca/%s.cer", ca.signer_dir, CA_ISSUER);
    (void)snprintf(other, sizeof(other), "%s/ca/%s.cer", ca.signer_dir, CA_ROOT);
    assert_int_equal(ca_stop(&ca), RS_OK);
    assert_int_equal(rs_file_read(path, CERT_BYTES_MAX, &der, NULL), RS_OK);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("no certificate"), 0600, NULL), RS_OK);
    assert_int_not_equal(ca_start(&ca, &err), RS_OK);
    struct rs_buf root;
    rs_buf_init(&root, CERT_BYTES_MAX);
    assert_int_equal(rs_file_read(other, CERT_BYTES_MAX, &root, NULL), RS_OK);
    assert_int_equal(rs_file_replace(path, rs_buf_bytes(&root), 0600, NULL), RS_OK);
    err = (struct rs_err){0};
    assert_int_equal(ca_start(&ca, &err), RS_E_SIGNER_FENCED); /* so the front is told */
    assert_int_equal(ca.rc, RS_E_LEDGER_DAMAGED);
    assert_int_equal(rs_file_replace(path, rs_buf_bytes(&der), 0600, NULL), RS_OK);
    rs_buf_done(&root);
    rs_buf_done(&der);
    mend();
}

/* ---- Ceremonies ------------------------------------------------------------------------------------ */

static rs_code
put_issuer(const char *name, uint64_t key_alg)
{
    struct doc_issuer i = {.name = rs_bytes_str(name),
                           .parent = rs_bytes_str(CA_ROOT),
                           .subject = rs_bytes_str("CN=Another,O=Acme"),
                           .key_alg = key_alg,
                           .not_before = ca.now - 60,
                           .not_after = ca.now + 86400LL * 800,
                           .path_length = 0,
                           .profiles = {.items = {rs_bytes_str("person")}, .count = 1},
                           .crl_every_s = 3600};
    uint8_t room[DOC_BYTES_MAX];
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, sizeof(room));
    doc_issuer_put(&b, &i);
    return ca_document(&ca, "issuer", name, rs_buf_bytes(&b), NULL);
}

/* Once more, without faults.  A signer whose ledger broke may still be on its way out. */
static rs_code
finish(const char *name, uint64_t key_alg)
{
    rs_code rc = put_issuer(name, key_alg);

    for (int i = 0; i < 3 && (rc == RS_E_SIGNER_AWAY || rc == RS_E_FILE_FAILED); i++) {
        if (ca.running)
            (void)ca_stop(&ca);
        mend();
        rc = put_issuer(name, key_alg);
    }
    return rc;
}

static void
works(const char *name)
{
    struct proto_issue m;
    uint8_t hash[32];

    ca_claim(&ca, &m, "person", hash);
    m.issuer = rs_bytes_str(name);
    assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_OK);
}

/*
 * Key, document, certificate, file: wherever it is cut off, the signer starts,
 * and the same document once more makes the CA.  Whoever hands in another one
 * under that name does not get it.
 */
static void
test_a_ceremony_that_was_cut_off(void **state)
{
    static const struct {
        const char *point;
        int last;
    } faults[] = {{"write", 6}, {"sync", 6}, {"rename", 3}};
    int failed = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        for (int n = 1; n <= faults[i].last; n++) {
            char name[32];
            rs_code rc;
            (void)snprintf(name, sizeof(name), "ca-%s-%d", faults[i].point, n);
            rule(faults[i].point, n, "ENOSPC");
            rc = put_issuer(name, DOC_KEY_P256);
            ca_inject("");
            failed += rc != RS_OK;
            if (rc != RS_OK && n % 2 == 0 && signer_client_alive(ca.client))
                (void)ca_stop(&ca); /* a restart in between, or none */
            mend();
            rc = finish(name, DOC_KEY_P256);
            if (rc != RS_OK && rc != RS_E_EXISTS)
                fail_msg("%s: it cannot be finished: %s", name, rs_code_info(rc)->name);
            works(name);
            assert_int_equal(put_issuer(name, DOC_KEY_P256), RS_E_EXISTS);
        }
    }
    assert_true(failed >= 8);
    assert_int_equal(ca_stop(&ca), RS_OK);
    assert_int_equal(ca_start(&ca, NULL), RS_OK);
}

/* The leaf stands and the file is not there: it is made from the leaf, with the same serial. */
static void
test_a_certificate_file_that_is_missing(void **state)
{
    struct cert before, after;
    struct rs_buf old, new;
    char path[128];

    (void)state;
    rs_buf_init(&old, CERT_BYTES_MAX);
    rs_buf_init(&new, CERT_BYTES_MAX);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/ca/%s.cer", ca.signer_dir, i ? CA_ROOT : CA_ISSUER);
        rs_buf_reset(&old);
        rs_buf_reset(&new);
        assert_int_equal(ca_stop(&ca), RS_OK);
        assert_int_equal(rs_file_read(path, CERT_BYTES_MAX, &old, NULL), RS_OK);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(ca_start(&ca, NULL), RS_OK);
        assert_int_equal(rs_file_read(path, CERT_BYTES_MAX, &new, NULL), RS_OK);
        assert_int_equal(cert_read(rs_buf_bytes(&old), &before, NULL), RS_OK);
        assert_int_equal(cert_read(rs_buf_bytes(&new), &after, NULL), RS_OK);
        assert_true(rs_bytes_equal(before.tbs, after.tbs));
    }
    rs_buf_done(&old);
    rs_buf_done(&new);
    assert_int_equal(issue(NULL), RS_OK);
}

static void
test_names_of_other_keys(void **state)
{
    int left = 0;
    rs_code rc;

    (void)state;
    /* The key that signs checkpoints is nobody's CA key. */
    assert_int_equal(put_issuer("ledger", DOC_KEY_ED25519), RS_E_EXISTS);
    /* A key that was made before the disk was full, and then another kind is asked for. */
    for (int n = 1; n <= 4; n++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "ca-kind-%d", n);
        rule("write", n, "ENOSPC");
        rc = put_issuer(name, DOC_KEY_P256);
        mend();
        if (rc == RS_OK)
            continue;
        rc = finish(name, DOC_KEY_P384);
        if (rc == RS_E_EXISTS)
            left++;
        else
            assert_int_equal(rc, RS_OK); /* there was no key yet */
        if (rc == RS_E_EXISTS)
            assert_int_equal(finish(name, DOC_KEY_P256), RS_OK);
        works(name);
    }
    assert_true(left >= 1);
}

/* ---- A new CA while others sign ------------------------------------------------------------------------ */

struct count {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int good, bad;
};

static void
count_one(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct count *c = arg;

    (void)item;
    (void)err;
    (void)pthread_mutex_lock(&c->lock);
    c->good += rc == RS_OK;
    c->bad += rc != RS_OK;
    (void)pthread_cond_signal(&c->done);
    (void)pthread_mutex_unlock(&c->lock);
}

/* The list of issuers moves in memory when it grows; what is being signed does not notice. */
static void
test_a_new_ca_under_load(void **state)
{
    struct count c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    int sent = 0;

    (void)state;
    for (int round = 0; round < 4; round++) {
        char name[16];
        for (int i = 0; i < 130; i++) {
            struct proto_item item = {.type = PROTO_ISSUE};
            uint8_t hash[32];
            ca_claim(&ca, &item.as.issue, "station", hash);
            assert_int_equal(signer_client_submit(ca.client, &item, count_one, &c, NULL), RS_OK);
            sent++;
        }
        (void)snprintf(name, sizeof(name), "ca-load-%d", round);
        assert_int_equal(put_issuer(name, DOC_KEY_P256), RS_OK);
    }
    (void)pthread_mutex_lock(&c.lock);
    while (c.good + c.bad < sent)
        (void)pthread_cond_wait(&c.done, &c.lock);
    (void)pthread_mutex_unlock(&c.lock);
    assert_int_equal(c.bad, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_answered_is_there),
        cmocka_unit_test(test_a_broken_ledger_stops_it),
        cmocka_unit_test(test_the_end_fails),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_a_certificate_file_that_is_missing),
        cmocka_unit_test(test_names_of_other_keys),
        cmocka_unit_test(test_a_new_ca_under_load),
        cmocka_unit_test(test_a_ceremony_that_was_cut_off),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
