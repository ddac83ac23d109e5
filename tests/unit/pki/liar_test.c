/*
 * liar_test.c: a signer that tells something else than its ledger could hold.
 * The store takes none of it, and the PKI does not open on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sock.h"
#include "ledger/leaf.h"
#include "ledger/ledger.h"

static const uint8_t b32[32] = {9};

/* ---- The signer that is played -------------------------------------------------------------- */

struct liar {
    pthread_t thread;
    int fd;
    struct proto_leaf leaf; /* told `times` times, with rising index */
    unsigned times;
    int refuse; /* instead of the end */
    uint64_t next;
};

static void
send_item(int fd, const struct proto_item *item)
{
    struct proto_writer w;
    struct rs_buf out;

    rs_buf_init(&out, PROTO_MESSAGE_MAX);
    proto_begin(&w, &out);
    if (!proto_put(&w, item))
        abort();
    proto_end(&w);
    (void)!rs_sock_send(fd, rs_buf_bytes(&out), NULL);
    rs_buf_done(&out);
}

static void
answer(struct liar *l, const struct proto_item *in)
{
    struct proto_item m = {.type = PROTO_DONE, .seq = in->seq};

    if (in->type == PROTO_RECOVER && in->as.recover.from == 0) {
        for (unsigned i = 0; i < l->times; i++) {
            struct proto_item leaf = {.type = PROTO_LEAF, .seq = in->seq};
            leaf.as.leaf = l->leaf;
            leaf.as.leaf.index = i;
            send_item(l->fd, &leaf);
        }
        m.as.done.leaf = l->next;
        if (l->refuse) {
            m.type = PROTO_REFUSED;
            m.as.refused.code = rs_bytes_str("ledger.damaged");
            m.as.refused.text = rs_bytes_str("so it says");
        }
    } else if (in->type == PROTO_RECOVER) {
        m.as.done.leaf = in->as.recover.from;
    }
    send_item(l->fd, &m);
}

static void *
run(void *arg)
{
    struct liar *l = arg;
    struct proto_item ready = {.type = PROTO_READY};
    uint8_t *buf = malloc(PROTO_MESSAGE_MAX);
    struct proto_reader r;
    struct proto_item item;
    size_t len;
    int more;

    ready.as.ready = (struct proto_ready){.version = PROTO_VERSION,
                                          .root = RS_BYTES(b32),
                                          .installation = rs_bytes_str("x"),
                                          .ledger_key = RS_BYTES(b32)};
    while (buf != NULL && rs_sock_receive(l->fd, buf, PROTO_MESSAGE_MAX, -1, &len, NULL) == RS_OK &&
           len > 0) {
        if (proto_open(&r, rs_bytes_of(buf, len), 1, NULL) != RS_OK)
            abort();
        while (proto_next(&r, &item, &more, NULL) == RS_OK && more) {
            if (item.type == PROTO_HELLO)
                send_item(l->fd, &ready);
            else
                answer(l, &item);
        }
    }
    free(buf);
    rs_sock_close(l->fd);
    return NULL;
}

/* What becomes of a PKI that is opened on it; issuers: how many it knows then. */
static rs_code
open_on(struct liar *l, size_t *ret_issuers)
{
    char dir[] = "/tmp/rs-liar-XXXXXX", url[64], command[64];
    struct pki_config config = {.store_url = url, .tenant = CA_TENANT, .signer_id = 1};
    const struct pki_issuer *list[4];
    struct pki *pki = NULL;
    struct proto_ready ready;
    int pair[2];
    rs_code rc;

    assert_non_null(mkdtemp(dir));
    (void)snprintf(url, sizeof(url), "sqlite:%s/store.db", dir);
    assert_int_equal(rs_sock_pair(1 << 20, pair, NULL), RS_OK);
    l->fd = pair[1];
    assert_int_equal(pthread_create(&l->thread, NULL, run, l), 0);
    assert_int_equal(signer_client_new(pair[0], "test", &config.signer, &ready, NULL), RS_OK);
    rc = pki_open(&config, &pki, NULL);
    *ret_issuers = rc == RS_OK ? pki_issuers(pki, list, 4) : 0;
    signer_client_free(config.signer);
    if (rc == RS_OK)
        pki_close(pki);
    assert_int_equal(pthread_join(l->thread, NULL), 0);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
    return rc;
}

static rs_code
told(enum ledger_type type, struct rs_bytes content, struct rs_bytes der)
{
    struct liar l = {.times = 1, .next = 1};
    size_t issuers;

    l.leaf =
        (struct proto_leaf){.type = (uint16_t)type, .time_ms = 1, .content = content, .der = der};
    return open_on(&l, &issuers);
}

/* ---- Leaves ------------------------------------------------------------------------------------ */

static void
test_content_that_is_none(void **state)
{
    static const enum ledger_type types[] = {LEDGER_ISSUED, LEDGER_REVOKED, LEDGER_ORDER,
                                             LEDGER_CONFIG, LEDGER_PROFILE};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_int_equal(told(types[i], rs_bytes_str("junk"), (struct rs_bytes){NULL, 0}),
                         RS_E_LEDGER_DAMAGED);
    /* What the store keeps nothing of may be anything. */
    assert_int_equal(told(LEDGER_LOGIN, rs_bytes_str("junk"), (struct rs_bytes){NULL, 0}), RS_OK);
}

static struct rs_bytes
issued(uint8_t *room, size_t cap)
{
    struct leaf_issued l = {.tenant = rs_bytes_str(CA_TENANT),
                            .issuer = rs_bytes_str("ca"),
                            .profile = rs_bytes_str("p"),
                            .profile_hash = RS_BYTES(b32),
                            .request_id = RS_BYTES(b32),
                            .object = rs_bytes_str("station"),
                            .who = rs_bytes_str("x"),
                            .tbs = rs_bytes_str("tbs")};
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, cap);
    leaf_issued_put(&b, &l);
    assert_true(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

static void
test_certificates_that_are_none(void **state)
{
    uint8_t room[1024];
    struct rs_bytes content = issued(room, sizeof(room));

    (void)state;
    assert_int_not_equal(told(LEDGER_ISSUED, content, rs_bytes_str("no certificate")), RS_OK);
    /* One that cannot be completed is no reason to stand still: it is told, and passed over. */
    assert_int_equal(told(LEDGER_ISSUED, content, (struct rs_bytes){NULL, 0}), RS_OK);
}

static struct rs_bytes
document(const char *kind, const char *bytes, uint8_t *room, size_t cap)
{
    struct leaf_document d = {.tenant = rs_bytes_str(CA_TENANT),
                              .kind = rs_bytes_str(kind),
                              .name = rs_bytes_str("name"),
                              .document = rs_bytes_str(bytes),
                              .hash = RS_BYTES(b32),
                              .who = rs_bytes_str("x")};
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, cap);
    leaf_document_put(&b, &d);
    assert_true(rs_buf_ok(&b));
    return rs_buf_bytes(&b);
}

static void
test_documents_that_are_none(void **state)
{
    static const struct rs_bytes none = {NULL, 0};
    struct liar l = {.times = 1, .next = 1};
    uint8_t room[1024];
    size_t issuers = 9;

    (void)state;
    assert_int_equal(told(LEDGER_ORDER, document("order", "junk", room, sizeof(room)), none),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(told(LEDGER_CONFIG, document("bootstrap", "junk", room, sizeof(room)), none),
                     RS_OK);
    /* A CA without its certificate is none yet. */
    l.leaf = (struct proto_leaf){.type = LEDGER_CONFIG,
                                 .time_ms = 1,
                                 .content = document("issuer", "junk", room, sizeof(room))};
    assert_int_equal(open_on(&l, &issuers), RS_OK);
    assert_int_equal(issuers, 0);
}

/* More than was asked for, and an end that is a refusal. */
static void
test_answers_out_of_shape(void **state)
{
    struct liar l = {.times = 129, .next = 129, .leaf = {.type = LEDGER_LOGIN, .time_ms = 1}};
    size_t issuers;

    (void)state;
    assert_int_not_equal(open_on(&l, &issuers), RS_OK);
    l.times = 3;
    l.refuse = 1;
    assert_int_equal(open_on(&l, &issuers), RS_E_LEDGER_DAMAGED);
    l.times = 0;
    l.refuse = 0;
    l.next = 0;
    assert_int_equal(open_on(&l, &issuers), RS_OK);
    assert_int_equal(issuers, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_that_is_none),
        cmocka_unit_test(test_certificates_that_are_none),
        cmocka_unit_test(test_documents_that_are_none),
        cmocka_unit_test(test_answers_out_of_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
