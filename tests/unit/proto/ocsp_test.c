/*
 * ocsp_test.c: answers that are ready, and when they are not.
 *
 * A whole PKI answers; OpenSSL reads the answers and verifies them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ocsp.h>

#include "base/clock.h"
#include "msg/ocsp.h"
#include "proto/ocsp.h"
#include "proto/ocsp_ready.h"

#define HALF 1800 /* of the hour for which an answer is good */

static struct pk k;
static struct pk_got got;
static struct ocsp_responder *responder;
static const uint8_t nonce[] = {1, 2, 3, 4, 5, 6, 7, 8};

static int
make(void **state)
{
    (void)state;
    pk_make(&k);
    assert_int_equal(ocsp_responder_new(k.pki, &responder, NULL), RS_OK);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    ocsp_responder_free(responder);
    pk_drop(&k);
    return 0;
}

/* A request for a certificate of the issuing CA. */
static struct rs_bytes
request_for(struct rs_bytes serial, struct rs_bytes with_nonce, uint8_t room[512])
{
    const struct pki_issuer *issuer = pki_find_issuer(k.pki, CA_ISSUER);
    struct crypto_pub pub;
    struct rs_buf out;

    assert_non_null(issuer);
    assert_int_equal(crypto_pub_read(issuer->cert.spki, &pub, NULL), RS_OK);
    rs_buf_init_fixed(&out, room, 512);
    assert_int_equal(
        ocsp_request_put(&out, OCSP_SHA1, issuer->cert.subject, pub.key, serial, with_nonce, NULL),
        RS_OK);
    return rs_buf_bytes(&out);
}

static X509 *
x509_of(struct rs_bytes der)
{
    const unsigned char *at = der.p;
    X509 *cert = d2i_X509(NULL, &at, (long)der.len);

    assert_non_null(cert);
    return cert;
}

/* The status that OpenSSL reads, after verifying the whole; -1: an error status. */
static int
status_of(struct rs_bytes der, int64_t *ret_next)
{
    const struct pki_issuer *issuer = pki_find_issuer(k.pki, CA_ISSUER);
    const unsigned char *at = der.p;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    X509_STORE *store = X509_STORE_new();
    X509 *ca = x509_of(issuer->der);
    ASN1_GENERALIZEDTIME *next;
    OCSP_BASICRESP *basic;
    struct tm tm;
    int status;

    assert_non_null(response);
    if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        OCSP_RESPONSE_free(response);
        X509_STORE_free(store);
        X509_free(ca);
        return -1;
    }
    basic = OCSP_response_get1_basic(response);
    assert_non_null(basic);
    (void)X509_STORE_add_cert(store, ca);
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
    assert_int_equal(OCSP_basic_verify(basic, NULL, store, 0), 1);
    assert_int_equal(OCSP_resp_count(basic), 1);
    status = OCSP_single_get0_status(OCSP_resp_get0(basic, 0), NULL, NULL, NULL, &next);
    assert_int_equal(ASN1_TIME_to_tm(next, &tm), 1);
    if (ret_next != NULL)
        *ret_next = (int64_t)timegm(&tm);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    X509_STORE_free(store);
    X509_free(ca);
    return status;
}

static struct ocsp_reply
answer_to(struct rs_bytes request)
{
    struct ocsp_reply reply = {0};

    ocsp_answer(responder, request, &reply);
    return reply;
}

/* 1 when both questions get the very same bytes: the first one's answer was ready. */
static int
same_bytes(struct rs_bytes a, struct rs_bytes b)
{
    struct ocsp_reply first = answer_to(a), second = answer_to(b);
    int same = rs_bytes_equal(first.der, second.der);

    ocsp_reply_done(&first);
    ocsp_reply_done(&second);
    return same;
}

static int
ask(struct rs_bytes request)
{
    struct ocsp_reply reply = answer_to(request);
    int status = status_of(reply.der, NULL);

    ocsp_reply_done(&reply);
    return status;
}

static void
station(const char *name, struct crypto_key **ret_key)
{
    *ret_key = pk_key();
    assert_int_equal(pk_station(&k, *ret_key, name, &got), RS_OK);
}

static rs_code
revoke(struct rs_bytes serial)
{
    return pki_revoke(k.pki, "person:m.keller", CA_ISSUER, serial, 1, "test", NULL);
}

static rs_code
write_nothing(struct store *store, void *arg, struct rs_err *err)
{
    (void)store;
    (void)arg;
    (void)err;
    return RS_OK;
}

/* ---- What is never ready ----------------------------------------------------------------- */

static void
errors_are_not_kept(void **state)
{
    static const uint8_t rubbish[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    struct ocsp_reply reply = answer_to(RS_BYTES(rubbish)), none = {0};
    struct ocsp_caching caching;

    (void)state;
    assert_int_equal(status_of(reply.der, NULL), -1);
    assert_null(reply.ready);
    assert_false(ocsp_reply_caching(&reply, &caching));
    ocsp_reply_done(&reply);
    ocsp_answer_malformed(&none);
    assert_int_equal(status_of(none.der, NULL), -1);
    ocsp_reply_done(&none);
}

static void
unknown_is_not_kept(void **state)
{
    static const uint8_t serial[] = {0x55, 0x66, 0x77};
    uint8_t room[512];
    struct rs_bytes request;
    struct ocsp_reply reply;

    (void)state;
    request = request_for(RS_BYTES(serial), (struct rs_bytes){NULL, 0}, room);
    reply = answer_to(request);
    assert_int_equal(status_of(reply.der, NULL), V_OCSP_CERTSTATUS_UNKNOWN);
    assert_null(reply.ready);
    ocsp_reply_done(&reply);
    assert_false(same_bytes(request, request)); /* ECDSA: no two signatures are alike */
}

static void
a_nonce_is_signed_for(void **state)
{
    struct crypto_key *key;
    uint8_t room[512];
    struct rs_bytes request;

    (void)state;
    station("sz-1", &key);
    request = request_for(got.cert.serial, RS_BYTES(nonce), room);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_GOOD);
    assert_false(same_bytes(request, request));
    crypto_key_free(key);
}

static void
damaged_requests_find_nothing(void **state)
{
    struct crypto_key *key;
    uint8_t room[512];
    struct rs_bytes request;

    (void)state;
    station("sz-2", &key);
    request = request_for(got.cert.serial, (struct rs_bytes){NULL, 0}, room);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_GOOD);
    for (size_t i = 0; i < request.len; i++) {
        room[i] ^= 1;
        assert_true(ask(request) != V_OCSP_CERTSTATUS_GOOD);
        room[i] ^= 1;
    }
    crypto_key_free(key);
}

/* ---- What is ready, and until when ---------------------------------------------------------- */

static void
the_same_bytes_again(void **state)
{
    struct ocsp_caching caching;
    struct crypto_key *key;
    struct ocsp_reply reply;
    uint8_t room[512];
    struct rs_bytes request;

    (void)state;
    station("sz-3", &key);
    request = request_for(got.cert.serial, (struct rs_bytes){NULL, 0}, room);
    assert_true(same_bytes(request, request));
    reply = answer_to(request);
    assert_int_equal(status_of(reply.der, NULL), V_OCSP_CERTSTATUS_GOOD);
    assert_true(ocsp_reply_caching(&reply, &caching));
    assert_in_range(caching.max_age, HALF - 30, HALF);
    assert_int_equal(strlen(caching.etag), 42);
    assert_int_equal(strlen(caching.modified), 29);
    assert_int_equal(strlen(caching.expires), 29);
    /* Something else was written: the store is asked again, and says the same. */
    assert_int_equal(pki_write(k.pki, write_nothing, NULL, NULL), RS_OK);
    struct ocsp_reply again = answer_to(request);
    assert_true(rs_bytes_equal(again.der, reply.der));
    ocsp_reply_done(&again);
    ocsp_reply_done(&reply);
    crypto_key_free(key);
}

static void
a_new_one_after_half_of_its_life(void **state)
{
    struct crypto_key *key;
    struct ocsp_reply first, later;
    uint8_t room[512];
    struct rs_bytes request;
    int64_t next;

    (void)state;
    station("sz-4", &key);
    request = request_for(got.cert.serial, (struct rs_bytes){NULL, 0}, room);
    first = answer_to(request);
    ca_inject("clock=+1700");
    later = answer_to(request);
    assert_true(rs_bytes_equal(first.der, later.der));
    ocsp_reply_done(&later);
    ca_inject("clock=+1900");
    later = answer_to(request);
    assert_false(rs_bytes_equal(first.der, later.der));
    assert_int_equal(status_of(later.der, &next), V_OCSP_CERTSTATUS_GOOD);
    assert_true(next >= rs_now() + HALF);
    ocsp_reply_done(&later);
    /* A clock that was put back: nothing from its future. */
    ca_inject("");
    later = answer_to(request);
    assert_int_equal(status_of(later.der, &next), V_OCSP_CERTSTATUS_GOOD);
    assert_in_range(next, rs_now(), rs_now() + 2 * HALF);
    ocsp_reply_done(&later);
    ocsp_reply_done(&first);
    crypto_key_free(key);
}

/* The certificate of the responder's key ends after 30 days; its successor comes in time. */
static void
keys_are_renewed(void **state)
{
    struct crypto_key *key;
    uint8_t room[512];
    struct rs_bytes request;
    int64_t next;

    (void)state;
    station("sz-5", &key);
    request = request_for(got.cert.serial, (struct rs_bytes){NULL, 0}, room);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_GOOD);
    assert_int_equal(ocsp_responder_tidy(responder, NULL), RS_OK);
    assert_true(same_bytes(request, request));
    ca_inject("clock=+2591000"); /* a quarter of an hour before its end */
    struct ocsp_reply reply = answer_to(request);
    assert_int_equal(status_of(reply.der, &next), V_OCSP_CERTSTATUS_GOOD);
    assert_true(next < rs_now() + HALF);
    ocsp_reply_done(&reply);
    assert_int_equal(ocsp_responder_tidy(responder, NULL), RS_OK);
    ca_inject("clock=+2591990"); /* the answer of before is over half of its life */
    reply = answer_to(request);
    assert_int_equal(status_of(reply.der, &next), V_OCSP_CERTSTATUS_GOOD);
    assert_true(next > rs_now() + HALF);
    ocsp_reply_done(&reply);
    ca_inject("");
    crypto_key_free(key);
}

/* ---- Revocation ------------------------------------------------------------------------------ */

static void
revoked_at_once(void **state)
{
    struct crypto_key *key;
    uint8_t room[512];
    struct rs_bytes request;

    (void)state;
    station("sz-6", &key);
    request = request_for(got.cert.serial, (struct rs_bytes){NULL, 0}, room);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_GOOD);
    assert_true(same_bytes(request, request));
    assert_int_equal(revoke(got.cert.serial), RS_OK);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_REVOKED);
    assert_true(same_bytes(request, request)); /* that is ready as well */
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_REVOKED);
    crypto_key_free(key);
}

static struct {
    struct rs_bytes request;
    atomic_int revoked, stop;
    atomic_uint asked, wrong;
} race;

static void *
ask_loop(void *arg)
{
    (void)arg;
    while (!atomic_load(&race.stop)) {
        int acknowledged = atomic_load(&race.revoked);
        int status = ask(race.request);
        atomic_fetch_add(&race.asked, 1);
        if (acknowledged && status != V_OCSP_CERTSTATUS_REVOKED)
            atomic_fetch_add(&race.wrong, 1);
    }
    return NULL;
}

/* Whoever asks after the revocation was acknowledged is told so, whoever else asks or signs. */
static void
revoked_while_many_ask(void **state)
{
    pthread_t threads[4];
    uint8_t room[512];

    (void)state;
    for (int turn = 0; turn < 20; turn++) {
        struct crypto_key *key;
        char name[16];
        (void)snprintf(name, sizeof(name), "sr-%d", turn);
        station(name, &key);
        race.request = request_for(got.cert.serial, (struct rs_bytes){NULL, 0}, room);
        race.revoked = race.stop = 0;
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask_loop, NULL), 0);
        unsigned from = atomic_load(&race.asked);
        while (atomic_load(&race.asked) < from + 20)
            rs_sleep_us(1000);
        assert_int_equal(revoke(got.cert.serial), RS_OK);
        atomic_store(&race.revoked, 1);
        from = atomic_load(&race.asked);
        while (atomic_load(&race.asked) < from + 20)
            rs_sleep_us(1000);
        atomic_store(&race.stop, 1);
        for (int i = 0; i < 4; i++)
            (void)pthread_join(threads[i], NULL);
        crypto_key_free(key);
    }
    assert_int_equal(atomic_load(&race.wrong), 0);
}

/* The leaf stands in the ledger; the front dies before its store has it. */
static void
revoked_across_a_crash(void **state)
{
    struct crypto_key *key;
    uint8_t room[512];
    struct rs_bytes request, serial;
    uint8_t kept[20];

    (void)state;
    station("sz-7", &key);
    assert_true(got.cert.serial.len <= sizeof(kept));
    memcpy(kept, got.cert.serial.p, got.cert.serial.len);
    serial = rs_bytes_of(kept, got.cert.serial.len);
    request = request_for(serial, (struct rs_bytes){NULL, 0}, room);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_GOOD);
    ocsp_responder_free(responder);
    responder = NULL;
    pk_close(&k);

    /* What the signer was told, and no front took over. */
    struct proto_item item = {.type = PROTO_REVOKE};
    struct proto_revoke *m = &item.as.revoke;
    static const uint8_t id[32] = {7};
    m->request_id = RS_BYTES(id);
    m->tenant = rs_bytes_str(CA_TENANT);
    m->issuer = rs_bytes_str(CA_ISSUER);
    m->serial = serial;
    m->who = rs_bytes_str("person:m.keller");
    m->text = rs_bytes_str("test");
    m->reason = 1;
    assert_int_equal(ca_call(&k.ca, &item, NULL, NULL, NULL), RS_OK);

    assert_int_equal(pk_open(&k, NULL), RS_OK);
    assert_int_equal(ocsp_responder_new(k.pki, &responder, NULL), RS_OK);
    assert_int_equal(ask(request), V_OCSP_CERTSTATUS_REVOKED);
    crypto_key_free(key);
}

/* ---- The table ---------------------------------------------------------------------------------- */

static void
the_table_is_bounded(void **state)
{
    struct ready_table *t = malloc(sizeof(*t));
    static const uint8_t response[READY_RESPONSE_MAX + 1];
    uint8_t request[READY_REQUEST_MAX + 1] = {0};
    size_t there = 0;

    (void)state;
    assert_non_null(t);
    assert_null(ready_new(RS_BYTES(request), RS_BYTES(nonce)));
    assert_null(ready_new(RS_BYTES(nonce), RS_BYTES(response)));
    assert_null(ready_new((struct rs_bytes){NULL, 0}, RS_BYTES(nonce)));
    ready_init(t);
    for (uint32_t i = 0; i < 3 * READY_ENTRIES; i++) {
        memcpy(request, &i, sizeof(i));
        struct ready *r = ready_new(rs_bytes_of(request, 8), RS_BYTES(nonce));
        assert_non_null(r);
        r->renew_at = 10;
        r->until = 20;
        ready_keep(t, r);
        ready_drop(r);
        r = ready_find(t, rs_bytes_of(request, 8), 9);
        assert_non_null(r);
        ready_drop(r);
        assert_null(ready_find(t, rs_bytes_of(request, 8), 10));
        assert_null(ready_find(t, rs_bytes_of(request, 8), -1));
    }
    for (size_t i = 0; i < READY_ENTRIES; i++)
        there += t->entries[i] != NULL;
    assert_true(there > READY_ENTRIES / 2);
    ready_done(t);
    free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_not_kept),
        cmocka_unit_test(unknown_is_not_kept),
        cmocka_unit_test(a_nonce_is_signed_for),
        cmocka_unit_test(damaged_requests_find_nothing),
        cmocka_unit_test(the_same_bytes_again),
        cmocka_unit_test(a_new_one_after_half_of_its_life),
        cmocka_unit_test(revoked_at_once),
        cmocka_unit_test(revoked_while_many_ask),
        cmocka_unit_test(revoked_across_a_crash),
        cmocka_unit_test(keys_are_renewed),
        cmocka_unit_test(the_table_is_bounded),
    };

    return cmocka_run_group_tests_name("proto/ocsp", tests, make, drop);
}
