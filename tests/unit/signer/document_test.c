/*
 * document_test.c: which documents take effect: who approved them, the rules of
 * each kind, and the one-time code that makes the first officers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/io.h"
#include "crypto/hash.h"
#include "x509/cert.h"

static struct ca ca;
static uint8_t room[DOC_BYTES_MAX];
static struct rs_buf doc;

static int
make(void **state)
{
    (void)state;
    ca_make(&ca);
    return 0;
}

static int
make_production(void **state)
{
    (void)state;
    ca_make_production(&ca);
    return 0;
}

static int
drop(void **state)
{
    (void)state;
    ca_drop(&ca);
    return 0;
}

static struct rs_buf *
blank(void)
{
    rs_buf_init_fixed(&doc, room, sizeof(room));
    return &doc;
}

/* How many leaves there are: figure 1 of the status. */
static uint64_t
leaves(void)
{
    struct proto_item item = {.type = PROTO_STATUS};
    uint8_t out_room[256];
    struct rs_cbor c;
    struct rs_buf out;

    rs_buf_init_fixed(&out, out_room, sizeof(out_room));
    assert_int_equal(ca_call(&ca, &item, NULL, &out, NULL), RS_OK);
    rs_cbor_init(&c, rs_buf_bytes(&out));
    assert_int_equal(rs_cbor_map(&c, 7), 7);
    assert_int_equal(rs_cbor_uint(&c), 1);
    return rs_cbor_uint(&c);
}

/* ---- Profiles ---------------------------------------------------------------------------- */

static struct doc_profile
sample(const char *name, uint64_t version)
{
    return (struct doc_profile){.name = rs_bytes_str(name),
                                .version = version,
                                .type = DOC_PROFILE_TLS_CLIENT,
                                .subject = rs_bytes_str("CN={name},O=Acme"),
                                .valid_s = 86400,
                                .key_algs = DOC_KEY_P256,
                                .key_usage = 1};
}

static rs_code
put_profile_as(const struct doc_profile *p, const char *name)
{
    doc_profile_put(blank(), p);
    return ca_document(&ca, "profile", name, rs_buf_bytes(&doc), NULL);
}

static void
test_profile_rules(void **state)
{
    static const uint8_t junk[] = {0xa1, 1};
    struct doc_profile p = sample("new", 1);

    (void)state;
    assert_int_equal(ca_document(&ca, "profile", "new", RS_BYTES(junk), NULL), RS_E_REQUEST_FORMAT);
    assert_int_equal(put_profile_as(&p, "other"), RS_E_APPROVAL_INVALID);
    p.key_usage = 1u << 5; /* keyCertSign */
    assert_int_equal(put_profile_as(&p, "new"), RS_E_PROFILE_LIMIT);
    p = sample("new", 1);
    p.type = DOC_PROFILE_CA;
    assert_int_equal(put_profile_as(&p, "new"), RS_E_PROFILE_LIMIT);
    p = sample("new", 2);
    assert_int_equal(put_profile_as(&p, "new"), RS_E_EXISTS);
    p = sample("new", 1);
    assert_int_equal(put_profile_as(&p, "new"), RS_OK);
    /* The same again is no version; neither is one left out. */
    assert_int_equal(put_profile_as(&p, "new"), RS_E_EXISTS);
    p.version = 3;
    assert_int_equal(put_profile_as(&p, "new"), RS_E_EXISTS);
    p.version = 2;
    assert_int_equal(put_profile_as(&p, "new"), RS_OK);
}

static void
test_unknown_kinds(void **state)
{
    struct doc_profile p = sample("kind", 1);

    (void)state;
    doc_profile_put(blank(), &p);
    assert_int_equal(ca_document(&ca, "wish", "kind", rs_buf_bytes(&doc), NULL),
                     RS_E_APPROVAL_INVALID);
    assert_int_equal(ca_document(&ca, "bootstrap", "kind", rs_buf_bytes(&doc), NULL),
                     RS_E_APPROVAL_INVALID);
    assert_int_equal(ca_document(&ca, "claim", "kind", rs_buf_bytes(&doc), NULL),
                     RS_E_APPROVAL_INVALID);
}

/* ---- Approvals ------------------------------------------------------------------------------ */

static rs_code
send(struct proto_item *item)
{
    return ca_call(&ca, item, NULL, NULL, NULL);
}

static void
fill(struct proto_item *item, const struct doc_profile *p)
{
    memset(item, 0, sizeof(*item));
    item->type = PROTO_DOCUMENT;
    doc_profile_put(blank(), p);
    item->as.document.tenant = rs_bytes_str(CA_TENANT);
    item->as.document.kind = rs_bytes_str("profile");
    item->as.document.name = p->name;
    item->as.document.who = rs_bytes_str("person:m.keller");
    item->as.document.document = rs_buf_bytes(&doc);
}

static void
approve(struct proto_item *item, const struct crypto_key *key, uint8_t *sig)
{
    struct proto_document *m = &item->as.document;

    ca_approve(key, "profile", m->name, m->document, &m->approvals[m->approval_count++], sig);
}

static void
test_one_approval_is_needed(void **state)
{
    struct doc_profile p = sample("approved", 1);
    struct crypto_key *stranger;
    struct proto_item item;
    uint8_t sig[2][CRYPTO_SIGNATURE_MAX], other[DOC_BYTES_MAX];
    struct rs_buf b;

    (void)state;
    fill(&item, &p);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    /* A key of nobody. */
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &stranger, NULL), RS_OK);
    approve(&item, stranger, sig[0]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    /* The officer and a stranger: one bad one spoils all. */
    item.as.document.approval_count = 0;
    approve(&item, ca.officer, sig[0]);
    approve(&item, stranger, sig[1]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    /* Twice the same officer is one officer. */
    item.as.document.approval_count = 1;
    approve(&item, ca.officer, sig[1]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    /* A flipped bit. */
    item.as.document.approval_count = 1;
    sig[0][item.as.document.approvals[0].signature.len - 1] ^= 1;
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    /* Good for another document, name, or kind. */
    p.valid_s = 86401;
    rs_buf_init_fixed(&b, other, sizeof(other));
    doc_profile_put(&b, &p);
    item.as.document.approval_count = 1;
    ca_approve(ca.officer, "profile", p.name, rs_buf_bytes(&b), &item.as.document.approvals[0],
               sig[0]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    ca_approve(ca.officer, "profile", rs_bytes_str("x"), item.as.document.document,
               &item.as.document.approvals[0], sig[0]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    ca_approve(ca.officer, "order", item.as.document.name, item.as.document.document,
               &item.as.document.approvals[0], sig[0]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    /* Of the same officer of another tenant there is none. */
    item.as.document.approval_count = 0;
    approve(&item, ca.officer, sig[0]);
    item.as.document.tenant = rs_bytes_str("evil");
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    item.as.document.tenant = rs_bytes_str(CA_TENANT);
    assert_int_equal(send(&item), RS_OK);
    crypto_key_free(stranger);
}

static void
test_production_needs_two(void **state)
{
    struct doc_profile p = sample("two", 1);
    struct proto_item item;
    uint8_t sig[2][CRYPTO_SIGNATURE_MAX];

    (void)state;
    assert_int_equal(ca_claim_officer(&ca, "m.keller", ca.officer, NULL), RS_OK);
    /* One name, one officer: the second claim is for somebody else. */
    assert_int_equal(ca_claim_officer(&ca, "m.keller", ca.device, NULL), RS_E_APPROVAL_INVALID);
    assert_int_equal(ca_claim_officer(&ca, "a.sommer", ca.device, NULL), RS_OK);
    fill(&item, &p);
    approve(&item, ca.officer, sig[0]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    approve(&item, ca.officer, sig[1]);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    item.as.document.approval_count = 1;
    approve(&item, ca.device, sig[1]);
    assert_int_equal(send(&item), RS_OK);
    /* Two officers are all that the code was for. */
    assert_int_equal(ca_claim_officer(&ca, "b.third", ca.device, NULL), RS_E_AUTH_TOKEN);
}

/* ---- Officers --------------------------------------------------------------------------------- */

static rs_code
put_officer(const struct doc_officer *o, const char *name)
{
    doc_officer_put(blank(), o);
    return ca_document(&ca, "officer", name, rs_buf_bytes(&doc), NULL);
}

static void
test_officers(void **state)
{
    static const uint8_t junk[] = {0x30, 0};
    struct doc_officer o = {.name = rs_bytes_str("a.sommer"),
                            .version = 1,
                            .spki = crypto_key_pub(ca.device)->spki,
                            .active = 1};
    struct doc_profile p = sample("by-sommer", 1);
    struct proto_item item;
    uint8_t sig[CRYPTO_SIGNATURE_MAX];

    (void)state;
    assert_int_equal(ca_document(&ca, "officer", "a.sommer", RS_BYTES(junk), NULL),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(put_officer(&o, "b.other"), RS_E_APPROVAL_INVALID);
    o.spki = RS_BYTES(junk);
    assert_int_not_equal(put_officer(&o, "a.sommer"), RS_OK);
    o.spki = crypto_key_pub(ca.device)->spki;
    assert_int_equal(put_officer(&o, "a.sommer"), RS_OK);
    assert_int_equal(put_officer(&o, "a.sommer"), RS_E_APPROVAL_INVALID); /* not newer */
    fill(&item, &p);
    approve(&item, ca.device, sig);
    assert_int_equal(send(&item), RS_OK);
    /* Retired: what they sign from now on is worth nothing, and the old version stays away. */
    o.version = 2;
    o.active = 0;
    assert_int_equal(put_officer(&o, "a.sommer"), RS_OK);
    p.version = 2;
    fill(&item, &p);
    approve(&item, ca.device, sig);
    assert_int_equal(send(&item), RS_E_APPROVAL_INVALID);
    o.version = 1;
    o.active = 1;
    assert_int_equal(put_officer(&o, "a.sommer"), RS_E_APPROVAL_INVALID);
}

/* ---- Claims -------------------------------------------------------------------------------------- */

static void
test_claim_code(void **state)
{
    char path[128];

    (void)state;
    /* A proof that was made with another code. */
    ca.claim_key[0] ^= 1;
    assert_int_equal(ca_claim_officer(&ca, "x", ca.device, NULL), RS_E_AUTH_TOKEN);
    ca.claim_key[0] ^= 1;
    /* The code's file is gone, or is another one than the ledger names. */
    (void)snprintf(path, sizeof(path), "%s/claim.key", ca.signer_dir);
    assert_int_equal(rs_file_replace(path, rs_bytes_str("another"), 0600, NULL), RS_OK);
    assert_int_equal(ca_claim_officer(&ca, "x", ca.device, NULL), RS_E_AUTH_TOKEN);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ca_claim_officer(&ca, "x", ca.device, NULL), RS_E_AUTH_TOKEN);
    assert_int_equal(rs_file_replace(path, RS_BYTES(ca.claim_key), 0600, NULL), RS_OK);
    assert_int_equal(ca_claim_officer(&ca, "x", ca.device, NULL), RS_OK);
    ca_inject("clock=+90000"); /* for one it is still good, and this is too late */
    assert_int_equal(ca_claim_officer(&ca, "y", ca.officer, NULL), RS_E_AUTH_TOKEN);
}

static void
test_claim_code_works_once(void **state)
{
    (void)state;
    assert_int_equal(ca_claim_officer(&ca, "second", ca.device, NULL), RS_E_AUTH_TOKEN);
}

/* The console makes a new code while no signer runs; the old one is then worth nothing. */
static void
test_new_claim_code(void **state)
{
    uint8_t key[32], old[32];

    (void)state;
    assert_int_equal(ca_stop(&ca), RS_OK);
    memset(key, 0x77, sizeof(key));
    assert_int_equal(signer_make_claim(&ca.config, key, ca.now + 600, NULL), RS_OK);
    assert_int_equal(ca_start(&ca, NULL), RS_OK);
    assert_int_equal(ca_claim_officer(&ca, "second", ca.device, NULL), RS_E_AUTH_TOKEN);
    memcpy(old, ca.claim_key, sizeof(old));
    memcpy(ca.claim_key, key, sizeof(key));
    assert_int_equal(ca_claim_officer(&ca, "second", ca.device, NULL), RS_OK);
    assert_int_equal(ca_claim_officer(&ca, "third", ca.device, NULL), RS_E_AUTH_TOKEN);
    memcpy(ca.claim_key, old, sizeof(old));
}

/* The signer's own proof: that this root belongs to who printed the code. */
static void
test_claim_proves_the_root(void **state)
{
    static const uint8_t nul = 0;
    struct proto_item item = {.type = PROTO_CLAIM};
    struct rs_bytes spki = crypto_key_pub(ca.officer)->spki;
    struct rs_bytes parts[] = {
        rs_bytes_str("rootsmith claim v1"), {&nul, 1}, rs_bytes_str("m"), {&nul, 1}, spki};
    uint8_t mac[32], fingerprint[32], want[32], out_room[64];
    char path[128];
    struct rs_buf der, out;

    (void)state;
    crypto_hmac_sha256(RS_BYTES(ca.claim_key), parts, 5, mac);
    item.as.claim.tenant = rs_bytes_str(CA_TENANT);
    item.as.claim.name = rs_bytes_str("m");
    item.as.claim.spki = spki;
    item.as.claim.proof = RS_BYTES(mac);
    rs_buf_init_fixed(&out, out_room, sizeof(out_room));
    assert_int_equal(ca_call(&ca, &item, NULL, &out, NULL), RS_OK);
    rs_buf_init(&der, CERT_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/ca/%s.cer", ca.signer_dir, CA_ROOT);
    assert_int_equal(rs_file_read(path, CERT_BYTES_MAX, &der, NULL), RS_OK);
    cert_fingerprint(rs_buf_bytes(&der), fingerprint);
    struct rs_bytes told[] = {rs_bytes_str("rootsmith root v1"), RS_BYTES(fingerprint)};
    crypto_hmac_sha256(RS_BYTES(ca.claim_key), told, 2, want);
    assert_int_equal(out.len, 32);
    assert_memory_equal(out.p, want, 32);
    rs_buf_done(&der);
}

/* ---- Orders ------------------------------------------------------------------------------------------ */

static void
test_order_rules(void **state)
{
    static const uint8_t junk[] = {0xa0};
    struct doc_order o;
    uint8_t hash[32];

    (void)state;
    assert_int_equal(ca_document(&ca, "order", "o-1", RS_BYTES(junk), NULL), RS_E_REQUEST_FORMAT);
    ca_order_doc(&ca, &o, "o-1", 5, "sz-1", 6, hash); /* a share above the quantity */
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_CONFIG_INVALID);
    ca_order_doc(&ca, &o, "o-1", 5, "sz-1", 5, hash);
    doc_order_put(blank(), &o);
    assert_int_equal(ca_document(&ca, "order", "o-2", rs_buf_bytes(&doc), NULL),
                     RS_E_APPROVAL_INVALID);
    o.issuer = rs_bytes_str("acme-other");
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_ISSUER_UNKNOWN);
    o.issuer = rs_bytes_str(CA_ISSUER);
    o.profile = rs_bytes_str("ldevid"); /* not the name that belongs to the hash */
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_PROFILE_UNKNOWN);
    o.profile = rs_bytes_str("idevid");
    hash[0] ^= 1;
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_PROFILE_UNKNOWN);
    hash[0] ^= 1;
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_OK);
}

static rs_code
make_board(const char *serial)
{
    struct proto_issue m;
    uint8_t hash[32];

    ca_claim_board(&ca, &m, "o-1", serial, hash);
    return ca_issue(&ca, &m, NULL, NULL);
}

static void
test_order_changes(void **state)
{
    struct doc_order o;
    uint8_t hash[32], other[32];

    (void)state;
    ca_order_doc(&ca, &o, "o-1", 3, "sz-1", 3, hash);
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_OK);
    assert_int_equal(make_board("A-1"), RS_OK);
    assert_int_equal(make_board("A-2"), RS_OK);
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_APPROVAL_INVALID); /* the same again */
    o.created_at -= 10;
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_APPROVAL_INVALID); /* an older one */
    o.created_at += 20;
    o.product = rs_bytes_str("another");
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_PROFILE_LIMIT);
    o.product = rs_bytes_str("sensor-x2");
    o.issuer = rs_bytes_str(CA_ROOT);
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_PROFILE_LIMIT);
    o.issuer = rs_bytes_str(CA_ISSUER);
    ca_profile_hash(&ca, "ldevid", other);
    o.profile = rs_bytes_str("ldevid");
    o.profile_hash = RS_BYTES(other);
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_PROFILE_LIMIT);
    o.profile = rs_bytes_str("idevid");
    o.profile_hash = RS_BYTES(hash);
    o.quantity = o.target = o.shares[0].size = 1; /* two are made */
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_ORDER_EXHAUSTED);
    o.quantity = o.target = 4;
    o.shares[0].size = 3;
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_OK);
    /* What was taken stays taken, in the order and in the share. */
    assert_int_equal(make_board("A-3"), RS_OK);
    assert_int_equal(make_board("A-4"), RS_E_ORDER_EXHAUSTED);
    o.created_at++;
    o.state = DOC_ORDER_CLOSED;
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_OK);
    o.created_at++;
    o.state = DOC_ORDER_OPEN;
    assert_int_equal(ca_put_order(&ca, &o, NULL), RS_E_ORDER_CLOSED);
}

/* ---- Issuers ------------------------------------------------------------------------------------------- */

static struct doc_issuer
sub(const char *name)
{
    return (struct doc_issuer){.name = rs_bytes_str(name),
                               .parent = rs_bytes_str(CA_ROOT),
                               .subject = rs_bytes_str("CN=Another,O=Acme"),
                               .key_alg = DOC_KEY_P384,
                               .not_before = ca.now - 60,
                               .not_after = ca.now + 86400LL * 365,
                               .path_length = 0,
                               .profiles = {.items = {rs_bytes_str("person")}, .count = 1},
                               .crl_every_s = 3600};
}

static rs_code
put_issuer_as(const struct doc_issuer *i, const char *name)
{
    doc_issuer_put(blank(), i);
    return ca_document(&ca, "issuer", name, rs_buf_bytes(&doc), NULL);
}

static rs_code
put_issuer(const struct doc_issuer *i)
{
    char name[64];

    (void)snprintf(name, sizeof(name), "%.*s", (int)i->name.len, (const char *)i->name.p);
    return put_issuer_as(i, name);
}

static void
test_issuer_rules(void **state)
{
    static const uint8_t junk[] = {0xa0};
    struct doc_issuer i = sub("new-ca");

    (void)state;
    assert_int_equal(ca_document(&ca, "issuer", "new-ca", RS_BYTES(junk), NULL),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(put_issuer_as(&i, "other"), RS_E_APPROVAL_INVALID);
    i.name = rs_bytes_str(CA_ISSUER);
    assert_int_equal(put_issuer(&i), RS_E_EXISTS);
    i = sub("new-ca");
    i.key_alg = DOC_KEY_RSA2048;
    assert_int_equal(put_issuer(&i), RS_E_KEY_WEAK);
    i = sub("new-ca");
    i.not_after = i.not_before;
    assert_int_equal(put_issuer(&i), RS_E_PROFILE_LIMIT);
    i.not_after = DOC_NEVER;
    assert_int_equal(put_issuer(&i), RS_E_PROFILE_LIMIT);
    i = sub("new-ca");
    i.path_length = 9;
    assert_int_equal(put_issuer(&i), RS_E_PROFILE_LIMIT);
    i.path_length = -1;
    assert_int_equal(put_issuer(&i), RS_E_PROFILE_LIMIT);
    i = sub("new-ca");
    i.parent = rs_bytes_str("nobody");
    assert_int_equal(put_issuer(&i), RS_E_ISSUER_UNKNOWN);
    i.parent = rs_bytes_str(CA_ISSUER); /* path length 0 */
    assert_int_equal(put_issuer(&i), RS_E_PROFILE_LIMIT);
    i = sub("new-ca");
    i.not_after = ca.now + 86400LL * 366 * 40;
    assert_int_equal(put_issuer(&i), RS_E_ISSUER_EXPIRY);
    i = sub("new-ca");
    i.not_before = ca.now - 86400;
    assert_int_equal(put_issuer(&i), RS_E_ISSUER_EXPIRY);
}

static void
test_issuers_of_each_key(void **state)
{
    static const struct {
        const char *name;
        uint64_t alg;
    } kinds[] = {
        {"ca-p384", DOC_KEY_P384}, {"ca-25519", DOC_KEY_ED25519}, {"ca-rsa", DOC_KEY_RSA3072}};

    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct doc_issuer i = sub(kinds[k].name);
        struct proto_issue m;
        struct cert cert;
        uint8_t hash[32], der_room[CERT_BYTES_MAX];
        struct rs_buf der;

        i.key_alg = kinds[k].alg;
        i.not_after = ca.now + 86400LL * 800; /* longer than any certificate of its */
        assert_int_equal(put_issuer(&i), RS_OK);
        assert_int_equal(put_issuer(&i), RS_E_EXISTS);
        ca_claim(&ca, &m, "person", hash);
        m.issuer = i.name;
        rs_buf_init_fixed(&der, der_room, sizeof(der_room));
        assert_int_equal(ca_issue(&ca, &m, &der, NULL), RS_OK);
        assert_int_equal(cert_read(rs_buf_bytes(&der), &cert, NULL), RS_OK);
        /* What it was not made for, it does not sign. */
        ca_claim(&ca, &m, "station", hash);
        m.issuer = i.name;
        assert_int_equal(ca_issue(&ca, &m, NULL, NULL), RS_E_PROFILE_LIMIT);
    }
}

/* A chain of three: the middle one bounds the path length below it. */
static void
test_path_lengths(void **state)
{
    struct doc_issuer middle = sub("middle"), low = sub("low");

    (void)state;
    middle.path_length = 1;
    assert_int_equal(put_issuer(&middle), RS_OK);
    low.parent = rs_bytes_str("middle");
    low.path_length = 1;
    assert_int_equal(put_issuer(&low), RS_E_PROFILE_LIMIT);
    low.path_length = 0;
    assert_int_equal(put_issuer(&low), RS_OK);
    /* All of them are there after a restart. */
    assert_int_equal(ca_stop(&ca), RS_OK);
    assert_int_equal(ca_start(&ca, NULL), RS_OK);
    assert_int_equal(ca.ready.issuers, 4);
}

/* ---- A root's next key ---------------------------------------------------------------------------------------- */

static rs_code
put_cross(const char *of, const char *by, int64_t created_at)
{
    struct doc_cross d = {rs_bytes_str(of), rs_bytes_str(by), created_at};

    doc_cross_put(blank(), &d);
    return ca_document(&ca, "cross", of, rs_buf_bytes(&doc), NULL);
}

static struct doc_issuer
another_root(const char *name, const char *subject)
{
    struct doc_issuer i = sub(name);

    i.parent = rs_bytes_str("");
    i.subject = rs_bytes_str(subject);
    i.path_length = -1;
    i.key_alg = DOC_KEY_P384;
    return i;
}

static void
test_roots_that_are_linked(void **state)
{
    struct doc_issuer next = another_root("next-root", "CN=Acme Root,O=Acme");
    struct doc_issuer foreign = another_root("other-root", "CN=Other Root,O=Other");
    struct doc_issuer below = sub("below");
    struct doc_cross unsigned_doc = {rs_bytes_str("next-root"), rs_bytes_str(CA_ROOT), ca.now};
    struct proto_item item = {.type = PROTO_DOCUMENT};
    static const uint8_t junk[] = {0xa0};
    uint64_t before;

    (void)state;
    assert_int_equal(put_issuer(&next), RS_OK);
    assert_int_equal(put_issuer(&foreign), RS_OK);
    below.subject = rs_bytes_str("CN=Acme Root,O=Acme"); /* a name alone makes no root */
    assert_int_equal(put_issuer(&below), RS_OK);
    before = leaves();
    assert_int_equal(ca_document(&ca, "cross", "next-root", RS_BYTES(junk), NULL),
                     RS_E_REQUEST_FORMAT);
    assert_int_equal(put_cross("none", CA_ROOT, ca.now), RS_E_ISSUER_UNKNOWN);
    assert_int_equal(put_cross("next-root", "none", ca.now), RS_E_ISSUER_UNKNOWN);
    assert_int_equal(put_cross(CA_ROOT, CA_ROOT, ca.now), RS_E_PROFILE_LIMIT);
    assert_int_equal(put_cross("other-root", CA_ROOT, ca.now), RS_E_PROFILE_LIMIT);
    assert_int_equal(put_cross(CA_ROOT, "other-root", ca.now), RS_E_PROFILE_LIMIT);
    assert_int_equal(put_cross(CA_ISSUER, CA_ROOT, ca.now), RS_E_PROFILE_LIMIT);
    assert_int_equal(put_cross("below", CA_ROOT, ca.now), RS_E_PROFILE_LIMIT);
    assert_int_equal(put_cross(CA_ROOT, "below", ca.now), RS_E_PROFILE_LIMIT);
    assert_int_equal(put_cross("next-root", CA_ROOT, ca.now - 90000), RS_E_APPROVAL_INVALID);
    assert_int_equal(put_cross("next-root", CA_ROOT, ca.now + 90000), RS_E_APPROVAL_INVALID);
    doc_cross_put(blank(), &unsigned_doc);
    item.as.document = (struct proto_document){.tenant = rs_bytes_str(CA_TENANT),
                                               .kind = rs_bytes_str("cross"),
                                               .name = rs_bytes_str(CA_ROOT),
                                               .document = rs_buf_bytes(&doc)};
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_E_APPROVAL_INVALID); /* its name */
    item.as.document.name = rs_bytes_str("next-root");
    assert_int_equal(ca_call(&ca, &item, NULL, NULL, NULL), RS_E_APPROVAL_INVALID); /* nobody's */
    assert_true(leaves() <= before + 4); /* of what was refused, in aggregate */
    before = leaves();
    assert_int_equal(put_cross("next-root", CA_ROOT, ca.now), RS_OK);
    assert_int_equal(put_cross(CA_ROOT, "next-root", ca.now), RS_OK);
    assert_true(leaves() >= before + 4); /* a document and a certificate each */
    assert_int_equal(ca_stop(&ca), RS_OK);
    assert_int_equal(ca_start(&ca, NULL), RS_OK);
    assert_int_equal(ca.ready.issuers, 5);
}

/* ---- Bootstrap --------------------------------------------------------------------------------------------- */

static void
test_a_ledger_begins_once(void **state)
{
    uint64_t before = leaves();

    (void)state;
    assert_int_equal(ca_bootstrap(&ca, 0, NULL), RS_E_EXISTS);
    /* Nothing was added but the record of that refusal. */
    assert_true(leaves() <= before + 2);
}

/* What is wrong in the first documents: nothing of the installation may come into being by it. */
static rs_code
bootstrap_with(const char *kind, struct rs_bytes document)
{
    struct proto_item item = {.type = PROTO_BOOTSTRAP};
    struct proto_bootstrap *b = &item.as.bootstrap;
    struct ca other;
    rs_code rc;

    ca_prepare(&other);
    assert_int_equal(ca_start(&other, NULL), RS_OK);
    b->installation = b->tenant = rs_bytes_str(CA_TENANT);
    b->claim_key = RS_BYTES(other.claim_key);
    b->claim_until = other.now + 86400;
    b->kinds[0] = rs_bytes_str(kind);
    b->documents[0] = document;
    b->document_count = 1;
    rc = ca_call(&other, &item, NULL, NULL, NULL);
    ca_drop(&other);
    return rc;
}

static void
test_first_documents(void **state)
{
    static const uint8_t junk[] = {0xa0};
    struct doc_profile p = sample("first", 1);
    struct doc_issuer i = sub("first-ca");

    (void)state;
    assert_int_equal(bootstrap_with("order", RS_BYTES(junk)), RS_E_APPROVAL_INVALID);
    assert_int_equal(bootstrap_with("profile", RS_BYTES(junk)), RS_E_REQUEST_FORMAT);
    assert_int_equal(bootstrap_with("issuer", RS_BYTES(junk)), RS_E_REQUEST_FORMAT);
    p.key_algs = 0;
    doc_profile_put(blank(), &p);
    assert_int_equal(bootstrap_with("profile", rs_buf_bytes(&doc)), RS_E_PROFILE_LIMIT);
    doc_issuer_put(blank(), &i); /* its parent is not there */
    assert_int_equal(bootstrap_with("issuer", rs_buf_bytes(&doc)), RS_E_ISSUER_UNKNOWN);
    i.parent = rs_bytes_str("");
    i.subject = rs_bytes_str("no name at all");
    doc_issuer_put(blank(), &i);
    assert_int_not_equal(bootstrap_with("issuer", rs_buf_bytes(&doc)), RS_OK);
}

int
main(void)
{
    const struct CMUnitTest one_ca[] = {
        cmocka_unit_test(test_profile_rules),
        cmocka_unit_test(test_unknown_kinds),
        cmocka_unit_test(test_one_approval_is_needed),
        cmocka_unit_test(test_officers),
        cmocka_unit_test(test_order_rules),
        cmocka_unit_test(test_issuer_rules),
        cmocka_unit_test(test_issuers_of_each_key),
        cmocka_unit_test(test_a_ledger_begins_once),
        cmocka_unit_test(test_claim_code_works_once),
        cmocka_unit_test(test_first_documents),
    };
    const struct CMUnitTest own_ca[] = {
        cmocka_unit_test_setup_teardown(test_order_changes, make, drop),
        cmocka_unit_test_setup_teardown(test_path_lengths, make, drop),
        cmocka_unit_test_setup_teardown(test_roots_that_are_linked, make, drop),
        cmocka_unit_test_setup_teardown(test_new_claim_code, make, drop),
        cmocka_unit_test_setup_teardown(test_production_needs_two, make_production, drop),
        cmocka_unit_test_setup_teardown(test_claim_code, make_production, drop),
        cmocka_unit_test_setup_teardown(test_claim_proves_the_root, make_production, drop),
    };
    int failed = cmocka_run_group_tests(one_ca, make, drop);

    return cmocka_run_group_tests(own_ca, NULL, NULL) + failed;
}
