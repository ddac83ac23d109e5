/*
 * run_test.c: the signer's end of its protocol: what it does with a front that
 * breaks the rules, and its answers to everything that is not a certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <stdlib.h>
#include <string.h>

#include "base/cbor.h"
#include "base/sock.h"
#include "crypto/hash.h"
#include "ledger/leaf.h"
#include "ledger/ledger.h"
#include "x509/cert.h"

static struct ca ca;

static int
make(void **state)
{
    (void)state;
    ca_make(&ca);
    ca_order(&ca, "o-1", 1000);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    ca_drop(&ca);
    return 0;
}

/* ---- A front that breaks the protocol ----------------------------------------------------- */

static void
send_items(int fd, const struct proto_item *items, size_t count)
{
    struct proto_writer w;
    struct rs_buf out;

    rs_buf_init(&out, PROTO_MESSAGE_MAX);
    proto_begin(&w, &out);
    for (size_t i = 0; i < count; i++)
        assert_true(proto_put(&w, &items[i]));
    proto_end(&w);
    assert_int_equal(rs_sock_send(fd, rs_buf_bytes(&out), NULL), RS_OK);
    rs_buf_done(&out);
}

static struct proto_item
hello(uint16_t version)
{
    struct proto_item m = {.type = PROTO_HELLO, .seq = 1};

    m.as.hello.version = version;
    m.as.hello.program = rs_bytes_str("test");
    return m;
}

/* The first answer's type; 0 when the signer is gone without one. */
static int
first_answer(int fd)
{
    static uint8_t room[PROTO_MESSAGE_MAX];
    struct proto_reader r;
    struct proto_item item;
    size_t len;
    int more;

    if (rs_sock_receive(fd, room, sizeof(room), 20000, &len, NULL) != RS_OK || len == 0)
        return 0;
    assert_int_equal(proto_open(&r, rs_bytes_of(room, len), 0, NULL), RS_OK);
    assert_int_equal(proto_next(&r, &item, &more, NULL), RS_OK);
    assert_true(more);
    return (int)item.type;
}

/* Start on an empty directory, say these things, and see how it ends. */
static rs_code
signer_after(const struct proto_item *items, size_t count, const uint8_t *bytes, size_t len,
             int *ret_first)
{
    struct ca one;
    rs_code rc;
    int fd;

    ca_prepare(&one);
    ca_start_raw(&one, &fd);
    if (count > 0)
        send_items(fd, items, count);
    if (len > 0)
        assert_int_equal(rs_sock_send(fd, rs_bytes_of(bytes, len), NULL), RS_OK);
    *ret_first = count > 0 || len > 0 ? first_answer(fd) : 0;
    rs_sock_close(fd);
    rc = ca_join(&one);
    ca_abandon(&one);
    return rc;
}

static void
test_hello(void **state)
{
    static const uint8_t junk[] = {9, 9, 9, 9, 9, 9, 9, 9};
    struct proto_item m[2] = {hello(PROTO_VERSION + 1), {.type = PROTO_STATUS, .seq = 2}};
    int first;

    (void)state;
    assert_int_equal(signer_after(NULL, 0, NULL, 0, &first), RS_E_SIGNER_AWAY);
    assert_int_equal(signer_after(NULL, 0, junk, sizeof(junk), &first), RS_E_SIGNER_PROTOCOL);
    assert_int_equal(first, 0);
    assert_int_equal(signer_after(m, 1, NULL, 0, &first), RS_E_SIGNER_PROTOCOL);
    assert_int_equal(signer_after(m + 1, 1, NULL, 0, &first), RS_E_SIGNER_PROTOCOL);
    m[0] = hello(PROTO_VERSION);
    assert_int_equal(signer_after(m, 1, NULL, 0, &first), RS_OK);
    assert_int_equal(first, PROTO_READY);
}

/* After a message that is none, nothing can be trusted: it ends, in order. */
static void
test_broken_messages_end_it(void **state)
{
    static const uint8_t junk[] = {1, 2, 3};
    struct proto_item m = hello(PROTO_VERSION);
    struct ca one;
    int fd;

    (void)state;
    for (int again = 0; again < 2; again++) {
        ca_prepare(&one);
        ca_start_raw(&one, &fd);
        send_items(fd, &m, 1);
        assert_int_equal(first_answer(fd), PROTO_READY);
        if (again)
            send_items(fd, &m, 1); /* HELLO a second time */
        else
            assert_int_equal(rs_sock_send(fd, RS_BYTES(junk), NULL), RS_OK);
        assert_int_equal(first_answer(fd), 0);
        rs_sock_close(fd);
        assert_int_equal(ca_join(&one), RS_OK);
        ca_abandon(&one);
    }
}

/* A front that is gone when its answers are ready does not hurt the ledger. */
static void
test_a_front_that_leaves(void **state)
{
    struct proto_item items[3] = {
        {.type = PROTO_STATUS}, {.type = PROTO_CHECKPOINT}, {.type = PROTO_STATUS}};
    struct proto_item m = hello(PROTO_VERSION);
    struct ca one;
    int fd;

    (void)state;
    ca_prepare(&one);
    ca_start_raw(&one, &fd);
    send_items(fd, &m, 1);
    assert_int_equal(first_answer(fd), PROTO_READY);
    for (uint32_t i = 0; i < 8; i++)
        send_items(fd, items, 3);
    rs_sock_close(fd);
    assert_int_equal(ca_join(&one), RS_OK);
    one.config.start_empty = 0;
    assert_int_equal(ca_start(&one, NULL), RS_OK);
    ca_drop(&one);
}

/* ---- What it cannot start from ------------------------------------------------------------------ */

static void
test_starts_that_are_refused(void **state)
{
    struct rs_err err = {0};
    struct ca one;

    (void)state;
    ca_prepare(&one);
    one.config.start_empty = 0; /* no keys there, and none may be made */
    assert_int_not_equal(ca_start(&one, &err), RS_OK);
    assert_true(one.rc != RS_OK);
    one.config.start_empty = 1;
    assert_int_equal(ca_start(&one, NULL), RS_OK);
    assert_int_equal(ca_bootstrap(&one, 0, NULL), RS_OK);
    assert_int_equal(ca_stop(&one), RS_OK);
    one.passphrase.p[0] ^= 1;
    assert_int_not_equal(ca_start(&one, NULL), RS_OK);
    one.passphrase.p[0] ^= 1;
    one.config.dir = "/nonexistent/signer";
    assert_int_not_equal(ca_start(&one, NULL), RS_OK);
    one.config.dir = one.signer_dir;
    assert_int_equal(ca_start(&one, NULL), RS_OK);
    ca_drop(&one);
}

/* ---- Reading the ledger back ----------------------------------------------------------------------- */

struct leaves {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t count, issued, completed;
    uint64_t first, last, next;
    rs_code rc;
    int finished;
    uint8_t tbs_hash[32], der[CERT_BYTES_MAX];
    size_t der_len;
};

static void
on_leaf(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct leaves *l = arg;

    (void)err;
    (void)pthread_mutex_lock(&l->lock);
    if (rc == RS_OK && item->type == PROTO_LEAF) {
        const struct proto_leaf *m = &item->as.leaf;
        if (l->count++ == 0)
            l->first = m->index;
        l->last = m->index;
        if (m->type == LEDGER_ISSUED) {
            l->issued++;
            l->completed += m->der.len > 0;
            memcpy(l->der, m->der.p, m->der.len);
            l->der_len = m->der.len;
        }
    } else {
        l->rc = rc;
        l->next = rc == RS_OK ? item->as.done.leaf : 0;
        l->finished = 1;
        (void)pthread_cond_signal(&l->done);
    }
    (void)pthread_mutex_unlock(&l->lock);
}

static void
recover(struct leaves *l, uint64_t from, uint32_t max)
{
    struct proto_item item = {.type = PROTO_RECOVER};

    memset(l, 0, sizeof(*l));
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->done, NULL);
    item.as.recover.from = from;
    item.as.recover.max = max;
    assert_int_equal(signer_client_submit(ca.client, &item, on_leaf, l, NULL), RS_OK);
    (void)pthread_mutex_lock(&l->lock);
    while (!l->finished)
        (void)pthread_cond_wait(&l->done, &l->lock);
    (void)pthread_mutex_unlock(&l->lock);
}

static struct leaves got; /* large */

static void
test_recovery(void **state)
{
    struct cert before, after;
    struct proto_issue m;
    uint8_t hash[32], room[CERT_BYTES_MAX];
    struct rs_buf der;
    uint64_t end;

    (void)state;
    ca_claim_board(&ca, &m, "o-1", "R-1", hash);
    rs_buf_init_fixed(&der, room, sizeof(room));
    assert_int_equal(ca_issue(&ca, &m, &der, NULL), RS_OK);
    recover(&got, 0, 5);
    assert_int_equal(got.rc, RS_OK);
    assert_int_equal(got.count, 5);
    assert_int_equal(got.next, 5);
    recover(&got, 0, 0); /* 0: as many as it likes */
    assert_int_equal(got.first, 0);
    assert_int_equal(got.completed, got.issued); /* two CAs and the board */
    assert_true(got.issued >= 3);
    end = got.next;
    assert_int_equal(got.last + 1, end);
    /* The same body, and so the same serial: one certificate, signed again (L2). */
    assert_int_equal(cert_read(rs_buf_bytes(&der), &before, NULL), RS_OK);
    assert_int_equal(cert_read(rs_bytes_of(got.der, got.der_len), &after, NULL), RS_OK);
    assert_true(rs_bytes_equal(before.tbs, after.tbs));
    recover(&got, end, 100000); /* nothing is there yet */
    assert_int_equal(got.rc, RS_OK);
    assert_int_equal(got.count, 0);
    assert_int_equal(got.next, end);
    recover(&got, end + 1000, 10); /* and nothing can be behind it */
    assert_int_equal(got.count, 0);
}

/* ---- Checkpoints, figures, notes ------------------------------------------------------------------------ */

static void
figures(uint64_t ret[8])
{
    struct proto_item item = {.type = PROTO_STATUS};
    uint8_t room[256];
    struct rs_cbor c;
    struct rs_buf out;

    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(ca_call(&ca, &item, NULL, &out, NULL), RS_OK);
    rs_cbor_init(&c, rs_buf_bytes(&out));
    assert_int_equal(rs_cbor_map(&c, 7), 7);
    for (uint64_t i = 1; i <= 7; i++) {
        rs_cbor_key(&c, i);
        ret[i] = rs_cbor_uint(&c);
    }
    assert_true(rs_cbor_done(&c));
}

static void
test_figures(void **state)
{
    struct proto_issue m;
    uint64_t before[8], after[8];
    uint8_t hash[32];

    (void)state;
    figures(before);
    assert_int_equal(before[4], 2);
    assert_int_equal(before[6], 1);
    assert_int_equal(before[7], 1);
    ca_claim(&ca, &m, "station", hash);
    assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_OK);
    m.issuer = rs_bytes_str("nobody");
    assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_E_ISSUER_UNKNOWN);
    figures(after);
    assert_int_equal(after[2], before[2] + 1);
    assert_int_equal(after[3], before[3] + 1);
}

static void
test_checkpoint_and_what_was_seen(void **state)
{
    struct proto_item item = {.type = PROTO_CHECKPOINT}, seen = {.type = PROTO_SEEN};
    struct rs_buf note;

    (void)state;
    rs_buf_init(&note, 8192);
    assert_int_equal(ca_call(&ca, &item, NULL, &note, NULL), RS_OK);
    assert_true(note.len > 100);
    assert_memory_equal(note.p, "rootsmith/ledger/1\n", 19);
    seen.as.seen.note = rs_buf_bytes(&note);
    assert_int_equal(ca_call(&ca, &seen, NULL, NULL, NULL), RS_OK);
    /* Not its own: whatever this is, it is no proof of anything. */
    note.p[note.len / 2] ^= 1;
    assert_int_not_equal(ca_call(&ca, &seen, NULL, NULL, NULL), RS_OK);
    seen.as.seen.note = rs_bytes_str("nothing");
    assert_int_not_equal(ca_call(&ca, &seen, NULL, NULL, NULL), RS_OK);
    rs_buf_done(&note);
}

static struct proto_item
note(enum proto_type type, const char *code)
{
    struct proto_item item = {.type = type};

    item.as.note.code = rs_bytes_str(code);
    item.as.note.who = rs_bytes_str("person:m.keller");
    item.as.note.text = rs_bytes_str("why");
    item.as.note.count = 3;
    item.as.note.first_ms = item.as.note.last_ms = ca.now * 1000;
    return item;
}

static void
test_notes(void **state)
{
    struct proto_item item = note(PROTO_LOGIN, "login");
    uint64_t before[8], after[8], leaf = 0;

    (void)state;
    assert_int_equal(ca_call(&ca, &item, &leaf, NULL, NULL), RS_OK);
    recover(&got, leaf, 1);
    assert_int_equal(got.first, leaf);
    figures(before);
    item = note(PROTO_REFUSAL, "auth.denied");
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_OK);
    item = note(PROTO_REFUSAL, "no.such.code");
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_OK);
    item = note(PROTO_REFUSAL, "");
    item.as.note.text = (struct rs_bytes){NULL, 0};
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_OK);
    figures(after);
    assert_int_equal(after[3], before[3] + 3);
}

/* Refusals without number become one leaf per code: nobody can fill the disk with them. */
static void
test_refusals_are_gathered(void **state)
{
    uint64_t before[8], after[8];
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    figures(before);
    for (int i = 0; i < 300; i++) {
        ca_claim(&ca, &m, "station", hash);
        m.issuer = rs_bytes_str("nobody");
        assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_E_ISSUER_UNKNOWN);
    }
    figures(after);
    assert_int_equal(after[3], before[3] + 300);
    assert_true(after[1] <=
                before[1] + 30); /* one a second and code, with room for slow machines */
    /* What is left of them is written at the end. */
    assert_int_equal(ca_stop(&ca), RS_OK);
    assert_int_equal(ca_start(&ca, NULL), RS_OK);
    assert_true(ca.ready.size >= after[1]);
    figures(after);
    assert_int_equal(after[3], 0);
}

/* More kinds of refusals than there is room for: they share the last place. */
static void
test_many_kinds_of_refusals(void **state)
{
    uint64_t before[8], after[8];
    unsigned sent = 0;

    (void)state;
    figures(before);
    for (int code = 1; code < 400 && sent < 60; code++) {
        const struct rs_code_info *info = rs_code_info((rs_code)code);
        struct proto_item item;
        const struct rs_code_info *known = info != NULL ? rs_code_find(info->name) : NULL;
        if (known == NULL || known->code != (rs_code)code)
            continue;
        item = note(PROTO_REFUSAL, info->name);
        assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_OK);
        sent++;
    }
    figures(after);
    assert_true(sent > 32);
    assert_int_equal(after[3], before[3] + 3 * sent);
}

/* ---- The clock ------------------------------------------------------------------------------------------------ */

/* Time that goes back: nothing is signed until it has caught up. */
static void
test_a_clock_that_goes_back(void **state)
{
    struct proto_item item = note(PROTO_LOGIN, "login");
    struct proto_issue m;
    uint8_t hash[32];

    (void)state;
    ca_claim(&ca, &m, "station", hash);
    assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_OK);
    ca_inject("clock=-3600");
    assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_E_CLOCK_BEHIND);
    assert_int_not_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_OK);
    assert_int_equal(ca_crl(&ca, NULL, NULL) == RS_OK, 0);
    ca_inject("");
    assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_OK);
    assert_int_equal(ca_crl(&ca, NULL, NULL), RS_OK);
}

/* Many messages of all kinds at once: every one gets its answer. */
struct count {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int answers;
};

static void
count_one(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct count *c = arg;

    (void)rc;
    (void)item;
    (void)err;
    (void)pthread_mutex_lock(&c->lock);
    c->answers++;
    (void)pthread_cond_signal(&c->done);
    (void)pthread_mutex_unlock(&c->lock);
}

static void
test_everything_is_answered(void **state)
{
    struct count c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    int sent = 0;

    (void)state;
    for (int i = 0; i < 600; i++) {
        struct proto_item item = {.type = i % 7 == 0 ? PROTO_STATUS : PROTO_ISSUE};
        uint8_t hash[32];
        if (item.type == PROTO_ISSUE)
            ca_claim(&ca, &item.as.issue, i % 5 ? "station" : "unlisted", hash);
        sent += signer_client_submit(ca.client, &item, count_one, &c, NULL) == RS_OK;
    }
    (void)pthread_mutex_lock(&c.lock);
    while (c.answers < sent)
        (void)pthread_cond_wait(&c.done, &c.lock);
    (void)pthread_mutex_unlock(&c.lock);
    assert_int_equal(sent, 600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_broken_messages_end_it),
        cmocka_unit_test(test_a_front_that_leaves),
        cmocka_unit_test(test_starts_that_are_refused),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_checkpoint_and_what_was_seen),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_everything_is_answered),
        cmocka_unit_test(test_refusals_are_gathered),
        cmocka_unit_test(test_many_kinds_of_refusals),
        cmocka_unit_test(test_a_clock_that_goes_back),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
