/*
 * ca_help.c: see ca_help.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca_help.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/inject.h"
#include "base/io.h"
#include "base/sock.h"
#include "crypto/hash.h"

#define YEAR_S     31557600
#define EC_KEYS    (DOC_KEY_P256 | DOC_KEY_P384)
#define EKU_CLIENT "1.3.6.1.5.5.7.3.2"
#define EKU_SERVER "1.3.6.1.5.5.7.3.1"

struct sample_profile {
    const char *name;
    enum doc_profile_type type;
    const char *subject;
    int64_t valid_s;
    uint64_t key_algs, flags, from_request;
    const char *eku, *dns;
    uint64_t max_size;
    int listed; /* the issuing CA may sign it */
};

static const struct sample_profile profiles[] = {
    {"idevid", DOC_PROFILE_IDEVID, "serialNumber={device.serial},CN={product.name},O=Acme",
     DOC_NEVER, DOC_KEY_P256,
     DOC_PROFILE_NEEDS_ORDER | DOC_PROFILE_NEEDS_DEVICE | DOC_PROFILE_SKI_SHA1 |
         DOC_PROFILE_SAN_HARDWARE | DOC_PROFILE_WHOLE_HOURS,
     0, EKU_CLIENT, NULL, 1024, 1},
    {"ldevid", DOC_PROFILE_LDEVID, "CN={device.serial},O=Acme", 90 * 86400, EC_KEYS,
     DOC_PROFILE_NEEDS_DEVICE, 0, EKU_CLIENT, NULL, 1024, 1},
    {"station", DOC_PROFILE_STATION, "CN={name},OU=Stations,O=Acme", 90 * 86400, EC_KEYS, 0,
     1u << DOC_VALUE_NAME, EKU_CLIENT, NULL, 0, 1},
    {"person", DOC_PROFILE_PERSON, "CN={name},OU=People,O=Acme", 365 * 86400, EC_KEYS, 0,
     1u << DOC_VALUE_NAME, EKU_CLIENT, NULL, 0, 1},
    {"tls-server", DOC_PROFILE_TLS_SERVER, "CN={name},O=Acme", 90 * 86400,
     EC_KEYS | DOC_KEY_ED25519 | DOC_KEY_RSA2048 | DOC_KEY_RSA3072, 0,
     (1u << DOC_VALUE_NAME) | (1u << DOC_VALUE_DNS) | (1u << DOC_VALUE_IP), EKU_SERVER,
     "*.acme.example", 0, 1},
    {"ocsp", DOC_PROFILE_OCSP, "CN=OCSP responder,O=Acme", 30 * 86400, EC_KEYS,
     DOC_PROFILE_OCSP_NOCHECK, 0, "1.3.6.1.5.5.7.3.9", NULL, 0, 1},
    /* Longer than its issuer lives; not in the issuer's list; too small for any certificate. */
    {"too-long", DOC_PROFILE_TLS_CLIENT, "CN={name},O=Acme", 20LL * YEAR_S, EC_KEYS, 0,
     1u << DOC_VALUE_NAME, EKU_CLIENT, NULL, 0, 1},
    {"unlisted", DOC_PROFILE_TLS_CLIENT, "CN={name},O=Acme", 86400, EC_KEYS, 0,
     1u << DOC_VALUE_NAME, EKU_CLIENT, NULL, 0, 0},
    {"tiny", DOC_PROFILE_TLS_CLIENT, "CN={name},O=Acme", 86400, EC_KEYS, 0, 1u << DOC_VALUE_NAME,
     EKU_CLIENT, NULL, 200, 1},
    {"a-ca", DOC_PROFILE_CA, "CN={name},O=Acme", 86400, EC_KEYS, 0, 1u << DOC_VALUE_NAME, NULL,
     NULL, 0, 1},
};

#define PROFILES (sizeof(profiles) / sizeof(profiles[0]))

/* ---- Directory and documents ----------------------------------------------------------- */

static struct rs_buf *
next_document(struct ca *ca, const char *kind)
{
    struct rs_buf *b = &ca->documents[ca->document_count];

    assert_true(ca->document_count < CA_DOC_MAX);
    rs_buf_init(b, DOC_BYTES_MAX);
    ca->kinds[ca->document_count++] = kind;
    return b;
}

static void
put_profile(struct ca *ca, const struct sample_profile *from)
{
    struct doc_profile p = {.name = rs_bytes_str(from->name),
                            .version = 1,
                            .type = from->type,
                            .subject = rs_bytes_str(from->subject),
                            .valid_s = from->valid_s,
                            .key_algs = from->key_algs,
                            .key_usage = 1,
                            .flags = from->flags,
                            .from_request = from->from_request,
                            .max_size = from->max_size};

    if (from->eku != NULL)
        p.eku.items[p.eku.count++] = rs_bytes_str(from->eku);
    if (from->dns != NULL)
        p.dns.items[p.dns.count++] = rs_bytes_str(from->dns);
    if ((from->flags & DOC_PROFILE_SAN_HARDWARE) != 0)
        p.hardware_type = rs_bytes_str("1.3.6.1.4.1.32473.7");
    doc_profile_put(next_document(ca, "profile"), &p);
}

static void
put_issuers(struct ca *ca)
{
    struct doc_issuer root = {.name = rs_bytes_str(CA_ROOT),
                              .subject = rs_bytes_str("CN=Acme Root,O=Acme"),
                              .key_alg = DOC_KEY_P256,
                              .not_before = ca->now - 60,
                              .not_after = ca->now + 30LL * YEAR_S,
                              .path_length = -1,
                              .crl_url = rs_bytes_str("http://pki.example/root.crl"),
                              .ca_url = rs_bytes_str("http://pki.example/root.cer"),
                              .crl_every_s = 86400};
    struct doc_issuer devices = {.name = rs_bytes_str(CA_ISSUER),
                                 .parent = rs_bytes_str(CA_ROOT),
                                 .subject = rs_bytes_str("CN=Acme Devices,O=Acme"),
                                 .key_alg = DOC_KEY_P256,
                                 .not_before = ca->now - 60,
                                 .not_after = ca->now + 15LL * YEAR_S,
                                 .path_length = 0,
                                 .crl_url = rs_bytes_str("http://pki.example/devices.crl"),
                                 .ocsp_url = rs_bytes_str("http://pki.example/ocsp"),
                                 .ca_url = rs_bytes_str("http://pki.example/devices.cer"),
                                 .crl_every_s = 86400};

    for (size_t i = 0; i < PROFILES; i++) {
        if (profiles[i].listed)
            devices.profiles.items[devices.profiles.count++] = rs_bytes_str(profiles[i].name);
    }
    doc_issuer_put(next_document(ca, "issuer"), &root);
    doc_issuer_put(next_document(ca, "issuer"), &devices);
}

void
ca_prepare(struct ca *ca)
{
    memset(ca, 0, sizeof(*ca));
    ca_inject("");
    (void)snprintf(ca->dir, sizeof(ca->dir), "/tmp/rs-signer-XXXXXX");
    assert_non_null(mkdtemp(ca->dir));
    (void)snprintf(ca->signer_dir, sizeof(ca->signer_dir), "%s/signer", ca->dir);
    (void)snprintf(ca->witness_dir, sizeof(ca->witness_dir), "%s/witness", ca->dir);
    assert_int_equal(rs_dir_make(ca->signer_dir, 0700, NULL), RS_OK);
    assert_int_equal(rs_dir_make(ca->witness_dir, 0700, NULL), RS_OK);
    assert_int_equal(rs_secret_init(&ca->passphrase, 16, NULL), RS_OK);
    memcpy(ca->passphrase.p, "0123456789abcdef", 16);
    memset(ca->claim_key, 0x5c, sizeof(ca->claim_key));
    ca->config = (struct signer_config){.dir = ca->signer_dir,
                                        .witness_dir = ca->witness_dir,
                                        .passphrase = &ca->passphrase,
                                        .threads = 2,
                                        .start_empty = 1};
    ca->now = rs_now();
    for (size_t i = 0; i < PROFILES; i++)
        put_profile(ca, &profiles[i]);
    put_issuers(ca);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &ca->officer, NULL), RS_OK);
    assert_int_equal(crypto_key_generate(CRYPTO_P256, &ca->device, NULL), RS_OK);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

void
ca_abandon(struct ca *ca)
{
    ca_inject("");
    if (ca->running)
        (void)ca_stop(ca);
    for (size_t i = 0; i < ca->document_count; i++)
        rs_buf_done(&ca->documents[i]);
    crypto_key_free(ca->officer);
    crypto_key_free(ca->device);
    rs_secret_done(&ca->passphrase);
    (void)nftw(ca->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
ca_drop(struct ca *ca)
{
    rs_code rc = ca->running ? ca_stop(ca) : RS_OK;

    ca_abandon(ca);
    assert_int_equal(rc, RS_OK);
}

/* ---- The signer's thread ----------------------------------------------------------------- */

static void *
run(void *arg)
{
    struct ca *ca = arg;

    ca->rc = signer_run(&ca->config, ca->fd, &ca->why);
    rs_sock_close(ca->fd);
    return NULL;
}

void
ca_start_raw(struct ca *ca, int *ret_fd)
{
    int pair[2];

    assert_int_equal(rs_sock_pair(1 << 20, pair, NULL), RS_OK);
    ca->fd = pair[1];
    ca->rc = RS_OK;
    ca->why = (struct rs_err){0};
    assert_int_equal(pthread_create(&ca->thread, NULL, run, ca), 0);
    *ret_fd = pair[0];
}

rs_code
ca_join(struct ca *ca)
{
    assert_int_equal(pthread_join(ca->thread, NULL), 0);
    return ca->rc;
}

rs_code
ca_start(struct ca *ca, struct rs_err *err)
{
    rs_code rc;
    int fd;

    ca_start_raw(ca, &fd);
    rc = signer_client_new(fd, "test", &ca->client, &ca->ready, err);
    if (rc == RS_OK)
        ca->running = 1;
    else
        (void)ca_join(ca);
    return rc;
}

rs_code
ca_stop(struct ca *ca)
{
    signer_client_free(ca->client);
    ca->client = NULL;
    ca->running = 0;
    return ca_join(ca);
}

rs_code
ca_call(struct ca *ca, const struct proto_item *item, uint64_t *ret_leaf, struct rs_buf *out,
        struct rs_err *err)
{
    return signer_client_call(ca->client, item, ret_leaf, out, err);
}

rs_code
ca_bootstrap(struct ca *ca, int production, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_BOOTSTRAP};
    struct proto_bootstrap *b = &item.as.bootstrap;

    b->installation = rs_bytes_str("acme");
    b->tenant = rs_bytes_str(CA_TENANT);
    b->production = (uint8_t)production;
    b->claim_key = RS_BYTES(ca->claim_key);
    b->claim_until = ca->now + 86400;
    for (size_t i = 0; i < ca->document_count; i++) {
        b->kinds[i] = rs_bytes_str(ca->kinds[i]);
        b->documents[i] = rs_buf_bytes(&ca->documents[i]);
    }
    b->document_count = ca->document_count;
    return ca_call(ca, &item, NULL, NULL, err);
}

rs_code
ca_claim_officer(struct ca *ca, const char *name, const struct crypto_key *key, struct rs_err *err)
{
    static const uint8_t nul = 0;
    struct proto_item item = {.type = PROTO_CLAIM};
    struct proto_claim *m = &item.as.claim;
    struct rs_bytes spki = crypto_key_pub(key)->spki;
    struct rs_bytes parts[] = {
        rs_bytes_str("rootsmith claim v1"), {&nul, 1}, rs_bytes_str(name), {&nul, 1}, spki};
    uint8_t mac[32];

    crypto_hmac_sha256(RS_BYTES(ca->claim_key), parts, 5, mac);
    m->tenant = rs_bytes_str(CA_TENANT);
    m->name = rs_bytes_str(name);
    m->spki = spki;
    m->proof = RS_BYTES(mac);
    return ca_call(ca, &item, NULL, NULL, err);
}

static void
make(struct ca *ca, int production)
{
    struct rs_err err = {0};

    ca_prepare(ca);
    if (ca_start(ca, &err) != RS_OK || ca_bootstrap(ca, production, &err) != RS_OK)
        fail_msg("no CA: %s", err.text);
    if (!production && ca_claim_officer(ca, "m.keller", ca->officer, &err) != RS_OK)
        fail_msg("no officer: %s", err.text);
}

void
ca_make(struct ca *ca)
{
    make(ca, 0);
}

void
ca_make_production(struct ca *ca)
{
    make(ca, 1);
}

/* ---- Documents --------------------------------------------------------------------------- */

void
ca_profile_hash(const struct ca *ca, const char *profile, uint8_t hash[32])
{
    for (size_t i = 0; i < PROFILES; i++) {
        if (strcmp(profiles[i].name, profile) == 0) {
            crypto_sha256(rs_buf_bytes(&ca->documents[i]), hash);
            return;
        }
    }
    fail_msg("no profile %s", profile);
}

void
ca_approve(const struct crypto_key *officer, const char *kind, struct rs_bytes name,
           struct rs_bytes document, struct doc_approval *ret, uint8_t *sig)
{
    uint8_t room[512];
    struct rs_buf message;
    size_t len;

    rs_buf_init_fixed(&message, room, sizeof(room));
    doc_approval_message(kind, name, document, &message);
    assert_int_equal(
        crypto_sign(officer, rs_buf_bytes(&message), sig, CRYPTO_SIGNATURE_MAX, &len, NULL), RS_OK);
    crypto_pub_hash(crypto_key_pub(officer), ret->key_hash);
    ret->signature = rs_bytes_of(sig, len);
}

static void
fill_document(struct ca *ca, struct proto_document *m, const char *kind, struct rs_bytes name,
              struct rs_bytes document, uint8_t *sig)
{
    memset(m, 0, sizeof(*m));
    m->tenant = rs_bytes_str(CA_TENANT);
    m->kind = rs_bytes_str(kind);
    m->name = name;
    m->who = rs_bytes_str("person:m.keller");
    m->document = document;
    m->approval_count = 1;
    ca_approve(ca->officer, kind, name, document, &m->approvals[0], sig);
}

rs_code
ca_document(struct ca *ca, const char *kind, const char *name, struct rs_bytes document,
            struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_DOCUMENT};
    uint8_t sig[CRYPTO_SIGNATURE_MAX];

    fill_document(ca, &item.as.document, kind, rs_bytes_str(name), document, sig);
    return ca_call(ca, &item, NULL, NULL, err);
}

void
ca_order_doc(const struct ca *ca, struct doc_order *doc, const char *name, uint64_t quantity,
             const char *station, uint64_t share, uint8_t hash[32])
{
    ca_profile_hash(ca, "idevid", hash);
    *doc = (struct doc_order){.name = rs_bytes_str(name),
                              .product = rs_bytes_str("sensor-x2"),
                              .product_version = 1,
                              .issuer = rs_bytes_str(CA_ISSUER),
                              .profile = rs_bytes_str("idevid"),
                              .profile_hash = rs_bytes_of(hash, 32),
                              .quantity = quantity,
                              .target = quantity,
                              .state = DOC_ORDER_OPEN,
                              .valid_from = ca->now - 60,
                              .valid_until = ca->now + 86400,
                              .shares = {{rs_bytes_str(station), share}},
                              .share_count = 1,
                              .rot = rs_bytes_str("soft"),
                              .created_at = ca->now};
}

rs_code
ca_put_order(struct ca *ca, const struct doc_order *doc, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_DOCUMENT};
    struct ca_approved order;
    rs_code rc;

    ca_approved_order(ca, doc, &order);
    item.as.document = order.message;
    rc = ca_call(ca, &item, NULL, NULL, err);
    rs_buf_done(&order.document);
    return rc;
}

void
ca_approved_order(struct ca *ca, const struct doc_order *doc, struct ca_approved *ret)
{
    rs_buf_init(&ret->document, DOC_BYTES_MAX);
    doc_order_put(&ret->document, doc);
    assert_true(rs_buf_ok(&ret->document));
    fill_document(ca, &ret->message, "order", doc->name, rs_buf_bytes(&ret->document), ret->sig);
}

void
ca_order(struct ca *ca, const char *name, uint64_t quantity)
{
    struct rs_err err = {0};
    struct doc_order doc;
    uint8_t hash[32];

    ca_order_doc(ca, &doc, name, quantity, "sz-1", quantity, hash);
    if (ca_put_order(ca, &doc, &err) != RS_OK)
        fail_msg("no order: %s", err.text);
}

/* ---- Issuing ---------------------------------------------------------------------------------- */

void
ca_claim(struct ca *ca, struct proto_issue *m, const char *profile, uint8_t hash[32])
{
    memset(m, 0, sizeof(*m));
    rs_set_u64(ca->request_id, ++ca->next_request);
    ca_profile_hash(ca, profile, hash);
    m->request_id = RS_BYTES(ca->request_id);
    m->tenant = rs_bytes_str(CA_TENANT);
    m->issuer = rs_bytes_str(CA_ISSUER);
    m->profile_hash = rs_bytes_of(hash, 32);
    m->who = rs_bytes_str("station:sz-1");
    m->object = rs_bytes_str("server");
    m->spki = crypto_key_pub(ca->device)->spki;
    m->values[m->value_count++] = (struct proto_value){DOC_VALUE_NAME, rs_bytes_str("sz-1")};
}

void
ca_claim_board(struct ca *ca, struct proto_issue *m, const char *order, const char *serial,
               uint8_t hash[32])
{
    static const uint8_t uid[] = {1, 0x23, 4, 5, 6, 7, 8, 9, 0xee};

    ca_claim(ca, m, "idevid", hash);
    m->object = rs_bytes_str("idevid");
    m->order = rs_bytes_str(order);
    m->station = rs_bytes_str("sz-1");
    m->chip_model = rs_bytes_str("soft");
    m->chip_uid = RS_BYTES(uid);
    m->values[0] = (struct proto_value){DOC_VALUE_DEVICE_SERIAL, rs_bytes_str(serial)};
    m->values[1] = (struct proto_value){DOC_VALUE_PRODUCT, rs_bytes_str("sensor-x2")};
    m->value_count = 2;
}

rs_code
ca_issue(struct ca *ca, const struct proto_issue *m, struct rs_buf *ret_der, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_ISSUE};

    item.as.issue = *m;
    return ca_call(ca, &item, NULL, ret_der, err);
}

rs_code
ca_revoke(struct ca *ca, struct rs_bytes serial, uint8_t reason, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_REVOKE};
    struct proto_revoke *m = &item.as.revoke;

    rs_set_u64(ca->request_id, ++ca->next_request);
    m->request_id = RS_BYTES(ca->request_id);
    m->tenant = rs_bytes_str(CA_TENANT);
    m->issuer = rs_bytes_str(CA_ISSUER);
    m->serial = serial;
    m->who = rs_bytes_str("person:m.keller");
    m->text = rs_bytes_str("test");
    m->reason = reason;
    return ca_call(ca, &item, NULL, NULL, err);
}

rs_code
ca_crl(struct ca *ca, struct rs_buf *ret_der, struct rs_err *err)
{
    struct proto_item item = {.type = PROTO_CRL};

    item.as.crl.tenant = rs_bytes_str(CA_TENANT);
    item.as.crl.issuer = rs_bytes_str(CA_ISSUER);
    return ca_call(ca, &item, NULL, ret_der, err);
}

/* ---- Faults ------------------------------------------------------------------------------------ */

void
ca_inject(const char *rules)
{
    (void)setenv("ROOTSMITH_INJECT", rules, 1);
    rs_inject_program("test");
}
