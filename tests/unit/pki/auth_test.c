/*
 * auth_test.c: from a client certificate to who it is: by what the store says,
 * never by the certificate's own text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <string.h>

#include "pki/inner.h"

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

static rs_code
who(struct rs_bytes der, int expired, struct pki_caller *ret)
{
    return pki_authenticate(k.pki, der, expired, ret, NULL);
}

static void
station(const char *name)
{
    struct crypto_key *key = pk_key();

    if (pk_station(&k, key, name, &got) != RS_OK)
        fail_msg("no station: %s", got.err.text);
    crypto_key_free(key);
}

/* A certificate that the signer made and the store does not have: straight from the signer. */
static struct rs_bytes
unrecorded(uint8_t *room, size_t cap)
{
    struct proto_issue m;
    uint8_t hash[32];
    struct rs_buf der;

    rs_buf_init_fixed(&der, room, cap);
    ca_claim(&k.ca, &m, "station", hash);
    assert_int_equal(ca_issue(&k.ca, &m, &der, NULL), RS_OK);
    return rs_buf_bytes(&der);
}

static void
test_strangers(void **state)
{
    uint8_t room[CERT_BYTES_MAX];
    struct pki_caller c = {0};
    struct pk other;
    struct pk_got theirs;
    struct crypto_key *key = pk_key();

    (void)state;
    assert_int_equal(who(rs_bytes_str("junk"), 0, &c), RS_E_REQUEST_FORMAT);
    assert_int_equal(who(unrecorded(room, sizeof(room)), 0, &c), RS_E_AUTH_UNKNOWN);
    /* The same names, and made by another CA. */
    pk_make(&other);
    assert_int_equal(pk_station(&other, key, "sz-1", &theirs), RS_OK);
    assert_int_equal(who(theirs.cert.whole, 0, &c), RS_E_AUTH_UNKNOWN);
    pk_drop(&other);
    /* One of ours with another signature: the same issuer and serial, and not the same bytes. */
    station("sz-1");
    got.der[got.cert.whole.len - 1] ^= 1;
    assert_int_equal(who(got.cert.whole, 0, &c), RS_E_AUTH_UNKNOWN);
    got.der[got.cert.whole.len - 1] ^= 1;
    assert_int_equal(c.role, PKI_NOBODY);
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK);
    crypto_key_free(key);
}

/* Whatever bit is another: it is another certificate, and nobody's. */
static void
test_every_byte_counts(void **state)
{
    struct pki_caller c = {0};
    size_t unknown = 0;

    (void)state;
    station("sz-4");
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK); /* kept from here on */
    c.role = PKI_NOBODY;
    for (size_t i = 0; i < got.cert.whole.len; i++) {
        got.der[i] ^= 1;
        rs_code rc = who(got.cert.whole, 0, &c);
        assert_int_not_equal(rc, RS_OK);
        assert_int_equal(c.role, PKI_NOBODY);
        unknown += rc == RS_E_AUTH_UNKNOWN;
        got.der[i] ^= 1;
    }
    assert_true(unknown > got.cert.whole.len / 2); /* the rest cannot be read at all */
    got.der[got.cert.whole.len] = 0;
    assert_int_not_equal(who(rs_bytes_of(got.der, got.cert.whole.len + 1), 0, &c), RS_OK);
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK);
}

static void
test_expired_and_revoked(void **state)
{
    struct pki_caller c = {0};

    (void)state;
    station("sz-2");
    assert_int_equal(who(got.cert.whole, 1, &c), RS_E_AUTH_EXPIRED);
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK);
    memset(&c, 0, sizeof(c));
    assert_int_equal(pki_revoke(k.pki, "person:m.keller", CA_ISSUER, got.cert.serial, 1, "", NULL),
                     RS_OK);
    assert_int_equal(who(got.cert.whole, 0, &c), RS_E_AUTH_REVOKED);
    assert_int_equal(who(got.cert.whole, 1, &c), RS_E_AUTH_REVOKED);
    assert_int_equal(c.role, PKI_NOBODY);
}

/* The second look is from memory: it says the same, of the bytes it was given. */
static void
test_kept(void **state)
{
    struct pki_caller first = {0}, again = {0};
    uint8_t copy[CERT_BYTES_MAX] = {0};
    struct rs_bytes cert = rs_bytes_of(copy, 0);
    uint64_t generation;

    (void)state;
    station("sz-5");
    memcpy(copy, got.der, got.cert.whole.len);
    cert.len = got.cert.whole.len;
    assert_int_equal(who(got.cert.whole, 0, &first), RS_OK);
    generation = catalog_generation(&k.pki->catalog);
    assert_int_equal(callers_recall(&k.pki->callers, generation, cert, &again), 1);
    assert_true(again.subject.p > copy && again.subject.p < copy + cert.len);
    assert_true(rs_bytes_equal(again.subject, first.subject));
    first.subject = again.subject;
    assert_memory_equal(&again, &first, sizeof(first));
    assert_int_equal(who(cert, 1, &again), RS_E_AUTH_EXPIRED);
    /* Whoever looked before a change leaves nothing for those who ask after it. */
    catalog_raise(&k.pki->catalog);
    callers_keep(&k.pki->callers, generation, cert, &again);
    assert_int_equal(callers_recall(&k.pki->callers, generation + 1, cert, &again), 0);
    /* What is too long to be kept is looked up. */
    cert.len = CALLERS_CERT_MAX + 1;
    again.subject = cert;
    callers_keep(&k.pki->callers, generation + 1, cert, &again);
    assert_int_equal(callers_recall(&k.pki->callers, generation + 1, cert, &again), 0);
}

static void
test_servers_are_nobody(void **state)
{
    struct crypto_key *key = pk_key();
    struct pki_caller c = {0};
    struct rs_buf der;

    (void)state;
    rs_buf_init(&der, CERT_BYTES_MAX);
    assert_int_equal(pki_issue_own(k.pki, "tls-server", CA_ISSUER, "x", NULL, 0,
                                   crypto_key_pub(key)->spki, &der, NULL),
                     RS_OK);
    assert_int_equal(who(rs_buf_bytes(&der), 0, &c), RS_E_AUTH_DENIED);
    assert_int_equal(c.role, PKI_NOBODY);
    rs_buf_done(&der);
    crypto_key_free(key);
}

static rs_code
set_state(struct store *store, void *arg, struct rs_err *err)
{
    const int *to = arg;

    return store_set_device_state(store, CA_TENANT, "A-1", (enum store_device_state) * to, "", 0,
                                  err);
}

static void
test_devices_that_are_blocked(void **state)
{
    static const int bad[] = {STORE_DEVICE_BLOCKED, STORE_DEVICE_SCRAPPED, STORE_DEVICE_REVOKED};
    struct crypto_key *key = pk_key();
    struct pki_caller c = {0};

    (void)state;
    assert_int_equal(pk_board(&k, key, "o-1", "A-1", "uid-a1", &got), RS_OK);
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK);
    assert_int_equal(c.role, PKI_DEVICE);
    assert_string_equal(c.name, "A-1");
    assert_string_equal(c.who, "device:A-1");
    assert_string_equal(c.profile, "idevid");
    for (size_t i = 0; i < 3; i++) {
        int to = bad[i];
        assert_int_equal(pki_write(k.pki, set_state, &to, NULL), RS_OK);
        assert_int_equal(who(got.cert.whole, 0, &c), RS_E_DEVICE_BLOCKED);
    }
    crypto_key_free(key);
}

static void
test_who_it_is(void **state)
{
    struct pki_caller c;
    struct pki_caller person = pk_caller(PKI_PERSON, "m.keller");
    struct crypto_key *key = pk_key();
    struct pk_csr ask = {.key = key, .cn = "a.sommer"};
    uint8_t room[4096];

    (void)state;
    station("sz-3");
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK);
    assert_int_equal(c.role, PKI_STATION);
    assert_string_equal(c.who, "station:sz-3");
    assert_string_equal(c.issuer, CA_ISSUER);
    assert_int_equal(c.serial_len, got.cert.serial.len);
    assert_memory_equal(c.serial, got.cert.serial.p, c.serial_len);
    assert_int_equal(pk_ask(&k, &person, "person", pk_csr(&ask, room, sizeof(room)), &got), RS_OK);
    assert_int_equal(who(got.cert.whole, 0, &c), RS_OK);
    assert_int_equal(c.role, PKI_PERSON);
    assert_string_equal(c.who, "person:a.sommer");
    crypto_key_free(key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers),           cmocka_unit_test(test_every_byte_counts),
        cmocka_unit_test(test_expired_and_revoked), cmocka_unit_test(test_kept),
        cmocka_unit_test(test_servers_are_nobody),  cmocka_unit_test(test_devices_that_are_blocked),
        cmocka_unit_test(test_who_it_is),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
