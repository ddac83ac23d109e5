/*
 * status_test.c: revocation, lists, documents and claims through the PKI.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pki_help.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "x509/crl.h"

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
revoke(const char *issuer, struct rs_bytes serial, uint8_t reason)
{
    return pki_revoke(k.pki, "person:m.keller", issuer, serial, reason, "test", NULL);
}

static rs_code
revoke_device(const char *device, size_t *ret_count)
{
    return pki_revoke_device(k.pki, "person:m.keller", device, CRL_KEY_COMPROMISE, "test",
                             ret_count, NULL);
}

/* 1 when the newest list has this serial. */
static int
is_listed(struct rs_bytes serial)
{
    struct crl_entry entry;
    struct rs_buf der;
    struct crl crl;
    int found = 0;

    rs_buf_init(&der, 1 << 20);
    assert_int_equal(pki_find_crl(k.pki, CA_ISSUER, &der, NULL), RS_OK);
    assert_int_equal(crl_read(rs_buf_bytes(&der), &crl, NULL), RS_OK);
    while (crl_next(&crl.entries, &entry))
        found |= rs_bytes_equal(entry.serial, serial);
    rs_buf_done(&der);
    return found;
}

static void
test_lists(void **state)
{
    uint64_t first, second;
    struct rs_buf der;

    (void)state;
    rs_buf_init(&der, 65536);
    assert_int_equal(pki_find_crl(k.pki, CA_ISSUER, &der, NULL), RS_E_REQUEST_UNKNOWN);
    assert_int_equal(pki_publish_crl(k.pki, "nobody", &first, NULL), RS_E_ISSUER_UNKNOWN);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &first, NULL), RS_OK);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &second, NULL), RS_OK);
    assert_int_equal(second, first + 1);
    assert_int_equal(pki_find_crl(k.pki, CA_ISSUER, &der, NULL), RS_OK);
    rs_buf_done(&der);
}

static void
test_revocation(void **state)
{
    static const uint8_t unknown[] = {1, 2, 3};
    struct crypto_key *key = pk_key();
    uint64_t number;

    (void)state;
    assert_int_equal(pk_station(&k, key, "sz-1", &got), RS_OK);
    /* L5: what was not issued here cannot be revoked here. */
    assert_int_equal(revoke(CA_ISSUER, RS_BYTES(unknown), 1), RS_E_CERT_UNKNOWN);
    assert_int_equal(revoke(CA_ROOT, got.cert.serial, 1), RS_E_CERT_UNKNOWN);
    assert_int_equal(revoke(CA_ISSUER, got.cert.serial, 7), RS_E_REQUEST_FORMAT);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &number, NULL), RS_OK);
    assert_false(is_listed(got.cert.serial));
    assert_int_equal(revoke(CA_ISSUER, got.cert.serial, 1), RS_OK);
    assert_int_equal(revoke(CA_ISSUER, got.cert.serial, 1), RS_E_CERT_REVOKED);
    assert_int_equal(pki_publish_crl(k.pki, CA_ISSUER, &number, NULL), RS_OK);
    assert_true(is_listed(got.cert.serial));
    crypto_key_free(key);
}

static void
test_a_device_and_all_it_has(void **state)
{
    struct pki_caller me = pk_caller(PKI_DEVICE, "A-1");
    struct crypto_key *key[3] = {pk_key(), pk_key(), pk_key()};
    struct pk_csr ask = {.key = key[1], .serial = "A-1"};
    struct store_device d;
    struct store *store;
    struct rs_arena arena;
    uint8_t room[4096];
    size_t count = 99;

    (void)state;
    assert_int_equal(revoke_device("nobody", &count), RS_E_DEVICE_UNKNOWN);
    assert_int_equal(count, 99);
    assert_int_equal(pk_board(&k, key[0], "o-1", "A-1", "uid-a1", &got), RS_OK);
    assert_int_equal(pk_ask(&k, &me, "", pk_csr(&ask, room, sizeof(room)), &got), RS_OK);
    assert_int_equal(revoke_device("A-1", &count), RS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(pk_count(&k, "A-1", STORE_CERT_ISSUED), 0);
    assert_int_equal(pk_count(&k, "A-1", STORE_CERT_REVOKED), 2);
    rs_arena_init(&arena, 65536);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    assert_int_equal(store_find_device(store, CA_TENANT, "A-1", &arena, &d, NULL), RS_OK);
    assert_int_equal(d.state, STORE_DEVICE_REVOKED);
    rs_arena_done(&arena);
    /* Nothing new for it; and again there is nothing left to revoke. */
    ask.key = key[2];
    assert_int_equal(pk_ask(&k, &me, "", pk_csr(&ask, room, sizeof(room)), &got),
                     RS_E_DEVICE_BLOCKED);
    assert_int_equal(revoke_device("A-1", &count), RS_OK);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < 3; i++)
        crypto_key_free(key[i]);
}

/* ---- Documents and claims ---------------------------------------------------------------- */

static void
test_documents(void **state)
{
    struct ca_approved order;
    struct doc_order doc;
    struct store_order o;
    struct store *store;
    struct rs_arena arena;
    uint8_t hash[32];

    (void)state;
    ca_order_doc(&k.ca, &doc, "o-new", 7, "sz-1", 7, hash);
    ca_approved_order(&k.ca, &doc, &order);
    order.message.approval_count = 0;
    assert_int_equal(pki_put_document(k.pki, &order.message, NULL), RS_E_APPROVAL_INVALID);
    assert_int_equal(pki_reader(k.pki, &store, NULL), RS_OK);
    rs_arena_init(&arena, 65536);
    assert_int_not_equal(store_find_order(store, CA_TENANT, "o-new", &arena, &o, NULL), RS_OK);
    order.message.approval_count = 1;
    assert_int_equal(pki_put_document(k.pki, &order.message, NULL), RS_OK);
    assert_int_equal(store_find_order(store, CA_TENANT, "o-new", &arena, &o, NULL), RS_OK);
    assert_int_equal(o.quantity, 7);
    assert_int_equal(o.state, STORE_ORDER_OPEN);
    rs_buf_done(&order.document);
    /* Closed: the store says so too. */
    doc.created_at += 1;
    doc.state = DOC_ORDER_CLOSED;
    ca_approved_order(&k.ca, &doc, &order);
    assert_int_equal(pki_put_document(k.pki, &order.message, NULL), RS_OK);
    assert_int_equal(store_find_order(store, CA_TENANT, "o-new", &arena, &o, NULL), RS_OK);
    assert_int_equal(o.state, STORE_ORDER_CLOSED);
    rs_arena_done(&arena);
    rs_buf_done(&order.document);
}

static void
test_claims(void **state)
{
    uint8_t proof[32] = {0}, room[64];
    struct rs_buf out;

    (void)state;
    rs_buf_init_fixed(&out, room, sizeof(room));
    assert_int_equal(
        pki_claim(k.pki, "x", crypto_key_pub(k.ca.device)->spki, RS_BYTES(proof), &out, NULL),
        RS_E_AUTH_TOKEN);
    assert_int_equal(out.len, 0);
}

/* Best effort: whatever is in the text, and whether a signer is there or not. */
static void
test_refusals_are_told(void **state)
{
    struct rs_err why = {0};

    (void)state;
    (void)rs_fail(&why, RS_E_AUTH_DENIED, "a line\nand a bell\a and \x80");
    pki_note_refusal(k.pki, "station:sz-1", &why);
    (void)memset(why.text, 'x', sizeof(why.text) - 1);
    pki_note_refusal(k.pki, "station:sz-1", &why);
    assert_int_equal(pki_catch_up(k.pki, NULL), RS_OK);
}

/* ---- Issuers --------------------------------------------------------------------------------- */

static void
test_issuers(void **state)
{
    const struct pki_issuer *list[4], *devices;
    struct rs_bytes chain[4];

    (void)state;
    assert_int_equal(pki_issuers(k.pki, list, 4), 2);
    assert_int_equal(pki_issuers(k.pki, list, 1), 1);
    assert_null(pki_find_issuer(k.pki, "nobody"));
    assert_int_equal(pki_chain(k.pki, "nobody", chain, 4), 0);
    assert_int_equal(pki_chain(k.pki, CA_ISSUER, chain, 4), 2);
    assert_int_equal(pki_chain(k.pki, CA_ISSUER, chain, 1), 1);
    devices = pki_find_issuer(k.pki, CA_ISSUER);
    assert_non_null(devices);
    assert_true(rs_bytes_equal(chain[0], devices->der));
    assert_int_equal(devices->cert.is_ca, 1);
    uint8_t want[32];
    crypto_sha256(devices->cert.subject, want);
    assert_memory_equal(devices->name_sha256, want, 32);
    assert_string_equal(pki_tenant(k.pki), CA_TENANT);
    assert_ptr_equal(pki_signer(k.pki), k.ca.client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_a_device_and_all_it_has),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_refusals_are_told),
        cmocka_unit_test(test_issuers),
    };

    return cmocka_run_group_tests(tests, make, drop);
}
