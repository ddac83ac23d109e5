/*
 * endorse_test.c: who gets an identity by a TPM's endorsement: the refusals first,
 * and what becomes of the second device with the same chip or key (L8).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "fake_tpm.h"

#define LINE  "o-tpm"   /* of station sz-1 */
#define FIELD "o-field" /* of devices by themselves: product "gateway" */

static struct pk k;
static struct pk_got got;
static struct rs_err err;
static struct fake_maker maker;
static struct fake_tpm t;
static struct makers *roots;
static struct pki_challenge c;
static uint8_t room[8192];

static void
order(const char *name, const char *product, const char *station, uint64_t share, const char *rot,
      uint64_t state)
{
    struct doc_order o;
    uint8_t hash[32];

    ca_order_doc(&k.ca, &o, name, 20, station, share, hash);
    o.product = rs_bytes_str(product);
    o.rot = rs_bytes_str(rot);
    o.state = state;
    o.created_at = rs_now_ms();
    assert_int_equal(ca_put_order(&k.ca, &o, NULL), RS_OK);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
}

static int
make(void **state)
{
    (void)state;
    fake_maker_make(&maker);
    fake_tpm_make(&t, &maker, 0);
    assert_int_equal(makers_new(&roots, NULL), RS_OK);
    assert_int_equal(
        makers_add(roots, "fake", fake_maker_pem(&maker, 1, 1, room, sizeof(room)), NULL), RS_OK);
    k.tpm_roots = roots;
    pk_make(&k);
    order(LINE, "board", "sz-1", 5, "tpm2", DOC_ORDER_OPEN);
    order("o-paused", "board", "sz-1", 5, "tpm2", DOC_ORDER_PAUSED);
    order("o-soft-field", "sensor", "field", 5, "soft", DOC_ORDER_OPEN);
    order(FIELD, "gateway", "field", 2, "tpm2", DOC_ORDER_OPEN);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    pk_drop(&k);
    makers_free(roots);
    fake_tpm_drop(&t);
    fake_maker_drop(&maker);
    return 0;
}

/* ---- Challenges --------------------------------------------------------------------------------- */

static rs_code
challenge(const struct fake_tpm *from, const struct pki_caller *caller, const char *source,
          const char *label)
{
    uint8_t iak[300];
    struct pki_challenge_ask ask = {.caller = caller,
                                    .source = source,
                                    .label = label,
                                    .ek_cert = rs_bytes_of(from->cert, from->cert_len),
                                    .iak = fake_tpm_iak(from, iak, sizeof(iak))};

    memset(&err, 0, sizeof(err));
    return pki_challenge(k.pki, &ask, &c, &err);
}

/* What the TPM gives back. */
static struct rs_bytes
open_it(const struct fake_tpm *from, uint8_t secret[32])
{
    assert_true(fake_tpm_activate(from, rs_bytes_of(c.credential, c.credential_len), secret));
    return rs_bytes_of(secret, 32);
}

static rs_code
answer(const struct pki_caller *caller, struct rs_bytes secret)
{
    memset(&err, 0, sizeof(err));
    return pki_answer(k.pki, caller, RS_BYTES(c.id), secret, &err);
}

static rs_code
authenticate(struct rs_bytes secret, struct pki_caller *ret)
{
    memset(&err, 0, sizeof(err));
    return pki_authenticate_endorsed(k.pki, RS_BYTES(c.id), secret, ret, &err);
}

static void
test_challenges_that_are_not_made(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1"),
                      other = pk_caller(PKI_STATION, "sz-9");
    struct pki_challenge_ask ask = {.source = "a", .label = "gateway"};
    struct fake_tpm bad = t;
    uint8_t iak[300];

    (void)state;
    ask.ek_cert = rs_bytes_str("junk");
    ask.iak = fake_tpm_iak(&t, iak, sizeof(iak));
    assert_int_equal(pki_challenge(k.pki, &ask, &c, NULL), RS_E_CHIP_NOT_GENUINE);
    ask.ek_cert = rs_bytes_of(t.cert, t.cert_len);
    ask.iak.len--;
    assert_int_equal(pki_challenge(k.pki, &ask, &c, NULL), RS_E_ATTEST_INVALID);
    bad.iak_attributes &= ~0x10000u; /* not restricted: it would sign what it is told */
    assert_int_equal(challenge(&bad, NULL, "a", "gateway"), RS_E_ATTEST_INVALID);
    assert_int_equal(challenge(&t, NULL, "a", "nothing"), RS_E_ORDER_STATION);
    assert_int_equal(challenge(&t, NULL, "a", "board"), RS_E_ORDER_STATION);
    assert_int_equal(challenge(&t, NULL, "a", LINE), RS_E_ORDER_STATION);
    assert_int_equal(challenge(&t, NULL, "a", "sensor"), RS_E_ORDER_STATION);
    assert_int_equal(challenge(&t, &station, NULL, "o-none"), RS_E_REQUEST_UNKNOWN);
    assert_int_equal(challenge(&t, &station, NULL, "o-paused"), RS_E_ORDER_CLOSED);
    assert_int_equal(challenge(&t, &station, NULL, FIELD), RS_E_ORDER_STATION);
    assert_int_equal(challenge(&t, &station, NULL, "o-1"), RS_E_CHIP_WRONG_PART);
    assert_int_equal(challenge(&t, &other, NULL, LINE), RS_E_ORDER_STATION);
    assert_int_equal(challenge(&t, &station, NULL, LINE), RS_OK);
    assert_true(c.until > rs_now() && c.until <= rs_now() + PKI_CHALLENGE_S);
}

static void
test_nobody_is_believed_without_makers(void **state)
{
    (void)state;
    pk_close(&k);
    k.tpm_roots = NULL;
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    assert_int_equal(challenge(&t, NULL, "a", "gateway"), RS_E_CHIP_NOT_GENUINE);
    pk_close(&k);
    k.tpm_roots = roots;
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    assert_int_equal(challenge(&t, NULL, "a", "gateway"), RS_OK);
}

static void
test_answers_that_are_none(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1"),
                      other = pk_caller(PKI_STATION, "sz-2");
    struct pki_caller caller;
    uint8_t secret[32], no_id[16] = {0};

    (void)state;
    assert_int_equal(challenge(&t, &station, NULL, LINE), RS_OK);
    (void)open_it(&t, secret);
    assert_int_equal(pki_answer(k.pki, &station, RS_BYTES(no_id), RS_BYTES(secret), NULL),
                     RS_E_ATTEST_CHALLENGE);
    assert_int_equal(pki_answer(k.pki, &station, rs_bytes_of(c.id, 15), RS_BYTES(secret), NULL),
                     RS_E_ATTEST_CHALLENGE);
    /* Another station's, and a device's own: each answers what it asked for. */
    assert_int_equal(answer(&other, RS_BYTES(secret)), RS_E_ATTEST_CHALLENGE);
    assert_int_equal(authenticate(RS_BYTES(secret), &caller), RS_E_ATTEST_CHALLENGE);
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_OK);
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_OK); /* an answer that got lost */
    secret[31] ^= 1;
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_E_CHIP_NOT_GENUINE);
    secret[31] ^= 1; /* one guess: it is gone */
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_E_ATTEST_CHALLENGE);
    assert_int_equal(challenge(&t, &station, NULL, LINE), RS_OK);
    (void)open_it(&t, secret);
    assert_int_equal(answer(&station, rs_bytes_of(secret, 31)), RS_E_CHIP_NOT_GENUINE);
    assert_int_equal(challenge(&t, NULL, "a", "gateway"), RS_OK);
    (void)open_it(&t, secret);
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_E_ATTEST_CHALLENGE);
}

static void
test_an_answer_that_comes_too_late(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    uint8_t secret[32];

    (void)state;
    assert_int_equal(challenge(&t, &station, NULL, LINE), RS_OK);
    (void)open_it(&t, secret);
    ca_inject("clock=+601");
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_E_ATTEST_CHALLENGE);
    ca_inject("clock=+599");
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_OK);
    ca_inject("");
}

/* One source cannot fill the table, and asking again for one TPM takes no more room. */
static void
test_a_source_has_its_part(void **state)
{
    struct fake_tpm other;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(challenge(&t, NULL, "greedy", "gateway"), RS_OK);
    for (unsigned i = 1; i < 32; i++) {
        fake_tpm_make(&other, &maker, 0);
        assert_int_equal(challenge(&other, NULL, "greedy", "gateway"), RS_OK);
        fake_tpm_drop(&other);
    }
    fake_tpm_make(&other, &maker, 0);
    assert_int_equal(challenge(&other, NULL, "greedy", "gateway"), RS_E_REQUEST_LIMIT);
    assert_int_equal(challenge(&other, NULL, "modest", "gateway"), RS_OK);
    ca_inject("clock=+601"); /* what is over makes room */
    assert_int_equal(challenge(&other, NULL, "greedy", "gateway"), RS_OK);
    ca_inject("");
    fake_tpm_drop(&other);
}

/* ---- Requests -------------------------------------------------------------------------------------- */

/* A request of this TPM over this nonce; evidence NULL: none. */
static rs_code
ask(const struct fake_tpm *from, const struct pki_caller *caller, const char *label,
    const char *serial, const uint8_t *nonce)
{
    uint8_t evidence[2048], pkcs8[256], csr[4096];
    struct crypto_key *key;
    struct pk_csr what = {.serial = serial, .cn = serial == NULL ? "a device" : NULL};
    rs_code rc;

    assert_int_equal(
        crypto_key_from_pkcs8(fake_tpm_private(from, pkcs8, sizeof(pkcs8)), &key, NULL), RS_OK);
    what.key = key;
    if (nonce != NULL)
        what.evidence = fake_tpm_evidence(from, nonce, evidence, sizeof(evidence));
    rc = pk_ask(&k, caller, label, pk_csr(&what, csr, sizeof(csr)), &got);
    crypto_key_free(key);
    return rc;
}

/* Challenge and answer at the station. */
static void
prove(const struct fake_tpm *from, const struct pki_caller *station, const char *label)
{
    uint8_t secret[32];

    assert_int_equal(challenge(from, station, NULL, label), RS_OK);
    (void)open_it(from, secret);
    assert_int_equal(answer(station, RS_BYTES(secret)), RS_OK);
}

static struct pki_caller
prove_alone(const struct fake_tpm *from, const char *label)
{
    struct pki_caller caller;
    uint8_t secret[32];

    assert_int_equal(challenge(from, NULL, "a", label), RS_OK);
    (void)open_it(from, secret);
    assert_int_equal(authenticate(RS_BYTES(secret), &caller), RS_OK);
    return caller;
}

static void
test_boards_without_a_proof(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    uint8_t no_nonce[32] = {0}, secret[32];
    struct fake_tpm bad;

    (void)state;
    assert_int_equal(ask(&t, &station, LINE, "B-1", NULL), RS_E_ATTEST_REQUIRED);
    assert_int_equal(ask(&t, &station, LINE, "B-1", no_nonce), RS_E_ATTEST_CHALLENGE);
    assert_int_equal(challenge(&t, &station, NULL, LINE), RS_OK);
    assert_int_equal(ask(&t, &station, LINE, "B-1", c.nonce),
                     RS_E_ATTEST_CHALLENGE); /* unanswered */
    (void)open_it(&t, secret);
    assert_int_equal(answer(&station, RS_BYTES(secret)), RS_OK);
    bad = t;
    bad.magic = 0;
    assert_int_equal(ask(&bad, &station, LINE, "B-1", c.nonce), RS_E_ATTEST_INVALID);
    bad = t;
    bad.signs = t.idevid;
    assert_int_equal(ask(&bad, &station, LINE, "B-1", c.nonce), RS_E_ATTEST_INVALID);
    bad = t;
    bad.idevid_attributes &= ~2u;
    assert_int_equal(ask(&bad, &station, LINE, "B-1", c.nonce), RS_E_ATTEST_INVALID);
    assert_int_equal(pk_count(&k, "B-1", 0), 0);
}

/* A line makes more boards in ten minutes than one source may have challenges open. */
static void
test_a_line_goes_on(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct doc_order o;
    uint8_t hash[32];
    char serial[16];

    (void)state;
    ca_order_doc(&k.ca, &o, "o-many", 60, "sz-1", 60, hash);
    o.rot = rs_bytes_str("tpm2");
    assert_int_equal(ca_put_order(&k.ca, &o, NULL), RS_OK);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    for (unsigned i = 0; i < 40; i++) {
        struct fake_tpm board;

        (void)snprintf(serial, sizeof(serial), "M-%u", i);
        fake_tpm_make(&board, &maker, 0);
        prove(&board, &station, "o-many");
        assert_int_equal(ask(&board, &station, "o-many", serial, c.nonce), RS_OK);
        assert_int_equal(pk_count(&k, serial, 0), 1);
        fake_tpm_drop(&board);
    }
}

/* A challenge is for one label, one owner and one key. */
static void
test_a_challenge_is_for_one_thing(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1"),
                      other = pk_caller(PKI_STATION, "sz-2");
    struct pki_caller device;
    struct doc_order o;
    uint8_t hash[32];
    struct fake_tpm second = t;

    (void)state;
    ca_order_doc(&k.ca, &o, "o-both", 20, "sz-1", 5, hash);
    o.rot = rs_bytes_str("tpm2");
    o.shares[o.share_count++] = (struct doc_share){rs_bytes_str("sz-2"), 5};
    assert_int_equal(ca_put_order(&k.ca, &o, NULL), RS_OK);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
    prove(&t, &station, "o-both");
    assert_int_equal(ask(&t, &station, LINE, "B-1", c.nonce), RS_E_ATTEST_CHALLENGE);
    assert_int_equal(ask(&t, &other, "o-both", "B-1", c.nonce), RS_E_ATTEST_CHALLENGE);
    /* The same TPM may have another key; the challenge then serves for that one only. */
    second.idevid = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(ask(&second, &station, "o-both", "B-1", c.nonce), RS_OK);
    assert_int_equal(ask(&second, &station, "o-both", "B-1", c.nonce), RS_OK);
    assert_int_equal(pk_count(&k, "B-1", 0), 1);
    assert_int_equal(ask(&t, &station, "o-both", "B-1", c.nonce), RS_E_ATTEST_CHALLENGE);
    EVP_PKEY_free(second.idevid);
    /* A device's challenge is not another device's. */
    device = prove_alone(&t, "gateway");
    device.nonce[0] ^= 1;
    assert_int_equal(ask(&t, &device, "gateway", "G-0", c.nonce), RS_E_ATTEST_CHALLENGE);
}

static void
assert_made(const char *device, const char *station, const char *order_name)
{
    struct store_device d;
    struct store *store;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_find_device(store, CA_TENANT, device, &arena, &d, NULL), RS_OK);
    assert_string_equal(d.provenance, "attested");
    assert_string_equal(d.station, station);
    assert_string_equal(d.order, order_name);
    assert_string_equal(d.chip_model, "tpm2");
    assert_int_equal(d.chip_uid.len, 32);
}

static void
test_a_board_is_attested(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1");
    struct fake_tpm own;

    (void)state;
    fake_tpm_make(&own, &maker, 1);
    prove(&own, &station, LINE);
    assert_int_equal(ask(&own, &station, LINE, "B-2", c.nonce), RS_OK);
    assert_made("B-2", "sz-1", LINE);
    /* Later, with another proof: the certificate that it has. */
    prove(&own, &station, LINE);
    assert_int_equal(ask(&own, &station, LINE, "B-2", c.nonce), RS_OK);
    assert_int_equal(pk_count(&k, "B-2", 0), 1);
    /* What is read back from the ledger after a loss of the store knows it too. */
    pk_close(&k);
    assert_int_equal(unlink(k.store), 0);
    assert_int_equal(pk_open(&k, NULL), RS_OK);
    assert_made("B-2", "sz-1", LINE);
    fake_tpm_drop(&own);
}

static void
test_devices_by_themselves(void **state)
{
    struct fake_tpm one, two, three;
    struct pki_caller device;
    char hex[33];

    (void)state;
    fake_tpm_make(&one, &maker, 0);
    fake_tpm_make(&two, &maker, 0);
    fake_tpm_make(&three, &maker, 0);
    device = prove_alone(&one, "gateway");
    assert_int_equal(device.role, PKI_ENDORSED);
    struct pki_issue_request renew = {
        .caller = device, .protocol = "est", .label = "gateway", .renew = 1};
    assert_int_equal(pk_request(&k, &renew, &got), RS_E_CSR_FORMAT);
    assert_int_equal(ask(&one, &device, "gateway", "G-1", NULL), RS_E_ATTEST_REQUIRED);
    assert_int_equal(ask(&one, &device, "gateway", "G-1", c.nonce), RS_OK);
    assert_made("G-1", PKI_FIELD, FIELD);
    /* Without a serial it gets back what it has; a new one gets one of its endorsement. */
    assert_int_equal(ask(&one, &device, "gateway", NULL, c.nonce), RS_OK);
    assert_int_equal(pk_count(&k, "G-1", 0), 1);
    device = prove_alone(&two, "gateway");
    rs_hex(rs_bytes_of(device.chip, 16), hex, sizeof(hex));
    assert_int_equal(ask(&two, &device, "gateway", NULL, c.nonce), RS_OK);
    assert_made(hex, PKI_FIELD, FIELD);
    /* L7: the share of the field is used up; a second order has room. */
    device = prove_alone(&three, "gateway");
    assert_int_equal(ask(&three, &device, "gateway", "G-3", c.nonce), RS_E_ORDER_EXHAUSTED);
    order("o-field-2", "gateway", "field", 2, "tpm2", DOC_ORDER_OPEN);
    device = prove_alone(&three, "gateway");
    assert_int_equal(ask(&three, &device, "gateway", "G-3", c.nonce), RS_OK);
    assert_made("G-3", PKI_FIELD, "o-field-2");
    device = prove_alone(&one, "gateway"); /* still under its own */
    assert_int_equal(ask(&one, &device, "gateway", "G-1", c.nonce), RS_OK);
    fake_tpm_drop(&one);
    fake_tpm_drop(&two);
    fake_tpm_drop(&three);
}

static void
test_the_field_is_no_station(void **state)
{
    struct pki_caller field = pk_caller(PKI_STATION, PKI_FIELD);

    (void)state;
    assert_int_equal(ask(&t, &field, FIELD, "G-9", NULL), RS_E_ORDER_STATION);
}

/* ---- Twins (L8) ------------------------------------------------------------------------------------- */

static json_t *
finding_of(const char *device)
{
    char name[STORE_NAME_MAX];
    struct store_object o;
    struct store *store;
    json_t *j = NULL;

    RS_AUTO(rs_arena_done) struct rs_arena arena;
    rs_arena_init(&arena, 65536);
    pki_finding_name(device, name);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    if (store_find_object(store, CA_TENANT, "finding", name, 0, &arena, &o, NULL) == RS_OK)
        assert_int_equal(rs_json_read(o.document, &j, NULL), RS_OK);
    return j;
}

static void
assert_found(const char *first, const char *first_station, size_t count, const char *second,
             const char *who, const char *code)
{
    json_t *j = finding_of(first), *again = json_object_get(j, "again");
    const json_t *last = json_array_get(again, count - 1);

    assert_non_null(j);
    assert_string_equal(rs_json_text_or(json_object_get(j, "first"), "device", ""), first);
    assert_string_equal(rs_json_text_or(json_object_get(j, "first"), "station", ""), first_station);
    assert_int_equal(json_array_size(again), count);
    assert_string_equal(rs_json_text_or(last, "device", ""), second);
    assert_string_equal(rs_json_text_or(last, "who", ""), who);
    assert_string_equal(rs_json_text_or(last, "code", ""), code);
    json_decref(j);
}

static void
test_twins(void **state)
{
    struct pki_caller station = pk_caller(PKI_STATION, "sz-1"), device;
    struct fake_tpm own, key_only, chip_only;
    char serial[16], who[PKI_WHO_MAX];

    (void)state;
    order("o-field-3", "meter", "field", 9, "tpm2", DOC_ORDER_OPEN);
    fake_tpm_make(&own, &maker, 0);
    fake_tpm_make(&key_only, &maker, 0);
    prove(&own, &station, LINE);
    assert_int_equal(ask(&own, &station, LINE, "W-1", c.nonce), RS_OK);
    assert_null(finding_of("W-1"));
    /* All of it a second time: a copy of the whole TPM. */
    device = prove_alone(&own, "meter");
    assert_int_equal(ask(&own, &device, "meter", "W-2", c.nonce), RS_E_KEY_UNIQUE);
    (void)snprintf(who, sizeof(who), "%s", device.who);
    assert_found("W-1", "sz-1", 1, "W-2", who, "key.unique");
    /* The same endorsement with another key. */
    chip_only = own;
    chip_only.idevid = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    prove(&chip_only, &station, LINE);
    assert_int_equal(ask(&chip_only, &station, LINE, "W-3", c.nonce), RS_E_CHIP_TWIN);
    assert_found("W-1", "sz-1", 2, "W-3", "station:sz-1", "chip.twin");
    /* The same key beside another endorsement. */
    EVP_PKEY *spare = key_only.idevid;
    key_only.idevid = own.idevid;
    prove(&key_only, &station, LINE);
    assert_int_equal(ask(&key_only, &station, LINE, "W-4", c.nonce), RS_E_KEY_UNIQUE);
    assert_found("W-1", "sz-1", 3, "W-4", "station:sz-1", "key.unique");
    key_only.idevid = spare;
    /* Told again it is not written again, and the list ends. */
    prove(&chip_only, &station, LINE);
    assert_int_equal(ask(&chip_only, &station, LINE, "W-3", c.nonce), RS_E_CHIP_TWIN);
    assert_found("W-1", "sz-1", 3, "W-4", "station:sz-1", "key.unique");
    for (unsigned i = 5; i < 16; i++) {
        (void)snprintf(serial, sizeof(serial), "W-%u", i);
        prove(&chip_only, &station, LINE);
        assert_int_equal(ask(&chip_only, &station, LINE, serial, c.nonce), RS_E_CHIP_TWIN);
    }
    assert_found("W-1", "sz-1", 8, "W-9", "station:sz-1", "chip.twin");
    assert_int_equal(pk_count(&k, "W-2", 0) + pk_count(&k, "W-3", 0) + pk_count(&k, "W-4", 0), 0);
    EVP_PKEY_free(chip_only.idevid);
    fake_tpm_drop(&own);
    fake_tpm_drop(&key_only);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_challenges_that_are_not_made),
        cmocka_unit_test(test_nobody_is_believed_without_makers),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_an_answer_that_comes_too_late),
        cmocka_unit_test(test_a_source_has_its_part),
        cmocka_unit_test(test_boards_without_a_proof),
        cmocka_unit_test(test_a_challenge_is_for_one_thing),
        cmocka_unit_test(test_a_line_goes_on),
        cmocka_unit_test(test_a_board_is_attested),
        cmocka_unit_test(test_devices_by_themselves),
        cmocka_unit_test(test_the_field_is_no_station),
        cmocka_unit_test(test_twins),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
