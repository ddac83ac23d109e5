/*
 * proto_test.c: the signer's messages in both directions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys/proto.h"

static const uint8_t b32[32] = {1, 2, 3};
static const uint8_t b5[5] = {9, 8, 7};
#define H32     RS_BYTES(b32)
#define S(text) rs_bytes_str(text)

/* An item of this type with every field filled in. */
static struct proto_item
sample(enum proto_type type)
{
    struct proto_item m = {.type = type, .seq = 77};

    switch ((int)type) {
    case PROTO_HELLO:
        m.as.hello.version = 1;
        m.as.hello.program = S("front");
        break;
    case PROTO_ISSUE:
        m.as.issue =
            (struct proto_issue){.request_id = H32,
                                 .tenant = S("t"),
                                 .issuer = S("i"),
                                 .profile_hash = H32,
                                 .order = S("o"),
                                 .station = S("s"),
                                 .who = S("w"),
                                 .object = S("idevid"),
                                 .chip_model = S("soft"),
                                 .chip_uid = RS_BYTES(b5),
                                 .spki = H32,
                                 .not_after = 5,
                                 .values = {{DOC_VALUE_NAME, S("n")}, {DOC_VALUE_DNS, S("")}},
                                 .value_count = 2};
        break;
    case PROTO_REVOKE:
        m.as.revoke =
            (struct proto_revoke){H32, S("t"), S("i"), RS_BYTES(b5), S("w"), S("lost"), 1};
        break;
    case PROTO_CRL:
        m.as.crl = (struct proto_crl){S("t"), S("i"), 99};
        break;
    case PROTO_DOCUMENT:
        m.as.document = (struct proto_document){.tenant = S("t"),
                                                .kind = S("order"),
                                                .name = S("n"),
                                                .who = S("w"),
                                                .document = H32,
                                                .approvals = {{{4}, RS_BYTES(b5)}},
                                                .approval_count = 1};
        break;
    case PROTO_RECOVER:
        m.as.recover.from = 5;
        m.as.recover.max = 6;
        break;
    case PROTO_SEEN:
        m.as.seen.note = H32;
        break;
    case PROTO_REFUSAL:
    case PROTO_LOGIN:
        m.as.note = (struct proto_note){S("csr.format"), S("w"), S("why"), 3, 4, 5};
        break;
    case PROTO_BOOTSTRAP:
        m.as.bootstrap = (struct proto_bootstrap){.installation = S("x"),
                                                  .tenant = S("t"),
                                                  .production = 1,
                                                  .claim_key = H32,
                                                  .claim_until = 7,
                                                  .documents = {H32},
                                                  .kinds = {S("issuer")},
                                                  .document_count = 1};
        break;
    case PROTO_CLAIM:
        m.as.claim = (struct proto_claim){S("t"), S("ann"), H32, H32};
        break;
    case PROTO_READY:
        m.as.ready = (struct proto_ready){1, 2, 3, 4, H32, S("x"), 1, 5, 6, H32};
        break;
    case PROTO_ISSUED:
        m.as.issued = (struct proto_issued){4, H32};
        break;
    case PROTO_DONE:
        m.as.done = (struct proto_done){4, H32};
        break;
    case PROTO_REFUSED:
        m.as.refused = (struct proto_refused){S("order.exhausted"), S("why")};
        break;
    case PROTO_PART:
        m.as.part = (struct proto_part){0, 32, H32};
        break;
    case PROTO_LEAF:
        m.as.leaf = (struct proto_leaf){1, 2, 3, H32, H32};
        break;
    default:
        break;
    }
    return m;
}

static const enum proto_type front_types[] = {
    PROTO_HELLO,     PROTO_ISSUE,      PROTO_REVOKE, PROTO_CRL,     PROTO_DOCUMENT,
    PROTO_RECOVER,   PROTO_CHECKPOINT, PROTO_SEEN,   PROTO_REFUSAL, PROTO_LOGIN,
    PROTO_BOOTSTRAP, PROTO_CLAIM,      PROTO_STATUS, PROTO_EXPORT,
};
static const enum proto_type signer_types[] = {PROTO_READY,   PROTO_ISSUED, PROTO_DONE,
                                               PROTO_REFUSED, PROTO_PART,   PROTO_LEAF};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void
put_all(int from_front, struct rs_buf *out)
{
    struct proto_writer w;

    proto_begin(&w, out);
    for (size_t i = 0; i < (from_front ? COUNT(front_types) : COUNT(signer_types)); i++) {
        struct proto_item item = sample(from_front ? front_types[i] : signer_types[i]);
        assert_int_equal(proto_put(&w, &item), 1);
    }
    proto_end(&w);
}

/* All of a message, written again into out; the first error. */
static rs_code
rewrite(struct rs_bytes message, int from_front, struct rs_buf *out)
{
    struct proto_reader r;
    struct proto_writer w;
    struct proto_item item;
    int more = 1;
    rs_code rc = proto_open(&r, message, from_front, NULL);

    if (rc != RS_OK)
        return rc;
    proto_begin(&w, out);
    while ((rc = proto_next(&r, &item, &more, NULL)) == RS_OK && more)
        assert_int_equal(proto_put(&w, &item), 1);
    proto_end(&w);
    return rc;
}

static void
both(struct rs_buf *message, struct rs_buf *out)
{
    rs_buf_init(message, PROTO_MESSAGE_MAX);
    rs_buf_init(out, PROTO_MESSAGE_MAX);
}

/* ---- Refusals ------------------------------------------------------------------------ */

static void
refuses_every_truncation_and_trailing_bytes(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf m = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    both(&m, &out);
    for (int front = 0; front < 2; front++) {
        put_all(front, &m);
        for (size_t len = 0; len < m.len; len++) {
            uint8_t *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut, m.p, len);
            assert_int_equal(rewrite(rs_bytes_of(cut, len), front, &out), RS_E_SIGNER_PROTOCOL);
            free(cut);
        }
        assert_int_equal(rewrite(rs_buf_bytes(&m), !front, &out), RS_E_SIGNER_PROTOCOL);
        rs_buf_put_u8(&m, 0);
        assert_int_equal(rewrite(rs_buf_bytes(&m), front, &out), RS_E_SIGNER_PROTOCOL);
    }
}

/* A change is refused, or the message says something else in exactly these bytes. */
static void
there_is_one_encoding(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf m = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    both(&m, &out);
    for (int front = 0; front < 2; front++) {
        put_all(front, &m);
        for (size_t bit = 0; bit < m.len * 8; bit++) {
            m.p[bit / 8] = (uint8_t)(m.p[bit / 8] ^ 1u << bit % 8);
            if (rewrite(rs_buf_bytes(&m), front, &out) == RS_OK)
                assert_true(rs_bytes_equal(rs_buf_bytes(&out), rs_buf_bytes(&m)));
            m.p[bit / 8] = (uint8_t)(m.p[bit / 8] ^ 1u << bit % 8);
        }
        assert_int_equal(rewrite(rs_buf_bytes(&m), front, &out), RS_OK);
        assert_true(rs_bytes_equal(rs_buf_bytes(&out), rs_buf_bytes(&m)));
    }
}

static rs_code
send_one(const struct proto_item *item, int from_front)
{
    RS_AUTO(rs_buf_done) struct rs_buf m = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    struct proto_writer w;

    both(&m, &out);
    proto_begin(&w, &m);
    assert_int_equal(proto_put(&w, item), 1);
    proto_end(&w);
    return rewrite(rs_buf_bytes(&m), from_front, &out);
}

#define REFUSE(type, change)                                                                       \
    do {                                                                                           \
        struct proto_item m = sample(type);                                                        \
        assert_int_equal(send_one(&m, (type) < PROTO_READY), RS_OK);                               \
        change;                                                                                    \
        if (send_one(&m, (type) < PROTO_READY) != RS_E_SIGNER_PROTOCOL)                            \
            fail_msg("accepted: %s", #change);                                                     \
    } while (0)

static void
refuses_fields_past_their_limits(void **state)
{
    static uint8_t big[65000];
    char name[98];

    (void)state;
    memset(name, 'a', 97);
    name[97] = '\0';
    REFUSE(PROTO_ISSUE, m.as.issue.request_id.len = 31);
    REFUSE(PROTO_ISSUE, m.as.issue.profile_hash.len = 0);
    REFUSE(PROTO_ISSUE, m.as.issue.tenant = S(name));
    REFUSE(PROTO_ISSUE, m.as.issue.who = S("a\nb"));
    REFUSE(PROTO_ISSUE, m.as.issue.who = S("a\x7f"));
    REFUSE(PROTO_ISSUE, m.as.issue.chip_uid = rs_bytes_of(big, 33));
    REFUSE(PROTO_ISSUE, m.as.issue.spki = rs_bytes_of(big, 2753));
    REFUSE(PROTO_ISSUE, m.as.issue.values[0].id = (enum doc_value)0);
    REFUSE(PROTO_ISSUE, m.as.issue.values[0].id = (enum doc_value)(DOC_VALUE_MAX + 1));
    REFUSE(PROTO_ISSUE, m.as.issue.values[0].text = rs_bytes_of(big, 513));
    REFUSE(PROTO_REVOKE, m.as.revoke.serial = rs_bytes_of(big, 21));
    REFUSE(PROTO_REVOKE, m.as.revoke.text = S("\t"));
    REFUSE(PROTO_DOCUMENT, m.as.document.document = rs_bytes_of(big, DOC_BYTES_MAX + 1));
    REFUSE(PROTO_DOCUMENT, m.as.document.approvals[0].signature = rs_bytes_of(big, 513));
    REFUSE(PROTO_SEEN, m.as.seen.note = rs_bytes_of(big, 4097));
    REFUSE(PROTO_BOOTSTRAP, m.as.bootstrap.production = 2);
    REFUSE(PROTO_BOOTSTRAP, m.as.bootstrap.claim_key.len = 16);
    REFUSE(PROTO_CLAIM, m.as.claim.proof.len = 31);
    REFUSE(PROTO_READY, m.as.ready.root.len = 31);
    REFUSE(PROTO_ISSUED, m.as.issued.der = rs_bytes_of(big, 16385));
    REFUSE(PROTO_PART, m.as.part.bytes = rs_bytes_of(big, PROTO_PART_MAX + 1));
}

/* Counts that are larger than the arrays they fill. */
static void
refuses_counts_past_their_arrays(void **state)
{
    static const struct {
        enum proto_type type;
        size_t from_end; /* of the count's byte in the sample */
        unsigned bad;
    } cases[] = {
        {PROTO_ISSUE, 3 + 4 + 1, PROTO_VALUES_MAX + 1},
        {PROTO_ISSUE, 3 + 4 + 1, 255},
        {PROTO_DOCUMENT, 32 + 7 + 1, 5},
        {PROTO_BOOTSTRAP, 8 + 36 + 1, DOC_LIST_MAX + 1},
    };
    RS_AUTO(rs_buf_done) struct rs_buf m = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};

    (void)state;
    both(&m, &out);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct proto_item item = sample(cases[i].type);
        struct proto_writer w;
        proto_begin(&w, &m);
        assert_int_equal(proto_put(&w, &item), 1);
        proto_end(&w);
        assert_true(m.p[m.len - cases[i].from_end] <= 2);
        m.p[m.len - cases[i].from_end] = (uint8_t)cases[i].bad;
        assert_int_equal(rewrite(rs_buf_bytes(&m), 1, &out), RS_E_SIGNER_PROTOCOL);
    }
}

static void
refuses_headers_that_are_not_ours(void **state)
{
    RS_AUTO(rs_buf_done) struct rs_buf m = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    static uint8_t big[PROTO_MESSAGE_MAX + 1];

    (void)state;
    both(&m, &out);
    for (size_t at = 0; at < 8; at++) {
        put_all(1, &m);
        m.p[at] ^= 0x40;
        assert_int_equal(rewrite(rs_buf_bytes(&m), 1, &out), RS_E_SIGNER_PROTOCOL);
    }
    put_all(1, &m);
    m.p[7] = 0;
    assert_int_equal(rewrite(rs_buf_bytes(&m), 1, &out), RS_E_SIGNER_PROTOCOL);
    m.p[7] = PROTO_BATCH_MAX + 1;
    assert_int_equal(rewrite(rs_buf_bytes(&m), 1, &out), RS_E_SIGNER_PROTOCOL);
    memcpy(big, m.p, m.len);
    big[7] = 14;
    assert_int_equal(rewrite(RS_BYTES(big), 1, &out), RS_E_SIGNER_PROTOCOL);
}

/* ---- Batches --------------------------------------------------------------------------- */

static void
a_batch_ends_when_it_is_full(void **state)
{
    static uint8_t big[PROTO_PART_MAX];
    RS_AUTO(rs_buf_done) struct rs_buf m = {0};
    RS_AUTO(rs_buf_done) struct rs_buf out = {0};
    struct proto_item item = sample(PROTO_STATUS), part = sample(PROTO_PART);
    struct proto_item nonsense = {.type = (enum proto_type)50},
                      nonsense2 = {.type = (enum proto_type)200};
    struct proto_writer w;

    (void)state;
    both(&m, &out);
    proto_begin(&w, &m);
    for (int i = 0; i < PROTO_BATCH_MAX; i++)
        assert_int_equal(proto_put(&w, &item), 1);
    assert_int_equal(proto_put(&w, &item), 0);
    proto_end(&w);
    assert_int_equal(rewrite(rs_buf_bytes(&m), 1, &out), RS_OK);
    part.as.part.bytes = RS_BYTES(big);
    proto_begin(&w, &m);
    assert_int_equal(proto_put(&w, &part), 1);
    assert_int_equal(proto_put(&w, &part), 1);
    assert_int_equal(proto_put(&w, &part), 0); /* 128 KiB hold two */
    assert_int_equal(proto_put(&w, &nonsense), 0);
    assert_int_equal(proto_put(&w, &nonsense2), 0);
    proto_end(&w);
    assert_int_equal(rewrite(rs_buf_bytes(&m), 0, &out), RS_OK);
    assert_true(rs_bytes_equal(rs_buf_bytes(&out), rs_buf_bytes(&m)));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_truncation_and_trailing_bytes),
        cmocka_unit_test(there_is_one_encoding),
        cmocka_unit_test(refuses_fields_past_their_limits),
        cmocka_unit_test(refuses_counts_past_their_arrays),
        cmocka_unit_test(refuses_headers_that_are_not_ours),
        cmocka_unit_test(a_batch_ends_when_it_is_full),
    };

    return cmocka_run_group_tests_name("keys/proto", tests, NULL, NULL);
}
