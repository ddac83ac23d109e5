/*
 * signer_client_test.c: the front's end of the signer protocol, against a
 * signer that is played by a thread here: honest, refusing, lying or dying.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/sock.h"
#include "keys/signer_client.h"

static const uint8_t b32[32] = {5};
static const char long_text[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

enum play {
    HONEST,      /* answers everything */
    SILENT,      /* says READY and then nothing more */
    DIES,        /* ends before READY */
    FENCED,      /* refuses to be ready */
    WRONG_HELLO, /* something else instead of READY */
    GARBAGE,     /* bytes that are no message, instead of READY */
    LIES,        /* answers what nobody asked */
    CUT_PARTS,   /* parts out of order */
    LARGE_PARTS, /* more than was said */
    LEAVES,      /* ends at the first request */
};

struct signer {
    pthread_t thread;
    int fd;
    enum play play;
};

static void
send_item(int fd, const struct proto_item *item)
{
    struct rs_buf out;
    struct proto_writer w;

    rs_buf_init(&out, PROTO_MESSAGE_MAX);
    proto_begin(&w, &out);
    if (!proto_put(&w, item))
        abort();
    proto_end(&w);
    (void)!rs_sock_send(fd, rs_buf_bytes(&out), NULL);
    rs_buf_done(&out);
}

static void
send_part(int fd, uint32_t seq, uint64_t offset, uint64_t total, size_t len)
{
    struct proto_item m = {.type = PROTO_PART, .seq = seq};

    m.as.part = (struct proto_part){offset, total, rs_bytes_of(b32, len)};
    send_item(fd, &m);
}

static void
answer(const struct signer *s, const struct proto_item *item)
{
    struct proto_item m = {.type = PROTO_DONE, .seq = item->seq};

    if (s->play == LIES)
        m.seq += 1024; /* the same bucket of the client */
    m.as.done = (struct proto_done){42, rs_bytes_str("payload")};
    if (s->play == CUT_PARTS) {
        send_part(s->fd, item->seq, 5, 32, 10);
    } else if (s->play == LARGE_PARTS) {
        send_part(s->fd, item->seq, 0, 10, 20);
    } else if (item->type == PROTO_STATUS) {
        send_part(s->fd, item->seq, 0, 30, 20);
        send_part(s->fd, item->seq, 20, 30, 10);
    } else if (item->type == PROTO_ISSUE) {
        m.type = PROTO_ISSUED;
        m.as.issued = (struct proto_issued){7, RS_BYTES(b32)};
        send_item(s->fd, &m);
    } else if (item->type == PROTO_REVOKE) {
        m.type = PROTO_REFUSED;
        m.as.refused.text = rs_bytes_str("because");
        m.as.refused.code =
            rs_bytes_str(item->as.revoke.reason == 1 ? "order.exhausted" : "no.such");
        if (item->as.revoke.reason == 2) /* as long as a code may be, and longer than any is */
            m.as.refused.code = rs_bytes_of(long_text, 96);
        send_item(s->fd, &m);
    } else {
        if (item->type == PROTO_RECOVER) {
            struct proto_item leaf = {.type = PROTO_LEAF, .seq = item->seq};
            send_item(s->fd, &leaf);
            send_item(s->fd, &leaf);
        }
        send_item(s->fd, &m);
    }
}

static void
serve(const struct signer *s, uint8_t *buf)
{
    struct proto_reader r;
    struct proto_item item;
    size_t len;
    int more;

    while (rs_sock_receive(s->fd, buf, PROTO_MESSAGE_MAX, -1, &len, NULL) == RS_OK && len > 0) {
        if (s->play == LEAVES)
            return;
        if (proto_open(&r, rs_bytes_of(buf, len), 1, NULL) != RS_OK)
            abort();
        while (s->play != SILENT && proto_next(&r, &item, &more, NULL) == RS_OK && more)
            answer(s, &item);
    }
}

static void *
run_signer(void *arg)
{
    struct signer *s = arg;
    struct proto_item m = {.type = s->play == FENCED        ? PROTO_REFUSED
                                   : s->play == WRONG_HELLO ? PROTO_DONE
                                                            : PROTO_READY};
    uint8_t *buf = malloc(PROTO_MESSAGE_MAX);
    size_t len;

    if (buf == NULL || rs_sock_receive(s->fd, buf, PROTO_MESSAGE_MAX, 5000, &len, NULL) != RS_OK)
        abort();
    if (s->play == FENCED) {
        m.as.refused =
            (struct proto_refused){rs_bytes_str("signer.fenced"), rs_bytes_str(long_text)};
    } else if (m.type == PROTO_READY) {
        m.as.ready = (struct proto_ready){.version = PROTO_VERSION,
                                          .size = 9,
                                          .root = RS_BYTES(b32),
                                          .installation = rs_bytes_str("x"),
                                          .ledger_key = RS_BYTES(b32)};
    }
    if (s->play == GARBAGE)
        (void)!rs_sock_send(s->fd, RS_BYTES(b32), NULL);
    else if (s->play != DIES)
        send_item(s->fd, &m);
    if (s->play != DIES && s->play != FENCED)
        serve(s, buf);
    free(buf);
    rs_sock_close(s->fd);
    return NULL;
}

/* Start one; the front's end. */
static int
start(struct signer *s, enum play play)
{
    int fd[2];

    assert_int_equal(rs_sock_pair(262144, fd, NULL), RS_OK);
    s->fd = fd[1];
    s->play = play;
    assert_int_equal(pthread_create(&s->thread, NULL, run_signer, s), 0);
    return fd[0];
}

static struct signer_client *
connect_to(struct signer *s, enum play play)
{
    struct signer_client *c = NULL;
    struct proto_ready ready;

    assert_int_equal(signer_client_new(start(s, play), "test", &c, &ready, NULL), RS_OK);
    assert_int_equal(ready.size, 9);
    return c;
}

static void
finish(struct signer_client *c, struct signer *s)
{
    signer_client_free(c);
    assert_int_equal(pthread_join(s->thread, NULL), 0);
}

static struct proto_item
ask(enum proto_type type)
{
    struct proto_item m = {.type = type};

    if (type == PROTO_ISSUE) {
        m.as.issue.request_id = m.as.issue.profile_hash = RS_BYTES(b32);
    } else if (type == PROTO_REVOKE) {
        m.as.revoke.request_id = RS_BYTES(b32);
        m.as.revoke.reason = 1;
    }
    return m;
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_signers_that_are_not_ready(void **state)
{
    static const struct {
        enum play play;
        rs_code code;
    } cases[] = {
        {DIES, RS_E_SIGNER_AWAY},
        {FENCED, RS_E_SIGNER_FENCED},
        {WRONG_HELLO, RS_E_SIGNER_PROTOCOL},
        {GARBAGE, RS_E_SIGNER_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct signer s;
        struct signer_client *c = NULL;
        struct proto_ready ready;
        assert_int_equal(signer_client_new(start(&s, cases[i].play), "test", &c, &ready, NULL),
                         cases[i].code);
        assert_null(c);
        assert_int_equal(pthread_join(s.thread, NULL), 0);
    }
    signer_client_free(NULL);
}

/* A signer that breaks the protocol, or ends, is away for everybody who waits. */
static void
whoever_waits_learns_that_the_signer_is_away(void **state)
{
    static const enum play plays[] = {LIES, CUT_PARTS, LARGE_PARTS, LEAVES};

    (void)state;
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        struct signer s;
        struct signer_client *c = connect_to(&s, plays[i]);
        struct proto_item m = ask(PROTO_CHECKPOINT);
        struct rs_err err = {0};
        assert_int_equal(signer_client_call(c, &m, NULL, NULL, &err), RS_E_SIGNER_AWAY);
        assert_int_equal(signer_client_alive(c), 0);
        assert_int_equal(signer_client_call(c, &m, NULL, NULL, NULL), RS_E_SIGNER_AWAY);
        finish(c, &s);
    }
}

static void
refuses_what_does_not_fit(void **state)
{
    static uint8_t big[PROTO_MESSAGE_MAX];
    struct signer s;
    struct signer_client *c = connect_to(&s, HONEST);
    struct proto_item m = ask(PROTO_DOCUMENT);
    struct rs_err err = {0};
    struct rs_buf little;
    uint8_t room[4];

    (void)state;
    m.as.document.document = RS_BYTES(big);
    assert_int_equal(signer_client_call(c, &m, NULL, NULL, NULL), RS_E_REQUEST_TOO_LARGE);
    assert_int_equal(signer_client_call(c, &m, NULL, NULL, &err), RS_E_REQUEST_TOO_LARGE);
    rs_buf_init_fixed(&little, room, sizeof(room));
    m = ask(PROTO_STATUS);
    assert_int_equal(signer_client_call(c, &m, NULL, &little, NULL), RS_E_NO_MEMORY);
    finish(c, &s);
}

static void
count_answer(void *arg, rs_code rc, const struct proto_item *item, const struct rs_err *err)
{
    (void)item;
    (void)err;
    if (rc == RS_E_SIGNER_AWAY)
        (*(int *)arg)++;
}

static void
count_away(void *arg)
{
    (*(int *)arg)++;
}

/* 4,096 may wait; each is answered once, also when the client ends first. */
static void
the_queue_is_bounded_and_none_is_forgotten(void **state)
{
    struct signer s;
    struct signer_client *c = connect_to(&s, SILENT);
    struct proto_item m = ask(PROTO_CHECKPOINT);
    int answered = 0, away = 0;

    (void)state;
    signer_client_on_away(c, count_away, &away);
    for (int i = 0; i < 4096; i++)
        assert_int_equal(signer_client_submit(c, &m, count_answer, &answered, NULL), RS_OK);
    assert_int_equal(signer_client_submit(c, &m, count_answer, &answered, NULL),
                     RS_E_REQUEST_LIMIT);
    finish(c, &s);
    assert_int_equal(answered, 4096);
    assert_int_equal(away, 0); /* it was us who ended */
}

/* ---- What works ---------------------------------------------------------------------- */

static void
every_kind_of_answer_arrives(void **state)
{
    struct signer s;
    struct signer_client *c = connect_to(&s, HONEST);
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    struct rs_err err = {0};
    struct proto_item m = ask(PROTO_ISSUE);
    uint64_t leaf = 0;

    (void)state;
    rs_buf_init(&out, 1000);
    assert_int_equal(signer_client_alive(c), 1);
    assert_int_equal(signer_client_call(c, &m, &leaf, &out, NULL), RS_OK);
    assert_true(leaf == 7 && out.len == 32);
    rs_buf_reset(&out);
    m = ask(PROTO_STATUS);
    assert_int_equal(signer_client_call(c, &m, NULL, &out, NULL), RS_OK);
    assert_int_equal(out.len, 30);
    rs_buf_reset(&out);
    m = ask(PROTO_RECOVER);
    assert_int_equal(signer_client_call(c, &m, &leaf, &out, NULL), RS_OK);
    assert_true(leaf == 42 && rs_bytes_equal(rs_buf_bytes(&out), rs_bytes_str("payload")));
    m = ask(PROTO_REVOKE);
    assert_int_equal(signer_client_call(c, &m, NULL, NULL, &err), RS_E_ORDER_EXHAUSTED);
    assert_string_equal(err.text, "because");
    m.as.revoke.reason = 0;
    assert_int_equal(signer_client_call(c, &m, NULL, NULL, NULL), RS_E_SIGNER_PROTOCOL);
    m.as.revoke.reason = 2;
    assert_int_equal(signer_client_call(c, &m, NULL, NULL, NULL), RS_E_SIGNER_PROTOCOL);
    m = ask(PROTO_STATUS);
    assert_int_equal(signer_client_call(c, &m, &leaf, NULL, NULL), RS_OK);
    finish(c, &s);
}

static void *
call_many(void *arg)
{
    struct proto_item m = ask(PROTO_ISSUE);
    size_t bad = 0;

    for (int i = 0; i < 200; i++) {
        uint64_t leaf = 0;
        bad += signer_client_call(arg, &m, &leaf, NULL, NULL) != RS_OK || leaf != 7;
    }
    return (void *)bad;
}

static void
threads_share_a_client(void **state)
{
    struct signer s;
    struct signer_client *c = connect_to(&s, HONEST);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_many, c), 0);
    for (size_t i = 0; i < 4; i++) {
        void *bad;
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    finish(c, &s);
}

/* A new signer takes over; one that is not ready does no harm, however often. */
static void
a_new_signer_takes_over(void **state)
{
    struct signer first, bad, last;
    struct signer_client *c = connect_to(&first, LEAVES);
    struct proto_item m = ask(PROTO_CHECKPOINT);
    uint64_t leaf = 0;
    int away = 0;

    (void)state;
    signer_client_on_away(c, count_away, &away);
    assert_int_equal(signer_client_call(c, &m, NULL, NULL, NULL), RS_E_SIGNER_AWAY);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(signer_client_attach(c, start(&bad, DIES), NULL), RS_E_SIGNER_AWAY);
        assert_int_equal(pthread_join(bad.thread, NULL), 0);
    }
    assert_int_equal(away, 1);
    assert_int_equal(signer_client_attach(c, start(&first, HONEST), NULL), RS_OK);
    assert_int_equal(signer_client_call(c, &m, &leaf, NULL, NULL), RS_OK);
    assert_int_equal(leaf, 42);
    assert_int_equal(signer_client_attach(c, start(&last, HONEST), NULL),
                     RS_OK); /* while one lives */
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    assert_int_equal(signer_client_call(c, &m, &leaf, NULL, NULL), RS_OK);
    finish(c, &last);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_signers_that_are_not_ready),
        cmocka_unit_test(whoever_waits_learns_that_the_signer_is_away),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(the_queue_is_bounded_and_none_is_forgotten),
        cmocka_unit_test(every_kind_of_answer_arrives),
        cmocka_unit_test(threads_share_a_client),
        cmocka_unit_test(a_new_signer_takes_over),
    };

    return cmocka_run_group_tests_name("keys/signer_client", tests, NULL, NULL);
}
