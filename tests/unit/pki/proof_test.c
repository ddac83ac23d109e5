/*
 * proof_test.c: parts that prove their maker: what is refused first, and what an order demands.
 *
 * The parts are STSAFEs of a maker of this test: a certificate whose serial number ends in the
 * part's number, and a signature by its key (docs/chips/stsafe.md, Evidence).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "attest/vendor.h"
#include "base/clock.h"

#define ORDER   "o-part"
#define DEMANDS "o-attested"
#define LABEL   "rootsmith stsafe 1" /* with its NUL */

static struct pk k;
static struct pk_got got;
static struct makers *makers;
static EVP_PKEY *maker;
static struct pki_part_challenge c;
static struct pki_caller station, other;

/* ---- Parts --------------------------------------------------------------------------------- */

struct part {
    char uid[10]; /* nine bytes, which are letters here */
    EVP_PKEY *key;
    uint8_t cert[1024];
    size_t cert_len;
};

static struct part one, two;

static void
must(int ok)
{
    if (!ok)
        abort();
}

static size_t
make_cert(EVP_PKEY *key, const char *cn, struct rs_bytes serial, const char *ca, uint8_t out[1024])
{
    X509 *x = X509_new();
    X509V3_CTX ctx;
    X509_EXTENSION *e;
    BIGNUM *bn = BN_bin2bn(serial.p, (int)serial.len, NULL);
    uint8_t *p = out;
    int n;

    must(x != NULL && bn != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
         BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL);
    BN_free(bn);
    must(X509_gmtime_adj(X509_getm_notBefore(x), -60) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(x), 86400) != NULL);
    must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)cn, -1, -1, 0) == 1 &&
         X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
                                    (const unsigned char *)"maker", -1, -1, 0) == 1);
    must(X509_set_pubkey(x, key) == 1);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, ca);
    must(e != NULL && X509_add_ext(x, e, -1) == 1 && X509_sign(x, maker, EVP_sha256()) > 0);
    X509_EXTENSION_free(e);
    n = i2d_X509(x, &p);
    must(n > 0 && n <= 1024);
    X509_free(x);
    return (size_t)n;
}

static void
make_part(struct part *p, const char *uid)
{
    uint8_t serial[11] = {0x02, 0x09};

    memcpy(p->uid, uid, sizeof(p->uid));
    memcpy(serial + 2, uid, 9);
    p->key = EVP_EC_gen("P-256");
    must(p->key != NULL);
    p->cert_len = make_cert(p->key, "part", RS_BYTES(serial), "critical,CA:FALSE", p->cert);
}

/* What this part says over the challenge's nonce about a key. */
static void
say(const struct part *p, struct rs_bytes spki, struct rs_buf *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t message[256] = LABEL, sig[80];
    size_t n = sizeof(sig), at = sizeof(LABEL);

    memcpy(message + at, c.nonce, sizeof(c.nonce));
    memcpy(message + at + sizeof(c.nonce), spki.p, spki.len);
    at += sizeof(c.nonce) + spki.len;
    must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, p->key) == 1 &&
         EVP_DigestSign(ctx, sig, &n, message, at) == 1);
    EVP_MD_CTX_free(ctx);
    rs_buf_put_u16(out, (unsigned)p->cert_len);
    rs_buf_put(out, p->cert, p->cert_len);
    rs_buf_put_u16(out, (unsigned)spki.len);
    rs_buf_put_bytes(out, spki);
    rs_buf_put_u16(out, (unsigned)n);
    rs_buf_put(out, sig, n);
    must(rs_buf_ok(out));
}

static void
put_order(const char *name, const char *provenance)
{
    struct doc_order o;
    uint8_t hash[32];

    ca_order_doc(&k.ca, &o, name, 20, "sz-1", 20, hash);
    o.rot = rs_bytes_str("stsafe-a110");
    o.provenance = rs_bytes_str(provenance);
    o.created_at = rs_now_ms();
    assert_int_equal(ca_put_order(&k.ca, &o, NULL), RS_OK);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
}

static int
make(void **state)
{
    static const uint8_t first = 1;
    uint8_t der[1024];
    size_t n;

    (void)state;
    maker = EVP_EC_gen("P-256");
    must(maker != NULL && makers_new(&makers, NULL) == RS_OK);
    n = make_cert(maker, "maker", rs_bytes_of(&first, 1), "critical,CA:TRUE", der);
    must(makers_add(makers, "maker", rs_bytes_of(der, n), NULL) == RS_OK);
    make_part(&one, "PART-0001");
    make_part(&two, "PART-0002");
    station = pk_caller(PKI_STATION, "sz-1");
    other = pk_caller(PKI_STATION, "sz-2");
    k.vendors = makers;
    pk_make(&k);
    put_order(ORDER, "");
    put_order(DEMANDS, "attested");
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    pk_drop(&k);
    makers_free(makers);
    EVP_PKEY_free(maker);
    EVP_PKEY_free(one.key);
    EVP_PKEY_free(two.key);
    return 0;
}

/* ---- Challenges ------------------------------------------------------------------------------ */

static void
challenge(const struct part *p, const char *order)
{
    const struct pki_part_ask ask = {&station, order, rs_bytes_of((const uint8_t *)p->uid, 9)};

    assert_int_equal(pki_part_challenge(k.pki, &ask, &c, NULL), RS_OK);
}

/* This part answers, as this caller's. */
static rs_code
answer(const struct part *p, const struct pki_caller *by)
{
    struct crypto_key *key = pk_key();
    uint8_t room[2048];
    struct rs_buf b;
    rs_code rc;

    rs_buf_init_fixed(&b, room, sizeof(room));
    say(p, crypto_key_pub(key)->spki, &b);
    rc = pki_part_answer(k.pki, by, RS_BYTES(c.id), VENDOR_STSAFE_CHAIN, rs_buf_bytes(&b), NULL);
    crypto_key_free(key);
    return rc;
}

/* Boards that never came back: their challenges stay as long as a part takes to answer, and no longer. */
static void
a_line_goes_on_after_boards_that_did_not(void **state)
{
    uint8_t uid[9] = {1};
    struct pki_part_ask ask = {&station, ORDER, RS_BYTES(uid)};
    rs_code rc = RS_OK;

    (void)state;
    for (unsigned i = 0; i < 64 && rc == RS_OK; i++) {
        uid[1] = (uint8_t)i;
        rc = pki_part_challenge(k.pki, &ask, &c, NULL);
    }
    assert_int_equal(rc, RS_E_REQUEST_LIMIT);
    ca_inject("clock=+31");
    assert_int_equal(pki_part_challenge(k.pki, &ask, &c, NULL), RS_OK);
    for (unsigned i = 0; i < 40; i++) { /* these answer, and go no further */
        challenge(&one, ORDER);
        assert_int_equal(answer(&one, &station), RS_OK);
    }
    ca_inject("");
}

/* As many parts that no one ever saw again, each with a number of its own, in a table of nothing else. */
static void
fill(unsigned from, unsigned count)
{
    uint8_t uid[9] = {2};
    struct pki_part_ask ask = {&station, ORDER, RS_BYTES(uid)};

    for (unsigned i = from; i < from + count; i++) {
        uid[1] = (uint8_t)i;
        assert_int_equal(pki_part_challenge(k.pki, &ask, &c, NULL), RS_OK);
    }
}

static void
empty_table(void)
{
    pk_close(&k);
    assert_int_equal(pk_open(&k, NULL), RS_OK);
}

/* A source has 32: a board that answered and was taken out gives way to the next one at once. */
static void
an_answer_without_a_request_gives_way(void **state)
{
    uint8_t uid[9] = {3};
    struct pki_part_ask next = {&station, ORDER, RS_BYTES(uid)};

    (void)state;
    empty_table();
    fill(0, 15);
    challenge(&one, ORDER);
    assert_int_equal(answer(&one, &station), RS_OK);
    fill(15, 16);
    assert_int_equal(pki_part_challenge(k.pki, &next, &c, NULL), RS_OK);
    uid[1]++;
    assert_int_equal(pki_part_challenge(k.pki, &next, &c, NULL), RS_E_REQUEST_LIMIT);
}

static void
answers_that_are_none(void **state)
{
    uint8_t long_uid[33] = {1};
    struct pki_part_ask ask = {&station, ORDER, RS_BYTES(long_uid)};

    (void)state;
    assert_int_equal(pki_part_challenge(k.pki, &ask, &c, NULL), RS_E_REQUEST_FORMAT);
    ask = (struct pki_part_ask){&other, ORDER, rs_bytes_of(long_uid, 9)};
    assert_int_equal(pki_part_challenge(k.pki, &ask, &c, NULL), RS_E_ORDER_STATION);
    challenge(&one, ORDER);
    assert_int_equal(answer(&one, &other), RS_E_ATTEST_CHALLENGE);
    /* Another part's word, however genuine, is none; and there is one guess. */
    assert_int_equal(answer(&two, &station), RS_E_ATTEST_INVALID);
    assert_int_equal(answer(&one, &station), RS_E_ATTEST_CHALLENGE);
    challenge(&one, ORDER);
    assert_int_equal(answer(&one, &station), RS_OK);
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* A request for key, of the chip uid, with what a part says about spki; NULL: it says nothing. */
static rs_code
ask(const struct crypto_key *key, const char *uid, const char *order, const struct part *p,
    struct rs_bytes spki)
{
    uint8_t room[2048], csr[4096];
    struct pk_csr what = {.key = key, .serial = uid, .uid = uid};
    struct rs_buf b;

    rs_buf_init_fixed(&b, room, sizeof(room));
    if (p != NULL) {
        rs_buf_put(&b, c.id, sizeof(c.id));
        rs_buf_put_u8(&b, VENDOR_STSAFE_CHAIN);
        say(p, spki, &b);
    }
    what.part_evidence = rs_buf_bytes(&b);
    return pk_ask(&k, &station, order, pk_csr(&what, csr, sizeof(csr)), &got);
}

static void
requests_that_are_refused(void **state)
{
    struct crypto_key *key = pk_key(), *of_part = pk_key();
    struct rs_bytes spki = crypto_key_pub(key)->spki;

    (void)state;
    challenge(&one, ORDER);
    assert_int_equal(ask(key, one.uid, ORDER, &one, spki), RS_E_ATTEST_CHALLENGE); /* unanswered */
    assert_int_equal(answer(&one, &station), RS_OK);
    assert_int_equal(ask(key, one.uid, ORDER, NULL, spki), RS_E_ATTEST_REQUIRED);
    assert_int_equal(ask(key, two.uid, ORDER, &one, spki), RS_E_ATTEST_INVALID);
    assert_int_equal(ask(key, one.uid, ORDER, &two, spki), RS_E_ATTEST_INVALID);
    assert_int_equal(ask(key, one.uid, ORDER, &one, crypto_key_pub(of_part)->spki),
                     RS_E_ATTEST_INVALID);
    assert_int_equal(ask(key, one.uid, ORDER, &one, spki), RS_OK);
    assert_int_equal(ask(of_part, two.uid, ORDER, &one, crypto_key_pub(of_part)->spki),
                     RS_E_ATTEST_CHALLENGE); /* it served for another key */
    /* A genuine part was there: that is no word of the part's about this key. */
    challenge(&two, DEMANDS);
    assert_int_equal(answer(&two, &station), RS_OK);
    assert_int_equal(ask(of_part, two.uid, DEMANDS, &two, crypto_key_pub(of_part)->spki),
                     RS_E_ATTEST_REQUIRED);
    assert_int_equal(pk_count(&k, two.uid, 0), 0);
    crypto_key_free(key);
    crypto_key_free(of_part);
}

/* What served goes first, however new it is; a part that is slow has its challenge still. */
static void
what_served_gives_way_first(void **state)
{
    struct crypto_key *key = pk_key();
    struct pki_part_challenge slow;

    (void)state;
    empty_table();
    challenge(&one, ORDER);
    slow = c;
    fill(0, 30);
    ca_inject("clock=+31");
    challenge(&two, ORDER);
    assert_int_equal(answer(&two, &station), RS_OK);
    assert_int_equal(ask(key, two.uid, ORDER, &two, crypto_key_pub(key)->spki), RS_OK);
    fill(30, 1);
    c = slow;
    assert_int_equal(answer(&one, &station), RS_OK);
    ca_inject("");
    crypto_key_free(key);
}

/* ---- Demands ----------------------------------------------------------------------------------- */

static enum vendor_level
demand(const char *model, const char *provenance)
{
    const struct doc_order o = {.rot = rs_bytes_str(model), .provenance = rs_bytes_str(provenance)};

    return pki_part_demand(k.pki, &o);
}

static void
what_orders_demand(void **state)
{
    (void)state;
    /* A word that is none of ours demands all that there is. */
    assert_int_equal(demand("stsafe-a110", "vendors"), VENDOR_ATTESTED);
    assert_int_equal(demand("stsafe-a110", "station"), VENDOR_STATION);
    assert_int_equal(demand("atecc608b", "vendor"), VENDOR_GENUINE);
    assert_int_equal(demand("tpm2", "station"), VENDOR_ATTESTED);
    /* Who names makers wants them to count, of parts that have one. */
    assert_int_equal(demand("stsafe-a110", ""), VENDOR_GENUINE);
    assert_int_equal(demand("atecc608b", ""), VENDOR_STATION);
    pk_close(&k);
    k.vendors = NULL;
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    assert_int_equal(demand("stsafe-a110", ""), VENDOR_STATION);
    pk_close(&k);
    k.vendors = makers;
    assert_int_equal(pk_open(&k, NULL), RS_OK);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(requests_that_are_refused),
        cmocka_unit_test(what_orders_demand),
        cmocka_unit_test(a_line_goes_on_after_boards_that_did_not),
        cmocka_unit_test(an_answer_without_a_request_gives_way),
        cmocka_unit_test(what_served_gives_way_first),
    };

    return cmocka_run_group_tests_name("pki/proof", tests, make, drop);
}
