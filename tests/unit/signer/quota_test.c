/*
 * quota_test.c: the ceiling of an order where the shares alone do not hold it.
 *
 * A new version of an order may hand the work to another station.  What the
 * first one made still counts against the quantity (L7), though nobody's share
 * knows of it any more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

static struct ca ca;

static int
setup(void **state)
{
    (void)state;
    ca_make(&ca);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    ca_drop(&ca);
    return 0;
}

static rs_code
board(const char *order, const char *station)
{
    struct proto_issue m;
    struct rs_buf der;
    uint8_t hash[32];
    rs_code rc;

    rs_buf_init(&der, 8192);
    ca_claim_board(&ca, &m, order, "Q-1", hash);
    m.station = rs_bytes_str(station);
    rc = ca_issue(&ca, &m, &der, NULL);
    rs_buf_done(&der);
    return rc;
}

static void
hand_over(const char *order, uint64_t quantity, const char *station, int64_t later)
{
    struct doc_order doc;
    uint8_t hash[32];

    ca_order_doc(&ca, &doc, order, quantity, station, quantity, hash);
    doc.created_at += later;
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
}

static void
refuses_more_than_the_quantity_after_a_hand_over(void **state)
{
    (void)state;
    hand_over("o-moved", 3, "sz-1", 0);
    assert_int_equal(board("o-moved", "sz-1"), RS_OK);
    assert_int_equal(board("o-moved", "sz-1"), RS_OK);
    hand_over("o-moved", 3, "sz-2", 1); /* its share is 3, of which 1 is left to make */
    assert_int_equal(board("o-moved", "sz-1"), RS_E_ORDER_STATION);
    assert_int_equal(board("o-moved", "sz-2"), RS_OK);
    assert_int_equal(board("o-moved", "sz-2"), RS_E_ORDER_EXHAUSTED);
    hand_over("o-moved", 4, "sz-2", 2);
    assert_int_equal(board("o-moved", "sz-2"), RS_OK);
    assert_int_equal(board("o-moved", "sz-2"), RS_E_ORDER_EXHAUSTED);
}

static void
a_share_counts_on_through_a_new_version(void **state)
{
    struct doc_order doc;
    uint8_t hash[32];

    (void)state;
    ca_order_doc(&ca, &doc, "o-shares", 4, "sz-1", 1, hash);
    doc.shares[doc.share_count++] = (struct doc_share){rs_bytes_str("sz-2"), 3};
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    assert_int_equal(board("o-shares", "sz-1"), RS_OK);
    doc.created_at++;
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    assert_int_equal(board("o-shares", "sz-1"), RS_E_ORDER_EXHAUSTED);
    assert_int_equal(board("o-shares", "sz-2"), RS_OK);
}

/* ---- Many at once: the signer gathers them into batches ---------------------------------- */

struct counted {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int good, exhausted, other;
};

static void
count_answer(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    struct counted *c = arg;

    (void)item;
    (void)err;
    (void)pthread_mutex_lock(&c->lock);
    if (rc == RS_OK)
        c->good++;
    else if (rc == RS_E_ORDER_EXHAUSTED)
        c->exhausted++;
    else
        c->other++;
    (void)pthread_cond_signal(&c->done);
    (void)pthread_mutex_unlock(&c->lock);
}

/* How many of `count` boards, asked for without waiting, are made. */
static int
made_of(int count, const char *order, const char *station)
{
    struct counted c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

    for (int i = 0; i < count; i++) {
        struct proto_item item = {.type = PROTO_ISSUE};
        uint8_t hash[32];
        ca_claim_board(&ca, &item.as.issue, order, "Q-1", hash);
        item.as.issue.station = rs_bytes_str(station);
        assert_int_equal(signer_client_submit(ca.client, &item, count_answer, &c, NULL), RS_OK);
    }
    (void)pthread_mutex_lock(&c.lock);
    while (c.good + c.exhausted + c.other < count)
        (void)pthread_cond_wait(&c.done, &c.lock);
    (void)pthread_mutex_unlock(&c.lock);
    assert_int_equal(c.other, 0);
    return c.good;
}

static void
a_batch_stays_inside_the_quantity(void **state)
{
    (void)state;
    hand_over("o-many", 60, "sz-1", 0);
    assert_int_equal(made_of(37, "o-many", "sz-1"), 37);
    hand_over("o-many", 60, "sz-2", 1);
    assert_int_equal(made_of(150, "o-many", "sz-2"), 23);
}

static void
a_batch_stays_inside_the_share(void **state)
{
    struct doc_order doc;
    uint8_t hash[32];

    (void)state;
    ca_order_doc(&ca, &doc, "o-part", 300, "sz-1", 41, hash);
    doc.shares[doc.share_count++] = (struct doc_share){rs_bytes_str("sz-2"), 259};
    assert_int_equal(ca_put_order(&ca, &doc, NULL), RS_OK);
    assert_int_equal(made_of(150, "o-part", "sz-1"), 41);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_more_than_the_quantity_after_a_hand_over),
        cmocka_unit_test(a_share_counts_on_through_a_new_version),
        cmocka_unit_test(a_batch_stays_inside_the_quantity),
        cmocka_unit_test(a_batch_stays_inside_the_share),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
