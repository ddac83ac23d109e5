/*
 * issue_test.c: who gets which certificate: the refusals first, and then that
 * one request makes one certificate, however often it is sent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/objects.h>

static struct pk k;
static struct pk_got got;
static uint8_t room[4096];

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

static struct rs_bytes
csr_of(const struct crypto_key *key, const char *cn, const char *serial, const char *dns)
{
    struct pk_csr csr = {.key = key, .cn = cn, .serial = serial, .dns = dns};

    return pk_csr(&csr, room, sizeof(room));
}

/* ---- Requests that are none ------------------------------------------------------------------ */

static void
test_bytes_that_are_no_request(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct crypto_key *key = pk_key();
    struct rs_bytes csr;

    (void)state;
    assert_int_equal(pk_ask(&k, &station, "o-1", rs_bytes_str("junk"), &got), RS_E_CSR_FORMAT);
    assert_int_equal(pk_ask(&k, &station, "o-1", (struct rs_bytes){NULL, 0}, &got),
                     RS_E_CSR_FORMAT);
    csr = csr_of(key, NULL, "X-1", NULL);
    room[csr.len - 1] ^= 1; /* a signature that another key made */
    assert_int_equal(pk_ask(&k, &station, "o-1", csr, &got), RS_E_KEY_PROOF);
    assert_int_equal(pk_count(&k, "X-1", 0), 0);
    crypto_key_free(key);
}

static void
test_nobody_gets_one(void **state)
{
    struct pki_caller nobody = pk_caller(PKI_NOBODY, ""), server = pk_caller(PKI_SERVER, "x");
    struct crypto_key *key = pk_key();
    struct rs_bytes csr = csr_of(key, "x", NULL, NULL);

    (void)state;
    assert_int_equal(pk_ask(&k, &nobody, "station", csr, &got), RS_E_AUTH_DENIED);
    assert_int_equal(pk_ask(&k, &server, "station", csr, &got), RS_E_AUTH_DENIED);
    crypto_key_free(key);
}

static void
test_no_ca_rights(void **state)
{
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");
    uint8_t ca[4096];

    (void)state;
    assert_int_equal(pk_ask(&k, &person, "tls-server",
                            pk_csr_with(NID_basic_constraints, "critical,CA:TRUE", ca, sizeof(ca)),
                            &got),
                     RS_E_CSR_EXTENSION);
    /* A critical extension that we do not know is not overlooked. */
    assert_int_equal(pk_ask(&k, &person, "tls-server",
                            pk_csr_with(NID_inhibit_any_policy, "critical,1", ca, sizeof(ca)),
                            &got),
                     RS_E_CSR_EXTENSION);
}

/* ---- The connection that a request came over (RFC 7030 3.5) --------------------------------- */

static int
says_mine(void *arg, struct rs_bytes text)
{
    (void)arg;
    return rs_bytes_equal(text, rs_bytes_str("mine"));
}

static rs_code
ask_linked(enum pki_role role, const char *label, const char *challenge, int must)
{
    struct pki_issue_request r = {.caller = pk_caller(role, "sz-1"),
                                  .protocol = "est",
                                  .label = label,
                                  .fixture = "",
                                  .is_linked = says_mine,
                                  .must_link = must};
    struct crypto_key *key = pk_key();
    struct pk_csr csr = {.key = key, .cn = "sz-1", .serial = "L-1", .challenge = challenge};
    uint8_t bytes[4096];
    int certified;
    rs_code rc;

    r.csr = pk_csr(&csr, bytes, sizeof(bytes));
    rc = pki_check_issue(k.pki, &r, &certified, NULL);
    crypto_key_free(key);
    return rc;
}

static void
test_requests_of_other_connections(void **state)
{
    (void)state;
    assert_int_equal(ask_linked(PKI_PERSON, "station", "another's", 0), RS_E_CSR_LINKING);
    assert_int_equal(ask_linked(PKI_PERSON, "station", NULL, 1), RS_E_CSR_LINKING);
    assert_int_equal(ask_linked(PKI_PERSON, "station", NULL, 0), RS_OK);
    assert_int_equal(ask_linked(PKI_PERSON, "station", "mine", 1), RS_OK);
    /* A board's request is older than the connection; its station vouches for it. */
    assert_int_equal(ask_linked(PKI_STATION, "o-1", "another's", 1), RS_OK);
}

/* ---- Boards -------------------------------------------------------------------------------------- */

static void
test_boards_that_are_refused(void **state)
{
    static const char long_serial[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct pki_caller other = pk_caller(PKI_STATION, "sz-9");
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct crypto_key *key = pk_key();
    struct doc_order o;
    uint8_t hash[32];

    (void)state;
    assert_int_equal(pk_board(&k, key, "o-none", "X-1", "uid-1", &got), RS_E_REQUEST_UNKNOWN);
    assert_int_equal(pk_ask(&k, &other, "o-1", csr_of(key, NULL, "X-1", NULL), &got),
                     RS_E_ORDER_STATION);
    assert_int_equal(pk_ask(&k, &station, "o-1", csr_of(key, "name", NULL, NULL), &got),
                     RS_E_CSR_SUBJECT);
    assert_int_equal(pk_ask(&k, &station, "o-1", csr_of(key, NULL, long_serial, NULL), &got),
                     RS_E_CSR_SUBJECT);
    assert_int_equal(pk_ask(&k, &station, "o-1", csr_of(key, NULL, "X-1", "a.acme.example"), &got),
                     RS_E_CSR_SUBJECT);
    ca_order_doc(&k.ca, &o, "o-paused", 5, "sz-1", 5, hash);
    o.state = DOC_ORDER_PAUSED;
    assert_int_equal(ca_put_order(&k.ca, &o, NULL), RS_OK);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_int_equal(pk_board(&k, key, "o-paused", "X-1", "uid-1", &got), RS_E_ORDER_CLOSED);
    crypto_key_free(key);
}

static void
test_one_board_one_certificate(void **state)
{
    struct crypto_key *key = pk_key(), *second = pk_key();
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct pk_csr ask = {.key = key, .serial = "B-1", .uid = "uid-b1"};
    struct rs_bytes csr = pk_csr(&ask, room, sizeof(room));
    uint8_t serial[20];

    (void)state;
    assert_int_equal(pk_ask(&k, &station, "o-1", csr, &got), RS_OK);
    memcpy(serial, got.cert.serial.p, got.cert.serial.len);
    /* The same bytes again, and a new request of the same key for the same board. */
    assert_int_equal(pk_ask(&k, &station, "o-1", csr, &got), RS_OK);
    assert_memory_equal(serial, got.cert.serial.p, got.cert.serial.len);
    assert_int_equal(pk_board(&k, key, "o-1", "B-1", "uid-b1", &got), RS_OK);
    assert_memory_equal(serial, got.cert.serial.p, got.cert.serial.len);
    assert_int_equal(pk_count(&k, "B-1", STORE_CERT_ISSUED), 1);
    /* L8: another device may not have this key, nor this chip; the device no second key. */
    assert_int_equal(pk_board(&k, key, "o-1", "B-2", "uid-b2", &got), RS_E_KEY_UNIQUE);
    assert_int_equal(pk_board(&k, second, "o-1", "B-2", "uid-b1", &got), RS_E_CHIP_TWIN);
    assert_int_equal(pk_board(&k, second, "o-1", "B-1", "uid-b2", &got), RS_E_DEVICE_EXISTS);
    assert_int_equal(pk_count(&k, "B-2", 0), 0);
    crypto_key_free(key);
    crypto_key_free(second);
}

/* What the signer refuses comes back as the same code, and costs nothing. */
static void
test_the_order_is_used_up(void **state)
{
    struct crypto_key *key[2] = {pk_key(), pk_key()};

    (void)state;
    ca_order(&k.ca, "o-one", 1);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    assert_int_equal(pk_board(&k, key[0], "o-one", "U-1", "uid-u1", &got), RS_OK);
    assert_int_equal(pk_board(&k, key[1], "o-one", "U-2", "uid-u2", &got), RS_E_ORDER_EXHAUSTED);
    assert_false(pki_is_behind(k.pki));
    crypto_key_free(key[0]);
    crypto_key_free(key[1]);
}

/* ---- Many at once ------------------------------------------------------------------------------------ */

struct crowd {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int answers, good, unique, other;
    uint8_t serial[20];
    int differ;
};

static void
on_crowd(void *arg, rs_code rc, const struct store_cert *cert, const struct rs_err *err)
{
    struct crowd *c = arg;

    (void)err;
    (void)pthread_mutex_lock(&c->lock);
    if (rc == RS_OK && c->good++ == 0)
        memcpy(c->serial, cert->serial.p, cert->serial.len);
    else if (rc == RS_OK)
        c->differ += memcmp(c->serial, cert->serial.p, cert->serial.len) != 0;
    c->unique += rc == RS_E_KEY_UNIQUE;
    c->other += rc != RS_OK && rc != RS_E_KEY_UNIQUE;
    c->answers++;
    (void)pthread_cond_signal(&c->done);
    (void)pthread_mutex_unlock(&c->lock);
}

static void
test_a_crowd_with_one_request(void **state)
{
    struct crowd c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    struct crypto_key *key = pk_key();
    struct pk_csr ask = {.key = key, .serial = "C-1", .uid = "uid-c1"};
    struct pki_issue_request r = {.caller = pk_caller(PKI_STATION, "sz-1"),
                                  .protocol = "est",
                                  .label = "o-1",
                                  .csr = pk_csr(&ask, room, sizeof(room))};
    struct pki_issue_request thief = r;
    uint8_t other_room[4096];

    (void)state;
    /* Somebody who wants another device certified for the same key, at the same time. */
    ask.serial = "C-2";
    ask.uid = "uid-c2";
    thief.csr = pk_csr(&ask, other_room, sizeof(other_room));
    for (int i = 0; i < 60; i++)
        pki_issue(k.pki, i % 3 == 2 ? &thief : &r, on_crowd, &c);
    (void)pthread_mutex_lock(&c.lock);
    while (c.answers < 60)
        (void)pthread_cond_wait(&c.done, &c.lock);
    (void)pthread_mutex_unlock(&c.lock);
    assert_int_equal(c.good, 40);
    assert_int_equal(c.differ, 0);
    assert_int_equal(c.unique, 20);
    assert_int_equal(pk_count(&k, "C-1", 0), 1);
    assert_int_equal(pk_count(&k, "C-2", 0), 0);
    crypto_key_free(key);
}

/* Eighty boards in flight: the tables keep them apart. */
static void
test_many_boards(void **state)
{
    struct crowd c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    struct crypto_key *keys[80];

    (void)state;
    for (size_t i = 0; i < 80; i++) {
        char serial[16], uid[16];
        (void)snprintf(serial, sizeof(serial), "M-%zu", i);
        (void)snprintf(uid, sizeof(uid), "uid-m%zu", i);
        keys[i] = pk_key();
        struct pk_csr ask = {.key = keys[i], .serial = serial, .uid = uid};
        struct pki_issue_request r = {.caller = pk_caller(PKI_STATION, "sz-1"),
                                      .protocol = "est",
                                      .label = "o-1",
                                      .csr = pk_csr(&ask, room, sizeof(room))};
        pki_issue(k.pki, &r, on_crowd, &c);
    }
    (void)pthread_mutex_lock(&c.lock);
    while (c.answers < 80)
        (void)pthread_cond_wait(&c.done, &c.lock);
    (void)pthread_mutex_unlock(&c.lock);
    assert_int_equal(c.good, 80);
    for (size_t i = 0; i < 80; i++)
        crypto_key_free(keys[i]);
}

/* Reading the ledger while requests are on their way takes none of them away. */
static void
test_catching_up_under_load(void **state)
{
    struct crowd c = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    struct crypto_key *keys[120];

    (void)state;
    for (size_t i = 0; i < 120; i++) {
        char serial[16], uid[16];
        (void)snprintf(serial, sizeof(serial), "L-%zu", i);
        (void)snprintf(uid, sizeof(uid), "uid-l%zu", i);
        keys[i] = pk_key();
        struct pk_csr ask = {.key = keys[i], .serial = serial, .uid = uid};
        struct pki_issue_request r = {.caller = pk_caller(PKI_STATION, "sz-1"),
                                      .protocol = "est",
                                      .label = "o-1",
                                      .csr = pk_csr(&ask, room, sizeof(room))};
        pki_issue(k.pki, &r, on_crowd, &c);
        if (i % 3 == 2)
            assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    }
    (void)pthread_mutex_lock(&c.lock);
    while (c.answers < 120)
        (void)pthread_cond_wait(&c.done, &c.lock);
    (void)pthread_mutex_unlock(&c.lock);
    assert_int_equal(c.good, 120);
    for (size_t i = 0; i < 120; i++) {
        char serial[16];
        (void)snprintf(serial, sizeof(serial), "L-%zu", i);
        assert_int_equal(pk_count(&k, serial, STORE_CERT_ISSUED), 1);
        crypto_key_free(keys[i]);
    }
}

/* ---- Devices ------------------------------------------------------------------------------------------- */

static void
make_board(const struct crypto_key *key, const char *serial)
{
    char uid[32];

    (void)snprintf(uid, sizeof(uid), "uid-%s", serial);
    if (pk_board(&k, key, "o-1", serial, uid, &got) != RS_OK)
        fail_msg("no board %s: %s", serial, got.err.text);
}

static rs_code
set_state(struct store *store, void *arg, struct rs_err *err)
{
    return store_set_device_state(store, CA_TENANT, arg, STORE_DEVICE_BLOCKED, "", 0, err);
}

static void
test_devices(void **state)
{
    struct crypto_key *key = pk_key(), *own = pk_key(), *third = pk_key();
    struct pki_caller me = pk_caller(PKI_DEVICE, "D-1"), ghost = pk_caller(PKI_DEVICE, "D-9");
    char blocked[] = "D-1";

    (void)state;
    make_board(key, "D-1");
    assert_int_equal(pk_ask(&k, &me, "no-profile", csr_of(own, NULL, "D-1", NULL), &got),
                     RS_E_PROFILE_UNKNOWN);
    assert_int_equal(pk_ask(&k, &me, "station", csr_of(own, NULL, "D-1", NULL), &got),
                     RS_E_AUTH_DENIED);
    assert_int_equal(pk_ask(&k, &me, "", csr_of(own, NULL, "D-2", NULL), &got), RS_E_CSR_SUBJECT);
    assert_int_equal(pk_ask(&k, &ghost, "", csr_of(own, NULL, "D-9", NULL), &got),
                     RS_E_DEVICE_UNKNOWN);
    /* The IDevID's key stays the IDevID's (802.1AR). */
    assert_int_equal(pk_ask(&k, &me, "", csr_of(key, NULL, "D-1", NULL), &got), RS_E_KEY_UNIQUE);
    /* Names of its own are not refused to a device, and not taken either. */
    assert_int_equal(pk_ask(&k, &me, "", csr_of(own, NULL, "D-1", "evil.example"), &got), RS_OK);
    assert_int_equal(got.cert.san.len, 0);
    assert_int_equal(pk_count(&k, "D-1", STORE_CERT_ISSUED), 2);
    assert_int_equal(pki_write(k.pki, set_state, blocked, NULL), RS_OK);
    assert_int_equal(pk_ask(&k, &me, "ldevid", csr_of(third, NULL, "D-1", NULL), &got),
                     RS_E_DEVICE_BLOCKED);
    crypto_key_free(key);
    crypto_key_free(own);
    crypto_key_free(third);
}

/* ---- Renewals --------------------------------------------------------------------------------------------- */

static rs_code
renew(const struct pki_caller *caller, const struct crypto_key *key, struct rs_bytes subject)
{
    struct pk_csr ask = {.key = key, .cn = "other", .subject = subject};
    struct pki_issue_request r = {.caller = *caller,
                                  .protocol = "est",
                                  .label = "",
                                  .renew = 1,
                                  .csr = pk_csr(&ask, room, sizeof(room))};

    return pk_request(&k, &r, &got);
}

static void
test_an_idevid_is_never_renewed(void **state)
{
    static uint8_t der[CERT_BYTES_MAX];
    struct crypto_key *key = pk_key(), *next = pk_key();
    struct pki_caller me;
    size_t len;

    (void)state;
    make_board(key, "E-1");
    len = got.cert.whole.len;
    memcpy(der, got.der, len);
    assert_int_equal(pki_authenticate(k.pki, rs_bytes_of(der, len), 0, &me, NULL), RS_OK);
    assert_int_equal(renew(&me, next, me.subject), RS_E_PROFILE_LIMIT);
    crypto_key_free(key);
    crypto_key_free(next);
}

static void
test_renewal_of_a_station(void **state)
{
    static uint8_t der[CERT_BYTES_MAX];
    struct crypto_key *key = pk_key(), *next = pk_key(), *third = pk_key();
    struct pki_caller me;
    size_t len;

    (void)state;
    assert_int_equal(pk_station(&k, key, "sz-7", &got), RS_OK);
    len = got.cert.whole.len;
    memcpy(der, got.der, len);
    assert_int_equal(pki_authenticate(k.pki, rs_bytes_of(der, len), 0, &me, NULL), RS_OK);
    assert_int_equal(me.role, PKI_STATION);
    /* RFC 7030 4.2.2: the subject stays. */
    assert_int_equal(renew(&me, next, (struct rs_bytes){NULL, 0}), RS_E_CSR_SUBJECT);
    /* With its own key again, and with a new one; not with a key of somebody else. */
    assert_int_equal(renew(&me, key, me.subject), RS_OK);
    assert_int_equal(renew(&me, next, me.subject), RS_OK);
    assert_true(rs_bytes_equal(got.cert.subject, me.subject));
    assert_int_equal(pk_station(&k, third, "sz-8", &got), RS_OK);
    assert_int_equal(renew(&me, third, me.subject), RS_E_KEY_UNIQUE);
    /* The profile that it came by is not there any more. */
    (void)snprintf(me.profile, sizeof(me.profile), "gone");
    assert_int_equal(renew(&me, next, me.subject), RS_E_PROFILE_UNKNOWN);
    crypto_key_free(key);
    crypto_key_free(next);
    crypto_key_free(third);
}

static void
test_renewal_of_device_and_person(void **state)
{
    static uint8_t der[CERT_BYTES_MAX];
    struct crypto_key *key[5];
    struct pki_caller device = pk_caller(PKI_DEVICE, "F-1"), me;
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");
    size_t len;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        key[i] = pk_key();
    make_board(key[0], "F-1");
    assert_int_equal(pk_ask(&k, &device, "", csr_of(key[1], NULL, "F-1", NULL), &got), RS_OK);
    len = got.cert.whole.len;
    memcpy(der, got.der, len);
    assert_int_equal(pki_authenticate(k.pki, rs_bytes_of(der, len), 0, &me, NULL), RS_OK);
    assert_int_equal(me.role, PKI_DEVICE);
    assert_int_equal(renew(&me, key[2], me.subject), RS_OK);
    assert_int_equal(pk_count(&k, "F-1", STORE_CERT_ISSUED), 3);
    assert_int_equal(pk_ask(&k, &person, "person", csr_of(key[3], "a.sommer", NULL, NULL), &got),
                     RS_OK);
    len = got.cert.whole.len;
    memcpy(der, got.der, len);
    assert_int_equal(pki_authenticate(k.pki, rs_bytes_of(der, len), 0, &me, NULL), RS_OK);
    assert_int_equal(me.role, PKI_PERSON);
    assert_int_equal(renew(&me, key[4], me.subject), RS_OK);
    for (size_t i = 0; i < 5; i++)
        crypto_key_free(key[i]);
}

/* A renewal in these very bytes, and the serial that comes of it. */
static void
renew_again(const struct pki_caller *caller, struct rs_bytes csr, uint8_t serial[20])
{
    struct pki_issue_request r = {
        .caller = *caller, .protocol = "est", .label = "", .renew = 1, .csr = csr};

    assert_int_equal(pk_request(&k, &r, &got), RS_OK);
    assert_int_equal(got.cert.serial.len, 20);
    memcpy(serial, got.cert.serial.p, 20);
}

/* A key keeps its four newest requests: each is answered as before, an older one anew. */
static void
test_requests_of_one_key(void **state)
{
    static const char *const names[] = {"a.x", "b.x", "c.x", "d.x", "e.x"};
    static uint8_t der[CERT_BYTES_MAX], bytes[5][1024];
    uint8_t serial[5][20], again[20];
    struct crypto_key *key = pk_key();
    struct pki_caller me;
    struct rs_bytes csr[5];
    size_t len;

    (void)state;
    assert_int_equal(pk_station(&k, key, "sz-5", &got), RS_OK);
    len = got.cert.whole.len;
    memcpy(der, got.der, len);
    assert_int_equal(pki_authenticate(k.pki, rs_bytes_of(der, len), 0, &me, NULL), RS_OK);
    for (size_t i = 0; i < 5; i++) {
        struct pk_csr ask = {.key = key, .subject = me.subject, .dns = names[i]};
        csr[i] = pk_csr(&ask, bytes[i], sizeof(bytes[i]));
        renew_again(&me, csr[i], serial[i]);
        for (size_t n = i < 4 ? 0 : 1; n <= i; n++) {
            renew_again(&me, csr[n], again);
            assert_memory_equal(again, serial[n], 20);
        }
    }
    pk_close(&k);
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    for (size_t n = 1; n < 5; n++) {
        renew_again(&me, csr[n], again);
        assert_memory_equal(again, serial[n], 20);
    }
    renew_again(&me, csr[0], again);
    for (size_t n = 0; n < 5; n++)
        assert_memory_not_equal(again, serial[n], 20);
    renew_again(&me, csr[0], serial[0]);
    assert_memory_equal(again, serial[0], 20);
    crypto_key_free(key);
}

/* ---- People --------------------------------------------------------------------------------------------------- */

static rs_code
as_person(const char *profile, const char *device, const char *dns)
{
    struct crypto_key *key = pk_key();
    struct pk_csr ask = {.key = key, .cn = "some-name", .dns = dns};
    struct pki_issue_request r = {.caller = pk_caller(PKI_PERSON, "m.keller"),
                                  .protocol = "rest",
                                  .label = profile,
                                  .device = device,
                                  .csr = pk_csr(&ask, room, sizeof(room))};
    rs_code rc = pk_request(&k, &r, &got);

    crypto_key_free(key);
    return rc;
}

static void
test_what_people_may_ask_for(void **state)
{
    struct crypto_key *key = pk_key();

    (void)state;
    assert_int_equal(as_person("no-profile", NULL, NULL), RS_E_PROFILE_UNKNOWN);
    assert_int_equal(as_person("idevid", NULL, NULL), RS_E_AUTH_DENIED);
    assert_int_equal(as_person("ocsp", NULL, NULL), RS_E_AUTH_DENIED);
    assert_int_equal(as_person("a-ca", NULL, NULL), RS_E_AUTH_DENIED);
    assert_int_equal(as_person("unlisted", NULL, NULL), RS_E_ISSUER_UNKNOWN);
    assert_int_equal(as_person("ldevid", NULL, NULL), RS_E_USAGE);
    assert_int_equal(as_person("ldevid", "nobody", NULL), RS_E_DEVICE_UNKNOWN);
    assert_int_equal(as_person("station", NULL, "a.acme.example"), RS_E_CSR_SUBJECT);
    assert_int_equal(as_person("tls-server", NULL, "evil.example"), RS_E_CSR_SUBJECT);
    make_board(key, "G-1");
    assert_int_equal(as_person("ldevid", "G-1", NULL), RS_OK);
    assert_int_equal(as_person("tls-server", NULL, "a.acme.example"), RS_OK);
    assert_true(got.cert.san.len > 0);
    assert_int_equal(as_person("station", NULL, NULL), RS_OK);
    assert_int_equal(as_person("person", NULL, NULL), RS_OK);
    crypto_key_free(key);
}

/* Addresses and other names: what the profile takes, in the one form that it takes. */
static void
test_other_names(void **state)
{
    static const struct {
        const char *profile, *names;
        rs_code want;
    } cases[] = {{"tls-server", "IP:10.0.0.1", RS_OK},
                 {"tls-server", "IP:10.0.0.1,DNS:a.acme.example", RS_OK},
                 {"tls-server", "IP:::1", RS_E_CSR_SUBJECT},
                 {"tls-server", "email:a@acme.example", RS_E_CSR_SUBJECT},
                 {"tls-server", "URI:https://acme.example", RS_E_CSR_SUBJECT},
                 {"station", "IP:10.0.0.1", RS_E_CSR_SUBJECT}};
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");
    uint8_t csr[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rs_code rc =
            pk_ask(&k, &person, cases[i].profile,
                   pk_csr_with(NID_subject_alt_name, cases[i].names, csr, sizeof(csr)), &got);
        if (rc != cases[i].want)
            fail_msg("%s: %s", cases[i].names, rs_code_info(rc)->name);
    }
}

/* A key that a board has is refused to a renewal by somebody else, and a board of another order. */
static void
test_boards_of_two_orders(void **state)
{
    struct crypto_key *key = pk_key(), *second = pk_key();

    (void)state;
    ca_order(&k.ca, "o-two", 5);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    make_board(key, "H-1");
    assert_int_equal(pk_board(&k, key, "o-two", "H-1", "uid-H-1", &got), RS_E_DEVICE_EXISTS);
    assert_int_equal(pk_board(&k, second, "o-two", "H-1", "uid-H-1", &got), RS_E_DEVICE_EXISTS);
    /* Revoked: the same key does not come back by asking again, nor does the device. */
    size_t count;
    assert_int_equal(pki_revoke_device(k.pki, "p", "H-1", 1, "", &count, NULL), RS_OK);
    assert_int_equal(pk_board(&k, key, "o-1", "H-1", "uid-H-1", &got), RS_E_KEY_UNIQUE);
    assert_int_equal(pk_board(&k, second, "o-1", "H-1", "uid-H-1", &got), RS_E_DEVICE_BLOCKED);
    crypto_key_free(key);
    crypto_key_free(second);
}

/* ---- The server itself ---------------------------------------------------------------------------------------- */

static void
test_own_certificates(void **state)
{
    static const char *const names[] = {"a.acme.example", "127.0.0.1"};
    struct crypto_key *key = pk_key();
    struct rs_bytes spki = crypto_key_pub(key)->spki;
    struct cert cert;
    struct rs_buf der;

    (void)state;
    rs_buf_init(&der, CERT_BYTES_MAX);
    assert_int_equal(pki_issue_own(k.pki, "no-profile", CA_ISSUER, "x", NULL, 0, spki, &der, NULL),
                     RS_E_REQUEST_UNKNOWN);
    assert_int_equal(pki_issue_own(k.pki, "tls-server", "nobody", "x", NULL, 0, spki, &der, NULL),
                     RS_E_ISSUER_UNKNOWN);
    assert_int_equal(pki_issue_own(k.pki, "tls-server", CA_ISSUER, "x", names, 2, spki, &der, NULL),
                     RS_OK);
    assert_int_equal(cert_read(rs_buf_bytes(&der), &cert, NULL), RS_OK);
    assert_true(cert.san.len > 0);
    rs_buf_reset(&der);
    assert_int_equal(pki_issue_own(k.pki, "ocsp", CA_ISSUER, "x", NULL, 0, spki, &der, NULL),
                     RS_OK);
    rs_buf_done(&der);
    crypto_key_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_that_are_no_request),
        cmocka_unit_test(test_nobody_gets_one),
        cmocka_unit_test(test_requests_of_other_connections),
        cmocka_unit_test(test_no_ca_rights),
        cmocka_unit_test(test_boards_that_are_refused),
        cmocka_unit_test(test_one_board_one_certificate),
        cmocka_unit_test(test_the_order_is_used_up),
        cmocka_unit_test(test_a_crowd_with_one_request),
        cmocka_unit_test(test_many_boards),
        cmocka_unit_test(test_catching_up_under_load),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_an_idevid_is_never_renewed),
        cmocka_unit_test(test_renewal_of_a_station),
        cmocka_unit_test(test_renewal_of_device_and_person),
        cmocka_unit_test(test_requests_of_one_key),
        cmocka_unit_test(test_what_people_may_ask_for),
        cmocka_unit_test(test_other_names),
        cmocka_unit_test(test_boards_of_two_orders),
        cmocka_unit_test(test_own_certificates),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
